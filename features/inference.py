"""A first contract of a table without one: task, metric, target, id, and what each column is (``column_types``), with
the reason of each decision. Pure functions on tables of strings, as ``parse_table`` returns them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from features.checks import ids_shared
from features.column_types import (
    ROWS_A_CLASS,
    RUNNING,
    RUNNING_WORDS,
    infer_column,
    may_hold_several,
    read_with,
    repeated_words,
    told_far,
    told_missing,
    told_twofold,
)
from features.columns import date_format
from features.composite import find_separator, taken_apart
from features.contract import Column, Contract, levels_of, missing_labels
from features.errors import UserError, aside, enumerated, hint, listed, nearest, quoted
from features.identifiers import ID_NAME, group_columns, shown_by_ids, told_shared
from features.spelling import (
    FOR_MISSING,
    PLAIN,
    Spelling,
    doubtful,
    find_spelling,
    marked,
    numbers_of,
    plainly,
    shows_decimal_comma,
    shows_decimal_point,
    shows_point_and_comma,
    units_of,
    written_in_several_ways,
)
from features.submission import classes_of, misfit, stripped
from features.target import heavy_tailed, tamed_by_logarithm
from features.tasks import ALL_MEASURES, SIZED

# Whole numbers with at most so many values, each in ``ROWS_A_CLASS`` rows or more on average, are classes.
MAX_CLASSES = 20
# Rows that a class needs: one to learn from, one to stop by, one to score.
FEWEST = 3
# A word that mostly means a missing value, and at times a class.
NOT_ASSIGNED = "NA"
ROW = "row"
# Share of test's cells that train has, from which cells that are taken apart stay a category, too.
KNOWN = 0.9


@dataclass(frozen=True)
class Inferred:
    """What was decided: ``reasons`` has a sentence for each column, ``notes`` what was changed in the tables."""

    contract: Contract
    task: str
    metric: str
    train: pd.DataFrame
    test: pd.DataFrame
    sample: pd.DataFrame
    reasons: dict[str, str]
    notes: tuple[str, ...]

    @property
    def rarest(self) -> int:
        """Rows of the rarest class; all rows for regression."""
        if self.task == "regression":
            return len(self.train)
        return int(self.train[self.contract.target].str.strip().value_counts().iloc[-1])


def infer(
    train: pd.DataFrame,
    test: pd.DataFrame,
    sample: pd.DataFrame | None,
    *,
    target: str | None = None,
    id: str | None = None,
    metric: str | None = None,
    commas: bool = False,
) -> Inferred:
    """Decide everything that is not given. ``commas``: where a comma may be several signs of a number, it is the
    decimal one. Raises ``UserError`` where the tables leave it open or contradict it."""
    notes: list[str] = []
    target, why_target = find_target(train, test, sample, target)
    train = numbered_as_test(train, test, sample, target, id, notes)
    sample = with_one_answer(train, sample, target, notes)
    train, test = common_columns(train, test, target, notes)
    if sample is not None and len(sample.columns) < 2:
        raise UserError("the sample submission has one column; expected an id and an answer. Take the right file.")
    there = set(test.columns)
    id, why_id, train, test = find_id(train, test, sample, target, id, notes)
    check_sample_ids(test, sample, id)
    spellings = find_spellings(train, test, commas)
    # Numbers are judged as such, classes stay as they are spelt.
    cells = plainly(train[target], spellings[target])
    sample = with_plain_answers(sample, set(stripped(train[target])), commas)
    check_no_gaps(cells, target, notes)
    task, why_task = find_task(cells, sample, metric)
    if task == "regression":
        why_task += read_with(spellings[target])
    else:
        train, sample = with_whole_labels(train, sample, target, notes)
        cells = train[target]
    check_target(cells, task, target)
    metric, why_metric = find_metric(cells, task, sample, metric)
    levels = None if task == "regression" else levels_of(cells.astype(str))
    notes += told_alike(target, levels or ()) + told_unlike(sample, levels or (), metric)
    answers = [] if sample is None else [str(name) for name in sample.columns[1:]]
    if answers and (wrong := misfit(answers, task, metric, levels or ())):
        raise UserError(
            f"the sample submission: {wrong} Name the metric with --metric, or give the competition's own sample."
        )
    classes = len(levels or ())
    commas_beside = any(spelling.decimal == "," for spelling in spellings.values())
    others = [str(name) for name in train.columns if name not in (id, target)]
    grouped = group_columns(train, test, others)
    known, asked, apart, decided = with_parts(train, test, id, target, grouped, spellings, classes)
    if id in apart:
        prefix = apart[id].parts[0]
        grouped = group_columns(known, asked, [*grouped, prefix], prefix)
    part_of = {
        part: f"part {place} of {name}, "
        for name, one in apart.items()
        for place, part in enumerate(one.parts, start=1)
    }
    columns: list[Column] = []
    reasons: dict[str, str] = {}
    for name in map(str, known.columns):
        if name == id:
            added = None if name in there else first_number(test[id])
            columns.append(Column(name, "id", "text", nullable=False, unique=True, added=added))
            reasons[name] = f"id: {why_id}"
            notes += told_dates(name, pd.concat([train[name], test[name]]))
        elif name == target:
            kind = "number" if task == "regression" else "category"
            spelling = spellings[name] if task == "regression" else PLAIN
            columns.append(Column(name, "target", kind, values=levels, nullable=False, spelling=spelling))
            reasons[name] = f"target: {why_target}; {task}: {why_task}; metric {metric}: {why_metric}"
            notes += told_doubtful(columns[-1], [train[name]], commas_beside, commas) if task == "regression" else []
        elif name in apart and decided[name][0].values is None:
            whole, missing = apart[name].whole, apart[name].missing
            gaps = decided[name][0].nullable or bool(missing)
            column = whole[0] if whole else Column(name, "ignore", "text")
            columns.append(replace(column, nullable=gaps, spelling=Spelling(missing=missing)))
            reasons[name] = f"category: {whole[1]}" if whole else "several values"
            notes += told_shared(columns[-1], train[name], test[name])
        else:
            parts = [known[name], asked[name]]
            both = pd.concat(parts, ignore_index=True)
            column, reason = grouped.get(name) or decided[name]
            columns.append(column)
            notes += [*told_missing(column, *parts), *told_far(column, both), *told_twofold(column, both)]
            notes += [*told_doubtful(column, parts, commas_beside, commas), *told_shared(column, *parts)]
            what = {"ignore": "ignored", "group": "group"}.get(column.role, column.type)
            reasons[name] = f"{what}: {part_of.get(name, '')}{reason}"
        if name in apart:
            columns[-1] = replace(columns[-1], separator=apart[name].separator, parts=apart[name].parts)
            notes += told_missing(columns[-1], train[name], test[name]) if apart[name].missing else []
            reasons[name] += (": " if columns[-1].role == "ignore" else "; ") + apart[name].told
    if not any(column.role == "feature" for column in columns):
        first = next((f"{n} ({r})" for n, r in reasons.items() if n not in (id, target)), "there is no other column")
        raise UserError(
            f"no column is left to learn from: {first}. Give a table with a column that varies, or name another "
            "target or id with --target, --id."
        )
    if sample is None:
        row = {target: cells.mode().iloc[0] if task != "regression" else "0"}
        if levels is not None and task == "multiclass" and metric == "log_loss":
            row = dict.fromkeys(levels, f"{1 / len(levels):.4g}")
        sample = made_sample(test[id], row)
        notes.append(f"no sample submission given: one is made with the columns {_named(sample.columns)}")
    return Inferred(Contract(tuple(columns)), task, metric, train, test, sample, reasons, tuple(notes))


def made_sample(ids: pd.Series, row: Mapping[str, str]) -> pd.DataFrame:
    """A sample submission of the ``ids`` with the answers of ``row``, by column, in each. Raises ``UserError`` where
    one is called as the ids are."""
    if ids.name in row:
        raise UserError(
            f"class {ids.name!r} of the target is spelt like the id column; expected another name, since each class "
            "has a column in a sample submission. Give one with --sample."
        )
    return pd.DataFrame({ids.name: ids, **row}, dtype=object)


@dataclass(frozen=True)
class Apart:
    """How the cells of a column are taken apart, in columns called ``parts``; ``told``: in a sentence; ``missing``:
    words that stand there for nothing; ``whole``: where most of test's cells are in train, too, the category that they
    are beside their parts, and why: a pair may tell what neither does."""

    separator: str | tuple[str, ...]
    parts: tuple[str, ...]
    told: str
    missing: tuple[str, ...] = ()
    whole: tuple[Column, str] | None = None


def with_parts(
    train: pd.DataFrame,
    test: pd.DataFrame,
    id: str,
    target: str,
    named: Collection[str],
    spellings: Mapping[str, Spelling],
    classes: int,
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Apart], dict[str, tuple[Column, str]]]:
    """Both tables with the parts of what holds several values behind it, how those columns are taken apart, and what
    each column but id, target and those ``named``, which are decided already, is, and why. The id is taken apart where
    its first part names groups of rows."""
    apart: dict[str, Apart] = {}
    decided: dict[str, tuple[Column, str]] = {}
    known, asked = {}, {}
    taken = list(map(str, train.columns))
    for name in map(str, train.columns):
        known[name] = train[name]
        if name == target:
            continue
        asked[name] = test[name]
        if name in named:
            continue
        both = pd.concat([train[name], test[name]], ignore_index=True)
        if name != id:
            decided[name] = infer_column(name, both, classes, spellings[name], len(train))
            if not may_hold_several(*decided[name]):
                continue
        words = both.astype(str).str.strip()
        absent = () if name == id else tuple(sorted(set(words[both.notna() & marked(words, FOR_MISSING)])))
        if absent and decided[name][0].values is not None:
            continue  # levels, of which one may be so called
        both = both.mask(words.isin(absent))
        found = find_separator(both)
        if found is None or written_in_several_ways(both) is not None:
            continue
        separator, width = found
        parts = tuple(_unused(f"{name}_{place}", taken) for place in range(1, width + 1))
        made = dict(zip(parts, taken_apart(both, separator, width)[0], strict=True))
        if name == id and not shown_by_ids(made[parts[0]].iloc[: len(train)], made[parts[0]].iloc[len(train) :]):
            continue
        of_parts = {part: infer_column(part, cells, classes, rows=len(train)) for part, cells in made.items()}
        if name != id and decided[name][0].values is not None:
            # A category of later rows that nobody has seen may have another form, and no parts.
            of_parts = {part: (replace(one, nullable=True), why) for part, (one, why) in of_parts.items()}
        if name != id and all(column.role == "ignore" for column, _ in of_parts.values()):
            continue
        signs = [separator] if isinstance(separator, str) else separator
        first, at = quoted(both.dropna().iloc[0]), enumerated(map(repr, signs))
        told = f"{first} is taken apart at {at} into {enumerated(parts)}"
        train_cells, test_cells = both.iloc[: len(train)], both.iloc[len(train) :].dropna()
        known_to_train = len(test_cells) > 0 and test_cells.isin(train_cells).mean() >= KNOWN
        whole = repeated_words(name, both, classes) if name != id and known_to_train else None
        apart[name] = Apart(separator, parts, told, absent, whole)
        decided |= of_parts
        taken += parts
        for part, cells in made.items():
            known[part] = cells.iloc[: len(train)].set_axis(train.index)
            asked[part] = cells.iloc[len(train) :].set_axis(test.index)
    if not apart:
        return train, test, {}, decided
    return pd.DataFrame(known), pd.DataFrame(asked), apart, decided


def told_alike(target: str, levels: Sequence[str]) -> list[str]:
    """A sentence where two classes differ in small and capital letters alone."""
    seen: dict[str, str] = {}
    for level in levels:
        other = seen.setdefault(level.casefold(), level)
        if other != level:
            return [f"{target}: {other!r} and {level!r} are two classes; if they are one, write them alike in the file"]
    return []


def told_unlike(sample: pd.DataFrame | None, levels: Sequence[str], metric: str) -> list[str]:
    """A sentence where labels are to be written, some are words, and the sample's answers are others."""
    if sample is None or metric != "accuracy" or len(sample.columns) != 2:
        return []
    other = [word for word in stripped(sample.iloc[:, 1].dropna()) if word not in levels]
    if not other or not numbers_of(pd.Series([*levels, other[0]], dtype=object))[1].any():
        return []
    return [
        f"the sample submission's answer {other[0]!r} is no label of the target ({_named(levels)}), as the answers "
        "here will be; if the competition wants the sample's, write the training table's target so"
    ]


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
        raise UserError(
            f"the training table's target {target!r} is missing in {len(rows)} rows (row {rows[0] + 2} first{spelt}). "
            "Delete these rows, or fill them in."
        )


