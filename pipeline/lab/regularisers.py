"""Lab 7, regularisers: dropout, L1 and L2 of growing strength against the gap between train and unseen rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from features.errors import enumerated
from features.roles import SCORE, STOP, TRAIN, UNUSED
from pipeline.lab.laboratory import Frames, Lab, Material, by_setting, paired, row_loss, sentence_case, train
from pipeline.nets.table import Table
from pipeline.pages.markdown import is_noise
from pipeline.pages.pictures import label, panels

STRENGTHS = {
    "dropout": (0.1, 0.2, 0.35, 0.5, 0.7, 0.9),
    "l1": (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2),
    "l2": (1e-3, 3e-3, 1e-2, 3e-2, 1e-1),
}
NAMES = {"dropout": "dropout", "l1": "L1", "l2": "L2"}
WIDTH, RATE = 64, 3e-3
CHAPTER = "가중치 규제 (L1, L2), 드롭아웃 (figure 8-14)"
ABOUT = (
    "Three ways against overfitting. *L1* adds the absolute weights, *L2* the squared weights, times a strength, to "
    "the loss that is learned, so that large weights cost; *dropout* leaves out a share of the units at each training "
    f"step, anew each time, and none when answering. Here: 2 hidden layers of {WIDTH} units that nothing stops early; "
    "each keeps the weights that fit its train rows best. The losses are shown without the penalty and without "
    "dropout; the gap is that of unseen rows less that of train rows."
)


def run(material: Material) -> Frames:
    """One row per regulariser and strength (0: none): losses of train and unseen rows, both without dropout, and the
    gain of the unseen rows over none, paired over rows."""
    table = followed(material.table)
    named = [("none", 0.0), *[(name, value) for name, values in STRENGTHS.items() for value in values]]
    base = {"width": WIDTH, "learning_rate": RATE}
    settings = [base | ({} if name == "none" else {name: value}) for name, value in named]
    found = train(material, "regularisers", table, settings, material.plan.epochs)
    loss = by_setting(found.loss, len(settings))
    trained, unseen = (row_loss(loss, table.roles, role) for role in (TRAIN, SCORE))
    frame = pd.DataFrame(named, columns=["regulariser", "strength"])
    frame["train_loss"], frame["unseen_loss"] = trained.mean(axis=1), unseen.mean(axis=1)
    frame["gap"] = frame["unseen_loss"] - frame["train_loss"]
    scored = (table.roles == SCORE).T
    frame["gain"], frame["gain_se"] = zip(*(paired(loss[0], each, scored) for each in loss), strict=True)
    return {"regularisers": frame.round(6)}


def followed(table: Table) -> Table:
    """The table twice over: ``[F, 2 t, d]``. The copies of the train rows stop, all other rows score.

    So the weights kept are those that fit the train rows best, which is what early stopping would hide, and the unseen
    rows have no say in anything.
    """
    labelled = len(table.roles)
    rows = np.r_[:labelled, :labelled]
    first = np.where(table.roles == TRAIN, TRAIN, SCORE)
    copies = np.where(table.roles == TRAIN, STOP, UNUSED)
    return replace(
        table,
        inputs=table.inputs[:, rows],
        codes=table.codes[rows],
        target=table.target[:, rows],
        roles=np.concatenate([first, copies]).astype(np.int8),
    )


def picture(frames: Frames) -> Figure:
    """A panel a regulariser: train and unseen loss by strength, with no regulariser at the left edge."""
    frame = frames["regularisers"]
    none = frame[frame["regulariser"] == "none"]
    figure, axes = panels(len(STRENGTHS), width=3.1, height=3.2)
    low, high = frame[["train_loss", "unseen_loss"]].min().min(), frame[["train_loss", "unseen_loss"]].max().max()
    for axis, name in zip(axes, STRENGTHS, strict=True):
        part = pd.concat([none, frame[frame["regulariser"] == name]])
        place = np.arange(len(part))
        axis.fill_between(place, part["train_loss"], part["unseen_loss"], alpha=0.15)
        axis.plot(place, part["train_loss"], "o-", markersize=4, label="train")
        axis.plot(place, part["unseen_loss"], "o-", markersize=4, label="unseen")
        axis.set_xticks(place, [f"{value:g}" for value in part["strength"]], rotation=30)
        axis.set_ylim(low - 0.02, high + 0.02)
        strength = "share of units left out" if name == "dropout" else "weight of the penalty"
        label(axis, sentence_case(NAMES[name]), strength, "log loss", legend=True)
    return figure


def sentence(frames: Frames) -> str:
    """What is to be seen."""
    frame = frames["regularisers"]
    none = frame[frame["regulariser"] == "none"].iloc[0]
    parts = []
    for name in STRENGTHS:
        part = frame[frame["regulariser"] == name]
        best, last = part.loc[part["unseen_loss"].idxmin()], part.iloc[-1]
        largest = best["strength"] == last["strength"]
        more = "" if largest else f"; {last['unseen_loss']:.3f} at {last['strength']:g}"
        noise = ", within noise" if is_noise(best["gain"], best["gain_se"]) else ""
        parts.append(
            f"{best['unseen_loss']:.3f} with {NAMES[name]} {best['strength']:g}"
            f"{', the largest tried' if largest else ''} "
            f"(gain {best['gain']:.3f} ± {best['gain_se']:.3f}{noise}; gap {best['gap']:.3f}{more})"
        )
    return (
        f"Without a regulariser the loss of unseen rows is {none['unseen_loss']:.3f}, {none['gap']:.3f} above that of "
        f"train rows. At the best of the strengths tried it is {enumerated(parts)}."
    )


def measures(frames: Frames) -> dict[str, float]:
    """The gap without any, and the lowest unseen loss with each."""
    frame = frames["regularisers"].groupby("regulariser")
    found = {f"regulariser_lowest_loss_{name}": float(loss) for name, loss in frame["unseen_loss"].min().items()}
    return found | {"regulariser_gap_none": float(frame["gap"].first()["none"])}


LAB = Lab("regularisers", "Dropout, L1 and L2", CHAPTER, ABOUT, run, picture, sentence, measures)
