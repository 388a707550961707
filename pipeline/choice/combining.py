"""How members become one answer, shared by the stages ``ensemble`` and ``honest``: all that is chosen on out-of-fold
answers, for each fold without the rows that it scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from features.encoding.target import LOGARITHMS
from features.roles import SCORE, UNUSED
from features.scoring import calibration, combination, metrics, voting
from features.scoring.calibration import Level
from features.scoring.combination import Ranks
from features.scoring.rules import Rule, best_rule, most
from features.tasks import DECISIONS
from pipeline.runtime import seed_for
from pipeline.settings import Params


@dataclass(frozen=True)
class Combined:
    """``out_of_fold [repeats, t, c]`` and the ``rules`` that decide it; ``test [n - t, c]`` and the ``choice`` that
    answered it; ``steps``: the out-of-fold answers of each way to combine that the metrics show, by name, ``[repeats,
    t, c]``, and ``step_rules``: what decides each; ``uncalibrated``: what the step ``calibrated`` calibrates.
    """

    out_of_fold: np.ndarray
    rules: FoldRules
    test: np.ndarray
    choice: Choice
    steps: Mapping[str, np.ndarray]
    step_rules: Mapping[str, FoldRules]
    uncalibrated: np.ndarray


@dataclass(frozen=True)
class FoldRules:
    """The rule of each fold, ``rules [F]``, and which fold scores a row in each repeat, ``fold [repeats, t]``."""

    rules: Sequence[Rule]
    fold: np.ndarray

    def leanings(self, answers: np.ndarray) -> np.ndarray:
        """What speaks for each class, see ``Rule``: of answers ``[..., repeats, t, c]``, in their shape."""
        found = np.full(answers.shape, np.nan)
        for one, rule in enumerate(self.rules):
            inside = self.fold == one
            found[..., inside, :] = rule.leanings(answers[..., inside, :])
        return found

    def decide(self, answers: np.ndarray) -> np.ndarray:
        """The class numbers ``[..., repeats, t]`` of answers ``[..., repeats, t, c]``."""
        return most(self.leanings(answers))


@dataclass(frozen=True)
class Choice:
    """How members are combined: their ``weights [m]`` (within a fold they sum to 1), the ``temperature`` of
    the answer and the ``rule`` that decides it, ``ranks`` where those are averaged, whether answers are averaged as
    ``logarithms``, and the ``level`` that values are brought to, if they are."""

    weights: np.ndarray
    temperature: float
    rule: Rule
    ranks: Ranks | None
    logarithmic: bool
    level: Level | None = None

    def answer(self, answers: np.ndarray) -> np.ndarray:
        """The answer ``[n, c]`` of all members ``[m, n, c]``; a row's does not depend on the rows beside it."""
        given = combination.logarithms(answers) if self.logarithmic else answers
        mixed = combination.blend(self.weights, given if self.ranks is None else self.ranks.forward(given))
        mixed = mixed if self.ranks is None else self.ranks.back(mixed)
        mixed = np.expm1(mixed) if self.logarithmic else mixed
        return calibrated(mixed, self.temperature, self.level)

    def to_mapping(self) -> dict[str, Any]:
        """What ``from_mapping`` reads, for JSON."""
        ranks = {"members": self.ranks.members, "common": self.ranks.common} if self.ranks else None
        return {
            "weights": self.weights,
            "temperature": self.temperature,
            **self.rule.to_mapping(),
            "ranks": ranks,
            "logarithmic": self.logarithmic,
            **({"level": self.level.to_mapping()} if self.level else {}),
        }

    @classmethod
    def from_mapping(cls, entry: Mapping[str, Any]) -> Choice:
        """From ``ensemble.json``."""
        ranks = entry["ranks"] and Ranks(np.array(entry["ranks"]["members"]), np.array(entry["ranks"]["common"]))
        # Older code averaged values as they were, and said nothing of it.
        logarithmic = entry.get("logarithmic", False)
        level = Level.from_mapping(entry["level"]) if "level" in entry else None
        rule = Rule.from_mapping(entry)
        return cls(np.array(entry["weights"]), entry["temperature"], rule, ranks, logarithmic, level)


def calibrated(answers: np.ndarray, temperature: float, level: Level | None) -> np.ndarray:
    """What members answer together, of any shape: probabilities at the ``temperature``, values at their ``level``."""
    return calibration.with_temperature(answers, temperature) if level is None else level.apply(answers)


