"""Rows met later against the contract and against how their columns were read in training."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from features.contracts.contract import Column, Contract
from features.contracts.spelling import Spelling
from features.encoding import columns
from features.errors import UserError
from pipeline.predict import Trained, accepted, spelt

DATES = [f"{day:02d}.03.2015" for day in range(1, 29)]


def contract(nullable: bool = True) -> Contract:
    """A date, a code and two words, which may be missing or not."""
    met = (Column(kind, "feature", kind, nullable=nullable) for kind in ("date", "code", "boolean"))
    return Contract((Column("id", "id", "text", nullable=False, unique=True), *met, Column("y", "target", "category")))


def states() -> list[dict[str, Any]]:
    """As encoding.json holds them."""
    met = {"date": DATES, "code": ["A-1", "B-2"], "boolean": ["no", "yes"]}
    return [
        json.loads(json.dumps(columns.fit(contract().column(kind), pd.Series(cells, dtype=object))))
        for kind, cells in met.items()
    ]


def table(**changes: list[str | None]) -> pd.DataFrame:
    cells: dict[str, list[str | None]] = {"id": ["1", "2", "3"], "date": ["01.03.2015", None, "02.04.2016"]}
    cells |= {"code": ["A-1", "C-9", None], "boolean": ["no", None, "yes"]}
    return pd.DataFrame(cells | changes, dtype=object)


def test_rows_that_are_read_are_accepted_without_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    for rows in (3, 0):
        assert len(accepted(table().iloc[:rows], contract(), states(), "new.csv")) == rows
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("module", "made"), [("plain", ["date", "boolean", "code"]), ("titanic", ["boolean", "code"])])
def test_what_formulas_take_counts_as_learned_from(module: str, made: list[str]) -> None:
    """As the columns that the networks see do, each once: so none is gone, or unread, without a word."""
    date, code, boolean = states()
    encoding = {"module": module, "features": {"columns": [date, boolean]}}
    encoding["formulas"] = [{"columns": [boolean, code]}, {"columns": [code]}]
    trained = Trained(contract(), encoding, {}, *[cast(Any, None)] * 2, clip=False, ensemble={})
    assert [state["name"] for state in trained.states] == made
    before = replace(trained, encoding={name: encoding[name] for name in ("module", "features")})
    assert [state["name"] for state in before.states] == (["date", "boolean"] if module == "plain" else [])


@pytest.mark.parametrize(
    ("column", "cells", "said"),
    [
        ("date", ["01.03.2015", None, "2016-04-02"], "1 of 2 cells can't be read as a date: '2016-04-02' (row 4)"),
        ("code", ["A-1", "C9", None], "1 of 2 cells can't be read as a code: 'C9' (row 3)"),
        ("boolean", ["no", None, "perhaps"], "1 of 2 cells can't be read as a boolean: 'perhaps' (row 4)"),
    ],
)
def test_a_cell_that_is_not_read_is_told(
    column: str, cells: list[str | None], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It counts as missing where it may, whatever rows it is among; else the rows are refused."""
    changed = table(**{column: cells})
    assert len(accepted(changed, contract(), states(), "new.csv")) == 3
    assert f"warning: new.csv: column {column!r}: {said}" in capsys.readouterr().out
    full = table(date=DATES[:3], code=["A-1", "A-2", "A-3"], boolean=["no", "no", "no"])
    full.loc[2, column] = cells[1] or cells[2]
    with pytest.raises(UserError, match=r"1 of 3 cells can't be read .* Correct the cells\.$"):
        accepted(full, contract(nullable=False), states(), "new.csv")
    assert len(accepted(full.iloc[2:], contract(), states(), "new.csv")) == 1
    assert "1 of 1 cells can't be read" in capsys.readouterr().out


def test_a_contract_edited_after_training_hides_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """The networks' column is still a date."""
    edited = tuple(replace(c, type="category") if c.name == "date" else c for c in contract().columns)
    cells: list[str | None] = ["01.03.2015", "02.03.2015", "soon"]
    assert len(accepted(table(date=cells), Contract(edited), states(), "new.csv")) == 3
    assert "1 of 3 cells can't be read as a date: 'soon' (row 4)" in capsys.readouterr().out


