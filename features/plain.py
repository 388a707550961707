"""The feature module of a table without features of its own: its columns as the contract declares them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from features.contract import Contract
from features.derived import Derived, chosen


def fit(frame: pd.DataFrame, contract: Contract, switches: Mapping[str, bool]) -> dict[str, Any]:
    """Numbers and categories of the contract's feature columns; free text is left out. ``switches``: column -> on or
    off."""
    wanted = chosen([column.name for column in contract.features], switches)
    used = [column for column in contract.features if column.name in wanted]
    return {
        "numbers": [c.name for c in used if c.type == "number"],
        "categories": [c.name for c in used if c.type == "category"],
    }


def derive(frame: pd.DataFrame, state: Mapping[str, Any]) -> Derived:
    """The columns of the state."""
    return Derived(numbers=frame[list(state["numbers"])], categories=frame[list(state["categories"])])


def in_fold(state: Mapping[str, Any], task: str, classes: int) -> list[str]:
    """No column."""
    return []


def learn(derived: Derived, state: Mapping[str, Any], target: np.ndarray, train: np.ndarray) -> dict[str, Any]:
    """Nothing."""
    return {}


def recall(
    derived: Derived,
    state: Mapping[str, Any],
    learned: Mapping[str, Any],
    target: np.ndarray | None = None,
    train: np.ndarray | None = None,
) -> np.ndarray:
    """``[n, 0]``."""
    return np.zeros((len(derived.numbers), 0))
