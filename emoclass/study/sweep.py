"""Many runs: looked up in the store, then in the record, and trained where they are in neither."""

import errno
import sys
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import Executor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import pairwise
from pathlib import Path

import numpy as np

from emoclass import paths
from emoclass.errors import InputError, StudyError, listed
from emoclass.faces import Faces
from emoclass.predictions import Predictions
from emoclass.progress import progress
from emoclass.run import Run, TrainedState
from emoclass.study.arguments import check_faces, check_names, check_seeds, check_variants
from emoclass.study.code import check_unpatched
from emoclass.study.pooled import concat_folds
from emoclass.study.record import Record
from emoclass.study.samples import make_split
from emoclass.study.store import Store, open_faces, run_address, store_key
from emoclass.study.train import Outcome, as_run, fit
from emoclass.study.workers import LocalProcesses, Trainers, trainers
from emoclass.variant import Variant


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
    def address(self) -> str:
        """What its run is known by, wherever it was trained."""
        return _address(self)

    @property
    def key(self) -> str:
        """The name of its run in a store."""
        return store_key(self.address)

    @property
    def start(self) -> "Task | None":
        """The task of the run that this one starts from."""
        if self.variant.init_from is None:
            return None
        return replace(self, variant=self.variant.init_from)

    def __str__(self):
        text = f"{self.variant.name}, fold {self.fold}"
        if self.seed:
            text += f", seed {self.seed}"
        return text


@lru_cache(maxsize=10_000)
def _address(task: Task) -> str:
    return run_address(task.variant, task.faces, task.fold, task.seed)


def tasks(
    variants: Iterable[Variant],
    faces: Faces,
    seeds: Iterable[int] = (0,),
) -> list[Task]:
    """Every run of these variants on these faces: each of their folds, with each seed."""
    found = []
    for variant in variants:
        for seed in seeds:
            for fold in variant.folds:
                found.append(Task(variant, faces, fold, seed))
    return found


def with_starts(wanted: Iterable[Task]) -> list[Task]:
    """These tasks, and before them those that they start from."""
    wanted = list(wanted)
    return [task.start for task in wanted if task.start] + wanted


@dataclass(frozen=True)
class Archive:
    """Where runs are looked up: what was trained here, then what is recorded."""

    store: Store
    record: Record

    @classmethod
    def of_the_project(cls) -> "Archive":
        """The store below the build folder, and the committed record."""
        return cls(Store(paths.build_folder() / "runs"), Record(paths.RECORD))

    def __contains__(self, task: Task) -> bool:
        return task.key in self.store or task.address in self.record

    def run(self, task: Task) -> Run | None:
        """The run of this task, or None.

        Its state is fetched, or trained again, when somebody asks for it.
        """
        outcome = self.store.get(task.key)
        if outcome is None:
            outcome = self.record.outcome(task.address)
        if outcome is None:
            return None
        try:
            return as_run(
                task.variant,
                task.faces,
                task.fold,
                task.seed,
                outcome,
                task.address,
                partial(self.state, task),
            )
        except InputError as error:
            _tell([f"{task}: what is kept of it does not fit ({error}); it is trained again"])
            return None

    def state(self, task: Task) -> TrainedState:
        """Weights and embeddings of a run, which is trained again where only its record is at hand."""
        found = self.store.state(task.key)
        if found is None:
            _tell([f"{task}: its weights are needed and not recorded; training it again"])
            train_missing([task], replace(self, record=NOTHING_RECORDED))
            found = self.store.state(task.key)
        if found is None:
            raise SweepError(
                f"{task}: trained, but not to be found in {self.store.folder}; is it another disk?"
            )
        return found


NOTHING_RECORDED = Record(Path("nowhere"))


