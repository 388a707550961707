"""Arrays that NumPy and TensorFlow share, so that a large one is held once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from numpy.typing import DTypeLike

# Where TensorFlow wants an array to begin, in bytes: what begins elsewhere it copies.
ALIGNMENT = 64


def aligned(shape: Sequence[int], dtype: DTypeLike) -> np.ndarray:
    """An array of no particular values that TensorFlow can read where it lies."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    memory = np.empty(size + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + size].view(dtype).reshape(shape)


def realigned(array: np.ndarray) -> np.ndarray:
    """``array`` where TensorFlow can read it: itself, or a copy."""
    if array.ctypes.data % ALIGNMENT == 0 and array.flags.c_contiguous:
        return array
    copy = aligned(array.shape, array.dtype)
    copy[...] = array
    return copy


def tensor(array: np.ndarray) -> tf.Tensor:
    """``array`` for TensorFlow, which on a processor reads it where it lies: it must not change any more.

    ``tf.constant`` copies twice, and the first copy may outlive the tensor; here one that is not aligned is copied
    once.
    """
    if tf.config.list_logical_devices("GPU"):
        return tf.constant(array)
    return tf.raw_ops.Identity(input=realigned(array))


def as_array(values: tf.Tensor) -> np.ndarray:
    """``values`` for NumPy, on a processor where TensorFlow has them (``numpy()`` would copy)."""
    return np.asarray(memoryview(values))
