"""One column of a contract, and its entry in the contract's file: which rules it may give, and how they are written."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, fields, replace
from typing import Any

import numpy as np

from features.contracts.spelling import PLAIN, Spelling
from features.errors import UserError, aside, listed

ROLES = ("id", "target", "feature", "group", "ignore")
TYPES = ("number", "boolean", "category", "code", "date", "text", "presence")
# In the order in which an entry is written.
_KEYS = ("role", "type", "values", "minimum", "maximum", "integer", "nullable", "unique", "added", "separator", "parts",
         "order", "decimal", "thousands", "prefix", "suffix", "units", "missing", "group",
         "description")  # fmt: skip
# Keys that say how the numbers of a column are written, and what each may be; None: a sign or word.
SIGNS = {"decimal": (".", ","), "thousands": ("", ",", ".", " ", "'"), "prefix": None, "suffix": None}
# The digits of a whole number in YAML may be more than a float holds.
_LARGEST = float(np.finfo(float).max)
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True)
class Column:
    """One column; ``values`` are the allowed categories, ``minimum`` and ``maximum`` the range (ends allowed).

    ``order``: the categories of a scale from low to high, among the ``values`` and all of them where the contract gives
    no others; None where there is no scale.
    ``group``: columns of one group are chosen and judged together; "" is a group of its own. The role ``group`` is of
    rows: those with one value belong together, and a row without a value to none.
    ``spelling``: how its numbers are written, and which words mean an empty cell.
    ``added``: of an id that the files as they came lack, the number of the first row of such a file; None of others.
    ``parts``: the columns that its cells, which hold several values, are taken apart into, in their order, at the
    ``separator`` (see ``features.contracts.composite.taken_apart``). No file has these columns, and each has its own
    rules."""

    name: str
    role: str
    type: str
    values: tuple[str, ...] | None = None
    _: KW_ONLY
    minimum: float | None = None
    maximum: float | None = None
    integer: bool = False
    nullable: bool = True
    unique: bool = False
    description: str = ""
    group: str = ""
    order: tuple[str, ...] | None = None
    spelling: Spelling = PLAIN
    added: int | None = None
    separator: str | tuple[str, ...] = ""
    parts: tuple[str, ...] = ()

    @property
    def expected(self) -> str:
        """The rule on the values, in words."""
        if self.values is not None:
            return "one of " + ", ".join(map(repr, self.values))
        if self.type != "number":
            return "text"
        words = "a whole number" if self.integer else "a number"
        if self.minimum is not None and self.maximum is not None:
            return f"{words} from {self.minimum:.15g} to {self.maximum:.15g}"
        if self.minimum is not None:
            return f"{words}, {self.minimum:.15g} or more"
        return words if self.maximum is None else f"{words}, {self.maximum:.15g} or less"


def read_entry(name: str, entry: Any, file: str) -> Column:
    """The column that the ``entry`` declares. Raises ``UserError`` on unknown keys and impossible rules."""
    where = f"{file}: columns.{name}"
    if not isinstance(entry, Mapping):
        raise UserError(f"{where} is {entry!r}; expected role, type and rules.")
    for key in entry:
        if key not in _KEYS:
            raise UserError(
                f"{file}: unknown key columns.{name}.{key}{aside(str(key), _KEYS)}. Known: {', '.join(_KEYS)}."
            )
    for key, words in (("role", ROLES), ("type", TYPES)):
        if entry.get(key) not in words:
            near = aside(str(entry.get(key)), words)
            raise UserError(f"{where}.{key} is {entry.get(key)!r}{near}; expected one of {', '.join(words)}.")
    role, kind = str(entry["role"]), str(entry["type"])
    flags = _flags(entry, role, where)
    added = _added(entry, role, where)
    _check_type_of_role(entry, role, kind, where)
    low, high = _range(entry, kind, where)
    if flags["integer"] and kind != "number":
        raise UserError(f"{where}.integer is true, but the type is {kind!r}; expected it for numbers only.")
    values, order = _allowed(entry, role, kind, where, name)
    description, group = str(entry.get("description") or ""), entry.get("group", "")
    if not isinstance(group, str) or (group and role != "feature"):
        raise UserError(f"{where}.group is {group!r} (role {role!r}); expected a word, for a feature only.")
    separator, parts = _composition(entry, role, kind, where)
    if parts and added is not None:
        raise UserError(f"{where}.parts is {list(parts)!r}, but the id is a number added to each row. Delete parts.")
    missing = _levels(entry.get("missing"), TYPES, kind, f"{where}.missing")
    if missing is not None and (role in ("id", "target") or not flags["nullable"]):
        raise UserError(
            f"{where}.missing is {list(missing)!r}, but the column may not be empty ({role}, nullable: "
            f"{str(flags['nullable']).lower()}); expected it for a feature that may."
        )
    return Column(
        name=name,
        role=role,
        type=kind,
        values=values,
        minimum=low,
        maximum=high,
        integer=flags["integer"],
        nullable=flags["nullable"],
        unique=flags["unique"],
        added=added,
        description=description,
        group=group,
        order=order,
        spelling=replace(_signs(entry, kind, where), missing=missing or ()),
        separator=separator,
        parts=parts,
    )


def written_entry(column: Column) -> dict[str, Any]:
    """What ``read_entry`` reads: role, type and nullable, and what is not so by default."""
    known = {one.name: one.default for one in fields(Column)} | vars(PLAIN)
    held = vars(column) | vars(column.spelling)
    wanted = [key for key in _KEYS if key in ("role", "type", "nullable") or held[key] != known[key]]
    entry = {key: list(held[key]) if isinstance(held[key], tuple) else held[key] for key in wanted}
    if column.spelling.units:
        entry["units"] = {unit: int(size) if size == int(size) else size for unit, size in column.spelling.units}
    return entry


def _flags(entry: Mapping[str, Any], role: str, where: str) -> dict[str, bool]:
    """``integer``, ``nullable`` and ``unique``, as given or as is usual in that role."""
    flags = {}
    defaults = {"integer": False, "nullable": role not in ("id", "target"), "unique": role == "id"}
    for key, default in defaults.items():
        flags[key] = entry.get(key, default)
        if not isinstance(flags[key], bool):
            raise UserError(f"{where}.{key} is {flags[key]!r}; expected true or false.")
    if role in ("id", "target") and flags["nullable"]:
        raise UserError(f"{where}.nullable is true, but the {role} can't be missing; expected false.")
    if role == "id" and not flags["unique"]:
        raise UserError(f"{where}.unique is false, but an id names one row; expected true.")
    return flags


def _added(entry: Mapping[str, Any], role: str, where: str) -> int | None:
    """The number of a file's first row where the id is added to it, None where it is there."""
    added = entry.get("added", False)
    if not isinstance(added, int) or added < 0:
        raise UserError(f"{where}.added is {added!r}; expected the number of a file's first row, 0 or more, or false.")
    if role != "id" and "added" in entry and added is not False:
        raise UserError(f"{where}.added is {entry['added']!r} (role {role!r}); expected it for an id only.")
    return None if added is False else int(added)  # true, as it was once written, is 1


