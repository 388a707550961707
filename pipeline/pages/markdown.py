"""What all pages are written with: Markdown's tables and paragraphs, measures with their standard errors."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# A difference of no more standard errors than these is noise.
BEYOND = 2
# Characters of a line of prose.
WIDTH = 120


def joined(*parts: str) -> str:
    """Titles, paragraphs, tables and pictures with a blank line between them, those left out that are empty."""
    return "\n\n".join(part for part in parts if part)


def filled(text: str) -> str:
    """A paragraph in lines of a length that can be read and compared."""
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table, "" where it would have no row. Text that may hold Markdown's own signs goes through ``cell`` first."""
    lines = [f"| {' | '.join(map(str, row))} |" for row in rows]
    return "\n".join([f"| {' | '.join(head)} |", "|---" * len(head) + "|", *lines]) if lines else ""


def cell(text: str) -> str:
    """A text as it may stand in a cell of a table, or in a title."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


def counted(count: int, thing: str) -> str:
    """The number with the thing, in the plural but for one."""
    return f"{count} {thing}{'s' if count != 1 else ''}"


def is_noise(difference: Any, error: Any) -> Any:
    """Whether a difference, or each of several, is no more than its standard error explains."""
    return abs(difference) <= BEYOND * error


def told(measures: Mapping[str, Any], name: str, sign: str = "") -> str:
    """A measure and its standard error; ``sign``: "+" where a plus is to be seen."""
    return f"{measures[name]:{sign}.4f} ± {measures[f'{name}_se']:.4f}"


def gain(measures: Mapping[str, Any], name: str) -> str:
    """The same of a gain, and whether it is noise."""
    return told(measures, name) + (" (within noise)" if is_noise(measures[name], measures[f"{name}_se"]) else "")
