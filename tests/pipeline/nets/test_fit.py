"""The member engine: independence of members, equality with one network at a time, roles, early stopping, dropout,
L2."""

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from features.roles import SCORE, STOP, TRAIN
from pipeline.nets import fit as engine
from pipeline.nets import lanes
from pipeline.nets.layers import (
    FASTEST,
    drop,
    embed,
    forward,
    growth,
    initial_kernel,
    initial_waves,
    multiplied,
    multiply_scaled,
    shifted,
    threshold,
)


def configuration(**changes: Any) -> dict[str, Any]:
    return {
        "depth": 1,
        "width": 8,
        "dropout": 0.0,
        "l2": 0.0,
        "initializer": "glorot_uniform",
        "activation": "relu",
        "learning_rate": 0.01,
        "batch_size": 16,
        **changes,
    }


@pytest.fixture
def table() -> engine.Table:
    generator = np.random.default_rng(7)
    inputs = generator.normal(size=(130, 4)).astype(np.float32)
    target = (inputs[:100, 0] + inputs[:100, 1] * inputs[:100, 2] > 0).astype(np.float32)
    roles = np.zeros((100, 2), np.int8)
    roles[60:80, 0], roles[80:, 0], roles[:20, 1], roles[20:40, 1] = 1, 2, 1, 2
    return engine.Table(
        np.stack([inputs, inputs * 0.5]), np.zeros((130, 0), np.int32), 0, np.stack([target, target]), roles, 1
    )


MIXED = [
    configuration(depth=3, width=4, dropout=0.3, l2=1e-3, activation="selu"),
    configuration(depth=1, width=16, dropout=0.2, learning_rate=0.003),
    configuration(depth=2, width=8, dropout=0.5, initializer="he_normal"),
    configuration(depth=2, width=5, batch_size=32, l2=1e-2),
    configuration(depth=1, width=3, activation="sigmoid", dropout=0.25),
    configuration(depth=2, width=7, activation="sigmoid"),
]


def test_a_member_does_not_know_its_neighbours(table: engine.Table) -> None:
    members = engine.members_of(MIXED * 2, [0] * 6 + [1] * 6, range(12))
    together = engine.fit(members, table, "binary", 12, 4)
    for one in range(12):
        alone = engine.fit(members.take(np.array([one])), table, "binary", 12, 4)
        assert alone.best_epoch[0] == together.best_epoch[one]
        assert alone.epochs_run[0] == together.epochs_run[one]
        np.testing.assert_allclose(alone.answers[0], together.answers[one], atol=2e-5)
        np.testing.assert_allclose(alone.stop_loss[0], together.stop_loss[one], atol=2e-5)


@pytest.mark.parametrize("rows", [64, 65])
def test_a_fold_of_fewer_batches_does_not_know_its_neighbours(table: engine.Table, rows: int) -> None:
    """65 rows are a batch more than 64: the other fold's members must not take a step without rows meanwhile."""
    roles = np.full((100, 2), SCORE, np.int8)
    roles[:64, 0] = roles[:rows, 1] = TRAIN
    roles[70:90] = STOP
    uneven = replace(table, roles=roles)
    members = engine.members_of([configuration(dropout=0.3, l2=1e-2)] * 2, [0, 1], [1, 2])
    together = engine.fit(members, uneven, "binary", 6, 6)
    for one in range(2):
        alone = engine.fit(members.take(np.array([one])), uneven, "binary", 6, 6)
        np.testing.assert_allclose(alone.answers[0], together.answers[one], atol=2e-5)
        np.testing.assert_allclose(alone.train_loss[0], together.train_loss[one], atol=2e-5)
    halves = replace(uneven, roles=np.where(np.arange(2) == 1, SCORE, roles).astype(np.int8))
    same = engine.fit(members.take(np.array([0])), halves, "binary", 6, 6)
    # Beside 64 rows its batches are full, beside 65 there is one more.
    assert np.allclose(same.answers[0], together.answers[0], atol=2e-5) == (rows == 64)


