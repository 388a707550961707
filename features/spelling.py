"""How the numbers of a column are written: signs, units, words for a missing one. Each cell is read alone, so that a
row alone gives what it gives among others; which way a column is written, its cells in all tables show together."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

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
# Cells, about, that are looked at before all.
FEW = 256
# Different slips, at most: more of them are words of the column.
SLIPS = 5


_EXPONENT = r"([eE][+-]?\d+)?"
_BLANKS = re.compile("[\u00a0\u202f\u2009]")
# No group of thousands begins with 0: 0,125 is a decimal.
_GROUPS = r"[1-9]\d{0,2}(%s\d{3})+"
# Digits and what may stand between them: maybe a number, in some way of writing.
_NUMERAL = re.compile(r"[+-]?[\d., \u00a0\u202f\u2009]*\d" + _EXPONENT)
_PART = re.compile(
    r"[+\-\u2212]?\s*(?P<prefix>[^\W\d_]+\.|[^\d\s.,+\-\u2212]*)\s*[+\-\u2212]?"
    r"(?:\d[\d., \u00a0\u202f\u2009]*\d|\d|[.,]\d+)(?:[eE][+-]?\d+)?\s*(?P<suffix>\D*)"
)
# What may stand before a number besides a currency's sign.
_BEFORE = frozenset(
    {"'", "#", "~", "\u2248", "№", "eur", "usd", "gbp", "chf", "jpy", "cny", "rmb", "inr", "rs", "krw", "aud", "cad",
     "sek", "nok", "dkk", "kr", "pln", "zł", "czk", "kč", "huf", "ft", "rub", "brl", "try", "tl", "zar"}
)  # fmt: skip
# What may stand behind one: a word, or a sign that begins so, no further parts of a code.
_BEHIND = re.compile(r"""([^\W\d_]|[%\u2030\u00b0'"\u2032\u2033$\u00a3\u00a5\u20a0-\u20cf])[^\d:;|_\-]{0,11}""")


@dataclass(frozen=True)
class Spelling:
    """Signs in the numbers, what stands before and behind each (of words the plural, too), and ``missing``: words that
    mean an empty cell, in any case. A number written plainly (``1234.5``) is read whatever the others look like."""

    missing: tuple[str, ...] = ()
    decimal: str = "."
    thousands: str = ""
    prefix: str = ""
    suffix: str = ""

    def plain(self, text: str) -> str:
        """``text``, without blanks around it, as Python writes numbers; as it is where it is none."""
        numeral = self.numeral(text)
        if _form(self.decimal, self.thousands).fullmatch(numeral):
            numeral = numeral.replace(self.thousands, "").replace(self.decimal, ".")
        return text if math.isnan(plain_number(numeral)) else numeral

    def number(self, text: str) -> float:
        """The number that ``text``, without blanks around it, spells; NaN where it spells none."""
        return plain_number(self.plain(text))

    def numeral(self, text: str) -> str:
        """``text`` without what stands before and behind its number."""
        sign, rest = ("-", text[1:].lstrip()) if text[:1] in ("-", "\u2212") else ("", text)
        if self.prefix:
            rest = rest.removeprefix(self.prefix).lstrip()
        for suffix in _one_or_several(self.suffix):
            rest = rest.removesuffix(suffix).rstrip()
        return _BLANKS.sub(" ", sign + rest)

    @property
    def signs(self) -> str:
        """What is said of the signs, "" where there is nothing to say."""
        between = {"": "", ",": "commas between thousands", ".": "points between thousands", " ": "blanks between "
                   "thousands"}[self.thousands]  # fmt: skip
        said = [f"{self.prefix!r} before them"] * bool(self.prefix) + [f"{self.suffix!r} behind them"] * bool(
            self.suffix
        )
        said += ["decimal commas"] * (self.decimal == ",") + [between] * bool(between)
        return " and ".join(said)


PLAIN = Spelling()
# The forms of a number with a comma, or blanks, by which a column is judged: (decimal sign, sign between thousands).
_COMMA, _THOUSANDS, _BOTH = (",", ""), (".", ","), (",", ".")
_JUDGED = {
    _COMMA: re.compile(r"[+-]?(\d+|\d*,\d+)" + _EXPONENT),
    _THOUSANDS: re.compile(rf"[+-]?(\d{{1,3}}|{_GROUPS % ','})(\.\d+)?" + _EXPONENT),
    _BOTH: re.compile(rf"[+-]?(\d{{1,3}}|{_GROUPS % '[.]'})(,\d+)?" + _EXPONENT),
    (".", " "): re.compile(rf"[+-]?(\d{{1,3}}|{_GROUPS % ' '})(\.\d+)?"),
    (",", " "): re.compile(rf"[+-]?(\d{{1,3}}|{_GROUPS % ' '})(,\d+)?"),
}
_POINTED = re.compile(rf"[+-]?({_GROUPS % '[.]'}|\d{{1,3}})")


def _one_or_several(suffix: str) -> tuple[str, ...]:
    """The word and its plural, the longer one first: 1 day, 2 days. What is shorter is no word: m, ms."""
    one = suffix.removesuffix("s")
    if len(one) < 3 or not one.isalpha():
        return (suffix,) if suffix else ()
    return one + "s", one


@lru_cache(maxsize=16)
def _form(decimal: str, thousands: str) -> re.Pattern[str]:
    groups = "|" + _GROUPS % re.escape(thousands) if thousands else ""
    return re.compile(rf"[+-]?(?=[^eE]*\d)(\d+{groups})?({re.escape(decimal)}\d+)?" + _EXPONENT)


def plain_number(text: str) -> float:
    """``text`` as Python reads it, NaN where it does not; without "1_000", which is no number in a CSV file."""
    try:
        return math.nan if "_" in text else float(text.replace("\u2212", "-"))
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
    if not good.any() or not odd.any():
        return spelling if good.any() else None
    slips = odd & ~marked(cells)
    count = int(slips.sum())
    if count > (1 - MOST) * (good.sum() + count) or len(set(_stripped(cells[slips]))) > SLIPS:
        return None
    return replace(spelling, missing=tuple(sorted(set(_stripped(cells[odd])))))


def find_spelling(parts: Sequence[pd.Series], commas: bool = False, points: bool = False) -> Spelling:
    """How the numbers of a column are written, ``PLAIN`` too where it has none. ``parts``: its cells in each table.

    Which way is decided once for all tables; one without a comma has no say, since another program may have written its
    numbers. Where the comma may be several signs (1,125), it is the decimal one if ``commas``; and where there is only
    a point (6.048), it stands between thousands if ``points``: commas are the decimal sign in these tables.
    """
    filled = [_filled(part) for part in parts]
    if all(_plain(part).all() for part in filled) and not points:
        return PLAIN
    together = pd.concat(filled, ignore_index=True)
    if not _seems_numeric(together):
        return PLAIN
    prefix, suffix = _affixes(together)
    spelling = replace(PLAIN, prefix=prefix, suffix=suffix)
    numerals = [_numerals(part, spelling) for part in filled]
    forms = comma_forms(numerals)
    if forms:
        likely = [_COMMA, _BOTH, _THOUSANDS] if commas else [_THOUSANDS, _COMMA, _BOTH]
        decimal, thousands = next((form for form in likely if form in forms), forms[0])
        return replace(spelling, decimal=decimal, thousands=thousands)
    pointed = [part for part in numerals if part.str.contains(".", regex=False).any()]
    if points and pointed and not any(_holds(part, ",") for part in numerals) and _all_of(_POINTED, pointed):
        return replace(spelling, decimal=",", thousands=".")
    return spelling


def comma_forms(numerals: Sequence[pd.Series]) -> list[tuple[str, str]]:
    """The forms (decimal sign, sign between thousands) that all ``numerals`` of each table have that holds a comma, or
    else blanks, in them."""
    telling = [part for part in numerals if _holds(part, ",") or _holds(part, " ")]
    if not telling:
        return []
    return [form for form, pattern in _JUDGED.items() if _all_of(pattern, telling)]


def shows_decimal_comma(parts: Sequence[pd.Series], spelling: Spelling) -> bool:
    """Is the comma the decimal sign in these cells, and can be nothing else?"""
    if spelling.decimal != ",":
        return False
    forms = comma_forms([_numerals(_filled(part), spelling) for part in parts])
    return bool(forms) and all(decimal == "," for decimal, _ in forms)


def plainly(cells: pd.Series, spelling: Spelling) -> pd.Series:
    """The cells, numbers among them as Python writes them."""
    if spelling == PLAIN:
        return cells
    return cells.map(lambda v: v if v is None or v != v else spelling.plain(str(v).strip())).astype(object)


def left_open(cells: pd.Series, spelling: Spelling) -> tuple[Spelling, int | None]:
    """``spelling`` with the signs that the cells show, where it has plain ones and they don't; and the place of the
    first cell that may be two numbers, None where there is none."""
    numerals = _numerals(_filled(cells), spelling)
    forms = comma_forms([numerals]) if (spelling.decimal, spelling.thousands) == (".", "") else []
    if not forms:
        return spelling, None
    if _THOUSANDS in forms and len(forms) > 1:
        return spelling, int(
            np.flatnonzero(cells.index == numerals.index[numerals.str.contains(",", regex=False)][0])[0]
        )
    return replace(spelling, decimal=forms[0][0], thousands=forms[0][1]), None


def units_of(cells: pd.Series) -> list[str]:
    """What stands before or behind the numbers, the most frequent first, where nearly all cells are numbers with
    something there or without; else nothing."""
    filled = _filled(cells)
    if not _seems_numeric(filled):
        return []
    found = filled.map(_unit)
    if found.notna().mean() < MOST:
        return []
    return ["".join(unit) for unit in found.dropna().value_counts().index if any(unit)]


def _seems_numeric(filled: pd.Series) -> bool:
    """Are most of a few cells numbers with or without a unit? Words are many, and most columns of them have none."""
    few = filled.iloc[:: max(1, len(filled) // FEW)]
    return bool(len(few)) and few.map(_unit).notna().mean() > 0.5


def _affixes(filled: pd.Series) -> tuple[str, str]:
    """What stands before and behind nearly all of the numbers."""
    counts = filled.map(_unit).value_counts()
    named = {unit: int(count) for unit, count in counts.items() if any(unit)}
    for prefix, suffix in list(named)[:1]:
        same = {(prefix, word) for word in (suffix, *_one_or_several(suffix))}
        if sum(named.get(unit, 0) for unit in same) >= MOST * len(filled):
            return prefix, suffix
    return "", ""


def _unit(text: str) -> tuple[str, str] | None:
    """What stands before and behind the number in ``text``; None where it is none, or they are no unit."""
    match = _PART.fullmatch(text)
    if match is None or not math.isnan(plain_number(text)):
        return None if match is None else ("", "")
    prefix, suffix = match["prefix"], match["suffix"].strip()
    money = any(unicodedata.category(sign) == "Sc" for sign in prefix) or prefix.lower().rstrip(".") in _BEFORE
    if (prefix and not money) or (suffix and not _BEHIND.fullmatch(suffix)):
        return None
    return prefix, suffix


def _filled(part: pd.Series) -> pd.Series:
    """The cells that are neither empty nor a word for a missing value."""
    text = _stripped(part)
    return text[~text.str.lower().isin(MISSING_WORDS | MISSING_MARKS)]


def _plain(filled: pd.Series) -> pd.Series:
    return filled.map(plain_number).notna()


def _numerals(filled: pd.Series, spelling: Spelling) -> pd.Series:
    numerals = filled.map(spelling.numeral).astype(object)
    return numerals[numerals.str.fullmatch(_NUMERAL).astype(bool)]


def _holds(part: pd.Series, sign: str) -> bool:
    return bool(part.str.contains(sign, regex=False).any())


def _all_of(pattern: re.Pattern[str], parts: Sequence[pd.Series]) -> bool:
    return all(part.str.fullmatch(pattern).all() for part in parts)


def _stripped(cells: pd.Series) -> pd.Series:
    return cells.map(lambda v: "" if v is None or v != v else str(v).strip()).astype(object)
