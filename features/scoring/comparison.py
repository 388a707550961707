"""Whether one run is better than another: measures paired over the same folds, and answers that moved."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from features.tasks import DECIDED, OF_VALUES, RISING

# A difference within so many standard errors is noise, or within more where folds are few: see ``noise``.
ERRORS = 2.0
FOLD = ["repeat", "fold"]
# What a score is of, by keys of a competition: its target, and which rows are kept from those that learn of them, with
# what older code, which has no such key, most likely did.
TARGET = "table.target"
KINDS: dict[str, Any] = {"encode.duplicates": "auto", "encode.group_aware": False, "encode.time": ""}


@dataclass(frozen=True)
class Difference:
    """How much one measure moved from A to B, with the standard error of that, known from so many ``folds`` (or from
    rows, which are many)."""

    mean: float
    error: float
    folds: float = math.inf

    def verdict(self, measure: str) -> str:
        """``better``, ``worse``, ``within noise``, or ``the same`` where nothing moved at all."""
        if self.mean == 0 and not self.error > 0:
            return "the same"
        if not abs(self.mean) > noise(self.folds) * self.error:
            return "within noise"
        return "better" if (self.mean > 0) == (measure in RISING) else "worse"


def setting(params: Mapping[str, Any], key: str) -> Any:
    """The value of a ``key`` in ``params``, by dotted key, of one competition: that of its own entry, else the general
    one, else that of older code."""
    own = [name for name in params if name.startswith("competitions.") and name.endswith(f".{key}")]
    return params[own[0]] if own else params.get(key, KINDS.get(key))


def noise(folds: ArrayLike) -> np.ndarray:
    """Within how many standard errors a difference is noise, for each number of ``folds`` that such an error is known
    from: those of a 95 % interval by Student's t, 12.7 for 2 folds, 2.8 for 5, and ``ERRORS`` at least."""
    found: np.ndarray = np.fmax(ERRORS, stdtrit(np.subtract(folds, 1), 0.975))
    return found


def same_folds(a: pd.DataFrame, b: pd.DataFrame) -> bool:
    """Whether two ``folds.csv`` score the same rows, fold by fold."""
    keys = [*FOLD, "scored"]
    return a[keys].astype(str).equals(b[keys].astype(str))


def paired(a: pd.DataFrame, b: pd.DataFrame, measure: str) -> Difference:
    """The mean over folds of B minus A and its standard error; see ``mean_of_folds``."""
    rows = a["rows"].to_numpy(float)
    others = rows.sum() / max(a["repeat"].nunique(), 1) - rows.mean()
    return mean_of_folds(
        (b[measure] - a[measure]).to_numpy(float), rows.mean() / others if others > 0 else float("nan")
    )


def paired_means(a: pd.DataFrame, b: pd.DataFrame, measure: str) -> tuple[float, float]:
    """The means of A and of B over the folds that ``paired`` takes, so that their difference is its mean."""
    known = np.isfinite(b[measure] - a[measure])
    return float(a[measure][known].mean()), float(b[measure][known].mean())


def mean_of_folds(moved: np.ndarray, share: float) -> Difference:
    """The mean of ``moved [J]``, how much a measure moved in each fold, and its standard error; folds where that is NaN
    are left aside.

    Folds share most of their train rows, so their differences are not independent: the variance of the mean is
    ``(1/J + share) s^2`` (Nadeau and Bengio, 2003), with ``share`` the rows that a fold scores against those it does
    not. The error is NaN with fewer than two folds.
    """
    known = moved[np.isfinite(moved)]
    if len(known) < 2 or not np.isfinite(share):
        return Difference(float(np.mean(known)) if len(known) else float("nan"), float("nan"), len(known))
    error = np.sqrt((1 / len(known) + share) * np.var(known, ddof=1))
    return Difference(float(known.mean()), float(error), len(known))


def moved_answers(a: pd.DataFrame, b: pd.DataFrame, metrics: Sequence[str]) -> tuple[pd.DataFrame, int]:
    """Rows whose answer moved (``id``, ``a``, ``b``) and how many rows both submissions have.

    Both as written to submission.csv, the id first; ``metrics``: what each is scored by. Of a regression's, a row has
    moved when its number has; the largest move comes first. Of the others, when its class has: the label, the
    probability's side of 0.5, or the most probable of several columns.
    """
    decided = metrics[0] not in OF_VALUES
    key = a.columns[0]
    both = a.merge(b, on=key, suffixes=(" a", " b"), validate="one_to_one")
    sides = [both[[f"{name} {side}" for name in a.columns[1:]]].set_axis(a.columns[1:], axis=1) for side in "ab"]
    if decided:
        old, new = (_decided(side, metric) for side, metric in zip(sides, metrics, strict=True))
        differs = (old != new).to_numpy()
    else:
        old, new = (side.iloc[:, 0] for side in sides)
        differs = (old != new).to_numpy()
    found = pd.DataFrame({"id": both[key], "a": old, "b": new})[differs]
    if not decided:
        size = (pd.to_numeric(found["b"]) - pd.to_numeric(found["a"])).abs()
        found = found.loc[size.sort_values(ascending=False, kind="stable").index]
    return found.reset_index(drop=True), len(both)


def _decided(answers: pd.DataFrame, metric: str) -> pd.Series:
    if len(answers.columns) > 1:
        return answers.apply(pd.to_numeric).idxmax(axis=1)
    column = answers.iloc[:, 0]
    # Labels may look like probabilities: 0, 0.5 and 1 are three marks.
    return column if metric in DECIDED else (pd.to_numeric(column) > 0.5).astype(int).astype(str)
