"""What `make` takes for granted, with a Python that only pretends to install."""

from __future__ import annotations

import os
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.markers import Marker

ROOT = Path(__file__).resolve().parents[2]
# As a Python it makes an environment with itself as the Python there; all else it is asked for it has done.
STAND_IN = """#!/bin/sh
case "$*" in *"-m venv"*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;; esac
"""


def make(folder: Path, *words: str, **environment: str) -> str:
    kept = {name: value for name, value in os.environ.items() if name not in ("GPU", "PYTHON") and "MAKE" not in name}
    done = subprocess.run(
        ["make", *words], cwd=folder, env={**kept, **environment}, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    for name in ("requirements.lock", "requirements-gpu.lock"):
        (tmp_path / name).write_text(f"{name}\n")
    (tmp_path / "python").write_text(STAND_IN)
    (tmp_path / "python").chmod(0o755)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    return tmp_path


def test_an_environment_stays_what_it_was_made_for(project: Path) -> None:
    """Any target but the one told of the GPU would else make it anew from the processor's lock."""
    python = f"PYTHON={project / 'python'}"
    assert "from requirements-gpu.lock" in make(project, "setup", python, GPU="1")
    assert make(project, "setup", python) == ""
    assert "from requirements.lock" in make(project, "setup", python, GPU="")
    assert make(project, "setup", python) == ""
    assert "from requirements-gpu.lock" in make(project, "setup", python, "GPU=1")
    assert "from requirements.lock" in make(project, "setup", python, "GPU=")
    assert make(project, "setup", python, "GPU=0") == ""


def test_a_machine_that_the_lock_has_no_tensorflow_for_is_told_before_anything_is_made(project: Path) -> None:
    (project / "uname").write_text("#!/bin/sh\necho Darwin x86_64\n")
    (project / "uname").chmod(0o755)
    with pytest.raises(subprocess.CalledProcessError) as error:
        make(project, "setup", f"PYTHON={project / 'python'}", PATH=f"{project}{os.pathsep}{os.environ['PATH']}")
    assert "error: TensorFlow is no longer built for Macs with an Intel processor." in error.value.stderr
    assert not (project / ".venv").exists()


@pytest.mark.parametrize(
    ("system", "machine", "taken"),
    [("linux", "x86_64", True), ("linux", "aarch64", True), ("darwin", "arm64", True), ("darwin", "x86_64", False)],
)
def test_dependencies_are_pinned_for_the_machines_that_setup_takes(system: str, machine: str, taken: bool) -> None:
    environments = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["uv"]["environments"]
    for version, fits in (("3.11", taken), ("3.13", taken), ("3.14", False)):
        here = {"sys_platform": system, "platform_machine": machine, "python_version": version}
        assert any(Marker(one).evaluate(here) for one in environments) is fits, version


def test_a_switch_of_0_is_off(project: Path) -> None:
    """``FORCE=0`` would else send the same content once more, of the few that Kaggle takes in a day."""
    for word, forced in (("FORCE=1", True), ("FORCE=0", False), ("FORCE=", False)):
        assert ("--force" in make(project, "--dry-run", "submit", word)) is forced, word


@pytest.mark.parametrize("words", [["new"], ["new", "NAME=x"], ["new", "NAME=x", "TRAIN=t.csv"], ["submit"]])
def test_what_a_target_needs_is_told(project: Path, words: list[str]) -> None:
    """Instead of what the command says of an option that nobody typed."""
    make(project, "setup", f"PYTHON={project / 'python'}")
    done = subprocess.run(["make", *words], cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stderr.startswith(f"expected: make {words[0]} NAME=")


def test_help_lists_every_target(project: Path) -> None:
    lines = make(project, "help").splitlines()
    assert "lock         pin all dependencies with hashes" in lines
    phony = (ROOT / "Makefile").read_text().split(".PHONY:")[1].splitlines()[0].split()
    assert {line.split()[0] for line in lines} == set(phony) - {"scm"}
