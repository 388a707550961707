"""Titanic's own features, one function a group; ``encode.features`` in params.yaml switches each on or off."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from features.contract import Contract
from features.derived import Derived, chosen

GROUPS = (
    "pclass",
    "sex",
    "sex_class",
    "title",
    "age",
    "family_size",
    "fare",
    "deck",
    "embarked",
    "ticket_group",
    "group_survival",
)
# Rarer titles, by what they say of sex, age and standing.
_TITLES = {"Mlle": "Miss", "Ms": "Miss", "Mme": "Mrs", "Lady": "Mrs", "Countess": "Mrs", "Dona": "Mrs", "Don": "Mr"}
_COMMON = ("Mr", "Mrs", "Miss", "Master")
# Decks with too few known passengers to stand alone are joined with those nearest in class and fate.
_DECKS = {"A": "A", "B": "BDE", "C": "C", "D": "BDE", "E": "BDE", "F": "FG", "G": "FG"}
# What group survival says of a circle of people, see there.
_EVIDENCE = ("woman's women", "woman's men", "man's women", "man's men", "known mates")
# Imagined groupmates at the prior rate: a group's evidence grows with the number of its known members.
_SMOOTHING = 1.0


def build(frame: pd.DataFrame, contract: Contract, switches: Mapping[str, bool]) -> Derived:
    """The columns of the groups switched on, from the typed tables of train and test, one under the other."""
    on = chosen(GROUPS, switches)
    numbers: dict[str, pd.Series] = {}
    categories: dict[str, pd.Series] = {}
    title, family = titles(frame["Name"]), frame["SibSp"] + frame["Parch"] + 1
    shared_ticket = frame.groupby("Ticket")["Ticket"].transform("size").astype(float)
    if "pclass" in on:
        categories["Pclass"] = frame["Pclass"]
    if "sex" in on:
        categories["Sex"] = frame["Sex"]
    # A woman or child in the sense of the woman-child-group rule: every woman, and boys called Master.
    woman_or_child = ((frame["Sex"] == "female") | (title == "Master")).to_numpy()
    if "sex_class" in on:
        # Class decides much for women and children, little for men: a product that a small network learns late.
        kind = pd.Series(np.where(woman_or_child, "woman or child", "man"), frame.index)
        categories["SexClass"] = kind + " " + frame["Pclass"]
    if "title" in on:
        categories["Title"] = title
    if "family_size" in on:
        numbers["FamilySize"] = np.log(family)
        numbers["Alone"] = (family == 1).astype(float)
    if "fare" in on:
        # A fare of 0 is a gift or a gap in the records, no price.
        numbers["FareEach"] = np.log1p(frame["Fare"].where(frame["Fare"] > 0) / shared_ticket)
    if "deck" in on:
        categories["Deck"] = decks(frame["Cabin"])
    if "embarked" in on:
        categories["Embarked"] = frame["Embarked"]
    if "ticket_group" in on:
        numbers["TicketGroup"] = np.log(shared_ticket)
    # Families travel on several tickets and tickets hold several families, so both circles have their say.
    party, ticket = parties(frame), pd.factorize(frame["Ticket"])[0]
    in_fold: list[str] = []
    if "age" in on:
        in_fold += ["Age", "Child"]
    if "group_survival" in on:
        in_fold += [f"{name} by {circle}" for circle in ("party", "ticket") for name in _EVIDENCE]
    age = frame["Age"].to_numpy(float)

    def learn(target: np.ndarray, train: np.ndarray) -> np.ndarray:
        columns = []
        if "age" in on:
            columns.append(age_by_title(age, title.to_numpy(), train))
        if "group_survival" in on:
            columns += [group_survival(circle, woman_or_child, target, train) for circle in (party, ticket)]
        return np.column_stack(columns) if columns else np.zeros((len(frame), 0))

    return Derived(
        pd.DataFrame(numbers, frame.index), pd.DataFrame(categories, frame.index), party, tuple(in_fold), learn
    )


def baseline(frame: pd.DataFrame) -> pd.Series:
    """The rule to beat, all women survive: the target as spelt for each row of a raw table."""
    return frame["Sex"].map({"female": "1", "male": "0"})


def titles(names: pd.Series) -> pd.Series:
    """``Mr``, ``Mrs``, ``Miss``, ``Master`` or ``Other`` (officers, clergy, doctors) from ``Surname, Title. Given
    names``."""
    found = names.str.extract(r",\s*([^.,]+)\.", expand=False).str.strip().replace(_TITLES)
    return found.where(found.isin(_COMMON), "Other")


def decks(cabins: pd.Series) -> pd.Series:
    """The first cabin's deck, from A (boat deck) down to G, small decks joined; ``Unknown`` where none is recorded,
    which most are not, or where the letter is no deck."""
    return cabins.str[0].map(_DECKS).fillna("Unknown")


def parties(frame: pd.DataFrame) -> np.ndarray:
    """A number for each row ``[n]``, the same for people who travel together. Labels are not looked at.

    Together are those on one ticket; those of one surname whose tickets differ in the last character only, as tickets
    bought one after another do; and those of one surname, class, port and family size with relatives on board.
    """
    surname = frame["Name"].str.split(",").str[0]
    family = frame["SibSp"] + frame["Parch"] + 1
    kin = surname + "|" + frame["Pclass"].astype(str) + "|" + family.astype(str) + "|" + frame["Embarked"].fillna("?")
    kin = kin.where(family > 1, "alone " + pd.Series(range(len(frame)), frame.index).astype(str))
    bought_together = surname + "|" + frame["Ticket"].str[:-1]
    leader = np.arange(len(frame))

    def root(row: int) -> int:
        while leader[row] != row:
            row = leader[row]
        return row

    for key in (frame["Ticket"], bought_together, kin):
        first: dict[str, int] = {}
        for row, value in enumerate(key):
            one, other = root(row), root(first.setdefault(value, row))
            leader[max(one, other)] = min(one, other)
    return np.array([root(row) for row in range(len(frame))])


def age_by_title(age: np.ndarray, title: np.ndarray, train: np.ndarray) -> np.ndarray:
    """``[n, 2]``: age in years and how far it is below 16.

    A missing age is the median of the fold's train rows of that title, else of all of them, else NaN.
    """
    filled = age.copy()
    known = ~np.isnan(age[train])
    overall = np.median(age[train][known]) if known.any() else np.nan
    for name in np.unique(title):
        ages = age[train][known & (title[train] == name)]
        filled[np.isnan(age) & (title == name)] = np.median(ages) if len(ages) else overall
    return np.column_stack([filled, np.maximum(16 - filled, 0)])


def group_survival(party: np.ndarray, woman_or_child: np.ndarray, target: np.ndarray, train: np.ndarray) -> np.ndarray:
    """``[n, 5]``: how the others of a row's party fared, from the labels of the fold's ``train`` rows alone.

    For the party's women and children, and for its men, the surplus of survivors over the prior of that kind,
    ``sum(label - prior) / (count + 1)``; a row's own label is left out. Women and children see both sums in the first
    two
    columns, men in the next two, 0 elsewhere. Last, the logarithm of one plus the number of known mates.
    Source: C. Deotte's woman-child-groups for Kaggle's Titanic (2018), here learned inside each fold.
    """
    known = np.zeros(len(party), bool)
    known[train] = True
    label = np.zeros(len(party))
    label[train] = target[train]
    sums, counts = [], []
    for kind in (woman_or_child, ~woman_or_child):
        of_kind = known & kind
        prior = label[of_kind].mean() if of_kind.any() else 0.5
        surplus = np.where(of_kind, label - prior, 0.0)
        total = np.bincount(party, surplus, minlength=len(party))[party] - surplus
        count = np.bincount(party, of_kind, minlength=len(party))[party] - of_kind
        sums.append(total / (count + _SMOOTHING))
        counts.append(count)
    evidence = np.column_stack(sums)
    return np.column_stack(
        [
            np.where(woman_or_child[:, None], evidence, 0.0),
            np.where(woman_or_child[:, None], 0.0, evidence),
            np.log1p(counts[0] + counts[1]),
        ]
    )
