"""Blocks of a YAML file as frozen dataclasses: each key has its rule, and an unknown one is refused with the nearest
known one. Errors name the file, the dotted key, its value and the cure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, field, fields, is_dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from features.errors import UserError, hint, listed

# Where the file has a key of the block that is read: the whole place, as messages name it.
Place = Callable[[str], str]
Reader = Callable[[Any, Place, str], Any]


class Rule(NamedTuple):
    """What one value may be: of a ``kind``, from ``low`` to ``high``, or one of the ``choices``."""

    kind: type
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()


def setting(
    kind: type,
    *,
    several: bool = False,
    repeated: bool = False,
    default: Any = MISSING,
    reader: Reader | None = None,
    **limits: Any,
) -> Any:
    """A key of a block, with the ``limits`` of its ``Rule``; a ``kind`` that is itself a block nests, a ``tuple`` is a
    list of whole numbers; ``several``: one value or a list of them, a tuple here, in which one may be ``repeated``;
    ``reader``: makes the value of what the file has, where that and the key lie, for what is none of these."""
    about = {"rule": Rule(kind, **limits), "several": several, "repeated": repeated, "reader": reader}
    return field(default=default, metadata=about)


def each(kind: type, choices: tuple[str, ...] = ()) -> Reader:
    """A reader of names, each with a value of ``kind``, which may be a block."""

    def read(raw: Any, place: Place, key: str) -> Mapping[str, Any]:
        named = {name: (one, f"{place(key)}.{name}") for name, one in mapping_of(raw, place(key)).items()}
        if is_dataclass(kind):
            return MappingProxyType({name: block_of(kind, *one) for name, one in named.items()})
        return MappingProxyType({name: value_of(*one, Rule(kind, choices=choices)) for name, one in named.items()})

    return read


def build(cls: type, values: Mapping[str, Any], place: Place) -> Any:
    """The block ``cls``; ``place`` says where the file has a key of it."""
    return cls(**{f.name: _read(f.metadata, values.get(f.name, f.default), place, f.name) for f in fields(cls)})


def _read(about: Mapping[str, Any], raw: Any, place: Place, key: str) -> Any:
    """The value of a ``key``, by what ``setting`` says ``about`` it."""
    where, rule = place(key), about["rule"]
    if about["reader"]:
        return about["reader"](raw, place, key)
    if is_dataclass(rule.kind):
        return block_of(rule.kind, {} if raw is MISSING else raw, where)
    if about["several"]:
        return tuple(value_of(one, where, rule) for one in choices_in(raw, where, about["repeated"]))
    if rule.kind is not tuple:
        return value_of(raw, where, rule)
    if not isinstance(raw, list):
        raise _unlike(raw, where, "a list")
    return tuple(value_of(one, where, rule._replace(kind=int)) for one in raw)


def block_of(cls: Any, raw: Any, where: str) -> Any:
    """A mapping with the keys of ``cls``: none unknown, none missing that has no default."""
    values = mapping_of(raw, where)
    check_known(values, [f.name for f in fields(cls)], where)
    return build(cls, values, lambda key: f"{where}.{key}")


def choices_in(value: Any, where: str, repeated: bool = False) -> list[Any]:
    """One value or a list of them as a list, in which none may be ``repeated`` if not told."""
    values = value if isinstance(value, list) else [value]
    if not values or (len(set(map(str, values))) < len(values) and not repeated):
        raise UserError(f"{where} is {value!r}; expected one or more choices, each once.")
    return values


def value_of(raw: Any, where: str, rule: Rule) -> Any:
    """The value, held against its ``rule``; ``MISSING`` where the file has none."""
    kind, low, high, choices = rule
    words = {int: "a whole number", float: "a number", bool: "true or false", str: "a word"}[kind]
    # Ten digits: the largest seed has as many.
    bounds = ("" if low is None else f" from {low:.10g}") + ("" if high is None else f" to {high:.10g}")
    if raw is not MISSING and choices:
        if raw not in choices:
            raise UserError(f"{where} is {raw!r}{hint(str(raw), choices)} Expected one of {listed(choices)}.")
        return str(raw)
    kinds: Any = (int, float) if kind is float else kind
    if not isinstance(raw, kinds) or isinstance(raw, bool) is not (kind is bool):  # in Python true is a whole number
        raise _unlike(raw, where, words + bounds)
    if (low is not None and not raw >= low) or (high is not None and not raw <= high):
        raise UserError(f"{where} is {raw!r}, out of range; expected {words}{bounds}.")
    return kind(raw)


def mapping_of(value: Any, where: str) -> dict[str, Any]:
    """Keys and values, none where there is nothing."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise _unlike(value, where, "keys and values")
    return {str(key): value[key] for key in value}


def _unlike(raw: Any, where: str, expected: str) -> UserError:
    return UserError(f"{where} is {'missing' if raw is MISSING else repr(raw)}; expected {expected}.")


def check_known_at(mapping: Mapping[str, Any], known: Sequence[str], place: Place, key: str) -> None:
    """``check_known`` for what lies under ``key`` partly in the competition's entry, partly in the general block."""
    for name in mapping:
        check_known([name], known, place(f"{key}.{name}").removesuffix(f".{name}"))


def check_known(keys: Iterable[str], known: Sequence[str], where: str) -> None:
    """Raises ``UserError`` on one of the ``keys`` that is not ``known``; ``where``: the file, and the dotted key of the
    block that they are in."""
    file, _, block = where.partition(": ")
    for key in keys:
        if key not in known:
            raise UserError(
                f"{file}: unknown key {block}{block and '.'}{key}{hint(key, known)} Known: {listed(known)}."
            )
