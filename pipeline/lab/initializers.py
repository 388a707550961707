"""Lab 2, first weights: how a network starts decides how it learns, and equal neurons stay equal."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from pipeline.lab.laboratory import Frames, Lab, Material, by_setting, listed, train, watched
from pipeline.pictures import COLOURS, label, panels

INITIALIZERS = {
    "zeros": "zeros",
    "equal": "ones",
    "too_large": "large_normal",
    "small_normal": "random_normal",
    "glorot": "glorot_uniform",
    "he": "he_normal",
}
# Neurons whose weights differ by less than this share of their length are one neuron: equal neurons drift apart by
# rounding alone.
SAME = 1e-3


def run(material: Material) -> Frames:
    """Train loss by epoch, a column an initializer (mean over folds); neurons of the first layer that still differ."""
    settings = [{"initializer": name} for name in INITIALIZERS.values()]
    found = train(material, "initializers", watched(material.table), settings, material.plan.epochs)
    losses = by_setting(found.train_loss, len(settings)).mean(axis=1)
    curves = {name: losses[number] for number, name in enumerate(INITIALIZERS)}
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
            }
        ),
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
    for name in neurons["initializer"]:
        left.plot(curves["epoch"], curves[name], label=name.replace("_", " "))
    left.set_yscale("log")
    label(left, "Train loss", "epoch", "log loss", legend=True)
    names = [name.replace("_", "\n") for name in neurons["initializer"]]
    right.bar(names, neurons["distinct_neurons"], color=COLOURS[: len(names)])
    label(right, f"Distinct neurons of {int(neurons['neurons'].iloc[0])} in the first layer", "", "after training")
    return figure


def sentence(frames: Frames) -> str:
    """What is to be seen."""
    last, neurons = frames["initializers"].iloc[-1], frames["initializers_neurons"]
    names = list(neurons["initializer"])
    alone = [name for name in names if neurons.set_index("initializer")["distinct_neurons"][name] == 1]
    best = min(names, key=lambda name: last[name])
    losses = listed([f"{last[name]:.3g} ({name.replace('_', ' ')})" for name in names])
    symmetry = (
        f"after training all neurons of the first layer are still one and the same with {listed(alone)}"
        if alone
        else "no start left its neurons equal"
    )
    return (
        f"After {int(last['epoch'])} epochs the train loss is {losses}: lowest with {best.replace('_', ' ')}; "
        f"{symmetry.replace('_', ' ')}."
    )


def measures(frames: Frames) -> dict[str, float]:
    """Last train loss and distinct neurons of each start."""
    last, neurons = frames["initializers"].iloc[-1], frames["initializers_neurons"]
    found = {}
    for name, count in zip(neurons["initializer"], neurons["distinct_neurons"], strict=True):
        found[f"initializer_loss_{name}"] = float(last[name])
        found[f"initializer_neurons_{name}"] = float(count)
    return found


LAB = Lab("initializers", "First weights", run, picture, sentence, measures)
