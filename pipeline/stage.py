"""What every stage's command line shares: how it is parsed, and how an error reaches a person."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Sequence

from features.errors import UserError


def run(
    parser: argparse.ArgumentParser,
    work: Callable[[argparse.Namespace], None],
    argv: Sequence[str] | None,
) -> int:
    """Parse ``argv``, do the ``work``, return the exit code.

    0 done; 1 a ``UserError``, printed as ``error: ...`` on standard error (with its traceback under ``--debug`` or
    ``PIPELINE_DEBUG=1``, the way to ask for it through ``dvc repro``); 130 stopped by Ctrl-C. Anything else is a defect
    of this program and is
    reported as such in one line, again with the traceback under ``--debug``.
    """
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    arguments = parser.parse_args(argv)
    debug = arguments.debug or os.environ.get("PIPELINE_DEBUG") == "1"
    try:
        work(arguments)
    except KeyboardInterrupt:
        print("stopped; finished work is kept, run the same command to go on", file=sys.stderr)
        return 130
    except UserError as error:
        if debug:
            traceback.print_exc()
        print(f"error: {error}", file=sys.stderr)
        return 1
    except Exception as error:
        if debug:
            traceback.print_exc()
        print(
            f"error: {parser.prog}: {type(error).__name__}: {error}\n"
            "This is a defect of the program, not of your data; run again with --debug to see where.",
            file=sys.stderr,
        )
        return 1
    return 0
