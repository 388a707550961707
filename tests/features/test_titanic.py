"""Titanic's own columns: what a name, a cabin or a ticket says, and that a switch takes exactly its columns away."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features import synthetic, titanic
from features.contracts.contract import Contract
from features.contracts.tables import parse_table
from features.derived import Derived
from features.errors import UserError
from pipeline.params import read_document

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


ROOT = Path(__file__).resolve().parents[2]


def test_a_switch_s_comment_says_what_its_group_is() -> None:
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    for name, group in titanic.GROUPS.items():
        (comment,) = re.findall(rf"((?:^ {{8}}# .*\n)+) {{8}}{name}: true$", text, flags=re.MULTILINE)
        assert " ".join(line.strip(" #") for line in comment.splitlines()) == group.sentence


@pytest.mark.parametrize("group", titanic.GROUPS)
def test_a_group_is_made_from_the_columns_that_it_names(group: str) -> None:
    """A group's columns change where one of these is drawn anew, and only there."""
    switches = {name: name == group for name in titanic.GROUPS}
    frame, target = frame_of(synthetic.titanic(400, 0, 3)[0])
    frame.loc[::4, "Ticket"] = [f"{number}0" for number in range(100)]  # whose kin are told by the other columns

    def made(frame: pd.DataFrame) -> bytes:
        state = titanic.fit(frame, NO_CONTRACT, switches, 2)
        derived, train = titanic.derive(frame, state), np.arange(0, 400, 2)
        in_fold = titanic.recall(derived, state, titanic.learn(derived, state, target, train), target, train)
        return derived.numbers.to_csv().encode() + derived.categories.to_csv().encode() + in_fold.tobytes()

    order, before = np.random.default_rng(1).permutation(400), made(frame)
    drawn = {name: frame.assign(**{name: frame[name].to_numpy()[order]}) for name in frame}
    assert {name for name, other in drawn.items() if made(other) != before} == set(titanic.GROUPS[group].columns)
    sources, columns = titanic.sources({"on": [group]}), titanic.groups({"on": [group]})
    assert all(sources[name] == titanic.GROUPS[one].columns for name, one in columns.items())
    assert titanic.about({"on": [group]}) == {group: titanic.GROUPS[group].sentence}


def frame_of(table: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """A table of strings as its contract types it, and the target."""
    contract = Contract.from_mapping(read_document(ROOT / "data" / "contracts" / "titanic.yaml"), "titanic.yaml")
    frame = contract.typed(parse_table(table.to_csv(index=False).encode(), "train.csv"), "train.csv", True)
    return frame.drop(columns=["PassengerId", "Survived"]), (frame["Survived"] == "1").to_numpy(float)


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
