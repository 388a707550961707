"""What learning curves say in words, on curves drawn by hand."""

from __future__ import annotations

import numpy as np
import pytest

from features.scoring.diagnosis import diagnose

EPOCHS = np.arange(1, 41)


@pytest.mark.parametrize(
    ("train", "validation", "verdict", "told"),
    [
        pytest.param(1 / EPOCHS, 0.3 + 0.01 * np.abs(EPOCHS - 8), "overfits", "0.300 in epoch 8 to 0.620", id="rises"),
        pytest.param(
            0.3 + 0.01 * EPOCHS,
            0.3 + 0.01 * np.abs(EPOCHS - 8),
            "diverges",
            "training loss went from 0.380 to 0.700",
            id="both rise",
        ),
        pytest.param(
            0.3 + 0.0001 * EPOCHS,
            0.3 + 0.01 * np.abs(EPOCHS - 8),
            "overfits",
            "training loss went from 0.301 to 0.304",
            id="rises while the train loss stays",
        ),
        pytest.param(2 - 0.02 * EPOCHS, 2.1 - 0.02 * EPOCHS, "underfits", "still falling", id="falls to the end"),
        pytest.param(
            0.3 + 1 / EPOCHS**3, 0.4 + 1 / EPOCHS**3, "fits", "0.400 in epoch 40, the last (", id="levels out"
        ),
        pytest.param(
            0.3 + 1 / EPOCHS**3,
            0.4 + 1e-4 * np.abs(EPOCHS - 30),
            "fits",
            "0.400 in epoch 30 and stayed there (training loss 0.300 at the end)",
            id="level before the end",
        ),
    ],
)
def test_a_curve_is_called_what_it_is(train: np.ndarray, validation: np.ndarray, verdict: str, told: str) -> None:
    found = diagnose(train, validation)
    assert found.verdict == verdict
    assert told in found.reason


@pytest.mark.parametrize("validation", [[0.5], [0.5, 0.4], [0.4, 0.5], [np.nan] * 5, []])
def test_one_epoch_or_two_say_nothing(validation: list[float]) -> None:
    found = diagnose(np.array(validation), np.array(validation))
    assert (found.verdict, found.reason) == ("ended too soon to tell", "it ran for fewer than 3 epochs")


def test_what_follows_an_early_stop_does_not_count() -> None:
    train, validation = 1 / EPOCHS, 0.3 + 0.01 * np.abs(EPOCHS - 8)
    found = diagnose(train, np.where(EPOCHS <= 20, validation, np.nan))
    assert found.verdict == "overfits"
    assert "0.420 in epoch 20" in found.reason


def test_small_losses_are_told_in_their_own_digits() -> None:
    falling, rising = np.linspace(3e-4, 1e-4, 30), np.r_[np.linspace(2e-4, 1e-4, 20), np.linspace(1.1e-4, 1.5e-4, 10)]
    assert "rose from 0.0001 in epoch 20 to 0.00015" in diagnose(falling, rising).reason
