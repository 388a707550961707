"""In which format dates are written."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from features.contracts import dates
from features.encoding.columns import Unfit, fit_date


def series(*cells: str | None) -> pd.Series:
    return pd.Series(cells, dtype=object)


@pytest.mark.parametrize(
    ("cells", "form"),
    [
        (["2015-03-01", "2016-12-31"], "ISO8601"),
        (["2015-03-01 10:20", "2016-12-31 23:59:59"], "ISO8601"),
        (["01.03.2015", "31.12.2016"], "%d.%m.%Y"),
        (["13/02/2015", "01/03/2015"], "%d/%m/%Y"),
        (["02/13/2015", "01/03/2015"], "%m/%d/%Y"),
        (["3 Mar 2015"], "%d %b %Y"),
        (["20190101120000", "20190131235959"], "%Y%m%d%H%M%S"),
        (["201911", "201912"], "%Y%m"),
        (["2019-11", "2019-12"], "ISO8601"),
        (["2015Q1", "2016 Q4", "2016-Q2", "Q3 2017"], "ISO8601"),
        (["2015Q5", "2016Q4"], None),
        (["FAQ1 2015", "FAQ2 2016"], None),
        (["2015Q11", "2016Q12"], None),
        (["2015", "2016"], None),
        (["2015-03-01", "not a date"], None),
        (["2015-02-31"], None),
        ([None], None),
    ],
)
def test_how_dates_are_written(cells: list[str], form: str | None) -> None:
    assert dates.date_format(series(*cells)) == form


@pytest.mark.parametrize("form", dates.DATE_FORMATS[1:])
def test_each_format_is_known_by_its_cells(form: str) -> None:
    """None is read by one that is tried before it, as other days or without the time."""
    days = pd.Series(pd.date_range("1987-01-28 09:05:07", periods=80, freq="93h", tz="UTC"))
    assert dates.date_format(days.dt.strftime(form)) == form


def test_a_quarter_is_its_first_month() -> None:
    found = dates.dates_of(series("2015Q1", "Q4 2016", None), ["ISO8601"])
    assert found.dt.strftime("%Y-%m-%d").tolist()[:2] == ["2015-01-01", "2016-10-01"] and found.isna()[2]


def test_the_first_days_of_months_are_no_days_of_one_january() -> None:
    months = series(*(f"{1 + n % 12}/1/{2014 + n // 12}" for n in range(48)))
    assert dates.date_format(months) == "%m/%d/%Y"
    assert dates.twofold_date(months) == ("2/1/2014", "2014-02-01", "2014-01-02")
    days = series("3/4/2014", "5/6/2014", "7/8/2015")
    assert dates.date_format(days) == "%d/%m/%Y"
    assert dates.twofold_date(days) == ("3/4/2014", "2014-04-03", "2014-03-04")
    assert dates.twofold_date(series("3/4/2014", "13/4/2014")) is None
    assert dates.twofold_date(series("2014-04-03", "2014-04-04")) is None
    assert dates.twofold_date(series("4/4/2014", "5/5/2014", "6/6/2014")) is None, "the same days either way"


@pytest.mark.parametrize(
    ("cells", "days"),
    [
        (["2021년 3월 4일", "2021년 12월 31일"], ["2021-03-04", "2021-12-31"]),
        (["2021年3月4日", "2021年12月31日"], ["2021-03-04", "2021-12-31"]),
        (["2021. 3. 4.", "2021.12.31", "2021. 1. 2"], ["2021-03-04", "2021-12-31", "2021-01-02"]),
        (["2021년 3월 4일 15:30", "2021.12.31 23:59:59"], ["2021-03-04 15:30", "2021-12-31 23:59:59"]),
        (["2021년 3월", "2021년 12월"], ["2021-03-01", "2021-12-01"]),
        (["2021.10.17(일)", "2021.12.31 (금요일)", "2021.1.3（日）"], ["2021-10-17", "2021-12-31", "2021-01-03"]),
        (["2021-10-17 (Sun)", "2021-12-31 (friday)"], ["2021-10-17", "2021-12-31"]),
        (["2021.10.17(일) 15:30", "2021.12.31(金) 9時5分"], ["2021-10-17 15:30", "2021-12-31 09:05"]),
        (
            ["2021년 3월 4일 15시 30분", "2021年3月4日9時5分", "2021. 3. 4. 23시"],
            ["2021-03-04 15:30", "2021-03-04 09:05", "2021-03-04 23:00"],
        ),
    ],
)
def test_dates_of_east_asia_begin_with_the_year(cells: list[str], days: list[str]) -> None:
    assert dates.date_format(series(*cells)) == "ISO8601"
    assert dates.dates_of(series(*cells), ["ISO8601"]).tolist() == [pd.Timestamp(day) for day in days]


@pytest.mark.parametrize(
    "form",
    ["%a, %d %b %Y %H:%M:%S GMT", "%A, %B %d, %Y", "%d %B %Y %H:%M", "%d-%b-%Y %H:%M:%S", "%b %d %Y", "%B %Y",
     "%m-%d-%Y %I:%M %p", "%m-%d-%y", "%d-%m-%y", "%d.%m.%Y (%a)"],
)  # fmt: skip
def test_dates_as_mail_spreadsheets_and_people_write_them(form: str) -> None:
    days = pd.Series(pd.date_range("1987-01-28 09:05", periods=80, freq="93h"))
    read = days.dt.strftime(form)
    found = dates.date_format(read)
    assert found is not None
    expected = days if "%S" in form else days.dt.floor("min" if "%M" in form else "D")
    expected = expected if "%d" in form else expected.dt.to_period("M").dt.to_timestamp()
    assert dates.dates_of(read, [found]).tolist() == expected.tolist()


@pytest.mark.parametrize("cell", ["15:30 (Sun)", "Sun, 15:30", "Sun 15:30"])
def test_a_weekday_beside_a_time_of_day_is_not_passed_over(cell: str) -> None:
    assert dates.date_format(series(cell)) is None


def test_weekdays_and_times_of_day_beside_other_formats() -> None:
    assert dates.date_format(series("17/10/2021 (Sun)", "31/12/2021 (Fri)")) == "%d/%m/%Y"
    assert dates.date_format(series("2021/10/17(日) 15時30分", "2021/1/3(周日)9时5分")) == "%Y/%m/%d %H:%M"
    assert dates.date_format(series("15시 30분", "9시 5분", "23時59分")) == "%H:%M"
    assert dates.dates_of(series("9시 5분 7초"), ["%H:%M:%S"]).dt.strftime("%H:%M:%S").tolist() == ["09:05:07"]
    assert dates.date_format(series("15시간 30분", "9시간 5분")) is None, "lengths of time"


@pytest.mark.parametrize(
    "cell",
    ["2021년 13월 4일", "2021.3.32", "2021.3", "2021.3.4.5", "2021.3.4 ~ 2021.3.9", "21.3.4", "2021.3.4 (guess)",
     "2021년 3월 4일 25시", "2021년 3월 4일 3시간"],
)  # fmt: skip
def test_what_only_begins_like_a_date_of_east_asia_is_none(cell: str) -> None:
    assert dates.dates_of(series(cell), ["ISO8601"]).isna().all()


@pytest.mark.parametrize("few", [1, 3, 256])
def test_the_format_of_most_dates_is_the_one_that_a_trial_of_all_finds(
    few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dates, "FEW", few)
    draw = np.random.default_rng(0)
    forms = ("%d/%m/%Y", "%m/%d/%Y", "%d/%m/%Y %H:%M", "%Y-%m-%d", "soon")
    for _ in range(12):
        # The last days of a month have one format only, the first have two.
        days = pd.Timestamp("2015-01-01") + pd.to_timedelta(draw.integers(0, draw.choice([12, 40]), 60), unit="D")
        share = draw.dirichlet([0.3] * len(forms))
        cells = series(*(day.strftime(draw.choice(forms, p=share)) for day in days))
        unread = {form: int(dates._dates(cells, form).isna().sum()) for form in dates.DATE_FORMATS}
        best = min(unread, key=lambda form: unread[form])
        form, missed = dates.most_dates(cells)
        assert (form, missed.sum()) == (best, unread[best])
        assert dates.date_format(cells) == (best if not unread[best] else None)
        if 2 * unread[best] > len(cells):
            with pytest.raises(Unfit, match=f"^{unread[best]} of 60"):
                fit_date(cells)
        else:
            assert fit_date(cells)["format"] == best


def test_a_format_of_no_cell_is_not_tried_on_all(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []
    read = dates._dates

    def counted(cells: pd.Series, form: str) -> pd.Series:
        tried.append(len(cells))
        return read(cells, form)

    monkeypatch.setattr(dates, "_dates", counted)
    cells = series("soon", *(f"{1 + row % 28:02d}.03.2015" for row in range(9999)))
    assert fit_date(cells)["format"] == "%d.%m.%Y"
    assert sum(tried) < 5 * len(cells)
