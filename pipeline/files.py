"""The one writer of files: atomic, sorted, stable, so that the same content is always the same bytes.

A file is written beside its target under a temporary name and moved over it when complete, so an older result stays
as it was until the newer one is whole.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from features.errors import UserError

if TYPE_CHECKING:
    import pandas as pd


def write_bytes(path: Path, content: bytes | memoryview) -> None:
    """Replace ``path`` by ``content`` in one step. Raises ``UserError`` where the disk refuses."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UserError(
            f"{path}: could not be written ({error.strerror or error}). Free some space or check the folder's rights; "
            "an older file, if there was one, is unchanged."
        ) from error


def write_json(path: Path, content: Any) -> None:
    """Write sorted, indented JSON; floats as Python prints them, NaN and infinities refused (``ValueError``)."""
    text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False, default=_plain)
    write_bytes(path, (text + "\n").encode())


def write_csv(path: Path, frame: pd.DataFrame) -> None:
    """Write a frame as ``csv_bytes`` has it."""
    write_bytes(path, csv_bytes(frame))


def csv_bytes(frame: pd.DataFrame) -> bytes:
    """A frame without its index, ``\\n`` line ends, floats with ten significant digits."""
    form: dict[str, Any] = {"index": False, "lineterminator": "\n", "float_format": "%.10g"}
    text = frame.to_csv(**form)
    # A line end to every reader, but no reason for quotes to some versions of Python.
    if "\r" in text:
        text = frame.to_csv(**form, quoting=csv.QUOTE_ALL)
    return text.encode()


def write_npz(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays uncompressed, in name order, never pickled (object arrays raise ``ValueError``)."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **{name: np.asarray(arrays[name]) for name in sorted(arrays)})
    write_bytes(path, buffer.getbuffer())  # the value would be a copy


def read_bytes(path: Path) -> bytes:
    """Raises ``UserError`` where the file is missing or can't be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise UserError(f"{path}: no such file. Check the path, or run `dvc repro` if a stage makes it.") from None
    except OSError as error:
        raise UserError(f"{path}: could not be read ({error.strerror or error}).") from error


def read_csv(path: Path) -> pd.DataFrame:
    """A report of ours, as ``write_csv`` wrote it: only an empty cell is missing, for a class may be spelt ``NA``.

    Raises ``UserError`` where the file is missing or no CSV.
    """
    import pandas as pd

    content = read_bytes(path)
    try:
        return pd.read_csv(io.BytesIO(content), keep_default_na=False, na_values=[""])
    except (ValueError, pd.errors.ParserError) as error:
        raise UserError(f"{path}: not a table ({error}). Delete it and run `dvc repro`.") from error


def read_json(path: Path) -> Any:
    """Raises ``UserError`` where the file is missing or no JSON."""
    try:
        return json.loads(read_bytes(path))
    except ValueError as error:
        raise UserError(f"{path}: not JSON ({error}). Delete it and run `dvc repro`.") from error


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """Raises ``UserError`` where the file is missing or no npz archive of plain arrays."""
    try:
        with np.load(io.BytesIO(read_bytes(path)), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    # RuntimeError and NotImplementedError: a bit is wrong where the archive says how it is packed.
    except (ValueError, OSError, EOFError, KeyError, RuntimeError, NotImplementedError, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: not an npz archive of arrays ({error}). Delete it and run `dvc repro`.") from error


def sha256(path: Path) -> str:
    """Of the file's content. Raises ``UserError`` where the file is missing or can't be read."""
    return hashlib.sha256(read_bytes(path)).hexdigest()


def fingerprint(*parts: bytes | str) -> str:
    """SHA-256 over the parts, each preceded by its length so that no two lists of parts collide."""
    digest = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        digest.update(str(len(content)).encode() + b":" + content)
    return digest.hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Path):
        return value.as_posix()
    raise TypeError(f"{type(value).__name__} can't be written as JSON")
