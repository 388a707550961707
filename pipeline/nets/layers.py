"""Layers with a leading member axis, written with ``keras.ops``: one batched product serves every network at once.

``m`` members, ``b`` rows of a batch, ``i``/``o`` units in and out. A member narrower than its program has zero weights
in the spare units, which are silenced after an activation that is not 0 at 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from keras import ops

from pipeline.nets.numbers import LINES

Tensor = Any


def mish(x: Tensor) -> Tensor:
    """``x tanh(softplus(x))`` (Misra, 2020)."""
    return x * ops.tanh(ops.softplus(x))


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": ops.relu,
    "selu": ops.selu,
    "elu": ops.elu,
    "gelu": ops.gelu,
    "silu": ops.silu,
    "mish": mish,
    "tanh": ops.tanh,
    "sigmoid": ops.sigmoid,
    "sine": ops.sin,
}
# Dropout compares bytes of noise, so its rate is a multiple of 1/256.
NOISE_LEVELS = 256


def multiply(inputs: Tensor, kernel: Tensor) -> Tensor:
    """``[m or 1, b, i] x [m, i, o] -> [m, b, o]``; its own gradient for the reason given at ``multiplied``. One batch
    for all members is not learned."""

    @ops.custom_gradient
    def product(inputs: Tensor, kernel: Tensor) -> tuple[Tensor, Callable[..., tuple[Tensor, Tensor]]]:
        def gradient(*arguments: Tensor, upstream: Tensor = None) -> tuple[Tensor, Tensor]:
            given = arguments[0] if upstream is None else upstream
            of_inputs = ops.matmul(given, ops.transpose(kernel, (0, 2, 1)))
            return of_inputs, ops.matmul(ops.transpose(inputs, (0, 2, 1)), given)

        return ops.matmul(inputs, kernel), gradient

    return product(inputs, kernel)


def multiply_scaled(inputs: Tensor, kernel: Tensor, scale: Tensor) -> Tensor:
    """``inputs * scale`` times ``kernel``, for ``inputs [m, b, i]`` that are not learned and ``scale [m, 1, i]``.

    The scale's gradient is made of the kernel's, ``sum over o of kernel * (inputs^T x upstream)``: TensorFlow's own way
    to it is by that of the scaled inputs, a third product as large as the others.
    """

    @ops.custom_gradient
    def product(kernel: Tensor, scale: Tensor) -> tuple[Tensor, Callable[..., tuple[Tensor, Tensor]]]:
        def gradient(*arguments: Tensor, upstream: Tensor = None) -> tuple[Tensor, Tensor]:
            given = arguments[0] if upstream is None else upstream
            unscaled = ops.matmul(ops.transpose(inputs, (0, 2, 1)), given)  # [m, i, o]
            of_scale = ops.sum(unscaled * kernel, axis=-1)[:, None]
            return unscaled * ops.transpose(scale, (0, 2, 1)), of_scale

        return ops.matmul(inputs * scale, kernel), gradient

    return product(kernel, scale)


def multiply_beside(given: Tensor, vectors: Tensor, kernel: Tensor, scale: Tensor | None = None) -> Tensor:
    """``[given, vectors]``, times a ``scale [m, 1, i + j]`` where there is one, times ``kernel [m, i + j, o]``.

    ``given [m, b, i]`` are not learned, ``vectors [m, b, j]`` are. So the inputs' gradient, a product as large as the
    others, is made for the vectors alone; the scale's is made as in ``multiply_scaled``.
    """
    inputs = ops.concatenate([given, vectors], axis=-1)
    first = ops.shape(given)[2]

    @ops.custom_gradient
    def product(vectors: Tensor, kernel: Tensor) -> tuple[Tensor, Callable[..., tuple[Tensor, Tensor]]]:
        def gradient(*arguments: Tensor, upstream: Tensor = None) -> tuple[Tensor, Tensor]:
            above = arguments[0] if upstream is None else upstream
            of_vectors = ops.matmul(above, ops.transpose(kernel[:, first:], (0, 2, 1)))
            return of_vectors, ops.matmul(ops.transpose(inputs, (0, 2, 1)), above)

        return ops.matmul(inputs, kernel), gradient

    @ops.custom_gradient
    def scaled(
        vectors: Tensor, kernel: Tensor, scale: Tensor
    ) -> tuple[Tensor, Callable[..., tuple[Tensor, Tensor, Tensor]]]:
        by_input = ops.transpose(scale, (0, 2, 1))
        own = kernel * by_input

        def gradient(*arguments: Tensor, upstream: Tensor = None) -> tuple[Tensor, Tensor, Tensor]:
            above = arguments[0] if upstream is None else upstream
            of_vectors = ops.matmul(above, ops.transpose(own[:, first:], (0, 2, 1)))
            of_own = ops.matmul(ops.transpose(inputs, (0, 2, 1)), above)  # [m, i + j, o]
            return of_vectors, of_own * by_input, ops.sum(of_own * kernel, axis=-1)[:, None]

        return ops.matmul(inputs, own), gradient

    return product(vectors, kernel) if scale is None else scaled(vectors, kernel, scale)


def multiply_half(inputs: Tensor, kernel: Tensor) -> Tensor:
    """The same product with factors rounded to bfloat16 and the result back in float32 (mixed precision, Micikevicius
    et al., 2018): twice as fast where the processor has instructions for it, far slower where not."""
    return ops.cast(ops.matmul(ops.cast(inputs, "bfloat16"), ops.cast(kernel, "bfloat16")), "float32")


# How a dense product is computed, by the name of its precision.
PRODUCTS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"float32": multiply, "bfloat16": multiply_half}


def convolve(images: Tensor, kernel: Tensor, bias: Tensor, window: int, filters: int, precision: str) -> Tensor:
    """Convolution, 2 x 2 maximum and ReLU; ``precision`` of the factors, a key of ``PRODUCTS``.

    ``images [m or 1, b, h, w, c]``, ``kernel [m, window * window * c, filters]``, ``bias [m, 1, filters]`` ->
    ``[m, b, h / 2, w / 2, filters]``; zeros beyond the edge. Members are convolved one after another, each by the
    device's own kernel: over the windows' products of all at once, which need every window's copy, it is four times as
    fast. One batch for all (a first axis of 1, known when traced) is not copied.
    """
    height, width, channels = images.shape[2:]
    kernels = ops.cast(ops.reshape(kernel, (-1, window, window, channels, filters)), precision)
    images = ops.cast(images, precision)
    if images.shape[0] == 1:
        maps = ops.map(lambda one: ops.conv(images[0], one, padding="same"), kernels)
    else:
        maps = ops.map(lambda one: ops.conv(one[0], one[1], padding="same"), (images, kernels))
    members, rows = ops.shape(maps)[0], ops.shape(maps)[1]
    pooled = ops.max_pool(ops.reshape(maps, (members * rows, height, width, filters)), 2)
    pooled = ops.reshape(pooled, (members, rows, height // 2, width // 2, filters))
    # The largest before the bias and ReLU, which keep the order: a quarter of the work after it.
    return ops.relu(ops.cast(pooled, "float32") + bias[:, :, None, None, :])


def normalize(units: Tensor, widths: Tensor, gain: Tensor, shift: Tensor) -> Tensor:
    """Layer normalisation (Ba et al., 2016) over the units in use: ``units [m, b, o]``, ``widths [m]``, ``gain`` and
    ``shift [m, 1, o]``, which are 0 in the spare units. Spare ``units`` must be 0."""
    used = ops.cast(widths, units.dtype)[:, None, None]
    inside = ops.cast(ops.arange(ops.shape(units)[2]) < widths[:, None, None], units.dtype)  # [m, 1, o]
    # Means of squares less squared means would be noise where units are far from 0.
    away = (units - ops.sum(units, axis=-1, keepdims=True) / used) * inside
    variance = ops.sum(ops.square(away), axis=-1, keepdims=True) / used
    return away * ops.rsqrt(variance + 1e-3) * gain + shift


def _line(numbers: Tensor) -> Tensor:
    """``numbers [m, n, b]`` beside ones, ``[m, n, 2, b]``: to be multiplied with slopes and starts ``[m, n, k, 2]``. A
    product takes a third of what two operations with repeated factors do."""
    return ops.stack([numbers, ops.ones_like(numbers)], axis=2)


def piecewise_linear(numbers: Tensor, bins: Mapping[str, Tensor]) -> Tensor:
    """How far ``numbers [m, n, b]`` have come in each bin, from 0 to 1: ``[m, n, T, b]``; ``bins``: the arrays of
    ``LINES``, see ``numbers.lines_of``."""
    origin, lines = (bins[name] for name in LINES)
    return ops.minimum(ops.maximum(ops.matmul(lines, _line(numbers - origin)), 0.0), 1.0)


def embed_numbers(
    numbers: Tensor, weights: Mapping[str, Tensor], bins: Mapping[str, Tensor] | None, pieces: int
) -> Tensor:
    """Vectors of ``numbers [m, b, n]``, one column after the other: ``[m, b, n * e]``. ``bins``: see
    ``piecewise_linear``, or None for periodic ones; ``pieces``: bins or frequencies of a column; ``weights``: see
    ``numbers.Numbers.weights``."""
    members, rows, columns = ops.shape(numbers)
    by_column = (members, columns, pieces, -1)
    numbers = ops.transpose(numbers, (0, 2, 1))  # [m, n, b]: each column has a product of its own
    if bins is None:
        lines = ops.stack([2.0 * math.pi * weights["numbers_frequency"], weights["numbers_phase"]], axis=3)
        waves = ops.cos(ops.matmul(lines, _line(numbers)))
        mixed = _mix(waves, ops.reshape(weights["numbers_mix"], by_column)) + weights["numbers_bias"][..., None]
        vectors = ops.concatenate([numbers[:, :, None], mixed], axis=2)
    elif "numbers_pieces" in weights:
        lines = ops.stack([weights["numbers_linear"], weights["numbers_bias"]], axis=3)
        kernel = ops.reshape(weights["numbers_pieces"], by_column)
        vectors = _along_and_mixed(_line(numbers), lines, piecewise_linear(numbers, bins), kernel)
    else:
        vectors = ops.concatenate([numbers[:, :, None], piecewise_linear(numbers, bins)], axis=2)
    return ops.transpose(ops.reshape(vectors, (members, -1, rows)), (0, 2, 1))


def _mix(inputs: Tensor, kernel: Tensor) -> Tensor:
    """Each column's own product: ``inputs [m, n, i, b]``, ``kernel [m, n, i, e] -> [m, n, e, b]``; its own gradient,
    as TensorFlow's turns the inputs round, which takes longer than the products."""

    @ops.custom_gradient
    def product(inputs: Tensor, kernel: Tensor) -> tuple[Tensor, Callable[..., tuple[Tensor, Tensor]]]:
        def gradient(*arguments: Tensor, upstream: Tensor = None) -> tuple[Tensor, Tensor]:
            given = arguments[0] if upstream is None else upstream
            return ops.matmul(kernel, given), ops.matmul(inputs, ops.transpose(given, (0, 1, 3, 2)))

        return ops.matmul(ops.transpose(kernel, (0, 1, 3, 2)), inputs), gradient

    return product(inputs, kernel)


