"""The search: KerasTuner's oracle proposes a generation of trials, ``evaluate`` trains them together, the oracle
learns.

A generation is asked for with one tuner id per trial ("lanes"), so that proposals depend on the generations before and
on nothing else: not on timing, not on the number of workers, not on an interruption.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import keras
import keras_tuner as kt
import numpy as np
from threadpoolctl import threadpool_limits

from pipeline.nets.gaussian import GaussianProcess

Configuration = dict[str, Any]
# How often a proposal turns a switch (a hyperparameter that is true or false) off. Most columns do more good than harm,
# so sets with few left out are tried before those with half of them.
OFF_PROBABILITY = 0.2
# Candidates that the Gaussian process ranks for each proposal, and how many standard deviations below its mean a
# candidate's loss is taken to be (KerasTuner's ``beta``): the larger, the more is explored.
CANDIDATES, BETA = 2048, 2.6
# A loss counts as no further from the best than FAR times the distance of the first ones' median, see
# ``BayesianOracle``; these are FIRST or, if that is more, the first generation. The median of one trial that stays the
# best is the best, so that all others would count as equally good.
FAR, FIRST = 1.5, 5


class Interval(Protocol):
    """A range to draw from."""

    @property
    def low(self) -> float:
        """Lower end."""

    @property
    def high(self) -> float:
        """Upper end."""

    @property
    def log(self) -> bool:
        """Whether the logarithm is drawn uniformly."""


@dataclass(frozen=True)
class Result:
    """One trial: loss and error of each row from the fold that scores it (``loss [t]``; ``error [t]``, how far the
    answer is from the target, see ``evaluation.errors``; NaN where no fold did), mean loss of each fold, mean best
    epoch, the reason why the trial is invalid ("" for a valid one), and whether halving ended it early."""

    loss: np.ndarray
    error: np.ndarray
    fold_loss: np.ndarray
    best_epoch: float
    reason: str
    halved: bool = False

    @property
    def mean(self) -> float:
        """Mean over folds; NaN for an invalid trial."""
        return float("nan") if self.reason else float(np.mean(self.fold_loss))


@dataclass(frozen=True)
class Trial:
    """What was proposed, when, and what came of it."""

    number: int
    generation: int
    configuration: Configuration
    result: Result


class Switch(kt.engine.hyperparameters.Boolean):
    """True or false, false with probability ``OFF_PROBABILITY`` rather than a half; all else as KerasTuner has it."""

    def prob_to_value(self, prob: float) -> bool:
        """The value at a place in [0, 1], which proposals draw from."""
        return bool(prob >= OFF_PROBABILITY)

    def value_to_prob(self, value: bool) -> float:
        """The middle of the value's stretch."""
        return (1 + OFF_PROBABILITY) / 2 if value else OFF_PROBABILITY / 2


# The oracle copies its hyperparameters by the name of their class.
keras.saving.get_custom_objects()["Switch"] = Switch


class InMemory(kt.Oracle):
    """An oracle that writes nothing. KerasTuner's writes its whole state at each proposal and each result; ours is
    replayed from the results instead."""

    def save(self) -> None:
        """Nowhere."""

    def _save_trial(self, trial: Any) -> None:
        """Nowhere."""


class SomethingOn(InMemory):
    """An oracle that never turns all switches off: such a proposal counts as one that was tried before."""

    def _duplicate(self, values: dict[str, Any]) -> bool:
        switches = [value for value in values.values() if isinstance(value, bool)]
        return (bool(switches) and not any(switches)) or super()._duplicate(values)


class RandomOracle(SomethingOn, kt.oracles.RandomSearchOracle):
    """KerasTuner's random search."""


