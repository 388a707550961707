"""Training members together: the one file that knows TensorFlow.

A *program* is a set of members that share activation and batch size; they train side by side, each on its fold's
``train`` rows,
in its own order, with its own dropout, L2, learning rate and initial weights, until its ``stop`` rows have not
improved for
``patience`` epochs. Its best weights are kept. A member that has stopped leaves the program, so the others go on
faster.

What a member computes depends on its own row of ``Members`` alone, never on its neighbours.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import tensorflow as tf
from keras import ops

from pipeline.nets.heads import HEADS, Head
from pipeline.nets.layers import NOISE_LEVELS, embed, forward, initial_kernel

TRAIN, STOP, SCORE = 0, 1, 2
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-10
EMBEDDING_UNITS = 4
# Together, weights, moments and best weights of a program should stay in the processor's cache.
MEMBERS_PER_PROGRAM = 64
# Rows times members of one prediction, which bounds its memory.
PREDICTED_AT_ONCE = 200_000


@dataclass(frozen=True)
class Members:
    """One row a network: hyperparameters, the fold it learns in and its seed, each ``[m]``."""

    depth: np.ndarray
    width: np.ndarray
    dropout: np.ndarray
    l2: np.ndarray
    initializer: np.ndarray
    activation: np.ndarray
    learning_rate: np.ndarray
    batch_size: np.ndarray
    fold: np.ndarray
    seed: np.ndarray

    def __len__(self) -> int:
        return len(self.depth)

    def take(self, index: np.ndarray) -> Members:
        """The members at ``index``, in that order."""
        return Members(**{f.name: getattr(self, f.name)[index] for f in fields(self)})


def members_of(configurations: Sequence[dict[str, Any]], folds: Sequence[int], seeds: Sequence[int]) -> Members:
    """One member for each configuration (keys: ``depth`` to ``batch_size``), with its fold and seed."""
    columns = {key: np.array([c[key] for c in configurations]) for key in configurations[0]}
    return Members(**columns, fold=np.array(folds, np.int64), seed=np.array(seeds, np.uint64))


@dataclass(frozen=True)
class Table:
    """The arrays that every member may draw from.

    ``inputs [F, n, d] float32``, ``codes [n, e] int32`` (columns with a learned embedding), ``levels``: how many codes
    there are, ``target [F, t]``, ``roles [t, F]`` (0 train, 1 stop, 2 score), ``outputs``: units of the last layer.
    """

    inputs: np.ndarray
    codes: np.ndarray
    levels: int
    target: np.ndarray
    roles: np.ndarray
    outputs: int


@dataclass(frozen=True)
class Fit:
    """What training found, in the order of the members given.

    ``answers [m, n, c] float32``: probabilities (regression: predictions) for all rows from the best weights;
    ``loss [m, t] float32``: the loss of each labelled row from the same weights;
    ``train_loss``/``stop_loss [m, epochs] float32``: mean loss an epoch, NaN after the member stopped (the train loss
    is taken
    while training, so under dropout); ``best_epoch [m]``: from 1, or 0 for a member that never had a finite loss;
    ``epochs_run [m]``; ``weights``: for each program the members in it and their weight arrays.
    """

    answers: np.ndarray
    loss: np.ndarray
    train_loss: np.ndarray
    stop_loss: np.ndarray
    best_epoch: np.ndarray
    epochs_run: np.ndarray
    weights: list[dict[str, np.ndarray]]


def fit(
    members: Members,
    table: Table,
    task: str,
    epochs: int,
    patience: int,
    progress: Callable[[float], None] = lambda share: None,
) -> Fit:
    """Train all members; ``progress`` is told the share done, from 0 to 1."""
    count, rows = len(members), table.inputs.shape[1]
    answers = np.full((count, rows, table.outputs), np.nan, np.float32)
    loss = np.full((count, len(table.roles)), np.nan, np.float32)
    train_loss = np.full((count, epochs), np.nan, np.float32)
    stop_loss = np.full((count, epochs), np.nan, np.float32)
    best_epoch, epochs_run = np.zeros(count, np.int64), np.zeros(count, np.int64)
    weights, done = [], 0
    for index in programs(members):
        program = Program(members.take(index), table, HEADS[task])
        start, size = done, len(index)

        def report(share: float, start: int = start, size: int = size) -> None:
            progress((start + share * size) / count)

        train_loss[index], stop_loss[index], best_epoch[index], epochs_run[index] = program.train(
            epochs, patience, report
        )
        answers[index], loss[index] = program.predict()
        weights.append({"members": index, **program.best_weights()})
        done += size
    return Fit(answers, loss, train_loss, stop_loss, best_epoch, epochs_run, weights)


def programs(members: Members) -> Iterator[np.ndarray]:
    """Indices of the members that train together: one activation and batch size, alike in width, of falling depth."""
    keys = sorted(set(zip(members.activation.tolist(), members.batch_size.tolist(), strict=True)))
    for activation, batch_size in keys:
        index = np.flatnonzero((members.activation == activation) & (members.batch_size == batch_size))
        index = index[np.argsort(members.width[index], kind="stable")]
        for part in np.array_split(index, -(-len(index) // MEMBERS_PER_PROGRAM)):
            yield part[np.argsort(-members.depth[part], kind="stable")]


class Program:
    """Members that share activation and batch size, in order of falling depth."""

    def __init__(self, members: Members, table: Table, head: Head) -> None:
        self._members, self._table, self._head = members, table, head
        self._batch = int(members.batch_size[0])
        self._width = int(members.width.max())
        self._depths = [np.flatnonzero(members.depth > layer) for layer in range(int(members.depth.max()))]
        self._train_rows = [np.flatnonzero(table.roles[:, f] == TRAIN) for f in members.fold]
        largest = int((table.roles == TRAIN).sum(axis=0).max())
        self._steps = -(-largest // self._batch)
        self._generators = [np.random.Generator(np.random.SFC64(int(seed))) for seed in members.seed]
        # Weights are held in units of their member's learning rate: then Adam's step is 1 for everyone, and
        # TensorFlow's
        # fused kernel, which knows one learning rate only, serves all members (Adam's step does not depend on the
        # gradient's
        # scale). A member's true weight is this times its learning rate.
        scale = members.learning_rate.astype(np.float32)
        self._best = [weight / scale[: len(weight), None, None] for weight in self._initial_weights()]
        self._trainer = trainer(str(members.activation[0]), head, len(self._depths), table.codes.shape[1])

    def _initial_weights(self) -> list[np.ndarray]:
        """Kernels then biases ``[m_l, 1, o]`` layer by layer, then the embedding table, each padded with zeros."""
        members, table = self._members, self._table
        embedded = table.codes.shape[1] * EMBEDDING_UNITS
        fan_in = table.inputs.shape[2] + embedded
        layers = len(self._depths)
        weights = []
        for layer in range(layers):
            rows = self._width if layer else fan_in
            weights += [
                np.zeros((len(self._depths[layer]), rows, self._width), np.float32),
                np.zeros((len(self._depths[layer]), 1, self._width), np.float32),
            ]
        count = len(members)
        weights += [
            np.zeros((count, self._width, table.outputs), np.float32),
            np.zeros((count, 1, table.outputs), np.float32),
        ]
        if embedded:
            weights.append(np.zeros((count, table.levels, EMBEDDING_UNITS), np.float32))
        for m, generator in enumerate(self._generators):
            name, width = str(members.initializer[m]), int(members.width[m])
            for layer in range(int(members.depth[m])):
                rows = width if layer else fan_in
                weights[2 * layer][m, :rows, :width] = initial_kernel(name, generator, rows, width)
            weights[2 * layers][m, :width] = initial_kernel(name, generator, width, table.outputs)
            if embedded:
                weights[-1][m] = generator.normal(0.0, 0.05, weights[-1][m].shape)
        return weights

    def train(
        self, epochs: int, patience: int, progress: Callable[[float], None]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Returns train loss ``[m, epochs]``, stop loss ``[m, epochs]``, best epoch ``[m]`` and epochs run ``[m]``."""
        count = len(self._members)
        train_loss = np.full((count, epochs), np.nan, np.float32)
        stop_loss = np.full((count, epochs), np.nan, np.float32)
        lowest, best_epoch, epochs_run = np.full(count, np.inf), np.zeros(count, np.int64), np.zeros(count, np.int64)
        active, going = np.arange(count), np.ones(count, bool)
        self._trainer.start(self._best)
        arrays = self._constants(active)
        for epoch in range(epochs):
            order, noise = self._draw(active)
            losses = self._trainer.epoch(tf.constant(order), [tf.constant(n) for n in noise], arrays)
            here = active[going]  # who has stopped but is still on board leaves no trace
            train_loss[here, epoch], stop_loss[here, epoch] = losses[0].numpy()[going], losses[1].numpy()[going]
            epochs_run[here] = epoch + 1
            improved = here[stop_loss[here, epoch] < lowest[here]]
            lowest[improved], best_epoch[improved] = stop_loss[improved, epoch], epoch + 1
            self._keep_best(active, np.isin(active, improved))
            going &= (epoch + 1 - best_epoch[active] < patience) & np.isfinite(losses[0].numpy())
            progress((epoch + 1) / epochs)
            if not going.any():
                break
            # Leaving costs a copy of all weights, so stopped members wait until they are a fifth of the program.
            if going.mean() < 0.8:
                self._trainer.keep(going)
                active = active[going]
                going = np.ones(len(active), bool)
                arrays = self._constants(active)
        progress(1.0)
        return train_loss, stop_loss, best_epoch, epochs_run

    def _draw(self, active: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
        """The epoch's row order ``[m, steps, b]`` (-1 where a batch is short) and noise ``[m_l, steps, b, o] uint8``
        a layer."""
        order = np.full((len(active), self._steps * self._batch), -1, np.int32)
        depths = self._members.depth[active]
        noise = [
            np.full(((depths > layer).sum(), self._steps * self._batch, self._width), NOISE_LEVELS - 1, np.uint8)
            for layer in range(len(self._depths))
        ]
        for position, m in enumerate(active):
            generator, rows, width = self._generators[m], self._train_rows[m], int(self._members.width[m])
            order[position, : len(rows)] = generator.permutation(rows)
            if self._members.dropout[m] > 0:
                for layer in range(depths[position]):
                    drawn = np.frombuffer(generator.bytes(len(rows) * width), np.uint8)
                    noise[layer][position, : len(rows), :width] = drawn.reshape(len(rows), width)
        steps = (self._steps, self._batch)
        return order.reshape(len(active), *steps), [n.reshape(len(n), *steps, self._width) for n in noise]

    def _constants(self, active: np.ndarray) -> dict[str, tf.Tensor]:
        """What does not change from epoch to epoch, for the members still in training."""
        members, table = self._members.take(active), self._table
        stops = [np.flatnonzero(table.roles[:, f] == STOP) for f in members.fold]
        most = max(map(len, stops))
        stop_rows = np.array([np.pad(rows, (0, most - len(rows)), constant_values=-1) for rows in stops], np.int32)
        return {
            "inputs": tf.constant(table.inputs),
            "codes": tf.constant(table.codes),
            "target": tf.constant(table.target),
            "fold": tf.constant(members.fold, tf.int32),
            "stop_rows": tf.constant(stop_rows),
            "rate": tf.constant(members.dropout, tf.float32),
            "l2": tf.constant(members.l2, tf.float32),
            "scale": tf.constant(members.learning_rate, tf.float32),
            "width": tf.constant(members.width, tf.int32),
        }

    def _keep_best(self, active: np.ndarray, improved: np.ndarray) -> None:
        if improved.any():
            for best, weight in zip(self._best, self._trainer.weights, strict=True):
                value = weight.numpy()
                here = improved[: len(value)]
                best[active[: len(value)][here]] = value[here]

    def best_weights(self) -> dict[str, np.ndarray]:
        """True weights by name: ``kernel_0 [m_0, i, o]``, ``bias_0 [m_0, o]``, ..., the output's last,
        ``embedding``."""
        scale = self._members.learning_rate.astype(np.float32)
        true = [best * scale[: len(best), None, None] for best in self._best]
        named = {}
        for layer in range(len(self._depths) + 1):
            named[f"kernel_{layer}"], named[f"bias_{layer}"] = true[2 * layer], true[2 * layer + 1][:, 0]
        if len(true) > 2 * len(self._depths) + 2:
            named["embedding"] = true[-1]
        return named

    def predict(self) -> tuple[np.ndarray, np.ndarray]:
        """Answers ``[m, n, c]`` for every row and losses ``[m, t]`` of the labelled ones, from the best weights."""
        weights = self.best_weights()
        layers = range(len(self._depths) + 1)
        count, rows = len(self._members), self._table.inputs.shape[1]
        answers = np.empty((count, rows, self._table.outputs), np.float32)
        labelled = self._table.target.shape[1]
        losses = np.empty((count, labelled), np.float32)
        size = max(1, PREDICTED_AT_ONCE // count)
        for start in range(0, rows, size):
            part = slice(start, start + size)
            inputs = tf.constant(self._table.inputs[self._members.fold, part])
            if "embedding" in weights:
                codes = np.repeat(self._table.codes[None, part], count, axis=0)
                inputs = ops.concatenate(
                    [inputs, embed(tf.constant(codes), tf.constant(weights["embedding"]))], axis=-1
                )
            logits = forward(
                inputs,
                [tf.constant(weights[f"kernel_{layer}"]) for layer in layers],
                [tf.constant(weights[f"bias_{layer}"][:, None]) for layer in layers],
                str(self._members.activation[0]),
                tf.constant(self._members.width, tf.int32),
                None,
                tf.zeros(count),
            )
            answers[:, part] = self._head.answer(logits).numpy()
            known = min(start + size, labelled) - start
            if known > 0:
                target = self._table.target[self._members.fold, start : start + known]
                losses[:, start : start + known] = self._head.loss(tf.constant(target), logits[:, :known]).numpy()
        return answers, losses


class Trainer:
    """Weights, Adam's moments (Kingma and Ba, 2015) and the compiled epoch of one activation, depth and task.

    Member, batch and unit axes are left open, so that one trace (a second or so) serves every program of that kind.
    """

    def __init__(self, activation: str, head: Head, depth: int, embedded: int) -> None:
        self._activation, self._head, self._depth, self._embedded = activation, head, depth, embedded
        count = 2 * depth + 2 + bool(embedded)

        def empty() -> list[tf.Variable]:
            return [tf.Variable(tf.zeros([0, 0, 0]), shape=[None] * 3, trainable=False) for _ in range(count)]

        self.weights, self._first, self._second = empty(), empty(), empty()
        self._powers = [tf.Variable(beta, dtype=tf.float32, trainable=False) for beta in (BETA_1, BETA_2)]
        axis = [None]
        self.epoch = tf.function(
            self._epoch,
            input_signature=[
                tf.TensorSpec(axis * 3, tf.int32),
                [tf.TensorSpec([*axis * 3, None], tf.uint8) for _ in range(depth)],
                {
                    "inputs": tf.TensorSpec(axis * 3, tf.float32),
                    "codes": tf.TensorSpec([None, embedded], tf.int32),
                    "target": tf.TensorSpec(axis * 2, tf.float32),
                    "fold": tf.TensorSpec(axis, tf.int32),
                    "stop_rows": tf.TensorSpec(axis * 2, tf.int32),
                    "rate": tf.TensorSpec(axis, tf.float32),
                    "l2": tf.TensorSpec(axis, tf.float32),
                    "scale": tf.TensorSpec(axis, tf.float32),
                    "width": tf.TensorSpec(axis, tf.int32),
                },
            ],
        )

    def start(self, weights: list[np.ndarray]) -> None:
        """Begin with ``weights`` (in units of the learning rate) and fresh moments."""
        for variable, first, second, weight in zip(self.weights, self._first, self._second, weights, strict=True):
            variable.assign(weight)
            first.assign(np.zeros_like(weight))
            second.assign(np.zeros_like(weight))
        for power, beta in zip(self._powers, (BETA_1, BETA_2), strict=True):
            power.assign(beta)

    def keep(self, going: np.ndarray) -> None:
        """Go on with the members ``going`` only."""
        for variable in [*self.weights, *self._first, *self._second]:
            value = variable.numpy()
            variable.assign(value[going[: len(value)]])

    def _logits(
        self, rows: tf.Tensor, arrays: dict[str, tf.Tensor], weights: list[tf.Tensor], noises: list[tf.Tensor] | None
    ) -> tf.Tensor:
        place = tf.maximum(rows, 0)
        folds, count, width = tf.unstack(tf.shape(arrays["inputs"]))
        flat = tf.reshape(arrays["inputs"], [folds * count, width])
        inputs = tf.gather(flat, place + (arrays["fold"] * count)[:, None])  # [m, b, d]
        layers = 2 * self._depth + 2
        if self._embedded:
            inputs = ops.concatenate([inputs, embed(tf.gather(arrays["codes"], place), weights[-1])], axis=-1)
        return forward(
            inputs, weights[0:layers:2], weights[1:layers:2], self._activation, arrays["width"], noises, arrays["rate"]
        )

    def _losses(self, rows: tf.Tensor, arrays: dict[str, tf.Tensor], logits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Sum of the losses and number of rows, ``[m]``; a row of -1 does not count."""
        counts = tf.cast(rows >= 0, tf.float32)
        index = tf.stack([tf.broadcast_to(arrays["fold"][:, None], tf.shape(rows)), tf.maximum(rows, 0)], -1)
        loss = self._head.loss(tf.gather_nd(arrays["target"], index), logits)
        return tf.reduce_sum(loss * counts, axis=1), tf.reduce_sum(counts, axis=1)

    def _true_weights(self, scale: tf.Tensor) -> list[tf.Tensor]:
        return [variable * scale[: tf.shape(variable)[0], None, None] for variable in self.weights]

    def _epoch(
        self, order: tf.Tensor, noise: list[tf.Tensor], arrays: dict[str, tf.Tensor]
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """One pass over ``order [m, steps, b]``: mean train loss and, after it, mean stop loss, each ``[m]``."""
        total = tf.zeros(tf.shape(arrays["scale"]))
        for step in tf.range(tf.shape(order)[1]):
            tf.autograph.experimental.set_loop_options(shape_invariants=[(total, tf.TensorShape([None]))])
            rows = order[:, step]  # [m, b]
            weights = self._true_weights(arrays["scale"])
            with tf.GradientTape() as tape:
                tape.watch(weights)
                logits = self._logits(rows, arrays, weights, [each[:, step] for each in noise])
                summed, counts = self._losses(rows, arrays, logits)
                objective = tf.reduce_sum(summed / tf.maximum(counts, 1.0))
            total += summed
            self._step(weights, tape.gradient(objective, weights), arrays)
        rows = arrays["stop_rows"]
        logits = self._logits(rows, arrays, self._true_weights(arrays["scale"]), None)
        stopped, stops = self._losses(rows, arrays, logits)
        trained = tf.reduce_sum(tf.cast(order >= 0, tf.float32), axis=[1, 2])
        return total / trained, stopped / stops

    def _step(self, weights: list[tf.Tensor], gradients: list[tf.Tensor], arrays: dict[str, tf.Tensor]) -> None:
        for number, (weight, gradient) in enumerate(zip(weights, gradients, strict=True)):
            count = tf.shape(weight)[0]
            if number % 2 == 0 and number < 2 * self._depth + 2:  # kernels: the penalty is l2 * sum(kernel^2)
                gradient += (2.0 * arrays["l2"][:count])[:, None, None] * weight
            tf.raw_ops.ResourceApplyAdam(
                var=self.weights[number].handle,
                m=self._first[number].handle,
                v=self._second[number].handle,
                beta1_power=self._powers[0],
                beta2_power=self._powers[1],
                lr=1.0,
                beta1=BETA_1,
                beta2=BETA_2,
                epsilon=EPSILON,
                grad=gradient * arrays["scale"][:count, None, None],
            )
        self._powers[0].assign(self._powers[0] * BETA_1)
        self._powers[1].assign(self._powers[1] * BETA_2)


@functools.cache
def trainer(activation: str, head: Head, depth: int, embedded: int) -> Trainer:
    """The one trainer of a kind; programs use it one after another."""
    return Trainer(activation, head, depth, embedded)
