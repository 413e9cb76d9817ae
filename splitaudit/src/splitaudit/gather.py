"""Decode pictures on every core, once."""

import contextlib
import os
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from splitaudit import cache
from splitaudit.damage import Complaints, is_serious
from splitaudit.decode import UnreadablePicture
from splitaudit.errors import InputError
from splitaudit.files import printable
from splitaudit.pictures import CLOSE_SIDE, SIDE, Pictures, letterbox, shrink
from splitaudit.progress import SILENT, Reporter
from splitaudit.sources import Source

CHUNK = 512  # pictures
REMEMBERED = 256  # pictures that `Pictures.load` keeps
DAMAGED = "is damaged (its data end too early or too late)"


@dataclass(frozen=True)
class Unreadable:
    """A file that is set aside, and why."""

    name: str
    why: str

    def __str__(self) -> str:
        return f"{self.name} {self.why}"


@dataclass
class Gathered:
    """What was decoded.

    Args:
        pictures: Those that can be used.
        rows: Which of the source's pictures those are, (n,) int64, in order.
        unreadable: The others.
        n_decoded: How many had to be decoded, for the cache did not know them.
    """

    pictures: Pictures
    rows: np.ndarray
    unreadable: list[Unreadable]
    n_decoded: int


@dataclass
class _Row:
    """What becomes of one picture."""

    small: np.ndarray
    box: np.ndarray
    size: tuple[int, int]
    digest: str
    fault: str
    n_bytes: int


def gather(source: Source, reporter: Reporter = SILENT) -> Gathered:
    """Decode a source's pictures, or take from the cache what has not changed since.

    Args:
        source: Where they come from.
        reporter: Shows the progress.
    """
    keys = source.keys()
    signatures = np.array(source.signatures(), np.int64).reshape(-1, 2)
    known = cache.load(source.root)
    places = _places(keys, signatures, known)
    if known is not None and np.array_equal(places, np.arange(len(known.keys))):
        kept = known
    else:
        kept = _decode_missing(source, keys, signatures, known, places, reporter)
        cache.prune()
    return _finish(source, kept, int((places < 0).sum()))


def _places(keys: list[str], signatures: np.ndarray, known: cache.Kept | None) -> np.ndarray:
    """Where the cache has each picture as it is now, -1 where it has not."""
    places = np.full(len(keys), -1, np.int64)
    if known is None:
        return places
    at = {key: k for k, key in enumerate(known.keys)}
    for k, key in enumerate(keys):
        places[k] = at.get(key, -1)
    found = np.flatnonzero(places >= 0)
    same = (known.signatures[places[found]] == signatures[found]).all(axis=1)
    places[found[~same]] = -1
    return places


def _decode_missing(
    source: Source,
    keys: list[str],
    signatures: np.ndarray,
    known: cache.Kept | None,
    places: np.ndarray,
    reporter: Reporter,
) -> cache.Kept:
    """Everything of the source, what is known taken over; written to the cache if that can be."""
    number = len(keys)
    kept = cache.Kept(
        keys=keys,
        signatures=signatures,
        digests=np.zeros(number, "U64"),
        faults=np.zeros(number, "U160"),
        boxes=np.zeros((number, 4), np.int16),
        sizes=np.zeros((number, 2), np.int32),
        small=np.zeros((0, *cache.ROW_SHAPE), np.uint8),
    )
    progress = reporter("reading", int((places < 0).sum()))
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # one picture for each thread beats many threads for each picture
    store = _Store(source.root)
    try:
        with ThreadPoolExecutor(os.cpu_count()) as pool, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for start in range(0, number, CHUNK):
                numbers = np.arange(start, min(start + CHUNK, number))
                store.add(_chunk(source, numbers, kept, known, places, pool))
                progress.add(int((places[numbers] < 0).sum()))
        kept.small = store.finish(kept)
    finally:
        store.close()
        cv2.setNumThreads(threads)
        progress.close()
    return kept


