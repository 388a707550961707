"""Any table: every type of column through the encoder, labels kept out, the same row always the same bytes."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features import plain, synthetic
from features.contracts.contract import Column, Contract
from features.contracts.tables import parse_table
from features.encoding import encoder
from features.errors import UserError
from features.inference.column_types import infer_column
from features.inference.first_contract import infer

ROWS, TESTS = 200, 60


def read(frame: pd.DataFrame) -> pd.DataFrame:
    return parse_table(frame.to_csv(index=False).encode(), "generated.csv")


def tables(target: str) -> tuple[Contract, pd.DataFrame, pd.Series]:
    """Contract, in which the cabin is a code and has no parts, typed frame of train and test, typed target."""
    train, test = synthetic.mixed(ROWS, TESTS, 1)
    train = train.drop(columns=[name for name in ("cost", "level", "yes") if name != target])
    found = infer(read(train), read(test), None)
    contract = Contract(
        tuple(
            Column("cabin", "feature", "code", nullable=False) if column.name == "cabin" else column
            for column in found.contract.columns
            if column.name not in found.contract.part_of
        )
    )
    labelled = contract.typed(found.train, "train", True)
    rest = contract.typed(found.test, "test", False)
    return contract, pd.concat([labelled.drop(columns=target), rest], ignore_index=True), labelled[target]


def fitted(target: str, values: np.ndarray, classes: int) -> tuple[pd.DataFrame, dict[str, Any], Any, np.ndarray]:
    contract, frame, _ = tables(target)
    state, encoded = encoder.fit(
        frame, ROWS, contract, "plain", {}, classes,
        defaults=["onehot"], exceptions={}, min_count=4, missing_indicators=True,
    )  # fmt: skip
    learned, found = encoder.learn(encoded, state, values, np.arange(0, ROWS, 2))
    return frame, json.loads(json.dumps({**state, "folds": [learned]}, allow_nan=False)), encoded, found


@pytest.mark.parametrize(("target", "classes", "columns"), [("cost", 0, 1), ("yes", 2, 1), ("level", 4, 4)])
def test_test_rows_together_or_alone_are_the_stages_rows(target: str, classes: int, columns: int) -> None:
    values = np.random.default_rng(0).integers(0, max(classes, 5), ROWS).astype(float)
    frame, state, encoded, in_fold = fitted(target, values, classes)
    assert state["in_fold"][0].startswith("target by ") and len(state["in_fold"]) == in_fold.shape[1]
    assert in_fold.shape[1] % columns == 0 and in_fold.shape[1]
    places = [slice(ROWS, ROWS + TESTS), slice(ROWS, ROWS), *(slice(r, r + 1) for r in range(ROWS, ROWS + TESTS))]
    for place in places:
        rows = encoder.transform(frame.iloc[place].reset_index(drop=True), state)
        assert rows.shared.tobytes() == encoded.shared[place].tobytes()
        assert rows.codes.tobytes() == encoded.codes[place].tobytes()
        assert encoder.recall(rows, state, 0).tobytes() == in_fold[place].tobytes()


def test_each_form_of_column_is_there() -> None:
    frame, state, encoded, _ = fitted("cost", np.zeros(ROWS), 0)
    names = [column["name"] for column in state["columns"]]
    for name in ("number 0", "number 1 missing", "area", "colour=red", "open", "cabin 2", "cabin 1=A", "day month"):
        assert name in names
    assert "remark #0" in names and state["codes"] == ["shop"] and state["in_fold"] == ["target by shop"]
    assert not any("currency" in name or "token" in name for name in names)
    assert encoded.shared.shape == (ROWS + TESTS, len(names)) and encoded.codes.max() > 1


@pytest.mark.parametrize("outside", ["odd rows", "no label"])
def test_no_column_follows_a_label_outside_train(outside: str) -> None:
    values = np.random.default_rng(0).normal(size=ROWS)
    other = values.copy()
    other[1::2] = np.nan if outside == "no label" else other[1::2] + 9
    np.testing.assert_array_equal(fitted("cost", values, 0)[3], fitted("cost", other, 0)[3])


def test_a_state_from_before_columns_kept_rows_together_is_read() -> None:
    contract, frame, _ = tables("level")
    state = plain.fit(frame, contract, {}, 3)
    del state["together"]
    assert plain.derive(frame, state).groups is None


def test_rows_with_values_nobody_has_seen() -> None:
    frame, state, _, _ = fitted("cost", np.zeros(ROWS), 0)
    odd = frame.iloc[:1].assign(
        shop="new", colour="pink", cabin="?", day="soon", remark=np.nan, open="Maybe", area=1e30
    )
    rows = encoder.transform(odd, state)
    assert np.isfinite(encoder.recall(rows, state, 0)).all()
    assert rows.codes.min() >= 0 and not np.isinf(rows.shared).any()


def test_columns_can_be_switched_off() -> None:
    contract, frame, _ = tables("cost")
    state = plain.fit(frame, contract, {"remark": False}, 0)
    assert "remark" not in [column["name"] for column in state["columns"]]
    with pytest.raises(UserError, match="did you mean 'remark'"):
        plain.fit(frame, contract, {"remarc": False}, 0)


def test_a_part_never_replaces_another_column() -> None:
    rules = {"id": {"role": "id", "type": "text"}, "y": {"role": "target", "type": "number"}}
    rules |= {"sale year": {"role": "feature", "type": "number"}, "sale": {"role": "feature", "type": "date"}}
    contract = Contract.from_mapping({"columns": rules}, "contract.yaml")
    frame = pd.DataFrame({"sale year": [1.0, 2.0], "sale": ["2015-03-01", "2016-03-01"]})
    with pytest.raises(UserError, match=r"contract.yaml: columns 'sale year' and 'sale' both make a part 'sale year'"):
        plain.fit(frame, contract, {}, 0)
    assert plain.fit(frame, contract, {"sale year": False}, 0)["groups"]["sale year"] == "sale"


def test_an_embedded_columns_codes_end_where_the_next_begin() -> None:
    """Sizes come from the state, so a row met later never looks into another column's vectors."""
    _, state, encoded, _ = fitted("cost", np.zeros(ROWS), 0)
    (levels,) = (column["levels"] for column in state["categories"] if column["encoding"] == "embedding")
    assert state["levels"] == [len(levels) + 1] and encoded.codes.max() < state["levels"][0]


