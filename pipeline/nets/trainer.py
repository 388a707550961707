"""The compiled part of training: weights, Adam's moments and the steps of one kind of program."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from pipeline.nets.heads import Head
from pipeline.nets.layers import PRODUCTS, copy_rows, forward, output_of_copies
from pipeline.nets.sources import Layout

BETA_1, EPSILON = 0.9, 1e-10
# Adam's running products of its betas.
POWERS = ("beta_1", "beta_2")
# Weights under L1 and L2 and decay.
PENALISED = ("kernel_", "filter_", "numbers_mix", "numbers_pieces")


@dataclass(frozen=True)
class Kind:
    """What a training program is compiled for; ``l1``, ``l2``, ``decays``, ``smooths`` and ``robust``: whether some
    member has such a penalty, weight decay, smoothed labels or a Huber loss; ``copies`` of a batch, or 0."""

    layout: Layout
    activation: str
    normalization: str
    l1: bool
    l2: bool
    decays: bool
    smooths: bool
    robust: bool
    beta_2: float
    depth: int
    head: Head
    copies: int
    feature_scale: bool
    realmlp: bool

    @property
    def normalized(self) -> bool:
        """Whether hidden layers have a gain and a shift."""
        return self.normalization == "layer"


def _read(handle: tf.Tensor, rank: int) -> tf.Tensor:
    """The value of a variable of which only the handle is known."""
    value = tf.raw_ops.ReadVariableOp(resource=handle, dtype=tf.float32)
    value.set_shape([None] * rank)
    return value


class Recent:
    """The weights of the last epochs, and their mean; of one epoch, the weights as they are."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._kept: list[dict[str, np.ndarray]] = []
        self._variables: dict[str, tf.Variable] = {}
        self._mean: dict[str, np.ndarray] = {}

    def add(self, variables: dict[str, tf.Variable]) -> None:
        """An epoch has ended with ``variables``."""
        self._variables, self._mean = variables, {}
        if self._count > 1:
            self._kept = [*self._kept, {name: variable.numpy().copy() for name, variable in variables.items()}]
            self._kept = self._kept[-self._count :]

    def keep(self, going: np.ndarray) -> None:
        """Go on with the members ``going`` only."""
        self._kept = [{name: value[going[: len(value)]] for name, value in one.items()} for one in self._kept]

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """In units of the learning rates, by name."""
        if not self._mean and self._kept:
            self._mean = {name: np.mean([one[name] for one in self._kept], axis=0) for name in self._kept[0]}
        elif not self._mean:
            self._mean = {name: variable.numpy() for name, variable in self._variables.items()}
        return self._mean

    def judged(self, trainer: Trainer, state: State, blocks: tf.Tensor, arrays: dict[str, tf.Tensor]) -> np.ndarray:
        """Mean loss ``[m]`` of the rows in ``blocks``."""
        weights = {name: tf.constant(w) for name, w in self.weights.items()} if self._kept else state.values
        return trainer.evaluate(blocks, arrays, weights).numpy()


class State:
    """Weights ``[m_l, i, o]`` of one program in training and Adam's moments (Kingma and Ba, 2015)."""

    def __init__(self, weights: dict[str, np.ndarray], beta_2: float) -> None:
        """Begin with ``weights`` (in units of the learning rate) and fresh moments."""

        def variables(begin: Callable[[np.ndarray], np.ndarray]) -> dict[str, tf.Variable]:
            return {name: tf.Variable(begin(w), shape=[None] * 3, trainable=False) for name, w in weights.items()}

        self.weights = variables(np.copy)  # TensorFlow may share an array's memory
        self._first, self._second = variables(np.zeros_like), variables(np.zeros_like)
        betas = zip(POWERS, (BETA_1, beta_2), strict=True)
        self._powers = {name: tf.Variable(beta, dtype=tf.float32, trainable=False) for name, beta in betas}

    @property
    def handles(self) -> dict[str, dict[str, tf.Tensor]]:
        """What the compiled steps read and change, by kind and name."""
        groups = {"weights": self.weights, "first": self._first, "second": self._second, "powers": self._powers}
        return {kind: {name: v.handle for name, v in variables.items()} for kind, variables in groups.items()}

    @property
    def values(self) -> dict[str, tf.Tensor]:
        """The weights as they are."""
        return {name: variable.read_value() for name, variable in self.weights.items()}

    def keep(self, going: np.ndarray) -> None:
        """Go on with the members ``going`` only."""
        for variables in (self.weights, self._first, self._second):
            for variable in variables.values():
                value = variable.numpy()
                variable.assign(value[going[: len(value)]])


