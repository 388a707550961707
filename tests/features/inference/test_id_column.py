"""Which column is taken for the id, and what numbers the rows where none is."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from features.errors import UserError
from features.inference.first_contract import infer
from features.validation.checks import ids_shared
from tests.tables import WORDS, decided, table


def test_a_table_without_id_gets_running_numbers() -> None:
    train, test = table(WORDS).drop(columns="key"), pd.DataFrame({"x": ["0.1", "0.2"]}, dtype=object)
    found = infer(train, test, None)
    assert (
        found.contract.id == "row"
        and found.train["row"].tolist()[0] == "1"
        and found.test["row"].tolist() == ["61", "62"]
    )
    sample = pd.DataFrame({"Id": ["0", "1"], "y": ["a", "a"]}, dtype=object)
    numbered = infer(train, test, sample)
    assert numbered.contract.id == "Id" and numbered.test["Id"].tolist() == ["0", "1"]
    assert not set(numbered.train["Id"]) & {"0", "1"}
    assert (found.contract.column("row").added, numbered.contract.column("Id").added) == (61, 0)


def test_ids_may_start_anew_in_test() -> None:
    train, test = table(WORDS), pd.DataFrame({"key": ["1", "2"], "x": ["0.1", "0.2"]}, dtype=object)
    given = infer(train, test, None).contract
    assert given.id == "key" and given.column("key").added is None
    doubled = infer(train, test.assign(key="1"), None)
    assert doubled.contract.id == "row" and doubled.contract.column("key").role == "feature"


def test_ids_of_the_same_rows_in_both_tables_are_told() -> None:
    train = table(WORDS)
    test = pd.DataFrame({"key": ["901", "7", "8"], "x": ["0.1", "0.2", train["x"][7]]}, dtype=object)
    found = infer(train, test, None)
    said = (
        "key: taken for no id, since 2 of test's 3 are in train too, 1 of them with all cells alike (test, row 4 first)"
    )
    assert found.contract.id == "row" and any(
        note.startswith(said) and "take them out of one file" in note for note in found.notes
    )


@pytest.mark.parametrize(
    ("keys", "x", "anew"),
    [
        # Half of the ids and fewer don't start anew, nor do rows that are alike in what is learned.
        (["1", "902"], ["0.1", "0.2"], False),
        ([" 1", "902"], ["0.1", "0.2"], False),
        (["1", "2"], [None, "0.2"], False),
        (["1", "2"], ["0.1", "0.2"], True),
    ],
)
def test_ids_that_validate_refuses_name_no_row(keys: list[str], x: list[str | None], anew: bool) -> None:
    words = [f"k{n * 7919:07x}z" for n in range(62)]
    train = table(WORDS, word=words[:60])
    test = pd.DataFrame({"key": keys, "x": [one or train["x"][0] for one in x], "word": words[60:]}, dtype=object)
    found = infer(train, test, None)
    assert found.contract.id == ("key" if anew else "row") and found.contract.column("word").role == "ignore"
    known, asked = found.contract.typed(found.train, "", True), found.contract.typed(found.test, "", False)
    assert all(fault.warning for fault in ids_shared(found.contract, known, asked, "train", "test"))
    told = [note for note in found.notes if note.startswith("key: taken for no id, since ")]
    assert len(told) == (not anew)
    if not anew:
        assert f"since {1 + (keys[1] == '2')} of test's 2 are in train too (test, row 2 first)" in told[0]
        alone = infer(train, test.assign(row_id=["7", "8"]), None)
        assert alone.contract.id == "row_id" and alone.contract.column("key").role != "id"
    sample = pd.DataFrame({"shop": ["7", "8"], "y": "a"}, dtype=object)
    with pytest.raises(UserError, match="first column is 'shop', which test lacks; its id seems to be 'key'"):
        infer(train, test, sample)


@pytest.mark.parametrize(
    ("name", "sample", "given", "first"),
    [
        ("key", None, {}, "1"),
        ("key", None, {"id": "key"}, "1"),
        ("shop", None, {"id": "shop"}, "1"),
        ("shop", {"shop": ["3", "2"], "y": ["a", "a"]}, {}, "train1"),
    ],
)
def test_rows_of_train_are_numbered_where_test_alone_has_an_id(
    name: str, sample: dict[str, list[str]] | None, given: dict[str, str], first: str
) -> None:
    train, test = table(WORDS).drop(columns="key"), pd.DataFrame({name: ["2", "3"], "x": ["0.1", "0.2"]}, dtype=object)
    found = infer(train, test, None if sample is None else pd.DataFrame(sample, dtype=object), **given)
    assert found.contract.id == name and found.test[name].tolist() == ["2", "3"]
    assert found.train[name].iloc[0] == first and not set(found.train[name]) & {"2", "3"}
    assert f"{name}: train has no such column, so running numbers name its rows" in found.notes
    assert found.contract.column(name).added is None, "a table like test has it"


@pytest.mark.parametrize(
    ("train", "test", "said"),
    [
        ({"keys": 1}, {"key": ["2", "3"]}, r"train lacks: key \(did you mean 'keys'\?\)"),
        ({}, {"key": ["2", "2"]}, "train lacks: key"),
        ({}, {"shop": ["2", "3"]}, "train lacks: shop"),
        ({}, {"key": ["2", "3"], "shop": ["2", "3"]}, "train lacks: key, shop"),
    ],
)
def test_another_column_of_test_alone_is_told(train: dict[str, Any], test: dict[str, list[str]], said: str) -> None:
    labelled = table(WORDS).drop(columns="key").assign(**train)
    with pytest.raises(UserError, match=said):
        infer(labelled, pd.DataFrame(test | {"x": ["0.1", "0.2"]}, dtype=object), None, target="y")


@pytest.mark.parametrize(
    ("name", "is_id"),
    [("id", True), ("PassengerId", True), ("userID", True), ("shop_id", True), ("KEY", True), ("bid", False),
     ("paid", False), ("humid", False), ("citric acid", False)],
)  # fmt: skip
def test_a_name_that_ends_in_id_is_no_id(name: str, is_id: bool) -> None:
    train, test = (
        table(WORDS, key=list(range(60, 0, -1))).rename(columns={"key": name}),
        pd.DataFrame({name: ["901", "902"], "x": ["0.1", "0.2"]}, dtype=object),
    )
    assert (infer(train, test, None).contract.id == name) == is_id


@pytest.mark.parametrize("form", ["{}", "{:06d}", "K-{}"])
def test_a_running_number_of_both_tables_is_the_id(form: str) -> None:
    numbers = [form.format(n) for n in range(1, 63)]
    train, test = table(WORDS).rename(columns={"key": "Kunde"}).assign(Kunde=numbers[:60]), {"x": ["0.1", "0.2"]}
    found = infer(train, pd.DataFrame({"Kunde": numbers[60:]} | test, dtype=object), None)
    assert found.contract.id == "Kunde" and found.contract.column("Kunde").added is None
    assert found.sample["Kunde"].tolist() == numbers[60:]
    anew = infer(train, pd.DataFrame({"Kunde": numbers[:2]} | test, dtype=object), None)
    assert anew.contract.id == "row" and anew.contract.column("Kunde").role == "ignore"


def test_ids_that_are_dates_are_told() -> None:
    days = pd.Series(pd.date_range("1990-01-01", periods=62, freq="100D")).astype(str)
    train, test = table(WORDS).assign(key=days[:60]), pd.DataFrame({"key": days[60:], "x": ["0.1", "0.2"]})
    found = infer(train, test, None)
    assert any(note.startswith("key: the ids are dates, as '1990-01-01'") for note in found.notes)
    assert not found.contract.column("key").parts
    assert not decided(WORDS).notes or not any("are dates" in note for note in decided(WORDS).notes)


@pytest.mark.parametrize("form", ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%d.%m.%Y %H:%M", "%m/%d/%Y %H:%M"])
def test_an_id_of_days_and_times_is_learned_from_as_its_parts(form: str) -> None:
    hours = pd.Series(pd.date_range("2011-01-01", periods=62, freq="7h").strftime(form))
    train, test = table(WORDS).assign(key=hours[:60]), pd.DataFrame({"key": hours[60:], "x": ["0.1", "0.2"]})
    found = infer(train, test, None)
    assert found.contract.id == "key" and found.contract.column("key").parts == ("key_1", "key_2")
    assert [found.contract.column(part).type for part in ("key_1", "key_2")] == ["date", "date"]
    assert not any("are dates" in note for note in found.notes)
    typed = found.contract.typed(train, "train.csv", with_target=True)
    assert typed["key_1"].nunique() > 1 and typed["key_2"].nunique() > 10


def test_days_that_begin_an_id_of_dates_are_no_groups_of_rows() -> None:
    # Of 20 days, those of test are others.
    hours = pd.Series(pd.date_range("2011-01-01", periods=80, freq="6h")).astype(str)
    train, test = table(WORDS).assign(key=hours[:60]), pd.DataFrame({"key": hours[60:], "x": ["0.1"] * 20})
    found = infer(train, test, None).contract
    assert found.grouping is None and found.column("key_1").type == "date"


@pytest.mark.parametrize("time", ["00:00:00", "06:30:00"])
def test_a_time_of_day_that_never_varies_beside_the_day_is_ignored(time: str) -> None:
    days = pd.Series([f"{day:%Y-%m-%d} {time}" for day in pd.date_range("2011-01-01", periods=62)])
    train, test = table(WORDS).assign(key=days[:60]), pd.DataFrame({"key": days[60:], "x": ["0.1", "0.2"]})
    found = infer(train, test, None).contract
    assert [found.column(part).role for part in ("key_1", "key_2")] == ["feature", "ignore"]


def test_ids_are_compared_as_the_contract_reads_them() -> None:
    train, test = table(WORDS), pd.DataFrame({"key": [" 901", " 902"], "x": ["0.1", "0.2"]}, dtype=object)
    sample = pd.DataFrame({"key": ["902 ", "901"], "y": ["a", "a"]}, dtype=object)
    assert infer(train, test, sample).sample["key"].tolist() == ["902 ", "901"]
    with pytest.raises(UserError, match="test, row 3: the id 'key' ' 901 ' stands there a second time"):
        infer(train, test.assign(key=["901", " 901 "]), None, id="key")


@pytest.mark.parametrize("there", [True, False], ids=["test has the id", "the id is added"])
def test_an_id_that_the_sample_asks_for_twice_is_told_of_the_sample(there: bool) -> None:
    train, test = table(WORDS), pd.DataFrame({"key": ["901", "902"], "x": ["0.1", "0.2"]}, dtype=object)
    sample = pd.DataFrame({"key": ["901", "901", "902"][: 3 if there else 2], "y": "a"}, dtype=object)
    tables = (train, test) if there else (train.drop(columns="key"), test.drop(columns="key"))
    with pytest.raises(UserError, match="the sample submission, row 3: the id 'key' '901' stands there a second time"):
        infer(*tables, sample)


def test_a_sample_that_begins_with_the_target() -> None:
    train, test = table(WORDS).drop(columns="key"), pd.DataFrame({"x": ["0.1", "0.2"]}, dtype=object)
    sample = pd.DataFrame({"y": ["a", "a"], "n": ["1", "2"]}, dtype=object)
    with pytest.raises(UserError, match="first column is 'y', the target; expected the id first"):
        infer(train, test, sample)


def test_ids_of_the_sample_that_are_spelt_otherwise_are_told_so() -> None:
    train, test = table(WORDS), pd.DataFrame({"key": ["901.0", "902.0"], "x": ["0.1", "0.2"]}, dtype=object)
    sample = pd.DataFrame({"key": ["901", "902"], "y": ["a", "a"]}, dtype=object)
    with pytest.raises(UserError, match="test lacks 2 ids of the other, '901' first, where it is '901.0'. Write the"):
        infer(train, test, sample)
    with pytest.raises(UserError, match="'903' first. Give the test file and the sample submission of one"):
        infer(train, test.assign(key=["901", "902"]), sample.assign(key=["901", "903"]))
