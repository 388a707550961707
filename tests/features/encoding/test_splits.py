"""Rows divided as scikit-learn divides them."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split

from features.encoding.splits import drawn, drawn_alike, parts_alike, parts_of

SEEDS = [0, 1, 2**32 - 1]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("rows", "parts"), [(10, 5), (353, 5), (101, 10), (7, 3)])
def test_parts_equal_those_of_kfold(rows: int, parts: int, seed: int) -> None:
    found = parts_of(rows, parts, seed)
    splitter = KFold(parts, shuffle=True, random_state=seed)
    for part, (others, own) in enumerate(splitter.split(np.zeros(rows))):
        np.testing.assert_array_equal(np.flatnonzero(found == part), own)
        np.testing.assert_array_equal(np.flatnonzero(found != part), others)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("parts", [2, 5, 10])
def test_parts_of_classes_equal_those_of_stratified_kfold(classes: int, parts: int, seed: int) -> None:
    shares = np.arange(1, classes + 1) / np.arange(1, classes + 1).sum()
    target = np.random.default_rng(classes).choice(classes, 401, p=shares)
    found = parts_alike(target, parts, seed)
    splitter = StratifiedKFold(parts, shuffle=True, random_state=seed)
    for part, (_, own) in enumerate(splitter.split(target, target)):
        np.testing.assert_array_equal(np.flatnonzero(found == part), own)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("size", [10, 11, 40, 101])
def test_rows_drawn_equal_the_test_rows_of_train_test_split(size: int, seed: int) -> None:
    # Classes with equal remainders, drawn by lot, and one of two rows.
    target = np.random.default_rng(size).permutation(np.repeat(np.arange(10), [30, 30, 30, 25, 25, 25, 17, 10, 8, 2]))
    rows = np.arange(len(target))
    np.testing.assert_array_equal(
        drawn(len(rows), size, seed), train_test_split(rows, test_size=size, random_state=seed)[1]
    )
    expected = train_test_split(rows, test_size=size, stratify=target, random_state=seed)[1]
    np.testing.assert_array_equal(drawn_alike(target, size, seed), expected)