class BayesianOracle(SomethingOn):
    """KerasTuner's Bayesian optimisation with the acquisition minimised over random candidates.

    The original runs 50 restarts of a gradient-free L-BFGS with single-row predictions for each proposal, which takes
    seconds; the lower confidence bound of ``CANDIDATES`` random points is one matrix product. Lanes under way count
    as seen at a pessimistic value, as in the original. A loss counts as no further from the best than ``FAR`` times the
    distance of the first, random ones' median: how bad the bad ones are would flatten what good ones differ by.
    """

    def __init__(self, num_initial_points: int, **common: Any) -> None:
        super().__init__(**common)
        self._initial = num_initial_points
        self._process = GaussianProcess(self.seed)
        self._random = np.random.RandomState(self.seed)

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """The proposal of one lane; see ``keras_tuner.Oracle.populate_space``."""
        # A failed trial counts, too: else a single one in the first generation would make the second random as well.
        count = Counter(trial.status for trial in self.trials.values())
        searched = [one for one in self.hyperparameters.space if not isinstance(one, kt.engine.hyperparameters.Fixed)]
        if count["COMPLETED"] + count["FAILED"] < self._initial or not count["COMPLETED"] or not searched:
            values = self._random_values()
            return {"status": "RUNNING" if values else "STOPPED", "values": values}
        self._process.fit(*self._seen(searched))
        points = self._random.uniform(size=(CANDIDATES, len(searched)))
        mean, sd = self._process.predict(points)
        for point in points[np.argsort(mean - BETA * sd, kind="stable")]:
            places = {one.name: place for one, place in zip(searched, point, strict=True)}
            values = {
                one.name: one.prob_to_value(places[one.name]) if one.name in places else one.value
                for one in self.hyperparameters.space
            }
            if not self._duplicate(values):
                return {"status": "RUNNING", "values": values}
        return {"status": "STOPPED", "values": None}

    def _seen(self, searched: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
        """Places in [0, 1] along each hyperparameter that is ``searched``, and losses, of the trials that have one and
        then of those under way."""
        ended, under_way = (
            [trial for trial in self.trials.values() if trial.status == status] for status in ("COMPLETED", "RUNNING")
        )
        configurations = [trial.hyperparameters.values for trial in (*ended, *under_way)]
        places = np.array([[one.value_to_prob(values[one.name]) for one in searched] for values in configurations])
        losses = np.array([trial.score for trial in ended])
        # By the first ones, which were random: half of all may lie where a search has come near the best.
        best, median = losses.min(), np.median(losses[: self._initial])
        if under_way:
            mean, sd = self._process.predict(places[len(ended) :])
            losses = np.append(losses, mean + sd)
        return places, np.minimum(losses, best + FAR * (median - best))


class GridOracle(InMemory):
    """Every combination, in the order of KerasTuner's grid, or, where those are more than the trials, combinations from
    all over it; as many at a time as are asked for: KerasTuner's own knows what comes after a trial only when that has
    ended."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """The proposal of one lane; see ``keras_tuner.Oracle.populate_space``."""
        # KerasTuner has the ten values of a range in the order of a set.
        grid = {
            one.name: sorted(one.values) if isinstance(one, kt.engine.hyperparameters.Float) else one.values
            for one in self.get_space().space
        }
        total = math.prod(map(len, grid.values()))
        if len(self.trials) == total:
            return {"status": "STOPPED", "values": None}
        place = len(self.trials) * (1 if total <= self.max_trials else _stride(total)) % total
        values = {}
        for name, choices in reversed(grid.items()):
            place, own = divmod(place, len(choices))
            values[name] = choices[own]
        return {"status": "RUNNING", "values": values}


def _stride(total: int) -> int:
    """A step through a ring of ``total`` places that meets all of them, and at any time has met all parts of it alike:
    near the golden section, coprime to ``total``. A step of equal parts would meet few of the values that vary fastest,
    at 60 of 72,000 places only one."""
    return next(step for step in itertools.count(round(total * (5**0.5 - 1) / 2)) if math.gcd(step, total) == 1)


@dataclass(frozen=True)
class Part:
    """A space, and how many trials are drawn from it, in all and per generation."""

    space: Mapping[str, Sequence[Any] | Interval]
    trials: int
    generation: int


class Search:
    """One search, a generation at a time: ``propose``, train, ``learn``, until nothing is proposed.

    Each of its ``parts`` has an oracle of its own, which knows what came of its own proposals; a generation holds those
    of all, so that they train together. Fewer trials are made where a space has no more to offer.
    """

    def __init__(self, oracle: str, parts: Sequence[Part], seed: int) -> None:
        self._searches = [PartSearch(oracle, part, seed + number) for number, part in enumerate(parts)]
        self._number = 0
        self.trials: list[Trial] = []

    def propose(self) -> list[Configuration]:
        """The next generation; empty when the search is over."""
        return [configuration for part in self._searches for configuration in part.propose()]

    def learn(self, results: Sequence[Result]) -> None:
        """What came of the generation proposed last, in its order."""
        left = iter(results)
        for part in self._searches:
            for configuration, result in part.learn(left):
                self.trials.append(Trial(len(self.trials), self._number, configuration, result))
        self._number += 1


class PartSearch:
    """One oracle and the proposals that it waits to hear of."""

    def __init__(self, oracle: str, part: Part, seed: int) -> None:
        self._part, self._made = part, 0
        self._oracle = _oracle(oracle, part.space, part.trials, part.generation, seed)
        self._oracle.verbose = 0
        self._lanes: list[Any] = []
        self._proposed: list[Configuration] = []

    def propose(self) -> list[Configuration]:
        """The part's configurations of the next generation; none when its trials or its space are used up."""
        self._lanes = []
        # The matrices of a Gaussian process are small: threads would only wait for one another.
        with threadpool_limits(1):
            for lane in range(min(self._part.generation, self._part.trials - self._made)):
                proposal = self._oracle.create_trial(f"lane{lane}")
                if proposal.status != "RUNNING":
                    break
                self._lanes.append(proposal)
        self._proposed = [_plain(proposal.hyperparameters.values, self._part.space) for proposal in self._lanes]
        return self._proposed

    def learn(self, results: Iterator[Result]) -> Iterator[tuple[Configuration, Result]]:
        """What was proposed last, each with the next of ``results``."""
        for proposal, configuration in zip(self._lanes, self._proposed, strict=True):
            result = next(results)
            self._made += 1
            if result.reason:
                proposal.status, proposal.message = "FAILED", result.reason
            else:
                self._oracle.update_trial(proposal.trial_id, {"loss": result.mean})
                proposal.status = "COMPLETED"
            self._oracle.end_trial(proposal)
            yield configuration, result


def search(
    oracle: str, parts: Sequence[Part], seed: int, evaluate: Callable[[int, list[Configuration]], list[Result]]
) -> list[Trial]:
    """All trials in order of their number.

    ``evaluate(first, configurations)`` gets the number of its first trial and must return the same results for the
    same arguments.
    """
    one = Search(oracle, parts, seed)
    while configurations := one.propose():
        one.learn(evaluate(len(one.trials), configurations))
    return one.trials


def _oracle(
    name: str, space: Mapping[str, Sequence[Any] | Interval], max_trials: int, generation: int, seed: int
) -> kt.Oracle:
    hyperparameters = kt.HyperParameters()
    for key, values in space.items():
        if not isinstance(values, Sequence):
            hyperparameters.Float(key, values.low, values.high, sampling="log" if values.log else "linear")
        elif all(isinstance(value, bool) for value in values):
            hyperparameters._retrieve(Switch(key, default=True))
        elif len(values) == 1:
            hyperparameters.Fixed(key, values[0])
        else:
            hyperparameters.Choice(key, list(values))
    common = {
        "objective": kt.Objective("loss", "min"),
        "max_trials": max_trials,
        "hyperparameters": hyperparameters,
        "seed": seed % (2**31 - 1) + 1,  # KerasTuner takes 0 for "no seed"
        "max_consecutive_failed_trials": max_trials + 1,
    }
    if name == "bayesian":
        # The Gaussian process begins where the first, random generation ends.
        return BayesianOracle(**common, num_initial_points=min(max(generation, FIRST), max_trials))
    if name == "random":
        return RandomOracle(**common)
    if name == "grid":
        return GridOracle(**common)
    raise ValueError(f"no oracle {name!r}")


def _plain(values: Mapping[str, Any], space: Mapping[str, Any]) -> Configuration:
    """A configuration in the space's order; floats keep nine significant digits, so that CSV and JSON hold them
    exactly."""
    return {key: float(f"{values[key]:.9g}") if isinstance(values[key], float) else values[key] for key in space}
