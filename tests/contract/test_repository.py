"""The repository's own contract: the stage graph, the imports, the parameters and what may lie in Git."""

from __future__ import annotations

import ast
import difflib
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
DVC: dict[str, Any] = YAML(typ="safe", pure=True).load((ROOT / "dvc.yaml").read_text())
STAGES = {name: entry.get("do", entry) for name, entry in DVC["stages"].items()}
# Calls that make, move or remove files, by their last name, and those that do so in one module only.
CHANGING = {
    "write_text", "mkdir", "makedirs", "rmdir", "unlink", "touch", "chmod", "symlink_to", "hardlink_to", "rmtree",
    "copytree", "copyfile", "copy2", "move", "mkstemp", "mkdtemp", "TemporaryDirectory", "NamedTemporaryFile", "fdopen",
    "savez", "savez_compressed", "savetxt", "tofile", "memmap", "savefig", "print_png", "dump", "extractall",
    "to_parquet", "to_pickle", "to_excel",
}  # fmt: skip
IN_MODULE = {
    "os": {"open", "remove", "rename", "replace", "truncate", "link", "symlink"},
    "shutil": {"copy"},
    "np": {"save"},
}
# Who does so beside pipeline/files.py. Nothing among it is a result, but for Great Expectations' pages.
ALLOWED = {
    "pipeline/demo.py": {"copytree", "TemporaryDirectory", "dump"},  # the code into a new folder; YAML into a buffer
    "pipeline/fetch.py": {"TemporaryDirectory"},  # where pooch downloads to
    "pipeline/kaggle_client.py": {"TemporaryDirectory"},  # where Kaggle's client downloads to
    "pipeline/new.py": {"TemporaryDirectory", "dump", "unlink", "rmdir"},  # tries, and takes back, what it writes
    "pipeline/pages/pictures.py": {"print_png"},  # into a buffer
    "pipeline/submit.py": {"mkdir", "os.open"},  # a lock, so that submissions are recorded one by one
    "pipeline/expectations/suites.py": {"mkdir", "mkdtemp", "rename", "rmtree"},  # the pages, beside the older ones
    "pipeline/tune.py": {"rmtree"},  # the memory of a search that is done
}


@cache
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


def packages(path: Path) -> set[str]:
    """Top-level names of what a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def changes(path: Path) -> set[str]:
    """Calls in a file that make, move or remove files, as far as their names tell."""
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    return {name for call in calls if (name := _changing(call))}


def _changing(call: ast.Call) -> str:
    module, _, function = ast.unparse(call.func).rpartition(".")
    if function in IN_MODULE.get(module, ()):
        return f"{module}.{function}"
    words = {argument.value for argument in call.args if isinstance(argument, ast.Constant)}
    opens = function == "open" and not {"r", "rb"} & words
    # Path's, and not those of frames (columns=...) and of text (old, new).
    moves = module != "" and function in ("rename", "replace") and len(call.args) == 1 and not call.keywords
    # Without a path the text is returned; without a module it is the one of pipeline/files.py.
    tells = (function == "to_csv" and bool(call.args)) or (function == "write_bytes" and module not in ("", "files"))
    return function if function in CHANGING or opens or moves or tells else ""


def tracked() -> list[str]:
    """What lies in Git; where nothing can, as in an unpacked archive, the test that asks is skipped."""
    if not (ROOT / ".git").exists():
        pytest.skip("this folder is no Git repository")
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    names = [name for name in done.stdout.split("\0") if name and (ROOT / name).exists()]
    assert names, "nothing is in Git"
    return names


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
    for output in [one for kind in ("outs", "metrics", "plots") for one in STAGES[name].get(kind, [])]:
        assert isinstance(output, dict) and all(options.get("persist") for options in output.values()), output


def test_every_competition_has_its_plots() -> None:
    """No plot that all could have is Titanic's alone; DVC passes over those that are not there or are empty."""
    drawn = {path for stage in STAGES.values() for plot in stage.get("plots", []) for path in plot}
    names = ("learning_curves", "plots/calibration", "plots/confusion_matrix", "plots/roc")
    assert drawn == {f"reports/${{key}}/{name}.csv" for name in names}


@pytest.mark.parametrize("name", STAGES)
def test_only_validate_imports_great_expectations(name: str) -> None:
    uses = any("great_expectations" in (ROOT / file).read_text() for file in closure(ROOT / "pipeline" / f"{name}.py"))
    assert uses == (name == "validate")


def test_arrows_point_one_way() -> None:
    stages = {f"pipeline/{name}.py" for name in STAGES}
    for file in [*ROOT.glob("features/**/*.py"), *ROOT.glob("pipeline/**/*.py")]:
        name = file.relative_to(ROOT).as_posix()
        used = {other.relative_to(ROOT).as_posix() for other in imports(file)} - {name}
        if name.startswith("features/"):
            assert not {other for other in used if other.startswith("pipeline/")}, name
        if name.startswith("pipeline/nets/"):
            # What a row is in a fold is told by numbers, which networks and columns must mean alike.
            assert all(other.startswith("pipeline/nets/") for other in used - {"features/roles.py"}), name
            assert not packages(file) & {"pandas", "pathlib", "argparse"}, name
        if name in stages:
            assert closure(file) & stages == {name}, "not by a detour either"


def test_the_rooms_of_features_know_those_before_them() -> None:
    """As ARCHITECTURE.md names them, in their order."""
    told = (ROOT / "ARCHITECTURE.md").read_text().split("- `features/`", 1)[1].split("; `reviews/`", 1)[0]
    rooms = re.findall(r"`(\w+)/`", told)
    assert {*rooms, "reviews"} == {path.parent.name for path in ROOT.glob("features/*/*.py")}
    for number, room in enumerate(rooms):
        after = {f"features/{later}" for later in rooms[number + 1 :]}
        for file in ROOT.glob(f"features/{room}/*.py"):
            assert not {other.parent.relative_to(ROOT).as_posix() for other in imports(file)} & after, file


