"""The leaderboard's table, its marks, its correlation and its plot, on rows written by hand."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.leaderboard import COLUMNS, agreement, best, changes, correlation, main, read_board, scored
from tests.pipeline.test_submit import git

ROOT = Path(__file__).resolve().parents[2]


def rows(*scores: tuple[str, str], metric: str = "accuracy", name: str = "titanic") -> pd.DataFrame:
    made = pd.DataFrame("", index=range(len(scores)), columns=COLUMNS)
    made["competition"], made["metric"], made["params"] = name, metric, "{}"
    made["cv"], made["public_score"] = [cv for cv, _ in scores], [public for _, public in scores]
    made["cv_se"], made["message"] = "0.01", [f"try [{number}]" for number in range(len(scores))]
    return made


def write(folder: Path, frame: pd.DataFrame) -> list[str]:
    folder.mkdir(exist_ok=True)
    frame.to_csv(folder / "leaderboard.csv", index=False)
    return ["--board", str(folder / "leaderboard.csv")]


FIVE = [("0.80", "0.76"), ("0.82", "0.77"), ("0.85", "0.775"), ("0.84", "0.79"), ("0.83", "")]


def test_best_cv_and_best_public_score_are_marked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(write(tmp_path, rows(*FIVE))) == 0
    lines = capsys.readouterr().out.split("\n")
    (cv,) = [line for line in lines if "0.8500 ± 0.0100 ★" in line]
    (public,) = [line for line in lines if "0.79 ★" in line]
    assert cv.startswith("│ 3 │") and public.startswith("│ 4 │")
    assert all(len(line) <= 80 for line in lines[:-3])  # what a plain terminal shows
    assert "a correlation needs 5" in "\n".join(lines)  # the fifth has no public score
    assert (tmp_path / "titanic" / "leaderboard.png").read_bytes().startswith(b"\x89PNG")


def test_scores_of_another_kind_are_not_the_best(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By random folds a score flatters where rows to predict are later ones, and one metric's is no other's."""
    frame = rows(*FIVE[:4], ("0.83", "0.78"), ("0.70", "0.77"), ("0.71", "0.76"))
    frame.loc[0, ["cv", "metric", "public_score"]] = ["0.99", "roc_auc", "0.98"]
    own = '{"encode.time": "", "competitions.titanic.encode.time": "date"}'
    frame.loc[5:, "params"] = own
    assert main(write(tmp_path, frame)) == 0
    out = capsys.readouterr().out
    assert "0.7100 ± 0.0100 ★" in out and "0.79 ★" in out and out.count("★") == 2
    assert "(roc_auc)" in out and "rows with both: 2" in " ".join(out.split())
    frame.loc[5:, "params"] = '{"encode.time": ""}'
    assert main(write(tmp_path, frame)) == 0
    assert "0.8500 ± 0.0100 ★" in capsys.readouterr().out


def test_a_correlation_from_five_rows_on() -> None:
    assert correlation(scored(rows(*FIVE))) is None
    pairs = [*FIVE[:4], ("0.83", "0.78")]
    found = correlation(scored(rows(*pairs)))
    values = np.array(pairs, float)
    assert found is not None and found[0] == pytest.approx(np.corrcoef(values.T)[0, 1])
    assert correlation(scored(rows(*[("0.8", "0.7")] * 6))) is None


def test_the_rows_counted_are_those_of_the_correlation() -> None:
    """A submission without public score, or without CV, is none of them."""
    assert "rows with both: 4" in agreement(rows(*FIVE, ("", "0.77")))
    assert "(5 rows)" in agreement(rows(*FIVE, ("", "0.77"), ("0.81", "0.765")))