def test_every_input_is_made_from_a_column_of_the_table() -> None:
    contract, frame, _ = tables("cost")
    state = fitted("cost", np.zeros(ROWS), 0)[1]
    made, sources = encoder.inputs_made(state), plain.sources(state["features"])
    assert len(made) == len(state["groups"]) and {kind for _, kind in made} >= {"number", "onehot", "in_fold"}
    assert {sources[name][0] for name, _ in made} == {column.name for column in contract.features}
    told = {name: sources[name] for name, kind in made if kind == "in_fold"}
    assert told and all(name.removeprefix("target by ").startswith(maker) for name, (maker,) in told.items())
    assert plain.about(state["features"]) == {}


def test_a_part_belongs_to_its_column_or_to_the_contracts_group() -> None:
    contract, _, _ = tables("cost")
    _, state, encoded, in_fold = fitted("cost", np.zeros(ROWS), 0)
    inputs = [*(column["name"] for column in state["columns"]), *state["in_fold"], *state["codes"]]
    assert len(state["groups"]) == len(inputs) == encoded.shared.shape[1] + in_fold.shape[1] + encoded.codes.shape[1]
    group_of = dict(zip(inputs, state["groups"], strict=True))
    assert group_of["number 1 missing"] == "number 1" and group_of["cabin 2"] == group_of["cabin 1=A"] == "cabin"
    assert group_of["remark #0"] == "remark" and group_of["target by shop"] == group_of["shop"] == "shop"
    assert set(state["groups"]) == {column.name for column in contract.features}
    mapping = contract.to_mapping()
    mapping["columns"]["cabin"]["group"] = mapping["columns"]["shop"]["group"] = "place"
    grouped = Contract.from_mapping(mapping, "contract.yaml")
    assert grouped.to_mapping() == mapping
    belongs = plain.groups(plain.fit(tables("cost")[1], grouped, {}, 0))
    assert belongs["cabin 1"] == belongs["target by shop"] == "place" and belongs["area"] == "area"


