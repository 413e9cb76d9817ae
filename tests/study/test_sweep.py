"""Sweeps: nothing is trained twice, one failure stops nobody else, and workers change no bit."""

import errno
import os
import subprocess
import sys
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace

import numpy as np
import psutil
import pytest

from emoclass import models
from emoclass.data.synthetic import SyntheticConfig, draw
from emoclass.errors import InputError, StudyError
from emoclass.study import sweep as sweeping
from emoclass.study import workers
from emoclass.study.arguments import check_seeds
from emoclass.study.store import Store
from emoclass.study.sweep import (
    NOTHING_RECORDED,
    Archive,
    SweepError,
    missing,
    sweep,
    tasks,
    train_missing,
    with_starts,
)
from emoclass.study.train import train
from emoclass.variant import Variant

TINY = Variant("tiny", net=models.ConvNet(dense=(4,)), n_folds=2, epochs=1)
FACES = draw(SyntheticConfig(counts=(6,) * 8, duplicates=2), size=12)


OUTCOMES = {}  # training is a pure function: what one test has trained no other trains again


class Here(Executor):
    """Trains in this process: what reaches the executor is seen without waiting for processes."""

    def __init__(self):
        self.seen = []

    def submit(self, function, variant, faces, fold, seed, start):
        self.seen.append(f"{variant.name}, fold {fold}, seed {seed}")
        weights = b"".join(array.tobytes() for array in start or ())
        key = (variant.address, faces.name, fold, seed, weights)
        future = Future()
        try:
            if key not in OUTCOMES:
                OUTCOMES[key] = function(variant, faces, fold, seed, start)
            future.set_result(OUTCOMES[key])
        except Exception as error:
            future.set_exception(error)
        return future


@pytest.fixture
def here():
    return Here()


def archive_in(folder) -> Archive:
    return Archive(Store(folder), NOTHING_RECORDED)


@pytest.fixture
def archive(tmp_path):
    return archive_in(tmp_path / "runs")


def trained(variants, archive, executor, seeds=(0,)) -> list[str]:
    """Names of the runs that had to be trained."""
    executor.seen.clear()
    train_missing(tasks(variants, FACES, seeds), archive, executor)
    return list(executor.seen)


def test_only_what_is_new_is_trained(archive, here):
    assert trained([TINY], archive, here) == ["tiny, fold 0, seed 0", "tiny, fold 1, seed 0"]
    assert trained([TINY], archive, here) == []
    assert trained([TINY.replace(name="another name")], archive, here) == []
    both = [TINY, TINY.replace(name="changed", learning_rate=0.01)]
    assert trained(both, archive, here) == ["changed, fold 0, seed 0", "changed, fold 1, seed 0"]


def test_progress_says_which_run_of_how_many_and_how_long_it_will_take(archive, here, capsys):
    trained([TINY], archive, here)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in lines] == ["run 1 of 2", "run 2 of 2"]
    assert all("tiny, fold" in line for line in lines)
    assert "left" in lines[0] and "the last" in lines[1]


def test_every_fold_and_seed_is_trained_as_such_and_each_photo_is_predicted_once_a_seed(
    archive, here
):
    found = sweep([TINY], FACES, (0, 1), archive, here)["tiny"]
    assert (found.table.photo.value_counts() == 2).all() and len(found) == 2 * len(FACES)
    assert {(run.fold, run.seed) for run in found.runs} == {(0, 0), (1, 0), (0, 1), (1, 1)}
    for run in found.runs:
        if run.fold == run.seed:
            alone = train(TINY, FACES, run.fold, run.seed)
            assert alone.probabilities.tobytes() == run.probabilities.tobytes()
            assert all((a == b).all() for a, b in zip(alone.weights, run.weights))


def test_a_failed_run_is_named_and_the_others_are_kept(archive, here):
    torn = TINY.replace(name="torn duplicates", group_by="photo")
    with pytest.raises(
        SweepError, match=r"2 of 4 runs failed.*torn duplicates, fold 0.*the same file under"
    ):
        train_missing(tasks([torn, TINY], FACES), archive, here)
    assert missing(tasks([TINY], FACES), archive) == []


