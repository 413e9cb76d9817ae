"""The command line: one exit status for each way to end, and one sentence on stderr."""

import os
import subprocess
import sys

import cv2
import numpy as np
import pytest

from emoclass import __main__ as command
from emoclass.errors import InputError, LeakError, StudyError
from emoclass.study import reproduce


@pytest.fixture
def folder(tmp_path, sharp):
    """Photos of your own, no two of which are alike."""
    for k in (0, 9, 20, 30):
        emotion = sharp.table.emotion[k]
        (tmp_path / "mine" / emotion).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / "mine" / emotion / f"Somebody_{k}.png"), sharp.pixels[k])
    return tmp_path / "mine"


@pytest.mark.parametrize(
    "error, status, line",
    [
        (InputError("the photos are not here"), 2, "error: the photos are not here\n"),
        (LeakError("one photo on both sides"), 2, "error: one photo on both sides\n"),
        (StudyError("2 runs failed"), 1, "error: 2 runs failed\n"),
        (
            KeyboardInterrupt(),
            130,
            "\nStopped. What was finished is kept; the same command goes on from there.\n",
        ),
    ],
    ids=["bad input", "leak", "failure", "interrupted"],
)
def test_each_way_to_end_has_its_status_and_its_sentence(monkeypatch, capsys, error, status, line):
    def fail(*_):
        raise error

    monkeypatch.setattr(reproduce, "reproduce", fail)
    assert command.main(["reproduce"]) == status
    assert capsys.readouterr().err == line


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
    assert "No two of 4 pictures" in capsys.readouterr().out
    cv2.imwrite(str(folder / sharp.table.emotion[0] / "Another_1.png"), sharp.pixels[0])
    assert command.main(["audit", str(folder)]) == 1
    assert "1 x same file" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["train"], ["reproduce", "--profile", "slow"]])
def test_a_wrong_command_is_bad_input(arguments, capsys):
    with pytest.raises(SystemExit, match="2"):
        command.main(arguments)
    assert capsys.readouterr().err


def test_the_package_runs_as_a_program_and_names_its_commands():
    done = subprocess.run([sys.executable, "-m", "emoclass", "--help"], capture_output=True, text=True)
    assert done.returncode == 0
    assert all(name in done.stdout for name in ("reproduce", "check", "audit", "fetch", "export"))


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path, capsys):
    assert command.main(["audit", str(tmp_path / "nowhere")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_pictures_of_noise_have_no_near_duplicates(tmp_path, capsys):
    for k in range(6):
        (tmp_path / "fear").mkdir(exist_ok=True)
        noise = np.random.default_rng(k).integers(0, 256, (48, 48), np.uint8)
        cv2.imwrite(str(tmp_path / "fear" / f"P{k}_1.png"), noise)
    assert command.main(["audit", str(tmp_path)]) == 0


def test_an_interrupted_audit_promises_nothing(monkeypatch, capsys):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("emoclass.study.leak_report.leak_report", stop)
    assert command.main(["audit", "somewhere"]) == 130
    assert capsys.readouterr().err == "\nStopped.\n"


@pytest.mark.parametrize(
    "arguments, said",
    [(["export", "--dataset", ""], "DATASET is empty"), (["fetch", "--archive", "no.tar.gz"], "there is no archive")],
)
def test_what_is_empty_or_not_there_is_one_sentence(arguments, said, capsys):
    assert command.main(arguments) == 2
    assert said in capsys.readouterr().err
