"""Results as they were: files at a Git revision, or in the working tree, which is called ``workspace``."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from features.errors import UserError, enumerated
from pipeline.files import read_bytes

WORKSPACE = "workspace"


def resolve(name: str) -> str:
    """The commit that ``name`` means (a commit, branch, tag or DVC experiment), ``workspace`` for itself.

    Raises ``UserError`` where there is no Git or no such revision.
    """
    if name == WORKSPACE:
        return name
    if _git("rev-parse", "--git-dir") is None:
        raise UserError(f"No Git repository here, so no revision {name!r}: `git init` and commit first.")
    found = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    if found is None:  # DVC keeps its experiments under refs/exps/, where Git does not look for names
        return _experiment(name)
    return found.decode().strip().split("\n")[-1]


def _experiment(name: str) -> str:
    """The commit of the DVC experiment ``name``: that of the current commit, as DVC itself takes it, where experiments
    of several commits are called so."""
    refs = (_git("for-each-ref", "--format=%(objectname) %(refname)", "refs/exps") or b"").decode()
    named = {
        f"{two}{rest}": commit
        for commit, two, rest, own in re.findall(r"^(\w+) refs/exps/(\w{2})/(\w{4,})/(.+)$", refs, re.MULTILINE)
        if own == name
    }
    if not named:
        raise UserError(
            f"No revision {name!r} in this Git repository. Take a commit, branch or tag, the name of an "
            f"experiment (`dvc exp show`), or {WORKSPACE!r} for the files as they are now."
        )
    chosen = next(iter(named.values())) if len(named) == 1 else named.get(head()[0])
    if chosen is None:
        several = enumerated((f"{commit[:7]} of commit {start[:7]}" for start, commit in named.items()), "or")
        raise UserError(f"{len(named)} experiments are called {name!r}. Say which by its hash: {several}.")
    return chosen


def read_at(revision: str, path: Path) -> bytes:
    """The content of ``path`` (relative to the current folder) at a resolved revision; ``UserError`` without one."""
    if revision == WORKSPACE:
        return read_bytes(path)
    content = _git("show", f"{revision}:./{path.as_posix()}")
    if content is None:
        raise UserError(
            f"{path} is not in revision {revision[:10]}. Compare revisions whose results were committed, or run "
            f"`dvc repro` there."
        )
    return content


def head(*but: Path) -> tuple[str, bool]:
    """The current commit and whether the working tree differs from it, ``but`` (relative to the current folder) left
    aside; ("", False) without Git."""
    found = _git("rev-parse", "HEAD")
    if found is None:
        return "", False
    aside = [f":(exclude){path.as_posix()}" for path in but]
    return found.decode().strip(), bool(_git("status", "--porcelain", "--", ":/", *aside))


def _git(*words: str) -> bytes | None:
    """Git's answer, None where it refuses or is not installed."""
    try:
        done = subprocess.run(["git", *words], capture_output=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout if done.returncode == 0 else None
