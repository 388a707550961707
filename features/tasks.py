"""The tasks, and the measures by which each is scored."""

from __future__ import annotations

MEASURES = {
    "binary": ("accuracy", "log_loss", "roc_auc"),
    "multiclass": ("accuracy", "log_loss"),
    "regression": ("rmse", "rmsle", "mae"),
}
TASKS = tuple(MEASURES)
ALL_MEASURES = tuple(dict.fromkeys(measure for measures in MEASURES.values() for measure in measures))
# Of these measures more is better, of all others less.
RISING = frozenset({"accuracy", "roc_auc"})
# Those of a regression, whose size is that of its target.
SIZED = frozenset(MEASURES["regression"])
