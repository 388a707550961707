"""The Fashion-MNIST stage on small made-up pictures in the same format, and what it says of files that are not."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline import fashion_mnist, files
from pipeline.clothes import networks as clothes_networks
from pipeline.demo import write_yaml
from pipeline.params import read_document
from tests.stages import options

ROOT = Path(__file__).resolve().parents[2]


def idx(array: np.ndarray) -> bytes:
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return gzip.compress(head + array.astype(np.uint8).tobytes(), mtime=0)


def clothes(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Noisy pictures of 12 x 12 pixels; each class has a bright square at a place of its own."""
    generator = np.random.default_rng(seed)
    labels = generator.permutation(np.arange(rows) % 10)
    pixels = generator.integers(0, 90, (rows, 12, 12))
    for image, label in zip(pixels, labels, strict=True):
        row, column = divmod(int(label), 4)
        image[row * 4 : row * 4 + 4, column * 3 : column * 3 + 3] += 120
    return pixels, labels


def write_raw(folder: Path) -> Path:
    folder.mkdir()
    for part, (rows, seed) in {"train": (300, 1), "test": (80, 2)}.items():
        pixels, labels = clothes(rows, seed)
        (folder / fashion_mnist.FILES[f"{part} images"]).write_bytes(idx(pixels))
        (folder / fashion_mnist.FILES[f"{part} labels"]).write_bytes(idx(labels))
    return folder


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    return write_raw(tmp_path / "raw")


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the stage has run, not to be changed."""
    folder = tmp_path_factory.mktemp("fashion_mnist")
    assert run(folder, write_raw(folder / "raw")) == 0
    return folder


def run(folder: Path, raw: Path, **changes: Any) -> int:
    params = read_document(ROOT / "params.yaml")
    block = params["fashion_mnist"]
    block.update({"validation": 60, "mlp_width": 16, "preset": "dense"})
    small = {"members": 2, "width": 32, "batch_size": 32, "epochs": 12, "shift": 0.0, "flip": False}
    for preset in block["presets"].values():
        preset.update(small)
        preset["filters"] = preset["filters"][:1]
    block.update(changes)
    write_yaml(folder / "params.yaml", params)
    return run_again(folder, raw)


def run_again(folder: Path, raw: Path) -> int:
    return fashion_mnist.main(options(folder, params="params.yaml", input=raw, output="data", report="reports"))


@pytest.mark.parametrize(
    ("preset", "filters", "said"),
    [
        ("dense", [32], "presets.dense.filters is [32], but network is dense"),
        ("convolutional", [], "presets.convolutional.filters names 0 layers"),
        ("convolutional", [4] * 5, "5 layers"),
        ("convolutional", [32, 0], "filters is 0, out of range"),
        ("convolutional", ["a"], "filters is 'a'; expected a whole number"),
    ],
)
def test_filters_go_with_the_network(
    tmp_path: Path, raw: Path, preset: str, filters: list[Any], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    presets = read_document(ROOT / "params.yaml")["fashion_mnist"]["presets"]
    presets[preset]["filters"] = filters
    assert run(tmp_path, raw, preset=preset, presets=presets) == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / "reports").exists()


def test_auto_names_the_preset_that_is_not_there(tmp_path: Path, raw: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It said that the preset is 'auto' where auto was expected."""
    presets = read_document(ROOT / "params.yaml")["fashion_mnist"]["presets"]
    assert run(tmp_path, raw, preset="auto", presets={"pixels": presets["pixels"]}) == 1
    told = capsys.readouterr().err
    assert told.endswith("fashion_mnist.preset is auto, here dense, but presets has no dense. Name another.\n")


def test_the_stage_learns_and_writes_all_it_promises(learned: Path) -> None:
    metrics = json.loads((learned / "reports" / "metrics.json").read_text())
    for name in ("mlp", "dnn", "augmented", "ensemble"):
        assert metrics[f"{name}_accuracy"] > 0.8
        assert 0 <= metrics[f"{name}_accuracy_se"] < 0.1
    assert metrics["ensemble_gain"] == pytest.approx(
        metrics["ensemble_accuracy"] - metrics["augmented_accuracy"], abs=2e-6
    )
    assert list(metrics["recall"]) == sorted(clothes_networks.CLASSES)
    networks = pd.read_csv(learned / "reports" / "networks.csv")
    assert networks["network"].tolist() == ["mlp", "dnn", "augmented", "augmented"]
    predictions = files.read_npz(learned / "data" / "predictions.npz")
    assert metrics["ensemble_accuracy"] == pytest.approx(
        (predictions["augmented_test"].mean(axis=0).argmax(axis=1) == predictions["labels"]).mean(), abs=1e-6
    )
    page = (learned / "reports" / "README.md").read_text()
    assert f"{metrics['ensemble_accuracy']:.4f}" in page
    assert "training images, not distorted by this preset." in page
    assert "Distorting" not in page and "| deep, other seeds (this preset distorts nothing), mean of 2 |" in page
    assert f"from an ensemble; here it is {100 * metrics['ensemble_gain']:.1f} %." in page
    assert "lowest (early stopping; training ends 10 epochs later, or after 12)" in page
    for picture in ("learning_curves.png", "mistakes.png", "distortions.png", "confusion.png"):
        assert f"({picture})" in page
        assert (learned / "reports" / picture).read_bytes().startswith(b"\x89PNG")
    counts = pd.read_csv(learned / "reports" / "confusion.csv").set_index("actual")
    assert counts.index.tolist() == counts.columns.tolist() == list(clothes_networks.CLASSES)
    assert counts.to_numpy().sum() == 80
    for name, recall in metrics["recall"].items():
        assert counts.loc[name, name] / counts.loc[name].sum() == pytest.approx(recall, abs=1e-6)
        label = clothes_networks.CLASSES.index(name)
        assert f"| {name} | {label} | {100 * recall:.1f} % |" in page
    linked = set(re.findall(r"\((\w+\.png)\)|`(\w+\.(?:csv|json))`", page))
    assert {one or other for one, other in linked} | {"README.md"} == {
        path.name for path in (learned / "reports").iterdir()
    }


