"""Which column of a table without a contract is the target, and which task and metric it and the sample submission
show; the reason of each, and what is wrong with such a target."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from features.contracts.spelling import marked, numbers_of
from features.contracts.tables import unnamed
from features.contracts.words import levels_of, missing_labels, ranked
from features.encoding.target import heavy_tailed, tamed_by_logarithm
from features.errors import UserError, aside, enumerated, hint, listed, quoted
from features.inference.column_types import BOOLEANS, ROWS_A_CLASS
from features.inference.number_forms import units_of
from features.scoring.submission import classes_of, stripped
from features.tasks import ALIASES, ALL_METRICS, DECIDED, METRICS, OF_RANKS, OF_VALUES, RANKED_AS

# Whole numbers with at most so many values, each in ``ROWS_A_CLASS`` rows or more on average, are classes.
MAX_CLASSES = 20
# Rows that a class needs: one to learn from, one to stop by, one to score.
FEWEST = 3
# A class with less than this part of an equal share of the rows is so rare that a competition seldom counts right
# answers alone.
RARE = 0.4
# A word that mostly means a missing value, and at times a class.
NOT_ASSIGNED = "NA"


def find_target(
    train: pd.DataFrame, test: pd.DataFrame, sample: pd.DataFrame | None, given: str | None
) -> tuple[str, str]:
    """The target and why: as given, else the column of train that test lacks or has empty; the sample decides among
    several."""
    have = [str(name) for name in train.columns]
    if given is not None:
        if given not in have:
            where = " (test has it; were train and test exchanged?)" if given in test.columns else ""
            raise UserError(
                f"the training table has no column {given!r}, the target{aside(given, have)}{where}. "
                f"It has {listed(have, most=8)}."
            )
        return given, "named with --target"
    empty = [name for name in have if name in test.columns and test[name].isna().all() and train[name].notna().any()]
    absent = [name for name in have if name not in test.columns or name in empty]
    answers = [] if sample is None else [str(name) for name in sample.columns[1:]]
    named = [name for name in absent if name in answers]
    if len(named) > 1:
        raise UserError(
            f"the sample submission asks for {len(named)} columns that test lacks: {listed(named, most=8)}; one target "
            f"is learned at a time. Name one with --target (--target {named[0]}), each as a competition of its own."
        )
    if len(absent) == 1:
        # Where the target stands in the place of the id, the two are only exchanged, as ``find_id`` tells.
        exchanged = sample is not None and str(sample.columns[0]) == absent[0]
        if len(answers) == 1 and answers[0] in have and not (named or exchanged):
            raise UserError(
                f"the sample submission asks for {answers[0]!r}, which test has; the one column that test lacks is "
                f"{absent[0]!r}. Give this competition's sample, or name the target with --target."
            )
        return absent[0], "the one column that test " + ("has empty" if empty else "lacks")
    if len(named) == 1:
        return named[0], "test lacks it and the sample submission asks for it"
    asked = [name for name in absent if _are_classes(answers, train[name])]
    if len(asked) == 1:
        return asked[0], "test lacks it and the sample submission has a column for each of its classes"
    missing = [name for name in answers if name not in have] if len(answers) == 1 else []
    if not absent and missing:
        where = " (test has it; were train and test exchanged?)" if missing[0] in test.columns else ""
        raise UserError(
            f"the sample submission asks for {missing[0]!r}, which the training table lacks"
            f"{where or aside(missing[0], have)}. Give the training table with its target, or name it with "
            "--target."
        )
    if not absent and answers and answers[0] in have:
        return answers[0], "the sample submission asks for it"
    foreign = [str(name) for name in test.columns if name not in have]
    if not absent and foreign:
        raise UserError(
            f"test has every column of train, and {listed(foreign, most=8)} besides; expected it to lack the target. "
            "Were train and test exchanged?"
        )
    if not absent:
        raise UserError(
            "test has every column of train, so none shows itself as the target; expected test without it, since its "
            "rows are to be predicted. Delete the target's column in test."
        )
    lacks = "lacks or has empty" if empty else "lacks"
    others = f", and has {listed(foreign, most=8)} instead{aside(foreign[0], absent)}" if foreign else ""
    cure = "Name the target with --target" + (", and write the others alike in both files." if foreign else ".")
    cure = (unnamed(foreign) and unnamed(absent)) or cure
    raise UserError(f"test {lacks} {len(absent)} columns of train: {listed(absent, most=8)}{others}. {cure}")


def _are_classes(answers: list[str], cells: pd.Series) -> bool:
    """Is there one of several ``answers`` for each of the words in ``cells``?"""
    labels = set(stripped(cells.dropna()))
    if len(answers) < 2 or len(answers) != len(labels):
        return False
    try:
        classes_of(answers, sorted(labels))
    except ValueError:
        return False
    return True


def check_no_gaps(cells: pd.Series, target: str, notes: list[str]) -> None:
    """Raises ``UserError`` where the target is missing. Among words NA may be one (North America), where it is about as
    frequent as another class."""
    gaps = missing_labels(cells)
    counts = cells.astype(str).str.strip().value_counts()
    rarest = counts.drop(NOT_ASSIGNED, errors="ignore").min()
    if numbers_of(cells)[1].any() and counts.get(NOT_ASSIGNED, 0) >= max(ROWS_A_CLASS, rarest / 2):
        gaps &= (cells.astype(str).str.strip() != NOT_ASSIGNED).to_numpy()
        notes.append(
            f"{target}: {NOT_ASSIGNED!r} ({counts[NOT_ASSIGNED]} rows) is taken for a class, since it is about as "
            "frequent as another; delete these rows if it means that the answer is missing"
        )
    rows = np.flatnonzero(gaps)
    if len(rows):
        cell = cells.iloc[rows[0]]
        spelt = "" if cell is None or cell != cell else f", where it is {str(cell)!r}"
        number, these = (
            (f"{len(rows)} rows", "these rows, or fill them") if len(rows) > 1 else ("1 row", "it, or fill it")
        )
        raise UserError(
            f"the training table's target {target!r} is missing in {number} (row {rows[0] + 2} first{spelt}). "
            f"Delete {these} in."
        )


def whole_labels(cells: pd.Series, sample: pd.DataFrame | None = None) -> pd.Series:
    """``cells`` with all numbers spelt as integers (1), where they are whole and some are spelt as floats (1.0). Else
    as they are, also where columns of ``sample`` are named after the floats."""
    numbers, wrong = numbers_of(cells)
    words = cells.astype(str).str.strip()
    floats = tuple(words[words.str.contains(".", regex=False)].unique())
    named = sample is not None and any(str(name).endswith(floats) for name in sample.columns[1:])
    whole = numbers[numbers.notna()]
    if not floats or named or wrong.any() or not (whole % 1 == 0).all():
        return cells
    return cells.mask(numbers.notna(), whole.map(lambda value: str(int(value))))


def with_whole_labels(
    train: pd.DataFrame, sample: pd.DataFrame | None, target: str, notes: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Both tables with labels as by ``whole_labels``, so that 1 and 1.0 are one class.

    The submission has integers then, whichever way the sample spells labels: the two are equal as numbers. Where the
    sample alone has floats, they are probabilities if the labels are 0 and 1.
    """
    cells, labels = train[target], whole_labels(train[target], sample)
    if labels.equals(cells):
        whole = set(levels_of(cells))
        if sample is not None and len(sample.columns) == 2 and whole != {"0", "1"}:
            answer = str(sample.columns[1])
            answers = whole_labels(sample[answer])
            sample = sample.assign(**{answer: answers}) if set(stripped(answers.dropna())) <= whole else sample
        return train, sample
    notes.append(f"{target}: labels spelt as floats ({str(cells[cells != labels].iloc[0])!r}), written as integers")
    if sample is not None and len(sample.columns) == 2:
        answer = str(sample.columns[1])
        sample = sample.assign(**{answer: whole_labels(sample[answer])})
    return train.assign(**{target: labels}), sample


