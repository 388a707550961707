"""Stage ``imdb``: film reviews for or against. The textbook's multi-hot networks, networks on phrases, convolutional
networks on the words in their order, and the average of the three.

Twice the same networks learn. In the *experiment* a large part of the training reviews is set aside: it shows where
each network overfits, and everything that is to be chosen is chosen by it. In the *final* training all training
reviews are learned from, each network for as many steps as served best before; these answer for the test reviews.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from features.diagnosis import diagnose
from features.errors import UserError
from features.metrics import row_log_loss
from features.ngrams import Bags, Vocabulary, find, learn_vocabulary, log_count_ratios, multi_hot, take, weigh
from features.reviews import keras_numbers, last_words
from features.roles import SCORE, STOP, TRAIN
from features.sentiment import average, best_shares, overfit_epoch, set_aside
from pipeline import stage
from pipeline.files import write_bytes, write_csv, write_json, write_npz
from pipeline.nets.bags import effects
from pipeline.params import Imdb, load_block, load_source
from pipeline.pictures import COLOURS, label, panels, png
from pipeline.progress import Progress
from pipeline.reviews import Reviews, read_reviews
from pipeline.runtime import device_name, seed_for, start_tensorflow

if TYPE_CHECKING:
    from pipeline.nets.fit import Fit
    from pipeline.nets.members import Members
    from pipeline.nets.source import Source

# The variant that the others are held against, and the same trained past its best epoch.
PLAIN, TO_THE_END = "plain", "plain to the end"
PHRASES, CONVOLUTION = "phrases", "convolution"
# Whose opinions are averaged, by the names of their measures: the chosen multi-hot variant comes first.
KINDS = ("regularized", "ngram", "convolution")
# Words and phrases of either kind that the page shows.
SHOWN = 10
# Those that the picture has room for.
DRAWN = 12
# Training reviews whose words are weighed for the table of words.
EXPLAINED = 5000
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


@dataclass(frozen=True)
class Final:
    """``answers``: probabilities for the test reviews by variant, ``words``: the chosen variant's networks,
    ``phrases``: those on phrases, ``convolution``: those on words in their order."""

    answers: dict[str, np.ndarray]
    words: Fit
    phrases: Phrases
    convolution: Fit

    def opinions(self, variant: str) -> np.ndarray:
        """Of all ``KINDS``, ``[3, n]``."""
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
    if PLAIN not in settings.variants:
        raise UserError(f"{arguments.params}: imdb.variants has no {PLAIN!r}; the others are compared with it.")
    taken = sorted({TO_THE_END, PHRASES, CONVOLUTION} & settings.variants.keys())
    if taken:
        raise UserError(
            f"{arguments.params}: imdb.variants has {taken[0]!r}, which the stage calls networks of its own. Rename it."
        )
    reviews = read_reviews(arguments.input, load_source(arguments.params, "imdb").files)
    tensorflow = start_tensorflow()
    print(
        f"imdb: {reviews.trained} reviews to learn from, {len(reviews.labels) - reviews.trained} to test, "
        f"on {device_name(tensorflow)}"
    )
    with Progress(6, "trainings", "imdb") as progress:
        chosen, curves, variants = experiment(settings, seed, reviews, progress)
        final = train_finally(settings, seed, reviews, chosen, variants, progress)
    target = reviews.labels[reviews.trained :]
    variants["test_accuracy"] = [accuracy(target, final.answers[name]) for name in variants.index]
    plain = variants.loc[PLAIN]
    metrics = {
        **chosen.metrics,
        **measure(target, final.opinions(chosen.variant), chosen.shares),
        **with_error("multi_hot_accuracy", plain["test_accuracy"], len(target)),
        **with_error("overfitted_accuracy", accuracy(target, final.answers[TO_THE_END]), len(target)),
        "overfit_epoch": plain["best_epoch"] + 1,
        "overfit_gap": plain["gap"],
        "overfit_rise": plain["rise"],
        **{f"{name}_share": share for name, share in zip(KINDS, chosen.shares, strict=True)},
    }
    words = weights_of_words(settings, final.phrases, reviews)
    write_npz(arguments.output / "model.npz", model(settings, final, chosen, reviews))
    write_csv(arguments.report / "learning_curves.csv", curves)
    write_csv(arguments.report / "variants.csv", variants.round(6).reset_index())
    write_csv(arguments.report / "words.csv", words)
    write_bytes(arguments.report / "overview.png", picture(settings, curves, variants, words))
    sizes = (reviews.trained, len(target))
    write_bytes(
        arguments.report / "README.md", page(settings, chosen, metrics, curves, variants, words, sizes).encode()
    )
    write_json(arguments.report / "metrics.json", {name: round(float(value), 6) for name, value in metrics.items()})
    overfits = f"overfits from epoch {metrics['overfit_epoch']:.0f}"
    if plain["best_epoch"] == settings.epochs:
        overfits = f"does not overfit in {settings.epochs} epochs"
    print(
        f"imdb: accuracy on {len(target)} test reviews: {PLAIN} {metrics['multi_hot_accuracy']:.4f} (overfitted "
        f"{metrics['overfitted_accuracy']:.4f}), {chosen.variant} {metrics['regularized_accuracy']:.4f}, phrases "
        f"{metrics['ngram_accuracy']:.4f}, convolution {metrics['convolution_accuracy']:.4f}, all "
        f"{metrics['ensemble_accuracy']:.4f} ± {metrics['ensemble_accuracy_se']:.4f}; {PLAIN} {overfits}"
    )


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
    words: Fit | None = None
    for number, (name, epochs) in enumerate(plan.items()):

        def report(share: float, number: int = number) -> None:
            progress.to(3 + (number + share) / len(plan))

        variant = PLAIN if name == TO_THE_END else name
        found = train_variants(settings, seed, texts, bags, [variant], epochs, report)
        answers[name] = found.answers[:, reviews.trained :, 0].mean(axis=0)
        words = found if name == chosen.variant else words
    phrases = train_phrases(settings, seed, texts, chosen.scaled(chosen.epochs), lambda share: progress.to(4 + share))
    answers[PHRASES] = phrases.fit.answers[:, reviews.trained :, 0].mean(axis=0)
    convolution = train_convolution(settings, seed, texts, lambda share: progress.to(5 + share))
    answers[CONVOLUTION] = convolution.answers[:, reviews.trained :, 0].mean(axis=0)
    assert words is not None
    return Final(answers, words, phrases, convolution)


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
    from pipeline.nets.members import members_of

    own = settings.phrases
    rows = np.flatnonzero(texts.roles == TRAIN)
    vocabulary = learn_vocabulary(*take(texts.starts, texts.ranks, rows), own.length, own.min_count)
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
    seeds = [seed_for(seed, "imdb", "phrases", copy) for copy in range(own.seeds)]
    members = members_of([configuration] * own.seeds, [0] * own.seeds, seeds)
    found = train_apart(members, bag_source(bags, values, len(vocabulary), texts), epochs, seed, report)
    return Phrases(found, vocabulary, ratios, bags)


def train_convolution(settings: Imdb, seed: int, texts: Texts, report: Report) -> Fit:
    """Convolutional networks on the last words of each review. Their learning rate falls to 0 over all epochs, so no
    epoch is chosen: the reviews set aside are not watched."""
    from pipeline.nets.members import members_of
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
    seeds = [seed_for(seed, "imdb", "convolution", copy) for copy in range(own.seeds)]
    words = last_words(texts.starts, texts.ranks, own.vocabulary, own.length, own.window)
    target, roles = answers_and_roles(texts)
    roles = np.where(roles == STOP, SCORE, roles)
    source = Sequences(words, own.vocabulary, own.units, own.window, own.filters, own.skip, target, roles, outputs=1)
    return train_apart(
        members_of([configuration] * own.seeds, [0] * own.seeds, seeds), source, own.epochs, seed, report
    )


def answers_and_roles(texts: Texts) -> tuple[np.ndarray, np.ndarray]:
    """As a source takes them: ``target [1, t]`` and ``roles [t, 1]``."""
    return texts.labels[None].astype(np.float32), texts.roles[:, None].astype(np.int8)


def bag_source(bags: Bags, values: np.ndarray, vocabulary: int, texts: Texts) -> Source:
    """Bags of words for the engine."""
    from pipeline.nets.texts import Bags as BagsOfWords

    return BagsOfWords(bags.starts, bags.ids, values, vocabulary, *answers_and_roles(texts), outputs=1)


def train_apart(members: Members, source: Source, epochs: int, seed: int, report: Report) -> Fit:
    """Members alike, one after another, each with a row order of its own.

    Members of one program share their batches. In a training as short as these, what the last batches do to the weights
    is most of what tells one network from another, and it would not average out.
    """
    found = []
    for one in range(len(members)):

        def told(share: float, one: int = one) -> None:
            report((one + share) / len(members))

        found.append(train(members.take(np.array([one])), source, epochs, seed, told, (one,)))
    weights = [each.weights[0] for each in found]
    arrays = (field.name for field in fields(found[0]) if field.name != "weights")
    return type(found[0])(
        **{name: np.concatenate([getattr(each, name) for each in found]) for name in arrays},
        weights=[{name: np.concatenate([each[name] for each in weights]) for name in weights[0]}],
    )


def train(members: Members, source: Source, epochs: int, seed: int, report: Report, order: tuple[int, ...] = ()) -> Fit:
    """The engine on reviews, for all epochs, their rows in an order of that number; answers are those of the best
    epoch, of the last where no reviews are set aside. Raises ``UserError`` where a network's loss became infinite."""
    from pipeline.nets.fit import fit

    found = fit(members, source, "binary", epochs, epochs, report, seed=seed_for(seed, "imdb", "order", *order))
    if (found.best_epoch == 0).any():
        raise UserError("imdb: a network diverged. Lower a learning_rate under imdb in params.yaml.")
    return found


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
                "validation_accuracy": accuracy(texts.labels[texts.held], answers),
            }
        )
    frame = pd.DataFrame(rows).set_index("variant")
    others = frame["validation_loss"].drop(PLAIN) if len(frame) > 1 else frame["validation_loss"]
    frame["chosen"] = frame.index == others.idxmin()
    return frame


