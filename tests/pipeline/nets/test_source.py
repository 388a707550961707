"""Sources whose members share the batch, on the loop that tables use."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from features.roles import SCORE, STOP
from pipeline.nets import fit as engine
from pipeline.nets.augmentation import Augmentation
from pipeline.nets.images import Images
from pipeline.nets.members import members_of
from pipeline.nets.numbers import Numbers
from pipeline.nets.source import Source
from pipeline.nets.texts import Bags
from pipeline.nets.trainer import trainer
from tests.pipeline.nets.networks import configuration


@pytest.mark.parametrize("name", ["bags", "images", "mixed", "convolved"])
def test_one_member_more_changes_no_others_result(name: str, bags: Bags, images: Images) -> None:
    source: Source = bags if name == "bags" else images
    if name == "convolved":
        source = Images(images.pixels, images.target, images.roles, 2, images.augmentation, (4,))
    if name == "mixed":
        source = dataclasses.replace(images, augmentation=Augmentation(shift=1, mixup=0.5))
    task = "binary" if name == "bags" else "multiclass"
    members = members_of(
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


@pytest.mark.parametrize("name", ["bags", "images", "half", "convolved"])
def test_a_shared_batch_trains_as_by_tensorflows_own_gradients(
    name: str, bags: Bags, images: Images, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Networks of several depths and widths with all that holds them back at once."""
    changes: dict[str, dict[str, Any]] = {"half": {"precision": "bfloat16"}, "convolved": {"filters": (4,)}}
    source: Source = bags if name == "bags" else dataclasses.replace(images, **changes.get(name, {}))
    task = "binary" if name == "bags" else "multiclass"
    own = {"l1": 1e-3, "weight_decay": 0.1, "label_smoothing": 0.1}
    shapes = [{"depth": 3}, {"width": 5, "dropout": 0.5}, {"depth": 1, "dropout": 0.0}]
    members = members_of([configuration(**own, **shape) for shape in shapes], [0] * 3, range(3))
    ours = engine.fit(members, source, task, 5, 5)
    with monkeypatch.context() as patched:
        for module in (keras.ops, tf):
            patched.setattr(module, "custom_gradient", lambda function: lambda *given: function(*given)[0])
        trainer.cache_clear()
        theirs = engine.fit(members, source, task, 5, 5)
    trainer.cache_clear()
    np.testing.assert_allclose(ours.train_loss, theirs.train_loss, rtol=1e-4)
    np.testing.assert_allclose(ours.stop_loss, theirs.stop_loss, rtol=1e-4)


def test_without_stop_rows_all_epochs_run_and_the_last_weights_stay(bags: Bags) -> None:
    """The same steps as with stop rows that never stop and never get worse."""
    unwatched = np.where(bags.roles == STOP, SCORE, bags.roles)
    free = Bags(bags.starts, bags.ids, bags.values, bags.vocabulary, bags.target, unwatched, 1)
    members = members_of([configuration(learning_rate=1e-3)], [0], [1])
    watched = engine.fit(members, bags, "binary", 4, 4)
    assert watched.best_epoch[0] == 4  # so slow that every epoch is the best
    found = engine.fit(members, free, "binary", 4, 1)
    assert (found.epochs_run[0], found.best_epoch[0]) == (4, 4)
    assert np.isnan(found.stop_loss).all()
    np.testing.assert_array_equal(found.train_loss, watched.train_loss)
    np.testing.assert_array_equal(found.answers, watched.answers)


def test_a_shared_batch_has_no_columns_to_choose_or_to_embed(bags: Bags, images: Images) -> None:
    for source in (bags, images):
        assert source.with_numbers(Numbers("periodic", units=3)) is source
        assert source.seen(np.zeros(0, bool)).tolist() == source.groups().tolist() == list(range(source.fan_in))
        assert source.fixed() == {}
