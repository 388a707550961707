"""Lab 3, losses: the textbook's figures by hand, by Keras and by the head that trains every network here."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from keras import ops
from matplotlib.figure import Figure

from pipeline.lab.laboratory import AGREEMENT, Frames, Lab, Material
from pipeline.nets.heads import HEADS
from pipeline.nets.layers import ACTIVATIONS
from pipeline.pages.pictures import COLOURS, label, panels

# One loss under two names: as the labels are written.
ONE_HOT = "categorical cross-entropy, classes (1, 2, 0) as one-hot labels"
INTEGER = "sparse categorical cross-entropy, classes (1, 2, 0) as integers"
# Single samples, by the probability of the true class; the picture marks them.
SAMPLES = {
    "true class given 0.7, base e": 0.7,
    "first sample, true class given 0.6": 0.6,
    "third sample, true class given 0.3": 0.3,
    "a perfect match": 1.0,
}
# Where their labels stand, in points from the mark, so that none lies on another.
PLACES = ((6, 6), (-6, -11), (6, 5), (-2, -12))
LOGITS = (2.0, 1.0, 0.1)
# Where the textbook's figures are not what they round to.
ROUNDED = (
    "The textbook rounds on the way: its 0.74 is the mean of the rounded 0.51, 0.51 and 1.20; its 0.154901, to base 10 "
    "where its other logarithms are natural, is cut off, not rounded."
)
CHAPTER = (
    "손실 함수 선택 문제, 소프트맥스 활성화 함수, 교차 엔트로피 손실 함수 (figure 8-9), BinaryCrossentropy, "
    "CategoricalCrossentropy, SparseCategoricalCrossentropy"
)
ABOUT = (
    "A loss says how far the answers are from the truth; learning makes it smaller. For numbers it is the mean "
    "squared error, for two classes (one sigmoid output) binary cross-entropy, for more (one softmax output each, "
    "which sum to 1) categorical cross-entropy, called sparse where classes are written as integers instead of "
    "one-hot. Here: the chapter's figures, and a few more, by hand, by Keras, and by the *head*, the output and loss "
    "that trains all networks of this project; it starts from logits, what comes before sigmoid or softmax, so that "
    "nothing is rounded to 0 or 1 on the way."
)
# The curves' inputs, and the steps of both.
REACH, STEPS = 6.0, 121


def run(material: Material) -> Frames:
    """One row per figure: what the textbook prints, in its digits ("" where nothing), and the three ways to compute it;
    the curves of the chapter's pictures, of ``x`` and of the probability of the true class."""
    rows = [
        _binary("binary cross-entropy, y = (1, 0, 0, 1)", "0.345", [y for y, _ in PAIRS], [p for _, p in PAIRS]),
        *(_binary(f"sample {i}: y = {y}, given {p:g}", "", [y], [p]) for i, (y, p) in enumerate(PAIRS, start=1)),
        _categorical(ONE_HOT, "1.936381", [1, 2, 0], THREE, one_hot=True),
        _categorical(INTEGER, "1.936381", [1, 2, 0], THREE),
        _categorical("true class given 0.7, base 10", "0.154901", [0], [[0.7, 0.2, 0.1]], base=10.0),
        _categorical("true class given 0.7, base e", "", [0], [[0.7, 0.2, 0.1]]),
        _categorical("first sample, true class given 0.6", "0.51", [2], BATCH[:1]),
        _categorical("third sample, true class given 0.3", "1.20", [0], BATCH[2:]),
        _categorical("three samples, true class given 0.6, 0.6, 0.3", "0.74", [2, 1, 0], BATCH),
        _categorical("a perfect match", "0", [0], [[1.0, 0.0, 0.0]]),
        _squared(
            "mean squared error of (2.5, 0, 2, 8) to (3, -0.5, 2, 7)", [3.0, -0.5, 2.0, 7.0], [2.5, 0.0, 2.0, 8.0]
        ),
        *_softmax(LOGITS),
    ]
    frame = pd.DataFrame(rows, columns=["figure", "textbook", "by_hand", "keras", "head"])
    ways = frame[["by_hand", "keras", "head"]]
    frame["difference"] = ways.max(axis=1) - ways.min(axis=1)
    return {"losses": frame, "losses_activations": activations(), "losses_cross_entropy": cross_entropy()}


