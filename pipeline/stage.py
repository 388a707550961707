"""What every stage's command line shares: how it is parsed, and how an error reaches a person."""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from features.errors import UserError

# What a disk refuses where another function than those of ``files`` writes: pages, temporary folders.
DISK = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT})
# What ``--params`` is, in the help of every command.
PARAMS = "params.yaml, or a file like it"


def add_competition(parser: argparse.ArgumentParser) -> None:
    """The two options of every stage that runs once for each competition."""
    parser.add_argument("--competition", required=True, help="a name under `competitions` in the params")
    parser.add_argument("--params", type=Path, required=True, help=PARAMS)


def run(
    parser: argparse.ArgumentParser,
    work: Callable[[argparse.Namespace], None],
    argv: Sequence[str] | None,
) -> int:
    """Parse ``argv``, do the ``work``, return the exit code.

    0 done; 1 a ``UserError``, printed as ``error: ...`` on standard error (with its traceback under ``--debug`` or
    ``PIPELINE_DEBUG=1``, the way to ask for it through ``dvc repro``); 130 stopped by Ctrl-C. Anything else is a defect
    of this program and is reported as such in one line, again with the traceback under ``--debug``.
    """
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    arguments = parser.parse_args(argv)
    debug = arguments.debug or os.environ.get("PIPELINE_DEBUG") == "1"
    with _interrupts() as pressed:
        try:
            work(arguments)
        except KeyboardInterrupt:
            return _stopped()
        except UserError as error:
            if debug:
                traceback.print_exc()
            print(f"error: {error}", file=sys.stderr)
            return 1
        except Exception as error:
            if debug:
                traceback.print_exc()
            if pressed.is_set():
                return _stopped()
            if isinstance(error, OSError) and error.errno in DISK:
                print(
                    f"error: {error.filename or parser.prog}: {error.strerror}. Free some space or check the folder's "
                    "rights; older results are unchanged.",
                    file=sys.stderr,
                )
                return 1
            print(
                f"error: {parser.prog}: {type(error).__name__}: {error}\n"
                "This is a defect of the program, not of your data; run again with --debug to see where.",
                file=sys.stderr,
            )
            return 1
    return 0


def _stopped() -> int:
    print("stopped; finished work is kept, run the same command to go on", file=sys.stderr)
    return 130


@contextmanager
def _interrupts() -> Iterator[threading.Event]:
    """Set as soon as Ctrl-C is pressed: TensorFlow, met while it builds a graph, makes an error of its own of it."""
    pressed = threading.Event()

    def press(number: int, frame: FrameType | None) -> None:
        pressed.set()
        signal.default_int_handler(number, frame)

    main = threading.current_thread() is threading.main_thread()
    ours = main and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if ours:
        signal.signal(signal.SIGINT, press)
    try:
        yield pressed
    finally:
        if ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)
