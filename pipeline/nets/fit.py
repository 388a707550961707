"""Training members together: one loop for tables, images and texts.

A *program* is a set of members that share activation, normalisation and batch size; they train side by side, each on
its fold's ``train`` rows, with its own dropout, L1, L2, learning rate and initial weights, until its ``stop`` rows have
not improved for ``patience`` epochs. Its best weights are kept. A member that has stopped leaves the program, so the
others go on faster.

What a member computes depends on its own row of ``Members`` and on the source alone, never on its neighbours.
"""

from __future__ import annotations

import functools
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import tensorflow as tf

from pipeline.nets.heads import HEADS
from pipeline.nets.lanes import Stopped, side_by_side
from pipeline.nets.members import Members, lengths_of, programs
from pipeline.nets.memory import tensor
from pipeline.nets.numbers import Numbers
from pipeline.nets.program import Program, Training, finished
from pipeline.nets.source import Source

# What a step costs beside its rows' products, see ``cost``.
STEP, OPERATIONS = 64.0, 200_000.0


@dataclass(frozen=True)
class Fit:
    """What training found, in the order of the members given.

    ``answers [m, n, c] float32``: probabilities (regression: predictions) for all rows from the best weights;
    ``loss [m, t] float32``: the loss of each labelled row from the same weights;
    ``train_loss``/``stop_loss [m, epochs] float32``: mean loss per epoch, NaN after the member stopped (the train loss
    is taken while training, so under dropout); ``best_epoch [m]``: from 1, or 0 for a member that never had a finite
    loss; ``epochs_run [m]``; ``kept [m] bool``: False for those that halving ended; ``weights``: for each program the
    members in it and their weight arrays.
    """

    answers: np.ndarray
    loss: np.ndarray
    train_loss: np.ndarray
    stop_loss: np.ndarray
    best_epoch: np.ndarray
    epochs_run: np.ndarray
    kept: np.ndarray
    weights: list[dict[str, np.ndarray]]


@dataclass(frozen=True)
class Halving:
    """Members that go on after a ``share`` of their epochs, as a decimal fraction and rounded up (Jamieson and
    Talwalkar, 2016): ``keep`` says which ``[m] bool`` by the lowest stop loss that each has had, ``[m]``, infinite
    where it had none."""

    share: float
    keep: Callable[[np.ndarray], np.ndarray]


def fit(
    members: Members,
    source: Source,
    task: str,
    epochs: int,
    patience: int,
    progress: Callable[[float], None] = lambda share: None,
    *,
    seed: int = 0,
    halving: Halving | None = None,
) -> Fit:
    """Train all members; ``progress`` is told the share done, from 0 to 1.

    ``seed`` draws what members share: the rows' order and the augmentation of a shared batch. Where the source has no
    stop rows, all ``epochs`` run and the last weights are kept. With ``halving`` some members train to the end only.
    """
    lengths, patiences = lengths_of(members, epochs, patience)
    longest = int(lengths.max(initial=0))
    count, labelled = len(members), len(source.roles)
    answers = np.full((count, source.rows, source.outputs), np.nan, np.float32)
    loss = np.full((count, labelled), np.nan, np.float32)
    train_loss = np.full((count, longest), np.nan, np.float32)
    stop_loss = np.full((count, longest), np.nan, np.float32)
    best_epoch, epochs_run = np.zeros(count, np.int64), np.zeros(count, np.int64)
    sources, kept = Sources(source), np.ones(count, bool)
    lowest, told = np.empty(count), np.zeros(count)
    stop, telling = threading.Event(), threading.Lock()

    def begin(index: np.ndarray) -> tuple[Program, Training]:
        program = Program(members.take(index), *sources.of(members, index[0]), HEADS[task], seed)
        own, share = int(lengths[index[0]]), halving.share if halving else 0.0

        def report(done: float) -> None:
            with telling:
                if stop.is_set():
                    raise Stopped
                told[index] = done
                try:
                    progress(float(told.mean()))
                except BaseException:
                    stop.set()  # before another lane tells of more
                    raise

        return program, program.training(own, int(patiences[index[0]]), report, math.ceil(Fraction(str(share)) * own))

    def to_rung(index: np.ndarray) -> tuple[Program, Training]:
        program, training = begin(index)
        lowest[index] = next(training)
        return program, training

    def to_end(index: np.ndarray, begun: tuple[Program, Training] | None = None) -> dict[str, np.ndarray]:
        program, training = begun or begin(index)
        own = int(lengths[index[0]])
        curves = finished(training, kept[index])
        train_loss[index, :own], stop_loss[index, :own], best_epoch[index], epochs_run[index] = curves
        answers[index], loss[index] = program.predict()
        return {"members": index, **program.best_weights()}

    parts = list(programs(members, 0 if source.shared else source.fan_in))
    # The longest first, so that at the end no lane waits long for another.
    order = np.argsort([-lengths[part[0]] * cost(members.take(part), source) for part in parts], kind="stable")
    jobs = [functools.partial(to_end, parts[place]) for place in order]
    if halving:  # all of them to the rung; without, one after another, so that few at a time are in memory
        begun = side_by_side([functools.partial(to_rung, parts[place]) for place in order], stop)
        kept = halving.keep(lowest)
        jobs = [functools.partial(job, one) for job, one in zip(jobs, begun, strict=True)]
    found = side_by_side(jobs, stop)
    weights = [found[place] for place in np.argsort(order)]
    return Fit(answers, loss, train_loss, stop_loss, best_epoch, epochs_run, kept, weights)


def cost(members: Members, source: Source) -> float:
    """About what an epoch of a program of ``members`` takes, in units of its own, to tell long ones from short ones.

    A row's products take as long as there are weights; a step passes over all weights and Adam's moments, too, which
    takes as long as the products of ``STEP`` rows, and has as many operations as one of ``OPERATIONS`` weights.
    """
    width, depth = members.width.max(), members.depth.max()
    weights = source.fan_in * width + max(depth - 1, 0) * width**2 if depth else source.fan_in * source.outputs
    rows = max(members.copies[0], 1) + STEP / members.batch_size[0]
    return float(len(members) * weights * rows + OPERATIONS * STEP / members.batch_size[0])


class Sources:
    """A source as the members of a program see it, and its arrays where TensorFlow has them."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._known: dict[Numbers, tuple[Source, dict[str, tf.Tensor]]] = {}
        self._lock = threading.Lock()

    def of(self, members: Members, one: int) -> tuple[Source, dict[str, tf.Tensor]]:
        """The source as member ``one`` and its program see it, and its arrays and ``target`` by name. Made once for
        each way of embedding numbers."""
        numbers = Numbers(str(members.numbers[one]), int(members.number_bins[one]), int(members.number_units[one]))
        with self._lock:
            if numbers not in self._known:
                source = self._source.with_numbers(numbers)
                named = {**source.arrays(), "target": source.target}
                self._known[numbers] = source, {name: tensor(array) for name, array in named.items()}
            return self._known[numbers]
