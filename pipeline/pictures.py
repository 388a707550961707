"""How pictures look and become bytes: one style, no window, nothing of the clock or the program in the file."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

# Told apart by colour-blind readers too (Okabe and Ito, 2008).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
DOTS_PER_INCH = 100
# For every text that may hold a name of the user's: two dollar signs in it are no formula. Not the style of all text,
# since logarithmic axes write their powers of ten as formulas.
AS_WRITTEN: dict[str, Any] = {"parse_math": False}


def panels(count: int = 1, columns: int = 3, width: float = 4.6, height: float = 3.4) -> tuple[Figure, list[Axes]]:
    """A figure with ``count`` panels, at most ``columns`` a row; ``width`` and ``height`` of one panel in inches."""
    across = min(count, columns)
    down = -(-count // across)
    figure = Figure(figsize=(width * across, height * down), layout="constrained")
    axes = [figure.add_subplot(down, across, number + 1) for number in range(count)]
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(alpha=0.25)
        axis.set_prop_cycle(color=COLOURS)
    return figure, axes


def label(axis: Axes, title: str, x: str, y: str, legend: bool = False) -> None:
    """Title and names of the axes; a legend where several lines need one."""
    axis.set_title(title, fontsize=10, **AS_WRITTEN)
    axis.set_xlabel(x, fontsize=9, **AS_WRITTEN)
    axis.set_ylabel(y, fontsize=9, **AS_WRITTEN)
    axis.tick_params(labelsize=8)
    if legend:
        axis.legend(fontsize=8, frameon=False)


def confusion(axis: Axes, counts: np.ndarray, names: Sequence[str]) -> None:
    """How many rows of each class were decided as which: ``counts [c, c]``, one row per true class."""
    axis.imshow(counts, cmap="Blues")
    axis.grid(visible=False)
    for row, column in np.ndindex(counts.shape):
        shade = "white" if counts[row, column] > counts.max() / 2 else "black"
        axis.text(column, row, str(counts[row, column]), ha="center", va="center", color=shade, fontsize=8)
    axis.set_xticks(range(len(names)), names, **AS_WRITTEN)
    axis.set_yticks(range(len(names)), names, **AS_WRITTEN)


def png(figure: Figure) -> bytes:
    """The picture's bytes, the same each time on one machine."""
    content = io.BytesIO()
    figure.set_dpi(DOTS_PER_INCH)
    FigureCanvasAgg(figure).print_png(content, metadata={"Software": None})
    return content.getvalue()
