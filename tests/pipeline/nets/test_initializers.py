"""First weights: their variance, their symmetry, and what waves are features of."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.nets.initializers import FASTEST, initial_kernel, initial_waves


@pytest.mark.parametrize(
    ("name", "variance"),
    [
        ("glorot_uniform", 2 / 300),
        ("glorot_normal", 2 / 300),
        ("he_normal", 2 / 200),
        ("he_uniform", 2 / 200),
        ("lecun_normal", 1 / 200),
        ("random_normal", 0.0025),
    ],
)
def test_initializers_have_their_variance(name: str, variance: float) -> None:
    kernel = initial_kernel(name, np.random.default_rng(0), 200, 100)
    assert kernel.var() == pytest.approx(variance, rel=0.05)
    assert kernel.mean() == pytest.approx(0.0, abs=4 * np.sqrt(variance / kernel.size))


@pytest.mark.parametrize(("name", "weight"), [("zeros", 0.0), ("small_equal", 0.05), ("ones", 1.0)])
def test_equal_weights_are_all_one_number(name: str, weight: float) -> None:
    assert (initial_kernel(name, np.random.default_rng(0), 20, 10) == np.float32(weight)).all()


def test_first_waves_are_features_of_the_laplacian_kernel() -> None:
    """The mean over units of the cosine of what two rows differ by is ``exp(-frequency |x - y|_1)``, but for the one in
    five hundred weights that are cut off."""
    kernel, bias = initial_waves(0.01, np.random.default_rng(0), 5, 40_000)
    assert np.median(np.abs(kernel)) == pytest.approx(0.01, rel=0.02)
    assert np.abs(kernel).max() == pytest.approx(FASTEST)
    assert bias.shape == (40_000,) and np.abs(bias).max() <= np.pi / 4
    for apart in (np.array([20.0, 0, 0, 0, 0]), np.array([-10.0, 20.0, 5.0, 0.0, 15.0]), np.full(5, 12.3)):
        kernel_of_rows = np.cos(apart @ kernel).mean()
        assert kernel_of_rows == pytest.approx(np.exp(-0.01 * np.abs(apart).sum()), abs=0.02)
