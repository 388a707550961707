"""The idx format of the MNIST family: gzipped big-endian arrays of bytes."""

from __future__ import annotations

import gzip
import zlib

import numpy as np

from features.errors import UserError

# Two zero bytes, the type (8: unsigned byte), the number of axes.
_MAGIC = {1: b"\x00\x00\x08\x01", 3: b"\x00\x00\x08\x03"}
_WORDS = {1: "labels", 3: "images"}


def parse_images(content: bytes, file: str) -> np.ndarray:
    """``[n, height, width] uint8``. Raises ``UserError`` where the file is damaged or holds something else."""
    return _parse(content, file, 3)


def parse_labels(content: bytes, file: str, classes: int) -> np.ndarray:
    """``[n] uint8`` below ``classes``. Raises ``UserError`` with the first place of a label out of range."""
    labels = _parse(content, file, 1)
    wrong = np.flatnonzero(labels >= classes)
    if len(wrong):
        raise UserError(
            f"{file}: label {labels[wrong[0]]} at place {wrong[0] + 1} ({len(wrong)} such); expected 0 to "
            f"{classes - 1}.\nDelete the file and run `dvc repro` to fetch it again."
        )
    return labels


def _parse(content: bytes, file: str, axes: int) -> np.ndarray:
    cure = "Delete the file and run `dvc repro` to fetch it again."
    try:
        raw = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{file}: no whole gzip file ({error}).\n{cure}") from None
    for other, magic in _MAGIC.items():
        if other != axes and raw[:4] == magic:
            raise UserError(f"{file}: holds {_WORDS[other]}, expected {_WORDS[axes]}. Are two files swapped?\n{cure}")
    head = 4 + 4 * axes
    if raw[:4] != _MAGIC[axes] or len(raw) < head:
        raise UserError(f"{file}: begins with {raw[:4].hex(' ')}, expected the idx header of {_WORDS[axes]}.\n{cure}")
    shape = [int(size) for size in np.frombuffer(raw, ">u4", axes, 4)]
    expected = int(np.prod(shape))
    if len(raw) - head != expected:
        raise UserError(
            f"{file}: {len(raw) - head} bytes of {_WORDS[axes]}, but its header announces "
            f"{' x '.join(map(str, shape))} = {expected}.\n{cure}"
        )
    return np.frombuffer(raw, np.uint8, offset=head).reshape(shape)
