"""What a search draws hyperparameters from: their names and bounds, and how ``tune.space`` and ``tune.families`` of
params.yaml are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass
from types import MappingProxyType
from typing import Any

from features.errors import UserError
from pipeline.schema import Place, Rule, check_known, check_known_at, choices_in, mapping_of, value_of

# Those that the space common to all families may not leave out.
SEARCHED = ("depth", "width", "dropout", "l2", "initializer", "activation", "learning_rate", "batch_size")
ACTIVATIONS = ("relu", "selu", "elu", "gelu", "silu", "mish", "tanh", "sigmoid", "sine")
FAMILIES = ("plain", "tabm", "realmlp", "waves", "bins")
NUMBERS = ("plain", "piecewise_linear", "periodic")
SCHEDULES = ("constant", "cosine", "coslog4", "flat_cosine")
INITIALIZERS = (
    "glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal", "random_normal",
    "large_normal", "zeros", "small_equal", "ones",
)  # fmt: skip
# What each hyperparameter may be.
RULES: dict[str, Rule] = {
    "depth": Rule(int, 1, 16),
    "width": Rule(int, 1, 4096),
    "dropout": Rule(float, 0.0, 0.95),
    "l2": Rule(float, 0.0, 10.0),
    "initializer": Rule(str, choices=INITIALIZERS),
    "activation": Rule(str, choices=ACTIVATIONS),
    "learning_rate": Rule(float, 1e-7, 10.0),
    "batch_size": Rule(int, 1, 65536),
    "weight_decay": Rule(float, 0.0, 10.0),
    "label_smoothing": Rule(float, 0.0, 0.9),
    "huber": Rule(float, 0.0, 100.0),
    "frequency": Rule(float, 0.0, 100.0),
    "beta_2": Rule(float, 0.5, 0.99999),
    "schedule": Rule(str, choices=SCHEDULES),
    "epochs": Rule(int, 0, 100_000),
    "snapshots": Rule(int, 1, 64),
    "copies": Rule(int, 2, 256),
    "feature_scale": Rule(str, choices=("fixed", "learned")),
    "numbers": Rule(str, choices=NUMBERS),
    "number_bins": Rule(int, 2, 256),
    "number_units": Rule(int, 0, 64),
    "number_frequency": Rule(float, 1e-4, 100.0),
}


@dataclass(frozen=True)
class Range:
    """An interval that a hyperparameter is drawn from."""

    low: float
    high: float
    log: bool


Choices = tuple[int | float | str, ...]
Space = Mapping[str, Choices | Range]


def common_space(raw: Any, place: Place, key: str) -> Space:
    """What networks of every family are drawn from."""
    return _space(raw, place, key, SEARCHED)


def family_spaces(raw: Any, place: Place, key: str) -> Mapping[str, Space]:
    """Of a family, or of a family in regressions, what it has in the place of the common space."""
    spaces = mapping_of(raw, place(key))
    check_known_at(spaces, [f"{name}{kind}" for name in FAMILIES for kind in ("", "_regression")], place, key)
    return MappingProxyType({name: _space(own, place, f"{key}.{name}", ()) for name, own in spaces.items()})


def merged_spaces(general: Mapping[str, Any], own: Mapping[str, Any], file: str, entry: str) -> dict[str, Any]:
    """``tune.space`` and ``tune.families`` where a competition has its ``own``: its entries in the first and in each of
    the second replace the ``general`` ones, each on its own."""

    def over(key: str, before: Any, after: Any) -> dict[str, Any]:
        return {**mapping_of(before, f"{file}{key}"), **mapping_of(after, f"{file}{entry}{key}")}

    merged = {}
    if "space" in own:
        merged["space"] = over("tune.space", general.get("space", {}), own["space"])
    if "families" in own:
        families = merged["families"] = mapping_of(general.get("families", {}), f"{file}tune.families")
        for name, space in mapping_of(own["families"], f"{file}{entry}tune.families").items():
            families[name] = over(f"tune.families.{name}", families.get(name, {}), space)
    return merged


def _space(raw: Any, place: Place, key: str, needed: Sequence[str]) -> Space:
    """``needed``: hyperparameters that may not be left out."""
    space = mapping_of(raw, place(key))
    check_known_at(space, list(RULES), place, key)
    found: dict[str, Choices | Range] = {}
    for name, rule in RULES.items():
        where = place(f"{key}.{name}")
        if name in space and isinstance(space[name], Mapping) and not rule.choices:
            found[name] = _range(space[name], rule, where)
        elif name in space:
            found[name] = tuple(value_of(one, where, rule) for one in choices_in(space[name], where))
        elif name in needed:
            raise UserError(f"{where} is missing; expected a list of choices or low/high.")
    return MappingProxyType(found)


def _range(raw: Mapping[str, Any], rule: Rule, where: str) -> Range:
    """The interval that ``raw`` has, within the bounds of the ``rule``."""
    check_known(raw, ["low", "high", "log"], where)
    if rule.kind is int:
        raise UserError(f"{where} has low/high; expected a list of whole numbers to choose from.")
    low, high = (value_of(raw.get(end, MISSING), f"{where}.{end}", rule) for end in ("low", "high"))
    log = value_of(raw.get("log", False), f"{where}.log", Rule(bool))
    if low >= high:
        raise UserError(f"{where}: low is {low}, not below high ({high}).")
    if log and low <= 0:
        raise UserError(f"{where}: low is {low}; a log-uniform range needs low above 0.")
    return Range(low, high, log)
