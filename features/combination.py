"""Members to one answer: the mean, greedy selection, and the threshold of a decision."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

# Steps of the greedy selection; each adds one unit, with replacement.
GREEDY_STEPS = 30


def pooled(out_of_fold: np.ndarray, weights: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """The weighted mean of the members of one repeat: ``out_of_fold [m, t, c]`` (NaN where a member does not score
    the row), ``weights [m]``, ``columns [m] bool`` -> ``[t, c]``, NaN where no member scores."""
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

    A step adds the unit that lowers the mean over repeats of ``loss(target[rows], answer)`` most; among equals the
    first. A unit that some fold did not choose has no say there; a fold left with no selected unit falls back to its
    plain mean.
    """
    count = int(unit.max()) + 1
    known = target[rows]
    # For each repeat the units' summed answers [u, rows, c] and how many members answer each row [u, rows].
    tables = []
    for repeat in np.unique(fold // folds):
        summed = np.zeros((count, len(rows), out_of_fold.shape[2]))
        members = np.zeros((count, len(rows)))
        for member in np.flatnonzero(fold // folds == repeat):
            answer = out_of_fold[member, rows].astype(np.float64)
            summed[unit[member]] += np.nan_to_num(answer)
            members[unit[member]] += ~np.isnan(answer[:, 0])
        tables.append((summed, members, summed.sum(axis=0) / members.sum(axis=0)[:, None]))

    def judged(votes: np.ndarray) -> float:
        losses = []
        for summed, members, plain in tables:
            weight = (votes @ members)[:, None]
            answer = np.tensordot(votes, summed, axes=1) / np.where(weight > 0, weight, 1)
            losses.append(loss(known, np.where(weight > 0, answer, plain)))
        return float(np.mean(losses))

    votes = np.zeros(count)
    best, best_votes = np.inf, np.ones(count)
    for _ in range(GREEDY_STEPS):
        tried = [judged(votes + one) for one in np.eye(count)]
        choice = int(np.argmin(tried))
        votes[choice] += 1
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


def blend(weights: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """The weighted mean ``[n, c] float64`` of ``answers [m, n, c]``, ``weights [m]``: one member after another, so
    that a row's sum is the same whatever the number of rows."""
    total = np.zeros(answers.shape[1:])
    for weight, answer in zip(weights / weights.sum(), answers, strict=True):
        if weight:
            total += weight * answer.astype(np.float64)
    return total
