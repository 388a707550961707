"""What is learned in each fold: from its train rows alone, and never from a row's own label."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from features import titanic
from features.contracts.contract import Contract
from features.encoding.folds import draw_roles
from features.roles import SCORE, STOP, TRAIN
from features.synthetic import titanic as invented


@pytest.fixture(scope="module")
def table() -> tuple[pd.DataFrame, np.ndarray]:
    train, test, _ = invented(120, 40, 3)
    frame = pd.concat([train, test], ignore_index=True).replace("", np.nan)
    for name in ("Age", "SibSp", "Parch", "Fare"):
        frame[name] = frame[name].astype(float)
    return frame.drop(columns="Survived"), train["Survived"].to_numpy(float)


def learn(frame: pd.DataFrame, target: np.ndarray, train: np.ndarray) -> np.ndarray:
    state: Any = titanic.fit(frame, Contract(()), {}, 2)
    derived = titanic.derive(frame, state)
    return titanic.recall(derived, state, titanic.learn(derived, state, target, train), target, train)


def group_survival(party: np.ndarray, women: np.ndarray, target: np.ndarray, train: np.ndarray) -> np.ndarray:
    lived, known = target > 0.5, np.isin(np.arange(len(party)), train)
    learned = titanic.fates(party[train], women[train], lived[train])
    padded = np.concatenate([lived, np.zeros(len(party) - len(lived), bool)])
    return titanic.group_survival(party, women, learned, known, padded)


@pytest.mark.parametrize("role", [STOP, SCORE])
def test_no_value_follows_the_label_of_a_row_outside_train(table: tuple[pd.DataFrame, np.ndarray], role: int) -> None:
    frame, target = table
    roles = draw_roles(target, True, 3, 1, 0.2, None, 0)[:, 0]
    changed = np.where(roles == role, 1 - target, target)
    train = np.flatnonzero(roles == TRAIN)
    assert (changed != target).any()
    np.testing.assert_array_equal(learn(frame, target, train), learn(frame, changed, train))


def test_labels_outside_train_need_not_even_exist(table: tuple[pd.DataFrame, np.ndarray]) -> None:
    frame, target = table
    train = np.arange(60)
    hidden = np.where(np.arange(len(target)) < 60, target, np.nan)
    np.testing.assert_array_equal(learn(frame, target, train), learn(frame, hidden, train))


def test_a_train_row_sees_its_mates_and_not_itself() -> None:
    party, women = np.array([0, 0, 0, 3, 4]), np.array([True, True, True, True, True])
    target, train = np.array([1.0, 1.0, 0.0, 0.0, 0.0]), np.array([0, 1, 3, 4])
    prior = 0.5  # two of the four known women lived
    found = group_survival(party, women, target, train)
    assert found.shape == (5, 5)
    assert found[0, 0] == pytest.approx((1 - prior) / 2), "one known mate, smoothed by one imagined at the prior"
    assert found[2, 0] == pytest.approx(2 * (1 - prior) / 3), "a row to score sees both"
    assert found[3].tolist() == [0.0] * 5, "alone: no evidence, whatever its own label"
    assert found[:, 4].tolist() == pytest.approx(np.log1p([1, 1, 2, 0, 0]).tolist())


def test_an_own_label_moves_its_row_no_more_than_any_stranger() -> None:
    party, women = np.array([0, 0, 2, 3]), np.array([True, True, True, True])
    train = np.arange(4)
    before = group_survival(party, women, np.array([0.0, 1.0, 0.0, 1.0]), train)
    own = group_survival(party, women, np.array([1.0, 1.0, 0.0, 1.0]), train)
    stranger = group_survival(party, women, np.array([0.0, 1.0, 1.0, 1.0]), train)
    assert own[0].tolist() == stranger[0].tolist() != before[0].tolist()


def test_men_and_women_see_the_evidence_in_columns_of_their_own() -> None:
    party, women = np.zeros(4, int), np.array([True, True, False, False])
    found = group_survival(party, women, np.array([1.0, 0.0, 1.0, 0.0]), np.arange(4))
    assert not found[women, 2:4].any() and not found[~women, :2].any()


def test_a_fold_without_men_or_without_mates_is_finite() -> None:
    found = group_survival(np.arange(3), np.array([True, True, False]), np.array([1.0, 0.0, 1.0]), np.arange(2))
    assert np.isfinite(found).all() and not found.any()


def test_missing_ages_come_from_train_rows_of_the_title() -> None:
    age = np.array([10.0, 20.0, 60.0, np.nan, np.nan])
    title = np.array(["Miss", "Miss", "Miss", "Miss", "Dr"])
    known = np.array([0, 1, 3, 4])
    found = titanic.filled_ages(age, title, titanic.median_ages(age[known], title[known]))
    assert found[:, 0].tolist() == [10, 20, 60, 15, 15], "60 is no train row; no known Dr, so all train rows serve"
    assert found[:, 1].tolist() == [6, 0, 0, 1, 1]


def test_shuffled_labels_leave_only_chance(table: tuple[pd.DataFrame, np.ndarray]) -> None:
    """The leak of a row's own label would show in training rows: no column may follow the label it belongs to."""
    frame, _ = table
    seen = []
    for seed in range(20):
        target = np.random.default_rng(seed).permutation(np.repeat([0.0, 1.0], 60))
        values = learn(frame, target, np.arange(120))[:120, 2:]
        moving = values.std(axis=0) > 0
        seen.append([np.corrcoef(values[:, c], target)[0, 1] if moving[c] else 0.0 for c in range(values.shape[1])])
    assert np.abs(np.mean(seen, axis=0)).max() < 0.1


