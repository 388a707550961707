"""What each lab computes, on small made-up material."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from features.encoding import categories
from features.roles import SCORE, STOP, TRAIN
from pipeline.lab import (
    capacity,
    devices,
    encodings,
    ensembles,
    gradients,
    initializers,
    losses,
    regularisers,
    scaling,
    steps,
)
from pipeline.lab.laboratory import (
    AGREEMENT,
    Example,
    Lab,
    Material,
    by_setting,
    examples_sentence,
    paired,
    row_loss,
    standard_error,
    train,
    watched,
)
from pipeline.nets.fit import Fit
from pipeline.nets.initializers import initial_kernel
from pipeline.nets.numbers import Numbers
from pipeline.nets.table import Table
from pipeline.settings import Labs

ROWS, FOLDS = 60, 2


@pytest.fixture(scope="module")
def material() -> Material:
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(FOLDS, ROWS, 4)).astype(np.float32)
    target = (inputs[:, :, 0] > 0).astype(np.float32)
    roles = np.tile(np.array([TRAIN] * 4 + [STOP, SCORE], np.int8), ROWS // 6)
    table = Table(inputs, np.zeros((ROWS, 0), np.int32), 0, target, np.stack([roles, np.roll(roles, 1)], 1), 1)
    numbers = np.column_stack([generator.normal(50, 20, ROWS), generator.integers(0, 2, ROWS)])
    numbers[3, 0] = np.nan
    titles = pd.Series(list(encodings.BY_HAND) * (ROWS // 5))
    return Material(table, numbers, titles, Labs(folds=FOLDS, epochs=4, ensemble=3), seed=0)


def test_figures_of_the_textbook_agree_to_a_millionth(material: Material) -> None:
    frame = losses.run(material)["losses"].set_index("figure")
    exact = {
        "binary cross-entropy, y = (1, 0, 0, 1)": 0.344582,
        "sample 1: y = 1, given 0.8": 0.223144,
        "sample 2: y = 0, given 0.3": 0.356675,
        "sample 3: y = 0, given 0.5": 0.693147,
        "sample 4: y = 1, given 0.9": 0.105361,
        losses.ONE_HOT: 1.936381,
        losses.INTEGER: 1.936381,
        "true class given 0.7, base 10": 0.154901,
        "true class given 0.7, base e": 0.356675,
        "first sample, true class given 0.6": 0.510826,
        "third sample, true class given 0.3": 1.203973,
        "three samples, true class given 0.6, 0.6, 0.3": 0.741875,
        "a perfect match": 0.0,
        "softmax of 2 among 2, 1, 0.1": 0.659001,
        "softmax of 1 among 2, 1, 0.1": 0.242433,
        "softmax of 0.1 among 2, 1, 0.1": 0.098566,
        "sum of softmax(2, 1, 0.1)": 1.0,
    }
    for figure, value in exact.items():
        for way in ("by_hand", "keras", "head"):
            assert frame.loc[figure, way] == pytest.approx(value, abs=1.01e-6), (figure, way)
    assert (frame["difference"] <= AGREEMENT).all()
    printed = frame.loc[frame["textbook"] != "", "textbook"].astype(float)
    assert len(printed) == 9
    assert (abs(printed - frame.loc[printed.index, "by_hand"]) < 0.005).all()


def test_the_textbooks_digits_are_shown_as_it_prints_them_and_explained(material: Material) -> None:
    frames = losses.run(material)
    shown = losses.table(frames).set_index("figure")["textbook"]
    assert shown["three samples, true class given 0.6, 0.6, 0.3"] == "0.74"
    assert shown["third sample, true class given 0.3"] == "1.20" and shown["a perfect match"] == "0"
    assert f"{(0.51 + 0.51 + 1.20) / 3:.2f}" == "0.74"
    assert np.floor(-np.log10(0.7) * 1e6) == 154901 and round(-np.log10(0.7) * 1e6) == 154902
    assert losses.ROUNDED in losses.sentence(frames)


def test_the_curves_are_the_functions_they_are_said_to_be(material: Material) -> None:
    frames = losses.run(material)
    curves, entropy = frames["losses_activations"], frames["losses_cross_entropy"]
    x = curves["x"].to_numpy()
    np.testing.assert_allclose(curves["sigmoid"], 1 / (1 + np.exp(-x)), atol=1e-6)
    np.testing.assert_allclose(curves["tanh_slope"], 1 - np.tanh(x) ** 2, atol=1e-6)
    assert (curves["relu"] == np.maximum(x, 0)).all() and (curves["relu_slope"] == (x > 0)).all()
    np.testing.assert_allclose(entropy["loss"], -np.log(entropy["probability"]), atol=1e-6)
    told = losses.sentence(frames)
    assert "The slope of sigmoid is at most 0.25, and 0.0025 at an input of 6, where that of ReLU is 1." in told
    found = frames["losses"].set_index("figure")["by_hand"]
    for name, probability in losses.SAMPLES.items():
        assert found[name] == pytest.approx(-np.log(probability))


EXAMPLES = [pytest.param(lab, id=lab.name) for lab in (encodings.LAB, scaling.LAB)]


@pytest.mark.parametrize("lab", EXAMPLES)
def test_the_textbooks_examples_come_out_by_hand_by_library_and_here(lab: Lab) -> None:
    examples = {"encodings": encodings.examples, "scaling": scaling.examples}[lab.name]()
    for each in examples:
        for way in (each.by_hand, each.library, each.here):
            assert way.shape == each.textbook.shape, each.figure
            np.testing.assert_allclose(way, each.textbook, atol=0.005, err_msg=each.figure)
        assert each.difference <= AGREEMENT
    assert lab.table is not None
    table = lab.table({})
    assert table["figure"].tolist() == [each.figure for each in examples]
    assert (table["by hand"] == table["library"]).all() and (table["library"] == table["here"]).all()


def test_the_ages_have_the_textbooks_mean_and_deviation() -> None:
    assert np.mean(scaling.AGES) == 40 and f"{np.std(scaling.AGES):.2f}" == "8.12"


def test_an_example_that_differs_is_told() -> None:
    one = np.array([1.0, 2.0])
    same, other = Example("same", one, one, one, one), Example("other", one, one, one, one + [0, 1e-3])
    assert examples_sentence([same]) == "The textbook's 1 examples agree by hand, by the library and here, exactly."
    assert "do not agree on the textbook's other." in examples_sentence([same, other])


def test_the_textbooks_encodings_are_those_of_the_encode_stage() -> None:
    """The lab's encoders are scikit-learn's; the pipeline's own give the same codes."""
    countries = pd.DataFrame({"country": encodings.COUNTRIES})
    states = categories.fit(countries, np.arange(3), ["integer"], {}, 1)
    integer, countries_one_hot, one_hot = encodings.examples()
    np.testing.assert_array_equal(categories.apply(states, countries)[0][:, 0], integer.library)
    states = [{"column": "country", "encoding": "onehot", "levels": list(encodings.COUNTRIES)}]
    np.testing.assert_array_equal(categories.apply(states, countries)[0], countries_one_hot.library)
    states = [{"column": "class", "encoding": "onehot", "levels": list(range(encodings.CLASSES))}]
    vector = pd.DataFrame({"class": encodings.VECTOR})
    np.testing.assert_array_equal(categories.apply(states, vector)[0], one_hot.library)


