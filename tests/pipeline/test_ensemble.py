"""The ensemble stage on made-up arrays: figures by hand, what it writes, what it refuses, and that nothing leaks."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score, cohen_kappa_score, f1_score, matthews_corrcoef
from threadpoolctl import threadpool_info, threadpool_limits

from features.roles import SCORE, UNUSED
from features.scoring import voting
from features.scoring.rules import Rule
from features.tasks import METRICS, called
from pipeline.choice.combining import Choice, Combined, combine
from pipeline.ensemble import calibration, gains, in_short, main
from pipeline.files import read_json, read_npz, write_json, write_npz
from pipeline.params import load
from pipeline.predict import written
from pipeline.settings import Table
from tests.stages import options

ROOT = Path(__file__).resolve().parents[2]
FOLDS = 2
TABLE = (
    "      task: binary\n      target: Survived\n      id: PassengerId\n      metric: accuracy\n      module: titanic"
)
PLAIN = TABLE.replace("module: titanic", "module: plain")
WRITTEN = (
    "submission.csv",
    "metrics.json",
    "folds.csv",
    "plots/confusion_matrix.csv",
    "plots/roc.csv",
    "plots/calibration.csv",
)


def write_params(folder: Path, table: str = TABLE, **changed: str) -> None:
    """The repository's parameters with two folds; ``table`` and keys of the ensemble block changed."""
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    block, sources = text.index("\nensemble:"), text.index("\nsources:")
    head, own, tail = text[:block], text[block:sources], text[sources:]
    for key, value in changed.items():
        own, count = re.subn(rf"(?m)^  {key}: .*$", f"  {key}: {value}", own)
        assert count == 1
    head, count = re.subn(r"(?m)^  folds: .*$", f"  folds: {FOLDS}", head, count=1)
    assert TABLE in tail and count == 1
    tail = own + tail
    (folder / "params.yaml").write_text(head + tail.replace(TABLE, table, 1), encoding="utf-8")


