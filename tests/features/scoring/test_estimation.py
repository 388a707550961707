"""The interval of an estimate against calculations by hand, by another way, and by drawing tables."""

from __future__ import annotations

import numpy as np
import pytest

from features.scoring import decisions, estimation, metrics
from features.scoring.rules import Rule, best_gains
from features.tasks import CORRELATIONS, METRICS

PARTS = np.tile(np.arange(5), 40)


def test_an_accuracy_by_hand() -> None:
    """160 of 200 right, every fold alike: the variance of 160 ones and 40 zeros with two more of each."""
    target = np.ones(200)
    answer = np.where(np.arange(200) < 160, 0.9, 0.1)[:, None]
    found = estimation.estimate("accuracy", target, answer, None, PARTS, 100)
    spread = np.var(np.r_[np.ones(162), np.zeros(42)], ddof=1)
    assert found.value == pytest.approx(0.8)
    assert found.error == pytest.approx(np.sqrt(spread * (1 + 5 / 4) / 200))
    half = 1.96 * np.sqrt(spread * (1 + 5 / 4) / 200 + spread / 100)
    assert (found.low, found.high) == (pytest.approx(0.8 - half), pytest.approx(0.8 + half))


def test_decisions_are_those_given_else_the_likeliest() -> None:
    target, answer = np.tile([0.0, 1.0], 100), np.tile([0.2, 0.4], 100)[:, None]
    assert estimation.estimate("accuracy", target, answer, None, PARTS, 9).value == 0.5
    assert estimation.estimate("accuracy", target, answer, target.astype(int), PARTS, 9).value == 1.0


def test_a_perfect_score_on_few_rows_is_no_sure_one() -> None:
    target = np.tile([0.0, 1.0], 10)
    parts = np.repeat(np.arange(5), 4)
    for measure, least in (("accuracy", 0.4), ("roc_auc", 0.4), ("f1", 0.4), ("balanced_accuracy", 0.4), ("mcc", 0.1)):
        found = estimation.estimate(measure, target, target[:, None], None, parts, 20)
        assert found.value == found.high == 1.0 and least < found.low < 0.85


def test_an_auc_near_1_may_fall_further_than_it_may_rise() -> None:
    """The middle is the area with a row of each class placed right and one wrong, each against all of the other."""
    target = np.r_[np.ones(20), np.zeros(980)]
    assert estimation.middle(1.0, target) == pytest.approx((980 * 21 / 22 + 1) / 982)
    assert estimation.middle(0.5, target) == 0.5
    assert estimation.middle(0.0, target) == pytest.approx(1 - estimation.middle(1.0, target))
    answer = np.random.default_rng(0).normal(size=(200, 1)) + 5 * np.tile([0.0, 1.0], 100)[:, None]
    found = estimation.estimate("roc_auc", np.tile([0.0, 1.0], 100), answer, None, np.sort(PARTS), 9)
    assert found.value - found.low > found.high - found.value >= 0
    worst = estimation.estimate("roc_auc", np.tile([1.0, 0.0], 100), answer, None, np.sort(PARTS), 9)
    assert worst.low <= worst.value < worst.high and worst.high == pytest.approx(1 - found.low)


