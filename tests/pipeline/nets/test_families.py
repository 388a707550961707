"""TabM, RealMLP and the options of all families: against the same by other means, alone and together."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from features.roles import SCORE, STOP, TRAIN
from pipeline.nets import fit as engine
from pipeline.nets.heads import HEADS
from pipeline.nets.members import members_of, programs
from pipeline.nets.program import Program
from pipeline.nets.table import Table
from pipeline.nets.trainer import trainer
from tests.pipeline.nets import networks

OPTIONS: dict[str, dict[str, Any]] = {
    "feature scale": {"feature_scale": "learned"},
    "bins": {"numbers": "piecewise_linear", "number_bins": 5},
    "bins, embedded": {"numbers": "piecewise_linear", "number_bins": 5, "number_units": 3},
    "periodic": {"numbers": "periodic", "number_frequency": 0.5},
    "tabm": {"family": "tabm", "copies": 3},
    "tabm, bins": {"family": "tabm", "copies": 3, "numbers": "piecewise_linear", "number_bins": 5, "number_units": 3},
    "waves": {"family": "waves", "activation": "sine", "frequency": 0.3},
    "realmlp": {
        "family": "realmlp",
        "numbers": "periodic",
        "schedule": "coslog4",
        "weight_decay": 0.02,
        "label_smoothing": 0.1,
        "beta_2": 0.95,
    },
}


configuration = functools.partial(networks.configuration, l2=1e-3, initializer="glorot_uniform", activation="selu")


def table(task: str = "binary", codes: bool = True) -> Table:
    generator = np.random.default_rng(7)
    inputs = generator.normal(size=(2, 130, 4)).astype(np.float32)
    inputs[..., 3] = inputs[..., 3] > 0
    score = inputs[0, :100, 0] + inputs[0, :100, 1] * inputs[0, :100, 2]
    target = (score > 0) if task == "binary" else np.digitize(score, [-0.7, 0.7]) if task == "multiclass" else score
    roles = np.zeros((100, 2), np.int8)
    roles[60:80, 0], roles[80:, 0], roles[:20, 1], roles[20:40, 1] = 1, 2, 1, 2
    outputs = 3 if task == "multiclass" else 1
    drawn = generator.integers(0, 4, (130, int(codes))).astype(np.int32)
    return Table(inputs, drawn, 4, np.stack([target, target]).astype(np.float32), roles, outputs)


@pytest.mark.parametrize("numbers", ["piecewise_linear", "periodic"])
def test_a_table_without_numbers_has_none_to_embed(numbers: str) -> None:
    """Columns of 0 and 1 stay as they are, so the network is the plain one."""
    known = table()
    flags = dataclasses.replace(known, inputs=(known.inputs > 0).astype(np.float32))
    plain, embedding = ([configuration(**options)] for options in ({}, {"numbers": numbers, "number_units": 3}))
    expected, found = (engine.fit(members_of(one, [0], [3]), flags, "binary", 4, 4) for one in (plain, embedding))
    assert found.answers.tobytes() == expected.answers.tobytes()


def test_one_periodic_unit_is_the_number_itself() -> None:
    members = members_of([configuration(numbers="periodic", number_units=1), configuration()], [0, 0], [1, 1])
    assert len(list(programs(members))) == 1


@pytest.mark.parametrize("name", OPTIONS)
def test_a_member_does_not_know_its_neighbours(name: str) -> None:
    """Nor do they repeat themselves less than to the bit."""
    known = table()
    shapes = [{}, {"depth": 3, "width": 5}, {"depth": 1, "dropout": 0.0}, {"depth": 2, "width": 11, "l2": 0.0}]
    settings = [configuration(**shape, **OPTIONS[name]) for shape in shapes]
    members = members_of([*settings, configuration()], [0, 1, 0, 1, 0], range(5))
    together = engine.fit(members, known, "binary", 8, 3)
    again = engine.fit(members, known, "binary", 8, 3)
    assert together.answers.tobytes() == again.answers.tobytes()
    for one in range(5):
        alone = engine.fit(members.take(np.array([one])), known, "binary", 8, 3)
        assert alone.epochs_run[0] == together.epochs_run[one]
        np.testing.assert_allclose(alone.answers[0], together.answers[one], atol=5e-5)


TOGETHER: dict[str, tuple[str, bool, dict[str, Any]]] = {
    "plain": ("binary", False, {}),
    "embedding": ("multiclass", True, {"activation": "sigmoid", "family": "waves"}),
    "scale": ("regression", False, {"feature_scale": "learned", "huber": 0.5}),
    "scale, embedding": ("multiclass", True, {"feature_scale": "learned", "numbers": "piecewise_linear"}),
    "layer normalisation": ("binary", True, {"normalization": "layer", "width": 8, "snapshots": 2}),
    "tabm": ("multiclass", False, {**OPTIONS["tabm"], "feature_scale": "learned"}),
    "tabm, bins": ("regression", True, {**OPTIONS["tabm, bins"], "huber": 0.5}),
    "realmlp": ("binary", False, {**OPTIONS["realmlp"], "numbers": "plain"}),
    "realmlp, periodic": ("multiclass", True, OPTIONS["realmlp"]),
}


@pytest.mark.parametrize("name", TOGETHER)
def test_options_together_train_as_by_tensorflows_own_gradients_and_as_alone(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Networks of several depths and widths with all that holds them back at once, one of which sees few columns."""
    task, codes, options = TOGETHER[name]
    known, own = table(task, codes), {"l1": 1e-3, "weight_decay": 0.1, "label_smoothing": 0.1, "batch_size": 32}
    few = np.arange(4 + codes) % 3 > 0
    shapes = [{"depth": 3, "columns": few}, {"depth": 2, "width": 5}, {"depth": 1, "dropout": 0.0}]
    configurations = [configuration(**{**own, **shape, **options}) for shape in shapes]
    members = members_of(configurations, [0, 1, 0], range(3))
    ours = engine.fit(members, known, task, 5, 5)
    alone = engine.fit(members.take(np.array([0])), known, task, 5, 5)
    np.testing.assert_allclose(alone.answers[0], ours.answers[0], atol=2e-5)
    with monkeypatch.context() as patched:
        patched.setattr(keras.ops, "custom_gradient", lambda function: lambda *given: function(*given)[0])
        trainer.cache_clear()
        theirs = engine.fit(members, known, task, 5, 5)
    trainer.cache_clear()
    np.testing.assert_allclose(ours.train_loss, theirs.train_loss, rtol=1e-4)
    np.testing.assert_allclose(ours.stop_loss, theirs.stop_loss, rtol=1e-4)


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_every_option_learns(name: str, task: str) -> None:
    config = configuration(width=16, dropout=0.0, l2=0.0, learning_rate=0.02, **OPTIONS[name])
    found = engine.fit(members_of([config], [0], [1]), table(task), task, 40, 40)
    assert np.nanmin(found.train_loss[0]) < 0.6 * found.train_loss[0, 0]


