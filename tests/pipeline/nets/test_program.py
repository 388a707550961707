"""A program's batches and noise."""

import numpy as np
import pytest

from features.roles import TRAIN
from pipeline.nets import fit as engine
from pipeline.nets.heads import HEADS
from pipeline.nets.members import members_of
from pipeline.nets.program import Program, batches
from pipeline.nets.table import Table
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