def find_spellings(train: pd.DataFrame, test: pd.DataFrame, commas: bool) -> dict[str, Spelling]:
    """How the numbers of each column are written. Each column decides for itself; what it leaves open (1,125 or 6.048)
    is read with decimal commas and points between thousands only where semicolons divide the cells (``commas``), or one
    column has both signs (1.234,5), and the others agree.
    """
    parts = {str(name): [table[name] for table in (train, test) if name in table.columns] for name in train.columns}
    found = {name: find_spelling(cells, commas) for name, cells in parts.items()}
    comma = [name for name, cells in parts.items() if shows_decimal_comma(cells, found[name])]
    if not commas and not any(shows_point_and_comma(parts[name], found[name]) for name in comma):
        return found
    point = any(shows_decimal_point(cells, found[name]) for name, cells in parts.items())
    if point and not comma:
        return {name: find_spelling(cells) for name, cells in parts.items()}
    if comma and not point:
        return {name: find_spelling(cells, commas=True, points=True) for name, cells in parts.items()}
    return found


def told_doubtful(column: Column, parts: list[pd.Series], commas_beside: bool, commas: bool) -> list[str]:
    """A sentence where the numbers of the column may be read wrong, or are not read because they are written in
    several ways. ``commas_beside``: another column has decimal commas; ``commas``: semicolons divide the
    cells."""
    if column.type == "number":
        found = doubtful(parts, column.spelling, commas_beside)
        if found is None or (commas and found[2] is None):
            return []
        cell, number, other = found
        cure = "correct the files, or `decimal` and `thousands` in the contract"
        wrong = f"if it is {other}" if other is not None else "if that is wrong"
        return [f"{column.name}: {cell!r} is read as {number}; {wrong}, {cure}"]
    if column.role == "group" or column.type not in ("category", "code", "text") or column.values is not None:
        return []
    odd = written_in_several_ways(pd.concat(parts, ignore_index=True))
    if odd is None:
        return []
    kind = "ignored" if column.role == "ignore" else f"read as {column.type}"
    return [
        f"{column.name}: {kind}, though the cells look like numbers, written in several ways ({odd!r}); if they are, "
        "write them in one way, as 1234.5"
    ]


