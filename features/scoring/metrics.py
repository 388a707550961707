"""What an answer is worth: the measures of each task, on arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from features import tasks
from features.scoring import decisions

if TYPE_CHECKING:
    import pandas as pd

# Probabilities nearer to 0 or 1 than this count as if they were so far away, so that one confident mistake has
# a finite loss.
CLIP = 1e-7
# Parts of the rows, by prediction, that calibration is judged in.
BINS = 10


def decide(answer: np.ndarray, threshold: float = 0.5) -> np.ndarray:
    """The class number of each row ``[...]`` from probabilities: of ``[..., 1]``, that of class 1, by the
    ``threshold``; of ``[..., c]`` the likeliest."""
    return (answer[..., 0] > threshold).astype(int) if answer.shape[-1] == 1 else answer.argmax(axis=-1)


def row_log_loss(target: np.ndarray, answer: np.ndarray) -> np.ndarray:
    """``-ln`` of the probability given to each row's true class, ``[..., t]`` for ``answer [..., t, c]``, in nats."""
    if answer.shape[-1] == 1:
        chosen = np.where(target == 1, answer[..., 0], 1 - answer[..., 0])
    else:
        chosen = answer[..., np.arange(len(target)), target.astype(int)]
    return -np.log(np.clip(chosen.astype(float), CLIP, 1 - CLIP))


def roc_auc(target: np.ndarray, answer: np.ndarray) -> float:
    """Area under the ROC curve of ``answer [t, 1]``; NaN where there is one class only."""
    if len(np.unique(target)) < 2:
        return float("nan")
    false, true = roc_curve(target, answer)
    return float(np.trapezoid(true, false))


