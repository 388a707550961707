"""The tasks, and the measures by which each is scored."""

from __future__ import annotations

# Those that every table of a task has.
MEASURES = {
    "binary": ("accuracy", "log_loss", "roc_auc"),
    "multiclass": ("accuracy", "log_loss"),
    "regression": ("rmse", "rmsle", "mae"),
}
TASKS = tuple(MEASURES)
# Measures of those tables alone that a competition scores by one of them: of decisions between classes (F1 between two
# alone), and of errors as shares of the value.
DECISIONS, RELATIVE = ("f1", "macro_f1", "balanced_accuracy", "mcc", "qwk"), ("mape",)
_OTHERS = {"binary": DECISIONS, "multiclass": DECISIONS[1:], "regression": RELATIVE}
# What a competition may score by.
METRICS = {task: names + _OTHERS[task] for task, names in MEASURES.items()}
ALL_METRICS = tuple(dict.fromkeys(metric for metrics in METRICS.values() for metric in metrics))
# Other names of metrics, and metrics by which models rank as by one of these.
ALIASES = {
    "auc": "roc_auc",
    "auroc": "roc_auc",
    "cross_entropy": "log_loss",
    "logloss": "log_loss",
    "f1_macro": "macro_f1",
    "f1_score": "f1",
    "matthews": "mcc",
    "matthews_corrcoef": "mcc",
    "mean_absolute_percentage_error": "mape",
    "quadratic_kappa": "qwk",
    "quadratic_weighted_kappa": "qwk",
}
RANKED_AS = {"gini": "roc_auc", "mse": "rmse", "r2": "rmse"}
# By these a submission holds labels, else probabilities or values.
DECIDED = frozenset({"accuracy", *DECISIONS})
# Those that have no value where all rows are of one class.
OF_BOTH_CLASSES = frozenset({"roc_auc", *DECISIONS})
# Those that lie between -1 and 1, with 0 for what knows nothing.
CORRELATIONS = frozenset({"mcc", "qwk"})
# Those of classes in an order.
OF_RANKS = frozenset({"qwk"})
# Of these measures more is better, of all others less.
RISING = frozenset({"accuracy", "roc_auc", *DECISIONS})
_ACRONYMS = frozenset({"roc", "auc", "f1", "mcc", "qwk", "rmse", "rmsle", "mae", "mape"})
# Those of values, not of classes: errors of any size.
OF_VALUES = frozenset(METRICS["regression"])


def measures(task: str, metric: str) -> tuple[str, ...]:
    """The measures that a table of a ``task`` has whose competition scores by ``metric``."""
    return tuple(dict.fromkeys((*MEASURES[task], metric)))


def called(measure: str) -> str:
    """What people call a measure: ROC AUC, log loss."""
    return " ".join(word.upper() if word in _ACRONYMS else word for word in measure.split("_"))
