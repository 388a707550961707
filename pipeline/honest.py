"""Stage ``honest``: an estimate of the whole choice, made anew inside outer folds, with its 95 % interval.

What was chosen on the rows that score it flatters a score. Here each outer fold repeats everything that the stages
tune, train and ensemble decide (a search with an oracle of its own, the trials of each fold, weights, temperature, the
rule of decisions) from the rows that it does not score. The searches go side by side: a generation of all outer folds
trains together. What no label decides (the encoder's vocabularies), and by which transform a regression's target is
learned, are kept.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from features.contracts.contract import Contract
from features.contracts.tables import parse_table
from features.encoding import duplicates, encoder, normalization
from features.encoding.columns import times_of
from features.encoding.encoder import Encoded
from features.encoding.folds import groups_if_asked
from features.encoding.formulas import seen
from features.encoding.target import TargetScale, origin_of, transformed
from features.errors import UserError
from features.roles import TRAIN
from features.scoring import estimation, metrics
from features.scoring.digits import shown
from features.scoring.estimation import Estimate
from features.tasks import called
from pipeline import stage
from pipeline.choice.choosing import choose, out_of_fold, planned
from pipeline.choice.combining import combine
from pipeline.choice.evaluation import evaluate
from pipeline.choice.outer_folds import Plan, plan_of
from pipeline.choice.searching import search_parts
from pipeline.files import read_bytes, read_json, read_npz, write_csv, write_json
from pipeline.params import load, read_document
from pipeline.progress import Progress
from pipeline.runtime import device_name, seed_for, start_tensorflow
from pipeline.settings import Params, Table

if TYPE_CHECKING:
    from pipeline.choice.arrays import Scaled
    from pipeline.nets.search import Trial


def main(argv: Sequence[str] | None = None) -> int:
    """Estimate; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.honest", description=__doc__)
    stage.add_competition(parser)
    parser.add_argument("--contract", type=Path, required=True, help="what the tables must be")
    parser.add_argument("--train", type=Path, required=True, help="the raw training table")
    parser.add_argument("--encoding", type=Path, required=True, help="folder of the encode stage")
    parser.add_argument("--report", type=Path, required=True, help="folder for honest.json and honest.csv")
    return stage.run(parser, honest, argv)


@dataclass(frozen=True)
class Answers:
    """Of the outer score rows: ``answer [t, c]``, of classes as they are ``decided [t]``, and each outer fold's choice,
    for people."""

    answer: np.ndarray
    decided: np.ndarray
    choices: list[dict[str, Any]]


def honest(arguments: argparse.Namespace) -> None:
    """Read, draw outer and inner folds, search, train, combine, estimate, write."""
    params = load(arguments.params, arguments.competition)
    state = read_json(arguments.encoding / "encoding.json")
    rows = read(arguments, params, state)
    encoded, target = rows.encoded, rows.target
    groups = groups_if_asked(
        params.encode.group_aware, encoded.derived.groups, params.table.module, str(arguments.params)
    )
    plan = plan_of(params, target, state["classes"], groups, rows.alike, rows.times)
    if isinstance(plan, str):
        write_csv(arguments.report / "honest.csv", pd.DataFrame({"outer": []}))
        write_json(arguments.report / "honest.json", {"honest_folds": 0, "not_estimated": plan})
        print(f"honest: no estimate, since {plan}")
        return
    if rows.alike is not None:
        one = duplicates.groups_with(encoded.derived.groups, rows.alike, len(target))
        encoded = replace(encoded, derived=replace(encoded.derived, groups=one))
    tensorflow = start_tensorflow(small=True)
    scaled = nested_table(params, encoded, state, target, plan.roles)
    together = encoded.derived.groups  # they err alike, whether or not folds keep them together
    tests = rows.tests
    del encoded, rows  # a large table's columns should not lie beside what is made of them
    count = sum(part.trials for part in search_parts(params.tune, params.table.task, scaled.inputs))
    folds = f"{plan.outer} of {plan.drawn} outer folds" if plan.drawn else f"{plan.outer} outer folds"
    print(f"honest: {count} trials x {plan.search} folds in each of {folds} on {device_name(tensorflow)}")
    with Progress(2, "parts", "honest") as progress:
        trials = search_together(params, scaled, plan, progress.to)
        answers = answer(params, scaled, plan, trials, target, together, lambda share: progress.to(1 + share))
    least = min(map(len, trials))
    if least < count:
        print(f"honest: an outer fold has {least} trials, for its oracle proposed no more that it had not tried")
    found = estimates(params.table, target, answers, plan.parts, tests, together, plan.drawn)
    counts = {"honest_folds": plan.outer, "honest_rows": int((plan.parts >= 0).sum()), "honest_test_rows": tests}
    table = by_outer_fold(params.table, target, answers, plan.parts)
    write_csv(arguments.report / "honest.csv", metrics.rounded_table(params.table.task, table))
    write_json(arguments.report / "honest.json", written(params.table.task, found) | counts)
    each = ", ".join(map(told, found, found.values()))
    print(f"honest: expected on {tests} test rows, with 95 % intervals: {each}")


