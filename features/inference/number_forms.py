"""In which form the numbers of a column are written, as its cells in all tables show together: which signs, which unit,
which words are slips. How a form is read, cell by cell, is ``features.contracts.spelling``'s."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd

from features.contracts.spelling import (
    BRACKETED,
    COMMA_GROUPS,
    EXPONENT,
    FOR_MISSING,
    GROUPS,
    PLAIN,
    Spelling,
    amount_of_nothing,
    currency_or_sign,
    different,
    marked,
    one_or_several,
    plain_number,
    signed,
    without_blanks,
)

# Share of the cells that must be numbers, or dates, for the column to be one of them; the others are slips.
MOST = 0.9
# Cells, about, that are looked at before all.
FEW = 256
# Different slips, at most: more of them are words of the column.
SLIPS = 5
# Digits and what may stand between them: maybe a number, in some way of writing. 5'11 is none.
_NUMERAL = re.compile(r"[+-]?([\d., ]|'(?=\d{3}(\D|$)))*\d" + EXPONENT)
_PART = re.compile(
    r"[+\-]?\s*(?P<prefix>[^\W\d_]+\.|[^\d\s.,+\-]*)\s*[+\-]?"
    r"(?:\d(?:[\d., ]|'(?=\d{3}(?:\D|$)))*\d|\d|[.,]\d+)(?:[eE][+-]?\d+)?\s*(?P<suffix>\D*)"
)
# What may stand behind one: a word, or a sign that begins so, no further parts of a code.
_BEHIND = re.compile(r"""([^\W\d_]|[%\u2030\u00b0'"\u2032\u2033$\u00a3\u00a5\u20a0-\u20cf])[^\d:;|_\-]{0,11}""")
# Digits that nobody may see: 190xx is a postcode.
_HIDDEN = re.compile("[xX]{2,}")
# Forms of a number with a comma, blanks or apostrophes, by which a column is judged: (decimal, between thousands).
_COMMA, _THOUSANDS, _BOTH = (",", ""), (".", ","), (",", ".")
_JUDGED = {
    _COMMA: re.compile(r"[+-]?(\d+|\d*,\d+)" + EXPONENT),
    _THOUSANDS: re.compile(rf"[+-]?(\d{{1,3}}|{COMMA_GROUPS})(\.\d+)?" + EXPONENT),
    _BOTH: re.compile(rf"[+-]?(\d{{1,3}}|{GROUPS % '[.]'})(,\d+)?" + EXPONENT),
    (".", " "): re.compile(rf"[+-]?(\d{{1,3}}|{GROUPS % ' '})(\.\d+)?"),
    (",", " "): re.compile(rf"[+-]?(\d{{1,3}}|{GROUPS % ' '})(,\d+)?"),
    (".", "'"): re.compile(rf"[+-]?(\d{{1,3}}|{GROUPS % chr(39)})(\.\d+)?"),
    (",", "'"): re.compile(rf"[+-]?(\d{{1,3}}|{GROUPS % chr(39)})(,\d+)?"),
}
_POINTED = re.compile(rf"[+-]?({GROUPS % '[.]'}|\d{{1,3}})")
# A comma that a point between thousands comes before can be the decimal one alone.
_POINTS_AND_COMMA = re.compile(rf"[+-]?{GROUPS % '[.]'},\d+")
_THREE_AFTER = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
# Commas that stand between thousands, or may; and those that can stand nowhere else.
_GROUPED = re.compile(rf"[+-]?({COMMA_GROUPS})(\.\d+)?")
_SURELY_GROUPED = re.compile(r"[^,]*,[^,]*[,.].*")
# Cells with three digits behind a comma from which on the numbers without one tell what it is.
_SEVERAL = 30
# Different cells of two answers that can't be decimals by chance.
_FEWEST_ANSWERS = 5


def find_spellings(train: pd.DataFrame, test: pd.DataFrame, commas: bool) -> dict[str, Spelling]:
    """How the numbers of each column are written. Each column decides for itself; what it leaves open (1,125 or 6.048)
    is read with decimal commas and points between thousands only where semicolons divide the cells (``commas``), or one
    column has both signs (1.234,5), and the others agree.
    """
    parts = {str(name): [table[name] for table in (train, test) if name in table.columns] for name in train.columns}
    found = {name: find_spelling(cells, commas) for name, cells in parts.items()}
    comma = [name for name, cells in parts.items() if shows_decimal_comma(cells, found[name])]
    if not commas and not any(shows_point_and_comma(parts[name], found[name]) for name in comma):
        return found
    point = any(shows_decimal_point(cells, found[name]) for name, cells in parts.items())
    if point and not comma:
        return {name: find_spelling(cells) for name, cells in parts.items()}
    if comma and not point:
        return {name: find_spelling(cells, commas=True, points=True) for name, cells in parts.items()}
    return found


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


def all_bracketed(cells: pd.Series) -> bool:
    """Are all cells numbers in brackets, as marks of sections are? Amounts are negative at times, not always."""
    if not all(BRACKETED.fullmatch(text) for text in _filled(cells.iloc[:FEW])):
        return False
    filled = _filled(cells)
    return bool(len(filled)) and all(BRACKETED.fullmatch(text) for text in filled)


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
    numerals = filled.map(lambda text: "".join(signed(text)))
    ways = [numerals.str.fullmatch(form).astype(bool) for form in _JUDGED.values()]
    ways.append(numerals.map(plain_number).notna())
    if np.any(ways, axis=0).mean() < MOST or np.mean(ways, axis=1).max() >= MOST:
        return None
    return str(filled[~numerals.str.fullmatch("[0-9]+").astype(bool)].iloc[0])


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


def _seems_numeric(filled: pd.Series) -> bool:
    """Are most of a few cells numbers with or without a unit? Words are many, and most columns of them have none."""
    few = filled.iloc[:: max(1, len(filled) // FEW)]
    return bool(len(few)) and few.map(_unit).notna().mean() > 0.5


def _affixes(filled: pd.Series) -> tuple[str, str]:
    """What stands before and behind nearly all of the numbers."""
    counts = filled.map(_unit).value_counts()
    named = {unit: int(count) for unit, count in counts.items() if any(unit)}
    for prefix, suffix in list(named)[:1]:
        same = {(prefix, word) for word in (suffix, *one_or_several(suffix))}
        if sum(named.get(unit, 0) for unit in same) >= MOST * len(filled):
            return prefix, suffix
    return "", ""


def _unit(text: str) -> tuple[str, str] | None:
    """What stands before and behind the number in ``text``; None where it is none, or they are no unit."""
    nothing = amount_of_nothing(text)
    if nothing is not None:
        return nothing
    match = _PART.fullmatch("".join(signed(text)))
    if match is None or not math.isnan(plain_number(text)):
        return None if match is None else ("", "")
    prefix, suffix = match["prefix"], match["suffix"].strip()
    if (prefix and not currency_or_sign(prefix)) or (suffix and not _BEHIND.fullmatch(suffix)):
        return None
    if _HIDDEN.fullmatch(suffix):
        return None
    return prefix, suffix


def _filled(part: pd.Series) -> pd.Series:
    """The cells that are neither empty nor a word for a missing value."""
    codes, texts = different(part)
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
