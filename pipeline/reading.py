"""Tables in the forms that people's files come in, to the one form that the stages read.

CSV with a comma, semicolon, tab or bar, in UTF-8, UTF-16 or an older encoding; Parquet; any of them in gzip or zip.
"""

from __future__ import annotations

import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Container
from pathlib import Path

import pandas as pd

from features.errors import UserError
from features.tables import parse_table
from pipeline.files import read_bytes

_DECIMAL_COMMA = re.compile(r"[+-]?\d+(,\d+)?")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})*(\.\d+)?")
# Text judged when the encoding is guessed.
_PROBED = 1 << 18


def read_any(
    path: Path,
    encoding: str | None,
    say: Callable[[str], None],
    numbers: Container[str] | None = None,
    header_only: bool = False,
) -> pd.DataFrame:
    """The table at ``path``: every cell a ``str``, empty ones None. What was guessed is said.

    ``numbers``: the columns in which a comma may be part of a number, where that is known; ``header_only``: a header
    without rows will do. Raises ``UserError`` where the file is missing, damaged or no table.
    """
    content, name = unpacked(read_bytes(path), path)
    if content[:4] == b"PAR1":
        return from_parquet(content, name, header_only)
    frame = parse_table(as_utf8(content, name, encoding, say), name, header_only)
    return with_points(frame, name, say, numbers)


def unpacked(content: bytes, path: Path) -> tuple[bytes, str]:
    """The bytes inside gzip or zip (the one table there), and what to call them."""
    try:
        if content[:2] == b"\x1f\x8b":
            return gzip.decompress(content), str(path)
        if content[:4] == b"PK\x03\x04":
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                names = [n for n in archive.namelist() if not n.endswith("/") and not n.startswith("__MACOSX")]
                same = [n for n in names if Path(n).stem == path.name.split(".")[0]]
                if len(names) != 1 and len(same) != 1:
                    raise UserError(
                        f"{path}: the archive holds {len(names)} files ({', '.join(names[:4])}); expected one table. "
                        "Unpack it and name the file."
                    )
                chosen = (names if len(names) == 1 else same)[0]
                return archive.read(chosen), f"{path}:{chosen}"
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise UserError(f"{path}: the archive can't be unpacked ({error}). Download it again.") from None
    return content, str(path)


def as_utf8(content: bytes, name: str, encoding: str | None, say: Callable[[str], None]) -> bytes:
    """``content`` in UTF-8; UTF-16 and byte order marks are left to ``parse_table``, which knows them."""
    if encoding is not None:
        try:
            return content.decode(encoding).encode()
        except LookupError:
            raise UserError(f"--encoding {encoding!r} is unknown. Try cp1252, cp949, shift_jis, gb18030.") from None
        except UnicodeDecodeError as error:
            raise UserError(f"{name}: not {encoding}, {_at(content, error)}. Name another --encoding.") from None
    if content[:2] in (b"\xff\xfe", b"\xfe\xff") or content[:4096].count(0) > len(content[:4096]) // 4:
        return content
    try:
        content.decode()
        return content
    except UnicodeDecodeError:
        guess = guessed(content)
    say(f"note: {name} is not UTF-8; read as {guess} (another one with --encoding)")
    return content.decode(guess).encode()


def guessed(content: bytes) -> str:
    """The encoding whose letters make most sense; Western European where that stays open."""
    from charset_normalizer import from_bytes  # needed for such files only

    # Lines without a letter beyond ASCII say nothing, and most lines are such.
    telling = b"\n".join(line for line in content.splitlines() if not line.isascii())[:_PROBED]
    best = from_bytes(telling).best()
    for name in [best.encoding if best else "", "cp1252", "latin-1"]:
        try:
            content.decode(name)
            return name
        except (LookupError, UnicodeDecodeError):
            continue
    return "latin-1"


def _at(content: bytes, error: UnicodeDecodeError) -> str:
    return f"row {content[: error.start].count(10) + 1} holds byte 0x{content[error.start]:02x}"


def with_points(
    frame: pd.DataFrame, name: str, say: Callable[[str], None], numbers: Container[str] | None = None
) -> pd.DataFrame:
    """Columns of numbers with a decimal comma, or with commas between thousands, written with a point alone."""
    changed = {}
    for column in frame.columns:
        if numbers is not None and column not in numbers:
            continue
        present = frame[column].dropna().str.strip()
        if present.empty or not present.str.contains(",", regex=False).any():
            continue
        if present.str.fullmatch(_THOUSANDS).all():
            changed[column] = frame[column].str.replace(",", "", regex=False)
            say(f"note: {name}: column {column!r}: commas between thousands taken out ({present.iloc[0]!r})")
        elif present.str.fullmatch(_DECIMAL_COMMA).all():
            changed[column] = frame[column].str.replace(",", ".", regex=False)
            say(f"note: {name}: column {column!r}: decimal commas written as points ({present.iloc[0]!r})")
    return frame.assign(**changed) if changed else frame


def from_parquet(content: bytes, name: str, header_only: bool = False) -> pd.DataFrame:
    """A Parquet table as strings: numbers by their shortest exact form, dates as ISO text."""
    try:
        frame = pd.read_parquet(io.BytesIO(content))
    except ImportError:
        raise UserError(f"{name}: Parquet needs the package pyarrow. Install it, or export the table as CSV.") from None
    except Exception as error:
        raise UserError(f"{name}: not a Parquet table ({str(error).splitlines()[0]}). Export it again.") from None
    if frame.empty and not header_only:
        raise UserError(f"{name}: no row; expected one or more. Put the full file there.")
    columns = {str(column): [_cell(value) for value in frame[column].tolist()] for column in frame.columns}
    return pd.DataFrame(columns, dtype=object)


def _cell(value: object) -> str | None:
    if value is None or value is pd.NaT or value is pd.NA or value != value:
        return None
    if isinstance(value, pd.Timestamp):
        return str(value.isoformat(sep=" ")) if value.time().isoformat() != "00:00:00" else str(value.date())
    text = str(int(value)) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else str(value)
    return text if text.strip() else None
