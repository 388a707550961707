"""What the tune and train stages decide: which trials a fold takes, invalid trials, the memory of a search."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.choosing import choose
from pipeline.nets.search import Result, Trial, search
from pipeline.tune import Memory, trials_table

SPACE = {"depth": (1, 2, 3), "width": (4, 8, 16), "learning_rate": (0.001, 0.01, 0.1)}


def losses(number: int, configuration: dict[str, float]) -> Result:
    loss = configuration["depth"] * 0.1 + configuration["learning_rate"]
    reason = "diverged" if configuration["learning_rate"] == 0.1 else ""
    return Result(np.full(4, loss), np.array([loss, loss]), 3.0, reason)


def test_a_fold_does_not_choose_by_the_rows_it_scores() -> None:
    roles = np.array([[2, 0], [2, 0], [0, 2], [1, 2]])
    loss = np.array([[0.0, 0.0, 9.0, 9.0], [5.0, 5.0, 1.0, 1.0], [np.nan] * 4])
    chosen = choose(loss, roles, 1)
    assert [fold.tolist() for fold in chosen] == [[1], [0]]
    loss[:, roles[:, 0] == 2] = np.random.default_rng(0).random((3, 2))
    assert choose(loss, roles, 1)[0].tolist() == [1]


def test_invalid_trials_are_never_chosen() -> None:
    roles = np.array([[2, 0], [0, 2]])
    assert choose(np.array([[np.nan, np.nan], [3.0, 3.0]]), roles, 5)[0].tolist() == [1]


def test_search_repeats_itself_and_goes_on_after_invalid_trials() -> None:
    for oracle in ("bayesian", "random", "grid"):
        runs = [search(oracle, SPACE, 12, 4, 5, lambda first, cs: [losses(first, c) for c in cs]) for _ in range(2)]
        assert [trial.configuration for trial in runs[0]] == [trial.configuration for trial in runs[1]]
        assert len(runs[0]) == 12
        assert any(trial.result.reason for trial in runs[0])
        assert [trial.number for trial in runs[0]] == list(range(12))


def test_at_least_one_switch_stays_on_and_most_do() -> None:
    switches = dict.fromkeys(("a", "b", "c"), (True, False))
    for oracle in ("bayesian", "random"):

        def evaluate(first: int, configurations: list[dict[str, Any]]) -> list[Result]:
            return [losses(0, {"depth": 1 + c["a"] - c["b"], "learning_rate": 0.01}) for c in configurations]

        trials = search(oracle, {**SPACE, **switches}, 60, 20, 1, evaluate)
        assert len(trials) == 60
        on = np.array([[trial.configuration[name] for name in switches] for trial in trials])
        assert on.any(axis=1).all() and not on.all()
        assert on[:20].mean() > 0.65
        if oracle == "bayesian":  # column a does harm
            assert on[20:, 0].mean() < 0.4 and on[20:, 1].mean() > 0.8


def test_seed_zero_is_a_seed() -> None:
    first, second = (search("random", SPACE, 8, 4, seed, lambda f, cs: [losses(f, c) for c in cs]) for seed in (0, 1))
    again = search("random", SPACE, 8, 4, 0, lambda f, cs: [losses(f, c) for c in cs])
    assert [t.configuration for t in first] == [t.configuration for t in again]
    assert [t.configuration for t in first] != [t.configuration for t in second]


def test_the_table_of_trials_says_which_ended_early() -> None:
    results = [replace(losses(0, c), halved=True) for c in ({"depth": 1, "learning_rate": r} for r in (0.01, 0.1))]
    trials = [Trial(0, 0, {}, losses(0, {"depth": 1, "learning_rate": 0.01})), *[Trial(1, 0, {}, r) for r in results]]
    assert trials_table(trials, "binary")["status"].tolist() == ["ok", "halved", "invalid"]


def test_memory_recalls_only_what_was_asked(tmp_path: Path) -> None:
    memory = Memory(tmp_path, "a" * 64)
    configurations = [{"depth": 1, "learning_rate": 0.01}, {"depth": 2, "learning_rate": 0.1}]
    results = [replace(losses(0, c), halved=c["depth"] == 1) for c in configurations]
    memory.keep(0, configurations, results)
    recalled = memory.recall(0, configurations)
    assert recalled is not None
    assert [r.reason for r in recalled] == ["", "diverged"]
    assert [r.halved for r in recalled] == [True, False]
    np.testing.assert_array_equal(recalled[0].loss, results[0].loss)
    assert memory.recall(0, configurations[:1]) is None
    assert Memory(tmp_path, "b" * 64).recall(0, configurations) is None
    memory._path(0).write_bytes(b"half a file")
    assert memory.recall(0, configurations) is None
