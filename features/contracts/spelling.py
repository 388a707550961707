"""How the numbers of a column are written, and read: signs, units, words for a missing one. Each cell is read alone, so
that a row alone gives what it gives among others. What ``new`` takes a column's form for:
``features.inference.number_forms``."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

import numpy as np
import pandas as pd

from features.errors import enumerated

# How programs spell a missing value. Only numbers and the target are read so: "NA" may well be a category.
MISSING_WORDS = frozenset({"", "nan", "na", "n/a", "null", "none"})
# What people write there. A column is read so where its contract says it.
MISSING_MARKS = frozenset(
    {"?", "??", "???", "-", "--", "---", "–", "—", ".", "..", "*", "#n/a", "#na", "#null!", "n.a.", "n.a", "n.d.",
     "\\n", "#div/0!", "#value!", "#ref!", "#name?", "#num!", "<na>", "unknown", "missing",
     "not available", "not known", "k.a.", "s/d", "0000-00-00", "9999-12-31", "9999-12-31 00:00:00"}
)  # fmt: skip
# What stands for a missing value, of people or of programs.
FOR_MISSING = MISSING_MARKS | MISSING_WORDS
EXPONENT = r"([eE][+-]?\d+)?"
_BLANKS = re.compile("[\u00a0\u202f\u2009]")
# No group of thousands begins with 0: 0,125 is a decimal.
GROUPS = r"[1-9]\d{0,2}(%s\d{3})+"
# With commas also as in India: 1,23,45,678.
COMMA_GROUPS = GROUPS % "," + r"|[1-9]\d?(,\d{2})+,\d{3}"
# A negative amount as book-keeping writes it: (12), $(12), ($12).
BRACKETED = re.compile(r"([^\d()+\-]*)\(([^()+\-]*\d[^()+\-]*)\)([^\w()]*)")
# What may stand before a number besides a currency's sign.
_BEFORE = frozenset(
    {"'", "#", "~", "\u2248", "№", "eur", "usd", "gbp", "chf", "jpy", "cny", "rmb", "inr", "rs", "krw", "aud", "cad",
     "sek", "nok", "dkk", "kr", "pln", "zł", "czk", "kč", "huf", "ft", "rub", "brl", "try", "tl", "zar"}
)  # fmt: skip
# 0 as spreadsheets show an amount of it: "$ -", "- €". Without the currency a dash is a mark for a missing value.
_NOTHING = re.compile(r"(?P<prefix>[^\d+\-]*)-(?P<suffix>[^\d+\-]*)")


@dataclass(frozen=True)
class Spelling:
    """Signs in the numbers, what stands before and behind each (of words the plural, too), and ``missing``: words that
    mean an empty cell, in any case. A number written plainly (``1234.5``) is read whatever the others look like.

    ``units``: what may stand behind each instead, and how much one of it is. A cell is the sum of its numbers, the
    larger units first: 5h 3m is 303 where h is 60 and m is 1."""

    missing: tuple[str, ...] = ()
    decimal: str = "."
    thousands: str = ""
    prefix: str = ""
    suffix: str = ""
    units: tuple[tuple[str, float], ...] = ()

    def plain(self, text: str) -> str:
        """``text``, without blanks around it, as Python writes numbers; as it is where it is none."""
        numeral = self._plain_numeral(text)
        return text if math.isnan(plain_number(numeral)) else numeral

    def number(self, text: str) -> float:
        """The number that ``text``, without blanks around it, spells; NaN where it spells none."""
        return plain_number(self._plain_numeral(text))

    def _plain_numeral(self, text: str) -> str:
        numeral = self.numeral(text)
        amount = self._in_units(numeral) if self.units else None
        if amount is not None:
            return f"{amount:.15g}"
        if _form(self.decimal, self.thousands).fullmatch(numeral):
            return numeral.replace(self.thousands, "").replace(self.decimal, ".")
        # Where 12.500 is 12500, nobody knows what 12.5 is.
        return "" if self.thousands == "." and _DECIMAL_POINT.fullmatch(numeral) else numeral

    def _in_units(self, numeral: str) -> float | None:
        """The sum of the numbers in ``numeral``, each in its unit; None where they are written otherwise."""
        whole, piece = _pieces(tuple(unit for unit, _ in self.units))
        sign, rest = signed(numeral)
        if whole.fullmatch(rest) is None:
            return None
        size, alone = dict(self.units), replace(PLAIN, decimal=self.decimal, thousands=self.thousands)
        found = [(alone.number(number), _size(unit, size)) for number, unit in piece.findall(rest)]
        if any(larger <= smaller for (_, larger), (_, smaller) in pairwise(found)):
            return None
        amount = sum(number * size for number, size in found)
        return None if math.isnan(amount) else -amount if sign else amount

    def numeral(self, text: str) -> str:
        """``text`` without what stands before and behind its number."""
        nothing = amount_of_nothing(text)
        if nothing is not None and nothing in ((self.prefix, ""), ("", self.suffix)):
            return "0"
        sign, rest = signed(text)
        if self.prefix:
            rest = rest.removeprefix(self.prefix).lstrip()
        for suffix in one_or_several(self.suffix):
            rest = rest.removesuffix(suffix).rstrip()
        return sign + rest

    @property
    def signs(self) -> str:
        """What is said of the signs, "" where there is nothing to say."""
        between = {"": "", ",": "commas between thousands", ".": "points between thousands", " ": "blanks between "
                   "thousands", "'": "apostrophes between thousands"}[self.thousands]  # fmt: skip
        said = [f"{self.prefix!r} before them"] * bool(self.prefix) + [f"{self.suffix!r} behind them"] * bool(
            self.suffix
        )
        said += [f"{unit!r} as {size:.12g}" for unit, size in self.units]
        said += ["decimal commas"] * (self.decimal == ",") + [between] * bool(between)
        return enumerated(said)


PLAIN = Spelling()
_DECIMAL_POINT = re.compile(r"[+-]?\d*\.\d+")


@lru_cache(maxsize=64)
def _pieces(units: tuple[str, ...]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What a cell is whose numbers have one of the ``units`` behind each, and what one of these numbers is."""
    words = sorted({word for unit in units for word in one_or_several(unit)}, key=len, reverse=True)
    number, unit = r"\d[\d.,']*|\.\d+", "|".join(map(re.escape, words))
    whole = rf"((?:{number})\s*(?:{unit})(?!\w)\.?[\s,]*|(?:{number})\s*(?:{unit})(?=\d))+"
    return re.compile(whole), re.compile(rf"({number})\s*({unit})")


