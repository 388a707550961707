"""Stage ``ensemble``: members' probabilities to a checked submission, metrics and plot data."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from features.contracts.tables import parse_table
from features.derived import module_of
from features.errors import UserError
from features.roles import SCORE
from features.scoring import decisions, metrics, submission
from features.scoring.digits import Digits
from features.scoring.rules import Rule, most
from features.tasks import DECIDED, DECISIONS, RISING, called
from pipeline import stage
from pipeline.choice.combining import Combined, combine
from pipeline.files import fingerprint, read_bytes, read_json, read_npz, sha256, write_csv, write_json
from pipeline.params import load
from pipeline.settings import Params, Table

# Points of the ROC curve that are worth keeping in Git.
ROC_POINTS = 200
# What predicting takes besides the ensemble's own file; their hashes are kept, so that they are never mixed.
PARTS = ("encoding", "normalization", "weights")
# Columns of folds.csv that are no measure.
FOLD_KEYS = ["repeat", "fold", "rows", "scored"]


def main(argv: Sequence[str] | None = None) -> int:
    """Combine, score and submit; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.ensemble", description=__doc__)
    stage.add_competition(parser)
    parser.add_argument("--input", type=Path, required=True, help="arrays.npz of the normalize stage")
    parser.add_argument("--predictions", type=Path, required=True, help="predictions.npz of the train stage")
    parser.add_argument("--encoding", type=Path, required=True, help="encoding.json of the encode stage")
    parser.add_argument("--train", type=Path, required=True, help="the raw training table, for the baseline")
    parser.add_argument("--sample", type=Path, required=True, help="the sample submission")
    parser.add_argument("--weights", type=Path, required=True, help="weights.npz of the train stage")
    parser.add_argument("--normalization", type=Path, required=True, help="normalization.json of the normalize stage")
    parser.add_argument("--output", type=Path, required=True, help="ensemble.json, what predicting new rows takes")
    parser.add_argument("--report", type=Path, required=True, help="folder for submission.csv, metrics.json and plots/")
    return stage.run(parser, ensemble, argv)


def ensemble(arguments: argparse.Namespace) -> None:
    """Read, combine, check, write."""
    params = load(arguments.params, arguments.competition)
    table = params.table
    arrays, predictions = read_npz(arguments.input), read_npz(arguments.predictions)
    classes = read_json(arguments.encoding)["classes"]
    train = parse_table(read_bytes(arguments.train), str(arguments.train))
    sample = parse_table(read_bytes(arguments.sample), str(arguments.sample))
    target, roles = arrays["target"], arrays["roles"]
    if roles.shape[1] % params.encode.folds:
        raise UserError(
            f"{arguments.input}: {roles.shape[1]} folds of all repeats; expected a multiple of encode.folds "
            f"({params.encode.folds}). Run `dvc repro` to draw them anew."
        )
    check_predictions(predictions, roles, len(arrays["ids"]) - len(target), str(arguments.predictions))
    transform = str(arrays["target_transform"]) if table.task == "regression" else "none"
    together = arrays["together"][: len(target)]
    combined = combine(params, predictions, target, roles, transform, together)
    folds = by_fold(params, combined, target, roles, arrays["ids"])
    found = summary(params, combined, predictions, target, roles, folds.drop(columns=FOLD_KEYS), together)
    found |= over_baseline(table, combined, found, baseline_answers(params, train, target, classes), target, together)
    ids = [str(value) for value in arrays["ids"][len(target) :]]
    asked, decided = [str(name) for name in sample.columns[1:]], combined.choice.rule.decide(combined.test)
    answers = submission.spell(table.task, table.metric, combined.test, decided, classes, asked, table.target)
    made = submission.build(sample, ids, answers, str(arguments.sample))
    path = arguments.report / "submission.csv"
    labels = set(classes) if table.metric in DECIDED else None
    submission.check(made, sample, ids, labels, str(path))
    for name, frame in plots(table.task, combined, target, classes).items():
        write_csv(arguments.report / "plots" / f"{name}.csv", frame)
    write_csv(arguments.report / "folds.csv", metrics.rounded_table(table.task, folds))
    # An error that nothing tells, as over rows of one group, is none in JSON.
    rounded = {key: metrics.rounded(table.task, value) for key, value in found.items() if not np.isnan(value)}
    write_json(arguments.report / "metrics.json", rounded)
    write_csv(path, made)
    parts = {part: sha256(getattr(arguments, part)) for part in PARTS}
    write_json(
        arguments.output,
        {
            "task": table.task,
            "metric": table.metric,
            "columns": list(sample.columns),
            "parts": parts,
            **combined.choice.to_mapping(),
        },
    )
    print(f"ensemble: CV {in_short(table, found)}")
    if submission.of_lower(table.task, table.metric, classes, asked, table.target):
        print(f"ensemble: {asked[0]!r} is named after the lower class, so it gets that one's probability")
    print(f"ensemble: {len(made)} rows checked and written to {path}")


