"""Trials on arrays, shared by the stages that search: ``tune`` and ``honest``.

TensorFlow is loaded when something is trained, not before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from features.folds import SCORE

if TYPE_CHECKING:
    from pipeline.nets.fit import Table
    from pipeline.nets.search import Configuration, Result


def evaluate(
    table: Table,
    task: str,
    configurations: Sequence[Configuration],
    folds: Sequence[Sequence[int]],
    seeds: Sequence[Sequence[int]],
    epochs: int,
    patience: int,
    report: Callable[[float], None] = lambda share: None,
) -> list[Result]:
    """One result a configuration, all trained together, each in its own ``folds`` (columns of ``table.roles``) with the
    ``seeds`` of those networks; ``report`` is told the share done."""
    from pipeline.nets.fit import fit, members_of
    from pipeline.nets.search import Result

    pairs = [(trial, place) for trial in range(len(configurations)) for place in range(len(folds[trial]))]
    members = members_of(
        [configurations[trial] for trial, _ in pairs],
        [folds[trial][place] for trial, place in pairs],
        [seeds[trial][place] for trial, place in pairs],
    )
    found = fit(members, table, task, epochs, patience, report)
    results = []
    for trial in range(len(configurations)):
        of_trial = [number for number, (owner, _) in enumerate(pairs) if owner == trial]
        loss = np.full((len(of_trial), len(table.roles)), np.nan, np.float32)
        fold_loss = np.empty(len(of_trial))
        for place, number in enumerate(of_trial):
            scored = table.roles[:, folds[trial][place]] == SCORE
            loss[place, scored] = found.loss[number, scored]
            fold_loss[place] = np.mean(found.loss[number, scored])
        diverged = ~np.isfinite(fold_loss) | (found.best_epoch[of_trial] == 0)
        bad = [str(fold) for fold, wrong in zip(folds[trial], diverged, strict=True) if wrong]
        reason = f"diverged: no finite loss in fold {', '.join(bad)}" if bad else ""
        # Rows are scored once a repeat, so this is a mean over repeats.
        known = ~np.isnan(loss)
        counts = np.where(known.any(axis=0), known.sum(axis=0), np.nan)
        row_loss = np.full(loss.shape[1], np.nan) if bad else np.nansum(loss, axis=0) / counts
        results.append(Result(row_loss.astype(np.float32), fold_loss, float(found.best_epoch[of_trial].mean()), reason))
    return results
