"""How pictures look and become bytes: one style, no window, nothing of the clock or the program in the file."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, findSystemFonts, fontManager
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator

from features.errors import listed

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
        axis.set_axisbelow(True)  # else it runs across bars
        axis.set_prop_cycle(color=COLOURS)
    return figure, axes


def label(axis: Axes, title: str, x: str, y: str, legend: bool = False) -> None:
    """Title and names of the axes; a legend where several lines need one. A curve of one point, which a line would not
    show, gets a mark."""
    for line in axis.lines:
        if np.size(line.get_xdata()) == 1 and line.get_marker() == "None":
            line.set_marker("o")
    axis.set_title(title, fontsize=10, **AS_WRITTEN)
    axis.set_xlabel(x, fontsize=9, **AS_WRITTEN)
    axis.set_ylabel(y, fontsize=9, **AS_WRITTEN)
    axis.tick_params(labelsize=8)
    if legend:
        axis.legend(fontsize=8, frameon=False)


def count_along(axis: Axes) -> None:
    """Whole numbers below the axis, also where there is only one."""
    axis.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


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
    """The picture's bytes, the same each time on one machine. Letters that no font here has become boxes, which a note
    says once."""
    lacking = _find_fonts(figure)
    if lacking:
        letters = listed(lacking, 8)
        print(f"note: no font here has the letters {letters}, so the picture shows boxes; install one that has them")
    content = io.BytesIO()
    figure.set_dpi(DOTS_PER_INCH)
    with warnings.catch_warnings():
        # The note has said it, in letters.
        warnings.filterwarnings("ignore", r"Glyph \d+")
        FigureCanvasAgg(figure).print_png(content, metadata={"Software": None})
    return content.getvalue()


def _find_fonts(figure: Figure) -> list[str]:
    """Give the texts of the figure further fonts of this machine, for letters that their own lacks; returns the letters
    that none has."""
    texts = figure.findobj(Text)
    written = {letter for text in texts for letter in text.get_text() if not letter.isascii() and letter.isprintable()}
    lacking = written - _letters(findfont(FontProperties()), written)
    have: dict[str, set[str]] = {}
    if lacking:
        _read_new_fonts()
        for font in sorted(fontManager.ttflist, key=lambda font: (font.name, font.fname)):
            # Matplotlib's own font of last resort has a box for everything.
            if (font.style, font.weight) == ("normal", 400) and not font.name.startswith("Last Resort"):
                have.setdefault(font.name, _letters(font.fname, lacking))
    families = []
    while lacking and (best := max(have, key=lambda name: len(have[name] & lacking))) and have[best] & lacking:
        families.append(best)
        lacking -= have[best]
    for text in texts if families else ():
        text.set_fontfamily([*text.get_fontfamily(), *families])
    return sorted(lacking)


def _read_new_fonts() -> None:
    """Matplotlib keeps a list of the fonts it once found, without one that was installed since, as the note asks."""
    known = {font.fname for font in fontManager.ttflist}
    for file in sorted({*findSystemFonts()} - known):
        with suppress(OSError, RuntimeError, ValueError):  # no font, damaged, or of bitmaps alone
            fontManager.addfont(file)


def _letters(font: str, wanted: set[str]) -> set[str]:
    """Those of the ``wanted`` that the font file has."""
    if not wanted:
        return set()
    try:
        opened = FT2Font(font)
    except (OSError, RuntimeError):  # removed since Matplotlib listed the fonts, or damaged
        return set()
    return {letter for letter in wanted if opened.get_char_index(ord(letter))}