@pytest.mark.parametrize(
    ("rows", "steps", "sizes"), [(64, 4, [16] * 4), (70, 5, [16] * 4 + [6]), (64, 5, [13] * 4 + [12])]
)
def test_every_batch_has_rows(rows: int, steps: int, sizes: list[int]) -> None:
    slots = engine.batches(rows, steps, 16)
    assert len(np.unique(slots)) == rows
    assert np.bincount(slots // 16, minlength=steps).tolist() == sizes


def test_noise_does_not_depend_on_who_else_draws(table: engine.Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawn in several parts, too: their size is the same however many members there are."""
    monkeypatch.setattr(engine, "NOISE_AT_ONCE", 32)
    members = engine.members_of([configuration(dropout=0.4)] * 4, [0] * 4, range(4))
    together = engine.fit(members, table, "binary", 6, 6)
    alone = engine.fit(members.take(np.array([1])), table, "binary", 6, 6)
    np.testing.assert_allclose(alone.answers[0], together.answers[1], atol=2e-5)


def test_the_same_fit_twice_is_the_same_to_the_bit(table: engine.Table) -> None:
    members = engine.members_of(MIXED, [0, 1] * 3, range(6))
    first, second = (engine.fit(members, table, "binary", 6, 6) for _ in range(2))
    assert first.answers.tobytes() == second.answers.tobytes()
    assert first.stop_loss.tobytes() == second.stop_loss.tobytes()


def in_lanes(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(lanes, "lanes", lambda: count)


def test_programs_side_by_side_are_the_same_to_the_bit(table: engine.Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two programs of one trace among them, and both phases of halving."""
    members = engine.members_of([*MIXED, configuration(depth=2, width=64)] * 2, [0, 1] * 7, range(14))
    halving = engine.Halving(0.25, lambda lowest: lowest < np.median(lowest))
    for how in (None, halving):
        found = []
        for count in (1, 3):
            in_lanes(monkeypatch, count)
            found.append(engine.fit(members, table, "binary", 12, 4, halving=how))
        for name in ("answers", "loss", "stop_loss", "best_epoch", "epochs_run"):
            assert getattr(found[0], name).tobytes() == getattr(found[1], name).tobytes()
        for one, other in zip(found[0].weights, found[1].weights, strict=True):
            assert {name: array.tobytes() for name, array in one.items()} == {
                name: array.tobytes() for name, array in other.items()
            }


def test_what_breaks_one_program_ends_the_others(table: engine.Table, monkeypatch: pytest.MonkeyPatch) -> None:
    in_lanes(monkeypatch, 2)
    told: list[float] = []

    def progress(share: float) -> None:
        told.append(share)
        if len(told) == 3:
            raise KeyboardInterrupt

    members = engine.members_of(MIXED, [0, 1] * 3, range(6))
    with pytest.raises(KeyboardInterrupt):
        engine.fit(members, table, "binary", 500, 500, progress)
    assert len(told) < 20  # of thousands


def test_score_and_test_rows_never_train_nor_stop(table: engine.Table) -> None:
    members = engine.members_of([configuration(depth=2, dropout=0.2)], [0], [3])
    before = engine.fit(members, table, "binary", 8, 3)
    target = table.target.copy()
    target[:, table.roles[:, 0] == SCORE] = 1 - target[:, table.roles[:, 0] == SCORE]
    inputs = table.inputs.copy()
    inputs[:, 100:] += 100
    after = engine.fit(members, engine.Table(inputs, table.codes, 0, target, table.roles, 1), "binary", 8, 3)
    assert before.answers[0, :100].tobytes() == after.answers[0, :100].tobytes()
    assert before.stop_loss.tobytes() == after.stop_loss.tobytes()


def test_stop_rows_stop_but_do_not_train(table: engine.Table) -> None:
    members = engine.members_of([configuration()], [0], [3])
    target = table.target.copy()
    target[:, table.roles[:, 0] == STOP] = 1 - target[:, table.roles[:, 0] == STOP]
    plain = engine.fit(members, table, "binary", 8, 8)
    flipped = engine.fit(members, engine.Table(table.inputs, table.codes, 0, target, table.roles, 1), "binary", 8, 8)
    np.testing.assert_array_equal(plain.train_loss, flipped.train_loss)
    assert not np.array_equal(plain.stop_loss, flipped.stop_loss)


@pytest.mark.parametrize(("l1", "l2"), [(0.0, 0.1), (0.02, 0.0), (0.01, 0.05)])
def test_training_equals_keras(table: engine.Table, l1: float, l2: float) -> None:
    """The same start, row order, loss and penalty through Keras's own layers and Adam give the same losses. The
    penalties are so strong that half or twice of one is seen."""
    penalty = keras.regularizers.L1L2(l1, l2)
    rows = np.flatnonzero(table.roles[:, 0] == TRAIN)
    config = configuration(depth=2, l1=l1, l2=l2, batch_size=20, learning_rate=0.005)
    members = engine.members_of([config], [0], [5])
    program = engine.Program(members, table, {}, engine.HEADS["binary"], 0)
    start = [weight[0] * np.float32(0.005) for weight in program._best.values()]
    generator = np.random.Generator(np.random.SFC64(5))
    for fan_in, fan_out in ((4, 8), (8, 8), (8, 1)):
        initial_kernel("glorot_uniform", generator, fan_in, fan_out)
    model = keras.Sequential(
        [keras.Input((4,))]
        + [keras.layers.Dense(8, "relu", kernel_regularizer=penalty) for _ in range(2)]
        + [keras.layers.Dense(1, kernel_regularizer=penalty)]
    )
    model.set_weights([array if number % 2 == 0 else array[0] for number, array in enumerate(start)])
    model.compile(keras.optimizers.Adam(0.005, epsilon=1e-7), keras.losses.BinaryCrossentropy(from_logits=True))
    stop_loss = []
    for _ in range(5):
        order = generator.permutation(rows)
        model.fit(table.inputs[0][order], table.target[0][order], batch_size=20, shuffle=False, verbose=0)
        stop = table.roles[:, 0] == STOP
        logits = model.predict(table.inputs[0, :100][stop], verbose=0)
        stop_loss.append(float(np.mean(engine.HEADS["binary"].loss(table.target[:1, stop], logits[None]))))
    ours = engine.fit(members, table, "binary", 5, 5)
    np.testing.assert_allclose(ours.stop_loss[0], stop_loss, rtol=5e-4)


def test_best_weights_are_kept(table: engine.Table) -> None:
    members = engine.members_of([configuration(width=32, learning_rate=0.05)], [0], [1])
    found = engine.fit(members, table, "binary", 60, 15)
    stop = table.roles[:, 0] == STOP
    assert found.best_epoch[0] == np.nanargmin(found.stop_loss[0]) + 1
    assert found.epochs_run[0] < 60
    assert found.loss[0, stop].mean() == pytest.approx(np.nanmin(found.stop_loss[0]), abs=1e-5)


def test_a_batch_larger_than_all_rows_holds_them_and_no_more(table: engine.Table) -> None:
    found = []
    for size in (512, 1 << 16):
        members = engine.members_of([configuration(batch_size=size, dropout=0.3)] * 2, [0, 1], [1, 2])
        found.append(engine.fit(members, table, "binary", 5, 5))
    assert np.array_equal(found[0].answers, found[1].answers, equal_nan=True)
    sources = engine.Sources(table)
    program = engine.Program(members, *sources.of(members, 0), engine.HEADS["binary"], 0)
    assert program._batch == -(-(table.roles == TRAIN).sum(axis=0).max() // 64) * 64


def test_a_network_can_learn_a_batch_by_heart(table: engine.Table) -> None:
    members = engine.members_of([configuration(depth=2, width=64, learning_rate=0.01)], [0], [1])
    found = engine.fit(members, table, "binary", 200, 200)
    assert np.nanmin(found.train_loss[0]) < 0.02


def test_a_diverging_member_is_told_apart_and_disturbs_nobody(table: engine.Table) -> None:
    inputs = table.inputs.copy()
    inputs[1] = np.inf
    broken = engine.Table(inputs, table.codes, 0, table.target, table.roles, 1)
    members = engine.members_of([configuration(), configuration()], [0, 1], [1, 2])
    found = engine.fit(members, broken, "binary", 5, 5)
    alone = engine.fit(members.take(np.array([0])), table, "binary", 5, 5)
    assert found.best_epoch.tolist()[1] == 0
    np.testing.assert_allclose(found.stop_loss[0], alone.stop_loss[0], atol=1e-6)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_every_task_learns(table: engine.Table, task: str) -> None:
    target = {
        "binary": table.inputs[0, :100, 0] > 0,
        "multiclass": np.digitize(table.inputs[0, :100, 0], [-0.5, 0.5]),
        "regression": table.inputs[0, :100, 0] * 2,
    }[task].astype(np.float32)
    outputs = 3 if task == "multiclass" else 1
    known = engine.Table(table.inputs, table.codes, 0, np.stack([target, target]), table.roles, outputs)
    members = engine.members_of([configuration(width=16)], [0], [1])
    found = engine.fit(members, known, task, 60, 60)
    assert found.answers.shape == (1, 130, outputs)
    assert np.nanmin(found.stop_loss[0]) < 0.5 * found.stop_loss[0, 0]


def test_learned_embedding_tells_categories_apart(table: engine.Table) -> None:
    generator = np.random.default_rng(0)
    codes = generator.integers(0, 6, (130, 1)).astype(np.int32)
    target = (codes[:100, 0] % 2).astype(np.float32)
    known = engine.Table(np.zeros((2, 130, 1), np.float32), codes, 6, np.stack([target, target]), table.roles, 1)
    found = engine.fit(engine.members_of([configuration(width=16)], [0], [1]), known, "binary", 80, 80)
    assert np.nanmin(found.stop_loss[0]) < 0.1


def test_embed_looks_up_each_members_own_table() -> None:
    tables = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    codes = np.array([[[0, 2]], [[1, 1]]])
    found = np.array(embed(codes, tables))
    np.testing.assert_array_equal(found[0, 0], np.concatenate([tables[0, 0], tables[0, 2]]))
    np.testing.assert_array_equal(found[1, 0], np.concatenate([tables[1, 1], tables[1, 1]]))


def test_dropout_rests_the_asked_share_and_keeps_the_mean() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (2, 400, 50)).astype(np.uint8)
    units = np.ones((2, 400, 50), np.float32)
    below = threshold(np.array([0.25, 0.0], np.float32)[:, None, None])
    dropped = np.array(drop(units, noise, below)) * np.array(growth(below))
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


def test_a_trace_that_is_rewritten_less_says_the_same(table: engine.Table, monkeypatch: pytest.MonkeyPatch) -> None:
    members = engine.members_of([*MIXED, configuration(feature_scale="learned")], [0, 1] * 3 + [0], range(7))
    found = []
    for small in (False, True):
        engine.trainer.cache_clear()
        monkeypatch.setattr(lanes, "small", lambda small=small: small)
        found.append(engine.fit(members, table, "binary", 6, 6))
    engine.trainer.cache_clear()
    np.testing.assert_allclose(found[0].answers, found[1].answers, atol=1e-5)
    np.testing.assert_allclose(found[0].stop_loss, found[1].stop_loss, atol=1e-5)


@pytest.mark.parametrize("inputs", [0, 10, 3000])
def test_the_more_inputs_the_fewer_members_train_together(inputs: int) -> None:
    members = engine.members_of([configuration(width=32, depth=2)] * 150, [0] * 150, range(150))
    held = list(engine.programs(members, inputs))
    np.testing.assert_array_equal(np.sort(np.concatenate(held)), np.arange(150))
    assert max(map(len, held)) == {0: 50, 10: 50, 3000: 2}[inputs]


def test_what_takes_longer_costs_more(table: engine.Table) -> None:
    one = configuration(batch_size=64)

    def cost(*configurations: dict[str, Any]) -> float:
        members = engine.members_of(configurations, [0] * len(configurations), range(len(configurations)))
        return engine.cost(members, table)

    dearer = [configuration(batch_size=64, **change) for change in ({"width": 64}, {"depth": 3, "width": 64})]
    assert cost(one) < cost(*[one] * 40) < cost(*[dearer[0]] * 40) < cost(*[dearer[1]] * 40)
    assert cost(one) < cost(configuration(batch_size=16))
    assert cost(configuration(depth=0)) < cost(configuration(depth=1))


def test_forward_equals_numpy_for_members_of_different_depth() -> None:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(2, 3, 4)).astype(np.float32)
    kernels = [generator.normal(size=s).astype(np.float32) for s in ((2, 4, 5), (1, 5, 5), (2, 5, 1))]
    biases = [generator.normal(size=s).astype(np.float32) for s in ((2, 1, 5), (1, 1, 5), (2, 1, 1))]
    logits = np.array(forward(x, kernels, biases, "tanh", np.array([5, 5])))
    first = np.tanh(x @ kernels[0] + biases[0])
    deep = np.tanh(first[:1] @ kernels[1] + biases[1])
    np.testing.assert_allclose(logits, np.concatenate([deep, first[1:]]) @ kernels[2] + biases[2], rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "variance"),
    [
        ("glorot_uniform", 2 / 300),
        ("glorot_normal", 2 / 300),
        ("he_normal", 2 / 200),
        ("he_uniform", 2 / 200),
        ("lecun_normal", 1 / 200),
        ("random_normal", 0.0025),
    ],
)
def test_initializers_have_their_variance(name: str, variance: float) -> None:
    kernel = initial_kernel(name, np.random.default_rng(0), 200, 100)
    assert kernel.var() == pytest.approx(variance, rel=0.05)


