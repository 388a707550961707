"""The phrases that messages share."""

from __future__ import annotations

from features.errors import aside, enumerated, hint, listed, nearest

KNOWN = ("folds", "repeats")


def test_the_nearest_known_word_is_asked_for() -> None:
    assert (nearest("fold", KNOWN), nearest("fold", KNOWN, cutoff=0.95), nearest("fold", [])) == ("folds", "", "")
    assert (nearest("FOLDS", KNOWN), nearest("y", ["id", "Y"]), nearest("ID", ["Y", "id"])) == ("folds", "Y", "id")
    assert (hint("fold", KNOWN), hint("x", KNOWN)) == ("; did you mean 'folds'?", ".")
    assert (aside("fold", KNOWN), aside("x", KNOWN)) == (" (did you mean 'folds'?)", "")


def test_words_in_a_row() -> None:
    assert listed(["a", 2, "c"]) == listed(["a", 2, "c"], most=3) == "a, 2, c"
    assert listed(["a", 2, "c"], most=2) == "a, 2, ... (3 in all)"
    assert [enumerated("abc"[:count]) for count in range(4)] == ["", "a", "a and b", "a, b and c"]
    assert enumerated("abc", "or") == "a, b or c"
