"""From the normalized arrays on disk to the table that the networks draw from."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from features.encoding.target import TargetScale
from pipeline.files import read_npz
from pipeline.nets.heads import HEADS
from pipeline.nets.memory import realigned
from pipeline.nets.table import Table

# What a trial may choose of a table's columns, by the names of the params that offer it: whether a feature group is on,
# the encoding of categories, the normalisation.
COLUMNS, ENCODING, METHOD = "columns.", "encode.encoding", "normalize.method"


@dataclass(frozen=True)
class Inputs:
    """What the inputs of a network are: of each column (shared ones, in-fold ones, embedded ones: ``[d + g + e]``) the
    feature group in ``groups`` and in ``forms`` the encoding that it is a part of, "" where its category has but one;
    ``methods``: the normalisations that lie one after another in the table."""

    groups: np.ndarray
    forms: np.ndarray
    methods: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """The feature groups, in the order of their first columns."""
        return list(dict.fromkeys(self.groups.tolist()))

    def choices(self, columns: bool) -> dict[str, tuple[Any, ...]]:
        """What the search may choose besides its own space; ``columns``: groups too, where there are several."""
        found: dict[str, tuple[Any, ...]] = {}
        encodings = [form for form in dict.fromkeys(self.forms.tolist()) if form]
        if encodings:
            found[ENCODING] = tuple(encodings)
        if len(self.methods) > 1:
            found[METHOD] = self.methods
        if columns and len(self.names) > 1:
            found |= {f"{COLUMNS}{name}": (True, False) for name in self.names}
        return found

    def mask(self, on: Collection[str], encoding: str) -> np.ndarray:
        """Columns ``[d + g + e] bool`` of the groups ``on``, categories in one ``encoding``."""
        return np.isin(self.groups, list(on)) & ((self.forms == "") | (self.forms == encoding))

    def network(self, configuration: Mapping[str, Any]) -> dict[str, Any]:
        """A trial's configuration as the engine takes it: its choices as ``columns`` and ``scaling``."""
        kept = {name: value for name, value in configuration.items() if name not in (ENCODING, METHOD)}
        on = [name for name in self.names if kept.pop(f"{COLUMNS}{name}", True)]
        columns = self.mask(on, configuration.get(ENCODING, ""))
        if METHOD in configuration:
            kept["scaling"] = self.methods.index(configuration[METHOD])
        return kept if columns.all() else {**kept, "columns": columns}


@dataclass(frozen=True)
class Scaled:
    """``table`` with each fold's target in units that suit a network, and ``scale``, the way back for its answers.

    ``codes [n, e]`` as encoded, and ``sizes [e]``: how many codes each of those columns has; ``inputs``: what they are.
    """

    table: Table
    scale: TargetScale
    codes: np.ndarray
    sizes: np.ndarray
    inputs: Inputs


def load_table(path: Path, task: str) -> Scaled:
    """Read ``arrays.npz`` of the normalize stage. Raises ``UserError`` where the file is missing or damaged."""
    arrays = read_npz(path)
    roles = arrays["roles"]
    known = (name for name in arrays if name.startswith("target_")) if task == "regression" else ()
    entry = {name.removeprefix("target_"): arrays[name] for name in known}
    scale = TargetScale.from_mapping(entry | ({"transform": str(entry["transform"])} if entry else {}), roles.shape[1])
    return scaled_table(
        task,
        values=realigned(arrays.pop("inputs").astype(np.float32, copy=False)),
        codes=arrays["codes"].astype(np.int32),
        sizes=arrays["levels"],
        target=arrays["target"],
        scale=scale,
        roles=roles,
        inputs=Inputs(arrays["groups"], arrays["forms"], tuple(arrays["methods"].tolist())),
    )


def scaled_table(
    task: str,
    *,
    values: np.ndarray,
    codes: np.ndarray,
    sizes: np.ndarray,
    target: np.ndarray,
    scale: TargetScale,
    roles: np.ndarray,
    inputs: Inputs,
) -> Scaled:
    """What networks draw from, of ``values [s * F, n, d + g] float32`` (not copied), ``codes [n, e] int32`` with their
    ``sizes [e]``, ``target [t]`` in its own units, ``roles [t, F]``; ``inputs``: what the columns are."""
    table = Table(
        inputs=values,
        codes=stacked(codes, sizes),
        levels=int(sizes.sum()),
        target=scale.standard(target),
        roles=roles,
        outputs=HEADS[task].outputs(int(target.max()) + 1),
    )
    return Scaled(table, scale, codes, sizes, inputs)


def stacked(codes: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """``codes [n, e]`` counted through all columns, so that each has a stretch of the one embedding table; ``sizes
    [e]``: codes of each column."""
    return (codes + (np.cumsum(sizes) - sizes)).astype(np.int32)
