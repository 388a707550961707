"""Units that the numbers of one column have side by side, as 19M and 201k or 5h 3m: which ones, and how much each is.
How such a cell is read is ``features.contracts.spelling``'s."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from features.contracts.spelling import (
    FOR_MISSING,
    Spelling,
    currency_or_sign,
    marked,
    numbers_of,
    one_or_several,
    without_blanks,
)
from features.inference.number_forms import FEW, MOST, find_spelling, units_of, with_slips

# Sizes: how many ones. A number without a unit is ones itself.
SIZES = {"k": 1e3, "thousand": 1e3, "lac": 1e5, "lakh": 1e5, "m": 1e6, "mn": 1e6, "million": 1e6, "cr": 1e7,
         "crore": 1e7, "b": 1e9, "bn": 1e9, "billion": 1e9}  # fmt: skip
# Lengths of time: how many seconds.
_MINUTE, _HOUR, _DAY, _MONTH, _YEAR = 60.0, 3600.0, 86400.0, 365.25 * 7200, 365.25 * 86400
TIMES = {"s": 1.0, "sec": 1.0, "second": 1.0, "m": _MINUTE, "min": _MINUTE, "minute": _MINUTE, "h": _HOUR, "hr": _HOUR,
         "hour": _HOUR, "d": _DAY, "day": _DAY, "w": 7 * _DAY, "wk": 7 * _DAY, "week": 7 * _DAY, "month": _MONTH,
         "mth": _MONTH, "mo": _MONTH, "mon": _MONTH, "y": _YEAR, "yr": _YEAR, "year": _YEAR}  # fmt: skip
# What ISO 8601 writes before hours, minutes and seconds: PT1H2M.
_PERIOD = "PT"
# Different amounts from which on they are numbers: fewer are words, learned one by one.
FEWEST_AMOUNTS = 10
# Different words, at most, that stand for a missing number however frequent they are. A column of units measures, so no
# word is a level of it.
FREQUENT = 2
_WHOLE = re.compile(r"(?P<prefix>[^\w\s.,+\-]*|[^\W\d_]+\.?)\s*(?P<pieces>(\d+(\.\d+)?\s*([^\W\d_]+\.?)?[\s,]*)+)")
_PIECE = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[^\W\d_]*)")


def find_units(present: pd.Series) -> Spelling | None:
    """How the cells ``present`` are written where nearly all of half of them or more are amounts in several units of
    one kind; else None.

    Sizes have one unit each, or none, and a decimal where the largest is, which no code has (12K is a seat, 59M a man's
    age). Lengths of time may have several units, the larger first, and always one; where all are single letters, some
    cell has two of them.
    """
    texts = present.drop_duplicates()
    few = texts.iloc[:: max(1, len(texts) // FEW)]
    if 2 * few.map(_pieces).notna().sum() < len(few):
        return None
    read = texts.map(_pieces).dropna()
    prefixes = {prefix for prefix, _ in read if prefix}
    if len(prefixes) > 1 or len(read) < FEWEST_AMOUNTS:
        return None
    prefix = next(iter(prefixes), "")
    if prefix and prefix != _PERIOD and not currency_or_sign(prefix):
        return None
    cells = [pieces for _, pieces in read]
    units = _times(cells) if prefix == _PERIOD else _sizes(cells) or ({} if prefix else _times(cells))
    if not units:
        return None
    plural = {one_or_several(unit)[0] for unit in units if unit != one_or_several(unit)[0]}  # read with its word
    kept = [(unit, size) for unit, size in units.items() if unit not in plural]
    spelling = Spelling(prefix=prefix, units=tuple(sorted(kept, key=lambda one: (-one[1], one[0]))))
    amounts = texts.map(spelling.number)
    enough = amounts.nunique() >= FEWEST_AMOUNTS and amounts.notna().sum() >= MOST * len(read)
    return spelling if enough else None


def measured(present: pd.Series) -> Spelling | None:
    """How the numbers of the cells ``present`` are written, where no cell without a digit is asked, and they have a
    unit or a currency, so that they surely measure something; else None, as of 1Fam and Duplex."""
    cells = present[present.str.contains("[0-9]").to_numpy()]
    if not len(present) / 2 <= len(cells) < len(present):
        return None
    spelling = find_spelling([cells])
    # A single letter may be a part of a code.
    unit = len(spelling.suffix) > 1 or not spelling.suffix.isalpha()
    if not (spelling.suffix and unit) and not _sign_of_currency(spelling.prefix):
        return None
    return spelling if numbers_of(cells, spelling)[0].nunique() >= FEWEST_AMOUNTS else None


def one_currency(present: pd.Series) -> Spelling | None:
    """How the cells ``present`` are written where nearly all are amounts, with one currency or without it ($4.99 beside
    0); else None. Of a unit nobody knows whether 5 is one of 5%."""
    signs = units_of(present)
    if len(signs) != 1 or not _sign_of_currency(signs[0]):
        return None
    having = present.str.contains(signs[0], regex=False).to_numpy()
    before = bool(find_spelling([present[having]]).prefix)
    everywhere = present.where(having, signs[0] + present if before else present + signs[0])
    spelling = find_spelling([everywhere.mask(present.str.lower().isin(FOR_MISSING), "")])
    return spelling if signs[0] in (spelling.prefix, spelling.suffix) else None


def _sign_of_currency(word: str) -> bool:
    return any(unicodedata.category(sign) == "Sc" for sign in word)


def with_frequent_words(spelling: Spelling, cells: pd.Series, good: np.ndarray, odd: np.ndarray) -> Spelling | None:
    """As ``features.inference.number_forms.with_slips``, but for the ``FREQUENT`` words without a digit that stand most
    often among the cells ``odd [n]``: they are read as missing, too, where half of the cells and more are ``good
    [n]``."""
    words = cells[odd & ~marked(cells) & ~cells.str.contains("[0-9]").to_numpy()]
    frequent = tuple(words.value_counts().index[:FREQUENT])
    if 2 * good.sum() < len(cells):
        return None
    lenient = with_slips(spelling, cells, good, odd & ~cells.isin(frequent).to_numpy())
    return lenient and replace(lenient, missing=tuple(sorted({*lenient.missing, *without_blanks(pd.Series(frequent))})))


def _pieces(text: str) -> tuple[str, list[tuple[str, str]]] | None:
    """What stands before the numbers in ``text``, and each of them with its unit; None where it is no such cell."""
    match = None if text.lower() in FOR_MISSING else _WHOLE.fullmatch(text.strip())
    return None if match is None else (match["prefix"], _PIECE.findall(match["pieces"]))


def _sizes(cells: list[list[tuple[str, str]]]) -> dict[str, float]:
    """How much each unit in the ``cells`` is, where nearly all are sizes, in thousands and others; else nothing."""
    units = _known(cells, SIZES)
    single = [pieces[0] for pieces in cells if len(pieces) == 1 and (pieces[0][1] in units or not pieces[0][1])]
    bare = sum(not unit for _, unit in single)
    sizes = {units[unit] for _, unit in single if unit}
    # 1.5m and 2 may be metres, 1.2k and 980 are no such thing.
    if len(single) < MOST * len(cells) or not (len(sizes) > 1 or (sizes == {SIZES["k"]} and bare)):
        return {}
    largest = [number for number, unit in single if unit and units[unit] == max(sizes)]
    return units if any("." in number for number in largest) else {}


def _times(cells: list[list[tuple[str, str]]]) -> dict[str, float]:
    """How much each unit in the ``cells`` is, where nearly all are lengths of time in several: in days where none is
    shorter, else in minutes, in seconds where there are some; else nothing."""
    units = _known(cells, TIMES)
    shortest = min((size for unit, size in units.items() if _word(unit) != "m"), default=0.0)
    if any(_word(unit) == "m" for unit in units):
        # Of months and days, m may be either.
        if shortest >= _YEAR:
            units |= {unit: _MONTH for unit in units if _word(unit) == "m"}
        elif shortest > _HOUR:
            return {}
    whole = [pieces for pieces in cells if all(unit in units for _, unit in pieces)]
    if len(whole) < MOST * len(cells) or len(set(units.values())) < 2:
        return {}
    letters = all(len(_word(unit)) == 1 for unit in units)
    if letters and not any(len(pieces) > 1 for pieces in whole):
        return {}
    least = min(units.values())
    base = _DAY if least >= _DAY else _MINUTE if least >= _MINUTE else 1.0
    return {unit: size / base for unit, size in units.items()}


def _known(cells: list[list[tuple[str, str]]], table: Mapping[str, float]) -> dict[str, float]:
    """The units in the ``cells`` that the ``table`` has, as they are spelt."""
    found = {unit for pieces in cells for _, unit in pieces}
    return {unit: table[_word(unit)] for unit in sorted(found) if _word(unit) in table}


def _word(unit: str) -> str:
    """The unit in small letters, one of it."""
    small = unit.lower()
    return small.removesuffix("s") if len(small) > 2 else small
