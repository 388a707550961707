"""Checks across columns and tables."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.contracts.contract import Column, Contract
from features.contracts.faults import Fault
from features.encoding import columns, duplicates
from features.validation.checks import cells_unread, drift, infinities, read_states, run_checks, target_binary
from features.validation.separation import chance

CONTRACT = Contract(
    (
        Column("id", "id", "text", nullable=False, unique=True),
        Column("y", "target", "category", ("0", "1"), nullable=False),
        Column("x", "feature", "number"),
        Column("c", "feature", "category"),
        Column("t", "feature", "text"),
    )
)


def table(rows: int, first: int) -> pd.DataFrame:
    draw = np.random.default_rng(first)
    frame = pd.DataFrame(
        {
            "id": [str(i) for i in range(first, first + rows)],
            "y": draw.choice(["0", "1"], rows),
            "x": draw.normal(size=rows),
            "c": draw.choice(["a", "b"], rows),
            "t": [f"name {i}" for i in range(first, first + rows)],
        }
    )
    return frame.astype({"id": object, "y": object, "c": object, "t": object})


def checked(
    contract: Contract, train: pd.DataFrame, test: pd.DataFrame, plain: Collection[str] = ("m",), time: str = ""
) -> dict[str, list[Fault]]:
    readings = read_states(contract, train, test, plain)
    doubles = duplicates.find(contract, {}, train, test)
    files = ("train.csv", "test.csv")
    return run_checks(contract, train, test, *files, readings, doubles, leak_auc=0.98, drift_auc=0.65, time=time)


def found(train: pd.DataFrame, test: pd.DataFrame, time: str = "") -> dict[str, list[Fault]]:
    results = checked(CONTRACT, train, test, time=time)
    return {name: faults for name, faults in results.items() if faults}


@pytest.fixture
def tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    return table(200, 0), table(100, 200).drop(columns="y")


def test_sound_tables_pass(tables: Any) -> None:
    assert found(*tables) == {}


def test_ids_in_both(tables: Any) -> None:
    train, test = tables
    test.loc[3, "id"] = "7"
    (fault,) = found(train, test)["ids_shared"]
    assert (fault.file, fault.column, fault.rows, fault.values, fault.warning) == (
        "test.csv",
        "id",
        (5,),
        ("'7'",),
        False,
    )


def test_ids_that_start_anew_are_told_but_let_through(tables: Any) -> None:
    """Unless a row is the same one: then it was copied."""
    train, test = tables
    test["id"] = train["id"].iloc[: len(test)].to_numpy()
    (fault,) = found(train, test)["ids_shared"]
    assert fault.warning and "of rows that differ" in str(fault) and "start anew" in str(fault)
    test.loc[0] = train.iloc[0]
    (fault,) = found(train, test)["ids_shared"]
    assert not fault.warning and "Take the shared rows out" in str(fault)


def test_rows_twice_within_and_across(tables: Any) -> None:
    train, test = tables
    names = ["x", "c", "t"]
    train.loc[4, names] = train.loc[2, names]
    test.loc[6, names] = train.loc[2, names]
    within, across = found(train, test)["rows_duplicated"]
    assert (within.file, within.rows) == ("train.csv", (6,)) and (across.file, across.rows) == ("test.csv", (8,))
    assert within.warning and across.warning


def test_whether_doubles_flatter_is_told_by_those_of_test(tables: Any) -> None:
    """Where test has none of train's, a network would be scored by rows that it has learned from; else all is well."""
    train, test = tables
    copied = pd.concat([train, train.assign(id=[f"again {one}" for one in train["id"]])], ignore_index=True)
    (fault,) = found(copied, test)["rows_duplicated"]
    assert "100.0% of its rows have a double there, of test's 0.0%: a score flatters" in str(fault)
    assert "encode.duplicates" in str(fault)
    alike = train[test.columns].assign(id=[f"asked {one}" for one in train["id"]])
    told = [str(fault) for fault in found(copied, alike)["rows_duplicated"]]
    assert "of test's 100.0%: no sign that this flatters a score" in told[0]
    assert len(told) == 2 and "are, but for the id, in train.csv too" in told[1]


