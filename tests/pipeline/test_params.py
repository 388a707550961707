"""Every way to get params.yaml wrong: what the message names."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from features.errors import UserError
from pipeline import check
from pipeline.params import _BLOCKS, _OTHER_BLOCKS, load, load_block, load_source
from pipeline.search_space import RULES, Range

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "params.yaml").read_text(encoding="utf-8")

CASES = [
    ("seed: 0\n", "sede: 0\n", ["unknown key sede", "did you mean 'seed'"]),
    ("seed: 0\n", "seed: -1\n", ["seed is -1, out of range", "from 0 to 2147483647"]),
    ("seed: 0\n", "seed: 1.5\n", ["seed is 1.5", "a whole number"]),
    ("seed: 0\n", "seed: yes\n", ["seed is 'yes'", "a whole number"]),
    ("seed: 0\n", "seed: true\n", ["seed is True", "a whole number"]),
    ("seed: 0\n", "seed: 0\n  x: 1\n", ["line ", "not YAML", "indentation"]),
    ("tune:\n", "tuen:\n", ["unknown key tuen", "did you mean 'tune'"]),
    ("  max_trials: 40", "  max_trails: 40", ["unknown key tune.max_trails", "did you mean 'max_trials'"]),
    ("  max_trials: 40", "  max_trials: 0", ["tune.max_trials is 0, out of range"]),
    ("  max_trials: 40", "  max_trials: forty", ["tune.max_trials is 'forty'", "a whole number"]),
    ("  max_trials: 40", "  max_trials:", ["tune.max_trials is None"]),
    ("  max_trials: 40", "  max_trials: 10", ["tune.generation is 20, more than tune.max_trials (10)"]),
    ("  generation: 20\n", "", ["tune.generation is missing"]),
    (
        "  oracle: bayesian",
        "  oracle: baysian",
        ["tune.oracle is 'baysian'", "did you mean 'bayesian'", "random, grid"],
    ),
    ("  encoding: onehot", "  encoding: one-hot", ["encode.encoding is 'one-hot'", "did you mean 'onehot'"]),
    ("  columns: {}", "  columns: {Sex: onehto}", ["encode.columns.Sex is 'onehto'", "did you mean 'onehot'"]),
    ("  columns: {}", "  columns: [Sex]", ["encode.columns is ['Sex']", "keys and values"]),
    ("  stop_fraction: 0.1", "  stop_fraction: .nan", ["encode.stop_fraction is nan, out of range", "0.05 to 0.5"]),
    ("  folds: 10", "  folds: 1", ["encode.folds is 1, out of range", "2 to 20"]),
    ("  group_aware: false", "  group_aware: off", ["encode.group_aware is 'off'", "true or false"]),
    ("  encoding: onehot", "  encoding: [onehot, onehot]", ["encode.encoding is ['onehot', 'onehot']", "each once"]),
    ("  encoding: onehot", "  encoding: [onehot, hot]", ["encode.encoding is 'hot'", "did you mean 'onehot'"]),
    ("  method: zscore", "  method: []", ["normalize.method is []", "one or more choices"]),
    ("  columns: all\n", "", ["tune.columns is missing; expected a word"]),
    ("  columns: all", "  columns: serch", ["tune.columns is 'serch'", "did you mean 'search'", "all, search"]),
    ("  permutations: 5", "  permutations: 0", ["columns.permutations is 0, out of range", "from 1 to 1000"]),
    ("  permutations: 5", "  permutation: 5", ["columns.permutation", "did you mean 'permutations'"]),
    ("  pairs: 4\n", "", ["columns.pairs is missing"]),
    (
        "    columns: {}",
        "    columns: {groups: all}",
        ["competitions.titanic.columns.groups is 'all'", "a whole number"],
    ),
    ("  repeats: 1\n  seeds", "  repeats: 3\n  seeds", ["columns.repeats is 3, more than encode.repeats (2)"]),
    (
        "  oracle: bayesian",
        "  oracle: grid",
        ["tune.columns is 'search', but tune.oracle is 'grid'", "tune.columns to all"],
    ),
    ("  method: zscore", "  method: z-score", ["normalize.method is 'z-score'", "did you mean 'zscore'"]),
    ("  top_k: 6", "  top_k: 41", ["train.top_k is 41, more than tune.max_trials (40)"]),
    ("      low: 0.0\n      high: 0.6", "      low: 0.6\n      high: 0.6", ["dropout: low is 0.6, not below high"]),
    ("      low: 1.0e-3\n", "      low: 0\n", ["l2: low is 0.0; a log-uniform range needs low above 0"]),
    ("      high: 0.6\n", "      hihg: 0.6\n", ["tune.space.dropout.hihg", "did you mean 'high'"]),
    ("    - relu\n    - selu", "    - relu\n    - relu", ["activation", "each once"]),
    ("    - relu\n    - selu", "    - reul\n    - selu", ["'reul'", "did you mean 'relu'"]),
    ("    depth:\n", "    schedul: cosine\n    depth:\n", ["tune.space.schedul", "did you mean 'schedule'"]),
    ("    depth:\n", "    schedule: cosin\n    depth:\n", ["schedule is 'cosin'", "did you mean 'cosine'"]),
    ("    depth:\n", "    weight_decay: 11\n    depth:\n", ["weight_decay is 11, out of range", "from 0 to 10"]),
    (
        "    depth:\n",
        "    label_smoothing: {low: 0, high: 1}\n    depth:\n",
        ["label_smoothing.high is 1"],
    ),
    ("    depth:\n", "    epochs: {low: 0, high: 9}\n    depth:\n", ["epochs has low/high", "whole numbers"]),
    ("  halving: 0.25", "  halving: 1", ["tune.halving is 1, out of range", "from 0 to 0.9"]),
    ("  family: plain", "  family: [plain, tabn]", ["tune.family is 'tabn'", "did you mean 'tabm'"]),
    ("    tabm:\n", "    tamb:\n", ["tune.families.tamb", "did you mean 'tabm'"]),
    ("      copies: 16\n", "      copys: 16\n", ["tune.families.tabm.copys", "did you mean 'copies'"]),
    ("      copies: 16\n", "      copies: 1\n", ["tune.families.tabm.copies is 1, out of range", "from 2 to 256"]),
    ("      numbers: periodic", "      numbers: periodik", ["numbers is 'periodik'", "did you mean 'periodic'"]),
    ("    width:\n    - 16\n    - 32\n    - 64\n", "", ["tune.space.width is missing"]),
    ("      task: binary", "      task: regression", ["metric is 'accuracy', but task 'regression'", "rmse"]),
    ("        deck: true", "        deck: maybe", ["encode.features.deck is 'maybe'", "true or false"]),
    ("      metric: accuracy\n", "", ["competitions.titanic.table.metric is missing"]),
    ("      metric: accuracy\n", "      metric: f2\n", ["metric is 'f2', but task 'binary'", "f1, balanced_accuracy"]),
    (
        "      task: binary\n      target: Survived\n      id: PassengerId\n      metric: accuracy\n",
        "      task: multiclass\n      target: Survived\n      id: PassengerId\n      metric: f1\n",
        ["metric is 'f1', but task 'multiclass' is scored by one of accuracy, log_loss, macro_f1, "],
    ),
    (
        "      task: binary\n      target: Survived\n",
        "      task: multiclass\n      positive: Yes\n      target: Survived\n",
        ["table.positive is 'Yes', one of two classes, but", "is 'multiclass'. Delete the first."],
    ),
    ("  threshold: auto", "  threshold: haf", ["ensemble.threshold is 'haf'", "did you mean 'half'"]),
    ("    validate: {}", "    validat: {}", ["competitions.titanic.validat", "did you mean 'validate'"]),
]


@pytest.mark.parametrize(
    ("old", "new", "words"), CASES, ids=[" ".join(new.split()) or "left out" for _, new, _ in CASES]
)
def test_a_mistake_is_named_with_its_place(old: str, new: str, words: list[str], tmp_path: Path) -> None:
    assert TEXT.count(old), old
    path = tmp_path / "params.yaml"
    text = TEXT.replace("  columns: all", "  columns: search") if new == "  oracle: grid" else TEXT
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(UserError) as error:
        load(path, "titanic")
    message = str(error.value)
    assert str(path) in message and len(message.splitlines()) <= 3
    for word in words:
        assert word in message


def test_the_file_as_it_is_passes() -> None:
    params = load(ROOT / "params.yaml", "titanic")
    assert params.tune.space["learning_rate"] == Range(5e-4, 1e-2, True)
    assert params.tune.space["depth"] == (1, 2, 3)
    assert "schedule" not in params.tune.space
    assert params.encode.features["deck"] is True


def test_a_mistake_is_named_where_the_file_has_it(tmp_path: Path) -> None:
    """In the competition's entry where that overrides the key, else in the general block."""
    path = tmp_path / "params.yaml"

    def refusal(old: str = "", new: str = "", **own: str) -> str:
        text = TEXT.replace(old, new, 1)
        for block, keys in own.items():
            text = text.replace(f"    {block}: {{}}\n", f"    {block}: {keys}\n", 1)
        path.write_text(text, encoding="utf-8")
        with pytest.raises(UserError) as error:
            load(path, "titanic")
        return str(error.value).removeprefix(f"{path}: ")

    entry = "competitions.titanic."
    told = refusal(tune="{max_trials: 10, generation: 6}", train="{top_k: 12}")
    assert told.startswith(f"{entry}train.top_k is 12, more than {entry}tune.max_trials (10)")
    told = refusal("  max_trials: 40", "  max_trials: 8", tune="{generation: 6}", train="{top_k: 9}")
    assert told.startswith(f"{entry}train.top_k is 9, more than tune.max_trials (8)")
    assert refusal(columns="{repeats: 3}").startswith(f"{entry}columns.repeats is 3, more than encode.repeats (2)")
    told = refusal(tune="{oracle: grid, columns: search}")
    assert told.startswith(f"{entry}tune.columns is 'search', but {entry}tune.oracle is 'grid'")
    told = refusal("    columns: {}\n", "    columns: {}\n    honest: {outer: 4, scored: 5}\n")
    assert told.startswith(f"{entry}honest.scored is 5; expected 0 (all outer folds) or 2 to 4, which is {entry}honest")
    assert refusal("  scored: 0", "  scored: 1").startswith(
        "honest.scored is 1; expected 0 (all outer folds) or 2 to 5"
    )
    own = "{space: {depth: [4]}, families: {tabm: {depth: [4]}}}"
    assert refusal("      high: 0.6", "      high: 6", tune=own).startswith(
        "tune.space.dropout.high is 6, out of range"
    )
    assert refusal("      copies: 16", "      copies: 1", tune=own).startswith("tune.families.tabm.copies is 1, out of")
    assert refusal(tune=own.replace("[4]", "[40]", 1)).startswith(f"{entry}tune.space.depth is 40, out of range")
    told = refusal("    depth:\n", "    dpth: 1\n    depth:\n", tune=own)
    assert told.startswith("unknown key tune.space.dpth; did you mean 'depth'?")


