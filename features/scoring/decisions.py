"""Measures of decisions between two classes: accuracy, F1 of class 1, balanced accuracy and Matthews' correlation, and
what each row has of them.

Each is a function of four shares of the rows: of class 1 and decided so (``tp``), of class 0 and decided so (``tn``),
and the two that are decided wrong (``fp``, ``fn``). All but accuracy stay the same where the four grow by one factor.
So such a measure is the mean over rows of ``measure + slope``, with its slope along the share that a row belongs to,
and these values scatter as the measure does (the influence function; Hampel, 1974). Standard errors, intervals and the
choice of a threshold rest on them.
"""

from __future__ import annotations

import numpy as np

# Of the classes and decisions 0 and 1: where ``2 * class + decision`` says a row belongs.
_TN, _FP, _FN, _TP = range(4)


def value(measure: str, target: np.ndarray, decided: np.ndarray) -> np.ndarray:
    """The ``measure`` of ``decided [..., k]`` (class numbers, of two or for accuracy more) for ``target [k]``: an array
    ``[...]``. NaN where all rows are of one class, for all measures but accuracy."""
    if measure == "accuracy":
        return np.asarray((decided == target).mean(axis=-1))
    return _of_shares(measure, _shares(target, decided))[0]


def row_values(measure: str, target: np.ndarray, decided: np.ndarray) -> np.ndarray:
    """One value per row ``[..., k]``, whose mean is ``value`` and which scatter as that does; see the module."""
    if measure == "accuracy":
        return (decided == target).astype(float)
    found, slopes = _of_shares(measure, _shares(target, decided))
    return found[..., None] + np.take_along_axis(slopes, _places(target, decided), axis=-1)


def imagined(measure: str, target: np.ndarray, decided: np.ndarray) -> tuple[float, np.ndarray]:
    """The measure of ``decided [k]`` as it were with a row more of each class that is decided right and one that is
    decided wrong, and what these four rows have of it: so that few rows that are all decided right don't pass for sure
    (Agresti and Coull, 1998; of two samples, Agresti and Caffo, 2000)."""
    classes, decisions = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    more = row_values(measure, np.r_[target, classes], np.r_[decided, decisions])
    return float(more.mean()), more[-4:]


def expected(measure: str, answers: np.ndarray, threshold: float) -> float:
    """The ``measure`` to expect where probabilities ``answers`` (of class 1, of any shape) are true and decided by the
    ``threshold``."""
    above = answers > threshold
    tp, fn = (answers * above).mean(), (answers * ~above).mean()
    tn, fp = (~above).mean() - fn, above.mean() - tp
    return float(tn + tp if measure == "accuracy" else _of_shares(measure, np.array([tn, fp, fn, tp]))[0])


def _places(target: np.ndarray, decided: np.ndarray) -> np.ndarray:
    return 2 * target.astype(int) + decided.astype(int)


def _shares(target: np.ndarray, decided: np.ndarray) -> np.ndarray:
    """Shares of the rows ``[..., 4]``."""
    places = _places(target, decided)
    return np.stack([(places == one).mean(axis=-1) for one in range(4)], axis=-1)


def _of_shares(measure: str, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The measure ``[...]`` of ``shares [..., 4]`` and its slopes along them ``[..., 4]``, which times the shares sum
    to 0."""
    tn, fp, fn, tp = np.moveaxis(shares, -1, 0)
    no, yes = tn + fp, fn + tp
    with np.errstate(divide="ignore", invalid="ignore"):
        if measure == "f1":
            found = 2 * tp / (2 * tp + fp + fn)
            wrong = -found / (2 * tp + fp + fn)
            slopes = [np.zeros_like(tn), wrong, wrong, 2 / (2 * tp + fp + fn) + 2 * wrong]
        elif measure == "balanced_accuracy":
            found = (tp / yes + tn / no) / 2
            slopes = [fp / no**2 / 2, -tn / no**2 / 2, -tp / yes**2 / 2, fn / yes**2 / 2]
        elif measure == "mcc":
            found, slopes = _correlation(tn, fp, fn, tp)
        else:
            raise ValueError(f"no measure {measure!r} of decisions between two classes")
    one_class = (no == 0) | (yes == 0)
    together = np.stack(slopes, axis=-1)
    return np.where(one_class, np.nan, found), np.where(one_class[..., None], np.nan, together)


def _correlation(tn: np.ndarray, fp: np.ndarray, fn: np.ndarray, tp: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Matthews' correlation (1975) and its slopes: 0, without a slope, where all rows are decided alike."""
    no, yes, said_no, said_yes = tn + fp, fn + tp, tn + fn, fp + tp
    root = np.sqrt(no * yes * said_no * said_yes)
    found = np.where(root > 0, (tp * tn - fp * fn) / root, 0.0)
    slopes = [
        tp / root - found / 2 * (1 / no + 1 / said_no),
        -fn / root - found / 2 * (1 / no + 1 / said_yes),
        -fp / root - found / 2 * (1 / yes + 1 / said_no),
        tn / root - found / 2 * (1 / yes + 1 / said_yes),
    ]
    return found, [np.where(root > 0, slope, 0.0) for slope in slopes]
