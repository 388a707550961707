"""TensorFlow is set up once, before any test may import it."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("DVC_NO_ANALYTICS", "1")
# Many tests compare bits, and a GPU rounds a product by what is multiplied beside it; CUDA_VISIBLE_DEVICES=0 tries one.
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
# There, what imports TensorFlow without ``runtime.start_tensorflow`` should multiply 32 bits all the same.
os.environ.setdefault("NVIDIA_TF32_OVERRIDE", "0")


# Traces that a process of tests keeps at most, of some 8 MB each: a stage has few kinds of networks, tests hundreds.
TRACES = 32


@pytest.fixture(autouse=True)
def _few_traces() -> Iterator[None]:
    """TensorFlow holds a trace besides ``trainer``: by each gradient of our own in it, of which its registry forgets
    none, and as an operation that was called."""
    yield
    module = sys.modules.get("pipeline.nets.trainer")
    if module is None or module.trainer.cache_info().currsize <= TRACES:
        return
    from tensorflow.python.eager import context
    from tensorflow.python.framework import ops

    module.trainer.cache_clear()
    gradients = ops.gradient_registry._registry
    for name in [name for name in gradients if name.startswith("CustomGradient-")]:
        del gradients[name]
    gc.unfreeze()  # an import of TensorFlow on the way may have taken what was there for permanent
    gc.collect()
    context.context().clear_kernel_cache()