def with_plain_answers(sample: pd.DataFrame | None, labels: set[Any], commas: bool) -> pd.DataFrame | None:
    """The sample with numbers as Python writes them in each column of answers that are none of the target's
    ``labels``."""
    if sample is None:
        return None
    plain = {
        name: plainly(sample[name], find_spelling([sample[name]], commas))
        for name in sample.columns[1:]
        if not set(stripped(sample[name])) <= labels
    }
    return sample.assign(**plain) if plain else sample


def told_dates(id: str, cells: pd.Series) -> list[str]:
    """A sentence where the ids are dates, which may tell something, while an id is never learned from."""
    form = date_format(cells)
    if form is None:
        return []
    return [
        f"{id}: the ids are dates, as {cells.iloc[0]!r}, and an id is not learned from; to have hours, weekdays and "
        "seasons learned, copy the column under another name in both files"
    ]


def first_number(ids: pd.Series) -> int:
    """The number of the first row where whole numbers name one row after another, else 1."""
    first = str(ids.iloc[0])
    if not re.fullmatch("[0-9]{1,15}", first):
        return 1
    return int(first) if list(ids) == [str(int(first) + n) for n in range(len(ids))] else 1


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
                f"It has {_named(have)}."
            )
        return given, "named with --target"
    empty = [name for name in have if name in test.columns and test[name].isna().all() and train[name].notna().any()]
    absent = [name for name in have if name not in test.columns or name in empty]
    answers = [] if sample is None else [str(name) for name in sample.columns[1:]]
    named = [name for name in absent if name in answers]
    if len(named) > 1:
        raise UserError(
            f"the sample submission asks for {len(named)} columns that test lacks: {_named(named)}; one target is "
            f"learned at a time. Name one with --target (--target {named[0]}), each as a competition of its own."
        )
    if len(absent) == 1:
        if len(answers) == 1 and answers[0] in have and not named:
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
        raise UserError(
            f"the sample submission asks for {missing[0]!r}, which the training table lacks"
            f"{aside(missing[0], have)}. Give the training table with its target, or name it with --target."
        )
    if not absent and answers and answers[0] in have:
        return answers[0], "the sample submission asks for it"
    foreign = [str(name) for name in test.columns if name not in have]
    if not absent and foreign:
        raise UserError(
            f"test has every column of train, and {_named(foreign)} besides; expected it to lack the target. "
            "Were train and test exchanged?"
        )
    if not absent:
        raise UserError(
            "test has every column of train, so none shows itself as the target; expected test without it, since its "
            "rows are to be predicted. Delete the target's column in test."
        )
    lacks = "lacks or has empty" if empty else "lacks"
    others = f", and has {_named(foreign)} instead{aside(foreign[0], absent)}" if foreign else ""
    cure = "Name the target with --target" + (", and write the others alike in both files." if foreign else ".")
    raise UserError(f"test {lacks} {len(absent)} columns of train: {_named(absent)}{others}. {cure}")


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


