"""The feature module of a table without features of its own: its columns as the contract declares them."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from features.contract import Contract
from features.derived import Derived, chosen


def build(frame: pd.DataFrame, contract: Contract, switches: Mapping[str, bool]) -> Derived:
    """Numbers and categories of the contract's feature columns; free text is left out. ``switches``: column -> on or
    off."""
    wanted = chosen([column.name for column in contract.features], switches)
    used = [column for column in contract.features if column.name in wanted]
    return Derived(
        numbers=frame[[c.name for c in used if c.type == "number"]],
        categories=frame[[c.name for c in used if c.type == "category"]],
    )
