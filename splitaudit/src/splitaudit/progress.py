"""Progress that tells the time left: a bar on a terminal, plain lines through a pipe."""

import os
import sys
import threading
import time
from typing import TextIO

from tqdm import tqdm

SECONDS_BETWEEN_LINES = 5.0


def minutes(seconds: float) -> str:
    """`40 s`, `3 min 20 s`, `1 h 5 min`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


class Progress:
    """Counts work that is done in steps.

    Args:
        what: What is done: "reading".
        total: How many steps there are.
        stream: Where to; None shows nothing.
    """

    def __init__(self, what: str, total: int, stream: TextIO | None):
        self.what = what
        self.total = total
        self.stream = stream
        self.done = 0
        self.started = time.monotonic()
        self.written = self.started
        self.bar = None
        if stream is not None and stream.isatty():
            self.bar = tqdm(total=total, desc=what, file=stream, dynamic_ncols=True, leave=False)
        elif stream is not None and total:
            self._write(f"{what}: {total:,} to do")

    def add(self, steps: int = 1) -> None:
        self.done += steps
        if self.bar is not None:
            self.bar.update(steps)
            return
        now = time.monotonic()
        if self.stream is None or now - self.written < SECONDS_BETWEEN_LINES:
            return
        self.written = now
        elapsed = now - self.started
        left = elapsed * (self.total - self.done) / max(self.done, 1)
        self._write(f"{self.what}: {self.done:,} of {self.total:,}, {minutes(left)} left")

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()

    def _write(self, line: str) -> None:
        print(line, file=self.stream, flush=True)


class Reporter:
    """Makes the progress of one stage after the other: `reporter("searching", 100)`.

    It writes to a copy of stderr: what C libraries print there may be kept back meanwhile.
    """

    def __init__(self, stream: TextIO | None = None):
        self.stream = stream

    @classmethod
    def on_stderr(cls) -> "Reporter":
        try:
            number = os.dup(sys.stderr.fileno())
        except (OSError, ValueError, AttributeError):  # a notebook's stderr has no number
            return cls(sys.stderr)
        return cls(open(number, "w", encoding="utf-8", errors="backslashreplace"))

    def __call__(self, what: str, total: int) -> Progress:
        return Progress(what, total, self.stream)


class Stages:
    """Shows the stages of a search: called with a stage, what is done of it and what there is."""

    def __init__(self, reporter: Reporter):
        self.reporter = reporter
        self.progress = None
        self.lock = threading.Lock()

    def __call__(self, stage: str, done: int, total: int) -> None:
        with self.lock:
            if self.progress is None or self.progress.what != stage:
                self.close()
                self.progress = self.reporter(stage, total)
            self.progress.add(max(0, done - self.progress.done))

    def close(self) -> None:
        if self.progress is not None:
            self.progress.close()
        self.progress = None


SILENT = Reporter(None)
