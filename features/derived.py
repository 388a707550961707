"""What a feature module makes of a typed table, before encoding, and what every feature module offers.

A feature module (``features/<module>.py``) is eight pure functions. All state is plain data that JSON holds exactly, so
that new rows become the same numbers without the tables that the state was learned from:

- ``fit(frame, contract, switches, classes) -> state``: from train and test, one under the other; labels are never
  seen, only how many classes there are (0 for regression).
- ``derive(frame, state) -> Derived``: row by row; one row alone gives what it gives among others.
- ``in_fold(state) -> names`` of the columns that each fold learns anew from labels.
- ``groups(state) -> {column: group}``: what belongs together when columns are chosen and judged. For a number, a
  category or an in-fold column by its name; a column not named is a group of its own.
- ``sources(state) -> {column: names}`` of the table's columns that each of these is made from, for the data dictionary.
- ``about(state) -> {group: sentence}``: what a group is, where its columns don't say it themselves.
- ``learn(derived, state, target, train) -> learned``: a fold's own state, from the labels of the rows ``train`` alone.
- ``recall(derived, state, learned, target, train) -> [n, g]``: the in-fold columns. With ``target`` and ``train`` the
  rows ``train`` are those learned from, and each is judged without its own label; without them no row is.
"""

from __future__ import annotations

import importlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from features.errors import UserError, hint, listed

FUNCTIONS = ("fit", "derive", "in_fold", "groups", "sources", "about", "learn", "recall")


class UnknownGroup(UserError):
    """A switch ``name`` that is of none of a module's ``groups``."""

    def __init__(self, name: str, groups: Collection[str]) -> None:
        super().__init__(f"unknown feature group {name!r}{hint(name, groups)} Known: {listed(groups)}.")
        self.name, self.groups = name, groups


@dataclass(frozen=True)
class Derived:
    """Columns of ``n`` rows.

    ``numbers``: float64, NaN where missing; ``categories``: str, NaN where missing; ``groups [n]``: a label of the
    rows that belong together, for group-aware folds, or None; ``keys``: whatever arrays ``[n]`` the module's ``learn``
    and ``recall`` look things up by; ``encodings``: the encoding that suits a category better than the default.
    """

    numbers: pd.DataFrame
    categories: pd.DataFrame
    groups: np.ndarray | None = None
    keys: Mapping[str, np.ndarray] = field(default_factory=dict)
    encodings: Mapping[str, str] = field(default_factory=dict)


def module_of(name: str) -> Any:
    """The feature module ``name``. Raises ``UserError`` where there is none."""
    try:
        module = importlib.import_module(f"features.{name}")
        lacks = [function for function in FUNCTIONS if not hasattr(module, function)]
        problem = f"has no {', '.join(lacks)}" if lacks else ""
    except ModuleNotFoundError as error:
        if error.name != f"features.{name}":
            raise  # it is there; what it imports is not
        problem = "does not exist"
    if problem:
        raise UserError(
            f"table.module is {name!r}, but features/{name}.py {problem}; expected a feature module, as plain.\n"
            "Correct it under `competitions` in params.yaml, or write the module (features/derived.py says how)."
        )
    return module


def chosen(groups: Collection[str], switches: Mapping[str, bool]) -> set[str]:
    """The feature groups that are switched on; a group not named is on. Raises ``UnknownGroup`` on an unknown name."""
    for name in switches:
        if name not in groups:
            raise UnknownGroup(name, groups)
    return {name for name in groups if switches.get(name, True)}
