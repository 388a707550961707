"""Who trains together."""

from __future__ import annotations

from typing import Any

from pipeline.nets import fit as engine


def configuration(**changes: Any) -> dict[str, Any]:
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


def test_programs_hold_members_close_in_width() -> None:
    members = engine.members_of([configuration(width=width) for width in (64, 4, 16, 8, 17)], [0] * 5, list(range(5)))
    held = [sorted(members.width[index].tolist()) for index in engine.programs(members)]
    assert held == [[4, 8], [16, 17], [64]]
