"""A new competition from its files: a contract, an entry in params.yaml and raw tables in one form; no code.

``python -m pipeline.new NAME --train FILE --test FILE`` decides what each column is, says why in one line per column,
and leaves the rest to ``dvc repro``. Everything it decides stands in files that a person may correct.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import io
import tempfile
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from features.contracts.contract import Contract
from features.contracts.faults import ContractError
from features.errors import UserError, listed
from features.inference.budget import budget
from features.inference.first_contract import Inferred, infer
from features.tasks import ALL_METRICS
from pipeline import stage
from pipeline.files import csv_bytes, read_bytes, write_bytes
from pipeline.params import BLOCKS, check_name, load, load_source, parse_document, read_document
from pipeline.reading import read_together

CONTRACT_HEAD = """What the tables of {name} must be, as decided from the files. Edit it freely: validate holds train
and test against it, and the encoders read it.

For each column:
  role         id | target | feature | group (rows with one value belong together: encode.group_aware keeps them in
               one fold) | ignore. The last two are checked to be there, never learned from.
  type         number | boolean | category | code (composite, as C85) | date | text |
               presence (only whether there is something in the cell)
  values       allowed categories; a category without them is open. A new one in the test file is reported and handled,
               in the training file refused
  minimum, maximum, integer    the range of a number (both ends allowed) and whether it must be whole
  nullable     may cells be empty? Default: true for features, false for id and target.
  unique       must each value stand there once? Default: true for the id only.
  order        a category's values from low to high: its rank is then an input too
  decimal, thousands    the signs in its numbers, where they are not written as 1234.5: ',' and '.' read 1.234,5
  prefix, suffix        what stands before or behind each number, as $ or kg
  units        what stands behind numbers of several units, and how much each is: {{h: 60, m: 1}} reads 5h 3m as 303
  missing      words that mean an empty cell, as '?' (NA, NaN, null and none do in every column of numbers)
  separator, parts    what stands between several values of one cell, and the columns that they become, each with an
               entry of its own: '_' and [Group, Number] for 0013_01. A list of separators has one for each place
  added        of an id that the files as they came lack: the number of test's first row, from which predict too
               numbers the rows of a file
  group        a word; columns of one group are chosen and judged together. Default: each is one of its own.
  description  one sentence, for the data dictionary in reports/{name}/README.md; at first why it was taken for that"""
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
    parser.add_argument("--metric", help=f"what the competition scores: {', '.join(ALL_METRICS)}")
    parser.add_argument("--positive", help="of two classes the one that F1 is of (default: 1 or yes, else the rarer)")
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
    paths = (arguments.train, arguments.test, arguments.sample)
    (train, test, sample), semicolons = read_together(paths, arguments.encoding, print)
    given = {name: getattr(arguments, name) for name in ("target", "id", "metric", "positive")}
    found = infer(train, test, sample, **given, commas=semicolons)
    # On one line, also where a name of several came from a spreadsheet.
    names = {column: " ".join(column.split()) for column in found.reasons}
    width = max(map(len, names.values()))
    for column, reason in found.reasons.items():
        print(f"  {names[column]:{width}}  {reason}")
    for note in told_once(found.notes):
        print(f"note: {note}")
    write(name, folder, found, arguments.kaggle)
    count = len(found.contract.features)
    print(
        f"new: {name}: {found.task} scored by {found.metric}, {len(found.train)} training and {len(found.test)} test "
        f"rows, {count} column{'' if count == 1 else 's'} to learn from\n"
        f"new: correct {contract_path(folder, name)} or params.yaml where a decision is wrong, then run "
        f"`dvc repro report@{name}`"  # without a name DVC would run pictures and reviews, too
    )


def told_once(notes: Sequence[str]) -> list[str]:
    """``notes``, with one in place of several that say the same of several columns."""
    same: dict[str, list[str]] = {}
    for note in notes:
        name, _, text = note.partition(": ")
        same.setdefault(text or note, []).append(name)
    return [text if names[0] == text else f"{listed(names, most=5)}: {text}" for text, names in same.items()]


def check_free(name: str, folder: Path, force: bool) -> None:
    """Raises ``UserError`` where the name is taken (``force``: taken by something that is no competition)."""
    document = read_document(folder / "params.yaml")
    entries = {key: document.get(key) or {} for key in ("competitions", "sources")}
    for key, named in entries.items():
        if not isinstance(named, dict):
            raise UserError(f"{folder / 'params.yaml'}: {key} is {named!r}; expected names with their entries.")
    places = (contract_path(folder, name), folder / "data" / "raw" / name, folder / "reports" / name)
    taken = [f"params.yaml: {key}.{name}" for key, named in entries.items() if name in named]
    taken += [str(path) for path in places if path.exists()]
    competition = name in entries["competitions"]
    if taken and not (force and competition):
        cure = "Choose another name" + (", or replace it with --force." if competition else ", or remove it.")
        raise UserError(f"{taken[0]} exists already. {cure}")
    entry = entries["competitions"].get(name) or {}
    if (entry.get("table") or {}).get("module") not in (None, "plain"):
        raise UserError(f"{taken[0]} has a feature module of its own and is not replaced. Choose another name.")


def contract_path(folder: Path, name: str) -> Path:
    """Where a competition's contract lies."""
    return folder / "data" / "contracts" / f"{name}.yaml"