@pytest.mark.parametrize("name", OPTIONS)
def test_score_and_test_rows_change_nothing(name: str) -> None:
    """Bins included: they come from train rows."""
    before = table()
    inputs, target = before.inputs.copy(), before.target.copy()
    score = before.roles[:, 0] == SCORE
    target[:, score] = 1 - target[:, score]
    inputs[0, :100][score] *= 50
    inputs[:, 100:] += 100
    after = Table(inputs, before.codes, 4, target, before.roles, 1)
    members = members_of([configuration(**OPTIONS[name])], [0], [3])
    losses = [engine.fit(members, one, "binary", 5, 5) for one in (before, after)]
    assert losses[0].stop_loss.tobytes() == losses[1].stop_loss.tobytes()
    assert losses[0].train_loss.tobytes() == losses[1].train_loss.tobytes()


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_tabm_is_its_copies_one_by_one(task: str) -> None:
    """Each copy worked out alone in NumPy; the answer is the mean of theirs, the loss in training that of theirs."""
    known = table(task, codes=False)
    config = configuration(dropout=0.0, batch_size=100, **OPTIONS["tabm"])
    members = members_of([config], [0], [1])
    found = engine.fit(members, known, task, 3, 3)

    def copies(weights: dict[str, np.ndarray]) -> np.ndarray:
        said = []
        for copy in range(3):
            units = known.inputs[0] * weights["adapter"][0, copy]
            for layer in range(2):
                units = units @ weights[f"kernel_{layer}"][0] + weights[f"bias_{layer}"][0]
                units = 1.05070098 * np.where(units > 0, units, 1.67326324 * np.expm1(np.minimum(units, 0)))
            said.append(units @ weights["kernel_2"][0, copy * 8 : copy * 8 + 8] + weights["bias_2"][0, copy])
        return np.stack(said).astype(np.float64)  # [k, n, c]

    def answer(logits: np.ndarray) -> np.ndarray:
        if task == "binary":
            return 1 / (1 + np.exp(-logits))
        grown = np.exp(logits)
        return grown / grown.sum(axis=-1, keepdims=True) if task == "multiclass" else logits

    def losses(answers: np.ndarray) -> np.ndarray:
        y = known.target[0]
        if task == "regression":
            return (answers[..., :100, 0] - y) ** 2
        if task == "binary":
            return -np.log(np.where(y > 0, answers[..., :100, 0], 1 - answers[..., :100, 0]))
        return -np.log(answers[..., np.arange(100), y.astype(int)])

    trained = answer(copies(found.weights[0]))
    np.testing.assert_allclose(found.answers[0], trained.mean(axis=0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.loss[0], losses(trained.mean(axis=0)), rtol=1e-3, atol=1e-4)
    # The first epoch is one step here, so its loss is that of the first weights.
    program = Program(members, known, {}, HEADS[task], 0)
    train = known.roles[:, 0] == TRAIN
    expected = losses(answer(copies(program.best_weights())))[:, train].mean()
    assert found.train_loss[0, 0] == pytest.approx(expected, rel=1e-4)


def test_copies_share_the_loss_and_their_outputs_the_penalty() -> None:
    """TabM's steps written out with TensorFlow's gradients: mean loss of the copies, L2 of the shared layers whole, of
    each output for its share."""
    known, epochs = table(codes=False), 4
    config = configuration(depth=1, dropout=0.0, l2=0.1, batch_size=100, family="tabm", copies=3, activation="tanh")
    members = members_of([config], [0], [1])
    start = Program(members, known, {}, HEADS["binary"], 0).best_weights()
    names = ("adapter", "kernel_0", "bias_0", "kernel_1", "bias_1")
    w = {name: tf.Variable(start[name][0].astype(np.float32)) for name in names}
    moments = {name: [np.zeros(value.shape), np.zeros(value.shape)] for name, value in w.items()}
    train, stop = (np.flatnonzero(known.roles[:, 0] == role) for role in (TRAIN, STOP))

    def logits(rows: np.ndarray, copy: int) -> tf.Tensor:
        units = tf.tanh((known.inputs[0][rows] * w["adapter"][copy]) @ w["kernel_0"] + w["bias_0"])
        return (units @ w["kernel_1"][copy * 8 : copy * 8 + 8] + w["bias_1"][copy])[:, 0]

    stop_loss = []
    for step in range(1, epochs + 1):
        with tf.GradientTape() as tape:
            loss = 0.1 * (tf.reduce_sum(w["kernel_0"] ** 2) + tf.reduce_sum(w["kernel_1"] ** 2) / 3)
            for copy in range(3):
                each = tf.nn.sigmoid_cross_entropy_with_logits(known.target[0][train], logits(train, copy))
                loss += tf.reduce_mean(each) / 3
        for (name, variable), gradient in zip(w.items(), tape.gradient(loss, list(w.values())), strict=True):
            mean, square = moments[name]
            mean += 0.1 * (gradient.numpy() - mean)
            square += 0.001 * (gradient.numpy() ** 2 - square)
            variable.assign_sub(0.01 * mean / (1 - 0.9**step) / (np.sqrt(square / (1 - 0.999**step)) + 1e-12))
        answer = np.mean([tf.sigmoid(logits(stop, copy)).numpy() for copy in range(3)], axis=0)
        stop_loss.append(-np.mean(np.log(np.where(known.target[0][stop] > 0, answer, 1 - answer))))
    found = engine.fit(members, known, "binary", epochs, epochs)
    np.testing.assert_allclose(found.stop_loss[0], stop_loss, rtol=1e-3)


def test_copies_begin_with_random_signs_and_with_one_number_a_column_where_it_is_embedded() -> None:
    adapters = []
    for changes in ({}, {"numbers": "piecewise_linear", "number_bins": 5, "number_units": 3}):
        config = configuration(family="tabm", copies=64, **changes)
        members = members_of([config], [0], [1])
        source, arrays = engine.Sources(table(codes=False)).of(members, 0)
        adapters.append(Program(members, source, arrays, HEADS["binary"], 0).best_weights()["adapter"][0])
    signs, normal = adapters
    np.testing.assert_allclose(np.abs(signs), 1, rtol=1e-6)
    assert abs(signs.mean()) < 0.3
    assert normal.shape == (64, 1 + 3 * 3)
    np.testing.assert_array_equal(normal[:, 1], normal[:, 3])
    assert normal.std() == pytest.approx(1, abs=0.2) and len(np.unique(normal[0])) == 4


def test_realmlps_dropout_ends_with_its_training(table: Table) -> None:
    """Of one step in all, which is the last, it drops nothing."""
    settings = [
        networks.bare_configuration(family=family, dropout=rate, width=32, batch_size=64)
        for family in ("realmlp", "plain")
        for rate in (0.0, 0.5)
    ]
    loss = engine.fit(members_of(settings, [0] * 4, [1] * 4), table, "binary", 1, 1).train_loss[:, 0]
    assert loss[0] == pytest.approx(loss[1], abs=1e-6) and abs(loss[2] - loss[3]) > 1e-3


def test_realmlp_trains_as_its_own_parametrisation_does() -> None:
    """``x w / sqrt(inputs)`` with ``w`` of variance 1, learned slopes and scale, each group at its own rate, decay on
    ``w``: written out with TensorFlow's gradients."""
    known, epochs = table(codes=False), 4
    config = configuration(
        family="realmlp",
        dropout=0.0,
        l2=0.0,
        batch_size=100,
        weight_decay=0.5,
        label_smoothing=0.1,
        beta_2=0.95,
        schedule="coslog4",
        initializer="lecun_normal",
        activation="mish",
        learning_rate=0.05,
    )
    members = members_of([config], [0], [1])
    start = Program(members, known, {}, HEADS["binary"], 0).best_weights()
    sizes = (4, 8, 8)
    w = {f"w{layer}": start[f"kernel_{layer}"][0] * np.sqrt(sizes[layer]) for layer in range(3)}
    w |= {f"b{layer}": start[f"bias_{layer}"][0] for layer in range(2)} | {"b2": start["bias_2"][0]}
    w |= {f"a{layer}": np.ones(8, np.float32) for layer in range(2)} | {"s": np.ones(4, np.float32)}
    w = {name: tf.Variable(value.astype(np.float32)) for name, value in w.items()}
    rates = {"w": 0.05, "b": 0.005, "a": 0.005, "s": 0.3}
    moments = {name: [np.zeros(value.shape), np.zeros(value.shape)] for name, value in w.items()}
    train, stop = (np.flatnonzero(known.roles[:, 0] == role) for role in (TRAIN, STOP))

    def logits(rows: np.ndarray) -> tf.Tensor:
        units = known.inputs[0][rows] * w["s"]
        for layer in range(3):
            units = units @ w[f"w{layer}"] / np.sqrt(sizes[layer]).astype(np.float32) + w[f"b{layer}"]
            if layer < 2:
                units = (1 - w[f"a{layer}"]) * units + w[f"a{layer}"] * keras.activations.mish(units)
        return units[:, 0]

    stop_loss = []
    for step in range(1, epochs + 1):
        with tf.GradientTape() as tape:
            labels = 0.9 * known.target[0][train] + 0.05
            loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels, logits(train)))
        factor = np.sin(np.pi * np.log2(1 + 15 * step / epochs)) ** 2
        held = 1.0 if step / epochs < 0.5 else np.cos(np.pi * (step / epochs - 0.5)) ** 2
        for (name, variable), gradient in zip(w.items(), tape.gradient(loss, list(w.values())), strict=True):
            rate, (mean, square) = factor * rates[name[0]], moments[name]
            mean += 0.1 * (gradient.numpy() - mean)
            square += 0.05 * (gradient.numpy() ** 2 - square)
            value = variable.numpy() * (1 - rate * 0.5 * held if name[0] == "w" else 1)
            adam = mean / (1 - 0.9**step) / (np.sqrt(square / (1 - 0.95**step)) + 1e-12)
            variable.assign(value - rate * adam)
        each = tf.nn.sigmoid_cross_entropy_with_logits(known.target[0][stop], logits(stop))
        stop_loss.append(float(tf.reduce_mean(each)))
    found = engine.fit(members, known, "binary", epochs, epochs)
    np.testing.assert_allclose(found.stop_loss[0], stop_loss, rtol=1e-3)


