"""Which kinds of rows have which answer: means, errors and order against sums by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from features.contracts.contract import Contract
from features.validation.levels import MISSING, Levels, levels

COLUMNS = {
    "id": {"type": "category", "role": "id"},
    "sex": {"type": "category", "role": "feature", "nullable": True},
    "class": {"type": "number", "role": "feature"},
    "fare": {"type": "number", "role": "feature", "nullable": True},
    "name": {"type": "category", "role": "feature"},
    "same": {"type": "category", "role": "feature"},
}


def found(task: str = "binary", copies: int = 1, groups: np.ndarray | None = None) -> dict[str, Levels]:
    """Of 40 rows, each given so many times; ``groups`` of all that are given."""
    kind = "number" if task == "regression" else "category"
    columns = COLUMNS | {"target": {"type": kind, "role": "target"}}
    contract = Contract.from_mapping({"columns": columns}, "contract.yaml")
    rows = 40
    number = np.arange(rows)
    target = (number % 4 == 0).astype(int)
    frame = pd.DataFrame(
        {
            "id": number.astype(str),
            "sex": pd.Series(np.where(number % 4 == 0, "woman", "man"), dtype=object).where(number >= 6),
            "class": 1.0 + number % 3,
            "fare": np.where(number == 39, np.nan, number * 1.5),
            "name": [f"name {one}" for one in number],
            "same": "x",
            "target": target * 10.0 if task == "regression" else target.astype(str),
        }
    )
    frame = frame.loc[np.repeat(frame.index, copies)].reset_index(drop=True)
    made = levels(contract, frame, task, groups)
    assert [one.explained for one in made] == sorted((one.explained for one in made), reverse=True)
    return {one.column: one for one in made}


def test_words_stand_by_their_share_with_missing_ones_last() -> None:
    sex = found()["sex"]
    assert [(one.level, one.rows, one.mean) for one in sex.levels] == [
        ("woman", 8, 1.0),
        ("man", 26, 0.0),
        (MISSING, 6, pytest.approx(1 / 3)),
    ]
    # Agresti and Coull: (8 + 2) of (8 + 4), so no share is certain.
    assert sex.levels[0].error == pytest.approx(np.sqrt(10 / 12 * 2 / 12 / 12))


def test_few_numbers_are_levels_and_many_are_cut_into_quarters() -> None:
    assert [(one.level, one.rows) for one in found()["class"].levels] == [("1", 14), ("2", 13), ("3", 13)]
    fare = found()["fare"].levels  # 39 fares, one row without
    assert [one.level for one in fare] == ["up to 13.5", "up to 28.5", "up to 42", "over 42"]
    assert [one.rows for one in fare] == [10, 10, 9, 10]


def test_columns_of_one_level_or_of_many_words_say_nothing() -> None:
    assert found().keys() == {"sex", "class", "fare"}
    assert levels(*few()) == []


def few() -> tuple[Contract, pd.DataFrame, str]:
    """A level of too few rows to say anything."""
    columns = {name: COLUMNS[name] for name in ("id", "sex")} | {"target": {"type": "category", "role": "target"}}
    contract = Contract.from_mapping({"columns": columns}, "contract.yaml")
    cells = {"id": list("abcdefgh"), "sex": ["man"] * 6 + ["woman"] * 2, "target": list("01010101")}
    return contract, pd.DataFrame(cells), "binary"


def test_a_regression_has_means_and_several_classes_have_none() -> None:
    sex = found("regression")["sex"]
    known = np.array([0.0] * 4 + [10.0] * 2)
    assert (sex.levels[2].mean, sex.levels[2].error) == pytest.approx((known.mean(), known.std(ddof=1) / np.sqrt(6)))
    assert found("multiclass") == {}


def test_numbers_alike_in_six_digits_and_a_word_called_missing_are_levels_of_their_own() -> None:
    columns = {name: COLUMNS[name] for name in ("id", "sex", "class")} | {
        "target": {"type": "category", "role": "target"}
    }
    contract = Contract.from_mapping({"columns": columns}, "contract.yaml")
    number = np.arange(40)
    cells = {
        "id": number.astype(str),
        "sex": pd.Series([MISSING, None] * 20, dtype=object),
        "class": 20230101.0 + number % 2,
    }
    truth = np.where(number % 4 == 0, "yes", "no")
    made = levels(contract, pd.DataFrame({**cells, "target": truth}), "binary")
    assert {one.column: [(level.level, level.rows, level.mean) for level in one.levels] for one in made} == {
        "sex": [(MISSING, 20, 0.5), (MISSING, 20, 0.0)],
        "class": [("20230101", 20, 0.5), ("20230102", 20, 0.0)],
    }
    assert {one.share_of for one in made} == {"yes"}
    others = levels(contract, pd.DataFrame({**cells, "target": truth}), "binary", positive="no")
    assert {one.share_of for one in others} == {"no"}
    assert [level.mean for one in others if one.column == "sex" for level in one.levels] == [0.5, 1.0]


def test_what_is_explained_is_the_adjusted_r_squared() -> None:
    column = found()["class"]
    number = np.arange(40)
    target, group = (number % 4 == 0).astype(float), number % 3
    residual = target - np.array([target[group == one].mean() for one in group])
    expected = 1 - (residual @ residual / 37) / (((target - target.mean()) ** 2).sum() / 39)
    assert column.explained == pytest.approx(expected)
    assert column.to_mapping()["explained"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_copies_and_groups_do_not_make_an_error_smaller(task: str) -> None:
    """Five copies of a row are as one row; unrelated rows, each its own group, are as many as they are."""
    once, copied, blind = found(task), found(task, 5, np.arange(200) // 5), found(task, 5)
    alone = found(task, groups=np.arange(40))
    for name in ("sex", "class"):
        for place, one in enumerate(once[name].levels):
            five = copied[name].levels[place]
            assert (five.level, five.rows, five.mean) == (one.level, 5 * one.rows, pytest.approx(one.mean))
            assert five.error == pytest.approx(one.error, rel=0.06 if task == "binary" else 1e-9, abs=1e-12)
            assert blind[name].levels[place].error <= 0.6 * one.error
            assert alone[name].levels[place].error == pytest.approx(one.error)


def test_a_share_of_0_or_1_counts_groups_and_one_group_alone_counts_as_a_row() -> None:
    """Eight women, all saved, in groups of two, four and two, which are as sure as 2.7 rows; six rows of one group."""
    number = np.arange(40)
    sex = found(groups=np.where(number % 4 == 0, number // 16, np.where(number < 6, -1, number)))["sex"].levels
    assert sex[0].level == "woman"
    sizes = np.array([2, 4, 2])  # rows 8, 12; 16, 20, 24, 28; 32, 36
    rows = sizes.sum() ** 2 / (sizes**2).sum()
    assert sex[0].error == pytest.approx(np.sqrt((rows + 2) / (rows + 4) * 2 / (rows + 4) / (rows + 4)))
    one = found("regression", groups=np.zeros(40))["sex"].levels[2]
    assert one.error == pytest.approx(np.array([0.0] * 4 + [10.0] * 2).std(ddof=1)), "a group tells what a row would"
