"""Layers with a leading member axis, written with ``keras.ops``: one batched product serves every network at once.

``m`` members, ``b`` rows of a batch, ``i``/``o`` units in and out. A member narrower than its program has zero
weights in the
spare units; ``spare`` units are also silenced after the activation, so that any activation may be used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from keras import ops

Tensor = Any

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": ops.relu,
    "selu": ops.selu,
    "elu": ops.elu,
    "gelu": ops.gelu,
    "silu": ops.silu,
    "tanh": ops.tanh,
    "sigmoid": ops.sigmoid,
}
# Dropout compares bytes of noise, so its rate is a multiple of 1/256.
NOISE_LEVELS = 256


def initial_kernel(name: str, generator: np.random.Generator, fan_in: int, fan_out: int) -> np.ndarray:
    """One member's first kernel ``[fan_in, fan_out] float32``.

    Variance 2 / (fan_in + fan_out) for Glorot (Glorot and Bengio, 2010), 2 / fan_in for He (He et al., 2015),
    1 / fan_in for LeCun; ``random_normal`` has standard deviation 0.05 as in Keras; ``zeros`` and ``ones`` never
    break the
    symmetry between neurons and are here to show that.
    """
    shape = (fan_in, fan_out)
    if name in ("zeros", "ones"):
        return np.full(shape, float(name == "ones"), np.float32)
    if name == "random_normal":
        return generator.normal(0.0, 0.05, shape).astype(np.float32)
    family, form = name.split("_")
    variance = {"glorot": 2.0 / (fan_in + fan_out), "he": 2.0 / fan_in, "lecun": 1.0 / fan_in}[family]
    if form == "uniform":
        bound = np.sqrt(3.0 * variance)
        return generator.uniform(-bound, bound, shape).astype(np.float32)
    return generator.normal(0.0, np.sqrt(variance), shape).astype(np.float32)


def dense(inputs: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
    """``[m, b, i] x [m, i, o] + [m, 1, o] -> [m, b, o]``."""
    return ops.matmul(inputs, kernel) + bias


def embed(codes: Tensor, table: Tensor) -> Tensor:
    """Learned vectors of category codes: ``codes [m, b, e]``, ``table [m, levels, k] -> [m, b, e * k]``."""
    members, levels, units = (ops.shape(table)[axis] for axis in range(3))
    offsets = ops.reshape(ops.arange(members) * levels, (members, 1, 1))  # each member looks into its own table
    vectors = ops.take(ops.reshape(table, (members * levels, units)), codes + ops.cast(offsets, codes.dtype), axis=0)
    count, rows, columns = (ops.shape(codes)[axis] for axis in range(3))
    return ops.reshape(vectors, (count, rows, columns * units))


def drop(units: Tensor, noise: Tensor, rate: Tensor) -> Tensor:
    """Inverted dropout (Srivastava et al., 2014): zero a share ``rate [m]`` of ``units [m, b, o]``, scale up the rest.

    ``noise [m, b, o] uint8``: a unit whose byte is below ``256 * rate`` rests, so a byte of 255 always keeps it.
    """
    threshold = ops.cast(ops.round(rate * NOISE_LEVELS), "uint8")
    keep = ops.cast(noise >= threshold[:, None, None], units.dtype)
    scale = 1.0 / (1.0 - ops.cast(threshold, units.dtype) / NOISE_LEVELS)
    return units * (keep * scale[:, None, None])


def _split(units: Tensor, first: Tensor) -> tuple[Tensor, Tensor]:
    """The ``first`` members and the others. ``ops.slice`` has a parallel gradient, plain indexing has not."""
    count, rows, width = (ops.shape(units)[axis] for axis in range(3))
    others = ops.slice(units, (first, 0, 0), (count - first, rows, width))
    return ops.slice(units, (0, 0, 0), (first, rows, width)), others


def forward(
    inputs: Tensor,
    kernels: Sequence[Tensor],
    biases: Sequence[Tensor],
    activation: str,
    widths: Tensor,
    noises: Sequence[Tensor] | None,
    rates: Tensor,
) -> Tensor:
    """Logits ``[m, b, c]`` of members of different depth and width.

    Members stand in order of falling depth, so layer ``l`` concerns the first ``m_l`` of them only: ``kernels[l]`` is
    ``[m_l, i, o]``, ``biases[l]`` ``[m_l, 1, o]``. The last kernel is the output's, for all members. ``widths [m]``
    are the units in use; ``noises``
    (one a hidden layer, ``[m_l, b, o] uint8``) ask for dropout.
    """
    units, finished = inputs, []
    for layer, (kernel, bias) in enumerate(zip(kernels[:-1], biases[:-1], strict=True)):
        deeper = ops.shape(kernel)[0]
        if layer:
            units, done = _split(units, deeper)
            finished.append(done)
        units = ACTIVATIONS[activation](dense(units, kernel, bias))  # [m_l, b, o]
        if activation == "sigmoid":  # the one activation that is not 0 at 0, where the spare units are
            spare = ops.arange(ops.shape(kernel)[2])[None, :] < widths[:deeper, None]
            units = units * ops.cast(spare, units.dtype)[:, None, :]
        if noises is not None:
            units = drop(units, noises[layer], rates[:deeper])
    units = ops.concatenate([units, *reversed(finished)], axis=0)  # [m, b, o], in the members' order again
    return dense(units, kernels[-1], biases[-1])
