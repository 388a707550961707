"""The normalize stage: finite inputs for every fold, learned from its train rows, the same bytes twice."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from features.encoding.target import TargetScale
from pipeline.choice.arrays import load_table
from pipeline.files import read_npz, write_json, write_npz
from pipeline.normalize import main
from tests.stages import options

ROOT = Path(__file__).resolve().parents[2]


def write_encoded(folder: Path, shared: list[list[float]]) -> None:
    """Four training rows and two test rows, two folds, one number, one indicator and one in-fold column."""
    roles = np.array([[0, 2], [0, 1], [1, 0], [2, 0]], np.int8)
    write_npz(
        folder / "in" / "arrays.npz",
        {
            "shared": np.array(shared, np.float32),
            "in_fold": np.arange(12, dtype=np.float32).reshape(2, 6, 1),
            "codes": np.zeros((6, 0), np.int32),
            "levels": np.zeros(0, np.int32),
            "target": np.array([0, 1, 0, 1], np.float32),
            "roles": roles,
            "ids": np.array(list("abcdef")),
            "together": np.array([0, 1, 1, 2, 3, 2], np.int32),
            "groups": np.array(["x", "x", "g"]),
            "forms": np.array(["", "", ""]),
        },
    )
    columns = [{"name": "x", "kind": "number"}, {"name": "x missing", "kind": "indicator"}]
    write_json(folder / "in" / "encoding.json", {"columns": columns, "in_fold": ["g"]})


def normalize(folder: Path, output: str = "out", method: str = "zscore") -> int:
    return main(arguments(folder, output, method))


def arguments(folder: Path, output: str, method: str) -> list[str]:
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    assert "  method: zscore" in text
    (folder / "params.yaml").write_text(text.replace("  method: zscore", f"  method: {method}", 1), encoding="utf-8")
    return ["--competition", "titanic", *options(folder, params="params.yaml", input="in", output=output)]


SHARED = [[1.0, 0], [3, 0], [5, 0], [9, 0], [np.nan, 1], [100, 0]]


def test_each_fold_learns_from_its_train_rows(tmp_path: Path) -> None:
    write_encoded(tmp_path, SHARED)
    assert normalize(tmp_path) == 0
    arrays = read_npz(tmp_path / "out" / "arrays.npz")
    learned = json.loads((tmp_path / "out" / "normalization.json").read_text())
    assert arrays["inputs"].shape == (2, 6, 3) and arrays["inputs"].dtype == np.float32
    assert [fold["location"][0] for fold in learned["folds"]] == [2, 7]
    assert [fold["scale"][0] for fold in learned["folds"]] == [1, 2]
    assert arrays["inputs"][:, 4, 0].tolist() == [0, 0], "a gap is the fold's median, here its mean too"
    assert arrays["inputs"][0, :, 1].tolist() == [0, 0, 0, 0, 1, 0], "an indicator stays as it is"
    assert learned["columns"] == ["x", "x missing", "g"]


@pytest.mark.parametrize("method", ["zscore", "minmax", "robust", "none"])
def test_every_method_is_finite_and_gives_the_same_bytes_twice(tmp_path: Path, method: str) -> None:
    write_encoded(tmp_path, SHARED)
    assert normalize(tmp_path, "one", method) == normalize(tmp_path, "two", method) == 0
    assert np.isfinite(read_npz(tmp_path / "one" / "arrays.npz")["inputs"]).all()
    for name in ("arrays.npz", "normalization.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_keras_says_nothing_and_gives_the_same_bytes_twice(tmp_path: Path) -> None:
    """In processes of their own, where the stage starts TensorFlow. The first column is constant, but for a gap and a
    value that comes later."""
    write_encoded(tmp_path, [[7.0, 0], [np.nan, 0], [7, 0], [7, 0], [np.nan, 1], [100, 0]])
    calls = [arguments(tmp_path, output, "keras") for output in ("one", "two")]
    pipe = subprocess.PIPE
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "pipeline.normalize", *call], cwd=ROOT, stdout=pipe, stderr=pipe, text=True
        )
        for call in calls
    ]
    for process in processes:
        out, err = process.communicate()
        assert (process.returncode, out, err) == (0, "normalize: keras, 3 columns in 2 folds\n", "")
    for name in ("arrays.npz", "normalization.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert normalize(tmp_path, "zscore", "zscore") == 0
    found, expected = (read_npz(tmp_path / name / "arrays.npz")["inputs"] for name in ("one", "zscore"))
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert not found[..., 0].round(12).any() and found[..., 2].any()


def test_several_methods_lie_one_after_another(tmp_path: Path) -> None:
    write_encoded(tmp_path, SHARED)
    methods = {name: normalize(tmp_path, name, name) for name in ("zscore", "minmax", "[zscore, minmax]")}
    assert set(methods.values()) == {0}
    alone, other, both = (read_npz(tmp_path / name / "arrays.npz") for name in methods)
    np.testing.assert_array_equal(both["inputs"], np.concatenate([alone["inputs"], other["inputs"]]))
    assert both["methods"].tolist() == ["zscore", "minmax"]
    learned = json.loads((tmp_path / "[zscore, minmax]" / "normalization.json").read_text())
    assert learned["method"] == ["zscore", "minmax"] and len(learned["folds"]) == 4


def test_an_infinity_in_training_is_one_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_encoded(tmp_path, [[np.inf, 0], *SHARED[1:]])
    assert normalize(tmp_path) == 1
    error = capsys.readouterr().err
    assert "infinit" in error and "Traceback" not in error
    assert not (tmp_path / "out").exists()


def test_a_missing_input_is_one_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert normalize(tmp_path) == 1
    assert "arrays.npz: no such file" in capsys.readouterr().err


def test_a_target_of_zeros_and_large_values_comes_back_from_both_files(tmp_path: Path) -> None:
    """In units of the mean of the fold's own train rows, 1 and 5."""
    write_encoded(tmp_path, SHARED)
    arrays = dict(read_npz(tmp_path / "in" / "arrays.npz")) | {"target": np.array([0.0, 2.0, 4.0, 6.0])}
    write_npz(tmp_path / "in" / "arrays.npz", arrays)
    encoding = json.loads((tmp_path / "in" / "encoding.json").read_text())
    write_json(tmp_path / "in" / "encoding.json", encoding | {"target": {"transform": "log1p_mean"}})
    given, regression = arguments(tmp_path, "out", "zscore"), ("task: binary", "task: regression")
    text = (tmp_path / "params.yaml").read_text().replace(*regression).replace("metric: accuracy", "metric: rmse")
    (tmp_path / "params.yaml").write_text(text)
    assert main(given) == 0
    scaled = load_table(tmp_path / "out" / "arrays.npz", "regression")
    known = json.loads((tmp_path / "out" / "normalization.json").read_text())["target"]
    assert known["unit"] == scaled.scale.unit.tolist() == [1.0, 5.0]
    for scale in (scaled.scale, TargetScale.from_mapping(known, 2)):
        back = scale.original(scaled.table.target[:, :, None], np.array([0, 1]), clip=False)[..., 0]
        np.testing.assert_allclose(back, np.tile(arrays["target"], (2, 1)), atol=1e-5)
