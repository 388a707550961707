"""Texts: words in bags, or in their order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import tensorflow as tf
from keras import ops

from pipeline.nets.initializers import initial_kernel
from pipeline.nets.layers import find_windows, multiply
from pipeline.nets.source import Arrays, SharedBatch, Tensor

# Columns of a kernel that a sparse product takes at once: TensorFlow's is several times slower per column with more.
COLUMNS_AT_ONCE = 16
PROCESSOR = "/CPU:0"


def bag(rows: tf.SparseTensor, kernel: Tensor) -> Tensor:
    """``rows [b, i]`` times each member's ``kernel [m, i, o] -> [m, b, o]``: for a multi-hot row the sum of the
    kernel's rows at its ones, a hundred additions instead of ten thousand products.

    On the processor in any case: on a GPU TensorFlow has no sparse product that says the same twice.
    """

    @tf.custom_gradient
    def summed(kernel: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        return _sparse_products(rows, kernel), lambda upstream: _sparse_products(rows, upstream, transposed=True)

    return summed(kernel)


def _sparse_products(rows: tf.SparseTensor, matrices: Tensor, transposed: bool = False) -> Tensor:
    """``rows [b, i]``, or its transpose, times each of ``matrices [m, ., o]``.

    Matrix by matrix, a few columns at a time, with TensorFlow's own product (that of ``keras.ops`` takes six times as
    long).
    """
    count, height, columns = tf.unstack(tf.shape(matrices))
    parts = -(-columns // COLUMNS_AT_ONCE)
    width = -(-columns // parts)
    padded = tf.pad(matrices, ((0, 0), (0, 0), (0, parts * width - columns)))
    narrow = tf.transpose(tf.reshape(padded, (count, height, parts, width)), (0, 2, 1, 3))
    narrow = tf.reshape(narrow, (count * parts, height, width))
    at_once = 1 if tf.executing_eagerly() else 2  # TensorFlow warns of more where it has no graph

    def product(matrix: Tensor) -> Tensor:
        with tf.device(PROCESSOR):
            return tf.sparse.sparse_dense_matmul(rows, matrix, adjoint_a=transposed)

    products = tf.map_fn(product, narrow, parallel_iterations=at_once)
    products = tf.transpose(tf.reshape(products, (count, parts, -1, width)), (0, 2, 1, 3))
    return tf.reshape(products, (count, -1, parts * width))[..., :columns]


@dataclass(frozen=True)
class BagsLayout:
    """Rows that hold few of ``vocabulary`` words."""

    vocabulary: int
    distorts: ClassVar[bool] = False
    precision: ClassVar[str] = "float32"

    def batch(self, arrays: Arrays, rows: Tensor, weights: Arrays, draws: Tensor | None) -> Tensor:
        """A sparse ``[b, vocabulary]``; see ``Layout``."""
        place = tf.maximum(rows[0], 0)
        begin = tf.gather(arrays["starts"], place)
        length = tf.gather(arrays["starts"], place + 1) - begin
        row = tf.repeat(tf.range(tf.size(place)), length)
        within = tf.range(tf.size(row)) - tf.repeat(tf.cumsum(length, exclusive=True), length)
        position = tf.repeat(begin, length) + within
        index = tf.stack([row, tf.gather(arrays["ids"], position)], axis=1)
        shape = tf.stack([tf.size(place), self.vocabulary])
        return tf.SparseTensor(
            tf.cast(index, tf.int64), tf.gather(arrays["values"], position), tf.cast(shape, tf.int64)
        )

    def mixed(self, rows: Tensor, draws: Tensor | None) -> None:
        """Bags stay apart."""

    def project(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        """The sum of a row's kernel rows."""
        return bag(inputs, kernel)


