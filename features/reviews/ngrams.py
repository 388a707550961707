"""Reviews as bags of words and phrases: multi-hot rows, n-grams rebuilt from word sequences, naive-Bayes weights.

A set of ``n`` texts is two arrays: ``words [w] int32``, the word numbers of all texts one after another (1 or more; 0
is a word that nobody knows and that no phrase runs across), and ``starts [n + 1] int64``, where each text begins. Bags
come in the same compressed form, so the dense ``[n, vocabulary]`` matrix never exists.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

UNKNOWN = 0


@dataclass(frozen=True)
class Bags:
    """What each text holds: text ``r`` holds ``ids[starts[r]:starts[r + 1]]``, rising, each once.

    ``starts [n + 1] int64``, ``ids [z] int32``.
    """

    starts: np.ndarray
    ids: np.ndarray

    def __len__(self) -> int:
        return len(self.starts) - 1

    def take(self, rows: np.ndarray) -> Bags:
        """The texts ``rows``, in that order."""
        return Bags(*take(self.starts, self.ids, rows))

    @cached_property
    def row(self) -> np.ndarray:
        """The text of each entry, ``[z] int64``."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))


@dataclass(frozen=True)
class Vocabulary:
    """Phrases of 1, 2, ... words, numbered through: first all single words, then all pairs, and so on.

    ``keys``: for each length the sorted keys ``[v_l] int64``. A word's key is its number; a longer phrase's is the
    position of the phrase without its last word among the phrases of that length, times ``base``, plus the last word.
    """

    keys: tuple[np.ndarray, ...]
    base: int

    def __len__(self) -> int:
        return sum(map(len, self.keys))

    def words(self, phrase: int) -> list[int]:
        """The word numbers of a phrase."""
        length = 0
        while phrase >= len(self.keys[length]):
            phrase -= len(self.keys[length])
            length += 1
        found = []
        for keys in self.keys[length:0:-1]:
            phrase, last = divmod(int(keys[phrase]), self.base)
            found.append(last)
        return [int(self.keys[0][phrase]), *reversed(found)]


def take(starts: np.ndarray, ids: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The texts ``rows``, in that order: their ``starts`` and words (or whatever ``ids`` holds for each word)."""
    length = np.diff(starts)[rows]
    begin = np.concatenate([[0], np.cumsum(length)])
    place = np.repeat(starts[:-1][rows] - begin[:-1], length) + np.arange(begin[-1])
    return begin, ids[place]


def multi_hot(starts: np.ndarray, words: np.ndarray, vocabulary: int) -> Bags:
    """The words of each text below ``vocabulary``, each once."""
    return _bags(
        _text_of(starts), np.where(words < vocabulary, words, -1).astype(np.int64), len(starts) - 1, vocabulary
    )


def learn_vocabulary(starts: np.ndarray, words: np.ndarray, length: int, min_count: int) -> Vocabulary:
    """The phrases of up to ``length`` words that ``min_count`` texts or more hold.

    A phrase is in no more texts than its own beginning, so only phrases whose beginning was kept are looked at.
    """
    text, base = _text_of(starts), int(words.max(initial=0)) + 1
    keys: list[np.ndarray] = []
    shorter = None
    for _ in range(length):
        key = _keys(text, words, shorter, base)
        code, values = pd.factorize(key)  # a hash table: sorting all keys takes three times as long
        bags = _bags(text, np.where(key < 0, -1, code), len(starts) - 1, len(values))
        kept = np.flatnonzero(np.bincount(bags.ids, minlength=len(values)) >= min_count)
        kept = kept[np.argsort(values[kept])]
        keys.append(values[kept])
        number = np.full(len(values), -1, np.int64)
        number[kept] = np.arange(len(kept))
        shorter = number[code] if len(code) else code
    return Vocabulary(tuple(keys), base)


def find(vocabulary: Vocabulary, starts: np.ndarray, words: np.ndarray) -> Bags:
    """The phrases of ``vocabulary`` in each text; words and phrases that it has not are passed over."""
    text, shorter, first = _text_of(starts), None, 0
    texts, phrases = [], []
    for keys in vocabulary.keys:
        shorter = pd.Index(keys).get_indexer(_keys(text, words, shorter, vocabulary.base))
        bags = _bags(text, shorter, len(starts) - 1, len(keys))
        texts.append(bags.row)
        phrases.append(bags.ids + np.int32(first))
        first += len(keys)
    row = np.concatenate(texts)
    order = np.argsort(row, kind="stable")  # lengths one after another within a text
    return Bags(_starts(row, len(starts) - 1), np.concatenate(phrases)[order])


def log_count_ratios(bags: Bags, positive: np.ndarray, vocabulary: int, smoothing: float) -> np.ndarray:
    """How much more often each phrase is met in texts of the one class than of the other, ``[vocabulary] float32``.

    ``log((p / sum p) / (q / sum q))`` with ``p`` and ``q`` the number of ``positive [n] bool`` and of other texts that
    hold the phrase, plus ``smoothing`` (Wang and Manning, "Baselines and Bigrams", 2012).
    """
    good = positive[bags.row]
    p = smoothing + np.bincount(bags.ids[good], minlength=vocabulary)
    q = smoothing + np.bincount(bags.ids[~good], minlength=vocabulary)
    return (np.log(p / p.sum()) - np.log(q / q.sum())).astype(np.float32)


def weigh(bags: Bags, ratios: np.ndarray) -> np.ndarray:
    """The value of each entry, ``[z] float32``: its ratio, each text scaled to length 1 so that long texts are not
    surer than short ones. A text without phrases of any weight stays empty."""
    values = ratios[bags.ids].astype(np.float64)
    square = np.bincount(bags.row, weights=values**2, minlength=len(bags))
    return (values / np.sqrt(np.where(square > 0, square, 1.0))[bags.row]).astype(np.float32)


def _text_of(starts: np.ndarray) -> np.ndarray:
    return np.repeat(np.arange(len(starts) - 1), np.diff(starts))


def _starts(row: np.ndarray, count: int) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(np.bincount(row, minlength=count))]).astype(np.int64)


def _keys(text: np.ndarray, words: np.ndarray, shorter: np.ndarray | None, base: int) -> np.ndarray:
    """Keys ``[w - l + 1]`` of the phrases that begin at each place, -1 where none does. ``shorter``: positions of the
    phrases one word shorter (-1 for none), ``None`` for single words."""
    if shorter is None:
        return np.where((words == UNKNOWN) | (words >= base), -1, words).astype(np.int64)
    count = max(len(shorter) - 1, 0)
    gap = len(words) - count  # from a phrase's first to its last word
    begin, last = shorter[:count].astype(np.int64), words[gap:]
    whole = (begin >= 0) & (last != UNKNOWN) & (last < base) & (text[:count] == text[gap:])
    return np.where(whole, begin * base + last, -1)


def _bags(text: np.ndarray, ids: np.ndarray, count: int, vocabulary: int) -> Bags:
    """Distinct ``ids`` (-1 for none) of each text; ``ids`` may end early, where no phrase can begin."""
    text = text[: len(ids)]
    known = ids >= 0
    entry = np.sort(text[known] * vocabulary + ids[known])
    entry = entry[np.concatenate([[True], entry[1:] != entry[:-1]])] if len(entry) else entry
    row, found = np.divmod(entry, max(vocabulary, 1))
    return Bags(_starts(row, count), found.astype(np.int32))
