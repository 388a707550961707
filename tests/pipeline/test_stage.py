"""How a stage ends: done, with an error for people, with a defect, or stopped."""

from __future__ import annotations

import argparse
import errno
import importlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from features.errors import UserError
from pipeline import stage


@pytest.fixture(autouse=True)
def interrupts() -> Iterator[None]:
    """Python's own handler, also where the tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, before)


def ends(error: BaseException | None, pressed: bool = False, argv: Sequence[str] = ()) -> int:
    """The exit code of a stage that raises ``error``, after Ctrl-C if ``pressed``."""

    def work(arguments: argparse.Namespace) -> None:
        try:
            if pressed:
                signal.raise_signal(signal.SIGINT)
        finally:
            if error:
                raise error

    return stage.run(argparse.ArgumentParser(prog="pipeline.some"), work, argv)


@pytest.mark.parametrize(
    ("error", "pressed", "code", "said"),
    [
        (None, False, 0, ""),
        (UserError("train.csv: no rows."), False, 1, "error: train.csv: no rows.\n"),
        (ValueError("None values"), False, 1, "ValueError: None values\nThis is a defect of the program"),
        (None, True, 130, "stopped; finished work is kept"),
        # What TensorFlow makes of Ctrl-C while it builds a graph.
        (ValueError("None values"), True, 130, "stopped; finished work is kept"),
    ],
)
def test_the_end_of_a_stage(
    error: BaseException | None, pressed: bool, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ends(error, pressed) == code
    found = capsys.readouterr().err
    assert said in found and bool(said) == bool(found)
    assert ("defect" in found) == ("defect" in said)


@pytest.mark.parametrize("error", [UserError("train.csv: no rows."), ValueError("None values")])
@pytest.mark.parametrize(("argv", "variable"), [(["--debug"], "0"), ([], "1"), ([], "0")])
def test_who_asks_for_it_sees_the_traceback(
    error: Exception,
    argv: list[str],
    variable: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """By the option, or through DVC by the variable; the message for people comes last in any case."""
    monkeypatch.setenv("PIPELINE_DEBUG", variable)
    assert ends(error, argv=argv) == 1
    shown, _, told = capsys.readouterr().err.partition("error: ")
    asked = bool(argv) or variable == "1"
    assert shown.startswith("Traceback") == ("in work" in shown) == asked
    assert str(error) in told


def test_a_disk_that_refuses_is_no_defect_of_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    def work(arguments: argparse.Namespace) -> None:
        raise OSError(errno.EROFS, "Read-only file system", "reports/wine/.data_docs.x")

    assert stage.run(argparse.ArgumentParser(prog="x"), work, []) == 1
    told = capsys.readouterr().err
    assert told.startswith("error: reports/wine/.data_docs.x: Read-only file system. Free some space or check")
    assert "defect" not in told and told.count("\n") == 1


ROOT = Path(__file__).resolve().parents[2]
# What is run as a module, as its usage has to name it.
COMMANDS = [
    *(f"pipeline.{file.stem}" for file in sorted(ROOT.glob("pipeline/*.py")) if "ArgumentParser(" in file.read_text()),
    "bench",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_names_the_command_as_it_is_typed_and_says_what_every_option_is(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options: list[argparse.Action] = []
    format_help = argparse.ArgumentParser.format_help

    def seen(parser: argparse.ArgumentParser) -> str:
        options.extend(parser._actions)
        return format_help(parser)

    monkeypatch.setattr(argparse.ArgumentParser, "format_help", seen)
    monkeypatch.setattr(sys, "argv", ["a path", "--help"])
    module = importlib.import_module("bench.__main__" if command == "bench" else command)
    with pytest.raises(SystemExit):
        module.main()
    assert capsys.readouterr().out.startswith(f"usage: python -m {command} ")
    assert len(options) > 1 and not [option.dest for option in options if not option.help]


@pytest.mark.parametrize("debug", ["0", "1"])
def test_ctrl_c_while_a_module_loads_is_one_line(tmp_path: Path, debug: str) -> None:
    """Packages take a second or two to load, and nobody has begun to catch anything."""
    (tmp_path / "pandas.py").write_text("raise KeyboardInterrupt\n")
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.encode", "--help"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "PIPELINE_DEBUG": debug},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGINT and done.stdout == ""
    told = "stopped before anything was done; run the same command again\n"
    assert "Traceback" in done.stderr if debug == "1" else done.stderr == told
