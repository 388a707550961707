"""Which words are steps of a scale, and which only look like it."""

from __future__ import annotations

import pytest

from features.scales import ABSENT, SCALES, order_of


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
