"""A table's stages in the process of a test, which so starts TensorFlow once for all of them."""

from __future__ import annotations

import contextlib
import importlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline import new
from pipeline.demo import FILES, write_yaml
from pipeline.params import read_document

ROOT = Path(__file__).resolve().parents[1]


def command(stage: str, name: str) -> list[str]:
    """What dvc.yaml runs for the competition ``name``, whose sample is called as `new` and the demo call it."""
    line = read_document(ROOT / "dvc.yaml")["stages"][stage]["do"]["cmd"]
    words = line.replace("${key}", name).replace("${item.table.sample}", FILES[2]).split()
    assert words[:2] == ["python", "-m"] and "$" not in "".join(words)
    return words


def run_stage(folder: Path, stage: str, name: str, **changed: str | Path) -> int:
    """The exit code of that command in ``folder``; ``changed``: options of another value."""
    module, *words = command(stage, name)[2:]
    for option, value in changed.items():
        words[words.index(f"--{option}") + 1] = str(value)
    with contextlib.chdir(folder):
        return int(importlib.import_module(module).main(words))


def made_new(folder: Path, name: str, budgets: Mapping[str, Mapping[str, Any]], *words: str) -> None:
    """The competition ``name`` as `new` makes it in ``folder`` of the files given_train.csv and given_test.csv there,
    with smaller ``budgets``; ``words``: more of its options."""
    for file in ("params.yaml", "dvc.yaml"):
        shutil.copy(ROOT / file, folder)
    given = options(folder, train="given_train.csv", test="given_test.csv")
    assert new.main([name, *given, "--folder", str(folder), *words]) == 0
    params = read_document(folder / "params.yaml")
    for block, values in budgets.items():
        params["competitions"][name][block] = {**params["competitions"][name].get(block, {}), **values}
    write_yaml(folder / "params.yaml", params)


def options(folder: Path, **paths: str | Path) -> list[str]:
    """``--name folder/path`` for each of ``paths``."""
    return [word for name, path in paths.items() for word in (f"--{name}", str(folder / path))]
