"""A table in the form of Kaggle's Spaceship Titanic: cabins and ids that hold several values, in every stage."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.contracts.contract import Contract
from pipeline import predict
from pipeline.demo import write_yaml
from pipeline.files import read_csv, read_json, read_npz
from pipeline.params import load, read_document
from tests.stages import ROOT, made_new, run_stage
from tests.tables import spaceship

NAME = "ship"
BUDGETS: dict[str, dict[str, Any]] = {
    "encode": {"folds": 5, "repeats": 1},
    "tune": {"max_trials": 6, "generation": 6, "epochs": 40, "family": "plain"},
    "train": {"top_k": 3, "epochs": 60, "together": False},
    "columns": {"permutations": 2, "groups": 2, "pairs": 0},
    "honest": {"outer": 4, "search": 2, "members": 2},
}
PARTS = ["Cabin_1", "Cabin_2", "Cabin_3"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The competition as `new` makes it, with smaller budgets."""
    folder = tmp_path_factory.mktemp("ship")
    train, test, answers = spaceship(200, 800, 0)
    for name, table in (("train", train), ("test", test), ("answers", answers)):
        table.to_csv(folder / f"given_{name}.csv", index=False)
    with (folder / "said.txt").open("w") as said, contextlib.redirect_stdout(said):
        made_new(folder, NAME, BUDGETS, "--metric", "log_loss")
    return folder


def changed(folder: Path, name: str, change: Callable[[dict[str, Any], dict[str, Any]], None]) -> Path:
    """The competition beside it, with its parameters and the contract's columns changed."""
    other = folder.with_name(f"{folder.name}_{name}")
    shutil.copytree(folder, other)
    params, contract = (read_document(other / path) for path in ("params.yaml", f"data/contracts/{NAME}.yaml"))
    change(params["competitions"][NAME], contract["columns"])
    write_yaml(other / "params.yaml", params)
    write_yaml(other / f"data/contracts/{NAME}.yaml", contract)
    return other


def whole_cabins(entry: dict[str, Any], columns: dict[str, Any]) -> None:
    """The cabin is a category, as a person would have it who does not take it apart."""
    for part in columns["Cabin"].pop("parts"):
        del columns[part]
    del columns["Cabin"]["separator"]
    columns["Cabin"] |= {"role": "feature", "type": "category"}


def groups_apart(entry: dict[str, Any], columns: dict[str, Any]) -> None:
    entry["encode"]["group_aware"] = False


def with_formula(entry: dict[str, Any], columns: dict[str, Any]) -> None:
    entry["encode"] |= {"formulas": {"bow": "Cabin_2 > 700 and Cabin_3 == 'S'"}, "features": {"Cabin_1": False}}


def scores(folder: Path) -> tuple[float, float]:
    """Log loss out of fold, and of the test table, whose answers are known here."""
    for stage in ("encode", "normalize", "tune", "train", "ensemble"):
        assert run_stage(folder, stage, NAME) == 0
    said = read_csv(folder / f"reports/{NAME}/submission.csv")["Transported"].to_numpy(float)
    true = read_csv(folder / "given_answers.csv")["Transported"].astype(str).to_numpy() == "True"
    return read_json(folder / f"reports/{NAME}/metrics.json")["cv_log_loss"], loss(said, true)


def loss(said: np.ndarray, true: np.ndarray) -> float:
    return float(-np.log(np.where(true, said, 1 - said).clip(1e-7)).mean())


def test_new_writes_parts_and_leaves_the_files_as_they_are(folder: Path) -> None:
    path = folder / f"data/contracts/{NAME}.yaml"
    contract = Contract.from_mapping(read_document(path), str(path))
    assert contract.grouping == "PassengerId_1" and load(folder / "params.yaml", NAME).encode.group_aware
    assert contract.column("PassengerId").parts == ("PassengerId_1", "PassengerId_2")
    assert list(contract.column("Cabin").parts) == PARTS and "role: group" in path.read_text()
    assert "separator, parts    what stands between several values of one cell" in path.read_text()
    raw, given = (read_csv(folder / name) for name in (f"data/raw/{NAME}/train.csv", "given_train.csv"))
    pd.testing.assert_frame_equal(raw, given)


def test_the_docs_show_what_new_says(folder: Path) -> None:
    shown = (ROOT / "docs" / "tables.md").read_text().split("Cells that hold several values, as", 1)[1].split("\n\n")[1]
    lines = re.sub(r"\n {20}\s*", " ", shown).splitlines()
    assert sum("part " in line for line in lines) > 3
    said = (folder / "said.txt").read_text().splitlines()
    for line in lines:
        assert line.strip() == "..." or line.removeprefix("    ") in said