def test_two_runs_are_the_same_bytes_and_convolutions_are_an_option(tmp_path: Path, raw: Path) -> None:
    for folder in ("once", "again"):
        assert run(tmp_path / folder, raw, preset="convolutional") == 0
    for file in sorted((tmp_path / "once").rglob("*.*")):
        again = tmp_path / "again" / file.relative_to(tmp_path / "once")
        assert file.read_bytes() == again.read_bytes(), file.name
    weights = files.read_npz(tmp_path / "once" / "data" / "weights.npz")
    assert weights["augmented/filter_0"].shape == (2, 9, 32)
    assert "mlp/filter_0" not in weights


def test_the_test_images_touch_nothing_that_trains(learned: Path, tmp_path: Path, raw: Path) -> None:
    pixels, labels = clothes(80, 9)
    (raw / fashion_mnist.FILES["test images"]).write_bytes(idx(255 - pixels))
    (raw / fashion_mnist.FILES["test labels"]).write_bytes(idx(labels))
    assert run(tmp_path, raw) == 0
    first, second = (files.read_npz(folder / "data" / "weights.npz") for folder in (learned, tmp_path))
    assert all(first[name].tobytes() == second[name].tobytes() for name in first)


def damaged(part: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def apply(raw: Path) -> None:
        path = raw / fashion_mnist.FILES[part]
        path.write_bytes(change(path.read_bytes()))

    return apply


def swapped(raw: Path) -> None:
    images, labels = (raw / fashion_mnist.FILES[f"train {what}"] for what in ("images", "labels"))
    kept = images.read_bytes()
    images.write_bytes(labels.read_bytes())
    labels.write_bytes(kept)


def put(part: str, array: np.ndarray) -> Callable[[Path], None]:
    return damaged(part, lambda content: idx(array))


def unzipped_short(content: bytes) -> bytes:
    return gzip.compress(gzip.decompress(content)[:-5], mtime=0)


BAD = [
    pytest.param(damaged("train images", lambda c: c[:-200]), "no whole gzip file", id="truncated"),
    pytest.param(damaged("test images", lambda c: b"<html>" + c), "no whole gzip file", id="no gzip"),
    pytest.param(damaged("test images", unzipped_short), "header announces", id="short inside"),
    pytest.param(swapped, "swapped", id="images and labels swapped"),
    pytest.param(damaged("train labels", lambda c: gzip.compress(b"other")), "idx header", id="another format"),
    pytest.param(put("test labels", np.arange(80) % 12), "label 10 at place 11", id="label out of range"),
    pytest.param(put("test labels", np.zeros(79, int)), "79 labels for 80 images", id="fewer labels"),
    pytest.param(put("test images", np.zeros((80, 5, 5), int)), "5 x 5", id="another size"),
    pytest.param(lambda raw: shutil.rmtree(raw), "no such file", id="absent"),
]


@pytest.mark.parametrize(("damage", "told"), BAD)
def test_a_bad_file_is_told_and_older_results_stay(
    damage: Callable[[Path], None], told: str, tmp_path: Path, raw: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "metrics.json").write_text("older")
    damage(raw)
    assert run(tmp_path, raw) == 1
    message = capsys.readouterr().err
    assert told in message
    assert "Traceback" not in message
    assert len(message.strip().split("\n")) <= 3
    assert (tmp_path / "reports" / "metrics.json").read_text() == "older"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param(
            {"preset": "dens"}, "is 'dens'; did you mean 'dense'? Expected auto or one of", id="unknown preset"
        ),
        pytest.param({"validation": 300}, "expected fewer", id="nothing left to train on"),
        pytest.param({"validatoin": 60}, "did you mean 'validation'", id="misspelt"),
    ],
)
def test_wrong_parameters_are_told(
    changes: dict[str, Any], told: str, tmp_path: Path, raw: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, raw, **changes) == 1
    assert told in capsys.readouterr().err


def test_a_full_disk_keeps_older_results(
    learned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(learned, tmp_path / "copy")
    before = {file: file.read_bytes() for file in (folder / "reports").iterdir()}

    def full(source: object, target: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pipeline.files.os.replace", full)
    assert run_again(folder, folder / "raw") == 1
    assert "Free some space" in capsys.readouterr().err
    assert {file: file.read_bytes() for file in (folder / "reports").iterdir()} == before
