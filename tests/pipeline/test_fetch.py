"""Where raw files come from: what lies there already, the mirror, then each address; nothing unpinned."""

from __future__ import annotations

import hashlib
import io
import shutil
import threading
import zipfile
from collections import Counter
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pipeline.demo import write_yaml
from pipeline.fetch import main
from pipeline.params import read_document
from tests.pipeline.kaggle_stand_in import TOKEN, serving, settings

ROOT = Path(__file__).resolve().parents[2]
FILES = {"train.csv": b"id,y\n1,0\n", "test.csv": b"id\n2\n", "sample.csv": b"id,y\n2,0\n"}


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Requests are no part of a test's output."""


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, str]]:
    """A folder and the address that serves it, on this computer alone."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    folder = tmp_path / "served"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}/{{file}}"
    server.shutdown()
    server.server_close()


def run(folder: Path, mirror: Path, *urls: str, files: Any = None, kaggle: str = "", retries: int = 1) -> int:
    """Fetch the three files into ``folder/raw``, with ``retries`` attempts an address."""
    params = read_document(ROOT / "params.yaml")
    params["fetch"] = {"mirror": str(mirror), "retries": retries}
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}
    params["sources"]["titanic"] = {"urls": list(urls), "files": digests if files is None else files, "kaggle": kaggle}
    write_yaml(folder / "params.yaml", params)
    arguments = ["--source", "titanic", "--params", str(folder / "params.yaml"), "--output", str(folder / "raw")]
    return main(arguments)


def fill(folder: Path, files: dict[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def fetched(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "raw").iterdir()}


def test_the_mirror_serves_before_any_address(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(tmp_path / "mirror" / "titanic", FILES)
    assert run(tmp_path, tmp_path / "mirror", "http://127.0.0.1:9/{file}") == 0
    assert fetched(tmp_path) == FILES
    assert "mirror" in capsys.readouterr().out


def test_an_address_serves_where_there_is_no_mirror(tmp_path: Path, served: tuple[Path, str]) -> None:
    fill(served[0], FILES)
    assert run(tmp_path, tmp_path / "absent", served[1]) == 0
    assert fetched(tmp_path) == FILES


def test_a_dead_address_leads_to_the_next(tmp_path: Path, served: tuple[Path, str]) -> None:
    fill(served[0], FILES)
    assert run(tmp_path, tmp_path / "absent", served[1].replace("{file}", "gone/{file}"), served[1]) == 0
    assert fetched(tmp_path) == FILES


@pytest.mark.parametrize(("retries", "code"), [(1, 1), (2, 1), (3, 0)])
def test_an_address_is_tried_as_often_as_asked(
    tmp_path: Path, served: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, retries: int, code: int
) -> None:
    """Each file's first two answers are refusals."""
    waited: list[float] = []
    monkeypatch.setattr("pooch.core.time.sleep", waited.append)
    tried: Counter[str] = Counter()
    answer = Quiet.do_GET

    def grudging(handler: Quiet) -> None:
        tried[handler.path] += 1
        if tried[handler.path] < 3:
            handler.send_error(503)
        else:
            answer(handler)

    monkeypatch.setattr(Quiet, "do_GET", grudging)
    fill(served[0], FILES)
    assert run(tmp_path, tmp_path / "absent", served[1], retries=retries) == code
    if code == 0:
        assert fetched(tmp_path) == FILES and set(tried.values()) == {3} and len(waited) == 2 * len(FILES)
    else:
        assert list(tried.values()) == [retries], "the first file that no source has ends the stage"


def test_a_mirror_with_another_content_is_told_and_left_aside(
    tmp_path: Path, served: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path / "mirror" / "titanic", {**FILES, "test.csv": b"id\n3\n"})
    fill(served[0], FILES)
    assert run(tmp_path, tmp_path / "mirror", served[1]) == 0
    assert fetched(tmp_path) == FILES
    assert "test.csv has SHA-256" in capsys.readouterr().out


