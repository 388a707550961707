"""Stage ``train``: the members of the final ensemble, for each fold the trials that score best on all other rows."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from features.errors import UserError
from features.roles import SCORE
from pipeline import stage
from pipeline.choice.choosing import choose, out_of_fold, planned
from pipeline.files import read_json, read_npz, write_csv, write_npz
from pipeline.params import load
from pipeline.progress import Progress
from pipeline.runtime import device_name, seed_for, start_tensorflow

if TYPE_CHECKING:
    from pipeline.nets.fit import Fit
    from pipeline.nets.forward import TrainedProgram
    from pipeline.nets.members import Members


def main(argv: Sequence[str] | None = None) -> int:
    """Train the ensemble; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.train", description=__doc__)
    stage.add_competition(parser)
    parser.add_argument("--input", type=Path, required=True, help="arrays.npz of the normalize stage")
    parser.add_argument("--trials", type=Path, required=True, help="folder of the tune stage")
    parser.add_argument("--output", type=Path, required=True, help="folder for weights.npz and predictions.npz")
    parser.add_argument("--report", type=Path, required=True, help="folder for members.csv and learning_curves.csv")
    return stage.run(parser, train, argv)


def train(arguments: argparse.Namespace) -> None:
    """Read, choose, fit, write."""
    params = load(arguments.params, arguments.competition)
    tensorflow = start_tensorflow(small=True)
    from pipeline.choice.arrays import load_table
    from pipeline.nets.fit import fit
    from pipeline.nets.forward import Model
    from pipeline.nets.members import members_of

    scaled = load_table(arguments.input, params.table.task)
    table = scaled.table
    trials = read_json(arguments.trials / "trials.json")
    error = read_npz(arguments.trials / "out_of_fold.npz")["error"]
    valid = np.array([trial["valid"] for trial in trials])
    chosen = choose(error, valid, table.roles, params.table.task, params.train.top_k, params.train.together)
    plan = planned(chosen, range(table.roles.shape[1]), params.train.seeds)
    members = members_of(
        [scaled.inputs.network(trials[trial]["configuration"]) for trial, _, _ in plan],
        [fold for _, fold, _ in plan],
        [seed_for(params.seed, "train", *item) for item in plan],
    )
    print(f"train: {len(plan)} members on {device_name(tensorflow)}")
    with Progress(len(plan), "members", "train") as progress:
        found = fit(
            members,
            table,
            params.table.task,
            params.train.epochs,
            params.train.patience,
            lambda share: progress.to(share * len(plan)),
        )
    trial, fold, copy = (np.array(column, np.int64) for column in zip(*plan, strict=True))
    labelled = len(table.roles)
    answers = scaled.scale.original(found.answers[:, :labelled], fold, params.train.clip)
    # Test rows are answered by the code that answers new rows, so that the two agree to the byte.
    model = Model(fold, scaled.sizes, programs_of(found, members, table.roles.shape[1]), np.arange(len(plan)))
    test = model.answers(table.inputs[:, labelled:], scaled.codes[labelled:], params.table.task)
    test = scaled.scale.original(test, fold, params.train.clip)
    sound = (found.best_epoch > 0) & np.isfinite(answers).all(axis=(1, 2)) & np.isfinite(test).all(axis=(1, 2))
    empty = np.setdiff1d(fold, fold[sound])
    if len(empty):
        raise UserError(
            f"train: every member of fold {empty[0]} diverged. Lower tune.space.learning_rate in params.yaml."
        )
    if not sound.all():
        print(f"train: {(~sound).sum()} of {len(plan)} members diverged and are left out")
    write_npz(
        arguments.output / "predictions.npz",
        {
            "out_of_fold": out_of_fold(answers, table.roles, fold, sound),
            "test": test[sound],
            "fold": fold[sound],
            "trial": trial[sound],
            "seed": copy[sound],
        },
    )
    weights = replace(model, kept=np.flatnonzero(sound)).to_arrays()
    write_npz(arguments.output / "weights.npz", weights | {"clip": np.array(params.train.clip)})
    write_csv(arguments.report / "members.csv", members_table(plan, found, table.roles, sound, params.encode.folds))
    write_csv(arguments.report / "learning_curves.csv", learning_curves(found, sound))
    print(f"train: {sound.sum()} members, mean best epoch {found.best_epoch[sound].mean():.0f}")


def programs_of(found: Fit, members: Members, folds: int) -> tuple[TrainedProgram, ...]:
    """What training in so many ``folds`` found, as programs that answer."""
    from pipeline.nets.forward import TrainedProgram

    programs = []
    for weights in found.weights:
        index = weights["members"]
        own = {name: weight for name, weight in weights.items() if name != "members"}
        kinds = str(members.activation[index[0]]), str(members.normalization[index[0]])
        place = members.scaling[index] * folds + members.fold[index]
        programs.append(TrainedProgram(index, place, members.width[index], *kinds, own))
    return tuple(programs)


def members_table(
    plan: Sequence[tuple[int, int, int]], found: Fit, roles: np.ndarray, sound: np.ndarray, folds: int
) -> pd.DataFrame:
    """One row per member of ``plan`` (trial, fold, copy): the epochs it ran and the one it kept, the loss there of the
    rows that stopped it and of those that it scores; no loss where it is not ``sound [m]``. ``roles [t, F]``, in
    repeats of ``folds``."""
    trial, fold, copy = (np.array(column, np.int64) for column in zip(*plan, strict=True))
    scored = (roles[:, fold] == SCORE).T  # [m, t]
    # In 64 bits: a number of 32 that is rounded to six digits is written with ten.
    stop_loss = np.nanmin(np.where(sound[:, None], found.stop_loss, 0), axis=1).astype(np.float64)
    score_loss = np.where(scored, found.loss, 0).sum(axis=1, dtype=np.float64) / scored.sum(axis=1)
    return pd.DataFrame(
        {
            "member": np.arange(len(plan)),
            "trial": trial,
            "repeat": fold // folds,
            "fold": fold % folds,
            "seed": copy,
            "epochs": found.epochs_run,
            "best_epoch": found.best_epoch,
            "stop_loss": np.where(sound, stop_loss, np.nan).round(6),
            "score_loss": np.where(sound, score_loss, np.nan).round(6),
        }
    )


def learning_curves(found: Fit, sound: np.ndarray) -> pd.DataFrame:
    """Mean and standard error over members, one row per epoch; a member that has stopped or diverged keeps its last
    finite loss. One member alone tells no error, which is NaN there.

    The train loss is taken while training, under dropout, so it may lie above the stop loss.
    """
    longest = int(found.epochs_run[sound].max())
    epoch = np.arange(longest)
    curves = {"epoch": epoch + 1}
    for name in ("train_loss", "stop_loss"):
        values = getattr(found, name)[sound, :longest].astype(np.float64)
        last = np.maximum.accumulate(np.where(np.isfinite(values), epoch, 0), axis=1)
        values = np.take_along_axis(values, last, axis=1)
        curves[name] = values.mean(axis=0).round(6)
        curves[f"{name}_se"] = pd.DataFrame(values).sem().to_numpy().round(6)
    curves["members_training"] = (found.epochs_run[sound, None] > epoch[None]).sum(axis=0)
    return pd.DataFrame(curves)


if __name__ == "__main__":
    raise SystemExit(main())
