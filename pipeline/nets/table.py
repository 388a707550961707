"""Rows of a table: columns, embedded categories and numbers; each member draws its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
from keras import ops

from features.roles import TRAIN
from pipeline.nets.layers import embed, embed_numbers, multiply
from pipeline.nets.numbers import LINES, Numbers, bins_of, columns_of_numbers, lines_of
from pipeline.nets.source import Arrays, Tensor, standing_in

EMBEDDING_UNITS = 4


@dataclass(frozen=True)
class TableLayout:
    """Rows of a table, with ``embedded`` columns of category codes and what its numbers become."""

    embedded: int
    numbers: Numbers
    distorts: ClassVar[bool] = False
    precision: ClassVar[str] = "float32"

    def batch(
        self, arrays: Arrays, rows: Tensor, weights: Arrays, draws: Tensor | None
    ) -> Tensor | tuple[Tensor, Tensor]:
        """``[m, b, i]``: the columns; where there are vectors, the columns without any, and the vectors of numbers and
        of categories, ``[m, b, j]``; see ``Layout``. Inputs of columns that a member does not see are 0."""
        rows = standing_in(rows)
        place = rows + arrays["first"]
        columns = ops.take(arrays["inputs"], place, axis=0)  # [m, b, d], or those that have no vectors
        seen = arrays.get("columns")  # [m, d + embedded]
        vectors = []
        if self.numbers.kind != "plain":
            of_numbers = self._vectors_of_numbers(arrays, place, weights)
            if seen is not None:
                columns *= ops.take(seen, arrays["other_columns"], axis=1)[:, None]
                shown = ops.take(seen, arrays["number_columns"], axis=1)[:, None]
                of_numbers *= ops.repeat(shown, self.numbers.width, axis=-1)  # the vector of a 0 is none
            vectors.append(of_numbers)
        elif seen is not None:
            columns *= seen[:, None, : ops.shape(columns)[2]]
        if self.embedded:
            of_categories = embed(ops.take(arrays["codes"], rows, axis=0), weights["embedding"])
            if seen is not None:
                of_categories *= ops.repeat(seen[:, None, -self.embedded :], EMBEDDING_UNITS, axis=-1)
            vectors.append(of_categories)
        if not vectors:
            return columns
        return columns, ops.concatenate(vectors, axis=-1) if len(vectors) > 1 else vectors[0]

    def _vectors_of_numbers(self, arrays: Arrays, place: Tensor, weights: Arrays) -> Tensor:
        """``[m, b, k * width]``."""
        numbers, bins = ops.take(arrays["numbers"], place, axis=0), None
        if self.numbers.kind == "piecewise_linear":
            bins = {name: arrays[name] for name in LINES}
        return embed_numbers(numbers, weights, bins, self.numbers.pieces)

    def mixed(self, rows: Tensor, draws: Tensor | None) -> None:
        """Rows of a table stay apart."""

    def project(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        """The batched matrix product."""
        return multiply(inputs, kernel)


@dataclass(frozen=True)
class Table:
    """The arrays that every member of a tabular search may draw from.

    ``inputs [s * F, n, d] float32``: ``s`` scaled copies of each fold, ``codes [n, e] int32`` (columns with a learned
    embedding), ``levels``: how many codes there are, ``target [F, t]``, ``roles [t, F]`` (see ``features.roles``),
    ``outputs``: units of the last layer, ``numbers``: what columns of numbers become.
    """

    inputs: np.ndarray
    codes: np.ndarray
    levels: int
    target: np.ndarray
    roles: np.ndarray
    outputs: int
    numbers: Numbers = Numbers()
    shared: ClassVar[bool] = False
    draws: ClassVar[int] = 0

    @property
    def rows(self) -> int:
        """``n``."""
        return self.inputs.shape[1]

    @property
    def fan_in(self) -> int:
        """Columns, and units of the embeddings."""
        embedded = len(self.number_columns) * (self.numbers.width - 1) if self.numbers.kind != "plain" else 0
        return self.inputs.shape[2] + embedded + self.codes.shape[1] * EMBEDDING_UNITS

    @cached_property
    def number_columns(self) -> np.ndarray:
        """Places of the columns that hold more than two values, ``[k] int32``."""
        return columns_of_numbers(self.inputs[:, : len(self.roles)], self.roles == TRAIN)

    @property
    def row_size(self) -> int:
        """The inputs, or what stands between the numbers and them."""
        if self.numbers.kind == "plain":
            return self.fan_in
        return max(self.fan_in, len(self.number_columns) * self.numbers.pieces)

    @property
    def layout(self) -> TableLayout:
        """See ``Source``."""
        return TableLayout(self.codes.shape[1], self.numbers)

    def arrays(self) -> dict[str, np.ndarray]:
        """See ``Source``. The copies' rows stand one after another. Columns that are embedded as numbers have an array
        of their own: to pick columns in each step, one by one, would take longer than all that is done with them."""
        copies, rows, width = self.inputs.shape
        inputs = self.inputs.reshape(copies * rows, width)  # also where all columns are embedded, and none is left
        if self.numbers.kind == "plain":
            return {"inputs": inputs, "codes": self.codes}
        parts = {name: self._fixed[name] for name in ("other_columns", "number_columns")}
        columns = {name: inputs[:, part] for name, part in zip(("inputs", "numbers"), parts.values(), strict=True)}
        return {**columns, "codes": self.codes, **parts}

    def own_arrays(self, place: np.ndarray) -> dict[str, np.ndarray]:
        """See ``Source``: where each member's rows begin, ``[m, 1]``, and its bins."""
        lines = lines_of(self._fixed) if self.numbers.kind == "piecewise_linear" else {}
        first = (place * self.rows)[:, None].astype(np.int32)
        return {"first": first, **{name: array[place] for name, array in lines.items()}}

    def fixed(self) -> dict[str, np.ndarray]:
        """Which columns are embedded as numbers, and their bins in each fold."""
        return dict(self._fixed)

    @cached_property
    def _fixed(self) -> dict[str, np.ndarray]:
        if self.numbers.kind == "plain":
            return {}
        columns, every = self.number_columns, np.arange(self.inputs.shape[2], dtype=np.int32)
        found = {"number_columns": columns, "other_columns": np.setdiff1d(every, columns)}
        if self.numbers.kind == "piecewise_linear":
            labelled = self.inputs[:, : len(self.roles)][:, :, columns]
            found |= bins_of(labelled, self.roles == TRAIN, self.numbers.bins)
        return found

    def with_numbers(self, numbers: Numbers) -> Table:
        """See ``Source``: itself where no column holds numbers."""
        return replace(self, numbers=numbers) if numbers.kind != "plain" and len(self.number_columns) else self

    def weights(self, initializer: str, generator: np.random.Generator) -> dict[str, np.ndarray]:
        """The embedding table ``[levels, units]``, where a column has one, and what numbers are embedded with."""
        numbers = {} if self.numbers.kind == "plain" else self.numbers.weights(len(self.number_columns), generator)
        if not self.codes.shape[1]:
            return numbers
        table = generator.normal(0.0, 0.05, (self.levels, EMBEDDING_UNITS)).astype(np.float32)
        return numbers | {"embedding": table}

    def groups(self) -> np.ndarray:
        """See ``Source``: one number per column, repeated where it is embedded."""
        width, embedded = self.inputs.shape[2], 0
        if self.numbers.kind != "plain":
            embedded = len(self.number_columns)
        sizes = np.repeat([1, self.numbers.width, EMBEDDING_UNITS], [width - embedded, embedded, self.codes.shape[1]])
        return np.repeat(np.arange(len(sizes)), sizes)

    def seen(self, columns: np.ndarray) -> np.ndarray:
        """See ``Source``; ``columns [d + e]`` or ``[0]``."""
        if not len(columns):
            return np.arange(self.fan_in)
        width = self.inputs.shape[2]
        plain, numbers = columns[:width], columns[:0]
        if self.numbers.kind != "plain":
            numbers = np.repeat(columns[self.number_columns], self.numbers.width)
            plain = np.delete(plain, self.number_columns)
        return np.flatnonzero(np.concatenate([plain, numbers, np.repeat(columns[width:], EMBEDDING_UNITS)]))