def test_a_gap_twice_is_the_same_row(tables: Any) -> None:
    train, test = tables
    train.loc[4, "x"] = np.nan
    test.loc[6, ["x", "c", "t"]] = train.loc[4, ["x", "c", "t"]]
    assert [f.rows for f in found(train, test)["rows_duplicated"]] == [(8,)]


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e39, -1.797e308])
def test_infinities(tables: Any, value: float) -> None:
    train, test = tables
    test.loc[1, "x"] = value
    (fault,) = found(train, test)["infinities"]
    assert fault.rows == (3,) and "infinite or beyond 3.4e38" in str(fault) and not fault.warning
    assert str(fault).endswith("Correct the cells or leave them empty.")
    columns = [replace(one, nullable=False) if one.name == "x" else one for one in CONTRACT.columns]
    (fault,) = infinities(Contract(tuple(columns), "c.yaml"), test, "test.csv")
    assert str(fault).endswith("Correct the cells, or set `nullable: true` for it in c.yaml and leave them empty.")


def test_empty_and_constant_columns_warn(tables: Any) -> None:
    train, test = tables
    train["x"], test["x"], train["c"], test["c"] = np.nan, np.nan, "a", "a"
    results = found(train, test)
    assert set(results) == {"columns_empty", "columns_constant"}
    assert [(f.file, f.column, f.warning) for faults in results.values() for f in faults] == [
        ("train.csv", "x", True),
        ("test.csv", "x", True),
        ("train.csv", "c", True),
        ("test.csv", "c", True),
    ]


def test_a_column_that_test_alone_lacks_flatters(tables: Any) -> None:
    train, test = tables
    test["x"] = np.nan
    (fault,) = found(train, test)["columns_empty"]
    assert "Train has it, so scores are better than test's can be." in str(fault)
    train["x"] = np.nan
    assert not any("scores" in str(fault) for fault in found(train, test)["columns_empty"])


def test_a_column_that_varies_in_train_alone_flatters(tables: Any) -> None:
    """As one that is filled in once the target is known."""
    train, test = tables
    test["x"] = 0.0
    (fault,) = found(train, test)["columns_constant"]
    assert "Train's differ, so scores may be better than test's can be." in str(fault)
    train["x"] = 1.0
    assert not any("scores" in str(fault) for fault in found(train, test)["columns_constant"])


def test_unseen_categories_warn(tables: Any) -> None:
    train, test = tables
    train["c"], test.loc[0, "c"] = "a", "b"
    test.loc[1:, "c"] = "a"
    (fault,) = found(train, test)["categories_unseen"]
    assert fault.warning and fault.values == ("'b'",) and fault.rows == (2,)


@pytest.mark.parametrize("column", ["x", "c"])
def test_drift_warns(tables: Any, column: str) -> None:
    train, test = tables
    if column == "x":
        test["x"] += 3
    else:
        train["c"], test["c"] = ["a"] * 190 + ["b"] * 10, ["b"] * 90 + ["a"] * 10
    (fault,) = found(train, test)["drift"]
    assert fault.warning and fault.column == column


def test_rows_that_lie_above_those_of_train_may_be_later_ones(tables: Any) -> None:
    """Folds drawn at random then score rows in between, so the cure is another kind of folds."""
    train, test = tables
    test["x"] += 1.5
    (fault,) = found(train, test)["drift"]
    assert "set encode.time" not in str(fault) and "may fall short" in str(fault)
    test["x"] += 4.5
    (fault,) = found(train, test)["drift"]
    assert "If its rows are later ones, set encode.time to this column" in str(fault)
    (fault,) = found(train, test, time="x")["drift"]
    assert "learns from earlier rows alone (encode.time)" in str(fault)
    test["x"] -= 12
    (fault,) = found(train, test)["drift"]
    assert "encode.time" not in str(fault), "they are earlier ones"


