"""A Dask cluster: the same bits as at home, without a shared disk, whoever dies; and sentences where it cannot be."""

import gc
import os
import signal
import sys
import threading
import time

import numpy as np
import pytest

from emoclass import models
from emoclass.data.synthetic import SyntheticConfig, draw
from emoclass.errors import InputError
from emoclass.study import cluster, sweep
from emoclass.study.store import Store
from emoclass.study.train import train
from emoclass.variant import Variant

distributed = pytest.importorskip("distributed", reason="the package distributed is not installed")
FACES = draw(SyntheticConfig(counts=(8,) * 8, duplicates=2), size=12)
NET = models.ConvNet(dense=(4,))
START = Variant("start", net=NET, n_folds=2, epochs=3)
WANTED = (START, START.replace(name="from it", init_from=START, epochs=2))


def started(**how):
    return distributed.LocalCluster(threads_per_worker=1, dashboard_address=None, **how)


def archive_in(folder):
    return sweep.Archive(Store(folder), sweep.NOTHING_RECORDED)


def assert_same_bits(archive, tasks):
    for task in tasks:
        there = archive.run(task)
        here = train(task.variant, FACES, task.fold)
        assert all((a == b).all() for a, b in zip(there.weights, here.weights))
        assert (there.probabilities == here.probabilities).all()


def test_threads_that_work_side_by_side_give_the_bits_of_a_run_at_home(tmp_path, monkeypatch):
    wanted = sweep.tasks(WANTED, FACES)[::2]
    archive = archive_in(tmp_path / "runs")
    with started(n_workers=2, processes=False) as workers:
        monkeypatch.setenv("EMOCLASS_CLUSTER", workers.scheduler_address)
        assert sweep.train_missing(wanted, archive) == 2
    assert_same_bits(archive, wanted)


@pytest.mark.soak
def test_workers_without_our_disk_of_whom_one_is_killed_give_the_bits_of_a_run_at_home(
    tmp_path, monkeypatch
):
    elsewhere = tmp_path / "elsewhere"
    dead = []
    archive = archive_in(tmp_path / "runs")
    elsewhere.mkdir()
    monkeypatch.setenv("EMOCLASS_BUILD", str(tmp_path / "home"))
    theirs = {"EMOCLASS_BUILD": str(elsewhere / "build"), "EMOCLASS_DATA": str(elsewhere)}
    long = START.replace(name="long", epochs=60)
    with started(n_workers=2, local_directory=str(elsewhere), env=theirs) as workers:
        monkeypatch.setenv("EMOCLASS_CLUSTER", workers.scheduler_address)

        def kill():
            while not list(
                archive.store.folder.glob("*.npz")
            ):  # the first run has come home, so others are under way
                time.sleep(0.05)
            dead.append(workers.workers[0].process.pid)
            os.kill(dead[0], signal.SIGKILL)

        killer = threading.Thread(target=kill)
        killer.start()
        assert sweep.train_missing(sweep.tasks((*WANTED, long), FACES), archive) == 6
        killer.join()
        assert dead and workers.workers[0].process.pid not in dead  # another took its place
    assert not (elsewhere / "build").exists()
    assert_same_bits(archive, sweep.tasks(WANTED, FACES))


def test_photos_are_sent_once_whatever_object_holds_them():
    with (
        started(n_workers=1, processes=False) as workers,
        cluster.connected(workers.scheduler_address) as pool,
    ):
        same = FACES.select(np.ones(len(FACES), bool))
        given = FACES.table.assign(split="train")
        assert pool.share(FACES) is pool.share(same)
        assert pool.share(type(FACES)(FACES.pixels, given)) is not pool.share(FACES)
        assert pool.count == 1


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nowhere at all", "8786"])
def test_an_address_where_nobody_answers_is_a_sentence(monkeypatch, tmp_path, address):
    monkeypatch.setattr(cluster, "PATIENCE", 1)
    monkeypatch.setenv("EMOCLASS_CLUSTER", address)
    gc.disable()  # nothing goes by chance
    try:
        with pytest.raises(
            InputError, match=f"EMOCLASS_CLUSTER={address}: no Dask scheduler answers there"
        ):
            sweep.train_missing(sweep.tasks([START], FACES), archive_in(tmp_path))
        # One that is collected while another starts waits for a lock that the start holds.
        assert not [each for each in gc.get_objects() if isinstance(each, distributed.Client)]
    finally:
        gc.enable()


def test_a_cluster_without_workers_or_with_other_versions_is_a_sentence(monkeypatch):
    with started(n_workers=0, processes=False) as workers:
        with pytest.raises(InputError, match="no worker is there; start some with `dask worker"):
            with cluster.connected(workers.scheduler_address):
                pass

    def by_thread():  # a worker in this process is another thread
        return {"keras": "3.9" if threading.current_thread() is threading.main_thread() else "2.0"}

    monkeypatch.setattr(cluster, "versions", by_thread)
    with started(n_workers=1, processes=False) as workers:
        with pytest.raises(
            InputError, match=r"has keras 2\.0, not 3\.9: install the same on all, or bits differ"
        ):
            with cluster.connected(workers.scheduler_address):
                pass


def test_without_dask_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match="needs Dask: pip install"):
        with cluster.connected("tcp://127.0.0.1:8786"):
            pass


def test_where_nothing_is_missing_nobody_is_asked(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOCLASS_CLUSTER", "nowhere at all")
    assert sweep.train_missing([], archive_in(tmp_path)) == 0
