"""Lab 4, encodings: one categorical column as numbers in four ways, what each costs and how well it predicts."""

from __future__ import annotations

import keras
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.preprocessing import LabelEncoder, OneHotEncoder, OrdinalEncoder

from features.roles import SCORE
from pipeline.lab.laboratory import (
    Example,
    Frames,
    Lab,
    Material,
    by_setting,
    examples_sentence,
    examples_table,
    listed,
    standard_error,
    train,
)
from pipeline.nets.sources import EMBEDDING_UNITS, Table
from pipeline.pictures import label, panels

# "Women and children first", written down before any label was looked at.
BY_HAND = {"Mr": 0.0, "Other": 1.0, "Master": 2.0, "Miss": 3.0, "Mrs": 4.0}
WIDTH, RATE = 16, 1e-2
# The textbook's examples: countries for scikit-learn's LabelEncoder, classes for Keras's to_categorical.
COUNTRIES = ("Korea", "Japan", "China")
VECTOR, CLASSES = (2, 6, 6, 1), 7


def run(material: Material) -> Frames:
    """A row an encoding: its cost, and the log loss of a linear model and of a network on rows that score."""
    rows, roles = [], material.table.roles
    for name, (inputs, codes, levels) in encoded(material.titles).items():
        table = Table(
            np.repeat(inputs[None], material.folds, axis=0), codes, levels, material.table.target, roles, outputs=1
        )
        columns = inputs.shape[1] + codes.shape[1] * EMBEDDING_UNITS
        row = {"encoding": name, "columns": columns}
        for model, depth in (("linear", 0), ("network", 1)):
            setting = {"depth": depth, "width": WIDTH, "learning_rate": RATE, "batch_size": 128}
            found = train(material, f"encodings {model}", table, [setting], material.plan.epochs)
            # Folds score different rows, so all scored rows together are one sample.
            loss = by_setting(found.loss, 1)[0][(roles == SCORE).T]
            row[f"{model}_log_loss"] = loss.mean()
            row[f"{model}_log_loss_se"] = standard_error(loss)
            row[f"{model}_weights"] = weights(columns, depth) + levels * EMBEDDING_UNITS * codes.shape[1]
            row[f"{model}_products"] = columns * WIDTH + WIDTH if depth else columns
        rows.append(row)
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
    """The textbook's two encoders on its own examples, beside the lab's."""
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
    for offset, model in ((-0.1, "linear"), (0.1, "network")):
        error = frame[f"{model}_log_loss_se"]
        left.errorbar(place + offset, frame[f"{model}_log_loss"], yerr=error, fmt="o", label=model)
        right.bar(place + 2 * offset, frame[f"{model}_weights"], width=0.4, label=model)
    left.set_xticks(place, frame["encoding"])
    right.set_xticks(place, frame["encoding"])
    label(left, "Titles: loss on unseen rows", "", "log loss", legend=True)
    label(right, "What it costs", "", "weights", legend=True)
    return figure


def sentence(frames: Frames) -> str:
    """What is to be seen."""
    frame = frames["encodings"].set_index("encoding")
    parts = [
        f"{model} reaches a log loss of "
        + listed([f"{row[f'{name}_log_loss']:.3f} ({encoding})" for encoding, row in frame.iterrows()])
        for name, model in (("linear", "a linear model"), ("network", "a network"))
    ]
    worst, best = frame["linear_log_loss"].idxmax(), frame["network_log_loss"].idxmin()
    return (
        f"From the title alone {'; '.join(parts)}, each ± {frame['network_log_loss_se'].max():.3f}. To the linear "
        f"model {worst} is worst; the network does best with {best} at {int(frame['network_weights'][best])} weights "
        f"(fewest: {int(frame['network_weights'].min())}). {examples_sentence(examples())}"
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


LAB = Lab("encodings", "One column in four encodings", run, picture, sentence, measures, table)
