"""What the page of stage ``fashion_mnist`` says, and its pictures show."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.scoring.diagnosis import Diagnosis
from pipeline import fashion_mnist
from pipeline.clothes import networks, page
from pipeline.nets.augmentation import Augmentation
from pipeline.nets.fit import Fit
from pipeline.params import load_block, read_document
from pipeline.settings import ImageNetwork
from tests.pipeline.test_fashion_mnist import clothes

ROOT = Path(__file__).resolve().parents[3]


def preset_of(name: str, **changes: Any) -> ImageNetwork:
    presets = read_document(ROOT / "params.yaml")["fashion_mnist"]["presets"]
    entry = {**presets[name], **changes}
    return ImageNetwork(**{**entry, "filters": tuple(entry["filters"])})


def test_a_gain_is_told_from_what_else_differs() -> None:
    assert page.beside_depth(preset_of("dense"), 128) == "wider, with gelu instead of relu, dropout and L2"
    alike = preset_of("dense", width=128, activation="relu", dropout=0.0, l2=0.0)
    assert page.beside_depth(alike, 128) == ""
    assert page.beside_depth(preset_of("dense", width=128, activation="relu", dropout=0.0), 256) == (
        "narrower, with L2"
    )
    assert "with convolutions, silu" in page.beside_depth(preset_of("convolutional"), 128)


def test_the_page_of_one_network_speaks_of_no_ensemble() -> None:
    """`members: 1` averaged 1 networks, gained 0.0000 over their mean and asked what became of 2 to 5 %."""
    _, settings = load_block(ROOT / "params.yaml", "fashion_mnist")
    rows = ("mlp", "dnn", "augmented", "single_best", "ensemble")
    names = [*(f"{row}_accuracy" for row in rows), "depth_gain", "augmentation_gain", "ensemble_gain"]
    metrics: dict[str, Any] = {f"{name}{end}": 0.5 for name in names for end in ("", "_se")}
    metrics |= {"recall": dict.fromkeys(networks.CLASSES, 0.5)}
    readings = {name: Diagnosis("fits", "it did") for name in networks.NETWORKS}

    def text(**changes: Any) -> str:
        preset = preset_of("dense", **changes)
        own = replace(settings, presets={"dense": preset})
        return page.page("dense", own, metrics | {"members": preset.members}, readings, np.eye(10, dtype=int))

    four, one = text(), text(members=1, shift=0.0, dropout=0.0)
    for told in ("mean of 4 |", "| these 4, averaged |", "averaging 4 networks", "2 to 5 %", "the ensemble of 4 finds"):
        assert told in four
    assert "while training, under dropout and distortion." in four and "- Deep, distorted images: fits; it did." in four
    assert not re.search(r"mean of|averag|ensemble|2 to 5|1 networks|other seeds|while training,", one)
    assert (
        "| deep, another seed (this preset distorts nothing) |" in one and "- Deep, another seed: fits; it did." in one
    )
    assert "Another seed gains 0.5000" in one and "the last of these networks finds" in one
    assert "`dnn` (deep) and `augmented` (deep, another seed)." in one


def test_the_page_says_what_networks_are_given() -> None:
    dense = page.given(preset_of("dense"))
    assert dense.endswith(
        "from 0 to 1, to the power of 0.5, and how far it is from that of the pixels to its right and below it, "
        "standardised."
    )
    plain = page.given(preset_of("convolutional"))
    assert plain == "All networks are given the brightness of each pixel, from 0 to 1, standardised."


def test_what_is_taken_for_what_is_counted() -> None:
    ensemble = np.eye(10)[[0, 0, 6, 6, 6, 2]]
    counts = fashion_mnist.confusion_counts(ensemble, np.array([0, 6, 0, 0, 6, 2]))
    assert counts.sum() == 6 and counts[0, 6] == 2 and counts[6, 0] == counts[6, 6] == counts[2, 2] == 1
    others = counts - np.diag(np.diag(counts))
    assert page.taken_for(others[0]) == "Shirt (2 of 2 mistakes)"
    assert page.taken_for(others[2]) == "none"
    assert page.draw_confusion(counts) != page.draw_confusion(counts.T)


def test_a_mistake_is_not_made_surer_by_rounding() -> None:
    shares = (0.5, 0.994, 0.995, 0.9999999, 1.0)
    assert [page.percent(share) for share in shares] == ["50 %", "99 %", ">99.5 %", ">99.5 %", "100 %"]


def test_learning_curves_are_drawn_to_one_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    none, counts, drawn = np.zeros(0), np.array([3]), []
    outcomes = {}
    for number, name in enumerate(networks.NETWORKS):
        losses = np.array([[0.9, 0.5, 0.4]], np.float32) * (1 + number)
        found = Fit(none, none, losses, losses, counts, counts, counts > 0, [])
        outcomes[name] = networks.Outcome(found, none, none, none)
    monkeypatch.setattr(page, "png", lambda figure: drawn.append(figure) or b"")
    page.draw_curves(outcomes, networks.diagnoses(outcomes), preset_of("dense"))
    axes = drawn[0].axes
    assert len({axis.get_ylim() for axis in axes}) == 1 and axes[0].get_ylim()[0] == 0
    titles = [axis.get_title().split(":")[0] for axis in axes]
    assert titles == ["shallow", "deep", "deep, distorted images"]
    page.draw_curves(outcomes, networks.diagnoses(outcomes), preset_of("dense", shift=0.0))
    assert drawn[1].axes[2].get_title().startswith("deep, other seeds: ")
    short = {
        name: replace(one, fit=replace(one.fit, train_loss=losses[:, :1], stop_loss=losses[:, :1]))
        for name, one in outcomes.items()
    }
    page.draw_curves(short, networks.diagnoses(short), preset_of("dense"))
    title = drawn[2].axes[2].title
    assert title.get_text() == "deep, distorted images: ended too soon\nto tell"
    assert title.get_window_extent().width < drawn[2].bbox.width / 3, "over its panel"


def test_what_is_shown_is_what_the_preset_does() -> None:
    images = np.zeros((6, 8, 8), np.float32)
    images[:, 2:5, 2:4] = 1.0
    moved, mirrored = (
        page.distorted(images, networks.augmentation_of(preset_of("convolutional", **only)), seed=0)
        for only in ({"flip": False, "erase": 0.0}, {"shift": 0.0, "erase": 0.0})
    )
    assert not np.allclose(moved, images)  # by a pixel at most: two away from the square nothing has come
    assert not moved[:, :1].any() and not moved[:, 6:].any() and not moved[:, :, :1].any() and not moved[:, :, 5:].any()
    turned = (mirrored == images[:, :, ::-1]).all(axis=(1, 2))
    assert 0 < turned.sum() < 6 and (mirrored[~turned] == images[~turned]).all()
    dense = preset_of("dense", shift=0.0)
    np.testing.assert_array_equal(page.distorted(images, networks.augmentation_of(dense), 0), images)
    mixing = networks.augmentation_of(preset_of("dense", shift=0.0, mixup=0.4))
    scaled = images * np.arange(6, dtype=np.float32)[:, None, None]
    assert not np.allclose(page.distorted(scaled, mixing, 0), scaled)


def test_the_pictures_of_distortions_are_of_training_images_and_follow_the_preset() -> None:
    pixels, labels = clothes(60, 3)
    roles = np.repeat(np.array([[0], [1]], np.int8), [40, 20], axis=0)
    dense, convolutional = preset_of("dense"), preset_of("convolutional")

    def drawn(shown: np.ndarray, preset: ImageNetwork, seed: int = 0) -> bytes:
        return page.draw_distortions(networks.Clothes(shown, labels, 60), roles, preset, seed)

    first = drawn(pixels, dense)
    assert first == drawn(pixels, dense) != drawn(pixels, dense, seed=1)
    assert first != drawn(pixels, convolutional)
    others = pixels.copy()
    others[40:] = 0  # images that do not train
    assert drawn(others, dense) == first
    assert drawn(np.zeros_like(pixels), dense).startswith(b"\x89PNG")
    assert page.distortions(dense) == "shifted by up to 1 pixel across and down"
    assert page.distortions(convolutional).startswith("mirrored or not, shifted by up to 1 pixel")


def test_every_kind_of_distortion_is_shown_by_itself() -> None:
    """Also those that no preset uses: of mirrored, turned and shifted images the chapter has pictures."""
    image, other = np.zeros((28, 28), np.float32), np.ones((28, 28), np.float32)
    image[10:18, 4:12] = 1.0
    found = page.each_kind(image, other)
    names = {field.name for field in fields(Augmentation)}
    assert len(found) == len(names) == page.COPIES + 1, "a row of the picture"
    np.testing.assert_array_equal(found["mirrored"], image[:, ::-1])
    np.testing.assert_allclose(found["shifted by 4 pixels"][14:22, 8:16], 1.0, atol=1e-5)
    enlarged = found["enlarged by 30 %"]
    assert enlarged.sum() == pytest.approx(1.3**2 * image.sum(), rel=0.05) and enlarged[14, 5] == pytest.approx(1.0)
    turned, blanked = found["turned by 20 degrees"], found["a box blanked"]
    assert turned.sum() == pytest.approx(image.sum(), rel=0.05) and abs(turned - image).max() > 0.5
    assert 0 <= blanked.sum() < image.sum() and not (blanked > image).any()
    np.testing.assert_allclose(found["40 % of another"], 0.6 * image + 0.4, atol=1e-6)
