"""Lab 6, over- and underfitting: networks of growing width, and one network on growing numbers of rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from features.errors import enumerated
from features.roles import TRAIN, UNUSED
from features.scoring.diagnosis import RISE
from pipeline.lab.laboratory import Frames, Lab, Material, by_setting, standard_error, train, watched
from pipeline.nets.table import Table
from pipeline.pages.pictures import COLOURS, label, panels

WIDTHS = (1, 4, 16, 64)
ROWS = (50, 100, 200, 400)
WIDEST, RATE = 64, 3e-3
CHAPTER = "과잉 적합과 과소 적합, 과잉 적합을 아는 방법, 많은 훈련 데이터 사용"
ABOUT = (
    "A network that is too small for its task *underfits*: it does badly on train rows and unseen rows alike. One "
    "that is large for the rows it has *overfits*: it learns them by heart, so that the loss of train rows still "
    f"falls while that of unseen rows rises again. Here: 2 hidden layers of {', '.join(map(str, WIDTHS[:-1]))} and "
    f"{WIDTHS[-1]} units on all train rows of a fold, then {WIDEST} units on fewer rows; nothing stops them early."
)
# The columns of losses, by what the page calls them.
ENDS = {
    "train_loss": "train loss, last epoch",
    "unseen_loss": "unseen loss, last epoch",
    "lowest_unseen_loss": "lowest unseen loss",
}


def run(material: Material) -> Frames:
    """By width at all rows, and by rows at the widest: losses of the last epoch and the lowest one on unseen rows.

    The rows that do not train are only watched; nothing is chosen by them.
    """
    table, epochs = watched(material.table), 2 * material.plan.epochs
    widths = train(material, "capacity", table, [{"width": width, "learning_rate": RATE} for width in WIDTHS], epochs)
    most = int((table.roles == TRAIN).sum(axis=0).min())
    counts = [count for count in ROWS if count < most]
    few = []
    for count in counts:
        # Each a table of its own: side by side, all would take as many batches an epoch as the most rows fill.
        part = fewer_rows(table, count)
        one = train(material, "capacity", part, [{"width": WIDEST, "learning_rate": RATE}], epochs)
        few.append(pd.DataFrame({"rows": [count], **ends(one.train_loss, one.stop_loss, 1)}))
    by_width = pd.DataFrame({"width": WIDTHS, **ends(widths.train_loss, widths.stop_loss, len(WIDTHS))})
    everything = by_width[by_width["width"] == WIDEST].rename(columns={"width": "rows"}).assign(rows=most)
    curves = {"epoch": np.arange(epochs) + 1}
    for kind, losses in (("train", widths.train_loss), ("unseen", widths.stop_loss)):
        means = by_setting(losses, len(WIDTHS)).mean(axis=1)
        curves |= {f"{kind}_width_{width}": means[number] for number, width in enumerate(WIDTHS)}
    return {
        "capacity": pd.DataFrame(curves).round(6),
        "capacity_width": diagnosed(by_width).round(6),
        "capacity_rows": diagnosed(pd.concat([*few, everything], ignore_index=True)).round(6),
    }


def fewer_rows(table: Table, count: int) -> Table:
    """The table with only the first ``count`` train rows of each fold."""
    roles = table.roles.copy()
    for fold in range(roles.shape[1]):
        roles[np.flatnonzero(roles[:, fold] == TRAIN)[count:], fold] = UNUSED
    return replace(table, roles=roles)


def ends(train_loss: np.ndarray, unseen_loss: np.ndarray, settings: int) -> dict[str, np.ndarray]:
    """From curves ``[m, epochs]``: last train and unseen loss, the lowest of the mean unseen curve and its epoch;
    ``gap_se``: of the gap between the first two, ``rise_se``: of the rise since that epoch, both over folds."""
    trained, unseen = by_setting(train_loss, settings)[:, :, -1], by_setting(unseen_loss, settings)
    lowest = unseen.mean(axis=1).argmin(axis=1)  # [setting]
    at_lowest = np.take_along_axis(unseen, lowest[:, None, None], axis=2)[:, :, 0]
    return {
        "train_loss": trained.mean(axis=1),
        "unseen_loss": unseen[:, :, -1].mean(axis=1),
        "lowest_unseen_loss": at_lowest.mean(axis=1),
        "lowest_at_epoch": lowest + 1,
        "gap_se": standard_error(unseen[:, :, -1] - trained),
        "rise_se": standard_error(unseen[:, :, -1] - at_lowest),
    }


def diagnosed(frame: pd.DataFrame) -> pd.DataFrame:
    """With one word per row: ``overfits`` where the unseen loss has risen from its lowest by more than ``RISE``,
    ``underfits`` where even its lowest stays that much above the best row's, else ``fits``."""
    rose = frame["unseen_loss"] > (1 + RISE) * frame["lowest_unseen_loss"]
    short = frame["lowest_unseen_loss"] > (1 + RISE) * frame["lowest_unseen_loss"].min()
    return frame.assign(diagnosis=np.where(rose, "overfits", np.where(short, "underfits", "fits")))


