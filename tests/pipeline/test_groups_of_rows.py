"""Several rows a customer, no customer in both tables: from `new` on, rows of one are never apart, and the estimate is
that of new customers."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.contracts.contract import Contract
from features.contracts.tables import parse_table
from features.encoding import encoder
from features.roles import SCORE, STOP, TRAIN, UNUSED
from pipeline import new, predict
from pipeline.choice.outer_folds import draw
from pipeline.files import read_csv, read_json, read_npz
from pipeline.params import load, read_document
from tests.stages import made_new, run_stage
from tests.tables import visits

ROOT = Path(__file__).resolve().parents[2]
BUDGETS: dict[str, dict[str, Any]] = {
    "tune": {"max_trials": 3, "generation": 3, "epochs": 30, "family": "plain"},
    "train": {"top_k": 2, "epochs": 40, "together": False},
    "honest": {"outer": 4, "search": 2, "members": 2},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The competition ``visits`` as `new` makes it, with smaller budgets, encoded."""
    folder = tmp_path_factory.mktemp("groups")
    train, test, answers = visits(80, 40, 6, 1)
    train.to_csv(folder / "given_train.csv", index=False)
    test.to_csv(folder / "given_test.csv", index=False)
    answers.to_csv(folder / "answers.csv", index=False)
    made_new(folder, "visits", BUDGETS)
    assert run_stage(folder, "encode", "visits") == 0
    return folder


def customers(folder: Path) -> np.ndarray:
    """Of the training rows."""
    return pd.read_csv(folder / "given_train.csv", dtype=str)["customer_id"].to_numpy(str)


def together(groups: np.ndarray, roles: np.ndarray) -> bool:
    """Whether all rows of a group have one role in each column of ``roles [t, c]``."""
    return all((roles[groups == one] == roles[groups == one][0]).all() for one in np.unique(groups))


def test_new_asks_for_groups_and_says_why(folder: Path) -> None:
    assert load(folder / "params.yaml", "visits").encode.group_aware
    contract = Contract.from_mapping(read_document(folder / "data/contracts/visits.yaml"), "contract")
    assert contract.grouping == "customer_id"
    assert [column.name for column in contract.features] == ["spend", "age"]
    given = ["--train", str(folder / "given_train.csv"), "--test", str(folder / "given_test.csv")]
    (folder / "again").mkdir()
    shutil.copy(ROOT / "params.yaml", folder / "again")
    assert new.main(["visits", *given, "--folder", str(folder / "again")]) == 0
    text = " ".join((folder / "again" / "params.yaml").read_text().replace("#", "").split())
    assert "Rows of one 'customer_id' are kept in one fold" in text and "group_aware: true" in text


def test_no_customer_is_split_in_encode(folder: Path) -> None:
    arrays, encoding = (
        read_npz(folder / "data/encode/visits/arrays.npz"),
        read_json(folder / "data/encode/visits/encoding.json"),
    )
    assert together(customers(folder), arrays["roles"]) and arrays["roles"].shape == (480, 10)
    assert {TRAIN, STOP, SCORE} == set(np.unique(arrays["roles"]))
    assert not [column for column in encoding["columns"] if "customer" in column["name"]], "it is no input"


def test_no_customer_is_split_in_honest(folder: Path) -> None:
    params = load(folder / "params.yaml", "visits")
    target = read_npz(folder / "data/encode/visits/arrays.npz")["target"]
    contract = Contract.from_mapping(read_document(folder / "data/contracts/visits.yaml"), "contract")
    train = contract.typed(parse_table((folder / "data/raw/visits/train.csv").read_bytes(), "train.csv"), "", True)
    state = read_json(folder / "data/encode/visits/encoding.json")
    groups = encoder.transform(train.drop(columns=contract.target), state).derived.groups
    assert groups is not None and groups.tolist() == customers(folder).tolist()
    plan = draw(params, target, groups)
    assert plan is not None and plan.outer == 4 and together(groups, plan.parts[:, None])
    assert together(groups, plan.roles) and {TRAIN, STOP, SCORE, UNUSED} == set(np.unique(plan.roles))


def test_rows_without_a_customer_are_alone(folder: Path) -> None:
    path = folder / "data/raw/visits/train.csv"
    frame = pd.read_csv(path, dtype=str)
    frame.loc[:59, "customer_id"] = None
    (folder / "gaps").mkdir()
    frame.to_csv(folder / "gaps" / "train.csv", index=False)
    assert run_stage(folder, "encode", "visits", train="gaps/train.csv", output="gaps") == 0
    roles = read_npz(folder / "gaps" / "arrays.npz")["roles"]
    assert not together(np.repeat("none", 60), roles[:60]) and together(customers(folder)[60:], roles[60:])


def test_groups_that_are_not_asked_for_are_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (folder / "params.yaml").read_text()
    (folder / "apart.yaml").write_text(text.replace("group_aware: true", "group_aware: false"))
    assert run_stage(folder, "encode", "visits", params="apart.yaml", output="apart") == 0
    said = capsys.readouterr().out
    assert "warning: apart.yaml: encode.group_aware is false, so rows of one 'customer_id' may lie in several" in said
    assert "of other groups; set it to true." in said
    assert not together(customers(folder), read_npz(folder / "apart" / "arrays.npz")["roles"])


def test_fewer_groups_than_folds_are_one_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "data/raw/visits/train.csv"
    frame = pd.read_csv(path, dtype=str).assign(customer_id=np.arange(480) % 4)
    (folder / "few").mkdir()
    frame.to_csv(folder / "few" / "train.csv", index=False)
    assert run_stage(folder, "encode", "visits", train="few/train.csv", output="few") == 1
    assert "4 groups of rows to keep together are too few for 5 folds; expected 5 or more" in capsys.readouterr().err


@pytest.mark.slow
def test_the_estimate_is_that_of_new_customers_and_rows_to_predict_need_none(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for stage in ("validate", "normalize", "tune", "train", "ensemble", "honest"):
        assert run_stage(folder, stage, "visits") == 0
    with contextlib.chdir(folder):
        test = read_csv(Path("data/raw/visits/test.csv"))
        assert predict.main(["visits", "--input", "given_test.csv", "--output", "raw.csv"]) == 0, "which has no id"
        for number, asked in enumerate((test, test.drop(columns="customer_id"))):
            asked.to_csv("asked.csv", index=False)
            assert predict.main(["visits", "--input", "asked.csv", "--output", f"out{number}.csv"]) == 0
        assert Path("out0.csv").read_bytes() == Path("out1.csv").read_bytes()
        assert "customer_id" not in capsys.readouterr().out.split("honest:")[-1]
        said = read_csv(Path("out0.csv"))["amount"].to_numpy(float)
        numbered = read_csv(Path("raw.csv"))
        assert numbered["row"].tolist() == test["row"].tolist() and numbered["amount"].tolist() == said.tolist()
    truth = read_csv(folder / "answers.csv")["amount"].to_numpy(float)
    score = float(np.sqrt(((said - truth) ** 2).mean()))
    found = json.loads((folder / "reports/visits/honest.json").read_text())
    usual = json.loads((folder / "reports/visits/metrics.json").read_text())["cv_rmse"]
    assert found["honest_rmse_lo"] < score < found["honest_rmse_hi"]
    assert abs(usual / score - 1) < 0.15 and abs(found["honest_rmse"] / score - 1) < 0.15
