"""The nested estimate on a small generated Titanic: its figures, its bytes, and that no outer row has a say inside."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.contracts.contract import Contract
from features.contracts.tables import parse_table
from features.encoding import encoder
from features.roles import TRAIN, UNUSED
from features.scoring import metrics
from features.scoring.estimation import Estimate
from features.tasks import MEASURES
from pipeline import demo, honest
from pipeline.choice.outer_folds import Plan, draw
from pipeline.files import read_json, read_npz
from pipeline.honest import Answers
from pipeline.params import load, read_document
from pipeline.settings import Params, Table
from tests.stages import run_stage

pytestmark = pytest.mark.slow
ROWS = 240
BUDGETS = {
    "encode": {"repeats": 1, "folds": 3},
    "tune": {"max_trials": 4, "generation": 2, "epochs": 6},
    "train": {"top_k": 2, "epochs": 8},
    "ensemble": {"method": "greedy", "calibration": "temperature", "threshold": "metric", "prune": True, "bags": 3},
    "honest": {"outer": 3, "search": 2, "members": 2},
}
TABLES = ["titanic", "wine", "diabetes"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three tables, encoded."""
    folder = tmp_path_factory.mktemp("honest") / "demo"
    demo.prepare(folder, TABLES, ROWS, BUDGETS)
    params = read_document(folder / "params.yaml")
    params["competitions"]["diabetes"]["table"]["metric"] = "mae"
    params["competitions"]["diabetes"]["ensemble"]["calibration"] = "auto"
    demo.write_yaml(folder / "params.yaml", params)
    for name in TABLES:
        assert run_stage(folder, "encode", name) == 0
    return folder


def encoded_rows(folder: Path, name: str) -> tuple[dict[str, Any], encoder.Encoded]:
    """The encode stage's state, and the training rows by it."""
    contract = Contract.from_mapping(read_document(folder / f"data/contracts/{name}.yaml"), "contract")
    file = folder / f"data/raw/{name}/train.csv"
    train = contract.typed(parse_table(file.read_bytes(), "train.csv"), "train.csv", True)
    state = read_json(folder / f"data/encode/{name}/encoding.json")
    return state, encoder.transform(train.drop(columns=contract.target), state)


def answers(
    folder: Path, target: np.ndarray, plan: Plan | None = None, name: str = "titanic", transform: str = "none"
) -> tuple[Params, Plan, Answers]:
    """What the stage does between reading and writing, with a ``target`` of the caller's."""
    params = load(folder / "params.yaml", name)
    state, encoded = encoded_rows(folder, name)
    state["target"] = {"transform": transform}
    plan = plan or draw(params, target, None)
    assert plan is not None
    scaled = honest.nested_table(params, encoded, state, target, plan.roles)
    trials = honest.search_together(params, scaled, plan, lambda share: None)
    together = encoded.derived.groups
    return params, plan, honest.answer(params, scaled, plan, trials, target, together, lambda share: None)


@pytest.mark.parametrize(
    ("name", "measures"),
    [
        ("titanic", ["log_loss", "accuracy", "roc_auc"]),
        ("wine", ["log_loss", "accuracy"]),
        ("diabetes", ["rmse", "mae", "rmsle"]),
    ],
)
def test_each_measure_has_its_interval_and_the_same_bytes_twice(folder: Path, name: str, measures: list[str]) -> None:
    assert run_stage(folder, "honest", name) == run_stage(folder, "honest", name, report="again") == 0
    report = folder / "reports" / name
    for file in ("honest.json", "honest.csv"):
        assert (report / file).read_bytes() == (folder / "again" / file).read_bytes()
    found = json.loads((report / "honest.json").read_text())
    for measure in measures:
        value, low, high = (found[f"honest_{measure}{end}"] for end in ("", "_lo", "_hi"))
        assert low < value < high and found[f"honest_{measure}_se"] > 0
    assert len(found) == 4 * len(measures) + 3 and found["honest_folds"] == 3
    rows = pd.read_csv(report / "honest.csv")
    assert rows["outer"].tolist() == [0, 1, 2] and rows["rows"].sum() == found["honest_rows"]
    assert set(measures) <= set(rows.columns)
    if name == "diabetes":
        assert (rows["factor"] == 1).all() and rows["shift"].nunique() > 1, "each outer fold has a level of its own"
    else:
        assert "shift" not in rows
    counts = rows["rows"] / rows["rows"].sum()
    if measures[0] == "log_loss":
        assert (rows["log_loss"] * counts).sum() == pytest.approx(found["honest_log_loss"], abs=2e-6)


