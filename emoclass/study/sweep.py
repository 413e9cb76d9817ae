"""Many runs over an Executor: processes on this machine, or whatever else has `submit`."""

import errno
import sys
from collections.abc import Iterable
from concurrent.futures import Executor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache, partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from emoclass import paths
from emoclass.errors import InputError, StudyError, listed
from emoclass.faces import Faces
from emoclass.predictions import Predictions
from emoclass.study.store import Store, open_faces, run_key, save_faces
from emoclass.study.train import Run, select_samples, train
from emoclass.study.variant import Variant
from emoclass.study.workers import Workers, default_workers, workers


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
    """The tasks that are not in the store yet, each once, with what they start from, roughly the longest first."""

    def work(task):
        net = task.variant.net
        channels = [getattr(net, "stem", 1), *np.ravel([np.max(block) for block in net.blocks])]
        return task.variant.epochs * len(task.faces) * (1 + sum(a * b for a, b in pairwise(channels)))

    lacking = with_starts(task for task in wanted if task.key not in store)
    return sorted({t.key: t for t in lacking if t.key not in store}.values(), key=work, reverse=True)


def train_missing(wanted: Iterable[Task], store: Store, executor: Executor | None = None, say=print) -> int:
    """Train what the store lacks, keep each run as soon as it ends, and return how many were trained.

    On `workers()`, or on any other executor. What a dying process of this machine took with it is tried once more.
    Raises SweepError naming each run that failed, after the others.
    """
    wanted, seconds, failed = missing(wanted, store), [], []
    if not wanted:
        return 0
    if executor is None:
        with workers() as executor:
            return train_missing(wanted, store, executor, say)
    at_once = getattr(executor, "workers", None) or default_workers()

    def ended(task: Task, outcome: float | str) -> None:
        if isinstance(outcome, str):
            failed.append(f"{task} ({outcome})")
        else:
            seconds.append(outcome)
            outcome = f"{outcome:.0f} s"
        to_come = len(wanted) - len(seconds) - len(failed)
        left = timedelta(seconds=round(to_come * np.mean(seconds or 0) / at_once))
        about = f"about {left} left" if to_come else "the last"
        say(f"run {len(wanted) - to_come} of {len(wanted)}: {task}: {outcome}; {about}")

    for starts_from_another in (False, True):  # what starts from another run comes after it
        some = [task for task in wanted if bool(task.variant.init_from) == starts_from_another]
        died = _train(some, store, executor, ended)
        if isinstance(executor, Workers):
            died = [task for task in died if _train([task], store, executor, ended)]
        for task in died:
            ended(task, "its worker process died (out of memory?)")
    if failed:
        raise SweepError(f"{len(failed)} of {len(wanted)} runs failed, the others are kept: {listed(failed, 8)}")
    return len(wanted)


def _train(wanted: list[Task], store: Store, executor: Executor, ended) -> list[Task]:
    """Train these, calling `ended` for each; return those whose worker died, or that waited for one that did."""
    died, share = [], getattr(executor, "share", partial(save_faces, folder=paths.build_folder() / "cache" / "faces"))
    for portion in executor.portions(wanted) if isinstance(executor, Workers) else [wanted]:
        futures = {}
        for task in portion:
            start = task.variant.init_from and replace(task, variant=task.variant.init_from)
            start = start and store.get(start.key, start.variant, start.fold, start.seed)
            futures[executor.submit(_run, task.variant, share(task.faces), task.fold, task.seed, start)] = task
        for future in as_completed(futures):
            task = futures.pop(future)  # and with it, once it is kept, the run
            try:
                run = future.result()
                store.put(task.key, run)
                ended(task, run.seconds)
            except BrokenProcessPool:
                died.append(task)
            except Exception as error:
                if isinstance(error, OSError) and error.errno == errno.ENOSPC:  # what follows could not be kept either
                    why = "the disk is full: make room there, and the same command goes on"
                    raise StudyError(f"{store.folder}: {why}") from error
                ended(task, f"{type(error).__name__}: {error}")
    return died


def sweep(
    variants: Iterable[Variant],
    faces: Faces,
    seeds: Iterable[int] = (0,),
    store: Store | None = None,
    executor: Executor | None = None,
) -> dict[str, Predictions]:
    """Predictions by name of variant, out of fold; what the store lacks is trained. Raises InputError, SweepError."""
    store, variants = store or Store(paths.build_folder() / "runs"), list(variants)
    names = [variant.name for variant in variants]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"several variants bear the name {listed(repeated)}; give each its own")
    wanted = tasks(variants, faces, seeds)
    for _ in range(2):  # once more where a damaged file was found when it was opened, and set aside
        train_missing(wanted, store, executor, partial(print, file=sys.stderr, flush=True))
        runs = [store.get(task.key, task.variant, task.fold, task.seed) for task in wanted]
        if all(runs):
            return {name: concat_folds([run for run in runs if run.variant.name == name], faces) for name in names}
    lost = listed((task for run, task in zip(runs, wanted) if not run), 8)
    raise SweepError(f"trained, but not to be found in {store.folder}: {lost}; is it another disk?")


def concat_folds(runs: list[Run], faces: Faces) -> Predictions:
    """Runs of one variant, over folds and seeds, as one table; what is known of a copy is what its parent has."""
    variant = runs[0].variant
    tables = {seed: select_samples(variant, faces, seed).table for seed in {run.seed for run in runs}}
    rows = []
    for run in runs:
        shared = {f"{key}_in_training": value for key, value in run.in_training.items()}
        tested = tables[run.seed].set_index("photo").loc[run.parent, ["subject", "source", "emotion"]]
        rows.append(tested.assign(photo=run.photo, parent=run.parent, fold=run.fold, seed=run.seed, **shared))
    return Predictions(
        name=variant.name, table=pd.concat(rows, ignore_index=True),
        probabilities=np.concatenate([run.probabilities for run in runs]), leaky=variant.allow_leak, runs=tuple(runs),
        target_column="source" if variant.target == "source" else "emotion", classes=runs[0].classes,
    )  # fmt: skip


_open = lru_cache(maxsize=2)(open_faces)


def _run(variant: Variant, faces: Path | Faces, fold: int, seed: int, init_from: Run | None) -> Run:
    """In a worker: train one run, on faces or on those kept in a folder."""
    return train(variant, _open(faces) if isinstance(faces, Path) else faces, fold, seed, init_from)
