"""What a column of each type becomes, and what a cell of another form becomes."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from features.contracts.contract import Column, Contract
from features.encoding import columns
from features.errors import UserError


def series(*cells: object) -> pd.Series:
    return pd.Series(cells, dtype=object)


def test_a_skewed_number_is_a_logarithm_and_an_even_one_itself() -> None:
    skewed = pd.Series(np.exp(np.random.default_rng(0).normal(0, 2, 300)))
    state = columns.fit_number(skewed)
    assert state["unit"] == pytest.approx(float(np.quantile(skewed, columns.SMALLEST)))
    found = columns.parts_number("x", pd.Series([-state["unit"], 0.0, state["unit"], np.nan]), state).numbers["x"]
    np.testing.assert_allclose(found, [-np.log(2), 0, np.log(2), np.nan])
    even = pd.Series(np.arange(50.0))
    assert columns.fit_number(even) == {"unit": None}
    assert columns.parts_number("x", even, {"unit": None}).numbers["x"].tolist() == even.tolist()


@pytest.mark.parametrize("cells", [[np.nan, np.nan], [0.0, 0.0], [np.inf, 1.0, 2.0]])
def test_an_odd_column_of_numbers_is_left_as_it_is(cells: list[float]) -> None:
    assert columns.fit_number(pd.Series(cells)) == {"unit": None}


@pytest.mark.parametrize("ones", range(1, 40, 3))
def test_two_numbers_are_no_logarithms_however_rare_one_is(ones: int) -> None:
    assert columns.fit_number(pd.Series([0.0] * 200 + [1.0] * ones)) == {"unit": None}


def test_a_category_with_an_order_has_a_rank_too() -> None:
    column = Column("c", "feature", "category", order=("low", "mid", "high"))
    cells = series("high", "low", np.nan, "new")
    state = json.loads(json.dumps(columns.fit(column, cells)))
    found = columns.parts_category("c", cells, state)
    np.testing.assert_array_equal(found.numbers["c rank"], [2, 0, np.nan, np.nan])
    assert found.categories["c"].tolist()[:2] == ["high", "low"]
    wider = Column("c", "feature", "category", ("high", "low", "mid", "unknown"), order=("low", "mid", "high"))
    unknown = columns.parts_category("c", series("mid", "unknown"), columns.fit(wider, cells))
    np.testing.assert_array_equal(unknown.numbers["c rank"], [1, np.nan])
    assert unknown.categories["c"].tolist() == ["mid", "unknown"]
    plain = columns.fit(Column("c", "feature", "category"), cells)
    assert not columns.parts_category("c", cells, plain).numbers


def test_a_boolean_is_one_for_the_later_word() -> None:
    state = columns.fit_boolean(series("No", "Yes", np.nan))
    found = columns.parts_boolean("b", series("Yes", "No", np.nan, "unknown"), state).numbers["b"]
    np.testing.assert_array_equal(found, [1, 0, np.nan, np.nan])


def test_a_booleans_words_are_the_contracts() -> None:
    cells = series("No", "Yes", "unknown")
    state = columns.fit(Column("b", "feature", "boolean", values=("Yes", "No")), cells)
    np.testing.assert_array_equal(columns.parts_boolean("b", cells, state).numbers["b"], [0, 1, np.nan])
    with pytest.raises(
        UserError, match=r"'b' is no boolean: it holds 3 words, 'No', 'Yes', .* `values` for it in c.yaml"
    ):
        columns.fit(Column("b", "feature", "boolean"), cells, "c.yaml")


def test_years_of_two_digits_are_of_the_hundred_years_up_to_2030() -> None:
    """Python's own turn at 69 made children of those born in the sixties."""
    cells = series("24/12/31", "29/02/68", "01/01/69", "31/12/99", "15/06/00", "13/07/30", None)
    state = columns.fit(Column("born", "feature", "date"), cells)
    assert state["first"] == "1931-12-24"
    years = columns.parts_date("born", cells, state).numbers["born year"]
    np.testing.assert_array_equal(years, [1931, 1968, 1969, 1999, 2000, 2030, np.nan])
    later = columns.parts_date("born", series("24/12/45"), state).numbers["born year"]
    assert later.tolist() == [1945]


def test_greenwichs_time_may_be_named() -> None:
    cells = series("2009-06-15 17:26:21 UTC", "2010-01-05T16:52:16 GMT", "2011-08-18 00:35:00")
    state = columns.fit(Column("t", "feature", "date"), cells)
    assert columns.parts_date("t", cells, state).numbers["t hour"].astype(int).tolist() == [17, 16, 0]


