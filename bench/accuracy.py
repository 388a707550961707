"""Loss on rows held out, ours against others at their defaults, on the same splits of the same tables.

Every model gets the raw columns but those of mostly different words (names, tickets, cabins): ours by way of
``pipeline.new``, so without Titanic's feature module. A model's seconds are those of its whole process, imports too;
ours are those of ``new`` and ``dvc repro``. The others run in an environment of their own, made from
``bench/peers.txt`` on the first run. A split's number is our seed there, so what scatters from split to split holds the
luck of a search, too.

Two rows have no rank of their own. ``plain`` is ours without the families that ``new`` chooses: the textbook's networks
alone, and the trials that are best one by one. ``*_folds`` are another's averages over five folds, nearer to what ours
does than its defaults are, which are one network.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import KFold, StratifiedKFold

from bench.chain import ROOT, dvc, project_copy
from bench.kept import folder as folder_of
from bench.kept import folder_of_files
from features.synthetic import mixed
from pipeline.demo import write_yaml
from pipeline.files import read_json, write_csv, write_json
from pipeline.params import read_document

MIRROR = ROOT / "../shared/data"
ENVIRONMENT = ROOT / ".cache" / "peers"
PARTS = 5
PEERS = ("gradient_boosting", "random_forest", "linear", "mlp", "realmlp", "tabm")
OURS, PLAIN = "ours", "plain"
# ``tabm_folds``, too, may be asked for; it takes up to 12 minutes a split.
IN_FOLDS = ("realmlp_folds",)
# The others' code and the versions of what they need.
PEERS_CODE, PEERS_PINS = (Path(__file__).with_name(f"peers.{kind}") for kind in ("py", "txt"))
# What a split is laid out as.
FILES = ("columns.json", "sample.csv", "test.csv", "train.csv")
# A column of words with more levels than this share of the rows says nothing by its levels.
MOSTLY_DIFFERENT = 0.5


@dataclass(frozen=True)
class Problem:
    """``frame`` with columns ``id`` and ``target`` among its own; ``task``: binary | multiclass | regression."""

    frame: pd.DataFrame
    task: str

    @property
    def categories(self) -> list[str]:
        """Columns of words."""
        features = self.frame.drop(columns=["id", "target"])
        return [str(name) for name in features.columns if not pd.api.types.is_numeric_dtype(features[name])]


def bundled(name: str, task: str) -> Problem:
    """One of scikit-learn's tables."""
    from sklearn import datasets

    frame: pd.DataFrame = getattr(datasets, f"load_{name}")(as_frame=True).frame
    return Problem(_with_id(frame.rename(columns=lambda column: str(column).replace(" ", "_"))), task)


def raw(name: str, target: str, task: str) -> Problem | None:
    """A table of the mirror, None where it lacks it. Prices are learned as logarithms, by every model."""
    path = MIRROR / name / "train.csv"
    if not path.exists():
        return None
    frame = pd.read_csv(path).rename(columns={target: "target"})
    frame = frame.drop(columns=[column for column in frame.columns if column in ("Id", "PassengerId")])
    if task == "regression":
        frame["target"] = np.log(frame["target"]).round(6)
    return problem_of(frame, task)


def categorical() -> Problem:
    """Generated: categories of few and of many levels, numbers, dates; two classes."""
    train, _ = mixed(3000, 10, 1, numbers=4)
    frame = train.drop(columns=["id", "cost", "level", "currency"]).rename(columns={"yes": "target"})
    for name in frame.columns:
        numbers = pd.to_numeric(frame[name], errors="coerce")
        if name != "target" and numbers.notna().sum() == frame[name].replace("", None).notna().sum():
            frame[name] = numbers
    return problem_of(frame, "binary")


def interactions() -> Problem:
    """Generated: Friedman's products and sines of five numbers among ten (Friedman, 1991), one term's sign set by a
    category; a number."""
    from sklearn.datasets import make_friedman1

    numbers, value = make_friedman1(2000, n_features=10, noise=1.0, random_state=0)
    kind = np.random.default_rng(0).integers(0, 4, len(value))
    frame = pd.DataFrame(numbers, columns=[f"x{column}" for column in range(numbers.shape[1])])
    frame["kind"] = np.array(["a", "b", "c", "d"])[kind]
    frame["target"] = value + np.where(kind % 2, -20.0, 0.0) * numbers[:, 3]
    return Problem(_with_id(frame), "regression")


