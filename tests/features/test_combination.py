"""Pooling, greedy selection and thresholds on arrays small enough to work out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from features import combination, metrics

NAN = np.nan
# Two folds of one repeat, three rows: fold 0 scores rows 0 and 1, fold 1 scores row 2. Two members a fold.
OUT_OF_FOLD = np.array([[0.2, 0.4, NAN], [0.4, 0.8, NAN], [NAN, NAN, 0.1], [NAN, NAN, 0.5]], np.float32)[..., None]
FOLD = np.array([0, 0, 1, 1])
TRIAL = np.array([7, 9, 7, 9])
SEED = np.zeros(4, int)
EVERY = np.ones(4, bool)


def log_loss(known: np.ndarray, answer: np.ndarray) -> float:
    return float(metrics.row_log_loss(known, answer).mean())


def accuracy(known: np.ndarray, answer: np.ndarray, threshold: float) -> float:
    return metrics.accuracy(known, answer, threshold)


def test_the_mean_is_over_the_members_that_score_a_row() -> None:
    assert combination.pooled(OUT_OF_FOLD, np.full(4, 0.5), EVERY)[:, 0] == pytest.approx([0.3, 0.6, 0.3])


def test_weights_are_renormalised_within_a_fold() -> None:
    assert combination.pooled(OUT_OF_FOLD, np.array([3.0, 1.0, 1.0, 0.0]), EVERY)[:, 0] == pytest.approx(
        [0.25, 0.5, 0.1]
    )


def test_a_row_that_nobody_scores_is_missing() -> None:
    assert np.isnan(combination.pooled(OUT_OF_FOLD, np.ones(4), FOLD == 0)[2, 0])


def test_a_unit_is_a_trial_and_seed_in_all_folds() -> None:
    assert combination.units(np.array([7, 9, 7, 7]), np.array([0, 0, 0, 1])).tolist() == [0, 2, 0, 1]


def test_member_weights_sum_to_one_a_fold_and_fall_back_to_the_mean() -> None:
    unit, fold = np.array([0, 1, 1, 2]), np.array([0, 0, 1, 1])
    assert combination.member_weights(np.array([3.0, 1.0, 1.0]), unit, fold).tolist() == [0.75, 0.25, 0.5, 0.5]
    assert combination.member_weights(np.array([1.0, 0.0, 0.0]), unit, fold).tolist() == [1.0, 0.0, 0.5, 0.5]


def greedy(out_of_fold: np.ndarray, fold: np.ndarray, target: np.ndarray, rows: np.ndarray) -> np.ndarray:
    unit = combination.units(np.tile([7, 9], len(fold) // 2), np.zeros(len(fold)))
    return combination.greedy_weights(out_of_fold, unit, fold, rows, log_loss, target, folds=2)


def test_greedy_takes_the_better_trial_in_every_fold() -> None:
    weights = greedy(OUT_OF_FOLD, FOLD, np.array([0, 0, 0]), np.arange(3))
    assert weights.tolist() == [1.0, 0.0, 1.0, 0.0]


def test_greedy_mixes_where_a_mixture_is_best() -> None:
    # The errors of the two cancel: 0.9 and 0.3, 0.3 and 0.9 on two rows of class 1.
    mixed = np.array([[0.9, 0.3, NAN], [0.3, 0.9, NAN], [NAN, NAN, 0.6], [NAN, NAN, 0.6]], np.float32)[..., None]
    assert greedy(mixed, FOLD, np.ones(3), np.arange(3)).tolist() == [0.5, 0.5, 0.5, 0.5]


def test_greedy_sees_the_given_rows_only() -> None:
    """Trial 7 is better on rows 0 and 1, trial 9 on row 2; what the other rows say changes nothing."""
    target = np.array([0, 0, 1])
    assert greedy(OUT_OF_FOLD, FOLD, target, np.array([0, 1])).tolist() == [1.0, 0.0, 1.0, 0.0]
    assert greedy(OUT_OF_FOLD, FOLD, target, np.array([2])).tolist() == [0.0, 1.0, 0.0, 1.0]


def test_greedy_judges_as_pooling_does() -> None:
    """The running sums of greedy selection are the weighted mean of ``pooled``, missing trials included."""
    rng = np.random.default_rng(0)
    fold, trial = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 2])
    target, unit = np.array([0, 1, 1, 0]), combination.units(trial, np.zeros(4))
    out_of_fold = np.full((4, 4, 1), NAN)
    for member in range(4):
        out_of_fold[member, [0, 1] if fold[member] == 0 else [2, 3], 0] = rng.uniform(size=2)
    seen: list[np.ndarray] = []

    def spy(known: np.ndarray, answer: np.ndarray) -> float:
        seen.append(answer)
        return log_loss(known, answer)

    combination.greedy_weights(out_of_fold, unit, fold, np.arange(4), spy, target, folds=2)
    for number in range(3):
        weights = combination.member_weights(np.eye(3)[number], unit, fold)
        assert seen[number] == pytest.approx(combination.pooled(out_of_fold, weights, np.ones(4, bool)))


def test_the_best_threshold_and_the_one_nearest_to_half_among_equals() -> None:
    answer = np.array([[0.1], [0.3], [0.35], [0.4]])
    assert combination.best_threshold(np.array([0, 0, 1, 1]), answer, accuracy) == pytest.approx(0.34)
    assert combination.best_threshold(np.array([0, 0, 0, 0]), answer, accuracy) == 0.5
