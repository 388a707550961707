"""What comes of trials that train together, and which of them go on under halving."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from features.roles import SCORE, STOP
from pipeline.choice.choosing import mean_loss
from pipeline.choice.evaluation import better_half, errors, evaluate, result_of
from pipeline.nets.fit import Fit
from pipeline.nets.search import Result
from pipeline.nets.table import Table
from tests.pipeline.nets.networks import bare_configuration


def table_of(rows: int) -> Table:
    """Two folds."""
    generator = np.random.default_rng(7)
    inputs = generator.normal(size=(2, rows, 3)).astype(np.float32)
    target = (inputs[0, :, 0] + generator.normal(size=rows) > 0).astype(np.float32)
    roles = np.zeros((rows, 2), np.int8)
    roles[:10, 0] = roles[-10:, 1] = STOP
    roles[10:20, 0] = roles[-20:-10, 1] = SCORE
    return Table(inputs, np.zeros((rows, 0), np.int32), 0, np.stack([target, target]), roles, 1)


def test_the_better_half_goes_on_in_each_group_of_rivals() -> None:
    """Five trials of two folds; trial 1 is best on average, a diverged fold makes trial 3 the worst."""
    lowest = np.array([0.5, 0.7, 0.1, 0.3, 0.2, 0.6, 0.0, np.inf, 0.9, 0.9])
    owners = np.repeat(np.arange(5), 2)
    assert better_half(lowest, owners, np.zeros(5, int)).tolist() == [True, True, True, False, False]
    assert better_half(lowest, owners, np.array([0, 0, 1, 1, 1])).tolist() == [False, True, True, False, True]


def test_equal_losses_are_decided_by_order() -> None:
    assert better_half(np.ones(4), np.arange(4), np.zeros(4, int)).tolist() == [True, True, False, False]


def test_trials_of_two_families_and_searches_are_what_each_search_finds_of_a_family_alone() -> None:
    """Halving included: no trial's end depends on those of another family, nor on another search's rows. Of all
    trials those of the second search are the worse half."""
    table = table_of(60)
    trials: list[dict[str, Any]] = [
        bare_configuration(learning_rate=rate, family=family, initializer=initializer)
        for family in ("plain", "waves")
        for rate, initializer in ((0.03, "zeros"), (0.01, "zeros"), (1e-5, "large_normal"), (1e-6, "large_normal"))
    ]
    rivals = [0, 0, 1, 1] * 2

    def found(chosen: list[int]) -> list[Result]:
        return evaluate(
            table,
            "binary",
            [trials[one] for one in chosen],
            [range(2)] * len(chosen),
            [[one, 50 + one] for one in chosen],
            epochs=8,
            patience=8,
            halving_share=0.25,
            rivals=[rivals[one] for one in chosen],
        )

    together = found(list(range(8)))
    for first in range(0, 8, 2):
        assert sum(one.halved for one in together[first : first + 2]) == 1
        for alone, other in zip(found([first, first + 1]), together[first : first + 2], strict=True):
            assert (alone.halved, alone.best_epoch) == (other.halved, other.best_epoch)
            np.testing.assert_allclose(alone.loss, other.loss, atol=1e-5)


@pytest.mark.parametrize("best_epoch", [3, 0])
def test_a_network_that_never_had_a_finite_loss_is_no_valid_trial(best_epoch: int) -> None:
    """Its first weights, which learned nothing, answer with one."""
    table, count = table_of(60), 2
    half = np.full((count, 60), 0.5, np.float32)
    fit = cast(
        Fit,
        SimpleNamespace(
            loss=half, answers=half[..., None], best_epoch=np.array([4, best_epoch]), kept=np.ones(count, bool)
        ),
    )
    result = result_of(fit, np.arange(count), table, "binary", np.arange(count))
    assert result.reason == ("" if best_epoch else "diverged: no finite loss in fold 1")
    assert np.isfinite(result.loss).any() == (best_epoch > 0) and np.isnan(result.loss[30])


def test_errors_of_a_mean_are_the_mean_of_errors() -> None:
    """And their loss is the loss that the networks are trained on."""
    generator = np.random.default_rng(3)
    for task, target, classes in (
        ("binary", np.array([0.0, 1.0, 1.0]), 1),
        ("multiclass", np.array([0.0, 2.0, 1.0]), 3),
        ("regression", np.array([0.5, -1.0, 2.0]), 1),
    ):
        answers = generator.dirichlet(np.ones(3), (4, 3)) if classes == 3 else generator.random((4, 3, 1))
        each = np.stack([errors(one, target, task) for one in answers])
        np.testing.assert_allclose(errors(answers.mean(axis=0), target, task), each.mean(axis=0))
        if task == "regression":
            expected = np.mean((answers[..., 0] - target) ** 2, axis=1)
        elif task == "binary":
            expected = -np.mean(np.log(np.where(target == 1, answers[..., 0], 1 - answers[..., 0])), axis=1)
        else:
            expected = -np.mean(np.log(answers[:, np.arange(3), target.astype(int)]), axis=1)
        np.testing.assert_allclose(mean_loss(each, task), expected)
