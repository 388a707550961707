"""Embeddings of numbers: what a column of numbers becomes before the first dense layer.

``piecewise_linear``: bins between quantiles of the fold's train rows, or between all their values where those are few.
A number is the list of how far it has come in each bin, 1 below its own and 0 above (Gorishniy et al., 2022; unlike
there, bins end with the train rows, so what lies far beyond the first one, which may be narrow, is no huge number).
With ``units``, ``linear(x) + linear(bins)`` follows for each column, the second starting at 0, so that a network starts
as one without bins (as in TabM, Gorishniy et al., 2025); without, the bins stand beside the number.

``periodic``: the number itself beside ``units - 1`` linear combinations of ``cos(2 pi frequency x + phase)``, the
frequencies learned too (the form called PBLD in RealMLP, Holzmueller et al., 2024; periodic embeddings are of Gorishniy
et al., 2022).

Shapes: ``n`` columns of numbers, ``T`` bins, ``h`` frequencies per column, ``e`` units per column.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

# A bin: where it begins, and one over its width.
BINS = ("bins_left", "bins_inverse")
# The same as lines, see ``lines_of``.
LINES = ("lines_from", "lines_of_bins")
# Frequencies per column.
FREQUENCIES = 16


@dataclass(frozen=True)
class Numbers:
    """``kind``: plain | piecewise_linear | periodic; ``bins`` and ``units`` per column."""

    kind: str = "plain"
    bins: int = 0
    units: int = 0

    @property
    def width(self) -> int:
        """Inputs of the first dense layer that a column becomes."""
        if self.kind == "plain":
            return 1
        return self.units or 1 + self.bins

    @property
    def pieces(self) -> int:
        """Bins or frequencies of a column."""
        return FREQUENCIES if self.kind == "periodic" else self.bins

    def weights(self, columns: int, generator: np.random.Generator) -> dict[str, np.ndarray]:
        """One member's first weights. ``numbers_frequency [n, h]`` has standard deviation 1."""
        if self.kind == "periodic":
            bound = 1 / np.sqrt(FREQUENCIES)
            drawn = {
                "numbers_frequency": generator.normal(size=(columns, FREQUENCIES)),
                "numbers_phase": generator.uniform(-np.pi, np.pi, (columns, FREQUENCIES)),
                "numbers_mix": generator.uniform(-bound, bound, (columns * FREQUENCIES, self.units - 1)),
                "numbers_bias": generator.uniform(-bound, bound, (columns, self.units - 1)),
            }
        elif self.units:
            bound = 1 / np.sqrt(self.units)
            drawn = {
                "numbers_linear": generator.uniform(-bound, bound, (columns, self.units)),
                "numbers_bias": generator.uniform(-bound, bound, (columns, self.units)),
                "numbers_pieces": np.zeros((columns * self.bins, self.units)),
            }
        else:
            drawn = {}
        return {name: weight.astype(np.float32) for name, weight in drawn.items()}


def columns_of_numbers(inputs: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Which columns hold numbers rather than two values: ``inputs [F, t, d]``, ``train [t, F] bool`` -> ``[k] int32``.

    A column counts as numbers where some fold's train rows hold a third value.
    """
    found = np.zeros(inputs.shape[2], bool)
    for fold, values in enumerate(inputs):
        values = values[train[:, fold % train.shape[1]]]
        found |= ((values > values.min(axis=0)) & (values < values.max(axis=0))).any(axis=0)
    return np.flatnonzero(found).astype(np.int32)


def bins_of(inputs: np.ndarray, train: np.ndarray, count: int) -> dict[str, np.ndarray]:
    """Bins of each fold and column: ``inputs [F, t, n]`` -> the arrays of ``BINS``, each ``[F, n, count] float32``.

    Edges are the values of the fold's train rows where they are few enough, so that a rare one is not passed over, else
    quantiles. Where there are fewer edges, the spare bins at the end are always 0.
    """
    folds, _, columns = inputs.shape
    found = {name: np.zeros((folds, columns, count), np.float32) for name in BINS}
    for fold, values in enumerate(inputs):
        values = values[train[:, fold % train.shape[1]]].astype(np.float64)
        quantiles = np.quantile(values, np.linspace(0, 1, count + 1), axis=0).astype(np.float32)
        for column in range(columns):
            edges = np.unique(values[:, column].astype(np.float32))
            if len(edges) > count + 1:
                edges = np.unique(quantiles[:, column])
            used = len(edges) - 1
            found["bins_left"][fold, column, :used] = edges[:-1]
            found["bins_inverse"][fold, column, :used] = 1 / np.diff(edges)
    return found


def lines_of(bins: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays of ``BINS``, each ``[F, n, T]``, as lines along which numbers come into them: from where numbers are
    counted ``[F, n, 1]``, and slopes and starts ``[F, n, T, 2]``."""
    left, inverse = (bins[name] for name in BINS)
    # Counted from the narrowest bin: from 0, which narrow bins may be far from (of a column with a few values such as
    # -999), a share would be the difference of two large products, and noise.
    origin = np.take_along_axis(left, np.argmax(inverse, axis=2, keepdims=True), axis=2)
    return dict(zip(LINES, (origin, np.stack([inverse, (origin - left) * inverse], axis=3)), strict=True))
