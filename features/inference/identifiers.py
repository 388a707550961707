"""Columns that name something rather than measure it, by what they are called and by how their numbers are written: a
row, a kind of thing, or several rows that belong together, as the visits of one customer do."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from features.contracts.contract import Column
from features.contracts.spelling import Spelling, plain_number
from features.contracts.words import named
from features.encoding.columns import fit_number

# Names of columns that name a row, or whatever a table's rows are of.
ID_NAME = re.compile(r"(?i:id|.*[_ ]id|key|index|row)|.*[a-z]I[dD]")
_WHOSE = (
    "account|athlete|author|buyer|child|client|company|customer|device|donor|driver|employee|family|group|hospital|"
    "household|machine|member|owner|participant|passenger|patient|person|player|pupil|respondent|school|seller|session|"
    "shop|site|store|student|subject|supplier|team|trip|user|vehicle|visitor|worker"
)
_MARK = r"[_ .-]?(id|key|code|no|nr|nbr|num|number)"
_MARKED = re.compile(rf"(?i:(.*[_ .-])?({_WHOSE})s?{_MARK})")
_BARE = re.compile(rf"(?i:(.*[_ .-])?({_WHOSE})s?)")
# Names by which numbers may be counts or measures: n_employees, number of trips, students, distance_to_school.
_SIZE = (
    "n|no|nr|nb|num|number|count|total|sum|mean|avg|min|max|std|age|amount|days|dist|distance|hours|income|minutes|"
    "months|per|pct|percent|ratio|salary|score|since|spend|time|years"
)
_COUNT = re.compile(rf"(?i:(.*[_ .-])?(({_WHOSE})s|({_SIZE})[_ .-].*))")
# Names of numbers that stand for kinds of something.
_KINDS = re.compile(r"(?i:.*[_ .-](cat|category|code|type))")
# Names that say nothing of whose: only repeated values make them names of groups.
_VAGUE = re.compile(r"(?i:key|index|row)")
# Rows per value, on average, of what is known by such names.
REPEATED = 1.5
# Share of cells that are different ones beyond which words are no levels, and hardly groups of rows.
MOSTLY_DISTINCT = 0.9
# Share of test's rows that may be of a group in train while test is held to be of new groups.
HARDLY = 0.05
# Groups that folds of whole groups need: two a fold of the five that ``new`` asks for.
ENOUGH = 10
# What is done with them.
KEPT = "rows with one value are kept in one fold (encode.group_aware in params.yaml)"
# So few rows are not said to be numbered.
FEW_NUMBERED = 10
# Of a column called so, numbers that rise from row to row alone name rows.
_RANK = re.compile(r"(?i:(.*[^a-z])?(rank|ranking|rang)([^a-z].*)?|.*[a-z]Rank)")
# Times of day in four digits.
_CLOCK = re.compile("([01][0-9]|2[0-4])[0-5][0-9]")
# Numbers that a range holds for each that occurs, from which on those that occur are scattered as codes are.
SCATTERED = 3


def named_like_an_id(name: str) -> bool:
    """Whether a column called so most likely names a row or what it is of."""
    return bool(ID_NAME.fullmatch(name) or _MARKED.fullmatch(name))


def named_after_things(name: str) -> bool:
    """Whether whole numbers in a column called so most likely stand for something, and measure or count nothing."""
    if _VAGUE.fullmatch(name) or (not named_like_an_id(name) and _COUNT.fullmatch(name)):
        return False
    return named_like_an_id(name) or bool(_BARE.fullmatch(name) or _KINDS.fullmatch(name))


def may_be_a_count(name: str) -> bool:
    """Whether a column called so, a bare word for whom rows may be of, may as well hold how many of them there are."""
    return bool(_BARE.fullmatch(name)) and not named_like_an_id(name)


def numbers_the_rows(numbers: pd.Series, rows: int, name: str) -> bool:
    """Do whole ``numbers`` number the rows: each once and with few left out, in both tables together or, where they
    start anew in test, in each? In each, or where ``name`` says so, they are ranks, unless they rise from row to row or
    the column is called like an id. The first ``rows`` are train's."""
    if len(numbers) <= FEW_NUMBERED:
        return False
    tables = [table for table in (numbers.iloc[:rows], numbers.iloc[rows:]) if len(table)]
    rising = named_like_an_id(name) or all(table.is_monotonic_increasing for table in tables)
    if _RANK.fullmatch(name) and not rising:
        return False
    return _dense(numbers) or (rising and all(map(_dense, tables)))


