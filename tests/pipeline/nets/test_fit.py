"""The member engine: independence of members, equality with one network at a time, roles, early stopping, dropout,
L2."""

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest

from features.roles import SCORE, STOP, TRAIN
from pipeline.nets import fit as engine
from pipeline.nets import lanes
from pipeline.nets.heads import HEADS
from pipeline.nets.initializers import initial_kernel, initial_waves
from pipeline.nets.members import members_of
from pipeline.nets.program import Program
from pipeline.nets.table import Table
from pipeline.nets.trainer import trainer
from tests.pipeline.nets.networks import bare_configuration

MIXED = [
    bare_configuration(depth=3, width=4, dropout=0.3, l2=1e-3, activation="selu"),
    bare_configuration(depth=1, width=16, dropout=0.2, learning_rate=0.003),
    bare_configuration(depth=2, width=8, dropout=0.5, initializer="he_normal"),
    bare_configuration(depth=2, width=5, batch_size=32, l2=1e-2),
    bare_configuration(depth=1, width=3, activation="sigmoid", dropout=0.25),
    bare_configuration(depth=2, width=7, activation="sigmoid"),
]


def test_a_member_does_not_know_its_neighbours(table: Table) -> None:
    members = members_of(MIXED * 2, [0] * 6 + [1] * 6, range(12))
    together = engine.fit(members, table, "binary", 12, 4)
    for one in range(12):
        alone = engine.fit(members.take(np.array([one])), table, "binary", 12, 4)
        assert alone.best_epoch[0] == together.best_epoch[one]
        assert alone.epochs_run[0] == together.epochs_run[one]
        np.testing.assert_allclose(alone.answers[0], together.answers[one], atol=2e-5)
        np.testing.assert_allclose(alone.stop_loss[0], together.stop_loss[one], atol=2e-5)


@pytest.mark.parametrize("rows", [64, 65])
def test_a_fold_of_fewer_batches_does_not_know_its_neighbours(table: Table, rows: int) -> None:
    """65 rows are a batch more than 64: the other fold's members must not take a step without rows meanwhile."""
    roles = np.full((100, 2), SCORE, np.int8)
    roles[:64, 0] = roles[:rows, 1] = TRAIN
    roles[70:90] = STOP
    uneven = replace(table, roles=roles)
    members = members_of([bare_configuration(dropout=0.3, l2=1e-2)] * 2, [0, 1], [1, 2])
    together = engine.fit(members, uneven, "binary", 6, 6)
    for one in range(2):
        alone = engine.fit(members.take(np.array([one])), uneven, "binary", 6, 6)
        np.testing.assert_allclose(alone.answers[0], together.answers[one], atol=2e-5)
        np.testing.assert_allclose(alone.train_loss[0], together.train_loss[one], atol=2e-5)
    halves = replace(uneven, roles=np.where(np.arange(2) == 1, SCORE, roles).astype(np.int8))
    same = engine.fit(members.take(np.array([0])), halves, "binary", 6, 6)
    # Beside 64 rows its batches are full, beside 65 there is one more.
    assert np.allclose(same.answers[0], together.answers[0], atol=2e-5) == (rows == 64)


def test_the_same_fit_twice_is_the_same_to_the_bit(table: Table) -> None:
    members = members_of(MIXED, [0, 1] * 3, range(6))
    first, second = (engine.fit(members, table, "binary", 6, 6) for _ in range(2))
    assert first.answers.tobytes() == second.answers.tobytes()
    assert first.stop_loss.tobytes() == second.stop_loss.tobytes()


