"""Stage ``report``: what the other stages found, as one page with one picture that needs neither network nor DVC."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from features import tasks
from features.contracts.contract import Contract
from features.derived import module_of
from features.encoding import dictionary
from features.errors import enumerated
from features.scoring.diagnosis import diagnose
from features.scoring.digits import Digits, shown
from features.scoring.importance import sentences
from features.tasks import DECISIONS, called
from pipeline import stage
from pipeline.files import read_csv, read_json, write_bytes
from pipeline.pages.markdown import cell, filled, joined, table
from pipeline.pages.overview import CURVES, loss_of, overview, pictured
from pipeline.params import load, read_document
from pipeline.settings import Params

# Columns whose levels the page shows.
COLUMNS_SHOWN = 6
# A data dictionary of more columns is folded.
FOLDED = 20
COUNTS = "A change counts where it is beyond the 95 % interval over folds (the lines in the picture)."


@dataclass(frozen=True)
class Told:
    """What the page says besides its measures, in Markdown; "" where there is nothing to say.

    ``tables``: what is predicted from what; ``doubles``: what became of rows that are alike; ``drift``: whether test
    rows are like train rows; ``sections``: how to read the picture, which rows have which answer, how training went;
    ``worth``: of the columns, in sentences; ``dictionary``: what feature groups and columns are.
    """

    tables: str = ""
    doubles: str = ""
    drift: str = ""
    sections: str = ""
    worth: str = ""
    dictionary: str = ""


def main(argv: Sequence[str] | None = None) -> int:
    """Draw and write the page; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.report", description=__doc__)
    stage.add_competition(parser)
    parser.add_argument("--contract", type=Path, required=True, help="what the tables must be")
    parser.add_argument("--encoding", type=Path, required=True, help="encoding.json of the encode stage")
    parser.add_argument("--report", type=Path, required=True, help="folder that holds the results and gets the page")
    return stage.run(parser, report, argv)


def report(arguments: argparse.Namespace) -> None:
    """Read, draw, write."""
    params, folder = load(arguments.params, arguments.competition), arguments.report
    contract = Contract.from_mapping(read_document(arguments.contract), arguments.contract.as_posix())
    encoding = read_json(arguments.encoding)
    metrics = read_json(folder / "metrics.json") | read_json(folder / "honest.json")
    frames = {
        name: read_csv(folder / f"{name}.csv")
        for name in ("learning_curves", "trials", "folds", "plots/calibration", "plots/confusion_matrix", "plots/roc")
    }
    worth, pairs = read_csv(folder / "columns.csv"), read_csv(folder / "interactions.csv")
    write_bytes(folder / "overview.png", overview(frames, params.table.task, params.table.metric))
    validation = read_json(folder / "validation.json")
    rows = validation["rows"]
    told = Told(
        tables=tables(params, rows),
        drift=(validation.get("drift") or {}).get("sentence", ""),
        doubles="; rows alike in every column are all in one fold" if "duplicates" in encoding else "",
        sections=joined(
            searched(frames["trials"]),
            repeats(params, frames["plots/confusion_matrix"]),
            kinds(params, validation.get("levels") or []),
            training(frames["learning_curves"]),
        ),
        worth=" ".join(sentences(worth, pairs)),
        dictionary=joined(
            table(dictionary.GROUPS, escaped(dictionary.groups(encoding, worth["group"].astype(str).tolist()))),
            columns(contract, dictionary.columns(contract, rows, validation["missing"], encoding)),
        ),
    )
    write_bytes(folder / "README.md", page(params, metrics, told).encode())
    print(f"report: {folder / 'README.md'}, with overview.png")