@pytest.mark.parametrize(("name", "weight"), [("zeros", 0.0), ("small_equal", 0.05), ("ones", 1.0)])
def test_equal_weights_are_all_one_number(name: str, weight: float) -> None:
    assert (initial_kernel(name, np.random.default_rng(0), 20, 10) == np.float32(weight)).all()


def test_first_waves_are_features_of_the_laplacian_kernel() -> None:
    """The mean over units of the cosine of what two rows differ by is ``exp(-frequency |x - y|_1)``, but for the one in
    five hundred weights that are cut off."""
    kernel, bias = initial_waves(0.01, np.random.default_rng(0), 5, 40_000)
    assert np.median(np.abs(kernel)) == pytest.approx(0.01, rel=0.02)
    assert np.abs(kernel).max() == pytest.approx(FASTEST)
    assert bias.shape == (40_000,) and np.abs(bias).max() <= np.pi / 4
    for apart in (np.array([20.0, 0, 0, 0, 0]), np.array([-10.0, 20.0, 5.0, 0.0, 15.0]), np.full(5, 12.3)):
        kernel_of_rows = np.cos(apart @ kernel).mean()
        assert kernel_of_rows == pytest.approx(np.exp(-0.01 * np.abs(apart).sum()), abs=0.02)


def test_a_network_of_sines_begins_with_waves_only_where_it_has_a_frequency(table: engine.Table) -> None:
    one = configuration(activation="sine", learning_rate=1e-9)
    settings = [one, {**one, "frequency": 0.5}, configuration(learning_rate=1e-9, frequency=0.5)]
    found = engine.fit(engine.members_of(settings, [0] * 3, [5] * 3), table, "binary", 1, 1)
    first = {int(m): w["kernel_0"][i] for w in found.weights for i, m in enumerate(w["members"])}
    generator = np.random.Generator(np.random.SFC64(5))
    drawn = initial_kernel("glorot_uniform", generator, *first[0].shape)
    np.testing.assert_allclose(first[0], drawn, atol=1e-5)
    np.testing.assert_allclose(first[2], drawn, atol=1e-5)
    waves, _ = initial_waves(0.5, np.random.Generator(np.random.SFC64(5)), *first[1].shape)
    np.testing.assert_allclose(first[1], waves, atol=1e-5)


