"""A submission in exactly the sample's form, checked before anyone relies on it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.errors import UserError
from features.metrics import decide


def build(sample: pd.DataFrame, ids: list[str], answers: pd.DataFrame, file: str) -> pd.DataFrame:
    """The sample's columns, ids and order, filled with ``answers`` (a row for each of ``ids``, any order), all str.

    One column of answers goes under whatever name the sample gives; several (a probability for each class) are matched
    by name: ``class`` or ``<anything>_class``. Raises ``UserError`` where the sample's columns do not fit, an id is
    there twice or has no answer.
    """
    id_column, *columns = sample.columns
    if len(columns) != len(answers.columns):
        raise UserError(
            f"{file}: {len(sample.columns)} columns; expected {1 + len(answers.columns)}, the id and "
            f"{'the answer' if len(answers.columns) == 1 else 'one for each class'}. Take this competition's sample."
        )
    sources = [_source(column, answers, file) for column in columns]
    for place, values in ((file, list(sample[id_column])), ("the test table", ids)):
        _unique(values, place, id_column)
    known = set(ids)
    missing = [(row, value) for row, value in enumerate(sample[id_column], start=2) if value not in known]
    if missing:
        raise UserError(
            f"{file}, column {id_column!r}: {len(missing)} ids are not in the test table, the first "
            f"{missing[0][1]!r} in row {missing[0][0]}. Take the sample submission that belongs to this test.csv."
        )
    ordered = answers.set_axis(ids).loc[sample[id_column]]
    made = {column: ordered[source].to_numpy() for column, source in zip(columns, sources, strict=True)}
    return pd.DataFrame({id_column: sample[id_column].to_numpy()} | made)


def spell(task: str, metric: str, answers: np.ndarray, threshold: float, classes: list[str]) -> pd.DataFrame:
    """``answers [n, c]`` as the competition wants them, all str ``[n, columns]``: labels as spelt in train where
    ``metric`` is accuracy, else a probability of class 1 or of each class (named after it), or numbers. Seven digits,
    as float32 holds no more."""
    if task == "regression" or metric != "accuracy":
        names = ["answer"] if answers.shape[1] == 1 else classes
        return pd.DataFrame({n: [f"{v:.7g}" for v in answers[:, k]] for k, n in enumerate(names)}, dtype=object)
    return pd.DataFrame({"answer": [classes[code] for code in decide(answers, threshold)]}, dtype=object)


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
    asked = set(sample[id_column])
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


def _source(column: str, answers: pd.DataFrame, file: str) -> str:
    if len(answers.columns) == 1:
        return str(answers.columns[0])
    for name in answers.columns:
        if column == name or column.endswith(f"_{name}"):
            return str(name)
    raise UserError(f"{file}: column {column!r} names no class; expected one for each of {', '.join(answers.columns)}.")


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
