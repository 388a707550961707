"""Which trials a fold takes, which members are trained, and which of their answers count."""

from __future__ import annotations

import numpy as np
import pytest

from features.roles import SCORE, STOP, TRAIN, UNUSED
from pipeline.choice.choosing import choose, mean_loss, out_of_fold, planned


def test_each_fold_trains_its_own_trials_and_each_of_them_several_times() -> None:
    chosen = [np.array([4, 1]), np.array([2])]
    assert planned(chosen, [7, 9], 2) == [(4, 7, 0), (4, 7, 1), (1, 7, 0), (1, 7, 1), (2, 9, 0), (2, 9, 1)]


def test_a_member_answers_out_of_fold_for_the_rows_that_its_fold_scores() -> None:
    roles = np.array([[SCORE, TRAIN], [STOP, SCORE], [TRAIN, SCORE]], np.int8)
    answers = np.arange(9, dtype=np.float32).reshape(3, 3, 1)
    found = out_of_fold(answers, roles, np.array([0, 1, 1]), np.array([True, False, True]))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found[..., 0], [[0, np.nan, np.nan], [np.nan, 7, 8]])


@pytest.mark.parametrize("role", [SCORE, UNUSED])
def test_a_fold_does_not_choose_by_the_rows_it_scores_or_leaves_out(role: int) -> None:
    roles = np.array([[role, 0], [role, 0], [0, 2], [1, 2]])
    error = np.array([[0.0, 0.0, 9.0, 9.0], [50.0, 50.0, 1.0, 1.0], [np.nan] * 4])
    valid = np.array([True, True, False])
    chosen = choose(error, valid, roles, "regression", 1, False)
    assert [fold.tolist() for fold in chosen] == [[1], [0]]
    error[:, roles[:, 0] == role] = np.random.default_rng(0).random((3, 2))
    assert choose(error, valid, roles, "regression", 1, False)[0].tolist() == [1]


def test_invalid_trials_are_never_chosen_and_rows_that_no_fold_scored_have_no_say() -> None:
    roles = np.array([[2, 0], [0, 2], [0, 0]])
    error = np.array([[np.nan] * 3, [3.0, 3.0, np.nan], [2.0, 2.0, np.nan]])
    assert choose(error, np.array([False, True, True]), roles, "regression", 5, True)[0].tolist() == [2, 1]


def test_a_worse_trial_is_taken_if_its_errors_are_others() -> None:
    """Values: the second best errs as the best does, the third the other way. Classes: the third is
    surer where the best is not."""
    roles = np.array([[2, 0]] * 2 + [[0, 2]] * 2)
    by_task = {
        "regression": np.array([[1.0, -1.0, 1.0, -1.0], [1.1, -1.1, 1.1, -1.1], [-1.2, 1.2, -1.2, 1.2]]),
        "binary": np.array([[0.6, 0.2, 0.6, 0.2], [0.62, 0.22, 0.62, 0.22], [0.2, 0.65, 0.2, 0.65]]),
    }
    for task, error in by_task.items():
        alone = mean_loss(error, task)
        assert (np.diff(alone) > 0).all()
        valid = np.ones(3, bool)
        assert choose(error, valid, roles, task, 3, True)[0].tolist() == [0, 2, 1]
        assert choose(error, valid, roles, task, 3, False)[0].tolist() == [0, 1, 2]