@dataclass(frozen=True)
class Count:
    """How many of some runs come from where."""

    stored: int
    recorded: dict[str, int]  # by the kind of processor that they were trained on
    missing: int

    def __str__(self):
        total = self.stored + sum(self.recorded.values()) + self.missing
        parts = []
        if self.stored:
            parts.append(f"{self.stored} trained here before")
        for processor, number in sorted(self.recorded.items()):
            parts.append(f"{number} from the record (trained on {processor})")
        parts.append(f"{self.missing or 'none'} to be trained")
        return f"{total} runs: {', '.join(parts)}"


def count(wanted: Iterable[Task], archive: Archive) -> Count:
    """How many of these runs come from where, each counted once."""
    by_address = {task.address: task for task in wanted}
    stored = 0
    recorded = Counter()
    for address, task in by_address.items():
        if task.key in archive.store:
            stored += 1
        elif address in archive.record:
            provenance = archive.record.provenance(address)
            recorded[provenance.processor] += 1
    return Count(stored, dict(recorded), len(missing(wanted, archive)))


def missing(wanted: Iterable[Task], archive: Archive) -> list[Task]:
    """The tasks that are nowhere yet, each once, with what they start from, the longest first."""
    lacking = [task for task in wanted if task not in archive]
    starts = []
    for task in lacking:
        start = task.start
        if start and start.key not in archive.store:
            starts.append(start)
    by_address = {}
    for task in starts + lacking:
        by_address[task.address] = task
    return sorted(by_address.values(), key=_work, reverse=True)


def _work(task: Task) -> float:
    """Roughly how long a run takes, in no unit."""
    net = task.variant.net
    channels = [getattr(net, "stem", 1)]
    for block in getattr(net, "blocks", ()):
        channels.append(int(np.max(block)))
    macs = 1 + sum(before * after for before, after in pairwise(channels))
    pictures = task.variant.epochs * len(task.faces)
    return pictures * macs


def train_missing(
    wanted: Iterable[Task],
    archive: Archive,
    executor: Executor | None = None,
    stream=None,
) -> int:
    """Train what the archive lacks, keep each run as soon as it ends; return how many were trained.

    Progress goes to `stream`, else to standard error. On `executor`, or as `workers.trainers` has
    it. What a dying process of this machine took with it is tried once more. Raises SweepError
    naming each run that failed, after the others; InputError if the photos are not at hand, or if
    code that decides runs was replaced in this process.
    """
    lacking = missing(wanted, archive)
    if not lacking:
        return 0
    check_unpatched()
    without = set()
    for task in lacking:
        if not task.faces.has_pixels:
            without.add(task.faces.name)
    if without:
        photos = f"the photos of {listed(sorted(without))} are not here"
        raise InputError(
            f"{len(lacking)} runs are not recorded and cannot be trained, as {photos}: {listed(lacking, 5)}"
        )
    with trainers(executor) as found:
        return _Training(lacking, archive.store, found, stream).all()


