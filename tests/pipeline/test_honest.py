"""The nested estimate on a small generated Titanic: its figures, its bytes, and that no outer row has a say inside."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features import encoder
from features.contract import Contract
from features.estimation import Estimate
from features.roles import UNUSED
from features.tables import parse_table
from pipeline import demo, honest
from pipeline.files import read_json, read_npz
from pipeline.honest import Answers, Plan, Rows
from pipeline.params import Params, load, read_document
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


def five_folds(folder: Path) -> Params:
    """Titanic's, with as many outer folds as by default."""
    params = load(folder / "params.yaml", "titanic")
    return replace(params, honest=replace(params.honest, outer=5, search=3, members=5))


def answers(folder: Path, target: np.ndarray, plan: Plan | None = None) -> tuple[Params, Plan, Answers]:
    """What the stage does between reading and writing, with a ``target`` of the caller's."""
    params = load(folder / "params.yaml", "titanic")
    contract = Contract.from_mapping(read_document(folder / "data/contracts/titanic.yaml"), "contract")
    file = folder / "data/raw/titanic/train.csv"
    train = contract.typed(parse_table(file.read_bytes(), "train.csv"), "train.csv", True)
    state = read_json(folder / "data/encode/titanic/encoding.json")
    encoded = encoder.transform(train.drop(columns=contract.target), state)
    plan = plan or honest.draw(params, target, None)
    assert plan is not None
    scaled = honest.nested_table(params, encoded, state, target, plan.roles)
    trials = honest.search_together(params, scaled, plan, lambda share: None)
    return params, plan, honest.answer(params, scaled, plan, trials, target, lambda share: None)


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
    """Search, choice, weights, temperature, threshold: bit for bit the same whatever the rows scored say."""
    target = read_npz(folder / "data/encode/titanic/arrays.npz")["target"]
    _, plan, before = answers(folder, target)
    other = target.copy()
    other[plan.parts == 1] = 1 - other[plan.parts == 1]
    _, _, after = answers(folder, other, plan)
    inside = plan.parts == 1
    assert np.array_equal(before.answer[inside], after.answer[inside])
    assert np.array_equal(before.thresholds[inside], after.thresholds[inside])
    assert before.choices[1] == after.choices[1]
    assert not np.array_equal(before.answer[~inside], after.answer[~inside])
    for outer in range(plan.outer):
        for column in (*plan.searched(outer), *plan.trained(outer)):
            assert ((plan.roles[:, column] == UNUSED) == (plan.parts == outer)).all()


