"""Predicting new rows, from what a whole chain saved: its own bytes, in any company, and what is refused.

Titanic has columns that folds learn and an embedding, wine three classes, diabetes a target on a scale of its own
and answers brought to their medians.
"""

from __future__ import annotations

import itertools
import json
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.contracts.tables import parse_table
from pipeline import demo, predict
from pipeline.choice.combining import Choice
from pipeline.params import read_document
from tests.stages import run_stage

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
TABLES = ["titanic", "wine", "diabetes"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what prediction needs and nothing else, beside the pipeline's own ``submission`` files."""
    chain, folder = tmp_path_factory.mktemp("chain") / "demo", tmp_path_factory.mktemp("predict")
    budgets = {
        "encode": {"repeats": 2, "folds": 3},
        "tune": {"max_trials": 3, "generation": 3, "epochs": 8},
        "train": {"top_k": 2, "epochs": 10},
        "ensemble": {"method": "greedy", "threshold": "metric", "calibration": "temperature"},
    }
    demo.prepare(chain, TABLES, 240, budgets)
    params = read_document(chain / "params.yaml")
    # Networks that choose: wine's their columns and normalisation, Titanic's their encoding.
    params["competitions"]["wine"]["tune"]["columns"] = "search"
    params["competitions"]["wine"]["normalize"]["method"] = ["zscore", "robust"]
    params["competitions"]["titanic"]["encode"]["encoding"] = ["onehot", "embedding"]
    params["competitions"]["titanic"]["ensemble"]["method"] = "rank_mean"
    params["competitions"]["diabetes"]["table"]["metric"] = "mae"
    params["competitions"]["diabetes"]["ensemble"]["calibration"] = "auto"
    demo.write_yaml(chain / "params.yaml", params)
    for name, stage in itertools.product(TABLES, ("encode", "normalize", "tune", "train", "ensemble")):
        assert run_stage(chain, stage, name) == 0
    shutil.copy(chain / "params.yaml", folder)
    for part in ("contracts", "encode", "normalize", "train", "ensemble"):
        keep = shutil.ignore_patterns("arrays.npz", "predictions.npz")
        shutil.copytree(chain / "data" / part, folder / "data" / part, ignore=keep)
    for name in TABLES:
        target = folder / name
        target.mkdir()
        shutil.copy(chain / "data" / "raw" / name / "test.csv", target)
        shutil.copy(chain / "reports" / name / "submission.csv", target)
        shutil.copy(chain / "data" / "train" / name / "predictions.npz", target)
    return folder


def run(trained: Path, name: str, table: Path, output: Path) -> int:
    return predict.main(
        [name, "--input", str(table), "--output", str(output), "--params", str(trained / "params.yaml")]
        + ["--data", str(trained / "data")]
    )


def table_of(trained: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(trained / name / "test.csv", dtype=str, keep_default_na=False)


def answered(trained: Path, name: str, frame: pd.DataFrame, folder: Path) -> list[str]:
    frame.to_csv(folder / "in.csv", index=False)
    assert run(trained, name, folder / "in.csv", folder / "out.csv") == 0
    return (folder / "out.csv").read_text().split("\n")[1:-1]


def refused(
    trained: Path, frame: pd.DataFrame, folder: Path, capsys: pytest.CaptureFixture[str], name: str = "titanic"
) -> str:
    """What is told; an older answer stays as it was."""
    frame.to_csv(folder / "in.csv", index=False)
    (folder / "out.csv").write_text("older")
    capsys.readouterr()
    assert run(trained, name, folder / "in.csv", folder / "out.csv") == 1
    told = capsys.readouterr().err
    assert (folder / "out.csv").read_text() == "older"
    assert "Traceback" not in told and "defect" not in told and len(told.strip().split("\n")) <= 3
    return told


@pytest.mark.parametrize("name", TABLES)
def test_the_pipelines_own_test_rows_get_its_own_bytes(trained: Path, name: str, tmp_path: Path) -> None:
    assert run(trained, name, trained / name / "test.csv", tmp_path / "out.csv") == 0
    assert (tmp_path / "out.csv").read_bytes() == (trained / name / "submission.csv").read_bytes()


@pytest.mark.parametrize("name", TABLES)
def test_not_a_bit_depends_on_the_rows_beside_it(trained: Path, name: str) -> None:
    """Before anything is rounded or decided: all at once, one at a time, shuffled, and as the train stage said."""
    saved = predict.load_trained(trained / "data", name)
    path = trained / name / "test.csv"
    frame = predict.accepted(parse_table(path.read_bytes(), "test.csv"), saved.contract, saved.states, "test.csv")
    together = predict.answers(frame, saved)
    with np.load(trained / name / "predictions.npz") as predictions:
        assert np.array_equal(together, Choice.from_mapping(saved.ensemble).answer(predictions["test"]))
    for row in (0, 1, len(frame) - 1):
        assert np.array_equal(predict.answers(frame.iloc[[row]].reset_index(drop=True), saved), together[[row]])
    order = np.random.default_rng(0).permutation(len(frame))[:30]
    assert np.array_equal(predict.answers(frame.iloc[order].reset_index(drop=True), saved), together[order])


def test_a_file_may_be_parquet_or_packed(trained: Path, tmp_path: Path) -> None:
    table, expected = table_of(trained, "wine"), (trained / "wine" / "submission.csv").read_bytes()
    table.to_csv(tmp_path / "in.csv.gz", index=False, sep=";")
    assert run(trained, "wine", tmp_path / "in.csv.gz", tmp_path / "out.csv") == 0
    assert (tmp_path / "out.csv").read_bytes() == expected
    pytest.importorskip("pyarrow")
    table.to_parquet(tmp_path / "in.parquet")
    assert run(trained, "wine", tmp_path / "in.parquet", tmp_path / "out.csv") == 0
    assert (tmp_path / "out.csv").read_bytes() == expected


def test_rows_come_in_parts_when_they_are_many(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predict, "AT_ONCE", 7)
    assert run(trained, "titanic", trained / "titanic" / "test.csv", tmp_path / "out.csv") == 0
    assert (tmp_path / "out.csv").read_bytes() == (trained / "titanic" / "submission.csv").read_bytes()


def test_no_row_and_one_row(trained: Path, tmp_path: Path) -> None:
    for name in TABLES:
        table, expected = table_of(trained, name), (trained / name / "submission.csv").read_text().split("\n")
        assert answered(trained, name, table.iloc[:0], tmp_path) == []
        assert (tmp_path / "out.csv").read_text() == expected[0] + "\n"
        assert answered(trained, name, table.iloc[[5]], tmp_path) == [expected[6]]


def test_columns_may_be_reordered_left_out_and_hold_unseen_words(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, expected = table_of(trained, "titanic"), (trained / "titanic" / "submission.csv").read_text().split("\n")
    assert answered(trained, "titanic", table[table.columns[::-1]], tmp_path) == expected[1:-1]
    capsys.readouterr()
    empty = answered(trained, "titanic", table.assign(Cabin="", Age=""), tmp_path)
    assert capsys.readouterr().out.startswith("predict:")
    assert answered(trained, "titanic", table.drop(columns=["Cabin", "Age"]), tmp_path) == empty
    assert "no column 'Age', 'Cabin'; taken as empty" in capsys.readouterr().out
    assert len(answered(trained, "titanic", table.assign(Embarked="Z"), tmp_path)) == len(table)
    assert "encoded as unseen" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("Age", "-5", "Age': 1 value is out of range: -5 (row 4)"),
        ("Fare", "free", "Fare': 1 cell is text: 'free' (row 4)"),
        ("Fare", "inf", "row 4"),
        ("Sex", "", "row 4"),
        ("PassengerId", "", "row 4"),
    ],
)
def test_a_row_that_breaks_the_contract_is_told_by_number(
    trained: Path, column: str, value: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = table_of(trained, "titanic")
    table.loc[2, column] = value
    assert told in refused(trained, table, tmp_path, capsys)


def test_tables_that_do_not_fit_are_told(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = table_of(trained, "titanic")
    assert "Sex" in refused(trained, table.drop(columns="Sex"), tmp_path, capsys)
    assert "'Cabbin'" in refused(trained, table.rename(columns={"Cabin": "Cabbin"}), tmp_path, capsys)
    assert "Deck" in refused(trained, table.assign(Deck="B"), tmp_path, capsys)
    assert "second time" in refused(trained, pd.concat([table, table.iloc[:1]]), tmp_path, capsys)
    broken = table.assign(Age="-5", Fare="-1", Parch="-1", SibSp="-1")
    assert "faults more" in refused(trained, broken, tmp_path, capsys)
    assert "no competition 'titanik'; did you mean 'titanic'?" in refused(trained, table, tmp_path, capsys, "titanik")
    assert "no competition '../x'" in refused(trained, table, tmp_path, capsys, "../x")
    (tmp_path / "in.csv").write_text("")
    assert run(trained, "titanic", tmp_path / "in.csv", tmp_path / "out.csv") == 1
    assert "the file is empty" in capsys.readouterr().err
    assert run(trained, "titanic", tmp_path / "absent.csv", tmp_path / "out.csv") == 1
    assert "no such file" in capsys.readouterr().err
    assert run(trained, "titanic", tmp_path / "in.csv", tmp_path / "in.csv") == 1
    assert "same file" in capsys.readouterr().err


def test_saved_parts_that_do_not_belong_together_are_refused(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "other"
    shutil.copytree(trained, folder)
    path = folder / "data" / "normalize" / "wine" / "normalization.json"
    path.write_text(json.dumps(json.loads(path.read_text())))
    assert "dvc repro ensemble@wine" in refused(folder, table_of(trained, "wine"), tmp_path, capsys, "wine")
    (folder / "data" / "ensemble" / "wine" / "ensemble.json").unlink()
    assert "no such file" in refused(folder, table_of(trained, "wine"), tmp_path, capsys, "wine")


def test_a_first_answer_comes_within_ten_seconds_and_without_tensorflow(trained: Path, tmp_path: Path) -> None:
    """Processor time, imports included, since other work on the machine is not the program's."""
    words = ["titanic", "--input", str(trained / "titanic" / "test.csv"), "--output", str(tmp_path / "out.csv")]
    words += ["--params", str(trained / "params.yaml"), "--data", str(trained / "data")]
    code = (
        f"import sys; from pipeline import predict; assert predict.main({words}) == 0;"
        f"sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 10
