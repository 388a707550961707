"""Units that numbers have side by side, as 19M and 201k or 5h 3m: which columns have them, and what a cell spells."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pandas as pd
import pytest

from features.contracts.contract import Column, Contract
from features.contracts.spelling import Spelling, plainly
from features.errors import UserError
from features.inference.column_types import infer_column
from features.inference.first_contract import infer
from tests.tables import WORDS

DRAW = np.random.default_rng(5)
COUNT = 240
MEGA = [f"{x:.1f}M" for x in DRAW.uniform(1, 100, COUNT)]
KILO = [f"{x}k" for x in DRAW.integers(10, 999, COUNT)]


def series(cells: Iterable[object]) -> pd.Series:
    return pd.Series(list(map(str, cells)), dtype=object)


def mixed(*ways: list[str]) -> list[str]:
    """Each way's cells in turn."""
    return [ways[row % len(ways)][row] for row in range(COUNT)]


def spans(*forms: str) -> list[str]:
    """Lengths of time, in each of the ``forms`` in turn."""
    return [forms[row % len(forms)].format(*DRAW.integers(2, 23, 3)) for row in range(COUNT)]


@pytest.mark.parametrize(
    ("cells", "units", "cell", "number"),
    [
        (mixed(MEGA, KILO), {"M": 1e6, "k": 1e3}, "8.7M", 8_700_000),
        (mixed(MEGA, MEGA, MEGA, [str(n) for n in range(COUNT)], KILO), {"M": 1e6, "k": 1e3}, "980", 980),
        ([f"€{cell}" for cell in mixed(MEGA, KILO, ["0"] * COUNT)], {"M": 1e6, "k": 1e3}, "€201k", 201_000),
        (mixed([c.replace("M", "k") for c in MEGA], [str(n) for n in range(COUNT)]), {"k": 1e3}, "1.2k", 1200),
        (mixed([c.replace("M", " Cr") for c in MEGA], [c.replace("k", " Lac") for c in KILO]),
         {"Cr": 1e7, "Lac": 1e5}, "1.4 Cr", 14_000_000),
        (spans("{}h {}m", "{}h", "{}m"), {"h": 60, "m": 1}, "5h 3m", 303),
        (spans("{}h{}m"), {"h": 60, "m": 1}, "2h50m", 170),
        (spans("{} hours, {} minutes", "1 hour"), {"hour": 60, "minutes": 1}, "2 hours, 1 minute", 121),
        (spans("{} hr. {} min.", "{} min"), {"hr": 60, "min": 1}, "1 hr 5 min", 65),
        (spans("{} days {}h"), {"days": 1440, "h": 60}, "1 day 2h", 1560),
        (spans("{}m {}s"), {"m": 60, "s": 1}, "2m 5s", 125),
        (spans("{} years", "1 year", "{} months", "{} weeks"), {"year": 365.25, "months": 30.4375, "weeks": 7},
         "1 year", 365.25),
        (spans("{}yrs {}mon"), {"yrs": 365.25, "mon": 30.4375}, "1yrs 2mon", 426.125),
        (spans("PT{}H{}M", "PT{}M"), {"H": 60, "M": 1}, "PT2H5M", 125),
        (spans("PT{}H{}M{}S", "PT{}S"), {"H": 3600, "M": 60, "S": 1}, "PT2H5S", 7205),
        (spans("{}y {}m"), {"y": 365.25, "m": 30.4375}, "1y 2m", 426.125),
    ],
)  # fmt: skip
def test_numbers_in_several_units(cells: list[str], units: dict[str, float], cell: str, number: float) -> None:
    found, reason = infer_column("c", series(cells))
    assert (found.type, found.nullable, dict(found.spelling.units)) == ("number", False, units)
    assert all(f"{unit!r} as {size:.12g}" in reason for unit, size in units.items())
    kept = read(found)
    assert kept.spelling.number(cell) == pytest.approx(number) and not math.isnan(kept.spelling.number(cells[-1]))
    # A number that is written plainly is read, too, and nothing else.
    assert kept.spelling.number("7") == 7 and math.isnan(kept.spelling.number("7 q"))


def read(column: Column) -> Column:
    """As the contract's file gives it back."""
    ends = (Column("id", "id", "text", nullable=False, unique=True), Column("y", "target", "number", nullable=False))
    return Contract.from_mapping(Contract((column, *ends)).to_mapping(), "c.yaml").columns[0]