def test_by_time_and_group_nothing_else_of_the_groups_scored_has_a_say(folder: Path) -> None:
    target = read_npz(folder / "data/encode/titanic/arrays.npz")["target"]
    times = np.random.default_rng(5).permutation(ROWS).astype(float)
    groups = ((times + np.random.default_rng(6).integers(0, 12, ROWS)) // 8).astype(int)
    plan = honest.draw(load(folder / "params.yaml", "titanic"), target, groups, times)
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
    found = honest.estimates(params.table.task, shuffled, made, plan.parts, 100)
    share = target.mean()
    entropy = -share * np.log(share) - (1 - share) * np.log(1 - share)
    assert found["log_loss"].value > entropy - 0.01
    assert abs(found["roc_auc"].value - 0.5) < 2 * found["roc_auc"].error
    assert found["accuracy"].value < max(share, 1 - share) + 0.05


def test_few_rows_of_a_class_lower_the_folds_and_too_few_leave_the_estimate_out(folder: Path) -> None:
    asked = five_folds(folder)

    def drawn(rare: int) -> Plan | None:
        return honest.draw(asked, np.repeat([0.0, 1.0], [60, rare]), None)

    plans = [drawn(rare) for rare in (30, 6, 5, 3)]
    assert [(p.outer, p.search, p.members) for p in plans if p] == [(5, 3, 5), (5, 3, 3), (4, 2, 2)]
    assert plans[3] is None
    assert honest.draw(replace(asked, honest=replace(asked.honest, outer=0)), np.zeros(9), None) is None


def test_few_of_many_outer_folds_are_scored_and_learn_from_all_others(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    params = five_folds(folder)
    few = replace(params, honest=replace(params.honest, outer=10, scored=3))
    target = np.repeat([0.0, 1.0], 60)
    plan, every = (honest.draw(one, target, None) for one in (few, replace(few, honest=params.honest)))
    assert plan is not None and every is not None and (every.outer, every.drawn) == (5, None)
    assert (plan.outer, plan.drawn) == (3, 10) and plan.roles.shape == (120, 3 * (3 + 5))
    assert np.bincount(plan.parts + 1).tolist() == [84, 12, 12, 12], "the other seven folds are never scored"
    for outer in range(3):
        assert (plan.known(outer) == (plan.parts != outer)).all(), "and all have a say"
    rare = [honest.draw(few, np.repeat([0.0, 1.0], [60, count]), None) for count in (3, 5)]
    assert rare[0] is None and rare[1] is not None and (rare[1].outer, rare[1].drawn) == (3, 4)
    later = honest.draw(few, np.arange(120) % 2.0, None, np.arange(120.0))
    assert later is not None and np.bincount(later.parts + 1).tolist() == [60, 20, 20, 20] and later.drawn is None
    text = (folder / "params.yaml").read_text()
    (folder / "scored.yaml").write_text(text.replace("  outer: 3\n  scored: 0\n", "  outer: 6\n  scored: 2\n"))
    assert run_stage(folder, "honest", "wine", params="scored.yaml", report="scored") == 0
    assert "in each of 2 of 6 outer folds on" in capsys.readouterr().out
    found = read_json(folder / "scored" / "honest.json")
    assert found["honest_folds"] == 2 and 40 < found["honest_rows"] < 50, "a third of 134"


@pytest.mark.parametrize("grouped", [False, True])
def test_each_part_has_the_rows_that_ranks_need(folder: Path, grouped: bool) -> None:
    """65 rows a part: the members' ranks are among the rows that an outer fold scores."""
    params = five_folds(folder)
    ranked = replace(params, ensemble=replace(params.ensemble, method="rank_mean"))

    def drawn(asked: Params, rows: int) -> Plan | None:
        groups = np.random.default_rng(0).integers(0, rows // 3, rows) if grouped else None
        return honest.draw(asked, np.arange(rows) % 2.0, groups)

    for rows in (700, 330, 260):
        plan, plain = drawn(ranked, rows), drawn(params, rows)
        assert plan is not None and plain is not None and plain.outer == 5
        assert plan.outer == int(plan.parts.max()) + 1 and np.bincount(plan.parts).min() >= 65
        assert rows < 700 or np.array_equal(plan.roles, plain.roles)
    assert drawn(ranked, 120) is None and drawn(params, 120) is not None


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


def test_what_leaves_the_estimate_out_is_named(folder: Path) -> None:
    params = five_folds(folder)
    ranked = replace(params, ensemble=replace(params.ensemble, method="rank_mean"))
    values = replace(params, table=replace(params.table, task="regression"))
    even, rare = np.arange(120) % 2.0, np.repeat([0.0, 1.0], [60, 3])
    for asked, target, groups, said in (
        (params, rare, None, "class 'rare' has 3 rows, too few"),
        (params, rare, np.arange(63), "class 'rare' has 3 rows, too few"),
        (values, np.arange(8.0), None, "there are 8 rows, too few"),
        (params, even, np.arange(120) % 3, "rows come in 3 groups, too few"),
        (params, even, np.r_[np.zeros(110), np.arange(1, 11)], "rows come in 11 groups"),
        (ranked, even, None, "120 rows are too few for outer folds of 65"),
    ):
        assert honest.draw(asked, target, groups) is None
        assert honest.why_none(asked, target, groups, ["often", "rare"]).startswith(said)


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


def made(answer: np.ndarray) -> Answers:
    """Answers of two outer folds."""
    choice = {"members": 1, "temperature": 1.0, "threshold": 0.5, "best_trial": 0, "search_loss": 0.5}
    return Answers(answer[:, None], np.full(len(answer), 0.5), [choice, choice])


def test_an_outer_fold_of_one_class_has_no_auc_and_two_of_three_leave_it_out(recwarn: pytest.WarningsRecorder) -> None:
    target, answer = np.array([0.0, 1, 0, 1, 1, 1, 1, 1]), np.linspace(0.2, 0.9, 8)
    parts = np.repeat([0, 1], 4)
    found = honest.estimates("binary", target, made(answer), parts, 100)
    assert list(found) == ["accuracy", "log_loss"] and set(honest.written("binary", found)) >= {"honest_log_loss_lo"}
    rows = honest.by_outer_fold("binary", target, made(answer), parts)
    assert rows["roc_auc"].isna().tolist() == [False, True] and rows["accuracy"].notna().all() and not recwarn
    assert rows["search_log_loss"].tolist() == [0.5, 0.5]


def test_a_regression_is_estimated_in_any_unit() -> None:
    rng = np.random.default_rng(0)
    target, parts = rng.normal(size=20), np.arange(20) % 2
    answer = made((target + rng.normal(size=20)) * 1e-9)
    found = honest.estimates("regression", target * 1e-9, answer, parts, 100)
    assert list(found) == ["rmse", "mae"] and honest.written("regression", found)["honest_mae"] > 1e-10
    assert honest.told("mae", found["mae"]).startswith("mae ") and "e-1" in honest.told("mae", found["mae"])
    rows = honest.by_outer_fold("regression", target, answer, parts)
    assert "rmsle" not in rows and "search_squared_error_standardised" in rows, "not in the unit of the rmse beside it"
    positive = np.where(parts == 0, np.abs(target), target)
    assert positive[parts == 1].min() < 0 and "rmsle" not in honest.by_outer_fold("regression", positive, answer, parts)


def test_an_earlier_value_below_0_leaves_the_rmsle_out_though_none_is_scored() -> None:
    """As it is left out of `metrics.json`, without which the page has nothing to hold it against."""
    target, parts = np.r_[-1.0, np.arange(1.0, 9)], np.array([-1, 0, 0, 0, 0, 1, 1, 1, 1])
    answer = made(np.r_[np.nan, np.arange(2.0, 10)])
    assert list(honest.estimates("regression", target, answer, parts, 9)) == ["rmse", "mae"]
    assert "rmsle" not in honest.by_outer_fold("regression", target, answer, parts)
    assert "rmsle" in honest.estimates("regression", np.abs(target), answer, parts, 9)


@pytest.mark.parametrize(("count", "folds"), [(40, (5, 3, 5)), (7, (5, 3, 4)), (6, (5, 3, 3)), (3, None)])
def test_few_groups_lower_the_folds_and_too_few_leave_the_estimate_out(
    folder: Path, count: int, folds: tuple[int, int, int] | None
) -> None:
    params = five_folds(folder)
    groups = np.arange(120) % count
    plan = honest.draw(params, np.repeat([0.0, 1.0], 60), groups)
    assert (None if plan is None else (plan.outer, plan.search, plan.members)) == folds


def rows_of(target: np.ndarray, alike: np.ndarray | None, times: np.ndarray | None) -> Rows:
    encoded: Any = None
    return Rows(encoded, target, 40, alike, times)


def test_a_row_is_learned_from_by_none_that_was_before_it_though_its_double_was_long_ago(folder: Path) -> None:
    """The label of the late one would tell of the future. In any order of the file."""
    times = np.random.default_rng(0).permutation(160).astype(float)
    alike = np.where(times % 8 == 5, times % 40, times).astype(int)  # 5, 45, 85 and 125 are one
    plan = honest.plan_of(five_folds(folder), rows_of(np.arange(160) % 2.0, alike, times), None, [])
    assert isinstance(plan, Plan) and plan.outer == 5
    for outer in range(plan.outer):
        columns = [*plan.searched(outer), *plan.trained(outer)]
        known, scored = plan.known(outer), plan.parts == outer
        assert not np.isin(alike[known], alike[scored]).any()
        learned = (plan.roles[:, columns] != UNUSED).any(axis=1)
        last = np.array([times[alike == one].max() for one in alike[scored]])
        assert (learned == known).all() and times[known].max() < last.min()


def test_few_times_lower_the_folds_and_too_few_leave_the_estimate_out(folder: Path) -> None:
    """Eight years of 20 rows each: four are learned from before the first of four that are scored."""
    params = five_folds(folder)
    params = replace(params, encode=replace(params.encode, time="year"))
    plans = [
        honest.plan_of(params, rows_of(np.arange(20.0 * years) % 2, None, np.repeat(np.arange(years), 20)), None, [])
        for years in (8, 4, 3)
    ]
    assert [(p.outer, p.search, p.members) for p in plans if isinstance(p, Plan)] == [(4, 3, 4), (2, 2, 2)]
    assert plans[2] == "rows or classes by 'year' are too few for spans of time inside spans of time"
    copied = honest.plan_of(params, rows_of(np.arange(60.0) % 2, np.arange(60) % 4, None), None, ["no", "yes"])
    assert isinstance(copied, str) and copied.startswith("class 'no' has 2 rows, too few for folds inside folds, where")


def test_a_group_that_is_nearly_all_rows_leaves_the_estimate_out(folder: Path) -> None:
    params = five_folds(folder)

    def drawn(alone: int) -> Plan | None:
        return honest.draw(params, np.arange(120) % 2.0, np.r_[np.zeros(120 - alone), np.arange(1, alone + 1)])

    assert drawn(10) is None and drawn(20) is not None


def test_groups_that_share_a_double_are_in_one_outer_fold(folder: Path) -> None:
    groups = np.arange(120) // 10
    alike = np.where(np.arange(120) == 115, 0, np.arange(120))
    plan = honest.plan_of(five_folds(folder), rows_of(np.arange(120) // 5 % 2.0, alike, None), groups, ["no", "yes"])
    assert isinstance(plan, Plan)
    for joined in (*(groups == one for one in range(12)), np.isin(groups, [0, 11])):
        assert len(np.unique(plan.parts[joined])) == 1 and (plan.roles[joined] == plan.roles[joined][0]).all()
