"""Cells that are no numbers: words, the levels of a category, labels that are missing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.contracts.entry import Column
from features.contracts.words import levels_of, missing_labels, words


def test_a_features_levels_are_all_its_words() -> None:
    cells = pd.Series(["b", "NULL", "n/a", "nan", " b ", "NA"], dtype=object)
    assert levels_of(cells) == ("NA", "NULL", "b", "n/a", "nan")


@pytest.mark.parametrize(
    ("labels", "missing"),
    [
        (["yes", "no", "NaN", "NA", None, "n/a", " null "], [2, 3, 4, 5, 6]),
        (["none", "mild", "None"], []),
        (["1", "None", "2"], [1]),
        (["NA", "none"], [0, 1]),
    ],
)
def test_which_labels_are_missing(labels: list[str | None], missing: list[int]) -> None:
    assert np.flatnonzero(missing_labels(pd.Series(labels, dtype=object))).tolist() == missing


def test_a_boolean_is_read_in_small_or_capital_letters() -> None:
    """A spreadsheet writes TRUE where pandas writes True; of a category they are two words."""
    cells = pd.Series(["True", "TRUE", " false", None, "no"], dtype=object)
    flag = Column("flag", "feature", "boolean", values=("False", "True"))
    assert words(cells, flag).fillna("").tolist() == ["True", "True", "False", "", "no"]
    assert words(cells, replace(flag, values=("TRUE", "True"))).fillna("").tolist()[:2] == ["True", "TRUE"]
    assert words(cells, replace(flag, type="category")).fillna("").tolist() == ["True", "TRUE", "false", "", "no"]


def test_a_whole_number_of_any_length_is_a_word() -> None:
    """A float would hold no more than sixteen digits of it, or none."""
    zips = Column("zip", "feature", "category", values=("2139", "10001"))
    cells = ["2139.0", "10001.", "+7.0", "-0.0", "9" * 400, "12345678901234567890.0"]
    found = words(pd.Series(cells, dtype=object), zips)
    assert found.tolist() == ["2139", "10001", "7", "0", "9" * 400, "12345678901234567890"]
