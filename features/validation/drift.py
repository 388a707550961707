"""Whether test rows come from where train rows come from: adversarial validation, all columns together.

``checks.drift`` looks at one column at a time; rows may also differ by columns that do not when alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from features.contracts.contract import Column, Contract
from features.contracts.words import together
from features.encoding import duplicates
from features.encoding.columns import telling
from features.validation.separation import auc

if TYPE_CHECKING:
    from sklearn.ensemble import RandomForestClassifier

# Rows of either table that the classifier sees at most, and at least; folds of its cross-validation.
MOST, LEAST, FOLDS = 5_000, 50, 5
# Numbers that the permuted copies of a table hold at a time, which bounds their memory.
AT_ONCE = 1 << 23
# Words beyond the most frequent so many share a code.
LEVELS = 50
# Rows of either table whose nearest rows of train are looked for, at most, and how many of these; an AUC that is no
# further above 1/2 than that, or than so many standard errors of unrelated rows, is no sign of rows that cluster. (Rows
# are neighbours of one another, so it scatters by more than such an error.)
ASKED, NEIGHBOURS, CLOSE, SURE = 500, 20, 0.08, 5.0
# An AUC below this is no drift worth a word, however sure it is; so is a fall of the AUC below the other.
NOTABLE, FALL = 0.55, 0.005


@dataclass(frozen=True)
class Drift:
    """``auc`` of a classifier that tells test from train rows, cross-validated, and its standard error, that of an
    estimate out of fold (``features/scoring/estimation.py``: it adds the scatter of what is learned); ``columns``: how
    far the AUC falls where a column is permuted, largest first, each with a standard error over folds."""

    auc: float
    error: float
    columns: list[tuple[str, float, float]]

    @property
    def sure(self) -> bool:
        """Whether the rows differ at all beyond what chance does."""
        return self.auc - 2 * self.error > 0.5

    @property
    def found(self) -> bool:
        """Whether the rows differ, surely and by more than a trifle."""
        return self.sure and self.auc > NOTABLE

    @property
    def carriers(self) -> list[tuple[str, float]]:
        """The columns that surely carry the drift, at most three."""
        sure = [(name, fall) for name, fall, error in self.columns if fall > max(FALL, 2 * error)]
        return sure[:3] if self.found else []

    def sentence(self) -> str:
        """What a person should know."""
        told = (
            f"AUC {self.auc:.3f} ± {self.error:.3f} of a classifier trained to separate them; 0.5 means no difference"
        )
        if not self.sure:
            return f"No difference between train and test rows was found ({told})."
        if not self.found:
            return f"Train and test rows can hardly be told apart ({told})."
        by = ", ".join(f"{name} ({fall:.3f} of it)" for name, fall in self.carriers) or "no single column"
        return f"Train and test rows differ ({told}), by {by}: the test score may fall short of the estimate."

    def to_mapping(self) -> dict[str, Any]:
        """For the report, in plain numbers."""
        names = ("column", "auc_fall", "auc_fall_se")
        columns = [dict(zip(names, (name, round(fall, 4), round(e, 4)), strict=True)) for name, fall, e in self.columns]
        return {
            "auc": round(self.auc, 4),
            "auc_se": round(self.error, 4),
            "columns": columns,
            "sentence": self.sentence(),
        }


def adversarial(
    contract: Contract,
    train: pd.DataFrame,
    test: pd.DataFrame,
    states: Mapping[str, Mapping[str, Any]],
    seed: int,
    copied: bool = False,
) -> Drift | None:
    """Of typed frames; None where either has too few rows, or groups of them, to tell. A random forest on all features
    but texts, whose words belong to one side by nature; by the ``states`` of ``checks.read_states`` a date is its days
    there, a code its parts. Of large tables a sample. Rows that the contract's role ``group`` keeps together are in one
    fold of the cross-validation, or the classifier would know test rows by others of their group; so are rows that are
    alike where one table has them ``copied``, by which it would know rows of that table."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    from features.scoring.estimation import design_effect, excess, placements, scatter

    judged = [c for c in contract.features if c.type != "text" and c.name in train.columns and c.name in test.columns]
    if min(len(train), len(test)) < LEAST or not judged:
        return None
    names = [column.name for column in judged]
    generator = np.random.default_rng(seed)
    parts = [f.iloc[np.sort(generator.permutation(len(f))[:MOST])] for f in (train, test)]
    side = np.repeat([0, 1], [len(part) for part in parts])
    frame = pd.concat(parts, ignore_index=True)
    inputs, owner = coded(frame[names], judged, states)
    splitter: StratifiedKFold | StratifiedGroupKFold = StratifiedKFold(FOLDS, shuffle=True, random_state=seed % 2**32)
    groups = None if contract.grouping is None else together(frame[contract.grouping])
    if copied:
        groups = duplicates.joined(groups, duplicates.labels(contract, {}, frame))
    if groups is not None:
        splitter = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed % 2**32)
    areas, values, part = [], np.empty(len(side)), np.empty(len(side), int)
    falls = np.zeros((FOLDS, len(names)))
    splits = list(splitter.split(inputs, side, groups))
    if any(len(np.unique(side[held])) < 2 for _, held in splits):
        return None  # groups of any size may leave a fold without rows of one table
    for fold, (rows, held) in enumerate(splits):
        forest = RandomForestClassifier(60, min_samples_leaf=20, random_state=seed % 2**32).fit(
            inputs[rows], side[rows]
        )
        said = forest.predict_proba(inputs[held])[:, 1]
        areas.append(auc(said, side[held] == 1))
        values[held], part[held] = placements(side[held], said), fold
        falls[fold] = areas[-1] - _areas_permuted(forest, inputs[held], owner, side[held], generator)
    mean, error = falls.mean(axis=0), falls.std(axis=0, ddof=1) * np.sqrt(scatter(FOLDS, FOLDS))
    order = np.argsort(-mean, kind="stable")
    columns = [(names[c], float(mean[c]), float(error[c])) for c in order]
    likeness = design_effect(values, groups)
    variance = values.var(ddof=1) * likeness * scatter(len(values), FOLDS) + excess(values, part, likeness)
    return Drift(float(np.mean(areas)), float(np.sqrt(variance)), columns)


