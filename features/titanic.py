"""Titanic's own features, one function a group; ``encode.features`` in params.yaml switches each on or off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.contracts.contract import Contract
from features.derived import Derived, chosen


@dataclass(frozen=True)
class Group:
    """What a feature group is, for people, and the ``columns`` of the table that it is made from."""

    sentence: str
    columns: tuple[str, ...]


GROUPS = {
    "pclass": Group("Class of the ticket, first to third.", ("Pclass",)),
    "sex": Group("Sex as recorded.", ("Sex",)),
    "sex_class": Group(
        "Woman or child (every woman, and boys called Master) or man, in each class: class decides much for women and "
        "children and little for men, a product that a small network learns late.",
        ("Pclass", "Name", "Sex"),
    ),
    "title": Group(
        "Title in the name: Mr, Mrs, Miss or Master (Mlle counts as Miss, Lady as Mrs), else Other: officers, clergy, "
        "doctors.",
        ("Name",),
    ),
    "age": Group(
        "Age in years, and how far it is below 16. A missing age is the median of the same title in the fold's train "
        "rows.",
        ("Name", "Age"),
    ),
    "family_size": Group(
        "Logarithm of the size of the family aboard (siblings, spouse, parents, children and the passenger), and "
        "whether the passenger is alone.",
        ("SibSp", "Parch"),
    ),
    "fare": Group(
        "Logarithm of the fare of one person: the ticket's price over the number of passengers who share it. A fare "
        "of 0 counts as missing.",
        ("Ticket", "Fare"),
    ),
    "deck": Group(
        "Deck, the first letter of the cabin: A, C, the small ones joined as BDE and FG, or Unknown where no cabin is "
        "recorded.",
        ("Cabin",),
    ),
    "embarked": Group("Port of embarkation.", ("Embarked",)),
    "ticket_group": Group("Logarithm of how many passengers, of train and test, share the ticket.", ("Ticket",)),
    "group_survival": Group(
        "How many more of those who travelled with the passenger survived than is usual, women and children apart from "
        "men: once for the party (one ticket, tickets bought together, kin), once for the ticket. Learned in each "
        "fold, without the passenger's own fate.",
        ("Pclass", "Name", "Sex", "SibSp", "Parch", "Ticket", "Embarked"),
    ),
    "near_tickets": Group(
        "Whether those with nearby ticket numbers, women and children or men as the passenger is, survived more often "
        "than is usual in their class. Learned in each fold, without the passenger's own fate.",
        ("Pclass", "Name", "Sex", "Ticket"),
    ),
}
# Rarer titles, by what they say of sex, age and standing.
_TITLES = {"Mlle": "Miss", "Ms": "Miss", "Mme": "Mrs", "Lady": "Mrs", "Countess": "Mrs", "Dona": "Mrs", "Don": "Mr"}
_COMMON = ("Mr", "Mrs", "Miss", "Master")
# Decks with too few known passengers to stand alone are joined with those nearest in class and fate.
_DECKS = {"A": "A", "B": "BDE", "C": "C", "D": "BDE", "E": "BDE", "F": "FG", "G": "FG"}
# The group of each column that no fold changes.
_OF_COLUMN = {
    "Pclass": "pclass",
    "Sex": "sex",
    "SexClass": "sex_class",
    "Title": "title",
    "FamilySize": "family_size",
    "Alone": "family_size",
    "FareEach": "fare",
    "Deck": "deck",
    "Embarked": "embarked",
    "TicketGroup": "ticket_group",
}
# What group survival says of a circle of people, see there.
_EVIDENCE = ("woman's women", "woman's men", "man's women", "man's men", "known mates")
_CIRCLES = ("party", "ticket")
# The columns that each fold learns anew, by their group.
_IN_FOLD = {
    "age": ["Age", "Child"],
    "group_survival": [f"{name} by {circle}" for circle in _CIRCLES for name in _EVIDENCE],
    "near_tickets": ["own kind on near tickets"],
}
# Tickets sold one after another went to people who travelled together, or knew one another: a ticket's weight falls to
# a third so many numbers away.
_NEAR = 5.0
# Imagined groupmates at the prior rate: a group's evidence grows with the number of its known members.
_SMOOTHING = 1.0


def fit(frame: pd.DataFrame, contract: Contract, switches: Mapping[str, bool], classes: int) -> dict[str, Any]:
    """What new rows need of the tables: the groups switched on, who travels together, how many share a ticket."""
    return {
        "on": [group for group in GROUPS if group in chosen(GROUPS, switches)],
        "parties": parties(frame),
        # Tickets of one person are left out: a ticket not listed is one too.
        "shared_tickets": {str(k): int(v) for k, v in frame["Ticket"].value_counts(sort=False).items() if v > 1},
    }


def derive(frame: pd.DataFrame, state: Mapping[str, Any]) -> Derived:
    """The columns of the groups switched on, from a typed table."""
    title, family = titles(frame["Name"]), frame["SibSp"] + frame["Parch"] + 1
    shared_ticket = frame["Ticket"].map(state["shared_tickets"]).fillna(1).astype(float)
    # A woman or child in the sense of the woman-child-group rule: every woman, and boys called Master.
    woman_or_child = ((frame["Sex"] == "female") | (title == "Master")).to_numpy()
    kind = pd.Series(np.where(woman_or_child, "woman or child", "man"), frame.index)
    all_numbers = {
        "FamilySize": np.log(family),
        "Alone": (family == 1).astype(float),
        # A fare of 0 is a gift or a gap in the records, no price.
        "FareEach": np.log1p(frame["Fare"].where(frame["Fare"] > 0) / shared_ticket),
        "TicketGroup": np.log(shared_ticket),
    }
    all_categories = {
        "Pclass": frame["Pclass"],
        "Sex": frame["Sex"],
        "SexClass": kind + " " + frame["Pclass"],
        "Title": title,
        "Deck": decks(frame["Cabin"]),
        "Embarked": frame["Embarked"],
    }
    numbers, categories = (
        pd.DataFrame({name: cells for name, cells in made.items() if _OF_COLUMN[name] in state["on"]}, frame.index)
        for made in (all_numbers, all_categories)
    )
    party = party_of(frame, state["parties"])
    mark = np.where(woman_or_child, "W", "M").astype(object)
    letters, number = ticket_parts(frame["Ticket"])
    keys = {
        # Families travel on several tickets and tickets hold several families, so both circles have their say.
        "party": party,
        "ticket": frame["Ticket"].to_numpy(object),
        "woman or child": woman_or_child,
        "age": frame["Age"].to_numpy(float),
        "title": title.to_numpy(object),
        "kind": mark + frame["Pclass"].astype(str).to_numpy(object),
        "ticket series": mark + letters,
        "ticket number": number,
    }
    return Derived(numbers, categories, party, keys)


def in_fold(state: Mapping[str, Any]) -> list[str]:
    """Names of the columns that each fold learns anew."""
    return [name for group, columns in _IN_FOLD.items() if group in state["on"] for name in columns]


def groups(state: Mapping[str, Any]) -> dict[str, str]:
    """The feature group, as in ``encode.features``, of each column."""
    return _OF_COLUMN | {name: group for group, columns in _IN_FOLD.items() for name in columns}


def sources(state: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The columns of the table that each column is made from."""
    return {name: GROUPS[group].columns for name, group in groups(state).items()}


