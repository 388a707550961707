"""What an answer lacks to be a true probability, mean or median, learned from rows whose target is known: a temperature
of probabilities, a level of values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.scoring.metrics import CLIP, mean_error

# Bounds of a temperature, and how far from 1 its inverse is expected to be (the standard deviation of a normal prior).
TEMPERATURES = (0.25, 4.0)
PRIOR = 0.5
# How far the logarithm of a factor is expected to be from 0, likewise.
FACTOR_PRIOR = 0.5


def temperature(target: np.ndarray, answers: np.ndarray) -> float:
    """The temperature that ``answers [r, k, c]`` of several repeats want for ``target [k]`` (Guo et al., 2017): above 1
    where they are too sure, below 1 where they are too careful.

    It lowers the mean log loss of ``softmax(log p / temperature)``, plus a normal prior around 1 that few rows do not
    outweigh. That loss is convex in the inverse, so its slope has one zero, which bisection finds.
    """
    logits = _logits(answers)
    chosen = _chosen(logits, target)

    def slope(inverse: float) -> float:
        weighed = _softmax(logits * inverse)
        wanted = (weighed[..., 0] * logits[..., 0]) if logits.shape[-1] == 1 else (weighed * logits).sum(axis=-1)
        return float((wanted - chosen).mean()) + (inverse - 1) / (PRIOR**2 * len(target))

    low, high = 1 / TEMPERATURES[1], 1 / TEMPERATURES[0]
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return 2 / (low + high)


def with_temperature(answers: np.ndarray, degrees: float) -> np.ndarray:
    """Probabilities ``[..., c]`` at the temperature ``degrees``; 1 leaves them as they are."""
    return answers if degrees == 1 else _softmax(_logits(answers) / degrees)


def threshold_at(threshold: float, degrees: float) -> float:
    """The threshold that decides ``with_temperature(answers, degrees)`` as ``threshold`` decides the answers."""
    return float(with_temperature(np.array([threshold]), degrees)[0])


def mean_factor(target: np.ndarray, answers: np.ndarray, together: np.ndarray | None = None) -> float:
    """The factor by which ``answers [k]`` add up to ``target [k]``, none below 0: means of what is nearer to medians. 1
    where either sum is not above 0, as answers' may be where they leave the target's range (``train.clip: false``).

    Networks that learn logarithms answer with the exponential of a mean logarithm, too low by what they can't know.
    Duan's smearing (1983) takes the mean of all ``target / answer``, which is the same where errors are of one size in
    percent, and goes astray where they are not. ``drawn`` to 1.
    """
    said, total = float(answers.sum()), float(target.sum())
    if said <= 0 or total <= 0:
        return 1.0
    error = _root_of_sums(target - total / said * answers, together) / total
    return float(np.exp(drawn(np.log(total / said), error, FACTOR_PRIOR)))


def median_factor(
    target: np.ndarray, answers: np.ndarray, weights: np.ndarray, together: np.ndarray | None = None
) -> float:
    """The factor by which ``answers [k]`` are nearest to ``target [k]``, none below 0, in absolute error times
    ``weights [k]``, ``drawn`` to 1: the median of their ratios, each with the weight of its answer, too, those of 0 or
    below left out. 1 where that is 0."""
    known = answers > 0
    if not known.any():
        return 1.0
    groups = None if together is None else together[known]
    found, error = median(target[known] / answers[known], answers[known] * weights[known], groups)
    return float(np.exp(drawn(np.log(found), error / found, FACTOR_PRIOR))) if found > 0 else 1.0


def median_shift(
    target: np.ndarray, answers: np.ndarray, weights: np.ndarray, together: np.ndarray | None = None
) -> float:
    """What is added to ``answers [k]`` so that they are nearest to ``target [k]`` in absolute error times ``weights
    [k]``, ``drawn`` to 0 by as much of their usual distance from it as a factor is."""
    away = target - answers
    found, error = median(away, weights, together)
    return float(drawn(found, error, FACTOR_PRIOR * median(np.abs(away - found), weights)[0]))


def median(values: np.ndarray, weights: np.ndarray, together: np.ndarray | None = None) -> tuple[float, float]:
    """The weighted median of ``values [k]`` and its standard error, by the order of the values alone."""
    order = np.argsort(values, kind="stable")
    shares = weights[order] / weights.sum()
    places = np.cumsum(shares) - shares / 2
    sides = np.where(places > 0.5, shares, -shares) / 2
    half = _root_of_sums(sides, None if together is None else together[order])  # of how many lie below the true median
    if not np.isfinite(half):
        return float(np.interp(0.5, places, values[order])), half
    low, found, high = np.interp([0.5 - half, 0.5, 0.5 + half], places, values[order])
    return float(found), float(high - low) / 2


def _root_of_sums(deviations: np.ndarray, together: np.ndarray | None) -> float:
    """The standard error of the sum of independent ``deviations [k]`` around it. Those of one group of ``together [k]``
    depend on one another, so they are summed first (Liang and Zeger, 1986); one group alone tells nothing."""
    if together is not None:
        groups, members = np.unique(together, return_inverse=True)
        if len(groups) == 1:
            return float("inf")
        if len(groups) < len(deviations):
            deviations = np.bincount(members, deviations) * np.sqrt(len(groups) / (len(groups) - 1))
    return float(np.sqrt(np.square(deviations).sum()))


def drawn(found: float, error: float, prior: float) -> float:
    """``found`` with its standard ``error``, drawn to 0: by a normal prior around it, whose standard deviation is
    ``prior``, since few or wild rows say little, and by as much of its square as noise alone would make (the positive
    part of James and Stein, 1961), so that what may be noise moves nothing."""
    if not found or not error:
        return found
    if not prior or error >= abs(found):
        return 0.0
    return found * (1 - (error / found) ** 2) / (1 + (error / prior) ** 2)


def whole_is_nearer(target: np.ndarray, answers: np.ndarray, together: np.ndarray | None = None) -> bool:
    """Whether ``answers [r, k]`` of several repeats are nearer to ``target [k]`` in absolute error where they are
    rounded, by more than one standard error over rows, or over groups of rows ``together [k]``. The median of whole
    numbers is one of them, or any number between two."""
    if (target != np.rint(target)).any():
        return False
    gain = (np.abs(answers - target) - np.abs(np.rint(answers) - target)).mean(axis=0)
    return bool(gain.mean() > mean_error(gain, together))


@dataclass(frozen=True)
class Level:
    """What values are multiplied by, what is added then, the range in which they stay after that, and whether they are
    ``rounded`` to whole numbers at last."""

    factor: float
    shift: float
    low: float
    high: float
    rounded: bool = False

    @classmethod
    def from_mapping(cls, entry: Mapping[str, Any]) -> Level:
        """From ``ensemble.json``."""
        low, high = entry["low"], entry["high"]
        ends = -np.inf if low is None else low, np.inf if high is None else high
        return cls(entry["factor"], entry["shift"], *ends, entry.get("rounded", False))

    def to_mapping(self) -> dict[str, Any]:
        """What ``from_mapping`` reads, for JSON, which has no infinity."""
        low, high = (float(end) if np.isfinite(end) else None for end in (self.low, self.high))
        return {"factor": self.factor, "shift": self.shift, "low": low, "high": high, "rounded": self.rounded}

    def moves(self) -> dict[str, float]:
        """``factor`` and ``shift``, and whether answers are ``rounded`` (1 or 0), for reports."""
        return {"factor": self.factor, "shift": self.shift, "rounded": float(self.rounded)}

    def apply(self, answers: np.ndarray) -> np.ndarray:
        """``answers`` of any shape at this level; NaN stays."""
        moved = np.clip(answers * self.factor + self.shift, self.low, self.high)
        return np.rint(moved) + 0.0 if self.rounded else moved  # 0 and not -0


def _logits(answers: np.ndarray) -> np.ndarray:
    """Of one column the log odds, of several the log probabilities."""
    clipped = np.clip(answers.astype(np.float64), CLIP, 1 - CLIP)
    return np.log(clipped) - (np.log1p(-clipped) if answers.shape[-1] == 1 else 0.0)


def _chosen(logits: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The logit of each row's class; of one column 0 stands for class 0."""
    if logits.shape[-1] == 1:
        return target * logits[..., 0]
    return logits[..., np.arange(len(target)), target.astype(int)]


def _softmax(logits: np.ndarray) -> np.ndarray:
    if logits.shape[-1] == 1:
        return 1 / (1 + np.exp(-logits))
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return raised / raised.sum(axis=-1, keepdims=True)
