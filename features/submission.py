"""A submission in exactly the sample's form, checked before anyone relies on it."""

from __future__ import annotations

import pandas as pd

from features.errors import UserError


def build(sample: pd.DataFrame, ids: list[str], answers: list[str], file: str) -> pd.DataFrame:
    """The sample's columns, ids and order with ``answers`` (given for ``ids``, any order) in the second column, all
    str.

    Raises ``UserError`` where the sample has not two columns or asks for ids that have no answer.
    """
    if len(sample.columns) != 2:
        raise UserError(f"{file}: {len(sample.columns)} columns; expected 2, the id and the answer.")
    id_column, answer_column = sample.columns
    known = dict(zip(ids, answers, strict=True))
    missing = [(row, value) for row, value in enumerate(sample[id_column], start=2) if value not in known]
    if missing:
        raise UserError(
            f"{file}, column {id_column!r}: {len(missing)} ids are not in the test table, the first "
            f"{missing[0][1]!r} in row "
            f"{missing[0][0]}. Take the sample submission that belongs to this test.csv."
        )
    return pd.DataFrame({id_column: sample[id_column], answer_column: sample[id_column].map(known)})


def check(submission: pd.DataFrame, sample: pd.DataFrame, ids: list[str], allowed: set[str] | None, file: str) -> None:
    """Columns, number of rows, ids and their order, no missing answer, only ``allowed`` ones (None: any finite number).

    Raises ``UserError`` with file, column, row and value of the first fault.
    """
    if list(submission.columns) != list(sample.columns):
        raise UserError(
            f"{file}: columns {list(submission.columns)}; expected {list(sample.columns)}, as in the sample."
        )
    id_column, answer_column = sample.columns
    if len(submission) != len(sample):
        raise UserError(f"{file}: {len(submission)} rows; expected {len(sample)}, as in the sample.")
    if set(ids) != set(sample[id_column]):
        extra = sorted(set(ids) - set(sample[id_column]))[:3]
        raise UserError(
            f"{file}: test.csv has ids that the sample lacks ({', '.join(extra)}). Take the sample that belongs to it."
        )
    for row, (given, wanted) in enumerate(zip(submission[id_column], sample[id_column], strict=True), start=2):
        if given != wanted:
            raise UserError(
                f"{file}, row {row}, column {id_column!r}: {given!r}; expected {wanted!r}, the sample's order."
            )
    for row, answer in enumerate(submission[answer_column], start=2):
        if not isinstance(answer, str) or answer == "" or not _fits(answer, allowed):
            wanted = "a finite number" if allowed is None else f"one of {', '.join(sorted(allowed))}"
            raise UserError(f"{file}, row {row}, column {answer_column!r}: {answer!r}; expected {wanted}.")


def _fits(answer: str, allowed: set[str] | None) -> bool:
    if allowed is not None:
        return answer in allowed
    try:
        return abs(float(answer)) < float("inf")
    except ValueError:
        return False
