"""The page and its picture: figures from the files, the same bytes twice, a picture for every task."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from features.contracts.contract import Contract
from pipeline import report
from pipeline.params import load
from tests.pipeline.pages.test_overview import frames
from tests.stages import ROOT, options

METRICS = {"cv_accuracy": 0.8123, "cv_accuracy_se": 0.0111, "cv_log_loss": 0.4, "baseline_accuracy": 0.6, "members": 7}
METRICS |= {"mean_log_loss": 0.41, "mean_log_loss_se": 0.003, "single_log_loss": 0.42, "members_used": 6}

HONEST = {"honest_accuracy": 0.8, "honest_accuracy_lo": 0.7, "honest_accuracy_hi": 0.9, "honest_folds": 5}
HONEST |= {"honest_test_rows": 418}

TWO = [{"level": "a|b", "rows": 7, "mean": 0.75, "error": 0.0123}, {"level": "c", "rows": 8, "mean": 0.5, "error": 0.1}]
LEVELS = [
    {"column": f"column {one}", "share_of": "yes", "explained": 0.5 - one / 20, "levels": TWO}
    for one in range(report.COLUMNS_SHOWN + 1)
]
COUNTS = {"rows": {"train": 891, "test": 418}, "missing": {"train": {"Age": 177}, "test": {"Age": 86}}}
VALIDATION = json.dumps({"drift": {"sentence": "Rows differ by age."}, "levels": LEVELS, **COUNTS})
STATE = {
    "module": "titanic", "features": {"on": ["fare", "deck"]}, "in_fold": [], "codes": [], "indicators": [],
    "columns": [{"name": "FareEach", "kind": "number"}], "groups": ["fare", "deck", "deck"], "forms": [""] * 3,
    "categories": [{"column": "Deck", "encoding": "onehot", "levels": ["A", "B"]}],
}  # fmt: skip


def worth() -> dict[str, pd.DataFrame]:
    kinds = ("importance", "without", "alone")
    values = {f"{kind}_log_loss{error}": [0.2, 0.0] for kind in kinds for error in ("", "_se")}
    values |= {f"{kind}_log_loss_se": [0.01, 0.01] for kind in kinds} | {f"{kind}_folds": [10, 10] for kind in kinds}
    pairs = {
        "group": ["fare"],
        "with": ["deck"],
        "alone_log_loss": [-0.3],
        "alone_log_loss_se": [0.01],
        "alone_folds": [10],
    }
    return {
        "columns": pd.DataFrame({"group": ["fare", "deck"], "inputs": [1, 2], **values}),
        "interactions": pd.DataFrame(pairs),
    }


def written(folder: Path) -> list[str]:
    """Results in ``folder``, as the other stages leave them; returns the stage's arguments."""
    (folder / "metrics.json").write_text(json.dumps(METRICS))
    (folder / "honest.json").write_text(json.dumps(HONEST))
    (folder / "validation.json").write_text(VALIDATION)
    (folder / "encoding.json").write_text(json.dumps(STATE))
    ours = options(ROOT, params="params.yaml", contract="data/contracts/titanic.yaml")
    return ["--competition", "titanic", *ours, *options(folder, encoding="encoding.json", report="")]


