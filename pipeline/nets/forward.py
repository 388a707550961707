"""What trained members say of rows, with NumPy alone: for the test table and, without TensorFlow's start, for any rows
met later.

A row's answer never depends on the rows beside it: rows go through in blocks of one size, the last one padded, in one
thread, and a product takes so few of them that all meet the same code, so each adds up in the same order. (Products
this small are also slower in several threads, by far where other work keeps the processor busy.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from threadpoolctl import threadpool_limits

from pipeline.nets.numbers import BINS

# Rows of a block, and of a product: some processors' code for matrices takes twelve rows at once and what remains of
# them otherwise, so a row of a larger product would add up by its place in it.
BLOCK, ROWS = 256, 8
Arrays = Mapping[str, np.ndarray]


def sigmoid(x: np.ndarray) -> np.ndarray:
    """``1 / (1 + exp(-x))``; an overflowing exponential is an answer of 0."""
    with np.errstate(over="ignore"):
        return np.float32(1) / (np.float32(1) + np.exp(-x))


def softmax(x: np.ndarray) -> np.ndarray:
    """Over the last axis."""
    grown = np.exp(x - x.max(axis=-1, keepdims=True))
    return grown / grown.sum(axis=-1, keepdims=True)


def elu(x: np.ndarray) -> np.ndarray:
    """``x``, below zero ``exp(x) - 1`` (Clevert et al., 2016); ``expm1`` would take ten times as long."""
    return np.where(x > 0, x, np.exp(np.minimum(x, np.float32(0))) - np.float32(1))


def gelu(x: np.ndarray) -> np.ndarray:
    """The tanh form (Hendrycks and Gimpel, 2016), Keras's default."""
    inner = np.float32(0.7978845608) * (x + np.float32(0.044715) * x * x * x)
    return np.float32(0.5) * x * (np.float32(1) + np.tanh(inner))


def mish(x: np.ndarray) -> np.ndarray:
    """``x tanh(ln(1 + exp(x)))`` (Misra, 2020), the tangent written with one exponential."""
    grown = np.exp(np.minimum(x, np.float32(20)))
    grown = grown * (grown + np.float32(2))
    return x * (grown / (grown + np.float32(2)))


# The same functions as in ``layers.ACTIVATIONS`` and ``heads.HEADS``; a test holds the two together.
ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "relu": lambda x: np.maximum(x, np.float32(0)),
    "selu": lambda x: np.float32(1.05070098) * np.where(x > 0, x, np.float32(1.67326324) * elu(x)),
    "elu": elu,
    "gelu": gelu,
    "silu": lambda x: x * sigmoid(x),
    "mish": mish,
    "tanh": np.tanh,
    "sine": np.sin,
    "sigmoid": sigmoid,
}
HEADS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "binary": sigmoid,
    "multiclass": softmax,
    "regression": lambda logits: logits,
}


