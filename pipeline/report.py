"""Stage ``report``: what the other stages found, as one page with one picture that needs neither network nor DVC."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from features.importance import sentences
from pipeline import stage
from pipeline.files import read_csv, read_json, write_bytes
from pipeline.params import Params, load
from pipeline.pictures import label, panels, png

MEASURES = {
    "binary": ("accuracy", "log_loss", "roc_auc"),
    "multiclass": ("accuracy", "log_loss"),
    "regression": ("rmse", "rmsle", "mae"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Draw and write the page; returns the exit code."""
    parser = argparse.ArgumentParser(prog="pipeline.report", description=__doc__)
    parser.add_argument("--competition", required=True)
    parser.add_argument("--params", type=Path, required=True)
    parser.add_argument("--report", type=Path, required=True, help="folder that holds the results and gets the page")
    return stage.run(parser, report, argv)


def report(arguments: argparse.Namespace) -> None:
    """Read, draw, write."""
    params, folder = load(arguments.params, arguments.competition), arguments.report
    metrics = read_json(folder / "metrics.json") | read_json(folder / "honest.json")
    frames = {
        name: read_csv(folder / f"{name}.csv")
        for name in ("learning_curves", "trials", "plots/calibration", "plots/confusion_matrix", "plots/roc")
    }
    worth = sentences(read_csv(folder / "columns.csv"), read_csv(folder / "interactions.csv"))
    write_bytes(folder / "overview.png", overview(frames, params.table.task))
    drift = read_json(folder / "validation.json").get("drift") or {}
    write_bytes(folder / "README.md", page(params, metrics, worth, drift.get("sentence", "")).encode())
    print(f"report: {folder / 'README.md'}, with overview.png")


def overview(frames: Mapping[str, pd.DataFrame], task: str) -> bytes:
    """The picture: learning curves, trials and calibration; for classes the confusion, for two of them the ROC."""
    draws = {"learning_curves": learning_curves, "trials": trials, "plots/calibration": calibration}
    if task != "regression":
        draws["plots/confusion_matrix"] = confusion_matrix
    if task == "binary":
        draws["plots/roc"] = roc
    figure, axes = panels(len(draws))
    for axis, (name, draw) in zip(axes, draws.items(), strict=True):
        draw(axis, frames[name])
    return png(figure)


def learning_curves(axis: Axes, frame: pd.DataFrame) -> None:
    """Train and stop loss by epoch, with their standard errors over members."""
    for name in ("train_loss", "stop_loss"):
        mean, error = frame[name], frame[f"{name}_se"]
        axis.plot(frame["epoch"], mean, label=name.replace("_", " "))
        axis.fill_between(frame["epoch"], mean - error, mean + error, alpha=0.25)
    label(axis, "Loss, mean over members (train loss under dropout)", "epoch", "loss", legend=True)


def trials(axis: Axes, frame: pd.DataFrame) -> None:
    """Each trial's loss, and the best so far."""
    name = "log_loss" if "log_loss" in frame else "squared_error"
    axis.plot(frame["trial"], frame[name], "o", markersize=4, label="a trial")
    axis.plot(frame["trial"], frame[name].cummin(), drawstyle="steps-post", label="best so far")
    label(axis, "The search: loss of each trial, mean over folds", "trial", name.replace("_", " "), legend=True)


def calibration(axis: Axes, frame: pd.DataFrame) -> None:
    """Ten equal parts of the rows: what was predicted against what came."""
    ends = [
        frame[["mean_predicted", "observed"]].min().min(),
        frame[["mean_predicted", "observed"]].max().max(),
    ]
    axis.plot(ends, ends, color="0.6", linewidth=1)
    axis.errorbar(frame["mean_predicted"], frame["observed"], yerr=frame["standard_error"], fmt="o-", markersize=4)
    label(axis, "What was predicted, and what came (out of fold)", "mean predicted", "observed")


def confusion_matrix(axis: Axes, frame: pd.DataFrame) -> None:
    """How many rows of each class were decided as which."""
    names = sorted({*frame["actual"].astype(str), *frame["predicted"].astype(str)})
    counts = pd.crosstab(frame["actual"].astype(str), frame["predicted"].astype(str))
    table = counts.reindex(index=names, columns=names, fill_value=0).to_numpy()
    axis.imshow(table, cmap="Blues")
    axis.grid(visible=False)
    for row, column in np.ndindex(table.shape):
        shade = "white" if table[row, column] > table.max() / 2 else "black"
        axis.text(column, row, str(table[row, column]), ha="center", va="center", color=shade, fontsize=8)
    axis.set_xticks(range(len(names)), names)
    axis.set_yticks(range(len(names)), names)
    label(axis, "Decisions (out of fold)", "predicted", "actual")