@pytest.mark.parametrize("nullable", [True, False])
def test_who_a_row_belongs_to_is_not_asked(nullable: bool, capsys: pytest.CaptureFixture[str]) -> None:
    grouped = Contract((*contract().columns, Column("who", "group", "text", nullable=nullable)))
    for rows in (table(), table(who=["a", "a", None])):
        frame = accepted(rows, grouped, states(), "new.csv")
        assert frame.columns.tolist() == ["id", "date", "code", "boolean"]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("values", [("B/12/P", "C/7/S"), None], ids=["listed", "open"])
def test_a_whole_never_seen_keeps_its_parts(values: tuple[str, ...] | None, capsys: pytest.CaptureFixture[str]) -> None:
    """One of another form has none: that is told where the contract lists the cells, and refused where it does not."""
    whole = Column("cabin", "feature", "category", values, separator="/", parts=("deck", "place", "side"))
    kinds = {"deck": "category", "place": "number", "side": "category"}
    parts = [Column(name, "feature", kind) for name, kind in kinds.items()]
    ship = Contract((contract().columns[0], whole, *parts, contract().columns[-1]), "c.yaml")

    def asked(*cells: str) -> pd.DataFrame:
        return pd.DataFrame({"id": [str(one) for one in range(len(cells))], "cabin": cells}, dtype=object)

    frame = accepted(asked("C/7/S", "E/9/S"), ship, [], "new.csv")
    assert frame[["deck", "place", "side"]].iloc[1].tolist() == ["E", 9, "S"]
    told = capsys.readouterr().out
    assert ("1 value is not allowed: 'E/9/S' (row 3)" in told) is (values is not None) and "taken apart" not in told
    said = {
        "E9S": "column 'cabin': 1 cell can't be taken apart: 'E9S' (row 3); expected 3 parts, '/' between them. ",
        "E/x/S": "column 'place': 1 cell is text: 'x' (row 3); expected a number. ",
    }
    for cell, words in said.items():
        if values is None:
            with pytest.raises(UserError, match=f"{re.escape(words)}Correct the cells, leave them empty, or name"):
                accepted(asked("C/7/S", cell), ship, [], "new.csv")
            continue
        assert np.isnan(accepted(asked("C/7/S", cell), ship, [], "new.csv")["place"].tolist()[1])
        told = capsys.readouterr().out
        assert f"'{cell}' (row 3); expected one of 'B/12/P', 'C/7/S'. They are encoded as unseen." in told
        assert words in told and "count as missing." in told


@pytest.mark.parametrize(("role", "kind"), [("ignore", "text"), ("feature", "category")])
def test_an_empty_whole_is_told_once(role: str, kind: str) -> None:
    """Not its parts, which no file has, unless one of them alone is empty."""
    whole = Column("cabin", role, kind, nullable=role == "ignore", separator="/", parts=("deck", "at"))
    at = Column("at", "ignore", "text", separator="-", parts=("row", "seat"))
    parts = [Column(name, "feature", "category", nullable=False) for name in ("deck", "row", "seat")]
    ship = Contract((contract().columns[0], whole, at, *parts, contract().columns[-1]), "c.yaml")
    rows = pd.DataFrame({"id": ["1", "2", "3", "4"], "cabin": ["B/1-2", None, "C/", "/3-"]}, dtype=object)
    found = ship.faults(ship.typed(rows, "new.csv", False), "new.csv", False)
    assert [(fault.column, fault.rows) for fault in found] == [
        ("cabin", (3,)), ("at", (4,)), ("deck", (5,)), ("seat", (5,))
    ]  # fmt: skip
    assert str(found[0]) == (
        "new.csv: column 'cabin': 1 value is missing (row 3); expected 2 parts, '/' between them. Fill the cells or "
        "delete the rows, or set `nullable: true` for it and its parts in c.yaml."
    )
    with pytest.raises(UserError) as caught:
        accepted(rows.iloc[:2], ship, [], "new.csv")
    assert str(caught.value) == str(found[0])
    loose = [replace(c, nullable=True) if c.name in ("deck", "row", "seat", "cabin") else c for c in ship.columns]
    assert len(accepted(rows, Contract(tuple(loose), "c.yaml"), [], "new.csv")) == 4