def in_short(table: Table, found: Mapping[str, float]) -> str:
    """The score of ``metrics.json``, its error, and what it is better than."""
    metric, gain = gained_by(table), found["ensemble_gain"]
    if table.task == "regression":
        score, error, simple = (found[key] for key in (f"cv_{metric}", f"cv_{metric}_se", f"baseline_{metric}"))
        digits = Digits.of(metric, score, error, gain)
        moved = f"{digits.shown(gain, '+')} better" if gain >= 0 else f"{digits.shown(-gain)} worse"
        return (
            f"{called(metric)} {digits.shown(score)} ± {digits.shown(error)} "
            f"({moved} than a single member); baseline {digits.shown(simple)}"
        )
    said = {
        name: f"{called(name)} {found[f'cv_{name}']:.4f} ± {found[f'cv_{name}_se']:.4f}"
        for name in ("log_loss", metric)
    }
    said[metric] += f" ({gain:+.4f} over a single member)"
    # What the competition scores by comes first; a ROC AUC goes with the probabilities.
    order = ["log_loss", metric] if table.metric in ("log_loss", "roc_auc") else [metric, "log_loss"]
    area = f"ROC AUC {found['cv_roc_auc']:.4f}, " if table.metric == "roc_auc" else ""
    told = area + ", ".join(said[name] for name in order)
    return f"{told}; baseline {called(metric)} {found[f'baseline_{metric}']:.4f}"


def gained_by(table: Table) -> str:
    """The measure that ``ensemble_gain`` is of: the metric of values or decisions, else accuracy."""
    return table.metric if table.task == "regression" or table.metric in DECISIONS else "accuracy"


def check_predictions(predictions: dict[str, np.ndarray], roles: np.ndarray, tests: int, file: str) -> None:
    """Raises ``UserError`` where members do not belong to these rows and folds, a row has no out-of-fold answer in some
    repeat, or an answer is not finite: NaN would else be decided as a class without a word."""
    out_of_fold, test, fold = predictions["out_of_fold"], predictions["test"], predictions["fold"]
    again = "Delete it and run `dvc repro`."
    if out_of_fold.shape[1] != len(roles) or test.shape[1] != tests:
        raise UserError(
            f"{file}: answers for {out_of_fold.shape[1]} training and {test.shape[1]} test rows; expected {len(roles)} "
            f"and {tests}. {again}"
        )
    missing = sorted(set(range(roles.shape[1])) ^ set(fold.tolist()))
    if missing:
        raise UserError(f"{file}: members and folds differ, first in fold {missing[0]}. {again}")
    for member, answers in enumerate(out_of_fold):
        if not np.isfinite(answers[roles[:, fold[member]] == SCORE]).all() or not np.isfinite(test[member]).all():
            raise UserError(f"{file}: member {member} has answers that are no finite number. {again}")