def find_task(cells: pd.Series, sample: pd.DataFrame | None, metric: str | None) -> tuple[str, str]:
    """binary, multiclass or regression, and why."""
    if metric is not None and metric not in ALL_METRICS:
        spelt = metric.lower().replace("-", "_")
        near = hint(ALIASES.get(spelt, metric), ALL_METRICS)
        if spelt in RANKED_AS:
            near = f"; take {RANKED_AS[spelt]}, by which models rank the same."
        raise UserError(f"--metric is {metric!r}{near} Known: {listed(ALL_METRICS)}.")
    numbers, wrong = numbers_of(cells)
    labels = whole_labels(cells, sample).astype(str).str.strip()
    count = labels.nunique()
    if metric in OF_VALUES:
        if wrong.any():
            _check_odd(cells, wrong, metric)
            row = int(np.flatnonzero(wrong)[0])
            raise UserError(
                f"--metric {metric} compares numbers, but the target in train, row {row + 2}, is "
                f"{str(cells.iloc[row])!r}. Name another metric or target."
            )
        return "regression", f"{metric} compares numbers"
    classes = "binary" if count == 2 else "multiclass"
    if metric is not None:
        if metric not in METRICS[classes]:
            known = enumerated(METRICS[classes], "or")
            raise UserError(f"--metric {metric} is of two classes, the target has {count}. Use {known}.")
        return classes, f"{metric} judges classes, there are {count}"
    if wrong.any():
        frequent = labels[wrong].value_counts().min() >= ROWS_A_CLASS and count <= MAX_CLASSES
        if not frequent or (wrong & marked(cells)).any():
            _check_odd(cells, wrong, None)
        return classes, f"{count} words"
    values = numbers.to_numpy()
    if count == 2:
        return "binary", f"two values, {listed(levels_of(labels), most=8)}"
    whole = bool(np.all(np.isfinite(values)) and np.all(values == np.floor(values)))
    if whole and count <= MAX_CLASSES and len(cells) >= ROWS_A_CLASS * count and not _fractions(sample):
        return "multiclass", f"{count} whole numbers (if they measure something, as stars do, --metric rmse)"
    return "regression", f"{count} different numbers"


