"""scikit-learn's tables as competitions: `new`, then every stage, in one process and with small budgets."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from features.synthetic import mixed
from pipeline import demo, new, predict
from pipeline.files import read_npz
from pipeline.params import load, read_document
from tests.stages import run_stage

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
SMALL = {
    "encode": {"repeats": 1, "folds": 3},
    "tune": {"max_trials": 2, "generation": 2, "epochs": 6},
    "train": {"top_k": 1, "epochs": 15},
    "honest": {"outer": 2, "search": 2, "members": 2},
}
STAGES = ("fetch", "validate", "encode", "normalize", "tune", "train", "ensemble", "columns", "honest", "report")
# Task, metric, and what even these budgets reach: accuracy, or the root of the mean squared error.
EXPECTED = {
    "breast_cancer": ("binary", "accuracy", 0.9),
    "wine": ("multiclass", "accuracy", 0.85),
    "digits": ("multiclass", "accuracy", 0.8),
    "diabetes": ("regression", "rmse", 70.0),
}


def learned(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, tables: tuple[pd.DataFrame, ...]) -> None:
    """`new` on the tables (train, test, sample) in ``folder``, then every stage, with small budgets."""
    monkeypatch.chdir(folder)
    shutil.copy(ROOT / "params.yaml", folder)
    for file, frame in zip(demo.FILES, tables, strict=True):
        frame.to_csv(file, index=False)
    train_file, test_file, sample_file = demo.FILES
    assert new.main([name, "--train", train_file, "--test", test_file, "--sample", sample_file]) == 0
    demo.write_yaml(folder / "params.yaml", demo.shortened(read_document(folder / "params.yaml"), SMALL))
    for stage in STAGES:
        assert run_stage(folder, stage, name) == 0, stage


@pytest.mark.parametrize("target", ["level", "cost"])
def test_every_form_of_column_met_later_is_answered_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Dates, codes, text, booleans, an embedded category and its in-fold statistic, and columns made by formulas, for
    classes and for numbers."""
    made = {"size": "area * (2 + `number 0`)", "red and open": "open and colour == 'red'", "age": "day - 16000"}
    monkeypatch.setitem(globals(), "SMALL", {**SMALL, "encode": {**SMALL["encode"], "formulas": made}})
    train, test = mixed(200, 30, 3)
    train = train.drop(columns=[name for name in ("cost", "level", "yes") if name != target])
    answer = pd.DataFrame({"id": test["id"], target: train[target].iloc[0]})
    learned(tmp_path, monkeypatch, "shops", (train, test, answer))
    assert predict.main(["shops", "--input", demo.FILES[1], "--output", "later.csv"]) == 0
    submitted = Path("reports/shops/submission.csv").read_bytes()
    assert set(made) <= set(pd.read_csv("reports/shops/columns.csv")["group"])
    assert r"The formula area \* (2 + `number 0`)." in Path("reports/shops/README.md").read_text()
    assert Path("later.csv").read_bytes() == submitted
    test.iloc[[7]].assign(shop="never seen", colour="pink").to_csv("odd.csv", index=False)
    assert predict.main(["shops", "--input", "odd.csv", "--output", "odd_answer.csv"]) == 0
    assert len(Path("odd_answer.csv").read_text().splitlines()) == 2
    test.iloc[[7]].assign(day="some day").to_csv("unread.csv", index=False)
    assert predict.main(["shops", "--input", "unread.csv", "--output", "unread_answer.csv"]) == 1
    assert "1 of 1 cells can't be read as a date: 'some day' (row 2)" in capsys.readouterr().err
    contract = Path("data/contracts/shops.yaml")
    before = contract.read_text()
    area = "  area:\n    role: feature\n    type: "
    contract.write_text(before.replace(f"{area}number", f"{area}category"))
    assert predict.main(["shops", "--input", "odd.csv", "--output", "odd_answer.csv"]) == 1
    assert "columns.area.type is 'category', but the networks have learned" in capsys.readouterr().err
    contract.write_text(before.replace("  colour:\n    role: feature", "  colour:\n    role: ignore"))
    assert predict.main(["shops", "--input", "odd.csv", "--output", "odd_answer.csv"]) == 1
    assert "'colour' is no feature, but the networks have learned from it" in capsys.readouterr().err


def test_families_that_are_searched_side_by_side_answer_rows_met_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each with embedded numbers and hyperparameters of its own; what the train stage says is what `predict` says."""
    families = {
        "tabm": {"copies": 4, "numbers": "piecewise_linear", "number_bins": 6, "number_units": 4},
        "realmlp": {"width": 32, "batch_size": 64, "epochs": 12, "numbers": "periodic"},
    }
    tune = {"max_trials": 10, "generation": 5, "epochs": 6, "oracle": "random"}
    tune |= {"halving": 0.25, "family": ["tabm", "realmlp"], "families": families}
    budgets = {**SMALL, "tune": tune, "train": {"top_k": 10, "epochs": 6}}
    monkeypatch.setitem(globals(), "SMALL", budgets)
    learned(tmp_path, monkeypatch, "diabetes", demo.bundled("diabetes"))
    trials = pd.read_csv("reports/diabetes/trials.csv")
    assert len(trials) == 16  # halving pays for 1.6 times as many
    assert set(trials["family"]) == {"tabm", "realmlp"}
    assert set(trials["status"]) == {"ok", "halved"}
    weights = read_npz(Path("data/train/diabetes/weights.npz"))
    for part in ("adapter", "slope_0", "bins_left", "numbers_frequency", "front_scale"):
        assert [name for name in weights if name.endswith(f"/{part}")], part
    assert predict.main(["diabetes", "--input", demo.FILES[1], "--output", "later.csv"]) == 0
    assert Path("later.csv").read_bytes() == Path("reports/diabetes/submission.csv").read_bytes()


@pytest.mark.parametrize("name", EXPECTED)
def test_from_files_to_a_submission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    tables = demo.bundled(name)
    learned(tmp_path, monkeypatch, name, tables)

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