def roc(axis: Axes, frame: pd.DataFrame) -> None:
    """True against false positives at every threshold."""
    axis.plot([0, 1], [0, 1], color="0.6", linewidth=1)
    axis.plot(frame["false_positive_rate"], frame["true_positive_rate"])
    label(axis, "ROC curve (out of fold)", "false positive rate", "true positive rate")


def page(params: Params, metrics: Mapping[str, float], worth: Sequence[str], drift: str) -> str:
    """The page in Markdown: measures with their errors, what a test table will score and whether its rows ``drift`` (a
    sentence), the picture, how members were combined, what columns are ``worth`` in sentences, where the rest lies."""
    rows = []
    # As ``ensemble_gain`` has it: a root is pooled over rows, as the ensemble's is, not a mean of each fold's own.
    single = "single" if params.table.task == "regression" else "single_member"
    for measure in MEASURES[params.table.task]:
        if f"cv_{measure}" not in metrics:
            continue
        cells = [metrics.get(key) for key in (f"cv_{measure}", f"cv_{measure}_se", f"cv_{measure}_sd")]
        cells += [metrics.get(f"{single}_{measure}"), metrics.get(f"baseline_{measure}")]
        shown = ["" if value is None else f"{value:.4f}" for value in cells]
        rows.append(f"| {measure.replace('_', ' ')} | {' | '.join(shown)} |")
    return f"""# {params.name}

Cross-validation of {metrics["members"]} members, out of fold: no row is scored by a network that learned from it or was
stopped by it.

| | ensemble | standard error | sd over folds | single member | baseline |
|---|---|---|---|---|---|
{chr(10).join(rows)}

{expectation(params, metrics, drift)}
![Learning curves, trials, calibration, decisions](overview.png)

{combination(params, metrics)}
## What the columns are worth

{" ".join(worth)} A change counts beyond two standard errors over folds (the lines in the picture).

![Each feature group permuted, left out, alone, and in pairs](columns.png)

Beside this page: `submission.csv` (the answer, checked against the sample), `metrics.json`, `honest.json`, `honest.csv`
(a row an outer fold), `trials.csv` (the search), `columns.csv`, `interactions.csv`, `members.csv`,
`learning_curves.csv`, `validation.json` and `data_docs/index.html` (the tables against their contract).
"""


def expectation(params: Params, metrics: Mapping[str, float], drift: str) -> str:
    """The nested estimate beside the usual score, and whether test rows are such as were scored."""
    measures = [name for name in MEASURES[params.table.task] if f"honest_{name}" in metrics]
    title = "## What a test table will score"
    if not measures:
        return f"{title}\n\nNot estimated (`honest.outer` is 0, or there are too few rows).\n\n{drift}\n"
    rows = [
        f"| {name.replace('_', ' ')} | {metrics[f'cv_{name}']:.4f} | {metrics[f'honest_{name}']:.4f} "
        f"| {metrics[f'honest_{name}_lo']:.4f} to {metrics[f'honest_{name}_hi']:.4f} |"
        for name in measures
    ]
    return f"""{title}

The search behind the usual score has seen all rows. Here the whole choice (search, trials, weights, threshold) was made
anew in each of {metrics["honest_folds"]} outer folds and scored on rows that had no say. A test table of the same kind,
of {metrics["honest_test_rows"]} rows, scores within the interval 95 times of 100:

| | usual | honest | 95 % interval |
|---|---|---|---|
{chr(10).join(rows)}

{drift}
"""


STEPS = {
    "single": "one member a fold",
    "mean": "mean of all",
    "selected": "selected greedily",
    "ranked": "mean of ranks",
    "calibrated": "the ensemble's weights, calibrated",
}


def combination(params: Params, metrics: Mapping[str, float]) -> str:
    """What each way to combine members is worth, and which one answers."""
    measures = [name for name in (*MEASURES[params.table.task], "calibration_error") if f"mean_{name}" in metrics]
    rows = []
    for step, words in STEPS.items():
        cells = []
        for measure in measures:
            value, error = metrics.get(f"{step}_{measure}"), metrics.get(f"{step}_{measure}_se")
            cells.append("" if value is None else f"{value:.4f}" + ("" if error is None else f" ± {error:.4f}"))
        if any(cells):
            rows.append(f"| {words} | {' | '.join(cells)} |")
    used = {"mean": "the mean", "greedy": "greedy selection", "rank_mean": "the mean of ranks"}[params.ensemble.method]
    if params.ensemble.calibration == "temperature" and params.table.task != "regression":
        used += f" at temperature {metrics['temperature']:.3f}"
    return f"""## How members are combined

The answer is {used} of {metrics["members_used"]} members. All ways are scored out of fold, each as chosen by other
rows; ± is the standard error over repeats of the cross-validation:

| | {" | ".join(name.replace("_", " ") for name in measures)} |
|---|{"---|" * len(measures)}
{chr(10).join(rows)}
"""


if __name__ == "__main__":
    raise SystemExit(main())
