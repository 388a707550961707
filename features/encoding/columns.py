"""What a column of each type becomes: a function that fits plain state on train and test, and one that applies it.

``fit_<type>(cells) -> state`` never sees a label (``fit`` adds what the contract declares);
``parts_<type>(name, cells, state) -> Parts`` works row by row, so a row alone gives what it gives among others. A cell
that does not fit (a new form of code, a date out of the calendar) counts as missing, and ``unread`` says which do so;
where most do not fit, ``fit`` refuses the column.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from features.contracts.contract import Column, Contract
from features.contracts.dates import date_formats, dates_of, most_dates, present_cells
from features.encoding.target import skewness
from features.errors import UserError, hint, listed, quoted

# What may stand between the parts of a composite code.
SEPARATORS = ("/", "|", "_", "-", ":", ".")
_LETTERS_DIGITS = re.compile(r"([A-Za-z]+)(\d+)")
# A number more skewed than this is learned as its logarithm, where that is less skewed.
SKEWED_COLUMN = 1.0
# Share of its sizes that are smaller than the unit it is then counted in, so that nearly all of them lie where a
# logarithm is one. 0 stays 0, and far from the others.
SMALLEST = 0.05
# Types whose cells may be there and yet not be read.
READ = ("boolean", "code", "date")
# Places that the words and word pairs of a text are hashed to.
BUCKETS = 64
_WORD = re.compile(r"\w+")
_LARGEST = float(np.finfo(np.float32).max)


class Unfit(Exception):
    """Why cells are not of their column's type, and the cure; ``fit`` adds which column of which contract."""


@dataclass
class Parts:
    """Columns made from one: ``numbers`` (float64, NaN where missing) and ``categories`` (str, NaN where missing)."""

    numbers: dict[str, np.ndarray] = field(default_factory=dict)
    categories: dict[str, np.ndarray] = field(default_factory=dict)


def fit_number(cells: pd.Series) -> dict[str, Any]:
    """``unit``: what a skewed column is divided by before its logarithm, one of its smallest sizes; None for others."""
    values = cells.to_numpy(float)
    values = values[np.isfinite(values)]
    sizes = np.abs(values[values != 0])
    # Two numbers are as skewed on any scale.
    if not len(sizes) or len(np.unique(values)) <= 2:
        return {"unit": None}
    unit = float(np.quantile(sizes, SMALLEST))
    before, after = abs(skewness(values)), abs(skewness(_signed_log(values, unit)))
    return {"unit": unit if before > SKEWED_COLUMN and after < before else None}


def parts_number(name: str, cells: pd.Series, state: Mapping[str, Any]) -> Parts:
    """The number, or ``sign(x) ln(1 + |x| / unit)``."""
    values = cells.to_numpy(np.float64)
    return Parts({name: values if state["unit"] is None else _signed_log(values, state["unit"])})


def _signed_log(values: np.ndarray, unit: float) -> np.ndarray:
    return np.sign(values) * np.log1p(np.abs(values) / unit)


def fit_boolean(cells: pd.Series) -> dict[str, Any]:
    """``yes``: the later of the two words in sorted order; ``no``: a list of the other. Raises ``Unfit`` on a third
    word, since nothing tells which two are meant."""
    words = sorted(set(cells.dropna()))
    if len(words) > 2:
        raise Unfit(f"it holds {len(words)} words, {', '.join(map(repr, words[:4]))}. Name its two in `values`")
    return _boolean(words)


def _boolean(words: Sequence[str]) -> dict[str, Any]:
    return {"yes": words[-1] if words else "", "no": list(words[:-1])}


def parts_boolean(name: str, cells: pd.Series, state: Mapping[str, Any]) -> Parts:
    """1 for the word ``yes``, 0 for ``no``."""
    known = cells.isin([state["yes"], *state["no"]])
    return Parts({name: np.where(known, cells == state["yes"], np.nan).astype(np.float64)})


def fit_nothing(cells: pd.Series) -> dict[str, Any]:
    """Nothing: levels of a category are counted by ``features.encoding.categories``, on the train rows, and what the
    cells of type presence hold is of no matter."""
    return {}