def write_case(
    folder: Path,
    target: np.ndarray,
    answers: np.ndarray,
    test: np.ndarray,
    roles: np.ndarray,
    classes: list[str],
    together: np.ndarray | None = None,
    transform: str = "none",
) -> None:
    """``answers [trials, repeats, t, c]``: what the member of each trial says of each row in the fold that scores it;
    ``test [trials, n - t, c]`` the same in all folds."""
    members = [(trial, fold) for fold in range(roles.shape[1]) for trial in range(len(answers))]
    out_of_fold = np.full((len(members), *answers.shape[2:]), np.nan, np.float32)
    for member, (trial, fold) in enumerate(members):
        scored = roles[:, fold] == 2
        out_of_fold[member, scored] = answers[trial, fold // FOLDS, scored]
    count, tests = len(target), test.shape[1]
    ids = np.array([str(number) for number in range(1, count + tests + 1)])
    together = np.arange(count + tests) if together is None else np.r_[together, np.arange(tests)]
    arrays = {"target": target, "roles": roles, "ids": ids, "together": together}
    write_npz(folder / "arrays.npz", arrays | {"target_transform": np.array(transform)})
    write_npz(
        folder / "predictions.npz",
        {
            "out_of_fold": out_of_fold,
            "test": np.stack([test[trial] for trial, _ in members]).astype(np.float32),
            "fold": np.array([fold for _, fold in members]),
            "trial": np.array([trial for trial, _ in members]),
            "seed": np.zeros(len(members), int),
        },
    )
    write_json(folder / "encoding.json", {"classes": classes})
    (folder / "normalization.json").write_text("{}")
    (folder / "weights.npz").write_bytes(b"")
    sexes = ["female" if number % 2 else "male" for number in range(count)]
    pd.DataFrame({"PassengerId": ids[:count], "Sex": sexes}).to_csv(folder / "train.csv", index=False)
    pd.DataFrame({"PassengerId": ids[count:], "Survived": "0"}).to_csv(folder / "sample.csv", index=False)


def ensemble(folder: Path, report: str = "report") -> int:
    made = {"input": "arrays.npz", "predictions": "predictions.npz", "weights": "weights.npz"}
    told = {"params": "params.yaml", "encoding": "encoding.json", "normalization": "normalization.json"}
    paths = {**made, **told, "train": "train.csv", "sample": "sample.csv", "output": f"{report}/ensemble.json"}
    return main(["--competition", "titanic", *options(folder, **paths, report=report)])


def found(folder: Path) -> dict[str, float]:
    return dict(json.loads((folder / "report" / "metrics.json").read_text()))


# Fold 0 scores rows 0 and 1, fold 1 rows 2 and 3; two trials.
ROLES = np.array([[2, 0], [2, 0], [0, 2], [1, 2]], np.int8)
TARGET = np.array([0, 1, 1, 0], np.float32)
SAID = np.array([[0.2, 0.6, 0.7, 0.6], [0.4, 0.8, 0.3, 0.2]])[:, None, :, None]
TEST = np.array([[0.9, 0.2, 0.5], [0.5, 0.3, 0.5]])[..., None]


def small(folder: Path, table: str = TABLE, **changed: str) -> None:
    write_params(folder, table, **changed)
    write_case(folder, TARGET, SAID, TEST, ROLES, ["0", "1"])


def test_figures_by_hand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Means 0.3 0.7 0.5 0.4: the third row, at exactly a half, is wrong. Trial 0 is right on 2 of 2 and 1 of 2, trial
    1 likewise. All women survive is right for rows 1 and 0 of the men 0, 2 (row 0)."""
    small(tmp_path)
    assert ensemble(tmp_path) == 0
    metrics, losses = found(tmp_path), -np.log([0.7, 0.7, 0.5, 0.6])
    assert metrics["cv_accuracy"] == 0.75 and metrics["single_accuracy"] == 0.75
    assert metrics["ensemble_gain"] == 0.0 and metrics["baseline_accuracy"] == 0.5
    assert metrics["cv_accuracy_sd"] == pytest.approx(np.std([1, 0.5], ddof=1), abs=1e-6)
    assert metrics["cv_accuracy_se"] == pytest.approx(0.25, abs=1e-6)
    assert metrics["cv_log_loss"] == pytest.approx(losses.mean(), abs=1e-6)
    assert metrics["cv_log_loss_se"] == pytest.approx(losses.std(ddof=1) / 2, abs=1e-6)
    assert metrics["cv_roc_auc"] == 1.0 and metrics["threshold"] == 0.5 and metrics["members"] == 4
    single = -np.log([[0.8, 0.6, 0.7, 0.4], [0.6, 0.8, 0.3, 0.8]]).mean()
    assert metrics["single_log_loss"] == pytest.approx(single, abs=1e-6)
    assert list(metrics) == sorted(metrics) and not [name for name in metrics if name.startswith("single_member")]
    assert (tmp_path / "report" / "submission.csv").read_bytes() == b"PassengerId,Survived\n5,1\n6,0\n7,0\n"
    confusion = (tmp_path / "report" / "plots" / "confusion_matrix.csv").read_text()
    assert confusion == "actual,predicted\n0,0\n1,1\n1,0\n0,0\n"
    assert "CV accuracy 0.7500" in capsys.readouterr().out


def test_a_column_named_after_the_lower_class_holds_its_probability(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the submission and in what predict writes; it is said."""
    small(tmp_path)
    write_params(tmp_path, TABLE.replace("accuracy", "roc_auc"))
    said = "ensemble: 'p_0' is named after the lower class, so it gets that one's probability\n"
    assert ensemble(tmp_path) == 0 and said not in capsys.readouterr().out
    (tmp_path / "sample.csv").write_text("PassengerId,p_0\n5,0\n6,0\n7,0\n")
    assert ensemble(tmp_path) == 0 and said in capsys.readouterr().out
    submission = (tmp_path / "report" / "submission.csv").read_text()
    assert submission == "PassengerId,p_0\n5,0.3\n6,0.75\n7,0.5\n"
    trained: Any = SimpleNamespace(
        ensemble=read_json(tmp_path / "report" / "ensemble.json"),
        encoding={"classes": ["0", "1"]},
        contract=SimpleNamespace(target="Survived"),
    )
    answered = written(["5", "6", "7"], TEST.mean(axis=0), trained)
    assert answered.to_csv(index=False, lineterminator="\n") == submission


def test_each_fold_has_its_row_and_is_known_by_the_ids_it_scores(tmp_path: Path) -> None:
    """Fold 0 scores ids 1 and 2 and is right twice; fold 1 scores ids 3 and 4 and is right once."""
    small(tmp_path)
    assert ensemble(tmp_path) == 0
    folds = pd.read_csv(tmp_path / "report" / "folds.csv", dtype={"scored": str})
    assert folds[["repeat", "fold", "rows", "accuracy"]].values.tolist() == [[0, 0, 2, 1.0], [0, 1, 2, 0.5]]
    losses = -np.log([0.7, 0.7, 0.5, 0.6])
    assert folds["log_loss"].tolist() == pytest.approx([losses[:2].mean(), losses[2:].mean()], abs=1e-6)
    assert folds["scored"].nunique() == 2
    swapped = ROLES.copy()
    swapped[[1, 2]] = swapped[[2, 1]]
    write_case(tmp_path, TARGET, SAID, TEST, swapped, ["0", "1"])
    assert ensemble(tmp_path, "other") == 0
    other = pd.read_csv(tmp_path / "other" / "folds.csv", dtype={"scored": str})
    assert not set(other["scored"]) & set(folds["scored"])


def test_a_repeat_is_no_new_row(tmp_path: Path) -> None:
    """The same answers in two repeats: the same score and the same standard error."""
    write_params(tmp_path)
    write_case(tmp_path, TARGET, np.repeat(SAID, 2, axis=1), TEST, np.tile(ROLES, 2), ["0", "1"])
    assert ensemble(tmp_path) == 0
    assert found(tmp_path)["cv_accuracy"] == 0.75 and found(tmp_path)["members"] == 8
    assert found(tmp_path)["cv_accuracy_se"] == pytest.approx(0.25, abs=1e-6)


def test_rows_of_one_group_tell_no_error(tmp_path: Path) -> None:
    """Though their folds part them (``encode.group_aware: false``)."""
    write_params(tmp_path)
    write_case(tmp_path, TARGET, SAID, TEST, ROLES, ["0", "1"], together=np.zeros(4, int))
    assert ensemble(tmp_path) == 0
    assert found(tmp_path)["cv_accuracy"] == 0.75 and "cv_accuracy_sd" in found(tmp_path)
    assert not {"cv_accuracy_se", "cv_log_loss_se", "selected_gain_log_loss_se"} & found(tmp_path).keys()


def test_greedy_weighs_the_test_answers(tmp_path: Path) -> None:
    """Trial 0 is sure and right, trial 1 always wrong: the test answer is trial 0's, in every fold."""
    write_params(tmp_path, method="greedy")
    said = np.stack([np.where(TARGET == 1, 0.9, 0.1), np.where(TARGET == 1, 0.1, 0.9)])[:, None, :, None]
    write_case(tmp_path, TARGET, said, np.array([[0.6, 0.4, 0.6], [0.0, 1.0, 0.0]])[..., None], ROLES, ["0", "1"])
    assert ensemble(tmp_path) == 0
    assert (tmp_path / "report" / "submission.csv").read_text() == "PassengerId,Survived\n5,1\n6,0\n7,1\n"
    assert found(tmp_path)["cv_accuracy"] == 1.0 and found(tmp_path)["ensemble_gain"] == 0.5


@pytest.mark.parametrize("method", ["mean", "greedy", "rank_mean"])
@pytest.mark.parametrize(
    ("prune", "calibration", "threshold"), [("false", "none", "half"), ("true", "temperature", "metric")]
)
def test_shuffled_labels_score_chance(
    tmp_path: Path, method: str, prune: str, calibration: str, threshold: str
) -> None:
    """Answers that know nothing of the labels: what is chosen on the rows that are scored would rise above chance."""
    rng = np.random.default_rng(5)
    count, trials, repeats = 400, 40, 1
    target = rng.permutation(np.arange(count) % 2).astype(np.float32)
    roles = np.zeros((count, repeats * FOLDS), np.int8)
    for repeat in range(repeats):
        part = rng.permutation(np.arange(count) % FOLDS)
        for fold in range(FOLDS):
            roles[part == fold, repeat * FOLDS + fold] = 2
    write_params(tmp_path, method=method, prune=prune, calibration=calibration, threshold=threshold)
    said = rng.uniform(0.2, 0.8, (trials, repeats, count, 1))
    write_case(tmp_path, target, said, rng.uniform(size=(trials, 80, 1)), roles, ["0", "1"])
    assert ensemble(tmp_path) == 0
    assert abs(found(tmp_path)["cv_accuracy"] - 0.5) < 2 * 0.5 / np.sqrt(count)
    assert abs(found(tmp_path)["cv_roc_auc"] - 0.5) < 2 * 0.58 / np.sqrt(count)
    assert found(tmp_path)["cv_log_loss"] > np.log(2) - 0.005
    assert found(tmp_path)["selected_log_loss"] > np.log(2) - 0.005
    assert found(tmp_path)["calibrated_log_loss"] > np.log(2) - 0.005


def test_each_step_has_its_measures_with_an_error_over_repeats(tmp_path: Path) -> None:
    """Trial 0 is right, trial 1 always wrong and unsure in repeat 1: alone they are right on half the rows."""
    write_params(tmp_path)
    right = np.where(TARGET == 1, 0.9, 0.1)
    said = np.stack([np.stack([right, right]), np.stack([1 - right, np.where(TARGET == 1, 0.4, 0.6)])])[..., None]
    write_case(tmp_path, TARGET, said, TEST, np.tile(ROLES, 2), ["0", "1"])
    assert ensemble(tmp_path) == 0
    metrics = found(tmp_path)
    losses = -np.log([[0.9, 0.1], [0.9, 0.4]]).mean(axis=1)
    assert metrics["single_log_loss"] == pytest.approx(losses.mean(), abs=1e-6)
    assert metrics["single_log_loss_se"] == pytest.approx(abs(losses[0] - losses[1]) / 2, abs=1e-6)
    assert metrics["single_accuracy"] == metrics["single_roc_auc"] == 0.5 and metrics["single_accuracy_se"] == 0.0
    mean = -np.log([0.5, 0.65])
    assert metrics["mean_log_loss"] == pytest.approx(mean.mean(), abs=1e-6) == metrics["cv_log_loss"]
    assert metrics["selected_log_loss"] < metrics["mean_log_loss"] and metrics["selected_accuracy"] == 1.0
    assert metrics["mean_calibration_error"] == pytest.approx((0.5 + 0.35) / 2, abs=1e-6)
    assert {"calibrated_roc_auc_se", "selected_calibration_error"} <= metrics.keys()


def test_what_selection_gains_is_paired_over_rows(tmp_path: Path) -> None:
    """Trial 0, which is selected, is right on all rows; the mean of both is not on those of class 1 in repeat 0. These
    two are one group: their differences from the mean gain, 0.25, are summed. Log losses differ alike on all rows."""
    write_params(tmp_path)
    right = np.where(TARGET == 1, 0.9, 0.1)
    said = np.stack([np.stack([right, right]), np.stack([1 - right, np.where(TARGET == 1, 0.4, 0.6)])])[..., None]
    for together, error in ((None, np.sqrt(1 / 12) / 2), (np.array([0, 1, 1, 2]), np.sqrt(0.375 * 3 / 2) / 4)):
        write_case(tmp_path, TARGET, said, TEST, np.tile(ROLES, 2), ["0", "1"], together)
        assert ensemble(tmp_path) == 0
        gains = {key: value for key, value in found(tmp_path).items() if key.startswith("selected_gain_")}
        assert gains == {
            "selected_gain_accuracy": 0.25,
            "selected_gain_accuracy_se": pytest.approx(error, abs=1e-6),
            "selected_gain_log_loss": pytest.approx(np.log(0.9) - np.log([0.5, 0.65]).mean(), abs=1e-6),
            "selected_gain_log_loss_se": pytest.approx(0, abs=1e-6),
        }
    assert "calibrated_gain_accuracy" not in found(tmp_path), "a temperature moves no decision"


@pytest.mark.parametrize(
    ("method", "before"), [("mean", "mean"), ("greedy", "selected"), ("rank_mean", "ranked"), ("pruned", "")]
)
def test_calibration_gains_over_what_it_calibrates(tmp_path: Path, method: str, before: str) -> None:
    rng = np.random.default_rng(0)
    target = (rng.uniform(size=60) < 0.5).astype(np.float32)
    said = np.clip(rng.normal(0.2 + 0.6 * target, 0.4, (3, 1, 60)), 0.01, 0.99)[..., None]
    roles = np.stack([np.arange(60) % 2 * 2, (np.arange(60) + 1) % 2 * 2], axis=1).astype(np.int8)
    how = {"method": "mean", "prune": "true"} if method == "pruned" else {"method": method, "prune": "false"}
    write_params(tmp_path, TABLE.replace("accuracy", "roc_auc"), **how)
    write_case(tmp_path, target, said, rng.uniform(size=(3, 65, 1)), roles, ["0", "1"])
    assert ensemble(tmp_path) == 0
    metrics = found(tmp_path)
    uncalibrated = metrics[f"{before}_log_loss" if before else "cv_log_loss"]
    gain = uncalibrated - metrics["calibrated_log_loss"]
    assert abs(gain) > 0.005 and metrics["calibrated_gain_log_loss"] == pytest.approx(gain, abs=2e-6)
    assert 0 < metrics["calibrated_gain_log_loss_se"] < 0.5 * metrics["cv_log_loss_se"], "what rows share is no scatter"
    assert metrics["selected_gain_roc_auc"] == pytest.approx(
        metrics["selected_roc_auc"] - metrics["mean_roc_auc"], abs=2e-6
    )
    assert "selected_gain_roc_auc_se" not in metrics


def test_the_error_of_a_gain_of_roots_is_that_of_drawn_rows() -> None:
    """By the bootstrap, of rows drawn with replacement."""
    rng = np.random.default_rng(0)
    target = rng.normal(size=400)
    first, second = (target + rng.normal(0, scale, (2, 400)) for scale in (1.0, 0.6))
    table = load(ROOT / "params.yaml", "titanic").table
    table = replace(table, task="regression", metric="rmse")

    def gain(rows: np.ndarray) -> dict[str, float]:
        sides = {"mean": first[:, rows, None], "selected": second[:, rows, None]}
        answered = cast(Combined, SimpleNamespace(steps=sides, uncalibrated=sides["mean"]))
        return gains(table, answered, target[rows], np.arange(len(rows)))

    assert gain(np.arange(400))["selected_gain_rmse"] == pytest.approx(0.4, abs=0.1)
    drawn = [gain(rng.integers(0, 400, 400))["selected_gain_rmse"] for _ in range(500)]
    assert gain(np.arange(400))["selected_gain_rmse_se"] == pytest.approx(np.std(drawn), rel=0.1)


def test_the_temperature_learned_answers_the_test_rows_too(tmp_path: Path) -> None:
    """Answers three times as sure as they should be, in log odds, are taken back; the order of rows stays."""
    rng = np.random.default_rng(0)
    truth = rng.uniform(0.1, 0.9, 600)
    target = (rng.uniform(size=600) < truth).astype(np.float32)
    said = (1 / (1 + (1 / truth - 1) ** 3))[None, None, :, None]
    roles = np.stack([np.arange(600) % 2 * 2, (np.arange(600) + 1) % 2 * 2], axis=1).astype(np.int8)
    test = np.array([[0.2, 0.6, 0.95]])[..., None]
    for way in ("none", "temperature"):
        write_params(tmp_path, TABLE.replace("accuracy", "log_loss"), calibration=way)
        write_case(tmp_path, target, said, test, roles, ["0", "1"])
        assert ensemble(tmp_path, way) == 0
    plain, cooled = (json.loads((tmp_path / n / "metrics.json").read_text()) for n in ("none", "temperature"))
    assert cooled["temperature"] == pytest.approx(3, abs=0.7) and plain["temperature"] == 1.0
    assert cooled["cv_log_loss"] == plain["calibrated_log_loss"] < plain["cv_log_loss"] - 0.1
    assert cooled["cv_roc_auc"] > plain["cv_roc_auc"] - 0.01
    answers = pd.read_csv(tmp_path / "temperature" / "submission.csv")["Survived"].to_numpy()
    odds = np.log(test[0, :, 0] / (1 - test[0, :, 0])) / cooled["temperature"]
    assert answers == pytest.approx(1 / (1 + np.exp(-odds)), abs=1e-5)


def test_ranks_of_several_classes_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small(tmp_path, table=PLAIN.replace("binary", "multiclass"), method="rank_mean")
    assert ensemble(tmp_path) == 1
    assert "ensemble.method is 'rank_mean', but ranks of several classes" in capsys.readouterr().err


def test_the_metric_threshold_serves_rows_that_did_not_choose_it(tmp_path: Path) -> None:
    """Every answer lies under a half and the classes part at 0.3: a threshold near there is found in both halves."""
    write_params(tmp_path, threshold="metric")
    target = np.tile([0, 0, 1, 1], 10).astype(np.float32)
    said = np.where(target == 1, 0.4, 0.2)[None, None, :, None]
    roles = np.stack([np.arange(40) % 8 < 4, np.arange(40) % 8 >= 4], axis=1).astype(np.int8) * 2
    write_case(tmp_path, target, said, np.array([[0.45, 0.1, 0.2]])[..., None], roles, ["0", "1"])
    assert ensemble(tmp_path) == 0
    assert found(tmp_path)["cv_accuracy"] == 1.0 and found(tmp_path)["single_accuracy"] == 0.5
    assert 0.2 <= found(tmp_path)["threshold"] <= 0.4
    assert (tmp_path / "report" / "submission.csv").read_text() == "PassengerId,Survived\n41,1\n42,0\n43,0\n"


@pytest.mark.parametrize("metric", ["f1", "balanced_accuracy", "mcc"])
def test_a_metric_of_decisions_has_its_threshold_its_measure_and_labels(
    tmp_path: Path, metric: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A quarter of the rows is of class 1, and every answer lies under a half. Every figure by scikit-learn."""
    write_params(tmp_path, TABLE.replace("accuracy", metric).replace("module: titanic", "module: plain"))
    rng = np.random.default_rng(0)
    target = np.tile([0, 0, 0, 1], 20).astype(np.float32)
    said = np.clip(0.15 + 0.2 * target + rng.normal(0, 0.1, (2, 1, 80)), 0.01, 0.49)[..., None]
    roles = np.stack([np.arange(80) % 8 < 4, np.arange(80) % 8 >= 4], axis=1).astype(np.int8) * 2
    write_case(tmp_path, target, said, np.array([[0.45, 0.1, 0.2]] * 2)[..., None], roles, ["0", "1"])
    assert ensemble(tmp_path) == 0
    made, folds = found(tmp_path), pd.read_csv(tmp_path / "report" / "folds.csv")
    of_sklearn = {"f1": f1_score, "balanced_accuracy": balanced_accuracy_score, "mcc": matthews_corrcoef}[metric]
    assert 0.15 < made["threshold"] < 0.4
    confusion = pd.read_csv(tmp_path / "report" / "plots" / "confusion_matrix.csv")
    assert made[f"cv_{metric}"] == pytest.approx(of_sklearn(confusion["actual"], confusion["predicted"]), abs=1e-6)
    assert made["cv_accuracy"] == pytest.approx((confusion["actual"] == confusion["predicted"]).mean(), abs=1e-6)
    assert made[f"cv_{metric}"] > 0.8 and 0 < made[f"cv_{metric}_se"] < 0.1
    assert made["ensemble_gain"] == pytest.approx(made[f"cv_{metric}"] - made[f"single_{metric}"], abs=2e-6)
    assert made[f"mean_{metric}"] == made[f"cv_{metric}"] and f"calibrated_gain_{metric}" not in made
    assert {f"selected_gain_{metric}", f"selected_gain_{metric}_se"} <= made.keys()
    scored = roles[:, 0] == 2
    own = of_sklearn(confusion["actual"][scored], confusion["predicted"][scored])
    assert folds[metric][0] == pytest.approx(own, abs=1e-6)
    # All rows in one class, the better one.
    assert made[f"baseline_{metric}"] == pytest.approx({"f1": 0.4, "balanced_accuracy": 0.5, "mcc": 0}[metric])
    assert (tmp_path / "report" / "submission.csv").read_text() == "PassengerId,Survived\n81,1\n82,0\n83,0\n"
    assert f"CV {called(metric)} {made[f'cv_{metric}']:.4f} ± " in capsys.readouterr().out


@pytest.mark.parametrize("calibration", ["none", "temperature"])
@pytest.mark.parametrize("metric", ["f1", "mcc"])
def test_a_temperature_moves_no_decision_of_any_step(tmp_path: Path, metric: str, calibration: str) -> None:
    """Log odds a third of what they should be: the threshold of each step goes with its temperature."""
    table = TABLE.replace("accuracy", metric).replace("module: titanic", "module: plain")
    write_params(tmp_path, table, calibration=calibration)
    rng, roles = np.random.default_rng(0), np.zeros((400, 2), np.int8)
    roles[::2, 0] = roles[1::2, 1] = SCORE
    odds = rng.normal(-2, 2, 400)
    target = (rng.uniform(size=400) < 1 / (1 + np.exp(-odds))).astype(np.float32)
    said = 1 / (1 + np.exp(-odds / 3))[None, None, :, None]
    write_case(tmp_path, target, said, said[0, :, :70], roles, ["0", "1"])
    assert ensemble(tmp_path) == 0
    made = found(tmp_path)
    assert made["calibrated_log_loss"] < made["mean_log_loss"] - 0.05
    for step in ("single", "mean", "selected", "calibrated"):
        assert made[f"{step}_{metric}"] == made[f"cv_{metric}"] and made[f"{step}_accuracy"] == made["cv_accuracy"]


def of_several(folder: Path, metric: str, seed: int = 0, **changed: str) -> None:
    """600 rows of three classes, drawn by what one of two members says of them; the other says less. The last is rare,
    and the likeliest in few rows."""
    rng, roles = np.random.default_rng(seed), np.zeros((600, 2), np.int8)
    roles[::2, 0] = roles[1::2, 1] = SCORE
    chances = rng.dirichlet([1.0, 0.5, 0.2], 600)
    target = (rng.uniform(size=(600, 1)) > chances.cumsum(axis=1)).sum(axis=1).astype(np.int32)
    said = np.stack([chances, (chances + 1 / 3) / 2])[:, None]
    write_params(folder, PLAIN.replace("binary", "multiclass").replace("accuracy", metric), **changed)
    write_case(folder, target, said, np.array([[[0.5, 0.3, 0.2], [0.05, 0.05, 0.9]]] * 2), roles, ["0", "1", "2"])


@pytest.mark.parametrize("metric", METRICS["multiclass"][2:])
def test_a_metric_of_several_classes_is_decided_for_it_and_scored_by_it(
    tmp_path: Path, metric: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every figure by scikit-learn; the likeliest class is worse."""
    of_several(tmp_path, metric)
    assert ensemble(tmp_path) == 0
    made, folds = found(tmp_path), pd.read_csv(tmp_path / "report" / "folds.csv")
    of_sklearn = {
        "macro_f1": functools.partial(f1_score, average="macro"),
        "balanced_accuracy": balanced_accuracy_score,
        "mcc": matthews_corrcoef,
        "qwk": functools.partial(cohen_kappa_score, weights="quadratic"),
    }[metric]
    confusion = pd.read_csv(tmp_path / "report" / "plots" / "confusion_matrix.csv")
    assert made[f"cv_{metric}"] == pytest.approx(of_sklearn(confusion["actual"], confusion["predicted"]), abs=1e-6)
    assert made["cv_accuracy"] == pytest.approx((confusion["actual"] == confusion["predicted"]).mean(), abs=1e-6)
    assert 0 < made[f"cv_{metric}_se"] < 0.1 and made["threshold"] == 0.5
    scored = confusion[::2]
    assert folds[metric][0] == pytest.approx(of_sklearn(scored["actual"], scored["predicted"]), abs=1e-6)
    for step in ("single", "mean", "selected", "calibrated"):
        assert 0 < made[f"{step}_{metric}"] < 1
    assert f"calibrated_gain_{metric}" not in made and f"selected_gain_{metric}_se" in made
    # All rows in one class: a third of the classes, F1 of the largest, nothing.
    actual = confusion["actual"].to_numpy()
    always = max(of_sklearn(actual, np.full(600, one)) for one in range(3))
    assert made[f"baseline_{metric}"] == pytest.approx(always, abs=1e-6)
    assert made[f"baseline_gain_{metric}"] == pytest.approx(made[f"cv_{metric}"] - always, abs=2e-6)
    assert f"CV {called(metric)} {made[f'cv_{metric}']:.4f} ± " in capsys.readouterr().out
    of_several(tmp_path, metric, threshold="half")
    assert ensemble(tmp_path) == 0
    if metric != "mcc":  # which is hardly another than the likeliest classes'
        assert found(tmp_path)[f"cv_{metric}"] < made[f"cv_{metric}"] - 0.01
    assert found(tmp_path)["cv_log_loss"] == made["cv_log_loss"]


def test_several_classes_are_sent_as_the_rule_decides_and_predicted_alike(tmp_path: Path) -> None:
    """Half of the balanced accuracy lies in finding the rare class: what is likely 0 is decided as 2."""
    of_several(tmp_path, "balanced_accuracy")
    assert ensemble(tmp_path) == 0
    assert (tmp_path / "report" / "submission.csv").read_text() == "PassengerId,Survived\n601,2\n602,2\n"
    made = json.loads((tmp_path / "report" / "ensemble.json").read_text())
    assert np.shape(made["gains"]) == (3, 3) and 0.5 < made["gains_temperature"] < 1.5
    assert Rule.from_mapping(made).decide(np.array([[0.5, 0.3, 0.2], [0.9, 0.05, 0.05]])).tolist() == [2, 0]
    of_several(tmp_path, "accuracy")
    assert ensemble(tmp_path) == 0
    assert (tmp_path / "report" / "submission.csv").read_text() == "PassengerId,Survived\n601,0\n602,2\n"
    assert "gains" not in json.loads((tmp_path / "report" / "ensemble.json").read_text())


@pytest.mark.parametrize("calibration", ["none", "temperature"])
def test_a_temperature_moves_no_decision_of_several_classes(tmp_path: Path, calibration: str) -> None:
    of_several(tmp_path, "macro_f1", calibration=calibration)
    assert ensemble(tmp_path) == 0
    made = found(tmp_path)
    assert made["calibrated_macro_f1"] == made["mean_macro_f1"] == made["cv_macro_f1"]
    assert made["calibrated_log_loss"] != made["mean_log_loss"]


@pytest.mark.parametrize("metric", METRICS["multiclass"][2:])
def test_the_rows_that_a_fold_scores_have_no_say_in_its_gains(tmp_path: Path, metric: str) -> None:
    of_several(tmp_path, metric)
    params, predictions = load(tmp_path / "params.yaml", "titanic"), read_npz(tmp_path / "predictions.npz")
    arrays = read_npz(tmp_path / "arrays.npz")
    target, roles = arrays["target"], arrays["roles"]
    before, after = (
        combine(params, predictions, labels, roles, "none", np.arange(600))
        for labels in (target, np.where(roles[:, 0] == SCORE, 2 - target, target))
    )
    own, other = before.rules.rules[0], after.rules.rules[0]
    assert np.array_equal(own.gains, other.gains) and own.temperature == other.temperature
    assert before.choice.rule.temperature != after.choice.rule.temperature


@pytest.mark.parametrize("metric", METRICS["multiclass"][2:])
def test_shuffled_labels_of_several_classes_are_decided_by_chance(tmp_path: Path, metric: str) -> None:
    """As a threshold: what had seen the rows that it decides would rise above chance."""
    of_several(tmp_path, metric)
    arrays = read_npz(tmp_path / "arrays.npz")
    arrays["target"] = np.random.default_rng(3).permutation(arrays["target"])
    write_npz(tmp_path / "arrays.npz", arrays)
    assert ensemble(tmp_path) == 0
    made = found(tmp_path)
    chance = {"macro_f1": 1 / 3, "balanced_accuracy": 1 / 3, "mcc": 0.0, "qwk": 0.0}[metric]
    assert made[f"cv_{metric}"] < chance + 2 * made[f"cv_{metric}_se"]


def test_half_stays_half_where_params_say_so(tmp_path: Path) -> None:
    small(tmp_path, TABLE.replace("accuracy", "f1"), threshold="half")
    assert ensemble(tmp_path) == 0
    assert found(tmp_path)["threshold"] == 0.5 and found(tmp_path)["cv_f1"] == pytest.approx(2 / 3, abs=1e-6)
    # Titanic's own rule has the metric, too: women are rows 0 and 2 of 4, survivors rows 1 and 2.
    assert found(tmp_path)["baseline_f1"] == 0.5 and found(tmp_path)["baseline_accuracy"] == 0.5


@pytest.mark.parametrize("metric", ["roc_auc", "log_loss"])
def test_probabilities_where_the_metric_asks_for_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], metric: str
) -> None:
    small(tmp_path, table=TABLE.replace("accuracy", metric))
    assert ensemble(tmp_path) == 0
    assert (tmp_path / "report" / "submission.csv").read_text() == "PassengerId,Survived\n5,0.7\n6,0.25\n7,0.5\n"
    made, said = found(tmp_path), capsys.readouterr().out
    loss = f"log loss {made['cv_log_loss']:.4f} ± {made['cv_log_loss_se']:.4f}, accuracy 0."
    area = f"ROC AUC {made['cv_roc_auc']:.4f}, " if metric == "roc_auc" else ""
    assert f"CV {area}{loss}" in said
    assert "baseline_gain_roc_auc" not in made and "baseline_gain_log_loss" not in made, "a rule has no probabilities"


