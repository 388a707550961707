"""Where measurements are kept, so that a run that was broken off goes on where it was."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.chain import ROOT
from pipeline.files import fingerprint, read_bytes


def folder(cache: Path, own: Sequence[Path]) -> Path:
    """A folder under ``cache`` that is another one where the product, or one of the measurement's ``own`` files, is."""
    product = [*(ROOT / "pipeline").rglob("*.py"), *(ROOT / "features").rglob("*.py"), ROOT / "params.yaml"]
    return folder_of_files(cache, [*product, *own])


def folder_of_files(cache: Path, own: Sequence[Path]) -> Path:
    """A folder under ``cache`` that is another one where one of the ``own`` files is: for what no more depends on.

    Files come in the order of their names, so that it does not matter where a checkout or a temporary folder lies.
    """
    return cache / fingerprint(*map(read_bytes, sorted(own, key=lambda path: (path.name, path))))[:16]
