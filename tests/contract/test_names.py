"""Every name that ``params.yaml`` may hold means something to the code, and no other name passes for one of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from features.encoding import categories, normalization
from features.tasks import TASKS
from pipeline import search_space, settings
from pipeline.nets import forward, heads, initializers, layers, members, search
from tests.pipeline.nets.networks import bare_configuration

SPACE = {"width": (4, 8)}
NETWORK = bare_configuration(width=4)


def test_params_and_code_know_the_same_names() -> None:
    assert set(search_space.ACTIVATIONS) == set(layers.ACTIVATIONS) == set(forward.ACTIVATIONS)
    assert set(search_space.SCHEDULES) == set(members.SCHEDULES)
    assert set(TASKS) == set(heads.HEADS) == set(forward.HEADS)
    assert {name: head.name for name, head in heads.HEADS.items()} == {name: name for name in heads.HEADS}
    assert members.NAMES["family"] == search_space.FAMILIES
    assert members.NAMES["numbers"] == search_space.NUMBERS
    assert search_space.RULES["feature_scale"].choices == members.NAMES["feature_scale"]
    rule = settings.ImageNetwork.__dataclass_fields__["normalization"].metadata["rule"]
    assert rule.choices == members.NAMES["normalization"]
    assert set(members.DEFAULTS) >= {*members.NAMES, "schedule"}


@pytest.mark.parametrize("key", members.NAMES)
def test_a_network_has_no_other_names(key: str) -> None:
    for name in members.NAMES[key]:
        assert len(members.members_of([{**NETWORK, key: name}], [0], [0])) == 1
    with pytest.raises(ValueError, match=f"{key} is 'other', none of "):
        members.members_of([{**NETWORK, key: "other"}], [0], [0])


def test_every_initializer_draws_its_own_kernel() -> None:
    kernels = [initializers.initial_kernel(name, np.random.default_rng(0), 3, 5) for name in search_space.INITIALIZERS]
    assert all(kernel.shape == (3, 5) and kernel.dtype == np.float32 for kernel in kernels)
    assert len({kernel.tobytes() for kernel in kernels}) == len(kernels)
    for other in ("other", "other_normal", "he_other"):
        with pytest.raises(ValueError, match=f"no initializer '{other}'"):
            initializers.initial_kernel(other, np.random.default_rng(0), 3, 5)


def test_every_oracle_proposes() -> None:
    for name in settings.ORACLES:
        assert search.Search(name, [search.Part(SPACE, 2, 1)], 0).propose()
    with pytest.raises(ValueError, match="no oracle 'other'"):
        search.Search("other", [search.Part(SPACE, 2, 1)], 0)


def test_every_normalization_is_its_own() -> None:
    """Keras's layer is z-score by another hand."""
    values = np.random.default_rng(0).normal(3.0, 2.0, (20, 2))
    scaled = {
        name: normalization.learn(name, values, np.zeros(2, bool)).apply(values).round(3).tobytes()
        for name in settings.NORMALIZATIONS
    }
    assert scaled.pop("keras") == scaled["zscore"]
    assert len(set(scaled.values())) == len(scaled)
    with pytest.raises(ValueError, match="no normalization 'other'"):
        normalization.learn("other", values, np.zeros(2, bool))


def test_every_encoding_is_its_own() -> None:
    cells = pd.DataFrame({"c": ["a", "b", "b"]}, dtype=object)
    shapes = {}
    for name in settings.ENCODINGS:
        columns, _, codes, _ = categories.apply(categories.fit(cells, np.arange(3), [name], {}, 1), cells)
        shapes[name] = columns.shape[1], codes.shape[1]
    assert shapes == {
        "integer": (1, 0),
        "onehot": (2, 0),
        "embedding": (0, 1),
    }
    with pytest.raises(ValueError, match="no encoding 'other'"):
        categories.apply(categories.fit(cells, np.arange(3), ["other"], {}, 1), cells)
