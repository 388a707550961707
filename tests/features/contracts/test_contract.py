"""The contract: how a table gets its types by it, and what it finds wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.contracts.contract import Contract
from features.contracts.faults import ContractError
from features.contracts.words import together
from features.validation.checks import infinities
from pipeline.params import read_document
from tests.contracts import APART, MAPPING, changed, composed, grouped

ROOT = Path(__file__).resolve().parents[3]
CONTRACT = Contract.from_mapping(MAPPING, "c.yaml")


def table(**changes: list[str | None]) -> pd.DataFrame:
    cells: dict[str, list[str | None]] = {
        "id": ["1", "2", "3"],
        "y": ["0", "1", "0"],
        "x": ["0", "5", "10"],
        "c": ["1", "2", None],
        "t": ["a", None, "c"],
    }
    return pd.DataFrame(cells | changes, dtype=object)


def test_titanics_contract_declares_all_columns() -> None:
    contract = Contract.from_mapping(read_document(ROOT / "data" / "contracts" / "titanic.yaml"), "titanic.yaml")
    assert (contract.id, contract.target, len(contract.columns), len(contract.features)) == (
        "PassengerId",
        "Survived",
        12,
        10,
    )
    assert all(column.description for column in contract.columns)


def test_types_and_order() -> None:
    typed = CONTRACT.typed(table(c=["1.0", " 2 ", None])[["t", "c", "x", "y", "id"]], "f.csv", True)
    assert list(typed.columns) == ["id", "y", "x", "c", "t"]
    assert typed["x"].dtype == np.float64 and typed["x"].tolist() == [0.0, 5.0, 10.0]
    assert typed["c"].tolist()[:2] == ["1", "2"] and np.isnan(typed["c"][2])
    assert typed["id"].tolist() == ["1", "2", "3"] and typed["t"].dtype == object


def test_missing_words_are_missing_numbers_and_targets_but_may_be_categories() -> None:
    contract = Contract.from_mapping(changed("c", values=["NA", "b"]), "c.yaml")
    typed = contract.typed(table(x=["NaN", "n/a", None], c=["NA", "b", "NA"], y=["NaN", "1", "0"]), "f.csv", True)
    assert typed["x"].isna().all() and typed["c"].tolist() == ["NA", "b", "NA"] and np.isnan(typed["y"][0])


def test_words_of_the_contract_mean_an_empty_cell() -> None:
    mapping = changed("x", missing=["?", "Unknown"], nullable=True)
    for name in ("c", "t"):
        mapping["columns"][name] |= {"missing": ["?"], "nullable": True}
    contract = Contract.from_mapping(mapping, "c.yaml")
    typed = contract.typed(table(x=["?", " unknown ", "3"], c=["?", "1", "2"], t=["a?", "?", "b"]), "f.csv", True)
    assert typed.isna().sum().to_dict() == {"id": 0, "y": 0, "x": 2, "c": 1, "t": 1}
    assert Contract.from_mapping(contract.to_mapping(), "c.yaml") == contract
    with pytest.raises(ContractError, match=r"1 cell is text: '-' \(row 2\).* or name them under `missing`"):
        contract.typed(table(x=["-", "1", "2"]), "f.csv", True)


@pytest.mark.parametrize(
    ("frame", "with_target", "said"),
    [
        (table().drop(columns="x"), True, ["'x'", "missing", "Add it"]),
        (table(z=["1", "2", "3"]), True, ["'z'", "not in the contract", "'1' (row 2)"]),
        (table(), False, ["'y'", "holds the target", "'0' (row 2)"]),
        (table(x=["1", "two", "1_0"]), True, ["'x'", "2 cells are text", "'two' (row 3)", "'1_0' (row 4)", "0 to 10"]),
        (table(x=["1", "2,5", "3"]), True, ["'2,5' (row 3)", "decimal sign"]),
    ],
)
def test_what_cant_be_typed(frame: pd.DataFrame, with_target: bool, said: list[str]) -> None:
    with pytest.raises(ContractError) as caught:
        CONTRACT.typed(frame, "f.csv", with_target)
    message = str(caught.value)
    assert len(caught.value.faults) == 1 and len(message.splitlines()) <= 3 and message.startswith("f.csv")
    for words in said:
        assert words in message


def test_many_columns_too_few_or_too_many_are_told_in_a_line() -> None:
    columns = {"id": {"role": "id", "type": "text"}, "y": {"role": "target", "type": "number"}}
    columns |= {f"x{place}": {"role": "feature", "type": "number"} for place in range(20)}
    contract = Contract.from_mapping({"columns": columns}, "c.yaml")
    raw = pd.DataFrame([["1"] * 21], columns=[name for name in columns if name != "y"])
    with pytest.raises(ContractError) as caught:
        contract.typed(raw[["id", "x0"]], "f.csv", False)
    shown = "'x1', 'x2', 'x3', 'x4', 'x5', 'x6', 'x7', 'x8', ... (19 in all)"
    assert str(caught.value) == (
        f"f.csv: columns {shown} are missing in row 1, the header; expected the 21 columns of c.yaml. Add them, or "
        "give the file that has them."
    )
    with pytest.raises(ContractError, match="^f.csv: columns 'alpha', 'beta', 'gamma', 'delta' are not in the contrac"):
        contract.typed(raw.assign(alpha="1", beta="1", gamma="1", delta="1"), "f.csv", False)
    with pytest.raises(ContractError, match=r"'id': .*; expected the columns id, x0, .*, x6, \.\.\. \(21 in all\)\."):
        contract.typed(raw.drop(columns="id"), "f.csv", False)


@pytest.mark.parametrize(
    ("nullable", "cure"), [(True, "cells, leave them empty, or name"), (False, "cells, set `nullable: true` and leave")]
)
def test_cells_are_to_be_left_empty_only_where_they_may_be(nullable: bool, cure: str) -> None:
    contract = Contract.from_mapping(changed("x", nullable=nullable), "c.yaml")
    with pytest.raises(ContractError, match=cure):
        contract.typed(table(x=["1", "two", "3"]), "f.csv", True)


def test_what_numbers_with_signs_are_expected_to_be_is_told() -> None:
    contract = Contract.from_mapping(changed("x", thousands=",", suffix="won"), "c.yaml")
    with pytest.raises(ContractError) as caught:
        contract.typed(table(x=["1,234 won", "$1,234", "3"]), "f.csv", True)
    assert "'$1,234' (row 3); expected " in str(caught.value) and "decimal sign" not in str(caught.value)
    assert ", with 'won' behind them and commas between thousands. Correct the cells" in str(caught.value)


def test_text_in_a_column_of_numbers_that_is_ignored_is_missing() -> None:
    contract = Contract.from_mapping(changed("x", role="ignore"), "c.yaml")
    typed = contract.typed(table(x=["1", "two", "3"]), "f.csv", True)
    assert typed["x"].isna().tolist() == [False, True, False] and contract.faults(typed, "f.csv", True) == []


def faults(with_target: bool = True, **changes: list[str | None]) -> list[Any]:
    frame = table(**changes) if with_target else table(**changes).drop(columns="y")
    return CONTRACT.faults(CONTRACT.typed(frame, "f.csv", with_target), "f.csv", with_target)


@pytest.mark.parametrize(
    ("changes", "column", "values", "rows"),
    [
        ({"x": ["0", "11", "-1"]}, "x", ("11", "-1"), (3, 4)),
        ({"x": ["0", "0.5", "1"]}, "x", ("0.5",), (3,)),
        ({"x": ["0", None, "1"]}, "x", ("missing",), (3,)),
        ({"x": ["0", "12345678", "1"]}, "x", ("12345678",), (3,)),
        ({"c": ["1", "9", "2"]}, "c", ("'9'",), (3,)),
        ({"y": ["0", "2", "1"]}, "y", ("'2'",), (3,)),
        ({"y": ["0", None, "1"]}, "y", ("missing",), (3,)),
        ({"id": ["1", "1", "1"]}, "id", ("'1'", "'1'"), (3, 4)),
    ],
)
def test_faults(changes: dict[str, Any], column: str, values: tuple[str, ...], rows: tuple[int, ...]) -> None:
    (fault,) = faults(**changes)
    assert (fault.column, fault.values, fault.rows, fault.count) == (column, values, rows, len(rows))
    assert not fault.warning and "\n" not in str(fault) and "expected" in str(fault) and fault.cure in str(fault)


def test_the_words_of_an_order_are_all_that_are_allowed() -> None:
    contract = Contract.from_mapping(changed("c", values=None, order=["low", "high"]), "c.yaml")
    assert contract.column("c").values == ("low", "high")
    (fault,) = contract.faults(contract.typed(table(c=["low", "Low", None]), "f.csv", True), "f.csv", True)
    assert (fault.column, fault.rows) == ("c", (3,)) and "expected one of 'low', 'high'" in str(fault)
    assert "add it to `values`, or to `order` if it has a rank, in c.yaml" in str(fault)
    assert Contract.from_mapping(contract.to_mapping(), "c.yaml") == contract


def test_an_allowed_word_may_have_no_rank() -> None:
    contract = Contract.from_mapping(changed("c", values=["low", "high", "unknown"], order=["low", "high"]), "c.yaml")
    column = contract.column("c")
    assert (column.values, column.order) == (("low", "high", "unknown"), ("low", "high"))
    typed = contract.typed(table(c=["low", "unknown", None]), "f.csv", True)
    assert contract.faults(typed, "f.csv", True) == []
    assert Contract.from_mapping(contract.to_mapping(), "c.yaml") == contract


def test_a_sound_table_has_no_faults_and_infinities_are_left_to_the_checks() -> None:
    assert faults() == [] and faults(x=["inf", "1", "2"]) == []


def test_an_unknown_category_of_test_is_a_warning() -> None:
    (fault,) = faults(with_target=False, c=["9", "1", "1"])
    assert fault.warning and "unseen" in str(fault)


def test_only_the_first_values_are_shown() -> None:
    frame = pd.DataFrame({"id": map(str, range(9)), "y": "0", "x": "99", "c": "1", "t": "a"}, dtype=object)
    (fault,) = CONTRACT.faults(CONTRACT.typed(frame, "f.csv", True), "f.csv", True)
    assert fault.count == 9 and fault.rows == (2, 3, 4) and ", ..." in str(fault)


def test_one_column_may_keep_rows_together() -> None:
    contract = grouped()
    assert contract.grouping == "who" and contract.features == () and contract.column("who").nullable
    assert Contract.from_mapping(contract.to_mapping(), "f.yaml") == contract
    assert contract.without("who").grouping is None and len(contract.without("who").columns) == 2
    cells = [" a ", "b", "a", None, "NA", "5000.0", "5000", "007"]
    frame = pd.DataFrame({"id": list("12345678"), "y": ["1"] * 8, "who": cells}, dtype=object)
    typed = contract.typed(frame, "f.csv", True)
    assert contract.faults(typed, "f.csv", True) == []
    labels = together(typed["who"])
    assert labels[[0, 1, 2, 5, 6, 7]].tolist() == ["a", "b", "a", "5000", "5000", "007"]
    assert len(set(labels[[0, 1, 3, 4]])) == 4, "a row without a value is alone"


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("n.a.", r"1 cell is text: 'n.a.' \(row 3\).* Correct the cells or delete the rows\.$"),
        ("1,5", r"1 cell is text: '1,5' \(row 3\).* Write the decimal sign as a point, or say"),
        ("1e400", r"1 value is infinite .*inf \(row 3\).* Correct the cells or delete the rows\.$"),
    ],
)
def test_a_number_to_be_predicted_can_be_neither_empty_nor_a_category(cell: str, said: str) -> None:
    columns = {"id": {"role": "id", "type": "text"}, "y": {"role": "target", "type": "number"}}
    contract = Contract.from_mapping({"columns": columns}, "f.yaml")
    frame = pd.DataFrame({"id": ["1", "2"], "y": ["1", cell]}, dtype=object)
    with pytest.raises(ContractError, match=said):
        raise ContractError(infinities(contract, contract.typed(frame, "f.csv", True), "f.csv"))


PARTS = Contract.from_mapping(APART, "c.yaml")


def ship(**changes: list[str | None]) -> pd.DataFrame:
    cells: dict[str, list[str | None]] = {"id": ["07_1", "07_2", "8_1"], "y": ["0", "1", "0"]}
    return pd.DataFrame(cells | {"cabin": ["B/12/P", None, "none"]} | changes, dtype=object)


def test_parts_are_columns_with_rules_of_their_own() -> None:
    assert Contract.from_mapping(PARTS.to_mapping(), "c.yaml") == PARTS
    typed = PARTS.typed(ship(), "f.csv", True)
    assert typed.columns.tolist() == list(APART["columns"])
    assert typed["who"].tolist() == ["07", "07", "8"] and typed["number"].tolist() == [1.0, 2.0, 1.0]
    assert typed["place"].iloc[0] == 12 and typed[["deck", "place", "side"]].iloc[1:].isna().all(axis=None)
    assert PARTS.faults(typed, "f.csv", True) == []
    odd = PARTS.typed(ship(cabin=["B/120/Q", "B//P", None]), "f.csv", True)
    assert [str(fault) for fault in PARTS.faults(odd, "f.csv", True)] == [
        "f.csv: column 'side': 1 value is not allowed: 'Q' (row 2); expected one of 'P', 'S'. Correct the cells, or "
        "add the value to `values` in c.yaml.",
        "f.csv: column 'place': 1 value is out of range: 120 (row 2); expected a number, 99 or less. Correct the "
        "cells, or widen the rule in c.yaml.",
    ]
    rows = PARTS.typed(ship().drop(columns="y").iloc[:1], "f.csv", False)
    pd.testing.assert_frame_equal(rows, typed.drop(columns="y").iloc[:1])


@pytest.mark.parametrize("with_target", [True, False])
def test_a_cell_of_another_form_names_itself(with_target: bool) -> None:
    table = ship(id=["07_1", "072", "8_1"], cabin=["B12P", "B/12/P/7", "B/12/P"])
    table = table if with_target else table.drop(columns="y")
    with pytest.raises(ContractError) as raised:
        PARTS.typed(table, "f.csv", with_target)
    assert str(raised.value).splitlines() == [
        "f.csv: column 'id': 1 cell can't be taken apart: '072' (row 3); expected 2 parts, '_' between them. "
        "Correct the cells, or delete `separator`, `parts` and the parts' own entries, for it in c.yaml.",
        "f.csv: column 'cabin': 2 cells can't be taken apart: 'B12P' (row 2), 'B/12/P/7' (row 3); expected 3 parts, "
        "'/' between them. Correct the cells, leave them empty, or name them under `missing`, for it in c.yaml.",
    ]
    with pytest.raises(ContractError, match=r"column 'place': 1 cell is text: 'x' \(row 2\)"):
        PARTS.typed(ship(cabin=["B/x/P", None, None]), "f.csv", True)


def test_an_unseen_category_of_another_form_has_no_parts() -> None:
    """As in later rows, where an unseen category is told and encoded as such; not where a part may not be missing."""
    rules = {"role": "feature", "type": "category", "values": ["B/12/P", "C/7/S"]}
    mapping, table = composed("cabin", **rules), ship(cabin=["C/7/S", "crew", "C/x/S"])
    contract = Contract.from_mapping(mapping, "c.yaml")
    typed = contract.typed(table.drop(columns="y"), "new.csv", False)
    assert typed["cabin"].tolist()[:2] == ["C/7/S", "crew"] and typed["place"].iloc[0] == 7
    assert typed[["deck", "place", "side"]].iloc[1].isna().all()
    assert typed["deck"].iloc[2] == "C" and np.isnan(typed["place"].iloc[2])
    assert [str(fault) for fault in contract.faults(typed, "new.csv", False)] == [
        "new.csv: column 'cabin': 2 values are not allowed: 'crew' (row 3), 'C/x/S' (row 4); expected one of 'B/12/P', "
        "'C/7/S'. They are encoded as unseen.",
        "new.csv: column 'cabin': 1 cell can't be taken apart: 'crew' (row 3); expected 3 parts, '/' between them. "
        "Their parts count as missing.",
        "new.csv: column 'place': 1 cell is text: 'x' (row 4); expected a number, 99 or less. They count as missing.",
    ]
    assert all(fault.warning for fault in contract.faults(typed, "new.csv", False))
    with pytest.raises(ContractError, match="column 'cabin': 1 cell can't be taken apart: 'crew'"):
        contract.typed(table, "train.csv", True)
    mapping["columns"]["place"] = {"role": "feature", "type": "number", "nullable": False}
    with pytest.raises(ContractError, match="column 'cabin': 1 cell can't be taken apart: 'crew'"):
        Contract.from_mapping(mapping, "c.yaml").typed(table.drop(columns="y"), "new.csv", False)


def test_a_group_that_is_not_asked_for_needs_no_form() -> None:
    """Of rows to predict; unless a network sees another part."""
    table = ship(id=["7", "8", "9"]).drop(columns="y")
    with pytest.raises(ContractError, match="column 'id': 3 cells can't be taken apart"):
        PARTS.without("who").typed(table, "new.csv", False)
    unseen = Contract.from_mapping(composed("number", role="ignore"), "c.yaml")
    typed = unseen.without("who").typed(table, "new.csv", False)
    assert typed["id"].tolist() == ["7", "8", "9"] and "who" not in typed
    with pytest.raises(ContractError, match="column 'id': 3 cells can't be taken apart"):
        unseen.typed(table, "test.csv", False)


def test_no_file_holds_a_part() -> None:
    assert [column.name for column in PARTS.file_columns(True)] == ["id", "y", "cabin"]
    with pytest.raises(ContractError, match=r"'deck': by the contract it is no column of the file, but a part of 'cab"):
        PARTS.typed(ship(deck=["A", "B", "C"]), "f.csv", True)
    with pytest.raises(ContractError, match=r"'cabin': the column is missing in row 1, the header; expected the col"):
        PARTS.typed(ship().drop(columns="cabin"), "f.csv", True)


def test_a_part_may_have_parts() -> None:
    mapping = composed("deck", separator="-", parts=["floor", "wing"])
    mapping["columns"] = {"floor": {"role": "feature", "type": "number"}} | mapping["columns"]
    mapping["columns"]["wing"] = {"role": "feature", "type": "text"}
    typed = Contract.from_mapping(mapping, "c.yaml").typed(ship(cabin=["3-E/12/P", None, None]), "f.csv", True)
    assert typed[["floor", "wing", "deck"]].iloc[0].tolist() == [3.0, "E", "3-E"]
    with pytest.raises(ContractError, match=r"column 'deck': 1 cell can't be taken apart: 'B' \(row 2\)"):
        Contract.from_mapping(mapping, "c.yaml").typed(ship(), "f.csv", True)
