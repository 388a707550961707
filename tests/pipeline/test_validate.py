"""The stage itself: a real suite, a stable report, pages to open, and no heavy import without need."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from pipeline import validate as stage
from pipeline.expectations.suites import WHOLE
from pipeline.settings import Table
from tests.pipeline.expectations.test_suites import CONTRACT
from tests.pipeline.test_bad_input import ROOT, Files, as_csv, put, validate

TABLE = Table("binary", "y", "id", "log_loss", "plain", "sample.csv")


def test_the_report_is_stable_and_the_pages_are_there(tmp_path: Path) -> None:
    Files().write(tmp_path)
    report = tmp_path / "reports" / "validation.json"
    assert validate(tmp_path) == 0
    first = report.read_bytes()
    assert validate(tmp_path) == 0
    assert report.read_bytes() == first
    pages = tmp_path / "reports" / "data_docs"
    assert (pages / "index.html").exists()
    assert len(list((pages / "validations").rglob("*.html"))) == 2
    assert sorted(p.name for p in pages.parent.iterdir()) == ["data_docs", "validation.json"]
    content = json.loads(first)
    assert content["passed"] and all(e["success"] for e in content["expectations"])
    assert {e["column"] for e in content["expectations"]} >= {"Survived", "Age", "Embarked"}
    raw = {name: pd.read_csv(tmp_path / file) for name, file in content["files"].items()}
    for name, found in content["missing"].items():
        gaps = raw[name].isna().sum()
        assert found == gaps[gaps > 0].to_dict() and content["rows"][name] == len(raw[name])
    assert content["missing"].keys() == {"train", "test"} and content["missing"]["train"]


def test_the_pages_can_be_read_without_a_network_and_tell_nobody(tmp_path: Path) -> None:
    files = Files()
    put(files.train, "Age", "200", 3)
    put(files.train, "Sex", "x", 3)
    files.write(tmp_path)
    assert validate(tmp_path) == 1
    pages = tmp_path / "reports" / "data_docs"
    index = (pages / "index.html").read_text()
    assert "width=device-width" in index and "color-scheme: light dark" in index, "a telephone, and the dark, too"
    assert "http" not in index and "<script" not in index
    counts = re.findall(r"<td>([^<]*)</td><td>(\d+)</td><td[^>]*>(\d+)</td>", index)
    assert [(Path(file).name, failed) for file, _, failed in counts] == [("train.csv", "2"), ("test.csv", "0")]
    links = re.findall(r'href="([^"]*)"', index)
    assert len(links) == 4 and all((pages / link).is_file() for link in links)
    for page in [*pages.rglob("*.html"), *pages.rglob("*.css")]:
        assert not re.search(r"amazonaws|newsletter|<img[^>]*https?:", page.read_text(encoding="utf-8")), page


def test_report_and_pages_come_before_the_failure(tmp_path: Path) -> None:
    files = Files()
    put(files.train, "Age", "200", 3)
    files.write(tmp_path)
    assert validate(tmp_path) == 1
    content = json.loads((tmp_path / "reports" / "validation.json").read_text())
    failed = [e for e in content["expectations"] if not e["success"]]
    assert [(e["column"], e["unexpected_count"]) for e in failed] == [("Age", 1)]
    assert content["failures"] and (tmp_path / "reports" / "data_docs" / "index.html").exists()


def test_several_faults_are_all_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = Files()
    put(files.train, "Age", "old", 3)
    put(files.train, "Fare", "dear", 3)
    put(files.test, "Sex", "", 3)
    files.write(tmp_path)
    assert validate(tmp_path) == 1
    err = capsys.readouterr().err
    assert all(word in err for word in ("'Age'", "'Fare'", "'Sex'", "3 faults"))


def test_a_folder_of_other_things_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Files().write(tmp_path)
    mine = tmp_path / "reports" / "data_docs" / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    assert validate(tmp_path) == 1
    assert mine.read_text() == "mine" and "Name another one" in capsys.readouterr().err


def test_params_and_contract_must_agree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = Files()
    files.params = files.params.replace("target: Survived", "target: Sex")
    files.write(tmp_path)
    assert validate(tmp_path) == 1
    assert "table.target is 'Sex'" in capsys.readouterr().err


def test_the_pages_show_whole_numbers(tmp_path: Path) -> None:
    files = Files()
    put(files.train, "Parch", "1.5", 3)
    files.write(tmp_path)
    assert validate(tmp_path) == 1
    content = json.loads((tmp_path / "reports" / "validation.json").read_text())
    failed = [e for e in content["expectations"] if not e["success"]]
    assert [(e["column"], e["arguments"]["regex"], e["unexpected_count"]) for e in failed] == [("Parch", WHOLE, 1)]
    assert len(content["failures"]) == 1


def test_what_did_not_pass_is_not_counted_as_passed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = Files()
    files.write(tmp_path)
    assert validate(tmp_path) == 0
    whole, checks = re.findall(r"(\d+) expectations and (\d+) checks passed, 0 warnings", capsys.readouterr().out)[0]
    put(files.test, "Embarked", "X", 4)
    files.write(tmp_path)
    assert validate(tmp_path) == 0
    expected = f"{int(whole) - 1} of {whole} expectations and {int(checks) - 1} of {checks} checks passed, 1 warning\n"
    assert expected in capsys.readouterr().out


def free_target(folder: Path, rules: str = "") -> Path:
    """Titanic's contract with other ``rules`` for the words of the target."""
    text = (ROOT / "data" / "contracts" / "titanic.yaml").read_text(encoding="utf-8")
    old = '    values: ["0", "1"]\n'
    assert text.count(old) == 1
    (folder / "contract.yaml").write_text(text.replace(old, rules), encoding="utf-8")
    return folder / "contract.yaml"


