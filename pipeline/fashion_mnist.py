"""Stage ``fashion_mnist``: a shallow network against deep ones on pictures of clothes, and what an ensemble adds."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from features.diagnosis import Diagnosis, diagnose
from features.errors import UserError
from features.idx import parse_images, parse_labels
from features.roles import STOP, TRAIN
from pipeline import stage
from pipeline.files import read_bytes, write_bytes, write_csv, write_json, write_npz
from pipeline.params import FashionMnist, ImageNetwork, load_block
from pipeline.pictures import confusion, label, panels, png
from pipeline.progress import Progress
from pipeline.runtime import device_name, fast_precision, seed_for, start_tensorflow

if TYPE_CHECKING:
    from pipeline.nets.augmentation import Augmentation
    from pipeline.nets.fit import Fit

CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
FILES = {
    "train images": "train-images-idx3-ubyte.gz",
    "train labels": "train-labels-idx1-ubyte.gz",
    "test images": "t10k-images-idx3-ubyte.gz",
    "test labels": "t10k-labels-idx1-ubyte.gz",
}
# The networks by name, in the order in which they are told of.
NETWORKS = {"mlp": "shallow", "dnn": "deep", "augmented": "deep, distorted images"}
# A gain of no more standard errors than these is noise.
BEYOND = 2
SHALLOW_ACTIVATION = "relu"
MISTAKES = 12
# Distorted copies of a picture that the page shows, and every which class has one.
COPIES, EVERY = 5, 3
# Each halves the 28 pixels of a side.
MOST_CONVOLUTIONS = 4


def main(argv: Sequence[str] | None = None) -> int:
    """Train, score, draw; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.fashion_mnist", description=__doc__)
    parser.add_argument("--params", type=Path, required=True, help=stage.PARAMS)
    parser.add_argument("--input", type=Path, required=True, help="folder of the four idx files")
    parser.add_argument("--output", type=Path, required=True, help="folder for weights.npz and predictions.npz")
    parser.add_argument("--report", type=Path, required=True, help="folder for metrics, plot data, pictures and page")
    return stage.run(parser, fashion_mnist, argv)


@dataclass(frozen=True)
class Clothes:
    """``pixels [n, h, w] uint8``, training images first; ``labels [n] uint8``; ``train``: how many are for training."""

    pixels: np.ndarray
    labels: np.ndarray
    train: int


@dataclass(frozen=True)
class Outcome:
    """What one kind of network came to: the fit, test probabilities ``[m, n, c]``, accuracy on the validation images
    ``[m]`` and mean training loss of the best weights, without dropout or distortion ``[m]``."""

    fit: Fit
    test: np.ndarray
    validation_accuracy: np.ndarray
    train_loss: np.ndarray


def fashion_mnist(arguments: argparse.Namespace) -> None:
    """Read, train, score once on the test images, write."""
    loaded: tuple[int, FashionMnist] = load_block(arguments.params, "fashion_mnist")
    seed, settings = loaded
    clothes = read(arguments.input)
    roles = split(clothes, settings.validation, seed, arguments.params)
    tensorflow = start_tensorflow()
    name = preset_name(settings, bool(tensorflow.config.list_physical_devices("GPU")), arguments.params)
    preset = settings.presets[name]
    check_filters(name, preset, arguments.params)
    precision = fast_precision(tensorflow) if settings.precision == "auto" else settings.precision
    print(f"fashion_mnist: preset {name}, {2 + preset.members} networks in {precision} on {device_name(tensorflow)}")
    outcomes = train(clothes, roles, settings, preset, precision, seed)
    known = clothes.labels[clothes.train :]
    ensemble = outcomes["augmented"].test.mean(axis=0)
    metrics, readings = summary(outcomes, ensemble, known), diagnoses(outcomes)
    counts = confusion_counts(ensemble, known)
    for file, frame in tables(outcomes, counts, known).items():
        write_csv(arguments.report / f"{file}.csv", frame)
    pictures = {
        "learning_curves": draw_curves(outcomes, readings),
        "confusion": draw_confusion(counts),
        "mistakes": draw_mistakes(clothes.pixels[clothes.train :], ensemble, known),
        "distortions": draw_distortions(clothes, roles, preset, seed),
    }
    for file, picture in pictures.items():
        write_bytes(arguments.report / f"{file}.png", picture)
    write_bytes(arguments.report / "README.md", page(name, settings, metrics, readings, counts).encode())
    write_npz(
        arguments.output / "predictions.npz",
        {**{f"{key}_test": outcome.test for key, outcome in outcomes.items()}, "labels": known},
    )
    write_npz(
        arguments.output / "weights.npz",
        {f"{key}/{n}": a for key, o in outcomes.items() for program in o.fit.weights for n, a in program.items()},
    )
    write_json(arguments.report / "metrics.json", metrics)
    print(
        f"fashion_mnist: test accuracy {metrics['mlp_accuracy']:.4f} shallow, {metrics['dnn_accuracy']:.4f} deep, "
        f"{metrics['augmented_accuracy']:.4f} distorted, {metrics['ensemble_accuracy']:.4f} ± "
        f"{metrics['ensemble_accuracy_se']:.4f} ensemble of {preset.members}"
    )


