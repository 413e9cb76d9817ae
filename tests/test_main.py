"""The command line: one exit status for each way to end, and one sentence on stderr."""

import os
import subprocess
import sys
from types import ModuleType

import cv2
import numpy as np
import pytest

from emoclass import __main__ as command
from emoclass.errors import InputError, LeakError, StudyError
from emoclass.study import reproduce
from emoclass.study.options import ReproduceOptions


@pytest.fixture
def folder(tmp_path, sharp):
    """Photos of your own, no two of which are alike."""
    for k in (0, 9, 20, 30):
        emotion = sharp.table.emotion[k]
        (tmp_path / "mine" / emotion).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / "mine" / emotion / f"Somebody_{k}.png"), sharp.pixels[k])
    return tmp_path / "mine"


@pytest.fixture
def asked(monkeypatch):
    """What `reproduce`, `retrain` and `verify` are called with, by name; they do nothing else."""
    calls = {}
    verify = ModuleType("emoclass.study.verify")
    monkeypatch.setitem(sys.modules, "emoclass.study.verify", verify)

    def stand_in(module, name, result):
        def work(given):
            calls[name] = given
            return result

        monkeypatch.setattr(module, name, work, raising=False)

    stand_in(reproduce, "reproduce", None)
    stand_in(reproduce, "retrain", None)
    stand_in(verify, "verify", True)
    return calls


def test_a_study_is_asked_for_in_words_and_python_values(asked, tmp_path):
    words = ["--dataset", str(tmp_path), "--profile", "quick", "--only", "03_leakage"]
    assert (
        command.main(["reproduce", *words, "--set", "ROTATION=30 CLASSES=['fear', 'sadness']"]) == 0
    )
    settings = {"ROTATION": 30, "CLASSES": ["fear", "sadness"]}
    expected = ReproduceOptions(str(tmp_path), "quick", "03_leakage", settings)
    assert asked == {"reproduce": expected}


def test_without_words_it_is_the_whole_study(asked):
    assert command.main(["reproduce"]) == command.main(["retrain"]) == 0
    assert asked == {"reproduce": ReproduceOptions(), "retrain": ReproduceOptions()}
    assert command.main(["retrain", "--only", "03_leakage"]) == 0
    assert asked["retrain"].only == "03_leakage"


def test_verify_fails_where_something_moved(asked):
    assert command.main(["verify", "--runs", "3"]) == 1
    assert asked == {"verify": 3}


class CellFailed(Exception):
    """As papermill tells of a cell that raised."""

    def __init__(self, ename, evalue):
        super().__init__("a traceback\n" * 55)
        self.ename = ename
        self.evalue = evalue


def failed(cause):
    error = StudyError("a traceback\n" * 55)
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "error, status, line",
    [
        (InputError("the photos are not here"), 2, "error: the photos are not here\n"),
        (LeakError("one photo on both sides"), 2, "error: one photo on both sides\n"),
        (StudyError("2 runs failed"), 1, "error: 2 runs failed\n"),
        (failed(CellFailed("InputError", "no photos")), 2, "error: no photos\n"),
        (PermissionError(13, "Permission denied", "/a"), 2, "error: /a: Permission denied\n"),
        (
            KeyboardInterrupt(),
            130,
            "\nStopped. What was finished is kept; the same command goes on from there.\n",
        ),
    ],
    ids=["bad input", "leak", "failure", "bad input met in a cell", "no right", "interrupted"],
)
def test_each_way_to_end_has_its_status_and_its_sentence(monkeypatch, capsys, error, status, line):
    def fail(*_):
        raise error

    monkeypatch.setattr(reproduce, "reproduce", fail)
    assert command.main(["reproduce"]) == status
    assert capsys.readouterr().err == line


def test_a_cell_that_fails_for_another_reason_is_a_failure_with_its_traceback(monkeypatch, capsys):
    def fail(*_):
        raise failed(CellFailed("ZeroDivisionError", "division by zero"))

    monkeypatch.setattr(reproduce, "reproduce", fail)
    assert command.main(["reproduce"]) == 1
    assert capsys.readouterr().err.count("\n") > 50