def with_one_answer(
    train: pd.DataFrame, sample: pd.DataFrame | None, target: str, notes: list[str]
) -> pd.DataFrame | None:
    """The sample with one answer, the target's, where it asks for several columns of train."""
    if sample is None or target not in sample.columns[1:]:
        return sample
    others = [str(name) for name in sample.columns[1:] if name != target and name in train.columns]
    if len(others) != len(sample.columns) - 2 or not others:
        return sample
    notes.append(f"the sample submission asks for {_named(others)}, too; the one made here has {target!r} alone")
    return sample[[sample.columns[0], target]]


def numbered_as_test(
    train: pd.DataFrame, test: pd.DataFrame, sample: pd.DataFrame | None, target: str, id: str | None, notes: list[str]
) -> pd.DataFrame:
    """``train``, its rows numbered where the id is the one column of test that it lacks."""
    foreign = [str(name) for name in test.columns if name not in train.columns]
    left = [str(name) for name in train.columns if name != target and name not in test.columns]
    # A column of nearly that name is the same one under another header.
    if len(foreign) != 1 or nearest(foreign[0], left):
        return train
    name = id or (None if sample is None else str(sample.columns[0]))
    shared = [str(name) for name in test.columns if name in train.columns]
    if name is None and not any(_apart(train, test, one, target) for one in _likely([train, test], shared)):
        name = next(iter(_likely([test], foreign)), None)
    if name != foreign[0]:
        return train
    notes.append(f"{name}: train has no such column, so running numbers name its rows")
    return _numbered(train, name, test[name], sample)