def holders(numbers: list[float], letters: str = "", women: bool = True) -> titanic.Holders:
    mark = "W" if women else "M"
    kinds, series = (np.array([word] * len(numbers), object) for word in (f"{mark}3", f"{mark}{letters}"))
    return titanic.Holders(kinds, series, np.array(numbers))


def near(people: titanic.Holders, target: np.ndarray, train: np.ndarray) -> np.ndarray:
    lived, known = target > 0.5, np.isin(np.arange(len(target)), train)
    learned = titanic.ticket_fates(titanic.Holders(*(getattr(people, f)[train] for f in HOLDER_FIELDS)), lived[train])
    return titanic.near_tickets(people, learned, known, lived)


HOLDER_FIELDS = ("kinds", "series", "number")


def test_near_tickets_by_hand() -> None:
    people, target = holders([100, 105, 105, 900]), np.array([1.0, 0.0, 1.0, 1.0])
    found = near(people, target, np.array([0, 1, 3]))  # row 2 is to be scored
    prior, far = 2 / 3, np.exp(-1.0)
    own_less = (1 - prior) * far - prior * 1.0  # tickets 100 and 105 as row 2 sees them; 900 is too far
    assert found[2] == pytest.approx(own_less / (1 + far + 1), abs=1e-9)
    assert found[0] == pytest.approx(-prior * far / (far + 1), abs=1e-9), "a train row sees the others, not itself"
    assert found[3] == pytest.approx(0.0, abs=1e-9), "nobody near: no evidence, whatever its own label"


def test_other_letters_and_the_other_sex_are_not_near() -> None:
    people = holders([7, 7])
    for strangers in (holders([7, 7], letters="PC"), holders([7, 7], women=False)):
        mixed = titanic.Holders(
            *(np.concatenate([getattr(people, f)[:1], getattr(strangers, f)[1:]]) for f in HOLDER_FIELDS)
        )
        assert near(mixed, np.array([1.0, 0.0]), np.arange(2)).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("ticket", "letters", "number"),
    [("A/5 21171", "A", 21171), ("349909", "", 349909), ("LINE", "LINE", 0), ("SOTON/O.Q. 3101", "SOTONOQ", 3101)],
)
def test_a_ticket_is_letters_and_a_number(ticket: str, letters: str, number: float) -> None:
    found = titanic.ticket_parts(pd.Series([ticket]))
    assert (found[0].tolist(), found[1].tolist()) == ([letters], [number])
