"""What every lab has: the material it works on, the members it trains, and what it hands over.

The core of a lab is three functions: ``run`` makes the plot data, ``picture`` and ``sentence`` are made from that data
alone (and from the textbook's examples, which no run changes), so that neither can say what the run did not find.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from features.errors import enumerated
from features.roles import STOP, TRAIN
from pipeline.nets.fit import Fit, fit
from pipeline.nets.members import members_of
from pipeline.nets.source import Source
from pipeline.nets.table import Table
from pipeline.runtime import seed_for
from pipeline.settings import Labs

Frames = dict[str, pd.DataFrame]
# The ways to a figure of the textbook agree when they differ by no more than this.
AGREEMENT = 1e-6
# A train loss that is not lower than that of one answer to all rows by more than this is no better.
NOTHING = 0.01
# The network that the labs vary; what a lab does not say is as here.
BASE: dict[str, Any] = {
    "depth": 2,
    "width": 32,
    "dropout": 0.0,
    "l1": 0.0,
    "l2": 0.0,
    "initializer": "glorot_uniform",
    "activation": "relu",
    "learning_rate": 1e-3,
    "batch_size": 64,
}


@dataclass(frozen=True)
class Material:
    """Titanic's labelled rows as the normalize stage left them, cut to the labs' folds, and some raw columns.

    ``table``: inputs scaled in each fold, with the folds' roles; ``numbers [t, d] float64``: raw columns, NaN where
    missing; ``titles [t]``: one categorical column as words.
    """

    table: Table
    numbers: np.ndarray
    titles: pd.Series
    plan: Labs
    seed: int

    @property
    def folds(self) -> int:
        """``F``."""
        return self.table.roles.shape[1]


@dataclass(frozen=True)
class Lab:
    """``name`` names its files; ``chapter``: where the textbook has it, by its headings and figures; ``about`` says in
    plain words what it is about and what is done; ``run`` gives the plot data by file name. ``table`` may show some
    of it on the page."""

    name: str
    title: str
    chapter: str
    about: str
    run: Callable[[Material], Frames]
    picture: Callable[[Frames], Figure]
    sentence: Callable[[Frames], str]
    measures: Callable[[Frames], dict[str, float]]
    table: Callable[[Frames], pd.DataFrame] | None = None


@dataclass(frozen=True)
class Example:
    """An example that the textbook prints, ``textbook``, and what the ways to it give: ``by_hand``, by the ``library``
    that the textbook takes, and ``here``, by what encodes or scales in this project. No run changes it."""

    figure: str
    textbook: np.ndarray
    by_hand: np.ndarray
    library: np.ndarray
    here: np.ndarray

    @property
    def difference(self) -> float:
        """The largest difference between the results by hand, by the library and here; without the textbook's figure,
        which is rounded."""
        return float(np.ptp(np.stack([self.by_hand, self.library, self.here]).astype(np.float64), axis=0).max())


def examples_table(examples: Sequence[Example]) -> pd.DataFrame:
    """As the page shows them, a row an example."""
    rows = [
        (each.figure, *(written(way) for way in (each.textbook, each.by_hand, each.library, each.here)))
        for each in examples
    ]
    return pd.DataFrame(rows, columns=["figure", "textbook", "by hand", "library", "here"])


def written(values: np.ndarray) -> str:
    """``[n]`` or ``[n, d]`` as text, a semicolon between rows."""
    return "; ".join(" ".join(f"{float(value):.6g}" for value in np.atleast_1d(row)) for row in values)


def examples_sentence(examples: Sequence[Example]) -> str:
    """Whether the three ways agree."""
    apart = [each.figure for each in examples if each.difference > AGREEMENT]
    if apart:
        return f"By hand, library and project do not agree on the textbook's {enumerated(apart)}."
    largest = max(each.difference for each in examples)
    closely = f"to {largest:.1g}" if largest else "exactly"
    return f"The textbook's {len(examples)} examples agree by hand, by the library and here, {closely}."


def train(
    material: Material,
    lab: str,
    source: Source,
    settings: Sequence[dict[str, Any]],
    epochs: int,
    patience: int | None = None,
) -> Fit:
    """Every setting in every fold, as members of as few programs as their shapes allow; member ``setting * F + fold``.

    Members of one fold share their seed, so that settings differ in nothing but what is set, unless a setting names a
    ``copy`` of its own. Without ``patience`` nothing stops early.
    """
    pairs = [(setting, fold) for setting in settings for fold in range(source.roles.shape[1])]
    members = members_of(
        [{**BASE, **setting} for setting, _ in pairs],
        [fold for _, fold in pairs],
        [
            seed_for(material.seed, "labs", lab, setting.get("copy", 0), fold % material.folds)
            for setting, fold in pairs
        ],
    )
    return fit(members, source, "binary", epochs, patience or epochs + 1)


def by_setting(values: np.ndarray, settings: int) -> np.ndarray:
    """``[m, ...]`` of ``train`` as ``[setting, fold, ...]``, in 64 bits: a rounded number of 32 is written with
    ten digits."""
    return values.reshape(settings, -1, *values.shape[1:]).astype(np.float64)


def row_loss(loss: np.ndarray, roles: np.ndarray, role: int) -> np.ndarray:
    """Mean over the rows of one role: ``loss [setting, F, t]``, ``roles [t, F]`` -> ``[setting, F]``."""
    counted = (roles == role).T
    return np.where(counted, loss, 0.0).sum(axis=-1) / counted.sum(axis=-1)


def constant_loss(material: Material) -> float:
    """Log loss of answering all train rows with their share of class 1, mean over folds."""
    shares = [
        float(target[roles == TRAIN].mean())
        for target, roles in zip(material.table.target, material.table.roles.T, strict=True)
    ]
    return float(np.mean([-share * np.log(share) - (1 - share) * np.log(1 - share) for share in shares]))


def standard_error(values: np.ndarray) -> np.ndarray:
    """Of the mean along the last axis."""
    return values.std(axis=-1, ddof=1) / np.sqrt(values.shape[-1])


def paired(loss: np.ndarray, other: np.ndarray, counted: np.ndarray) -> tuple[float, float]:
    """How much higher ``loss [F, t]`` is than ``other [F, t]``, mean over folds of the means over the rows ``counted
    [F, t] bool``, and its standard error over rows: what several folds say of one row is no draw of its own (Liang and
    Zeger, 1986)."""
    weight = counted / counted.sum(axis=1, keepdims=True) / len(counted)
    difference = np.where(counted, loss - other, 0.0)
    mean = float((weight * difference).sum())
    apart = (weight * (difference - mean)).sum(axis=0)[counted.any(axis=0)]
    return mean, float(np.sqrt((apart**2).sum() * len(apart) / (len(apart) - 1)))


def watched(table: Table) -> Table:
    """The table with every row that does not train on watch: its stop loss is the curve of unseen rows.

    Such a loss may be shown, as nothing is chosen by it; with early stopping it would no longer be one of unseen rows.
    """
    return replace(table, roles=np.minimum(table.roles, STOP).astype(np.int8))


def sentence_case(words: str) -> str:
    """With a capital at the start."""
    return words[:1].upper() + words[1:]
