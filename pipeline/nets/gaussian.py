"""A Gaussian process (Rasmussen and Williams, 2006): what the losses of a few trials say of all others.

scikit-learn's ``GaussianProcessRegressor`` computes the same (a test compares the two), but takes half a second to load
and spends most of its time on checks, where points are as few as trials.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.optimize import minimize

# Points lie in [0, 1] along each axis, hence the length scale's bounds; losses of a cross-validation are noisy. Both as
# logarithms; the first start of the fit and how many others are drawn.
LOWEST, HIGHEST = np.log([0.1, 1e-4]), np.log([10.0, 1.0])
START, RESTARTS = np.log([1.0, 0.1]), 2
# Added to the variance of each value, so that the matrix of many equal points can be inverted.
JITTER = 1e-4


class GaussianProcess:
    """Matern's covariance with ``nu = 5/2`` of the distance over a length scale, and noise, both the most likely ones;
    values are standardised. ``seed`` draws where the fit starts again."""

    def __init__(self, seed: int) -> None:
        random = np.random.RandomState(seed)
        self._starts = [START, *(random.uniform(LOWEST, HIGHEST) for _ in range(RESTARTS))]

    def fit(self, points: np.ndarray, values: np.ndarray) -> None:
        """Learn from ``values [n]`` at ``points [n, d]``."""
        self._points = points
        # Of values that are all alike rounding leaves a deviation of its own.
        self._mean, self._sd = values.mean(), values.std() if np.ptp(values) else 1.0
        standard, distances = (values - self._mean) / self._sd, _distances(points, points)
        bounds = np.stack([LOWEST, HIGHEST], axis=1)
        fits = [
            minimize(_surprise, start, (distances, standard), "L-BFGS-B", jac=True, bounds=bounds)
            for start in self._starts
        ]
        self._length, self._noise = np.exp(min(fits, key=lambda fit: fit.fun).x)
        covariance, _ = _matern(distances / self._length)
        self._factor = cholesky(covariance + (self._noise + JITTER) * np.eye(len(points)), lower=True)
        self._weights = cho_solve((self._factor, True), standard)

    def predict(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation (noise included) of a value at each of ``points [k, d]``."""
        covariance, _ = _matern(_distances(points, self._points) / self._length)
        explained = solve_triangular(self._factor, covariance.T, lower=True)
        variance = np.maximum(1.0 + self._noise - (explained**2).sum(axis=0), 0.0)
        return self._mean + self._sd * (covariance @ self._weights), self._sd * np.sqrt(variance)


def _distances(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Between each of ``left [k, d]`` and each of ``right [n, d]``, ``[k, n]``."""
    squared = np.zeros((len(left), len(right)))
    for one, other in zip(left.T, right.T, strict=True):
        squared += (one[:, None] - other) ** 2
    return np.sqrt(squared)


def _matern(distances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Covariance at ``distances`` in length scales, and its derivative by the length scale's logarithm."""
    scaled = math.sqrt(5.0) * distances
    decay, square = np.exp(-scaled), scaled**2 / 3.0
    return (1.0 + scaled + square) * decay, square * (1.0 + scaled) * decay


def _surprise(logarithms: np.ndarray, distances: np.ndarray, values: np.ndarray) -> tuple[float, np.ndarray]:
    """How unlikely ``values [n]`` are, as the negative logarithm of their density, and its derivatives by the
    ``logarithms`` of length scale and noise (algorithm 2.1 and equation 5.9 of the book)."""
    length, noise = np.exp(logarithms)
    identity = np.eye(len(values))
    covariance, by_length = _matern(distances / length)
    factor = cholesky(covariance + (noise + JITTER) * identity, lower=True, check_finite=False)
    weights = cho_solve((factor, True), values, check_finite=False)
    fit = 0.5 * values @ weights + np.log(np.diag(factor)).sum() + 0.5 * len(values) * math.log(2.0 * math.pi)
    slack = cho_solve((factor, True), identity, check_finite=False) - np.outer(weights, weights)
    return float(fit), 0.5 * np.array([(slack * by_length).sum(), noise * np.trace(slack)])
