"""A submission in exactly the sample's form, checked before anyone relies on it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from features.errors import UserError
from features.scoring.metrics import CLIP, decide
from features.tasks import DECIDED


def build(sample: pd.DataFrame, ids: list[str], answers: pd.DataFrame, file: str) -> pd.DataFrame:
    """The sample's columns, ids and order, filled with ``answers`` (a row for each of ``ids``, any order), all str.

    One column of answers goes under whatever name the sample gives; several (a probability for each class) are matched
    by name, see ``classes_of``. Raises ``UserError`` where the sample's columns do not fit, an id is there twice or has
    no answer.
    """
    id_column, *columns = sample.columns
    if len(columns) != len(answers.columns):
        raise UserError(
            f"{file}: {len(sample.columns)} columns; expected {1 + len(answers.columns)}, the id and "
            f"{'the answer' if len(answers.columns) == 1 else 'one for each class'}. Take this competition's sample."
        )
    sources = [str(answers.columns[0])]
    if len(columns) > 1:
        try:
            sources = classes_of(columns, [str(name) for name in answers.columns])
        except ValueError as error:
            raise UserError(f"{file}: {error}") from None
    asked = stripped(sample[id_column])
    for place, values in ((file, asked), ("the test table", ids)):
        _unique(values, place, id_column)
    known = set(ids)
    missing = [(row, value) for row, value in enumerate(asked, start=2) if value not in known]
    if missing:
        raise UserError(
            f"{file}, column {id_column!r}: {len(missing)} ids are not in the test table, the first "
            f"{missing[0][1]!r} in row {missing[0][0]}. Take the sample submission that belongs to this test.csv."
        )
    ordered = answers.set_axis(ids).loc[asked]
    made = {column: ordered[source].to_numpy() for column, source in zip(columns, sources, strict=True)}
    return pd.DataFrame({id_column: sample[id_column].to_numpy()} | made)


def misfit(columns: Sequence[str], task: str, metric: str, classes: Sequence[str]) -> str:
    """Why a sample with these columns of answers is not one of the competition, in words; "" where it is.

    One column is right for numbers, labels and the probability of one of two classes (see ``spell``); one for each
    class, named after it, for probabilities. ``classes``: none where they are not known.
    """
    several = task == "multiclass" and metric not in DECIDED
    if len(columns) == 1 and not several:
        return ""
    if not classes and task != "regression" and metric not in DECIDED:
        return ""
    if task == "regression" or metric in DECIDED or len(columns) != len(classes):
        expected = f"{len(classes)}, one for each class" if several else "1"
        return f"{len(columns)} columns of answers; expected {expected} (task {task}, metric {metric})."
    try:
        classes_of(columns, classes)
    except ValueError as error:
        return str(error)
    return ""


def classes_of(columns: Sequence[str], classes: Sequence[str]) -> list[str]:
    """The class whose probability each column holds. Raises ``ValueError`` where a column is named after none, or two
    after one."""
    found: dict[str, str] = {}
    for column in columns:
        name = _class_of(column, classes)
        if name is None:
            raise ValueError(f"column {column!r} names no class; expected one for each of {', '.join(classes)}.")
        if name in found:
            raise ValueError(f"columns {found[name]!r} and {column!r} both name class {name!r}; expected one for each.")
        found[name] = column
    return list(found)


def _class_of(column: str, classes: Sequence[str]) -> str | None:
    """The longest class that the column is named after, as ``class`` or ``<anything>_class``."""
    return max((name for name in classes if column == name or column.endswith(f"_{name}")), key=len, default=None)


def spell(
    task: str,
    metric: str,
    answers: np.ndarray,
    decided: np.ndarray | None,
    classes: Sequence[str],
    columns: Sequence[str],
    target: str,
) -> pd.DataFrame:
    """``answers [n, c]`` as the competition wants them in the sample's ``columns``, all cells str.

    - A ``metric`` of decisions: one column ``answer`` with labels as spelt in ``classes``, whose numbers
      are ``decided [n]`` (None: by ``metrics.decide``).
    - Other metrics of classes: probabilities of seven digits, as float32 holds no more. Several columns are named after
      their classes; a single one, ``answer``, is of class 1, or of class 0 where ``of_lower`` says so. For log loss no
      probability is nearer to 0 or 1 than ``metrics`` counts it: one sure mistake would cost the competition's cap.
    - Regression: one column ``answer``, numbers of twelve digits: seven of what a network tells apart where the target
      lies 100,000 times its scatter from 0.
    """
    if task == "regression" or metric not in DECIDED:
        if task == "binary" and len(columns) == 2:
            answers = np.concatenate([1 - answers, answers], axis=1)
        elif of_lower(task, metric, classes, columns, target):
            answers = 1 - answers
        names = ["answer"] if answers.shape[1] == 1 else classes
        if metric == "log_loss":
            answers = np.clip(answers.astype(np.float64), CLIP, 1 - CLIP)
        digits = 12 if task == "regression" else 7
        spelt = {name: [f"{value:.{digits}g}" for value in answers[:, k]] for k, name in enumerate(names)}
        return pd.DataFrame(spelt, dtype=object)
    codes = decide(answers) if decided is None else decided
    return pd.DataFrame({"answer": [classes[code] for code in codes]}, dtype=object)


def of_lower(task: str, metric: str, classes: Sequence[str], columns: Sequence[str], target: str) -> bool:
    """Is the single column of probabilities of class 0? It is if it is named after that one (as in ``classes_of``), and
    not after both, as ``smoker_yes_no``. ``target`` is the target's own name, which names no class."""
    if task != "binary" or metric in DECIDED or len(columns) != 1 or columns[0] == target:
        return False
    lower, upper = classes
    rest = columns[0].removesuffix(lower)
    return _class_of(columns[0], classes) == lower and f"_{upper}_" not in f"_{rest}"


