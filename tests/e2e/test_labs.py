"""The whole stage on a generated Titanic: every output that dvc.yaml promises, twice the same bytes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline import demo, files, labs
from pipeline.params import read_document
from tests.contract.test_repository import STAGES
from tests.stages import options, run_stage

pytestmark = pytest.mark.slow
ARRAYS = "data/normalize/titanic/arrays.npz"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("labs") / "demo"
    demo.prepare(folder, ["titanic"], 240, demo.BUDGETS)
    params = read_document(folder / "params.yaml")
    params["labs"] = {"folds": 2, "epochs": 3, "ensemble": 4}
    params["encode"] |= {"folds": 3, "repeats": 2}
    demo.write_yaml(folder / "params.yaml", params)
    for stage in ("encode", "normalize"):
        assert run_stage(folder, stage, "titanic") == 0
    return folder


def run(
    folder: Path,
    report: Path,
    train: str = "data/raw/titanic/train.csv",
    params: str | Path = "params.yaml",
    arrays: str | Path = ARRAYS,
) -> int:
    return labs.main(options(folder, params=params, train=train, normalized=arrays, report=report))


def test_every_output_is_there_and_comes_again(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, tmp_path / "once") == 0
    assert "ms on CPU" in capsys.readouterr().out
    assert run(folder, tmp_path / "again") == 0
    made = sorted(path.name for path in (tmp_path / "once").iterdir())
    promised = [Path(next(iter(out))).name for out in [*STAGES["labs"]["outs"], *STAGES["labs"]["metrics"]]]
    assert made == sorted(promised)
    for name in made:
        assert (tmp_path / "once" / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name
    page = (tmp_path / "once" / "README.md").read_text()
    assert re.findall(r"^## (\d+)\.", page, flags=re.MULTILINE) == [str(number + 1) for number in range(10)]
    pictures = re.findall(r"\]\((\w+\.png)\)", page)
    assert sorted(pictures) == [name for name in made if name.endswith(".png")]


def test_what_does_not_fit_together_is_one_error(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report, other = tmp_path / "report", tmp_path / "params.yaml"
    assert run(folder, report, train="data/raw/titanic/sample_submission.csv") == 1
    assert "has 120 rows" in capsys.readouterr().err
    params = read_document(folder / "params.yaml")
    for folds, said in ((30, "labs.folds is 30, but"), (4, "labs.folds is 4, more than encode.folds")):
        demo.write_yaml(other, params | {"labs": params["labs"] | {"folds": folds}})
        assert run(folder, report, params=other) == 1
        assert said in capsys.readouterr().err
    arrays = files.read_npz(folder / ARRAYS)
    files.write_npz(tmp_path / "arrays.npz", arrays | {"inputs": arrays["inputs"][:, :, :0]})
    assert run(folder, report, arrays=tmp_path / "arrays.npz") == 1  # it was a division by zero
    assert "arrays.npz has no column of numbers, which lab 1 is about" in capsys.readouterr().err
    assert not report.exists()