def summary(
    params: Params,
    combined: Combined,
    predictions: dict[str, np.ndarray],
    target: np.ndarray,
    roles: np.ndarray,
    folds: pd.DataFrame,
    together: np.ndarray,
) -> dict[str, float]:
    """``metrics.json``: pooled over rows within a repeat, averaged over repeats; ``folds`` holds each fold's measures.

    ``_sd``: standard deviation over folds. ``_se``: standard error of the mean over rows, each row's loss averaged
    over repeats first, so that repeats do not pass for more rows than there are; nor do rows of one group of
    ``together [t]``.
    """
    table, task = params.table, params.table.task
    found = scores(table, combined, target, together)
    found |= {
        f"cv_{name}_sd": float(values.dropna().std()) for name, values in folds.items() if values.notna().sum() > 1
    }
    steps = by_step(table, combined, singles(predictions, roles, params.encode.folds), target)
    # Both pooled over rows: of folds' own roots, say, the mean lies below the root of the mean over all rows.
    metric = gained_by(table)
    gain = found[f"cv_{metric}"] - steps[f"single_{metric}"]
    found["ensemble_gain"] = gain if metric in RISING else -gain
    if task != "regression":
        found["threshold"], found["temperature"] = combined.choice.rule.threshold, combined.choice.temperature
    if combined.choice.level is not None:
        found |= combined.choice.level.moves()
    found["members"] = len(predictions["fold"])
    found["members_used"] = int((combined.choice.weights > 0).sum())
    return found | steps | gains(table, combined, target, together)


def scores(table: Table, combined: Combined, target: np.ndarray, together: np.ndarray) -> dict[str, float]:
    """``cv_<measure>`` and its ``_se``, see ``summary``."""
    repeats, decided = combined.out_of_fold, combined.rules.decide(combined.out_of_fold)
    by_repeat = [metrics.measures(table.task, table.metric, target, *one) for one in zip(repeats, decided, strict=True)]
    found = {f"cv_{name}": float(np.mean([measure[name] for measure in by_repeat])) for name in by_repeat[0]}
    for name in by_repeat[0]:
        if name != "roc_auc":
            shares = row_shares(name, target, repeats, decided, found[f"cv_{name}"])
            found[f"cv_{name}_se"] = metrics.mean_error(shares, together)
    return found


def row_shares(measure: str, target: np.ndarray, repeats: np.ndarray, decided: np.ndarray, value: float) -> np.ndarray:
    """What each row has of a ``measure``, ``[t]``, of answers ``[repeats, t, c]`` whose mean over repeats has this
    ``value``: of what is ``decided [repeats, t]`` see ``features.scoring.decisions``, else its loss, of a root by the
    delta method."""
    if measure in DECIDED:
        return decisions.row_values(measure, target, decided).mean(axis=0)
    losses = np.mean([metrics.row_loss(measure, target, one) for one in repeats], axis=0)
    root = 2 * value if measure in ("rmse", "rmsle") else 1.0
    return losses / root if root > 0 else np.zeros_like(losses)  # without any error there is none of the error either


def gains(table: Table, combined: Combined, target: np.ndarray, together: np.ndarray) -> dict[str, float]:
    """``<step>_gain_<measure>``: by how much ``selected`` is better than the ``mean`` of all, and ``calibrated`` than
    what it calibrates, over the same rows, by the metric and, of classes, the log loss; below 0 where it is worse.

    ``_se`` over rows, as in ``scores``, of each row's difference. A temperature moves no decision, since the rule goes
    with it, so calibration has a gain of probabilities alone; a ROC AUC has no error.
    """
    found, names = {}, dict.fromkeys([table.metric] if table.task == "regression" else [table.metric, "log_loss"])
    for step, before in (("selected", combined.steps["mean"]), ("calibrated", combined.uncalibrated)):
        for name in names if step in combined.steps else ():
            if step == "calibrated" and name in DECIDED:
                continue
            values, shares = [], []
            for answers in (before, combined.steps[step]):
                decided = step_decided(table, combined, step, answers)
                by_repeat = [
                    metrics.measures(table.task, table.metric, target, *one)[name]
                    for one in zip(answers, decided, strict=True)
                ]
                values.append(float(np.mean(by_repeat)))
                shares.append(row_shares(name, target, answers, decided, values[-1]))
            key, gain = f"{step}_gain_{name}", values[1] - values[0]
            found[key] = gain if name in RISING else -gain
            if name != "roc_auc":
                found[f"{key}_se"] = metrics.mean_error(shares[1] - shares[0], together)
    return found


