"""Networks on words in their order: against NumPy, against Keras's convolution and its gradient, and where only the
order tells."""

from __future__ import annotations

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from features.roles import SCORE, STOP
from pipeline.nets import fit as engine
from pipeline.nets.layers import find_windows
from pipeline.nets.members import members_of
from pipeline.nets.sequences import logits
from pipeline.nets.texts import Sequences
from tests.pipeline.nets.networks import bare_configuration

VOCABULARY, UNITS, WINDOW, FILTERS = 12, 5, 2, 6


configuration = functools.partial(bare_configuration, depth=0, width=1, learning_rate=0.02)


@pytest.fixture
def texts() -> Sequences:
    """Texts of other words, in which 3 before 4 is good and 4 before 3 is bad: every text holds both, side by side."""
    generator = np.random.default_rng(6)
    words, good = np.zeros((200, 12), np.int32), generator.random(200) < 0.5
    for row, label in zip(words, good, strict=True):
        length = generator.integers(4, 11)
        row[:length] = generator.integers(5, VOCABULARY, length)
        place = generator.integers(0, length - 1)
        row[place : place + 2] = (3, 4) if label else (4, 3)
    roles = np.zeros((160, 1), np.int8)
    roles[100:130], roles[130:] = STOP, SCORE
    return Sequences(
        words, VOCABULARY, UNITS, WINDOW, FILTERS, 0.1, good[:160].astype(np.float32)[None], roles, outputs=1
    )


def some_weights(members: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(7)
    shapes = (members, VOCABULARY - 1, UNITS), (members, WINDOW * UNITS, FILTERS), (members, 1, FILTERS)
    table, kernel, bias = (generator.normal(size=shape).astype(np.float32) for shape in shapes)
    return table, kernel, bias


def read_by_hand(row: np.ndarray, table: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """One text, one member: every window in turn."""
    vectors = [table[word - 1] if word else np.zeros(UNITS) for word in row]
    answers = [np.concatenate(vectors[at : at + WINDOW]) @ kernel for at in range(len(row) - WINDOW + 1)]
    return np.maximum(np.max(answers, axis=0) + bias[0], 0)


def test_each_filter_finds_the_window_that_it_answers_most(texts: Sequences) -> None:
    table, kernel, bias = some_weights(3)
    found = np.array(find_windows(keras.ops.convert_to_tensor(texts.words[:9]), table, kernel, bias, WINDOW, UNITS))
    for member in range(3):
        for row in range(9):
            expected = read_by_hand(texts.words[row], table[member], kernel[member], bias[member])
            np.testing.assert_allclose(found[member, row], expected, atol=1e-5)


def test_the_gradient_is_that_of_keras_convolution_and_maximum(texts: Sequences) -> None:
    words = tf.constant(texts.words[:20])
    weights = [tf.constant(each) for each in some_weights(1)]

    def convolved(table: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
        vectors = tf.gather(tf.pad(table[0], ((1, 0), (0, 0))), words)
        maps = keras.ops.conv(vectors, tf.reshape(kernel[0], (WINDOW, UNITS, FILTERS)))
        return tf.nn.relu(tf.reduce_max(maps, axis=1) + bias[0])[None]

    found = []
    for layer in (lambda *given: find_windows(words, *given, WINDOW, UNITS), convolved):
        with tf.GradientTape() as tape:
            tape.watch(weights)
            value = tf.reduce_sum(layer(*weights) ** 2)
        found.append([np.array(tf.convert_to_tensor(each)) for each in tape.gradient(value, weights)])
    for ours, keras_own in zip(*found, strict=True):
        np.testing.assert_allclose(ours, keras_own, atol=1e-4)


def test_longer_rows_say_the_same(texts: Sequences) -> None:
    weights = some_weights(2)
    longer = np.pad(texts.words[:9], ((0, 0), (0, 7)))
    short, long = (
        np.array(find_windows(keras.ops.convert_to_tensor(each), *weights, WINDOW, UNITS))
        for each in (texts.words[:9], longer)
    )
    np.testing.assert_allclose(short, long, atol=1e-6)


def test_the_order_of_words_is_learned_and_numpy_says_what_the_engine_says(texts: Sequences) -> None:
    members = members_of([configuration() for _ in range(2)], [0, 0], [1, 2])
    found = engine.fit(members, texts, "binary", 60, 60)
    scored = texts.roles[:, 0] == SCORE
    right = (found.answers[:, :160, 0] > 0.5)[:, scored] == texts.target[0, scored]
    assert right.mean() > 0.95
    told = logits(found.weights[0], texts.words, WINDOW)
    np.testing.assert_allclose(1 / (1 + np.exp(-told)), found.answers[..., 0], atol=1e-4)


def test_words_are_passed_over_in_training_alone(texts: Sequences) -> None:
    table, kernel, bias = some_weights(1)
    weights = {"embedding": table, "filter_0": kernel, "offset_0": bias}
    arrays = {name: keras.ops.convert_to_tensor(array) for name, array in texts.arrays().items()}
    rows = keras.ops.convert_to_tensor(np.array([[2, 7]], np.int32))
    plain = np.array(texts.layout.batch(arrays, rows, weights, None))
    draws = np.full((1, 2, texts.draws), 0.5, np.float32)
    np.testing.assert_array_equal(np.array(texts.layout.batch(arrays, rows, weights, draws)), plain)
    draws[0, 0] = 0.05
    without = np.array(texts.layout.batch(arrays, rows, weights, draws))
    np.testing.assert_array_equal(without[:, 1], plain[:, 1])
    np.testing.assert_allclose(without[0, 0], np.maximum(bias[0, 0], 0), atol=1e-6)  # nothing is left to read


@pytest.mark.parametrize("skip", [0.0, 0.3])
def test_one_member_more_changes_no_others_result(texts: Sequences, skip: float) -> None:
    source = Sequences(texts.words, VOCABULARY, UNITS, WINDOW, FILTERS, skip, texts.target, texts.roles, texts.outputs)
    each = [configuration(schedule="cosine", epochs=6, learning_rate=rate) for rate in (0.02, 0.01, 0.005)]
    members = members_of(each, [0] * 3, [1, 2, 3])
    together = engine.fit(members, source, "binary", 6, 6, seed=9)
    for one in range(3):
        alone = engine.fit(members.take(np.array([one])), source, "binary", 6, 6, seed=9)
        np.testing.assert_allclose(alone.answers[0], together.answers[one], atol=1e-4)
