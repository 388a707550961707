"""Words of reviews: numbering, splitting, decoding, and what is no review."""

from __future__ import annotations

import numpy as np
import pytest

from features.errors import UserError
from features.reviews.words import check_index, check_labels, flatten, keras_numbers, last_words, ranks, split_words

INDEX = {"the": 1, "film": 2, "isn't": 3, "good": 4}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The FILM isn't good!", ["the", "film", "isn't", "good"]),
        ("The film isn’t...good<br />", ["the", "film", "isn't", "good", "br"]),
        ("  (10/10)\tgood-natured\n", ["10", "10", "good", "natured"]),
        ("?!", []),
    ],
)
def test_words_are_split_as_the_data_set_was(text: str, words: list[str]) -> None:
    assert split_words(text) == words


def test_numbers_are_those_of_keras() -> None:
    """As keras.datasets.imdb.load_data does: start 1, unknown 2, ranks from 4, cut at num_words."""
    reviews = [[1, 4, 2], [3]]
    starts, flat = flatten(np.array(reviews, object), 4, "x")
    begin, numbers = keras_numbers(starts, flat, 7)
    expected = [[1, *(rank + 3 if rank + 3 < 7 else 2 for rank in review)] for review in reviews]
    assert [numbers[a:b].tolist() for a, b in zip(begin[:-1], begin[1:], strict=True)] == expected


def test_a_typed_word_that_the_index_lacks_is_unknown() -> None:
    typed = ranks(["the", "blockchain"], INDEX)
    assert typed.tolist() == [1, 0]
    assert keras_numbers(np.array([0, 2]), typed, 100)[1].tolist() == [1, 4, 2]


@pytest.mark.parametrize(
    ("reviews", "told"),
    [
        ([[1, 2], [1, 9]], "review 1: word 9; expected ranks from 1 to 4"),
        ([[1, 0]], "review 0: word 0"),
        ([[1.5]], "float64 values"),
        ([[1], "text"], "review 1: str"),
        ([[1], []], "review 1: list of no words"),
    ],
)
def test_what_is_no_review_is_named(reviews: list[object], told: str) -> None:
    held = np.empty(len(reviews), object)
    held[:] = reviews
    with pytest.raises(UserError, match=told):
        flatten(held, 4, "imdb.npz, x_train")


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ([0, 1, 2], "review 2: label 2"),
        ([0, 1, -1], "review 2: label -1"),
        ([0, 1], "shape \\(2,\\) for 3 reviews"),
        ([0.0, 1.0, 0.5], "float64 values"),
        ([1, 1, 1], "all labels are 1"),
    ],
)
def test_labels_are_zero_or_one(labels: list[float], told: str) -> None:
    with pytest.raises(UserError, match=told):
        check_labels(np.array(labels), 3, "imdb.npz, y_train")


@pytest.mark.parametrize("content", [[], {}, {"the": 1, "film": 3}, {"the": "1"}, {"the": True}])
def test_a_word_index_gives_each_rank_once(content: object) -> None:
    with pytest.raises(UserError, match="ranks 1, 2, 3"):
        check_index(content, "imdb_word_index.json")


def test_the_last_words_stand_in_their_order() -> None:
    """Rank plus 1; 1 for words beyond the vocabulary or the index; zeros after the last."""
    starts, flat = np.array([0, 2, 5, 6]), np.array([3, 9, 1, 2, 4, 0])
    np.testing.assert_array_equal(last_words(starts, flat, 6, 2, 1), [[4, 1, 0], [3, 5, 0], [1, 0, 0]])
    np.testing.assert_array_equal(
        last_words(starts, flat, 100, 4, 2), [[4, 10, 0, 0, 0, 0], [2, 3, 5, 0, 0, 0], [1, 0, 0, 0, 0, 0]]
    )
