"""The losses against the textbook's worked figures, numpy and Keras."""

import keras
import numpy as np
import pytest

from pipeline.nets.heads import HEADS


def logits_of(probabilities: np.ndarray) -> np.ndarray:
    return np.log(probabilities)


def test_binary_cross_entropy_is_the_textbooks() -> None:
    target, p = np.array([[1.0, 0.0, 0.0, 1.0]]), np.array([[0.8, 0.3, 0.5, 0.9]])
    logits = np.log(p / (1 - p))[..., None]
    by_hand = -(np.log([0.8, 0.7, 0.5, 0.9])).mean()
    ours = float(np.mean(HEADS["binary"].loss(target, logits)))
    assert by_hand == pytest.approx(0.3446, abs=5e-5)
    assert ours == pytest.approx(by_hand, abs=1e-6)
    assert ours == pytest.approx(float(keras.losses.BinaryCrossentropy()(target, p)), abs=1e-6)


def test_sparse_categorical_cross_entropy_is_the_textbooks() -> None:
    p = np.array([[[0.6, 0.3, 0.1], [0.3, 0.6, 0.1], [0.1, 0.7, 0.2]]])
    ours = float(np.mean(HEADS["multiclass"].loss(np.array([[1, 2, 0]]), logits_of(p))))
    assert ours == pytest.approx(1.936381, abs=1e-6)


@pytest.mark.parametrize(
    ("probability", "expected"), [(0.7, 0.356675), (1.0, 0.0)], ids=["true class given 0.7", "perfect match"]
)
def test_cross_entropy_of_one_row(probability: float, expected: float) -> None:
    rest = (1 - probability) / 2
    logits = np.log(np.maximum([[[probability, rest, rest]]], 1e-30))
    assert float(np.squeeze(HEADS["multiclass"].loss(np.array([[0]]), logits))) == pytest.approx(expected, abs=1e-6)


def test_softmax_sums_to_one_and_survives_huge_logits() -> None:
    answer = np.array(HEADS["multiclass"].answer(np.array([[[1000.0, 0.0, -1000.0], [0.1, 0.2, 0.3]]])))
    np.testing.assert_allclose(answer.sum(axis=-1), 1.0, atol=1e-6)


def test_binary_loss_of_a_sure_mistake_is_finite() -> None:
    loss = np.array(HEADS["binary"].loss(np.array([[1.0]]), np.array([[[-500.0]]])))
    assert loss == pytest.approx(500.0)


def test_squared_error() -> None:
    loss = np.array(HEADS["regression"].loss(np.array([[1.0, 3.0]]), np.array([[[2.0], [3.0]]])))
    np.testing.assert_allclose(loss, [[1.0, 0.0]])


def test_huber_is_the_squared_error_up_to_its_limit_and_straight_beyond() -> None:
    target, limit = np.full((2, 4), 2.0), np.array([[1.0], [np.inf]])
    logits = np.array([[[2.5], [3.0], [5.0], [-2.0]]] * 2)
    assert HEADS["regression"].robust is not None
    loss = np.array(HEADS["regression"].robust(target, logits, limit))
    np.testing.assert_allclose(loss, [[0.25, 1.0, 5.0, 7.0], [0.25, 1.0, 9.0, 16.0]])


@pytest.mark.parametrize(("task", "classes", "outputs"), [("binary", 2, 1), ("multiclass", 5, 5), ("regression", 9, 1)])
def test_pooled_logits_are_those_of_the_mean_answer(task: str, classes: int, outputs: int) -> None:
    head = HEADS[task]
    assert head.outputs(classes) == outputs
    logits = np.random.default_rng(0).normal(0, 3, (2, 4, 6, outputs))  # of four copies
    answers = np.array(head.answer(logits)).mean(axis=1)
    pooled = np.array(head.pool(logits))
    np.testing.assert_allclose(np.array(head.answer(pooled)), answers, rtol=1e-5)
    if task == "multiclass":  # those of all that give these answers whose exponentials are the answers
        np.testing.assert_allclose(np.exp(pooled), answers, rtol=1e-5)


@pytest.mark.parametrize(("task", "classes"), [("binary", 2), ("multiclass", 4)])
def test_smoothed_labels_add_the_mean_loss_of_all_classes(task: str, classes: int) -> None:
    head = HEADS[task]
    logits = np.random.default_rng(0).normal(0, 3, (2, 5, head.outputs(classes)))
    each = [np.array(head.loss(np.full((2, 5), float(one)), logits)) for one in range(classes)]
    assert head.spread is not None
    np.testing.assert_allclose(np.array(head.spread(logits)), np.mean(each, axis=0), rtol=1e-5)