def combine(
    params: Params,
    predictions: Mapping[str, np.ndarray],
    target: np.ndarray,
    roles: np.ndarray,
    transform: str,
    together: np.ndarray | None,
) -> Combined:
    """Members to one answer per row: ``predictions`` as the train stage writes them, ``target [t]``, ``roles [t, F]``,
    the ``transform`` by which networks learned the target (``features.encoding.target``), and the number of the group
    of rows that each belongs to, ``together [t]`` (None: each row by itself): what a group says is said once.

    Weights, temperature, level and rule are chosen for each fold from the rows that it trains or stops by, and for
    the test table from all rows. What those rows are answered by has learned from the rows that the fold scores,
    see ``choosing.choose``: of few rows a selection of members flatters a little.
    """
    # In one thread: several add up a long sum in another order each, by which a vote may fall to another member.
    with threadpool_limits(1, "blas"):
        members = Combiner(params, predictions, target, transform, together)
        return _combined(members, params, predictions, target, roles)


def _combined(
    members: Combiner, params: Params, predictions: Mapping[str, np.ndarray], target: np.ndarray, roles: np.ndarray
) -> Combined:
    repeats, folds = roles.shape[1] // params.encode.folds, params.encode.folds
    answers = np.full((repeats, len(target), predictions["out_of_fold"].shape[2]), np.nan)
    uncalibrated, fold = answers.copy(), np.full(answers.shape[:2], -1)
    steps: dict[str, np.ndarray] = {}
    rules: list[Rule] = []
    step_rules: dict[str, list[Rule]] = {}
    for one in range(roles.shape[1]):
        scored = np.flatnonzero(roles[:, one] == SCORE)
        place = one // folds, scored
        choice, found = members.choose(np.flatnonzero(~np.isin(roles[:, one], (SCORE, UNUSED))), one)
        uncalibrated[place] = members.answers(choice.weights, one, scored)
        answers[place] = calibrated(uncalibrated[place], choice.temperature, choice.level)
        fold[place] = one
        rules.append(choice.rule)
        for name, step in found.items():
            steps.setdefault(name, np.full_like(answers, np.nan))[place] = members.step(step, one, scored)
            step_rules.setdefault(name, []).append(step.rule)
    choice, _ = members.choose(np.arange(len(target)), roles.shape[1])
    of_steps = {name: FoldRules(each, fold) for name, each in step_rules.items()}
    return Combined(
        answers, FoldRules(rules, fold), choice.answer(predictions["test"]), choice, steps, of_steps, uncalibrated
    )


def levelled(params: Params, transform: str) -> bool:
    """Whether values are brought to a level: where MAE or MAPE judges them, which want medians, and where RMSE does,
    which wants means, and logarithms (``transform``) were learned."""
    of_rmse = params.table.metric == "rmse" and transform in LOGARITHMS
    return params.ensemble.calibration == "auto" and (of_rmse or params.table.metric in ("mae", "mape"))


def decided_by_metric(params: Params) -> bool:
    """Whether the rule of decisions is chosen by the metric: where it judges them other than by how many are right, or,
    of two classes, where params say so."""
    metric, threshold = params.table.metric, params.ensemble.threshold
    if metric == "accuracy":
        return threshold == "metric" and params.table.task == "binary"
    return metric in DECISIONS and threshold != "half"


def level_of(
    params: Params, transform: str, target: np.ndarray, answers: np.ndarray, together: np.ndarray | None
) -> Level:
    """The level that ``answers [r, k]`` of several repeats want to be means or medians of ``target [k]``, as the metric
    asks (MAPE: each value with the weight of its inverse): times a factor where logarithms were learned, else with a
    shift; with ``train.clip`` in the target's range; MAE's medians rounded where that is surely nearer. Rows of one
    group of ``together [k]`` count as one where it is asked what may be noise."""
    said, factor, shift = answers.mean(axis=0), 1.0, 0.0
    weights = 1 / np.abs(target) if params.table.metric == "mape" else np.ones(len(target))
    if params.table.metric == "rmse":
        factor = calibration.mean_factor(target, said, together)
    elif transform in LOGARITHMS:
        factor = calibration.median_factor(target, said, weights, together)
    else:
        shift = calibration.median_shift(target, said, weights, together)
    ends = (float(target.min()), float(target.max())) if params.train.clip else (-np.inf, np.inf)
    level = Level(factor, shift, *ends)
    nearer = params.table.metric == "mae" and calibration.whole_is_nearer(target, level.apply(answers), together)
    return replace(level, rounded=nearer)


@dataclass(frozen=True)
class Step:
    """One way to combine: members' ``weights [m]``, whether ``ranked``, the ``temperature``, the ``level`` and the
    ``rule``."""

    weights: np.ndarray
    ranked: bool
    temperature: float = 1.0
    level: Level | None = None
    rule: Rule = Rule()