def activations() -> pd.DataFrame:
    """Sigmoid, tanh and ReLU by ``x``, and their slopes, by Keras."""
    x = np.linspace(-REACH, REACH, STEPS)
    columns = {"x": x}
    for name in ("sigmoid", "tanh", "relu"):
        inputs = tf.constant(x)
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = ACTIVATIONS[name](inputs)
        columns |= {name: outputs.numpy(), f"{name}_slope": tape.gradient(outputs, inputs).numpy()}
    return pd.DataFrame(columns).round(6)


def cross_entropy() -> pd.DataFrame:
    """Loss of one sample by the probability of its true class, natural logarithm."""
    probability = np.linspace(0.01, 1, 100)
    return pd.DataFrame({"probability": probability, "loss": abs(-np.log(probability))}).round(6)


# Label and answer of each sample of the chapter's binary cross-entropy.
PAIRS = ((1, 0.8), (0, 0.3), (0, 0.5), (1, 0.9))
THREE = [[0.6, 0.3, 0.1], [0.3, 0.6, 0.1], [0.1, 0.7, 0.2]]
BATCH = [[0.1, 0.3, 0.6], [0.2, 0.6, 0.2], [0.3, 0.4, 0.3]]
Row = tuple[str, str, float, float, float]


def _binary(name: str, printed: str, target: list[int], chance: list[float]) -> Row:
    y, p = np.array(target, np.float64), np.array(chance, np.float64)
    by_hand = -float(np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)))
    logits = np.log(p / (1 - p))
    return name, printed, by_hand, _keras(keras.losses.BinaryCrossentropy(), y, p), _head("binary", y, logits[:, None])


def _categorical(
    name: str, printed: str, target: list[int], chance: list[list[float]], one_hot: bool = False, base: float = np.e
) -> Row:
    y, p = np.array(target), np.array(chance, np.float64)
    with np.errstate(divide="ignore"):  # a class that is given no chance has a logit of minus infinity
        logits = np.log(p)
    by_hand = abs(float(np.mean(logits[np.arange(len(y)), y])))  # the others count for nothing
    loss = keras.losses.CategoricalCrossentropy() if one_hot else keras.losses.SparseCategoricalCrossentropy()
    from_keras = _keras(loss, np.eye(p.shape[1])[y] if one_hot else y, p)
    by_hand, from_keras, head = (way / np.log(base) for way in (by_hand, from_keras, _head("multiclass", y, logits)))
    return name, printed, by_hand, from_keras, head


def _squared(name: str, target: list[float], predicted: list[float]) -> Row:
    y, p = np.array(target), np.array(predicted)
    from_keras = _keras(keras.losses.MeanSquaredError(), y, p)
    return name, "", float(np.mean((y - p) ** 2)), from_keras, _head("regression", y, p[:, None])


def _softmax(logits: tuple[float, ...]) -> list[Row]:
    """Of each logit, then of all their sum."""
    values = np.array(logits)
    ways = (
        np.exp(values) / np.exp(values).sum(),
        np.asarray(keras.activations.softmax(ops.convert_to_tensor(values[None], "float32"))).ravel(),
        np.asarray(HEADS["multiclass"].answer(ops.convert_to_tensor(values[None, None], "float64"))).ravel(),
    )
    found = [[float(value) for value in way] for way in ways]
    rows = [(softmax_of(place), "", *each) for place, each in enumerate(zip(*found, strict=True))]
    told = ", ".join(f"{value:g}" for value in logits)
    return [*rows, (f"sum of softmax({told})", "1.0", *map(sum, found))]


def softmax_of(place: int) -> str:
    """The figure's name."""
    return f"softmax of {LOGITS[place]:g} among {', '.join(f'{value:g}' for value in LOGITS)}"


def _keras(loss: Callable[..., object], target: np.ndarray, answer: np.ndarray) -> float:
    return float(loss(ops.convert_to_tensor(target, "float32"), ops.convert_to_tensor(answer, "float32")))  # type: ignore[arg-type]


def _head(task: str, target: np.ndarray, logits: np.ndarray) -> float:
    """Mean loss of our head for one member: ``target [b]``, ``logits [b, c]``."""
    loss = HEADS[task].loss(ops.convert_to_tensor(target[None]), ops.convert_to_tensor(logits[None], "float64"))
    return float(ops.mean(loss))


