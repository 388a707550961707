"""Augmentation: images distorted anew in each batch, so that a network never sees the same picture twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from keras import ops

Tensor = Any

# Random numbers per row: mirror or not, shift across and down, rotation, erase or not, the box's place and size; behind
# these one for the size where images are enlarged, and last one for the share of the other image where they are mixed.
DRAWS = 9


@dataclass(frozen=True)
class Augmentation:
    """How far training images are distorted; all off by default.

    ``flip``: mirror half of them, left to right. ``shift``: up to so many pixels across and down. ``rotation``: up to
    so many degrees either way. ``zoom``: enlarged or reduced by up to this share. ``erase``: share of the images in
    which a box of random size is blanked (random erasing, Zhong et al., 2020). ``mixup``: each image is averaged with
    another of its batch, whose share is uniform from 0 to this, and its loss with the other's label (Zhang et al.,
    2018, who draw the share from a beta distribution).
    """

    flip: bool = False
    shift: float = 0.0
    rotation: float = 0.0
    zoom: float = 0.0
    erase: float = 0.0
    mixup: float = 0.0

    @property
    def draws(self) -> int:
        """Random numbers per row."""
        return DRAWS + (self.zoom > 0) + (self.mixup > 0) if self != Augmentation() else 0


def distort(images: Tensor, draws: Tensor, augmentation: Augmentation) -> Tensor:
    """``images [b, h, w] float32``, ``draws [b, augmentation.draws]`` uniform in [0, 1) -> ``[b, h, w]``; what comes in
    from outside is 0, the background."""
    height, width = images.shape[1], images.shape[2]
    if augmentation.flip:
        images = ops.where((draws[:, 0] < 0.5)[:, None, None], ops.flip(images, axis=2), images)
    if augmentation.shift or augmentation.rotation or augmentation.zoom:
        angle = (2.0 * draws[:, 3] - 1.0) * (augmentation.rotation * 3.141592653589793 / 180.0)
        across = (2.0 * draws[:, 1] - 1.0) * augmentation.shift
        down = (2.0 * draws[:, 2] - 1.0) * augmentation.shift
        scale = 1.0 + (2.0 * draws[:, DRAWS] - 1.0) * augmentation.zoom if augmentation.zoom else None
        images = turn(images, angle, across, down, scale)
    if augmentation.erase:
        box = _box(draws[:, 5], draws[:, 7], height)[:, :, None] * _box(draws[:, 6], draws[:, 8], width)[:, None, :]
        hit = ops.cast(draws[:, 4] < augmentation.erase, images.dtype)[:, None, None]
        images = images * (1.0 - hit * box)
    return images


def partners(rows: Tensor) -> Tensor:
    """Whom each of ``rows [b]`` is mixed with: its neighbour's place in the batch, ``[b]``. The last rows may be -1
    (none), and are nobody's partner."""
    count = ops.sum(ops.cast(rows >= 0, "int32"))
    return (ops.arange(ops.shape(rows)[0], dtype="int32") + 1) % ops.maximum(count, 1)


def shares(draws: Tensor, augmentation: Augmentation) -> Tensor:
    """The partner's share in each image and its loss: ``draws [..., augmentation.draws] -> [...]``."""
    return draws[..., -1] * augmentation.mixup


def mix(images: Tensor, partner: Tensor, share: Tensor) -> Tensor:
    """``images [b, h, w]`` with their share of those at ``partner [b]``."""
    return images + share[:, None, None] * (ops.take(images, partner, axis=0) - images)


def turn(images: Tensor, angle: Tensor, across: Tensor, down: Tensor, scale: Tensor | None = None) -> Tensor:
    """Rotate ``images [b, h, w]`` about their centre by ``angle [b]`` radians, enlarge them to ``scale [b]`` times
    their size, if given, then shift them by ``across`` and ``down`` pixels; bilinear."""
    cosine, sine = ops.cos(angle), ops.sin(angle)
    if scale is not None:
        cosine, sine = cosine / scale, sine / scale
    x, y = (images.shape[2] - 1) / 2.0, (images.shape[1] - 1) / 2.0
    # The map from a place in the result to the place in the image that it shows.
    x0 = x - cosine * (x + across) - sine * (y + down)
    y0 = y + sine * (x + across) - cosine * (y + down)
    nothing = ops.zeros_like(angle)
    transform = ops.stack([cosine, sine, x0, -sine, cosine, y0, nothing, nothing], axis=1)
    return ops.image.affine_transform(
        images[..., None], transform, interpolation="bilinear", fill_mode="constant", fill_value=0.0
    )[..., 0]


def _box(place: Tensor, size: Tensor, length: int) -> Tensor:
    """``[b, length]``: 1 within a stretch of an eighth to a half of ``length`` somewhere on it."""
    extent = length * (0.125 + 0.375 * size)
    begin = place * (length - extent)
    pixel = ops.arange(length, dtype="float32")[None]
    return ops.cast((pixel >= begin[:, None]) & (pixel < (begin + extent)[:, None]), "float32")
