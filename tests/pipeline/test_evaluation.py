"""Which trials go on under halving."""

import numpy as np

from pipeline.evaluation import better_half


def test_the_better_half_goes_on_in_each_group_of_rivals() -> None:
    """Five trials of two folds; trial 1 is best on average, a diverged fold makes trial 3 the worst."""
    lowest = np.array([0.5, 0.7, 0.1, 0.3, 0.2, 0.6, 0.0, np.inf, 0.9, 0.9])
    owners = np.repeat(np.arange(5), 2)
    assert better_half(lowest, owners, np.zeros(5, int)).tolist() == [True, True, True, False, False]
    assert better_half(lowest, owners, np.array([0, 0, 1, 1, 1])).tolist() == [False, True, True, False, True]


def test_equal_losses_are_decided_by_order() -> None:
    assert better_half(np.ones(4), np.arange(4), np.zeros(4, int)).tolist() == [True, True, False, False]
