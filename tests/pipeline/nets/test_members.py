"""Who trains together, and whom a network cannot be made of."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.nets.members import DEFAULTS, lengths_of, members_of, programs
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


@pytest.mark.parametrize(("depth", "sizes"), [(1, [64]), (2, [32, 32]), (3, [22, 21, 21])])
def test_the_deeper_the_fewer_members_train_together(depth: int, sizes: list[int]) -> None:
    """Of 64 units and one input: 64, 4160 and 8256 weights a member, of which 2^18 stay together."""
    members = members_of([configuration(width=64, depth=depth)] * 64, [0] * 64, range(64))
    assert [len(part) for part in programs(members, 1)] == sizes


def test_narrow_networks_are_not_padded_where_a_layer_is_normalised() -> None:
    """The sums over a layer would give its spare units a gradient."""
    members = members_of([configuration(width=w, normalization="layer") for w in (8, 5, 8)], [0] * 3, range(3))
    assert [part.tolist() for part in programs(members)] == [[1], [0, 2]]


def test_a_network_without_columns_is_refused() -> None:
    with pytest.raises(ValueError, match="without columns"):
        members_of([configuration(columns=[False, False])], [0], [1])


def test_a_length_of_its_own_knows_no_patience() -> None:
    """Not even where the first epoch was the best."""
    lengths, patiences = lengths_of(members_of([configuration(), configuration(epochs=7)], [0, 0], [1, 2]), 50, 5)
    assert lengths.tolist() == [50, 7] and patiences.tolist()[0] == 5 and patiences[1] > 7


def test_what_a_network_has_no_use_for_makes_no_kind_of_its_own() -> None:
    useless = [{"copies": 8}, {"frequency": 0.5}, {"number_bins": 9}, {"number_units": 3}]
    useless += [{"numbers": "periodic", "number_units": 1}]
    members = members_of([configuration(**one) for one in [{}, *useless]], [0] * 6, range(6))
    assert len(list(programs(members))) == 1
    used = [{"numbers": "periodic"}, {"numbers": "piecewise_linear", "number_bins": 9}, {"family": "tabm"}]
    members = members_of([configuration(**one) for one in used], [0] * 3, range(3))
    assert members.number_units.tolist() == [4, 0, 0] and members.number_bins.tolist() == [0, 9, 0]
    assert members.copies.tolist() == [0, 0, DEFAULTS["copies"]] and len(list(programs(members))) == 3
