"""Every bad input a user may hand over: what the message names, and that nothing older is lost."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from pipeline import encode, normalize
from pipeline.validate import main
from tests.stages import options

ROOT = Path(__file__).resolve().parents[2]
CONTRACT = ROOT / "data" / "contracts" / "titanic.yaml"
REAL = ROOT.parent / "shared" / "data" / "titanic"
HEADER = [
    "PassengerId",
    "Survived",
    "Pclass",
    "Name",
    "Sex",
    "Age",
    "SibSp",
    "Parch",
    "Ticket",
    "Fare",
    "Cabin",
    "Embarked",
]
Rows = list[list[str]]
OLDER = {"submission.csv": b"PassengerId,Survived\n1,1\n", "metrics.json": b'{"cv_accuracy": 0.8}\n'}


def small_table(rows: int = 80, first: int = 1, seed: int = 0) -> Rows:
    """Header and rows shaped like Titanic's: gaps in Age and Cabin, no feature that gives the target away."""
    draw = random.Random(seed)
    table = [list(HEADER)]
    for i in range(first, first + rows):
        sex = draw.choice(["male", "female"])
        survived = draw.random() < (0.7 if sex == "female" else 0.25)
        age = "" if i % 5 == 0 else str(draw.randint(1, 70))
        cabin = f"C{i}" if i % 4 == 0 else ""
        table.append(
            [
                str(i),
                str(int(survived)),
                draw.choice("123"),
                f"Doe, Mr. No {i}",
                sex,
                age,
                str(draw.randint(0, 3)),
                str(draw.randint(0, 2)),
                f"T{i // 2}",
                f"{draw.uniform(5, 90):.2f}",
                cabin,
                draw.choice("CQS"),
            ]
        )
    return table


def as_csv(table: Rows, delimiter: str = ",") -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows(table)
    return out.getvalue().encode()


def without(table: Rows, name: str) -> Rows:
    at = table[0].index(name)
    return [row[:at] + row[at + 1 :] for row in table]


def put(table: Rows, name: str, value: str, *rows: int) -> None:
    """Write ``value`` into the rows of these numbers (the header is 1), into every row without numbers."""
    at = table[0].index(name)
    for row in rows or range(2, len(table) + 1):
        table[row - 1][at] = value


class Files:
    """The raw tables as rows until a case turns them into bytes, and the params as text."""

    def __init__(self) -> None:
        self.train = small_table()
        self.test = without(small_table(40, first=81, seed=1), "Survived")
        self.params = (ROOT / "params.yaml").read_text(encoding="utf-8")
        self.bytes: dict[str, bytes] = {}

    def write(self, folder: Path) -> None:
        sample = [["PassengerId", "Survived"], *[[str(i), "0"] for i in range(81, 121)]]
        tables = {"train": self.train, "test": self.test, "sample": sample}
        for name, table in tables.items():
            (folder / f"{name}.csv").write_bytes(self.bytes.get(name, as_csv(table)))
        (folder / "params.yaml").write_text(self.params, encoding="utf-8")


@dataclass(frozen=True)
class Case:
    """``says``: what standard error (a failure) or standard output (harmless) must name."""

    id: str
    change: Callable[[Files], object]
    says: tuple[str, ...] = ()
    fails: bool = True
    read: bool = field(default=True)


def _reorder(files: Files) -> None:
    files.train = [row[::-1] for row in files.train]


def _extra(files: Files) -> None:
    files.train = [[*row, "x" if i else "Deck"] for i, row in enumerate(files.train)]


def _holds_target(files: Files) -> None:
    files.test = small_table(40, first=81, seed=1)


def _params(old: str, new: str) -> Callable[[Files], object]:
    def change(files: Files) -> None:
        assert old in files.params
        files.params = files.params.replace(old, new, 1)

    return change


def _bytes(name: str, make: Callable[[Files], bytes]) -> Callable[[Files], object]:
    return lambda files: files.bytes.__setitem__(name, make(files))


def _recoded(encoding: str, name: str = "Doe, Mr. No 1") -> Callable[[Files], object]:
    def change(files: Files) -> None:
        put(files.train, "Name", name, 2)
        files.bytes["train"] = as_csv(files.train).decode().encode(encoding)

    return change


def _ragged(files: Files) -> None:
    files.train[4] = files.train[4][:-1]


