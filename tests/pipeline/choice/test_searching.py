"""What a search consists of: spaces by family, shares of the trials, and a search of equal cost under halving."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.choice.arrays import Inputs
from pipeline.choice.searching import search_parts, trials_at_equal_cost
from pipeline.params import load
from pipeline.settings import Tune

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "params.yaml").read_text(encoding="utf-8")


def inputs(*groups: str, methods: tuple[str, ...] = ("zscore",)) -> Inputs:
    return Inputs(np.array(groups or ("one",)), np.array([""] * max(len(groups), 1)), methods)


def counts(tune: Tune, *family: str, offered: Inputs | None = None) -> list[list[int]]:
    """Trials of each part, in all and per generation."""
    parts = search_parts(replace(tune, family=family or tune.family), "binary", offered or inputs())
    return [[part.trials, part.generation] for part in parts]


def test_a_family_brings_its_own_hyperparameters(tmp_path: Path) -> None:
    def read(family: str, task: str = "binary", own: str = "tune: {}") -> dict[str, Any]:
        path = tmp_path / "params.yaml"
        text = TEXT.replace("  family: plain", f"  family: {family}", 1).replace("    tune: {}", f"    {own}", 1)
        path.write_text(text, encoding="utf-8")
        tune = replace(load(path, "titanic").tune, columns="search")
        parts = search_parts(tune, task, inputs("age", "sex"))
        assert all(part.space["columns.age"] == (True, False) for part in parts)
        spaces: dict[str, Any] = {str(part.space.get("family", ("plain",))[0]): part.space for part in parts}
        return spaces

    plain = load(ROOT / "params.yaml", "titanic").tune.space
    assert "family" not in plain
    tabm = read("tabm")["tabm"]
    assert (tabm["copies"], tabm["family"], tabm["depth"]) == ((16,), ("tabm",), plain["depth"])
    assert read("realmlp")["realmlp"]["learning_rate"] == (0.04,)
    assert read("realmlp", "regression")["realmlp"]["learning_rate"] == (0.2,)
    own = read("realmlp", own="tune: {families: {realmlp: {width: [64, 128]}}}")["realmlp"]
    assert own["width"] == (64, 128) and own["learning_rate"] == (0.04,)
    assert "family" not in read("plain")["plain"]  # one family is no choice, and no column of trials.csv
    several = read("[plain, realmlp]")
    assert list(several) == ["plain", "realmlp"] and several["plain"]["learning_rate"] == plain["learning_rate"]
    assert several["realmlp"]["learning_rate"] == (0.04,) and "copies" not in several["plain"]


def test_columns_are_offered_where_they_are_searched() -> None:
    tune = load(ROOT / "params.yaml", "titanic").tune
    for columns, offered in (("all", False), ("search", True)):
        (part,) = search_parts(replace(tune, columns=columns), "binary", inputs("age", "sex"))
        assert ("columns.age" in part.space) == offered


def test_families_share_the_trials_as_often_as_they_are_named() -> None:
    tune = replace(load(ROOT / "params.yaml", "titanic").tune, max_trials=25)
    assert trials_at_equal_cost(tune, tune.max_trials) == 40
    assert counts(tune, "plain", "waves", "plain", "tabm") == [[20, 10], [10, 5], [10, 5]]
    # No third generation of one trial.
    assert counts(tune, "plain", "plain", "waves") == [[27, 14], [13, 7]]
    few = replace(tune, max_trials=1, generation=1, halving=0.0)
    assert counts(few, "plain", "waves") == [[1, 1]]


def test_a_family_gets_no_more_trials_than_it_has_configurations() -> None:
    """What it leaves the others get: the preset of realmlp is one configuration, however large its share."""
    tune = load(ROOT / "params.yaml", "titanic").tune
    assert counts(tune) == [[64, 32]]
    assert counts(tune, "plain", "realmlp") == [[63, 32], [1, 1]]
    assert counts(tune, "plain", "realmlp", "waves") == [[32, 16], [1, 1], [31, 16]]
    assert counts(tune, "realmlp") == [[1, 1]]
    methods = ("zscore", "robust", "none")
    assert counts(tune, "realmlp", offered=inputs(methods=methods)) == [[3, 3]]
    switches = replace(tune, columns="search")
    assert counts(switches, "realmlp", offered=inputs("one", "other")) == [[3, 3]]  # never both off
    assert counts(switches, "realmlp", offered=inputs("one", "other", "third")) == [[7, 7]]
    few = replace(tune, space=tune.families["realmlp"])
    assert counts(few, offered=inputs(methods=("zscore", "robust"))) == [[2, 2]]


def test_halving_costs_what_the_search_without_it_costs() -> None:
    tune = load(ROOT / "params.yaml", "titanic").tune
    for without in (replace(tune, halving=0.0), replace(tune, generation=1)):
        assert trials_at_equal_cost(without, 40) == 40
    for share in (0.1, 0.25, 0.5):
        trials = trials_at_equal_cost(replace(tune, halving=share), 40)
        assert 40 - 1 < trials / 2 + share * trials / 2 <= 40
    assert trials_at_equal_cost(replace(tune, generation=2), 40) == 64  # of two one is the better half
    # In binary 22 / 1.1 and 28 / 1.12 are a little less than 20 and 25.
    assert trials_at_equal_cost(replace(tune, halving=0.1), 11) == 20
    assert trials_at_equal_cost(replace(tune, halving=0.12), 14) == 25
