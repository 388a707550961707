"""Columns that name groups of rows: known by name, values and test, and no other column is taken for one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from features.contracts.contract import Column
from features.inference.first_contract import Inferred, infer
from features.inference.identifiers import ENOUGH, group_columns, named_like_an_id, shown_by_ids, told_id_like
from features.synthetic import mixed, titanic
from tests.tables import visits


def tables(name: str, known: list[str | None], asked: list[str | None]) -> tuple[pd.DataFrame, pd.DataFrame]:
    train, test = (pd.DataFrame({name: cells}, dtype=object) for cells in (known, asked))
    return train, test


def each(first: int, last: int, rows: int = 3) -> list[str | None]:
    """Names from ``first`` up to ``last``, each in so many rows."""
    return [str(name) for name in range(first, last) for _ in range(rows)]


def role(name: str, known: list[str | None], asked: list[str | None]) -> str:
    """The role decided, "feature" where it is left to others."""
    found = group_columns(*tables(name, known, asked), [name])
    return found[name][0].role if found else "feature"


@pytest.mark.parametrize(
    ("name", "like"),
    [("customer_id", True), ("CustomerID", True), ("patientId", True), ("session key", True), ("user no", True),
     ("households_nr", True), ("client code", True), ("home_team_id", True), ("customer", False), ("paid", False),
     ("customer_age", False), ("consumer", False), ("member since", False)],
)  # fmt: skip
def test_names_of_ids(name: str, like: bool) -> None:
    assert named_like_an_id(name) == like


@pytest.mark.parametrize("name", ["customer_id", "patient", "Session", "household no", "id", "index"])
def test_values_of_several_rows_that_test_does_not_have_are_groups(name: str) -> None:
    assert role(name, each(0, 40), each(40, 50)) == "group"
    # Two of sixty rows of test are of a known one: hardly any.
    assert role(name, each(0, 40), [*each(40, 58), *each(3, 5, 1)]) == "group"
    assert role(name, [*each(0, 40), None, " "], [*each(40, 50), None]) == "group"
    column, reason = group_columns(*tables(name, each(0, 40), each(40, 50)), [name])[name]
    assert column == Column(name, "group", "text") and reason.startswith("40 values in 120 rows, none of them in test")


@pytest.mark.parametrize(
    ("name", "known", "asked"),
    [
        ("customer_id", each(0, 40), each(0, 40)),
        ("customer_id", each(0, 40), [*each(40, 44), *each(0, 1)]),
        ("customer_id", each(0, 40, 1), each(40, 50)),
        ("customer_id", each(0, 40), ["1.0", "2.0"]),
        ("customer_id", each(0, 40), [None, None]),
        ("customer_id", ["7"] * 9, ["8"] * 9),
        ("year", each(1990, 2010), each(2010, 2020)),
        ("street", each(0, 40), each(40, 50)),
    ],
    ids=["shared", "a fifth shared", "each once", "shared as floats", "none in test", "one only", "year", "street"],
)
def test_other_columns_are_no_groups(name: str, known: list[str | None], asked: list[str | None]) -> None:
    assert role(name, known, asked) == "feature"


@pytest.mark.parametrize("name", ["n_employees", "number_of_students", "num trips", "students", "Total students"])
def test_counts_are_no_groups(name: str) -> None:
    assert role(name, each(0, 40), each(40, 50)) == "feature"
    known, asked = ([f"m{value}" for value in cells] for cells in (each(0, 40), each(40, 50)))
    assert role(name, known, asked) == "group"


@pytest.mark.parametrize("name", ["employee", "index", "key", "employee_id"])
def test_numbers_with_fractions_are_no_groups(name: str) -> None:
    known, asked = ([f"{value}.5" for value in cells] for cells in (each(0, 40), each(40, 50)))
    assert role(name, known, asked) == "feature"


def test_a_name_that_leaves_it_open_needs_values_of_several_rows_on_average() -> None:
    hardly = [*each(0, 40, 1), *each(0, 3, 1)]
    assert {role(name, hardly, each(40, 50)) for name in ("employee", "index", "key", "row")} == {"feature"}
    assert role("employee_id", hardly, each(40, 50)) == "group"


def test_too_few_groups_for_folds_are_ignored() -> None:
    few = group_columns(*tables("hospital_id", each(0, ENOUGH - 1), each(90, 99)), ["hospital_id"])
    column, reason = few["hospital_id"]
    assert column.role == "ignore" and "too few to be kept in 5 folds" in reason
    assert role("hospital_id", each(0, ENOUGH), each(90, 99)) == "group"


def test_of_several_the_largest_groups_are_taken() -> None:
    train = pd.DataFrame({"household": each(0, 20, 6), "person_id": each(0, 40), "shop_id": each(0, 3, 40)})
    test = pd.DataFrame({"household": each(20, 30, 6), "person_id": each(40, 60), "shop_id": each(3, 6, 20)})
    found = group_columns(train, test, list(train.columns))
    roles = {name: column.role for name, (column, _) in found.items()}
    assert roles == {"household": "group", "person_id": "ignore", "shop_id": "ignore"}
    assert "'household' does already" in found["person_id"][1]


def test_what_ids_begin_with_needs_no_name() -> None:
    known, asked = pd.Series(each(0, 40)), pd.Series(each(40, 50))
    assert shown_by_ids(known, asked) and not shown_by_ids(known, pd.Series(each(39, 50)))
    assert not shown_by_ids(known, asked.drop_duplicates()) and not shown_by_ids(known.drop_duplicates(), asked)
    assert not shown_by_ids(known[: 3 * (ENOUGH - 1)], asked) and shown_by_ids(known[: 3 * ENOUGH], asked)
    known, asked = tables("street", each(0, 40), each(40, 50))
    assert group_columns(known, asked, ["street"]) == {}
    column, reason = group_columns(known, asked, ["street"], prefix="street")["street"]
    assert column.role == "group" and reason.startswith("40 values in 120 rows, none of them in test; rows with one")
    larger = known.assign(household=each(0, 20, 6)), asked.assign(household=each(20, 25, 6))
    found = group_columns(*larger, ["street", "household"], prefix="street")
    assert {name: column.role for name, (column, _) in found.items()} == {"street": "ignore", "household": "group"}


def inferred(shared: bool) -> Inferred:
    train, test, _ = visits(30, 10, 4, 0)
    if shared:
        test["customer_id"] = train["customer_id"][-len(test) :].tolist()
    return infer(train, test, None)


def test_a_table_of_visits_gets_a_group_and_one_that_shares_customers_a_note() -> None:
    found = inferred(shared=False)
    assert found.contract.grouping == "customer_id" and "customer_id" not in found.contract.features
    assert found.reasons["customer_id"].startswith("group: 30 values in 120 rows")
    assert not [note for note in found.notes if "customer_id" in note]
    shared = inferred(shared=True)
    assert shared.contract.grouping is None and shared.contract.column("customer_id").role == "feature"
    assert any(
        note.startswith("customer_id: named like an id, but 40 of test's 40 rows have a value of train") and
        "`role: group`" in note for note in shared.notes
    )  # fmt: skip


def test_tables_of_one_row_each_have_no_groups() -> None:
    train, test, _ = titanic(300, 100, 0)
    assert infer(train.replace("", None), test.replace("", None), None).contract.grouping is None
    train, test = mixed(300, 100, 0)
    train = train.drop(columns=["level", "yes"])
    found = infer(train.replace("", None), test.replace("", None), None)
    assert found.contract.grouping is None and found.contract.column("shop").role == "feature"


def test_a_note_is_for_features_named_like_an_id_alone() -> None:
    known, asked = (pd.Series(each(0, 40)), pd.Series(each(0, 9)))
    assert told_id_like(Column("team_id", "feature", "number"), known, asked)
    assert told_id_like(Column("team_id", "ignore", "text"), known, asked) == []
    assert told_id_like(Column("team", "feature", "number"), known, asked) == []
    halves = known.astype(float) / 2
    assert told_id_like(Column("index", "feature", "number"), halves.astype(str), halves.astype(str)) == []
    assert told_id_like(Column("is_member_no", "feature", "number"), pd.Series(["0", "1"] * 9), asked) == []


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_an_id_of_nearly_each_row_that_is_learned_from_is_told(share: float) -> None:
    """Ids that no value repeats of teach nothing but by their size; amounts and counts do, however many differ."""
    ids = np.random.default_rng(0).permutation(np.arange(10_000, 90_000, 97))[:600].astype(str)
    known, asked = pd.Series(ids[:400]).mask(np.arange(400) < 20, ids[50]), pd.Series(ids[400:])
    asked = asked.mask(np.arange(200) < 200 * share, pd.Series(ids[:200]))
    (told,) = told_id_like(Column("subject_id", "feature", "number"), known, asked)
    assert told.startswith("subject_id: named like an id, with 380 values in 400 rows of train") and "ignore" in told
    for name in ("income", "n_patients", "num_visits", "subjects"):
        assert told_id_like(Column(name, "feature", "number"), known, asked) == []
    assert told_id_like(Column("index", "feature", "date"), known, asked) == []
    assert told_id_like(Column("subject_id", "feature", "number"), known + ".5", asked + ".5") == []


def test_a_second_id_beside_the_first_is_told() -> None:
    train, test, _ = titanic(300, 100, 0)
    numbers = np.random.default_rng(0).permutation(np.arange(10_000, 90_000, 97))[:400].astype(str)
    train["TicketId"], test["TicketId"] = numbers[:300], numbers[300:]
    found = infer(train.replace("", None), test.replace("", None), None)
    assert found.contract.id == "PassengerId" and found.contract.column("TicketId").role == "feature"
    assert [note for note in found.notes if note.startswith("TicketId: named like an id, with 300 values in 300")]


def households(shared: int = 0, most: int = 4) -> Inferred:
    """Of a table whose column ``idhogar`` names the household of each row by a word, ``shared`` of test's known."""
    rng = np.random.default_rng(0)
    words = [f"{number:07x}" for number in rng.choice(1 << 28, 110, replace=False)]
    of_train = np.repeat(words[:80], most)
    of_test = np.repeat([*words[:shared], *words[80 : 110 - shared]], 4)
    tables = [
        pd.DataFrame({"n": rng.normal(size=len(of)).round(4).astype(str), "idhogar": of}, dtype=object)
        for of in (of_train, of_test)
    ]
    return infer(tables[0].assign(y=rng.choice(["0", "1"], len(of_train))), tables[1], None)


def test_words_of_several_rows_that_test_does_not_have_are_groups_whatever_they_are_called() -> None:
    contract = households().contract
    assert contract.grouping == "idhogar"
    # What is learned of a household that test has helps there, and households of one row are kept apart by nothing.
    assert households(shared=1).contract.column("idhogar").role == "feature"
    assert households(most=1).contract.grouping is None
