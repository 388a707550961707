"""NumPy's answers are TensorFlow's, for every activation, head and depth; a row's never depend on its neighbours."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy._core._multiarray_umath import __cpu_features__

from features.scoring.combination import blend
from pipeline.nets import fit as engine
from pipeline.nets.forward import ACTIVATIONS, BLOCK, HEADS, Model, TrainedProgram, _shares
from pipeline.nets.heads import HEADS as TRAINED_HEADS
from pipeline.nets.layers import ACTIVATIONS as TRAINED_ACTIVATIONS
from pipeline.nets.layers import normalize
from pipeline.nets.members import members_of
from pipeline.nets.numbers import BINS, bins_of
from pipeline.nets.table import Table
from pipeline.train import programs_of
from tests.pipeline.nets import networks

ROWS, LABELLED = 700, 120
SIZES = np.array([4, 3])


configuration = functools.partial(networks.configuration, dropout=0.1, initializer="glorot_uniform", batch_size=32)


def trained(task: str, configurations: list[dict[str, Any]], embedded: bool) -> tuple[engine.Fit, Model, Any]:
    """Members of two folds after three epochs, what TensorFlow says of all rows, and the arrays."""
    generator = np.random.default_rng(3)
    inputs = generator.normal(size=(2, ROWS, 5)).astype(np.float32)
    inputs[..., 1] = inputs[..., 1] > 0  # no number, which would be embedded
    codes = generator.integers(0, SIZES, (ROWS, 2)).astype(np.int32) if embedded else np.zeros((ROWS, 0), np.int32)
    sizes = SIZES if embedded else np.zeros(0, np.int64)
    classes = generator.integers(0, 3 if task == "multiclass" else 2, LABELLED)
    target = generator.normal(size=LABELLED) if task == "regression" else classes
    roles = np.zeros((LABELLED, 2), np.int8)
    roles[:20, 0], roles[20:40, 0], roles[40:60, 1], roles[60:80, 1] = 1, 2, 1, 2
    places = (codes + np.array([0, SIZES[0]])[: codes.shape[1]]).astype(np.int32)
    table = Table(
        inputs,
        places,
        int(sizes.sum()),
        np.stack([target, target]).astype(np.float32),
        roles,
        3 if task == "multiclass" else 1,
    )
    folds = [number % 2 for number in range(len(configurations))]
    members = members_of(configurations, folds, range(len(configurations)))
    found = engine.fit(members, table, task, 3, 3)
    model = Model(np.array(folds), sizes, programs_of(found, members, 2), np.arange(len(folds)))
    return found, model, (inputs, codes)


DEEP = [configuration(depth=depth, width=width) for depth, width in ((3, 4), (1, 9), (2, 6), (1, 3), (2, 9))]


@pytest.mark.parametrize(
    ("task", "normalization", "embedded"),
    [("binary", "none", True), ("multiclass", "none", False), ("regression", "layer", True)],
)
def test_numpy_says_what_tensorflow_says(task: str, normalization: str, embedded: bool) -> None:
    """All activations, with members of several depths and widths side by side."""
    configurations = [
        {**one, "activation": activation, "normalization": normalization} for activation in ACTIVATIONS for one in DEEP
    ]
    found, model, arrays = trained(task, configurations, embedded)
    np.testing.assert_allclose(model.answers(*arrays, task), found.answers, rtol=1e-4, atol=1e-4)
    kept = np.array([7, 2])
    again = Model.from_arrays(replace(model, kept=kept).to_arrays())
    assert np.array_equal(again.answers(*arrays, task), model.answers(*arrays, task)[kept])


FAMILIES: dict[str, dict[str, Any]] = {
    "scaled": {"feature_scale": "learned"},
    "bins": {"numbers": "piecewise_linear", "number_bins": 5},
    "embedded_bins": {"numbers": "piecewise_linear", "number_bins": 5, "number_units": 4},
    "periodic": {"numbers": "periodic"},
    "two_units": {"numbers": "periodic", "number_units": 2},
    "tabm": {"family": "tabm", "copies": 3},
    "tabm_bins": {"family": "tabm", "copies": 3, "numbers": "piecewise_linear", "number_bins": 5, "number_units": 4},
    "waves": {"family": "waves", "activation": "sine", "frequency": 0.3},
    "realmlp": {"family": "realmlp", "numbers": "periodic", "schedule": "coslog4", "weight_decay": 0.02},
}


@pytest.mark.parametrize(("task", "embedded"), [("binary", True), ("multiclass", False), ("regression", True)])
def test_numpy_says_what_tensorflow_says_for_every_family(task: str, embedded: bool) -> None:
    """And a row gets the same bytes in any company."""
    configurations = [{**one, **options} for options in FAMILIES.values() for one in DEEP]
    found, model, (inputs, codes) = trained(task, configurations, embedded)
    said = model.answers(inputs, codes, task)
    np.testing.assert_allclose(said, found.answers, rtol=1e-4, atol=1e-4)
    again = Model.from_arrays(model.to_arrays())
    assert np.array_equal(again.answers(inputs, codes, task), said)
    for rows in ([0], [BLOCK - 1, BLOCK], [ROWS - 1], list(range(3, 40))):
        assert np.array_equal(model.answers(inputs[:, rows], codes[rows], task), said[:, rows])


def test_a_wide_bin_that_is_passed_hides_none_of_those_after_it() -> None:
    """A column with a few values far from all others, such as -999: rounding leaves some of the bins that reach there
    just short of 1 at numbers beyond them."""
    first = -np.linspace(3, 3000, 200, dtype=np.float32)
    edges = np.stack([first, *(np.float32(number) + 0 * first for number in (0.3, 0.3 + 2e-7, 0.3 + 4e-7))], axis=1)
    bins = bins_of(edges.T[None], np.ones((4, 1), bool), 4)
    pieces = np.ones((1, 200 * 4, 1), np.float32)
    one = np.zeros(1, int)
    program = TrainedProgram(one, one, one + 1, "relu", "none", {**bins, "numbers_pieces": pieces})
    numbers = np.tile(np.float32([-1.0, 0.3 + 1e-7, 0.3 + 3e-7, 1.0]), (1, 200, 1))
    shares = _shares(numbers, *(bins[name] for name in BINS))
    assert ((shares[..., 0] < 1) & (shares[..., 1] > 0)).any()
    np.testing.assert_allclose(program._of_bins(numbers)[..., 0], shares.sum(axis=-1), atol=1e-6)


def test_the_two_tables_of_activations_are_one() -> None:
    assert ACTIVATIONS.keys() == TRAINED_ACTIVATIONS.keys()
    x = np.linspace(-25, 25, 2001, dtype=np.float32)
    for name, function in ACTIVATIONS.items():
        np.testing.assert_allclose(function(x), TRAINED_ACTIVATIONS[name](x), rtol=1e-5, atol=1e-6, err_msg=name)
        assert function(x).dtype == np.float32, name


def test_the_two_tables_of_heads_are_one() -> None:
    assert HEADS.keys() == TRAINED_HEADS.keys()


@pytest.mark.filterwarnings("error")
def test_huge_logits_are_sure_answers() -> None:
    huge = np.array([[1000.0, 0.0, -1000.0]], np.float32)
    np.testing.assert_array_equal(HEADS["multiclass"](huge), [[1, 0, 0]])
    np.testing.assert_array_equal(HEADS["binary"](huge), [[1, 0.5, 0]])
    for name, function in ACTIVATIONS.items():
        assert np.isfinite(function(huge)).all(), name


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_a_row_gets_the_same_bytes_in_any_company(task: str) -> None:
    names = ("relu", "gelu", "sigmoid")
    configurations = [{**one, "width": 5 * one["width"], "activation": name} for name in names for one in DEEP]
    _, model, (inputs, codes) = trained(task, configurations, True)
    weights = np.linspace(0, 1, len(configurations))
    together = model.answers(inputs, codes, task)
    assert together.shape[1] > 2 * BLOCK
    shuffled = np.random.default_rng(0).permutation(ROWS)
    assert np.array_equal(model.answers(inputs[:, shuffled], codes[shuffled], task), together[:, shuffled])
    for rows in ([0], [BLOCK - 1, BLOCK], [ROWS - 1], list(range(3, 40))):
        alone = model.answers(inputs[:, rows], codes[rows], task)
        assert np.array_equal(alone, together[:, rows])
        assert np.array_equal(blend(weights, alone), blend(weights, together)[rows])
    assert model.answers(inputs[:, :0], codes[:0], task).shape == (len(configurations), 0, together.shape[2])


@pytest.mark.skipif(not __cpu_features__.get("AVX2"), reason="runs the code of processors that know AVX2 and no more")
def test_nor_do_they_on_processors_without_long_vectors() -> None:
    """Their code for matrices takes twelve rows at once, and what remains of them otherwise."""
    test = f"{__file__}::{test_a_row_gets_the_same_bytes_in_any_company.__name__}"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test]
    older = {**os.environ, "OPENBLAS_CORETYPE": "Haswell", "PYTEST_ADDOPTS": ""}
    done = subprocess.run(command, env=older, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


def test_a_code_that_was_never_seen_counts_as_unseen() -> None:
    _, model, (inputs, codes) = trained("binary", DEEP, True)
    beyond, unseen = codes.copy(), codes.copy()
    beyond[:, 0], unseen[:, 0] = SIZES[0] + np.arange(ROWS) % 9, 0
    assert np.array_equal(model.answers(inputs, beyond, "binary"), model.answers(inputs, unseen, "binary"))


@pytest.mark.parametrize(("scatter", "tolerance"), [(0.0, 1e-2), (0.3, 5e-4)], ids=["all the same", "scattered"])
def test_units_far_from_0_are_normalised_as_in_double_precision(scatter: float, tolerance: float) -> None:
    """Their mean square less the square of their mean is noise, or less than 0; of 16 units 12 are in use."""
    units = (300.1 + scatter * np.random.default_rng(0).normal(size=(1, 8, 16))).astype(np.float32)
    units[..., 12:] = 0
    used = (np.arange(16) < 12)[None].astype(np.float32)
    weights = {"kernel_0": np.eye(16, dtype=np.float32)[None], "bias_0": np.zeros((1, 16), np.float32)}
    weights |= {"gain_0": used, "shift_0": 10 * used}
    one = np.zeros(1, int)
    program = TrainedProgram(one, one, one + 12, "relu", "layer", weights)
    own = units[..., :12].astype(np.float64)
    expected = (own - own.mean(axis=-1, keepdims=True)) / np.sqrt(own.var(axis=-1, keepdims=True) + 1e-3) + 10
    said = program._hidden(units, 0, program.width)
    for found in (said, normalize(units, program.width, used[:, None], 10 * used[:, None])):
        np.testing.assert_allclose(found[..., :12], expected, atol=tolerance)
        assert not np.any(found[..., 12:])


def test_the_mean_is_weighted() -> None:
    answers = np.array([[[0.2]], [[0.6]], [[np.nan]]], np.float32)
    assert blend(np.array([3.0, 1.0, 0.0]), answers)[0, 0] == pytest.approx(0.3)


def test_numpy_knows_each_members_columns_and_scaling() -> None:
    choices = [[True] * 7, [True, False, True, True, False, False, True], [False] * 5 + [True, False]]
    configurations = [{**one, "columns": choices[number % 3]} for number, one in enumerate(DEEP)]
    found, model, (inputs, codes) = trained("binary", configurations, True)
    np.testing.assert_allclose(model.answers(inputs, codes, "binary"), found.answers, rtol=1e-4, atol=1e-5)
    again = Model.from_arrays(model.to_arrays())
    assert np.array_equal(again.answers(inputs, codes, "binary"), model.answers(inputs, codes, "binary"))
    moved = replace(model, programs=tuple(replace(each, place=each.place + 2) for each in model.programs))
    again = Model.from_arrays(moved.to_arrays())
    copies = np.concatenate([inputs * 0, inputs])
    assert np.array_equal(again.answers(copies, codes, "binary"), model.answers(inputs, codes, "binary"))


def test_rows_may_differ_from_fold_to_fold() -> None:
    _, model, (inputs, codes) = trained("binary", DEEP, True)
    first, second = np.arange(10), np.arange(300, 310)
    both = model.answers(
        np.stack([inputs[0, first], inputs[1, second]]), np.stack([codes[first], codes[second]]), "binary"
    )
    whole = model.answers(inputs, codes, "binary")
    for member, fold in enumerate(model.fold):
        assert np.array_equal(both[member], whole[member, (first, second)[fold]])


@pytest.mark.parametrize("name", FAMILIES)
def test_a_column_that_a_member_does_not_see_says_nothing(name: str) -> None:
    """In training, in TensorFlow's answers and in NumPy's; the others' bins and frequencies don't mind."""
    columns = [np.array(seen, bool) for seen in ([1, 1, 0, 1, 1, 0, 1], [0, 1, 1, 1, 0, 1, 1])]
    configurations = [configuration(**FAMILIES[name], columns=seen) for seen in columns]
    found, model, (inputs, codes) = trained("binary", configurations, True)
    said = model.answers(inputs, codes, "binary")
    np.testing.assert_allclose(said, found.answers, rtol=1e-4, atol=1e-4)
    changed, other = inputs.copy(), codes.copy()
    changed[0, :, 2], changed[1, :, 0], changed[1, :, 4] = 9, -7, 3  # member 0 is of fold 0, member 1 of fold 1
    np.testing.assert_array_equal(model.answers(changed, other, "binary"), said)
    other[:, 0] = 0
    assert np.array_equal(model.answers(changed, other, "binary")[0], said[0])
