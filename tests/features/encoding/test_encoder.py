"""The encoder's state: it goes through JSON, and gives any row, even alone, what the stages gave it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features import synthetic
from features.contracts.contract import Contract
from features.contracts.tables import parse_table
from features.encoding import encoder
from features.encoding.normalization import learn
from features.errors import UserError
from pipeline.params import read_document

ROOT = Path(__file__).resolve().parents[3]
CONTRACT = Contract.from_mapping(read_document(ROOT / "data" / "contracts" / "titanic.yaml"), "titanic.yaml")
LABELLED = 150
Fitted = tuple[pd.DataFrame, dict[str, Any], encoder.Encoded, list[np.ndarray], list[dict[str, Any]]]


def read(frame: pd.DataFrame, with_target: bool) -> pd.DataFrame:
    table = parse_table(frame.to_csv(index=False).encode(), "generated.csv")
    return CONTRACT.typed(table, "generated.csv", with_target)


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    """The frame of train and test, the state after JSON, and what the stages make of all rows in two folds."""
    train, test, _ = synthetic.titanic(LABELLED, 60, 5)
    labelled = read(train, True)
    target = labelled["Survived"].to_numpy(float)
    frame = pd.concat([labelled.drop(columns="Survived"), read(test, False)], ignore_index=True)
    state, encoded = encoder.fit(
        frame, LABELLED, CONTRACT, "titanic", {}, 2,
        defaults=["onehot"], exceptions={"Title": "embedding"}, min_count=5, missing_indicators=True,
    )  # fmt: skip
    state["folds"], inputs, maps = [], [], []
    for fold in range(2):
        known = np.arange(fold, LABELLED, 2)
        learned, values = encoder.learn(encoded, state, target, known)
        state["folds"].append(learned)
        every = np.concatenate([encoded.shared, values], axis=1).astype(np.float64)
        affine = learn("robust", every[known], np.zeros(every.shape[1], bool))
        maps.append({name: value.tolist() for name, value in affine.to_mapping().items()})
        inputs.append(affine.apply(every))
    return frame, json.loads(json.dumps(state, allow_nan=False)), encoded, inputs, json.loads(json.dumps(maps))


def test_test_rows_together_or_alone_are_the_stages_rows(fitted: Fitted) -> None:
    frame, state, encoded, inputs, maps = fitted
    normalization = {"method": ["robust"], "folds": maps}
    places = [slice(LABELLED, len(frame)), *(slice(row, row + 1) for row in range(LABELLED, len(frame)))]
    for place in places:
        rows = encoder.transform(frame.iloc[place].reset_index(drop=True), state)
        assert rows.shared.tobytes() == encoded.shared[place].tobytes()
        assert rows.codes.tobytes() == encoded.codes[place].tobytes()
        for fold in range(2):
            found = encoder.inputs_of_rows(rows, state, normalization, fold)
            assert found.tobytes() == inputs[fold][place].tobytes()


def test_no_row_at_all(fitted: Fitted) -> None:
    frame, state, encoded, _, maps = fitted
    rows = encoder.transform(frame.iloc[:0], state)
    assert rows.shared.shape == (0, encoded.shared.shape[1]) and rows.codes.shape == (0, 1)
    width = len(maps[0]["fill"])
    assert encoder.inputs_of_rows(rows, state, {"method": ["robust"], "folds": maps}, 0).shape == (0, width)


def test_a_stranger_has_no_party_and_a_friend_of_the_dead_sees_them(fitted: Fitted) -> None:
    frame, state, _, _, maps = fitted
    stranger = frame.iloc[[0]].assign(Name="Nobody, Mr. N", Ticket="none like it", SibSp=0.0, Parch=0.0)
    rows = encoder.transform(stranger, state)
    assert not encoder.recall(rows, state, 0)[:, 2:].any()
    assert np.isfinite(encoder.inputs_of_rows(rows, state, {"method": ["robust"], "folds": maps}, 0)).all()
    mate = stranger.assign(Ticket=frame["Ticket"][0])
    assert encoder.recall(encoder.transform(mate, state), state, 0)[:, 2:].any()


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("size", {}, "'size' has type 'number' in c.yaml. Expected a category, .* Categories here: colour, shop.$"),
        ("id", {}, "'id' has role 'id' in c.yaml. Expected"),
        ("colours", {}, r"there is no column 'colours'; did you mean 'colour'\? Expected"),
        ("zip", {}, "there is no column 'zip'. Expected"),
        ("shop", {"shop": False}, "no category is made of 'shop'; it may be switched off in encode.features. Expected"),
        ("shop", {"shop": False, "colour": False}, "no category .* This table has none; delete the entry.$"),
    ],
)
def test_an_encoding_chosen_for_what_is_no_category(name: str, given: dict[str, bool], said: str) -> None:
    kinds = {"size": "number", "colour": "category", "shop": "category"}
    columns = {"id": {"role": "id", "type": "text"}, "y": {"role": "target", "type": "number"}}
    columns |= {column: {"role": "feature", "type": kind} for column, kind in kinds.items()}
    contract = Contract.from_mapping({"columns": columns}, "c.yaml")
    frame = pd.DataFrame({"id": ["1", "2"], "size": [1.0, 2.0], "colour": ["a", "b"], "shop": ["c", "d"]})
    with pytest.raises(UserError, match=f"^p.yaml: competitions.x.encode.columns: {said}"):
        encoder.fit(
            frame, 2, contract, "plain", given, 0,
            defaults=["onehot"], exceptions={name: "integer"}, min_count=1, missing_indicators=True,
            place="p.yaml: competitions.x.encode",
        )  # fmt: skip


def test_a_switch_that_names_nothing_is_told_with_its_place_and_all_names() -> None:
    """Columns made of others, which the module does not know, are among them."""
    columns = {"id": {"role": "id", "type": "text"}, "y": {"role": "target", "type": "number"}}
    contract = Contract.from_mapping({"columns": columns | {"size": {"role": "feature", "type": "number"}}}, "c.yaml")
    frame = pd.DataFrame({"id": ["1", "2"], "size": [1.0, 2.0]})
    said = r"unknown feature group 'Areas'; did you mean 'Area'\? Known: size, Area.$"
    with pytest.raises(UserError, match=f"^p.yaml: competitions.x.encode.features: {said}"):
        encoder.fit(
            frame, 2, contract, "plain", {"Areas": False}, 0,
            defaults=["onehot"], exceptions={}, min_count=1, missing_indicators=True, made={"Area": "size * 2"},
            place="p.yaml: competitions.x.encode",
        )  # fmt: skip