def told(measure: str, found: Estimate) -> str:
    """A measure with its interval, in words."""
    value, low, high = shown(measure, (found.value, found.low, found.high))
    return f"{called(measure)} {value} ({low} to {high})"


@dataclass(frozen=True)
class Rows:
    """The training rows encoded, their ``target [t]``, how many ``tests`` there are, where doubles are kept together a
    label of rows that are ``alike [t]``, and where rows to predict are later ones their ``times [t]``."""

    encoded: Encoded
    target: np.ndarray
    tests: int
    alike: np.ndarray | None
    times: np.ndarray | None


def read(arguments: argparse.Namespace, params: Params, state: Mapping[str, Any]) -> Rows:
    """The training rows by the encode stage's ``state``."""
    arrays = read_npz(arguments.encoding / "arrays.npz")
    contract = Contract.from_mapping(read_document(arguments.contract), str(arguments.contract))
    train = contract.typed(parse_table(read_bytes(arguments.train), str(arguments.train)), str(arguments.train), True)
    encoded = encoder.transform(train.drop(columns=contract.target), state)
    alike = None
    if "duplicates" in state:
        place = f"{arguments.params}: competitions.{params.name}.encode.formulas"
        alike = duplicates.labels(contract, seen(params.encode.features, params.encode.formulas, place), train)
    times = times_of(contract, params.encode.time, train) if params.encode.time else None
    return Rows(encoded, arrays["target"], len(arrays["ids"]) - len(arrays["target"]), alike, times)


def nested_table(
    params: Params, encoded: Encoded, state: Mapping[str, Any], target: np.ndarray, roles: np.ndarray
) -> Scaled:
    """Inputs and target of every column of ``roles``: what the encode and normalize stages learn in a fold, from its
    train rows alone."""
    from pipeline.choice.arrays import Inputs, scaled_table
    from pipeline.nets.memory import aligned

    transform, columns, methods = str(state["target"]["transform"]), range(roles.shape[1]), params.normalize.method
    binary = normalization.binary_columns(state)
    # All methods' inputs lie one after another; a column's own values are held no longer than it takes to scale them.
    inputs = aligned([len(methods) * len(columns), len(target), len(binary)], np.float32)
    for column in columns:
        rows = np.flatnonzero(roles[:, column] == TRAIN)
        labels = transformed(transform, target, origin_of(transform, target[rows]))
        learned = encoder.learn(encoded, state, labels, rows)[1]
        values = np.concatenate([encoded.shared, learned], axis=1).astype(np.float64)
        for place, method in enumerate(methods):
            scaled = normalization.learn(method, values[rows], binary).apply(values)
            inputs[place * len(columns) + column] = scaled
    scale = TargetScale.unchanged(len(columns))
    if params.table.task == "regression":
        scale = TargetScale.fit(transform, target, roles == TRAIN)
    return scaled_table(
        params.table.task,
        values=inputs,
        codes=encoded.codes,
        sizes=np.array(state["levels"], np.int32),
        target=target,
        scale=scale,
        roles=roles,
        inputs=Inputs(np.array(state["groups"], str), np.array(state["forms"], str), methods),
    )


