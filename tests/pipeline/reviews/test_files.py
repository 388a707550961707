"""The data set's own files; what is said of others: ``test_imdb``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.params import read_document
from pipeline.reviews.files import read_reviews

ROOT = Path(__file__).resolve().parents[3]
REAL = ROOT.parent / "shared" / "data" / "imdb"


@pytest.mark.real_data
@pytest.mark.skipif(not REAL.is_dir(), reason="needs the mirror")
def test_the_real_files_are_read() -> None:
    params = read_document(ROOT / "params.yaml")
    reviews = read_reviews(REAL, params["sources"]["imdb"]["files"])
    assert (reviews.trained, len(reviews.labels), reviews.labels.sum()) == (25000, 50000, 25000)
    assert np.diff(reviews.starts)[:25000].mean() == pytest.approx(237.71, abs=0.01)
    assert (reviews.words[0], len(reviews.words)) == ("the", 88584)