def embedded(table: engine.Table) -> engine.Table:
    """The table with a column of six codes beside its four numbers."""
    codes = np.random.default_rng(2).integers(0, 6, (130, 1)).astype(np.int32)
    return engine.Table(table.inputs, codes, 6, table.target, table.roles, 1)


REALMLP = {"family": "realmlp", "schedule": "coslog4", "weight_decay": 0.02}


@pytest.mark.parametrize(("depth", "family"), [(0, {}), (2, {}), (0, REALMLP), (2, REALMLP)])
def test_a_mask_of_columns_is_a_table_without_them(table: engine.Table, depth: int, family: dict[str, Any]) -> None:
    """The same seeds in the narrower table give the same network: start, training and answers."""
    seen = np.array([True, False, True, False])
    narrow = engine.Table(table.inputs[..., seen], table.codes, 0, table.target, table.roles, 1)
    plain = [configuration(depth=depth, width=6, dropout=0.2, l2=1e-3, **family)]
    chosen = engine.members_of([{**plain[0], "columns": seen}], [0], [3])
    found = engine.fit(chosen, table, "binary", 8, 8)
    expected = engine.fit(engine.members_of(plain, [0], [3]), narrow, "binary", 8, 8)
    np.testing.assert_allclose(found.stop_loss, expected.stop_loss, atol=1e-5)
    np.testing.assert_allclose(found.answers, expected.answers, atol=1e-5)
    first = found.weights[0]["kernel_0"][0]
    assert not first[~seen].any() and first[seen].any()