def test_the_page_holds_the_figures_of_the_run(tmp_path: Path) -> None:
    arguments = written(tmp_path)
    for name, frame in (frames("binary") | worth()).items():
        path = tmp_path / f"{name}.csv"
        path.parent.mkdir(exist_ok=True)
        frame.to_csv(path, index=False)
    assert report.main(arguments) == 0
    page = (tmp_path / "README.md").read_text()
    prose = " ".join(page.split())
    assert page.startswith("# titanic: predicting Survived\n")
    assert "is known for 891 training rows and predicted for 418 test rows" in prose
    assert "answer by one sigmoid output and learn by binary cross-entropy" in prose
    assert "lowest loss in the picture, 0.4000 of trial 2, is the best of 2 trials by the rows that picked it" in prose
    assert "| accuracy | 0.8123 | 0.0111 |" in page and "of 7 members" in prose
    assert "| log loss | 0.4000 |  |" in page and "ROC AUC" not in page
    assert "| mean of all | 0.4100 ± 0.0030 |" in page and "| one member per fold | 0.4200 |" in page
    assert "The answer is the mean of 6 members." in prose and "selected" not in page
    assert "worse without fare." in prose and "networks need deck: it could go." in prose
    assert "apart: fare with deck (-0.3000)" in prose
    assert "(columns.png)" in page and "(overview.png)" in page and (tmp_path / "overview.png").is_file()
    assert "| accuracy | 0.8123 | 0.8000 | 0.7000 to 0.9000 |" in page and "of 418 rows, scores" in prose
    assert "Rows differ by age." in prose
    assert "| column 0 | 0.500 | a\\|b: 0.7500 ± 0.0123 (7); c: 0.5000 ± 0.1000 (8) |" in page
    assert f"| column {report.COLUMNS_SHOWN - 1} |" in page and f"| column {report.COLUMNS_SHOWN} |" not in page
    assert "The share of 'yes' in Survived among" in prose
    assert "Training ended too soon to tell: it ran for fewer than 3 epochs." in prose
    assert "(in epoch 2, 3 of 7 still trained)" in prose
    assert "2 of 3 decisions are right (0.6667)" in prose
    assert (
        "![Learning curves, the search's trials, each fold's score, calibration, decisions, ROC curve](overview.png)"
        in page
    )
    assert "| fare | Ticket, Fare | 1 number | Logarithm of the fare of one person" in page
    assert page.index("| fare | Ticket") < page.index("| deck | Cabin | 2 one-hot |")
    assert "| Age | feature, number | a number from 0 to 120 | 19.9 % / 20.6 % | Age in years" in page
    left_out = {"honest_folds": 0, "not_estimated": "class 'rare' has 3 rows"}
    (tmp_path / "honest.json").write_text(json.dumps(left_out))
    assert report.main(arguments) == 0
    assert "\nNot estimated, since class 'rare' has 3 rows.\n" in (tmp_path / "README.md").read_text()


def test_the_page_says_of_which_class_f1_is() -> None:
    params = load(ROOT / "params.yaml", "titanic")
    judged = replace(params, table=replace(params.table, metric="f1", positive="1", module="plain"))
    assert "two classes, scored by F1 of '1') is known for" in report.tables(judged, COUNTS["rows"])
    assert report.baseline(judged).endswith("the shares of the classes; for F1 all rows in one class, the better one")
    assert "scored by accuracy) is known for" in report.tables(params, COUNTS["rows"])


def test_a_score_no_better_than_the_baseline_is_told_for_what_it_is() -> None:
    params = load(ROOT / "params.yaml", "titanic")
    near = METRICS | {"baseline_gain_accuracy": 0.02, "baseline_gain_accuracy_se": 0.0111}
    told = " ".join(report.doubt(params, near).split())
    assert "over the same rows the ensemble's accuracy is better than the baseline's by 0.0200" in told
    assert "error of 0.0111" in told
    assert report.doubt(params, near | {"baseline_gain_accuracy": 0.0223}) == "", "twice the error and more"
    assert report.doubt(params, {"cv_accuracy": 0.6}) == "", "no error is known"
    ranked = replace(params, table=replace(params.table, metric="roc_auc"))
    losses = {"cv_log_loss": 0.68, "baseline_gain_log_loss": -0.013, "baseline_gain_log_loss_se": 0.01}
    assert "log loss is worse than the baseline's by 0.0130" in " ".join(report.doubt(ranked, losses).split())


def test_that_an_auc_is_a_mean_over_outer_folds_is_said_where_one_is_shown() -> None:
    params = load(ROOT / "params.yaml", "titanic")
    said = "ROC AUC is a mean over outer folds"
    assert said not in report.expectation(params, METRICS | HONEST, "").replace("\n", " ")
    ranks = {"cv_roc_auc": 0.8, "honest_roc_auc": 0.8, "honest_roc_auc_lo": 0.7, "honest_roc_auc_hi": 0.9}
    assert said in report.expectation(params, METRICS | HONEST | ranks, "").replace("\n", " ")


