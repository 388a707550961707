"""What people read: links lead somewhere, lines are wrapped alike, figures are those of the reports."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bench.printed import MODELS, cells, change, relative_time, share_covered

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md")), ROOT / "data" / "README.md"]
WIDTH = 140
README = ROOT / "README.md"
MEASUREMENTS, SCORES, TEXTBOOK = (ROOT / "docs" / f"{name}.md" for name in ("measurements", "scores", "textbook"))


def read(name: str) -> Any:
    return json.loads((ROOT / "reports" / name).read_text())


def prose(path: Path) -> list[tuple[int, str]]:
    """Lines with their numbers, without tables and indented code."""
    lines = enumerate(path.read_text().split("\n"), start=1)
    return [(number, line) for number, line in lines if not line.startswith(("|", "    "))]


def flat(path: Path) -> str:
    """The text with single spaces, without breaks."""
    return " ".join(path.read_text().split())


def anchors(path: Path) -> set[str]:
    """Of a document's headings, as GitHub makes them."""
    titles = [line.lstrip("# ") for _, line in prose(path) if line.startswith("#")]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def table(path: Path, *columns: str, after: str = "") -> list[list[str]]:
    """Rows of the first table that has all of these titles, behind the text ``after``, without marks of emphasis."""
    text = path.read_text().replace("**", "")
    lines = text[text.index(after) :].split("\n")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    start = next(index for index, row in enumerate(rows) if lines[index].startswith("|") and {*columns} <= {*row})
    end = next(index for index in range(start, len(lines)) if not lines[index].startswith("|"))
    return [rows[start], *rows[start + 2 : end]]


def name_of(row: list[str]) -> str:
    """The table that a row is about, as `bench` spells it."""
    return row[0].removesuffix(" (generated)").lower().replace(" ", "_")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", path.read_text()):
        name, _, anchor = target.partition("#")
        if "://" in name:
            continue
        file = path.parent / name if name else path
        assert file.is_file(), target
        assert not anchor or anchor in anchors(file), target


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_code_that_is_named_is_there(path: Path) -> None:
    known = [file for part in ("pipeline", "features", "bench", "tests") for file in (ROOT / part).rglob("*.py")]
    for name in re.findall(r"`([\w/]+\.py)`", path.read_text()):
        assert any(f"/{file.relative_to(ROOT).as_posix()}".endswith(f"/{name}") for file in known), name


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_lines_are_wrapped_alike(path: Path) -> None:
    assert [number for number, line in prose(path) if len(line) > WIDTH] == []


@pytest.mark.parametrize("path", [README, MEASUREMENTS], ids=["README", "measurements"])
def test_titanics_scores_are_those_of_the_report(path: Path) -> None:
    quality = read("bench/chain.json")["quality"]
    for measure, _, usual, nested in table(path, "pipeline, nested")[1:]:
        name = measure.lower().replace(" ", "_")
        for kind, cell in (("cv", usual), ("honest", nested)):
            found = quality[f"{kind}_{name}"]
            assert cell == f"{found['mean']:.4f} ± {found['sd']:.4f}", measure


@pytest.mark.parametrize("path", [README, MEASUREMENTS], ids=["README", "measurements"])
def test_the_comparison_is_that_of_the_report(path: Path) -> None:
    check_comparison(table(path, "RealMLP-TD", "MLP"), read("bench/accuracy.json"))


def test_the_comparison_on_other_tables_is_that_of_the_report() -> None:
    report = read("bench/unseen.json")
    rows = table(MEASUREMENTS, "RealMLP-TD", "MLP", after="## Tables that no default was chosen by")
    assert {row[0] for row in rows[1:]} == {*report["loss"], "mean rank", "here against it"}
    check_comparison(rows, report)
    ranks = [report["mean_rank"][model] for model in ("ours", "tabm", "gradient_boosting", "realmlp")]
    assert "{:.2f}, TabM {:.2f}, gradient boosting {:.2f}, RealMLP {:.2f};".format(*ranks) in flat(README)


def check_comparison(rows: list[list[str]], report: Any) -> None:
    """All tables of the report and the mean rank are there, and every cell is what ``bench`` prints."""
    models = [next(name for name, title in MODELS.items() if title == shown) for shown in rows[0][1:]]
    expected = {name.lower().replace(" ", "_"): found for name, found in cells(report)}
    found = {name_of(row).removesuffix("_per_split"): row[1:] for row in rows[1:]}
    assert {"mean_rank", *(name.lower() for name in report["loss"])} <= found.keys()
    for name, said in found.items():
        assert said == [expected[name].get(model, "") for model in models], name