def test_a_masked_embedding_neither_answers_nor_learns(table: engine.Table) -> None:
    known = embedded(table)
    chosen = engine.members_of([configuration(columns=[True] * 4 + [False])], [0], [3])
    found = engine.fit(chosen, known, "binary", 5, 5)
    others = engine.Table(known.inputs, known.codes[::-1].copy(), 6, known.target, known.roles, 1)
    assert found.answers.tobytes() == engine.fit(chosen, others, "binary", 5, 5).answers.tobytes()
    start = engine.Program(chosen, known, {}, engine.HEADS["binary"], 0).best_weights()["embedding"]
    np.testing.assert_array_equal(found.weights[0]["embedding"], start)


def test_members_with_columns_of_their_own_do_not_know_each_other(table: engine.Table) -> None:
    known = embedded(table)
    choices = [np.array([number >> bit & 1 for bit in range(5)], bool) for number in (1, 18, 31, 14, 16, 23)]
    configurations = [{**one, "columns": columns} for one, columns in zip(MIXED, choices, strict=True)]
    members = engine.members_of(configurations, [0, 1] * 3, range(6))
    together = engine.fit(members, known, "binary", 6, 6)
    for one in range(6):
        alone = engine.fit(members.take(np.array([one])), known, "binary", 6, 6)
        np.testing.assert_allclose(alone.answers[0], together.answers[one], atol=2e-5)