def step_decided(table: Table, combined: Combined, step: str, answers: np.ndarray) -> np.ndarray:
    """As what a step of combining decides its ``answers [..., repeats, t, c]``: the likeliest class, so that nothing is
    chosen for one of them alone; by the answer's own rule, at the step's temperature, where a metric of decisions says
    little of the likeliest."""
    return (combined.step_rules[step] if table.metric in DECISIONS else Rule()).decide(answers)


def by_step(table: Table, combined: Combined, single: np.ndarray, target: np.ndarray) -> dict[str, float]:
    """What each step of combining is worth: ``single``, the ``mean`` of all, greedily ``selected``, ``calibrated`` (the
    answer's weights at the temperature or the level learned), each as by ``step_decided``, whether the answer takes
    that step or not.

    Pooled over rows within a repeat, averaged over repeats; ``_se``: standard error over repeats (for lack of others
    not with one), which tells of folds and first weights, not of rows. ``single [j, repeats, t, c]`` is averaged over
    ``j`` too.
    """
    found: dict[str, float] = {}
    for step, answers in {"single": single, **{name: value[None] for name, value in combined.steps.items()}}.items():
        decided = step_decided(table, combined, "mean" if step == "single" else step, answers)
        by_repeat: dict[str, list[float]] = {}
        for repeat in range(answers.shape[1]):
            each = [
                step_measures(table, target, *one) for one in zip(answers[:, repeat], decided[:, repeat], strict=True)
            ]
            for name in each[0]:
                by_repeat.setdefault(name, []).append(float(np.mean([measure[name] for measure in each])))
        for name, values in by_repeat.items():
            found[f"{step}_{name}"] = float(np.mean(values))
            if len(values) > 1:
                found[f"{step}_{name}_se"] = metrics.mean_error(np.array(values))
    return found


def step_measures(table: Table, target: np.ndarray, answer: np.ndarray, decided: np.ndarray) -> dict[str, float]:
    """The table's measures, and for classes how far probabilities are from what comes."""
    found = metrics.measures(table.task, table.metric, target, answer, decided)
    if table.task != "regression":
        found["calibration_error"] = metrics.calibration_error(target, answer)
    return found


