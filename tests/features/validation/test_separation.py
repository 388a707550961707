"""How well one column alone tells rows apart."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from features.validation.separation import auc, giveaway, separation


def test_auc_agrees_with_scikit_learn() -> None:
    draw = np.random.default_rng(0)
    scores, sides = draw.integers(0, 5, 100), draw.random(100) < 0.3
    assert auc(scores, sides) == pytest.approx(roc_auc_score(sides, scores))
    assert auc(scores, np.zeros(100, bool)) == 0.5


def test_a_column_of_names_tells_nothing_and_a_copy_everything() -> None:
    sides = np.arange(100) % 3 == 0
    assert separation(pd.Series([f"n{i}" for i in range(100)]), sides, False) == pytest.approx(0.5, abs=0.02)
    assert separation(pd.Series(np.where(sides, "yes", "no"), dtype=object), sides, False) == 1.0
    assert separation(pd.Series(np.where(sides, 0.0, 7.0)), sides, True) == 1.0
    assert separation(pd.Series(np.where(sides, np.nan, 7.0)), sides, True) == 1.0
    constant = separation(pd.Series(["k"] * 100, dtype=object), sides, False)
    assert constant == pytest.approx(0.5, abs=0.05)


def test_giveaway_of_classes_and_numbers() -> None:
    classes = pd.Series([str(i % 3) for i in range(150)], dtype=object)
    shuffled = classes.map({"0": 5.0, "1": 9.0, "2": 1.0})
    assert giveaway(shuffled, True, classes) == 1.0
    # One class set apart from two others is what a good feature does, not a copy of the target.
    assert giveaway((classes == "0").astype(float), True, classes) < 0.9
    values = pd.Series(np.arange(150.0))
    assert giveaway(-(values**3), True, values) == pytest.approx(1.0)
    assert giveaway(pd.Series(np.tile([0.0, 1.0], 75)), True, values) < 0.6


def test_giveaway_of_a_number_is_the_share_of_pairs_in_the_target_s_order() -> None:
    """Ties of the column count half, as in an AUC, and a good feature is not a copy of the target."""
    draw = np.random.default_rng(0)
    target = draw.normal(size=300).round(1)
    coarse = pd.Series((target + draw.normal(0, 0.5, 300)).round(0))
    pairs = [(coarse[i] - coarse[j], target[i] - target[j]) for i in range(300) for j in range(i)]
    sides = [np.sign(x) * np.sign(y) for x, y in pairs if y]
    assert giveaway(coarse, True, pd.Series(target)) == pytest.approx(0.5 + np.mean(sides) / 2)
    binary = (target > 0).astype(float)
    assert giveaway(coarse, True, pd.Series(binary)) == pytest.approx(auc(coarse.to_numpy(), binary > 0))
    carat = pd.Series(target + draw.normal(0, 0.2, 300))
    assert np.corrcoef(carat.rank(), pd.Series(target).rank())[0, 1] > 0.97
    assert giveaway(carat, True, pd.Series(target)) < 0.96
    assert giveaway(pd.Series(target + draw.normal(0, 0.03, 300)), True, pd.Series(target)) > 0.98