def test_the_labels_of_outer_rows_change_nothing_in_their_fold(folder: Path) -> None:
    """Search, choice, weights, temperature, decisions: bit for bit the same whatever the rows scored say."""
    target = read_npz(folder / "data/encode/titanic/arrays.npz")["target"]
    _, plan, before = answers(folder, target)
    other = target.copy()
    other[plan.parts == 1] = 1 - other[plan.parts == 1]
    _, _, after = answers(folder, other, plan)
    inside = plan.parts == 1
    assert np.array_equal(before.answer[inside], after.answer[inside])
    assert np.array_equal(before.decided[inside], after.decided[inside])
    assert before.choices[1] == after.choices[1]
    assert not np.array_equal(before.answer[~inside], after.answer[~inside])
    for outer in range(plan.outer):
        for column in (*plan.searched(outer), *plan.trained(outer)):
            assert ((plan.roles[:, column] == UNUSED) == (plan.parts == outer)).all()


@pytest.mark.parametrize("transform", ["none", "asinh"])
def test_the_values_of_outer_rows_change_nothing_in_their_fold(folder: Path, transform: str) -> None:
    """Their transform's origin, scale and range, and the level of the answers."""
    target = read_npz(folder / "data/encode/diabetes/arrays.npz")["target"]
    _, plan, before = answers(folder, target, None, "diabetes", transform)
    inside = plan.parts == 1
    _, _, after = answers(folder, np.where(inside, 3 * target + 500, target), plan, "diabetes", transform)
    assert np.array_equal(before.answer[inside], after.answer[inside])
    assert before.choices[1] == after.choices[1]
    assert not np.array_equal(before.answer[~inside], after.answer[~inside])


def test_inputs_are_scaled_by_the_rows_learned_from(folder: Path) -> None:
    params, (state, encoded) = load(folder / "params.yaml", "diabetes"), encoded_rows(folder, "diabetes")
    target = read_npz(folder / "data/encode/diabetes/arrays.npz")["target"]
    plan = draw(params, target, None)
    assert plan is not None
    column = plan.trained(1)[0]
    others = plan.roles[:, column] != TRAIN
    moved = replace(encoded, shared=np.where(others[:, None], encoded.shared * 9 + 1, encoded.shared))
    before, after = (
        honest.nested_table(params, rows, state, target, plan.roles).table.inputs[column] for rows in (encoded, moved)
    )
    assert np.array_equal(before[~others], after[~others]) and not np.array_equal(before[others], after[others])


@pytest.mark.parametrize("transform", ["log1p_mean", "asinh"])
def test_in_fold_columns_learn_values_in_units_of_their_own_rows(
    folder: Path, monkeypatch: pytest.MonkeyPatch, transform: str
) -> None:
    params, (state, encoded) = load(folder / "params.yaml", "diabetes"), encoded_rows(folder, "diabetes")
    target, learn = read_npz(folder / "data/encode/diabetes/arrays.npz")["target"], encoder.learn
    plan, labels = draw(params, target, None), []

    def watched(encoded: encoder.Encoded, state: Any, target: np.ndarray, rows: np.ndarray) -> Any:
        labels.append(target[rows])
        return learn(encoded, state, target, rows)

    assert plan is not None
    monkeypatch.setattr(encoder, "learn", watched)
    state["target"] = {"transform": transform}
    for values in (target, np.where(plan.parts == 1, 3 * target + 500, target)):
        honest.nested_table(params, encoded, state, values, plan.roles)
    before, after = labels[: plan.roles.shape[1]], labels[plan.roles.shape[1] :]
    same = [np.array_equal(*each) for each in zip(before, after, strict=True)]
    assert np.flatnonzero(same).tolist() == [*plan.searched(1), *plan.trained(1)]


