"""What a cross-validated score says about a later test score: an estimate out of fold with the interval in which the
score of a test table is to be expected.

Each measure is a mean of one value per row (the ROC AUC by its placements: DeLong et al., 1988; measures of decisions,
as F1, by their slopes: ``features.scoring.decisions``; a root by its square). Around it scatter, with ``s2`` the
variance of those values (where rows come in groups that err alike, times the design effect of these groups, which those
of the test table are taken to have too):

- the mean of the ``n`` rows scored, by ``s2 / n``;
- the test score, a mean of other ``m`` rows, by ``s2 / m``;
- what is learned, which differs with the rows learned from. Outer folds share most of theirs, so their own scatter
  tells too little; Nadeau and Bengio (2003) add ``scored / others`` of it: with ``J`` outer folds, all of them scored,
  ``s2 / n * J / (J - 1)``, and more where folds differ by more than rows alone explain.

The interval is 1.96 standard errors of the sum to either side, more where few groups, or of a loss few rows, make most
of it (Student's t, see ``width``); of a ROC AUC or a measure of decisions around the middle that it has with imagined
rows (see ``middle``), of a loss even in its logarithm (see ``ends``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from features.scoring import decisions, metrics
from features.tasks import CORRELATIONS, DECIDED, DECISIONS, OF_BOTH_CLASSES

# Standard errors on either side of a 95 % interval.
WIDTH = 1.96
# By its logarithm alone a loss rises to e to this power times itself at most: of few test rows that says too much.
FURTHEST = 3.0
# Measures that are roots of a mean, and those that lie between 0 and 1.
ROOTS, BOUNDED = ("rmse", "rmsle"), ("accuracy", "roc_auc", *DECISIONS)


@dataclass(frozen=True)
class Estimate:
    """The value, the ends of the 95 % interval for a later test score, and how surely the value itself is known."""

    value: float
    low: float
    high: float
    error: float


def estimate(
    measure: str,
    target: np.ndarray,
    answer: np.ndarray,
    decided: np.ndarray | None,
    parts: np.ndarray,
    tests: int,
    groups: np.ndarray | None = None,
    drawn: int | None = None,
) -> Estimate:
    """Of out-of-fold ``answer [t, c]``, of classes ``decided [t]`` (None: the likeliest), row ``r`` scored by the outer
    fold ``parts[r]``, for a test table of ``tests`` rows. ``known`` is 2 or more: one fold alone does not say how folds
    scatter. ``groups [t]``: labels of the rows that belong together, if any do; ``drawn``: how many outer folds there
    are, where only some of them are scored."""
    decided = metrics.decide(answer) if decided is None else decided
    values, extra = row_values(measure, target, answer, decided, parts)
    valued = ~np.isnan(values)
    values, parts = values[valued], np.unique(parts[valued], return_inverse=True)[1]
    groups = None if groups is None else groups[valued]
    likeness = design_effect(values, groups)
    mean, spread = float(values.mean()), float(np.r_[values, extra].var(ddof=1)) * likeness
    variance = spread * scatter(len(values), int(parts.max()) + 1, drawn) + excess(values, parts, likeness, drawn)
    if measure in BOUNDED:  # few rows are met by imagined ones
        errors = WIDTH if groups is None else width(np.ones(len(values)), groups)
    else:
        errors = width(values, groups)
    half, error = errors * float(np.sqrt(variance + spread / tests)), float(np.sqrt(variance))
    low, high = (mean - half, mean + half) if measure in BOUNDED else ends(mean, half)
    if measure in ROOTS:
        value = float(np.sqrt(mean))
        return Estimate(value, float(np.sqrt(low)), float(np.sqrt(high)), error / (2 * value) if value else 0.0)
    if measure in OF_BOTH_CLASSES:
        if measure == "roc_auc":
            centre = middle(mean, target[valued])
        else:
            centre, _ = decisions.imagined(measure, target, decided)
        lowest = -1.0 if measure in CORRELATIONS else 0.0
        return Estimate(mean, min(max(centre - half, lowest), mean), max(min(centre + half, 1.0), mean), error)
    if measure in BOUNDED:
        low, high = max(low, 0.0), min(high, 1.0)
    return Estimate(mean, low, high, error)


def width(values: np.ndarray, groups: np.ndarray | None = None) -> float:
    """Standard errors on either side of the interval of the mean of ``values [n]``, none below 0, or of what they add
    up to in each of the ``groups [n]``.

    Where few make most of it, they tell their own scatter poorly, and it is Student's t of as many (for groups: Cameron
    and Miller, 2015). ``sum(v) ** 2 / sum(v ** 2)`` is how many (Kish, 1965): all of them where they are alike."""
    if groups is not None:
        values = np.bincount(np.unique(groups, return_inverse=True)[1], values)
    shares = values / values.max() if values.max() > 0 else np.ones(len(values))
    many = float(shares.sum() ** 2 / (shares**2).sum())
    return max(WIDTH, float(stdtrit(max(many - 1, 1), 0.975)))


def ends(mean: float, half: float) -> tuple[float, float]:
    """The ends of the interval of a ``mean`` loss, ``half`` of whose length is what its errors say: even in the
    logarithm, as of what is positive and skewed.

    Few rows make much of a loss. One that has met too few of them rises further than one that has met too many falls,
    and none falls to 0."""
    if not mean > 0:
        return mean, mean + half
    return mean * float(np.exp(-half / mean)), max(mean * float(np.exp(min(half / mean, FURTHEST))), mean + half)


def design_effect(values: np.ndarray, groups: np.ndarray | None) -> float:
    """How many times the variance of the mean of ``values [n]`` is that of as many unrelated rows, since rows of one of
    the ``groups [n]`` err alike (Kish, 1965); 1 or more, and 1 where there are no groups. Groups are held against their
    own mean, so few of them scatter too little, by as much as few rows do."""
    if groups is None:
        return 1.0
    away = values - values.mean()
    sums = np.bincount(np.unique(groups, return_inverse=True)[1], away)
    squares, count, rows = float((away**2).sum()), len(sums), len(values)
    if not squares or count < 2:
        return 1.0
    return max(float((sums**2).sum()) * count / (count - 1) / (squares * rows / (rows - 1)), 1.0)


def known(measure: str, target: np.ndarray, parts: np.ndarray) -> int:
    """In how many of the outer folds ``parts [t]`` the measure has a value: some need rows of both classes."""
    folds = np.unique(parts)
    return sum(measure not in OF_BOTH_CLASSES or len(np.unique(target[parts == one])) > 1 for one in folds)


def middle(area: float, target: np.ndarray) -> float:
    """The middle of the interval of a ROC AUC: the ``area`` as it were with two more rows of each class of ``target
    [t]``, one placed right against all of the other class and one wrong against all.

    A ROC AUC compares two samples, so each gets its own imagined rows, as in the interval of a difference of two shares
    (Agresti and Caffo, 2000): few rows of a rare class that are all placed right don't tell that the next will be.
    Nearer to 1/2 than the area, so that an area near 1 may fall further than it may rise."""
    for rows in (int((target == 1).sum()), int((target != 1).sum())):
        area = (rows * area + 1) / (rows + 2)
    return area


def scatter(rows: int, folds: int, drawn: int | None = None) -> float:
    """Variance of the estimate in units of one row's: of the ``rows`` scored, and of what was learned, from the
    ``rows * (drawn - 1) / folds`` others of each of the ``folds`` scored. ``drawn``: as of ``estimate``."""
    return (1 + folds / ((drawn or folds) - 1)) / rows


def excess(values: np.ndarray, parts: np.ndarray, likeness: float = 1.0, drawn: int | None = None) -> float:
    """Variance of the estimate by outer folds that differ more than their rows explain: folds' means against the
    scatter of rows within, as in an analysis of variance, by the same ``1 / J + 1 / (J - 1)``. A fold of one row has
    no scatter to hold its mean against. ``likeness``: the rows' design effect; ``drawn``: as of ``estimate``."""
    groups = [group for one in np.unique(parts) if len(group := values[parts == one]) > 1]
    if len(groups) < 2:
        return 0.0
    within = float(np.mean([group.var(ddof=1) / len(group) for group in groups])) * likeness
    between = float(np.var([group.mean() for group in groups], ddof=1))
    return max(between - within, 0.0) * (1 / len(groups) + 1 / ((drawn or len(groups)) - 1))


