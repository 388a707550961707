"""Pictures and sentences come from the plot data: given other data, they say and show something else."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

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
from pipeline.lab.laboratory import Frames, Lab
from pipeline.labs import TIMES, rounded
from pipeline.pages.pictures import COLOURS, png


def gradient_frames(falls: bool) -> Frames:
    rows = []
    for depth in (2, 20):
        for layer in range(1, depth + 1):
            norm = {name: -float(depth - layer if falls and name == "tanh" else 0) for name in gradients.KINDS}
            rows.append({"depth": depth, "layer": layer, **norm})
    return {"gradients": pd.DataFrame(rows), "gradients_learning": learning_frame(0.3 if falls else 0.66)}


def learning_frame(deep: float) -> pd.DataFrame:
    """All networks of 2 layers learn; of those of 20 sigmoid ends at ``deep``."""
    curves = {f"{name}_{depth}": [0.7, 0.25] for depth in (2, 20) for name in gradients.KINDS}
    return pd.DataFrame({"epoch": [1, 2], **curves, "sigmoid_20": [0.7, deep], "constant": 0.666})


def relu_frames(he: float) -> Frames:
    """All layers of a network alike; the deepest network's gradient falls with relu, and with He weights by ``he``."""
    rows = [
        {"depth": depth, "layer": layer, "sigmoid": 0.0, "tanh": 0.0}
        | {"relu": -3.0 * (depth == 20), "relu_he": -he * (depth == 20)}
        for depth in (2, 20)
        for layer in range(1, depth + 1)
    ]
    return {"gradients": pd.DataFrame(rows), "gradients_learning": learning_frame(0.3)}


def initializer_frames(equal: bool, large: float = 0.5, error: float = 0.001) -> Frames:
    names = list(initializers.INITIALIZERS)
    curves = {name: [1.0, 0.5 - 0.01 * number] for number, name in enumerate(names)} | {"too_large": [1.0, large]}
    curves |= {"zeros": [1.0, 0.67 if equal else 0.5], "constant": [0.666, 0.666]}
    above = [curves[name][1] - curves["he"][1] for name in names]
    counts = [1 if equal and name in ("small_equal", "ones") else 32 for name in names]
    return {
        "initializers": pd.DataFrame({"epoch": [1, 2], **curves}),
        "initializers_neurons": pd.DataFrame(
            {
                "initializer": names,
                "distinct_neurons": counts,
                "neurons": 32,
                "above_lowest": above,
                "above_lowest_se": error,
            }
        ),
    }


def loss_frames(agree: bool) -> Frames:
    row = {"figure": "made up", "textbook": "", "by_hand": 1.25, "keras": 1.25, "head": 1.25 if agree else 1.5}
    forms = [
        {"figure": name, "textbook": "2.0", "by_hand": 2.0, "keras": value, "head": 2.0, "difference": value - 2.0}
        for name, value in ((losses.ONE_HOT, 2.0), (losses.INTEGER, 2.0 if agree else 2.25))
    ]
    drawn = [*losses.SAMPLES, *map(losses.softmax_of, range(len(losses.LOGITS)))]
    value = 0.2 if agree else 0.3
    others = [
        row | {"figure": name, "by_hand": value, "keras": value, "head": value, "difference": 0} for name in drawn
    ]
    return {
        "losses": pd.DataFrame([row | {"difference": abs(row["head"] - row["by_hand"])}, *forms, *others]),
        "losses_activations": losses.activations(),
        "losses_cross_entropy": losses.cross_entropy(),
    }


def encoding_frames(integer: float) -> Frames:
    frame = pd.DataFrame({"encoding": ["by hand", "integer"], "columns": 1})
    for model in ("linear", "network"):
        frame[f"{model}_log_loss"], frame[f"{model}_log_loss_se"] = [0.5, integer], 0.01
        frame[f"{model}_difference"], frame[f"{model}_difference_se"] = [0.0, integer - 0.5], 0.03
        frame[f"{model}_weights"], frame[f"{model}_products"] = [2, 3], [1, 2]
    return {"encodings": frame}


def scaling_frames(raw: list[float]) -> Frames:
    curves = {name: [0.7, 0.5, 0.4] for name in scaling.METHODS} | {"raw": raw}
    return {"scaling": pd.DataFrame({"epoch": [1, 2, 3], "steps": [12, 24, 36], **curves})}