def roc_curve(target: np.ndarray, answer: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """False and true positive rates, from 0 to 1, where every answer of at least some value counts as positive: the
    corners of the curve of ``answer [t, 1]``, by falling value. ``target`` has both classes."""
    order = np.argsort(-answer[:, 0], kind="stable")
    last = np.append(np.flatnonzero(np.diff(answer[order, 0])), len(order) - 1)  # of the rows of each value
    true = np.cumsum(target[order] == 1)[last]
    false = 1 + last - true
    corner = (np.diff(false, 2) != 0) | (np.diff(true, 2) != 0)  # between two others on one line is none
    kept = np.concatenate([[True], corner, [True]]) if len(last) > 2 else np.ones(len(last), bool)
    rates = (np.concatenate([[0], counts[kept]]) / counts[-1] for counts in (false, true))
    return next(rates), next(rates)


def squared_error(target: np.ndarray, answer: np.ndarray, logarithmic: bool = False) -> np.ndarray:
    """Squared error of each row, ``[..., t]`` for ``answer [..., t, 1]``; ``logarithmic``: of ``ln(1 + x)``, negative
    predictions counting as 0."""
    prediction = answer[..., 0].astype(float)
    if logarithmic:
        return (np.log1p(np.maximum(prediction, 0)) - np.log1p(target.astype(float))) ** 2
    return (prediction - target) ** 2


def percentage_error(target: np.ndarray, answer: np.ndarray) -> np.ndarray:
    """Absolute error of each row as a share of its value, ``[..., t]`` for ``answer [..., t, 1]``; none is 0."""
    return np.abs(answer[..., 0] - target) / np.abs(target)


def best_constant(measure: str, target: np.ndarray) -> float:
    """The one answer to all of ``target [t]`` with the least error by a ``measure`` of a regression: mean, mean of
    logarithms, or median (for MAPE each value with the weight of its inverse)."""
    if measure == "mae":
        return float(np.median(target))
    if measure == "mape":
        values = np.sort(target)
        weights = np.cumsum(1 / np.abs(values))
        return float(values[np.searchsorted(weights, weights[-1] / 2)])
    if measure == "rmsle":
        return float(np.expm1(np.log1p(target.astype(float)).mean()))
    return float(target.mean())


def row_loss(metric: str, target: np.ndarray, answer: np.ndarray) -> np.ndarray:
    """What members are weighed by, ``[..., t]`` for ``answer [..., t, c]``: the error that ``metric`` averages, and log
    loss where that is a step or a rank (of decisions, ROC AUC)."""
    if metric == "mae":
        return np.abs(answer[..., 0] - target)
    if metric == "mape":
        return percentage_error(target, answer)
    if metric in ("rmse", "rmsle"):
        return squared_error(target, answer, logarithmic=metric == "rmsle")
    return row_log_loss(target, answer)


def names(task: str, metric: str, target: np.ndarray) -> list[str]:
    """The measures that a ``target [t]`` has, see ``tasks.measures``: of a regression, RMSLE only where none is below
    0, MAPE where none is 0."""
    lacks = {"rmsle": target.min() < 0, "mape": not target.all()}
    return [name for name in tasks.measures(task, metric) if not lacks.get(name)]


def measures(
    task: str, metric: str, target: np.ndarray, answer: np.ndarray, decided: np.ndarray | None = None
) -> dict[str, float]:
    """All measures of a task by name, for ``target [t]`` (codes of classes, or values) and ``answer [t, c]``
    (probabilities, or values), of classes as they are ``decided [t]`` (None: by ``decide``).

    Classes: ``accuracy``, ``log_loss``, of two classes ``roc_auc`` and, where that is the ``metric``, a measure of
    decisions. Regression: ``rmse``, ``mae``, where no target is below 0 ``rmsle``, and where that is the
    ``metric`` and no target is 0, ``mape``.
    """
    if task == "regression":
        found = {
            "rmse": float(np.sqrt(squared_error(target, answer).mean())),
            "mae": float(np.abs(answer[:, 0] - target).mean()),
        }
        if "rmsle" in names(task, metric, target):
            found["rmsle"] = float(np.sqrt(squared_error(target, answer, logarithmic=True).mean()))
        if "mape" in names(task, metric, target):
            found["mape"] = float(percentage_error(target, answer).mean())
        return found
    decided = decide(answer) if decided is None else decided
    found = {
        "accuracy": float(decisions.value("accuracy", target, decided)),
        "log_loss": float(row_log_loss(target, answer).mean()),
    }
    if task == "binary":
        found["roc_auc"] = roc_auc(target, answer)
    if metric in tasks.DECISIONS:
        found[metric] = float(decisions.value(metric, target, decided))
    return found


def rounded(task: str, value: float) -> float:
    """As reports keep it: six decimals, of a regression's floats seven digits, for its units may be small or large."""
    return float(f"{value:.7g}") if task == "regression" and isinstance(value, float) else round(value, 6)


def rounded_table(task: str, frame: pd.DataFrame) -> pd.DataFrame:
    """The floats of a table as ``rounded`` has them."""
    if task != "regression":
        return frame.round(6)
    return frame.map(lambda value: rounded(task, value) if isinstance(value, float) else value)


def share_error(successes: float, rows: float) -> float:
    """The standard error of a share, by Agresti and Coull (1998): two rows of each outcome more, so that a share of 0
    or 1 in few rows is no certain one."""
    share = (successes + 2) / (rows + 4)
    return float(np.sqrt(share * (1 - share) / (rows + 4)))


def mean_error(values: np.ndarray, together: np.ndarray | None = None) -> float:
    """The standard error of the mean of ``values [n]``; NaN for one value, which says nothing of it. Rows of one group
    of ``together [n]`` depend on one another, so their deviations are summed first (Liang and Zeger, 1986); where each
    is of a group of its own, that is the same."""
    if together is not None:
        members = np.unique(together, return_inverse=True)[1]
        sums = np.bincount(members, values - values.mean())
        count = len(sums)
        spread = float((sums**2).sum()) * count / (count - 1) if count > 1 else float("nan")
        return float(np.sqrt(spread)) / len(values)
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")


def calibration_bins(task: str, target: np.ndarray, answer: np.ndarray) -> list[tuple[float, float, int, float]]:
    """``BINS`` equal parts of the rows by prediction: mean prediction, mean of what came, rows, standard error of what
    came (of a share by ``share_error``). ``answer [t, 1]``: a probability of class 1, or a number; ``[t, c]``: the
    probability of the class predicted against how often it was right.

    Rows of one prediction are dealt out at random: in their own order a table sorted by its target would put those of
    one class into a part of their own.
    """
    predicted, came = answer[:, 0], target.astype(float)
    if answer.shape[1] > 1:
        predicted, came = answer.max(axis=1), (answer.argmax(axis=1) == target).astype(float)
    order = np.lexsort((np.random.default_rng(0).permutation(len(predicted)), predicted))
    parts = [part for part in np.array_split(order, BINS) if len(part)]
    return [
        (
            float(predicted[part].mean()),
            float(came[part].mean()),
            len(part),
            mean_error(came[part]) if task == "regression" else share_error(float(came[part].sum()), len(part)),
        )
        for part in parts
    ]


def calibration_error(target: np.ndarray, answer: np.ndarray) -> float:
    """Expected calibration error (Guo et al., 2017) in parts of equal size: how far mean prediction and what came lie
    apart in a part, averaged over rows. Even perfect probabilities have some, about ``0.8 sqrt(p (1 - p) BINS / t)``,
    since what comes scatters.
    """
    bins = calibration_bins("binary" if answer.shape[1] == 1 else "multiclass", target, answer)
    return sum(count * abs(predicted - came) for predicted, came, count, _ in bins) / len(target)
