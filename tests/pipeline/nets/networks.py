"""A small network's configuration, which each module's tests change where it matters to them."""

from __future__ import annotations

from typing import Any


def configuration(**changes: Any) -> dict[str, Any]:
    """Two hidden layers, held back a little."""
    return {
        "depth": 2,
        "width": 8,
        "dropout": 0.2,
        "l2": 1e-4,
        "initializer": "he_normal",
        "activation": "relu",
        "learning_rate": 0.01,
        "batch_size": 16,
        **changes,
    }


def bare_configuration(**changes: Any) -> dict[str, Any]:
    """One hidden layer that nothing holds back."""
    return configuration(**{"depth": 1, "dropout": 0.0, "l2": 0.0, "initializer": "glorot_uniform"} | changes)
