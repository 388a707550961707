"""What one column is, by its cells."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.contracts.contract import Column, Contract
from features.inference.column_types import infer_column

COUNT = 120
GENERATOR = np.random.default_rng(0)


def cells(*values: Any) -> pd.Series:
    return pd.Series([None if v is None else str(v) for v in (values * COUNT)[:COUNT]], dtype=object)


@pytest.mark.parametrize(
    ("column", "role", "kind", "said"),
    [
        (cells(*(round(x, 3) for x in GENERATOR.normal(size=COUNT))), "feature", "number", "numbers"),
        (cells(*(round(x, 3) for x in GENERATOR.lognormal(0, 2, COUNT))), "feature", "number", "logarithm"),
        (cells(1, 2, None, 3), "feature", "number", "3 whole numbers"),
        (cells(*(f"${abs(x):.2f}" for x in GENERATOR.normal(size=COUNT))), "feature", "number", "with '$' before them"),
        (cells(*(f"{x:.2f}%" for x in range(COUNT))), "feature", "number", "read with '%' behind them"),
        (cells(*(f"{x * 7} min" for x in range(COUNT))), "feature", "number", "read with 'min' behind them"),
        (cells(*(f"{x / 7:.3f} kg" if x % 3 else f"{x * 9} g" for x in range(COUNT))), "feature", "text", "'kg', 'g'"),
        (cells(*(f"{x * 3}%" if x % 2 else x for x in range(COUNT))), "feature", "text", "with '%' or nothing: write"),
        (cells("1 kg", "2 kg", "300 g"), "feature", "category", "3 words"),
        (cells("00501", "10001", "02139"), "feature", "category", "3 words; not as numbers, since zeros in front"),
        (cells("1", "01", "001", "2", None), "feature", "category", "4 words; not as numbers"),
        (cells("007", "?", "012"), "feature", "category", "2 words; not as numbers"),
        (cells(*(f"{x * 7919 % 90001:05d}" for x in range(60))), "feature", "category", "60 words; embedded"),
        (
            cells(*(f"{x * 7919 % 90001:05d}" for x in range(COUNT))),
            "feature",
            "number",
            "zeros in front are not counted",
        ),
        (cells("0", "1", "0.5", "05"), "feature", "number", "4 numbers"),
        (cells("0", "7", "12"), "feature", "number", "3 whole numbers"),
        (cells("07", "12", "104"), "feature", "number", "3 whole numbers"),
        (cells("(12)", "-3", "7"), "feature", "number", "3 whole numbers"),
        (cells("(1)", "(2)", "(3)"), "feature", "category", "3 words"),
        (cells("1,5", "-2,25", "7"), "feature", "number", "3 numbers, read with decimal commas"),
        (cells("1.5", "NaN", "n/a"), "feature", "number", "'1.5' or nothing"),
        (cells("Yes", "No"), "feature", "boolean", "two words"),
        (cells("TRUE", "false"), "feature", "boolean", "two words"),
        (cells("True", "TRUE", "no"), "feature", "category", "3 words"),
        (cells("red", "blue"), "feature", "category", "2 words"),
        (cells("18-24", "25-34", "65+"), "feature", "category", "3 words, a scale: 18-24 < 25-34 < 65+"),
        (cells("TA", "Gd", "Ex", "NA"), "feature", "category", "4 words, a scale: NA < TA < Gd < Ex"),
        (cells("x", None), "feature", "category", "'x' or nothing"),
        (cells("NULL", None), "feature", "category", "'NULL' or nothing"),
        (cells("a", "b", "NULL", "n/a"), "feature", "category", "4 words"),
        (cells(*(f"{x:03d}xx" for x in range(60))), "feature", "category", "60 words"),
        (cells(*(f"shop {x}" for x in range(60))), "feature", "category", "high-cardinality, 60 words; embedded"),
        (cells(*(f"shop {x}" for x in range(28))), "feature", "category", "28 words; one-hot, and target statistics"),
        (cells(*"abcdef")[:20], "feature", "category", "6 words; one-hot"),
        (cells("2015-03-01", "2015-04-01", "2015-05-01"), "feature", "date", "'2015-03-01'"),
        (cells("2015.03.01", "2015.04.01", "2015.05.01"), "feature", "date", "'2015.03.01'"),
        (cells("2015년 3월 1일", "2015년 4월 1일", "2015년 5월 1일"), "feature", "date", "'2015년 3월 1일'"),
        (cells(*(f"B/{x}/S" for x in range(60))), "feature", "code", "composite"),
        (cells(*(f"C{x}" for x in range(60))), "feature", "code", "composite"),
        (cells(*(f"{n * 79}{'KM'[n % 2]}" for n in range(60))), "feature", "category", "'K', 'M': write them in"),
        (cells("1", "1.0", "0", "0.0"), "feature", "number", "2 whole numbers"),
        (cells(*(f"{9876543 + n * 79:,}원" for n in range(COUNT))), "feature", "number", "120 whole numbers, read"),
        (cells(*(f"{1234 + n * 79}円" for n in range(COUNT))), "feature", "number", "120 whole numbers, read"),
        (cells(*(f"{x} words in a row" for x in range(COUNT))), "feature", "text", "5 words a cell"),
        (cells("same"), "ignore", "text", "constant, 'same'"),
        (cells(3), "ignore", "text", "constant"),
        (cells(None), "ignore", "text", "empty"),
        (cells(*range(COUNT)), "ignore", "text", "running number"),
        (cells(*(f"#{n}" for n in range(COUNT))), "ignore", "text", "running number"),
        (cells(*(f"INV-{n:04d}" for n in range(COUNT))), "ignore", "text", "running numbers as in 'INV-0'"),
        (cells(*(f"2024/A{n}b" for n in range(COUNT))), "ignore", "text", "running numbers as in '2024/A0b'"),
        (cells(*(f"A{n * 7919}" for n in range(COUNT))), "feature", "code", "composite code"),
        (cells(*range(60), *[None] * 60), "feature", "number", "60 whole numbers"),
        (cells(*range(1960, 1960 + COUNT)), "feature", "number", "120 whole numbers"),
        (cells(*(f"k{x:05x}z" for x in range(7, 800007, 9999)), *[None] * 39), "feature", "presence", "none in 39;"),
        (cells(*(f"k{x * 7919:07x}z" for x in range(115)), *[None] * 5), "ignore", "text", "in every row but 5"),
        (cells(*(f"k{x * 7919:07x}z" for x in range(COUNT))), "ignore", "text", "identifier"),
    ],
)
def test_a_column(column: pd.Series, role: str, kind: str, said: str) -> None:
    found, reason = infer_column("c", column)
    assert (found.role, found.type) == (role, kind) and said in reason
    assert (found.order is not None) == ("scale" in reason)
    if role == "feature" and column.isna().any():
        assert found.nullable
    if found.values is not None:
        assert set(column.dropna()) == set(found.values) | set(found.spelling.missing)


def test_two_words_are_a_boolean_in_small_or_capital_letters() -> None:
    """As most cells spell them; what else stands there makes a category."""
    found, reason = infer_column("c", cells("TRUE", "True", "False", "False", "true", "True"))
    assert (found.type, found.values) == ("boolean", ("False", "True")) and reason.endswith(
        "in small or capital letters"
    )
    assert infer_column("c", cells("True", "TRUE", "no"))[0].type == "category"
    assert infer_column("c", cells("True", "TRUE"))[0].type == "category"


SIZES = [f"{x:.3f}" for x in GENERATOR.normal(size=COUNT)]
DAYS = [day.strftime("%d.%m.%Y") for day in pd.date_range("2015-03-01", periods=COUNT)]


@pytest.mark.parametrize(
    ("odd", "missing"),
    [
        (["12o"], ["12o"]),
        (["?", "?"], ["?"]),
        (["-", "#N/A", "unknown", "Unknown", *["n.a."] * 60], ["#N/A", "-", "Unknown", "n.a.", "unknown"]),
        (["3,5,7", "n/a", None], ["3,5,7"]),
    ],
)
@pytest.mark.parametrize(("kind", "others"), [("number", SIZES), ("date", DAYS)])
def test_a_few_odd_cells_leave_a_columns_type(
    kind: str, others: list[str], odd: list[str | None], missing: list[str]
) -> None:
    cells = pd.Series([*odd, *others], dtype=object)
    found, reason = infer_column("c", cells)
    if kind == "date" and "n/a" in odd:
        missing = ["3,5,7", "n/a"]
    assert (found.role, found.type, found.nullable) == ("feature", kind, True) and reason[0] != "i"
    assert list(found.spelling.missing) == missing
    contract = Contract((Column("c", "feature", kind, spelling=found.spelling), *CONTRACT_ENDS))
    contract = Contract.from_mapping(contract.to_mapping(), "c.yaml")
    # A word is one in any case.
    frame = pd.DataFrame({"c": cells.replace("?", " ? ").str.upper(), "id": "1"}, dtype=object)
    assert contract.typed(frame, "f.csv", False)["c"].isna().sum() == len(odd)


CONTRACT_ENDS = (
    Column("id", "id", "text", nullable=False, unique=True),
    Column("y", "target", "number", nullable=False),
)


@pytest.mark.parametrize(
    "cells",
    [
        # More than a tenth, more than five different ones, or words alone.
        [*["low"] * 20, *SIZES],
        [*(f"{n}A" for n in range(6)), *SIZES],
        [*(f"{day} or so" for day in DAYS[:30]), *DAYS],
        ["-", "+", "?", "unknown"] * 30,
    ],
)
def test_more_odd_cells_are_words_of_the_column(cells: list[str]) -> None:
    found, _ = infer_column("c", pd.Series(cells, dtype=object))
    assert found.type in ("category", "text") and found.spelling.missing == ()


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        (["0"] * 345 + ["1"] * 102 + ["2"] * 101, ["3+"] * 51 + [None] * 15),
        (["0"] * 970, ["a"] * 15 + ["b"] * 8 + ["c"] * 4),
        (["0"] * 97, ["?"] * 3),
        (["1", "2", "3", "4"] * 40, ["OT"] * 10),
        ([str(n) for n in range(1, 13)] * 5, ["K"] * 5),
        (["0", "1"] * 100, ["U"] * 12),
        (["1", "2", "3"] * 100, ["1 shared"]),
    ],
)
def test_words_beside_few_different_numbers_are_levels(numbers: list[str], words: list[str | None]) -> None:
    found, reason = infer_column("c", pd.Series([*numbers, *words], dtype=object))
    assert found.type == "category" and set(found.values or ()) == {*numbers, *words} - {None}
    assert ("; not as numbers, because of" in reason) == (words[0] != "?")


@pytest.mark.parametrize("words", [["90+"] * 5, [">60"], ["1 week"] * 2, ["V57"] * 9])
def test_what_states_a_number_is_never_missing(words: list[str]) -> None:
    ages = [str(age) for age in range(15, 89)] * 4
    found, reason = infer_column("c", pd.Series([*ages, *words], dtype=object))
    assert found.type == "category" and f"because of {words[0]!r}: write a number" in reason


def test_decimals_beside_what_states_a_number_are_no_code() -> None:
    found, reason = infer_column(
        "lab", pd.Series([f"{n / 10}" if n % 20 else "<0.5" for n in range(400)], dtype=object)
    )
    assert found.type in ("category", "text") and "not as numbers, because of '<0.5'" in reason
    codes = pd.Series([f"A{n % 7}.{n}" for n in range(400)], dtype=object)
    assert infer_column("c", codes)[0].type == "code"


def test_a_rare_word_beside_few_different_numbers_is_a_slip() -> None:
    for words in (["x"], ["x", "y"], ["refused"] * 9):
        found, _ = infer_column("c", pd.Series([*["1", "2", "3", "4"] * 40, *words], dtype=object))
        assert found.type == "number" and found.spelling.missing == tuple(sorted(set(words)))
    frequent = pd.Series([*(str(n) for n in range(40)), *["refused"] * 4] * 5, dtype=object)
    assert infer_column("c", frequent)[0].spelling.missing == ("refused",)


def test_rows_numbered_anew_in_test_are_told_by_each_table() -> None:
    draw = np.random.default_rng(3)
    anew = pd.Series([*range(60), *range(20)]).astype(str)
    assert infer_column("c", anew)[0].type == "number" and infer_column("c", anew, rows=60)[0].role == "ignore"
    codes = "A" + anew.str.zfill(5)
    assert infer_column("c", codes, rows=60)[0].role == "ignore"
    # Of two rows that are no part of them, or of numbers drawn at random, this does not hold.
    assert infer_column("c", pd.Series([*range(60), 3, 250]).astype(str), rows=60)[0].type == "number"
    assert infer_column("c", pd.Series(draw.integers(0, 60, 80)).astype(str), rows=60)[0].type == "number"


def test_ranks_within_each_table_are_no_running_numbers() -> None:
    draw = np.random.default_rng(3)
    ranks = pd.Series([*draw.permutation(60), *draw.permutation(20)]).astype(str)
    assert infer_column("rank", ranks, rows=60)[0].type == "number"
    assert infer_column("id", ranks, rows=60)[0].role == "ignore"
    rising = pd.Series([*range(60), *range(20)]).astype(str)
    assert "starts anew in test" in infer_column("rank", rising, rows=60)[1]
    # One ranking of both tables, too, is learned from, unless its rows lie in that order.
    both = pd.Series(draw.permutation(80)).astype(str)
    for name, role in (("rank", "feature"), ("WorldRank", "feature"), ("c", "ignore"), ("rank_id", "ignore")):
        assert infer_column(name, both, rows=60)[0].role == role, name
    assert infer_column("rank", pd.Series(range(80)).astype(str), rows=60)[0].role == "ignore"


HOURS = [f"{hour:02d}" for hour in range(24)]


@pytest.mark.parametrize(
    "column",
    [
        cells(*HOURS),
        cells("1", "01", "12"),
        cells("0730", "1215", "1800", "2345"),
        cells(*(f"{age:03d}" for age in range(18, 100, 2))),
        cells(*(f"{int(x):06d}" for x in np.random.default_rng(0).lognormal(6, 2, 60))),
    ],
    ids=["hours", "months in two ways", "times of day", "ages", "amounts"],
)
def test_padded_numbers_stay_numbers(column: pd.Series) -> None:
    assert infer_column("c", column)[0].type == "number"


@pytest.mark.parametrize("letters", ["ABCDEFGHJ", "X"])
@pytest.mark.parametrize("gaps", [0, 5])
def test_digits_and_a_letter_of_its_own_in_every_row_name_rows(letters: str, gaps: int) -> None:
    rows = [f"{10_000_019 + n * 7919}{letters[n % len(letters)]}" for n in range(COUNT)]
    found, reason = infer_column("c", pd.Series([*rows, *[None] * gaps], dtype=object))
    assert found.role == "ignore" and reason.startswith("identifier, a word of its own in every row")
    # A number has fractions, a blank before its unit, or stands there several times.
    assert letters != "X" or infer_column("c", cells(*(f"{n * 7919} g" for n in range(COUNT))))[0].type == "number"
    assert letters != "X" or infer_column("c", cells(*(f"{n}.5m" for n in range(COUNT))))[0].type == "number"
    assert letters != "X" or infer_column("c", cells(*(f"{n * 7}m" for n in range(60))))[0].type == "number"


@pytest.mark.parametrize("unit", ["ABCDEF", "b", ["kg", "lb", "st", "oz"]])
def test_letters_and_many_signs_are_not_told_to_be_units(unit: list[str] | str) -> None:
    seats = cells(*(f"{n}{unit[n % len(unit)] if n % 3 else ''}" for n in range(1, 41)))
    assert "write them in one unit" not in infer_column("c", seats)[1]


def test_eight_digits_are_dates_where_all_are_days_of_the_calendar() -> None:
    days = pd.Series(pd.date_range("2014-01-28", periods=60).strftime("%Y%m%d"))
    assert infer_column("d", days)[0].type == "date"
    assert infer_column("d", pd.concat([days, pd.Series(["20141301"])]))[0].type == "number"


def test_ten_and_more_digits_are_times_where_all_are_of_the_clock() -> None:
    moments = pd.date_range("2014-01-28", periods=60, freq="461min")
    assert infer_column("t", pd.Series(moments.strftime("%Y%m%d%H")))[0].type == "date"
    times = pd.Series(moments.strftime("%Y%m%d%H%M%S"))
    found, reason = infer_column("t", times)
    assert found.type == "date" and "as '20140128000000'" in reason
    for odd in ("20140128006000", "20140128240000", "21140128000000"):
        assert infer_column("t", pd.concat([times, pd.Series([odd])]))[0].type == "number", odd


@pytest.mark.parametrize(
    ("name", "kind"),
    [("month", "date"), ("OrderMonth", "date"), ("yearmonth", "date"), ("YYYYMM", "date"), ("period_id", "date"),
     ("first_date", "date"), ("months", "number"), ("monthly_income", "number"), ("candidate", "number"),
     ("c", "number")],
)  # fmt: skip
def test_six_digits_are_months_where_the_name_says_so(name: str, kind: str) -> None:
    months = pd.Series(pd.date_range("2013-10-01", periods=60, freq="MS").strftime("%Y%m"))
    assert infer_column(name, months)[0].type == kind
    assert infer_column(name, pd.concat([months, pd.Series(["201313"])]))[0].type == "number"
    assert infer_column(name, months.str[:4] + "-" + months.str[4:])[0].type == "date"


@pytest.mark.parametrize(
    ("name", "kind"),
    [("Store", "category"), ("store_nbr", "category"), ("vendor_id", "category"), ("ps_ind_02_cat", "category"),
     ("n_stores", "number"), ("stores", "number"), ("size", "number"), ("row", "number"),
     ("distance_to_school", "number"), ("minutes_per_session", "number"), ("rooms_per_household", "number"),
     ("age_group", "number"), ("income_category", "number"), ("blood_group", "category"), ("rate_code", "category")],
)  # fmt: skip
def test_whole_numbers_that_stand_for_something_are_a_category(name: str, kind: str) -> None:
    numbers = np.random.default_rng(0).integers(1, 13, 200)
    assert infer_column(name, pd.Series(numbers.astype(str)))[0].type == kind
    assert infer_column(name, pd.Series((numbers / 7).astype(str)))[0].type == "number"


def test_numbers_that_a_category_would_not_tell_apart_rightly_stay_numbers() -> None:
    numbers = np.random.default_rng(0).integers(1, 13, 200)
    with_gaps = pd.Series([f"{number}.0" for number in numbers] + [None])
    both = pd.concat([with_gaps, pd.Series(numbers.astype(str))], ignore_index=True)
    assert infer_column("store", both)[0].type == "number", "1.0 of train and 1 of test are one store"
    assert infer_column("is_member", pd.Series((numbers % 2).astype(str)))[0].type == "number"
    counts = pd.Series((numbers - 1).astype(str))
    for name, kind in (("hospital", "number"), ("hospital_id", "category"), ("ps_ind_02_cat", "category")):
        assert infer_column(name, counts)[0].type == kind, name


def test_times_of_day_with_a_slip_are_read_as_such() -> None:
    times = [f"{minute // 60}:{minute % 60:02d}" for minute in range(400, 1200, 7)]
    found, reason = infer_column("CaptureTime", pd.Series([*times, "9.12", None]))
    assert found.type == "date" and found.spelling.missing == ("9.12",) and "'6:40'" in reason
    goals = pd.Series([f"{a}:{b}" for a in range(5) for b in range(5)] * 8)
    assert infer_column("result", goals)[0].type == "category"


def test_spans_among_dates_are_told() -> None:
    days = pd.Series(pd.date_range("2014-01-28", periods=60).strftime("%m/%d/%Y"))
    spans = days.iloc[:20] + " - " + days.iloc[1:21].to_numpy()
    found, reason = infer_column("d", pd.concat([days, spans], ignore_index=True))
    assert found.type == "text"
    assert "; not as dates, because of '01/28/2014 - 01/29/2014' (20 of 80 cells): write one date in each" in reason
    assert "dates" not in infer_column("d", cells("red", "green", "blue"))[1]


def test_two_years_are_no_month() -> None:
    seasons = pd.Series([f"{year}-{(year + 1) % 100:02}" for year in range(2001, 2012)] * 9)
    found, reason = infer_column("season", seasons)
    assert found.type == "category" and "not as dates" not in reason
    for sign in "-/":
        turn = pd.Series([f"1999{sign}00", f"2000{sign}01", f"2001{sign}02"] * 40)
        assert infer_column("season", turn)[1] == "3 words"
    assert infer_column("month", pd.concat([seasons, pd.Series(["2001-03"])]))[0].type == "date"


@pytest.mark.parametrize("end", ["9999-12-31", "9999-12-31 00:00:00"])
def test_an_open_end_is_no_date(end: str) -> None:
    """As databases write what has not ended; pandas holds no such day."""
    days = pd.Series(pd.date_range("2015-01-01", periods=60).strftime("%Y-%m-%d" + end[10:]))
    found, _ = infer_column("until", days.where(days.index % 3 > 0, end))
    assert (found.type, found.spelling.missing, found.nullable) == ("date", (end,), True)


def test_dates_may_be_written_in_two_ways() -> None:
    cells = pd.Series([*DAYS[:80], *(f"2016-01-{day:02d}" for day in range(1, 29))], dtype=object)
    found, reason = infer_column("c", cells)
    assert found.type == "date" and "as '01.03.2015' and '2016-01-01'" in reason
    # What may be another day is no second way.
    twofold = pd.Series([*(f"2016-01-{day:02d}" for day in range(1, 29)), "03/04/2016"], dtype=object)
    assert infer_column("c", twofold)[0].spelling.missing == ("03/04/2016",)


def test_a_number_that_no_network_could_take_is_read_as_missing() -> None:
    """The contract would refuse it in the very table that it was made from."""
    cells = pd.Series([str(value) for value in range(100, 200)] + ["inf", "1e999"], dtype=object)
    column, _ = infer_column("x", cells)
    assert column.type == "number" and set(column.spelling.missing) == {"inf", "1e999"}


@pytest.mark.parametrize("gap", [[], [None]], ids=["constant", "or nothing"])
def test_a_long_cell_is_told_by_its_beginning(gap: list[None]) -> None:
    _, reason = infer_column("remark", pd.Series(["word " * 900] * 20 + gap, dtype=object))
    assert "'word word word word word word word wo...'" in reason and len(reason) < 80


@pytest.mark.parametrize("name", ["u{}", "shop_{}"])
def test_a_number_behind_a_word_that_never_varies_is_a_name_where_it_repeats(name: str) -> None:
    few = pd.Series([name.format(row % 40) for row in range(199)], dtype=object)
    assert infer_column("x", few)[0].type == "code"
    found, reason = infer_column("x", pd.Series([*few, name.format(39)], dtype=object))
    assert found.type == "category" and reason.startswith("high-cardinality, 40 words")
    two = pd.Series([f"{'AB'[row % 2]}{row % 40}" for row in range(400)], dtype=object)
    assert infer_column("x", two)[0].type == "code"


@pytest.mark.parametrize("sign", ["|", ", ", ";"])
def test_lists_of_few_words_are_learned_word_by_word(sign: str) -> None:
    kinds = ["Action", "Comedy", "Drama", "Horror", "Sci-Fi", "War"]
    some = [sign.join(kind for place, kind in enumerate(kinds) if row >> place & 1) for row in range(1, 64)]
    found, reason = infer_column("kinds", pd.Series(some * 3, dtype=object))
    assert found.type == "text" and reason.startswith("lists, as 'Action")
    towns = pd.Series(
        [f"town{row}{sign}state{row % 9}{f'{sign}north' * (row % 2)}" for row in range(60)] * 3, dtype=object
    )
    assert infer_column("town", towns)[0].type == "category"


def test_a_word_that_keeps_a_column_from_being_one_of_numbers_is_told() -> None:
    sizes = [str(n * 7 % 997) if n % 5 else "varies" for n in range(400)]
    found, reason = infer_column("size", pd.Series(sizes, dtype=object))
    assert found.type == "category"
    assert reason.endswith(
        "not as numbers, because of 'varies': write a number there, or nothing, to have them learned so"
    )
    areas = [f"{n} - {n + 99}" if n % 40 == 0 else str(n * 7 % 997) for n in range(400)]
    reason = infer_column("area", pd.Series(areas, dtype=object))[1]
    assert "; not as numbers, because of '0 - 99', '40 - 139', " in reason and "write a number there" in reason
    words = pd.Series([str(n) if n % 2 else f"word{n % 9}" for n in range(400)], dtype=object)
    assert "not as numbers" not in infer_column("size", words)[1]
    absent = pd.Series(["NA" if n % 5 else "pave" for n in range(400)], dtype=object)
    assert infer_column("alley", absent)[1] == "2 words"
