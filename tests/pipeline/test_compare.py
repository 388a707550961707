"""Comparing two revisions of a small repository: parameters, measures, folds, flipped rows, and what can't be read."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from pipeline.compare import main
from pipeline.demo import write_yaml
from pipeline.params import read_document
from pipeline.revisions import head, resolve
from tests.pipeline.test_submit import git

ROOT = Path(__file__).resolve().parents[2]
REPORT = Path("reports/titanic")


def results(losses: list[float], labels: str, scored: str = "abc") -> None:
    REPORT.mkdir(parents=True, exist_ok=True)
    frame = pd.DataFrame({"repeat": 0, "fold": range(3), "rows": 10, "scored": list(scored), "log_loss": losses})
    frame.to_csv(REPORT / "folds.csv", index=False)
    mean = sum(losses) / 3
    metrics = {"cv_log_loss": mean, "cv_log_loss_se": 0.01, "cv_accuracy": 0.8, "cv_accuracy_se": 0.01}
    (REPORT / "metrics.json").write_text(json.dumps(metrics))
    rows = pd.DataFrame({"PassengerId": range(892, 892 + len(labels)), "Survived": list(labels)})
    rows.to_csv(REPORT / "submission.csv", index=False)


def submission_out() -> dict[str, str]:
    """The submission as dvc.lock has it."""
    path = REPORT / "submission.csv"
    return {"path": path.as_posix(), "md5": hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    git("init", "-q", "-b", "main")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    results([0.40, 0.41, 0.42], "0110")
    git("add", ".")
    git("commit", "-qm", "one")


def change(old: str, new: str) -> None:
    text = Path("params.yaml").read_text()
    assert old in text
    Path("params.yaml").write_text(text.replace(old, new, 1))


def told(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert main(list(words)) == code
    out = capsys.readouterr()
    assert "Traceback" not in out.err
    return out.err if code else out.out


def line(text: str, start: str) -> list[str]:
    (found,) = [row for row in text.split("\n") if row.strip("│ ").startswith(start)]
    return [cell.strip() for cell in found.strip("│").split("│")]


def test_parameters_measures_folds_and_flipped_rows(repository: None, capsys: pytest.CaptureFixture[str]) -> None:
    change("method: mean", "method: greedy")
    results([0.38, 0.39, 0.40], "0011")
    out = told(capsys, "main", "workspace", "titanic")
    assert line(out, "ensemble.method")[1:] == ["mean", "greedy"]
    assert line(out, "log_loss")[1:] == ["0.4100", "0.3900", "-0.0200", "0.0000", "better"]
    assert line(out, "0.2")[1:] == ["10", "0.4000 (-0.0200)"]
    assert "paired over the same 3 folds, A and B are their means; within 4.3 standard errors" in " ".join(out.split())
    assert "2 of 4 rows flipped: 893 (1 → 0), 895 (0 → 1)" in out
    git("commit", "-qam", "two")
    assert told(capsys, "HEAD~1", "HEAD").split("\n")[1:] == out.split("\n")[1:]
    back = told(capsys, "HEAD", "HEAD~1", "titanic")
    assert line(back, "log_loss")[-1] == "worse"


def test_a_parameter_s_name_is_no_markup(repository: None, capsys: pytest.CaptureFixture[str]) -> None:
    change("  columns: {}", '  columns: {"[red] wine": integer}')
    assert line(told(capsys, "HEAD", "workspace"), "encode.columns.[red] wine")[1:] == ["-", "integer"]


def test_another_contract_is_told(repository: None, capsys: pytest.CaptureFixture[str]) -> None:
    """It decides what a column becomes, and is no parameter."""
    assert "titanic.yaml" not in told(capsys, "HEAD", "workspace")
    path = Path("data/contracts/titanic.yaml")
    path.parent.mkdir(parents=True)
    path.write_text("columns: {}\n")
    assert "no parameter differs\ndata/contracts/titanic.yaml differs\n" in told(capsys, "HEAD", "workspace")
    git("add", ".")
    git("commit", "-qm", "a contract")
    assert "titanic.yaml" not in told(capsys, "HEAD", "workspace")
    assert "data/contracts/titanic.yaml differs" in told(capsys, "HEAD~1", "HEAD")


def test_results_of_the_same_parameters_are_told_apart_by_what_stages_read(
    repository: None, capsys: pytest.CaptureFixture[str]
) -> None:
    table, contract, arrays = "data/raw/titanic/train.csv", "data/contracts/titanic.yaml", "data/encode/arrays.npz"
    encode, dates = "pipeline/encode.py", "features/contracts/dates.py"

    def run(**new: str) -> None:
        """The lock of a run whose stages read other contents of those ``new``, of which ``dates`` only there."""
        made = {"path": arrays, "md5": "new" if "arrays" in new else "old"}
        paths = [table, contract, encode, *([dates] if "dates" in new else [])]
        deps = [{"path": path, "md5": "new" if path in new.values() else "old"} for path in paths]
        stages = {
            "encode@titanic": {"deps": deps, "outs": [made]},
            "ensemble@titanic": {"deps": [made, deps[0]], "outs": [submission_out()]},
        }
        write_yaml(Path("dvc.lock"), {"stages": stages})

    def said(labels: str = "0011") -> str:
        results([0.38, 0.39, 0.40], labels)
        return " ".join(told(capsys, "HEAD", "workspace").split("CV")[0].split())

    assert "by dvc.lock" not in said(), "neither has one"
    results([0.40, 0.41, 0.42], "0110")
    run()
    git("add", ".")
    git("commit", "-qm", "its lock")
    said()
    run(table=table, contract=contract, arrays=arrays)
    assert f"by dvc.lock their stages read other raw files (encode, ensemble: {table}) ┏" in said()
    run(table=table, encode=encode, dates=dates)
    code = f"other code (encode: {dates}, {encode}) ┏"
    assert f"other raw files (encode, ensemble: {table}) and {code}" in said()
    run(arrays=arrays)
    assert "by dvc.lock their stages read the same: other packages or another processor may have" in said()
    assert "by dvc.lock" not in said("0000"), "it knows of another run"
    Path(contract).parent.mkdir(parents=True)
    Path(contract).write_text("columns: {}\n")
    run(contract=contract)
    assert "by dvc.lock" not in said() and f"{contract} differs" in said()
    results([0.40, 0.41, 0.42], "0110")
    run(encode=encode)
    assert "by dvc.lock" not in told(capsys, "HEAD", "workspace"), "the same came of it"


def test_nothing_differs(repository: None, capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, "HEAD", "workspace")
    assert "no parameter differs" in out and "0 of 4 rows flipped" in out
    assert line(out, "log_loss")[-1] == "the same" and "repeat.part" not in out, "no fold moved"


def test_the_figures_are_means_of_the_folds_that_their_difference_is_of(
    repository: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """A root pooled over rows may rise where its mean over folds falls."""
    results([0.30, 0.35, 0.40], "0110")
    metrics = json.loads((REPORT / "metrics.json").read_text())
    (REPORT / "metrics.json").write_text(json.dumps(metrics | {"cv_log_loss": 0.45}))
    out = told(capsys, "HEAD", "workspace")
    assert line(out, "log_loss")[1:4] == ["0.4100", "0.3500", "-0.0600"]
    assert line(out, "accuracy")[1:4] == ["0.8000", "0.8000", "+0.0000"]
    assert "paired over the same 3 folds, A and B are their means" in " ".join(out.split())
    results([0.30, 0.35, float("nan")], "0110")
    assert line(told(capsys, "HEAD", "workspace"), "log_loss")[1:4] == ["0.4050", "0.3250", "-0.0800"]


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("  time: ''", "  time: Age", "encode.time"),
        ("  group_aware: false", "  group_aware: true", "encode.group_aware"),
        ("      target: Survived", "      target: Died", "table.target"),
    ],
)
def test_scores_of_other_things_are_no_better_or_worse(
    repository: None, capsys: pytest.CaptureFixture[str], old: str, new: str, key: str
) -> None:
    """Rows in time score worse than rows in between, however good the networks are."""
    change(old, new)
    results([0.50, 0.51, 0.52], "0110", "xyz")
    out = told(capsys, "HEAD", "workspace")
    assert line(out, "log_loss")[1:3] == ["0.4100", "0.5100"] and line(out, "log_loss")[-1] == "unknown"
    assert f"not comparable: {key} differs, so the scores are of other things" in " ".join(out.split())


def test_a_rule_that_changes_no_fold_leaves_them_comparable(
    repository: None, capsys: pytest.CaptureFixture[str]
) -> None:
    change("duplicates: auto", "duplicates: apart")
    results([0.38, 0.39, 0.40], "0110")
    assert line(told(capsys, "HEAD", "workspace"), "log_loss")[-1] == "better"


def test_other_folds_are_not_paired(repository: None, capsys: pytest.CaptureFixture[str]) -> None:
    results([0.40, 0.41, 0.41], "0110", scored="abd")
    out = told(capsys, "HEAD", "workspace")
    assert "not paired: folds differ" in out
    assert line(out, "log_loss")[-2:] == ["0.0141", "within noise"]


def test_an_experiment_is_known_by_its_name(repository: None, capsys: pytest.CaptureFixture[str]) -> None:
    """DVC keeps experiments under refs/exps/<first two>/<rest of the commit they start from>/<name>."""
    git("update-ref", "refs/exps/ab/cdef0123/bushy-tail", "HEAD")
    assert resolve("bushy-tail") == git("rev-parse", "HEAD")
    assert "no parameter differs" in told(capsys, "bushy-tail", "workspace")


def test_what_cannot_be_compared_is_told(
    repository: None, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "No revision 'nope'" in told(capsys, "HEAD", "nope", code=1)
    assert "No revision '--all'" in told(capsys, "--", "--all", "HEAD", code=1)
    assert "no competition 'house'. Known: titanic." in told(capsys, "HEAD", "workspace", "house", code=1)
    assert "'titanc'; did you mean 'titanic'?" in told(capsys, "HEAD", "workspace", "titanc", code=1)
    kept = Path("params.yaml").read_text()
    for entries in ("5", "[titanic]"):
        Path("params.yaml").write_text(f"competitions: {entries}\n")
        said = told(capsys, "HEAD", "workspace", code=1)
        assert f"params.yaml of workspace: competitions is {entries.replace('titanic', repr('titanic'))}; exp" in said
    Path("params.yaml").write_text(kept)
    git("rm", "-q", "--cached", "reports/titanic/submission.csv")
    git("commit", "-qm", "gone")
    assert "submission.csv is not in revision" in told(capsys, "HEAD", "workspace", code=1)
    (REPORT / "metrics.json").unlink()
    assert "no such file" in told(capsys, "workspace", "workspace", code=1)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent.parent))
    monkeypatch.chdir(tmp_path.parent)
    assert "No Git repository here" in told(capsys, "HEAD", "workspace", code=1)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("metrics.json", "<<<<<<< HEAD\n{}\n"),
        ("metrics.json", "5"),
        ("metrics.json", '["cv_log_loss"]'),
        ("metrics.json", '{"cv_log_loss": "low"}'),
        ("folds.csv", "<<<<<<< HEAD\nrepeat,fold\n"),
        ("folds.csv", "repeat,fold,rows,scored,log_loss\n0,0,10,a,low\n"),
        ("submission.csv", ""),
        ("submission.csv", "PassengerId,Survived\n892,0\n892,1\n"),
    ],
)
def test_results_that_no_stage_wrote_are_told(
    file: str, content: str, repository: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """As Git leaves them in the middle of a merge."""
    (REPORT / file).write_text(content)
    said = told(capsys, "HEAD", "workspace", code=1)
    assert said.startswith("error: reports/titanic of workspace holds what the stage `ensemble` did not write (")
    assert "Restore" in said and "defect" not in said


@pytest.mark.parametrize(
    ("lock", "said"),
    [
        ("stages: 5", ": stages is '5'; expected keys and values"),
        ("stages: {ensemble@titanic: ran}", ": stages.ensemble@titanic is 'ran'; expected keys and values"),
        ("stages: {a: {outs: {path: x}}}", ": stages.a.outs is \"{'path': 'x'}\"; expected a list"),
        ("stages: {a: {outs: [x]}}", ": stages.a.outs is 'x'; expected keys and values"),
        ("stages: {a: {deps: [{md5: x}]}}", ": stages.a.deps: path is 'None'; expected a word"),
        ("stages: {a: {deps: [{path: x, md5: 5}]}}", ": stages.a.deps: md5 is '5'; expected a word"),
        ("stages: {a: {deps: null}}", ": stages.a.deps is 'None'; expected a list"),
        ("stages: {a: {params: [x]}}", ": stages.a.params is \"['x']\"; expected keys and values"),
        ("stages: {a: {params: {params.yaml: x}}}", ": stages.a.params.params.yaml is 'x'; expected keys and values"),
        ("- stages", " is ['stages']; expected keys and values"),
    ],
)
def test_a_lock_of_another_shape_is_told(
    lock: str, said: str, repository: None, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("dvc.lock").write_text(lock)
    found = told(capsys, "HEAD", "workspace", code=1)
    assert found.startswith(f"error: dvc.lock of workspace{said}") and len(found.splitlines()) == 1
    for empty in ("", "schema: '2.0'\nstages:\n", "stages: {a: {cmd: x}}"):
        Path("dvc.lock").write_text(empty)
        assert "no parameter differs" in told(capsys, "HEAD", "workspace")


def test_sources_of_another_shape_are_told(repository: None, capsys: pytest.CaptureFixture[str]) -> None:
    kept = Path("params.yaml").read_text()
    Path("params.yaml").write_text(re.sub(r"(?ms)^sources:.*?(?=^\S)", "sources: 5\n", kept))
    said = told(capsys, "HEAD", "workspace", code=1)
    assert said.startswith("error: params.yaml of workspace: sources is 5; expected keys and values.")


def test_head_says_whether_the_tree_is_dirty(repository: None) -> None:
    assert head() == (git("rev-parse", "HEAD"), False)
    Path("reports/leaderboard.csv").write_text("a\n")
    assert head()[1] and not head(Path("reports/leaderboard.csv"))[1]


def test_head_leaves_aside_what_lies_in_a_folder_below_the_repository_s(
    repository: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("project").mkdir()
    monkeypatch.chdir("project")
    board = Path("leaderboard.csv")
    board.write_text("a\n")
    assert head()[1] and not head(board)[1]
    Path("../leaderboard.csv").write_text("another\n")
    assert head(board)[1]


def test_a_regression_is_compared_in_any_unit(repository: None, capsys: pytest.CaptureFixture[str]) -> None:
    def regression(errors: list[float]) -> None:
        frame = pd.DataFrame({"repeat": 0, "fold": range(3), "rows": 10, "scored": list("abc"), "rmse": errors})
        frame.to_csv(REPORT / "folds.csv", index=False)
        metrics = {"cv_rmse": sum(errors) / 3, "cv_rmse_se": 1e-10}
        (REPORT / "metrics.json").write_text(json.dumps(metrics))

    regression([4.0e-9, 4.1e-9, 4.2e-9])
    git("commit", "-qam", "small")
    regression([3.8e-9, 3.9e-9, 4.0e-9])
    out = told(capsys, "HEAD", "workspace")
    assert line(out, "rmse")[1:4] == ["4.100e-09", "3.900e-09", "-0.200e-09"] and line(out, "rmse")[-1] == "better"
    assert line(out, "0.2")[1:] == ["10", "4.000e-09 (-0.200e-09)"]


def test_results_that_are_older_than_their_parameters_are_told(
    repository: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """Else a parameter that was changed and not run seems to change nothing."""
    ensemble = read_document(Path("params.yaml"))["ensemble"]
    stage = {"params": {"params.yaml": {"ensemble": ensemble}}, "outs": [submission_out()]}
    write_yaml(Path("dvc.lock"), {"stages": {"ensemble@titanic": stage}})
    git("add", "dvc.lock")
    git("commit", "-qm", "its lock")
    assert "warning" not in told(capsys, "HEAD", "HEAD~1")
    change("method: mean", "method: greedy")
    out = " ".join(told(capsys, "HEAD", "workspace").split())
    assert "the results of B were made before ensemble.method changed: run `dvc repro`" in out and "of A" not in out
    results([0.38, 0.39, 0.40], "0011")  # by a command of its own: dvc.lock says nothing of this run
    assert "warning" not in told(capsys, "HEAD", "workspace")


def test_results_of_the_workspace_that_are_older_than_a_file_are_told(
    repository: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """Code that was changed and not run, and other raw files; what is not on this computer is not."""
    names = ("features/titanic.py", "data/raw/titanic/train.csv", "data/raw/titanic/gone.csv")
    for name in names[:2]:
        Path(name).parent.mkdir(parents=True)
        Path(name).write_text("old")
    deps = [{"path": name, "md5": hashlib.md5(b"old", usedforsecurity=False).hexdigest()} for name in names]
    lock = {"stages": {"encode@titanic": {"deps": deps, "outs": [submission_out()]}}}
    write_yaml(Path("dvc.lock"), lock)
    git("add", ".")
    git("commit", "-qm", "its lock")
    assert "warning" not in told(capsys, "HEAD", "workspace")
    for name in names[:2]:
        Path(name).write_text("new")
    out = " ".join(told(capsys, "HEAD", "workspace").split())
    assert f"the results of B were made before {names[1]}, {names[0]} changed: run `dvc repro` there" in out
    assert "of A" not in out


def test_results_from_before_a_run_that_broke_off_are_told(
    repository: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """dvc.lock has the new parameter already, of the stage that ran, but not the results."""
    change("method: mean", "method: greedy")
    ensemble = read_document(Path("params.yaml"))["ensemble"]
    arrays = "data/encode/titanic/arrays.npz"
    stages = {
        "encode@titanic": {
            "params": {"params.yaml": {"ensemble": ensemble}},
            "outs": [{"path": arrays, "md5": "new"}],
        },
        "ensemble@titanic": {"deps": [{"path": arrays, "md5": "old"}], "outs": [submission_out()]},
    }
    write_yaml(Path("dvc.lock"), {"stages": stages})
    out = " ".join(told(capsys, "HEAD", "workspace").split())
    assert f"the results of B were made before {arrays} changed: run `dvc repro`" in out
    stages["ensemble@titanic"]["deps"][0]["md5"] = "new"
    write_yaml(Path("dvc.lock"), {"stages": stages})
    assert "warning" not in told(capsys, "HEAD", "workspace")


def test_of_experiments_of_one_name_that_of_the_current_commit_is_taken(
    repository: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """DVC keeps one for each commit that experiments started from."""
    starts, found = [], []
    for number in range(2):
        git("commit", "--allow-empty", "-qm", f"start {number}")
        starts.append(git("rev-parse", "HEAD"))
        found.append(git("commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "experiment"))
        git("update-ref", f"refs/exps/{starts[-1][:2]}/{starts[-1][2:]}/twelve", found[-1])
    git("update-ref", "refs/exps/exec/EXEC_HEAD", "HEAD")
    assert resolve("twelve") == found[1]
    git("checkout", "-q", starts[0])
    assert resolve("twelve") == found[0]
    git("checkout", "-q", f"{starts[0]}~1")
    err = told(capsys, "HEAD", "twelve", code=1)
    assert "2 experiments are called 'twelve'" in err and all(one[:7] in err for one in [*found, *starts])
    assert "No revision 'EXEC_HEAD'" in told(capsys, "HEAD", "EXEC_HEAD", code=1)
