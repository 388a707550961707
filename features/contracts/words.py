"""How cells that are no numbers are read: words as a column's entry has them, the levels of a category, the classes of
a target, names of groups. How numbers are: ``features.contracts.spelling``; dates: ``features.contracts.dates``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from features.contracts.entry import Column
from features.contracts.spelling import MISSING_WORDS, numbers_of
from features.errors import UserError, listed

# What a cell of type presence is read as, whatever it holds.
GIVEN = "given"
_WHOLE = re.compile(r"[+-]?\d+")
_WHOLE_FLOAT = re.compile(r"\s*[+-]?\d+(\.0*)?\s*")


def words(cells: pd.Series, column: Column) -> pd.Series:
    """The ``cells`` of a column that is none of numbers, as a typed table has them: ``object`` of ``str``, NaN where
    missing."""
    absent = {word.lower() for word in column.spelling.missing}
    if absent:
        cells = cells.map(lambda v: None if v is None or v != v or str(v).strip().lower() in absent else v)
    if column.role == "group":
        return named(cells)
    if column.type == "text" and column.role != "id":
        return cells.map(lambda v: np.nan if v is None or v != v else str(v)).astype(object)
    whole = column.values is not None and all(_WHOLE.fullmatch(v) for v in column.values)
    alike = {value.lower(): value for value in column.values or ()} if column.type == "boolean" else {}

    def word(value: Any) -> Any:
        if value is None or value != value:
            return np.nan
        if column.type == "presence":
            return GIVEN
        text = str(value).strip()
        if column.role == "target" and text.lower() in MISSING_WORDS and text not in (column.values or ()):
            return np.nan
        # A column of whole numbers with a gap leaves pandas as "3.0"; it is the category "3" all the same.
        if whole and text not in (column.values or ()) and _WHOLE_FLOAT.fullmatch(text):
            digits = text.partition(".")[0].lstrip("+-").lstrip("0") or "0"  # however many: no float holds all
            return f"-{digits}" if text.startswith("-") and digits != "0" else digits
        # One table's True is another one's TRUE. Of a category nothing is looked up: it may have thousands of levels.
        return alike.get(text.lower(), text) if alike and text not in (column.values or ()) else text

    return cells.map(word).astype(object)


def named(cells: pd.Series) -> pd.Series:
    """What the cells of a column of names say, ``object`` of ``str`` with NaN where nothing: of whole numbers that a
    gap has made floats, 5000.0 is 5000."""

    def name(value: Any) -> Any:
        text = "" if value is None or value != value else str(value).strip()
        if text.lower() in MISSING_WORDS:
            return np.nan
        return text.partition(".")[0] if _WHOLE_FLOAT.fullmatch(text) else text

    return cells.map(name).astype(object)


def together(cells: pd.Series) -> np.ndarray:
    """A label ``[n]`` of the rows that belong together: those with one value; a row without a value is alone."""
    alone = pd.Series([f"row {place}, without {cells.name}" for place in range(len(cells))], cells.index)
    return cells.where(cells.notna(), alone).to_numpy(str)


def missing_labels(cells: pd.Series) -> np.ndarray:
    """Which cells of a target are missing. Among words "none" is one of them, the least of a scale."""
    words = cells.map(lambda v: "" if v is None or v != v else str(v).strip().lower())
    spelt = MISSING_WORDS - {"none"} if numbers_of(cells)[1].any() else MISSING_WORDS
    return words.isin(spelt).to_numpy()


def levels_of(present: pd.Series) -> tuple[str, ...]:
    """The different words, also those that elsewhere mean a missing value; whole numbers in their order, else by
    alphabet."""
    levels = sorted({str(v).strip() for v in present} - {""})
    return tuple(sorted(levels, key=lambda v: (float(v), v)) if all(_WHOLE.fullmatch(v) for v in levels) else levels)


def ranked(classes: Sequence[str]) -> bool:
    """Whether ``classes``, in their order, are whole numbers that lie equally far apart, so that their places say how
    far any two are; two of them lie so whatever they are called."""
    if len(classes) == 2:
        return True
    return all(_WHOLE.fullmatch(name) for name in classes) and len(set(np.diff([int(name) for name in classes]))) == 1


def classes_in_order(cells: pd.Series, positive: str = "") -> list[str]:
    """The classes of a target in the order of their codes: as by ``levels_of``, but the one called ``positive`` last.
    Raises ``UserError`` where none is called so."""
    classes = list(levels_of(cells))
    if positive and positive not in classes:
        raise UserError(
            f"table.positive is {positive!r}, but the labels of the target {cells.name!r} are "
            f"{listed(classes, most=4)}; expected one of them in params.yaml."
        )
    return sorted(classes, key=lambda word: word == positive)
