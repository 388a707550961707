"""The target of a regression in units that suit a network, and the way back for its answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

# What makes a logarithm of a target.
LOGARITHMS = ("log", "log1p", "log1p_mean")
# A positive target more skewed than this is learned as its logarithm. A normal sample of 100 stays below 0.7.
SKEWED = 1.0
# A target has heavy tails where its standard deviation is more than so many times that of a normal one with the same
# quartiles, which lie 1.349 standard deviations apart.
HEAVY, QUARTILES = 3.0, 1.349


def choose(target: np.ndarray, metric: str, setting: str) -> str:
    """``none``, ``log``, ``log1p``, ``log1p_mean`` or ``asinh`` for ``target [t]``; ``setting``: auto | log | none.

    auto: ``log1p`` where the metric is RMSLE, which compares those; else ``log`` where all values are positive and
    their skewness is above 1 and smaller after the logarithm, or MAPE judges, to which ratios count. Where zeros stand
    among them, ``log1p_mean``, the logarithm of 1 more than the value in units of the mean, by the same rule and for
    RMSE alone: MAE gains nothing from it. Else ``asinh``, a logarithm to both sides of the median, where tails are
    heavy and MAE judges: medians of what is so transformed are medians, while a mean would be another one. log: as far
    as there is one, none where negative values stand.
    """
    if setting == "none":
        return "none"
    if metric == "rmsle" and target.min() > -1:
        return "log1p"
    if target.min() >= 0 and target.any():
        name = "log" if target.min() > 0 else "log1p_mean"
        ratios = name == "log" and metric == "mape"
        if setting == "log" or ratios or ((name == "log" or metric == "rmse") and tamed(target, name)):
            return name
    return "asinh" if setting == "auto" and metric == "mae" and heavy_tailed(target) else "none"


def heavy_tailed(values: np.ndarray) -> bool:
    """Whether a few of ``values [n]`` make most of their standard deviation, so that in its units nothing would be left
    of the others. Not where half of them are one."""
    between = float(np.subtract(*np.quantile(values, [0.75, 0.25])))
    return between > 0 and float(values.std()) > HEAVY * between / QUARTILES


def tamed_by_logarithm(values: np.ndarray) -> bool:
    """Whether ``values [n]`` are positive and skewed to the right, and less skewed after the logarithm."""
    return len(values) > 0 and values.min() > 0 and tamed(values, "log")


def tamed(values: np.ndarray, name: str) -> bool:
    """Whether ``values [n]`` are skewed to the right, and less skewed after the transform ``name``."""
    skewed = skewness(values)
    return skewed > SKEWED and abs(skewness(transformed(name, values, origin_of(name, values)))) < skewed


def skewness(values: np.ndarray) -> float:
    """Third standardised moment of ``values [n]``; 0 where they are constant."""
    centred = values.astype(np.float64) - values.mean(dtype=np.float64)
    spread = float(np.sqrt(np.mean(centred**2)))
    return float(np.mean((centred / spread) ** 3)) if spread > 0 else 0.0


def origin_of(name: str, target: np.ndarray) -> tuple[float, float]:
    """The centre that is subtracted from a target before the transform ``name``, and the unit that it is divided by
    then, by the rows ``target [k]``: so that what a table is written in decides nothing. 0 and 1 where the transform
    has no use for them."""
    if name == "log1p_mean":
        return 0.0, float(target.mean(dtype=np.float64)) or 1.0
    if name == "asinh":
        low, middle, high = np.quantile(target.astype(np.float64), [0.25, 0.5, 0.75])
        return float(middle), float(high - low) / QUARTILES or 1.0
    return 0.0, 1.0


def transformed(name: str, target: np.ndarray, origin: tuple[float, float]) -> np.ndarray:
    """``target`` from its ``origin_of`` on as float64, its logarithm where the transform ``name`` says so."""
    centre, unit = origin
    forward, _ = _TRANSFORMS[name]
    return forward((target.astype(np.float64) - centre) / unit)


# Each transform and the way back from it.
_TRANSFORMS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray]]] = {
    "none": (np.positive, np.positive),
    "log": (np.log, np.exp),
    "log1p": (np.log1p, np.expm1),
    "log1p_mean": (np.log1p, np.expm1),
    "asinh": (np.arcsinh, np.sinh),
}


@dataclass(frozen=True)
class TargetScale:
    """A transform and, for each of ``F`` folds, mean and standard deviation of the transformed train targets, their
    range, and the ``centre`` and ``unit`` of ``origin_of`` before that. For classes nothing is changed."""

    transform: str
    location: np.ndarray
    scale: np.ndarray
    low: np.ndarray
    high: np.ndarray
    centre: np.ndarray
    unit: np.ndarray

    @classmethod
    def fit(cls, transform: str, target: np.ndarray, train: np.ndarray) -> TargetScale:
        """From ``target [t]`` and ``train [t, F] bool``, the rows each fold learns from."""
        origins = [origin_of(transform, target[rows]) for rows in train.T]
        parts = [transformed(transform, target, one)[rows] for rows, one in zip(train.T, origins, strict=True)]
        return cls(
            transform,
            np.array([part.mean() for part in parts]),
            # Of values that are all alike rounding leaves a deviation of its own.
            np.array([part.std() if np.ptp(part) else 1.0 for part in parts]),
            np.array([part.min() for part in parts]),
            np.array([part.max() for part in parts]),
            *np.array(origins).T,
        )

    @classmethod
    def unchanged(cls, folds: int) -> TargetScale:
        """The scale that changes nothing, for classes: location 0, scale 1 and no bounds in each of ``folds``."""
        no, yes = np.zeros(folds), np.ones(folds)
        return cls("none", no, yes, np.full(folds, -np.inf), np.full(folds, np.inf), no, yes)

    @classmethod
    def from_mapping(cls, entry: Mapping[str, Any], folds: int) -> TargetScale:
        """From ``normalization.json``'s ``target``, an empty mapping there for classes."""
        if not entry:
            return cls.unchanged(folds)
        location, scale, low, high = (np.array(entry[name]) for name in ("location", "scale", "low", "high"))
        centre, unit = np.array(entry.get("centre", np.zeros(folds))), np.array(entry.get("unit", np.ones(folds)))
        return cls(entry["transform"], location, scale, low, high, centre, unit)

    def to_mapping(self) -> dict[str, Any]:
        """What ``from_mapping`` reads."""
        return {
            "transform": self.transform,
            "location": self.location,
            "scale": self.scale,
            "low": self.low,
            "high": self.high,
            **({"centre": self.centre, "unit": self.unit} if self.transform in ("log1p_mean", "asinh") else {}),
        }

    def standard(self, target: np.ndarray) -> np.ndarray:
        """``target [t]`` -> ``[F, t] float32``, what each fold's networks learn."""
        origins = zip(self.centre, self.unit, strict=True)
        values = np.stack([transformed(self.transform, target, origin) for origin in origins])
        return ((values - self.location[:, None]) / self.scale[:, None]).astype(np.float32)

    def original(self, answers: np.ndarray, fold: np.ndarray, clip: bool) -> np.ndarray:
        """Members' ``answers [m, n, c] float32`` in the target's own units, of classes as they are, of a regression
        ``float64``: far from 0, 32 bits would leave little of what a network tells apart. ``clip``: moved into the
        range of the train targets of their ``fold [m]``. Infinite beyond 3.4e38, where squares have no number."""
        if not np.isfinite(self.low).any():  # classes
            return answers.astype(np.float32, copy=False)
        values = answers.astype(np.float64) * self.scale[fold, None, None] + self.location[fold, None, None]
        if clip:
            values = np.clip(values, self.low[fold, None, None], self.high[fold, None, None])
        _, back = _TRANSFORMS[self.transform]
        with np.errstate(over="ignore"):
            values = back(values) * self.unit[fold, None, None] + self.centre[fold, None, None]
        return np.where(np.abs(values) > np.finfo(np.float32).max, np.copysign(np.inf, values), values)
