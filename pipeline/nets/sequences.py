"""Convolutional networks on words in their order with NumPy alone: their log odds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np


def logits(network: Mapping[str, np.ndarray], words: np.ndarray, window: int) -> np.ndarray:
    """Log odds ``[m, n]`` of texts ``words [n, l] int32``, as ``texts.Sequences`` takes them.

    ``network``: ``embedding [m, words - 1, units]``, ``filter_0 [m, window * units, filters]``,
    ``offset_0 [m, filters]``, ``kernel_0 [m, filters, 1]`` and ``bias_0 [m, 1]``.
    """
    windows = np.lib.stride_tricks.sliding_window_view(words, window, axis=1)  # [n, places, window]
    vectors = np.pad(network["embedding"], ((0, 0), (1, 0), (0, 0)))[:, windows]
    units = np.matmul(vectors.reshape(*vectors.shape[:3], -1), network["filter_0"][:, None])  # [m, n, places, filters]
    found = np.maximum(units.max(axis=2) + network["offset_0"][:, None], 0)
    return (np.matmul(found, network["kernel_0"]) + network["bias_0"][:, None])[..., 0]