def _leak(files: Files) -> None:
    for row in files.train[1:]:
        row[9] = "80" if row[1] == "1" else "8"


CASES = [
    Case(
        "column missing",
        lambda f: setattr(f, "train", without(f.train, "Age")),
        ("train.csv", "'Age'", "missing", "Add it"),
    ),
    Case("column renamed", lambda f: put(f.train, "Embarked", "Embarkd", 1), ("'Embarked'", "'Embarkd'", "Rename")),
    Case("column extra", _extra, ("train.csv", "'Deck'", "row 2", "'x'", "expected", "Delete it")),
    Case("columns reordered", _reorder, ("train.csv", "another order", "'Embarked'"), fails=False),
    Case("empty file", _bytes("train", lambda f: b""), ("train.csv", "empty", "expected")),
    Case("header only", lambda f: setattr(f, "test", f.test[:1]), ("test.csv", "row 1", "no data row", "expected")),
    Case("semicolons", _bytes("train", lambda f: as_csv(f.train, ";")), fails=False),
    Case(
        "wrong delimiter",
        _bytes("train", lambda f: as_csv(f.train, "^").replace(b",", b"")),
        ("train.csv", "row 1", "PassengerId^", "one column", "commas"),
    ),
    Case("ragged row", _ragged, ("train.csv", "row 5", "11 cells", "expected 12")),
    Case("column doubled", lambda f: put(f.train, "Cabin", "Age", 1), ("train.csv", "row 1", "'Age'", "columns 6, 11")),
    Case("BOM", _recoded("utf-8-sig"), fails=False),
    Case("UTF-16", _recoded("utf-16"), fails=False),
    Case("UTF-16 without BOM", _recoded("utf-16-le"), fails=False),
    Case("CP949", _recoded("cp949", "김, Mr. 철수"), ("train.csv", "not UTF-8", "CP949", "'김' (row 2)"), fails=False),
    Case(
        "undecodable",
        _bytes("train", lambda f: as_csv(f.train).replace(b"Mr. No 3", b"\xff\xfe\xfd")),
        ("row 4", "0xff", "UTF-8"),
    ),
    Case(
        "id doubled",
        lambda f: put(f.train, "PassengerId", "7", 9),
        ("train.csv", "'PassengerId'", "'7' (row 9)", "once", "Delete"),
    ),
    Case("id missing", lambda f: put(f.train, "PassengerId", "", 9), ("'PassengerId'", "missing", "row 9", "expected")),
    Case(
        "text in number",
        lambda f: put(f.train, "Age", "old", 4, 6),
        ("'Age'", "2 cells", "'old' (row 4)", "0 to 120", "Correct"),
    ),
    Case("decimal comma", lambda f: put(f.train, "Fare", "7,25", 4), ("'Fare'", "'7,25' (row 4)", "point")),
    Case("out of range", lambda f: put(f.train, "Age", "-3", 4), ("'Age'", "-3 (row 4)", "0 to 120", "Correct")),
    Case("part of a child", lambda f: put(f.train, "Parch", "1.5", 4), ("'Parch'", "1.5 (row 4)", "whole number")),
    Case(
        "target missing",
        lambda f: put(f.train, "Survived", "NaN", 4),
        ("'Survived'", "1 value is missing", "row 4", "'0', '1'", "Fill"),
    ),
    Case(
        "third class", lambda f: put(f.train, "Survived", "2", 4), ("'Survived'", "'2' (row 4)", "'0', '1'", "Correct")
    ),
    Case("one class", lambda f: put(f.train, "Survived", "0"), ("'Survived'", "never varies", "two values")),
    Case(
        "category new in train",
        lambda f: put(f.train, "Sex", "x", 4),
        ("'Sex'", "'x' (row 4)", "'female', 'male'", "titanic.yaml"),
    ),
    Case(
        "infinity", lambda f: put(f.test, "Fare", "inf", 4), ("test.csv", "'Fare'", "inf (row 4)", "finite", "Correct")
    ),
    Case(
        "all missing",
        lambda f: put(f.train, "Age", "", *range(2, 82)),
        ("'Age'", "all 80", "missing", "rows 2, 3"),
        fails=False,
    ),
    Case(
        "all missing, not nullable",
        lambda f: put(f.train, "Sex", "", *range(2, 82)),
        ("'Sex'", "80 values are missing", "rows 2, 3", "Fill"),
    ),
    Case(
        "constant",
        lambda f: put(f.train, "Parch", "1", *range(2, 82)),
        ("'Parch'", "the same", "1 (row 2)"),
        fails=False,
    ),
    Case("test holds target", _holds_target, ("test.csv", "'Survived'", "holds the target", "row 2", "Delete")),
    Case(
        "ids shared",
        lambda f: put(f.test, "PassengerId", "5", 4),
        ("test.csv", "'PassengerId'", "'5' (row 4)", "train.csv", "Take"),
    ),
    Case(
        "category new in test",
        lambda f: put(f.test, "Embarked", "X", 4),
        ("'Embarked'", "'X' (row 4)", "unseen"),
        fails=False,
    ),
    Case("whole numbers as floats", lambda f: put(f.test, "Pclass", "3.0", 4), fails=False),
    Case("target given away", _leak, ("'Fare'", "gives the target", "8 (row", "less than 0.98", "ignore")),
    Case(
        "params key misspelt",
        _params("  leak_auc:", "  leek_auc:"),
        ("params.yaml", "validate.leek_auc", "did you mean 'leak_auc'"),
        read=False,
    ),
    Case(
        "params out of range",
        _params("leak_auc: 0.98", "leak_auc: 1.5"),
        ("params.yaml", "validate.leak_auc", "1.5", "0.5 to 1"),
        read=False,
    ),
]


