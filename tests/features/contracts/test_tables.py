"""Encodings, delimiters and damage of delimited files."""

from __future__ import annotations

import pytest

from features.contracts.tables import guessed, parse_table
from features.errors import UserError

TABLE = 'id,name\n1,"Kim, 철수"\n2,\n3, \n'


@pytest.mark.parametrize(
    "content",
    [
        TABLE.encode(),
        TABLE.encode("utf-8-sig"),
        TABLE.encode("utf-16"),
        TABLE.encode("cp949"),
        TABLE.replace("\n", "\r\n").encode(),
        (TABLE + "\n\n").encode(),
        (TABLE + "\n  \n\t\n").encode(),
    ],
    ids=["utf-8", "bom", "utf-16", "cp949", "crlf", "blank end", "end of blanks"],
)
def test_every_encoding_gives_the_same_strings(content: bytes) -> None:
    frame = parse_table(content, "t.csv")
    assert list(frame.columns) == ["id", "name"]
    assert frame["id"].tolist() == ["1", "2", "3"]
    assert frame["name"][0] == "Kim, 철수"
    assert frame["name"].isna().tolist() == [False, True, True]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_needs_no_mark(encoding: str) -> None:
    assert parse_table("a,b\n1,x\n".encode(encoding), "t.csv").to_dict("list") == {"a": ["1"], "b": ["x"]}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter: str) -> None:
    content = "a,b,c\n1,x,2.5\n".replace(",", delimiter).encode()
    assert parse_table(content, "t.csv").iloc[0].tolist() == ["1", "x", "2.5"]


def test_commas_inside_semicolons_stay_in_their_cells() -> None:
    assert parse_table(b"a;b\n1,5;2,5\n2,5;3,5\n", "t.csv")["a"].tolist() == ["1,5", "2,5"]


def test_a_quoted_cell_may_hold_line_ends_and_quotes() -> None:
    assert parse_table(b'a,b\n"x\ny","say ""hi"""\n', "t.csv").iloc[0].tolist() == ["x\ny", 'say "hi"']


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", ["empty"]),
        (b" \n\n", ["empty"]),
        (b"a,b\n", ["row 1", "no data row"]),
        (b"a b\n1 2\n", ["row 1", "'a b'", "one column"]),
        (b"a,a\n1,2\n", ["row 1", "'a'", "columns 1, 2"]),
        (b",b\n1,2\n", ["row 1", "column 1 has no name", "index=False"]),
        (b"a,b,\n1,2,\n", ["row 1", "column 3 has no name", "a delimiter at the end of each row makes an empty one"]),
        (b"6,0.5,0.5,x\n1,2,3,y\n", ["'0.5' seems to be a value: if row 1 is no header, write the columns' names"]),
        (b"a,b\n1,2\n1,2,3\n1\n", ["row 3", "3 cells", "expected 2", "2 such rows", "Quote"]),
        (b"a,b\n1,2\n\n1,2\n", ["row 3", "blank"]),
        (b"a,b\n1,2\n  \n1,2\n", ["row 3", "blank"]),
        (b"\n\na,b\n1,2\n", ["row 1", "blank", "Delete it"]),
        (b'a,b\n1,2\n1,"2\n', ["row 3", "quotes"]),
        (b"a,b\n1,2\n1,\xff\n", ["row 3", "0xff", "UTF-8"]),
        (b"a,b\n1,2\n1,\x00\n", ["row 3", "zero byte"]),
        (b'a,b\n1,"x\ny\nz"\n1,\xff\n', ["row 3", "0xff"]),
        (b'a;b\n1;"x\ny, \xff"\n', ["row 2", "0xff"]),
        (b'a,b\n5" pipe,"x\ny"\n1,\x00\n', ["row 3", "zero byte"]),
        (b"\xff,b\n1,2\n", ["row 1", "0xff"]),
        (b"a,b\n1,2\n\xff,2\n", ["row 3", "0xff"]),
    ],
)
def test_damage_is_named_with_its_row(content: bytes, said: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        parse_table(content, "t.csv")
    message = str(caught.value)
    assert message.startswith("t.csv") and len(message.splitlines()) <= 3
    for words in said:
        assert words in message


def test_a_guess_at_the_encoding_can_be_told() -> None:
    """Western European capitals before a letter are Korean syllables too."""
    content = 'id,name\n1,"a\nb"\n2,Ärger\n'.encode("latin-1")
    assert parse_table(content, "t.csv")["name"][1] == "훣ger"
    assert guessed(content, "t.csv") == ("CP949", "훣ger", 3)
    assert guessed(TABLE.encode("cp949"), "t.csv") == ("CP949", "철수", 2)
    for told in (TABLE.encode(), TABLE.encode("utf-8-sig"), TABLE.encode("utf-16"), b"a,b\n1,2\n"):
        assert guessed(told, "t.csv") is None


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "SEP=;"])
def test_a_first_line_may_name_the_delimiter(first: str) -> None:
    """As spreadsheets write it; they hide it, so the header is row 1."""
    content = f"{first}\r\na;b,c\r\n1;2\r\n".encode()
    for encoded in (content, b"\xef\xbb\xbf" + content, content.decode().encode("utf-16")):
        assert parse_table(encoded, "t.csv").to_dict("list") == {"a": ["1"], "b,c": ["2"]}
    with pytest.raises(UserError, match="t.csv, row 3: 1 cells"):
        parse_table(content + b"3\r\n", "t.csv")
    with pytest.raises(UserError, match="t.csv, row 3: byte 0xff"):
        parse_table(content + b"3;\xff\r\n", "t.csv")
    assert parse_table(b"sep=\t\na\tb\n1\t2\n", "t.csv").columns.tolist() == ["a", "b"]
