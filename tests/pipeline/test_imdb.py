"""The IMDB stage and its text command on made-up reviews in the same files, and what they say of files that are not."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.reviews.sentiment import average
from features.roles import TRAIN
from pipeline import files, imdb, imdb_text
from pipeline.demo import write_yaml
from pipeline.nets import fit as engine
from pipeline.params import load_block, read_document
from pipeline.reviews import experiment as reviews_experiment
from pipeline.reviews import networks as reviews_networks
from pipeline.reviews.files import ARRAYS, INDEX, read_reviews
from tests.stages import options

ROOT = Path(__file__).resolve().parents[2]
GOOD, BAD, NOT, FILLERS = ("great", "lovely"), ("dull", "awful"), "not", 60
WORDS = [NOT, *GOOD, *BAD, *(f"word{number}" for number in range(FILLERS))]
Arrays = dict[str, Any]


def made_up(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Reviews of fillers and three opinions; "not" before an opinion turns it round, which only pairs of words tell."""
    generator, ranks = np.random.default_rng(seed), {word: rank for rank, word in enumerate(WORDS, start=1)}
    labels, texts = generator.permutation(np.arange(rows) % 2), np.empty(rows, object)
    for row, label in enumerate(labels):
        text = [f"word{number}" for number in generator.integers(0, FILLERS, generator.integers(5, 20))]
        for _ in range(3):
            turned = bool(generator.random() < 0.25)
            opinion = generator.choice(GOOD if bool(label) is not turned else BAD)
            place = int(generator.integers(0, len(text) + 1))
            text[place:place] = [NOT, opinion] if turned else [opinion]
        texts[row] = [ranks[word] for word in text]
    return texts, labels.astype(np.int64)


def archive(arrays: Arrays) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def arrays() -> Arrays:
    (x_train, y_train), (x_test, y_test) = made_up(400, 1), made_up(200, 2)
    return {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}


def put(folder: Path, content: bytes, index: object = None) -> None:
    folder.mkdir(exist_ok=True)
    (folder / ARRAYS).write_bytes(content)
    words = {word: rank for rank, word in enumerate(WORDS, start=1)} if index is None else index
    (folder / INDEX).write_text(json.dumps(words))


def digests(folder: Path) -> dict[str, list[str]]:
    return {name: [hashlib.sha256((folder / name).read_bytes()).hexdigest()] for name in (ARRAYS, INDEX)}


def run(folder: Path, pins: dict[str, list[str]] | None = None, **changes: Any) -> int:
    """The stage on the files in ``folder/raw``, their hashes pinned unless others are given."""
    params = read_document(ROOT / "params.yaml")
    block = params["imdb"]
    block.update({"vocabulary": 80, "epochs": 12, "batch_size": 32, "learning_rate": 0.01, "words": 5})
    block["phrases"].update({"epochs": 4, "batch_size": 32, "learning_rate": 0.03, "seeds": 2})
    block["convolution"].update({"vocabulary": 80, "length": 30, "units": 8, "filters": 16})
    block["convolution"].update({"epochs": 12, "batch_size": 32, "learning_rate": 0.01, "seeds": 2})
    block["variants"] = {"plain": {}, "dropout": {"dropout": 0.5}, "larger": {"width": 128, "depth": 1}}
    block.update(changes)
    params["sources"]["imdb"]["files"] = digests(folder / "raw") if pins is None else pins
    write_yaml(folder / "params.yaml", params)
    return imdb.main(options(folder, params="params.yaml", input="raw", output="data", report="reports"))


def results(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for place in ("data", "reports") for path in (folder / place).iterdir()}


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory, arrays: Arrays) -> tuple[Path, imdb.Final]:
    """A folder in which the stage has run, not to be changed, and the networks that it trained in the end."""
    folder, kept = tmp_path_factory.mktemp("imdb"), []
    put(folder / "raw", archive(arrays))
    original = imdb.train_finally
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(imdb, "train_finally", lambda *given: kept.append(original(*given)) or kept[-1])
        assert run(folder) == 0
    return folder, kept[0]


