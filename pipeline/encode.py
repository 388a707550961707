"""Stage ``encode``: typed tables to arrays, folds and roles."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.contracts.contract import Contract
from features.contracts.tables import parse_table
from features.contracts.words import classes_in_order, ranked
from features.encoding import duplicates, encoder
from features.encoding.columns import times_of
from features.encoding.encoder import Encoded
from features.encoding.folds import draw_roles, groups_if_asked
from features.encoding.formulas import seen
from features.encoding.target import choose, origin_of, transformed
from features.errors import UserError, listed
from features.roles import TRAIN
from features.tasks import OF_RANKS
from pipeline import stage
from pipeline.files import read_bytes, write_json, write_npz
from pipeline.params import load, read_document
from pipeline.runtime import seed_for
from pipeline.settings import Params


def main(argv: Sequence[str] | None = None) -> int:
    """Encode one competition's tables; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.encode", description=__doc__)
    stage.add_competition(parser)
    parser.add_argument("--contract", type=Path, required=True, help="what the tables must be")
    parser.add_argument("--train", type=Path, required=True, help="the raw training table")
    parser.add_argument("--test", type=Path, required=True, help="the raw test table")
    parser.add_argument("--output", type=Path, required=True, help="folder for arrays.npz and encoding.json")
    return stage.run(parser, encode, argv)


def encode(arguments: argparse.Namespace) -> None:
    """Read, encode, draw folds, learn what each fold learns, write."""
    params = load(arguments.params, arguments.competition)
    settings, task = params.encode, params.table.task
    contract = Contract.from_mapping(read_document(arguments.contract), str(arguments.contract))
    train, test = (
        contract.typed(parse_table(read_bytes(path), str(path)), str(path), with_target=path == arguments.train)
        for path in (arguments.train, arguments.test)
    )
    target, classes = coded_target(train[contract.target], task, params.table.positive)
    check_metric(params, target, classes, contract.target, arguments.train)
    frame = pd.concat([train.drop(columns=contract.target), test], ignore_index=True)
    place = f"{arguments.params}: competitions.{params.name}.encode"
    state, encoded = encoder.fit(
        frame,
        len(train),
        contract,
        params.table.module,
        settings.features,
        len(classes),
        defaults=settings.encoding,
        exceptions=settings.columns,
        min_count=settings.min_count,
        missing_indicators=settings.missing_indicators,
        made=settings.formulas,
        place=place,
    )
    if not state["groups"]:
        raise UserError(
            f"{arguments.params}: no column is left to learn from; expected one or more. Set one of competitions."
            f"{params.name}.encode.features to true, or a column's role in {arguments.contract} to feature."
        )
    groups = groups_if_asked(settings.group_aware, encoded.derived.groups, params.table.module, str(arguments.params))
    if groups is None and contract.grouping is not None:
        print(
            f"warning: {arguments.params}: encode.group_aware is false, so rows of one {contract.grouping!r} may lie "
            "in several folds. Scores are flattered if rows to be predicted are of other groups; set it to true."
        )
    shown = seen(settings.features, settings.formulas, f"{place}.formulas")
    alike = duplicates.find(contract, shown, train, test)
    once = duplicates.together(settings.duplicates, alike)
    if once:
        state["duplicates"] = "together"
        one = duplicates.groups_with(encoded.derived.groups, alike.labels, len(frame))
        encoded = replace(encoded, derived=replace(encoded.derived, groups=one))
        print(
            f"encode: {alike.train:.1%} of the training rows have a double among them, {alike.test:.1%} of the test "
            f"rows have one there; doubles are kept in one fold (encode.duplicates is {settings.duplicates})"
        )
    if groups is not None:
        groups = groups[: len(train)]
    times = times_of(contract, settings.time, train) if settings.time else None
    roles = roles_of(params, target, groups, times, alike.labels, once, classes)
    transform = choose(target, params.table.metric, settings.target) if task == "regression" else "none"
    state["folds"], in_fold = learn_folds(encoded, state, target, roles, transform)
    ids = frame[contract.id].astype(str).to_numpy(str)
    write_npz(
        arguments.output / "arrays.npz",
        {
            "shared": encoded.shared,
            "in_fold": in_fold,
            "codes": encoded.codes,
            "levels": np.array(state["levels"], np.int32),
            "groups": np.array(state["groups"], str),
            "forms": np.array(state["forms"], str),
            "target": target,
            "roles": roles,
            "ids": ids,
            "together": row_groups(encoded.derived.groups, len(frame)),
        },
    )
    write_json(arguments.output / "encoding.json", {**state, "classes": classes, "target": {"transform": transform}})
    print(
        f"encode: {len(state['columns'])} columns, {len(state['in_fold'])} learned in each of {roles.shape[1]} folds, "
        f"{len(state['codes'])} embedded" + (f", target as {transform}" if transform != "none" else "")
    )


