"""How often a later test score lies in the interval of the nested estimate: tables whose test labels are known, split
anew many times.

``stages``: each split through ``pipeline.new`` and the stages from encode to honest, in this process, with small
budgets (``BUDGETS``; both sides are made with them). ``ridge``: the interval alone (``features/scoring/estimation.py``)
around ridge regressions whose penalty is chosen inside, many more splits, and two more tables, one of a rare class and
one of four grades. A generated table is drawn anew for each split; scikit-learn's are split anew, so their splits share
rows and the share covered is less sure than its standard error says."""

from __future__ import annotations

import contextlib
import importlib
import io
import itertools
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri
from threadpoolctl import threadpool_limits

from bench.kept import folder as folder_of
from features.encoding.folds import outer_parts
from features.inference.first_contract import infer
from features.scoring import estimation, metrics
from features.scoring.rules import Rule, best_rule
from features.synthetic import mixed, titanic
from features.tasks import DECISIONS, METRICS
from pipeline import demo, new
from pipeline.choice.combining import Choice
from pipeline.files import read_json, read_npz, write_json
from pipeline.params import read_document

BUDGETS: dict[str, dict[str, Any]] = {
    "encode": {"repeats": 1, "folds": 5},
    "tune": {
        "max_trials": 6,
        "generation": 6,
        "epochs": 60,
        # Of one kind, so that all networks of a table train as one program.
        "space": {
            "depth": [1, 2],
            "width": [16, 32],
            "dropout": {"low": 0.0, "high": 0.6},
            "l2": {"low": 1e-4, "high": 1e-1, "log": True},
            "initializer": ["glorot_uniform"],
            "activation": ["relu"],
            "batch_size": [16],
            "learning_rate": {"low": 1e-3, "high": 1e-2, "log": True},
        },
    },
    "train": {"top_k": 2, "epochs": 60},
    "honest": {"outer": 5, "search": 3, "members": 5},
}
STAGES = ("encode", "normalize", "tune", "train", "ensemble", "honest")
# Share of the rows that are held back as the later test table.
TEST = 0.4
ROWS = 500
# Of the table of a rare class: 27 of its rows to learn from, 18 to score.
RARE_ROWS = 1500
# Of the table of four grades.
GRADED_ROWS = 600
# Splits of the ridge part, and its penalties.
QUICK, PENALTIES = 200, (1.0, 10.0, 100.0, 1000.0)


def bundled(name: str) -> Callable[[int], pd.DataFrame]:
    """One of scikit-learn's tables, the same for every split; classes as words."""

    def frame(split: int) -> pd.DataFrame:
        train, test, _ = demo.bundled(name)
        from sklearn import datasets

        content = getattr(datasets, f"load_{name}")(as_frame=True)
        whole = pd.concat([train.drop(columns="target"), test]).sort_values("id")
        target = content.target.to_numpy()
        whole["target"] = np.asarray(content.target_names)[target] if name in ("breast_cancer", "wine") else target
        return whole

    return frame


def generated_titanic(split: int) -> pd.DataFrame:
    """Passengers in parties of one fate, so that rows depend on one another."""
    train, _, _ = titanic(ROWS, 20, split)
    return train.rename(columns={"Survived": "target", "PassengerId": "id"})


def generated_mixed(split: int) -> pd.DataFrame:
    """Numbers, categories, a date, codes and text, with a target of two words."""
    train, _ = mixed(ROWS, 20, split)
    return train.drop(columns=["cost", "level"]).rename(columns={"yes": "target"})


def generated_rare(split: int) -> pd.DataFrame:
    """Six numbers; one row in 33 is of the rarer class, most of which lie apart, one in ten among the others."""
    rng = np.random.default_rng(split)
    rare = rng.uniform(size=RARE_ROWS) < 0.03
    apart = rare & (rng.uniform(size=RARE_ROWS) > 0.1)
    inputs = rng.normal(size=(RARE_ROWS, 6)) + 4 * apart[:, None] * (np.arange(6) < 2)
    columns = {f"x{column}": inputs[:, column] for column in range(6)}
    return pd.DataFrame({"id": np.arange(RARE_ROWS), **columns, "target": np.where(rare, "yes", "no")})


def generated_grades(split: int) -> pd.DataFrame:
    """Six numbers; four grades in an order, the higher the rarer: 0.5, 0.3, 0.15 and 0.05 of the rows."""
    rng = np.random.default_rng(split)
    inputs = rng.normal(size=(GRADED_ROWS, 6))
    worth = inputs[:, 0] + 0.7 * inputs[:, 1] + rng.normal(size=GRADED_ROWS)
    grades = np.searchsorted(np.sqrt(2.49) * ndtri([0.5, 0.8, 0.95]), worth)
    columns = {f"x{column}": inputs[:, column] for column in range(6)}
    return pd.DataFrame({"id": np.arange(GRADED_ROWS), **columns, "target": np.array(list("abcd"), object)[grades]})


