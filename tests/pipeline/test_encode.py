"""The encode stage on a made-up Titanic: the arrays it promises, the same bytes twice, errors for people."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.errors import UserError
from features.synthetic import titanic
from features.titanic import GROUPS
from pipeline.demo import write_yaml
from pipeline.encode import check_metric, coded_target, main, roles_of, row_groups
from pipeline.files import read_npz
from pipeline.params import load, read_document
from tests.stages import options

ROOT = Path(__file__).resolve().parents[2]


def write_tables(folder: Path, rows: int = 90) -> None:
    train, test, _ = titanic(rows, 40, 0)
    train.to_csv(folder / "train.csv", index=False)
    test.to_csv(folder / "test.csv", index=False)


def encode(folder: Path, output: str = "out", params: Path = ROOT / "params.yaml") -> int:
    paths = {"contract": ROOT / "data/contracts/titanic.yaml", "train": "train.csv", "test": "test.csv"}
    return main(["--competition", "titanic", *options(folder, params=params, **paths, output=output)])


def changed_params(folder: Path, old: str, new: str) -> Path:
    shutil.copy(ROOT / "params.yaml", folder)
    return changed_params_again(folder / "params.yaml", old, new)


def changed_params_again(path: Path, old: str, new: str) -> Path:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def test_arrays_are_as_promised(tmp_path: Path) -> None:
    write_tables(tmp_path)
    assert encode(tmp_path) == 0
    arrays = read_npz(tmp_path / "out" / "arrays.npz")
    state = json.loads((tmp_path / "out" / "encoding.json").read_text())
    folds = arrays["roles"].shape[1]
    assert arrays["shared"].shape == (130, len(state["columns"])) and arrays["shared"].dtype == np.float32
    assert arrays["in_fold"].shape == (folds, 130, len(state["in_fold"])) and arrays["in_fold"].dtype == np.float32
    assert arrays["codes"].shape == (130, len(state["codes"])) and arrays["codes"].dtype == np.int32
    assert arrays["roles"].shape[0] == 90 and arrays["roles"].dtype == np.int8
    assert set(arrays["target"]) == {0, 1} and arrays["target"].dtype == np.float32
    assert arrays["ids"].tolist() == [str(number) for number in range(1, 131)]
    assert arrays["together"].shape == (130,) and arrays["together"].dtype == np.int32
    assert 1 < len(np.unique(arrays["together"])) < 130, "some travel together"
    assert state["classes"] == ["0", "1"]


def test_rows_of_no_group_are_each_their_own() -> None:
    assert row_groups(None, 3).tolist() == [0, 1, 2]
    assert row_groups(np.array(["b", "a", "b"]), 3).tolist() == [1, 0, 1]


def test_the_same_bytes_twice(tmp_path: Path) -> None:
    write_tables(tmp_path)
    assert encode(tmp_path, "one") == encode(tmp_path, "two") == 0
    for name in ("arrays.npz", "encoding.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.parametrize("encoding", ["integer", "embedding"])
def test_other_encodings(tmp_path: Path, encoding: str) -> None:
    write_tables(tmp_path)
    params = changed_params(tmp_path, "  encoding: onehot", f"  encoding: {encoding}")
    assert encode(tmp_path, params=params) == 0
    arrays = read_npz(tmp_path / "out" / "arrays.npz")
    assert (arrays["codes"].shape[1] > 0) == (encoding == "embedding")


def test_every_input_has_its_group(tmp_path: Path) -> None:
    write_tables(tmp_path)
    assert encode(tmp_path) == 0
    state = json.loads((tmp_path / "out" / "encoding.json").read_text())
    names = [*(column["name"] for column in state["columns"]), *state["in_fold"], *state["codes"]]
    groups = dict(zip(names, state["groups"], strict=True))
    assert set(groups.values()) == set(GROUPS)
    assert groups["Title=Mr"] == "title" and groups["Alone"] == "family_size" and groups["Child"] == "age"
    assert groups["FareEach"] == "fare" and groups["known mates by ticket"] == "group_survival"
    assert set(state["forms"]) == {""}
    arrays = read_npz(tmp_path / "out" / "arrays.npz")
    assert arrays["groups"].tolist() == state["groups"] and arrays["forms"].tolist() == state["forms"]


def test_several_encodings_lie_side_by_side(tmp_path: Path) -> None:
    write_tables(tmp_path)
    params = changed_params(tmp_path, "  encoding: onehot\n", "  encoding: [onehot, embedding]\n")
    params = changed_params_again(params, "  columns: {}\n", "  columns: {Sex: integer}\n")
    assert encode(tmp_path, params=params) == 0
    state = json.loads((tmp_path / "out" / "encoding.json").read_text())
    names = [*(column["name"] for column in state["columns"]), *state["in_fold"], *state["codes"]]
    forms = list(zip(names, state["forms"], strict=True))
    assert ("Title=Mr", "onehot") in forms and ("Title", "embedding") in forms
    assert ("Sex", "") in forms and ("Alone", "") in forms and "Sex" not in state["codes"]


def test_a_misspelt_feature_group_is_one_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_tables(tmp_path)
    assert encode(tmp_path, params=changed_params(tmp_path, "        pclass: true", "        pclas: true")) == 1
    error = capsys.readouterr().err
    assert "'pclas'" in error and "'pclass'" in error and "Traceback" not in error
    assert not (tmp_path / "out").exists()


def test_no_column_left_is_one_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_tables(tmp_path)
    params = changed_params(tmp_path, "        pclass: true", "        pclass: false")
    params.write_text(re.sub(r"(?m)^(        \w+: )true$", r"\1false", params.read_text(encoding="utf-8")))
    assert encode(tmp_path, params=params) == 1
    error = capsys.readouterr().err
    assert "no column is left" in error and "competitions.titanic.encode.features" in error and "role" in error
    assert "titanic.yaml" in error and "Traceback" not in error and not (tmp_path / "out").exists()
    params = changed_params_again(params, "        group_survival: false", "        group_survival: true")
    assert encode(tmp_path, params=params) == 0, "columns that folds learn are columns"


@pytest.mark.parametrize(
    ("module", "problem"),
    [
        ("synthetic", "has no fit, "),
        ("errors", "has no fit, "),
        ("titanik", "does not exist;"),
    ],
)
def test_a_module_that_is_no_feature_module_is_one_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], module: str, problem: str
) -> None:
    write_tables(tmp_path)
    assert encode(tmp_path, params=changed_params(tmp_path, "module: titanic", f"module: {module}")) == 1
    error = capsys.readouterr().err
    assert f"table.module is {module!r}, but features/{module}.py {problem}" in error and "as plain" in error
    assert "defect" not in error and error.count("\n") <= 3


def test_folds_by_group_without_groups_are_one_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_tables(tmp_path)
    params = changed_params(tmp_path, "  group_aware: false", "  group_aware: true")
    assert encode(tmp_path, params=params) == 0
    text = params.read_text(encoding="utf-8").replace("module: titanic", "module: plain")
    head, tail = text.split("      features:\n")
    params.write_text(head + tail[tail.index("    normalize: {}") :], encoding="utf-8")
    assert encode(tmp_path, "other", params) == 1
    error = capsys.readouterr().err
    assert f"{params}: encode.group_aware is true, but the feature module 'plain' names no groups" in error
    assert "Set it to false" in error and "Traceback" not in error and not (tmp_path / "other").exists()


def test_a_missing_table_is_one_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert encode(tmp_path) == 1
    assert "train.csv: no such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("task", "cells", "codes", "classes"),
    [
        ("binary", ["1", "0", "1"], [1, 0, 1], ["0", "1"]),
        ("multiclass", ["10", "9", "2"], [2, 1, 0], ["2", "9", "10"]),
        ("multiclass", ["b", "a", "b"], [1, 0, 1], ["a", "b"]),
        ("binary", ["1", "-1", "1"], [1, 0, 1], ["-1", "1"]),
        ("multiclass", ["+1", "10", "-1", "9"], [1, 3, 0, 2], ["-1", "+1", "9", "10"]),
        ("multiclass", ["10", "9", "a"], [0, 1, 2], ["10", "9", "a"]),
        ("binary", ["²", "1"], [1, 0], ["1", "²"]),
        ("binary", ["null", "known"], [1, 0], ["known", "null"]),
        ("regression", [1.5, -2.0, 1.7e9 + 1], [1.5, -2.0, 1.7e9 + 1], []),
    ],
)
def test_target(task: str, cells: list[object], codes: list[float], classes: list[str]) -> None:
    found, names = coded_target(pd.Series(cells), task)
    assert found.tolist() == codes and names == classes


def test_the_positive_class_is_the_second_one() -> None:
    cells = pd.Series(["no", "yes", "no"], name="y")
    codes, classes = coded_target(cells, "binary", "no")
    assert codes.tolist() == [1, 0, 1] and classes == ["yes", "no"]
    assert coded_target(cells, "binary", "yes")[1] == coded_target(cells, "binary")[1] == ["no", "yes"]
    with pytest.raises(UserError, match=r"table\.positive is 'No', but the labels of the target 'y' are no, yes; exp"):
        coded_target(cells, "binary", "No")


@pytest.mark.parametrize("cells", [["a", "b", "c"], ["a", "a"]])
def test_two_classes_have_two_labels(cells: list[str]) -> None:
    with pytest.raises(UserError, match=r"labels of the target 'y' are 'a'.*; expected two .*multiclass"):
        coded_target(pd.Series(cells, name="y"), "binary")


def with_copies(folder: Path, rows: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Training rows added that repeat the first ones but for the id; numbers of the first and of their copies."""
    write_tables(folder)
    train = pd.read_csv(folder / "train.csv", dtype=str)
    copies = train.iloc[:rows].assign(PassengerId=[str(10_000 + number) for number in range(rows)])
    pd.concat([train, copies]).to_csv(folder / "train.csv", index=False)
    return np.arange(rows), len(train) + np.arange(rows)


