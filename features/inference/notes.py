"""What a person is told of a column that may be read wrong: what was decided, where, and the cure."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from features.contracts.dates import century_date, twofold_date
from features.contracts.entry import SIGNS, Column
from features.contracts.spelling import PLAIN, marked, numbers_of
from features.inference.column_types import FEWEST_OF_BOTH
from features.inference.identifiers import told_id_like
from features.inference.number_forms import MOST, doubtful, written_in_several_ways

# Different numbers besides one that stands far from them.
FEWEST_OTHERS = 10


def told_of_feature(column: Column, train: pd.Series, test: pd.Series, commas_beside: bool, commas: bool) -> list[str]:
    """All that is to be told of a column that is neither id nor target; ``commas_beside`` and ``commas`` as of
    ``told_doubtful``."""
    both = pd.concat([train, test], ignore_index=True)
    return [
        *told_missing(column, train, test),
        *told_far(column, both),
        *told_twofold(column, both),
        *told_alike(column.name, _words(column), "words"),
        *told_doubtful(column, [train, test], commas_beside, commas),
        *told_id_like(column, train, test),
    ]


def _words(column: Column) -> list[str]:
    """The listed words of a feature; not those of a letter or two, which may be codes."""
    return [word for word in column.values or () if column.role == "feature" and len(word) > 2]


def told_missing(column: Column, train: pd.Series, test: pd.Series) -> list[str]:
    """A sentence for each word that the column reads as missing: how often it stands there, where first, and what to do
    where that is wrong."""
    told = []
    for word in column.spelling.missing:
        places = [
            (table, np.flatnonzero((cells.astype(str).str.strip() == word).to_numpy()))
            for table, cells in (("train", train), ("test", test))
        ]
        table, rows = next((table, rows) for table, rows in places if len(rows))
        count, cells = sum(len(rows) for _, rows in places), len(train) + len(test)
        kind = "date" if column.type == "date" else "number"
        signs = [key for key in (*SIGNS, "units") if getattr(column.spelling, key) != getattr(PLAIN, key)]
        keys = ", ".join(f"`{key}`" for key in (["parts"] if column.parts else ["type", *signs])) + " and `missing`"
        others = "nearly all" if count <= (1 - MOST) * cells else "most"
        odd = "" if column.parts or marked(pd.Series([word])).all() else f"no {kind}, as {others} others are, and "
        told.append(
            f"{column.name}: {word!r} ({table}, row {rows[0] + 2}{' first' if count > 1 else ''}; {count} of {cells} "
            f"cells) is {odd}read as missing; if it is not, correct the file, or {keys} in the contract"
        )
    return told


def told_far(column: Column, cells: pd.Series) -> list[str]:
    """A sentence where a number stands in many cells and far from all others, as 999 and 365243 do for a missing one:
    further from the next than those are from each other."""
    if column.type != "number" or column.role != "feature":
        return []
    numbers = numbers_of(cells, column.spelling)[0]
    values, counts = np.unique(numbers[np.isfinite(numbers)], return_counts=True)
    if len(values) <= FEWEST_OTHERS:
        return []
    for end, rest in ((0, values[1:]), (-1, values[:-1])):
        gap = abs(values[end] - (rest[0] if end == 0 else rest[-1]))
        often = counts[end] >= max(FEWEST_OF_BOTH, len(cells) // 100)
        if often and values[end] != 0 and gap > np.ptp(rest):
            word = str(cells[(numbers == values[end]).to_numpy()].iloc[0]).strip()
            return [
                f"{column.name}: {word!r} stands in {counts[end]} of {len(cells)} cells, far from all others "
                f"({rest[0]:.12g} to {rest[-1]:.12g}); if it means that nothing is known, set `nullable: true` and "
                f"`missing: [{word!r}]` for it in the contract"
            ]
    return []


def told_twofold(column: Column, cells: pd.Series) -> list[str]:
    """A sentence where days of the column may be months and months days, or a year of two digits one of another
    century."""
    if column.type != "date":
        return []
    cells = cells[~cells.astype(str).str.strip().isin(column.spelling.missing)]
    found = twofold_date(cells) or century_date(cells)
    if found is None:
        return []
    cell, read, other = found
    return [
        f"{column.name}: {cell!r} is read as {read}, and no cell tells whether it is {other}; if it is, write dates as "
        "2014-12-31 in the files"
    ]


def told_alike(name: str, levels: Iterable[str], what: str) -> list[str]:
    """A sentence where two of the ``levels`` differ in small and capital letters alone; ``what`` the two are."""
    seen: dict[str, str] = {}
    for level in levels:
        other = seen.setdefault(level.casefold(), level)
        if other != level:
            return [f"{name}: {other!r} and {level!r} are two {what}; if they are one, write them alike in the file"]
    return []


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