def test_less_error_is_better(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert best(np.array([0.2, np.nan, 0.1, 0.1]), "rmsle") == 2
    assert best(np.array([np.nan]), "rmsle") == -1
    both = pd.concat([rows(*FIVE), rows(("0.13", "0.14"), ("0.12", "0.15"), metric="rmsle", name="house")])
    assert main([*write(tmp_path, both), "house"]) == 0
    out = capsys.readouterr().out
    assert "0.1200 ± 0.0100 ★" in out and "0.14 ★" in out and "titanic" not in out
    small = rows(("1.3e-7", "1.4e-7"), metric="rmse", name="house")
    small["cv_se"] = "2e-9"
    assert main([*write(tmp_path, small), "house"]) == 0
    assert "1.300e-07 ± 0.020e-07 ★" in capsys.readouterr().out


def test_the_same_rows_draw_the_same_bytes(tmp_path: Path) -> None:
    pictures = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        assert main(write(folder, rows(*FIVE))) == 0
        pictures.append((folder / "titanic" / "leaderboard.png").read_bytes())
    assert pictures[0] == pictures[1]


def test_changed_parameters_read_as_keys_and_values() -> None:
    old = {"tune.max_trials": 40, "encode.columns": [], "seed": 0, "tune.oracle": "grid"}
    new = {"tune.max_trials": 60, "encode.columns": ["a"], "seed": 0, "tune.family": "tabm"}
    assert changes(old, new) == 'encode.columns=["a"], tune.family=tabm, tune.max_trials=60, tune.oracle=null'
    assert changes(old, old) == ""


def test_rows_of_two_clones_are_told_in_the_order_they_were_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Git appends one clone's rows to the other's; what is new is new against the row sent before, whoever sent it."""
    made = rows(("0.80", "0.76"), ("0.83", "0.78"), ("0.82", "0.77"))
    made["date"] = [f"2026-11-{day}T06:00:00Z" for day in (24, 26, 25)]
    made["params"] = ['{"seed": 0, "train.top_k": 6}', '{"seed": 0, "train.top_k": 9}', '{"seed": 1, "train.top_k": 6}']
    assert main(write(tmp_path, made)) == 0
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in capsys.readouterr().out.split("\n")]
    told = [cell for cell in cells if len(cell) == 5]
    assert [(cell[0], cell[4]) for cell in told if cell[0]] == [("1", "try [0]"), ("2", "try [2]"), ("3", "try [1]")]
    assert [cell[4] for cell in told if "=" in cell[4]] == ["seed=1", "seed=0, train.top_k=9"]


def test_git_merges_rows_of_two_clones_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    git("init", "-qb", "main")
    shutil.copy(ROOT / ".gitattributes", tmp_path)
    board = tmp_path / "reports" / "leaderboard.csv"
    for branch, count in (("main", 1), ("mine", 2), ("main", 2)):
        if count > 1:
            git("checkout", "-q", *(["-b"] if branch == "mine" else []), branch)
        made = rows(*FIVE[:count])
        made["message"] = ["first", f"then {branch}"][:count]
        write(board.parent, made)
        git("add", ".")
        git("commit", "-qm", branch)
    git("merge", "-q", "mine", "-m", "both")
    assert sorted(read_board(board)["message"]) == ["first", "then main", "then mine"]


def test_no_row_and_a_broken_file_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--board", str(tmp_path / "none.csv")]) == 1
    assert "make submit" in capsys.readouterr().err
    assert main([*write(tmp_path, rows(*FIVE)), "house"]) == 1
    assert "no submission of 'house'. Known: titanic. Send one: make submit NAME=house" in capsys.readouterr().err
    assert main([*write(tmp_path, rows(*FIVE)), "titanc"]) == 1
    assert "no submission of 'titanc'; did you mean 'titanic'?" in capsys.readouterr().err
    (tmp_path / "leaderboard.csv").write_text("<<<<<<< HEAD\na,b\n")
    assert main(["--board", str(tmp_path / "leaderboard.csv")]) == 1
    assert "Restore it from Git" in capsys.readouterr().err
    assert list(read_board(tmp_path / "absent.csv").columns) == COLUMNS
