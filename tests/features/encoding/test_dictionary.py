"""The data dictionary: rules and gaps in words, and which inputs are made from which column."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from features import titanic
from features.contracts.contract import Column, Contract
from features.contracts.spelling import Spelling
from features.encoding import dictionary, encoder

WORDS = tuple(f"w{number}" for number in range(9))
CONTRACT = Contract(
    (
        Column("id", "id", "text", nullable=False, unique=True),
        Column("price", "target", "number", nullable=False),
        Column("left", "feature", "number", minimum=0, group="sides", description="Metres, from | to."),
        Column("right", "feature", "number", group="sides"),
        Column("kind", "feature", "category", values=WORDS),
        Column("when", "feature", "date"),
        Column("off", "feature", "number"),
        Column("note", "ignore", "text", description="constant"),
    )
)
FRAME = pd.DataFrame(
    {
        "left": [1.0, None, 3.0, 4.0] * 5,
        "right": [2.0, 3.0, 5.0, 1.0] * 5,
        "kind": [*WORDS, *WORDS, "w0", "w1"],
        "when": [f"2024-0{1 + number % 9}-1{number % 7}" for number in range(20)],
        "off": 1.0,
    }
)


def state(*defaults: str) -> dict[str, Any]:
    return encoder.fit(
        FRAME, 20, CONTRACT, "plain", {"off": False}, 0,
        defaults=defaults, exceptions={}, min_count=1, missing_indicators=True,
    )[0]  # fmt: skip


def columns(state: dict[str, Any]) -> dict[str, dict[str, str]]:
    missing = {"train": {"left": 5, "kind": 1}, "test": {"left": 0}}
    found = dictionary.columns(CONTRACT, {"train": 2000, "test": 10}, missing, state)
    return {row[0]: dict(zip(dictionary.COLUMNS, row, strict=True)) for row in found}


def test_every_column_says_what_it_is_and_what_becomes_of_it() -> None:
    rows = columns(state("onehot"))
    assert list(rows) == [column.name for column in CONTRACT.columns]
    assert [row["what a network sees"] for row in rows.values()] == [
        "nothing: it names the row",
        "what is to be predicted",
        "1 number, 1 for missing (group sides)",
        "1 number (group sides)",
        "9 one-hot",
        f"{len(state('onehot')['features']['columns'][3]['parts'])} numbers",
        "nothing",
        "nothing",
    ]
    assert rows["left"]["what it is"] == "Metres, from | to." and rows["left"]["role, type"] == "feature, number"
    gaps = {name: row["missing in train / test"] for name, row in rows.items()}
    assert gaps["left"] == "0.2 % / 0" and gaps["kind"] == "< 0.1 % / 0"
    assert {gaps[name] for name in ("id", "price", "right", "note")} == {"none"}


def test_encodings_that_the_search_chooses_among_are_told_as_a_choice() -> None:
    assert columns(state("onehot", "embedding"))["kind"]["what a network sees"] == "9 one-hot or 1 embedded"
    assert columns(state("integer"))["kind"]["what a network sees"] == "1 integer code"


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (CONTRACT.columns[0], "any text, each once, never missing"),
        (CONTRACT.columns[2], "a number, 0 or more"),
        (CONTRACT.columns[4], "one of 'w0', 'w1', 'w2', 'w3', 'w4', 'w5', 'w6', 'w7', ... (9 in all)"),
        (CONTRACT.columns[5], "a date"),
        (Column("a", "feature", "number", spelling=Spelling(missing=("?", "-"))), "a number, '?' or '-' for missing"),
        (CONTRACT.columns[7], "not checked"),
        (Column("a", "feature", "category", nullable=False), "any word, never missing"),
        (
            Column("a", "feature", "category", values=("lo", "hi"), order=("lo", "hi")),
            "one of 'lo', 'hi', from 'lo' up to 'hi'",
        ),
    ],
)
def test_rules_in_words(column: Column, words: str) -> None:
    assert dictionary.rule(column) == words


def test_groups_that_say_what_they_are_stand_in_the_order_asked_for() -> None:
    made = {
        "module": "titanic", "features": {"on": ["fare", "near_tickets"]}, "in_fold": ["own kind on near tickets"],
        "columns": [{"name": "FareEach", "kind": "number"}], "indicators": ["FareEach"], "categories": [], "codes": [],
        "groups": ["fare", "fare", "near_tickets"], "forms": [""] * 3,
    }  # fmt: skip
    near, fare = dictionary.groups(made, ["near_tickets", "fare", "unknown"])
    assert fare == ("fare", "Ticket, Fare", "1 number, 1 for missing", titanic.GROUPS["fare"].sentence)
    assert near[:3] == ("near_tickets", "Pclass, Name, Sex, Ticket", "1 learned in each fold")
    assert dictionary.groups(state("onehot"), ["sides", "kind"]) == []


def test_what_holds_several_values_names_its_parts() -> None:
    """And each part has a row of its own, with its gaps and its inputs."""
    apart = Contract(
        (
            Column("id", "id", "text", nullable=False, unique=True, separator="_", parts=("who", "number")),
            Column("who", "group", "text"),
            Column("number", "feature", "number"),
            Column("y", "target", "number", nullable=False),
            Column("cabin", "ignore", "text", separator="/", parts=("deck", "side")),
            Column("deck", "feature", "category"),
            Column("side", "ignore", "text"),
            Column("size", "feature", "category", separator="x", parts=("width", "height")),
            Column("width", "feature", "number"),
            Column("height", "feature", "number"),
        )
    )
    cells = {"id": [f"{n // 2}_{n % 2}" for n in range(20)], "cabin": ["A/P", "B/S", None, "A/S"] * 5}
    frame = apart.typed(pd.DataFrame(cells | {"size": ["2x4", "4x4"] * 10}, dtype=object), "f.csv", False)
    made, _ = encoder.fit(
        frame, 20, apart, "plain", {}, 0,
        defaults=["onehot"], exceptions={}, min_count=1, missing_indicators=True,
    )  # fmt: skip
    found = dictionary.columns(apart, {"train": 20, "test": 20}, {"train": {"deck": 5}, "test": {}}, made)
    rows = {row[0]: dict(zip(dictionary.COLUMNS, row, strict=True)) for row in found}
    seen = {name: row["what a network sees"] for name, row in rows.items()}
    assert seen["id"] == "nothing: it names the row; its parts, who and number"
    assert seen["cabin"] == "its parts, deck and side" and seen["side"] == "nothing"
    assert seen["size"] == "2 one-hot; its parts, width and height"
    assert (seen["number"], seen["deck"]) == ("1 number", "3 one-hot"), "one for missing cells"
    assert rows["id"]["expected"] == "any text, 2 parts, '_' between them, each once, never missing"
    assert rows["cabin"]["expected"] == "2 parts, '/' between them" and rows["side"]["expected"] == "not checked"
    assert rows["deck"]["missing in train / test"] == "25.0 % / 0"
