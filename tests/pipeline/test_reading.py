"""The forms that people's files come in: delimiters, encodings, archives, Parquet, decimal commas."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from features.errors import UserError
from pipeline.reading import read_any

PLAIN = "id,name,price\n1,Ann,2.5\n2,Bob,\n"
TABLE = pd.DataFrame({"id": ["1", "2"], "name": ["Ann", "Bob"], "price": ["2.5", None]}, dtype=object)


def zipped(**files: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "."), text)
    return buffer.getvalue()


def read(
    folder: Path, content: bytes, name: str = "train.csv", encoding: str | None = None
) -> tuple[pd.DataFrame, str]:
    said: list[str] = []
    (folder / name).write_bytes(content)
    return read_any(folder / name, encoding, said.append), "\n".join(said)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("plain.csv", PLAIN.encode()),
        ("semicolons.csv", PLAIN.replace(",", ";").encode()),
        ("tabs.tsv", PLAIN.replace(",", "\t").encode("utf-16")),
        ("bars.txt", b"\xef\xbb\xbf" + PLAIN.replace(",", "|").replace("\n", "\r\n").encode()),
        ("train.csv.gz", gzip.compress(PLAIN.encode())),
        ("one.zip", zipped(any__csv=PLAIN)),
        ("train.zip", zipped(test__csv="a,b\n1,2\n", train__csv=PLAIN)),
        ("train.csv.zip", zipped(**{"train__csv": PLAIN, "__MACOSX/._train__csv": "x"})),
    ],
)
def test_one_table_in_many_forms(tmp_path: Path, name: str, content: bytes) -> None:
    frame, said = read(tmp_path, content, name)
    pd.testing.assert_frame_equal(frame, TABLE)
    assert said == ""


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("id,name\n" + "".join(f"{n},Café Müller à la crème brûlée\n" for n in range(9)), "cp1252"),
        ("id,name\n" + "".join(f"{n},김철수와 이영희의 집\n" for n in range(9)), "cp949"),
        ("id,name\n" + "".join(f"{n},Привет как дела сегодня\n" for n in range(9)), "cp1251"),
    ],
)
def test_older_encodings_are_found_or_named(tmp_path: Path, text: str, encoding: str) -> None:
    name = text.split("\n")[1].split(",")[1]
    frame, said = read(tmp_path, text.encode(encoding))
    assert frame["name"][0] == name and "not UTF-8; read as" in said
    frame, said = read(tmp_path, text.encode(encoding), encoding=encoding)
    assert frame["name"][0] == name and said == ""


def test_numbers_with_commas_become_numbers(tmp_path: Path) -> None:
    frame, said = read(tmp_path, b'id;a;b;c\n1;2,5;"1,234";x,y\n2;-3;"10,000,000";z\n')
    assert frame["a"].tolist() == ["2.5", "-3"] and frame["b"].tolist() == ["1234", "10000000"]
    assert frame["c"].tolist() == ["x,y", "z"]
    assert "'a': decimal commas" in said and "'b': commas between thousands" in said


def test_parquet(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="the environment was made before Parquet was read")
    frame = pd.DataFrame(
        {
            "n": [1, 2],
            "x": [0.5, None],
            "d": [pd.Timestamp("2015-03-01"), pd.Timestamp("2015-03-02 10:00")],
            "b": [True, False],
        }
    )
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    found, _ = read(tmp_path, buffer.getvalue(), "t.parquet")
    assert found["n"].tolist() == ["1", "2"] and found["x"].tolist() == ["0.5", None]
    assert found["d"].tolist() == ["2015-03-01", "2015-03-02 10:00:00"] and found["b"].tolist() == ["True", "False"]


@pytest.mark.parametrize(
    ("content", "encoding", "said"),
    [
        (zipped(a__csv=PLAIN, b__csv=PLAIN), None, "holds 2 files (a.csv, b.csv)"),
        (gzip.compress(PLAIN.encode())[:-9], None, "can't be unpacked"),
        (zipped(a__csv=PLAIN)[:60], None, "can't be unpacked"),
        (b"PAR1 no table", None, "Parquet"),
        (PLAIN.encode(), "utf-99", "--encoding 'utf-99' is unknown"),
        ("é".encode("cp1252"), "utf-8", "row 1 holds byte 0xe9"),
        (b"", None, "the file is empty"),
    ],
)
def test_what_cant_be_read(tmp_path: Path, content: bytes, encoding: str | None, said: str) -> None:
    with pytest.raises(UserError) as caught:
        read(tmp_path, content, "train.bin", encoding)
    assert said in str(caught.value) and ("train.bin" in str(caught.value)) == ("--encoding" not in said)
    assert len(str(caught.value).splitlines()) <= 3
