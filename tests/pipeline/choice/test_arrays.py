"""From the normalized arrays to what the networks draw from."""

from __future__ import annotations

import numpy as np
import pytest

from features.encoding.target import TargetScale
from pipeline.choice.arrays import Inputs, scaled_table, stacked


def test_each_embedded_column_has_its_own_stretch() -> None:
    codes = np.array([[0, 2, 0], [1, 0, 4]], np.int32)
    assert stacked(codes, np.array([2, 3, 5])).tolist() == [[0, 4, 5], [1, 2, 9]]
    assert stacked(np.zeros((3, 0), np.int32), np.zeros(0, np.int32)).shape == (3, 0)


@pytest.mark.parametrize(("task", "outputs"), [("binary", 1), ("multiclass", 3), ("regression", 1)])
def test_a_table_has_an_output_for_each_of_several_classes(task: str, outputs: int) -> None:
    scaled = scaled_table(
        task,
        values=np.zeros((2, 3, 1), np.float32),
        codes=np.zeros((3, 2), np.int32),
        sizes=np.array([2, 3]),
        target=np.array([0, 2, 1]),
        scale=TargetScale.unchanged(2),
        roles=np.zeros((3, 2), np.int8),
        inputs=Inputs(np.array(["age"]), np.array([""]), ("zscore",)),
    )
    assert (scaled.table.outputs, scaled.table.levels) == (outputs, 5)
    assert scaled.table.target.tolist() == [[0, 2, 1]] * 2


def test_a_target_far_from_zero_is_learned_in_units_of_its_scatter() -> None:
    target = 1.7e9 + np.array([-500.0, 0.0, 3.0, 500.0])
    scaled = scaled_table(
        "regression",
        values=np.zeros((1, 4, 1), np.float32),
        codes=np.zeros((4, 0), np.int32),
        sizes=np.zeros(0, np.int32),
        target=target,
        scale=TargetScale.fit("none", target, np.ones((4, 1), bool)),
        roles=np.zeros((4, 1), np.int8),
        inputs=Inputs(np.array(["age"]), np.array([""]), ("zscore",)),
    )
    learned = scaled.table.target[0]
    assert learned.dtype == np.float32
    assert learned == pytest.approx((target - target.mean()) / target.std(), abs=1e-6)


INPUTS = Inputs(
    np.array(["age", "title", "title", "title", "age", "title"]),
    np.array(["", "onehot", "onehot", "integer", "", "embedding"]),
    ("zscore", "robust"),
)


def test_a_search_is_offered_what_there_are_several_of() -> None:
    assert list(INPUTS.choices(True)) == ["encode.encoding", "normalize.method", "columns.age", "columns.title"]
    assert INPUTS.choices(False)["encode.encoding"] == ("onehot", "integer", "embedding")
    plain = Inputs(np.array(["age", "age"]), np.array(["", ""]), ("zscore",))
    assert plain.choices(True) == {}


def test_a_trials_choices_become_a_mask_and_a_copy() -> None:
    trial = {"depth": 2, "encode.encoding": "integer", "normalize.method": "robust", "columns.age": False}
    network = INPUTS.network({**trial, "columns.title": True})
    assert network.pop("columns").tolist() == [False, False, False, True, False, False]
    assert network == {"depth": 2, "scaling": 1}
    assert INPUTS.mask(["age", "title"], "embedding").tolist() == [True, False, False, False, True, True]
    plain = Inputs(np.array(["age", "fare"]), np.array(["", ""]), ("zscore",))
    assert plain.network({"depth": 2}) == {"depth": 2}
