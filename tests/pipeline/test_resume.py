"""Searches that do not end well: an interrupted one goes on where it was, one without a valid trial says why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from features.errors import UserError
from pipeline import honest, tune
from pipeline.choice.arrays import Inputs, Scaled
from pipeline.choice.outer_folds import Plan
from pipeline.demo import write_yaml
from pipeline.files import write_npz
from pipeline.nets.search import Result
from pipeline.params import load, read_document
from pipeline.progress import Progress
from tests.contract.test_repository import closure
from tests.stages import options

ROOT = Path(__file__).resolve().parents[2]
INPUTS = Inputs(np.array(["a"]), np.array([""]), ("zscore",))
# Without the arrays, which only the training would read.
SCALED = cast(Scaled, SimpleNamespace(table=None, inputs=INPUTS))


def result(reason: str = "") -> Result:
    return Result(np.ones(3, np.float32), np.ones(3, np.float32), np.ones(2), 1.0, reason)


def test_a_finished_generation_is_not_trained_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained: list[str] = []

    def evaluate(
        table: object, task: str, networks: list[dict[str, Any]], *rest: object, **how: object
    ) -> list[Result]:
        trained.extend(f"depth {network['depth']}" for network in networks)
        return [result() for _ in networks]

    monkeypatch.setattr(tune, "evaluate", evaluate)
    params = load(ROOT / "params.yaml", "titanic")

    def ask(identity: str, *depths: int) -> list[str]:
        """What a search of ``identity`` trains whose generations have one trial each, of these depths."""
        trained.clear()
        with Progress(len(depths), "trials", "tune") as progress:
            evaluation = tune.Evaluation(params, SCALED, tune.Memory(tmp_path, identity), progress)
            for first, depth in enumerate(depths):
                assert len(evaluation(first, [{"depth": depth}])) == 1
        return trained.copy()

    search, other = "a" * 64, "b" * 64
    assert ask(search, 1) == ["depth 1"], "interrupted after its first generation"
    assert ask(search, 1, 2) == ["depth 2"], "goes on where it was"
    assert ask(search, 3) == ["depth 3"], "asked something else"
    assert ask(other, 1) == ["depth 1"]


def test_a_remembered_result_is_the_one_that_was_kept(tmp_path: Path) -> None:
    memory = tune.Memory(tmp_path, "a" * 64)
    loss, error, fold_loss = (np.array([value, value + 0.5], np.float32) for value in (1, 2, 3))
    kept = Result(loss=loss, error=error, fold_loss=fold_loss, best_epoch=4.0, reason="", halved=True)
    memory.keep(0, [{"depth": 1}], [kept])
    (found,) = memory.recall(0, [{"depth": 1}]) or []
    np.testing.assert_array_equal(found.loss, loss)
    np.testing.assert_array_equal(found.error, error)
    np.testing.assert_array_equal(found.fold_loss, fold_loss)
    assert (found.best_epoch, found.reason, found.halved) == (4.0, "", True)


def test_a_search_with_other_code_never_meets_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file that the stage imports has a say, but what only reads, writes or shows."""
    read, seen = tune.read_bytes, set()

    def noted(path: Path) -> bytes:
        seen.add(path.resolve())
        return read(path)

    monkeypatch.setattr(tune, "read_bytes", noted)
    arrays = tmp_path / "arrays.npz"
    arrays.write_bytes(b"arrays")
    params = load(ROOT / "params.yaml", "titanic")
    identity = tune._fingerprint(params, arrays, "2.20")
    code = {path.relative_to(ROOT).as_posix() for path in seen if path.suffix == ".py"}
    plumbing = {"features/errors.py", "pipeline/files.py", "pipeline/progress.py", "pipeline/stage.py"}
    needed = closure(ROOT / "pipeline" / "tune.py") - plumbing
    assert needed <= code
    assert all(name.startswith("pipeline/nets/") for name in code - needed), "no file without a say"

    monkeypatch.setattr(tune, "read_bytes", lambda path: read(path) + b"#" * (path.name == "target.py"))
    others = [tune._fingerprint(params, arrays, "2.20")]
    monkeypatch.setattr(tune, "read_bytes", read)
    others += [tune._fingerprint(params, arrays, "2.21"), tune._fingerprint(replace(params, seed=1), arrays, "2.20")]
    assert len({identity, *others}) == 4
    assert tune._fingerprint(params, arrays, "2.20") == identity


def test_a_search_without_a_valid_trial_is_one_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def evaluate(
        table: object, task: str, networks: list[dict[str, Any]], *rest: object, **how: object
    ) -> list[Result]:
        return [result("diverged")] * len(networks)

    monkeypatch.setattr(tune, "evaluate", evaluate)
    document = read_document(ROOT / "params.yaml")
    document["tune"] |= {"max_trials": 6, "generation": 6, "halving": 0, "oracle": "random"}
    write_yaml(tmp_path / "params.yaml", document)
    arrays = {
        "inputs": np.zeros((20, 6, 1), np.float32),
        "codes": np.zeros((6, 0), np.int32),
        "levels": np.zeros(0, np.int32),
        "target": np.array([0, 1, 0, 1], np.float32),
        "roles": np.zeros((4, 20), np.int8),
        "groups": np.array(["a"]),
        "forms": np.array([""]),
        "methods": np.array(["zscore"]),
    }
    write_npz(tmp_path / "arrays.npz", arrays)
    paths = {"params": "params.yaml", "input": "arrays.npz", "output": "out", "report": "report", "memory": "memory"}
    assert tune.main(["--competition", "titanic", *options(tmp_path, **paths)]) == 1
    said = capsys.readouterr().err
    assert "none of 6 trials is valid; the first failed with: diverged" in said and "Lower tune.space" in said
    assert not (tmp_path / "out").exists() and not (tmp_path / "report").exists()


def test_a_nested_search_without_a_valid_trial_names_its_outer_fold(monkeypatch: pytest.MonkeyPatch) -> None:
    def evaluate(*given: object, rivals: list[int], **how: object) -> list[Result]:
        """Those of the second outer fold are invalid."""
        return [result("diverged" if outer == 1 else "") for outer in rivals]

    monkeypatch.setattr(honest, "evaluate", evaluate)
    params = load(ROOT / "params.yaml", "titanic")
    small = replace(params.tune, max_trials=2, generation=2, halving=0.0, oracle="random")
    plan = Plan(np.array([0, 1]), np.zeros((2, 8), np.int8), outer=2, search=2, members=2)
    with pytest.raises(UserError, match=r"no trial of outer fold 1 is valid; the first failed with: diverged"):
        honest.search_together(replace(params, tune=small), SCALED, plan, lambda share: None)
