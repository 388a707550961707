"""A target that wanders with time, and rows to predict that come later: the estimate must be that of later rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.roles import SCORE
from pipeline.demo import write_yaml
from pipeline.files import read_csv, read_json, read_npz
from pipeline.params import read_document
from tests.stages import made_new, run_stage

pytestmark = pytest.mark.slow
ROWS, TESTS = 300, 60
BUDGETS: dict[str, dict[str, Any]] = {
    "encode": {"repeats": 1, "time": "date"},
    "tune": {"max_trials": 3, "generation": 3, "epochs": 40, "family": "plain"},
    "train": {"top_k": 2, "epochs": 60, "together": False},
    "honest": {"outer": 4, "search": 3, "members": 4},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The competition ``sales`` as `new` makes it, with smaller budgets: one row a day, in no order."""
    folder, rng = tmp_path_factory.mktemp("time"), np.random.default_rng(0)
    days = np.arange(ROWS + TESTS)
    whole = pd.DataFrame({"date": pd.date_range("2024-01-01", periods=len(days)).strftime("%Y-%m-%d")})
    whole["size"] = rng.normal(size=len(days)).round(3)
    whole["sales"] = (whole["size"] + 4 * np.sin(days / 25) + rng.normal(size=len(days)) / 4).round(3)
    whole.insert(0, "id", days)
    whole.iloc[:ROWS].sample(frac=1, random_state=0).to_csv(folder / "given_train.csv", index=False)
    whole.iloc[ROWS:].drop(columns="sales").to_csv(folder / "given_test.csv", index=False)
    made_new(folder, "sales", BUDGETS)
    return folder


def run(folder: Path, *stages: str) -> None:
    for stage in stages:
        assert run_stage(folder, stage, "sales") == 0


def test_each_stage_knows_what_is_later(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(folder, "validate", "encode", "normalize", "tune", "train", "ensemble", "honest", "columns", "report")
    assert "the nested estimate learns from earlier rows alone (encode.time)" in capsys.readouterr().out
    days = read_csv(folder / "data/raw/sales/train.csv")["id"].to_numpy(int)
    roles = read_npz(folder / "data/encode/sales/arrays.npz")["roles"]
    for column in range(roles.shape[1]):
        scored = days[roles[:, column] == SCORE]
        assert scored.max() - scored.min() == len(scored) - 1, "a span of time, whole"
    usual, honest = (read_json(folder / f"reports/sales/{name}.json") for name in ("metrics", "honest"))
    assert honest["honest_rows"] == ROWS // 2 and honest["honest_folds"] == 4
    page = " ".join((folder / "reports/sales/README.md").read_text(encoding="utf-8").split())
    assert "each fold scores a span of date and learns from what lies before and after" in page
    assert "learns from the rows before it alone" in page
    drawn_at_random = random_folds(folder)
    assert usual["cv_rmse"] > 2 * drawn_at_random["cv_rmse"], "the level is known in between"
    assert honest["honest_rmse"] > 2 * drawn_at_random["honest_rmse"], "and not ahead"


def random_folds(folder: Path) -> dict[str, float]:
    """What is reported where folds know nothing of time."""
    params = read_document(folder / "params.yaml")
    params["competitions"]["sales"]["encode"]["time"] = ""
    write_yaml(folder / "params.yaml", params)
    run(folder, "encode", "normalize", "tune", "train", "ensemble", "honest")
    found: dict[str, float] = {}
    for name in ("metrics", "honest"):
        found |= read_json(folder / f"reports/sales/{name}.json")
    return found
