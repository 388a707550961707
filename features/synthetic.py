"""Tables that the project makes itself: Titanic in form, invented in content, for the demo and the tests."""

from __future__ import annotations

import numpy as np
import pandas as pd

_SYLLABLES = ("ald", "bern", "cor", "dun", "ell", "fair", "gor", "hal", "ing", "jor", "kel", "lan", "mar", "nor", "ost")
_ENDS = ("son", "berg", "ley", "man", "ton", "wood", "ford", "sen", "ski", "well")


def titanic(rows: int, test_rows: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Train, test and sample submission with Titanic's columns and forms of values, all str, empty where missing.

    Parties share surname, ticket and fate: survival follows sex, class, age and a luck that a party has in common, so
    that what is known of real data (title, group survival) helps here too.
    """
    generator = np.random.default_rng(seed)
    people: list[dict[str, str]] = []
    while len(people) < rows + test_rows:
        people += _party(generator)
    order = generator.permutation(rows + test_rows)
    frame = pd.DataFrame(people).iloc[order].reset_index(drop=True)
    frame.insert(0, "PassengerId", [str(number) for number in range(1, len(frame) + 1)])
    train = frame[:rows].reset_index(drop=True)
    test = frame[rows:].drop(columns="Survived").reset_index(drop=True)
    sample = pd.DataFrame({"PassengerId": test["PassengerId"], "Survived": "0"})
    return train, test, sample


def _party(generator: np.random.Generator) -> list[dict[str, str]]:
    size = int(generator.choice([1, 2, 3, 4, 5], p=[0.6, 0.2, 0.1, 0.06, 0.04]))
    pclass = int(generator.choice([1, 2, 3], p=[0.24, 0.2, 0.56]))
    surname = (generator.choice(_SYLLABLES) + generator.choice(_SYLLABLES) + generator.choice(_ENDS)).capitalize()
    ticket = f"{generator.choice(['', 'PC ', 'A/5 ', 'C.A. '])}{generator.integers(1000, 400000)}"
    fare = round(float({1: 30, 2: 13, 3: 8}[pclass] * size * generator.lognormal(0, 0.3)), 4)
    luck, port = generator.normal(0, 1.2), generator.choice(["S", "C", "Q"], p=[0.72, 0.19, 0.09])
    cabin = (
        f"{generator.choice(list('ABCDE'))}{generator.integers(1, 130)}"
        if pclass == 1 and generator.random() < 0.8
        else ""
    )
    party = []
    for number in range(size):
        child = number > 1
        male = bool(generator.random() < (0.5 if size > 1 else 0.72))
        age = generator.uniform(0.5, 15) if child else min(max(generator.normal(32, 11), 16), 78)
        title = ("Master" if child else "Mr") if male else ("Miss" if child or size == 1 else "Mrs")
        chance = 2.4 - 5.2 * (male and not child) - 1.6 * (pclass - 2) + 1.0 * child + luck
        party.append(
            {
                "Survived": str(int(generator.random() < 1 / (1 + np.exp(-chance)))),
                "Pclass": str(pclass),
                "Name": f"{surname}, {title}. {generator.choice(_SYLLABLES).capitalize()}",
                "Sex": "male" if male else "female",
                "Age": "" if generator.random() < 0.2 else f"{age:.0f}",
                "SibSp": str(min(size - 1, 1) if not child else max(size - 3, 0)),
                "Parch": str(2 if child else max(size - 2, 0)),
                "Ticket": ticket,
                "Fare": str(fare),
                "Cabin": cabin,
                "Embarked": "" if generator.random() < 0.003 else str(port),
            }
        )
    return party


def mixed(rows: int, test_rows: int, seed: int, numbers: int = 2) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train and test with a column of every form that ``new`` tells apart, all str, empty where missing.

    ``numbers``: columns of plain numbers. ``cost``, positive and skewed, ``level`` (four words) and ``yes``
    (True/False) each serve as the target; the caller drops what it does not want.
    """
    generator = np.random.default_rng(seed)
    count = rows + test_rows
    shop, plain = generator.integers(0, max(count // 20, 40), count), generator.normal(size=(count, numbers))
    deck, berth = generator.integers(0, 6, count), generator.integers(1, 400, count)
    day = pd.Timestamp("2015-03-01") + pd.to_timedelta(generator.integers(0, 900, count), unit="D")
    area = generator.lognormal(4, 1, count)
    luck = generator.normal(size=int(shop.max()) + 1)
    signal = 1.5 * luck[shop] + plain[:, 0] - 0.5 * (deck == 2) + 0.8 * np.log(area) + generator.normal(0, 0.5, count)
    ranks = pd.Series(signal).rank(pct=True)
    frame = pd.DataFrame({f"number {n}": pd.Series(plain[:, n]).round(4).astype(str) for n in range(numbers)})
    frame["area"] = pd.Series(area).round(2).astype(str)
    frame["number 1"] = frame["number 1"].where(generator.random(count) > 0.1, "")
    frame["colour"] = np.array(["red", "green", "blue"])[generator.integers(0, 3, count)]
    frame["open"] = np.where(generator.random(count) < 0.5, "Yes", "No")
    frame["shop"] = [f"shop {number}" for number in shop]
    frame["cabin"] = [f"{'ABCDEF'[d]}/{b}/{'PS'[b % 2]}" for d, b in zip(deck, berth, strict=True)]
    frame["day"] = day.strftime("%d.%m.%Y")
    words = generator.choice(np.array(_SYLLABLES), (count, 6))
    frame["remark"] = [" ".join(row) for row in words]
    frame["currency"] = "EUR"
    frame["token"] = [f"{number:08x}" for number in generator.permutation(count) * 7919]
    frame.insert(0, "id", [str(number) for number in range(1, count + 1)])
    frame["cost"] = np.exp(pd.Series(signal) + 3).round(2).astype(str)
    frame["level"] = np.array(["poor", "fair", "good", "best"])[(ranks * 3.999).astype(int)]
    frame["yes"] = np.where(ranks > 0.5, "True", "False")
    return frame[:rows], frame[rows:].drop(columns=["cost", "level", "yes"]).reset_index(drop=True)


def visits(customers: int, test_customers: int, each: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    """Train and test, with ``each`` rows a customer and no customer in both, all str, and the answers of test, float.

    A customer's ``age`` is known and tells nothing of what customers have in common with nobody else: the larger part
    of ``amount``. So who has seen a customer knows the answer, and who has not knows little more than the mean.
    """
    generator = np.random.default_rng(seed)
    count = customers + test_customers
    whose = np.repeat(np.arange(count), each)
    names, ages = generator.permutation(9000)[:count] + 1000, generator.integers(18, 80, count)
    own, spend = generator.normal(0, 40, count), generator.gamma(2, 10, len(whose))
    amount = 50 + own[whose] + 0.3 * spend + generator.normal(0, 1, len(whose))
    frame = pd.DataFrame(
        {
            "customer_id": names[whose].astype(str),
            "spend": pd.Series(spend).round(2).astype(str),
            "age": ages[whose].astype(str),
            "amount": pd.Series(amount).round(2).astype(str),
        },
        dtype=object,
    )
    rows = customers * each
    test = frame[rows:].reset_index(drop=True)
    return frame[:rows], test.drop(columns="amount"), test["amount"].astype(float)


def spaceship(groups: int, test_groups: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    """Train and test in the form of Kaggle's Spaceship Titanic, all str, empty where missing, and the answers of test.

    ``PassengerId`` is a group's number and the passenger's in it (0013_01), ``Cabin`` deck, number and side (B/12/P),
    one for the group. No group is in both tables. Deck, side and where on its side a cabin lies tell of the fate, and
    half of it is what the members of a group have in common with nobody else. Their ``Surname``, of which some are in
    several groups, tells nothing but that.
    """
    generator = np.random.default_rng(seed)
    rows: list[dict[str, str]] = []
    surnames = [one + other + end for one in _SYLLABLES for other in _SYLLABLES for end in _ENDS]
    for group in range(groups + test_groups):
        deck, side = generator.choice(list("ABCDEFG")), generator.choice(["P", "S"])
        number, luck = int(generator.integers(0, 1500)), generator.normal(0, 2.0)
        surname = surnames[int(generator.integers(len(surnames)))].capitalize()
        place = 2.0 * (deck in "BCG") - 2.0 * (deck in "EF") + 2.0 * (side == "S") * np.sign(number - 700)
        for one in range(int(generator.integers(1, 8))):
            asleep, spent = generator.random() < 0.35, generator.lognormal(4, 1.2)
            chance = place + luck + 1.2 * asleep - 0.4 * (not asleep) * np.log(spent / 50)
            rows.append(
                {
                    "PassengerId": f"{group + 1:04d}_{one + 1:02d}",
                    "CryoSleep": str(bool(asleep)),
                    "Cabin": "" if generator.random() < 0.02 else f"{deck}/{number}/{side}",
                    "Age": "" if generator.random() < 0.02 else str(int(generator.integers(0, 80))),
                    "Spent": "0" if asleep else f"{spent:.0f}",
                    "Surname": surname,
                    "Transported": str(bool(generator.random() < 1 / (1 + np.exp(-chance)))),
                    "in train": str(group < groups),
                }
            )
    # As in Kaggle's files, test's groups lie among those of train: the numbers of groups are dealt anew.
    frame = pd.DataFrame(rows)
    dealt = {f"{old + 1:04d}": f"{new + 1:04d}" for old, new in enumerate(generator.permutation(groups + test_groups))}
    frame["PassengerId"] = [dealt[name[:4]] + name[4:] for name in frame["PassengerId"]]
    frame = frame.sort_values("PassengerId", ignore_index=True)
    inside = (frame.pop("in train") == "True").to_numpy()
    test = frame[~inside].reset_index(drop=True)
    return frame[inside].reset_index(drop=True), test.drop(columns="Transported"), test["Transported"]
