"""Layers against Keras."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline.nets.layers import convolve, normalize


def test_layer_normalisation_equals_keras_and_leaves_spare_units_alone() -> None:
    generator = np.random.default_rng(0)
    units = generator.normal(size=(2, 3, 6)).astype(np.float32)
    units[1, :, 4:] = 0
    widths = np.array([6, 4])
    gain, shift = (generator.normal(size=(2, 1, 6)).astype(np.float32) for _ in range(2))
    gain[1, :, 4:] = shift[1, :, 4:] = 0
    found = np.array(normalize(units, widths, gain, shift))
    for member, width in enumerate(widths):
        layer = keras.layers.LayerNormalization(epsilon=1e-3)
        layer.build((3, int(width)))
        layer.set_weights([gain[member, 0, :width], shift[member, 0, :width]])
        np.testing.assert_allclose(found[member, :, :width], layer(units[member, :, :width]), atol=1e-4)
    assert not found[1, :, 4:].any()


@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 1e-4), ("bfloat16", 0.1)])
@pytest.mark.parametrize("groups", [1, 2])
def test_a_convolution_and_its_gradient_equal_keras(groups: int, precision: str, tolerance: float) -> None:
    """Of one batch for both members and of one each, in a loop that is compiled for any number of members."""
    generator = np.random.default_rng(0)
    images = generator.normal(size=(groups, 3, 7, 8, 2)).astype(np.float32)
    kernel = generator.normal(size=(2, 18, 5)).astype(np.float32)
    bias = generator.normal(size=(2, 1, 5)).astype(np.float32)
    open_axis = tf.TensorSpec([None, 18, 5])
    place = tf.TensorSpec([1 if groups == 1 else None, None, 7, 8, 2])

    @tf.function(input_signature=[place, open_axis], autograph=False)
    def looped(images: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        def body(step: tf.Tensor, gradient: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            with tf.GradientTape() as tape:
                tape.watch(kernel)
                total = tf.reduce_sum(convolve(images, kernel, bias, 3, 5, precision) ** 2)
            return step + 1, gradient + tape.gradient(total, kernel)

        return tf.while_loop(lambda step, gradient: step < 2, body, [0, tf.zeros_like(kernel)])[1] / 2.0

    found = np.array(convolve(images, kernel, bias, 3, 5, precision))
    gradient = np.array(looped(images, kernel))
    for member in range(2):
        own = tf.constant(kernel[member].reshape(3, 3, 2, 5))
        with tf.GradientTape() as tape:
            tape.watch(own)
            convolved = keras.ops.conv(images[member % groups], own, padding="same") + bias[member]
            pooled = keras.ops.max_pool(keras.ops.relu(convolved), 2)
            total = tf.reduce_sum(pooled**2)
        np.testing.assert_allclose(found[member], np.array(pooled), atol=tolerance)
        expected = np.array(tape.gradient(total, own)).reshape(18, 5)
        np.testing.assert_allclose(gradient[member], expected, atol=tolerance * np.abs(expected).max())