class Combiner:
    """The members' out-of-fold answers, and what some of the rows choose of them."""

    def __init__(
        self,
        params: Params,
        predictions: Mapping[str, np.ndarray],
        target: np.ndarray,
        transform: str,
        together: np.ndarray | None,
    ) -> None:
        groups = together is not None and len(np.unique(together)) < len(together)
        self._together = together if groups else None
        self._params, self._target, self._fold = params, target, predictions["fold"]
        self._unit = voting.units(predictions["trial"], predictions["seed"])
        self._plain, self._test = predictions["out_of_fold"], predictions["test"]
        self._logarithmic = params.table.metric == "rmsle"
        if self._logarithmic:
            self._plain, self._test = combination.logarithms(self._plain), combination.logarithms(self._test)
        self._transform = transform
        self._ranked = params.ensemble.method == "rank_mean"
        # Each fold's mean ranks are read back by its own members alone: the others have learned from rows it scores.
        self._ranks = [Ranks.of(self._test[self._fold == one]) for one in self._folds] if self._ranked else []

    @property
    def _folds(self) -> range:
        return range(int(self._fold.max()) + 1)

    def choose(self, rows: np.ndarray, number: int) -> tuple[Choice, dict[str, Step]]:
        """What ``rows`` choose, and the steps that the metrics show, by name; ``number`` of the choice, for its random
        bags."""
        settings, task = self._params.ensemble, self._params.table.task
        generator = np.random.default_rng(seed_for(self._params.seed, "bags", number))
        together = None if self._together is None else self._together[rows]
        jury = voting.Jury.of(self._plain, self._unit, self._fold, rows, self._params.encode.folds, self._loss)
        equal = np.ones(int(self._unit.max()) + 1)
        selected = voting.bagged_votes(jury, settings.bags, generator)
        votes = selected if settings.method == "greedy" else equal
        if settings.prune:
            votes = voting.pruned_votes(jury, votes)
        weights = self._weights(votes)
        steps = {"mean": Step(self._weights(equal), False), "selected": Step(self._weights(selected), False)}
        if self._ranked:
            steps["ranked"] = Step(weights, True)
        degrees, rule, level = 1.0, Rule(), None
        if levelled(self._params, self._transform):
            said = self._all(weights)[:, rows, 0]
            level = level_of(self._params, self._transform, self._target[rows], said, together)
            steps["calibrated"] = Step(weights, self._ranked, level=level)
        if task != "regression":
            known = self._all(weights)[:, rows]
            fitted = calibration.temperature(self._target[rows], known)
            steps["calibrated"] = Step(weights, self._ranked, fitted)
            degrees = fitted if settings.calibration == "temperature" else 1.0
            if decided_by_metric(self._params):
                answers = calibration.with_temperature(known, degrees)
                rule = best_rule(self._params.table.metric, self._target[rows], answers, together)
                # A temperature moves no decision, so the rule goes with it.
                for name, step in steps.items():
                    steps[name] = replace(step, rule=rule.at(step.temperature / degrees))
        ranks = Ranks.of(self._test) if self._ranked else None
        return Choice(weights, degrees, rule, ranks, self._logarithmic, level), steps

    def answers(self, weights: np.ndarray, fold: int, rows: np.ndarray) -> np.ndarray:
        """What the members of ``fold`` answer together ``[k, c]`` for ``rows`` that it scores."""
        return self.step(Step(weights, self._ranked), fold, rows)

    def step(self, step: Step, fold: int, rows: np.ndarray) -> np.ndarray:
        """As ``answers``, with the weights, the ranking, the temperature and the level of ``step``."""
        inside = self._fold == fold
        said, equal = self._plain[inside][:, rows], np.ones(int(inside.sum()), bool)
        if step.ranked:
            ranks = self._ranks[fold]
            mixed = ranks.back(combination.pooled(ranks.forward(said), step.weights[inside], equal))
        else:
            mixed = combination.pooled(said, step.weights[inside], equal)
        return calibrated(self._back(mixed), step.temperature, step.level)

    def _back(self, mixed: np.ndarray) -> np.ndarray:
        """What members say together, on the scale that they are averaged on, as an answer."""
        return np.expm1(mixed) if self._logarithmic else mixed

    def _all(self, weights: np.ndarray) -> np.ndarray:
        """The answers of every fold for the rows it scores ``[r, t, c]``."""
        folds = self._params.encode.folds
        found = np.full((len(self._folds) // folds, *self._plain.shape[1:]), np.nan)
        for fold in self._folds:
            rows = np.flatnonzero(~np.isnan(self._plain[np.argmax(self._fold == fold), :, 0]))
            found[fold // folds, rows] = self.answers(weights, fold, rows)
        return found

    def _weights(self, votes: np.ndarray) -> np.ndarray:
        return voting.member_weights(votes, self._unit, self._fold)

    def _loss(self, rows: np.ndarray, answers: np.ndarray) -> np.ndarray:
        return metrics.row_loss(self._params.table.metric, self._target[rows], self._back(answers))
