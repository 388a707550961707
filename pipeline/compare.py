"""``python -m pipeline.compare REV_A REV_B [NAME]``: what differs between two runs, and whether it matters."""

from __future__ import annotations

import argparse
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from features.errors import UserError, enumerated, hint, listed
from features.scoring.comparison import (
    FOLD,
    KINDS,
    TARGET,
    Difference,
    moved_answers,
    noise,
    paired,
    paired_means,
    same_folds,
    setting,
)
from features.scoring.digits import Digits
from features.tasks import OF_VALUES
from pipeline import stage
from pipeline.params import parse_document
from pipeline.provenance import changed_files, checked_lock, flat, outdated, read_otherwise, stages_of
from pipeline.revisions import WORKSPACE, read_at, resolve
from pipeline.schema import mapping_of

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

# Rows of a submission that are named one by one, unless all are asked for.
NAMED = 30
# Likewise of what was changed and not run.
NAMED_KEYS = 3
LOCK = Path("dvc.lock")


def main(argv: Sequence[str] | None = None) -> int:
    """Compare two revisions; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.compare", description=__doc__)
    parser.add_argument("a", metavar="REV_A", help="commit, branch, tag, DVC experiment, or 'workspace'")
    parser.add_argument("b", metavar="REV_B", help="likewise")
    parser.add_argument("name", nargs="?", help="one competition (all that both have, if left out)")
    parser.add_argument("--all", action="store_true", help="name every row of the submission that moved")
    parser.add_argument("--params", type=Path, default=Path("params.yaml"), help=stage.PARAMS)
    return stage.run(parser, compare, argv)


@dataclass(frozen=True)
class Run:
    """One competition's results at one revision; ``metric``: what its submission is scored by; ``contract``: its bytes,
    None where there is none; ``folds`` is None where the revision is older than that report; ``stages``: those that
    made the submission, as its dvc.lock has them, none where that knows of another run; ``outdated``: what had changed
    without being run to the end, in the workspace files, too."""

    revision: str
    metric: str
    contract: bytes | None
    params: dict[str, Any]
    metrics: dict[str, float]
    folds: pd.DataFrame | None
    submission: pd.DataFrame
    stages: dict[str, Any]
    outdated: tuple[str, ...]

    @property
    def label(self) -> str:
        """What a person calls it."""
        return self.revision if self.revision == WORKSPACE else self.revision[:7]


def compare(arguments: argparse.Namespace) -> None:
    """Read both, print what differs."""
    from rich.console import Console

    revisions = [resolve(arguments.a), resolve(arguments.b)]
    documents = [parse_document(read_at(one, arguments.params), str(arguments.params)) for one in revisions]
    locks = [locked(one) for one in revisions]
    known = [
        list(mapping_of(document.get("competitions"), f"{arguments.params} of {one[:10]}: competitions"))
        for one, document in zip(revisions, documents, strict=True)
    ]
    names = [name for name in known[0] if name in known[1]]
    if arguments.name:
        for one, there in zip(revisions, known, strict=True):
            if arguments.name not in there:
                raise UserError(
                    f"{arguments.params} of {one[:10]} has no competition {arguments.name!r}"
                    f"{hint(arguments.name, there)} Known: {listed(there)}."
                )
        names = [arguments.name]
    if not names:
        raise UserError(f"{arguments.params}: no competition is in both revisions ({known[0]} and {known[1]}).")
    console = Console()
    for name in names:
        runs = [
            load_run(one, document, name, lock, arguments.params)
            for one, document, lock in zip(revisions, documents, locks, strict=True)
        ]
        show(console, name, runs[0], runs[1], None if arguments.all else NAMED)


def locked(revision: str) -> dict[str, Any]:
    """The revision's dvc.lock, empty where it has none."""
    content = _read_if_there(revision, LOCK)
    where = f"{LOCK} of {revision[:10]}"
    return {} if content is None else checked_lock(parse_document(content, where), where)


