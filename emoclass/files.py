"""Files that are there whole or not at all, and arrays made once and kept."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock
import numpy as np

from emoclass.errors import InputError
from emoclass.paths import build_folder


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A draft beside `path`, a file or folder, that takes its place if all goes well.

    Each writer has a draft of its own.
    """
    path = Path(path).expanduser().resolve()  # what a link leads to is replaced, not the link
    path.parent.mkdir(parents=True, exist_ok=True)
    drafts = tempfile.TemporaryDirectory(
        dir=path.parent, prefix=".draft-", ignore_cleanup_errors=True
    )
    with drafts as beside:
        draft = Path(beside) / path.name
        yield draft
        # A folder bears the name of its content: where it is there already, it is the same.
        already_there = draft.is_dir() and path.exists()
        if not already_there:
            os.replace(draft, path)


def _wait_quietly() -> None:
    """Say nothing to whoever waits."""


@contextmanager
def locked(path: Path, waiting: Callable[[], None] = _wait_quietly) -> Iterator[None]:
    """Only one process at a time is in here for this path; the others call `waiting`, and wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(path.with_name(f".{path.name}.lock"))
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout:
        waiting()
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def write_text(path: Path, text: str) -> None:
    """Put UTF-8 text in place of what is at `path`."""
    with replacing(path) as draft:
        draft.write_text(text, encoding="utf-8")


def cached_array(
    name: str, dtype: type, row: tuple[int, ...], make: Callable[[Path], None]
) -> np.ndarray:
    """The array kept as `name`.npy in the cache, memory-mapped and read-only.

    dtype, row    the type of the array and the shape of each of its rows
    make          writes the array to a path; called where it is missing or damaged
    Raises InputError if the cache cannot be written.
    """
    path = build_folder() / "cache" / f"{name}.npy"
    try:
        found = np.load(path, mmap_mode="r")
        if found.dtype != dtype or found.shape[1:] != row:
            raise ValueError("another shape or type")
        return found
    except FileNotFoundError:
        pass
    except (
        ValueError,
        EOFError,
    ) as damage:  # what NumPy raises on an array cut short or written over
        print(f"{path} is damaged ({damage}): making it again", file=sys.stderr, flush=True)
    try:
        with replacing(path) as draft:
            make(draft)
    except OSError as error:
        reason = error.strerror or error
        raise InputError(
            f"the cache folder {path.parent} cannot be written ({reason}): "
            "make room there, or name another build folder in EMOCLASS_BUILD"
        ) from error
    return np.load(path, mmap_mode="r")
