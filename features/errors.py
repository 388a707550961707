"""The one exception whose message is written for a person, and the phrases that such messages share."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """What is wrong, where (file, column, row, value), what was expected and the cure, in one to three lines.

    Stages print it after ``error:`` and exit with code 1; a traceback is shown with ``--debug`` only.
    """


def nearest(word: str, known: Iterable[str], cutoff: float = 0.5) -> str:
    """The known word that is most like ``word``, "" where none is (``cutoff``: how alike, 0 to 1). Small and capital
    letters are alike."""
    spelt = {one.lower(): one for one in known}
    close = difflib.get_close_matches(word.lower(), list(spelt), n=1, cutoff=cutoff)
    return spelt[close[0]] if close else ""


def hint(word: str, known: Iterable[str]) -> str:
    """``; did you mean 'x'?``, or the full stop where no known word is near; ends a clause."""
    near = nearest(word, known)
    return f"; did you mean {near!r}?" if near else "."


def aside(word: str, known: Iterable[str]) -> str:
    """`` (did you mean 'x'?)``, or nothing where no known word is near; within a sentence."""
    near = nearest(word, known)
    return f" (did you mean {near!r}?)" if near else ""


def quoted(text: str, most: int = 40) -> str:
    """``'text'``, of one longer than ``most`` characters the beginning."""
    return repr(text if len(text) <= most else text[: most - 3] + "...")


def listed(words: Iterable[object], most: int | None = None) -> str:
    """``a, b, c``; of more than ``most`` the first of them: ``a, b, ... (9 in all)``."""
    names = [str(word) for word in words]
    more = most is not None and len(names) > most
    return ", ".join(names[:most]) + (f", ... ({len(names)} in all)" if more else "")


def enumerated(words: Iterable[object], last: str = "and") -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    names = [str(word) for word in words]
    return f" {last} ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
