"""Great Expectations' pages as a person can open them without a network, and without telling anybody."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.files import write_bytes

# The logo is fetched from its maker's server with the time of the run in its address.
_REMOTE = re.compile(
    r"<img\b[^>]*\bsrc=\"https?://[^>]*>|background: url\(['\"]?https?://[^;]*;|<footer>.*?</footer>", re.DOTALL
)
# The signs of passed and failed come from a font on the net; these stand in for it.
_SIGNS = """<style>
.fa-check-circle::before { content: "\\2713"; color: green; font-family: sans-serif; }
.fa-times::before { content: "\\2717"; color: red; font-family: sans-serif; }
.fa-exclamation-triangle::before { content: "!"; color: darkorange; font-family: sans-serif; }
body { font-family: sans-serif; }
</style>
</head>"""
_INDEX = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Data Docs</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font-family: sans-serif; margin: 1em; }}
td, th {{ padding: .3em .8em .3em 0; text-align: left; vertical-align: top; }}
td:first-child {{ overflow-wrap: anywhere; }}
.failed {{ color: #b00020; }}
@media (prefers-color-scheme: dark) {{ .failed {{ color: #ff8a80; }} }}
</style>
</head>
<body>
<h1>Data Docs</h1>
<p>What each table must be, and whether it is. Checks across tables are in <code>validation.json</code> beside this
folder. The pages take their layout from the net; without it they are plain, and whole.</p>
<table>
<tr><th>table</th><th>passed</th><th>failed</th><th></th><th></th></tr>
{rows}
</table>
</body>
</html>
"""


def finish(folder: Path, tables: Mapping[str, str], expectations: Sequence[Mapping[str, Any]]) -> None:
    """Rewrite the pages in ``folder``: no logo, no advertisement, visible signs, and an index that is no script's work.

    ``tables``: the name of each table's pages by its file; ``expectations``: the entries of validation.json.
    """
    for page in sorted([*folder.rglob("*.html"), *folder.rglob("*.css")]):
        text = _REMOTE.sub("", page.read_text(encoding="utf-8"))
        write_bytes(page, text.replace("</head>", _SIGNS, 1).encode())
    rows = []
    for file, name in tables.items():
        passed = [e["success"] for e in expectations if e["file"] == file]
        failed = len(passed) - sum(passed)
        pages = sorted((folder / "validations" / name).rglob("*.html")) + [folder / "expectations" / f"{name}.html"]
        links = [
            f'<td><a href="{html.escape(page.relative_to(folder).as_posix())}">{word}</a></td>'
            for page, word in zip(pages, ("results", "expectations"), strict=True)
        ]
        mark = ' class="failed"' if failed else ""
        rows.append(
            f"<tr><td>{html.escape(file)}</td><td>{sum(passed)}</td><td{mark}>{failed}</td>{''.join(links)}</tr>"
        )
    write_bytes(folder / "index.html", _INDEX.format(rows="\n".join(rows)).encode())
