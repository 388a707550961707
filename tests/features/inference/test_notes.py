"""What ``new`` tells of a column that may be read wrong."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from features.contracts.contract import Contract
from features.errors import UserError
from features.inference.column_types import infer_column
from features.inference.first_contract import infer
from features.inference.notes import told_far, told_twofold
from tests.tables import WORDS, table

SIZES = [f"{x:.3f}" for x in np.random.default_rng(0).normal(size=120)]


def test_what_is_read_as_missing_is_told_with_its_place() -> None:
    train, test = (
        table(WORDS, a=[*SIZES[:57], "?", "1", "?"], b=SIZES[:60]),
        table(["a", "b"], a=["2", "3"], b=["12o", "4"]),
    )
    test = test.drop(columns="y").assign(key=["901", "902"])
    found = infer(train, test, None)
    said = "\n".join(found.notes)
    assert "a: '?' (train, row 59 first; 2 of 62 cells) is read as missing; if it is not" in said
    assert (
        "b: '12o' (test, row 2; 1 of 62 cells) is no number, as nearly all others are, and read as" in said
        and "`missing` in the contract" in said
    )
    typed = found.contract.typed(found.test, "test.csv", False)
    assert np.isnan(typed["b"][0]) and found.contract.column("a").spelling.missing == ("?",)


def test_the_cure_of_what_is_read_as_missing_names_every_key_to_be_changed() -> None:
    weeks = [f"{n % 40 + 2} weeks" for n in range(59)]
    train, test = table(WORDS, w=[*weeks, "soon"]), table(["a", "b"], w=["2 weeks", "3 weeks"])
    found = infer(train, test.drop(columns="y").assign(key=["901", "902"]), None)
    assert any(note.endswith("or `type`, `suffix` and `missing` in the contract") for note in found.notes)
    mapping = found.contract.to_mapping()
    mapping["columns"]["w"]["type"] = "category"
    with pytest.raises(UserError, match=r"columns\.w\.suffix is 'weeks'.* Delete suffix"):
        Contract.from_mapping(mapping, "c.yaml")
    for key in ("suffix", "missing"):
        del mapping["columns"]["w"][key]
    Contract.from_mapping(mapping, "c.yaml")


def test_a_number_far_from_all_others_is_told() -> None:
    days = pd.Series([str(-n) for n in range(1, 400)] + ["365243"] * 60)
    column = infer_column("days", days)[0]
    (said,) = told_far(column, days)
    assert said.startswith("days: '365243' stands in 60 of 459 cells, far from all others (-399 to -1); ")
    assert "`missing: ['365243']`" in said
    assert not told_far(column, days[:401]), "twice only"
    assert not told_far(column, pd.Series([str(n) for n in range(500, 900)] + ["0"] * 60)), "nothing is no gap"
    assert not told_far(column, pd.Series([str(n % 7) for n in range(900)] + ["99"] * 60)), "few different ones"


def test_days_that_may_be_months_are_told() -> None:
    days = pd.Series([f"{1 + n % 9}/{1 + n % 7}/2014" for n in range(60)])
    column = infer_column("d", days)[0]
    assert told_twofold(column, days)[0].startswith("d: '8/1/2014' is read as 2014-01-08, and no cell tells whether it")
    assert not told_twofold(column, pd.concat([days, pd.Series(["1/31/2014"])]))
    marked = pd.concat([days, pd.Series(["?"])], ignore_index=True)
    assert told_twofold(infer_column("d", marked)[0], marked) == told_twofold(column, days)


def test_a_year_of_two_digits_that_may_be_of_another_century_is_told() -> None:
    """Births from 1929 on, and what ends from 2028 on."""
    for years, told in (
        (
            (43, 29, 31, 85, 99),
            "'24/06/29' is read as 2029-06-24, and no cell tells whether it is 1929-06-24; if it is",
        ),
        (
            (28, 29, 30, 31, 33),
            "'10/06/31' is read as 1931-06-10, and no cell tells whether it is 2031-06-10; if it is",
        ),
    ):
        days = pd.Series([f"{day:02}/06/{year:02}" for year in years for day in range(10, 25)])
        (said,) = told_twofold(infer_column("d", days)[0], days)
        assert said.startswith(f"d: {told}")
        assert not told_twofold(infer_column("d", days[15:30])[0], days[15:30])


def test_words_that_differ_in_capital_letters_alone_are_told() -> None:
    sex, code = ["male", "female"] * 30, ["ab", "cd", "Ab"] * 20
    train = table(WORDS, sex=sex, code=code)
    test = table(["a", "b"], sex=["Male", "Female"], code=["ab", "cd"]).drop(columns="y").assign(key=["901", "902"])
    notes = infer(train, test, None).notes
    assert "sex: 'Female' and 'female' are two words; if they are one, write them alike in the file" in notes
    assert not any(note.startswith("code:") for note in notes)