def test_the_families_are_those_of_the_report() -> None:
    report = read("bench/families.json")["tables"]
    titles, *rows = table(ROOT / "docs" / "experiments.md", "Titanic", "wine", "time")
    names = [title.lower().replace(" ", "_") for title in titles[1:-1]]
    assert len(rows) == len(report["titanic"])
    for place, (network, *changes, time) in enumerate(rows):
        found = [report[name][place] for name in names]
        assert {one["network"] for one in found} == {network}
        assert changes == [change(one) for one in found] and time == relative_time(report["titanic"], place), network


def test_the_runs_that_are_shown_are_those_of_the_reports() -> None:
    """By the lines that change first when code or params do."""
    text, titanic, honest = README.read_text(), read("titanic/metrics.json"), read("titanic/honest.json")
    houses = read("bench/tables.json")["house_prices"]["metrics"]
    clothes, reviews = read("fashion_mnist/metrics.json"), read("imdb/metrics.json")
    combined = (
        f"log loss of the mean {titanic['mean_log_loss']:.4f}, of greedy selection {titanic['selected_log_loss']:.4f}, "
        f"calibrated {titanic['calibrated_log_loss']:.4f}"
    )
    drift = read("titanic/validation.json")["drift"]
    lines = {
        README: (
            f"ensemble: CV accuracy {titanic['cv_accuracy']:.4f} ± {titanic['cv_accuracy_se']:.4f} "
            f"(+{titanic['ensemble_gain']:.4f} over a single member), log loss {titanic['cv_log_loss']:.4f} ± "
            f"{titanic['cv_log_loss_se']:.4f}; baseline accuracy {titanic['baseline_accuracy']:.4f}",
            f"accuracy {honest['honest_accuracy']:.4f} ({honest['honest_accuracy_lo']:.4f} to "
            f"{honest['honest_accuracy_hi']:.4f}), log loss {honest['honest_log_loss']:.4f} "
            f"({honest['honest_log_loss_lo']:.4f} to {honest['honest_log_loss_hi']:.4f})",
            combined,
            drift["sentence"],
            f"ensemble: CV RMSLE {houses['cv_rmsle']:.4f} ± {houses['cv_rmsle_se']:.4f}",
        ),
        SCORES: (combined, f"Titanic's AUC is {drift['auc']:.3f} ± "),
        TEXTBOOK: (
            f"fashion_mnist: test accuracy {clothes['mlp_accuracy']:.4f} shallow, {clothes['dnn_accuracy']:.4f} deep, "
            f"{clothes['augmented_accuracy']:.4f} distorted, {clothes['ensemble_accuracy']:.4f} ± "
            f"{clothes['ensemble_accuracy_se']:.4f} ensemble of {clothes['members']}",
            f"plain {reviews['plain_accuracy']:.4f} (not stopped {reviews['overfitted_accuracy']:.4f}), ",
            f"phrases {reviews['phrases_accuracy']:.4f}, convolution {reviews['convolution_accuracy']:.4f}, all "
            f"{reviews['ensemble_accuracy']:.4f} ± {reviews['ensemble_accuracy_se']:.4f}; plain ",
        ),
    }
    assert not [line for path, shown in lines.items() for line in shown if line not in flat(path)]
    page = " ".join((ROOT / "reports" / "titanic" / "README.md").read_text().split())
    said = [line.removeprefix("    columns: ") for line in text.split("\n") if line.startswith("    columns: ")]
    assert len(said) > 2 and [line for line in said[1:] if line not in page] == []  # the first says what is trained


def test_pictures_and_reviews_have_the_figures_of_the_reports() -> None:
    clothes, reviews = read("fashion_mnist/metrics.json"), read("imdb/metrics.json")
    cells = dict(table(TEXTBOOK, "test accuracy, seed 0")[1:])
    dense = ("mlp_accuracy", "dnn_accuracy", "augmented_accuracy", "ensemble_accuracy")
    words = ("overfitted_accuracy", "plain_accuracy", "phrases_accuracy", "ensemble_accuracy")
    (found,) = [figures for first, figures in cells.items() if first.startswith("Fashion-MNIST")]
    assert found == "; ".join(f"{clothes[name]:.4f}" for name in dense)
    (found,) = [figures for first, figures in cells.items() if first.startswith("IMDB")]
    assert found == "; ".join(f"{reviews[name]:.4f}" for name in words)
    dense_cells = [row[1] for row in table(MEASUREMENTS, "networks", "seed 0")[1:]]
    assert dense_cells == [f"{clothes[name]:.4f}" for name in dense]
    words = (*words[:2], "multi_hot_accuracy", "phrases_accuracy", "convolution_accuracy", "ensemble_accuracy")
    assert [row[1] for row in table(MEASUREMENTS, "networks", "test accuracy")[1:]] == [
        f"{reviews[name]:.4f}" for name in words
    ]