def test_gradient_norms_equal_keras(material: Material) -> None:
    """The norm of one network's first kernel, from Keras's own layers with the same weights."""
    import keras

    from pipeline.runtime import seed_for

    inputs, target = material.table.inputs[0], material.table.target[0]
    norms = []
    for number in range(gradients.NETWORKS):
        generator = np.random.default_rng(seed_for(0, "labs", "gradients", number))
        layers = [keras.layers.Dense(gradients.WIDTH, activation="tanh") for _ in range(3)] + [keras.layers.Dense(1)]
        model = keras.Sequential([keras.layers.Input((4,)), *layers])
        for layer in layers:
            layer.kernel.assign(initial_kernel("glorot_uniform", generator, *layer.kernel.shape))
        with tf.GradientTape() as tape:
            loss = keras.losses.BinaryCrossentropy(from_logits=True)(target[:, None], model(inputs))
        gradient = tape.gradient(loss, [layer.kernel.value for layer in layers[:3]])
        norms.append([np.log10(np.linalg.norm(each.numpy())) for each in gradient])
    found = gradients.gradient_norms(inputs, target, "tanh", "glorot_uniform", 3, 0)
    np.testing.assert_allclose(found, np.mean(norms, axis=0), atol=1e-4)


def test_what_shrinks_on_the_way_there_and_back_alike_leaves_all_layers_one_gradient() -> None:
    """As the lab says of ReLU from Glorot weights, by hand, layer by layer."""
    generator, depth, logs = np.random.default_rng(0), 20, []
    for _ in range(20):
        kernels = [initial_kernel("glorot_uniform", generator, gradients.WIDTH, gradients.WIDTH) for _ in range(depth)]
        there = [generator.normal(size=(256, gradients.WIDTH))]
        for kernel in kernels:
            there.append(np.maximum(there[-1] @ kernel, 0.0))
        given, back = generator.normal(size=there[-1].shape), []
        for kernel, units in zip(reversed(kernels), reversed(there[1:]), strict=True):
            given = given * (units > 0)
            back.insert(0, np.linalg.norm(given))
            given = given @ kernel.T
        logs.append([np.log10([np.linalg.norm(units) for units in there[:-1]]), np.log10(back)])
    forward, backward = np.mean(logs, axis=0)
    assert forward[0] - forward[-1] > 2 and backward[-1] - backward[0] > 2
    assert np.ptp(forward + backward) < 0.6