def check(submission: pd.DataFrame, sample: pd.DataFrame, ids: list[str], allowed: set[str] | None, file: str) -> None:
    """Columns, number of rows, ids and their order, no missing answer, only ``allowed`` ones (None: any finite number).

    Raises ``UserError`` with file, column, row and value of the first fault.
    """
    if list(submission.columns) != list(sample.columns):
        raise UserError(
            f"{file}: columns {list(submission.columns)}; expected {list(sample.columns)}, as in the sample."
        )
    id_column, *columns = sample.columns
    if len(submission) != len(sample):
        raise UserError(f"{file}: {len(submission)} rows; expected {len(sample)}, as in the sample.")
    asked = set(stripped(sample[id_column]))
    extra = [value for value in ids if value not in asked][:3]
    if extra:
        raise UserError(
            f"{file}: test.csv has ids that the sample lacks ({', '.join(extra)}). Take the sample that belongs to it."
        )
    for row, (given, expected) in enumerate(zip(submission[id_column], sample[id_column], strict=True), start=2):
        if given != expected:
            raise UserError(
                f"{file}, row {row}, column {id_column!r}: {given!r}; expected {expected!r}, the sample's order."
            )
    wanted = "a finite number" if allowed is None else f"one of {', '.join(sorted(allowed))}"
    for column in columns:
        for row, answer in enumerate(submission[column], start=2):
            if not isinstance(answer, str) or answer == "" or not _fits(answer, allowed):
                raise UserError(
                    f"{file}, row {row}, column {column!r}: {answer!r}; expected {wanted}. Not written; an older "
                    f"submission is unchanged."
                )


def stripped(cells: Iterable[Any]) -> list[Any]:
    """Ids, or labels, as the contract reads them, whatever blanks a file has around them."""
    return [value.strip() if isinstance(value, str) else value for value in cells]


def _unique(values: list[str], place: str, column: str) -> None:
    seen: dict[str, int] = {}
    for row, value in enumerate(values, start=2):
        if value in seen:
            raise UserError(
                f"{place}, row {row}, column {column!r}: {value!r} again, first in row {seen[value]}; expected each id "
                f"once. Delete one of them."
            )
        seen[value] = row


def _fits(answer: str, allowed: set[str] | None) -> bool:
    if allowed is not None:
        return answer in allowed
    try:
        return abs(float(answer)) < float("inf")
    except ValueError:
        return False
