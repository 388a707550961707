"""The comparison is fair: same splits for all, test labels hidden, losses that agree with scikit-learn's."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss

from bench import accuracy
from bench.accuracy import Problem, categorical, interactions, lay_out, loss, parts, summary
from bench.peers import baseline


@pytest.fixture
def problem() -> Problem:
    words = np.array(["ash", "elm", "oak"])[np.arange(60) % 3]
    numbers = np.random.default_rng(0).normal(size=60) + np.arange(60) % 3
    return Problem(
        pd.DataFrame({"id": np.arange(60), "size": numbers, "site": words[::-1], "target": words}), "multiclass"
    )


def test_every_row_is_scored_once_and_never_learned_from_then(problem: Problem) -> None:
    drawn = parts(problem)
    assert sorted(np.concatenate([test for _, test in drawn]).tolist()) == list(range(60))
    assert all(not set(train) & set(test) for train, test in drawn)


def test_the_test_file_has_no_target(problem: Problem, tmp_path: Path) -> None:
    train, test = parts(problem)[0]
    lay_out(problem, train, test, tmp_path)
    assert "target" not in pd.read_csv(tmp_path / "test.csv").columns
    assert len(pd.read_csv(tmp_path / "train.csv")) == len(train)
    assert json.loads((tmp_path / "columns.json").read_text())["categories"] == ["site"]


def test_log_loss_is_that_of_scikit_learn_whatever_the_columns_order(problem: Problem) -> None:
    _, test = parts(problem)[0]
    answers = np.random.default_rng(1).dirichlet(np.ones(3), len(test))
    known = problem.frame["target"].iloc[test]
    expected = log_loss(known, answers, labels=["ash", "elm", "oak"])
    assert loss(problem, test, answers, ["ash", "elm", "oak"]) == pytest.approx(expected)
    assert loss(problem, test, answers[:, ::-1], ["target_oak", "target_elm", "target_ash"]) == pytest.approx(expected)


def test_one_column_is_the_probability_of_the_higher_class() -> None:
    frame = pd.DataFrame({"id": [1, 2], "x": [0, 1], "target": [0, 1]})
    found = loss(Problem(frame, "binary"), np.arange(2), np.array([[0.2], [0.6]]), ["target"])
    assert found == pytest.approx(-(np.log(0.8) + np.log(0.6)) / 2)


def test_regression_is_scored_by_the_root_of_the_mean_square() -> None:
    frame = pd.DataFrame({"id": [1, 2], "x": [0, 1], "target": [1.0, 2.0]})
    assert loss(Problem(frame, "regression"), np.arange(2), np.array([[1.0], [5.0]]), ["target"]) == pytest.approx(
        np.sqrt(4.5)
    )


def test_summary_ranks_within_a_table_and_pairs_ours_with_each() -> None:
    rows = [
        {"table": table, "split": 0, "method": method, "loss": value, "seconds": 1.0}
        for table, values in (("a", (0.2, 0.4)), ("b", (0.3, 0.2)))
        for method, value in zip(("ours", "mlp"), values, strict=True)
    ]
    rows += [{**row, "method": method} for row in rows[:2] for method in ("plain", "realmlp_folds", "tabm_folds")]
    found = summary(pd.DataFrame(rows))
    assert found["mean_rank"] == {"ours": 1.5, "mlp": 1.5}
    assert found["relative_difference"]["mlp"]["mean"] == pytest.approx((0.2 / 0.4 - 1 + 0.3 / 0.2 - 1) / 2)


def test_making_the_others_environment_is_not_timed(
    problem: Problem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]

    def environment() -> Path:
        clock[0] += 100
        return tmp_path / "python"

    def theirs(method: str, folder: Path, python: Path) -> tuple[np.ndarray, list[str]]:
        clock[0] += 2
        return np.full((12, 3), 1 / 3), ["ash", "elm", "oak"]

    for name, stand_in in {"environment": environment, "theirs": theirs}.items():
        monkeypatch.setattr(accuracy, name, stand_in)
    monkeypatch.setattr("bench.accuracy.time.perf_counter", lambda: clock[0])
    found = accuracy.measure(1, tmp_path, {"trees": lambda: problem}, ["mlp"])
    assert [row["seconds"] for row in found["results"]] == [2.0]


@pytest.mark.parametrize("make", [interactions, categorical])
def test_generated_tables_are_the_same_each_time(make: object) -> None:
    assert callable(make)
    pd.testing.assert_frame_equal(make().frame, make().frame)


@pytest.mark.parametrize("method", ["gradient_boosting", "random_forest", "linear", "mlp"])
def test_a_peer_takes_categories_and_gaps(problem: Problem, method: str) -> None:
    rows = problem.frame[["size", "site"]].assign(site=problem.frame["site"].astype("category"))
    rows.loc[0, "size"] = np.nan
    model = baseline(method, True, ["site"]).fit(rows, problem.frame["target"])
    assert model.predict_proba(rows).shape == (60, 3)
