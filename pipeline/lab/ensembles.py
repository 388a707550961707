"""Lab 8, ensemble size: what averaging the probabilities of 1, 2, ... networks that differ in their seed gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from features.roles import SCORE
from features.scoring.metrics import row_log_loss
from pipeline.lab.laboratory import BASE, Frames, Lab, Material, by_setting, sentence_case, standard_error, train
from pipeline.pages.markdown import is_noise
from pipeline.pages.pictures import label, panels
from pipeline.runtime import seed_for

SETTING = {"dropout": 0.3, "l2": 3e-3, "learning_rate": 3e-3}
PATIENCE = 8
# Ensembles of each size that are drawn from all networks and averaged.
DRAWS = 20
SIZES = (1, 2, 3, 5, 8, 12, 20, 30, 50, 75, 100)
CHAPTER = "앙상블: 여러 전문가를 동시에 훈련시키는 것"
ABOUT = (
    "Networks that are alike but for their seed err on different rows, so the mean of their probabilities errs less "
    f"than they do. Here: networks with {BASE['depth']} hidden layers of {BASE['width']} units, dropout "
    f"{SETTING['dropout']:g} and L2 {SETTING['l2']:g}, each stopped by rows that score nothing; of each size {DRAWS} "
    "ensembles are drawn from all networks, and what they reach on unseen rows is averaged."
)


def run(material: Material) -> Frames:
    """One row per size: log loss and accuracy on rows that score, and the gain over one network, paired over rows.

    All networks stop early on their folds' stop rows, which never score.
    """
    count = material.plan.ensemble
    seeds = [{**SETTING, "copy": number} for number in range(count)]
    found = train(material, "ensembles", material.table, seeds, material.plan.epochs, PATIENCE)
    answers = by_setting(found.answers[..., 0], count)  # [size, F, t]
    scored = (material.table.roles == SCORE).T
    chance = answers[:, scored].astype(np.float64)  # [size, rows scored in any fold]
    target = material.table.target[scored]
    sizes = [size for size in SIZES if size < count] + [count]
    return {"ensembles": by_size(chance, target, sizes, material.seed)}


def by_size(chance: np.ndarray, target: np.ndarray, sizes: list[int], seed: int) -> pd.DataFrame:
    """From ``chance [networks, r]`` of rows with ``target [r]`` 0 or 1, averaged over draws of each size."""
    generator = np.random.default_rng(seed_for(seed, "labs", "ensembles", "draws"))
    rows: list[dict[str, Any]] = []
    single: dict[str, np.ndarray] = {}
    for size in sizes:
        loss, right = np.zeros(len(target)), np.zeros(len(target))
        # One network: each in turn, so that the average has no luck in it.
        drawn = np.arange(len(chance))[:, None] if size == 1 else None
        chosen = drawn if drawn is not None else [generator.permutation(len(chance))[:size] for _ in range(DRAWS)]
        for members in chosen:
            mean = chance[members].mean(axis=0)
            loss += row_log_loss(target, mean[:, None]) / len(chosen)
            right += ((mean > 0.5) == (target > 0.5)) / len(chosen)
        single = single or {"log_loss": loss, "accuracy": right}
        rows.append(
            {
                "size": size,
                "log_loss": loss.mean(),
                "log_loss_se": standard_error(loss),
                "accuracy": right.mean(),
                "accuracy_se": standard_error(right),
                "log_loss_gain": (single["log_loss"] - loss).mean(),
                "log_loss_gain_se": standard_error(single["log_loss"] - loss),
                "accuracy_gain": (right - single["accuracy"]).mean(),
                "accuracy_gain_se": standard_error(right - single["accuracy"]),
            }
        )
    return pd.DataFrame(rows).round(6)


def picture(frames: Frames) -> Figure:
    """Gain in log loss and in accuracy by size, with standard errors paired over rows."""
    frame = frames["ensembles"]
    figure, axes = panels(2)
    for axis, name, sign, unit in zip(axes, ("log_loss", "accuracy"), (-1, 1), (1, 100), strict=True):
        base = unit * frame[name].iloc[0]
        gain, error = unit * frame[f"{name}_gain"], unit * frame[f"{name}_gain_se"]
        axis.errorbar(frame["size"], base + sign * gain, yerr=error, fmt="o-", ms=4)
        axis.axhline(base, color="0.6", linewidth=1)
        axis.set_xscale("log")
        axis.set_xticks(frame["size"], [str(size) for size in frame["size"]])
        axis.minorticks_off()
        spoken = name.replace("_", " ")
        title = f"{sentence_case(spoken)} (line: one network; bars: error of the gain)"
        label(axis, title, "networks averaged", f"{spoken}, %" if unit == 100 else spoken)
    return figure


def sentence(frames: Frames) -> str:
    """What is to be seen."""
    frame = frames["ensembles"]
    one, last = frame.iloc[0], frame.iloc[-1]
    half = frame[frame["log_loss_gain"] >= 0.8 * last["log_loss_gain"]]["size"].min()
    points = round(100 * last["accuracy_gain"], 1)
    share = "within" if 2 <= points <= 5 else "below" if points < 2 else "above"
    noise = ", no more than noise" if is_noise(last["accuracy_gain"], last["accuracy_gain_se"]) else ""
    early = f", most of it (80 %) by size {int(half)}" if last["log_loss_gain"] > 0 and half < last["size"] else ""
    return (
        f"Averaging {int(last['size'])} networks instead of one takes the log loss from {one['log_loss']:.4f} to "
        f"{last['log_loss']:.4f} (gain {last['log_loss_gain']:.4f} ± {last['log_loss_gain_se']:.4f}){early}, and the "
        f"accuracy from {100 * one['accuracy']:.1f} to {100 * last['accuracy']:.1f} % (gain {points:.1f} ± "
        f"{100 * last['accuracy_gain_se']:.1f} points{noise}, {share} the 2 to 5 % that the textbook promises)."
    )


def measures(frames: Frames) -> dict[str, float]:
    """The gains of the largest ensemble."""
    last = frames["ensembles"].iloc[-1]
    names = ("log_loss_gain", "log_loss_gain_se", "accuracy_gain", "accuracy_gain_se")
    return {f"ensemble_{name}": float(last[name]) for name in names}


LAB = Lab("ensembles", "Ensemble size", CHAPTER, ABOUT, run, picture, sentence, measures)
