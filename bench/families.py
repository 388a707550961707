"""What each family and option of the networks gives and costs, over a plain network, in cross-validation.

One fixed network a table's task, changed in one thing at a time, in every fold and with several seeds. Nothing is
searched, so a difference is that of the change alone; what a search makes of it is another question.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.chain import ROOT
from features.errors import UserError
from features.roles import SCORE
from pipeline import demo
from pipeline.params import load, read_document
from pipeline.runtime import seed_for, start_tensorflow

MIRROR = ROOT / "../shared/data/house_prices"
BUNDLED = ("breast_cancer", "wine", "diabetes")
TABLES = ("titanic", *BUNDLED, "house_prices")
EPOCHS, PATIENCE, SEEDS = 60, 10, 2
PLAIN: dict[str, Any] = {
    "depth": 2,
    "width": 64,
    "dropout": 0.2,
    "l2": 3e-3,
    "initializer": "glorot_uniform",
    "activation": "selu",
    "learning_rate": 3e-3,
    "batch_size": 64,
}
BINS = {"numbers": "piecewise_linear", "number_bins": 16}
TABM = {"family": "tabm", "copies": 8}
SINES = {
    "family": "waves",
    "activation": "sine",
    "frequency": 0.05,
    "depth": 1,
    "width": 128,
    "feature_scale": "learned",
}
# RealMLP's preset is 3 x 256 units and 256 epochs, dozens of times the cost of a plain network.
SMALLER = {"width": 64, "epochs": 64, "batch_size": 128}
CHANGES: dict[str, dict[str, Any]] = {
    "plain": {},
    "learned feature scale": {"feature_scale": "learned"},
    "16 bins": BINS,
    "16 bins, 8 units": {**BINS, "number_units": 8},
    "periodic, 4 units": {"numbers": "periodic"},
    "mish": {"activation": "mish"},
    "label smoothing 0.1": {"label_smoothing": 0.1},
    "weight decay 1, no L2": {"weight_decay": 1.0, "l2": 0.0},
    "cosine, 40 epochs": {"schedule": "cosine", "epochs": 40},
    "coslog4, 40 epochs": {"schedule": "coslog4", "epochs": 40},
    "flat cosine, 40 epochs": {"schedule": "flat_cosine", "epochs": 40},
    "5 snapshots": {"snapshots": 5},
    "128 sines, frequency 0.05": SINES,
    "tabm, 8 copies": TABM,
    "tabm, 8 copies, bins": {**TABM, **BINS, "number_units": 8},
    "tabm, 32 copies": {**TABM, "copies": 32},
}


@dataclass(frozen=True)
class Case:
    """One table: its arrays, task, and the preset of ``realmlp`` for it."""

    name: str
    arrays: Path
    task: str
    preset: dict[str, Any]


def measure(titanic: Path, names: Sequence[str], earlier: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Rows by table and change; ``titanic``: arrays of the normalize stage; House Prices where the mirror has it.

    Tables that are not among ``names`` are taken from ``earlier``, what this wrote before. Raises ``UserError`` for a
    table that is not there.
    """
    if unknown := sorted({*names} - {*TABLES}):
        raise UserError(f"--tables: no table {unknown[0]!r}; expected some of {', '.join(TABLES)}.")
    with tempfile.TemporaryDirectory() as folder:
        cases = list(_cases(titanic, Path(folder) / "tables", names))
        start_tensorflow(small=True)
        known = dict(earlier["tables"]) if earlier else {}
        return {"seeds": SEEDS, "tables": known | {case.name: _rows(case) for case in cases}}


def _cases(titanic: Path, folder: Path, names: Sequence[str]) -> Iterator[Case]:
    made = [name for name in BUNDLED if name in names]
    if "titanic" in names:
        yield Case("titanic", titanic, "binary", _preset(ROOT / "params.yaml", "titanic"))
    demo.prepare(folder, made, 0, demo.BUDGETS)
    if "house_prices" in names and MIRROR.exists():
        files = [f"--{part}={(MIRROR / f'{part}.csv').resolve()}" for part in ("train", "test")]
        files.append(f"--sample={(MIRROR / 'sample_submission.csv').resolve()}")
        subprocess.run([sys.executable, "-m", "pipeline.new", "house_prices", *files], cwd=folder, check=True)
        made.append("house_prices")
    params = read_document(folder / "params.yaml")
    for entry in params["competitions"].values():
        entry["encode"]["repeats"] = 2
    demo.write_yaml(folder / "params.yaml", params)
    for name in made:
        demo.dvc(folder, "repro", f"normalize@{name}").check_returncode()
        task = params["competitions"][name]["table"]["task"]
        arrays = folder / "data" / "normalize" / name / "arrays.npz"
        yield Case(name, arrays, task, _preset(folder / "params.yaml", name))


def _preset(params: Path, name: str) -> dict[str, Any]:
    """RealMLP's hyperparameters as params.yaml gives them."""
    loaded = load(params, name)
    regression = loaded.tune.families["realmlp_regression"] if loaded.table.task == "regression" else {}
    preset = {**loaded.tune.families["realmlp"], **regression}
    return {"family": "realmlp"} | {key: value[0] for key, value in preset.items() if isinstance(value, tuple)}


def _rows(case: Case) -> list[dict[str, Any]]:
    from pipeline.choice.arrays import load_table
    from pipeline.nets.fit import fit
    from pipeline.nets.members import members_of

    scaled = load_table(case.arrays, case.task)
    table = scaled.table
    pairs = [(fold, copy) for fold in range(table.roles.shape[1]) for copy in range(SEEDS)]
    seeds = [seed_for(0, "bench", fold, copy) for fold, copy in pairs]
    rows: list[dict[str, Any]] = []
    plain = np.zeros(0)
    small = {**case.preset, **SMALLER}
    for name, change in {**CHANGES, "realmlp, 3 x 64, 64 epochs": small}.items():
        configuration = scaled.inputs.network({**PLAIN, **change})
        members = members_of([configuration] * len(pairs), [fold for fold, _ in pairs], seeds)
        begin = time.perf_counter()
        found = fit(members, table, case.task, EPOCHS, PATIENCE)
        seconds = time.perf_counter() - begin
        scored = [found.loss[one, table.roles[:, fold] == SCORE].mean() for one, (fold, _) in enumerate(pairs)]
        by_fold = np.reshape(scored, (-1, SEEDS)).mean(axis=1).astype(np.float64)
        plain = by_fold if name == "plain" else plain
        difference = by_fold - plain
        rows.append(
            {
                "network": name,
                "loss": round(float(by_fold.mean()), 4),
                "to_plain": round(float(difference.mean()), 4),
                "to_plain_se": round(float(difference.std(ddof=1) / np.sqrt(len(difference))), 4),
                "epochs": round(float(found.epochs_run.mean()), 1),
                "ms_per_member_epoch": round(1e3 * seconds / found.epochs_run.sum(), 2),
            }
        )
        print(f"{case.name:14s}" + "  ".join(f"{value}" for value in rows[-1].values()), flush=True)
    return rows
