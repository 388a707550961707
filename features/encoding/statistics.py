"""In-fold target statistics: what the mean target of a category is, among a fold's train rows, never the row's own.

``count`` and ``sum`` of each level are the learned state; a level's statistic is ``(sum + m * prior) / (count + m)``
with ``m`` imagined rows at the prior (Micci-Barreca, 2001). A train row's statistic comes from other train rows: the
train rows are dealt into parts, and each part is judged by the rest.
"""

from __future__ import annotations

from typing import Any

import numpy as np

SMOOTHING = 10.0
# Parts of the train rows of a fold; each is judged by the others.
PARTS = 5
# With more classes than this the statistics would outnumber the columns.
MAX_CLASSES = 10


def outputs(classes: int) -> int:
    """Columns a category gives: 1 for regression (``classes`` 0) and two classes, one a class for more, 0 for many."""
    if classes > MAX_CLASSES:
        return 0
    return classes if classes > 2 else 1


def learn(codes: np.ndarray, levels: int, values: np.ndarray) -> dict[str, Any]:
    """``codes [k]`` (-1: none) and ``values [k, c]`` of a fold's train rows -> counts and sums by level."""
    seen = codes >= 0
    count = np.bincount(codes[seen], minlength=levels)
    sums = [np.bincount(codes[seen], weights=column[seen], minlength=levels) for column in values.T]
    # Levels of no train row carry nothing; a short list keeps the state small.
    last = int(np.flatnonzero(count)[-1]) + 1 if count.any() else 0
    return {
        "count": count[:last].tolist(),
        "sum": [one[:last].tolist() for one in sums],
        "prior": values.mean(axis=0).tolist(),
    }


def recall(codes: np.ndarray, learned: dict[str, Any]) -> np.ndarray:
    """``[n, c]``: the statistics of rows that were not learned from; an unknown level has the prior."""
    count = np.array([*learned["count"], 0], np.float64)
    place = np.where((codes >= 0) & (codes < len(count) - 1), codes, len(count) - 1)
    columns = []
    for sums, prior in zip(learned["sum"], learned["prior"], strict=True):
        columns.append(((np.array([*sums, 0.0]) + SMOOTHING * prior) / (count + SMOOTHING))[place])
    return np.column_stack(columns)


def recall_train(codes: np.ndarray, levels: int, values: np.ndarray, groups: np.ndarray | None = None) -> np.ndarray:
    """``[k, c]``: the statistics of a fold's train rows, each part by the other parts. The rows of one of the ``groups
    [k]`` are in one part, as a row to be predicted is of a group that nothing was learned from; without a
    second part nothing is known of any level, so that all have the mean."""
    part = (np.arange(len(codes)) if groups is None else np.unique(groups, return_inverse=True)[1]) % PARTS
    found = np.empty(values.shape)
    for one in range(PARTS):
        inside = part == one
        if inside.all():
            found[:] = values.mean(axis=0)
        elif inside.any():
            found[inside] = recall(codes[inside], learn(codes[~inside], levels, values[~inside]))
    return found
