"""Which trials a fold's members are made of, and what counts of their answers, shared by the stages ``train`` and
``honest``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from features.roles import SCORE, UNUSED

# Lower bound of a probability, so that a class given none costs a finite loss.
SMALLEST = 1e-7


def choose(
    error: np.ndarray, valid: np.ndarray, roles: np.ndarray, task: str, top_k: int, together: bool
) -> list[np.ndarray]:
    """``top_k`` trials for each fold: ``error [k, t]``, ``valid [k] bool``, ``roles [t, F]`` -> F arrays of trial
    numbers, in the order in which they were taken.

    ``error``: the answer less the value, or what a row's class lacks of probability 1, by networks that have not
    learned from the row; NaN where no fold scored it. The best trial comes first, then the next best; ``together``: the
    one that makes the mean of those taken best, which may be a worse one if its errors are others (forward selection;
    Caruana et al., 2004). A fold's trials are chosen on the rows that it trains or stops by. The networks that answer
    for those have learned from the rows it does, so a little of what these say is in the choice: trials that see
    different columns of 300 rows of noise were 0.026 too accurate. Only the stage ``honest`` is free of that. Invalid
    trials are never taken.
    """
    candidates = np.flatnonzero(valid)
    chosen = []
    for fold in range(roles.shape[1]):
        own = error[candidates][:, ~np.isin(roles[:, fold], (SCORE, UNUSED))]
        own = own[:, np.isfinite(own).all(axis=0)].astype(np.float64)
        order = one_by_one(own, task, top_k) if together else np.argsort(mean_loss(own, task), kind="stable")[:top_k]
        chosen.append(candidates[order])
    return chosen


def planned(chosen: Sequence[np.ndarray], columns: Iterable[int], seeds: int) -> list[tuple[int, int, int]]:
    """The members to train, each as its trial, its fold and its copy: in each fold of ``columns`` (of the roles)
    the trials ``chosen`` for it, each ``seeds`` times."""
    return [
        (int(trial), column, copy)
        for column, best in zip(columns, chosen, strict=True)
        for trial in best
        for copy in range(seeds)
    ]


def out_of_fold(answers: np.ndarray, roles: np.ndarray, fold: np.ndarray, sound: np.ndarray) -> np.ndarray:
    """``[k, t, c]``: of ``answers [m, t, c]`` those of the ``k`` members that are ``sound [m] bool``, NaN where a
    member's ``fold [m]`` (a column of ``roles [t, F]``) does not score the row."""
    scored = (roles[:, fold[sound]] == SCORE).T
    return np.where(scored[..., None], answers[sound], np.float32("nan"))


def one_by_one(error: np.ndarray, task: str, top_k: int) -> np.ndarray:
    """``top_k`` rows of ``error [k, t]``, each the one with which the mean of those taken is best."""
    total, left, order = np.zeros(error.shape[1]), np.arange(len(error)), []
    for count in range(1, min(top_k, len(error)) + 1):
        best = left[np.argmin(mean_loss((total + error[left]) / count, task))]
        order.append(best)
        total += error[best]
        left = left[left != best]
    return np.array(order)


def mean_loss(error: np.ndarray, task: str) -> np.ndarray:
    """Mean over rows of the loss of ``error [k, t]``: its square, or log loss."""
    if task == "regression":
        return np.square(error).mean(axis=1)
    return -np.log(np.maximum(1.0 - error, SMALLEST)).mean(axis=1)
