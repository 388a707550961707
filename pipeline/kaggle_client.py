"""The one door to Kaggle: the official client, in a child process of its own.

Importing the client logs in, it prints, leaves the process and waits without end. In a child it can be silenced, timed
and ended, and no credential comes near this process: the child finds them where the client always looks
(``KAGGLE_API_TOKEN``, ``~/.kaggle/access_token``, ``~/.kaggle/kaggle.json``, ...), and answers in one line of JSON.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.errors import UserError

ROOT = Path(__file__).resolve().parent.parent
# Seconds that one call may take; a download moves a whole file.
CALL_SECONDS, DOWNLOAD_SECONDS = 60.0, 3600.0
# The client prints its requests, credentials included, where one of these is set.
LOUD = ("VERBOSE", "VERBOSE_OUTPUT")
SITE = "https://www.kaggle.com"
CLOSED = re.compile(r"deadline|ended|closed|no longer|not (accepting|open)", re.IGNORECASE)
FULL = re.compile(r"limit|too many|exceeded", re.IGNORECASE)


@dataclass(frozen=True)
class Submission:
    """One submission as Kaggle lists it; ``status``: PENDING, COMPLETE or ERROR; ``public_score``: "" without one."""

    ref: int
    date: str
    description: str
    status: str
    public_score: str
    error: str


@dataclass(frozen=True)
class Board:
    """What Kaggle knows of our team: submissions (newest first), how many in all, how many more today."""

    submissions: tuple[Submission, ...]
    total: int
    allowed: int


def has_credentials() -> bool:
    """Whether there is something the client could log in with; looks at places only, reads nothing."""
    home = Path.home() / ".kaggle"
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "kaggle"
    folders = [Path(os.environ["KAGGLE_CONFIG_DIR"])] if os.environ.get("KAGGLE_CONFIG_DIR") else [home, config]
    files = [home / name for name in ("access_token", "access_token.txt", "credentials.json")]
    files += [folder / "kaggle.json" for folder in folders]
    named = os.environ.get("KAGGLE_USERNAME") and os.environ.get("KAGGLE_KEY")
    return bool(os.environ.get("KAGGLE_API_TOKEN") or named or any(file.is_file() for file in files))


def board(competition: str) -> Board:
    """Our submissions and the day's allowance. Raises ``UserError`` on every refusal."""
    found = _call("board", competition)
    return Board(tuple(Submission(**one) for one in found["submissions"]), found["total"], found["allowed"])


def send(competition: str, path: Path, message: str) -> int:
    """Upload and submit a file; returns Kaggle's number of the submission. Raises ``UserError`` on every refusal."""
    return int(_call("send", competition, path=str(path.resolve()), message=message)["ref"])


def download(competition: str, file: str) -> bytes:
    """The content of one of the competition's files. Raises ``UserError`` on every refusal."""
    with tempfile.TemporaryDirectory() as folder:
        _call("download", competition, DOWNLOAD_SECONDS, file=file, folder=folder)
        return _unpacked(Path(folder), file)


def _unpacked(folder: Path, file: str) -> bytes:
    """The file in ``folder``, taken out of the zip archive that Kaggle may have put it into."""
    paths = [path for path in folder.iterdir() if path.is_file() and not path.name.endswith(".kaggle-partial")]
    if len(paths) != 1:
        raise UserError(f"Kaggle sent {len(paths)} files for {file!r}; expected one. Try again.")
    if paths[0].suffix == ".zip" and not file.endswith(".zip") and zipfile.is_zipfile(paths[0]):
        with zipfile.ZipFile(paths[0]) as archive:
            if file not in archive.namelist():
                raise UserError(f"Kaggle sent an archive without {file!r}. Download it by hand.")
            return archive.read(file)
    return paths[0].read_bytes()


def _call(operation: str, competition: str, seconds: float | None = None, **arguments: str) -> Any:
    """Let a child do ``operation``; its answer, or its refusal as a ``UserError``."""
    seconds = seconds or CALL_SECONDS
    request = {"operation": operation, "competition": competition, **arguments}
    environment = {name: value for name, value in os.environ.items() if name not in LOUD}
    bar = operation == "download" and sys.stderr.isatty()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pipeline.kaggle_client"],
            input=json.dumps(request).encode(),
            stdout=subprocess.PIPE,
            stderr=None if bar else subprocess.PIPE,
            cwd=ROOT,
            env=environment,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UserError(
            f"Kaggle did not answer within {seconds:g} s ({operation}). Try the same command again: a file that did "
            f"arrive is recognised and not sent twice."
        ) from None
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        raise UserError(
            f"The Kaggle client ended without an answer (exit code {done.returncode}, {operation}). "
            f"Does `python -c 'import kaggle'` work?"
        ) from None
    if "refusal" in answer:
        raise UserError(told(competition, **answer["refusal"]))
    return answer


