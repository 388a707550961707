"""Stage ``fashion_mnist``: a shallow network against deep ones on pictures of clothes, and what an ensemble adds."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.errors import UserError
from features.idx import parse_images, parse_labels
from features.roles import STOP, TRAIN
from features.scoring.metrics import mean_error
from pipeline import stage
from pipeline.clothes.networks import CLASSES, Clothes, Outcome, curves, diagnoses, train
from pipeline.clothes.page import draw_confusion, draw_curves, draw_distortions, draw_mistakes, page
from pipeline.files import read_bytes, write_bytes, write_csv, write_json, write_npz
from pipeline.params import load_block
from pipeline.runtime import device_name, fast_precision, seed_for, start_tensorflow
from pipeline.settings import FashionMnist

FILES = {
    "train images": "train-images-idx3-ubyte.gz",
    "train labels": "train-labels-idx1-ubyte.gz",
    "test images": "t10k-images-idx3-ubyte.gz",
    "test labels": "t10k-labels-idx1-ubyte.gz",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Train, score, draw; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.fashion_mnist", description=__doc__)
    parser.add_argument("--params", type=Path, required=True, help=stage.PARAMS)
    parser.add_argument("--input", type=Path, required=True, help="folder of the four idx files")
    parser.add_argument("--output", type=Path, required=True, help="folder for weights.npz and predictions.npz")
    parser.add_argument("--report", type=Path, required=True, help="folder for metrics, plot data, pictures and page")
    return stage.run(parser, fashion_mnist, argv)


def fashion_mnist(arguments: argparse.Namespace) -> None:
    """Read, train, score once on the test images, write."""
    loaded: tuple[int, FashionMnist] = load_block(arguments.params, "fashion_mnist")
    seed, settings = loaded
    clothes = read(arguments.input)
    roles = split(clothes, settings.validation, seed, arguments.params)
    tensorflow = start_tensorflow()
    name = preset_name(settings, bool(tensorflow.config.list_physical_devices("GPU")), arguments.params)
    preset = settings.presets[name]
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
        "learning_curves": draw_curves(outcomes, readings, preset),
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
        raise UserError(f"{file}: fashion_mnist.preset is auto, here {name}, but presets has no {name}. Name another.")
    return name


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
        metrics[f"{name}_se"] = round(mean_error(values), 6)
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


if __name__ == "__main__":
    raise SystemExit(main())
