"""The columns stage on a table with a planted pair, a number that tells by itself, and noise; and on labels that mean
nothing."""

from __future__ import annotations

import json
import struct
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from features.encoding.target import TargetScale
from features.roles import SCORE, STOP, TRAIN, UNUSED
from pipeline import columns, demo, train
from pipeline.files import write_json, write_npz
from pipeline.params import read_document
from tests.stages import options

ROOT = Path(__file__).resolve().parents[2]
ROWS, FOLDS = 600, 4
NETWORK = {
    "depth": 2, "width": 16, "dropout": 0.1, "l2": 1e-2, "initializer": "he_normal", "activation": "relu",
    "batch_size": 64, "learning_rate": 0.01,
}  # fmt: skip


def test_dollars_in_a_group_are_drawn_and_no_formula() -> None:
    table = pd.DataFrame({"group": ["$0_$9"]})
    for kind in ("importance", "without", "alone"):
        table[f"{kind}_log_loss"], table[f"{kind}_log_loss_se"] = 0.1, 0.01
        table[f"{kind}_folds"] = 10
    assert columns.picture(table, pd.DataFrame({"group": [], "with": []}), "log_loss").startswith(b"\x89PNG")


def test_the_picture_is_no_wider_than_what_a_page_shows_of_it() -> None:
    """Or its letters would be too small to read."""
    kinds = [f"{kind}_{what}" for kind in ("importance", "without", "alone") for what in ("log_loss", "log_loss_se")]
    told = dict.fromkeys(kinds, [0.1]) | {f"{kind}_folds": [10] for kind in ("importance", "without", "alone")}
    table, pairs = pd.DataFrame({"group": ["a"], **told}), pd.DataFrame({"group": ["a"], "with": ["b"], **told})
    assert struct.unpack(">II", columns.picture(table, pairs, "log_loss")[16:24]) == (920, 780)


