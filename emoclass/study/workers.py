"""Who trains: processes of this machine, or the workers of a cluster."""

import gc
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager
from multiprocessing import get_context

from emoclass.backend import keras
from emoclass.errors import InputError
from emoclass.study import cluster

# Then fresh processes: TensorFlow keeps some 25 MB of each net that it has ever compiled. By hand, because
# ProcessPoolExecutor(max_tasks_per_child=...) can deadlock (cpython issue 115634).
RUNS_PER_WORKER = 30


def default_workers() -> int:
    """As many one-thread workers as this process may use cores: `EMOCLASS_WORKERS` says otherwise, or InputError."""
    if not (wanted := os.environ.get("EMOCLASS_WORKERS", "")):
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not wanted.isdecimal() or not int(wanted):
        raise InputError(f"EMOCLASS_WORKERS={wanted!r} is no number of workers: name at least 1")
    return int(wanted)


def workers() -> AbstractContextManager[Executor]:
    """Those of the cluster that EMOCLASS_CLUSTER names, or else those of this machine."""
    address = os.environ.get("EMOCLASS_CLUSTER")
    return cluster.connected(address) if address else Workers()


class Workers(Executor):
    """Processes of this machine, each training on one thread, that stay from one sweep to the next.

    They are spawned when first needed, and anew after RUNS_PER_WORKER runs each or where one has died. An error ends
    them, and so does the end of this process.
    """

    def __init__(self, count: int | None = None):
        self.workers = count or default_workers()
        self.pool, self.runs_left = None, 0

    def portions(self, wanted: list) -> Iterator[list]:
        """These tasks, as many at a time as these processes may still do; each portion is done before the next."""
        while wanted:
            if self.runs_left < 1:
                self.renew()
            portion, wanted = wanted[: self.runs_left], wanted[self.runs_left :]
            self.runs_left -= len(portion)
            yield portion

    def renew(self) -> None:
        """Put fresh processes in place of these, once they are done."""
        self.shutdown()
        self.pool = ProcessPoolExecutor(self.workers, get_context("spawn"), _begin, (os.getpid(),))
        self.runs_left = self.workers * RUNS_PER_WORKER

    def submit(self, function, *arguments) -> Future:
        """The future result of this call in one of the processes."""
        try:
            return self.pool.submit(function, *arguments)
        except (AttributeError, BrokenProcessPool):  # none yet, or one of them has died since
            self.renew()
            return self.pool.submit(function, *arguments)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes, each after its run."""
        if self.pool:
            self.pool.shutdown(wait, cancel_futures=cancel_futures)

    def __exit__(self, error, *_) -> None:
        """End the processes: after an error at once."""
        processes = list((getattr(self.pool, "_processes", None) or {}).values())
        self.shutdown(wait=not error, cancel_futures=bool(error))
        for process in processes if error else ():
            process.terminate()


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
