"""Jobs side by side, each in a thread of its own.

The operations of small networks are too short to be shared out: one program takes as long on two cores as on one. Two
programs at a time take little more than one does, so the cores are given to programs and each operation runs in one
thread. What a job computes does not depend on who runs beside it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar

import tensorflow as tf

Result = TypeVar("Result")


class Stopped(Exception):
    """What a job raises when another one has failed or the run was interrupted."""


def small() -> bool:
    """Whether this process's networks are: each operation runs in one thread, see ``runtime.start_tensorflow``."""
    return bool(tf.config.threading.get_intra_op_parallelism_threads() == 1)


def lanes() -> int:
    """How many jobs at a time: as many as there are cores where TensorFlow splits no operation, else one."""
    if not small():
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def side_by_side(jobs: Sequence[Callable[[], Result]], stop: threading.Event) -> list[Result]:
    """What the ``jobs`` return, in their order, ``lanes()`` at a time. ``stop`` is set where one has failed or the run
    is interrupted; a job that runs long looks at it now and then, and raises ``Stopped``.

    A job alone has a thread, too: Ctrl-C reaches the main thread, and TensorFlow may swallow it there.
    """
    with ThreadPoolExecutor(lanes()) as pool:
        futures = [pool.submit(job) for job in jobs]
        try:
            for ended in wait(futures, return_when=FIRST_EXCEPTION).done:
                ended.result()
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise
    return [future.result() for future in futures]
