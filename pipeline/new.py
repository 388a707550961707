"""A new competition from its files: a contract, an entry in params.yaml and raw tables in one form; no code.

``python -m pipeline.new NAME --train FILE --test FILE`` decides what each column is, says why in one line a column, and
leaves the rest to ``dvc repro``. Everything it decides stands in files that a person may correct.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import shutil
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from features.budget import budget
from features.errors import UserError
from features.inference import METRICS, Inferred, infer
from pipeline import stage
from pipeline.files import read_bytes, write_bytes, write_csv
from pipeline.params import check_name, load, read_document
from pipeline.reading import read_any

CONTRACT_HEAD = """What the tables of {name} must be, as decided from the files. Edit it freely: validate holds train
and test against it, and the encoders read it.

For each column:
  role         id | target | feature | ignore (checked to be there, never learned from)
  type         number | boolean | category | code (composite, as B/45/S) | date | text
  values       allowed categories; a category without them is open. A new one in the test file is reported and handled,
               in the training file refused
  minimum, maximum, integer    the range of a number (both ends allowed) and whether it must be whole
  nullable     may cells be empty? Default: true for features, false for id and target.
  unique       must each value stand there once? Default: true for the id only.
  order        a category's values from low to high: its rank is then an input too
  group        a word; columns of one group are chosen and judged together. Default: each is one of its own.
  description  one sentence, for the data dictionary"""
BLOCKS = ("validate", "encode", "normalize", "tune", "train", "ensemble", "columns", "honest")
SAMPLE = "sample_submission.csv"
COMMENT_WIDTH = 112


def main(argv: Sequence[str] | None = None) -> int:
    """Add a competition; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.new", description=__doc__)
    parser.add_argument("name", help="what the competition is called in params.yaml and in folders")
    parser.add_argument("--train", type=Path, required=True, help="the training table: CSV or Parquet, gzip or zip too")
    parser.add_argument("--test", type=Path, required=True, help="the test table")
    parser.add_argument("--sample", type=Path, help="the sample submission; without it id,target is made")
    parser.add_argument("--target", help="the column to predict, if the files leave it open")
    parser.add_argument("--id", help="the column that names a row, if the files leave it open")
    parser.add_argument("--metric", help=f"what the competition scores: {', '.join(METRICS)}")
    parser.add_argument("--kaggle", help="the competition's name in Kaggle's addresses, to submit to it later")
    parser.add_argument("--encoding", help="of text files that are not UTF-8, if the guess is wrong")
    parser.add_argument("--folder", type=Path, default=Path("."), help="the project's folder (default: this one)")
    parser.add_argument("--force", action="store_true", help="replace the entry, contract and raw files of that name")
    return stage.run(parser, new, argv)


def new(arguments: argparse.Namespace) -> None:
    """Read, decide, print, write."""
    name, folder = arguments.name, arguments.folder
    check_name(name)
    check_free(name, folder, arguments.force)
    train, test, sample = (
        None if path is None else read_any(path, arguments.encoding, print)
        for path in (arguments.train, arguments.test, arguments.sample)
    )
    found = infer(train, test, sample, target=arguments.target, id=arguments.id, metric=arguments.metric)
    width = max(len(column) for column in found.reasons)
    for column, reason in found.reasons.items():
        print(f"  {column:{width}}  {reason}")
    for note in found.notes:
        print(f"note: {note}")
    write(name, folder, found, arguments.kaggle)
    print(
        f"new: {name}: {found.task} scored by {found.metric}, {len(found.train)} training and {len(found.test)} test "
        f"rows, {len(found.contract.features)} columns to learn from\n"
        f"new: correct {contract_path(folder, name)} or params.yaml where a decision is wrong, then run `dvc repro`"
    )


