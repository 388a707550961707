"""A new competition: what `new` writes, that it is refused where it would harm, and every bad input with its cure."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from features.contracts.contract import Contract
from features.inference.budget import FOLDS, SMALL, TIERS, budget
from features.inference.first_contract import Inferred, infer
from features.synthetic import mixed
from pipeline.files import read_json, read_npz, write_bytes
from pipeline.new import add_entries, dumped, main
from pipeline.params import load, load_source, read_document
from tests.stages import run_stage

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Files:
    """The files that a person hands over; ``given`` are further options."""

    train: pd.DataFrame
    test: pd.DataFrame
    sample: pd.DataFrame | None
    name: str = "shops"
    given: tuple[str, ...] = ()

    def run(self, folder: Path, *more: str) -> int:
        if not (folder / "params.yaml").exists():
            shutil.copy(ROOT / "params.yaml", folder)
        options = []
        for option in ("train", "test", "sample"):
            frame = getattr(self, option)
            if frame is not None:
                path = folder / f"given_{option}.csv"
                frame.to_csv(path, index=False)
                options += [f"--{option}", str(path)]
        return main([self.name, *options, "--folder", str(folder), *self.given, *more])


def files(rows: int = 90, target: str = "level") -> Files:
    train, test = mixed(rows, 30, 2)
    train = train.drop(columns=[name for name in ("cost", "level", "yes") if name != target])
    return Files(train, test, pd.DataFrame({"id": test["id"], target: train[target].iloc[0]}))


def test_a_note_of_several_columns_is_told_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    same = pd.DataFrame({name: [*map(str, range(40)), *["."] * 3] * 3 for name in "abcdefg"})
    train, test = same.assign(y=["yes", "no", "no"] * 43).iloc[:90], same.iloc[90:]
    given = [table.reset_index(drop=True).rename_axis("id").reset_index() for table in (train, test)]
    assert Files(*given, None).run(tmp_path) == 0
    notes = [line for line in capsys.readouterr().out.splitlines() if "read as missing" in line]
    assert len(notes) == 1 and notes[0].startswith("note: a, b, c, d, e, ... (7 in all): '.' (train, row 42 first")
    one = Files(*[table[[name for name in table if name in ("id", "a", "y")]] for table in given], None)
    assert one.run(tmp_path, "--force") == 0
    out = capsys.readouterr().out
    assert "note: a: '.' (train" in out and ", 1 column to learn from" in out


def stages(folder: Path, name: str = "shops") -> dict[str, np.ndarray]:
    """validate, encode and normalize of the competition; the normalized arrays."""
    for stage in ("validate", "encode", "normalize"):
        assert run_stage(folder, stage, name) == 0
    return read_npz(folder / "data" / "normalize" / name / "arrays.npz")


def test_what_it_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert files().run(tmp_path, "--kaggle", "shops-of-the-world") == 0
    assert load_source(tmp_path / "params.yaml", "shops").kaggle == "shops-of-the-world"
    out = capsys.readouterr().out
    assert out.endswith("where a decision is wrong, then run `dvc repro report@shops`\n"), "and no other table's stages"
    params = load(tmp_path / "params.yaml", "shops")
    assert (params.table.task, params.table.metric, params.table.module) == ("multiclass", "accuracy", "plain")
    assert params.encode.folds == FOLDS and params.normalize.method == ("robust",)
    path = tmp_path / "data" / "contracts" / "shops.yaml"
    contract = Contract.from_mapping(read_document(path), str(path))
    for column in contract.columns:
        lines = [line for line in out.splitlines() if line.startswith(f"  {column.name}  ")]
        assert len(lines) == 1, "one line a column"
        assert column.description and lines[0].split("  ")[-1].partition(": ")[2] == column.description, "kept"
    before, after = ((folder / "params.yaml").read_text().splitlines() for folder in (ROOT, tmp_path))
    rest = iter(after)
    assert all(line in rest for line in before), "every line of the old file stands there still, in its order"
    inputs = stages(tmp_path)["inputs"]
    assert inputs.shape[:2] == (2 * FOLDS, 120) and np.isfinite(inputs).all()


def test_a_name_of_several_lines_is_printed_on_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = files()
    given.train, given.test = (each.rename(columns={"area": "area\n(m²)"}) for each in (given.train, given.test))
    assert given.run(tmp_path) == 0
    assert "\n  area (m²)  number: " in capsys.readouterr().out
    stages(tmp_path)


def test_columns_as_people_write_them_are_read_alike_by_every_stage(tmp_path: Path) -> None:
    """Currency, units, decimal commas, words for missing, slips, two ways of dates, zeros in front, gaps."""
    draw = np.random.default_rng(5)
    prices, places = draw.gamma(2, 900, 120).round(2), draw.permutation(120)
    days = pd.date_range("2020-01-01", periods=120)[places]
    odd = {
        "price": [f"$ {price:,.2f}" for price in prices],
        "share": ["?", *(f"{value:.1f}".replace(".", ",") + " %" for value in draw.normal(50, 9, 119))],
        "items": ["12o", *draw.integers(0, 500, 119)],
        "since": [*days[:80].strftime("%d.%m.%Y"), *days[80:119].strftime("%Y-%m-%d"), "unknown"],
        "branch": [f"{value * 37:03d}" for value in draw.integers(0, 20, 120)],
        "coupon": [f"{value:x}" if row % 3 else None for row, value in enumerate(draw.integers(16**7, 16**8, 120))],
        "line": [*range(90), *range(30)],
    }
    given = files()
    given.train, given.test = (
        given.train.assign(**{k: v[:90] for k, v in odd.items()}),
        given.test.assign(**{k: v[90:] for k, v in odd.items()}),
    )
    assert given.run(tmp_path) == 0
    assert np.isfinite(stages(tmp_path)["inputs"]).all()
    report = read_json(tmp_path / "reports/shops/validation.json")
    assert not [line for line in report["warnings"] if any(f"column {name!r}" in line for name in odd)]
    path = tmp_path / "data" / "contracts" / "shops.yaml"
    contract = Contract.from_mapping(read_document(path), str(path))
    kinds = {name: (contract.column(name).role, contract.column(name).type) for name in odd}
    assert kinds == dict.fromkeys(odd, ("feature", "number")) | {
        "since": ("feature", "date"), "branch": ("feature", "category"), "coupon": ("feature", "presence"),
        "line": ("ignore", "text"),
    }  # fmt: skip
    encoded = tmp_path / "data/encode/shops"
    arrays, encoding = read_npz(encoded / "arrays.npz"), read_json(encoded / "encoding.json")
    inputs = dict(zip((one["name"] for one in encoding["columns"]), arrays["shared"].T, strict=True))
    np.testing.assert_allclose(inputs["items"], [np.nan, *odd["items"][1:]])
    np.testing.assert_allclose(inputs["since days"], [*places[:119] - places[:119].min(), np.nan])
    np.testing.assert_array_equal(inputs["coupon"], [row % 3 > 0 for row in range(120)])
    # Skewed, so as logarithm of the price by a unit.
    np.testing.assert_array_equal(np.argsort(inputs["price"]), np.argsort(prices))


def test_the_parameters_survive_the_round_trip() -> None:
    from pipeline.new import _yaml

    text = (ROOT / "params.yaml").read_bytes()
    assert dumped(_yaml().load(text.decode())) == text


def test_it_overwrites_only_when_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = files()
    assert given.run(tmp_path) == 0
    first = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert given.run(tmp_path) == 1
    assert "exists already" in capsys.readouterr().err
    assert first == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert given.run(tmp_path, "--force") == 0
    assert first == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../x", "since folders are named after it"),
        ("a/b", "since folders are named after it"),
        ("a b", "since folders are named after it"),
        ("", "since folders are named after it"),
        ("1st", "expected a letter"),
        ("titanic", "exists already"),
    ],
)
def test_a_name_that_is_no_folders_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, said: str
) -> None:
    given = files()
    given.name = name
    assert given.run(tmp_path) == 1
    error = capsys.readouterr().err
    assert said in error and "Traceback" not in error
    assert not (tmp_path / "data").exists() and not (tmp_path.parent / "x").exists()


def test_a_competition_with_features_of_its_own_is_never_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = files()
    given.name = "titanic"
    assert given.run(tmp_path, "--force") == 1
    assert "feature module of its own" in capsys.readouterr().err


def _put(frame: str, column: str, value: Any, row: int = 0) -> Callable[[Files], object]:
    def change(given: Files) -> None:
        table = getattr(given, frame)
        cells = [value if n == row else cell for n, cell in enumerate(table[column])]
        setattr(given, frame, table.assign(**{column: cells}))

    return change


def _given(*options: str) -> Callable[[Files], object]:
    return lambda given: setattr(given, "given", options)


def _renamed(frame: str, old: str, new: str) -> Callable[[Files], object]:
    return lambda given: setattr(given, frame, getattr(given, frame).rename(columns={old: new}))


def _foreign(given: Files) -> None:
    given.test, given.sample = given.test[["id", "colour", "day", "shop"]], None


def _constant(given: Files) -> None:
    given.train, given.test = (
        frame[[c for c in frame.columns if c in ("id", "currency", "level")]] for frame in (given.train, given.test)
    )


BAD = [
    ("wrong target", _given("--target", "levle"), ("'levle'", "did you mean 'level'", "It has id,")),
    ("target of test", _given("--target", "shop"), ("test holds the target 'shop'", "row 2", "another --target")),
    ("target missing", lambda g: setattr(g, "train", g.train.drop(columns="level")), ("asks for 'level'", "lacks")),
    ("target cell missing", _put("train", "level", None, 3), ("'level'", "missing in 1 row (row 5 first", "Delete")),
    ("wrong id", _given("--id", "idd"), ("'idd'", "did you mean 'id'")),
    ("id twice", _put("train", "id", "2"), ("train, row 3", "'2'", "each id once", "--id")),
    ("wrong metric", _given("--metric", "acuracy"), ("'acuracy'", "did you mean 'accuracy'")),
    ("metric of numbers", _given("--metric", "rmse"), ("rmse compares numbers", "row 2", "Name another")),
    ("metric of two classes", _given("--metric", "roc_auc"), ("roc_auc is of two classes", "has 4")),
    (
        "no name at Kaggle",
        _given("--kaggle", "House Prices!"),
        ("params.yaml: sources.shops.kaggle is", "'House Prices!'", "digits and '-'"),
    ),
    ("test with another column", _renamed("test", "shop", "shopp"), ("train lacks: shopp", "'shop'", "header")),
    ("sample of other ids", _put("sample", "id", "9999"), ("test lacks 1 ids", "'9999'", "one competition")),
    ("sample with another id", _renamed("sample", "id", "key"), ("'key'", "seems to be 'id'", "header")),
    ("sample of one column", lambda g: setattr(g, "sample", g.sample[["id"]]), ("row 1", "one column")),
    ("sample of other words", _put("sample", "level", "fine"), ("'fine'", "no label", "best, fair, good, poor")),
    ("a class of one row", _put("train", "level", "odd", 4), ("class 'odd'", "1 row ", "row 6", "3 or more", "join")),
    (
        "one class",
        lambda g: setattr(g, "train", g.train.assign(level="good")),
        ("'good' in every row", "nothing to learn"),
    ),
    ("few rows", lambda g: setattr(g, "train", g.train[:4]), ("4 rows", "6 or more", "whole training table")),
    ("constant features", _constant, ("no column is left", "currency", "constant", "--target")),
    ("columns of another table", _foreign, ("test lacks 9 columns", "number 0", "--target")),
]


@pytest.mark.parametrize(("change", "said"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_bad_input_is_explained_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Callable[[Files], object], said: tuple[str, ...]
) -> None:
    given = files()
    change(given)
    assert given.run(tmp_path) == 1
    error = capsys.readouterr().err
    for words in said:
        assert words in error
    assert len(error.strip().splitlines()) <= 3 and "Traceback" not in error and "defect" not in error
    assert not (tmp_path / "data").exists()
    assert (tmp_path / "params.yaml").read_bytes() == (ROOT / "params.yaml").read_bytes()


def test_an_infinite_target(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = files(target="cost")
    _put("train", "cost", "inf", 2)(given)
    assert given.run(tmp_path) == 1
    assert "train, row 4: the target 'cost' is 'inf'" in capsys.readouterr().err


@pytest.mark.parametrize(("metric", "cell"), [("rmsle", "-2.5"), ("mape", "0.0")])
def test_a_target_that_a_metric_has_no_number_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], metric: str, cell: str
) -> None:
    given = files(target="cost")
    _put("train", "cost", cell, 2)(given)
    given.given = ("--metric", metric)
    assert given.run(tmp_path) == 1
    error = capsys.readouterr().err
    assert f"row 4, is '{cell}'" in error and "Use rmse or mae" in error


def test_a_table_of_text_alone_is_learned_from(tmp_path: Path) -> None:
    given = files()
    given.train, given.test = given.train[["id", "remark", "level"]], given.test[["id", "remark"]]
    assert given.run(tmp_path) == 0
    assert stages(tmp_path)["inputs"].shape[2] == 65


def test_more_folds_than_a_class_has_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = files()
    given.train = given.train.assign(level=["rare" if n < 4 else v for n, v in enumerate(given.train["level"])])
    assert given.run(tmp_path) == 0
    assert load(tmp_path / "params.yaml", "shops").encode.folds == 3
    stages(tmp_path)
    text = (tmp_path / "params.yaml").read_text()
    head, tail = text[: text.index("  shops:\n    table")], text[text.index("  shops:\n    table") :]
    (tmp_path / "params.yaml").write_text(head + tail.replace("folds: 3", "folds: 9"))
    capsys.readouterr()
    assert run_stage(tmp_path, "encode", "shops") == 1
    error = capsys.readouterr().err
    assert "class 'rare'" in error and "4 rows" in error and "encode.folds" in error


@pytest.mark.parametrize("rows", [50, 1460, 5000, *[tier[0] for tier in TIERS[:-1]], 200_000])
@pytest.mark.parametrize("regression", [False, True])
def test_a_budget_is_valid_and_more_rows_cost_no_more_trials(rows: int, regression: bool) -> None:
    blocks, why = budget(rows, 7, rows, regression)
    assert blocks.keys() == why.keys()
    fewer = budget(max(rows // 10, 6), 7, rows, regression)[0]
    trials = [one.get("tune", {}).get("max_trials", 40) for one in (fewer, blocks)]
    assert trials[1] <= trials[0]
    space = blocks.get("tune", {}).get("space", {})
    assert ("mish" in space.get("activation", [])) == (space.get("feature_scale") == "learned") == regression
    assert ("snapshots" in space) == regression
    assert 4 <= blocks["encode"]["min_count"] <= 20
    if rows > SMALL:
        nested, folds = blocks["honest"], blocks["encode"]["folds"]
        assert nested["members"] == folds, "as many networks answer a row, each from as large a share of the rows"
        assert nested["outer"] >= 5 and nested.get("scored", 5) >= 2
        assert ("outer folds of 20 of a score" in why["honest"]) == ("scored" in nested) == (rows > 20_000)


@pytest.mark.parametrize(
    ("rarest", "regression", "said"),
    [
        (7, True, "3 folds, since each scores two rows or more"),
        (3, False, "2 folds, since the rarest class has 3 rows"),
    ],
)
def test_why_there_are_fewer_folds(rarest: int, regression: bool, said: str) -> None:
    assert said in budget(7, 7, rarest, regression)[1]["encode"]


@pytest.mark.parametrize(
    ("rows", "numbers", "family"),
    [
        (900, 1, ["bins", "bins", "waves"]),
        (5_000, 30, ["bins", "bins", "waves"]),
        (900, 31, ["plain", "plain", "waves"]),
        (900, 0, ["plain", "plain", "waves"]),
        (20_000, 30, "bins"),
        (20_000, 31, None),
        (20_001, 7, None),
    ],
)
def test_numbers_go_into_bins_where_that_is_known_to_pay(rows: int, numbers: int, family: Any) -> None:
    blocks, why = budget(rows, numbers, rows, True)
    assert blocks["tune"].get("family") == family
    assert ("numbers into bins" in why["tune"]) == ("bins" in (family or ""))


def test_a_shorter_search_gets_no_larger_ensemble(tmp_path: Path) -> None:
    text = (ROOT / "params.yaml").read_text()
    shorter = text.replace("max_trials: 40", "max_trials: 6").replace("generation: 20", "generation: 6")
    (tmp_path / "params.yaml").write_text(shorter)
    assert files(target="cost").run(tmp_path) == 0
    params = load(tmp_path / "params.yaml", "shops")
    assert params.tune.max_trials == params.train.top_k == 6


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [("max_trials: 40", "max_trials: many", "tune.max_trials"), ("tune:\n", "tuna:\n", "did you mean 'tune'")],
)
def test_broken_parameters_are_explained_and_stay_as_they_are(
    old: str, new: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = (ROOT / "params.yaml").read_text().replace(old, new, 1)
    (tmp_path / "params.yaml").write_text(broken)
    assert files(target="cost").run(tmp_path) == 1
    assert said in capsys.readouterr().err
    assert (tmp_path / "params.yaml").read_text() == broken
    assert not (tmp_path / "data").exists()


def _all(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and "given" not in path.name}


def test_broken_parameters_leave_an_older_entry_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert files().run(tmp_path) == 0
    path = tmp_path / "params.yaml"
    path.write_text(path.read_text().replace("max_trials: 40", "max_trials: many", 1))
    before = _all(tmp_path)
    assert files(80, "cost").run(tmp_path, "--force") == 1
    assert f"{path}: tune.max_trials" in capsys.readouterr().err
    assert _all(tmp_path) == before


@pytest.mark.parametrize("older", [True, False])
@pytest.mark.parametrize("stopped", ["test.csv", "shops.yaml", "params.yaml"])
def test_what_is_stopped_midway_is_undone(
    stopped: str, older: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(ROOT / "params.yaml", tmp_path)
    if older:
        assert files().run(tmp_path) == 0
    before = _all(tmp_path)
    stops = [stopped]

    def write(path: Path, content: bytes) -> None:
        if stops == [path.name] and path.is_relative_to(tmp_path):
            stops.clear()
            raise KeyboardInterrupt
        write_bytes(path, content)

    with monkeypatch.context() as patch:
        patch.setattr("pipeline.new.write_bytes", write)
        assert files(80, "cost").run(tmp_path, "--force") == 130
    assert not stops and _all(tmp_path) == before
    assert files(80, "cost").run(tmp_path, *(["--force"] if older else [])) == 0


@pytest.mark.parametrize(
    ("ending", "said"),
    [
        ("", ""),
        ("competitions:\nsources:\n", ""),
        ("competitions: many\n", "competitions is 'many'; expected names"),
    ],
)
def test_parameters_without_competitions(
    ending: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = {k: v for k, v in read_document(ROOT / "params.yaml").items() if k not in ("competitions", "sources")}
    (tmp_path / "params.yaml").write_bytes(dumped(document) + ending.encode())
    assert files().run(tmp_path) == (1 if said else 0)
    assert said in capsys.readouterr().err
    if not said:
        assert load(tmp_path / "params.yaml", "shops").table.target == "level"
        assert load_source(tmp_path / "params.yaml", "shops").files


def test_a_contract_that_does_not_hold_is_not_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def mistaken(*tables: Any, **given: Any) -> Inferred:
        found = infer(*tables, **given)
        return replace(found, test=found.test.assign(id=["5", "5", *found.test["id"][2:]]))

    monkeypatch.setattr("pipeline.new.infer", mistaken)
    assert files().run(tmp_path) == 1
    error = capsys.readouterr().err
    assert "the test table: column 'id': 1 value stands there a second time: '5' (row 3)" in error
    assert "Nothing was written" in error and len(error.strip().splitlines()) <= 3
    assert not (tmp_path / "data").exists()


def test_ids_that_train_and_test_share_are_no_ids(tmp_path: Path) -> None:
    """15 of 50 customers of test are in train, too, in other rows. Validate takes what is written."""
    train, test = mixed(90, 50, 2)
    train = train.drop(columns=["cost", "yes", "id"]).assign(customer_id=np.arange(90) * 7)
    test = test.drop(columns="id").assign(customer_id=np.arange(75, 125) * 7)
    assert Files(train, test, None).run(tmp_path) == 0
    assert load(tmp_path / "params.yaml", "shops").table.id == "row"
    stages(tmp_path)


def test_words_for_missing_are_categories_that_validate_takes(tmp_path: Path) -> None:
    given = files()
    words = ["red", "NULL", "n/a", "NaN", "NA"]
    given.train, given.test = (
        frame.assign(
            colour=[words[n % 5] for n in range(len(frame))], open=["NULL" if n % 2 else "" for n in range(len(frame))]
        )
        for frame in (given.train, given.test)
    )
    assert given.run(tmp_path) == 0
    stages(tmp_path)


@pytest.mark.parametrize("last", ["kaggle: titanic", "kaggle: titanic  # its name there", "urls:\n    - u"])
def test_what_follows_the_sources_stays_behind_them(last: str) -> None:
    text = f"sources:\n  one:\n    {last}\n\n# ---- the tables\n# of them\ncompetitions:\n  one: {{}}\n# the end\n"
    document = YAML().load(text)
    add_entries(document, "two", {"sources": CommentedMap(a=1), "competitions": CommentedMap(b=2)})
    made = dumped(document).decode()
    assert made.replace("  two:\n    a: 1\n", "").replace("  two:\n    b: 2\n", "") == text
    assert made.index("a: 1") < made.index("# ---- the tables") < made.index("competitions") < made.index("b: 2")
