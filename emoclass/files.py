"""Files that are there whole or not at all: written beside their place, then moved; and arrays made once and kept."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from emoclass.errors import InputError
from emoclass.paths import build_folder

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A draft beside `path`, a file or folder, that takes its place if all goes well; each writer has its own."""
    path = Path(path).expanduser().resolve()  # what a link leads to is replaced, not the link
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".draft-", ignore_cleanup_errors=True) as beside:
        yield (draft := Path(beside) / path.name)
        if not (draft.is_dir() and path.exists()):  # a folder bears its content's name: the same is there
            os.replace(draft, path)


@contextmanager
def locked(path: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Only one process at a time is in here for this path; the others call `waiting`, and wait. Needs flock."""
    if fcntl is None:
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.with_name(f".{path.name}.lock"), "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # let go of when the file is closed, however we end
        except BlockingIOError:
            waiting()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def write_text(path: Path, text: str) -> None:
    """Put UTF-8 text in place of what is at `path`."""
    with replacing(path) as draft:
        draft.write_text(text, encoding="utf-8")


def cached_array(name: str, dtype: type, row: tuple[int, ...], make: Callable[[Path], None]) -> np.ndarray:
    """The array kept as `name`.npy in the cache, memory-mapped and read-only: of this type, its rows of this shape.

    Where it is missing or damaged, `make` writes it to a path. Raises InputError if the cache cannot be written.
    """
    path = build_folder() / "cache" / f"{name}.npy"
    try:
        found = np.load(path, mmap_mode="r")
        if found.dtype == dtype and found.shape[1:] == row:
            return found
        raise ValueError("another shape or type")
    except FileNotFoundError:
        pass
    except (ValueError, EOFError) as damage:  # what NumPy raises on an array cut short or written over
        print(f"{path} is damaged ({damage}): making it again", file=sys.stderr, flush=True)
    try:
        with replacing(path) as draft:
            make(draft)
    except OSError as error:
        what, remedy = error.strerror or error, "make room there, or name another build folder in EMOCLASS_BUILD"
        raise InputError(f"the cache folder {path.parent} cannot be written ({what}): {remedy}") from error
    return np.load(path, mmap_mode="r")
