"""Columns made of others by a formula of the params, such as ``log(GrLivArea + TotalBsmtSF)``: no code, and in diffs.

A formula is read by Python's own parser, and only what ``parse`` lists is let through, so nothing else can be called.
It works row by row, so a row alone gives what it gives among others, and sees neither the target nor other rows. Of a
column it takes the number; of a boolean 0 or 1, of a date its days since 1970, of a category its place in the ``order``
that the contract gives, or the number that its words are (``Pclass``). A result is missing where one of its columns is,
or where it is no finite number (a logarithm of 0).
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.contracts.contract import Column, Contract
from features.encoding import columns
from features.errors import UserError, hint, listed, quoted

EXAMPLE = "log(Area + Porch) / Rooms"
_OPERATORS: dict[type[ast.AST], Callable[..., np.ndarray]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Mod: np.mod,
    ast.Pow: np.power,
    ast.USub: np.negative,
    ast.UAdd: np.positive,
    # Of 0 and 1; where one of them is missing, so is the result.
    ast.And: np.minimum,
    ast.Or: np.maximum,
    ast.Not: lambda value: 1.0 - np.sign(np.abs(value)),
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
}
_FUNCTIONS: dict[str, Callable[..., np.ndarray]] = {
    "abs": np.abs,
    "exp": np.exp,
    "floor": np.floor,
    "log": np.log,
    "log1p": np.log1p,
    "sqrt": np.sqrt,
    "max": lambda *values: functools.reduce(np.maximum, values),
    "min": lambda *values: functools.reduce(np.minimum, values),
    "fill": lambda value, other: np.asarray(np.where(np.isnan(value), other, value)),
    "missing": lambda value: np.isnan(value).astype(np.float64),
}
_LARGEST = float(np.finfo(np.float32).max)
# Operations within one another, each of which takes Python's stack a step or two further down, of a thousand.
_DEEPEST = 600
# Letters of a formula that a message repeats.
_SHOWN = 200
# Least and most arguments, where it is not one.
_ARGUMENTS = {"max": (2, 99), "min": (2, 99), "fill": (2, 2)}
# What a column that is no plain word stands between, and words beyond ASCII, of which Python's parser makes others (of
# the micro sign a Greek letter, of an e and its accent one letter).
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|`([^`]+)`|(\w*[^\x00-\x7f](?:\w|[^\x00-\x7f])*)")


@dataclass(frozen=True)
class Formula:
    """A formula as it is written, and what Python reads in it; ``columns``: the names that it takes, each once."""

    text: str
    tree: ast.expr
    columns: tuple[str, ...]
    # The columns that stand between backticks or are beyond ASCII, by the word that the tree has in their place.
    spelt: Mapping[str, str]


def parse(text: str, place: str) -> Formula:
    """The formula ``text``: names of columns (between backticks where they are no plain words), numbers,
    ``+ - * / % **``, parentheses, comparisons (1 or 0; with words in quotes ``==``, ``!=`` and ``in``), ``and or not``,
    and the functions ``abs exp floor log log1p sqrt``, ``min`` and ``max`` of several, ``fill(value, other)`` and
    ``missing(value)``.

    Raises ``UserError`` where it holds anything else; ``place``: of the parameter.
    """
    spelt: dict[str, str] = {}

    def word(found: re.Match[str]) -> str:
        column = found[1] or found[2]
        if column is None:
            return found[0]
        name = f"_quoted_{len(spelt)}_"
        spelt[name] = column
        return name

    try:
        tree = ast.parse(_QUOTED.sub(word, text).strip(), mode="eval").body
        deep = _depth(tree) > _DEEPEST
    except RecursionError:
        deep = True
    except (SyntaxError, ValueError, MemoryError):
        raise _refused(place, text, "it can't be read") from None
    if deep:
        why = f"more than {_DEEPEST} operations wait for one another; put a long sum in parentheses by tens"
        raise _refused(place, text, why)
    names: dict[str, None] = {}
    try:
        _check(tree, names)
    except _Refused as error:
        why = str(error)
        for name, column in spelt.items():
            why = why.replace(name, f"`{column}`")
        raise _refused(place, text, why) from None
    if not names:
        raise _refused(place, text, "it names no column")
    return Formula(text, tree, tuple(dict.fromkeys(spelt.get(name, name) for name in names)), spelt)


class _Refused(Exception):
    """Why a part of a formula is none."""


def _refused(place: str, text: str, why: str) -> UserError:
    return UserError(
        f"{_named(place, text)}: {why}.\nExpected a formula such as {EXAMPLE!r}, with + - * / % ** ( ), comparisons, "
        f"and, or, not, {listed(sorted(_FUNCTIONS))}; a column's name that is no plain word between backticks."
    )


def _named(place: str, text: str) -> str:
    return f"{place} is {quoted(text, _SHOWN)}"


def _depth(tree: ast.AST) -> int:
    """How many operations lie within one another; ``a + b + c`` are two."""
    depth, level = -1, [tree]
    while level:
        depth += 1
        level = [below for node in level for below in ast.iter_child_nodes(node) if isinstance(below, ast.expr)]
    return depth


def _check(node: ast.expr, names: dict[str, None]) -> None:
    """Raises ``_Refused`` on what is no part of a formula; ``names`` gathers the columns."""
    match node:
        case ast.Name():
            names[node.id] = None
        case ast.Constant(value=bool() | str()):
            raise _Refused(f"{node.value!r} stands where a number or a column is due")
        case ast.Constant(value=int() | float() as number):
            if number > _LARGEST:
                raise _Refused(f"a number is beyond the largest that 32 bits hold, {_LARGEST:.1e}")
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() | ast.Not()):
            _check(node.operand, names)
        case ast.BinOp() if type(node.op) in _OPERATORS:
            _check(node.left, names)
            _check(node.right, names)
        case ast.BoolOp():
            for value in node.values:
                _check(value, names)
        case ast.Compare(ops=[_]) if (words := _words(node)) is not None:
            if not isinstance(node.left, ast.Name):
                raise _Refused(f"{listed(map(repr, words))} can only be compared with a column")
            names[node.left.id] = None
        case ast.Compare(ops=[op], comparators=[right]) if type(op) in _OPERATORS:
            _check(node.left, names)
            _check(right, names)
        case ast.Compare(ops=[_, _, *_]):
            raise _Refused("two comparisons in a row; join them by `and`")
        case ast.Call(func=ast.Name(id=function), args=arguments, keywords=[]):
            if function not in _FUNCTIONS:
                raise _Refused(f"there is no function {function!r}{hint(function, _FUNCTIONS).rstrip('.')}")
            least, most = _ARGUMENTS.get(function, (1, 1))
            if not least <= len(arguments) <= most:
                due = {1: "one argument", 2: "two"}[least] + (" or more" if most > least else "")
                raise _Refused(f"{function} takes {due}, not {len(arguments)}")
            for value in arguments:
                _check(value, names)
        case _:
            raise _Refused(f"{ast.unparse(node)!r} is no part of a formula")


def _words(node: ast.Compare) -> list[str] | None:
    """The words that a column is compared with, or None where it is numbers that are."""
    match node:
        case ast.Compare(ops=[ast.Eq() | ast.NotEq()], comparators=[ast.Constant(value=str(word))]):
            return [word]
        case ast.Compare(ops=[ast.In() | ast.NotIn()], comparators=[ast.Tuple(elts=cells) | ast.List(elts=cells)]):
            words = [cell.value for cell in cells if isinstance(cell, ast.Constant) and isinstance(cell.value, str)]
            return words if words and len(words) == len(cells) else None
    return None


def fit(frame: pd.DataFrame, contract: Contract, formulas: Mapping[str, str], place: str) -> list[dict[str, Any]]:
    """The state of each formula by name: what ``apply`` takes. ``frame``: typed rows of train and test.

    Raises ``UserError`` where a formula names no feature of the contract, reckons with words that have no order,
    compares with a word that no cell is, or gives the same in all rows; ``place``: of the parameter that holds the
    formulas.
    """
    features = {column.name: column for column in contract.features}
    made = []
    for name, text in formulas.items():
        formula, where = parse(text, f"{place}.{name}"), f"{place}.{name}"
        for column in formula.columns:
            if column not in features:
                raise UserError(f"{_named(where, text)}: {_no_feature(column, contract)}")
        _check_words(formula, frame, features, _named(where, text))
        states = [_fit_column(features[column], frame[column], contract.file) for column in formula.columns]
        state: dict[str, Any] = {"name": name, "formula": text, "columns": states}
        values = _values(formula, frame, states, where)
        finite = values[np.isfinite(values)]
        if len(finite) == 0 or finite.min() == finite.max() and len(finite) == len(values):
            told = f"{finite[0]:g} in every row" if len(finite) else "no number in any row"
            raise UserError(
                f"{_named(where, text)}, which gives {told}; expected numbers that vary. Correct or delete it."
            )
        made.append({**state, **columns.fit_number(pd.Series(values))})
    return made


def seen(switches: Mapping[str, bool], made: Mapping[str, str], place: str) -> dict[str, bool]:
    """``switches`` of features (false: left out), on for those that a formula of ``made`` takes which is itself on: by
    these rows differ to a network, too. Raises ``UserError`` of a formula that is none; ``place`` as of ``fit``."""
    taken = {
        column: True
        for name, text in made.items()
        if switches.get(name, True)
        for column in parse(text, f"{place}.{name}").columns
    }
    return {**switches, **taken}


def _check_words(formula: Formula, frame: pd.DataFrame, features: Mapping[str, Column], place: str) -> None:
    """Raises ``UserError`` where a column is compared with a word that none of its cells can be: the comparison would
    be 0 everywhere, and a sum with it would show nothing of that."""
    for node in ast.walk(formula.tree):
        match node:
            case ast.Compare(left=ast.Name(id=name)) if (words := _words(node)) is not None:
                column = features[formula.spelt.get(name, name)]
                if column.type == "number":
                    raise UserError(f"{place}: {column.name!r} holds numbers; compare it with one, without quotes.")
                known = sorted({*frame[column.name].dropna(), *(column.values or ())})
                for word in words:
                    if word not in known:
                        raise UserError(
                            f"{place}: no cell of {column.name!r} is {word!r}{hint(word, known)} "
                            f"Known: {listed(map(repr, known), most=12)}."
                        )


def _fit_column(column: Column, cells: pd.Series, file: str) -> dict[str, Any]:
    """``digits``: whether a category's words are numbers, all of them."""
    state = columns.fit(column, cells, file)
    if column.type == "category":
        state["digits"] = bool(pd.to_numeric(cells.dropna(), errors="coerce").notna().all())
    return state


