"""Categories to numbers, with a rule for each level that is missing, rare or new."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from features.encoding.categories import apply, fit

SEEN = pd.DataFrame({"c": ["b", "a", "b", np.nan]}, dtype=object)
NEW = pd.DataFrame({"c": ["a", np.nan, "never seen"]}, dtype=object)


def encoded(encoding: str, min_count: int = 1, new: pd.DataFrame = NEW) -> tuple[np.ndarray, list[str], np.ndarray]:
    states = fit(SEEN, np.arange(4), [encoding], {}, min_count)
    columns, described, codes, _ = apply(json.loads(json.dumps(states)), new)
    return columns, [column["name"] for column in described], codes


def test_onehot_gives_a_new_level_zeros() -> None:
    columns, names, _ = encoded("onehot")
    assert names == ["c=a", "c=b", "c=(missing)"]
    assert columns.tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 0]] and columns.dtype == np.float32


def test_integer_gives_a_new_level_minus_one() -> None:
    columns, names, _ = encoded("integer")
    assert names == ["c"] and columns.tolist() == [[0], [2], [-1]]


def test_embedding_gives_a_new_level_code_nought() -> None:
    columns, _, codes = encoded("embedding")
    assert columns.shape == (3, 0) and codes.tolist() == [[1], [3], [0]] and codes.dtype == np.int32


def test_rare_levels_share_one_and_take_in_the_new() -> None:
    columns, names, _ = encoded("onehot", min_count=2)
    assert names == ["c=b", "c=(missing)", "c=(rare)"]
    assert columns.tolist() == [[0, 0, 1], [0, 1, 0], [0, 0, 1]]
    assert encoded("integer", min_count=2)[0].tolist() == [[2], [1], [2]]
    assert encoded("embedding", min_count=2)[2].tolist() == [[3], [2], [3]]


def test_a_gap_in_new_rows_alone_is_an_unseen_level() -> None:
    states = fit(SEEN.dropna(), np.arange(3), ["onehot"], {}, 1)
    assert apply(states, NEW)[0].tolist() == [[1, 0], [0, 0], [0, 0]]


def test_levels_come_from_the_rows_named() -> None:
    assert fit(SEEN, np.array([0, 2]), ["onehot"], {}, 1)[0]["levels"] == ["b"]


def test_an_exception_for_one_column() -> None:
    frame = SEEN.assign(d=SEEN["c"])
    states = fit(frame, np.arange(4), ["onehot"], {"d": "integer"}, 1)
    assert [state["encoding"] for state in states] == ["onehot", "integer"]


def test_no_category_at_all() -> None:
    columns, described, codes, coded = apply([], pd.DataFrame(index=range(3)))
    assert columns.shape == (3, 0) and codes.shape == (3, 0) and not described and not coded
