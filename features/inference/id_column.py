"""Which column of a table without a contract names a row, with the reason; running numbers where none does."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from features.contracts.contract import Column, Contract
from features.contracts.dates import date_format
from features.contracts.entry import unused
from features.contracts.spelling import plain_number
from features.errors import UserError, aside, listed, nearest
from features.inference.column_types import RUNNING, RUNNING_WORDS, infer_column
from features.inference.identifiers import ID_NAME
from features.inference.number_forms import find_spellings
from features.scoring.submission import stripped
from features.validation.checks import ids_shared

ROW = "row"


def find_id(
    train: pd.DataFrame,
    test: pd.DataFrame,
    sample: pd.DataFrame | None,
    target: str,
    given: str | None,
    notes: list[str],
) -> tuple[str, str, pd.DataFrame, pd.DataFrame]:
    """The id column and why, and the tables, with running numbers added where no column names a row."""
    have = [str(name) for name in test.columns]
    if given is not None:
        if given not in have:
            raise UserError(
                f"the tables share no column {given!r}, the id{aside(given, have)}. They share {listed(have, most=8)}."
            )
        _check_unique({"train": train, "test": test}, given)
        return given, "named with --id", train, test
    asked = None if sample is None else str(sample.columns[0])
    if asked == target:
        raise UserError(
            f"the sample submission's first column is {asked!r}, the target; expected the id first, then the answer. "
            "Give this competition's sample, or put its id column first."
        )
    if asked is not None and asked in have:
        _check_unique({"train": train, "test": test}, asked)
        return asked, "the sample submission's first column", train, test
    likely = _likely([train, test], have)
    apart = [] if asked is not None else [one for one in likely if _apart(train, test, one, target)]
    if apart:
        return apart[0], "each value once in each table, and the name says so", train, test
    numbered = None if asked is not None else _running_in_both(train, test, have)
    if numbered is not None:
        return numbered, "a running number, each value once in both tables", train, test
    if asked is not None and likely:
        raise UserError(
            f"the sample submission's first column is {asked!r}, which test lacks; its id seems to be {likely[0]!r}. "
            "Give the sample that belongs to this test file, or write the id's name into its header."
        )
    name = asked or unused(ROW, [*have, target])
    if asked is not None and sample is not None and len(sample) != len(test):
        raise UserError(
            f"the sample submission's id {asked!r} is no column of test, and {len(sample)} rows do not number its "
            f"{len(test)} rows either. Give the sample that belongs to this test file, or name the id with --id."
        )
    notes += [_told_shared(train, test, one) for one in likely]
    ids = [str(len(train) + n) for n in range(1, len(test) + 1)] if sample is None else list(sample[name])
    train, test = _numbered(train, name, ids, sample), test.copy()
    test.insert(0, name, ids)
    notes.append(f"{name}: no column names a row, so {'running numbers' if asked is None else 'the sample ids'} do")
    return name, "added, since no column of the tables names a row", train, test


def _likely(tables: list[pd.DataFrame], names: list[str]) -> list[str]:
    """The columns that are called like an id and hold each value once in each table."""
    # Ids may start anew in test.
    return [
        name
        for name in names
        if ID_NAME.fullmatch(name) and all(table[name].notna().all() and table[name].is_unique for table in tables)
    ]


def _running_in_both(train: pd.DataFrame, test: pd.DataFrame, names: list[str]) -> str | None:
    """The first column that numbers the rows of both tables together, None where there is none."""
    for name in names:
        both = pd.concat([train[name], test[name]], ignore_index=True)
        if both.notna().all() and both.str.strip().is_unique:
            column, reason = infer_column(name, both, rows=len(train))
            if column.role == "ignore" and (reason == RUNNING or reason.startswith(RUNNING_WORDS)):
                return name
    return None


def _apart(train: pd.DataFrame, test: pd.DataFrame, id: str, target: str) -> bool:
    """Does ``validate`` take the column for an id? No value of it stands in both tables, or they start anew in test."""
    if set(stripped(train[id])).isdisjoint(stripped(test[id])):
        return True
    names = [str(name) for name in test.columns if name in train.columns and name not in (id, target)]
    spellings = find_spellings(train[names], test[names], commas=False)
    both = pd.concat([train[names], test[names]], ignore_index=True)
    found = [infer_column(name, both[name], spelling=spellings[name], rows=len(train))[0] for name in names]
    contract = Contract((Column(id, "id", "text"), Column(target, "target", "category"), *found))
    known, asked = (contract.typed(table[[id, *names]], "", with_target=False) for table in (train, test))
    return all(fault.warning for fault in ids_shared(contract, known, asked, "train", "test"))


def _told_shared(train: pd.DataFrame, test: pd.DataFrame, id: str) -> str:
    """Why the column is no id though it looks like one: test has ids of train; and that the rows may be the same."""
    names = [str(name) for name in test.columns]
    shared = pd.Series(stripped(test[id])).isin(stripped(train[id])).to_numpy()
    alike = pd.concat([train[names], test.loc[shared, names]]).duplicated().to_numpy()[-int(shared.sum()) :]
    first = np.flatnonzero(shared)[int(alike.argmax())]
    same = f", {int(alike.sum())} of them with all cells alike" if alike.any() else ""
    return (
        f"{id}: taken for no id, since {int(shared.sum())} of test's {len(test)} are in train too{same} (test, row "
        f"{first + 2} first); if they are the same rows, take them out of one file, or they are learned from and then "
        "predicted; if they are others, nothing is wrong"
    )


def numbered_as_test(
    train: pd.DataFrame, test: pd.DataFrame, sample: pd.DataFrame | None, target: str, id: str | None, notes: list[str]
) -> pd.DataFrame:
    """``train``, its rows numbered where the id is the one column of test that it lacks."""
    foreign = [str(name) for name in test.columns if name not in train.columns]
    left = [str(name) for name in train.columns if name != target and name not in test.columns]
    # A column of nearly that name is the same one under another header.
    if len(foreign) != 1 or nearest(foreign[0], left):
        return train
    name = id or (None if sample is None else str(sample.columns[0]))
    shared = [str(name) for name in test.columns if name in train.columns]
    if name is None and not any(_apart(train, test, one, target) for one in _likely([train, test], shared)):
        name = next(iter(_likely([test], foreign)), None)
    if name != foreign[0]:
        return train
    notes.append(f"{name}: train has no such column, so running numbers name its rows")
    return _numbered(train, name, test[name], sample)


def _numbered(train: pd.DataFrame, name: str, ids: Iterable[Any], sample: pd.DataFrame | None) -> pd.DataFrame:
    """``train`` with running numbers as its first column, none of them among ``ids``, those of test."""
    taken, prefix = set(stripped(ids)), "" if sample is None else "train"
    numbers = (f"{prefix}{number}" for number in itertools.count(1))
    train = train.copy()
    train.insert(0, name, list(itertools.islice((n for n in numbers if n not in taken), len(train))))
    return train


def _check_unique(tables: Mapping[str, pd.DataFrame], id: str) -> None:
    for table, frame in tables.items():
        cells = frame[id]
        named = pd.Series(stripped(cells), dtype=object)
        wrong = np.flatnonzero((named.isna() | named.duplicated()).to_numpy())
        if len(wrong):
            value = cells.iloc[wrong[0]]
            what = "is missing" if value is None or value != value else f"{value!r} stands there a second time"
            raise UserError(
                f"{table}, row {wrong[0] + 2}: the id {id!r} {what}; expected each id once ({len(wrong)} such rows). "
                "Name another column with --id, or correct the file."
            )


def check_sample_ids(test: pd.DataFrame, sample: pd.DataFrame | None, id: str) -> None:
    """Raises ``UserError`` where the sample's ids are not those of test, each once."""
    if sample is None:
        return
    if str(sample.columns[0]) != id:
        raise UserError(
            f"the sample submission's first column is {sample.columns[0]!r}, the id {id!r}. "
            "Give the sample that belongs to this test file, or name its id with --id."
        )
    _check_unique({"the sample submission": sample}, id)
    have, asked = stripped(test[id]), stripped(sample[id])
    for less, more, words in ((have, asked, "test lacks"), (asked, have, "the sample submission lacks")):
        known = set(less)
        extra = [value for value in more if value not in known]
        if extra:
            number = plain_number(extra[0])
            alike = next((value for value in less if plain_number(value) == number), None)
            where, cure = "", "Give the test file and the sample submission of one competition."
            if alike is not None:  # as a spreadsheet or pandas writes whole numbers beside gaps
                where, cure = f", where it is {alike!r}", "Write the ids alike in both files."
            raise UserError(f"{words} {len(extra)} ids of the other, {extra[0]!r} first{where}. {cure}")


def told_dates(id: str, cells: pd.Series) -> list[str]:
    """A sentence where the ids are dates, which may tell something, while an id is never learned from."""
    form = date_format(cells)
    if form is None:
        return []
    return [
        f"{id}: the ids are dates, as {cells.iloc[0]!r}, and an id is not learned from; to have hours, weekdays and "
        "seasons learned, copy the column under another name in both files"
    ]


def first_number(ids: pd.Series) -> int:
    """The number of the first row where whole numbers name one row after another, else 1."""
    first = str(ids.iloc[0])
    if not re.fullmatch("[0-9]{1,15}", first):
        return 1
    return int(first) if list(ids) == [str(int(first) + n) for n in range(len(ids))] else 1
