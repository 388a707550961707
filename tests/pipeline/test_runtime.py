"""Seeds, and what TensorFlow may say on a person's terminal while it starts."""

from __future__ import annotations

import gc
import importlib
import importlib.util
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from features.errors import UserError
from pipeline import runtime
from pipeline.runtime import hidden_packages, loading, seed_for

ROOT = Path(__file__).resolve().parents[2]


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)


def test_seeds_differ_by_purpose_and_item_and_come_again() -> None:
    seeds = [
        seed_for(0, "train", 1, 2),
        seed_for(0, "train", 2, 1),
        seed_for(0, "tune", 1, 2),
        seed_for(1, "train", 1, 2),
    ]
    assert len(set(seeds)) == 4
    assert seeds[0] == seed_for(0, "train", 1, 2)


def test_tensorflow_starts_without_a_word() -> None:
    done = run("from pipeline.runtime import start_tensorflow; start_tensorflow()")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_tensorflow_multiplies_all_32_bits_and_repeats_itself() -> None:
    code = """
from pipeline.runtime import start_tensorflow
tf = start_tensorflow()
assert not tf.config.experimental.tensor_float_32_execution_enabled()
from tensorflow.python.framework import config
assert config.is_op_determinism_enabled()
"""
    done = run(code)
    assert done.returncode == 0, done.stderr


def test_errors_pass_even_where_the_process_dies() -> None:
    code = """
import os
from pipeline.runtime import CHATTER, stderr_without
with stderr_without(CHATTER):
    os.write(2, b"I0000 00:00:1 1 port.cc:153] hint\\nF0000 00:00:1 1 cpu.cc:1] too old\\n")
    os.abort()
"""
    done = run(code)
    assert done.returncode != 0
    assert done.stderr == "F0000 00:00:1 1 cpu.cc:1] too old\n"


def test_afterwards_everything_passes() -> None:
    code = """
import os
from pipeline.runtime import CHATTER, stderr_without
with stderr_without(CHATTER):
    pass
os.write(2, b"I0000 later\\n")
"""
    assert run(code).stderr == "I0000 later\n"


def test_a_package_that_is_absent_for_a_while_is_there_again() -> None:
    sys.modules.pop("colorsys", None)
    with hidden_packages(["colorsys", "pathlib"]):
        assert importlib.import_module("pathlib")  # loaded before, so it stays
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module("colorsys")
    assert "colorsys" not in sys.modules and importlib.util.find_spec("colorsys")


def test_no_garbage_is_looked_for_while_packages_load() -> None:
    code = """
import gc
from pipeline.runtime import loading
with loading():
    assert not gc.isenabled()
    import colorsys
assert gc.isenabled() and gc.get_freeze_count() > 0
"""
    done = run(code)
    assert done.returncode == 0, done.stderr


def test_the_collector_stays_off_where_it_was() -> None:
    gc.disable()
    try:
        with loading():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_tensorflow_starts_without_what_nobody_asks_for() -> None:
    code = """
import sys
from pipeline.runtime import UNUSED, start_tensorflow
start_tensorflow()
assert not set(UNUSED) & set(sys.modules), set(UNUSED) & set(sys.modules)
import sklearn.metrics, matplotlib.pyplot
"""
    done = run(code)
    assert done.returncode == 0, done.stderr


def test_a_device_that_reckons_wrong_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with CUDA libraries of another version: zeros, or what lay in the memory before, and no error."""
    import tensorflow as tf

    runtime.check_arithmetic(tf)
    with monkeypatch.context() as patch:
        patch.setattr(tf, "ones", lambda shape: tf.fill(shape, -36.75))
        with pytest.raises(UserError, match="computes wrong results"):
            runtime.check_arithmetic(tf)
    monkeypatch.setattr(tf.nn, "relu", tf.zeros_like)
    with pytest.raises(UserError, match="computes wrong results.*\n.*CUDA_VISIBLE_DEVICES=-1"):
        runtime.check_arithmetic(tf)

    def broken(*_: object) -> None:
        raise tf.errors.InternalError(None, None, "no kernel image")

    monkeypatch.setattr(tf, "matmul", broken)
    with pytest.raises(UserError, match="no kernel image"):
        runtime.check_arithmetic(tf)


def device(*capabilities: tuple[int, int]) -> Any:
    """TensorFlow as it is asked, with a GPU for each of the compute ``capabilities``."""
    details = {f"GPU:{place}": {"compute_capability": one} for place, one in enumerate(capabilities)}
    config = SimpleNamespace(
        list_physical_devices=lambda kind: list(details),
        experimental=SimpleNamespace(get_device_details=details.__getitem__),
    )
    return SimpleNamespace(config=config)


@pytest.mark.parametrize(("capability", "precision"), [((7, 5), "float32"), ((8, 0), "bfloat16"), ((9, 0), "bfloat16")])
def test_a_gpu_rounds_factors_where_it_is_fast_at_it(capability: tuple[int, int], precision: str) -> None:
    assert runtime.fast_precision(device(capability)) == precision


def test_a_gpu_that_does_not_say_what_it_can_keeps_32_bits() -> None:
    silent = device((9, 0))
    silent.config.experimental.get_device_details = lambda gpu: {}
    assert runtime.fast_precision(silent) == "float32"


@pytest.mark.parametrize(
    ("flags", "precision"),
    [
        ("flags : fpu avx512f avx512_bf16 sse", "bfloat16"),
        ("flags : fpu amx_bf16", "bfloat16"),
        ("flags : fpu avx512f avx512_bf16x", "float32"),
        (None, "float32"),  # as on macOS, which has no such file
    ],
)
def test_a_processor_rounds_factors_where_it_has_instructions_for_it(
    flags: str | None, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_text(path: Path) -> str:
        assert path == Path("/proc/cpuinfo")
        if flags is None:
            raise FileNotFoundError(path)
        return flags

    monkeypatch.setattr(runtime.Path, "read_text", read_text)
    assert runtime.fast_precision(device()) == precision