# A value for each of four rows, and one for each of two test rows.
VALUES, TEST_VALUES = np.array([1.0, 2.0, 3.0, 2.0])[None, None, :, None], np.array([[1.5], [2.25]])[None]


def regression(metric: str) -> str:
    return PLAIN.replace("binary", "regression").replace("accuracy", metric)


@pytest.mark.parametrize(("gain", "said"), [(0.05, "(+0.0500 better than"), (-0.05, "(0.0500 worse than")])
def test_an_ensemble_that_loses_to_a_single_member_is_told_for_what_it_is(gain: float, said: str) -> None:
    table = Table("regression", "y", "id", "rmsle", "plain", "sample.csv")
    found = {"cv_rmsle": 0.4, "cv_rmsle_se": 0.01, "baseline_rmsle": 1.0, "ensemble_gain": gain}
    assert f"RMSLE 0.4000 ± 0.0100 {said} a single member); baseline 1.0000" == in_short(table, found)


def test_multiclass_labels_and_probabilities(tmp_path: Path) -> None:
    table = PLAIN.replace("binary", "multiclass")
    said = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6], [0.5, 0.4, 0.1]])[None, None]
    test = np.array([[0.2, 0.5, 0.3], [0.6, 0.2, 0.2]])[None]
    target = np.array([0, 1, 2, 1], np.int32)
    write_params(tmp_path, table)
    write_case(tmp_path, target, said, test, ROLES, ["ant", "bee", "cat"])
    assert ensemble(tmp_path) == 0
    assert (tmp_path / "report" / "submission.csv").read_text() == "PassengerId,Survived\n5,bee\n6,ant\n"
    metrics = found(tmp_path)
    assert metrics["cv_accuracy"] == 0.75 and metrics["baseline_accuracy"] == 0.5 and "cv_roc_auc" not in metrics
    shares = 0.25, 0.5, 0.25, 0.5  # of the four rows' classes
    assert metrics["baseline_log_loss"] == pytest.approx(-np.log(shares).mean(), abs=1e-6)
    # Row by row, so that what both find hard is no error of the difference.
    fewer = np.log([0.7, 0.8, 0.6, 0.4]) - np.log(shares)
    assert metrics["baseline_gain_log_loss"] == pytest.approx(fewer.mean(), abs=1e-6)
    assert metrics["baseline_gain_log_loss_se"] == pytest.approx(fewer.std(ddof=1) / 2, abs=1e-6)
    # Rows 1 and 3 are of the most frequent class; all but row 3 are right.
    assert metrics["baseline_gain_accuracy"] == 0.25
    assert metrics["baseline_gain_accuracy_se"] == pytest.approx(np.std([1, 0, 1, -1], ddof=1) / 2, abs=1e-6)
    assert (tmp_path / "report" / "plots" / "roc.csv").read_text() == "false_positive_rate,true_positive_rate\n"

    write_params(tmp_path, table.replace("accuracy", "log_loss"))
    (tmp_path / "sample.csv").write_text("PassengerId,cat,bee,ant\n6,0,0,0\n5,0,0,0\n")
    assert ensemble(tmp_path) == 0
    submission = (tmp_path / "report" / "submission.csv").read_text()
    assert submission == "PassengerId,cat,bee,ant\n6,0.2,0.2,0.6\n5,0.3,0.5,0.2\n"


