"""The repository's own contract: the stage graph, the imports, the parameters and what may lie in Git."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
DVC: dict[str, Any] = YAML(typ="safe", pure=True).load((ROOT / "dvc.yaml").read_text())
STAGES = {name: entry.get("do", entry) for name, entry in DVC["stages"].items()}
LIGHT = ["fetch", "validate", "encode", "normalize", "ensemble"]


def imports(path: Path) -> set[Path]:
    """Project files that a project file imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    files = {
        ROOT / (name.replace(".", "/") + ".py") for name in names if name.split(".")[0] in ("pipeline", "features")
    }
    return {file for file in files if file.exists()}


def closure(path: Path) -> set[str]:
    """A file and everything of the project that it imports, directly or not, relative to the root."""
    found, waiting = set(), {path}
    while waiting:
        file = waiting.pop()
        found.add(file)
        waiting |= imports(file) - found
    return {file.relative_to(ROOT).as_posix() for file in found}


def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split(
        "\n"
    )
    return [name for name in listed if name and (ROOT / name).exists()]


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_says_what_it_makes(name: str) -> None:
    assert len(STAGES[name]["desc"].split()) >= 6


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_depends_on_all_the_code_it_imports(name: str) -> None:
    declared = {dep for dep in STAGES[name]["deps"] if dep.endswith(".py") and "$" not in dep}
    needed = closure(ROOT / "pipeline" / f"{name}.py")
    if any("item.table.module" in dep for dep in STAGES[name]["deps"]):
        needed |= closure(ROOT / "features" / "titanic.py") - {"features/titanic.py"}
    assert declared == needed


@pytest.mark.parametrize("name", LIGHT)
def test_light_stages_do_not_load_tensorflow(name: str) -> None:
    code = (
        f"import sys, pipeline.{name}; heavy = {{'tensorflow', 'keras', 'keras_tuner'}} & set(sys.modules);"
        f"sys.exit(f'loaded {{heavy}}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", [*LIGHT, "tune", "train"])
def test_only_validate_imports_great_expectations(name: str) -> None:
    uses = any("great_expectations" in (ROOT / file).read_text() for file in closure(ROOT / "pipeline" / f"{name}.py"))
    assert uses == (name == "validate")


def test_arrows_point_one_way() -> None:
    stages = {f"pipeline/{name}.py" for name in STAGES}
    for file in [*ROOT.glob("features/*.py"), *ROOT.glob("pipeline/**/*.py")]:
        name = file.relative_to(ROOT).as_posix()
        used = {other.relative_to(ROOT).as_posix() for other in imports(file)} - {name}
        if name.startswith("features/"):
            assert not {other for other in used if other.startswith("pipeline/")}, name
        if name.startswith("pipeline/nets/"):
            assert all(other.startswith("pipeline/nets/") for other in used), name
            assert not re.search(r"import (pandas|pathlib|argparse)|from pathlib", file.read_text()), name
        if name in stages:
            assert not used & stages, name


def test_every_parameter_has_its_comment() -> None:
    lines = (ROOT / "params.yaml").read_text().split("\n")
    for number, line in enumerate(lines):
        if re.match(r"  (?! )[a-z_]+:", line) and not lines[number - 1].lstrip().startswith("#"):
            # A key without a comment of its own shares that of the key above it.
            assert re.match(r"  [a-z_]+:", lines[number - 1]) or lines[number - 1].startswith("competitions:"), line


def test_nothing_of_this_machine_is_in_git() -> None:
    home = str(ROOT) + "/"
    for name in tracked():
        content = (ROOT / name).read_bytes()
        assert home.encode() not in content, name
        if name.endswith((".lock", ".toml", ".cfg", ".yaml", ".yml")):
            assert not re.search(rb"index-url|find-links\s*=|^registry\s*=", content), name


def test_no_raw_data_is_in_git() -> None:
    assert not [name for name in tracked() if name.startswith("data/raw/")]
