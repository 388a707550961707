"""From the normalized arrays to what the networks draw from."""

from __future__ import annotations

import numpy as np

from pipeline.arrays import stacked


def test_each_embedded_column_has_its_own_stretch() -> None:
    codes = np.array([[0, 2, 0], [1, 0, 4]], np.int32)
    assert stacked(codes, np.array([2, 3, 5])).tolist() == [[0, 4, 5], [1, 2, 9]]
    assert stacked(np.zeros((3, 0), np.int32), np.zeros(0, np.int32)).shape == (3, 0)
