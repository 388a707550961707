"""How a cell of numbers is read, by the way its column is written."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from features.contracts.spelling import Spelling, numbers_of


def series(*cells: str | None) -> pd.Series:
    return pd.Series(cells, dtype=object)


def test_points_between_thousands_leave_none_for_decimals() -> None:
    spelling = Spelling(decimal=",", thousands=".")
    found = numbers_of(series("12.500", "12.5", "0.125", "1,5E-05", "1.5E-05"), spelling)[0]
    np.testing.assert_array_equal(found, [12500, math.nan, math.nan, 1.5e-5, 1.5e-5])


def test_brackets_make_a_number_negative() -> None:
    assert numbers_of(series("(12)", "( 1.5 )", "12", "(a)", "(-3)", "()"))[0].tolist()[:3] == [-12, -1.5, 12]
    assert numbers_of(series("(a)", "(-3)", "()", "5 (2)", "(5) low"))[1].all()
