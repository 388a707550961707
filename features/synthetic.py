"""Tables that the project makes itself: Titanic in form, invented in content, for the demo, benchmarks and tests."""

from __future__ import annotations

import numpy as np
import pandas as pd

SYLLABLES = ("ald", "bern", "cor", "dun", "ell", "fair", "gor", "hal", "ing", "jor", "kel", "lan", "mar", "nor", "ost")
ENDS = ("son", "berg", "ley", "man", "ton", "wood", "ford", "sen", "ski", "well")


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
    surname = (generator.choice(SYLLABLES) + generator.choice(SYLLABLES) + generator.choice(ENDS)).capitalize()
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
                "Name": f"{surname}, {title}. {generator.choice(SYLLABLES).capitalize()}",
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
    words = generator.choice(np.array(SYLLABLES), (count, 6))
    frame["remark"] = [" ".join(row) for row in words]
    frame["currency"] = "EUR"
    frame["token"] = [f"{number:08x}" for number in generator.permutation(count) * 7919]
    frame.insert(0, "id", [str(number) for number in range(1, count + 1)])
    frame["cost"] = np.exp(pd.Series(signal) + 3).round(2).astype(str)
    frame["level"] = np.array(["poor", "fair", "good", "best"])[(ranks * 3.999).astype(int)]
    frame["yes"] = np.where(ranks > 0.5, "True", "False")
    return frame[:rows], frame[rows:].drop(columns=["cost", "level", "yes"]).reset_index(drop=True)