def read(folder: Path) -> Clothes:
    """The four files. Raises ``UserError`` where one is damaged, swapped or does not go with its fellow."""
    parts: dict[str, np.ndarray] = {}
    for part in ("train", "test"):
        images, labels = folder / FILES[f"{part} images"], folder / FILES[f"{part} labels"]
        parts[f"{part} images"] = parse_images(read_bytes(images), str(images))
        parts[f"{part} labels"] = parse_labels(read_bytes(labels), str(labels), len(CLASSES))
        if len(parts[f"{part} images"]) != len(parts[f"{part} labels"]):
            raise UserError(
                f"{labels}: {len(parts[f'{part} labels'])} labels for {len(parts[f'{part} images'])} images in "
                f"{images.name}; expected as many. Delete both and run `dvc repro`."
            )
    if parts["train images"].shape[1:] != parts["test images"].shape[1:]:
        raise UserError(
            f"{folder}: training images are {_size(parts['train images'])}, test images {_size(parts['test images'])} "
            f"pixels; expected the same. Delete the files and run `dvc repro`."
        )
    return Clothes(
        np.concatenate([parts["train images"], parts["test images"]]),
        np.concatenate([parts["train labels"], parts["test labels"]]),
        len(parts["train images"]),
    )


def _size(images: np.ndarray) -> str:
    return f"{images.shape[1]} x {images.shape[2]}"


def split(clothes: Clothes, validation: int, seed: int, file: Path) -> np.ndarray:
    """``[t, 1] int8``: ``validation`` images drawn at random stop and select, the others train."""
    if validation >= clothes.train:
        raise UserError(
            f"{file}: fashion_mnist.validation is {validation}, but there are {clothes.train} training images; "
            f"expected fewer."
        )
    roles = np.full((clothes.train, 1), TRAIN, np.int8)
    order = np.random.default_rng(seed_for(seed, "fashion_mnist", "split")).permutation(clothes.train)
    roles[order[:validation]] = STOP
    return roles


def preset_name(settings: FashionMnist, gpu: bool, file: Path) -> str:
    """The preset asked for; ``auto`` is ``convolutional`` where there is a GPU and ``dense`` elsewhere."""
    name = ("convolutional" if gpu else "dense") if settings.preset == "auto" else settings.preset
    if name not in settings.presets:
        raise UserError(
            f"{file}: fashion_mnist.preset is {settings.preset!r}; expected auto or one of "
            f"{', '.join(settings.presets)}."
        )
    return name


