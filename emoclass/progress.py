"""How far some work is: one line rewritten on a terminal, plain lines elsewhere."""

import sys
import time
from datetime import timedelta

from tqdm import tqdm


class Progress:
    """Counts finished items; made by `progress`."""

    def __init__(self, total: int, label: str, stream):
        self.total = total
        self.label = label
        self.stream = stream
        self.done = 0
        self.began = time.monotonic()
        self.bar = None
        if stream.isatty():
            self.bar = tqdm(
                total=total,
                desc=f"{label} 0 of {total}",
                bar_format="{bar:20} {desc}",
                file=stream,
                dynamic_ncols=True,
                mininterval=0,  # items take seconds: each is shown
            )

    def update(self, text: str) -> None:
        """Count one more finished item, told in `text`, and say how much time is left."""
        self.done += 1
        line = f"{self.label} {self.done} of {self.total}: {text}; {self._time_left()}"
        if self.bar is None:
            print(line, file=self.stream, flush=True)
            return
        self.bar.set_description_str(line, refresh=False)
        self.bar.update()
        if self.done == self.total:
            self.close()

    def close(self) -> None:
        """Leave the line as it stands; what is printed next begins a new one."""
        if self.bar is not None:
            self.bar.close()

    def _time_left(self) -> str:
        to_come = self.total - self.done
        if to_come == 0:
            return "the last"
        elapsed = time.monotonic() - self.began
        left = timedelta(seconds=round(elapsed / self.done * to_come))
        return f"about {left} left"


def progress(total: int, label: str, stream=None) -> Progress:
    """A counter of `total` items, each called `label`, on `stream` (default: standard error)."""
    return Progress(total, label, stream or sys.stderr)
