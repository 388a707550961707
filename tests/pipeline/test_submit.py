"""Submitting with the real Kaggle client to a stand-in for Kaggle: what is sent, recorded, refused and never told."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest

from pipeline import kaggle_client, submit
from pipeline.demo import write_yaml
from pipeline.leaderboard import COLUMNS, read_board
from pipeline.params import read_document
from tests.pipeline.kaggle_stand_in import TOKEN, Kaggle, serving, settings

ROOT = Path(__file__).resolve().parents[2]
FILE = Path("reports/titanic/submission.csv")
BOARD = Path("reports/leaderboard.csv")


@pytest.fixture
def kaggle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kaggle]:
    with serving() as stand_in:
        for name, value in settings(stand_in, tmp_path / "home").items():
            monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr(submit, "POLL_SECONDS", 0.05)
        yield stand_in


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Git repository with a finished run: parameters, submission, metrics, and dvc.lock that ties them together."""
    folder = tmp_path / "project"
    (folder / FILE).parent.mkdir(parents=True)
    shutil.copy(ROOT / "params.yaml", folder)
    (folder / "reports/titanic/metrics.json").write_text(
        '{"cv_accuracy": 0.85, "cv_accuracy_se": 0.012, "cv_log_loss": 0.36}'
    )
    monkeypatch.chdir(folder)
    run("PassengerId,Survived\n892,0\n893,1\n")
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "a run"]):
        git(*words)
    return folder


def git(*words: str) -> str:
    done = subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *words],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def run(content: str, **ensemble: str) -> None:
    """What a run leaves: the submission, and dvc.lock with its hash and its parameters."""
    FILE.write_text(content)
    params = read_document(Path("params.yaml"))
    params["ensemble"] |= ensemble
    write_yaml(Path("params.yaml"), params)
    used = {key: params[key] for key in ("ensemble", "train")}
    digest = hashlib.md5(content.encode()).hexdigest()
    stage = {"params": {"params.yaml": used}, "outs": [{"path": FILE.as_posix(), "md5": digest}]}
    write_yaml(Path("dvc.lock"), {"schema": "2.0", "stages": {"ensemble@titanic": stage}})


def send(*words: str) -> int:
    return submit.main(["titanic", "-m", "first, plain", *words])


def board() -> pd.DataFrame:
    return pd.read_csv(BOARD, dtype=str, keep_default_na=False)


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The one clear line of a refusal, after which nothing is recorded."""
    before = BOARD.read_bytes() if BOARD.exists() else None
    assert send(*words) == 1
    out = capsys.readouterr()
    assert TOKEN not in out.out + out.err
    assert "Traceback" not in out.err and out.err.startswith("error: ") and out.err.count("\n") <= 3
    assert (BOARD.read_bytes() if BOARD.exists() else None) == before
    return out.err


def test_the_file_is_sent_and_its_score_recorded(
    kaggle: Kaggle, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert send() == 0
    assert list(kaggle.uploads.values()) == [FILE.read_bytes()]
    rows = board()
    assert list(rows.columns) == COLUMNS and len(rows) == 1
    row, digest = rows.iloc[0], hashlib.sha256(FILE.read_bytes()).hexdigest()
    assert (row["competition"], row["metric"], row["cv"], row["cv_se"]) == ("titanic", "accuracy", "0.85", "0.012")
    assert (row["cv_log_loss"], row["public_score"], row["submission"]) == ("0.36", "0.77511", "1000")
    assert (row["revision"], row["dirty"]) == (git("rev-parse", "HEAD"), "false")
    assert (row["date"], row["message"], row["sha256"]) == ("2026-11-24T06:00:00Z", "first, plain", digest)
    assert json.loads(row["params"])["ensemble.method"] == "mean"
    assert kaggle.submissions[0]["description"] == f"first, plain [{row['revision'][:7]} {digest[:12]}]"
    assert "public score 0.77511" in capsys.readouterr().out


def test_each_row_names_its_parameters_and_whether_the_tree_was_dirty(kaggle: Kaggle, project: Path) -> None:
    assert send() == 0
    run("PassengerId,Survived\n892,1\n893,1\n", method="greedy")
    kaggle.score = "0.78"
    assert submit.main(["titanic", "-m", "greedy"]) == 0
    rows = board()
    first, second = map(json.loads, rows["params"])
    assert second == first | {"ensemble.method": "greedy"} and len(first) > 5
    assert rows["dirty"].tolist() == ["false", "true"]  # the leaderboard itself makes no tree dirty
    assert rows["public_score"].tolist() == ["0.77511", "0.78"]
    assert "+ " in kaggle.submissions[0]["description"]


def test_submissions_that_end_at_once_lose_no_row(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each recording reads, waits and writes: without a lock the later would write over the earlier one's row."""

    def slowly(path: Path) -> pd.DataFrame:
        rows = read_board(path)
        time.sleep(0.05)
        return rows

    monkeypatch.setattr(submit, "read_board", slowly)
    parcels = [
        submit.Parcel("titanic", FILE, "", {"train.top_k": number}, {"competition": "titanic", "message": str(number)})
        for number in range(4)
    ]
    scored = kaggle_client.Submission(1000, "2026-11-24T06:00:00Z", "", "COMPLETE", "0.77", "")
    with ThreadPoolExecutor(4) as pool:
        numbers = list(pool.map(lambda parcel: submit.record(parcel, scored), parcels))
    assert sorted(numbers) == [1, 2, 3, 4]
    rows = board()
    assert sorted(rows["message"]) == ["0", "1", "2", "3"]
    assert [json.loads(cell) for cell in rows["params"]] == [{"train.top_k": int(one)} for one in rows["message"]]


