"""From the normalized arrays on disk to the table that the networks draw from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.files import read_npz
from pipeline.nets.fit import TRAIN, Table


@dataclass(frozen=True)
class Scaled:
    """``table`` with each fold's target in units that suit a network, and the way back for its answers.

    ``centre [F]`` and ``spread [F]`` are the mean and standard deviation of the fold's train targets for regression, 0
    and 1 otherwise.
    """

    table: Table
    centre: np.ndarray
    spread: np.ndarray

    def original(self, answers: np.ndarray, fold: np.ndarray) -> np.ndarray:
        """``answers [m, n, c]`` in the target's own units."""
        return answers * self.spread[fold, None, None] + self.centre[fold, None, None]


def load_table(path: Path, task: str) -> Scaled:
    """Read ``arrays.npz`` of the normalize stage. Raises ``UserError`` where the file is missing or damaged."""
    arrays = read_npz(path)
    target, roles, codes = arrays["target"].astype(np.float32), arrays["roles"], arrays["codes"].astype(np.int32)
    folds = roles.shape[1]
    centre, spread = np.zeros(folds, np.float32), np.ones(folds, np.float32)
    if task == "regression":
        for fold in range(folds):
            known = target[roles[:, fold] == TRAIN]
            centre[fold], spread[fold] = known.mean(), known.std() or 1.0
    # Each column's codes get a stretch of the one embedding table.
    sizes = codes.max(axis=0) + 1 if codes.size else np.zeros(codes.shape[1], np.int32)
    offsets = np.concatenate([[0], np.cumsum(sizes)[:-1]]) if len(sizes) else sizes
    table = Table(
        inputs=np.ascontiguousarray(arrays["inputs"], dtype=np.float32),
        codes=(codes + offsets).astype(np.int32),
        levels=int(sizes.sum()),
        target=(target[None] - centre[:, None]) / spread[:, None],
        roles=roles,
        outputs=int(target.max()) + 1 if task == "multiclass" else 1,
    )
    return Scaled(table, centre, spread)
