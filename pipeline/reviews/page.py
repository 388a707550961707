"""What stage ``imdb`` shows: its page and its picture, made from the tables that it writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from features.errors import enumerated
from features.scoring.diagnosis import diagnose
from pipeline.pages.markdown import BEYOND, counted, gain, is_noise, joined, table, told
from pipeline.pages.pictures import COLOURS, count_along, label, panels, png
from pipeline.reviews.experiment import Chosen
from pipeline.reviews.words import EXPLAINED
from pipeline.settings import PLAIN, Imdb

# Words and phrases of either kind that the page shows.
SHOWN = 10
# Those that the picture has room for.
DRAWN = 12


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
        count_along(axis)
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
    plain = settings.variants[PLAIN]
    text = joined(
        "# Film reviews",
        "*In the chapter: 과잉 적합의 예 (IMDB), 과잉 적합 방지 전략, 조기 종료, 가중치 규제, 드롭아웃.*",
        f"A *multi-hot* network is given {settings.vocabulary} numbers a review: 1 for each word that it has, 0 for "
        f"the others. `{PLAIN}`, the textbook's by default, has {counted(plain.depth, 'hidden layer')} of "
        f"{counted(plain.width, 'unit')} (ReLU) and one sigmoid output, and learns by binary cross-entropy; the second "
        "table says what the other variants have.",
        f"Accuracy on {tested} test reviews, which were scored once, ± standard error over reviews.",
        compared_networks(settings, chosen, metrics),
        f"Averaging gains {gain(metrics, 'ensemble_gain')} over the phrases alone, stopping `{PLAIN}` at its best "
        f"epoch {gain(metrics, 'stopping_gain')} over training it for {settings.epochs}. Gains are paired over the "
        f"reviews; one of no more than {BEYOND} standard errors is within noise. Variant, epochs and shares are chosen "
        f"by training reviews set aside ({100 * (1 - chosen.learned):.0f} % of {trained}). Then all training reviews "
        "are learned from, for as many steps (by the convolution for its whole schedule).",
        "## Over- and underfitting",
        fitting(curves, variants),
        stopped(variants),
        compared_variants(settings, variants),
        "![losses by epoch, and the words that decide most](overview.png)",
        "## Words and phrases that weigh most",
        "Effect: how much the log odds for a review fall where the phrase is taken out, mean over the reviews that "
        f"hold it (of {min(EXPLAINED, trained)}); sorted by effect times the root of reviews.",
        strongest_words(words),
        "Beside this page: `metrics.json`, `variants.csv` (one row per multi-hot variant), `learning_curves.csv` (one "
        "row per epoch), `words.csv` (more words and phrases). `python -m pipeline.imdb_text` scores a sentence of your"
        " own.",
    )
    return f"{text}\n"


def compared_networks(settings: Imdb, chosen: Chosen, metrics: Mapping[str, float]) -> str:
    """The table of what each kind of network reaches."""
    longest = settings.phrases.length
    others = "" if chosen.variant == PLAIN else f" of all but `{PLAIN}`"
    kinds = {
        "multi_hot": f"`{chosen.variant}`, the multi-hot variant chosen{others}",
        "phrases": "words by themselves" if longest == 1 else f"words and phrases of up to {longest} words",
        "convolution": "convolution over the words in their order",
    }
    rows = [
        (f"`{PLAIN}`, trained for all {settings.epochs} epochs", told(metrics, "overfitted_accuracy"), "", ""),
        (f"`{PLAIN}`, stopped", told(metrics, "plain_accuracy"), "", ""),
    ]
    for kind, name in kinds.items():
        loss, share = metrics[f"{kind}_log_loss"], metrics[f"{kind}_share"]
        rows.append((name, told(metrics, f"{kind}_accuracy"), f"{loss:.4f}", f"{share:.2f}"))
    all_three = told(metrics, "ensemble_accuracy"), f"{metrics['ensemble_log_loss']:.4f}"
    rows.append(("the last three, averaged", *all_three, ""))
    return table(("networks", "accuracy", "log loss", "share in the average"), rows)


def compared_variants(settings: Imdb, variants: pd.DataFrame) -> str:
    """The table of the multi-hot variants, each against the plain one."""
    head = (
        "variant",
        "what it has",
        "test accuracy",
        f"less that of `{PLAIN}`, paired",
        "stopped after epoch",
        "lowest loss, reviews set aside",
        f"after epoch {settings.epochs}",
        "diagnosis",
    )
    rows = [
        (
            f"`{name}`",
            peculiarity(variants, name),
            told(row, "test_accuracy"),
            "" if name == PLAIN else told(row, "test_gain", "+"),
            f"{row['best_epoch']:.0f}",
            f"{row['validation_loss']:.3f}",
            f"{row['validation_loss_end']:.3f}",
            row["diagnosis"],
        )
        for name, row in variants.to_dict("index").items()
    ]
    return table(head, rows)


def strongest_words(words: pd.DataFrame) -> str:
    """The table of words and phrases, those for beside those against."""
    sides = [
        [(row.phrase, f"{row.effect:.2f}", str(row.reviews)) for row in words[words["kind"] == kind].itertuples()]
        for kind in ("for", "against")
    ]
    rows = [(*one, *other) for one, other in zip(*sides, strict=True)]
    return table(("for", "effect", "reviews", "against", "effect", "reviews"), rows[:SHOWN])


def stopped(variants: pd.DataFrame) -> str:
    """Whether a variant is better than the plain network where both are stopped."""
    gains = variants["test_gain"].drop(PLAIN)
    beyond = gains[~is_noise(gains, variants["test_gain_se"].drop(PLAIN))]
    better, worse = (
        enumerated([f"`{name}`" for name in part.index]) if len(part) else "none"
        for part in (beyond[beyond > 0], beyond[beyond < 0])
    )
    return f"Each stopped after its best epoch, more accurate than `{PLAIN}` beyond noise: {better}; less so: {worse}."


def peculiarity(variants: pd.DataFrame, name: str) -> str:
    """What a variant has other than the plain network, which is told in full."""
    own = variants.loc[name, ["depth", "width", "dropout", "l1", "l2"]]
    if name == PLAIN:
        told = [key for key, value in own.items() if value or key in ("depth", "width")]
    else:
        told = [key for key, value in own.items() if value != variants.loc[PLAIN, key]]
    return ", ".join(f"{key} {own[key]:g}" for key in told) or "the same"


def fitting(curves: pd.DataFrame, variants: pd.DataFrame) -> str:
    """What the curves say: of the plain network with its figures, of all variants how many."""
    reading = diagnose(curves[f"{PLAIN}_train"].to_numpy(), curves[f"{PLAIN}_validation"].to_numpy())
    counts = [
        f"{count} {verdict if count == 1 else verdict.removesuffix('s')}"
        for verdict, count in variants["diagnosis"].value_counts(sort=False).items()
    ]
    rises, own = variants["rise"].drop(PLAIN), variants.loc[PLAIN, "rise"]
    sides = {"less": rises[rises < own], "as much": rises[rises == own], "more": rises[rises > own]}
    others = [
        f"{than} with {enumerated([f'`{name}` ({rise:.3f})' for name, rise in part.items()])}"
        for than, part in sides.items()
        if len(part)
    ]
    return (
        f"`{PLAIN}` {reading.verdict}: {reading.reason}; of {len(variants)} variants {', '.join(counts)}. From its "
        f"lowest value to the end the loss of the reviews set aside rises by {own:.3f} with `{PLAIN}`"
        f"{', ' if others else ''}{', '.join(others)}."
    )
