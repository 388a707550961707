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

from features.contract import Column, Contract
from features.errors import UserError, hint, listed, quoted
from features.target import skewness

# How dates are written, tried in this order; the first that reads every cell is taken.
DATE_FORMATS = ("ISO8601", "%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%d/%m/%Y", "%d/%m/%Y %H:%M",
                "%d/%m/%Y %H:%M:%S", "%m/%d/%Y", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p",
                "%d-%m-%Y", "%m-%d-%Y", "%d-%m-%Y %H:%M", "%Y/%m/%d", "%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S",
                "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y", "%Y%m%dT%H%M%S",
                "%m/%d/%Y %I:%M %p", "%d.%m.%y", "%d.%m.%y %H:%M", "%d/%m/%y", "%d/%m/%y %H:%M", "%m/%d/%y",
                "%m/%d/%y %H:%M", "%m/%d/%y %I:%M %p", "%b-%Y", "%I:%M %p", "%I:%M:%S %p", "%Y%m%d", "%H:%M",
                "%H:%M:%S")  # fmt: skip
_PLACE = {form: place for place, form in enumerate(DATE_FORMATS)}
# Years of two digits are those of the hundred years that end with this one: more tables hold births than what is to
# come.
FAR = 2030
# Days further apart than so many years are rare but in births, whose first may be of the century before.
LIFE = 60
# Cells, at most, that a format is tried on before all.
FEW = 256
# What the ISO reader of pandas takes beyond dates: a bare year or number.
_ISO = re.compile(r"\d{4}-\d{1,2}(-\d{1,2}([T ].*)?)?")
# What is read as ISO, too, as East Asia writes it: 2021년 3월 4일, 2021年3月4日, 2021. 3. 4. and 2021년 3월, but not
# 2021.3, which is a number.
_YEAR_FIRST = re.compile(r"(\d{4}) ?[년年.] ?(\d{1,2}) ?(?:[월月]$|[월月.] ?(\d{1,2}) ?[일日.]?(?=[T ]|$))")
# Hours and minutes, rather than the goals of two teams.
_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2})?")
# What it does not take: Greenwich's time by its name.
_GREENWICH = re.compile(r" ?(UTC|GMT)$")
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
    """Nothing: levels of a category are counted by ``features.encoding``, on the train rows, and what the cells of type
    presence hold is of no matter."""
    return {}


def ranks(cells: pd.Series, order: Sequence[str]) -> np.ndarray:
    """The place of each cell in ``order``, from 0; NaN where it is missing or no word of it."""
    return cells.map({word: place for place, word in enumerate(order)}).to_numpy(np.float64)


def parts_category(name: str, cells: pd.Series, state: Mapping[str, Any]) -> Parts:
    """The category itself, and ``<name> rank`` where the contract gives its ``order``."""
    order = state.get("order")
    numbers = {f"{name} rank": ranks(cells, order)} if order else {}
    return Parts(numbers, {name: cells.to_numpy(object)})


def date_format(cells: pd.Series) -> str | None:
    """The first of ``DATE_FORMATS`` that reads every cell that is there, or None. Cells are str."""
    present = _present(cells)
    return _format_of_all(present, _by_few(present)) if _may_be_dates(present) else None


def _present(cells: pd.Series) -> pd.Series:
    """The cells that are there, without blanks around them."""
    return cells.dropna().astype(str).str.strip()


def _may_be_dates(present: pd.Series) -> bool:
    return bool(len(present)) and present.iloc[0][:1].isalnum() and bool(_few(present).str.contains(r"\d").any())


def _format_of_all(present: pd.Series, ranked: Sequence[tuple[int, str]]) -> str | None:
    for form in (form for unread, form in ranked if not unread):
        if not _dates(present, form).isna().any():
            other = _exchanged(present, form)
            # Days 1 to 12 of a January are the first days of months, which tables of months have.
            return other if other is not None and (_dates(present, other).dt.day == 1).all() else form
    return None


