"""Images and bags of words on the loop that tables use: the same numbers as the dense product or as the pixels give."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from features.roles import SCORE, STOP, TRAIN
from pipeline.nets import fit as engine
from pipeline.nets.images import Augmentation, distort, turn
from pipeline.nets.layers import PRODUCTS, convolve, normalize
from pipeline.nets.sources import Bags, Images, Source, bag


def configuration(**changes: Any) -> dict[str, Any]:
    return {
        "depth": 2,
        "width": 8,
        "dropout": 0.2,
        "l2": 1e-4,
        "initializer": "he_normal",
        "activation": "relu",
        "learning_rate": 0.01,
        "batch_size": 16,
        **changes,
    }


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
    found = np.array(bag(weighted.layout.batch(arrays, keras.ops.convert_to_tensor(rows), None, {}, None), kernel))
    np.testing.assert_allclose(found, dense(weighted)[np.maximum(rows[0], 0)] @ kernel, atol=1e-5)


def test_the_product_of_bags_and_its_gradient_stay_on_the_processor(bags: Bags) -> None:
    """A GPU has none that says the same twice, so TensorFlow refuses it there."""
    arrays = {name: keras.ops.convert_to_tensor(array) for name, array in bags.arrays().items()}

    def gradient(kernel: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(kernel)
            found = tf.reduce_sum(tf.square(bag(bags.layout.batch(arrays, rows, None, {}, None), kernel)))
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
    members = engine.members_of([configuration(dropout=0.0, batch_size=60)], [0], [5])
    table = engine.Table(dense(bags)[None], np.zeros((140, 0), np.int32), 0, bags.target, bags.roles, 1)
    sparse = engine.fit(members, bags, "binary", 12, 12)
    full = engine.fit(members, table, "binary", 12, 12)
    np.testing.assert_allclose(sparse.stop_loss, full.stop_loss, rtol=1e-4)
    np.testing.assert_allclose(sparse.answers, full.answers, atol=1e-4)


@pytest.mark.parametrize("name", ["bags", "images", "mixed", "convolved"])
def test_one_member_more_changes_no_others_result(name: str, bags: Bags, images: Images) -> None:
    source: Source = bags if name == "bags" else images
    if name == "convolved":
        source = Images(images.pixels, images.target, images.roles, 2, images.augmentation, (4,))
    if name == "mixed":
        source = dataclasses.replace(images, augmentation=Augmentation(shift=1, mixup=0.5))
    task = "binary" if name == "bags" else "multiclass"
    members = engine.members_of(
        [
            {**one, "schedule": "cosine"}
            for one in (
                configuration(),
                configuration(depth=1, width=5, dropout=0.5),
                configuration(depth=3, l2=0.01, l1=1e-3),
            )
        ],
        [0] * 3,
        [1, 2, 3],
    )
    together = engine.fit(members, source, task, 8, 3, seed=9)
    for one in range(3):
        alone = engine.fit(members.take(np.array([one])), source, task, 8, 3, seed=9)
        assert alone.epochs_run[0] == together.epochs_run[one]
        np.testing.assert_allclose(alone.answers[0], together.answers[one], atol=1e-4)


def test_noise_drawn_in_parts_trains_as_well_and_repeats(images: Images, monkeypatch: pytest.MonkeyPatch) -> None:
    members = engine.members_of([configuration(width=16)], [0], [1])
    monkeypatch.setattr(engine, "NOISE_AT_ONCE", 1000)
    first, second = (engine.fit(members, images, "multiclass", 30, 30) for _ in range(2))
    assert first.answers.tobytes() == second.answers.tobytes()
    assert np.nanmin(first.stop_loss) < 0.5 * first.stop_loss[0, 0]


@pytest.mark.parametrize("filters", [(), (4, 8)])
def test_images_are_told_apart(images: Images, filters: tuple[int, ...]) -> None:
    source = Images(images.pixels, images.target, images.roles, 2, images.augmentation, filters)
    members = engine.members_of([configuration(width=16, normalization="layer") for _ in range(2)], [0, 0], [1, 2])
    found = engine.fit(members, source, "multiclass", 40, 40)
    scored = images.roles[:, 0] == SCORE
    right = found.answers[:, :120].argmax(axis=2)[:, scored] == images.target[0, scored]
    assert right.mean() > 0.85
    assert np.allclose(found.answers.sum(axis=2), 1, atol=1e-5)


def test_augmentation_touches_training_alone(images: Images) -> None:
    """Answers for rows come from the pictures as they are: the same network with and without augmentation."""
    members = engine.members_of([configuration()], [0], [1])
    plain = Images(images.pixels, images.target, images.roles, 2, Augmentation())
    layouts = [source.layout for source in (images, plain)]
    rows = np.array([[0, 5]], np.int32)
    arrays = {name: keras.ops.convert_to_tensor(array) for name, array in plain.arrays().items()}
    first, second = (np.array(layout.batch(arrays, rows, None, {}, None)) for layout in layouts)
    np.testing.assert_array_equal(first, second)
    draws = np.random.default_rng(1).random((1, 2, images.draws), np.float32)
    assert not np.array_equal(first, np.array(layouts[0].batch(arrays, rows, None, {}, draws)))
    assert engine.fit(members, plain, "multiclass", 2, 2).answers.shape == (1, 140, 2)


def test_gamma_raises_brightness_and_is_standardised_by_train_rows(images: Images) -> None:
    source = dataclasses.replace(images, gamma=0.5)
    arrays = {name: keras.ops.convert_to_tensor(array) for name, array in source.arrays().items()}
    rows = np.array([[4, 130]], np.int32)
    found = np.array(source.layout.batch(arrays, rows, None, {}, None))
    bright = 255 * np.sqrt(source.pixels.reshape(140, 64) / 255)
    train = bright[:120][source.roles[:, 0] == TRAIN]
    np.testing.assert_allclose(found[0], (bright[rows[0]] - train.mean()) / train.std(), rtol=1e-3, atol=1e-4)
    assert not np.allclose(found, np.array(images.layout.batch(images.arrays(), rows, None, {}, None)), atol=0.1)


def test_edges_are_distances_from_two_neighbours_standardised_by_train_rows(images: Images) -> None:
    source = dataclasses.replace(images, gamma=0.5, edges=True)
    bright = 255 * np.sqrt(source.pixels / 255)
    expected = np.zeros((*bright.shape, 3))
    for row, down, across in np.ndindex(bright.shape):
        here = bright[row, down, across]
        right = bright[row, down, across + 1] if across + 1 < bright.shape[2] else 0.0
        below = bright[row, down + 1, across] if down + 1 < bright.shape[1] else 0.0
        expected[row, down, across] = here, abs(right - here), abs(below - here)
    train = expected[:120][source.roles[:, 0] == TRAIN]
    expected = (expected - train.mean(axis=(0, 1, 2))) / train.std(axis=(0, 1, 2))
    arrays = {name: keras.ops.convert_to_tensor(array) for name, array in source.arrays().items()}
    rows = np.array([[4, 130]], np.int32)
    found = np.array(source.layout.batch(arrays, rows, None, {}, None))
    np.testing.assert_allclose(found[0], expected[rows[0]].reshape(2, -1), rtol=1e-3, atol=1e-4)
    assert found.shape[2] == source.fan_in
    members = engine.members_of([configuration()], [0], [1])
    for filters in ((), (4,)):
        both = dataclasses.replace(source, filters=filters)
        assert engine.fit(members, both, "multiclass", 2, 2).answers.shape == (1, 140, 2)


def test_distortions_do_what_they_say() -> None:
    image = np.zeros((1, 9, 9), np.float32)
    image[0, 2, 3] = 1.0
    zero, one = np.zeros(1, np.float32), np.ones(1, np.float32)
    np.testing.assert_allclose(np.array(turn(image, zero, one * 2, one))[0, 3, 5], 1.0, atol=1e-5)
    quarter = np.array(turn(image, one * np.pi / 2, zero, zero))[0]
    assert np.unravel_index(quarter.argmax(), (9, 9)) in [(3, 6), (5, 2)]
    assert quarter.max() == pytest.approx(1.0, abs=1e-4)
    draws = np.full((1, 9), 0.25, np.float32)
    flipped = np.array(distort(image, draws, Augmentation(flip=True)))[0]
    assert flipped[2, 5] == 1.0
    full = np.ones((1, 9, 9), np.float32)
    erased = np.array(distort(full, draws, Augmentation(erase=0.5)))[0]
    assert 1 <= (erased == 0).sum() <= 25
    np.testing.assert_array_equal(np.array(distort(full, draws, Augmentation(erase=0.1))), full)


def test_mixup_averages_pictures_and_losses(images: Images) -> None:
    """Pictures, partners and the loss of a step against numpy's; a row of -1 is nobody's partner."""
    source = dataclasses.replace(images, augmentation=Augmentation(mixup=0.5))
    arrays = {name: keras.ops.convert_to_tensor(array) for name, array in source.arrays().items()}
    rows = np.array([[3, 7, 11, -1, -1]], np.int32)
    draws = np.random.default_rng(1).random((1, 5, source.draws), np.float32)
    found = np.array(source.layout.batch(arrays, rows, None, {}, draws))
    plain = np.array(source.layout.batch(arrays, rows, None, {}, None))
    share = 0.5 * draws[0, :3, -1]
    expected = (1 - share)[:, None] * plain[0, :3] + share[:, None] * plain[0, [1, 2, 0]]
    np.testing.assert_allclose(found[0, :3], expected, atol=1e-5)
    mixed = source.layout.mixed(keras.ops.convert_to_tensor(rows), draws)
    assert mixed is not None
    np.testing.assert_array_equal(np.array(mixed[0])[0, :3], [7, 11, 3])
    np.testing.assert_allclose(np.array(mixed[1])[0, :3], share)
    assert source.layout.mixed(keras.ops.convert_to_tensor(rows), None) is None


def test_the_loss_of_mixed_rows_is_that_of_both_labels(images: Images) -> None:
    """The loss that training reports of one short batch, against numpy's from the same weights, order and shares."""
    unseen = np.full_like(images.roles, SCORE)
    unseen[:7] = TRAIN
    source = dataclasses.replace(images, augmentation=Augmentation(mixup=0.4), roles=unseen)
    members = engine.members_of([configuration(depth=0, learning_rate=1e-9)], [0], [1])
    found = engine.fit(members, source, "multiclass", 1, 1, seed=5)
    common = np.random.Generator(np.random.SFC64(5))
    rows = common.permutation(np.arange(7))
    share = 0.4 * common.random((1, 1, 16, source.draws), np.float32)[0, 0, :7, -1]
    pixels = (source.pixels[rows].reshape(7, 64) - source.arrays()["location"]) / source.arrays()["scale"]
    mixed = pixels + share[:, None] * (np.roll(pixels, -1, axis=0) - pixels)
    weights = found.weights[0]
    logits = mixed @ weights["kernel_0"][0] + weights["bias_0"][0]
    losses = np.log(np.exp(logits).sum(axis=1))[:, None] - logits  # of either class
    label = source.target[0, rows].astype(int)
    own, other = losses[np.arange(7), label], losses[np.arange(7), np.roll(label, -1)]
    assert found.train_loss[0, 0] == pytest.approx(((1 - share) * own + share * other).mean(), rel=1e-4)
    assert (label != np.roll(label, -1)).any()


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