def test_chance_alone_seldom_drifts() -> None:
    """Ten columns of ten test rows: by the threshold alone more than half of such tables would drift."""
    names = [f"x{column}" for column in range(10)]
    ends = (Column("id", "id", "text"), Column("y", "target", "category"))
    contract = Contract((*ends, *(Column(name, "feature", "number") for name in names)))
    rng, warned = np.random.default_rng(0), 0
    for _ in range(60):
        train, test = (pd.DataFrame(rng.normal(size=(rows, 10)), columns=names) for rows in (100, 10))
        warned += bool(drift(contract, train, test, "train.csv", "test.csv", {}, 0.65))
    assert warned <= 6
    (fault,) = drift(contract, train, test.assign(x3=test["x3"] + 3), "train.csv", "test.csv", {}, 0.65)
    # sqrt(111 / 12000) by the normal quantile of 0.05 / 20.
    assert fault.column == "x3" and fault.expected == f"{0.5 + 2.807 * np.sqrt(111 / 12000):.3g} or less"
    assert chance(100_000, 100_000, 10) < 0.51, "the threshold counts where rows are many"


@pytest.mark.parametrize("column", ["x", "c"])
def test_a_column_made_from_the_target_fails(tables: Any, column: str) -> None:
    train, test = tables
    train[column] = train["y"].astype(float) * 3 + 1 if column == "x" else train["y"].map({"0": "a", "1": "b"})
    (fault,) = found(train, test)["target_given_away"]
    assert not fault.warning and fault.column == column and "validate.leak_auc" in str(fault)


def test_a_target_that_never_varies_fails(tables: Any) -> None:
    train, test = tables
    train["y"] = "1"
    assert not found(train, test)["target_varies"][0].warning


MET = {"date": [f"{1 + row % 28:02d}.03.2015" for row in range(300)], "code": [f"A-{row}" for row in range(300)]}
MET["boolean"] = [("no", "yes")[row % 2] for row in range(300)]


def unread(
    kind: str, nullable: bool, words: tuple[str, ...] | None = None, /, plain: Collection[str] = ("m",), **changes: str
) -> list[Fault]:
    """What is said of 200 training and 100 test rows, ``changes``: cells by the row of both together."""
    contract = Contract((*CONTRACT.columns, Column("m", "feature", kind, words, nullable=nullable)), "c.yaml")
    cells = list(MET[kind])
    for row, cell in changes.items():
        cells[int(row[1:])] = cell
    tables = table(200, 0).assign(m=cells[:200]), table(100, 200).drop(columns="y").assign(m=cells[200:])
    return checked(contract, *tables, plain)["cells_unread"]


@pytest.mark.parametrize("kind", ["date", "code", "boolean"])
def test_cells_that_are_read_are_not_told(kind: str) -> None:
    assert unread(kind, False) == []


@pytest.mark.parametrize(("kind", "said"), [("date", "a date as '01.03.2015'"), ("code", "2 parts, '-' between them")])
def test_a_cell_that_is_not_read_is_told_with_its_row(kind: str, said: str) -> None:
    """Where cells may be missing it is a warning; where not, a fault."""
    (fault,) = unread(kind, True, r203="soon")
    assert fault.warning and (fault.file, fault.rows, fault.count) == ("test.csv", (5,), 1)
    assert f"1 of 100 cells can't be read as a {kind}: 'soon' (row 5); expected {said}" in str(fault)
    (fault,) = unread(kind, False, r7="soon")
    assert not fault.warning and (fault.file, fault.rows) == ("train.csv", (9,)) and "c.yaml" in fault.cure


def test_a_file_of_which_no_cell_is_read_is_a_fault() -> None:
    """Dates of test are written in a way that is not known; in all, fewer than those that can be read."""
    (fault,) = unread("date", True, None, ("m",), **{f"r{row}": "spring of 2015" for row in range(200, 300)})
    assert not fault.warning and (fault.file, fault.count) == ("test.csv", 100) and "`type: category`" in fault.cure