def page(params: Params, metrics: Mapping[str, float], told: Told) -> str:
    """The page in Markdown: measures with their errors, what a test table will score, the picture, how members were
    combined, what is ``told`` besides, and where the rest lies."""
    rows = []
    for measure in tasks.measures(params.table.task, params.table.metric):
        if f"cv_{measure}" not in metrics:
            continue
        cells = [metrics.get(key) for key in (f"cv_{measure}", f"cv_{measure}_se", f"cv_{measure}_sd")]
        cells += [metrics.get(f"single_{measure}"), metrics.get(f"baseline_{measure}")]
        rows.append([called(measure), *shown(measure, cells)])
    head = ("", "ensemble", "standard error", "standard deviation over folds", "single member", "baseline")
    together = "; the rows of a group are all in one fold" if params.encode.group_aware else ""
    if params.encode.time:
        together = f"; each fold scores a span of {cell(params.encode.time)} and learns from what lies before and after"
        together += ", of other groups" if params.encode.group_aware else ""
    scored = filled(
        f"The measures are cross-validated, out of fold: each row is scored by those of {metrics['members']} members "
        f"(networks) that neither learned from it nor were stopped by it{together}{told.doubles}. *Single member*: one "
        f"of them alone, on average. *Baseline*: {baseline(params)}."
    )
    page = joined(
        f"# {params.name}: predicting {cell(params.table.target)}",
        told.tables,
        scored,
        table(head, rows),
        doubt(params, metrics),
        expectation(params, metrics, told.drift),
        f"![{pictured(params.table.task)}](overview.png)",
        told.sections,
        combination(params, metrics),
        "## What the columns are worth",
        filled(f"{told.worth} {COUNTS}"),
        "![Each feature group permuted, left out, alone, and in pairs](columns.png)",
        told.dictionary,
        "## What else there is",
        filled(
            "Beside this page lie `submission.csv` (the answer, checked against the sample submission), "
            "`metrics.json`, `honest.json`, `honest.csv` (one row per outer fold), `trials.csv` (the search), "
            "`columns.csv`, `interactions.csv`, `members.csv`, `learning_curves.csv`, `validation.json` and, where "
            "`validate` ran, `data_docs/index.html` (the tables against their contract)."
        ),
    )
    return f"{page}\n"


