"""Sweeps: nothing is trained twice, one failure stops nobody else, and workers change no bit."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace

import numpy as np
import psutil
import pytest

from emoclass import models
from emoclass.data.synthetic import SyntheticConfig, draw
from emoclass.errors import InputError, StudyError
from emoclass.study.store import Store
from emoclass.study.sweep import SweepError, missing, sweep, tasks, train_missing, with_starts
from emoclass.study.train import train
from emoclass.study.workers import Workers, default_workers
from emoclass.variant import Variant

TINY = Variant("tiny", net=models.ConvNet(dense=(4,)), n_folds=2, epochs=1)
FACES = draw(SyntheticConfig(counts=(6,) * 8, duplicates=2), size=12)


@pytest.fixture(scope="module")
def two_workers():
    with Workers(2) as pool:
        yield pool


def trained(variants, store, executor, seeds=(0,)):
    lines = []
    train_missing(tasks(variants, FACES, seeds), store, executor, say=lines.append)
    return lines


def test_only_what_is_new_is_trained(tmp_path, two_workers):
    store = Store(tmp_path)
    assert len(trained([TINY], store, two_workers)) == 2
    assert trained([TINY], store, two_workers) == []
    assert trained([TINY.replace(name="another name")], store, two_workers) == []
    lines = trained([TINY, TINY.replace(name="changed", epochs=2)], store, two_workers)
    assert len(lines) == 2 and all("changed" in line for line in lines)


def test_progress_says_which_run_of_how_many_and_how_long_it_will_take(tmp_path, two_workers):
    lines = trained([TINY], Store(tmp_path), two_workers)
    assert [line.split(":")[0] for line in lines] == ["run 1 of 2", "run 2 of 2"]
    assert all("tiny, fold" in line for line in lines)
    assert "left" in lines[0] and "the last" in lines[1]


@pytest.mark.soak
def test_one_worker_gives_the_same_bits_as_two(tmp_path, two_workers):
    with Workers(1) as alone:
        one = sweep([TINY], FACES, store=Store(tmp_path / "one"), executor=alone)["tiny"]
    two = sweep([TINY], FACES, store=Store(tmp_path / "two"), executor=two_workers)["tiny"]
    assert one.probabilities.tobytes() == two.probabilities.tobytes()
    assert one.table.equals(two.table)


def test_a_failed_run_is_named_and_the_others_are_kept(tmp_path, two_workers):
    torn = TINY.replace(name="torn duplicates", group_by="photo")
    store = Store(tmp_path)
    with pytest.raises(
        SweepError, match=r"2 of 4 runs failed.*torn duplicates, fold 0.*the same file under"
    ):
        train_missing(tasks([torn, TINY], FACES), store, two_workers, say=lambda line: None)
    assert missing(tasks([TINY], FACES), store) == []


def test_every_photo_is_predicted_once_for_each_seed(tmp_path, two_workers):
    found = sweep([TINY], FACES, seeds=(0, 1), store=Store(tmp_path), executor=two_workers)["tiny"]
    assert (found.table.photo.value_counts() == 2).all() and len(found) == 2 * len(FACES)
    assert found.probabilities.sum(1) == pytest.approx(1, abs=1e-5)


def test_a_leaky_variant_stays_marked(tmp_path, two_workers):
    found = sweep(
        [TINY.replace(group_by="photo", allow_leak=True)],
        FACES,
        store=Store(tmp_path),
        executor=two_workers,
    )
    assert found["tiny"].leaky


def test_the_longest_run_comes_first():
    heavy = TINY.replace(name="heavy", net=models.CONVNET_A, n_folds_run=1)
    assert missing(tasks([TINY, heavy], FACES), Store(os.devnull))[0].variant is heavy


def test_two_variants_of_one_name_are_refused(tmp_path, two_workers):
    with pytest.raises(InputError, match="the name tiny"):
        sweep([TINY, TINY.replace(epochs=2)], FACES, store=Store(tmp_path), executor=two_workers)


def test_a_damaged_run_is_trained_again_by_itself(tmp_path, two_workers, capsys):
    store = Store(tmp_path)
    before = sweep([TINY], FACES, store=store, executor=two_workers)["tiny"]
    path = store.path(tasks([TINY], FACES)[0].key)
    path.write_bytes(path.read_bytes()[:100])
    after = sweep([TINY], FACES, store=store, executor=two_workers)["tiny"]
    assert after.probabilities.tobytes() == before.probabilities.tobytes()
    assert "set aside" in capsys.readouterr().err


def test_every_fold_and_seed_is_trained_as_that_fold_and_seed(tmp_path, two_workers):
    found = sweep([TINY], FACES, seeds=(0, 1), store=Store(tmp_path), executor=two_workers)["tiny"]
    for run in found.runs:
        alone = train(TINY, FACES, run.fold, run.seed)
        assert alone.probabilities.tobytes() == run.probabilities.tobytes()
    assert {(run.fold, run.seed) for run in found.runs} == {(0, 0), (1, 0), (0, 1), (1, 1)}


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
    assert with_starts(tasks([TINY], FACES)) == tasks([TINY], FACES)


def test_starts_are_trained_once_and_before_what_starts_from_them(tmp_path, two_workers):
    lines = trained([THEN, OTHERWISE], Store(tmp_path), two_workers)
    names = [line.split(": ")[1].split(",")[0] for line in lines]
    assert len(names) == 6 and set(names[2:]) == {"then", "otherwise"}
    assert not {"then", "otherwise"} & set(names[:2])
    assert trained([FIRST, THEN, OTHERWISE], Store(tmp_path), two_workers) == []


def test_a_start_that_is_wanted_too_is_trained_once(tmp_path):
    assert len(missing(tasks([FIRST, THEN], FACES), Store(tmp_path))) == 4


def test_a_deferred_run_starts_from_the_net_in_the_store(tmp_path, two_workers):
    store, task = Store(tmp_path), tasks([THEN], FACES, seeds=(1,))[1]
    (start,) = with_starts([task])[:1]
    assert (task.fold, task.seed) == (start.fold, start.seed) == (1, 1)
    trained([FIRST], store, two_workers, seeds=(1,))
    trained([THEN], store, two_workers, seeds=(1,))
    by_sweep = store.get(task.key, THEN, 1, 1)
    alone = train(THEN, FACES, 1, 1)
    assert by_sweep.probabilities.tobytes() == alone.probabilities.tobytes()

    run = store.get(start.key, FIRST, 1, 1)
    store.put(start.key, replace(run, weights=[np.zeros_like(w) for w in run.weights]))
    store.path(task.key).unlink()
    trained([THEN], store, two_workers, seeds=(1,))
    assert store.get(task.key, THEN, 1, 1).probabilities.tobytes() != alone.probabilities.tobytes()


def test_a_start_that_is_lost_is_trained_again_only_where_it_is_needed(tmp_path, two_workers):
    store, deferred = Store(tmp_path), tasks([THEN], FACES)
    trained([THEN], store, two_workers)
    before = store.path(deferred[0].key).read_bytes()
    starts = with_starts(deferred)[:2]
    for start in starts:
        store.path(start.key).unlink()
    assert trained([THEN], store, two_workers) == []  # all that was asked for is there

    store.path(deferred[0].key).unlink()
    lines = trained([THEN], store, two_workers)
    assert [line.split(": ")[1] for line in lines] == ["first, fold 0", "then, fold 0"]
    assert starts[0].key in store and starts[1].key not in store
    again = store.get(deferred[0].key, THEN, 0, 0)
    store.path("before").write_bytes(before)
    assert again.probabilities.tobytes() == store.get("before", THEN, 0, 0).probabilities.tobytes()


def test_a_start_that_cannot_be_trained_is_named_and_so_is_what_waits_for_it(tmp_path, two_workers):
    torn = FIRST.replace(name="torn first", group_by="photo")
    then = THEN.replace(name="torn then", group_by="photo", init_from=torn)
    with pytest.raises(
        SweepError, match=r"4 of 6 runs failed.*torn first, fold 0.*torn then, fold"
    ):
        train_missing(
            tasks([then, TINY], FACES), Store(tmp_path), two_workers, say=lambda line: None
        )
    assert missing(tasks([TINY], FACES), Store(tmp_path)) == []


@pytest.mark.parametrize("wanted", ["abc", "0", "-1", "1.5"])
def test_a_number_of_workers_that_is_none_is_refused(monkeypatch, wanted):
    monkeypatch.setenv("EMOCLASS_WORKERS", wanted)
    with pytest.raises(InputError, match=f"EMOCLASS_WORKERS='{wanted}' is no number of workers"):
        default_workers()


def test_a_full_disk_stops_the_training_at_once(tmp_path):
    class Full(Executor):
        """Its first run could not be kept; what comes after it is not waited for."""

        def submit(self, *_):
            future = Future()
            future.set_exception(OSError(errno.ENOSPC, "No space left on device"))
            return future

    lines = []
    with pytest.raises(
        StudyError, match="the disk is full: make room there, and the same command goes on"
    ):
        train_missing(tasks([TINY], FACES), Store(tmp_path), Full(), say=lines.append)
    assert lines == []


# workers that die


def test_runs_whose_worker_is_killed_are_tried_once_more(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOCLASS_WORKERS", "1")
    slow = TINY.replace(name="slow", epochs=200)
    me, lines = psutil.Process(), []

    def kill():
        store = Store(tmp_path)
        while not any(
            store.folder.glob("*.npz")
        ):  # the first run is done, so the worker is at its second
            time.sleep(0.1)
        for child in me.children(recursive=True):
            if "spawn_main" in " ".join(child.cmdline()):
                child.kill()

    killer = threading.Thread(target=kill)
    killer.start()
    assert train_missing(tasks([slow], FACES), Store(tmp_path), say=lines.append) == 2
    killer.join()
    assert missing(tasks([slow], FACES), Store(tmp_path)) == []
    assert len(lines) == 2


def test_a_run_whose_worker_died_is_named_and_has_its_line(tmp_path):
    class Dying(Executor):
        def submit(self, *_):
            future = Future()
            future.set_exception(BrokenProcessPool())
            return future

    lines = []
    with pytest.raises(
        SweepError, match=r"2 of 2 runs failed.*tiny, fold 0 \(its worker process died"
    ):
        train_missing(tasks([TINY], FACES), Store(tmp_path), Dying(), say=lines.append)
    assert [line.split(":")[0] for line in lines] == ["run 1 of 2", "run 2 of 2"]


KILLED = """
import signal, sys
from pathlib import Path
from emoclass import models
from emoclass.data.synthetic import SyntheticConfig, draw
from emoclass.study.store import Store
from emoclass.study.sweep import tasks, train_missing
from emoclass.variant import Variant
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where the tests run in the background
    faces = draw(SyntheticConfig(counts=(6,) * 8, duplicates=2), size=12)
    quick = Variant("quick", net=models.ConvNet(dense=(4,)), n_folds=2, epochs=1)
    slow = quick.replace(name="slow", epochs=100_000)
    store = Store(Path(sys.argv[1]))
    train_missing(tasks([quick], faces), store)
    train_missing(tasks([slow], faces), store)
