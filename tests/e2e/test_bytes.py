"""Two cold runs in processes of their own give the same bytes, whatever order Python's sets are in."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from features.synthetic import mixed, titanic
from pipeline import demo
from tests.stages import command

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
SMALL = {
    "encode": {"repeats": 1, "folds": 3},
    "tune": {"max_trials": 4, "generation": 2, "epochs": 4},
    "train": {"top_k": 2, "epochs": 6},
    "ensemble": {"method": "greedy"},
}
# What `new` makes of a table with every form of column, then its stages; Titanic's own features besides.
COMMANDS = [("shops", "encode"), ("shops", "normalize"), ("shops", "tune"), ("shops", "train"), ("shops", "ensemble")]
COMMANDS += [("titanic", "encode")]
CODE = """
import importlib, json, sys
from pathlib import Path
from pipeline import demo, new
from pipeline.params import read_document

budgets, files, commands = json.loads(sys.argv[1])
assert new.main(["shops", "--train", files[0], "--test", files[1], "--sample", files[2]]) == 0
demo.write_yaml(Path("params.yaml"), demo.shortened(read_document(Path("params.yaml")), budgets))
for python, option, module, *words in commands:
    assert importlib.import_module(module).main(words) == 0, module
"""


def prepared(folder: Path) -> Path:
    """The tables, before anything is made of them."""
    shutil.copytree(ROOT / "data" / "contracts", folder / "data" / "contracts")
    shutil.copy(ROOT / "params.yaml", folder)
    raw = folder / "data" / "raw" / "titanic"
    raw.mkdir(parents=True)
    for file, frame in zip(demo.FILES, titanic(120, 40, 0), strict=True):
        frame.to_csv(raw / file, index=False)
    train, test = mixed(150, 30, 3)
    train = train.drop(columns=["cost", "yes"])
    sample = test[["id"]].assign(level=train["level"].iloc[0])
    for file, frame in zip(demo.FILES, (train, test, sample), strict=True):
        frame.to_csv(folder / file, index=False)
    return folder


def run(folder: Path, hash_seed: str) -> subprocess.Popen[str]:
    """Under way, in a process whose sets of words have an order of their own."""
    commands = [command(stage, name) for name, stage in COMMANDS]
    return subprocess.Popen(
        [sys.executable, "-c", CODE, json.dumps([SMALL, demo.FILES, commands])],
        cwd=folder,
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_two_cold_runs_give_the_same_bytes(tmp_path: Path) -> None:
    folders = [prepared(tmp_path / hash_seed) for hash_seed in ("1", "2")]
    processes = [run(folder, folder.name) for folder in folders]
    told = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], told
    assert told[0] == told[1]
    made = [
        {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in folders
    ]
    assert made[0].keys() == made[1].keys()
    assert [name for name in made[0] if made[0][name] != made[1][name]] == []
    for name in (
        "data/contracts/shops.yaml",
        "data/encode/titanic/arrays.npz",
        "data/train/shops/weights.npz",
        "reports/shops/submission.csv",
    ):
        assert name in made[0]
