"""What each feature group is worth: alone, by its absence, in pairs, and to a trained ensemble; on arrays of measures.

A *measure* is an array ``[J]``, its value on each fold's score rows. A *set* of groups is what a network sees.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from features.errors import enumerated
from features.scoring import metrics
from features.scoring.comparison import ERRORS, Difference, mean_of_folds, noise
from features.scoring.digits import shown
from features.tasks import DECISIONS, called

Measured = Mapping[str, np.ndarray]
# Groups that a sentence names.
NAMED = 3


def measures_of(task: str, metric: str) -> tuple[str, ...]:
    """The measures that groups are judged by: log loss and accuracy, or the metric where that, too, judges decisions;
    for regression the metric. The first, of which less is better, above all."""
    if task == "regression":
        return (metric,)
    return "log_loss", metric if metric in DECISIONS else "accuracy"


def measured(
    task: str, metric: str, target: np.ndarray, answer: np.ndarray, decided: np.ndarray | None = None
) -> list[float]:
    """The measures of ``answer [t, c]``, of classes as they are ``decided [t]``, for ``target [t]``, in the order of
    ``measures_of``; all NaN where answers are not finite, or one of them has no value."""
    names = measures_of(task, metric)
    if not np.isfinite(answer).all():
        return [float("nan")] * len(names)
    found = metrics.measures(task, metric, target, answer, decided)
    values = [found[name] for name in names]
    return values if np.isfinite(values).all() else [float("nan")] * len(names)


def sets_to_train(groups: Sequence[str], examined: Sequence[str], paired: Sequence[str]) -> list[frozenset[str]]:
    """Every set of ``groups`` that the tables need, each once: all; without each of ``examined`` and with it alone;
    likewise for each pair of ``paired``. The empty set needs no network and is left out."""
    everything = frozenset(groups)
    picked = [frozenset([group]) for group in examined]
    picked += [frozenset(pair) for pair in itertools.combinations(paired, 2)]
    found = [everything, *(everything - one for one in picked), *picked]
    return [one for one in dict.fromkeys(found) if one]


def group_table(
    inputs: Mapping[str, int],
    permuted: Mapping[str, Measured],
    trained: Mapping[frozenset[str], Measured],
    share: float,
) -> pd.DataFrame:
    """One row per group, the most important first.

    ``inputs``: how many each group has; ``permuted``: how much each measure of the ensemble moves in each fold when the
    group's columns are permuted; ``trained``: the measures of networks by the set that they see; ``share``: rows that a
    fold scores against those it does not. ``importance_*``: the change by permutation; ``without_*``: left out, against
    all groups; ``alone_*``: alone, against no group at all, which is the best constant. Each with its standard error
    (``mean_of_folds``), empty where no network was trained; ``*_folds``: how many it is known from.
    """
    everything, rows = frozenset(inputs), []
    for group, count in inputs.items():
        row: dict[str, str | int | float] = {"group": group, "inputs": count}
        for name in permuted[group]:
            changes = {
                "importance": mean_of_folds(permuted[group][name], share),
                "without": _change(trained, everything - {group}, everything, name, share),
                "alone": _change(trained, frozenset([group]), frozenset(), name, share),
            }
            for kind, change in changes.items():
                row |= {f"{kind}_{name}": change.mean, f"{kind}_{name}_se": change.error}
        # A fold has all measures or none.
        rows.append(row | {f"{kind}_folds": change.folds for kind, change in changes.items()})
    first = next(iter(permuted[next(iter(inputs))]))
    kinds = [column for kind in ("importance", "without", "alone") for column in rows[0] if column.startswith(kind)]
    found = pd.DataFrame(rows)[["group", "inputs", *kinds]]
    return found.sort_values(f"importance_{first}", ascending=False, kind="stable", ignore_index=True)


def pair_table(
    paired: Sequence[str], trained: Mapping[frozenset[str], Measured], share: float, groups: Iterable[str]
) -> pd.DataFrame:
    """One row per pair of groups: the change of the first measure that both make, less the changes that each makes.

    ``alone_*``: as the only groups, against none: below 0 the two tell more together than apart (for a loss), above 0
    they say the same. ``without_*``: left out, against all: above 0 each stands in for the other. With standard errors
    and ``*_folds`` as in ``group_table``.
    """
    everything, rows = frozenset(groups), []
    for one, other in itertools.combinations(paired, 2):
        both = frozenset([one, other])
        row: dict[str, str | float] = {"group": one, "with": other}
        for kind, start, sets in (
            ("alone", frozenset(), [both, frozenset([one]), frozenset([other])]),
            ("without", everything, [everything - both, everything - {one}, everything - {other}]),
        ):
            if all(each in trained for each in (start, *sets)):
                name = next(iter(trained[start]))
                change = [trained[each][name] - trained[start][name] for each in sets]
                found = mean_of_folds(change[0] - change[1] - change[2], share)
                row |= {f"{kind}_{name}": found.mean, f"{kind}_{name}_se": found.error, f"{kind}_folds": found.folds}
        rows.append(row)
    return pd.DataFrame(rows, columns=None if rows else ["group", "with"])


def sentences(table: pd.DataFrame, pairs: pd.DataFrame) -> list[str]:
    """What the tables say, in words: what the ensemble leans on, what is not missed, what helps only together.

    A change counts where it is more than ``noise``, as everywhere.
    """
    name = next(column for column in table.columns if column.startswith("importance_")).removeprefix("importance_")
    words = called(name)
    used = table[f"importance_{name}"] > noise(table["importance_folds"]) * table[f"importance_{name}_se"]
    top = table[used].head(NAMED)
    found = ["The ensemble leans on no group beyond noise."]
    if len(top):
        rises = shown(name, top[f"importance_{name}"])
        whose = "its" if len(top) == 1 else "their"
        # Others may stand above these, by more noise than they are worth.
        passed_over = not used.loc[: top.index[-1]].all()
        found = [
            f"{'Beyond noise the' if passed_over else 'The'} ensemble leans most on {enumerated(top['group'])}: "
            f"permuting {whose} columns raises the {words} by {enumerated(rises)}."
        ]
    harm, doubt = table[f"without_{name}"], noise(table["without_folds"]) * table[f"without_{name}_se"]
    sure = harm.abs() > doubt
    # That few folds prove little is no reason to leave a group out.
    perhaps = table[f"importance_{name}"] > ERRORS * table[f"importance_{name}_se"]
    perhaps |= harm.abs() > ERRORS * table[f"without_{name}_se"]
    missed, hindering = table["group"][sure & (harm > 0)], table["group"][sure & (harm < 0)]
    idle = table["group"][~perhaps & harm.notna() & table[f"importance_{name}_se"].notna()]
    # A group that nothing else can replace is missed by what it tells alone, or by more. What permuting it costs is no
    # measure of that: a wrong value misleads, of unrelated columns by twice as much as none does (squared error).
    told_alone = -table[f"alone_{name}"]
    apart = np.hypot(table[f"without_{name}_se"], table[f"alone_{name}_se"])
    folds = np.fmin(table["without_folds"], table["alone_folds"])
    doubled = table["group"][used & (told_alone - harm > noise(folds) * apart)]
    if harm.notna().any():
        worse = f"get worse without {enumerated(missed)}" if len(missed) else "miss no group beyond noise"
        found.append(f"Retrained networks {worse}.")
    if len(hindering):
        found.append(f"They get better without {enumerated(hindering)}.")
    if len(doubled):
        found.append(f"Where {enumerated(doubled, 'or')} is left out, other groups stand in, in part at least.")
    if len(idle):
        found.append(f"Neither the ensemble nor retrained networks need {_dispensable(idle.tolist())}.")
    if f"alone_{name}" in pairs:
        together = pairs[pairs[f"alone_{name}"] < -noise(pairs["alone_folds"]) * pairs[f"alone_{name}_se"]]
        most = together.sort_values(f"alone_{name}", kind="stable").head(NAMED)
        changes = shown(name, most[f"alone_{name}"], "+")
        told = [f"{a} with {b} ({change})" for a, b, change in zip(most["group"], most["with"], changes, strict=True)]
        if told:
            found.append(f"More informative together than apart: {enumerated(told)}.")
        else:
            found.append("No pair is more informative together than apart.")
    return found


def _change(
    trained: Mapping[frozenset[str], Measured], to: frozenset[str], start: frozenset[str], name: str, share: float
) -> Difference:
    if to not in trained or start not in trained:
        return Difference(float("nan"), float("nan"), float("nan"))
    return mean_of_folds(trained[to][name] - trained[start][name], share)


def _dispensable(groups: Sequence[str]) -> str:
    if len(groups) == 1:
        return f"{groups[0]}: it could go"
    return f"{enumerated(groups, 'or')}: any one of them could go (all at once was not tried)"
