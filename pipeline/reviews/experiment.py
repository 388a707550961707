"""The experiment of stage ``imdb``: a large part of the training reviews is set aside. It shows where each network
overfits, and by it everything is chosen that is to be chosen. The test reviews are not even handed over."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from features.reviews.ngrams import take
from features.reviews.sentiment import average, best_shares, overfit_epoch, set_aside
from features.roles import STOP, TRAIN
from features.scoring.diagnosis import diagnose
from features.scoring.metrics import mean_error, row_log_loss
from pipeline.progress import Progress
from pipeline.reviews.files import Reviews
from pipeline.reviews.networks import Texts, multi_hot_of, train_convolution, train_phrases, train_variants
from pipeline.runtime import seed_for
from pipeline.settings import PLAIN, Imdb

if TYPE_CHECKING:
    from pipeline.nets.fit import Fit

# Whose opinions are averaged: the chosen variant of the multi-hot networks comes first.
KINDS = ("multi_hot", "phrases", "convolution")


@dataclass(frozen=True)
class Chosen:
    """What the experiment chose: a regularised ``variant``, the ``shares [3]`` of all ``KINDS`` in the average, the
    ``epochs`` of the phrase networks, and which part of the training reviews it learned from (``learned``);
    ``metrics``: on the others."""

    variant: str
    shares: np.ndarray
    epochs: int
    learned: float
    metrics: dict[str, float]

    def scaled(self, epochs: int) -> int:
        """Epochs of the final training with as many steps as ``epochs`` of the experiment, whose epochs are shorter."""
        return max(round(float(epochs) * self.learned), 1)


def experiment(
    settings: Imdb, seed: int, reviews: Reviews, progress: Progress
) -> tuple[Chosen, pd.DataFrame, pd.DataFrame]:
    """What the reviews set aside show and choose. The test reviews are not even handed over."""
    labels = reviews.labels[: reviews.trained]
    roles = np.where(set_aside(labels, settings.validation, seed_for(seed, "imdb", "validation")), STOP, TRAIN)
    starts, ranks = take(reviews.starts, reviews.ranks, np.arange(reviews.trained))
    texts = Texts(starts, ranks, labels, roles)
    names, bags = list(settings.variants), multi_hot_of(settings, texts)
    tried = train_variants(settings, seed, texts, bags, names, settings.epochs, progress.to)
    variants = describe(settings, tried, texts)
    phrases = train_phrases(settings, seed, texts, settings.phrases.epochs, lambda share: progress.to(1 + share))
    convolution = train_convolution(settings, seed, texts, lambda share: progress.to(2 + share))
    best = str(variants.index[variants["chosen"]][0])
    told = (tried.answers[copies_of(settings, best)], phrases.fit.answers, convolution.answers)
    opinions = np.stack([answers[:, texts.held, 0].mean(axis=0) for answers in told])
    shares = best_shares(labels[texts.held], opinions)
    metrics = measure(labels[texts.held], opinions, shares)
    epochs = int(phrases.fit.stop_loss.mean(axis=0).argmin()) + 1
    learned = float((roles == TRAIN).mean())
    found = Chosen(best, shares, epochs, learned, {f"validation_{name}": value for name, value in metrics.items()})
    return found, learning_curves(settings, tried), variants


def copies_of(settings: Imdb, variant: str) -> slice:
    """The members of a variant."""
    first = list(settings.variants).index(variant) * settings.seeds
    return slice(first, first + settings.seeds)


def describe(settings: Imdb, tried: Fit, texts: Texts) -> pd.DataFrame:
    """One row per variant, its losses the mean over its networks, on the reviews set aside.

    ``gap``: how far their loss lies above the train loss after the last epoch; ``rise``: how far above its lowest
    value. ``validation_accuracy``: of its networks' mean probability, each at its best epoch. ``chosen``: the lowest
    loss of all but the plain network.
    """
    rows = []
    for name, variant in settings.variants.items():
        part = copies_of(settings, name)
        held, train = (losses[part].mean(axis=0, dtype=np.float64) for losses in (tried.stop_loss, tried.train_loss))
        answers = tried.answers[part, :, 0].mean(axis=0)[texts.held]
        rows.append(
            {
                "variant": name,
                **asdict(variant),
                "best_epoch": overfit_epoch(held) - 1,
                "validation_loss": held.min(),
                "validation_loss_end": held[-1],
                "train_loss_end": train[-1],
                "gap": held[-1] - train[-1],
                "rise": held[-1] - held.min(),
                "diagnosis": diagnose(train, held).verdict,
                "validation_accuracy": right(texts.labels[texts.held], answers).mean(),
            }
        )
    frame = pd.DataFrame(rows).set_index("variant")
    others = frame["validation_loss"].drop(PLAIN) if len(frame) > 1 else frame["validation_loss"]
    frame["chosen"] = frame.index == others.idxmin()
    return frame


def learning_curves(settings: Imdb, tried: Fit) -> pd.DataFrame:
    """One row per epoch of the experiment: each variant's loss on train rows (while training, so under dropout) and on
    the reviews set aside, mean over its networks."""
    curves: dict[str, np.ndarray] = {"epoch": np.arange(1, tried.train_loss.shape[1] + 1)}
    for name in settings.variants:
        part = copies_of(settings, name)
        curves[f"{name}_train"] = tried.train_loss[part].mean(axis=0, dtype=np.float64).round(6)
        curves[f"{name}_validation"] = tried.stop_loss[part].mean(axis=0, dtype=np.float64).round(6)
    return pd.DataFrame(curves)


def right(target: np.ndarray, answer: np.ndarray) -> np.ndarray:
    """1 for each row whose class the probability ``answer [n]`` favours, else 0."""
    return ((answer > 0.5) == target).astype(float)


def measure(target: np.ndarray, opinions: np.ndarray, shares: np.ndarray) -> dict[str, float]:
    """Accuracy with standard errors, and log loss, of probabilities ``[3, n]`` by ``KINDS``, and of their average; its
    gain over the phrase networks, paired over the reviews."""
    ensemble = average(shares, opinions)
    found: dict[str, float] = {}
    for name, answer in (*zip(KINDS, opinions, strict=True), ("ensemble", ensemble)):
        found |= with_error(f"{name}_accuracy", right(target, answer))
        found[f"{name}_log_loss"] = float(row_log_loss(target, answer[:, None]).mean())
    gain = right(target, ensemble) - right(target, opinions[KINDS.index("phrases")])
    return found | with_error("ensemble_gain", gain)


def with_error(name: str, values: np.ndarray) -> dict[str, float]:
    """The mean of ``values [n]`` under ``name``, and its standard error."""
    return {name: float(values.mean()), f"{name}_se": mean_error(values)}
