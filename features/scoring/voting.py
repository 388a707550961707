"""The weights of members: votes for a trial and seed, by what rows say that may judge them, and see no others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

# Steps of a greedy selection; each adds one unit, with replacement.
GREEDY_STEPS = 20
# At most this many rows judge weights; more would cost time and change nothing.
JUDGING_ROWS = 20_000


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
