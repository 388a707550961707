"""What a contract's entries may say, and that they are written as they are read."""

from __future__ import annotations

from typing import Any

import pytest

from features.contracts.contract import Contract
from features.errors import UserError
from tests.contracts import MAPPING, changed, composed, grouped


def test_a_contract_survives_being_written() -> None:
    contract = Contract.from_mapping(MAPPING, "c.yaml")
    assert Contract.from_mapping(contract.to_mapping(), "c.yaml") == contract
    ordered = Contract.from_mapping(changed("c", values=["a", "b"], order=["b", "a"]), "c.yaml")
    assert ordered.column("c").order == ("b", "a")
    assert Contract.from_mapping(ordered.to_mapping(), "c.yaml") == ordered


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ({}, "columns is None"),
        ({"colums": {}}, "did you mean 'columns'"),
        (changed("x", minimun=0), "columns.x.minimun (did you mean 'minimum'?)"),
        (changed("x", role="featur"), "did you mean 'feature'"),
        (changed("x", type="float"), "expected one of number, boolean, category, code, date, text"),
        (changed("x", role="id", type="text", integer=False, minimum=None, maximum=None), "2 columns have role 'id'"),
        (changed("x", minimum=11), "above maximum"),
        (changed("x", maximum="ten"), "expected a finite number"),
        (changed("x", maximum=10**400), "expected a finite number"),
        (changed("x", nullable="no"), "expected true or false"),
        (changed("x", values=[1]), "only a category or boolean has values, and type is 'number'. Delete values."),
        (changed("c", values=[1, 1]), "each value once"),
        (changed("c", values=[True]), "quoted"),
        (changed("x", order=[1, 2]), "columns.x.order is 1, 2, but only a category has order, and type is 'num"),
        (changed("c", values=[]), "columns.c.values is []; expected a list of one word or more"),
        (changed("c", order=["low", "low"]), "columns.c.order is ['low', 'low']; expected each value once"),
        (changed("c", values=["a", "b"], order=["a", "c"]), "order holds 'c', which columns.c.values do not"),
        (changed("y", order=[0, 1]), "columns.y.order is ['0', '1'], but classes have no ranks; expected values"),
        (changed("c", type="boolean"), "columns.c.values are 3 words ('1', '2', '3'); expected two for a boolean"),
        (changed("x", minimum=12345679, maximum=12345678), "minimum is 12345679, above maximum (12345678)"),
        (changed("y", nullable=True), "can't be missing"),
        (changed("y", type="text", values=None), "regression"),
        (changed("id", unique=False), "names one row"),
        (changed("id", type="number"), "kept as it is spelt"),
        (changed("x", added=True), "columns.x.added is True (role 'feature'); expected it for an id only"),
        (changed("id", added="by new"), "columns.id.added is 'by new'; expected the number of a file's first row"),
        (changed("t", integer=True), "numbers only"),
        (changed("x", decimal=";"), "columns.x.decimal is ';'; expected one of '.', ','"),
        (changed("x", suffix="m2"), "columns.x.suffix is 'm2'"),
        (changed("x", thousands="."), "decimal and thousands are both '.'; expected signs that differ"),
        (
            changed("t", suffix="m2"),
            "columns.t.suffix is 'm2', but only numbers have it, and type is 'text'. Delete suffix",
        ),
        (changed("t", missing="?"), "columns.t.missing is '?'; expected a list of one word"),
        (changed("t", missing=["?", "?"]), "expected each value once"),
        (changed("t", missing=["?"], nullable=False), "the column may not be empty (feature, nullable: false)"),
        (changed("y", missing=["?"]), "the column may not be empty (target, nullable: false)"),
        ({"columns": {"x": 3}}, "expected role, type"),
    ],
)
def test_a_wrong_contract_is_refused(mapping: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError) as caught:
        Contract.from_mapping(mapping, "c.yaml")
    assert said in str(caught.value) and str(caught.value).startswith("c.yaml")


def test_an_empty_description_is_none() -> None:
    assert Contract.from_mapping(changed("x", description=None), "c.yaml").column("x").description == ""


def test_large_bounds_are_told_in_full() -> None:
    contract = Contract.from_mapping(changed("x", minimum=0.5, maximum=12345678, integer=False), "c.yaml")
    assert contract.column("x").expected == "a number from 0.5 to 12345678"


def test_an_id_may_be_one_that_new_added() -> None:
    contract = Contract.from_mapping(changed("id", added=True), "c.yaml")
    assert contract.column("id").added == 1 and Contract.from_mapping(contract.to_mapping(), "c.yaml") == contract
    assert Contract.from_mapping(MAPPING, "c.yaml").column("id").added is None
    assert Contract.from_mapping(changed("id", added=0), "c.yaml").to_mapping()["columns"]["id"]["added"] == 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"type": "number"}, "who.type is 'number', but what names a group of rows is a name"),
        ({"type": "category", "values": ["a"]}, "who.values is .*role 'group' takes any values.* Delete values"),
        ({"unique": True}, "who.unique is True, .* each in several rows. Delete unique"),
        ({"group": "others"}, "who.group is 'others'"),
    ],
)
def test_rules_that_a_group_of_rows_cannot_have(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        grouped(**changes)


def test_two_columns_that_keep_rows_together_are_refused() -> None:
    columns = grouped().to_mapping()["columns"]
    with pytest.raises(UserError, match=r"2 columns have role 'group' \(who, shop\); expected one at most"):
        Contract.from_mapping({"columns": columns | {"shop": {"role": "group", "type": "text"}}}, "f.yaml")


@pytest.mark.parametrize(
    ("column", "entry", "said"),
    [
        ("cabin", {"parts": ["deck"]}, "parts is ['deck']; expected two names or more, each once"),
        ("cabin", {"parts": ["deck", "deck", "side"]}, "expected two names or more, each once"),
        ("cabin", {"parts": None}, "parts is None; expected two names"),
        ("cabin", {"parts": ["deck", "plaice", "side"]}, "'plaice', which has no entry (did you mean 'place'?)"),
        ("cabin", {"parts": ["deck", "y", "side"]}, "holds 'y', which has role 'target'; expected feature, group or"),
        ("cabin", {"parts": ["who", "deck", "place"]}, "holds 'who', and so does columns.id; expected each part in"),
        ("cabin", {"parts": ["cabin", "deck", "place"]}, "columns.cabin.parts: it would be a part of itself"),
        ("deck", {"separator": "-", "parts": ["cabin", "number"]}, "holds 'number', and so does columns.id"),
        ("cabin", {"separator": ""}, "separator is ''; expected what stands between the parts, as '/'"),
        ("cabin", {"separator": 7}, "separator is 7; expected what stands between"),
        ("cabin", {"separator": ["/"]}, "separator is ['/'], 1 for 3 parts; expected 2, one for each place"),
        ("cabin", {"type": "number", "missing": None}, "(role 'ignore', type 'number'); expected it for text or a cat"),
        ("y", {"separator": "/", "parts": ["deck", "side"]}, "(role 'target', type 'category'); expected it for text"),
        ("id", {"added": 7}, "but the id is a number added to each row. Delete parts"),
    ],
)  # fmt: skip
def test_impossible_parts_are_refused(column: str, entry: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError) as raised:
        Contract.from_mapping(composed(column, **entry), "c.yaml")
    assert said in str(raised.value) and str(raised.value).startswith("c.yaml: columns.")