@dataclass(frozen=True)
class Bags(SharedBatch):
    """Bags of words in compressed rows: row ``r`` holds the words ``ids[starts[r]:starts[r + 1]]``, each once, with
    ``values`` (1 for a multi-hot row). ``starts [n + 1] int32``, ``ids [z] int32``, ``values [z] float32``,
    ``target [1, t]``, ``roles [t, 1]``. The dense ``[n, vocabulary]`` matrix never exists.
    """

    starts: np.ndarray
    ids: np.ndarray
    values: np.ndarray
    vocabulary: int
    target: np.ndarray
    roles: np.ndarray
    outputs: int
    draws: ClassVar[int] = 0

    @property
    def rows(self) -> int:
        """``n``."""
        return len(self.starts) - 1

    @property
    def fan_in(self) -> int:
        """Words."""
        return self.vocabulary

    @property
    def row_size(self) -> int:
        """The words of a row, on average."""
        return max(len(self.ids) // self.rows, 1)

    @property
    def layout(self) -> BagsLayout:
        """See ``Source``."""
        return BagsLayout(self.vocabulary)

    def arrays(self) -> dict[str, np.ndarray]:
        """See ``Source``."""
        return {
            "starts": self.starts.astype(np.int32),
            "ids": self.ids.astype(np.int32),
            "values": self.values.astype(np.float32),
        }

    def weights(self, initializer: str, generator: np.random.Generator) -> dict[str, np.ndarray]:
        """None: the first dense layer is the first."""
        return {}


@dataclass(frozen=True)
class SequencesLayout:
    """Words in their order as vectors of ``units`` numbers, read through windows of ``window`` words."""

    units: int
    window: int
    skip: float
    precision: ClassVar[str] = "float32"

    @property
    def distorts(self) -> bool:
        """Whether training batches lose words."""
        return self.skip > 0

    def batch(self, arrays: Arrays, rows: Tensor, weights: Arrays, draws: Tensor | None) -> Tensor:
        """``[m, b, filters]``: what each filter finds; see ``Layout``."""
        words = ops.take(arrays["words"], ops.maximum(rows[0], 0), axis=0)  # [b, l]
        if draws is not None:
            words = ops.where(draws[0] < self.skip, ops.zeros_like(words), words)
        return find_windows(
            words, weights["embedding"], weights["filter_0"], weights["offset_0"], self.window, self.units
        )

    def mixed(self, rows: Tensor, draws: Tensor | None) -> None:
        """Words are passed over, texts stay themselves."""

    def project(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        """The batched matrix product."""
        return multiply(inputs, kernel)


@dataclass(frozen=True)
class Sequences(SharedBatch):
    """Texts as words in their order: ``words [n, l] int32`` below ``vocabulary``, 0 where there is none. At least
    ``window`` zeros end each row, so a window without words is always there, however long the rows are.
    ``target [1, t]``, ``roles [t, 1]``.

    ``units`` of a word's learned vector, ``window``: the words that a filter reads at once. ``skip``: share of the
    words that training passes over, drawn anew for each batch, so that no single word is relied on (Iyyer et al., "Deep
    Unordered Composition", 2015).
    """

    words: np.ndarray
    vocabulary: int
    units: int
    window: int
    filters: int
    skip: float
    target: np.ndarray
    roles: np.ndarray
    outputs: int

    @property
    def rows(self) -> int:
        """``n``."""
        return len(self.words)

    @property
    def fan_in(self) -> int:
        """Filters."""
        return self.filters

    @property
    def row_size(self) -> int:
        """The filters' answers to every window, or the windows found."""
        return max(self.words.shape[1] * (self.filters + self.units), self.filters * self.window * self.units)

    @property
    def draws(self) -> int:
        """One for each word, where some are passed over."""
        return self.words.shape[1] if self.skip else 0

    @property
    def layout(self) -> SequencesLayout:
        """See ``Source``."""
        return SequencesLayout(self.units, self.window, self.skip)

    def arrays(self) -> dict[str, np.ndarray]:
        """See ``Source``."""
        return {"words": self.words.astype(np.int32)}

    def weights(self, initializer: str, generator: np.random.Generator) -> dict[str, np.ndarray]:
        """``embedding [vocabulary - 1, units]`` (0 is no word), ``filter_0 [window * units, filters]`` and
        ``offset_0 [1, filters]``."""
        return {
            "embedding": generator.normal(0.0, 0.05, (self.vocabulary - 1, self.units)).astype(np.float32),
            "filter_0": initial_kernel(initializer, generator, self.window * self.units, self.filters),
            "offset_0": np.zeros((1, self.filters), np.float32),
        }