def _dense(numbers: pd.Series) -> bool:
    return numbers.is_unique and float(np.ptp(numbers.to_numpy(float))) < 2 * len(numbers)


def running_form(present: pd.Series, rows: int, name: str) -> str | None:
    """The words around the one number in which cells differ, where it numbers the rows; else None."""
    parts = present.str.split(r"([0-9]+)", regex=True)
    if parts.str.len().nunique() > 1:
        return None
    split = pd.DataFrame(parts.tolist(), index=present.index)
    varying = [place for place in split if split[place].nunique() > 1]
    if len(varying) != 1 or varying[0] % 2 == 0 or not numbers_the_rows(split[varying[0]].astype(float), rows, name):
        return None
    return "".join("0" if place == varying[0] else split[place].iloc[0] for place in split)


def lettered(present: pd.Series, numbers: pd.Series, spelling: Spelling) -> bool:
    """Are they whole numbers with one letter right behind, each cell another? Then they name rows rather than measure
    them."""
    letter = spelling.suffix
    # A sign without a capital form, as 원, is a word.
    if len(letter) != 1 or letter.lower() == letter.upper() or spelling.thousands or not present.is_unique:
        return False
    return bool((numbers.dropna() % 1 == 0).all()) and not present.str.contains(r"\s", regex=True).any()


def names_things(column: Column, present: pd.Series, numbers: pd.Series) -> bool:
    """Are whole numbers, by the name of their column, names of what several rows are of, as stores and kinds are?

    Each is written in one way: words 1 and 1.0, as a program writes the columns with and without gaps, would be two. Of
    two numbers a category says no more.
    """
    distinct = numbers.nunique()
    if distinct <= 2 or not named_after_things(column.name) or len(numbers) < REPEATED * distinct:
        return False
    if may_be_a_count(column.name) and numbers.min() == 0:
        return False  # none of them, as of stays in hospital and years at school
    return present.nunique() == distinct and bool(present.str.fullmatch("-?[0-9]+").all())


def written_like_codes(present: pd.Series, numbers: pd.Series) -> bool:
    """Are whole ``numbers`` written like codes: with zeros in front, one number in two ways, or all of one width and
    with gaps as codes have? No hours, months, times of day, ages or skewed amounts, which programs also pad so."""
    if not any(text[:1] == "0" and len(text) > 1 for text in present):
        return False
    digits = present[present.str.fullmatch(r"[0-9]+")]
    widths = set(digits.str.len())
    if len(digits) < len(present) or not digits.str.fullmatch("0[0-9]+").any() or max(widths) <= 2:
        return False
    if digits.nunique() > digits.str.lstrip("0").nunique():
        return True
    if len(widths) > 1 or digits.str.fullmatch(_CLOCK).all():
        return False
    scattered = float(np.ptp(numbers.to_numpy())) + 1 >= SCATTERED * numbers.nunique()
    return scattered and fit_number(numbers)["unit"] is None


