"""Contracts for the tests: as mappings, with changes of single entries."""

from __future__ import annotations

from typing import Any

from features.contracts.contract import Contract

MAPPING: dict[str, Any] = {
    "columns": {
        "id": {"role": "id", "type": "text"},
        "y": {"role": "target", "type": "category", "values": [0, 1]},
        "x": {"role": "feature", "type": "number", "minimum": 0, "maximum": 10, "integer": True, "nullable": False},
        "c": {"role": "feature", "type": "category", "values": [1, 2, 3]},
        "t": {"role": "feature", "type": "text"},
    }
}
# With columns that are taken apart.
APART: dict[str, Any] = {
    "columns": {
        "side": {"role": "feature", "type": "category", "values": ["P", "S"]},
        "id": {"role": "id", "type": "text", "separator": "_", "parts": ["who", "number"]},
        "who": {"role": "group", "type": "text"},
        "number": {"role": "feature", "type": "number", "nullable": False},
        "y": {"role": "target", "type": "category"},
        "cabin": {"role": "ignore", "type": "text", "separator": "/", "parts": ["deck", "place", "side"],
                  "missing": ["none"]},
        "deck": {"role": "feature", "type": "category"},
        "place": {"role": "feature", "type": "number", "maximum": 99},
    }
}  # fmt: skip


def changed(column: str, **entry: Any) -> dict[str, Any]:
    """``MAPPING`` with other rules for one column."""
    columns = {name: dict(rules) for name, rules in MAPPING["columns"].items()}
    columns[column] |= entry
    return {"columns": columns}


def composed(column: str, **entry: Any) -> dict[str, Any]:
    """``APART`` with other rules for one column."""
    return {"columns": {name: rules | (entry if name == column else {}) for name, rules in APART["columns"].items()}}


def grouped(**changes: Any) -> Contract:
    """A contract with a column ``who`` whose rows belong together, and changes of its rules."""
    columns = {"id": {"role": "id", "type": "text"}, "y": {"role": "target", "type": "number"}}
    return Contract.from_mapping({"columns": columns | {"who": {"role": "group", "type": "text"} | changes}}, "f.yaml")