def test_a_leaky_variant_stays_marked(archive, here):
    leaky = TINY.replace(group_by="photo", allow_leak=True, n_folds_run=1)
    assert sweep([leaky], FACES, archive=archive, executor=here)["tiny"].leaky


def test_the_longest_run_comes_first(archive):
    heavy = TINY.replace(name="heavy", net=models.CONVNET_A, n_folds_run=1)
    assert missing(tasks([TINY, heavy], FACES), archive)[0].variant is heavy


def test_a_damaged_run_is_trained_again_by_itself(archive, here, capsys):
    one = TINY.replace(n_folds_run=1)
    before = sweep([one], FACES, archive=archive, executor=here)["tiny"]
    path = archive.store.path(tasks([one], FACES)[0].key)
    path.write_bytes(path.read_bytes()[:100])
    after = sweep([one], FACES, archive=archive, executor=here)["tiny"]
    assert after.probabilities.tobytes() == before.probabilities.tobytes()
    assert "set aside" in capsys.readouterr().err


# what is handed in


@pytest.mark.parametrize(
    "arguments, advice",
    [
        (([TINY, TINY.replace(epochs=2)], FACES), "several variants bear the name tiny; give each"),
        (
            (TINY, FACES),
            "the variant 'tiny' stands alone: hand in a list, also for one: sweep([v], faces)",
        ),
        (
            (["tiny"], FACES),
            "takes Variants, not 'tiny': hand in the variants themselves, as in sweep([v], faces)",
        ),
        (("tiny", FACES), "'tiny' is no list of variants: hand in some, as in sweep([v], faces)"),
        ((None, FACES), "None is no list of variants"),
        (([TINY], "photos"), "needs Faces, not 'photos': hand in load_faces('photos')"),
        (([TINY], None), "needs Faces, not None: hand in what load_faces() returns"),
        (([TINY], FACES, 1), "seeds=1 is a number: write seeds=[1] for this seed, or seeds=range("),
        (([TINY], FACES, np.int64(3)), "seeds=3 is a number: write seeds=[3]"),
        (([TINY], FACES, 0.5), "seeds=0.5 is no list of seeds: write, say, seeds=[0, 1]"),
        (([TINY], FACES, "01"), "seeds='01' is no list of seeds"),
        (
            ([TINY], FACES, [0, 0.5, True]),
            "seeds=[0, 0.5, True]: a seed is a whole number of at least 0, not 0.5, True",
        ),
        (([TINY], FACES, ["01"]), "a whole number of at least 0, not '01'"),
        (([TINY], FACES, [-1]), "a whole number of at least 0, not -1"),
        (([TINY], FACES, [3, 1, 3]), "seeds=[3, 1, 3] has 3 more than once: name each once"),
        (([TINY], FACES, []), "seeds is empty: name at least one, as in seeds=[0]"),
    ],
)
def test_what_does_not_fit_is_answered_with_what_to_hand_in(arguments, advice, archive):
    with pytest.raises(InputError) as caught:
        sweep(*arguments, archive=archive)
    assert advice in str(caught.value) and "\n" not in str(caught.value)


def test_seeds_may_be_whole_numbers_of_numpy():
    found = check_seeds(np.arange(2))
    assert found == [0, 1]
    assert {type(seed) for seed in found} == {int}


REPLACED = (
    "losses.cross_entropy",
    "losses.class_weights",
    "outputs.LOWEST",
    "study.train.augment_batch",
)


@pytest.mark.parametrize("place", REPLACED)
def test_what_was_replaced_in_this_process_is_refused_whoever_trains(archive, monkeypatch, place):
    monkeypatch.setattr(f"emoclass.{place}", lambda *_: None)
    with ThreadPoolExecutor(1) as threads:
        for executor in (threads, None):
            with pytest.raises(InputError, match=f"emoclass.{place} was replaced in this process"):
                sweep([TINY], FACES, archive=archive, executor=executor)
    assert not archive.store.folder.exists()