def capacity_frames(last: float) -> Frames:
    widths = capacity.diagnosed(
        pd.DataFrame(
            {
                "width": [1, 64],
                "train_loss": [0.6, 0.1],
                "unseen_loss": [0.6, last],
                "lowest_unseen_loss": [0.6, 0.4],
                "lowest_at_epoch": [9, 4],
                "gap_se": 0.02,
                "rise_se": [0.0, 0.015],
            }
        )
    )
    curves = {f"{kind}_width_{width}": [0.7, last] for kind in ("train", "unseen") for width in capacity.WIDTHS}
    rows = widths.rename(columns={"width": "rows"})
    return {
        "capacity": pd.DataFrame({"epoch": [1, 2], **curves}),
        "capacity_width": widths,
        "capacity_rows": rows,
    }


def regulariser_frames(strongest: float) -> Frames:
    rows = [("none", 0.0, 0.2, 0.6)]
    for name in regularisers.STRENGTHS:
        rows += [(name, 0.1, 0.3, 0.5), (name, 0.7, 0.4, strongest)]
    frame = pd.DataFrame(rows, columns=["regulariser", "strength", "train_loss", "unseen_loss"])
    gap, gain = frame["unseen_loss"] - frame["train_loss"], 0.6 - frame["unseen_loss"]
    return {"regularisers": frame.assign(gap=gap, gain=gain, gain_se=0.06)}


def ensemble_frames(helps: bool) -> Frames:
    generator = np.random.default_rng(0)
    target = (generator.random(200) < 0.4).astype(np.float32)
    noise = generator.normal(0, 0.2, (20, 200)) if helps else np.zeros((20, 200))
    chance = np.clip(0.25 + 0.5 * target + noise, 0.01, 0.99)
    return {"ensembles": ensembles.by_size(chance, target, [1, 5, 20], seed=0)}


def step_frames(best: float) -> Frames:
    frame = pd.DataFrame({"learning_rate": [1e-3, 1e-2]})
    for batch in steps.BATCHES:
        frame[f"batch_{batch}"], frame[f"steps_{batch}"] = [0.45, best], [100.0, 20.0]
        frame[f"above_{batch}"] = frame[f"batch_{batch}"] - frame[f"batch_{batch}"].min()
        frame[f"above_{batch}_se"] = 0.02
    return {"steps": frame}