def row_values(
    measure: str, target: np.ndarray, answer: np.ndarray, decided: np.ndarray, parts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """One value per row ``[t]`` whose mean is the measure (a root's: its square), and imagined values that keep a
    perfect score on few rows from passing for a sure one (Agresti and Coull, 1998; for measures of all classes two of
    each, see ``middle`` and ``decisions.imagined``)."""
    if measure in DECIDED:
        extra = np.array([0.0, 0.0, 1.0, 1.0])
        if measure != "accuracy":
            _, extra = decisions.imagined(measure, target, decided)
        return decisions.row_values(measure, target, decided), extra
    if measure == "roc_auc":
        values = np.empty(len(target))
        for one in range(int(parts.max()) + 1):
            values[parts == one] = placements(target[parts == one], answer[parts == one, 0])
        area, rarity = np.nanmean(values), (target[~np.isnan(values)] == 1).mean()
        return values, np.array([area + (end - area) / s for s in (rarity, 1 - rarity) for end in (0.0, 1.0)])
    return metrics.row_loss("accuracy" if measure == "log_loss" else measure, target, answer), np.zeros(0)


def placements(target: np.ndarray, answer: np.ndarray) -> np.ndarray:
    """One value per row ``[k]`` whose mean is the ROC AUC and whose variance tells that of the AUC: how large a share
    of the other class a row is ranked right against, away from the AUC by as much more as its class is rarer. NaN where
    there is one class only."""
    positive, found = target == 1, np.full(len(target), np.nan)
    if positive.all() or not positive.any():
        return found
    for inside, sign in ((positive, 1.0), (~positive, -1.0)):
        others = np.sort(sign * answer[~inside])
        mine = sign * answer[inside]
        below, upto = np.searchsorted(others, mine, "left"), np.searchsorted(others, mine, "right")
        found[inside] = (below + upto) / (2 * len(others))
    area = found[positive].mean()
    for inside in (positive, ~positive):
        found[inside] = area + (found[inside] - area) / inside.mean()
    return found