# runs that start from others

FIRST = TINY.replace(name="first", epochs=2, learning_rate=0.01)
THEN = FIRST.replace(name="then", class_weight="balanced", init_from=FIRST)
OTHERWISE = FIRST.replace(
    name="otherwise",
    class_weight="sqrt",
    init_from=FIRST.replace(name="the same under another name"),
)


def test_what_a_task_starts_from_comes_before_it_in_the_same_fold_with_the_same_seed():
    wanted = tasks([THEN, TINY], FACES, seeds=(3,))
    found = [(task.variant.name, task.fold, task.seed) for task in with_starts(wanted)]
    assert found[:2] == [("first", 0, 3), ("first", 1, 3)]
    assert found[2:] == [(task.variant.name, task.fold, task.seed) for task in wanted]


def test_starts_are_trained_once_and_before_what_starts_from_them(archive, here):
    names = [name.split(",")[0] for name in trained([FIRST, THEN, OTHERWISE], archive, here)]
    assert names[:2] == ["first", "first"]
    assert sorted(names[2:]) == ["otherwise", "otherwise", "then", "then"]
    assert trained([FIRST, THEN, OTHERWISE], archive, here) == []


def test_a_deferred_run_starts_from_the_net_in_the_store(archive, here):
    task = tasks([THEN], FACES, seeds=(1,))[1]
    start = task.start
    assert (task.fold, task.seed) == (start.fold, start.seed) == (1, 1)
    train_missing([task], archive, here)
    alone = train(THEN, FACES, 1, 1)
    assert archive.run(task).probabilities.tobytes() == alone.probabilities.tobytes()

    outcome = archive.store.get(start.key)
    nought = [np.zeros_like(array) for array in archive.store.state(start.key).weights]
    archive.store.put(start.key, replace(outcome, weights=nought))
    archive.store.path(task.key).unlink()
    train_missing([task], archive, here)
    assert not np.array_equal(archive.run(task).weights[0], alone.weights[0])


def test_a_start_that_is_lost_is_trained_again_only_where_it_is_needed(archive, here):
    deferred = tasks([THEN], FACES)
    trained([THEN], archive, here)
    before = archive.run(deferred[0])
    for task in deferred:
        archive.store.path(task.start.key).unlink()
    assert trained([THEN], archive, here) == []  # all that was asked for is there

    archive.store.path(deferred[0].key).unlink()
    assert trained([THEN], archive, here) == ["first, fold 0, seed 0", "then, fold 0, seed 0"]
    assert deferred[0].start.key in archive.store and deferred[1].start.key not in archive.store
    assert archive.run(deferred[0]).probabilities.tobytes() == before.probabilities.tobytes()


def test_a_start_that_cannot_be_trained_is_named_and_so_is_what_waits_for_it(archive, here):
    torn = FIRST.replace(name="torn first", group_by="photo")
    then = THEN.replace(name="torn then", group_by="photo", init_from=torn)
    expected = r"4 of 6 runs failed.*torn first, fold 0.*torn then, fold 1 \(the run that it starts"
    with pytest.raises(SweepError, match=expected):
        train_missing(tasks([then, TINY], FACES), archive, here)
    assert missing(tasks([TINY], FACES), archive) == []


# what goes wrong


class Failing(Executor):
    """Every run ends in this error."""

    def __init__(self, error):
        self.error = error

    def submit(self, *_):
        future = Future()
        future.set_exception(self.error)
        return future


def test_a_full_disk_stops_the_training_at_once(archive, here, monkeypatch, capsys):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Store, "put", full)
    with pytest.raises(
        StudyError, match="the disk is full: make room there, and the same command goes on"
    ):
        train_missing(tasks([TINY], FACES), archive, here)
    assert "run 1" not in capsys.readouterr().err


