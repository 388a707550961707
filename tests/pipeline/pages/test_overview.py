"""The picture of a page: what each panel draws."""

from __future__ import annotations

import itertools
import struct

import pandas as pd
import pytest

from pipeline.pages import overview
from pipeline.pages.pictures import panels, png
from pipeline.report import training

METRIC = {"binary": "accuracy", "multiclass": "accuracy", "regression": "rmsle"}


def frames(task: str, last: float = 0.5) -> dict[str, pd.DataFrame]:
    loss = "squared_error" if task == "regression" else "log_loss"
    curves = {f"{kind}_loss{error}": [0.7, last] for kind in ("train", "stop") for error in ("", "_se")}
    decided = {"actual": [], "predicted": []} if task == "regression" else {"actual": [0, 1, 1], "predicted": [0, 1, 0]}
    rates = {"false_positive_rate": [0, 1], "true_positive_rate": [0, 1]}
    return {
        "learning_curves": pd.DataFrame({"epoch": [1, 2], **curves, "members_training": [7, 3]}),
        "trials": pd.DataFrame({"trial": [0, 1, 2], loss: [0.5, None, 0.4], "status": ["halved", "invalid", "ok"]}),
        "folds": pd.DataFrame({"repeat": [0, 0, 1], "fold": [0, 1, 0], METRIC[task]: [0.8, 0.7, 0.9]}),
        "plots/calibration": pd.DataFrame(
            {"mean_predicted": [0.1, 0.9], "observed": [0.2, 0.8], "standard_error": [0.1, 0.1]}
        ),
        "plots/confusion_matrix": pd.DataFrame(decided),
        "plots/roc": pd.DataFrame(rates if task == "binary" else {name: [] for name in rates}),
    }


def size(picture: bytes) -> tuple[int, int]:
    assert picture.startswith(b"\x89PNG")
    return struct.unpack(">II", picture[16:24])


@pytest.mark.parametrize(("task", "down"), [("binary", 3), ("multiclass", 3), ("regression", 2)])
def test_every_task_has_its_picture(task: str, down: int) -> None:
    """No wider than what a page shows of it, or its letters would be too small to read."""
    picture = overview.overview(frames(task), task, METRIC[task])
    assert size(picture) == (920, 300 * down)
    assert overview.overview(frames(task), task, METRIC[task]) == picture
    assert overview.overview(frames(task, last=0.3), task, METRIC[task]) != picture
    assert b"matplotlib" not in picture.lower() and b"tIME" not in picture


def test_dollars_in_a_class_are_drawn_and_no_formula() -> None:
    """Read as formulas, the first would not be one, and the second's dollars would vanish."""
    figure, (axis,) = panels()
    names = ["$0_$9", "$60K - $80K"]
    overview.confusion_matrix(axis, pd.DataFrame({"actual": names, "predicted": names}))
    drawn = [*axis.get_xticklabels(), *axis.get_yticklabels()]
    assert [text.get_text() for text in drawn] == 2 * names and not any(text.get_parse_math() for text in drawn)
    assert png(figure)


def test_classes_that_are_numbers_stand_in_their_order() -> None:
    """By the alphabet 10 would come before 2. A frame read from a file has integers."""
    for names in ([2, 10, 9, 1], ["2", "10", "9", "1"]):
        _, (axis,) = panels()
        overview.confusion_matrix(axis, pd.DataFrame({"actual": names, "predicted": [2, 10, 1, 1]}))
        assert [text.get_text() for text in axis.get_yticklabels()] == ["1", "2", "9", "10"]
        assert [text.get_text() for text in axis.texts] == list("1000010010000001")


@pytest.mark.parametrize(
    ("names", "apart"), [(["False", "True"], True), ([f"Overweight_Level_{number}" for number in range(7)], False)]
)
def test_long_names_of_classes_are_not_written_over_one_another(names: list[str], apart: bool) -> None:
    figure, (axis, _) = panels(2, columns=2, height=3.0)
    overview.confusion_matrix(axis, pd.DataFrame({"actual": names, "predicted": names}))
    assert png(figure)
    boxes = [text.get_window_extent() for text in axis.get_xticklabels()]
    upright = all(one.x1 < other.x0 for one, other in itertools.pairwise(boxes))
    turned = {text.get_rotation() for text in axis.get_xticklabels()}
    assert upright is apart and turned == {0.0 if apart else 45.0}


@pytest.mark.parametrize(("largest", "scale"), [(4.0, "linear"), (400.0, "log")])
def test_values_far_apart_are_drawn_by_their_logarithms(largest: float, scale: str) -> None:
    figure, (axis,) = panels()
    parts = pd.DataFrame({"mean_predicted": [1.0, largest], "observed": [1.1, largest], "standard_error": [0.5, 1.0]})
    overview.calibration(axis, parts, values=True)
    assert axis.get_xscale() == axis.get_yscale() == scale and png(figure)


def test_the_curve_is_faint_where_most_members_have_stopped() -> None:
    figure, (axis,) = panels()
    curves = {f"{kind}_loss{error}": [0.7, 0.6, 0.5, 0.5] for kind in ("train", "stop") for error in ("", "_se")}
    frame = pd.DataFrame({"epoch": [1, 2, 3, 4], **curves, "members_training": [6, 3, 2, 1]})
    overview.learning_curves(axis, frame)
    drawn = [(line.get_xdata().tolist(), line.get_alpha()) for line in axis.get_lines()]
    assert drawn == 2 * [([1, 2], None), ([2, 3, 4], 0.35)]
    names = [text.get_text() for text in axis.get_legend().get_texts()]
    assert names == list(overview.CURVES.values()) and png(figure)
    assert f"The average member fits: {names[1]} came down to 0.500 in epoch 3" in training(frame)


def test_halved_trials_are_hollow_and_told_where_there_are_any() -> None:
    """What they would have come to, trained to the end, nobody knows."""
    _, (axis, other) = panels(2)
    frame = pd.DataFrame({"trial": [0, 1, 2], "log_loss": [0.5, 0.7, 0.4], "status": ["ok", "halved", "ok"]})
    overview.trials(axis, frame)
    drawn = {line.get_label(): (line.get_xdata().tolist(), line.get_fillstyle()) for line in axis.get_lines()}
    assert drawn["one trial"] == ([0, 2], "full") and drawn["ended early by halving"] == ([1], "none")
    overview.trials(other, frame[frame["status"] == "ok"])
    assert [line.get_label() for line in other.get_lines()] == ["one trial", "best so far"]