@pytest.mark.parametrize("changes", [[3e-4, -1e-4, 8e-4], [-41250.0, 25310.0, 98760.0]])
def test_long_names_and_numbers_leave_titles_and_ticks_their_room(
    changes: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    figures: list[Figure] = []
    monkeypatch.setattr(columns, "png", figures.append)
    names = ["cb_person_default_on_file", "the_share_of_income_that_goes_to_loans", "x"]
    measured = {"rmse": changes, "rmse_se": [abs(one) / 2 for one in changes], "folds": [10] * 3}
    told = {f"{kind}_{what}": of for kind in ("importance", "without", "alone") for what, of in measured.items()}
    table, pairs = pd.DataFrame({"group": names, **told}), pd.DataFrame({"group": names, "with": names[::-1], **told})
    columns.picture(table, pairs, "rmse")
    FigureCanvasAgg(figures[0]).draw()
    for axis in figures[0].axes:
        title = axis.title.get_window_extent()
        assert title.x0 >= 0 and title.x1 <= figures[0].bbox.x1, axis.get_title()
        low, high = axis.get_xlim()
        ticks = [text for text in axis.get_xticklabels() if low <= text.get_position()[0] <= high]
        boxes = [text.get_window_extent() for text in ticks]
        assert all(one.x1 < other.x0 for one, other in pairwise(boxes)), [text.get_text() for text in ticks]


def prepared(folder: Path, meaning: bool, task: str = "binary") -> list[str]:
    """Arrays, one trial and its trained members in ``folder``; returns the stage's arguments.

    Groups: ``left`` and ``right`` tell the class by their product alone, ``own`` by itself, ``noise`` (a number and a
    column of codes) nothing.
    """
    generator = np.random.default_rng(4)
    values = generator.normal(size=(ROWS + 20, 4)).astype(np.float32)
    classes = (np.sign(values[:, 0] * values[:, 1]) + values[:, 2] > 0).astype(np.float32)[:ROWS]
    if not meaning:
        classes = generator.permutation(classes)
    if task == "multiclass":
        classes = (classes + (values[:ROWS, 2] > 1)).astype(np.int32)
    roles = np.zeros((ROWS, FOLDS), np.int8)
    for fold, part in enumerate(np.array_split(generator.permutation(ROWS), FOLDS)):
        roles[part, fold] = 2
        others = np.flatnonzero(roles[:, fold] == 0)
        roles[generator.permutation(others)[:60], fold] = 1
    arrays = {
        "inputs": np.stack([values] * FOLDS),
        "codes": generator.integers(0, 3, (ROWS + 20, 1)).astype(np.int32),
        "levels": np.array([3], np.int32),
        "target": classes,
        "roles": roles,
        "ids": np.arange(ROWS + 20).astype(str),
        "together": np.arange(ROWS + 20).astype(np.int32),
        "groups": np.array(["left", "right", "own", "noise", "noise"]),
        "forms": np.array([""] * 5),
        "methods": np.array(["zscore"]),
    }
    if task == "regression":
        arrays["target"] = np.exp(2 * values[:ROWS, 2] + 3).astype(np.float32)
        scale = TargetScale.fit("log", arrays["target"], roles == 0).to_mapping()
        arrays |= {f"target_{name}": np.asarray(value) for name, value in scale.items()}
    write_npz(folder / "arrays.npz", arrays)
    write_json(folder / "tune" / "trials.json", [{"trial": 0, "valid": True, "configuration": NETWORK}])
    write_npz(folder / "tune" / "out_of_fold.npz", {name: np.ones((1, ROWS), np.float32) for name in ("loss", "error")})
    params = read_document(ROOT / "params.yaml")
    params["encode"] |= {"folds": FOLDS, "repeats": 1}
    params["tune"] |= {"max_trials": 1, "generation": 1, "epochs": 40, "patience": 8}
    params["train"] |= {"top_k": 1, "seeds": 2, "epochs": 40, "patience": 8}
    params["columns"] |= {"permutations": 4, "rows": 130}
    params["competitions"]["titanic"]["table"] |= {"task": task}
    if task == "regression":
        params["competitions"]["titanic"]["table"] |= {"metric": "rmsle"}
        params["columns"] |= {"pairs": 0, "permutations": 1}
    demo.write_yaml(folder / "params.yaml", params)
    common = ["--competition", "titanic", *options(folder, params="params.yaml", input="arrays.npz", trials="tune")]
    assert train.main([*common, *options(folder, output="train", report="report")]) == 0
    choice = {"weights": [0.25] * 2 * FOLDS, "temperature": 1.0, "threshold": 0.5, "ranks": None}
    write_json(folder / "ensemble.json", choice)
    return [*common, *options(folder, weights="train/weights.npz", ensemble="ensemble.json")]


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    folder = tmp_path_factory.mktemp("planted")
    arguments = prepared(folder, True)
    assert columns.main([*arguments, "--report", str(folder / "report")]) == 0
    return folder, arguments


def test_noise_is_worth_nothing_and_what_tells_is_worth_something(planted: tuple[Path, list[str]]) -> None:
    table = pd.read_csv(planted[0] / "report" / "columns.csv").set_index("group")
    assert table["inputs"].to_dict() == {"left": 1, "right": 1, "own": 1, "noise": 2}
    noise = table.loc["noise"]
    assert abs(noise["importance_log_loss"]) < 0.03 and abs(noise["importance_accuracy"]) < 0.02
    assert noise["without_log_loss"] < 2 * noise["without_log_loss_se"]
    assert table.index[-1] == "noise"
    for group in ("left", "right", "own"):
        row = table.loc[group]
        assert row["importance_log_loss"] > max(2 * row["importance_log_loss_se"], 0.1)
        assert row["without_log_loss"] > max(2 * row["without_log_loss_se"], 0.05)
        assert row["importance_accuracy"] < 0 and row["without_accuracy"] < 0
    assert table.loc["own", "alone_log_loss"] < -2 * table.loc["own", "alone_log_loss_se"]
    assert abs(table.loc["left", "alone_log_loss"]) < 0.05


def test_the_planted_pair_is_found(planted: tuple[Path, list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    folder, arguments = planted
    pairs = pd.read_csv(folder / "report" / "interactions.csv")
    assert len(pairs) == 6
    pairs["pair"] = [" ".join(sorted(pair)) for pair in zip(pairs["group"], pairs["with"], strict=True)]
    found = pairs.set_index("pair")["alone_log_loss"]
    assert found.idxmin() == "left right" and found["left right"] < -0.1
    assert found.drop("left right").min() > -0.05
    assert columns.main([*arguments, "--report", str(folder / "again")]) == 0
    said = capsys.readouterr().out
    assert "left" in said.split("More informative together than apart: ")[1].split("(")[0]
    for name in ("columns.csv", "interactions.csv", "columns.png"):
        assert (folder / "again" / name).read_bytes() == (folder / "report" / name).read_bytes(), name


def test_labels_that_mean_nothing_make_nothing_important(tmp_path: Path) -> None:
    arguments = prepared(tmp_path, False)
    assert columns.main([*arguments, "--report", str(tmp_path / "report")]) == 0
    table = pd.read_csv(tmp_path / "report" / "columns.csv")
    assert table["importance_log_loss"].abs().max() < 0.03
    assert table["alone_log_loss"].min() > -0.02
    assert (table["without_log_loss"] < 3 * table["without_log_loss_se"] + 0.01).all()


@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_every_task_has_its_tables(task: str, tmp_path: Path) -> None:
    arguments = prepared(tmp_path, True, task)
    assert columns.main([*arguments, "--report", str(tmp_path / "report")]) == 0
    table = pd.read_csv(tmp_path / "report" / "columns.csv").set_index("group")
    measures = ["log_loss", "accuracy"] if task == "multiclass" else ["rmsle"]
    assert [c.removeprefix("importance_") for c in table.columns if c.startswith("importance_")][:-1:2] == measures
    own, noise = table.loc["own"], table.loc["noise"]
    assert own[f"importance_{measures[0]}"] > 2 * own[f"importance_{measures[0]}_se"] > 0
    assert own[f"alone_{measures[0]}"] < -0.05 and abs(noise[f"importance_{measures[0]}"]) < 0.05
    if task == "regression":  # nothing but its own column tells the target
        assert table.index[0] == "own" and own["without_rmsle"] > 0.5
        assert abs(table.loc["left", "alone_rmsle"]) < 0.1
        assert (table.fillna(0) != table.fillna(0).round(6)).any(axis=None)  # digits that count, for any unit
    assert pd.read_csv(tmp_path / "report" / "interactions.csv").empty == (task == "regression")


def test_no_column_at_all_is_the_best_constant_of_the_train_rows() -> None:
    """By the metric, whatever the networks learn: of a logarithm the mean would be e, and its error larger."""
    target, roles = np.array([1.0, 2.0, 60.0, 1e9]), np.array([[0], [0], [0], [2]], np.int8)
    for task, metric, best in (("regression", "rmse", 21.0), ("regression", "mae", 2.0)):
        table = SimpleNamespace(task=task, metric=metric)
        trained: Any = SimpleNamespace(
            params=SimpleNamespace(table=table),
            scaled=SimpleNamespace(table=SimpleNamespace(roles=roles, outputs=1)),
            target=target,
        )
        assert columns.constant(trained, 0).tolist() == [[best]] * 4


def test_rows_that_a_fold_leaves_out_are_none_that_it_learns_from() -> None:
    scaled: Any = SimpleNamespace(table=SimpleNamespace(roles=np.array([[SCORE], [TRAIN], [STOP], [UNUSED]])))
    unknown: Any = None
    assert columns.Trained(unknown, scaled, *[unknown] * 5).share == 0.5


def test_retrained_networks_are_held_against_a_mean_at_the_level_of_other_folds() -> None:
    """Of 100 rows a fold, whose means are 2 and 3. Networks of one set say half of that and a third, those of the other
    all of it; one that diverged teaches nothing."""
    roles = np.where(np.arange(200)[:, None] % 2 == [0, 1], 2, 0).astype(np.int8)
    target = np.array([2.0, 3.0, 2.0, 3.0])[np.arange(200) % 4] + np.tile([-0.5, -0.5, 0.5, 0.5], 50)
    low, right = frozenset({"low"}), frozenset({"right"})
    plan = [(one, fold, copy) for one in (low, right) for fold in range(2) for copy in range(2)]
    said = np.array([1.0, 1.0, 1.0, np.nan, 2.0, 2.0, 3.0, 3.0])
    trained: Any = SimpleNamespace(
        params=SimpleNamespace(
            train=SimpleNamespace(clip=True),
            table=SimpleNamespace(metric="rmse"),
            ensemble=SimpleNamespace(calibration="auto"),
        ),
        scaled=SimpleNamespace(table=SimpleNamespace(roles=roles), scale=SimpleNamespace(transform="log")),
        target=target,
        together=np.arange(200),
    )
    found = columns.at_level(trained, plan, np.tile(said[:, None, None], (1, 200, 1)))[:, 0, 0]
    wanted = [3.0, 3.0, 2.0, np.nan, 2.5, 2.5, 2.5, 2.5]  # in the other fold's range: 2.5 to 3.5, and 1.5 to 2.5
    np.testing.assert_allclose(found, wanted, rtol=0.01)
    roles[1::4, 0] = UNUSED  # those of 2.5: of groups that fold 0 scores, so that 3.5 is all that it may know of
    purged = columns.at_level(trained, plan, np.tile(said[:, None, None], (1, 200, 1)))[:, 0, 0]
    np.testing.assert_allclose(purged, [3.5, 3.5, *wanted[2:4], 3.5, 3.5, 2.5, 2.5], rtol=0.01)
    roles[1::4, 0] = TRAIN
    wild = np.exp(np.random.default_rng(0).normal(size=(1, 200, 1)))
    once, twice = (columns.at_level(trained, plan[4:8:step], np.tile(wild, (4 // step, 1, 1))) for step in (2, 1))
    np.testing.assert_allclose(once, twice[::2])  # what two copies say of a row is no second row
    alone = columns.at_level(trained, plan[1:3], np.full((2, 200, 1), [[[1.0]], [[np.nan]]]))[:, 0, 0]
    assert alone[0] == 1.0 and np.isnan(alone[1]), "all of its set in other folds diverged"


def test_the_smallest_network_that_is_as_good_as_the_best_is_taken() -> None:
    shapes = [(1, 64), (2, 16), (1, 16), (1, 4), (1, 2)]
    trials = [{"configuration": {"depth": depth, "width": width}} for depth, width in shapes]
    wave = np.tile([-0.2, 0.2], 50)
    loss = np.stack([np.zeros(100), wave + 0.01, 2 * wave + 0.03, wave + 0.1, np.full(100, np.nan)])
    assert columns.simplest(trials, loss) == trials[2]["configuration"]
    assert columns.simplest(trials[:2], loss[:2]) == trials[1]["configuration"]
    assert columns.simplest(trials[:1], loss[:1]) == trials[0]["configuration"]


def test_no_networks_and_one_group_are_no_special_case(planted: tuple[Path, list[str]], tmp_path: Path) -> None:
    folder, arguments = planted
    params = read_document(folder / "params.yaml")
    params["columns"] |= {"groups": 0}
    demo.write_yaml(tmp_path / "params.yaml", params)
    arguments = [str(tmp_path / "params.yaml") if part.endswith("params.yaml") else part for part in arguments]
    assert columns.main([*arguments, "--report", str(tmp_path)]) == 0
    table = pd.read_csv(tmp_path / "columns.csv")
    assert table["without_log_loss"].isna().all() and table["importance_log_loss"].notna().all()
    assert pd.read_csv(tmp_path / "interactions.csv").empty


def test_an_ensemble_of_other_members_is_one_error(
    planted: tuple[Path, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = json.loads((planted[0] / "ensemble.json").read_text()) | {"weights": [1.0]}
    write_json(tmp_path / "ensemble.json", other)
    arguments = [str(tmp_path / "ensemble.json") if part.endswith("ensemble.json") else part for part in planted[1]]
    assert columns.main([*arguments, "--report", str(tmp_path / "report")]) == 1
    error = capsys.readouterr().err
    assert "weights of 1 members" in error and "holds 8" in error and "Traceback" not in error
    assert not (tmp_path / "report").exists()
