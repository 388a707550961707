"""A typed table to the arrays of the encode stage, by a state that JSON holds: for train and test, and for any new row.

The state (``encoding.json``) has everything the raw tables were needed for; ``transform`` and ``inputs_of_rows`` give
a test row, even alone, the very numbers that the stages gave it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from features.contracts.contract import Contract
from features.derived import Derived, UnknownGroup, module_of
from features.encoding import categories, formulas
from features.encoding.normalization import Affine
from features.errors import UserError, hint, listed


@dataclass(frozen=True)
class Encoded:
    """``shared [n, d] float32`` (NaN where missing), ``codes [n, e] int32``, and the columns they were made from."""

    shared: np.ndarray
    codes: np.ndarray
    derived: Derived


def fit(
    frame: pd.DataFrame,
    labelled: int,
    contract: Contract,
    module: str,
    switches: Mapping[str, bool],
    classes: int,
    *,
    defaults: Sequence[str],
    exceptions: Mapping[str, str],
    min_count: int,
    missing_indicators: bool,
    made: Mapping[str, str] | None = None,
    place: str = "encode",
) -> tuple[dict[str, Any], Encoded]:
    """The state but for what folds learn, and the tables by it.

    ``frame``: typed train rows (``labelled`` of them), then test rows, without the target; ``classes``: how many, 0 for
    regression. Levels of categories come from the train rows; ``defaults``, ``exceptions`` and ``min_count`` as in
    ``categories.fit``; ``made``: columns made of others, each by a formula as in ``features.encoding.formulas``. Raises
    ``UserError`` where a switch names nothing there, an exception no category, or a formula can't be followed;
    ``place``: of the block of parameters that holds them. ``groups`` and ``forms`` of the state say of each input what
    it belongs to, see ``_belongings``.
    """
    made = made or {}
    _check_free(made, [column.name for column in contract.columns], place)
    others = {name: on for name, on in switches.items() if name not in made}
    try:
        features = module_of(module).fit(frame, contract, others, classes)
    except UnknownGroup as error:  # the module knows neither the file nor the columns made of others
        raise UserError(f"{place}.features: {UnknownGroup(error.name, [*error.groups, *made])}") from None
    state: dict[str, Any] = {"module": module, "features": features}
    derived: Derived = module_of(module).derive(frame, state["features"])
    groups = module_of(module).groups(state["features"]).values()
    taken = [*derived.numbers, *derived.categories, *module_of(module).in_fold(state["features"])]
    _check_free(made, [*taken, *groups], place, "a column or feature group")
    wanted = {name: text for name, text in made.items() if switches.get(name, True)}
    state["formulas"] = formulas.fit(frame, contract, wanted, f"{place}.formulas")
    derived = _with_formulas(derived, frame, state)
    numbers, rows = derived.numbers, np.arange(labelled)
    state["indicators"] = [str(c) for c in numbers.columns if missing_indicators and numbers[c].isna().any()]
    for name in exceptions:
        if name not in derived.categories.columns:
            raise UserError(_no_category(name, list(derived.categories.columns), contract, f"{place}.columns"))
    preferred = {**derived.encodings, **exceptions}
    state["categories"] = categories.fit(derived.categories, rows, defaults, preferred, min_count)
    _, described, _, state["codes"] = categories.apply(state["categories"], derived.categories.iloc[:0])
    # Codes of each embedded column, 0 among them: fixed here, so that new rows look into the same table.
    state["levels"] = [len(c["levels"]) + 1 for c in state["categories"] if c["encoding"] == "embedding"]
    state["columns"] = [{"name": str(c), "kind": "number"} for c in numbers.columns]
    state["columns"] += [{"name": f"{c} missing", "kind": "indicator"} for c in state["indicators"]] + described
    state["in_fold"] = module_of(module).in_fold(state["features"])
    single = preferred if len(defaults) > 1 else dict.fromkeys(derived.categories.columns, "")
    state["groups"], state["forms"] = _belongings(state, single)
    return state, _encoded(derived, state)


def transform(frame: pd.DataFrame, state: Mapping[str, Any]) -> Encoded:
    """Rows encoded by the ``state`` of ``fit``, new ones as well as those it was made from; ``frame``: of
    ``Contract.typed``, with or without the target."""
    derived: Derived = module_of(state["module"]).derive(frame, state["features"])
    return _encoded(_with_formulas(derived, frame, state), state)


def sources(state: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The table's columns that each number, category and in-fold column is made from."""
    made: dict[str, tuple[str, ...]] = module_of(state["module"]).sources(state["features"])
    return made | formulas.sources(state.get("formulas", []))


