"""The one place for seeds and the device."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from types import ModuleType


def seed_for(seed: int, *index: int | str) -> int:
    """A 63-bit seed that depends on the run's ``seed`` and on what it is for, never on time, order or workers.

    Words in ``index`` name the purpose, whole numbers the item: ``seed_for(0, "member", trial, fold, copy)``.
    """
    words = [number for part in index for number in (part.encode() if isinstance(part, str) else (part,))]
    return int(np.random.SeedSequence([seed, *words]).generate_state(1, np.uint64)[0] >> np.uint64(1))


def start_tensorflow() -> ModuleType:
    """Import TensorFlow quietly and set it up: memory grows on a GPU, operations are deterministic.

    Call it before anything else imports TensorFlow or Keras, since both read these settings when they are imported.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import tensorflow as tf

    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)
    tf.config.experimental.enable_op_determinism()
    return tf


def device_name(tf: ModuleType) -> str:
    """What trains: ``GPU (name)`` for the first GPU that TensorFlow sees, else ``CPU (k cores)``."""
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        details = tf.config.experimental.get_device_details(gpus[0])
        return f"GPU ({details.get('device_name', 'unnamed')})"
    return f"CPU ({len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()} cores)"
