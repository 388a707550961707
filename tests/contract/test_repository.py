"""The repository's own contract: the stage graph, the imports, the parameters and what may lie in Git."""

from __future__ import annotations

import ast
import difflib
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
LIGHT = ["fetch", "validate", "encode", "normalize", "ensemble", "report"]


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
        for module in ("titanic", "plain"):
            needed |= closure(ROOT / "features" / f"{module}.py") - {f"features/{module}.py"}
    assert declared == needed


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_that_fails_leaves_the_older_results(name: str) -> None:
    """DVC deletes outputs before it runs a stage, unless they persist."""
    for output in [*STAGES[name].get("outs", []), *STAGES[name].get("metrics", [])]:
        assert isinstance(output, dict) and all(options.get("persist") for options in output.values()), output


@pytest.mark.parametrize("name", LIGHT)
def test_light_stages_do_not_load_tensorflow(name: str) -> None:
    code = (
        f"import sys, pipeline.{name}; heavy = {{'tensorflow', 'keras', 'keras_tuner'}} & set(sys.modules);"
        f"sys.exit(f'loaded {{heavy}}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["normalize", "train", "ensemble", "columns", "report"])
def test_stages_that_need_no_scikit_learn_do_not_load_it(name: str) -> None:
    code = f"import sys, pipeline.{name}; sys.exit('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


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
    """A comment right above a key holds for it and for the scalar keys that follow it without a break."""
    lines = (ROOT / "params.yaml").read_text().split("\n")
    blocks = [index for index, line in enumerate(lines) if re.match(r"[a-z_]+:", line)]
    own = [name for name, entry in STAGES.items() if name in entry["params"]]
    assert [lines[index].split(":")[0] for index in blocks] == ["seed", *own, "sources", "competitions"]
    for index in blocks:
        above = lines[index - 1]
        assert above.startswith("#"), lines[index]
    for index, line in enumerate(lines[: blocks[-2]]):
        if re.match(r"  (?! )[a-z_]+:", line):
            above = lines[index - 1]
            assert above.startswith("  #") or re.match(r"  [a-z_]+: \S", above), line


def test_params_keep_their_form_when_dvc_sets_one(tmp_path: Path) -> None:
    """``dvc exp run -S`` rewrites the file: it wraps lines over 80 columns, flow style becomes block style, and a
    comment that follows a list is lost. So the file is written in the form that stays."""
    from dvc.utils.hydra import apply_overrides

    before = (ROOT / "params.yaml").read_text()
    (tmp_path / "params.yaml").write_text(before)
    apply_overrides(str(tmp_path / "params.yaml"), ["seed=123456"])
    after = (tmp_path / "params.yaml").read_text()
    changed = [line for line in difflib.ndiff(before.splitlines(), after.splitlines()) if line[0] in "+-"]
    assert [line for line in changed if "seed:" not in line] == []


def test_nothing_of_one_machine_is_in_git() -> None:
    """No folder of somebody's computer, and no address of a package index: both break the next person's run."""
    folder = re.compile(rb"(?<![\w.:/*$)}\]-])/(home|Users|root|work|mnt|opt|tmp|var)/\w")
    index = re.compile(rb"--(extra-)?index-url|--find-links|--trusted-host|index-url *=|find-links *=|/simple/?[\s\"']")
    for name in tracked():
        content = (ROOT / name).read_bytes()
        assert not folder.search(content), name
        # The locking commands and this test name the options that keep addresses out.
        if name.endswith((".lock", ".toml", ".cfg", ".yaml", ".yml", ".sh")):
            assert not index.search(content), name


def test_the_gpu_lock_only_adds_to_the_other() -> None:
    """Each package at the same version in both, so that a result made with a GPU can be compared with one without."""
    pins = [
        dict(re.findall(r"^([a-z0-9._-]+)(?:\[[^]]*\])?==(\S+)", (ROOT / name).read_text(), flags=re.MULTILINE))
        for name in ("requirements.lock", "requirements-gpu.lock")
    ]
    assert not {name: (pin, pins[1].get(name)) for name, pin in pins[0].items() if pins[1].get(name) != pin}
    added = pins[1].keys() - pins[0].keys()
    assert added
    assert all(name.startswith("nvidia-") for name in added), added


def test_a_newcomer_finds_each_room() -> None:
    files = ["Makefile", "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE"]
    files += ["params.yaml", "dvc.yaml", "pyproject.toml", "requirements.lock", ".ci/run", "data/README.md"]
    assert not [name for name in files if not (ROOT / name).is_file()]
    known = {"pipeline", "features", "bench", "data", "docs", "reports", "tests", "tools", ".ci", ".dvc", ".github"}
    assert {Path(name).parts[0] for name in tracked() if "/" in name} <= known


def test_no_raw_data_is_in_git() -> None:
    assert not [name for name in tracked() if name.startswith("data/raw/")]
