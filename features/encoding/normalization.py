"""One affine map per fold, learned from its train rows: a missing number is filled, then (value - location) / scale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.errors import UserError

# Half-width at which the smooth clip of the robust method bends (RealMLP: Holzmueller et al., 2024).
CLIP = 3.0
LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Affine:
    """``location``, ``scale`` and ``fill``, each ``[d] float64``; ``clip``: whether the smooth clip follows."""

    location: np.ndarray
    scale: np.ndarray
    fill: np.ndarray
    clip: bool

    @classmethod
    def from_mapping(cls, entry: Mapping[str, Any], method: str) -> Affine:
        """From a fold's entry in ``normalization.json`` and the method there."""
        location, scale, fill = (np.array(entry[name], np.float64) for name in ("location", "scale", "fill"))
        return cls(location, scale, fill, method == "robust")

    def to_mapping(self) -> dict[str, Any]:
        """What ``from_mapping`` reads."""
        return {"location": self.location, "scale": self.scale, "fill": self.fill}

    def apply(self, values: np.ndarray) -> np.ndarray:
        """``[n, d]`` with NaN for missing -> finite ``[n, d] float32``."""
        scaled = (np.where(np.isnan(values), self.fill, values) - self.location) / self.scale
        scaled = np.clip(scaled, -LARGEST, LARGEST)
        if self.clip:
            scaled = scaled / np.sqrt(1 + (scaled / CLIP) ** 2)
        return scaled.astype(np.float32)


def binary_columns(encoding: Mapping[str, Any]) -> np.ndarray:
    """Which columns of a network's inputs hold 0 and 1 alone, ``[d + g] bool``: those of one-hot encodings and those
    that say whether a value is missing. ``encoding``: ``encoding.json``."""
    shared = [column["kind"] in ("onehot", "indicator") for column in encoding["columns"]]
    return np.array(shared + [False] * len(encoding["in_fold"]), bool)


def learn(method: str, values: np.ndarray, binary: np.ndarray) -> Affine:
    """The map of ``values [n, d]`` (a fold's train rows, NaN for missing).

    ``method``: zscore | minmax | robust (median and quartiles, smooth clip) | keras (``Normalization`` with
    ``adapt``) | none. Missing values are filled with the column's median, 0 where it is empty. A constant column maps
    to 0, and so does another value of it that comes later: no weight has learned what it means. Columns marked
    ``binary [d]`` hold 0 and 1, which need no such care; robust leaves them as they are, since quartiles say nothing of
    them. Raises ``UserError`` on an infinity, ``ValueError`` where there is no such method.
    """
    if np.isinf(values).any():
        column = int(np.flatnonzero(np.isinf(values).any(axis=0))[0])
        raise UserError(
            f"normalize: column number {column} holds an infinity. Correct the raw table, or drop the column."
        )
    empty = np.isnan(values).all(axis=0)
    fill = np.zeros(values.shape[1])
    fill[~empty] = np.nanmedian(values[:, ~empty], axis=0)
    fill[binary] = np.where(empty[binary], 0.0, np.round(fill[binary]))
    filled = np.where(np.isnan(values), fill, values).astype(np.float64)
    location, scale = _moments(method, filled)
    constant = np.ptp(filled, axis=0) == 0
    location = np.where(constant, filled[0], location)
    scale = np.where(constant | (scale == 0) | ~np.isfinite(scale), 1.0, scale)
    if method != "none":
        scale = np.where(constant & ~binary, LARGEST, scale)
    if method == "robust":
        location, scale = np.where(binary, 0.0, location), np.where(binary, 1.0, scale)
    return Affine(location, scale, fill, method == "robust")


def _moments(method: str, filled: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if method == "none":
        return np.zeros(filled.shape[1]), np.ones(filled.shape[1])
    if method == "keras":
        import keras  # the one method that needs Keras, and with it TensorFlow

        layer = keras.layers.Normalization(axis=-1)
        layer.adapt(filled.astype(np.float32))
        return np.array(layer.mean).reshape(-1), np.sqrt(np.array(layer.variance)).reshape(-1)
    if method == "minmax":
        return filled.min(axis=0), np.ptp(filled, axis=0)
    if method == "robust":
        # Quartiles 1.35 standard deviations apart in a normal column; where they coincide, the range serves.
        low, high = np.quantile(filled, [0.25, 0.75], axis=0)
        return np.median(filled, axis=0), np.where(high > low, high - low, np.ptp(filled, axis=0))
    if method == "zscore":
        return filled.mean(axis=0), filled.std(axis=0)
    raise ValueError(f"no normalization {method!r}")