def apply(frame: pd.DataFrame, states: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
    """The columns ``[n] float64`` by name, NaN where missing; skewed ones as logarithm, like every number."""
    found: dict[str, np.ndarray] = {}
    for state in states:
        name = state["name"]
        values = _values(parse(state["formula"], name), frame, state["columns"], name)
        found |= columns.parts_number(name, pd.Series(values), state).numbers
    return found


def sources(states: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """The table's columns that each formula takes."""
    return {state["name"]: tuple(column["name"] for column in state["columns"]) for state in states}


def _no_feature(name: str, contract: Contract) -> str:
    there = {column.name: column.role for column in contract.columns}
    if name in there:
        return f"{name!r} has role {there[name]!r} in {contract.file}; expected a column of role feature."
    known = [column.name for column in contract.features]
    return f"there is no column {name!r}{hint(name, known)} Known: {listed(known, most=12)}."


def _values(formula: Formula, frame: pd.DataFrame, states: Sequence[Mapping[str, Any]], place: str) -> np.ndarray:
    """The formula's result ``[n] float64``, NaN where it is missing or no number that 32 bits hold."""
    by_name = {state["name"]: state for state in states}

    def state_of(node: ast.Name) -> Mapping[str, Any]:
        return by_name[formula.spelt.get(node.id, node.id)]

    def value(node: ast.expr) -> np.ndarray:
        match node:
            case ast.Name():
                return _numbers(frame, state_of(node), _named(place, formula.text))
            case ast.Constant(value=int() | float() as number):
                return np.full(len(frame), float(number))
            case ast.UnaryOp():
                return _OPERATORS[type(node.op)](value(node.operand))
            case ast.BinOp():
                return _OPERATORS[type(node.op)](value(node.left), value(node.right))
            case ast.BoolOp():
                return functools.reduce(_OPERATORS[type(node.op)], [np.sign(np.abs(value(one))) for one in node.values])
            case ast.Compare(left=ast.Name() as left) if (words := _words(node)) is not None:
                cells = frame[state_of(left)["name"]]
                alike = cells.isin(words).to_numpy() == isinstance(node.ops[0], ast.Eq | ast.In)
                return np.where(cells.isna().to_numpy(), np.nan, alike)
            case ast.Compare():
                one, other = value(node.left), value(node.comparators[0])
                said = _OPERATORS[type(node.ops[0])](one, other)
                return np.where(np.isnan(one) | np.isnan(other), np.nan, said)
            case ast.Call(func=ast.Name(id="missing"), args=[ast.Name() as column]):
                return frame[state_of(column)["name"]].isna().to_numpy(np.float64)
            case ast.Call(func=ast.Name(id=function)):
                return _FUNCTIONS[function](*(value(one) for one in node.args))
        raise AssertionError(f"{node} has passed _check")

    with np.errstate(all="ignore"):
        found = value(formula.tree)
    return np.where(np.abs(found) <= _LARGEST, found, np.nan)


def _numbers(frame: pd.DataFrame, state: Mapping[str, Any], place: str) -> np.ndarray:
    """A column as numbers. Raises ``UserError`` where it holds words without an order."""
    name, kind = state["name"], state["type"]
    cells = frame[name]
    if kind == "number":
        return cells.to_numpy(np.float64)
    if kind in ("boolean", "presence"):
        return columns.PARTS[kind](name, cells, state).numbers[name]
    if kind == "date":
        days = {**state, "first": "1970-01-01", "parts": ["days"]}
        return columns.parts_date(name, cells, days).numbers[f"{name} days"]
    if kind == "category" and "order" in state:
        return columns.ranks(cells, state["order"])
    if kind == "category" and state["digits"]:
        return pd.to_numeric(cells, errors="coerce").to_numpy(np.float64)
    raise UserError(
        f"{place}: the column {name!r} holds words; expected numbers, or a comparison ({name} == 'word'). If its words "
        "are a scale, give it an `order` in the contract."
    )
