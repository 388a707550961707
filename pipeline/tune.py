"""Stage ``tune``: arrays to trials. A generation of trials x folds trains as one set of programs."""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from features.errors import UserError
from pipeline import stage
from pipeline.choice.evaluation import evaluate
from pipeline.choice.searching import search_parts
from pipeline.files import fingerprint, read_bytes, read_npz, write_csv, write_json, write_npz
from pipeline.params import load
from pipeline.progress import Progress
from pipeline.runtime import UNUSED, device_name, hidden_packages, loading, seed_for, start_tensorflow
from pipeline.settings import Params

if TYPE_CHECKING:
    from pipeline.choice.arrays import Scaled
    from pipeline.nets.search import Configuration, Result, Trial

# The code that has a say in what a trial is and what comes of it: all that this stage imports, less what only reads,
# writes or shows (a test holds the two together).
CODE = (
    "features/encoding/target.py",
    "features/roles.py",
    "features/tasks.py",
    "pipeline/choice/arrays.py",
    "pipeline/choice/evaluation.py",
    "pipeline/choice/searching.py",
    "pipeline/nets/*.py",
    "pipeline/params.py",
    "pipeline/runtime.py",
    "pipeline/schema.py",
    "pipeline/search_space.py",
    "pipeline/settings.py",
    "pipeline/tune.py",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Search hyperparameters; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.tune", description=__doc__)
    stage.add_competition(parser)
    parser.add_argument("--input", type=Path, required=True, help="arrays.npz of the normalize stage")
    parser.add_argument("--output", type=Path, required=True, help="folder for trials.json and out_of_fold.npz")
    parser.add_argument(
        "--report", type=Path, required=True, help="folder for trials.csv and best_hyperparameters.json"
    )
    parser.add_argument("--memory", type=Path, required=True, help="folder where an interrupted search is remembered")
    return stage.run(parser, tune, argv)


def tune(arguments: argparse.Namespace) -> None:
    """Read, search, write."""
    params = load(arguments.params, arguments.competition)
    tensorflow = start_tensorflow(small=True)
    with loading(), hidden_packages(UNUSED):
        from pipeline.choice.arrays import load_table
        from pipeline.nets.search import search

    scaled = load_table(arguments.input, params.table.task)
    memory = Memory(arguments.memory, _fingerprint(params, arguments.input, tensorflow.__version__))
    parts = search_parts(params.tune, params.table.task, scaled.inputs)
    count, folds = sum(part.trials for part in parts), params.encode.folds * params.tune.repeats
    print(f"tune: {count} trials x {folds} folds on {device_name(tensorflow)}")
    with Progress(count, "trials", "tune") as progress:
        evaluation = Evaluation(params, scaled, memory, progress)
        trials = search(params.tune.oracle, parts, seed_for(params.seed, "oracle"), evaluation)
    if len(trials) < count:
        print(f"tune: {len(trials)} trials, for the oracle proposed no more that it had not tried")
    valid = [trial for trial in trials if not trial.result.reason]
    if not valid:
        raise UserError(
            f"tune: none of {len(trials)} trials is valid; the first failed with: {trials[0].result.reason}\n"
            "Lower tune.space.learning_rate in params.yaml, or look at the inputs."
        )
    write_csv(arguments.report / "trials.csv", trials_table(trials, params.table.task))
    best = min(valid, key=lambda trial: trial.result.mean)
    write_json(
        arguments.report / "best_hyperparameters.json",
        {
            "trial": best.number,
            "trials": len(valid),
            loss_name(params.table.task): round(best.result.mean, 6),
            **best.configuration,
        },
    )
    write_json(
        arguments.output / "trials.json",
        [{"trial": t.number, "valid": not t.result.reason, "configuration": t.configuration} for t in trials],
    )
    by_row = {"loss": [trial.result.loss for trial in trials], "error": [trial.result.error for trial in trials]}
    write_npz(arguments.output / "out_of_fold.npz", {name: np.stack(rows) for name, rows in by_row.items()})
    memory.forget()
    print(
        f"tune: best {loss_name(params.table.task)} {best.result.mean:.4f} (trial {best.number}, "
        f"the lowest of {len(valid)}, so flattered), {len(trials) - len(valid)} invalid"
    )


class Evaluation:
    """Trains a generation on every fold; a generation that the memory knows is not trained again."""

    def __init__(self, params: Params, scaled: Scaled, memory: Memory, progress: Progress) -> None:
        self._params, self._scaled, self._memory, self._progress = params, scaled, memory, progress
        self._best = float("inf")

    def __call__(self, first: int, configurations: list[Configuration]) -> list[Result]:
        """Results of trials ``first``, ``first + 1``, ..."""
        results = self._memory.recall(first, configurations)
        if results is None:
            results = self._train(first, configurations)
            self._memory.keep(first, configurations, results)
        self._best = min([self._best, *[r.mean for r in results if not r.reason]])
        self._progress.to(first + len(configurations), best=f"{self._best:.4f}")
        return results

    def _train(self, first: int, configurations: list[Configuration]) -> list[Result]:
        params, count = self._params, len(configurations)
        folds = range(params.encode.folds * params.tune.repeats)

        def report(share: float) -> None:
            best = {"best": f"{self._best:.4f}"} if np.isfinite(self._best) else {}
            self._progress.to(first + share * count, **best)

        return evaluate(
            self._scaled.table,
            params.table.task,
            [self._scaled.inputs.network(configuration) for configuration in configurations],
            [folds] * count,
            [[seed_for(params.seed, "tune", first + trial, fold) for fold in folds] for trial in range(count)],
            epochs=params.tune.epochs,
            patience=params.tune.patience,
            report=report,
            halving_share=params.tune.halving,
        )


class Memory:
    """Finished generations of the search under way, in a folder named after everything the search depends on.

    The oracle is asked again from the start after an interruption; since it proposes the same trials, the results kept
    here stand in for the training. A search with other data, parameters or code has another fingerprint and never
    meets them.
    """

    def __init__(self, folder: Path, identity: str) -> None:
        self._folder = folder / identity[:16]

    def recall(self, first: int, configurations: list[Configuration]) -> list[Result] | None:
        """The results of the generation that starts with trial ``first``, if it was finished before."""
        from pipeline.nets.search import Result

        path = self._path(first)
        if not path.exists():
            return None
        try:
            kept = read_npz(path)
            if json.loads(str(kept["configurations"])) != configurations:
                return None
            reasons = json.loads(str(kept["reasons"]))
            epochs, halved = kept["best_epoch"].tolist(), kept["halved"].tolist()
            by_trial = zip(kept["loss"], kept["error"], kept["fold_loss"], epochs, reasons, halved, strict=True)
            return [
                Result(loss=loss, error=error, fold_loss=fold_loss, best_epoch=epoch, reason=reason, halved=ended)
                for loss, error, fold_loss, epoch, reason, ended in by_trial
            ]
        except (UserError, KeyError, ValueError):
            return None  # a damaged memory is no memory: the generation is trained again

    def keep(self, first: int, configurations: list[Configuration], results: list[Result]) -> None:
        """Remember a finished generation."""
        write_npz(
            self._path(first),
            {
                "configurations": np.array(json.dumps(configurations)),
                "reasons": np.array(json.dumps([r.reason for r in results])),
                "loss": np.stack([r.loss for r in results]),
                "error": np.stack([r.error for r in results]),
                "fold_loss": np.stack([r.fold_loss for r in results]),
                "best_epoch": np.array([r.best_epoch for r in results]),
                "halved": np.array([r.halved for r in results]),
            },
        )

    def forget(self) -> None:
        """The search is done and its results are written: drop this memory and those of abandoned searches."""
        shutil.rmtree(self._folder.parent, ignore_errors=True)

    def _path(self, first: int) -> Path:
        return self._folder / f"from_trial_{first:05d}.npz"


def loss_name(task: str) -> str:
    """What the search minimises, as the reports call it (regression: on the standardised target)."""
    return "squared_error" if task == "regression" else "log_loss"


def trials_table(trials: list[Trial], task: str) -> pd.DataFrame:
    """One row per trial: hyperparameters, mean and sd of the loss over folds, mean best epoch, status (ok | halved,
    which is valid but ended early | invalid) and reason."""
    rows: list[dict[str, Any]] = []
    names = dict.fromkeys(name for trial in trials for name in trial.configuration)  # not all families have all
    for trial in trials:
        result, valid = trial.result, not trial.result.reason
        rows.append(
            {
                "trial": trial.number,
                "generation": trial.generation,
                **{name: trial.configuration.get(name) for name in names},
                loss_name(task): round(result.mean, 6) if valid else None,
                f"{loss_name(task)}_sd": round(float(np.std(result.fold_loss, ddof=1)), 6) if valid else None,
                "best_epoch": round(result.best_epoch, 1),
                "status": ("halved" if result.halved else "ok") if valid else "invalid",
                "reason": result.reason,
            }
        )
    return pd.DataFrame(rows)


def _fingerprint(params: Params, arrays: Path, version: str) -> str:
    root = Path(__file__).parent.parent
    code = [read_bytes(path) for pattern in CODE for path in sorted(root.glob(pattern))]
    facts = (params.seed, params.table.task, params.encode.folds, params.tune, version)
    return fingerprint(read_bytes(arrays), repr(facts), *code)


if __name__ == "__main__":
    raise SystemExit(main())
