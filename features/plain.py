"""The feature module of any table: each column as its type in the contract says, and in-fold target statistics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from features.contracts.contract import Contract
from features.contracts.words import together
from features.derived import Derived, chosen
from features.encoding import statistics
from features.encoding.columns import PARTS
from features.encoding.columns import fit as fit_column
from features.errors import UserError

# A category with more levels than this is embedded rather than one-hot.
MOST_ONE_HOT_LEVELS = 30
# A category with more levels than this gets a target statistic beside its encoding; for fewer it only repeats it.
LEVELS_WITH_STATISTIC = 10


def fit(frame: pd.DataFrame, contract: Contract, switches: Mapping[str, bool], classes: int) -> dict[str, Any]:
    """State of the contract's feature columns, and the levels that target statistics are kept for.

    ``switches``: column -> on or off; ``classes``: 0 for regression. Raises ``UserError`` where the cells of a column
    are not of its type, or two columns make a part of one name.
    """
    wanted = chosen([column.name for column in contract.features], switches)
    kept = [column for column in contract.features if column.name in wanted]
    columns = [fit_column(column, frame[column.name], contract.file) for column in kept]
    declared = {column.name: column.group or column.name for column in contract.features}
    makers: dict[str, str] = {}
    for one in columns:
        for part in _part_names(one):
            if part in makers:
                raise UserError(
                    f"{contract.file}: columns {makers[part]!r} and {one['name']!r} both make a part {part!r}; "
                    "expected names that differ. Rename one of them in the tables and there, or set `role: ignore`."
                )
            makers[part] = one["name"]
    belongs = {part: declared[maker] for part, maker in makers.items()}
    _, categories = _parts(frame, columns)
    levels = {}
    for name, cells in categories.items():
        counts = pd.Series(cells).value_counts(sort=False, dropna=False)
        if len(counts) > LEVELS_WITH_STATISTIC:
            # A level of one row in all tables can tell nothing of another.
            levels[name] = sorted(_spelt(level) for level, count in counts.items() if count > 1)
    wide = sorted(name for name, cells in categories.items() if pd.Series(cells).nunique() > MOST_ONE_HOT_LEVELS)
    outputs = statistics.outputs(classes)
    return {
        "columns": columns,
        "wide": wide,
        "levels": levels if outputs else {},
        "outputs": outputs,
        "groups": belongs,
        "together": contract.grouping,
    }


def derive(frame: pd.DataFrame, state: Mapping[str, Any]) -> Derived:
    """Every part of every column, and which rows belong together by the column of role ``group``."""
    numbers, categories = _parts(frame, state["columns"])
    # States from before columns had the role "group" say nothing of one.
    grouping = state.get("together")
    keys = {}
    for name, levels in state["levels"].items():
        place = {level: code for code, level in enumerate(levels)}
        keys[name] = np.array([place.get(_spelt(cell), -1) for cell in categories[name].tolist()], np.int64)
    return Derived(
        pd.DataFrame(numbers, frame.index),
        pd.DataFrame(categories, frame.index, dtype=object),
        together(frame[grouping]) if grouping in frame.columns else None,
        keys=keys,
        encodings=dict.fromkeys(state["wide"], "embedding"),
    )


def in_fold(state: Mapping[str, Any]) -> list[str]:
    """A target statistic of each category, for several classes one of each class."""
    return list(_told(state))


def groups(state: Mapping[str, Any]) -> dict[str, str]:
    """The group that the contract declares for a column, else the column itself, of each of its parts."""
    belongs: dict[str, str] = state["groups"]
    return belongs | {column: belongs[name] for column, name in _told(state).items()}


def sources(state: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The one column of the table that a part, or a target statistic, is made from."""
    makers = {part: (one["name"],) for one in state["columns"] for part in _part_names(one)}
    return makers | {column: makers[name] for column, name in _told(state).items()}


def about(state: Mapping[str, Any]) -> dict[str, str]:
    """Nothing: a group is its columns, which the contract describes."""
    return {}


def _told(state: Mapping[str, Any]) -> dict[str, str]:
    """The target statistics by name, each with the category that it is of."""
    count, found = state["outputs"], {}
    for name in state["levels"]:
        for number in range(count):
            column = f"target by {name}" + (f" of class {number}" if count > 1 else "")
            # A column of the table may be called so.
            while column in state["groups"]:
                column += "_"
            found[column] = name
    return found


def learn(derived: Derived, state: Mapping[str, Any], target: np.ndarray, train: np.ndarray) -> dict[str, Any]:
    """What a fold learns from labels: of each category with target statistics, by its name, counts and sums of
    ``target[train]`` by level (see ``statistics.learn``). ``train``: numbers or mask of the fold's train rows."""
    values = _values(target[train], state["outputs"])
    return {
        name: statistics.learn(derived.keys[name][train], len(levels), values)
        for name, levels in state["levels"].items()
    }


def recall(
    derived: Derived,
    state: Mapping[str, Any],
    learned: Mapping[str, Any],
    target: np.ndarray | None = None,
    train: np.ndarray | None = None,
) -> np.ndarray:
    """The statistics ``[n, g]``; the rows ``train`` are judged by other rows of them, of other groups."""
    columns = []
    for name, levels in state["levels"].items():
        codes = derived.keys[name]
        found = statistics.recall(codes, learned[name])
        if target is not None and train is not None:
            values, groups = _values(target[train], state["outputs"]), derived.groups
            own = None if groups is None else groups[train]
            found[train] = statistics.recall_train(codes[train], len(levels), values, own)
        columns.append(found)
    return np.concatenate(columns, axis=1) if columns else np.zeros((len(derived.numbers), 0))


def _parts(frame: pd.DataFrame, columns: list[dict[str, Any]]) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    numbers: dict[str, np.ndarray] = {}
    categories: dict[str, np.ndarray] = {}
    for column in columns:
        made = PARTS[column["type"]](column["name"], frame[column["name"]], column)
        numbers |= made.numbers
        categories |= made.categories
    return numbers, categories


def _part_names(column: Mapping[str, Any]) -> list[str]:
    """What the parts of a column's state are called."""
    made = PARTS[column["type"]](column["name"], pd.Series([], dtype=object), column)
    return [*made.numbers, *made.categories]


def _values(target: np.ndarray, outputs: int) -> np.ndarray:
    if outputs > 1:
        return (target[:, None] == np.arange(outputs)[None]).astype(np.float64)
    return target[:, None].astype(np.float64)


def _spelt(level: Any) -> str:
    # A missing cell is a level of its own.
    return str(level) if isinstance(level, str) else ""
