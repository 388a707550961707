"""The train stage on two small folds: members that diverge are left out, a fold keeps one, the same bytes twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline import train
from pipeline.demo import write_yaml
from pipeline.files import read_npz, write_json, write_npz
from pipeline.nets.fit import Fit
from pipeline.params import read_document
from tests.stages import options

ROOT = Path(__file__).resolve().parents[2]
NETWORK = {
    "depth": 1, "width": 4, "dropout": 0.0, "l2": 0.0, "initializer": "he_normal", "activation": "relu",
    "batch_size": 32, "learning_rate": 0.01,
}  # fmt: skip


def trained(folder: Path, *methods: str) -> int:
    """The stage's exit code, with one trial for each of ``methods``: zscore reads a sound copy of the inputs, robust an
    infinite one."""
    values = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    roles = np.zeros((40, 2), np.int8)
    roles[:20, 0] = roles[20:, 1] = 2
    roles[20:28, 0] = roles[:8, 1] = 1
    arrays = {
        "inputs": np.stack([values, values, values * np.inf, values * np.inf]),
        "codes": np.zeros((50, 0), np.int32),
        "levels": np.zeros(0, np.int32),
        "target": (values[:40, 0] > 0).astype(np.float32),
        "roles": roles,
        "ids": np.arange(50).astype(str),
        "groups": np.array(["a", "b"]),
        "forms": np.array(["", ""]),
        "methods": np.array(["zscore", "robust"]),
    }
    write_npz(folder / "arrays.npz", arrays)
    trials = [
        {"trial": number, "valid": True, "configuration": {**NETWORK, "normalize.method": method}}
        for number, method in enumerate(methods)
    ]
    write_json(folder / "tune" / "trials.json", trials)
    write_npz(folder / "tune" / "out_of_fold.npz", {"error": np.full((len(trials), 40), 0.5, np.float32)})
    params = read_document(ROOT / "params.yaml")
    params["encode"] |= {"folds": 2, "repeats": 1}
    params["train"] |= {"top_k": 2, "epochs": 2, "patience": 2}
    write_yaml(folder / "params.yaml", params)
    paths = {"params": "params.yaml", "input": "arrays.npz", "trials": "tune", "output": "out", "report": "report"}
    return train.main(["--competition", "titanic", *options(folder, **paths)])


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_members_that_diverge_are_told_and_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert trained(tmp_path, "zscore", "robust") == 0
    assert "2 of 4 members diverged and are left out" in capsys.readouterr().out
    found = read_npz(tmp_path / "out" / "predictions.npz")
    assert found["trial"].tolist() == [0, 0] and found["fold"].tolist() == [0, 1]
    scored = read_npz(tmp_path / "arrays.npz")["roles"].T == 2
    assert (np.isfinite(found["out_of_fold"][..., 0]) == scored).all() and np.isfinite(found["test"]).all()
    assert read_npz(tmp_path / "out" / "weights.npz")["kept"].tolist() == [0, 2]
    members = pd.read_csv(tmp_path / "report" / "members.csv")
    diverged = [False, True, False, True]
    assert members["best_epoch"].eq(0).tolist() == diverged
    assert members["score_loss"].isna().tolist() == members["stop_loss"].isna().tolist() == diverged


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_a_fold_without_a_sound_member_is_one_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert trained(tmp_path, "robust") == 1
    assert "every member of fold 0 diverged" in capsys.readouterr().err
    assert not (tmp_path / "out").exists() and not (tmp_path / "report").exists()


def test_the_same_bytes_twice(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        assert trained(tmp_path / folder, "zscore") == 0
    for name in ("out/weights.npz", "out/predictions.npz", "report/members.csv", "report/learning_curves.csv"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name


def test_losses_are_written_with_six_digits(tmp_path: Path) -> None:
    """As everywhere in the reports; digits of a number of 32 bits beyond that are noise."""
    assert trained(tmp_path, "zscore") == 0
    for name in ("members.csv", "learning_curves.csv"):
        cells = (tmp_path / "report" / name).read_text().replace("\n", ",").split(",")
        digits = [len(cell.partition(".")[2]) for cell in cells]
        assert 3 < max(digits) <= 6, name


def test_learning_curves_keep_a_members_last_finite_loss() -> None:
    """Member 0 trains to the end, 1 stops after two epochs, 2 diverges in the third, 3 is not sound."""
    nan = float("nan")
    losses = np.array([[8, 6, 4, 2], [4, 2, nan, nan], [6, 4, nan, nan], [nan, nan, nan, nan]], np.float32)
    nothing = np.zeros(0)
    found = Fit(nothing, nothing, losses, losses, np.array([4, 2, 2, 0]), np.array([4, 2, 3, 1]), nothing, [])
    curves = train.learning_curves(found, np.array([True, True, True, False]))
    assert curves["epoch"].tolist() == [1, 2, 3, 4] and curves["members_training"].tolist() == [3, 3, 2, 1]
    for name in ("train_loss", "stop_loss"):
        assert curves[name].tolist() == pytest.approx([6, 4, 10 / 3, 8 / 3], abs=1e-6)
        assert curves[f"{name}_se"].tolist()[2] == pytest.approx(np.std([4, 2, 4], ddof=1) / np.sqrt(3), abs=1e-6)
    alone = train.learning_curves(found, np.array([True, False, False, False]))
    assert alone["train_loss"].tolist() == [8, 6, 4, 2] and alone["train_loss_se"].isna().all()
