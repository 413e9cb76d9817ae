"""Many runs over an Executor: processes on this machine, or whatever else has `submit`."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterable
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from emoclass import models, paths
from emoclass.faces import BadInput, Faces, listed
from emoclass.predictions import Predictions, pool
from emoclass.store import Store, address
from emoclass.train import train
from emoclass.variant import Variant

# Seconds of training on one thread of the machine that this was fitted on, which multiplies REFERENCE_SPEED
# Gflop/s in float32: so much for each run, for each epoch, for each photo in it, and each million multiply-adds.
SECONDS_PER_RUN, SECONDS_PER_EPOCH, SECONDS_PER_PHOTO, SECONDS_PER_MILLION = 2.0, 0.08, 2.2e-4, 4.5e-5
REFERENCE_SPEED = 160.0
RUNS_PER_WORKER = 30  # then a fresh one: TensorFlow keeps some 25 MB of each net that it has ever compiled
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
        extra = sum(copies.missing(counts.get(emotion, 0)) for emotion in copies.of) if copies else 0
        photos = (counts.sum() + extra) * (1 - 1 / self.variant.n_folds)
        millions = models.cost(self.variant.net, self.faces.size)[1] / 1e6
        speed_up = 0.55 if self.variant.precision == "mixed_bfloat16" else 1.0
        per_photo = SECONDS_PER_PHOTO + speed_up * millions * SECONDS_PER_MILLION
        return SECONDS_PER_RUN + self.variant.epochs * (SECONDS_PER_EPOCH + photos * per_photo)

    def __str__(self):
        return f"{self.variant.name}, fold {self.fold}" + (f", seed {self.seed}" if self.seed else "")


def tasks(variants: Iterable[Variant], faces: Faces, seeds: Iterable[int] = (0,)) -> list[Task]:
    """Every run of these variants on these faces: each of their folds, with each seed."""
    seeds = list(seeds)
    return [Task(v, faces, fold, seed) for v in variants for seed in seeds for fold in v.folds]


def with_starts(wanted: Iterable[Task]) -> list[Task]:
    """These tasks, and before them those that they start from."""
    wanted = list(wanted)
    return [replace(task, variant=task.variant.start) for task in wanted if task.variant.start] + wanted


def missing(wanted: Iterable[Task], store: Store) -> list[Task]:
    """The tasks that are not in the store yet, each once, with what they start from; the longest first."""
    lacking = [task for task in wanted if task.address not in store]
    found = {at: task for task in with_starts(lacking) if (at := task.address) not in store}
    return sorted(found.values(), key=lambda task: -task.cost)


def minutes_to_train(wanted: list[Task], workers: int | None = None) -> float:
    """About how many minutes these take here if there is nothing else to do; judged by how fast it multiplies."""
    a, times = np.ones((512, 512), np.float32), []
    with threadpool_limits(1):
        for _ in range(20):
            start = time.thread_time()  # of the processor: what else it is busy with does not count
            a @ a
            times.append(time.thread_time() - start)
    speed = 2 * 512**3 / min(times) / 1e9
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

    Where a worker process dies and takes others' runs with it, these are tried once more, one at a time. Raises
    SweepError naming each run that failed, after all others are done. On an interrupt the finished runs are kept
    and the rest is dropped.
    """
    wanted = missing(wanted, store)
    if not wanted:
        return 0
    progress, died = _Progress(wanted, say), []
    for deferred in (False, True):  # what starts from another run comes after it
        if not (some := [task for task in wanted if bool(task.variant.start) == deferred]):
            continue
        if executor is not None:
            died += _train(some, store, executor, progress)
        else:
            once = _train_in_processes(some, store, min(default_workers(), len(some)), progress)
            died += [task for task in once if _train_in_processes([task], store, 1, progress)]
    for task in died:
        progress.failed[str(task)] = "its worker process died (out of memory?)"
    if progress.failed:
        which = listed((f"{task} ({error})" for task, error in progress.failed.items()), 8)
        raise SweepError(f"{len(progress.failed)} of {len(wanted)} runs failed, the others are kept: {which}")
    return len(wanted)


