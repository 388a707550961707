"""What the tables of the columns stage say, on made-up measures with known changes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from features.scoring.comparison import mean_of_folds
from features.scoring.importance import group_table, measured, measures_of, pair_table, sentences, sets_to_train
from features.scoring.rules import Rule

GROUPS = {"a": 1, "b": 2, "c": 3}
FOLDS, SHARE = 5, 0.25


def losses(groups: frozenset[str]) -> dict[str, np.ndarray]:
    """a and b tell something together only; c tells a little by itself; a fold's own level does not matter."""
    level = 0.7 - 0.3 * ({"a", "b"} <= groups) - 0.1 * ("c" in groups)
    wave = np.linspace(-0.01, 0.01, FOLDS) * len(groups)
    return {"log_loss": level + np.arange(FOLDS) + wave, "accuracy": 1 - level - wave}


SETS = [frozenset(), *sets_to_train(list(GROUPS), list(GROUPS), list(GROUPS))]
TRAINED = {one: losses(one) for one in SETS}
PERMUTED = {
    name: {"log_loss": np.full(FOLDS, value) + np.linspace(-0.001, 0.001, FOLDS), "accuracy": np.full(FOLDS, -value)}
    for name, value in (("a", 0.2), ("b", 0.3), ("c", 0.0))
}


def test_each_set_is_trained_once_and_the_empty_one_never() -> None:
    assert len(SETS) == len(set(SETS)) and SETS[0] == frozenset() and SETS[1] == frozenset(GROUPS)
    assert len(SETS) == 8  # every subset of three groups
    assert sets_to_train(["a"], ["a"], ["a"]) == [frozenset("a")]
    wide = sets_to_train([str(number) for number in range(40)], ["3", "5"], ["3", "5"])
    assert sorted(map(len, wide)) == [1, 1, 2, 38, 39, 39, 40]


def test_a_group_s_row_holds_its_changes_and_their_errors() -> None:
    table = group_table(GROUPS, PERMUTED, TRAINED, SHARE)
    assert table["group"].tolist() == ["b", "a", "c"] and table["inputs"].tolist() == [2, 1, 3]
    rows = table.set_index("group")
    assert rows.loc["a", "importance_log_loss"] == pytest.approx(0.2)
    assert rows.loc["a", "importance_accuracy_se"] == 0
    assert rows.loc["a", "without_log_loss"] == pytest.approx(0.3)
    assert rows.loc["c", "without_log_loss"] == pytest.approx(0.1)
    assert rows.loc["a", "alone_log_loss"] == pytest.approx(0) and rows.loc["c", "alone_log_loss"] == pytest.approx(
        -0.1
    )
    wave = np.linspace(-0.01, 0.01, FOLDS)
    expected = np.sqrt((1 / FOLDS + SHARE) * wave.var(ddof=1))  # paired: the folds' levels cancel
    assert rows.loc["a", "without_log_loss_se"] == pytest.approx(expected)


def test_groups_without_networks_have_their_importance_only() -> None:
    table = group_table(GROUPS, PERMUTED, {}, SHARE)
    assert table["without_log_loss"].isna().all() and table["importance_log_loss"].notna().all()
    assert table["without_folds"].isna().all() and table["importance_folds"].tolist() == [FOLDS] * 3
    pairs = pair_table([], {}, SHARE, GROUPS)
    assert list(pairs.columns) == ["group", "with"] and pairs.empty
    assert len(sentences(table, pairs)) == 1


def test_a_pair_that_tells_something_together_only_is_found() -> None:
    pairs = pair_table(["a", "b", "c"], TRAINED, SHARE, GROUPS).set_index(["group", "with"])
    assert pairs.loc[("a", "b"), "alone_log_loss"] == pytest.approx(-0.3)
    assert pairs.loc[("a", "b"), "without_log_loss"] == pytest.approx(-0.3)
    assert pairs.loc[("a", "c"), "alone_log_loss"] == pytest.approx(0)
    told = sentences(group_table(GROUPS, PERMUTED, TRAINED, SHARE), pairs.reset_index())
    assert "The ensemble leans most on b and a: permuting their columns raises the log loss by 0.3000" in told[0]
    assert "More informative together than apart: a with b (-0.3000)." in told


def test_what_nobody_leans_on_could_go() -> None:
    trained = {one: losses(one - {"c"}) for one in SETS}
    told = sentences(group_table(GROUPS, PERMUTED, trained, SHARE), pair_table([], {}, SHARE, GROUPS))
    assert "Retrained networks get worse without b and a." in told
    assert "Neither the ensemble nor retrained networks need c: it could go." in told
    worse = {one: {"log_loss": values["log_loss"] + 0.2 * ("c" in one)} for one, values in TRAINED.items()}
    permuted = {name: {"log_loss": values["log_loss"]} for name, values in PERMUTED.items()}
    table = group_table(GROUPS, permuted, worse, SHARE)
    assert "They get better without c." in sentences(table, pair_table([], {}, SHARE, GROUPS))


def test_with_few_folds_a_change_counts_beyond_more_errors() -> None:
    """a is missed by three standard errors of two folds, which is nothing; of ten it would be something."""
    table = group_table(GROUPS, PERMUTED, TRAINED, SHARE)
    assert table["importance_folds"].tolist() == table["without_folds"].tolist() == [FOLDS] * 3
    table["without_log_loss"], table["without_log_loss_se"] = 0.03, 0.01
    pairs = pd.DataFrame({"group": ["a"], "with": ["b"], "alone_log_loss": [-0.03], "alone_log_loss_se": [0.01]})
    for folds, missed, together in (
        (10, "worse without b, a and c.", "apart: a with b (-0.0300)"),
        (2, "miss no group beyond noise.", "No pair is more informative together"),
    ):
        told = " ".join(sentences(table.assign(without_folds=folds), pairs.assign(alone_folds=folds)))
        assert missed in told and together in told


