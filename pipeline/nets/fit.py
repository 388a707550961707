"""Training members together: one loop for tables, images and bags of words.

A *program* is a set of members that share activation, normalisation and batch size; they train side by side, each on
its fold's ``train`` rows, with its own dropout, L1, L2, learning rate and initial weights, until its ``stop`` rows have
not improved for ``patience`` epochs. Its best weights are kept. A member that has stopped leaves the program, so the
others go on faster.

What a member computes depends on its own row of ``Members`` and on the source alone, never on its neighbours.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import tensorflow as tf

from pipeline.nets.heads import HEADS, Head
from pipeline.nets.layers import NOISE_LEVELS, PRODUCTS, forward, initial_kernel
from pipeline.nets.sources import SCORE, STOP, TRAIN, Layout, Source, Table

__all__ = ["SCORE", "STOP", "TRAIN", "Fit", "Members", "Table", "fit", "members_of"]

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-10
# Together, weights, moments and best weights of a program should stay in the processor's cache.
MEMBERS_PER_PROGRAM = 64
# How much wider than the narrowest member of a program the widest may be.
PADDING = 4
# Numbers of the widest layer, over rows and members, that a prediction holds at a time, which bounds its memory.
PREDICTED_AT_ONCE = 1 << 24
# Bytes of dropout noise that are drawn at a time, which bounds the memory of an epoch.
NOISE_AT_ONCE = 1 << 28
# Share of the cosine schedule's steps in which the learning rate rises.
WARM_UP = 0.05
# Weights under L1 and L2, and those that are one vector a member.
PENALISED, VECTORS = ("kernel_", "filter_"), ("bias_", "gain_", "shift_", "offset_")
# What a configuration need not say.
DEFAULTS: dict[str, Any] = {
    "l1": 0.0,
    "normalization": "none",
    "weight_decay": 0.0,
    "label_smoothing": 0.0,
    "beta_2": BETA_2,
    "schedule": "constant",
    "epochs": 0,
    "scaling": 0,
}


@dataclass(frozen=True)
class Members:
    """One row a network: hyperparameters, the fold it learns in and its seed, each ``[m]``.

    ``weight_decay`` is decoupled from the loss (AdamW: Loshchilov and Hutter, 2019), ``beta_2`` is Adam's.
    ``label_smoothing``: share of a label that is spread over all classes (Szegedy et al., 2016). ``schedule``: a key of
    ``SCHEDULES``. ``epochs``: the length of its schedule, all of which it trains; 0 for what ``fit`` is told, and then
    with patience.

    ``scaling``: which of a table's scaled copies it reads. ``columns [m, d + e] bool``: the inputs and embedded columns
    that it sees, one row of its own for each member; ``[m, 0]`` where all see everything.
    """

    depth: np.ndarray
    width: np.ndarray
    dropout: np.ndarray
    l1: np.ndarray
    l2: np.ndarray
    initializer: np.ndarray
    activation: np.ndarray
    normalization: np.ndarray
    learning_rate: np.ndarray
    batch_size: np.ndarray
    weight_decay: np.ndarray
    label_smoothing: np.ndarray
    beta_2: np.ndarray
    schedule: np.ndarray
    epochs: np.ndarray
    scaling: np.ndarray
    columns: np.ndarray
    fold: np.ndarray
    seed: np.ndarray

    def __len__(self) -> int:
        return len(self.depth)

    def take(self, index: np.ndarray) -> Members:
        """The members at ``index``, in that order."""
        return Members(**{f.name: getattr(self, f.name)[index] for f in fields(self)})


def members_of(configurations: Sequence[dict[str, Any]], folds: Sequence[int], seeds: Sequence[int]) -> Members:
    """One member for each configuration (keys: ``depth`` to ``columns``; those of ``DEFAULTS`` may be left out, and
    ``columns``, which then are all), with its fold and seed. Raises ``ValueError`` where a member sees no column."""
    names = [f.name for f in fields(Members) if f.name not in ("columns", "fold", "seed")]
    values = {name: np.array([{**DEFAULTS, **c}[name] for c in configurations]) for name in names}
    size = max((len(c["columns"]) for c in configurations if "columns" in c), default=0)
    columns = np.ones((len(configurations), size), bool)
    for row, configuration in zip(columns, configurations, strict=True):
        row[:] = configuration.get("columns", True)
    if size and not columns.any(axis=1).all():
        raise ValueError("a network without columns")
    # Nobody leaves a column out: then the program is the one that knows nothing of columns.
    columns = columns[:, :0] if columns.all() else columns
    return Members(**values, columns=columns, fold=np.array(folds, np.int64), seed=np.array(seeds, np.uint64))


@dataclass(frozen=True)
class Fit:
    """What training found, in the order of the members given.

    ``answers [m, n, c] float32``: probabilities (regression: predictions) for all rows from the best weights;
    ``loss [m, t] float32``: the loss of each labelled row from the same weights;
    ``train_loss``/``stop_loss [m, epochs] float32``: mean loss an epoch, NaN after the member stopped (the train loss
    is taken while training, so under dropout); ``best_epoch [m]``: from 1, or 0 for a member that never had a finite
    loss; ``epochs_run [m]``; ``weights``: for each program the members in it and their weight arrays.
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
    source: Source,
    task: str,
    epochs: int,
    patience: int,
    progress: Callable[[float], None] = lambda share: None,
    seed: int = 0,
) -> Fit:
    """Train all members; ``progress`` is told the share done, from 0 to 1.

    ``seed`` draws what members share: the rows' order and the augmentation of a shared batch. Where the source has no
    stop rows, all ``epochs`` run and the last weights are kept.
    """
    lengths, patiences = _lengths(members, epochs, patience)
    longest = int(lengths.max(initial=0))
    count, labelled = len(members), len(source.roles)
    answers = np.full((count, source.rows, source.outputs), np.nan, np.float32)
    loss = np.full((count, labelled), np.nan, np.float32)
    train_loss = np.full((count, longest), np.nan, np.float32)
    stop_loss = np.full((count, longest), np.nan, np.float32)
    best_epoch, epochs_run = np.zeros(count, np.int64), np.zeros(count, np.int64)
    arrays = {name: tf.constant(array) for name, array in {**source.arrays(), "target": source.target}.items()}
    weights, done = [], 0
    for index in programs(members):
        program = Program(members.take(index), source, arrays, HEADS[task], seed)
        start, size = done, len(index)

        def report(share: float, start: int = start, size: int = size) -> None:
            progress((start + share * size) / count)

        own = int(lengths[index[0]])
        curves = program.train(own, int(patiences[index[0]]), report)
        train_loss[index, :own], stop_loss[index, :own], best_epoch[index], epochs_run[index] = curves
        answers[index], loss[index] = program.predict()
        weights.append({"members": index, **program.best_weights()})
        done += size
    return Fit(answers, loss, train_loss, stop_loss, best_epoch, epochs_run, weights)