TABLES: dict[str, Callable[[int], pd.DataFrame]] = {
    "breast_cancer": bundled("breast_cancer"),
    "wine": bundled("wine"),
    "diabetes": bundled("diabetes"),
    "parties": generated_titanic,
    "mixed": generated_mixed,
}
# Of the ridge part.
QUICK_TABLES = {**TABLES, "rare": generated_rare, "grades": generated_grades}
PARTS = ("stages", "ridge")


def measure(
    splits: int, cache: Path, parts: Sequence[str] = PARTS, earlier: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The ``parts``; another is taken from ``earlier``, what this wrote before, its shares computed anew where its
    splits are there."""
    found: dict[str, Any] = {}
    for name, part in (earlier or {}).items():
        found[name] = {**part, "tables": {table: _covered_anew(one) for table, one in part["tables"].items()}}
    if "stages" in parts:
        found["stages"] = stages(splits, cache)
    if "ridge" in parts:
        with threadpool_limits(1):
            alone = {
                name: {"covered": covered([quick(name, split) for split in range(QUICK)])} for name in QUICK_TABLES
            }
        found["ridge"] = {"splits": QUICK, "tables": alone}
    return found


def _covered_anew(table: Mapping[str, Any]) -> dict[str, Any]:
    return {**table, "covered": covered(table["splits"])} if "splits" in table else dict(table)


def stages(splits: int, cache: Path) -> dict[str, Any]:
    """Coverage by table and measure; what a split gave is kept under ``cache``, so that a run goes on where it was."""
    folder = folder_of(cache, [Path(__file__)])
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
    for split, name in itertools.product(range(splits), TABLES):
        path = folder / f"{name}_{split:03d}.json"
        if not path.exists():
            write_json(path, run(name, split))
            print(f"coverage: {name}, split {split}", flush=True)
        rows[name].append(read_json(path))
    found = {name: {"covered": covered(each), "splits": each} for name, each in rows.items() if each}
    return {"budgets": BUDGETS, "test_share": TEST, "tables": found}


def quick(name: str, split: int) -> dict[str, Any]:
    """One split of the ``ridge`` part, in the form of ``run``."""
    whole = QUICK_TABLES[name](split).reset_index(drop=True)
    inputs, target, task = plain(whole)
    order = np.random.default_rng(split).permutation(len(whole))
    held, rows = order[: round(TEST * len(whole))], order[round(TEST * len(whole)) :]
    parts = outer_parts(target[rows], task != "regression", 5, None, split)
    answer = np.zeros((len(rows), 1 if task != "multiclass" else int(target.max()) + 1))
    for part in range(5):
        inside = parts == part
        answer[inside] = ridge(inputs[rows[~inside]], target[rows[~inside]], inputs[rows[inside]], task, split)
    final = ridge(inputs[rows], target[rows], inputs[held], task, split)
    test: dict[str, float] = {}
    found: dict[str, float] = {}
    for measure in METRICS[task]:
        if measure not in metrics.names(task, measure, target):
            continue  # a target below 0 has no RMSLE, one of 0 no MAPE
        decided, rule = metrics.decide(answer), Rule()
        if measure in DECISIONS:
            decided, rule = decided_apart(measure, target[rows], answer, parts)
        test[measure] = metrics.measures(task, measure, target[held], final, rule.decide(final))[measure]
        one = estimation.estimate(measure, target[rows], answer, decided, parts, len(held))
        found |= {measure: one.value, f"{measure}_lo": one.low, f"{measure}_hi": one.high, f"{measure}_se": one.error}
    return {"test": test, "honest": found, "usual": found}


def decided_apart(measure: str, target: np.ndarray, answer: np.ndarray, parts: np.ndarray) -> tuple[np.ndarray, Rule]:
    """As what each row ``[t]`` is decided, its part's rule chosen by the ``answer [t, c]`` of the others, and the rule
    by which later rows are."""
    found = np.empty(len(target), int)
    for part in np.unique(parts):
        others = parts != part
        found[~others] = best_rule(measure, target[others], answer[None, others]).decide(answer[~others])
    return found, best_rule(measure, target, answer[None])


def plain(whole: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, str]:
    """Numbers and the more frequent words as columns ``[n, d]``, the target ``[n]`` and its task."""
    features = whole.drop(columns=["id", "target"]).apply(lambda c: pd.to_numeric(c, errors="coerce").fillna(c))
    words = [name for name in features if not pd.api.types.is_numeric_dtype(features[name])]
    few = [name for name in words if features[name].nunique() <= 10]
    inputs = pd.get_dummies(features.drop(columns=[n for n in words if n not in few]), columns=few).to_numpy(float)
    inputs = (inputs - inputs.mean(axis=0)) / np.where(inputs.std(axis=0) > 0, inputs.std(axis=0), 1)
    if pd.api.types.is_numeric_dtype(whole["target"]):
        return inputs, whole["target"].to_numpy(float), "regression"
    codes = pd.factorize(whole["target"], sort=True)[0].astype(float)
    return inputs, codes, "binary" if codes.max() == 1 else "multiclass"


def ridge(inputs: np.ndarray, target: np.ndarray, asked: np.ndarray, task: str, seed: int) -> np.ndarray:
    """Answers ``[k, c]`` of a ridge regression whose penalty five folds choose; of classes as clipped probabilities."""
    wanted = target[:, None] if task != "multiclass" else np.eye(int(target.max()) + 1)[target.astype(int)]

    def answers(rows: np.ndarray, at: np.ndarray) -> np.ndarray:
        mean = wanted[rows].mean(axis=0)
        u, s, v = np.linalg.svd(inputs[rows], full_matrices=False)
        turned = u.T @ (wanted[rows] - mean)
        return np.stack([at @ (v.T @ ((s / (s**2 + penalty))[:, None] * turned)) + mean for penalty in PENALTIES])

    fold = np.random.default_rng(seed).permutation(len(target)) % 5
    losses = [((answers(fold != f, inputs[fold == f]) - wanted[fold == f]) ** 2).sum(axis=(1, 2)) for f in range(5)]
    found = answers(np.ones(len(target), bool), asked)[int(np.sum(losses, axis=0).argmin())]
    if task == "regression":
        return found
    clipped = np.clip(found, 0.02, 0.98)
    return clipped if task == "binary" else clipped / clipped.sum(axis=1, keepdims=True)


def covered(rows: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """For each measure the share of splits whose test score lay in the interval, its standard error, the mean of the
    estimates and of the test scores, and the mean width."""
    table = {}
    for name in rows[0]["test"]:
        inside = np.array(
            [row["honest"][f"{name}_lo"] <= row["test"][name] <= row["honest"][f"{name}_hi"] for row in rows]
        )
        share = float(inside.mean())
        table[name] = {
            "share": round(share, 4),
            "share_se": round(metrics.share_error(float(inside.sum()), len(rows)), 4),
            "usual": round(float(np.mean([row["usual"][name] for row in rows])), 4),
            "honest": round(float(np.mean([row["honest"][name] for row in rows])), 4),
            "test": round(float(np.mean([row["test"][name] for row in rows])), 4),
            "test_sd": round(float(np.std([row["test"][name] for row in rows], ddof=1)), 4),
            "width": round(
                float(np.mean([row["honest"][f"{name}_hi"] - row["honest"][f"{name}_lo"] for row in rows])), 4
            ),
        }
    return table


def run(name: str, split: int) -> dict[str, Any]:
    """One split: usual scores, the honest ones with their intervals, and those of the test rows."""
    whole = TABLES[name](split).reset_index(drop=True)
    order = np.random.default_rng(split).permutation(len(whole))
    held = np.sort(order[: round(TEST * len(whole))])
    train, test = whole.drop(index=held), whole.iloc[held]
    with tempfile.TemporaryDirectory() as place, contextlib.redirect_stdout(io.StringIO()):
        folder = Path(place) / "chain"
        prepare(folder, name, train, test, split)
        stages = read_document(folder / "dvc.yaml")["stages"]
        with contextlib.chdir(folder):
            for stage in STAGES:
                command = stages[stage]["do"]["cmd"].replace("${key}", name)
                words = command.replace("${item.table.sample}", demo.FILES[2]).split()
                if importlib.import_module(words[2]).main(words[3:]):
                    raise RuntimeError(f"{name}, split {split}: stage {stage} failed")
        report = folder / "reports" / name
        usual, honest = read_json(report / "metrics.json"), read_json(report / "honest.json")
        return {
            "test": later(folder, name, test["target"]),
            "honest": {key.removeprefix("honest_"): value for key, value in honest.items()},
            "usual": {key.removeprefix("cv_"): value for key, value in usual.items() if key.startswith("cv_")},
        }


def prepare(folder: Path, name: str, train: pd.DataFrame, test: pd.DataFrame, seed: int) -> None:
    """A folder with the table as a competition that ``new`` made, with small budgets."""
    folder.mkdir()
    params = read_document(demo.ROOT / "params.yaml") | {"competitions": {}, "sources": {}, "seed": seed}
    demo.write_yaml(folder / "params.yaml", params)
    demo.write_yaml(folder / "dvc.yaml", read_document(demo.ROOT / "dvc.yaml"))
    sample = test[["id"]].assign(target=train["target"].iloc[0])
    new.write(name, folder, infer(*(demo.as_read(f) for f in (train, test.drop(columns="target"), sample))))
    demo.write_yaml(folder / "params.yaml", demo.shortened(read_document(folder / "params.yaml"), BUDGETS))


def later(folder: Path, name: str, known: pd.Series) -> dict[str, float]:
    """The test rows' measures, their labels known now."""
    data = folder / "data"
    ensemble = read_json(data / "ensemble" / name / "ensemble.json")
    choice, task = Choice.from_mapping(ensemble), ensemble["task"]
    answer = choice.answer(read_npz(data / "train" / name / "predictions.npz")["test"])
    classes = read_json(data / "encode" / name / "encoding.json")["classes"]
    if task == "regression":
        target = known.to_numpy(float)
    else:
        target = known.astype(str).map({word: code for code, word in enumerate(classes)}).to_numpy(float)
    return metrics.measures(task, ensemble["metric"], target, answer, choice.rule.decide(answer))
