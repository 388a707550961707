"""Which columns of a table without a contract hold several values in a cell, and what their parts are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from features.contracts.composite import find_separator, numbers_within, taken_apart
from features.contracts.contract import Column
from features.contracts.dates import date_format
from features.contracts.entry import unused
from features.contracts.spelling import FOR_MISSING, Spelling, marked
from features.errors import enumerated, quoted
from features.inference.column_types import infer_column, may_hold_several, repeated_words
from features.inference.identifiers import shown_by_ids
from features.inference.number_forms import written_in_several_ways

# Share of test's cells that train has, from which cells that are taken apart stay a category, too.
KNOWN = 0.9
# What stands between a day and a time of day.
BETWEEN_TIMES = (" ", "T")


@dataclass(frozen=True)
class Apart:
    """How the cells of a column are taken apart at the ``separator``; ``cells [n]``: of train and test by part, and
    ``columns``: what each part is, and why; ``told``: in a sentence; ``missing``: words that stand there for nothing;
    ``whole``: where most of test's cells are in train, too, the category that they are beside their parts, and why: a
    pair may tell what neither does."""

    separator: str | tuple[str, ...]
    cells: Mapping[str, pd.Series]
    columns: Mapping[str, tuple[Column, str]]
    told: str
    missing: tuple[str, ...]
    whole: tuple[Column, str] | None

    def of(self, column: Column, reason: str) -> tuple[Column, str]:
        """The ``column`` that is taken apart, and the ``reason`` for it: if it is neither the id nor of few levels, it
        is the ``whole`` or nothing that is learned from."""
        if column.role != "id" and column.values is None:
            nullable = column.nullable or bool(self.missing)
            column, reason = Column(column.name, "ignore", "text"), "several values"
            if self.whole is not None:
                column, reason = self.whole[0], f"category: {self.whole[1]}"
            column = replace(column, nullable=nullable, spelling=Spelling(missing=self.missing))
        told = (": " if column.role == "ignore" else "; ") + self.told
        return replace(column, separator=self.separator, parts=tuple(self.columns)), reason + told


def with_parts(
    train: pd.DataFrame,
    test: pd.DataFrame,
    id: str,
    decided: Collection[str],
    spellings: Mapping[str, Spelling],
    classes: int,
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, tuple[Column, str]], dict[str, Apart]]:
    """Both tables with the parts of what holds several values behind it, what each column is, and why, and how those
    columns are taken apart. Nothing is said of those ``decided`` already, and of these the ``id`` alone is taken apart,
    where its first part names groups of rows, or where it is a day and a time of day, since an id is not learned
    from."""
    found: dict[str, tuple[Column, str]] = {}
    apart: dict[str, Apart] = {}
    known, asked = {}, {}
    taken = list(map(str, train.columns))
    for name in map(str, train.columns):
        known[name] = train[name]
        if name in test.columns:
            asked[name] = test[name]
        if name in decided and name != id:
            continue
        both = pd.concat([train[name], test[name]], ignore_index=True)
        if name != id:
            found[name] = infer_column(name, both, classes, spellings[name], len(train))
            if not may_hold_several(*found[name]):
                continue
        one = take_apart(both, len(train), found.get(name), classes, taken)
        if one is None:
            continue
        apart[name] = one
        found |= one.columns
        taken += one.columns
        for part, cells in one.cells.items():
            known[part] = cells.iloc[: len(train)].set_axis(train.index)
            asked[part] = cells.iloc[len(train) :].set_axis(test.index)
    if not apart:
        return train, test, found, {}
    return pd.DataFrame(known), pd.DataFrame(asked), found, apart


def take_apart(
    cells: pd.Series, rows: int, decided: tuple[Column, str] | None, classes: int, taken: Sequence[str]
) -> Apart | None:
    """How ``cells`` of train, its first ``rows``, and of test are taken apart, None where nothing shows that they hold
    several values. ``decided``: what they are as a whole, None of an id; ``classes`` as of ``infer_column``;
    ``taken``: names that no part may have."""
    column = None if decided is None else decided[0]
    words = cells.astype(str).str.strip()
    absent = tuple(sorted(set(words[cells.notna() & marked(words, FOR_MISSING)]))) if column else ()
    if absent and column and column.values is not None:
        return None  # levels, of which one may be so called
    cells = cells.mask(words.isin(absent))
    dated = column is None and date_format(cells) is not None
    found = day_and_time(cells) if dated else find_separator(cells)
    if found is None or written_in_several_ways(cells) is not None:
        return None
    separator, width = found
    parts = [unused(f"{cells.name}_{place}", taken) for place in range(1, width + 1)]
    made = dict(zip(parts, taken_apart(cells, separator, width)[0], strict=True))
    first = made[parts[0]]
    if column is None and not dated and not shown_by_ids(first.iloc[:rows], first.iloc[rows:]):
        return None
    before, behind = numbers_within([one.dropna() for one in made.values()])[1]
    around = {parts[0]: Spelling(prefix=before)} if before else {}
    around |= {parts[-1]: Spelling(suffix=behind)} if behind else {}
    columns = {part: infer_column(part, one, classes, around.get(part), rows) for part, one in made.items()}
    if column and column.values is not None:
        # A category of later rows that nobody has seen may have another form, and no parts.
        columns = {part: (replace(one, nullable=True), why) for part, (one, why) in columns.items()}
    if column and all(one.role == "ignore" for one, _ in columns.values()):
        return None
    signs = [separator] if isinstance(separator, str) else separator
    cell, at = quoted(cells.dropna().iloc[0]), enumerated(map(repr, signs))
    told = f"{cell} is taken apart at {at} into {enumerated(parts)}"
    asked = cells.iloc[rows:].dropna()
    known = len(asked) > 0 and asked.isin(cells.iloc[:rows]).mean() >= KNOWN
    whole = repeated_words(str(cells.name), cells, classes) if column and known else None
    return Apart(separator, made, columns, told, absent, whole)


def day_and_time(dates: pd.Series) -> tuple[str, int] | None:
    """The sign between a day and a time of day, and 2, where all of the ``dates`` have both; else None."""
    for separator in BETWEEN_TIMES:
        if (dates.str.count(separator) == 1).all():
            day, time = taken_apart(dates, separator, 2)[0]
            if date_format(day) is not None and date_format(time) is not None:
                return separator, 2
    return None
