"""Cells that hold several values written together, as 0013_01 or B/12/P: how they are taken apart, and what shows that
they are.

A contract names the ``separator`` and the ``parts`` of such a column; each part is a column of its own from then on.
Pure functions on cells that are ``str``, NaN where missing.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from features.errors import enumerated

# What may stand between the values of one cell: the more plainly it separates, the earlier it is tried.
SEPARATORS = ("|", "@", ";", "/", ",", "_", ":", "-", ".", "x", "×", "'", "+")
# Several signs, one for each place between two values: Braund, Mr. Owen.
FORMS = ((", ", ". "),)
# Those that stand between numbers alone: 2x4, 5'11, 88+2.
_TIMES = ("x", "×", "'", "+")
# What may stand around several numbers: (40.7, -73.9), 5'11".
_AROUND = (("(", ")"), ("[", "]"), ("", '"'))
# Values of one cell, at most, that are taken for such by the cells alone.
MOST_PARTS = 4
# So few cells are not said to have a form.
FEWEST_CELLS = 10
# A part that has no more levels than so many, or than this share of the cells, is simpler than the whole.
FEW_LEVELS, SHARE = 30, 0.1
_DECIMAL = r"[0-9]\.[0-9]"
_NUMBER = r"\s*[+-]?[0-9]+(\.[0-9]+)?\s*"


def taken_apart(cells: pd.Series, separator: str | tuple[str, ...], width: int) -> tuple[list[pd.Series], np.ndarray]:
    """The parts, ``width`` series as long as ``cells [n]``, without blanks around them and NaN where a part is empty,
    and which cells ``[n]`` are there and have another form: all their parts are missing.

    ``separator``: between each two parts, then a cell has it ``width - 1`` times; or one for each place between two
    parts, then each is met first behind the one before, and the last part is the rest ("Braund, Mr. Owen" at ", " and
    ". ").
    """
    rows = [_parts(cell, separator, width) if isinstance(cell, str) else None for cell in cells]
    wrong = np.array([row is None and isinstance(cell, str) for row, cell in zip(rows, cells, strict=True)], bool)
    columns = []
    for place in range(width):
        words = [np.nan if row is None else row[place].strip() or np.nan for row in rows]
        columns.append(pd.Series(words, cells.index, dtype=object))
    return columns, wrong


def _parts(cell: str, separator: str | tuple[str, ...], width: int) -> list[str] | None:
    if isinstance(separator, str):
        found = cell.split(separator)
    else:
        found, rest = [], cell
        for one in separator:
            part, there, rest = rest.partition(one)
            if not there:
                return None
            found.append(part)
        found.append(rest)
    return found if len(found) == width else None


def several(separator: str | tuple[str, ...], width: int) -> str:
    """What a cell must be, in words."""
    between = [separator] if isinstance(separator, str) else separator
    return f"{width} parts, {enumerated(map(repr, between))} between them"


def find_separator(cells: pd.Series) -> tuple[str | tuple[str, ...], int] | None:
    """The sign at which all ``cells`` that are there fall into the same number of values, two to ``MOST_PARTS``, and
    that number; several signs where the cells have one of ``FORMS``; None where nothing shows it surely.

    A sign within the values that another one separates is none, as the colon in 08:00-09:30, nor is a decimal point.
    No value is empty, two at least vary, and one at least is markedly simpler than the whole: it repeats, or all are
    numbers. Where the whole has few levels itself, it is their combination: each value has fewer. Of ``FORMS`` it is
    the values in the middle that repeat.
    """
    present = cells.dropna().astype(str)
    if len(present) < FEWEST_CELLS:
        return None
    for signs in FORMS:
        if all(sign in present.iloc[0] for sign in signs):
            columns, wrong = taken_apart(present, signs, len(signs) + 1)
            if not wrong.any() and _composed(present, columns) and all(map(_simple, columns[1:-1])):
                return signs, len(columns)
    for separator in SEPARATORS:
        width = present.iloc[0].count(separator) + 1
        if 2 <= width <= MOST_PARTS and (present.str.count(re.escape(separator)) == width - 1).all():
            columns = numbers_within(taken_apart(present, separator, width)[0])[0]
            if (separator in _TIMES or _decimal(present, separator)) and not _all_numbers(columns):
                continue
            if _composed(present, columns) and not _within(present, separator):
                return separator, width
    return None


def numbers_within(columns: list[pd.Series]) -> tuple[list[pd.Series], tuple[str, str]]:
    """The parts without what stands around all of them, and what that is, where all are numbers then; else the
    ``columns`` as they are, and nothing."""
    first, *_, last = columns
    for before, behind in _AROUND:
        if not (first.str.startswith(before, na=False) & last.str.endswith(behind, na=False)).all():
            continue
        bare = [first.str.removeprefix(before), *columns[1:-1], last.str.removesuffix(behind)]
        if _all_numbers(bare):
            return bare, (before, behind)
    return columns, ("", "")


def _decimal(present: pd.Series, separator: str) -> bool:
    """Is it the point of numbers, as in POINT (4.3 52.1)? Where all parts are numbers themselves, as in 1.2.3, not."""
    return separator == "." and bool(present.str.contains(_DECIMAL).any())


def _within(present: pd.Series, separator: str) -> bool:
    """Does another sign, or a blank, take every cell apart into the same number of values, in each of which the
    ``separator`` stands equally often?"""
    first = present.iloc[0].strip()
    for other in (*SEPARATORS, " "):
        width, each = first.count(other) + 1, first.count(separator)
        if other == separator or width < 2 or each % width:
            continue
        rows = present.str.strip().str.split(other, regex=False)
        if all(len(row) == width and all(part.count(separator) == each // width for part in row) for row in rows):
            return True
    return False


def _composed(present: pd.Series, columns: list[pd.Series]) -> bool:
    if any(column.isna().any() for column in columns):
        return False
    whole, levels = present.nunique(), [column.nunique() for column in columns]
    if sum(level > 1 for level in levels) < 2 or (whole <= FEW_LEVELS and max(levels) >= whole):
        return False
    measured = whole < len(present) or any(column.str.contains(".", regex=False).any() for column in columns)
    if measured and _all_numbers(columns):
        return True
    return any(_simple(column) and column.nunique() < whole for column in columns)


def _simple(column: pd.Series) -> bool:
    return 1 < column.nunique() <= max(FEW_LEVELS, SHARE * len(column))


def _all_numbers(columns: list[pd.Series]) -> bool:
    return all(column.str.fullmatch(_NUMBER, na=False).all() for column in columns)
