"""`make demo` on tables that are not Titanic: the same chain, from contracts it infers, for classes and for values."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline import demo

pytestmark = pytest.mark.slow


def test_classes_and_values_go_through_the_same_chain(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    small = {
        "encode": {"repeats": 1, "folds": 3},
        "tune": {"max_trials": 2, "generation": 2, "epochs": 5},
        "train": {"top_k": 1, "epochs": 8},
    }
    monkeypatch.setattr(demo, "BUDGETS", small)
    folder = tmp_path / "kept"
    assert demo.main(["--keep", str(folder), "--tables", "wine", "diabetes"]) == 0
    lines = [line for line in capfd.readouterr().out.split("\n") if line.startswith("DEMO")]
    assert [line.split()[1].rstrip(":") for line in lines[1:]] == ["wine", "diabetes"]
    assert (folder / "reports" / "DEMO").is_file()
    for name in ("wine", "diabetes"):
        raw, report = folder / "data" / "raw" / name, folder / "reports" / name
        sample = (raw / "sample_submission.csv").read_text().split("\n")
        submission = (report / "submission.csv").read_text().split("\n")
        assert [row.split(",")[0] for row in submission] == [row.split(",")[0] for row in sample]
        assert json.loads((report / "metrics.json").read_text())["members"] == 3


def test_a_folder_that_exists_is_never_written_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").write_text("keep me")
    assert demo.main(["--keep", str(tmp_path)]) == 1
    assert "exists already" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
