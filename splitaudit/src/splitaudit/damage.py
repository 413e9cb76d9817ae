"""What image libraries complain of while they decode, which they print and never return."""

import os
import re
import tempfile
import threading

COMPLAINT = re.compile(r"^(Corrupt JPEG data:.*|Premature end of JPEG.*|Invalid SOS.*)$", re.M)
EXTRANEOUS = re.compile(r"(\d+) extraneous bytes before marker")
NOISE = re.compile(
    r"libpng|Corrupt JPEG|Premature end|Invalid SOS|TIFF|\[ ?WARN:|\[ERROR:|imgcodecs"
)
FEW_BYTES = 0.01
_only_once = threading.Lock()


class Complaints:
    """While it is open, what C libraries print on stderr is kept back and can be asked for.

    libjpeg decodes damaged files and only prints that it did; OpenCV hands nothing on. Lines that
    are not about pictures are printed when it closes.
    """

    def __enter__(self) -> "Complaints":
        _only_once.acquire()
        self._lines = []
        handle, self._path = tempfile.mkstemp(prefix="splitaudit-")
        os.close(handle)
        self._written = os.open(self._path, os.O_WRONLY | os.O_APPEND)
        self._kept = open(self._path, encoding="utf-8", errors="replace")  # an offset of its own
        try:
            self._stderr = os.dup(2)
            os.dup2(self._written, 2)
        except OSError:  # a process without a stderr
            self._stderr = None
        return self

    def __exit__(self, *_) -> None:
        self.take()
        if self._stderr is not None:
            os.dup2(self._stderr, 2)
            os.close(self._stderr)
            for line in self._lines:
                if line.strip() and not NOISE.search(line):
                    os.write(2, f"{line}\n".encode())
        self._kept.close()
        os.close(self._written)
        os.unlink(self._path)
        _only_once.release()

    def take(self) -> list[str]:
        """The complaints about JPEG data since the last call."""
        text = self._kept.read()
        self._lines.extend(text.splitlines())
        return COMPLAINT.findall(text)


def is_serious(complaints: list[str], n_bytes: int) -> bool:
    """Whether a decoder's complaints mean that parts of the picture are wrong.

    A few bytes too many at the end of a JPEG harm nothing; many are what is left over when the
    decoder lost its place, as after a hole in the file.
    """
    for complaint in complaints:
        extraneous = EXTRANEOUS.search(complaint)
        if extraneous is None:
            return True
        if int(extraneous[1]) > FEW_BYTES * n_bytes:
            return True
    return False
