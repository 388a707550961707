"""``make leaderboard``: what was submitted, with its cross-validation and its public score, as a table and a plot."""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from features.errors import UserError, hint, listed
from features.scoring.comparison import KINDS, TARGET, setting
from features.scoring.digits import shown
from features.tasks import RISING
from pipeline import stage
from pipeline.files import read_bytes, write_bytes
from pipeline.params import is_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.table import Table

BOARD = Path("reports/leaderboard.csv")
COLUMNS = [
    "competition",
    "date",
    "revision",
    "dirty",
    "metric",
    "cv",
    "cv_se",
    "cv_log_loss",
    "public_score",
    "params",
    "message",
    "submission",
    "sha256",
]
# With fewer rows a correlation says nothing.
ENOUGH = 5


def main(argv: Sequence[str] | None = None) -> int:
    """Show the leaderboard; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.leaderboard", description=__doc__)
    parser.add_argument("name", nargs="?", help="one competition (all, if left out)")
    parser.add_argument("--board", type=Path, default=BOARD, help="the table that `submit` writes")
    return stage.run(parser, leaderboard, argv)


def leaderboard(arguments: argparse.Namespace) -> None:
    """Read, print, plot."""
    from rich.console import Console

    rows = read_board(arguments.board)
    names = list(dict.fromkeys(rows["competition"]))
    send = f'Send one: make submit NAME={arguments.name or "titanic"} M="what is new".'
    if not names:
        raise UserError(f"{arguments.board}: no submission yet. {send}")
    if arguments.name:
        if arguments.name not in names:
            known = f"{hint(arguments.name, names)} Known: {listed(names)}."
            raise UserError(f"{arguments.board}: no submission of {arguments.name!r}{known} {send}")
        names = [arguments.name]
    from pipeline.pages.pictures import png

    console = Console()
    for name in names:
        own = in_time(rows[rows["competition"] == name])
        console.print(table(name, own))
        console.print(agreement(own))
        path = arguments.board.parent / name / "leaderboard.png"
        write_bytes(path, png(plot(name, own)))
        console.print(f"plot: {path}")


def read_board(path: Path) -> pd.DataFrame:
    """All rows, every cell as it is written; an empty frame without the file. Raises ``UserError`` on other columns and
    on lines that are no rows, such as those that Git writes where two clones have submitted."""
    if not path.exists():
        return pd.DataFrame(columns=COLUMNS, dtype=str)
    try:
        rows = pd.read_csv(io.BytesIO(read_bytes(path)), dtype=str, keep_default_na=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not the table that `submit` writes ({error}). Restore it from Git.") from None
    if list(rows.columns) != COLUMNS:
        raise UserError(f"{path}: columns {list(rows.columns)}; expected {COLUMNS}. Restore it from Git.")
    for line, (name, params) in enumerate(zip(rows["competition"], rows["params"], strict=True), start=2):
        if not (is_name(name) and _is_mapping(params)):
            raise UserError(
                f"{path}, line {line}: {name!r} begins no row that `submit` wrote. After a merge keep the rows of both "
                "sides and delete Git's marks; else restore the file from Git."
            )
    return rows


def in_time(rows: pd.DataFrame) -> pd.DataFrame:
    """By date: rows of two clones may lie one clone's after the other's."""
    return rows.sort_values("date", kind="stable", ignore_index=True)


def _is_mapping(cell: str) -> bool:
    try:
        return isinstance(json.loads(cell or "{}"), dict)
    except ValueError:
        return False


def numbers(column: pd.Series) -> np.ndarray:
    """A column as floats, NaN where a cell holds none."""
    return pd.to_numeric(column, errors="coerce").to_numpy(float)


def best(values: np.ndarray, metric: str) -> int:
    """The position of the best value by ``metric``, the first among equals; -1 where there is none."""
    if np.isnan(values).all():
        return -1
    return int(np.nanargmax(values) if metric in RISING else np.nanargmin(values))


def parameters(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """What each row was made by, by dotted key."""
    return [json.loads(cell or "{}") for cell in rows["params"]]


def comparable(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with no ``cv`` where it is of another kind than the last row's, and no ``public_score`` where that is
    by another metric: folds in time or of whole groups score worse than random ones, however good an answer is."""
    metric = (rows["metric"] == rows["metric"].iloc[-1]).to_numpy()
    used = parameters(rows)
    alike = [all(setting(one, key) == setting(used[-1], key) for key in (TARGET, *KINDS)) for one in used]
    cv, public = rows["cv"].where(metric & np.array(alike), ""), rows["public_score"].where(metric, "")
    return rows.assign(cv=cv, public_score=public)


def scored(rows: pd.DataFrame) -> pd.DataFrame:
    """``cv`` and ``public`` of the rows that have both."""
    return pd.DataFrame({"cv": numbers(rows["cv"]), "public": numbers(rows["public_score"])}).dropna()


