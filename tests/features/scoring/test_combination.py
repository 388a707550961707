"""Pooling, selection, ranks, temperature and thresholds against calculations by hand or by another way."""

from __future__ import annotations

import json

import numpy as np
import pytest

from features.errors import UserError
from features.scoring import combination, decisions, metrics

NAN = np.nan
# Two folds of one repeat, three rows: fold 0 scores rows 0 and 1, fold 1 scores row 2. Two members a fold.
OUT_OF_FOLD = np.array([[0.2, 0.4, NAN], [0.4, 0.8, NAN], [NAN, NAN, 0.1], [NAN, NAN, 0.5]], np.float32)[..., None]
FOLD = np.array([0, 0, 1, 1])
EVERY = np.ones(4, bool)


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


def jury(out_of_fold: np.ndarray, fold: np.ndarray, target: np.ndarray, rows: np.ndarray) -> combination.Jury:
    """Of two trials, folds by twos."""
    unit = combination.units(np.tile([7, 9], len(fold) // 2), np.zeros(len(fold)))
    return combination.Jury.of(
        out_of_fold, unit, fold, rows, 2, lambda rows, answers: metrics.row_log_loss(target[rows], answers)
    )


def greedy(out_of_fold: np.ndarray, fold: np.ndarray, target: np.ndarray, rows: np.ndarray) -> list[float]:
    return combination.greedy_votes(jury(out_of_fold, fold, target, rows), np.full(len(rows), 1 / len(rows))).tolist()


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
    return out_of_fold, combination.units(trial, np.zeros(len(trial))), fold, rng.integers(0, 2, rows)


def pooled_loss(votes: np.ndarray, case: tuple[np.ndarray, ...], rows: np.ndarray, share: np.ndarray) -> float:
    """By the weights of members and ``pooled``, a way of its own."""
    out_of_fold, unit, fold, target = case
    weights = combination.member_weights(votes, unit, fold)
    answers = [combination.pooled(out_of_fold, weights, fold // 3 == repeat)[rows] for repeat in range(2)]
    return float(np.mean([metrics.row_log_loss(target[rows], answer) @ share for answer in answers]))


def test_greedy_judges_as_pooling_does() -> None:
    """Step by step the choice that the plain definition makes, trials missing in some folds included."""
    case, rows = library(3), np.arange(0, 30, 2)
    share = np.bincount(np.random.default_rng(1).integers(0, len(rows), len(rows)), minlength=len(rows)) / len(rows)
    out_of_fold, unit, fold, target = case
    judge = combination.Jury.of(
        out_of_fold, unit, fold, rows, 3, lambda rows, answers: metrics.row_log_loss(target[rows], answers)
    )
    votes, best, kept = np.zeros(4), np.inf, np.zeros(4)
    for _ in range(combination.GREEDY_STEPS):
        losses = [pooled_loss(votes + one, case, rows, share) for one in np.eye(4)]
        votes = votes + np.eye(4)[int(np.argmin(losses))]
        if min(losses) < best:
            best, kept = min(losses), votes
    assert combination.greedy_votes(judge, share).tolist() == kept.tolist()
    even = np.full(len(rows), 1 / len(rows))
    votes = np.array([[1.0, 2.0, 0.0, 1.0], [1.0, 1.0, 1.0, 1.0]])
    assert judge.of_votes(votes) == pytest.approx([pooled_loss(one, case, rows, even) for one in votes])


def test_bags_average_selections_and_repeat_themselves() -> None:
    case = library(4)
    out_of_fold, unit, fold, target = case
    judge = combination.Jury.of(
        out_of_fold, unit, fold, np.arange(30), 3, lambda rows, answers: metrics.row_log_loss(target[rows], answers)
    )
    votes, again, other = (combination.bagged_votes(judge, 8, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert votes.sum() == pytest.approx(1) and votes.tolist() == again.tolist() != other.tolist()
    rng = np.random.default_rng(0)
    drawn = [np.bincount(rng.integers(0, 30, 30), minlength=30) / 30 for _ in range(8)]
    single = [combination.greedy_votes(judge, share) for share in drawn]
    assert votes == pytest.approx(np.mean([one / one.sum() for one in single], axis=0))
    plain = combination.greedy_votes(judge, np.full(30, 1 / 30))
    assert combination.bagged_votes(judge, 0, np.random.default_rng(0)).tolist() == plain.tolist()


def test_pruning_leaves_out_what_adds_nothing() -> None:
    """Trial 7 is right, trial 9 always wrong: without trial 9 the loss falls. Where both are needed, both stay."""
    target = np.array([0, 0, 0])
    judge = jury(OUT_OF_FOLD, FOLD, target, np.arange(3))
    assert combination.pruned_votes(judge, np.array([3.0, 1.0])).tolist() == [3.0, 0.0]
    mixed = np.array([[0.9, 0.3, NAN], [0.3, 0.9, NAN], [NAN, NAN, 0.6], [NAN, NAN, 0.6]], np.float32)[..., None]
    needed = jury(mixed, FOLD, np.ones(3), np.arange(3))
    assert combination.pruned_votes(needed, np.ones(2)).tolist() == [1.0, 1.0]


def test_the_temperature_is_the_one_of_a_search_by_hand() -> None:
    rng = np.random.default_rng(0)
    truth = rng.uniform(0.05, 0.95, 400)
    target = (rng.uniform(size=400) < truth).astype(float)
    sure = 1 / (1 + (1 / truth - 1) ** 1.6)  # log odds 1.6 times what they should be
    found = combination.temperature(target, sure[None, :, None])
    grid = np.linspace(0.5, 3, 5001)
    logits = np.log(sure / (1 - sure))
    losses = [
        np.logaddexp(0, -np.where(target == 1, 1, -1) * logits / t).mean() + 2 * (1 / t - 1) ** 2 / 400 for t in grid
    ]
    assert found == pytest.approx(grid[int(np.argmin(losses))], abs=1e-3) and 1.3 < found < 1.9
    cooler = combination.with_temperature(sure[:, None], found)
    assert np.log(cooler / (1 - cooler))[:, 0] == pytest.approx(logits / found)
    assert metrics.row_log_loss(target, cooler).mean() < metrics.row_log_loss(target, sure[:, None]).mean()


def test_a_level_moves_answers_and_keeps_them_in_its_range() -> None:
    level = combination.Level(2.0, 1.0, 3.0, 9.0)
    np.testing.assert_allclose(level.apply(np.array([[0.5, 2.0], [np.nan, 7.0]])), [[3.0, 5.0], [np.nan, 9.0]])
    free = combination.Level(3.0, 0.5, -np.inf, np.inf)
    kept = combination.Level.from_mapping(json.loads(json.dumps(free.to_mapping())))
    assert kept == free and kept.apply(np.array([7.0])) == pytest.approx([21.5])
    whole = combination.Level(1.0, 0.25, -np.inf, 8.0, rounded=True)
    kept = combination.Level.from_mapping(json.loads(json.dumps(whole.to_mapping())))
    assert kept.apply(np.array([-0.5, 1.5, 99.0])).tolist() == [0.0, 2.0, 8.0] and kept.moves()["rounded"] == 1
    assert str(kept.apply(np.array([-0.5]))[0]) == "0.0", "no -0 in a submission"
    del (older := whole.to_mapping())["rounded"]
    assert not combination.Level.from_mapping(older).rounded


def test_answers_are_rounded_where_that_is_surely_nearer() -> None:
    """Counts of few levels; not where they spread far beyond a whole number, nor of few rows, nor of fractions."""
    generator = np.random.default_rng(0)
    rate = generator.uniform(0, 2, 2000)
    counts, said = generator.poisson(rate).astype(float), rate[None] - 0.2 + 0.1 * generator.normal(size=(2, 2000))
    assert combination.whole_is_nearer(counts, said)
    before, after = (np.abs(one - counts).mean() for one in (said, np.rint(said)))
    assert after < 0.97 * before
    assert not combination.whole_is_nearer(counts + 0.5 * (np.arange(2000) == 7), said)
    assert not combination.whole_is_nearer(counts[:1], said[:, :1])
    assert not combination.whole_is_nearer(np.arange(2000) % 2 * 10.0, np.full((1, 2000), 4.7))
    exact = np.arange(50.0)
    assert combination.whole_is_nearer(exact, exact[None] + 0.3) and not combination.whole_is_nearer(exact, exact[None])


def test_a_factor_makes_answers_add_up_to_the_target() -> None:
    """One that fits to the last digit needs no prior. By hand: the sum is 4 times what is said, and its error
    1 / sqrt(2) of it (errors of 4, where the sum is 8). One wild row of a thousand is not believed."""
    assert combination.mean_factor(np.array([3.0, 6.0, 9.0]), np.array([1.0, 2.0, 3.0])) == pytest.approx(3)
    found = combination.mean_factor(np.array([8.0, 0.0]), np.ones(2))
    assert np.log(found) == pytest.approx(np.log(4) * (1 - 0.5 / np.log(4) ** 2) / (1 + 0.5 / 0.5**2))
    assert 1 < combination.mean_factor(np.r_[1e6, np.ones(999)], np.ones(1000)) < 5
    for nothing in (np.zeros(3), np.ones(3)):
        assert combination.mean_factor(nothing, 1 - nothing) == 1.0


def test_answers_below_zero_have_no_factor() -> None:
    """Networks that learn ``ln(1 + x / mean)`` may say so little where answers are not clipped."""
    target, answers = np.array([0.0, 0.0, 1.0]), np.array([-0.5, -0.5, 0.2])
    assert combination.mean_factor(target, answers) == 1.0
    assert combination.median_factor(target, -np.abs(answers), np.ones(3)) == 1.0


@pytest.mark.parametrize("seed", range(3))
def test_medians_lower_the_absolute_error_as_far_as_any_factor_or_shift(seed: int) -> None:
    """Of many rows, against a search by hand; skewed errors, whose mean is elsewhere; also where rows weigh more or
    less."""
    generator = np.random.default_rng(seed)
    answers = np.exp(generator.normal(size=4000))
    target = answers * (0.2 + generator.exponential(size=4000))
    factors, shifts = np.linspace(0.2, 1.8, 321), np.linspace(-1, 1, 401)
    noise = answers + generator.exponential(size=4000) - 1
    for weights in (np.ones(4000), 1 / (1 + target)):
        best = factors[np.argmin([(weights * np.abs(factor * answers - target)).sum() for factor in factors])]
        assert combination.median_factor(target, answers, weights) == pytest.approx(best, abs=0.02)
        best = shifts[np.argmin([(weights * np.abs(answers + shift - noise)).sum() for shift in shifts])]
        assert combination.median_shift(noise, answers, weights) == pytest.approx(best, abs=0.02)


def test_few_rows_hardly_move_a_median() -> None:
    """Equal errors need no prior; three rows that differ as much as they are off move by a fifth of it; where answers
    or medians are 0, there is no factor."""
    alike, none = np.ones(3), np.zeros(3)
    assert combination.median_factor(np.array([2.0, 4.0, 6.0]), np.array([1.0, 2.0, 3.0]), alike) == pytest.approx(2)
    assert combination.median_shift(np.array([2.0, 3.0, 4.0]), np.array([1.0, 2.0, 3.0]), alike) == pytest.approx(1)
    found, error = combination.median(np.array([3.0, 1.0, 2.0]), np.ones(3))
    assert found == 2 and error == pytest.approx(0.5 * np.sqrt(1 / 3) * 3)
    moved = combination.median_shift(np.array([1.0, 2.0, 3.0]), none, alike)
    assert moved == pytest.approx(2 * (1 - error**2 / 4) / (1 + error**2 / 0.5**2)) == pytest.approx(0.5 * 0.8125)
    assert combination.median_factor(alike, none, alike) == combination.median_factor(none, alike, alike) == 1


def test_rows_of_one_group_tell_less_of_a_level() -> None:
    """Thirty groups of 20 rows that err alike, by nothing on average: their rows by themselves move answers nearly
    always, groups in about a third of the draws, as is due beyond one standard error. One group moves nothing."""
    generator, groups = np.random.default_rng(1), np.repeat(np.arange(30), 20)
    levels = (
        lambda *given: combination.median_factor(*given[:2], np.ones(600), *given[2:]) - 1,
        lambda *given: combination.median_shift(*given[:2], np.ones(600), *given[2:]),
        lambda *given: combination.mean_factor(*given) - 1,
    )
    for level in levels:
        alone, grouped = [], []
        for _ in range(60):
            answers = generator.uniform(9, 11, 600)
            target = answers + generator.normal(size=30)[groups] + 0.2 * generator.normal(size=600)
            alone.append(level(target, answers) != 0)
            grouped.append(level(target, answers, groups) != 0)
            assert level(target, answers, np.zeros(600)) == 0
            assert level(target, answers, np.arange(600)) == level(target, answers)
        assert np.mean(alone) > 0.75 and 0.1 < np.mean(grouped) < 0.5


def test_rows_of_one_group_tell_less_of_rounding_and_of_a_threshold() -> None:
    """Rows that stand in the table nine times say what they would say once; one group alone says nothing."""
    generator, groups, one = np.random.default_rng(1), np.repeat(np.arange(60), 9), np.zeros(540)
    classes, sure = (generator.uniform(size=60) < 0.3).astype(int), generator.uniform(0.1, 0.5, 60)
    copies = np.repeat(classes, 9), np.repeat(sure, 9)[None]
    once = combination.best_threshold("f1", classes, sure[None])
    assert combination.best_threshold("f1", *copies, groups) == once != combination.best_threshold("f1", *copies)
    true = combination.best_threshold("f1", *copies, one)
    assert abs(once - true) < abs(combination.best_threshold("f1", *copies) - true)
    counts, said = np.repeat([0.0, 0.0, 1.0], 9), np.full((1, 27), 0.2)
    assert combination.whole_is_nearer(counts, said)
    assert not combination.whole_is_nearer(counts, said, np.repeat(np.arange(3), 9))


@pytest.mark.parametrize("seed", range(5))
def test_what_may_be_noise_moves_nothing_beyond_it(seed: int) -> None:
    """Of even errors around answers that are right there is nothing to learn: within one standard error nothing is
    moved, beyond it less than that."""
    generator = np.random.default_rng(seed)
    answers = generator.uniform(1, 3, 400)
    target = answers + 0.3 * generator.normal(size=400)
    plain = float(np.median(target - answers)), combination.median(target - answers, np.ones(400))[1]
    moved = combination.median_shift(target, answers, np.ones(400))
    assert abs(moved) < abs(plain[0]) and (moved == 0) == (abs(plain[0]) <= plain[1])
    error = float(np.sqrt(np.square(target - answers).sum())) / target.sum()
    assert abs(np.log(combination.mean_factor(target, answers))) < 2 * error
    assert (
        combination.drawn(0.9, 1.0, 10.0) == 0 == combination.drawn(0.0, 0.0, 1.0) == combination.drawn(2.0, 1.0, 0.0)
    )


def test_noise_is_zero_and_not_the_one_below_it() -> None:
    assert str(combination.drawn(-0.9, 1.0, 10.0)) == "0.0"


def test_the_temperature_of_several_classes() -> None:
    """Two classes said twice, as one column and as two, want the same temperature; few rows stay near 1."""
    answers = np.array([0.9, 0.8, 0.3, 0.6, 0.2])
    target = np.array([1, 0, 0, 1, 1])
    one = combination.temperature(target, answers[None, :, None])
    two = combination.temperature(target, np.stack([1 - answers, answers], axis=1)[None])
    assert one == pytest.approx(two, rel=1e-6)
    cooled = combination.with_temperature(np.array([[0.5, 0.3, 0.2]]), 2.0)
    assert cooled[0] == pytest.approx(np.sqrt([0.5, 0.3, 0.2]) / np.sqrt([0.5, 0.3, 0.2]).sum())
    assert combination.with_temperature(answers, 1.0) is answers


def test_a_mean_of_ranks_by_hand() -> None:
    """Member 1 says the squares of what member 0 says, so both rank alike: the answers are means of equal ranks."""
    said = np.linspace(0.1, 0.9, len(combination.LEVELS))
    ranks = combination.Ranks.of(np.stack([said, said**2])[..., None])
    places = ranks.forward(np.stack([said[[0, 20, 40]], said[[0, 20, 40]] ** 2])[..., None])[..., 0]
    assert places == pytest.approx(np.tile(combination.LEVELS[[0, 20, 40]], (2, 1)))
    assert ranks.back(places.mean(axis=0)) == pytest.approx((said + said**2)[[0, 20, 40]] / 2)
    beyond = ranks.forward(np.array([[0.0, 1.0, NAN], [0.0, 1.0, NAN]])[..., None])[0, :, 0]
    assert beyond[:2].tolist() == [0.0, 1.0] and np.isnan(beyond[2])


def test_equal_answers_share_their_rank_and_few_rows_have_none() -> None:
    said = np.r_[np.full(40, 0.2), np.linspace(0.3, 0.9, 60)]
    ranks = combination.Ranks.of(said[None, :, None])
    assert ranks.forward(np.array([0.2])[None, :, None])[0, 0, 0] == pytest.approx(0.2, abs=0.02)
    with pytest.raises(UserError, match=r"4 test rows are too few to rank among; expected 65 or more"):
        combination.Ranks.of(np.zeros((2, 4, 1)))


def test_the_threshold_stays_at_half_unless_another_is_surely_better() -> None:
    answers = np.array([0.1, 0.3, 0.35, 0.4])
    assert combination.best_threshold("accuracy", np.array([0, 0, 0, 0]), answers[None]) == 0.5
    # Two of four rows gained, with an error of 0.29: surely better, and 0.39 is the nearest to a half that has all.
    assert combination.best_threshold("accuracy", np.array([0, 0, 0, 1]), answers[None]) == 0.5
    many = np.tile([0.2, 0.2, 0.4, 0.4], 25)
    assert combination.best_threshold("accuracy", np.tile([0, 0, 1, 1], 25), np.stack([many, many])) == pytest.approx(
        0.39
    )
    # One row of a hundred gained by moving is no sure gain.
    few = np.r_[np.full(50, 0.2), np.full(49, 0.8), 0.45]
    assert combination.best_threshold("accuracy", np.r_[np.zeros(50), np.ones(50)], few[None]) == 0.5


def test_the_threshold_of_a_metric_is_drawn_to_what_true_probabilities_ask_for() -> None:
    """Of balanced accuracy the share of class 1, of F1 half the F1 that it gives (Lipton et al., 2014), also where that
    class is rare: labels say nothing else, since they were drawn by the probabilities."""
    rng = np.random.default_rng(0)
    for power in (2, 9):
        chances = rng.uniform(size=4000) ** power
        target = (rng.uniform(size=4000) < chances).astype(float)
        share = combination.best_threshold("balanced_accuracy", target, chances[None])
        assert share == pytest.approx(chances.mean(), abs=0.02)
        half = combination.best_threshold("f1", target, chances[None])
        f1 = decisions.value("f1", target, (chances > half).astype(int))
        assert half == pytest.approx(f1 / 2, abs=0.03)
        mcc = combination.best_threshold("mcc", target, chances[None])
        best = max(decisions.value("mcc", target, (chances > one).astype(int)) for one in np.arange(0.01, 1, 0.01))
        assert decisions.value("mcc", target, (chances > mcc).astype(int)) > best - 0.02


def test_labels_that_probabilities_misjudge_move_the_threshold() -> None:
    """Probabilities half as large as they should be: F1 is best at half the threshold."""
    rng = np.random.default_rng(0)
    chances = rng.uniform(size=4000) ** 2
    target = (rng.uniform(size=4000) < chances).astype(float)
    true = combination.best_threshold("f1", target, chances[None])
    halved = combination.best_threshold("f1", target, chances[None] / 2)
    assert halved == pytest.approx(true / 2, abs=0.04)


def test_rows_of_one_class_choose_no_threshold() -> None:
    for metric in ("accuracy", "f1", "balanced_accuracy", "mcc"):
        assert combination.best_threshold(metric, np.ones(9), np.linspace(0.1, 0.9, 9)[None]) == 0.5
