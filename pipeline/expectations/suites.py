"""The contract as Great Expectations' suites, and its pages about them. This is the one module that loads Great
Expectations, and only when it runs a suite."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from features.contracts.contract import Column, Contract
from features.contracts.faults import Fault
from features.errors import UserError
from pipeline.expectations.data_docs import finish
from pipeline.runtime import loading

# A whole number as Python writes it as a float. From 1e16 on it writes an exponent, and all floats are whole.
WHOLE = r"^-?(\d+\.0|\d(\.\d+)?e\+\d+)$"


def run_suites(contract: Contract, tables: Mapping[str, pd.DataFrame], docs: Path) -> list[dict[str, Any]]:
    """Run a suite on each typed table (by file name; with the target where it holds it) and write the Data Docs.

    Returns a plain entry per expectation: file, column, type, arguments, success, unexpected count, severity.
    """
    if not tables:
        return []
    # Set before the import: Great Expectations decides there whether to report usage.
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    # It logs a traceback for each page that a full disk cuts short. Whoever writes next to the pages says it in a line.
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with loading():
            import great_expectations as gx
            from great_expectations.checkpoint import Checkpoint

        if docs.exists() and any(docs.iterdir()) and not (docs / "index.html").exists():
            raise UserError(
                f"{docs}: the folder holds other things than Data Docs and is left as it is. Name another one."
            )
        docs.parent.mkdir(parents=True, exist_ok=True)
        # Built beside the old pages and moved over them, so that a killed run leaves the old pages whole.
        work = Path(tempfile.mkdtemp(dir=docs.parent, prefix=f".{docs.name}."))
        try:
            context = _context(work / "new")
            source = context.data_sources.add_pandas("raw")
            found: list[dict[str, Any]] = []
            names = {file: "train" if contract.target in table.columns else "test" for file, table in tables.items()}
            for file, table in tables.items():
                name, rules = names[file], expectations_of(contract, names[file] == "train")
                called = told_apart(map(str, table.columns))
                # Given all at once: a suite in a context is saved anew after each expectation added to it.
                built = [
                    getattr(gx.expectations, kind)(**arguments | {"column": called[arguments["column"]]})
                    for kind, arguments in rules
                ]
                suite = context.suites.add(gx.ExpectationSuite(name=name, expectations=built))
                batch = source.add_dataframe_asset(name).add_batch_definition_whole_dataframe("all")
                held = context.validation_definitions.add(gx.ValidationDefinition(name=name, data=batch, suite=suite))
                form = {"result_format": "SUMMARY"}
                checkpoint = Checkpoint(name=name, validation_definitions=[held], actions=[], result_format=form)
                frame = table.rename(columns=called)
                outcome = context.checkpoints.add(checkpoint).run(batch_parameters={"dataframe": frame})
                column_of = {told: column for column, told in called.items()}
                for result in outcome.run_results.values():
                    found += [_entry(file, one.to_json_dict(), column_of) for one in result.results]
            # Once for all tables: an action in each checkpoint would write the pages' common files each time.
            context.build_data_docs()
            finish(work / "new", names, found)
            _swap(work / "new", docs, work / "old")
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return sorted(found, key=lambda e: (e["file"], e["column"], e["expectation"]))


def _context(pages: Path) -> Any:
    """Great Expectations without files of its own but the ``pages``, and without progress bars."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    for site in list(context.get_site_names()):
        context.delete_data_docs_site(site)
    context.add_data_docs_site(
        "docs",
        {
            "class_name": "SiteBuilder",
            "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(pages.resolve())},
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        },
    )
    return context


def told_apart(columns: Iterable[str]) -> dict[str, str]:
    """What Great Expectations is to call each column: to it names that differ in small and capital letters alone are
    one, that of the first such column, so the later ones get an underline."""
    found, taken = dict[str, str](), set[str]()
    for column in columns:
        called = column
        while called.casefold() in taken:
            called += "_"
        taken.add(called.casefold())
        found[column] = called
    return found


def _entry(file: str, result: dict[str, Any], column_of: Mapping[str, str]) -> dict[str, Any]:
    """``column_of``: the column of the table by what Great Expectations calls it."""
    config, observed = result["expectation_config"], result.get("result") or {}
    arguments = {k: v for k, v in config["kwargs"].items() if k not in ("batch_id", "column")}
    return {
        "file": file,
        "column": column_of[config["kwargs"]["column"]],
        "expectation": config["type"],
        "arguments": arguments,
        "severity": config.get("severity") or "critical",
        "success": bool(result["success"]),
        "unexpected_count": int(observed.get("unexpected_count") or 0),
        "error": str((result.get("exception_info") or {}).get("exception_message") or "")[:200],
    }


def _swap(new: Path, docs: Path, old: Path) -> None:
    if not new.exists():
        raise RuntimeError("Great Expectations wrote no Data Docs")
    if docs.exists():
        docs.rename(old)
    new.rename(docs)


def expectations_of(contract: Contract, with_target: bool) -> list[tuple[str, dict[str, Any]]]:
    """The contract as Great Expectations' names and arguments, column by column: what a typed table may break. That
    rows are there, all columns, and numbers in theirs is settled before, or there is no typed table."""
    return [rule for column in contract.expected_columns(with_target) for rule in _rules(column, with_target)]


def _rules(column: Column, with_target: bool) -> Iterable[tuple[str, dict[str, Any]]]:
    about = {"column": column.name}
    if column.role == "ignore":
        return
    if not column.nullable:
        yield "ExpectColumnValuesToNotBeNull", about
    if column.unique:
        yield "ExpectColumnValuesToBeUnique", about
    if column.minimum is not None or column.maximum is not None:
        yield "ExpectColumnValuesToBeBetween", about | {"min_value": column.minimum, "max_value": column.maximum}
    if column.integer:
        yield "ExpectColumnValuesToMatchRegex", about | {"regex": WHOLE}
    if column.values is not None:
        # A feature's new category in test is encoded as unseen, so it warns; in train the contract must be extended.
        severity = "warning" if column.role == "feature" and not with_target else "critical"
        yield "ExpectColumnValuesToBeInSet", about | {"value_set": list(column.values), "severity": severity}


def unexplained(expectations: Sequence[Mapping[str, Any]], faults: Sequence[Fault]) -> list[Fault]:
    """Expectations that failed on a column without any fault of ours, so that none of them fails silently."""
    failed = {(fault.file, fault.column) for fault in faults if not fault.warning}
    noted = failed | {(fault.file, fault.column) for fault in faults}
    return [
        Fault(
            file=e["file"],
            column=e["column"],
            count=e["unexpected_count"],
            expected=str(e["arguments"] or "no such value"),
            problem=f"{e['unexpected_count']} values fail {e['expectation']}"
            + (f" ({e['error']})" if e["error"] else ""),
            cure="Open the Data Docs to see them.",
            check=e["expectation"],
            warning=e["severity"] == "warning",
        )
        for e in expectations
        if not e["success"] and (e["file"], e["column"]) not in (noted if e["severity"] == "warning" else failed)
    ]
