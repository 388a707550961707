"""Images on the loop that tables use: brightness, edges, mixed pictures and half precision."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import pytest

from features.roles import SCORE, TRAIN
from pipeline.nets import fit as engine
from pipeline.nets.augmentation import Augmentation
from pipeline.nets.images import Images
from pipeline.nets.layers import PRODUCTS
from pipeline.nets.members import members_of
from tests.pipeline.nets.networks import configuration


def test_noise_drawn_in_parts_trains_as_well_and_repeats(images: Images, monkeypatch: pytest.MonkeyPatch) -> None:
    members = members_of([configuration(width=16)], [0], [1])
    monkeypatch.setattr("pipeline.nets.program.NOISE_AT_ONCE", 1000)
    first, second = (engine.fit(members, images, "multiclass", 30, 30) for _ in range(2))
    assert first.answers.tobytes() == second.answers.tobytes()
    assert np.nanmin(first.stop_loss) < 0.5 * first.stop_loss[0, 0]


@pytest.mark.parametrize("filters", [(), (4, 8)])
def test_images_are_told_apart(images: Images, filters: tuple[int, ...]) -> None:
    source = Images(images.pixels, images.target, images.roles, 2, images.augmentation, filters)
    members = members_of([configuration(width=16, normalization="layer") for _ in range(2)], [0, 0], [1, 2])
    found = engine.fit(members, source, "multiclass", 40, 40)
    scored = images.roles[:, 0] == SCORE
    right = found.answers[:, :120].argmax(axis=2)[:, scored] == images.target[0, scored]
    assert right.mean() > 0.85
    assert np.allclose(found.answers.sum(axis=2), 1, atol=1e-5)


def test_augmentation_touches_training_alone(images: Images) -> None:
    """Answers for rows come from the pictures as they are: the same network with and without augmentation."""
    members = members_of([configuration()], [0], [1])
    plain = Images(images.pixels, images.target, images.roles, 2, Augmentation())
    layouts = [source.layout for source in (images, plain)]
    rows = np.array([[0, 5]], np.int32)
    arrays = {name: keras.ops.convert_to_tensor(array) for name, array in plain.arrays().items()}
    first, second = (np.array(layout.batch(arrays, rows, {}, None)) for layout in layouts)
    np.testing.assert_array_equal(first, second)
    draws = np.random.default_rng(1).random((1, 2, images.draws), np.float32)
    assert not np.array_equal(first, np.array(layouts[0].batch(arrays, rows, {}, draws)))
    assert engine.fit(members, plain, "multiclass", 2, 2).answers.shape == (1, 140, 2)


def test_gamma_raises_brightness_and_is_standardised_by_train_rows(images: Images) -> None:
    source = dataclasses.replace(images, gamma=0.5)
    arrays = {name: keras.ops.convert_to_tensor(array) for name, array in source.arrays().items()}
    rows = np.array([[4, 130]], np.int32)
    found = np.array(source.layout.batch(arrays, rows, {}, None))
    bright = 255 * np.sqrt(source.pixels.reshape(140, 64) / 255)
    train = bright[:120][source.roles[:, 0] == TRAIN]
    np.testing.assert_allclose(found[0], (bright[rows[0]] - train.mean()) / train.std(), rtol=1e-3, atol=1e-4)
    assert not np.allclose(found, np.array(images.layout.batch(images.arrays(), rows, {}, None)), atol=0.1)


def test_edges_are_distances_from_two_neighbours_standardised_by_train_rows(images: Images) -> None:
    source = dataclasses.replace(images, gamma=0.5, edges=True)
    bright = 255 * np.sqrt(source.pixels / 255)
    expected = np.zeros((*bright.shape, 3))
    for row, down, across in np.ndindex(bright.shape):
        here = bright[row, down, across]
        right = bright[row, down, across + 1] if across + 1 < bright.shape[2] else 0.0
        below = bright[row, down + 1, across] if down + 1 < bright.shape[1] else 0.0
        expected[row, down, across] = here, abs(right - here), abs(below - here)
    train = expected[:120][source.roles[:, 0] == TRAIN]
    expected = (expected - train.mean(axis=(0, 1, 2))) / train.std(axis=(0, 1, 2))
    arrays = {name: keras.ops.convert_to_tensor(array) for name, array in source.arrays().items()}
    rows = np.array([[4, 130]], np.int32)
    found = np.array(source.layout.batch(arrays, rows, {}, None))
    np.testing.assert_allclose(found[0], expected[rows[0]].reshape(2, -1), rtol=1e-3, atol=1e-4)
    assert found.shape[2] == source.fan_in
    members = members_of([configuration()], [0], [1])
    for filters in ((), (4,)):
        both = dataclasses.replace(source, filters=filters)
        assert engine.fit(members, both, "multiclass", 2, 2).answers.shape == (1, 140, 2)


def test_mixup_averages_pictures_and_losses(images: Images) -> None:
    """Pictures, partners and the loss of a step against numpy's; a row of -1 is nobody's partner."""
    source = dataclasses.replace(images, augmentation=Augmentation(mixup=0.5))
    arrays = {name: keras.ops.convert_to_tensor(array) for name, array in source.arrays().items()}
    rows = np.array([[3, 7, 11, -1, -1]], np.int32)
    draws = np.random.default_rng(1).random((1, 5, source.draws), np.float32)
    found = np.array(source.layout.batch(arrays, rows, {}, draws))
    plain = np.array(source.layout.batch(arrays, rows, {}, None))
    share = 0.5 * draws[0, :3, -1]
    expected = (1 - share)[:, None] * plain[0, :3] + share[:, None] * plain[0, [1, 2, 0]]
    np.testing.assert_allclose(found[0, :3], expected, atol=1e-5)
    mixed = source.layout.mixed(keras.ops.convert_to_tensor(rows), draws)
    assert mixed is not None
    np.testing.assert_array_equal(np.array(mixed[0])[0, :3], [7, 11, 3])
    np.testing.assert_allclose(np.array(mixed[1])[0, :3], share)
    assert source.layout.mixed(keras.ops.convert_to_tensor(rows), None) is None


def test_the_loss_of_mixed_rows_is_that_of_both_labels(images: Images) -> None:
    """The loss that training reports of one short batch, against numpy's from the same weights, order and shares."""
    unseen = np.full_like(images.roles, SCORE)
    unseen[:7] = TRAIN
    source = dataclasses.replace(images, augmentation=Augmentation(mixup=0.4), roles=unseen)
    members = members_of([configuration(depth=0, learning_rate=1e-9)], [0], [1])
    found = engine.fit(members, source, "multiclass", 1, 1, seed=5)
    common = np.random.Generator(np.random.SFC64(5))
    rows = common.permutation(np.arange(7))
    share = 0.4 * common.random((1, 1, 16, source.draws), np.float32)[0, 0, :7, -1]
    pixels = (source.pixels[rows].reshape(7, 64) - source.arrays()["location"]) / source.arrays()["scale"]
    mixed = pixels + share[:, None] * (np.roll(pixels, -1, axis=0) - pixels)
    weights = found.weights[0]
    logits = mixed @ weights["kernel_0"][0] + weights["bias_0"][0]
    losses = np.log(np.exp(logits).sum(axis=1))[:, None] - logits  # of either class
    label = source.target[0, rows].astype(int)
    own, other = losses[np.arange(7), label], losses[np.arange(7), np.roll(label, -1)]
    assert found.train_loss[0, 0] == pytest.approx(((1 - share) * own + share * other).mean(), rel=1e-4)
    assert (label != np.roll(label, -1)).any()


def test_half_precision_rounds_factors_alone(images: Images) -> None:
    generator = np.random.default_rng(0)
    inputs, kernel = (generator.normal(size=s).astype(np.float32) for s in ((1, 5, 64), (3, 64, 7)))
    exact, half = (np.array(PRODUCTS[name](inputs, kernel)) for name in ("float32", "bfloat16"))
    np.testing.assert_allclose(exact, inputs @ kernel, atol=1e-4)
    assert half.dtype == np.float32
    np.testing.assert_allclose(half, exact, atol=0.3)
    assert not np.array_equal(half, exact)
    source = Images(images.pixels, images.target, images.roles, 2, images.augmentation, precision="bfloat16")
    found = engine.fit(members_of([configuration(width=16)], [0], [1]), source, "multiclass", 40, 40)
    assert np.nanmin(found.stop_loss) < 0.5 * found.stop_loss[0, 0]