@pytest.mark.parametrize("classes", [2, 3])
def test_a_number_called_like_a_target_statistic_keeps_its_group(classes: int) -> None:
    told = "target by c" if classes == 2 else "target by c of class 1"
    rules = {"id": {"role": "id", "type": "text"}, "y": {"role": "target", "type": "category"}}
    rules |= {told: {"role": "feature", "type": "number"}, "c": {"role": "feature", "type": "category"}}
    contract = Contract.from_mapping({"columns": rules}, "contract.yaml")
    frame = pd.DataFrame({told: np.arange(24.0), "c": [f"level {row % 12}" for row in range(24)]})
    state = plain.fit(frame, contract, {}, classes)
    groups = plain.groups(state)
    assert groups[told] == told and {groups[name] for name in plain.in_fold(state)} == {"c"}


@pytest.mark.parametrize("classes", [2, 12])
@pytest.mark.parametrize(("words", "rows"), [(6, 20), (10, 20), (11, 20), (30, 90), (31, 90)])
@pytest.mark.parametrize("gap", [False, True])
def test_what_new_says_of_a_category_is_what_becomes_of_it(words: int, rows: int, gap: bool, classes: int) -> None:
    cells = pd.Series([f"shop {row % words}" for row in range(rows)] + [None] * gap, dtype=object)
    column, reason = infer_column("c", cells, classes)
    others = Column("id", "id", "text"), Column("y", "target", "category")
    state = plain.fit(pd.DataFrame({"c": cells}), Contract((*others, column)), {}, classes)
    assert ("embedded" in reason) == (state["wide"] == ["c"]) == ("one-hot" not in reason)
    assert ("target statistics" in reason) == ("c" in state["levels"])


def test_a_categorys_order_is_an_input_of_rows_met_later_too() -> None:
    contract, frame, _ = tables("cost")
    mapping = contract.to_mapping()
    levels = mapping["columns"]["colour"]["values"]
    mapping["columns"]["colour"]["order"] = levels[::-1]
    ordered = Contract.from_mapping(mapping, "contract.yaml")
    state, encoded = encoder.fit(
        frame, ROWS, ordered, "plain", {}, 0,
        defaults=["onehot"], exceptions={}, min_count=4, missing_indicators=True,
    )  # fmt: skip
    names = [column["name"] for column in state["columns"]]
    place = names.index("colour rank")
    assert state["groups"][place] == "colour" and f"colour={levels[0]}" in names
    expected = frame["colour"].map({level: rank for rank, level in enumerate(levels[::-1])})
    np.testing.assert_array_equal(encoded.shared[:, place], expected.to_numpy(np.float32))
    later = encoder.transform(frame.iloc[ROWS : ROWS + 1], json.loads(json.dumps(state)))
    assert later.shared.tobytes() == encoded.shared[ROWS].tobytes()


@pytest.mark.parametrize(("role", "group"), [("ignore", "a"), ("feature", 3)])
def test_a_group_of_no_feature_is_refused(role: str, group: object) -> None:
    mapping = tables("cost")[0].to_mapping()
    mapping["columns"]["area"] |= {"group": group, "role": role}
    with pytest.raises(UserError, match=r"columns.area.group is .*expected a word, for a feature only"):
        Contract.from_mapping(mapping, "contract.yaml")


def test_the_statistics_of_a_row_learn_nothing_from_its_group() -> None:
    """A town for each customer: what it says of a row's target, only the customer's other rows could tell."""
    names = {"id": "id", "y": "target", "who": "group"}
    columns = {name: {"role": role, "type": "text"} for name, role in names.items()}
    columns |= {"town": {"role": "feature", "type": "category"}, "y": {"role": "target", "type": "number"}}
    contract = Contract.from_mapping({"columns": columns}, "c.yaml")
    who = np.repeat(np.arange(30), 4)
    frame = pd.DataFrame({"id": np.arange(120), "who": who.astype(str), "town": [f"town {one}" for one in who]})
    state = plain.fit(frame, contract, {}, 0)
    target, rows = np.random.default_rng(0).normal(size=30)[who], np.arange(120)
    spread = {}
    for grouped in (True, False):
        derived = plain.derive(frame if grouped else frame.drop(columns="who"), state)
        learned = plain.learn(derived, state, target, rows)
        found = plain.recall(derived, state, learned, target, rows)[:, 0]
        spread[grouped] = abs(float(np.corrcoef(found, target)[0, 1]))
    assert spread[True] < 0.5 and spread[False] > 0.9