def _lengths(members: Members, epochs: int, patience: int) -> tuple[np.ndarray, np.ndarray]:
    """Longest training and patience of each member, ``[m]``."""
    own = members.epochs > 0
    return np.where(own, members.epochs, epochs), np.where(own, members.epochs + 1, patience)


# Factors of the learning rate at a share of all steps, from 0 to 1: up for a twentieth and then down to 0 along a
# cosine (Loshchilov and Hutter, 2017); RealMLP's four cosine waves of doubling length and its schedule of what holds
# the network back, flat for one half (Holzmueller et al., 2024).
SCHEDULES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "constant": np.ones_like,
    "coslog4": lambda share: 0.5 * (1.0 - np.cos(2.0 * math.pi * np.log2(1.0 + 15.0 * share))),
    "flat_cosine": lambda share: 0.5 * (1.0 + np.cos(math.pi * np.maximum(2.0 * share - 1.0, 0.0))),
    "cosine": lambda share: np.where(
        share < WARM_UP,
        share / WARM_UP,
        0.5 * (1.0 + np.cos(math.pi * (share - WARM_UP) / (1.0 - WARM_UP))),
    ),
}


def programs(members: Members) -> Iterator[np.ndarray]:
    """Indices of the members that train together: alike in what ``Kind`` holds, close in width, of falling depth.

    The narrow are padded to the widest, which is no more than ``PADDING`` times as wide.
    """
    columns = (
        members.activation,
        members.normalization,
        members.batch_size,
        members.depth == 0,
        members.beta_2,
        members.schedule,
        members.epochs,
    )
    kinds = list(zip(*(column.tolist() for column in columns), strict=True))
    for kind in sorted(set(kinds)):
        index = np.array([number for number, one in enumerate(kinds) if one == kind])
        index = index[np.argsort(members.width[index], kind="stable")]
        while len(index):
            close = index[: np.searchsorted(members.width[index], PADDING * members.width[index[0]], side="right")]
            for part in np.array_split(close, -(-len(close) // MEMBERS_PER_PROGRAM)):
                yield part[np.argsort(-members.depth[part], kind="stable")]
            index = index[len(close) :]


@dataclass(frozen=True)
class Kind:
    """What a training program is compiled for; ``l1``, ``l2``, ``decays`` and ``smooths``: whether some member has
    such a penalty, weight decay or smoothed labels."""

    layout: Layout
    activation: str
    normalization: str
    l1: bool
    l2: bool
    decays: bool
    smooths: bool
    beta_2: float
    depth: int
    head: Head

    @property
    def normalized(self) -> bool:
        """Whether hidden layers have a gain and a shift."""
        return self.normalization == "layer"


class Program:
    """Members of one kind and batch size, in order of falling depth."""

    def __init__(self, members: Members, source: Source, arrays: dict[str, tf.Tensor], head: Head, seed: int) -> None:
        self._members, self._source, self._arrays = members, source, arrays
        self._batch = int(members.batch_size[0])
        self._width = max(int(members.width.max()), 1)
        self._depths = [np.flatnonzero(members.depth > layer) for layer in range(int(members.depth.max()))]
        # Members of a shared batch draw from one generator, so one list of rows serves them all.
        folds = members.fold[:1] if source.shared else members.fold
        self._train_rows = [np.flatnonzero(source.roles[:, f] == TRAIN) for f in folds]
        self._stop_rows = [np.flatnonzero(source.roles[:, f] == STOP) for f in folds]
        self._steps = -(-max(map(len, self._train_rows)) // self._batch)
        self._generators = [np.random.Generator(np.random.SFC64(int(seed))) for seed in members.seed]
        self._common = np.random.Generator(np.random.SFC64(seed))
        # Weights are held in units of their member's learning rate: then Adam's step is 1 for everyone, and
        # TensorFlow's fused kernel, which knows one learning rate only, serves all members (Adam's step does not depend
        # on the gradient's scale). A member's true weight is this times its learning rate.
        self._unit = members.learning_rate.astype(np.float32)[:, None, None]
        self._best = {name: weight / self._unit[: len(weight)] for name, weight in self._initial_weights().items()}
        self._kind = Kind(
            source.layout,
            str(members.activation[0]),
            str(members.normalization[0]),
            bool(members.l1.any()),
            bool(members.l2.any()),
            bool(members.weight_decay.any()),
            bool(members.label_smoothing.any()) and head.spread is not None,
            float(members.beta_2[0]),
            len(self._depths),
            head,
        )
        constants = self._constants(np.arange(len(members)))
        specification = tuple((name, array.ndim, array.dtype.name) for name, array in constants.items())
        self._trainer = trainer(self._kind, tuple(self._best), specification)

    def _initial_weights(self) -> dict[str, np.ndarray]:
        """``kernel_l [m_l, i, o]`` and ``bias_l [m_l, 1, o]`` layer by layer (with ``gain_l`` and ``shift_l`` where
        normalised), the output's last, then the source's own; each padded with zeros."""
        members, source = self._members, self._source
        hidden, last = self._width, len(self._depths)
        normalized = str(members.normalization[0]) == "layer"
        weights: dict[str, np.ndarray] = {}
        for layer in range(last + 1):
            count = len(self._depths[layer]) if layer < last else len(members)
            shape = (count, hidden if layer else source.fan_in, hidden if layer < last else source.outputs)
            weights[f"kernel_{layer}"] = np.zeros(shape, np.float32)
            weights[f"bias_{layer}"] = np.zeros((count, 1, shape[2]), np.float32)
            if normalized and layer < last:
                used = np.arange(hidden) < members.width[:count, None]
                weights[f"gain_{layer}"] = used[:, None].astype(np.float32)
                weights[f"shift_{layer}"] = np.zeros((count, 1, hidden), np.float32)
        own: list[dict[str, np.ndarray]] = []
        for m, generator in enumerate(self._generators):
            name, width, depth = str(members.initializer[m]), int(members.width[m]), int(members.depth[m])
            # Inputs that a member does not see get no weights, so it starts as a network without them would.
            seen = source.seen(members.columns[m])
            for layer in range(depth):
                rows = np.arange(width) if layer else seen
                kernel = initial_kernel(name, generator, len(rows), width)
                weights[f"kernel_{layer}"][m, rows, :width] = kernel
            rows = np.arange(width) if depth else seen
            weights[f"kernel_{last}"][m, rows] = initial_kernel(name, generator, len(rows), source.outputs)
            own.append(source.weights(name, generator))
        return weights | {name: np.stack([each[name] for each in own]) for name in own[0]}

    def train(
        self,
        epochs: int,
        patience: int,
        progress: Callable[[float], None],
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Returns train loss ``[m, epochs]``, stop loss ``[m, epochs]``, best epoch ``[m]`` and epochs run ``[m]``."""
        count = len(self._members)
        train_loss = np.full((count, epochs), np.nan, np.float32)
        stop_loss = np.full((count, epochs), np.nan, np.float32)
        lowest, best_epoch, epochs_run = np.full(count, np.inf), np.zeros(count, np.int64), np.zeros(count, np.int64)
        active, going = np.arange(count), np.ones(count, bool)
        watched = any(map(len, self._stop_rows))
        factors = SCHEDULES[str(self._members.schedule[0])](
            (np.arange(epochs * self._steps) + 1.0) / (epochs * self._steps)
        ).astype(np.float32)
        self._trainer.start(self._best)
        arrays = self._constants(active)
        for epoch in range(epochs):
            here = active[going]  # who has stopped but is still on board leaves no trace
            trained = self._epoch(active, factors[epoch * self._steps :], arrays, epoch / epochs, 1 / epochs, progress)
            train_loss[here, epoch] = trained[going]
            better = np.isfinite(trained[going])
            if watched:
                stop_loss[here, epoch] = self._trainer.evaluate(self._blocks(active), arrays).numpy()[going]
                better = stop_loss[here, epoch] < lowest[here]
            epochs_run[here] = epoch + 1
            improved = here[better]
            lowest[improved], best_epoch[improved] = stop_loss[improved, epoch], epoch + 1
            self._keep_best(active, np.isin(active, improved))
            going &= (epoch + 1 - best_epoch[active] < patience) & np.isfinite(trained)
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

    def _epoch(
        self,
        active: np.ndarray,
        factors: np.ndarray,
        arrays: dict[str, tf.Tensor],
        before: float,
        share: float,
        progress: Callable[[float], None],
    ) -> np.ndarray:
        """One pass over the train rows, in as few calls as the noise's memory allows; mean train loss ``[m]``."""
        order = self._order(active)
        total, step = np.zeros(len(active), np.float32), 0
        units = sum(int((self._members.depth[active] > layer).sum()) for layer in range(len(self._depths)))
        at_once = max(NOISE_AT_ONCE // max(units * self._width * self._batch, 1), 1)
        while step < self._steps:
            part = order[:, step : step + at_once]
            noise = [tf.constant(each) for each in self._noise(active, part)]
            draws = self._common.random((1, *part.shape[1:], self._source.draws), np.float32)
            rates = tf.constant(factors[step : step + part.shape[1]])
            total += self._trainer.steps(tf.constant(part), noise, tf.constant(draws), rates, arrays).numpy()
            step += part.shape[1]
            progress(before + share * step / self._steps)
        return total / np.maximum((order >= 0).sum(axis=(1, 2)), 1)

    def _order(self, active: np.ndarray) -> np.ndarray:
        """The epoch's row order ``[m or 1, steps, b]``, -1 where a batch is short."""
        if self._source.shared:
            drawn = [(self._common, self._train_rows[0])]
        else:
            drawn = [(self._generators[m], self._train_rows[m]) for m in active]
        order = np.full((len(drawn), self._steps * self._batch), -1, np.int32)
        for position, (generator, rows) in enumerate(drawn):
            order[position, : len(rows)] = generator.permutation(rows)
        return order.reshape(len(drawn), self._steps, self._batch)

    def _noise(self, active: np.ndarray, order: np.ndarray) -> list[np.ndarray]:
        """Noise ``[m_l, steps, b, o] uint8`` a layer for the rows of ``order [m or 1, steps, b]``."""
        steps, depths = order.shape[1], self._members.depth[active]
        noise = [
            np.full(((depths > layer).sum(), steps * self._batch, self._width), NOISE_LEVELS - 1, np.uint8)
            for layer in range(len(self._depths))
        ]
        counts = np.broadcast_to((order >= 0).sum(axis=(1, 2)), len(active))
        for position, m in enumerate(active):
            generator, rows, width = self._generators[m], int(counts[position]), int(self._members.width[m])
            if self._members.dropout[m] > 0:
                for layer in range(depths[position]):
                    drawn = np.frombuffer(generator.bytes(rows * width), np.uint8)
                    noise[layer][position, :rows, :width] = drawn.reshape(rows, width)
        return [each.reshape(len(each), steps, self._batch, self._width) for each in noise]

    def _blocks(self, active: np.ndarray) -> tf.Tensor:
        """Stop rows ``[m or 1, blocks, b]``, -1 where there are fewer."""
        rows = self._stop_rows if self._source.shared else [self._stop_rows[m] for m in active]
        most = max(map(len, rows))
        blocks = -(-most // self._rows_at_once(len(active)))
        size = -(-most // blocks)
        padded = [np.pad(each, (0, blocks * size - len(each)), constant_values=-1) for each in rows]
        return tf.constant(np.reshape(padded, (len(rows), blocks, size)), tf.int32)

    def _rows_at_once(self, members: int) -> int:
        return max(PREDICTED_AT_ONCE // (members * max(self._width, self._source.row_size)), 1)

    def _constants(self, active: np.ndarray) -> dict[str, tf.Tensor]:
        """What does not change from epoch to epoch, for the members still in training."""
        members = self._members.take(active)
        choice: dict[str, tf.Tensor] = {}
        if members.columns.shape[1]:
            choice["columns"] = tf.constant(members.columns, tf.float32)
        if self._members.scaling.any():
            # Scaled copies lie one after another: a member's inputs are those of its fold in its copy.
            choice["place"] = tf.constant(members.scaling * self._source.roles.shape[1] + members.fold, tf.int32)
        return {
            **self._arrays,
            **choice,
            "fold": tf.constant(members.fold[:1] if self._source.shared else members.fold, tf.int32),
            "rate": tf.constant(members.dropout, tf.float32),
            "l1": tf.constant(members.l1, tf.float32),
            "l2": tf.constant(members.l2, tf.float32),
            "weight_decay": tf.constant(members.weight_decay, tf.float32),
            "label_smoothing": tf.constant(members.label_smoothing, tf.float32),
            "unit": tf.constant(members.learning_rate, tf.float32),
            "width": tf.constant(members.width, tf.int32),
        }

    def _keep_best(self, active: np.ndarray, improved: np.ndarray) -> None:
        if improved.any():
            for name, best in self._best.items():
                value = self._trainer.weights[name].numpy()
                here = improved[: len(value)]
                best[active[: len(value)][here]] = value[here]

    def best_weights(self) -> dict[str, np.ndarray]:
        """True weights by name: ``kernel_0 [m_0, i, o]``, ``bias_0 [m_0, o]``, ..., the output's last, and the
        source's own (``embedding``, ``filter_0``, ...)."""
        true = {name: best * self._unit[: len(best)] for name, best in self._best.items()}
        return {name: weight[:, 0] if name.startswith(VECTORS) else weight for name, weight in true.items()}

    def predict(self) -> tuple[np.ndarray, np.ndarray]:
        """Answers ``[m, n, c]`` for every row and losses ``[m, t]`` of the labelled ones, from the best weights."""
        weights = {name: tf.constant(best * self._unit[: len(best)]) for name, best in self._best.items()}
        arrays = self._constants(np.arange(len(self._members)))
        count, rows = len(self._members), self._source.rows
        answers = np.empty((count, rows, self._source.outputs), np.float32)
        labelled = len(self._source.roles)
        losses = np.empty((count, labelled), np.float32)
        size = self._rows_at_once(count)
        for start in range(0, rows, size):
            part = np.arange(start, min(start + size, rows), dtype=np.int32)
            logits = self._trainer.logits(
                tf.constant(np.tile(part, (len(self._train_rows), 1))), arrays, weights, None, None, None
            )
            answers[:, part] = self._kind.head.answer(logits).numpy()
            known = part[part < labelled]
            if len(known):
                target = np.broadcast_to(self._source.target[arrays["fold"].numpy()][:, known], (count, len(known)))
                losses[:, known] = self._kind.head.loss(tf.constant(target), logits[:, : len(known)]).numpy()
        return answers, losses


def _repeat(times: tf.Tensor, body: Callable[..., Any], start: list[tf.Tensor]) -> list[tf.Tensor]:
    """``body(number, *state) -> (number + 1, *state)`` so many times; each state is a vector over members."""
    shapes = [tf.TensorShape([]), *[tf.TensorShape([None]) for _ in start]]
    return tf.while_loop(
        lambda number, *state: number < times, body, [tf.constant(0), *start], shape_invariants=shapes
    )[1:]


class Trainer:
    """Weights ``[m_l, i, o]``, Adam's moments (Kingma and Ba, 2015) and the compiled steps of one kind of program.

    Member, batch and unit axes are left open, so that one trace (a second or so) serves every program of that kind.
    ``names``: the weights; ``specification``: name, rank and type of each array that the program reads.
    """

    def __init__(self, kind: Kind, names: Sequence[str], specification: Sequence[tuple[str, int, str]]) -> None:
        self._kind = kind

        def empty() -> dict[str, tf.Variable]:
            return {name: tf.Variable(tf.zeros([0, 0, 0]), shape=[None] * 3, trainable=False) for name in names}

        self.weights, self._first, self._second = empty(), empty(), empty()
        self._powers = [tf.Variable(beta, dtype=tf.float32, trainable=False) for beta in (BETA_1, kind.beta_2)]
        arrays = {name: tf.TensorSpec([None] * rank, kind_of) for name, rank, kind_of in specification}
        rows, noise = tf.TensorSpec([None] * 3, tf.int32), tf.TensorSpec([None] * 4, tf.uint8)
        draws, factors = tf.TensorSpec([None] * 4, tf.float32), tf.TensorSpec([None], tf.float32)
        # The loops are TensorFlow's own: to translate Python's (autograph) would take as long as the trace itself.
        inputs = [rows, [noise] * kind.depth, draws, factors, arrays]
        self.steps = tf.function(self._steps, input_signature=inputs, autograph=False)
        self.evaluate = tf.function(self._evaluate, input_signature=[rows, arrays], autograph=False)

    def start(self, weights: dict[str, np.ndarray]) -> None:
        """Begin with ``weights`` (in units of the learning rate) and fresh moments."""
        for name, weight in weights.items():
            self.weights[name].assign(weight)
            self._first[name].assign(np.zeros_like(weight))
            self._second[name].assign(np.zeros_like(weight))
        for power, beta in zip(self._powers, (BETA_1, self._kind.beta_2), strict=True):
            power.assign(beta)

    def keep(self, going: np.ndarray) -> None:
        """Go on with the members ``going`` only."""
        for variables in (self.weights, self._first, self._second):
            for variable in variables.values():
                value = variable.numpy()
                variable.assign(value[going[: len(value)]])

    def logits(
        self,
        rows: tf.Tensor,
        arrays: dict[str, tf.Tensor],
        weights: dict[str, tf.Tensor],
        noises: list[tf.Tensor] | None,
        draws: tf.Tensor | None,
        scale: tf.Tensor | None,
    ) -> tf.Tensor:
        """``[m, b, c]`` for ``rows [m or 1, b]``; ``noises`` and ``draws`` ask for dropout and augmentation. Kernels
        are given in units of ``scale [m]``."""
        kind = self._kind
        inputs = kind.layout.batch(arrays, rows, arrays["fold"], weights, draws)
        hidden = range(kind.depth)
        return forward(
            inputs,
            [weights[f"kernel_{layer}"] for layer in range(kind.depth + 1)],
            [weights[f"bias_{layer}"] for layer in range(kind.depth + 1)],
            kind.activation,
            arrays["width"],
            noises,
            arrays["rate"],
            [(weights[f"gain_{layer}"], weights[f"shift_{layer}"]) for layer in hidden] if kind.normalized else (),
            kind.layout.project,
            scale,
            PRODUCTS[kind.layout.precision],
        )

    def _loss(self, rows: tf.Tensor, arrays: dict[str, tf.Tensor], logits: tf.Tensor) -> tf.Tensor:
        """The loss ``[m, b]`` of ``logits`` for the targets of ``rows``."""
        index = tf.stack([tf.broadcast_to(arrays["fold"][:, None], tf.shape(rows)), tf.maximum(rows, 0)], -1)
        target = tf.broadcast_to(tf.gather_nd(arrays["target"], index), tf.shape(logits)[:2])
        return self._kind.head.loss(target, logits)

    def _losses(
        self,
        rows: tf.Tensor,
        arrays: dict[str, tf.Tensor],
        logits: tf.Tensor,
        smoothing: tf.Tensor | None = None,
        mixed: tuple[tf.Tensor, tf.Tensor] | None = None,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Sum of the losses and number of rows, ``[m]``; a row of -1 does not count. ``smoothing [m]`` of the labels
        and rows that others are ``mixed`` in (which, and their shares) are for training alone."""
        counts = tf.broadcast_to(tf.cast(rows >= 0, tf.float32), tf.shape(logits)[:2])
        loss = self._loss(rows, arrays, logits)
        if mixed is not None:
            others, share = mixed
            loss += share * (self._loss(others, arrays, logits) - loss)
        if smoothing is not None and self._kind.head.spread:
            loss += smoothing[:, None] * (self._kind.head.spread(logits) - loss)
        return tf.reduce_sum(loss * counts, axis=1), tf.reduce_sum(counts, axis=1)

    def _scaled(self, weights: dict[str, tf.Tensor], unit: tf.Tensor) -> dict[str, tf.Tensor]:
        """True weights, except for the kernels: the largest by far, they meet their unit in ``forward``."""
        return {
            name: weight if name.startswith("kernel_") else weight * unit[: tf.shape(weight)[0], None, None]
            for name, weight in weights.items()
        }

    def _steps(
        self,
        order: tf.Tensor,
        noise: list[tf.Tensor],
        draws: tf.Tensor,
        factors: tf.Tensor,
        arrays: dict[str, tf.Tensor],
    ) -> tf.Tensor:
        """One step for each batch of ``order [m or 1, steps, b]``; the sum of the train rows' losses ``[m]``.

        ``draws [1, steps, b, k]``; ``factors [steps]`` of the learning rates.
        """

        def one(step: tf.Tensor, total: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            rows = order[:, step]
            weights = {name: variable.read_value() for name, variable in self.weights.items()}
            with tf.GradientTape() as tape:
                tape.watch(weights)
                drawn = draws[:, step] if self._kind.layout.distorts else None
                scaled = self._scaled(weights, arrays["unit"])
                noises = [each[:, step] for each in noise]
                logits = self.logits(rows, arrays, scaled, noises, drawn, arrays["unit"])
                smoothing = arrays["label_smoothing"] if self._kind.smooths else None
                mixed = self._kind.layout.mixed(rows, drawn)
                summed, counts = self._losses(rows, arrays, logits, smoothing, mixed)
                objective = tf.reduce_sum(summed / tf.maximum(counts, 1.0))
            self._step(tape.gradient(objective, weights), factors[step], arrays)
            return step + 1, total + summed

        return _repeat(tf.shape(order)[1], one, [tf.zeros(tf.shape(arrays["unit"]))])[0]

    def _evaluate(self, blocks: tf.Tensor, arrays: dict[str, tf.Tensor]) -> tf.Tensor:
        """Mean loss ``[m]`` of the rows in ``blocks [m or 1, blocks, b]``, without dropout."""
        weights = self._scaled(self.weights, arrays["unit"])

        def one(block: tf.Tensor, total: tf.Tensor, count: tf.Tensor) -> tuple[tf.Tensor, ...]:
            rows = blocks[:, block]
            summed, counts = self._losses(rows, arrays, self.logits(rows, arrays, weights, None, None, arrays["unit"]))
            return block + 1, total + summed, count + counts

        nothing = tf.zeros(tf.shape(arrays["unit"]))
        total, count = _repeat(tf.shape(blocks)[1], one, [nothing, nothing])
        return total / count

    def _step(self, gradients: dict[str, tf.Tensor], factor: tf.Tensor, arrays: dict[str, tf.Tensor]) -> None:
        """One step of Adam on the weights in units of the learning rate. The penalty is l1 * sum |w| + l2 * sum w^2 of
        the true weights w = unit * weight; decoupled decay takes ``learning rate * weight_decay`` of them."""
        for name, gradient in gradients.items():
            variable, count = self.weights[name], tf.shape(gradient)[0]
            unit = arrays["unit"][:count, None, None]
            if name.startswith(PENALISED) and self._kind.l2:
                gradient += 2.0 * arrays["l2"][:count, None, None] * unit**2 * variable
            if name.startswith(PENALISED) and self._kind.l1:
                gradient += arrays["l1"][:count, None, None] * unit * tf.sign(variable)
            if name.startswith(PENALISED) and self._kind.decays:
                taken = (factor * arrays["unit"] * arrays["weight_decay"])[:count, None, None]
                variable.assign(variable * (1.0 - taken))
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=self._first[name].handle,
                v=self._second[name].handle,
                beta1_power=self._powers[0],
                beta2_power=self._powers[1],
                lr=factor,
                beta1=BETA_1,
                beta2=self._kind.beta_2,
                epsilon=EPSILON,
                grad=gradient,
            )
        self._powers[0].assign(self._powers[0] * BETA_1)
        self._powers[1].assign(self._powers[1] * self._kind.beta_2)


@functools.cache
def trainer(kind: Kind, names: tuple[str, ...], specification: tuple[tuple[str, int, str], ...]) -> Trainer:
    """The one trainer of a kind; programs use it one after another."""
    return Trainer(kind, names, specification)
