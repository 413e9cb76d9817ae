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
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd

from emoclass import paths
from emoclass.errors import InputError, StudyError, listed
from emoclass.faces import Faces
from emoclass.files import cache_folder
from emoclass.predictions import Predictions
from emoclass.study.store import Store, open_faces, run_key, save_faces
from emoclass.study.train import Run, select_samples, train
from emoclass.study.variant import Variant

# Then fresh workers: TensorFlow keeps some 25 MB of each net that it has ever compiled. By hand, because
# ProcessPoolExecutor(max_tasks_per_child=...) can deadlock (cpython issue 115634).
RUNS_PER_WORKER = 30


class SweepError(StudyError):
    """Some runs failed, each named with its variant; the others are finished and kept."""


@dataclass(frozen=True)
class Task:
    """One run that is wanted: a variant on some faces, in one fold, with one seed."""

    variant: Variant
    faces: Faces
    fold: int
    seed: int

    @property
    def key(self) -> str:
        """The name of its run in a store."""
        return run_key(self.variant, self.faces, self.fold, self.seed)

    def __str__(self):
        return f"{self.variant.name}, fold {self.fold}" + (f", seed {self.seed}" if self.seed else "")


def tasks(variants: Iterable[Variant], faces: Faces, seeds: Iterable[int] = (0,)) -> list[Task]:
    """Every run of these variants on these faces: each of their folds, with each seed."""
    seeds = list(seeds)
    return [Task(v, faces, fold, seed) for v in variants for seed in seeds for fold in v.folds]


def with_starts(wanted: Iterable[Task]) -> list[Task]:
    """These tasks, and before them those that they start from."""
    wanted = list(wanted)
    return [replace(task, variant=task.variant.init_from) for task in wanted if task.variant.init_from] + wanted


def missing(wanted: Iterable[Task], store: Store) -> list[Task]:
    """The tasks that are not in the store yet, each once, with what they start from, the longest first.

    How long is judged by epochs, photos and the net's depth and width: enough to keep a long one from coming last.
    """
    lacking = [task for task in wanted if task.key not in store]
    found = {key: task for task in with_starts(lacking) if (key := task.key) not in store}
    return sorted(found.values(), key=lambda task: -_work(task))


def _work(task: Task) -> float:
    net = task.variant.net
    channels = [getattr(net, "stem", 1), *np.ravel([np.max(block) for block in net.blocks])]
    return task.variant.epochs * len(task.faces) * (1 + sum(a * b for a, b in pairwise(channels)))


