"""Bags of words on the loop that tables use: the same numbers as the dense product gives."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from pipeline.nets import fit as engine
from pipeline.nets.members import members_of
from pipeline.nets.table import Table
from pipeline.nets.texts import Bags, bag
from tests.pipeline.nets.networks import configuration


def dense(bags: Bags) -> np.ndarray:
    rows = np.zeros((bags.rows, bags.vocabulary), np.float32)
    for row in range(bags.rows):
        span = slice(bags.starts[row], bags.starts[row + 1])
        rows[row, bags.ids[span]] = bags.values[span]
    return rows


def test_a_bag_of_words_is_the_dense_product(bags: Bags) -> None:
    kernel = np.random.default_rng(0).normal(size=(3, 40, 5)).astype(np.float32)
    weighted = Bags(bags.starts, bags.ids, np.linspace(-1, 1, len(bags.ids)), 40, bags.target, bags.roles, 1)
    arrays = {name: keras.ops.convert_to_tensor(array) for name, array in weighted.arrays().items()}
    rows = np.array([[7, 0, -1, 139, 7]], np.int32)
    found = np.array(bag(weighted.layout.batch(arrays, keras.ops.convert_to_tensor(rows), {}, None), kernel))
    np.testing.assert_allclose(found, dense(weighted)[np.maximum(rows[0], 0)] @ kernel, atol=1e-5)


def test_the_product_of_bags_and_its_gradient_stay_on_the_processor(bags: Bags) -> None:
    """A GPU has none that says the same twice, so TensorFlow refuses it there."""
    arrays = {name: keras.ops.convert_to_tensor(array) for name, array in bags.arrays().items()}

    def gradient(kernel: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(kernel)
            found = tf.reduce_sum(tf.square(bag(bags.layout.batch(arrays, rows, {}, None), kernel)))
        return tape.gradient(found, kernel)

    graph = tf.function(gradient, autograph=False).get_concrete_function(
        tf.TensorSpec([None, 40, None], tf.float32), tf.TensorSpec([1, None], tf.int32)
    )
    nodes = [node for part in graph.graph.as_graph_def().library.function for node in part.node_def]
    products = [node for node in nodes if node.op == "SparseTensorDenseMatMul"]
    assert {node.attr["adjoint_a"].b for node in products} == {False, True}
    assert {tf.DeviceSpec.from_string(node.device).device_type for node in products} == {"CPU"}


def test_training_on_bags_equals_training_on_the_dense_matrix(bags: Bags) -> None:
    """The row order is that of a shared batch in one and of the member in the other; a batch of all rows has none."""
    members = members_of([configuration(dropout=0.0, batch_size=60)], [0], [5])
    table = Table(dense(bags)[None], np.zeros((140, 0), np.int32), 0, bags.target, bags.roles, 1)
    sparse = engine.fit(members, bags, "binary", 12, 12)
    full = engine.fit(members, table, "binary", 12, 12)
    np.testing.assert_allclose(sparse.stop_loss, full.stop_loss, rtol=1e-4)
    np.testing.assert_allclose(sparse.answers, full.answers, atol=1e-4)


def test_l1_shrinks_the_sum_of_absolute_weights(bags: Bags) -> None:
    members = members_of([configuration(dropout=0.0, l1=strength) for strength in (0.0, 0.01)], [0, 0], [1, 1])
    found = engine.fit(members, bags, "binary", 30, 30)
    free, bound = np.abs(found.weights[0]["kernel_0"]).sum(axis=(1, 2))
    assert bound < 0.5 * free


def test_a_linear_model_has_no_hidden_layer(bags: Bags) -> None:
    members = members_of([configuration(depth=0, width=1, learning_rate=0.05)], [0], [1])
    found = engine.fit(members, bags, "binary", 40, 40)
    assert found.weights[0]["kernel_0"].shape == (1, 40, 1)
    assert np.nanmin(found.stop_loss) < 0.45
