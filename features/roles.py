"""What a row is in a fold: the numbers in ``roles [t, F]``."""

from __future__ import annotations

# UNUSED: the row has no part in this fold, as one that an outer fold scores has none in the folds inside it.
TRAIN, STOP, SCORE, UNUSED = 0, 1, 2, 3