def test_numbers_are_read_as_dvc_reads_them(tmp_path: Path) -> None:
    """YAML 1.2: ``1e-3`` is a number, which YAML 1.1 takes for a word."""
    path = tmp_path / "params.yaml"
    path.write_text(TEXT.replace("      low: 1.0e-3\n", "      low: 1e-3\n", 1), encoding="utf-8")
    assert load(path, "titanic").tune.space["l2"] == Range(1e-3, 1e-1, True)


def test_a_competition_s_own_key_wins(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    own = "    train: {seeds: 3}\n    tune: {space: {depth: [4]}}\n"
    path.write_text(TEXT.replace("    tune: {}\n    train: {}\n", own, 1), encoding="utf-8")
    params = load(path, "titanic")
    assert (params.train.seeds, params.train.top_k) == (3, 6)
    assert params.tune.space["depth"] == (4,) and params.tune.space["batch_size"] == (64, 128)


def test_a_stranger_is_answered_with_the_nearest_name(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no competition 'titanik'; did you mean 'titanic'"):
        load(ROOT / "params.yaml", "titanik")
    with pytest.raises(UserError, match="no source 'titanik'; did you mean 'titanic'"):
        load_source(ROOT / "params.yaml", "titanik")
    with pytest.raises(UserError, match="no such file"):
        load(tmp_path / "params.yaml", "titanic")


def test_a_block_of_no_competition(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(TEXT.replace("  ensemble: 50", "  ensemble: 1", 1), encoding="utf-8")
    with pytest.raises(UserError, match=r"labs.ensemble is 1, out of range; expected a whole number from 2 to 1000"):
        load_block(path, "labs")
    path.write_text(TEXT.replace("      filters: []\n", "", 1), encoding="utf-8")
    with pytest.raises(UserError, match=r"fashion_mnist.presets.dense.filters is missing; expected a list"):
        load_block(path, "fashion_mnist")
    seed, plan = load_block(ROOT / "params.yaml", "labs")
    assert seed == 0 and plan.ensemble == 50


def spelt(bound: float) -> str:
    return str(bound) if isinstance(bound, int) else f"{bound:g}".replace("e-0", "e-")


def comment_of(block: str, key: str) -> str:
    """The comment above a block's key, or above the scalar keys that it follows."""
    lines = TEXT[TEXT.index(f"\n{block}:\n") :].split("\n")
    at = next(place for place, line in enumerate(lines) if line.startswith(f"  {key}:"))
    while not lines[at - 1].startswith("  #"):
        at -= 1
    first = at
    while lines[first - 1].startswith("  #"):
        first -= 1
    return " ".join(line.strip(" #") for line in lines[first:at])


BOUNDED = [
    (block, item.name, item.metadata["rule"].low, item.metadata["rule"].high)
    for block, cls in {**_BLOCKS, **_OTHER_BLOCKS}.items()
    for item in fields(cls)
    if item.metadata["rule"].low is not None
]


@pytest.mark.parametrize(("block", "key", "low", "high"), BOUNDED, ids=[f"{case[0]}.{case[1]}" for case in BOUNDED])
def test_a_comment_tells_the_bounds_that_are_kept(block: str, key: str, low: float, high: float | None) -> None:
    """An upper end may be another key, as in "1 to encode.repeats"."""
    ends = "more" if high is None else spelt(high)
    told = re.findall(r"([\d.e-]+)(?: \([^)]*\))? (?:to|or) ([\w.-]*\w)", comment_of(block, key))
    without_1 = {"outer": "0 (no estimate) or 2 to 20.", "scored": "0 (all) or 2 to outer."}
    if block == "honest" and key in without_1:
        assert without_1[key] in comment_of(block, key)
    else:
        assert [one for one in told if one[0] == spelt(low) and (one[1] == ends or re.match("[a-z]+[._]", one[1]))]


def test_a_comment_tells_the_bounds_of_each_hyperparameter() -> None:
    comment = comment_of("tune", "space")
    for name, rule in RULES.items():
        if not rule.choices:
            assert re.search(rf"\b{name}: [^;]*\b{spelt(rule.low)} to {spelt(rule.high)}\b", comment), name
        assert f"{name}: " in comment


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        pytest.param("seed: 0\n", "seed: 0\ntuen: {}\n", "unknown key tuen; did you mean 'tune'?", id="top"),
        pytest.param("  mirror:", "  miror:", "unknown key fetch.miror; did you mean 'mirror'?", id="fetch"),
        pytest.param("  mlp_width: 128", "  mlp_width: 0", "fashion_mnist.mlp_width is 0", id="pictures"),
        pytest.param(
            "      depth: 2\n", "      dept: 2\n", "unknown key fashion_mnist.presets.dense.dept", id="preset"
        ),
        pytest.param("      width: 4\n", "      widht: 4\n", "unknown key imdb.variants.smaller.widht", id="variant"),
        pytest.param("    skip: 0.3", "    skip: 3", "imdb.convolution.skip is 3", id="reviews"),
        pytest.param("  preset: auto", "  preset: pixel", "preset is 'pixel'; did you mean 'pixels'?", id="preset"),
        pytest.param("      filters: []\n", "      filters: [32]\n", "[32], but network is dense. Empty", id="filters"),
        pytest.param("    plain: {}\n", "    plane: {}\n", "imdb.variants has no 'plain'", id="no plain variant"),
        pytest.param("    l1:\n", "    phrases:\n", "imdb.variants has 'phrases', which the", id="variant's name"),
        pytest.param("  ensemble: 50", "  ensemble: 1", "labs.ensemble is 1", id="labs"),
        pytest.param("    kaggle: titanic", "    kagle: titanic", "unknown key sources.titanic.kagle", id="source"),
        pytest.param(
            "      train.csv:\n      - 7d118fef8b6ccf7f81111877bc388536f7b1e498a655e3d649d19aaa010e9f6f\n",
            "      train.csv: []\n",
            "sources.titanic.files.train.csv is ''; expected a SHA-256",
            id="hash",
        ),
        pytest.param("    tune: {}", "    tuen: {}", "unknown key competitions.titanic.tuen", id="competition"),
        pytest.param(
            "competitions:\n", "competitions:\n  other: {}\n", "competitions.other.table.task is mis", id="two"
        ),
    ],
)
def test_one_stage_reads_the_whole_file(
    before: str, after: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "params.yaml"
    file.write_text(TEXT)
    assert check.main(["--params", str(file)]) == 0
    assert "every key is known" in capsys.readouterr().out
    assert before in TEXT
    file.write_text(TEXT.replace(before, after, 1))
    assert check.main(["--params", str(file)]) == 1
    assert told in capsys.readouterr().err