def test_what_learns_slowly_decays_slowly() -> None:
    """Decay is a share of a weight's own learning rate (Loshchilov and Hutter, 2019)."""
    config = configuration(family="realmlp", weight_decay=0.5, numbers="periodic", number_units=4)
    members, sources = members_of([config], [0], [1]), engine.Sources(table(codes=False))
    program = Program(members, *sources.of(members, 0), HEADS["binary"], 0)
    found = program._multipliers(np.arange(1))
    assert found["decay_kernel_0"].item() == pytest.approx(0.5 * config["learning_rate"])
    assert found["decay_numbers_mix"].item() == pytest.approx(0.5 * found["unit_numbers_mix"].item())


def test_a_plain_network_is_compiled_without_what_others_need() -> None:
    members = members_of([configuration(), configuration(number_bins=99, copies=9)], [0, 0], [1, 1])
    assert len(list(programs(members))) == 1
    weights = engine.fit(members, table(), "binary", 1, 1).weights[0]
    assert not [name for name in weights if name.startswith(("numbers_", "front_", "slope_", "adapter", "bins_"))]


def test_copies_may_have_no_hidden_layer() -> None:
    """Each is a linear model behind its own scales, and they answer with their mean."""
    known = table(codes=False)
    found = engine.fit(members_of([configuration(depth=0, **OPTIONS["tabm"])], [0], [1]), known, "binary", 3, 3)
    weights = {name: array[0] for name, array in found.weights[0].items() if name != "members"}
    logits = (known.inputs[0] * weights["adapter"][:, None]) @ weights["kernel_0"].reshape(3, 4, 1)
    said = 1 / (1 + np.exp(-logits - weights["bias_0"][:, None]))
    np.testing.assert_allclose(found.answers[0], said.mean(axis=0), atol=1e-6)


def test_adapters_of_copies_learn_behind_a_learned_scale() -> None:
    one = configuration(family="tabm", copies=3, feature_scale="learned")
    members = members_of([one], [0], [1])
    plain = table(codes=False)
    first, later = (engine.fit(members, plain, "binary", epochs, epochs).weights[0]["adapter"] for epochs in (1, 5))
    assert np.abs(later - first).max() > 1e-3
