"""What broke, was cut off or belongs to somebody else is said in one sentence, and nothing good is lost."""

import os
import subprocess
import sys
import threading
import time

import pytest

from emoclass import paths
from emoclass.__main__ import main
from emoclass.errors import InputError
from emoclass.files import locked
from emoclass.study import executed, reproduce, results
from emoclass.study.executed import Edition

DAMAGES = {
    "cut short": '{"numbers": {"a": ',
    "empty": "",
    "merged": "<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> other\n",
}
damaged = pytest.mark.parametrize("text", DAMAGES.values(), ids=DAMAGES)


@damaged
def test_damaged_results_of_the_study_are_named_and_left_where_they_are(tmp_path, text):
    (tmp_path / "results.json").write_text(text)
    with pytest.raises(InputError, match=r"results.json is damaged .*: take it back from git"):
        results.load(tmp_path / "results.json")
    assert (tmp_path / "results.json").read_text() == text


@damaged
def test_damaged_results_of_a_rehearsal_are_set_aside_to_be_made_anew(tmp_path, text):
    numbers, lines = tmp_path / "synthetic-quick" / "figures" / "results.json", []
    numbers.parent.mkdir(parents=True)
    numbers.write_text(text)
    reproduce._cleared(tmp_path, numbers, lines.append)
    assert not numbers.exists() and numbers.with_suffix(".damaged").read_text() == text
    assert len(lines) == 1 and lines[0].endswith("set aside as results.damaged")


@damaged
def test_a_notebook_that_is_none_is_a_sentence(tmp_path, monkeypatch, capsys, text):
    monkeypatch.setenv("EMOCLASS_BUILD", str(tmp_path / "build"))
    monkeypatch.setattr(paths, "NOTEBOOKS", tmp_path)
    (tmp_path / "01_eda.ipynb").write_text(text)
    assert main(["reproduce", "--dataset", "synthetic", "--profile", "quick"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "01_eda.ipynb is no notebook (the marks of a merge?)" in error


def test_what_was_executed_and_is_damaged_is_executed_again(tmp_path, monkeypatch):
    edition = Edition("synthetic", "quick", {})
    path = executed.notebooks()[0]
    monkeypatch.setenv("EMOCLASS_BUILD", str(tmp_path))
    edition.target(path).parent.mkdir(parents=True)
    edition.target(path).write_text("{")
    why = executed.staleness(path, edition)
    assert why == "its last execution is damaged"


def test_drafts_of_killed_processes_are_swept_and_those_of_the_living_are_not(tmp_path):
    for name, age in (("old", 7200), ("new", 10)):
        draft = tmp_path / "runs" / f".draft-{name}"
        draft.mkdir(parents=True)
        (draft / "key.npz").write_bytes(b"half")
        os.utime(draft, (time.time() - age,) * 2)
    reproduce._cleared(tmp_path, tmp_path / "results.json", print)
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [".draft-new"]


def test_a_second_one_says_that_it_waits_and_then_goes_on(tmp_path):
    waits, done = threading.Event(), threading.Event()

    def second():
        with locked(tmp_path / "reproduce", waits.set):
            done.set()

    with locked(tmp_path / "reproduce", lambda: pytest.fail("nobody else is there")):
        other = threading.Thread(target=second)
        other.start()
        assert waits.wait(10) and not done.is_set()
    other.join(10)
    assert done.is_set()


TWO_AT_ONCE = """
import sys
sys.modules["fcntl"] = None  # as on Windows
import threading
from pathlib import Path
from emoclass.files import locked
waits, done = threading.Event(), threading.Event()
def second():
    with locked(Path("reproduce"), waits.set):
        done.set()
with locked(Path("reproduce")):
    other = threading.Thread(target=second)
    other.start()
    print(waits.wait(10), done.is_set())
other.join(10)
print(done.is_set())
"""


def test_only_one_is_at_work_where_the_system_has_no_flock(tmp_path):
    program = [sys.executable, "-c", TWO_AT_ONCE]
    done = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == "True False\nTrue\n", done.stderr


def test_a_build_folder_that_is_a_file_is_a_sentence(tmp_path, monkeypatch, capsys):
    (tmp_path / "build").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EMOCLASS_BUILD", str(tmp_path / "build"))
    assert main(["reproduce", "--dataset", "synthetic"]) == 2
    error = capsys.readouterr().err
    assert (
        error.startswith("error: ") and error.count("\n") == 1 and str(tmp_path / "build") in error
    )
