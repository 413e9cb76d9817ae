"""`make verify`: some of the recorded runs are trained again, and held against what was recorded."""

import os
from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from emoclass import paths
from emoclass.errors import InputError
from emoclass.study import sweep
from emoclass.study.executed import STUDY, notebooks, planned
from emoclass.study.record import Record
from emoclass.study.store import Store, training_code
from emoclass.study.sweep import NOTHING_RECORDED, Archive, Task
from emoclass.study.train import Outcome

# Of an accuracy in one fold. Other processors add in another order; where that was tried (docs/benchmarks.md, "The
# study twice": AVX-512 with bfloat16 against AVX2 in float32, same folds and seeds) pooled accuracies moved by .2
# points in the median and by 2 points at most, and a single fold of a fifth of the photos moves up to twice as much.
LARGEST_MOVE = 0.04


@dataclass(frozen=True)
class Comparison:
    """A run as it was recorded and as it comes out now."""

    task: Task
    same_bits: bool
    equal_predictions: float  # share of the test part
    accuracy_then: float
    accuracy_now: float

    @property
    def moved(self) -> bool:
        """Whether the accuracy moved by more than another processor explains."""
        return abs(self.accuracy_now - self.accuracy_then) > LARGEST_MOVE

    def __str__(self):
        bits = (
            "same bits"
            if self.same_bits
            else f"{self.equal_predictions:.1%} of the predictions are equal"
        )
        text = f"{self.task}: {bits}; accuracy {self.accuracy_then:.1%} then, {self.accuracy_now:.1%} now"
        if self.moved:
            text += f"; MOVED by more than {100 * LARGEST_MOVE:.0f} points"
        return text


def verify(runs: int = 8, say=print, seed: int | None = None) -> bool:
    """Train so many recorded runs again, every notebook and kind of net among them as far as they go.

    Says for each what came out; True if an accuracy moved by more than another processor explains, or what is recorded
    is damaged. If not, the record notes that the code of those runs is confirmed on today's. Raises InputError if
    nothing is recorded.
    """
    record = Record(paths.RECORD)
    tasks = _recorded_tasks(record)
    if not tasks:
        raise InputError(
            f"nothing is recorded in {paths.RECORD}: `make retrain` trains and records the study"
        )
    sample = _sample(tasks, runs, seed)
    say(f"training {len(sample)} of {sum(map(len, tasks.values()))} recorded runs again")
    folder = paths.build_folder() / "verify" / f"{training_code()[:16]}-{os.getpid()}"
    archive = Archive(Store(folder), NOTHING_RECORDED)
    sweep.train_missing(sample, archive)
    found = []
    damaged = 0
    for task in sample:
        then = record.outcome_of_any_code(task.address)
        if then is None:
            say(f"{task}: what is recorded of it is damaged")
            damaged += 1
            continue
        comparison = _compare(task, then, archive.store.get(task.key))
        say(str(comparison))
        found.append(comparison)
    moved = [comparison for comparison in found if comparison.moved]
    same = sum(comparison.same_bits for comparison in found)
    say(
        f"{same} of {len(found)} came out with the same bits, "
        f"{len(moved)} moved by more than another processor explains"
    )
    if moved or damaged:
        return True
    _confirm(record, found)
    return False


def _recorded_tasks(record: Record) -> dict[tuple[str, str], list[Task]]:
    """The runs that are recorded, also with other training code, by notebook and kind of net."""
    found = defaultdict(list)
    recorded = record.entries
    for path in notebooks():
        for task in planned(path, STUDY.parameters):
            if task.address in recorded:
                found[path.stem, str(task.variant.net)].append(task)
    return dict(found)


def _sample(tasks: dict[tuple[str, str], list[Task]], runs: int, seed: int | None) -> list[Task]:
    """So many runs, one of each notebook and net in turn, the rest drawn likewise; no two the same."""
    random = np.random.default_rng(seed)
    shuffled = {
        group: [some[k] for k in random.permutation(len(some))] for group, some in tasks.items()
    }
    groups = [shuffled[key] for key in shuffled]
    found = {}
    while len(found) < runs and any(groups):
        for k in random.permutation(len(groups)):
            if groups[k] and len(found) < runs:
                task = groups[k].pop()
                found[task.address] = task
    return [*found.values()]


def _compare(task: Task, then: Outcome, now: Outcome) -> Comparison:
    def accuracy(outcome: Outcome) -> float:
        run = sweep.as_run(task.variant, task.faces, task.fold, task.seed, outcome)
        return float(np.mean(run.probabilities.argmax(1) == run.y_true["test"]))

    return Comparison(
        task=task,
        same_bits=np.array_equal(then.levels, now.levels),
        equal_predictions=float(np.mean(then.levels.argmin(1) == now.levels.argmin(1))),
        accuracy_then=accuracy(then),
        accuracy_now=accuracy(now),
    )


def _confirm(record: Record, found: list[Comparison]) -> None:
    outcome = {
        "runs": len(found),
        "same_bits": sum(comparison.same_bits for comparison in found),
        "largest_move": round(
            max(abs(each.accuracy_now - each.accuracy_then) for each in found), 4
        ),
    }
    codes = {record.entries[comparison.task.address]["versions"]["code"] for comparison in found}
    for code in codes - {training_code()}:
        record.confirm(code, outcome)
