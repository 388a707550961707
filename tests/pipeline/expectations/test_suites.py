"""The contract as Great Expectations' suites: an expectation a rule, each of which can fail, none without a word."""

from __future__ import annotations

import errno
import logging
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from great_expectations.data_context.store.html_site_store import HtmlSiteStore

from features.contracts.contract import Column, Contract
from pipeline.expectations import suites
from pipeline.params import read_document
from tests.stages import ROOT

CONTRACT = Contract(
    (
        Column("id", "id", "text", nullable=False, unique=True),
        Column("y", "target", "category", ("0", "1"), nullable=False),
        Column("x", "feature", "number", minimum=0, maximum=1, nullable=False),
        Column("c", "feature", "category", ("a", "b")),
        Column("note", "ignore", "text"),
    )
)


def test_expectations_follow_the_contract() -> None:
    rules = suites.expectations_of(CONTRACT, with_target=False)
    assert ("ExpectColumnValuesToBeUnique", {"column": "id"}) in rules
    assert ("ExpectColumnValuesToBeBetween", {"column": "x", "min_value": 0, "max_value": 1}) in rules
    assert not any(arguments.get("column") in ("y", "note") for _, arguments in rules)
    severities = [
        [a["severity"] for _, a in suites.expectations_of(CONTRACT, with_target) if a.get("column") == "c"]
        for with_target in (True, False)
    ]
    assert severities == [["critical"], ["warning"]]
    whole = replace(CONTRACT, columns=(replace(CONTRACT.column("x"), integer=True),))
    assert ("ExpectColumnValuesToMatchRegex", {"column": "x", "regex": suites.WHOLE}) in suites.expectations_of(
        whole, True
    )


@pytest.mark.parametrize("value", [0.0, -0.0, 3.0, -12.0, 123456789.0, 2.0**53, 1e16, -1.5e300, 0.5, -2.25, 1e-7])
def test_a_whole_number_is_known_by_how_python_writes_it(value: float) -> None:
    assert bool(re.search(suites.WHOLE, str(value))) == value.is_integer()


def test_every_expectation_can_fail(tmp_path: Path) -> None:
    """One bad cell for each rule of the contract, and none of them holds."""
    bad = {"PassengerId": ["1", None], "Survived": ["2", None], "Pclass": ["4", None], "Sex": ["x", None]}
    bad |= {"Name": ["Doe", None], "Ticket": ["1", None], "Embarked": ["X"], "Age": ["-1"], "Fare": ["-1"]}
    bad |= {"SibSp": ["0.5", "99", None], "Parch": ["0.5", "99", None], "Cabin": [None]}
    contract = Contract.from_mapping(read_document(ROOT / "data" / "contracts" / "titanic.yaml"), "titanic.yaml")
    frame = pd.DataFrame({name: (cells * 4)[:4] for name, cells in bad.items()}, dtype=object)
    found = suites.run_suites(contract, {"train.csv": contract.typed(frame, "train.csv", True)}, tmp_path / "docs")
    assert len(found) == len(suites.expectations_of(contract, True)) and not any(e["success"] for e in found)


def test_columns_that_differ_in_capitals_alone_are_two(tmp_path: Path) -> None:
    names = ["Region", "region", "region_", "REGION"]
    assert suites.told_apart(names) == dict(zip(names, ["Region", "region_", "region__", "REGION___"], strict=True))
    levels = [Column(name, "feature", "category", (name,)) for name in names]
    contract = Contract((*CONTRACT.columns[:2], *levels))
    frame = pd.DataFrame({"id": ["1"], "y": ["0"]} | {name: [name] for name in names}, dtype=object)
    found = suites.run_suites(contract, {"train.csv": contract.typed(frame, "train.csv", True)}, tmp_path / "docs")
    assert all(one["success"] for one in found) and {*names} <= {one["column"] for one in found}


def test_pages_that_a_full_disk_cuts_short_are_no_page_of_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    whole = HtmlSiteStore.set
    cut: list[object] = []

    def fill_up(store: HtmlSiteStore, key: object, page: str) -> None:
        whole(store, key, page)
        cut.append(key)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(HtmlSiteStore, "set", fill_up)
    frame = pd.DataFrame({"id": ["1"], "y": ["0"], "x": ["0.5"], "c": ["a"], "note": [""]})
    suites.run_suites(CONTRACT, {"train.csv": CONTRACT.typed(frame, "train.csv", True)}, tmp_path / "docs")
    assert cut and not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_failed_expectation_never_goes_unsaid() -> None:
    failed = {
        "file": "t.csv",
        "column": "x",
        "expectation": "e",
        "arguments": {},
        "severity": "critical",
        "success": False,
        "unexpected_count": 2,
        "error": "",
    }
    (fault,) = suites.unexplained([failed], [])
    assert not fault.warning and "t.csv: column 'x': 2 values fail e" in str(fault)
    assert suites.unexplained([failed], [fault]) == []