def _check_type_of_role(entry: Mapping[str, Any], role: str, kind: str, where: str) -> None:
    """Raises ``UserError`` where a column in that role may not be of that type, or not have such a rule."""
    if role == "target" and kind == "text":
        raise UserError(f"{where}.type is 'text'; expected category (classes) or number (regression) for the target.")
    if role in ("id", "group") and kind == "number":
        what = "an id" if role == "id" else "what names a group of rows"
        raise UserError(f"{where}.type is 'number', but {what} is a name, kept as it is spelt; expected text.")
    if role == "group":
        for key in ("values", "order", "unique"):
            if entry.get(key):
                raise UserError(
                    f"{where}.{key} is {entry[key]!r}, but role 'group' takes any values, each in several rows. "
                    f"Delete {key}."
                )


def _range(entry: Mapping[str, Any], kind: str, where: str) -> tuple[float | None, float | None]:
    """``minimum`` and ``maximum``, None where there is none."""
    low, high = (_bound(entry.get(key), kind, f"{where}.{key}") for key in ("minimum", "maximum"))
    if low is not None and high is not None and low > high:
        raise UserError(f"{where}.minimum is {low:.15g}, above maximum ({high:.15g}). Exchange them.")
    return low, high


def _allowed(
    entry: Mapping[str, Any], role: str, kind: str, where: str, name: str
) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None]:
    """The words that may stand in the column called ``name``, and their order; None where any may, or there is none."""
    values = _levels(entry.get("values"), ("category", "boolean"), kind, f"{where}.values")
    if kind == "boolean" and values is not None and len(values) > 2:
        raise UserError(
            f"{where}.values are {len(values)} words ({', '.join(map(repr, values[:4]))}); expected two for a boolean. "
            f"Set {where}.type to category."
        )
    order = _levels(entry.get("order"), ("category",), kind, f"{where}.order")
    if order is not None and role == "target":
        raise UserError(f"{where}.order is {list(order)!r}, but classes have no ranks; expected values for the target.")
    if order is not None and values is not None and (odd := sorted(set(order) - set(values))):
        raise UserError(
            f"{where}.order holds {', '.join(map(repr, odd))}, which columns.{name}.values do not; expected "
            "all of its words there too."
        )
    # The order says what is allowed where nothing else does; a word of the values beyond it has no rank.
    return (order if values is None else values), order