def test_a_mirror_that_cannot_be_read_is_told_and_left_aside(
    tmp_path: Path, served: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    fill(served[0], FILES)
    assert run(tmp_path, tmp_path / ("m" * 300), served[1]) == 0
    assert fetched(tmp_path) == FILES
    assert capsys.readouterr().out.count("could not be read (File name too long); left aside") == 3


def test_a_download_with_another_content_is_refused(
    tmp_path: Path, served: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    fill(served[0], {**FILES, "train.csv": b"<html>please log in</html>"})
    assert run(tmp_path, tmp_path / "absent", served[1]) == 1
    assert "another SHA-256" in capsys.readouterr().err
    assert not (tmp_path / "raw" / "train.csv").exists()


def test_files_of_the_users_own_win(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = {**FILES, "train.csv": b"id,y\n1,1\n"}
    fill(tmp_path / "raw", own)
    fill(tmp_path / "mirror" / "titanic", FILES)
    assert run(tmp_path, tmp_path / "mirror") == 0
    assert fetched(tmp_path) == own
    told = [line for line in capsys.readouterr().out.split("\n") if "your own" in line]
    assert len(told) == 1
    assert "train.csv" in told[0]


def test_nothing_reachable_names_the_cures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, tmp_path / "absent", "http://127.0.0.1:9/{file}") == 1
    message = capsys.readouterr().err
    for cure in ("Put the file there", "fetch.mirror", "make demo"):
        assert cure in message
    assert "Traceback" not in message
    assert len(message.strip().split("\n")) <= 3


def zipped(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


def test_kaggles_own_client_serves_where_there_are_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The real client, a stand-in for Kaggle; one file comes zipped, as Kaggle does with larger ones, one is not the
    pinned one."""
    dead = "http://127.0.0.1:9/{file}"
    with serving() as kaggle:
        for name, value in settings(kaggle, tmp_path / "home").items():
            monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name, raising=False)
        kaggle.files = {**FILES, "test.csv": b"another"}
        assert run(tmp_path, tmp_path / "absent", dead, kaggle="titanic") == 1
        told = capsys.readouterr()
        assert "Kaggle's titanic has SHA-256" in told.out
        assert "signature" not in told.out + told.err and TOKEN not in told.out + told.err
        kaggle.files = {**FILES, "test.csv": zipped("test.csv", FILES["test.csv"])}
        assert run(tmp_path, tmp_path / "absent", dead, kaggle="titanic") == 0
        assert fetched(tmp_path) == FILES
        shutil.rmtree(tmp_path / "raw")
        kaggle.refusals["DownloadDataFile"] = (403, "You must accept this competition's rules")
        assert run(tmp_path, tmp_path / "absent", dead, kaggle="titanic") == 1
        assert "competitions/titanic/rules" in capsys.readouterr().err
        monkeypatch.delenv("KAGGLE_API_TOKEN")
        kaggle.calls.clear()
        assert run(tmp_path, tmp_path / "absent", dead, kaggle="titanic") == 1
        assert kaggle.calls == []


def test_either_of_two_valid_hashes_will_do(tmp_path: Path, served: tuple[Path, str]) -> None:
    fill(served[0], FILES)
    digests = {name: [hashlib.sha256(b"another zip of the same").hexdigest()] for name in FILES}
    for name, content in FILES.items():
        digests[name].append(hashlib.sha256(content).hexdigest())
    assert run(tmp_path, tmp_path / "absent", served[1], files=digests) == 0
    assert fetched(tmp_path) == FILES


@pytest.mark.parametrize(
    ("files", "told"),
    [
        pytest.param({"train.csv": "123"}, "SHA-256", id="no hash"),
        pytest.param({"../train.csv": "0" * 64}, "plain file name", id="leaves the folder"),
        pytest.param({}, "is empty", id="no file"),
    ],
)
def test_a_source_that_makes_no_sense_is_refused(
    files: dict[str, str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, tmp_path / "absent", files=files) == 1
    assert told in capsys.readouterr().err
