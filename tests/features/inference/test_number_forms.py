"""In which form a column's numbers are found to be written, and what its cells then spell."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from features.contracts.spelling import PLAIN, Spelling, numbers_of, plainly
from features.inference.first_contract import infer
from features.inference.number_forms import doubtful, find_spelling, left_open, shows_decimal_comma, units_of
from tests.tables import WORDS

DRAW = np.random.default_rng(3)
AGES = [str(n) for n in DRAW.integers(18, 90, 200)]
THOUSANDS = [f"{n:,}" for n in [640_718, 1192, 874, *DRAW.integers(300, 90_000, 197)]]
DECIMALS = [f"{n:.3f}" for n in [12.5, *DRAW.uniform(1, 90, 199)]]
COMMAS = [f"{n:.2f}".replace(".", ",") for n in DRAW.uniform(1, 90, 200)]


def series(*cells: str | None) -> pd.Series:
    return pd.Series(cells, dtype=object)


@pytest.mark.parametrize(
    ("cells", "commas", "numbers"),
    [
        (["0,125", "0,750"], False, ["0.125", "0.750"]),
        (["1,5", "n/a", "NaN", "2,25"], False, ["1.5", "n/a", "NaN", "2.25"]),
        (["1,5E-05", "2,5", "3e2", ",5"], False, ["1.5E-05", "2.5", "3e2", ".5"]),
        (["1,234.5", "n/a", "12"], False, ["1234.5", "n/a", "12"]),
        (["1,125", "2,500"], True, ["1.125", "2.500"]),
        (["1,125", "2,500"], False, ["1125", "2500"]),
        (["1,125,000", "2,500"], True, ["1125000", "2500"]),
        (["1.234,56", "-12.345.678", "n/a", "0,5"], True, ["1234.56", "-12345678", "n/a", "0.5"]),
        (["1.234,56", "999", None], False, ["1234.56", "999", None]),
        (["1.234", "1,234"], True, ["1234", "1.234"]),
        (["1.234", "1,234"], False, ["1.234", "1234"]),
        (["1.2,5", "2,5"], True, ["1.2,5", "2,5"]),
        (["1 234", "12 345 678", "7"], False, ["1234", "12345678", "7"]),
        (["1\u202f234,5", "1\u00a0234", "7"], False, ["1234.5", "1234", "7"]),
        (["\u22125.5", "2"], False, ["-5.5", "2"]),
        (["$1,234.50", "-$7", "$ 8", "9"], False, ["1234.50", "-7", "8", "$9"]),
        (["1.234,50 €", "7 €", "-0,5€"], False, ["1234.50", "7", "-0.5"]),
        (["12.50%", "7%", "?"], False, ["12.50", "7", "?"]),
        (["EUR 5", "EUR 6,5"], False, ["5", "6.5"]),
        (["1'234", "12\u2019345\u2019678.5", "7"], False, ["1234", "12345678.5", "7"]),
        (["5'11", "6'2"], False, ["5'11", "6'2"]),
        (["1,23,456", "12,34,56,789.5", "1,234", "7"], False, ["123456", "123456789.5", "1234", "7"]),
        (["1.234.567", "12.345", "853"], False, ["1234567", "12345", "853"]),
        (["192.168.100.200", "192.168.100.201"], False, ["192.168.100.200", "192.168.100.201"]),
        (["1,23,45", "1,23,456"], False, ["1,23,45", "1,23,456"]),
        (["+$5", "-$4", "$3"], False, ["5", "-4", "3"]),
        (["$(1,012.50)", "($3)", "$4,000"], False, ["-1012.50", "-3", "4000"]),
        (["+1,5", "(2,25)"], False, ["1.5", "-2.25"]),
        (["1,2", "1,3", "2,3", "1"], False, ["1,2", "1,3", "2,3", "1"]),
        (["1,2", "1,3", "2,3", "1"], True, ["1.2", "1.3", "2.3", "1"]),
        (["1,5", "2,5", "3,5", "4"], False, ["1.5", "2.5", "3.5", "4"]),
        (["1,2", "1,4", "1,6", "1,8", "1,9"], False, ["1.2", "1.4", "1.6", "1.8", "1.9"]),
        (["5 km/h", "6.5 km/h"], False, ["5", "6.5"]),
        (["1 day", "2 days", "30 days"], False, ["1", "2", "30"]),
        (["1 year", "2 Years"], False, ["1 year", "2 Years"]),
        (["5 m", "6 ms"], False, ["5 m", "6 ms"]),
        (["C85", "C7"], False, ["C85", "C7"]),
        (["INV-001", "INV-002"], False, ["INV-001", "INV-002"]),
        (["5-A", "6-A"], False, ["5-A", "6-A"]),
        (["01.03.2015", "02.03.2015"], True, ["01.03.2015", "02.03.2015"]),
    ],
)
def test_how_a_column_is_written(cells: list[str], commas: bool, numbers: list[str]) -> None:
    spelling = find_spelling([series(*cells)], commas)
    if cells[-1] == "9":
        # Without the sign that others have it is a number all the same; there are enough with it.
        assert spelling == PLAIN
        spelling = find_spelling([series(*cells[:-1] * 9, "9")])
        numbers = [*numbers[:-1], "9"]
    found = plainly(series(*cells), spelling)
    assert found.tolist() == (numbers if spelling != PLAIN else cells)
    read, _ = numbers_of(series(*cells), spelling)
    for text, value in zip(numbers, read, strict=True):
        assert value == pytest.approx(numbers_of(series(text))[0][0], nan_ok=True)


@pytest.mark.parametrize(
    ("train", "test", "first", "second"),
    [
        (["1,125", "12,5"], ["1,125", "2,500"], [1.125, 12.5], [1.125, 2.5]),
        (["1,125", "2,500"], ["0,5"], [1.125, 2.5], [0.5]),
        (["1,125", "1,234,567"], ["1,125"], [1125, 1234567], [1125]),
        (["1.125", "2.5"], ["2,5"], [1.125, 2.5], [2.5]),
        (["1.234,56", "2,5"], ["2,5"], [1234.56, 2.5], [2.5]),
        (["1.234,56", "2,5"], ["1.234", "12"], [1234.56, 2.5], [1234, 12]),
        (["1.234,56", "2,5"], ["1.5", "12"], [1234.56, 2.5], [math.nan, 12]),
        (["1.234,56", "2,5"], ["12", "7"], [1234.56, 2.5], [12, 7]),
        (["1,5", "2,5"], ["1.234", "12"], [1.5, 2.5], [1.234, 12]),
    ],
)
def test_train_and_test_have_one_comma(
    train: list[str], test: list[str], first: list[float], second: list[float]
) -> None:
    spelling = find_spelling([series(*train), series(*test)])
    assert numbers_of(series(*train), spelling)[0].tolist() == first
    np.testing.assert_array_equal(numbers_of(series(*test), spelling)[0], second)
    for cell, value in zip([*train, *test], [*first, *second], strict=True):
        assert spelling.number(cell) == pytest.approx(value, nan_ok=True), "each alone as among others"


def test_points_stand_between_thousands_where_commas_are_the_decimal_sign() -> None:
    amounts, prices = series("6.048", "853", "12.500", "?"), series("12,50", "7,5")
    assert find_spelling([amounts]) == PLAIN and shows_decimal_comma([prices], find_spelling([prices]))
    assert not shows_decimal_comma([series("1,125")], find_spelling([series("1,125")], commas=True))
    spelling = find_spelling([amounts], commas=True, points=True)
    assert numbers_of(amounts, spelling)[0].tolist()[:3] == [6048, 853, 12500]
    # Decimals, numbers of four digits beside them, or a group that begins with 0.
    for cells in (("6.04", "853"), ("6.048", "1853"), ("0.048", "6.125")):
        assert find_spelling([series(*cells)], commas=True, points=True) == PLAIN


def test_a_file_that_leaves_the_sign_open_is_not_guessed() -> None:
    assert left_open(series("7", None, "24,640"), PLAIN) == (PLAIN, 2)
    for beside in ("24,37", "1,024,640", "52000"):  # whatever stands beside it
        assert left_open(series("24,640", beside), PLAIN) == (PLAIN, 0)
    assert left_open(series("24,37", "7"), PLAIN)[0].number("24,37") == 24.37
    assert left_open(series("1,024,640", "7"), PLAIN)[0].number("1,024,640") == 1024640
    kept = Spelling(thousands=",")
    assert left_open(series("24,640"), kept) == (kept, None) and kept.number("24,640") == 24640
    assert left_open(series("24.640", "n/a"), PLAIN) == (PLAIN, None)
    assert math.isnan(kept.number("24,37")), "no number of this form"


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["$1,200.50", "$-", "$(12.00)", " $ -   "] * 9, [1200.5, 0.0, -12.0, 0.0]),
        (["1.200,50 €", "-   €", "-3,00 €", "5,25 €"] * 9, [1200.5, 0.0, -3.0, 5.25]),
        (["12", "-", "14", "15"] * 9, [12.0, math.nan, 14.0, 15.0]),
    ],
)
def test_a_currency_and_a_dash_are_nothing(cells: list[str], numbers: list[float]) -> None:
    column = pd.Series(cells)
    np.testing.assert_array_equal(numbers_of(column, find_spelling([column]))[0][:4], numbers)


def test_units() -> None:
    assert units_of(series(*["5.1 kg", "300 g", "2 kg"])) == ["kg", "g"]
    assert units_of(series("5", "6")) == units_of(series("red", "5 kg")) == []
    with_missing = Spelling(missing=("Unknown",), suffix="%")
    found, wrong = numbers_of(series("5%", "unknown", "x", None), with_missing)
    assert np.isnan(found[1:]).all() and found[0] == 5 and wrong.tolist() == [False, False, True, False]


def test_thousands_that_only_some_cells_have_are_thousands() -> None:
    """Read with decimal commas, half of the cells would be a thousandth of the others."""
    mixed = series(*["45,000", "52000", "61,500", "48000", "75,250"] * 10)
    spelling = find_spelling([mixed])
    assert [spelling.number(cell) for cell in mixed[:3]] == [45000, 52000, 61500]
    assert doubtful([mixed], spelling, False) == ("45,000", "45000", "45.000")
    money = series(*["$1,234.50", "$1234.50", "$950"] * 10)
    spelling = find_spelling([money])
    assert [spelling.number(cell) for cell in money[:3]] == [1234.5, 1234.5, 950]
    assert doubtful([money], spelling, False) is None
    # Where semicolons divide the cells the comma is more likely the decimal sign, and that is told.
    spelling = find_spelling([mixed], commas=True)
    assert spelling.number("45,000") == 45 and doubtful([mixed], spelling, False) is not None


def test_a_decimal_comma_beside_large_whole_numbers_is_one() -> None:
    spelling = find_spelling([series("12,5", "1500", "7,25")])
    assert spelling.number("12,5") == 12.5 and spelling.number("1500") == 1500


def read_as(commas: bool = False, **cells: list[str]) -> tuple[pd.DataFrame, str]:
    """The first rows of a table with these columns as they are read, and all that is said of it."""
    count = len(next(iter(cells.values())))
    whole = pd.DataFrame({"key": [str(900 + n) for n in range(count)]} | cells, dtype=object)
    train, test = whole[: count - 20].reset_index(drop=True), whole[count - 20 :].reset_index(drop=True)
    train = train if "y" in cells else train.assign(y=WORDS[: len(train)] + ["a"] * (len(train) - 60))
    found = infer(train, test.drop(columns="y", errors="ignore"), None, commas=commas)
    return found.contract.typed(found.train, "train.csv", True), "\n".join([*found.reasons.values(), *found.notes])


@pytest.mark.parametrize("slip", ["3,5", "2,3"])
def test_one_decimal_comma_does_not_tell_how_other_columns_are_written(slip: str) -> None:
    typed, said = read_as(age=[slip, *AGES[1:]], price=THOUSANDS, weight=DECIMALS, y=THOUSANDS)
    assert typed["price"][:3].tolist() == typed["y"][:3].tolist() == [640718, 1192, 874]
    assert typed["weight"][0] == 12.5
    assert f"age: {slip!r} is read as {slip.replace(',', '.')}; if that is wrong, correct the files" in said
    for commas in (False, True):
        typed, _ = read_as(commas, age=[slip, *AGES[1:]], price=THOUSANDS, weight=DECIMALS)
        assert typed["price"][:3].tolist() == [640718, 1192, 874] and typed["weight"][0] == 12.5
    # Nor does a column of them where commas divide the cells.
    typed, said = read_as(share=COMMAS, price=THOUSANDS, weight=DECIMALS)
    assert typed["price"][:3].tolist() == [640718, 1192, 874] and typed["weight"][0] == 12.5


def test_answers_with_a_comma_between_are_no_decimals() -> None:
    picked = [["2,3", "1", "1,2", "1,3", "3"][n] for n in DRAW.integers(0, 5, 200)]
    typed, said = read_as(multi=picked, income=THOUSANDS, weight=DECIMALS)
    assert set(typed["multi"]) == set(picked) and "decimal commas" not in said
    assert typed["income"][:3].tolist() == [640718, 1192, 874] and typed["weight"][0] == 12.5


def test_what_a_column_leaves_open_the_semicolons_or_both_signs_in_another_tell() -> None:
    amounts = ["6.048", "853"] * 100
    assert read_as(True, share=COMMAS, amount=amounts)[0]["amount"][:2].tolist() == [6048, 853]
    typed, said = read_as(share=COMMAS, amount=amounts)
    assert typed["amount"][:2].tolist() == [6.048, 853] and "amount: '6.048' is read as 6.048; if it is 6048" in said
    both = ["1.234,50", *COMMAS[1:]]
    typed, said = read_as(share=both, amount=amounts, price=THOUSANDS)
    assert typed["share"][0] == 1234.5 and typed["amount"][:2].tolist() == [6048, 853]
    assert typed["price"][:3].tolist() == [640718, 1192, 874], "no numbers of three decimals each but some with none"
    assert "amount: '6.048' is read as 6048; if it is 6.048, correct the files, or `decimal` and `thousands` in" in said
    # Another column has decimal points.
    plain = [f"{n:.1f}" for n in DRAW.uniform(1, 90, 200)]
    assert read_as(True, share=both, amount=amounts, area=plain)[0]["amount"][:2].tolist() == [6.048, 853]
    open_, three = [f"{n},125" for n in DRAW.integers(1, 99, 200)], [f"{n}.5" for n in range(200)]
    assert read_as(True, open_=open_)[0]["open_"][0] == float(open_[0].replace(",", "."))
    typed, said = read_as(True, open_=open_, three=three)
    assert typed["open_"][0] == float(open_[0].replace(",", ""))
    assert f"open_: {open_[0]!r} is read as {open_[0].replace(',', '')}; if it is {open_[0].replace(',', '.')}" in said


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1,23,45#.5", "12 34#"], "category"), (["1'23#", "1.23#,5"], "category"), (["12.#", "1.234,#"], "code"),
    ],
)  # fmt: skip
def test_numbers_in_several_ways_are_told(cells: list[str], kind: str) -> None:
    several = [cells[n % 2].replace("#", str(n % 9 + 1)).replace("1", str(n % 50 // 6 + 1)) for n in range(200)]
    _, said = read_as(x=several, z=AGES)
    assert f"x: read as {kind}, though the cells look like numbers, written in several ways ({several[0]!r})" in said
    _, said = read_as(x=[f"{n:x}" for n in DRAW.integers(16**3, 16**4, 200)], z=AGES)
    assert "look like numbers" not in said
    _, said = read_as(x=["V57" if n % 15 == 0 else f"{n / 10}" for n in range(200)], z=AGES)
    assert "not as numbers, because of" in said and "look like numbers" not in said


def test_two_whole_numbers_with_a_comma_between_are_told() -> None:
    pairs = [f"{a},{b}" for a, b in DRAW.integers(1, 99, (200, 2))]
    assert f"x: {pairs[0]!r} is read as {pairs[0].replace(',', '.')}; if that is wrong" in read_as(x=pairs)[1]
    for decimals in (COMMAS, [cell.rstrip("0").rstrip(",") for cell in COMMAS]):
        assert "if that is wrong" not in read_as(x=decimals)[1]


def test_a_comma_beside_blanks_between_thousands_is_told() -> None:
    several = [f"{n:,}".replace(",", " " if n % 2 else ",") for n in DRAW.integers(1000, 90_000, 200)]
    cell = next(cell for cell in several if "," in cell)
    assert f"x: '${cell}' is read as {cell.replace(',', '.')}; if" in read_as(x=[f"${cell}" for cell in several])[1]
    assert f"x: {cell!r} is read as {cell.replace(',', '.')}; if it is {cell.replace(',', '')}" in read_as(x=several)[1]