def test_the_same_content_is_sent_once_unless_forced(
    kaggle: Kaggle, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert send() == 0
    assert "sent already" in refused(capsys)
    assert len(kaggle.uploads) == 1
    assert send("--force") == 0
    assert len(kaggle.uploads) == 2 and len(board()) == 2


def test_a_score_that_comes_late_is_found_again_not_sent_again(
    kaggle: Kaggle, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kaggle.polls_until_scored = 10**6
    assert "recognised" in refused(capsys, "--timeout", "0.2")
    kaggle.polls_until_scored = 0
    assert send() == 0
    assert len(kaggle.uploads) == 1 and board()["submission"].tolist() == ["1000"]
    assert "not sent again" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("method", "status", "said", "told"),
    [
        ("GetSubmissionLimits", 403, "You must accept this competition's rules", "competitions/titanic/rules"),
        ("StartSubmissionUpload", 400, "The competition has ended", "takes no more submissions"),
        ("CreateSubmission", 400, "Submission must have 2 columns", "must have 2 columns"),
        ("CreateSubmission", 429, "Too many requests", "daily limit"),
        ("CreateSubmission", 503, "Service unavailable", "trouble of its own"),
        ("ListSubmissions", 401, "Unauthenticated", "does not accept these credentials"),
    ],
)
def test_each_refusal_is_one_line_and_leaves_nothing(
    method: str, status: int, said: str, told: str, kaggle: Kaggle, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kaggle.refusals[method] = (status, f"{said}, says {TOKEN}")
    assert told in refused(capsys)
    assert not BOARD.exists()


def test_a_file_that_kaggle_finds_faulty_is_not_recorded_nor_sent_again(
    kaggle: Kaggle, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kaggle.verdict = {
        "status": "ERROR",
        "publicScore": None,
        "errorDescription": "Columns must be\nPassengerId, Survived",
    }
    assert "(Columns must be PassengerId, Survived)" in refused(capsys)
    assert "--force" in refused(capsys)
    assert len(kaggle.uploads) == 1


def test_the_daily_limit_is_told_before_anything_is_sent(
    kaggle: Kaggle, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kaggle.allowed = 0
    assert "midnight UTC" in refused(capsys)
    assert "StartSubmissionUpload" not in kaggle.calls


def test_without_credentials_nothing_is_asked(
    kaggle: Kaggle, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("KAGGLE_API_TOKEN")
    assert "KAGGLE_API_TOKEN" in refused(capsys)
    monkeypatch.setenv("KAGGLE_API_TOKEN", "expired")
    assert "does not accept" in refused(capsys)
    assert kaggle.uploads == {}


def test_silence_ends_in_a_time_out(
    kaggle: Kaggle, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(kaggle_client, "CALL_SECONDS", 2.0)
    kaggle.slow["ListSubmissions"] = 6
    assert "within 2 s" in refused(capsys)


def test_nobody_there_is_told(
    kaggle: Kaggle, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert "could not be reached" in refused(capsys)


def test_only_what_the_parameters_make_is_sent(
    kaggle: Kaggle, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    FILE.write_text("PassengerId,Survived\n892,1\n893,1\n")
    assert "dvc repro" in refused(capsys)
    run("PassengerId,Survived\n892,1\n893,1\n")
    text = Path("params.yaml").read_text()
    Path("params.yaml").write_text(text.replace("method: mean", "method: greedy"))
    assert "params.yaml: ensemble" in refused(capsys)
    assert kaggle.calls == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["house", "-m", "x"], "no competition 'house'"),
        (["../x", "-m", "x"], "no competition '../x'"),
        (["titanik", "-m", "x"], "did you mean 'titanic'?"),
        (["titanic", "-m", " "], "-m is empty"),
    ],
)
def test_a_wrong_command_is_told(
    words: list[str], told: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert submit.main(words) == 1
    assert told in capsys.readouterr().err


def test_no_run_yet_and_no_name_at_kaggle_are_told(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    FILE.unlink()
    assert "dvc repro" in refused(capsys)
    params = read_document(Path("params.yaml"))
    del params["sources"]["titanic"]["kaggle"]
    write_yaml(Path("params.yaml"), params)
    assert "sources.titanic.kaggle" in refused(capsys)


def test_credentials_are_written_nowhere(kaggle: Kaggle, project: Path, tmp_path: Path) -> None:
    assert send() == 0
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert written and not [path for path in written if TOKEN.encode() in path.read_bytes()]


def test_a_forced_submission_whose_score_comes_late_is_found_by_the_same_command(
    kaggle: Kaggle, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message promises it; to send once more would cost one of the day's few."""
    assert send() == 0
    kaggle.polls_until_scored = 10**6
    assert "recognised" in refused(capsys, "--force", "--timeout", "0.2")
    kaggle.polls_until_scored = 0
    git("commit", "--allow-empty", "-qm", "meanwhile")
    assert send("--force") == 0
    assert len(kaggle.uploads) == 2 and board()["submission"].tolist() == ["1000", "1001"]
    assert send("--force") == 0  # recorded by now, so it is sent once more
    assert len(kaggle.uploads) == 3 and len(board()) == 3
    BOARD.write_text(BOARD.read_text().replace("\ntitanic,", "\nboat,"))  # as the competition was called before
    assert send("--force") == 0
    assert len(kaggle.uploads) == 4 and board()["submission"].iloc[-1] == "1003"


def test_a_change_that_was_not_run_is_told_before_that_the_old_file_was_sent(
    kaggle: Kaggle, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert send() == 0
    text = Path("params.yaml").read_text()
    Path("params.yaml").write_text(text.replace("method: mean", "method: greedy"))
    said = refused(capsys)
    assert "params.yaml: ensemble.method. Run `dvc repro`" in said and "sent already" not in said


def test_git_s_marks_of_a_merge_are_no_submissions(
    kaggle: Kaggle, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two clones that both submit append to the same place."""
    assert send() == 0
    head, row = BOARD.read_text().splitlines()
    BOARD.write_text("\n".join([head, row, "<<<<<<< HEAD", row, "=======", row, ">>>>>>> other", ""]))
    assert "line 3: '<<<<<<< HEAD' begins no row" in refused(capsys, "--force")
    BOARD.write_text("\n".join([head, row.replace('"{', '"[{', 1), ""]))
    assert "line 2: 'titanic' begins no row" in refused(capsys, "--force")
    assert len(kaggle.uploads) == 1