def _repeat(times: tf.Tensor, body: Callable[..., Any], start: list[tf.Tensor]) -> list[tf.Tensor]:
    """``body(number, *state) -> (number + 1, *state)`` so many times; each state is a vector over members."""
    shapes = [tf.TensorShape([]), *[tf.TensorShape([None]) for _ in start]]
    return tf.while_loop(
        lambda number, *state: number < times, body, [tf.constant(0), *start], shape_invariants=shapes
    )[1:]


class Trainer:
    """The compiled steps of one kind of program; whose ``State`` they advance, they are told.

    Member, batch and unit axes are left open, so that one trace (a second or so) serves every program of that kind,
    also at the same time. ``names``: the weights; ``specification``: name, rank and type of each array that the
    program reads.
    """

    def __init__(self, kind: Kind, names: Sequence[str], specification: Sequence[tuple[str, int, str]]) -> None:
        self._kind = kind
        arrays = {name: tf.TensorSpec([None] * rank, kind_of) for name, rank, kind_of in specification}
        rows, noise = tf.TensorSpec([None] * 3, tf.int32), tf.TensorSpec([None] * 4, tf.uint8)
        draws, factors = tf.TensorSpec([None] * 4, tf.float32), tf.TensorSpec([None, 2], tf.float32)
        handle = tf.TensorSpec([], tf.resource)
        each = dict.fromkeys(names, handle)
        handles = {"weights": each, "first": each, "second": each, "powers": dict.fromkeys(POWERS, handle)}
        # The loops are TensorFlow's own: to translate Python's (autograph) would take as long as the trace itself.
        inputs = [rows, [noise] * kind.depth, draws, factors, arrays, handles]
        self.steps = tf.function(self._steps, input_signature=inputs, autograph=False)
        weights = {name: tf.TensorSpec([None] * 3, tf.float32) for name in names}
        self.evaluate = tf.function(self._evaluate, input_signature=[rows, arrays, weights], autograph=False)

    def logits(
        self,
        rows: tf.Tensor,
        arrays: dict[str, tf.Tensor],
        weights: dict[str, tf.Tensor],
        noises: list[tf.Tensor] | None = None,
        draws: tf.Tensor | None = None,
        scaled: bool = False,
        regularisation: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """``[m, b, c]`` for ``rows [m or 1, b]``, of copies ``[m, k, b, c]``; ``noises`` and ``draws`` ask for dropout
        (its rate times ``regularisation``) and augmentation. ``scaled``: kernels are given in their units."""
        kind = self._kind
        inputs = kind.layout.batch(arrays, rows, arrays["fold"], weights, draws)
        hidden, layers = range(kind.depth), range(kind.depth + 1)
        biases = [weights[f"bias_{layer}"] for layer in layers]
        output = None
        if kind.feature_scale:
            inputs = inputs * weights["front_scale"]
        if kind.copies:
            inputs = copy_rows(inputs, weights["adapter"])
            biases[-1] = biases[-1][:, :, None]  # [m, k, 1, c]
            output = functools.partial(output_of_copies, copies=kind.copies)
        return forward(
            inputs,
            [weights[f"kernel_{layer}"] for layer in layers],
            biases,
            kind.activation,
            arrays["width"],
            noises,
            arrays["rate"] if regularisation is None else arrays["rate"] * regularisation,
            [(weights[f"gain_{layer}"], weights[f"shift_{layer}"]) for layer in hidden] if kind.normalized else (),
            kind.layout.project,
            [self._unit(f"kernel_{layer}", arrays) for layer in layers] if scaled else None,
            PRODUCTS[kind.layout.precision],
            [weights[f"slope_{layer}"] for layer in hidden] if kind.realmlp else (),
            output,
        )

    def pooled(
        self, rows: tf.Tensor, arrays: dict[str, tf.Tensor], weights: dict[str, tf.Tensor], scaled: bool = False
    ) -> tf.Tensor:
        """``[m, b, c]``: logits without dropout, of copies those of their mean answer."""
        logits = self.logits(rows, arrays, weights, scaled=scaled)
        return self._kind.head.pool(logits) if self._kind.copies else logits

    def _loss(
        self, rows: tf.Tensor, arrays: dict[str, tf.Tensor], logits: tf.Tensor, training: bool = False
    ) -> tf.Tensor:
        """The loss ``[m, b]`` of ``logits`` for the targets of ``rows``, of copies ``[m, k, b]``; ``training``: Huber's
        for those who have it."""
        index = tf.stack([tf.broadcast_to(arrays["fold"][:, None], tf.shape(rows)), tf.maximum(rows, 0)], -1)
        target = tf.gather_nd(arrays["target"], index)
        copies, head = len(logits.shape) == 4, self._kind.head
        target = tf.broadcast_to(target[:, None] if copies else target, tf.shape(logits)[:-1])
        if training and self._kind.robust and head.robust:
            limit = arrays["huber"][:, None, None] if copies else arrays["huber"][:, None]
            return head.robust(target, logits, limit)
        return head.loss(target, logits)

    def _losses(
        self,
        rows: tf.Tensor,
        arrays: dict[str, tf.Tensor],
        logits: tf.Tensor,
        training: bool = False,
        mixed: tuple[tf.Tensor, tf.Tensor] | None = None,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Sum of the losses and number of rows, ``[m]``; a row of -1 does not count. Smoothed labels, Huber's loss and
        rows that others are ``mixed`` in (which, and their shares) are for ``training`` alone, so that losses of all
        members can be compared. The loss of ``logits [m, k, b, c]`` is the mean of the copies' losses."""
        shape = tf.stack([tf.shape(logits)[0], tf.shape(logits)[-2]])
        counts = tf.broadcast_to(tf.cast(rows >= 0, tf.float32), shape)
        loss = self._loss(rows, arrays, logits, training)
        copies = len(logits.shape) == 4
        if mixed is not None:
            others, share = mixed
            loss += share * (self._loss(others, arrays, logits, training) - loss)
        if training and self._kind.smooths and self._kind.head.spread:
            smoothing = arrays["label_smoothing"]
            share = smoothing[:, None, None] if copies else smoothing[:, None]
            loss += share * (self._kind.head.spread(logits) - loss)
        if copies:
            loss = tf.reduce_mean(loss, axis=1)
        return tf.reduce_sum(loss * counts, axis=1), tf.reduce_sum(counts, axis=1)

    def _unit(self, name: str, arrays: dict[str, tf.Tensor]) -> tf.Tensor:
        """What a weight is held in units of, ``[m]``."""
        return arrays.get(f"unit_{name}", arrays["unit"])

    def _scaled(self, weights: dict[str, tf.Tensor], arrays: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """True weights, except for the kernels: the largest by far, they meet their unit in ``forward``."""
        return {
            name: weight
            if name.startswith("kernel_")
            else weight * self._unit(name, arrays)[: tf.shape(weight)[0], None, None]
            for name, weight in weights.items()
        }

    def _steps(
        self,
        order: tf.Tensor,
        noise: list[tf.Tensor],
        draws: tf.Tensor,
        factors: tf.Tensor,
        arrays: dict[str, tf.Tensor],
        handles: dict[str, dict[str, tf.Tensor]],
    ) -> tf.Tensor:
        """One step for each batch of ``order [m or 1, steps, b]``; the sum of the train rows' losses ``[m]``.

        ``draws [1, steps, b, k]``; ``factors [steps, 2]`` of the learning rates and of what holds the network back.
        """

        def one(step: tf.Tensor, total: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            rows = order[:, step]
            weights = {name: _read(handle, 3) for name, handle in handles["weights"].items()}
            with tf.GradientTape() as tape:
                tape.watch(weights)
                drawn = draws[:, step] if self._kind.layout.distorts else None
                scaled = self._scaled(weights, arrays)
                noises = [each[:, step] for each in noise]
                held = factors[step, 1] if self._kind.realmlp else None
                logits = self.logits(rows, arrays, scaled, noises, drawn, True, held)
                mixed = self._kind.layout.mixed(rows, drawn)
                summed, counts = self._losses(rows, arrays, logits, True, mixed)
                objective = tf.reduce_sum(summed / tf.maximum(counts, 1.0))
            self._step(tape.gradient(objective, weights), factors[step, 0], factors[step, 1], arrays, handles)
            return step + 1, total + summed

        return _repeat(tf.shape(order)[1], one, [tf.zeros(tf.shape(arrays["unit"]))])[0]

    def _evaluate(self, blocks: tf.Tensor, arrays: dict[str, tf.Tensor], weights: dict[str, tf.Tensor]) -> tf.Tensor:
        """Mean loss ``[m]`` of the rows in ``blocks [m or 1, blocks, b]`` by ``weights``, without dropout."""
        weights = self._scaled(weights, arrays)

        def one(block: tf.Tensor, total: tf.Tensor, count: tf.Tensor) -> tuple[tf.Tensor, ...]:
            rows = blocks[:, block]
            summed, counts = self._losses(rows, arrays, self.pooled(rows, arrays, weights, True))
            return block + 1, total + summed, count + counts

        nothing = tf.zeros(tf.shape(arrays["unit"]))
        total, count = _repeat(tf.shape(blocks)[1], one, [nothing, nothing])
        return total / count

    def _penalty(self, which: str, name: str, arrays: dict[str, tf.Tensor]) -> tf.Tensor:
        """``[m]``. A copy's own output sees its share of the loss alone, so its share of the penalty."""
        own = self._kind.copies and name == f"kernel_{self._kind.depth}"
        return arrays[which] / float(self._kind.copies) if own else arrays[which]

    def _step(
        self,
        gradients: dict[str, tf.Tensor],
        factor: tf.Tensor,
        held: tf.Tensor,
        arrays: dict[str, tf.Tensor],
        handles: dict[str, dict[str, tf.Tensor]],
    ) -> None:
        """One step of Adam on the weights in units of the learning rate. The penalty is l1 * sum |w| + l2 * sum w^2 of
        the true weights w = unit * weight; decoupled decay takes ``learning rate * weight_decay * held``
        of them."""
        betas = dict(zip(POWERS, (BETA_1, self._kind.beta_2), strict=True))
        powers = {name: _read(handles["powers"][name], 0) for name in POWERS}
        for name, gradient in gradients.items():
            handle, count = handles["weights"][name], tf.shape(gradient)[0]
            unit = self._unit(name, arrays)[:count, None, None]
            if name.startswith(PENALISED) and self._kind.l2:
                weight = _read(handle, 3)
                gradient += 2.0 * self._penalty("l2", name, arrays)[:count, None, None] * unit**2 * weight
            if name.startswith(PENALISED) and self._kind.l1:
                gradient += self._penalty("l1", name, arrays)[:count, None, None] * unit * tf.sign(_read(handle, 3))
            if name.startswith(PENALISED) and self._kind.decays:
                taken = (factor * held * arrays["unit"] * arrays["weight_decay"])[:count, None, None]
                tf.raw_ops.AssignVariableOp(resource=handle, value=_read(handle, 3) * (1.0 - taken))
            tf.raw_ops.ResourceApplyAdam(
                var=handle,
                m=handles["first"][name],
                v=handles["second"][name],
                beta1_power=powers["beta_1"],
                beta2_power=powers["beta_2"],
                lr=factor,
                beta1=betas["beta_1"],
                beta2=betas["beta_2"],
                epsilon=EPSILON,
                grad=gradient,
            )
        for name, beta in betas.items():
            tf.raw_ops.AssignVariableOp(resource=handles["powers"][name], value=powers[name] * beta)


@functools.cache
def trainer(kind: Kind, names: tuple[str, ...], specification: tuple[tuple[str, int, str], ...]) -> Trainer:
    """The one trainer of a kind."""
    return Trainer(kind, names, specification)