def test_l1_shrinks_the_sum_of_absolute_weights(bags: Bags) -> None:
    members = engine.members_of([configuration(dropout=0.0, l1=strength) for strength in (0.0, 0.01)], [0, 0], [1, 1])
    found = engine.fit(members, bags, "binary", 30, 30)
    free, bound = np.abs(found.weights[0]["kernel_0"]).sum(axis=(1, 2))
    assert bound < 0.5 * free


def test_a_linear_model_has_no_hidden_layer(bags: Bags) -> None:
    members = engine.members_of([configuration(depth=0, width=1, learning_rate=0.05)], [0], [1])
    found = engine.fit(members, bags, "binary", 40, 40)
    assert found.weights[0]["kernel_0"].shape == (1, 40, 1)
    assert np.nanmin(found.stop_loss) < 0.45


def test_half_precision_rounds_factors_alone(images: Images) -> None:
    generator = np.random.default_rng(0)
    inputs, kernel = (generator.normal(size=s).astype(np.float32) for s in ((1, 5, 64), (3, 64, 7)))
    exact, half = (np.array(PRODUCTS[name](inputs, kernel)) for name in ("float32", "bfloat16"))
    np.testing.assert_allclose(exact, inputs @ kernel, atol=1e-4)
    assert half.dtype == np.float32
    np.testing.assert_allclose(half, exact, atol=0.3)
    assert not np.array_equal(half, exact)
    source = Images(images.pixels, images.target, images.roles, 2, images.augmentation, precision="bfloat16")
    found = engine.fit(engine.members_of([configuration(width=16)], [0], [1]), source, "multiclass", 40, 40)
    assert np.nanmin(found.stop_loss) < 0.5 * found.stop_loss[0, 0]


def test_without_stop_rows_all_epochs_run_and_the_last_weights_stay(bags: Bags) -> None:
    """The same steps as with stop rows that never stop and never get worse."""
    unwatched = np.where(bags.roles == STOP, SCORE, bags.roles)
    free = Bags(bags.starts, bags.ids, bags.values, bags.vocabulary, bags.target, unwatched, 1)
    members = engine.members_of([configuration(learning_rate=1e-3)], [0], [1])
    watched = engine.fit(members, bags, "binary", 4, 4)
    assert watched.best_epoch[0] == 4  # so slow that every epoch is the best
    found = engine.fit(members, free, "binary", 4, 1)
    assert (found.epochs_run[0], found.best_epoch[0]) == (4, 4)
    assert np.isnan(found.stop_loss).all()
    np.testing.assert_array_equal(found.train_loss, watched.train_loss)
    np.testing.assert_array_equal(found.answers, watched.answers)


def test_programs_hold_members_close_in_width() -> None:
    members = engine.members_of([configuration(width=width) for width in (64, 4, 16, 8, 17)], [0] * 5, list(range(5)))
    held = [sorted(members.width[index].tolist()) for index in engine.programs(members)]
    assert held == [[4, 8], [16, 17], [64]]
