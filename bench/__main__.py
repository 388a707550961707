"""``python -m bench [NAME ...]``: print the measurements and write them under reports/bench/."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from pipeline.files import read_json, write_json

NAMES = ("chain", "search", "tables", "accuracy", "coverage", "families")


def main() -> int:
    """Run the named measurements, all by default."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all by default")
    parser.add_argument("--seeds", type=int, default=5, help="runs of the quality table")
    parser.add_argument("--splits", type=int, default=3, help="of five, that accuracy is measured on")
    parser.add_argument("--draws", type=int, default=20, help="splits of each table through the stages (coverage)")
    both = ("stages", "ridge")
    parser.add_argument("--parts", nargs="+", choices=both, default=both, help="of coverage; others stay as written")
    parser.add_argument("--tables", nargs="+", default=None, help="those that families are measured on; all by default")
    arrays = Path("data/normalize/titanic/arrays.npz")
    parser.add_argument("--arrays", type=Path, default=arrays, help="that search and families are measured on")
    parser.add_argument("--output", type=Path, default=Path("reports/bench"), help="folder for the results")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.names) - set(NAMES))
    if unknown:
        parser.error(f"no measurement {unknown[0]!r}; expected one of {', '.join(NAMES)}")
    for name in arguments.names or NAMES:
        if name == "chain":
            from bench import chain

            result = chain.measure(arguments.seeds)
        elif name == "tables":
            from bench import tables

            result = tables.measure()
        elif name == "accuracy":
            from bench import accuracy

            result = accuracy.measure(arguments.splits, Path(".cache/accuracy"))
        elif name == "coverage":
            from bench import coverage

            earlier = None if set(arguments.parts) == set(both) else read_json(arguments.output / "coverage.json")
            result = coverage.measure(arguments.draws, Path(".cache/coverage"), arguments.parts, earlier)
        elif name == "families":
            from bench import families

            result = families.measure(arguments.arrays, arguments.tables or families.TABLES)
        else:
            from bench import search_speed

            result = search_speed.measure(arguments.arrays)
        print(json.dumps({name: result}, indent=2))
        write_json(arguments.output / f"{name}.json", result)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
