"""Weight decay, label smoothing, Huber's loss, beta 2 and schedules against the same training written out in NumPy."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import pytest

from features.roles import STOP
from pipeline.nets import fit as engine
from pipeline.nets.initializers import initial_kernel
from pipeline.nets.members import DEFAULTS, SCHEDULES, members_of
from pipeline.nets.table import Table
from pipeline.nets.trainer import trainer
from tests.pipeline.nets.networks import bare_configuration

EPOCHS, BATCH = 6, 20


configuration = functools.partial(bare_configuration, depth=0, learning_rate=0.05, batch_size=BATCH)


def table(task: str) -> Table:
    generator = np.random.default_rng(7)
    inputs = generator.normal(size=(90, 4)).astype(np.float32)
    score = inputs[:, 0] - inputs[:, 1]
    target = (score > 0) if task == "binary" else np.digitize(score, [-0.7, 0.7]) if task == "multiclass" else score
    roles = np.zeros((90, 1), np.int8)
    roles[50:70], roles[70:] = 1, 2
    codes = np.zeros((90, 0), np.int32)
    return Table(inputs[None], codes, 0, target[None].astype(np.float32), roles, 3 if task == "multiclass" else 1)


def factor(schedule: str, share: float) -> float:
    """The schedules by another road than the engine's."""
    if schedule == "cosine":
        return share / 0.05 if share < 0.05 else math.cos(math.pi * (share - 0.05) / 0.95 / 2) ** 2
    if schedule == "coslog4":
        return math.sin(math.pi * math.log(1 + 15 * share) / math.log(2)) ** 2
    if schedule == "flat_cosine":
        return 1.0 if share < 0.5 else math.cos(math.pi * (share - 0.5)) ** 2
    return 1.0


