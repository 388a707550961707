"""Lab 5, normalisation: the same network on raw and on scaled columns, and the steps it takes to the same loss."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pandas as pd
from keras import ops
from matplotlib.figure import Figure
from sklearn.preprocessing import MinMaxScaler

from features.encoding.normalization import learn
from features.errors import enumerated
from features.roles import TRAIN
from pipeline.lab.laboratory import (
    BASE,
    Example,
    Frames,
    Lab,
    Material,
    examples_sentence,
    examples_table,
    train,
    watched,
)
from pipeline.pages.markdown import counted
from pipeline.pages.pictures import label, panels

# Four ages with the textbook's mean, 40, and standard deviation, 8.12.
AGES = (30.0, 36.0, 52.0, 42.0)
METHODS = {"raw": "none", "min_max": "minmax", "z_score": "zscore", "keras_layer": "keras"}
NAMES = {"raw": "raw columns", "min_max": "min-max", "z_score": "z-scores", "keras_layer": "Keras's layer"}
CHAPTER = "데이터 정규화 (figure 8-11), sklearn의 데이터 정규화 방법, 케라스의 데이터 정규화 방법"
ABOUT = (
    "Columns of different size (years of age, pounds of fare, classes 1 to 3) make a network's weights learn at "
    "different speeds; by the textbook learning easily diverges, but the steps of Adam, which is used here, do not "
    "grow with the gradient. Scaled they are alike: *min-max* puts each column between 0 and 1, the *z-score* takes "
    "off its mean and divides by its standard deviation, and so does Keras's Normalization layer, which learns both by "
    "`adapt`. Here: Pclass, Age, SibSp, Parch, Fare and whether a passenger is a woman, each fold scaled by what its "
    f"train rows teach (a missing age is their median); {BASE['depth']} hidden layers of {BASE['width']} units, "
    f"batches of {BASE['batch_size']}."
)


def run(material: Material) -> Frames:
    """One row per epoch: train loss with each scaling, mean over folds, and the steps taken so far."""
    table, folds = material.table, material.folds
    labelled = len(table.roles)
    scaled = np.concatenate([inputs(material, method) for method in METHODS.values()])  # [methods * F, t, d]
    times = len(METHODS)
    wide = replace(
        table,
        inputs=scaled,
        codes=np.zeros((labelled, 0), np.int32),
        levels=0,
        target=np.tile(table.target, (times, 1)),
        roles=np.tile(table.roles, (1, times)),
    )
    found = train(material, "scaling", watched(wide), [{}], material.plan.epochs)
    losses = found.train_loss.astype(np.float64).reshape(times, folds, -1).mean(axis=1)
    steps = int(np.ceil((table.roles == TRAIN).sum(axis=0).max() / BASE["batch_size"]))
    epoch = np.arange(material.plan.epochs) + 1
    curves = dict(zip(METHODS, losses, strict=True))
    return {"scaling": pd.DataFrame({"epoch": epoch, "steps": epoch * steps, **curves}).round(6)}


def inputs(material: Material, method: str) -> np.ndarray:
    """``[F, t, d] float32``: the raw columns, scaled by what each fold's train rows teach."""
    scaled = []
    for fold in range(material.folds):
        known = material.numbers[material.table.roles[:, fold] == TRAIN]
        binary = np.asarray(np.isin(known, (0, 1)).all(axis=0))
        scaled.append(learn(method, known, binary).apply(material.numbers))
    return np.stack(scaled)


def examples() -> list[Example]:
    """The textbook's age of 30, scaled by what Keras's layer learns from ``AGES`` with ``adapt`` too, and its table for
    scikit-learn's ``MinMaxScaler``."""
    ages = np.array(AGES)[:, None]
    layer = keras.layers.Normalization()
    layer.adapt(ages.astype(np.float32))
    cells = np.array([[-1, 2], [-0.5, 6], [0, 10], [1, 18]])
    low, high = cells.min(axis=0), cells.max(axis=0)
    return [
        Example(
            f"z-score of {AGES[0]:g} among ages {', '.join(f'{age:g}' for age in AGES)}: mean {ages.mean():g}, "
            f"standard deviation {ages.std():.2f} (Keras, adapt)",
            np.array([[-1.23]]),
            (ages[:1] - ages.mean()) / ages.std(),
            ops.convert_to_numpy(layer(ages[:1].astype(np.float32))),
            learn("zscore", ages, np.zeros(1, bool)).apply(ages[:1]),
        ),
        Example(
            "min-max of -1 2; -0.5 6; 0 10; 1 18 (scikit-learn)",
            np.array([[0, 0], [0.25, 0.25], [0.5, 0.5], [1, 1]]),
            (cells - low) / (high - low),
            MinMaxScaler().fit_transform(cells),
            learn("minmax", cells, np.zeros(2, bool)).apply(cells),
        ),
    ]


def steps_to(frame: pd.DataFrame) -> tuple[float, dict[str, int]]:
    """The lowest loss that every scaling reaches, and the steps each takes to it."""
    level = float(frame[list(METHODS)].min().max())
    return level, {name: int(frame["steps"][(frame[name] <= level).idxmax()]) for name in METHODS}


def picture(frames: Frames) -> Figure:
    """Loss by step, with the level that all reach."""
    frame = frames["scaling"]
    level, _ = steps_to(frame)
    figure, (axis,) = panels(1, width=6.0)
    for name in METHODS:  # z-score and the Keras layer do the same, so the line of one lies on the other's
        style = ":" if name == "keras_layer" else "-"
        axis.plot(frame["steps"], frame[name], style, linewidth=2, label=NAMES[name])
    axis.axhline(level, color="0.6", linewidth=1)
    label(axis, "Train loss (line: the lowest that all reach)", "steps of Adam", "log loss", legend=True)
    return figure


def sentence(frames: Frames) -> str:
    """What is to be seen."""
    frame = frames["scaling"]
    level, steps = steps_to(frame)
    shown = enumerated([f"{count} steps ({NAMES[name]})" for name, count in steps.items()])
    slow, fast = max(steps, key=lambda name: steps[name]), min(steps, key=lambda name: steps[name])
    times = f"{steps[slow] / steps[fast]:.1f} times as many with {NAMES[slow]} as with {NAMES[fast]}"
    if steps[slow] == steps[fast]:
        times = "as many with each"
    epochs, steps_each = counted(len(frame), "epoch"), counted(int(frame["steps"].iloc[0]), "step")
    return (
        f"A train loss of {level:.3f}, the lowest that all reach in {epochs}, takes {shown}: {times} (the loss is "
        f"taken after each epoch of {steps_each}). {examples_sentence(examples())}"
    )


def table(_: Frames) -> pd.DataFrame:
    """The textbook's examples, which no run changes."""
    return examples_table(examples())


def measures(frames: Frames) -> dict[str, float]:
    """The level and the steps; the largest difference in the textbook's examples."""
    level, steps = steps_to(frames["scaling"])
    return {
        "scaling_level": level,
        **{f"scaling_steps_{name}": float(count) for name, count in steps.items()},
        "scaling_largest_difference": max(each.difference for each in examples()),
    }


LAB = Lab("scaling", "Normalisation", CHAPTER, ABOUT, run, picture, sentence, measures, table)
