"""Score a sentence of your own with the networks of stage ``imdb``: ``python -m pipeline.imdb_text "What a film!"``."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from features.errors import UserError
from features.reviews.ngrams import Vocabulary, find, multi_hot, weigh
from features.reviews.sentiment import average
from features.reviews.words import keras_numbers, last_words, ranks, split_words
from pipeline import stage
from pipeline.files import read_npz
from pipeline.nets import sequences
from pipeline.nets.bags import effects, logits
from pipeline.nets.forward import sigmoid


@dataclass(frozen=True)
class Opinion:
    """What the networks say of a text: the probability that it is for the film, and that of each kind of network;
    effects on the log odds by phrase, strongest first, and the words that those on phrases do not know."""

    probability: float
    multi_hot: float
    phrases: float
    convolution: float
    effects: list[tuple[str, float]]
    unknown: list[str]


def main(argv: Sequence[str] | None = None) -> int:
    """Score a text; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.imdb_text", description=__doc__)
    parser.add_argument("text", help="a review, or a sentence of one, in English")
    parser.add_argument("--model", type=Path, default=Path("data/imdb/model.npz"), help="made by `dvc repro imdb`")
    parser.add_argument("--top", type=int, default=5, help="how many words and phrases to name of each kind")
    return stage.run(parser, score, argv)


def score(arguments: argparse.Namespace) -> None:
    """Read the model, print what it says."""
    words = split_words(arguments.text)
    if not words:
        raise UserError(f"the text {arguments.text!r} has no words. Type a sentence of a review in quotation marks.")
    if arguments.top < 1:
        raise UserError(f"--top is {arguments.top}; expected 1 or more words and phrases of each kind.")
    found = judge(words, read_model(arguments.model))
    verdict = "for" if found.probability > 0.5 else "against"
    print(
        f"{verdict} the film: probability of a good review {found.probability:.3f} (phrases {found.phrases:.3f}, "
        f"convolution {found.convolution:.3f}, multi-hot {found.multi_hot:.3f})"
    )
    for kind, chosen in (
        ("for", [each for each in found.effects if each[1] > 0]),
        ("against", [each for each in found.effects if each[1] < 0]),
    ):
        listed = ", ".join(f"{phrase} {effect:+.2f}" for phrase, effect in chosen[: arguments.top])
        print(f"  {kind + ':':9}{listed or 'nothing'}")
    if found.unknown:
        print(
            f"  unknown: {', '.join(found.unknown)} (in too few reviews learned from: networks on phrases pass "
            "over them, the others take them for rare words)"
        )


def read_model(path: Path) -> dict[str, np.ndarray]:
    """The model's arrays; raises ``UserError`` where the file is missing or another."""
    arrays = read_npz(path)
    missing = sorted({"activation", "base", "index", "keys/0", "ratios", "shares", "vocabulary"} - arrays.keys())
    if missing:
        raise UserError(f"{path}: no model of stage imdb (it has no {', '.join(missing)}). Run `dvc repro imdb`.")
    return arrays


def judge(words: Sequence[str], model: Mapping[str, np.ndarray]) -> Opinion:
    """The opinion on a text's ``words``, split as ``split_words`` does."""
    names = model["index"].tobytes().decode().split("\n")
    numbers = ranks(words, {name: rank for rank, name in enumerate(names, start=1)})
    starts = np.array([0, len(words)])
    keys = [name for name in sorted(model) if name.startswith("keys/")]
    vocabulary = Vocabulary(tuple(model[name] for name in keys), int(model["base"]))
    found = find(vocabulary, starts, numbers)
    bag = found.starts, found.ids, weigh(found, model["ratios"])
    network, activation = part(model, "phrases/"), str(model["activation"])
    effect = effects(network, activation, *bag)
    phrases = [" ".join(names[rank - 1] for rank in vocabulary.words(int(one))) for one in found.ids]
    told = (
        multi_hot_logits(starts, numbers, model),
        logits(network, activation, *bag),
        in_order_logits(starts, numbers, model),
    )
    opinions = np.array([sigmoid(each).mean() for each in told], np.float64)
    known = {int(one) for one in vocabulary.keys[0]}
    unknown = [word for word, number in zip(words, numbers, strict=True) if int(number) not in known]
    return Opinion(
        probability=float(average(model["shares"], opinions)),
        multi_hot=float(opinions[0]),
        phrases=float(opinions[1]),
        convolution=float(opinions[2]),
        effects=[(phrases[one], float(effect[one])) for one in np.argsort(-np.abs(effect), kind="stable")],
        unknown=list(dict.fromkeys(unknown)),
    )


def multi_hot_logits(starts: np.ndarray, numbers: np.ndarray, model: Mapping[str, np.ndarray]) -> np.ndarray:
    """What the multi-hot networks say of texts, ``[m, n]``."""
    size = int(model["vocabulary"])
    bags = multi_hot(*keras_numbers(starts, numbers, size), size)
    return logits(part(model, "multi_hot/"), "relu", bags.starts, bags.ids, np.ones(len(bags.ids), np.float32))


def in_order_logits(starts: np.ndarray, numbers: np.ndarray, model: Mapping[str, np.ndarray]) -> np.ndarray:
    """What the convolutional networks say of texts, ``[m, n]``."""
    network, window = part(model, "convolution/"), int(model["window"])
    vocabulary = network["embedding"].shape[1] + 1
    return sequences.logits(network, last_words(starts, numbers, vocabulary, int(model["length"]), window), window)


def part(model: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    """The arrays under a prefix, without it."""
    return {name.removeprefix(prefix): array for name, array in model.items() if name.startswith(prefix)}


if __name__ == "__main__":
    raise SystemExit(main())