def in_lanes(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(lanes, "lanes", lambda: count)


def test_programs_side_by_side_are_the_same_to_the_bit(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two programs of one trace among them, and both phases of halving."""
    members = members_of([*MIXED, bare_configuration(depth=2, width=64)] * 2, [0, 1] * 7, range(14))
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


def test_what_breaks_one_program_ends_the_others(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    in_lanes(monkeypatch, 2)
    told: list[float] = []

    def progress(share: float) -> None:
        told.append(share)
        if len(told) == 3:
            raise KeyboardInterrupt

    members = members_of(MIXED, [0, 1] * 3, range(6))
    with pytest.raises(KeyboardInterrupt):
        engine.fit(members, table, "binary", 500, 500, progress)
    assert len(told) == 3  # of 3,000


def test_score_and_test_rows_never_train_nor_stop(table: Table) -> None:
    members = members_of([bare_configuration(depth=2, dropout=0.2)], [0], [3])
    before = engine.fit(members, table, "binary", 8, 3)
    target = table.target.copy()
    target[:, table.roles[:, 0] == SCORE] = 1 - target[:, table.roles[:, 0] == SCORE]
    inputs = table.inputs.copy()
    inputs[:, 100:] += 100
    after = engine.fit(members, Table(inputs, table.codes, 0, target, table.roles, 1), "binary", 8, 3)
    assert before.answers[0, :100].tobytes() == after.answers[0, :100].tobytes()
    assert before.stop_loss.tobytes() == after.stop_loss.tobytes()


def test_a_score_row_has_no_say_however_large_its_numbers_are(table: Table) -> None:
    """Not even the first one where a batch or a block of stop rows is short: 0 times an infinite loss is no number."""
    inputs, roles = np.repeat(table.inputs[:1, :100], 2, axis=0), np.full((100, 2), SCORE, np.int8)
    roles[10:73, 0] = roles[10:75, 1] = TRAIN
    roles[75:80, 0] = roles[75:97, 1] = STOP
    members = members_of([bare_configuration(depth=2)] * 2, [0, 1], [1, 2])
    found = []
    for number in (1.0, 1e25, 3e38):
        inputs[:, 0] = number
        found.append(engine.fit(members, replace(table, inputs=inputs.copy(), roles=roles), "regression", 6, 6))
    for other in found[1:]:
        assert other.stop_loss.tobytes() == found[0].stop_loss.tobytes()
        assert other.answers[:, 1:].tobytes() == found[0].answers[:, 1:].tobytes()


def test_stop_rows_stop_but_do_not_train(table: Table) -> None:
    members = members_of([bare_configuration()], [0], [3])
    target = table.target.copy()
    target[:, table.roles[:, 0] == STOP] = 1 - target[:, table.roles[:, 0] == STOP]
    plain = engine.fit(members, table, "binary", 8, 8)
    flipped = engine.fit(members, Table(table.inputs, table.codes, 0, target, table.roles, 1), "binary", 8, 8)
    np.testing.assert_array_equal(plain.train_loss, flipped.train_loss)
    assert not np.array_equal(plain.stop_loss, flipped.stop_loss)


@pytest.mark.parametrize(("l1", "l2"), [(0.0, 0.1), (0.02, 0.0), (0.01, 0.05)])
def test_training_equals_keras(table: Table, l1: float, l2: float) -> None:
    """The same start, row order, loss and penalty through Keras's own layers and Adam give the same losses. The
    penalties are so strong that half or twice of one is seen."""
    penalty = keras.regularizers.L1L2(l1, l2)
    rows = np.flatnonzero(table.roles[:, 0] == TRAIN)
    config = bare_configuration(depth=2, l1=l1, l2=l2, batch_size=20, learning_rate=0.005)
    members = members_of([config], [0], [5])
    program = Program(members, table, {}, HEADS["binary"], 0)
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
        stop_loss.append(float(np.mean(HEADS["binary"].loss(table.target[:1, stop], logits[None]))))
    ours = engine.fit(members, table, "binary", 5, 5)
    np.testing.assert_allclose(ours.stop_loss[0], stop_loss, rtol=5e-4)


@pytest.mark.parametrize("fold", [0, 1])
def test_best_weights_are_kept(table: Table, fold: int) -> None:
    """By all stop rows; those of fold 1 begin with the very first row."""
    members = members_of([bare_configuration(width=32, learning_rate=0.05)], [fold], [1])
    found = engine.fit(members, table, "binary", 60, 15)
    stop = table.roles[:, fold] == STOP
    assert found.best_epoch[0] == np.nanargmin(found.stop_loss[0]) + 1
    assert found.epochs_run[0] == found.best_epoch[0] + 15 < 60
    assert found.loss[0, stop].mean() == pytest.approx(np.nanmin(found.stop_loss[0]), abs=1e-5)


def test_a_network_can_learn_a_batch_by_heart(table: Table) -> None:
    members = members_of([bare_configuration(depth=2, width=64, learning_rate=0.01)], [0], [1])
    found = engine.fit(members, table, "binary", 200, 200)
    assert np.nanmin(found.train_loss[0]) < 0.02


def test_a_diverging_member_is_told_apart_and_disturbs_nobody(table: Table) -> None:
    inputs = table.inputs.copy()
    inputs[1] = np.inf
    broken = Table(inputs, table.codes, 0, table.target, table.roles, 1)
    members = members_of([bare_configuration(), bare_configuration()], [0, 1], [1, 2])
    found = engine.fit(members, broken, "binary", 5, 5)
    alone = engine.fit(members.take(np.array([0])), table, "binary", 5, 5)
    assert found.best_epoch.tolist()[1] == 0
    np.testing.assert_allclose(found.stop_loss[0], alone.stop_loss[0], atol=1e-6)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_every_task_learns(table: Table, task: str) -> None:
    target = {
        "binary": table.inputs[0, :100, 0] > 0,
        "multiclass": np.digitize(table.inputs[0, :100, 0], [-0.5, 0.5]),
        "regression": table.inputs[0, :100, 0] * 2,
    }[task].astype(np.float32)
    outputs = 3 if task == "multiclass" else 1
    known = Table(table.inputs, table.codes, 0, np.stack([target, target]), table.roles, outputs)
    members = members_of([bare_configuration(width=16)], [0], [1])
    found = engine.fit(members, known, task, 60, 60)
    assert found.answers.shape == (1, 130, outputs)
    assert np.nanmin(found.stop_loss[0]) < 0.5 * found.stop_loss[0, 0]


@pytest.mark.parametrize("width", [1, 0])
def test_learned_embedding_tells_categories_apart(table: Table, width: int) -> None:
    generator = np.random.default_rng(0)
    codes = generator.integers(0, 6, (130, 1)).astype(np.int32)
    target = (codes[:100, 0] % 2).astype(np.float32)
    known = Table(np.zeros((2, 130, width), np.float32), codes, 6, np.stack([target, target]), table.roles, 1)
    found = engine.fit(members_of([bare_configuration(width=16)], [0], [1]), known, "binary", 80, 80)
    assert np.nanmin(found.stop_loss[0]) < 0.1


def test_a_trace_that_is_rewritten_less_says_the_same(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    members = members_of([*MIXED, bare_configuration(feature_scale="learned")], [0, 1] * 3 + [0], range(7))
    found = []
    for small in (False, True):
        trainer.cache_clear()
        monkeypatch.setattr(lanes, "small", lambda small=small: small)
        found.append(engine.fit(members, table, "binary", 6, 6))
    trainer.cache_clear()
    np.testing.assert_allclose(found[0].answers, found[1].answers, atol=1e-5)
    np.testing.assert_allclose(found[0].stop_loss, found[1].stop_loss, atol=1e-5)


def test_what_takes_longer_costs_more(table: Table) -> None:
    one = bare_configuration(batch_size=64)

    def cost(*configurations: dict[str, Any]) -> float:
        members = members_of(configurations, [0] * len(configurations), range(len(configurations)))
        return engine.cost(members, table)

    dearer = [bare_configuration(batch_size=64, **change) for change in ({"width": 64}, {"depth": 3, "width": 64})]
    assert cost(one) < cost(*[one] * 40) < cost(*[dearer[0]] * 40) < cost(*[dearer[1]] * 40)
    assert cost(one) < cost(bare_configuration(batch_size=16))
    assert cost(bare_configuration(depth=0)) < cost(bare_configuration(depth=1))


def test_a_network_of_sines_begins_with_waves_only_where_it_has_a_frequency(table: Table) -> None:
    one = bare_configuration(activation="sine", learning_rate=1e-9)
    settings = [one, {**one, "frequency": 0.5}, bare_configuration(learning_rate=1e-9, frequency=0.5)]
    found = engine.fit(members_of(settings, [0] * 3, [5] * 3), table, "binary", 1, 1)
    first = {int(m): w["kernel_0"][i] for w in found.weights for i, m in enumerate(w["members"])}
    generator = np.random.Generator(np.random.SFC64(5))
    drawn = initial_kernel("glorot_uniform", generator, *first[0].shape)
    np.testing.assert_allclose(first[0], drawn, atol=1e-5)
    np.testing.assert_allclose(first[2], drawn, atol=1e-5)
    waves, _ = initial_waves(0.5, np.random.Generator(np.random.SFC64(5)), *first[1].shape)
    np.testing.assert_allclose(first[1], waves, atol=1e-5)


def embedded(table: Table) -> Table:
    """The table with a column of six codes beside its four numbers."""
    codes = np.random.default_rng(2).integers(0, 6, (130, 1)).astype(np.int32)
    return Table(table.inputs, codes, 6, table.target, table.roles, 1)


REALMLP = {"family": "realmlp", "schedule": "coslog4", "weight_decay": 0.02}


@pytest.mark.parametrize(("depth", "family"), [(0, {}), (2, {}), (0, REALMLP), (2, REALMLP)])
def test_a_mask_of_columns_is_a_table_without_them(table: Table, depth: int, family: dict[str, Any]) -> None:
    """The same seeds in the narrower table give the same network: start, training and answers."""
    seen = np.array([True, False, True, False])
    narrow = Table(table.inputs[..., seen], table.codes, 0, table.target, table.roles, 1)
    plain = [bare_configuration(depth=depth, width=6, dropout=0.2, l2=1e-3, **family)]
    chosen = members_of([{**plain[0], "columns": seen}], [0], [3])
    found = engine.fit(chosen, table, "binary", 8, 8)
    expected = engine.fit(members_of(plain, [0], [3]), narrow, "binary", 8, 8)
    np.testing.assert_allclose(found.stop_loss, expected.stop_loss, atol=1e-5)
    np.testing.assert_allclose(found.answers, expected.answers, atol=1e-5)
    first = found.weights[0]["kernel_0"][0]
    assert not first[~seen].any() and first[seen].any()


def test_a_masked_embedding_neither_answers_nor_learns(table: Table) -> None:
    known = embedded(table)
    chosen = members_of([bare_configuration(columns=[True] * 4 + [False])], [0], [3])
    found = engine.fit(chosen, known, "binary", 5, 5)
    others = Table(known.inputs, known.codes[::-1].copy(), 6, known.target, known.roles, 1)
    assert found.answers.tobytes() == engine.fit(chosen, others, "binary", 5, 5).answers.tobytes()
    start = Program(chosen, known, {}, HEADS["binary"], 0).best_weights()["embedding"]
    np.testing.assert_array_equal(found.weights[0]["embedding"], start)


def test_members_with_columns_of_their_own_do_not_know_each_other(table: Table) -> None:
    known = embedded(table)
    choices = [np.array([number >> bit & 1 for bit in range(5)], bool) for number in (1, 18, 31, 14, 16, 23)]
    configurations = [{**one, "columns": columns} for one, columns in zip(MIXED, choices, strict=True)]
    members = members_of(configurations, [0, 1] * 3, range(6))
    together = engine.fit(members, known, "binary", 6, 6)
    for one in range(6):
        alone = engine.fit(members.take(np.array([one])), known, "binary", 6, 6)
        np.testing.assert_allclose(alone.answers[0], together.answers[one], atol=2e-5)


def test_where_all_columns_are_seen_nothing_changes(table: Table) -> None:
    plain = members_of(MIXED, [0, 1] * 3, range(6))
    every = members_of([{**one, "columns": [True] * 4} for one in MIXED], [0, 1] * 3, range(6))
    assert every.columns.shape == (6, 0)
    found, expected = (engine.fit(each, table, "binary", 3, 3) for each in (every, plain))
    assert found.answers.tobytes() == expected.answers.tobytes()


def test_a_member_reads_its_scaled_copy(table: Table) -> None:
    copies = Table(np.concatenate([table.inputs * 3, table.inputs]), table.codes, 0, table.target, table.roles, 1)
    members = members_of([bare_configuration(scaling=1), bare_configuration(scaling=1)], [0, 1], [1, 2])
    found = engine.fit(members, copies, "binary", 4, 4)
    expected = engine.fit(members_of([bare_configuration()] * 2, [0, 1], [1, 2]), table, "binary", 4, 4)
    np.testing.assert_array_equal(found.answers, expected.answers)


def test_halving_ends_some_members_and_leaves_the_others_as_they_were(table: Table) -> None:
    """Two programs share one trace here (alike but far apart in width), and others have traces of their own."""
    settings = [
        bare_configuration(depth=2, dropout=0.2),
        bare_configuration(depth=2, width=64),
        bare_configuration(depth=2, width=64, learning_rate=0.05),
        bare_configuration(depth=2, dropout=0.3, learning_rate=0.001),
        bare_configuration(activation="selu", snapshots=3),
        bare_configuration(activation="selu", epochs=20, schedule="cosine"),
    ]
    members = members_of(settings, [0, 1] * 3, range(6))
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


@pytest.mark.parametrize(("share", "epochs", "rung"), [(0.28, 25, 7), (0.07, 100, 7), (0.3, 10, 3), (0.25, 5, 2)])
def test_the_rung_is_that_of_the_share_as_written(table: Table, share: float, epochs: int, rung: int) -> None:
    """In binary 0.28 * 25 and 0.07 * 100 are a little more than 7."""
    halving = engine.Halving(share, lambda lowest: np.zeros(1, bool))
    found = engine.fit(members_of([bare_configuration()], [0], [1]), table, "binary", epochs, epochs, halving=halving)
    assert found.epochs_run.tolist() == [rung]


def test_a_member_that_stops_before_the_rung_has_its_say_too(table: Table) -> None:
    members = members_of([bare_configuration(learning_rate=5.0, width=64), bare_configuration()], [0, 0], [1, 2])
    found = engine.fit(members, table, "binary", 40, 2, halving=engine.Halving(0.9, lambda lowest: lowest < np.inf))
    assert found.epochs_run[0] < 36 and np.isfinite(found.stop_loss[0, 0])


def test_halving_ends_whom_it_means_though_others_have_left_before(table: Table) -> None:
    settings = [bare_configuration(learning_rate=rate) for rate in (0.5, 0.5, 0.5, 1e-4, 1e-4, 1e-4)]
    halving = engine.Halving(0.75, lambda lowest: np.arange(6) != 3)
    found = engine.fit(members_of(settings, [0] * 6, range(6)), table, "binary", 20, 3, halving=halving)
    assert found.epochs_run[:3].max() < 15 and found.epochs_run[3:].tolist() == [15, 20, 20]