def accuracy(target: np.ndarray, answer: np.ndarray) -> float:
    """Share of rows whose class the probability ``answer [n]`` favours."""
    return float(((answer > 0.5) == target).mean())


def measure(target: np.ndarray, opinions: np.ndarray, shares: np.ndarray) -> dict[str, float]:
    """Accuracy with standard errors, and log loss, of probabilities ``[3, n]`` by ``KINDS``, and of their average; its
    gain over the phrase networks, the best of the three, paired over the reviews."""
    ensemble = average(shares, opinions)
    found: dict[str, float] = {}
    for name, answer in (*zip(KINDS, opinions, strict=True), ("ensemble", ensemble)):
        found |= with_error(f"{name}_accuracy", accuracy(target, answer), len(target))
        found[f"{name}_log_loss"] = float(row_log_loss(target, answer[:, None]).mean())
    gain = ((ensemble > 0.5) == target).astype(float) - ((opinions[KINDS.index("ngram")] > 0.5) == target)
    return found | {"ensemble_gain": float(gain.mean()), "ensemble_gain_se": float(gain.std() / np.sqrt(len(target)))}


def with_error(name: str, share: float, count: int) -> dict[str, float]:
    """A share of ``count`` rows under ``name``, and its standard error."""
    return {name: share, f"{name}_se": float(np.sqrt(share * (1 - share) / count))}


