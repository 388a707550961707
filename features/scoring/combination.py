"""Members to one answer: weights, ranks, temperature, and the threshold of a decision.

Everything here that learns is told which rows it may learn from, and sees no others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.errors import UserError
from features.scoring import decisions
from features.scoring.metrics import CLIP, mean_error

# Steps of a greedy selection; each adds one unit, with replacement.
GREEDY_STEPS = 20
# At most this many rows judge weights; more would cost time and change nothing.
JUDGING_ROWS = 20_000
# Bounds of a temperature, and how far from 1 its inverse is expected to be (the standard deviation of a normal prior).
TEMPERATURES = (0.25, 4.0)
PRIOR = 0.5
# How far the logarithm of a factor is expected to be from 0, likewise.
FACTOR_PRIOR = 0.5
# Thresholds that are tried, and those beside them where a class may be rare: even in their log odds, from 0.0009.
THRESHOLDS = np.round(np.arange(0.2, 0.8001, 0.01), 2)
RARE_THRESHOLDS = np.round(1 / (1 + np.exp(-np.arange(-7, 7.01, 0.1))), 4)
# Levels at which a member's answers are described for a mean of ranks.
LEVELS = np.linspace(0, 1, 65)


def logarithms(answers: np.ndarray) -> np.ndarray:
    """``ln(1 + x)`` of answers of any shape, what is below 0 as 0 and NaN as it is: as what members are averaged where
    the metric is RMSLE. Its error is squared on this scale, so here the mean of several is no worse than they are on
    average, and one that is far too high does not outweigh the others."""
    return np.log1p(np.maximum(answers.astype(np.float64), 0.0))


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
    """What selection picks from, ``[m]``: a trial and seed together in all folds, so that one choice covers all
    rows."""
    return np.unique(np.stack([trial, seed], axis=1), axis=0, return_inverse=True)[1].reshape(-1)


def member_weights(votes: np.ndarray, unit: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Each member's weight ``[m]`` from its unit's votes ``[u]``; within a fold they sum to 1. A fold without any vote
    falls back to its plain mean."""
    weights = votes[unit].astype(float)
    for one in np.unique(fold):
        inside = fold == one
        weights[inside] = weights[inside] / weights[inside].sum() if weights[inside].sum() > 0 else 1 / inside.sum()
    return weights


