"""Roles: every row scores once a repeat, classes keep their shares, groups stay whole, seeds decide."""

from __future__ import annotations

import numpy as np
import pytest

from features.encoding.folds import draw_roles, groups_if_asked, nested_roles, outer_parts, spans
from features.errors import UserError
from features.roles import SCORE, STOP, TRAIN, UNUSED

TARGET = np.repeat([0.0, 1.0], [120, 80])


def roles(seed: int = 0, groups: np.ndarray | None = None, classes: bool = True, folds: int = 5) -> np.ndarray:
    return draw_roles(TARGET, classes, folds, 3, 0.15, groups, seed)


@pytest.mark.parametrize("classes", [True, False], ids=["classes", "regression"])
def test_every_row_scores_once_a_repeat(classes: bool) -> None:
    found = roles(classes=classes)
    assert found.shape == (200, 15) and found.dtype == np.int8 and set(np.unique(found)) == {TRAIN, STOP, SCORE}
    assert ((found == SCORE).reshape(200, 3, 5).sum(axis=2) == 1).all()
    assert ((found == STOP).sum(axis=0) == 24).all(), "15 % of the 160 rows that do not score"


def test_classes_keep_their_shares() -> None:
    found = roles()
    for role in (TRAIN, STOP, SCORE):
        shares = [TARGET[found[:, fold] == role].mean() for fold in range(15)]
        assert shares == pytest.approx([0.4] * 15, abs=0.025)


def test_groups_score_and_stop_together() -> None:
    groups = np.random.default_rng(0).integers(0, 60, 200)
    found = roles(groups=groups)
    for fold in range(15):
        for group in np.unique(groups):
            assert len(set(found[groups == group, fold])) == 1


def test_every_part_scores_a_group_however_uneven_groups_are() -> None:
    """To share the classes out alone, one of 7 parts would be left without a group."""
    sizes = [7, 1, 17, 24, 2, 5, 2]
    groups, target = np.repeat(np.arange(7), sizes), np.repeat([1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0], sizes)
    for seed in range(20):
        found = draw_roles(target, True, 7, 1, 0.15, groups, seed)
        assert all((found == role).any(axis=0).all() for role in (TRAIN, STOP, SCORE))
        assert ((found == SCORE).sum(axis=1) == 1).all()


def test_groups_that_are_asked_for_must_be_there() -> None:
    groups = np.array(["a", "b"])
    assert groups_if_asked(True, groups, "titanic", "params.yaml") is groups
    assert groups_if_asked(False, groups, "titanic", "params.yaml") is None
    assert groups_if_asked(False, None, "plain", "params.yaml") is None
    with pytest.raises(UserError, match=r"params.yaml: encode.group_aware is true.*'plain' names no groups"):
        groups_if_asked(True, None, "plain", "params.yaml")


def test_the_seed_decides_and_repeats_differ() -> None:
    np.testing.assert_array_equal(roles(1), roles(1))
    assert (roles(1) != roles(2)).any()
    assert (roles(1)[:, :5] != roles(1)[:, 5:10]).any()


def test_more_repeats_leave_the_earlier_ones_alone() -> None:
    np.testing.assert_array_equal(draw_roles(TARGET, True, 5, 1, 0.15, None, 0), roles()[:, :5])


def test_too_few_rows_of_a_class_name_the_cure() -> None:
    with pytest.raises(UserError, match=r"class 'lost' of the target has 4 rows.*encode.folds"):
        draw_roles(np.repeat([0.0, 1.0], [30, 4]), True, 5, 1, 0.2, None, 0, ["saved", "lost"])
    with pytest.raises(UserError, match="3 training rows are too few for 5 folds"):
        draw_roles(np.arange(3.0), False, 5, 1, 0.2, None, 0)


@pytest.mark.parametrize("classes", [True, False], ids=["classes", "regression"])
@pytest.mark.parametrize("fraction", [0.1, 0.25])
@pytest.mark.parametrize("count", [5, 6, 7, 12])
def test_few_groups_are_divided_as_far_as_they_go(classes: bool, count: int, fraction: float) -> None:
    """Five folds of five groups: one to score, one to stop (a tenth can't be told off), three to learn from."""
    groups = np.arange(200) % count
    found = draw_roles(TARGET, classes, 5, 1, fraction, groups, 0)
    assert all(set(column) == {TRAIN, STOP, SCORE} for column in found.T)
    for column in found.T:
        assert all(len(set(column[groups == group])) == 1 for group in range(count))


