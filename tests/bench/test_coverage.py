"""The bench of the interval: its share by hand, and one split of a table through the real stages."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench import coverage


def test_the_share_by_hand() -> None:
    """Three of four test scores lie within; widths 0.2, 0.2, 0.2 and 0.6."""
    rows = [
        {
            "test": {"accuracy": score},
            "honest": {"accuracy": 0.8, "accuracy_lo": low, "accuracy_hi": high},
            "usual": {"accuracy": 0.9},
        }
        for score, low, high in ((0.7, 0.7, 0.9), (0.9, 0.7, 0.9), (0.95, 0.7, 0.9), (0.3, 0.3, 0.9))
    ]
    found = coverage.covered(rows)["accuracy"]
    assert found["share"] == 0.75 and found["share_se"] == pytest.approx(np.sqrt(5 / 8 * 3 / 8 / 8), abs=1e-4)
    assert coverage.covered(rows[:2])["accuracy"]["share_se"] == pytest.approx(np.sqrt(4 / 6 * 2 / 6 / 6), abs=1e-4)
    assert found["width"] == 0.3 and found["usual"] == 0.9 and found["test"] == 0.7125


@pytest.mark.slow
def test_a_split_goes_through_the_real_stages(monkeypatch: pytest.MonkeyPatch) -> None:
    small = {**coverage.BUDGETS, "tune": {"max_trials": 2, "generation": 2, "epochs": 20}}
    small |= {"honest": {"outer": 2, "search": 2, "members": 2}, "train": {"top_k": 1, "epochs": 30}}
    monkeypatch.setattr(coverage, "BUDGETS", small)
    found = coverage.run("wine", 1)
    assert found["test"].keys() == {"accuracy", "log_loss"} and found["honest"]["test_rows"] == 71
    assert found["test"]["accuracy"] > 0.6 and abs(found["honest"]["accuracy"] - found["usual"]["accuracy"]) < 0.3


@pytest.mark.parametrize("name", coverage.QUICK_TABLES)
def test_each_table_has_an_id_and_a_target(name: str) -> None:
    frame = coverage.QUICK_TABLES[name](0)
    assert {"id", "target"} <= set(frame.columns) and frame["id"].is_unique and frame["target"].notna().all()


def test_the_ridge_is_that_of_the_normal_equations(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    inputs, asked = rng.normal(size=(40, 3)), rng.normal(size=(5, 3))
    target = inputs @ [1.0, -2.0, 0.5] + rng.normal(size=40)
    monkeypatch.setattr(coverage, "PENALTIES", (10.0,))
    weights = np.linalg.solve(inputs.T @ inputs + 10 * np.eye(3), inputs.T @ (target - target.mean()))
    found = coverage.ridge(inputs, target, asked, "regression", 0)
    assert found[:, 0] == pytest.approx(asked @ weights + target.mean())


def test_a_part_alone_keeps_the_other_with_its_shares_computed_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coverage, "QUICK", 2)
    monkeypatch.setattr(coverage, "QUICK_TABLES", {"wine": coverage.TABLES["wine"]})
    split = coverage.quick("wine", 0)
    old = {
        "budgets": {"kept": 1},
        "tables": {"wine": {"covered": {"accuracy": {"share_se": 0.0}}, "splits": [split] * 4}},
    }
    found = coverage.measure(1, tmp_path, ["ridge"], {"stages": old, "ridge": {"splits": 1, "tables": {}}})
    assert found["stages"]["budgets"] == {"kept": 1} and found["stages"]["tables"]["wine"]["splits"] == [split] * 4
    assert found["stages"]["tables"]["wine"]["covered"] == coverage.covered([split] * 4)
    assert found["ridge"]["splits"] == 2 and found["ridge"]["tables"].keys() == {"wine"}
    assert not any(tmp_path.iterdir()), "no stage ran"


def test_the_rare_table_is_rare() -> None:
    shares = [(coverage.generated_rare(split)["target"] == "yes").mean() for split in range(5)]
    assert all(0.02 < share < 0.05 for share in shares)


def test_the_higher_the_grade_the_rarer() -> None:
    shares = [coverage.generated_grades(split)["target"].value_counts(normalize=True) for split in range(5)]
    assert all(list(share.index) == list("abcd") and 0.02 < share["d"] < 0.08 for share in shares)


def test_a_quick_split_of_each_kind() -> None:
    for name, measures in (
        ("wine", 6),
        ("breast_cancer", 8),
        ("diabetes", 4),
        ("mixed", 8),
        ("rare", 8),
        ("grades", 6),
    ):
        found = coverage.quick(name, 0)
        assert len(found["test"]) == measures
        assert all(found["honest"][f"{m}_lo"] < found["honest"][f"{m}_hi"] for m in found["test"])