def test_where_all_columns_are_seen_nothing_changes(table: engine.Table) -> None:
    plain = engine.members_of(MIXED, [0, 1] * 3, range(6))
    every = engine.members_of([{**one, "columns": [True] * 4} for one in MIXED], [0, 1] * 3, range(6))
    assert every.columns.shape == (6, 0)
    found, expected = (engine.fit(each, table, "binary", 3, 3) for each in (every, plain))
    assert found.answers.tobytes() == expected.answers.tobytes()


def test_narrow_networks_are_not_padded_where_a_layer_is_normalised() -> None:
    """The sums over a layer would give its spare units a gradient."""
    members = engine.members_of([configuration(width=w, normalization="layer") for w in (8, 5, 8)], [0] * 3, range(3))
    assert [part.tolist() for part in engine.programs(members)] == [[1], [0, 2]]


def test_a_network_without_columns_is_refused() -> None:
    with pytest.raises(ValueError, match="without columns"):
        engine.members_of([configuration(columns=[False, False])], [0], [1])


def test_a_member_reads_its_scaled_copy(table: engine.Table) -> None:
    copies = engine.Table(
        np.concatenate([table.inputs * 3, table.inputs]), table.codes, 0, table.target, table.roles, 1
    )
    members = engine.members_of([configuration(scaling=1), configuration(scaling=1)], [0, 1], [1, 2])
    found = engine.fit(members, copies, "binary", 4, 4)
    expected = engine.fit(engine.members_of([configuration()] * 2, [0, 1], [1, 2]), table, "binary", 4, 4)
    np.testing.assert_array_equal(found.answers, expected.answers)


def test_halving_ends_some_members_and_leaves_the_others_as_they_were(table: engine.Table) -> None:
    """Two programs share one trace here (alike but far apart in width), and others have traces of their own."""
    settings = [
        configuration(depth=2, dropout=0.2),
        configuration(depth=2, width=64),
        configuration(depth=2, width=64, learning_rate=0.05),
        configuration(depth=2, dropout=0.3, learning_rate=0.001),
        configuration(activation="selu", snapshots=3),
        configuration(activation="selu", epochs=20, schedule="cosine"),
    ]
    members = engine.members_of(settings, [0, 1] * 3, range(6))
    asked: list[np.ndarray] = []

    def keep(lowest: np.ndarray) -> np.ndarray:
        asked.append(lowest.copy())
        return np.array([True, False, True, False, True, True])

    whole = engine.fit(members, table, "binary", 12, 12)
    halved = engine.fit(members, table, "binary", 12, 12, halving=engine.Halving(0.25, keep))
    assert halved.epochs_run.tolist() == [12, 3, 12, 3, 12, 20]
    assert halved.kept.tolist() == [True, False, True, False, True, True] and whole.kept.all()
    (seen,) = asked
    np.testing.assert_allclose(seen, np.nanmin(whole.stop_loss[:, :3], axis=1)[:5].tolist() + [seen[5]], atol=1e-5)
    for one in (0, 2, 4, 5):
        np.testing.assert_allclose(halved.answers[one], whole.answers[one], atol=2e-5)
    again = engine.fit(members, table, "binary", 12, 12, halving=engine.Halving(0.25, keep))
    assert again.answers.tobytes() == halved.answers.tobytes()
    assert np.isnan(halved.stop_loss[1, 3:]).all() and halved.best_epoch[1] <= 3


def test_a_member_that_stops_before_the_rung_has_its_say_too(table: engine.Table) -> None:
    members = engine.members_of([configuration(learning_rate=5.0, width=64), configuration()], [0, 0], [1, 2])
    found = engine.fit(members, table, "binary", 40, 2, halving=engine.Halving(0.9, lambda lowest: lowest < np.inf))
    assert found.epochs_run[0] < 36 and np.isfinite(found.stop_loss[0, 0])
