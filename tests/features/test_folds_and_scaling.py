"""Folds, roles, scaling, encoding and Titanic's in-fold features, on tables small enough to check by eye."""

import numpy as np
import pandas as pd
import pytest

from features import encoding, titanic
from features.errors import UserError
from features.folds import draw_roles
from features.normalization import learn
from features.roles import SCORE, STOP, TRAIN
from features.titanic import titles

TARGET = np.array([0, 1] * 30, float)


def test_every_row_scores_once_a_repeat_and_all_roles_are_given() -> None:
    roles = draw_roles(TARGET, True, 5, 3, 0.2, None, 1)
    assert roles.shape == (60, 15)
    for repeat in range(3):
        assert ((roles[:, repeat * 5 : repeat * 5 + 5] == SCORE).sum(axis=1) == 1).all()
    assert all(((roles == role).sum(axis=0) > 0).all() for role in (TRAIN, STOP, SCORE))
    np.testing.assert_array_equal(roles, draw_roles(TARGET, True, 5, 3, 0.2, None, 1))
    assert not np.array_equal(roles[:, :5], roles[:, 5:10])


def test_groups_stay_together() -> None:
    groups = np.repeat(np.arange(20), 3)
    roles = draw_roles(TARGET, True, 4, 1, 0.25, groups, 1)
    for fold in range(4):
        for role in (SCORE, STOP):
            inside = groups[roles[:, fold] == role]
            assert not np.isin(groups[roles[:, fold] != role], inside).any()


@pytest.mark.parametrize(
    ("target", "said"),
    [(np.array([0.0, 1.0, 0.0]), "too few"), (np.array([0.0] * 59 + [1.0]), "1 rows")],
    ids=["few rows", "rare class"],
)
def test_too_few_rows_for_the_folds_is_said(target: np.ndarray, said: str) -> None:
    with pytest.raises(UserError, match=said):
        draw_roles(target, True, 5, 1, 0.2, None, 1)


def test_min_max_is_the_textbooks() -> None:
    values = np.array([[-1.0, 2.0], [-0.5, 6.0], [0.0, 10.0], [1.0, 18.0]])
    scaled = learn("minmax", values, np.zeros(2, bool)).apply(values)
    np.testing.assert_allclose(scaled, [[0, 0], [0.25, 0.25], [0.5, 0.5], [1, 1]])


@pytest.mark.parametrize("method", ["zscore", "minmax", "robust", "keras", "none"])
def test_scaling_is_finite_with_gaps_and_constants(method: str) -> None:
    values = np.array([[1.0, 5.0, np.nan], [2.0, 5.0, np.nan], [np.nan, 5.0, np.nan], [9.0, 5.0, np.nan]])
    affine = learn(method, values, np.zeros(3, bool))
    assert np.isfinite(affine.apply(values)).all()
    assert np.isfinite(affine.apply(np.full((1, 3), 1e6))).all()
    if method != "none":
        assert (affine.apply(values)[:, 1:] == 0).all()
    if method in ("zscore", "keras"):
        np.testing.assert_allclose(affine.apply(values)[:, 0].mean(), 0, atol=1e-6)


def test_infinity_is_refused() -> None:
    with pytest.raises(UserError, match="infinity"):
        learn("zscore", np.array([[1.0], [np.inf]]), np.zeros(1, bool))


@pytest.mark.parametrize(
    ("how", "known", "unseen"),
    [("onehot", [1, 0, 0, 0], [0, 0, 0, 1]), ("integer", [0], [3]), ("embedding", [1], [4])],
)
def test_encodings_and_their_rule_for_unseen_levels(how: str, known: list[int], unseen: list[int]) -> None:
    cells = pd.DataFrame({"port": ["C", "C", "S", "S", None, "Q", "Z"]}, dtype=object)
    states = encoding.fit(cells, np.arange(6), [how], {}, 2)
    assert states[0]["levels"] == ["C", "S", encoding.MISSING, encoding.RARE]
    columns, _, codes, _ = encoding.apply(states, cells)
    found = codes if how == "embedding" else columns
    assert found[0].tolist() == known
    assert found[6].tolist() == unseen


def test_titles() -> None:
    names = pd.Series(["Braund, Mr. Owen", "X, the Countess. of Y", "Heikkinen, Miss. L", "Q, Mlle. Z", "A, Rev. B"])
    assert titles(names).tolist() == ["Mr", "Other", "Miss", "Miss", "Other"]


def test_group_survival_uses_train_labels_of_the_others_only() -> None:
    party, woman = np.array([0, 0, 0, 1]), np.array([True, True, True, True])
    target, train = np.array([1.0, 0.0, 1.0, 0.0]), np.array([0, 1])

    def group_survival(target: np.ndarray, train: np.ndarray) -> np.ndarray:
        lived, known = target > 0.5, np.isin(np.arange(4), train)
        learned = titanic.fates(party[train], woman[train], lived[train])
        return titanic.group_survival(party, woman, learned, known, lived)

    before = group_survival(target, train)
    # Row 2 is not in train: prior 0.5, both mates known, surplus 0.5 - 0.5 = 0; row 0 sees row 1 only.
    assert before[2, 0] == pytest.approx(0.0)
    assert before[0, 0] == pytest.approx(-0.5 / 2)
    target[2:] = 1 - target[2:]
    np.testing.assert_array_equal(before, group_survival(target, train))
    flipped = group_survival(np.array([0.0, 0.0, 1.0, 0.0]), np.array([0, 1, 3]))
    own = group_survival(np.array([0.0, 0.0, 1.0, 1.0]), np.array([0, 1, 3]))
    assert flipped[3, 0] == own[3, 0] == 0.0


def test_age_is_filled_by_the_titles_median_of_train_rows() -> None:
    age, title = np.array([30.0, 50.0, np.nan, 4.0]), np.array(["Mr", "Mr", "Mr", "Master"])
    known = np.array([0, 3])
    filled = titanic.filled_ages(age, title, titanic.median_ages(age[known], title[known]))
    assert filled[2].tolist() == [30.0, 0.0]
    assert filled[3].tolist() == [4.0, 12.0]
