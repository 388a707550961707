"""``make submit``: send a competition's checked file to Kaggle, wait for its public score, keep both."""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from features.errors import UserError
from pipeline import kaggle_client, stage
from pipeline.files import read_json, sha256, write_csv
from pipeline.kaggle_client import Submission
from pipeline.leaderboard import BOARD, COLUMNS, read_board
from pipeline.params import load, load_source, read_document
from pipeline.progress import Progress
from pipeline.provenance import parameters_of
from pipeline.revisions import head

# Between two looks at the score.
POLL_SECONDS = 5.0
# How a content that was sent already is sent again.
FORCED = "--force (make: FORCE=1)"


def main(argv: Sequence[str] | None = None) -> int:
    """Submit one competition's file; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.submit", description=__doc__)
    parser.add_argument("name", help="competition, as in params.yaml")
    parser.add_argument("-m", "--message", required=True, help="what is new; Kaggle shows it beside the score")
    parser.add_argument("--force", action="store_true", help="send the same content again")
    parser.add_argument("--timeout", type=float, default=300, help="seconds to wait for the score (default 300)")
    parser.add_argument("--kaggle", help="the competition's name at Kaggle, if `sources` in params.yaml has none")
    parser.add_argument("--params", type=Path, default=Path("params.yaml"), help=stage.PARAMS)
    return stage.run(parser, submit, argv)


@dataclass(frozen=True)
class Parcel:
    """What is to be sent, the parameters that made it, all else that a row of the leaderboard says before the score
    is known, and Kaggle's numbers of the submissions that have a row already, under whatever name."""

    slug: str
    file: Path
    tag: str
    parameters: dict[str, Any]
    row: dict[str, str]
    recorded: frozenset[str] = frozenset()


def submit(arguments: argparse.Namespace) -> None:
    """Check, send, wait, record; on any refusal nothing is recorded."""
    message = " ".join(arguments.message.split())
    if not message:
        raise UserError("-m is empty; expected a few words on what is new in this submission.")
    parcel = prepare(arguments, message)
    print(f"submit: {parcel.file}, CV {parcel.row['metric']} {parcel.row['cv']}")
    known = kaggle_client.board(parcel.slug)
    sent = already(parcel, known.submissions, arguments.force)
    if sent is None:
        if known.allowed <= 0 < known.total:
            raise UserError("Kaggle takes no more submissions today: the daily limit starts anew at midnight UTC.")
        ref = kaggle_client.send(parcel.slug, parcel.file, f"{message} {parcel.tag}")
        print(f"submit: sent as {ref}, waiting for the score")
    else:
        ref = sent.ref
        print(f"submit: Kaggle has this content already (submission {ref}, {sent.date}); not sent again")
    scored = wait(parcel, ref, arguments.timeout)
    number = record(parcel, scored)
    score = scored.public_score or "none"
    print(f"submit: public score {score}, CV {parcel.row['cv']}; row {number} of {BOARD}")


def prepare(arguments: argparse.Namespace, message: str) -> Parcel:
    """The file, known to be what the present parameters make, not sent before (unless forced)."""
    params = load(arguments.params, arguments.name)
    report = Path("reports") / params.name
    file = report / "submission.csv"
    slug = arguments.kaggle or slug_of(arguments.params, params.name)
    digest = sha256(file)
    # First of all: who has changed something and not run it is to hear that, not that the old file was sent already.
    used = parameters_of(file, Path("dvc.lock"), arguments.params)
    rows = read_board(BOARD)
    own = rows[rows["competition"] == params.name]
    same = own[own["sha256"] == digest]
    if len(same) and not arguments.force:
        raise UserError(
            f"{file}: this content was sent already, {same['date'].iloc[-1]}, public score "
            f"{same['public_score'].iloc[-1] or 'none'}. Change something first, or send it again with {FORCED}."
        )
    metrics, metric = read_json(report / "metrics.json"), params.table.metric
    revision, dirty = head(BOARD, report / "leaderboard.png")
    row = {
        "competition": params.name,
        "revision": revision,
        "dirty": str(dirty).lower() if revision else "",
        "metric": metric,
        "cv": _cell(metrics, f"cv_{metric}"),
        "cv_se": _cell(metrics, f"cv_{metric}_se"),
        "cv_log_loss": _cell(metrics, "cv_log_loss"),
        "message": message,
        "sha256": digest,
    }
    state = f"{revision[:7]}{'+' if dirty else ''} " if revision else ""
    return Parcel(slug, file, f"[{state}{digest[:12]}]", used, row, frozenset(rows["submission"]))


