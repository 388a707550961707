"""Stage ``validate``: the raw tables against their contract, by Great Expectations and by checks across tables.

The report and the Data Docs are written first; then a failure ends the stage with a line per fault.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.contracts.contract import Contract, reordered
from features.contracts.faults import ContractError, Fault, fault_at
from features.contracts.tables import guessed, parse_table
from features.contracts.words import together
from features.derived import module_of
from features.encoding import duplicates
from features.encoding.duplicates import Duplicates
from features.encoding.formulas import seen
from features.errors import UserError
from features.scoring import submission
from features.validation.checks import Readings, read_states, run_checks, target_binary
from features.validation.drift import Drift, adversarial, clustered
from features.validation.levels import levels
from pipeline import stage
from pipeline.expectations.suites import run_suites, unexplained
from pipeline.files import read_bytes, write_json
from pipeline.params import load, read_document
from pipeline.runtime import seed_for
from pipeline.settings import Params, Table


def main(argv: Sequence[str] | None = None) -> int:
    """Validate one competition's raw tables; exit code 1 where a fault stops the run."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.validate", description=__doc__)
    stage.add_competition(parser)
    for name, about in (
        ("contract", "what the tables must be"),
        ("train", "raw training table"),
        ("test", "raw test table"),
        ("sample", "sample submission"),
        ("report", "JSON report to write"),
        ("docs", "folder for the Data Docs"),
    ):
        parser.add_argument(f"--{name}", type=Path, required=True, help=about)
    return stage.run(parser, validate, argv)


@dataclass(frozen=True)
class Tables:
    """The files by name (train, test, sample), those that could be read as ``raw`` tables of strings, of these the
    ``typed`` train and test, and what was found wrong so far, ``checks`` by name."""

    files: Mapping[str, str]
    raw: Mapping[str, pd.DataFrame]
    typed: Mapping[str, pd.DataFrame]
    checks: Mapping[str, list[Fault]]


def validate(arguments: argparse.Namespace) -> None:
    """Read, check, write the report and the Data Docs; raises ``UserError`` with a line per fault."""
    params = load(arguments.params, arguments.competition)
    contract = Contract.from_mapping(read_document(arguments.contract), arguments.contract.as_posix())
    _agree(params, contract, arguments)
    tables = read_tables(contract, {name: getattr(arguments, name).as_posix() for name in ("train", "test", "sample")})
    typed, readings, doubles = tables.typed, None, None
    place = f"{arguments.params}: competitions.{params.name}.encode.formulas"
    shown = seen(params.encode.features, params.encode.formulas, place)
    if len(typed) == 2:
        readings = read_states(contract, typed["train"], typed["test"], _plain_columns(params, contract))
        doubles = duplicates.find(contract, shown, typed["train"], typed["test"])
    checks = all_checks(params, contract, tables, readings, doubles)
    faults = [fault for found in checks.values() for fault in found]
    expectations = run_suites(contract, {tables.files[name]: table for name, table in typed.items()}, arguments.docs)
    faults += unexplained(expectations, faults)
    failures = [fault for fault in faults if not fault.warning]
    cautions = [fault for fault in faults if fault.warning]
    drift, groups = None, None
    if readings is not None and doubles is not None and not failures:
        seed, copied = seed_for(params.seed, "drift"), doubles.flattering
        groups = row_groups(params, contract, typed["train"], typed["test"])
        if copied:
            groups = duplicates.joined(groups, doubles.labels)
        if not copied and contract.grouping is None and not (params.encode.group_aware or params.encode.time):
            near = nearly_duplicated(contract, tables, readings, checks, seed)
            checks["rows_duplicated"] += near
            faults += near
            cautions += near
        drift = adversarial(contract, typed["train"], typed["test"], readings.states, seed, copied)
    write_json(arguments.report, report_of(params, contract, tables, checks, expectations, faults, drift, groups))
    for caution in cautions:
        print(f"warning: {caution}")
    if failures:
        count = f"{len(failures)} fault{'s' if len(failures) > 1 else ''}"
        raise UserError(
            "\n".join(_line(f) for f in failures) + f"\n{count}; the full report is {arguments.report.as_posix()}."
        )
    held = _passed([e["success"] for e in expectations], "expectations")
    held += " and " + _passed([not found for found in checks.values()], "checks")
    print(f"validate {params.name}: {held} passed, {len(cautions)} warning{'' if len(cautions) == 1 else 's'}")
    if drift:
        print(f"validate {params.name}: {drift.sentence()}")