def about(state: Mapping[str, Any]) -> dict[str, str]:
    """What each group that is switched on is."""
    return {group: GROUPS[group].sentence for group in state["on"]}


def learn(derived: Derived, state: Mapping[str, Any], target: np.ndarray, train: np.ndarray) -> dict[str, Any]:
    """A fold's ages by title and its fates by circle and by ticket, from ``target[train]`` alone."""
    keys = derived.keys
    learned: dict[str, Any] = {}
    if "age" in state["on"]:
        learned["ages"] = median_ages(keys["age"][train], keys["title"][train])
    if "group_survival" in state["on"]:
        women, lived = keys["woman or child"][train], target[train] > 0.5
        for circle in _CIRCLES:
            learned[circle] = fates(keys[circle][train], women, lived)
    if "near_tickets" in state["on"]:
        learned["tickets"] = ticket_fates(_holders(derived.keys, train), target[train] > 0.5)
    return learned


def _holders(keys: Mapping[str, np.ndarray], rows: np.ndarray | slice = slice(None)) -> Holders:
    return Holders(*(keys[name][rows] for name in ("kind", "ticket series", "ticket number")))


def recall(
    derived: Derived,
    state: Mapping[str, Any],
    learned: Mapping[str, Any],
    target: np.ndarray | None = None,
    train: np.ndarray | None = None,
) -> np.ndarray:
    """The in-fold columns ``[n, g]``; the rows ``train`` that were learned from do not see their own fate."""
    keys, columns = derived.keys, []
    women = keys["woman or child"]
    known, lived = np.zeros(len(women), bool), np.zeros(len(women), bool)
    if target is not None and train is not None:
        known[train], lived[train] = True, target[train] > 0.5
    if "age" in state["on"]:
        columns.append(filled_ages(keys["age"], keys["title"], learned["ages"]))
    if "group_survival" in state["on"]:
        columns += [group_survival(keys[circle], women, learned[circle], known, lived) for circle in _CIRCLES]
    if "near_tickets" in state["on"]:
        columns.append(near_tickets(_holders(keys), learned["tickets"], known, lived))
    return np.column_stack(columns) if columns else np.zeros((len(derived.numbers), 0))


