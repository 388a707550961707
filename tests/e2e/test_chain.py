"""The whole chain through DVC in a folder of its own, on the generated Titanic: it runs, caches, repeats its bytes."""

from __future__ import annotations

import functools
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline import demo, tune
from pipeline.choice.searching import trials_at_equal_cost
from pipeline.nets.search import Result
from pipeline.params import load, read_document
from tests.stages import run_stage

pytestmark = pytest.mark.slow
# Python imports a module of this name when it starts: each stage leaves the names of what it has loaded by its end, and
# which files it found when it began to read them.
WITNESS = """
import atexit, json, os, sys

read = set()

def watch(event, arguments):
    if event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR):
        if isinstance(arguments[0], (str, os.PathLike)) and os.path.isfile(arguments[0]):
            read.add(os.path.abspath(arguments[0]))

def tell():
    words = sys.orig_argv
    module = words[words.index("-m") + 1] if "-m" in words[:-1] else ""
    if module.startswith("pipeline."):
        with open(os.path.join(os.path.dirname(__file__), module), "w") as file:
            json.dump({"modules": sorted(sys.modules), "files": sorted(read)}, file)

sys.addaudithook(watch)
atexit.register(tell)
"""


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which every stage ran, not to be changed; ``loaded`` beside it says which modules each has loaded."""
    folder = tmp_path_factory.mktemp("chain") / "demo"
    demo.prepare(folder, ["titanic"], 240, demo.BUDGETS)
    loaded = folder.with_name("loaded")
    loaded.mkdir()
    (loaded / "sitecustomize.py").write_text(WITNESS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(loaded), prepend=os.pathsep)
        assert demo.dvc(folder, "repro", "--quiet").returncode == 0
    return folder


def witnessed(chain: Path) -> dict[str, Any]:
    """What each stage of the ``chain`` has loaded and read."""
    return {file.suffix[1:]: json.loads(file.read_text()) for file in chain.with_name("loaded").glob("pipeline.*")}


@pytest.fixture
def copy(chain: Path, tmp_path: Path) -> Path:
    """A folder as ``chain``, for a test that changes it."""
    return shutil.copytree(chain, tmp_path / "copy")


def change(folder: Path, *keys: str, value: object) -> None:
    params = block = read_document(folder / "params.yaml")
    for key in keys[:-1]:
        block = block[key]
    block[keys[-1]] = value
    demo.write_yaml(folder / "params.yaml", params)


def ran(folder: Path, capfd: pytest.CaptureFixture[str]) -> list[str]:
    assert demo.dvc(folder, "repro").returncode == 0
    lines = capfd.readouterr().out.split("\n")
    stages = [line.split("'")[1].split("@")[0] for line in lines if line.startswith("Running stage")]
    # Whatever changes in params.yaml, this one reads it, and before all others.
    assert "check" not in stages[1:]
    return [one for one in stages if one != "check"]


def test_the_chain_ends_in_a_submission_and_its_metrics(chain: Path) -> None:
    report = chain / "reports" / "titanic"
    metrics = json.loads((report / "metrics.json").read_text())
    needed = {
        "cv_accuracy",
        "cv_accuracy_sd",
        "cv_log_loss",
        "cv_roc_auc",
        "single_accuracy",
        "ensemble_gain",
        "baseline_accuracy",
        "members",
    }
    assert needed <= metrics.keys()
    assert metrics["ensemble_gain"] == pytest.approx(metrics["cv_accuracy"] - metrics["single_accuracy"], abs=2e-6)
    # The generated Titanic can be learned from, so networks that learn nothing are a defect.
    survived = pd.read_csv(chain / "data" / "raw" / "titanic" / "train.csv")["Survived"].mean()
    entropy = -(survived * np.log(survived) + (1 - survived) * np.log(1 - survived))
    assert metrics["cv_log_loss"] < entropy - 0.1
    assert metrics["cv_roc_auc"] > 0.7
    assert metrics["cv_accuracy"] > metrics["baseline_accuracy"] - 0.05
    assert (report / "submission.csv").read_text().startswith("PassengerId,Survived\n")
    assert (chain / "reports" / "DEMO").exists()
    tuned = load(chain / "params.yaml", "titanic").tune
    assert tuned.halving > 0
    lines = (report / "trials.csv").read_text().splitlines()
    trials = trials_at_equal_cost(tuned, tuned.max_trials)
    assert len(lines) == trials + 1
    assert sum(",halved," in line for line in lines) == trials // 2


@pytest.mark.parametrize(
    ("package", "stages"),
    [
        ("tensorflow", {"tune", "train", "columns", "honest"}),
        ("keras", {"tune", "train", "columns", "honest"}),
        ("keras_tuner", {"tune", "honest"}),
        ("sklearn", {"validate", "honest"}),  # encode: only where groups keep rows together
        ("great_expectations", {"validate"}),
        ("matplotlib", {"columns", "report"}),
        ("pooch", set()),
    ],
)
def test_a_heavy_package_is_loaded_only_where_it_is_needed(chain: Path, package: str, stages: set[str]) -> None:
    """At the end of each stage's run, so what is imported on the way counts too."""
    loaded = {stage: told["modules"] for stage, told in witnessed(chain).items()}
    assert loaded.keys() == read_document(chain / "dvc.yaml")["stages"].keys()
    assert {stage for stage, modules in loaded.items() if package in modules} == stages