def ranks(cells: pd.Series, order: Sequence[str]) -> np.ndarray:
    """The place of each cell in ``order``, from 0; NaN where it is missing or no word of it."""
    return cells.map({word: place for place, word in enumerate(order)}).to_numpy(np.float64)


def parts_category(name: str, cells: pd.Series, state: Mapping[str, Any]) -> Parts:
    """The category itself, and ``<name> rank`` where the contract gives its ``order``."""
    order = state.get("order")
    numbers = {f"{name} rank": ranks(cells, order)} if order else {}
    return Parts(numbers, {name: cells.to_numpy(object)})


def _check_read(present: pd.Series, unread: np.ndarray, expected: str) -> None:
    if 2 * unread.sum() > len(present):
        raise Unfit(
            f"{unread.sum()} of {len(present)} cells can't be read, {quoted(present[unread].iloc[0])} first; expected "
            f"{expected}. Set `type: category` or `type: text`"
        )


def fit_date(cells: pd.Series) -> dict[str, Any]:
    """The format (and ``also`` a second one, if there is one), the first day as ISO text, and the calendar parts that
    vary."""
    present = present_cells(cells)
    forms: tuple[str, ...] = ("ISO8601",) if present.empty else date_formats(cells)
    if not forms:
        form, unread = most_dates(present)
        _check_read(present, unread, "a date as the others are")
        forms = (form,)
    dates = dates_of(cells, forms)
    first = "1970-01-01" if dates.isna().all() else dates.min().date().isoformat()
    parts = _calendar(dates, first)
    varying = [part for part, values in parts.items() if len(np.unique(values[~np.isnan(values)])) > 1]
    return {"format": forms[0], "first": first, "parts": varying} | ({"also": list(forms[1:])} if forms[1:] else {})


def parts_date(name: str, cells: pd.Series, state: Mapping[str, Any]) -> Parts:
    """``<name> year``, ``month``, ``day``, ``weekday``, ``hour``, days since the first, and the sine and cosine of
    where in the year, the week and the day it lies; those of them that vary in the tables."""
    parts = _calendar(dates_of(cells, [state["format"], *state.get("also", [])]), state["first"])
    return Parts({f"{name} {part}": parts[part] for part in state["parts"]})


def _calendar(dates: pd.Series, first: str) -> dict[str, np.ndarray]:
    at = dates.dt
    hour = (at.hour + at.minute / 60).to_numpy(float)
    year, week, day = at.dayofyear.to_numpy(float) / 366, at.weekday.to_numpy(float) / 7, hour / 24
    parts = {
        "days": ((dates - pd.Timestamp(first)) / pd.Timedelta(days=1)).to_numpy(float),
        "year": at.year.to_numpy(float),
        "month": at.month.to_numpy(float),
        "day": at.day.to_numpy(float),
        "weekday": at.weekday.to_numpy(float),
        "hour": hour,
    }
    for circle, share in (("year", year), ("week", week), ("clock", day)):
        parts[f"{circle} sin"], parts[f"{circle} cos"] = np.sin(2 * np.pi * share), np.cos(2 * np.pi * share)
    return parts


def code_separator(cells: pd.Series) -> str | None:
    """What splits every cell into the same number of parts, two or more: a separator, ``""`` for letters followed by
    digits (``C85``), or None."""
    present = present_cells(cells)
    if present.empty:
        return None
    if present.str.fullmatch(_LETTERS_DIGITS).all():
        return ""
    for separator in SEPARATORS:
        counts = present.str.count(re.escape(separator))
        if counts.iloc[0] >= 1 and (counts == counts.iloc[0]).all() and not present.str.contains(r"\s").any():
            return separator
    return None


def fit_code(cells: pd.Series) -> dict[str, Any]:
    """The separator and what each part is: number or category."""
    present = present_cells(cells)
    if present.empty:
        return {"separator": None, "parts": []}
    separator = code_separator(cells)
    if separator is None:
        separator, width = _most_codes(present)
    else:
        width = len(_split(present.iloc[0], separator))
    columns = _split_all(cells, separator, width)
    kinds = []
    for column in columns:
        present = [part for part in column if part is not None]
        kinds.append("number" if all(re.fullmatch(r"\d+(\.\d+)?", part) for part in present) else "category")
    return {"separator": separator, "parts": kinds}


