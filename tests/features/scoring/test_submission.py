"""A submission in the sample's form, and the refusal of every other one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from features.errors import UserError
from features.scoring.metrics import row_log_loss
from features.scoring.submission import build, check, classes_of, misfit, of_lower, spell

SAMPLE = pd.DataFrame({"Id": ["3", "01", "2"], "Survived": ["0", "0", "0"]})
IDS = ["01", "2", "3"]
ANSWERS = pd.DataFrame({"answer": ["1", "0", "1"]})


def test_columns_ids_and_order_are_the_samples() -> None:
    made = build(SAMPLE, IDS, ANSWERS, "sample.csv")
    assert made.to_csv(index=False, lineterminator="\n") == "Id,Survived\n3,1\n01,1\n2,0\n"
    check(made, SAMPLE, IDS, {"0", "1"}, "submission.csv")


@pytest.mark.parametrize("prefix", ["", "Status_"])
def test_class_probabilities_are_matched_by_name(prefix: str) -> None:
    sample = pd.DataFrame({"Id": ["1", "2"], f"{prefix}b": ["0", "0"], f"{prefix}a": ["0", "0"]})
    made = build(sample, ["2", "1"], pd.DataFrame({"a": ["0.1", "0.2"], "b": ["0.9", "0.8"]}), "sample.csv")
    assert made.to_csv(index=False, lineterminator="\n") == f"Id,{prefix}b,{prefix}a\n1,0.8,0.2\n2,0.9,0.1\n"
    check(made, sample, ["2", "1"], None, "submission.csv")


@pytest.mark.parametrize(
    ("sample", "ids", "message"),
    [
        pytest.param(SAMPLE[["Id"]], IDS, "1 columns; expected 2", id="no answer column"),
        pytest.param(SAMPLE.assign(More="0"), IDS, "3 columns; expected 2", id="a column too many"),
        pytest.param(
            SAMPLE, ["01", "2", "4"], "column 'Id': 1 ids are not in the test table.*'3' in row 2", id="no id"
        ),
        pytest.param(
            SAMPLE.assign(Id=["3", "2", "2"]), IDS, "sample.csv, row 4.*'2' again, first in row 3", id="twice in sample"
        ),
        pytest.param(SAMPLE, ["3", "2", "3"], "test table, row 4.*'3' again", id="twice in test"),
    ],
)
def test_a_sample_that_does_not_fit_is_refused(sample: pd.DataFrame, ids: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        build(sample, ids, ANSWERS, "sample.csv")


def test_a_column_is_of_the_longest_class_that_it_names() -> None:
    """``very_low`` ends in ``_low``: the first class that fits would put P(low) there without a word."""
    classes = ["high", "low", "very_high", "very_low"]
    assert classes_of(["very_low", "low", "high", "very_high"], classes) == ["very_low", "low", "high", "very_high"]
    assert classes_of([f"level_{name}" for name in classes], classes) == classes
    with pytest.raises(ValueError, match="'low' and 'x_low' both name class 'low'"):
        classes_of(["low", "x_low"], classes)


@pytest.mark.parametrize(
    ("columns", "task", "metric", "said"),
    [
        (["y"], "regression", "rmse", ""),
        (["y"], "binary", "accuracy", ""),
        (["y"], "binary", "roc_auc", ""),
        (["y_b", "y_a"], "binary", "log_loss", ""),
        (["y_a", "y_b"], "binary", "accuracy", "2 columns of answers; expected 1"),
        (["y"], "binary", "f1", ""),
        (["y_a", "y_b"], "binary", "mcc", "2 columns of answers; expected 1"),
        (["y_a", "y_c"], "binary", "log_loss", "column 'y_c' names no class"),
        (["p", "q"], "regression", "rmse", "2 columns of answers; expected 1"),
        (["y"], "multiclass", "log_loss", "1 columns of answers; expected 2, one for each class"),
        (["y"], "multiclass", "accuracy", ""),
    ],
)
def test_the_columns_follow_from_task_and_metric(columns: list[str], task: str, metric: str, said: str) -> None:
    found = misfit(columns, task, metric, ["a", "b"])
    assert said in found and bool(found) == bool(said)


def test_where_a_contract_names_no_classes_their_columns_are_not_counted() -> None:
    assert misfit(["y_a", "y_b"], "multiclass", "log_loss", []) == ""
    assert "expected 1" in misfit(["y_a", "y_b"], "multiclass", "accuracy", [])


@pytest.mark.parametrize("metric", ["accuracy", "f1", "balanced_accuracy", "mcc"])
def test_decisions_are_sent_as_labels_by_the_threshold(metric: str) -> None:
    made = spell(
        "binary", metric, np.array([[0.1], [0.2], [0.6]]), np.array([0, 1, 1]), ["stay", "churn"], ["y"], "target"
    )
    assert made["answer"].tolist() == ["stay", "churn", "churn"]
    assert not of_lower("binary", metric, ["stay", "churn"], ["p_stay"], "target")


def test_two_classes_may_have_a_column_each() -> None:
    spelt = spell("binary", "log_loss", np.array([[0.25], [1.0]]), None, ["a", "b"], ["y_b", "y_a"], "y")
    made = build(pd.DataFrame({"Id": ["1", "2"], "y_b": "0", "y_a": "0"}), ["1", "2"], spelt, "sample.csv")
    assert made.to_csv(index=False, lineterminator="\n") == "Id,y_b,y_a\n1,0.25,0.75\n2,0.9999999,1e-07\n"


def test_what_is_sent_costs_what_it_was_scored_at() -> None:
    """Log loss counts a probability no nearer to 0 or 1 than ``CLIP``, so none that is nearer is sent."""
    target, answer = np.array([0.0, 1.0]), np.array([[1 - 1e-8], [1e-12]])
    sent = spell("binary", "log_loss", answer, None, ["0", "1"], ["y"], "y")["answer"].astype(float).to_numpy()
    unbounded = -np.log(np.where(target == 1, sent, 1 - sent))
    assert unbounded == pytest.approx(row_log_loss(target, answer), rel=1e-6)
    assert spell("binary", "roc_auc", answer, None, ["0", "1"], ["y"], "y")["answer"].tolist() == ["1", "1e-12"]


def test_a_target_far_from_zero_is_sent_as_it_was_scored() -> None:
    """Seconds since 1970 with a scatter of 500: seven digits would be off by 300."""
    rng = np.random.default_rng(0)
    target = 1.7e9 + 500 * rng.normal(size=500)
    answer = target + 60 * rng.normal(size=500)
    sent = spell("regression", "rmse", answer[:, None], None, [], ["y"], "y")["answer"].astype(float).to_numpy()
    assert np.abs(sent - answer).max() < 0.01


@pytest.mark.parametrize(
    ("column", "target", "classes", "answer"),
    [
        ("approved", "status", ["approved", "denied"], "0.75"),
        ("p_approved", "status", ["approved", "denied"], "0.75"),
        ("denied", "status", ["approved", "denied"], "0.25"),
        ("status", "status", ["approved", "denied"], "0.25"),
        ("level_not_low", "level", ["low", "not_low"], "0.25"),
        ("level_not_high", "level", ["not_high", "high"], "0.75"),
        ("smoker_no", "smoker", ["no", "yes"], "0.75"),
        # A name that holds both classes is after neither.
        ("smoker_yes_no", "smoker", ["no", "yes"], "0.25"),
        ("yes_no", "smoker", ["no", "yes"], "0.25"),
        ("eyes_no", "smoker", ["no", "yes"], "0.75"),
        # A target that is itself called so is asked for as it is.
        ("class_0", "class_0", ["0", "1"], "0.25"),
    ],
)
def test_one_column_named_after_the_lower_class_holds_its_probability(
    column: str, target: str, classes: list[str], answer: str
) -> None:
    spelt = spell("binary", "roc_auc", np.array([[0.25]]), None, classes, [column], target)
    assert spelt["answer"].tolist() == [answer]


def test_blanks_around_the_samples_ids_are_kept_but_no_part_of_them() -> None:
    sample = SAMPLE.assign(Id=["3 ", "01", " 2"])
    made = build(sample, IDS, ANSWERS, "sample.csv")
    assert made["Id"].tolist() == ["3 ", "01", " 2"] and made["Survived"].tolist() == ["1", "1", "0"]
    check(made, sample, IDS, {"0", "1"}, "submission.csv")


def test_a_class_that_the_sample_does_not_name() -> None:
    sample = pd.DataFrame({"Id": ["1"], "a": ["0"], "c": ["0"]})
    with pytest.raises(UserError, match="column 'c' names no class; expected one for each of a, b"):
        build(sample, ["1"], pd.DataFrame({"a": ["1"], "b": ["0"]}), "sample.csv")


GOOD = pd.DataFrame({"Id": ["3", "01", "2"], "Survived": ["1", "1", "0"]})


@pytest.mark.parametrize(
    ("submission", "ids", "allowed", "message"),
    [
        pytest.param(GOOD[["Survived", "Id"]], IDS, {"0", "1"}, r"columns \['Survived', 'Id'\]", id="column order"),
        pytest.param(GOOD.rename(columns={"Id": "id"}), IDS, {"0", "1"}, r"columns \['id'", id="column name"),
        pytest.param(GOOD.head(2), IDS, {"0", "1"}, "2 rows; expected 3", id="a row missing"),
        pytest.param(GOOD, [*IDS, "9"], {"0", "1"}, r"sample lacks \(9\)", id="test has more ids"),
        pytest.param(GOOD.iloc[[1, 0, 2]], IDS, {"0", "1"}, "row 2, column 'Id': '01'; expected '3'", id="id order"),
        pytest.param(GOOD.assign(Survived=["1", None, "0"]), IDS, {"0", "1"}, "row 3.*None", id="missing"),
        pytest.param(GOOD.assign(Survived=["1", "", "0"]), IDS, {"0", "1"}, "row 3.*''", id="empty"),
        pytest.param(
            GOOD.assign(Survived=["1", "1", "0.0"]),
            IDS,
            {"0", "1"},
            "row 4.*'0.0'; expected one of 0, 1",
            id="spelling",
        ),
        pytest.param(GOOD.assign(Survived=["1", "nan", "0"]), IDS, None, "row 3.*'nan'.*finite", id="not a number"),
        pytest.param(GOOD.assign(Survived=["1", "-inf", "0"]), IDS, None, "row 3.*'-inf'.*finite", id="infinite"),
        pytest.param(GOOD.assign(Survived=["1", "yes", "0"]), IDS, None, "row 3.*'yes'.*finite", id="a word"),
    ],
)
def test_a_faulty_submission_is_refused(
    submission: pd.DataFrame, ids: list[str], allowed: set[str] | None, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        check(submission, SAMPLE, ids, allowed, "submission.csv")


def test_many_rows_take_no_longer_than_their_number() -> None:
    """Forty thousand rows in a moment; a check that compared each with all would take minutes."""
    ids = [str(number) for number in range(40_000)]
    sample = pd.DataFrame({"id": ids[::-1], "y": "0"})
    made = build(sample, ids, pd.DataFrame({"answer": ids}), "sample.csv")
    check(made, sample, ids, None, "submission.csv")
    assert made["y"].tolist() == ids[::-1]