CASES = [
    (
        gradients.LAB,
        gradient_frames(True),
        "From layer to layer the gradient vanishes with tanh alone: a layer passes back 0.10 of what it is given, on",
        gradient_frames(False),
        "From layer to layer the gradient vanishes nowhere.",
    ),
    (
        gradients.LAB,
        gradient_frames(False),
        "After 2 epochs of learning the train loss is 0.660 (sigmoid), 0.250 (tanh), 0.250 (ReLU) and 0.250 (ReLU from "
        "He weights) with 20 layers; with 2 it is 0.250 (sigmoid), 0.250 (tanh), 0.250 (ReLU) and 0.250 (ReLU from He "
        "weights). 20 layers with sigmoid have learned nothing: one answer to all rows has a loss of 0.666.",
        gradient_frames(True),
        "is 0.300 (sigmoid), 0.250 (tanh)",
    ),
    (
        gradients.LAB,
        relu_frames(0.5),
        "nowhere. With ReLU all layers have about the same gradient, but from Glorot weights a smaller one the deeper "
        "the network is (at 20 layers 10<sup>-3.0</sup> of what it is at 2); He weights keep it.",
        relu_frames(2.5),
        "With ReLU and ReLU from He weights all layers have about the same gradient, but a smaller one the deeper",
    ),
    (
        initializers.LAB,
        initializer_frames(True),
        "stay one and the same from weights that are all 0.05 or all 1.",
        initializer_frames(False),
        "No start leaves its neurons equal.",
    ),
    (
        initializers.LAB,
        initializer_frames(True),
        "too large (all 1; normal, sd 1) the loss starts at 1 and 1 and Adam brings it down late, if at all: by the",
        initializer_frames(True, large=math.inf),
        "As the textbook says, it diverges from weights that are too large (normal, sd 1).",
    ),
    (
        initializers.LAB,
        initializer_frames(True),
        "lowest with He. No better than one answer to all rows, whose loss is 0.666, is all 0. All neurons",
        initializer_frames(False, error=0.006),
        "lowest with He (within noise over folds: Glorot, 0.010 ± 0.006 above it). No start",
    ),
    (losses.LAB, loss_frames(True), "agree on all 10", loss_frames(False), "do not agree on 2 of 10: made up"),
    (losses.LAB, loss_frames(True), "it is the same loss: ", loss_frames(False), "it is not the same loss: "),
    (
        encodings.LAB,
        encoding_frames(0.6),
        "paired over the rows: integer +0.100 ± 0.030 in a linear model; integer +0.100 ± 0.030 in a network; no other "
        "difference is beyond 2 standard errors.",
        encoding_frames(0.51),
        "paired over the rows: no difference is beyond 2 standard errors.",
    ),
    (
        scaling.LAB,
        scaling_frames([0.7, 0.6, 0.5]),
        "36 steps (raw columns), 24",
        scaling_frames([0.4] * 3),
        "12 steps (raw columns), 36",
    ),
    (
        scaling.LAB,
        scaling_frames([0.7, 0.6, 0.5]),
        "1.5 times as many with raw columns as with min-max (the loss is taken after each epoch of 12 steps)",
        scaling_frames([0.7, 0.5, 0.4]),
        "36 steps (Keras's layer): as many with each (",
    ),
    (
        capacity.LAB,
        capacity_frames(0.8),
        "Width 1 underfits. Width 64 overfits. After the last epoch width 1 has the lowest unseen loss all the same",
        capacity_frames(0.41),
        "Width 1 underfits. Width 64 fits. At width 64 the gap between unseen and train loss is 0.00 ± 0.02 with 1",
    ),
    (
        regularisers.LAB,
        regulariser_frames(0.45),
        "it is 0.450 with dropout 0.7, the largest tried (gain 0.150 ± 0.060; gap 0.050), 0.450 with L1",
        regulariser_frames(0.7),
        "it is 0.500 with dropout 0.1 (gain 0.100 ± 0.060, within noise; gap 0.200; 0.700 at 0.7), 0.500 with L1",
    ),
    (
        ensembles.LAB,
        ensemble_frames(True),
        "most of it (80 %)",
        ensemble_frames(False),
        "gain 0.0 ± 0.0 points, no more than noise, below",
    ),
    (
        steps.LAB,
        step_frames(0.4),
        "256 at 0.01, the largest tried (0.4000 after 20 steps). "
        "Of all 6 pairs of rate and batch size 3 are within noise of the best",
        step_frames(0.6),
        "64 at 0.001, the smallest tried (0.4500 after 100 steps)",
    ),
]


def test_a_small_measure_is_not_nothing() -> None:
    assert [rounded(value) for value in (81.81285095, 0.0009999996, -2.384e-07, 0.0)] == [81.812851, 1e-3, -2.38e-07, 0]


@pytest.mark.parametrize(("lab", "one", "says", "other", "says_then"), CASES, ids=[case[0].name for case in CASES])
def test_the_sentence_and_the_picture_follow_the_data(
    lab: Lab, one: Frames, says: str, other: Frames, says_then: str
) -> None:
    assert says in lab.sentence(one) and says not in lab.sentence(other)
    assert says_then in lab.sentence(other) and says_then not in lab.sentence(one)
    assert png(lab.picture(one)) == png(lab.picture(one)) != png(lab.picture(other))
    assert lab.measures(one).keys() == lab.measures(other).keys()
    assert all(np.isfinite(value) for value in lab.measures(one).values())


def test_the_table_of_gradients_has_both_shares() -> None:
    table = gradients.table(relu_frames(0.5))
    assert table["activation"].tolist() == ["sigmoid", "tanh", "ReLU", "ReLU"]
    assert table["first weights"].tolist() == ["Glorot", "Glorot", "Glorot", "He"]
    along, across = table.iloc[:, 2], table.iloc[:, 3]
    assert along.tolist() == ["10<sup>0.0</sup>"] * 4
    assert across.tolist()[2:] == ["10<sup>-3.0</sup>", "10<sup>-0.5</sup>"]


