"""Where a batch comes from: rows of a table, images, words in bags or in their order; each knows arrays only.

A *source* holds the arrays of all rows, labelled rows first, and says which rows a fold trains on, stops on and scores.
Its *layout* is the part that the training program is compiled for: how the rows asked for become the inputs of the
first dense layer, and how those meet its kernel. Shapes: ``n`` rows, ``t`` labelled rows, ``F`` folds, ``m`` members,
``b`` rows of a batch.

A table's members draw their own rows, each in its fold and order. The members of the other sources share one fold and
the batch, ``[1, b]`` rows, so that it is read (and distorted) once for all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Protocol

import numpy as np
import tensorflow as tf
from keras import ops

from features.roles import TRAIN
from pipeline.nets.images import Augmentation, distort, edges, mix, partners, shares
from pipeline.nets.layers import PRODUCTS, convolve, embed, embed_numbers, find_windows, initial_kernel, multiply
from pipeline.nets.numbers import BINS, FREQUENCIES, Numbers, bins_of, columns_of_numbers

Tensor = Any
Arrays = dict[str, Any]

EMBEDDING_UNITS = 4
# Height and width of a convolution's window, in pixels.
WINDOW = 3
# Columns of a kernel that a sparse product takes at once: TensorFlow's is several times slower a column with more.
COLUMNS_AT_ONCE = 16
# Images whose neighbouring pixels are counted at a time, which bounds the copy.
IMAGES_AT_ONCE = 4096
PROCESSOR = "/CPU:0"
# The brightest pixel.
WHITE = 255.0


class Layout(Protocol):
    """What of a source is compiled; frozen, so that programs alike in it share one trace."""

    @property
    def distorts(self) -> bool:
        """Whether training batches are augmented."""

    @property
    def learned(self) -> bool:
        """Whether the inputs of the first dense layer depend on weights."""

    @property
    def precision(self) -> str:
        """Of dense products; a key of ``PRODUCTS``."""

    def batch(self, arrays: Arrays, rows: Tensor, fold: Tensor, weights: Arrays, draws: Tensor | None) -> Tensor:
        """Inputs of the first dense layer for ``rows [m or 1, b]`` (a row of -1 is any row); ``draws [1, b, k]``,
        uniform in [0, 1), ask for augmentation."""

    def mixed(self, rows: Tensor, draws: Tensor | None) -> tuple[Tensor, Tensor] | None:
        """Where augmentation mixes rows: the others ``[1, b]`` in ``rows [1, b]``, and their shares ``[1, b]``."""

    def project(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        """``inputs x kernel [m, i, o] -> [m, b, o]``."""


class Source(Protocol):
    """Arrays of all rows, and their roles."""

    shared: ClassVar[bool]

    @property
    def target(self) -> np.ndarray:
        """``[F, t] float32``: 0/1, a class's number, or a value."""

    @property
    def roles(self) -> np.ndarray:
        """``[t, F]``, see ``features.roles``."""

    @property
    def outputs(self) -> int:
        """Units of the last layer."""

    @property
    def rows(self) -> int:
        """``n``, labelled rows first."""

    @property
    def fan_in(self) -> int:
        """Inputs of the first dense layer."""

    @property
    def row_size(self) -> int:
        """Numbers a row and member at its widest before the first dense layer."""

    @property
    def draws(self) -> int:
        """Random numbers that augmentation takes a row, ``k``."""

    @property
    def layout(self) -> Layout:
        """The compiled part."""

    def arrays(self) -> dict[str, np.ndarray]:
        """What the program reads, by name."""

    def weights(self, initializer: str, generator: np.random.Generator) -> dict[str, np.ndarray]:
        """First weights of one member's layers before the first dense one, by name."""

    def seen(self, columns: np.ndarray) -> np.ndarray:
        """Places ``[k]`` among the first dense layer's inputs that a member sees: those of its ``columns [w] bool``,
        all where ``w`` is 0."""

    def groups(self) -> np.ndarray:
        """Which inputs of the first dense layer belong together, ``[fan_in]``: the number of their column."""

    def fixed(self) -> dict[str, np.ndarray]:
        """What an answer takes besides weights and the row itself, by name."""