def correlation(pairs: pd.DataFrame) -> tuple[float, float] | None:
    """Pearson's and Spearman's correlation of the two columns of ``scored``; None below five rows or where one never
    moved."""
    if len(pairs) < ENOUGH or pairs["cv"].nunique() < 2 or pairs["public"].nunique() < 2:
        return None
    ranks = pairs.rank()
    return float(pairs["cv"].corr(pairs["public"])), float(ranks["cv"].corr(ranks["public"]))


def agreement(rows: pd.DataFrame) -> str:
    """A sentence on how far CV tells the public score."""
    pairs = scored(comparable(rows))
    found = correlation(pairs)
    if found is None:
        return f"CV against public score: rows with both: {len(pairs)}; a correlation needs {ENOUGH} that differ"
    return f"CV against public score: correlation {found[0]:+.2f}, of ranks {found[1]:+.2f} ({len(pairs)} rows)"


def table(name: str, rows: pd.DataFrame) -> Table:
    """The rows of one competition; the best CV and the best public score are marked with a star and in colour, a
    revision whose tree was dirty with a plus."""
    from rich.table import Table
    from rich.text import Text

    metric = rows["metric"].iloc[-1]
    heading = f"{name}: {metric}, {'more' if metric in RISING else 'less'} is better"
    found = Table(title=heading, title_justify="left", show_lines=True)
    for column in ("#", "date, revision", "CV, log loss", "public"):
        found.add_column(column, justify="left" if column == "date, revision" else "right", no_wrap=True)
    found.add_column("what is new", overflow="fold")
    held = comparable(rows)
    stars = best(numbers(held["cv"]), metric), best(numbers(held["public_score"]), metric)
    used = parameters(rows)
    for position, (_, row) in enumerate(rows.iterrows()):
        cv = Text(_digits(metric, row["cv"], row["cv_se"]))
        if row["metric"] != metric:
            cv = Text(f"{row['cv']}\n({row['metric']})", style="dim")
        public = Text(row["public_score"] or "none")
        for cell, star, colour in ((cv, stars[0], "cyan"), (public, stars[1], "green")):
            if position == star:
                cell.append(" ★")
                cell.stylize(f"bold {colour}")
        if row["cv_log_loss"] and row["metric"] == metric:
            cv.append("\n" + _digits("log_loss", row["cv_log_loss"]), style="dim")
        revision = row["revision"][:7] + ("+" if row["dirty"] == "true" else "")
        new = Text(row["message"])
        if position and (changed := changes(used[position - 1], used[position])):
            new.append("\n" + changed, style="dim")
        found.add_row(str(position + 1), f"{row['date'][:10]}\n{revision}", cv, public, new)
    return found


def changes(old: dict[str, Any], new: dict[str, Any]) -> str:
    """``key=value`` of the parameters of a row that differ from those of the row before; ``null`` where one is gone."""
    keys = [key for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key)]
    values = [(key, new.get(key)) for key in keys]
    return ", ".join(f"{key}={value if isinstance(value, str) else json.dumps(value)}" for key, value in values)


def plot(name: str, rows: pd.DataFrame) -> Figure:
    """CV (with its standard error) against public score, each point numbered as in the table."""
    from pipeline.pages.pictures import COLOURS, label, panels

    cv, public, error = (numbers(comparable(rows)[column]) for column in ("cv", "public_score", "cv_se"))
    metric = rows["metric"].iloc[-1]
    figure, (axes,) = panels(width=6.4, height=5.2)
    axes.errorbar(cv, public, xerr=np.nan_to_num(error), fmt="o", color=COLOURS[0], ecolor=COLOURS[-1], capsize=3)
    for star, colour, meaning in (
        (best(cv, metric), COLOURS[1], "best CV"),
        (best(public, metric), COLOURS[2], "best public score"),
    ):
        if star >= 0:
            axes.plot(cv[star], public[star], "*", color=colour, markersize=15, label=meaning, zorder=3)
    for number, (x, y) in enumerate(zip(cv, public, strict=True), start=1):
        if np.isfinite(x) and np.isfinite(y):
            axes.annotate(str(number), (x, y), xytext=(6, 6), textcoords="offset points", fontsize=9)
    axes.ticklabel_format(useOffset=False)
    label(axes, f"{name}\n{agreement(rows)}", f"CV {metric} (± standard error)", f"public {metric}")
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return figure


def _digits(measure: str, *cells: str) -> str:
    """A number, and its standard error where there is one; what is no number as it is."""
    known = [cell for cell in cells if cell]
    try:
        return " ± ".join(shown(measure, map(float, known)))
    except ValueError:
        return " ± ".join(known)


if __name__ == "__main__":
    raise SystemExit(main())
