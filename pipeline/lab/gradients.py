"""Lab 1, the vanishing gradient: how much of the error reaches each layer of a deep network before it has learned."""

from __future__ import annotations

import numpy as np
import pandas as pd
import tensorflow as tf
from matplotlib.figure import Figure

from features.roles import TRAIN
from pipeline.lab.laboratory import Frames, Lab, Material, listed
from pipeline.nets.heads import HEADS
from pipeline.nets.layers import forward, initial_kernel
from pipeline.pictures import label, panels
from pipeline.runtime import seed_for

# Column of the plot data: activation and first weights.
KINDS = {
    "sigmoid": ("sigmoid", "glorot_uniform"),
    "tanh": ("tanh", "glorot_uniform"),
    "relu": ("relu", "glorot_uniform"),
    "relu_he": ("relu", "he_normal"),
}
DEPTHS = (2, 3, 5, 8, 12, 20)
WIDTH, NETWORKS, ROWS = 32, 8, 256
# A gradient smaller by this many powers of ten has vanished.
VANISHED = 2


def run(material: Material) -> Frames:
    """A row a depth and layer; log10 of the norm of the loss's gradient by the layer's kernel, mean over networks."""
    rows = np.flatnonzero(material.table.roles[:, 0] == TRAIN)[:ROWS]
    inputs, target = material.table.inputs[0, rows], material.table.target[0, rows]
    frames = []
    for depth in DEPTHS:
        columns = {
            name: gradient_norms(inputs, target, activation, initializer, depth, material.seed)
            for name, (activation, initializer) in KINDS.items()
        }
        frames.append(pd.DataFrame({"depth": depth, "layer": np.arange(depth) + 1, **columns}).round(4))
    return {"gradients": pd.concat(frames, ignore_index=True)}


def gradient_norms(
    inputs: np.ndarray, target: np.ndarray, activation: str, initializer: str, depth: int, seed: int
) -> np.ndarray:
    """``[depth]`` for ``inputs [b, d]`` and ``target [b]``; the networks differ in their seed."""
    kernels, biases = [], []
    generators = [np.random.default_rng(seed_for(seed, "labs", "gradients", number)) for number in range(NETWORKS)]
    for layer in range(depth + 1):
        units = (WIDTH if layer else inputs.shape[1], WIDTH if layer < depth else 1)
        kernels.append(tf.constant(np.stack([initial_kernel(initializer, each, *units) for each in generators])))
        biases.append(tf.zeros((NETWORKS, 1, units[1])))
    widths = tf.fill([NETWORKS], WIDTH)
    with tf.GradientTape() as tape:
        tape.watch(kernels)
        logits = forward(tf.constant(inputs[None]), kernels, biases, activation, widths)
        labels = tf.constant(np.repeat(target[None], NETWORKS, axis=0))
        loss = tf.reduce_sum(tf.reduce_mean(HEADS["binary"].loss(labels, logits), axis=1))
    gradients = tape.gradient(loss, kernels)[:depth]
    norms = np.array([np.sqrt((each.numpy().astype(np.float64) ** 2).sum(axis=(1, 2))) for each in gradients])
    return np.log10(np.maximum(norms, 1e-38)).mean(axis=1)


def picture(frames: Frames) -> Figure:
    """By layer in the deepest network; by depth at the first layer."""
    frame = frames["gradients"]
    figure, (by_layer, by_depth) = panels(2)
    deepest, first = frame[frame["depth"] == frame["depth"].max()], frame[frame["layer"] == 1]
    for name in KINDS:
        by_layer.plot(deepest["layer"], deepest[name], "o-", markersize=3, label=name.replace("_", ", "))
        by_depth.plot(first["depth"], first[name], "o-", markersize=3, label=name.replace("_", ", "))
    label(by_layer, f"Depth {frame['depth'].max()}", "layer (1 is next to the inputs)", "log10 gradient norm", True)
    label(by_depth, "At the first layer", "depth", "log10 gradient norm", True)
    return figure


def shares(frames: Frames) -> dict[str, tuple[float, float]]:
    """log10 of the first layer's gradient in the deepest network, by kind: over the last layer's there, and over the
    first layer's in the shallowest network."""
    frame = frames["gradients"]
    deepest = frame[frame["depth"] == frame["depth"].max()].sort_values("layer")
    first = frame[frame["layer"] == 1].sort_values("depth")
    return {
        name: (
            float(deepest[name].iloc[0] - deepest[name].iloc[-1]),
            float(first[name].iloc[-1] - first[name].iloc[0]),
        )
        for name in KINDS
    }


def sentence(frames: Frames) -> str:
    """What is to be seen."""
    found, depths = shares(frames), frames["gradients"]["depth"]
    names = {name: " with ".join(name.split("_")).replace("he", "He weights") for name in KINDS}
    by_layer = listed([f"10^{share:.1f} ({names[name]})" for name, (share, _) in found.items()])
    by_depth = listed([f"10^{share:.1f} ({names[name]})" for name, (_, share) in found.items()])
    vanished = [names[name] for name, both in found.items() if min(both) < -VANISHED]
    end = f"It vanishes with {listed(vanished)}." if vanished else "It vanishes nowhere."
    return (
        f"With {depths.max()} layers the first layer's gradient is, as a share of the last hidden layer's, {by_layer}; "
        f"as a share of what it is with {depths.min()} layers, {by_depth}. {end}"
    )


def measures(frames: Frames) -> dict[str, float]:
    """The shares."""
    return {
        f"gradient_share_of_{what}_log10_{name}": share
        for name, both in shares(frames).items()
        for what, share in zip(("last_layer", "shallow_network"), both, strict=True)
    }


LAB = Lab("gradients", "Vanishing gradient", run, picture, sentence, measures)
