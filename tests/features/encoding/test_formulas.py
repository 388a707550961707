"""Formulas: what they reckon, what they refuse, and that a row alone gives what it gives among others."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.contracts.contract import Contract
from features.encoding import encoder, formulas
from features.errors import UserError, quoted

COLUMNS: dict[str, dict[str, Any]] = {
    "Id": {"role": "id", "type": "category"},
    "Area": {"role": "feature", "type": "number"},
    "1stFloor": {"role": "feature", "type": "number"},
    "Quality": {"role": "feature", "type": "category", "values": ["Po", "Fa", "Gd"], "order": ["Po", "Fa", "Gd"]},
    "Zone": {"role": "feature", "type": "category"},
    "Class": {"role": "feature", "type": "category"},
    "Central": {"role": "feature", "type": "boolean", "values": ["N", "Y"]},
    "Built": {"role": "feature", "type": "date"},
    "Sold": {"role": "feature", "type": "date"},
    "Old": {"role": "ignore", "type": "number"},
    "Price": {"role": "target", "type": "number"},
}
CONTRACT = Contract.from_mapping({"columns": COLUMNS}, "contract.yaml")
nan = np.nan
FRAME = pd.DataFrame(
    {
        "Id": list("abcd"),
        "Area": [1.0, 4.0, nan, 0.0],
        "1stFloor": [2.0, 3.0, 5.0, -1.0],
        "Quality": ["Po", "Gd", nan, "Fa"],
        "Zone": ["RL", "RM", nan, "C (all)"],
        "Class": ["1", "3", nan, "2"],
        "Central": ["Y", "N", "Y", nan],
        "Built": ["2001-01-01", "1970-01-03", nan, "1999-12-31"],
        "Sold": ["2001-02-01", "1970-01-01", "2010-01-01", "2000-01-01"],
        "Old": [1.0, 2.0, 3.0, 4.0],
    }
)


def values(text: str, frame: pd.DataFrame = FRAME) -> list[float]:
    """What a formula gives before a skewed result becomes its logarithm."""
    states = formulas.fit(FRAME, CONTRACT, {"made": text}, "encode.formulas")
    return list(formulas.apply(frame, json.loads(json.dumps([{**states[0], "unit": None}])))["made"])


def error(text: str) -> str:
    with pytest.raises(UserError) as caught:
        formulas.fit(FRAME, CONTRACT, {"made": text}, "params.yaml: encode.formulas")
    message = str(caught.value)
    assert message.startswith(f"params.yaml: encode.formulas.made is {quoted(text, 200)}") and message.count("\n") <= 2
    return message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Area + 2 * `1stFloor` ** 2", [9, 22, nan, 2]),
        ("(Area - `1stFloor`) / Area", [-1, 0.25, nan, nan]),  # by 0: missing
        ("-Area % 3", [2, 2, nan, 0]),
        ("log(Area)", [0, np.log(4), nan, nan]),
        ("sqrt(`1stFloor`)", [np.sqrt(2), np.sqrt(3), np.sqrt(5), nan]),
        ("min(Area, `1stFloor`, 2)", [1, 2, nan, -1]),
        ("max(Area, `1stFloor`)", [2, 4, nan, 0]),
        ("fill(Area, -1)", [1, 4, -1, 0]),
        ("fill(Area, `1stFloor`)", [1, 4, 5, 0]),
        ("missing(Zone) + missing(Area * 1)", [0, 0, 2, 0]),
        ("abs(`1stFloor`) + floor(Area / 3)", [2, 4, nan, 1]),
        ("exp(log1p(Area))", [2, 5, nan, 1]),
        ("Area >= `1stFloor`", [0, 1, nan, 1]),
        ("Area != 4", [1, 0, nan, 1]),
        ("Zone == 'RL'", [1, 0, nan, 0]),
        ("Zone != 'RL'", [0, 1, nan, 1]),
        ("Zone in ('RM', 'C (all)')", [0, 1, nan, 1]),
        ("Zone not in ['RM', 'C (all)']", [1, 0, nan, 0]),
        ("Area > 0 and Zone == 'RL'", [1, 0, nan, 0]),
        ("Area == 0 or `1stFloor` == 3", [0, 1, nan, 1]),
        ("not Area", [0, 0, nan, 1]),
        ("Area and `1stFloor`", [1, 1, nan, 0]),
        ("Quality * 10", [0, 20, nan, 10]),
        ("Quality == 'Gd'", [0, 1, nan, 0]),
        ("Class * 2", [2, 6, nan, 4]),
        ("Class in ('1', '2')", [1, 0, nan, 1]),
        ("Central + 1", [2, 1, 2, nan]),
        ("Central == 'N'", [0, 1, 0, nan]),
        ("Sold - Built", [31, -2, nan, 1]),
        ("Sold", [11354, 0, 14610, 10957]),
        ("exp(1000 * Area) + `1stFloor`", [nan, nan, nan, 0]),  # beyond what 32 bits hold
    ],
)
def test_what_a_formula_reckons(text: str, expected: list[float]) -> None:
    np.testing.assert_allclose(values(text), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Area +", ["can't be read", "expected a formula"]),
        ("1stFloor + 1", ["can't be read", "between backticks"]),
        ("", ["can't be read"]),
        ("1 + 2", ["names no column"]),
        ("log(Area, 2)", ["log takes one argument, not 2"]),
        ("min(Area)", ["min takes two or more, not 1"]),
        ("ln(Area)", ["no function 'ln'"]),
        ("__import__('os').system('ls')", ["no part of a formula"]),
        ("Area.to_csv('x')", ["no part of a formula"]),
        ("open('x')", ["no function 'open'"]),
        ("[Area for _ in Zone]", ["no part of a formula"]),
        ("Area if Zone else 1", ["no part of a formula"]),
        ("lambda: Area", ["no part of a formula"]),
        ("Area & 1", ["no part of a formula"]),
        ("Area + True", ["True stands where a number"]),
        ("Area + 'x'", ["'x' stands where a number"]),
        ("0 < Area < 2", ["two comparisons", "`and`"]),
        ("Area + 1 == 'x'", ["'x' can only be compared with a column"]),
        ("log(x=Area)", ["no part of a formula"]),
        ("Arae * 2", ["no column 'Arae'", "did you mean 'Area'"]),
        ("Price * 2", ["'Price' has role 'target'", "contract.yaml"]),
        ("Old + 1", ["'Old' has role 'ignore'"]),
        ("Zone + 1", ["'Zone' holds words", "Zone == 'word'", "`order`"]),
        ("fill(Area, 0) * 0 + 3", ["gives 3 in every row"]),
        ("log(-abs(Area) - 1)", ["no number in any row"]),
        ("1" * 400 + " * Area", ["beyond the largest", "3.4e+38"]),
        ("Area + 100 * (Zone == 'RLL')", ["no cell of 'Zone' is 'RLL'", "did you mean 'RL'"]),
        ("Area + (Central in ('Y', 'yes'))", ["no cell of 'Central' is 'yes'", "Known: 'N', 'Y'."]),
        ("Area == '4'", ["'Area' holds numbers", "without quotes"]),
        ("(" * 300 + "Area" + ")" * 300, ["can't be read"]),
        ("`1stFloor`.sum + 1", ["'`1stFloor`.sum' is no part of a formula"]),
        ("높이 + Area", ["no column '높이'"]),
        (" + ".join(["Area"] * 602), ["more than 600 operations wait for one another", "in parentheses by tens"]),
        ("1 + Area * (" + "not " * 700 + "Area)", ["more than 600 operations"]),
        (" + ".join(["Area"] * 20_000), ["more than 600 operations"]),
    ],
)
def test_what_is_no_formula_is_refused_with_the_cure(text: str, words: list[str]) -> None:
    message = error(text).lower()
    for word in words:
        assert word.lower() in message


@pytest.mark.parametrize("name", ["높이", "µ", "ﬁt", "e\u0301te\u0301", "x²", "größe_1"])
def test_a_column_beyond_ascii_is_found_as_it_is_spelt(name: str) -> None:
    frame = FRAME.rename(columns={"Area": name})
    renamed = {name if column == "Area" else column: entry for column, entry in COLUMNS.items()}
    contract = Contract.from_mapping({"columns": renamed}, "contract.yaml")
    for text in (f"2*{name}+{name}", f"3 * `{name}`"):
        states = formulas.fit(frame, contract, {"made": text}, "encode.formulas")
        assert formulas.sources(states) == {"made": (name,)}
        np.testing.assert_array_equal(formulas.apply(frame, [{**states[0], "unit": None}])["made"], [3, 12, nan, 0])


def test_a_column_is_taken_once_however_often_and_however_it_is_spelt() -> None:
    assert formulas.parse("`Area` * `Area` + Area - Sold", "place").columns == ("Area", "Sold")


def test_long_sums_are_reckoned() -> None:
    assert values(" + ".join(["Area"] * 601)) == pytest.approx([601, 2404, nan, 0], nan_ok=True)
    tens = " + ".join(["(" + " + ".join(["Area"] * 10) + ")"] * 200)
    assert values(tens) == pytest.approx([2000, 8000, nan, 0], nan_ok=True)
    nested = "abs(Area + " * 190 + "Area" + ")" * 190
    assert values(nested) == pytest.approx([191, 764, nan, 0], nan_ok=True)


def test_a_row_alone_gives_what_it_gives_among_others_by_the_saved_state() -> None:
    texts = {"a": "Area * `1stFloor`", "b": "Sold - Built", "c": "Quality * Area", "d": "Central + (Zone == 'RL')"}
    states = json.loads(json.dumps(formulas.fit(FRAME, CONTRACT, texts, "place")))
    together = formulas.apply(FRAME, states)
    for row in range(len(FRAME)):
        alone = formulas.apply(FRAME.iloc[[row]].reset_index(drop=True), states)
        for name, cells in together.items():
            assert alone[name].tobytes() == cells[row : row + 1].tobytes()


def test_a_skewed_result_is_learned_as_its_logarithm() -> None:
    sizes = np.exp(np.random.default_rng(0).normal(0, 1.5, 200))
    frame = pd.DataFrame({**{name: [FRAME[name][0]] * 200 for name in FRAME}, "Area": sizes})
    states = formulas.fit(frame, CONTRACT, {"twice": "2 * Area"}, "place")
    unit = states[0]["unit"]
    assert unit == pytest.approx(2 * np.quantile(sizes, 0.05))
    np.testing.assert_allclose(formulas.apply(frame, states)["twice"], np.log1p(2 * sizes / unit))


def encoded(
    made: dict[str, str], switches: dict[str, bool], contract: Contract = CONTRACT
) -> tuple[dict[str, Any], encoder.Encoded]:
    return encoder.fit(
        FRAME, 3, contract, "plain", switches, 0,
        defaults=["onehot"], exceptions={}, min_count=1, missing_indicators=True, made=made,
    )  # fmt: skip


def test_a_formula_is_an_input_a_feature_group_and_in_the_dictionary() -> None:
    state, rows = encoded({"room": "Area * `1stFloor`"}, {"Area": False})
    names = [column["name"] for column in state["columns"]]
    assert "room" in names and "room missing" in names and "Area" not in names
    np.testing.assert_allclose(rows.shared[:, names.index("room")], [2, 12, nan, 0])
    assert dict(zip((name for name, _ in encoder.inputs_made(state)), state["groups"], strict=True))["room"] == "room"
    assert encoder.sources(state)["room"] == ("Area", "1stFloor")
    assert encoder.about(state) == {"room": "The formula Area * `1stFloor`."}
    again = encoder.transform(FRAME, json.loads(json.dumps(state)))
    assert again.shared.tobytes() == rows.shared.tobytes()


def test_a_formula_can_be_switched_off_and_needs_a_name_of_its_own() -> None:
    state, _ = encoded({"room": "Area * `1stFloor`"}, {"room": False})
    assert "room" not in [column["name"] for column in state["columns"]]
    with pytest.raises(UserError, match=r"encode.formulas.Area: the table has a column 'Area' already"):
        encoded({"Area": "Area * 2"}, {})


@pytest.mark.parametrize("name", ["Built", "Old", "Price"])
def test_a_formula_is_not_called_as_a_column_or_a_feature_group(name: str) -> None:
    """Else it would be judged with the column's parts, and the column's switch would be the formula's."""
    with pytest.raises(UserError, match=rf"encode.formulas.{name}: the table has a column '{name}' already"):
        encoded({name: "Area * 2"}, {})
    grouped = {**COLUMNS, "Area": {**COLUMNS["Area"], "group": "rooms"}}
    with pytest.raises(UserError, match=r"encode.formulas.rooms: the table has a column or feature group 'rooms'"):
        encoded({"rooms": "Area * 2"}, {}, Contract.from_mapping({"columns": grouped}, "contract.yaml"))


def test_a_column_that_only_a_formula_takes_is_seen() -> None:
    """Unless the formula itself is left out."""
    made = {"Area": "Ground + `Cellar floor`", "Age": "Built"}
    switches = {"Ground": False, "Built": False, "Age": False, "Rooms": False}
    expected = {**switches, "Ground": True, "Cellar floor": True}
    assert formulas.seen(switches, made, "params.yaml") == expected