def test_the_imagined_rows_of_an_auc_by_hand() -> None:
    """Areas of 1 in every fold, so that all scatter is that of one row of each class placed wrong against all."""
    target = (np.arange(200) // 5 < 4).astype(float)  # 20 of 200, four in each fold
    found = estimation.estimate("roc_auc", target, target[:, None], None, PARTS, 100)
    spread = np.var(np.r_[np.ones(202), 1 - 1 / 0.1, 1 - 1 / 0.9], ddof=1)
    half = 1.96 * np.sqrt(spread * (1 + 5 / 4) / 200 + spread / 100)
    assert found.value == found.high == 1.0
    assert found.low == pytest.approx((180 * 21 / 22 + 1) / 182 - half)


def test_the_imagined_rows_of_decisions_by_hand() -> None:
    """All of 200 rows decided right, 100 of each class: the middle is the measure of 204 rows, two of them wrong. The
    slopes of the four imagined ones give the scatter. An MCC may fall below 0."""
    target = np.tile([0.0, 1.0], 100)
    found = estimation.estimate("f1", target, target[:, None], None, PARTS, 100)
    # f1 = 2 tp / (2 tp + fp + fn) of the shares 101/204, 1/204 and 1/204.
    f1, whole = 101 / 102, 204 / 204
    spread = np.var(np.r_[np.ones(200), f1, f1 - f1 / whole, f1 - f1 / whole, f1 + 2 * (1 - f1) / whole], ddof=1)
    half = 1.96 * np.sqrt(spread * (1 + 5 / 4) / 200 + spread / 100)
    assert found.value == found.high == 1.0 and found.low == pytest.approx(f1 - half)
    chance = estimation.estimate(
        "mcc", target, np.tile([0.2, 0.2, 0.8, 0.8], 50)[:, None], None, np.arange(200) // 40, 9
    )
    assert chance.value == 0 and chance.low == pytest.approx(-chance.high) and -1 < chance.low < -0.5


@pytest.mark.parametrize(("share", "hard"), [(0.02, 0.05), (0.05, 0.05), (0.3, 0.05), (0.5, 0.15)])
def test_the_interval_of_an_auc_covers_where_a_class_is_rare(share: float, hard: float) -> None:
    """Most positives are easy, ``hard`` of them are like negatives: few rows show none, and then a test table does.
    With one imagined value of 0 and 1 among all rows, 0.48 of the test scores were covered at 2 %."""
    rng, covered, widths = np.random.default_rng(3), [], []

    def table(rows: int) -> tuple[np.ndarray, np.ndarray]:
        target = np.zeros(rows)
        target[: round(share * rows)] = 1
        return target, (rng.normal(size=rows) + 8 * target * (rng.uniform(size=rows) > hard))[:, None]

    for _ in range(100):
        target, answer = table(1000)
        parts = np.empty(1000, int)
        for one in (0, 1):
            rows = rng.permutation(np.flatnonzero(target == one))
            parts[rows] = np.arange(len(rows)) % 5
        found = estimation.estimate("roc_auc", target, answer, None, parts, 500)
        later = metrics.roc_auc(*table(500))
        covered.append(found.low <= later <= found.high)
        widths.append(found.high - found.low)
    assert np.mean(covered) >= 0.95
    assert np.mean(widths) < 0.35


def test_a_root_has_the_ends_of_its_square() -> None:
    """Of a mean of squares, even in its logarithm."""
    rng = np.random.default_rng(0)
    target, answer = rng.normal(size=200), rng.normal(size=(200, 1))
    found = estimation.estimate("rmse", target, answer, None, np.sort(PARTS), 50)
    mean = float(((answer[:, 0] - target) ** 2).mean())
    assert found.value == pytest.approx(np.sqrt(mean)) and found.low < found.value
    assert found.low * found.high == pytest.approx(mean)
    mae = estimation.estimate("mae", target, answer, None, PARTS, 50)
    assert mae.value == pytest.approx(np.abs(answer[:, 0] - target).mean()) and mae.low < mae.value < mae.high


def test_placements_are_the_auc_and_its_variance() -> None:
    """Mean: ordered pairs, ties counting half. Variance: DeLong's two terms, from all pairs."""
    rng = np.random.default_rng(1)
    target = (rng.uniform(size=60) < 0.3).astype(float)
    answer = np.round(rng.uniform(size=60) + 0.4 * target, 1)
    pairs = answer[target == 1][:, None] - answer[target == 0][None]
    ordered = (pairs > 0) + 0.5 * (pairs == 0)
    values = estimation.placements(target, answer)
    assert values.mean() == pytest.approx(ordered.mean()) == metrics.roc_auc(target, answer[:, None])
    first, second = ordered.mean(axis=1), ordered.mean(axis=0)
    wanted = first.var() / len(first) + second.var() / len(second)
    assert values.var() / 60 == pytest.approx(wanted)
    assert np.isnan(estimation.placements(np.ones(3), np.ones(3))).all()


def test_an_outer_fold_with_one_class_has_no_say_in_the_auc() -> None:
    target, answer = np.tile([0.0, 1.0, 0.0, 1.0], 50), np.random.default_rng(0).uniform(size=(200, 1))
    parts = np.where(target == 1, PARTS % 4, PARTS)
    known = parts != 4
    whole = estimation.estimate("roc_auc", target, answer, None, parts, 50)
    rest = estimation.estimate("roc_auc", target[known], answer[known], None, parts[known], 50)
    assert whole == rest and whole.low < whole.value
    first = estimation.estimate("roc_auc", target, answer, None, (parts + 1) % 5, 50)
    assert first.error == pytest.approx(rest.error), "whichever of the five it is, four are left"
    assert estimation.known("roc_auc", target, parts) == 4 and estimation.known("accuracy", target, parts) == 5


def test_one_fold_of_two_with_both_classes_tells_no_auc() -> None:
    target, parts = np.r_[np.tile([0.0, 1.0], 50), np.ones(100)], np.repeat([0, 1], 100)
    assert estimation.known("roc_auc", target, parts) == 1


def test_a_fold_of_one_row_has_no_scatter_of_its_own() -> None:
    values, parts = np.array([0.0, 2.0, 2.0, 4.0, 9.0]), np.array([0, 0, 1, 1, 2])
    assert (
        estimation.excess(values, parts)
        == pytest.approx((2 - 1) * (1 / 2 + 1))
        == estimation.excess(values[:4], parts[:4])
    )
    assert estimation.excess(values, np.arange(5)) == 0.0
    target, answer = np.array([0.0, 1.0, 1.0]), np.array([[0.2], [0.7], [0.4]])
    found = estimation.estimate("accuracy", target, answer, None, np.arange(3), 10)
    assert found.low < found.value < found.high


def test_folds_that_differ_more_than_their_rows_widen_the_interval() -> None:
    """Two folds of 1 and 3 on average, rows of variance 2 each: between 2, within 2 / 2."""
    values, parts = np.array([0.0, 2.0, 2.0, 4.0]), np.array([0, 0, 1, 1])
    assert estimation.excess(values, parts) == pytest.approx((2 - 1) * (1 / 2 + 1))
    assert estimation.excess(values, np.array([0, 1, 1, 0])) == 0.0


@pytest.mark.parametrize(
    ("mean", "half", "low", "high"),
    [(2.0, 1.0, 2 * np.exp(-0.5), 2 * np.exp(0.5)), (1.0, 9.0, np.exp(-9), np.exp(3)), (1, 40, np.exp(-40), 41)],
)
def test_how_far_a_loss_may_fall_and_rise(mean: float, half: float, low: float, high: float) -> None:
    assert estimation.ends(mean, half) == (pytest.approx(low), pytest.approx(high))
    assert estimation.ends(0.0, 0.0) == (0.0, 0.0)


@pytest.mark.parametrize(("measure", "rows"), [("rmse", 300), ("log_loss", 60)])
def test_the_interval_covers_where_a_few_rows_make_most_of_the_loss(measure: str, rows: int) -> None:
    """Errors of a lognormal target, and of networks that are sure and now and then wrong. An interval as far up as down
    covered 0.87 and 0.88. Few lie below it, and its lower end says something: as far down as up, it was 0 in most."""
    rng, covered, lows = np.random.default_rng(5), [], []
    for _ in range(400):
        target, answer = rng.lognormal(size=rows + 200), np.ones((rows + 200, 1))
        if measure == "log_loss":
            target = (target > 1).astype(float)
            logits = (2 * target - 1) * rng.normal(5, 2.5, rows + 200)
            answer = 1 / (1 + np.exp(-logits[:, None]))
        parts = np.arange(rows) % 5
        found = estimation.estimate(measure, target[:rows], answer[:rows], None, parts, 200)
        later = metrics.row_loss(measure, target[rows:], answer[rows:]).mean()
        later = np.sqrt(later) if measure == "rmse" else later
        covered.append(found.low <= later <= found.high)
        lows.append((found.low / found.value, later < found.low))
    assert np.mean(covered) >= 0.94
    assert np.mean(lows, axis=0)[1] <= 0.025 and np.median(lows, axis=0)[0] > 0.2


@pytest.mark.parametrize(
    "measure", ["log_loss", "accuracy", "roc_auc", "f1", "macro_f1", "balanced_accuracy", "mcc", "qwk"]
)
def test_the_interval_covers_a_test_score_where_rows_alone_scatter(measure: str) -> None:
    """Known probabilities, so nothing is learned: the part for what is learned only widens. 19 in 20 at least, and the
    width is not without bounds."""
    rng, covered, widths = np.random.default_rng(7), [], []
    for _ in range(300):
        chance = rng.uniform(0.05, 0.95, 320)
        target = (rng.uniform(size=320) < chance).astype(float)
        found = estimation.estimate(measure, target[:200], chance[:200, None], None, PARTS, 120)
        later = metrics.measures("binary", measure, target[200:], chance[200:, None])[measure]
        covered.append(found.low <= later <= found.high)
        widths.append(found.high - found.low)
    assert np.mean(covered) >= 0.94
    assert np.mean(widths) < (0.7 if measure in CORRELATIONS else 0.35)  # which lies between -1 and 1


@pytest.mark.parametrize("measure", METRICS["multiclass"][2:])
@pytest.mark.parametrize("classes", [3, 7])
def test_the_interval_covers_a_test_score_of_several_classes(measure: str, classes: int) -> None:
    """As above, of classes down to a share of 0.05, by the rule that true probabilities ask for."""
    rng, covered, widths, shares = np.random.default_rng(7), [], [], np.linspace(0.7, 0.1, classes)
    rule = Rule(gains=best_gains(measure, rng.dirichlet(shares, 2000)))
    for _ in range(200):
        chance = rng.dirichlet(shares, 320)
        target = (rng.uniform(size=(320, 1)) > chance.cumsum(axis=1)).sum(axis=1).clip(max=classes - 1)
        decided = rule.decide(chance)
        found = estimation.estimate(measure, target[:200], chance[:200], decided[:200], PARTS, 120)
        covered.append(found.low <= float(decisions.value(measure, target[200:], decided[200:])) <= found.high)
        widths.append(found.high - found.low)
    assert np.mean(covered) >= 0.94
    assert np.mean(widths) < 0.55


def test_rows_of_a_group_that_err_alike_count_as_fewer() -> None:
    """Six rows a group with one error: the interval is that of a sixth of the rows; unrelated rows change little."""
    rng = np.random.default_rng(0)
    own, parts = rng.normal(size=200), np.arange(200) % 5
    target, groups, apart = np.repeat(own, 6), np.repeat(np.arange(200), 6), np.repeat(parts, 6)
    none = np.zeros((1200, 1))
    few = estimation.estimate("mae", own, none[:200], None, parts, 100)
    grouped = estimation.estimate("mae", target, none, None, apart, 600, groups)
    assert grouped.error == pytest.approx(few.error, rel=0.05) and grouped.value == pytest.approx(few.value)
    assert grouped.high - grouped.low == pytest.approx(few.high - few.low, rel=0.05)
    blind = estimation.estimate("mae", target, none, None, apart, 600)
    assert blind.high - blind.low < 0.85 * (grouped.high - grouped.low), "test rows come in groups, too"
    values = rng.normal(size=1200)
    assert estimation.design_effect(values, groups) == pytest.approx(1, abs=0.15)
    assert estimation.design_effect(values, np.arange(1200)) == pytest.approx(1)
    assert estimation.design_effect(values, None) == estimation.design_effect(np.ones(9), np.arange(9) // 3) == 1


def test_few_groups_tell_their_scatter_poorly() -> None:
    """Six groups of two rows that are one: the variance of six rows, and Student's t with five degrees of freedom."""
    own = np.random.default_rng(1).normal(size=6)
    values, groups = np.repeat(own, 2), np.repeat(np.arange(6), 2)
    effect = estimation.design_effect(values, groups)
    assert values.var(ddof=1) * effect / 12 == pytest.approx(own.var(ddof=1) / 6)
    assert estimation.design_effect(np.arange(4.0), np.zeros(4)) == 1
    assert estimation.width(np.ones(12), groups) == pytest.approx(2.571, abs=1e-3)
    assert estimation.width(np.ones(10**6)) == estimation.width(np.zeros(10**6)) == 1.96
    few = np.r_[np.zeros(994), np.full(6, 1e200)]
    assert estimation.width(few) == estimation.width(few, np.arange(1000)) == pytest.approx(2.571, abs=1e-3)


@pytest.mark.parametrize(("count", "size"), [(6, 60), (10, 40), (80, 6)])
def test_the_interval_covers_the_score_of_other_groups(count: int, size: int) -> None:
    """Nine tenths of the scatter is that of groups, the test table has half as many. 1.96 standard errors to either
    side covered 0.87 with six groups."""
    rng, covered = np.random.default_rng(2), []

    def table(groups: int) -> np.ndarray:
        return np.repeat(rng.normal(size=groups), size) + rng.normal(0, 1 / 3, groups * size)

    for _ in range(200):
        target, groups = table(count), np.repeat(np.arange(count), size)
        parts = rng.permutation(np.arange(count) % 5)[groups]
        answer = np.array([target[parts != one].mean() for one in range(5)])[parts, None]
        found = estimation.estimate("rmse", target, answer, None, parts, count // 2 * size, groups)
        later = np.sqrt(((table(count // 2) - target.mean()) ** 2).mean())
        covered.append(found.low <= later <= found.high)
    assert np.mean(covered) >= 0.93


def test_groups_of_folds_without_a_value_are_not_counted() -> None:
    """Of a ROC AUC: a fold of one class says nothing, and its groups are no more known for that."""
    rng, parts = np.random.default_rng(0), np.repeat([0, 1, 2], 20)
    target, groups = np.tile([0.0, 1.0], 30), np.tile(np.arange(3), 20) + 3 * parts
    target[parts == 2], groups[parts == 2] = 0.0, 100 + np.arange(20)
    answer, inside = rng.normal(size=(60, 1)), parts < 2
    whole = estimation.estimate("roc_auc", target, answer, None, parts, 60, groups)
    valued = estimation.estimate("roc_auc", target[inside], answer[inside], None, parts[inside], 60, groups[inside])
    assert whole == valued


def test_few_groups_widen_the_interval_of_a_share() -> None:
    """Six groups, in each of which half of the rows are right, so that they do not err alike: Student's t of five."""
    target, answer = np.zeros(240), np.tile([0.2, 0.2, 0.8, 0.8], 60)[:, None]
    parts, groups = np.arange(240) % 2, np.arange(240) // 40
    lone, grouped = (
        estimation.estimate("accuracy", target, answer, None, parts, 10**9, given) for given in (None, groups)
    )
    assert grouped.value == lone.value == 0.5 and grouped.error == pytest.approx(lone.error)
    assert (grouped.high - 0.5) / (lone.high - 0.5) == pytest.approx(2.5706 / 1.96, abs=1e-3)


def test_few_of_many_folds_are_scored_with_less_to_learn_from_each_other() -> None:
    """Three of ten folds of 200 rows score 60; each learned from the 180 others."""
    assert estimation.scatter(60, 3, 10) == pytest.approx(1 / 60 + 1 / 180)
    assert estimation.scatter(200, 10, 10) == estimation.scatter(200, 10) == pytest.approx(1 / 200 + 1 / 180)
    values, parts = np.array([0.0, 2.0, 2.0, 4.0]), np.array([0, 0, 1, 1])
    assert estimation.excess(values, parts, drawn=10) == pytest.approx((2 - 1) * (1 / 2 + 1 / 9))
    rng = np.random.default_rng(0)
    target, answer, parts = rng.normal(size=60), rng.normal(size=(60, 1)), np.arange(60) % 3
    few, all_of_three = (
        estimation.estimate("mae", target, answer, None, parts, 100, drawn=drawn) for drawn in (10, None)
    )
    assert few.value == all_of_three.value and few.error < all_of_three.error


def test_the_interval_covers_where_few_of_many_folds_are_scored() -> None:
    """A mean is learned from the 90 rows outside a fold of ten; three folds score 30 rows, and 200 come later."""
    rng, covered = np.random.default_rng(6), []
    for _ in range(400):
        target, parts = rng.normal(size=100), np.arange(100) % 10
        inside = parts < 3
        answer = np.array([target[parts != one].mean() for one in range(10)])[parts][inside, None]
        later = np.sqrt(np.square(rng.normal(size=200) - target.mean()).mean())
        found = estimation.estimate("rmse", target[inside], answer, None, parts[inside], 200, drawn=10)
        covered.append(found.low <= later <= found.high)
    assert 0.93 <= np.mean(covered) <= 0.99
