"""Rows that are alike: what they are to a score, and how they are kept together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.contracts.contract import Contract
from features.encoding import duplicates

CONTRACT = Contract.from_mapping(
    {
        "columns": {
            "id": {"role": "id", "type": "text"},
            "y": {"role": "target", "type": "category"},
            "x": {"role": "feature", "type": "number", "nullable": True},
            "c": {"role": "feature", "type": "category", "nullable": True},
        }
    },
    "contract.yaml",
)


def frame(rows: int, seed: int, levels: int = 1000) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "id": np.arange(rows).astype(str),
            "x": rng.integers(0, levels, rows).astype(float),
            "c": rng.choice(["a", "b", "e"], rows),
            "y": rng.choice(["no", "yes"], rows),
        }
    )


def test_rows_copied_in_train_alone_flatter() -> None:
    train, test = frame(300, 0), frame(200, 1)
    copied = pd.concat([train, train.iloc[:60]], ignore_index=True)
    found = duplicates.find(CONTRACT, {}, copied, test)
    assert found.flattering and found.train == pytest.approx(0.39, abs=0.01) and found.test == 0.08
    assert not duplicates.find(CONTRACT, {}, train, test).flattering
    # One column is left out: rows that differ by it alone are alike to a network.
    numbered = copied.assign(c=np.arange(len(copied)).astype(str))
    assert not duplicates.find(CONTRACT, {}, numbered, test).flattering
    assert duplicates.find(CONTRACT, {"c": False}, numbered, test).flattering


@pytest.mark.parametrize("levels", [8, 60, 400])
def test_a_table_of_few_values_has_doubles_and_flatters_nothing(levels: int) -> None:
    """Train and test are of one kind, so their shares are; chance alone must hardly ever pass for more."""
    said = [
        duplicates.find(CONTRACT, {}, frame(300, seed, levels), frame(200, 1000 + seed, levels)) for seed in range(60)
    ]
    assert np.mean([one.train for one in said]) == pytest.approx(np.mean([one.test for one in said]), abs=0.02)
    assert sum(one.flattering for one in said) <= 1


def test_a_gap_is_like_a_gap_and_like_no_number() -> None:
    rows = pd.DataFrame({"x": [np.nan, np.nan, 0.0, 0.0, 0.0], "c": ["a", "a", "a", np.nan, np.nan]})
    label = duplicates.labels(CONTRACT, {}, rows)
    assert label[0] == label[1] and label[3] == label[4] and len(set(label.tolist())) == 3


def test_without_a_feature_each_row_is_its_own() -> None:
    label = duplicates.labels(CONTRACT, {"x": False, "c": False}, frame(4, 0))
    assert len(set(label.tolist())) == 4


@pytest.mark.parametrize(
    ("setting", "copied", "expected"),
    [("auto", True, True), ("auto", False, False), ("together", False, True), ("apart", True, False)],
)
def test_what_is_kept_together(setting: str, copied: bool, expected: bool) -> None:
    found = duplicates.Duplicates(np.zeros(2, int), np.zeros(1, int), 0.3, 0.0 if copied else 0.3, 0.01)
    assert duplicates.together(setting, found) == expected


def test_groups_and_doubles_are_one_group_where_they_meet() -> None:
    groups: Any = np.array(["p", "p", "q", "r", "s"])
    alike = np.array([0, 1, 2, 1, 4])
    assert duplicates.joined(groups, alike).tolist() == [0, 0, 1, 0, 2]
    assert duplicates.joined(None, alike).tolist() == alike.tolist()


def test_rows_beyond_the_labelled_stay_as_they_were() -> None:
    groups = duplicates.groups_with(None, np.array([7, 3, 7]), 5)
    assert groups[0] == groups[2] and len(set(groups.tolist())) == 4


def test_the_first_of_each_and_where_the_others_find_it() -> None:
    first, place = duplicates.first_of(np.array([5, 2, 5, 9, 2]))
    assert first.tolist() == [0, 1, 3] and place.tolist() == [0, 1, 0, 2, 1]


def test_rows_that_are_one_were_when_the_last_of_them_was() -> None:
    _, place = duplicates.first_of(np.array([5, 2, 5, 9, 2]))
    found = duplicates.latest(np.array([1.0, 7.0, 3.0, 2.0, -4.0]), place)
    assert found is not None and found.tolist() == [3.0, 7.0, 2.0]
    assert duplicates.latest(None, place) is None