def test_a_third_label_of_two_classes_is_one_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = Files()
    put(files.train, "Survived", "maybe", 7)
    files.write(tmp_path)
    assert validate(tmp_path, free_target(tmp_path)) == 1
    err = capsys.readouterr().err
    assert "column 'Survived': 3 labels, but task 'binary' has two: 'maybe' (row 7); expected" in err
    assert "task: multiclass" in err and "1 fault;" in err
    put(files.train, "Survived", "1", 7)
    files.write(tmp_path)
    assert validate(tmp_path, free_target(tmp_path)) == 0


def test_a_column_is_judged_as_its_type_only_where_the_encoder_reads_it_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The module titanic has its own way with tickets; plain reads them by their type, unless they are switched off."""
    files = Files()
    own = files.params
    ticket = free_target(tmp_path, '    values: ["0", "1"]\n')
    text = ticket.read_text(encoding="utf-8")
    assert text.count("  Ticket:\n    role: feature\n    type: text\n") == 1
    ticket.write_text(
        text.replace("  Ticket:\n    role: feature\n    type: text\n", "  Ticket:\n    role: feature\n    type: date\n")
    )
    plain = own.replace("module: titanic", "module: plain")
    for params, fails in (
        (own, 0),
        (plain, 1),
        (plain.replace("      features:\n", "      features:\n        Ticket: false\n"), 0),
    ):
        files.params = params
        files.write(tmp_path)
        assert validate(tmp_path, ticket) == fails
        assert ("column 'Ticket' is no date" in capsys.readouterr().err) == bool(fails)


def test_two_classes_have_two_values(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Files().write(tmp_path)
    assert validate(tmp_path, free_target(tmp_path, '    values: ["0", "1", "2"]\n')) == 1
    err = capsys.readouterr().err
    assert "columns.Survived.values are '0', '1', '2'; expected two for task 'binary'" in err and "multiclass" in err


def test_a_guessed_encoding_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In Korean's, "Är" of Western European files is a syllable."""
    files = Files()
    put(files.train, "Name", "Ärger, Mr. No 3", 4)
    files.bytes["train"] = as_csv(files.train).decode().encode("latin-1")
    files.write(tmp_path)
    assert validate(tmp_path) == 0
    out = capsys.readouterr().out
    assert "warning:" in out and "train.csv: the file is not UTF-8 and was read as CP949: '훣ger' (row 4)." in out


@pytest.mark.parametrize(
    ("sample", "said"),
    [
        ({"key": ["1", "2"], "y": ["0", "0"]}, "not those of a submission"),
        ({"id": ["1", "2"], "p": ["0", "0"], "q": ["0", "0"]}, "not those of a submission"),
        ({"id": ["1", "2"], "p": ["0", "0"]}, "another name"),
        ({"id": ["1", "2"], "y_1": ["0", "0"], "y_0": ["0", "0"]}, ""),
        ({"id": ["1", "1"], "y": ["0", "0"]}, "a second time"),
        ({"id": ["1", "9"], "y": ["0", "0"]}, "not in test.csv"),
        ({"id": ["1"], "y": ["0"]}, "not in sample.csv"),
        ({"id": ["2", "1"], "y": ["0", "0"]}, "another order"),
        ({"id": [" 1", "2 "], "y": ["0", "0"]}, ""),
        ({"id": ["1", "2"], "y": ["0", "0"]}, ""),
    ],
)
def test_the_sample_submission_names_the_test_rows(sample: dict[str, list[str]], said: str) -> None:
    test = pd.DataFrame({"id": ["1", "2"]}, dtype=object)
    frame = pd.DataFrame(sample, dtype=object)
    faults = stage.sample_matches(CONTRACT, TABLE, frame, test, "sample.csv", "test.csv")
    assert said in " ".join(map(str, faults)) and bool(faults) == bool(said)
    assert all(f.warning for f in faults) == (said in ("", "another order", "another name"))


def test_labels_are_asked_for_in_one_column() -> None:
    test = pd.DataFrame({"id": ["1", "2"]}, dtype=object)
    sample = pd.DataFrame({"id": ["1", "2"], "y_1": ["0", "0"], "y_0": ["0", "0"]}, dtype=object)
    labels = replace(TABLE, metric="accuracy")
    (fault,) = stage.sample_matches(CONTRACT, labels, sample, test, "sample.csv", "test.csv")
    assert "2 columns of answers; expected 1 (task binary, metric accuracy)" in str(fault)


def test_an_id_twice_in_test_is_no_defect_of_the_sample() -> None:
    test = pd.DataFrame({"id": ["1", "2", "2"]}, dtype=object)
    sample = pd.DataFrame({"id": ["1", "2"], "y": ["0", "0"]}, dtype=object)
    assert stage.sample_matches(CONTRACT, TABLE, sample, test, "sample.csv", "test.csv") == []


def test_importing_the_stage_loads_nothing_heavy() -> None:
    code = (
        "import sys, pipeline.validate; "
        "sys.exit(str([m for m in ('great_expectations', 'tensorflow', 'sklearn') if m in sys.modules] or ''))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""
