"""Files that are there whole or not at all: written beside their place, then moved; and arrays made once and kept."""

import os
import shutil
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

BROKEN = (ValueError, EOFError)  # what NumPy raises on an array cut short or written over


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A draft beside `path`, a file or a folder to be made there; it takes the place of `path` if all goes well.

    Two writers have a draft each: the last file wins, the first folder, whole. Nothing is left of a draft that failed.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(dir=path.parent, prefix=".draft-"))
    try:
        yield beside / path.name
        draft = beside / path.name
        if not (draft.is_dir() and path.exists()):  # a folder bears its content's name: the same is there
            os.replace(draft, path)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Only one process at a time is in here for this path; the others wait. Needs a system that has flock."""
    if fcntl is None:
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.with_name(f".{path.name}.lock"), "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # let go of when the file is closed, however this process ends
        yield


def write_text(path: Path, text: str) -> None:
    """Put UTF-8 text in place of what is at `path`."""
    with replacing(path) as draft:
        draft.write_text(text, encoding="utf-8")


def cache_folder() -> Path:
    """Where what was decoded or found once is kept."""
    return build_folder() / "cache"


def cached_array(name: str, fits: Callable[[np.ndarray], bool], make: Callable[[Path], None]) -> np.ndarray:
    """The array kept as `name`.npy in the cache, memory-mapped and read-only.

    Where there is none, or what is there cannot be read or does not fit, `make` writes it to the path that it is
    given. Raises InputError if the cache cannot be written.
    """
    path = cache_folder() / f"{name}.npy"
    try:
        found = np.load(path, mmap_mode="r")
        if fits(found):
            return found
        raise ValueError("another shape or type")
    except FileNotFoundError:
        pass
    except BROKEN as damage:
        print(f"{path} is damaged ({damage}): making it again", file=sys.stderr, flush=True)
    try:
        with replacing(path) as draft:
            make(draft)
    except OSError as error:
        raise InputError(
            f"the cache folder {path.parent} cannot be written ({error.strerror or error}): make room there, "
            "or name another build folder in EMOCLASS_BUILD"
        ) from error
    return np.load(path, mmap_mode="r")
