"""Lab 1, the vanishing gradient: how much of the error reaches each layer of a deep network before it has learned."""

from __future__ import annotations

import numpy as np
import pandas as pd
import tensorflow as tf
from matplotlib.figure import Figure

from features.errors import enumerated
from features.roles import TRAIN
from pipeline.lab.laboratory import (
    BASE,
    NOTHING,
    Frames,
    Lab,
    Material,
    by_setting,
    constant_loss,
    sentence_case,
    train,
    watched,
)
from pipeline.nets.heads import HEADS
from pipeline.nets.initializers import initial_kernel
from pipeline.nets.layers import forward
from pipeline.pages.markdown import counted
from pipeline.pages.pictures import count_along, label, panels
from pipeline.runtime import seed_for

# Column of the plot data: activation and first weights.
KINDS = {
    "sigmoid": ("sigmoid", "glorot_uniform"),
    "tanh": ("tanh", "glorot_uniform"),
    "relu": ("relu", "glorot_uniform"),
    "relu_he": ("relu", "he_normal"),
}
NAMES = {"sigmoid": "sigmoid", "tanh": "tanh", "relu": "ReLU", "relu_he": "ReLU, He weights"}
DEPTHS = (2, 3, 5, 8, 12, 20)
WIDTH, NETWORKS, ROWS = 32, 8, 256
# A gradient smaller by this many powers of ten has vanished.
VANISHED = 2
CHAPTER = "그래디언트 소실 문제 (figure 8-5), 새로운 활성화 함수 (figure 8-7)"
ABOUT = (
    "A network learns by the gradient of its loss, which is carried back from the output layer by layer. On the way "
    "each layer multiplies it by its weights and by the slope of its activation, and the slope of sigmoid is at most "
    "0.25 (lab 3). After many layers next to nothing may be left, and the first layers hardly learn. ReLU passes on "
    "half of what it is given, unchanged, on the way there and back; first weights by Glorot keep the size of what "
    "runs through a layer where the slope is about 1, those by He, with twice the variance, make up for the other "
    "half. A layer's own gradient is the product of what comes to it from either side: where both shrink alike, it is "
    "as large in all layers, and the smaller the more layers there are. Here: networks of "
    f"{DEPTHS[0]} to {DEPTHS[-1]} hidden layers of {WIDTH} units that have not learned yet, {ROWS} rows; the size of "
    f"the gradient by a layer's weights (its norm), its logarithm averaged over {NETWORKS} networks. Then those of "
    f"{DEPTHS[0]} and of {DEPTHS[-1]} layers learn from all train rows, in batches of {ROWS}, by Adam at a learning "
    f"rate of {BASE['learning_rate']:g}."
)


def run(material: Material) -> Frames:
    """One row per depth and layer: log10 of the norm of the loss's gradient by the layer's kernel, mean over networks.
    One per epoch: train loss of the shallowest and the deepest networks, beside that of one answer to all rows."""
    rows = np.flatnonzero(material.table.roles[:, 0] == TRAIN)[:ROWS]
    inputs, target = material.table.inputs[0, rows], material.table.target[0, rows]
    frames = []
    for depth in DEPTHS:
        columns = {
            name: gradient_norms(inputs, target, activation, initializer, depth, material.seed)
            for name, (activation, initializer) in KINDS.items()
        }
        frames.append(pd.DataFrame({"depth": depth, "layer": np.arange(depth) + 1, **columns}).round(4))
    return {"gradients": pd.concat(frames, ignore_index=True), "gradients_learning": learning(material)}


