"""Which trials a fold's members are made of, shared by the stages ``train`` and ``honest``."""

from __future__ import annotations

import numpy as np

from features.folds import SCORE


def choose(loss: np.ndarray, roles: np.ndarray, top_k: int) -> list[np.ndarray]:
    """The ``top_k`` trials of each fold, best first: ``loss [k, t]``, ``roles [t, F]`` -> F arrays of trial numbers.

    A fold's trials are ranked on the mean loss of the rows that the fold does not score, so that no row helps to choose
    the networks that are scored on it; rows that no trial was scored on (NaN) have no say. Invalid trials (NaN
    throughout) are never chosen.
    """
    valid = np.flatnonzero(np.isfinite(loss).any(axis=1))
    ranking = []
    for fold in range(roles.shape[1]):
        others = np.nanmean(loss[valid][:, roles[:, fold] != SCORE], axis=1)
        ranking.append(valid[np.argsort(others, kind="stable")[:top_k]])
    return ranking
