"""Networks on bags in NumPy: against the dense product, and what is left when a word is taken out."""

from __future__ import annotations

import numpy as np
import pytest

from features.reviews.ngrams import Bags
from pipeline.nets import bags as bags_module
from pipeline.nets.bags import effects, logits


@pytest.fixture
def bags() -> tuple[Bags, np.ndarray, np.ndarray]:
    """Six texts, one of them empty, with values; and the same as a dense matrix."""
    generator = np.random.default_rng(1)
    ids = [np.sort(generator.permutation(9)[:size]) for size in (3, 0, 5, 1, 9, 2)]
    starts = np.concatenate([[0], np.cumsum([len(each) for each in ids])])
    found = Bags(starts, np.concatenate(ids).astype(np.int32))
    values = generator.normal(size=len(found.ids)).astype(np.float32)
    dense = np.zeros((6, 9), np.float32)
    dense[found.row, found.ids] = values
    return found, values, dense


def network(depth: int) -> dict[str, np.ndarray]:
    generator, sizes = np.random.default_rng(2), [9, *[4] * depth, 1]
    return {
        **{f"kernel_{layer}": generator.normal(size=(3, *sizes[layer : layer + 2])) for layer in range(depth + 1)},
        **{f"bias_{layer}": generator.normal(size=(3, sizes[layer + 1])) for layer in range(depth + 1)},
    }


def dense_logits(weights: dict[str, np.ndarray], activation: str, rows: np.ndarray) -> np.ndarray:
    last = len(weights) // 2 - 1
    units = np.repeat(rows[None], 3, axis=0)
    for layer in range(last + 1):
        units = units @ weights[f"kernel_{layer}"] + weights[f"bias_{layer}"][:, None]
        if layer < last:
            units = np.tanh(units) if activation == "tanh" else np.maximum(units, 0)
    return units[..., 0]


@pytest.mark.parametrize("depth", [0, 1, 2])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("at_once", [4, 1000])
def test_log_odds_and_effects_equal_the_dense_product(
    bags: tuple[Bags, np.ndarray, np.ndarray],
    depth: int,
    activation: str,
    at_once: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bags_module, "PAIRS_AT_ONCE", at_once)
    held, values, dense = bags
    weights = network(depth)
    expected = dense_logits(weights, activation, dense)
    np.testing.assert_allclose(logits(weights, activation, held.starts, held.ids, values), expected, atol=1e-5)
    found = effects(weights, activation, held.starts, held.ids, values)
    for entry, (row, word) in enumerate(zip(held.row, held.ids, strict=True)):
        without = dense[row].copy()
        without[word] = 0
        left = dense_logits(weights, activation, without[None])[:, 0]
        assert found[entry] == pytest.approx((expected[:, row] - left).mean(), abs=1e-5)