def read_tables(contract: Contract, files: Mapping[str, str]) -> Tables:
    """The ``files`` by name, with what is wrong with reading them and giving their columns types."""
    checks: dict[str, list[Fault]] = {}
    typed: dict[str, pd.DataFrame] = {}
    raw: dict[str, pd.DataFrame] = {}
    for name, file in files.items():
        read = checks.setdefault("tables_read", [])
        try:
            content = read_bytes(Path(file))
            raw[name] = parse_table(content, file)
            read.extend(_guess(content, file))
            if name == "sample":
                continue
            typed[name] = contract.typed(raw[name], file, name == "train")
            checks.setdefault("columns_in_order", []).extend(_order(contract, raw[name], file, name == "train"))
        except ContractError as error:
            read.extend(error.faults)
        except UserError as error:
            # A file that can't be read has no column; its message already says file, row and cure.
            read.append(Fault(file="", column="", count=1, problem=str(error), check="tables_read"))
    return Tables(files, raw, typed, checks)


def all_checks(
    params: Params, contract: Contract, tables: Tables, readings: Readings | None, doubles: Duplicates | None
) -> dict[str, list[Fault]]:
    """What reading found and what every further check finds, by the check's name; ``readings``: how columns of train
    and test are read, and ``doubles``: rows of theirs that are alike, None where one of the two has no types."""
    files, typed, checks = tables.files, tables.typed, dict(tables.checks)
    for name, table in typed.items():
        checks.setdefault("contract", []).extend(contract.faults(table, files[name], name == "train"))
    if "train" in typed and params.table.task == "binary":
        checks["target_binary"] = target_binary(contract, typed["train"], files["train"])
    if readings is not None and doubles is not None:
        checks |= run_checks(
            contract,
            typed["train"],
            typed["test"],
            files["train"],
            files["test"],
            readings,
            doubles,
            leak_auc=params.validate.leak_auc,
            drift_auc=params.validate.drift_auc,
            time=params.encode.time,
        )
    if "test" in typed and "sample" in tables.raw:
        checks["sample_matches"] = sample_matches(
            contract, params.table, tables.raw["sample"], typed["test"], files["sample"], files["test"]
        )
    return checks


def nearly_duplicated(
    contract: Contract, tables: Tables, readings: Readings, checks: Mapping[str, Sequence[Fault]], seed: int
) -> list[Fault]:
    """Rows of train are no nearer to one another than those of test to them, as far as columns go in which nothing else
    is amiss; a warning, since which rows belong together is not known."""
    amiss = {fault.column for name in ("drift", "columns_empty") for fault in checks.get(name, ())}
    train, test = (tables.typed[name] for name in ("train", "test"))
    area = clustered(contract, train, test, readings.states, amiss, seed)
    if area is None:
        return []
    problem = (
        "its rows lie nearer to one another than those of test lie to them (an AUC of the distance to the nearest of "
        f"{area:.3f}; 0.5 means no difference)"
    )
    cure = (
        "If they are copies that were changed, or several rows of one thing, a score flatters: give the column that "
        f"names the thing `role: group` in {contract.file} and set encode.group_aware."
    )
    return [_warned(tables.files["train"], "", len(train), problem, cure, "rows_duplicated")]


