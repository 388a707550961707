"""What the command line of the bench takes, and what it leaves as it was written."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import families
from bench.__main__ import main
from pipeline.files import read_json, write_json


def test_a_table_that_is_not_there_leaves_the_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = {"seeds": 2, "tables": {"wine": []}}
    write_json(tmp_path / "families.json", report)
    assert main(["families", "--tables", "wines", "--output", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("error: --tables: no table 'wines'; expected some of titanic, ")
    assert read_json(tmp_path / "families.json") == report


def test_tables_that_are_not_measured_stay_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cases(titanic: Path, folder: Path, names: list[str]) -> list[families.Case]:
        return [families.Case(name, titanic, "binary", {}) for name in names]

    new, other = ([{"network": "plain", "loss": loss, "ms_per_member_epoch": 0.5}] for loss in (1.0, 2.0))
    for name, stand_in in {"_cases": cases, "_rows": lambda case: new, "start_tensorflow": lambda small: None}.items():
        monkeypatch.setattr(families, name, stand_in)
    write_json(tmp_path / "families.json", {"seeds": 2, "tables": {"titanic": other, "wine": other}})
    assert main(["families", "--tables", "wine", "--output", str(tmp_path)]) == 0
    assert read_json(tmp_path / "families.json")["tables"] == {"titanic": other, "wine": new}


def test_without_arrays_one_line_says_how_to_make_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = tmp_path / "arrays.npz"
    assert main(["families", "--tables", "titanic", "--arrays", str(missing), "--output", str(tmp_path)]) == 1
    assert (
        capsys.readouterr().err
        == f"error: {missing}: no such file. Check the path, or run `dvc repro` if a stage makes it.\n"
    )