def picture(frames: Frames) -> Figure:
    """Curves of the narrowest and widest network; the ends by width and by rows."""
    curves = frames["capacity"]
    figure, axes = panels(3, width=3.1, height=3.2)
    left, middle, right = axes
    for width, colour in zip((WIDTHS[0], WIDTHS[-1]), COLOURS[3:], strict=False):
        for kind, style in (("train", "--"), ("unseen", "-")):
            line = curves[f"{kind}_width_{width}"]
            left.plot(curves["epoch"], line, style, color=colour, label=f"{kind}, width {width}")
    label(left, f"Width {WIDTHS[0]} and {WIDTHS[-1]}, by epoch", "epoch", "log loss", legend=True)
    _ends(middle, frames["capacity_width"], "width")
    _ends(right, frames["capacity_rows"], "rows")
    top = 1.25 * max(axis.get_ylim()[1] for axis in axes)  # one scale, with room for the legends
    for axis in axes:
        axis.set_ylim(0, top)
    return figure


def _ends(axis: Axes, frame: pd.DataFrame, by: str) -> None:
    for column, name in ENDS.items():
        axis.plot(frame[by], frame[column], "o-", markersize=4, label=name)
    axis.set_xscale("log")
    axis.set_xticks(frame[by], [str(value) for value in frame[by]])
    axis.minorticks_off()
    what = "width" if by == "width" else f"train rows (width {WIDEST})"
    label(axis, f"Losses by {by}", what, "log loss", legend=True)


def sentence(frames: Frames) -> str:
    """What is to be seen."""
    width, rows = frames["capacity_width"], frames["capacity_rows"]
    said = [
        f"{'Width' if len(part) == 1 else 'Widths'} {enumerated([str(each) for each in part])} "
        f"{verdict if len(part) == 1 else verdict.removesuffix('s')}"
        for verdict in ("underfits", "fits", "overfits")
        if len(part := width.loc[width["diagnosis"] == verdict, "width"].tolist())
    ]
    least = width.loc[width["unseen_loss"].idxmin()]
    late = ""
    if least["diagnosis"] == "underfits":
        late = (
            f" After the last epoch width {least['width']} has the lowest unseen loss all the same: what is too small "
            "has no room to overfit."
        )
    few, many = rows.iloc[0], rows.iloc[-1]
    gaps = [f"{one['unseen_loss'] - one['train_loss']:.2f} ± {one['gap_se']:.2f}" for one in (few, many)]
    more = f"more than {100 * RISE:g} % above"
    return (
        f"A width overfits where its unseen loss ends {more} its own lowest, and underfits where even its lowest is "
        f"{more} the lowest of all. {'. '.join(said)}.{late} At width {WIDEST} "
        f"the gap between unseen and train loss is {gaps[0]} with {few['rows']} rows and {gaps[1]} with "
        f"{many['rows']} (standard errors over folds)."
    )


def table(frames: Frames) -> pd.DataFrame:
    """One row per width, as the page shows it."""
    frame = frames["capacity_width"]
    rise = frame["unseen_loss"] - frame["lowest_unseen_loss"]
    return pd.DataFrame(
        {
            "width": frame["width"],
            **{name: frame[column].map("{:.3f}".format) for column, name in ENDS.items()},
            "at epoch": frame["lowest_at_epoch"],
            "rise since then": [f"{one:.3f} ± {error:.3f}" for one, error in zip(rise, frame["rise_se"], strict=True)],
            "diagnosis": frame["diagnosis"],
        }
    )


def measures(frames: Frames) -> dict[str, float]:
    """The gap of each width."""
    return {
        f"capacity_gap_width_{row.width}": round(row.unseen_loss - row.train_loss, 6)
        for row in frames["capacity_width"].itertuples()
    }


LAB = Lab("capacity", "Over- and underfitting", CHAPTER, ABOUT, run, picture, sentence, measures, table)
