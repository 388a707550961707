"""What is wrong with a table, as a person is told it: where, what was expected, and the cure.

Rows in messages count the header as row 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.errors import UserError, quoted

_SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing wrong in one column: ``count`` values, the first ``values`` and their ``rows`` (header is row 1)."""

    file: str
    column: str
    count: int
    values: tuple[str, ...] = ()
    rows: tuple[int, ...] = ()
    expected: str = ""
    problem: str
    cure: str = ""
    check: str
    warning: bool = False

    def __str__(self) -> str:
        line = f"{self.file}: column {self.column!r}: {self.problem}" if self.column else f"{self.file}: {self.problem}"
        more = ", ..." if self.count > len(self.values) else ""
        if self.rows and set(self.values) == {"missing"}:
            line += f" (row{'s' if self.count > 1 else ''} {', '.join(map(str, self.rows))}{more})"
        elif self.rows:
            shown = [f"{value} (row {row})" for value, row in zip(self.values, self.rows, strict=True)]
            line += f": {', '.join(shown)}{more}"
        elif self.values:
            line += f": {', '.join(self.values)}{more}"
        if self.expected:
            line += f"; expected {self.expected}"
        return line + "." + (f" {self.cure}" if self.cure else "")


class ContractError(UserError):
    """A table that can't be given its types; ``faults`` holds what the message says."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = tuple(faults)


def fault_at(
    file: str,
    cells: pd.Series,
    wrong: np.ndarray,
    expected: str,
    *,
    problem: str,
    cure: str = "",
    check: str,
    warning: bool = False,
) -> Fault:
    """The fault of the rows where ``wrong [n]`` is true, in the column that the ``cells`` are named after; the first
    cells and their rows are shown."""
    places = np.flatnonzero(wrong)
    return Fault(
        file=file,
        column=str(cells.name),
        count=len(places),
        values=tuple(map(_shown, cells.iloc[places[:_SHOWN]])),
        rows=tuple(int(place) + 2 for place in places[:_SHOWN]),
        expected=expected,
        problem=problem,
        cure=cure,
        check=check,
        warning=warning,
    )


def faults_at(file: str, cells: pd.Series, wrong: np.ndarray, expected: str, **told: Any) -> list[Fault]:
    """``fault_at`` in a list, which is empty where no row is ``wrong``."""
    return [fault_at(file, cells, wrong, expected, **told)] if wrong.any() else []


def counted(wrong: np.ndarray, one: str, many: str) -> str:
    """How many rows are ``wrong [n]``, and what is said of ``one`` of them or of ``many``."""
    count = int(np.sum(wrong))
    return f"{count} {one if count == 1 else many}"


def _shown(value: Any) -> str:
    if pd.isna(value):
        return "missing"
    if isinstance(value, float):
        return f"{value:.15g}"
    return quoted(str(value))
