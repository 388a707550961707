"""Images as bytes until the batch: brightness, edges and distortions, and convolutions before the first dense layer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from keras import ops

from features.roles import TRAIN
from pipeline.nets.augmentation import Augmentation, distort, mix, partners, shares
from pipeline.nets.initializers import initial_kernel
from pipeline.nets.layers import PRODUCTS, convolve
from pipeline.nets.source import Arrays, SharedBatch, Tensor

# Height and width of a convolution's window, in pixels.
WINDOW = 3
# Images whose neighbouring pixels are counted at a time, which bounds the copy.
IMAGES_AT_ONCE = 4096
# The brightest pixel.
WHITE = 255.0


def edges(images: Tensor) -> list[Tensor]:
    """How far each pixel of ``images [b, h, w]`` is from its neighbour to the right, and from the one below; outside is
    0, the background. Two ``[b, h, w]``.

    Distances say where a border runs whichever side is the darker one, which no weighted sum of pixels does.
    """
    around = ops.pad(images, ((0, 0), (0, 1), (0, 1)))
    return [ops.abs(around[:, :-1, 1:] - images), ops.abs(around[:, 1:, :-1] - images)]


@dataclass(frozen=True)
class ImagesLayout:
    """Images of ``height x width`` pixels, with or without their ``edges``, seen through ``filters`` (a convolution
    each) or as one long row."""

    height: int
    width: int
    filters: tuple[int, ...]
    augmentation: Augmentation
    precision: str
    gamma: float
    edges: bool

    @property
    def distorts(self) -> bool:
        """Whether training batches are augmented."""
        return self.augmentation.draws > 0

    def batch(self, arrays: Arrays, rows: Tensor, weights: Arrays, draws: Tensor | None) -> Tensor:
        """``[1, b, pixels]``, or ``[m, b, features]`` of the convolutions; see ``Layout``."""
        images = ops.cast(ops.take(arrays["pixels"], ops.maximum(rows[0], 0), axis=0), "float32")
        if self.gamma != 1.0:
            images = WHITE * ops.power(images / WHITE, self.gamma)
        images = ops.reshape(images, (-1, self.height, self.width))
        if draws is not None:
            images = distort(images, draws[0], self.augmentation)
            if self.augmentation.mixup:
                images = mix(images, partners(rows[0]), shares(draws[0], self.augmentation))
        units = ops.stack([images, *(edges(images) if self.edges else [])], axis=-1)
        units = (units - arrays["location"]) / arrays["scale"]
        count = ops.shape(units)[0]
        if not self.filters:
            return ops.reshape(units, (1, count, self.features))
        units = ops.reshape(units, (1, count, self.height, self.width, self.channels))
        for layer, filters in enumerate(self.filters):
            kernel, bias = weights[f"filter_{layer}"], weights[f"offset_{layer}"]
            units = convolve(units, kernel, bias, WINDOW, filters, self.precision)
        members = ops.shape(units)[0]
        return ops.reshape(units, (members, count, self.features))

    def mixed(self, rows: Tensor, draws: Tensor | None) -> tuple[Tensor, Tensor] | None:
        """See ``Layout``."""
        if draws is None or not self.augmentation.mixup:
            return None
        return ops.take(rows, partners(rows[0]), axis=1), shares(draws, self.augmentation)

    @property
    def channels(self) -> int:
        """Numbers per pixel."""
        return 3 if self.edges else 1

    @property
    def features(self) -> int:
        """What reaches the first dense layer: each convolution halves height and width."""
        if not self.filters:
            return self.height * self.width * self.channels
        halvings = 2 ** len(self.filters)
        return (self.height // halvings) * (self.width // halvings) * self.filters[-1]

    def project(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        """The matrix product; one batch for all members is broadcast."""
        return PRODUCTS[self.precision](inputs, kernel)


@dataclass(frozen=True)
class Images(SharedBatch):
    """``pixels [n, h, w] uint8`` (they stay bytes until the batch), ``target [1, t]``, ``roles [t, 1]``.

    ``filters``: channels of each convolution, none for a dense network; ``augmentation`` distorts training batches;
    ``precision`` of the products, a key of ``PRODUCTS``; ``gamma``: the power that brightness, from 0 to 1, is raised
    to before it is standardised (below 1 it spreads the dark shades, as a square root does the variance of counts);
    ``edges``: whether its distances from its neighbours are inputs too, see ``images.edges``.
    """

    pixels: np.ndarray
    target: np.ndarray
    roles: np.ndarray
    outputs: int
    augmentation: Augmentation
    filters: tuple[int, ...] = ()
    precision: str = "float32"
    gamma: float = 1.0
    edges: bool = False

    @property
    def rows(self) -> int:
        """``n``."""
        return len(self.pixels)

    @property
    def fan_in(self) -> int:
        """Pixels, or what the convolutions leave of them."""
        return self.layout.features

    @property
    def row_size(self) -> int:
        """The channels of the first convolution, or the pixels."""
        return self.pixels.shape[1] * self.pixels.shape[2] * max([self.layout.channels, *self.filters[:1]])

    @property
    def draws(self) -> int:
        """See ``Source``."""
        return self.augmentation.draws

    @property
    def layout(self) -> ImagesLayout:
        """See ``Source``."""
        height, width = self.pixels.shape[1:]
        return ImagesLayout(height, width, self.filters, self.augmentation, self.precision, self.gamma, self.edges)

    @cached_property
    def _moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of the training pixels' brightness, and of each kind of edge, ``[channels]
        float32``; from counts of shades, so that no float copy is made."""
        train = self.pixels[: len(self.roles)][self.roles[:, 0] == TRAIN]
        shades = np.arange(256) if self.gamma == 1.0 else WHITE * (np.arange(256) / WHITE) ** self.gamma
        counts = [(np.bincount(train.ravel(), minlength=256), shades)]
        if self.edges:
            apart = np.abs(shades[:, None] - shades).ravel()
            counts += [(pairs, apart) for pairs in _pairs(train)]
        means, deviations = [], []
        for count, values in counts:
            mean = float(count @ values) / count.sum()
            means.append(mean)
            deviations.append(float(np.sqrt(count @ (values - mean) ** 2 / count.sum())) or 1.0)
        return np.array(means, np.float32), np.array(deviations, np.float32)

    def arrays(self) -> dict[str, np.ndarray]:
        """See ``Source``."""
        location, scale = self._moments
        return {"pixels": self.pixels, "location": location, "scale": scale}

    def weights(self, initializer: str, generator: np.random.Generator) -> dict[str, np.ndarray]:
        """``filter_l [window * window * channels, channels]`` and ``offset_l [1, channels]``."""
        weights, channels = {}, self.layout.channels
        for layer, filters in enumerate(self.filters):
            weights[f"filter_{layer}"] = initial_kernel(initializer, generator, WINDOW * WINDOW * channels, filters)
            weights[f"offset_{layer}"] = np.zeros((1, filters), np.float32)
            channels = filters
        return weights


def _pairs(images: np.ndarray) -> list[np.ndarray]:
    """How often each shade has each other one to its right, and below it: two ``[256 * 256] int64``."""
    counts = [np.zeros(256 * 256, np.int64) for _ in range(2)]
    for start in range(0, len(images), IMAGES_AT_ONCE):
        around = np.pad(images[start : start + IMAGES_AT_ONCE], ((0, 0), (0, 1), (0, 1))).astype(np.int64)
        here = around[:, :-1, :-1] * 256
        for count, there in zip(counts, (around[:, :-1, 1:], around[:, 1:, :-1]), strict=True):
            count += np.bincount((here + there).ravel(), minlength=256 * 256)
    return counts
