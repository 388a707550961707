"""The tune stage: what it says, its table of trials, the memory of a search."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pipeline import tune
from pipeline.choice import arrays
from pipeline.choice.arrays import Inputs
from pipeline.demo import write_yaml
from pipeline.nets.search import Result, Trial
from pipeline.params import read_document
from pipeline.search_space import SEARCHED
from pipeline.tune import Memory, trials_table
from tests.pipeline.nets.test_search import losses

ROOT = Path(__file__).resolve().parents[2]


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
