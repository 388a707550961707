"""By which rule probabilities become classes."""

from __future__ import annotations

import numpy as np

from features.scoring import decisions
from features.scoring.metrics import mean_error

# Thresholds that are tried, and those beside them where a class may be rare: even in their log odds, from 0.0009.
THRESHOLDS = np.round(np.arange(0.2, 0.8001, 0.01), 2)
RARE_THRESHOLDS = np.round(1 / (1 + np.exp(-np.arange(-7, 7.01, 0.1))), 4)


def best_threshold(metric: str, target: np.ndarray, answers: np.ndarray, together: np.ndarray | None = None) -> float:
    """The threshold on the probabilities ``answers [r, k]`` by which ``target [k]`` is decided best by a ``metric`` of
    decisions, drawn to the one that would be best if the probabilities were true (0.5 for accuracy): the one nearest to
    that which is not surely worse than the best, by one standard error over rows, or over groups of rows ``together
    [k]``, of the difference (Breiman et al., 1984). So few rows hardly move it, and many do. 0.5 where all rows are of
    one class.
    """
    if len(np.unique(target)) < 2:
        return 0.5
    grid, middle = THRESHOLDS, 0.5
    if metric != "accuracy":
        grid = np.union1d(grid, RARE_THRESHOLDS)
        middle = float(grid[np.argmax([decisions.expected(metric, answers, threshold) for threshold in grid])])

    def values(threshold: float) -> np.ndarray:
        """Of each row ``[k]``, of its repeats the mean."""
        of_rows: np.ndarray = decisions.row_values(metric, target, (answers > threshold).astype(int)).mean(axis=0)
        return of_rows

    best = values(max(grid, key=lambda threshold: values(threshold).mean()))

    def surely_worse(threshold: float) -> bool:
        lost = best - values(threshold)
        return bool(lost.mean() > mean_error(lost, together) + 1e-12)

    by_distance = sorted(grid, key=lambda threshold: abs(threshold - middle))
    return float(next(threshold for threshold in by_distance if not surely_worse(threshold)))