@dataclass(frozen=True)
class TableLayout:
    """Rows of a table, with ``embedded`` columns of category codes and what its numbers become."""

    embedded: int
    numbers: Numbers = Numbers()
    distorts: ClassVar[bool] = False
    precision: ClassVar[str] = "float32"

    @property
    def learned(self) -> bool:
        """Where there are vectors of categories or of numbers."""
        return self.embedded > 0 or self.numbers.kind != "plain"

    def batch(self, arrays: Arrays, rows: Tensor, fold: Tensor, weights: Arrays, draws: Tensor | None) -> Tensor:
        """``[m, b, i]``: the columns (embedded numbers after the others), then the vectors of categories; see
        ``Layout``. Inputs of columns that a member does not see are 0."""
        place = ops.maximum(rows, 0)
        folds, count, width = ops.shape(arrays["inputs"])
        flat = ops.reshape(arrays["inputs"], (folds * count, width))
        source = arrays.get("place", fold)
        inputs = ops.take(flat, place + (source * count)[:, None], axis=0)  # [m, b, d]
        seen = arrays.get("columns")  # [m, d + embedded]
        if seen is not None:
            inputs = inputs * seen[:, None, :width]
        if self.numbers.kind != "plain":
            inputs = self._with_numbers(inputs, arrays, source, weights)
        if not self.embedded:
            return inputs
        vectors = embed(ops.take(arrays["codes"], place, axis=0), weights["embedding"])
        if seen is not None:
            vectors = vectors * ops.repeat(seen[:, None, width:], EMBEDDING_UNITS, axis=-1)
        return ops.concatenate([inputs, vectors], axis=-1)

    def _with_numbers(self, inputs: Tensor, arrays: Arrays, place: Tensor, weights: Arrays) -> Tensor:
        """``[m, b, d]`` with the vectors of numbers in the place of those columns, at the end."""
        names = BINS if self.numbers.kind == "piecewise_linear" else ()
        bins = {name: ops.take(arrays[name], place, axis=0) for name in names}
        vectors = embed_numbers(ops.take(inputs, arrays["number_columns"], axis=-1), weights, bins or None)
        seen = arrays.get("columns")
        if seen is not None:  # the vector of a 0 is none
            seen = ops.take(seen, arrays["number_columns"], axis=1)
            vectors = vectors * ops.repeat(seen[:, None], self.numbers.width, axis=-1)
        return ops.concatenate([ops.take(inputs, arrays["other_columns"], axis=-1), vectors], axis=-1)

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
        between = self.numbers.bins if self.numbers.kind == "piecewise_linear" else FREQUENCIES
        return max(self.fan_in, len(self.number_columns) * between)

    @property
    def layout(self) -> TableLayout:
        """See ``Source``."""
        return TableLayout(self.codes.shape[1], self.numbers)

    def arrays(self) -> dict[str, np.ndarray]:
        """See ``Source``."""
        return {"inputs": self.inputs, "codes": self.codes, **self._fixed}

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

    def weights(self, initializer: str, generator: np.random.Generator) -> dict[str, np.ndarray]:
        """The embedding table ``[levels, units]``, where a column has one, and what numbers are embedded with."""
        numbers = {} if self.numbers.kind == "plain" else self.numbers.weights(len(self.number_columns), generator)
        if not self.codes.shape[1]:
            return numbers
        table = generator.normal(0.0, 0.05, (self.levels, EMBEDDING_UNITS)).astype(np.float32)
        return numbers | {"embedding": table}

    def groups(self) -> np.ndarray:
        """See ``Source``: one number a column, repeated where it is embedded."""
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


