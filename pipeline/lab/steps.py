"""Lab 9, batch size and learning rate: how far a step goes, and how many there are in an epoch."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from features.errors import enumerated
from features.roles import SCORE, TRAIN
from pipeline.lab.laboratory import BASE, Frames, Lab, Material, by_setting, paired, row_loss, train
from pipeline.pages.markdown import is_noise
from pipeline.pages.pictures import label, panels

RATES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
BATCHES = (16, 64, 256)
# The columns of how far a loss lies above the lowest of all.
ABOVE = [f"above_{batch}" for batch in BATCHES]
# It takes both for granted.
CHAPTER = ""
ABOUT = (
    "The learning rate says how far a step goes, the batch size by how many rows its direction is found: with fewer, "
    "there are more steps in an epoch, each less sure of its way. A rate too small does not arrive in time, one too "
    f"large steps over what it looks for. Here: {BASE['depth']} hidden layers of {BASE['width']} units by Adam; each "
    "network is taken from the epoch with the lowest loss of its stop rows, and unseen rows score it."
)


def run(material: Material) -> Frames:
    """One row per learning rate; by batch size the loss of rows that score, at the epoch with the lowest stop loss, how
    far it lies above the lowest of all, with its standard error over rows, and the steps taken until then (means over
    folds)."""
    settings = [{"learning_rate": rate, "batch_size": batch} for batch in BATCHES for rate in RATES]
    found = train(material, "steps", material.table, settings, material.plan.epochs)
    roles = material.table.roles
    by_row = by_setting(found.loss, len(settings))  # [setting, F, t]
    losses = row_loss(by_row, roles, SCORE).mean(axis=1)
    above = np.array([paired(each, by_row[losses.argmin()], (roles == SCORE).T) for each in by_row])
    epochs = by_setting(found.best_epoch, len(settings)).mean(axis=1)
    frame = pd.DataFrame({"learning_rate": RATES, "log10_learning_rate": np.log10(RATES)})
    most = (roles == TRAIN).sum(axis=0).max()
    for number, batch in enumerate(BATCHES):
        part = slice(number * len(RATES), (number + 1) * len(RATES))
        frame[f"batch_{batch}"] = losses[part]
        frame[f"above_{batch}"], frame[f"above_{batch}_se"] = above[part].T
        frame[f"steps_{batch}"] = epochs[part] * np.ceil(most / batch)
    return {"steps": frame.round(6)}


def picture(frames: Frames) -> Figure:
    """Loss and steps by learning rate, one line per batch size."""
    frame = frames["steps"]
    figure, axes = panels(2)
    for axis, kind in zip(axes, ("batch", "steps"), strict=True):
        for batch in BATCHES:
            axis.plot(frame["learning_rate"], frame[f"{kind}_{batch}"], "o-", markersize=4, label=f"batch size {batch}")
        axis.set_xscale("log")
    axes[1].set_yscale("log")
    label(axes[0], "Loss of unseen rows at the best epoch", "learning rate", "log loss", legend=True)
    label(axes[1], "Steps until the best epoch", "learning rate", "steps", legend=True)
    return figure


def sentence(frames: Frames) -> str:
    """What is to be seen."""
    frame = frames["steps"].set_index("learning_rate")
    low, high = frame.index[0], frame.index[-1]
    ends = {low: ", the smallest tried", high: ", the largest tried"}
    parts, alike = [], 0
    for batch in BATCHES:
        rate = frame[f"batch_{batch}"].idxmin()
        parts.append(
            f"{batch} at {rate:g}{ends.get(rate, '')} ({frame[f'batch_{batch}'][rate]:.4f} after "
            f"{frame[f'steps_{batch}'][rate]:.0f} steps)"
        )
        alike += int(is_noise(frame[f"above_{batch}"], frame[f"above_{batch}_se"]).sum())
    costs = {
        rate: enumerated([f"{frame.at[rate, column]:.3f} ± {frame.at[rate, f'{column}_se']:.3f}" for column in ABOVE])
        for rate in (low, high)
    }
    return (
        f"By batch size, the best learning rate and the loss there: {', '.join(parts)}. Of all {frame[ABOVE].size} "
        f"pairs of rate and batch size {alike} are within noise of the best, paired over rows. With batches of "
        f"{enumerated([str(batch) for batch in BATCHES])} the smallest rate ({low:g}) costs {costs[low]} of log loss "
        f"against that best, the largest ({high:g}) {costs[high]}."
    )


def measures(frames: Frames) -> dict[str, float]:
    """The best rate of each batch size, and its loss."""
    frame = frames["steps"].set_index("learning_rate")
    found: dict[str, float] = {}
    for batch in BATCHES:
        rate = float(frame[f"batch_{batch}"].idxmin())
        found |= {f"steps_best_rate_{batch}": rate, f"steps_loss_{batch}": float(frame[f"batch_{batch}"][rate])}
    return found


LAB = Lab("steps", "Batch size and learning rate", CHAPTER, ABOUT, run, picture, sentence, measures)