def slug_of(params: Path, name: str) -> str:
    """The competition's name at Kaggle. Raises ``UserError`` where params.yaml does not tell it."""
    sources = read_document(params).get("sources") or {}
    slug = load_source(params, name).kaggle if name in sources else ""
    if not slug:
        raise UserError(
            f"{params}: sources.{name}.kaggle names no competition at Kaggle. Add it, as in "
            f"kaggle.com/competitions/NAME, or say --kaggle NAME."
        )
    return slug


def already(parcel: Parcel, submissions: Sequence[Submission], force: bool = False) -> Submission | None:
    """The submission of the same content that Kaggle knows of, by the mark that ours carry.

    So a submission whose answer got lost is found again and not sent twice. One that is to be sent again (``force``)
    is found only by the same message, where it has no row yet: then the same command broke off before its score came.
    Raises ``UserError`` where Kaggle found it faulty then.
    """
    mark = f"{parcel.row['sha256'][:12]}]"
    if force:
        start = f"{parcel.row['message']} ["  # whatever the revision is by now
        submissions = [
            one
            for one in submissions
            if one.description.startswith(start) and one.status != "ERROR" and str(one.ref) not in parcel.recorded
        ]
    for one in submissions:
        if one.description.endswith(mark):
            if one.status == "ERROR":
                raise UserError(f"{_faulty(parcel, one)} The same content is sent again with {FORCED} only.")
            return one
    return None


def wait(parcel: Parcel, ref: int, seconds: float) -> Submission:
    """The submission ``ref`` with its score. Raises ``UserError`` where it is faulty or not scored in time."""
    start = time.monotonic()
    with Progress(seconds, "s", "submit: waiting") as progress:
        while True:
            trouble = "it is still pending"
            try:
                known = kaggle_client.board(parcel.slug).submissions
            except UserError as error:  # a network that is gone for a moment is no reason to give up
                known, trouble = (), str(error)
            for one in known:
                if one.ref == ref or (not ref and one.description.endswith(parcel.tag)):
                    if one.status == "ERROR":
                        raise UserError(_faulty(parcel, one))
                    if one.status == "COMPLETE":
                        return one
            waited = time.monotonic() - start
            if waited >= seconds:
                raise UserError(
                    f"No score within {seconds:g} s ({trouble.rstrip('.')}). Nothing is recorded yet: run the same "
                    f"command later; the file is recognised, not sent again, and recorded with its score."
                )
            progress.to(waited)
            time.sleep(min(POLL_SECONDS, seconds - waited))


def record(parcel: Parcel, scored: Submission) -> int:
    """Append the row to the leaderboard as it is now; returns the number of its rows."""
    row = parcel.row | {"date": scored.date, "public_score": scored.public_score, "submission": str(scored.ref)}
    with alone(BOARD.parent):
        rows = read_board(BOARD)
        row["params"] = json.dumps(parcel.parameters, sort_keys=True, ensure_ascii=False)
        write_csv(BOARD, pd.concat([rows, pd.DataFrame([row], columns=COLUMNS)], ignore_index=True))
    return len(rows) + 1


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Nobody else who asks for ``folder`` in this way has it meanwhile: a submission that waits for its score may end
    while another is being recorded."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _faulty(parcel: Parcel, one: Submission) -> str:
    said = " ".join(one.error.split()).rstrip(".") or "no reason given"
    return f"{parcel.file}: Kaggle finds the file faulty ({said}). Nothing is recorded; correct it and send it anew."


def _cell(metrics: dict[str, float], key: str) -> str:
    return f"{metrics[key]:.10g}" if key in metrics else ""


if __name__ == "__main__":
    raise SystemExit(main())
