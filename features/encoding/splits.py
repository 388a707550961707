"""Rows divided as scikit-learn does it (a test compares the two), by the same draws: to load it takes half of the stage
``encode`` on a small table. Where groups keep rows together it is loaded after all."""

from __future__ import annotations

import warnings

import numpy as np


def parts_of(rows: int, parts: int, seed: int) -> np.ndarray:
    """The part ``[rows]`` of each row, parts as equal as can be: scikit-learn's ``KFold``, shuffled."""
    order, found = np.arange(rows), np.empty(rows, int)
    np.random.RandomState(seed).shuffle(order)
    found[order] = np.repeat(np.arange(parts), [rows // parts + (part < rows % parts) for part in range(parts)])
    return found


def parts_alike(target: np.ndarray, parts: int, seed: int) -> np.ndarray:
    """The part ``[t]`` of each row, in which classes ``target [t]`` keep their shares: its ``StratifiedKFold``."""
    codes, random = _by_appearance(target), np.random.RandomState(seed)
    # Classes one after another are dealt out to the parts in turn: so many of each come into each part.
    dealt = np.arange(len(codes)) % parts
    counts = [np.bincount(dealt[np.sort(codes) == code], minlength=parts) for code in range(codes.max() + 1)]
    found = np.empty(len(codes), int)
    for code, count in enumerate(counts):
        own = np.repeat(np.arange(parts), count)
        random.shuffle(own)
        found[codes == code] = own
    return found


def parts_of_groups(target: np.ndarray, groups: np.ndarray, parts: int, seed: int) -> np.ndarray:
    """The part ``[t]`` of each row, that of all rows of its group ``groups [t]``; classes ``target [t]`` keep their
    shares as far as groups allow (its ``StratifiedGroupKFold``). A part may be left without rows."""
    from sklearn.model_selection import StratifiedGroupKFold

    found = np.empty(len(target), int)
    splitter = StratifiedGroupKFold(parts, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # Then some parts have none of it, as they must.
        warnings.filterwarnings("ignore", "The least populated class")
        for part, (_, rows) in enumerate(splitter.split(target, target, groups)):
            found[rows] = part
    return found


def drawn(rows: int, size: int, seed: int) -> np.ndarray:
    """``size`` of the ``rows``: the test rows of its ``train_test_split``."""
    return np.random.RandomState(seed).permutation(rows)[:size]


def drawn_alike(target: np.ndarray, size: int, seed: int) -> np.ndarray:
    """``size`` rows among which the classes ``target [t]`` have their shares: the same, ``stratify``. Each class has
    two rows or more, and ``size`` is no less than the classes are."""
    _, codes, counts = np.unique(target, return_inverse=True, return_counts=True)
    random = np.random.RandomState(seed)
    left = _shares(counts, len(target) - size, random)
    taken = _shares(counts - left, size, random)
    found = []
    for code, (start, count) in enumerate(zip(left, taken, strict=True)):
        found.append(np.flatnonzero(codes == code)[random.permutation(counts[code])[start : start + count]])
    random.permutation(len(target) - size)  # of the other rows
    return random.permutation(np.concatenate(found))


def _by_appearance(target: np.ndarray) -> np.ndarray:
    """The number ``[t]`` of each row's class, in the order in which classes come."""
    _, first, codes = np.unique(target, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[codes]


def _shares(counts: np.ndarray, size: int, random: np.random.RandomState) -> np.ndarray:
    """How many of classes with ``counts [c]`` are among ``size`` rows: as many as their share, what is left over by the
    largest remainders, those that are equal by lot."""
    exact = counts / counts.sum() * size
    shares = np.floor(exact)
    remainder, missing = exact - shares, int(size - shares.sum())
    for value in np.unique(remainder)[::-1]:
        if not missing:
            break
        level = np.flatnonzero(remainder == value)
        raised = random.choice(level, size=min(len(level), missing), replace=False)
        shares[raised] += 1
        missing -= len(raised)
    return shares.astype(int)