def part_of(report: Callable[[float], None], before: float, share: float) -> Callable[[float], None]:
    """Reports work that is a ``share`` of the whole, with so much done ``before`` it."""
    return lambda done: report(before + share * done)


def search_together(params: Params, scaled: Scaled, plan: Plan, report: Callable[[float], None]) -> list[list[Trial]]:
    """The trials of each outer fold, proposed by an oracle of its own that knows the losses of its inner rows alone.

    Raises ``UserError`` where one has no valid trial."""
    from pipeline.nets.search import Search

    tune, parts = params.tune, search_parts(params.tune, params.table.task, scaled.inputs)
    searches = [
        Search(tune.oracle, parts, seed_for(params.seed, "honest oracle", outer)) for outer in range(plan.outer)
    ]
    while any(proposed := [one.propose() for one in searches]):
        lots = [(outer, place) for outer, each in enumerate(proposed) for place in range(len(each))]
        first = [len(one.trials) for one in searches]
        trials = sum(part.trials for part in parts)
        before, share = max(first) / trials, max(map(len, proposed)) / trials
        results = evaluate(
            scaled.table,
            params.table.task,
            [scaled.inputs.network(proposed[outer][place]) for outer, place in lots],
            [plan.searched(outer) for outer, _ in lots],
            [
                [seed_for(params.seed, "honest search", first[outer] + place, fold) for fold in plan.searched(outer)]
                for outer, place in lots
            ],
            epochs=tune.epochs,
            patience=tune.patience,
            report=part_of(report, before, share),
            halving_share=tune.halving,
            rivals=[outer for outer, _ in lots],
        )
        for outer, one in enumerate(searches):
            if proposed[outer]:
                one.learn([result for result, (owner, _) in zip(results, lots, strict=True) if owner == outer])
    for outer, one in enumerate(searches):
        if all(trial.result.reason for trial in one.trials):
            raise UserError(
                f"honest: no trial of outer fold {outer} is valid; the first failed with: "
                f"{one.trials[0].result.reason}\nLower tune.space.learning_rate in params.yaml."
            )
    return [one.trials for one in searches]


def members_to_train(
    params: Params, plan: Plan, trials: list[list[Trial]], roles: np.ndarray
) -> list[tuple[int, int, int, int]]:
    """Members of all outer folds, each as (its outer fold, its trial's number in that fold's ``trials``, its column of
    ``roles [t, F]``, its copy: 0 to ``train.seeds`` - 1)."""
    train, members = params.train, []
    for outer in range(plan.outer):
        columns = plan.trained(outer)
        error = np.stack([trial.result.error for trial in trials[outer]])
        valid = np.array([not trial.result.reason for trial in trials[outer]])
        chosen = choose(error, valid, roles[:, columns], params.table.task, train.top_k, train.together)
        members += [(outer, *one) for one in planned(chosen, columns, train.seeds)]
    return members