@pytest.mark.parametrize("method", ["mean", "greedy"])
def test_regression(tmp_path: Path, method: str) -> None:
    write_params(tmp_path, regression("rmse"), method=method)
    write_case(tmp_path, np.array([1, 2, 3, 4], np.float32), VALUES, TEST_VALUES, ROLES, [])
    assert ensemble(tmp_path) == 0
    metrics = found(tmp_path)
    assert metrics["cv_rmse"] == 1.0 and metrics["cv_mae"] == 0.5
    assert metrics["baseline_rmse"] == pytest.approx(np.sqrt(1.25), abs=1e-6)
    assert metrics["baseline_gain_rmse"] == pytest.approx(np.sqrt(1.25) - metrics["cv_rmse"], abs=1e-6)
    assert "baseline_gain_mae" not in metrics and metrics["baseline_gain_rmse_se"] > 0
    assert metrics["cv_rmse_se"] == pytest.approx(1 / 2, abs=1e-6)  # squared errors 0 0 0 4: sd 2, over sqrt(4), over 2
    assert metrics["single_rmse"] == 1.0 and metrics["ensemble_gain"] == 0.0, "one member a fold is the ensemble"
    assert (tmp_path / "report" / "submission.csv").read_text() == "PassengerId,Survived\n5,1.5\n6,2.25\n"
    assert all((tmp_path / "report" / name).exists() for name in WRITTEN)


