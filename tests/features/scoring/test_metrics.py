"""Measures against figures worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics

from features.scoring import metrics

TARGET = np.array([1.0, 0.0, 0.0, 1.0], np.float32)
ANSWER = np.array([[0.8], [0.3], [0.5], [0.9]], np.float32)


def test_binary_measures_by_hand() -> None:
    found = metrics.measures("binary", "accuracy", TARGET, ANSWER)
    assert found["log_loss"] == pytest.approx(-(math.log(0.8) + math.log(0.7) + math.log(0.5) + math.log(0.9)) / 4)
    assert found["log_loss"] == pytest.approx(0.3446, abs=1e-4)
    assert found["accuracy"] == 1.0 and found["roc_auc"] == 1.0


def test_a_class_is_decided_at_one_half_where_nothing_else_is_said() -> None:
    target, answer = np.array([1.0, 0.0]), np.array([[0.6], [0.55]])
    assert metrics.measures("binary", "accuracy", target, answer)["accuracy"] == 0.5
    assert metrics.measures("binary", "accuracy", target, answer, metrics.decide(answer, 0.57))["accuracy"] == 1.0


def test_exactly_half_counts_as_class_0() -> None:
    assert metrics.decide(np.array([[0.5], [0.5000001]])).tolist() == [0, 1]


def test_auc_counts_ordered_pairs() -> None:
    assert metrics.roc_auc(np.array([0, 1, 0, 1]), np.array([[0.1], [0.4], [0.6], [0.9]])) == 0.75


def test_multiclass_measures_by_hand() -> None:
    answer = np.array([[0.6, 0.3, 0.1], [0.3, 0.6, 0.1], [0.1, 0.7, 0.2]])
    found = metrics.measures("multiclass", "accuracy", np.array([1, 2, 0], np.int32), answer)
    assert found == {"accuracy": 0.0, "log_loss": pytest.approx(1.936381, abs=1e-6)}


def test_a_sure_mistake_costs_a_finite_loss() -> None:
    losses = metrics.row_log_loss(np.array([1, 0, 1]), np.array([[0.0], [1.0], [1.0]]))
    assert losses == pytest.approx([-math.log(1e-7), -math.log(1e-7), 0.0], abs=1e-6)


def test_regression_measures_by_hand() -> None:
    found = metrics.measures("regression", "rmse", np.array([0.0, 1.0, 3.0]), np.array([[0.0], [3.0], [3.0]]))
    assert found["rmse"] == pytest.approx(math.sqrt(4 / 3))
    assert found["mae"] == pytest.approx(2 / 3)
    assert found["rmsle"] == pytest.approx(math.log(2) / math.sqrt(3))


def test_rmsle_takes_negative_predictions_for_zero_and_needs_a_target_without_them() -> None:
    assert metrics.squared_error(np.array([0.0]), np.array([[-5.0]]), logarithmic=True).tolist() == [0.0]
    assert "rmsle" not in metrics.measures("regression", "rmse", np.array([-1.0, 1.0]), np.array([[0.0], [0.0]]))


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        pytest.param("mae", [0.0, 2.0], id="mae"),
        pytest.param("mape", [0.0, 2.0], id="mape"),
        pytest.param("rmse", [0.0, 4.0], id="rmse"),
        pytest.param("rmsle", [0.0, math.log(2) ** 2], id="rmsle"),
        pytest.param("accuracy", [-math.log(1e-7), -math.log(1e-7)], id="accuracy falls back to log loss"),
    ],
)
def test_row_loss_follows_the_metric(metric: str, expected: list[float]) -> None:
    answer = np.array([[0.0], [0.0]]) if metric == "accuracy" else np.array([[0.0], [3.0]])
    target = np.array([1, 1]) if metric == "accuracy" else np.array([0.0, 1.0])
    if metric == "mape":  # of 0 there is none
        answer, target = np.array([[-2.0], [6.0]]), np.array([-2.0, 2.0])
    assert metrics.row_loss(metric, target, answer) == pytest.approx(expected)


def test_mape_needs_a_target_without_0() -> None:
    target, answer = np.array([-2.0, 4.0]), np.array([[-1.0], [5.0]])
    assert metrics.measures("regression", "mape", target, answer)["mape"] == pytest.approx((1 / 2 + 1 / 4) / 2)
    assert "mape" not in metrics.measures("regression", "mape", target * [0, 1], answer)
    assert "mape" not in metrics.measures("regression", "rmse", target, answer)


def test_rows_of_one_group_tell_less_of_a_mean() -> None:
    """Pairs that are alike are half as many rows."""
    values = np.random.default_rng(0).normal(size=30)
    alone = metrics.mean_error(values)
    assert alone == pytest.approx(values.std(ddof=1) / np.sqrt(30)) == metrics.mean_error(values, np.arange(30))
    assert metrics.mean_error(np.tile(values, 2), np.tile(np.arange(30), 2)) == pytest.approx(alone)
    assert metrics.mean_error(np.tile(values, 2)) < 0.75 * alone
    assert metrics.mean_error(values[:2], np.arange(2)) == pytest.approx(metrics.mean_error(values[:2]))
    assert np.isnan(metrics.mean_error(values, np.zeros(30))) and np.isnan(metrics.mean_error(values[:1]))


@pytest.mark.parametrize("measure", ["rmse", "mae", "rmsle", "mape"])
def test_no_other_constant_is_better(measure: str) -> None:
    target = np.random.default_rng(0).lognormal(3, 1, 201)
    best = metrics.best_constant(measure, target)
    found = [
        metrics.measures("regression", measure, target, np.full((201, 1), best * factor))[measure]
        for factor in (0.99, 1, 1.01)
    ]
    assert found.index(min(found)) == 1


def test_the_calibration_error_by_hand() -> None:
    """Ten parts of two rows: each part's mean prediction against its share of class 1."""
    answer = np.linspace(0.05, 0.95, 20)
    target = np.tile([0, 1], 10)
    wanted = np.mean([abs(answer[[i, i + 1]].mean() - 0.5) for i in range(0, 20, 2)])
    assert metrics.calibration_error(target, answer[:, None]) == pytest.approx(wanted)
    both = np.stack([1 - answer, answer], axis=1)
    sure, right = both.max(axis=1), both.argmax(axis=1) == target
    order = np.argsort(sure, kind="stable")
    wanted = np.mean([abs(sure[p].mean() - right[p].mean()) for p in np.array_split(order, 10)])
    assert metrics.calibration_error(target, both) == pytest.approx(wanted)