def test_the_words_for_a_width_are_explained_by_the_limit_that_decides() -> None:
    told = capacity.sentence(capacity_frames(0.8))
    assert told.startswith("A width overfits where its unseen loss ends more than 3 % above its own lowest, and")
    shown = capacity.table(capacity_frames(0.8))
    assert shown["diagnosis"].tolist() == ["underfits", "overfits"] and shown["at epoch"].tolist() == [9, 4]
    assert shown["lowest unseen loss"].tolist() == ["0.600", "0.400"]
    assert shown["rise since then"].tolist() == ["0.000 ± 0.000", "0.400 ± 0.015"]


def test_a_gain_in_accuracy_beyond_its_error_is_no_noise() -> None:
    frame = ensemble_frames(True)["ensembles"]
    told = ensembles.sentence({"ensembles": frame.assign(accuracy_gain=0.03, accuracy_gain_se=0.01)})
    assert "gain 3.0 ± 1.0 points, within the 2 to 5 % that the textbook promises" in told


def test_a_loss_that_has_not_moved_has_not_diverged() -> None:
    """As after one epoch, whose loss is the first and the last."""
    frames = initializer_frames(True)
    one = {**frames, "initializers": frames["initializers"].iloc[[0]]}
    told = initializers.sentence(one)
    assert told.startswith("After 1 epoch the") and "diverges" not in told and "if at all" in told


def test_the_largest_ensemble_is_not_told_to_come_early() -> None:
    frame = ensemble_frames(True)["ensembles"]
    assert "80 %" not in ensembles.sentence({"ensembles": frame[frame["size"] <= 5]})


def test_the_page_has_no_time_but_says_where_one_is() -> None:
    (target,) = re.findall(r"\]\(([^)]+)\)", TIMES)
    said = (Path(__file__).parents[3] / "reports" / "labs" / target).read_text(encoding="utf-8")
    assert "Titanic's search and training took" in " ".join(said.split()) and not re.search(r"\d", TIMES)


def test_what_the_ends_of_the_learning_rate_cost_is_told_with_its_error() -> None:
    """As a bare figure, and of the worst batch size alone, noise looked like a cost."""
    frame = step_frames(0.6)["steps"].assign(above_16=[0.0, 0.11], above_16_se=[0.0, 0.072])
    assert steps.sentence({"steps": frame}).endswith(
        "With batches of 16, 64 and 256 the smallest rate (0.001) costs 0.000 ± 0.000, 0.000 ± 0.020 and 0.000 ± 0.020 "
        "of log loss against that best, the largest (0.01) 0.110 ± 0.072, 0.150 ± 0.020 and 0.150 ± 0.020."
    )


def test_axes_say_what_they_measure() -> None:
    dropout, *penalties = regularisers.picture(regulariser_frames(0.45)).axes
    assert dropout.get_xlabel() == "share of units left out"
    assert {axis.get_xlabel() for axis in penalties} == {"weight of the penalty"}
    frames = ensemble_frames(True)
    accuracy = ensembles.picture(frames).axes[1]
    assert accuracy.get_ylabel() == "accuracy, %"
    (low, high), found = accuracy.get_ylim(), 100 * frames["ensembles"]["accuracy"]
    assert low <= found.min() <= found.max() <= high
    layers = gradients.picture(gradient_frames(True)).axes[0]
    assert "ReLU, He weights" in [text.get_text() for text in layers.get_legend().get_texts()]
    assert all(tick == int(tick) for tick in layers.get_xticks())


def test_a_curve_that_lies_on_another_does_not_hide_it() -> None:
    """He's solid line covered Glorot's, so that no line had the colour that the legend gave it."""
    curves = {line.get_label(): line for line in initializers.picture(initializer_frames(True)).axes[0].lines}
    assert curves["He"].get_linestyle() == ":" and curves["Glorot"].get_linestyle() == "-"


def test_all_panels_of_the_lab_on_overfitting_have_one_scale_and_the_houses_colours() -> None:
    axes = capacity.picture(capacity_frames(0.8)).axes
    assert len({axis.get_ylim() for axis in axes}) == 1
    assert {line.get_color() for axis in axes for line in axis.lines} <= set(COLOURS)
