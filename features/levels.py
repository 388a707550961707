"""What the target is among the rows of each level of a column: which kinds of rows have which answer.

Nothing learns from this: it is for the person who reads the report.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.contract import Contract, levels_of

# Numbers of more different values are cut into parts of about as many rows; other columns of more levels are left out.
MOST_LEVELS = 10
PARTS = 4
# The mean of fewer rows says little, and its standard error nothing.
FEWEST_ROWS = 5
MISSING = "missing"


@dataclass(frozen=True)
class Level:
    """The ``mean`` of the target over a level's ``rows`` and its standard ``error`` (of a share by Agresti and Coull,
    1998: two rows of each class more, so that none is certain)."""

    level: str
    rows: int
    mean: float
    error: float


@dataclass(frozen=True)
class Levels:
    """A ``column``'s levels, words by their mean, numbers by their size, ``missing`` last. ``explained``: the share of
    the target's variance that lies between them, less what chance would put there (adjusted R squared)."""

    column: str
    levels: tuple[Level, ...]
    explained: float

    def to_mapping(self) -> dict[str, Any]:
        """For JSON, with six digits."""
        return {
            "column": self.column,
            "explained": float(f"{self.explained:.6g}"),
            "levels": [
                asdict(one) | {"mean": float(f"{one.mean:.6g}"), "error": float(f"{one.error:.6g}")}
                for one in self.levels
            ],
        }


def levels(contract: Contract, train: pd.DataFrame, task: str) -> list[Levels]:
    """The columns of the typed table ``train`` that have two levels or more, those first that tell most.

    The target's mean is the share of the higher of two classes (``contract.levels_of``), or a regression's mean;
    several classes have none, so there the list is empty.
    """
    if task == "multiclass":
        return []
    target = train[contract.target]
    if task == "binary":
        target = target == levels_of(target)[1]
    values = target.to_numpy(float)
    found = []
    for column in contract.features:
        number = column.type == "number"
        level, order = _parts(train[column.name]) if number else _words(train[column.name])
        rows = [np.flatnonzero(level == name) for name in order]
        kept = [(name, values[own]) for name, own in zip(order, rows, strict=True) if len(own) >= FEWEST_ROWS]
        if len(kept) < 2:
            continue
        named = [Level(name, len(own), float(own.mean()), _error(own, task == "binary")) for name, own in kept]
        if not number:
            named.sort(key=lambda one: (one.level == MISSING, -one.mean))
        found.append(Levels(column.name, tuple(named), _explained([y for _, y in kept])))
    return sorted(found, key=lambda one: -one.explained)


def _words(cells: pd.Series) -> tuple[np.ndarray, list[str]]:
    """Each row's level and all levels; none where there are too many."""
    known = sorted(map(str, cells.dropna().unique()))
    if len(known) > MOST_LEVELS:
        return np.array([]), []
    return cells.where(cells.isna(), cells.astype(str)).fillna(MISSING).to_numpy(object), [*known, MISSING]


def _parts(cells: pd.Series) -> tuple[np.ndarray, list[str]]:
    """Likewise of numbers: each value, or ``PARTS`` parts, named by the greatest value in them."""
    known = cells.dropna().to_numpy(float)
    ends = np.unique(known)
    if len(ends) > MOST_LEVELS:
        ends = np.unique(np.quantile(known, np.arange(1, PARTS + 1) / PARTS, method="lower"))
    names = [f"{end:.6g}" for end in ends]
    if len(ends) < len(np.unique(known)):
        names = [*(f"up to {name}" for name in names[:-1]), f"over {names[-2]}"] if len(names) > 1 else []
    place = np.searchsorted(ends, cells.fillna(np.inf).to_numpy(float))
    named = np.array([*names, MISSING], object)
    return named[np.minimum(place, len(named) - 1)], list(named)


def _error(values: np.ndarray, share: bool) -> float:
    if share:
        rows, mean = len(values) + 4, (values.sum() + 2) / (len(values) + 4)
        return float(np.sqrt(mean * (1 - mean) / rows))
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def _explained(parts: list[np.ndarray]) -> float:
    every = np.concatenate(parts)
    total = float(((every - every.mean()) ** 2).sum())
    within = float(sum(((part - part.mean()) ** 2).sum() for part in parts))
    if not total or len(every) <= len(parts):
        return 0.0
    return 1 - (within / (len(every) - len(parts))) / (total / (len(every) - 1))
