"""How people read measures, alone and beside one another."""

from __future__ import annotations

import pytest

from features.scoring.digits import Digits, shown


@pytest.mark.parametrize(
    ("measure", "value", "said"),
    [
        ("accuracy", 0.86532, "0.8653"),
        ("rmse", 2.0, "2.000"),
        ("mae", 1.23456e-7, "1.235e-07"),
        ("rmse", 0.0001234, "0.0001234"),
        ("rmse", 54.7234, "54.72"),
        ("rmse", 999.97, "1000"),
        ("rmse", 27345.67, "27346"),
        ("rmse", 1.2e6, "1200000"),
        ("rmse", 1.2345e12, "1.234e+12"),
        ("rmse", 0.0, "0.000"),
        ("rmse", float("nan"), "nan"),
    ],
)
def test_a_figure_is_shown_with_the_digits_that_tell(measure: str, value: float, said: str) -> None:
    assert shown(measure, [value]) == [said]
    assert shown(measure, [-value], "+") == [f"{'-' if value > 0 else '+'}{said}"]


@pytest.mark.parametrize(
    ("measure", "values", "said"),
    [
        pytest.param("log_loss", [0.33917, 6.978e-5, None], ["0.3392", "0.0001", ""], id="classes: four decimals"),
        pytest.param("rmsle", [0.33917, 0.00654, 12.3], ["0.3392", "0.0065", "12.3000"], id="those of the first"),
        pytest.param("rmsle", [0.33917, 6.978e-5], ["0.33917", "0.00007"], id="an error too small for them"),
        pytest.param("rmsle", [0.33917, 6.978e-9], ["0.3392", "0.0000"], id="one that is as good as none"),
        pytest.param("mape", [5.1234e-4, 1.2e-6], ["0.0005123", "0.0000012"], id="small shares of a value"),
        pytest.param("rmse", [1.2e6, 34567.8, -0.25], ["1200000.0", "34567.8", "-0.2"], id="large"),
        pytest.param("mae", [5.7e-10, 1.07e-9], ["5.700e-10", "10.700e-10"], id="tiny, in units of the first"),
        pytest.param("rmse", [1.2e12, 3.4e10], ["1.200e+12", "0.034e+12"], id="so large that no digits tell"),
        pytest.param("rmse", [4.1e-9, 7e-11, -2e-13], ["4.1000e-09", "0.0700e-09", "-0.0002e-09"], id="tiny"),
        pytest.param("rmse", [2e-9, 79.1], ["0.000000002000", "79.100000000000"], id="tiny beside what is not"),
        pytest.param("rmse", [0.0, 12.3, 0.0], ["0.00", "12.30", "0.00"], id="0 has no size"),
        pytest.param("rmse", [float("nan"), 0.5], ["nan", "0.5000"], id="nor has what is unknown"),
        pytest.param("rmse", [12.34, float("inf")], ["12.34", "inf"], id="endless"),
        pytest.param("rmse", [5e-320, 1e-320], ["5.000e-320", "1.000e-320"], id="the smallest there are"),
        pytest.param("rmse", [None, 0.0], ["", "0.000"], id="none"),
    ],
)
def test_figures_beside_one_another_have_the_same_decimals(
    measure: str, values: list[float | None], said: list[str]
) -> None:
    assert shown(measure, values) == said
    known = [value for value in values if value is not None]
    digits = Digits.of(measure, *known)
    assert [digits.shown(value) for value in known] == [word for word in said if word]
