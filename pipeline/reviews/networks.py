"""The networks of stage ``imdb`` and how each kind is trained: multi-hot variants, networks on phrases, convolutions
over the words in their order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from features.errors import UserError
from features.reviews.ngrams import Bags, Vocabulary, find, learn_vocabulary, log_count_ratios, multi_hot, take, weigh
from features.reviews.words import keras_numbers, last_words
from features.roles import SCORE, STOP, TRAIN
from pipeline.runtime import seed_for
from pipeline.settings import Imdb

if TYPE_CHECKING:
    from pipeline.nets.fit import Fit
    from pipeline.nets.members import Members
    from pipeline.nets.source import Source

# What is told how far a training is, from 0 to 1.
Report = Callable[[float], None]


@dataclass(frozen=True)
class Texts:
    """The reviews that a training sees, those it may learn from first: ``labels [t]`` and ``roles [t]`` of these."""

    starts: np.ndarray
    ranks: np.ndarray
    labels: np.ndarray
    roles: np.ndarray

    @property
    def held(self) -> np.ndarray:
        """Numbers of the reviews set aside."""
        return np.flatnonzero(self.roles == STOP)


@dataclass(frozen=True)
class Phrases:
    """Networks on phrases, and what they were given: ``bags``, weighted by ``ratios [vocabulary]``."""

    fit: Fit
    vocabulary: Vocabulary
    ratios: np.ndarray
    bags: Bags


def multi_hot_of(settings: Imdb, texts: Texts) -> Bags:
    """The reviews as multi-hot rows, in Keras's numbering."""
    return multi_hot(*keras_numbers(texts.starts, texts.ranks, settings.vocabulary), settings.vocabulary)


def train_variants(
    settings: Imdb, seed: int, texts: Texts, bags: Bags, variants: Sequence[str], epochs: int, report: Report
) -> Fit:
    """The multi-hot networks of these variants, variant by variant, as many of each as there are seeds."""
    from pipeline.nets.members import members_of

    common = {
        "initializer": "glorot_uniform",
        "activation": "relu",
        "learning_rate": settings.learning_rate,
        "batch_size": settings.batch_size,
    }
    copies = [(name, copy) for name in variants for copy in range(settings.seeds)]
    members = members_of(
        [{**common, **asdict(settings.variants[name])} for name, _ in copies],
        [0] * len(copies),
        [seed_for(seed, "imdb", *item) for item in copies],
    )
    values = np.ones(len(bags.ids), np.float32)
    return train(members, bag_source(bags, values, settings.vocabulary, texts), epochs, seed, report)


def train_phrases(settings: Imdb, seed: int, texts: Texts, epochs: int, report: Report) -> Phrases:
    """Networks on words and phrases; which there are and how they are weighted is learned from the train rows alone."""
    own = settings.phrases
    rows = np.flatnonzero(texts.roles == TRAIN)
    vocabulary = learn_vocabulary(*take(texts.starts, texts.ranks, rows), own.length, own.min_count)
    if not len(vocabulary):
        raise UserError(
            f"imdb: no word is in {own.min_count} or more of the {len(rows)} reviews learned from. Lower "
            "imdb.phrases.min_count in params.yaml."
        )
    bags = find(vocabulary, texts.starts, texts.ranks)
    ratios = log_count_ratios(bags.take(rows), texts.labels[rows] == 1, len(vocabulary), own.smoothing)
    values = weigh(bags, ratios)
    configuration = {
        "depth": own.depth,
        "width": own.width,
        "dropout": own.dropout,
        "l2": 0.0,
        "initializer": "glorot_uniform",
        "activation": own.activation,
        "learning_rate": own.learning_rate,
        "batch_size": own.batch_size,
    }
    source = bag_source(bags, values, len(vocabulary), texts)
    found = train_apart("phrases", configuration, own.seeds, source, epochs, seed, report)
    return Phrases(found, vocabulary, ratios, bags)