def by_hand(known: Table, task: str, config: dict[str, Any], seed: int) -> np.ndarray:
    """Stop loss of each epoch of a network without hidden layers under AdamW, in double precision."""
    config = {**DEFAULTS, **config}
    generator = np.random.Generator(np.random.SFC64(seed))
    kernel = initial_kernel("glorot_uniform", generator, 4, known.outputs).astype(np.float64)
    weights = [kernel, np.zeros(known.outputs)]
    first, second = [np.zeros_like(w) for w in weights], [np.zeros_like(w) for w in weights]
    x, y = known.inputs[0].astype(np.float64), known.target[0]
    classes = max(known.outputs, 2)
    labels = np.eye(classes)[y.astype(int)] if task != "regression" else y[:, None]
    train, stop = (np.flatnonzero(known.roles[:, 0] == role) for role in (0, 1))
    steps = EPOCHS * -(-len(train) // BATCH)
    smooth, number, found = config["label_smoothing"], 0, []

    def probabilities(rows: np.ndarray) -> np.ndarray:
        logits = x[rows] @ weights[0] + weights[1]
        if task == "binary":
            logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
        grown = np.exp(logits - logits.max(axis=1, keepdims=True))
        return grown / grown.sum(axis=1, keepdims=True)

    for _ in range(EPOCHS):
        order = generator.permutation(train)
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            if task == "regression":
                slope = 2 * (x[rows] @ weights[0] + weights[1] - labels[rows])
                if config["huber"]:
                    slope = np.clip(slope, -2 * config["huber"], 2 * config["huber"])
            else:
                slope = probabilities(rows) - ((1 - smooth) * labels[rows] + smooth / classes)
                slope = slope[:, 1:] if task == "binary" else slope
            number += 1
            rate = config["learning_rate"] * factor(config["schedule"], number / steps)
            weights[0] *= 1 - rate * config["weight_decay"]
            for place, gradient in enumerate([x[rows].T @ slope / len(rows), slope.mean(axis=0)]):
                first[place] += 0.1 * (gradient - first[place])
                second[place] += (1 - config["beta_2"]) * (gradient**2 - second[place])
                mean, square = first[place] / (1 - 0.9**number), second[place] / (1 - config["beta_2"] ** number)
                weights[place] -= rate * mean / (np.sqrt(square) + 1e-12)
        if task == "regression":
            found.append(np.mean((x[stop] @ weights[0] + weights[1] - labels[stop]) ** 2))
        else:
            found.append(-np.mean(np.log((probabilities(stop) * labels[stop]).sum(axis=1))))
    return np.array(found)


CASES = [
    ("binary", {"weight_decay": 3.0, "beta_2": 0.9}),
    ("binary", {"label_smoothing": 0.3, "schedule": "cosine", "epochs": EPOCHS}),
    ("multiclass", {"label_smoothing": 0.3, "weight_decay": 0.5, "schedule": "coslog4"}),
    ("regression", {"huber": 0.3, "beta_2": 0.9}),
    ("regression", {"label_smoothing": 0.3, "weight_decay": 2.0, "schedule": "flat_cosine", "beta_2": 0.95}),
]


@pytest.mark.parametrize(("task", "changes"), CASES, ids=[f"{task} {' '.join(c)}" for task, c in CASES])
def test_training_equals_numpy(task: str, changes: dict[str, Any]) -> None:
    known, config = table(task), configuration(**changes)
    expected = by_hand(known, task, config, 5)
    found = engine.fit(members_of([config], [0], [5]), known, task, EPOCHS, EPOCHS)
    np.testing.assert_allclose(found.stop_loss[0], expected, rtol=2e-4)
    unchanged = by_hand(known, task, configuration(), 5)
    assert np.abs(unchanged - expected).max() > 1e-3  # so that an option without effect would be seen


def test_an_option_of_one_member_is_not_its_neighbours() -> None:
    known = table("binary")
    options = [{}, {"weight_decay": 2.0}, {"label_smoothing": 0.2}, {"schedule": "cosine"}, {"beta_2": 0.9}]
    members = members_of([configuration(depth=1, **each) for each in options], [0] * 5, range(5))
    together = engine.fit(members, known, "binary", 8, 8)
    for one in range(5):
        alone = engine.fit(members.take(np.array([one])), known, "binary", 8, 8)
        np.testing.assert_allclose(alone.answers[0], together.answers[one], atol=1e-5)


def test_what_is_searched_shares_a_trace() -> None:
    """A trace takes about as long as a small network's training, and memory until the process ends."""
    changes: dict[str, tuple[Any, Any]] = {"beta_2": (0.9, 0.95), "schedule": ("cosine", "coslog4")}
    changes |= {"epochs": (3, 4), "snapshots": (2, 3), "width": (8, 100), "batch_size": (16, 32)}
    changes |= dict.fromkeys(("learning_rate", "dropout", "l1", "l2", "weight_decay", "label_smoothing"), (0.1, 0.2))
    for name, values in changes.items():
        for number, value in enumerate(values):
            members = members_of([configuration(depth=1, **{name: value})], [0], [1])
            before = trainer.cache_info().misses
            engine.fit(members, table("binary"), "binary", 2, 2)
            assert not number or trainer.cache_info().misses == before, name


def test_a_limit_of_one_member_is_not_its_neighbours() -> None:
    known = table("regression")
    options = [{}, {"huber": 0.3}, {"huber": 0.3, "family": "tabm", "copies": 2}, {"family": "tabm", "copies": 2}]
    options += [{"huber": 0.1}, {"huber": 1e6}]
    configs = [configuration(depth=1, learning_rate=0.01, **each) for each in options]
    members = members_of(configs, [0] * len(options), [4] * len(options))
    together = engine.fit(members, known, "regression", 8, 8)
    for one in range(len(options)):
        alone = engine.fit(members.take(np.array([one])), known, "regression", 8, 8)
        np.testing.assert_allclose(alone.answers[0], together.answers[one], atol=1e-5)
        # Whatever trains, stop and score rows are judged by the squared error.
        error = together.answers[one, :, 0] - known.target[0]
        np.testing.assert_allclose(together.loss[one], error**2, atol=1e-5)
    assert np.abs(together.answers[0] - together.answers[1]).max() > 1e-3
    assert np.abs(together.answers[2] - together.answers[3]).max() > 1e-3
    np.testing.assert_allclose(together.answers[5], together.answers[0], atol=1e-5)


def test_a_member_with_a_length_of_its_own_trains_all_of_it() -> None:
    members = members_of([configuration(epochs=9, learning_rate=0.5), configuration(learning_rate=0.5)], [0, 0], [1, 1])
    found = engine.fit(members, table("binary"), "binary", 30, 1)
    assert found.epochs_run[0] == 9 and found.epochs_run[1] < 9
    assert np.isnan(found.stop_loss[0, 9:]).all() and not np.isnan(found.stop_loss[0, :9]).any()


def test_weights_come_from_the_best_epoch_of_a_schedule() -> None:
    known = table("binary")
    config = configuration(depth=1, width=32, epochs=40, schedule="cosine", learning_rate=0.2)
    found = engine.fit(members_of([config], [0], [1]), known, "binary", 5, 1)
    stop = known.roles[:, 0] == STOP
    assert found.best_epoch[0] == np.nanargmin(found.stop_loss[0]) + 1
    assert found.loss[0, stop].mean() == pytest.approx(np.nanmin(found.stop_loss[0]), abs=1e-5)


def test_schedules_begin_and_end_where_they_should() -> None:
    share = np.array([1e-9, 0.05, 0.5, 1.0])
    values = {name: schedule(share) for name, schedule in SCHEDULES.items()}
    np.testing.assert_allclose(values["cosine"], [0, 1, factor("cosine", 0.5), 0], atol=1e-6)
    np.testing.assert_allclose(values["flat_cosine"], [1, 1, 1, 0], atol=1e-6)
    np.testing.assert_allclose(values["coslog4"][[0, 3]], 0, atol=1e-6)
    # Four waves: the learning rate is 0 again after 1, 3 and 7 fifteenths.
    np.testing.assert_allclose(SCHEDULES["coslog4"](np.array([1, 3, 7]) / 15), 0, atol=1e-6)


@pytest.mark.parametrize("count", [2, 3])
def test_snapshots_are_the_mean_of_the_last_epochs(count: int) -> None:
    """Without stop rows the last weights are kept, so the runs of 3, 4 and 5 epochs end with the snapshots of one."""
    known = table("binary")
    unwatched = Table(known.inputs, known.codes, 0, known.target, np.where(known.roles == 1, 2, known.roles), 1)

    def weights(epochs: int, **changes: Any) -> dict[str, np.ndarray]:
        members = members_of([configuration(depth=1, dropout=0.2, **changes)], [0], [4])
        return engine.fit(members, unwatched, "binary", epochs, epochs).weights[0]

    found, ends = weights(5, snapshots=count), [weights(epochs) for epochs in (3, 4, 5)[-count:]]
    for name in ("kernel_0", "bias_0", "kernel_1", "bias_1"):
        np.testing.assert_allclose(found[name], np.mean([end[name] for end in ends], axis=0), rtol=1e-4, atol=1e-6)
        assert not np.allclose(found[name], ends[-1][name], rtol=1e-3)


def test_snapshots_are_judged_as_they_are_kept() -> None:
    """Also when members leave on the way."""
    known = table("binary")
    rates = (0.02, 0.5, 0.8, 0.05)
    configs = [configuration(depth=1, width=16, learning_rate=rate, snapshots=4) for rate in rates]
    found = engine.fit(members_of(configs, [0] * 4, range(4)), known, "binary", 30, 3)
    assert len(set(found.epochs_run.tolist())) > 1
    stop = known.roles[:, 0] == STOP
    np.testing.assert_allclose(found.loss[:, stop].mean(axis=1), np.nanmin(found.stop_loss, axis=1), atol=1e-5)
    alone = engine.fit(members_of(configs[3:], [0], [3]), known, "binary", 30, 3)
    np.testing.assert_allclose(alone.answers[0], found.answers[3], atol=1e-5)
