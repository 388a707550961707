"""What one column of a table without a contract is: role and type by its cells, and the reason."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd

from features.contracts.contract import Column
from features.contracts.dates import DAYS_IN_DIGITS, all_of_digits, date_formats, dates_of
from features.contracts.spelling import PLAIN, Spelling, marked, numbers_of, without_blanks
from features.contracts.words import levels_of
from features.encoding.columns import code_separator, fit_number
from features.encoding.statistics import outputs
from features.errors import listed, quoted
from features.inference.identifiers import (
    MOSTLY_DISTINCT,
    lettered,
    names_things,
    numbers_the_rows,
    running_form,
    written_like_codes,
)
from features.inference.number_forms import MOST, SLIPS, all_bracketed, find_spelling, units_of, with_slips
from features.inference.scales import order_of
from features.inference.units import find_units, measured, one_currency, with_frequent_words
from features.plain import LEVELS_WITH_STATISTIC, MOST_ONE_HOT_LEVELS

# A category with more levels is high-cardinality: its values are not listed.
MOST_LISTED_LEVELS = 30
# Words with so many blanks a cell on average are text.
TEXT_WORDS = 3.0
BOOLEANS = [{"true", "false"}, {"yes", "no"}, {"y", "n"}, {"t", "f"}, {"on", "off"}]
# Whole numbers within these bounds, or of a column called so, are years: each may stand there once.
YEARS = 1800, 2100
_YEAR = re.compile(r"(?i:(.*[^a-z])?(year|yr|jahr|année|annee|año|ano|anno)s?([^a-z].*)?|.*[a-z]Year)")
# Of a column called so, six digits may be a year and a month: 201901.
_MONTH = re.compile(
    r"(?i:(.*[^a-z])?(year)?(month|date|periode?|yyyymm|monat)(id)?([^a-z].*)?)|.*[a-z](Month|Date|Period)"
)
_SEASON = re.compile("[0-9]{4}[-/][0-9]{2}")
# Why columns that number the rows are ignored.
RUNNING, RUNNING_WORDS = "identifier, a running number", "identifier, running numbers as in"
# Why words that say nothing of other rows are.
OWN_WORDS = "identifier, a word of its own in every row"
# What may stand before a running number.
_NUMBERING = ("", "'", "#", "№")
# Rows that make a level, or a class, worth a place of its own.
ROWS_A_CLASS = 10
# Words of a cell, on average, from which on cells may be lists.
ITEMS = 1.5
# Rows, on average, of each word with a number behind it from which on the words are levels, whose numbers say nothing.
ROWS_A_NAME = 5
# What begins or ends so says of a number that it is more or less: 90+, >60.
_BOUND = re.compile(r"[<>\u2264\u2265~\u2248+].*[0-9].*|.*[0-9].*\+")
# Units of one column, at most, that a person may be asked to make one.
MOST_UNITS = 3
# Cells with a word of their own, and cells without, from which on it may tell something whether there is one.
FEWEST_OF_BOTH = 10


def infer_column(
    name: str, cells: pd.Series, classes: int = 0, spelling: Spelling | None = None, rows: int | None = None
) -> tuple[Column, str]:
    """Role and type of one feature, and why. ``cells``: of train and test; ``classes``: of the target, 0 for
    regression; ``spelling``: of its numbers, found in the cells if not given; ``rows``: of train, all if not given."""
    rows = len(cells) if rows is None else rows
    present = without_blanks(cells[cells.notna()])
    gaps = bool(cells.isna().any())
    plain = Column(name, "feature", "category", nullable=gaps)
    ignored = replace(plain, role="ignore", type="text", nullable=True)
    if present.empty:
        return ignored, "empty"
    distinct = present.nunique()
    if distinct == 1 and not gaps:
        return ignored, f"constant, {quoted(present.iloc[0])} everywhere"
    known = cells.iloc[:rows]
    if known.isna().all():
        return ignored, "empty in train, so nothing can be learned from it"
    if known.notna().all() and present.iloc[:rows].nunique() == 1:
        return ignored, f"constant in train, {quoted(present.iloc[0])} everywhere, so nothing can be learned from it"
    # Six digits may be amounts, so the name says it.
    forms = (*DAYS_IN_DIGITS, *(["%Y%m"] if _MONTH.fullmatch(name) else []))
    if any(all_of_digits(present, form) for form in forms) and (found := _date(plain, present)) is not None:
        return found
    spelling = find_spelling([present]) if spelling is None else spelling
    lenient, numbers, wrong = _as_numbers(present, spelling)
    if lenient is not None and (lettered(present, numbers, lenient) or all_bracketed(present)):
        lenient = None
    levels = levels_among(present, numbers, wrong) if lenient is not None else words_among(present, numbers, wrong)
    if lenient is not None and not levels and (numbers.nunique() > 1 or not wrong.any()):
        spelt = replace(plain, spelling=lenient, nullable=gaps or bool(wrong.any()))
        return _number_or_code(spelt, present[~wrong], numbers[~wrong], classes, rows)
    column, reason = _no_number(plain, present, len(cells) - len(present), classes, rows)
    if levels:
        reason += f"; not as numbers, because of {listed(map(repr, levels), most=SLIPS)}"
        reason += "" if column.values is not None else ": write a number there, or nothing, to have them learned so"
    return column, reason + (told_not_dates(present) if column.type != "date" else "")


def may_hold_several(column: Column, reason: str) -> bool:
    """Whether cells of what ``infer_column`` found may be several values each: words that are no scale, codes, and
    words of their own in every row."""
    if column.role == "feature":
        return column.type in ("category", "code", "text") and column.order is None
    return column.role == "ignore" and reason.startswith(OWN_WORDS)


def repeated_words(name: str, cells: pd.Series, classes: int) -> tuple[Column, str] | None:
    """The category that ``cells [n]`` are if they are words, whatever they are made of, and why; None where they are
    rather text."""
    present = cells.dropna().astype(str).str.strip()
    plain = Column(name, "feature", "category", nullable=len(present) < len(cells))
    column, reason = _words(plain, present, classes)
    return (column, reason) if column.type == "category" else None


def _as_numbers(present: pd.Series, spelling: Spelling) -> tuple[Spelling | None, pd.Series, np.ndarray]:
    """How the column of the cells ``present [n]`` is read as numbers, None where too many are none; the numbers; and
    which cells ``[n]`` are none. ``spelling``: of its numbers, if they have one unit or none."""
    numbers, wrong = _numbers_of(present, spelling)
    amounts = find_units(present) if wrong.any() or spelling.suffix else None
    if amounts is None:
        lenient = with_slips(spelling, present, numbers.notna().to_numpy(), wrong)
        if lenient is not None or (amounts := one_currency(present) or measured(present)) is None:
            return lenient, numbers, wrong
    numbers, wrong = _numbers_of(present, amounts)
    good = numbers.notna().to_numpy()
    lenient = with_slips(amounts, present, good, wrong)
    return lenient or with_frequent_words(amounts, present, good, wrong), numbers, wrong


def _numbers_of(present: pd.Series, spelling: Spelling) -> tuple[pd.Series, np.ndarray]:
    """The numbers, and which cells are none, or one that no network could take."""
    numbers, wrong = numbers_of(present, spelling)
    huge = (numbers.abs() > np.finfo(np.float32).max).to_numpy()
    return numbers.mask(huge), wrong | huge


def levels_among(present: pd.Series, numbers: pd.Series, wrong: np.ndarray) -> list[str]:
    """Of the few words among ``numbers``, the cells ``wrong [n]``, those that may well be levels: frequent ones beside
    few different numbers; and those with a digit, as 3+ or 1 week, but for what stands once among many."""
    counts = present[wrong & ~marked(present)].value_counts()
    values = numbers.value_counts()
    few = len(values) <= MOST_LISTED_LEVELS
    frequent = min(ROWS_A_CLASS, max(2, values.min()))
    return [
        str(word)
        for word, count in counts.items()
        if (few and count >= frequent)
        or (re.search("[0-9]", str(word)) and (few or count > 1 or _BOUND.fullmatch(str(word))))
    ]


def words_among(present: pd.Series, numbers: pd.Series, wrong: np.ndarray) -> list[str]:
    """The words that stand in the place of a number in so many cells, ``wrong [n]``, that they can't be passed over;
    none where few cells are ``numbers``, or fewer than nearly all and the words are many."""
    share = numbers.notna().sum() / len(present)
    words = list(dict.fromkeys(present[wrong])) if share > 0.5 else []
    return words if len(words) <= SLIPS or share >= MOST else []


def _two_words(present: pd.Series) -> tuple[str, ...]:
    """The two words of ``BOOLEANS`` that all cells ``present`` are, as most of them are spelt; else none. A table saved
    by a spreadsheet has TRUE where another has True."""
    spellings = present.str.strip().value_counts()
    words = spellings.index.str.lower()
    if set(words) not in BOOLEANS:
        return ()
    return levels_of(pd.Series([spellings.index[words == word][0] for word in set(words)], dtype=object))


def _no_number(plain: Column, present: pd.Series, absent: int, classes: int, rows: int) -> tuple[Column, str]:
    """What a column is whose cells are not, or not all, numbers; as ``infer_column``; ``present``: those not empty,
    beside so many that are ``absent``."""
    distinct = present.nunique()
    ignored = replace(plain, role="ignore", type="text", nullable=True)
    if two := _two_words(present):
        told = f"two words, {listed(two)}"
        return replace(plain, type="boolean", values=two), told + (", in small or capital letters" * (distinct > 2))
    if distinct == 1:
        return replace(plain, values=levels_of(present)), f"{quoted(present.iloc[0])} or nothing"
    found = _date(plain, present) if distinct > 2 else None
    if found is not None:
        return found
    units = units_of(present)
    # Single letters alone, but for thousands and millions, are parts of codes, seats or house numbers, and so are many
    # different signs.
    letters = all(len(unit) == 1 and unit.isalpha() for unit in units) and not set(units) <= set("kKmM")
    if 0 < len(units) <= MOST_UNITS and not letters:
        column, reason = _words(plain, present, classes)
        if column.values is not None:
            return column, reason  # few words, as 1Story and 2Story, are learned one by one
        several = f"{listed([repr(unit) for unit in units], most=SLIPS)}{' or nothing' if len(units) == 1 else ''}"
        cure = "write them in one unit, or give `type: number` and `units` in the contract, to have them learned so"
        return column, f"{reason}; numbers with {several}: {cure}"
    blanks = _blanks(present)
    if not absent and blanks < TEXT_WORDS and present.iloc[:rows].is_unique:
        form = running_form(present, rows, plain.name)
        if form is not None:
            return ignored, f"{RUNNING_WORDS} {form!r}"
    if distinct == len(present) and len(present) > 2 and blanks < 1.5 and not _code(present):
        if min(absent, len(present)) >= FEWEST_OF_BOTH:
            told = f"a word of its own in each of {len(present)} rows, none in {absent}; whether there is one"
            return replace(plain, type="presence"), told
        return ignored, OWN_WORDS + (f" but {absent}" if absent else "")
    if distinct > MOST_LISTED_LEVELS and _code(present):
        return replace(plain, type="code"), f"composite code, as {quoted(present.iloc[0])}; split into parts"
    return _words(plain, present, classes)


def _blanks(present: pd.Series) -> float:
    """Words a cell."""
    return float(np.mean([len(text.split()) - 1 for text in present])) + 1


def _words(plain: Column, present: pd.Series, classes: int) -> tuple[Column, str]:
    """A category or text."""
    blanks, distinct = _blanks(present), present.nunique()
    if distinct <= MOST_LISTED_LEVELS and distinct <= max(2, len(present) // 5):
        levels = levels_of(present)
        order = order_of(levels)
        ranked = f", a scale: {' < '.join(order)}" if order else ""
        return replace(plain, values=levels, order=order), f"{distinct} words{ranked}"
    if _lists(present):
        return replace(plain, type="text"), f"lists, as {quoted(max(present, key=len))}; their words hashed"
    if blanks >= TEXT_WORDS or distinct > MOSTLY_DISTINCT * len(present):
        return replace(plain, type="text"), f"free text, {blanks:.0f} words a cell; hashed"
    encoded = (
        f"high-cardinality, {distinct} words; embedded"
        if distinct > MOST_ONE_HOT_LEVELS
        else f"{distinct} words; one-hot"
    )
    # Empty cells are a level, too.
    told = distinct + plain.nullable > LEVELS_WITH_STATISTIC and outputs(classes)
    return plain, encoded + (", and target statistics in each fold" if told else "")


def _lists(present: pd.Series) -> bool:
    """Do cells hold one or several of fewer words, as Action|Comedy does? Some more of them than others."""
    for sign in "|;,":
        items = present.str.split(sign, regex=False)
        counts = items.str.len()
        if counts.nunique() > 1 and counts.mean() >= ITEMS:
            return 2 * len({item.strip() for row in items for item in row}) <= present.nunique()
    return False


def told_not_dates(present: pd.Series) -> str:
    """What a reason says of a column of which most cells are dates, but too few to take the others for missing."""
    forms = date_formats(present)
    odd = present[dates_of(present, forms).isna().to_numpy()] if forms else present.iloc[:0]
    if odd.empty:
        return ""
    if odd.map(_season).all():
        return ""  # 1999-00, of which others look like months
    first = quoted(odd.iloc[0])
    return (
        f"; not as dates, because of {first} ({len(odd)} of {len(present)} cells): write one date in each, or nothing"
    )


def _number_or_code(
    spelt: Column, present: pd.Series, numbers: pd.Series, classes: int, rows: int
) -> tuple[Column, str]:
    """A number, unless zeros in front tell codes of digits apart; no code where nearly each cell is another."""
    column, reason = _number(spelt, present, numbers, rows)
    if column.role == "ignore":
        return column, reason
    coded = replace(spelt, spelling=Spelling(missing=spelt.spelling.missing))
    if names_things(column, present, numbers):
        column, reason = _words(coded, present, classes)
        return column, f"{reason}; not as numbers, since the name says that they stand for something"
    if not written_like_codes(present, numbers):
        return column, reason
    if present.nunique() > MOSTLY_DISTINCT * len(present):
        return column, f"{reason}; zeros in front are not counted"
    column, reason = _words(coded, present, classes)
    return column, f"{reason}; not as numbers, since zeros in front tell codes apart"


def _number(plain: Column, present: pd.Series, numbers: pd.Series, rows: int) -> tuple[Column, str]:
    values = numbers.dropna().to_numpy()
    finite = values[np.isfinite(values)]
    whole = bool(len(finite) == len(values) and np.all(values == np.floor(values)))
    # What has a unit is measured.
    bare = not (plain.spelling.suffix or plain.spelling.units) and plain.spelling.prefix in _NUMBERING
    gaps = plain.nullable or len(values) < len(present)
    years = whole and (_YEAR.fullmatch(plain.name) or (values.min() >= YEARS[0] and values.max() <= YEARS[1]))
    if bare and whole and not gaps and not years and numbers_the_rows(numbers, rows, plain.name):
        ignored = replace(plain, role="ignore", type="text", nullable=True, spelling=PLAIN)
        return ignored, RUNNING + ("" if numbers.is_unique else ", which starts anew in test")
    column = replace(plain, type="number", nullable=gaps)
    log = len(finite) and fit_number(pd.Series(finite))["unit"] is not None
    distinct = numbers.nunique()
    several = f"{distinct} {'whole numbers' if whole else 'numbers'}"
    told = several if distinct > 1 else f"{quoted(present.iloc[0])} or nothing"
    return column, f"{told}{read_with(plain.spelling)}" + ("; skewed, so as logarithm" if log else "")


def read_with(spelling: Spelling) -> str:
    """What a reason says of how numbers are written."""
    return f", read with {spelling.signs}" if spelling.signs else ""


def _date(plain: Column, present: pd.Series) -> tuple[Column, str] | None:
    """None where the cells are no dates."""
    # A mark has no say in how the others are written.
    candidates = present[~marked(present)]
    forms = date_formats(candidates)
    if not forms or candidates.map(_season).all():
        return None
    read = dates_of(present, forms).notna().to_numpy()
    spelling = with_slips(PLAIN, present, read, ~read)
    if spelling is None or present[read].nunique() < 2:
        return None
    shown = [repr(present[dates_of(present, [form]).notna().to_numpy()].iloc[0]) for form in forms]
    column = replace(plain, type="date", spelling=spelling, nullable=plain.nullable or not read.all())
    return column, f"dates, as {' and '.join(shown)}; calendar parts"


def _season(cell: str) -> bool:
    """Does it name a year and the one that follows, as 2001-02 does, rather than a month?"""
    return bool(_SEASON.fullmatch(cell)) and (int(cell[:4]) + 1) % 100 == int(cell[5:])


def _code(present: pd.Series) -> bool:
    """Whether the cells are made of a few parts of which one at least groups rows."""
    separator = code_separator(present)
    if separator is None:
        return False
    sample = present.iloc[0]
    width = len(sample.split(separator)) if separator else 2
    if width > 6 or (separator == "." and 2 * numbers_of(present)[0].notna().sum() > len(present)):
        return False  # or decimals beside a word, as <0.5
    parts = present.str.split(separator, expand=True) if separator else present.str.extract(r"([A-Za-z]+)(\d+)")
    levels = [parts[place].nunique() for place in parts]
    if sum(count > 1 for count in levels) == 1 and len(present) >= ROWS_A_NAME * present.nunique():
        return False  # a number behind a word that never varies is a name, as u92 and shop_7
    return min(levels) <= max(MOST_LISTED_LEVELS, len(present) // 10)
