"""Lab 3, losses: the textbook's figures by hand, by Keras and by the head that trains every network here."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pandas as pd
from keras import ops
from matplotlib.figure import Figure

from pipeline.lab.laboratory import AGREEMENT, Frames, Lab, Material
from pipeline.nets.heads import HEADS
from pipeline.pictures import label, panels

# One loss under two names: as the labels are written.
ONE_HOT = "categorical cross-entropy, classes (1, 2, 0) as one-hot labels"
INTEGER = "sparse categorical cross-entropy, classes (1, 2, 0) as integers"


def run(material: Material) -> Frames:
    """A row a figure: what the textbook prints, and the three ways to compute it."""
    rows = [
        _binary("binary cross-entropy, y = (1, 0, 0, 1)", 0.345, [1, 0, 0, 1], [0.8, 0.3, 0.5, 0.9]),
        _categorical(ONE_HOT, 1.936381, [1, 2, 0], THREE, one_hot=True),
        _categorical(INTEGER, 1.936381, [1, 2, 0], THREE),
        _categorical("true class given 0.7, base 10", 0.154901, [0], [[0.7, 0.2, 0.1]], base=10.0),
        _categorical("true class given 0.7, base e", 0.356675, [0], [[0.7, 0.2, 0.1]]),
        _categorical("three samples, true class given 0.6, 0.6, 0.3", 0.74, [2, 1, 0], SAMPLES),
        _categorical("a perfect match", 0.0, [0], [[1.0, 0.0, 0.0]]),
        _squared(
            "mean squared error of (2.5, 0, 2, 8) to (3, -0.5, 2, 7)", [3.0, -0.5, 2.0, 7.0], [2.5, 0.0, 2.0, 8.0]
        ),
        _softmax("sum of softmax(2, 1, 0.1)", [2.0, 1.0, 0.1]),
    ]
    frame = pd.DataFrame(rows, columns=["figure", "textbook", "by_hand", "keras", "head"])
    ways = frame[["by_hand", "keras", "head"]]
    frame["difference"] = ways.max(axis=1) - ways.min(axis=1)
    return {"losses": frame}


THREE = [[0.6, 0.3, 0.1], [0.3, 0.6, 0.1], [0.1, 0.7, 0.2]]
SAMPLES = [[0.1, 0.3, 0.6], [0.2, 0.6, 0.2], [0.3, 0.4, 0.3]]
Row = tuple[str, float | None, float, float, float]


def _binary(name: str, printed: float, target: list[int], chance: list[float]) -> Row:
    y, p = np.array(target, np.float64), np.array(chance, np.float64)
    by_hand = -float(np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)))
    logits = np.log(p / (1 - p))
    return name, printed, by_hand, _keras(keras.losses.BinaryCrossentropy(), y, p), _head("binary", y, logits[:, None])


def _categorical(
    name: str,
    printed: float,
    target: list[int],
    chance: list[list[float]],
    one_hot: bool = False,
    base: float = np.e,
) -> Row:
    y, p = np.array(target), np.array(chance, np.float64)
    with np.errstate(divide="ignore"):  # a class that is given no chance has a logit of minus infinity
        logits = np.log(p)
    if one_hot:
        labels = np.eye(p.shape[1])[y]
        by_hand = abs(float(np.mean((labels * logits).sum(axis=1))))
        from_keras = _keras(keras.losses.CategoricalCrossentropy(), labels, p)
    else:
        by_hand = abs(float(np.mean(logits[np.arange(len(y)), y])))
        from_keras = _keras(keras.losses.SparseCategoricalCrossentropy(), y, p)
    head = _head("multiclass", y, logits)  # takes integers, whichever the others take
    return name, printed, by_hand / np.log(base), from_keras / np.log(base), head / np.log(base)


def _squared(name: str, target: list[float], predicted: list[float]) -> Row:
    y, p = np.array(target), np.array(predicted)
    from_keras = _keras(keras.losses.MeanSquaredError(), y, p)
    return name, None, float(np.mean((y - p) ** 2)), from_keras, _head("regression", y, p[:, None])


def _softmax(name: str, logits: list[float]) -> Row:
    values = np.array(logits)
    by_hand = np.sum(np.exp(values) / np.exp(values).sum())
    from_keras = keras.activations.softmax(ops.convert_to_tensor(values[None], "float32"))
    from_head = HEADS["multiclass"].answer(ops.convert_to_tensor(values[None, None], "float64"))
    return name, 1.0, float(by_hand), float(ops.sum(from_keras)), float(ops.sum(from_head))


def _keras(loss: Callable[..., object], target: np.ndarray, answer: np.ndarray) -> float:
    return float(loss(ops.convert_to_tensor(target, "float32"), ops.convert_to_tensor(answer, "float32")))  # type: ignore[arg-type]


def _head(task: str, target: np.ndarray, logits: np.ndarray) -> float:
    """Mean loss of our head for one member: ``target [b]``, ``logits [b, c]``."""
    loss = HEADS[task].loss(ops.convert_to_tensor(target[None]), ops.convert_to_tensor(logits[None], "float64"))
    return float(ops.mean(loss))


def picture(frames: Frames) -> Figure:
    """How far the three ways are apart, against what is allowed."""
    frame = frames["losses"][::-1]
    figure, (axis,) = panels(1, width=8.0)
    axis.barh(frame["figure"], frame["difference"].clip(lower=1e-12))
    axis.axvline(AGREEMENT, color="black", linewidth=1)
    axis.set_xscale("log")
    label(axis, "Largest difference (line: what is allowed)", "difference", "")
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
        f"its sparse one {integer:.6f}; our head takes integers."
    )


def label_forms(frame: pd.DataFrame) -> tuple[float, float]:
    """Keras's cross-entropy for one-hot labels, and for the same as integers."""
    found = frame.set_index("figure")["keras"]
    return float(found[ONE_HOT]), float(found[INTEGER])


def table(frames: Frames) -> pd.DataFrame:
    """The figures, as the page shows them."""
    frame = frames["losses"].rename(columns={"by_hand": "by hand", "head": "our head"})
    shown = frame[["figure", "textbook", "by hand", "keras", "our head"]].copy()
    for name in shown.columns[1:]:
        shown[name] = [("" if np.isnan(value) else f"{value:.6f}") for value in shown[name].astype(float)]
    return shown


def measures(frames: Frames) -> dict[str, float]:
    """The largest difference of all, and the one between one-hot and integer labels."""
    one_hot, integer = label_forms(frames["losses"])
    return {
        "losses_largest_difference": float(f"{frames['losses']['difference'].max():.3g}"),
        "losses_one_hot_to_integer_difference": float(f"{abs(one_hot - integer):.3g}"),
    }


LAB = Lab("losses", "Losses by hand", run, picture, sentence, measures, table)
