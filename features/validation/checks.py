"""Checks across columns and tables, which a suite of single-column expectations can't make. Pure functions.

All take typed frames (``Contract.typed``'s result), train ``[t, columns]`` and test ``[n - t, columns]``, and return
faults; a fault with ``warning`` is reported and does not stop a run.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.contracts.contract import Column, Contract
from features.contracts.faults import Fault, counted, fault_at, faults_at
from features.encoding import columns
from features.encoding.duplicates import Duplicates
from features.errors import UserError
from features.validation.separation import MIN_ROWS, chance, giveaway, later, separation

# With a chance above this that a row of test has the larger number, test most likely comes after train.
_LATER = 0.95


def run_checks(
    contract: Contract,
    train: pd.DataFrame,
    test: pd.DataFrame,
    train_file: str,
    test_file: str,
    readings: Readings,
    doubles: Duplicates,
    *,
    leak_auc: float,
    drift_auc: float,
    time: str = "",
) -> dict[str, list[Fault]]:
    """All checks by name, each with the faults it found (none where it passed). ``doubles``: rows that are alike;
    ``time``: the column by whose spans folds are drawn, "" for none."""
    learned = {c.name for c in contract.features if train[c.name].notna().any()}
    varying = {c.name for c in contract.features if train[c.name].nunique() > 1}
    return {
        "cells_unread": [
            *readings.faults,
            *cells_unread(contract, readings.encoded, train, train_file),
            *cells_unread(contract, readings.encoded, test, test_file),
        ],
        "ids_shared": ids_shared(contract, train, test, train_file, test_file),
        "rows_duplicated": rows_duplicated(contract, train, test, train_file, test_file, doubles),
        "target_varies": target_varies(contract, train, train_file),
        "target_given_away": target_given_away(contract, train, train_file, leak_auc),
        "categories_unseen": categories_unseen(contract, train, test, test_file),
        "drift": drift(contract, train, test, train_file, test_file, readings.states, drift_auc, time),
        "infinities": infinities(contract, train, train_file) + infinities(contract, test, test_file),
        "columns_empty": columns_empty(contract, train, train_file) + columns_empty(contract, test, test_file, learned),
        "columns_constant": columns_constant(contract, train, train_file)
        + columns_constant(contract, test, test_file, varying),
    }


def ids_shared(
    contract: Contract, train: pd.DataFrame, test: pd.DataFrame, train_file: str, test_file: str
) -> list[Fault]:
    """No id stands in both tables: such a row would be learned from and then predicted. Where most ids
    are shared and no such row is alike, they only start anew in test: a warning."""
    ids = test[contract.id]
    shared = (ids.isin(train[contract.id].dropna()) & ids.notna()).to_numpy()
    if not shared.any():
        return []
    names = [contract.id, *(c.name for c in contract.features)]
    alike = pd.concat([train[names].drop_duplicates(), test.loc[shared, names]]).duplicated()[-int(shared.sum()) :]
    anew = bool(shared.mean() > 0.5 and not alike.any())
    problem = f"{counted(shared, 'id is', 'ids are')} in {train_file} too" + (", of rows that differ" if anew else "")
    cure = "Nothing to do if the ids start anew in test." if anew else "Take the shared rows out of one file."
    due = "other ids in test than in train"
    return faults_at(test_file, ids, shared, due, check="ids_shared", problem=problem, cure=cure, warning=anew)


def rows_duplicated(
    contract: Contract,
    train: pd.DataFrame,
    test: pd.DataFrame,
    train_file: str,
    test_file: str,
    found: Duplicates,
) -> list[Fault]:
    """Rows alike in every feature, within a table or across: a warning, since real tables may hold doubles. What those
    of train do to a score depends on whether test's rows have doubles there, too."""
    shares = f"{found.train:.1%} of its rows have a double there, of test's {found.test:.1%}"
    told, cure = f"{shares}: no sign that this flatters a score", "Nothing to do."
    if found.flattering:
        told = f"{shares}: a score flatters where one learns from the other"
        cure = "Doubles are kept in one fold while encode.duplicates is auto or together. Better, leave each row once."
    faults: list[Fault] = []
    for frame, labels, file, more in (
        (train, found.labels, train_file, f" ({told})"),
        (test, found.asked, test_file, ""),
    ):
        doubles = pd.Series(labels).duplicated(keep="first").to_numpy()
        problem = f"{int(doubles.sum())} of {len(frame)} rows repeat an earlier row{more}"
        ids, cure = frame[contract.id], cure if more else ""
        faults += _warned(file, ids, doubles, "each row once", "rows_duplicated", problem, cure)
    met = np.isin(found.asked, found.labels)
    problem = f"{int(met.sum())} of {len(test)} rows are, but for the id, in {train_file} too"
    ids = test[contract.id]
    return faults + _warned(test_file, ids, met, "other rows than in train", "rows_duplicated", problem)


def _warned(
    file: str, cells: pd.Series, wrong: np.ndarray, expected: str, check: str, problem: str, cure: str = ""
) -> list[Fault]:
    return faults_at(file, cells, wrong, expected, check=check, problem=problem, cure=cure, warning=True)


