"""What the tune and train stages decide: which trials a fold takes, invalid trials, the memory of a search."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from features.roles import SCORE, UNUSED
from pipeline import tune
from pipeline.choice import arrays
from pipeline.choice.arrays import Inputs
from pipeline.choice.choosing import choose, mean_loss
from pipeline.choice.evaluation import errors
from pipeline.demo import write_yaml
from pipeline.nets.fit import Fit
from pipeline.nets.search import Part, Result, Trial, search
from pipeline.params import load, read_document
from pipeline.search_space import SEARCHED, Range
from pipeline.train import learning_curves
from pipeline.tune import Memory, trials_table

ROOT = Path(__file__).resolve().parents[2]
SPACE = {"depth": (1, 2, 3), "width": (4, 8, 16), "learning_rate": (0.001, 0.01, 0.1)}
PARTS = [Part(SPACE, 12, 4)]


def losses(number: int, configuration: dict[str, float]) -> Result:
    loss = configuration["depth"] * 0.1 + configuration["learning_rate"]
    reason = "diverged" if configuration["learning_rate"] == 0.1 else ""
    return Result(np.full(4, loss), np.full(4, loss / 2), np.array([loss, loss]), 3.0, reason)


@pytest.mark.parametrize("role", [SCORE, UNUSED])
def test_a_fold_does_not_choose_by_the_rows_it_scores_or_leaves_out(role: int) -> None:
    roles = np.array([[role, 0], [role, 0], [0, 2], [1, 2]])
    error = np.array([[0.0, 0.0, 9.0, 9.0], [50.0, 50.0, 1.0, 1.0], [np.nan] * 4])
    valid = np.array([True, True, False])
    chosen = choose(error, valid, roles, "regression", 1, False)
    assert [fold.tolist() for fold in chosen] == [[1], [0]]
    error[:, roles[:, 0] == role] = np.random.default_rng(0).random((3, 2))
    assert choose(error, valid, roles, "regression", 1, False)[0].tolist() == [1]


def test_invalid_trials_are_never_chosen_and_rows_that_no_fold_scored_have_no_say() -> None:
    roles = np.array([[2, 0], [0, 2], [0, 0]])
    error = np.array([[np.nan] * 3, [3.0, 3.0, np.nan], [2.0, 2.0, np.nan]])
    assert choose(error, np.array([False, True, True]), roles, "regression", 5, True)[0].tolist() == [2, 1]


def test_a_worse_trial_is_taken_if_its_errors_are_others() -> None:
    """Values: the second best errs as the best does, the third the other way. Classes: the third is
    surer where the best is not."""
    roles = np.array([[2, 0]] * 2 + [[0, 2]] * 2)
    by_task = {
        "regression": np.array([[1.0, -1.0, 1.0, -1.0], [1.1, -1.1, 1.1, -1.1], [-1.2, 1.2, -1.2, 1.2]]),
        "binary": np.array([[0.6, 0.2, 0.6, 0.2], [0.62, 0.22, 0.62, 0.22], [0.2, 0.65, 0.2, 0.65]]),
    }
    for task, error in by_task.items():
        alone = mean_loss(error, task)
        assert (np.diff(alone) > 0).all()
        valid = np.ones(3, bool)
        assert choose(error, valid, roles, task, 3, True)[0].tolist() == [0, 2, 1]
        assert choose(error, valid, roles, task, 3, False)[0].tolist() == [0, 1, 2]


def test_errors_of_a_mean_are_the_mean_of_errors() -> None:
    """And their loss is the loss that the networks are trained on."""
    generator = np.random.default_rng(3)
    for task, target, classes in (
        ("binary", np.array([0.0, 1.0, 1.0]), 1),
        ("multiclass", np.array([0.0, 2.0, 1.0]), 3),
        ("regression", np.array([0.5, -1.0, 2.0]), 1),
    ):
        answers = generator.dirichlet(np.ones(3), (4, 3)) if classes == 3 else generator.random((4, 3, 1))
        each = np.stack([errors(one, target, task) for one in answers])
        np.testing.assert_allclose(errors(answers.mean(axis=0), target, task), each.mean(axis=0))
        if task == "regression":
            expected = np.mean((answers[..., 0] - target) ** 2, axis=1)
        elif task == "binary":
            expected = -np.mean(np.log(np.where(target == 1, answers[..., 0], 1 - answers[..., 0])), axis=1)
        else:
            expected = -np.mean(np.log(answers[:, np.arange(3), target.astype(int)]), axis=1)
        np.testing.assert_allclose(mean_loss(each, task), expected)


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


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        pytest.param({"family": ["plain", "realmlp"]}, ["tune: 12 trials x 10 folds"], id="one of realmlp"),
        pytest.param(
            {
                "oracle": "grid",
                "space": {**dict.fromkeys(SEARCHED, 1), "initializer": "zeros", "activation": "relu"}
                | {"dropout": {"low": 0.0, "high": 0.5}},
            },
            ["tune: 12 trials x 10 folds", "tune: 10 trials, for the oracle proposed no more that it had not tried"],
            id="a grid of ten",
        ),
    ],
)
def test_the_stage_says_how_many_trials_there_are(
    changed: dict[str, Any],
    told: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def evaluate(
        table: object, task: str, networks: list[dict[str, Any]], *rest: object, **how: object
    ) -> list[Result]:
        return [losses(0, {"depth": 1, "learning_rate": 0.01})] * len(networks)

    monkeypatch.setattr(tune, "evaluate", evaluate)
    document = read_document(ROOT / "params.yaml")
    document["tune"] |= {"max_trials": 12, "generation": 6, "halving": 0} | changed
    write_yaml(tmp_path / "params.yaml", document)
    words = ("--params=params.yaml", "--input=arrays.npz", "--output=out", "--report=report", "--memory=memory")
    monkeypatch.chdir(tmp_path)
    inputs = Inputs(np.array(["a"]), np.array([""]), ("zscore",))
    monkeypatch.setattr(arrays, "load_table", lambda path, task: SimpleNamespace(table=None, inputs=inputs))
    (tmp_path / "arrays.npz").write_bytes(b"")
    assert tune.main(["--competition=titanic", *words]) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.split(" on ")[0] for line in said[:-1]] == told
    made = int(told[-1].split()[1])
    assert len((tmp_path / "report" / "trials.csv").read_text().splitlines()) == made + 1
    # The lowest of many losses is lower than what its trial is worth, so none is told without their number.
    assert said[-1].endswith(f"(trial 0, the lowest of {made}, so flattered), 0 invalid")
    best = json.loads((tmp_path / "report" / "best_hyperparameters.json").read_text())
    assert (best["trial"], best["trials"]) == (0, made)


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


def test_the_table_of_trials_says_which_ended_early() -> None:
    results = [replace(losses(0, c), halved=True) for c in ({"depth": 1, "learning_rate": r} for r in (0.01, 0.1))]
    trials = [Trial(0, 0, {}, losses(0, {"depth": 1, "learning_rate": 0.01})), *[Trial(1, 0, {}, r) for r in results]]
    assert trials_table(trials, "binary")["status"].tolist() == ["ok", "halved", "invalid"]


def test_the_table_of_trials_holds_what_any_family_has_before_what_came_of_it() -> None:
    result = losses(0, {"depth": 1, "learning_rate": 0.01})
    trials = [Trial(0, 0, {"depth": 1}, result), Trial(1, 0, {"depth": 1, "frequency": 0.05}, result)]
    table = trials_table(trials, "binary")
    assert list(table.columns[:5]) == ["trial", "generation", "depth", "frequency", "log_loss"]
    assert table["frequency"].isna().tolist() == [True, False]


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
    np.testing.assert_array_equal(recalled[0].error, results[0].error)
    assert memory.recall(0, configurations[:1]) is None
    assert Memory(tmp_path, "b" * 64).recall(0, configurations) is None
    memory._path(0).write_bytes(b"half a file")
    assert memory.recall(0, configurations) is None


def test_learning_curves_keep_a_members_last_finite_loss() -> None:
    """Member 0 trains to the end, 1 stops after two epochs, 2 diverges in the third, 3 is not sound."""
    nan = float("nan")
    losses = np.array([[8, 6, 4, 2], [4, 2, nan, nan], [6, 4, nan, nan], [nan, nan, nan, nan]], np.float32)
    nothing = np.zeros(0)
    found = Fit(nothing, nothing, losses, losses, np.array([4, 2, 2, 0]), np.array([4, 2, 3, 1]), nothing, [])
    curves = learning_curves(found, np.array([True, True, True, False]))
    assert curves["epoch"].tolist() == [1, 2, 3, 4] and curves["members_training"].tolist() == [3, 3, 2, 1]
    for name in ("train_loss", "stop_loss"):
        assert curves[name].tolist() == pytest.approx([6, 4, 10 / 3, 8 / 3], abs=1e-6)
        assert curves[f"{name}_se"].tolist()[2] == pytest.approx(np.std([4, 2, 4], ddof=1) / np.sqrt(3), abs=1e-6)
    alone = learning_curves(found, np.array([True, False, False, False]))
    assert alone["train_loss"].tolist() == [8, 6, 4, 2] and alone["train_loss_se"].isna().all()
