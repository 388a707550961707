"""Where a batch comes from: what a table, images and texts have in common for the loop that trains; each knows arrays
only.

A *source* holds the arrays of all rows, labelled rows first, and says which rows a fold trains on, stops on and scores.
Its *layout* is the part that the training program is compiled for: how the rows asked for become the inputs of the
first dense layer, and how those meet its kernel. Shapes: ``n`` rows, ``t`` labelled rows, ``F`` folds, ``m`` members,
``b`` rows of a batch.

A table's members draw their own rows, each in its fold and order. The members of the other sources share one fold and
the batch, ``[1, b]`` rows, so that it is read (and distorted) once for all.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from keras import ops

from pipeline.nets.numbers import Numbers

Tensor = Any
Arrays = dict[str, Any]


class Layout(Protocol):
    """What of a source is compiled; frozen, so that programs alike in it share one trace."""

    @property
    def distorts(self) -> bool:
        """Whether training batches are augmented."""

    @property
    def precision(self) -> str:
        """Of dense products; a key of ``PRODUCTS``."""

    def batch(
        self, arrays: Arrays, rows: Tensor, weights: Arrays, draws: Tensor | None
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Inputs of the first dense layer for ``rows [m or 1, b]`` (see ``standing_in``), or two parts of them, of
        which the second alone depends on weights; ``draws [1, b, k]``, uniform in [0, 1), ask for augmentation."""

    def mixed(self, rows: Tensor, draws: Tensor | None) -> tuple[Tensor, Tensor] | None:
        """Where augmentation mixes rows: the others ``[1, b]`` in ``rows [1, b]``, and their shares ``[1, b]``."""

    def project(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        """``inputs x kernel [m, i, o] -> [m, b, o]``."""


def standing_in(rows: Tensor) -> Tensor:
    """``rows`` of any shape, where a batch is short the row that stands there, given as ``-1 - row``: one of the
    member's own that counts for nothing. Even 0 times what any other row holds is not 0 where that is too large."""
    return ops.maximum(rows, -1 - rows)


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
        """Size of a row's widest representation before the first dense layer, per member."""

    @property
    def draws(self) -> int:
        """Random numbers that augmentation takes per row, ``k``."""

    @property
    def layout(self) -> Layout:
        """The compiled part."""

    def arrays(self) -> dict[str, np.ndarray]:
        """What the program reads, by name."""

    def own_arrays(self, place: np.ndarray) -> dict[str, np.ndarray]:
        """What it reads for members who see the source's copies ``place [m]``, by name: what their batches all take,
        which is made once here instead of in each step."""

    def weights(self, initializer: str, generator: np.random.Generator) -> dict[str, np.ndarray]:
        """First weights of one member's layers before the first dense one, by name."""

    def seen(self, columns: np.ndarray) -> np.ndarray:
        """Places ``[k]`` among the first dense layer's inputs that a member sees: those of its ``columns [w] bool``,
        all where ``w`` is 0."""

    def groups(self) -> np.ndarray:
        """Which inputs of the first dense layer belong together, ``[fan_in]``: the number of their column."""

    def fixed(self) -> dict[str, np.ndarray]:
        """What an answer takes besides weights and the row itself, by name."""

    def with_numbers(self, numbers: Numbers) -> Source:
        """The source as members see it whose columns of numbers become ``numbers``."""


class SharedBatch(ABC):
    """What sources have in common whose members share the batch: no columns to choose, to group or to embed."""

    shared: ClassVar[bool] = True

    @property
    @abstractmethod
    def fan_in(self) -> int:
        """See ``Source``."""

    def seen(self, columns: np.ndarray) -> np.ndarray:
        """See ``Source``: all, whatever ``columns`` says."""
        return np.arange(self.fan_in)

    def own_arrays(self, place: np.ndarray) -> dict[str, np.ndarray]:
        """See ``Source``: nothing, since there is one copy."""
        return {}

    def groups(self) -> np.ndarray:
        """See ``Source``: each input on its own."""
        return np.arange(self.fan_in)

    def fixed(self) -> dict[str, np.ndarray]:
        """See ``Source``: nothing."""
        return {}

    def with_numbers(self, numbers: Numbers) -> Self:
        """See ``Source``: itself, since no column holds numbers."""
        return self
