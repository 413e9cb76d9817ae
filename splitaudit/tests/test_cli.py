"""The command's exit status and its first sentence agree."""

import subprocess
import sys

import pytest
from drawn import fill, picture, put, put_text

from splitaudit.cli import main
from splitaudit.progress import Progress, minutes

pytestmark = pytest.mark.usefixtures("same_files_only")


@pytest.fixture
def clean(tmp_path):
    fill(tmp_path / "train", classes=("cat", "dog"), each=3)
    fill(tmp_path / "test", classes=("cat", "dog"), each=1, start=50)
    return tmp_path


def test_nothing_found_is_0_and_says_so(clean, capsys):
    assert main([str(clean)]) == 0
    assert capsys.readouterr().out.startswith("None of the 2 test pictures")


def test_something_found_is_1_and_says_so(clean, capsys):
    put(clean / "test" / "cat" / "again.png", picture(0))
    assert main(["--train", str(clean / "train"), "--test", str(clean / "test")]) == 1
    assert capsys.readouterr().out.startswith("33 % of the test pictures (1 of 3)")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nowhere"],
        ["--train", "nowhere"],
        ["CLEAN", "--max-false", "2"],
        ["CLEAN", "--csv", "CLEAN"],
        ["CLEAN", "--csv", "CLEAN/x", "--json", "CLEAN/x"],
    ],
)
def test_bad_input_is_2_and_one_sentence(clean, capsys, arguments):
    given = [argument.replace("CLEAN", str(clean)) for argument in arguments]
    assert main(given) == 2
    streams = capsys.readouterr()
    assert streams.out == ""
    assert streams.err.startswith("error: ")
    assert streams.err.count("\n") == 1


def test_every_file_that_was_asked_for_is_written(clean, capsys, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    options = []
    for name in ("csv", "json", "html", "fix"):
        options += [f"--{name}", str(out / f"{name}.out")]
    assert main([str(clean), *options]) == 0
    assert len(list(out.iterdir())) == 4
    assert (out / "fix.out").read_text().startswith("path,label,split\n")
    assert capsys.readouterr().out.count("written: ") == 4


def test_what_was_set_aside_is_printed(clean, capsys):
    put_text(clean / "train" / "cat" / "empty.png", "")
    assert main([str(clean)]) == 0
    printed = capsys.readouterr().out
    assert "unreadable files, set aside: 1 (train/cat/empty.png is empty)" in printed


def test_progress_through_a_pipe_is_plain_lines_from_the_first_second(clean, capfd):
    main([str(clean)])
    printed = capfd.readouterr().err
    assert "reading: 8 to do" in printed
    assert "\r" not in printed


def test_progress_tells_the_time_left(capsys):
    progress = Progress("searching", 100, sys.stderr)
    progress.started -= 30
    progress.written -= 30
    progress.add(25)
    assert "searching: 25 of 100, 1 min 30 s left" in capsys.readouterr().err


def test_time_is_told_in_words():
    assert [minutes(40), minutes(200), minutes(3900)] == ["40 s", "3 min 20 s", "1 h 5 min"]


def test_help_names_the_exit_status():
    command = [sys.executable, "-c", "import splitaudit.cli as c; c.main(['--help'])"]
    done = subprocess.run(command, capture_output=True, text=True, env=_paths())
    assert "0 no picture is shown twice, 1 some are, 2 bad input" in " ".join(done.stdout.split())


def _paths() -> dict[str, str]:
    import os
    from pathlib import Path

    here = Path(__file__).parent
    places = os.pathsep.join([str(here), str(here.parent / "src")])
    return {**os.environ, "PYTHONPATH": places}
