"""Votes for members against calculations by hand or by another way."""

from __future__ import annotations

import numpy as np
import pytest

from features.scoring import combination, metrics, voting

NAN = np.nan
# Two folds of one repeat, three rows: fold 0 scores rows 0 and 1, fold 1 scores row 2. Two members a fold.
OUT_OF_FOLD = np.array([[0.2, 0.4, NAN], [0.4, 0.8, NAN], [NAN, NAN, 0.1], [NAN, NAN, 0.5]], np.float32)[..., None]
FOLD = np.array([0, 0, 1, 1])
EVERY = np.ones(4, bool)


def test_a_unit_is_a_trial_and_seed_in_all_folds() -> None:
    assert voting.units(np.array([7, 9, 7, 7]), np.array([0, 0, 0, 1])).tolist() == [0, 2, 0, 1]


def test_member_weights_sum_to_one_a_fold_and_fall_back_to_the_mean() -> None:
    unit, fold = np.array([0, 1, 1, 2]), np.array([0, 0, 1, 1])
    assert voting.member_weights(np.array([3.0, 1.0, 1.0]), unit, fold).tolist() == [0.75, 0.25, 0.5, 0.5]
    assert voting.member_weights(np.array([1.0, 0.0, 0.0]), unit, fold).tolist() == [1.0, 0.0, 0.5, 0.5]


def jury(out_of_fold: np.ndarray, fold: np.ndarray, target: np.ndarray, rows: np.ndarray) -> voting.Jury:
    """Of two trials, folds by twos."""
    unit = voting.units(np.tile([7, 9], len(fold) // 2), np.zeros(len(fold)))
    return voting.Jury.of(
        out_of_fold, unit, fold, rows, 2, lambda rows, answers: metrics.row_log_loss(target[rows], answers)
    )


def greedy(out_of_fold: np.ndarray, fold: np.ndarray, target: np.ndarray, rows: np.ndarray) -> list[float]:
    return voting.greedy_votes(jury(out_of_fold, fold, target, rows), np.full(len(rows), 1 / len(rows))).tolist()


def test_greedy_takes_the_better_trial() -> None:
    assert greedy(OUT_OF_FOLD, FOLD, np.array([0, 0, 0]), np.arange(3)) == [1.0, 0.0]


def test_greedy_mixes_where_a_mixture_is_best() -> None:
    # The errors of the two cancel: 0.9 and 0.3, 0.3 and 0.9 on two rows of class 1.
    mixed = np.array([[0.9, 0.3, NAN], [0.3, 0.9, NAN], [NAN, NAN, 0.6], [NAN, NAN, 0.6]], np.float32)[..., None]
    assert greedy(mixed, FOLD, np.ones(3), np.arange(3)) == [1.0, 1.0]


def test_greedy_sees_the_given_rows_only() -> None:
    """Trial 7 is better on rows 0 and 1, trial 9 on row 2; what the other rows say changes nothing."""
    target = np.array([0, 0, 1])
    assert greedy(OUT_OF_FOLD, FOLD, target, np.array([0, 1])) == [1.0, 0.0]
    assert greedy(OUT_OF_FOLD, FOLD, target, np.array([2])) == [0.0, 1.0]


def library(seed: int, trials: int = 4, folds: int = 3, rows: int = 30) -> tuple[np.ndarray, ...]:
    """Random answers of two repeats; each fold has its own three of the trials."""
    rng = np.random.default_rng(seed)
    plan = [(fold, trial) for fold in range(2 * folds) for trial in sorted(rng.permutation(trials)[:3])]
    fold, trial = (np.array(column) for column in zip(*plan, strict=True))
    out_of_fold = np.full((len(plan), rows, 1), NAN)
    for member, one in enumerate(fold):
        scored = np.arange(rows) % folds == one % folds
        out_of_fold[member, scored, 0] = rng.uniform(0.05, 0.95, scored.sum())
    return out_of_fold, voting.units(trial, np.zeros(len(trial))), fold, rng.integers(0, 2, rows)


def pooled_loss(votes: np.ndarray, case: tuple[np.ndarray, ...], rows: np.ndarray, share: np.ndarray) -> float:
    """By the weights of members and ``pooled``, a way of its own."""
    out_of_fold, unit, fold, target = case
    weights = voting.member_weights(votes, unit, fold)
    answers = [combination.pooled(out_of_fold, weights, fold // 3 == repeat)[rows] for repeat in range(2)]
    return float(np.mean([metrics.row_log_loss(target[rows], answer) @ share for answer in answers]))


def test_greedy_judges_as_pooling_does() -> None:
    """Step by step the choice that the plain definition makes, trials missing in some folds included."""
    case, rows = library(3), np.arange(0, 30, 2)
    share = np.bincount(np.random.default_rng(1).integers(0, len(rows), len(rows)), minlength=len(rows)) / len(rows)
    out_of_fold, unit, fold, target = case
    judge = voting.Jury.of(
        out_of_fold, unit, fold, rows, 3, lambda rows, answers: metrics.row_log_loss(target[rows], answers)
    )
    votes, best, kept = np.zeros(4), np.inf, np.zeros(4)
    for _ in range(voting.GREEDY_STEPS):
        losses = [pooled_loss(votes + one, case, rows, share) for one in np.eye(4)]
        votes = votes + np.eye(4)[int(np.argmin(losses))]
        if min(losses) < best:
            best, kept = min(losses), votes
    assert voting.greedy_votes(judge, share).tolist() == kept.tolist()
    even = np.full(len(rows), 1 / len(rows))
    votes = np.array([[1.0, 2.0, 0.0, 1.0], [1.0, 1.0, 1.0, 1.0]])
    assert judge.of_votes(votes) == pytest.approx([pooled_loss(one, case, rows, even) for one in votes])


def test_bags_average_selections_and_repeat_themselves() -> None:
    case = library(4)
    out_of_fold, unit, fold, target = case
    judge = voting.Jury.of(
        out_of_fold, unit, fold, np.arange(30), 3, lambda rows, answers: metrics.row_log_loss(target[rows], answers)
    )
    votes, again, other = (voting.bagged_votes(judge, 8, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert votes.sum() == pytest.approx(1) and votes.tolist() == again.tolist() != other.tolist()
    rng = np.random.default_rng(0)
    drawn = [np.bincount(rng.integers(0, 30, 30), minlength=30) / 30 for _ in range(8)]
    single = [voting.greedy_votes(judge, share) for share in drawn]
    assert votes == pytest.approx(np.mean([one / one.sum() for one in single], axis=0))
    plain = voting.greedy_votes(judge, np.full(30, 1 / 30))
    assert voting.bagged_votes(judge, 0, np.random.default_rng(0)).tolist() == plain.tolist()


def test_pruning_leaves_out_what_adds_nothing() -> None:
    """Trial 7 is right, trial 9 always wrong: without trial 9 the loss falls. Where both are needed, both stay."""
    target = np.array([0, 0, 0])
    judge = jury(OUT_OF_FOLD, FOLD, target, np.arange(3))
    assert voting.pruned_votes(judge, np.array([3.0, 1.0])).tolist() == [3.0, 0.0]
    mixed = np.array([[0.9, 0.3, NAN], [0.3, 0.9, NAN], [NAN, NAN, 0.6], [NAN, NAN, 0.6]], np.float32)[..., None]
    needed = jury(mixed, FOLD, np.ones(3), np.arange(3))
    assert voting.pruned_votes(needed, np.ones(2)).tolist() == [1.0, 1.0]