def _along_and_mixed(numbers: Tensor, lines: Tensor, inputs: Tensor, kernel: Tensor) -> Tensor:
    """``lines [m, n, e, 2]`` along ``numbers`` (see ``_line``) and the ``_mix`` of ``inputs``, neither of which is
    learned; its own gradient for the reason given at ``multiplied``."""

    @ops.custom_gradient
    def total(lines: Tensor, kernel: Tensor) -> tuple[Tensor, Callable[..., tuple[Tensor, Tensor]]]:
        def gradient(*arguments: Tensor, upstream: Tensor = None) -> tuple[Tensor, Tensor]:
            given = arguments[0] if upstream is None else upstream
            of_lines = ops.matmul(given, ops.transpose(numbers, (0, 1, 3, 2)))
            return of_lines, ops.matmul(inputs, ops.transpose(given, (0, 1, 3, 2)))

        mixed = ops.matmul(ops.transpose(kernel, (0, 1, 3, 2)), inputs)
        return ops.matmul(lines, numbers) + mixed, gradient

    return total(lines, kernel)


def find_windows(words: Tensor, table: Tensor, kernel: Tensor, bias: Tensor, window: int, units: int) -> Tensor:
    """What each filter finds in a text: the ReLU of its largest answer to any ``window`` words in a row (Kim, 2014).

    ``words [b, l] int32`` (0 for none, a vector of zeros), ``table [m, words - 1, units]``,
    ``kernel [m, window * units, filters]``, ``bias [m, 1, filters]`` -> ``[m, b, filters]``.

    A maximum passes its gradient to one place alone. So the convolution, outside the gradient, only says where each
    filter answers most, and the windows found there are multiplied once more: half the time of a convolution's own
    gradient, which fills all other places with zeros.
    """
    table = ops.pad(table, ((0, 0), (1, 0), (0, 0)))
    members, size = ops.shape(table)[0], ops.shape(table)[1]
    kernels = ops.reshape(ops.stop_gradient(kernel), (members, window, units, -1))

    def places(one: tuple[Tensor, Tensor]) -> Tensor:
        return ops.argmax(ops.conv(ops.take(one[0], words, axis=0), one[1], padding="valid"), axis=1)

    first = ops.cast(ops.map(places, (ops.stop_gradient(table), kernels)), words.dtype)  # [m, b, filters]
    rows, length = ops.shape(words)[0], ops.shape(words)[1]
    first = first + (ops.arange(rows, dtype=words.dtype) * length)[None, :, None]
    found = ops.take(ops.reshape(words, (-1,)), first[..., None] + ops.arange(window, dtype=words.dtype), axis=0)
    found = found + (ops.arange(members, dtype=words.dtype) * size)[:, None, None, None]  # [m, b, filters, window]
    vectors = ops.take(ops.reshape(table, (members * size, units)), found, axis=0)
    vectors = ops.reshape(vectors, (*ops.shape(first), window * units))
    return ops.relu(ops.sum(vectors * ops.transpose(kernel, (0, 2, 1))[:, None], axis=-1) + bias)


