"""Stage ``normalize``: each fold's columns filled and scaled by what its train rows say."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from features.encoding.normalization import binary_columns, learn
from features.encoding.target import TargetScale
from features.errors import UserError
from features.roles import TRAIN
from pipeline import stage
from pipeline.files import read_json, read_npz, write_json, write_npz
from pipeline.params import load
from pipeline.runtime import start_tensorflow


def main(argv: Sequence[str] | None = None) -> int:
    """Normalize one competition's arrays; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.normalize", description=__doc__)
    stage.add_competition(parser)
    parser.add_argument("--input", type=Path, required=True, help="folder of the encode stage")
    parser.add_argument("--output", type=Path, required=True, help="folder for arrays.npz and normalization.json")
    return stage.run(parser, normalize, argv)


def normalize(arguments: argparse.Namespace) -> None:
    """Read, learn a map for each fold, apply, write."""
    params = load(arguments.params, arguments.competition)
    arrays = read_npz(arguments.input / "arrays.npz")
    encoding = read_json(arguments.input / "encoding.json")
    names = [*(column["name"] for column in encoding["columns"]), *encoding["in_fold"]]
    binary = binary_columns(encoding)
    shared, roles = arrays["shared"].astype(np.float64), arrays["roles"]
    if np.isinf(shared).any():
        row, column = np.argwhere(np.isinf(shared))[0]
        raise UserError(
            f"normalize: {names[column]!r} of id {arrays['ids'][row]} is infinite or beyond 3.4e38. "
            "Correct the raw table, or declare a range in the contract."
        )
    methods, maps = params.normalize.method, []
    if "keras" in methods:
        start_tensorflow(small=True)  # its layer would else start it, with words on the terminal and other settings
    places = list(itertools.product(methods, range(roles.shape[1])))
    inputs = np.empty((len(places), len(shared), len(names)), np.float32)
    for place, (method, fold) in enumerate(places):
        values = np.concatenate([shared, arrays["in_fold"][fold].astype(np.float64)], axis=1)
        affine = learn(method, values[: len(roles)][roles[:, fold] == TRAIN], binary)
        inputs[place] = affine.apply(values)
        maps.append(affine.to_mapping())
    kept = {name: arrays[name] for name in ("codes", "levels", "target", "roles", "ids", "together", "groups", "forms")}
    kept["methods"] = np.array(methods, str)
    scale: dict[str, Any] = {}
    if params.table.task == "regression":
        fitted = TargetScale.fit(encoding["target"]["transform"], arrays["target"], roles == TRAIN)
        scale = fitted.to_mapping()
    scaling = {f"target_{name}": np.asarray(value) for name, value in scale.items()}
    write_npz(arguments.output / "arrays.npz", {"inputs": inputs, **kept, **scaling})
    write_json(
        arguments.output / "normalization.json",
        {
            "method": methods,
            "columns": names,
            "folds": maps,
            "target": scale,
        },
    )
    print(f"normalize: {', '.join(methods)}, {len(names)} columns in {roles.shape[1]} folds")


if __name__ == "__main__":
    raise SystemExit(main())
