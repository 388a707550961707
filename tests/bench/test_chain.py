"""What a measurement copies: the tree as it is, in a Git repository or not."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bench import chain

FILES = {
    ".gitignore": "/.venv/\n/data/raw/\n",
    ".dvc/.gitignore": "/cache\n",
    ".dvc/cache/one": "",
    ".venv/bin/python": "",
    "params.yaml": "seed: 0\n",
    "pipeline/new not yet added.py": "",
    "features/one.py": "",
    "data/raw/titanic/train.csv": "",
    "data/raw/imdb/imdb.npz": "",
    "reports/titanic/metrics.json": "",
    "dvc.lock": "",
}


@pytest.mark.parametrize("repository", [True, False])
def test_what_is_neither_ignored_nor_made_is_copied(
    repository: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, target = tmp_path / "root", tmp_path / "target"
    for name, content in {**FILES, "pipeline/gone.py": ""}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    if repository:
        for words in (["init", "-q"], ["add", "params.yaml", "pipeline/gone.py"]):
            subprocess.run(["git", *words], cwd=root, check=True)
    (root / "pipeline/gone.py").unlink()
    monkeypatch.setattr(chain, "ROOT", root)
    chain.copy_tree(target)
    copied = {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()}
    assert {name for name in copied if not name.endswith(".pyc")} == {
        ".gitignore",
        ".dvc/.gitignore",
        "params.yaml",
        "pipeline/new not yet added.py",
        "features/one.py",
        "data/raw/titanic/train.csv",
    }
