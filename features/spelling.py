"""How the numbers of a column are written: signs, units, words for a missing one. Each cell is read alone, so that a
row alone gives what it gives among others; which way a column is written, its cells in all tables show together."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

# How programs spell a missing value. Only numbers and the target are read so: "NA" may well be a category.
MISSING_WORDS = frozenset({"", "nan", "na", "n/a", "null", "none"})
# What people write there. A column is read so where its contract says it.
MISSING_MARKS = frozenset(
    {"?", "??", "???", "-", "--", "---", "–", "—", ".", "..", "*", "#n/a", "#na", "#null!", "n.a.", "n.a", "n.d.",
     "<na>", "unknown", "missing", "not available", "not known", "k.a.", "s/d", "0000-00-00"}
)  # fmt: skip
# Share of the cells that must be numbers, or dates, for the column to be one of them; the others are slips.
MOST = 0.9
# Different slips, at most: more of them are words of the column.
SLIPS = 5


@dataclass(frozen=True)
class Spelling:
    """``missing``: words that mean an empty cell, in any case."""

    missing: tuple[str, ...] = ()

    def number(self, text: str) -> float:
        """The number that ``text``, without blanks around it, spells; NaN where it spells none."""
        return plain_number(text)


PLAIN = Spelling()


def plain_number(text: str) -> float:
    """``text`` as Python reads it, NaN where it does not; without "1_000", which is no number in a CSV file."""
    try:
        return math.nan if "_" in text else float(text)
    except ValueError:
        return math.nan


def numbers_of(cells: pd.Series, spelling: Spelling = PLAIN) -> tuple[pd.Series, np.ndarray]:
    """The numbers (NaN where missing or wrong) and which cells are no number."""
    text = _stripped(cells)
    missing = text.str.lower().isin(MISSING_WORDS | {word.lower() for word in spelling.missing}).to_numpy()
    numbers = text.map(spelling.number if spelling != PLAIN else plain_number)
    numbers = numbers.astype("float64").mask(missing)
    return numbers, numbers.isna().to_numpy() & ~missing


def marked(cells: pd.Series) -> np.ndarray:
    """Which cells hold a word that people write for a missing value, beside those that programs do."""
    return _stripped(cells).str.lower().isin(MISSING_MARKS).to_numpy()


def with_slips(spelling: Spelling, cells: pd.Series, good: np.ndarray, odd: np.ndarray) -> Spelling | None:
    """``spelling`` that reads the cells ``odd [n]`` as missing, where nearly all others are ``good [n]``: the odd ones
    few, and few different words, of which marks for a missing value count for neither. Else None."""
    slips = odd & ~marked(cells)
    count = int(slips.sum())
    if not good.any() or count > (1 - MOST) * (good.sum() + count) or len(set(_stripped(cells[slips]))) > SLIPS:
        return None
    return replace(spelling, missing=tuple(sorted(set(_stripped(cells[odd])))))


def _stripped(cells: pd.Series) -> pd.Series:
    return cells.map(lambda v: "" if v is None or v != v else str(v).strip()).astype(object)