def test_distinct_neurons() -> None:
    column = np.array([1.0, -2.0, 0.5])
    assert initializers.distinct(np.stack([column, column * (1 + 1e-6), -column], axis=1)) == 2
    assert initializers.distinct(np.zeros((3, 5))) == 1


def test_equal_weights_stay_equal_and_random_ones_do_not(material: Material) -> None:
    neurons = initializers.run(material)["initializers_neurons"].set_index("initializer")["distinct_neurons"]
    assert neurons["zeros"] == neurons["small_equal"] == neurons["ones"] == 1
    assert neurons["glorot"] == neurons["he"] == neurons["too_large"] == 32


def test_encodings_hold_the_same_words() -> None:
    words = pd.Series(["Mr", "Mrs", "Miss", "Mr", "Other", "Master"])
    made = encodings.encoded(words)
    assert made["one-hot"][0].shape == (6, 5) and (made["one-hot"][0].sum(axis=1) == 1).all()
    assert made["by hand"][0][:, 0].tolist() == [0, 4, 3, 0, 1, 2]
    assert made["embedding"][1].max() < made["embedding"][2] == 5
    for inputs, codes, _ in made.values():
        rows = np.hstack([inputs, codes])
        assert len(np.unique(rows, axis=0)) == 5 and (rows[0] == rows[3]).all()


def test_the_costs_are_those_of_the_networks_trained(material: Material) -> None:
    frame = encodings.run(material)["encodings"].set_index("encoding")
    assert frame.loc["one-hot", "network_weights"] == 5 * 16 + 16 + 16 + 1
    assert frame.loc["embedding", "network_weights"] == 4 * 16 + 16 + 16 + 1 + 5 * 4
    assert frame.loc["integer", "linear_weights"] == 2
    assert frame.loc["by hand", "network_products"] == 32
    for model in encodings.MODELS:
        apart = frame[f"{model}_log_loss"] - frame.loc["one-hot", f"{model}_log_loss"]
        np.testing.assert_allclose(frame[f"{model}_difference"], apart, atol=2e-6)
        assert frame.loc["one-hot", f"{model}_difference_se"] == 0 < frame.loc["integer", f"{model}_difference_se"]


def test_each_scaling_learns_from_train_rows_alone(material: Material) -> None:
    known = material.table.roles[:, 0] == TRAIN
    z, low = scaling.inputs(material, "zscore")[0], scaling.inputs(material, "minmax")[0]
    np.testing.assert_allclose(z[known].mean(axis=0), 0, atol=1e-5)
    assert low[known].min() == 0 and low[known].max() == 1
    np.testing.assert_allclose(scaling.inputs(material, "keras")[0], z, atol=1e-3)
    changed = material.numbers.copy()
    changed[~known] = 1e6
    other = Material(material.table, changed, material.titles, material.plan, 0)
    np.testing.assert_array_equal(scaling.inputs(other, "zscore")[0][known], z[known])


