"""The Gaussian process of the search against scikit-learn's, and its derivatives against differences."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Matern, WhiteKernel

from pipeline.nets.gaussian import JITTER, RESTARTS, GaussianProcess, _distances, _surprise


def losses(seed: int, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Points ``[30, 4]`` and values that two of the axes decide, besides noise."""
    generator = np.random.default_rng(seed)
    points = generator.random((30, 4))
    return points, 0.3 + np.sin(3 * points[:, 0]) + points[:, 1] ** 2 + noise * generator.normal(size=30)


@pytest.mark.filterwarnings("ignore:.*close to the specified")
@pytest.mark.parametrize("noise", [0.0, 0.1, 3.0])
@pytest.mark.parametrize("seed", [1, 2])
def test_it_says_what_scikit_learns_says(seed: int, noise: float) -> None:
    points, values = losses(seed, noise)
    kernel = Matern(nu=2.5, length_scale_bounds=(0.1, 10.0)) + WhiteKernel(0.1, (1e-4, 1.0))
    theirs = GaussianProcessRegressor(
        kernel=kernel, alpha=JITTER, n_restarts_optimizer=RESTARTS, normalize_y=True, random_state=seed
    ).fit(points, values)
    ours = GaussianProcess(seed)
    ours.fit(points, values)
    asked = np.concatenate([points, np.random.default_rng(0).random((40, 4))])
    for own, other in zip(ours.predict(asked), theirs.predict(asked, return_std=True), strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-5, atol=1e-6)


def test_its_derivatives_are_the_limits_of_differences() -> None:
    points, values = losses(3, 0.1)
    distances, at, step = _distances(points, points), np.array([-0.4, -2.0]), 1e-5
    _, derivatives = _surprise(at, distances, values)
    for axis, change in enumerate(np.eye(2) * step):
        rise = _surprise(at + change, distances, values)[0] - _surprise(at - change, distances, values)[0]
        assert derivatives[axis] == pytest.approx(rise / (2 * step), rel=1e-5)


@pytest.mark.parametrize(("count", "value"), [(1, 0.7), (7, 0.7), (30, 0.1), (30, 0.0), (30, -1e9)])
def test_values_that_are_all_alike_are_what_it_expects_anywhere(count: int, value: float) -> None:
    """And it is as unsure as ever of what lies far away, else a search would stay where it has been: the deviation of
    thirty times 0.1 is 3e-17, not 0."""
    process, points = GaussianProcess(0), losses(0, 0.0)[0][:count]
    process.fit(points, np.full(count, value))
    mean, sd = process.predict(np.stack([points[0], points[0] + 5, points[0] + 500]))
    np.testing.assert_allclose(mean, value, rtol=1e-12)
    assert sd[0] < sd[1] <= sd[2] and sd[2] >= 1


def test_it_is_surer_where_it_has_seen_a_value() -> None:
    points, values = losses(4, 0.01)
    process = GaussianProcess(0)
    process.fit(points, values)
    mean, sd = process.predict(np.stack([points[0], points[0] + 5]))
    assert mean[0] == pytest.approx(values[0], abs=0.1) and sd[0] < 0.2 * sd[1]
    assert mean[1] == pytest.approx(values.mean(), abs=1e-3) and sd[1] == pytest.approx(values.std(), rel=0.1)