def clustered(
    contract: Contract,
    train: pd.DataFrame,
    test: pd.DataFrame,
    states: Mapping[str, Mapping[str, Any]],
    drifting: Collection[str],
    seed: int,
) -> float | None:
    """How much closer to the nearest other row of train a row of train is than one of test: an AUC of their distance,
    in units of that to the 20th nearest, which tells of copies that were changed a little and of several rows of one
    thing. None where it is not surely above 1/2, or there are too few rows.

    Of typed frames, by the ranks of all features but texts and those ``drifting``, by which test rows lie away for
    another reason; ``states`` as of ``adversarial``."""
    from sklearn.neighbors import NearestNeighbors

    judged = [c for c in contract.features if c.type != "text" and c.name not in drifting]
    if min(len(train), len(test)) < LEAST or not judged:
        return None
    names = [column.name for column in judged]
    values, _ = coded(pd.concat([train[names], test[names]], ignore_index=True), judged, states)
    # A gap is a value of its own, below all others.
    ranks = pd.DataFrame(values).rank(pct=True).fillna(-0.5).to_numpy(np.float32)
    generator = np.random.default_rng(seed)
    asked = [generator.permutation(len(frame))[:ASKED] for frame in (train, test)]
    known = NearestNeighbors(n_neighbors=NEIGHBOURS + 1).fit(ranks[: len(train)])
    # The nearest row of train to one of its rows is that row.
    own = known.kneighbors(ranks[asked[0]])[0][:, 1:]
    others = known.kneighbors(ranks[len(train) + asked[1]])[0][:, :NEIGHBOURS]
    away = np.concatenate([own, others])
    share = away[:, 0] / np.where(away[:, -1] > 0, away[:, -1], 1)
    area = auc(share, np.repeat([False, True], [len(own), len(others)]))
    error = np.sqrt((len(away) + 1) / (12 * len(own) * len(others)))
    return area if area - 0.5 > max(CLOSE, SURE * error) else None


def _areas_permuted(
    forest: RandomForestClassifier,
    rows: np.ndarray,
    owner: np.ndarray,
    side: np.ndarray,
    generator: np.random.Generator,
) -> np.ndarray:
    """The AUC ``[c]`` of ``forest`` on ``rows [n, d]`` where each column in its turn is permuted, the parts ``owner
    [d]`` gives it together.

    Many copies are one call: a forest takes far longer to begin than to answer a few rows."""
    count, width = rows.shape
    areas: list[float] = []
    at_once, wanted = max(AT_ONCE // rows.size, 1), int(owner.max()) + 1
    for columns in (range(start, min(start + at_once, wanted)) for start in range(0, wanted, at_once)):
        moved = np.repeat(rows[None], len(columns), axis=0)
        for copy, column in zip(moved, columns, strict=True):
            copy[:, owner == column] = generator.permutation(copy[:, owner == column])
        said = forest.predict_proba(moved.reshape(-1, width))[:, 1].reshape(-1, count)
        areas += [auc(one, side == 1) for one in said]
    return np.array(areas)


def coded(
    frame: pd.DataFrame, columns: Sequence[Column], states: Mapping[str, Mapping[str, Any]]
) -> tuple[np.ndarray, np.ndarray]:
    """What may tell rows apart by ``columns``, as numbers ``[n, d]``, NaN where missing, words by how frequent they
    are, the rare together; and the place ``[d]`` of the column that each is of."""
    inputs, owner = [], []
    for place, column in enumerate(columns):
        for cells, number in telling(column, frame[column.name], states.get(column.name)):
            inputs.append(_numbers(cells) if number else _frequencies(cells))
            owner.append(place)
    return np.column_stack(inputs), np.array(owner)


def _numbers(cells: pd.Series) -> np.ndarray:
    values = cells.to_numpy(float)
    return np.where(np.isfinite(values), values, np.nan)


def _frequencies(cells: pd.Series) -> np.ndarray:
    words = cells.astype(str).where(cells.notna())
    counts = words.value_counts()
    order = counts.sort_index().sort_values(ascending=False, kind="stable").index
    return np.minimum(words.map({word: rank for rank, word in enumerate(order)}).to_numpy(float), LEVELS)
