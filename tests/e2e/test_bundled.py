"""scikit-learn's tables as competitions: `new`, then every stage, in one process and with small budgets."""

from __future__ import annotations

import importlib
import json
import shutil
from pathlib import Path

import pytest

from pipeline import demo, new
from pipeline.params import load, read_document

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
SMALL = {
    "encode": {"repeats": 1, "folds": 3},
    "tune": {"max_trials": 2, "generation": 2, "epochs": 6},
    "train": {"top_k": 1, "epochs": 15},
}
# Task, metric, and what even these budgets reach: accuracy, or the root of the mean squared error.
EXPECTED = {
    "breast_cancer": ("binary", "accuracy", 0.9),
    "wine": ("multiclass", "accuracy", 0.85),
    "digits": ("multiclass", "accuracy", 0.8),
    "diabetes": ("regression", "rmse", 70.0),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_from_files_to_a_submission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    tables = demo.bundled(name)
    for file, frame in zip(demo.FILES, tables, strict=True):
        frame.to_csv(file, index=False)
    given = [
        part
        for option, file in zip(("train", "test", "sample"), demo.FILES, strict=True)
        for part in (f"--{option}", file)
    ]
    assert new.main([name, *given]) == 0
    monkeypatch.setattr(demo, "BUDGETS", SMALL)
    demo.write_yaml(tmp_path / "params.yaml", demo.shortened(read_document(tmp_path / "params.yaml")))
    run(name)

    table = load(Path("params.yaml"), name).table
    task, metric, reached = EXPECTED[name]
    assert (table.task, table.metric) == (task, metric)
    metrics = json.loads((tmp_path / "reports" / name / "metrics.json").read_text())
    assert metrics["cv_rmse"] < reached if task == "regression" else metrics["cv_accuracy"] > reached
    submission = [row.split(",") for row in Path("reports", name, "submission.csv").read_text().splitlines()]
    assert (
        submission[0] == ["id", "target"] and [row[0] for row in submission[1:]] == tables[2]["id"].astype(str).tolist()
    )
    answers, seen = [row[1] for row in submission[1:]], tables[0]["target"]
    if task == "regression":
        assert seen.min() <= min(map(float, answers)) and max(map(float, answers)) <= seen.max()
    else:
        assert set(answers) <= set(seen.astype(str)), "labels as they were spelt"


def run(name: str) -> None:
    """Every stage as dvc.yaml calls it, but in this process; DVC itself does the same in the demo's test."""
    graph = read_document(ROOT / "dvc.yaml")["stages"]
    for stage in ("fetch", "validate", "encode", "normalize", "tune", "train", "ensemble", "report"):
        command = graph[stage]["do"]["cmd"].replace("${key}", name).replace("${item.table.sample}", demo.FILES[2])
        assert "$" not in command
        python, option, module, *arguments = command.split()
        assert (python, option) == ("python", "-m")
        assert importlib.import_module(module).main(arguments) == 0, stage
