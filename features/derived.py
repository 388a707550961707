"""What a feature module makes of a typed table, before encoding."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.errors import UserError


@dataclass(frozen=True)
class Derived:
    """Columns of all ``n`` rows (training rows first).

    ``numbers``: float64, NaN where missing; ``categories``: str, NaN where missing; ``parties [n]``: a label of the
    rows that
    belong together, for group-aware folds, or None; ``in_fold``: names of the columns that each fold learns anew, and
    ``learn(target [t], train) -> [n, g]``, which may look at ``target[train]`` only.
    """

    numbers: pd.DataFrame
    categories: pd.DataFrame
    parties: np.ndarray | None = None
    in_fold: tuple[str, ...] = ()
    learn: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None


def chosen(groups: Sequence[str], switches: Mapping[str, bool]) -> set[str]:
    """The feature groups that are switched on; a group not named is on. Raises ``UserError`` on an unknown name."""
    for name in switches:
        if name not in groups:
            close = difflib.get_close_matches(name, groups, n=1, cutoff=0.5)
            hint = f"; did you mean {close[0]!r}?" if close else "."
            raise UserError(f"encode.features: unknown feature group {name!r}{hint} Known: {', '.join(groups)}.")
    return {name for name in groups if switches.get(name, True)}
