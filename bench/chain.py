"""Titanic's whole chain in a copy of the tree: cold and no-op times, peak memory, equal bytes, quality over seeds."""

from __future__ import annotations

import hashlib
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
REPORTS = ("submission.csv", "metrics.json", "honest.json", "trials.csv")
HONEST = ("honest_log_loss", "honest_accuracy", "honest_roc_auc")
MEASURES = ("cv_log_loss", "cv_accuracy", "cv_roc_auc", "ensemble_gain", "single_accuracy", *HONEST)


def measure(seeds: int) -> dict[str, Any]:
    """Two cold runs at seed 0 (time, memory, bytes), a no-op, then the other seeds for the quality table."""
    with tempfile.TemporaryDirectory() as folder:
        runs = [_cold(Path(folder) / f"run{number}", seed) for number, seed in enumerate([0, 0, *range(1, seeds)])]
    metrics = [run["metrics"] for run in runs[1:]]
    return {
        "cold_seconds": [run["seconds"] for run in runs],
        "no_op_seconds": runs[0]["no_op_seconds"],
        "peak_memory_mb": max(run["peak_memory_mb"] for run in runs),
        "two_cold_runs_equal_bytes": runs[0]["digests"] == runs[1]["digests"],
        "stage_seconds": runs[0]["stage_seconds"],
        "quality": {key: over_seeds([m[key] for m in metrics], 5) for key in MEASURES},
    }


def over_seeds(values: Sequence[float], digits: int) -> dict[str, Any]:
    """Mean and standard deviation, to ``digits`` behind the point, and the ``values`` themselves."""
    return {
        "mean": round(float(np.mean(values)), digits),
        "sd": round(float(np.std(values, ddof=1)), digits) if len(values) > 1 else None,
        "by_seed": [round(value, 7) for value in values],
    }


def copy_tree(target: Path) -> None:
    """What Git does not ignore, and the raw tables where they lie here, without any result or cache."""
    for name in unignored():
        if name.startswith("reports/") or name == "dvc.lock":
            continue
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target / name)
    raw = ROOT / "data" / "raw" / "titanic"
    if raw.exists():
        shutil.copytree(raw, target / "data" / "raw" / "titanic")
    subprocess.run([sys.executable, "-m", "compileall", "-q", "pipeline", "features"], cwd=target, check=True)


def project_copy(target: Path) -> dict[str, str]:
    """``copy_tree`` with DVC told that there is no Git, and the environment of commands there, this Python first."""
    copy_tree(target)
    environment = command_environment()
    dvc(target, environment, "config", "--local", "core.no_scm", "true")
    return environment


def command_environment() -> dict[str, str]:
    """The environment of commands: this Python first, no analytics."""
    return {**os.environ, "DVC_NO_ANALYTICS": "1", "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def unignored() -> list[str]:
    """Files of the tree that Git would take, whether it has them or not, and where there is no repository, too."""
    with tempfile.TemporaryDirectory() as empty:
        git = ["git", f"--git-dir={empty}/.git", f"--work-tree={ROOT}"]
        subprocess.run(["git", "init", "-q", empty], check=True)
        # The empty repository has no list of its own of what to leave out.
        own = ROOT / ".git" / "info" / "exclude"
        listed = [*git, "ls-files", "-z", "--others", "--exclude-standard"]
        listed += [f"--exclude-from={own}"] if own.is_file() else []
        found = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    # A repository within is listed as its folder.
    return [name for name in found.split("\0") if name and not name.endswith("/")]


def _cold(folder: Path, seed: int) -> dict[str, Any]:
    environment = project_copy(folder)
    text = (folder / "params.yaml").read_text()
    (folder / "params.yaml").write_text(re.sub(r"(?m)^seed: .*$", f"seed: {seed}", text))
    begin = time.perf_counter()
    output = dvc(folder, environment, "repro", "report@titanic")
    seconds = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)
    begin = time.perf_counter()
    dvc(folder, environment, "repro", "report@titanic")
    no_op = time.perf_counter() - begin
    report = folder / "reports" / "titanic"
    files = [*(report / name for name in REPORTS), folder / "dvc.lock"]
    return {
        "seconds": round(seconds, 1),
        "no_op_seconds": round(no_op, 1),
        "peak_memory_mb": round(peak),
        "metrics": json.loads((report / "metrics.json").read_text()) | json.loads((report / "honest.json").read_text()),
        "digests": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files},
        "stage_seconds": stage_seconds(output),
    }


def dvc(folder: Path, environment: dict[str, str], *words: str) -> list[tuple[float, str]]:
    """Run DVC; its lines with the second at which each came. Raises ``RuntimeError`` with the output where it fails."""
    begin, lines = time.perf_counter(), []
    process = subprocess.Popen(
        [sys.executable, "-m", "dvc", *words],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout
    for line in process.stdout:
        lines.append((time.perf_counter() - begin, line.rstrip()))
    if process.wait():
        raise RuntimeError("\n".join(line for _, line in lines))
    lines.append((time.perf_counter() - begin, ""))
    return lines


def stage_seconds(lines: list[tuple[float, str]]) -> dict[str, float]:
    """Wall seconds of each stage, from DVC's lines and when they came."""
    starts = [(second, found[1]) for second, line in lines if (found := re.match(r"Running stage '([^']+)'", line))]
    ends = [second for second, _ in starts[1:]] + [lines[-1][0]]
    return {name: round(end - start, 1) for (start, name), end in zip(starts, ends, strict=True)}