def check_filters(name: str, preset: ImageNetwork, file: Path) -> None:
    """Raises ``UserError`` where the preset's ``filters`` are not such as its ``network`` has."""
    key, count = f"{file}: fashion_mnist.presets.{name}.filters", len(preset.filters)
    if preset.network == "dense" and count:
        raise UserError(
            f"{key} is {list(preset.filters)}, but network is dense. Empty it, or set network: convolutional."
        )
    if preset.network == "convolutional" and not 1 <= count <= MOST_CONVOLUTIONS:
        raise UserError(
            f"{key} names {count} layers of convolutions; expected 1 to {MOST_CONVOLUTIONS}, since each halves the "
            "picture's 28 pixels. Without any, set network: dense."
        )


def train(
    clothes: Clothes, roles: np.ndarray, settings: FashionMnist, preset: ImageNetwork, precision: str, seed: int
) -> dict[str, Outcome]:
    """The networks of ``NETWORKS``, each on the same images, for as many epochs and in batches of the same size."""
    from pipeline.nets.augmentation import Augmentation
    from pipeline.nets.fit import fit
    from pipeline.nets.images import Images
    from pipeline.nets.members import members_of

    augmentation = augmentation_of(preset)
    common = {
        "initializer": "he_normal",
        "learning_rate": preset.learning_rate,
        "batch_size": preset.batch_size,
        "schedule": "cosine",
    }
    shallow = {
        **common,
        "depth": 1,
        "width": settings.mlp_width,
        "activation": SHALLOW_ACTIVATION,
        "dropout": 0.0,
        "l2": 0.0,
    }
    own = ("depth", "width", "activation", "normalization", "dropout", "l2")
    deep = {**common, **{key: getattr(preset, key) for key in own}}
    plans: dict[str, tuple[dict[str, Any], int, Augmentation, tuple[int, ...]]] = {
        "mlp": (shallow, 1, Augmentation(), ()),
        "dnn": (deep, 1, Augmentation(), preset.filters),
        "augmented": (deep, preset.members, augmentation, preset.filters),
    }
    target = clothes.labels[: clothes.train].astype(np.float32)[None]
    outcomes: dict[str, Outcome] = {}
    with Progress(2 + preset.members, "networks", "fashion_mnist") as progress:
        done = 0
        for name, (configuration, count, augmentation, convolutions) in plans.items():

            def report(share: float, done: int = done, count: int = count) -> None:
                best = [f"{o.validation_accuracy.max():.4f}" for o in outcomes.values()]
                progress.to(done + share * count, **({"best": max(best)} if best else {}))

            found = fit(
                members_of(
                    [configuration] * count,
                    [0] * count,
                    [seed_for(seed, "fashion_mnist", name, member) for member in range(count)],
                ),
                Images(
                    clothes.pixels,
                    target,
                    roles,
                    len(CLASSES),
                    augmentation,
                    convolutions,
                    precision,
                    preset.gamma,
                    preset.edges,
                ),
                "multiclass",
                preset.epochs,
                preset.patience,
                report,
                seed=seed_for(seed, "fashion_mnist", name, "batches"),
            )
            outcomes[name] = outcome(found, clothes, roles)
            done += count
    return outcomes


def augmentation_of(preset: ImageNetwork) -> Augmentation:
    """How the preset distorts the images that the members of its ensemble learn from."""
    from pipeline.nets.augmentation import Augmentation

    return Augmentation(preset.flip, preset.shift, preset.rotation, preset.erase, preset.mixup)


def outcome(found: Fit, clothes: Clothes, roles: np.ndarray) -> Outcome:
    """Raises ``UserError`` where a network diverged."""
    if (found.best_epoch == 0).any():
        raise UserError("fashion_mnist: a network diverged. Lower learning_rate of the preset in params.yaml.")
    validation, training = roles[:, 0] == STOP, roles[:, 0] == TRAIN
    decided = found.answers[:, : clothes.train][:, validation].argmax(axis=2)
    right = decided == clothes.labels[: clothes.train][validation]
    return Outcome(found, found.answers[:, clothes.train :], right.mean(axis=1), found.loss[:, training].mean(axis=1))


