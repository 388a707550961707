"""Film reviews as the IMDB data set writes them: words by their rank in frequency, and text turned into such words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from features.errors import UserError

# Keras numbers a word by its rank plus 3: 0 pads, 1 starts a review, 2 stands for a word out of the vocabulary.
OFFSET, START, OUT_OF_VOCABULARY = 3, 1, 2
# What Keras's Tokenizer takes for a space, as it did when the data set was made. An apostrophe stays in its word.
FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
_SPACES = str.maketrans(dict.fromkeys(FILTERS, " ") | {"’": "'", "‘": "'"})


def split_words(text: str) -> list[str]:
    """The words of a text: lower case, punctuation to spaces; typographic apostrophes count as plain ones.

    >>> split_words("It's GREAT -- really!")
    ["it's", 'great', 'really']
    """
    return text.lower().translate(_SPACES).split()


def ranks(words: Sequence[str], index: Mapping[str, int]) -> np.ndarray:
    """The rank of each word, ``[w] int32``; 0 for a word that the ``index`` has not."""
    return np.array([index.get(word, 0) for word in words], np.int32)


def keras_numbers(starts: np.ndarray, ranks: np.ndarray, vocabulary: int) -> tuple[np.ndarray, np.ndarray]:
    """Reviews in Keras's numbering, as ``load_data(num_words=vocabulary)`` gives them: ``starts [n + 1]``, ``words``.

    Each begins with ``START``; a word whose number would not be below ``vocabulary``, or whose rank is 0, is
    ``OUT_OF_VOCABULARY``.
    """
    count = len(starts) - 1
    begin = starts + np.arange(count + 1)
    numbers = np.full(len(ranks) + count, START, np.int32)
    place = np.arange(len(ranks)) + np.repeat(np.arange(1, count + 1), np.diff(starts))
    known = (ranks > 0) & (ranks + OFFSET < vocabulary)
    numbers[place] = np.where(known, ranks + OFFSET, OUT_OF_VOCABULARY)
    return begin, numbers


def last_words(starts: np.ndarray, ranks: np.ndarray, vocabulary: int, length: int, spare: int) -> np.ndarray:
    """The last ``length`` words of each review in their order, ``[n, length + spare] int32``: a word's rank plus 1, or
    1 where that would not be below ``vocabulary``; 0 after the last, at least ``spare`` times.

    >>> last_words(np.array([0, 2, 5]), np.array([3, 9, 1, 2, 4]), 6, 2, 1)
    array([[4, 1, 0],
           [3, 5, 0]], dtype=int32)
    """
    lengths = np.minimum(np.diff(starts), length).astype(np.int32)[:, None]
    place = np.arange(length + spare, dtype=np.int32)
    words = np.append(np.where(ranks + 1 < vocabulary, ranks + 1, 1), 0).astype(np.int32)
    index = np.where(place < lengths, starts[1:, None] - lengths + place, len(ranks))
    return words[index]


def check_index(content: object, where: str) -> dict[str, int]:
    """The word index, ``word -> rank``: the ranks are 1, 2, ... each once. Raises ``UserError`` otherwise."""
    expected = "expected words with their ranks 1, 2, 3, ... each once, as in imdb_word_index.json of Keras"
    if not isinstance(content, dict) or not content:
        raise UserError(f"{where}: {type(content).__name__} instead of a mapping; {expected}.")
    for word, rank in content.items():
        if not isinstance(rank, int) or isinstance(rank, bool):
            raise UserError(f"{where}: the rank of {word!r} is {rank!r}; {expected}.")
    if sorted(content.values()) != list(range(1, len(content) + 1)):
        raise UserError(
            f"{where}: ranks {min(content.values())} to {max(content.values())} for {len(content)} words; {expected}."
        )
    return content


def flatten(reviews: np.ndarray, largest: int, where: str) -> tuple[np.ndarray, np.ndarray]:
    """Reviews (an object array of lists of ranks) as ``starts [n + 1] int64`` and ``ranks [w] int32``.

    Raises ``UserError`` where a review is no list of whole numbers from 1 to ``largest``.
    """
    lengths = np.zeros(len(reviews), np.int64)
    for number, review in enumerate(reviews):
        if not isinstance(review, (list, np.ndarray)) or len(review) == 0:
            raise UserError(f"{where}, review {number}: {type(review).__name__} of no words; expected a list of ranks.")
        lengths[number] = len(review)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    try:
        flat = np.concatenate([np.asarray(review) for review in reviews])
    except ValueError as error:
        raise UserError(f"{where}: a review is not a flat list of ranks ({error}).") from None
    if flat.dtype.kind not in "iu" or len(flat) != starts[-1]:
        raise UserError(f"{where}: {flat.dtype} values instead of whole numbers; expected ranks of words.")
    wrong = np.flatnonzero((flat < 1) | (flat > largest))
    if len(wrong):
        review = int(np.searchsorted(starts, wrong[0], side="right")) - 1
        raise UserError(
            f"{where}, review {review}: word {flat[wrong[0]]}; expected ranks from 1 to {largest}, the size of the "
            f"word index."
        )
    return starts, flat.astype(np.int32)


def check_labels(labels: np.ndarray, count: int, where: str) -> np.ndarray:
    """Labels ``[count] int64``, 0 (against) or 1 (for). Raises ``UserError`` on anything else."""
    if labels.ndim != 1 or len(labels) != count:
        raise UserError(f"{where}: shape {labels.shape} for {count} reviews; expected one label a review.")
    if labels.dtype.kind not in "iub":
        raise UserError(f"{where}: {labels.dtype} values; expected 0 (against) or 1 (for).")
    wrong = np.flatnonzero((labels != 0) & (labels != 1))
    if len(wrong):
        raise UserError(f"{where}, review {wrong[0]}: label {labels[wrong[0]]}; expected 0 (against) or 1 (for).")
    if len(set(labels.tolist())) < 2:
        raise UserError(f"{where}: all labels are {labels[0]}; expected reviews of both kinds.")
    return labels.astype(np.int64)