def about(state: Mapping[str, Any]) -> dict[str, str]:
    """What a feature group is, in a sentence, by its name; only groups that are more than a column of the table."""
    told: dict[str, str] = module_of(state["module"]).about(state["features"])
    return told | {one["name"]: f"The formula {one['formula']}." for one in state.get("formulas", [])}


def _with_formulas(derived: Derived, frame: pd.DataFrame, state: Mapping[str, Any]) -> Derived:
    made = pd.DataFrame(formulas.apply(frame, state.get("formulas", [])), derived.numbers.index)
    return replace(derived, numbers=pd.concat([derived.numbers, made], axis=1)) if len(made.columns) else derived


def _encoded(derived: Derived, state: Mapping[str, Any]) -> Encoded:
    numbers = derived.numbers.to_numpy(np.float64)
    gaps = derived.numbers[list(state["indicators"])].isna().to_numpy(np.float64)
    columns, _, codes, _ = categories.apply(state["categories"], derived.categories)
    return Encoded(np.concatenate([numbers, gaps, columns], axis=1).astype(np.float32), codes, derived)


def learn(
    encoded: Encoded, state: Mapping[str, Any], target: np.ndarray, train: np.ndarray
) -> tuple[dict[str, Any], np.ndarray]:
    """What a fold learns from ``target[train]``, and its columns ``[n, g] float32`` for all rows, the train rows
    without their own label."""
    module = module_of(state["module"])
    learned: dict[str, Any] = module.learn(encoded.derived, state["features"], target, train)
    values = module.recall(encoded.derived, state["features"], learned, target, train)
    return learned, values.astype(np.float32)


def recall(encoded: Encoded, state: Mapping[str, Any], fold: int) -> np.ndarray:
    """The columns ``[n, g] float32`` of fold ``fold`` for rows that it did not learn from."""
    values: np.ndarray = module_of(state["module"]).recall(encoded.derived, state["features"], state["folds"][fold])
    return values.astype(np.float32)


def inputs_of_rows(
    encoded: Encoded, state: Mapping[str, Any], normalization: Mapping[str, Any], fold: int
) -> np.ndarray:
    """The network's inputs ``[n, d + g] float32`` in fold ``fold`` of rows it did not learn from, finite.

    ``encoded``: ``transform(frame, state)``, which serves every fold; ``normalization``: ``normalization.json``. Where
    that has several methods, their folds follow one another, so ``fold`` counts through all of them.
    """
    folds = len(state["folds"])
    values = np.concatenate([encoded.shared, recall(encoded, state, fold % folds)], axis=1).astype(np.float64)
    return Affine.from_mapping(normalization["folds"][fold], normalization["method"][fold // folds]).apply(values)


def inputs_made(state: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Of each input (shared columns, in-fold columns, codes): the number, category or in-fold column that it is made
    from, and as what: number, indicator, onehot, integer, in_fold or embedding."""
    made = [(c["name"], "number") for c in state["columns"] if c["kind"] == "number"]
    made += [(name, "indicator") for name in state["indicators"]]
    for one in state["categories"]:
        if one["encoding"] != "embedding":
            made += [(one["column"], one["encoding"])] * (1 if one["encoding"] == "integer" else len(one["levels"]))
    made += [(name, "in_fold") for name in state["in_fold"]]
    return made + [(name, "embedding") for name in state["codes"]]


def _check_free(made: Mapping[str, str], taken: Sequence[object], place: str, what: str = "a column") -> None:
    for name in made:
        if name in map(str, taken):
            raise UserError(f"{place}.formulas.{name}: the table has {what} {name!r} already; expected another name.")


def _no_category(name: str, known: list[str], contract: Contract, place: str) -> str:
    """What is wrong where ``place`` names a column that has no encoding to choose."""
    there = {column.name: column for column in contract.columns}
    if name in there:
        role, kind = there[name].role, there[name].type
        told = f"{name!r} has {f'type {kind!r}' if role == 'feature' else f'role {role!r}'} in {contract.file}."
        if (role, kind) == ("feature", "category"):
            told = f"no category is made of {name!r}; it may be switched off in encode.features."
    else:
        told = f"there is no column {name!r}{hint(name, known)}"
    have = f"Categories here: {listed(known)}." if known else "This table has none; delete the entry."
    return f"{place}: {told} Expected a category, whose encoding it may choose. {have}"


def _belongings(state: Mapping[str, Any], chosen: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Of each input: its group, and the encoding that it is a part of where a category has several to choose from, else
    ""; ``chosen``: categories with one encoding only."""
    group_of, made = module_of(state["module"]).groups(state["features"]), inputs_made(state)
    choices = ("onehot", "integer", "embedding")
    forms = [kind if kind in choices and name not in chosen else "" for name, kind in made]
    return [group_of.get(name, name) for name, _ in made], forms
