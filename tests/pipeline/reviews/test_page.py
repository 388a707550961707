"""What the page of stage ``imdb`` says, and its picture shows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.params import load_block
from pipeline.reviews import page
from pipeline.reviews.experiment import KINDS, Chosen

ROOT = Path(__file__).resolve().parents[3]


def test_what_the_page_says_of_fitting_is_read_off_the_curves() -> None:
    variants = pd.DataFrame(
        {
            "diagnosis": ["overfits", "fits", "fits"],
            "validation_loss": [0.4, 0.3, 0.2796],
            "validation_loss_end": [0.65, 0.4, 0.3637],
            "rise": [0.25, 0.1, 0.0841],
        },
        index=["plain", "dropout", "smaller"],
    )
    falling = np.linspace(0.6, 0.1, 6)
    curves = pd.DataFrame({"plain_train": falling, "plain_validation": [0.6, 0.4, 0.45, 0.5, 0.6, 0.65]})
    told = page.fitting(curves, variants)
    assert told.startswith("`plain` overfits: validation loss rose from 0.400 in epoch 2 to 0.650 in epoch 6")
    assert "of 3 variants 1 overfits, 2 fit. From" in told
    assert told.endswith("rises by 0.250 with `plain`, less with `dropout` (0.100) and `smaller` (0.084).")
    other = page.fitting(curves, variants.assign(rise=[0.25, 0.25, 0.3]))
    assert other.endswith("with `plain`, as much with `dropout` (0.250), more with `smaller` (0.300).")
    assert page.fitting(curves, variants.iloc[:1]).endswith("rises by 0.250 with `plain`.")
    told = page.fitting(curves.assign(plain_validation=falling), variants)
    assert told.startswith("`plain` underfits: validation loss was still falling")


def test_what_a_variant_has_is_told_where_the_plain_one_is_not_plain() -> None:
    """Of it only depth and width were told, so that others seemed to lack nothing but what it has."""
    alike = {"depth": 2, "width": 16, "dropout": 0.0, "l1": 0.0, "l2": 0.0}
    kinds = {"plain": alike | {"dropout": 0.5, "l2": 0.001}, "wide": alike | {"width": 64}, "same": alike}
    variants = pd.DataFrame.from_dict(kinds, orient="index")
    told = [page.peculiarity(variants, name) for name in kinds]
    assert told == ["depth 2, width 16, dropout 0.5, l2 0.001", "width 64, dropout 0, l2 0", "dropout 0, l2 0"]
    assert page.peculiarity(variants.assign(dropout=0.0, l2=0.0), "plain") == "depth 2, width 16"
    assert page.peculiarity(variants.assign(dropout=0.0, l2=0.0), "same") == "the same"


def test_a_variant_is_better_or_worse_only_beyond_noise() -> None:
    gains = {"plain": (0.0, 0.0), "l1": (-0.003, 0.001), "dropout": (0.001, 0.001), "larger": (-0.004, 0.001)}
    variants = pd.DataFrame.from_dict(gains, orient="index", columns=["test_gain", "test_gain_se"])
    assert page.stopped(variants).endswith("beyond noise: none; less so: `l1` and `larger`.")
    assert page.stopped(variants.abs()).endswith("beyond noise: `l1` and `larger`; less so: none.")
    assert page.stopped(variants[:1]).endswith("beyond noise: none; less so: none.")


def test_the_picture_leaves_no_curve_out_and_names_every_line(monkeypatch: pytest.MonkeyPatch) -> None:
    _, settings = load_block(ROOT / "params.yaml", "imdb")
    names, drawn = list(settings.variants), []
    curves = pd.DataFrame({"epoch": [1, 2]})
    for name in names:
        curves[f"{name}_train"], curves[f"{name}_validation"] = [0.5, 0.1], [0.4, 9.0 if name == "larger" else 0.7]
    variants = pd.DataFrame({"best_epoch": 1, "test_accuracy": 0.8}, index=names)
    words = pd.DataFrame({"kind": "for", "phrase": [f"word {number}" for number in range(40)], "weight": 1.0})
    words = pd.concat([words, words.assign(kind="against", weight=-2.0)])
    monkeypatch.setattr(page, "png", lambda figure: drawn.append(figure) or b"")
    page.picture(settings, curves, variants, words)
    figure = drawn[0]
    assert all(axis.get_ylim()[1] > 9 for axis in figure.axes[: len(names)])
    (legend,) = figure.legends
    told = [text.get_text() for text in legend.get_texts()]
    assert told == ["train", "reviews set aside", "their best epoch", "plain, reviews set aside"]
    last = {name: variant for name, variant in settings.variants.items() if name != "plain"} | {"plain": {}}
    page.picture(replace(settings, variants=last), curves, variants, words)  # whatever variant comes last
    assert [text.get_text() for text in drawn[1].legends[0].get_texts()] == told
    for axis in figure.axes[-2:]:
        ticks = axis.get_yticklabels()
        assert len(ticks) == 12 and all(tick.get_fontsize() >= 8 for tick in ticks)


def test_the_page_names_words_without_phrases_as_such() -> None:
    _, settings = load_block(ROOT / "params.yaml", "imdb")
    kinds = [f"{kind}_{what}" for kind in (*KINDS, "ensemble") for what in ("accuracy", "log_loss")]
    names = [*kinds, *(f"{kind}_share" for kind in KINDS), "overfitted_accuracy", "plain_accuracy"]
    metrics = {f"{name}{end}": 0.5 for name in names for end in ("", "_se")}
    chosen = Chosen("plain", np.ones(3) / 3, 1, 0.6, {})
    for length, told in ((1, "words by themselves"), (3, "words and phrases of up to 3 words")):
        changed = replace(settings, phrases=replace(settings.phrases, length=length))
        rows = page.compared_networks(changed, chosen, metrics).split("\n")
        assert [row.split(" | ")[0] for row in rows].count(f"| {told}") == 1
    assert "| `plain`, the multi-hot variant chosen |" in page.compared_networks(settings, chosen, metrics)
    # The plain one may have the lowest loss of all and is not chosen.
    other = page.compared_networks(settings, replace(chosen, variant="l2"), metrics)
    assert "| `l2`, the multi-hot variant chosen of all but `plain` |" in other
