"""Trials on arrays, shared by the stages that search: ``tune`` and ``honest``.

TensorFlow is loaded when something is trained, not before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from features.roles import SCORE

if TYPE_CHECKING:
    from pipeline.nets.fit import Fit
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
    own = (np.flatnonzero(owners == trial) for trial in range(len(configurations)))
    return [result_of(found, index, table, task, members.fold[index]) for index in own]


def result_of(found: Fit, members: np.ndarray, table: Table, task: str, folds: np.ndarray) -> Result:
    """What came of one trial: of what training ``found``, that of its ``members [f]``, one in each of ``folds [f]``."""
    from pipeline.nets.search import Result

    scored = (table.roles[:, folds] == SCORE).T  # [f, t], as loss and error
    loss = found.loss[members]
    error = np.stack([errors(*each, task) for each in zip(found.answers[members], table.target[folds], strict=True)])
    fold_loss = np.array([one[own].mean() for one, own in zip(loss, scored, strict=True)], np.float64)
    bad = folds[~np.isfinite(fold_loss) | (found.best_epoch[members] == 0)]
    reason = f"diverged: no finite loss in fold {', '.join(map(str, bad))}" if len(bad) else ""
    # Rows are scored once per repeat, so these are means over repeats.
    counts = np.where(scored.any(axis=0) & (not reason), scored.sum(axis=0), np.nan)
    loss, error = ((each.sum(axis=0, where=scored) / counts).astype(np.float32) for each in (loss, error))
    halved = not found.kept[members].all()
    return Result(loss, error, fold_loss, float(found.best_epoch[members].mean()), reason, halved)


def errors(answers: np.ndarray, target: np.ndarray, task: str) -> np.ndarray:
    """How far ``answers [n, c]``, those of labelled rows first, are from ``target [t]``: the answer less the value, or
    1 less the probability of the row's class, ``[t]``. Those of a mean of answers are the mean of theirs."""
    answers = answers[: len(target)]
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
