"""Written whole or not at all, and the same bytes each time."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.contracts.tables import parse_table
from features.errors import UserError
from pipeline import files

NEW = b"n" * 10_000


def test_a_file_is_replaced_in_one_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the last moment the older file lies there untouched, and then the newer one is complete beside it."""
    path = tmp_path / "result.csv"
    path.write_bytes(b"older")
    replace, seen = os.replace, []

    def watched(temporary: str, target: Path) -> None:
        seen.append((path.read_bytes(), Path(temporary).read_bytes(), Path(temporary).parent))
        replace(temporary, target)

    monkeypatch.setattr(os, "replace", watched)
    files.write_bytes(path, NEW)
    assert seen == [(b"older", NEW, tmp_path)]
    assert path.read_bytes() == NEW
    assert [file.name for file in tmp_path.iterdir()] == ["result.csv"]


@pytest.mark.parametrize("fails", ["fsync", "replace"])
def test_a_full_disk_loses_nothing(fails: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "result.csv"
    path.write_bytes(b"older")

    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, fails, full)
    with pytest.raises(UserError, match=r"result.csv: could not be written \(No space left on device\)"):
        files.write_bytes(path, NEW)
    assert path.read_bytes() == b"older"
    assert [file.name for file in tmp_path.iterdir()] == ["result.csv"]


def test_ctrl_c_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        files.write_bytes(tmp_path / "new" / "result.csv", NEW)
    assert list((tmp_path / "new").iterdir()) == []


def test_a_folder_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(UserError, match="could not be written"):
        files.write_bytes(tmp_path / "taken" / "result.csv", NEW)


def test_json_is_sorted_and_refuses_what_is_no_json(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    files.write_json(path, {"b": np.float64(0.5), "a": np.arange(2), "c": Path("x/y"), "d": "é"})
    written = path.read_text(encoding="utf-8")
    assert " ".join(written.split()) == '{ "a": [ 0, 1 ], "b": 0.5, "c": "x/y", "d": "é" }'
    assert files.read_json(path) == {"a": [0, 1], "b": 0.5, "c": "x/y", "d": "é"}
    before = path.read_bytes()
    for value in (float("nan"), float("inf")):
        with pytest.raises(ValueError):
            files.write_json(path, {"a": value})
    with pytest.raises(TypeError, match="set can't be written"):
        files.write_json(path, {"a": {1}})
    assert path.read_bytes() == before


def test_arrays_come_back_and_give_the_same_bytes(tmp_path: Path) -> None:
    arrays = {"b": np.arange(3, dtype=np.int8), "a": np.array(["x", "yy"])}
    files.write_npz(tmp_path / "1.npz", arrays)
    files.write_npz(tmp_path / "2.npz", dict(reversed(arrays.items())))
    assert (tmp_path / "1.npz").read_bytes() == (tmp_path / "2.npz").read_bytes()
    found = files.read_npz(tmp_path / "1.npz")
    assert found["b"].dtype == np.int8 and found["a"].tolist() == ["x", "yy"]


def test_nothing_pickled_is_written_or_read(tmp_path: Path) -> None:
    objects = np.array([{"a": 1}], dtype=object)
    with pytest.raises(ValueError):
        files.write_npz(tmp_path / "a.npz", {"a": objects})
    np.savez(tmp_path / "b.npz", a=objects)
    with pytest.raises(UserError, match="not an npz archive of arrays"):
        files.read_npz(tmp_path / "b.npz")


def test_tables_keep_ten_digits_and_come_back(tmp_path: Path) -> None:
    frame = pd.DataFrame({"name": ["a", "b"], "value": [1 / 3, 2.0]})
    files.write_csv(tmp_path / "a.csv", frame)
    assert (tmp_path / "a.csv").read_bytes() == b"name,value\na,0.3333333333\nb,2\n"
    assert files.read_csv(tmp_path / "a.csv")["value"].tolist() == [0.3333333333, 2.0]


def test_a_class_spelt_as_missing_is_a_class(tmp_path: Path) -> None:
    files.write_csv(tmp_path / "a.csv", pd.DataFrame({"actual": ["NA", "None", "null"], "share": [0.5, None, 1.0]}))
    back = files.read_csv(tmp_path / "a.csv")
    assert back["actual"].tolist() == ["NA", "None", "null"]
    assert back["share"].isna().tolist() == [False, True, False]


@pytest.mark.parametrize("end", ["\r", "\r\n", "\n"])
def test_a_line_end_within_a_cell_comes_back(end: str, tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": ["1", "2"], f"na{end}me": [f"a{end}b", None], "x": ["0.5", f"{end}c"]}, dtype=object)
    files.write_csv(tmp_path / "a.csv", frame)
    content = (tmp_path / "a.csv").read_bytes()
    pd.testing.assert_frame_equal(parse_table(content, "a.csv"), frame)
    if "\r" not in end:
        assert content == b'id,"na\nme",x\n1,"a\nb",0.5\n2,,"\nc"\n'


@pytest.mark.parametrize("read", [files.read_json, files.read_npz, files.read_csv], ids=["json", "npz", "csv"])
@pytest.mark.parametrize("content", [b"", b"\x00\xff{", None], ids=["empty", "damaged", "missing"])
def test_what_cannot_be_read_is_one_error(read: object, content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    if read is files.read_csv and content == b"\x00\xff{":
        path.write_bytes(b"a,b\n1,2\n1,2,3\n")
    with pytest.raises(UserError, match="file: "):
        read(path)  # type: ignore[operator]


def test_a_damaged_archive_is_one_error(tmp_path: Path) -> None:
    """Cut anywhere, or with a wrong bit anywhere."""
    path = tmp_path / "a.npz"
    files.write_npz(path, {"a": np.arange(9), "b": np.arange(2)})
    whole = path.read_bytes()
    with_a_fault = [whole[:at] + bytes([whole[at] ^ 8]) + whole[at + 1 :] for at in range(len(whole))]
    for content in [whole[: len(whole) // 2], whole[:-1]]:
        path.write_bytes(content)
        with pytest.raises(UserError, match=r"a\.npz: not an npz archive of arrays"):
            files.read_npz(path)
    for content in with_a_fault:
        path.write_bytes(content)
        with contextlib.suppress(UserError):  # a wrong time of writing does no harm
            files.read_npz(path)


def test_no_two_lists_of_parts_share_a_fingerprint() -> None:
    assert files.fingerprint("ab", "c") != files.fingerprint("a", "bc") != files.fingerprint("abc")
    assert files.fingerprint("é") == files.fingerprint("é".encode())
