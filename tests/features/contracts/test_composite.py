"""Cells that hold several values: taken apart as a contract says, and known for such where nothing else they can be."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from features.contracts.composite import FEWEST_CELLS, find_separator, several, taken_apart
from features.contracts.contract import Contract
from features.inference.first_contract import Inferred, infer
from pipeline.demo import as_read
from tests.tables import spaceship

GENERATOR = np.random.default_rng(0)


def series(*cells: object) -> pd.Series:
    return pd.Series(cells, dtype=object)


@pytest.mark.parametrize(
    ("separator", "cells", "parts", "wrong"),
    [
        ("/", ["B/12/P", "C/ 7 / S"], [["B", "C"], ["12", "7"], ["P", "S"]], []),
        ("/", ["B//P", " / /S"], [["B", None], [None, None], ["P", "S"]], []),
        ("/", ["B/12", None, "B/12/P/7", "", "B/12/P"], [[None] * 4 + ["B"]] + [[None] * 4 + ["12"]]
         + [[None] * 4 + ["P"]], [0, 2, 3]),
        (" - ", ["a-b - c - d"], [["a-b"], ["c"], ["d"]], []),
        ((", ", ". "), ["Braund, Mr. Owen H.", "Cumings, Mrs. J. (Florence, of B.)"],
         [["Braund", "Cumings"], ["Mr", "Mrs"], ["Owen H.", "J. (Florence, of B.)"]], []),
        ((", ", ". "), ["Mr. Owen, Braund", "Braund, Mr"], [[None] * 2] * 3, [0, 1]),
    ],
    ids=["blanks", "empty parts", "other forms", "a long one", "one for each place", "in another order"],
)  # fmt: skip
def test_taken_apart(
    separator: str | tuple[str, ...], cells: list[str | None], parts: list[list[str | None]], wrong: list[int]
) -> None:
    found, odd = taken_apart(series(*cells), separator, 3)
    assert [[None if pd.isna(cell) else cell for cell in part] for part in found] == parts
    assert np.flatnonzero(odd).tolist() == wrong
    assert all(len(part) == 0 for part in taken_apart(series(), separator, 3)[0])


def test_what_a_cell_must_be() -> None:
    assert several("/", 3) == "3 parts, '/' between them"
    assert several((", ", ". "), 3) == "3 parts, ', ' and '. ' between them"


def mixed(*forms: str, count: int = 400) -> pd.Series:
    """Cells of forms such as ``AB-#-X``, in which # is a number of four digits, ? a letter and ! one of two."""

    def filled(form: str) -> str:
        text = form
        while "#" in text:
            text = text.replace("#", str(GENERATOR.integers(1000, 10000)), 1)
        while "?" in text:
            text = text.replace("?", str(GENERATOR.choice(list("ABCDEFGH"))), 1)
        while "!" in text:
            text = text.replace("!", str(GENERATOR.choice(["left", "right"])), 1)
        return text

    return series(*(filled(forms[place % len(forms)]) for place in range(count)))


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        (mixed("?/#/!"), ("/", 3)),
        (mixed("?/#/!").mask(GENERATOR.random(400) < 0.3), ("/", 3)),
        (mixed("?B-#-!"), ("-", 3)),
        (mixed("?_2014-03"), None),
        (mixed("?_#"), ("_", 2)),
        (mixed("? Street, !"), (",", 2)),
        (mixed("red|!", "blue|!"), ("|", 2)),
        (series(*(f"{a}x{b}" for a in (2, 4, 6) for b in (4, 8) for _ in range(9))), ("x", 2)),
        (mixed("BxC", "ExF", "BxF", "ExC"), None),
        (mixed("B#, Mr. ?", "D#, Dr. O. ?"), ((", ", ". "), 3)),
        (mixed("B#, Mr. ?", "D#, Dr ?"), (",", 2)),
        (series(*(f"B{n}, k{n}. {n % 7}" for n in range(400))), (".", 2)),
        (series(*(f"{x:.4f},{y:.4f}" for x, y in GENERATOR.normal(50, 9, (99, 2)))), (",", 2)),
        # Whatever the sign, a part is empty, never varies, is missing in one cell, or is the whole under another name.
        (mixed("?/#/!", "?//!"), None),
        (mixed("sku-#"), None),
        (series(*mixed("?/#/!"), "B12P"), None),
        (mixed("?/#/!", "?/#"), None),
        (series("18-24", "25-34", "35-44", "45-54", *["18-24"] * 20), None),
        (series(*(f"k{n * 7919:x}-{n * 104729:x}" for n in range(400))), None),
        (mixed("?/!/?/!/#"), None),
        (mixed("?/#/!")[: FEWEST_CELLS - 1], None),
        (series(None, None), None),
        (series(*(f"k{n * 7919}@{'ab'[n % 2]}.com" for n in range(99))), ("@", 2)),
    ],
)  # fmt: skip
def test_where_all_cells_show_it(cells: pd.Series, found: tuple[str, int] | None) -> None:
    assert find_separator(cells) == found


