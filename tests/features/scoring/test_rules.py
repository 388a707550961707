"""The rules that decide, against what true probabilities ask for and what labels say."""

from __future__ import annotations

import numpy as np
import pytest

from features.scoring import decisions, rules


def test_the_threshold_stays_at_half_unless_another_is_surely_better() -> None:
    answers = np.array([0.1, 0.3, 0.35, 0.4])
    assert rules.best_threshold("accuracy", np.array([0, 0, 0, 0]), answers[None]) == 0.5
    # Two of four rows gained, with an error of 0.29: surely better, and 0.39 is the nearest to a half that has all.
    assert rules.best_threshold("accuracy", np.array([0, 0, 0, 1]), answers[None]) == 0.5
    many = np.tile([0.2, 0.2, 0.4, 0.4], 25)
    assert rules.best_threshold("accuracy", np.tile([0, 0, 1, 1], 25), np.stack([many, many])) == pytest.approx(0.39)
    # One row of a hundred gained by moving is no sure gain.
    few = np.r_[np.full(50, 0.2), np.full(49, 0.8), 0.45]
    assert rules.best_threshold("accuracy", np.r_[np.zeros(50), np.ones(50)], few[None]) == 0.5


def test_the_threshold_of_a_metric_is_drawn_to_what_true_probabilities_ask_for() -> None:
    """Of balanced accuracy the share of class 1, of F1 half the F1 that it gives (Lipton et al., 2014), also where that
    class is rare: labels say nothing else, since they were drawn by the probabilities."""
    rng = np.random.default_rng(0)
    for power in (2, 9):
        chances = rng.uniform(size=4000) ** power
        target = (rng.uniform(size=4000) < chances).astype(float)
        share = rules.best_threshold("balanced_accuracy", target, chances[None])
        assert share == pytest.approx(chances.mean(), abs=0.02)
        half = rules.best_threshold("f1", target, chances[None])
        f1 = decisions.value("f1", target, (chances > half).astype(int))
        assert half == pytest.approx(f1 / 2, abs=0.03)
        mcc = rules.best_threshold("mcc", target, chances[None])
        best = max(decisions.value("mcc", target, (chances > one).astype(int)) for one in np.arange(0.01, 1, 0.01))
        assert decisions.value("mcc", target, (chances > mcc).astype(int)) > best - 0.02


def test_labels_that_probabilities_misjudge_move_the_threshold() -> None:
    """Probabilities half as large as they should be: F1 is best at half the threshold."""
    rng = np.random.default_rng(0)
    chances = rng.uniform(size=4000) ** 2
    target = (rng.uniform(size=4000) < chances).astype(float)
    true = rules.best_threshold("f1", target, chances[None])
    halved = rules.best_threshold("f1", target, chances[None] / 2)
    assert halved == pytest.approx(true / 2, abs=0.04)


def test_rows_of_one_class_choose_no_threshold() -> None:
    for metric in ("accuracy", "f1", "balanced_accuracy", "mcc"):
        assert rules.best_threshold(metric, np.ones(9), np.linspace(0.1, 0.9, 9)[None]) == 0.5


def test_rows_of_one_group_tell_less_of_a_threshold() -> None:
    """Rows that stand in the table nine times say what they would say once; one group alone says nothing."""
    generator, groups, one = np.random.default_rng(1), np.repeat(np.arange(60), 9), np.zeros(540)
    classes, sure = (generator.uniform(size=60) < 0.3).astype(int), generator.uniform(0.1, 0.5, 60)
    copies = np.repeat(classes, 9), np.repeat(sure, 9)[None]
    once = rules.best_threshold("f1", classes, sure[None])
    assert rules.best_threshold("f1", *copies, groups) == once != rules.best_threshold("f1", *copies)
    true = rules.best_threshold("f1", *copies, one)
    assert abs(once - true) < abs(rules.best_threshold("f1", *copies) - true)
