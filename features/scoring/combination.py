"""Members' answers to one: their weighted mean, and that of their ranks or logarithms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.errors import UserError

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


def blend(weights: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """The weighted mean ``[n, c] float64`` of ``answers [m, n, c]``, ``weights [m]``: one member after another, so
    that a row's sum is the same whatever the number of rows."""
    total = np.zeros(answers.shape[1:])
    for weight, answer in zip(weights / weights.sum(), answers, strict=True):
        if weight:
            total += weight * answer.astype(np.float64)
    return total


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
