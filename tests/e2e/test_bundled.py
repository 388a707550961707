"""scikit-learn's tables as competitions: `new`, then every stage, in one process and with small budgets."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from pipeline import demo, encode, ensemble, new, normalize, train, tune, validate
from pipeline.params import load, read_document

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
    """Every stage by hand; DVC does the same in the demo's test."""
    common, raw, report = ["--competition", name, "--params", "params.yaml"], f"data/raw/{name}", f"reports/{name}"
    contract = ["--contract", f"data/contracts/{name}.yaml"]
    tables = ["--train", f"{raw}/train.csv", "--test", f"{raw}/test.csv"]
    sample, arrays = ["--sample", f"{raw}/sample_submission.csv"], f"data/normalize/{name}/arrays.npz"
    read = ["--report", f"{report}/validation.json", "--docs", f"{report}/data_docs"]
    assert validate.main([*common, *contract, *tables, *sample, *read]) == 0
    assert encode.main([*common, *contract, *tables, "--output", "encode"]) == 0
    assert normalize.main([*common, "--input", "encode", "--output", f"data/normalize/{name}"]) == 0
    assert tune.main([*common, "--input", arrays, "--output", "tune", "--report", report, "--memory", "memory"]) == 0
    assert train.main([*common, "--input", arrays, "--trials", "tune", "--output", "train", "--report", report]) == 0
    made = ["--predictions", "train/predictions.npz", "--encoding", "encode/encoding.json", "--report", report]
    assert ensemble.main([*common, "--input", arrays, *made, "--train", f"{raw}/train.csv", *sample]) == 0
