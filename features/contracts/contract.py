"""What a table must be: role, type, allowed values, range and nullability of each column, declared once.

The Great Expectations suite, the type conversion, the encoders and the messages all derive from it. What a column's
entry may say: ``features.contracts.entry``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.contracts.composite import several, taken_apart
from features.contracts.entry import Column, check_parts, read_entry, written_entry
from features.contracts.faults import ContractError, Fault, counted, fault_at, faults_at
from features.contracts.spelling import numbers_of
from features.contracts.words import words
from features.errors import UserError, aside, listed, nearest

# Columns that a file lacks, or has beyond the contract, that are told one by one; of more, so many are named.
NAMES_TOLD, NAMES_SHOWN = 3, 8


@dataclass(frozen=True)
class Contract:
    """The columns of one table, in their order. ``file`` is where a person edits it and is named in cures."""

    columns: tuple[Column, ...]
    file: str = "contract"

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], file: str) -> Contract:
        """Read ``{"columns": {name: {role, ...}}}``; raises ``UserError`` on unknown keys and impossible rules."""
        for key in mapping:
            if key != "columns":
                raise UserError(f"{file}: unknown key {key!r}{aside(str(key), ['columns'])}. Known: columns.")
        raw = mapping.get("columns")
        if not isinstance(raw, Mapping) or not raw:
            raise UserError(f"{file}: columns is {raw!r}; expected an entry for each column of the table.")
        columns = tuple(read_entry(str(name), entry, file) for name, entry in raw.items())
        for role in ("id", "target"):
            named = [c.name for c in columns if c.role == role]
            if len(named) != 1:
                raise UserError(
                    f"{file}: {len(named)} columns have role {role!r} ({', '.join(named) or 'none'}); "
                    "expected exactly one."
                )
        named = [c.name for c in columns if c.role == "group"]
        if len(named) > 1:
            raise UserError(
                f"{file}: {len(named)} columns have role 'group' ({', '.join(named)}); expected one at most. Keep the "
                "one with the largest groups of rows, and set `role: ignore` for the others."
            )
        check_parts(columns, file)
        return cls(columns, file)

    def to_mapping(self) -> dict[str, Any]:
        """What ``from_mapping`` reads, rules that hold by default left out."""
        return {"columns": {column.name: written_entry(column) for column in self.columns}}

    @property
    def id(self) -> str:
        """The name of the id column."""
        return next(c.name for c in self.columns if c.role == "id")

    @property
    def target(self) -> str:
        """The name of the target column."""
        return next(c.name for c in self.columns if c.role == "target")

    @property
    def grouping(self) -> str | None:
        """The name of the column whose rows with one value belong together, where there is one."""
        return next((c.name for c in self.columns if c.role == "group"), None)

    def without(self, name: str) -> Contract:
        """The contract of a table that lacks the column ``name``."""
        return Contract(tuple(c for c in self.columns if c.name != name), self.file)

    @property
    def features(self) -> tuple[Column, ...]:
        """The columns a network may learn from."""
        return tuple(c for c in self.columns if c.role == "feature")

    def column(self, name: str) -> Column:
        """The column called ``name``; raises ``KeyError``."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def part_of(self) -> dict[str, Column]:
        """The column that a part is taken out of, by the part's name."""
        return {part: column for column in self.columns for part in column.parts}

    def expected_columns(self, with_target: bool) -> tuple[Column, ...]:
        """The columns of a typed table, in contract order."""
        return tuple(c for c in self.columns if with_target or c.role != "target")

    def file_columns(self, with_target: bool) -> tuple[Column, ...]:
        """The columns a file must hold, in contract order: those of a typed table that are no part of another."""
        parts = self.part_of
        return tuple(c for c in self.expected_columns(with_target) if c.name not in parts)

    def typed(self, frame: pd.DataFrame, file: str, with_target: bool) -> pd.DataFrame:
        """``frame`` (``[n, any]`` of strings) in contract order and types; reordered columns are put right.

        Numbers become ``float64`` with NaN where missing, everything else ``object`` of ``str`` with NaN where missing.
        Raises ``ContractError`` on missing or extra columns, on text where a number is due (of a column that is ignored
        it is missing), and on cells that can't be taken apart as the contract says.
        """
        faults = self._column_faults(frame, file, with_target)
        if faults:
            raise ContractError(faults)
        built: dict[str, pd.Series] = {}
        raw = {c.name: frame[c.name].reset_index(drop=True) for c in self.file_columns(with_target)}
        faults = self._take_apart(raw, file, with_target)
        for column in self.expected_columns(with_target):
            if column.type == "number":
                built[column.name], wrong = numbers_of(raw[column.name], column.spelling)
                if wrong.any() and column.role != "ignore":
                    faults.append(self._no_numbers(column, raw[column.name], wrong, file))
            else:
                built[column.name] = words(raw[column.name], column)
        if faults:
            raise ContractError(faults)
        return pd.DataFrame(built)

    def _no_numbers(self, column: Column, cells: pd.Series, wrong: np.ndarray, file: str) -> Fault:
        """Text in a column of numbers, with the cure that its signs suggest."""
        empty = "leave them empty, or name them under `missing`"
        if not column.nullable:
            empty = "set `nullable: true` and leave them empty or name them under `missing`"
        other = "add their unit to `units`" if column.spelling.units else "set `type: category`"
        cure = f"Correct the cells, {empty}, or {other}, for it in {self.file}."
        if column.role == "target":
            cure = "Correct the cells or delete the rows."
        spelling = column.spelling
        if "," not in (spelling.decimal, spelling.thousands) and any("," in str(v) for v in cells[wrong]):
            cure = (
                "Write the decimal sign as a point, or say how numbers are written (`decimal`, `thousands`) for it in "
                f"{self.file}."
            )
        elif spelling.thousands == "." and any("." in str(v) for v in cells[wrong]):
            cure = (
                "Points stand between thousands in this column, so write the decimal sign as a comma, or correct "
                f"`decimal` and `thousands` for it in {self.file}."
            )
        problem = counted(wrong, "cell is", "cells are") + " text"
        around = spelling.prefix or spelling.suffix or spelling.units
        expected = column.expected + (f", with {spelling.signs}" if around else "")
        return fault_at(file, cells, wrong, expected, problem=problem, cure=cure, check="type")

    def faults(self, frame: pd.DataFrame, file: str, with_target: bool) -> list[Fault]:
        """What a typed frame (``typed``'s result) breaks: nullability, ranges, values and uniqueness, column by column.

        Infinities belong to ``features.validation.checks``. A feature's unknown category is a warning in a file without
        the target, since encoders give it a code of its own."""
        found: list[Fault] = []
        asked = self._asked_for(with_target)
        for column in self.expected_columns(with_target):
            cells = frame[column.name]
            missing = cells.isna().to_numpy()
            if column.name in asked:
                # A whole that is empty has no parts, and is told by itself.
                owner = self.part_of.get(column.name)
                gone = missing if owner is None else missing & frame[owner.name].notna().to_numpy()
                found += self._missing_faults(column, cells, gone, file)
            if column.role == "ignore":
                continue
            found += self._value_faults(column, cells, missing, file, with_target)
            if not with_target and column.parts and _may_be_unseen(column):
                found += self._parts_lost(column, cells, file)
            if column.unique:
                doubles = (cells.duplicated(keep="first") & cells.notna()).to_numpy()
                problem = counted(doubles, "value stands", "values stand") + " there a second time"
                cure = "Delete or renumber the doubled rows."
                found += faults_at(file, cells, doubles, "each value once", check="unique", problem=problem, cure=cure)
        return found

    def _asked_for(self, with_target: bool) -> set[str]:
        """The columns that may not be empty: by their own rule, or by that of a part that some stage asks for."""
        asked = [c for c in self.expected_columns(with_target) if c.role != "ignore" and not c.nullable]
        for column in asked:  # the list grows while it is gone through
            asked += [owner] if (owner := self.part_of.get(column.name)) is not None else []
        return {column.name for column in asked}

    def _missing_faults(self, column: Column, cells: pd.Series, missing: np.ndarray, file: str) -> list[Fault]:
        """Of ``cells`` that are ``missing [n]`` and may not be."""
        cure, expected = "Fill the cells or delete the rows", column.expected
        if column.role == "id":
            expected = "an id in every row"
        elif column.parts:
            expected = several(column.separator, len(column.parts))
            cure += f", or set `nullable: true` for it and its parts in {self.file}"
        elif column.role == "feature":
            cure += f", or set `nullable: true` for it in {self.file}"
        problem = counted(missing, "value is", "values are") + " missing"
        return faults_at(file, cells, missing, expected, check="not_null", problem=problem, cure=f"{cure}.")

    def _value_faults(
        self, column: Column, cells: pd.Series, missing: np.ndarray, file: str, with_target: bool
    ) -> list[Fault]:
        expected = column.expected
        if column.type == "number":
            values = cells.to_numpy(float)
            outside = np.zeros(len(values), bool)
            if column.minimum is not None:
                outside |= values < column.minimum
            if column.maximum is not None:
                outside |= values > column.maximum
            if column.integer:
                outside |= values != np.floor(values)
            outside &= np.isfinite(values)
            cure = f"Correct the cells, or widen the rule in {self.file}."
            problem = counted(outside, "value is", "values are") + " out of range"
            return faults_at(file, cells, outside, expected, problem=problem, cure=cure, check="range")
        if column.values is None:
            return []
        unknown = ~(cells.isin(column.values).to_numpy() | missing)
        harmless = column.role == "feature" and not with_target
        key = "the value to `values`" if column.order is None else "it to `values`, or to `order` if it has a rank,"
        cure = "They are encoded as unseen." if harmless else f"Correct the cells, or add {key} in {self.file}."
        problem = counted(unknown, "value is", "values are") + " not allowed"
        return faults_at(file, cells, unknown, expected, problem=problem, cure=cure, check="values", warning=harmless)

    def _take_apart(self, cells: dict[str, pd.Series], file: str, with_target: bool) -> list[Fault]:
        """Adds the parts to the ``cells`` of a file's columns; what is wrong where cells have another form. In a file
        without the target, a feature's unknown category may have one, or words where a part is a number, if its parts
        may be missing: ``faults`` tells of it."""
        faults: list[Fault] = []
        left = [column for column in self.columns if column.parts]
        while left:
            # A part may have parts itself, and stand anywhere.
            column = next(c for c in left if c.name in cells)
            left.remove(column)
            whole = words(cells[column.name], column)
            found, wrong = taken_apart(whole, column.separator, len(column.parts))
            cells |= {part: pd.Series(one, name=part) for part, one in zip(column.parts, found, strict=True)}
            # Of rows to predict, what only says which rows belong together is not asked for.
            parts = [c for c in self.columns if c.name in column.parts]
            needed = any(c.role != "ignore" or c.parts for c in parts)
            if not with_target and _may_be_unseen(column) and all(c.nullable for c in parts):
                for part in (c for c in parts if c.type == "number"):
                    cells[part.name] = cells[part.name].mask(numbers_of(cells[part.name], part.spelling)[1])
                continue
            if needed:
                cure = "Correct the cells, leave them empty, or name them under `missing`, "
                if not column.nullable:
                    cure = "Correct the cells, or delete `separator`, `parts` and the parts' own entries, "
                faults += _of_another_form(column, whole, wrong, file, f"{cure}for it in {self.file}.")
        return faults

    def _parts_lost(self, column: Column, cells: pd.Series, file: str) -> list[Fault]:
        """Of a category's ``cells`` in a file without the target: which have no parts, or words where one is a number,
        and were let through by ``_take_apart``."""
        found, wrong = taken_apart(cells, column.separator, len(column.parts))
        faults = _of_another_form(column, cells, wrong, file, "Their parts count as missing.", warning=True)
        of_part = dict(zip(column.parts, found, strict=True))
        for part in (c for c in self.columns if c.name in of_part and c.type == "number"):
            words = pd.Series(of_part[part.name], name=part.name)
            text = numbers_of(words, part.spelling)[1]
            told = {"check": "parts", "problem": counted(text, "cell is", "cells are") + " text", "warning": True}
            faults += faults_at(file, words, text, part.expected, cure="They count as missing.", **told)
        return faults

    def _column_faults(self, frame: pd.DataFrame, file: str, with_target: bool) -> list[Fault]:
        expected = [c.name for c in self.file_columns(with_target)]
        have = [str(name) for name in frame.columns]
        header = f"the columns {listed(expected, most=NAMES_SHOWN)}"
        faults: list[Fault] = []
        missing = [name for name in expected if name not in have]
        extra = [name for name in have if name not in expected]
        if not with_target and self.target in extra:
            extra.remove(self.target)
            cells, due = frame[self.target], "all columns of the training file but the target"
            problem, cure = "the test file holds the target", "Delete the column; were train and test exchanged?"
            faults.append(fault_at(file, cells, cells.notna(), due, problem=problem, cure=cure, check="columns"))
        likely = {name: nearest(name, extra, cutoff=0.6) for name in missing}
        lacking = [name for name, near in likely.items() if not near]
        if len(lacking) > NAMES_TOLD:
            cure = "Add them, or give the file that has them."
            faults.append(self._of_header(file, lacking, "are missing in row 1, the header", len(expected), cure))
            likely = {name: near for name, near in likely.items() if near}
        for name, near in likely.items():
            problem = "the column is missing in row 1, the header" + (f" (there is {near!r})" if near else "")
            cure = "Add it." if name in (self.id, self.target) else f"Add it, or take it out of {self.file}."
            if near:
                cure = f"Rename {near!r} or add the column."
            fault = Fault(file=file, column=name, count=0, expected=header, problem=problem, cure=cure, check="columns")
            faults.append(fault)
        foreign = [name for name in extra if not any(nearest(m, [name], cutoff=0.6) for m in missing)]
        if len(foreign) > NAMES_TOLD:
            cure = "Delete them, or add them there (`role: ignore` keeps one out)."
            return [*faults, self._of_header(file, foreign, "are not in the contract", len(expected), cure)]
        for name in foreign:
            cells, problem = frame[name], "the column is not in the contract"
            cure = f"Delete it, or add it to {self.file} (`role: ignore` keeps it out)."
            if name in self.part_of:
                problem = f"by the contract it is no column of the file, but a part of {self.part_of[name].name!r}"
                cure = f"Delete it, or name the part otherwise in {self.file}."
            everywhere = np.ones(len(cells), bool)
            faults.append(fault_at(file, cells, everywhere, header, problem=problem, cure=cure, check="columns"))
        return faults

    def _of_header(self, file: str, names: Sequence[str], problem: str, expected: int, cure: str) -> Fault:
        """The one fault of several columns called ``names``, too many to be told each."""
        return Fault(
            file=file,
            column="",
            count=len(names),
            problem=f"columns {listed(map(repr, names), most=NAMES_SHOWN)} {problem}",
            expected=f"the {expected} columns of {self.file}",
            cure=cure,
            check="columns",
        )


def _may_be_unseen(column: Column) -> bool:
    """Whether a cell that the contract does not list is an unseen category, as it is in files without the target."""
    return column.role == "feature" and column.values is not None


def _of_another_form(
    column: Column, cells: pd.Series, wrong: np.ndarray, file: str, cure: str, warning: bool = False
) -> list[Fault]:
    """Of cells ``wrong [n]`` that can't be taken apart into the column's parts."""
    problem = counted(wrong, "cell", "cells") + " can't be taken apart"
    expected = several(column.separator, len(column.parts))
    return faults_at(file, cells, wrong, expected, problem=problem, cure=cure, check="parts", warning=warning)


def reordered(contract: Contract, frame: pd.DataFrame, with_target: bool) -> bool:
    """Whether the columns are the contract's in another order."""
    return [str(n) for n in frame.columns] != [c.name for c in contract.file_columns(with_target)]
