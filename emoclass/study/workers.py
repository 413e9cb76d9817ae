"""Who trains: processes of this machine, the workers of a cluster, or any other executor."""

import gc
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Protocol

from loky import ProcessPoolExecutor

from emoclass import paths
from emoclass.backend import keras
from emoclass.errors import InputError
from emoclass.faces import Faces
from emoclass.study.store import save_faces


class Trainers(Protocol):
    """Whoever trains runs for a sweep."""

    count: int  # how many runs are trained at a time

    def share(self, faces: Faces):
        """What stands for these faces among the arguments of `submit`, once for all runs."""

    def submit(self, function, *arguments) -> Future:
        """The future result of this call."""


def default_workers() -> int:
    """As many one-thread workers as this process may use cores.

    `EMOCLASS_WORKERS` says otherwise; InputError if it is no such number.
    """
    wanted = os.environ.get("EMOCLASS_WORKERS", "")
    if not wanted:
        if hasattr(os, "sched_getaffinity"):
            return len(os.sched_getaffinity(0))
        return os.cpu_count() or 1
    if not wanted.isdecimal() or not int(wanted):
        raise InputError(f"EMOCLASS_WORKERS={wanted!r} is no number of workers: name at least 1")
    return int(wanted)


@contextmanager
def trainers(executor: Executor | None = None) -> Iterator[Trainers]:
    """Those of `executor`; else of the cluster that EMOCLASS_CLUSTER names; else processes here."""
    address = os.environ.get("EMOCLASS_CLUSTER")
    if executor is not None:
        yield OnExecutor(executor)
    elif address:
        from emoclass.study import cluster

        with cluster.connected(address) as found:
            yield found
    else:
        with LocalProcesses() as found:
            yield found


class OnExecutor:
    """Trainers on an executor like the standard library's, which reads faces from this disk."""

    def __init__(self, executor: Executor, count: int | None = None):
        self.executor = executor
        self.count = count or getattr(executor, "_max_workers", None) or default_workers()

    def share(self, faces: Faces) -> Path:
        """The folder where these faces lie, for `store.open_faces`."""
        return save_faces(faces, paths.build_folder() / "cache" / "faces")

    def submit(self, function, *arguments) -> Future:
        """The future result of this call."""
        return self.executor.submit(function, *arguments)


class LocalProcesses(OnExecutor):
    """Processes of this machine, each training on one thread.

    Of loky: they carry functions written in a notebook or script, need no `__main__` guard, and one that has grown by
    300 MB (TensorFlow keeps some 25 MB of each net that it has compiled) is replaced after its run.
    """

    def __init__(self, count: int | None = None):
        count = count or default_workers()
        self.start = partial(
            ProcessPoolExecutor, count, initializer=_begin, initargs=(os.getpid(),)
        )
        super().__init__(self.start(), count)

    def renew(self) -> None:
        """Put fresh processes in place of these, one of which has died."""
        self.executor.shutdown(wait=True)
        self.executor = self.start()

    def __enter__(self) -> "LocalProcesses":
        return self

    def __exit__(self, error, *_) -> None:
        """End the processes: after an error at once."""
        self.executor.shutdown(wait=True, kill_workers=bool(error))


def _begin(parent: int) -> None:
    """In a new worker: end when the parent is gone, as a killed study must not go on training behind one's back."""

    def watch():
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the parent alone answers it
    keras()
    gc.freeze()  # or after each net all that Keras brought would be looked through: a sixth of a small run
