"""Rows of train that were copied, with labels that nothing tells: every score must be that of new rows, by chance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline.demo import write_yaml
from pipeline.files import read_json, read_npz
from pipeline.params import read_document
from tests.stages import made_new, run_stage

pytestmark = pytest.mark.slow
ROWS, COPIES = 60, 8
BUDGETS: dict[str, dict[str, Any]] = {
    "encode": {"repeats": 1},
    "tune": {"max_trials": 3, "generation": 3, "epochs": 40, "family": "plain"},
    "train": {"top_k": 2, "epochs": 60, "together": False},
    "honest": {"outer": 4, "search": 2, "members": 2},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The competition ``copied`` as `new` makes it, with smaller budgets."""
    folder, rng = tmp_path_factory.mktemp("copied"), np.random.default_rng(0)
    whole = pd.DataFrame(rng.normal(size=(ROWS + 200, 12)).round(4), columns=[f"x{place}" for place in range(12)])
    train = whole.iloc[:ROWS].assign(label=rng.permutation(np.repeat(["no", "yes"], ROWS // 2)))
    train = pd.concat([train] * COPIES).sample(frac=1, random_state=0)
    train.insert(0, "id", np.arange(len(train)))
    whole.iloc[ROWS:].assign(id=10_000 + np.arange(200)).to_csv(folder / "given_test.csv", index=False)
    train.to_csv(folder / "given_train.csv", index=False)
    made_new(folder, "copied", BUDGETS)
    return folder


def scores(folder: Path, setting: str) -> dict[str, float]:
    """What the stages report with ``encode.duplicates`` so set."""
    params = read_document(folder / "params.yaml")
    params["encode"]["duplicates"] = setting
    write_yaml(folder / "params.yaml", params)
    run(folder, "validate", "encode", "normalize", "tune", "train", "ensemble", "honest")
    report = folder / "reports/copied"
    found: dict[str, float] = read_json(report / "metrics.json") | read_json(report / "honest.json")
    return found


def run(folder: Path, *stages: str) -> None:
    for stage in stages:
        assert run_stage(folder, stage, "copied") == 0


def test_copies_that_were_changed_a_little_are_a_warning(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No label says which rows belong together, so nothing can be done but to say so."""
    path = folder / "data/raw/copied/train.csv"
    whole, rng = path.read_bytes(), np.random.default_rng(1)
    frame = pd.read_csv(path)
    names = [name for name in frame if name.startswith("x")]
    frame[names] = (frame[names] + rng.normal(size=(len(frame), len(names))) / 50).round(4)
    try:
        frame.to_csv(path, index=False)
        capsys.readouterr()
        run(folder, "validate")
        said = capsys.readouterr().out
        assert "repeat an earlier row" not in said and "its rows lie nearer to one another than those of test" in said
        faults = read_json(folder / "reports/copied/validation.json")["checks"]["rows_duplicated"]
        assert len(faults) == 1 and "`role: group`" in faults[0]["cure"]
    finally:
        path.write_bytes(whole)


def test_labels_of_noise_score_chance_though_rows_were_copied(folder: Path) -> None:
    apart, kept = scores(folder, "apart"), scores(folder, "auto")
    assert apart["cv_roc_auc"] > 0.75 and apart["honest_roc_auc"] > 0.75, "else nothing would be at stake"
    for name in ("cv_roc_auc", "honest_roc_auc", "single_roc_auc", "selected_roc_auc", "calibrated_roc_auc"):
        assert abs(kept[name] - 0.5) < 0.2, name
    assert kept["cv_log_loss"] > 0.65 and kept["honest_log_loss"] > 0.65
    assert kept["honest_roc_auc_lo"] < 0.5 < kept["honest_roc_auc_hi"]
    assert kept["cv_accuracy_se"] > 1.5 * np.sqrt(0.25 / (ROWS * COPIES)), "a row and its copies are one"
    roles = read_npz(folder / "data/encode/copied/arrays.npz")["roles"]
    assert roles.shape[0] == ROWS * COPIES
