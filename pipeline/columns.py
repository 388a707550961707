"""Stage ``columns``: what each feature group is worth to the networks and to the ensemble, and which pairs of them."""

from __future__ import annotations

import argparse
import functools
import itertools
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from features.errors import UserError
from features.roles import SCORE, STOP, TRAIN, UNUSED
from features.scoring import metrics
from features.scoring.comparison import noise
from features.scoring.importance import group_table, measured, measures_of, pair_table, sentences, sets_to_train
from features.tasks import called
from pipeline import stage
from pipeline.choice.combining import Choice, level_of
from pipeline.files import read_json, read_npz, write_bytes, write_csv
from pipeline.pages.pictures import AS_WRITTEN, COLOURS, label, panels, png
from pipeline.params import load
from pipeline.progress import Progress
from pipeline.runtime import device_name, seed_for, start_tensorflow
from pipeline.settings import Params

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pipeline.choice.arrays import Scaled
    from pipeline.nets.forward import Model

Measures = dict[str, np.ndarray]
# Groups and pairs that the picture shows, of pairs in two lines half as many.
SHOWN = 20
# Of a name beside a bar: longer ones would leave bars and titles too little room.
MOST_LETTERS = 27


def main(argv: Sequence[str] | None = None) -> int:
    """Judge the columns; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.columns", description=__doc__)
    stage.add_competition(parser)
    parser.add_argument("--input", type=Path, required=True, help="arrays.npz of the normalize stage")
    parser.add_argument("--trials", type=Path, required=True, help="folder of the tune stage")
    parser.add_argument("--weights", type=Path, required=True, help="weights.npz of the train stage")
    parser.add_argument("--ensemble", type=Path, required=True, help="ensemble.json of the ensemble stage")
    parser.add_argument(
        "--report", type=Path, required=True, help="folder for columns.csv, interactions.csv and columns.png"
    )
    return stage.run(parser, columns, argv)


@dataclass(frozen=True)
class Trained:
    """The table, the target in its own units ``[t]``, the group of rows that each belongs to, ``together [t]``, and
    what the stages made of them: the configuration of networks to train anew, all members, and how they become one
    answer."""

    params: Params
    scaled: Scaled
    target: np.ndarray
    together: np.ndarray
    configuration: Mapping[str, Any]
    model: Model
    choice: Choice

    @property
    def share(self) -> float:
        """Rows that a fold scores against those that it trains or stops by, on average."""
        roles = self.scaled.table.roles
        return float((roles == SCORE).sum() / np.isin(roles, (TRAIN, STOP)).sum())

    def measured(self, target: np.ndarray, answer: np.ndarray) -> list[float]:
        """See ``features.scoring.importance``."""
        table = self.params.table
        return measured(table.task, table.metric, target, answer, self.choice.rule.decide(answer))


def columns(arguments: argparse.Namespace) -> None:
    """Read, permute, train, write."""
    params = load(arguments.params, arguments.competition)
    tensorflow = start_tensorflow(small=True)
    trained = load_trained(arguments, params)
    inputs = trained.scaled.inputs
    counts = {name: int((inputs.groups == name).sum()) for name in inputs.names}
    with Progress(len(counts), "groups", "columns, permuted") as progress:
        permuted = importance(trained, progress.to)
    first = measures_of(params.table.task, params.table.metric)[0]
    worst = group_table(counts, permuted, {}, trained.share)["group"].tolist()
    examined, paired = worst[: params.columns.groups], worst[: min(params.columns.pairs, params.columns.groups)]
    sets = sets_to_train(inputs.names, examined, paired) if examined else []
    folds = params.encode.folds * params.columns.repeats
    grouped = f"{len(counts)} group{'s' if len(counts) != 1 else ''}"
    networks = f"{len(sets)} network{'s' if len(sets) != 1 else ''}"
    print(f"columns: {grouped}, {networks} x {folds} folds on {device_name(tensorflow)}")
    with Progress(max(len(sets), 1), "sets", "columns, trained") as progress:
        known = retrained(trained, sets, range(folds), progress.to) if sets else {}
    table = group_table(counts, permuted, known, trained.share)
    pairs = pair_table(paired, known, trained.share, inputs.names)
    # The picture shows the numbers that lie beside it.
    written, of_pairs = (metrics.rounded_table(params.table.task, frame) for frame in (table, pairs))
    drawn = picture(written, of_pairs, first)
    write_csv(arguments.report / "columns.csv", written)
    write_csv(arguments.report / "interactions.csv", of_pairs)
    write_bytes(arguments.report / "columns.png", drawn)
    for sentence in sentences(table, pairs):
        print(f"columns: {sentence}")


def load_trained(arguments: argparse.Namespace, params: Params) -> Trained:
    """The ensemble as it answers, its inputs, and the network that is retrained for each set of groups (``simplest``).
    Raises ``UserError`` where a file is missing or damaged, or the files are of different runs."""
    from pipeline.choice.arrays import load_table
    from pipeline.nets.forward import Model

    scaled = load_table(arguments.input, params.table.task)
    trials = read_json(arguments.trials / "trials.json")
    network = simplest(trials, read_npz(arguments.trials / "out_of_fold.npz")["loss"])
    model = Model.from_arrays(read_npz(arguments.weights))
    choice = Choice.from_mapping(read_json(arguments.ensemble))
    if len(choice.weights) != len(model.kept):
        raise UserError(
            f"{arguments.ensemble}: weights of {len(choice.weights)} members, but {arguments.weights} holds "
            f"{len(model.kept)}. Run `dvc repro ensemble@{params.name}`."
        )
    arrays = read_npz(arguments.input)
    target, together = arrays["target"], arrays["together"][: len(arrays["target"])]
    return Trained(params, scaled, target, together, network, model, choice)


def simplest(trials: Sequence[Mapping[str, Any]], loss: np.ndarray) -> Mapping[str, Any]:
    """The configuration with the fewest hidden units among those whose ``loss [k, t]`` on rows is within one standard
    error of the best trial's, paired by rows (the one-standard-error rule of Breiman et al., 1984), the better among
    equals: as good as the best for comparisons, and cheaper."""
    valid = np.flatnonzero(np.isfinite(loss).any(axis=1))
    known = loss[valid][:, np.isfinite(loss[valid]).all(axis=0)].astype(np.float64)
    mean = known.mean(axis=1)
    behind = known - known[mean.argmin()]
    error = behind.std(axis=1, ddof=1) / np.sqrt(known.shape[1])
    found = [
        (int(one["depth"]) * int(one["width"]), float(mean[place]), trial)
        for place, trial in enumerate(valid.tolist())
        for one in [trials[trial]["configuration"]]
        if behind[place].mean() <= error[place]
    ]
    network: Mapping[str, Any] = trials[min(found)[2]]["configuration"]
    return network


def importance(trained: Trained, progress: Callable[[float], None]) -> dict[str, Measures]:
    """How far each measure of the ensemble moves when a group's columns are permuted (Breiman, 2001; Fisher et al.,
    2019): by group, ``[F]``, the mean over permutations.

    A fold's members answer for the fold's own score rows, which none of them learned from or was stopped by. A group's
    columns are permuted together, so that what one says of another stays true.
    """
    from pipeline.nets.lanes import Stopped, side_by_side

    settings, table, groups = trained.params.columns, trained.scaled.table, trained.scaled.inputs.names
    scored = [_rows(trained, fold) for fold in range(table.roles.shape[1])]
    names = measures_of(trained.params.table.task, trained.params.table.metric)
    stop, telling, done = threading.Event(), threading.Lock(), itertools.count(1)

    def moved(place: int) -> Measures:
        if stop.is_set():
            raise Stopped
        orders = []
        for number in range(settings.permutations):
            seeds = [seed_for(trained.params.seed, "permuted", place, number, fold) for fold in range(len(scored))]
            orders.append(
                [np.random.default_rng(seed).permutation(len(rows)) for seed, rows in zip(seeds, scored, strict=True)]
            )
        change = (_of_ensemble(trained, scored, orders, groups[place]) - plain).mean(axis=0)  # [F, measures]
        with telling:
            progress(next(done))
        return dict(zip(names, change.T, strict=True))

    # Members answer in one thread (see ``forward``), so groups are shared out; the limit is the process's, so it must
    # not be lifted where one group ends while another is under way.
    with threadpool_limits(1, "blas"):
        plain = _of_ensemble(trained, scored, [[np.arange(len(rows)) for rows in scored]], "")
        jobs = [functools.partial(moved, place) for place in range(len(groups))]
        return dict(zip(groups, side_by_side(jobs, stop), strict=True))


def _rows(trained: Trained, fold: int) -> np.ndarray:
    """A fold's score rows, or as many of them as ``columns.rows`` allows."""
    rows = np.flatnonzero(trained.scaled.table.roles[:, fold] == SCORE)
    generator = np.random.default_rng(seed_for(trained.params.seed, "permuted rows", fold))
    return np.sort(generator.permutation(rows)[: trained.params.columns.rows])


