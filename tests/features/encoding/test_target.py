"""A regression's target: when it is learned as a logarithm, and that every answer finds its way back."""

from __future__ import annotations

import json

import numpy as np
import pytest

from features.encoding.target import TargetScale, choose, heavy_tailed, skewness, tamed_by_logarithm, transformed
from pipeline.files import _plain

SKEWED = np.exp(np.random.default_rng(0).normal(12, 0.6, 400))
HEAVY = np.random.default_rng(0).standard_cauchy(400).clip(-60, 60)
EVEN = np.random.default_rng(0).normal(100, 5, 400)


@pytest.mark.parametrize(
    ("target", "metric", "setting", "name"),
    [
        (EVEN, "rmse", "auto", "none"),
        (SKEWED, "rmse", "auto", "log"),
        (SKEWED, "rmse", "none", "none"),
        (EVEN, "rmse", "log", "log"),
        (EVEN, "rmsle", "auto", "log1p"),
        (SKEWED - SKEWED.min(), "rmse", "auto", "log1p_mean"),
        (1e6 * (SKEWED - SKEWED.min()), "rmse", "auto", "log1p_mean"),
        (SKEWED - SKEWED.min(), "mae", "auto", "none"),
        (SKEWED - SKEWED.min(), "mae", "log", "log1p_mean"),
        (SKEWED - SKEWED.min(), "rmse", "none", "none"),
        (SKEWED - SKEWED.min() - 1e-9, "rmse", "log", "none"),
        (EVEN - EVEN.min(), "rmse", "auto", "none"),
        (np.zeros(9), "rmse", "log", "none"),
        (HEAVY, "mae", "auto", "asinh"),
        (HEAVY, "rmse", "auto", "none"),
        (HEAVY, "mae", "log", "none"),
        (HEAVY, "mae", "none", "none"),
        (np.exp(HEAVY / 4), "mae", "auto", "log"),
        (EVEN, "mae", "auto", "none"),
        (EVEN, "mape", "auto", "log"),
        (EVEN, "mape", "none", "none"),
        (-EVEN, "mape", "auto", "none"),
        (HEAVY, "mape", "auto", "none"),
        (np.r_[np.zeros(90), 1000.0], "mae", "auto", "none"),
        (SKEWED - SKEWED.min() - 5, "rmsle", "log", "none"),
        (-SKEWED, "mae", "auto", "none"),
        (np.array([-1.0, 3.0, 8.0]), "rmsle", "auto", "none"),
    ],
)
def test_which_logarithm(target: np.ndarray, metric: str, setting: str, name: str) -> None:
    assert choose(target, metric, setting) == name


def test_a_logarithm_tames_what_is_positive_and_skewed_to_the_right() -> None:
    assert tamed_by_logarithm(SKEWED)
    # To the left a logarithm makes it worse; of nothing there is none.
    for values in (EVEN, -SKEWED, SKEWED.max() + 1 - SKEWED, np.append(SKEWED, 0), np.zeros(0)):
        assert not tamed_by_logarithm(values)


def test_skewness_by_hand() -> None:
    """One of four: standard deviation ``sqrt(3) / 4``, third moment ``3 / 32``; whatever the units."""
    values = np.array([0.0, 0.0, 0.0, 1.0])
    assert skewness(values) == pytest.approx(2 / np.sqrt(3)) == pytest.approx(-skewness(7 - 3 * np.tile(values, 5)))
    assert skewness(np.full(3, 5.0)) == 0.0


@pytest.mark.parametrize("name", ["none", "log", "log1p", "log1p_mean", "asinh"])
def test_there_and_back_by_json(name: str) -> None:
    train = np.ones((400, 2), bool)
    train[:200, 1] = False
    fitted = TargetScale.fit(name, SKEWED, train)
    kept = TargetScale.from_mapping(json.loads(json.dumps(fitted.to_mapping(), default=_plain)), 2)
    standard = kept.standard(SKEWED)
    assert standard.shape == (2, 400) and standard.dtype == np.float32
    np.testing.assert_allclose([standard[0].mean(), standard[1, 200:].std()], [0, 1], atol=1e-5)
    back = kept.original(standard[:, :, None], np.array([0, 1]), clip=False)
    np.testing.assert_allclose(back[:, :, 0], np.stack([SKEWED, SKEWED]), rtol=1e-5)


