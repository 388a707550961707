"""The forms that people's files come in: delimiters, encodings, archives, Parquet."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import shlex
import sqlite3
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from features.errors import UserError
from pipeline.reading import read_any, read_together

PLAIN = "id,name,price\n1,Ann,2.5\n2,Bob,\n"
TABLE = pd.DataFrame({"id": ["1", "2"], "name": ["Ann", "Bob"], "price": ["2.5", None]}, dtype=object)


def zipped(**files: str | bytes) -> bytes:
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


def read_both(
    folder: Path, train: bytes, test: bytes, encoding: str | None = None
) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    said: list[str] = []
    (folder / "train.csv").write_bytes(train)
    (folder / "test.csv").write_bytes(test)
    (first, nothing, second), _ = read_together(
        [folder / "train.csv", None, folder / "test.csv"], encoding, said.append
    )
    assert nothing is None and first is not None and second is not None
    return first, second, "\n".join(said)


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


@pytest.mark.parametrize("own", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_a_file_that_tells_its_encoding_is_read_by_it(tmp_path: Path, own: str) -> None:
    """One --encoding is for train and test, of which one may be UTF-8."""
    frame, said = read(tmp_path, "id,name\n1,José\n2,김철수\n".encode(own), encoding="cp949")
    assert frame["name"].tolist() == ["José", "김철수"] and "tells its encoding itself, so not read as cp949" in said


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("id,name\n1,é\n".encode(), "utf-8"),
        ("id,name\n1,é\n".encode(), "UTF8"),
        ("id,name\n1,é\n".encode("utf-8-sig"), "utf-8"),
        ("id,name\n1,é\n".encode("utf-8-sig"), "utf-8-sig"),
        # By chance these bytes are UTF-8, too.
        ("id,name\n1,一\n".encode("gb18030"), "gb18030"),
    ],
)
def test_a_file_in_the_encoding_given_is_read_by_it_without_a_word(
    tmp_path: Path, content: bytes, encoding: str
) -> None:
    frame, said = read(tmp_path, content, encoding=encoding)
    assert list(frame) == ["id", "name"] and frame["name"][0] == content.decode(encoding)[-2] and said == ""


def test_one_of_two_files_may_be_utf8_though_its_bytes_make_sense_in_the_encoding_given(tmp_path: Path) -> None:
    table = "id,city\n7,Москва\n"
    train, test, said = read_both(tmp_path, table.encode("cp1251"), table.encode(), "cp1251")
    assert train["city"][0] == test["city"][0] == "Москва"
    assert said == f"note: {tmp_path / 'test.csv'} tells its encoding itself, so not read as cp1251"


def test_letters_may_be_spelt_in_ascii(tmp_path: Path) -> None:
    frame, said = read(tmp_path, "id,name\n1,東京\n".encode("iso2022_jp"), encoding="iso2022_jp")
    assert frame["name"].tolist() == ["東京"] and said == ""


def test_cells_stay_as_they_are_written(tmp_path: Path) -> None:
    frame, said = read(tmp_path, b'id;a;b\n1;2,5;"1,234"\n2;$3;"10,000,000"\n')
    assert frame["a"].tolist() == ["2,5", "$3"] and frame["b"].tolist() == ["1,234", "10,000,000"] and said == ""


CITIES = "id,city\n1,São Paulo\n2,München\n3,Québec\n4,Málaga\n5,Zürich\n6,Besançon\n"


@pytest.mark.parametrize(
    "text",
    [
        CITIES,
        "id,city\n1,Québec\n",
        "id,city\n1,São Paulo\n",
        "id,city\n1,MÜNCHEN\n2,KÖLN\n",
        "id,price\n1,12 €\n2,5 £\n3,“10°C”\n",
    ],
)
def test_western_european_is_read_as_such_however_few_words_there_are(tmp_path: Path, text: str) -> None:
    frame, said = read(tmp_path, text.encode("cp1252"))
    assert frame.iloc[:, 1].tolist() == [line.split(",")[1] for line in text.splitlines()[1:]]
    assert "read as cp1252" in said


@pytest.mark.parametrize(("word", "encoding"), [("Wrocław", "cp1250"), ("Málaga, München, São Paulo", "mac_roman")])
def test_signs_within_words_are_not_western_european(tmp_path: Path, word: str, encoding: str) -> None:
    frame, _ = read(tmp_path, f"id;city\n1;{word}\n2;{word}\n".encode(encoding))
    assert frame["city"][0] == word


def test_train_and_test_have_one_encoding(tmp_path: Path) -> None:
    """A test table of one word is read as the training table is, which tells more."""
    train, test, said = read_both(tmp_path, CITIES.encode("cp1252"), "id,city\n7,São Paulo\n".encode("cp1252"))
    assert test["city"][0] == train["city"][0] == "São Paulo"
    train, test, said = read_both(
        tmp_path,
        ("id,city\n" + "1,Привет как дела сегодня\n" * 9).encode("cp1251"),
        "id,city\n7,Москва\n".encode("cp1251"),
    )
    assert test["city"][0] == "Москва" and said.count("read as cp1251") == 2
    train, test, said = read_both(tmp_path, CITIES.encode("cp1252"), "id,city\n7,Québec\n".encode())
    assert test["city"][0] == train["city"][2] and said.count("not UTF-8") == 1


@pytest.mark.parametrize(("delimiter", "told"), [(";", True), (",", False), ("\t", False)])
def test_semicolons_leave_the_comma_free(tmp_path: Path, delimiter: str, told: bool) -> None:
    for encoding in ("utf-8", "utf-16"):
        for first in ("", f"sep={delimiter}\n"):
            (tmp_path / "t.csv").write_bytes((first + PLAIN.replace(",", delimiter)).encode(encoding))
            assert read_together([tmp_path / "t.csv", None], None, print)[1] == told


def parquet(frame: pd.DataFrame) -> bytes:
    pytest.importorskip("pyarrow", reason="the environment was made before Parquet was read")
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    return buffer.getvalue()


def test_parquet(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "n": [1, 2],
            "x": [0.5, None],
            "d": [pd.Timestamp("2015-03-01"), pd.Timestamp("2015-03-02 10:00")],
            "b": [True, False],
        }
    )
    found, _ = read(tmp_path, parquet(frame), "t.parquet")
    assert found["n"].tolist() == ["1", "2"] and found["x"].tolist() == ["0.5", None]
    assert found["d"].tolist() == ["2015-03-01", "2015-03-02 10:00:00"] and found["b"].tolist() == ["True", "False"]


def test_midnight_keeps_its_time_zone(tmp_path: Path) -> None:
    times = pd.to_datetime(["2015-03-01 00:00", "2015-03-02 10:00"]).tz_localize("Europe/Berlin")
    found, _ = read(tmp_path, parquet(pd.DataFrame({"n": [1, 2], "d": times})), "t.parquet")
    assert found["d"].tolist() == ["2015-03-01 00:00:00+01:00", "2015-03-02 10:00:00+01:00"]


def test_an_index_with_a_name_is_a_column(tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": [7, 8], " name ": [b"Ann", "Bób".encode()], "x": [1.5, None]})
    expected = {"id": ["7", "8"], "name": ["Ann", "Bób"], "x": ["1.5", None]}
    assert read(tmp_path, parquet(frame.set_index("id")))[0].to_dict("list") == expected
    assert list(read(tmp_path, parquet(frame.set_index(["id", "x"])))[0].columns) == ["id", "x", "name"]
    unnamed = frame.set_index(pd.Index([3, 1]))
    assert list(read(tmp_path, parquet(unnamed))[0].columns) == ["id", "name", "x"]


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (pd.DataFrame({"id": [1, 2], "tags": [None, ["a", "b"]]}), "row 3: column 'tags' holds \"['a' 'b']\""),
        (pd.DataFrame({"id": [1], "place": [{"x": 1}]}), "row 2: column 'place' holds \"{'x': 1}\""),
        (pd.DataFrame({"id": [1], "raw": [b"\xff\xfe\xfd"]}), "row 2: column 'raw' holds bytes that are no UTF-8"),
        (pd.DataFrame({"id": [1], "x": [1], " x": [2]}), "column 'x' stands there 2 times"),
        (pd.DataFrame({"id": [1], " ": [1]}), "column 2 has no name"),
    ],
)
def test_parquet_that_is_no_table_of_cells(tmp_path: Path, frame: pd.DataFrame, said: str) -> None:
    with pytest.raises(UserError) as caught:
        read(tmp_path, parquet(frame), "t.parquet")
    assert said in str(caught.value) and "t.parquet" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "encoding", "said"),
    [
        (zipped(a__csv=PLAIN, b__csv=PLAIN), None, "holds 2 files (a.csv, b.csv)"),
        (gzip.compress(PLAIN.encode())[:-9], None, "can't be unpacked"),
        (zipped(a__csv=PLAIN)[:60], None, "can't be unpacked"),
        (bz2.compress(PLAIN.encode()), None, "neither gzip nor zip. Unpack it"),
        (lzma.compress(PLAIN.encode()), None, "neither gzip nor zip. Unpack it"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(99), None, "neither gzip nor zip. Unpack it"),
        (b"PAR1 no table", None, "Parquet"),
        (zipped(**{"[Content_Types]__xml": "x", "xl/workbook__xml": "x"}), None, "a spreadsheet; expected a table of"),
        (zipped(mimetype="x", content__xml="x", meta__xml="x"), None, "Save the sheet as CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(999), None, "a spreadsheet; expected a table of"),
        (b"<!DOCTYPE html>\n<html><title>Sign in</title></html>", None, "a page in HTML or XML; expected a table of"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", None, "with `git lfs pull`"),
        (PLAIN.encode(), "utf-99", "--encoding 'utf-99' is unknown"),
        (PLAIN.encode(), "undefined", "--encoding 'undefined' is unknown"),
        ("é".encode("cp1252"), "utf-8", "row 1 holds byte 0xe9"),
        (b"", None, "the file is empty"),
    ],
)
def test_what_cant_be_read(tmp_path: Path, content: bytes, encoding: str | None, said: str) -> None:
    with pytest.raises(UserError) as caught:
        read(tmp_path, content, "train.bin", encoding)
    assert said in str(caught.value) and ("train.bin" in str(caught.value)) == ("--encoding" not in said)
    assert len(str(caught.value).splitlines()) <= 3


@pytest.mark.parametrize(
    ("name", "form"),
    [
        pytest.param("train.json", {"orient": "records"}, id="list of rows"),
        pytest.param("train.json", {"orient": "columns", "indent": 1}, id="by columns"),
        pytest.param("train.json.gz", {"orient": "records"}, id="packed"),
        pytest.param("train.json.zip", {"orient": "records", "lines": True}, id="lines in zip"),
        pytest.param("train.jsonl", {"orient": "records", "lines": True}, id="lines"),
    ],
)
def test_json_is_told_with_a_command_that_makes_a_csv_file_of_it(
    tmp_path: Path, name: str, form: dict[str, Any]
) -> None:
    table = pd.DataFrame({"id": ["007", "008"], "born_at": ["2014-12-31", "2015-01-01"], "price": [2.5, 1000.0]})
    table.to_json(tmp_path / name, **form)
    with pytest.raises(UserError) as caught:
        read_any(tmp_path / name, None, print)
    said, command = str(caught.value).splitlines()
    assert "JSON" in said and ("JSON lines" in said) == ("lines" in form)
    program, option, code = shlex.split(command)
    assert (program, option) == ("python", "-c")
    exec(code)
    assert read_any(tmp_path / "train.csv", None, print).to_dict("list") == {
        "id": ["007", "008"], "born_at": ["2014-12-31", "2015-01-01"], "price": ["2.5", "1000.0"]
    }  # fmt: skip
    with pytest.raises(FileExistsError):
        exec(code)


@pytest.mark.parametrize("packed", ["", "gzip", "zip"])
@pytest.mark.parametrize("form", ["Feather", "SQLite", "pickle"])
def test_tables_of_other_programs_are_told_with_a_command_that_makes_a_csv_file(
    tmp_path: Path, form: str, packed: str
) -> None:
    table, path = pd.DataFrame({"id": ["007", "008"], "price": [2.5, 1000.0]}), tmp_path / "train.bin"
    if form == "Feather":
        table.to_feather(path)
    elif form == "pickle":
        table.to_pickle(path, compression=None)
    else:
        with contextlib.closing(sqlite3.connect(path)) as base:
            table.to_sql("sales", base, index=False)
    content = path.read_bytes()
    if packed:
        path.write_bytes(gzip.compress(content) if packed == "gzip" else zipped(train=content))
    with pytest.raises(UserError, match=form) as caught:
        read_any(path, None, print)
    said, command = str(caught.value).splitlines()
    assert said.startswith(f"{path}:{'train:' * (packed == 'zip')} ")
    program, option, code = shlex.split(command.replace("TABLE", "sales"))
    assert (program, option) == ("python", "-c")
    exec(code)
    made = {"id": ["007", "008"], "price": ["2.5", "1000.0"]}
    assert read_any(tmp_path / "train.csv", None, print).to_dict("list") == made


def test_the_command_makes_another_file_where_a_table_is_called_csv_though_it_is_none(tmp_path: Path) -> None:
    pd.DataFrame({"id": [1]}).to_json(tmp_path / "train.csv")
    with pytest.raises(UserError, match=r"to_csv\('.*/train_\.csv', index=False"):
        read_any(tmp_path / "train.csv", None, print)


def test_an_archive_of_several_files_is_told_with_a_command_that_unpacks_it(tmp_path: Path) -> None:
    path = tmp_path / "my files.zip"
    path.write_bytes(zipped(train__csv=PLAIN, test__csv=PLAIN))
    (tmp_path / "my files").mkdir()
    with pytest.raises(UserError, match="holds 2 files") as caught:
        read_any(path, None, print)
    program, *options = shlex.split(str(caught.value).splitlines()[1])
    assert program == "python"
    subprocess.run([sys.executable, *options], check=True)
    assert (tmp_path / "my files_" / "train.csv").read_text() == PLAIN


def test_a_tar_archive_is_told(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(PLAIN)
    for mode in ("w", "w:gz"):
        with tarfile.open(tmp_path / "train.tar", mode) as archive:
            archive.add(tmp_path / "train.csv", "train.csv")
        with pytest.raises(UserError, match=r"a tar archive; expected a table of text\. Unpack it \(`tar -xkf /"):
            read_any(tmp_path / "train.tar", None, print)
    (tmp_path / "train.zip").write_bytes(zipped(train__tar=gzip.decompress((tmp_path / "train.tar").read_bytes())))
    with pytest.raises(UserError, match=r"a tar archive; expected a table of text\. Unpack both archives and name"):
        read_any(tmp_path / "train.zip", None, print)


@pytest.mark.parametrize("header", ["<DATE>,<OPEN>", "[id],[age]", '"[","{"', "{id},x"])
def test_brackets_around_names_make_no_other_form(tmp_path: Path, header: str) -> None:
    assert read(tmp_path, f"{header}\n1,2\n".encode())[0].shape == (1, 2)


def test_durations_of_a_parquet_table_are_seconds(tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": [1, 2, 3], "took": pd.to_timedelta([90, 0.5, None], unit="s")})
    frame.to_parquet(tmp_path / "train.parquet")
    assert read_any(tmp_path / "train.parquet", None, print)["took"].tolist() == ["90", "0.5", None]
