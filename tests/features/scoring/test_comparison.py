"""Paired differences, their standard error and the verdict, and which answers moved, on figures worked by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from features.scoring.comparison import Difference, moved_answers, noise, paired, same_folds

LABELS, NUMBERS = ("accuracy", "accuracy"), ("rmse", "rmse")


def folds(*losses: float, rows: int = 10) -> pd.DataFrame:
    count = len(losses)
    return pd.DataFrame(
        {
            "repeat": 0,
            "fold": range(count),
            "rows": rows,
            "scored": [f"{number}ab" for number in range(count)],
            "log_loss": losses,
        }
    )


def test_the_standard_error_knows_that_folds_share_their_train_rows() -> None:
    """Differences -0.1, -0.2, -0.3: mean -0.2, s = 0.1; four folds' worth: (1/3 + 10/20) s^2."""
    found = paired(folds(0.5, 0.5, 0.5), folds(0.4, 0.3, 0.2), "log_loss")
    assert found.mean == pytest.approx(-0.2)
    assert found.error == pytest.approx(np.sqrt((1 / 3 + 1 / 2) * 0.01))


def test_a_fold_without_the_measure_is_left_aside() -> None:
    found = paired(folds(0.5, 0.5, float("nan")), folds(0.4, 0.3, 0.2), "log_loss")
    assert found.mean == pytest.approx(-0.15)
    alone = paired(folds(0.5), folds(0.4), "log_loss")
    assert alone.mean == pytest.approx(-0.1) and np.isnan(alone.error)


@pytest.mark.parametrize(
    ("mean", "error", "measure", "word"),
    [
        (-0.02, 0.005, "log_loss", "better"),
        (0.02, 0.005, "log_loss", "worse"),
        (0.02, 0.005, "accuracy", "better"),
        (0.02, 0.005, "f1", "better"),
        (-0.02, 0.005, "roc_auc", "worse"),
        (0.02, 0.01, "accuracy", "within noise"),
        (0.0, 0.0, "accuracy", "the same"),
    ],
)
def test_the_verdict_follows_the_direction_of_the_measure(mean: float, error: float, measure: str, word: str) -> None:
    assert Difference(mean, error).verdict(measure) == word


@pytest.mark.parametrize("count", [2, 3, 10])
def test_a_run_is_within_noise_of_one_that_differs_by_chance_alone(count: int) -> None:
    """Two sets of folds of the same quality: about one in twenty may pass for a difference, no more. With few folds the
    error itself is hardly known."""
    generator = np.random.default_rng(0)
    verdicts = []
    for _ in range(400):
        both = [folds(*(0.4 + 0.01 * generator.normal(size=count)), rows=90) for _ in range(2)]
        verdicts.append(paired(*both, "log_loss").verdict("log_loss"))
    assert np.mean([word != "within noise" for word in verdicts]) < 0.08


def test_noise_is_two_standard_errors_or_what_few_folds_leave_open() -> None:
    assert noise([2, 3, 5, 10, 100, np.inf]) == pytest.approx([12.71, 4.30, 2.78, 2.26, 2, 2], abs=0.005)
    assert Difference(0.025, 0.01).verdict("accuracy") == "better"
    assert Difference(0.025, 0.01, 5).verdict("accuracy") == "within noise"
    assert paired(folds(0.5, 0.5, float("nan")), folds(0.4, 0.3, 0.2), "log_loss").folds == 2


def test_folds_are_the_same_only_where_they_score_the_same_rows() -> None:
    a = folds(0.5, 0.5)
    assert same_folds(a, folds(0.1, 0.2))
    assert not same_folds(a, a.assign(scored=["x", "y"]))
    assert not same_folds(a, folds(0.5, 0.5, 0.5))


def answers(*cells: str, name: str = "y") -> pd.DataFrame:
    return pd.DataFrame({"id": [str(number) for number in range(len(cells))], name: cells})


def test_labels_flip_and_probabilities_flip_across_a_half() -> None:
    found, rows = moved_answers(answers("0", "1", "1"), answers("0", "0", "1"), LABELS)
    assert rows == 3 and found.to_numpy().tolist() == [["1", "1", "0"]]
    found, _ = moved_answers(answers("0.2", "0.6", "0.7"), answers("0.4", "0.4", "0.9"), ("roc_auc", "log_loss"))
    assert found["id"].tolist() == ["1"]
    a = pd.DataFrame({"id": ["0", "1"], "p_x": ["0.6", "0.6"], "p_y": ["0.4", "0.4"]})
    found, _ = moved_answers(a, a.assign(p_y=["0.5", "0.7"]), ("log_loss", "log_loss"))
    assert found.to_numpy().tolist() == [["1", "p_x", "p_y"]]


def test_labels_that_look_like_probabilities_are_labels() -> None:
    marks = answers("0", "0.5", "1")
    found, _ = moved_answers(marks, answers("0.5", "0.5", "0.5"), LABELS)
    assert found.to_numpy().tolist() == [["0", "0", "0.5"], ["2", "1", "0.5"]]
    found, _ = moved_answers(marks, answers("0.5", "0.5", "0.5"), ("f1", "mcc"))
    assert found.to_numpy().tolist() == [["0", "0", "0.5"], ["2", "1", "0.5"]]
    found, _ = moved_answers(marks, answers("0.1", "0.2", "0.9"), ("accuracy", "roc_auc"))
    assert found.to_numpy().tolist() == [["1", "0.5", "0"]]


def test_numbers_move_and_the_largest_move_comes_first() -> None:
    for metrics in (NUMBERS, ("mape", "mae")):
        found, _ = moved_answers(answers("10", "20", "30"), answers("11", "20", "25"), metrics)
        assert found["id"].tolist() == ["2", "0"]
    found, rows = moved_answers(answers("10", "20"), answers("10", "20", "30"), NUMBERS)
    assert rows == 2 and len(found) == 0
