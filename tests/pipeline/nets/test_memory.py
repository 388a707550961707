"""Arrays that NumPy and TensorFlow share: one copy in memory, the same numbers."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from pipeline.nets.memory import ALIGNMENT, aligned, realigned, tensor


@pytest.mark.parametrize("shape", [(), (5,), (7, 3, 2)])
@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float32])
def test_aligned_arrays_begin_where_tensorflow_reads_them(shape: tuple[int, ...], dtype: type) -> None:
    array = aligned(shape, dtype)

    assert (array.shape, array.dtype, array.ctypes.data % ALIGNMENT) == (shape, np.dtype(dtype), 0)
    assert array.flags.writeable and array.flags.c_contiguous


@pytest.mark.skipif(bool(tf.config.list_physical_devices("GPU")), reason="a GPU has memory of its own")
def test_tensors_of_aligned_arrays_are_no_copies() -> None:
    array = aligned([1000], np.float32)
    array.fill(1)
    made = tensor(array)
    array[0] = 2  # what nobody should do, and what shows where the tensor reads

    assert made.numpy()[0] == 2


def test_tensors_outlive_the_arrays_they_were_made_of() -> None:
    made = [tensor(realigned(np.arange(1000, dtype=np.float32) + shift)) for shift in range(10)]

    assert [float(each[999]) for each in made] == [999.0 + shift for shift in range(10)]


def test_other_arrays_are_copied_once_with_the_same_values() -> None:
    memory = np.arange(24, dtype=np.float32)
    for array in (memory[1:13].reshape(3, 4), memory.reshape(4, 6).T, memory[::2]):
        settled = realigned(array)

        np.testing.assert_array_equal(settled, array)
        np.testing.assert_array_equal(tensor(array).numpy(), array)
        assert settled.ctypes.data % ALIGNMENT == 0 and settled.flags.c_contiguous
        assert realigned(settled) is settled
    assert tensor(np.empty((0, 3), np.float32)).shape == (0, 3)
