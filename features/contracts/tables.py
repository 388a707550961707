"""From the bytes of a delimited file to a frame of strings: encoding and delimiter are found, and ``guessed`` says
where the encoding may be another.

Every message counts rows the way a spreadsheet does: the header is row 1, the first data row is row 2.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import re
from collections import Counter
from collections.abc import Iterable

import pandas as pd

from features.errors import UserError, quoted

DELIMITERS = (",", ";", "\t", "|")
_DELIMITER_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_MAX_CELL = 1 << 24
# Records looked at to find the delimiter: enough to be sure, few enough to be quick on a big file.
_PROBED = 200
_SEP = re.compile(r'"?sep=(?P<sign>[^\w\s"]|\t)"?[ ]*\r?\n', re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?[0-9]*\.?[0-9]+")
_BEYOND_ASCII = re.compile(r"[^\W\d_]*[^\x00-\x7f][^\W\d_]*")


def parse_table(content: bytes, file: str, header_only: bool = False) -> pd.DataFrame:
    """The table in ``content``: ``[n, columns]``, every cell a ``str``, empty (or blank) cells ``None``.

    UTF-8, UTF-16 and CP949 are read, with or without a byte order mark; the delimiter is a comma, semicolon, tab or
    bar. Raises ``UserError`` (with ``file``, row and cure) where the file is empty or (unless ``header_only`` says that
    this will do) holds a header only, where no delimiter makes columns of it, on blank rows before others, on duplicate
    or empty column names, on ragged rows and on undecodable bytes.
    """
    csv.field_size_limit(_MAX_CELL)
    text = _decode(content, file)[0]
    if not text.strip():
        raise UserError(f"{file}: the file is empty; expected a header row and data rows. Put the full file there.")
    told, text = _told_delimiter(text)
    delimiter = told or _delimiter(text, file)
    records = _records(text, delimiter, file)
    header = [name.strip() for name in records[0][1]]
    _check_header(header, file)
    rows = records[1:]
    if not rows and not header_only:
        raise UserError(
            f"{file}: row 1 is a header of {len(header)} columns and no data row follows; expected one row or more. "
            "Put the full file there."
        )
    _check_width(rows, header, delimiter, file)
    cells = [[cell if cell.strip() else None for cell in record] for _, record in rows]
    return pd.DataFrame(cells, columns=header, dtype=object)


def _told_delimiter(text: str) -> tuple[str, str]:
    """The delimiter that a first line ``sep=;`` names, as spreadsheets write and hide it, and the text behind that
    line; "" and all of it where there is none."""
    match = _SEP.match(text)
    return (match["sign"], text[match.end() :]) if match else ("", text)


def guessed(content: bytes, file: str) -> tuple[str, str, int] | None:
    """The encoding that ``content`` is read in though other ones would read it too, the first word that this makes and
    its row; None where the bytes leave no choice."""
    text, encoding = _decode(content, file)
    word = _BEYOND_ASCII.search(text) if encoding == "cp949" else None
    return (encoding.upper(), word.group(), _row(text[: word.start()])) if word else None


def _decode(content: bytes, file: str) -> tuple[str, str]:
    """The text, and the encoding that it was read in."""
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if content.startswith(mark):
            return _decoded(content[len(mark) :], [name], file)
    # Text in Latin letters, digits and delimiters has a zero in every second byte when it is UTF-16 without a mark.
    probe = content[:4096]
    if len(probe) >= 2 and probe.count(0) > len(probe) // 4:
        return _decoded(content, ["utf-16-le" if probe[1::2].count(0) >= probe[::2].count(0) else "utf-16-be"], file)
    text, encoding = _decoded(content, ["utf-8", "cp949"], file)
    if "\0" in text:
        row = _row(text[: text.index("\0")])
        raise UserError(f"{file}, row {row}: a zero byte, so this is no text file. Export it again as CSV in UTF-8.")
    return text, encoding


def _decoded(content: bytes, encodings: list[str], file: str) -> tuple[str, str]:
    worst: UnicodeDecodeError | None = None
    for encoding in encodings:
        try:
            return content.decode(encoding), encoding
        except UnicodeDecodeError as error:
            worst = worst or error
    assert worst is not None
    row = _row(content[: worst.start].decode(worst.encoding))
    raise UserError(
        f"{file}, row {row}: byte 0x{content[worst.start]:02x} is text in none of UTF-8, UTF-16 and CP949. "
        "Save the file again as CSV in UTF-8."
    )


def _row(before: str) -> int:
    """The row in which the text ``before`` ends: a cell in quotes may hold line ends."""
    told, before = _told_delimiter(before)
    # With a sign of what follows, for behind a line end another row begins.
    reader = csv.reader(io.StringIO(before + "?", newline=""), delimiter=told or _likeliest(before) or ",")
    rows = 0
    try:
        for _ in reader:
            rows += 1
    except csv.Error:
        rows += 1
    return rows


def _delimiter(text: str, file: str) -> str:
    best = _likeliest(text)
    if not best:
        header = text.strip().splitlines()[0]
        raise UserError(
            f"{file}, row 1: {quoted(header, 60)} is one column only, with each of comma, semicolon, tab and bar as "
            "the delimiter. Expected two columns or more; export the file again with commas."
        )
    return best


def _likeliest(text: str) -> str:
    """The delimiter by which most rows have as many cells as the header; "" where it is one cell with each."""
    best, best_score = "", 0.0
    for delimiter in DELIMITERS:
        widths = [len(record) for record in _probe(text, delimiter)]
        if widths and widths[0] > 1:
            # Rows that agree with the header count first; more columns break a tie ("a;b,c" may be cut at either).
            score = sum(width == widths[0] for width in widths) / len(widths) + min(widths[0], 1000) * 1e-6
            if score > best_score:
                best, best_score = delimiter, score
    return best


def _probe(text: str, delimiter: str) -> list[list[str]]:
    records: list[list[str]] = []
    with contextlib.suppress(csv.Error):
        for record in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if record:
                records.append(record)
            if len(records) >= _PROBED:
                break
    return records


def _records(text: str, delimiter: str, file: str) -> list[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    records: list[tuple[int, list[str]]] = []
    blank = 0
    try:
        for row, record in enumerate(reader, start=1):
            if len(record) < 2 and not "".join(record).strip():
                # Blank lines at the end are harmless; one before would shift every row number after it.
                blank = blank or row
                continue
            if blank:
                raise UserError(f"{file}, row {blank}: the row is blank, but rows follow. Delete it or fill it in.")
            records.append((row, record))
    except csv.Error as error:
        row = (records[-1][0] if records else 0) + 1
        raise UserError(
            f'{file}, row {row}: the quotes do not match ({error}). Expected a closing " for each opening one, and '
            '"" for a quote inside a cell.'
        ) from None
    return records


def _check_header(header: list[str], file: str) -> None:
    for position, name in enumerate(header, start=1):
        if not name:
            why = "an index that pandas wrote is left out with `to_csv(index=False)`"
            if position == len(header):
                why = "a delimiter at the end of each row makes an empty one"
            raise UserError(f"{file}, row 1: column {position} has no name. Name it, or delete the column ({why}).")
    doubles = sorted(name for name, count in Counter(header).items() if count > 1)
    if doubles:
        places = [str(i) for i, name in enumerate(header, start=1) if name == doubles[0]]
        raise UserError(
            f"{file}, row 1: column {doubles[0]!r} stands there {len(places)} times (columns {', '.join(places)}); "
            f"expected each name once. {unnamed(doubles) or 'Rename or delete the others.'}"
        )


def unnamed(header: Iterable[str]) -> str:
    """What to do where names of a header are numbers, as the cells of a file without one; "" where none is."""
    values = [name for name in header if _NUMBER.fullmatch(name)]
    if not values:
        return ""
    return f"{values[0]!r} seems to be a value: if row 1 is no header, write the columns' names in a row above it."


def _check_width(rows: Iterable[tuple[int, list[str]]], header: list[str], delimiter: str, file: str) -> None:
    ragged = [(row, record) for row, record in rows if len(record) != len(header)]
    if not ragged:
        return
    row, record = ragged[0]
    others = f" ({len(ragged)} such rows)" if len(ragged) > 1 else ""
    sign = _DELIMITER_NAMES.get(delimiter, repr(delimiter))
    raise UserError(
        f"{file}, row {row}: {len(record)} cells, first {quoted(record[0], 60)}; expected {len(header)}, as in "
        f"the header{others}.\nQuote text that holds a {sign}, or complete the row."
    )