def test_only_a_group_that_tells_more_alone_than_is_missed_has_a_double() -> None:
    """Columns of a linear model that have nothing in common: permuting one costs twice what leaving it out does, and
    nothing stands in. Then c is a copy of a."""
    wave = np.linspace(-0.01, 0.01, FOLDS)

    def measured_by(doubles: bool) -> dict[frozenset[str], dict[str, np.ndarray]]:
        explained = {
            one: 0.2 * bool(one & (frozenset("ac") if doubles else frozenset("a"))) + 0.1 * ("b" in one) for one in SETS
        }
        return {one: {"squared_error": 1 - share + wave * len(one)} for one, share in explained.items()}

    for doubles, told in ((False, None), (True, "Where a is left out, other groups stand in, in part at least.")):
        permuted = {name: {"squared_error": value + wave / 10} for name, value in (("a", 0.4), ("b", 0.2), ("c", 0.0))}
        found = sentences(group_table(GROUPS, permuted, measured_by(doubles), SHARE), pair_table([], {}, SHARE, GROUPS))
        assert [one for one in found if "stand in" in one] == ([told] if told else [])


def test_that_few_folds_prove_little_makes_no_group_idle() -> None:
    """a is leaned on by seven standard errors, b by three, c by none: of two folds that proves nothing."""
    table = group_table(GROUPS, PERMUTED, TRAINED, SHARE).assign(importance_folds=2, without_folds=2)
    table = table.sort_values("group").assign(without_log_loss=0.0, without_log_loss_se=0.006)
    table["importance_log_loss"], table["importance_log_loss_se"] = [0.07, 0.03, 0.001], 0.01
    told = " ".join(sentences(table, pd.DataFrame({"group": [], "with": []})))
    assert "Neither the ensemble nor retrained networks need c: it could go." in told


def test_groups_that_each_could_go_are_not_said_to_go_together() -> None:
    table = group_table(GROUPS, PERMUTED, TRAINED, SHARE).sort_values("group")
    table["importance_log_loss"], table["importance_log_loss_se"] = [0.07, 0.0, 0.0], 0.001
    table["without_log_loss"], table["without_log_loss_se"] = [0.07, 0.0, 0.0], 0.001
    told = " ".join(sentences(table, pd.DataFrame({"group": [], "with": []})))
    assert "networks need b or c: any one of them could go (all at once was not tried)." in told


def test_a_small_unit_is_no_zero_in_a_sentence() -> None:
    scaled = {name: {"rmse": values["log_loss"] * 1e-7} for name, values in PERMUTED.items()}
    trained = {one: {"rmse": values["log_loss"] * 1e-7} for one, values in TRAINED.items()}
    pairs = pair_table(["a", "b", "c"], trained, SHARE, GROUPS)
    told = " ".join(sentences(group_table(GROUPS, scaled, trained, SHARE), pairs))
    assert "raises the RMSE by 3.000e-08" in told and "a with b (-3.000e-08)" in told


def test_only_groups_beyond_noise_are_leaned_on() -> None:
    table = group_table(GROUPS, PERMUTED, TRAINED, SHARE).sort_values("group")
    none = pd.DataFrame({"group": [], "with": []})
    table["importance_log_loss"], table["importance_log_loss_se"] = [-0.003, -0.004, -0.005], 0.01
    assert sentences(table, none)[0] == "The ensemble leans on no group beyond noise."
    table["importance_log_loss"] = [0.1, 0.01, -0.005]
    wanted = "The ensemble leans most on a: permuting its columns raises the log loss by 0.1000."
    assert sentences(table, none)[0] == wanted
    table["importance_log_loss"], table["importance_log_loss_se"] = [0.3, 0.1, -0.005], [0.2, 0.01, 0.01]
    assert sentences(table, none)[0].startswith("Beyond noise the ensemble leans most on b: "), "a stands above it"


def test_measures_of_each_task() -> None:
    target = np.array([0.0, 1, 1])
    answer = np.array([[0.2], [0.8], [0.4]])
    loss, right = measured("binary", "accuracy", target, answer)
    assert loss == pytest.approx(-(2 * np.log(0.8) + np.log(0.4)) / 3) and right == pytest.approx(2 / 3)
    assert measured("binary", "accuracy", target, answer, Rule(0.3).decide(answer))[1] == 1
    assert measures_of("binary", "roc_auc") == measures_of("multiclass", "log_loss") == ("log_loss", "accuracy")
    assert measures_of("binary", "f1") == ("log_loss", "f1")
    assert measured("binary", "f1", target, answer) == [pytest.approx(loss), pytest.approx(2 / 3)]
    assert measured("binary", "f1", target, answer, Rule(0.3).decide(answer))[1] == 1
    assert np.isnan(measured("binary", "mcc", np.ones(3), answer)).all(), "a fold has all measures or none"
    assert measures_of("regression", "rmsle") == ("rmsle",)
    assert measured("regression", "rmse", target, answer + 1)[0] == pytest.approx(np.sqrt((1.44 + 0.64 + 0.16) / 3))
    assert np.isnan(measured("binary", "accuracy", target, answer * np.nan)).all()


def test_a_fold_without_a_measure_is_left_aside() -> None:
    found = mean_of_folds(np.array([1.0, np.nan, 3.0]), SHARE)
    assert found.mean == 2 and found.error == pytest.approx(np.sqrt((1 / 2 + SHARE) * 2))
    assert np.isnan(mean_of_folds(np.array([1.0]), SHARE).error)
    assert isinstance(group_table({"a": 1}, {"a": PERMUTED["a"]}, {}, SHARE), pd.DataFrame)
