"""Networks on bags of words with NumPy alone: their log odds, and what each word does to them.

A *network* here is ``m`` members alike in depth, by layer: ``kernel_l [m, i, o]`` and ``bias_l [m, o]``, the output's
last. Bags are compressed rows, as in ``texts.Bags``: ``starts [n + 1]``, ``ids [z]``, ``values [z]``.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pipeline.nets.forward import ACTIVATIONS

# Pairs of a text and a word that are looked at together, which bounds the memory.
PAIRS_AT_ONCE = 200_000
Network = Mapping[str, np.ndarray]


def logits(network: Network, activation: str, starts: np.ndarray, ids: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Log odds ``[m, n]`` of each member for each text; ``activation``: of the hidden layers, a name."""
    return _finish(network, activation, _first_layer(network, starts, ids, values))


def effects(network: Network, activation: str, starts: np.ndarray, ids: np.ndarray, values: np.ndarray) -> np.ndarray:
    """What each entry does to its text, ``[z] float32``: the log odds, mean over members, less those without it."""
    first = _first_layer(network, starts, ids, values)  # [m, n, o]
    whole = _finish(network, activation, first)  # [m, n]
    rows = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    found = np.empty(len(ids), np.float32)
    for start in range(0, len(found), PAIRS_AT_ONCE):
        part = slice(start, start + PAIRS_AT_ONCE)
        row = rows[part]
        added = network["kernel_0"][:, ids[part]].astype(np.float32) * values[part, None]
        found[part] = (whole[:, row] - _finish(network, activation, first[:, row] - added)).mean(axis=0)
    return found


def _first_layer(network: Network, starts: np.ndarray, ids: np.ndarray, values: np.ndarray) -> np.ndarray:
    """What the first layer's units get, ``[m, n, o]``: the sum of the kernel's rows at a bag's words, and the bias."""
    kernel, bias = network["kernel_0"], network["bias_0"]
    found = np.repeat(bias[:, None].astype(np.float32), len(starts) - 1, axis=1)
    edges = np.searchsorted(starts, np.arange(0, len(ids), PAIRS_AT_ONCE))
    edges = np.unique(np.append(edges, len(starts) - 1))
    for begin, end in zip(edges[:-1], edges[1:], strict=True):  # whole texts at a time
        part = slice(starts[begin], starts[end])
        added = kernel[:, ids[part]].astype(np.float32) * values[part, None]
        filled = np.flatnonzero(np.diff(starts[begin : end + 1]))  # reduceat can't sum nothing
        if len(filled):
            place = starts[begin:end][filled] - starts[begin]
            found[:, begin + filled] += np.add.reduceat(added, place, axis=1)
    return found


def _finish(network: Network, activation: str, units: np.ndarray) -> np.ndarray:
    """From the first layer's sums ``[m, n, o]`` to log odds ``[m, n]``."""
    layer = 1
    while f"kernel_{layer}" in network:
        units = ACTIVATIONS[activation](units)
        units = np.matmul(units, network[f"kernel_{layer}"]) + network[f"bias_{layer}"][:, None]
        layer += 1
    return units[..., 0]
