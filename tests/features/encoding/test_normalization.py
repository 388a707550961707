"""Each method's textbook figures, and what becomes of gaps, constants and infinities."""

from __future__ import annotations

import numpy as np
import pytest

from features.encoding.normalization import CLIP, binary_columns, learn
from features.errors import UserError

TEXTBOOK = np.array([[-1.0, 2], [-0.5, 6], [0, 10], [1, 18]])
METHODS = ("zscore", "minmax", "robust", "none")


def scaled(method: str, values: np.ndarray, new: np.ndarray | None = None) -> np.ndarray:
    binary = np.zeros(values.shape[1], bool)
    return learn(method, values, binary).apply(values if new is None else new)


def test_minmax_as_in_the_textbook() -> None:
    assert scaled("minmax", TEXTBOOK).tolist() == [[0, 0], [0.25, 0.25], [0.5, 0.5], [1, 1]]


def test_zscore_has_mean_0_and_sd_1() -> None:
    found = scaled("zscore", TEXTBOOK)
    assert found.mean(axis=0) == pytest.approx([0, 0], abs=1e-6) and found.std(axis=0) == pytest.approx([1, 1])


def test_robust_bends_an_outlier_below_the_clip() -> None:
    values = np.append(np.arange(9.0), 1e6)[:, None]
    found = scaled("robust", values)[:, 0]
    assert (np.diff(found) > 0).all() and 2.9 < found[-1] <= 3
    assert found[4:6].sum() == pytest.approx(0, abs=1e-6), "the median lies between them"


def test_robust_divides_by_the_quartiles_distance() -> None:
    """Of 0 to 8, shifted: median 14, quartiles 12 and 16. Where those coincide, by the range."""
    found = scaled("robust", np.arange(10.0, 19)[:, None], np.array([[18.0]]))[0, 0]
    assert found == pytest.approx(1 / np.sqrt(1 + (1 / CLIP) ** 2))
    found = scaled("robust", np.array([3.0, *[5.0] * 8, 7.0])[:, None], np.array([[7.0]]))[0, 0]
    assert found == pytest.approx(0.5 / np.sqrt(1 + (0.5 / CLIP) ** 2))


def test_keras_agrees_with_zscore() -> None:
    pytest.importorskip("keras")
    assert scaled("keras", TEXTBOOK) == pytest.approx(scaled("zscore", TEXTBOOK), abs=1e-5)


def test_none_changes_nothing() -> None:
    assert scaled("none", TEXTBOOK).tolist() == TEXTBOOK.tolist()


@pytest.mark.parametrize("method", METHODS)
def test_a_gap_becomes_the_median_of_the_rows_learned_from(method: str) -> None:
    values, new = np.array([[1.0], [2.0], [9.0], [np.nan]]), np.array([[2.0], [np.nan]])
    found = scaled(method, values, new)
    assert found[0] == found[1] and found.dtype == np.float32


@pytest.mark.parametrize("method", METHODS)
def test_the_largest_numbers_stay_finite_in_a_unit_far_below_one(method: str) -> None:
    with np.errstate(over="raise"):
        found = scaled(method, np.array([[0.0], [0.01], [0.03]]), np.array([[3.4e38], [-3.4e38]]))
    assert np.isfinite(found).all()


@pytest.mark.parametrize("method", METHODS)
def test_what_is_infinite_in_a_later_row_is_the_largest_number(method: str) -> None:
    """As a formula may be of a new row whose own numbers are not."""
    found = scaled(method, np.array([[0.0], [0.01], [0.03]]), np.array([[np.inf], [1e300], [-np.inf]]))[:, 0]
    assert np.isfinite(found).all() and found[0] == found[1] == -found[2] > 1


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("cell", [5.0, np.nan], ids=["constant", "empty"])
def test_a_column_that_says_nothing_is_nought_and_finite(method: str, cell: float) -> None:
    found = scaled(method, np.full((3, 1), cell))
    assert not found.any()


@pytest.mark.parametrize("method", [method for method in METHODS if method != "none"])
@pytest.mark.parametrize("cell", [7.0, np.nan], ids=["constant", "empty"])
def test_a_value_that_no_train_row_had_says_nothing(method: str, cell: float) -> None:
    """Beside a column that never varied, 50,000 would be an input of 50,000 to weights that learned nothing of it."""
    assert not learn(method, np.full((3, 1), cell), np.array([False])).apply(np.array([[50_000.0]])).round(12).any()
    for flags in (np.zeros((3, 1)), np.full((3, 1), np.nan)):
        flag = learn(method, flags, np.array([True])).apply(np.array([[1.0], [np.nan]]))
        assert flag.tolist() == [[pytest.approx(1.0, abs=0.1)], [0.0]]


def test_robust_leaves_columns_of_0_and_1_alone() -> None:
    values = np.array([[0.0, 3], [1, 4], [1, 8]])
    found = learn("robust", values, np.array([True, False])).apply(values)
    bend = np.sqrt(1 + (1 / CLIP) ** 2)  # the smooth clip still follows
    assert found[:, 0].tolist() == pytest.approx([0, 1 / bend, 1 / bend])


def test_an_infinity_is_refused() -> None:
    with pytest.raises(UserError, match="column number 1 holds an infinity"):
        scaled("zscore", np.array([[0.0, np.inf], [1, 2]]))


def test_columns_of_0_and_1_are_told_by_their_kind() -> None:
    kinds = ("number", "indicator", "integer", "onehot")
    encoding = {"columns": [{"name": kind, "kind": kind} for kind in kinds], "in_fold": ["learned"]}
    assert binary_columns(encoding).tolist() == [False, True, False, True, False]
    assert binary_columns({"columns": [], "in_fold": []}).dtype == bool