def test_a_date_is_its_calendar_parts() -> None:
    cells = series("2015-03-01 06:00", "2016-12-31 18:00", np.nan)
    state = json.loads(json.dumps(columns.fit_date(cells)))
    found = columns.parts_date("d", series("2015-03-02 06:00", "never", np.nan), state).numbers
    assert {"d days", "d year", "d month", "d weekday", "d hour", "d year sin", "d clock sin"} <= found.keys()
    assert [found[f"d {part}"][0] for part in ("days", "year", "month", "day", "weekday")] == [1.25, 2015, 3, 2, 0]
    assert all(np.isnan(values[1:]).all() for values in found.values())
    midnight = columns.fit_date(series("2015-03-01", "2015-03-02"))
    assert "hour" not in midnight["parts"] and "year" not in midnight["parts"] and "day" in midnight["parts"]


def test_presence_is_whether_there_is_something() -> None:
    column = Column("p", "feature", "presence")
    cells = Contract((column,)).typed(pd.DataFrame({"p": ["a7", None, " ", "b"]}, dtype=object), "f.csv", True)["p"]
    assert cells.tolist()[::3] == ["given", "given"]
    found = columns.parts_presence("p", cells, columns.fit(column, cells)).numbers
    assert found["p"].tolist() == [1, 0, 1, 1]


def test_a_second_way_of_writing_dates_is_read_too() -> None:
    cells = series(*(f"{day:02d}.03.2015" for day in range(1, 29)), "2015-04-05", "2015-04-06", "soon")
    state = json.loads(json.dumps(columns.fit_date(cells)))
    assert (state["format"], state["also"]) == ("%d.%m.%Y", ["ISO8601"])
    days = columns.parts_date("d", cells, state).numbers["d day"]
    np.testing.assert_array_equal(days, [*range(1, 29), 5, 6, np.nan])
    assert columns.readable({"type": "date", **state}) == "a date as '01.03.2015' or '2015-03-01'"
    assert "also" not in columns.fit_date(cells[:28])
    # 03/04 may be either day, and so may what the first format reads.
    assert "also" not in columns.fit_date(series("2015-04-05", "2015-04-06", "03/04/2015"))
    assert "also" not in columns.fit_date(series("13/04/2015", "01/04/2015", "05/04/2015", "04/13/2015"))


@pytest.mark.parametrize("odd", ["n/a", "31.02.2015", "?"])
def test_one_odd_cell_leaves_the_other_dates(odd: str) -> None:
    cells = series(odd, *(f"{day:02d}.03.2015" for day in range(1, 29)))
    state = columns.fit(Column("d", "feature", "date"), cells)
    assert state["format"] == "%d.%m.%Y" and {"day", "weekday"} <= set(state["parts"])
    np.testing.assert_array_equal(columns.parts_date("d", cells, state).numbers["d day"], [np.nan, *range(1, 29)])


def test_one_odd_cell_leaves_the_other_codes() -> None:
    cells = series("C23 C25", *(f"C{number}" for number in range(40)))
    state = columns.fit(Column("c", "feature", "code"), cells)
    assert (state["separator"], state["parts"]) == ("", ["category", "number"])
    np.testing.assert_array_equal(columns.parts_code("c", cells, state).numbers["c 2"], [np.nan, *range(40)])
    split = columns.fit_code(series("a/b", "1-2-3", "4-5-6", "7-8"))
    assert split == {"separator": "-", "parts": ["number", "number", "number"]}


@pytest.mark.parametrize(
    ("kind", "cells", "said"),
    [
        ("date", ["soon", "01.03.2015", "later"], "2 of 3 cells can't be read, 'soon' first; expected a date"),
        ("code", ["C1", "x", "y"], "2 of 3 cells can't be read, 'x' first; expected the same parts"),
        ("code", ["x", "y"], "2 of 2 cells can't be read, 'x' first"),
    ],
)
def test_a_column_of_which_most_is_of_no_such_type_is_refused(kind: str, cells: list[str], said: str) -> None:
    with pytest.raises(UserError) as caught:
        columns.fit(Column("c", "feature", kind), series(*cells), "c.yaml")
    message = str(caught.value)
    assert message.startswith(f"column 'c' is no {kind}: {said}") and message.endswith("for it in c.yaml.")
    assert "Set `type: category`" in message
    empty = columns.fit(Column("c", "feature", kind), series(np.nan))
    assert empty["parts"] == []


def test_a_code_is_its_parts() -> None:
    state = columns.fit_code(series("B/45/S", "F/7/P", np.nan))
    assert state == {"separator": "/", "parts": ["category", "number", "category"]}
    found = columns.parts_code("c", series("B/45/S", "B/S", np.nan, "G/x/P"), state)
    assert found.numbers["c 2"][0] == 45 and np.isnan(found.numbers["c 2"][1:]).all()
    assert found.categories["c 1"][[0, 3]].tolist() == ["B", "G"] and pd.isna(found.categories["c 1"][[1, 2]]).all()
    assert columns.code_separator(series("C85", "E46")) == ""
    assert columns.fit_code(series("C85", "E46"))["parts"] == ["category", "number"]
    assert columns.code_separator(series("a b-c", "d e-f")) is None
    assert columns.parts_code("c", series("x"), columns.fit_code(series(np.nan))) == columns.Parts()