def _most_codes(present: pd.Series) -> tuple[str, int]:
    """The separator and the number of parts that most cells have. Raises ``Unfit`` where that is less than half of
    them."""
    widths = {
        separator: present.map(lambda cell, by=separator: len(_split(cell, by))) for separator in ("", *SEPARATORS)
    }
    forms = [(separator, width) for separator, counts in widths.items() for width in sorted(set(counts)) if width > 1]
    separator, width = max(forms, key=lambda form: (widths[form[0]] == form[1]).sum(), default=("", 2))
    _check_read(present, (widths[separator] != width).to_numpy(), "the same parts in each")
    return separator, width


def parts_code(name: str, cells: pd.Series, state: Mapping[str, Any]) -> Parts:
    """``<name> 1``, ``<name> 2``, ...: the parts in their order."""
    made = Parts()
    columns = _split_all(cells, state["separator"], len(state["parts"])) if state["parts"] else []
    for place, (kind, column) in enumerate(zip(state["parts"], columns, strict=True), start=1):
        if kind == "number":
            made.numbers[f"{name} {place}"] = np.array([_as_number(part) for part in column], np.float64)
        else:
            words = [np.nan if part is None else part for part in column]
            made.categories[f"{name} {place}"] = np.array(words, object)
    return made


def _split(text: str, separator: str) -> list[str]:
    if separator:
        return text.split(separator)
    match = _LETTERS_DIGITS.fullmatch(text)
    return list(match.groups()) if match else []


def _split_all(cells: pd.Series, separator: str, width: int) -> list[list[str | None]]:
    rows: list[list[str | None]] = []
    for cell in cells:
        parts = _split(cell.strip(), separator) if isinstance(cell, str) else []
        rows.append([part or None for part in parts] if len(parts) == width else [None] * width)
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]


def _as_number(part: str | None) -> float:
    try:
        return float(part) if part is not None and abs(float(part)) <= _LARGEST else np.nan
    except ValueError:
        return np.nan


def parts_presence(name: str, cells: pd.Series, state: Mapping[str, Any]) -> Parts:
    """1 where there is something, 0 where the cell is missing."""
    return Parts({name: cells.notna().to_numpy(np.float64)})


def fit_text(cells: pd.Series) -> dict[str, Any]:
    """How many places words are hashed to."""
    return {"buckets": BUCKETS}


def parts_text(name: str, cells: pd.Series, state: Mapping[str, Any]) -> Parts:
    """Length in words, and words and word pairs hashed to ``<name> #0``, ``#1``, ... with a sign, counts divided by
    the root of their number (Weinberger et al., 2009). A missing text has length 0."""
    buckets = int(state["buckets"])
    table, length = np.zeros((len(cells), buckets)), np.zeros(len(cells))
    for row, cell in enumerate(cells):
        words = _WORD.findall(cell.lower()) if isinstance(cell, str) else []
        grams = words + [f"{one} {other}" for one, other in zip(words, words[1:], strict=False)]
        length[row] = len(words)
        for gram in grams:
            code = zlib.crc32(gram.encode())
            table[row, code % buckets] += 1.0 if code & 0x80000000 else -1.0
        if grams:
            table[row] /= np.sqrt(len(grams))
    numbers = {f"{name} words": np.log1p(length)}
    return Parts(numbers | {f"{name} #{place}": table[:, place] for place in range(buckets)})


def unread(cells: pd.Series, state: Mapping[str, Any]) -> np.ndarray:
    """Which of ``cells [n]`` are there, but leave no part that is: a date out of the calendar, a code of another form,
    a third word. None where the column has no parts, since nothing is read of it then."""
    made = PARTS[state["type"]](state["name"], cells, state)
    parts = [*made.numbers.values(), *made.categories.values()]
    lost = np.all([pd.isna(part) for part in parts], axis=0) if parts else np.zeros(len(cells), bool)
    return cells.notna().to_numpy() & lost