def learning_curves(settings: Imdb, tried: Fit) -> pd.DataFrame:
    """One row per epoch of the experiment: each variant's loss on train rows (while training, so under dropout) and on
    the reviews set aside, mean over its networks."""
    curves: dict[str, np.ndarray] = {"epoch": np.arange(1, tried.train_loss.shape[1] + 1)}
    for name in settings.variants:
        part = copies_of(settings, name)
        curves[f"{name}_train"] = tried.train_loss[part].mean(axis=0, dtype=np.float64).round(6)
        curves[f"{name}_validation"] = tried.stop_loss[part].mean(axis=0, dtype=np.float64).round(6)
    return pd.DataFrame(curves)


def weights_of_words(settings: Imdb, phrases: Phrases, reviews: Reviews) -> pd.DataFrame:
    """The words and phrases that decide most, for and against: ``settings.words`` rows of each kind.

    ``effect``: how much the log odds for a training review fall where the phrase is taken out, mean over the
    ``reviews`` that hold it (of ``EXPLAINED``, evenly spaced); ``weight``: effect times the root of reviews, by which
    the rows are sorted, since the effect alone lists rare phrases and the sum over reviews common ones; ``ratio``: the
    naive-Bayes log-count ratio.
    """
    rows = np.unique(np.linspace(0, reviews.trained - 1, min(EXPLAINED, reviews.trained)).astype(int))
    bags = phrases.bags.take(rows)
    values = weigh(bags, phrases.ratios)
    effect = effects(
        network(phrases.fit, settings.phrases.depth), settings.phrases.activation, bags.starts, bags.ids, values
    )
    total = np.bincount(bags.ids, weights=effect, minlength=len(phrases.vocabulary))
    count = np.bincount(bags.ids, minlength=len(phrases.vocabulary))
    weight = total / np.sqrt(np.maximum(count, 1))
    order = np.argsort(weight, kind="stable")
    most = min(settings.words, len(order) // 2)
    frames = []
    for kind, chosen in (("for", order[::-1][:most]), ("against", order[:most])):
        named = [" ".join(reviews.words[rank - 1] for rank in phrases.vocabulary.words(int(one))) for one in chosen]
        frames.append(
            pd.DataFrame(
                {
                    "kind": kind,
                    "phrase": named,
                    "effect": (total[chosen] / np.maximum(count[chosen], 1)).round(4),
                    "reviews": count[chosen],
                    "weight": weight[chosen].round(3),
                    "ratio": phrases.ratios[chosen].astype(float).round(4),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def network(found: Fit, depth: int) -> dict[str, np.ndarray]:
    """The weights of members alike in depth, which are one program, as ``features.sentiment`` takes them."""
    (program,) = found.weights
    return {f"{kind}_{layer}": program[f"{kind}_{layer}"] for layer in range(depth + 1) for kind in ("kernel", "bias")}


def model(settings: Imdb, final: Final, chosen: Chosen, reviews: Reviews) -> dict[str, np.ndarray]:
    """All that scoring a sentence needs, as plain arrays; the phrases' kernel in half precision, for size."""
    variant = network(final.words, settings.variants[chosen.variant].depth)
    trained = network(final.phrases.fit, settings.phrases.depth)
    trained["kernel_0"] = trained["kernel_0"].astype(np.float16)
    (convolution,) = final.convolution.weights
    return {
        **{f"words/{name}": array for name, array in variant.items()},
        **{f"phrases/{name}": array for name, array in trained.items()},
        **{f"convolution/{name}": array for name, array in convolution.items() if name != "members"},
        **{f"keys/{length}": keys for length, keys in enumerate(final.phrases.vocabulary.keys)},
        "activation": np.array(settings.phrases.activation),
        "base": np.array(final.phrases.vocabulary.base),
        "multi_hot": np.array(settings.vocabulary),
        "ratios": final.phrases.ratios,
        "shares": chosen.shares,
        "window": np.array(settings.convolution.window),
        "length": np.array(settings.convolution.length),
        "index": np.frombuffer("\n".join(reviews.words).encode(), np.uint8),
    }


def picture(settings: Imdb, curves: pd.DataFrame, variants: pd.DataFrame, words: pd.DataFrame) -> bytes:
    """Each variant's losses side by side to one scale, the plain one behind the others, and the words that decide
    most."""
    names = list(settings.variants)
    figure, axes = panels(len(names) + 2, width=3.1, height=2.8)
    plain, highest = f"{PLAIN}_validation", 1.05 * curves.drop(columns="epoch").max().max()
    named: dict[str, Any] = {}
    for axis, name in zip(axes, names, strict=False):
        best = axis.axvline(variants.loc[name, "best_epoch"], color=COLOURS[1], lw=1, ls=":")
        lines = {
            "train": axis.plot(curves["epoch"], curves[f"{name}_train"], color=COLOURS[0])[0],
            "reviews set aside": axis.plot(curves["epoch"], curves[f"{name}_validation"], color=COLOURS[1])[0],
            "their best epoch": best,
        }
        if name != PLAIN:
            (behind,) = axis.plot(curves["epoch"], curves[plain], color=COLOURS[-1], lw=1, zorder=1)
            lines[f"{PLAIN}, reviews set aside"] = behind
        named |= lines
        axis.set_ylim(0, highest)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        label(axis, f"{name}: test accuracy {variants.loc[name, 'test_accuracy']:.4f}", "epoch", "log loss")
    figure.legend(named.values(), named.keys(), loc="outside upper center", ncols=len(named), fontsize=9, frameon=False)
    for axis, kind, colour in zip(axes[-2:], ("for", "against"), (COLOURS[2], COLOURS[3]), strict=True):
        shown = words[words["kind"] == kind].head(DRAWN)[::-1]
        axis.barh(shown["phrase"], shown["weight"].abs(), color=colour)
        label(axis, f"Words and phrases {kind}", "effect x root of reviews", "")
    return png(figure)


def page(
    settings: Imdb,
    chosen: Chosen,
    metrics: Mapping[str, float],
    curves: pd.DataFrame,
    variants: pd.DataFrame,
    words: pd.DataFrame,
    sizes: tuple[int, int],
) -> str:
    """The results as a page to read; ``sizes``: reviews to learn from, and to test."""
    trained, tested = sizes

    def measured(name: str) -> str:
        return f"{metrics[name]:.4f} ± {metrics[f'{name}_se']:.4f}"

    kinds = {
        f"`{chosen.variant}`, the multi-hot variant chosen": "regularized",
        f"words and phrases of up to {settings.phrases.length} words": "ngram",
        "convolution over the words in their order": "convolution",
    }
    rows = [
        (f"`{PLAIN}`, trained for all {settings.epochs} epochs", measured("overfitted_accuracy"), "", ""),
        (f"`{PLAIN}`, stopped", measured("multi_hot_accuracy"), "", ""),
        *[
            (
                says,
                measured(f"{kind}_accuracy"),
                f"{metrics[f'{kind}_log_loss']:.4f}",
                f"{metrics[f'{kind}_share']:.2f}",
            )
            for says, kind in kinds.items()
        ],
        ("the last three, averaged", measured("ensemble_accuracy"), f"{metrics['ensemble_log_loss']:.4f}", ""),
    ]
    tried = [
        (
            f"`{name}`",
            peculiarity(variants, name),
            "{:.4f} ± {:.4f}".format(*with_error("accuracy", row["test_accuracy"], tested).values()),
            f"{row['best_epoch']:.0f}",
            f"{row['validation_loss']:.3f}",
            f"{row['validation_loss_end']:.3f}",
            row["diagnosis"],
        )
        for name, row in variants.iterrows()
    ]
    sides = [words[words["kind"] == kind].head(SHOWN) for kind in ("for", "against")]
    said = zip(*(zip(side["phrase"], side["effect"], side["reviews"], strict=True) for side in sides), strict=True)
    lines = [
        "# Film reviews",
        "",
        f"Accuracy on {tested} test reviews, which were scored once, ± standard error over reviews.",
        "",
        "| networks | accuracy | log loss | share in the average |",
        "|---|---|---|---|",
        *[f"| {' | '.join(row)} |" for row in rows],
        "",
        f"Averaging gains {measured('ensemble_gain')} over the phrases alone (paired over the reviews). Variant, "
        f"epochs and shares are chosen by training reviews set aside ({100 * (1 - chosen.learned):.0f} % of {trained})."
        " Then all training reviews are learned from, for as many steps (by the convolution for its whole schedule).",
        "",
        "## Over- and underfitting",
        "",
        fitting(curves, variants),
        "",
        "| variant | what it has | test accuracy | stopped after epoch | lowest loss, reviews set aside | "
        f"after epoch {settings.epochs} | diagnosis |",
        "|---|---|---|---|---|---|---|",
        *[f"| {' | '.join(row)} |" for row in tried],
        "",
        "![losses by epoch, and the words that decide most](overview.png)",
        "",
        "## Words and phrases that weigh most",
        "",
        "Effect: how much the log odds for a review fall where the phrase is taken out, mean over the reviews that "
        f"hold it (of {min(EXPLAINED, trained)}); sorted by effect times the root of reviews.",
        "",
        "| for | effect | reviews | against | effect | reviews |",
        "|---|---|---|---|---|---|",
        *[f"| {' | '.join(f'{phrase} | {effect:.2f} | {count}' for phrase, effect, count in pair)} |" for pair in said],
        "",
        "Beside this page: `metrics.json`, `variants.csv` (one row per multi-hot variant), `learning_curves.csv` (one "
        "row per epoch), `words.csv` (more words and phrases). `python -m pipeline.imdb_text` scores a sentence of your"
        " own.",
        "",
    ]
    return "\n".join(lines)


def peculiarity(variants: pd.DataFrame, name: str) -> str:
    """What a variant has other than the plain network, which is told in full."""
    own = variants.loc[name, ["depth", "width", "dropout", "l1", "l2"]]
    if name == PLAIN:
        return f"depth {own['depth']:g}, width {own['width']:g}"
    plain = variants.loc[PLAIN]
    return ", ".join(f"{key} {value:g}" for key, value in own.items() if value != plain[key])


def fitting(curves: pd.DataFrame, variants: pd.DataFrame) -> str:
    """What the curves say: of the plain network with its figures, of all variants how many."""
    reading = diagnose(curves[f"{PLAIN}_train"].to_numpy(), curves[f"{PLAIN}_validation"].to_numpy())
    counts = [
        f"{count} {verdict if count == 1 else verdict.removesuffix('s')}"
        for verdict, count in variants["diagnosis"].value_counts(sort=False).items()
    ]
    ends = [
        f"with `{name}` (from {variants.loc[name, 'validation_loss']:.3f} to "
        f"{variants.loc[name, 'validation_loss_end']:.3f})"
        for name in (variants["rise"].idxmin(), variants["rise"].idxmax())
    ]
    return (
        f"`{PLAIN}` {reading.verdict}: {reading.reason}; of {len(variants)} variants {', '.join(counts)}, and from its "
        f"lowest the loss rises least {' and most '.join(ends)}."
    )


if __name__ == "__main__":
    raise SystemExit(main())
