"""A first contract of a table without one: target, task and metric (``target_column``), id (``id_column``), and what
each other column is (``column_types``, ``composite_columns``), with the reason of each decision. Pure functions on
tables of strings, as ``parse_table`` returns them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.contracts.contract import Column, Contract
from features.contracts.spelling import PLAIN, Spelling, plainly
from features.contracts.tables import unnamed
from features.contracts.words import levels_of
from features.errors import UserError, aside, listed
from features.inference.column_types import read_with
from features.inference.composite_columns import BETWEEN_TIMES, with_parts
from features.inference.id_column import check_sample_ids, find_id, first_number, numbered_as_test, told_dates
from features.inference.identifiers import group_columns, groups_of_words
from features.inference.notes import told_alike, told_doubtful, told_of_feature
from features.inference.number_forms import find_spelling, find_spellings
from features.inference.target_column import (
    check_no_gaps,
    check_target,
    find_metric,
    find_positive,
    find_target,
    find_task,
    told_unlike,
    with_whole_labels,
)
from features.scoring.submission import misfit, stripped


@dataclass(frozen=True)
class Inferred:
    """What was decided: ``positive`` is the class that F1 is of, "" where none is asked for; ``reasons`` has a sentence
    for each column, ``notes`` what was changed in the tables."""

    contract: Contract
    task: str
    metric: str
    positive: str
    train: pd.DataFrame
    test: pd.DataFrame
    sample: pd.DataFrame
    reasons: dict[str, str]
    notes: tuple[str, ...]

    @property
    def rarest(self) -> int:
        """Rows of the rarest class; all rows for regression."""
        if self.task == "regression":
            return len(self.train)
        return int(self.train[self.contract.target].str.strip().value_counts().iloc[-1])


def infer(
    train: pd.DataFrame,
    test: pd.DataFrame,
    sample: pd.DataFrame | None,
    *,
    target: str | None = None,
    id: str | None = None,
    metric: str | None = None,
    positive: str | None = None,
    commas: bool = False,
) -> Inferred:
    """Decide everything that is not given. ``commas``: where a comma may be several signs of a number, it is the
    decimal one. Raises ``UserError`` where the tables leave it open or contradict it."""
    notes: list[str] = []
    target, why_target = find_target(train, test, sample, target)
    train = numbered_as_test(train, test, sample, target, id, notes)
    sample = with_one_answer(train, sample, target, notes)
    train, test = common_columns(train, test, target, notes)
    if sample is not None and len(sample.columns) < 2:
        raise UserError("the sample submission has one column; expected an id and an answer. Take the right file.")
    there = set(test.columns)
    id, why_id, train, test = find_id(train, test, sample, target, id, notes)
    check_sample_ids(test, sample, id)
    spellings = find_spellings(train, test, commas)
    # Numbers are judged as such, classes stay as they are spelt.
    cells = plainly(train[target], spellings[target])
    sample = with_plain_answers(sample, set(stripped(train[target])), commas)
    check_no_gaps(cells, target, notes)
    task, why_task = find_task(cells, sample, metric)
    if task == "regression":
        why_task += read_with(spellings[target])
    else:
        train, sample = with_whole_labels(train, sample, target, notes)
        cells = train[target]
    check_target(cells, task, target)
    metric, why_metric = find_metric(cells, task, sample, metric)
    positive, why_positive = find_positive(cells, task, metric, positive)
    why_metric += f"; of class {positive!r}: {why_positive}" if positive else ""
    levels = None if task == "regression" else levels_of(cells.astype(str))
    notes += told_alike(target, levels or (), "classes") + told_unlike(sample, levels or (), metric)
    answers = [] if sample is None else [str(name) for name in sample.columns[1:]]
    if answers and (wrong := misfit(answers, task, metric, levels or ())):
        raise UserError(
            f"the sample submission: {wrong} Name the metric with --metric, or give the competition's own sample."
        )
    added = None if id in there else first_number(test[id])
    kind, spelling = ("number", spellings[target]) if task == "regression" else ("category", PLAIN)
    decided = infer_columns(
        train,
        test,
        (Column(id, "id", "text", nullable=False, unique=True, added=added), f"id: {why_id}"),
        (
            Column(target, "target", kind, values=levels, nullable=False, spelling=spelling),
            f"target: {why_target}; {task}: {why_task}; metric {metric}: {why_metric}",
        ),
        spellings,
        commas,
        notes,
    )
    columns, reasons = [column for column, _ in decided], {column.name: reason for column, reason in decided}
    if not any(column.role == "feature" for column in columns):
        first = next((f"{n} ({r})" for n, r in reasons.items() if n not in (id, target)), "there is no other column")
        raise UserError(
            f"no column is left to learn from: {first}. Give a table with a column that varies, or name another "
            "target or id with --target, --id."
        )
    if sample is None:
        row = {target: cells.mode().iloc[0] if task != "regression" else "0"}
        if levels is not None and task == "multiclass" and metric == "log_loss":
            row = dict.fromkeys(levels, f"{1 / len(levels):.4g}")
        sample = made_sample(test[id], row)
        notes.append(f"no sample submission given: one is made with the columns {listed(sample.columns, most=8)}")
    return Inferred(Contract(tuple(columns)), task, metric, positive, train, test, sample, reasons, tuple(notes))


def infer_columns(
    train: pd.DataFrame,
    test: pd.DataFrame,
    id: tuple[Column, str],
    target: tuple[Column, str],
    spellings: Mapping[str, Spelling],
    commas: bool,
    notes: list[str],
) -> list[tuple[Column, str]]:
    """What each column of the tables is, and why, the parts of what holds several values behind it; ``id`` and
    ``target`` are decided. ``commas`` as of ``infer``; ``notes`` gathers what may be wrong."""
    decided = {column.name: (column, reason) for column, reason in (id, target)}
    names = [str(name) for name in train.columns if name not in decided]
    groups = group_columns(train, test, names)
    name, classes = id[0].name, len(target[0].values or ())
    known, asked, found, apart = with_parts(train, test, name, {*decided, *groups}, spellings, classes)
    if name in apart and apart[name].separator not in BETWEEN_TIMES:
        prefix = next(iter(apart[name].columns))
        groups = group_columns(known, asked, [*groups, prefix], prefix)
    features = found | groups
    if not any(column.role == "group" for column, _ in groups.values()):
        whole = {name: one for name, one in found.items() if name not in apart}
        features |= groups_of_words(known, asked, whole)
    part_of = {
        part: f"part {place} of {whole}, "
        for whole, one in apart.items()
        for place, part in enumerate(one.columns, start=1)
    }
    commas_beside = any(spelling.decimal == "," for spelling in spellings.values())
    for name in map(str, known.columns):
        if name in features:
            column, reason = features[name]
            what = {"ignore": "ignored", "group": "group"}.get(column.role, column.type)
            decided[name] = column, f"{what}: {part_of.get(name, '')}{reason}"
        if name in apart:
            decided[name] = apart[name].of(*decided[name])
        column = decided[name][0]
        if column.role == "id" and name not in apart:
            notes += told_dates(name, pd.concat([train[name], test[name]]))
        elif column.role == "target":
            notes += told_doubtful(column, [train[name]], commas_beside, commas)
        else:
            notes += told_of_feature(column, known[name], asked[name], commas_beside, commas)
    return [decided[name] for name in map(str, known.columns)]


def made_sample(ids: pd.Series, row: Mapping[str, str]) -> pd.DataFrame:
    """A sample submission of the ``ids`` with the answers of ``row``, by column, in each. Raises ``UserError`` where
    one is called as the ids are."""
    if ids.name in row:
        raise UserError(
            f"class {ids.name!r} of the target is spelt like the id column; expected another name, since each class "
            "has a column in a sample submission. Give one with --sample."
        )
    return pd.DataFrame({ids.name: ids, **row}, dtype=object)


def with_plain_answers(sample: pd.DataFrame | None, labels: set[Any], commas: bool) -> pd.DataFrame | None:
    """The sample with numbers as Python writes them in each column of answers that are none of the target's
    ``labels``."""
    if sample is None:
        return None
    plain = {
        name: plainly(sample[name], find_spelling([sample[name]], commas))
        for name in sample.columns[1:]
        if not set(stripped(sample[name])) <= labels
    }
    return sample.assign(**plain) if plain else sample


def with_one_answer(
    train: pd.DataFrame, sample: pd.DataFrame | None, target: str, notes: list[str]
) -> pd.DataFrame | None:
    """The sample with one answer, the target's, where it asks for several columns of train."""
    if sample is None or target not in sample.columns[1:]:
        return sample
    others = [str(name) for name in sample.columns[1:] if name != target and name in train.columns]
    if len(others) != len(sample.columns) - 2 or not others:
        return sample
    notes.append(
        f"the sample submission asks for {listed(others, most=8)}, too; the one made here has {target!r} alone"
    )
    return sample[[sample.columns[0], target]]


