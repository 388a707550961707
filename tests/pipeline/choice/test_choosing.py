"""Which members are trained, and which of their answers count."""

from __future__ import annotations

import numpy as np

from features.roles import SCORE, STOP, TRAIN
from pipeline.choice.choosing import out_of_fold, planned


def test_each_fold_trains_its_own_trials_and_each_of_them_several_times() -> None:
    chosen = [np.array([4, 1]), np.array([2])]
    assert planned(chosen, [7, 9], 2) == [(4, 7, 0), (4, 7, 1), (1, 7, 0), (1, 7, 1), (2, 9, 0), (2, 9, 1)]


def test_a_member_answers_out_of_fold_for_the_rows_that_its_fold_scores() -> None:
    roles = np.array([[SCORE, TRAIN], [STOP, SCORE], [TRAIN, SCORE]], np.int8)
    answers = np.arange(9, dtype=np.float32).reshape(3, 3, 1)
    found = out_of_fold(answers, roles, np.array([0, 1, 1]), np.array([True, False, True]))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found[..., 0], [[0, np.nan, np.nan], [np.nan, 7, 8]])
