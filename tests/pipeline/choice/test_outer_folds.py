"""The folds of the nested estimate: who scores whom, and where there are none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from features.roles import UNUSED
from pipeline.choice.outer_folds import Plan, draw, plan_of, why_none
from pipeline.params import load
from pipeline.settings import Params
from tests.stages import ROOT


@pytest.fixture(scope="module")
def params() -> Params:
    """Titanic's, answered by a mean of members, with as many outer folds as by default."""
    found = load(ROOT / "params.yaml", "titanic")
    return replace(
        found,
        ensemble=replace(found.ensemble, method="mean"),
        honest=replace(found.honest, outer=5, scored=0, search=3, members=5),
    )


def test_few_rows_of_a_class_lower_the_folds_and_too_few_leave_the_estimate_out(params: Params) -> None:
    def drawn(rare: int) -> Plan | None:
        return draw(params, np.repeat([0.0, 1.0], [60, rare]), None)

    plans = [drawn(rare) for rare in (30, 6, 5, 3)]
    assert [(p.outer, p.search, p.members) for p in plans if p] == [(5, 3, 5), (5, 3, 3), (4, 2, 2)]
    assert plans[3] is None
    assert draw(replace(params, honest=replace(params.honest, outer=0)), np.zeros(9), None) is None


def test_few_of_many_outer_folds_are_scored_and_learn_from_all_others(params: Params) -> None:
    few = replace(params, honest=replace(params.honest, outer=10, scored=3))
    target = np.repeat([0.0, 1.0], 60)
    plan, every = (draw(one, target, None) for one in (few, replace(few, honest=params.honest)))
    assert plan is not None and every is not None and (every.outer, every.drawn) == (5, None)
    assert (plan.outer, plan.drawn) == (3, 10) and plan.roles.shape == (120, 3 * (3 + 5))
    assert np.bincount(plan.parts + 1).tolist() == [84, 12, 12, 12], "the other seven folds are never scored"
    for outer in range(3):
        assert (plan.known(outer) == (plan.parts != outer)).all(), "and all have a say"
    rare = [draw(few, np.repeat([0.0, 1.0], [60, count]), None) for count in (3, 5)]
    assert rare[0] is None and rare[1] is not None and (rare[1].outer, rare[1].drawn) == (3, 4)
    later = draw(few, np.arange(120) % 2.0, None, np.arange(120.0))
    assert later is not None and np.bincount(later.parts + 1).tolist() == [60, 20, 20, 20] and later.drawn is None