@dataclass(frozen=True)
class Jury:
    """What judges the votes of ``u`` units on the ``k`` rows that may.

    ``summed [r, u, k, c]``: for each repeat the sum of a unit's answers; ``members [r, u, k]``: how many of its members
    answer a row (none where the row's fold did not choose the unit); ``plain [r, k, c]``: their mean; ``loss``: answers
    ``[..., k, c] -> [..., k]``.
    """

    summed: np.ndarray
    members: np.ndarray
    plain: np.ndarray
    loss: Callable[[np.ndarray], np.ndarray]

    @classmethod
    def of(
        cls,
        out_of_fold: np.ndarray,
        unit: np.ndarray,
        fold: np.ndarray,
        rows: np.ndarray,
        folds: int,
        loss: Callable[[np.ndarray, np.ndarray], np.ndarray],
    ) -> Jury:
        """From members' answers ``[m, t, c]`` on ``rows`` alone; ``loss(rows, answers)`` of those rows. Of very many
        rows every so-manieth judges."""
        rows = rows[:: -(-len(rows) // JUDGING_ROWS)]
        count, repeats = int(unit.max()) + 1, np.unique(fold // folds)
        summed = np.zeros((len(repeats), count, len(rows), out_of_fold.shape[2]))
        members = np.zeros((len(repeats), count, len(rows)))
        for member in range(len(fold)):
            place = int(np.searchsorted(repeats, fold[member] // folds)), unit[member]
            answer = out_of_fold[member, rows].astype(np.float64)
            summed[place] += np.nan_to_num(answer)
            members[place] += ~np.isnan(answer[:, 0])
        plain = summed.sum(axis=1) / members.sum(axis=1)[..., None]
        return cls(summed, members, plain, lambda answers: loss(rows, answers))

    def judged(self, summed: np.ndarray, members: np.ndarray, share: np.ndarray) -> np.ndarray:
        """Mean loss over repeats and rows, each row counting by its ``share [k]``, of several sums of answers at once:
        ``summed [r, s, k, c]``, ``members [r, s, k]`` -> ``[s]``. A row that no unit answers has its plain mean."""
        weight = members[..., None]
        answers = np.where(weight > 0, summed / np.where(weight > 0, weight, 1), self.plain[:, None])
        losses: np.ndarray = self.loss(answers).mean(axis=0) @ share
        return losses

    def of_votes(self, votes: np.ndarray) -> np.ndarray:
        """Mean loss of each row of ``votes [s, u]``."""
        rows = self.members.shape[2]
        summed = np.einsum("su,rukc->rskc", votes, self.summed)
        return self.judged(summed, np.einsum("su,ruk->rsk", votes, self.members), np.full(rows, 1 / rows))


def greedy_votes(jury: Jury, share: np.ndarray) -> np.ndarray:
    """Votes ``[u]`` by greedy selection with replacement (Caruana et al., 2004), rows counting by ``share [k]``.

    A step adds the unit that lowers the loss most, among equals the first; the votes of the best step are kept.
    """
    votes, best, best_votes = np.zeros(jury.members.shape[1]), np.inf, np.zeros(0)
    summed, members = np.zeros_like(jury.summed[:, :1]), np.zeros_like(jury.members[:, :1])
    for _ in range(GREEDY_STEPS):
        tried = jury.judged(summed + jury.summed, members + jury.members, share)
        choice = int(np.argmin(tried))
        votes[choice] += 1
        summed, members = summed + jury.summed[:, [choice]], members + jury.members[:, [choice]]
        if tried[choice] < best:
            best, best_votes = float(tried[choice]), votes.copy()
    return best_votes


def bagged_votes(jury: Jury, bags: int, generator: np.random.Generator) -> np.ndarray:
    """Votes ``[u]``, their mean over ``bags`` greedy selections, each judged by rows drawn with replacement, so that no
    few rows decide. ``bags`` 0: one selection by all rows."""
    rows = jury.members.shape[2]
    if not bags:
        return greedy_votes(jury, np.full(rows, 1 / rows))
    total = np.zeros(jury.members.shape[1])
    for _ in range(bags):
        votes = greedy_votes(jury, np.bincount(generator.integers(0, rows, rows), minlength=rows) / rows)
        total += votes / votes.sum()
    return total / bags


def pruned_votes(jury: Jury, votes: np.ndarray) -> np.ndarray:
    """``votes [u]`` without the units that add nothing: one by one the unit is left out without which the loss is
    lowest, as long as it does not rise."""
    votes = votes.copy()
    loss = float(jury.of_votes(votes[None])[0])
    while (votes > 0).sum() > 1:
        places = np.flatnonzero(votes > 0)
        without = np.tile(votes, (len(places), 1))
        without[np.arange(len(places)), places] = 0
        losses = jury.of_votes(without)
        if losses.min() > loss:
            break
        loss, votes = float(losses.min()), without[int(np.argmin(losses))]
    return votes


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


@dataclass(frozen=True)
class Ranks:
    """What a mean of ranks takes: ``members [m, l]``, each member's answers to the test rows at ``LEVELS``, and
    ``common [l]``, their mean, by which a mean rank becomes an answer again.

    So a member says how high a row stands, however sure it is, and what comes out is distributed as the members'
    answers are: probabilities stay such. The rows to stand among are the test rows, for everyone: ranks among the rows
    that a fold scores would know how many of each class a stratified fold holds, which flatters a score. One column of
    answers only, since ranks of several classes do not add up to anything.
    """

    members: np.ndarray
    common: np.ndarray

    @classmethod
    def of(cls, test: np.ndarray) -> Ranks:
        """From members' answers ``test [m, n, 1]``. Raises ``UserError`` where there are too few to stand among."""
        if test.shape[1] < len(LEVELS):
            raise UserError(
                f"ensemble.method is 'rank_mean', but {test.shape[1]} test rows are too few to rank among; expected "
                f"{len(LEVELS)} or more. Use mean or greedy in params.yaml."
            )
        members = np.quantile(test[..., 0].astype(np.float64), LEVELS, axis=1).T
        return cls(members, members.mean(axis=0))

    def forward(self, answers: np.ndarray) -> np.ndarray:
        """``[m, n, 1]`` -> how high each stands, 0 to 1; beyond all that the member said, 0 or 1. NaN stays."""
        found = np.empty(answers.shape)
        for member, (levels, said) in enumerate(zip(self.members, answers[..., 0], strict=True)):
            known, first, counts = np.unique(levels, return_index=True, return_counts=True)
            middle = (LEVELS[first] + LEVELS[first + counts - 1]) / 2  # equal answers share their middle rank
            found[member, :, 0] = np.interp(said.astype(np.float64), known, middle)
        return found

    def back(self, ranks: np.ndarray) -> np.ndarray:
        """Mean ``ranks`` (0 to 1, any shape) as answers of that shape, read from ``common``."""
        return np.interp(ranks, LEVELS, self.common)


def blend(weights: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """The weighted mean ``[n, c] float64`` of ``answers [m, n, c]``, ``weights [m]``: one member after another, so
    that a row's sum is the same whatever the number of rows."""
    total = np.zeros(answers.shape[1:])
    for weight, answer in zip(weights / weights.sum(), answers, strict=True):
        if weight:
            total += weight * answer.astype(np.float64)
    return total