def report_of(
    params: Params,
    contract: Contract,
    tables: Tables,
    checks: Mapping[str, Sequence[Fault]],
    expectations: Sequence[Mapping[str, Any]],
    faults: Sequence[Fault],
    drift: Drift | None,
    groups: np.ndarray | None,
) -> dict[str, Any]:
    """The report for JSON: what was held against the tables and all ``faults``; levels of columns and ``drift`` where
    nothing fails. ``groups [t]``: as of ``levels``."""
    failures = [fault for fault in faults if not fault.warning]
    table = params.table
    # A table with failures may have no types.
    found = [] if failures else levels(contract, tables.typed["train"], table.task, groups, table.positive)
    return {
        "competition": params.name,
        "contract": contract.file,
        "files": tables.files,
        "rows": {name: len(table) for name, table in sorted(tables.raw.items())},
        "missing": {name: missing_cells(table) for name, table in tables.typed.items()},
        "passed": not failures,
        "expectations": expectations,
        "checks": {name: [_plain(f) for f in each] for name, each in checks.items()},
        "drift": drift.to_mapping() if drift else None,
        "levels": [one.to_mapping() for one in found],
        "failures": [_line(f) for f in failures],
        "warnings": [_line(f) for f in faults if f.warning],
    }


def row_groups(params: Params, contract: Contract, train: pd.DataFrame, test: pd.DataFrame) -> np.ndarray | None:
    """A label ``[t]`` of the rows of ``train`` that belong together, as the feature module takes them; None where it
    names none."""
    if params.table.module == "plain":  # by a column alone; all else that it derives would take its time
        return None if contract.grouping is None else together(train[contract.grouping])
    module = module_of(params.table.module)
    frame = pd.concat([train.drop(columns=contract.target), test], ignore_index=True)
    classes = 0 if params.table.task == "regression" else train[contract.target].nunique()
    groups = module.derive(frame, module.fit(frame, contract, {}, classes)).groups
    return None if groups is None else groups[: len(train)]


def missing_cells(table: pd.DataFrame) -> dict[str, int]:
    """How many cells of a typed table's columns are missing, of those that miss any."""
    return {str(name): int(count) for name, count in table.isna().sum().items() if count}


def _plain_columns(params: Params, contract: Contract) -> set[str]:
    """The columns that the encoder reads by ``features.encoding.columns``: those switched on, if the feature module is
    plain."""
    if params.table.module != "plain":
        return set()
    return {column.name for column in contract.features if params.encode.features.get(column.name, True)}


def _guess(content: bytes, file: str) -> list[Fault]:
    guess = guessed(content, file)
    if guess is None:
        return []
    encoding, word, row = guess
    problem = f"the file is not UTF-8 and was read as {encoding}"
    cure = "If that is not a word from the file, save the file again as CSV in UTF-8."
    return [_warned(file, "", 1, problem, cure, "tables_read", values=(repr(word),), rows=(row,))]


def _agree(params: Params, contract: Contract, arguments: argparse.Namespace) -> None:
    for key, value, said in (("id", contract.id, params.table.id), ("target", contract.target, params.table.target)):
        if value != said:
            raise UserError(
                f"{arguments.params}: competitions.{params.name}.table.{key} is {said!r}, but {contract.file} gives "
                f"role {key!r} to {value!r}. Make them agree."
            )
    wanted = "number" if params.table.task == "regression" else "category"
    target = contract.column(contract.target)
    if target.type != wanted:
        raise UserError(
            f"{contract.file}: columns.{contract.target}.type is {target.type!r}; expected {wanted!r} for task "
            f"{params.table.task!r} ({arguments.params})."
        )
    if params.table.task == "binary" and target.values is not None and len(target.values) != 2:
        raise UserError(
            f"{contract.file}: columns.{contract.target}.values are {', '.join(map(repr, target.values))}; expected "
            f"two for task 'binary' ({arguments.params}). Correct them, or set `task: multiclass` there."
        )


def _order(contract: Contract, frame: pd.DataFrame, file: str, with_target: bool) -> list[Fault]:
    if not reordered(contract, frame, with_target):
        return []
    expected = [c.name for c in contract.file_columns(with_target)]
    first = next(n for n, e in zip(frame.columns, expected, strict=True) if n != e)
    problem, cure = "the columns stand in another order in row 1, the header", "They were put right; nothing to do."
    words = ", ".join(expected)
    return [_warned(file, str(first), len(expected), problem, cure, "columns_in_order", expected=words)]


