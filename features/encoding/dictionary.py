"""The data dictionary: what each column of a table is by its contract, how much of it is missing, and what a network
sees of it; and what each feature group is. Rows of words, for a page to lay out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from features.contracts.composite import several
from features.contracts.contract import Column, Contract
from features.encoding.encoder import about, inputs_made, sources
from features.errors import enumerated

COLUMNS = ("column", "role, type", "expected", "missing in train / test", "what it is", "what a network sees")
GROUPS = ("group", "made from", "inputs", "what it is")
# Allowed values that a rule names.
NAMED = 8
# Types without a rule of their own.
_ANY = {"date": "a date", "code": "a code of several parts", "boolean": "one of two words", "category": "any word",
        "text": "any text", "presence": "anything or nothing"}  # fmt: skip
# What inputs of each kind are called: one of them, several.
_INPUTS = {
    "number": ("number", "numbers"),
    "indicator": ("for missing", "for missing"),
    "onehot": ("one-hot", "one-hot"),
    "integer": ("integer code", "integer codes"),
    "embedding": ("embedded", "embedded"),
    "in_fold": ("learned in each fold", "learned in each fold"),
}
# What a network sees of columns that are no features, by role.
_OTHERS = {
    "id": "nothing: it names the row",
    "target": "what is to be predicted",
    "group": "nothing: it says which rows belong together",
}
# Inputs by kind, and whether the search chooses among several.
_Inputs = Counter[tuple[str, bool]]


def columns(
    contract: Contract,
    rows: Mapping[str, int],
    missing: Mapping[str, Mapping[str, int]],
    state: Mapping[str, Any],
) -> list[tuple[str, ...]]:
    """A row of ``COLUMNS`` for each column of the contract.

    ``rows``: of ``train`` and of ``test``; ``missing``: how many cells of a column are, by table, none where it is not
    named; ``state``: ``encoding.json``.
    """
    seen = _inputs_of(state)
    told = about(state)
    found: list[tuple[str, ...]] = []
    for column in contract.columns:
        what = _OTHERS.get(column.role, "nothing")
        groups = seen.get(column.name, {})
        if groups:
            what = ", ".join(_seen(column.name, group, inputs, told) for group, inputs in groups.items())
        if column.parts:
            seen_of_parts = f"its parts, {enumerated(column.parts)}"
            what = seen_of_parts if what == "nothing" else f"{what}; {seen_of_parts}"
        tables = [name for name in ("train", "test") if column.role != "target" or name == "train"]
        shares = [share(missing[name].get(column.name, 0), rows[name]) for name in tables]
        gaps = "none" if set(shares) == {"0"} else " / ".join(shares)
        found.append((column.name, f"{column.role}, {column.type}", rule(column), gaps, column.description, what))
    return found


def groups(state: Mapping[str, Any], order: Sequence[str]) -> list[tuple[str, ...]]:
    """A row of ``GROUPS`` for each feature group that says what it is, in the ``order`` given. ``state``: as above."""
    made_from, told = sources(state), about(state)
    made: dict[str, _Inputs] = {}
    names: dict[str, dict[str, None]] = {}
    for (name, kind), group, form in zip(inputs_made(state), state["groups"], state["forms"], strict=True):
        made.setdefault(group, Counter())[kind, form != ""] += 1
        names.setdefault(group, {}).update(dict.fromkeys(made_from[name]))
    return [(group, ", ".join(names[group]), _counted(made[group]), told[group]) for group in order if group in told]


def rule(column: Column) -> str:
    """What the contract expects of a column's cells, in words; of long lists of values the first."""
    if column.role == "ignore":
        return several(column.separator, len(column.parts)) if column.parts else "not checked"
    if column.values is not None and len(column.values) > NAMED:
        words = f"one of {', '.join(map(repr, column.values[:NAMED]))}, ... ({len(column.values)} in all)"
    elif column.values is not None or column.type == "number":
        words = column.expected
    else:
        words = _ANY[column.type]
    if column.order is not None:
        words += f", from {column.order[0]!r} up to {column.order[-1]!r}"
    if column.spelling.missing:
        words += f", {' or '.join(map(repr, column.spelling.missing))} for missing"
    if column.parts:
        words += f", {several(column.separator, len(column.parts))}"
    return words + (", each once" if column.unique else "") + ("" if column.nullable else ", never missing")


def share(count: int, rows: int) -> str:
    """``count`` of ``rows`` in per cent, "0" where there is none."""
    if not count:
        return "0"
    return "< 0.1 %" if count < 0.001 * rows else f"{100 * count / rows:.1f} %"


def _inputs_of(state: Mapping[str, Any]) -> dict[str, dict[str, _Inputs]]:
    """Of each column of the table: the groups that it has a part in, with their inputs made from it, by kind."""
    made_from = sources(state)
    found: dict[str, dict[str, _Inputs]] = {}
    for (name, kind), group, form in zip(inputs_made(state), state["groups"], state["forms"], strict=True):
        for column in made_from[name]:
            found.setdefault(column, {}).setdefault(group, Counter())[kind, form != ""] += 1
    return found


def _seen(column: str, group: str, inputs: _Inputs, told: Mapping[str, str]) -> str:
    if group in told:
        return group
    return _counted(inputs) + ("" if group == column else f" (group {group})")


def _counted(inputs: _Inputs) -> str:
    words: dict[bool, list[str]] = {False: [], True: []}
    for (kind, choice), count in inputs.items():
        words[choice].append(f"{count} {_INPUTS[kind][count > 1]}")
    return ", ".join([*words[False], *([" or ".join(words[True])] if words[True] else [])])
