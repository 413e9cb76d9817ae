"""Workers: processes that need no guard, outlive no parent, and take only their own run with them."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from emoclass.errors import InputError
from emoclass.study import workers
from emoclass.study.workers import LocalProcesses, OnExecutor, default_workers, trainers


@pytest.mark.parametrize("wanted", ["abc", "0", "-1", "1.5"])
def test_a_number_of_workers_that_is_none_is_refused(monkeypatch, wanted):
    monkeypatch.setenv("EMOCLASS_WORKERS", wanted)
    with pytest.raises(InputError, match=f"EMOCLASS_WORKERS='{wanted}' is no number of workers"):
        default_workers()


def test_as_many_workers_as_cores_that_this_process_may_use(monkeypatch):
    monkeypatch.delenv("EMOCLASS_WORKERS", raising=False)
    assert default_workers() == len(os.sched_getaffinity(0))
    monkeypatch.setenv("EMOCLASS_WORKERS", "7")
    assert default_workers() == 7


@pytest.fixture
def without_keras(monkeypatch):
    """Workers that train nothing are ready at once."""
    monkeypatch.setattr(workers, "_begin", abs)


def killed():
    os.kill(os.getpid(), signal.SIGKILL)


def test_after_a_worker_has_died_there_are_fresh_ones(without_keras):
    with LocalProcesses(1) as alone:
        first = alone.submit(os.getpid).result()
        with pytest.raises(workers.BrokenProcessPool):
            alone.submit(killed).result()
        alone.renew()
        second = alone.submit(os.getpid).result()
        assert len({os.getpid(), first, second}) == 3
    assert not psutil.pid_exists(second) or psutil.Process(second).status() == "zombie"


def test_functions_and_values_of_this_very_place_reach_a_worker(without_keras):
    offset = 40

    def added(value):
        return value + offset

    with LocalProcesses(1) as alone:
        assert alone.submit(added, 2).result() == 42
        assert alone.submit(lambda value: 2 * value, 21).result() == 42


def test_an_executor_of_one_s_own_is_used_as_it_is(drawn, build):
    class Here:
        def submit(self, function, *arguments):
            return function(*arguments)

    with trainers(Here()) as found:
        assert isinstance(found, OnExecutor)
        folder = found.share(drawn)
        assert folder == found.share(drawn) and folder.is_relative_to(build)
        assert found.submit(max, 1, 2) == 2


PARENT = """
import os, signal, time
from emoclass.study.workers import LocalProcesses

signal.signal(signal.SIGINT, signal.default_int_handler)  # also where tests run in the background
with LocalProcesses(1) as found:
    print(found.submit(os.getpid).result(), flush=True)
    found.submit(time.sleep, 600).result()
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_workers_end_with_their_parent_and_need_no_main_guard(tmp_path, how):
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    parent = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
    try:
        worker = psutil.Process(int(parent.stdout.readline()))
        time.sleep(0.5)  # it sleeps by now
        parent.send_signal(how)
        _, alive = psutil.wait_procs([worker], timeout=30)
        assert not alive
    finally:
        parent.kill()
        parent.communicate()
