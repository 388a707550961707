"""Measures of decisions against scikit-learn's, what rows have of them against numerical slopes and drawn tables."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, cohen_kappa_score, f1_score, matthews_corrcoef

from features.scoring import decisions
from features.tasks import DECISIONS, METRICS

OF_SKLEARN = {
    "f1": f1_score,
    "macro_f1": lambda target, decided, **more: f1_score(target, decided, average="macro", **more),
    "balanced_accuracy": balanced_accuracy_score,
    "mcc": matthews_corrcoef,
    "qwk": lambda target, decided, **more: cohen_kappa_score(target, decided, weights="quadratic", **more),
}
# Each measure with the numbers of classes that it is of.
CASES = [(measure, classes) for classes in (2, 4) for measure in DECISIONS if measure != "f1" or classes == 2]


def drawn(rows: int, seed: int, classes: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Classes of unlike shares, of two three in ten 1, and decisions, two in ten of them any other class."""
    rng = np.random.default_rng(seed)
    shares = [0.7, 0.3] if classes == 2 else [0.4, 0.1, 0.3, 0.2]
    target = rng.choice(classes, rows, p=shares)
    other = (target + rng.integers(1, classes, rows)) % classes
    return target.astype(float), np.where(rng.uniform(size=rows) < 0.2, other, target)


@pytest.mark.parametrize(("measure", "classes"), CASES)
def test_a_measure_is_scikit_learn_s_and_the_mean_of_its_rows(measure: str, classes: int) -> None:
    for seed in range(20):
        target, decided = drawn(40, seed, classes)
        wanted = OF_SKLEARN[measure](target, decided)
        assert decisions.value(measure, target, decided) == pytest.approx(wanted)
        assert decisions.row_values(measure, target, decided).mean() == pytest.approx(wanted)


@pytest.mark.parametrize(("measure", "classes"), CASES)
def test_a_row_s_value_is_the_slope_of_the_measure_along_its_weight(measure: str, classes: int) -> None:
    """A row that counts 1 + e times moves the measure by e (value - measure) / n."""
    target, decided = drawn(50, 0, classes)
    values, whole = decisions.row_values(measure, target, decided), decisions.value(measure, target, decided)
    for row in range(50):
        weights = np.ones(50)
        weights[row] += 1e-6
        moved = OF_SKLEARN[measure](target, decided, sample_weight=weights)
        assert (moved - whole) / 1e-6 == pytest.approx((values[row] - whole) / 50, abs=1e-5)


@pytest.mark.parametrize(("measure", "classes"), CASES)
def test_the_values_of_rows_scatter_as_the_measure_does(measure: str, classes: int) -> None:
    found = [decisions.value(measure, *drawn(400, seed, classes)) for seed in range(1000)]
    told = [decisions.row_values(measure, *drawn(400, seed, classes)).std(ddof=1) / 20 for seed in range(50)]
    assert np.mean(told) == pytest.approx(np.std(found), rel=0.1)


@pytest.mark.parametrize("measure", METRICS["multiclass"][2:])
def test_a_class_without_rows_counts_only_where_it_is_decided(measure: str) -> None:
    """As scikit-learn has it: a fold may lack a rare class. The last one, without either, is none at all."""
    target, decided = np.array([0, 0, 1, 3, 3, 1]), np.array([0, 1, 1, 3, 0, 2])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class that is decided has no rows
        wanted = OF_SKLEARN[measure](target, decided)
    assert decisions.value(measure, target, decided) == pytest.approx(wanted)
    shares = np.zeros((6, 6))
    np.add.at(shares, (target, decided), 1 / 6)
    value, slopes = decisions.of_shares(measure, shares)
    assert value == pytest.approx(wanted) and np.isfinite(slopes).all()
    assert (slopes * shares).sum() == pytest.approx(0, abs=1e-12)


