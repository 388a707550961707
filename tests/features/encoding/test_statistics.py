"""In-fold target statistics: smoothed, of the train rows alone, and never of a row's own label."""

from __future__ import annotations

import numpy as np
import pytest

from features.encoding import statistics


def test_a_statistic_is_drawn_to_the_prior() -> None:
    codes, values = np.array([0, 0, 0, 1, -1]), np.array([[1.0], [1.0], [0.0], [0.0], [1.0]])
    learned = statistics.learn(codes, 3, values)
    found = statistics.recall(np.array([0, 1, 2, -1]), learned)[:, 0]
    m, prior = statistics.SMOOTHING, 0.6
    assert found.tolist() == pytest.approx([(2 + m * prior) / (3 + m), m * prior / (1 + m), prior, prior])


def test_a_train_row_is_judged_by_other_parts() -> None:
    generator = np.random.default_rng(0)
    codes, values = generator.integers(0, 4, 60), generator.normal(size=(60, 1))
    before = statistics.recall_train(codes, 4, values)
    changed = values.copy()
    changed[7] += 100
    moved = statistics.recall_train(codes, 4, changed) != before
    assert not moved[7 % statistics.PARTS :: statistics.PARTS].any(), "its own part never sees it"
    assert moved.any()


def test_labels_that_mean_nothing_tell_nothing() -> None:
    """With a level a row or two, a statistic that saw its own row would follow its label."""
    seen = []
    for seed in range(20):
        generator = np.random.default_rng(seed)
        values = generator.permutation(np.repeat([0.0, 1.0], 100))[:, None]
        found = statistics.recall_train(generator.integers(0, 100, 200), 100, values)
        seen.append(np.corrcoef(found[:, 0], values[:, 0])[0, 1])
    # A level's other rows lean the other way a little, since all labels sum to a constant.
    assert -0.15 < np.mean(seen) < 0.03


def test_rows_of_one_group_alone_do_not_tell_their_own_labels() -> None:
    """As where three groups are left: one to score, one to stop, one to learn from."""
    values = np.array([[1.0], [0.0], [1.0], [1.0]])
    found = statistics.recall_train(np.array([0, 1, 2, 3]), 4, values, np.array(["a"] * 4))
    assert found.tolist() == [[0.75]] * 4


def test_how_many_columns() -> None:
    assert [statistics.outputs(classes) for classes in (0, 2, 3, 10, 11)] == [1, 1, 3, 10, 0]


def test_one_row() -> None:
    assert statistics.recall_train(np.array([0]), 1, np.array([[3.0]])).tolist() == [[3.0]]


def test_rows_of_one_group_do_not_judge_one_another() -> None:
    """All of one level, each group of three with a label of its own."""
    groups = np.random.default_rng(0).permutation(np.repeat(np.arange(10), 3))
    values = np.zeros((30, 1))
    before = statistics.recall_train(np.zeros(30, int), 1, values, groups)
    values[groups == 4] = 100.0
    moved = statistics.recall_train(np.zeros(30, int), 1, values, groups) != before
    assert not moved[groups == 4].any() and moved[groups == 5].all()