def test_equal_predictions_are_calibrated_alike_in_any_order_of_rows() -> None:
    """A table sorted by its target, and one answer to all rows: in their order half of the parts would hold class 0
    alone, and the error would be 0.5."""
    target, answer = np.repeat([0.0, 1.0], 500), np.full((1000, 1), 0.5)
    assert metrics.calibration_error(target, answer) < 0.08
    came = [came for _, came, *_ in metrics.calibration_bins("binary", target, answer)]
    assert min(came) > 0.3 and max(came) < 0.7
    numbers = [came for _, came, *_ in metrics.calibration_bins("regression", np.arange(1000.0), answer)]
    assert min(numbers) > 350 and max(numbers) < 650


def test_the_error_of_a_share_by_hand() -> None:
    """Three of six, and none of six: as if two more of either outcome had been seen."""
    assert metrics.share_error(3, 6) == pytest.approx(math.sqrt(0.5 * 0.5 / 10))
    assert metrics.share_error(0, 6) == pytest.approx(math.sqrt(0.2 * 0.8 / 10))


def test_bins_hold_the_error_of_a_share_or_of_a_mean() -> None:
    answer, came = np.linspace(0, 1, 40)[:, None], np.tile([0.0, 1.0, 1.0, 1.0], 10)
    for task, error in (("binary", metrics.share_error(3, 4)), ("regression", came[:4].std(ddof=1) / 2)):
        found = metrics.calibration_bins(task, came, answer)
        assert [row[2] for row in found] == [4] * 10
        assert [row[1:] for row in found] == [(0.75, 4, pytest.approx(error))] * 10
        assert found[0][0] == pytest.approx(answer[:4].mean())


def test_losses_of_many_answers_at_once_are_those_of_each() -> None:
    answers = np.random.default_rng(0).dirichlet(np.ones(3), (2, 4, 5))
    target = np.array([0, 1, 2, 2, 1])
    for task_answers, known in ((answers, target), (answers[..., :1], target % 2)):
        together = metrics.row_log_loss(known, task_answers)
        assert together.shape == (2, 4, 5)
        assert together[1, 2].tolist() == metrics.row_log_loss(known, task_answers[1, 2]).tolist()
    for metric in ("mae", "rmse", "rmsle", "mape"):
        each = metrics.row_loss(metric, target + 1, answers[1, 2, :, :1])
        assert metrics.row_loss(metric, target + 1, answers[..., :1])[1, 2].tolist() == each.tolist()


def test_the_roc_curve_has_a_corner_wherever_it_turns() -> None:
    """Counted by hand: two rows of one value go together, and what lies on a line between two others is left out."""
    target = np.array([1, 1, 0, 1, 0, 0, 1])
    answer = np.array([[0.9], [0.8], [0.7], [0.7], [0.4], [0.3], [0.1]])
    false, true = metrics.roc_curve(target, answer)
    np.testing.assert_allclose(false, [0, 0, 0, 1 / 3, 1, 1])
    np.testing.assert_allclose(true, [0, 1 / 4, 2 / 4, 3 / 4, 3 / 4, 1])
    assert metrics.roc_auc(target, answer) == pytest.approx((1 / 3) * (2 / 4 + 3 / 4) / 2 + (2 / 3) * 3 / 4)


@pytest.mark.parametrize("digits", [1, 7])
def test_the_roc_curve_is_scikit_learns(digits: int) -> None:
    generator = np.random.default_rng(digits)
    for rows in (2, 3, 40, 500):
        target = np.append(generator.integers(0, 2, rows - 2), [0, 1]).astype(np.float32)
        answer = generator.random((rows, 1)).round(digits).astype(np.float32)
        expected = sklearn.metrics.roc_curve(target, answer[:, 0])[:2]
        assert all(map(np.array_equal, metrics.roc_curve(target, answer), expected))
        assert metrics.roc_auc(target, answer) == sklearn.metrics.roc_auc_score(target, answer[:, 0])


def test_one_class_has_no_roc_auc(recwarn: pytest.WarningsRecorder) -> None:
    assert np.isnan(metrics.roc_auc(np.ones(3), np.array([[0.1], [0.5], [0.9]]))) and not recwarn


@pytest.mark.parametrize(
    ("task", "value", "kept"),
    [
        ("regression", 1.23456789e-9, 1.234568e-9),
        ("regression", 123456.789, 123456.8),
        ("regression", 7, 7),
        ("binary", 1.23456789e-3, 0.001235),
    ],
)
def test_a_figure_keeps_the_digits_that_tell(task: str, value: float, kept: float) -> None:
    assert metrics.rounded(task, value) == kept and type(metrics.rounded(task, value)) is type(value)
    frame = pd.DataFrame({"scored": ["a"], "figure": [value]})
    found = metrics.rounded_table(task, frame)
    assert found["figure"][0] == kept and found.dtypes.equals(frame.dtypes)