def test_folders_are_meant_from_where_the_command_is_given(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EMOCLASS_BUILD", "made here")
    monkeypatch.setenv("EMOCLASS_DATA", str(tmp_path / "photos"))
    monkeypatch.setattr(reproduce, "check", lambda: [])
    assert command.main(["check"]) == 0
    assert os.environ["EMOCLASS_BUILD"] == str(tmp_path / "made here")
    assert os.environ["EMOCLASS_DATA"] == str(tmp_path / "photos")


@pytest.mark.parametrize("stale, status", [([], 0), (["README.md: its numbers differ"], 1)])
def test_check_fails_where_something_is_stale(monkeypatch, capsys, stale, status):
    monkeypatch.setattr(reproduce, "check", lambda: stale)
    assert command.main(["check"]) == status
    assert not stale or capsys.readouterr().out == "README.md: its numbers differ\n"


def test_an_audit_finds_a_copy_and_nothing_where_there_is_none(folder, capsys, sharp):
    assert command.main(["audit", str(folder)]) == 0
    assert "None of the 4 pictures" in capsys.readouterr().out
    cv2.imwrite(str(folder / sharp.table.emotion[0] / "Another_1.png"), sharp.pixels[0])
    assert command.main(["audit", str(folder)]) == 1
    assert "same file: " in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["train"], ["verify", "--runs", "0"]])
def test_a_wrong_command_is_bad_input(arguments, capsys):
    with pytest.raises(SystemExit, match="2"):
        command.main(arguments)
    assert capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments, fault",
    [
        (["reproduce", "--only", "01_eda", "--dataset", "nowhere"], "there is no folder nowhere"),
        (["reproduce", "--only", "01_eda", "--profile", "slow"], "PROFILE='slow' is unknown"),
        (["reproduce", "--dataset", ""], "DATASET is empty"),
        (["reproduce", "--set", "CLASSES=["], "SET cannot be read: CLASSES=["),
        (["export", "--dataset", ""], "DATASET is empty"),
        (["export", "--profile", "slow"], "PROFILE='slow' is unknown"),
        (["fetch", "--archive", "no.tar.gz"], "there is no archive no.tar.gz"),
        (["audit", "nowhere"], "there is no folder"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(arguments, fault, asked, capsys):
    assert command.main(arguments) == 2
    error = capsys.readouterr().err
    assert fault in error and error.count("\n") == 1
    assert asked == {}


def test_the_package_runs_as_a_program_and_names_its_commands():
    program = [sys.executable, "-m", "emoclass", "--help"]
    done = subprocess.run(program, capture_output=True, text=True)
    assert done.returncode == 0
    for name in ("reproduce", "retrain", "verify", "check", "audit", "fetch", "export"):
        assert name in done.stdout


def test_a_path_that_is_no_utf_8_is_read_and_named_on_any_terminal(folder):
    strange = folder.parent / os.fsdecode(b"caf\xe9 $x")
    folder.rename(strange)
    program = [sys.executable, "-m", "emoclass", "audit"]
    done = subprocess.run([*program, strange], capture_output=True)
    assert done.returncode == 0 and b"None of the 4 pictures" in done.stdout
    done = subprocess.run([*program, strange / "none"], capture_output=True)
    assert done.returncode == 2 and rb"caf\udce9 $x/none" in done.stderr


def test_pictures_of_noise_have_no_near_duplicates(tmp_path, capsys):
    for k in range(6):
        (tmp_path / "fear").mkdir(exist_ok=True)
        noise = np.random.default_rng(k).integers(0, 256, (48, 48), np.uint8)
        cv2.imwrite(str(tmp_path / "fear" / f"P{k}_1.png"), noise)
    assert command.main(["audit", str(tmp_path)]) == 0


def test_an_interrupted_audit_promises_nothing(monkeypatch, capsys):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("emoclass.study.audit.audit", stop)
    assert command.main(["audit", "somewhere"]) == 130
    assert capsys.readouterr().err == "\nStopped.\n"