@pytest.mark.parametrize(
    "form",
    [
        "{a:02d}:{m:02d}-{b:02d}:{m:02d}",
        "{a}:{m:02d} {b}:{m:02d}",
        "${a},{n} - ${b},{n}",
        "{a}.{n} N, {b}.{n} E",
        "({a}.{n}, {b}.{n})",
        "POINT ({a}.{n} {b}.{n})",
        "20{b}-{a:02d}/20{b}-{a:02d}",
    ],
    ids=["times of day", "with a blank", "amounts", "degrees", "in brackets", "as a point", "months"],
)
def test_a_sign_within_values_separates_none(form: str) -> None:
    """The values are taken whole or not at all, though at the sign the first part would repeat."""
    rows = zip(*(GENERATOR.integers(low, high, 400) for low, high in ((1, 9), (10, 24), (0, 60))), strict=True)
    cells = series(*(form.format(a=a, b=b, m=m, n=100 + GENERATOR.integers(900)) for a, b, m in rows))
    for separator in {":", ",", ".", "-"} & set(cells[0]):
        found = find_separator(cells)
        assert found is None or found[0] != separator or cells.str.count(separator).eq(1).all()
    assert find_separator(cells) is None or find_separator(cells) in {("-", 2), ("/", 2), (",", 2)}


def ship() -> tuple[pd.DataFrame, pd.DataFrame]:
    train, test, _ = spaceship(30, 20, 0)
    return as_read(train), as_read(test)


def found_of(train: list[str], test: list[str]) -> Inferred:
    """With ids of one's own, and no surnames, which name the same groups as a party's id."""
    tables = [table.assign(PassengerId=ids[: len(table)]) for table, ids in zip(ship(), (train, test), strict=True)]
    return infer(*(table.drop(columns="Surname") for table in tables), None)


def roles(found: Inferred, of: str) -> dict[str, str]:
    return {column.name: column.role for column in found.contract.columns if column.name.startswith(of)}


def test_a_spaceship_is_taken_apart_and_its_groups_found() -> None:
    found = infer(*ship(), None)
    assert roles(found, "PassengerId") == {"PassengerId": "id", "PassengerId_1": "group", "PassengerId_2": "feature"}
    assert roles(found, "Cabin") == {"Cabin": "ignore"} | {f"Cabin_{place}": "feature" for place in (1, 2, 3)}
    kinds = [found.contract.column(f"Cabin_{place}").type for place in (1, 2, 3)]
    assert kinds == ["category", "number", "category"]
    cabin = found.contract.column("Cabin")
    assert (cabin.separator, cabin.parts) == ("/", ("Cabin_1", "Cabin_2", "Cabin_3"))
    assert (
        found.reasons["Cabin"].startswith("several values: '")
        and "at '/' into Cabin_1, Cabin_2 and Cabin_3" in (found.reasons["Cabin"])
    )
    assert found.reasons["Cabin_2"].startswith("number: part 2 of Cabin, ")
    assert found.reasons["PassengerId_1"].startswith("group: part 1 of PassengerId, 30 values in ")
    assert "PassengerId_1" not in found.train and "Cabin_1" not in found.test, "the files stay as they are"


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ([f"{n // 3:04d}_{n % 3}" for n in range(300)], [f"{n // 3:04d}_{n % 3 + 3}" for n in range(300)]),
        ([f"{n // 3:04d}_{n % 3}" for n in range(300)], [f"{n + 500:04d}_0" for n in range(300)]),
        ([f"{n:04d}_{n % 3}" for n in range(300)], [f"{n // 3 + 500:04d}_{n % 3}" for n in range(300)]),
        ([f"{n % 5:04d}_{n}" for n in range(300)], [f"{n % 5 + 500:04d}_{n}" for n in range(300)]),
    ],
    ids=["shared by both", "each once in test", "each once in train", "too few"],
)
def test_other_ids_stay_whole(train: list[str], test: list[str]) -> None:
    found = found_of(train, test)
    assert roles(found, "PassengerId") == {"PassengerId": "id"} and not found.contract.column("PassengerId").parts
    assert found.contract.grouping is None


