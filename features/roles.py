"""What a row is in a fold: the numbers in ``roles [t, F]``."""

from __future__ import annotations

# OUTER: a row that an outer fold scores; inside that fold it neither trains, stops nor scores.
TRAIN, STOP, SCORE, OUTER = 0, 1, 2, 3