def embed(codes: Tensor, table: Tensor) -> Tensor:
    """Learned vectors of category codes: ``codes [m, b, e]``, ``table [m, levels, k] -> [m, b, e * k]``."""
    members, levels, units = ops.shape(table)
    offsets = ops.reshape(ops.arange(members) * levels, (members, 1, 1))  # each member looks into its own table
    vectors = ops.take(ops.reshape(table, (members * levels, units)), codes + ops.cast(offsets, codes.dtype), axis=0)
    count, rows, columns = ops.shape(codes)
    return ops.reshape(vectors, (count, rows, columns * units))


def multiplied(values: Tensor, factor: Tensor) -> Tensor:
    """``values * factor``, which has the shape of ``values`` and is learned from no more: TensorFlow's own gradient
    would find out at each step along which axes the factor was repeated, in as many operations again."""

    @ops.custom_gradient
    def product(values: Tensor) -> tuple[Tensor, Callable[..., Tensor]]:
        def gradient(*arguments: Tensor, upstream: Tensor = None) -> Tensor:
            return (arguments[0] if upstream is None else upstream) * factor

        return values * factor, gradient

    return product(values)


def shifted(values: Tensor, bias: Tensor, factor: Tensor | None = None) -> Tensor:
    """``values [..., b, o] + bias [..., 1, o]``, the values first ``multiplied`` where a ``factor`` is given; its own
    gradient for the reason given there."""

    @ops.custom_gradient
    def total(values: Tensor, bias: Tensor) -> tuple[Tensor, Callable[..., tuple[Tensor, Tensor]]]:
        def gradient(*arguments: Tensor, upstream: Tensor = None) -> tuple[Tensor, Tensor]:
            given = arguments[0] if upstream is None else upstream
            of_values = given if factor is None else given * factor
            return of_values, ops.sum(given, axis=-2, keepdims=True)

        return (values if factor is None else values * factor) + bias, gradient

    return total(values, bias)


