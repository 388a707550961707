"""Stage ``encode``: typed tables to arrays, folds and roles."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features import encoding
from features.contract import Contract
from features.folds import TRAIN, draw_roles
from features.tables import parse_table
from pipeline import stage
from pipeline.files import read_bytes, write_json, write_npz
from pipeline.params import load, read_document
from pipeline.runtime import seed_for


def main(argv: Sequence[str] | None = None) -> int:
    """Encode one competition's tables; returns the exit code."""
    parser = argparse.ArgumentParser(prog="pipeline.encode", description=__doc__)
    parser.add_argument("--competition", required=True)
    parser.add_argument("--params", type=Path, required=True)
    parser.add_argument("--contract", type=Path, required=True)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True, help="folder for arrays.npz and encoding.json")
    return stage.run(parser, encode, argv)


def encode(arguments: argparse.Namespace) -> None:
    """Read, derive, encode, draw folds, learn what each fold learns, write."""
    params = load(arguments.params, arguments.competition)
    settings = params.encode
    contract = Contract.from_mapping(read_document(arguments.contract), str(arguments.contract))
    train, test = (
        contract.typed(parse_table(read_bytes(path), str(path)), str(path), with_target=path == arguments.train)
        for path in (arguments.train, arguments.test)
    )
    target, classes = coded_target(train[contract.target], params.table.task)
    frame = pd.concat([train.drop(columns=contract.target), test], ignore_index=True)
    derived = importlib.import_module(f"features.{params.table.module}").build(frame, contract, settings.features)
    labelled = np.arange(len(train))
    states = encoding.fit(derived.categories, labelled, settings.encoding, settings.columns, settings.min_count)
    encoded, described, codes, coded = encoding.apply(states, derived.categories)
    numbers = derived.numbers.to_numpy(np.float64)
    gaps = [c for c in derived.numbers.columns if settings.missing_indicators and derived.numbers[c].isna().any()]
    shared = np.concatenate([numbers, derived.numbers[gaps].isna().to_numpy(np.float64), encoded], axis=1)
    roles = draw_roles(
        target,
        params.table.task != "regression",
        settings.folds,
        settings.repeats,
        settings.stop_fraction,
        derived.parties[labelled] if settings.group_aware and derived.parties is not None else None,
        seed_for(params.seed, "folds"),
    )
    in_fold = np.zeros((roles.shape[1], len(frame), len(derived.in_fold)))
    if derived.learn is not None:
        for fold in range(roles.shape[1]):
            in_fold[fold] = derived.learn(target, np.flatnonzero(roles[:, fold] == TRAIN))
    write_npz(
        arguments.output / "arrays.npz",
        {
            "shared": shared.astype(np.float32),
            "in_fold": in_fold.astype(np.float32),
            "codes": codes,
            "target": target,
            "roles": roles,
            "ids": frame[contract.id].astype(str).to_numpy(str),
        },
    )
    kinds = [{"name": str(c), "kind": "number"} for c in derived.numbers.columns]
    kinds += [{"name": f"{c} missing", "kind": "indicator"} for c in gaps] + described
    write_json(
        arguments.output / "encoding.json",
        {"columns": kinds, "in_fold": list(derived.in_fold), "codes": coded, "categories": states, "classes": classes},
    )
    print(
        f"encode: {len(kinds)} columns, {len(derived.in_fold)} learned in each of {roles.shape[1]} folds, "
        f"{len(coded)} embedded"
    )


def coded_target(cells: pd.Series, task: str) -> tuple[np.ndarray, list[str]]:
    """The target as numbers ``[t]``, and the classes in the order of their codes as they are spelt (none for
    regression)."""
    if task == "regression":
        return cells.to_numpy(np.float32), []
    spelt: list[Any] = sorted(
        cells.unique(), key=lambda word: (not word.isdigit(), int(word) if word.isdigit() else 0, word)
    )
    codes = cells.map({word: code for code, word in enumerate(spelt)})
    return codes.to_numpy(np.float32 if task == "binary" else np.int32), spelt


if __name__ == "__main__":
    raise SystemExit(main())