@pytest.mark.parametrize(
    ("kind", "cells", "later", "unread", "expected"),
    [
        (
            "date",
            ["01.03.2015", "02.03.2015"],
            ["2015-03-01", "03.03.2015", "31.02.2015", np.nan],
            [0, 2],
            "01.03.2015",
        ),
        ("date", ["2015-03-01", "2015-03-02"], ["01.03.2015", "2015-03-01"], [0], "2015-03-01"),
        ("code", ["B/45/S", "F/7/P"], ["B/x/S", "B/45", "x", np.nan], [1, 2], "3 parts, '/' between them"),
        ("code", ["C85", "E46"], ["C", "C1"], [0], "2 parts, letters and digits"),
        ("boolean", ["no", "yes"], ["yes", "perhaps", np.nan], [1], "'no' or 'yes'"),
        ("date", [np.nan, np.nan], ["01.03.2015"], [], ""),
        ("category", ["a", "b"], ["c", np.nan], [], ""),
    ],
)
def test_which_cells_are_not_read_and_what_would_be(
    kind: str, cells: list[object], later: list[object], unread: list[int], expected: str
) -> None:
    state = json.loads(json.dumps(columns.fit(Column("c", "feature", kind), series(*cells))))
    assert np.flatnonzero(columns.unread(series(*later), state)).tolist() == unread
    assert not expected or expected in columns.readable(state)


def test_what_tells_rows_apart_by_a_column() -> None:
    def told(kind: str, *cells: object) -> list[tuple[list[object], bool]]:
        column = Column("c", "feature", kind)
        return [
            (part.tolist(), number)
            for part, number in columns.telling(column, series(*cells), columns.fit(column, series(*cells)))
        ]

    assert told("date", "2015-03-01 06:00", "2015-03-02 18:00") == [([0.25, 1.75], True)]
    assert told("code", "A-1", "B-2") == [([1.0, 2.0], True), (["A", "B"], False)]
    assert told("number", 1.0, 2.0) == [([1.0, 2.0], True)] and told("category", "a", "b") == [(["a", "b"], False)]
    words = columns.telling(Column("c", "feature", "date"), series("soon", "later"), None)
    assert [(part.tolist(), number) for part, number in words] == [(["soon", "later"], False)]
    assert told("code", None, None) == [([None, None], False)]


def test_a_text_is_hashed_word_by_word() -> None:
    state = columns.fit_text(series("a"))
    found = columns.parts_text("t", series("Red house", "red HOUSE", "house red", np.nan), state).numbers
    table = np.column_stack(list(found.values()))
    assert table.shape == (4, 1 + columns.BUCKETS)
    assert table[0].tolist() == table[1].tolist() != table[2].tolist()
    assert not table[3].any() and table[0].any()


def test_when_rows_were_is_a_date_or_a_number_and_said_in_each() -> None:
    contract = Contract(
        (
            Column("id", "id", "text"),
            Column("day", "feature", "date", nullable=True),
            Column("year", "ignore", "number"),
            Column("shop", "feature", "category"),
            Column("sales", "target", "number"),
        ),
        "contract.yaml",
    )
    rows = pd.DataFrame(
        {
            "day": ["2024-03-01", "2024-02-28", "2024-02-29"],
            "year": [3.0, 1.0, 2.0],
            "shop": ["a", "b", "c"],
            "sales": 1.0,
        }
    )
    assert np.diff(columns.times_of(contract, "day", rows)).tolist() == [-2.0, 1.0]
    assert columns.times_of(contract, "year", rows).tolist() == [3.0, 1.0, 2.0]
    for name, told in (("shop", "it is a category"), ("dya", "did you mean 'day'"), ("sales", "it is the target")):
        with pytest.raises(UserError, match=f"encode.time is '{name}', expected a column of dates or numbers.*{told}"):
            columns.times_of(contract, name, rows)
    for day, told in (
        ("2024-02-29", "row 3 of train says no time; "),
        (None, "2 training rows say no time, row 3 first"),
    ):
        with pytest.raises(UserError, match=told):
            columns.times_of(contract, "day", rows.assign(day=["2024-03-01", None, day]))


def test_an_id_of_days_and_times_is_no_time_but_its_day_is() -> None:
    contract = Contract(
        (
            Column("when", "id", "text", separator=" ", parts=("day", "when_2")),
            Column("day", "feature", "date"),
            Column("when_2", "feature", "date"),
            Column("sales", "target", "number"),
        ),
        "contract.yaml",
    )
    rows = pd.DataFrame({"day": ["2024-03-01"], "when_2": ["05:00"], "sales": 1.0})
    with pytest.raises(UserError, match="it is a text; did you mean its part 'day'?"):
        columns.times_of(contract, "when", rows)