def test_few_rows_of_few_groups_are_divided_too() -> None:
    """One row per group, five of each class beside those that score: ten parts can't all have a row of one class."""
    found = draw_roles(np.repeat([0.0, 1.0], 6), True, 5, 1, 0.1, np.arange(12), 0)
    assert ((found == SCORE).sum(axis=1) == 1).all() and ((found == STOP).sum(axis=0) == 1).all()


def test_three_groups_are_just_enough() -> None:
    """One scores, of the two others one stops and one teaches."""
    found = draw_roles(np.tile([0.0, 1.0], 30), True, 3, 1, 0.1, np.arange(60) // 20, 0)
    assert all(set(column) == {TRAIN, STOP, SCORE} for column in found.T)


@pytest.mark.parametrize(
    ("target", "fraction"),
    [
        pytest.param(np.arange(12.0) % 3, 0.1, id="fewer stop rows than classes"),
        pytest.param(np.repeat([0.0, 1.0], [37, 3]), 0.2, id="a class with one row left"),
    ],
)
def test_stop_rows_that_cannot_hold_every_class_are_drawn_all_the_same(target: np.ndarray, fraction: float) -> None:
    found = draw_roles(target, True, 2, 3, fraction, None, 0)
    assert all(set(column) == {TRAIN, STOP, SCORE} for column in found.T)


@pytest.mark.parametrize(
    ("groups", "folds", "said"),
    [
        (np.arange(200) % 4, 5, "4 groups of rows to keep together are too few for 5 folds; expected 5 or more"),
        (np.arange(200) % 2, 2, "2 groups of rows to keep together are too few for 2 folds; expected 3 or more"),
        (np.repeat([0, 1, 2], [100, 50, 50]), 2, "scores all groups of rows but '[12]'; expected two others"),
    ],
)
def test_too_few_groups_name_the_cure(groups: np.ndarray, folds: int, said: str) -> None:
    with pytest.raises(UserError, match=f"{said}.* Lower encode.folds, or set encode.group_aware to false"):
        draw_roles(TARGET, True, folds, 1, 0.1, groups, 0)


@pytest.mark.parametrize("grouped", [False, True])
def test_a_row_of_an_outer_fold_never_trains_stops_or_scores_inside(grouped: bool) -> None:
    rng = np.random.default_rng(0)
    target = rng.integers(0, 2, 120).astype(float)
    groups = rng.integers(0, 40, 120).astype(str) if grouped else None
    parts = outer_parts(target, True, 4, groups, 7)
    roles = nested_roles(parts, target, True, 3, 0.2, groups, 9)
    assert roles.shape == (120, 12) and set(parts) == set(range(4))
    for outer in range(4):
        own = roles[:, 3 * outer : 3 * outer + 3]
        assert (own[parts == outer] == UNUSED).all() and not (own[parts != outer] == UNUSED).any()
        assert ((own[parts != outer] == SCORE).sum(axis=1) == 1).all()
        assert all({TRAIN, STOP, SCORE, UNUSED} == set(column) for column in own.T)
        if groups is not None:
            assert not set(groups[parts == outer]) & set(groups[parts != outer])
            for column in own.T:
                assert not set(groups[column == SCORE]) & set(groups[column == TRAIN])
    assert (nested_roles(parts, target, True, 3, 0.2, groups, 9) == roles).all()
    assert (nested_roles(parts, target, True, 3, 0.2, groups, 10) != roles).any()


def test_a_rare_class_in_groups_is_split_without_a_warning(recwarn: pytest.WarningsRecorder) -> None:
    target, groups = np.repeat([0.0, 1.0], [90, 6]), np.arange(96) // 3
    roles = draw_roles(target, True, 2, 1, 0.1, groups, 0)
    assert set(np.unique(roles)) == {TRAIN, STOP, SCORE} and not recwarn.list


def test_spans_follow_time_and_rows_of_one_time_stay_together() -> None:
    times = np.array([5.0, 1.0, 1.0, 3.0, 4.0, 2.0, 3.0, 6.0])
    assert spans(times, 2).tolist() == [1, 0, 0, 1, 1, 0, 1, 1]
    rng = np.random.default_rng(0)
    many = rng.integers(0, 60, 500).astype(float)
    found = spans(many, 5)
    assert (np.diff(found[np.argsort(many, kind="stable")]) >= 0).all() and np.bincount(found).min() > 80
    assert all(len(np.unique(found[many == one])) == 1 for one in np.unique(many))
    with pytest.raises(UserError, match="3 different times, some of many rows, do not make 4 spans"):
        spans(np.repeat([1.0, 2.0, 3.0], 20), 4)


def test_a_fold_scores_a_span_of_time() -> None:
    times = np.random.default_rng(1).permutation(200).astype(float)
    target = np.random.default_rng(2).integers(0, 2, 200)
    roles = draw_roles(target, True, 4, 2, 0.1, None, 0, times=times)
    for column in range(8):
        scored = times[roles[:, column] == SCORE]
        assert len(scored) == 50 and scored.max() - scored.min() == 49
        assert (roles[:, column] == STOP).sum() == 15
    assert (roles[:, 0] == SCORE).tolist() == (roles[:, 4] == SCORE).tolist()
    assert (roles[:, 0] != roles[:, 4]).any(), "other rows stop it"
    with pytest.raises(UserError, match="class 'late' of the target has all its rows in one of 4 spans of time"):
        draw_roles((times > 180).astype(int), True, 4, 1, 0.1, None, 0, ["early", "late"], times)


def test_an_outer_fold_in_time_knows_earlier_rows_alone() -> None:
    times = np.random.default_rng(3).permutation(300).astype(float)
    parts = outer_parts(times, False, 3, None, 0, times)
    assert np.bincount(parts + 1).tolist() == [150, 50, 50, 50]
    roles = nested_roles(parts, times, False, 2, 0.1, None, 0, times)
    for outer in range(3):
        first = times[parts == outer].min()
        for column in (2 * outer, 2 * outer + 1):
            known = roles[:, column] != UNUSED
            assert (times[known] < first).all() and known.sum() == 150 + 50 * outer


def straddling(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Times in no order, and groups of about ten rows near one another in time, so that some lie in two spans."""
    rng = np.random.default_rng(4)
    times = rng.permutation(rows).astype(float)
    return times, ((times + rng.integers(0, 15, rows)) // 10).astype(int)


def test_by_time_and_group_a_fold_has_nothing_else_of_the_groups_in_its_span() -> None:
    times, groups = straddling(400)
    target = np.random.default_rng(2).integers(0, 2, 400)
    roles = draw_roles(target, True, 4, 2, 0.1, groups, 0, times=times)
    assert ((roles == SCORE).reshape(400, 2, 4).sum(axis=2) == 1).all()
    by_time = draw_roles(target, True, 4, 2, 0.1, None, 0, times=times)
    for column, unlike in zip(roles.T, by_time.T, strict=True):
        assert ((column == SCORE) == (unlike == SCORE)).all()
        scored, learned, stopped = (set(groups[column == role]) for role in (SCORE, TRAIN, STOP))
        assert not scored & (learned | stopped) and not learned & stopped
        outside = np.isin(groups, list(scored)) & (column != SCORE)
        assert outside.any() and ((column == UNUSED) == outside).all(), "no more is lost than that"
    with pytest.raises(UserError, match="every group of rows .* has rows in span 1 of 4 spans of time"):
        draw_roles(target, True, 4, 1, 0.1, (times // 2 % 10).astype(int), 0, times=times)


def test_an_outer_fold_in_time_knows_no_group_that_it_scores() -> None:
    times, groups = straddling(400)
    parts = outer_parts(times, False, 3, groups, 0, times)
    roles = nested_roles(parts, times, False, 2, 0.1, groups, 0, times)
    for outer in range(3):
        own = roles[:, 2 * outer : 2 * outer + 2]
        known = (own == SCORE).any(axis=1)
        assert (times[known] < times[parts == outer].min()).all()
        assert not set(groups[known]) & set(groups[parts == outer]) and (own[~known] == UNUSED).all()
        for column in own.T:
            assert not set(groups[column == SCORE]) & set(groups[(column == TRAIN) | (column == STOP)])