def common_columns(
    train: pd.DataFrame, test: pd.DataFrame, target: str, notes: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both tables with the columns they share, and train's target. A column of test that train lacks is an error."""
    features = [name for name in train.columns if name != target]
    if target in test.columns:
        if test[target].notna().any():
            row = int(np.flatnonzero(test[target].notna().to_numpy())[0])
            raise UserError(
                f"test holds the target {target!r} (row {row + 2}: {test[target].iloc[row]!r}); expected rows to be "
                "predicted. Delete the column there, name another --target, or were train and test exchanged?"
            )
        notes.append(f"{target}: an empty column in test, taken out there")
        test = test.drop(columns=target)
    foreign = [str(name) for name in test.columns if name not in features]
    if foreign:
        cure = "Give both files the same header, or delete in test what train lacks, since nothing is learned of it."
        raise UserError(
            f"test has columns that train lacks: {listed(foreign, most=8)}{aside(foreign[0], features)}. "
            + (unnamed(foreign) or cure)
        )
    left = [name for name in features if name not in test.columns]
    if left:
        notes.append(f"{listed(left, most=8)}: not in test, so taken out of train")
    kept = [name for name in features if name not in left]
    if not kept:
        raise UserError("train and test share no column. Give the train and test files of one competition.")
    return train[[name for name in train.columns if name in kept or name == target]], test[kept]