def told(competition: str, status: int, message: str) -> str:
    """A refusal in one line, with its cure. ``status``: HTTP's; 0 no login, -1 no connection, -2 anything else."""
    said = f" ({message.rstrip('.')})" if message else ""
    if status == -2:
        return f"The Kaggle client failed{said}. Does `kaggle competitions list` work?"
    if status in (0, 401) and not has_credentials():
        return (
            f"No Kaggle credentials. Make a token at {SITE}/settings/api and put it into the environment variable "
            f"KAGGLE_API_TOKEN or the file ~/.kaggle/access_token."
        )
    if status in (0, 401):
        return f"Kaggle does not accept these credentials{said}. Make a new token at {SITE}/settings/api."
    if status == -1:
        return f"Kaggle could not be reached{said}. Check the network, then try again."
    if status == 404:
        return (
            f"Kaggle knows no competition {competition!r}, or not this file of it{said}. "
            f"Correct the `kaggle` key of the source in params.yaml."
        )
    if status >= 500:
        return f"Kaggle has trouble of its own, HTTP {status}{said}. Try again later."
    if status == 429 or FULL.search(message):
        return f"Kaggle takes no more now{said}. The daily limit starts anew at midnight UTC."
    if CLOSED.search(message):
        return f"Kaggle refuses{said}. The competition {competition!r} takes no more submissions."
    if status == 403:
        return f"Kaggle refuses{said}. Accept the rules at {SITE}/competitions/{competition}/rules, then try again."
    return f"Kaggle refuses, HTTP {status}{said}. See {SITE}/competitions/{competition}."


# ---- the child ------------------------------------------------------------------------------------------------------


def serve() -> int:
    """Do the one operation that standard input asks for; the answer is the one line on standard output."""
    request = json.load(sys.stdin)
    secrets: list[str] = []
    with contextlib.redirect_stdout(io.StringIO()):  # whatever the client prints is no answer
        try:
            answer = _serve(request, secrets)
        except (Exception, SystemExit) as error:
            answer = {"refusal": _refusal(error)}
    text = json.dumps(answer)
    for secret in secrets:
        text = text.replace(secret, "***")
    print(text)
    return 0


def _serve(request: Mapping[str, str], secrets: list[str]) -> dict[str, Any]:
    from kaggle import api

    secrets += [value for name in ("KAGGLE_API_TOKEN", "KAGGLE_KEY") if (value := os.environ.get(name))]
    if not api._authenticated:
        api.authenticate()  # the import tried in silence; this says why it failed
    secrets += [value for key in ("key", "token") if (value := api.config_values.get(key))]
    competition = request["competition"]
    if request["operation"] == "board":
        limits = api.competition_get_submission_limits(competition)
        listed = api.competition_submissions(competition, page_size=100) or []
        return {
            "submissions": [_plain(one) for one in listed if one],
            "total": limits.num_total,
            "allowed": limits.num_allowed_now,
        }
    if request["operation"] == "send":
        made = api.competition_submit(request["path"], request["message"], competition, quiet=True)
        if made.message == api.COMPETITION_SUBMIT_UPLOAD_FAILED_MESSAGE:
            return {"refusal": {"status": -1, "message": "the upload broke off"}}
        return {"ref": made.ref}
    quiet = not sys.stderr.isatty()
    api.competition_download_file(competition, request["file"], request["folder"], force=True, quiet=quiet)
    return {}


def _plain(one: Any) -> dict[str, Any]:
    return {
        "ref": one.ref,
        "date": one.date.isoformat(timespec="seconds") + "Z" if one.date else "",
        "description": one.description or "",
        "status": one.status.name,
        "public_score": one.public_score or "",
        "error": one.error_description or "",
    }


def _refusal(error: BaseException) -> dict[str, Any]:
    """Status and one-line message, without addresses: a signed one is as good as a password."""
    from requests.exceptions import RequestException

    if isinstance(error, SystemExit):
        return {"status": 0, "message": ""}
    if not isinstance(error, RequestException):
        return {"status": -2, "message": f"{type(error).__name__}: {_line(str(error))}"}
    response = error.response
    if response is None:
        return {"status": -1, "message": type(error).__name__}
    try:
        message = response.json().get("message") or ""
    except (ValueError, AttributeError):
        message = ""
    message = message or str(error).partition(" for url")[0].partition(": ")[2]
    status = response.status_code
    with contextlib.suppress(ValueError, AttributeError):
        status = max(status, int(response.json().get("code", 0)))
    return {"status": status, "message": _line(message)}


def _line(message: str) -> str:
    words = " ".join(re.sub(r"https?://\S+", "...", message).split())
    return words if len(words) <= 200 else words[:199] + "…"


if __name__ == "__main__":
    raise SystemExit(serve())
