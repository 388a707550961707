"""The rules that decide, against what true probabilities ask for and what labels say."""

from __future__ import annotations

import numpy as np
import pytest

from features.scoring import decisions, rules
from features.scoring.calibration import with_temperature
from features.tasks import METRICS

OF_SEVERAL = METRICS["multiclass"][2:]


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


def of_rare_classes(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities ``[rows, 4]``, of some classes low, and classes that are drawn by them."""
    rng = np.random.default_rng(seed)
    chances = rng.dirichlet([1.5, 0.8, 0.3, 0.2], rows)
    return chances, (rng.uniform(size=(rows, 1)) > chances.cumsum(axis=1)).sum(axis=1)


@pytest.mark.parametrize("metric", OF_SEVERAL)
def test_no_other_gains_are_expected_to_do_better(metric: str) -> None:
    """Of 2,000 drawn matrices, half of them near the best one."""
    chances, _ = of_rare_classes(300)
    best, rng = rules.best_gains(metric, chances), np.random.default_rng(1)
    reached = decisions.expected(metric, chances, (chances @ best).argmax(axis=1))
    for number in range(2000):
        near = best + np.abs(best).max() * 0.3 * rng.normal(size=(4, 4))
        other = near if number % 2 else np.diag(np.exp(rng.normal(size=4)))
        assert decisions.expected(metric, chances, (chances @ other).argmax(axis=1)) <= reached + 1e-12


@pytest.mark.parametrize(("metric", "gained"), [("macro_f1", 0.01), ("balanced_accuracy", 0.05), ("qwk", 0.03)])
def test_gains_are_worth_something_where_classes_are_drawn_by_the_probabilities(metric: str, gained: float) -> None:
    chances, target = of_rare_classes(4000)
    rule = rules.best_rule(metric, target, chances[None])
    later, came = of_rare_classes(20_000, 1)
    likeliest = decisions.value(metric, came, later.argmax(axis=1))
    assert decisions.value(metric, came, rule.decide(later)) > likeliest + gained


def test_the_gains_of_balanced_accuracy_are_the_inverse_of_the_classes_shares() -> None:
    chances, _ = of_rare_classes(500)
    by_hand = (chances / chances.mean(axis=0)).argmax(axis=1)
    assert ((chances @ rules.best_gains("balanced_accuracy", chances)).argmax(axis=1) == by_hand).all()


def test_the_quadratic_kappa_decides_between_classes_that_lie_apart() -> None:
    """One row in three may be either end; the middle is never likely, and nearest to both."""
    chances = np.repeat([[0.46, 0.08, 0.46], [0.9, 0.1, 0.0], [0.0, 0.1, 0.9]], 30, axis=0)
    decided = (chances @ rules.best_gains("qwk", chances)).argmax(axis=1)
    assert decided.tolist() == [1] * 30 + [0] * 30 + [2] * 30


@pytest.mark.parametrize("metric", OF_SEVERAL)
def test_probabilities_that_are_too_sure_are_decided_as_those_that_are_not(metric: str) -> None:
    chances, target = of_rare_classes(2000)
    true = rules.best_rule(metric, target, chances[None])
    sure = rules.best_rule(metric, target, with_temperature(chances, 1 / 3)[None])
    assert sure.temperature == pytest.approx(3 * true.temperature, rel=0.05)  # the prior draws it to 1
    same = true.decide(chances) == sure.decide(with_temperature(chances, 1 / 3))
    assert same.mean() > 0.97


@pytest.mark.parametrize("rule", [rules.Rule(0.3), rules.Rule(gains=np.diag([1.0, 2.0, 5.0, 9.0]), temperature=1.5)])
def test_a_rule_at_a_temperature_decides_alike_and_is_read_as_it_was_written(rule: rules.Rule) -> None:
    chances, _ = of_rare_classes(300)
    answers = chances[:, :1] if rule.gains is None else chances
    decided = rule.decide(answers)
    assert len(set(decided.tolist())) == (2 if rule.gains is None else 4)
    assert (rule.at(2.5).decide(with_temperature(answers, 2.5)) == decided).all()
    read = rules.Rule.from_mapping(rule.to_mapping())
    assert (read.decide(answers) == decided).all() and (rule.decide(answers[None, :7])[0] == decided[:7]).all()


def test_leanings_of_two_classes_are_above_the_threshold() -> None:
    assert rules.most(rules.Rule(0.25).leanings(np.array([[0.25], [0.3]]))).tolist() == [0, 1]
