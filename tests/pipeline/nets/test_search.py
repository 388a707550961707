"""What a search proposes: repeatably, from what it heard, a generation at a time."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.nets.search import Part, Result, Trial, search
from pipeline.params import load
from pipeline.search_space import Range

ROOT = Path(__file__).resolve().parents[3]
SPACE = {"depth": (1, 2, 3), "width": (4, 8, 16), "learning_rate": (0.001, 0.01, 0.1)}
PARTS = [Part(SPACE, 12, 4)]


def losses(number: int, configuration: dict[str, float]) -> Result:
    loss = configuration["depth"] * 0.1 + configuration["learning_rate"]
    reason = "diverged" if configuration["learning_rate"] == 0.1 else ""
    return Result(np.full(4, loss), np.full(4, loss / 2), np.array([loss, loss]), 3.0, reason)


def test_search_repeats_itself_and_goes_on_after_invalid_trials() -> None:
    for oracle in ("bayesian", "random", "grid"):
        runs = [search(oracle, PARTS, 5, lambda first, cs: [losses(first, c) for c in cs]) for _ in range(2)]
        assert [trial.configuration for trial in runs[0]] == [trial.configuration for trial in runs[1]]
        assert len(runs[0]) == 12
        assert any(trial.result.reason for trial in runs[0])
        assert [trial.number for trial in runs[0]] == list(range(12))


def second_generation(oracle: str, astray: Result | None) -> list[dict[str, Any]]:
    """What is proposed after a first generation whose trial 2 may have gone ``astray``."""
    space = {"depth": (1, 2, 3), "learning_rate": Range(0.001, 0.09, True)}

    def evaluate(first: int, configurations: list[dict[str, Any]]) -> list[Result]:
        found = [losses(first + place, one) for place, one in enumerate(configurations)]
        return found[:2] + [astray] + found[3:] if astray and not first else found

    return [trial.configuration for trial in search(oracle, [Part(space, 12, 6)], 3, evaluate)][6:]


def test_a_single_failed_trial_makes_no_random_search_of_the_rest() -> None:
    failed = Result(np.full(4, np.nan), np.full(4, np.nan), np.array([np.nan, np.nan]), 0.0, "diverged")
    assert second_generation("bayesian", failed) != second_generation("random", failed)


def test_how_far_a_trial_went_astray_has_no_say() -> None:
    near, far = (
        second_generation("bayesian", Result(np.full(4, loss), np.full(4, 1.0), np.full(2, loss), 3.0, ""))
        for loss in (2.0, 2000.0)
    )
    assert near == far != second_generation("bayesian", None)


@pytest.mark.parametrize("generation", [1, 2])
def test_trials_few_at_a_time_are_learned_from_though_the_first_stays_the_best(generation: int) -> None:
    """Its loss as the measure of what is usual would make all others equally good, and the search a random one."""
    space = {name: Range(0.0, 1.0, False) for name in ("x", "y")}

    def proposed(low_is_good: bool) -> list[float]:
        def loss(trial: int, x: float) -> Result:
            worse = 1.0 + 0.1 * (x if low_is_good else 1 - x)
            return losses(0, {"depth": 10.0 * worse if trial >= generation else 1.0, "learning_rate": 0.0})

        parts = [Part(space, 16, generation)]
        trials = search("bayesian", parts, 1, lambda first, cs: [loss(first, c["x"]) for c in cs])
        return [trial.configuration["x"] for trial in trials[8:]]

    assert np.mean(proposed(True)) < np.mean(proposed(False)) - 0.2


def test_a_grid_is_proposed_a_generation_at_a_time() -> None:
    """KerasTuner's own would propose the next trial when the one before has ended: nothing could train side by side."""
    space = {"depth": (1, 2, 3), "initializer": ("he_normal",), "width": (16, 32)}
    trials = search(
        "grid", [Part(space, 6, 4)], 5, lambda first, cs: [losses(0, {**c, "learning_rate": 1.0}) for c in cs]
    )
    assert [(t.configuration["depth"], t.configuration["width"]) for t in trials] == [
        (depth, width) for depth in (1, 2, 3) for width in (16, 32)
    ]
    assert [trial.generation for trial in trials] == [0] * 4 + [1] * 2


