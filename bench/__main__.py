"""``python -m bench [NAME ...]``: measure, write it under reports/bench/ and print it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.printed import printed
from features.errors import UserError
from pipeline.files import read_json, write_json

NAMES = ("chain", "search", "tables", "accuracy", "unseen", "coverage", "families")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the named measurements, all by default; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all by default")
    parser.add_argument("--seeds", type=int, default=5, help="runs of the quality table")
    parser.add_argument("--splits", type=int, default=3, help="of five, that accuracy and unseen are measured on")
    parser.add_argument("--draws", type=int, default=20, help="splits of each table through the stages (coverage)")
    both = ("stages", "ridge")
    parser.add_argument("--parts", nargs="+", choices=both, default=both, help="of coverage; others stay as written")
    parser.add_argument("--tables", nargs="+", help="those that families are measured on; others stay as written")
    arrays = Path("data/normalize/titanic/arrays.npz")
    parser.add_argument("--arrays", type=Path, default=arrays, help="that search and families are measured on")
    parser.add_argument("--show", action="store_true", help="print what is written, and measure nothing")
    parser.add_argument("--output", type=Path, default=Path("reports/bench"), help="folder for the results")
    arguments = parser.parse_args(argv)
    unknown = sorted(set(arguments.names) - set(NAMES))
    if unknown:
        parser.error(f"no measurement {unknown[0]!r}; expected one of {', '.join(NAMES)}")
    try:
        for name in arguments.names or NAMES:
            path = arguments.output / f"{name}.json"
            if not arguments.show:
                write_json(path, measured(name, arguments))
            print(printed(name, read_json(path)))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def measured(name: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """One measurement by its name; what it needs is imported only then, TensorFlow among it."""
    if name == "chain":
        from bench import chain

        return chain.measure(arguments.seeds)
    if name == "tables":
        from bench import tables

        return tables.measure(arguments.seeds)
    if name == "accuracy":
        from bench import accuracy

        return accuracy.measure(arguments.splits, Path(".cache/accuracy"))
    if name == "unseen":
        from bench import accuracy, unseen

        methods = (accuracy.OURS, accuracy.PLAIN, *accuracy.PEERS)
        return accuracy.measure(arguments.splits, Path(".cache/accuracy"), unseen.TABLES, methods)
    if name == "coverage":
        from bench import coverage

        path = arguments.output / "coverage.json"
        earlier = None if {*coverage.PARTS} == {*arguments.parts} else read_json(path)
        return coverage.measure(arguments.draws, Path(".cache/coverage"), arguments.parts, earlier)
    if name == "families":
        from bench import families

        path = arguments.output / "families.json"
        earlier = read_json(path) if arguments.tables and path.exists() else None
        return families.measure(arguments.arrays, arguments.tables or families.TABLES, earlier)
    from bench import search_speed

    return search_speed.measure(arguments.arrays)


if __name__ == "__main__":
    raise SystemExit(main())
