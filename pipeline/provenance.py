"""What made a result, as dvc.lock tells it: the parameters of every stage behind a file, once nothing has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from features.errors import UserError
from pipeline.params import read_document


def parameters_of(file: Path, lock: Path, params: Path) -> dict[str, Any]:
    """The parameters, by dotted key, of the stages that led to ``file``.

    Raises ``UserError`` where the file, its code, its data or its parameters are no longer those of the recorded run:
    then nobody could say what was sent. Data that is not on this computer is left aside.
    """
    stages: dict[str, Any] = read_document(lock).get("stages") or {}
    outs = {out["path"]: (name, out["md5"]) for name, stage in stages.items() for out in stage.get("outs", [])}
    if file.as_posix() not in outs:
        raise UserError(f"{file}: no stage in {lock} has made it. Run `dvc repro`.")
    document, found, seen = read_document(params), {}, set()
    waiting, changed = [outs[file.as_posix()][0]], _changed(file, outs[file.as_posix()][1])
    while waiting:
        stage = stages[waiting.pop()]
        for dep in stage.get("deps", []):
            made = _made_by(dep["path"], outs)
            if made == dep["path"]:  # what one stage wrote and the next one read
                changed += [dep["path"]] if outs[made][1] != dep["md5"] else []
            else:
                changed += _changed(Path(dep["path"]), dep["md5"])
            if made and outs[made][0] not in seen:
                seen.add(outs[made][0])
                waiting.append(outs[made][0])
        for key, value in (stage.get("params", {}).get(params.name) or {}).items():
            found.update(flat(value, key))
            if _at(document, key) != value:
                changed.append(f"{params}: {key}")
    if changed:
        raise UserError(
            f"{file}: changed since the run that made it: {', '.join(sorted(set(changed))[:3])}. "
            f"Run `dvc repro` first, so that what is sent is what the parameters make."
        )
    return found


def flat(value: Any, key: str) -> dict[str, Any]:
    """Leaves by dotted key; an empty mapping is no leaf, a list is one."""
    if not isinstance(value, Mapping):
        return {key: value}
    return {name: leaf for part, inner in value.items() for name, leaf in flat(inner, f"{key}.{part}").items()}


def _changed(path: Path, digest: str) -> list[str]:
    if not path.is_file():
        return []
    with path.open("rb") as file:
        same = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest() == digest
    return [] if same else [path.as_posix()]


def _made_by(path: str, outs: Mapping[str, Any]) -> str | None:
    """The out that is ``path`` or the folder that holds it."""
    for candidate in (path, *map(Path.as_posix, Path(path).parents)):
        if candidate in outs:
            return candidate
    return None


def _at(document: Mapping[str, Any], key: str) -> Any:
    value: Any = document
    for part in key.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value