def test_the_stage_learns_from_made_up_reviews(learned: tuple[Path, imdb.Final]) -> None:
    reports = learned[0] / "reports"
    metrics = json.loads((reports / "metrics.json").read_text())
    assert metrics["phrases_accuracy"] > 0.9
    assert metrics["phrases_accuracy"] > metrics["plain_accuracy"] > 0.6  # pairs of words tell more
    assert metrics["convolution_accuracy"] > max(metrics["plain_accuracy"], 0.85)
    assert metrics["ensemble_accuracy"] >= metrics["multi_hot_accuracy"]
    assert metrics["stopping_gain"] == pytest.approx(metrics["plain_accuracy"] - metrics["overfitted_accuracy"])
    assert sum(metrics[f"{kind}_share"] for kind in reviews_experiment.KINDS) == pytest.approx(1)
    assert metrics["ensemble_accuracy_se"] == pytest.approx(
        np.sqrt(metrics["ensemble_accuracy"] * (1 - metrics["ensemble_accuracy"]) / 199), abs=1e-6
    )
    assert 2 <= metrics["overfit_epoch"] <= 13
    curves = pd.read_csv(reports / "learning_curves.csv")
    assert len(curves) == 12 and not curves.isna().any(axis=None)
    assert curves["plain_validation"].idxmin() + 2 == metrics["overfit_epoch"]
    variants = pd.read_csv(reports / "variants.csv").set_index("variant")
    assert variants["chosen"].sum() == 1 and not variants.loc["plain", "chosen"]
    assert variants.loc["larger", "width"] == 128
    words = pd.read_csv(reports / "words.csv")
    assert {"great", "lovely", "not dull", "not awful"} & set(words.loc[words["kind"] == "for", "phrase"])
    assert {"dull", "awful", "not great", "not lovely"} & set(words.loc[words["kind"] == "against", "phrase"])
    assert (words.loc[words["kind"] == "for", "effect"] > 0).all()
    page = (reports / "README.md").read_text()
    for measure in ("ensemble_accuracy", "overfitted_accuracy", "phrases_accuracy", "ensemble_gain", "stopping_gain"):
        assert f"{metrics[measure]:.4f} ± {metrics[f'{measure}_se']:.4f}" in page, measure
    for name, row in variants.iterrows():
        told = next(line for line in page.split("\n") if line.startswith(f"| `{name}` |"))
        error = np.sqrt(row["test_accuracy"] * (1 - row["test_accuracy"]) / 199)
        gain = "" if name == "plain" else f"{row['test_gain']:+.4f} ± {row['test_gain_se']:.4f}"
        assert f"| {row['test_accuracy']:.4f} ± {error:.4f} | {gain} | {row['best_epoch']} |" in told
        difference = row["test_accuracy"] - variants.loc["plain", "test_accuracy"]
        assert row["test_gain"] == pytest.approx(difference, abs=2e-6)
        assert told.endswith(f"| {row['diagnosis']} |")
    assert "| `larger` | depth 1, width 128 |" in page
    assert f"| {words['phrase'][0]} | {words['effect'][0]:.2f} |" in page
    linked = {"overview.png", *re.findall(r"`(\w+\.(?:csv|json))`", page)}
    assert linked == {path.name for path in reports.iterdir()} - {"README.md"}


def test_a_loss_that_falls_to_the_end_is_no_overfitting(
    tmp_path: Path, arrays: Arrays, capsys: pytest.CaptureFixture[str]
) -> None:
    put(tmp_path / "raw", archive(arrays))
    assert run(tmp_path, epochs=3, learning_rate=1e-4) == 0
    told = capsys.readouterr().out
    assert "; plain does not overfit in 3 epochs\n" in told and "overfitted" not in told
    assert run(tmp_path, epochs=8) == 0
    epoch = json.loads((tmp_path / "reports" / "metrics.json").read_text())["overfit_epoch"]
    assert epoch <= 8 and f"; plain overfits from epoch {epoch:.0f}\n" in capsys.readouterr().out


def test_the_same_files_give_the_same_bytes_and_no_other_seed_does(tmp_path: Path, arrays: Arrays) -> None:
    put(tmp_path / "raw", archive(arrays))
    found = []
    for _ in range(2):
        assert run(tmp_path, epochs=2) == 0
        found.append(results(tmp_path))
    assert found[0] == found[1]
    assert run(tmp_path, epochs=2, validation=0.3) == 0
    assert results(tmp_path)["metrics.json"] != found[0]["metrics.json"]


def test_test_reviews_choose_nothing(tmp_path: Path, arrays: Arrays) -> None:
    """With the test labels turned round, all but the test figures stay as they were."""
    put(tmp_path / "raw", archive(arrays))
    assert run(tmp_path, epochs=3) == 0
    before = results(tmp_path)
    put(tmp_path / "raw", archive({**arrays, "y_test": 1 - arrays["y_test"]}))
    assert run(tmp_path, epochs=3) == 0
    after = results(tmp_path)
    same = {"model.npz", "learning_curves.csv", "words.csv"}
    assert {name for name in before if before[name] == after[name]} == same
    first, second = (json.loads(each["metrics.json"]) for each in (before, after))
    changed = {name for name in first if first[name] != second[name]}
    assert not {name for name in changed if name.startswith(("validation_", "overfit_")) or name.endswith("_share")}
    assert first["ensemble_accuracy"] == pytest.approx(1 - second["ensemble_accuracy"])


