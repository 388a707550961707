"""Adversarial validation: rows of one kind are not told apart, rows that differ are, by the column that carries it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from features.contracts.contract import Column, Contract
from features.validation.checks import read_states
from features.validation.drift import Drift, adversarial, clustered, coded

CONTRACT = Contract(
    (
        Column("id", "id", "text"),
        Column("age", "feature", "number", nullable=True),
        Column("fare", "feature", "number"),
        Column("port", "feature", "category"),
        Column("name", "feature", "text"),
        Column("label", "target", "category"),
    ),
    "contract.yaml",
)


def judged(contract: Contract, train: pd.DataFrame, test: pd.DataFrame, seed: int) -> Drift | None:
    return adversarial(contract, train, test, read_states(contract, train, test, ()).states, seed)


def table(rows: int, seed: int, shift: float = 0.0, ports: tuple[float, ...] = (0.5, 0.3, 0.2)) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "id": [f"{seed}-{row}" for row in range(rows)],
            "age": np.where(rng.uniform(size=rows) < 0.1, np.nan, rng.normal(30, 10, rows)),
            "fare": rng.lognormal(size=rows) * np.exp(shift),
            "port": rng.choice(["S", "C", "Q"], rows, p=ports),
            "name": [f"{seed} {row}" for row in range(rows)],
        }
    )


def test_rows_of_one_kind_are_not_told_apart() -> None:
    found = [judged(CONTRACT, table(400, seed), table(200, 50 + seed), seed) for seed in range(6)]
    areas = [one.auc for one in found if one]
    assert len(areas) == 6 and np.mean(areas) == pytest.approx(0.5, abs=0.03)
    quiet = [one for one in found if one and not one.found]
    assert len(quiet) >= 5 and all(one.carriers == [] for one in quiet)
    assert quiet[0].sentence().startswith("No difference between train and test rows was found (AUC 0.")


def test_rows_copied_in_train_are_no_drift() -> None:
    """A forest knows a copy by its double, which it has learned from, and so would know rows of train."""
    train = pd.concat([table(60, 1)] * 10, ignore_index=True)
    states = read_states(CONTRACT, train, table(300, 2), ()).states
    apart, kept = (adversarial(CONTRACT, train, table(300, 2), states, 0, copied) for copied in (False, True))
    assert apart is not None and apart.found and kept is not None and not kept.found


@pytest.mark.parametrize(
    ("test", "carrier"), [(table(200, 2, shift=1.5), "fare"), (table(200, 2, ports=(0.05, 0.05, 0.9)), "port")]
)
def test_a_drift_is_found_with_the_column_that_carries_it(test: pd.DataFrame, carrier: str) -> None:
    found = judged(CONTRACT, table(400, 1), test, 0)
    assert found is not None and found.found and found.auc > 0.75
    assert [name for name, _ in found.carriers] == [carrier]
    assert f"by {carrier} (0." in found.sentence()
    assert found.to_mapping()["columns"][0]["column"] == carrier
    assert judged(CONTRACT, table(400, 1), test, 0) == found


def test_a_difference_of_two_columns_together() -> None:
    """Each column alone is alike on both sides, their relation is not."""
    train, test = table(600, 1), table(600, 2)
    train["fare"] = train["age"].fillna(30) + np.random.default_rng(0).normal(size=600)
    test["fare"] = np.random.default_rng(1).permutation(
        test["age"].fillna(30) + np.random.default_rng(2).normal(size=600)
    )
    found = judged(CONTRACT, train, test, 0)
    assert found is not None and found.found and {"age", "fare"} == {name for name, _ in found.carriers}


def test_how_many_columns_are_permuted_at_a_time_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    train, test = table(400, 1), table(200, 2, shift=1.0)
    together = judged(CONTRACT, train, test, 0)
    monkeypatch.setattr("features.validation.drift.AT_ONCE", 1)
    assert judged(CONTRACT, train, test, 0) == together


def test_a_fall_is_as_sure_as_folds_that_share_rows_make_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nadeau and Bengio's variance: (1/5 + 1/4) of that over folds, not 1/5."""
    falls = iter(np.arange(5.0))
    monkeypatch.setattr(
        "features.validation.drift._areas_permuted", lambda _, rows, *__: np.full(rows.shape[1], next(falls))
    )
    monkeypatch.setattr("features.validation.drift.auc", lambda *_: 0.0)
    found = judged(CONTRACT, table(400, 1), table(200, 2), 0)
    assert found is not None
    assert [error for _, _, error in found.columns] == pytest.approx(
        [np.std([0, -1, -2, -3, -4], ddof=1) * np.sqrt(1 / 5 + 1 / 4)] * len(found.columns)
    )