"""


@pytest.mark.parametrize(
    "how", [signal.SIGKILL, pytest.param(signal.SIGINT, marks=pytest.mark.soak)]
)
def test_a_killed_sweep_keeps_what_it_finished_and_leaves_nobody_behind(tmp_path, monkeypatch, how):
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    monkeypatch.setenv("EMOCLASS_WORKERS", "1")
    process = subprocess.Popen(
        [sys.executable, script, tmp_path / "runs"], stdout=subprocess.PIPE, text=True
    )
    try:
        for _ in range(2):
            assert "quick" in process.stdout.readline()
        time.sleep(3)  # the slow ones are being trained
        workers = psutil.Process(process.pid).children(recursive=True)
        assert workers
        process.send_signal(how)
        process.wait(30)
        _, alive = psutil.wait_procs(workers, timeout=30)
        assert not alive
    finally:
        process.kill()  # its workers follow it
        process.communicate()
    store = Store(tmp_path / "runs")
    again = tasks([TINY.replace(name="quick")], FACES)
    assert missing(again, store) == []
    runs = [store.get(task.key, task.variant, task.fold, task.seed) for task in again]
    assert all(np.isfinite(run.probabilities).all() for run in runs)


@pytest.fixture
def without_keras(monkeypatch):
    """Workers that train nothing are ready at once."""
    monkeypatch.setattr("emoclass.study.workers._begin", abs)


def test_workers_stay_from_sweep_to_sweep_and_are_replaced_before_they_have_grown_large(
    monkeypatch, without_keras
):
    monkeypatch.setattr("emoclass.study.workers.RUNS_PER_WORKER", 2)
    with Workers(1) as alone:

        def sweep_of(runs):
            return [
                alone.submit(os.getpid).result()
                for some in alone.portions(list(range(runs)))
                for _ in some
            ]

        seen = sweep_of(1) + sweep_of(1) + sweep_of(3)
    assert [seen.count(process) for process in dict.fromkeys(seen)] == [2, 2, 1]


def test_after_a_worker_has_died_the_next_sweep_has_fresh_ones(without_keras):
    with Workers(1) as alone:
        with pytest.raises(BrokenProcessPool):
            alone.submit(os._exit, 1).result()
        assert alone.submit(os.getpid).result() != os.getpid()
