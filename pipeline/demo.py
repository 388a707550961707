"""``make demo``: the whole chain in a temporary folder, on tables that need neither network nor mirror."""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from ruamel.yaml import YAML

from features.contracts.tables import parse_table
from features.errors import UserError
from features.inference.first_contract import infer
from features.synthetic import titanic
from pipeline import new, stage
from pipeline.files import sha256, write_bytes, write_csv
from pipeline.params import read_document

FILES = ("train.csv", "test.csv", "sample_submission.csv")
ROOT = Path(__file__).resolve().parent.parent
# Less than the defaults, since five tables are to be seen in a minute or two.
BUDGETS: dict[str, dict[str, Any]] = {
    "encode": {"repeats": 1},
    "tune": {"max_trials": 6, "generation": 6, "epochs": 30},
    "train": {"top_k": 2, "epochs": 60},
    "columns": {"permutations": 2, "groups": 3, "pairs": 2},
    "honest": {"outer": 3, "search": 2, "members": 2},
}
# scikit-learn's tables; they go the way of any new competition.
BUNDLED = ("breast_cancer", "wine", "diabetes", "digits")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.demo", description=__doc__)
    parser.add_argument("--keep", type=Path, help="work in this new folder and leave it, instead of a temporary one")
    tables = ["titanic", *BUNDLED]
    parser.add_argument("--tables", nargs="+", choices=tables, default=tables, help="those to make; all by default")
    parser.add_argument("--rows", type=int, default=891, help="rows of the generated Titanic's training table")
    return stage.run(parser, demo, argv)


def demo(arguments: argparse.Namespace) -> None:
    """Make the tables, run DVC, print what came out."""
    if arguments.keep:
        if arguments.keep.exists():
            raise UserError(f"{arguments.keep}: exists already. Name a new folder, or remove it.")
        run(arguments.keep, arguments.tables, arguments.rows)
    else:
        with tempfile.TemporaryDirectory(prefix="demo-") as folder:
            run(Path(folder) / "demo", arguments.tables, arguments.rows)


def run(folder: Path, tables: Sequence[str], rows: int) -> None:
    """Prepare ``folder`` and run the chain there."""
    prepare(folder, tables, rows, BUDGETS)
    print(
        f"DEMO on made-up and bundled tables ({', '.join(tables)}), small budgets: no figure below says "
        f"anything about Kaggle"
    )
    done = dvc(folder, "repro")
    if done.returncode:
        raise UserError(f"demo: dvc repro failed with exit code {done.returncode}, see above.")
    for name in tables:
        report = folder / "reports" / name
        metrics = json.loads((report / "metrics.json").read_text()) | json.loads((report / "honest.json").read_text())
        told = ("cv_", "baseline", "honest_")
        shown = ", ".join(f"{key} {value:.4g}" for key, value in metrics.items() if key.startswith(told))
        print(f"DEMO {name}: {shown}")


def prepare(folder: Path, tables: Sequence[str], rows: int, budgets: Mapping[str, Mapping[str, Any]]) -> None:
    """A folder with the code, the tables, their contracts and parameters with small ``budgets``."""
    for name in ("pipeline", "features"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    # Without the stages of images, texts and labs, which stand on files that are not here.
    stages = read_document(ROOT / "dvc.yaml")["stages"]
    kept = {name: stage for name, stage in stages.items() if "foreach" in stage or name == "check"}
    write_yaml(folder / "dvc.yaml", {"stages": kept})
    write_bytes(folder / "reports" / "DEMO", b"Results of `make demo`: made-up and bundled tables, small budgets.\n")
    params = read_document(ROOT / "params.yaml")
    params["competitions"] = {"titanic": params["competitions"]["titanic"]} if "titanic" in tables else {}
    params["sources"] = {}
    if "titanic" in tables:
        shutil.copytree(ROOT / "data" / "contracts", folder / "data" / "contracts", dirs_exist_ok=True)
        files = dict(zip(FILES, titanic(rows, max(rows // 2, 20), 0), strict=True))
        for file, frame in files.items():
            write_csv(folder / "data" / "raw" / "titanic" / file, frame)
        digests = {f: sha256(folder / "data" / "raw" / "titanic" / f) for f in files}
        params["sources"]["titanic"] = {"files": digests, "urls": []}
        params["competitions"]["titanic"]["table"]["sample"] = FILES[2]
    write_yaml(folder / "params.yaml", params)
    for name in tables:
        if name != "titanic":
            train, test, sample = (as_read(frame) for frame in bundled(name))
            new.write(name, folder, infer(train, test, sample))
    write_yaml(folder / "params.yaml", shortened(read_document(folder / "params.yaml"), budgets))
    dvc(folder, "init", "--no-scm", "--quiet")
    dvc(folder, "config", "core.analytics", "false", "--quiet")


def shortened(params: dict[str, Any], budgets: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """``params`` with the ``budgets``, also where a competition has its own."""
    for block, values in budgets.items():
        params[block].update(values)
        for entry in params["competitions"].values():
            entry[block] = {k: v for k, v in entry.get(block, {}).items() if k not in values}
    return params


def bundled(name: str) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Train, test (every fourth row, its target taken away) and sample of one of scikit-learn's tables; classes by
    their names where those are words."""
    from sklearn import datasets

    content = getattr(datasets, f"load_{name}")(as_frame=True)
    frame = content.frame
    if name in ("breast_cancer", "wine"):
        frame["target"] = np.asarray(content.target_names)[frame["target"].to_numpy()]
    frame.insert(0, "id", np.arange(1, len(frame) + 1))
    held = np.arange(len(frame)) % 4 == 3
    test = frame[held].drop(columns="target")
    return frame[~held], test, pd.DataFrame({"id": test["id"], "target": frame["target"].iloc[0]})


def as_read(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame as the CSV reader will see it."""
    return parse_table(frame.to_csv(index=False).encode(), "generated.csv")


def write_yaml(path: Path, content: Any) -> None:
    """Block style, keys in the order given."""
    buffer = io.BytesIO()
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    writer.dump(content, buffer)
    write_bytes(path, buffer.getvalue())


def dvc(folder: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    """DVC in ``folder``, with this Python first on the path and no analytics."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [sys.executable, "-m", "dvc", *words],
        cwd=folder,
        env={**os.environ, "PATH": path, "DVC_NO_ANALYTICS": "1"},
        check=False,
    )


if __name__ == "__main__":
    raise SystemExit(main())