def _of_ensemble(
    trained: Trained, scored: Sequence[np.ndarray], orders: Sequence[Sequence[np.ndarray]], group: str
) -> np.ndarray:
    """Measures ``[orders, F, measures]`` of each fold's members on its ``scored`` rows, the columns of ``group`` in
    each of the ``orders [orders, F]``."""
    scaled, params = trained.scaled, trained.params
    own, folds, width = scaled.inputs.groups == group, len(scored), scaled.table.inputs.shape[2]
    # Folds differ in length: the shorter repeat their last row, and what is said of it there is not looked at.
    size = max(map(len, scored))
    rows = np.stack([np.tile(_filled(each, size), len(orders)) for each in scored])  # [F, orders * size]
    moved = np.stack(
        [np.concatenate([_filled(each[order[fold]], size) for order in orders]) for fold, each in enumerate(scored)]
    )
    inputs = np.stack(
        [
            np.where(own[:width], whole[moved[place % folds]], whole[rows[place % folds]])
            for place, whole in enumerate(scaled.table.inputs)  # every scaled copy of every fold
        ]
    )
    codes = np.where(own[width:], scaled.codes[moved], scaled.codes[rows])
    codes = np.tile(codes, (len(inputs) // folds, 1, 1))
    of_member = trained.model.fold[trained.model.kept]
    said = scaled.scale.original(
        trained.model.answers(inputs, codes, params.table.task), of_member, params.train.clip
    ).reshape(len(of_member), len(orders), size, -1)
    found = []
    for number in range(len(orders)):
        for fold, each in enumerate(scored):
            choice = replace(trained.choice, weights=np.where(of_member == fold, trained.choice.weights, 0.0))
            found.append(trained.measured(trained.target[each], choice.answer(said[:, number, : len(each)])))
    return np.array(found).reshape(len(orders), folds, -1)


def _filled(rows: np.ndarray, size: int) -> np.ndarray:
    return np.pad(rows, (0, size - len(rows)), mode="edge")


def retrained(
    trained: Trained, sets: Sequence[frozenset[str]], folds: Sequence[int], progress: Callable[[float], None]
) -> dict[frozenset[str], Measures]:
    """Measures ``[folds]`` of one network trained anew for each set of groups, all trained together, and of the best
    constant for the empty set. In one fold all start from the same seed."""
    from pipeline.choice.arrays import COLUMNS
    from pipeline.nets.fit import fit
    from pipeline.nets.members import members_of

    params, scaled, table = trained.params, trained.scaled, trained.scaled.table
    plan = [(one, fold, copy) for one in sets for fold in folds for copy in range(params.columns.seeds)]
    base = {name: value for name, value in trained.configuration.items() if not name.startswith(COLUMNS)}
    networks = {
        one: scaled.inputs.network(base | {f"{COLUMNS}{name}": name in one for name in scaled.inputs.names})
        for one in sets
    }
    fold_of = np.array([fold for _, fold, _ in plan])
    members = members_of(
        [networks[one] for one, _, _ in plan],
        fold_of.tolist(),
        [seed_for(params.seed, "columns", fold, copy) for _, fold, copy in plan],
    )
    found = fit(
        members,
        table,
        params.table.task,
        params.tune.epochs,
        params.tune.patience,
        lambda share: progress(share * len(sets)),
    )
    answers = scaled.scale.original(found.answers[:, : len(table.roles)], fold_of, params.train.clip)
    answers[found.best_epoch == 0] = np.nan
    if trained.choice.level is not None:
        answers = at_level(trained, plan, answers)
    values: dict[tuple[frozenset[str], int], list[list[float]]] = {}
    for (one, fold, _), answer in zip(plan, answers, strict=True):
        scored = table.roles[:, fold] == SCORE
        values.setdefault((one, fold), []).append(trained.measured(trained.target[scored], answer[scored]))
    for fold in folds:
        scored = table.roles[:, fold] == SCORE
        values[frozenset(), fold] = [trained.measured(trained.target[scored], constant(trained, fold)[scored])]
    names = measures_of(params.table.task, params.table.metric)
    return {
        one: dict(zip(names, np.array([np.mean(values[one, fold], axis=0) for fold in folds]).T, strict=True))
        for one in [*sets, frozenset()]
    }


def at_level(trained: Trained, plan: Sequence[tuple[frozenset[str], int, int]], answers: np.ndarray) -> np.ndarray:
    """``answers [m, t, 1]`` of the networks of ``plan`` (set, fold, copy), each at the level that the rows want which
    its fold trains or stops by, as networks of its set answer them that score them in other folds: so are the
    ensemble's answers, else networks that say medians would be held against the best constant, a mean. As they are
    where all of those diverged."""
    roles, found = trained.scaled.table.roles, answers.copy()
    scored, own = roles == SCORE, ~np.isin(roles, (SCORE, UNUSED))
    networks: dict[frozenset[str], list[int]] = {}
    for number, (one, _, _) in enumerate(plan):
        networks.setdefault(one, []).append(number)
    for number, (one, fold, _) in enumerate(plan):
        total, count = np.zeros(len(roles)), np.zeros(len(roles))
        for each in networks[one]:
            sound = scored[:, plan[each][1]] & own[:, fold] & np.isfinite(answers[each, :, 0])
            total[sound] += answers[each, sound, 0]
            count[sound] += 1
        known = count > 0  # each row once, however many copies and repeats answer it
        if known.any():
            said = (total[known] / count[known])[None]
            groups = trained.together[known]
            level = level_of(trained.params, trained.scaled.scale.transform, trained.target[known], said, groups)
            found[number] = level.apply(answers[number])
    return found


def constant(trained: Trained, fold: int) -> np.ndarray:
    """What is said best of each row ``[t, c]`` without any column: the classes' shares in the fold's train rows, for a
    regression the constant that its metric asks for there (``metrics.best_constant``)."""
    table, rules = trained.scaled.table, trained.params.table
    rows, known = len(table.roles), trained.target[table.roles[:, fold] == TRAIN]
    if rules.task == "regression":
        return np.full((rows, 1), metrics.best_constant(rules.metric, known))
    shares = np.bincount(known.astype(int), minlength=max(table.outputs, 2)) / len(known)
    return np.tile(shares[1:] if table.outputs == 1 else shares, (rows, 1))


def picture(table: pd.DataFrame, pairs: pd.DataFrame, name: str) -> bytes:
    """One bar per group for each way to judge it, and one per pair; within the lines either way is ``noise``."""
    words = called(name)
    titles = {
        f"importance_{name}": "Columns permuted, the ensemble as it is",
        f"without_{name}": "Left out, networks retrained",
        f"alone_{name}": "Alone, against no column at all",
    }
    drawn = [column for column in titles if table[column].notna().any()]
    # Two panels of the usual width are as wide as what a page shows of a picture: no letter shrinks.
    figure, axes = panels(len(drawn) + (f"alone_{name}" in pairs), columns=2, height=3.9)
    for axis, column in zip(axes, drawn, strict=False):
        shown = table[table[column].notna()].head(SHOWN)
        _bars(axis, [_short(group) for group in shown["group"]], shown, column)
        label(axis, titles[column], f"change of {words}", "")
    if f"alone_{name}" in pairs:
        named = list(zip(map(_short, pairs["group"]), map(_short, pairs["with"]), strict=True))
        on_one_line = all(len(f"{one} + {other}") <= MOST_LETTERS for one, other in named)
        most, between = (SHOWN, " + ") if on_one_line else (SHOWN // 2, " +\n")
        _bars(axes[-1], [between.join(pair) for pair in named[:most]], pairs.head(most), f"alone_{name}")
        label(axes[-1], "A pair alone, less the sum of its two", f"change of {words}", "")
    for axis in axes:
        axis.tick_params(axis="y", labelsize=9)
    return png(figure)


def _short(name: str) -> str:
    return name if len(name) <= MOST_LETTERS else f"{name[: MOST_LETTERS - 11]}…{name[-10:]}"


def _bars(axis: Axes, names: Sequence[str], shown: pd.DataFrame, column: str) -> None:
    folds = shown[f"{column.split('_')[0]}_folds"]
    places = np.arange(len(names))[::-1]
    axis.barh(
        places,
        shown[column],
        xerr=(noise(folds) * shown[f"{column}_se"]).fillna(0),
        height=0.7,
        color=COLOURS[5],
        error_kw={"linewidth": 1, "ecolor": "0.3"},
    )
    axis.axvline(0, color="0.3", linewidth=1)
    axis.set_yticks(places, names, **AS_WRITTEN)
    # So that long numbers have room.
    axis.locator_params(axis="x", nbins=6)
    axis.ticklabel_format(axis="x", scilimits=(-3, 4))


if __name__ == "__main__":
    raise SystemExit(main())
