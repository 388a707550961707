"""Film reviews from the files of the IMDB data set. They hold pickled lists, so their hash is checked before they are
opened: unpickling runs whatever a file tells it to."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from features.errors import UserError
from features.reviews.words import check_index, check_labels, flatten
from pipeline.files import read_bytes

ARRAYS, INDEX = "imdb.npz", "imdb_word_index.json"
NAMES = ("x_train", "y_train", "x_test", "y_test")


@dataclass(frozen=True)
class Reviews:
    """Training reviews, then test reviews: ``starts [n + 1] int64``, ``ranks [w] int32`` of their words, ``labels [n]``
    (1 for, 0 against); ``trained``: how many are for training; ``words``: the word of each rank, from 1."""

    starts: np.ndarray
    ranks: np.ndarray
    labels: np.ndarray
    trained: int
    words: list[str]


def read_reviews(folder: Path, digests: Mapping[str, Sequence[str]]) -> Reviews:
    """Read both files, whose SHA-256 must be one of ``digests[name]``.

    Raises ``UserError`` on another content (nothing is unpickled then), on labels other than 0 and 1 and on words that
    the index has not.
    """
    index_path, path = folder / INDEX, folder / ARRAYS
    try:
        index = check_index(json.loads(pinned(index_path, digests)), str(index_path))
    except ValueError as error:
        raise UserError(f"{index_path}: not JSON ({error}).") from None
    arrays = unpickle(pinned(path, digests), str(path))
    parts = [flatten(arrays[name], len(index), f"{path}, {name}") for name in ("x_train", "x_test")]
    labels = [
        check_labels(arrays[f"y_{part}"], len(arrays[f"x_{part}"]), f"{path}, y_{part}") for part in ("train", "test")
    ]
    starts = np.concatenate([parts[0][0], parts[1][0][1:] + parts[0][0][-1]])
    ranks = np.concatenate([part[1] for part in parts])
    return Reviews(starts, ranks, np.concatenate(labels), len(labels[0]), sorted(index, key=index.__getitem__))


def pinned(path: Path, digests: Mapping[str, Sequence[str]]) -> bytes:
    """The file's content; raises ``UserError`` where its SHA-256 is none of ``digests[name]``."""
    content = read_bytes(path)
    found, valid = hashlib.sha256(content).hexdigest(), digests.get(path.name, ())
    if found not in valid:
        wanted = " or ".join(f"{each[:8]}..." for each in valid) or "one in sources.imdb.files of params.yaml"
        raise UserError(
            f"{path}: {len(content)} bytes with SHA-256 {found[:8]}..., expected {wanted}. Not opened, since it "
            f"may hold pickled code.\nDelete it and run `dvc repro fetch@imdb`, or add the hash to sources.imdb.files "
            f"in params.yaml if you trust the file."
        )
    return content


def unpickle(content: bytes, where: str) -> dict[str, np.ndarray]:
    """The four arrays of a file whose hash was checked."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=True) as archive:
            arrays = {name: archive[name] for name in NAMES}
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile, pickle.UnpicklingError) as error:
        raise UserError(f"{where}: not an npz archive with {', '.join(NAMES)} ({error}).") from None
    return arrays