def test_answers_stay_in_the_range_of_the_folds_own_train_rows() -> None:
    target, train = np.array([1.0, 2.0, 3.0, 50.0]), np.array([[1, 1], [1, 1], [1, 1], [0, 1]], bool)
    fitted = TargetScale.fit("none", target, train)
    wild = np.full((2, 1, 1), 1e6, np.float32)
    assert fitted.original(wild, np.array([0, 1]), clip=True)[:, 0, 0].tolist() == [3.0, 50.0]
    assert (fitted.original(wild, np.array([0, 1]), clip=False) > 50).all()
    assert np.isfinite(TargetScale.fit("log", target, train).original(wild, np.array([0, 1]), clip=True)).all()


@pytest.mark.parametrize("centre", [1.7e9, 1.7e12])
def test_a_target_far_from_zero_keeps_what_networks_tell_apart(centre: float) -> None:
    target = centre + 500 * np.random.default_rng(0).normal(size=300)
    fitted = TargetScale.fit("none", target, np.ones((300, 1), bool))
    back = fitted.original(fitted.standard(target)[:, :, None], np.array([0]), clip=True)
    assert back.dtype == np.float64 and np.abs(back[0, :, 0] - target).max() < 0.01


@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_zeros_are_learned_alike_in_any_unit(unit: float) -> None:
    """In units of the mean of the fold's own train rows."""
    target = np.array([0.0, 0.0, 1.0, 3.0, 50.0, 9.0])
    train = np.array([[1, 1], [1, 1], [1, 1], [1, 1], [0, 1], [1, 0]], bool)
    plain, other = (TargetScale.fit("log1p_mean", target * size, train) for size in (1.0, unit))
    assert plain.unit.tolist() == pytest.approx([13 / 5, 54 / 5])
    np.testing.assert_allclose(other.standard(target * unit), plain.standard(target), rtol=1e-5, atol=1e-6)
    back = other.original(other.standard(target * unit)[:, :, None], np.array([0, 1]), clip=True)[..., 0]
    np.testing.assert_allclose(back[0], np.minimum(target, 9) * unit, rtol=1e-5, atol=1e-6 * unit)
    assert "unit" not in TargetScale.fit("log", target + 1, train).to_mapping()


def test_heavy_tails_are_learned_from_the_median_on_in_units_of_the_quartiles() -> None:
    """Of the fold's own train rows: 0 to 4 have the median 2 and quartiles 2 apart; what the others say comes back,
    however far away."""
    target, train = np.array([0.0, 1, 2, 3, 4, 1e6, -1e9]), np.array([[1], [1], [1], [1], [1], [0], [0]], bool)
    fitted = TargetScale.fit("asinh", target, train)
    assert [fitted.centre.tolist(), fitted.unit.tolist()] == [[2.0], [pytest.approx(2 / 1.349)]]
    standard = fitted.standard(target)
    assert standard[0, 2] == pytest.approx(0, abs=1e-6) and np.abs(standard).max() < 30
    kept = TargetScale.from_mapping(json.loads(json.dumps(fitted.to_mapping(), default=_plain)), 1)
    back = kept.original(standard[:, :, None], np.array([0]), clip=False)
    np.testing.assert_allclose(back[0, :, 0], target, rtol=1e-4, atol=1e-5)
    assert not heavy_tailed(EVEN) and heavy_tailed(HEAVY) and heavy_tailed(1e-9 * HEAVY - 7)


def test_an_answer_without_a_square_is_none() -> None:
    fitted = TargetScale.fit("log", np.array([1.0, 2.0, 3.0]), np.ones((3, 1), bool))
    assert np.isinf(fitted.original(np.full((1, 1, 1), 200.0, np.float32), np.array([0]), clip=False)).all()


def test_classes_are_left_alone() -> None:
    answers = np.random.default_rng(1).random((3, 5, 2), np.float32)
    kept = TargetScale.from_mapping({}, 4)
    back = kept.original(answers, np.array([0, 3, 1]), clip=True)
    assert back.tobytes() == answers.tobytes() and back.dtype == np.float32
    assert (kept.standard(np.array([0.0, 1.0])) == [[0, 1]] * 4).all()


@pytest.mark.parametrize("value", [7.0, 0.1])
def test_a_constant_target_divides_by_one(value: float) -> None:
    """The mean of 0.1 thrice is not 0.1 to the last bit."""
    fitted = TargetScale.fit("none", np.full(3, value), np.ones((3, 1), bool))
    assert fitted.standard(np.full(3, value)) == pytest.approx(0, abs=1e-15) and fitted.scale.tolist() == [1.0]
    assert transformed("log1p", np.array([0.0]), (0.0, 1.0)).tolist() == [0.0]
