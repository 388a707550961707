"""The Fashion-MNIST stage on small made-up pictures in the same format, and what it says of files that are not."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import struct
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.scoring.diagnosis import diagnose
from pipeline import fashion_mnist, files
from pipeline.clothes import networks as clothes_networks
from pipeline.clothes import page as clothes_page
from pipeline.demo import write_yaml
from pipeline.nets.augmentation import Augmentation
from pipeline.nets.fit import Fit
from pipeline.params import ImageNetwork, read_document
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


def test_the_mean_curve_of_members_that_fall_falls() -> None:
    """The first member, by far the better one, stops first; after the second there is no mean."""
    losses = np.array([[0.4, 0.3, 0.2, np.nan, np.nan, np.nan], [1.0, 0.9, 0.8, 0.7, 0.6, np.nan]], np.float32)
    none, counts = np.zeros(0), np.array([3, 5])
    found = Fit(none, none, losses, losses, counts, counts, counts > 0, [])
    training, validation = clothes_networks.curves(clothes_networks.Outcome(found, none, none, none))
    np.testing.assert_allclose(validation, [0.7, 0.6, 0.5, 0.45, 0.4, np.nan], rtol=1e-6)
    np.testing.assert_array_equal(training, validation)
    assert diagnose(training, validation).verdict == "underfits"


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


def preset_of(name: str, **changes: Any) -> ImageNetwork:
    presets = read_document(ROOT / "params.yaml")["fashion_mnist"]["presets"]
    entry = {**presets[name], **changes}
    return ImageNetwork(**{**entry, "filters": tuple(entry["filters"])})


def test_a_gain_is_told_from_what_else_differs() -> None:
    assert clothes_page.beside_depth(preset_of("dense"), 128) == "wider, with gelu instead of relu, dropout and L2"
    alike = preset_of("dense", width=128, activation="relu", dropout=0.0, l2=0.0)
    assert clothes_page.beside_depth(alike, 128) == ""
    assert clothes_page.beside_depth(preset_of("dense", width=128, activation="relu", dropout=0.0), 256) == (
        "narrower, with L2"
    )
    assert "with convolutions, silu" in clothes_page.beside_depth(preset_of("convolutional"), 128)


def test_the_page_says_what_networks_are_given() -> None:
    dense = clothes_page.given(preset_of("dense"))
    assert dense.endswith(
        "from 0 to 1, to the power of 0.5, and how far it is from that of the pixels to its right and below it, "
        "standardised."
    )
    plain = clothes_page.given(preset_of("convolutional"))
    assert plain == "All networks are given the brightness of each pixel, from 0 to 1, standardised."


def test_what_is_taken_for_what_is_counted() -> None:
    ensemble = np.eye(10)[[0, 0, 6, 6, 6, 2]]
    counts = fashion_mnist.confusion_counts(ensemble, np.array([0, 6, 0, 0, 6, 2]))
    assert counts.sum() == 6 and counts[0, 6] == 2 and counts[6, 0] == counts[6, 6] == counts[2, 2] == 1
    others = counts - np.diag(np.diag(counts))
    assert clothes_page.taken_for(others[0]) == "Shirt (2 of 2 mistakes)"
    assert clothes_page.taken_for(others[2]) == "none"
    assert clothes_page.draw_confusion(counts) != clothes_page.draw_confusion(counts.T)


def test_a_mistake_is_not_made_surer_by_rounding() -> None:
    shares = (0.5, 0.994, 0.995, 0.9999999, 1.0)
    assert [clothes_page.percent(share) for share in shares] == ["50 %", "99 %", ">99.5 %", ">99.5 %", "100 %"]


def test_learning_curves_are_drawn_to_one_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    none, counts, drawn = np.zeros(0), np.array([3]), []
    outcomes = {}
    for number, name in enumerate(clothes_networks.NETWORKS):
        losses = np.array([[0.9, 0.5, 0.4]], np.float32) * (1 + number)
        found = Fit(none, none, losses, losses, counts, counts, counts > 0, [])
        outcomes[name] = clothes_networks.Outcome(found, none, none, none)
    monkeypatch.setattr(clothes_page, "png", lambda figure: drawn.append(figure) or b"")
    clothes_page.draw_curves(outcomes, clothes_networks.diagnoses(outcomes))
    axes = drawn[0].axes
    assert len({axis.get_ylim() for axis in axes}) == 1 and axes[0].get_ylim()[0] == 0
    titles = [axis.get_title().split(":")[0] for axis in axes]
    assert titles == ["shallow", "deep", "deep, distorted images"]


def test_what_is_shown_is_what_the_preset_does() -> None:
    images = np.zeros((6, 8, 8), np.float32)
    images[:, 2:5, 2:4] = 1.0
    moved, mirrored = (
        clothes_page.distorted(images, clothes_networks.augmentation_of(preset_of("convolutional", **only)), seed=0)
        for only in ({"flip": False, "erase": 0.0}, {"shift": 0.0, "erase": 0.0})
    )
    assert not np.allclose(moved, images)  # by a pixel at most: two away from the square nothing has come
    assert not moved[:, :1].any() and not moved[:, 6:].any() and not moved[:, :, :1].any() and not moved[:, :, 5:].any()
    turned = (mirrored == images[:, :, ::-1]).all(axis=(1, 2))
    assert 0 < turned.sum() < 6 and (mirrored[~turned] == images[~turned]).all()
    dense = preset_of("dense", shift=0.0)
    np.testing.assert_array_equal(clothes_page.distorted(images, clothes_networks.augmentation_of(dense), 0), images)
    mixing = clothes_networks.augmentation_of(preset_of("dense", shift=0.0, mixup=0.4))
    scaled = images * np.arange(6, dtype=np.float32)[:, None, None]
    assert not np.allclose(clothes_page.distorted(scaled, mixing, 0), scaled)


def test_the_pictures_of_distortions_are_of_training_images_and_follow_the_preset() -> None:
    pixels, labels = clothes(60, 3)
    roles = np.repeat(np.array([[0], [1]], np.int8), [40, 20], axis=0)
    dense, convolutional = preset_of("dense"), preset_of("convolutional")

    def drawn(shown: np.ndarray, preset: ImageNetwork, seed: int = 0) -> bytes:
        return clothes_page.draw_distortions(clothes_networks.Clothes(shown, labels, 60), roles, preset, seed)

    first = drawn(pixels, dense)
    assert first == drawn(pixels, dense) != drawn(pixels, dense, seed=1)
    assert first != drawn(pixels, convolutional)
    others = pixels.copy()
    others[40:] = 0  # images that do not train
    assert drawn(others, dense) == first
    assert drawn(np.zeros_like(pixels), dense).startswith(b"\x89PNG")
    assert clothes_page.distortions(dense) == "shifted by up to 1 pixel across and down"
    assert clothes_page.distortions(convolutional).startswith("mirrored or not, shifted by up to 1 pixel")


def test_every_kind_of_distortion_is_shown_by_itself() -> None:
    """Also those that no preset uses: of mirrored, turned and shifted images the chapter has pictures."""
    image, other = np.zeros((28, 28), np.float32), np.ones((28, 28), np.float32)
    image[10:18, 4:12] = 1.0
    found = clothes_page.each_kind(image, other)
    names = {field.name for field in fields(Augmentation)}
    assert len(found) == len(names) == clothes_page.COPIES + 1, "a row of the picture"
    np.testing.assert_array_equal(found["mirrored"], image[:, ::-1])
    np.testing.assert_allclose(found["shifted by 4 pixels"][14:22, 8:16], 1.0, atol=1e-5)
    enlarged = found["enlarged by 30 %"]
    assert enlarged.sum() == pytest.approx(1.3**2 * image.sum(), rel=0.05) and enlarged[14, 5] == pytest.approx(1.0)
    turned, blanked = found["turned by 20 degrees"], found["a box blanked"]
    assert turned.sum() == pytest.approx(image.sum(), rel=0.05) and abs(turned - image).max() > 0.5
    assert 0 <= blanked.sum() < image.sum() and not (blanked > image).any()
    np.testing.assert_allclose(found["40 % of another"], 0.6 * image + 0.4, atol=1e-6)


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
        pytest.param({"preset": "dens"}, "expected auto or one of", id="unknown preset"),
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
