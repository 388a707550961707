"""Members to one answer: the mean, greedy selection, and the threshold of a decision."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

# Steps of the greedy selection; each adds one unit, with replacement.
GREEDY_STEPS = 30


def pooled(out_of_fold: np.ndarray, weights: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """The weighted mean of the members of one repeat: ``out_of_fold [m, t, c]`` (NaN where a member does not score
    the row),
    ``weights [m]``, ``columns [m] bool`` -> ``[t, c]``, NaN where no member scores."""
    answers, part = out_of_fold[columns].astype(np.float64), weights[columns]
    known = ~np.isnan(answers[..., 0])
    total = (known * part[:, None]).sum(axis=0)
    summed = (np.where(known[..., None], answers, 0.0) * part[:, None, None]).sum(axis=0)
    with np.errstate(invalid="ignore"):
        return summed / np.where(total > 0, total, np.nan)[:, None]


def units(trial: np.ndarray, seed: np.ndarray) -> np.ndarray:
    """What greedy selection picks from, ``[m]``: a trial and seed together in all folds, so that one choice covers
    all rows."""
    return np.unique(np.stack([trial, seed], axis=1), axis=0, return_inverse=True)[1].reshape(-1)


def greedy_weights(
    out_of_fold: np.ndarray,
    unit: np.ndarray,
    fold: np.ndarray,
    rows: np.ndarray,
    loss: Callable[[np.ndarray, np.ndarray], float],
    target: np.ndarray,
    folds: int,
) -> np.ndarray:
    """Weights ``[m]`` by greedy selection with replacement (Caruana et al., 2004), judged on ``rows`` only.

    A step adds the unit that lowers the mean over repeats of ``loss(target[rows], answer)`` most. A unit that some
    fold did not choose has no
    say there; a fold left with no selected unit falls back to its plain mean.
    """
    count = unit.max() + 1
    votes = np.zeros(count)
    repeats = [fold // folds == repeat for repeat in np.unique(fold // folds)]

    def judged(candidate: np.ndarray) -> float:
        weights = member_weights(candidate, unit, fold)
        return float(np.mean([loss(target[rows], pooled(out_of_fold, weights, columns)[rows]) for columns in repeats]))

    best, best_votes = np.inf, np.ones(count)
    for _ in range(GREEDY_STEPS):
        tried = [judged(votes + np.eye(count)[number]) for number in range(count)]
        choice = int(np.argmin(tried))
        votes = votes + np.eye(count)[choice]
        if tried[choice] < best:
            best, best_votes = tried[choice], votes.copy()
    return member_weights(best_votes, unit, fold)


def member_weights(votes: np.ndarray, unit: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Each member's weight ``[m]``; within a fold they sum to 1."""
    weights = votes[unit].astype(float)
    for one in np.unique(fold):
        inside = fold == one
        weights[inside] = weights[inside] / weights[inside].sum() if weights[inside].sum() > 0 else 1 / inside.sum()
    return weights


def best_threshold(
    target: np.ndarray, answer: np.ndarray, score: Callable[[np.ndarray, np.ndarray, float], float]
) -> float:
    """The threshold on a probability that scores best; among equals the one nearest to 0.5."""
    grid = np.round(np.arange(0.2, 0.8001, 0.01), 2)
    found = np.array([score(target, answer, threshold) for threshold in grid])
    return float(min(grid[found >= found.max() - 1e-12], key=lambda threshold: abs(threshold - 0.5)))
