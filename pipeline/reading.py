"""Tables in the forms that people's files come in, to the one form that the stages read.

CSV with a comma, semicolon, tab or bar, in UTF-8, UTF-16 or an older encoding; Parquet; any of them in gzip or zip.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from shlex import quote

import pandas as pd

from features.contracts.entry import unused
from features.contracts.tables import parse_table
from features.errors import UserError, listed
from pipeline.files import read_bytes

# The first bytes of .xls, and the file that .xlsx, .xlsb or .ods holds among others.
_OLE, _WORKBOOKS = b"\xd0\xcf\x11\xe0", {"xl/workbook.xml", "xl/workbook.bin", "content.xml"}
# The first bytes of what packs files in other ways: bzip2, xz, Zstandard, 7z and rar.
_PACKED = (b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf", b"Rar!")
# How text begins that is a table in another form, or stands in place of one; no header of a CSV file does, not even
# <DATE>,<OPEN> or [id],[age].
_JSON = re.compile(rb"\s*[{[]\s*[\"{[]")
_MARKUP = re.compile(rb"\s*<(!doctype|html|table|\?xml)[\s>]", re.IGNORECASE)
_LFS = b"version https://git-lfs.github.com/"
# How tables begin that other programs keep in bytes, what each is, and how pandas reads it: the file at {path}, or its
# {bytes} where an archive holds it.
_BYTES = (
    (
        re.compile(rb"ARROW1\0\0"),
        "Feather or Arrow",
        "pandas.read_feather({path})",
        "pandas.read_feather(io.BytesIO({bytes}))",
    ),
    (
        re.compile(rb"SQLite format 3\0"),
        "an SQLite database (write the name of one of its tables for TABLE)",
        "import sqlite3; pandas.read_sql('SELECT * FROM TABLE', sqlite3.connect({path}))",
        "import sqlite3; base = sqlite3.connect(':memory:'); base.deserialize({bytes}); "
        "pandas.read_sql('SELECT * FROM TABLE', base)",
    ),
    (
        re.compile(rb"\x80[\x02-\x05]"),
        "a pickle, which is not opened, since it may run any code (nor should you, unless you know who made it)",
        "pandas.read_pickle({path})",
        "pandas.read_pickle(io.BytesIO({bytes}))",
    ),
)
# Text judged when the encoding is guessed.
_PROBED = 1 << 18
# What old programs wrote. Among all that Python knows, a word or two always make sense in some rare one.
_OLD = (
    *("cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "cp874", "koi8_r"),
    *("cp850", "cp852", "cp866", "mac_roman", "cp932", "euc_jp", "cp949", "gb18030", "big5"),
)
# Signs that stand within a word where another encoding is read as Western European: "Wroc³aw", "M‡laga".
_SIGN_IN_WORD = re.compile(r"[^\W\d_][†‡ˆ‰‹›„‚¢£¤¥¦§©¬¯±²³¶¸¹¼½¾¿¡][^\W\d_]")


def read_any(
    path: Path,
    encoding: str | None,
    say: Callable[[str], None],
    header_only: bool = False,
) -> pd.DataFrame:
    """The table at ``path``: every cell a ``str``, empty ones None. What was guessed is said.

    ``header_only``: a header without rows will do. Raises ``UserError`` where the file is missing, damaged or no table.
    """
    return read_together([path], encoding, say, header_only)[0][0]


def read_together(
    paths: Iterable[Path | None],
    encoding: str | None,
    say: Callable[[str], None],
    header_only: bool = False,
) -> tuple[list[pd.DataFrame | None], bool]:
    """The tables at ``paths`` as by ``read_any``, None for None, and whether semicolons divide the cells of one, as
    they do to leave the comma free. What is guessed is guessed once for all of them.

    So that train and test spell a city the same way, however few rows one of them has.
    """
    opened = [None if path is None else _opened(path) for path in paths]
    older = [file[0] for file in opened if file is not None and not _told(file[0])]
    guess = guessed(older) if older and encoding is None else None
    frames: dict[int, pd.DataFrame] = {}
    semicolons = False
    for place, file in enumerate(opened):
        if file is None:
            continue
        content, name = file
        if content[:4] == b"PAR1":
            frames[place] = from_parquet(content, name, header_only)
            continue
        content = as_utf8(content, name, encoding, guess, bool(older), say)
        frames[place] = parse_table(content, name, header_only)
        semicolons |= _semicolons(content, frames[place].shape[1])
    return [frames.get(place) for place in range(len(opened))], semicolons


def _opened(path: Path) -> tuple[bytes, str]:
    """The bytes of the table at ``path``, and what to call them. Raises ``UserError`` where they are a table in another
    form, or no table."""
    raw = read_bytes(path)
    content, name = unpacked(raw, path)
    what = _other_form(content, path, _inside(raw, path, name))
    if what:
        raise UserError(f"{name}: {what}")
    return content, name


def _inside(raw: bytes, path: Path, name: str) -> str:
    """How Python gets at the table in the archive at ``path``, whose bytes are ``raw`` and which is called ``name``; ""
    where that is none."""
    if raw[:2] == b"\x1f\x8b":
        return f"gzip.open({path.as_posix()!r}).read()"
    inner = name.removeprefix(f"{path}:") if name != str(path) else ""
    return inner and f"zipfile.ZipFile({path.as_posix()!r}).read({inner!r})"


def _other_form(content: bytes, path: Path, inside: str) -> str:
    """What the text ``content`` is, if no CSV, and how to come by one; else "". ``inside``: how to get at it where an
    archive holds it."""
    text = content.removeprefix(codecs.BOM_UTF8)
    if text.startswith(_LFS):
        return "a pointer of Git LFS; expected the file itself. Get it with `git lfs pull`."
    if _MARKUP.match(text):
        return (
            "a page in HTML or XML; expected a table of text. If it came in place of the file, download that again "
            "(most sites want you to log in); else open it in a spreadsheet and save it as CSV in UTF-8."
        )
    if content[257:262] == b"ustar" and 0 in content[:257]:  # behind the name and facts of its first file
        # tar finds out by itself that it is in gzip.
        how = "both archives" if inside.startswith("zip") else f"it (`tar -xkf {quote(path.as_posix())}`)"
        return f"a tar archive; expected a table of text. Unpack {how} and name the file."
    for form, what, read, read_inside in _BYTES:
        if form.match(content):
            return _told_form(what, read_inside if inside else read, path, inside)
    if not _JSON.match(text):
        return ""
    first, _, rest = text.strip().partition(b"\n")
    lines = first.rstrip().endswith(b"}") and rest.lstrip().startswith(b"{")
    # Without types of its own making, by which 007 would become 7.
    source = "io.BytesIO({bytes})" if inside else "{path}"
    read = f"pandas.read_json({source}, dtype=False, convert_dates=False{', lines=True' * lines})"
    return _told_form(f"JSON{' lines' * lines}", read, path, inside)


def _told_form(what: str, read: str, path: Path, inside: str) -> str:
    """What the file at ``path`` is, with the command that makes a CSV file of it, over no file that is there (mode
    x)."""
    csv_file = path.with_name(f"{path.name.split('.')[0]}{'_' * (path.suffix == '.csv')}.csv")
    how = read.format(path=repr(path.as_posix()), bytes=inside)
    modules = ", ".join(["gzip" if inside.startswith("gzip") else "zipfile", "io", "pandas"] if inside else ["pandas"])
    return (
        f"{what}; expected a table of text, as CSV. To make one of it:\n"
        f"python -c \"import {modules}; {how}.to_csv({csv_file.as_posix()!r}, index=False, mode='x')\""
    )


def unpacked(content: bytes, path: Path) -> tuple[bytes, str]:
    """The bytes inside gzip or zip (the one table there), and what to call them. Raises ``UserError`` on a spreadsheet
    and on other archives."""
    try:
        if content[:4] == _OLE:
            raise _spreadsheet(path)
        if content.startswith(_PACKED):
            raise UserError(f"{path}: an archive that is neither gzip nor zip. Unpack it and name the file.")
        if content[:2] == b"\x1f\x8b":
            return gzip.decompress(content), str(path)
        if content[:4] == b"PK\x03\x04":
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                names = [n for n in archive.namelist() if not n.endswith("/") and not n.startswith("__MACOSX")]
                if not _WORKBOOKS.isdisjoint(names):
                    raise _spreadsheet(path)
                same = [n for n in names if Path(n).stem == path.name.split(".")[0]]
                if len(names) != 1 and len(same) != 1:
                    folder = path.with_name(unused(path.stem, [one.name for one in path.parent.iterdir()]))
                    raise UserError(
                        f"{path}: the archive holds {len(names)} files ({listed(names, most=4)}); expected one table. "
                        "Unpack it, and name the file in the folder that this makes:\n"
                        f"python -m zipfile -e {quote(path.as_posix())} {quote(folder.as_posix())}"
                    )
                chosen = (names if len(names) == 1 else same)[0]
                return archive.read(chosen), f"{path}:{chosen}"
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise UserError(f"{path}: the archive can't be unpacked ({error}). Download it again.") from None
    return content, str(path)


def _spreadsheet(path: Path) -> UserError:
    return UserError(
        f"{path}: a spreadsheet; expected a table of text. Save the sheet as CSV in UTF-8 and name that file."
    )


def as_utf8(
    content: bytes, name: str, encoding: str | None, guess: str | None, older: bool, say: Callable[[str], None]
) -> bytes:
    """``content`` in UTF-8; UTF-16 and byte order marks are left to ``parse_table``, which knows them.

    ``guess``: what a file is read as that does not tell its encoding, where ``encoding`` is not given; ``older``: is
    there such a file among those opened together?
    """
    if encoding is not None:
        try:
            other = _tells_another(content, encoding, older)
            changed = content if other else content.decode(encoding).encode()
        except UnicodeDecodeError as error:
            raise UserError(f"{name}: not {encoding}, {_at(content, error)}. Name another --encoding.") from None
        except (LookupError, UnicodeError):
            raise UserError(f"--encoding {encoding!r} is unknown. Try cp1252, cp949, shift_jis, gb18030.") from None
        if other:
            say(f"note: {name} tells its encoding itself, so not read as {encoding}")
        return changed
    if guess is None or _told(content):
        return content
    say(f"note: {name} is not UTF-8; read as {guess} (another one with --encoding)")
    return content.decode(guess).encode()


def _tells_another(content: bytes, encoding: str, older: bool) -> bool:
    """Does the file itself tell that it is not in ``encoding``, the one given for it and, if ``older``, for a file that
    is no UTF-8?"""
    if _marked(content):
        return True
    # ASCII alone tells nothing: ISO-2022 is spelt in it.
    if content.isascii() or not _decodes(content, "utf-8") or codecs.lookup(encoding).name in ("utf-8", "utf-8-sig"):
        return False
    # Without a mark a few bytes may be UTF-8 by chance.
    return content.startswith(codecs.BOM_UTF8) or older or not _decodes(content, encoding)


def _told(content: bytes) -> bool:
    """Does the file itself tell how it is to be read? Parquet, UTF-16 and UTF-8 do."""
    return _marked(content) or _decodes(content, "utf-8")


def _marked(content: bytes) -> bool:
    """Is it Parquet or UTF-16?"""
    if content[:4] == b"PAR1" or content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return True
    return content[:4096].count(0) > len(content[:4096]) // 4


def _decodes(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def guessed(contents: Sequence[bytes]) -> str:
    """The one encoding of all ``contents``: Western European, unless its text is broken and another one's is not."""
    from charset_normalizer import from_bytes  # needed for such files only

    # Lines without a letter beyond ASCII say nothing, and most lines are such.
    telling = b"\n".join(line for content in contents for line in content.splitlines() if not line.isascii())
    if len(telling) > _PROBED:
        telling = telling[:_PROBED].rpartition(b"\n")[0] or telling[:_PROBED]  # no character is cut in two
    western = all(_decodes(content, "cp1252") for content in contents)
    if western and not _broken(telling.decode("cp1252")):
        return "cp1252"
    best = from_bytes(telling, cp_isolation=list(_OLD), enable_fallback=False).best()
    if best is not None and all(_decodes(content, best.encoding) for content in contents):
        return best.encoding
    return "cp1252" if western else "latin-1"


