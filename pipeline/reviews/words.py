"""The words and phrases that decide most in stage ``imdb``, read off the networks on phrases."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.reviews.ngrams import weigh
from pipeline.nets.bags import effects
from pipeline.reviews.files import Reviews
from pipeline.reviews.networks import Phrases, network
from pipeline.settings import Imdb

# Training reviews whose words are weighed.
EXPLAINED = 5000


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
