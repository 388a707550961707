"""Tables that nobody described, from their files alone: House Prices, whose error is measured for several seeds, and
200,000 generated rows of 40 columns, whose test rows are scored, too."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd

from bench.chain import ROOT, command_environment, dvc, over_seeds, project_copy, stage_seconds
from bench.coverage import later
from features.synthetic import mixed
from pipeline.files import write_csv

ROWS, TEST_ROWS, COLUMNS, TARGET = 200_000, 50_000, 40, "yes"
MIRROR = ROOT / "../shared/data/house_prices"


def measure(seeds: int) -> dict[str, Any]:
    """Seconds, peak memory and scores by table; House Prices, with its error for ``seeds`` seeds, where the mirror has
    it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = {}
        if MIRROR.exists():
            files = {part: MIRROR / f"{part}.csv" for part in ("train", "test")}
            found["house_prices"] = _run(folder / "house_prices", files, MIRROR / "sample_submission.csv")
            found["house_prices"]["quality"] = _quality(folder / "house_prices", "rmsle", seeds)
        others = len(mixed(40, 40, 0, numbers=2)[1].columns) - 3  # beside the id and two numbers
        whole, _ = mixed(ROWS + TEST_ROWS, 0, 0, numbers=COLUMNS - others)
        whole = whole.drop(columns=["cost", "level"])
        write_csv(folder / "train.csv", whole[:ROWS])
        write_csv(folder / "test.csv", whole[ROWS:].drop(columns=TARGET))
        large = {part: folder / f"{part}.csv" for part in ("train", "test")}
        found["generated"] = {"rows": ROWS, "columns": COLUMNS, **_run(folder / "generated", large, None)}
        test = later(folder / "generated", "generated", whole[TARGET][ROWS:])
        found["generated"]["test"] = {measure: round(value, 6) for measure, value in test.items()}
    return found


def _run(folder: Path, files: dict[str, Path], sample: Path | None) -> dict[str, Any]:
    name = folder.name
    environment = project_copy(folder)
    begin = time.perf_counter()
    words = [f"--{part}={path.resolve()}" for part, path in files.items()]
    words += [f"--sample={sample.resolve()}"] if sample else []
    subprocess.run(
        [sys.executable, "-m", "pipeline.new", name, *words],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
    )
    stages = stage_seconds(dvc(folder, environment, "repro", f"ensemble@{name}"))
    to_submission = time.perf_counter() - begin
    stages |= stage_seconds(dvc(folder, environment, "repro", f"report@{name}"))
    seconds = time.perf_counter() - begin
    reports = folder / "reports" / name
    metrics = json.loads((reports / "metrics.json").read_text()) | json.loads((reports / "honest.json").read_text())
    told = ("cv_", "honest_", "baseline", "members")
    return {
        "seconds": round(seconds, 1),
        "seconds_to_submission": round(to_submission, 1),
        # Of the largest process so far: tables are measured from small to large.
        "peak_memory_mb": round(
            resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)
        ),
        "stage_seconds": stages,
        "metrics": {key: value for key, value in metrics.items() if key.startswith(told)},
    }


def _quality(folder: Path, metric: str, seeds: int) -> dict[str, Any]:
    """The metric of seeds 0 (there already), 1, ...: over all rows, and as the mean of the folds' own."""
    environment = command_environment()
    name, text = folder.name, (folder / "params.yaml").read_text()
    found: dict[str, list[float]] = {f"cv_{metric}": [], f"cv_{metric}_mean_of_folds": []}
    for seed in range(seeds):
        if seed:
            (folder / "params.yaml").write_text(re.sub(r"(?m)^seed: .*$", f"seed: {seed}", text))
            dvc(folder, environment, "repro", f"ensemble@{name}")
        report = folder / "reports" / name
        found[f"cv_{metric}"].append(json.loads((report / "metrics.json").read_text())[f"cv_{metric}"])
        found[f"cv_{metric}_mean_of_folds"].append(float(pd.read_csv(report / "folds.csv")[metric].mean()))
    return {key: over_seeds(values, 7) for key, values in found.items()}