def test_a_single_member_is_pooled_over_rows_where_the_ensemble_is() -> None:
    """A root of a mean over all rows is never below the mean of each fold's root."""
    params = load(ROOT / "params.yaml", "titanic")
    classes = params.table
    params = replace(params, table=replace(classes, task="regression", metric="rmse"))
    figures = {"cv_rmse": 2.0, "single_rmse": 2.5, "members": 4, "members_used": 4}
    page = report.page(params, figures, report.Told())
    assert "| RMSE | 2.000 |  |  | 2.500 |  |" in page and "of a group" not in page
    grouped = replace(params, encode=replace(params.encode, group_aware=True))
    assert "were stopped by it; the rows of a group are all in one fold." in report.page(
        grouped, figures, report.Told()
    )
    both = replace(grouped, encode=replace(grouped.encode, time="day"))
    said = " ".join(report.page(both, figures, report.Told()).split())
    assert "a span of day and learns from what lies before and after, of other groups." in said
    nested = report.expectation(replace(both, table=classes), METRICS | HONEST, "")
    assert "learns from the rows before it alone, of other groups." in " ".join(nested.split())


def test_a_small_or_a_large_unit_is_no_zero_and_no_exponent() -> None:
    params = load(ROOT / "params.yaml", "titanic")
    params = replace(params, table=replace(params.table, task="regression", metric="rmse"))
    figures = {"cv_rmse": 2.5e-9, "cv_rmse_se": 1e-10, "cv_mae": 27345.67, "members": 4, "members_used": 4}
    figures |= {"honest_mae": 27345.67, "honest_mae_lo": 0.5, "honest_mae_hi": 3e5, "honest_folds": 5}
    figures |= {"honest_test_rows": 9, "mean_rmse": 2.5e-9, "mean_rmse_se": 1e-10}
    page = report.page(params, figures, report.Told())
    assert "| RMSE | 2.500e-09 | 0.100e-09 |" in page and "| MAE | 27346 |" in page
    assert "| MAE | 27345.7 | 27345.7 | 0.5 to 300000.0 |" in page and "| mean of all | 2.500e-09 ± 0.100e-09 |" in page


def test_a_missing_result_is_one_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report.main(written(tmp_path)) == 1
    assert "learning_curves.csv: no such file" in capsys.readouterr().err
    assert not (tmp_path / "README.md").exists()


def test_an_average_of_repeats_is_explained_where_there_are_several() -> None:
    params = load(ROOT / "params.yaml", "titanic")
    decided = pd.DataFrame({"actual": ["NA", "b"], "predicted": ["NA", "NA"]})
    assert "in the 2 repeats" in report.repeats(params, decided) and "1 of 2" in report.repeats(params, decided)
    assert report.repeats(replace(params, encode=replace(params.encode, repeats=1)), decided) == ""


def test_a_long_dictionary_is_folded_and_nothing_breaks_a_table() -> None:
    contract = Contract((), "some.yaml")
    row = ("a|b <c>", "feature, text", "any\ntext", "none", "", "nothing")
    short, long = (report.columns(contract, [row] * count) for count in (report.FOLDED, report.FOLDED + 1))
    assert "| a\\|b &lt;c> | feature, text | any text | none |  | nothing |" in short and "<details>" not in short
    assert "<details><summary>All 21 columns</summary>\n\n| column |" in long and long.endswith("|\n\n</details>")
    assert report.table(("a",), []) == ""


