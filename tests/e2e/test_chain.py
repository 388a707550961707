"""The whole chain through DVC in a folder of its own, on the generated Titanic: it runs, caches, repeats its bytes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from pipeline import demo, ensemble, train, tune
from pipeline.params import load

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("chain") / "demo"
    demo.prepare(folder, ["titanic"], 240)
    assert demo.dvc(folder, "repro", "--quiet").returncode == 0
    return folder


def change(folder: Path, *keys: str, value: object) -> None:
    yaml = YAML(typ="safe", pure=True)
    params = yaml.load((folder / "params.yaml").read_text())
    block = params
    for key in keys[:-1]:
        block = block[key]
    block[keys[-1]] = value
    demo.write_yaml(folder / "params.yaml", params)


def ran(folder: Path, capfd: pytest.CaptureFixture[str]) -> list[str]:
    assert demo.dvc(folder, "repro").returncode == 0
    lines = capfd.readouterr().out.split("\n")
    return [line.split("'")[1].split("@")[0] for line in lines if line.startswith("Running stage")]


def test_the_chain_ends_in_a_submission_and_its_metrics(chain: Path) -> None:
    report = chain / "reports" / "titanic"
    metrics = json.loads((report / "metrics.json").read_text())
    needed = {
        "cv_accuracy",
        "cv_accuracy_sd",
        "cv_log_loss",
        "cv_roc_auc",
        "single_member_accuracy",
        "ensemble_gain",
        "baseline_accuracy",
        "members",
    }
    assert needed <= metrics.keys()
    assert metrics["ensemble_gain"] == pytest.approx(
        metrics["cv_accuracy"] - metrics["single_member_accuracy"], abs=2e-6
    )
    assert (report / "submission.csv").read_text().startswith("PassengerId,Survived\n")
    assert (chain / "reports" / "DEMO").exists()
    tuned = load(chain / "params.yaml", "titanic").tune
    assert tuned.halving > 0
    lines = (report / "trials.csv").read_text().splitlines()
    assert len(lines) == tuned.grown(tuned.max_trials) + 1
    assert sum(",halved," in line for line in lines) == tuned.grown(tuned.max_trials) // 2


def test_nothing_changed_nothing_runs_and_one_key_runs_its_stages(
    chain: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert ran(chain, capfd) == []
    change(chain, "ensemble", "method", value="greedy")
    assert ran(chain, capfd) == ["ensemble", "columns", "honest", "report"]
    change(chain, "train", "seeds", value=2)
    assert ran(chain, capfd) == ["train", "ensemble", "columns", "honest", "report"]
    change(chain, "validate", "drift_auc", value=0.9)
    assert ran(chain, capfd)[0] == "validate"


def test_a_stage_that_fails_keeps_the_older_results(chain: Path) -> None:
    def results() -> dict[str, bytes]:
        files = [*(chain / "reports").rglob("*"), *(chain / "data").rglob("*")]
        return {str(file): file.read_bytes() for file in files if file.is_file()}

    before = results()
    for key, wrong, right in (("seeds", "two", 2), ("top_k", 600, 2)):
        change(chain, "train", key, value=wrong)
        assert demo.dvc(chain, "repro", "--quiet").returncode != 0
        assert results() == before
        change(chain, "train", key, value=right)


def test_two_cold_runs_are_the_same_bytes_and_an_interrupted_search_ends_alike(chain: Path, tmp_path: Path) -> None:
    once = [argument.replace("OUT", str(tmp_path / "once")) for argument in tune_arguments(chain)]
    again = [argument.replace("OUT", str(tmp_path / "again")) for argument in tune_arguments(chain)]
    assert tune.main(once) == 0

    kept = tune.Memory.keep
    calls = []

    def stop_after_first(memory: tune.Memory, first: int, *rest: object) -> None:
        kept(memory, first, *rest)  # type: ignore[arg-type]
        calls.append(first)
        raise KeyboardInterrupt

    tune.Memory.keep = stop_after_first  # type: ignore[method-assign,assignment]
    try:
        assert tune.main(again) == 130
    finally:
        tune.Memory.keep = kept  # type: ignore[method-assign]
    assert not (tmp_path / "again" / "trials.csv").exists()
    assert tune.main(again) == 0
    for name in ("trials.csv", "best_hyperparameters.json", "trials.json", "out_of_fold.npz"):
        assert (tmp_path / "once" / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name


def tune_arguments(chain: Path) -> list[str]:
    change(chain, "tune", "generation", value=3)
    return [
        "--competition",
        "titanic",
        "--params",
        str(chain / "params.yaml"),
        "--input",
        str(chain / "data/normalize/titanic/arrays.npz"),
        "--output",
        "OUT",
        "--report",
        "OUT",
        "--memory",
        "OUT/memory",
    ]


def test_shuffled_labels_fall_to_chance(chain: Path, tmp_path: Path) -> None:
    """With labels that mean nothing, search, choice of trials, early stopping and pooling must find nothing."""
    import numpy as np

    from pipeline import encode, normalize

    folder = tmp_path / "shuffled"
    shutil.copytree(chain, folder, ignore=shutil.ignore_patterns(".dvc", "reports"))
    change(folder, "ensemble", "method", value="greedy")
    change(folder, "ensemble", "threshold", value="metric")
    # Whatever may be chosen is: columns, encoding and normalisation too.
    change(folder, "tune", "columns", value="search")
    change(folder, "encode", "encoding", value=["onehot", "embedding"])
    change(folder, "normalize", "method", value=["zscore", "robust"])
    raw = folder / "data" / "raw" / "titanic" / "train.csv"
    import pandas as pd

    table = pd.read_csv(raw, dtype=str, keep_default_na=False)
    table["Survived"] = np.random.default_rng(1).permutation(table["Survived"])
    table.to_csv(raw, index=False)
    data, report = folder / "data", folder / "reports"
    base = ["--competition", "titanic", "--params", str(folder / "params.yaml")]
    arrays = str(data / "normalize/titanic/arrays.npz")
    assert (
        encode.main(
            [
                *base,
                "--contract",
                str(data / "contracts/titanic.yaml"),
                "--train",
                str(raw),
                "--test",
                str(raw.with_name("test.csv")),
                "--output",
                str(data / "encode/titanic"),
            ]
        )
        == 0
    )
    assert (
        normalize.main([*base, "--input", str(data / "encode/titanic"), "--output", str(data / "normalize/titanic")])
        == 0
    )
    assert (
        tune.main(
            [
                *base,
                "--input",
                arrays,
                "--output",
                str(data / "tune/titanic"),
                "--report",
                str(report),
                "--memory",
                str(folder / "memory"),
            ]
        )
        == 0
    )
    assert (
        train.main(
            [
                *base,
                "--input",
                arrays,
                "--trials",
                str(data / "tune/titanic"),
                "--output",
                str(data / "train/titanic"),
                "--report",
                str(report),
            ]
        )
        == 0
    )
    assert (
        ensemble.main(
            [
                *base,
                "--input",
                arrays,
                "--predictions",
                str(data / "train/titanic/predictions.npz"),
                "--encoding",
                str(data / "encode/titanic/encoding.json"),
                "--train",
                str(raw),
                "--sample",
                str(raw.with_name("sample_submission.csv")),
                "--weights",
                str(data / "train/titanic/weights.npz"),
                "--normalization",
                str(data / "normalize/titanic/normalization.json"),
                "--output",
                str(data / "ensemble/titanic/ensemble.json"),
                "--report",
                str(report),
            ]
        )
        == 0
    )
    metrics = json.loads((report / "metrics.json").read_text())
    share = np.mean(table["Survived"].astype(int))
    entropy = -(share * np.log(share) + (1 - share) * np.log(1 - share))
    # 240 rows: an AUC of chance has a standard error of 0.04.
    assert abs(metrics["cv_roc_auc"] - 0.5) < 0.12
    assert metrics["cv_log_loss"] > entropy - 0.01
    assert metrics["cv_accuracy"] < max(share, 1 - share) + 0.05
