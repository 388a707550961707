"""Pooling and ranks against calculations by hand."""

from __future__ import annotations

import numpy as np
import pytest

from features.errors import UserError
from features.scoring import combination

NAN = np.nan
# Two folds of one repeat, three rows: fold 0 scores rows 0 and 1, fold 1 scores row 2. Two members a fold.
OUT_OF_FOLD = np.array([[0.2, 0.4, NAN], [0.4, 0.8, NAN], [NAN, NAN, 0.1], [NAN, NAN, 0.5]], np.float32)[..., None]
FOLD = np.array([0, 0, 1, 1])
EVERY = np.ones(4, bool)


def test_the_mean_is_over_the_members_that_score_a_row() -> None:
    assert combination.pooled(OUT_OF_FOLD, np.full(4, 0.5), EVERY)[:, 0] == pytest.approx([0.3, 0.6, 0.3])


def test_weights_are_renormalised_within_a_fold() -> None:
    assert combination.pooled(OUT_OF_FOLD, np.array([3.0, 1.0, 1.0, 0.0]), EVERY)[:, 0] == pytest.approx(
        [0.25, 0.5, 0.1]
    )


def test_a_row_that_nobody_scores_is_missing() -> None:
    assert np.isnan(combination.pooled(OUT_OF_FOLD, np.ones(4), FOLD == 0)[2, 0])


def test_a_mean_of_ranks_by_hand() -> None:
    """Member 1 says the squares of what member 0 says, so both rank alike: the answers are means of equal ranks."""
    said = np.linspace(0.1, 0.9, len(combination.LEVELS))
    ranks = combination.Ranks.of(np.stack([said, said**2])[..., None])
    places = ranks.forward(np.stack([said[[0, 20, 40]], said[[0, 20, 40]] ** 2])[..., None])[..., 0]
    assert places == pytest.approx(np.tile(combination.LEVELS[[0, 20, 40]], (2, 1)))
    assert ranks.back(places.mean(axis=0)) == pytest.approx((said + said**2)[[0, 20, 40]] / 2)
    beyond = ranks.forward(np.array([[0.0, 1.0, NAN], [0.0, 1.0, NAN]])[..., None])[0, :, 0]
    assert beyond[:2].tolist() == [0.0, 1.0] and np.isnan(beyond[2])


def test_equal_answers_share_their_rank_and_few_rows_have_none() -> None:
    said = np.r_[np.full(40, 0.2), np.linspace(0.3, 0.9, 60)]
    ranks = combination.Ranks.of(said[None, :, None])
    assert ranks.forward(np.array([0.2])[None, :, None])[0, 0, 0] == pytest.approx(0.2, abs=0.02)
    with pytest.raises(UserError, match=r"4 test rows are too few to rank among; expected 65 or more"):
        combination.Ranks.of(np.zeros((2, 4, 1)))