def test_rows_of_one_group_do_not_pass_for_more(tmp_path: Path) -> None:
    """Squared errors 0 0 0 4, the last two of one group: their deviations from 1 sum to -1, -1 and 2."""
    write_params(tmp_path, regression("rmse"))
    together = np.array([0, 1, 2, 2])
    write_case(tmp_path, np.array([1, 2, 3, 4], np.float32), VALUES, TEST_VALUES, ROLES, [], together)
    assert ensemble(tmp_path) == 0
    assert found(tmp_path)["cv_rmse_se"] == pytest.approx(np.sqrt(6 * 3 / 2) / 4 / 2, abs=1e-6)


def test_a_fold_of_one_value_has_its_measures_too(tmp_path: Path) -> None:
    """A ROC AUC needs two classes; an error needs no two values."""
    write_params(tmp_path, regression("rmse"))
    write_case(tmp_path, np.array([1, 1, 3, 4], np.float32), VALUES, TEST_VALUES, ROLES, [])
    assert ensemble(tmp_path) == 0
    folds = pd.read_csv(tmp_path / "report" / "folds.csv")
    assert folds["mae"].tolist() == [0.5, 1.0]
    assert folds["rmse"].tolist() == pytest.approx([np.sqrt(0.5), np.sqrt(2)], abs=1e-6)
    assert "cv_rmse_sd" in found(tmp_path)