def test_a_rows_number_does_not_depend_on_the_rows_beside_it(capsys: pytest.CaptureFixture[str]) -> None:
    """24,640 may be 24640 or 24.64: the contract says which, or it is refused."""
    ends = contract().columns[0], contract().columns[-1]
    plain = Contract((Column("x", "feature", "number"), *ends), "c.yaml")
    alone, beside = (pd.DataFrame({"id": "1", "x": cells}, dtype=object) for cells in (["24,640"], ["24,640", "24,37"]))
    for table in (alone, beside):
        with pytest.raises(
            UserError, match="new.csv, row 2: column 'x' is '24,640', which may be 24640 or 24.640, and"
        ):
            spelt(plain, table, "new.csv")
    clear = beside.iloc[1:].reset_index(drop=True)
    assert spelt(plain, clear, "new.csv").typed(clear, "new.csv", False)["x"].tolist() == [24.37]
    assert capsys.readouterr().out == "note: new.csv: column 'x': read with decimal commas\n"
    for spelling in (Spelling(decimal=","), Spelling(decimal=",", thousands=".")):
        kept = Contract((Column("x", "feature", "number", spelling=spelling), *ends), "c.yaml")
        for table in (alone, beside):
            assert spelt(kept, table, "new.csv") == kept and kept.typed(table, "new.csv", False)["x"][0] == 24.64


def test_a_decimal_point_where_points_stand_between_thousands_is_refused() -> None:
    """12.500 is read as 12500 there, so that 12.5 can't be 12.5."""
    spelling = Spelling(decimal=",", thousands=".")
    kept = Contract((Column("x", "feature", "number", spelling=spelling), *contract().columns[::4]), "c.yaml")
    rows = pd.DataFrame({"id": ["1", "2"], "x": ["12.500", "12.5"]}, dtype=object)
    with pytest.raises(UserError, match=r"'12.5' \(row 3\); expected a number. Points stand between thousands in this"):
        accepted(rows, spelt(kept, rows, "new.csv"), [], "new.csv")


def test_signs_that_new_finds_may_stand_in_a_contract() -> None:
    for spelling in (Spelling(thousands="'"), Spelling(decimal=",", thousands="'", prefix="CHF")):
        ends = Column("id", "id", "text", nullable=False, unique=True), Column("y", "target", "number", nullable=False)
        kept = Contract((Column("x", "feature", "number", spelling=spelling), *ends), "c.yaml")
        assert Contract.from_mapping(kept.to_mapping(), "c.yaml") == kept


def test_rows_are_numbered_where_new_added_the_id(capsys: pytest.CaptureFixture[str]) -> None:
    raw = table().drop(columns="id")
    with pytest.raises(UserError, match=r"column 'id': the column is missing .* Add it\.$"):
        accepted(raw, contract(), states(), "new.csv")
    first, *others = contract().columns
    added = Contract((replace(first, added=61), *others))
    assert accepted(raw, added, states(), "new.csv")["id"].tolist() == ["61", "62", "63"]
    assert "no column 'id' in new.csv, nor in the files given to new: its rows are numbered" in capsys.readouterr().out
    assert accepted(table(id=["7", "8", "9"]), added, states(), "new.csv")["id"].tolist() == ["7", "8", "9"]
    with pytest.raises(UserError, match=r"column 'id': .* \(there is 'ids'\)"):
        accepted(raw.assign(ids=["7", "8", "9"]), added, states(), "new.csv")


def test_a_table_of_other_columns_is_told_in_few_lines() -> None:
    with pytest.raises(UserError) as caught:
        accepted(table().rename(columns=str.upper), contract(nullable=False), states(), "new.csv")
    first, _, last = str(caught.value).splitlines()
    assert "column 'id'" in first and last == "... and 2 faults more. Nothing was written."