def test_a_run_whose_worker_died_is_named_and_has_its_line(archive, capsys):
    died = Failing(BrokenProcessPool())
    with pytest.raises(
        SweepError, match=r"2 of 2 runs failed.*tiny, fold 0 \(its worker process died"
    ):
        train_missing(tasks([TINY], FACES), archive, died)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in lines] == ["run 1 of 2", "run 2 of 2"]


def test_a_worker_that_dies_takes_only_its_own_run_with_it_and_that_is_tried_once_more(
    archive, monkeypatch, tmp_path
):
    """One run kills its worker each time, one the first time only; the others are kept."""
    monkeypatch.setenv("EMOCLASS_WORKERS", "1")
    monkeypatch.setattr(workers, "_begin", abs)  # in a worker that trains nothing
    marks = tmp_path / "marks"
    marks.mkdir()

    def deadly(variant, faces, fold, seed, start):
        from emoclass.study.train import Outcome

        mark = marks / f"{variant.name} {fold}"
        first = not mark.exists()
        mark.write_text(mark.read_text() + "x" if not first else "x")
        if variant.name == "always" or (variant.name == "once" and first):
            os._exit(1)
        nothing = np.zeros((0, 8), np.uint8)
        return Outcome(np.zeros(3, np.int8), nothing, nothing, nothing, {}, 0.0)

    monkeypatch.setattr(sweeping, "train_task", deadly)
    wanted = tasks(
        [
            TINY.replace(name=name, epochs=9 - k, n_folds_run=1)
            for k, name in enumerate(("before", "once", "always", "after"))
        ],
        FACES,
    )
    with pytest.raises(SweepError, match=r"1 of 4 runs failed.*: always, fold 0 \(its worker"):
        train_missing(wanted, archive)
    assert [task.variant.name for task in missing(wanted, archive)] == ["always"]
    assert (marks / "once 0").read_text() == "xx"
    # It may have waited in the queue when the other one died, and then died once, alone.
    assert (marks / "always 0").read_text() in ("x", "xx")


KILLED = """
import sys
from pathlib import Path
from emoclass import models
from emoclass.data.synthetic import SyntheticConfig, draw
from emoclass.study.store import Store
from emoclass.study.sweep import NOTHING_RECORDED, Archive, tasks, train_missing
from emoclass.variant import Variant

faces = draw(SyntheticConfig(counts=(6,) * 8, duplicates=2), size=12)
quick = Variant("quick", net=models.ConvNet(dense=(4,)), n_folds=2, epochs=1)
slow = quick.replace(name="slow", epochs=100_000)
archive = Archive(Store(Path(sys.argv[1])), NOTHING_RECORDED)
train_missing(tasks([quick], faces), archive)
train_missing(tasks([slow], faces), archive)
"""


def test_a_killed_sweep_keeps_what_it_finished_and_leaves_nobody_behind(
    tmp_path, monkeypatch, here
):
    """And what its workers predicted is to the bit what this process predicts."""
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    monkeypatch.setenv("EMOCLASS_WORKERS", "1")
    process = subprocess.Popen(
        [sys.executable, script, tmp_path / "runs"], stderr=subprocess.PIPE, text=True
    )
    try:
        for _ in range(2):
            assert "quick" in process.stderr.readline()
        found = psutil.Process(process.pid).children(recursive=True)
        assert found
        process.kill()
        process.wait(30)
        _, alive = psutil.wait_procs(found, timeout=30)
        assert not alive
    finally:
        process.kill()  # its workers follow it
        process.communicate()
    finished = archive_in(tmp_path / "runs")
    wanted = tasks([TINY], FACES)
    assert missing(wanted, finished) == []
    run = finished.run(wanted[1])
    alone = train(TINY, FACES, 1)
    assert all((a == b).all() for a, b in zip(run.weights, alone.weights))
    assert run.probabilities.tobytes() == alone.probabilities.tobytes()
