"""Lab 2, first weights: how a network starts decides how it learns, and equal neurons stay equal."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from features.errors import enumerated
from pipeline.lab.laboratory import (
    BASE,
    NOTHING,
    Frames,
    Lab,
    Material,
    by_setting,
    constant_loss,
    standard_error,
    train,
    watched,
)
from pipeline.pages.markdown import counted, is_noise
from pipeline.pages.pictures import COLOURS, label, panels

INITIALIZERS = {
    "zeros": "zeros",
    "small_equal": "small_equal",
    "ones": "ones",
    "too_large": "large_normal",
    "small_normal": "random_normal",
    "glorot": "glorot_uniform",
    "he": "he_normal",
}
NAMES = {
    "zeros": "all 0",
    "small_equal": "all 0.05",
    "ones": "all 1",
    "too_large": "normal, sd 1",
    "small_normal": "normal, sd 0.05",
    "glorot": "Glorot",
    "he": "He",
}
# The textbook expects these to diverge.
TOO_LARGE = ("ones", "too_large")
# Neurons whose weights differ by less than this share of their length are one neuron: equal neurons drift apart by
# rounding alone.
SAME = 1e-3
CHAPTER = "가중치 초기화 문제 (figure 8-10), 케라스에서 가중치 초기화 방법, Lab: 가중치 초기화 실험"
ABOUT = (
    "What the weights are before the first step. By the textbook, 0 stops the error on its way back (only the "
    "output's bias learns), equal weights make neurons that all do the same (each gets the same gradient), and too "
    "large ones diverge; so small random ones are taken, as Keras's `random_normal` (sd 0.05). How small, Glorot and "
    "He say by the variance: 2 / (inputs + outputs) of the layer, and 2 / inputs, for ReLU. Here: "
    f"{BASE['depth']} hidden layers of {BASE['width']} units with ReLU, Adam at a learning rate of "
    f"{BASE['learning_rate']:g}; all biases start at 0."
)


def run(material: Material) -> Frames:
    """Train loss by epoch, a column an initializer (mean over folds), beside that of the best constant; neurons of the
    first layer that still differ, and how far the last loss lies above the lowest of all starts (standard error over
    folds)."""
    settings = [{"initializer": name} for name in INITIALIZERS.values()]
    found = train(material, "initializers", watched(material.table), settings, material.plan.epochs)
    by_fold = by_setting(found.train_loss, len(settings))  # [setting, F, epochs]
    losses = by_fold.mean(axis=1)
    curves = {name: losses[number] for number, name in enumerate(INITIALIZERS)} | {"constant": constant_loss(material)}
    last = by_fold[:, :, -1]
    above = last - last[int(np.nanargmin(losses[:, -1]))]
    neurons = np.zeros(len(found.best_epoch))
    for program in found.weights:
        for position, member in enumerate(program["members"]):
            neurons[member] = distinct(np.vstack([program["kernel_0"][position], program["bias_0"][position]]))
    return {
        "initializers": pd.DataFrame({"epoch": np.arange(material.plan.epochs) + 1, **curves}).round(6),
        "initializers_neurons": pd.DataFrame(
            {
                "initializer": list(INITIALIZERS),
                "distinct_neurons": by_setting(neurons, len(settings)).mean(axis=1),
                "neurons": program["kernel_0"].shape[2],
                "above_lowest": above.mean(axis=1),
                "above_lowest_se": standard_error(above),
            }
        ).round(6),
    }


def distinct(weights: np.ndarray) -> int:
    """Number of columns of ``weights [i, o]`` that differ from all before them."""
    kept: list[np.ndarray] = []
    for column in weights.T.astype(np.float64):
        if not any(np.linalg.norm(column - other) <= SAME * max(float(np.linalg.norm(other)), 1e-12) for other in kept):
            kept.append(column)
    return len(kept)


def picture(frames: Frames) -> Figure:
    """Loss curves and a bar of distinct neurons."""
    curves, neurons = frames["initializers"], frames["initializers_neurons"]
    figure, (left, right) = panels(2)
    names = [NAMES[name] for name in neurons["initializer"]]
    for column, name in zip(neurons["initializer"], names, strict=True):
        # On a scale that has room for the too large ones, the line of one good start lies on the other's.
        left.plot(curves["epoch"], curves[column], ":" if column == "he" else "-", linewidth=2, label=name)
    left.set_yscale("log")
    losses = curves[list(neurons["initializer"])].to_numpy()
    left.set_ylim(top=30 * losses[np.isfinite(losses)].max())  # room for the legend
    label(left, "Train loss", "epoch", "log loss")
    left.legend(fontsize=8, frameon=False, ncols=3, loc="upper center")
    bars = right.barh(names, neurons["distinct_neurons"], color=COLOURS)
    right.bar_label(bars, fmt=" %g", fontsize=8)
    right.invert_yaxis()
    title = f"How many of {int(neurons['neurons'].iloc[0])} neurons differ after training"
    label(right, title, "neurons of the first layer", "")
    return figure


def sentence(frames: Frames) -> str:
    """What is to be seen."""
    curves, neurons = frames["initializers"], frames["initializers_neurons"].set_index("initializer")
    first, last = curves.iloc[0], curves.iloc[-1]
    names = list(neurons.index)
    best = min(names, key=lambda name: last[name])
    losses = enumerated([f"{last[name]:.3g} ({NAMES[name]})" for name in names])
    near = [
        f"{NAMES[name]}, {row['above_lowest']:.3f} ± {row['above_lowest_se']:.3f} above it"
        for name, row in neurons.iterrows()
        if name != best and is_noise(row["above_lowest"], row["above_lowest_se"])
    ]
    noise = f" (within noise over folds: {'; '.join(near)})" if near else ""
    poor = [NAMES[name] for name in names if not last[name] < last["constant"] - NOTHING]  # not a number, too
    nothing = ""
    if poor:
        nothing = (
            f" No better than one answer to all rows, whose loss is {last['constant']:.3g}, "
            f"{'is' if len(poor) == 1 else 'are'} {'; '.join(poor)}."
        )
    alone = [name for name in names if neurons["distinct_neurons"][name] == 1]
    symmetry = "No start leaves its neurons equal"
    if alone:
        starts = " or ".join(NAMES[name] for name in alone)
        symmetry = f"All neurons of the first layer stay one and the same from weights that are {starts}"
    diverged = [name for name in TOO_LARGE if not last[name] <= first[name]]  # not a number, too
    falling = [name for name in TOO_LARGE if name not in diverged]
    large = []
    if falling:
        large.append(
            f"From weights that are too large ({_joined(falling)}) the loss starts at "
            f"{enumerated([f'{first[name]:.3g}' for name in falling])} and Adam brings it down late, if at all: by the "
            "textbook it would diverge"
        )
    if diverged:
        large.append(f"As the textbook says, it diverges from weights that are too large ({_joined(diverged)})")
    return (
        f"After {counted(int(last['epoch']), 'epoch')} the train loss is {losses}: lowest with {NAMES[best]}{noise}."
        f"{nothing} {symmetry}. {'. '.join(large)}."
    )


def _joined(names: list[str]) -> str:
    return "; ".join(NAMES[name] for name in names)


def measures(frames: Frames) -> dict[str, float]:
    """Last train loss and distinct neurons of each start."""
    last, neurons = frames["initializers"].iloc[-1], frames["initializers_neurons"]
    found = {}
    for name, count in zip(neurons["initializer"], neurons["distinct_neurons"], strict=True):
        found[f"initializer_loss_{name}"] = float(last[name])
        found[f"initializer_neurons_{name}"] = float(count)
    return found


LAB = Lab("initializers", "First weights", CHAPTER, ABOUT, run, picture, sentence, measures)