def test_calibration_has_ten_equal_parts() -> None:
    answer = np.linspace(0, 1, 40)[:, None]
    made = calibration("binary", answer, (answer[:, 0] > 0.5).astype(np.float32))
    assert made["count"].tolist() == [4] * 10
    assert made["observed"].tolist() == [0.0] * 5 + [1.0] * 5
    assert made["mean_predicted"].is_monotonic_increasing
    # Agresti and Coull: two rows of each outcome more, so that four alike are no certain share.
    assert made["standard_error"].tolist() == pytest.approx([np.sqrt(0.25 * 0.75 / 8)] * 10)


def test_the_error_of_a_part_of_numbers_is_that_of_a_mean() -> None:
    """Parts of two values that lie 0.2 apart, the last of one alone, which tells no error."""
    answer = np.arange(19.0)[:, None]
    made = calibration("regression", answer, 0.2 * np.arange(19))
    assert made["standard_error"].tolist() == pytest.approx([0.1] * 9 + [np.nan], nan_ok=True)


def test_the_same_bytes_twice(tmp_path: Path) -> None:
    small(tmp_path, method="greedy", threshold="metric", calibration="temperature", prune="true")
    assert ensemble(tmp_path, "one") == ensemble(tmp_path, "two") == 0
    for name in WRITTEN:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.parametrize("metric", ["f1", "balanced_accuracy", "mcc"])
def test_shuffled_labels_are_decided_by_chance(tmp_path: Path, metric: str) -> None:
    """A threshold that had seen the rows it decides would rise above what deciding without looking gives: no
    correlation, half of either class, and an F1 that a class said of all rows has."""
    rng = np.random.default_rng(5)
    target = (rng.permutation(np.arange(400)) % 4 == 0).astype(np.float32)
    roles = np.stack([np.arange(400) % 2, (np.arange(400) + 1) % 2], axis=1).astype(np.int8) * 2
    write_params(tmp_path, TABLE.replace("accuracy", metric).replace("module: titanic", "module: plain"))
    write_case(tmp_path, target, rng.uniform(size=(20, 1, 400, 1)), rng.uniform(size=(20, 9, 1)), roles, ["0", "1"])
    assert ensemble(tmp_path) == 0
    chance = {"f1": 0.4, "balanced_accuracy": 0.5, "mcc": 0.0}[metric]
    made = found(tmp_path)
    assert made[f"cv_{metric}"] < chance + 2 * made[f"cv_{metric}_se"]


@pytest.mark.parametrize("metric", ["f1", "balanced_accuracy", "mcc"])
def test_the_rows_that_a_fold_scores_have_no_say_in_its_threshold(tmp_path: Path, metric: str) -> None:
    rng, roles = np.random.default_rng(2), np.zeros((200, 2), np.int8)
    roles[::2, 0] = roles[1::2, 1] = SCORE
    target = (np.arange(200) % 8 < 3).astype(np.float32)
    said = np.clip(rng.normal(0.3 + 0.2 * target, 0.1, (3, 200)), 0.01, 0.99)[:, None, :, None]
    write_params(tmp_path, TABLE.replace("accuracy", metric))
    write_case(tmp_path, target, said, said[:, 0, :70], roles, ["0", "1"])
    params, predictions = load(tmp_path / "params.yaml", "titanic"), read_npz(tmp_path / "predictions.npz")
    before, after = (
        combine(params, predictions, labels, roles, "none", np.arange(200))
        for labels in (target, np.where(roles[:, 0] == SCORE, 1 - target, target))
    )
    assert before.rules.rules[0] == after.rules.rules[0]
    assert before.choice.rule.threshold != after.choice.rule.threshold


@pytest.mark.parametrize("method", ["greedy", "mean"])
def test_a_fold_chooses_by_no_row_that_it_leaves_out(tmp_path: Path, method: str) -> None:
    """Weights, temperature and rule: its rows are of the groups of those that it scores."""
    rng, roles = np.random.default_rng(2), np.zeros((200, 2), np.int8)
    roles[:50, 0] = roles[50:, 1] = SCORE
    roles[50:90, 0] = UNUSED
    target = (np.arange(200) % 2).astype(np.float32)
    said = np.clip(rng.normal(0.3 + 0.4 * target, 0.2, (8, 200)), 0.01, 0.99)[:, None, :, None]
    write_params(tmp_path, method=method, calibration="temperature", threshold="metric")
    write_case(tmp_path, target, said, said[:, 0, :70], roles, ["0", "1"])
    params, predictions = load(tmp_path / "params.yaml", "titanic"), read_npz(tmp_path / "predictions.npz")
    before, after = (
        combine(params, predictions, labels, roles, "none", np.arange(200))
        for labels in (target, np.where(roles[:, 0] == UNUSED, 1 - target, target))
    )
    assert np.array_equal(before.out_of_fold[:, :50], after.out_of_fold[:, :50])
    assert before.rules.rules[0] == after.rules.rules[0]
    assert not np.array_equal(before.test, after.test)


