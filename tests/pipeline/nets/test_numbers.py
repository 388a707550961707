"""Embeddings of numbers against the same written out with loops; where bins come from."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from features.roles import SCORE, STOP, TRAIN
from pipeline.nets.layers import embed_numbers, piecewise_linear
from pipeline.nets.numbers import BINS, FREQUENCIES, Numbers, bins_of, columns_of_numbers, lines_of
from pipeline.nets.table import Table


def share_of_bin(x: float, edges: np.ndarray, bin: int) -> float:
    """The definition, case by case (Gorishniy et al., 2022, equation 1), the first and the last bin as all others."""
    if x < edges[bin]:
        return 0.0
    if x >= edges[bin + 1]:
        return 1.0
    return (x - edges[bin]) / (edges[bin + 1] - edges[bin])


@pytest.fixture
def train_and_rest() -> tuple[np.ndarray, np.ndarray]:
    """Inputs ``[2, 60, 3]`` and who trains in each of two folds: a number, a 0/1 column, counts with many ties."""
    generator = np.random.default_rng(2)
    number = generator.exponential(size=(2, 60))
    flag, count = generator.integers(0, 2, (2, 60)), generator.poisson(0.4, (2, 60))
    train = np.zeros((60, 2), bool)
    train[:40, 0] = train[20:, 1] = True
    return np.stack([number, flag, count], axis=2).astype(np.float32), train


def test_piecewise_linear_equals_its_definition(train_and_rest: tuple[np.ndarray, np.ndarray]) -> None:
    inputs, train = train_and_rest
    bins = bins_of(inputs[:, :, [0, 2]], train, 4)
    numbers = np.concatenate([inputs[:, :, [0, 2]], [[[-3, -1]], [[90, 9]]]], axis=1)  # beyond the ends too
    found = np.array(piecewise_linear(np.swapaxes(numbers, 1, 2), lines_of(bins)))
    for fold in range(2):
        for column in range(2):
            values = inputs[fold, train[:, fold], 2 * column].astype(np.float64)
            edges = np.unique(values.astype(np.float32))
            if column == 0:
                edges = np.unique(np.quantile(values, [0, 0.25, 0.5, 0.75, 1]).astype(np.float32))
            assert len(edges) <= 5
            for row, x in enumerate(numbers[fold, :, column]):
                expected = np.zeros(4)
                expected[: len(edges) - 1] = [share_of_bin(x, edges, bin) for bin in range(len(edges) - 1)]
                np.testing.assert_allclose(found[fold, column, :, row], expected, rtol=1e-4, atol=1e-5)


def test_narrow_bins_far_from_0_are_as_in_double_precision() -> None:
    """As in a standardised column where a few rows have a number that stands for none."""
    column = np.random.default_rng(0).uniform(0, 40, 2000)
    column[:50] = -1e6
    numbers = ((column - column.mean()) / column.std()).astype(np.float32)
    bins = bins_of(numbers[None, :, None], np.ones((2000, 1), bool), 24)
    left, inverse = (bins[name][0, 0].astype(np.float64) for name in BINS)
    expected = np.clip((numbers[:, None] - left) * inverse, 0, 1)
    found = np.array(piecewise_linear(numbers[None, None], lines_of(bins)))[0, 0]
    np.testing.assert_allclose(found.T, expected, atol=1e-5)


def test_only_train_rows_make_bins_and_two_values_are_no_numbers(
    train_and_rest: tuple[np.ndarray, np.ndarray],
) -> None:
    inputs, train = train_and_rest
    assert columns_of_numbers(inputs, train).tolist() == [0, 2]
    before = bins_of(inputs, train, 4)
    for fold in range(2):
        inputs[fold, ~train[:, fold]] = 1e6
    assert columns_of_numbers(inputs, train).tolist() == [0, 2]
    for name, array in bins_of(inputs, train, 4).items():
        np.testing.assert_array_equal(array, before[name])


def test_a_few_values_are_each_an_edge_however_rare() -> None:
    """Quantiles would pass over all but the most frequent one."""
    inputs = np.zeros((1, 60, 1), np.float32)
    inputs[0, :3, 0] = 7, 1, 2
    bins = bins_of(inputs, np.ones((60, 1), bool), 4)
    np.testing.assert_array_equal(bins["bins_left"][0, 0], [0, 1, 2, 0])
    np.testing.assert_allclose(bins["bins_inverse"][0, 0], [1, 1, 0.2, 0])


def test_a_column_that_is_constant_in_a_fold_has_empty_bins() -> None:
    inputs = np.full((1, 8, 1), 3, np.float32)
    bins = bins_of(inputs, np.ones((8, 1), bool), 4)
    np.testing.assert_array_equal(
        np.array(piecewise_linear(np.array([[[3.0, -9.0, 9.0]]], np.float32), lines_of(bins))), 0
    )


@pytest.mark.parametrize(
    "numbers", [Numbers("piecewise_linear", 4, 0), Numbers("piecewise_linear", 4, 3), Numbers("periodic", 0, 4)]
)
def test_vectors_of_numbers_equal_loops(numbers: Numbers, train_and_rest: tuple[np.ndarray, np.ndarray]) -> None:
    inputs, train = train_and_rest
    chosen = inputs[:, :5][:, :, [0, 2]]  # two members, each in its fold
    bins = bins_of(inputs[:, :, [0, 2]], train, 4) if numbers.bins else None
    generator = np.random.default_rng(0)
    own = [numbers.weights(2, generator) for _ in range(2)]
    weights = {name: np.stack([each[name] for each in own]) for name in own[0]}
    weights = {name: generator.normal(size=weight.shape).astype(np.float32) for name, weight in weights.items()}
    found = np.array(
        embed_numbers(keras.ops.convert_to_tensor(chosen), weights, bins and lines_of(bins), numbers.pieces)
    )
    assert found.shape == (2, 5, 2 * numbers.width)
    for member in range(2):
        w = {name: weight[member] for name, weight in weights.items()}
        for row in range(5):
            for column in range(2):
                x = float(chosen[member, row, column])
                if bins is None:
                    waves = [
                        math.cos(2 * math.pi * w["numbers_frequency"][column, h] * x + w["numbers_phase"][column, h])
                        for h in range(FREQUENCIES)
                    ]
                    mix = w["numbers_mix"][column * FREQUENCIES : (column + 1) * FREQUENCIES]
                    expected = [x, *(np.array(waves) @ mix + w["numbers_bias"][column])]
                else:
                    left, inverse = (bins[name][member, column] for name in BINS)
                    pieces = np.clip((x - left) * inverse, 0, 1)
                    expected = [x, *pieces]
                    if numbers.units:
                        mix = w["numbers_pieces"][column * 4 : (column + 1) * 4]
                        expected = pieces @ mix + w["numbers_linear"][column] * x + w["numbers_bias"][column]
                vector = found[member, row, column * numbers.width : (column + 1) * numbers.width]
                np.testing.assert_allclose(vector, expected, rtol=2e-4, atol=2e-4)


def test_the_gradient_of_bins_and_lines_equals_tensorflows(train_and_rest: tuple[np.ndarray, np.ndarray]) -> None:
    inputs, train = train_and_rest
    numbers, generator = Numbers("piecewise_linear", 4, 3), np.random.default_rng(0)
    chosen = tf.constant(inputs[:, :5][:, :, [0, 2]])
    bins = lines_of(bins_of(inputs[:, :, [0, 2]], train, 4))
    shapes = {name: weight.shape for name, weight in numbers.weights(2, generator).items()}
    weights = {name: tf.constant(generator.normal(size=(2, *shape)), tf.float32) for name, shape in shapes.items()}
    upstream = generator.normal(size=(2, 5, 2 * 3)).astype(np.float32)
    with tf.GradientTape() as tape:
        tape.watch(weights)
        found = embed_numbers(chosen, weights, bins, numbers.pieces)
    gradients = tape.gradient(found, weights, upstream)
    shares = piecewise_linear(tf.transpose(chosen, (0, 2, 1)), bins)  # [m, n, T, b]
    with tf.GradientTape() as tape:
        tape.watch(weights)
        pieces = tf.reshape(weights["numbers_pieces"], (2, 2, 4, 3))
        bent = tf.einsum("mntb,mnte->mbne", shares, pieces)
        straight = chosen[..., None] * weights["numbers_linear"][:, None] + weights["numbers_bias"][:, None]
        expected = tf.reshape(straight + bent, (2, 5, 2 * 3))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    for name, gradient in tape.gradient(expected, weights, upstream).items():
        np.testing.assert_allclose(gradients[name], gradient, rtol=1e-5, atol=1e-5, err_msg=name)


def test_first_weights_are_drawn_as_their_papers_say() -> None:
    """PyTorch's bounds of a linear layer, phases all around, bins that say nothing yet."""
    drawn = Numbers("periodic", 0, 5).weights(300, np.random.default_rng(0))
    phase, quarter = drawn["numbers_phase"], 1 / math.sqrt(FREQUENCIES)
    assert phase.min() < -3.1 < 3.1 < phase.max() and np.abs(phase).max() <= np.float32(math.pi)
    assert drawn["numbers_frequency"].std() == pytest.approx(1.0, abs=0.05)
    shapes = {"numbers_mix": (300 * FREQUENCIES, 4), "numbers_bias": (300, 4)}
    bins = Numbers("piecewise_linear", 6, 9).weights(300, np.random.default_rng(0))
    assert not bins["numbers_pieces"].any() and bins["numbers_pieces"].shape == (300 * 6, 9)
    for weights, names, bound in ((drawn, shapes, quarter), (bins, ("numbers_linear", "numbers_bias"), 1 / 3)):
        for name in names:
            least, most = weights[name].min(), weights[name].max()
            assert -bound <= least < -0.98 * bound and 0.98 * bound < most <= bound * (1 + 1e-6), name
    assert {name: drawn[name].shape for name in shapes} == shapes
    assert Numbers("piecewise_linear", 6).weights(300, np.random.default_rng(0)) == {}
    assert [Numbers(*one).width for one in (("plain",), ("piecewise_linear", 6), ("periodic", 0, 4))] == [1, 7, 4]


def test_a_table_counts_the_inputs_it_makes() -> None:
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(1, 30, 3)).astype(np.float32)
    inputs[..., 1] = inputs[..., 1] > 0
    roles = np.array([TRAIN] * 10 + [STOP] * 5 + [SCORE] * 5, np.int8)[:, None]
    codes = generator.integers(0, 3, (30, 1)).astype(np.int32)
    table = Table(inputs, codes, 3, np.zeros((1, 20), np.float32), roles, 1, Numbers("periodic", 0, 4))
    weights = {
        name: keras.ops.convert_to_tensor(weight[None])
        for name, weight in table.weights("he_normal", generator).items()
    }
    arrays = {name: keras.ops.convert_to_tensor(array) for name, array in table.arrays().items()}
    arrays |= table.own_arrays(np.array([0]))
    rows = keras.ops.convert_to_tensor(np.array([[0, 7, 29]], np.int32))
    batch = np.concatenate(table.layout.batch(arrays, rows, weights, None), axis=2)
    assert batch.shape == (1, 3, table.fan_in) == (1, 3, 1 + 2 * 4 + 4)
    np.testing.assert_array_equal(batch[0, :, 0], inputs[0, [0, 7, 29], 1])
    assert table.groups().tolist() == [0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3]
