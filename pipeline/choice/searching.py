"""What is searched, shared by the stages ``tune`` and ``honest``: each family's space and its share of the trials."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

from pipeline.search_space import Range, Space
from pipeline.settings import Tune

if TYPE_CHECKING:
    from pipeline.choice.arrays import Inputs
    from pipeline.nets.search import Part


def search_parts(tune: Tune, task: str, inputs: Inputs) -> list[Part]:
    """The search's parts, one per family: its space, with what else ``inputs`` offer, and how many trials are drawn
    from it, in all and per generation.

    The more often a list names a family, the more of the trials are its own; those that it has no configurations for
    go to the others. No generation is much smaller than the rest, since each costs a program's start.
    """
    from pipeline.nets.search import Part  # here, since KerasTuner has to be loaded after TensorFlow is set up

    families = list(dict.fromkeys(tune.family))
    offered = inputs.choices(tune.columns == "search")
    spaces: dict[str, Space] = {}
    for name in families:
        named: Space = {"family": (name,)} if families != ["plain"] else {}
        spaces[name] = {**tune.space, **_own_space(tune, name, task), **named, **offered}
    most = {name: _configurations(space) for name, space in spaces.items()}
    trials = _shares(tune, trials_at_equal_cost(tune, tune.max_trials), most)
    generations = -(-sum(trials.values()) // trials_at_equal_cost(tune, tune.generation))
    return [Part(spaces[name], own, -(-own // generations)) for name in families if (own := trials[name])]


def trials_at_equal_cost(tune: Tune, trials: int) -> int:
    """How many trials cost what so many do without halving: each of the better half costs one, each of the others the
    share ``halving``. One at a time has no better half."""
    halving = Fraction(str(tune.halving))  # as written: in binary 22 / 1.1 is less than 20
    return int(trials * 2 / (1 + halving)) if halving and tune.generation > 1 else trials


def _shares(tune: Tune, count: int, most: Mapping[str, float]) -> dict[str, int]:
    """``count`` divided among the families in proportion to how often each is named, to none more than its ``most``."""
    full: dict[str, int] = {}
    while True:
        left, others = count - sum(full.values()), [name for name in most if name not in full]
        named = [tune.family.count(name) for name in others]
        ends = [round(left * sum(named[: place + 1]) / sum(named)) for place in range(len(named))]
        shares = {name: end - start for name, start, end in zip(others, [0, *ends], ends, strict=False)}
        over = {name: int(most[name]) for name, share in shares.items() if share > most[name]}
        if not over:
            return full | shares
        full |= over


def _own_space(tune: Tune, family: str, task: str) -> Space:
    """What a family has beside the common space or in its place."""
    regression = tune.families.get(f"{family}_regression", {}) if task == "regression" else {}
    return {**tune.families.get(family, {}), **regression}


def _configurations(space: Space) -> float:
    """How many different ones a space has; of its switches at least one is on."""
    count, switches = 1, 0
    for values in space.values():
        if isinstance(values, Range):
            return math.inf
        if isinstance(values[0], bool):
            switches += 1
        else:
            count *= len(values)
    return count * max(2**switches - 1, 1)