def _product(units: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """``[..., b, i] x [..., i, o] -> [..., b, o]``, each row in the same way wherever it stands."""
    if kernel.shape[-1] > 1:
        few = units.reshape(*units.shape[:-2], -1, ROWS, units.shape[-1])
        return np.matmul(few, kernel[..., None, :, :]).reshape(*units.shape[:-1], -1)
    # How a matrix times a vector is summed depends on the row's place in it; this sum does not.
    return (units * kernel[..., None, :, 0]).sum(axis=-1, keepdims=True)


def _shares(numbers: np.ndarray, left: np.ndarray, inverse: np.ndarray) -> np.ndarray:
    """How far ``numbers [p, n, b]`` have come in each bin ``[p, n, T]``: ``[p, n, b, T]``."""
    come = (numbers[..., None] - left[:, :, None]) * inverse[:, :, None]
    return np.minimum(np.maximum(come, np.float32(0)), np.float32(1))


@dataclass(frozen=True)
class TrainedProgram:
    """Members that trained side by side, in order of falling depth: ``members [p]`` (their numbers), ``place [p]`` of
    their inputs (the fold; in the second of several scaled copies ``F`` more, and so on), ``width [p]`` and the weights
    of ``Program.best_weights``. A member's spare units, and columns that it does not see, meet weights of 0."""

    members: np.ndarray
    place: np.ndarray
    width: np.ndarray
    activation: str
    normalization: str
    weights: Arrays

    def logits(self, inputs: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """``inputs [s * F, b, d]``, ``codes [b, e]`` (places in the embedding table), or ``[s * F, b, e]`` where rows
        differ from fold to fold -> ``[p, b, c] float32``, of copies ``[p, k, b, c]``."""
        units = inputs[self.place]
        if "number_columns" in self.weights:
            numbers = self._numbers(units[:, :, self.weights["number_columns"]])
            units = np.concatenate([units[:, :, self.weights["other_columns"]], numbers], axis=2)
        if codes.shape[-1]:
            of_member = codes[self.place] if codes.ndim == 3 else codes[None]  # [p or 1, b, e]
            vectors = self.weights["embedding"][np.arange(len(self.place))[:, None, None], of_member]  # [p, b, e, k]
            units = np.concatenate([units, vectors.reshape(*vectors.shape[:2], -1)], axis=2)
        if "front_scale" in self.weights:
            units = units * self.weights["front_scale"][:, None]
        copies = 1
        if "adapter" in self.weights:
            adapter = self.weights["adapter"]
            copies = adapter.shape[1]
            units = (units[:, None] * adapter[:, :, None]).reshape(len(units), -1, units.shape[2])
        last = sum(name.startswith("kernel_") for name in self.weights) - 1
        finished: list[np.ndarray] = []
        for layer in range(last):
            deeper = len(self.weights[f"kernel_{layer}"])
            units, done = units[:deeper], units[deeper:]
            if layer:
                finished.append(done)
            units = self._hidden(units, layer, self.width[:deeper])
        if finished:
            units = np.concatenate([units, *reversed(finished)], axis=0)
        kernel, bias = self.weights[f"kernel_{last}"], self.weights[f"bias_{last}"][..., None, :]
        if "adapter" in self.weights:
            units = units.reshape(len(units), copies, -1, units.shape[2])
            kernel = kernel.reshape(len(units), copies, -1, kernel.shape[2])
        return _product(units, kernel) + bias

    def _numbers(self, numbers: np.ndarray) -> np.ndarray:
        """Vectors of ``numbers [p, b, n]``, ``[p, b, n * e]``; see ``layers.embed_numbers``."""
        weights, (members, rows, columns) = self.weights, numbers.shape
        numbers = np.ascontiguousarray(numbers.swapaxes(1, 2))[..., None]  # [p, n, b, 1]
        if "bins_left" in weights:
            if "numbers_pieces" in weights:
                straight = weights["numbers_linear"][:, :, None] * numbers + weights["numbers_bias"][:, :, None]
                vectors = straight + self._of_bins(numbers[..., 0])
            else:
                shares = _shares(numbers[..., 0], *(weights[name][self.place] for name in BINS))
                vectors = np.concatenate([numbers, shares], axis=3)
        else:
            frequency, phase = (weights[f"numbers_{name}"][:, :, None] for name in ("frequency", "phase"))
            waves = np.cos(np.float32(2 * np.pi) * frequency * numbers + phase)
            mix = weights["numbers_mix"].reshape(members, columns, -1, weights["numbers_mix"].shape[2])
            vectors = np.concatenate([numbers, _product(waves, mix) + weights["numbers_bias"][:, :, None]], axis=3)
        return vectors.swapaxes(1, 2).reshape(members, rows, -1)

    def _of_bins(self, numbers: np.ndarray) -> np.ndarray:
        """What the bins of ``numbers [p, n, b]`` lead to, ``[p, n, b, e]``: a share of the weights of the last bin that
        they have come into and the sum of those of all bins before it, which is looked up: a product with the shares of
        all bins takes more than twice as long."""
        # Members of one place see the same numbers.
        places, first, which = np.unique(self.place, return_index=True, return_inverse=True)
        shares = _shares(numbers[first], *(self.weights[name][places] for name in BINS))  # [q, n, b, T]
        # Not the first bin that is not full: rounding may leave a wide one, which is passed, just short of 1.
        place = np.maximum((shares > 0).sum(axis=-1) - 1, 0)
        last = np.take_along_axis(shares, place[..., None], axis=-1)
        members, columns = np.ogrid[: numbers.shape[0], : numbers.shape[1]]
        found = self._sums_and_weights[members[..., None], columns[..., None], place[which]]
        units = found.shape[-1] // 2
        return found[..., :units] + last[which] * found[..., units:]

    @cached_property
    def _sums_and_weights(self) -> np.ndarray:
        """Of each bin the sum of the weights of all bins before it, and its own; ``[p, n, T, 2 e]``."""
        bins, pieces = self.weights["bins_left"], self.weights["numbers_pieces"]
        own = pieces.reshape(len(pieces), *bins.shape[1:], -1)
        before = np.concatenate([np.zeros_like(own[:, :, :1]), np.cumsum(own[:, :, :-1], axis=2)], axis=2)
        return np.concatenate([before, own], axis=3)

    def _hidden(self, units: np.ndarray, layer: int, width: np.ndarray) -> np.ndarray:
        units = _product(units, self.weights[f"kernel_{layer}"]) + self.weights[f"bias_{layer}"][:, None]
        if self.normalization == "layer":
            used = width.astype(np.float32)[:, None, None]
            inside = np.arange(units.shape[-1]) < width[:, None, None]  # [p, 1, o]
            away = (units - units.sum(axis=-1, keepdims=True) / used) * inside
            variance = (away * away).sum(axis=-1, keepdims=True) / used
            gain, shift = (self.weights[f"{name}_{layer}"][:, None] for name in ("gain", "shift"))
            units = away / np.sqrt(variance + np.float32(1e-3)) * gain + shift
        bent = ACTIVATIONS[self.activation](units)
        slope = self.weights.get(f"slope_{layer}")
        return bent if slope is None else units + slope[:, None] * (bent - units)


@dataclass(frozen=True)
class Model:
    """All trained members: ``fold [m]``, the embedding table's stretch of each coded column (``sizes [e]``), the
    programs that hold them, and the members that count (``kept [k]``): those that did not diverge.

    What only a choice of columns or scalings needs is stored where there is one.
    """

    fold: np.ndarray
    sizes: np.ndarray
    programs: tuple[TrainedProgram, ...]
    kept: np.ndarray

    def to_arrays(self) -> dict[str, np.ndarray]:
        """What ``weights.npz`` holds."""
        found = {"fold": self.fold, "sizes": self.sizes, "kept": self.kept}
        for number, program in enumerate(self.programs):
            own = {name: getattr(program, name) for name in ("members", "width", "activation", "normalization")}
            if not np.array_equal(program.place, self.fold[program.members]):
                own["place"] = program.place
            found |= {
                f"program_{number}/{name}": np.asarray(array) for name, array in (own | {**program.weights}).items()
            }
        return found

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Model:
        """From ``weights.npz``."""
        programs: list[TrainedProgram] = []
        while f"program_{len(programs)}/members" in arrays:
            prefix = f"program_{len(programs)}/"
            own = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
            members, width = own.pop("members"), own.pop("width")
            place = own.pop("place", arrays["fold"][members])
            kinds = [str(own.pop(name)) for name in ("activation", "normalization")]
            programs.append(TrainedProgram(members, place, width, kinds[0], kinds[1], own))
        return cls(arrays["fold"], arrays["sizes"], tuple(programs), arrays["kept"])

    def answers(self, inputs: np.ndarray, codes: np.ndarray, task: str) -> np.ndarray:
        """``inputs [s * F, n, d] float32``, ``codes [n, e]`` or ``[s * F, n, e]`` (0 is missing or unseen) ->
        ``[k, n, c] float32``: probabilities, or for regression what the networks say in their own units; ``kept``
        members only."""
        rows = inputs.shape[1]
        places = np.where(codes < self.sizes, codes, 0) + (np.cumsum(self.sizes) - self.sizes)
        outputs = self.programs[0].weights[_last_bias(self.programs[0].weights)].shape[-1]
        answers = np.empty((len(self.fold), rows, outputs), np.float32)
        with threadpool_limits(1, "blas"):
            for start in range(0, rows, BLOCK):
                here = min(BLOCK, rows - start)
                block = np.zeros((inputs.shape[0], BLOCK, inputs.shape[2]), np.float32)
                block[:, :here] = inputs[:, start : start + here]
                coded = np.zeros((*codes.shape[:-2], BLOCK, codes.shape[-1]), np.int64)
                coded[..., :here, :] = places[..., start : start + here, :]
                for program in self.programs:
                    said = HEADS[task](program.logits(block, coded))
                    said = said.mean(axis=1) if said.ndim == 4 else said
                    answers[program.members, start : start + here] = said[:, :here]
        return answers[self.kept]


def _last_bias(weights: Arrays) -> str:
    return f"bias_{sum(name.startswith('bias_') for name in weights) - 1}"
