"""Stage ``labs``: the textbook's experiments on real data, each with plot data, a picture and a few sentences."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from features.contracts.tables import parse_table
from features.errors import UserError
from features.roles import SCORE
from features.titanic import titles
from pipeline import stage
from pipeline.files import read_bytes, write_bytes, write_csv, write_json
from pipeline.pages.markdown import joined, table
from pipeline.pages.pictures import png
from pipeline.params import load_block
from pipeline.progress import Progress
from pipeline.runtime import device_name, start_tensorflow
from pipeline.settings import Labs

if TYPE_CHECKING:
    from pipeline.lab.laboratory import Frames, Lab, Material


def main(argv: Sequence[str] | None = None) -> int:
    """Run the labs; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.labs", description=__doc__)
    parser.add_argument("--params", type=Path, required=True, help=stage.PARAMS)
    parser.add_argument("--train", type=Path, required=True, help="the raw training table of Titanic")
    parser.add_argument("--normalized", type=Path, required=True, help="arrays.npz of Titanic's normalize stage")
    parser.add_argument("--report", type=Path, required=True, help="folder for the page, pictures and plot data")
    return stage.run(parser, labs, argv)


def labs(arguments: argparse.Namespace) -> None:
    """Read, run each lab, write what it found as soon as all have."""
    seed, plan = load_block(arguments.params, "labs")
    tensorflow = start_tensorflow()
    from pipeline.lab import devices

    every = all_labs()
    material = gather(arguments, plan, seed)
    print(f"labs: {len(every) + 1} labs in {material.folds} folds on {device_name(tensorflow)}")
    found, texts, measures = {}, [], dict[str, float]()
    with Progress(len(every) + 1, "labs", "labs") as progress:
        for number, lab in enumerate(every):
            progress.to(number, now=lab.name)
            frames = lab.run(material)
            found[lab.name] = (frames, png(lab.picture(frames)))
            texts.append(section(number + 1, lab, frames))
            measures |= lab.measures(frames)
        progress.to(len(every), now="devices")
        times = devices.run(material)
        progress.to(len(every) + 1)
    for name, (frames, picture) in found.items():
        for file, frame in frames.items():
            write_csv(arguments.report / f"{file}.csv", frame)
        write_bytes(arguments.report / f"{name}.png", picture)
    write_json(arguments.report / "metrics.json", {name: rounded(value) for name, value in measures.items()})
    compared = f"{devices.sentence(devices.devices())} {TIMES}"
    last = joined(f"## {len(every) + 1}. CPU against GPU", place(devices.CHAPTER), devices.ABOUT, compared)
    write_bytes(arguments.report / "README.md", f"{joined(INTRODUCTION, *texts, last)}\n".encode())
    print(devices.spoken(times))
    print(f"labs: {arguments.report / 'README.md'}")


INTRODUCTION = """# The labs

The textbook's experiments, run on Titanic's real rows by the engine that trains everything else here. Each begins with
where the chapter has it, what it is about and what was done; what was found is computed from the run, except for what
the textbook says, and the numbers behind a picture lie beside it. Losses are log losses (cross-entropy): 0 is perfect,
0.693 is guessing. Unseen rows are rows that no network of their fold learned from or was stopped by. ± is one standard
error over rows (or over what is named instead), and what is no more than two of them is called noise; how another seed
would change the networks is not in it. Where a sentence names the best of several settings or epochs, it is picked by
the losses shown, which flatters it a little."""
# The columns that the lab on normalisation scales, and whether a passenger is a woman.
NUMBERS = ["Pclass", "Age", "SibSp", "Parch", "Fare"]
TIMES = (
    "The stage prints what the same job takes on each device; times are not kept in Git, since no two runs take the "
    "same. What Titanic took on a GPU, measured once, is in [docs/measurements.md](../../docs/measurements.md): "
    "networks this small do not fill one."
)


def all_labs() -> list[Lab]:
    """As the page numbers them."""
    from pipeline.lab import (
        capacity,
        encodings,
        ensembles,
        gradients,
        initializers,
        losses,
        regularisers,
        scaling,
        steps,
    )

    rooms = (gradients, initializers, losses, encodings, scaling, capacity, regularisers, ensembles, steps)
    return [room.LAB for room in rooms]


def gather(arguments: argparse.Namespace, plan: Labs, seed: int) -> Material:
    """Titanic's labelled rows, cut to the first ``labs.folds`` folds.

    Raises ``UserError`` where there are fewer folds, some score a row twice, no column is one of numbers, or the files
    do not belong together.
    """
    from pipeline.choice.arrays import load_table
    from pipeline.lab.laboratory import Material

    table = load_table(arguments.normalized, "binary").table
    labelled, folds = table.roles.shape
    if plan.folds > folds:
        raise UserError(f"labs.folds is {plan.folds}, but {arguments.normalized} has {folds} folds. Lower the first.")
    if not table.inputs.shape[2]:
        raise UserError(
            f"{arguments.normalized} has no column of numbers, which lab 1 is about: all are embedded. Set "
            "encode.encoding to onehot, or switch a feature group with numbers on."
        )
    # Standard errors take each scored row for a draw of its own; one that two repeats score would count twice.
    if ((table.roles[:, : plan.folds] == SCORE).sum(axis=1) > 1).any():
        raise UserError(
            f"labs.folds is {plan.folds}, more than encode.folds: in {arguments.normalized} the folds beyond score "
            "rows a second time. Lower the first or raise the second."
        )
    raw = parse_table(read_bytes(arguments.train), str(arguments.train))
    if len(raw) != labelled:
        raise UserError(
            f"{arguments.train} has {len(raw)} rows, {arguments.normalized} {labelled}. Run `dvc repro` to make them "
            "anew."
        )
    kept = replace(
        table,
        inputs=table.inputs[: plan.folds, :labelled],
        codes=table.codes[:labelled],
        target=table.target[: plan.folds],
        roles=table.roles[:, : plan.folds],
    )
    numbers = raw[NUMBERS].apply(pd.to_numeric, errors="coerce").assign(female=raw["Sex"] == "female")
    return Material(kept, numbers.to_numpy(np.float64), titles(raw["Name"]), plan, seed)


def rounded(value: float) -> float:
    """To six places; what is below a thousandth to three digits, so that little does not become nothing."""
    return float(f"{value:.3g}") if abs(value) < 1e-3 else round(value, 6)


def place(chapter: str) -> str:
    """Where the textbook's chapter has a lab's topic, if it has."""
    return f"*In the chapter: {chapter}.*" if chapter else "*The chapter takes this for granted.*"


def section(number: int, lab: Lab, frames: Frames) -> str:
    """The lab's part of the page: its sentences, its table if it has one, its picture."""
    shown = lab.table(frames) if lab.table else pd.DataFrame()
    return joined(
        f"## {number}. {lab.title}",
        place(lab.chapter),
        lab.about,
        lab.sentence(frames),
        table(list(shown.columns), shown.to_numpy().tolist()),
        f"![{lab.title}]({lab.name}.png)",
    )


if __name__ == "__main__":
    raise SystemExit(main())