def write(name: str, folder: Path, found: Inferred, kaggle: str | None = None) -> None:
    """Raw tables, contract, and last the entry that makes DVC see them; all of them or, where anything fails, none."""
    raw, path = folder / "data" / "raw" / name, folder / "params.yaml"
    tables = {"train.csv": found.train, "test.csv": found.test, SAMPLE: found.sample}
    contents = {raw / file: csv_bytes(frame) for file, frame in tables.items()}
    digests = {file.name: hashlib.sha256(content).hexdigest() for file, content in contents.items()}
    contents[contract_path(folder, name)] = contract_text(name, found)
    contents[path] = params_text(path, name, found, digests, kaggle)
    check_contract(contents[contract_path(folder, name)], contract_path(folder, name), found)
    check_params(contents[path], path, name)
    before = {file: read_bytes(file) if file.exists() else None for file in contents}
    try:
        for file, content in contents.items():
            write_bytes(file, content)
    except BaseException:
        for file, old in before.items():
            if old is None:
                file.unlink(missing_ok=True)
            elif read_bytes(file) != old:
                write_bytes(file, old)
        if raw.exists() and not any(raw.iterdir()):
            raw.rmdir()
        raise


def check_contract(content: bytes, path: Path, found: Inferred) -> None:
    """Raises ``UserError`` where the contract, as it will be read, does not hold for the tables it was made from."""
    contract = Contract.from_mapping(parse_document(content, str(path)), str(path))
    for frame, file in ((found.train, "the training table"), (found.test, "the test table")):
        with_target = frame is found.train
        try:
            faults = contract.faults(contract.typed(frame, file, with_target), file, with_target)
        except ContractError as error:
            faults = list(error.faults)
        if faults:
            # The fault's own cure is to edit a contract that is not there yet.
            raise UserError(
                f"{replace(faults[0], cure='')} Nothing was written.\nCorrect the given file, or decide otherwise with "
                "--target, --id or --metric."
            )


def check_params(content: bytes, path: Path, name: str) -> None:
    """Raises ``UserError`` where ``content`` would be no parameters, or no source, of ``name`` at ``path``."""
    with tempfile.TemporaryDirectory() as place:
        proposed = Path(place) / path.name
        write_bytes(proposed, content)
        try:
            load(proposed, name)
            load_source(proposed, name)
        except UserError as error:
            raise UserError(str(error).replace(str(proposed), str(path))) from None


