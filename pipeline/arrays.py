"""From the normalized arrays on disk to the table that the networks draw from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from features.target import TargetScale
from pipeline.files import read_npz
from pipeline.nets.sources import Table


@dataclass(frozen=True)
class Scaled:
    """``table`` with each fold's target in units that suit a network, and ``scale``, the way back for its answers.

    ``codes [n, e]`` as encoded, and ``sizes [e]``: how many codes each of those columns has.
    """

    table: Table
    scale: TargetScale
    codes: np.ndarray
    sizes: np.ndarray


def load_table(path: Path, task: str) -> Scaled:
    """Read ``arrays.npz`` of the normalize stage. Raises ``UserError`` where the file is missing or damaged."""
    arrays = read_npz(path)
    target, roles, codes = arrays["target"].astype(np.float32), arrays["roles"], arrays["codes"].astype(np.int32)
    names = ("transform", "location", "scale", "low", "high")
    entry = {name: arrays[f"target_{name}"] for name in names} if task == "regression" else {}
    scale = TargetScale.from_mapping(entry | ({"transform": str(entry["transform"])} if entry else {}), roles.shape[1])
    sizes = arrays["levels"]
    table = Table(
        inputs=np.ascontiguousarray(arrays["inputs"], dtype=np.float32),
        codes=stacked(codes, sizes),
        levels=int(sizes.sum()),
        target=scale.standard(target),
        roles=roles,
        outputs=int(target.max()) + 1 if task == "multiclass" else 1,
    )
    return Scaled(table, scale, codes, sizes)


def stacked(codes: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """``codes [n, e]`` counted through all columns, so that each has a stretch of the one embedding table; ``sizes
    [e]``: codes of each column."""
    return (codes + (np.cumsum(sizes) - sizes)).astype(np.int32)