def default_workers() -> int:
    """As many one-thread workers as this process may use cores: `EMOCLASS_WORKERS` says otherwise."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return int(os.environ.get("EMOCLASS_WORKERS") or cores)


def process_pool(workers: int | None = None) -> ProcessPoolExecutor:
    """Spawned worker processes, each training on one thread, that end when this process ends, however it ends."""
    return ProcessPoolExecutor(
        workers or default_workers(),
        mp_context=get_context("spawn"),
        initializer=_exit_with_parent,
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
    progress, died = _Progress(len(wanted), say), []
    for starts_from_another in (False, True):  # what starts from another run comes after it
        if not (some := [task for task in wanted if bool(task.variant.init_from) == starts_from_another]):
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
    """Says which run of how many has ended, and about how long the rest will take at the pace so far."""

    def __init__(self, count: int, say):
        self.say, self.count, self.ended, self.failed, self.began = say, count, 0, {}, time.perf_counter()

    def add(self, task: Task, outcome: float | str) -> None:
        self.ended += 1
        if isinstance(outcome, str):
            self.failed[str(task)] = outcome
        else:
            outcome = f"{outcome:.0f} s"
        left = (time.perf_counter() - self.began) / self.ended * (self.count - self.ended)
        about = f"at this pace {_duration(left)} left" if self.ended < self.count else "the last"
        self.say(f"run {self.ended} of {self.count}: {task}: {outcome}; {about}")


def _train_in_processes(wanted, store, workers, progress) -> list[Task]:
    died, batch = [], workers * RUNS_PER_WORKER
    for first in range(0, len(wanted), batch):
        executor = process_pool(workers)
        try:
            died += _train(wanted[first : first + batch], store, executor, progress)
        except BaseException:
            _stop(executor)
            raise
        executor.shutdown()
    return died


def _train(wanted: list[Task], store: Store, executor: Executor, progress: _Progress) -> list[Task]:
    """Train these over an executor; return those whose worker died, or that waited for one that did."""
    kept = {id(faces): faces for faces in (task.faces for task in wanted)}
    folder = {key: str(save_faces(faces, cache_folder() / "faces")) for key, faces in kept.items()}
    died = []
    futures = {
        executor.submit(_run, t.variant, folder[id(t.faces)], t.fold, t.seed, str(store.folder)): t for t in wanted
    }
    for future in as_completed(futures):
        try:
            progress.add(futures[future], future.result())
        except BrokenProcessPool:
            died.append(futures[future])
        except Exception as error:
            progress.add(futures[future], f"{type(error).__name__}: {error}")
    return died


def sweep(
    variants: Iterable[Variant],
    faces: Faces,
    seeds: Iterable[int] = (0,),
    store: Store | None = None,
    executor: Executor | None = None,
) -> dict[str, Predictions]:
    """Predictions by name of variant, each photo tested out of fold; only runs that the store lacks are trained.

    Raises InputError if two variants bear one name, SweepError if runs failed.
    """
    store = store or Store(paths.build_folder() / "runs")
    variants, seeds = list(variants), list(seeds)
    names = [variant.name for variant in variants]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"several variants bear the name {listed(repeated)}; give each its own")

    def get(task):
        return store.get(task.key, task.variant, task.fold, task.seed)

    wanted = tasks(variants, faces, seeds)
    say = partial(print, file=sys.stderr, flush=True)
    train_missing(wanted, store, executor, say)
    runs = [get(task) for task in wanted]
    if not all(runs):  # a damaged file was found when it was opened, and set aside
        train_missing(wanted, store, executor, say)
        runs = [run or get(task) for run, task in zip(runs, wanted)]
    if lost := [str(task) for run, task in zip(runs, wanted) if not run]:
        raise SweepError(f"trained, but not to be found in {store.folder}: {listed(lost, 8)}; is it another disk?")
    return {name: concat_folds([run for run in runs if run.variant.name == name], faces) for name in names}


def concat_folds(runs: list[Run], faces: Faces) -> Predictions:
    """Runs of one variant, over folds and seeds, as one table; what is known of a copy is what its parent has."""
    variant = runs[0].variant
    tables = {seed: select_samples(variant, faces, seed).table for seed in {run.seed for run in runs}}
    known = {seed: table.set_index("photo")[["subject", "source", "emotion"]] for seed, table in tables.items()}
    rows = []
    for run in runs:
        shared = {f"{key}_in_training": value for key, value in run.in_training.items()}
        tested = known[run.seed].loc[run.parent]
        rows.append(tested.assign(photo=run.photo, parent=run.parent, fold=run.fold, seed=run.seed, **shared))
    return Predictions(
        name=variant.name,
        table=pd.concat(rows, ignore_index=True),
        probabilities=np.concatenate([run.probabilities for run in runs]),
        leaky=variant.allow_leak,
        runs=tuple(runs),
        target_column="source" if variant.target == "source" else "emotion",
        classes=runs[0].classes,
    )


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


@lru_cache(maxsize=2)
def _open(folder: str) -> Faces:
    return open_faces(Path(folder))


def _run(variant: Variant, folder: str, fold: int, seed: int, store_folder: str) -> float:
    """In a worker: train one run, keep it, and return how many seconds its training took."""
    faces, store, first = _open(folder), Store(Path(store_folder)), variant.init_from
    init_from = first and store.get(run_key(first, faces, fold, seed), first, fold, seed)
    run = train(variant, faces, fold, seed, init_from)
    store.put(run_key(variant, faces, fold, seed), run)
    return run.seconds


def _exit_with_parent(parent: int) -> None:
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