@pytest.mark.parametrize("classes", [["high", "low", "mid"], ["1", "2", "4"], ["1", "2", "3+"]])
def test_the_quadratic_kappa_needs_classes_in_equal_steps(classes: list[str]) -> None:
    params = load(ROOT / "params.yaml", "titanic")
    graded = replace(params, table=replace(params.table, task="multiclass", metric="qwk"))
    with pytest.raises(UserError, match=r"train.csv: the classes of the target 'y' are .*table.metric to accuracy"):
        check_metric(graded, np.zeros(3), classes, "y", Path("train.csv"))
    check_metric(graded, np.zeros(3), ["-1", "0", "1", "2"], "y", Path("train.csv"))
    check_metric(graded, np.zeros(3), ["no", "yes"], "y", Path("train.csv"))


def test_rows_copied_in_train_alone_are_one_row_to_every_fold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Else a network would be scored by rows that it has learned from."""
    first, copies = with_copies(tmp_path)
    assert encode(tmp_path) == 0
    said = capsys.readouterr().out
    assert "61.5% of the training rows have a double among them, 0.0% of the test rows have one there" in said
    arrays = read_npz(tmp_path / "out" / "arrays.npz")
    assert (arrays["roles"][first] == arrays["roles"][copies]).all()
    assert (arrays["together"][first] == arrays["together"][copies]).all()
    assert "duplicates" in json.loads((tmp_path / "out" / "encoding.json").read_text())
    apart = changed_params(tmp_path, "duplicates: auto", "duplicates: apart")
    assert encode(tmp_path, "apart", apart) == 0
    arrays = read_npz(tmp_path / "apart" / "arrays.npz")
    assert (arrays["roles"][first] != arrays["roles"][copies]).any()
    assert "duplicates" not in json.loads((tmp_path / "apart" / "encoding.json").read_text())


@pytest.mark.parametrize(("formulas", "alike"), [({}, True), ({"Price": "Fare / 2"}, False)])
def test_rows_that_a_formula_tells_apart_are_not_alike(tmp_path: Path, formulas: dict[str, str], alike: bool) -> None:
    """Though the column that it takes is left out."""
    with_copies(tmp_path)
    train = pd.read_csv(tmp_path / "train.csv", dtype=str)
    train.assign(Fare=[f"{number}.5" for number in range(len(train))]).to_csv(tmp_path / "train.csv", index=False)
    params = read_document(ROOT / "params.yaml")
    entry = params["competitions"]["titanic"]
    entry["table"]["module"], entry["encode"] = "plain", {"features": {"Fare": False}, "formulas": formulas}
    write_yaml(tmp_path / "params.yaml", params)
    assert encode(tmp_path, params=tmp_path / "params.yaml") == 0
    assert ("duplicates" in json.loads((tmp_path / "out" / "encoding.json").read_text())) == alike


def test_a_class_that_is_many_copies_of_few_rows_is_too_small(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Copied until it had enough rows, it would be learned by heart and scored by heart."""
    write_tables(tmp_path)
    train = pd.read_csv(tmp_path / "train.csv", dtype=str)
    rare = train[train["Survived"] == "1"].head(3)
    several = pd.concat([train[train["Survived"] == "0"], *[rare] * 20], ignore_index=True)
    several["PassengerId"] = np.arange(10_000, 10_000 + len(several)).astype(str)
    several.to_csv(tmp_path / "train.csv", index=False)
    assert encode(tmp_path) == 1
    said = capsys.readouterr().err
    assert "class '1' of the target has 3 rows" in said and "alike in every column count as one here" in said


def test_groups_that_share_a_double_are_in_one_fold() -> None:
    """Ten rows a group, twelve groups; one row of the first is a double of one of the last, in the file far apart."""
    params, target, groups = load(ROOT / "params.yaml", "titanic"), np.arange(120) // 5 % 2, np.arange(120) // 10
    params = replace(params, encode=replace(params.encode, folds=3))
    alike = np.where(np.arange(120) == 115, 0, np.arange(120))
    roles = roles_of(params, target, groups, None, alike, True, ["no", "yes"])
    for joined in (*(groups == one for one in range(12)), np.isin(groups, [0, 11])):
        assert (roles[joined] == roles[joined][0]).all()
