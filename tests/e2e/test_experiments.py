"""The README's recipes in a Git repository of their own: queue, show, compare, keep the best, submit."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline import compare, demo, submit
from tests.pipeline.kaggle_stand_in import serving, settings

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
# What the queue may take before the test gives up, in seconds.
PATIENCE = 900
STATES = {"Queued", "Running", "Success", "Failed"}


def call(folder: Path, *words: str) -> str:
    """Standard output of a command; it must succeed."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    # Into a file: the queue's workers inherit the output, and a pipe would stay open as long as they live.
    with (folder / ".git" / "output").open("w+") as output:
        done = subprocess.run(
            words,
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PATH": path, "DVC_NO_ANALYTICS": "1"},
            check=False,
        )
        output.seek(0)
        told = output.read()
    assert done.returncode == 0, told
    return told


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small run, committed."""
    folder = tmp_path / "repository"
    small = {
        "encode": {"repeats": 1, "folds": 3},
        "tune": {"max_trials": 2, "generation": 2, "epochs": 5},
        "train": {"top_k": 1, "epochs": 8},
    }
    demo.prepare(folder, ["wine"], 0, small)
    for name in (".gitignore", ".dvcignore"):
        shutil.copy(ROOT / name, folder)
    subprocess.run(["git", "init", "-q", "-b", "main", str(folder)], check=True)
    for key, value in (("user.name", "t"), ("user.email", "t@example.org")):
        call(folder, "git", "config", key, value)
    call(folder, "dvc", "config", "--unset", "core.no_scm")
    call(folder, "dvc", "repro")
    call(folder, "git", "add", ".")
    call(folder, "git", "commit", "-qm", "a first run")
    monkeypatch.chdir(folder)
    return folder


def wait_for_queue(folder: Path) -> dict[str, str]:
    """Name and end state of every task."""
    until = time.monotonic() + PATIENCE
    while True:
        rows = [line.split() for line in call(folder, "dvc", "queue", "status").split("\n")[1:]]
        tasks = {row[1]: row[-1] for row in rows if len(row) >= 4 and row[-1] in STATES}
        if tasks and not {"Queued", "Running"} & set(tasks.values()):
            return tasks
        assert time.monotonic() < until, tasks
        time.sleep(3)


def test_the_recipes(repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def dvc(*words: str) -> str:
        return call(repository, "dvc", *words)

    assert not call(repository, "git", "status", "--porcelain")

    dvc("exp", "run", "--queue", "-S", "train.epochs=choice(2,12)")
    dvc("queue", "start", "-j", "2")
    tasks = wait_for_queue(repository)
    assert list(tasks.values()) == ["Success"] * 2

    shown = list(csv.DictReader(io.StringIO(dvc("exp", "show", "--only-changed", "--csv"))))
    epochs = {row["Experiment"]: row["train.epochs"] for row in shown if row["Experiment"] in tasks}
    assert sorted(epochs.values()) == ["12", "2"]
    assert "tune.max_trials" not in shown[0]  # the same in all, so not shown
    (drop,) = re.findall(r"dvc exp show --only-changed --drop '([^']+)'", (ROOT / "README.md").read_text("utf-8"))
    few = next(csv.reader(io.StringIO(dvc("exp", "show", "--only-changed", "--csv", "--drop", drop))))
    assert {"cv_log_loss", "honest_log_loss", "train.epochs"} < set(few) and len(few) < 12, "what fits a terminal"
    best = next(name for name, value in epochs.items() if value == "12")
    ran = [line.split("'")[1] for line in dvc("queue", "logs", best).split("\n") if line.startswith("Running stage")]
    assert ran == ["check"] + [f"{stage}@wine" for stage in ("train", "ensemble", "columns", "honest", "report")]

    dvc("exp", "apply", best)
    assert "train.epochs" in dvc("params", "diff")
    assert "cv_log_loss" in dvc("metrics", "diff")
    assert "Running stage" not in dvc("repro")
    call(repository, "git", "commit", "-qam", f"keep {best}")
    assert "12" in dvc("params", "diff", "HEAD~1") and "cv_log_loss" in dvc("metrics", "diff", "HEAD~1")
    dvc("plots", "diff", "HEAD~1")

    capsys.readouterr()
    other = next(name for name in epochs if name != best)
    for revisions in (("HEAD~1", "HEAD"), (other, "workspace")):
        assert compare.main([*revisions, "wine"]) == 0
        told = capsys.readouterr().out
        assert "train.epochs" in told and "paired over the same 3 folds" in told and "rows flipped" in told

    with serving() as kaggle, pytest.MonkeyPatch.context() as patch:
        for name, value in settings(kaggle, tmp_path / "home").items():
            patch.setenv(name, value) if value else patch.delenv(name, raising=False)
        patch.setattr(submit, "POLL_SECONDS", 0.1)
        assert submit.main(["wine", "-m", best, "--kaggle", "titanic"]) == 0
        assert list(kaggle.uploads.values()) == [Path("reports/wine/submission.csv").read_bytes()]
    with Path("reports/leaderboard.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert (row["revision"], row["dirty"]) == (call(repository, "git", "rev-parse", "HEAD").strip(), "false")
    assert json.loads(row["params"])["train.epochs"] == 12