def test_a_sentence_is_scored_as_the_engine_scores_it(
    learned: tuple[Path, imdb.Final], arrays: Arrays, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, final = learned
    model, reviews = imdb_text.read_model(folder / "data" / "model.npz"), arrays["x_test"]
    variants = pd.read_csv(folder / "reports" / "variants.csv").set_index("variant")
    multi_hot, phrases, convolution = opinions = final.opinions(str(variants.index[variants["chosen"]][0]))
    ensemble = average(model["shares"], opinions)
    for row in range(20):
        opinion = imdb_text.judge([WORDS[rank - 1] for rank in reviews[row]], model)
        assert opinion.phrases == pytest.approx(phrases[row], abs=5e-3)  # the model keeps half precision
        assert opinion.convolution == pytest.approx(convolution[row], abs=1e-4)
        assert opinion.multi_hot == pytest.approx(multi_hot[row], abs=1e-4)
        assert opinion.probability == pytest.approx(ensemble[row], abs=5e-3)
        assert not opinion.unknown
    command = ["--model", str(folder / "data" / "model.npz")]
    assert imdb_text.main(["Not GREAT! A blockchain word3.", *command]) == 0
    told = capsys.readouterr().out
    assert "against the film" in told
    assert "not great -" in told
    assert "unknown: a, blockchain (in too few reviews learned from: networks on phrases pass over them" in told


def test_a_text_without_words_and_a_missing_model_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert imdb_text.main([" ...! ", "--model", str(tmp_path / "model.npz")]) == 1
    assert "no words" in capsys.readouterr().err
    assert imdb_text.main(["good", "--model", str(tmp_path / "model.npz")]) == 1
    assert "no such file" in capsys.readouterr().err
    for top in ("0", "-1"):
        assert imdb_text.main(["good", "--top", top, "--model", str(tmp_path / "model.npz")]) == 1
        assert capsys.readouterr().err == f"error: --top is {top}; expected 1 or more words and phrases of each kind.\n"
    files.write_npz(tmp_path / "model.npz", {"other": np.zeros(2)})
    assert imdb_text.main(["good", "--model", str(tmp_path / "model.npz")]) == 1
    assert "no model of stage imdb" in capsys.readouterr().err


class Trap:
    """What an npz of somebody else may do when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.path,)


def older_results(folder: Path) -> dict[str, bytes]:
    older = {"metrics.json": b'{"ensemble_accuracy": 0.9}\n', "model.npz": b"older"}
    for place in ("data", "reports"):
        (folder / place).mkdir()
    (folder / "reports" / "metrics.json").write_bytes(older["metrics.json"])
    (folder / "data" / "model.npz").write_bytes(older["model.npz"])
    return older


def refused(
    folder: Path, capsys: pytest.CaptureFixture[str], told: str, pins: dict[str, list[str]] | None, epochs: int = 1
) -> None:
    """The stage says what is wrong in three lines at most, and leaves the older results alone."""
    older = older_results(folder)
    assert run(folder, pins, epochs=epochs) == 1
    message = capsys.readouterr().err
    assert told in message
    assert "defect" not in message
    assert len(message.strip().split("\n")) <= 3
    assert results(folder) == older


def test_a_foreign_file_is_refused_before_anything_is_unpickled(
    tmp_path: Path, arrays: Arrays, capsys: pytest.CaptureFixture[str]
) -> None:
    put(tmp_path / "raw", archive(arrays))
    pins, sprung = digests(tmp_path / "raw"), tmp_path / "sprung"
    trap = np.empty(1, object)
    trap[0] = Trap(sprung)
    put(tmp_path / "raw", archive({**arrays, "x_train": trap}))
    refused(tmp_path, capsys, "Not opened", pins)
    assert not sprung.exists()
    pickle.loads(pickle.dumps(Trap(sprung)))  # the trap does work
    assert sprung.exists()


@pytest.mark.parametrize("damage", [lambda content: content[:5000], lambda content: content[:-1] + b"?"])
def test_a_damaged_file_is_told_by_its_hash(
    tmp_path: Path, arrays: Arrays, capsys: pytest.CaptureFixture[str], damage: Callable[[bytes], bytes]
) -> None:
    put(tmp_path / "raw", archive(arrays))
    pins = digests(tmp_path / "raw")
    put(tmp_path / "raw", damage(archive(arrays)))
    refused(tmp_path, capsys, f"{ARRAYS}: ", pins)


def test_another_word_index_is_told_by_its_hash(
    tmp_path: Path, arrays: Arrays, capsys: pytest.CaptureFixture[str]
) -> None:
    put(tmp_path / "raw", archive(arrays))
    pins = digests(tmp_path / "raw")
    put(tmp_path / "raw", archive(arrays), {"the": 1})
    refused(tmp_path, capsys, f"{INDEX}: ", pins)


def object_array(*rows: object) -> np.ndarray:
    found = np.empty(len(rows), object)
    found[:] = rows
    return found


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param({"y_train": np.arange(400) % 3}, "y_train, review 2: label 2", id="label out of range"),
        pytest.param({"y_test": np.arange(100) % 2}, "y_test: shape (100,) for 200 reviews", id="labels too few"),
        pytest.param({"x_train": np.arange(400) % 2}, "x_train, review 0: int64", id="labels for reviews"),
        pytest.param(
            {"x_test": object_array([1, 70], [2])}, "review 0: word 70; expected ranks from 1 to 65", id="word"
        ),
        pytest.param({"x_train": None}, "not an npz archive with x_train", id="array missing"),
    ],
)
def test_what_a_trusted_file_holds_is_checked(
    tmp_path: Path, arrays: Arrays, capsys: pytest.CaptureFixture[str], changes: Arrays, told: str
) -> None:
    changed = {name: array for name, array in {**arrays, **changes}.items() if array is not None}
    put(tmp_path / "raw", archive(changed))
    refused(tmp_path, capsys, told, None)


def test_a_trusted_file_that_is_no_archive_is_told(
    tmp_path: Path, arrays: Arrays, capsys: pytest.CaptureFixture[str]
) -> None:
    put(tmp_path / "raw", b"PK\x03\x04 not an archive")
    refused(tmp_path, capsys, "not an npz archive", None)


def test_missing_files_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "raw").mkdir()
    refused(tmp_path, capsys, "no such file", {ARRAYS: ["0" * 64], INDEX: ["0" * 64]})


def test_parameters_that_can_not_be_are_told(
    tmp_path: Path, arrays: Arrays, capsys: pytest.CaptureFixture[str]
) -> None:
    put(tmp_path / "raw", archive(arrays))
    assert run(tmp_path, variants={"wide": {"width": 32}}) == 1
    assert "has no 'plain'" in capsys.readouterr().err
    for name in ("phrases", "convolution", "plain to the end"):
        assert run(tmp_path, variants={"plain": {}, name: {}}) == 1
        assert f"imdb.variants has {name!r}" in capsys.readouterr().err
    assert run(tmp_path, variants={"plain": {"drop": 0.1}}) == 1
    assert "did you mean 'dropout'" in capsys.readouterr().err
    block = read_document(ROOT / "params.yaml")["imdb"]
    assert run(tmp_path, convolution={**block["convolution"], "skip": 1.0}) == 1
    assert "imdb.convolution.skip" in capsys.readouterr().err
    assert run(tmp_path, epochs=1, phrases={**block["phrases"], "min_count": 300}) == 1
    assert capsys.readouterr().err == (
        "error: imdb: no word is in 300 or more of the 240 reviews learned from. Lower imdb.phrases.min_count in "
        "params.yaml.\n"
    )


@pytest.mark.parametrize("curve", ["train_loss", "stop_loss"])
def test_a_network_that_diverges_after_a_good_epoch_is_told(
    tmp_path: Path, arrays: Arrays, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, curve: str
) -> None:
    original = engine.fit

    def broken(*given: Any, **named: Any) -> engine.Fit:
        found = original(*given, **named)
        getattr(found, curve)[-1, -1] = np.inf
        return found

    monkeypatch.setattr(engine, "fit", broken)
    put(tmp_path / "raw", archive(arrays))
    refused(tmp_path, capsys, "a network diverged. Lower a learning_rate under imdb", None, epochs=2)


def test_copies_of_a_network_learn_in_orders_of_their_own(learned: tuple[Path, imdb.Final]) -> None:
    """Alone or with others, a copy's answers are the same."""
    folder, _ = learned
    seed, settings = load_block(folder / "params.yaml", "imdb")
    reviews = read_reviews(folder / "raw", digests(folder / "raw"))
    texts = reviews_networks.Texts(reviews.starts, reviews.ranks, reviews.labels[:400], np.full(400, TRAIN))
    one = replace(settings, phrases=replace(settings.phrases, seeds=1))
    alone, both = (
        reviews_networks.train_phrases(each, seed, texts, 2, lambda share: None).fit for each in (one, settings)
    )
    np.testing.assert_array_equal(alone.answers[0], both.answers[0])
    assert not np.array_equal(both.answers[0], both.answers[1])
    assert both.weights[0]["kernel_0"].shape[0] == 2


def test_a_full_disk_keeps_the_older_results(
    tmp_path: Path, arrays: Arrays, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "raw", archive(arrays))
    older = older_results(tmp_path)

    original = files.os.replace

    def full(source: Any, target: Any) -> None:
        if Path(target).name != "params.yaml":
            raise OSError(28, "No space left on device")
        original(source, target)

    monkeypatch.setattr(files.os, "replace", full)
    assert run(tmp_path, epochs=1) == 1
    assert "No space left on device" in capsys.readouterr().err
    assert results(tmp_path) == older
