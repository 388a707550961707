"""Members that train side by side: their first weights, order of rows and noise, epochs, best weights and answers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator

import numpy as np
import tensorflow as tf

from features.roles import STOP, TRAIN
from pipeline.nets.heads import Head
from pipeline.nets.initializers import initial_kernel, initial_waves
from pipeline.nets.layers import NOISE_LEVELS
from pipeline.nets.members import SCHEDULES, Members
from pipeline.nets.memory import aligned, as_array, tensor
from pipeline.nets.source import Source
from pipeline.nets.trainer import ASKING, PENALISED, Kind, Recent, State, trainer

# Numbers of the widest layer, over rows and members, that a prediction holds at a time, which bounds its memory.
PREDICTED_AT_ONCE = 1 << 24
# Rows (of copies: each copy's) whose dropout noise is drawn at a time, which bounds the memory of an epoch. If their
# number followed the program's size, a member's noise would depend on its neighbours.
NOISE_AT_ONCE = 1 << 14
# A batch that no member's rows fill is cut down to a multiple of so many.
BATCH_MULTIPLE = 64
# Weights that are one vector per member.
VECTORS = ("bias_", "gain_", "shift_", "offset_", "front_", "slope_")
# How much faster than the others the scale in front of the first layer learns, and how much slower RealMLP's biases,
# slopes and embeddings of numbers do (Holzmueller et al., 2024).
SCALE_RATE, SLOW_RATE = 6.0, 0.1
SLOW = ("bias_", "slope_", "numbers_")

Curves = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
# Yields the lowest stop losses once where it pauses, takes who is kept, and returns the curves.
Training = Generator[np.ndarray, np.ndarray | None, Curves]


def finished(training: Training, kept: np.ndarray) -> Curves:
    """What comes of a training that has begun or paused, for those who are ``kept [m]`` at its pause."""
    try:
        training.send(kept if inspect.getgeneratorstate(training) == inspect.GEN_SUSPENDED else None)
    except StopIteration as end:
        return end.value
    raise RuntimeError("a training paused twice")


def batches(rows: int, steps: int, size: int) -> np.ndarray:
    """Where an epoch's ``rows`` stand among ``steps`` batches of ``size``, ``[rows]``.

    Batches are full and the last one holds the rest. Where that would leave some of the ``steps`` without rows, since
    other folds have more, all are about as large: such a step moves the weights too, by momentum and penalties.
    """
    if -(-rows // size) >= steps:
        return np.arange(rows)
    return np.concatenate(
        [step * size + np.arange(len(part)) for step, part in enumerate(np.array_split(np.arange(rows), steps))]
    )


class Program:
    """Members of one kind and batch size, in order of falling depth."""

    def __init__(self, members: Members, source: Source, arrays: dict[str, tf.Tensor], head: Head, seed: int) -> None:
        self._members, self._source, self._arrays = members, source, arrays
        self._width = max(int(members.width.max()), 1)
        self._depths = [np.flatnonzero(members.depth > layer) for layer in range(int(members.depth.max()))]
        # Members of a shared batch draw from one generator, so one list of rows serves them all.
        folds = members.fold[:1] if source.shared else members.fold
        self._train_rows = [np.flatnonzero(source.roles[:, f] == TRAIN) for f in folds]
        self._stop_rows = [np.flatnonzero(source.roles[:, f] == STOP) for f in folds]
        # Of all folds, also those that nobody here learns in: so a member's steps don't depend on its neighbours.
        learned = (source.roles == TRAIN).sum(axis=0)
        most = int((learned[folds] if source.shared else learned).max())
        # Places beyond the last row would be computed like all others.
        self._batch = min(int(members.batch_size[0]), -(-most // BATCH_MULTIPLE) * BATCH_MULTIPLE)
        self._steps = -(-most // self._batch)
        self._slots = [batches(len(rows), self._steps, self._batch) for rows in self._train_rows]
        self._generators = [np.random.Generator(np.random.SFC64(int(seed))) for seed in members.seed]
        self._common = np.random.Generator(np.random.SFC64(seed))
        # Weights are held in units of their member's learning rate: then Adam's step is 1 for everyone, and
        # TensorFlow's fused kernel, which knows one learning rate only, serves all members (Adam's step does not depend
        # on the gradient's scale). A member's true weight is this times its learning rate.
        first = self._initial_weights()
        self._units = {name: self._unit(name) for name in first}
        self._best = {name: weight / self._of(name, weight) for name, weight in first.items()}
        self._kind = Kind(
            layout=source.layout,
            activation=str(members.activation[0]),
            normalization=str(members.normalization[0]),
            l1=bool(members.l1.any()),
            l2=bool(members.l2.any()),
            decays=bool(members.weight_decay.any()),
            smooths=bool(members.label_smoothing.any()) and head.spread is not None,
            robust=bool(members.huber.any()) and head.robust is not None,
            depth=len(self._depths),
            head=head,
            copies=int(members.copies[0]),
            feature_scale=str(members.feature_scale[0]) == "learned",
            realmlp=str(members.family[0]) == "realmlp",
        )
        constants = self._constants(np.arange(len(members)))
        specification = tuple((name, array.ndim, array.dtype.name) for name, array in constants.items())
        with ASKING:
            self._trainer = trainer(self._kind, tuple(self._best), specification)

    def _unit(self, name: str) -> np.ndarray:
        """Learning rate of a weight, ``[m] float32``: its member's, or a multiple of it.

        Under the neural tangent parametrisation (Jacot et al., 2018) a kernel is ``w / sqrt(inputs)`` with ``w`` of
        variance 1. Since Adam's steps don't depend on the gradient's scale, to learn ``w`` is to learn the kernel at a
        learning rate divided by ``sqrt(inputs)``.
        """
        members = self._members
        unit = members.learning_rate.astype(np.float32)
        if name == "front_scale":
            unit = unit * np.float32(SCALE_RATE)
        if str(members.family[0]) == "realmlp":
            if name.startswith("kernel_"):
                seen = np.array([len(self._source.seen(columns)) for columns in members.columns])
                unit = unit / np.sqrt(members.width if name != "kernel_0" else seen).astype(np.float32)
            elif name.startswith(SLOW):
                unit = unit * np.float32(SLOW_RATE)
        return unit

    def _of(self, name: str, weight: np.ndarray) -> np.ndarray:
        """The unit of ``weight [m_l, i, o]``, ``[m_l, 1, 1]``."""
        return self._units[name][: len(weight), None, None]

    def _initial_weights(self) -> dict[str, np.ndarray]:
        """``kernel_l [m_l, i, o]`` and ``bias_l [m_l, 1, o]`` layer by layer (with ``gain_l`` and ``shift_l`` where
        normalised, ``slope_l`` where learned), the output's last (each copy's own: ``[m, k * i, o]`` and ``[m, k,
        o]``), then the source's own, ``front_scale [m, 1, i]`` and ``adapter [m, k, i]``; each padded with zeros."""
        members, source = self._members, self._source
        hidden, last, copies = self._width, len(self._depths), max(int(members.copies[0]), 1)
        normalized, sloped = str(members.normalization[0]) == "layer", str(members.family[0]) == "realmlp"
        weights: dict[str, np.ndarray] = {}
        for layer in range(last):
            count = len(self._depths[layer])
            weights[f"kernel_{layer}"] = np.zeros((count, hidden if layer else source.fan_in, hidden), np.float32)
            weights[f"bias_{layer}"] = np.zeros((count, 1, hidden), np.float32)
            used = (np.arange(hidden) < members.width[:count, None])[:, None].astype(np.float32)
            if normalized:
                weights[f"gain_{layer}"] = used
                weights[f"shift_{layer}"] = np.zeros((count, 1, hidden), np.float32)
            if sloped:
                weights[f"slope_{layer}"] = used
        inputs = hidden if last else source.fan_in
        weights[f"kernel_{last}"] = np.zeros((len(members), copies * inputs, source.outputs), np.float32)
        weights[f"bias_{last}"] = np.zeros((len(members), copies, source.outputs), np.float32)
        own: list[dict[str, np.ndarray]] = []
        for m, generator in enumerate(self._generators):
            name, width, depth = str(members.initializer[m]), int(members.width[m]), int(members.depth[m])
            frequency = float(members.frequency[m])
            # Inputs that a member does not see get no weights, so it starts as a network without them would.
            seen = source.seen(members.columns[m])
            for layer in range(depth):
                rows = np.arange(width) if layer else seen
                if frequency and not layer:
                    kernel, weights["bias_0"][m, 0, :width] = initial_waves(frequency, generator, len(rows), width)
                else:
                    kernel = initial_kernel(name, generator, len(rows), width)
                weights[f"kernel_{layer}"][m, rows, :width] = kernel
            rows = np.arange(width) if depth else seen
            for start in range(0, copies * inputs, inputs):
                kernel = initial_kernel(name, generator, len(rows), source.outputs)
                weights[f"kernel_{last}"][m, start + rows] = kernel
            own.append(source.weights(name, generator) | self._in_front(m, generator))
            if "numbers_frequency" in own[m]:
                own[m]["numbers_frequency"] *= np.float32(members.number_frequency[m])
        return weights | {name: np.stack([each[name] for each in own]) for name in own[0]}

    def _in_front(self, m: int, generator: np.random.Generator) -> dict[str, np.ndarray]:
        """First weights of what scales a member's inputs. A copy's are random signs, or normal where columns are
        embedded, then one for all inputs of a column."""
        weights: dict[str, np.ndarray] = {}
        if self._members.feature_scale[m] == "learned":
            weights["front_scale"] = np.ones((1, self._source.fan_in), np.float32)
        if copies := int(self._members.copies[m]):
            groups = self._source.groups()
            shape = (copies, int(groups[-1]) + 1)
            embedded = shape[1] < len(groups)
            drawn = generator.normal(size=shape) if embedded else generator.choice([-1.0, 1.0], shape)
            weights["adapter"] = drawn[:, groups].astype(np.float32)
        return weights

    def training(self, epochs: int, patience: int, progress: Callable[[float], None], pause: int) -> Training:
        """Train; where ``pause`` is not 0, wait once after so many epochs, or at the end if that is sooner.

        Returns train loss ``[m, epochs]``, stop loss ``[m, epochs]``, best epoch ``[m]`` and epochs run ``[m]``."""
        count = len(self._members)
        train_loss = np.full((count, epochs), np.nan, np.float32)
        stop_loss = np.full((count, epochs), np.nan, np.float32)
        lowest, best_epoch, epochs_run = np.full(count, np.inf), np.zeros(count, np.int64), np.zeros(count, np.int64)
        active, going = np.arange(count), np.ones(count, bool)
        watched = any(map(len, self._stop_rows))
        shares = (np.arange(epochs * self._steps) + 1.0) / (epochs * self._steps)
        schedules = str(self._members.schedule[0]), "flat_cosine" if self._kind.realmlp else "constant"
        factors = np.stack([SCHEDULES[name](shares) for name in schedules], axis=1).astype(np.float32)
        state = State(self._best, float(self._members.beta_2[0]))
        arrays, recent = self._constants(active), Recent(int(self._members.snapshots[0]))
        blocks = self._blocks(active) if watched else None
        for epoch in range(epochs):
            here = active[going]  # members that stopped but are not yet removed are not recorded
            trained = self._epoch(
                state, active, factors[epoch * self._steps :], arrays, epoch / epochs, 1 / epochs, progress
            )
            train_loss[here, epoch] = trained[going]
            better = np.isfinite(trained[going])
            weights = recent.mean_with(state.values)
            if watched:
                stop_loss[here, epoch] = self._trainer.evaluate(blocks, arrays, weights).numpy()[going]
                better = stop_loss[here, epoch] < lowest[here]
            epochs_run[here] = epoch + 1
            improved = here[better]
            lowest[improved], best_epoch[improved] = stop_loss[improved, epoch], epoch + 1
            self._keep_best(active, np.isin(active, improved), weights)
            del weights  # else the next step would write elsewhere, see ``State.values``
            going &= (epoch + 1 - best_epoch[active] < patience) & np.isfinite(trained)
            if not going.any():
                break
            if epoch + 1 == pause:
                pause = 0
                kept = yield lowest
                going &= True if kept is None else kept[active]
                if not going.any():
                    break
            # Leaving costs a copy of all weights, so stopped members wait until they are a fifth of the program.
            if going.mean() < 0.8:
                state.keep(going)
                recent.keep(going)
                active = active[going]
                going = np.ones(len(active), bool)
                arrays = self._constants(active)
                blocks = self._blocks(active) if watched else None
        if pause:
            yield lowest
        progress(1.0)
        return train_loss, stop_loss, best_epoch, epochs_run

    def _epoch(
        self,
        state: State,
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
        at_once = max(NOISE_AT_ONCE // (self._batch * max(self._kind.copies, 1)), 1)
        while step < self._steps:
            part = order[step : step + at_once]
            noise = [tensor(each) for each in self._noise(active, part)]
            draws = self._common.random((len(part), 1, self._batch, self._source.draws), np.float32)
            rates = tf.constant(factors[step : step + len(part)])
            total += self._trainer.steps(
                tf.constant(part), noise, tf.constant(draws), rates, arrays, state.handles
            ).numpy()
            step += len(part)
            progress(before + share * step / self._steps)
        return total / np.maximum((order >= 0).sum(axis=(0, 2)), 1)

    def _order(self, active: np.ndarray) -> np.ndarray:
        """The epoch's row order ``[steps, m or 1, b]``, below 0 where a batch is short (see ``standing_in``)."""
        drawn = [(self._common, 0)] if self._source.shared else [(self._generators[m], m) for m in active]
        order = np.empty((len(drawn), self._steps * self._batch), np.int32)
        for position, (generator, one) in enumerate(drawn):
            order[position] = -1 - self._train_rows[one][0]
            order[position, self._slots[one]] = generator.permutation(self._train_rows[one])
        return order.reshape(len(drawn), self._steps, self._batch).swapaxes(0, 1).copy()

    def _noise(self, active: np.ndarray, order: np.ndarray) -> list[np.ndarray]:
        """Noise ``[steps, m_l, k * b, o] uint8`` of each layer for the rows of ``order [steps, m or 1, b]``."""
        steps, depths, copies = len(order), self._members.depth[active], max(self._kind.copies, 1)
        noise = [
            aligned([steps, (depths > layer).sum(), copies, self._batch, self._width], np.uint8)
            for layer in range(len(self._depths))
        ]
        for each in noise:
            each.fill(NOISE_LEVELS - 1)
        slots = [np.flatnonzero(own >= 0) for own in order.swapaxes(0, 1).reshape(order.shape[1], -1)]
        for position, m in enumerate(active):
            own_slots = slots[position if len(slots) > 1 else 0]
            generator, rows, width = self._generators[m], len(own_slots), int(self._members.width[m])
            if self._members.dropout[m] > 0:
                for layer in range(depths[position]):
                    drawn = np.frombuffer(generator.bytes(copies * rows * width), np.uint8)
                    drawn = drawn.reshape(copies, rows, width)
                    own = noise[layer][:, position, ..., :width].swapaxes(0, 1)  # [k, steps, b, width]
                    if rows and own_slots[-1] >= rows:  # batches that are not full
                        own[:, own_slots // self._batch, own_slots % self._batch] = drawn
                        continue
                    whole, rest = divmod(rows, self._batch)
                    split = whole * self._batch
                    own[:, :whole] = drawn[:, :split].reshape(copies, whole, self._batch, width)
                    if rest:
                        own[:, whole, :rest] = drawn[:, split:]
        return [each.reshape(steps, each.shape[1], copies * self._batch, self._width) for each in noise]

    def _blocks(self, active: np.ndarray) -> tf.Tensor:
        """Stop rows ``[blocks, m or 1, b]``, below 0 where there are fewer (see ``standing_in``)."""
        rows = self._stop_rows if self._source.shared else [self._stop_rows[m] for m in active]
        most = max(map(len, rows))
        blocks = -(-most // self._rows_at_once(len(active)))
        size = -(-most // blocks)
        padded = [np.pad(each, (0, blocks * size - len(each)), constant_values=-1 - each[0]) for each in rows]
        return tf.constant(np.reshape(padded, (len(rows), blocks, size)).swapaxes(0, 1), tf.int32)

    def _rows_at_once(self, members: int) -> int:
        row = max(self._width, self._source.row_size) * max(self._kind.copies, 1)
        return max(PREDICTED_AT_ONCE // (members * row), 1)

    def _constants(self, active: np.ndarray) -> dict[str, tf.Tensor]:
        """What does not change from epoch to epoch, for the members still in training."""
        members = self._members.take(active)
        choice = {name: tf.constant(value) for name, value in self._multipliers(active).items()}
        if members.columns.shape[1]:
            choice["columns"] = tf.constant(members.columns, tf.float32)
        # Scaled copies lie one after another: a member's inputs are those of its fold in its copy.
        own = self._source.own_arrays(members.scaling * self._source.roles.shape[1] + members.fold)
        return {
            **self._arrays,
            **{name: tensor(array) for name, array in own.items()},
            **choice,
            "fold": tf.constant(members.fold[:1] if self._source.shared else members.fold, tf.int32),
            "label_smoothing": tf.constant(members.label_smoothing, tf.float32),
            "huber": tf.constant(np.where(members.huber > 0, members.huber, np.inf), tf.float32),
            "unit": tf.constant(members.learning_rate, tf.float32),
            # One for all: TensorFlow's fused kernel knows no other. Not compiled, so a searched one has no trace each.
            "beta_2": tf.constant(self._members.beta_2[0], tf.float32),
            "width": tf.constant(members.width, tf.int32),
        }

    def _multipliers(self, active: np.ndarray) -> dict[str, np.ndarray]:
        """What multiplies a layer, ``[m_l, 1, 1]`` for those of its members that are ``active``: dropout rates, and for
        each weight its unit, and what l1 * sum |w| + l2 * sum w^2 of the true weights w = unit * weight, and their
        decay, ask of it."""
        members, kind = self._members, self._kind
        l1, l2 = members.l1.astype(np.float32), members.l2.astype(np.float32)
        decay = members.learning_rate.astype(np.float32) * members.weight_decay.astype(np.float32)
        found = {f"rate_{layer}": members.dropout.astype(np.float32) for layer in range(kind.depth)}
        sizes = {f"rate_{layer}": len(deep) for layer, deep in enumerate(self._depths)}
        for name, unit in self._units.items():
            own = {f"unit_{name}": unit}
            if name.startswith(PENALISED):
                # A copy's own output sees its share of the loss alone, so its share of the penalty.
                share = np.float32(max(kind.copies, 1) if name == f"kernel_{kind.depth}" else 1)
                own |= {f"l2_{name}": 2 * (l2 / share) * unit**2} if kind.l2 else {}
                own |= {f"l1_{name}": l1 / share * unit} if kind.l1 else {}
                slowed = np.float32(SLOW_RATE if kind.realmlp and name.startswith(SLOW) else 1)
                own |= {f"decay_{name}": slowed * decay} if kind.decays else {}
            found |= own
            sizes |= dict.fromkeys(own, len(self._best[name]))
        return {name: value[active[active < sizes[name]]][:, None, None] for name, value in found.items()}

    def _keep_best(self, active: np.ndarray, improved: np.ndarray, weights: dict[str, tf.Tensor]) -> None:
        if improved.any():
            for name, best in self._best.items():
                value = as_array(weights[name])
                here = improved[: len(value)]
                best[active[: len(value)][here]] = value[here]

    def best_weights(self) -> dict[str, np.ndarray]:
        """True weights by name: ``kernel_0 [m_0, i, o]``, ``bias_0 [m_0, o]``, ..., the output's last (a copy's own:
        ``[m, k * i, c]`` and ``[m, k, c]``), and what is in front of the first layer (``embedding``, ``filter_0``,
        ..., and what was not learned: ``Source.fixed``)."""
        true = {name: best * self._of(name, best) for name, best in self._best.items()}
        last = f"bias_{len(self._depths)}" if self._kind.copies else ""
        vectors = [name for name in true if name.startswith(VECTORS) and name != last]
        return true | {name: true[name][:, 0] for name in vectors} | self._source.fixed()

    def predict(self) -> tuple[np.ndarray, np.ndarray]:
        """Answers ``[m, n, c]`` for every row and losses ``[m, t]`` of the labelled ones, from the best weights."""
        weights = {name: tf.constant(best * self._of(name, best)) for name, best in self._best.items()}
        arrays = self._constants(np.arange(len(self._members)))
        count, rows = len(self._members), self._source.rows
        answers = np.empty((count, rows, self._source.outputs), np.float32)
        labelled = len(self._source.roles)
        losses = np.empty((count, labelled), np.float32)
        size = self._rows_at_once(count)
        for start in range(0, rows, size):
            part = np.arange(start, min(start + size, rows), dtype=np.int32)
            logits = self._trainer.pooled(tf.constant(np.tile(part, (len(self._train_rows), 1))), arrays, weights)
            answers[:, part] = self._kind.head.answer(logits).numpy()
            known = part[part < labelled]
            if len(known):
                target = np.broadcast_to(self._source.target[arrays["fold"].numpy()][:, known], (count, len(known)))
                losses[:, known] = self._kind.head.loss(tf.constant(target), logits[:, : len(known)]).numpy()
        return answers, losses
