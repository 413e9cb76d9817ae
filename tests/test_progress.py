"""How far some work is can be watched on a terminal and through a pipe."""

import io

import pytest

from emoclass import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """Ten seconds pass whenever somebody looks."""
    now = [0.0]

    def tick():
        now[0] += 10
        return now[0]

    monkeypatch.setattr(progress.time, "monotonic", tick)


def test_through_a_pipe_each_finished_item_is_a_plain_line_with_the_time_left(clock):
    pipe = io.StringIO()
    counter = progress.progress(3, "run", pipe)
    for seconds in (64, 65, 66):
        counter.update(f"four convolutions, fold 0: {seconds} s")
    assert pipe.getvalue().splitlines() == [
        "run 1 of 3: four convolutions, fold 0: 64 s; about 0:00:20 left",
        "run 2 of 3: four convolutions, fold 0: 65 s; about 0:00:10 left",
        "run 3 of 3: four convolutions, fold 0: 66 s; the last",
    ]


def test_on_a_terminal_one_line_is_rewritten():
    terminal = Terminal()
    counter = progress.progress(2, "run", terminal)
    counter.update("first")
    counter.update("second")
    shown = terminal.getvalue()
    assert shown.count("\n") == 1 and shown.endswith("\n")
    first, second = shown.index("run 1 of 2"), shown.index("run 2 of 2")
    assert "\r" in shown[first:second]
    assert "left" in shown[first:second] and "second; the last" in shown[second:]


def test_what_ends_early_leaves_its_line_as_it_stands():
    terminal = Terminal()
    counter = progress.progress(2, "run", terminal)
    counter.update("first")
    counter.close()
    assert terminal.getvalue().endswith("\n")
    progress.progress(2, "run", io.StringIO()).close()
