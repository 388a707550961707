"""dvc.yaml names every parameter that a stage's code reads, and no other: one that is changed runs what depends on it.

Read from the code, function by function from a stage's module on, so that what only some tables need counts, too.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pipeline.params import _OWN_KEYS, read_document

ROOT = Path(__file__).resolve().parents[2]
DVC: dict[str, Any] = read_document(ROOT / "dvc.yaml")["stages"]
STAGES = {name: entry.get("do", entry) for name, entry in DVC.items()}
# It reads the whole file for everyone. What it compares there ends a run, and is the stage `check`'s to read again.
READER = "pipeline/params.py"
# What `load` returns goes by these names, see below; what follows is a block, and a key of it.
NAMES = ("params", "_params")


@cache
def top_level(file: str) -> tuple[dict[str, ast.stmt], dict[str, tuple[str, str]]]:
    """By name what a file defines, and what it imports of the project: from which file, and as what there ("" for a
    module)."""
    tree = ast.parse((ROOT / file).read_text())
    defined: dict[str, ast.stmt] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            defined[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            defined |= {target.id: node for target in targets if isinstance(target, ast.Name)}
    imported = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                for path, name in ((f"{node.module}.{alias.name}", ""), (node.module, alias.name)):
                    other = path.replace(".", "/") + ".py"
                    if (ROOT / other).exists():
                        imported[alias.asname or alias.name] = (other, name)
                        break
    return defined, imported


def reached(file: str) -> list[ast.stmt]:
    """All that a file defines, and all of the project that this names, directly or not."""
    found: dict[tuple[str, str], ast.stmt] = {}
    waiting = [(file, name) for name in top_level(file)[0]]
    while waiting:
        file, name = place = waiting.pop()
        defined, imported = top_level(file)
        if place in found or file == READER or name not in defined:
            continue
        found[place] = defined[name]
        for node in ast.walk(defined[name]):
            if isinstance(node, ast.Name):
                waiting.append(imported.get(node.id, (file, node.id)))
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                waiting.append((imported.get(node.value.id, ("", ""))[0] or file, node.attr))
    return list(found.values())


def keys_of(code: ast.AST) -> Iterator[str]:
    """Dotted keys that the code takes of a competition's parameters or asks the reader for; of a block that it hands on
    or gives another name the block's."""
    outer = {id(node.value): node for node in ast.walk(code) if isinstance(node, ast.Attribute | ast.Subscript)}
    for node in ast.walk(code):
        words = ast.unparse(node).split(".") if isinstance(node, ast.Attribute) else []
        after = [place + 1 for place, word in enumerate(words) if word in NAMES and "arguments" not in words[:place]]
        if after and id(node) not in outer:
            yield ".".join(words[after[0] : after[0] + 2])
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "load_block":
            yield ast.literal_eval(node.args[1])
            if id(node) not in outer:  # else it is [1], the block without the seed
                yield "seed"
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "load_source":
            name = ast.literal_eval(node.args[1]) if isinstance(node.args[1], ast.Constant) else "${key}"
            taken = outer.get(id(node))
            yield f"sources.{name}" + (f".{taken.attr}" if isinstance(taken, ast.Attribute) else "")


def places(stage: str) -> set[str]:
    """Where params.yaml has what a stage reads: in a general block, and in the competition's entry."""
    read = {key for code in reached(f"pipeline/{stage}.py") for key in keys_of(code)} - {"", "name"}
    own = {key for key in read if key != "seed"} if DVC[stage].get("foreach") == "${competitions}" else set()
    alone = {f"{block}.{key}" for block, keys in _OWN_KEYS.items() for key in keys}
    general = {key for key in read if key.split(".")[0] != "table" and key not in alone}
    return general | {f"competitions.${{key}}.{key}" for key in own}


def holds(outer: str, inner: str) -> bool:
    return inner == outer or inner.startswith(f"{outer}.")


@pytest.mark.parametrize("stage", [name for name in STAGES if name != "check"])
def test_a_stage_names_the_parameters_that_it_reads(stage: str) -> None:
    read, named = places(stage), STAGES[stage]["params"]
    assert sorted(key for key in read if not any(holds(one, key) for one in named)) == []
    needless = [one for one in named if not any(holds(one, key) or holds(key, one) for key in read)]
    assert needless == []


def test_parameters_go_by_one_name() -> None:
    """By which the code that reads them is found."""
    for path in ROOT.glob("pipeline/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.arg | ast.AnnAssign) and ast.unparse(node.annotation or node) == "Params":
                name = node.arg if isinstance(node, ast.arg) else ast.unparse(node.target)
                assert name == "params", f"{path.name}: {name}"


def test_what_code_reads_is_found() -> None:
    code = """
def one(arguments):
    params = load(arguments.params, arguments.competition)
    seed, block = load_block(arguments.params, "imdb")
    return params.tune.epochs, params.seed, load_source(arguments.params, "imdb").files

class Other:
    def read(self):
        settings = self._params.ensemble
        return settings.bags, self.trained.params.train.clip, load_block(arguments.params, "labs")[1]
"""
    assert sorted(set(keys_of(ast.parse(code)))) == [
        "ensemble", "imdb", "labs", "seed", "sources.imdb.files", "train.clip", "tune.epochs",
    ]  # fmt: skip
    for file, seen in (("pipeline/ensemble.py", True), ("pipeline/train.py", False)):
        names = {getattr(node, "name", "") for node in reached(file)}
        # Named by the stage, by a function, in a class, by its module's name.
        assert all((name in names) is seen for name in ("combine", "Combiner", "level_of", "median_shift")), file
