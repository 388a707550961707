"""The members of a program: what a network is, how long it trains and who trains together; NumPy alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

BETA_2 = 0.999
# Together, weights, moments and best weights of a program should stay in the processor's cache, where its members have
# many inputs (of 2^17, 2^18 and 2^19 the middle is the fastest on House Prices' 290).
MEMBERS_PER_PROGRAM = 64
WEIGHTS_PER_PROGRAM = 1 << 18
# Copies of a member that weigh as much there as a member does, since they share their weights.
COPIES_AS_ONE = 4
# How much wider than the narrowest member of a program the widest may be.
PADDING = 2
# Share of the cosine schedule's steps in which the learning rate rises.
WARM_UP = 0.05
# Units of a column under periodic embeddings where the configuration names none.
PERIODIC_UNITS = 4
# The names that a configuration may give where no table of functions (``SCHEDULES``, ``layers.ACTIVATIONS``) has them.
NAMES = {
    "normalization": ("none", "layer"),
    "family": ("plain", "tabm", "realmlp", "waves", "bins"),
    "feature_scale": ("fixed", "learned"),
    "numbers": ("plain", "piecewise_linear", "periodic"),
}
# What a configuration need not say.
DEFAULTS: dict[str, Any] = {
    "l1": 0.0,
    "normalization": "none",
    "weight_decay": 0.0,
    "label_smoothing": 0.0,
    "huber": 0.0,
    "frequency": 0.0,
    "beta_2": BETA_2,
    "schedule": "constant",
    "epochs": 0,
    "snapshots": 1,
    "family": "plain",
    "copies": 16,
    "feature_scale": "fixed",
    "numbers": "plain",
    "number_bins": 16,
    "number_units": 0,
    "number_frequency": 0.1,
    "scaling": 0,
}


@dataclass(frozen=True)
class Members:
    """One row per network: hyperparameters, the fold it learns in and its seed, each ``[m]``.

    ``weight_decay`` is decoupled from the loss (AdamW: Loshchilov and Hutter, 2019), ``beta_2`` is Adam's.
    ``label_smoothing``: share of a label that is spread over all classes (Szegedy et al., 2016). ``huber``: for values,
    while training, errors beyond so many standard deviations of the target count by their size rather than its square
    (Huber, 1964); 0: all by the square. ``frequency``: of the waves that a network of sines begins with, see
    ``initializers.initial_waves``; 0: as ``initializer`` says. ``schedule``: a key of ``SCHEDULES``. ``epochs``: the
    length of its schedule, all of which it trains; 0 for what ``fit`` is told, and then with patience. ``snapshots``:
    so many last epochs' weights are averaged before the stop rows judge them, and kept where they are the best
    (Izmailov et al., 2018; over the latest epochs as in Kaddour, 2022).

    ``family``: plain; tabm: ``copies`` networks that share their hidden layers, each with a scale of its own in front
    and an output of its own, trained on the mean of their losses, their answers averaged (TabM-mini; Gorishniy et al.,
    2025); realmlp: the neural tangent parametrisation, activations with a learned slope, a learned scale in front,
    dropout and weight decay that end along ``flat_cosine`` (Holzmueller et al., 2024); waves and bins: as plain, each a
    family of its own for its own choices (one layer of sines; numbers in bins) and for rivals in halving that learn as
    fast. ``feature_scale``: fixed, or learned: the scale in front for the others too.

    ``numbers``: what becomes of columns of numbers, with ``number_bins`` and ``number_units`` per column (see
    ``numbers.py``); ``number_frequency``: standard deviation of the first frequencies.

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
    huber: np.ndarray
    frequency: np.ndarray
    beta_2: np.ndarray
    schedule: np.ndarray
    epochs: np.ndarray
    snapshots: np.ndarray
    family: np.ndarray
    copies: np.ndarray
    feature_scale: np.ndarray
    numbers: np.ndarray
    number_bins: np.ndarray
    number_units: np.ndarray
    number_frequency: np.ndarray
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
    ``columns``, which then are all), with its fold and seed. Raises ``ValueError`` where a member sees no column, or
    a name is none of ``NAMES``."""
    names = [f.name for f in fields(Members) if f.name not in ("columns", "fold", "seed")]
    complete = [_settled({**DEFAULTS, **c}) for c in configurations]
    values = {name: np.array([c[name] for c in complete]) for name in names}
    size = max((len(c["columns"]) for c in configurations if "columns" in c), default=0)
    columns = np.ones((len(configurations), size), bool)
    for row, configuration in zip(columns, configurations, strict=True):
        row[:] = configuration.get("columns", True)
    if size and not columns.any(axis=1).all():
        raise ValueError("a network without columns")
    # Nobody leaves a column out: then the program is the one that knows nothing of columns.
    columns = columns[:, :0] if columns.all() else columns
    return Members(**values, columns=columns, fold=np.array(folds, np.int64), seed=np.array(seeds, np.uint64))


def _settled(configuration: dict[str, Any]) -> dict[str, Any]:
    """The configuration with what it has no use for at 0, so that networks alike are seen to be alike."""
    settled = dict(configuration)
    for key, names in NAMES.items():
        if settled[key] not in names:
            raise ValueError(f"{key} is {settled[key]!r}, none of {', '.join(names)}")
    settled["copies"] *= settled["family"] == "tabm"
    settled["frequency"] *= settled["activation"] == "sine"
    if settled["family"] == "realmlp":
        settled["feature_scale"] = "learned"
    settled["number_bins"] *= settled["numbers"] == "piecewise_linear"
    settled["number_units"] *= settled["numbers"] != "plain"
    if settled["numbers"] == "periodic":
        settled["number_units"] = settled["number_units"] or PERIODIC_UNITS
        if settled["number_units"] == 1:  # the one is the number itself
            settled["numbers"], settled["number_units"] = "plain", 0
    return settled


def lengths_of(members: Members, epochs: int, patience: int) -> tuple[np.ndarray, np.ndarray]:
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


def programs(members: Members, inputs: int = 0) -> Iterator[np.ndarray]:
    """Indices of the members that train together: alike in what ``Kind`` holds, close in width, of falling depth.

    The narrow are padded to the widest, which is no more than ``PADDING`` times as wide. Of a source with many
    ``inputs`` fewer train together; 0: of any number, since they share the batch.
    """
    columns = (
        members.activation,
        members.normalization,
        # Layer normalisation takes sums over a layer, so spare units would learn.
        np.where(members.normalization == "layer", members.width, 0),
        members.batch_size,
        members.depth == 0,
        members.beta_2,
        members.schedule,
        members.epochs,
        members.snapshots,
        members.family,
        members.copies,
        members.feature_scale,
        members.numbers,
        members.number_bins,
        members.number_units,
    )
    kinds = list(zip(*(column.tolist() for column in columns), strict=True))
    for kind in sorted(set(kinds)):
        index = np.array([number for number, one in enumerate(kinds) if one == kind])
        index = index[np.argsort(members.width[index], kind="stable")]
        while len(index):
            close = index[: np.searchsorted(members.width[index], PADDING * members.width[index[0]], side="right")]
            most, width = MEMBERS_PER_PROGRAM, int(members.width[close].max())
            if inputs:
                weights = (inputs + max(int(members.depth[close].max()) - 1, 0) * width) * max(width, 1)
                most = min(most, WEIGHTS_PER_PROGRAM // weights)
            most = max(most // max(int(members.copies[index[0]]) // COPIES_AS_ONE, 1), 1)
            for part in np.array_split(close, -(-len(close) // most)):
                yield part[np.argsort(-members.depth[part], kind="stable")]
            index = index[len(close) :]
