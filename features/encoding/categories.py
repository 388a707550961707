"""Categories to numbers: integer codes, one-hot columns, or codes of an embedding that the network learns.

The fitted state is plain data (lists and words), so that it is kept as JSON and encodes new rows later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

# Names of the levels that stand for no value, and for values too rare to learn from.
MISSING, RARE = "(missing)", "(rare)"


def fit(
    categories: pd.DataFrame,
    train: np.ndarray,
    defaults: Sequence[str],
    exceptions: Mapping[str, str],
    min_count: int,
) -> list[dict[str, Any]]:
    """One state per column and encoding: ``{"column", "encoding", "levels"}``, from the rows ``train`` (levels carry no
    target). A column has all of the ``defaults``, unless it is among the ``exceptions``.

    Levels stand in sorted order; those seen fewer than ``min_count`` times become ``(rare)``, empty cells
    ``(missing)`` where there are any.
    """
    states = []
    for name in categories.columns:
        cells = categories[name].iloc[train]
        counts = cells.value_counts()
        levels = sorted(str(level) for level in counts.index[counts >= min_count])
        if cells.isna().any():
            levels.append(MISSING)
        if (counts < min_count).any():
            levels.append(RARE)
        chosen = [exceptions[name]] if name in exceptions else defaults
        states += [{"column": name, "encoding": encoding, "levels": levels} for encoding in chosen]
    return states


def apply(
    states: Sequence[Mapping[str, Any]], categories: pd.DataFrame
) -> tuple[np.ndarray, list[dict[str, str]], np.ndarray, list[str]]:
    """Encoded columns ``[n, d] float32`` with their descriptions, embedding codes ``[n, e] int32`` with their names.

    A level that was not seen becomes ``(rare)`` where that level exists. Otherwise it is all zeros (onehot), -1
    (integer) or code 0 (embedding, whose seen levels count from 1). Raises ``ValueError`` where there is no such
    encoding.
    """
    columns: list[np.ndarray] = []
    described: list[dict[str, str]] = []
    codes: list[np.ndarray] = []
    coded: list[str] = []
    for state in states:
        name, levels = state["column"], list(state["levels"])
        place = {level: number for number, level in enumerate(levels)}
        cells = categories[name].astype(object).where(categories[name].notna(), MISSING)
        number = cells.map(lambda cell, place=place: place.get(cell, place.get(RARE, -1))).to_numpy(np.int32)
        if state["encoding"] == "embedding":
            codes.append(number + 1)
            coded.append(name)
        elif state["encoding"] == "integer":
            columns.append(number[:, None].astype(np.float32))
            described.append({"name": name, "kind": "integer"})
        elif state["encoding"] == "onehot":
            columns.append((number[:, None] == np.arange(len(levels))[None]).astype(np.float32))
            described += [{"name": f"{name}={level}", "kind": "onehot"} for level in levels]
        else:
            raise ValueError(f"no encoding {state['encoding']!r} (of column {name!r})")
    count = len(categories)
    return (
        np.concatenate(columns, axis=1) if columns else np.zeros((count, 0), np.float32),
        described,
        np.stack(codes, axis=1) if codes else np.zeros((count, 0), np.int32),
        coded,
    )