def load_run(revision: str, document: dict[str, Any], name: str, lock: dict[str, Any], file: Path) -> Run:
    """Results of competition ``name``, ``document`` and ``lock`` being the revision's ``file`` of parameters and its
    dvc.lock. Raises ``UserError`` where the revision holds none."""
    report, params = Path("reports") / name, own_params(document, name, f"{file} of {revision[:10]}")
    path = report / "submission.csv"
    content, metrics = read_at(revision, path), read_at(revision, report / "metrics.json")
    folds, contract = (_read_if_there(revision, one) for one in (report / "folds.csv", contract_of(name)))
    metric = str(params.get(f"competitions.{name}.table.metric"))
    stages = stages_of(path, content, lock)
    changed = outdated(stages, lock, document, file.name)
    if revision == WORKSPACE:
        changed += changed_files(stages.values())
    try:
        measures, submission = json.loads(metrics), _csv(content, str)
        submission.set_index(submission.columns[0], verify_integrity=True)
        table = None if folds is None else _csv(folds, {"scored": str})
        if table is not None and not {*FOLD, "rows", "scored"} <= {*table}:
            raise ValueError(f"folds.csv has the columns {listed(table)}")
        scores = [one for key, one in dict(measures).items() if key.startswith("cv_")]
        if not all(isinstance(one, int | float) for one in scores):
            raise ValueError("metrics.json has words where scores are due")
        if table is not None:
            table.drop(columns="scored").astype(float)  # or a word stands there
    except (ValueError, TypeError) as error:
        raise UserError(
            f"{report} of {revision[:10]} holds what the stage `ensemble` did not write ({error}). Restore from Git "
            "metrics.json, folds.csv and submission.csv, or run `dvc repro` there."
        ) from None
    return Run(revision, metric, contract, params, measures, table, submission, stages, tuple(changed))


def _read_if_there(revision: str, path: Path) -> bytes | None:
    try:
        return read_at(revision, path)
    except UserError:
        return None


def contract_of(name: str) -> Path:
    """Where competition ``name`` has its contract."""
    return Path("data/contracts") / f"{name}.yaml"


def own_params(document: dict[str, Any], name: str, where: str) -> dict[str, Any]:
    """The parameters that concern one competition, by dotted key: those of other competitions and sources are not.
    ``where``: what messages call the ``document``."""
    found: dict[str, Any] = {}
    for block, value in document.items():
        if block in ("competitions", "sources"):
            own = mapping_of(value, f"{where}: {block}")
            value = {name: own[name]} if name in own else {}
        found.update(flat(value, block))
    return found


def show(console: Console, name: str, a: Run, b: Run, named: int | None) -> None:
    """Print how ``b`` differs from ``a`` in a competition: parameters, what else went in, measures, folds where both
    have the same ones and one moved, and how many rows of the submission did, of which ``named`` are listed (None:
    all)."""
    console.print(f"[bold]{name}: A = {a.label}, B = {b.label}[/bold]")
    console.print(params_table(a, b))
    if a.contract != b.contract:
        console.print(f"{contract_of(name)} differs", markup=False, highlight=False)
    if told := read_told(a, b, contract_of(name)):
        console.print(told, markup=False, highlight=False)
    for letter, run in (("A", a), ("B", b)):
        if run.outdated:
            console.print(
                f"warning: the results of {letter} were made before {listed(run.outdated, NAMED_KEYS)} changed: run "
                f"`dvc repro` there, else they say nothing of that.",
                markup=False,
                highlight=False,
            )
    same = a.folds is not None and b.folds is not None and same_folds(a.folds, b.folds)
    console.print(measures_table(a, b, same))
    moved = a.folds is not None and not a.folds.equals(b.folds)
    if same and moved and not of_other_kinds(a, b, same):
        console.print(folds_table(a, b))
    console.print(answers_told(a, b, named), markup=False, highlight=False)


def params_table(a: Run, b: Run) -> Table | str:
    """Which parameters differ."""
    from rich.markup import escape

    keys = [key for key in sorted(a.params.keys() | b.params.keys()) if a.params.get(key) != b.params.get(key)]
    if not keys:
        return "no parameter differs"
    table = _table("parameter", "A", "B", folded=3)
    for key in keys:
        table.add_row(escape(key), *(escape(_value(run.params[key])) if key in run.params else "-" for run in (a, b)))
    return table


def read_told(a: Run, b: Run, contract: Path) -> str:
    """Where results differ, which raw files and which code stages have read otherwise, by dvc.lock; what differs of
    parameters and ``contract`` is told by itself. "" where results are alike or a dvc.lock knows of another run."""
    if not (a.stages and b.stages) or (a.metrics == b.metrics and a.submission.equals(b.submission)):
        return ""
    read = read_otherwise(a.stages, b.stages)
    told = []
    for kind, is_code in (("raw files", False), ("code", True)):
        paths = [path for path in read if path.endswith(".py") == is_code and path != contract.as_posix()]
        stages = sorted({stage.partition("@")[0] for path in paths for stage in read[path]})
        told += [f"other {kind} ({listed(stages)}: {listed(paths, NAMED_KEYS)})"] if paths else []
    if told:
        return f"by dvc.lock their stages read {enumerated(told)}"
    if a.params != b.params or a.contract != b.contract or a.outdated or b.outdated:
        return ""
    return "by dvc.lock their stages read the same: other packages or another processor may have made the difference"