def _check_odd(cells: pd.Series, wrong: np.ndarray, metric: str | None) -> None:
    """Raises ``UserError`` where most cells of the target are numbers: the others, ``wrong [n]``, are slips then, and
    would make a class of every number."""
    if 2 * wrong.sum() >= len(cells):
        return
    row = int(np.flatnonzero(wrong)[0])
    several = wrong.sum() > 1
    raise UserError(
        f"train, row {row + 2}: the target {cells.name!r} is {str(cells.iloc[row])!r}, but "
        f"{len(cells) - wrong.sum()} of {len(cells)} cells are numbers. "
        f"Correct or delete the row{'s' if several else ''}"
        + (", or name --metric accuracy if all are classes." if metric is None else ".")
    )


def _fractions(sample: pd.DataFrame | None) -> bool:
    """Whether the sample's one answer column holds fractions, as an answer in numbers would."""
    if sample is None or len(sample.columns) != 2:
        return False
    numbers, wrong = numbers_of(sample.iloc[:, 1])
    values = numbers[~wrong].to_numpy()
    values = values[np.isfinite(values)]
    return bool(np.any(values != np.floor(values)))


def find_metric(cells: pd.Series, task: str, sample: pd.DataFrame | None, given: str | None) -> tuple[str, str]:
    """The metric and why, from the sample submission's form where none is given."""
    if given == "rmsle" and numbers_of(cells)[0].min() < 0:
        row = int(numbers_of(cells)[0].argmin())
        raise UserError(
            f"--metric rmsle takes logarithms, but the target in train, row {row + 2}, is {str(cells.iloc[row])!r}; "
            "expected 0 or more. Use rmse or mae."
        )
    if given == "mape" and len(zeros := np.flatnonzero(numbers_of(cells)[0] == 0)):
        row = int(zeros[0])
        raise UserError(
            f"--metric mape divides by the target, which in train, row {row + 2}, is {str(cells.iloc[row])!r}; "
            "expected no 0. Use rmse or mae."
        )
    if given in OF_RANKS and not ranked(classes := levels_of(cells.astype(str))):
        raise UserError(
            f"--metric {given} asks how far apart classes lie, but those of the target are {listed(classes, most=6)}; "
            "expected whole numbers in equal steps. Write them as 0, 1, 2 in their order, in train and sample alike."
        )
    if given is not None:
        return given, "named with --metric"
    if task == "regression":
        values = numbers_of(cells)[0].to_numpy()
        if tamed_by_logarithm(values[np.isfinite(values)]):
            return "rmsle", "positive and skewed, so ratios count; --metric rmse if the competition says so"
        heavy = heavy_tailed(values[np.isfinite(values)])
        others = [*["rmsle"] * bool((values >= 0).all()), *["mae"] * heavy]
        told = f"; --metric {' or '.join(others)} if the competition says so" if others else ""
        return (
            "rmse",
            f"the answer is a number{', and a few rows far from the others decide the score' if heavy else ''}{told}",
        )
    if sample is None:
        return "accuracy", "no sample submission says otherwise"
    if len(sample.columns) > 2:
        return "log_loss", f"the sample has {len(sample.columns) - 1} columns of answers, probabilities of the classes"
    levels, answers = set(cells.astype(str).str.strip()), sample.iloc[:, 1].dropna().astype(str).str.strip()
    if answers.empty:
        return "accuracy", "the sample has no answers that say otherwise"
    if set(answers) <= levels:
        # One label in all rows may be a probability of 0 or 1 as well.
        open_still = task == "binary" and answers.nunique() == 1 and not numbers_of(answers)[1].any()
        counts = cells.astype(str).str.strip().value_counts()
        told = "the sample's answers are labels"
        if open_still:
            told += "; --metric roc_auc or log_loss if the competition asks for probabilities"
        if counts.min() < RARE * counts.sum() / len(counts):
            other = "f1" if task == "binary" else "macro_f1 or balanced_accuracy"
            told += f"; few rows are {quoted(str(counts.index[-1]))}, so perhaps --metric {other}"
        if task == "multiclass" and ranked(levels_of(cells.astype(str))):
            told += "; --metric qwk if an answer further off is a greater mistake"
        return "accuracy", told
    numbers, wrong = numbers_of(answers)
    if not wrong.any() and numbers.between(0, 1).all() and task == "binary":
        # Words, of which the sample's 0 and 1 may be the codes.
        coded = numbers.isin([0, 1]).all() and numbers_of(pd.Series(sorted(levels), dtype=object))[1].any()
        return "roc_auc", "the sample's answers are probabilities; --metric log_loss if the competition says so" + (
            ", or accuracy, with the target written as 0 and 1 in train, if it asks for labels" if coded else ""
        )
    first = next(value for value in answers if value not in levels)
    raise UserError(
        f"the sample submission's answer {first!r} is no label of the target ({listed(sorted(levels), most=8)}) and no "
        "probability of two classes. Give the right sample, or name the metric with --metric."
    )