def singles(predictions: dict[str, np.ndarray], roles: np.ndarray, folds: int) -> np.ndarray:
    """Out-of-fold answers of members alone ``[j, repeats, t, c]``: the first member of every fold together, the
    second, and so on, as far as each fold has one."""
    fold, out_of_fold = predictions["fold"], predictions["out_of_fold"]
    places = [np.flatnonzero(fold == one) for one in range(roles.shape[1])]
    count = min(map(len, places))
    found = np.empty((count, roles.shape[1] // folds, *out_of_fold.shape[1:]))
    for one, place in enumerate(places):
        scored = roles[:, one] == SCORE
        found[:, one // folds, scored] = out_of_fold[place[:count]][:, scored]
    return found


def by_fold(params: Params, combined: Combined, target: np.ndarray, roles: np.ndarray, ids: np.ndarray) -> pd.DataFrame:
    """Every measure of all rows for each fold's score rows, one row per fold; of classes NaN where the rows
    hold only one.

    ``scored`` is a fingerprint of the ids that the fold scores: two runs may be compared fold by fold where it agrees.
    """
    table, rows = params.table, []
    names, decided = metrics.names(table.task, table.metric, target), combined.rules.decide(combined.out_of_fold)
    for one in range(roles.shape[1]):
        repeat, fold = divmod(one, params.encode.folds)
        scored = roles[:, one] == SCORE
        known, answer = target[scored], combined.out_of_fold[repeat][scored]
        found: dict[str, float] = {}
        if table.task == "regression" or len(np.unique(known)) > 1:
            found = metrics.measures(table.task, table.metric, known, answer, decided[repeat][scored])
        own = sorted(str(value) for value in ids[: len(target)][scored])
        rows.append(
            {"repeat": repeat, "fold": fold, "rows": len(known), "scored": fingerprint(*own)[:12]}
            | {name: value for name, value in found.items() if name in names}
        )
    return pd.DataFrame(rows)


def baseline_answers(
    params: Params, train: pd.DataFrame, target: np.ndarray, classes: list[str]
) -> dict[str, np.ndarray]:
    """What the simple rule to beat answers, ``[t, c]``, by the measure that it is judged by.

    Classes: for measures of decisions the feature module's own rule where it has one, else for all measures the
    classes' shares, the same for every row, and for a metric of decisions the class that is better for all rows.
    Regression: the best constant by each measure.
    """
    task, metric = params.table.task, params.table.metric
    names = metrics.names(task, metric, target)
    if task == "regression":
        return {name: np.full((len(target), 1), metrics.best_constant(name, target)) for name in names}
    rule = getattr(module_of(params.table.module), "baseline", None)
    if rule is not None:
        code = {word: number for number, word in enumerate(classes)}
        ruled = rule(train).map(code).to_numpy(int)
        sure = np.eye(len(classes))[ruled]
        return dict.fromkeys(("accuracy", gained_by(params.table)), sure[:, 1:] if task == "binary" else sure)
    shares = np.bincount(target.astype(int), minlength=len(classes)) / len(target)
    found = dict.fromkeys(names, np.tile(shares[1:] if task == "binary" else shares, (len(target), 1)))
    if metric in DECISIONS:
        sure = np.eye(len(classes))[:, None].repeat(len(target), axis=1)
        always = sure[..., 1:] if task == "binary" else sure
        found[metric] = max(always, key=lambda said: decisions.value(metric, target, metrics.decide(said)))
    return found


def over_baseline(
    table: Table,
    combined: Combined,
    own: Mapping[str, float],
    said: Mapping[str, np.ndarray],
    target: np.ndarray,
    together: np.ndarray,
) -> dict[str, float]:
    """``baseline_<measure>`` of what the baseline has ``said``, see ``baseline_answers``; ``baseline_gain_<measure>``:
    by how much the answer, whose ``own`` measures are those of ``scores``, is better over the same rows, by the metric
    and, of classes, the log loss. ``_se`` over rows, as there, of each row's difference; a ROC AUC has none."""
    decided, found = combined.rules.decide(combined.out_of_fold), {}
    for name, answer in said.items():
        value = metrics.measures(table.task, table.metric, target, answer)[name]
        found[f"baseline_{name}"] = value
        if name not in (table.metric, "log_loss") or name == "roc_auc":
            continue
        score = own[f"cv_{name}"]
        shares = row_shares(name, target, combined.out_of_fold, decided, score)
        moved = shares - row_shares(name, target, answer[None], metrics.decide(answer[None]), value)
        found[f"baseline_gain_{name}"] = score - value if name in RISING else value - score
        found[f"baseline_gain_{name}_se"] = metrics.mean_error(moved, together)
    return found


def plots(task: str, combined: Combined, target: np.ndarray, classes: list[str]) -> dict[str, pd.DataFrame]:
    """Plot data by name, from the out-of-fold answers averaged over repeats (each row from networks that never saw
    it)."""
    answer = combined.out_of_fold.mean(axis=0)
    confusion = pd.DataFrame({"actual": [], "predicted": []})
    roc = pd.DataFrame({"false_positive_rate": [], "true_positive_rate": []})
    if task != "regression":
        decided = most(combined.rules.leanings(combined.out_of_fold).mean(axis=0))
        confusion = pd.DataFrame(
            {"actual": [classes[int(t)] for t in target], "predicted": [classes[p] for p in decided]}
        )
    if task == "binary":
        false, true = metrics.roc_curve(target, answer)
        kept = np.unique(np.linspace(0, len(false) - 1, min(len(false), ROC_POINTS)).round().astype(int))
        roc = pd.DataFrame({"false_positive_rate": false[kept].round(6), "true_positive_rate": true[kept].round(6)})
    bins = metrics.rounded_table(task, calibration(task, answer, target))
    return {"confusion_matrix": confusion, "roc": roc, "calibration": bins}


def calibration(task: str, answer: np.ndarray, target: np.ndarray) -> pd.DataFrame:
    """Ten equal parts of the rows by prediction: mean prediction against what came, with its standard error.

    For several classes: the probability of the class predicted against how often it was right.
    """
    columns = ("mean_predicted", "observed", "count", "standard_error")
    bins = metrics.calibration_bins(task, target, answer)
    return pd.DataFrame([dict(zip(columns, part, strict=True)) for part in bins])


if __name__ == "__main__":
    raise SystemExit(main())