@pytest.mark.parametrize("trials", [40, 60, 64])
def test_a_grid_of_more_combinations_than_trials_is_met_all_over(trials: int) -> None:
    """Not its first corner, and no value left out because its turn comes in step with the trials."""
    tune = load(ROOT / "params.yaml", "titanic").tune

    def evaluate(first: int, configurations: list[dict[str, Any]]) -> list[Result]:
        return [losses(0, {"depth": 1, "learning_rate": 0.01})] * len(configurations)

    found = [t.configuration for t in search("grid", [Part(tune.space, trials, 20)], 0, evaluate)]
    assert len({tuple(one.values()) for one in found}) == trials
    for name, values in tune.space.items():
        count = Counter(one[name] for one in found)
        assert len(count) == (10 if isinstance(values, Range) else len(values)), name
        assert max(count.values()) <= 1.35 * trials / len(count), name


def test_a_grid_takes_a_range_from_its_low_end() -> None:
    space = {"depth": (1,), "l2": Range(1e-3, 1e-1, True)}
    trials = search(
        "grid", [Part(space, 10, 4)], 5, lambda first, cs: [losses(0, {"depth": 1, "learning_rate": 0.01})] * len(cs)
    )
    assert [t.configuration["l2"] for t in trials] == pytest.approx(np.geomspace(1e-3, 1e-1, 21)[1::2])


def test_a_space_of_one_configuration_is_searched_once() -> None:
    space = {"depth": (2,), "width": (16,)}
    for oracle in ("bayesian", "random", "grid"):
        trials = search(
            oracle, [Part(space, 3, 1)], 5, lambda first, cs: [losses(0, {**c, "learning_rate": 1.0}) for c in cs]
        )
        assert [trial.configuration for trial in trials] == [{"depth": 2, "width": 16}]


def test_each_part_of_a_search_has_an_oracle_of_its_own() -> None:
    """What one part hears does not move what another proposes, and both end with the same generation."""

    def trials_of(second_loss: float) -> list[Trial]:
        def evaluate(first: int, configurations: list[dict[str, Any]]) -> list[Result]:
            return [
                losses(0, c)
                if c["family"] == "a"
                else replace(losses(0, c), fold_loss=np.full(2, second_loss * c["width"]))
                for c in configurations
            ]

        parts = [Part({**SPACE, "family": (name,)}, count, count // 3) for name, count in (("a", 9), ("b", 3))]
        return search("bayesian", parts, 5, evaluate)

    runs = [trials_of(1.0), trials_of(-1.0)]
    for trials in runs:
        assert [trial.number for trial in trials] == list(range(12))
        families = [[t.configuration["family"] for t in trials if t.generation == one] for one in range(3)]
        assert families == [["a", "a", "a", "b"]] * 3
    first, second = ([t.configuration for t in run if t.configuration["family"] == "a"] for run in runs)
    assert first == second


def test_at_least_one_switch_stays_on_and_most_do() -> None:
    switches = dict.fromkeys(("a", "b", "c"), (True, False))
    for oracle in ("bayesian", "random"):

        def evaluate(first: int, configurations: list[dict[str, Any]]) -> list[Result]:
            return [losses(0, {"depth": 1 + c["a"] - c["b"], "learning_rate": 0.01}) for c in configurations]

        trials = search(oracle, [Part({**SPACE, **switches}, 60, 20)], 1, evaluate)
        assert len(trials) == 60
        on = np.array([[trial.configuration[name] for name in switches] for trial in trials])
        assert on.any(axis=1).all() and not on.all()
        assert on[:20].mean() > 0.65
        if oracle == "bayesian":  # column a does harm
            assert on[20:, 0].mean() < 0.4 and on[20:, 1].mean() > 0.8


def test_seed_zero_is_a_seed() -> None:
    first, second = (search("random", PARTS, seed, lambda f, cs: [losses(f, c) for c in cs]) for seed in (0, 1))
    again = search("random", PARTS, 0, lambda f, cs: [losses(f, c) for c in cs])
    assert [t.configuration for t in first] == [t.configuration for t in again]
    assert [t.configuration for t in first] != [t.configuration for t in second]
