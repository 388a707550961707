"""Measures of decisions between classes: accuracy, F1, its mean over classes, balanced accuracy, Matthews' correlation
and the quadratic weighted kappa, and what each row has of them.

Each is a function of shares of the rows ``[c, c]``, by class and decision. All but accuracy stay the same where these
grow by one factor. So such a measure is the mean over rows of ``measure + slope``, with its slope along the share that
a row belongs to, and these values scatter as the measure does (the influence function; Hampel, 1974). Standard errors,
intervals and the rule of a decision rest on them.
"""

from __future__ import annotations

import numpy as np


def value(measure: str, target: np.ndarray, decided: np.ndarray) -> np.ndarray:
    """The ``measure`` of ``decided [..., k]`` (class numbers) for ``target [k]``: an array ``[...]``. NaN where all
    rows are of one class, for all measures but accuracy."""
    if measure == "accuracy":
        return np.asarray((decided == target).mean(axis=-1))
    return of_shares(measure, _shares(target, decided))[0]


def row_values(measure: str, target: np.ndarray, decided: np.ndarray) -> np.ndarray:
    """One value per row ``[..., k]``, whose mean is ``value`` and which scatter as that does; see the module."""
    if measure == "accuracy":
        return (decided == target).astype(float)
    places, classes = _places(target, decided)
    found, slopes = of_shares(measure, _of_places(places, classes))
    values = (found[..., None, None] + slopes).reshape(*found.shape, -1)
    return np.take_along_axis(values, places, axis=-1)


def imagined(measure: str, target: np.ndarray, decided: np.ndarray) -> tuple[float, np.ndarray]:
    """The measure of ``decided [k]`` as it were with a row more of each of ``c`` classes that is decided right and one
    that is decided wrong (of several classes as each other one in equal parts), and what these ``2 c`` rows have of it:
    so that few rows that are all decided right don't pass for sure (Agresti and Coull, 1998; of two samples, Agresti
    and Caffo, 2000)."""
    counts = len(target) * _shares(target, decided)
    right = np.eye(len(counts))
    wrong = (1 - right) / (len(counts) - 1)
    found, slopes = of_shares(measure, (counts + right + wrong) / (len(target) + 2 * len(counts)))
    of_rows = np.stack([(slopes * kind).sum(axis=1) for kind in (right, wrong)], axis=1)
    return float(found), float(found) + of_rows.ravel()


def expected(measure: str, answers: np.ndarray, decided: np.ndarray) -> float:
    """The ``measure`` to expect of ``decided [k]`` where the probabilities ``answers [k, c]`` are true."""
    shares = expected_shares(answers, decided)
    return float(np.trace(shares) if measure == "accuracy" else of_shares(measure, shares)[0])


def expected_shares(answers: np.ndarray, decided: np.ndarray) -> np.ndarray:
    """The shares ``[c, c]`` to expect of ``decided [k]`` where the probabilities ``answers [k, c]`` are true (of one
    column: those of class 1)."""
    chances = np.concatenate([1 - answers, answers], axis=1) if answers.shape[1] == 1 else answers
    classes = chances.shape[1]
    return np.stack([np.bincount(decided, chances[:, one], classes) for one in range(classes)]) / len(decided)


def _shares(target: np.ndarray, decided: np.ndarray) -> np.ndarray:
    """Shares of the rows ``[..., c, c]``, of as many classes as there are."""
    return _of_places(*_places(target, decided))


def _places(target: np.ndarray, decided: np.ndarray) -> tuple[np.ndarray, int]:
    """Where each row stands in the table of classes by decisions, read row by row, ``[..., k]``, and how many classes
    there are."""
    classes = max(int(target.max()), int(decided.max()), 1) + 1
    return classes * target.astype(int) + decided, classes


def _of_places(places: np.ndarray, classes: int) -> np.ndarray:
    counts = [np.bincount(each, minlength=classes**2) for each in places.reshape(-1, places.shape[-1])]
    return np.reshape(np.stack(counts) / places.shape[-1], (*places.shape[:-1], classes, classes))


