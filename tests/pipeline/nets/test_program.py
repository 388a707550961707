"""A program's batches and noise, and who shares its trace."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from features.roles import TRAIN
from pipeline.nets import fit as engine
from pipeline.nets.heads import HEADS
from pipeline.nets.members import members_of
from pipeline.nets.program import Program, batches
from pipeline.nets.table import Table
from pipeline.nets.trainer import Trainer, trainer
from tests.pipeline.nets.networks import bare_configuration


@pytest.mark.parametrize(
    ("rows", "steps", "sizes"), [(64, 4, [16] * 4), (70, 5, [16] * 4 + [6]), (64, 5, [13] * 4 + [12])]
)
def test_every_batch_has_rows(rows: int, steps: int, sizes: list[int]) -> None:
    slots = batches(rows, steps, 16)
    assert len(np.unique(slots)) == rows
    assert np.bincount(slots // 16, minlength=steps).tolist() == sizes


def test_noise_does_not_depend_on_who_else_draws(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawn in several parts, too: their size is the same however many members there are."""
    monkeypatch.setattr("pipeline.nets.program.NOISE_AT_ONCE", 32)
    members = members_of([bare_configuration(dropout=0.4)] * 4, [0] * 4, range(4))
    together = engine.fit(members, table, "binary", 6, 6)
    alone = engine.fit(members.take(np.array([1])), table, "binary", 6, 6)
    np.testing.assert_allclose(alone.answers[0], together.answers[1], atol=2e-5)


def test_a_batch_larger_than_all_rows_holds_them_and_no_more(table: Table) -> None:
    found = []
    for size in (512, 1 << 16):
        members = members_of([bare_configuration(batch_size=size, dropout=0.3)] * 2, [0, 1], [1, 2])
        found.append(engine.fit(members, table, "binary", 5, 5))
    assert np.array_equal(found[0].answers, found[1].answers, equal_nan=True)
    sources = engine.Sources(table)
    program = Program(members, *sources.of(members, 0), HEADS["binary"], 0)
    assert program._batch == -(-(table.roles == TRAIN).sum(axis=0).max() // 64) * 64


def test_programs_that_begin_at_once_share_a_trace(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(Trainer):
        def __init__(self, *given: Any) -> None:
            time.sleep(0.2)
            super().__init__(*given)

    monkeypatch.setattr("pipeline.nets.trainer.Trainer", Slow)
    trainer.cache_clear()
    members = members_of([bare_configuration()], [0], [1])
    with ThreadPoolExecutor(2) as pool:
        begun = [pool.submit(Program, members, table, {}, HEADS["binary"], 0) for _ in range(2)]
    first, second = (one.result()._trainer for one in begun)
    trainer.cache_clear()
    assert first is second


@pytest.mark.parametrize("embedded", [False, True])
def test_copies_begin_with_random_signs_or_where_columns_are_embedded_with_normal_scales(
    table: Table, embedded: bool
) -> None:
    """As in TabM; of an embedded column, all of its inputs are scaled alike."""
    codes = np.zeros((130, int(embedded)), np.int32)
    known = Table(table.inputs, codes, 1, table.target, table.roles, 1)
    members = members_of([bare_configuration(family="tabm", copies=64)], [0], [1])
    adapter = Program(members, known, {}, HEADS["binary"], 0).best_weights()["adapter"][0]
    if embedded:
        assert adapter.shape == (64, 8) and np.std(adapter) == pytest.approx(1, abs=0.15)
        np.testing.assert_array_equal(adapter[:, 4:], np.repeat(adapter[:, 4:5], 4, axis=1))
        assert len(np.unique(adapter[:, :5].round(5))) == 64 * 5
    else:
        assert adapter.shape == (64, 4) and set(adapter.round(5).ravel()) == {-1.0, 1.0}