def sample_matches(
    contract: Contract, table: Table, sample: pd.DataFrame, test: pd.DataFrame, sample_file: str, test_file: str
) -> list[Fault]:
    """The sample submission (strings) holds the id, an answer or one for each class, as task and metric of ``table``
    ask, and the ids of test (typed); another order, or another name of the one answer, is a warning."""
    found = _sample_columns(contract, table, sample, sample_file)
    if any(not fault.warning for fault in found):
        return found
    return found + _sample_ids(contract, sample, test, sample_file, test_file)


def _sample_columns(contract: Contract, table: Table, sample: pd.DataFrame, file: str) -> list[Fault]:
    names = [contract.id, contract.target]
    answers = [str(name) for name in sample.columns[1:]]
    misfit = submission.misfit(answers, table.task, table.metric, contract.column(contract.target).values or ())
    if misfit or str(sample.columns[0]) != contract.id:
        wrong = [*(c for c in sample.columns if c not in names), *(n for n in names if n not in sample.columns), *names]
        return [
            Fault(
                file=file,
                column=str(wrong[0]),
                count=len(sample.columns),
                values=tuple(repr(str(c)) for c in sample.columns[:3]),
                expected=", ".join(names),
                problem="the columns in row 1, the header, are not those of a submission"
                + (f": {misfit[:-1]}" if misfit else ""),
                cure="Put the competition's own sample submission there, or correct task and metric in params.yaml.",
                check="sample_matches",
            )
        ]
    if len(answers) != 1 or answers[0] == contract.target:
        return []
    problem = f"the answer has another name than the target {contract.target!r}"
    cure = "It is kept; check that the sample belongs to this competition."
    return [_warned(file, answers[0], 1, problem, cure, "sample_matches")]


def _sample_ids(
    contract: Contract, sample: pd.DataFrame, test: pd.DataFrame, sample_file: str, test_file: str
) -> list[Fault]:
    ids, known = sample[contract.id].map(lambda v: v if v is None or v != v else str(v).strip()), test[contract.id]
    faults = [
        fault_at(
            file,
            cells,
            wrong,
            "each id of test once in the sample submission",
            problem=f"{wrong.sum()} {'id is' if wrong.sum() == 1 else 'ids are'} {problem}",
            check="sample_matches",
            cure="Put the test file and the sample submission of one competition there.",
        )
        for wrong, cells, file, problem in (
            (ids.duplicated(keep="first").to_numpy(), ids, sample_file, "there a second time"),
            (~ids.isin(known).to_numpy(), ids, sample_file, f"not in {test_file}"),
            (~known.isin(ids).to_numpy(), known, test_file, f"not in {sample_file}"),
        )
        if wrong.any()
    ]
    # With another number of rows an id of test stands there twice, which is told where test is looked at.
    if faults or len(ids) != len(test) or (ids.to_numpy() == known.to_numpy()).all():
        return faults
    return [
        fault_at(
            sample_file,
            ids,
            ids.to_numpy() != known.to_numpy(),
            f"the order of {test_file}",
            problem="the ids stand in another order",
            check="sample_matches",
            warning=True,
        )
    ]


def _warned(file: str, column: str, count: int, problem: str, cure: str, check: str, **more: Any) -> Fault:
    return Fault(file=file, column=column, count=count, problem=problem, cure=cure, check=check, warning=True, **more)


def _passed(outcomes: Sequence[bool], what: str) -> str:
    total = f"{len(outcomes)} {what}"
    return total if all(outcomes) else f"{sum(outcomes)} of {total}"


def _line(fault: Fault) -> str:
    return str(fault) if fault.file else fault.problem


def _plain(fault: Fault) -> dict[str, Any]:
    return asdict(fault) | {"message": _line(fault)}


if __name__ == "__main__":
    raise SystemExit(main())