def of_shares(measure: str, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The measure ``[...]`` of ``shares [..., c, c]``, which sum to 1, and its slopes along them ``[..., c, c]``, which
    times the shares sum to 0. NaN where all rows are of one class."""
    of_classes, of_decisions = shares.sum(axis=-1), shares.sum(axis=-2)
    with np.errstate(divide="ignore", invalid="ignore"):
        found, slopes = _MEASURES[measure](shares, of_classes, of_decisions)
    one_class = (of_classes > 0).sum(axis=-1) < 2
    return np.where(one_class, np.nan, found), np.where(one_class[..., None, None], np.nan, slopes)


def _f1(shares: np.ndarray, of_classes: np.ndarray, of_decisions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """F1 of class 1, of two."""
    both = (of_classes + of_decisions)[..., 1]
    found = 2 * shares[..., 1, 1] / both
    counted = np.array([[0.0, 1.0], [1.0, 2.0]])  # how often a row is in the denominator
    hits = np.array([[0.0, 0.0], [0.0, 2.0]])
    return found, (hits - found[..., None, None] * counted) / both[..., None, None]


def _macro_f1(shares: np.ndarray, of_classes: np.ndarray, of_decisions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean of the F1 of each class that a row is of or is decided as."""
    both = of_classes + of_decisions
    there = both > 0
    each = np.where(there, 2 * _diagonal(shares) / both, 0.0)
    lost = np.where(there, each / both, 0.0)
    hits = 2 * np.eye(shares.shape[-1]) / np.where(there, both, 1.0)[..., None]
    number = there.sum(axis=-1)
    slopes = (hits - lost[..., :, None] - lost[..., None, :]) / number[..., None, None]
    return each.sum(axis=-1) / number, slopes


def _balanced_accuracy(
    shares: np.ndarray, of_classes: np.ndarray, of_decisions: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The mean of the shares of each class's rows that are decided right."""
    rows = np.where(of_classes > 0, of_classes, np.inf)
    each, number = _diagonal(shares) / rows, (of_classes > 0).sum(axis=-1)
    slopes = (np.eye(shares.shape[-1]) - each[..., None]) / rows[..., None]
    return each.sum(axis=-1) / number, slopes / number[..., None, None]


def _mcc(shares: np.ndarray, of_classes: np.ndarray, of_decisions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Matthews' correlation (1975), of several classes as by Gorodkin (2004): 0, without a slope, where all rows are
    decided alike."""
    right = _diagonal(shares).sum(axis=-1)
    of_both = [1 - (part**2).sum(axis=-1) for part in (of_classes, of_decisions)]
    root = np.sqrt(of_both[0] * of_both[1])
    found = np.where(root > 0, (right - (of_classes * of_decisions).sum(axis=-1)) / root, 0.0)
    slopes = np.eye(shares.shape[-1]) + right[..., None, None]
    slopes = (slopes - of_decisions[..., :, None] - of_classes[..., None, :]) / root[..., None, None]
    scales = [(1 - part) / own[..., None] for part, own in zip((of_classes, of_decisions), of_both, strict=True)]
    slopes = slopes - found[..., None, None] * (scales[0][..., :, None] + scales[1][..., None, :])
    return found, np.where(root[..., None, None] > 0, slopes, 0.0)


def _qwk(shares: np.ndarray, of_classes: np.ndarray, of_decisions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cohen's kappa (1968) with the squared distance of the classes' numbers."""
    numbers = np.arange(shares.shape[-1])
    apart = np.subtract.outer(numbers, numbers).astype(float) ** 2
    of_decided, of_class = of_decisions @ apart, of_classes @ apart
    came = (apart * shares).sum(axis=(-2, -1))
    due = (of_class * of_decisions).sum(axis=-1)
    slopes = (came / due)[..., None, None] * (of_decided[..., :, None] + of_class[..., None, :])
    return 1 - came / due, (slopes - apart - came[..., None, None]) / due[..., None, None]


def _diagonal(shares: np.ndarray) -> np.ndarray:
    return np.diagonal(shares, axis1=-2, axis2=-1)


_MEASURES = {
    "f1": _f1,
    "macro_f1": _macro_f1,
    "balanced_accuracy": _balanced_accuracy,
    "mcc": _mcc,
    "qwk": _qwk,
}