def common_columns(
    train: pd.DataFrame, test: pd.DataFrame, target: str, notes: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both tables with the columns they share, and train's target. A column of test that train lacks is an error."""
    features = [name for name in train.columns if name != target]
    if target in test.columns:
        if test[target].notna().any():
            row = int(np.flatnonzero(test[target].notna().to_numpy())[0])
            raise UserError(
                f"test holds the target {target!r} (row {row + 2}: {test[target].iloc[row]!r}); expected rows to be "
                "predicted. Delete the column there, name another --target, or were train and test exchanged?"
            )
        notes.append(f"{target}: an empty column in test, taken out there")
        test = test.drop(columns=target)
    foreign = [str(name) for name in test.columns if name not in features]
    if foreign:
        raise UserError(
            f"test has columns that train lacks: {_named(foreign)}{aside(foreign[0], features)}. "
            "Give both files the same header, or delete in test what train lacks, since nothing is learned of it."
        )
    left = [name for name in features if name not in test.columns]
    if left:
        notes.append(f"{_named(left)}: not in test, so taken out of train")
    kept = [name for name in features if name not in left]
    if not kept:
        raise UserError("train and test share no column. Give the train and test files of one competition.")
    return train[[name for name in train.columns if name in kept or name == target]], test[kept]


def find_id(
    train: pd.DataFrame,
    test: pd.DataFrame,
    sample: pd.DataFrame | None,
    target: str,
    given: str | None,
    notes: list[str],
) -> tuple[str, str, pd.DataFrame, pd.DataFrame]:
    """The id column and why, and the tables, with running numbers added where no column names a row."""
    have = [str(name) for name in test.columns]
    if given is not None:
        if given not in have:
            raise UserError(
                f"the tables share no column {given!r}, the id{aside(given, have)}. They share {_named(have)}."
            )
        _check_unique({"train": train, "test": test}, given)
        return given, "named with --id", train, test
    asked = None if sample is None else str(sample.columns[0])
    if asked == target:
        raise UserError(
            f"the sample submission's first column is {asked!r}, the target; expected the id first, then the answer. "
            "Give this competition's sample, or put its id column first."
        )
    if asked is not None and asked in have:
        _check_unique({"train": train, "test": test}, asked)
        return asked, "the sample submission's first column", train, test
    likely = _likely([train, test], have)
    apart = [] if asked is not None else [one for one in likely if _apart(train, test, one, target)]
    if apart:
        return apart[0], "each value once in each table, and the name says so", train, test
    numbered = None if asked is not None else _running_in_both(train, test, have)
    if numbered is not None:
        return numbered, "a running number, each value once in both tables", train, test
    if asked is not None and likely:
        raise UserError(
            f"the sample submission's first column is {asked!r}, which test lacks; its id seems to be {likely[0]!r}. "
            "Give the sample that belongs to this test file, or write the id's name into its header."
        )
    name = asked or _unused(ROW, [*have, target])
    if asked is not None and sample is not None and len(sample) != len(test):
        raise UserError(
            f"the sample submission's id {asked!r} is no column of test, and {len(sample)} rows do not number its "
            f"{len(test)} rows either. Give the sample that belongs to this test file, or name the id with --id."
        )
    notes += [_told_shared(train, test, one) for one in likely]
    ids = [str(len(train) + n) for n in range(1, len(test) + 1)] if sample is None else list(sample[name])
    train, test = _numbered(train, name, ids, sample), test.copy()
    test.insert(0, name, ids)
    notes.append(f"{name}: no column names a row, so {'running numbers' if asked is None else 'the sample ids'} do")
    return name, "added, since no column of the tables names a row", train, test


def _likely(tables: list[pd.DataFrame], names: list[str]) -> list[str]:
    """The columns that are called like an id and hold each value once in each table."""
    # Ids may start anew in test.
    return [
        name
        for name in names
        if ID_NAME.fullmatch(name) and all(table[name].notna().all() and table[name].is_unique for table in tables)
    ]


def _running_in_both(train: pd.DataFrame, test: pd.DataFrame, names: list[str]) -> str | None:
    """The first column that numbers the rows of both tables together, None where there is none."""
    for name in names:
        both = pd.concat([train[name], test[name]], ignore_index=True)
        if both.notna().all() and both.str.strip().is_unique:
            column, reason = infer_column(name, both, rows=len(train))
            if column.role == "ignore" and (reason == RUNNING or reason.startswith(RUNNING_WORDS)):
                return name
    return None


def _told_shared(train: pd.DataFrame, test: pd.DataFrame, id: str) -> str:
    """Why the column is no id though it looks like one: test has ids of train; and that the rows may be the same."""
    names = [str(name) for name in test.columns]
    shared = pd.Series(stripped(test[id])).isin(stripped(train[id])).to_numpy()
    alike = pd.concat([train[names], test.loc[shared, names]]).duplicated().to_numpy()[-int(shared.sum()) :]
    first = np.flatnonzero(shared)[int(alike.argmax())]
    same = f", {int(alike.sum())} of them with all cells alike" if alike.any() else ""
    return (
        f"{id}: taken for no id, since {int(shared.sum())} of test's {len(test)} are in train too{same} (test, row "
        f"{first + 2} first); if they are the same rows, take them out of one file, or they are learned from and then "
        "predicted; if they are others, nothing is wrong"
    )


def _apart(train: pd.DataFrame, test: pd.DataFrame, id: str, target: str) -> bool:
    """Does ``validate`` take the column for an id? No value of it stands in both tables, or they start anew in test."""
    if set(stripped(train[id])).isdisjoint(stripped(test[id])):
        return True
    names = [str(name) for name in test.columns if name in train.columns and name not in (id, target)]
    spellings = find_spellings(train[names], test[names], commas=False)
    both = pd.concat([train[names], test[names]], ignore_index=True)
    found = [infer_column(name, both[name], spelling=spellings[name], rows=len(train))[0] for name in names]
    contract = Contract((Column(id, "id", "text"), Column(target, "target", "category"), *found))
    known, asked = (contract.typed(table[[id, *names]], "", with_target=False) for table in (train, test))
    return all(fault.warning for fault in ids_shared(contract, known, asked, "train", "test"))


def _numbered(train: pd.DataFrame, name: str, ids: Iterable[Any], sample: pd.DataFrame | None) -> pd.DataFrame:
    """``train`` with running numbers as its first column, none of them among ``ids``, those of test."""
    taken, prefix = set(stripped(ids)), "" if sample is None else "train"
    numbers = (f"{prefix}{number}" for number in itertools.count(1))
    train = train.copy()
    train.insert(0, name, list(itertools.islice((n for n in numbers if n not in taken), len(train))))
    return train


def _check_unique(tables: Mapping[str, pd.DataFrame], id: str) -> None:
    for table, frame in tables.items():
        cells = frame[id]
        named = pd.Series(stripped(cells), dtype=object)
        wrong = np.flatnonzero((named.isna() | named.duplicated()).to_numpy())
        if len(wrong):
            value = cells.iloc[wrong[0]]
            what = "is missing" if value is None or value != value else f"{value!r} stands there a second time"
            raise UserError(
                f"{table}, row {wrong[0] + 2}: the id {id!r} {what}; expected each id once ({len(wrong)} such rows). "
                "Name another column with --id, or correct the file."
            )


def check_sample_ids(test: pd.DataFrame, sample: pd.DataFrame | None, id: str) -> None:
    """Raises ``UserError`` where the sample's ids are not those of test, each once."""
    if sample is None:
        return
    if str(sample.columns[0]) != id:
        raise UserError(
            f"the sample submission's first column is {sample.columns[0]!r}, the id {id!r}. "
            "Give the sample that belongs to this test file, or name its id with --id."
        )
    _check_unique({"the sample submission": sample}, id)
    have, asked = stripped(test[id]), stripped(sample[id])
    for less, more, words in ((have, asked, "test lacks"), (asked, have, "the sample submission lacks")):
        known = set(less)
        extra = [value for value in more if value not in known]
        if extra:
            raise UserError(
                f"{words} {len(extra)} ids of the other, {extra[0]!r} first. "
                "Give the test file and the sample submission of one competition."
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
    if metric is not None and metric not in ALL_MEASURES:
        near = hint(metric, ALL_MEASURES)
        raise UserError(f"--metric is {metric!r}{near} Known: {listed(ALL_MEASURES)}.")
    numbers, wrong = numbers_of(cells)
    labels = whole_labels(cells, sample).astype(str).str.strip()
    count = labels.nunique()
    if metric in SIZED:
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
        if metric == "roc_auc" and count != 2:
            raise UserError(f"--metric roc_auc ranks two classes, the target has {count}. Use log_loss or accuracy.")
        return classes, f"{metric} judges classes, there are {count}"
    if wrong.any():
        frequent = labels[wrong].value_counts().min() >= ROWS_A_CLASS and count <= MAX_CLASSES
        if not frequent or (wrong & marked(cells)).any():
            _check_odd(cells, wrong, None)
        return classes, f"{count} words"
    values = numbers.to_numpy()
    if count == 2:
        return "binary", f"two values, {_named(levels_of(labels))}"
    whole = bool(np.all(np.isfinite(values)) and np.all(values == np.floor(values)))
    if whole and count <= MAX_CLASSES and len(cells) >= ROWS_A_CLASS * count and not _fractions(sample):
        return "multiclass", f"{count} whole numbers"
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
        return "accuracy", "the sample's answers are labels" + (
            "; --metric roc_auc or log_loss if the competition asks for probabilities" if open_still else ""
        )
    numbers, wrong = numbers_of(answers)
    if not wrong.any() and numbers.between(0, 1).all() and task == "binary":
        # Words, of which the sample's 0 and 1 may be the codes.
        coded = numbers.isin([0, 1]).all() and numbers_of(pd.Series(sorted(levels), dtype=object))[1].any()
        return "roc_auc", "the sample's answers are probabilities; --metric log_loss if the competition says so" + (
            ", or accuracy, with the target written as 0 and 1 in train, if it asks for labels" if coded else ""
        )
    first = next(value for value in answers if value not in levels)
    raise UserError(
        f"the sample submission's answer {first!r} is no label of the target ({_named(sorted(levels))}) and no "
        "probability of two classes. Give the right sample, or name the metric with --metric."
    )


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


def _unused(name: str, taken: list[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _named(words: Iterable[object]) -> str:
    """As a message has room for."""
    return listed(words, most=8)