@pytest.mark.parametrize(
    "cells",
    [
        pd.Series([f"{n % 60 + 1}{'ABCDEFK'[n % 7]}" for n in range(COUNT)]),
        pd.Series([f"{n % 60 + 1}{'KM'[n % 2]}" for n in range(COUNT)]),
        pd.Series([f"{n % 90}{'MF'[n % 2]}" for n in range(COUNT)]),
        pd.Series([f"{n * 7}{['', '', 'a', 'b', 'k'][n % 5]}" for n in range(COUNT)]),
        pd.Series([f"{n * 7}{'hdm'[n % 3]}" for n in range(COUNT)]),
        pd.Series([f"{n / 7:.1f}k" if n % 2 else f"{n % 20}00m" for n in range(COUNT)]),
        pd.Series([f"{n / 7:.1f}m" if n % 2 else str(n) for n in range(COUNT)]),
        pd.Series([f"{n % 20}d {n % 7}m" for n in range(COUNT)]),
        pd.Series([f"{n % 60}m {n % 7}h" for n in range(COUNT)]),
        pd.Series(["1 day", "1 week", "1 month", "1 year"] * 60),
        pd.Series([f"{n % 9} beds {n % 4} baths" for n in range(COUNT)]),
        pd.Series(["S", "M", "5 k", "XL"] * 60),
    ],
    ids=["seats", "seats of two letters", "age and sex", "house numbers", "codes", "distances", "metres", "days or not",
         "the smaller first", "few words", "other words", "hardly a number"],
)  # fmt: skip
def test_other_words_with_numbers_have_no_units(cells: pd.Series) -> None:
    assert infer_column("c", cells)[0].spelling.units == ()