def measures_table(a: Run, b: Run, same: bool) -> Table:
    """Each cross-validated measure, how far it moved and whether that is more than noise."""
    table = _table("CV", "A", "B", "B - A", "std. error", "B is")
    for measure in measures(a, b):
        figures, moved = compared(a, b, measure, same)
        word = moved.verdict(measure) if moved.error == moved.error else "unknown"
        colour = {"better": "bold green", "worse": "bold red"}.get(word, "")
        digits = Digits.of(measure, *figures, moved.mean, moved.error)
        old, new, error = map(digits.shown, (*figures, moved.error))
        table.add_row(measure, old, new, digits.shown(moved.mean, "+"), error, word, style=colour)
    how, folds = "not paired: folds differ", math.inf
    if a.folds is None or b.folds is None:
        how = f"not paired: no folds.csv in {'A' if a.folds is None else 'B'}"
    elif same:
        how, folds = f"paired over the same {len(a.folds)} folds, A and B are their means", len(a.folds)
    others = of_other_kinds(a, b, same)
    table.caption = f"{how}; within {noise(folds):.3g} standard errors is noise"
    if others:
        verb = "differs" if len(others) == 1 else "differ"
        table.caption = f"not comparable: {listed(others)} {verb}, so the scores are of other things"
    return table


def measures(a: Run, b: Run) -> list[str]:
    """Measures that both runs have, without their spreads."""
    keys = [key for key in a.metrics if key in b.metrics and key.startswith("cv_")]
    return [key.removeprefix("cv_") for key in keys if not key.endswith(("_se", "_sd"))]


def of_other_kinds(a: Run, b: Run, same: bool) -> list[str]:
    """Which parameters make the two runs' scores ones of other things: another target, or where folds are not the
    ``same`` other rules of drawing them, by which rows are new in another sense."""
    keys = [TARGET, *(KINDS if not same else ())]
    return [key for key in keys if setting(a.params, key) != setting(b.params, key)]


def compared(a: Run, b: Run, measure: str, same: bool) -> tuple[tuple[float, float], Difference]:
    """The figures of A and B and their difference: means over folds, paired, where both runs have the same folds, else
    the figures pooled over rows with both their standard errors; no difference where they are of other kinds."""
    if of_other_kinds(a, b, same):
        return (a.metrics[f"cv_{measure}"], b.metrics[f"cv_{measure}"]), Difference(float("nan"), float("nan"))
    if same and a.folds is not None and b.folds is not None and measure in a.folds and measure in b.folds:
        return paired_means(a.folds, b.folds, measure), paired(a.folds, b.folds, measure)
    errors = [run.metrics.get(f"cv_{measure}_se", float("nan")) for run in (a, b)]
    old, new = (run.metrics[f"cv_{measure}"] for run in (a, b))
    return (old, new), Difference(new - old, (errors[0] ** 2 + errors[1] ** 2) ** 0.5)


def folds_table(a: Run, b: Run) -> Table:
    """Each fold's measures, B minus A in brackets."""
    assert a.folds is not None and b.folds is not None
    names = [name for name in measures(a, b) if name in a.folds and name in b.folds]
    table = _table("fold", "rows", *(f"{name} B (- A)" for name in names))
    digits = {name: Digits.of(name, b.folds[name].abs().max(), *(b.folds[name] - a.folds[name])) for name in names}
    for (_, old), (_, new) in zip(a.folds.iterrows(), b.folds.iterrows(), strict=True):
        cells = [f"{form.shown(new[name])} ({form.shown(new[name] - old[name], '+')})" for name, form in digits.items()]
        table.add_row(".".join(str(old[key]) for key in FOLD), str(old["rows"]), *cells)
    table.caption = "fold: repeat.part"
    return table


def answers_told(a: Run, b: Run, named: int | None) -> str:
    """How many of the submission's rows moved, and which."""
    if list(a.submission.columns) != list(b.submission.columns):
        return f"submission: columns {list(a.submission.columns)} and {list(b.submission.columns)}, not comparable"
    moved, rows = moved_answers(a.submission, b.submission, (a.metric, b.metric))
    others = len(a.submission) + len(b.submission) - 2 * rows
    told = f"submission: {len(moved)} of {rows} rows {'moved' if a.metric in OF_VALUES else 'flipped'}"
    told += f", {others} rows are in one only" if others else ""
    shown = moved if named is None else moved.head(named)
    if len(shown):
        told += ": " + ", ".join(f"{row.id} ({row.a} → {row.b})" for row in shown.itertuples())
        told += f" and {len(moved) - len(shown)} more (--all)" if len(moved) > len(shown) else ""
    return told


def _csv(content: bytes, types: Any) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(content), dtype=types, keep_default_na=types is not str)


def _table(first: str, *others: str, folded: int = 0) -> Table:
    from rich.table import Table

    table = Table(title_justify="left", caption_justify="left")
    table.add_column(first, overflow="fold")
    for name in others:
        table.add_column(name, justify="left" if folded else "right", overflow="fold")
    return table


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


if __name__ == "__main__":
    raise SystemExit(main())