def test_members_are_chosen_in_one_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many rows the sums of one core and of several differ in their last bits."""
    threads: set[int] = set()
    choose = voting.bagged_votes

    def watched(*arguments: Any) -> np.ndarray:
        threads.update(each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas")
        return choose(*arguments)

    monkeypatch.setattr(voting, "bagged_votes", watched)
    small(tmp_path)
    with threadpool_limits(2, "blas"):
        assert ensemble(tmp_path) == 0
    assert threads == {1}


def broken(name: str, **arrays: np.ndarray) -> Callable[[Path], None]:
    """Other ``arrays`` in the file."""
    return lambda folder: write_npz(folder / name, read_npz(folder / name) | arrays)


def sample(ids: str) -> Callable[[Path], object]:
    """A sample submission with these ids."""
    rows = "".join(f"{id},0\n" for id in ids.split())
    return lambda folder: (folder / "sample.csv").write_text("PassengerId,Survived\n" + rows)


ANSWERS, ONE_WITHOUT = "predictions.npz", np.tile(TEST, (2, 1, 1)).astype(np.float32)
ONE_WITHOUT[3, 1] = np.nan
NONE, THREE_FOLDS = np.full((4, 4, 1), np.nan, np.float32), np.tile(ROLES, 2)[:, :3]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (broken(ANSWERS, test=ONE_WITHOUT), "member 3 has answers that are no finite number"),
        (broken(ANSWERS, out_of_fold=NONE), "member 0 has answers"),
        (broken(ANSWERS, fold=np.zeros(4, int)), "members and folds differ, first in fold 1"),
        (broken(ANSWERS, test=np.zeros((4, 2, 1), np.float32)), "2 test rows; expected 4 and 3"),
        (broken("arrays.npz", roles=THREE_FOLDS), "3 folds of all repeats; expected a multiple of encode.folds (2)"),
        (sample("5 6 99"), "'99' in row 4"),
        (sample("5 6"), "test.csv has ids that the sample lacks (7)"),
        (sample("5 6 7 7"), "row 5, column 'PassengerId': '7' again, first in row 4"),
        (lambda folder: (folder / "sample.csv").unlink(), "sample.csv: no such file"),
    ],
)
def test_a_failure_says_why_and_leaves_older_results_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: Callable[[Path], object], message: str
) -> None:
    small(tmp_path)
    assert ensemble(tmp_path) == 0
    before = {name: (tmp_path / "report" / name).read_bytes() for name in WRITTEN}
    damage(tmp_path)
    capsys.readouterr()
    assert ensemble(tmp_path) == 1
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error and "defect" not in error and error.count("\n") <= 3
    assert {name: (tmp_path / "report" / name).read_bytes() for name in WRITTEN} == before


def test_a_regression_is_judged_in_the_units_of_its_metric(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every answer is half a unit of ln(1 + x) away."""
    target = np.expm1(np.array([1.0, 2.0, 3.0, 4.0], np.float32))
    answers = np.expm1(np.array([1.5, 2.5, 2.5, 3.5], np.float32))[None, None, :, None]
    roles = np.array([[2, 0], [0, 2], [2, 0], [0, 2]], np.int8)
    write_params(tmp_path, regression("rmsle"))
    write_case(tmp_path, target, answers, np.ones((1, 2, 1)), roles, [])
    assert ensemble(tmp_path) == 0
    metrics = json.loads((tmp_path / "report" / "metrics.json").read_text())
    for name in ("cv_rmsle", "single_rmsle"):
        assert metrics[name] == pytest.approx(0.5, abs=1e-6)
    assert [metrics["cv_rmsle_se"], metrics["ensemble_gain"]] == pytest.approx([0, 0], abs=1e-6)
    assert metrics["baseline_rmsle"] == pytest.approx(np.sqrt(1.25), abs=1e-6)
    assert "CV RMSLE 0.5000 ± 0.0000 (+0.0000 better than a single member); baseline 1.1180" in capsys.readouterr().out


@pytest.mark.parametrize("method", ["mean", "greedy"])
def test_members_are_averaged_on_the_scale_that_the_metric_squares(tmp_path: Path, method: str) -> None:
    """Of RMSLE by their logarithms, so one member far too high does not outweigh the other, and a negative answer is 0;
    of RMSE as they are. Both members are equally good, so each has half of the votes."""
    target = np.expm1(np.array([2.0, 3.0, 2.0, 3.0]))
    low, high = np.expm1(np.array([1.0, 2.0, 1.0, 2.0])), np.expm1(np.array([3.0, 4.0, 3.0, 4.0]))
    said = np.stack([low, high])[:, None, :, None]
    test = np.array([[np.expm1(1.0), -5.0], [np.expm1(3.0), np.expm1(1.0)]])[..., None]
    write_params(tmp_path, regression("rmsle"), method=method)
    write_case(tmp_path, target, said, test, ROLES, [])
    assert ensemble(tmp_path) == 0
    assert found(tmp_path)["cv_rmsle"] == pytest.approx(0, abs=1e-6) and found(tmp_path)["single_rmsle"] == 1.0
    answers = pd.read_csv(tmp_path / "report" / "submission.csv")["Survived"]
    np.testing.assert_allclose(answers, np.expm1([2.0, 0.5]), rtol=1e-6)
    made = read_json(tmp_path / "report" / "ensemble.json")
    assert made["logarithmic"] is True
    again = Choice.from_mapping(made).answer(np.concatenate([test] * FOLDS).astype(np.float32))
    np.testing.assert_allclose(again[:, 0], answers, rtol=1e-6)
    write_params(tmp_path, regression("rmse"))
    assert ensemble(tmp_path) == 0
    answers = pd.read_csv(tmp_path / "report" / "submission.csv")["Survived"]
    np.testing.assert_allclose(answers, test.mean(axis=0)[:, 0], rtol=1e-6)


def skewed(folder: Path, target: np.ndarray, transform: str = "log", metric: str = "rmse", **changed: str) -> None:
    """400 rows in two folds, answered with medians, of a target whose means are twice as large."""
    write_params(folder, PLAIN.replace("binary", "regression").replace("accuracy", metric), **changed)
    folds = np.arange(400) % 2
    roles = np.stack([np.where(folds == fold, 2, 0) for fold in range(2)], axis=1).astype(np.int8)
    said, test = np.exp(np.arange(400) % 5 / 4), np.array([[[2.0], [1e9]]])
    write_case(folder, target, said[None, None, :, None], test, roles, [], transform=transform)


