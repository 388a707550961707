"""How the numbers of a column are written: signs, units, words for a missing one. Each cell is read alone, so that a
row alone gives what it gives among others; which way a column is written, its cells in all tables show together."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations

import numpy as np
import pandas as pd

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
# With commas also as in India: 1,23,45,678.
_COMMA_GROUPS = _GROUPS % "," + r"|[1-9]\d?(,\d{2})+,\d{3}"
# Digits and what may stand between them: maybe a number, in some way of writing. 5'11 is none.
_NUMERAL = re.compile(r"[+-]?([\d., ]|'(?=\d{3}(\D|$)))*\d" + _EXPONENT)
_PART = re.compile(
    r"[+\-]?\s*(?P<prefix>[^\W\d_]+\.|[^\d\s.,+\-]*)\s*[+\-]?"
    r"(?:\d(?:[\d., ]|'(?=\d{3}(?:\D|$)))*\d|\d|[.,]\d+)(?:[eE][+-]?\d+)?\s*(?P<suffix>\D*)"
)
# A negative amount as book-keeping writes it: (12), $(12), ($12).
_BRACKETED = re.compile(r"([^\d()+\-]*)\(([^()+\-]*\d[^()+\-]*)\)([^\w()]*)")
# What may stand before a number besides a currency's sign.
_BEFORE = frozenset(
    {"'", "#", "~", "\u2248", "№", "eur", "usd", "gbp", "chf", "jpy", "cny", "rmb", "inr", "rs", "krw", "aud", "cad",
     "sek", "nok", "dkk", "kr", "pln", "zł", "czk", "kč", "huf", "ft", "rub", "brl", "try", "tl", "zar"}
)  # fmt: skip
# 0 as spreadsheets show an amount of it: "$ -", "- €". Without the currency a dash is a mark for a missing value.
_NOTHING = re.compile(r"(?P<prefix>[^\d+\-]*)-(?P<suffix>[^\d+\-]*)")
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
        numeral = self._plain_numeral(text)
        return text if math.isnan(plain_number(numeral)) else numeral

    def number(self, text: str) -> float:
        """The number that ``text``, without blanks around it, spells; NaN where it spells none."""
        return plain_number(self._plain_numeral(text))

    def _plain_numeral(self, text: str) -> str:
        numeral = self.numeral(text)
        if _form(self.decimal, self.thousands).fullmatch(numeral):
            return numeral.replace(self.thousands, "").replace(self.decimal, ".")
        # Where 12.500 is 12500, nobody knows what 12.5 is.
        return "" if self.thousands == "." and _DECIMAL_POINT.fullmatch(numeral) else numeral

    def numeral(self, text: str) -> str:
        """``text`` without what stands before and behind its number."""
        nothing = _nothing(text)
        if nothing is not None and nothing in ((self.prefix, ""), ("", self.suffix)):
            return "0"
        sign, rest = _signed(text)
        if self.prefix:
            rest = rest.removeprefix(self.prefix).lstrip()
        for suffix in _one_or_several(self.suffix):
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
        said += ["decimal commas"] * (self.decimal == ",") + [between] * bool(between)
        return " and ".join(said)


PLAIN = Spelling()
# Forms of a number with a comma, blanks or apostrophes, by which a column is judged: (decimal, between thousands).
_COMMA, _THOUSANDS, _BOTH = (",", ""), (".", ","), (",", ".")
_JUDGED = {
    _COMMA: re.compile(r"[+-]?(\d+|\d*,\d+)" + _EXPONENT),
    _THOUSANDS: re.compile(rf"[+-]?(\d{{1,3}}|{_COMMA_GROUPS})(\.\d+)?" + _EXPONENT),
    _BOTH: re.compile(rf"[+-]?(\d{{1,3}}|{_GROUPS % '[.]'})(,\d+)?" + _EXPONENT),
    (".", " "): re.compile(rf"[+-]?(\d{{1,3}}|{_GROUPS % ' '})(\.\d+)?"),
    (",", " "): re.compile(rf"[+-]?(\d{{1,3}}|{_GROUPS % ' '})(,\d+)?"),
    (".", "'"): re.compile(rf"[+-]?(\d{{1,3}}|{_GROUPS % chr(39)})(\.\d+)?"),
    (",", "'"): re.compile(rf"[+-]?(\d{{1,3}}|{_GROUPS % chr(39)})(,\d+)?"),
}
_POINTED = re.compile(rf"[+-]?({_GROUPS % '[.]'}|\d{{1,3}})")
_DECIMAL_POINT = re.compile(r"[+-]?\d*\.\d+")
# A comma that a point between thousands comes before can be the decimal one alone.
_POINTS_AND_COMMA = re.compile(rf"[+-]?{_GROUPS % '[.]'},\d+")
_THREE_AFTER = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
# Commas that stand between thousands, or may; and those that can stand nowhere else.
_GROUPED = re.compile(rf"[+-]?({_COMMA_GROUPS})(\.\d+)?")
_SURELY_GROUPED = re.compile(r"[^,]*,[^,]*[,.].*")
# Cells with three digits behind a comma from which on the numbers without one tell what it is.
_SEVERAL = 30
# Different cells of two answers that can't be decimals by chance.
_FEWEST_ANSWERS = 5


def _signed(text: str) -> tuple[str, str]:
    """The sign, "-" or "", and the rest of ``text``, its blanks, minus and apostrophes as keyboards have them."""
    text = _BLANKS.sub(" ", text).replace("\u2212", "-").replace("\u2019", "'")
    bracketed = _BRACKETED.fullmatch(text)
    if bracketed is not None:
        return "-", "".join(part.strip() for part in bracketed.groups())
    return ("-" if text[:1] == "-" else "", text[1:].lstrip()) if text[:1] in ("-", "+") else ("", text)


def _nothing(text: str) -> tuple[str, str] | None:
    """The currency before and behind the dash where ``text`` is an amount of nothing, else None."""
    if "-" not in text or any(sign.isdigit() for sign in text):
        return None
    match = _NOTHING.fullmatch(_BLANKS.sub(" ", text))
    if match is None:
        return None
    prefix, suffix = match["prefix"].strip(), match["suffix"].strip()
    return (prefix, suffix) if (prefix + suffix).strip("'#~\u2248№") and _money(prefix + suffix) else None


def _money(word: str) -> bool:
    """Does a currency or another sign of a number stand there?"""
    return any(unicodedata.category(sign) == "Sc" for sign in word) or word.lower().rstrip(".") in _BEFORE


def _only_thousands_have_it(numerals: pd.Series) -> bool:
    """Have three digits behind the comma in every cell that has one, while numbers below 1000 have none? Numbers cut to
    the decimals they need are shorter at times, and those cut to none rare."""
    several = len(_having(numerals, ",")) >= _SEVERAL
    return several and bool(numerals.str.fullmatch(r"[+-]?[1-9]\d{0,2}(\.\d+)?").any())


def _some_have_thousands(numerals: pd.Series) -> bool:
    """Do commas stand between thousands in some cells, while others of 1000 and more have none (45,000 and 52000)? Then
    no form that all cells have tells it."""
    commas = numerals.str.contains(",", regex=False).astype(bool)
    grouped, others = numerals[commas], numerals[~commas]
    if grouped.empty or not grouped.str.fullmatch(_GROUPED).all() or others.map(plain_number).isna().any():
        return False
    return bool(grouped.str.fullmatch(_SURELY_GROUPED).any() or others.str.fullmatch(r"[+-]?[1-9]\d{3,}").any())


def _answers(numerals: pd.Series) -> bool:
    """Are the cells numbers of answers, several with a comma between: "1,3" for the first and third? They rise within
    each cell, as the decimals of no measure do."""
    several = set(_having(numerals, ","))
    if not all(re.fullmatch("[1-9],[1-9]", cell) and cell[0] < cell[2] for cell in several):
        return False
    # Halves alone rise, too (1,5 and 2,5), and numbers between 1,2 and 1,9.
    if min(len({cell[place] for cell in several}) for place in (0, 2)) < 2:
        return False
    answers = sorted({cell[place] for cell in several for place in (0, 2)})
    return len(several) >= _FEWEST_ANSWERS or several == {f"{a},{b}" for a, b in combinations(answers, 2)}


def _one_or_several(suffix: str) -> tuple[str, ...]:
    """The word and its plural, the longer one first: 1 day, 2 days. What is shorter is no word: m, ms."""
    one = suffix.removesuffix("s")
    if len(one) < 3 or not one.isalpha():
        return (suffix,) if suffix else ()
    return one + "s", one


@lru_cache(maxsize=16)
def _form(decimal: str, thousands: str) -> re.Pattern[str]:
    groups = "|" + (_COMMA_GROUPS if thousands == "," else _GROUPS % re.escape(thousands)) if thousands else ""
    return re.compile(rf"[+-]?(?=[^eE]*\d)(\d+{groups})?({re.escape(decimal)}\d+)?" + _EXPONENT)


def plain_number(text: str) -> float:
    """``text`` as Python reads it, NaN where it does not; without "1_000", which is no number in a CSV file, and with
    (12), which is -12 in one."""
    if text[:1] == "(" and _BRACKETED.fullmatch(text) is not None:
        text = "".join(_signed(text))
    try:
        return math.nan if "_" in text else float(text.replace("\u2212", "-"))
    except ValueError:
        return math.nan


def numbers_of(cells: pd.Series, spelling: Spelling = PLAIN) -> tuple[pd.Series, np.ndarray]:
    """The numbers (NaN where missing or wrong) and which cells are no number."""
    codes, texts = _different(cells)
    absent = MISSING_WORDS | {word.lower() for word in spelling.missing}
    read = spelling.number if spelling != PLAIN else plain_number
    missing = np.array([text.lower() in absent for text in texts])
    numbers = np.array([math.nan if gap else read(text) for text, gap in zip(texts, missing, strict=True)])
    wrong = np.isnan(numbers) & ~missing
    return pd.Series(numbers[codes], cells.index, name=cells.name), wrong[codes]


def marked(cells: pd.Series, words: frozenset[str] = MISSING_MARKS) -> np.ndarray:
    """Which cells ``[n]`` hold one of the ``words``: those that people write for a missing value, if not told."""
    codes, texts = _different(cells)
    return np.array([text.lower() in words for text in texts])[codes]


def with_slips(spelling: Spelling, cells: pd.Series, good: np.ndarray, odd: np.ndarray) -> Spelling | None:
    """``spelling`` that reads the cells ``odd [n]`` as missing, where nearly all others are ``good [n]``: the odd ones
    few, and few different words, of which marks for a missing value count for neither. Else None."""
    if not good.any() or not odd.any():
        return spelling if good.any() else None
    slips = odd & ~marked(cells)
    count = int(slips.sum())
    if count > (1 - MOST) * (good.sum() + count) or len(set(without_blanks(cells[slips]))) > SLIPS:
        return None
    return replace(spelling, missing=tuple(sorted(set(without_blanks(cells[odd])))))


def find_spelling(parts: Sequence[pd.Series], commas: bool = False, points: bool = False) -> Spelling:
    """How the numbers of a column are written, ``PLAIN`` too where it has none. ``parts``: its cells in each table.

    Which way is decided once for all tables; one without a comma has no say, since another program may have written its
    numbers. Where the comma may be several signs (1,125), it is the decimal one if ``commas``, unless numbers below
    1000 stand without it (874); and where there is only a point (6.048), it stands between thousands if ``points``.
    """
    filled = [_filled(part) for part in parts]
    if not points and all(not math.isnan(plain_number(text)) for part in filled for text in part):
        return PLAIN
    together = pd.concat(filled, ignore_index=True)
    if not _seems_numeric(together):
        return PLAIN
    prefix, suffix = _affixes(together)
    spelling = replace(PLAIN, prefix=prefix, suffix=suffix)
    numerals = [_numerals(part, spelling) for part in filled]
    forms, all_numerals = comma_forms(numerals), pd.concat(numerals)
    if forms and not commas and _answers(all_numerals):
        return PLAIN
    if not commas and _some_have_thousands(all_numerals):
        return replace(spelling, thousands=",")
    if forms:
        between = not commas or _only_thousands_have_it(all_numerals)
        likely = [_THOUSANDS, _COMMA, _BOTH] if between else [_COMMA, _BOTH, _THOUSANDS]
        decimal, thousands = next((form for form in likely if form in forms), forms[0])
        return replace(spelling, decimal=decimal, thousands=thousands)
    pointed = [part for part in numerals if _holds(part, ".")]
    if pointed and not any(_holds(part, ",") for part in numerals) and _all_of(_POINTED, pointed):
        counts = pd.concat(pointed).str.count("[.]")
        # 1.234.567 beside 853; always as many are parts of an address.
        if points or (counts.max() > 1 and counts.nunique() > 1):
            return replace(spelling, decimal=",", thousands=".")
    return spelling


def comma_forms(numerals: Sequence[pd.Series]) -> list[tuple[str, str]]:
    """The forms (decimal sign, sign between thousands) that all ``numerals`` of each table have that holds a comma, or
    else blanks or apostrophes, in them."""
    telling = [part for part in numerals if any(_holds(part, sign) for sign in ", '")]
    if not telling:
        return []
    return [form for form, pattern in _JUDGED.items() if _all_of(pattern, telling)]


def shows_decimal_comma(parts: Sequence[pd.Series], spelling: Spelling) -> bool:
    """Is the comma the decimal sign in these cells, can be nothing else, and do most of them have one? A slip may look
    so, and a list of two."""
    if spelling.decimal != ",":
        return False
    numerals = [_numerals(_filled(part), spelling) for part in parts]
    forms = comma_forms(numerals)
    return (
        bool(forms)
        and all(decimal == "," for decimal, _ in forms)
        and bool(pd.concat(numerals).str.contains(",", regex=False).mean() > 0.5)
    )


def shows_decimal_point(parts: Sequence[pd.Series], spelling: Spelling) -> bool:
    """Is the point the decimal sign in these cells, can be nothing else, and do most of them have one?"""
    filled = _filled(pd.concat(parts, ignore_index=True))
    if spelling.decimal != "." or not _seems_numeric(filled):
        return False
    numerals = _numerals(filled, spelling)
    pointed = _having(numerals, ".")
    read = pointed[pointed.map(spelling.number).notna()]
    return len(read) > 0.5 * len(filled) and not read.str.fullmatch(_POINTED).all()


def shows_point_and_comma(parts: Sequence[pd.Series], spelling: Spelling) -> bool:
    """Is there a cell with points between thousands and a decimal comma, as no program writes where points are the
    decimal sign?"""
    return any(bool(_numerals(_filled(part), spelling).str.fullmatch(_POINTS_AND_COMMA).any()) for part in parts)


def all_bracketed(cells: pd.Series) -> bool:
    """Are all cells numbers in brackets, as marks of sections are? Amounts are negative at times, not always."""
    if not all(_BRACKETED.fullmatch(text) for text in _filled(cells.iloc[:FEW])):
        return False
    filled = _filled(cells)
    return bool(len(filled)) and all(_BRACKETED.fullmatch(text) for text in filled)


def doubtful(parts: Sequence[pd.Series], spelling: Spelling, commas_beside: bool) -> tuple[str, str, str | None] | None:
    """A cell of a column of numbers whose reading is a decision that may be wrong: the cell, how Python writes the
    number that it is read as, and the other number that it may be, None where it would be none. None where there is no
    such cell. ``commas_beside``: another column has decimal commas."""
    plain = (spelling.decimal, spelling.thousands) == (".", "")
    if plain and not commas_beside:
        return None
    filled = _filled(pd.concat(parts, ignore_index=True))
    numerals = _numerals(filled, spelling)
    commas, points = _having(numerals, ","), _having(numerals, ".")
    between_too = _THOUSANDS in comma_forms([numerals]) or spelling.decimal == "," or spelling.thousands != ""
    clear = spelling.decimal == "." and _only_thousands_have_it(numerals)
    if len(commas) and between_too and not clear and commas.str.fullmatch(_THREE_AFTER).all():
        cell, other = commas.index[0], commas.iloc[0].replace(",", "" if spelling.decimal == "," else ".")
        return str(filled[cell]), spelling.plain(filled[cell]), other
    if len(points) and not len(commas) and (plain or spelling.thousands == ".") and _all_of(_POINTED, [numerals]):
        # With three decimals each they are alike either way but for a factor.
        if (plain and len(points) == len(numerals)) or points.str.count("[.]").max() > 1:
            return None
        cell, other = points.index[0], points.iloc[0].replace(".", "") if plain else points.iloc[0]
        return str(filled[cell]), spelling.plain(filled[cell]), other
    after = commas.str.extract(r",(\d+)$", expand=False).dropna()
    # A decimal more or less, and yet a 0 at the end: more like two whole numbers, 40,36 and 51,7 and 62,80.
    pairs = after.str.len().nunique() > 1 and after.str.endswith("0").any()
    if spelling.decimal == "," and len(commas) and (len(commas) < 0.5 * len(numerals) or pairs):
        return str(filled[commas.index[0]]), spelling.plain(filled[commas.index[0]]), None
    return None


def written_in_several_ways(cells: pd.Series) -> str | None:
    """The first cell that has more than digits, where nearly all are numbers in some way of writing, but not in one;
    else None."""
    filled = _filled(cells)
    if not _seems_numeric(filled):
        return None
    numerals = filled.map(lambda text: "".join(_signed(text)))
    ways = [numerals.str.fullmatch(form).astype(bool) for form in _JUDGED.values()]
    ways.append(numerals.map(plain_number).notna())
    if np.any(ways, axis=0).mean() < MOST or np.mean(ways, axis=1).max() >= MOST:
        return None
    return str(filled[~numerals.str.fullmatch("[0-9]+").astype(bool)].iloc[0])


def plainly(cells: pd.Series, spelling: Spelling) -> pd.Series:
    """The cells, numbers among them as Python writes them."""
    if spelling == PLAIN:
        return cells
    return cells.map(lambda v: v if v is None or v != v else spelling.plain(str(v).strip())).astype(object)


def left_open(cells: pd.Series, spelling: Spelling) -> tuple[Spelling, int | None]:
    """``spelling`` with the signs that the cells show, each for itself, where it has plain ones and they don't; and the
    place of the first cell that may be two numbers, None where there is none."""
    if (spelling.decimal, spelling.thousands) != (".", ""):
        return spelling, None
    numerals = _numerals(_filled(cells), spelling)
    open_ones = numerals.index[numerals.str.fullmatch(_THREE_AFTER).astype(bool)]
    if len(open_ones):  # whatever other cells show, which need not lie in the same file
        return spelling, int(np.flatnonzero(cells.index == open_ones[0])[0])
    forms = comma_forms([numerals])
    return (replace(spelling, decimal=forms[0][0], thousands=forms[0][1]) if forms else spelling), None


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
    nothing = _nothing(text)
    if nothing is not None:
        return nothing
    match = _PART.fullmatch("".join(_signed(text)))
    if match is None or not math.isnan(plain_number(text)):
        return None if match is None else ("", "")
    prefix, suffix = match["prefix"], match["suffix"].strip()
    if (prefix and not _money(prefix)) or (suffix and not _BEHIND.fullmatch(suffix)):
        return None
    return prefix, suffix


def _filled(part: pd.Series) -> pd.Series:
    """The cells that are neither empty nor a word for a missing value."""
    codes, texts = _different(part)
    kept = np.array([text.lower() not in FOR_MISSING for text in texts])[codes]
    return pd.Series(np.array(texts, object)[codes[kept]], part.index[kept], name=part.name)


def _numerals(filled: pd.Series, spelling: Spelling) -> pd.Series:
    numerals = filled.map(spelling.numeral).astype(object)
    return numerals[numerals.str.fullmatch(_NUMERAL).astype(bool)]


def _having(part: pd.Series, sign: str) -> pd.Series:
    return part[part.str.contains(sign, regex=False).astype(bool)]


def _holds(part: pd.Series, sign: str) -> bool:
    return bool(part.str.contains(sign, regex=False).any())


def _all_of(pattern: re.Pattern[str], parts: Sequence[pd.Series]) -> bool:
    return all(part.str.fullmatch(pattern).all() for part in parts)


def without_blanks(cells: pd.Series) -> pd.Series:
    """The cells as words without blanks around them, "" where they are missing."""
    codes, texts = _different(cells)
    return pd.Series(np.array(texts, object)[codes], cells.index, name=cells.name)


def _different(cells: pd.Series) -> tuple[np.ndarray, list[str]]:
    """The place of each cell among the different ones, and these without blanks around them, the last one "", of a
    missing cell (-1). Most columns repeat their cells, and what is done in Python is done once for each."""
    codes, different = pd.factorize(cells)
    return codes, [*(str(value).strip() for value in different), ""]