def baseline(frame: pd.DataFrame) -> pd.Series:
    """The rule to beat, all women survive: the target as spelt for each row of a raw table."""
    return frame["Sex"].map({"female": "1", "male": "0"})


def titles(names: pd.Series) -> pd.Series:
    """``Mr``, ``Mrs``, ``Miss``, ``Master`` or ``Other`` (officers, clergy, doctors) from ``Surname, Title. Given
    names``."""
    found = names.str.extract(r",\s*([^.,]+)\.", expand=False).str.strip().map(lambda title: _TITLES.get(title, title))
    return found.where(found.isin(_COMMON), "Other")


def decks(cabins: pd.Series) -> pd.Series:
    """The first cabin's deck, from A (boat deck) down to G, small decks joined; ``Unknown`` where none is recorded,
    which most are not, or where the letter is no deck."""
    return cabins.str[0].map(_DECKS).fillna("Unknown")


def parties(frame: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Who travels together, as ``{kind of key: {key: party}}``. Labels are not looked at.

    Together are those on one ticket; those of one surname whose tickets differ in the last character only, as tickets
    bought one after another do; and those of one surname, class, port and family size with relatives on board.
    """
    leader = np.arange(len(frame))

    def root(row: int) -> int:
        while leader[row] != row:
            row = leader[row]
        return row

    first: dict[str, dict[str, int]] = {}
    for kind, keys in _party_keys(frame).items():
        seen = first.setdefault(kind, {})
        for row, key in enumerate(keys):
            if key is not None:
                one, other = root(row), root(seen.setdefault(key, row))
                leader[max(one, other)] = min(one, other)
    return {kind: {key: int(root(row)) for key, row in seen.items()} for kind, seen in first.items()}


def party_of(frame: pd.DataFrame, known: Mapping[str, Mapping[str, int]]) -> np.ndarray:
    """Each row's party ``[n]``: that of its ticket, else of the neighbouring tickets, else of its kin; -1 for none."""
    found = np.full(len(frame), -1)
    for kind, keys in _party_keys(frame).items():
        for row, key in enumerate(keys):
            if found[row] < 0 and key is not None:
                found[row] = known[kind].get(key, -1)
    return found


def _party_keys(frame: pd.DataFrame) -> dict[str, list[str | None]]:
    surname = frame["Name"].str.split(",").str[0]
    family = frame["SibSp"] + frame["Parch"] + 1
    kin = surname + "|" + frame["Pclass"].astype(str) + "|" + family.astype(str) + "|" + frame["Embarked"].fillna("?")
    return {
        "ticket": frame["Ticket"].tolist(),
        "bought together": (surname + "|" + frame["Ticket"].str[:-1]).tolist(),
        "kin": [key if size > 1 else None for key, size in zip(kin, family, strict=True)],
    }


def median_ages(age: np.ndarray, title: np.ndarray) -> dict[str, Any]:
    """The median age in years of each title with a known age, and of all (None where no age is known)."""
    known = ~np.isnan(age)
    medians = {str(name): float(np.median(age[known & (title == name)])) for name in np.unique(title[known])}
    return {"titles": medians, "all": float(np.median(age[known])) if known.any() else None}


def filled_ages(age: np.ndarray, title: np.ndarray, medians: Mapping[str, Any]) -> np.ndarray:
    """``[n, 2]``: age in years and how far it is below 16; a missing age is its title's median, else that of all, else
    NaN."""
    rest = np.nan if medians["all"] is None else medians["all"]
    filled = np.where(np.isnan(age), [medians["titles"].get(name, rest) for name in title], age)
    return np.column_stack([filled, np.maximum(16 - filled, 0)])


def fates(circle: np.ndarray, woman_or_child: np.ndarray, lived: np.ndarray) -> dict[str, Any]:
    """How a fold's train rows fared: ``circles``: for each, its women and children and its men, as known and
    survived; ``all``: the same of everyone."""
    counts: dict[str, list[int]] = {}
    everyone = [0, 0, 0, 0]
    for key, woman, survived in zip(circle.tolist(), woman_or_child.tolist(), lived.tolist(), strict=True):
        for row in (counts.setdefault(str(key), [0, 0, 0, 0]), everyone):
            row[0 if woman else 2] += 1
            row[1 if woman else 3] += survived
    return {"circles": counts, "all": everyone}


def group_survival(
    circle: np.ndarray, woman_or_child: np.ndarray, learned: Mapping[str, Any], known: np.ndarray, lived: np.ndarray
) -> np.ndarray:
    """``[n, 5]``: how the others of a row's circle fared, by ``fates``; ``known [n]`` rows are among those counted
    there, and their own fate ``lived [n]`` is left out.

    For the circle's women and children, and for its men, the surplus of survivors over the prior of that kind,
    ``(survivors - prior * count) / (count + 1)``. Women and children see both sums in the first two columns, men in
    the next two, 0 elsewhere. Last, the logarithm of one plus the number of known mates.
    Source: C. Deotte's woman-child-groups for Kaggle's Titanic (2018), here learned inside each fold.
    """
    counts = np.array([learned["circles"].get(str(key), (0, 0, 0, 0)) for key in circle], float).reshape(-1, 4)
    everyone, sums, mates = learned["all"], [], np.zeros(len(circle))
    for place, kind in ((0, woman_or_child), (2, ~woman_or_child)):
        prior = everyone[place + 1] / everyone[place] if everyone[place] else 0.5
        own = known & kind
        count, survivors = counts[:, place] - own, counts[:, place + 1] - (own & lived)
        sums.append((survivors - prior * count) / (count + _SMOOTHING))
        mates += count
    evidence = np.column_stack(sums)
    return np.column_stack(
        [
            np.where(woman_or_child[:, None], evidence, 0.0),
            np.where(woman_or_child[:, None], 0.0, evidence),
            np.log1p(mates),
        ]
    )


@dataclass(frozen=True)
class Holders:
    """Who holds a ticket, each ``[n]``: who fared alike (the ``kinds``: women and children, or men, of one class), what
    near tickets share (their ``series``: the letters before the number, and the holder's being a man or not), and the
    ticket's ``number``."""

    kinds: np.ndarray
    series: np.ndarray
    number: np.ndarray


def ticket_parts(tickets: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """``A/5 21171`` is letters ``A`` and number 21171; a ticket without a number has number 0."""
    parts = tickets.astype(str).str.extract(r"^(.*?)(\d*)$")
    letters = parts[0].str.replace(r"[^A-Za-z]", "", regex=True).str.upper()
    return letters.to_numpy(object), parts[1].replace("", "0").astype(float).to_numpy()


def ticket_fates(holders: Holders, lived: np.ndarray) -> dict[str, Any]:
    """How a fold's train rows fared: ``priors``: the share of survivors of each kind; ``series``: for each, rows of a
    ticket's number, how many hold it, and their surplus of survivors over their kinds' priors."""
    kinds = pd.Series(holders.kinds, dtype=object)
    priors = {str(kind): float(share) for kind, share in pd.Series(lived, dtype=float).groupby(kinds).mean().items()}
    frame = pd.DataFrame({"series": holders.series, "number": holders.number, "surplus": lived - kinds.map(priors)})
    counted = frame.groupby(["series", "number"])["surplus"].agg(["size", "sum"]).reset_index()
    rows = {str(name): part[["number", "size", "sum"]].to_numpy().tolist() for name, part in counted.groupby("series")}
    return {"priors": priors, "series": rows}


def near_tickets(holders: Holders, learned: Mapping[str, Any], known: np.ndarray, lived: np.ndarray) -> np.ndarray:
    """``[n]``: how holders of near tickets fared, women and children asking women and children, men asking men.

    The surplus of survivors over the priors of ``ticket_fates``, a sum over tickets of the same letters weighted by
    ``exp(-distance / 5)``, over the sum of weights and one. ``known [n]`` rows are among those counted there, and their
    own fate ``lived [n]`` is left out. A kernel regression (Nadaraya and Watson, 1964) shrunk to the prior.
    """
    found = np.zeros(len(known))
    priors = np.array([learned["priors"].get(kind, np.nan) for kind in holders.kinds], float)
    own = np.where(known, lived - priors, 0.0)  # a known row's kind has a prior
    for name, rows in learned["series"].items():
        here = holders.series == name
        if here.any():
            number, count, surplus = np.array(rows, float).T
            weight = np.exp(-np.abs(holders.number[here, None] - number) / _NEAR)
            mates, sums = weight @ count - known[here], weight @ surplus - own[here]
            found[here] = sums / (mates + _SMOOTHING)
    return found
