"""Many runs over an Executor: processes on this machine, or whatever else has `submit`."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterable
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from emoclass import models, paths
from emoclass.faces import Faces
from emoclass.predictions import Predictions, pool
from emoclass.store import Store, address
from emoclass.train import train
from emoclass.variant import Variant

# Seconds of training per photo and epoch on one thread of the machine that this was fitted on, which multiplies
# REFERENCE_SPEED Gflop/s in float32: so much for each photo, and so much for each million multiply-adds.
SECONDS_PER_PHOTO, SECONDS_PER_MILLION = 1.6e-4, 3.9e-5
REFERENCE_SPEED = 100.0
START_UP = 10.0  # seconds that a worker needs before its first run


class SweepError(RuntimeError):
    """Some runs failed, each named with its variant; the others are finished and kept."""


@dataclass(frozen=True)
class Task:
    """One run that is wanted: a variant on some faces, in one fold, with one seed."""

    variant: Variant
    faces: Faces
    fold: int
    seed: int

    @property
    def address(self) -> str:
        """Where its run lies in a store."""
        return address(self.variant, self.faces, self.fold, self.seed)

    @property
    def cost(self) -> float:
        """About how many seconds of training it is on the reference machine."""
        copies = self.variant.copies
        counts = self.faces.counts[list(self.variant.emotions)]
        extra = sum(max(copies.to - counts[e], 0) for e in copies.of if counts.get(e)) if copies else 0
        photos = (counts.sum() + extra) * (1 - 1 / self.variant.n_folds)
        millions = models.cost(self.variant.net, self.faces.size)[1] / 1e6
        speed_up = 0.55 if self.variant.precision == "mixed_bfloat16" else 1.0
        per_photo = SECONDS_PER_PHOTO + speed_up * millions * SECONDS_PER_MILLION
        return 1.0 + photos * self.variant.epochs * per_photo

    def __str__(self):
        return f"{self.variant.name}, fold {self.fold}" + (f", seed {self.seed}" if self.seed else "")


def tasks(variants: Iterable[Variant], faces: Faces, seeds: Iterable[int] = (0,)) -> list[Task]:
    """Every run of these variants on these faces: each of their folds, with each seed."""
    return [Task(v, faces, fold, seed) for v in variants for seed in seeds for fold in v.folds]


def missing(wanted: Iterable[Task], store: Store) -> list[Task]:
    """The tasks that are not in the store yet, each once, the longest first."""
    found = {at: task for task in wanted if (at := task.address) not in store}
    return sorted(found.values(), key=lambda task: -task.cost)


def minutes_to_train(wanted: list[Task], workers: int | None = None) -> float:
    """About how long these take here; judged by how fast this machine multiplies two matrices just now."""
    a = np.ones((512, 512), np.float32)
    times = []
    for _ in range(9):
        start = time.perf_counter()
        a @ a
        times.append(time.perf_counter() - start)
    threads = float(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)
    speed = 2 * 512**3 / min(times) / 1e9 / threads
    costs = [task.cost * REFERENCE_SPEED / speed for task in wanted]
    share = max(sum(costs) / (workers or default_workers()), max(costs, default=0))
    return (share + START_UP * bool(costs)) / 60


def default_workers() -> int:
    """As many one-thread workers as this process may use cores: `EMOCLASS_WORKERS` says otherwise."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return int(os.environ.get("EMOCLASS_WORKERS") or cores)


def process_pool(workers: int | None = None) -> ProcessPoolExecutor:
    """Spawned worker processes, each training on one thread, that end when this process ends, however it ends."""
    return ProcessPoolExecutor(
        workers or default_workers(),
        mp_context=get_context("spawn"),
        initializer=_follow,
        initargs=(os.getpid(),),
    )


def train_missing(wanted: Iterable[Task], store: Store, executor: Executor | None = None, say=print) -> int:
    """Train what the store lacks, keep each run as soon as it ends, and return how many were trained.

    Raises SweepError naming each run that failed, after all others are done. On an interrupt the finished runs
    are kept and the rest is dropped.
    """
    wanted = missing(wanted, store)
    if not wanted:
        return 0
    own = executor is None
    executor = executor or process_pool(min(default_workers(), len(wanted)))
    start, done, failed = time.perf_counter(), 0.0, {}
    whole = sum(task.cost for task in wanted)
    cache = paths.build_folder() / "cache" / "faces"
    kept_at = {id(faces): str(faces.save(cache)) for faces in {id(t.faces): t.faces for t in wanted}.values()}
    try:
        futures = {
            executor.submit(_work, t.variant, kept_at[id(t.faces)], t.fold, t.seed, str(store.folder)): t
            for t in wanted
        }
        for k, future in enumerate(as_completed(futures), 1):
            task = futures[future]
            done += task.cost
            left = (time.perf_counter() - start) * (whole / done - 1)
            try:
                outcome = f"{future.result():.0f} s"
            except BrokenProcessPool:
                outcome = failed[str(task)] = "its worker process died (out of memory?)"
            except Exception as error:
                outcome = failed[str(task)] = f"{type(error).__name__}: {error}"
            say(f"run {k} of {len(wanted)}: {task}: {outcome}; about {_duration(left)} left")
    except BaseException:
        if own:
            _stop(executor)
        raise
    if own:
        executor.shutdown()
    if failed:
        each = "; ".join(f"{task} ({error})" for task, error in failed.items())
        raise SweepError(f"{len(failed)} of {len(wanted)} runs failed, the others are kept: {each}")
    return len(wanted)


def sweep(
    variants: Iterable[Variant],
    faces: Faces,
    seeds: Iterable[int] = (0,),
    store: Store | None = None,
    executor: Executor | None = None,
) -> dict[str, Predictions]:
    """Predictions by name of variant, each photo tested out of fold; only runs that the store lacks are trained."""
    store = store or Store(paths.build_folder() / "runs")
    variants, seeds = list(variants), list(seeds)
    wanted = tasks(variants, faces, seeds)
    train_missing(wanted, store, executor, say=lambda line: print(line, file=sys.stderr, flush=True))
    return {
        v.name: pool([store.get(t.address, v, t.fold, t.seed) for t in tasks([v], faces, seeds)], faces)
        for v in variants
    }


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


@lru_cache(maxsize=2)
def _open(folder: str) -> Faces:
    return Faces.open(Path(folder))


def _work(variant: Variant, faces: str, fold: int, seed: int, folder: str) -> float:
    """In a worker: train one run, keep it, and say how many seconds its training took."""
    photos = _open(faces)
    run = train(variant, photos, fold, seed)
    Store(Path(folder)).put(address(variant, photos, fold, seed), run)
    return run.seconds


def _follow(parent: int) -> None:
    """End this worker when its parent is gone: a killed study must not go on training behind one's back."""

    def watch():
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the parent alone answers it


def _stop(executor: Executor) -> None:
    processes = list((getattr(executor, "_processes", None) or {}).values())
    executor.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.terminate()