def test_the_area_is_as_sure_as_what_is_learned_makes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over tables of one kind the areas scatter by no more than their errors say; the error of the scored rows alone
    would be 1.5 times smaller, and too small, for forests differ with the rows that they learned from."""
    names = [f"x{column}" for column in range(4)]
    contract = Contract(
        (
            Column("id", "id", "text"),
            Column("y", "target", "category"),
            *(Column(n, "feature", "number") for n in names),
        )
    )
    monkeypatch.setattr("features.validation.drift._areas_permuted", lambda _, rows, *__: np.full(rows.shape[1], 0.5))
    rng, found = np.random.default_rng(0), []
    for seed in range(20):
        train, test = (pd.DataFrame(rng.normal(size=(rows, 4)), columns=names) for rows in (300, 150))
        found.append(judged(contract, train, test, seed))
    scattered = np.std([one.auc for one in found if one], ddof=1)
    assert scattered < np.mean([one.error for one in found if one]) < 1.6 * scattered


def test_few_rows_tell_nothing() -> None:
    assert judged(CONTRACT, table(400, 1), table(49, 2), 0) is None


def test_a_split_in_time_is_found_by_the_date_that_carries_it() -> None:
    """To the second, so that no two rows hold the same word; a code whose number runs on is no other."""
    moments = pd.date_range("2015-01-01", periods=600, freq="37717s").strftime("%Y-%m-%d %H:%M:%S")
    for kind, cells in (("date", moments.to_series()), ("code", pd.Series([f"A-{row}" for row in range(600)]))):
        contract = Contract((*CONTRACT.columns, Column("when", "feature", kind)), "contract.yaml")
        train, test = table(400, 1).assign(when=cells[:400].to_list()), table(200, 2).assign(when=cells[400:].to_list())
        found = judged(contract, train, test, 0)
        assert found is not None and found.auc > 0.99 and [name for name, _ in found.carriers] == ["when"]
        assert len(found.columns) == 4


def test_the_parts_of_a_code_are_permuted_together() -> None:
    """Either part alone would still tell the sides apart."""
    contract = Contract((*CONTRACT.columns, Column("seat", "feature", "code")), "contract.yaml")
    rng = np.random.default_rng(0)
    train = table(400, 1).assign(seat=[f"{rng.choice(['A', 'B'])}-{rng.integers(0, 50)}" for _ in range(400)])
    test = table(200, 2).assign(seat=[f"{rng.choice(['C', 'D'])}-{rng.integers(50, 99)}" for _ in range(200)])
    found = judged(contract, train, test, 0)
    assert found is not None and found.carriers[0][0] == "seat" and found.carriers[0][1] > 0.4


def test_words_are_coded_by_how_frequent_they_are() -> None:
    frame = pd.DataFrame({"port": ["b", "a", None, "b", "c", "b", "a"], "age": [1.0, np.inf, 2, 3, 4, 5, 6]})
    found, owner = coded(frame, [CONTRACT.column("port"), CONTRACT.column("age")], {})
    assert owner.tolist() == [0, 1]
    assert found[[0, 1, 4], 0].tolist() == [0, 1, 2] and np.isnan(found[2, 0]) and np.isnan(found[1, 1])


def test_a_small_or_an_unsure_difference_is_no_drift() -> None:
    assert not Drift(0.54, 0.001, [("age", 0.02, 0.001)]).found
    told = "AUC 0.540 ± 0.001 of a classifier trained to separate them; 0.5 means no difference"
    assert Drift(0.54, 0.001, []).sentence() == f"Train and test rows can hardly be told apart ({told})."
    told = told.replace("0.540 ± 0.001", "0.600 ± 0.060")
    assert Drift(0.60, 0.06, []).sentence() == f"No difference between train and test rows was found ({told})."
    assert not Drift(0.60, 0.06, [("age", 0.02, 0.001)]).found
    assert Drift(0.60, 0.02, [("age", 0.02, 0.001), ("fare", 0.01, 0.006)]).carriers == [("age", 0.02)]


def test_rows_of_a_group_are_not_known_by_each_other() -> None:
    """Ten rows a customer, whose fare is the customer's own: it tells the table that other rows of it are in."""
    train, test = table(600, 1), table(300, 2)
    customers = np.repeat(np.arange(90), 10)
    fares = np.random.default_rng(3).uniform(size=90)[customers]
    for frame, rows in ((train, slice(0, 600)), (test, slice(600, 900))):
        frame["fare"], frame["customer"] = fares[rows], customers[rows].astype(str)
    apart = judged(CONTRACT, train, test, 0)
    grouped = Contract((*CONTRACT.columns, Column("customer", "group", "text")), CONTRACT.file)
    kept = judged(grouped, train, test, 0)
    assert apart is not None and apart.found and apart.auc > 0.7
    assert kept is not None and not kept.found and kept.error > 1.2 * apart.error
    one = test.assign(customer="900")
    assert judged(grouped, train, one, 0) is None, "four of five folds would hold no row of test"


def nearness(train: pd.DataFrame, test: pd.DataFrame, drifting: tuple[str, ...] = ()) -> float | None:
    return clustered(CONTRACT, train, test, read_states(CONTRACT, train, test, ()).states, drifting, 0)


def test_unrelated_rows_lie_no_nearer_to_one_another() -> None:
    assert [nearness(table(rows, seed), table(200, 50 + seed)) for seed in range(8) for rows in (60, 400)] == [
        None
    ] * 16


def test_copies_that_were_changed_a_little_are_found_and_drift_is_not_taken_for_them() -> None:
    rng, first = np.random.default_rng(0), table(200, 1)
    copies = first.assign(age=first["age"] + rng.normal(size=200) / 20, fare=first["fare"] * 1.01)
    found = nearness(pd.concat([first, copies], ignore_index=True), table(200, 2))
    assert found is not None and found > 0.8
    away = table(200, 2, shift=6.0)
    assert nearness(table(400, 3), away, ("fare",)) is None


def test_several_rows_of_one_thing_are_found() -> None:
    """Visits of one customer share an age and a fare; test has other customers."""
    rng = np.random.default_rng(4)
    people = table(80, 5)
    visits = people.iloc[rng.integers(0, 80, 400)].reset_index(drop=True)
    visits["port"] = rng.choice(["S", "C", "Q"], 400)
    found = nearness(visits, table(200, 6))
    assert found is not None and found > 0.9