def train_convolution(settings: Imdb, seed: int, texts: Texts, report: Report) -> Fit:
    """Convolutional networks on the last words of each review. Their learning rate falls to 0 over all epochs, so no
    epoch is chosen: the reviews set aside are not watched."""
    from pipeline.nets.texts import Sequences

    own = settings.convolution
    configuration = {
        "depth": 0,
        "width": 1,
        "dropout": 0.0,
        "l2": 0.0,
        "initializer": "glorot_uniform",
        "activation": "relu",
        "learning_rate": own.learning_rate,
        "batch_size": own.batch_size,
        "schedule": "cosine",
        "epochs": own.epochs,
    }
    words = last_words(texts.starts, texts.ranks, own.vocabulary, own.length, own.window)
    target, roles = answers_and_roles(texts)
    roles = np.where(roles == STOP, SCORE, roles)
    source = Sequences(words, own.vocabulary, own.units, own.window, own.filters, own.skip, target, roles, outputs=1)
    return train_apart("convolution", configuration, own.seeds, source, own.epochs, seed, report)


def answers_and_roles(texts: Texts) -> tuple[np.ndarray, np.ndarray]:
    """As a source takes them: ``target [1, t]`` and ``roles [t, 1]``."""
    return texts.labels[None].astype(np.float32), texts.roles[:, None].astype(np.int8)


def bag_source(bags: Bags, values: np.ndarray, vocabulary: int, texts: Texts) -> Source:
    """Bags of words for the engine."""
    from pipeline.nets.texts import Bags as BagsOfWords

    return BagsOfWords(bags.starts, bags.ids, values, vocabulary, *answers_and_roles(texts), outputs=1)


def train_apart(
    kind: str, configuration: dict[str, Any], copies: int, source: Source, epochs: int, seed: int, report: Report
) -> Fit:
    """So many ``copies`` of a network of that ``kind``, one after another, each with a row order of its own.

    Members of one program share their batches. In a training as short as these, what the last batches do to the weights
    is most of what tells one network from another, and it would not average out.
    """
    from pipeline.nets.members import members_of

    seeds = [seed_for(seed, "imdb", kind, copy) for copy in range(copies)]
    members, found = members_of([configuration] * copies, [0] * copies, seeds), []
    for one in range(copies):

        def told(share: float, one: int = one) -> None:
            report((one + share) / copies)

        found.append(train(members.take(np.array([one])), source, epochs, seed, told, (one,)))
    weights = [each.weights[0] for each in found]
    arrays = (field.name for field in fields(found[0]) if field.name != "weights")
    return type(found[0])(
        **{name: np.concatenate([getattr(each, name) for each in found]) for name in arrays},
        weights=[{name: np.concatenate([each[name] for each in weights]) for name in weights[0]}],
    )


def train(members: Members, source: Source, epochs: int, seed: int, report: Report, order: tuple[int, ...] = ()) -> Fit:
    """The engine on reviews, for all epochs, their rows in an order of that number; answers are those of the best
    epoch, of the last where no reviews are set aside. Raises ``UserError`` where a network's loss became infinite in
    any epoch."""
    from pipeline.nets.fit import fit

    found = fit(members, source, "binary", epochs, epochs, report, seed=seed_for(seed, "imdb", "order", *order))
    watched = (source.roles == STOP).any()
    if not np.isfinite([found.train_loss, *([found.stop_loss] if watched else [])]).all():
        raise UserError("imdb: a network diverged. Lower a learning_rate under imdb in params.yaml.")
    return found


def network(found: Fit, depth: int) -> dict[str, np.ndarray]:
    """The weights of members alike in depth, which are one program, as ``pipeline.nets.bags`` takes them."""
    (program,) = found.weights
    return {f"{kind}_{layer}": program[f"{kind}_{layer}"] for layer in range(depth + 1) for kind in ("kernel", "bias")}