def test_no_group_is_split_and_each_part_is_a_feature_group(folder: Path) -> None:
    assert run_stage(folder, "encode", NAME) == 0
    arrays = read_npz(folder / f"data/encode/{NAME}/arrays.npz")
    whose = np.array([name[:4] for name in read_csv(folder / "given_train.csv")["PassengerId"].astype(str)])
    for group in np.unique(whose):
        assert (arrays["roles"][whose == group] == arrays["roles"][whose == group][0]).all()
    assert set(PARTS) < set(arrays["groups"]) and not {"Cabin", "PassengerId", "PassengerId_1"} & set(arrays["groups"])


def test_formulas_and_switches_take_parts(folder: Path) -> None:
    other = changed(folder, "formula", with_formula)
    assert run_stage(other, "encode", NAME) == 0
    groups = set(read_npz(other / f"data/encode/{NAME}/arrays.npz")["groups"])
    assert {"bow", "Cabin_2"} < groups and "Cabin_1" not in groups


@pytest.mark.parametrize("stage", ["validate", "encode"])
@pytest.mark.parametrize(
    ("column", "cell", "said"),
    [
        ("Cabin", "B12P", "column 'Cabin': 1 cell can't be taken apart: 'B12P' (row 9); expected 3 parts, '/' between"),
        ("PassengerId", "0013", "column 'PassengerId': 1 cell can't be taken apart: '0013' (row 9); expected 2 parts"),
        ("Cabin", "B/x/P", "column 'Cabin_2': 1 cell is text: 'x' (row 9); expected a number"),
    ],
)
def test_a_bad_cell_names_itself(
    folder: Path, stage: str, column: str, cell: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = pd.read_csv(folder / "given_train.csv", dtype=str)
    frame.loc[7, column] = cell
    frame.to_csv(folder / "bad.csv", index=False)
    into = {"report": "bad.json", "docs": "bad_docs"} if stage == "validate" else {"output": "bad"}
    assert run_stage(folder, stage, NAME, train="bad.csv", **into) == 1
    assert f"bad.csv: {said}" in capsys.readouterr().err and not (folder / "bad").exists()


def test_a_side_that_nobody_knows_is_refused_in_train_and_told_in_test(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for table, code in (("train", 1), ("test", 0)):
        frame = pd.read_csv(folder / f"given_{table}.csv", dtype=str)
        frame.loc[7, "Cabin"] = "B/12/X"
        frame.to_csv(folder / "odd.csv", index=False)
        assert run_stage(folder, "validate", NAME, report="odd.json", docs="odd_docs", **{table: "odd.csv"}) == code
        out = capsys.readouterr()
        assert "odd.csv: column 'Cabin_3': 1 value is not allowed: 'X' (row 9)" in (out.err if code else out.out)


@pytest.mark.slow
def test_parts_help_and_groups_keep_the_score_honest(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of 3,000 test rows, none of a group of train: taken apart, the cabins are worth something; with groups apart, the
    score out of fold is that of people whose companions are known, whom test does not have."""
    as_written, test = scores(folder)
    _, of_whole = scores(changed(folder, "whole", whole_cabins))
    flattered, of_apart = scores(changed(folder, "apart", groups_apart))
    assert test < of_whole - 0.05
    assert abs(as_written - test) < 0.04 and flattered < of_apart - 0.05
    for stage in ("validate", "columns", "honest", "report"):
        assert run_stage(folder, stage, NAME) == 0
    found = json.loads((folder / f"reports/{NAME}/honest.json").read_text())
    assert found["honest_log_loss_lo"] < test < found["honest_log_loss_hi"]
    judged = read_csv(folder / f"reports/{NAME}/columns.csv")
    assert set(PARTS) < set(judged["group"])
    page = (folder / f"reports/{NAME}/README.md").read_text()
    assert "its parts, Cabin_1, Cabin_2 and Cabin_3" in page and "part 2 of Cabin" in page
    assert "nothing: it names the row; its parts, PassengerId_1 and PassengerId_2" in page


@pytest.mark.slow
def test_rows_to_predict_get_what_the_stages_gave(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not (folder / f"reports/{NAME}/submission.csv").exists():
        scores(folder)
    test = pd.read_csv(folder / "given_test.csv", dtype=str)
    said = read_csv(folder / f"reports/{NAME}/submission.csv")
    with contextlib.chdir(folder):
        for rows, asked in (("all", test), ("one", test[5:6]), ("none", test.drop(columns="Cabin"))):
            asked.to_csv("asked.csv", index=False)
            assert predict.main([NAME, "--input", "asked.csv", "--output", f"{rows}.csv"]) == 0
        pd.testing.assert_frame_equal(read_csv(Path("all.csv")), said)
        pd.testing.assert_frame_equal(read_csv(Path("one.csv")), said[5:6].reset_index(drop=True))
        assert "no column 'Cabin'; taken as empty in every row" in capsys.readouterr().out
        test.assign(Cabin="B12P")[:1].to_csv("asked.csv", index=False)
        assert predict.main([NAME, "--input", "asked.csv", "--output", "bad.csv"]) == 1
    assert "column 'Cabin': 1 cell can't be taken apart: 'B12P' (row 2)" in capsys.readouterr().err