def varying(share: int, *words: str) -> list[str]:
    """One cell in ``share`` is one of the ``words``."""
    sizes = mixed(MEGA, KILO)
    return [words[row // share % len(words)] if row % share == 0 else cell for row, cell in enumerate(sizes)]


@pytest.mark.parametrize(
    ("cells", "missing"),
    [
        (varying(6, "Varies with device"), ("Varies with device",)),
        (varying(3, "n.k.", "Varies"), ("Varies", "n.k.")),
        (["20.MB", "x", *varying(6, "?", "Varies")], ("20.MB", "?", "Varies", "x")),
        (varying(3, "none", "Varies"), ("Varies",)),
    ],
)
def test_frequent_words_beside_amounts_are_missing(cells: list[str], missing: tuple[str, ...]) -> None:
    found, _ = infer_column("Size", series(cells))
    assert (found.type, found.nullable, found.spelling.missing) == ("number", True, missing)


@pytest.mark.parametrize(
    "cells",
    [
        varying(3, "Varies", "big", "small"),
        ["1,000+", *varying(6, "Varies")],
        ["Varies"] * COUNT + mixed(MEGA, KILO)[1:],
        varying(6, "Varies 2"),
    ],
    ids=["three words", "what states a number", "more than half", "a digit"],
)
def test_more_words_beside_amounts_keep_them_words(cells: list[str]) -> None:
    assert infer_column("Size", series(cells))[0].type != "number"


@pytest.mark.parametrize(
    ("form", "words", "missing"),
    [
        ("{} Wh", ["not specified"], ("not specified",)),
        ("${}.99", ["Free To Play", "Ask"], ("Ask", "Free To Play")),
        ("{} %", ["unlimited"], ("unlimited",)),
        ("{}a", ["unknown street"], None),
        ("{}.5", ["tbd"], None),
        ("shop {}", ["none yet"], None),
        ("{} Wh", ["one", "two", "three", "four"], None),
    ],
)
def test_frequent_words_beside_what_has_a_unit_are_missing(
    form: str, words: list[str], missing: tuple[str, ...] | None
) -> None:
    """What has a unit or a currency measures, so no word is a level of it."""
    cells = [words[n // 4 % len(words)] if n % 4 == 0 else form.format(n % 90) for n in range(COUNT)]
    found, reason = infer_column("c", series(cells))
    assert (found.spelling.missing if found.type == "number" else None) == missing
    # So few different numbers may have a word for a level.
    few = [words[0] if n % 4 == 0 else form.format(n % 20) for n in range(COUNT)]
    assert infer_column("c", series(few))[0].type == "category"
    if len(words) == 4:
        assert "not as numbers, because of 'one', 'two', 'three', 'four': write a number there" in reason
    homes = series(["1Fam"] * 190 + ["2fmCon"] * 9 + ["TwnhsE", "Duplex", "Twnhs"] * 12)
    assert infer_column("BldgType", homes)[1] == "5 words"


@pytest.mark.parametrize(
    ("form", "bare", "signs", "number"),
    [
        ("${:,}", "{:,}", {"prefix": "$", "thousands": ","}, 1234),
        ("{} €", "{}", {"suffix": "€"}, 1234),
        ("-${}", "{}", {"prefix": "$"}, -1234),
    ],
)
@pytest.mark.parametrize("others", [2, 12])
def test_a_currency_may_stand_beside_some_amounts(
    form: str, bare: str, signs: dict[str, str], number: float, others: int
) -> None:
    cells = [
        form.format(1234 + n) if n % others == 0 else bare.format(1000 + n) if n % 7 else "-" for n in range(COUNT)
    ]
    found, _ = infer_column("Price", series(cells))
    assert (found.type, found.spelling) == ("number", Spelling(missing=("-",), **signs))
    assert found.spelling.number(cells[0]) == number and found.spelling.number(cells[1]) == 1001


@pytest.mark.parametrize("other", ["€{}", "{}%"])
def test_two_currencies_or_a_share_are_no_one_amount(other: str) -> None:
    bare = "${}" if other[0] == "€" else "{}"
    cells = [(other if n % 2 else bare).format(1234 + n) for n in range(COUNT)]
    assert infer_column("Price", series(cells))[0].type != "number"


def test_amounts_are_told_and_read_alike_in_every_table() -> None:
    sizes = varying(6, "Varies")
    whole = pd.DataFrame({"key": [f"{n}" for n in range(900, 900 + COUNT)], "Size": sizes}, dtype=object)
    train, test = whole[:200].assign(y=(WORDS * 4)[:200]), whole[200:].reset_index(drop=True)
    found = infer(train, test, None)
    assert any("'Varies' (train, row 2 first; 40 of 240 cells) is no number, as most others" in n for n in found.notes)
    assert any("`type`, `units` and `missing` in the contract" in note for note in found.notes)
    typed = found.contract.typed(found.test, "test.csv", with_target=False)
    expected = [math.nan if c == "Varies" else float(c[:-1]) * {"M": 1e6, "k": 1e3}[c[-1]] for c in sizes[200:]]
    np.testing.assert_allclose(typed["Size"], expected)
    said = r"column 'Size': 1 cell is text: '3G' \(row 2\).* and 'k' as 1000. .* or add their unit to `units`, for"
    with pytest.raises(UserError, match=said):
        found.contract.typed(found.test.assign(Size=["3G", *sizes[201:]]), "test.csv", with_target=False)


def test_signs_stand_before_amounts_and_between_thousands() -> None:
    spelling = Spelling(prefix="$", thousands=",", units=(("M", 1e6), ("k", 1e3)))
    assert [spelling.number(cell) for cell in ("-$1,200.5k", "($2M)", "$7", "1M 5k")] == [
        -1_200_500,
        -2e6,
        7,
        1_005_000,
    ]
    assert all(math.isnan(spelling.number(cell)) for cell in ("5k 1M", "1M 1M", "1.2.3M", "5Mx", "M", ""))
    assert plainly(series(["$1.5M", "x"]), spelling).tolist() == ["1500000", "x"]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (
            {"type": "number", "units": {"h": 0}},
            r"units has 'h': 0; expected a word and how much it is, a number above 0",
        ),
        ({"type": "number", "units": {"h": True}}, "units has 'h': True"),
        ({"type": "number", "units": {"5h": 3}}, "units has '5h': 3"),
        (
            {"type": "number", "units": ["h"]},
            r"units is \['h'\] \(type 'number'\); expected, for numbers only, as \{h: 60",
        ),
        ({"type": "category", "units": {"h": 60}}, "units is {'h': 60} .type 'category'"),
    ],
)
def test_impossible_units_are_refused(entry: dict[str, object], said: str) -> None:
    ends = {"id": {"role": "id", "type": "text"}, "y": {"role": "target", "type": "number"}}
    with pytest.raises(UserError, match=f"c.yaml: columns.x.{said}"):
        Contract.from_mapping({"columns": {"x": {"role": "feature", **entry}, **ends}}, "c.yaml")