class _Progress:
    """Says which run of how many has ended, and about how long the rest will take."""

    def __init__(self, wanted: list[Task], say):
        self.say, self.count, self.ended, self.failed = say, len(wanted), 0, {}
        self.cost, self.start = sum(task.cost for task in wanted), time.perf_counter()
        self.seconds = self.done = 0.0

    def add(self, task: Task, outcome: float | str, workers: int) -> None:
        self.ended += 1
        if isinstance(outcome, str):
            self.failed[str(task)] = outcome
        else:
            self.seconds, self.done, outcome = self.seconds + outcome, self.done + task.cost, f"{outcome:.0f} s"
        pace = self.seconds / self.done if self.done else 1.0
        left = max(pace * self.cost / workers + START_UP - (time.perf_counter() - self.start), 0)
        about = f"about {_duration(left)} left" if self.ended < self.count else "the last"
        self.say(f"run {self.ended} of {self.count}: {task}: {outcome}; {about}")


def _train_in_processes(wanted, store, workers, progress) -> list[Task]:
    died, batch = [], workers * RUNS_PER_WORKER
    for start in range(0, len(wanted), batch):
        executor = process_pool(workers)
        try:
            died += _train(wanted[start : start + batch], store, executor, progress)
        except BaseException:
            _stop(executor)
            raise
        executor.shutdown()
    return died


def _train(wanted: list[Task], store: Store, executor: Executor, progress: _Progress) -> list[Task]:
    """Train these over an executor; return those whose worker died, or that waited for one that did."""
    cache = paths.build_folder() / "cache" / "faces"
    kept_at = {id(faces): str(faces.save(cache)) for faces in {id(t.faces): t.faces for t in wanted}.values()}
    workers = getattr(executor, "_max_workers", None) or default_workers()
    died = []
    futures = {
        executor.submit(_work, t.variant, kept_at[id(t.faces)], t.fold, t.seed, str(store.folder)): t for t in wanted
    }
    for future in as_completed(futures):
        try:
            progress.add(futures[future], future.result(), workers)
        except BrokenProcessPool:
            died.append(futures[future])
        except Exception as error:
            progress.add(futures[future], f"{type(error).__name__}: {error}", workers)
    return died


def sweep(
    variants: Iterable[Variant],
    faces: Faces,
    seeds: Iterable[int] = (0,),
    store: Store | None = None,
    executor: Executor | None = None,
) -> dict[str, Predictions]:
    """Predictions by name of variant, each photo tested out of fold; only runs that the store lacks are trained.

    Raises BadInput if two variants bear one name, SweepError if runs failed.
    """
    store = store or Store(paths.build_folder() / "runs")
    variants, seeds = list(variants), list(seeds)
    names = [variant.name for variant in variants]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise BadInput(f"several variants bear the name {listed(twice)}; give each its own")

    def get(task):
        return store.get(task.address, task.variant, task.fold, task.seed)

    wanted = tasks(variants, faces, seeds)
    say = partial(print, file=sys.stderr, flush=True)
    train_missing(wanted, store, executor, say)
    runs = [get(task) for task in wanted]
    if not all(runs):  # a damaged file was found when it was opened, and set aside
        train_missing(wanted, store, executor, say)
        runs = [run or get(task) for run, task in zip(runs, wanted)]
    return {name: pool([run for run in runs if run.variant.name == name], faces) for name in names}


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


@lru_cache(maxsize=2)
def _open(folder: str) -> Faces:
    return Faces.open(Path(folder))


def _work(variant: Variant, faces: str, fold: int, seed: int, folder: str) -> float:
    """In a worker: train one run, keep it, and say how many seconds its training took."""
    photos, store, start = _open(faces), Store(Path(folder)), variant.start
    start = start and store.get(address(start, photos, fold, seed), start, fold, seed)
    run = train(variant, photos, fold, seed, start)
    store.put(address(variant, photos, fold, seed), run)
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
