"""The picture of a competition's page: learning curves, trials, folds, calibration, and of classes what was decided."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from features.contracts.words import levels_of
from features.tasks import called
from pipeline.pages.pictures import COLOURS, confusion, count_along, label, panels, png

# What a curve is called, on the page and in the picture.
CURVES = {"train_loss": "train loss (under dropout)", "stop_loss": "validation (stop) loss"}
# Where the ends of positive values lie so many times apart, logarithms show them all.
WIDE = 30.0
# Letters of classes' names that fit side by side below the decisions, the longest name for each class.
LETTERS = 30
# Whose answers a panel shows: an answer for each row.
SCORED = "out of fold, mean over repeats"


def overview(frames: Mapping[str, pd.DataFrame], task: str, metric: str) -> bytes:
    """The picture: learning curves, trials, the ``metric`` by fold and calibration; for classes the confusion, for two
    of them the ROC."""
    draws: dict[str, Callable[[Axes, pd.DataFrame], None]] = {
        "learning_curves": learning_curves,
        "trials": trials,
        "folds": functools.partial(folds, metric=metric),
        "plots/calibration": functools.partial(calibration, values=task == "regression"),
    }
    if task != "regression":
        draws["plots/confusion_matrix"] = confusion_matrix
    if task == "binary":
        draws["plots/roc"] = roc
    figure, axes = panels(len(draws), columns=2, height=3.0)
    for axis, (name, draw) in zip(axes, draws.items(), strict=True):
        draw(axis, frames[name])
    return png(figure)


def learning_curves(axis: Axes, frame: pd.DataFrame) -> None:
    """Train and stop loss by epoch, with their standard errors over members; faint where fewer than half of the members
    still train, since the others only repeat their last loss."""
    training = frame["members_training"]
    many = int((2 * training >= training.iloc[0]).sum())
    for colour, name in zip(COLOURS, CURVES, strict=False):
        mean, error = frame[name], frame[f"{name}_se"]
        axis.plot(frame["epoch"][:many], mean[:many], color=colour, label=CURVES[name])
        if many < len(frame):
            axis.plot(frame["epoch"][many - 1 :], mean[many - 1 :], color=colour, alpha=0.35)
        axis.fill_between(frame["epoch"], mean - error, mean + error, color=colour, alpha=0.2, linewidth=0)
    label(axis, "Loss, mean over members (faint: most have stopped)", "epoch", "loss", legend=True)


def trials(axis: Axes, frame: pd.DataFrame) -> None:
    """Each trial's loss, hollow where halving ended it early, and the best so far."""
    name, halved = loss_of(frame), frame["status"] == "halved"
    axis.plot(frame["trial"][~halved], frame[name][~halved], "o", markersize=4, label="one trial")
    if halved.any():
        early: dict[str, Any] = {"label": "ended early by halving", "color": COLOURS[0], "fillstyle": "none"}
        axis.plot(frame["trial"][halved], frame[name][halved], "o", markersize=4, **early)
    axis.plot(frame["trial"], frame[name].cummin(), color=COLOURS[1], drawstyle="steps-post", label="best so far")
    label(axis, "The search: loss of each trial, mean over folds", "trial", called(name), legend=True)


def loss_of(frame: pd.DataFrame) -> str:
    """The column of ``trials.csv`` that the search makes smaller."""
    return "log_loss" if "log_loss" in frame else "squared_error"


def folds(axis: Axes, frame: pd.DataFrame, metric: str) -> None:
    """The ``metric`` of each fold's score rows, and its mean."""
    name = called(metric)
    for colour, (repeat, part) in zip(itertools.cycle(COLOURS), frame.groupby("repeat"), strict=False):
        axis.plot(part["fold"], part[metric], "o", markersize=4, color=colour, label=f"repeat {repeat}")
    axis.axhline(frame[metric].mean(), color="0.6", linewidth=1, label="mean")
    count_along(axis)
    axis.margins(y=0.3)  # room for the legend
    label(axis, f"How far folds differ: each one's {name}", "fold", name)
    axis.legend(fontsize=8, frameon=False, ncols=3, loc="upper center")


def calibration(axis: Axes, frame: pd.DataFrame, values: bool) -> None:
    """Ten equal parts of the rows: what was predicted against what came; ``values`` far apart by their logarithms."""
    both = frame[["mean_predicted", "observed"]]
    ends = [both.min().min(), both.max().max()]
    if values and 0 < WIDE * ends[0] < ends[1]:
        axis.set_xscale("log")
        axis.set_yscale("log")
    axis.plot(ends, ends, color="0.6", linewidth=1)
    axis.errorbar(frame["mean_predicted"], frame["observed"], yerr=frame["standard_error"], fmt="o-", markersize=4)
    label(axis, f"Calibration ({SCORED})", "mean predicted", "observed")


def confusion_matrix(axis: Axes, frame: pd.DataFrame) -> None:
    """How many rows of each class were decided as which."""
    names = list(levels_of(pd.concat([frame["actual"], frame["predicted"]])))
    counts = pd.crosstab(frame["actual"].astype(str), frame["predicted"].astype(str))
    confusion(axis, counts.reindex(index=names, columns=names, fill_value=0).to_numpy(), names)
    label(axis, f"Decisions ({SCORED})", "predicted", "actual")
    if len(names) * max(map(len, names)) > LETTERS:  # else one would be written over the next
        axis.tick_params(axis="x", rotation=45)
        for text in axis.get_xticklabels():
            text.set(ha="right", rotation_mode="anchor")


def roc(axis: Axes, frame: pd.DataFrame) -> None:
    """True against false positives at every threshold."""
    axis.plot([0, 1], [0, 1], color="0.6", linewidth=1)
    axis.plot(frame["false_positive_rate"], frame["true_positive_rate"])
    label(axis, f"ROC curve ({SCORED})", "false positive rate", "true positive rate")


def pictured(task: str) -> str:
    """What the picture shows, for those who can't see it."""
    shows = ["learning curves", "the search's trials", "each fold's score", "calibration"]
    shows += ["decisions"] * (task != "regression") + ["ROC curve"] * (task == "binary")
    return ", ".join(shows).capitalize().replace("roc", "ROC")