def group_columns(
    train: pd.DataFrame, test: pd.DataFrame, names: Sequence[str], prefix: str | None = None
) -> dict[str, tuple[Column, str]]:
    """Of the columns ``names`` those that name groups of rows, none of them in both tables: what each is, and why.

    Named like an id, or after whom rows may be of; a value in several rows of train; and hardly a row of test with a
    value of train, so that nothing learned about a value helps there. No numbers with fractions, and none that may be
    counts. One has the role ``group``, that of the fewest groups, since finer ones most likely lie within; the others
    are ignored. ``prefix``: the one of them that is a part of the id (``shown_by_ids``), whatever it is called.
    """
    found = {}
    for name in names:
        if name != prefix and not named_like_an_id(name) and not _BARE.fullmatch(name):
            continue
        known, asked = (named(table[name]) for table in (train, test))
        alone = int(known.isna().sum())
        known, asked = known.dropna(), asked.dropna()
        shared = int(asked.isin(known).sum())
        if _measured(name, pd.concat([known, asked])):
            continue
        vague = name != prefix and (_VAGUE.fullmatch(name) or not named_like_an_id(name))
        if vague and len(known) < REPEATED * known.nunique():
            continue
        if known.nunique() > 1 and known.duplicated().any() and len(asked) and shared <= HARDLY * len(asked):
            found[name] = (
                known.nunique() + alone,
                f"{known.nunique()} values in {len(known)} rows, "
                + ("none of them in test" if not shared else f"{shared} of test's {len(asked)} rows have one of them"),
            )
    enough = [name for name, (count, _) in found.items() if count >= ENOUGH]
    chosen = min(enough, key=lambda name: found[name][0], default=None)
    decided = {}
    for name, (_, told) in found.items():
        role, why = "ignore", f"it names groups of rows, too few to be kept in {ENOUGH // 2} folds"
        if name == chosen:
            role, why = "group", KEPT
        elif chosen is not None:
            why = f"it names groups of rows, and {chosen!r} does already"
        decided[name] = Column(name, role, "text"), f"{told}; {why}"
    return decided


def groups_of_words(
    train: pd.DataFrame, test: pd.DataFrame, found: Mapping[str, tuple[Column, str]]
) -> dict[str, tuple[Column, str]]:
    """Of the columns that were ``found`` to be categories of many words, that of the fewest which names groups of rows
    by its cells alone, whatever it is called, and why; none if there is none: values repeat in both tables, and none
    stands in both, so that whatever is learned of one helps no row of test and flatters each score."""
    groups = {}
    for name, (column, _) in found.items():
        if column.type != "category" or column.values is not None or column.order or column.spelling.missing:
            continue
        known, asked = (named(table[name]).dropna() for table in (train, test))
        if shown_by_ids(known, asked) and len(known) >= REPEATED * known.nunique():
            told = f"{known.nunique()} values in {len(known)} rows, none of them in test; {KEPT}"
            groups[name] = known.nunique(), told
    if not groups:
        return {}
    name = min(groups, key=lambda name: groups[name][0])
    return {name: (Column(name, "group", "text"), groups[name][1])}


def shown_by_ids(known: pd.Series, asked: pd.Series) -> bool:
    """Whether what the ids of train and of test begin with, as the 0013 of 0013_01, names groups of rows: it repeats in
    both, none of it stands in both, and there are enough of them."""
    if not known.duplicated().any() or not asked.duplicated().any() or known.nunique() < ENOUGH:
        return False
    return not asked.isin(known).any()


def _measured(name: str, cells: pd.Series) -> bool:
    """Are they numbers that name nothing: with fractions, or counts by the name of the column?"""
    numbers = cells.map(plain_number)
    if not len(numbers) or numbers.isna().any():
        return False
    return bool((numbers % 1 != 0).any()) or (not named_like_an_id(name) and bool(_COUNT.fullmatch(name)))


def told_id_like(column: Column, train: pd.Series, test: pd.Series) -> list[str]:
    """A sentence where a feature is named like an id, is no date and no number with fractions, and has another value in
    nearly each row of train; or has values in several rows, in test's too."""
    if column.role != "feature" or column.type == "date" or not named_like_an_id(column.name):
        return []
    known, asked = named(train).dropna(), named(test).dropna()
    distinct = known.nunique()
    if distinct < 3 or _measured(column.name, known):
        return []
    if distinct > MOSTLY_DISTINCT * len(known):
        return [
            f"{column.name}: named like an id, with {distinct} values in {len(known)} rows of train, and learned from "
            f"as {column.type}; if ids tell nothing by their order or spelling, give it `role: ignore`"
        ]
    shared = int(asked.isin(known).sum())
    if not known.duplicated().any() or not shared:
        return []
    return [
        f"{column.name}: named like an id, but {shared} of test's {len(asked)} rows have a value of train, so it is "
        "learned from; if later rows will have others, give it `role: group` and set encode.group_aware to true"
    ]
