"""Each distortion on a picture of one bright pixel."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.nets.augmentation import Augmentation, distort, turn


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