@pytest.mark.parametrize("grouped", [False, True])
def test_each_part_has_the_rows_that_ranks_need(params: Params, grouped: bool) -> None:
    """65 rows a part: the members' ranks are among the rows that an outer fold scores."""
    ranked = replace(params, ensemble=replace(params.ensemble, method="rank_mean"))

    def drawn(asked: Params, rows: int) -> Plan | None:
        groups = np.random.default_rng(0).integers(0, rows // 3, rows) if grouped else None
        return draw(asked, np.arange(rows) % 2.0, groups)

    for rows in (700, 330, 260):
        plan, plain = drawn(ranked, rows), drawn(params, rows)
        assert plan is not None and plain is not None and plain.outer == 5
        assert plan.outer == int(plan.parts.max()) + 1 and np.bincount(plan.parts).min() >= 65
        assert rows < 700 or np.array_equal(plan.roles, plain.roles)
    assert drawn(ranked, 120) is None and drawn(params, 120) is not None


def test_what_leaves_the_estimate_out_is_named(params: Params) -> None:
    ranked = replace(params, ensemble=replace(params.ensemble, method="rank_mean"))
    values = replace(params, table=replace(params.table, task="regression"))
    even, rare = np.arange(120) % 2.0, np.repeat([0.0, 1.0], [60, 3])
    for asked, target, groups, said in (
        (params, rare, None, "class 'rare' has 3 rows, too few"),
        (params, rare, np.arange(63), "class 'rare' has 3 rows, too few"),
        (values, np.arange(8.0), None, "there are 8 rows, too few"),
        (params, even, np.arange(120) % 3, "rows come in 3 groups, too few"),
        (params, even, np.r_[np.zeros(110), np.arange(1, 11)], "rows come in 11 groups"),
        (ranked, even, None, "120 rows are too few for outer folds of 65"),
    ):
        assert draw(asked, target, groups) is None
        assert why_none(asked, target, groups, ["often", "rare"]).startswith(said)


@pytest.mark.parametrize(("count", "folds"), [(40, (5, 3, 5)), (7, (5, 3, 4)), (6, (5, 3, 3)), (3, None)])
def test_few_groups_lower_the_folds_and_too_few_leave_the_estimate_out(
    params: Params, count: int, folds: tuple[int, int, int] | None
) -> None:
    groups = np.arange(120) % count
    plan = draw(params, np.repeat([0.0, 1.0], 60), groups)
    assert (None if plan is None else (plan.outer, plan.search, plan.members)) == folds


def test_a_row_is_learned_from_by_none_that_was_before_it_though_its_double_was_long_ago(params: Params) -> None:
    """The label of the late one would tell of the future. In any order of the file."""
    times = np.random.default_rng(0).permutation(160).astype(float)
    alike = np.where(times % 8 == 5, times % 40, times).astype(int)  # 5, 45, 85 and 125 are one
    plan = plan_of(params, np.arange(160) % 2.0, [], None, alike, times)
    assert isinstance(plan, Plan) and plan.outer == 5
    for outer in range(plan.outer):
        columns = [*plan.searched(outer), *plan.trained(outer)]
        known, scored = plan.known(outer), plan.parts == outer
        assert not np.isin(alike[known], alike[scored]).any()
        learned = (plan.roles[:, columns] != UNUSED).any(axis=1)
        last = np.array([times[alike == one].max() for one in alike[scored]])
        assert (learned == known).all() and times[known].max() < last.min()


def test_few_times_lower_the_folds_and_too_few_leave_the_estimate_out(params: Params) -> None:
    """Eight years of 20 rows each: four are learned from before the first of four that are scored."""
    params = replace(params, encode=replace(params.encode, time="year"))
    plans = [
        plan_of(params, np.arange(20.0 * years) % 2, [], None, None, np.repeat(np.arange(years), 20))
        for years in (8, 4, 3)
    ]
    assert [(p.outer, p.search, p.members) for p in plans if isinstance(p, Plan)] == [(4, 3, 4), (2, 2, 2)]
    assert plans[2] == "rows or classes by 'year' are too few for spans of time inside spans of time"
    copied = plan_of(params, np.arange(60.0) % 2, ["no", "yes"], None, np.arange(60) % 4, None)
    assert isinstance(copied, str) and copied.startswith("class 'no' has 2 rows, too few for folds inside folds, where")


def test_a_group_that_is_nearly_all_rows_leaves_the_estimate_out(params: Params) -> None:

    def drawn(alone: int) -> Plan | None:
        return draw(params, np.arange(120) % 2.0, np.r_[np.zeros(120 - alone), np.arange(1, alone + 1)])

    assert drawn(10) is None and drawn(20) is not None


def test_groups_that_share_a_double_are_in_one_outer_fold(params: Params) -> None:
    groups = np.arange(120) // 10
    alike = np.where(np.arange(120) == 115, 0, np.arange(120))
    plan = plan_of(params, np.arange(120) // 5 % 2.0, ["no", "yes"], groups, alike, None)
    assert isinstance(plan, Plan)
    for joined in (*(groups == one for one in range(12)), np.isin(groups, [0, 11])):
        assert len(np.unique(plan.parts[joined])) == 1 and (plan.roles[joined] == plan.roles[joined][0]).all()
