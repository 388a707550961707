"""Stage ``report``: what the other stages found, as one page with one picture that needs neither network nor DVC."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from features.diagnosis import diagnose
from features.importance import sentences
from features.metrics import shown
from pipeline import stage
from pipeline.files import read_csv, read_json, write_bytes
from pipeline.params import Params, load
from pipeline.pictures import AS_WRITTEN, label, panels, png

# Columns whose levels the page shows.
TOLD = 6
MEASURES = {
    "binary": ("accuracy", "log_loss", "roc_auc"),
    "multiclass": ("accuracy", "log_loss"),
    "regression": ("rmse", "rmsle", "mae"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Draw and write the page; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.report", description=__doc__)
    stage.add_competition(parser)
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
    validation = read_json(folder / "validation.json")
    drift = (validation.get("drift") or {}).get("sentence", "")
    said = [kinds(params, validation.get("levels") or []), training(frames["learning_curves"])]
    write_bytes(folder / "README.md", page(params, metrics, said, worth, drift).encode())
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
    axis.set_xticks(range(len(names)), names, **AS_WRITTEN)
    axis.set_yticks(range(len(names)), names, **AS_WRITTEN)
    label(axis, "Decisions (out of fold)", "predicted", "actual")


def roc(axis: Axes, frame: pd.DataFrame) -> None:
    """True against false positives at every threshold."""
    axis.plot([0, 1], [0, 1], color="0.6", linewidth=1)
    axis.plot(frame["false_positive_rate"], frame["true_positive_rate"])
    label(axis, "ROC curve (out of fold)", "false positive rate", "true positive rate")


def page(params: Params, metrics: Mapping[str, float], said: Sequence[str], worth: Sequence[str], drift: str) -> str:
    """The page in Markdown: measures with their errors, what a test table will score and whether its rows ``drift`` (a
    sentence), the picture, what else is ``said`` (sections), how members were combined, what columns are ``worth`` in
    sentences, where the rest lies."""
    rows = []
    # As ``ensemble_gain`` has it: a root is pooled over rows, as the ensemble's is, not a mean of each fold's own.
    single = "single" if params.table.task == "regression" else "single_member"
    for measure in MEASURES[params.table.task]:
        if f"cv_{measure}" not in metrics:
            continue
        cells = [metrics.get(key) for key in (f"cv_{measure}", f"cv_{measure}_se", f"cv_{measure}_sd")]
        cells += [metrics.get(f"{single}_{measure}"), metrics.get(f"baseline_{measure}")]
        figures = ["" if value is None else shown(measure, value) for value in cells]
        rows.append(f"| {measure.replace('_', ' ')} | {' | '.join(figures)} |")
    return f"""# {params.name}

Cross-validation of {metrics["members"]} members, out of fold: no row is scored by a network that learned from it or was
stopped by it.

| | ensemble | standard error | sd over folds | single member | baseline |
|---|---|---|---|---|---|
{chr(10).join(rows)}

{expectation(params, metrics, drift)}
![Learning curves, trials, calibration, decisions](overview.png)

{chr(10).join([*said, combination(params, metrics)])}
## What the columns are worth

{" ".join(worth)} A change counts beyond the 95 % interval over folds (the lines in the picture).

![Each feature group permuted, left out, alone, and in pairs](columns.png)

Beside this page: `submission.csv` (the answer, checked against the sample), `metrics.json`, `honest.json`, `honest.csv`
(a row an outer fold), `trials.csv` (the search), `columns.csv`, `interactions.csv`, `members.csv`,
`learning_curves.csv`, `validation.json` and, where `validate` ran, `data_docs/index.html` (the tables against their
contract).
"""


def expectation(params: Params, metrics: Mapping[str, float], drift: str) -> str:
    """The nested estimate beside the usual score, and whether test rows are such as were scored."""
    measures = [name for name in MEASURES[params.table.task] if f"honest_{name}" in metrics]
    title = "## What a test table will score"
    if not measures:
        return f"{title}\n\nNot estimated (`honest.outer` is 0, or there are too few rows).\n\n{drift}\n"
    rows = []
    for name in measures:
        keys = (f"cv_{name}", f"honest_{name}", f"honest_{name}_lo", f"honest_{name}_hi")
        usual, honest, low, high = (shown(name, metrics[key]) for key in keys)
        rows.append(f"| {name.replace('_', ' ')} | {usual} | {honest} | {low} to {high} |")
    return f"""{title}

The search behind the usual score has seen all rows. Here the whole choice (search, trials, weights, threshold) was made
anew in each of {metrics["honest_folds"]} outer folds and scored on rows that had no say. A test table of the same kind,
of {metrics["honest_test_rows"]} rows, scores within the interval 95 times of 100:

| | usual | honest | 95 % interval |
|---|---|---|---|
{chr(10).join(rows)}

{drift}
"""


def kinds(params: Params, found: Sequence[Mapping[str, Any]]) -> str:
    """Which kinds of rows have which answer: the target's mean by level, of the columns that tell it apart best."""
    telling = [column for column in found if column["explained"] > 0][:TOLD]
    if not telling:
        return ""
    share = telling[0]["share_of"]
    what, unit = (f"share of {share!r} in", "accuracy") if share else ("mean of", "mae")
    rows = []
    for column in telling:
        cells = "; ".join(
            f"{one['level']}: {shown(unit, one['mean'])} ± {shown(unit, one['error'])} ({one['rows']})"
            for one in column["levels"]
        )
        name, cells = (text.replace("|", "\\|") for text in (column["column"], cells))
        rows.append(f"| {name} | {column['explained']:.3f} | {cells} |")
    return f"""## Which rows have which answer

The {what} {params.table.target} among the training rows of each level ± its standard error (rows), and how much of
its variance lies between a column's levels:

| column | of the variance | levels |
|---|---|---|
{chr(10).join(rows)}
"""


def training(curves: pd.DataFrame) -> str:
    """What the learning curves say, in words."""
    found = diagnose(curves["train_loss"].to_numpy(float), curves["stop_loss"].to_numpy(float))
    return f"""## How training went

Training {found.verdict}: {found.reason}. These are means over all members; each keeps the weights of its own best
epoch.
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
            cell = "" if value is None else shown(measure, value)
            cells.append(cell if error is None else f"{cell} ± {shown(measure, error)}")
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