class _Training:
    """One pass over runs that are lacking."""

    def __init__(self, lacking: list[Task], store: Store, trainers: Trainers, stream):
        self.lacking = lacking
        self.store = store
        self.trainers = trainers
        self.failed: list[str] = []
        self.progress = progress(len(lacking), "run", stream)

    def all(self) -> int:
        """Train them all: first those that start from nothing, then those that start from them."""
        first = [task for task in self.lacking if task.start is None]
        second = [task for task in self.lacking if task.start is not None]
        for portion in (first, second):
            died = self._train(portion)
            if isinstance(self.trainers, LocalProcesses):
                died = self._one_by_one(died)
            for task in died:
                self._ended(task, "its worker process died")
        self.progress.close()
        if self.failed:
            total = len(self.lacking)
            names = listed(self.failed, 8)
            raise SweepError(
                f"{len(self.failed)} of {total} runs failed, the others are kept: {names}"
            )
        return len(self.lacking)

    def _one_by_one(self, died: list[Task]) -> list[Task]:
        """Each once more, alone, so that none takes another with it; those that died again."""
        again = []
        is_broken = True
        for task in died:
            if is_broken:
                self.trainers.renew()
            lost = self._train([task])
            is_broken = bool(lost)
            again += lost
        return again

    def _train(self, portion: list[Task]) -> list[Task]:
        """Train these; return those whose worker died, or that waited for one that did."""
        died = []
        futures = {}
        for task in portion:
            start = self._start(task)
            if task.start and start is None:
                self._ended(task, "the run that it starts from failed")
                continue
            try:
                futures[self._submit(task, start)] = task
            except BrokenProcessPool:
                died.append(task)
        for future in as_completed(futures):
            task = futures.pop(future)  # and with it, once it is kept, the run
            try:
                outcome = future.result()
                self._keep(task, outcome)
            except BrokenProcessPool:
                died.append(task)
            except StudyError:
                raise
            except Exception as error:
                self._ended(task, f"{type(error).__name__}: {error}")
        return died

    def _start(self, task: Task) -> list[np.ndarray] | None:
        """The weights that a run starts from, if it starts from another one's that are there."""
        if task.start is None:
            return None
        state = self.store.state(task.start.key)
        return state and state.weights

    def _submit(self, task: Task, start: list[np.ndarray] | None):
        faces = self.trainers.share(task.faces)
        return self.trainers.submit(
            train_task,
            task.variant,
            faces,
            task.fold,
            task.seed,
            start,
        )

    def _keep(self, task: Task, outcome: Outcome) -> None:
        try:
            self.store.put(task.key, outcome)
        except OSError as error:
            if error.errno == errno.ENOSPC:  # what follows could not be kept either
                why = "the disk is full: make room there, and the same command goes on"
                raise StudyError(f"{self.store.folder}: {why}") from error
            raise
        self.progress.update(f"{task}: {outcome.seconds:.0f} s")

    def _ended(self, task: Task, why: str) -> None:
        self.failed.append(f"{task} ({why})")
        self.progress.update(f"{task}: {why}")


def sweep(
    variants: Iterable[Variant],
    faces: Faces,
    seeds: Iterable[int] = (0,),
    archive: Archive | None = None,
    executor: Executor | None = None,
) -> dict[str, Predictions]:
    """Predictions by name of variant, out of fold; what is neither stored nor recorded is trained.

    Raises InputError that says what to hand in instead, SweepError if a run failed.
    """
    variants = check_variants(variants)
    check_names(variants)
    check_faces(faces)
    seeds = check_seeds(seeds)
    archive = archive or Archive.of_the_project()
    wanted = tasks(variants, faces, seeds)
    told = _tell(archive.record.faults)
    for _ in range(2):  # once more where a damaged file was found when it was opened, and set aside
        train_missing(wanted, archive, executor)
        runs = []
        lost = []
        for task in wanted:
            run = archive.run(task)
            runs.append(run)
            if run is None:
                lost.append(task)
        _tell(fault for fault in archive.record.faults if fault not in told)
        if not lost:
            return _by_name(variants, runs, faces)
        archive = replace(archive, record=NOTHING_RECORDED)
    names = listed(lost, 8)
    raise SweepError(
        f"trained, but not to be found in {archive.store.folder}: {names}; is it another disk?"
    )


def _tell(faults: Iterable[str]) -> list[str]:
    """Say these on standard error; they come back as a list."""
    faults = list(faults)
    for fault in faults:
        print(fault, file=sys.stderr, flush=True)
    return faults


def _by_name(variants: list[Variant], runs: list[Run], faces: Faces) -> dict[str, Predictions]:
    found = {}
    for variant in variants:
        own = [run for run in runs if run.variant.name == variant.name]
        found[variant.name] = concat_folds(own, faces)
    return found


_open = lru_cache(maxsize=2)(open_faces)


def train_task(variant: Variant, faces: Path | Faces, fold: int, seed: int, start) -> Outcome:
    """In a worker: train one run, on faces or on those kept in a folder."""
    found = _open(faces) if isinstance(faces, Path) else faces
    everything, split = make_split(variant, found, fold, seed)
    return fit(variant, everything, split, fold, seed, start)
