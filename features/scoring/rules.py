"""By which rule probabilities become classes: a threshold of two, what is gained by each decision of several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.scoring import decisions
from features.scoring.calibration import temperature, threshold_at, with_temperature
from features.scoring.metrics import decide, mean_error

# Thresholds that are tried, and those beside them where a class may be rare: even in their log odds, from 0.0009.
THRESHOLDS = np.round(np.arange(0.2, 0.8001, 0.01), 2)
RARE_THRESHOLDS = np.round(1 / (1 + np.exp(-np.arange(-7, 7.01, 0.1))), 4)
# Steps to the gains that suit the decisions they lead to.
STEPS = 20


@dataclass(frozen=True)
class Rule:
    """How probabilities are decided: of two classes by a ``threshold`` on that of class 1, of several by the decision
    that gains most, with the ``gains [c, c]`` of each class by decision and the probabilities at a ``temperature``;
    without any gains by the likeliest."""

    threshold: float = 0.5
    gains: np.ndarray | None = None
    temperature: float = 1.0

    @classmethod
    def from_mapping(cls, entry: Mapping[str, Any]) -> Rule:
        """From ``ensemble.json``."""
        if "gains" not in entry:
            return cls(entry["threshold"])
        return cls(entry["threshold"], np.array(entry["gains"]), entry["gains_temperature"])

    def to_mapping(self) -> dict[str, Any]:
        """What ``from_mapping`` reads, for JSON."""
        gains = {} if self.gains is None else {"gains": self.gains, "gains_temperature": self.temperature}
        return {"threshold": self.threshold, **gains}

    def leanings(self, answers: np.ndarray) -> np.ndarray:
        """What speaks for each class, ``[..., c]`` of probabilities of that shape: the most decides, of one column
        whether it is above 0. So decisions on means of leanings are of several rules together."""
        if answers.shape[-1] == 1:
            return answers - self.threshold
        if self.gains is None:
            return answers
        # No matrix product: its last bits depend on the number of rows.
        return np.einsum("...c,cd->...d", with_temperature(answers, self.temperature), self.gains)

    def decide(self, answers: np.ndarray) -> np.ndarray:
        """The class number of each row, ``[...]`` of probabilities ``[..., c]``."""
        return most(self.leanings(answers))

    def at(self, degrees: float) -> Rule:
        """The rule that decides answers at the temperature ``degrees`` as this one decides them without it."""
        return Rule(threshold_at(self.threshold, degrees), self.gains, self.temperature / degrees)


def most(leanings: np.ndarray) -> np.ndarray:
    """What ``leanings [..., c]`` decide, see ``Rule``."""
    return decide(leanings, 0.0)


def best_rule(metric: str, target: np.ndarray, answers: np.ndarray, together: np.ndarray | None = None) -> Rule:
    """The rule by which the probabilities ``answers [r, k, c]`` of several repeats are decided best by a ``metric`` of
    decisions: of two classes by ``best_threshold``, of several by ``best_gains`` at the temperature that ``target [k]``
    asks for."""
    if answers.shape[-1] == 1:
        return Rule(best_threshold(metric, target, answers[..., 0], together))
    degrees = temperature(target, answers)
    return Rule(gains=best_gains(metric, with_temperature(answers, degrees)), temperature=degrees)


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
        said = answers.reshape(-1, 1)
        middle = float(
            grid[np.argmax([decisions.expected(metric, said, decide(said, threshold)) for threshold in grid])]
        )

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


def best_gains(metric: str, answers: np.ndarray) -> np.ndarray:
    """What each decision gains for a row of each class, ``[c, c]``, so that the ``metric`` is best where probabilities
    ``answers [..., c]`` are true: the slopes of the metric at the shares that these decisions lead to (Narasimhan et
    al., 2015). From those of accuracy on, half a step at a time, since whole ones of the macro F1 go to and fro; of all
    steps the best.

    No label is asked, since it would tell too little: of generated tables of 300 and 1,500 rows, gains by the labels of
    the same rows lose on later ones.
    """
    chances = answers.reshape(-1, answers.shape[-1])
    gains = best = np.eye(chances.shape[1])
    highest, middle = -np.inf, None
    for _ in range(STEPS):
        shares = decisions.expected_shares(chances, (chances @ gains).argmax(axis=1))
        found = float(decisions.of_shares(metric, shares)[0])
        if found > highest:
            highest, best = found, gains
        middle = shares if middle is None else (middle + shares) / 2
        gains = decisions.of_shares(metric, middle)[1]
    return best
