"""The one place for seeds and the device."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from features.errors import UserError

if TYPE_CHECKING:
    from types import ModuleType

# What TensorFlow's libraries tell while they load, before their log level counts: hints, and a preface to them.
CHATTER = "^(I[0-9]{4} |WARNING: All log messages before absl::InitializeLog)"

# What TensorFlow, Keras and KerasTuner load where it is there, for wrappers, pictures and files that nobody asks for: a
# second of each start.
UNUSED = ("sklearn", "matplotlib", "h5py")


def seed_for(seed: int, *index: int | str) -> int:
    """A 63-bit seed that depends on the run's ``seed`` and on what it is for, never on time, order or workers.

    Words in ``index`` name the purpose, whole numbers the item: ``seed_for(0, "member", trial, fold, copy)``.
    """
    words = [number for part in index for number in (part.encode() if isinstance(part, str) else (part,))]
    return int(np.random.SeedSequence([seed, *words]).generate_state(1, np.uint64)[0] >> np.uint64(1))


def start_tensorflow(small: bool = False) -> ModuleType:
    """Import TensorFlow quietly and set it up: memory grows on a GPU, operations are deterministic, and a number of 32
    bits is multiplied as one (a GPU would leave out 13 of them, in TensorFlow's own setting).

    ``small``: the networks are, so a processor's cores are given to programs side by side (``nets/lanes.py``) and no
    operation is split. Call it before anything else imports TensorFlow or Keras, since both read these settings when
    they are imported; what is set once in a process stays.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    with loading(), stderr_without(CHATTER), hidden_packages(UNUSED):
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
        for gpu in gpus:
            tf.config.experimental.set_memory_growth(gpu, True)
        if small and not gpus:
            with suppress(RuntimeError):  # the devices are open already, in a process that has done another stage
                tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.experimental.enable_op_determinism()
        tf.config.experimental.enable_tensor_float_32_execution(False)
        tf.zeros(())  # the devices are opened now, not in the middle of a progress bar
        if gpus:
            check_arithmetic(tf)
    return tf


def check_arithmetic(tf: ModuleType) -> None:
    """Raises ``UserError`` where the device computes wrong results: CUDA libraries that don't go with TensorFlow may
    answer with nonsense and without a word, and networks would be trained on it."""
    generator = np.random.default_rng(0)
    left, right = (generator.normal(size=shape).astype(np.float32) for shape in ((64, 96), (96, 32)))
    expected = (np.maximum(left.astype(float) @ right.astype(float), 0) + 1).sum(axis=1)
    try:
        # The ones are made there, by TensorFlow's own code, the product by CUDA's: either may be the one that fails.
        said = tf.reduce_sum(tf.nn.relu(tf.matmul(left, right)) + tf.ones((64, 32)), axis=1).numpy()
    except tf.errors.OpError as error:
        said = np.array(str(error).splitlines()[0])
    if said.shape != expected.shape or not np.allclose(said, expected, rtol=1e-3):
        raise UserError(
            f"{device_name(tf)} computes wrong results: a small product's first sum is {said.ravel()[0]}, expected "
            f"{expected[0]:.4f}.\nIts CUDA libraries don't go with this TensorFlow: `GPU=1 make setup` installs those "
            "that do; CUDA_VISIBLE_DEVICES=-1 leaves the GPU aside."
        )


@contextmanager
def loading() -> Iterator[None]:
    """For imports of large packages: no garbage is looked for meanwhile, and afterwards not among what they define,
    which stays as long as the process. The search takes a fifth of an import's time and finds nothing."""
    collecting, before = gc.isenabled(), len(sys.modules)
    gc.disable()
    try:
        yield
    finally:
        if len(sys.modules) > before:
            gc.freeze()
        if collecting:
            gc.enable()


@contextmanager
def hidden_packages(names: Sequence[str]) -> Iterator[None]:
    """As if the packages ``names`` were not installed, but for those that are loaded already."""
    modules = cast("dict[str, ModuleType | None]", sys.modules)
    hidden = [name for name in names if name not in modules]
    modules.update(dict.fromkeys(hidden))  # what an import finds to be None it takes for missing
    try:
        yield
    finally:
        for name in hidden:
            del modules[name]


@contextmanager
def stderr_without(pattern: str) -> Iterator[None]:
    """Keep the lines that match ``pattern`` (extended regular expression) off this process's standard error.

    Everything else passes as it comes, through a process of its own: what the loader says before it kills the process
    (a processor that is too old, a library that is missing) still arrives.
    """
    sys.stderr.flush()
    try:
        sieve = subprocess.Popen(["grep", "-a", "-E", "-v", pattern], stdin=subprocess.PIPE, stdout=2)
    except OSError:  # no grep: rather the chatter than nothing
        yield
        return
    assert sieve.stdin
    terminal = os.dup(2)
    os.dup2(sieve.stdin.fileno(), 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(terminal, 2)
        os.close(terminal)
        sieve.stdin.close()
        sieve.wait()


def fast_precision(tf: ModuleType) -> str:
    """``bfloat16`` where the device multiplies it faster than ``float32``: a GPU of compute capability 8 or more, or a
    processor with instructions for it (as far as the system tells); else ``float32``."""
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        capability = tf.config.experimental.get_device_details(gpus[0]).get("compute_capability", (0, 0))
        return "bfloat16" if capability >= (8, 0) else "float32"
    try:
        flags = Path("/proc/cpuinfo").read_text().split()
    except OSError:
        return "float32"
    return "bfloat16" if {"avx512_bf16", "amx_bf16"} & set(flags) else "float32"


def device_name(tf: ModuleType) -> str:
    """What trains: ``GPU (name)`` for the first GPU that TensorFlow sees, else ``CPU (k cores)``."""
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        details = tf.config.experimental.get_device_details(gpus[0])
        return f"GPU ({details.get('device_name', 'unnamed')})"
    return f"CPU ({len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()} cores)"
