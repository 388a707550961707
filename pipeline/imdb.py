"""Stage ``imdb``: film reviews for or against. The textbook's multi-hot networks, networks on phrases, convolutional
networks on the words in their order, and the average of the three.

Twice the same networks learn. In the *experiment* a large part of the training reviews is set aside: it shows where
each network overfits, and everything that is to be chosen is chosen by it. In the *final* training all training
reviews are learned from, each network for as many steps as served best before; these answer for the test reviews.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from features.roles import TRAIN
from pipeline import stage
from pipeline.files import write_bytes, write_csv, write_json, write_npz
from pipeline.pages.markdown import counted
from pipeline.params import load_block, load_source
from pipeline.progress import Progress
from pipeline.reviews.experiment import KINDS, Chosen, experiment, measure, right, with_error
from pipeline.reviews.files import Reviews, read_reviews
from pipeline.reviews.networks import (
    Phrases,
    Texts,
    multi_hot_of,
    network,
    train_convolution,
    train_phrases,
    train_variants,
)
from pipeline.reviews.page import page, picture
from pipeline.reviews.words import weights_of_words
from pipeline.runtime import device_name, start_tensorflow
from pipeline.settings import CONVOLUTION, PHRASES, PLAIN, TO_THE_END, Imdb

if TYPE_CHECKING:
    from pipeline.nets.fit import Fit


@dataclass(frozen=True)
class Final:
    """``answers``: probabilities for the test reviews by variant, ``multi_hot``: the chosen variant's networks,
    ``phrases``: those on phrases, ``convolution``: those on words in their order."""

    answers: dict[str, np.ndarray]
    multi_hot: Fit
    phrases: Phrases
    convolution: Fit

    def opinions(self, variant: str) -> np.ndarray:
        """Probabilities ``[3, n]`` for the test reviews, in the order of ``KINDS``: by the multi-hot ``variant``, the
        phrases and the convolution."""
        return np.stack([self.answers[name] for name in (variant, PHRASES, CONVOLUTION)])


def main(argv: Sequence[str] | None = None) -> int:
    """Train, measure, write; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.imdb", description=__doc__)
    parser.add_argument("--params", type=Path, required=True, help=stage.PARAMS)
    parser.add_argument("--input", type=Path, required=True, help="folder of the raw files")
    parser.add_argument("--output", type=Path, required=True, help="folder for model.npz")
    parser.add_argument(
        "--report", type=Path, required=True, help="folder for metrics, curves, words, picture and page"
    )
    return stage.run(parser, imdb, argv)


def imdb(arguments: argparse.Namespace) -> None:
    """Read, experiment and choose, train, score, write."""
    seed, settings = load_block(arguments.params, "imdb")
    reviews = read_reviews(arguments.input, load_source(arguments.params, "imdb").files)
    target = reviews.labels[reviews.trained :]
    tensorflow = start_tensorflow()
    print(f"imdb: {reviews.trained} reviews to learn from, {len(target)} to test, on {device_name(tensorflow)}")
    with Progress(6, "trainings", "imdb") as progress:
        chosen, curves, variants = experiment(settings, seed, reviews, progress)
        final = train_finally(settings, seed, reviews, chosen, variants, progress)
    variants = variants.join(tested(variants.index, final.answers, target))
    metrics = summary(final, chosen, variants, target)
    words = weights_of_words(settings, final.phrases, reviews)
    sizes = reviews.trained, len(target)
    write_npz(arguments.output / "model.npz", model(settings, final, chosen, reviews))
    write_csv(arguments.report / "learning_curves.csv", curves)
    write_csv(arguments.report / "variants.csv", variants.round(6).reset_index())
    write_csv(arguments.report / "words.csv", words)
    write_bytes(arguments.report / "overview.png", picture(settings, curves, variants, words))
    text = page(settings, chosen, metrics, curves, variants, words, sizes)
    write_bytes(arguments.report / "README.md", text.encode())
    write_json(arguments.report / "metrics.json", {name: round(float(value), 6) for name, value in metrics.items()})
    print(spoken(settings, chosen, metrics, variants, len(target)))