def _broken(text: str) -> bool:
    """Is Western European text none: signs within words, or letters that don't stand together in any language?"""
    from charset_normalizer import from_bytes

    lines = text.split("\n")
    if sum(_SIGN_IN_WORD.search(line) is not None for line in lines) * 10 > len(lines):
        return True
    # Prices, degrees and quotes say nothing about the letters.
    letters = any(sign.isalpha() and not sign.isascii() for sign in text)
    return letters and not from_bytes(text.encode("cp1252"), cp_isolation=["cp1252"], enable_fallback=False)


def _at(content: bytes, error: UnicodeDecodeError) -> str:
    return f"row {content[: error.start].count(10) + 1} holds byte 0x{content[error.start]:02x}"


def _semicolons(content: bytes, columns: int) -> bool:
    """Do semicolons divide the cells? Also in UTF-16, where zeros stand between the letters."""
    header, _, rest = content[:_PROBED].replace(b"\0", b"").lstrip().partition(b"\n")
    if b"sep=" in header.lower()[:8]:
        header = rest.partition(b"\n")[0]
    return header.count(b";") >= columns - 1


def from_parquet(content: bytes, name: str, header_only: bool) -> pd.DataFrame:
    """A Parquet table as strings: numbers by their shortest exact form, dates as ISO text, durations
    in seconds.

    An index with a name is a column. The column names are checked like a CSV file's.
    """
    try:
        frame = pd.read_parquet(io.BytesIO(content))
    except ImportError:
        raise UserError(f"{name}: Parquet needs the package pyarrow. Install it, or export the table as CSV.") from None
    except Exception as error:
        raise UserError(f"{name}: not a Parquet table ({str(error).splitlines()[0]}). Export it again.") from None
    if any(level is not None for level in frame.index.names):
        frame = frame.reset_index(allow_duplicates=True)
    if frame.empty and not header_only:
        raise UserError(f"{name}: no row; expected one or more. Put the full file there.")
    header = pd.DataFrame(columns=[str(column) for column in frame.columns])
    names = parse_table(header.to_csv(index=False, quoting=csv.QUOTE_ALL).encode(), name, header_only=True).columns
    columns = {
        column: [_cell(value, name, column, row) for row, value in enumerate(frame.iloc[:, place].tolist(), start=2)]
        for place, column in enumerate(names)
    }
    return pd.DataFrame(columns, dtype=object)


def _cell(value: object, name: str, column: str, row: int) -> str | None:
    if pd.api.types.is_list_like(value):
        raise UserError(
            f"{name}, row {row}: column {column!r} holds {str(value)[:40]!r}; expected one value a cell. "
            "Spread it over several columns or join it into one text."
        )
    if isinstance(value, bytes):
        try:
            value = value.decode()
        except UnicodeDecodeError:
            raise UserError(
                f"{name}, row {row}: column {column!r} holds bytes that are no UTF-8 text; expected text. "
                "Decode or drop the column."
            ) from None
    if value is None or value is pd.NaT or value is pd.NA or value != value:
        return None
    if isinstance(value, pd.Timestamp):
        midnight = value.time().isoformat() == "00:00:00" and value.tzinfo is None
        return str(value.date()) if midnight else str(value.isoformat(sep=" "))
    if isinstance(value, pd.Timedelta):
        value = value.total_seconds()
    text = str(int(value)) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else str(value)
    return text if text.strip() else None
