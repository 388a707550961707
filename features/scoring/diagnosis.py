"""What learning curves say, in words: underfits, fits, overfits or diverges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# A loss this much above its lowest (of the train rows: above that of the best epoch), as a share of it, has risen.
RISE = 0.03
# A validation loss that fell by more than this share in the last tenth of the epochs is still falling.
FALL = 0.01
# With fewer epochs a curve is a point or a step, and says nothing.
SHORTEST = 3


@dataclass(frozen=True)
class Diagnosis:
    """``verdict``: underfits, fits, overfits, diverges or that it ended too soon; ``reason``: its figures."""

    verdict: str
    reason: str


def diagnose(train: np.ndarray, validation: np.ndarray, watched: str = "validation loss") -> Diagnosis:
    """Read the losses ``[epochs]`` of one training; NaN after an early stop. Epochs count from 1. ``watched``: what the
    second curve is called."""
    train, validation = train[np.isfinite(validation)], validation[np.isfinite(validation)]
    if len(validation) < SHORTEST:
        return Diagnosis("ended too soon to tell", f"it ran for fewer than {SHORTEST} epochs")
    last, best = len(validation) - 1, int(validation.argmin())
    tenth = max(last // 10, 1)
    before = validation[last - tenth]
    lowest, ended = _told(validation[best]), _told(validation[last])
    if validation[last] > validation[best] * (1 + RISE):
        moved = "fell" if train[last] < train[best] else "went"
        # What is learned by heart lowers the train loss; where that rises too, learning itself has gone astray.
        astray = train[last] > train[best] * (1 + RISE)
        return Diagnosis(
            "diverges" if astray else "overfits",
            f"{watched} rose from {lowest} in epoch {best + 1} to {ended} in epoch {last + 1}, while training "
            f"loss {moved} from {_told(train[best])} to {_told(train[last])}",
        )
    if before > validation[last] * (1 + FALL):
        return Diagnosis(
            "underfits",
            f"{watched} was still falling when training ended, from {_told(before)} to {ended} in the last "
            f"{tenth} of {last + 1} epochs",
        )
    since = ", the last" if best == last else " and stayed there"
    return Diagnosis(
        "fits",
        f"{watched} came down to {lowest} in epoch {best + 1}{since} (training loss {_told(train[last])} at the end)",
    )


def _told(loss: float) -> str:
    return f"{loss:.3f}" if loss >= 0.001 else f"{loss:.2g}"