def test_a_parts_name_is_free() -> None:
    train, test = ship()
    for table in (train, test):
        table["Cabin_1"] = GENERATOR.permutation(len(table)).astype(str)
    parts = infer(train, test, None).contract.column("Cabin").parts
    assert parts == ("Cabin_1_", "Cabin_2", "Cabin_3")


def test_a_scale_is_not_taken_apart() -> None:
    train, test = ship()
    for table in (train, test):
        table["grade"] = GENERATOR.choice(["very-low", "low", "medium", "high", "very-high"], len(table))
        table["when"] = [f"{1 + n % 28:02d}.03.2015" for n in range(len(table))]
    contract = infer(train, test, None).contract
    assert not contract.column("grade").parts and contract.column("when").type == "date"


def test_levels_that_are_few_stay_beside_their_parts() -> None:
    """One-hot as before: their combination may tell what neither part does."""
    train, test = ship()
    for table in (train, test):
        table["kind"] = mixed("red|!", "blue|!", count=len(table))
    found = infer(train, test, None)
    kind = found.contract.column("kind")
    assert (kind.role, kind.type, len(kind.values or ()), kind.parts) == (
        "feature",
        "category",
        4,
        ("kind_1", "kind_2"),
    )
    assert found.reasons["kind"].startswith("category: 4 words; '") and "is taken apart at '|'" in found.reasons["kind"]
    assert found.contract.column("kind_2").values == ("left", "right")
    later = test.assign(kind="none of them")
    typed = found.contract.typed(later, "new.csv", False)
    assert typed[["kind_1", "kind_2"]].isna().all(axis=None)
    assert all(fault.warning for fault in found.contract.faults(typed, "new.csv", False)), "encoded as unseen"


@pytest.mark.parametrize("absent", [None, "-"])
def test_pairs_that_repeat_in_test_stay_beside_their_parts(absent: str | None) -> None:
    """Hundreds of them, too: which store and which department may tell less than which of both. Not those that test
    mostly has anew, as cabins of other groups."""
    generator = np.random.default_rng(0)
    train, test = (
        pd.DataFrame({"pair": [f"{a}-{b}" for a, b in generator.integers(1, 13, (1000, 2))]}, dtype=object)
        for _ in range(2)
    )
    for table in (train, test):
        table["rare"] = [f"{a}-{b}" for a, b in generator.integers(1, 80, (1000, 2))]
        table.loc[:99, "pair"] = absent
        table["store_id"] = table["pair"]
    found = infer(train.assign(y=generator.choice(["no", "yes"], 1000)), test, None)
    pair, rare = found.contract.column("pair"), found.contract.column("rare")
    assert (pair.role, pair.type, pair.values, pair.parts) == ("feature", "category", None, ("pair_1", "pair_2"))
    assert pair.nullable and pair.spelling.missing == (() if absent is None else (absent,))
    assert sum(note.startswith("pair: '-' (train, row 2 first") for note in found.notes) == (absent is not None)
    assert found.reasons["pair"].startswith("category: high-cardinality, 144 words; embedded")
    assert "is taken apart at '-' into pair_1 and pair_2" in found.reasons["pair"]
    assert (rare.role, rare.parts) == ("ignore", ("rare_1", "rare_2"))
    assert any(note.startswith("store_id: named like an id, but ") for note in found.notes)
    typed = found.contract.typed(found.test, "test.csv", False)
    assert typed.loc[:99, ["pair", "pair_1", "pair_2"]].isna().all(axis=None)
    assert typed["pair_1"][100:].notna().all() and found.contract.faults(typed, "test.csv", False) == []


