"""Lab 4, encodings: one categorical column as numbers in four ways, what each costs and how well it predicts."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.preprocessing import LabelEncoder, OneHotEncoder, OrdinalEncoder

from features.errors import enumerated
from features.roles import SCORE
from pipeline.lab.laboratory import (
    Example,
    Frames,
    Lab,
    Material,
    by_setting,
    examples_sentence,
    examples_table,
    standard_error,
    train,
)
from pipeline.nets.table import EMBEDDING_UNITS, Table
from pipeline.pages.markdown import BEYOND, is_noise
from pipeline.pages.pictures import label, panels

# What the textbook turns to where integers mislead; the other encodings are held against it.
REFERENCE = "one-hot"
# "Women and children first", written down before any label was looked at.
BY_HAND = {"Mr": 0.0, "Other": 1.0, "Master": 2.0, "Miss": 3.0, "Mrs": 4.0}
WIDTH, RATE = 16, 1e-2
# By name, with the number of hidden layers.
MODELS = {"linear": 0, "network": 1}
# The textbook's examples: countries for scikit-learn's LabelEncoder, classes for Keras's to_categorical.
COUNTRIES = ("Korea", "Japan", "China")
VECTOR, CLASSES = (2, 6, 6, 1), 7
CHAPTER = "범주형 데이터 처리, 정수 인코딩, 원-핫 인코딩 (sklearn, 케라스), 임베딩"
ABOUT = (
    "A network takes numbers only, so words must become numbers. *By hand*: "
    f"{', '.join(f'{word} {value:g}' for word, value in BY_HAND.items())} (women and children first, written down "
    "before any label was looked at). *Integer*: numbered in alphabetical order, an order that means nothing. "
    f"*One-hot*: a column of 0 and 1 for each word. *Embedding*: {EMBEDDING_UNITS} learned numbers for each word. "
    "Here: the title in each passenger's name and nothing else, for a linear model and a network with one hidden "
    f"layer of {WIDTH} units; loss on unseen rows."
)


def run(material: Material) -> Frames:
    """One row per encoding: its cost, and the log loss of a linear model and of a network on rows that score; the loss
    less that from one-hot, paired over these rows, with its standard error."""
    rows: list[dict[str, Any]] = []
    roles = material.table.roles
    losses: dict[tuple[str, str], np.ndarray] = {}
    for name, (inputs, codes, levels) in encoded(material.titles).items():
        table = Table(
            np.repeat(inputs[None], material.folds, axis=0), codes, levels, material.table.target, roles, outputs=1
        )
        columns = inputs.shape[1] + codes.shape[1] * EMBEDDING_UNITS
        row = {"encoding": name, "columns": columns}
        for model, depth in MODELS.items():
            setting = {"depth": depth, "width": WIDTH, "learning_rate": RATE, "batch_size": 128}
            found = train(material, f"encodings {model}", table, [setting], material.plan.epochs)
            # Folds score different rows, so all scored rows together are one sample.
            loss = losses[name, model] = by_setting(found.loss, 1)[0][(roles == SCORE).T]
            row[f"{model}_log_loss"] = loss.mean()
            row[f"{model}_log_loss_se"] = standard_error(loss)
            row[f"{model}_weights"] = weights(columns, depth) + levels * EMBEDDING_UNITS * codes.shape[1]
            row[f"{model}_products"] = columns * WIDTH + WIDTH if depth else columns
        rows.append(row)
    for row in rows:
        for model in MODELS:
            apart = losses[row["encoding"], model] - losses[REFERENCE, model]
            row |= {f"{model}_difference": apart.mean(), f"{model}_difference_se": standard_error(apart)}
    return {"encodings": pd.DataFrame(rows).round(6)}


def weights(columns: int, depth: int) -> int:
    """Kernels and biases of a linear model (``depth`` 0) or a network with one hidden layer."""
    return columns * WIDTH + WIDTH + WIDTH + 1 if depth else columns + 1


def encoded(words: pd.Series) -> dict[str, tuple[np.ndarray, np.ndarray, int]]:
    """``inputs [t, d] float32``, ``codes [t, e] int32`` and how many codes there are, by encoding."""
    cells, none = words.to_frame(), np.zeros((len(words), 0), np.int32)
    integer = OrdinalEncoder().fit_transform(cells)
    one_hot = OneHotEncoder(sparse_output=False).fit_transform(cells)
    return {
        "by hand": (words.map(BY_HAND).to_numpy(np.float32)[:, None], none, 0),
        "integer": (integer.astype(np.float32), none, 0),
        "one-hot": (one_hot.astype(np.float32), none, 0),
        "embedding": (np.zeros((len(words), 0), np.float32), integer.astype(np.int32), one_hot.shape[1]),
    }


def examples() -> list[Example]:
    """The textbook's three encoders on its own examples, beside the lab's."""
    places = sorted(COUNTRIES)
    # Every class once before the textbook's, so that the lab's encoder knows all.
    known = pd.Series([*range(CLASSES), *VECTOR])
    return [
        Example(
            f"integers of {', '.join(COUNTRIES)} (scikit-learn)",
            np.array([2, 1, 0]),
            np.array([places.index(country) for country in COUNTRIES]),
            LabelEncoder().fit_transform(COUNTRIES),
            encoded(pd.Series(COUNTRIES))["integer"][0][:, 0],
        ),
        Example(
            f"one-hot of {', '.join(COUNTRIES)}, columns in this order (scikit-learn)",
            np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]]),
            np.array([[own == country for country in COUNTRIES] for own in COUNTRIES], float),
            # Without categories its columns, as the lab's, are in the order of the alphabet.
            OneHotEncoder(categories=[COUNTRIES], sparse_output=False).fit_transform(np.array(COUNTRIES)[:, None]),
            encoded(pd.Series(COUNTRIES))["one-hot"][0][:, [places.index(country) for country in COUNTRIES]],
        ),
        Example(
            f"one-hot of {', '.join(map(str, VECTOR))} in {CLASSES} classes (Keras)",
            np.array([[0, 0, 1, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 1], [0, 0, 0, 0, 0, 0, 1], [0, 1, 0, 0, 0, 0, 0]]),
            np.eye(CLASSES)[list(VECTOR)],
            keras.utils.to_categorical(VECTOR, num_classes=CLASSES),
            encoded(known)["one-hot"][0][CLASSES:],
        ),
    ]


def picture(frames: Frames) -> Figure:
    """Log loss with standard errors, and the weights each needs."""
    frame = frames["encodings"]
    place = np.arange(len(frame))
    figure, (left, right) = panels(2)
    for offset, model in zip((-0.1, 0.1), MODELS, strict=True):
        error = frame[f"{model}_log_loss_se"]
        left.errorbar(place + offset, frame[f"{model}_log_loss"], yerr=error, fmt="o", label=model)
        right.bar(place + 2 * offset, frame[f"{model}_weights"], width=0.4, label=model)
    left.set_xticks(place, frame["encoding"])
    right.set_xticks(place, frame["encoding"])
    label(left, "Titles: loss on unseen rows (bars: its standard error)", "", "log loss", legend=True)
    label(right, "What each costs", "", "weights", legend=True)
    return figure


def sentence(frames: Frames) -> str:
    """What is to be seen."""
    frame = frames["encodings"].set_index("encoding")
    parts, apart = [], []
    for model, name in (("linear", "a linear model"), ("network", "a network")):
        losses = enumerated([f"{row[f'{model}_log_loss']:.3f} ({encoding})" for encoding, row in frame.iterrows()])
        parts.append(f"{name} reaches a log loss of {losses}")
        apart += [
            f"{encoding} {row[f'{model}_difference']:+.3f} ± {row[f'{model}_difference_se']:.3f} in {name}"
            for encoding, row in frame.iterrows()
            if not is_noise(row[f"{model}_difference"], row[f"{model}_difference_se"])
        ]
    others = f"no {'other ' if apart else ''}difference is beyond {BEYOND} standard errors"
    weights = enumerated([f"{row['network_weights']:.0f} ({encoding})" for encoding, row in frame.iterrows()])
    return (
        f"From the title alone {'; '.join(parts)}. Against {REFERENCE}, paired over the rows: "
        f"{'; '.join([*apart, others])}. The network has {weights} weights. {examples_sentence(examples())}"
    )


def table(_: Frames) -> pd.DataFrame:
    """The textbook's examples, which no run changes."""
    return examples_table(examples())


def measures(frames: Frames) -> dict[str, float]:
    """The network's loss with each encoding; the largest difference in the textbook's examples."""
    frame = frames["encodings"]
    losses = {
        f"encoding_log_loss_{row.encoding.replace(' ', '_').replace('-', '_')}": float(row.network_log_loss)
        for row in frame.itertuples()
    }
    return losses | {"encoding_largest_difference": max(each.difference for each in examples())}


LAB = Lab("encodings", "One column in four encodings", CHAPTER, ABOUT, run, picture, sentence, measures, table)