def contract_text(name: str, found: Inferred) -> bytes:
    """The contract as YAML, the description of each column why it is what it is."""
    columns = found.contract.to_mapping()["columns"]
    for column, entry in columns.items():
        # Without the role or type before it, which the entry has.
        entry["description"] = found.reasons[column].partition(": ")[2]
    document = CommentedMap({"columns": columns})
    document.yaml_set_start_comment(CONTRACT_HEAD.format(name=name) + "\n")
    return dumped(document)


def params_text(path: Path, name: str, found: Inferred, digests: dict[str, str], kaggle: str | None) -> bytes:
    """params.yaml with the two entries of ``name`` added or replaced; everything else, comments too, as it was."""
    document = _yaml().load(read_bytes(path).decode()) or CommentedMap()
    for key in ("sources", "competitions"):
        document[key] = document.get(key) or CommentedMap()
    table = CommentedMap(
        {
            "task": found.task,
            "target": found.contract.target,
            "id": found.contract.id,
            "metric": found.metric,
            **({"positive": found.positive} if found.positive else {}),
            "module": "plain",
            "sample": SAMPLE,
        }
    )
    entry = CommentedMap({"table": table})
    table.yaml_add_eol_comment("what the competition scores; new decided it by the files", "metric")
    numbers = sum(column.type == "number" for column in found.contract.features)
    regression = found.task == "regression"
    overrides, why = budget(len(found.train), numbers, found.rarest, regression, _max_trials(document))
    if found.contract.grouping is not None:
        overrides["encode"]["group_aware"] = True
        why["encode"] += (
            f" Rows of one {found.contract.grouping!r} are kept in one fold: those of test are of others, and a row "
            "scored by networks that know its like would tell too much."
        )
    for block in BLOCKS:
        entry[block] = overrides.get(block, {})
        if block in why:
            entry.yaml_set_comment_before_after_key(block, textwrap.fill(why[block], COMMENT_WIDTH), indent=4)
    source = {"kaggle": kaggle} if kaggle else {}
    added = CommentedMap({**source, "files": CommentedMap(digests), "urls": []})
    add_entries(document, name, {"sources": added, "competitions": entry})
    return dumped(document)


def add_entries(document: Any, name: str, entries: Mapping[str, CommentedMap]) -> None:
    """``name`` with its entry in each block, behind the others, or in the place of one so called.

    What follows a block, as the next one's heading, hangs on its last line: it is hung on the new last line.
    """
    for key, entry in entries.items():
        block = document[key]
        behind = _taken_from_end(block)
        block[name] = entry
        if behind is not None:
            comments, last, place, places = _end(block)
            comments.setdefault(last, [None] * places)[place] = behind


def _end(block: CommentedMap | CommentedSeq) -> tuple[dict[Any, Any], Any, int, int]:
    """The comments of the innermost list or mapping in which ``block``, which is not empty, ends, by its entries; the
    last of these; in which of how many places ruamel has the comment behind an entry."""
    listed = isinstance(block, CommentedSeq)
    last = len(block) - 1 if listed else list(block)[-1]
    inner = block[last]
    if not isinstance(inner, CommentedMap | CommentedSeq) or not inner or inner.fa.flow_style():
        return block.ca.items, last, *((0, 2) if listed else (2, 4))
    return _end(inner)


def _taken_from_end(block: CommentedMap) -> Any:
    """The comment in the lines behind ``block``, taken out of it; None where there is none. What is said on its last
    line stays."""
    if not block:
        return None
    comments, last, place, _ = _end(block)
    found = comments.get(last)
    if found is None or len(found) <= place or found[place] is None:
        return None
    beside, _, behind = found[place].value.partition("\n")
    taken = copy.copy(found[place])
    taken.value = "\n" + behind
    if beside:
        found[place].value = beside + "\n"
    else:
        found[place] = None
    return taken if behind else None


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
