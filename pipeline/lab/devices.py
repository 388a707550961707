"""Lab 10, CPU against GPU: the same training job on every device that TensorFlow sees.

Its figures are times, which no two runs share, so they are kept out of Git: the stage prints them.
"""

from __future__ import annotations

import time

import pandas as pd
import tensorflow as tf

from features.errors import enumerated
from pipeline.lab.laboratory import Material, train
from pipeline.nets.trainer import trainer

SIZES = (16, 64, 256)
NETWORKS, EPOCHS = 4, 3
CHAPTER = "CPU와 GPU의 성능비교"
ABOUT = (
    "A GPU does thousands of products at once, but each step of a training has to be handed over to it, so it gains "
    f"where steps are large. Here: the same training of {NETWORKS} networks a fold, with 2 hidden layers of "
    f"{', '.join(map(str, SIZES[:-1]))} and {SIZES[-1]} units, on every device there is, timed the second time, when "
    "all is compiled."
)


def devices() -> list[str]:
    """``CPU`` and, where TensorFlow sees one, ``GPU``."""
    return [kind for kind in ("CPU", "GPU") if tf.config.list_physical_devices(kind)]


def run(material: Material) -> pd.DataFrame:
    """One row per device and width: seconds a member and epoch, the second time, when all is compiled."""
    rows, names = [], devices()
    for device in names:
        if len(names) > 1:
            trainer.cache_clear()  # a compiled program stays on the device that it was made on
        for width in SIZES:
            settings = [{"width": width, "batch_size": 128} for _ in range(NETWORKS)]
            with tf.device(f"/{device}:0"):
                for _ in range(2):
                    begun = time.perf_counter()
                    train(material, "devices", material.table, settings, EPOCHS)
                    seconds = time.perf_counter() - begun
            rows.append({"device": device, "width": width, "seconds": seconds / (NETWORKS * material.folds * EPOCHS)})
    if len(names) > 1:
        trainer.cache_clear()
    return pd.DataFrame(rows)


def sentence(names: list[str]) -> str:
    """What can be compared here; for the page, so without a time."""
    if len(names) == 1:
        return f"TensorFlow sees one device here, the {names[0]}: nothing to compare it with."
    return f"TensorFlow sees {enumerated(names)} here."


def spoken(frame: pd.DataFrame) -> str:
    """The times, for the terminal."""
    lines = []
    for width, part in frame.groupby("width"):
        times = {row.device: row.seconds for row in part.itertuples()}
        shown = enumerated([f"{1000 * seconds:.2f} ms on {device}" for device, seconds in times.items()])
        fast, slow = min(times, key=lambda device: times[device]), max(times.values())
        faster = f", the {fast} {slow / times[fast]:.1f} times as fast" if len(times) > 1 else ""
        lines.append(f"labs: width {width}: a network's epoch takes {shown}{faster}")
    return "\n".join(lines)
