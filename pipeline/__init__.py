"""The stages and commands, each ``python -m pipeline.<name>``."""

from __future__ import annotations

import os
import sys
from types import TracebackType


def _stopped(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Ctrl-C while a module still loads, before ``stage.run`` can answer it: one line instead of a traceback."""
    if issubclass(kind, KeyboardInterrupt) and os.environ.get("PIPELINE_DEBUG") != "1":
        print("stopped before anything was done; run the same command again", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


# So Python calls a module that it is about to run; who imports this package has a name of its own.
if sys.argv[:1] == ["-m"]:
    sys.excepthook = _stopped