def target_varies(contract: Contract, train: pd.DataFrame, file: str) -> list[Fault]:
    """The target holds two values or more; with one there is nothing to learn."""
    cells = train[contract.target]
    if cells.nunique() >= 2:
        return []
    present = cells.notna().to_numpy()
    problem = f"the target never varies in {int(present.sum())} rows"
    cure = "Check that the whole training file is there."
    return [fault_at(file, cells, present, "two values or more", check="target_varies", problem=problem, cure=cure)]


def target_binary(contract: Contract, train: pd.DataFrame, file: str) -> list[Fault]:
    """The target of two classes holds no third label; where the contract names the two, ``Contract.faults`` says so."""
    cells = train[contract.target]
    counts = cells.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    if contract.column(contract.target).values is not None or len(counts) <= 2:
        return []
    known = counts.index[:2]
    wrong = (cells.notna() & ~cells.isin(known)).to_numpy()
    due = " or ".join(map(repr, known)) + ", the most frequent"
    problem = f"{len(counts)} labels, but task 'binary' has two"
    cure = "Correct the cells, or set `task: multiclass` in the params."
    return faults_at(file, cells, wrong, due, check="target_binary", problem=problem, cure=cure)


def target_given_away(contract: Contract, train: pd.DataFrame, file: str, threshold: float) -> list[Fault]:
    """No single feature ranks the target as well as ``threshold``; one that does was most likely made from it."""
    faults: list[Fault] = []
    for column in contract.features if len(train) >= 2 * MIN_ROWS else ():
        cells = train[column.name]
        score = giveaway(cells, column.type == "number", train[contract.target])
        problem = f"it gives the target {contract.target!r} away (alone an AUC of {score:.3f})"
        cure = f"Set `role: ignore` for it in {contract.file}, or raise validate.leak_auc."
        wrong, due = np.full(len(train), score >= threshold), f"less than {threshold:g}"
        faults += faults_at(file, cells, wrong, due, check="target_given_away", problem=problem, cure=cure)
    return faults


def categories_unseen(contract: Contract, train: pd.DataFrame, test: pd.DataFrame, file: str) -> list[Fault]:
    """Categories of test that train never shows: a warning, they are encoded as unseen."""
    faults: list[Fault] = []
    for column in contract.features:
        if column.type != "category":
            continue
        cells = test[column.name]
        unseen = (cells.notna() & ~cells.isin(train[column.name].dropna())).to_numpy()
        if column.values is not None:
            # What the contract does not allow is said by ``Contract.faults`` already.
            unseen &= cells.isin(column.values).to_numpy()
        problem, due = f"{int(unseen.sum())} of {len(cells)} values were never seen in train", "the categories of train"
        faults += _warned(file, cells, unseen, due, "categories_unseen", problem, "They are encoded as unseen.")
    return faults


@dataclass(frozen=True)
class Readings:
    """How ``features.encoding.columns`` reads the columns that it may fail to read: the ``states`` by column.

    ``encoded``: those by which the encoder will read; ``faults``: of each column that it will refuse."""

    states: Mapping[str, Mapping[str, Any]]
    encoded: Sequence[Mapping[str, Any]]
    faults: Sequence[Fault]


def read_states(contract: Contract, train: pd.DataFrame, test: pd.DataFrame, plain: Collection[str]) -> Readings:
    """Fitted once, for all who ask. ``plain``: the columns that the encoder reads so; another feature module has its
    own way, and what is switched off is not read."""
    states, faults = {}, []
    for column in contract.features:
        # Where the contract names a boolean's words, ``Contract.faults`` tells of others.
        if column.type not in columns.READ or column.values is not None:
            continue
        cells = pd.concat([train[column.name], test[column.name]], ignore_index=True)
        try:
            states[column.name] = columns.fit(column, cells, contract.file)
        except UserError as error:
            if column.name in plain:
                # Of both files together; its message already says column, value and cure.
                count, told = len(cells), str(error)
                faults.append(Fault(file="", column=column.name, count=count, problem=told, check="cells_unread"))
    return Readings(states, [state for name, state in states.items() if name in plain], faults)


def cells_unread(
    contract: Contract,
    states: Sequence[Mapping[str, Any]],
    frame: pd.DataFrame,
    file: str,
    *,
    later: bool = False,
) -> list[Fault]:
    """No cell of a column with one of the encoder's ``states`` is there and yet not read: it would be missing without a
    word. A warning, unless the column may not be empty or no cell of the file is read.

    ``later``: of rows met after training. It is a warning wherever the column may be empty, however many cells are not
    read, since a row's fate does not depend on its company; and no cure edits the contract, for ``states`` stay."""
    faults = []
    for state in states:
        if state["type"] not in columns.READ:
            continue
        column = contract.column(state["name"])
        cells = frame[column.name]
        wrong, present = columns.unread(cells, state), int(cells.notna().sum())
        if column.values is not None:
            # What the contract does not allow is said by ``Contract.faults`` already.
            wrong &= cells.isin(column.values).to_numpy()
        count = int(wrong.sum())
        cure = "They count as missing."
        if later:
            cure = cure if column.nullable else "Correct the cells."
        elif count == present:
            cure = f"Correct the cells, or set `type: category` for it in {contract.file}."
        elif not column.nullable:
            cure = f"Correct the cells, or set `nullable: true` for it in {contract.file}: then they count as missing."
        problem = f"{count} of {present} cells can't be read as a {state['type']}"
        warning, due = column.nullable and (later or count < present), columns.readable(state)
        faults += faults_at(file, cells, wrong, due, check="cells_unread", problem=problem, cure=cure, warning=warning)
    return faults


