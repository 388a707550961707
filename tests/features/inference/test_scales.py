"""Which words are steps of a scale, and which only look like it."""

from __future__ import annotations

import pytest

from features.inference.scales import ABSENT, SCALES, order_of


@pytest.mark.parametrize(
    ("levels", "order"),
    [
        (["Ex", "Fa", "Gd", "Po", "TA"], ("Po", "Fa", "TA", "Gd", "Ex")),
        (["Ex", "Gd", "NA", "TA"], ("NA", "TA", "Gd", "Ex")),
        (["high", "Low", "medium"], ("Low", "medium", "high")),
        (["N", "P", "Y"], ("N", "P", "Y")),
        (["No", "Mn", "Av", "Gd"], ("No", "Mn", "Av", "Gd")),
        (["M", "S", "L"], ("S", "M", "L")),
        (["low", "high"], None),
        (["none", "low", "high"], None),
        (["low", "medium", "high", "purple"], None),
        (["low", "medium", "moderate", "high"], None),
        (["poor", "average", "typical", "good"], None),
        (["red", "green", "blue"], None),
        ([], None),
        (["24-28", "<18", "18-23", "65+"], ("<18", "18-23", "24-28", "65+")),
        (["0", "1", "2", "3+"], ("0", "1", "2", "3+")),
        (["1", ">4", "4", "never", "2", "3"], ("never", "1", "2", "3", "4", ">4")),
        (["10+ years", "2 years", "< 1 year", "1 year"], ("< 1 year", "1 year", "2 years", "10+ years")),
        (
            ["$10,000 to $49,999", "$5,000 to $9,999", "Under $5,000"],
            ("Under $5,000", "$5,000 to $9,999", "$10,000 to $49,999"),
        ),
        (["More than 100 Days", "0-10", "91-100", "11–20"], ("0-10", "11–20", "91-100", "More than 100 Days")),
        (["1-10%", "11-20%", "21-30%", "No change"], ("1-10%", "11-20%", "21-30%")),
        (["0.5-1.5", "1.5-2", "65 and over"], ("0.5-1.5", "1.5-2", "65 and over")),
        (["5 hours", "10 or more hours", "4 or less hours"], ("4 or less hours", "5 hours", "10 or more hours")),
        (["1-2", "3-4", "unknown", "refused", "5-6"], None),
        (["1 day", "2 days", "3-4 weeks"], None),
        (["1-3", "2-4", "5-6"], None),
        (["2-1", "3-1", "3-2"], None),
        (["2014-15", "2015-16", "2016-17"], None),
        (["1", "2", "3"], None),
        (["10,000+", "0", "0+", "1,000+", "100+"], ("0", "0+", "100+", "1,000+", "10,000+")),
        (["1-5", "10+", "5+"], ("1-5", "5+", "10+")),
        (["1-7", "10+", "5+"], None),
        (["3+", ">3", "1", "2"], None),
        (["1.2.3-4", "5-6", "7-8", "9-10", "1.2-3.4.5"], None),
        (["1Story", "2Story", "1.5Fin", "1.5Unf", "2.5Fin", "2.5Unf"], None),
    ],
)
def test_an_order_is_proposed_where_every_word_has_a_step_of_its_own(
    levels: list[str], order: tuple[str, ...] | None
) -> None:
    assert order_of(levels) == order


def test_no_scale_has_a_word_twice() -> None:
    for scale in SCALES:
        words = [word for step in scale for word in step]
        assert len(words) == len(set(words)) and all(word == word.lower() for word in words), scale
    assert all(word == word.lower() for word in ABSENT)