@dataclass(frozen=True)
class ImagesLayout:
    """Images of ``height x width`` pixels, with or without their ``edges``, seen through ``filters`` (a convolution
    each) or as one long row."""

    height: int
    width: int
    filters: tuple[int, ...]
    augmentation: Augmentation
    precision: str
    gamma: float
    edges: bool

    @property
    def distorts(self) -> bool:
        """Whether training batches are augmented."""
        return self.augmentation.draws > 0

    @property
    def learned(self) -> bool:
        """Where there are convolutions."""
        return bool(self.filters)

    def batch(self, arrays: Arrays, rows: Tensor, fold: Tensor, weights: Arrays, draws: Tensor | None) -> Tensor:
        """``[1, b, pixels]``, or ``[m, b, features]`` of the convolutions; see ``Layout``."""
        images = ops.cast(ops.take(arrays["pixels"], ops.maximum(rows[0], 0), axis=0), "float32")
        if self.gamma != 1.0:
            images = WHITE * ops.power(images / WHITE, self.gamma)
        images = ops.reshape(images, (-1, self.height, self.width))
        if draws is not None:
            images = distort(images, draws[0], self.augmentation)
            if self.augmentation.mixup:
                images = mix(images, partners(rows[0]), shares(draws[0], self.augmentation))
        units = ops.stack([images, *(edges(images) if self.edges else [])], axis=-1)
        units = (units - arrays["location"]) / arrays["scale"]
        count = ops.shape(units)[0]
        if not self.filters:
            return ops.reshape(units, (1, count, self.features))
        units = ops.reshape(units, (1, count, self.height, self.width, self.channels))
        for layer, filters in enumerate(self.filters):
            kernel, bias = weights[f"filter_{layer}"], weights[f"offset_{layer}"]
            units = convolve(units, kernel, bias, WINDOW, filters, self.precision)
        members = ops.shape(units)[0]
        return ops.reshape(units, (members, count, self.features))

    def mixed(self, rows: Tensor, draws: Tensor | None) -> tuple[Tensor, Tensor] | None:
        """See ``Layout``."""
        if draws is None or not self.augmentation.mixup:
            return None
        return ops.take(rows, partners(rows[0]), axis=1), shares(draws, self.augmentation)

    @property
    def channels(self) -> int:
        """Numbers a pixel."""
        return 3 if self.edges else 1

    @property
    def features(self) -> int:
        """What reaches the first dense layer: each convolution halves height and width."""
        if not self.filters:
            return self.height * self.width * self.channels
        halvings = 2 ** len(self.filters)
        return (self.height // halvings) * (self.width // halvings) * self.filters[-1]

    def project(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        """The matrix product; one batch for all members is broadcast."""
        return PRODUCTS[self.precision](inputs, kernel)


@dataclass(frozen=True)
class Images:
    """``pixels [n, h, w] uint8`` (they stay bytes until the batch), ``target [1, t]``, ``roles [t, 1]``.

    ``filters``: channels of each convolution, none for a dense network; ``augmentation`` distorts training batches;
    ``precision`` of the products, a key of ``PRODUCTS``; ``gamma``: the power that brightness, from 0 to 1, is raised
    to before it is standardised (below 1 it spreads the dark shades, as a square root does the variance of counts);
    ``edges``: whether its distances from its neighbours are inputs too, see ``images.edges``.
    """

    pixels: np.ndarray
    target: np.ndarray
    roles: np.ndarray
    outputs: int
    augmentation: Augmentation
    filters: tuple[int, ...] = ()
    precision: str = "float32"
    gamma: float = 1.0
    edges: bool = False
    shared: ClassVar[bool] = True

    @property
    def rows(self) -> int:
        """``n``."""
        return len(self.pixels)

    @property
    def fan_in(self) -> int:
        """Pixels, or what the convolutions leave of them."""
        return self.layout.features

    @property
    def row_size(self) -> int:
        """The channels of the first convolution, or the pixels."""
        return self.pixels.shape[1] * self.pixels.shape[2] * max([self.layout.channels, *self.filters[:1]])

    @property
    def draws(self) -> int:
        """See ``Source``."""
        return self.augmentation.draws

    @property
    def layout(self) -> ImagesLayout:
        """See ``Source``."""
        height, width = self.pixels.shape[1:]
        return ImagesLayout(height, width, self.filters, self.augmentation, self.precision, self.gamma, self.edges)

    @cached_property
    def _moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of the training pixels' brightness, and of each kind of edge, ``[channels]
        float32``; from counts of shades, so that no float copy is made."""
        train = self.pixels[: len(self.roles)][self.roles[:, 0] == TRAIN]
        shades = np.arange(256) if self.gamma == 1.0 else WHITE * (np.arange(256) / WHITE) ** self.gamma
        counts = [(np.bincount(train.ravel(), minlength=256), shades)]
        if self.edges:
            apart = np.abs(shades[:, None] - shades).ravel()
            counts += [(pairs, apart) for pairs in _pairs(train)]
        means, deviations = [], []
        for count, values in counts:
            mean = float(count @ values) / count.sum()
            means.append(mean)
            deviations.append(float(np.sqrt(count @ (values - mean) ** 2 / count.sum())) or 1.0)
        return np.array(means, np.float32), np.array(deviations, np.float32)

    def arrays(self) -> dict[str, np.ndarray]:
        """See ``Source``."""
        location, scale = self._moments
        return {"pixels": self.pixels, "location": location, "scale": scale}

    def weights(self, initializer: str, generator: np.random.Generator) -> dict[str, np.ndarray]:
        """``filter_l [window * window * channels, channels]`` and ``offset_l [1, channels]``."""
        weights, channels = {}, self.layout.channels
        for layer, filters in enumerate(self.filters):
            weights[f"filter_{layer}"] = initial_kernel(initializer, generator, WINDOW * WINDOW * channels, filters)
            weights[f"offset_{layer}"] = np.zeros((1, filters), np.float32)
            channels = filters
        return weights

    def seen(self, columns: np.ndarray) -> np.ndarray:
        """All: images have no columns to choose."""
        return np.arange(self.fan_in)

    def groups(self) -> np.ndarray:
        """See ``Source``: each on its own."""
        return np.arange(self.fan_in)

    def fixed(self) -> dict[str, np.ndarray]:
        """Nothing."""
        return {}


def _pairs(images: np.ndarray) -> list[np.ndarray]:
    """How often each shade has each other one to its right, and below it: two ``[256 * 256] int64``."""
    counts = [np.zeros(256 * 256, np.int64) for _ in range(2)]
    for start in range(0, len(images), IMAGES_AT_ONCE):
        around = np.pad(images[start : start + IMAGES_AT_ONCE], ((0, 0), (0, 1), (0, 1))).astype(np.int64)
        here = around[:, :-1, :-1] * 256
        for count, there in zip(counts, (around[:, :-1, 1:], around[:, 1:, :-1]), strict=True):
            count += np.bincount((here + there).ravel(), minlength=256 * 256)
    return counts


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
    learned: ClassVar[bool] = False
    precision: ClassVar[str] = "float32"

    def batch(self, arrays: Arrays, rows: Tensor, fold: Tensor, weights: Arrays, draws: Tensor | None) -> Tensor:
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
class Bags:
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
    shared: ClassVar[bool] = True
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

    def seen(self, columns: np.ndarray) -> np.ndarray:
        """All: words are not chosen."""
        return np.arange(self.fan_in)

    def groups(self) -> np.ndarray:
        """See ``Source``: each on its own."""
        return np.arange(self.fan_in)

    def fixed(self) -> dict[str, np.ndarray]:
        """Nothing."""
        return {}


@dataclass(frozen=True)
class SequencesLayout:
    """Words in their order as vectors of ``units`` numbers, read through windows of ``window`` words."""

    units: int
    window: int
    skip: float
    learned: ClassVar[bool] = True
    precision: ClassVar[str] = "float32"

    @property
    def distorts(self) -> bool:
        """Whether training batches lose words."""
        return self.skip > 0

    def batch(self, arrays: Arrays, rows: Tensor, fold: Tensor, weights: Arrays, draws: Tensor | None) -> Tensor:
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
class Sequences:
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
    shared: ClassVar[bool] = True

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

    def seen(self, columns: np.ndarray) -> np.ndarray:
        """All: words are not chosen."""
        return np.arange(self.fan_in)

    def groups(self) -> np.ndarray:
        """See ``Source``: each on its own."""
        return np.arange(self.fan_in)

    def fixed(self) -> dict[str, np.ndarray]:
        """Nothing."""
        return {}
