"""Two opinions of reviews into one, and how rows are set aside to judge them by."""

from __future__ import annotations

import numpy as np

from features.metrics import row_log_loss


def set_aside(labels: np.ndarray, fraction: float, seed: int) -> np.ndarray:
    """Which rows are set aside, ``[t] bool``: ``fraction`` of each class of ``labels [t]``, at least one of each."""
    generator, chosen = np.random.default_rng(seed), np.zeros(len(labels), bool)
    for label in np.unique(labels):
        rows = generator.permutation(np.flatnonzero(labels == label))
        chosen[rows[: min(max(round(fraction * len(rows)), 1), len(rows) - 1)]] = True
    return chosen


def best_share(target: np.ndarray, first: np.ndarray, second: np.ndarray) -> float:
    """The share of ``first`` in the average of two probabilities ``[n]`` whose log loss is lowest, in steps of 0.05;
    among equals the smallest."""
    shares = np.round(np.arange(0, 1.0001, 0.05), 2)
    losses = [row_log_loss(target, average(share, first, second)[:, None]).mean() for share in shares]
    return float(shares[int(np.argmin(np.round(losses, 9)))])


def average(share: float, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """``share`` of ``first`` and the rest of ``second``."""
    return share * first + (1 - share) * second


def overfit_epoch(stop_loss: np.ndarray) -> int:
    """The first epoch (from 1) after the lowest loss of rows that were set aside; ``stop_loss [epochs]``.

    One more than the number of epochs where the loss still fell at the end.
    """
    return int(np.nanargmin(stop_loss)) + 2