def test_the_rooms_of_pipeline_know_networks_and_pages_alone() -> None:
    """Of each other; and no stage, nor another command."""
    rooms = {path.parent.name for path in ROOT.glob("pipeline/*/*.py")}
    commands = {path for path in ROOT.glob("pipeline/*.py") if "argparse.ArgumentParser(" in path.read_text()}
    assert {f"{name}.py" for name in STAGES} <= {path.name for path in commands}
    for room in rooms:
        known = {"nets", "pages"} - {room} if room not in ("nets", "pages") else set()
        for file in ROOT.glob(f"pipeline/{room}/*.py"):
            used = {other for other in imports(file) if other.is_relative_to(ROOT / "pipeline")}
            assert {other.parent.name for other in used} - {"pipeline", room} <= known, file
            assert not used & commands, file


def test_features_know_no_files_no_command_line_and_no_tensorflow() -> None:
    """One way of scaling columns is Keras's own, and loads it when it is asked for."""
    unknown = {"argparse", "pathlib", "os", "shutil", "tempfile", "tensorflow", "keras", "keras_tuner"}
    found = {file.name: packages(file) & unknown for file in ROOT.glob("features/**/*.py")}
    assert {name: used for name, used in found.items() if used} == {"normalization.py": {"keras"}}


def test_the_training_loop_alone_knows_tensorflow_among_the_networks() -> None:
    found = {file.stem for file in ROOT.glob("pipeline/nets/*.py") if "tensorflow" in packages(file)}
    assert found == {"fit", "program", "trainer", "texts", "memory", "lanes"}


def test_results_are_written_in_one_place() -> None:
    files = [*ROOT.glob("features/**/*.py"), *ROOT.glob("pipeline/**/*.py")]
    found = {file.relative_to(ROOT).as_posix(): changes(file) for file in files}
    assert found.pop("pipeline/files.py")
    assert {name: calls for name, calls in found.items() if calls} == ALLOWED


def test_a_call_that_changes_files_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "code.py"
    for seen in (
        "open(path, 'w')", "path.open('ab')", "open(path, mode)", "path.write_bytes(b'')", "path.rename(other)",
        "path.replace(other)", "os.replace(one, other)", "frame.to_csv(path)", "np.save(path, array)", "rmtree(path)",
    ):  # fmt: skip
        file.write_text(seen)
        assert changes(file), seen
    for innocent in (
        "open(path, 'rb')", "path.open('r')", "write_bytes(path, b'')", "frame.rename(columns=names)", "array.copy()",
        "text.replace('a', 'b')", "replace(params)", "frame.to_csv(index=False)", "names.remove('a')",
    ):  # fmt: skip
        file.write_text(innocent)
        assert not changes(file), innocent


def test_every_parameter_has_its_comment() -> None:
    """A comment right above a key holds for it and for the scalar keys that follow it without a break."""
    lines = (ROOT / "params.yaml").read_text().split("\n")
    blocks = [index for index, line in enumerate(lines) if re.match(r"[a-z_]+:", line)]
    own = [name for name, entry in STAGES.items() if name in entry.get("params", ())]
    assert [lines[index].split(":")[0] for index in blocks] == ["seed", *own, "sources", "competitions"]
    for index in blocks:
        above = lines[index - 1]
        assert above.startswith("#"), lines[index]
    for index, line in enumerate(lines[: blocks[-2]]):
        if re.match(r"  (?! )[a-z_]+:", line):
            above = lines[index - 1]
            assert above.startswith("  #") or re.match(r"  [a-z_]+: \S", above), line


# What this holds is told of all of it together, above it.
TOLD_TOGETHER = "competitions.titanic.encode.features"
# Their entries are names and no keys.
NAMES = ("tune.families", "fashion_mnist.presets", "imdb.variants", "sources", "competitions")


def keys_of(value: Any, path: str) -> Iterator[str]:
    """The dotted keys below ``path`` that a comment has to name, each by itself."""
    if not isinstance(value, dict) or path == TOLD_TOGETHER or path.endswith(".files"):
        return
    for key, inner in value.items():
        if path not in NAMES:
            yield f"{path}.{key}"
        yield from keys_of(inner, f"{path}.{key}")


def test_every_nested_parameter_is_named_in_a_comment_of_its_block() -> None:
    """Or bears the name of a key of the block, or of a block, which has a comment above it."""
    text = (ROOT / "params.yaml").read_text()
    document = YAML(typ="safe", pure=True).load(text)
    blocks = re.split(r"\n# ---- .*\n", text)[1:]
    unnamed = []
    for comments, (block, entry) in zip(blocks, document.items(), strict=True):
        told = " ".join(re.findall(r"^ *# *(.*)", comments, flags=re.MULTILINE))
        known = {*document, *(entry if isinstance(entry, dict) else ())} - {*NAMES}
        nested = [key for key in keys_of(entry, block) if key.count(".") > 1]
        for key in nested:
            word = key.rsplit(".", 1)[1]
            named = re.search(rf"\b{word.replace('_', '[_ ]')}\b", told, flags=re.IGNORECASE)
            unnamed += [] if named or word in known else [key]
    assert unnamed == []


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


def test_every_plot_is_drawn_from_a_file_in_git() -> None:
    """So that ``dvc plots show`` draws all of them in a new clone, where no stage has run."""
    drawn = set()
    for plot in DVC["plots"]:
        ((name, options),) = plot.items()
        sources = (options or {}).get("y", [name])
        drawn |= set(sources)
    assert drawn <= set(tracked())


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