def dropout_threshold(rate: Tensor) -> Tensor:
    """The byte of noise below which a unit is dropped, for a dropout rate."""
    return ops.cast(ops.round(rate * NOISE_LEVELS), "uint8")


def dropout_scale(threshold: Tensor) -> Tensor:
    """Factor by which kept units are scaled, so that their expected value is unchanged."""
    return 1.0 / (1.0 - ops.cast(threshold, "float32") / NOISE_LEVELS)


def drop(units: Tensor, noise: Tensor, threshold: Tensor) -> Tensor:
    """Inverted dropout (Srivastava et al., 2014) but for the ``dropout_scale`` of the kept units, which is
    left to the next layer.

    ``units [m, b, o]``, ``noise [m, b, o] uint8``, ``threshold [m, 1, 1] uint8``: a unit whose byte is below it is
    dropped, so a byte of 255 always keeps it.
    """
    return multiplied(units, ops.cast(noise >= threshold, units.dtype))


def copy_rows(inputs: Tensor, adapter: Tensor) -> Tensor:
    """``k`` copies of a batch, each scaled by its own vector (TabM-mini; Gorishniy et al., 2025): ``inputs [m, b, i]``,
    ``adapter [m, k, i] -> [m, k * b, i]``, for layers that all copies share."""
    copies = inputs[:, None] * adapter[:, :, None]  # [m, k, b, i]
    members, count, rows, width = ops.shape(copies)
    return ops.reshape(copies, (members, count * rows, width))


