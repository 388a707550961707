"""How members become one answer, shared by the stages ``ensemble`` and ``honest``: all that is chosen on out-of-fold
answers, for each fold without the rows that it scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from features import combination, metrics
from features.combination import Ranks
from features.folds import SCORE
from pipeline.params import Params
from pipeline.runtime import seed_for


@dataclass(frozen=True)
class Combined:
    """``out_of_fold [repeats, t, c]`` and the thresholds that decide it ``[repeats, t]``; ``test [n - t, c]`` and the
    ``choice`` that answered it; ``steps``: the out-of-fold answers of each way to combine that the metrics show, by
    name, ``[repeats, t, c]``.
    """

    out_of_fold: np.ndarray
    thresholds: np.ndarray
    test: np.ndarray
    choice: Choice
    steps: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Choice:
    """How members are combined: their ``weights [m]`` (within a fold they sum to 1), the ``temperature`` and
    ``threshold`` of the answer, and ``ranks`` where those are averaged."""

    weights: np.ndarray
    temperature: float
    threshold: float
    ranks: Ranks | None

    def answer(self, answers: np.ndarray) -> np.ndarray:
        """The answer ``[n, c]`` of all members ``[m, n, c]``; a row's does not depend on the rows beside it."""
        given = answers if self.ranks is None else self.ranks.forward(answers)
        mixed = combination.blend(self.weights, given)
        return combination.cooled(mixed if self.ranks is None else self.ranks.back(mixed), self.temperature)

    def to_mapping(self) -> dict[str, Any]:
        """What ``from_mapping`` reads, for JSON."""
        ranks = {"members": self.ranks.members, "common": self.ranks.common} if self.ranks else None
        return {
            "weights": self.weights,
            "temperature": self.temperature,
            "threshold": self.threshold,
            "ranks": ranks,
        }

    @classmethod
    def from_mapping(cls, entry: Mapping[str, Any]) -> Choice:
        """From ``ensemble.json``."""
        ranks = entry["ranks"] and Ranks(np.array(entry["ranks"]["members"]), np.array(entry["ranks"]["common"]))
        return cls(np.array(entry["weights"]), entry["temperature"], entry["threshold"], ranks)


def combine(params: Params, predictions: Mapping[str, np.ndarray], target: np.ndarray, roles: np.ndarray) -> Combined:
    """Members to one answer a row: ``predictions`` as the train stage writes them, ``target [t]``, ``roles [t, F]``.

    Weights, temperature and threshold are chosen for each fold from the rows that the fold does not score, and for the
    test table from all rows.
    """
    members = Members(params, predictions, target)
    repeats, folds = roles.shape[1] // params.encode.folds, params.encode.folds
    steps: dict[str, np.ndarray] = {}
    answers = np.full((repeats, len(target), predictions["out_of_fold"].shape[2]), np.nan)
    thresholds = np.full(answers.shape[:2], 0.5)
    for one in range(roles.shape[1]):
        place = one // folds, np.flatnonzero(roles[:, one] == SCORE)
        choice, found = members.choose(np.flatnonzero(roles[:, one] != SCORE), one)
        answers[place] = members.pooled(choice.weights, place[1], one, choice.temperature)
        thresholds[place] = choice.threshold
        for name, (weights, degrees) in found.items():
            steps.setdefault(name, np.full_like(answers, np.nan))[place] = members.pooled(
                weights, place[1], one, degrees
            )
    choice, _ = members.choose(np.arange(len(target)), roles.shape[1])
    return Combined(answers, thresholds, choice.answer(predictions["test"]), choice, steps)


class Members:
    """The members' out-of-fold answers, and what some of the rows choose of them."""

    def __init__(self, params: Params, predictions: Mapping[str, np.ndarray], target: np.ndarray) -> None:
        self._params, self._target, self._fold = params, target, predictions["fold"]
        self._unit = combination.units(predictions["trial"], predictions["seed"])
        out_of_fold = predictions["out_of_fold"]
        self._ranks = Ranks.of(predictions["test"]) if params.ensemble.method == "rank_mean" else None
        self._given = out_of_fold if self._ranks is None else self._ranks.forward(out_of_fold)

    def choose(self, rows: np.ndarray, number: int) -> tuple[Choice, dict[str, tuple[np.ndarray, float]]]:
        """What ``rows`` choose, and the weights and temperature of each step that the metrics show; ``number`` of the
        choice, for its random bags."""
        settings, task = self._params.ensemble, self._params.table.task
        generator = np.random.default_rng(seed_for(self._params.seed, "bags", number))
        jury = combination.Jury.of(self._given, self._unit, self._fold, rows, self._params.encode.folds, self._loss)
        equal = np.ones(int(self._unit.max()) + 1)
        selected = combination.bagged_votes(jury, settings.bags, generator)
        votes = selected if settings.method == "greedy" else equal
        if settings.prune:
            votes = combination.pruned_votes(jury, votes)
        weights = self._weights(votes)
        fitted, threshold = 1.0, 0.5
        if task != "regression":
            fitted = combination.temperature(self._target[rows], self._repeats(weights, rows))
        degrees = fitted if settings.calibration == "temperature" else 1.0
        if settings.threshold == "metric" and task == "binary" and self._params.table.metric == "accuracy":
            answers = combination.cooled(self._repeats(weights, rows), degrees)
            threshold = combination.best_threshold(self._target[rows], answers[..., 0])
        steps = {"mean": (self._weights(equal), 1.0), "selected": (self._weights(selected), 1.0)}
        if task != "regression":
            steps["calibrated"] = weights, fitted
        return Choice(weights, degrees, threshold, self._ranks), steps

    def pooled(self, weights: np.ndarray, rows: np.ndarray, fold: int, degrees: float) -> np.ndarray:
        """The answers ``[k, c]`` of the members of ``fold`` for ``rows`` that it scores."""
        return combination.cooled(
            self._back(combination.pooled(self._given[:, rows], weights, self._fold == fold)), degrees
        )

    def _repeats(self, weights: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """The answers of each repeat ``[r, k, c]``."""
        repeat = self._fold // self._params.encode.folds
        mixed = [combination.pooled(self._given[:, rows], weights, repeat == one) for one in np.unique(repeat)]
        return self._back(np.stack(mixed))

    def _weights(self, votes: np.ndarray) -> np.ndarray:
        return combination.member_weights(votes, self._unit, self._fold)

    def _back(self, mixed: np.ndarray) -> np.ndarray:
        return mixed if self._ranks is None else self._ranks.back(mixed)

    def _loss(self, rows: np.ndarray, answers: np.ndarray) -> np.ndarray:
        return metrics.row_loss(self._params.table.metric, self._target[rows], self._back(answers))