def summary(outcomes: Mapping[str, Outcome], ensemble: np.ndarray, known: np.ndarray) -> dict[str, Any]:
    """``metrics.json``: accuracies on the test images with standard errors over images; differences are paired.

    ``ensemble [n, c]``: mean probabilities of the augmented members. ``single_best`` is the member with the lowest
    validation loss.
    """
    right = {name: outcome.test.argmax(axis=2) == known for name, outcome in outcomes.items()}
    members = right["augmented"].astype(float)
    best = int(np.nanmin(outcomes["augmented"].fit.stop_loss, axis=1).argmin())
    rows = {
        "mlp_accuracy": right["mlp"][0].astype(float),
        "dnn_accuracy": right["dnn"][0].astype(float),
        "augmented_accuracy": members.mean(axis=0),
        "single_best_accuracy": members[best],
        "ensemble_accuracy": (ensemble.argmax(axis=1) == known).astype(float),
    }
    rows |= {
        "depth_gain": rows["dnn_accuracy"] - rows["mlp_accuracy"],
        "augmentation_gain": rows["augmented_accuracy"] - rows["dnn_accuracy"],
        "ensemble_gain": rows["ensemble_accuracy"] - rows["augmented_accuracy"],
    }
    metrics: dict[str, Any] = {}
    for name, values in rows.items():
        metrics[name] = round(float(values.mean()), 6)
        metrics[f"{name}_se"] = round(float(values.std(ddof=1) / np.sqrt(len(values))), 6)
    of_truth = np.clip(ensemble[np.arange(len(known)), known], 1e-7, 1)
    metrics["ensemble_log_loss"] = round(float(-np.log(of_truth).mean()), 6)
    metrics["members"] = len(members)
    correct = rows["ensemble_accuracy"]
    metrics["recall"] = {
        name: round(float(correct[known == number].mean()), 6)
        for number, name in enumerate(CLASSES)
        if (known == number).any()
    }
    return metrics


def diagnoses(outcomes: Mapping[str, Outcome]) -> dict[str, Diagnosis]:
    """What the learning curves of each network say, mean over its members."""
    return {name: diagnose(*curves(outcome)) for name, outcome in outcomes.items()}


def curves(outcome: Outcome) -> tuple[np.ndarray, np.ndarray]:
    """Training and validation loss ``[epochs]``, mean over members; NaN after the last has stopped.

    One that stops before keeps its last losses: were it left out, the mean would jump, and say of curves that all fall
    that they rise.
    """
    going = np.isfinite(outcome.fit.stop_loss)
    last = going.sum(axis=1, keepdims=True) - 1
    place = np.minimum(np.arange(going.shape[1]), last)
    count = np.where(going.any(axis=0), len(going), np.nan)
    training, validation = (
        np.take_along_axis(losses, place, axis=1).sum(axis=0) / count
        for losses in (outcome.fit.train_loss, outcome.fit.stop_loss)
    )
    return training, validation


def confusion_counts(ensemble: np.ndarray, known: np.ndarray) -> np.ndarray:
    """``[10, 10]``: how many test images of each class, a row each, the ensemble took for which."""
    counts = np.zeros((len(CLASSES), len(CLASSES)), int)
    np.add.at(counts, (known, ensemble.argmax(axis=1)), 1)
    return counts


def tables(outcomes: Mapping[str, Outcome], counts: np.ndarray, known: np.ndarray) -> dict[str, pd.DataFrame]:
    """Plot data by name: learning curves, one row per network, and per class how many images were taken for which."""
    epochs = next(iter(outcomes.values())).fit.stop_loss.shape[1]
    frame: dict[str, Any] = {"epoch": np.arange(1, epochs + 1)}
    for name, each in outcomes.items():
        training, validation = curves(each)
        frame[f"{name}_train"], frame[f"{name}_validation"] = training.round(6), validation.round(6)
    networks = pd.concat(
        [
            pd.DataFrame(
                {
                    "network": name,
                    "member": np.arange(len(each.test)),
                    "epochs": each.fit.epochs_run,
                    "best_epoch": each.fit.best_epoch,
                    "train_loss": each.train_loss.astype(np.float64).round(6),
                    "validation_loss": np.nanmin(each.fit.stop_loss, axis=1).astype(np.float64).round(6),
                    "validation_accuracy": each.validation_accuracy.round(6),
                    "test_accuracy": (each.test.argmax(axis=2) == known).mean(axis=1).round(6),
                }
            )
            for name, each in outcomes.items()
        ]
    )
    confusion_frame = pd.DataFrame(counts, columns=list(CLASSES))
    confusion_frame.insert(0, "actual", CLASSES)
    return {"learning_curves": pd.DataFrame(frame), "networks": networks, "confusion": confusion_frame}


