"""Titanic's own columns: what a name, a cabin or a ticket says, and that a switch takes exactly its columns away."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from features import titanic
from features.contract import Contract
from features.derived import Derived
from features.errors import UserError

NO_CONTRACT = Contract(())


def people(**columns: list[Any]) -> pd.DataFrame:
    count = len(next(iter(columns.values())))
    plain: dict[str, Any] = {
        "Pclass": "3", "Name": "Doe, Mr. John", "Sex": "male", "Age": 30.0, "SibSp": 0.0, "Parch": 0.0,
        "Fare": 8.0, "Cabin": np.nan, "Embarked": "S",
    }  # fmt: skip
    frame = pd.DataFrame({name: [value] * count for name, value in plain.items()})
    frame["Ticket"] = [f"{row}00" for row in range(count)]
    frame["Cabin"] = frame["Cabin"].astype(object)  # as the contract types text, even where every cell is missing
    return frame.assign(**columns)


def build(frame: pd.DataFrame, switches: dict[str, bool]) -> Derived:
    return titanic.derive(frame, titanic.fit(frame, NO_CONTRACT, switches, 2))


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("Braund, Mr. Owen Harris", "Mr"),
        ("Sagesser, Mlle. Emma", "Miss"),
        ('Duff Gordon, Lady. (Lucille) ("Mrs Morgan")', "Mrs"),
        ("Rothes, the Countess. of (Lucy Noel)", "Other"),
        ("Palsson, Master. Gosta Leonard", "Master"),
        ("Minahan, Dr. William Edward", "Other"),
        ("no comma at all", "Other"),
    ],
)
def test_title(name: str, title: str) -> None:
    assert titanic.titles(pd.Series([name])).tolist() == [title]


def test_deck_is_unknown_without_a_cabin() -> None:
    assert titanic.decks(pd.Series([np.nan, "C23 C25"])).tolist() == ["Unknown", "C"]


def test_a_party_is_a_ticket_or_a_family() -> None:
    frame = people(
        Name=["Able, Mr. A", "Baker, Mr. B", "Cole, Mrs. C", "Cole, Miss. D", "Doe, Mr. E", "Doe, Mr. F"],
        Ticket=["100", "100", "230", "345", "456", "567"],
        SibSp=[0.0, 0, 1, 1, 0, 0],
    )
    party = titanic.party_of(frame, titanic.parties(frame))
    assert party[0] == party[1], "one ticket"
    assert party[2] == party[3], "one surname, class and port, with relatives on board"
    assert party[4] != party[5], "a shared surname alone makes no family"


def test_a_fare_of_nothing_is_missing_and_a_shared_one_is_divided() -> None:
    frame = people(Fare=[0.0, 20.0, 20.0], Ticket=["1", "2", "2"])
    each = build(frame, {}).numbers["FareEach"]
    assert np.isnan(each[0])
    assert each[1:].tolist() == pytest.approx([np.log(11), np.log(11)])


@pytest.mark.parametrize("group", titanic.GROUPS)
def test_each_group_can_be_switched_off(group: str) -> None:
    frame = people(Age=[4.0, 30.0, np.nan])
    names = [_names(build(frame, switches), switches) for switches in ({}, {group: False})]
    assert names[1] < names[0]


def test_everything_switched_off_leaves_no_column() -> None:
    frame, off = people(Age=[1.0, 2.0]), dict.fromkeys(titanic.GROUPS, False)
    derived, state = build(frame, off), titanic.fit(frame, NO_CONTRACT, off, 2)
    assert not _names(derived, off)
    learned = titanic.learn(derived, state, np.array([0.0]), np.array([0]))
    assert titanic.recall(derived, state, learned).shape == (2, 0)


def test_a_misspelt_group_gets_the_nearest_name() -> None:
    with pytest.raises(UserError, match="'tittle'; did you mean 'title'"):
        titanic.fit(people(Age=[1.0]), NO_CONTRACT, {"tittle": True}, 2)


def test_the_rule_to_beat() -> None:
    assert titanic.baseline(people(Sex=["female", "male"])).tolist() == ["1", "0"]


def _names(derived: Derived, switches: dict[str, bool]) -> set[str]:
    state = titanic.fit(people(Age=[1.0]), NO_CONTRACT, switches, 2)
    return {*derived.numbers.columns, *derived.categories.columns, *titanic.in_fold(state)}
