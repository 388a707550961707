"""Which column is taken for the target, and for which task and metric."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.contracts.contract import Contract
from features.errors import UserError
from features.inference.first_contract import infer
from features.inference.target_column import whole_labels
from tests.tables import WORDS, decided, table

BITS, MARKS = [0, 1] * 30, list(range(1, 8)) * 10
FLOATS = ["0.0", "1.0"] * 30
SKEWED = [round(float(v), 2) for v in np.exp(np.random.default_rng(0).normal(10, 1, 60))]
EVEN = [round(float(v), 2) for v in np.random.default_rng(0).normal(0, 1, 60)]
ODD = [*EVEN[:57], "12o", "1.5", "?"]


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ([f"{n + 20} {'lb' if n % 3 else 'kg'}" for n in range(60)], "numbers with 'lb', 'kg', 60 different ones"),
        ([f"{n + 20}{' lb' * (n % 2)}" for n in range(60)], "numbers with 'lb' or nothing, 60 different ones"),
        ([f"x{n}y{n}" for n in range(60)], "words, 60 different ones in 60 rows"),
    ],
)
def test_a_target_in_two_units_is_to_be_written_as_numbers(target: list[Any], said: str) -> None:
    with pytest.raises(UserError, match=f"the target 'y' is {said}.* write them alone, in one unit, as 1234.5"):
        decided(target)
    with pytest.raises(UserError, match="class 'c' of the target 'y' has 1 row "):
        decided([*WORDS, "c"])


def test_amounts_in_brackets_are_a_target_of_numbers() -> None:
    found = decided([f"({n})" if n % 4 == 0 else f"{n * 1.5:.1f}" for n in range(1, 61)])
    assert found.task == "regression" and found.contract.typed(found.train, "t", True)["y"][3] == -4


@pytest.mark.parametrize(
    ("target", "sample", "given", "task", "metric"),
    [
        (WORDS, {"y": ["a", "a"]}, {}, "binary", "accuracy"),
        (["True", "False"] * 30, {"y": ["False", "False"]}, {}, "binary", "accuracy"),
        (BITS, {"y": [0, 0]}, {}, "binary", "accuracy"),
        (BITS, {"y": [0.5, 0.5]}, {}, "binary", "roc_auc"),
        (BITS, {"y": [0.5, 0.5]}, {"metric": "log_loss"}, "binary", "log_loss"),
        (BITS, None, {}, "binary", "accuracy"),
        (MARKS, {"y": [1, 1]}, {}, "multiclass", "accuracy"),
        (MARKS, {f"y_{k}": [0.1, 0.1] for k in range(1, 8)}, {}, "multiclass", "log_loss"),
        (FLOATS, {"y": [0, 0]}, {}, "binary", "accuracy"),
        (FLOATS, {"y": ["0.0", "0.0"]}, {}, "binary", "accuracy"),
        (FLOATS, {"y": [0.5, 0.5]}, {}, "binary", "roc_auc"),
        (FLOATS, None, {"metric": "mae"}, "regression", "mae"),
        (MARKS, None, {"metric": "mape"}, "regression", "mape"),
        (["0", "1", "0.0", "1.0"] * 15, {"y": [0, 0]}, {}, "binary", "accuracy"),
        (["1.0", "2.0", "3.0"] * 20, {"y": [1, 1]}, {}, "multiclass", "accuracy"),
        (["1.0", "2.0", "3.0"] * 20, {f"y_{k}": [0.1, 0.1] for k in (1, 2, 3)}, {}, "multiclass", "log_loss"),
        (["1.0", "2.0", "3.0"] * 20, {f"y_{k}.0": [0.1, 0.1] for k in (1, 2, 3)}, {}, "multiclass", "log_loss"),
        (MARKS, {"y": [3.5, 3.5]}, {}, "regression", "rmse"),
        (MARKS, None, {"metric": "mae"}, "regression", "mae"),
        (EVEN, {"y": [0, 0]}, {}, "regression", "rmse"),
        (SKEWED, {"y": [0, 0]}, {}, "regression", "rmsle"),
        (SKEWED, {"price": [1, 1]}, {"metric": "rmse"}, "regression", "rmse"),
    ],
)
def test_task_and_metric(
    target: list[Any], sample: dict[str, list[Any]] | None, given: dict[str, str], task: str, metric: str
) -> None:
    found = decided(target, sample, **given)
    assert (found.task, found.metric) == (task, metric)
    assert (found.contract.id, found.contract.target) == ("key", "y")
    assert found.contract.column("y").type == ("number" if task == "regression" else "category")
    assert Contract.from_mapping(found.contract.to_mapping(), "contract") == Contract(
        found.contract.columns, "contract"
    )
    if sample is None:
        assert found.sample.columns.tolist() == ["key", "y"] and found.sample["key"].tolist() == ["901", "902"]


def test_a_target_of_which_few_rows_decide_the_score_is_told() -> None:
    told = "a few rows far from the others decide the score"
    money = [0, *SKEWED[:56], 2e7, 3e7, 4e7]
    assert f"{told}; --metric rmsle or mae if the" in decided(money, {"y": [0, 0]}).reasons["y"]
    assert f"{told}; --metric mae if the" in decided([-1, *money[1:]], {"y": [0, 0]}).reasons["y"]
    assert told not in decided(EVEN, {"y": [0, 0]}).reasons["y"]


@pytest.mark.parametrize(("target", "values"), [(FLOATS, ("0", "1")), (["1.0", "2", "10.0"] * 20, ("1", "2", "10"))])
def test_labels_spelt_as_floats_are_written_as_integers(target: list[Any], values: tuple[str, ...]) -> None:
    found = decided(target, {"y": [target[0], target[1]]})
    assert found.contract.column("y").values == values and set(found.train["y"]) == set(values)
    assert found.sample["y"].tolist() == list(values[:2])
    assert f"y: labels spelt as floats ({target[0]!r}), written as integers" in found.notes
    assert decided(["01", "02"] * 30).contract.column("y").values == ("01", "02")
    assert whole_labels(pd.Series(["2.0", None, "1"], dtype=object)).tolist() == ["2", None, "1"]
    assert set(decided(FLOATS, metric="rmse").train["y"]) == set(FLOATS)


def test_the_sample_tells_the_target_by_its_classes() -> None:
    train = table(["a", "b", "c"] * 20, why=["p", "q", "r"] * 20)
    test = pd.DataFrame({"key": ["901", "902"], "x": ["0.1", "0.2"]}, dtype=object)
    sample = pd.DataFrame({"key": ["901", "902"], "a": "1", "b": "0", "c": "0"}, dtype=object)
    found = infer(train, test, sample)
    assert (found.contract.target, found.metric) == ("y", "log_loss")
    with pytest.raises(UserError, match="test lacks 2 columns of train"):
        infer(train, test, sample.rename(columns={"c": "d"}))


def test_of_several_targets_one_is_learned_at_a_time() -> None:
    train, test = table(BITS, z=BITS[::-1]), pd.DataFrame({"key": ["901", "902"], "x": ["0.1", "0.2"]}, dtype=object)
    sample = pd.DataFrame({"key": ["901", "902"], "y": "0.5", "z": "0.5"}, dtype=object)
    with pytest.raises(UserError, match=r"asks for 2 columns that test lacks: .*; one target is learned at a time\. "):
        infer(train, test, sample)
    found = infer(train, test, sample, target="z")
    assert found.sample.columns.tolist() == ["key", "z"] and found.metric == "roc_auc"
    assert "the sample submission asks for y, too; the one made here has 'z' alone" in found.notes


def test_one_answer_for_all_rows_leaves_the_metric_open() -> None:
    assert "--metric roc_auc or log_loss if" in decided(BITS, {"y": [0, 0]}).reasons["y"]
    assert "--metric roc_auc" not in decided(BITS, {"y": [0, 1]}).reasons["y"]
    assert "--metric roc_auc" not in decided(WORDS, {"y": ["a", "a"]}).reasons["y"]
    assert "--metric rmsle if the competition says so" in decided([abs(x) for x in EVEN]).reasons["y"]
    assert "--metric rmsle" not in decided(EVEN).reasons["y"]


@pytest.mark.parametrize(
    ("target", "given", "positive", "why"),
    [
        (["Churn"] * 10 + ["Stay"] * 50, {"metric": "f1"}, "Churn", "the rarer one; --positive if"),
        (["Yes"] * 50 + ["No"] * 10, {"metric": "f1"}, "Yes", "the second of the two; --positive if"),
        ([0] * 10 + [1] * 50, {"metric": "f1"}, "1", "the second of the two; --positive if"),
        (WORDS, {"metric": "f1", "positive": "a"}, "a", "named with --positive"),
        (WORDS, {"metric": "roc_auc", "positive": "a"}, "a", "named with --positive"),
        (WORDS, {"metric": "mcc"}, "", ""),
    ],
)
def test_of_which_class_f1_is(target: list[Any], given: dict[str, str], positive: str, why: str) -> None:
    found = decided(target, **given)
    assert found.positive == positive
    assert (f"; of class {positive!r}: {why}" if positive else f"metric {given['metric']}: named") in found.reasons["y"]


def test_a_positive_class_that_is_none_is_refused() -> None:
    with pytest.raises(UserError, match="--positive is 'c', but the target has a, b. Name one of two classes"):
        decided(WORDS, metric="f1", positive="c")
    with pytest.raises(UserError, match="--positive is '1', but the target has no two classes"):
        decided(MARKS, positive="1")


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        ("auc", "did you mean 'roc_auc'?"),
        ("F1-score", "did you mean 'f1'?"),
        ("matthews", "did you mean 'mcc'?"),
        ("quadratic-weighted-kappa", "did you mean 'qwk'?"),
        ("r2", "take rmse, by which models rank the same."),
        ("gini", "take roc_auc, by which models rank the same."),
        ("balanced_acuracy", "did you mean 'balanced_accuracy'?"),
    ],
)
def test_other_names_of_metrics_are_known(metric: str, said: str) -> None:
    with pytest.raises(UserError, match=f"--metric is {metric!r}; ") as error:
        decided(BITS, metric=metric)
    assert said in str(error.value)


@pytest.mark.parametrize("metric", ["f1", "roc_auc"])
def test_metrics_of_two_classes_need_two(metric: str) -> None:
    assert decided(BITS, metric=metric).task == "binary"
    others = "accuracy, log_loss, macro_f1, balanced_accuracy, mcc or qwk"
    with pytest.raises(UserError, match=f"--metric {metric} is of two classes, the target has 7. Use {others}"):
        decided(MARKS, metric=metric)


@pytest.mark.parametrize("metric", ["macro_f1", "balanced_accuracy", "mcc", "qwk"])
def test_metrics_of_decisions_are_of_two_classes_or_more(metric: str) -> None:
    assert decided(BITS, metric=metric).task == decided(WORDS, metric=metric).task == "binary"
    assert decided(MARKS, metric=metric).task == "multiclass"


@pytest.mark.parametrize("target", [["low", "mid", "high"] * 20, [1, 2, 4] * 20, ["1", "2", "3+"] * 20])
def test_the_quadratic_kappa_needs_classes_that_are_numbers_in_equal_steps(target: list[Any]) -> None:
    with pytest.raises(UserError, match="--metric qwk asks how far apart classes lie, but those of the target are"):
        decided(target, metric="qwk")
    assert decided([10, 20, 30] * 20, metric="qwk").task == "multiclass"


def test_a_rare_class_asks_for_another_metric_than_accuracy() -> None:
    assert (
        "; few rows are 'b', so perhaps --metric f1" in decided(["a"] * 50 + ["b"] * 10, {"y": ["a", "b"]}).reasons["y"]
    )
    assert "--metric f1" not in decided(["a"] * 45 + ["b"] * 15, {"y": ["a", "b"]}).reasons["y"]
    several = decided([1] * 64 + [2, 3] * 3, {"y": [1, 2]}).reasons["y"]
    assert "few rows are '3', so perhaps --metric macro_f1 or balanced_accuracy" in several
    assert several.endswith("; --metric qwk if an answer further off is a greater mistake")
    assert "few rows" not in decided([1] * 30 + [2] * 30 + [3] * 15, {"y": [1, 2]}).reasons["y"]
    assert "--metric" not in decided(["a", "b", "c"] * 20, {"y": ["a", "b"]}).reasons["y"]


@pytest.mark.parametrize("metric", [None, "accuracy"])
@pytest.mark.parametrize(
    ("target", "said"),
    [
        (["yes", "no", "yes", "NaN"] * 20, "missing in 20 rows (row 5 first, where it is 'NaN')"),
        (["NA"] * 40, "missing in 40 rows (row 2 first, where it is 'NA')"),
        (["1", "0", "NA"] * 20, "missing in 20 rows (row 4 first, where it is 'NA')"),
    ],
)
def test_a_word_for_missing_is_no_class(target: list[str], said: str, metric: str | None) -> None:
    with pytest.raises(UserError) as caught:
        decided(target, None, **({} if metric is None else {"metric": metric}))
    assert said in str(caught.value) and "Delete these rows" in str(caught.value)


@pytest.mark.parametrize("given", [{}, {"metric": "rmse"}])
def test_a_slip_among_numbers_makes_no_classes_of_them(given: dict[str, str]) -> None:
    with pytest.raises(
        UserError, match="train, row 59: the target 'y' is '12o', but 58 of 60 cells are numbers"
    ) as told:
        decided(ODD, **given)
    assert "Correct or delete the rows" in str(told.value) and ("--metric accuracy" in str(told.value)) == (not given)
    # A mark for a missing value is no class, however frequent; another word may be one.
    with pytest.raises(UserError, match="the target 'y' is '\\?', but 80 of 120 cells are numbers"):
        decided(["1", "2", "?"] * 40)
    assert decided(["1", "2", "?"] * 40, metric="accuracy").task == "multiclass"
    assert decided(["1", "2", "3+"] * 40).task == "multiclass"


@pytest.mark.parametrize(("target", "said"), [(ODD, "'y' is '12o', but"), (["n/a", *EVEN[:59]], "where it is 'n/a'")])
def test_a_cell_is_told_as_it_stands_in_the_file(target: list[str], said: str) -> None:
    train, test = table(target), table(["a", "b"]).drop(columns="y").assign(key=["901", "902"])
    train["y"] = train["y"].map(np.str_)
    with pytest.raises(UserError, match=said):
        infer(train, test, None)


def test_na_may_be_a_class_where_it_is_as_frequent_as_others() -> None:
    found = decided(["NA", "EU", "ASIA", "EU", "ASIA"] * 12)
    assert found.contract.column("y").values == ("ASIA", "EU", "NA") and found.rarest == 12
    assert any("y: 'NA' (12 rows) is taken for a class" in note for note in found.notes)
    typed = found.contract.typed(found.train, "train.csv", True)
    assert typed["y"].notna().all()
    with pytest.raises(UserError, match=r"missing in 3 rows \(row 2 first, where it is 'NA'\). Delete"):
        decided(["NA"] * 3 + ["EU", "ASIA"] * 15)


def test_a_sample_may_spell_whole_labels_as_floats() -> None:
    found = decided(MARKS, {"y": ["3.0", "1.0"]})
    assert (found.task, found.metric) == ("multiclass", "accuracy") and found.sample["y"].tolist() == ["3", "1"]
    assert decided([1, 2] * 30, {"y": ["1.0", "2.0"]}).metric == "accuracy"
    assert decided(BITS, {"y": ["0.0", "0.0"]}).metric == "roc_auc", "probabilities"


def test_none_may_be_a_class() -> None:
    assert decided(["none", "mild", "severe"] * 20).contract.column("y").values == ("mild", "none", "severe")


def test_an_infinite_target_is_told() -> None:
    with pytest.raises(UserError, match="row 2: the target 'y' is 'inf'"):
        decided(["inf"] * 40)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("huge", ["3.5e38", "-1e300"])
def test_a_target_that_32_bits_do_not_hold_is_told_before_validate_does(huge: str) -> None:
    with pytest.raises(UserError, match=f"row 3: the target 'y' is '{huge}' .* expected finite numbers of 3.4e38 or"):
        decided([EVEN[0], huge, *EVEN[2:]])


def test_classes_that_differ_in_capital_letters_alone_are_told() -> None:
    told = "y: 'Yes' and 'yes' are two classes; if they are one, write them alike in the file"
    assert told in decided(["no", "yes", "Yes"] * 20).notes
    assert not [note for note in decided(["no", "yes"] * 30).notes if "two classes" in note]


def test_whole_numbers_may_measure_something() -> None:
    assert "--metric rmse" in decided(["1", "2", "3"] * 20).reasons["y"]
    assert "--metric rmse" not in decided(["0", "1"] * 30).reasons["y"]


def test_labels_that_the_sample_spells_otherwise_are_told() -> None:
    coded, spelt = {"y": [0, 0]}, "with the target written as 0 and 1 in train"
    assert decided(WORDS, coded).metric == "roc_auc" and spelt in decided(WORDS, coded).reasons["y"]
    for target, answers in ((WORDS, [0, 0.5]), (FLOATS, [0.25, 0.5])):
        assert spelt not in decided(target, {"y": answers}).reasons["y"]
    told = "the sample submission's answer '0' is no label of the target (a, b), as the answers here will be; if"
    assert [told in note for note in decided(WORDS, coded, metric="accuracy").notes] == [True]
    for target, answers in ((WORDS, ["a", "b"]), (BITS, [0, 1]), (BITS, [0.5, 0.5])):
        assert not [note for note in decided(target, {"y": answers}, metric="accuracy").notes if "no label" in note]


def test_an_empty_answer_column_holds_no_fractions_and_no_labels() -> None:
    train, test = table(MARKS), pd.DataFrame({"key": ["901", "902"], "x": ["0.1", "0.2"]}, dtype=object)
    sample = pd.DataFrame({"key": ["901", "902"], "y": [None, None]}, dtype=object)
    found = infer(train, test, sample)
    assert found.task == "multiclass"
    assert found.reasons["y"].endswith("metric accuracy: the sample has no answers that say otherwise")


def test_the_target_may_be_an_empty_column_of_test() -> None:
    train = table(WORDS, leak=list(range(60)))
    test = pd.DataFrame({"key": ["901"], "x": ["0.1"], "y": [None]}, dtype=object)
    sample = pd.DataFrame({"key": ["901"], "y": ["a"]}, dtype=object)
    found = infer(train, test, sample)
    assert found.contract.target == "y" and "leak" not in found.train and "y" not in found.test
    with pytest.raises(UserError, match="test lacks or has empty 2 columns of train: leak, y. Name the target"):
        infer(train, test, None)
    assert infer(train.drop(columns="leak"), test, None).contract.target == "y"
    # A column that is empty in train too, as spreadsheets leave one, can't be it.
    spare = [frame.assign(spare=None) for frame in (train.drop(columns="leak"), test)]
    assert infer(spare[0], spare[1], None).contract.target == "y"
    with pytest.raises(UserError, match="asks for 'y', which test has; the one column that test lacks is 'leak'"):
        infer(train, test.assign(y="b"), sample)


@pytest.mark.parametrize(
    ("target", "sample", "given", "said"),
    [
        (MARKS, {"y": [1, 1]}, {"metric": "log_loss"}, "expected 7, one for each class"),
        (WORDS, {"y": ["a", "a"], "z": ["b", "b"]}, {"metric": "accuracy"}, "2 columns of answers; expected 1"),
        (EVEN, {"y": [0, 0], "z": [0, 0]}, {}, "2 columns of answers; expected 1"),
        (MARKS, {f"y_{k}": [0.1, 0.1] for k in range(7)}, {}, "'y_0' names no class"),
    ],
)
def test_a_sample_of_another_form(
    target: list[Any], sample: dict[str, list[Any]], given: dict[str, str], said: str
) -> None:
    with pytest.raises(UserError) as caught:
        decided(target, sample, **given)
    assert said in str(caught.value) and "Name the metric with --metric" in str(caught.value)
