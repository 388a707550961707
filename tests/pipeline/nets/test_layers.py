"""Layers against Keras, TensorFlow's own gradients and NumPy."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline.nets.layers import (
    PRODUCTS,
    convolve,
    drop,
    dropout_scale,
    dropout_threshold,
    embed,
    forward,
    multiplied,
    multiply,
    multiply_beside,
    multiply_scaled,
    normalize,
    shifted,
)


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


@pytest.mark.parametrize("mean", [0.0, 30.0, 1000.0])
def test_units_far_from_0_are_normalised_and_learn_as_in_double_precision(mean: float) -> None:
    """``mean``: in standard deviations. The second member has four spare units."""
    generator = np.random.default_rng(0)
    widths, spare = np.array([16, 12]), np.arange(16) >= np.array([[[16]], [[12]]])
    units, gain, shift, upstream = (
        np.where(spare, 0, generator.normal(size=(2, rows, 16)) + centre).astype(np.float32)
        for rows, centre in ((5, mean), (1, 1.0), (1, 0.0), (5, 0.0))
    )
    given = tf.constant(units)
    with tf.GradientTape() as tape:
        tape.watch(given)
        found = normalize(given, widths, gain, shift)
    gradient = tape.gradient(found, given, upstream)
    for member, width in enumerate(widths):
        own, scale, move, above = (each[member, :, :width].astype(float) for each in (units, gain, shift, upstream))
        away = own - own.mean(axis=1, keepdims=True)
        deviation = np.sqrt(np.square(away).mean(axis=1, keepdims=True) + 1e-3)
        standard, above = away / deviation, above * scale
        np.testing.assert_allclose(found[member, :, :width], standard * scale + move, atol=5e-4)
        along = standard * (above * standard).mean(axis=1, keepdims=True)
        expected = (above - above.mean(axis=1, keepdims=True) - along) / deviation
        np.testing.assert_allclose(gradient[member, :, :width], expected, atol=5e-4)


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


def test_embed_looks_up_each_members_own_table() -> None:
    tables = np.arange(36, dtype=np.float32).reshape(3, 3, 4)
    codes = np.array([[[0, 2]], [[1, 1]], [[2, 0]]])
    found = np.array(embed(codes, tables))
    np.testing.assert_array_equal(found[0, 0], np.concatenate([tables[0, 0], tables[0, 2]]))
    np.testing.assert_array_equal(found[1, 0], np.concatenate([tables[1, 1], tables[1, 1]]))
    np.testing.assert_array_equal(found[2, 0], np.concatenate([tables[2, 2], tables[2, 0]]))


def test_dropout_drops_the_asked_share_and_keeps_the_mean() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (2, 400, 50)).astype(np.uint8)
    units = np.ones((2, 400, 50), np.float32)
    below = dropout_threshold(np.array([0.25, 0.0], np.float32)[:, None, None])
    dropped = np.array(drop(units, noise, below)) * np.array(dropout_scale(below))
    assert (dropped[0] == 0).mean() == pytest.approx(0.25, abs=0.01)
    assert dropped[0].mean() == pytest.approx(1.0, abs=0.02)
    np.testing.assert_array_equal(dropped[1], units[1])


@pytest.mark.parametrize("copies", [(), (4,)])
def test_gradients_of_our_own_are_those_of_tensorflow(copies: tuple[int, ...]) -> None:
    generator = np.random.default_rng(0)
    shapes = ((2, *copies, 3, 5), (2, *copies, 1, 1), (2, *copies, 1, 5))
    values, factor, bias = (tf.constant(generator.normal(size=shape), tf.float32) for shape in shapes)
    found = []
    for ours in (True, False):
        with tf.GradientTape() as tape:
            tape.watch([values, bias])
            result = shifted(multiplied(values, factor), bias) if ours else values * factor + bias
            total = tf.reduce_sum(tf.sin(result))
        found.append([result, *tape.gradient(total, [values, bias])])
    for mine, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-6)


def test_the_gradient_of_a_scale_of_inputs_is_that_of_tensorflow() -> None:
    generator = np.random.default_rng(0)
    inputs, scale, kernel = (
        tf.constant(generator.normal(size=shape), tf.float32) for shape in ((2, 7, 5), (2, 1, 5), (2, 5, 3))
    )
    found = []
    for ours in (True, False):
        with tf.GradientTape() as tape:
            tape.watch([scale, kernel])
            result = multiply_scaled(inputs, kernel, scale) if ours else tf.matmul(inputs * scale, kernel)
            total = tf.reduce_sum(tf.sin(result))
        found.append([result, *tape.gradient(total, [scale, kernel])])
    for mine, theirs in zip(*found, strict=True):
        assert mine.shape == theirs.shape
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("has_scale", [False, True], ids=["as they are", "scaled"])
def test_the_gradients_of_vectors_beside_what_is_given_are_those_of_tensorflow(has_scale: bool) -> None:
    generator = np.random.default_rng(0)
    shapes = ((2, 7, 5), (2, 7, 4), (2, 9, 3), (2, 1, 9))
    given, vectors, kernel, scale = (tf.constant(generator.normal(size=shape), tf.float32) for shape in shapes)
    learned = [vectors, kernel, scale] if has_scale else [vectors, kernel]
    found = []
    for ours in (True, False):
        with tf.GradientTape() as tape:
            tape.watch(learned)
            if ours:
                result = multiply_beside(given, vectors * 1.0, kernel, scale if has_scale else None)
            else:
                inputs = tf.concat([given, vectors], axis=2)
                result = tf.matmul(inputs * scale if has_scale else inputs, kernel)
            total = tf.reduce_sum(tf.sin(result))
        found.append([result, *tape.gradient(total, learned)])
    for mine, theirs in zip(*found, strict=True):
        assert mine.shape == theirs.shape
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("batches", [1, 2], ids=["one batch for all", "a batch each"])
def test_the_gradients_of_a_product_are_those_of_tensorflow(batches: int) -> None:
    generator = np.random.default_rng(0)
    inputs, kernel = (tf.constant(generator.normal(size=s), tf.float32) for s in ((batches, 7, 5), (2, 5, 3)))
    learned = [inputs, kernel] if batches == 2 else [kernel]
    found = []
    for product in (multiply, tf.matmul):
        with tf.GradientTape() as tape:
            tape.watch(learned)
            result = product(inputs, kernel)
            total = tf.reduce_sum(tf.sin(result))
        found.append([result, *tape.gradient(total, learned)])
    for mine, theirs in zip(*found, strict=True):
        assert mine.shape == theirs.shape
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("precision", PRODUCTS)
@pytest.mark.parametrize("batches", [1, 3], ids=["one batch for all", "a batch each"])
def test_members_of_different_depth_learn_from_their_own_loss(batches: int, precision: str) -> None:
    """The gradients of three networks of 3, 2 and 1 hidden layers, together (compiled for any number of members) and
    each for itself by TensorFlow's own."""
    generator = np.random.default_rng(0)
    counts = [3, 2, 1, 3]  # members of each layer, and all have an output
    shapes = [(4, 5), (5, 5), (5, 5), (5, 2)]

    def drawn(*shape: int) -> tf.Tensor:
        return tf.constant(generator.normal(size=shape), tf.float32)

    x, product = drawn(batches, 6, 4), PRODUCTS[precision]
    kernels = [drawn(count, *shape) for count, shape in zip(counts, shapes, strict=True)]
    biases = [drawn(count, 1, shape[1]) for count, shape in zip(counts, shapes, strict=True)]
    scales = [drawn(count, 1, 1) for count in counts]
    place, several = tf.TensorSpec([1 if batches == 1 else None, 6, 4]), [tf.TensorSpec([None] * 3)] * 4

    @tf.function(input_signature=[place, several, several], autograph=False)
    def gradients(x: tf.Tensor, kernels: list[tf.Tensor], biases: list[tf.Tensor]) -> list[list[tf.Tensor]]:
        with tf.GradientTape() as tape:
            tape.watch([kernels, biases])
            widths, ways = tf.constant([5, 5, 5]), {"project": product, "product": product, "scales": scales}
            total = tf.reduce_sum(tf.sin(forward(x, kernels, biases, "tanh", widths, **ways)))
        found: list[list[tf.Tensor]] = tape.gradient(total, [kernels, biases])
        return found

    together = gradients(x, kernels, biases)
    for member, depth in enumerate((3, 2, 1)):
        layers = (*range(depth), 3)
        own = [[weight[layer][member] for layer in layers] for weight in (kernels, biases)]
        with tf.GradientTape() as tape:
            tape.watch(own)
            units = x[member % batches]
            for layer, kernel, bias in zip(layers, *own, strict=True):
                factors = (tf.cast(factor, precision) for factor in (units, kernel))
                units = tf.cast(tf.matmul(*factors), "float32") * scales[layer][member] + bias
                units = units if layer == 3 else tf.tanh(units)
            total = tf.reduce_sum(tf.sin(units))
        for mine, theirs in zip(together, tape.gradient(total, own), strict=True):
            for layer, gradient in zip(layers, theirs, strict=True):
                np.testing.assert_allclose(mine[layer][member], gradient, rtol=1e-4, atol=1e-5)


def test_forward_equals_numpy_for_members_of_different_depth() -> None:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(2, 3, 4)).astype(np.float32)
    kernels = [generator.normal(size=s).astype(np.float32) for s in ((2, 4, 5), (1, 5, 5), (2, 5, 1))]
    biases = [generator.normal(size=s).astype(np.float32) for s in ((2, 1, 5), (1, 1, 5), (2, 1, 1))]
    logits = np.array(forward(x, kernels, biases, "tanh", np.array([5, 5])))
    first = np.tanh(x @ kernels[0] + biases[0])
    deep = np.tanh(first[:1] @ kernels[1] + biases[1])
    np.testing.assert_allclose(logits, np.concatenate([deep, first[1:]]) @ kernels[2] + biases[2], rtol=1e-5)