def check_free(name: str, folder: Path, force: bool) -> None:
    """Raises ``UserError`` where the name is taken (``force``: taken by something that is no competition)."""
    document = read_document(folder / "params.yaml")
    competition = name in (document.get("competitions") or {})
    taken = [
        place
        for place, there in (
            (f"params.yaml: competitions.{name}", competition),
            (f"params.yaml: sources.{name}", name in (document.get("sources") or {})),
            (str(contract_path(folder, name)), contract_path(folder, name).exists()),
            (str(folder / "data" / "raw" / name), (folder / "data" / "raw" / name).exists()),
            (str(folder / "reports" / name), (folder / "reports" / name).exists()),
        )
        if there
    ]
    if taken and not (force and competition):
        cure = "Choose another name" + (", or replace it with --force." if competition else ", or remove it.")
        raise UserError(f"{taken[0]} exists already. {cure}")
    if competition and document["competitions"][name].get("table", {}).get("module") not in (None, "plain"):
        raise UserError(f"{taken[0]} has a feature module of its own and is not replaced. Choose another name.")


def contract_path(folder: Path, name: str) -> Path:
    """Where a competition's contract lies."""
    return folder / "data" / "contracts" / f"{name}.yaml"


def write(name: str, folder: Path, found: Inferred, kaggle: str | None = None) -> None:
    """Raw tables, contract, and last the entry that makes DVC see them."""
    raw = folder / "data" / "raw" / name
    shutil.rmtree(raw, ignore_errors=True)
    digests = {}
    for file, frame in (("train.csv", found.train), ("test.csv", found.test), (SAMPLE, found.sample)):
        write_csv(raw / file, frame)
        digests[file] = hashlib.sha256(read_bytes(raw / file)).hexdigest()
    write_bytes(contract_path(folder, name), contract_text(name, found))
    path = folder / "params.yaml"
    content, old = params_text(path, name, found, digests, kaggle), read_bytes(path)
    write_bytes(path, content)
    try:
        load(path, name)
    except UserError:
        write_bytes(path, old)
        raise


def contract_text(name: str, found: Inferred) -> bytes:
    """The contract as commented YAML: above each column, why it is what it is."""
    columns = CommentedMap(found.contract.to_mapping()["columns"])
    for column in columns:
        columns.yaml_set_comment_before_after_key(column, found.reasons[column].replace("\n", " "), indent=2)
    document = CommentedMap({"columns": columns})
    document.yaml_set_start_comment(CONTRACT_HEAD.format(name=name) + "\n")
    return dumped(document)


def params_text(path: Path, name: str, found: Inferred, digests: dict[str, str], kaggle: str | None) -> bytes:
    """params.yaml with the two entries of ``name`` added or replaced; everything else, comments too, as it was."""
    document = _yaml().load(read_bytes(path).decode())
    table = CommentedMap(
        {
            "task": found.task,
            "target": found.contract.target,
            "id": found.contract.id,
            "metric": found.metric,
            "module": "plain",
            "sample": SAMPLE,
        }
    )
    entry = CommentedMap({"table": table})
    table.yaml_add_eol_comment("what the competition scores; new decided it by the files", "metric")
    overrides, why = budget(len(found.train), found.rarest, found.task == "regression", _max_trials(document))
    for block in BLOCKS:
        entry[block] = overrides.get(block, {})
        if block in why:
            entry.yaml_set_comment_before_after_key(block, textwrap.fill(why[block], COMMENT_WIDTH), indent=4)
    source = {"kaggle": kaggle} if kaggle else {}
    document["sources"][name] = CommentedMap({**source, "files": CommentedMap(digests), "urls": []})
    document["competitions"][name] = entry
    return dumped(document)


def _max_trials(document: Any) -> int | None:
    """``tune.max_trials``, None where it is no number of trials, of which ``load`` has more to say."""
    tune = document.get("tune")
    found = tune.get("max_trials") if isinstance(tune, dict) else None
    return found if isinstance(found, int) and found > 0 else None


def dumped(document: Any) -> bytes:
    """Block style, keys in the order given, comments kept."""
    buffer = io.BytesIO()
    _yaml().dump(document, buffer)
    return buffer.getvalue()


def _yaml() -> YAML:
    yaml = YAML()
    yaml.width = 1 << 16  # no line is broken
    yaml.preserve_quotes = True
    return yaml


if __name__ == "__main__":
    raise SystemExit(main())
