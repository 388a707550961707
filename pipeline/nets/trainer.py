"""The compiled part of training: weights, Adam's moments and the steps of one kind of program."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from pipeline.nets import lanes
from pipeline.nets.heads import Head
from pipeline.nets.layers import (
    PRODUCTS,
    copy_rows,
    dropout_scale,
    dropout_threshold,
    forward,
    multiply_beside,
    multiply_scaled,
    output_of_copies,
)
from pipeline.nets.memory import as_array, tensor
from pipeline.nets.source import Layout, standing_in

BETA_1, EPSILON = 0.9, 1e-10
# Adam's running products of its betas.
POWERS = ("beta_1", "beta_2")
# Weights under L1, L2 and decay.
PENALISED = ("kernel_", "filter_", "numbers_mix", "numbers_pieces")


@dataclass(frozen=True, kw_only=True)
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
    """The weights of the last ``count`` epochs, and their mean."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._kept: list[dict[str, np.ndarray]] = []

    def mean_with(self, weights: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Of ``weights``, with which an epoch has ended, and those before; of one epoch, ``weights`` themselves."""
        if self._count == 1:
            return weights
        ended = {name: as_array(value) for name, value in weights.items()}
        self._kept = [*self._kept, ended][-self._count :]
        return {name: tensor(np.mean([one[name] for one in self._kept], axis=0)) for name in ended}

    def keep(self, going: np.ndarray) -> None:
        """Go on with the members ``going`` only."""
        self._kept = [{name: value[going[: len(value)]] for name, value in one.items()} for one in self._kept]


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
        """The weights as they are, in units of the learning rates. On a processor in the variables' own memory: while
        somebody holds them, a step writes elsewhere."""
        handles = self.handles["weights"]
        return {name: tf.raw_ops.ReadVariableOp(resource=handle, dtype=tf.float32) for name, handle in handles.items()}

    def keep(self, going: np.ndarray) -> None:
        """Go on with the members ``going`` only."""
        for variables in (self.weights, self._first, self._second):
            for variable in variables.values():
                value = variable.numpy()
                variable.assign(value[going[: len(value)]])


def _options() -> bytes:
    """How TensorFlow is to call a trace. Where networks are small it rewrites it once and leaves out what makes no step
    shorter: its own way takes as long as the trace itself."""
    config = tf.compat.v1.ConfigProto()
    if lanes.small():
        rewriting = config.graph_options.rewrite_options
        rewriting.meta_optimizer_iterations = rewriting.ONE
        rewriting.remapping = rewriting.constant_folding = rewriting.layout_optimizer = rewriting.OFF
    return bytes(config.SerializeToString())


def _repeat(times: tf.Tensor, body: Callable[..., Any], start: list[tf.Tensor]) -> list[tf.Tensor]:
    """``body(number, *state) -> (number + 1, *state)`` so many times; each state is a vector over members."""
    shapes = [tf.TensorShape([]), *[tf.TensorShape([None]) for _ in start]]
    return tf.while_loop(
        lambda number, *state: number < times, body, [tf.constant(0), *start], shape_invariants=shapes
    )[1:]


def _at(step: tf.Tensor) -> Callable[[tf.Tensor], tf.Tensor]:
    """What an array holds at ``step`` along its first axis; the place is made once for all arrays."""
    one = tf.ones([1], tf.int32)
    begin = step * one
    end = begin + one
    return lambda array: tf.strided_slice(array, begin, end, one, shrink_axis_mask=1)


class Compiled:
    """``function(*arguments) -> float32``, traced for its ``signature`` at the first call.

    On a processor it is called as the operation that a traced function is: TensorFlow's own way to it looks at each
    argument, which for these many takes a millisecond or two of Python, as long as a small network's step and in one
    thread at a time.
    """

    def __init__(self, function: Callable[..., tf.Tensor], signature: Sequence[Any]) -> None:
        # The loops are TensorFlow's own: to translate Python's (autograph) would take as long as the trace itself.
        self._function = tf.function(function, input_signature=signature, autograph=False)
        self._traced: Any = None
        self._options = _options()
        self._tracing = threading.Lock()

    def __call__(self, *arguments: Any) -> tf.Tensor:
        if tf.config.list_logical_devices("GPU"):
            return self._function(*arguments)
        with self._tracing:
            self._traced = self._traced or self._function.get_concrete_function()
        given = tf.nest.flatten(arguments)
        return tf.raw_ops.StatefulPartitionedCall(
            args=given, Tout=[tf.float32], f=self._traced, config_proto=self._options
        )[0]


class Trainer:
    """The compiled steps of one kind of program; the ``State`` to advance is passed in.

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
        self.steps = Compiled(self._steps, [rows, [noise] * kind.depth, draws, factors, arrays, handles])
        weights = {name: tf.TensorSpec([None] * 3, tf.float32) for name in names}
        self.evaluate = Compiled(self._evaluate, [rows, arrays, weights])

    def logits(
        self,
        rows: tf.Tensor,
        arrays: dict[str, tf.Tensor],
        weights: dict[str, tf.Tensor],
        scales: Sequence[tf.Tensor] = (),
        drops: Sequence[tuple[tf.Tensor, tf.Tensor]] = (),
        draws: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """``[m, b, c]`` for ``rows [m or 1, b]``, of copies ``[m, k, b, c]``; ``scales`` and ``drops`` as of
        ``forward``; ``draws`` ask for augmentation."""
        kind = self._kind
        inputs = kind.layout.batch(arrays, rows, weights, draws)
        hidden, layers = range(kind.depth), range(kind.depth + 1)
        biases = [weights[f"bias_{layer}"] for layer in layers]
        norms = [(weights[f"gain_{layer}"], weights[f"shift_{layer}"]) for layer in hidden] if kind.normalized else ()
        project, output = kind.layout.project, None
        scale = weights["front_scale"] if kind.feature_scale else None
        if kind.copies:
            inputs = tf.concat(inputs, axis=-1) if isinstance(inputs, tuple) else inputs
            inputs = copy_rows(inputs if scale is None else inputs * scale, weights["adapter"])
            biases[-1] = biases[-1][:, :, None]  # [m, k, 1, c]
            output = functools.partial(output_of_copies, copies=kind.copies)
        elif isinstance(inputs, tuple):
            given, inputs = inputs
            project = functools.partial(multiply_beside, given, scale=scale)
        elif scale is not None:
            project = functools.partial(multiply_scaled, scale=scale)
        return forward(
            inputs,
            [weights[f"kernel_{layer}"] for layer in layers],
            biases,
            kind.activation,
            arrays["width"],
            drops=drops,
            norms=norms,
            project=project,
            scales=scales,
            product=PRODUCTS[kind.layout.precision],
            slopes=[weights[f"slope_{layer}"] for layer in hidden] if kind.realmlp else (),
            output=output,
        )

    def pooled(
        self,
        rows: tf.Tensor,
        arrays: dict[str, tf.Tensor],
        weights: dict[str, tf.Tensor],
        scales: Sequence[tf.Tensor] = (),
    ) -> tf.Tensor:
        """``[m, b, c]``: logits without dropout, of copies those of their mean answer."""
        logits = self.logits(rows, arrays, weights, scales)
        return self._kind.head.pool(logits) if self._kind.copies else logits

    def _targets(self, rows: tf.Tensor, arrays: dict[str, tf.Tensor]) -> tf.Tensor:
        """Those of ``rows [..., m or 1, b]``."""
        place = arrays["fold"][:, None] * tf.shape(arrays["target"])[1] + standing_in(rows)
        return tf.gather(tf.reshape(arrays["target"], [-1]), place)

    def _loss(self, target: tf.Tensor, arrays: dict[str, tf.Tensor], logits: tf.Tensor, training: bool) -> tf.Tensor:
        """The loss ``[m, b]`` of ``logits`` for ``target [m or 1, b]``, of copies ``[m, k, b]``; ``training``: Huber's
        for those who have it."""
        copies, head = len(logits.shape) == 4, self._kind.head
        target = tf.broadcast_to(target[:, None] if copies else target, tf.shape(logits)[:-1])
        if training and self._kind.robust and head.robust:
            limit = arrays["huber"][:, None, None] if copies else arrays["huber"][:, None]
            return head.robust(target, logits, limit)
        return head.loss(target, logits)

    def _losses(
        self,
        target: tf.Tensor,
        arrays: dict[str, tf.Tensor],
        logits: tf.Tensor,
        training: bool = False,
        mixed: tuple[tf.Tensor, tf.Tensor] | None = None,
    ) -> tf.Tensor:
        """The loss ``[m, b]`` of each row. Smoothed labels, Huber's loss and rows that others are ``mixed`` in (which,
        and their shares) are for ``training`` alone, so that losses of all members can be compared. The loss of
        ``logits [m, k, b, c]`` is the mean of the copies' losses."""
        loss = self._loss(target, arrays, logits, training)
        copies = len(logits.shape) == 4
        if mixed is not None:
            others, share = mixed
            loss += share * (self._loss(self._targets(others, arrays), arrays, logits, training) - loss)
        if training and self._kind.smooths and self._kind.head.spread:
            smoothing = arrays["label_smoothing"]
            share = smoothing[:, None, None] if copies else smoothing[:, None]
            loss += share * (self._kind.head.spread(logits) - loss)
        return tf.reduce_mean(loss, axis=1) if copies else loss

    def _scales(self, arrays: dict[str, tf.Tensor], thresholds: Sequence[tf.Tensor] = ()) -> list[tf.Tensor]:
        """What each kernel's product is multiplied by, ``[m_l, 1, 1]``: the unit, and what dropout before it asks."""
        scales = [arrays[f"unit_kernel_{layer}"] for layer in range(self._kind.depth + 1)]
        for layer in range(1, len(scales)) if thresholds else ():
            # A network's rate is the same in all its layers, and all members have the first.
            scales[layer] *= dropout_scale(thresholds[layer % self._kind.depth])
        return scales

    def _scaled(self, weights: dict[str, tf.Tensor], arrays: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """True weights, except for the kernels: the largest by far, they meet their unit in ``forward``."""
        return {
            name: weight if name.startswith("kernel_") else weight * arrays[f"unit_{name}"]
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
        """One step for each batch of ``order [steps, m or 1, b]``; the sum of the train rows' losses ``[m]``.

        ``noise [steps, m_l, k * b, o]`` of each hidden layer; ``draws [steps, 1, b, k]``; ``factors [steps, 2]`` of the
        learning rates and of what holds the network back.
        """
        # What no step changes stands before the loop: in it, it would be done anew in each.
        targets, counts = self._targets(order, arrays), tf.cast(order >= 0, tf.float32)
        shares = counts / tf.maximum(tf.reduce_sum(counts, axis=2, keepdims=True), 1.0)
        rates = [arrays[f"rate_{layer}"] for layer in range(self._kind.depth)]
        thresholds = [dropout_threshold(rate) for rate in rates]
        scales = self._scales(arrays, thresholds)

        def one(step: tf.Tensor, total: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            at = _at(step)
            rows = at(order)
            factor, held = tf.unstack(at(factors))
            own = [dropout_threshold(rate * held) for rate in rates] if self._kind.realmlp else thresholds
            of_kernels = self._scales(arrays, own) if self._kind.realmlp else scales
            weights = {name: _read(handle, 3) for name, handle in handles["weights"].items()}
            weights = self._scaled(weights, arrays)
            with tf.GradientTape() as tape:
                tape.watch(weights)
                drawn = at(draws) if self._kind.layout.distorts else None
                drops = [(at(each), below) for each, below in zip(noise, own, strict=True)]
                logits = self.logits(rows, arrays, weights, of_kernels, drops, drawn)
                mixed = self._kind.layout.mixed(rows, drawn)
                loss = self._losses(at(targets), arrays, logits, True, mixed)
            share = tf.broadcast_to(at(shares), tf.shape(loss))
            # Those of the true weights, times what these are multiples of.
            gradients = self._scaled(tape.gradient(loss, weights, share), arrays)
            self._step(gradients, factor, held, arrays, handles)
            return step + 1, total + tf.reduce_sum(loss * at(counts), axis=1)

        return _repeat(tf.shape(order)[0], one, [tf.zeros(tf.shape(arrays["unit"]))])[0]

    def _evaluate(self, blocks: tf.Tensor, arrays: dict[str, tf.Tensor], weights: dict[str, tf.Tensor]) -> tf.Tensor:
        """Mean loss ``[m]`` of the rows in ``blocks [blocks, m or 1, b]`` by ``weights``, without dropout."""
        weights, scales = self._scaled(weights, arrays), self._scales(arrays)
        targets, counts = self._targets(blocks, arrays), tf.cast(blocks >= 0, tf.float32)

        def one(block: tf.Tensor, total: tf.Tensor) -> tuple[tf.Tensor, ...]:
            at = _at(block)
            loss = self._losses(at(targets), arrays, self.pooled(at(blocks), arrays, weights, scales))
            return block + 1, total + tf.reduce_sum(loss * at(counts), axis=1)

        total = _repeat(tf.shape(blocks)[0], one, [tf.zeros(tf.shape(arrays["unit"]))])[0]
        return total / tf.reduce_sum(counts, axis=[0, 2])

    def _step(
        self,
        gradients: dict[str, tf.Tensor],
        factor: tf.Tensor,
        held: tf.Tensor,
        arrays: dict[str, tf.Tensor],
        handles: dict[str, dict[str, tf.Tensor]],
    ) -> None:
        """One step of Adam on the weights in units of the learning rate. Decoupled decay takes
        ``learning rate * weight_decay * held`` of them."""
        betas = dict(zip(POWERS, (tf.constant(BETA_1), arrays["beta_2"]), strict=True))
        epsilon = tf.constant(EPSILON)  # as beta 1 made once, not anew for each weight: a trace takes long by its parts
        powers = {name: _read(handles["powers"][name], 0) for name in POWERS}
        for name, gradient in gradients.items():
            handle = handles["weights"][name]
            if name.startswith(PENALISED) and self._kind.l2:
                gradient += arrays[f"l2_{name}"] * _read(handle, 3)
            if name.startswith(PENALISED) and self._kind.l1:
                gradient += arrays[f"l1_{name}"] * tf.sign(_read(handle, 3))
            if name.startswith(PENALISED) and self._kind.decays:
                taken = factor * held * arrays[f"decay_{name}"]
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
                epsilon=epsilon,
                grad=gradient,
            )
        for name, beta in betas.items():
            tf.raw_ops.AssignVariableOp(resource=handles["powers"][name], value=powers[name] * beta)


# Held while a trainer is asked for: else two lanes that ask at once would trace each its own.
ASKING = threading.Lock()


@functools.cache
def trainer(kind: Kind, names: tuple[str, ...], specification: tuple[tuple[str, int, str], ...]) -> Trainer:
    """The one trainer of a kind, made on the first call, so that programs share its traces; see ``Trainer``."""
    return Trainer(kind, names, specification)
