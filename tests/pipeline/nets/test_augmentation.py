"""Each distortion on a picture of one bright pixel."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.nets.augmentation import DRAWS, Augmentation, _box, distort, mix, partners, shares, turn


def test_distortions_do_what_they_say() -> None:
    image = np.zeros((1, 9, 9), np.float32)
    image[0, 2, 3] = 1.0
    zero, one = np.zeros(1, np.float32), np.ones(1, np.float32)
    np.testing.assert_allclose(np.array(turn(image, zero, one * 2, one))[0, 3, 5], 1.0, atol=1e-5)
    quarter = np.array(turn(image, one * np.pi / 2, zero, zero))[0]
    assert np.unravel_index(quarter.argmax(), (9, 9)) in [(3, 6), (5, 2)]
    assert quarter.max() == pytest.approx(1.0, abs=1e-4)
    draws = np.full((1, 9), 0.25, np.float32)
    flipped = np.array(distort(image, draws, Augmentation(flip=True)))[0]
    assert flipped[2, 5] == 1.0
    full = np.ones((1, 9, 9), np.float32)
    erased = np.array(distort(full, draws, Augmentation(erase=0.5)))[0]
    assert 1 <= (erased == 0).sum() <= 25
    np.testing.assert_array_equal(np.array(distort(full, draws, Augmentation(erase=0.1))), full)


def test_distortions_go_as_far_as_they_say() -> None:
    """A draw of 1 is the whole way, of 0 the whole way back, of a half nowhere."""
    image = np.zeros((1, 9, 9), np.float32)
    image[0, 2, 3] = 1.0
    zero, one = np.zeros(1, np.float32), np.ones(1, np.float32)

    def drawn(**places: float) -> np.ndarray:
        draws = np.full((1, DRAWS), 0.5, np.float32)
        for place, value in places.items():
            draws[0, int(place[1:])] = value
        return draws

    turned = np.array(distort(image, drawn(_3=1.0), Augmentation(rotation=90)))
    np.testing.assert_allclose(turned, np.array(turn(image, one * np.pi / 2, zero, zero)), atol=1e-5)
    for draws, place in ((drawn(_1=1.0), (2, 5)), (drawn(_1=0.0), (2, 1)), (drawn(_2=1.0), (4, 3)), (drawn(), (2, 3))):
        moved = np.array(distort(image, draws, Augmentation(shift=2, rotation=30)))[0]
        assert moved[place] == pytest.approx(1.0, abs=1e-4)
    corner = np.zeros((1, 9, 9), np.float32)
    corner[0, 2, 2] = 1.0
    # Half as far from the centre, as far, and half as far again.
    for draw, place in ((0.0, (3, 3)), (0.5, (2, 2)), (1.0, (1, 1))):
        draws = np.concatenate([drawn(), [[draw]]], axis=1, dtype=np.float32)
        sized = np.array(distort(corner, draws, Augmentation(zoom=0.5)))[0]
        assert sized[place] == pytest.approx(1.0, abs=1e-4)
    full = np.ones((1, 9, 9), np.float32)
    erased = np.array(distort(full, drawn(_4=0.0, _5=0.0, _6=1.0, _7=1.0, _8=1.0), Augmentation(erase=0.5)))[0] == 0
    assert erased[:4, 5:].all() and not erased[5:].any() and not erased[:, :4].any()


def test_a_box_takes_an_eighth_to_a_half() -> None:
    place, size = np.array([0, 1, 0, 1], np.float32), np.array([0, 0, 1, 1], np.float32)
    found = [np.flatnonzero(row).tolist() for row in np.array(_box(place, size, 16))]
    assert found == [[0, 1], [14, 15], list(range(8)), list(range(8, 16))]


def test_images_are_mixed_with_their_neighbours_in_the_batch() -> None:
    assert np.array(partners(np.array([40, 7, 2, -1]))).tolist() == [1, 2, 0, 1]
    assert np.array(partners(np.array([-1, -1]))).tolist() == [0, 0]
    draws = np.full((3, DRAWS + 1), 0.5, np.float32)
    share = np.array(shares(draws, Augmentation(mixup=0.4)))
    assert share == pytest.approx([0.2] * 3)
    images = np.arange(3, dtype=np.float32)[:, None, None] * np.ones((3, 2, 2), np.float32)
    np.testing.assert_allclose(np.array(mix(images, np.array([1, 2, 0]), share))[:, 0, 0], [0.2, 1.2, 1.6], rtol=1e-6)


def test_no_more_is_drawn_than_is_used() -> None:
    asked = (Augmentation(), Augmentation(flip=True), Augmentation(mixup=0.2), Augmentation(zoom=0.1, mixup=0.2))
    assert [one.draws for one in asked] == [0, DRAWS, DRAWS + 1, DRAWS + 2]