def _composition(
    entry: Mapping[str, Any], role: str, kind: str, where: str
) -> tuple[str | tuple[str, ...], tuple[str, ...]]:
    """The separator and the parts of a column whose cells hold several values; "" and none of others."""
    separator, parts = entry.get("separator"), entry.get("parts")
    if separator is None and parts is None:
        return "", ()
    if role == "target" or kind not in ("text", "category"):
        key = "separator" if parts is None else "parts"
        raise UserError(
            f"{where}.{key} is {entry[key]!r} (role {role!r}, type {kind!r}); expected it for text or a category that "
            f"is no target. Delete {key}."
        )
    if not isinstance(parts, list) or len({str(part) for part in parts}) != len(parts) or len(parts) < 2:
        raise UserError(
            f"{where}.parts is {parts!r}; expected two names or more, each once, of the columns that a cell is taken "
            "apart into, as [Deck, Number]."
        )
    signs = [separator] if isinstance(separator, str) else separator
    if not isinstance(signs, list) or not all(isinstance(sign, str) and sign for sign in signs) or not signs:
        raise UserError(
            f"{where}.separator is {separator!r}; expected what stands between the parts, as '/', or a list with one "
            "for each place between two of them."
        )
    if not isinstance(separator, str) and len(signs) != len(parts) - 1:
        raise UserError(
            f"{where}.separator is {separator!r}, {len(signs)} for {len(parts)} parts; expected {len(parts) - 1}, one "
            "for each place between two, or a single one that stands in all of them, without brackets."
        )
    return separator if isinstance(separator, str) else tuple(signs), tuple(map(str, parts))


def check_parts(columns: Sequence[Column], file: str) -> None:
    """Raises ``UserError`` where a part has no entry, may not be one, or is taken out of two columns or of itself."""
    by_name, owner = {column.name: column for column in columns}, dict[str, str]()
    for column in columns:
        for part in column.parts:
            where = f"{file}: columns.{column.name}.parts holds {part!r}"
            if part not in by_name:
                raise UserError(
                    f"{where}, which has no entry{aside(part, by_name)}; expected one with role and type, as of any "
                    "column."
                )
            if by_name[part].role in ("id", "target"):
                raise UserError(f"{where}, which has role {by_name[part].role!r}; expected feature, group or ignore.")
            if part in owner:
                raise UserError(f"{where}, and so does columns.{owner[part]}; expected each part in one column.")
            owner[part] = column.name
    for part in owner:
        seen, name = {part}, part
        while name in owner:
            name = owner[name]
            if name in seen:
                raise UserError(f"{file}: columns.{name}.parts: it would be a part of itself. Name another part.")
            seen.add(name)


def unused(name: str, taken: Collection[str]) -> str:
    """``name``, with what it takes behind it to be none of those ``taken``."""
    while name in taken:
        name += "_"
    return name


def _signs(entry: Mapping[str, Any], kind: str, where: str) -> Spelling:
    """How the entry says that numbers are written."""
    found = {key: entry[key] for key in SIGNS if key in entry}
    for key, sign in found.items():
        allowed = SIGNS[key]
        expected = "some sign or word" if allowed is None else "one of " + ", ".join(map(repr, allowed))
        if kind != "number":
            raise UserError(f"{where}.{key} is {sign!r}, but only numbers have it, and type is {kind!r}. Delete {key}.")
        if not isinstance(sign, str) or (sign not in allowed if allowed else _DIGIT.search(sign)):
            raise UserError(f"{where}.{key} is {sign!r}; expected {expected}.")
    spelling = Spelling(**found, units=_units(entry.get("units"), kind, f"{where}.units"))
    if spelling.decimal == spelling.thousands:
        raise UserError(f"{where}: decimal and thousands are both {spelling.decimal!r}; expected signs that differ.")
    return spelling


def _units(units: Any, kind: str, where: str) -> tuple[tuple[str, float], ...]:
    """What may stand behind a number, and how much one of it is."""
    if units is None:
        return ()
    if not isinstance(units, Mapping) or not units or kind != "number":
        raise UserError(f"{where} is {units!r} (type {kind!r}); expected, for numbers only, as {{h: 60, m: 1}}.")
    for unit, size in units.items():
        number = isinstance(size, int | float) and not isinstance(size, bool) and 0 < size <= _LARGEST
        if not isinstance(unit, str) or not unit.strip() or _DIGIT.search(unit) or not number:
            raise UserError(f"{where} has {unit!r}: {size!r}; expected a word and how much it is, a number above 0.")
    return tuple((unit, float(size)) for unit, size in units.items())


def _levels(words: Any, kinds: Sequence[str], kind: str, where: str) -> tuple[str, ...] | None:
    """A list of categories, each once, or None."""
    if words is None:
        return None
    if kind not in kinds:
        key = where.rpartition(".")[2]
        told = listed(words, most=8) if isinstance(words, list) else repr(words)
        raise UserError(
            f"{where} is {told}, but only a {' or '.join(kinds)} has {key}, and type is {kind!r}. Delete {key}."
        )
    if not isinstance(words, list) or not words:
        raise UserError(f"{where} is {words!r}; expected a list of one word or more.")
    if any(isinstance(word, bool | float) or word is None for word in words):
        raise UserError(f"{where} is {words!r}; expected words or whole numbers, quoted if they look otherwise.")
    named = tuple(map(str, words))
    if len(set(named)) < len(named):
        raise UserError(f"{where} is {list(named)!r}; expected each value once.")
    return named


def _bound(value: Any, kind: str, where: str) -> float | None:
    if value is None:
        return None
    number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST
    if not number or kind != "number":
        raise UserError(f"{where} is {value!r} (type {kind!r}); expected a finite number, for type number only.")
    return float(value)
