"""``python -m pipeline.predict NAME --input new.csv --output out.csv``: the trained ensemble on new rows.

Takes what the stages saved, never the training table, and never TensorFlow, whose start alone takes seconds.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.contracts.contract import Contract
from features.contracts.faults import ContractError, Fault
from features.encoding import encoder
from features.encoding.target import TargetScale
from features.errors import UserError, listed
from features.inference.number_forms import left_open
from features.scoring import submission
from features.scoring.rules import Rule
from features.validation.checks import cells_unread, infinities
from pipeline import stage
from pipeline.choice.combining import Choice
from pipeline.files import read_json, read_npz, sha256, write_csv
from pipeline.nets.forward import Model
from pipeline.params import load, read_document
from pipeline.progress import Progress
from pipeline.reading import read_any

# Rows that are encoded together, which bounds the memory.
AT_ONCE = 8192
# Faults that are told one by one.
FAULTS_SHOWN = 3


def main(argv: Sequence[str] | None = None) -> int:
    """Predict; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.predict", description=__doc__)
    parser.add_argument("name", help="competition, as in params.yaml")
    parser.add_argument(
        "--input", type=Path, required=True, help="rows to predict: the test table's columns, any order"
    )
    parser.add_argument("--output", type=Path, required=True, help="file for the answers, in the sample's form")
    parser.add_argument("--encoding", help="of the input's text, if it is not UTF-8 and the guess is wrong")
    parser.add_argument("--params", type=Path, default=Path("params.yaml"), help=stage.PARAMS)
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder with what the stages saved")
    return stage.run(parser, predict, argv)


@dataclass(frozen=True)
class Trained:
    """All that the stages saved for prediction."""

    contract: Contract
    encoding: Mapping[str, Any]
    normalization: Mapping[str, Any]
    model: Model
    scale: TargetScale
    clip: bool
    ensemble: Mapping[str, Any]

    @property
    def states(self) -> list[Mapping[str, Any]]:
        """How ``features.encoding.columns`` reads each column, for the feature module ``plain`` or for a formula; none
        where only a feature module of another kind does."""
        states = list(self.encoding["features"]["columns"]) if self.encoding["module"] == "plain" else []
        states += [column for one in self.encoding.get("formulas", []) for column in one["columns"]]
        return list({state["name"]: state for state in reversed(states)}.values())[::-1]


def predict(arguments: argparse.Namespace) -> None:
    """Read, hold against the contract, answer, write."""
    name = load(arguments.params, arguments.name).name
    if arguments.output.resolve() == arguments.input.resolve():
        raise UserError(f"{arguments.output}: input and output are the same file. Name another output.")
    trained = load_trained(arguments.data, name)
    table, file = read_any(arguments.input, arguments.encoding, print, header_only=True), str(arguments.input)
    frame = accepted(table, spelt(trained.contract, table, file), trained.states, file)
    parts = []
    with Progress(len(frame), "rows", "predict") as progress:
        for start in range(0, max(len(frame), 1), AT_ONCE):
            parts.append(answers(frame.iloc[start : start + AT_ONCE].reset_index(drop=True), trained))
            progress.to(min(start + AT_ONCE, len(frame)))
    made = written(frame[trained.contract.id].astype(str).tolist(), np.concatenate(parts), trained)
    write_csv(arguments.output, made)
    rows = f"{len(made)} row{'' if len(made) == 1 else 's'}"
    print(f"predict: {rows} of {arguments.input} answered in {arguments.output}")


def load_trained(data: Path, name: str) -> Trained:
    """Raises ``UserError`` where something is missing or does not belong to the rest."""
    paths = {
        "encoding": data / "encode" / name / "encoding.json",
        "normalization": data / "normalize" / name / "normalization.json",
        "weights": data / "train" / name / "weights.npz",
    }
    ensemble = read_json(data / "ensemble" / name / "ensemble.json")
    for part, path in paths.items():
        if sha256(path) != ensemble["parts"][part]:
            raise UserError(f"{path}: not the file that the ensemble was made with. Run `dvc repro ensemble@{name}`.")
    path = data / "contracts" / f"{name}.yaml"
    contract = Contract.from_mapping(read_document(path), str(path))
    encoding, normalization, arrays = (
        read_json(paths["encoding"]),
        read_json(paths["normalization"]),
        read_npz(paths["weights"]),
    )
    trained = Trained(
        contract,
        encoding,
        normalization,
        Model.from_arrays(arrays),
        TargetScale.from_mapping(normalization["target"], len(normalization["folds"])),
        bool(arrays["clip"]),
        ensemble,
    )
    have = {column.name: column.type for column in contract.features}
    gone = [one["name"] for one in trained.states if one["name"] not in have]
    if gone:
        raise UserError(
            f"{path}: {gone[0]!r} is no feature, but the networks have learned from it. Put it back, or run "
            f"`dvc repro ensemble@{name}`."
        )
    for one in trained.states:  # or a number would be met as a word, or a word as a number that none is like
        if one["type"] != have[one["name"]]:
            raise UserError(
                f"{path}: columns.{one['name']}.type is {have[one['name']]!r}, but the networks have learned from it "
                f"as {one['type']!r}. Set it back, or run `dvc repro ensemble@{name}`."
            )
    return trained