def readable(state: Mapping[str, Any]) -> str:
    """What a cell must be for ``state`` to read it, in words."""
    if state["type"] == "date":
        forms = ["%Y-%m-%d" if form == "ISO8601" else form for form in (state["format"], *state.get("also", []))]
        return "a date as " + " or ".join(repr(pd.Timestamp(state["first"]).strftime(form)) for form in forms)
    if state["type"] == "code":
        between = f"{state['separator']!r} between them" if state["separator"] else "letters and digits"
        return f"{len(state['parts'])} parts, {between}"
    return " or ".join(map(repr, [*state["no"], state["yes"]]))


def telling(column: Column, cells: pd.Series, state: Mapping[str, Any] | None) -> list[tuple[pd.Series, bool]]:
    """What may tell rows apart by a ``column``, each with whether it is a number: of a date its days, of a code its
    parts, by ``fit``'s ``state``, else (and without one, where they are no such thing) the ``cells`` themselves."""
    if column.type not in ("date", "code") or state is None:
        return [(cells, column.type == "number")]
    days = {"parts": ["days"]} if column.type == "date" else {}
    made = PARTS[column.type](column.name, cells, {**state, **days})
    numbers = [(pd.Series(part), True) for part in made.numbers.values()]
    return numbers + [(pd.Series(part), False) for part in made.categories.values()] or [(cells, False)]


def times_of(contract: Contract, name: str, frame: pd.DataFrame) -> np.ndarray:
    """When the rows of a typed ``frame [n]`` were by the column ``name`` (``encode.time``), as numbers: its days, or
    itself. Raises ``UserError`` where it is no column, one of another type or the target, or a cell says no time."""
    known = [c.name for c in contract.columns if c.type in ("date", "number") and c.role != "target"]
    if name not in known:
        there = f"; it is a {contract.column(name).type}" if name in [c.name for c in contract.columns] else ""
        there = "; it is the target" if name == contract.target else there
        # Of a day and an hour, the day.
        part = next((one for one in contract.column(name).parts if one in known), None) if there else None
        near = hint(name, known) if part is None else f"; did you mean its part {part!r}?"
        raise UserError(
            f"encode.time is {name!r}, expected a column of dates or numbers in {contract.file}{there}{near} "
            f"Known: {listed(known)}."
        )
    column, cells = contract.column(name), frame[name]
    state = fit(column, cells, contract.file) if column.type == "date" else None
    (found, _), *_ = telling(column, cells, state)
    times = np.asarray(found, float)
    if np.isnan(times).any():
        gaps = np.flatnonzero(np.isnan(times))
        told = f"row {gaps[0] + 2} of train says no time"
        if len(gaps) > 1:
            told = f"{len(gaps)} training rows say no time, row {gaps[0] + 2} first"
        raise UserError(
            f"encode.time is {name!r}, but {told}; expected one in each. Fill the cells, delete the rows, or name "
            "another column in params.yaml."
        )
    return times


FITS = {"number": fit_number, "boolean": fit_boolean, "category": fit_nothing, "date": fit_date, "code": fit_code,
        "text": fit_text, "presence": fit_nothing}  # fmt: skip
PARTS = {"number": parts_number, "boolean": parts_boolean, "category": parts_category, "date": parts_date,
         "code": parts_code, "text": parts_text, "presence": parts_presence}  # fmt: skip


def fit(column: Column, cells: pd.Series, file: str = "contract") -> dict[str, Any]:
    """The state of a contract's column from its ``cells`` in train and test. Raises ``UserError`` where they are not of
    its type; ``file``: the contract's."""
    order = {"order": list(column.order)} if column.order else {}
    try:
        known = column.values if column.type == "boolean" else None
        state = _boolean(sorted(known)) if known else FITS[column.type](cells)
    except Unfit as error:
        raise UserError(f"column {column.name!r} is no {column.type}: {error} for it in {file}.") from None
    return {"name": column.name, "type": column.type, **state, **order}