def test_what_names_groups_of_rows_stays_whole() -> None:
    """And where it names larger ones than the id does, it is they that are kept together."""
    train, test = ship()
    for place, table in enumerate((train, test)):
        table["household_id"] = [f"H-{2 * (n // 12) + place:03d}" for n in range(len(table))]
    contract = infer(train, test, None).contract
    assert contract.grouping == "household_id" and not contract.column("household_id").parts
    assert contract.column("PassengerId_1").role == "ignore"


def test_words_for_a_missing_cell_are_kept_as_such() -> None:
    train, test = ship()
    train.loc[:4, "Cabin"], test.loc[0, "Cabin"] = "NA", "?"
    found = infer(train, test, None)
    cabin = found.contract.column("Cabin")
    assert cabin.spelling.missing == ("?", "NA") and cabin.nullable and len(cabin.parts) == 3
    said = f"Cabin: 'NA' (train, row 2 first; 5 of {len(train) + len(test)} cells) is read as missing; if it is not, "
    assert said + "correct the file, or `parts` and `missing` in the contract" in found.notes
    typed = found.contract.typed(found.train, "train.csv", True)
    assert typed["Cabin_1"][:5].isna().all() and found.contract.faults(typed, "train.csv", True) == []
    for table in (train, test):
        table["kind"] = mixed("red|!", "blue|!", count=len(table)).mask(table.index < 20, "none")
    assert not infer(train, test, None).contract.column("kind").parts, "which may be a level"


@pytest.mark.parametrize(
    ("form", "separator", "around", "first"),
    [
        ("({a}.{n}, -{b}.{n})", ",", ("(", ")"), "({a}.{n}"),
        ("[{a}; {b}]", ";", ("[", "]"), "[{a}"),
        ("{a}'{b}\"", "'", ("", '"'), "{a}"),
        ("{a}'{b}", "'", ("", ""), "{a}"),
        ("{b}+{a}", "+", ("", ""), "{b}"),
    ],
    ids=["coordinates", "brackets", "feet and inches", "feet", "two ratings"],
)
def test_numbers_with_something_around_all_of_them(
    form: str, separator: str, around: tuple[str, str], first: str
) -> None:
    """The contract keeps what stands there, so that predict reads a row alone."""
    train, test = ship()
    rows = GENERATOR.integers(1, 12, (len(train), 2))
    cells = [form.format(a=a, b=b, n=100 + place) for place, (a, b) in enumerate(rows)]
    train["at"], test["at"] = cells, cells[-len(test) :]
    found = infer(train, test, None)
    one, two = (found.contract.column(f"at_{place}") for place in (1, 2))
    assert found.contract.column("at").separator == separator and one.type == two.type == "number"
    assert (one.spelling.prefix, two.spelling.suffix) == around
    kept = Contract.from_mapping(found.contract.to_mapping(), "c.yaml")
    typed = kept.typed(found.test, "test.csv", False)
    place = len(train) - len(test)
    (a, b), n = rows[place], 100 + place
    word = first.format(a=a, b=b, n=n).strip("([")
    assert typed["at_1"][0] == float(word)
    assert typed["at_2"][0] == float(cells[place].split(separator)[1].strip(' )]"'))


@pytest.mark.parametrize("form", ["({}'north {})", "Rock'n{}", "{}'s+{}s", "C+{}", "{}'{}x"])
def test_words_with_an_apostrophe_or_a_plus_are_none(form: str) -> None:
    assert find_separator(series(*(form.format(n % 7, n) for n in range(200)))) is None
