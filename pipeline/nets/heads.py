"""The one table of heads and losses: what the last layer says for each task, and how far it is from the target.

Losses are computed from logits, so that a sure answer neither overflows nor takes the logarithm of zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from keras import ops

Tensor = Any


@dataclass(frozen=True)
class Head:
    """One task's output.

    ``loss(target [m, b], logits [m, b, c]) -> [m, b]``, in nats (classification) or squared units of the target.
    ``answer(logits [m, b, c]) -> [m, b, c]``: probabilities, or the prediction itself for regression.
    ``pool(logits [m, k, b, c]) -> [m, b, c]``: logits of the mean of the answers of ``k`` copies.
    ``spread(logits [m, b, c]) -> [m, b]``: the mean of the losses that all classes would have, which smoothed labels
    add; None where there are no classes.
    ``robust(target [m, b], logits [m, b, c], limit [m, 1]) -> [m, b]``: ``loss`` for errors up to ``limit``, straight
    lines beyond; None where there are classes.
    """

    name: str
    loss: Callable[[Tensor, Tensor], Tensor]
    answer: Callable[[Tensor], Tensor]
    pool: Callable[[Tensor], Tensor]
    spread: Callable[[Tensor], Tensor] | None = None
    robust: Callable[[Tensor, Tensor, Tensor], Tensor] | None = None

    def outputs(self, classes: int) -> int:
        """Units of the last layer."""
        return classes if self.name == "multiclass" else 1


def binary_cross_entropy(target: Tensor, logits: Tensor) -> Tensor:
    """``-(y ln p + (1 - y) ln(1 - p))`` with ``p = sigmoid(logit)``; ``target`` 0 or 1."""
    logit = logits[..., 0]
    return ops.softplus(logit) - ops.cast(target, logit.dtype) * logit


def sparse_categorical_cross_entropy(target: Tensor, logits: Tensor) -> Tensor:
    """``-ln softmax(logits)[target]``; ``target`` is the class's number."""
    chosen = ops.take_along_axis(logits, ops.cast(target, "int32")[..., None], axis=-1)[..., 0]
    return ops.logsumexp(logits, axis=-1) - chosen


def squared_error(target: Tensor, logits: Tensor) -> Tensor:
    """``(y - prediction)^2`` in the units that ``target`` is given in."""
    return ops.square(ops.cast(target, logits.dtype) - logits[..., 0])


def huber(target: Tensor, logits: Tensor, limit: Tensor) -> Tensor:
    """The squared error up to ``limit``, beyond it ``2 * limit * error - limit^2`` (Huber, 1964, times 2)."""
    error = ops.abs(ops.cast(target, logits.dtype) - logits[..., 0])
    core = ops.minimum(error, limit)
    return core * (2.0 * error - core)


def pool_binary(logits: Tensor) -> Tensor:
    """``ln p - ln(1 - p)`` of the mean ``p`` of the probabilities, without forming them."""
    return ops.logsumexp(-ops.softplus(-logits), axis=1) - ops.logsumexp(-ops.softplus(logits), axis=1)


HEADS: dict[str, Head] = {
    "binary": Head(
        "binary",
        binary_cross_entropy,
        ops.sigmoid,
        pool_binary,
        lambda logits: ops.softplus(logits[..., 0]) - 0.5 * logits[..., 0],
    ),
    "multiclass": Head(
        "multiclass",
        sparse_categorical_cross_entropy,
        lambda logits: ops.softmax(logits, axis=-1),
        lambda logits: ops.logsumexp(ops.log_softmax(logits, axis=-1), axis=1) - math.log(logits.shape[1]),
        lambda logits: ops.logsumexp(logits, axis=-1) - ops.mean(logits, axis=-1),
    ),
    "regression": Head(
        "regression",
        squared_error,
        lambda logits: logits,
        lambda logits: ops.mean(logits, axis=1),
        robust=huber,
    ),
}
