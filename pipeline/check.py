"""The stage that reads the whole of params.yaml, also what no other stage reads and so none would refuse."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from pipeline import stage
from pipeline.params import load_all


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.check", description=__doc__)
    parser.add_argument("--params", type=Path, required=True, help=stage.PARAMS)
    return stage.run(parser, check, argv)


def check(arguments: argparse.Namespace) -> None:
    """Load everything, keep nothing."""
    load_all(arguments.params)
    print(f"check: {arguments.params}: every key is known and every value allowed")


if __name__ == "__main__":
    raise SystemExit(main())
