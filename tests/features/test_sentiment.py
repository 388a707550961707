"""Two opinions into one, rows set aside, and where overfitting begins."""

from __future__ import annotations

import numpy as np

from features.sentiment import average, best_share, overfit_epoch, set_aside


def test_rows_set_aside_keep_the_classes_shares() -> None:
    labels = np.array([0] * 60 + [1] * 40)
    chosen = set_aside(labels, 0.25, 3)
    assert [chosen[labels == label].sum() for label in (0, 1)] == [15, 10]
    assert np.array_equal(chosen, set_aside(labels, 0.25, 3))
    assert not np.array_equal(chosen, set_aside(labels, 0.25, 4))
    assert set_aside(np.array([0, 0, 1, 1]), 0.01, 0).sum() == 2


def test_the_share_is_that_of_the_lowest_loss() -> None:
    target = np.array([0, 1, 1, 0])
    good, bad = np.array([0.1, 0.9, 0.8, 0.2]), np.array([0.9, 0.1, 0.2, 0.8])
    assert best_share(target, good, bad) == 1.0
    assert best_share(target, bad, good) == 0.0
    assert best_share(target, good, good) == 0.0
    np.testing.assert_allclose(average(0.25, good, bad), 0.25 * good + 0.75 * bad)
    first, second = np.array([0.6, 0.99, 0.9, 0.1]), np.array([0.1, 0.9, 0.99, 0.6])
    assert 0 < best_share(target, first, second) < 1


def test_overfitting_begins_after_the_lowest_loss() -> None:
    assert overfit_epoch(np.array([0.5, 0.3, 0.35, 0.4])) == 3
    assert overfit_epoch(np.array([0.5, 0.4, 0.3])) == 4
