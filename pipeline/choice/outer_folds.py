"""The folds of the nested estimate: outer ones, and inside each those that score its trials and its members."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from features.encoding import duplicates
from features.encoding.folds import nested_roles, outer_parts
from features.errors import UserError
from features.roles import SCORE
from features.scoring.combination import LEVELS
from pipeline.runtime import seed_for
from pipeline.settings import Params


@dataclass(frozen=True)
class Plan:
    """``parts [t]``: the outer fold that scores a row, -1 for one that none does; ``roles [t, outer * (search +
    members)]``: first the columns in which each outer fold's search is scored, then those of its members; ``outer``:
    how many outer folds are scored, of those ``drawn`` (None: all there are)."""

    parts: np.ndarray
    roles: np.ndarray
    outer: int
    search: int
    members: int
    drawn: int | None = None

    def known(self, outer: int) -> np.ndarray:
        """Which rows the ``outer`` fold chooses and learns by, ``[t] bool``: those that an inner fold scores."""
        known: np.ndarray = (self.roles[:, list(self.trained(outer))] == SCORE).any(axis=1)
        return known

    def searched(self, outer: int) -> range:
        """Columns of ``roles`` in which the trials of the ``outer`` fold are scored."""
        return range(outer * self.search, (outer + 1) * self.search)

    def trained(self, outer: int) -> range:
        """Columns of ``roles`` in which the members of the ``outer`` fold train."""
        first = self.outer * self.search
        return range(first + outer * self.members, first + (outer + 1) * self.members)


def plan_of(
    params: Params,
    target: np.ndarray,
    classes: Sequence[str],
    groups: np.ndarray | None,
    alike: np.ndarray | None,
    times: np.ndarray | None,
) -> Plan | str:
    """The folds that ``draw`` finds, rows that are ``alike [t]`` being one to them, or else ``why_none``."""
    first, place = np.arange(len(target)), np.arange(len(target))
    if alike is not None:
        first, place = duplicates.first_of(alike)
        groups = None if groups is None else duplicates.joined(groups, alike)
    groups = None if groups is None else groups[first]
    target, times = target[first], duplicates.latest(times, place)
    plan = draw(params, target, groups, times)
    if plan is None:
        counted = "" if alike is None else ", where those that are alike in every column count as one"
        return why_none(params, target, groups, classes, times is not None) + counted
    return replace(plan, parts=plan.parts[place], roles=plan.roles[place])


def draw(params: Params, target: np.ndarray, groups: np.ndarray | None, times: np.ndarray | None = None) -> Plan | None:
    """Outer and inner folds, fewer than asked for where the rarest class has too few rows, rows are of too few groups
    or times, or a part has too few rows to rank among; None where that leaves no two."""
    settings, classes = params.honest, params.table.task != "regression"
    rarest = int(np.unique(target, return_counts=True)[1].min()) if classes else len(target) // 2
    # The rows that an outer fold scores are the test rows of its members, which a mean of ranks ranks among.
    least = len(LEVELS) if params.ensemble.method == "rank_mean" else 1
    for outer in range(min(settings.outer, rarest - 1, len(target) // least), 1, -1):
        most = rarest - -(-rarest // outer) - 1
        try:
            plan = divided(params, target, groups, outer, most, times)
        except UserError:
            # Groups are of any size, so that a part may leave too few of them, or of a class, to the others; so may
            # spans of time.
            continue
        if plan is not None and np.bincount(plan.parts[plan.parts >= 0], minlength=plan.outer).min() >= least:
            return plan
    return None


def why_none(
    params: Params, target: np.ndarray, groups: np.ndarray | None, classes: Sequence[str], ordered: bool = False
) -> str:
    """Why ``draw`` finds no plan, in words: what would have to be otherwise. ``classes``: as they are spelt;
    ``ordered``: whether by time."""
    if params.honest.outer == 0:
        return "honest.outer is 0"
    if ordered and draw(params, target, groups) is not None:
        return f"rows or classes by {params.encode.time!r} are too few for spans of time inside spans of time"
    few = "too few for folds inside folds"
    averaged = replace(params, ensemble=replace(params.ensemble, method="mean"))
    if draw(averaged, target, groups) is not None:
        return f"{len(target)} rows are too few for outer folds of {len(LEVELS)}, which a mean of ranks ranks among"
    if groups is not None and draw(averaged, target, None) is not None:
        return f"rows come in {len(np.unique(groups))} groups, {few}, or too few without the largest of them"
    if params.table.task != "regression":
        labels, counts = np.unique(target, return_counts=True)
        rarest = int(counts.argmin())
        return f"class {classes[int(labels[rarest])]!r} has {counts[rarest]} rows, {few}"
    return f"there are {len(target)} rows, {few}"


def divided(
    params: Params,
    target: np.ndarray,
    groups: np.ndarray | None,
    outer: int,
    most: int,
    times: np.ndarray | None = None,
) -> Plan | None:
    """``outer`` folds, of which as many as asked for are scored, inside each no more folds than asked for, than
    ``most`` and than its groups or times allow; None where that leaves no two. By ``times`` there are no others than
    those scored. Raises ``UserError`` where groups or times can't be divided so."""
    settings, classes = params.honest, params.table.task != "regression"
    scored = min(settings.scored or outer, outer)
    drawn = outer if times is None else scored
    parts = outer_parts(target, classes, drawn, groups, seed_for(params.seed, "outer"), times)
    if scored < drawn:  # those scored are drawn, too: the first folds have the largest groups
        parts = np.random.default_rng(seed_for(params.seed, "scored")).permutation(drawn)[parts]
        parts = np.where(parts < scored, parts, -1)
    if groups is not None:
        most = min(most, *(len(np.unique(groups[parts != one])) - 1 for one in range(scored)))
    if times is not None:
        most = min(most, len(np.unique(times[parts < 0])))
    counts = min(settings.search, most), min(settings.members, most)
    if min(counts) < 2:
        return None
    roles = [
        nested_roles(
            parts,
            target,
            classes,
            folds,
            params.encode.stop_fraction,
            groups,
            seed_for(params.seed, name, "inner"),
            times,
        )
        for name, folds in zip(("search", "members"), counts, strict=True)
    ]
    both = np.concatenate(roles, axis=1)
    return Plan(parts, both, scored, *counts, drawn if drawn > scored else None)
