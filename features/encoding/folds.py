"""Which row learns, stops or scores in which fold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from features.encoding.splits import drawn, drawn_alike, parts_alike, parts_of, parts_of_groups
from features.errors import UserError
from features.roles import SCORE, STOP, TRAIN, UNUSED

_APART = "Lower encode.folds, or set encode.group_aware to false, in params.yaml."
_APART_IN_TIME = "Empty encode.time, or set encode.group_aware to false, in params.yaml."


def draw_roles(
    target: np.ndarray,
    classes: bool,
    folds: int,
    repeats: int,
    stop_fraction: float,
    groups: np.ndarray | None,
    seed: int,
    names: Sequence[str] = (),
    times: np.ndarray | None = None,
) -> np.ndarray:
    """Roles ``[t, folds * repeats] int8`` (0 train, 1 stop, 2 score) of ``target [t]``.

    Each row scores once a repeat. Classes keep their shares in every part; with ``groups [t]`` the rows of a group
    score together, and stop together (and parts are as equal in rows as groups allow where to share classes out would
    leave a part without any); with ``times [t]`` each part is a span of time (see ``spans``), the same in every
    repeat. With both, the rows of a group may lie in several spans: those outside a span of a group that has rows in it
    are ``UNUSED`` (3) there, so that no row trains or stops that belongs to one scored ("purged": Lopez de Prado,
    2018). Column ``repeat * folds + part`` depends on ``seed`` and its own place only.
    Raises ``UserError`` (with the class as spelt in ``names``) where a class has fewer rows than there are folds, or
    there are too few groups for one to score, one to stop and one to learn from, or too few times, or a class has all
    its rows in one span.
    """
    _check_enough(target, classes, folds, groups, names)
    span = None if times is None else spans(times, folds)
    roles = np.full((len(target), folds * repeats), TRAIN, np.int8)
    for repeat in range(repeats):
        state = int(np.random.SeedSequence([seed, repeat]).generate_state(1)[0])
        nothing = np.zeros(len(target))
        strata = target if classes else nothing
        if span is not None:
            parts = span
        elif groups is not None:
            parts = parts_of_groups(strata, groups, folds, state)
            if len(np.unique(parts)) < folds:  # where a group holds most of a class
                parts = parts_of_groups(nothing, groups, folds, state)
        else:
            parts = parts_alike(target, folds, state) if classes else parts_of(len(target), folds, state)
        for part in range(folds):
            others, scored = np.flatnonzero(parts != part), np.flatnonzero(parts == part)
            column = repeat * folds + part
            if span is not None and groups is not None:
                purged = others[np.isin(groups[others], groups[scored])]
                roles[purged, column], others = UNUSED, np.setdiff1d(others, purged)
                if not len(others):
                    raise UserError(
                        f"every group of rows to keep together has rows in span {part + 1} of {folds} spans of time, "
                        f"so that none is left to learn from. {_APART_IN_TIME}"
                    )
            if span is not None and classes and len(lost := np.setdiff1d(target, target[others])):
                raise UserError(
                    f"class {(names[int(lost[0])] if names else lost[0])!r} of the target has all its rows in one of "
                    f"{folds} spans of time. Lower encode.folds, or empty encode.time, in params.yaml."
                )
            roles[scored, column] = SCORE
            roles[_stop(others, strata, stop_fraction, groups, state + part), column] = STOP
    return roles


def _check_enough(
    target: np.ndarray, classes: bool, folds: int, groups: np.ndarray | None, names: Sequence[str]
) -> None:
    """Raises ``UserError`` where rows, those of a class, or groups are too few for so many folds."""
    if len(target) < 2 * folds:
        raise UserError(
            f"{len(target)} training rows are too few for {folds} folds. Lower encode.folds in params.yaml."
        )
    if classes:
        labels, counts = np.unique(target, return_counts=True)
        if counts.min() < folds + 1:
            rare = labels[counts.argmin()]
            raise UserError(
                f"class {(names[int(rare)] if names else rare)!r} of the target has {counts.min()} rows, expected more "
                f"than encode.folds ({folds}). Lower encode.folds in params.yaml or drop the class."
            )
    if groups is not None and (there := len(np.unique(groups))) < max(folds, 3):
        raise UserError(
            f"{there} groups of rows to keep together are too few for {folds} folds; expected {max(folds, 3)} or "
            f"more. {_APART}"
        )


def spans(times: np.ndarray, parts: int) -> np.ndarray:
    """The span ``[t]``, 0 to ``parts - 1`` in the order of ``times [t]``, that each row lies in: of rows as equal in
    number as rows of one time, which stay together, allow. Raises ``UserError`` where there are too few times."""
    _, place, counts = np.unique(times, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - counts / 2
    found = np.minimum((middle * parts / len(times)).astype(int), parts - 1)
    if len(np.unique(found)) < parts:
        raise UserError(
            f"{len(counts)} different times, some of many rows, do not make {parts} spans of time. Lower encode.folds, "
            "or empty encode.time, in params.yaml."
        )
    return found[place.reshape(-1)]


def groups_if_asked(asked: bool, groups: np.ndarray | None, module: str, file: str) -> np.ndarray | None:
    """``groups [n]`` of a feature ``module``'s rows where ``encode.group_aware`` of the params ``file`` asks for them,
    else None. Raises ``UserError`` where the module names none: ordinary folds would leak without a word."""
    if asked and groups is None:
        raise UserError(
            f"{file}: encode.group_aware is true, but the feature module {module!r} names no groups of rows to keep "
            "together.\nSet it to false, or give the column that names them `role: group` in the contract (module "
            "plain), or let `derive` of a feature module of your own name them, as that of features/titanic.py does."
        )
    return groups if asked else None


def outer_parts(
    target: np.ndarray,
    classes: bool,
    outer: int,
    groups: np.ndarray | None,
    seed: int,
    times: np.ndarray | None = None,
) -> np.ndarray:
    """The outer fold ``[t]`` that scores each row; arguments as of ``draw_roles``. With ``times`` the later half of the
    rows is scored, span by span, and the earlier, which is learned from alone, has -1."""
    if times is not None:
        return np.maximum(spans(times, 2 * outer) - outer, -1)
    roles = draw_roles(target, classes, outer, 1, 0.1, groups, seed)
    return (roles == SCORE).argmax(axis=1)


def nested_roles(
    parts: np.ndarray,
    target: np.ndarray,
    classes: bool,
    folds: int,
    stop_fraction: float,
    groups: np.ndarray | None,
    seed: int,
    times: np.ndarray | None = None,
) -> np.ndarray:
    """Roles ``[t, outer * folds]`` inside each outer fold of ``parts [t]``: ``folds`` parts of the rows that it does
    not score, with ``times`` of those before it that are of no group that it scores, with the roles of ``draw_roles``;
    all others are ``UNUSED``."""
    columns = []
    for one in range(int(parts.max()) + 1):
        known = parts != one if times is None else parts < one
        if groups is not None:  # by time, a group may lie in several spans
            known &= ~np.isin(groups, groups[parts == one])
        rows = np.flatnonzero(known)
        inner = np.full((len(parts), folds), UNUSED, np.int8)
        own = None if groups is None else groups[rows]
        when = None if times is None else times[rows]
        inner[rows] = draw_roles(target[rows], classes, folds, 1, stop_fraction, own, seed + one, times=when)
        columns.append(inner)
    return np.concatenate(columns, axis=1)


def _stop(others: np.ndarray, strata: np.ndarray, fraction: float, groups: np.ndarray | None, state: int) -> np.ndarray:
    labels, counts = np.unique(strata[others], return_counts=True)
    if groups is not None:
        there = len(np.unique(groups[others]))
        if there < 2:
            raise UserError(
                f"a fold scores all groups of rows but {str(groups[others][0])!r}; expected two others, to stop and to "
                f"learn from. {_APART}"
            )
        parts = min(max(2, round(1 / fraction)), there)
        shares = strata[others] if counts.max() >= parts else np.zeros(len(others))
        return others[parts_of_groups(shares, groups[others], parts, state % 2**32) == 0]
    size = max(1, round(fraction * len(others)))
    if counts.min() > 1 and size >= len(labels):
        return others[drawn_alike(strata[others], size, state % 2**32)]
    return others[drawn(len(others), size, state % 2**32)]