def doubled() -> np.ndarray:
    """What is said in ``skewed``, half of the rows by half and half by three and a half."""
    target: np.ndarray = np.exp(np.arange(400) % 5 / 4) * np.where(np.arange(400) // 200, 3.5, 0.5)
    return target


@pytest.mark.parametrize("method", ["mean", "greedy"])
def test_rmse_gets_means_where_logarithms_were_learned(tmp_path: Path, method: str) -> None:
    """Twice what members say, all but what the prior keeps; in the range of the target, even where members left it. The
    same factor answers the test rows, and new ones."""
    target = doubled()
    skewed(tmp_path, target, method=method)
    assert ensemble(tmp_path) == 0
    metrics = found(tmp_path)
    assert 1.95 < metrics["factor"] < 2
    assert metrics["calibrated_rmse"] == metrics["cv_rmse"] < metrics["mean_rmse"] - 0.2
    assert metrics["cv_mae"] > metrics["mean_mae"] - 1e-6, "a median is nearer"
    gain = metrics["mean_rmse"] - metrics["calibrated_rmse"]
    assert metrics["calibrated_gain_rmse"] == pytest.approx(gain, rel=1e-5) and "selected_gain_mae" not in metrics
    answers = pd.read_csv(tmp_path / "report" / "submission.csv")["Survived"]
    assert answers.tolist() == pytest.approx([2 * metrics["factor"], target.max()], rel=1e-6)
    choice = Choice.from_mapping(read_json(tmp_path / "report" / "ensemble.json"))
    again = choice.answer(np.tile(np.array([2.0, 1e9])[None, :, None], (FOLDS, 1, 1)))
    np.testing.assert_allclose(again[:, 0], answers, rtol=1e-6)


@pytest.mark.parametrize("transform", ["log", "none"])
def test_mae_gets_medians(tmp_path: Path, transform: str) -> None:
    """Three rows in four lie at half of what is said (where values were learned as they are, 0.3 below it), one at ten
    times that."""
    said, wild = np.exp(np.arange(400) % 5 / 4), np.arange(400) // 5 % 4 == 3
    skewed(tmp_path, np.where(wild, 10 * said, said / 2 if transform == "log" else said - 0.3), transform, "mae")
    assert ensemble(tmp_path) == 0
    metrics = found(tmp_path)
    assert [metrics["factor"], metrics["shift"]] == pytest.approx([0.5, 0] if transform == "log" else [1, -0.3])
    assert metrics["calibrated_mae"] == metrics["cv_mae"] < metrics["mean_mae"] - 0.1
    answers = pd.read_csv(tmp_path / "report" / "submission.csv")["Survived"]
    assert answers[0] == pytest.approx(1.0 if transform == "log" else 1.7)


@pytest.mark.parametrize("transform", ["log", "none"])
def test_mape_gets_medians_of_what_counts_by_its_inverse(tmp_path: Path, transform: str) -> None:
    """Two rows in five are as they are said, the others ten times (learned as they are, 9 more than) that. A median is
    among the latter; but the former, which are smaller, weigh more."""
    said, wild = np.exp(np.arange(400) % 5 / 4), np.arange(400) // 5 % 5 > 1
    target = np.where(wild, 10 * said, said) if transform == "log" else np.where(wild, 9 + said, said)
    for metric, moved in (("mae", True), ("mape", False)):
        folder = tmp_path / metric
        folder.mkdir()
        skewed(folder, target, transform, metric)
        assert ensemble(folder) == 0
        metrics = found(folder)
        moves = [metrics["factor"] > 2, metrics["shift"] > 2]
        assert moves == ([moved, False] if transform == "log" else [False, moved])
        assert ("cv_mape" in metrics) is (metric == "mape")
    errors = np.abs(said - target) / target
    assert metrics["cv_mape"] == pytest.approx(errors.mean(), rel=1e-5)
    assert metrics["cv_mape_se"] == pytest.approx(errors.std(ddof=1) / 20, rel=1e-4)
    assert metrics["baseline_mape"] > metrics["cv_mape"] and metrics["ensemble_gain"] == pytest.approx(0, abs=1e-6)
    assert "calibrated_gain_mape_se" in metrics and "mape" in pd.read_csv(folder / "report" / "folds.csv")


def test_mae_of_whole_numbers_gets_whole_answers(tmp_path: Path) -> None:
    """Where rows that a fold does not score say that these are nearer; the test rows, and new ones, get them, too."""
    said = np.exp(np.arange(400) % 5 / 4)
    skewed(tmp_path, np.rint(said), "none", "mae")
    assert ensemble(tmp_path) == 0
    metrics = found(tmp_path)
    assert metrics["rounded"] == 1 and metrics["cv_mae"] == metrics["calibrated_mae"] < 0.2 * metrics["mean_mae"]
    answers = pd.read_csv(tmp_path / "report" / "submission.csv")["Survived"]
    choice = Choice.from_mapping(read_json(tmp_path / "report" / "ensemble.json"))
    assert answers[0] == 2 and choice.answer(np.full((FOLDS, 1, 1), 2.2)).tolist() == [[2.0]]


def test_the_level_of_a_fold_is_learned_without_its_rows(tmp_path: Path) -> None:
    """A fold's rows a hundred times as large: its own answers stay, those of the other fold follow."""
    scored = {}
    for size in (1.0, 100.0):
        skewed(tmp_path, doubled() * np.where(np.arange(400) % 2, size, 1.0))
        assert ensemble(tmp_path) == 0
        predictions, arrays = (read_npz(tmp_path / f"{name}.npz") for name in ("predictions", "arrays"))
        params, alone = load(tmp_path / "params.yaml", "titanic"), np.arange(400)
        made = combine(params, predictions, arrays["target"], arrays["roles"], "log", alone)
        scored[size] = made.out_of_fold[0, :, 0]
    fold = np.arange(400) % 2 == 1
    assert (scored[100.0][fold] == scored[1.0][fold]).all() and (scored[100.0][~fold] > 20 * scored[1.0][~fold]).all()


@pytest.mark.parametrize(
    ("transform", "metric", "calibration"),
    [("none", "rmse", "auto"), ("log1p", "rmsle", "auto"), ("log", "rmse", "none"), ("log", "mae", "none")],
)
def test_no_other_answer_is_brought_to_a_level(tmp_path: Path, transform: str, metric: str, calibration: str) -> None:
    skewed(tmp_path, doubled(), transform, metric, calibration=calibration)
    assert ensemble(tmp_path) == 0
    assert not {"factor", "calibrated_rmse"} & found(tmp_path).keys()
    assert "level" not in read_json(tmp_path / "report" / "ensemble.json")
    assert pd.read_csv(tmp_path / "report" / "submission.csv")["Survived"].tolist() == pytest.approx([2, 1e9])


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
def test_a_regression_is_reported_in_any_unit(tmp_path: Path, unit: float) -> None:
    """Seven digits of each figure, be the target in nanometres or in the metres that they are."""
    write_params(tmp_path, regression("rmse"))
    target = np.array([1, 2, 3.5, 4], np.float32) * np.float32(unit)
    write_case(tmp_path, target, VALUES * unit, TEST_VALUES * unit, ROLES, [])
    assert ensemble(tmp_path) == 0
    metrics = found(tmp_path)
    assert metrics["cv_mae"] / unit == pytest.approx(0.625, rel=2e-7) and metrics["members"] == 2
    folds = pd.read_csv(tmp_path / "report" / "folds.csv")
    assert (folds["mae"] / unit).tolist() == pytest.approx([0, 1.25], rel=2e-7, abs=1e-7)
    bins = pd.read_csv(tmp_path / "report" / "plots" / "calibration.csv")
    assert (bins["observed"] / unit).tolist() == pytest.approx([1, 2, 4, 3.5], rel=1e-6)


def test_a_measure_that_all_rows_do_not_have_no_fold_has(tmp_path: Path) -> None:
    """One negative value, and the fold without it has no error of logarithms either."""
    write_params(tmp_path, regression("rmse"))
    write_case(tmp_path, np.array([-1, 2, 3, 4], np.float32), VALUES, TEST_VALUES, ROLES, [])
    assert ensemble(tmp_path) == 0
    assert "rmsle" not in pd.read_csv(tmp_path / "report" / "folds.csv")
    assert not [name for name in found(tmp_path) if "rmsle" in name] and "cv_rmse_sd" in found(tmp_path)
