"""What the curves of several networks say."""

from __future__ import annotations

import numpy as np

from features.scoring.diagnosis import diagnose
from pipeline.clothes import networks
from pipeline.nets.fit import Fit


def test_the_mean_curve_of_members_that_fall_falls() -> None:
    """The first member, by far the better one, stops first; after the second there is no mean."""
    losses = np.array([[0.4, 0.3, 0.2, np.nan, np.nan, np.nan], [1.0, 0.9, 0.8, 0.7, 0.6, np.nan]], np.float32)
    none, counts = np.zeros(0), np.array([3, 5])
    found = Fit(none, none, losses, losses, counts, counts, counts > 0, [])
    training, validation = networks.curves(networks.Outcome(found, none, none, none))
    np.testing.assert_allclose(validation, [0.7, 0.6, 0.5, 0.45, 0.4, np.nan], rtol=1e-6)
    np.testing.assert_array_equal(training, validation)
    assert diagnose(training, validation).verdict == "underfits"