class _Store:
    """Takes the small pictures: in the cache's file, or in memory where none can be made."""

    def __init__(self, root: Path):
        self.chunks = []
        self.writer = None
        with contextlib.suppress(OSError):
            self.writer = cache.Writer(root)

    def add(self, small: np.ndarray) -> None:
        if self.writer is None:
            self.chunks.append(small)
            return
        try:
            self.writer.write(small)
        except OSError as error:
            where = f"the cache folder {cache.cache_folder()} cannot be written"
            remedy = "make room there, or name another one in SPLITAUDIT_CACHE"
            raise InputError(f"{where} ({error.strerror}): {remedy}") from error

    def finish(self, kept: cache.Kept) -> np.ndarray:
        if self.writer is not None:
            small = self.writer.finish(kept)
            self.writer = None
            return small
        return np.concatenate(self.chunks or [np.zeros((0, *cache.ROW_SHAPE), np.uint8)])

    def close(self) -> None:
        if self.writer is not None:
            self.writer.abandon()


def _chunk(
    source: Source,
    numbers: np.ndarray,
    kept: cache.Kept,
    known: cache.Kept | None,
    places: np.ndarray,
    pool: ThreadPoolExecutor,
) -> np.ndarray:
    """(k, SIDE, SIDE, 3) uint8 of the readable of some pictures; fills in their rows of `kept`."""
    small = np.zeros((len(numbers), *cache.ROW_SHAPE), np.uint8)
    old = numbers[places[numbers] >= 0]
    new = numbers[places[numbers] < 0]
    if len(old):
        at = places[old]
        readable = known.faults[at] == ""
        known_rows = known.small_rows()[at[readable]]
        small[old[readable] - numbers[0]] = known.small[known_rows]
        kept.digests[old] = known.digests[at]
        kept.faults[old] = known.faults[at]
        kept.boxes[old] = known.boxes[at]
        kept.sizes[old] = known.sizes[at]
    for k, row in zip(new, _decode_attentively(source, new, pool)):
        small[k - numbers[0]] = row.small
        kept.digests[k] = row.digest
        kept.faults[k] = row.fault
        kept.boxes[k] = row.box
        kept.sizes[k] = row.size
    return small[kept.faults[numbers] == ""]


def _decode_attentively(source: Source, numbers: np.ndarray, pool: ThreadPoolExecutor) -> list:
    """The rows of some pictures; where the decoder complained, it is asked again of which one."""

    def decode_row(k: int) -> _Row:
        return _decode_row(source, k)

    with Complaints() as complaints:
        rows = list(pool.map(decode_row, numbers))
        if not complaints.take():
            return rows
        for place, k in enumerate(numbers):
            row = rows[place]
            if row.fault:
                continue
            _decode_row(source, k)
            if is_serious(complaints.take(), row.n_bytes):
                row.fault = DAMAGED
    return rows


def _decode_row(source: Source, k: int) -> _Row:
    small = np.zeros(cache.ROW_SHAPE, np.uint8)
    box = np.zeros(4, np.int16)
    try:
        loaded = source.load(k, 2 * SIDE)
    except UnreadablePicture as error:
        return _Row(small, box, (0, 0), "", str(error)[:160], 0)
    decoded = loaded.decoded
    small, box = letterbox(decoded.picture)
    size = (decoded.height, decoded.width)
    return _Row(small, box, size, loaded.digest, "", loaded.n_bytes)


def _finish(source: Source, kept: cache.Kept, n_decoded: int) -> Gathered:
    """Without the unreadable ones."""
    readable = kept.faults == ""
    rows = np.flatnonzero(readable)
    unreadable = []
    for k in np.flatnonzero(~readable):
        unreadable.append(Unreadable(printable(kept.keys[k]), str(kept.faults[k])))
    pictures = Pictures(
        paths=[printable(kept.keys[k]) for k in rows],
        file_digests=[str(digest) for digest in kept.digests[rows]],
        small=kept.small,
        boxes=kept.boxes[rows],
        sizes=kept.sizes[rows],
        load=_loader(source, rows),
    )
    return Gathered(pictures, rows, unreadable, n_decoded)


def _loader(source: Source, rows: np.ndarray) -> Callable[[int], np.ndarray]:
    """Gives picture k again, at most CLOSE_SIDE pixels on its longer side."""

    @lru_cache(REMEMBERED)
    def load(k: int) -> np.ndarray:
        decoded = source.load(int(rows[k]), CLOSE_SIDE).decoded
        return shrink(decoded.picture, CLOSE_SIDE)

    return load
