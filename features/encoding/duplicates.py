"""Rows that are alike in every column, and whether they flatter a score.

A row whose double a network has learned from is no new row. Where test rows have their doubles in train as often as
train rows have, that is what will happen to them, too, and folds drawn at random say so. Where they have fewer (rows
copied to balance classes, a file appended to itself), doubles have to score together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.contracts.contract import Contract
from features.scoring.metrics import mean_error, share_error

# By how many standard errors test must have fewer doubles, so that a table of few words is not taken for a copied one.
SURE = 3.0


@dataclass(frozen=True)
class Duplicates:
    """``labels [t]``: rows of train that are alike have one; ``asked [n - t]``: those of test; ``train``: share of
    train's rows that another one of them is like; ``test``: share of test's rows that one of train is like; ``error``:
    standard error of the difference."""

    labels: np.ndarray
    asked: np.ndarray
    train: float
    test: float
    error: float

    @property
    def flattering(self) -> bool:
        """Whether test rows surely have fewer doubles in train than train rows have."""
        return self.train - self.test > SURE * self.error


def find(contract: Contract, switches: Mapping[str, bool], train: pd.DataFrame, test: pd.DataFrame) -> Duplicates:
    """Of typed frames. ``switches``: features that are left out (false), by which rows may differ unseen (see
    ``formulas.seen``)."""
    known = labels(contract, switches, pd.concat([train, test], ignore_index=True))
    own, asked = known[: len(train)], known[len(train) :]
    double = (np.bincount(own, minlength=int(known.max(initial=-1)) + 1)[own] > 1).astype(float)
    met = np.isin(asked, own)
    error = np.hypot(mean_error(double, own), share_error(float(met.sum()), len(met)))
    return Duplicates(own, asked, float(double.mean()), float(met.mean()) if len(met) else 0.0, float(error))


def labels(contract: Contract, switches: Mapping[str, bool], frame: pd.DataFrame) -> np.ndarray:
    """A number ``[n]`` that rows of the typed ``frame`` share where they are alike in every feature; missing cells are
    alike. ``switches`` as of ``find``. Without any feature each row is its own."""
    names = [c.name for c in contract.features if switches.get(c.name, True) and c.name in frame.columns]
    if not names:
        return np.arange(len(frame))
    found = np.zeros(len(frame), np.int64)
    for name in names:
        codes = pd.factorize(frame[name])[0] + 1  # 0: missing
        found = pd.factorize(found * (int(codes.max(initial=0)) + 1) + codes)[0].astype(np.int64)
    return found


def together(setting: str, found: Duplicates) -> bool:
    """Whether doubles have to be in one fold, by ``setting`` (auto | together | apart)."""
    return found.train > 0 and (setting == "together" or (setting == "auto" and found.flattering))


def joined(groups: np.ndarray | None, alike: np.ndarray) -> np.ndarray:
    """A number ``[n]`` of the rows that are connected: of one of ``groups [n]``, if there are any, or of one label of
    ``alike [n]``, or by a row that is both."""
    if groups is None:
        return alike
    from scipy.sparse import coo_array  # here, since few tables need it
    from scipy.sparse.csgraph import connected_components

    rows = len(alike)
    owner, label = np.unique(groups, return_inverse=True)[1].reshape(-1), np.unique(alike, return_inverse=True)[1]
    first, size = int(owner.max(initial=-1)) + 1, int(label.max(initial=-1)) + 1
    edges = coo_array((np.ones(rows, np.int8), (owner, first + label)), shape=(first + size, first + size))
    return connected_components(edges, directed=False)[1][owner].astype(np.int64)


def groups_with(groups: np.ndarray | None, alike: np.ndarray, rows: int) -> np.ndarray:
    """Groups ``[n]`` of so many ``rows``, ``groups [n]`` if there are any: of the first ``t`` those of one label of
    ``alike [t]`` are in one, so that none learns from its double's label and a standard error counts them as one."""
    others = np.arange(rows - len(alike)) + int(alike.max(initial=-1)) + 1
    return joined(groups, np.concatenate([alike, others]))


def first_of(alike: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first row of each label of ``alike [n]``, in the order of rows, and for each row ``[n]`` the place of its own
    there: folds are drawn for those rows, and what they get their doubles get, too."""
    _, first, inverse = np.unique(alike, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return first[order], place[inverse.reshape(-1)]


def latest(times: np.ndarray | None, place: np.ndarray) -> np.ndarray | None:
    """When the last of the rows was that are one, for each of the rows of ``first_of``: ``times [n]``, if there are
    any, and ``place [n]`` of there. By that none is learned from before it was: its double may have been long ago."""
    if times is None:
        return None
    found = np.full(int(place.max(initial=-1)) + 1, -np.inf)
    np.maximum.at(found, place, times)
    return found
