"""What stage ``fashion_mnist`` shows: its page and its pictures."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from features.errors import enumerated
from features.roles import TRAIN
from features.scoring.diagnosis import Diagnosis
from pipeline.clothes.networks import CLASSES, NETWORKS, SHALLOW_ACTIVATION, Clothes, Outcome, augmentation_of, curves
from pipeline.pages.markdown import BEYOND, counted, gain, joined, table, told
from pipeline.pages.pictures import COLOURS, confusion, count_along, label, panels, png
from pipeline.runtime import seed_for
from pipeline.settings import FashionMnist, ImageNetwork

if TYPE_CHECKING:
    from pipeline.nets.augmentation import Augmentation

# The surest mistakes that are shown.
MISTAKES = 12
# Characters of a panel's title, so that it stays over its panel.
TITLE = 40
# Distorted copies of each picture shown; of every third class, so that they have room.
COPIES, EVERY = 5, 3
# How far the row that shows each kind by itself goes: far enough to be seen.
PIXELS, DEGREES, ZOOM, SHARE = 4.0, 20.0, 0.3, 0.4


def called(preset: ImageNetwork) -> dict[str, str]:
    """What the page calls the networks: by ``NETWORKS``, but those on distorted images where nothing is distorted."""
    seeds = f"deep, {'other seeds' if preset.members > 1 else 'another seed'}"
    return NETWORKS if distortions(preset) else {**NETWORKS, "augmented": seeds}


def draw_curves(outcomes: Mapping[str, Outcome], readings: Mapping[str, Diagnosis], preset: ImageNetwork) -> bytes:
    """One panel per network, all on one scale: training and validation loss by epoch."""
    names = called(preset)
    figure, axes = panels(len(outcomes), width=3.1, height=3.2)
    for axis, (name, each) in zip(axes, outcomes.items(), strict=True):
        for line, values in zip(("training", "validation"), curves(each), strict=True):
            axis.plot(np.arange(1, len(values) + 1), values, label=line)
        count_along(axis)
        title = textwrap.fill(f"{names[name]}: {readings[name].verdict}", TITLE)
        label(axis, title, "epoch", "cross-entropy", legend=True)
    top = max(axis.get_ylim()[1] for axis in axes)
    for axis in axes:
        axis.set_ylim(0, top)
    return png(figure)


def draw_confusion(counts: np.ndarray) -> bytes:
    """What the ensemble took the test images of each class for."""
    figure, (axis,) = panels(1, width=7.0, height=6.2)
    confusion(axis, counts, CLASSES)
    axis.tick_params(axis="x", rotation=30)
    label(axis, "Test images by what they are and what the ensemble said", "said", "is")
    return png(figure)


def draw_mistakes(pixels: np.ndarray, ensemble: np.ndarray, known: np.ndarray) -> bytes:
    """The test images that the ensemble was surest of and wrong about."""
    decided, sure = ensemble.argmax(axis=1), ensemble.max(axis=1)
    wrong = np.flatnonzero(decided != known)
    worst = wrong[np.argsort(-sure[wrong], kind="stable")][:MISTAKES]
    figure, axes = panels(max(len(worst), 1), columns=4, width=2.3, height=2.3)
    for axis in axes:
        axis.set_axis_off()
    for axis, row in zip(axes, worst, strict=False):
        axis.imshow(pixels[row], cmap="gray_r")
        axis.set_title(f"said {CLASSES[decided[row]]} ({percent(sure[row])}),\nis {CLASSES[known[row]]}", fontsize=9)
    return png(figure)


def percent(share: float) -> str:
    """In whole percent; what is less than all is not rounded to all."""
    return ">99.5 %" if 0.995 <= share < 1 else f"{100 * share:.0f} %"


def distorted(images: np.ndarray, augmentation: Augmentation, seed: int) -> np.ndarray:
    """``images [b, h, w] float32`` as one training batch of them would hold them, by the functions that train."""
    from keras import ops

    from pipeline.nets.augmentation import distort, mix, partners, shares

    generator = np.random.default_rng(seed)
    draws = ops.convert_to_tensor(generator.random((len(images), augmentation.draws), np.float32))
    found = distort(ops.convert_to_tensor(images), draws, augmentation)
    if augmentation.mixup:
        found = mix(found, partners(ops.arange(len(images), dtype="int32")), shares(draws, augmentation))
    return np.asarray(ops.convert_to_numpy(found))


def each_kind(image: np.ndarray, other: np.ndarray) -> dict[str, np.ndarray]:
    """``image [h, w] float32`` under every kind of distortion that a preset may have, by itself; ``other``: what it is
    mixed with."""
    from keras import ops

    from pipeline.nets.augmentation import DRAWS, Augmentation, distort, mix

    # A half moves nothing; which number does what is said at ``DRAWS``, behind which comes the size.
    kinds = {
        "mirrored": (Augmentation(flip=True), {0: 0.0}),
        f"shifted by {PIXELS:g} pixels": (Augmentation(shift=PIXELS), {1: 1.0, 2: 1.0}),
        f"turned by {DEGREES:g} degrees": (Augmentation(rotation=DEGREES), {3: 1.0}),
        f"enlarged by {100 * ZOOM:.0f} %": (Augmentation(zoom=ZOOM), {DRAWS: 1.0}),
        "a box blanked": (Augmentation(erase=1.0), {}),
    }
    found = {}
    for name, (augmentation, drawn) in kinds.items():
        draws = np.full((1, augmentation.draws), 0.5, np.float32)
        draws[0, list(drawn)] = list(drawn.values())
        found[name] = np.asarray(
            ops.convert_to_numpy(distort(image[None], ops.convert_to_tensor(draws), augmentation))
        )[0]
    pair, share = ops.convert_to_tensor(np.stack([image, other])), ops.convert_to_tensor([SHARE, 0.0])
    mixed = mix(pair, ops.convert_to_tensor([1, 0], "int32"), ops.cast(share, "float32"))
    return found | {f"{100 * SHARE:.0f} % of another": np.asarray(ops.convert_to_numpy(mixed))[0]}


def draw_distortions(clothes: Clothes, roles: np.ndarray, preset: ImageNetwork, seed: int) -> bytes:
    """One row per training image: as it is, then as it may come in training; a last row of each kind of distortion by
    itself, used or not. Dashed: where the image as it is ends, since a shift by a pixel is hard to see. Brightness is
    what the networks are given, see ``Images.gamma``."""
    known = np.flatnonzero(roles[:, 0] == TRAIN)
    _, first = np.unique(clothes.labels[known], return_index=True)
    rows = known[first[::EVERY]]
    images = (clothes.pixels[rows] / 255.0).astype(np.float32) ** np.float32(preset.gamma)
    copies = [
        distorted(images, augmentation_of(preset), seed_for(seed, "fashion_mnist", "picture", copy))
        for copy in range(COPIES)
    ]
    shown = [
        (image, copy[place] if number else image, "distorted" if number else CLASSES[clothes.labels[row]])
        for place, (row, image) in enumerate(zip(rows, images, strict=True))
        for number, copy in enumerate([images, *copies])
    ]
    # Of the last image, a shoe: its left and right differ.
    shown += [(images[-1], image, title) for title, image in each_kind(images[-1], images[0]).items()]
    figure, axes = panels(len(shown), columns=1 + COPIES, width=1.7, height=1.9)
    for axis, (plain, image, title) in zip(axes, shown, strict=True):
        axis.set_axis_off()
        axis.imshow(image, cmap="gray_r", vmin=0, vmax=1)
        axis.set_title(title, fontsize=8)
        for draw, side in ((axis.axhline, 1), (axis.axvline, 0)):
            for end in ends(plain.max(axis=side)):
                draw(end, color=COLOURS[1], linewidth=0.8, linestyle="--")
    return png(figure)


def ends(line: np.ndarray) -> tuple[float, float] | tuple[()]:
    """Where pixels of at least half the greatest brightness of ``line [n]`` begin and end; nowhere on a blank one."""
    lit = np.flatnonzero(line >= max(line.max() / 2, 1e-6))
    return (lit[0] - 0.5, lit[-1] + 0.5) if len(lit) else ()


def page(
    name: str,
    settings: FashionMnist,
    metrics: Mapping[str, Any],
    readings: Mapping[str, Diagnosis],
    counts: np.ndarray,
) -> str:
    """The results as a page to read."""
    preset, members, recall = settings.presets[name], metrics["members"], metrics["recall"]
    names, several = called(preset), members > 1
    deep = f"{counted(preset.depth, 'hidden layer')} of {preset.width}"
    if preset.filters:
        deep = f"{len(preset.filters)} convolutions and {deep}"
    done = distortions(preset)
    third, change = names["augmented"], "Distorting the images gains"
    if not done:
        third, change = (
            f"{third} (this preset distorts nothing)",
            "Other seeds gain" if several else "Another seed gains",
        )
    rows = [
        (f"{names['mlp']}: one hidden layer of {settings.mlp_width}", "mlp_accuracy"),
        (f"{names['dnn']}: {deep}", "dnn_accuracy"),
        (f"{third}{f', mean of {members}' if several else ''}", "augmented_accuracy"),
    ]
    averaging, promised, who = "", "", "the last of these networks"
    if several:  # one alone is no ensemble
        rows += [
            (f"of these {members} the one with the lowest validation loss", "single_best_accuracy"),
            (f"these {members}, averaged", "ensemble_accuracy"),
        ]
        averaging = f", averaging {members} networks {gain(metrics, 'ensemble_gain')} over their mean"
        promised = (
            f"The textbook promises 2 to 5 % from an ensemble; here it is {100 * metrics['ensemble_gain']:.1f} %. "
        )
        who = f"the ensemble of {members}"
    besides = beside_depth(preset, settings.mlp_width)
    way = f"each anew in every epoch {done}" if done else "not distorted by this preset"
    under = " and ".join(words for words, has in (("dropout", preset.dropout), ("distortion", done)) if has)
    others = counts - np.diag(np.diag(counts))
    found = [
        (CLASSES[one], one, f"{100 * recall[CLASSES[one]]:.1f} %", taken_for(others[one]))
        for one in sorted(range(len(CLASSES)), key=lambda one: -recall.get(CLASSES[one], 0.0))
        if CLASSES[one] in recall
    ]
    files_say = [f"`{key}` ({words})" for key, words in names.items()]
    curves_say = [f"- {names[key].capitalize()}: {each.verdict}; {each.reason}." for key, each in readings.items()]
    text = joined(
        "# Fashion-MNIST",
        "*In the chapter: MLP vs DNN, 데이터 증강 방법 (figure 8-15), 앙상블, 패션 MNIST (ten softmax outputs, sparse "
        "categorical cross-entropy).*",
        f"Preset `{name}`. Accuracy on the test images, which neither stop a network nor choose one, ± one standard "
        "error over images.",
        table(("network", "accuracy"), [(words, told(metrics, key)) for words, key in rows]),
        f"The deep network{f' (also {besides})' if besides else ''} gains {gain(metrics, 'depth_gain')} over the "
        f"shallow one. {change} {gain(metrics, 'augmentation_gain')} over the deep network{averaging}. Gains are "
        f"paired over the images; one of no more than {BEYOND} standard errors is within noise. {promised}"
        f"{given(preset)}",
        "## Learning curves",
        "![learning curves](learning_curves.png)",
        "Each network answers with the weights of the epoch in which its validation loss was lowest (early stopping; "
        f"training ends {preset.patience} epochs later, or after {preset.epochs}), so one that overfits later is not "
        f"worse for it. Training loss is taken while training{f', under {under}' if under else ''}.",
        "\n".join(curves_say),
        "## Distorted images",
        f"What the networks on distorted images learn from: training images, {way}. As they are, and {COPIES} times as "
        "they may come (dashed: where the image ends as it is). In the last row each kind of distortion that a preset "
        "may have by itself, used here or not, and further than is usual:",
        "![distorted images](distortions.png)",
        "## What was recognised",
        f"How many of each class's test images {who} finds (recall), the easiest class first:",
        table(("class", "label", "found", "most often taken for"), found),
        "![what was taken for what](confusion.png)",
        f"The surest mistakes, with how sure {'the ensemble' if several else 'it'} was:",
        "![mistakes](mistakes.png)",
        "Beside this page: `metrics.json`, `networks.csv` (one row per network), `learning_curves.csv` (one row per "
        f"epoch), `confusion.csv` (one row per class). There the networks are called {enumerated(files_say)}.",
    )
    return f"{text}\n"


def given(preset: ImageNetwork) -> str:
    """What all networks see of an image, in words."""
    seen = "the brightness of each pixel, from 0 to 1"
    if preset.gamma != 1:
        seen += f", to the power of {preset.gamma:g}"
    if preset.edges:
        seen += ", and how far it is from that of the pixels to its right and below it"
    return f"All networks are given {seen}, standardised."


def distortions(preset: ImageNetwork) -> str:
    """What is done to a training image, in words; empty for nothing."""
    done = {
        "mirrored or not": preset.flip,
        f"shifted by up to {preset.shift:g} pixel{'s' if preset.shift != 1 else ''} across and down": preset.shift,
        f"turned by up to {preset.rotation:g} degrees": preset.rotation,
        f"larger or smaller by up to {100 * preset.zoom:.0f} %": preset.zoom,
        f"blanked in a box ({100 * preset.erase:.0f} % of them)": preset.erase,
        f"mixed with another, by up to {100 * preset.mixup:.0f} %": preset.mixup,
    }
    return ", ".join(words for words, amount in done.items() if amount)


def beside_depth(preset: ImageNetwork, shallow_width: int) -> str:
    """What tells the deep network from the shallow one besides its depth, in words; empty for nothing."""
    wider = {"wider": preset.width > shallow_width, "narrower": preset.width < shallow_width}
    has = {
        "convolutions": preset.network == "convolutional",
        f"{preset.activation} instead of {SHALLOW_ACTIVATION}": preset.activation != SHALLOW_ACTIVATION,
        "layer normalisation": preset.normalization != "none",
        "dropout": preset.dropout,
        "L2": preset.l2,
    }
    owns = [words for words, amount in has.items() if amount]
    told = [words for words, holds in wider.items() if holds] + ([f"with {enumerated(owns)}"] if owns else [])
    return ", ".join(told)


def taken_for(others: np.ndarray) -> str:
    """The class that images of a class are most often mistaken for, from counts ``[10]`` without those that are right,
    and how many are."""
    most = int(others.argmax())
    return f"{CLASSES[most]} ({others[most]} of {others.sum()} mistakes)" if others[most] else "none"