def validate(folder: Path, contract: Path = CONTRACT) -> int:
    paths = {"params": "params.yaml", "train": "train.csv", "test": "test.csv", "sample": "sample.csv"}
    reports = {"report": "reports/validation.json", "docs": "reports/data_docs"}
    return main(["--competition", "titanic", *options(folder, contract=contract, **paths, **reports)])


def goes_on(folder: Path) -> None:
    """What is harmless is harmless to the next stages too: they end with finite inputs for every row."""
    common = ["--competition", "titanic", *options(folder, params="params.yaml")]
    tables = options(folder, contract=CONTRACT, train="train.csv", test="test.csv", output="encode")
    assert encode.main([*common, *tables]) == 0
    assert normalize.main([*common, *options(folder, input="encode", output="normalize")]) == 0
    inputs = np.load(folder / "normalize" / "arrays.npz")["inputs"]
    assert inputs.shape[:2] == (20, 120) and np.isfinite(inputs).all()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_bad_input_is_explained_and_loses_nothing(
    case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = Files()
    case.change(files)
    files.write(tmp_path)
    reports = tmp_path / "reports"
    reports.mkdir()
    for name, content in OLDER.items():
        (reports / name).write_bytes(content)

    code = validate(tmp_path)

    out, err = capsys.readouterr()
    assert code == (1 if case.fails else 0), err
    text = err if case.fails else out
    for words in case.says:
        assert words in text
    assert "Traceback" not in out + err
    if not case.fails:
        goes_on(tmp_path)
    if case.fails:
        faults = 1
        if case.read:
            faults = len(json.loads((reports / "validation.json").read_text())["failures"])
        # One line closes the list; it names the report.
        assert len(err.strip().splitlines()) <= 3 * faults + 1
    else:
        assert err == ""
    assert {name: (reports / name).read_bytes() for name in OLDER} == OLDER
    if case.read:
        report = json.loads((reports / "validation.json").read_text(encoding="utf-8"))
        assert report["passed"] is not case.fails
        if case.says:
            assert report["failures" if case.fails else "warnings"]
    else:
        assert not (reports / "validation.json").exists()


def test_a_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Files().write(tmp_path)
    (tmp_path / "test.csv").unlink()
    assert validate(tmp_path) == 1
    assert "test.csv: no such file" in capsys.readouterr().err


@pytest.mark.skipif(not REAL.is_dir(), reason="Kaggle's files are not there")
def test_the_real_files_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = Files()
    for name, real in (("train", "train.csv"), ("test", "test.csv"), ("sample", "gender_submission.csv")):
        files.bytes[name] = (REAL / real).read_bytes()
    files.write(tmp_path)
    assert validate(tmp_path) == 0
    out, err = capsys.readouterr()
    assert err == "" and out.startswith("validate titanic: ") and "0 warnings\nvalidate titanic: No diff" in out
    assert "No difference between train and test rows was found" in out
