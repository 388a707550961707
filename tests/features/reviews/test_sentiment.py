"""Two opinions into one, rows set aside, and where overfitting begins."""

from __future__ import annotations

import numpy as np
import pytest

from features.reviews.sentiment import average, best_shares, overfit_epoch, set_aside
from features.scoring.metrics import row_log_loss


def test_rows_set_aside_keep_the_classes_shares() -> None:
    labels = np.array([0] * 60 + [1] * 40)
    chosen = set_aside(labels, 0.25, 3)
    assert [chosen[labels == label].sum() for label in (0, 1)] == [15, 10]
    assert np.array_equal(chosen, set_aside(labels, 0.25, 3))
    assert not np.array_equal(chosen, set_aside(labels, 0.25, 4))
    assert set_aside(np.array([0, 0, 1, 1]), 0.01, 0).sum() == 2


def test_the_shares_are_those_of_the_lowest_loss() -> None:
    target = np.array([0, 1, 1, 0])
    good, bad = np.array([0.1, 0.9, 0.8, 0.2]), np.array([0.9, 0.1, 0.2, 0.8])
    for place in range(3):
        opinions = np.stack([bad] * place + [good] + [bad] * (2 - place))
        np.testing.assert_array_equal(best_shares(target, opinions), np.eye(3)[place])
    np.testing.assert_array_equal(best_shares(target, np.stack([good, good])), [0, 1])
    generator = np.random.default_rng(0)
    target = generator.integers(0, 2, 500)
    odds = (2 * target - 1) + generator.normal(size=(3, 500)) * np.array([[1.0], [1.5], [2.0]])
    opinions = 1 / (1 + np.exp(-2 * odds))
    shares = best_shares(target, opinions)
    assert shares.sum() == pytest.approx(1) and (np.diff(shares) < 0).all()  # who knows more has the larger share
    losses = [row_log_loss(target, average(each, opinions)[:, None]).mean() for each in (shares, *np.eye(3))]
    assert losses[0] < min(losses[1:])


def test_the_average_is_that_of_log_odds() -> None:
    odds = np.array([[2.0, -1.0], [-4.0, 3.0]])
    expected = 1 / (1 + np.exp(-(0.25 * odds[0] + 0.75 * odds[1])))
    np.testing.assert_allclose(average(np.array([0.25, 0.75]), 1 / (1 + np.exp(-odds))), expected, atol=1e-9)
    assert np.isfinite(average(np.array([0.5, 0.5]), np.array([[0.0, 1.0], [1.0, 1.0]]))).all()


def test_overfitting_begins_after_the_lowest_loss() -> None:
    assert overfit_epoch(np.array([0.5, 0.3, 0.35, 0.4])) == 3
    assert overfit_epoch(np.array([0.5, 0.4, 0.3])) == 4
