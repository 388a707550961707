"""Trials on arrays, shared by the stages that search: ``tune`` and ``honest``.

TensorFlow is loaded when something is trained, not before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from features.roles import SCORE

if TYPE_CHECKING:
    from pipeline.nets.search import Configuration, Result
    from pipeline.nets.table import Table


def evaluate(
    table: Table,
    task: str,
    configurations: Sequence[Configuration],
    folds: Sequence[Sequence[int]],
    seeds: Sequence[Sequence[int]],
    *,
    epochs: int,
    patience: int,
    report: Callable[[float], None] = lambda share: None,
    halving_share: float = 0.0,
    rivals: Sequence[int] | None = None,
) -> list[Result]:
    """One result per configuration, all trained together, each in its own ``folds`` (columns of ``table.roles``) with
    the ``seeds`` of those networks; ``report`` is told the share done.

    After ``halving_share`` of the epochs the worse half ends, by its stop rows, among those of one family (some
    learn faster than others) with the same number in ``rivals`` (None: among all)."""
    from pipeline.nets.fit import Halving, fit
    from pipeline.nets.members import members_of
    from pipeline.nets.search import Result

    pairs = [(trial, place) for trial in range(len(configurations)) for place in range(len(folds[trial]))]
    members = members_of(
        [configurations[trial] for trial, _ in pairs],
        [folds[trial][place] for trial, place in pairs],
        [seeds[trial][place] for trial, place in pairs],
    )
    owners = np.array([trial for trial, _ in pairs])
    kinds = list(zip([one.get("family") for one in configurations], rivals or [0] * len(configurations), strict=True))
    groups = np.array([kinds.index(kind) for kind in kinds])
    halving = None
    if halving_share:
        halving = Halving(halving_share, lambda lowest: better_half(lowest, owners, groups)[owners])
    found = fit(members, table, task, epochs, patience, report, halving=halving)
    results = []
    for trial in range(len(configurations)):
        of_trial = [number for number, (owner, _) in enumerate(pairs) if owner == trial]
        loss = np.full((len(of_trial), len(table.roles)), np.nan, np.float32)
        error = loss.copy()
        fold_loss = np.empty(len(of_trial))
        for place, number in enumerate(of_trial):
            scored = table.roles[:, folds[trial][place]] == SCORE
            loss[place, scored] = found.loss[number, scored]
            target = table.target[folds[trial][place]]
            error[place, scored] = errors(found.answers[number, : len(target)], target, task)[scored]
            fold_loss[place] = np.mean(found.loss[number, scored])
        diverged = ~np.isfinite(fold_loss) | (found.best_epoch[of_trial] == 0)
        bad = [str(fold) for fold, wrong in zip(folds[trial], diverged, strict=True) if wrong]
        reason = f"diverged: no finite loss in fold {', '.join(bad)}" if bad else ""
        # Rows are scored once per repeat, so these are means over repeats.
        known = (table.roles[:, folds[trial]] == SCORE).T
        counts = np.where(known.any(axis=0) & (not bad), known.sum(axis=0), np.nan)
        by_row = [(np.nansum(each, axis=0) / counts).astype(np.float32) for each in (loss, error)]
        epoch, halved = float(found.best_epoch[of_trial].mean()), not found.kept[of_trial].all()
        results.append(Result(by_row[0], by_row[1], fold_loss, epoch, reason, halved))
    return results


def errors(answers: np.ndarray, target: np.ndarray, task: str) -> np.ndarray:
    """How far ``answers [t, c]`` are from the target: the answer less the value, or 1 less the
    probability of the row's class, ``[t]``. Those of a mean of answers are the mean of theirs."""
    if task == "regression":
        return answers[:, 0] - target
    if task == "binary":
        return np.abs(target - answers[:, 0])
    return 1.0 - answers[np.arange(len(target)), target.astype(np.int64)]


def better_half(lowest: np.ndarray, owners: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Which trials go on, ``[k] bool``: in each of ``groups [k]`` the half (rounded up) with the lowest mean of
    ``lowest [m]`` over its members, ``owners [m]`` their trials. A member without a finite loss is the worst."""
    means = np.array([lowest[owners == trial].mean() for trial in range(len(groups))])
    kept = np.zeros(len(groups), bool)
    for group in np.unique(groups):
        rivals = np.flatnonzero(groups == group)
        kept[rivals[np.argsort(means[rivals], kind="stable")[: -(-len(rivals) // 2)]]] = True
    return kept
