"""What is decided about a table without a contract, and what is left to a person."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.checks import ids_shared
from features.contract import Contract
from features.errors import UserError
from features.inference import Inferred, infer, whole_labels
from features.synthetic import mixed
from features.tables import parse_table

SIZES = [f"{x:.3f}" for x in np.random.default_rng(0).normal(size=120)]


def test_what_is_read_as_missing_is_told_with_its_place() -> None:
    train, test = (
        table(WORDS, a=[*SIZES[:57], "?", "1", "?"], b=SIZES[:60]),
        table(["a", "b"], a=["2", "3"], b=["12o", "4"]),
    )
    test = test.drop(columns="y").assign(key=["901", "902"])
    found = infer(train, test, None)
    said = "\n".join(found.notes)
    assert "a: '?' (train, row 59 first; 2 of 62 cells) is read as missing; if it is not" in said
    assert (
        "b: '12o' (test, row 2; 1 of 62 cells) is no number, as nearly all others are, and read as" in said
        and "`missing` in the contract" in said
    )
    typed = found.contract.typed(found.test, "test.csv", False)
    assert np.isnan(typed["b"][0]) and found.contract.column("a").spelling.missing == ("?",)


def test_the_cure_of_what_is_read_as_missing_names_every_key_to_be_changed() -> None:
    weeks = [f"{n % 40 + 2} weeks" for n in range(59)]
    train, test = table(WORDS, w=[*weeks, "soon"]), table(["a", "b"], w=["2 weeks", "3 weeks"])
    found = infer(train, test.drop(columns="y").assign(key=["901", "902"]), None)
    assert any(note.endswith("or `type`, `suffix` and `missing` in the contract") for note in found.notes)
    mapping = found.contract.to_mapping()
    mapping["columns"]["w"]["type"] = "category"
    with pytest.raises(UserError, match=r"columns\.w\.suffix is 'weeks'.* Delete suffix"):
        Contract.from_mapping(mapping, "c.yaml")
    for key in ("suffix", "missing"):
        del mapping["columns"]["w"][key]
    Contract.from_mapping(mapping, "c.yaml")


def test_a_column_that_numbers_rows_anew_in_test_is_ignored() -> None:
    train, test = table(WORDS, n=list(range(60))), pd.DataFrame({"key": ["901", "902"], "x": "0.5", "n": ["0", "1"]})
    assert infer(train, test, None).contract.column("n").role == "ignore"
    assert (
        infer(train.rename(columns={"n": "Year"}), test.rename(columns={"n": "Year"}), None)
        .contract.column("Year")
        .type
        == "number"
    )


def test_how_numbers_are_written_stands_in_the_contract() -> None:
    prices, amounts = [f"{x / 7:.2f}".replace(".", ",") for x in range(62)], ["6.048", "853"] * 31
    money, target = (
        [f"${1000 + x * 13:,}".replace(",", ".") + ",50" for x in range(62)],
        [f"{x * 1.5:.2f} €".replace(".", ",") for x in range(60)],
    )
    train = table(target, price=prices[:60], amount=amounts[:60], money=money[:60])
    train["x"] = train["x"].str.replace(".", ",")
    test = pd.DataFrame(
        {"key": ["901", "902"], "x": "0,5", "price": prices[60:], "amount": amounts[60:], "money": money[60:]}
    )
    sample = pd.DataFrame({"key": ["901", "902"], "y": "0,5"}, dtype=object)
    found = infer(train, test, sample, commas=True)
    assert (found.task, found.sample["y"].tolist()) == ("regression", ["0.5", "0.5"])
    assert found.train["y"].tolist() == target, "the tables stay as they are"
    contract = Contract.from_mapping(found.contract.to_mapping(), "c.yaml")
    assert contract.columns == found.contract.columns
    typed = contract.typed(found.train, "train.csv", True)
    assert typed["price"][:3].tolist() == [0, 0.14, 0.29] and typed["amount"][:2].tolist() == [6048, 853]
    assert typed["money"][:2].tolist() == [1000.5, 1013.5] and typed["y"][:3].tolist() == [0, 1.5, 3]
    asked = contract.typed(found.test[["money", "key", "x", "price", "amount"]], "test.csv", False)
    assert asked["money"].tolist() == [1780.5, 1793.5] and asked["amount"].tolist() == [6048, 853]


def read_as(commas: bool = False, **cells: list[str]) -> tuple[pd.DataFrame, str]:
    """The first rows of a table with these columns as they are read, and all that is said of it."""
    count = len(next(iter(cells.values())))
    whole = pd.DataFrame({"key": [str(900 + n) for n in range(count)]} | cells, dtype=object)
    train, test = whole[: count - 20].reset_index(drop=True), whole[count - 20 :].reset_index(drop=True)
    train = train if "y" in cells else train.assign(y=WORDS[: len(train)] + ["a"] * (len(train) - 60))
    found = infer(train, test.drop(columns="y", errors="ignore"), None, commas=commas)
    return found.contract.typed(found.train, "train.csv", True), "\n".join([*found.reasons.values(), *found.notes])


DRAW = np.random.default_rng(3)
AGES = [str(n) for n in DRAW.integers(18, 90, 200)]
THOUSANDS = [f"{n:,}" for n in [640_718, 1192, 874, *DRAW.integers(300, 90_000, 197)]]
DECIMALS = [f"{n:.3f}" for n in [12.5, *DRAW.uniform(1, 90, 199)]]
COMMAS = [f"{n:.2f}".replace(".", ",") for n in DRAW.uniform(1, 90, 200)]


@pytest.mark.parametrize("slip", ["3,5", "2,3"])
def test_one_decimal_comma_does_not_tell_how_other_columns_are_written(slip: str) -> None:
    typed, said = read_as(age=[slip, *AGES[1:]], price=THOUSANDS, weight=DECIMALS, y=THOUSANDS)
    assert typed["price"][:3].tolist() == typed["y"][:3].tolist() == [640718, 1192, 874]
    assert typed["weight"][0] == 12.5
    assert f"age: {slip!r} is read as {slip.replace(',', '.')}; if that is wrong, correct the files" in said
    for commas in (False, True):
        typed, _ = read_as(commas, age=[slip, *AGES[1:]], price=THOUSANDS, weight=DECIMALS)
        assert typed["price"][:3].tolist() == [640718, 1192, 874] and typed["weight"][0] == 12.5
    # Nor does a column of them where commas divide the cells.
    typed, said = read_as(share=COMMAS, price=THOUSANDS, weight=DECIMALS)
    assert typed["price"][:3].tolist() == [640718, 1192, 874] and typed["weight"][0] == 12.5


def test_answers_with_a_comma_between_are_no_decimals() -> None:
    picked = [["2,3", "1", "1,2", "1,3", "3"][n] for n in DRAW.integers(0, 5, 200)]
    typed, said = read_as(multi=picked, income=THOUSANDS, weight=DECIMALS)
    assert set(typed["multi"]) == set(picked) and "decimal commas" not in said
    assert typed["income"][:3].tolist() == [640718, 1192, 874] and typed["weight"][0] == 12.5


def test_what_a_column_leaves_open_the_semicolons_or_both_signs_in_another_tell() -> None:
    amounts = ["6.048", "853"] * 100
    assert read_as(True, share=COMMAS, amount=amounts)[0]["amount"][:2].tolist() == [6048, 853]
    typed, said = read_as(share=COMMAS, amount=amounts)
    assert typed["amount"][:2].tolist() == [6.048, 853] and "amount: '6.048' is read as 6.048; if it is 6048" in said
    both = ["1.234,50", *COMMAS[1:]]
    typed, said = read_as(share=both, amount=amounts, price=THOUSANDS)
    assert typed["share"][0] == 1234.5 and typed["amount"][:2].tolist() == [6048, 853]
    assert typed["price"][:3].tolist() == [640718, 1192, 874], "no numbers of three decimals each but some with none"
    assert "amount: '6.048' is read as 6048; if it is 6.048, correct the files, or `decimal` and `thousands` in" in said
    # Another column has decimal points.
    plain = [f"{n:.1f}" for n in DRAW.uniform(1, 90, 200)]
    assert read_as(True, share=both, amount=amounts, area=plain)[0]["amount"][:2].tolist() == [6.048, 853]
    open_, three = [f"{n},125" for n in DRAW.integers(1, 99, 200)], [f"{n}.5" for n in range(200)]
    assert read_as(True, open_=open_)[0]["open_"][0] == float(open_[0].replace(",", "."))
    typed, said = read_as(True, open_=open_, three=three)
    assert typed["open_"][0] == float(open_[0].replace(",", ""))
    assert f"open_: {open_[0]!r} is read as {open_[0].replace(',', '')}; if it is {open_[0].replace(',', '.')}" in said


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1,23,45#.5", "12 34#"], "category"), (["1'23#", "1.23#,5"], "category"), (["12.#", "1.234,#"], "code"),
    ],
)  # fmt: skip
def test_numbers_in_several_ways_are_told(cells: list[str], kind: str) -> None:
    several = [cells[n % 2].replace("#", str(n % 9 + 1)).replace("1", str(n % 50 // 6 + 1)) for n in range(200)]
    _, said = read_as(x=several, z=AGES)
    assert f"x: read as {kind}, though the cells look like numbers, written in several ways ({several[0]!r})" in said
    _, said = read_as(x=[f"{n:x}" for n in DRAW.integers(16**3, 16**4, 200)], z=AGES)
    assert "look like numbers" not in said
    _, said = read_as(x=["V57" if n % 15 == 0 else f"{n / 10}" for n in range(200)], z=AGES)
    assert "not as numbers, because of" in said and "look like numbers" not in said


def test_two_whole_numbers_with_a_comma_between_are_told() -> None:
    pairs = [f"{a},{b}" for a, b in DRAW.integers(1, 99, (200, 2))]
    assert f"x: {pairs[0]!r} is read as {pairs[0].replace(',', '.')}; if that is wrong" in read_as(x=pairs)[1]
    for decimals in (COMMAS, [cell.rstrip("0").rstrip(",") for cell in COMMAS]):
        assert "if that is wrong" not in read_as(x=decimals)[1]


def test_a_comma_beside_blanks_between_thousands_is_told() -> None:
    several = [f"{n:,}".replace(",", " " if n % 2 else ",") for n in DRAW.integers(1000, 90_000, 200)]
    cell = next(cell for cell in several if "," in cell)
    assert f"x: '${cell}' is read as {cell.replace(',', '.')}; if" in read_as(x=[f"${cell}" for cell in several])[1]
    assert f"x: {cell!r} is read as {cell.replace(',', '.')}; if it is {cell.replace(',', '')}" in read_as(x=several)[1]


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ([f"{n + 20} {'lb' if n % 3 else 'kg'}" for n in range(60)], "numbers with 'lb', 'kg', 60 different ones"),
        ([f"{n + 20}{' lb' * (n % 2)}" for n in range(60)], "numbers with 'lb' or nothing, 60 different ones"),
        ([f"x{n}y{n}" for n in range(60)], "words, 60 different ones in 60 rows"),
    ],
)
def test_a_target_in_two_units_is_to_be_written_as_numbers(target: list[Any], said: str) -> None:
    with pytest.raises(UserError, match=f"the target 'y' is {said}.* write them alone, in one unit, as 1234.5"):
        decided(target)
    with pytest.raises(UserError, match="class 'c' of the target 'y' has 1 row "):
        decided([*WORDS, "c"])


def test_amounts_in_brackets_are_a_target_of_numbers() -> None:
    found = decided([f"({n})" if n % 4 == 0 else f"{n * 1.5:.1f}" for n in range(1, 61)])
    assert found.task == "regression" and found.contract.typed(found.train, "t", True)["y"][3] == -4


def table(target: list[Any], **more: list[Any]) -> pd.DataFrame:
    count = len(target)
    frame = {"key": range(1, count + 1), "x": [f"{x:.3f}" for x in np.random.default_rng(0).normal(size=count)]}
    return pd.DataFrame(frame | more | {"y": target}).astype(str)


def decided(target: list[Any], sample: dict[str, list[Any]] | None = None, **given: str) -> Inferred:
    train = table(target)
    test = pd.DataFrame({"key": ["901", "902"], "x": ["0.1", "0.2"]}, dtype=object)
    asked = None if sample is None else pd.DataFrame({"key": ["901", "902"]} | sample).astype(str)
    return infer(train, test, asked, **given)


WORDS, BITS, MARKS = ["a", "b"] * 30, [0, 1] * 30, list(range(1, 8)) * 10
FLOATS = ["0.0", "1.0"] * 30
SKEWED = [round(float(v), 2) for v in np.exp(np.random.default_rng(0).normal(10, 1, 60))]
EVEN = [round(float(v), 2) for v in np.random.default_rng(0).normal(0, 1, 60)]


@pytest.mark.parametrize(
    ("target", "sample", "given", "task", "metric"),
    [
        (WORDS, {"y": ["a", "a"]}, {}, "binary", "accuracy"),
        (["True", "False"] * 30, {"y": ["False", "False"]}, {}, "binary", "accuracy"),
        (BITS, {"y": [0, 0]}, {}, "binary", "accuracy"),
        (BITS, {"y": [0.5, 0.5]}, {}, "binary", "roc_auc"),
        (BITS, {"y": [0.5, 0.5]}, {"metric": "log_loss"}, "binary", "log_loss"),
        (BITS, None, {}, "binary", "accuracy"),
        (MARKS, {"y": [1, 1]}, {}, "multiclass", "accuracy"),
        (MARKS, {f"y_{k}": [0.1, 0.1] for k in range(1, 8)}, {}, "multiclass", "log_loss"),
        (FLOATS, {"y": [0, 0]}, {}, "binary", "accuracy"),
        (FLOATS, {"y": ["0.0", "0.0"]}, {}, "binary", "accuracy"),
        (FLOATS, {"y": [0.5, 0.5]}, {}, "binary", "roc_auc"),
        (FLOATS, None, {"metric": "mae"}, "regression", "mae"),
        (["0", "1", "0.0", "1.0"] * 15, {"y": [0, 0]}, {}, "binary", "accuracy"),
        (["1.0", "2.0", "3.0"] * 20, {"y": [1, 1]}, {}, "multiclass", "accuracy"),
        (["1.0", "2.0", "3.0"] * 20, {f"y_{k}": [0.1, 0.1] for k in (1, 2, 3)}, {}, "multiclass", "log_loss"),
        (["1.0", "2.0", "3.0"] * 20, {f"y_{k}.0": [0.1, 0.1] for k in (1, 2, 3)}, {}, "multiclass", "log_loss"),
        (MARKS, {"y": [3.5, 3.5]}, {}, "regression", "rmse"),
        (MARKS, None, {"metric": "mae"}, "regression", "mae"),
        (EVEN, {"y": [0, 0]}, {}, "regression", "rmse"),
        (SKEWED, {"y": [0, 0]}, {}, "regression", "rmsle"),
        (SKEWED, {"price": [1, 1]}, {"metric": "rmse"}, "regression", "rmse"),
    ],
)
def test_task_and_metric(
    target: list[Any], sample: dict[str, list[Any]] | None, given: dict[str, str], task: str, metric: str
) -> None:
    found = decided(target, sample, **given)
    assert (found.task, found.metric) == (task, metric)
    assert (found.contract.id, found.contract.target) == ("key", "y")
    assert found.contract.column("y").type == ("number" if task == "regression" else "category")
    assert Contract.from_mapping(found.contract.to_mapping(), "contract") == Contract(
        found.contract.columns, "contract"
    )
    if sample is None:
        assert found.sample.columns.tolist() == ["key", "y"] and found.sample["key"].tolist() == ["901", "902"]


def test_a_target_of_which_few_rows_decide_the_score_is_told() -> None:
    told = "a few rows far from the others decide the score"
    money = [0, *SKEWED[:56], 2e7, 3e7, 4e7]
    assert f"{told}; --metric rmsle or mae if the" in decided(money, {"y": [0, 0]}).reasons["y"]
    assert f"{told}; --metric mae if the" in decided([-1, *money[1:]], {"y": [0, 0]}).reasons["y"]
    assert told not in decided(EVEN, {"y": [0, 0]}).reasons["y"]


@pytest.mark.parametrize(("target", "values"), [(FLOATS, ("0", "1")), (["1.0", "2", "10.0"] * 20, ("1", "2", "10"))])
def test_labels_spelt_as_floats_are_written_as_integers(target: list[Any], values: tuple[str, ...]) -> None:
    found = decided(target, {"y": [target[0], target[1]]})
    assert found.contract.column("y").values == values and set(found.train["y"]) == set(values)
    assert found.sample["y"].tolist() == list(values[:2])
    assert f"y: labels spelt as floats ({target[0]!r}), written as integers" in found.notes
    assert decided(["01", "02"] * 30).contract.column("y").values == ("01", "02")
    assert whole_labels(pd.Series(["2.0", None, "1"], dtype=object)).tolist() == ["2", None, "1"]
    assert set(decided(FLOATS, metric="rmse").train["y"]) == set(FLOATS)


def test_every_form_at_once_and_its_contract_holds() -> None:
    train, test = mixed(150, 50, 0)
    train = train.drop(columns=["level", "yes"])
    read = [parse_table(frame.to_csv(index=False).encode(), "f.csv") for frame in (train, test)]
    found = infer(*read, None)
    kinds = {column.name: column.type for column in found.contract.features}
    assert kinds == {
        "number 0": "number", "number 1": "number", "area": "number", "colour": "category", "open": "boolean",
        "shop": "category", "cabin_1": "category", "cabin_2": "number", "cabin_3": "category", "day": "date",
        "remark": "text",
    }  # fmt: skip
    assert found.contract.column("shop").values is None
    assert [c.name for c in found.contract.columns if c.role == "ignore"] == ["cabin", "currency", "token"]
    assert set(found.reasons) == {column.name for column in found.contract.columns}
    for frame, with_target in ((found.train, True), (found.test, False)):
        assert found.contract.faults(found.contract.typed(frame, "f.csv", with_target), "f.csv", with_target) == []


def test_a_table_without_id_gets_running_numbers() -> None:
    train, test = table(WORDS).drop(columns="key"), pd.DataFrame({"x": ["0.1", "0.2"]}, dtype=object)
    found = infer(train, test, None)
    assert (
        found.contract.id == "row"
        and found.train["row"].tolist()[0] == "1"
        and found.test["row"].tolist() == ["61", "62"]
    )
    sample = pd.DataFrame({"Id": ["0", "1"], "y": ["a", "a"]}, dtype=object)
    numbered = infer(train, test, sample)
    assert numbered.contract.id == "Id" and numbered.test["Id"].tolist() == ["0", "1"]
    assert not set(numbered.train["Id"]) & {"0", "1"}
    assert (found.contract.column("row").added, numbered.contract.column("Id").added) == (61, 0)


def test_ids_may_start_anew_in_test() -> None:
    train, test = table(WORDS), pd.DataFrame({"key": ["1", "2"], "x": ["0.1", "0.2"]}, dtype=object)
    given = infer(train, test, None).contract
    assert given.id == "key" and given.column("key").added is None
    doubled = infer(train, test.assign(key="1"), None)
    assert doubled.contract.id == "row" and doubled.contract.column("key").role == "feature"


def test_ids_of_the_same_rows_in_both_tables_are_told() -> None:
    train = table(WORDS)
    test = pd.DataFrame({"key": ["901", "7", "8"], "x": ["0.1", "0.2", train["x"][7]]}, dtype=object)
    found = infer(train, test, None)
    said = (
        "key: taken for no id, since 2 of test's 3 are in train too, 1 of them with all cells alike (test, row 4 first)"
    )
    assert found.contract.id == "row" and any(
        note.startswith(said) and "take them out of one file" in note for note in found.notes
    )


@pytest.mark.parametrize(
    ("keys", "x", "anew"),
    [
        # Half of the ids and fewer don't start anew, nor do rows that are alike in what is learned.
        (["1", "902"], ["0.1", "0.2"], False),
        ([" 1", "902"], ["0.1", "0.2"], False),
        (["1", "2"], [None, "0.2"], False),
        (["1", "2"], ["0.1", "0.2"], True),
    ],
)
def test_ids_that_validate_refuses_name_no_row(keys: list[str], x: list[str | None], anew: bool) -> None:
    words = [f"k{n * 7919:07x}z" for n in range(62)]
    train = table(WORDS, word=words[:60])
    test = pd.DataFrame({"key": keys, "x": [one or train["x"][0] for one in x], "word": words[60:]}, dtype=object)
    found = infer(train, test, None)
    assert found.contract.id == ("key" if anew else "row") and found.contract.column("word").role == "ignore"
    known, asked = found.contract.typed(found.train, "", True), found.contract.typed(found.test, "", False)
    assert all(fault.warning for fault in ids_shared(found.contract, known, asked, "train", "test"))
    told = [note for note in found.notes if note.startswith("key: taken for no id, since ")]
    assert len(told) == (not anew)
    if not anew:
        assert f"since {1 + (keys[1] == '2')} of test's 2 are in train too (test, row 2 first)" in told[0]
        alone = infer(train, test.assign(row_id=["7", "8"]), None)
        assert alone.contract.id == "row_id" and alone.contract.column("key").role != "id"
    sample = pd.DataFrame({"shop": ["7", "8"], "y": "a"}, dtype=object)
    with pytest.raises(UserError, match="first column is 'shop', which test lacks; its id seems to be 'key'"):
        infer(train, test, sample)


@pytest.mark.parametrize(
    ("name", "sample", "given", "first"),
    [
        ("key", None, {}, "1"),
        ("key", None, {"id": "key"}, "1"),
        ("shop", None, {"id": "shop"}, "1"),
        ("shop", {"shop": ["3", "2"], "y": ["a", "a"]}, {}, "train1"),
    ],
)
def test_rows_of_train_are_numbered_where_test_alone_has_an_id(
    name: str, sample: dict[str, list[str]] | None, given: dict[str, str], first: str
) -> None:
    train, test = table(WORDS).drop(columns="key"), pd.DataFrame({name: ["2", "3"], "x": ["0.1", "0.2"]}, dtype=object)
    found = infer(train, test, None if sample is None else pd.DataFrame(sample, dtype=object), **given)
    assert found.contract.id == name and found.test[name].tolist() == ["2", "3"]
    assert found.train[name].iloc[0] == first and not set(found.train[name]) & {"2", "3"}
    assert f"{name}: train has no such column, so running numbers name its rows" in found.notes
    assert found.contract.column(name).added is None, "a table like test has it"


@pytest.mark.parametrize(
    ("train", "test", "said"),
    [
        ({"keys": 1}, {"key": ["2", "3"]}, r"train lacks: key \(did you mean 'keys'\?\)"),
        ({}, {"key": ["2", "2"]}, "train lacks: key"),
        ({}, {"shop": ["2", "3"]}, "train lacks: shop"),
        ({}, {"key": ["2", "3"], "shop": ["2", "3"]}, "train lacks: key, shop"),
    ],
)
def test_another_column_of_test_alone_is_told(train: dict[str, Any], test: dict[str, list[str]], said: str) -> None:
    labelled = table(WORDS).drop(columns="key").assign(**train)
    with pytest.raises(UserError, match=said):
        infer(labelled, pd.DataFrame(test | {"x": ["0.1", "0.2"]}, dtype=object), None, target="y")


def test_columns_that_test_lacks_go_when_the_target_is_named() -> None:
    train, test = table(WORDS, extra=list(range(60))), pd.DataFrame({"key": ["901"], "x": ["0.1"]}, dtype=object)
    with pytest.raises(UserError, match=r"test lacks 2 columns of train: extra, y. Name the target with --target"):
        infer(train, test, None)
    found = infer(train, test, None, target="y")
    assert "extra" not in found.train and "taken out" in found.notes[0]
    asked = pd.DataFrame({"key": ["901"], "y": ["a"]}, dtype=object)
    assert infer(train, test, asked).contract.target == "y"


@pytest.mark.parametrize(
    ("name", "is_id"),
    [("id", True), ("PassengerId", True), ("userID", True), ("shop_id", True), ("KEY", True), ("bid", False),
     ("paid", False), ("humid", False), ("citric acid", False)],
)  # fmt: skip
def test_a_name_that_ends_in_id_is_no_id(name: str, is_id: bool) -> None:
    train, test = (
        table(WORDS, key=list(range(60, 0, -1))).rename(columns={"key": name}),
        pd.DataFrame({name: ["901", "902"], "x": ["0.1", "0.2"]}, dtype=object),
    )
    assert (infer(train, test, None).contract.id == name) == is_id


@pytest.mark.parametrize("form", ["{}", "{:06d}", "K-{}"])
def test_a_running_number_of_both_tables_is_the_id(form: str) -> None:
    numbers = [form.format(n) for n in range(1, 63)]
    train, test = table(WORDS).rename(columns={"key": "Kunde"}).assign(Kunde=numbers[:60]), {"x": ["0.1", "0.2"]}
    found = infer(train, pd.DataFrame({"Kunde": numbers[60:]} | test, dtype=object), None)
    assert found.contract.id == "Kunde" and found.contract.column("Kunde").added is None
    assert found.sample["Kunde"].tolist() == numbers[60:]
    anew = infer(train, pd.DataFrame({"Kunde": numbers[:2]} | test, dtype=object), None)
    assert anew.contract.id == "row" and anew.contract.column("Kunde").role == "ignore"


def test_what_varies_in_test_alone_is_not_learned_from() -> None:
    train, test = table(WORDS, flag=["0"] * 60, gap=[None] * 60), table(["a", "b"], flag=["0", "1"], gap=["1", "2"])
    train["gap"] = None
    found = infer(train, test.drop(columns="y").assign(key=["901", "902"]), None)
    assert [found.contract.column(name).role for name in ("flag", "gap")] == ["ignore", "ignore"]
    assert found.reasons["flag"] == "ignored: constant in train, '0' everywhere, so nothing can be learned from it"
    assert found.reasons["gap"].startswith("ignored: empty in train")


def test_the_sample_tells_the_target_by_its_classes() -> None:
    train = table(["a", "b", "c"] * 20, why=["p", "q", "r"] * 20)
    test = pd.DataFrame({"key": ["901", "902"], "x": ["0.1", "0.2"]}, dtype=object)
    sample = pd.DataFrame({"key": ["901", "902"], "a": "1", "b": "0", "c": "0"}, dtype=object)
    found = infer(train, test, sample)
    assert (found.contract.target, found.metric) == ("y", "log_loss")
    with pytest.raises(UserError, match="test lacks 2 columns of train"):
        infer(train, test, sample.rename(columns={"c": "d"}))


def test_of_several_targets_one_is_learned_at_a_time() -> None:
    train, test = table(BITS, z=BITS[::-1]), pd.DataFrame({"key": ["901", "902"], "x": ["0.1", "0.2"]}, dtype=object)
    sample = pd.DataFrame({"key": ["901", "902"], "y": "0.5", "z": "0.5"}, dtype=object)
    with pytest.raises(UserError, match=r"asks for 2 columns that test lacks: .*; one target is learned at a time\. "):
        infer(train, test, sample)
    found = infer(train, test, sample, target="z")
    assert found.sample.columns.tolist() == ["key", "z"] and found.metric == "roc_auc"
    assert "the sample submission asks for y, too; the one made here has 'z' alone" in found.notes


def test_ids_that_are_dates_are_told() -> None:
    hours = pd.Series(pd.date_range("2011-01-01", periods=62, freq="h")).astype(str)
    train, test = table(WORDS).assign(key=hours[:60]), pd.DataFrame({"key": hours[60:], "x": ["0.1", "0.2"]})
    assert any(note.startswith("key: the ids are dates, as '2011-01-01") for note in infer(train, test, None).notes)
    assert not decided(WORDS).notes or not any("are dates" in note for note in decided(WORDS).notes)


def test_one_answer_for_all_rows_leaves_the_metric_open() -> None:
    assert "--metric roc_auc or log_loss if" in decided(BITS, {"y": [0, 0]}).reasons["y"]
    assert "--metric roc_auc" not in decided(BITS, {"y": [0, 1]}).reasons["y"]
    assert "--metric roc_auc" not in decided(WORDS, {"y": ["a", "a"]}).reasons["y"]
    assert "--metric rmsle if the competition says so" in decided([abs(x) for x in EVEN]).reasons["y"]
    assert "--metric rmsle" not in decided(EVEN).reasons["y"]


@pytest.mark.parametrize(
    ("target", "sample", "given", "said"),
    [
        (MARKS, {"y": [1, 1]}, {"metric": "log_loss"}, "expected 7, one for each class"),
        (WORDS, {"y": ["a", "a"], "z": ["b", "b"]}, {"metric": "accuracy"}, "2 columns of answers; expected 1"),
        (EVEN, {"y": [0, 0], "z": [0, 0]}, {}, "2 columns of answers; expected 1"),
        (MARKS, {f"y_{k}": [0.1, 0.1] for k in range(7)}, {}, "'y_0' names no class"),
    ],
)
def test_a_sample_of_another_form(
    target: list[Any], sample: dict[str, list[Any]], given: dict[str, str], said: str
) -> None:
    with pytest.raises(UserError) as caught:
        decided(target, sample, **given)
    assert said in str(caught.value) and "Name the metric with --metric" in str(caught.value)


def test_probabilities_of_several_classes_get_a_sample_with_a_column_each() -> None:
    found = decided(["b", "c", "a"] * 30, metric="log_loss")
    assert (
        found.sample.columns.tolist() == ["key", *(found.contract.column("y").values or ())] == ["key", "a", "b", "c"]
    )
    assert found.sample["b"].tolist() == ["0.3333", "0.3333"] and "key, a, b, c" in found.notes[-1]
    assert decided(["b", "c", "a"] * 30).sample.columns.tolist() == ["key", "y"]
    with pytest.raises(
        UserError, match="class 'key' of the target is spelt like the id column.*Give one with --sample"
    ):
        decided(["b", "key", "a"] * 30, metric="log_loss")


@pytest.mark.parametrize("metric", [None, "accuracy"])
@pytest.mark.parametrize(
    ("target", "said"),
    [
        (["yes", "no", "yes", "NaN"] * 20, "missing in 20 rows (row 5 first, where it is 'NaN')"),
        (["NA"] * 40, "missing in 40 rows (row 2 first, where it is 'NA')"),
        (["1", "0", "NA"] * 20, "missing in 20 rows (row 4 first, where it is 'NA')"),
    ],
)
def test_a_word_for_missing_is_no_class(target: list[str], said: str, metric: str | None) -> None:
    with pytest.raises(UserError) as caught:
        decided(target, None, **({} if metric is None else {"metric": metric}))
    assert said in str(caught.value) and "Delete these rows" in str(caught.value)


ODD = [*EVEN[:57], "12o", "1.5", "?"]


@pytest.mark.parametrize("given", [{}, {"metric": "rmse"}])
def test_a_slip_among_numbers_makes_no_classes_of_them(given: dict[str, str]) -> None:
    with pytest.raises(
        UserError, match="train, row 59: the target 'y' is '12o', but 58 of 60 cells are numbers"
    ) as told:
        decided(ODD, **given)
    assert "Correct or delete the rows" in str(told.value) and ("--metric accuracy" in str(told.value)) == (not given)
    # A mark for a missing value is no class, however frequent; another word may be one.
    with pytest.raises(UserError, match="the target 'y' is '\\?', but 80 of 120 cells are numbers"):
        decided(["1", "2", "?"] * 40)
    assert decided(["1", "2", "?"] * 40, metric="accuracy").task == "multiclass"
    assert decided(["1", "2", "3+"] * 40).task == "multiclass"


@pytest.mark.parametrize(("target", "said"), [(ODD, "'y' is '12o', but"), (["n/a", *EVEN[:59]], "where it is 'n/a'")])
def test_a_cell_is_told_as_it_stands_in_the_file(target: list[str], said: str) -> None:
    train, test = table(target), table(["a", "b"]).drop(columns="y").assign(key=["901", "902"])
    train["y"] = train["y"].map(np.str_)
    with pytest.raises(UserError, match=said):
        infer(train, test, None)


def test_na_may_be_a_class_where_it_is_as_frequent_as_others() -> None:
    found = decided(["NA", "EU", "ASIA", "EU", "ASIA"] * 12)
    assert found.contract.column("y").values == ("ASIA", "EU", "NA") and found.rarest == 12
    assert any("y: 'NA' (12 rows) is taken for a class" in note for note in found.notes)
    typed = found.contract.typed(found.train, "train.csv", True)
    assert typed["y"].notna().all()
    with pytest.raises(UserError, match=r"missing in 3 rows \(row 2 first, where it is 'NA'\). Delete"):
        decided(["NA"] * 3 + ["EU", "ASIA"] * 15)


def test_a_sample_may_spell_whole_labels_as_floats() -> None:
    found = decided(MARKS, {"y": ["3.0", "1.0"]})
    assert (found.task, found.metric) == ("multiclass", "accuracy") and found.sample["y"].tolist() == ["3", "1"]
    assert decided([1, 2] * 30, {"y": ["1.0", "2.0"]}).metric == "accuracy"
    assert decided(BITS, {"y": ["0.0", "0.0"]}).metric == "roc_auc", "probabilities"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"target": "Y"}, "did you mean 'y'"),
        ({"id": "KEY"}, "did you mean 'key'"),
        ({"metric": "ROC_AUC"}, "did you mean 'roc_auc'"),
    ],
)
def test_capital_letters_are_no_other_word(given: dict[str, str], said: str) -> None:
    with pytest.raises(UserError, match=said):
        infer(table(WORDS), table(WORDS[:2]).drop(columns="y"), None, **given)


def test_a_test_table_with_the_target_is_told_what_to_do_at_once() -> None:
    train = table(WORDS)
    test = pd.DataFrame({"key": ["901", "902"], "x": "0.1", "y": "a"}, dtype=object)
    with pytest.raises(UserError, match="test has every column of train.* Delete the target's column in test"):
        infer(train, test, None)
    sample = pd.DataFrame({"key": ["901", "902"], "y": "a"}, dtype=object)
    with pytest.raises(UserError, match=r"test holds the target 'y' \(row 2: 'a'\).* Delete the column there"):
        infer(train, test, sample)
    with pytest.raises(
        UserError, match="test has every column of train, and y besides.* Were train and test exchanged"
    ):
        infer(test.drop(columns="y"), test, None)
    told = r"lacks 2 columns of train: x, y, and has X instead \(did you mean 'x'\?\).* write the others alike in both"
    with pytest.raises(UserError, match=told):
        infer(train, test[["key", "x"]].rename(columns={"x": "X"}), None)


def test_none_may_be_a_class() -> None:
    assert decided(["none", "mild", "severe"] * 20).contract.column("y").values == ("mild", "none", "severe")


def test_an_infinite_target_is_told() -> None:
    with pytest.raises(UserError, match="row 2: the target 'y' is 'inf'"):
        decided(["inf"] * 40)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("huge", ["3.5e38", "-1e300"])
def test_a_target_that_32_bits_do_not_hold_is_told_before_validate_does(huge: str) -> None:
    with pytest.raises(UserError, match=f"row 3: the target 'y' is '{huge}' .* expected finite numbers of 3.4e38 or"):
        decided([EVEN[0], huge, *EVEN[2:]])


def test_classes_that_differ_in_capital_letters_alone_are_told() -> None:
    told = "y: 'Yes' and 'yes' are two classes; if they are one, write them alike in the file"
    assert told in decided(["no", "yes", "Yes"] * 20).notes
    assert not [note for note in decided(["no", "yes"] * 30).notes if "two classes" in note]


def test_labels_that_the_sample_spells_otherwise_are_told() -> None:
    coded, spelt = {"y": [0, 0]}, "with the target written as 0 and 1 in train"
    assert decided(WORDS, coded).metric == "roc_auc" and spelt in decided(WORDS, coded).reasons["y"]
    for target, answers in ((WORDS, [0, 0.5]), (FLOATS, [0.25, 0.5])):
        assert spelt not in decided(target, {"y": answers}).reasons["y"]
    told = "the sample submission's answer '0' is no label of the target (a, b), as the answers here will be; if"
    assert [told in note for note in decided(WORDS, coded, metric="accuracy").notes] == [True]
    for target, answers in ((WORDS, ["a", "b"]), (BITS, [0, 1]), (BITS, [0.5, 0.5])):
        assert not [note for note in decided(target, {"y": answers}, metric="accuracy").notes if "no label" in note]


def test_an_empty_answer_column_holds_no_fractions_and_no_labels() -> None:
    train, test = table(MARKS), pd.DataFrame({"key": ["901", "902"], "x": ["0.1", "0.2"]}, dtype=object)
    sample = pd.DataFrame({"key": ["901", "902"], "y": [None, None]}, dtype=object)
    found = infer(train, test, sample)
    assert found.task == "multiclass"
    assert found.reasons["y"].endswith("metric accuracy: the sample has no answers that say otherwise")


def test_ids_are_compared_as_the_contract_reads_them() -> None:
    train, test = table(WORDS), pd.DataFrame({"key": [" 901", " 902"], "x": ["0.1", "0.2"]}, dtype=object)
    sample = pd.DataFrame({"key": ["902 ", "901"], "y": ["a", "a"]}, dtype=object)
    assert infer(train, test, sample).sample["key"].tolist() == ["902 ", "901"]
    with pytest.raises(UserError, match="test, row 3: the id 'key' ' 901 ' stands there a second time"):
        infer(train, test.assign(key=["901", " 901 "]), None, id="key")


@pytest.mark.parametrize("there", [True, False], ids=["test has the id", "the id is added"])
def test_an_id_that_the_sample_asks_for_twice_is_told_of_the_sample(there: bool) -> None:
    train, test = table(WORDS), pd.DataFrame({"key": ["901", "902"], "x": ["0.1", "0.2"]}, dtype=object)
    sample = pd.DataFrame({"key": ["901", "901", "902"][: 3 if there else 2], "y": "a"}, dtype=object)
    tables = (train, test) if there else (train.drop(columns="key"), test.drop(columns="key"))
    with pytest.raises(UserError, match="the sample submission, row 3: the id 'key' '901' stands there a second time"):
        infer(*tables, sample)


def test_the_target_may_be_an_empty_column_of_test() -> None:
    train = table(WORDS, leak=list(range(60)))
    test = pd.DataFrame({"key": ["901"], "x": ["0.1"], "y": [None]}, dtype=object)
    sample = pd.DataFrame({"key": ["901"], "y": ["a"]}, dtype=object)
    found = infer(train, test, sample)
    assert found.contract.target == "y" and "leak" not in found.train and "y" not in found.test
    with pytest.raises(UserError, match="test lacks or has empty 2 columns of train: leak, y. Name the target"):
        infer(train, test, None)
    assert infer(train.drop(columns="leak"), test, None).contract.target == "y"
    # A column that is empty in train too, as spreadsheets leave one, can't be it.
    spare = [frame.assign(spare=None) for frame in (train.drop(columns="leak"), test)]
    assert infer(spare[0], spare[1], None).contract.target == "y"
    with pytest.raises(UserError, match="asks for 'y', which test has; the one column that test lacks is 'leak'"):
        infer(train, test.assign(y="b"), sample)


def test_a_sample_that_begins_with_the_target() -> None:
    train, test = table(WORDS).drop(columns="key"), pd.DataFrame({"x": ["0.1", "0.2"]}, dtype=object)
    sample = pd.DataFrame({"y": ["a", "a"], "n": ["1", "2"]}, dtype=object)
    with pytest.raises(UserError, match="first column is 'y', the target; expected the id first"):
        infer(train, test, sample)
