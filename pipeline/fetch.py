"""Stage ``fetch``: raw files, each pinned by its SHA-256, from the first source that has them."""

from __future__ import annotations

import argparse
import hashlib
import logging
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from features.errors import UserError
from pipeline import kaggle_client, stage
from pipeline.files import read_bytes, write_bytes
from pipeline.params import load_block, load_source
from pipeline.settings import Fetch, Source


def main(argv: Sequence[str] | None = None) -> int:
    """Fetch the files of one source; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.fetch", description=__doc__)
    parser.add_argument("--source", required=True, help="name under `sources` in params.yaml")
    parser.add_argument("--params", type=Path, required=True, help=stage.PARAMS)
    parser.add_argument("--output", type=Path, required=True, help="folder for the raw files")
    return stage.run(parser, fetch, argv)


def fetch(arguments: argparse.Namespace) -> None:
    """Put every file into the output folder; a file that lies there already wins."""
    settings: Fetch = load_block(arguments.params, "fetch")[1]
    source = load_source(arguments.params, arguments.source)
    for name, digests in source.files.items():
        path = arguments.output / name
        if path.exists():
            same = hashlib.sha256(read_bytes(path)).hexdigest() in digests
            print(f"fetch: {path} kept" + ("" if same else " (your own: its SHA-256 is not the pinned one)"))
            continue
        refusals: list[str] = []
        for place, content in candidates(settings, source, arguments.source, name, refusals):
            found = hashlib.sha256(content).hexdigest()
            if found in digests:
                write_bytes(path, content)
                print(f"fetch: {path} from {place}")
                break
            refusals.append(f"{place} has SHA-256 {found[:8]}..., expected {digests[0][:8]}...")
            # Said even where a later source helps: a mirror that went bad is worth knowing.
            print(f"fetch: {refusals[-1]}; left aside")
        else:
            raise UserError(
                f"{path}: no source has it ({'; '.join(refusals) or 'none is named'}).\n"
                f"Put the file there yourself, name a folder that holds {arguments.source}/{name} in params.yaml "
                f"(fetch.mirror), or try `make demo`, which needs no files."
            )


def candidates(
    settings: Fetch, source: Source, name: str, file: str, refusals: list[str]
) -> Iterator[tuple[str, bytes]]:
    """Contents by place: the mirror, Kaggle (where the source is a competition and there are credentials), the
    addresses; places that fail add a line to ``refusals``."""
    local = Path(settings.mirror) / name / file
    try:
        yield str(local), local.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        refusals.append(f"no {local}")
    except OSError as error:
        refusals.append(f"{local} could not be read ({error.strerror or error})")
        print(f"fetch: {refusals[-1]}; left aside")
    if source.kaggle and kaggle_client.has_credentials():
        try:
            yield f"Kaggle's {source.kaggle}", kaggle_client.download(source.kaggle, file)
        except UserError as error:
            refusals.append(str(error).rstrip("."))
    for url in source.urls:
        address = url.replace("{file}", file)
        try:
            yield address, download(address, source.files[file], settings.retries)
        except ValueError:  # pooch's word for a hash that does not match
            refusals.append(f"{address} has another SHA-256 than {source.files[file][0][:8]}...")
            print(f"fetch: {refusals[-1]}; left aside")
        except Exception as error:  # whatever the network does, the next source is tried and the reason is told
            refusals.append(f"{address}: {_short(error)}")


def download(address: str, digests: Sequence[str], retries: int) -> bytes:
    """The content at ``address``; a progress bar on a terminal, ``retries`` attempts, the hash checked.

    Raises ``ValueError`` where the content has none of the ``digests``.
    """
    import pooch  # needed only where no mirror has the file

    pooch.get_logger().setLevel(logging.ERROR)
    # pooch knows one hash a file. With several valid ones the caller's check, which comes anyway, has to do.
    known = digests[0] if len(digests) == 1 else None
    with tempfile.TemporaryDirectory() as folder:
        keeper = pooch.create(
            path=folder, base_url="", registry={"file": known}, urls={"file": address}, retry_if_failed=retries - 1
        )
        bar = sys.stderr.isatty()
        downloader = pooch.HTTPDownloader(progressbar=bar, timeout=30)
        return Path(keeper.fetch("file", downloader=downloader)).read_bytes()


def _short(error: Exception) -> str:
    """The first line of an error, without the object addresses that some libraries print."""
    words = (str(error) or type(error).__name__).splitlines()[0]
    return words if len(words) <= 100 else f"{type(error).__name__}"


if __name__ == "__main__":
    raise SystemExit(main())