def _size(word: str, sizes: Mapping[str, float]) -> float:
    """How much the unit is that ``word`` is, or is the plural of."""
    return next(size for unit, size in sizes.items() if word in one_or_several(unit))


def signed(text: str) -> tuple[str, str]:
    """The sign, "-" or "", and the rest of ``text``, its blanks, minus and apostrophes as keyboards have them."""
    text = _BLANKS.sub(" ", text).replace("\u2212", "-").replace("\u2019", "'")
    bracketed = BRACKETED.fullmatch(text)
    if bracketed is not None:
        return "-", "".join(part.strip() for part in bracketed.groups())
    return ("-" if text[:1] == "-" else "", text[1:].lstrip()) if text[:1] in ("-", "+") else ("", text)


def amount_of_nothing(text: str) -> tuple[str, str] | None:
    """The currency before and behind the dash where ``text`` is an amount of nothing, else None."""
    if "-" not in text or any(sign.isdigit() for sign in text):
        return None
    match = _NOTHING.fullmatch(_BLANKS.sub(" ", text))
    if match is None:
        return None
    prefix, suffix = match["prefix"].strip(), match["suffix"].strip()
    return (prefix, suffix) if (prefix + suffix).strip("'#~\u2248№") and currency_or_sign(prefix + suffix) else None


def currency_or_sign(word: str) -> bool:
    """Does a currency or another sign of a number stand there?"""
    return any(unicodedata.category(sign) == "Sc" for sign in word) or word.lower().rstrip(".") in _BEFORE


def one_or_several(suffix: str) -> tuple[str, ...]:
    """The word and its plural, the longer one first: 1 day, 2 days. What is shorter is no word: m, ms."""
    one = suffix.removesuffix("s")
    if len(one) < 3 or not one.isalpha():
        return (suffix,) if suffix else ()
    return one + "s", one


@lru_cache(maxsize=16)
def _form(decimal: str, thousands: str) -> re.Pattern[str]:
    groups = "|" + (COMMA_GROUPS if thousands == "," else GROUPS % re.escape(thousands)) if thousands else ""
    return re.compile(rf"[+-]?(?=[^eE]*\d)(\d+{groups})?({re.escape(decimal)}\d+)?" + EXPONENT)


def plain_number(text: str) -> float:
    """``text`` as Python reads it, NaN where it does not; without "1_000", which is no number in a CSV file, and with
    (12), which is -12 in one."""
    if text[:1] == "(" and BRACKETED.fullmatch(text) is not None:
        text = "".join(signed(text))
    try:
        return math.nan if "_" in text else float(text.replace("\u2212", "-"))
    except ValueError:
        return math.nan


def numbers_of(cells: pd.Series, spelling: Spelling = PLAIN) -> tuple[pd.Series, np.ndarray]:
    """The numbers (NaN where missing or wrong) and which cells are no number."""
    codes, texts = different(cells)
    absent = MISSING_WORDS | {word.lower() for word in spelling.missing}
    read = spelling.number if spelling != PLAIN else plain_number
    missing = np.array([text.lower() in absent for text in texts])
    numbers = np.array([math.nan if gap else read(text) for text, gap in zip(texts, missing, strict=True)])
    wrong = np.isnan(numbers) & ~missing
    return pd.Series(numbers[codes], cells.index, name=cells.name), wrong[codes]


def marked(cells: pd.Series, words: frozenset[str] = MISSING_MARKS) -> np.ndarray:
    """Which cells ``[n]`` hold one of the ``words``: those that people write for a missing value, if not told."""
    codes, texts = different(cells)
    return np.array([text.lower() in words for text in texts])[codes]


def plainly(cells: pd.Series, spelling: Spelling) -> pd.Series:
    """The cells, numbers among them as Python writes them."""
    if spelling == PLAIN:
        return cells
    return cells.map(lambda v: v if v is None or v != v else spelling.plain(str(v).strip())).astype(object)


def without_blanks(cells: pd.Series) -> pd.Series:
    """The cells as words without blanks around them, "" where they are missing."""
    codes, texts = different(cells)
    return pd.Series(np.array(texts, object)[codes], cells.index, name=cells.name)


def different(cells: pd.Series) -> tuple[np.ndarray, list[str]]:
    """The place of each cell among the different ones, and these without blanks around them, the last one "", of a
    missing cell (-1). Most columns repeat their cells, and what is done in Python is done once for each."""
    codes, values = pd.factorize(cells)
    return codes, [*(str(value).strip() for value in values), ""]