def test_rows_that_are_watched_do_not_train(material: Material) -> None:
    table = watched(material.table)
    assert set(np.unique(table.roles)) == {TRAIN, STOP}
    assert ((table.roles == TRAIN) == (material.table.roles == TRAIN)).all()


def test_a_table_cut_for_a_lab_is_else_as_it_was(material: Material) -> None:
    numbers = Numbers("periodic", units=3)
    table = replace(material.table, numbers=numbers)
    cut = (watched(table), regularisers.followed(table), capacity.fewer_rows(table, 5))
    assert [each.numbers for each in cut] == [numbers] * 3


def test_fewer_rows_are_a_part_of_the_train_rows(material: Material) -> None:
    few = capacity.fewer_rows(watched(material.table), 5)
    assert (few.roles == TRAIN).sum(axis=0).tolist() == [5, 5]
    assert (material.table.roles[few.roles == TRAIN] == TRAIN).all()
    assert ((few.roles == STOP) == (material.table.roles != TRAIN)).all()


def test_diagnosis() -> None:
    frame = pd.DataFrame({"unseen_loss": [0.60, 0.40, 0.90], "lowest_unseen_loss": [0.60, 0.40, 0.40]})
    assert capacity.diagnosed(frame)["diagnosis"].tolist() == ["underfits", "fits", "overfits"]


def test_the_final_weights_are_followed_by_copies_of_the_train_rows(material: Material) -> None:
    """The loss that decides is that of the train rows without dropout, and unseen rows decide nothing."""
    table = regularisers.followed(material.table)
    found = train(material, "test", table, [{"dropout": 0.5}], epochs=5)
    trained = row_loss(by_setting(found.loss, 1), table.roles, TRAIN)[0]
    np.testing.assert_allclose(trained, np.nanmin(found.stop_loss, axis=1), rtol=1e-4)
    unseen = (table.roles == SCORE)[:ROWS]
    assert (unseen == (material.table.roles != TRAIN)).all() and not (table.roles[ROWS:] == SCORE).any()


def test_ensembles_of_one_kind_gain_nothing_and_of_many_gain() -> None:
    target = np.array([0, 1] * 50, np.float32)
    noise = np.random.default_rng(1).normal(0, 0.2, (10, 100))
    same = ensembles.by_size(np.tile(0.2 + 0.6 * target, (10, 1)), target, [1, 10], 0)
    assert same["log_loss_gain"].tolist() == [0, 0] and same["accuracy"].tolist() == [1, 1]
    many = ensembles.by_size(np.clip(0.35 + 0.3 * target + noise, 0.01, 0.99), target, [1, 10], 0)
    gain = many.iloc[1]
    assert gain["log_loss_gain"] > 5 * gain["log_loss_gain_se"] > 0
    assert gain["log_loss_gain"] == pytest.approx(many.iloc[0]["log_loss"] - gain["log_loss"], abs=1e-5)


def test_networks_of_an_ensemble_differ(material: Material) -> None:
    frame = ensembles.run(material)["ensembles"]
    assert frame["size"].tolist() == [1, 2, 3]
    assert frame["log_loss_gain"].iloc[-1] != 0


def fake_train(
    material: Material,
    lab: str,
    source: Table,
    settings: list[dict[str, Any]],
    epochs: int,
    patience: int | None = None,
) -> Fit:
    """Networks that are right about score rows (loss 0.25) and about no others (loss 9)."""
    scored = (source.roles == SCORE).T
    loss = np.tile(np.where(scored, 0.25, 9.0).astype(np.float32), (len(settings), 1))
    answers = np.tile(np.where(scored == (source.target > 0.5), 0.9, 0.1), (len(settings), 1))[..., None]
    curve, counts = np.zeros((len(loss), epochs)), np.ones(len(loss), np.int64)
    return Fit(answers, loss, curve, curve, counts, counts, counts > 0, [])


