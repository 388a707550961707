"""Who trains together, and whom a network cannot be made of."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.nets.members import members_of, programs
from tests.pipeline.nets.networks import configuration


def test_programs_hold_members_close_in_width() -> None:
    members = members_of([configuration(width=width) for width in (64, 4, 16, 8, 17)], [0] * 5, list(range(5)))
    held = [sorted(members.width[index].tolist()) for index in programs(members)]
    assert held == [[4, 8], [16, 17], [64]]


@pytest.mark.parametrize("inputs", [0, 10, 3000])
def test_the_more_inputs_the_fewer_members_train_together(inputs: int) -> None:
    members = members_of([configuration(width=32, depth=2)] * 150, [0] * 150, range(150))
    held = list(programs(members, inputs))
    np.testing.assert_array_equal(np.sort(np.concatenate(held)), np.arange(150))
    assert max(map(len, held)) == {0: 50, 10: 50, 3000: 2}[inputs]


def test_narrow_networks_are_not_padded_where_a_layer_is_normalised() -> None:
    """The sums over a layer would give its spare units a gradient."""
    members = members_of([configuration(width=w, normalization="layer") for w in (8, 5, 8)], [0] * 3, range(3))
    assert [part.tolist() for part in programs(members)] == [[1], [0, 2]]


def test_a_network_without_columns_is_refused() -> None:
    with pytest.raises(ValueError, match="without columns"):
        members_of([configuration(columns=[False, False])], [0], [1])
