"""What was decoded once is kept, so that a second audit of the same folder decodes nothing."""

import contextlib
import hashlib
import os
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import platformdirs

from splitaudit.pictures import SIDE

RECIPE = "1"  # to be raised by whoever changes what decoding yields
LARGEST_CACHE = 20 * 2**30  # bytes; the folders that were used longest ago are deleted beyond
ROW_SHAPE = (SIDE, SIDE, 3)


@dataclass
class Kept:
    """What is known of pictures that were decoded, a row for each.

    Args:
        keys: Their names.
        signatures: (n, 2) int64: size and time of change of the file.
        digests: sha256 of the content, "" where it is unreadable.
        faults: Why it is unreadable, or "".
        boxes: (n, 4) int16, as in `Pictures`.
        sizes: (n, 2) int32, as in `Pictures`.
        small: (m, SIDE, SIDE, 3) uint8, as in `Pictures`; of the m readable ones alone.
    """

    keys: list[str]
    signatures: np.ndarray
    digests: np.ndarray
    faults: np.ndarray
    boxes: np.ndarray
    sizes: np.ndarray
    small: np.ndarray

    def small_rows(self) -> np.ndarray:
        """(n,) int64: which row of `small` each picture has."""
        return np.cumsum(self.faults == "") - 1


def cache_folder() -> Path:
    """Where decoded pictures are kept: SPLITAUDIT_CACHE, or the user's cache folder."""
    chosen = os.environ.get("SPLITAUDIT_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    return Path(platformdirs.user_cache_dir("splitaudit", appauthor=False))


def folder_of(root: Path) -> Path:
    """The cache of the pictures that lie at `root`."""
    place = os.fsencode(os.path.realpath(root)) + f"|{RECIPE}|{SIDE}".encode()
    return cache_folder() / hashlib.sha256(place).hexdigest()[:24]


def load(root: Path) -> Kept | None:
    """What is kept of `root`; None if nothing is, or it is damaged."""
    folder = folder_of(root)
    try:
        with np.load(folder / "index.npz", allow_pickle=False) as index:
            names = index["keys"].tobytes().decode("utf-8", "surrogateescape")
            small = np.load(folder / str(index["small"]), mmap_mode="r")
            kept = Kept(
                keys=names.split("\0") if names else [],
                signatures=index["signatures"],
                digests=index["digests"],
                faults=index["faults"],
                boxes=index["boxes"],
                sizes=index["sizes"],
                small=small,
            )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    number = len(kept.keys)
    if len(kept.digests) != number or len(kept.faults) != number:
        return None
    readable = int((kept.faults == "").sum())
    if small.shape != (readable, *ROW_SHAPE) or small.dtype != np.uint8:
        return None
    with contextlib.suppress(OSError):
        os.utime(folder)
    return kept


class Writer:
    """Writes the small pictures one after the other; they are complete once `finish` was called.

    As plain bytes and not into a memory map, where a full disk ends the process without a word.
    """

    def __init__(self, root: Path):
        self.folder = folder_of(root)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.name = f"small-{os.getpid()}-{time.time_ns()}.npy"
        self.written = 0
        self.file = open(self.folder / self.name, "wb")
        self._write_header()

    def _write_header(self) -> None:
        """NumPy leaves room in it: once the number is known it is written over."""
        shape = (self.written, *ROW_SHAPE)
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self.file, header)

    def write(self, rows: np.ndarray) -> None:
        self.file.write(np.ascontiguousarray(rows, np.uint8).tobytes())
        self.written += len(rows)

    def finish(self, kept: Kept) -> np.ndarray:
        """(m, SIDE, SIDE, 3) uint8, memory-mapped; `kept.small` is not looked at."""
        self.file.seek(0)
        self._write_header()
        self.file.close()
        names = "\0".join(kept.keys).encode("utf-8", "surrogateescape")
        draft = self.folder / f"index-{self.name}.npz"
        np.savez(
            draft,
            keys=np.frombuffer(names, np.uint8),
            small=np.array(self.name),
            signatures=kept.signatures,
            digests=kept.digests,
            faults=kept.faults,
            boxes=kept.boxes,
            sizes=kept.sizes,
        )
        os.replace(draft, self.folder / "index.npz")
        for old in self.folder.glob("small-*.npy"):
            if old.name != self.name:
                with contextlib.suppress(OSError):  # Windows keeps what somebody has mapped
                    old.unlink()
        return np.load(self.folder / self.name, mmap_mode="r")

    def abandon(self) -> None:
        self.file.close()
        with contextlib.suppress(OSError):
            os.unlink(self.folder / self.name)


def prune() -> None:
    """Delete the folders that were used longest ago while the cache is larger than it may be."""
    found = []
    total = 0
    for folder in cache_folder().glob("*/"):
        files = list(folder.glob("*.np[yz]"))
        size = sum(file.stat().st_size for file in files)
        found.append((folder.stat().st_mtime, folder, files, size))
        total += size
    for _, folder, files, size in sorted(found, key=lambda entry: entry[0])[:-1]:
        if total <= LARGEST_CACHE:
            return
        for file in files:
            with contextlib.suppress(OSError):
                file.unlink()
        with contextlib.suppress(OSError):
            folder.rmdir()
        total -= size
