"""How well one column alone tells rows apart: an AUC, and the one that chance alone may reach."""

from __future__ import annotations

import numpy as np
import pandas as pd

# A category's rate is learned on other parts than the one it ranks, so that a column of names tells nothing.
_PARTS = 5
# Fewer rows than this on either side, and an AUC says nothing.
MIN_ROWS = 10
# How often chance alone may make a table's columns drift.
_BY_CHANCE = 0.05


def auc(scores: np.ndarray, positive: np.ndarray) -> float:
    """The chance that a positive row scores above a negative one (ties half); 0.5 without both. Arrays ``[n]``."""
    positive = np.asarray(positive, bool)
    ups = int(positive.sum())
    downs = len(positive) - ups
    if not ups or not downs:
        return 0.5
    ranks = pd.Series(scores).rank().to_numpy()
    return float((ranks[positive].sum() - ups * (ups + 1) / 2) / (ups * downs))


def separation(cells: pd.Series, positive: np.ndarray, as_number: bool) -> float:
    """How well one column alone tells ``positive [n]`` rows from the others: an AUC, 0.5 (not at all) to 1.

    Numbers rank by themselves, whichever way; words by their rate among the rows of the other parts; and whether a
    cell is missing may tell by itself.
    """
    positive = np.asarray(positive, bool)
    missing = cells.isna().to_numpy()
    best = _either(auc(missing.astype(float), positive))
    if as_number:
        values = cells.to_numpy(float)[~missing]
        sides = positive[~missing]
        # A column of gaps with a few telling values gives little away: the gaps rank in the middle.
        if min(int(sides.sum()), int((~sides).sum())) >= MIN_ROWS:
            covered = _either(auc(values, sides))
            share = sides.sum() * (~sides).sum() / (positive.sum() * (~positive).sum())
            best = max(best, 0.5 + (covered - 0.5) * float(share))
        return best
    return max(best, auc(_rates(cells, positive), positive))


def giveaway(cells: pd.Series, as_number: bool, target: pd.Series) -> float:
    """How well one column alone ranks the target: an AUC, 0.5 to 1.

    Classes: one against the rest, averaged by size. A number as target: the share of pairs of rows that the column puts
    into the target's order, or into the reverse (Harrell's C; Harrell et al., 1982), which of two classes is the AUC.
    """
    if target.dtype == float:
        both = cells.notna().to_numpy() & np.isfinite(target.to_numpy(float))
        if not as_number or both.sum() < 2 * MIN_ROWS or cells[both].nunique() < 2 or target[both].nunique() < 2:
            return 0.5
        in_order = _in_order(cells[both].to_numpy(float), target[both].to_numpy(float))
        return 0.5 + (_either(in_order) - 0.5) * float(both.mean())
    known = target.notna().to_numpy()
    classes = sorted(target[known].unique())
    if len(classes) < 2:
        return 0.5
    cells, target = cells[known], target[known]
    # A number with about as many levels as classes may be the target under another name, in any order.
    kinds = [as_number] + ([False] if as_number and cells.nunique() <= len(classes) + 2 else [])
    best = 0.5
    for kind in kinds:
        parts = [(target == c).to_numpy() for c in (classes[1:] if len(classes) == 2 else classes)]
        sizes = np.array([p.sum() for p in parts], float)
        best = max(best, float(np.dot(sizes, [separation(cells, p, kind) for p in parts]) / sizes.sum()))
    return best


def chance(ups: int, downs: int, tries: int) -> float:
    """The AUC, 0.5 or more, that chance alone exceeds once in 20 times: the best of ``tries`` columns, each ranking
    ``ups`` rows against ``downs`` rows that are alike, whichever way round.

    It is 0.5 plus the standard deviation of a rank sum (Mann and Whitney, 1947) times the normal quantile that
    Bonferroni's correction for so many tries asks for.
    """
    from scipy.special import ndtri  # here, since new rows are answered without it

    spread = float(np.sqrt((ups + downs + 1) / (12 * ups * downs)))
    return 0.5 + spread * float(ndtri(1 - _BY_CHANCE / (2 * tries)))


def later(part: pd.Series, side: np.ndarray) -> float:
    """The chance that a row of test (``side [n]`` true) has a larger number than one of train; 0.5 where ``part [n]``
    holds none."""
    numbers = pd.to_numeric(part, errors="coerce").to_numpy(float)
    known = ~np.isnan(numbers)
    return auc(numbers[known], side[known])


def _rates(cells: pd.Series, positive: np.ndarray) -> np.ndarray:
    overall = float(positive.mean())
    # Dealt out within each side, so that every part has the same share of positives and a part tells nothing.
    part = np.zeros(len(positive), int)
    for side in (True, False):
        rows = np.flatnonzero(positive == side)
        part[rows] = np.arange(len(rows)) % _PARTS
    codes, _ = pd.factorize(cells, use_na_sentinel=False)
    levels = int(codes.max()) + 1 if len(codes) else 0
    scores = np.full(len(codes), overall)
    for p in range(_PARTS):
        inside = part == p
        count = np.bincount(codes[~inside], minlength=levels)
        ups = np.bincount(codes[~inside], weights=positive[~inside], minlength=levels)
        scores[inside] = ((ups + overall) / (count + 1))[codes[inside]]
    return scores


def _either(value: float) -> float:
    return max(value, 1.0 - value)


def _in_order(values: np.ndarray, target: np.ndarray) -> float:
    """The share of pairs of rows with different targets whose ``values [n]`` differ the same way round; ties half."""
    from scipy.stats import kendalltau  # here, since targets of classes need none

    pairs = len(values) * (len(values) - 1) / 2
    apart = [pairs - _pairs_alike(numbers) for numbers in (values, target)]
    # Kendall's tau b is what concordant pairs have more than discordant ones, over the geometric mean of these two.
    return 0.5 + float(kendalltau(values, target).statistic) * float(np.sqrt(apart[0] / apart[1])) / 2


def _pairs_alike(numbers: np.ndarray) -> float:
    counts = np.unique(numbers, return_counts=True)[1].astype(float)
    return float((counts * (counts - 1)).sum() / 2)