def test_combination_says_what_its_table_holds() -> None:
    """No ± is explained where one repeat gives none; a threshold of its own is why the table at the top differs."""
    params = load(ROOT / "params.yaml", "titanic")
    two = " ".join(report.combination(params, METRICS | {"threshold": 0.5}).split())
    assert "of 6 members. Here" in two and "by other rows; ± is the standard error over the repeats" in two
    once = {key: value for key, value in METRICS.items() if key != "mean_log_loss_se"} | {"threshold": 0.51}
    one = " ".join(report.combination(params, once).split())
    assert "±" not in one
    assert "of 6 members, decided at the threshold 0.51. Here" in one and "by other rows and decided at 0.5:" in one
    judged = replace(params, table=replace(params.table, metric="f1"))
    own = " ".join(report.combination(judged, once | {"mean_f1": 0.7, "single_f1": 0.6}).split())
    assert "decided at the threshold 0.51. Here" in own and "by other rows:" in own, (
        "which the steps are decided by, too"
    )
    assert "| log loss | F1 |" in own and "| 0.7000 |" in own
    several = replace(params, table=replace(params.table, task="multiclass", metric="macro_f1"))
    gained = " ".join(report.combination(several, METRICS | {"threshold": 0.5, "mean_macro_f1": 0.7}).split())
    assert "of 6 members, decided so that macro F1 is best if the probabilities are true. Here" in gained
    assert "| log loss | macro F1 |" in gained and "by other rows;" in gained
    likeliest = replace(several, ensemble=replace(several.ensemble, threshold="half"))
    assert "of 6 members. Here" in " ".join(report.combination(likeliest, METRICS).split())
    squared = replace(params, table=replace(params.table, task="regression", metric="rmsle"))
    assert "The answer is the mean of 6 members, averaged by their logarithms. Here" in " ".join(
        report.combination(squared, METRICS).split()
    )


def test_what_steps_gain_is_told_over_the_same_rows() -> None:
    params = load(ROOT / "params.yaml", "titanic")
    gains = {"selected_gain_accuracy": 0.0021, "selected_gain_accuracy_se": 0.0012, "selected_gain_log_loss": -0.00123}
    gains |= {"selected_gain_log_loss_se": 0.0034, "mean_accuracy": 0.8, "mean_roc_auc": 0.9}
    once = METRICS | {"mean_log_loss_se": 0.0} | gains
    told = " ".join(report.combination(params, once).split())
    said = (
        "Over the same rows, greedy selection gains +0.0021 ± 0.0012 of accuracy and -0.0012 ± 0.0034 of log loss over"
    )
    assert f"{said} the mean of all: ± is the standard error over rows, below 0 is worse." in told
    gains = {"selected_gain_roc_auc": 0.01, "calibrated_gain_log_loss": 0.0, "calibrated_gain_log_loss_se": 0.0}
    told = " ".join(report.combination(params, METRICS | {"mean_roc_auc": 0.9} | gains).split())
    assert "gains +0.0100 of ROC AUC over the mean of all and calibration gains +0.0000 ± 0.0000 of log loss ov" in told
    assert "Over the same rows" not in report.combination(params, METRICS)
    alone = {key: value for key, value in METRICS.items() if key != "mean_log_loss_se"} | gains
    assert "over the repeats" not in report.combination(params, alone | {"mean_roc_auc": 0.9})


@pytest.mark.parametrize(
    ("metric", "moves", "told"),
    [
        (
            "rmse",
            {"factor": 1.25, "shift": 0.0},
            "6 members, times 1.25, so that answers are the means that RMSE asks for.",
        ),
        (
            "mae",
            {"factor": 1.0, "shift": 0.5},
            "6 members, plus 0.5, so that answers are the medians that MAE asks for.",
        ),
        (
            "mape",
            {"factor": 0.75, "shift": 0.0},
            "times 0.75, so that answers are the medians, weighted by the inverse, that MAPE asks for.",
        ),
        ("mae", {"factor": 1.0, "shift": -0.5}, "6 members, less 0.5, so that"),
        ("mae", {"factor": 1.0, "shift": -0.5, "rounded": 1.0}, "less 0.5 and rounded to whole numbers, so that"),
        ("mae", {"factor": 1.0, "shift": 0.0, "rounded": 1.0}, "6 members, rounded to whole numbers, so that answers"),
        ("mae", {"factor": 1.0, "shift": 0.0, "rounded": 0.0}, "6 members. Here"),
    ],
)
def test_what_answers_are_moved_by_is_said(metric: str, moves: dict[str, float], told: str) -> None:
    params = load(ROOT / "params.yaml", "titanic")
    params = replace(params, table=replace(params.table, task="regression", metric=metric))
    assert told in " ".join(report.combination(params, METRICS | moves).split())