def output_of_copies(units: Tensor, kernel: Tensor, copies: int) -> Tensor:
    """Each copy's own last layer: ``units [m, k * b, o]``, ``kernel [m, k * o, c] -> [m, k, b, c]``."""
    members, rows, width = ops.shape(units)
    units = ops.reshape(units, (members, copies, rows // copies, width))
    return ops.matmul(units, ops.reshape(kernel, (members, copies, width, ops.shape(kernel)[2])))


def _split(units: Tensor, first: Tensor) -> tuple[Tensor, Tensor]:
    """The ``first`` members and the others. The gradient is the two put together again: TensorFlow's own fills each up
    with zeros and adds them."""

    @ops.custom_gradient
    def parts(units: Tensor) -> tuple[tuple[Tensor, Tensor], Callable[..., Tensor]]:
        def gradient(*arguments: Tensor, upstream: Any = None) -> Tensor:
            return ops.concatenate(arguments if upstream is None else upstream, axis=0)

        return (units[:first], units[first:]), gradient

    taken, left = parts(units)
    return taken, left


def forward(
    inputs: Tensor,
    kernels: Sequence[Tensor],
    biases: Sequence[Tensor],
    activation: str,
    widths: Tensor,
    *,
    drops: Sequence[tuple[Tensor, Tensor]] = (),
    norms: Sequence[tuple[Tensor, Tensor]] = (),
    project: Callable[[Tensor, Tensor], Tensor] = multiply,
    scales: Sequence[Tensor] = (),
    product: Callable[[Tensor, Tensor], Tensor] = multiply,
    slopes: Sequence[Tensor] = (),
    output: Callable[[Tensor, Tensor], Tensor] | None = None,
) -> Tensor:
    """Logits ``[m, b, c]`` of members of different depth and width.

    Members stand in order of falling depth, so layer ``l`` concerns the first ``m_l`` of them only: ``kernels[l]`` is
    ``[m_l, i, o]``, ``biases[l]`` ``[m_l, 1, o]``. The last kernel is the output's, for all members; it may be the only
    one. ``widths [m]`` are the units in use; ``drops`` (noise ``[m_l, b, o] uint8`` and threshold ``[m_l, 1, 1]``, one
    per hidden layer) ask for dropout; ``norms`` (gain and shift, one per hidden layer) for layer normalisation.
    ``project`` takes the inputs to the first kernel: they may be ``[m, b, i]``, ``[1, b, i]`` for all members alike, or
    whatever it understands; ``product`` takes units to the other kernels, ``output``, where given, whatever reaches the
    last one. ``scales`` (one per kernel, ``[m_l, 1, 1]``) multiply each member's kernels, which are given without it: a
    product's result is scaled instead, since a batch is smaller than a kernel; the ``dropout_scale`` of what comes in
    belongs into them. ``slopes`` (one per hidden layer, ``[m_l, 1, o]``) mix the activation with its argument:
    ``x + slope (f(x) - x)``.
    """
    units, finished = inputs, []
    for layer, (kernel, bias) in enumerate(zip(kernels[:-1], biases[:-1], strict=True)):
        if layer:
            # Not ``ops.shape``, which looks at every axis: a trace takes long by its parts.
            deeper = ops.size(scales[layer]) if scales else len(kernel)
            if norms or activation == "sigmoid":
                widths = widths[:deeper]
            units, done = _split(units, deeper)
            finished.append(done)
        units = project(units, kernel)
        project = product  # the inputs' own is for the first kernel alone
        units = shifted(units, bias, scales[layer] if scales else None)
        if norms:
            units = normalize(units, widths, *norms[layer])
        bent = ACTIVATIONS[activation](units)  # [m_l, b, o]
        units = units + slopes[layer] * (bent - units) if slopes else bent
        if activation == "sigmoid":  # the one activation that is not 0 at 0, where the spare units are
            spare = ops.arange(ops.shape(kernel)[2])[None, :] < widths[:, None]
            units = units * ops.cast(spare, units.dtype)[:, None, :]
        if drops:
            units = drop(units, *drops[layer])
    if finished:
        units = ops.concatenate([units, *reversed(finished)], axis=0)  # [m, b, o], in the members' order again
    found = (output or project)(units, kernels[-1])
    if not scales:
        return shifted(found, biases[-1])
    return shifted(found, biases[-1], scales[-1] if len(found.shape) == 3 else scales[-1][..., None])  # [m, 1, 1(, 1)]
