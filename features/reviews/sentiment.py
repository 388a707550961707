"""Several opinions of reviews into one, and how rows are set aside to judge them by."""

from __future__ import annotations

from itertools import product

import numpy as np

from features.scoring.metrics import row_log_loss

# Shares of opinions are tried in so many equal parts of 1.
STEPS = 20


def set_aside(labels: np.ndarray, fraction: float, seed: int) -> np.ndarray:
    """Which rows are set aside, ``[t] bool``: ``fraction`` of each class of ``labels [t]``, at least one of each."""
    generator, chosen = np.random.default_rng(seed), np.zeros(len(labels), bool)
    for label in np.unique(labels):
        rows = generator.permutation(np.flatnonzero(labels == label))
        chosen[rows[: min(max(round(fraction * len(rows)), 1), len(rows) - 1)]] = True
    return chosen


def best_shares(target: np.ndarray, opinions: np.ndarray) -> np.ndarray:
    """The shares ``[k]`` of probabilities ``opinions [k, n]`` in the average whose log loss is lowest, in parts
    of ``1 / STEPS``; among equals the smallest shares of the first."""
    best, shares = np.inf, np.eye(len(opinions))[-1]
    odds = log_odds(opinions)
    for parts in product(range(STEPS + 1), repeat=len(opinions) - 1):
        if sum(parts) <= STEPS:
            tried = np.array([*parts, STEPS - sum(parts)]) / STEPS
            loss = row_log_loss(target, sigmoid(tried @ odds)[:, None]).mean()
            if loss < best - 1e-9:
                best, shares = loss, tried
    return shares


def average(shares: np.ndarray, opinions: np.ndarray) -> np.ndarray:
    """Mean of the log odds of probabilities ``opinions [k, n]``, as a probability ``[n]``. Who is sure has more say so
    than in a mean of probabilities."""
    return sigmoid(shares @ log_odds(opinions))


def log_odds(probability: np.ndarray) -> np.ndarray:
    """``log(p / (1 - p))``, of 0 and 1 as of the nearest probability that single precision holds."""
    kept = np.clip(np.asarray(probability, np.float64), 1e-7, 1 - 1e-7)
    return np.log(kept) - np.log1p(-kept)


def sigmoid(odds: np.ndarray) -> np.ndarray:
    """The probability of log odds, so small that no exponential overflows."""
    return 1.0 / (1.0 + np.exp(-odds))


def overfit_epoch(stop_loss: np.ndarray) -> int:
    """The first epoch (from 1) after the lowest loss of rows that were set aside; ``stop_loss [epochs]``.

    One more than the number of epochs where the loss still fell at the end.
    """
    return int(np.nanargmin(stop_loss)) + 2