def test_several_decisions_at_once_are_each_by_itself() -> None:
    target, _ = drawn(30, 0)
    many = np.random.default_rng(1).integers(0, 2, (2, 3, 30))
    for measure in ("accuracy", *DECISIONS):
        together, rows = decisions.value(measure, target, many), decisions.row_values(measure, target, many)
        assert together.shape == (2, 3) and rows.shape == many.shape
        assert together[1, 2] == decisions.value(measure, target, many[1, 2])
        assert rows[1, 2].tolist() == decisions.row_values(measure, target, many[1, 2]).tolist()


def test_accuracy_is_of_any_number_of_classes() -> None:
    target, decided = np.array([0, 1, 2, 2]), np.array([0, 2, 2, 2])
    assert decisions.value("accuracy", target, decided) == 0.75
    assert decisions.row_values("accuracy", target, decided).tolist() == [1, 0, 1, 1]


def test_rows_decided_alike_have_the_worst_f1_and_no_correlation(recwarn: pytest.WarningsRecorder) -> None:
    target = np.array([0, 0, 1])
    assert decisions.value("f1", target, np.zeros(3, int)) == 0 and decisions.value("mcc", target, np.ones(3, int)) == 0
    assert decisions.row_values("mcc", target, np.ones(3, int)).tolist() == [0, 0, 0]
    assert decisions.value("balanced_accuracy", target, np.ones(3, int)) == 0.5 and not recwarn


@pytest.mark.parametrize("measure", DECISIONS)
def test_rows_of_one_class_have_no_measure(measure: str, recwarn: pytest.WarningsRecorder) -> None:
    for target in (np.zeros(3), np.ones(3)):
        assert np.isnan(decisions.value(measure, target, np.array([0, 1, 1])))
        assert np.isnan(decisions.row_values(measure, target, np.array([0, 1, 1]))).all() and not recwarn


def test_four_imagined_rows_by_hand() -> None:
    """Two rows of each class, all right; with the imagined ones 3 of 4 of each class are."""
    target = np.array([0, 0, 1, 1])
    measure, extra = decisions.imagined("f1", target, target)
    assert measure == pytest.approx(2 * 3 / (2 * 3 + 1 + 1))
    # f1 = 2 tp / (2 tp + fp + fn) of the shares 3/8, 1/8 and 1/8: slopes 0, -0.75, -0.75 and 0.5; of each class the
    # row that is right comes first.
    assert extra == pytest.approx([0.75, 0.0, 1.25, 0.0])
    assert decisions.imagined("balanced_accuracy", target, target)[0] == 0.75
    assert decisions.imagined("mcc", target, target)[0] == pytest.approx(0.5)


def test_six_imagined_rows_of_three_classes_by_hand() -> None:
    """One row of each class, all right; with the imagined ones 2 of 3 of each class are, half a row as each other."""
    target = np.arange(3)
    value, extra = decisions.imagined("balanced_accuracy", target, target)
    # Slopes of a class's own share, 1/3: 1/3 (1 - 2/3) / (1/3) for what is right, - 1/3 (2/3) / (1/3) for what is not.
    assert value == pytest.approx(2 / 3) and extra == pytest.approx([1.0, 0.0] * 3)
    assert decisions.imagined("qwk", target, target)[0] == pytest.approx(1 - (4 * 0.5 * 1 + 2 * 0.5 * 4) / 9 / (4 / 3))


@pytest.mark.parametrize("measure", ["accuracy", *DECISIONS])
def test_what_is_expected_of_true_probabilities_comes(measure: str) -> None:
    rng = np.random.default_rng(0)
    chances = rng.uniform(size=200_000) ** 3
    target = (rng.uniform(size=200_000) < chances).astype(float)
    for threshold in (0.2, 0.5):
        decided = (chances > threshold).astype(int)
        came = decisions.value(measure, target, decided)
        assert decisions.expected(measure, chances[:, None], decided) == pytest.approx(came, abs=0.005)


def test_no_other_measure() -> None:
    with pytest.raises(KeyError, match="recall"):
        decisions.value("recall", np.array([0, 1]), np.array([0, 1]))
