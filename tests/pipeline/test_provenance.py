"""Which params made a file, and that nothing behind it may have changed since: two stages, as dvc.lock records them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from features.errors import UserError
from pipeline.demo import write_yaml
from pipeline.params import read_document
from pipeline.provenance import parameters_of

FILES = {"code.py": b"one = 1\n", "raw.csv": b"id\n1\n", "out/mid.npz": b"arrays", "sub.csv": b"id,y\n1,0\n"}
PARAMS = {"seed": 0, "first": {"a": 1, "list": [1, 2]}, "second": {"b": {"low": 0.5, "log": True}}, "other": {"c": 1}}
EARLIER = {"seed": 0, "first.a": 1, "first.list": [1, 2]}
LATER = {"second.b.low": 0.5, "second.b.log": True}


def entry(*names: str) -> list[dict[str, str]]:
    return [{"path": name, "md5": hashlib.md5(FILES[name]).hexdigest()} for name in names]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """code.py and raw.csv make out/mid.npz, of which sub.csv is made."""
    monkeypatch.chdir(tmp_path)
    for name, content in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    stages = {
        "make@it": {
            "deps": entry("code.py", "raw.csv"),
            "params": {"params.yaml": {"seed": 0, "first": PARAMS["first"]}},
            "outs": entry("out/mid.npz"),
        },
        "end@it": {
            "deps": entry("out/mid.npz"),
            "params": {"params.yaml": {"second.b": {"low": 0.5, "log": True}}},
            "outs": entry("sub.csv"),
        },
    }
    write_yaml(tmp_path / "params.yaml", PARAMS)
    write_yaml(tmp_path / "dvc.lock", {"stages": stages})
    return tmp_path


def found(file: str = "sub.csv") -> dict[str, Any]:
    return parameters_of(Path(file), Path("dvc.lock"), Path("params.yaml"))


def test_the_params_of_every_stage_behind_a_file_are_told(run: Path) -> None:
    assert found() == EARLIER | LATER
    assert found("out/mid.npz") == EARLIER


def test_what_no_stage_behind_it_reads_may_change(run: Path) -> None:
    write_yaml(run / "params.yaml", {**PARAMS, "other": {"c": 2}})
    assert found() == EARLIER | LATER


def test_data_of_another_computer_is_left_aside(run: Path) -> None:
    for name in ("raw.csv", "out/mid.npz", "sub.csv"):
        (run / name).unlink()
    assert found() == EARLIER | LATER


def file_changed(name: str) -> Callable[[Path], None]:
    def change(run: Path) -> None:
        (run / name).write_bytes(b"other")

    return change


def param_changed(block: str, value: object) -> Callable[[Path], None]:
    def change(run: Path) -> None:
        write_yaml(run / "params.yaml", {**PARAMS, block: value})

    return change


def made_anew(run: Path) -> None:
    """The earlier stage ran again and wrote something else, the later one did not."""
    lock = read_document(run / "dvc.lock")
    lock["stages"]["make@it"]["outs"][0]["md5"] = "0" * 32
    write_yaml(run / "dvc.lock", lock)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        pytest.param(file_changed("code.py"), "code.py", id="code"),
        pytest.param(file_changed("raw.csv"), "raw.csv", id="raw data"),
        pytest.param(file_changed("sub.csv"), "sub.csv", id="the file itself"),
        pytest.param(made_anew, "out/mid.npz", id="what lies between"),
        pytest.param(param_changed("first", {"a": 2, "list": [1, 2]}), "params.yaml: first.a", id="an earlier param"),
        pytest.param(param_changed("second", {"b": {"low": 0.5}}), "params.yaml: second.b.log", id="a later param"),
        pytest.param(param_changed("second", {}), "params.yaml: second.b", id="a param that is gone"),
        pytest.param(
            param_changed("second", {"b": {"low": 0.5, "log": True, "more": {}}}),
            "params.yaml: second.b.more",
            id="a param without entries",
        ),
        pytest.param(
            param_changed("first", {"a": 2, "list": [2], "b": 1, "c": 1}),
            r"params.yaml: first.a, params.yaml: first.b, params.yaml: first.c, ... \(4 in all\)",
            id="more than are named",
        ),
    ],
)
def test_whatever_changed_since_is_named(run: Path, change: Callable[[Path], None], named: str) -> None:
    change(run)
    with pytest.raises(UserError, match=rf"sub.csv: changed since the run that made it: {named}\. Run `dvc repro`"):
        found()


def test_a_file_that_no_stage_has_made_is_refused(run: Path) -> None:
    with pytest.raises(UserError, match=r"mine.csv: no stage in dvc.lock has made it"):
        found("mine.csv")