def test_by_time_and_group_nothing_else_of_the_groups_scored_has_a_say(folder: Path) -> None:
    target = read_npz(folder / "data/encode/titanic/arrays.npz")["target"]
    times = np.random.default_rng(5).permutation(ROWS).astype(float)
    groups = ((times + np.random.default_rng(6).integers(0, 12, ROWS)) // 8).astype(int)
    plan = draw(load(folder / "params.yaml", "titanic"), target, groups, times)
    assert plan is not None and plan.outer == 3
    _, _, before = answers(folder, target, plan)
    last = plan.parts == 2
    unknown = ~plan.known(2)
    assert (unknown & ~last).any() and np.isin(groups[unknown & ~last], groups[last]).all(), "those of its groups"
    other = np.where(unknown, 1 - target, target)
    _, _, after = answers(folder, other, plan)
    assert np.array_equal(before.answer[last], after.answer[last]) and np.isfinite(before.answer[last]).all()
    assert before.choices[2] == after.choices[2]
    assert np.isnan(before.answer[plan.parts < 0]).all()


def test_shuffled_labels_score_chance(folder: Path) -> None:
    target = read_npz(folder / "data/encode/titanic/arrays.npz")["target"]
    shuffled = np.random.default_rng(3).permutation(target)
    params, plan, made = answers(folder, shuffled)
    found = honest.estimates(params.table, shuffled, made, plan.parts, 100)
    share = target.mean()
    entropy = -share * np.log(share) - (1 - share) * np.log(1 - share)
    assert found["log_loss"].value > entropy - 0.01
    assert abs(found["roc_auc"].value - 0.5) < 2 * found["roc_auc"].error
    assert found["accuracy"].value < max(share, 1 - share) + 0.05


def test_rows_that_err_alike_count_as_fewer_though_folds_part_them(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Titanic's parties, with `group_aware: false`, as in the standard errors of `metrics.json`."""
    estimates, seen = honest.estimates, []

    def watched(*arguments: Any) -> dict[str, Estimate]:
        seen.append(arguments[5])
        return estimates(*arguments)

    monkeypatch.setattr(honest, "estimates", watched)
    assert run_stage(folder, "honest", "titanic", report="watched") == 0
    parties = read_npz(folder / "data/encode/titanic/arrays.npz")["together"][:ROWS]
    assert len(np.unique(parties)) < ROWS
    assert (np.unique(seen[0], return_inverse=True)[1] == np.unique(parties, return_inverse=True)[1]).all()


def test_folds_by_group_without_groups_are_one_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (folder / "params.yaml").read_text()
    assert "  group_aware: false\n" in text
    (folder / "grouped.yaml").write_text(text.replace("  group_aware: false\n", "  group_aware: true\n"))
    assert run_stage(folder, "honest", "wine", params="grouped.yaml", report="grouped") == 1
    assert "the feature module 'plain' names no groups" in capsys.readouterr().err


def test_left_out_it_still_writes_its_files(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (folder / "params.yaml").read_text()
    (folder / "none.yaml").write_text(text.replace("  outer: 3\n", "  outer: 0\n"))
    assert run_stage(folder, "honest", "wine", params="none.yaml", report="none") == 0
    written = {"honest_folds": 0, "not_estimated": "honest.outer is 0"}
    assert json.loads((folder / "none" / "honest.json").read_text()) == written
    assert "honest: no estimate, since honest.outer is 0\n" in capsys.readouterr().out


def test_it_says_how_many_trials_its_searches_have(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Depth 1 or 2 and nothing else to choose: two, whatever was asked for."""
    params = read_document(folder / "params.yaml")
    fixed = {"width": 4, "dropout": 0, "l2": 0, "initializer": "he_normal", "activation": "relu"}
    space = {"depth": [1, 2], **fixed, "learning_rate": 0.01, "batch_size": 32}
    params["competitions"]["wine"]["tune"] |= {"family": "plain", "space": space}
    demo.write_yaml(folder / "few.yaml", params)
    assert run_stage(folder, "honest", "wine", params="few.yaml", report="few") == 0
    out = capsys.readouterr().out
    assert "honest: 2 trials x 2 folds in each of 3 outer folds on" in out
    assert "test rows, with 95 % intervals: accuracy " in out


def table(task: str, metric: str = "") -> Table:
    """Of a competition scored by ``metric``, else by the first that its task has."""
    return Table(task, "y", "id", metric or MEASURES[task][0], "plain", "sample.csv")


def made(answer: np.ndarray) -> Answers:
    """Answers of two outer folds."""
    choice = {"members": 1, "temperature": 1.0, "threshold": 0.5, "best_trial": 0, "search_loss": 0.5}
    return Answers(answer[:, None], metrics.decide(answer[:, None]), [choice, choice])


def test_an_outer_fold_of_one_class_has_no_auc_and_two_of_three_leave_it_out(recwarn: pytest.WarningsRecorder) -> None:
    target, answer = np.array([0.0, 1, 0, 1, 1, 1, 1, 1]), np.linspace(0.2, 0.9, 8)
    parts = np.repeat([0, 1], 4)
    found = honest.estimates(table("binary"), target, made(answer), parts, 100)
    assert list(found) == ["accuracy", "log_loss"] and set(honest.written("binary", found)) >= {"honest_log_loss_lo"}
    rows = honest.by_outer_fold(table("binary"), target, made(answer), parts)
    assert rows["roc_auc"].isna().tolist() == [False, True] and rows["accuracy"].notna().all() and not recwarn
    assert rows["search_log_loss"].tolist() == [0.5, 0.5]


def test_a_metric_of_decisions_is_estimated_as_was_decided() -> None:
    target, answer, parts = np.array([0.0, 1, 0, 1] * 10), np.array([0.1, 0.3, 0.2, 0.4] * 10), np.repeat([0, 1], 20)
    one = made(answer)
    one.decided[:] = answer > 0.25
    found = honest.estimates(table("binary", "f1"), target, one, parts, 100)
    assert list(found) == ["accuracy", "log_loss", "roc_auc", "f1"]
    assert found["f1"].value == found["accuracy"].value == 1.0 and 0.6 < found["f1"].low < 1
    assert honest.told("f1", found["f1"]).startswith("F1 1.0000 (")
    assert honest.by_outer_fold(table("binary", "f1"), target, one, parts)["f1"].tolist() == [1, 1]
    one.decided[:] = answer > 0.5
    assert honest.estimates(table("binary", "mcc"), target, one, parts, 100)["mcc"].value == 0


def test_a_regression_is_estimated_in_any_unit() -> None:
    rng = np.random.default_rng(0)
    target, parts = rng.normal(size=20), np.arange(20) % 2
    answer = made((target + rng.normal(size=20)) * 1e-9)
    found = honest.estimates(table("regression"), target * 1e-9, answer, parts, 100)
    assert list(found) == ["rmse", "mae"] and honest.written("regression", found)["honest_mae"] > 1e-10
    assert honest.told("mae", found["mae"]).startswith("MAE ") and "e-1" in honest.told("mae", found["mae"])
    rows = honest.by_outer_fold(table("regression"), target, answer, parts)
    assert "rmsle" not in rows and "search_squared_error_standardised" in rows, "not in the unit of the rmse beside it"
    positive = np.where(parts == 0, np.abs(target), target)
    assert positive[parts == 1].min() < 0 and "rmsle" not in honest.by_outer_fold(
        table("regression"), positive, answer, parts
    )


def test_an_earlier_value_below_0_leaves_the_rmsle_out_though_none_is_scored() -> None:
    """As it is left out of `metrics.json`, without which the page has nothing to hold it against."""
    target, parts = np.r_[-1.0, np.arange(1.0, 9)], np.array([-1, 0, 0, 0, 0, 1, 1, 1, 1])
    answer = made(np.r_[np.nan, np.arange(2.0, 10)])
    assert list(honest.estimates(table("regression"), target, answer, parts, 9)) == ["rmse", "mae"]
    assert "rmsle" not in honest.by_outer_fold(table("regression"), target, answer, parts)
    assert "rmsle" in honest.estimates(table("regression"), np.abs(target), answer, parts, 9)


def test_it_says_how_many_of_its_outer_folds_are_scored(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (folder / "params.yaml").read_text()
    (folder / "scored.yaml").write_text(text.replace("  outer: 3\n  scored: 0\n", "  outer: 6\n  scored: 2\n"))
    assert run_stage(folder, "honest", "wine", params="scored.yaml", report="scored") == 0
    assert "in each of 2 of 6 outer folds on" in capsys.readouterr().out
    found = read_json(folder / "scored" / "honest.json")
    assert found["honest_folds"] == 2 and 40 < found["honest_rows"] < 50, "a third of 134"
