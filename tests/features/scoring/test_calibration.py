"""Temperatures and levels against calculations by hand or by another way."""

from __future__ import annotations

import json

import numpy as np
import pytest

from features.scoring import calibration, metrics


def test_the_temperature_is_the_one_of_a_search_by_hand() -> None:
    rng = np.random.default_rng(0)
    truth = rng.uniform(0.05, 0.95, 400)
    target = (rng.uniform(size=400) < truth).astype(float)
    sure = 1 / (1 + (1 / truth - 1) ** 1.6)  # log odds 1.6 times what they should be
    found = calibration.temperature(target, sure[None, :, None])
    grid = np.linspace(0.5, 3, 5001)
    logits = np.log(sure / (1 - sure))
    losses = [
        np.logaddexp(0, -np.where(target == 1, 1, -1) * logits / t).mean() + 2 * (1 / t - 1) ** 2 / 400 for t in grid
    ]
    assert found == pytest.approx(grid[int(np.argmin(losses))], abs=1e-3) and 1.3 < found < 1.9
    cooler = calibration.with_temperature(sure[:, None], found)
    assert np.log(cooler / (1 - cooler))[:, 0] == pytest.approx(logits / found)
    assert metrics.row_log_loss(target, cooler).mean() < metrics.row_log_loss(target, sure[:, None]).mean()


def test_a_level_moves_answers_and_keeps_them_in_its_range() -> None:
    level = calibration.Level(2.0, 1.0, 3.0, 9.0)
    np.testing.assert_allclose(level.apply(np.array([[0.5, 2.0], [np.nan, 7.0]])), [[3.0, 5.0], [np.nan, 9.0]])
    free = calibration.Level(3.0, 0.5, -np.inf, np.inf)
    kept = calibration.Level.from_mapping(json.loads(json.dumps(free.to_mapping())))
    assert kept == free and kept.apply(np.array([7.0])) == pytest.approx([21.5])
    whole = calibration.Level(1.0, 0.25, -np.inf, 8.0, rounded=True)
    kept = calibration.Level.from_mapping(json.loads(json.dumps(whole.to_mapping())))
    assert kept.apply(np.array([-0.5, 1.5, 99.0])).tolist() == [0.0, 2.0, 8.0] and kept.moves()["rounded"] == 1
    assert str(kept.apply(np.array([-0.5]))[0]) == "0.0", "no -0 in a submission"
    del (older := whole.to_mapping())["rounded"]
    assert not calibration.Level.from_mapping(older).rounded


def test_answers_are_rounded_where_that_is_surely_nearer() -> None:
    """Counts of few levels; not where they spread far beyond a whole number, nor of few rows, nor of fractions."""
    generator = np.random.default_rng(0)
    rate = generator.uniform(0, 2, 2000)
    counts, said = generator.poisson(rate).astype(float), rate[None] - 0.2 + 0.1 * generator.normal(size=(2, 2000))
    assert calibration.whole_is_nearer(counts, said)
    before, after = (np.abs(one - counts).mean() for one in (said, np.rint(said)))
    assert after < 0.97 * before
    assert not calibration.whole_is_nearer(counts + 0.5 * (np.arange(2000) == 7), said)
    assert not calibration.whole_is_nearer(counts[:1], said[:, :1])
    assert not calibration.whole_is_nearer(np.arange(2000) % 2 * 10.0, np.full((1, 2000), 4.7))
    exact = np.arange(50.0)
    assert calibration.whole_is_nearer(exact, exact[None] + 0.3) and not calibration.whole_is_nearer(exact, exact[None])


def test_a_factor_makes_answers_add_up_to_the_target() -> None:
    """One that fits to the last digit needs no prior. By hand: the sum is 4 times what is said, and its error
    1 / sqrt(2) of it (errors of 4, where the sum is 8). One wild row of a thousand is not believed."""
    assert calibration.mean_factor(np.array([3.0, 6.0, 9.0]), np.array([1.0, 2.0, 3.0])) == pytest.approx(3)
    found = calibration.mean_factor(np.array([8.0, 0.0]), np.ones(2))
    assert np.log(found) == pytest.approx(np.log(4) * (1 - 0.5 / np.log(4) ** 2) / (1 + 0.5 / 0.5**2))
    assert 1 < calibration.mean_factor(np.r_[1e6, np.ones(999)], np.ones(1000)) < 5
    for nothing in (np.zeros(3), np.ones(3)):
        assert calibration.mean_factor(nothing, 1 - nothing) == 1.0