def check_metric(params: Params, target: np.ndarray, classes: Sequence[str], name: str, train: Path) -> None:
    """Raises ``UserError`` where the metric has no value for some ``target [t]`` of these ``classes``, called ``name``
    in the file ``train``."""
    if params.table.metric in OF_RANKS and not ranked(classes):
        raise UserError(
            f"{train}: the classes of the target {name!r} are {listed(classes, most=6)}, but metric "
            f"{params.table.metric!r} asks how far apart they lie; expected whole numbers in equal steps. Write them "
            f"so, or set competitions.{params.name}.table.metric to accuracy."
        )
    if params.table.metric == "rmsle" and target.min() < 0:
        row = int(target.argmin())
        raise UserError(
            f"{train}, row {row + 2}: the target {name!r} is {target[row]:g}, but metric 'rmsle' "
            f"takes logarithms; expected 0 or more. Set competitions.{params.name}.table.metric to rmse or mae."
        )
    if params.table.metric == "mape" and not target.all():
        row = int(np.flatnonzero(target == 0)[0])
        raise UserError(
            f"{train}, row {row + 2}: the target {name!r} is 0, but metric 'mape' divides by it; "
            f"expected no 0. Set competitions.{params.name}.table.metric to rmse or mae."
        )


def learn_folds(
    encoded: Encoded, state: Mapping[str, Any], target: np.ndarray, roles: np.ndarray, transform: str
) -> tuple[list[dict[str, Any]], np.ndarray]:
    """What each fold of ``roles [t, F]`` learns from the labels of its train rows, and its columns
    ``[F, n, g] float32``."""
    learned, in_fold = [], np.zeros((roles.shape[1], len(encoded.shared), len(state["in_fold"])), np.float32)
    for fold in range(roles.shape[1]):
        known = np.flatnonzero(roles[:, fold] == TRAIN)
        labels = transformed(transform, target, origin_of(transform, target[known]))
        own, in_fold[fold] = encoder.learn(encoded, state, labels, known)
        learned.append(own)
    return learned, in_fold


def roles_of(
    params: Params,
    target: np.ndarray,
    groups: np.ndarray | None,
    times: np.ndarray | None,
    alike: np.ndarray,
    once: bool,
    classes: Sequence[str],
) -> np.ndarray:
    """``folds.draw_roles`` for the training rows, those of one label of ``alike [t]`` counting ``once`` or each by
    itself."""
    settings = params.encode
    first, place = np.arange(len(target)), np.arange(len(target))
    if once:
        first, place = duplicates.first_of(alike)
        groups = None if groups is None else duplicates.joined(groups, alike)
    try:
        roles = draw_roles(
            target[first],
            params.table.task != "regression",
            settings.folds,
            settings.repeats,
            settings.stop_fraction,
            None if groups is None else groups[first],
            seed_for(params.seed, "folds"),
            classes,
            duplicates.latest(times, place),
        )
    except UserError as error:
        if not once:
            raise
        raise UserError(
            f"{error}\nRows that are alike in every column count as one here, since encode.duplicates is "
            f"{settings.duplicates!r}; 'apart' counts each, which flatters the score."
        ) from None
    return roles[place]


def row_groups(groups: np.ndarray | None, rows: int) -> np.ndarray:
    """The number of each row's group ``[n] int32``, of the labels ``groups [n]``; without any each row is its own."""
    return (np.arange(rows) if groups is None else np.unique(groups, return_inverse=True)[1]).astype(np.int32)


def coded_target(cells: pd.Series, task: str, positive: str = "") -> tuple[np.ndarray, list[str]]:
    """The target as numbers ``[t]``, and the classes in the order of their codes as they are spelt (none for
    regression): whole numbers by value, else by alphabet, the one called ``positive`` last. Raises ``UserError`` where
    ``binary`` has not two, or none is called so."""
    if task == "regression":
        return cells.to_numpy(np.float64), []
    spelt = classes_in_order(cells, positive)
    if task == "binary" and len(spelt) != 2:
        raise UserError(
            f"the labels of the target {cells.name!r} are {', '.join(map(repr, spelt[:4]))}; expected two for task "
            "'binary'. Run validate, which names the rows, or set `task: multiclass` in the params."
        )
    codes = cells.map({word: code for code, word in enumerate(spelt)})
    return codes.to_numpy(np.float32 if task == "binary" else np.int32), spelt


if __name__ == "__main__":
    raise SystemExit(main())
