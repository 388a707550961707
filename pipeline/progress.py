"""The progress bar of long work: what is done, the best so far, the time left; silent off a terminal."""

from __future__ import annotations

from types import TracebackType

from tqdm import tqdm


class Progress:
    """A bar of ``total`` units; use it as a context manager.

    The bar moves by fractions of a unit while a unit is under way, so that the time left is a steady estimate.
    """

    def __init__(self, total: float, unit: str, label: str) -> None:
        form = "{desc} {percentage:3.0f}%|{bar}| {n:.0f}/{total:.0f} {unit} [{elapsed}<{remaining}{postfix}]"
        self._bar = tqdm(total=total, unit=unit, desc=label, disable=None, bar_format=form, smoothing=0.1)

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()

    def to(self, done: float, **facts: str) -> None:
        """Move the bar to ``done`` units and show ``facts`` behind it."""
        if facts:
            self._bar.set_postfix(facts, refresh=False)
        self._bar.update(max(done - self._bar.n, 0))