def draw_curves(outcomes: Mapping[str, Outcome], readings: Mapping[str, Diagnosis]) -> bytes:
    """One panel per network, all on one scale: training and validation loss by epoch."""
    figure, axes = panels(len(outcomes), width=3.1, height=3.2)
    for axis, (name, each) in zip(axes, outcomes.items(), strict=True):
        for line, values in zip(("training", "validation"), curves(each), strict=True):
            axis.plot(np.arange(1, len(values) + 1), values, label=line)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        label(axis, f"{NETWORKS[name]}: {readings[name].verdict}", "epoch", "cross-entropy", legend=True)
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


def draw_distortions(clothes: Clothes, roles: np.ndarray, preset: ImageNetwork, seed: int) -> bytes:
    """One row per training image: as it is, then as it may come in training. Dashed: where the image as it is ends,
    since a shift by a pixel is hard to see. Brightness is what the networks are given, see ``Images.gamma``."""
    known = np.flatnonzero(roles[:, 0] == TRAIN)
    _, first = np.unique(clothes.labels[known], return_index=True)
    rows = known[first[::EVERY]]
    images = (clothes.pixels[rows] / 255.0).astype(np.float32) ** np.float32(preset.gamma)
    copies = [
        distorted(images, augmentation_of(preset), seed_for(seed, "fashion_mnist", "picture", copy))
        for copy in range(COPIES)
    ]
    figure, axes = panels(len(rows) * (1 + COPIES), columns=1 + COPIES, width=1.7, height=1.9)
    shown = np.stack([images, *copies], axis=1).reshape(-1, *images.shape[1:])
    for place, (axis, image) in enumerate(zip(axes, shown, strict=True)):
        row, copy = divmod(place, 1 + COPIES)
        axis.set_axis_off()
        axis.imshow(image, cmap="gray_r", vmin=0, vmax=1)
        axis.set_title("distorted" if copy else CLASSES[clothes.labels[rows[row]]], fontsize=8)
        for draw, side in ((axis.axhline, 1), (axis.axvline, 0)):
            for end in ends(images[row].max(axis=side)):
                draw(end, color="#D55E00", linewidth=0.8, linestyle="--")
    return png(figure)


def ends(line: np.ndarray) -> tuple[float, float] | tuple[()]:
    """Where pixels of at least half the greatest brightness of ``line [n]`` begin and end; nowhere on a blank one."""
    lit = np.flatnonzero(line >= max(line.max() / 2, 1e-6))
    return (lit[0] - 0.5, lit[-1] + 0.5) if len(lit) else ()