def picture(frames: Frames) -> Figure:
    """The chapter's curves, and on them its examples."""
    found = frames["losses"].set_index("figure")["by_hand"]
    figure, (activation, entropy, softmax) = panels(3, width=3.1, height=3.2)
    curves = frames["losses_activations"]
    for name, colour in zip(("sigmoid", "tanh", "relu"), COLOURS, strict=False):
        activation.plot(curves["x"], curves[name], color=colour, label={"relu": "ReLU"}.get(name, name))
        activation.plot(curves["x"], curves[f"{name}_slope"], ":", color=colour)
    activation.set_ylim(-1.1, 2.5)
    label(activation, "Activations (dotted: slopes)", "input", "output", legend=True)
    curve = frames["losses_cross_entropy"]
    entropy.plot(curve["probability"], curve["loss"])
    for (name, probability), (right, up) in zip(SAMPLES.items(), PLACES, strict=True):
        entropy.plot(probability, found[name], "o", color=COLOURS[1])
        entropy.annotate(
            f"{probability:g}: {found[name]:.2f}",
            (probability, found[name]),
            xytext=(right, up),
            textcoords="offset points",
            ha="left" if right > 0 else "right",
            fontsize=8,
        )
    entropy.set_xlim(0, 1.05)
    entropy.set_ylim(-0.4)
    label(entropy, "Cross-entropy", "probability of the true class", "loss")
    chances = [found[softmax_of(place)] for place in range(len(LOGITS))]
    bars = softmax.bar([f"{value:g}" for value in LOGITS], chances, color=COLOURS[2])
    softmax.bar_label(bars, fmt="%.3f", fontsize=8)
    softmax.set_ylim(0, 1)
    label(softmax, f"Softmax (sum {sum(chances):.3g})", "logit", "probability")
    return figure


def sentence(frames: Frames) -> str:
    """What is to be seen."""
    frame = frames["losses"]
    apart = frame[frame["difference"] > AGREEMENT]
    agree = f"By hand, Keras and head agree on all {len(frame)} figures, to {frame['difference'].max():.1g}."
    if len(apart):
        agree = f"By hand, Keras and head do not agree on {len(apart)} of {len(frame)}: {'; '.join(apart['figure'])}."
    one_hot, integer = label_forms(frame)
    same = "the same loss" if abs(one_hot - integer) <= AGREEMENT else "not the same loss"
    return (
        f"{agree} One-hot labels or integer ones, it is {same}: Keras's categorical cross-entropy is {one_hot:.6f}, "
        f"its sparse one {integer:.6f}; our head takes integers. {ROUNDED} {slopes(frames)}"
    )


def slopes(frames: Frames) -> str:
    """What the left of the picture shows, of the textbook's two activations."""
    curves = frames["losses_activations"]
    last = curves.iloc[-1]
    return (
        "The picture has the functions of the textbook's figures 8-5 (sigmoid), 8-7 (ReLU) and 8-9 (cross-entropy). "
        f"The slope of sigmoid is at most {curves['sigmoid_slope'].max():.2g}, and {last['sigmoid_slope']:.2g} at an "
        f"input of {last['x']:g}, where that of ReLU is {last['relu_slope']:g}."
    )


def label_forms(frame: pd.DataFrame) -> tuple[float, float]:
    """Keras's cross-entropy for one-hot labels, and for the same as integers."""
    found = frame.set_index("figure")["keras"]
    return float(found[ONE_HOT]), float(found[INTEGER])


def table(frames: Frames) -> pd.DataFrame:
    """The figures, as the page shows them."""
    frame = frames["losses"]
    ways = {"by hand": "by_hand", "Keras": "keras", "our head": "head"}
    return frame[["figure", "textbook"]].assign(**{name: frame[way].map("{:.6f}".format) for name, way in ways.items()})


def measures(frames: Frames) -> dict[str, float]:
    """The largest difference of all, and the one between one-hot and integer labels."""
    one_hot, integer = label_forms(frames["losses"])
    return {
        "losses_largest_difference": float(f"{frames['losses']['difference'].max():.3g}"),
        "losses_one_hot_to_integer_difference": float(f"{abs(one_hot - integer):.3g}"),
    }


LAB = Lab("losses", "Losses by hand", CHAPTER, ABOUT, run, picture, sentence, measures, table)
