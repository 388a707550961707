"""What pages are written with: tables that hold together, measures with their errors."""

from __future__ import annotations

import pandas as pd

from pipeline.pages.markdown import cell, filled, gain, is_noise, joined, table, told

GAINS = {"small": 0.003, "small_se": 0.002, "large": -0.005, "large_se": 0.001}


def test_a_gain_is_told_from_noise() -> None:
    assert gain(GAINS, "small") == "0.0030 ± 0.0020 (within noise)"
    assert gain(GAINS, "large") == "-0.0050 ± 0.0010" == told(GAINS, "large", "+")
    assert told(GAINS, "small", "+") == "+0.0030 ± 0.0020"
    assert is_noise(pd.Series([0.003, -0.003, 0.005]), 0.002).tolist() == [True, True, False]


def test_a_table_has_a_line_for_each_row_and_is_nothing_without() -> None:
    assert table(("a", "b"), [("x", 1), ("", 2.5)]) == "| a | b |\n|---|---|\n| x | 1 |\n|  | 2.5 |"
    assert table(("a", "b"), []) == ""
    assert table(("a",), [[cell("x|y\n<b> *")]]).endswith("\n| x\\|y &lt;b> \\* |")


def test_parts_are_apart_by_one_empty_line() -> None:
    assert joined("# title", "", "one", table(("a",), [])) == "# title\n\none"
    assert filled("word " * 30).count("\n") == 1
