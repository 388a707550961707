"""What made a result, as dvc.lock tells it: the parameters of every stage behind a file, once nothing has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from features.errors import UserError, listed, quoted
from pipeline.params import read_document


def parameters_of(file: Path, lock: Path, params: Path) -> dict[str, Any]:
    """The parameters, by dotted key, of the stages that led to ``file``.

    Raises ``UserError`` where the file, its code, its data or its parameters are no longer those of the recorded run:
    then nobody could say what was sent. Data that is not on this computer is left aside.
    """
    stages = checked_lock(read_document(lock), str(lock)).get("stages") or {}
    outs = _outs(stages)
    if file.as_posix() not in outs:
        raise UserError(f"{file}: no stage in {lock} has made it. Run `dvc repro`.")
    document = read_document(params)
    behind = stages_behind(file, stages).values()
    found = recorded(behind, params.name)
    changed = _changed(file, outs[file.as_posix()][1]) + changed_files(behind) + made_anew(behind, stages)
    changed += [f"{params}: {key}" for key in changed_since(behind, document, params.name)]
    if changed:
        raise UserError(
            f"{file}: changed since the run that made it: {listed(sorted(set(changed)), 3)}. "
            f"Run `dvc repro` first, so that what is sent is what the parameters make."
        )
    return found


def checked_lock(lock: dict[str, Any], where: str) -> dict[str, Any]:
    """The content of a dvc.lock, called ``where``. Raises ``UserError`` where it is shaped otherwise than DVC does."""
    for name, stage in _shaped(lock.get("stages") or {}, dict, f"{where}: stages").items():
        place = f"{where}: stages.{name}"
        _shaped(stage, dict, place)
        for key in ("deps", "outs"):
            for one in _shaped(stage.get(key, []), list, f"{place}.{key}"):
                _shaped(_shaped(one, dict, f"{place}.{key}").get("path"), str, f"{place}.{key}: path")
                _shaped(one.get("md5", ""), str, f"{place}.{key}: md5")
        for file, params in _shaped(stage.get("params", {}), dict, f"{place}.params").items():
            _shaped(params or {}, dict, f"{place}.params.{file}")
    return lock


def _shaped(value: Any, kind: type, where: str) -> Any:
    """``value``, which is of the ``kind``: dict, list or str."""
    if not isinstance(value, kind):
        expected = "keys and values" if kind is dict else "a list" if kind is list else "a word"
        raise UserError(
            f"{where} is {quoted(str(value))}; expected {expected}, as DVC writes it. Restore dvc.lock from Git, or "
            "run `dvc repro`."
        )
    return value


def stages_behind(file: Path, stages: Mapping[str, Any]) -> dict[str, Any]:
    """Of the ``stages`` of a dvc.lock, by name, the one that wrote ``file``, and all whose outs led to that; none where
    none did."""
    outs = _outs(stages)
    waiting = [outs[file.as_posix()][0]] if file.as_posix() in outs else []
    seen = dict.fromkeys(waiting)
    while waiting:
        for dep in stages[waiting.pop()].get("deps", []):
            made = _made_by(dep["path"], outs)
            if made and outs[made][0] not in seen:
                seen[outs[made][0]] = None
                waiting.append(outs[made][0])
    return {name: stages[name] for name in seen}


def _outs(stages: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """By the path of each out: the stage that wrote it, and its hash ("" where dvc.lock has none)."""
    return {out["path"]: (name, out.get("md5", "")) for name, stage in stages.items() for out in stage.get("outs", [])}


def changed_files(behind: Collection[Mapping[str, Any]]) -> list[str]:
    """The files that the stages ``behind`` a file have read otherwise than they are here: code and data, but for what
    one of the stages wrote, and data that is not on this computer."""
    written = {out["path"] for stage in behind for out in stage.get("outs", [])}
    deps = [dep for stage in behind for dep in stage.get("deps", []) if dep["path"] not in written]
    read = {dep["path"]: dep["md5"] for dep in deps if "md5" in dep}
    return [path for path, digest in sorted(read.items()) if _changed(Path(path), digest)]


def made_anew(behind: Iterable[Mapping[str, Any]], stages: Mapping[str, Any]) -> list[str]:
    """What one of the ``stages`` of a dvc.lock has written otherwise than one of those ``behind`` a file read it: a run
    broke off between the two."""
    outs = _outs(stages)
    deps = [dep for stage in behind for dep in stage.get("deps", []) if dep["path"] in outs]
    return sorted({dep["path"] for dep in deps if outs[dep["path"]][1] != dep.get("md5", "")})


def recorded(stages: Iterable[Mapping[str, Any]], params: str) -> dict[str, Any]:
    """The parameters that ``stages`` have from the file ``params``, by dotted key."""
    return {
        name: leaf
        for stage in stages
        for key, value in (stage.get("params", {}).get(params) or {}).items()
        for name, leaf in flat(value, key).items()
    }


def changed_since(stages: Iterable[Mapping[str, Any]], document: Mapping[str, Any], params: str) -> list[str]:
    """Dotted keys that the ``document`` has otherwise than ``stages`` had them from the file ``params``."""
    return sorted(
        {
            one
            for stage in stages
            for key, value in (stage.get("params", {}).get(params) or {}).items()
            for one in _differing(value, _at(document, key), key)
        }
    )


def stages_of(file: Path, content: bytes, lock: Mapping[str, Any]) -> dict[str, Any]:
    """The stages behind ``file`` in a dvc.lock, by name; none where another run, which that does not know, wrote its
    ``content``."""
    stages = lock.get("stages") or {}
    if _outs(stages).get(file.as_posix(), ("", ""))[1] != hashlib.md5(content, usedforsecurity=False).hexdigest():
        return {}
    return stages_behind(file, stages)


def outdated(behind: Mapping[str, Any], lock: Mapping[str, Any], document: Mapping[str, Any], params: str) -> list[str]:
    """What has changed since a run of the stages ``behind`` a file: dotted keys of the ``document`` of the file
    ``params``, and what, by the dvc.lock that has them, a run that broke off has made anew."""
    return [*changed_since(behind.values(), document, params), *made_anew(behind.values(), lock.get("stages") or {})]


def read_otherwise(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, list[str]]:
    """By path the stages, of two runs' by name, that have read another content of it, or one of them none; what a stage
    wrote is left aside."""
    old, new = (
        {(dep["path"], name): dep.get("md5") for name, stage in run.items() for dep in stage.get("deps", [])}
        for run in (a, b)
    )
    written, found = _outs(a) | _outs(b), dict[str, list[str]]()
    for path, name in sorted(old.keys() | new.keys()):
        if path not in written and old.get((path, name)) != new.get((path, name)):
            found.setdefault(path, []).append(name)
    return found


def flat(value: Any, key: str) -> dict[str, Any]:
    """Leaves by dotted key; an empty mapping is no leaf, a list is one."""
    if not isinstance(value, Mapping):
        return {key: value}
    return {name: leaf for part, inner in value.items() for name, leaf in flat(inner, f"{key}.{part}").items()}


def _differing(old: Any, new: Any, key: str) -> list[str]:
    """The deepest dotted keys below ``key`` that hold all that differs, also where that is an empty mapping."""
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        return [] if old == new else [key]
    one_only = [f"{key}.{part}" for part in old.keys() ^ new.keys()]
    shared = [name for part in old.keys() & new.keys() for name in _differing(old[part], new[part], f"{key}.{part}")]
    return one_only + shared


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