def find_positive(cells: pd.Series, task: str, metric: str, given: str | None) -> tuple[str, str]:
    """Of two classes the one that F1 is of, and why: 1, true or yes, else the rarer one, as what is looked for mostly
    is. "" where nothing depends on it and none is ``given``."""
    counts = cells.astype(str).str.strip().value_counts()
    if given is not None:
        if task != "binary" or given not in counts.index:
            what = listed(sorted(counts.index), most=8) if task == "binary" else "no two classes"
            raise UserError(f"--positive is {given!r}, but the target has {what}. Name one of two classes.")
        return given, "named with --positive"
    if metric != "f1":
        return "", ""
    words = levels_of(cells.astype(str))
    if {word.lower() for word in words} in BOOLEANS or not numbers_of(pd.Series(words, dtype=object))[1].any():
        return words[-1], "the second of the two; --positive if the competition means the other"
    return str(counts.index[-1]), "the rarer one; --positive if the competition means the other"


def check_target(cells: pd.Series, task: str, target: str) -> None:
    """Raises ``UserError`` on too few rows, a target that never varies, one that is infinite or beyond 32 bits, or a
    class of a row or two."""
    if len(cells) < 2 * FEWEST:
        raise UserError(f"train has {len(cells)} rows; expected {2 * FEWEST} or more. Give the whole training table.")
    if task == "regression":
        values = numbers_of(cells)[0].to_numpy()
        wrong = np.flatnonzero(~(np.abs(values) <= np.finfo(np.float32).max))
        if len(wrong):
            raise UserError(
                f"train, row {wrong[0] + 2}: the target {target!r} is {str(cells.iloc[wrong[0]])!r} ({len(wrong)} such "
                "rows); expected finite numbers of 3.4e38 or less. Correct or delete the rows."
            )
        if len(np.unique(values)) > 1:
            return
    counts = cells.astype(str).str.strip().value_counts()
    if len(counts) < 2:
        raise UserError(f"the target {target!r} is {counts.index[0]!r} in every row; there is nothing to learn.")
    rare, count = counts.index[-1], int(counts.iloc[-1])
    if task != "regression" and count < FEWEST and len(counts) > MAX_CLASSES:
        units = [repr(unit) for unit in units_of(cells)]
        if units or 2 * len(counts) > len(cells):
            what = f"numbers with {listed(units, most=5)}{' or nothing' * (len(units) == 1)}" if units else "words"
            raise UserError(
                f"the target {target!r} is {what}, {len(counts)} different ones in {len(cells)} rows, as "
                f"{str(rare)!r}; expected classes of {FEWEST} rows or more each, or numbers. If they are numbers, "
                "write them alone, in one unit, as 1234.5."
            )
    if task != "regression" and count < FEWEST:
        row = int(np.flatnonzero(cells.astype(str).str.strip() == rare)[0])
        raise UserError(
            f"class {rare!r} of the target {target!r} has {count} row{'' if count == 1 else 's'} (train, row {row + 2})"
            f"; expected {FEWEST} or more, to learn from, to stop by and to score. "
            "Delete the class, or join it with another."
        )


def told_unlike(sample: pd.DataFrame | None, levels: Sequence[str], metric: str) -> list[str]:
    """A sentence where labels are to be written, some are words, and the sample's answers are others."""
    if sample is None or metric not in DECIDED or len(sample.columns) != 2:
        return []
    other = [word for word in stripped(sample.iloc[:, 1].dropna()) if word not in levels]
    if not other or not numbers_of(pd.Series([*levels, other[0]], dtype=object))[1].any():
        return []
    return [
        f"the sample submission's answer {other[0]!r} is no label of the target ({listed(levels, most=8)}), as the "
        "answers here will be; if the competition wants the sample's, write the training table's target so"
    ]
