"""Bags of words and phrases: by hand on three reviews, and against plain numpy."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from features.reviews.ngrams import Bags, find, learn_vocabulary, log_count_ratios, multi_hot, take, weigh

# 1 the, 2 film, 3 is, 4 good, 5 bad: "the film is good", "the film is bad the film", "good film"
STARTS = np.array([0, 4, 10, 12])
WORDS = np.array([1, 2, 3, 4, 1, 2, 3, 5, 1, 2, 4, 2], np.int32)


def phrases_of(bags: Bags, row: int) -> list[int]:
    return bags.ids[bags.starts[row] : bags.starts[row + 1]].tolist()


def test_phrases_of_three_reviews_by_hand() -> None:
    vocabulary = learn_vocabulary(STARTS, WORDS, length=3, min_count=1)
    named = [tuple(vocabulary.words(phrase)) for phrase in range(len(vocabulary))]
    assert named[:5] == [(1,), (2,), (3,), (4,), (5,)]
    assert set(named[5:]) == {
        *[(1, 2), (2, 3), (3, 4), (3, 5), (5, 1), (4, 2)],
        *[(1, 2, 3), (2, 3, 4), (2, 3, 5), (3, 5, 1), (5, 1, 2)],
    }
    assert [len(name) for name in named] == sorted(len(name) for name in named)
    bags = find(vocabulary, STARTS, WORDS)
    held = [{named[phrase] for phrase in phrases_of(bags, row)} for row in range(3)]
    assert held[0] == {(1,), (2,), (3,), (4,), (1, 2), (2, 3), (3, 4), (1, 2, 3), (2, 3, 4)}
    assert held[2] == {(4,), (2,), (4, 2)}  # no phrase runs from one review into the next
    assert len(phrases_of(bags, 1)) == len(held[1])  # "the film" counts once


def test_a_phrase_must_be_in_enough_reviews() -> None:
    vocabulary = learn_vocabulary(STARTS, WORDS, length=3, min_count=2)
    named = [tuple(vocabulary.words(phrase)) for phrase in range(len(vocabulary))]
    assert named == [(1,), (2,), (3,), (4,), (1, 2), (2, 3), (1, 2, 3)]


def test_only_reviews_learned_from_make_the_vocabulary() -> None:
    first = learn_vocabulary(*take(STARTS, WORDS, np.array([0])), length=2, min_count=1)
    found = find(first, STARTS, WORDS)
    named = {tuple(first.words(phrase)) for phrase in phrases_of(found, 1)}
    assert named == {(1,), (2,), (3,), (1, 2), (2, 3)}  # "bad" is passed over, so is all that holds it


def test_unknown_words_break_phrases() -> None:
    vocabulary = learn_vocabulary(STARTS, WORDS, length=2, min_count=1)
    broken = find(vocabulary, np.array([0, 3]), np.array([1, 0, 2], np.int32))
    assert [tuple(vocabulary.words(phrase)) for phrase in broken.ids] == [(1,), (2,)]
    assert len(find(vocabulary, np.array([0, 1]), np.array([77], np.int32)).ids) == 0


@pytest.mark.parametrize("seed", range(3))
def test_vocabulary_and_bags_equal_plain_python(seed: int) -> None:
    generator = np.random.default_rng(seed)
    lengths = generator.integers(1, 12, 30)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    words = generator.integers(1, 6, starts[-1]).astype(np.int32)
    texts = [words[begin:end].tolist() for begin, end in pairwise(starts)]
    held = [{tuple(text[i : i + k]) for k in (1, 2, 3) for i in range(len(text) - k + 1)} for text in texts]
    wanted = {phrase for phrases in held for phrase in phrases if sum(phrase in other for other in held) >= 3}
    vocabulary = learn_vocabulary(starts, words, 3, 3)
    named = [tuple(vocabulary.words(phrase)) for phrase in range(len(vocabulary))]
    assert sorted(named) == sorted(wanted)
    bags = find(vocabulary, starts, words)
    for row, phrases in enumerate(held):
        ids = phrases_of(bags, row)
        assert ids == sorted(set(ids))
        assert {named[phrase] for phrase in ids} == phrases & wanted


def test_multi_hot_rows_hold_each_word_once() -> None:
    bags = multi_hot(STARTS, WORDS, 5)
    assert [phrases_of(bags, row) for row in range(3)] == [[1, 2, 3, 4], [1, 2, 3], [2, 4]]


def test_ratios_equal_the_plain_calculation() -> None:
    bags, positive = multi_hot(STARTS, WORDS, 6), np.array([True, False, True])
    dense = np.zeros((3, 6))
    dense[bags.row, bags.ids] = 1
    p, q = 2.0 + dense[positive].sum(axis=0), 2.0 + dense[~positive].sum(axis=0)
    expected = np.log((p / p.sum()) / (q / q.sum()))
    np.testing.assert_allclose(log_count_ratios(bags, positive, 6, 2.0), expected, rtol=1e-6)
    assert expected[4] > 0 > expected[5]  # good, bad


def test_weighted_texts_have_length_one() -> None:
    bags = multi_hot(STARTS, WORDS, 6)
    ratios = np.array([0, 0.5, -1, 2, 3, -4], np.float32)
    values = weigh(bags, ratios)
    np.testing.assert_allclose(np.bincount(bags.row, values**2), 1, rtol=1e-6)
    assert np.array_equal(np.sign(values), np.sign(ratios[bags.ids]))
    assert not weigh(bags, np.zeros(6, np.float32)).any()


def test_taking_texts_keeps_their_words() -> None:
    starts, words = take(STARTS, WORDS, np.array([2, 0]))
    assert starts.tolist() == [0, 2, 6]
    assert words.tolist() == [4, 2, 1, 2, 3, 4]