def train_finally(
    settings: Imdb, seed: int, reviews: Reviews, chosen: Chosen, variants: pd.DataFrame, progress: Progress
) -> Final:
    """All training reviews learned from, for as many steps as served best in the experiment (the convolutional networks
    for their whole schedule); answers for the test reviews, mean over a variant's networks."""
    labels = reviews.labels[: reviews.trained]
    texts = Texts(reviews.starts, reviews.ranks, labels, np.full(reviews.trained, TRAIN))
    plan = {
        TO_THE_END: settings.epochs,
        **{name: chosen.scaled(variants.loc[name, "best_epoch"]) for name in variants.index},
    }
    bags = multi_hot_of(settings, texts)
    answers: dict[str, np.ndarray] = {}
    multi_hot: Fit | None = None
    for number, (name, epochs) in enumerate(plan.items()):

        def report(share: float, number: int = number) -> None:
            progress.to(3 + (number + share) / len(plan))

        variant = PLAIN if name == TO_THE_END else name
        found = train_variants(settings, seed, texts, bags, [variant], epochs, report)
        answers[name] = found.answers[:, reviews.trained :, 0].mean(axis=0)
        multi_hot = found if name == chosen.variant else multi_hot
    phrases = train_phrases(settings, seed, texts, chosen.scaled(chosen.epochs), lambda share: progress.to(4 + share))
    answers[PHRASES] = phrases.fit.answers[:, reviews.trained :, 0].mean(axis=0)
    convolution = train_convolution(settings, seed, texts, lambda share: progress.to(5 + share))
    answers[CONVOLUTION] = convolution.answers[:, reviews.trained :, 0].mean(axis=0)
    assert multi_hot is not None
    return Final(answers, multi_hot, phrases, convolution)


def tested(names: Iterable[str], answers: Mapping[str, np.ndarray], target: np.ndarray) -> pd.DataFrame:
    """One row per variant: its accuracy on the test reviews, and its gain over the plain one, paired over the reviews,
    each with its standard error."""
    plain, rows = right(target, answers[PLAIN]), {}
    for name in names:
        own = right(target, answers[name])
        rows[name] = with_error("test_accuracy", own) | with_error("test_gain", own - plain)
    return pd.DataFrame.from_dict(rows, orient="index")


def summary(final: Final, chosen: Chosen, variants: pd.DataFrame, target: np.ndarray) -> dict[str, float]:
    """``metrics.json``: what the experiment found, then accuracies on the test reviews, whose labels are ``target``."""
    plain = variants.loc[PLAIN]
    stopped, overfitted = (right(target, final.answers[name]) for name in (PLAIN, TO_THE_END))
    return {
        **chosen.metrics,
        **measure(target, final.opinions(chosen.variant), chosen.shares),
        **with_error("plain_accuracy", stopped),
        **with_error("overfitted_accuracy", overfitted),
        **with_error("stopping_gain", stopped - overfitted),
        "overfit_epoch": plain["best_epoch"] + 1,
        "overfit_gap": plain["gap"],
        "overfit_rise": plain["rise"],
        **{f"{name}_share": share for name, share in zip(KINDS, chosen.shares, strict=True)},
    }


def model(settings: Imdb, final: Final, chosen: Chosen, reviews: Reviews) -> dict[str, np.ndarray]:
    """All that scoring a sentence needs, as plain arrays; the phrases' kernel in half precision, for size."""
    variant = network(final.multi_hot, settings.variants[chosen.variant].depth)
    trained = network(final.phrases.fit, settings.phrases.depth)
    trained["kernel_0"] = trained["kernel_0"].astype(np.float16)
    (convolution,) = final.convolution.weights
    return {
        **{f"multi_hot/{name}": array for name, array in variant.items()},
        **{f"phrases/{name}": array for name, array in trained.items()},
        **{f"convolution/{name}": array for name, array in convolution.items() if name != "members"},
        **{f"keys/{length}": keys for length, keys in enumerate(final.phrases.vocabulary.keys)},
        "activation": np.array(settings.phrases.activation),
        "base": np.array(final.phrases.vocabulary.base),
        "vocabulary": np.array(settings.vocabulary),
        "ratios": final.phrases.ratios,
        "shares": chosen.shares,
        "window": np.array(settings.convolution.window),
        "length": np.array(settings.convolution.length),
        "index": np.frombuffer("\n".join(reviews.words).encode(), np.uint8),
    }


def spoken(settings: Imdb, chosen: Chosen, metrics: Mapping[str, float], variants: pd.DataFrame, count: int) -> str:
    """What was found, for the terminal; ``count``: test reviews."""
    overfits = f"does not overfit in {counted(settings.epochs, 'epoch')}"
    if variants.loc[PLAIN, "diagnosis"] == "overfits":
        overfits = f"overfits from epoch {metrics['overfit_epoch']:.0f}"
    return (
        f"imdb: accuracy on {count} test reviews: {PLAIN} {metrics['plain_accuracy']:.4f} (not stopped "
        f"{metrics['overfitted_accuracy']:.4f}), {chosen.variant} {metrics['multi_hot_accuracy']:.4f}, phrases "
        f"{metrics['phrases_accuracy']:.4f}, convolution {metrics['convolution_accuracy']:.4f}, all "
        f"{metrics['ensemble_accuracy']:.4f} ± {metrics['ensemble_accuracy_se']:.4f}; {PLAIN} {overfits}"
    )


if __name__ == "__main__":
    raise SystemExit(main())