def escaped(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """Rows of a table whose cells hold text of the user's."""
    return [[cell(text) for text in row] for row in rows]


def tables(params: Params, rows: Mapping[str, int]) -> str:
    """What is predicted, from how many rows, and how networks answer."""
    task, output = {
        "binary": ("two classes", "one sigmoid output and learn by binary cross-entropy"),
        "multiclass": ("several classes", "a softmax output a class and learn by sparse categorical cross-entropy"),
        "regression": ("a number", "one linear output and learn by the mean squared error"),
    }[params.table.task]
    of_class = f" of {cell(repr(params.table.positive))}" if params.table.positive else ""
    return filled(
        f"`{params.table.target}` ({task}, scored by {called(params.table.metric)}{of_class}) is known for "
        f"{rows['train']} training rows and predicted for {rows['test']} test rows. Networks answer by {output}. The "
        "stage `report` writes this page from the files beside it."
    )


def baseline(params: Params) -> str:
    """What the baseline is, see the stage ``ensemble``."""
    if params.table.task == "regression":
        return "the best constant"
    if hasattr(module_of(params.table.module), "baseline"):
        return f"the simple rule `baseline` in `features/{params.table.module}.py`"
    which = "better" if params.table.task == "binary" else "best"
    told = f"; for {called(params.table.metric)} all rows in one class, the {which} one"
    answer = "the same answer to every row, the shares of the classes"
    return answer + told * (params.table.metric in DECISIONS)


def doubt(params: Params, metrics: Mapping[str, float]) -> str:
    """That the score is not surely better than the baseline's, "" where it is or no error is known; of a ROC AUC, which
    has none, it is the log loss that tells."""
    for measure in (params.table.metric, "log_loss"):
        gain, error = (metrics.get(f"baseline_gain_{measure}{end}") for end in ("", "_se"))
        if gain is None or error is None:
            continue
        if gain > 2 * error:
            return ""
        _, away, scatter = shown(measure, (metrics[f"cv_{measure}"], abs(gain), error))
        return filled(
            f"**Perhaps next to nothing was learned**: over the same rows the ensemble's {called(measure)} is "
            f"{'better' if gain >= 0 else 'worse'} than the baseline's by {away}, with a standard "
            f"error of {scatter}, so by no more than chance may do."
        )
    return ""


def searched(trials: pd.DataFrame) -> str:
    """What is to be thought of the lowest loss in the picture."""
    losses = trials.set_index("trial")[loss_of(trials)]
    return filled(
        f"The search's lowest loss in the picture, {losses.min():.4f} of trial {losses.idxmin()}, is the best of "
        f"{losses.count()} trials by the rows that picked it, which flatters it."
    )


def repeats(params: Params, decisions: pd.DataFrame) -> str:
    """Why the picture's decisions are not those of the table above, where there are several repeats."""
    if params.table.task == "regression" or params.encode.repeats == 1:
        return ""
    curve = ", decisions and ROC curve" if params.table.task == "binary" else " and decisions"
    right = int((decisions["actual"].astype(str) == decisions["predicted"].astype(str)).sum())
    return filled(
        f"Calibration{curve} in the picture count each row once, by the mean of its answers in the "
        f"{params.encode.repeats} repeats of the cross-validation: {right} of {len(decisions)} decisions are right "
        f"({right / len(decisions):.4f}). The table at the top scores each repeat by itself and averages the scores, "
        "so it may differ a little."
    )


def columns(contract: Contract, rows: Sequence[Sequence[str]]) -> str:
    """The data dictionary, folded where it is long."""
    found = table(dictionary.COLUMNS, escaped(rows))
    if len(rows) > FOLDED:
        found = joined(f"<details><summary>All {len(rows)} columns</summary>", found, "</details>")
    said = filled(
        f"The data dictionary: each column of the tables by their contract (`{contract.file}`, where descriptions are "
        "edited), how much of it is missing, and what a network sees of it: inputs, or feature groups that are made "
        "from it."
    )
    return joined("## The columns", said, found)


def expectation(params: Params, metrics: Mapping[str, float], drift: str) -> str:
    """The nested estimate beside the usual score, and whether test rows are such as were scored."""
    measures = [name for name in tasks.measures(params.table.task, params.table.metric) if f"honest_{name}" in metrics]
    title = "## What a test table will score"
    if not measures:
        # An estimate whose folds have no value of any measure says no reason.
        reason = metrics.get("not_estimated", "no outer fold has a value of any measure")
        return joined(title, f"Not estimated, since {reason}.", drift)
    rows, ranked = [], ""
    if "roc_auc" in measures:
        ranked = "The honest ROC AUC is a mean over outer folds, by their rows; the usual one ranks all rows together. "
    for name in measures:
        keys = (f"cv_{name}", f"honest_{name}", f"honest_{name}_lo", f"honest_{name}_hi")
        usual, honest, low, high = shown(name, (metrics[key] for key in keys))
        rows.append((called(name), usual, honest, f"{low} to {high}"))
    earlier = ""
    if params.encode.time:
        earlier = (
            f" Each of them scores a span of {cell(params.encode.time)}, in the later half of the rows, and learns "
            f"from the rows before it alone{', of other groups' if params.encode.group_aware else ''}."
        )
    said = filled(
        "The search behind the usual score has seen all rows, which may flatter it. Here the whole choice (search, "
        f"trials, weights, threshold) was made anew in each of {metrics['honest_folds']} outer folds and scored on "
        f"rows that had no say in it.{earlier} {ranked}A test table of the same kind, of "
        f"{metrics['honest_test_rows']} rows, scores within the interval 95 times out of 100.{by_hand(params)}"
    )
    return joined(title, said, table(("", "usual", "honest", "95 % interval"), rows), drift)


def by_hand(params: Params) -> str:
    """What no stage can repeat: how the columns of a feature module were thought of."""
    if params.table.module == "plain":
        return ""
    return (
        f" What `features/{params.table.module}.py` makes of the columns is not chosen anew: whoever chose it by "
        "scores on these rows has flattered both."
    )


def kinds(params: Params, found: Sequence[Mapping[str, Any]]) -> str:
    """Which kinds of rows have which answer: the target's mean by level, of the columns that tell it apart best."""
    telling = [column for column in found if column["explained"] > 0][:COLUMNS_SHOWN]
    if not telling:
        return ""
    share = telling[0]["share_of"]
    what, unit = (f"share of {share!r} in", "accuracy") if share else ("mean of", "mae")
    rows = []
    for column in telling:
        means, errors = ([one[key] for one in column["levels"]] for key in ("mean", "error"))
        digits = Digits.of(unit, max(map(abs, means)), *errors)
        levels = "; ".join(
            f"{one['level']}: {digits.shown(one['mean'])} ± {digits.shown(one['error'])} ({one['rows']})"
            for one in column["levels"]
        )
        rows.append((cell(column["column"]), f"{column['explained']:.3f}", cell(levels)))
    said = filled(
        f"The {what} {params.table.target} among the training rows of each level of a column, ± its standard error (in "
        "brackets the number of rows), and the share of its variance that lies between the levels:"
    )
    return joined("## Which rows have which answer", said, table(("column", "share of variance", "levels"), rows))


def training(curves: pd.DataFrame) -> str:
    """What the learning curves say, in words."""
    watched = CURVES["stop_loss"]
    found = diagnose(curves["train_loss"].to_numpy(float), curves["stop_loss"].to_numpy(float), watched)
    lowest = curves.loc[curves["stop_loss"].idxmin()]
    members = int(curves["members_training"].iloc[0])
    who = "Training" if found.verdict.startswith("ended") else "The average member"
    said = filled(
        f"{who} {found.verdict}: {found.reason}. These are means over all members. One that has stopped keeps its "
        f"last loss (in epoch {lowest['epoch']:.0f}, {lowest['members_training']:.0f} of {members} still trained), and "
        "each answers with the weights of its own best epoch."
    )
    return joined("## How training went", said)


STEPS = {
    "single": "one member per fold",
    "mean": "mean of all",
    "selected": "selected greedily",
    "ranked": "mean of ranks",
    "calibrated": "the ensemble's weights, calibrated",
}


def combination(params: Params, metrics: Mapping[str, float]) -> str:
    """What each way to combine members is worth, and which one answers."""
    of_table = tasks.measures(params.table.task, params.table.metric)
    measures = [name for name in (*of_table, "calibration_error") if f"mean_{name}" in metrics]
    columns, scatter = [], False
    for measure in measures:
        keys = [(f"{step}_{measure}", f"{step}_{measure}_se") for step in STEPS]
        known = [[metrics[key] for key in pair if key in metrics] for pair in keys]
        digits = Digits.of(measure, metrics[f"mean_{measure}"], *itertools.chain(*known))
        columns.append([" ± ".join(map(digits.shown, numbers)) for numbers in known])
        scatter |= max(map(len, known)) > 1
    rows = [row for row in zip(STEPS.values(), *columns, strict=True) if any(row[1:])]
    # Else the table at the top has other decisions than the one here.
    same = metrics.get("threshold", 0.5) == 0.5 or params.table.metric in DECISIONS
    halved = "" if same else " and decided at 0.5"
    spread = "; ± is the standard error over the repeats of the cross-validation" if scatter else ""
    said = filled(
        f"The answer is {answering(params, metrics)}. Here all ways to combine them are scored out of fold, each as "
        f"chosen by other rows{halved}{spread}:"
    )
    head = ("", *(called(name) for name in measures))
    return joined("## How members are combined", said, table(head, rows), paired_gains(params, metrics))


def answering(params: Params, metrics: Mapping[str, float]) -> str:
    """How many members answer, combined in which way, and what becomes of that."""
    used = {"mean": "the mean", "greedy": "greedy selection", "rank_mean": "the mean of ranks"}[params.ensemble.method]
    if params.ensemble.calibration == "temperature" and params.table.task != "regression":
        used += f" at temperature {metrics['temperature']:.3f}"
    used += f" of {metrics['members_used']} members"
    if metrics.get("threshold", 0.5) != 0.5:
        return f"{used}, decided at the threshold {metrics['threshold']:.3g}"
    if params.table.task == "multiclass" and params.table.metric in DECISIONS and params.ensemble.threshold != "half":
        return f"{used}, decided so that {called(params.table.metric)} is best if the probabilities are true"
    if params.table.metric == "rmsle" and params.ensemble.method != "rank_mean":
        return f"{used}, averaged by their logarithms"
    factor, shift = metrics.get("factor", 1.0), metrics.get("shift", 0.0)
    told = {
        f"times {factor:.5g}": factor != 1,
        f"{'plus' if shift > 0 else 'less'} {abs(shift):.4g}": shift != 0,
        "rounded to whole numbers": metrics.get("rounded", 0) == 1,
    }
    moved = [words for words, true in told.items() if true]
    if not moved:
        return used
    wanted = {"rmse": "means", "mae": "medians", "mape": "medians, weighted by the inverse,"}[params.table.metric]
    return f"{used}, {enumerated(moved)}, so that answers are the {wanted} that {called(params.table.metric)} asks for"


def paired_gains(params: Params, metrics: Mapping[str, float]) -> str:
    """How much better selection and calibration are than what they begin with, "" where no gain is known."""
    told = []
    for step, gains, over in (
        ("selected", "greedy selection gains", "over the mean of all"),
        ("calibrated", "calibration gains", "over the same answers without it"),
    ):
        words = []
        for measure in tasks.measures(params.table.task, params.table.metric):
            if (gain := metrics.get(f"{step}_gain_{measure}")) is None:
                continue
            error = metrics.get(f"{step}_gain_{measure}_se")
            digits = Digits.of(measure, metrics[f"mean_{measure}"], gain, error or 0.0)
            scatter = "" if error is None else f" ± {digits.shown(error)}"
            words.append(f"{digits.shown(gain, '+')}{scatter} of {called(measure)}")
        told += [f"{gains} {enumerated(words)} {over}"] if words else []
    said = f"Over the same rows, {enumerated(told)}: ± is the standard error over rows, below 0 is worse."
    return filled(said) if told else ""


if __name__ == "__main__":
    raise SystemExit(main())