def test_a_column_that_the_encoder_will_refuse_is_a_fault() -> None:
    (fault,) = unread("date", True, None, ("m",), **{f"r{row}": "soon" for row in range(160)})
    assert not fault.warning and "160 of 300 cells can't be read, 'soon' first" in fault.problem
    (fault,) = unread("boolean", True, r7="perhaps")
    assert not fault.warning and "it holds 3 words, 'no', 'perhaps', 'yes'" in fault.problem
    assert unread("boolean", True, ("no", "yes"), r7="perhaps") == [], "the contract's own words: it says so itself"


def test_a_column_that_the_encoder_does_not_read_by_its_type_is_not_judged() -> None:
    """Switched off, or of a feature module that reads it in its own way."""
    for changes in ({"r7": "spring of 2020"}, {f"r{row}": "spring of 2020" for row in range(160)}):
        assert unread("date", False, None, ("m",), **changes) and unread("date", False, None, ("x",), **changes) == []


def test_columns_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    fitted: list[str] = []
    fit = columns.fit

    def counted(column: Column, cells: pd.Series, file: str) -> dict[str, Any]:
        fitted.append(column.name)
        return fit(column, cells, file)

    monkeypatch.setattr(columns, "fit", counted)
    assert unread("date", True) == [] and fitted == ["m"]


def test_rows_met_later_are_judged_as_their_column_was_read_in_training() -> None:
    """Whatever rows they are among, and whatever the contract has become."""
    cells = pd.DataFrame({"m": ["01.03.2015", "2015-03-01"]}, dtype=object)
    state = columns.fit(Column("m", "feature", "date"), pd.Series(MET["date"]))

    def said(rows: pd.DataFrame, kind: str, nullable: bool) -> list[Fault]:
        contract = Contract((*CONTRACT.columns, Column("m", "feature", kind, nullable=nullable)), "c.yaml")
        return cells_unread(contract, [state], rows, "new.csv", later=True)

    for rows in (cells, cells.iloc[1:]):
        for kind in ("date", "category"):
            (fault,) = said(rows, kind, True)
            assert fault.warning and fault.count == 1 and fault.cure == "They count as missing."
            assert "can't be read as a date: '2015-03-01'" in str(fault)
            (fault,) = said(rows, kind, False)
            assert not fault.warning and fault.cure == "Correct the cells."


def test_dates_and_codes_drift_by_what_they_are_made_of() -> None:
    """No two cells are the same word, so that words tell nothing."""
    moments = pd.date_range("2015-01-01", periods=300, freq="37717s").strftime("%Y-%m-%d %H:%M:%S").tolist()
    numbers = [f"A-{row}" for row in range(300)]
    for kind, cells in (("date", moments), ("code", numbers)):
        contract = Contract((*CONTRACT.columns, Column("m", "feature", kind)))
        tables = table(200, 0).assign(m=cells[:200]), table(100, 200).drop(columns="y").assign(m=cells[200:])
        found = checked(contract, *tables)
        (fault,) = found["drift"]
        assert fault.column == "m" and "AUC of 1.000" in str(fault) and found["cells_unread"] == []


def test_a_third_label_of_two_classes_is_named_with_its_row() -> None:
    train = table(200, 0).assign(y=["yes", "no"] * 99 + ["Yes", np.nan])
    free = Contract((CONTRACT.columns[0], Column("y", "target", "category", nullable=False), *CONTRACT.columns[2:]))
    (fault,) = target_binary(free, train, "train.csv")
    assert not fault.warning and (fault.values, fault.rows, fault.count) == (("'Yes'",), (200,), 1)
    assert "3 labels, but task 'binary' has two" in str(fault) and "expected 'no' or 'yes'" in str(fault)
    assert target_binary(free, table(200, 0), "train.csv") == []
    assert target_binary(CONTRACT, train, "train.csv") == [], "the contract's own words: it says so itself"