def drift(
    contract: Contract,
    train: pd.DataFrame,
    test: pd.DataFrame,
    train_file: str,
    test_file: str,
    states: Mapping[str, Mapping[str, Any]],
    threshold: float,
    time: str = "",
) -> list[Fault]:
    """Columns by which train and test rows can be told apart better than ``threshold``, and than by chance: a warning.
    ``states``: of ``read_states``; ``time`` as of ``run_checks``."""
    side = np.r_[np.zeros(len(train), bool), np.ones(len(test), bool)]
    if min(len(train), len(test)) < MIN_ROWS:
        return []
    scores: list[tuple[Column, float, bool]] = []
    tries = 0
    for column in contract.features:
        # Names and ticket numbers belong to one side by nature; an empty column is reported as such.
        if column.type == "text" or train[column.name].isna().all() or test[column.name].isna().all():
            continue
        cells = pd.concat([train[column.name], test[column.name]], ignore_index=True)
        parts = columns.telling(column, cells, states.get(column.name))
        score = max(separation(part, side, number) for part, number in parts)
        scores.append((column, score, column.type in ("date", "number") and later(parts[0][0], side) > _LATER))
        tries += len(parts)
    least = max(threshold, chance(len(train), len(test), max(tries, 1)))
    faults = []
    for column, score, after in scores:
        if score <= least:
            continue
        cure = "The score on the test file may fall short of the cross-validation."
        if after and column.name == time:
            cure = "Test's are later ones, and the nested estimate learns from earlier rows alone (encode.time)."
        elif after:
            cure = (
                "Test's lie above train's. If its rows are later ones, set encode.time to this column, since folds "
                "drawn at random score rows between those they learn from, which flatters."
            )
        faults.append(
            Fault(
                file=test_file,
                column=column.name,
                count=len(test),
                expected=f"{least:.3g} or less",
                problem=f"its values drift from those of {train_file} (told apart with an AUC of {score:.3f})",
                cure=cure,
                check="drift",
                warning=True,
            )
        )
    return faults


def infinities(contract: Contract, frame: pd.DataFrame, file: str) -> list[Fault]:
    """No number is infinite, or so large that it is for 32 bits, in which networks compute."""
    faults: list[Fault] = []
    for column in contract.columns:
        if column.type != "number" or column.role == "ignore" or column.name not in frame.columns:
            continue
        cells = frame[column.name]
        wrong = np.abs(cells.to_numpy(float)) > np.finfo(np.float32).max
        problem = counted(wrong, "value is", "values are") + " infinite or beyond 3.4e38"
        cure = "Correct the cells or " + ("delete the rows." if column.role == "target" else "leave them empty.")
        if column.role != "target" and not column.nullable:
            cure = f"Correct the cells, or set `nullable: true` for it in {contract.file} and leave them empty."
        faults += faults_at(file, cells, wrong, "finite numbers", check="infinities", problem=problem, cure=cure)
    return faults


def columns_empty(contract: Contract, frame: pd.DataFrame, file: str, learned: Collection[str] = ()) -> list[Fault]:
    """No feature is empty in every row; a warning, since an empty column is filled and tells nothing. ``learned``:
    those with values in train, which networks are scored with and test has not."""
    faults: list[Fault] = []
    for column in contract.features:
        cells = frame[column.name]
        cure = "Train has it, so scores are better than test's can be. " if column.name in learned else ""
        cure += f"Set `role: ignore` for it in {contract.file}, or fill it."
        wrong, problem = np.full(len(cells), cells.isna().all()), f"all {len(cells)} values are missing"
        faults += _warned(file, cells, wrong, "some values", "columns_empty", problem, cure)
    return faults


def columns_constant(contract: Contract, frame: pd.DataFrame, file: str, varying: Collection[str] = ()) -> list[Fault]:
    """No feature has one and the same value in every row; a warning, since such a column tells nothing. ``varying``:
    those that vary in train, by which networks are scored and test's rows can't be told apart."""
    faults: list[Fault] = []
    for column in contract.features:
        cells = frame[column.name]
        same = len(cells) > 1 and cells.nunique(dropna=False) == 1 and cells.notna().all()
        cure = "Train's differ, so scores may be better than test's can be. " if column.name in varying else ""
        cure += f"Set `role: ignore` for it in {contract.file}."
        wrong, problem = np.full(len(cells), same), f"all {len(cells)} values are the same"
        faults += _warned(file, cells, wrong, "values that differ", "columns_constant", problem, cure)
    return faults