def learning(material: Material) -> pd.DataFrame:
    """Train loss by epoch, a column a kind and depth, mean over folds."""
    same = {"width": WIDTH, "batch_size": ROWS}
    settings = {
        f"{name}_{depth}": same | {"depth": depth, "activation": activation, "initializer": initializer}
        for depth in (DEPTHS[0], DEPTHS[-1])
        for name, (activation, initializer) in KINDS.items()
    }
    found = train(material, "gradients", watched(material.table), list(settings.values()), material.plan.epochs)
    losses = dict(zip(settings, by_setting(found.train_loss, len(settings)).mean(axis=1), strict=True))
    epochs = np.arange(material.plan.epochs) + 1
    return pd.DataFrame({"epoch": epochs, **losses, "constant": constant_loss(material)}).round(6)


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
    """By layer in the deepest network; by depth at the first layer; how the deepest learns."""
    frame, curves = frames["gradients"], frames["gradients_learning"]
    figure, axes = panels(3, width=3.1, height=3.2)
    depth, scale = frame["depth"].max(), "log10 of the gradient's norm"
    deepest, first = frame[frame["depth"] == depth], frame[frame["layer"] == 1]
    for kind, name in NAMES.items():
        axes[0].plot(deepest["layer"], deepest[kind], "o-", markersize=3, label=name)
        axes[1].plot(first["depth"], first[kind], "o-", markersize=3)
        axes[2].plot(curves["epoch"], curves[f"{kind}_{depth}"])
    for axis in axes:
        count_along(axis)
    axes[2].axhline(curves["constant"].iloc[0], color="0.6", linewidth=1)
    label(axes[0], f"Each layer of {depth} hidden layers", "layer (1 is next to the inputs)", scale, legend=True)
    label(axes[1], "The first layer, by depth", "hidden layers", scale)
    label(axes[2], f"{depth} layers learn (line: one answer)", "epoch", "train log loss")
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
    """What is to be seen: first along the layers of one network, then across networks of growing depth."""
    found, depths = shares(frames), frames["gradients"]["depth"]
    along = [name for name, (share, _) in found.items() if share < -VANISHED]
    across = [name for name, (_, share) in found.items() if share < -VANISHED and name not in along]
    where = f"with {enumerated([_spoken(name) for name in along])}" if along else "nowhere"
    steps = depths.max() - 1
    kept = enumerated([f"{10 ** (found[name][0] / steps):.2f}" for name in along]) if along else ""
    passed = f": a layer passes back {kept} of what it is given, on average" if along else ""
    said = [f"from layer to layer the gradient vanishes {where}{' alone' if len(along) == 1 else ''}{passed}"]
    if across:
        glorot = all(KINDS[name][1].startswith("glorot") for name in across)
        weaker = enumerated([_power(found[name][1]) for name in across])
        said.append(
            f"with {enumerated([_spoken(name) for name in across])} all layers have about the same gradient, but "
            f"{'from Glorot weights ' if glorot else ''}a smaller one the deeper the network is (at {depths.max()} "
            f"layers {weaker} of what it is at {depths.min()})"
        )
        if "relu" in across and "relu_he" not in [*along, *across]:
            said[-1] += "; He weights keep it"
    return " ".join(f"{sentence_case(each)}." for each in [*said, *learned(frames)])


def learned(frames: Frames) -> list[str]:
    """What became of the deepest networks, and of the shallowest beside them."""
    last, depths = frames["gradients_learning"].iloc[-1], frames["gradients"]["depth"]
    deep, shallow = (
        enumerated([f"{last[f'{name}_{depth}']:.3f} ({_spoken(name)})" for name in KINDS])
        for depth in (depths.max(), depths.min())
    )
    found = [
        f"after {counted(int(last['epoch']), 'epoch')} of learning the train loss is {deep} with {depths.max()} "
        f"layers; with {depths.min()} it is {shallow}"
    ]
    stuck = [_spoken(name) for name in KINDS if not last[f"{name}_{depths.max()}"] < last["constant"] - NOTHING]
    if stuck:
        found.append(
            f"{depths.max()} layers with {enumerated(stuck)} have learned nothing: one answer to all rows has a loss "
            f"of {last['constant']:.3f}"
        )
    return found


def _spoken(name: str) -> str:
    return NAMES[name].replace(", ", " from ")


def _power(exponent: float) -> str:
    return f"10<sup>{round(exponent, 1) + 0.0:.1f}</sup>"  # and no minus before 0.0


def table(frames: Frames) -> pd.DataFrame:
    """The shares, as the page shows them."""
    depths, found = frames["gradients"]["depth"], shares(frames)
    rows = [
        (NAMES[name].split(",")[0], KINDS[name][1].split("_")[0].capitalize(), *map(_power, found[name]))
        for name in KINDS
    ]
    last = f"first layer's gradient as a share of the last's, {depths.max()} layers"
    shallow = f"first layer's gradient with {depths.max()} layers as a share of that with {depths.min()}"
    return pd.DataFrame(rows, columns=["activation", "first weights", last, shallow])


def measures(frames: Frames) -> dict[str, float]:
    """The shares, and the last train loss of the deepest networks."""
    last, depth = frames["gradients_learning"].iloc[-1], frames["gradients"]["depth"].max()
    return {f"gradient_deep_train_loss_{name}": float(last[f"{name}_{depth}"]) for name in KINDS} | {
        f"gradient_share_of_{what}_log10_{name}": share
        for name, both in shares(frames).items()
        for what, share in zip(("last_layer", "shallow_network"), both, strict=True)
    }


LAB = Lab("gradients", "Vanishing gradient", CHAPTER, ABOUT, run, picture, sentence, measures, table)
