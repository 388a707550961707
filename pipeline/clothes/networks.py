"""The networks of stage ``fashion_mnist``: which there are, how they are trained, and what their curves say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from features.errors import UserError
from features.roles import STOP, TRAIN
from features.scoring.diagnosis import Diagnosis, diagnose
from pipeline.progress import Progress
from pipeline.runtime import seed_for
from pipeline.settings import FashionMnist, ImageNetwork

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
# The networks by name, in the order in which they are told of.
NETWORKS = {"mlp": "shallow", "dnn": "deep", "augmented": "deep, distorted images"}
SHALLOW_ACTIVATION = "relu"


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


@dataclass(frozen=True)
class Plan:
    """Networks alike but for their seed: their hyperparameters, how many ``members``, how their training images are
    distorted, and the ``filters`` of each layer of convolutions."""

    configuration: dict[str, Any]
    members: int
    augmentation: Augmentation
    filters: tuple[int, ...]


def plans(settings: FashionMnist, preset: ImageNetwork) -> dict[str, Plan]:
    """What is trained under each name of ``NETWORKS``."""
    from pipeline.nets.augmentation import Augmentation

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
    return {
        "mlp": Plan(shallow, 1, Augmentation(), ()),
        "dnn": Plan(deep, 1, Augmentation(), preset.filters),
        "augmented": Plan(deep, preset.members, augmentation_of(preset), preset.filters),
    }


def train(
    clothes: Clothes, roles: np.ndarray, settings: FashionMnist, preset: ImageNetwork, precision: str, seed: int
) -> dict[str, Outcome]:
    """The networks of ``NETWORKS``, each on the same images, for as many epochs and in batches of the same size."""
    from pipeline.nets.fit import fit
    from pipeline.nets.images import Images
    from pipeline.nets.members import members_of

    target = clothes.labels[: clothes.train].astype(np.float32)[None]
    outcomes: dict[str, Outcome] = {}
    with Progress(2 + preset.members, "networks", "fashion_mnist") as progress:
        done = 0
        for name, plan in plans(settings, preset).items():

            def report(share: float, done: int = done, count: int = plan.members) -> None:
                best = [f"{each.validation_accuracy.max():.4f}" for each in outcomes.values()]
                progress.to(done + share * count, **({"best": max(best)} if best else {}))

            images = Images(
                clothes.pixels,
                target,
                roles,
                len(CLASSES),
                plan.augmentation,
                plan.filters,
                precision,
                preset.gamma,
                preset.edges,
            )
            members = members_of(
                [plan.configuration] * plan.members,
                [0] * plan.members,
                [seed_for(seed, "fashion_mnist", name, member) for member in range(plan.members)],
            )
            order = seed_for(seed, "fashion_mnist", name, "batches")
            found = fit(members, images, "multiclass", preset.epochs, preset.patience, report, seed=order)
            outcomes[name] = outcome(found, clothes, roles)
            done += plan.members
    return outcomes


def augmentation_of(preset: ImageNetwork) -> Augmentation:
    """How the preset distorts the images that the members of its ensemble learn from."""
    from pipeline.nets.augmentation import Augmentation

    return Augmentation(preset.flip, preset.shift, preset.rotation, preset.zoom, preset.erase, preset.mixup)


def outcome(found: Fit, clothes: Clothes, roles: np.ndarray) -> Outcome:
    """What training ``found`` on the images with ``roles [t, 1]``: test answers ``[m, n, 10]``, validation accuracy and
    training loss ``[m]``. Raises ``UserError`` where a network diverged."""
    if (found.best_epoch == 0).any():
        raise UserError("fashion_mnist: a network diverged. Lower learning_rate of the preset in params.yaml.")
    validation, training = roles[:, 0] == STOP, roles[:, 0] == TRAIN
    decided = found.answers[:, : clothes.train][:, validation].argmax(axis=2)
    right = decided == clothes.labels[: clothes.train][validation]
    return Outcome(found, found.answers[:, clothes.train :], right.mean(axis=1), found.loss[:, training].mean(axis=1))


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
