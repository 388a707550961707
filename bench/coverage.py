"""How often a later test score lies in the interval of the stage ``honest``: tables whose test labels are known, split
anew many times, each through ``pipeline.new`` and the stages from encode to honest, in this process.

Budgets are small (``BUDGETS``), since it is the interval that is judged: both sides are made with them. A generated
table is drawn anew for each split; scikit-learn's are split anew, so their splits share rows and the share covered is
less sure than its standard error says.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import itertools
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features import metrics
from features.inference import infer
from features.synthetic import mixed, titanic
from pipeline import demo, new
from pipeline.combining import Choice
from pipeline.files import fingerprint, read_bytes, read_json, read_npz, write_json
from pipeline.params import read_document

BUDGETS: dict[str, dict[str, Any]] = {
    "encode": {"repeats": 1, "folds": 5},
    "tune": {"max_trials": 6, "generation": 6, "epochs": 40},
    "train": {"top_k": 2, "epochs": 60},
    "honest": {"outer": 5, "search": 2, "members": 4},
}
STAGES = ("encode", "normalize", "tune", "train", "ensemble", "honest")
# Share of the rows that are held back as the later test table.
TEST = 0.4
ROWS = 500


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


def generated_mixed(target: str) -> Callable[[int], pd.DataFrame]:
    """Numbers, categories, dates, codes and text, with one of three targets."""

    def frame(split: int) -> pd.DataFrame:
        train, _ = mixed(ROWS, 20, split)
        others = [name for name in ("cost", "level", "yes") if name != target]
        return train.drop(columns=others).rename(columns={target: "target"})

    return frame


TABLES: dict[str, Callable[[int], pd.DataFrame]] = {
    "breast_cancer": bundled("breast_cancer"),
    "wine": bundled("wine"),
    "diabetes": bundled("diabetes"),
    "parties": generated_titanic,
    "mixed_yes": generated_mixed("yes"),
    "mixed_cost": generated_mixed("cost"),
}


def measure(splits: int, cache: Path) -> dict[str, Any]:
    """Coverage by table and measure; what a split gave is kept under ``cache``, so that a run goes on where it was."""
    code = [*Path("pipeline").rglob("*.py"), *Path("features").glob("*.py"), Path("params.yaml"), Path(__file__)]
    folder = cache / fingerprint(*map(read_bytes, sorted(code)))[:16]
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
    for split, name in itertools.product(range(splits), TABLES):
        path = folder / f"{name}_{split:03d}.json"
        if not path.exists():
            write_json(path, run(name, split))
            print(f"coverage: {name}, split {split}", flush=True)
        rows[name].append(read_json(path))
    found = {name: {"covered": covered(rows[name]), "splits": rows[name]} for name in TABLES}
    return {"budgets": BUDGETS, "test_share": TEST, "tables": found}


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
            "share_se": round(float(np.sqrt(share * (1 - share) / len(rows))), 4),
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
    kept, demo.BUDGETS = demo.BUDGETS, BUDGETS
    try:
        demo.write_yaml(folder / "params.yaml", demo.shortened(read_document(folder / "params.yaml")))
    finally:
        demo.BUDGETS = kept


def later(folder: Path, name: str, known: pd.Series) -> dict[str, float]:
    """The test rows' measures, their labels known now."""
    data = folder / "data"
    ensemble = read_json(data / "ensemble" / name / "ensemble.json")
    choice, task = Choice.from_mapping(ensemble), ensemble["task"]
    answer = choice.answer(read_npz(data / "train" / name / "predictions.npz")["test"])
    classes = json.loads(read_bytes(data / "encode" / name / "encoding.json"))["classes"]
    if task == "regression":
        target = known.to_numpy(float)
    else:
        target = known.astype(str).map({word: code for code, word in enumerate(classes)}).to_numpy(float)
    return metrics.measures(task, target, answer, choice.threshold)
