"""First weights, drawn with NumPy: a kernel by the name of its initializer, and the waves of a network of sines."""

from __future__ import annotations

import math

import numpy as np

# The fastest wave that a network of sines begins with, in radians per unit of its input (so none is shorter than two
# units), and the largest phase.
FASTEST, PHASE = math.pi, math.pi / 4
# First weights that are all one number, by initializer.
EQUAL = {"zeros": 0.0, "small_equal": 0.05, "ones": 1.0}


def initial_kernel(name: str, generator: np.random.Generator, fan_in: int, fan_out: int) -> np.ndarray:
    """One member's first kernel ``[fan_in, fan_out] float32``.

    Variance 2 / (fan_in + fan_out) for Glorot (Glorot and Bengio, 2010), 2 / fan_in for He (He et al., 2015),
    1 / fan_in for LeCun; ``random_normal`` has standard deviation 0.05 as in Keras. Here to show what goes wrong:
    ``large_normal`` has standard deviation 1, and the ``EQUAL`` ones never break the symmetry between neurons. Raises
    ``ValueError`` where there is no such initializer.
    """
    shape = (fan_in, fan_out)
    if name in EQUAL:
        return np.full(shape, EQUAL[name], np.float32)
    if name in ("random_normal", "large_normal"):
        return generator.normal(0.0, 0.05 if name == "random_normal" else 1.0, shape).astype(np.float32)
    family, _, form = name.partition("_")
    variances = {"glorot": 2.0 / (fan_in + fan_out), "he": 2.0 / fan_in, "lecun": 1.0 / fan_in}
    if family not in variances or form not in ("uniform", "normal"):
        raise ValueError(f"no initializer {name!r}")
    variance = variances[family]
    if form == "uniform":
        bound = np.sqrt(3.0 * variance)
        return generator.uniform(-bound, bound, shape).astype(np.float32)
    return generator.normal(0.0, np.sqrt(variance), shape).astype(np.float32)


def initial_waves(
    frequency: float, generator: np.random.Generator, fan_in: int, fan_out: int
) -> tuple[np.ndarray, np.ndarray]:
    """First kernel ``[fan_in, fan_out]`` and bias ``[fan_out]``, both float32, of one member's waves.

    Weights from a Cauchy distribution of scale ``frequency`` (radians per unit of input), cut off: with phases all
    around, the sines of such sums are random features of the Laplacian kernel ``exp(-frequency |x - y|_1)`` (Rahimi and
    Recht, 2007), under which far rows have no say. Here phases keep to an eighth of a turn either way, which adds a
    kernel of ``x + y`` (rows that lie opposite take something from one another), and all is learned from there
    (Sitzmann et al., 2020).
    """
    kernel = (frequency * generator.standard_cauchy((fan_in, fan_out))).clip(-FASTEST, FASTEST)
    return kernel.astype(np.float32), generator.uniform(-PHASE, PHASE, fan_out).astype(np.float32)