def distortions(preset: ImageNetwork) -> str:
    """What is done to a training image, in words; empty for nothing."""
    done = {
        "mirrored or not": preset.flip,
        f"shifted by up to {preset.shift:g} pixel{'s' if preset.shift != 1 else ''} across and down": preset.shift,
        f"turned by up to {preset.rotation:g} degrees": preset.rotation,
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
    *most, last = [words for words, amount in has.items() if amount] or [""]
    owns = f"with {', '.join(most)}{' and ' if most else ''}{last}" if last else ""
    return ", ".join([*(words for words, holds in wider.items() if holds), *([owns] if owns else [])])


def gain(metrics: Mapping[str, Any], name: str) -> str:
    """A gain, its standard error, and whether it is noise."""
    amount, error = metrics[name], metrics[f"{name}_se"]
    noise = " (within noise)" if abs(amount) <= BEYOND * error else ""
    return f"{amount:.4f} ± {error:.4f}{noise}"


def page(
    name: str,
    settings: FashionMnist,
    metrics: Mapping[str, Any],
    readings: Mapping[str, Diagnosis],
    counts: np.ndarray,
) -> str:
    """The results as a page to read."""
    preset, members, recall = settings.presets[name], metrics["members"], metrics["recall"]
    deep = f"{preset.depth} hidden layer{'s' if preset.depth != 1 else ''} of {preset.width}"
    if preset.filters:
        deep = f"{len(preset.filters)} convolutions and {deep}"
    rows = [
        (f"{NETWORKS['mlp']}: one hidden layer of {settings.mlp_width}", "mlp_accuracy"),
        (f"{NETWORKS['dnn']}: {deep}", "dnn_accuracy"),
        (f"{NETWORKS['augmented']}, mean of {members}", "augmented_accuracy"),
        (f"of these {members} the one with the lowest validation loss", "single_best_accuracy"),
        (f"these {members}, averaged", "ensemble_accuracy"),
    ]
    besides = beside_depth(preset, settings.mlp_width)
    done = distortions(preset)
    way = f"each anew in every epoch {done}" if done else "not distorted by this preset"
    others = counts - np.diag(np.diag(counts))
    found = [
        f"| {CLASSES[one]} | {100 * recall[CLASSES[one]]:.1f} % | {taken_for(others[one])} |"
        for one in sorted(range(len(CLASSES)), key=lambda one: -recall.get(CLASSES[one], 0.0))
        if CLASSES[one] in recall
    ]
    lines = [
        "# Fashion-MNIST",
        "",
        f"Preset `{name}`. Accuracy on the test images, which were looked at once, ± one standard error over images.",
        "",
        "| network | accuracy |",
        "|---|---|",
        *[f"| {words} | {metrics[key]:.4f} ± {metrics[f'{key}_se']:.4f} |" for words, key in rows],
        "",
        f"The deep network{f' (also {besides})' if besides else ''} gains {gain(metrics, 'depth_gain')} over the "
        f"shallow one. Distorting the images gains {gain(metrics, 'augmentation_gain')} over the deep network, "
        f"averaging {members} networks {gain(metrics, 'ensemble_gain')} over their mean. Gains are paired over the "
        f"images; one of no more than {BEYOND} standard errors is within noise. The textbook promises 2 to 5 % from an "
        "ensemble.",
        "",
        "## Learning curves",
        "",
        "![learning curves](learning_curves.png)",
        "",
        *[f"- {NETWORKS[key].capitalize()}: {each.verdict}; {each.reason}." for key, each in readings.items()],
        "",
        "## Distorted images",
        "",
        f"What the networks on distorted images learn from: training images, {way}. As they are, and {COPIES} times as "
        "they may come (dashed: where the image ends as it is):",
        "",
        "![distorted images](distortions.png)",
        "",
        "## What was recognised",
        "",
        f"How many of each class's test images the ensemble of {members} finds (recall), the easiest class first:",
        "",
        "| class | found | most often taken for |",
        "|---|---|---|",
        *found,
        "",
        "![what was taken for what](confusion.png)",
        "",
        "The surest mistakes, with how sure the ensemble was:",
        "",
        "![mistakes](mistakes.png)",
        "",
        "Beside this page: `metrics.json`, `networks.csv` (one row per network), `learning_curves.csv` (one row per "
        "epoch), `confusion.csv` (one row per class). There the networks are called `mlp` (shallow), `dnn` (deep) and "
        "`augmented` (deep, distorted images).",
        "",
    ]
    return "\n".join(lines)


def taken_for(others: np.ndarray) -> str:
    """The class that images of a class are most often mistaken for, from counts ``[10]`` without those that are right,
    and how many are."""
    most = int(others.argmax())
    return f"{CLASSES[most]} ({others[most]} of {others.sum()} mistakes)" if others[most] else "none"


if __name__ == "__main__":
    raise SystemExit(main())
