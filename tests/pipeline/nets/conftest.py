"""Small sources that more than one module's tests train on."""

from __future__ import annotations

import numpy as np
import pytest

from features.roles import SCORE, STOP
from pipeline.nets.augmentation import Augmentation
from pipeline.nets.images import Images
from pipeline.nets.table import Table
from pipeline.nets.texts import Bags


def roles(rows: int) -> np.ndarray:
    found = np.zeros((rows, 1), np.int8)
    found[rows // 2 : 3 * rows // 4], found[3 * rows // 4 :] = STOP, SCORE
    return found


@pytest.fixture
def bags() -> Bags:
    """Reviews of 5 to 12 of 40 words; a word of the upper half more often than not makes it a good one."""
    generator = np.random.default_rng(3)
    words = [np.sort(generator.permutation(40)[: generator.integers(5, 13)]) for _ in range(140)]
    target = np.array([np.mean(each >= 20) > 0.5 for each in words[:120]], np.float32)
    starts = np.concatenate([[0], np.cumsum([len(each) for each in words])])
    ids = np.concatenate(words)
    return Bags(starts, ids, np.ones(len(ids), np.float32), 40, target[None], roles(120), 1)


@pytest.fixture
def images() -> Images:
    """A bright bar, standing (1) or lying (0), on 8 x 8 pixels."""
    generator = np.random.default_rng(4)
    pixels = generator.integers(0, 60, (140, 8, 8)).astype(np.uint8)
    standing = generator.random(140) < 0.5
    for image, upright in zip(pixels, standing, strict=True):
        (image.T if upright else image)[generator.integers(1, 7)] = 250
    return Images(pixels, standing[:120].astype(np.float32)[None], roles(120), 2, Augmentation(flip=True, shift=1))


@pytest.fixture
def table() -> Table:
    generator = np.random.default_rng(7)
    inputs = generator.normal(size=(130, 4)).astype(np.float32)
    target = (inputs[:100, 0] + inputs[:100, 1] * inputs[:100, 2] > 0).astype(np.float32)
    roles = np.zeros((100, 2), np.int8)
    roles[60:80, 0], roles[80:, 0], roles[:20, 1], roles[20:40, 1] = 1, 2, 1, 2
    return Table(
        np.stack([inputs, inputs * 0.5]), np.zeros((130, 0), np.int32), 0, np.stack([target, target]), roles, 1
    )