def test_a_stage_reads_no_file_that_dvc_does_not_know(chain: Path) -> None:
    """Else it would not run again where that is another. (Code is told by its imports, in the contract's tests.) Of its
    own it may read what lies in hidden folders, and `fetch`, as files that are there win, what it has fetched."""
    stages = read_document(chain / "dvc.yaml")["stages"]
    names = {"${key}": "titanic", "${item.table.module}": "titanic", "${item.table.sample}": demo.FILES[2]}
    for stage, told in witnessed(chain).items():
        known = {"params.yaml"} | ({f"data/raw/titanic/{file}" for file in demo.FILES} if stage == "fetch" else set())
        for dep in stages[stage].get("do", stages[stage])["deps"]:
            known.add(functools.reduce(lambda path, name: path.replace(name, names[name]), names, dep))
        files = [Path(file).relative_to(chain) for file in told["files"] if Path(file).is_relative_to(chain)]
        data = [file for file in files if ".py" not in file.suffix and not any(part[0] == "." for part in file.parts)]
        assert data and {file.as_posix() for file in data} <= known, stage


def test_nothing_changed_nothing_runs_and_one_key_runs_its_stages(
    copy: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert ran(copy, capfd) == []
    change(copy, "ensemble", "method", value="greedy")
    assert ran(copy, capfd) == ["ensemble", "columns", "honest", "report"]
    change(copy, "train", "seeds", value=2)
    assert ran(copy, capfd) == ["train", "ensemble", "columns", "honest", "report"]
    change(copy, "validate", "drift_auc", value=0.9)
    assert ran(copy, capfd)[0] == "validate"


def test_a_stage_that_fails_keeps_the_older_results(copy: Path) -> None:
    def results() -> dict[str, bytes]:
        files = [*(copy / "reports").rglob("*"), *(copy / "data").rglob("*")]
        return {str(file): file.read_bytes() for file in files if file.is_file()}

    before = results()
    for key, wrong, right in (("seeds", "two", 1), ("top_k", 600, 2)):
        change(copy, "train", key, value=wrong)
        # By its name: of a whole run the stage `check` would stop it.
        assert demo.dvc(copy, "repro", "--quiet", "train@titanic").returncode != 0
        assert results() == before
        change(copy, "train", key, value=right)


def test_a_key_that_no_stage_reads_stops_a_run(copy: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """To DVC nothing else has changed: it would skip every stage and call all up to date."""
    change(copy, "tuen", value={"max_trials": 60})
    assert demo.dvc(copy, "repro").returncode != 0
    told = capfd.readouterr()
    assert "unknown key tuen; did you mean 'tune'?" in told.err and told.out.count("Running stage") == 1


def test_two_cold_searches_are_the_same_bytes_and_an_interrupted_one_goes_on_where_it_was(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(copy, "tune", "generation", value=3)
    trained: list[int] = []
    evaluate, kept = tune.evaluate, tune.Memory.keep

    def counted(table: Any, task: str, networks: Sequence[Any], *rest: Any, **how: Any) -> list[Result]:
        trained.append(len(networks))
        return evaluate(table, task, networks, *rest, **how)

    def searched(name: str) -> int:
        trained.clear()
        place = tmp_path / name
        return run_stage(copy, "tune", "titanic", output=place, report=place, memory=place / "memory")

    def stop(memory: tune.Memory, *generation: Any) -> None:
        kept(memory, *generation)
        raise KeyboardInterrupt

    monkeypatch.setattr(tune, "evaluate", counted)
    assert searched("once") == 0
    first, *others = trained
    assert others
    with monkeypatch.context() as patch:
        patch.setattr(tune.Memory, "keep", stop)
        assert searched("again") == 130
    assert trained == [first]
    assert not (tmp_path / "again" / "trials.csv").exists()
    assert searched("again") == 0
    assert trained == others, "the finished generation is not trained again"
    for name in ("trials.csv", "best_hyperparameters.json", "trials.json", "out_of_fold.npz"):
        assert (tmp_path / "once" / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name
    assert not (tmp_path / "again" / "memory").exists()


def test_shuffled_labels_fall_to_chance(chain: Path, tmp_path: Path) -> None:
    """With labels that mean nothing, search, choice of trials, early stopping and pooling must find nothing."""
    folder = tmp_path / "shuffled"
    shutil.copytree(chain, folder, ignore=shutil.ignore_patterns(".dvc", "reports"))
    change(folder, "ensemble", "method", value="greedy")
    change(folder, "ensemble", "threshold", value="metric")
    # Whatever may be chosen is: columns, encoding and normalisation too.
    change(folder, "tune", "columns", value="search")
    change(folder, "encode", "encoding", value=["onehot", "embedding"])
    change(folder, "normalize", "method", value=["zscore", "robust"])
    raw = folder / "data" / "raw" / "titanic" / "train.csv"
    table = pd.read_csv(raw, dtype=str, keep_default_na=False)
    table["Survived"] = np.random.default_rng(1).permutation(table["Survived"])
    table.to_csv(raw, index=False)
    for stage in ("encode", "normalize", "tune", "train", "ensemble"):
        assert run_stage(folder, stage, "titanic") == 0
    metrics = json.loads((folder / "reports/titanic/metrics.json").read_text())
    share = np.mean(table["Survived"].astype(int))
    entropy = -(share * np.log(share) + (1 - share) * np.log(1 - share))
    # 240 rows: an AUC of chance has a standard error of 0.04.
    assert abs(metrics["cv_roc_auc"] - 0.5) < 0.12
    assert metrics["cv_log_loss"] > entropy - 0.01
    assert metrics["cv_accuracy"] < max(share, 1 - share) + 0.05