def problem_of(frame: pd.DataFrame, task: str) -> Problem:
    """``frame``, whose target is ``target``, without columns of mostly different words and with an id."""
    return Problem(_with_id(_telling(frame)), task)


def _telling(frame: pd.DataFrame) -> pd.DataFrame:
    words = [c for c in frame.columns if c != "target" and not pd.api.types.is_numeric_dtype(frame[c])]
    return frame.drop(columns=[c for c in words if frame[c].nunique() > MOSTLY_DIFFERENT * frame[c].notna().sum()])


def _with_id(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(id=np.arange(1, len(frame) + 1))


TABLES: dict[str, Callable[[], Problem | None]] = {
    "breast_cancer": lambda: bundled("breast_cancer", "binary"),
    "wine": lambda: bundled("wine", "multiclass"),
    "diabetes": lambda: bundled("diabetes", "regression"),
    "titanic": lambda: raw("titanic", "Survived", "binary"),
    "house_prices": lambda: raw("house_prices", "SalePrice", "regression"),
    "interactions": interactions,
    "categorical": categorical,
}


def measure(
    splits: int,
    cache: Path,
    tables: Mapping[str, Callable[[], Problem | None]] = TABLES,
    methods: Sequence[str] = (OURS, PLAIN, *PEERS, *IN_FOLDS),
) -> dict[str, Any]:
    """Losses and seconds of every split, and the table made of them; what is measured is kept under ``cache``, so that
    a run goes on where it was."""
    raw_results: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        for table, made in tables.items():
            problem = made()
            if problem is None:
                print(f"accuracy: {table} is not in the mirror and left out", file=sys.stderr)
                continue
            for split, (train, test) in enumerate(parts(problem)[:splits]):
                folder = Path(name) / f"{table}_{split}"
                lay_out(problem, train, test, folder)
                files = [folder / name for name in FILES]
                kept_ours = folder_of(cache, [Path(__file__), *files])
                # What the others answer depends on their code and the split's files alone.
                kept_theirs = folder_of_files(cache, [PEERS_CODE, PEERS_PINS, *files])
                for method in methods:
                    own = method in (OURS, PLAIN)
                    path = (kept_ours if own else kept_theirs) / f"{table}_{split}_{method}.json"
                    if not path.exists():
                        python = Path(sys.executable) if own else environment()  # made outside the stretch timed
                        begin = time.perf_counter()
                        answers = ours(folder, method, split) if own else theirs(method, folder, python)
                        seconds = round(time.perf_counter() - begin, 1)
                        value = round(loss(problem, test, *answers), 5)
                        print(f"accuracy: {table} {split} {method}: {value:.5f} in {seconds:.1f} s", file=sys.stderr)
                        write_json(path, {"loss": value, "seconds": seconds})
                    raw_results.append({"table": table, "split": split, "method": method, **read_json(path)})
    return {"splits": splits, **summary(pd.DataFrame(raw_results)), "results": raw_results}


def parts(problem: Problem) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows to learn from and rows to score, ``PARTS`` times; classes keep their shares."""
    target = problem.frame["target"].to_numpy()
    kind = KFold if problem.task == "regression" else StratifiedKFold
    return list(kind(PARTS, shuffle=True, random_state=0).split(target, target))


def lay_out(problem: Problem, train: np.ndarray, test: np.ndarray, folder: Path) -> None:
    """The split's files, the test rows without their target."""
    frame = problem.frame
    write_csv(folder / "train.csv", frame.iloc[train])
    write_csv(folder / "test.csv", frame.iloc[test].drop(columns="target"))
    classes = sorted(frame["target"].astype(str).unique()) if problem.task == "multiclass" else ["target"]
    sample = {"id": frame["id"].iloc[test], **dict.fromkeys(classes, 0.5)}
    write_csv(folder / "sample.csv", pd.DataFrame(sample))
    write_json(
        folder / "columns.json",
        {"task": problem.task, "target": "target", "id": "id", "categories": problem.categories},
    )


def ours(folder: Path, method: str = OURS, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    """The product's submission, probabilities where there are classes; as a user makes it, with that ``seed``.
    ``plain``: with the family and the choice of trials that params.yaml has."""
    project = folder / method
    environment = project_copy(project)
    task = json.loads((folder / "columns.json").read_text())["task"]
    words = [f"--{part}={(folder / part).resolve()}.csv" for part in ("train", "test", "sample")]
    words += [f"--metric={'rmse' if task == 'regression' else 'log_loss'}", "--target=target", "--id=id"]
    command = [sys.executable, "-m", "pipeline.new", "table", *words]
    subprocess.run(command, cwd=project, env=environment, check=True, capture_output=True)
    params = read_document(project / "params.yaml")
    params["seed"] = seed
    entry = params["competitions"]["table"]
    if method == PLAIN and "family" in entry["tune"]:
        entry["tune"].pop("family")
        if entry["train"].get("together"):
            entry["train"] = {}
    write_yaml(project / "params.yaml", params)
    dvc(project, environment, "repro", "ensemble@table")
    made = pd.read_csv(project / "reports" / "table" / "submission.csv").drop(columns="id")
    return made.to_numpy(), [str(name) for name in made.columns]


def theirs(method: str, folder: Path, python: Path) -> tuple[np.ndarray, list[str]]:
    """Another model's answers, by the ``python`` of ``environment``. Raises ``RuntimeError`` with what it said where it
    fails."""
    command = [str(python), str(PEERS_CODE), method, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    if done.returncode:
        raise RuntimeError(f"{method}: {done.stderr[-2000:]}")
    found = json.loads(done.stdout.splitlines()[-1])
    return np.array(found["answers"]), found["classes"]


def environment() -> Path:
    """The Python of the others' environment, made where it is not there or made from other versions."""
    python, pins = ENVIRONMENT / "bin" / "python", PEERS_PINS.read_text()
    made_from = ENVIRONMENT / "made_from.txt"
    if not made_from.exists() or made_from.read_text() != pins:
        print("accuracy: making the others' environment, which takes minutes", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)], check=True)
        subprocess.run(
            [str(python), "-m", "pip", "install", "--quiet", "-r", str(PEERS_PINS)],
            check=True,
        )
        made_from.write_text(pins)
    return python


def loss(problem: Problem, test: np.ndarray, answers: np.ndarray, classes: list[str]) -> float:
    """Log loss, or root mean squared error, of ``answers [n]`` or ``[n, c]`` (columns as ``classes``)."""
    known = problem.frame["target"].iloc[test]
    if problem.task == "regression":
        return float(np.sqrt(np.mean((answers.reshape(len(known), -1)[:, 0] - known.to_numpy()) ** 2)))
    spelt = known.astype(str).to_numpy()
    if problem.task == "binary" and answers.reshape(len(known), -1).shape[1] == 1:
        high = sorted(problem.frame["target"].astype(str).unique())[1]
        of_truth = np.where(spelt == high, answers.reshape(-1), 1 - answers.reshape(-1))
    else:
        names = [name.removeprefix("target_") for name in classes]
        of_truth = answers[np.arange(len(known)), [names.index(name) for name in spelt]]
    return float(-np.log(np.clip(of_truth, 1e-7, 1 - 1e-7)).mean())


def summary(results: pd.DataFrame) -> dict[str, Any]:
    """Mean loss and seconds by table and method; the mean rank of each method over tables; ours minus each other's
    loss, relative to the other's, with its standard error over tables, and against ``plain`` table by table, with its
    standard error over splits (which share rows to learn from, so it is too small)."""
    losses = results.pivot_table(index="table", columns="method", values="loss", sort=False)
    seconds = results.pivot_table(index="table", columns="method", values="seconds", sort=False)
    found: dict[str, Any] = {
        "loss": losses.round(5).to_dict("index"),
        # None where results were kept without them.
        "seconds": seconds.round(1).astype(object).where(seconds.notna(), None).to_dict("index"),
        "mean_rank": losses[[name for name in losses if ranked(name)]].rank(axis=1).mean().round(2).to_dict(),
    }
    if OURS in losses and len(losses.columns) > 1:
        relative = losses.drop(columns=OURS).rdiv(losses[OURS], axis=0) - 1
        found["relative_difference"] = {method: _mean(values, 4) for method, values in relative.items()}
    if {OURS, PLAIN} <= set(losses):
        pairs = results.pivot_table(index=["table", "split"], columns="method", values="loss", sort=False)
        difference = (pairs[OURS] - pairs[PLAIN]).groupby("table", sort=False)
        found["to_plain"] = {table: _mean(values, 5) for table, values in difference}
    return found


def ranked(method: str) -> bool:
    """Whether a method has a rank of its own: not where it is another one in five folds, or ours with less."""
    return method != PLAIN and not method.endswith("_folds")


def _mean(values: pd.Series, digits: int) -> dict[str, float | None]:
    error = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None
    return {"mean": round(float(values.mean()), digits), "se": None if error is None else round(error, digits)}