def test_only_score_rows_are_reported(material: Material, monkeypatch: pytest.MonkeyPatch) -> None:
    for room in (encodings, ensembles, steps):
        monkeypatch.setattr(room, "train", fake_train)
    frame = encodings.run(material)["encodings"]
    assert frame["linear_log_loss"].tolist() == frame["network_log_loss"].tolist() == [0.25] * 4
    assert ensembles.run(material)["ensembles"]["accuracy"].tolist() == [1.0] * 3
    assert (steps.run(material)["steps"][[f"batch_{batch}" for batch in steps.BATCHES]] == 0.25).all(axis=None)


def test_one_device_is_said_to_be_one() -> None:
    assert "one device here, the CPU" in devices.sentence(["CPU"])
    assert "CPU and GPU" in devices.sentence(["CPU", "GPU"])
    times = pd.DataFrame({"device": ["CPU", "GPU"], "width": 64, "seconds": [0.004, 0.001]})
    assert "4.00 ms on CPU and 1.00 ms on GPU, the GPU 4.0 times as fast" in devices.spoken(times)
    slower = times.assign(seconds=[0.001, 0.004])  # as of small networks: it was "0.2 times faster"
    assert "1.00 ms on CPU and 4.00 ms on GPU, the CPU 4.0 times as fast" in devices.spoken(slower)
    assert "as fast" not in devices.spoken(times[:1])


def test_every_device_is_timed(material: Material) -> None:
    frame = devices.run(material)
    assert sorted(set(frame["device"])) == sorted(devices.devices())
    assert set(frame["width"]) == set(devices.SIZES) and (frame["seconds"] > 0).all()


def test_a_difference_is_paired_over_the_rows_and_a_row_of_two_folds_is_one_draw() -> None:
    generator = np.random.default_rng(0)
    loss, other = generator.normal(size=(2, 1, 50))
    everything = np.ones((1, 50), bool)
    mean, error = paired(loss, other, everything)
    assert mean == pytest.approx((loss - other).mean()) and error == pytest.approx(standard_error((loss - other)[0]))
    twice = [np.repeat(each, 2, axis=0) for each in (loss, other, everything)]
    np.testing.assert_allclose(paired(*twice), (mean, error))
    some = generator.random((3, 50)) < 0.5
    apart = paired(np.repeat(loss, 3, axis=0) + 1, np.repeat(loss, 3, axis=0), some)
    np.testing.assert_allclose(apart, (1.0, 0.0), atol=1e-12)  # whatever a row counts for


def test_one_answer_to_all_rows_has_the_entropy_of_the_classes(material: Material) -> None:
    frames = initializers.run(material)
    share = [material.table.target[fold][material.table.roles[:, fold] == TRAIN].mean() for fold in range(FOLDS)]
    expected = np.mean([-each * np.log(each) - (1 - each) * np.log(1 - each) for each in share])
    assert frames["initializers"]["constant"].tolist() == pytest.approx([expected] * 4, abs=1e-6)
    above = frames["initializers_neurons"]["above_lowest"]
    last = frames["initializers"][frames["initializers_neurons"]["initializer"]].iloc[-1].to_numpy()
    np.testing.assert_allclose(above, last - last.min(), atol=2e-6)


def test_every_lab_says_in_plain_words_what_it_is_about() -> None:
    from pipeline.labs import all_labs

    for lab in all_labs():
        assert "Here: " in lab.about and len(lab.about.split()) > 40, lab.name


def test_every_lab_says_where_the_chapter_has_it() -> None:
    """By the headings of the textbook, which is Korean; docs/textbook.md names them too."""
    from pipeline.labs import all_labs, place

    textbook = (Path(__file__).parents[3] / "docs" / "textbook.md").read_text(encoding="utf-8")
    chapters = {lab.name: lab.chapter for lab in all_labs()} | {"devices": devices.CHAPTER}
    assert place(chapters.pop("steps")) == "*The chapter takes this for granted.*"
    for name, chapter in chapters.items():
        assert place(chapter) == f"*In the chapter: {chapter}.*"
        assert chapter.split(",")[0].split(" (")[0].split(":")[0] in textbook, name
