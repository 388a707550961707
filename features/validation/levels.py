"""What the target is among the rows of each level of a column: which kinds of rows have which answer.

Nothing learns from this: it is for the person who reads the report.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.contracts.contract import Contract
from features.contracts.words import classes_in_order
from features.scoring import estimation, metrics

# Numbers of more different values are cut into parts of about as many rows; other columns of more levels are left out.
MOST_LEVELS = 10
PARTS = 4
# The mean of fewer rows says little, and its standard error nothing.
FEWEST_ROWS = 5
MISSING = "missing"


@dataclass(frozen=True)
class Level:
    """The ``mean`` of the target over a level's ``rows`` and its standard ``error``, see ``_error``."""

    level: str
    rows: int
    mean: float
    error: float


@dataclass(frozen=True)
class Levels:
    """A ``column``'s levels, words by their mean, numbers by their size, ``missing`` last. ``explained``: the share of
    the target's variance that lies between them, less what chance would put there (adjusted R squared). ``share_of``:
    the class whose shares the means are, empty for a regression."""

    column: str
    share_of: str
    levels: tuple[Level, ...]
    explained: float

    def to_mapping(self) -> dict[str, Any]:
        """For JSON, with six digits."""
        return {
            "column": self.column,
            "share_of": self.share_of,
            "explained": float(f"{self.explained:.6g}"),
            "levels": [
                asdict(one) | {"mean": float(f"{one.mean:.6g}"), "error": float(f"{one.error:.6g}")}
                for one in self.levels
            ],
        }


def levels(
    contract: Contract, train: pd.DataFrame, task: str, groups: np.ndarray | None = None, positive: str = ""
) -> list[Levels]:
    """The columns of the typed table ``train`` that have two levels or more, those first that tell most.

    The target's mean is the share of the second of two classes (``words.classes_in_order``), or a regression's mean;
    several classes have none, so there the list is empty. ``groups [t]``: a label of the rows that belong together, if
    any do, by which a standard error does not take them for as many unrelated ones.
    """
    if task == "multiclass":
        return []
    target, higher = train[contract.target], ""
    if task == "binary":
        higher = classes_in_order(target, positive)[1]
        target = target == higher
    values = target.to_numpy(float)
    found = []
    for column in contract.features:
        number = column.type == "number"
        place, names = _parts(train[column.name]) if number else _words(train[column.name])
        of_levels = [(name, place == level) for level, name in enumerate(names)]
        missing = [(MISSING, train[column.name].isna().to_numpy())] if names else []
        kept, missing = ([one for one in parts if one[1].sum() >= FEWEST_ROWS] for parts in (of_levels, missing))
        if not number:
            kept.sort(key=lambda one: -values[one[1]].mean())
        if len(kept + missing) < 2:
            continue
        told = []
        for name, rows in kept + missing:
            error = _error(values[rows], task == "binary", None if groups is None else groups[rows])
            told.append(Level(name, int(rows.sum()), float(values[rows].mean()), error))
        explained = _explained([values[rows] for _, rows in kept + missing])
        found.append(Levels(column.name, higher, tuple(told), explained))
    return sorted(found, key=lambda one: -one.explained)


def _words(cells: pd.Series) -> tuple[np.ndarray, list[str]]:
    """The place of each row's level among all levels, -1 where it is missing, and their names; none where there are
    too many."""
    place, levels = pd.factorize(cells, sort=True)
    return place, [str(level) for level in levels] if len(levels) <= MOST_LEVELS else []


def _parts(cells: pd.Series) -> tuple[np.ndarray, list[str]]:
    """Likewise of numbers: each value, or ``PARTS`` parts, named by the greatest value in them."""
    place, every = pd.factorize(cells, sort=True)
    if len(every) <= MOST_LEVELS:
        return place, [f"{value:.15g}" for value in every]
    ends = np.unique(np.quantile(cells.dropna(), np.arange(1, PARTS + 1) / PARTS, method="lower"))
    names = [*(f"up to {end:.15g}" for end in ends[:-1]), f"over {ends[-2]:.15g}"] if len(ends) > 1 else []
    return np.where(place < 0, -1, np.searchsorted(ends, cells)), names


def _error(values: np.ndarray, share: bool, groups: np.ndarray | None) -> float:
    """The standard error of the mean of ``values [k]``, of a ``share`` by ``metrics.share_error``: of so many fewer
    rows as rows of one of ``groups [k]`` tell the same."""
    effect = _design_effect(values, groups)
    if share:
        return metrics.share_error(float(values.sum()) / effect, len(values) / effect)
    return metrics.mean_error(values) * float(np.sqrt(effect))


def _design_effect(values: np.ndarray, groups: np.ndarray | None) -> float:
    """``estimation.design_effect``, but that of groups of one value each where nothing tells how alike they are: where
    all rows have one value, or are of one group."""
    if groups is None:
        return 1.0
    sizes = np.unique(groups, return_counts=True)[1]
    if len(sizes) < 2 or (values == values[0]).all():
        return float((sizes**2).sum() / len(values))
    return estimation.design_effect(values, groups)


def _explained(parts: list[np.ndarray]) -> float:
    every = np.concatenate(parts)
    total = float(((every - every.mean()) ** 2).sum())
    within = float(sum(((part - part.mean()) ** 2).sum() for part in parts))
    if not total or len(every) <= len(parts):
        return 0.0
    return 1 - (within / (len(every) - len(parts))) / (total / (len(every) - 1))