def test_answers_below_zero_have_no_factor() -> None:
    """Networks that learn ``ln(1 + x / mean)`` may say so little where answers are not clipped."""
    target, answers = np.array([0.0, 0.0, 1.0]), np.array([-0.5, -0.5, 0.2])
    assert calibration.mean_factor(target, answers) == 1.0
    assert calibration.median_factor(target, -np.abs(answers), np.ones(3)) == 1.0


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
        assert calibration.median_factor(target, answers, weights) == pytest.approx(best, abs=0.02)
        best = shifts[np.argmin([(weights * np.abs(answers + shift - noise)).sum() for shift in shifts])]
        assert calibration.median_shift(noise, answers, weights) == pytest.approx(best, abs=0.02)


def test_few_rows_hardly_move_a_median() -> None:
    """Equal errors need no prior; three rows that differ as much as they are off move by a fifth of it; where answers
    or medians are 0, there is no factor."""
    alike, none = np.ones(3), np.zeros(3)
    assert calibration.median_factor(np.array([2.0, 4.0, 6.0]), np.array([1.0, 2.0, 3.0]), alike) == pytest.approx(2)
    assert calibration.median_shift(np.array([2.0, 3.0, 4.0]), np.array([1.0, 2.0, 3.0]), alike) == pytest.approx(1)
    found, error = calibration.median(np.array([3.0, 1.0, 2.0]), np.ones(3))
    assert found == 2 and error == pytest.approx(0.5 * np.sqrt(1 / 3) * 3)
    moved = calibration.median_shift(np.array([1.0, 2.0, 3.0]), none, alike)
    assert moved == pytest.approx(2 * (1 - error**2 / 4) / (1 + error**2 / 0.5**2)) == pytest.approx(0.5 * 0.8125)
    assert calibration.median_factor(alike, none, alike) == calibration.median_factor(none, alike, alike) == 1


def test_rows_of_one_group_tell_less_of_a_level() -> None:
    """Thirty groups of 20 rows that err alike, by nothing on average: their rows by themselves move answers nearly
    always, groups in about a third of the draws, as is due beyond one standard error. One group moves nothing."""
    generator, groups = np.random.default_rng(1), np.repeat(np.arange(30), 20)
    levels = (
        lambda *given: calibration.median_factor(*given[:2], np.ones(600), *given[2:]) - 1,
        lambda *given: calibration.median_shift(*given[:2], np.ones(600), *given[2:]),
        lambda *given: calibration.mean_factor(*given) - 1,
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


def test_rows_of_one_group_tell_less_of_rounding() -> None:
    """Rows that stand in the table nine times say what they would say once."""
    counts, said = np.repeat([0.0, 0.0, 1.0], 9), np.full((1, 27), 0.2)
    assert calibration.whole_is_nearer(counts, said)
    assert not calibration.whole_is_nearer(counts, said, np.repeat(np.arange(3), 9))


@pytest.mark.parametrize("seed", range(5))
def test_what_may_be_noise_moves_nothing_beyond_it(seed: int) -> None:
    """Of even errors around answers that are right there is nothing to learn: within one standard error nothing is
    moved, beyond it less than that."""
    generator = np.random.default_rng(seed)
    answers = generator.uniform(1, 3, 400)
    target = answers + 0.3 * generator.normal(size=400)
    plain = float(np.median(target - answers)), calibration.median(target - answers, np.ones(400))[1]
    moved = calibration.median_shift(target, answers, np.ones(400))
    assert abs(moved) < abs(plain[0]) and (moved == 0) == (abs(plain[0]) <= plain[1])
    error = float(np.sqrt(np.square(target - answers).sum())) / target.sum()
    assert abs(np.log(calibration.mean_factor(target, answers))) < 2 * error
    assert (
        calibration.drawn(0.9, 1.0, 10.0) == 0 == calibration.drawn(0.0, 0.0, 1.0) == calibration.drawn(2.0, 1.0, 0.0)
    )


def test_noise_is_zero_and_not_the_one_below_it() -> None:
    assert str(calibration.drawn(-0.9, 1.0, 10.0)) == "0.0"


def test_the_temperature_of_several_classes() -> None:
    """Two classes said twice, as one column and as two, want the same temperature; few rows stay near 1."""
    answers = np.array([0.9, 0.8, 0.3, 0.6, 0.2])
    target = np.array([1, 0, 0, 1, 1])
    one = calibration.temperature(target, answers[None, :, None])
    two = calibration.temperature(target, np.stack([1 - answers, answers], axis=1)[None])
    assert one == pytest.approx(two, rel=1e-6)
    cooled = calibration.with_temperature(np.array([[0.5, 0.3, 0.2]]), 2.0)
    assert cooled[0] == pytest.approx(np.sqrt([0.5, 0.3, 0.2]) / np.sqrt([0.5, 0.3, 0.2]).sum())
    assert calibration.with_temperature(answers, 1.0) is answers
