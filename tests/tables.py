"""Tables for the tests: small ones with a given target, and those in which rows belong together (those that the demo
and benchmarks need, too, are in ``features.synthetic``)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from features.inference.first_contract import Inferred, infer
from features.synthetic import ENDS, SYLLABLES

# A target of two classes.
WORDS = ["a", "b"] * 30


def table(target: list[Any], **more: list[Any]) -> pd.DataFrame:
    """A training table with an id ``key``, a number ``x``, columns besides, and the ``target`` ``y``, all str."""
    count = len(target)
    frame = {"key": range(1, count + 1), "x": [f"{x:.3f}" for x in np.random.default_rng(0).normal(size=count)]}
    return pd.DataFrame(frame | more | {"y": target}).astype(str)


def decided(target: list[Any], sample: dict[str, list[Any]] | None = None, **given: str) -> Inferred:
    """What is decided of a table with that target, where the sample submission asks for those answers."""
    train = table(target)
    test = pd.DataFrame({"key": ["901", "902"], "x": ["0.1", "0.2"]}, dtype=object)
    asked = None if sample is None else pd.DataFrame({"key": ["901", "902"]} | sample).astype(str)
    return infer(train, test, asked, **given)


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
    surnames = [one + other + end for one in SYLLABLES for other in SYLLABLES for end in ENDS]
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
