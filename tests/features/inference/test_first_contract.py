"""What is decided about a table without a contract, and what is left to a person."""

from __future__ import annotations

import pandas as pd
import pytest

from features.contracts.contract import Contract
from features.contracts.tables import parse_table
from features.errors import UserError
from features.inference.first_contract import infer
from features.synthetic import mixed
from tests.tables import WORDS, decided, table


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


def test_columns_that_test_lacks_go_when_the_target_is_named() -> None:
    train, test = table(WORDS, extra=list(range(60))), pd.DataFrame({"key": ["901"], "x": ["0.1"]}, dtype=object)
    with pytest.raises(UserError, match=r"test lacks 2 columns of train: extra, y. Name the target with --target"):
        infer(train, test, None)
    found = infer(train, test, None, target="y")
    assert "extra" not in found.train and "taken out" in found.notes[0]
    asked = pd.DataFrame({"key": ["901"], "y": ["a"]}, dtype=object)
    assert infer(train, test, asked).contract.target == "y"


def test_what_varies_in_test_alone_is_not_learned_from() -> None:
    train, test = table(WORDS, flag=["0"] * 60, gap=[None] * 60), table(["a", "b"], flag=["0", "1"], gap=["1", "2"])
    train["gap"] = None
    found = infer(train, test.drop(columns="y").assign(key=["901", "902"]), None)
    assert [found.contract.column(name).role for name in ("flag", "gap")] == ["ignore", "ignore"]
    assert found.reasons["flag"] == "ignored: constant in train, '0' everywhere, so nothing can be learned from it"
    assert found.reasons["gap"].startswith("ignored: empty in train")


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
    with pytest.raises(UserError, match=r"asks for 'y', which the training table lacks \(test has it; were train and"):
        infer(test.drop(columns="y"), test, sample)
    with pytest.raises(UserError, match="first column is 'y', the target.* or put its id column first"):
        infer(train, test.drop(columns="y"), sample[["y", "key"]])
    told = r"lacks 2 columns of train: x, y, and has X instead \(did you mean 'x'\?\).* write the others alike in both"
    with pytest.raises(UserError, match=told):
        infer(train, test[["key", "x"]].rename(columns={"x": "X"}), None)


def test_a_table_without_a_header_is_told_as_such() -> None:
    rows = [[str(n), f"{n * 0.5}", "ab"[n % 2], str(n % 7 + 70)] for n in range(60)]
    train, test = pd.DataFrame(rows[1:40], columns=rows[0]), pd.DataFrame(rows[42:], columns=rows[41])
    with pytest.raises(UserError, match=r"'0' seems to be a value: if row 1 is no header, write the columns' names"):
        infer(train, test, None)
    with pytest.raises(UserError, match=r"test has columns that train lacks: 41, 20.5, b, 76\. '41' seems to be"):
        infer(train.assign(y="a"), test, None, target="y")