def _exchanged(present: pd.Series, form: str) -> str | None:
    """The format with day and month exchanged, where it too reads every cell and some as another day; else None."""
    other = form.replace("%d", "%_").replace("%m", "%d").replace("%_", "%m")
    if other not in _PLACE or other == form:
        return None
    # A few cells rule most formats out at once.
    if any(_dates(part, other).isna().any() for part in (_few(present), present)):
        return None
    return other if (_dates(present, form) != _dates(present, other)).any() else None


def twofold_date(cells: pd.Series) -> tuple[str, str, str] | None:
    """The first cell that may be two days, that which it is read as, and the other one, where no cell tells which of
    two formats it is; else None. Cells are str."""
    present = _present(cells)
    form = date_format(cells)
    other = None if form is None else _exchanged(present, form)
    if form is None or other is None:
        return None
    read, else_read = _dates(present, form), _dates(present, other)
    place = int(np.flatnonzero((read != else_read).to_numpy())[0])
    return present.iloc[place], str(read.iloc[place].date()), str(else_read.iloc[place].date())


def century_date(cells: pd.Series) -> tuple[str, str, str] | None:
    """A cell whose year of two digits may be of another century, the day it is read as, and that other one: the last
    day, where days lie more than ``LIFE`` years apart, or the first, where that much lies between two neighbours; else
    None. Cells are str."""
    present = _present(cells)
    forms = [form for form in date_formats(present) if "%y" in form]
    if not forms:
        return None
    dates = dates_of(present, forms).reset_index(drop=True)
    first, last = int(dates.idxmin()), int(dates.idxmax())
    if dates[last].year - dates[first].year <= LIFE:
        return None
    apart = np.diff(np.unique(dates.dt.year.dropna())).max() > LIFE
    place, step = (first, 100) if apart else (last, -100)
    read = dates[place]
    return present.iloc[place], str(read.date()), f"{read.year + step}{read:-%m-%d}"