def spelt(contract: Contract, table: pd.DataFrame, file: str) -> Contract:
    """The contract with the signs of numbers as the ``table`` shows them, where it keeps none: then the tables that
    were learned from had plain ones. Raises ``UserError`` where they may be several, since a row's answer must not
    depend on the rows beside it."""
    columns = []
    for column in contract.columns:
        spelling = column.spelling
        if column.type == "number" and column.role == "feature" and column.name in table.columns:
            spelling, place = left_open(table[column.name], spelling)
            if place is not None:
                cell = str(table[column.name].iloc[place]).strip()
                twofold = f"{cell.replace(',', '')} or {cell.replace(',', '.')}"
                raise UserError(
                    f"{file}, row {place + 2}: column {column.name!r} is {cell!r}, which may be {twofold}, and nothing "
                    "tells which. Write a decimal point and nothing between thousands, or set `decimal: ','` or "
                    f"`thousands: ','` for it in {contract.file}."
                )
            if spelling != column.spelling:
                print(f"note: {file}: column {column.name!r}: read with {spelling.signs}")
        columns.append(replace(column, spelling=spelling))
    return replace(contract, columns=tuple(columns))


def accepted(table: pd.DataFrame, contract: Contract, states: Sequence[Mapping[str, Any]], file: str) -> pd.DataFrame:
    """The rows with the contract's types and order; raises ``ContractError``, each fault with its rows.

    ``states``: how columns were read in training. A column that may be empty may be left out. What is harmless (an
    unseen category, a date of another form where it may be missing) is told and let through, whatever rows it is among.
    The column that keeps rows together may be there or not, and rows are numbered where `new` had to add the id.
    """
    if contract.grouping is not None and not contract.column(contract.grouping).parts:
        # Which rows belong together matters to folds alone.
        table = table.drop(columns=contract.grouping, errors="ignore")
        contract = contract.without(contract.grouping)
    absent = [c.name for c in contract.file_columns(False) if c.name not in table.columns and c.nullable]
    # Not if another column looks like it under another name: then the contract's message says so.
    complete = not [name for name in table.columns if name not in {c.name for c in contract.file_columns(True)}]
    first = contract.column(contract.id).added
    if complete and first is not None and contract.id not in table.columns:
        print(
            f"predict: no column {contract.id!r} in {file}, nor in the files given to new: its rows are numbered from "
            f"{first} on, as test's were"
        )
        table = table.assign(**{contract.id: [str(first + place) for place in range(len(table))]})
    if absent and complete:
        print(f"warning: {file}: no column {listed(map(repr, absent), most=8)}; taken as empty in every row")
        table = table.assign(**dict.fromkeys(absent, pd.Series([None] * len(table), dtype=object)))
    try:
        frame = contract.typed(table, file, with_target=False)
    except ContractError as error:
        raise _refused(error.faults) from None
    faults = [
        *contract.faults(frame, file, with_target=False),
        *infinities(contract, frame, file),
        *cells_unread(contract, states, frame, file, later=True),
    ]
    for fault in faults:
        if fault.warning:
            print(f"warning: {fault}")
    wrong = [fault for fault in faults if not fault.warning]
    if wrong:
        raise _refused(wrong)
    return frame


def _refused(wrong: Sequence[Fault]) -> UserError:
    if len(wrong) <= FAULTS_SHOWN:
        return ContractError(wrong)
    shown = "\n".join(map(str, wrong[: FAULTS_SHOWN - 1]))
    return UserError(f"{shown}\n... and {len(wrong) - FAULTS_SHOWN + 1} faults more. Nothing was written.")


def answers(frame: pd.DataFrame, trained: Trained) -> np.ndarray:
    """The ensemble's answers ``[n, c]`` for typed rows: every member in its fold's inputs, then combined as chosen."""
    encoded = encoder.transform(frame, trained.encoding)
    folds = range(len(trained.normalization["folds"]))  # of all methods, one after another
    inputs = np.stack(
        [encoder.inputs_of_rows(encoded, trained.encoding, trained.normalization, fold) for fold in folds]
    )
    said = trained.model.answers(inputs, encoded.codes, trained.ensemble["task"])
    said = trained.scale.original(said, trained.model.fold[trained.model.kept], trained.clip)
    return Choice.from_mapping(trained.ensemble).answer(said)


def written(ids: list[str], found: np.ndarray, trained: Trained) -> pd.DataFrame:
    """The answers in the sample's form, a row for each id in its order."""
    made = trained.ensemble
    id_column, *others = made["columns"]
    classes, target = trained.encoding["classes"], trained.contract.target
    decided = Rule.from_mapping(made).decide(found)
    spelt = submission.spell(made["task"], made["metric"], found, decided, classes, others, target)
    form = pd.DataFrame({id_column: ids} | dict.fromkeys(others, ""), columns=made["columns"], dtype=object)
    return submission.build(form, ids, spelt, "the sample submission")


if __name__ == "__main__":
    raise SystemExit(main())