def answer(
    params: Params,
    scaled: Scaled,
    plan: Plan,
    trials: list[list[Trial]],
    target: np.ndarray,
    together: np.ndarray | None,
    report: Callable[[float], None],
) -> Answers:
    """What the outer rows are answered: members of all outer folds are trained together, and combined in each as the
    ensemble stage does, by the rows of ``target [t]`` outside it (in groups ``together [t]``). ``report`` is called
    with the share trained so far. Raises ``UserError`` where all members of an inner fold diverged."""
    from pipeline.nets.fit import fit
    from pipeline.nets.members import members_of

    table, train = scaled.table, params.train
    lots = members_to_train(params, plan, trials, table.roles)
    members = members_of(
        [scaled.inputs.network(trials[outer][trial].configuration) for outer, trial, _, _ in lots],
        [column for _, _, column, _ in lots],
        [seed_for(params.seed, "honest members", *lot) for lot in lots],
    )
    found = fit(members, table, params.table.task, train.epochs, train.patience, report)
    owner, trial, column, copy = (np.array(each, np.int64) for each in zip(*lots, strict=True))
    said = scaled.scale.original(found.answers, column, train.clip)
    sound = (found.best_epoch > 0) & np.isfinite(said).all(axis=(1, 2))
    inside = replace(params, encode=replace(params.encode, folds=plan.members))
    answers = Answers(np.full(said.shape[1:], np.nan), np.zeros(len(target), int), [])
    for outer in range(plan.outer):
        own, rows, asked = sound & (owner == outer), plan.known(outer), plan.parts == outer
        fold = column[own] - plan.trained(outer)[0]
        empty = np.setdiff1d(np.arange(plan.members), fold)
        if len(empty):
            raise UserError(
                f"honest: every member of fold {empty[0]} in outer fold {outer} diverged. Lower "
                "tune.space.learning_rate in params.yaml."
            )
        predictions = {
            "out_of_fold": out_of_fold(said, table.roles, column, own)[:, rows],
            "test": said[own][:, asked],
            "fold": fold,
            "trial": trial[own],
            "seed": copy[own],
        }
        own_roles = table.roles[rows][:, list(plan.trained(outer))]
        groups = None if together is None else together[rows]
        made = combine(inside, predictions, target[rows], own_roles, scaled.scale.transform, groups)
        answers.answer[asked], answers.decided[asked] = made.test, made.choice.rule.decide(made.test)
        best = min((t for t in trials[outer] if not t.result.reason), key=lambda t: t.result.mean)
        answers.choices.append(
            {
                "members": int((made.choice.weights > 0).sum()),
                "temperature": made.choice.temperature,
                "threshold": made.choice.rule.threshold,
                **(made.choice.level.moves() if made.choice.level else {}),
                "best_trial": best.number,
                "search_loss": best.result.mean,
            }
        )
    return answers


def estimates(
    table: Table,
    target: np.ndarray,
    answers: Answers,
    parts: np.ndarray,
    tests: int,
    groups: np.ndarray | None = None,
    drawn: int | None = None,
) -> dict[str, Estimate]:
    """Every measure of all of ``target [t]`` that two outer folds or more of ``parts [t]`` have a value of, by name;
    ``groups [t]`` and ``drawn`` as of ``estimation.estimate``."""
    rows = parts >= 0
    known, answer, decided, parts = target[rows], answers.answer[rows], answers.decided[rows], parts[rows]
    groups = None if groups is None else groups[rows]
    return {
        name: estimation.estimate(name, known, answer, decided, parts, tests, groups, drawn)
        for name in metrics.names(table.task, table.metric, target)
        if estimation.known(name, known, parts) > 1
    }


def written(task: str, found: Mapping[str, Estimate]) -> dict[str, float]:
    """``honest_<measure>``, the ends of its interval ``_lo`` and ``_hi``, and the standard error of the estimate
    itself, ``_se``."""
    values = {}
    for name, one in found.items():
        for key, value in (("", one.value), ("_lo", one.low), ("_hi", one.high), ("_se", one.error)):
            values[f"honest_{name}{key}"] = metrics.rounded(task, value)
    return values


def by_outer_fold(table: Table, target: np.ndarray, answers: Answers, parts: np.ndarray) -> pd.DataFrame:
    """One row per outer fold: the measures of all rows for its own and what it chose, with the loss of its best trial
    on the rows that chose it, so that what choosing flatters can be seen: ``search_log_loss``, of a regression
    ``search_squared_error_standardised``, the mean squared error of the target as networks learn it, whose unit is its
    variance."""
    names, rows = metrics.names(table.task, table.metric, target), []
    for outer, choice in enumerate(answers.choices):
        inside = parts == outer
        answer, decided = answers.answer[inside], answers.decided[inside]
        found = metrics.measures(table.task, table.metric, target[inside], answer, decided)
        own = {name: value for name, value in found.items() if name in names}
        rows.append({"outer": outer, "rows": int(inside.sum())} | own | choice)
    searched = "search_squared_error_standardised" if table.task == "regression" else "search_log_loss"
    return pd.DataFrame(rows).rename(columns={"search_loss": searched})


if __name__ == "__main__":
    raise SystemExit(main())