def test_the_search_is_that_of_the_report() -> None:
    report = read("bench/search.json")
    stock, ours = report["stock"], report["ours"]
    rows = {row[0]: row[1:] for row in table(MEASUREMENTS, "stock KerasTuner and `model.fit`", "here")[1:]}
    assert rows["seconds, search included"] == [
        f"{stock['seconds']:.0f}",
        f"{ours['seconds']:.1f} ({report['times_less_end_to_end']:.0f} times less)",
    ]
    assert rows["ms per network and epoch"] == [
        f"{stock['ms_per_member_epoch']:.1f}",
        f"{ours['ms_per_member_epoch']:.2f} ({report['times_less_per_member_epoch']:.0f} times less)",
    ]
    losses = [f"{one['mean_log_loss']:.4f} ± {one['mean_log_loss_se']:.4f}" for one in (stock, ours)]
    difference = f"{report['log_loss_difference']:.4f} ± {report['log_loss_difference_se']:.4f}"
    assert rows["mean log loss"] == [losses[0], f"{losses[1]} (difference {difference}, paired)"]
    assert report["times_less_end_to_end"] >= 100 and "a hundredth of the time of stock" in flat(README)


def test_the_intervals_hold_as_often_as_the_report_says() -> None:
    report = read("bench/coverage.json")
    names = {"generated, groups that share an outcome": "parties", "generated, mixed columns": "mixed"}
    names |= {"generated, one class of 3 %": "rare", "generated, four grades": "grades"}
    titles, *rows = table(MEASUREMENTS, "share of splits covered")
    assert len(rows) == len(report["ridge"]["tables"])
    for row in rows:
        found = report["ridge"]["tables"][names.get(row[0], name_of(row))]["covered"]
        assert row[1:] == [share_covered(found, title.lower().replace(" ", "_")) for title in titles[1:]], row[0]
    covered = [one for part in report["stages"]["tables"].values() for one in _covered(part)]
    assert f"{sum(covered)} of {len(covered)} intervals covered" in flat(MEASUREMENTS)
    assert all(f"[{sum(covered)} of {len(covered)} cases]" in flat(path) for path in (README, SCORES))


def _covered(part: Any) -> list[bool]:
    """Whether the interval held, of each split and measure."""
    return [
        split["honest"][f"{name}_lo"] <= split["test"][name] <= split["honest"][f"{name}_hi"]
        for split in part["splits"]
        for name in part["covered"]
    ]


def test_house_prices_and_the_stages_take_what_the_reports_say() -> None:
    houses, chain = read("bench/tables.json")["house_prices"], read("bench/chain.json")
    pooled, folds = houses["quality"]["cv_rmsle"], houses["quality"]["cv_rmsle_mean_of_folds"]
    figures = [f"{one['mean']:.4f} ± {one['sd']:.4f}" for one in (pooled, folds)]
    nested = f"{houses['metrics']['honest_rmsle']:.4f}"
    assert f"an RMSLE of {figures[0]} over all rows, {figures[1]} as the mean" in flat(MEASUREMENTS)
    assert f"House Prices' RMSLE is {figures[0]} out of fold (nested, seed 0: {nested} " in flat(README)
    assert f"seed 0 is {nested}, where it has {houses['metrics']['cv_rmsle']:.4f} out of fold" in flat(MEASUREMENTS)
    for stage, *_, seconds in table(ROOT / "docs" / "defaults.md", "stage", "seconds")[1:]:
        assert float(seconds) == pytest.approx(chain["stage_seconds"][f"{stage}@titanic"], abs=0.51), stage
    assert f"took {min(chain['cold_seconds']):.0f} to {max(chain['cold_seconds']):.0f} s (six runs" in flat(
        MEASUREMENTS
    )
