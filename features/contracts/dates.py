"""In which format a column's dates are written, and the dates that its cells then are."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

# How dates are written, tried in this order; the first that reads every cell is taken.
DATE_FORMATS = ("ISO8601", "%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%d/%m/%Y", "%d/%m/%Y %H:%M",
                "%d/%m/%Y %H:%M:%S", "%m/%d/%Y", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p",
                "%d-%m-%Y", "%m-%d-%Y", "%d-%m-%Y %H:%M", "%Y/%m/%d", "%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S",
                "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y", "%Y%m%dT%H%M%S",
                "%m/%d/%Y %I:%M %p", "%d.%m.%y", "%d.%m.%y %H:%M", "%d/%m/%y", "%d/%m/%y %H:%M", "%m/%d/%y",
                "%m/%d/%y %H:%M", "%m/%d/%y %I:%M %p", "%b-%Y", "%I:%M %p", "%I:%M:%S %p", "%Y%m%d", "%H:%M",
                "%H:%M:%S", "%d %b %Y %H:%M", "%d %b %Y %H:%M:%S", "%d-%b-%Y %H:%M:%S", "%d %B %Y %H:%M", "%b %d %Y",
                "%B %d %Y", "%b %Y", "%B %Y", "%Y %b", "%m-%d-%Y %H:%M", "%m-%d-%Y %I:%M %p", "%d-%m-%y",
                "%m-%d-%y", "%Y%m%d%H%M%S", "%Y%m%d%H%M", "%Y%m%d%H", "%Y%m", "%d-%m-%Y %H:%M:%S", "%m-%d-%Y %H:%M:%S",
                "%d/%m/%Y %I:%M %p", "%d/%m/%Y %I:%M:%S %p", "%Y-%m-%d %I:%M:%S %p", "%d-%b-%Y %H:%M", "%d %B, %Y",
                "%B %d, %Y %H:%M", "%B %d, %Y %H:%M:%S", "%m/%Y", "%Y/%m", "%b-%y", "%d%b%Y", "%a %b %d %H:%M:%S %Y",
                "%a %b %d %H:%M:%S %z %Y")  # fmt: skip
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
# Quarters, read as their first months: 2015Q1, 2015 Q1, 2015-Q1 and Q1 2015.
_QUARTER = re.compile(r"(\d{4})[ -]?Q([1-4])|Q([1-4])[ -](\d{4})")
# Its times of day: 15시 30분, 15時30分10秒 and 15시, but not 15시간, which is a length of time.
_HOURS = re.compile(r" ?(?<!\d)(\d{1,2}) ?[시時时](?: ?(\d{1,2}) ?[분分](?: ?(\d{1,2}) ?[초秒])?)?$")
# A weekday, which the day tells anyway: 2021.10.17(일), 2021-10-17 (Sun), Sunday, 17 Oct 2021; but not 15:30 (Sun).
_DAY = "(mon|tues?|wed(nes)?|thu(rs?)?|fri|sat(ur)?|sun)(day)?"
_WEEKDAY = re.compile(
    rf"^{_DAY}, (?=.*[0-9]{{4}})|(?<=[0-9일日.])(?<!:[0-9]{{2}}) ?[(（]({_DAY}|[월화수목금토일](요일)?|"
    "[月火水木金土日](曜日?)?|(周|星期)[一二三四五六日天])[)）]",
    re.IGNORECASE,
)
# Hours and minutes, rather than the goals of two teams.
_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2})?")
# Digits alone: how many and which, since a format reads fewer of them, too, 201911 as the first of January.
_MONTH, _TO_HOUR = "[0-9]{4}[01][0-9]", "[0-9]{4}[01][0-9][0-3][0-9][0-2][0-9]"
_DIGITS = {
    "%Y%m": re.compile(_MONTH),
    "%Y%m%d": re.compile(_MONTH + "[0-3][0-9]"),
    "%Y%m%d%H": re.compile(_TO_HOUR),
    "%Y%m%d%H%M": re.compile(_TO_HOUR + "[0-5][0-9]"),
    "%Y%m%d%H%M%S": re.compile(_TO_HOUR + "[0-5][0-9]{3}"),
}
# Of digits alone, days and times: that so many are of the calendar by chance is beyond belief.
DAYS_IN_DIGITS = tuple(form for form in _DIGITS if "%d" in form)
# Greenwich's time by its name, which no format takes; a time without any is taken for that.
_GREENWICH = re.compile(r" ?(UTC|GMT)$")
# A cell that may have one of these.
_BESIDE = re.compile("[(（시時时]|(?:UTC|GMT)$|^[A-Za-z]+,")


def date_format(cells: pd.Series) -> str | None:
    """The first of ``DATE_FORMATS`` that reads every cell that is there, or None. Cells are str."""
    present = present_cells(cells)
    return _format_of_all(present, _by_few(present)) if _may_be_dates(present) else None


def date_formats(cells: pd.Series) -> tuple[str, ...]:
    """The format that reads most cells, and a second one of what it leaves if there is one; none where that is less
    than half of the cells. Cells are str."""
    present = present_cells(cells)
    if present.empty or not _few(present).str.contains(r"\d").any():
        return ()
    ranked = _by_few(present)
    form = _format_of_all(present, ranked) if _may_be_dates(present) else None
    if form is not None:
        return (form,)
    if 2 * ranked[0][0] > len(_few(present)):
        return ()
    form, unread = most_dates(present, [form for _, form in ranked])
    return () if 2 * unread.sum() > len(present) else _with_second(present, form)


def twofold_date(cells: pd.Series) -> tuple[str, str, str] | None:
    """The first cell that may be two days, that which it is read as, and the other one, where no cell tells which of
    two formats it is; else None. Cells are str."""
    present = present_cells(cells)
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
    present = present_cells(cells)
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


def dates_of(cells: pd.Series, forms: Sequence[str]) -> pd.Series:
    """The dates, each cell in the first of the formats ``forms`` that reads it; NaT where none does."""
    found = _dates(cells, forms[0])
    for form in forms[1:]:
        found = found.fillna(_dates(cells, form))
    return found


def all_of_digits(present: pd.Series, form: str) -> bool:
    """Are all cells ``present`` dates of 1900 to 2099 in the format ``form`` of digits alone, as 20190131 in
    "%Y%m%d"?"""
    for part in (_few(present), present):
        if not (part.str.match("19|20") & part.str.fullmatch(_DIGITS[form])).all():
            return False
    return bool(_dates(present, form).notna().all())


def present_cells(cells: pd.Series) -> pd.Series:
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


def _few(present: pd.Series) -> pd.Series:
    return present.iloc[:: max(1, -(-len(present) // FEW))]


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


def most_dates(present: pd.Series, forms: Sequence[str] | None = None) -> tuple[str, np.ndarray]:
    """The format that reads most cells, and which ``[n]`` it does not read. ``forms``: all, the likeliest first, where
    that is known."""
    forms = forms or [form for _, form in _by_few(present)]
    best, unread = forms[0], _dates(present, forms[0]).isna().to_numpy()
    for form in forms[1:]:
        missed = _missed(present, form, int(unread.sum()))
        # Of formats that read as many, the first, as in a comparison of all.
        if missed is not None and (missed.sum(), _PLACE[form]) < (unread.sum(), _PLACE[best]):
            best, unread = form, missed
    return best, unread


def _missed(present: pd.Series, form: str, most: int) -> np.ndarray | None:
    """Which cells the format doesn't read; None, as soon as that is known, where they are more than ``most``."""
    # So many tell of a format of no cell; of others ever more at once.
    start, step, count = 0, max(FEW // 8, most + 1), 0
    parts: list[np.ndarray] = []
    while start < len(present):
        parts.append(_dates(present.iloc[start : start + step], form).isna().to_numpy())
        count += int(parts[-1].sum())
        if count > most:
            return None
        start, step = start + step, 2 * step
    return np.concatenate(parts)


def _in_digits(text: pd.Series) -> pd.Series:
    """``text`` without weekdays and Greenwich's name, and with times of day as 15:30."""
    if not text.str.contains(_BESIDE).any():
        return text
    text = text.str.replace(_GREENWICH, "", regex=True).str.replace(_WEEKDAY, " ", regex=True).str.strip()
    return text.str.replace(_HOURS, _clock, regex=True).str.strip()


def _first_month(found: re.Match[str]) -> str:
    year, quarter = (found[1] or found[4]), int(found[2] or found[3])
    return f"{year}-{3 * quarter - 2:02d}"


def _clock(found: re.Match[str]) -> str:
    hour, minute, second = found.groups()
    return f" {hour:0>2}:{minute or 0:0>2}" + (f":{second:0>2}" if second else "")


def _dates(cells: pd.Series, form: str) -> pd.Series:
    text = _in_digits(cells.astype("string").str.strip())
    if form == "ISO8601":
        if text.str.contains("Q", regex=False).any():
            text = text.str.replace(_QUARTER, _first_month, n=1, regex=True)
        if text.str.match(_YEAR_FIRST).any():
            text = text.str.replace(_YEAR_FIRST, lambda found: "-".join(filter(None, found.groups())), n=1, regex=True)
        text = text.where(text.str.fullmatch(_ISO).fillna(False))
    if form in ("%H:%M", "%H:%M:%S"):
        text = text.where(text.str.fullmatch(_CLOCK).fillna(False))
    if form in _DIGITS:
        text = text.where(text.str.fullmatch(_DIGITS[form]).fillna(False))
    dates = pd.to_datetime(text, format=form, errors="coerce", utc=True).dt.tz_localize(None)
    if "%y" in form:  # Python turns at 69
        dates = dates.mask(dates.dt.year > FAR, dates - pd.DateOffset(years=100))
    return dates