def _few(present: pd.Series) -> pd.Series:
    return present.iloc[:: max(1, -(-len(present) // FEW))]


def date_formats(cells: pd.Series) -> tuple[str, ...]:
    """The format that reads most cells, and a second one of what it leaves if there is one; none where that is less
    than half of the cells. Cells are str."""
    present = _present(cells)
    if present.empty or not _few(present).str.contains(r"\d").any():
        return ()
    ranked = _by_few(present)
    form = _format_of_all(present, ranked) if _may_be_dates(present) else None
    if form is not None:
        return (form,)
    if 2 * ranked[0][0] > len(_few(present)):
        return ()
    try:
        return _with_second(present, _most_dates(present, [form for _, form in ranked]))
    except Unfit:
        return ()


def _by_few(present: pd.Series) -> list[tuple[int, str]]:
    """How many of a few cells each format does not read, and the format; the best first."""
    few = _few(present)
    return sorted(((int(_dates(few, form).isna().sum()), form) for form in DATE_FORMATS), key=lambda one: one[0])


def _with_second(present: pd.Series, first: str) -> tuple[str, ...]:
    """``first``, and the format that reads most of the cells that it leaves, unless they may be other days in another
    one, or cells that ``first`` reads would be."""
    dates = _dates(present, first)
    left = present[dates.isna().to_numpy()]
    readings = {form: _dates(left, form) for form in DATE_FORMATS if not _dates(_few(left), form).isna().all()}
    if not readings:
        return (first,)
    second = min(readings, key=lambda form: int(readings[form].isna().sum()))
    found = readings[second]
    other = _dates(present, second)
    twofold = [(found != one) & found.notna() & one.notna() for one in readings.values()]
    twofold.append((other != dates) & other.notna() & dates.notna())
    return (first,) if any(one.any() for one in twofold) else (first, second)


def _most_dates(present: pd.Series, forms: Sequence[str] | None = None) -> str:
    """The format that reads most cells. Raises ``Unfit`` where that is less than half of them. ``forms``: all, the
    likeliest first, where that is known."""
    forms = forms or [form for _, form in _by_few(present)]
    best, unread = forms[0], _dates(present, forms[0]).isna().to_numpy()
    for form in forms[1:]:
        missed = _missed(present, form, int(unread.sum()))
        # Of formats that read as many, the first, as in a comparison of all.
        if missed is not None and (missed.sum(), _PLACE[form]) < (unread.sum(), _PLACE[best]):
            best, unread = form, missed
    _check_read(present, unread, "a date as the others are")
    return best


def _missed(present: pd.Series, form: str, most: int) -> np.ndarray | None:
    """Which cells the format doesn't read; None, as soon as that is known, where they are more than ``most``."""
    step, count = max(FEW, most + 1), 0
    parts: list[np.ndarray] = []
    for start in range(0, len(present), step):
        parts.append(_dates(present.iloc[start : start + step], form).isna().to_numpy())
        count += int(parts[-1].sum())
        if count > most:
            return None
    return np.concatenate(parts)


def _check_read(present: pd.Series, unread: np.ndarray, expected: str) -> None:
    if 2 * unread.sum() > len(present):
        raise Unfit(
            f"{unread.sum()} of {len(present)} cells can't be read, {quoted(present[unread].iloc[0])} first; expected "
            f"{expected}. Set `type: category` or `type: text`"
        )


def dates_of(cells: pd.Series, forms: Sequence[str]) -> pd.Series:
    """The dates, each cell in the first of the formats ``forms`` that reads it; NaT where none does."""
    found = _dates(cells, forms[0])
    for form in forms[1:]:
        found = found.fillna(_dates(cells, form))
    return found


def _dates(cells: pd.Series, form: str) -> pd.Series:
    text = cells.astype("string").str.strip()
    if form == "ISO8601":
        text = text.str.replace(_GREENWICH, "Z", regex=True)
        if text.str.match(_YEAR_FIRST).any():
            text = text.str.replace(_YEAR_FIRST, lambda found: "-".join(filter(None, found.groups())), n=1, regex=True)
        text = text.where(text.str.fullmatch(_ISO).fillna(False))
    if form in ("%H:%M", "%H:%M:%S"):
        text = text.where(text.str.fullmatch(_CLOCK).fillna(False))
    dates = pd.to_datetime(text, format=form, errors="coerce", utc=True).dt.tz_localize(None)
    if "%y" in form:  # Python turns at 69
        dates = dates.mask(dates.dt.year > FAR, dates - pd.DateOffset(years=100))
    return dates


def fit_date(cells: pd.Series) -> dict[str, Any]:
    """The format (and ``also`` a second one, if there is one), the first day as ISO text, and the calendar parts that
    vary."""
    present = _present(cells)
    forms = date_formats(cells) or ("ISO8601" if present.empty else _most_dates(present),)
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
    present = _present(cells)
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
    present = _present(cells)
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


def times_of(contract: Contract, name: str, frame: pd.DataFrame, key: str = "encode.time") -> np.ndarray:
    """When the rows of a typed ``frame [n]`` were by the column ``name``, as numbers: its days, or itself. Raises
    ``UserError``, in which ``key`` is the parameter that names it, where it is no column, one of another type or the
    target, or a cell says no time."""
    known = [c.name for c in contract.columns if c.type in ("date", "number") and c.role != "target"]
    if name not in known:
        there = f"; it is a {contract.column(name).type}" if name in [c.name for c in contract.columns] else ""
        there = "; it is the target" if name == contract.target else there
        raise UserError(
            f"{key} is {name!r}, expected a column of dates or numbers in {contract.file}{there}{hint(name, known)} "
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
            f"{key} is {name!r}, but {told}; expected one in each. Fill the cells, delete the rows, or name another "
            "column in params.yaml."
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
