"""From files to pixels: decoded on every core, grey, square, and kept in a memory-mapped cache."""

import hashlib
import io
import os
import struct
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from emoclass.faces import BadInput, listed
from emoclass.paths import build_folder

RECIPE = "1"  # to be raised by whoever changes the pixels that come out of here
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".pgm")
LARGEST = 10_000  # pixels a side; a header that claims more is broken, or a trap for the memory
SETTLED = 2.0  # seconds; the coarsest clock of a common file system (FAT)
BLOCK = 64  # photos a thread decodes at a time
EVERY = 1_000  # an error names every offender, short of flooding the terminal

REDUCED = {
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    1: cv2.IMREAD_GRAYSCALE,
}


def prepare(paths: Iterable[os.PathLike | str], size: int = 48, ids: Iterable[str | None] | None = None):
    """Photos as (n, size, size) uint8, grey, read-only and memory-mapped, in the order of `paths`.

    The whole picture is resized to the square, whatever its shape. A face crop of 82 x 107 therefore looks a
    little broader; cutting a square out of it would lose chin or forehead, and filling it up to a square would
    draw bars that tell a net which source the photo is from.

    `ids` are the photos' `blob_ids` where the caller has them already. Pixels are cached by those ids, so a
    photo that changes, moves or swaps its name is never mistaken for another. Raises BadInput that names every
    photo that is empty, cut short, no picture, larger than 10,000 pixels a side or unreadable.
    """
    paths = [os.fspath(path) for path in paths]
    ids = blob_ids(paths) if ids is None else list(ids)
    if size < 1:
        raise BadInput(f"photos cannot be {size} pixels a side: ask for a size of at least 1")
    if not paths:
        return np.empty((0, size, size), np.uint8)
    key = hashlib.sha256("\n".join(map(str, [RECIPE, cv2.__version__, size, *ids])).encode()).hexdigest()
    cached, shape = cache_folder() / f"pixels-{key}.npy", (len(paths), size, size)
    if (pixels := _open(cached, shape)) is None:
        keep(cached, _file_pieces(paths, shape))
        pixels = np.load(cached, mmap_mode="r")
    return pixels


def blob_ids(paths: Iterable[os.PathLike | str]) -> list[str | None]:
    """Git's id (40 hex digits) of the bytes of each file, None for a file that cannot be read.

    As git itself does, a file whose path, size, times and inode are those of last time is taken for unchanged,
    so that 14,000 photos are hashed once and recognised in some hundredths of a second afterwards.
    """
    paths = [os.fspath(path) for path in paths]
    try:
        marks = [(s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino) for s in map(os.stat, paths)]
    except OSError:
        return _hash_all(paths)
    signature = hashlib.sha256(os.fsencode("\0".join(paths)) + repr(marks).encode()).hexdigest()
    remembered = cache_folder() / f"ids-{signature}"
    if remembered.exists():
        known = remembered.read_bytes()
        if len(known) == 20 * len(paths):
            return [known[at : at + 20].hex() for at in range(0, len(known), 20)]
        _say(f"{remembered} is damaged: reading the photos again")
    ids = _hash_all(paths)
    # A file written within the clock's last tick may be written again and bear the same time: not remembered.
    settled = max((ctime for _, _, ctime, _ in marks), default=0) < (time.time() - SETTLED) * 1e9
    if settled and None not in ids:
        keep(remembered, [bytes.fromhex("".join(ids))])
    return ids


def _hash_all(paths: list[str]) -> list[str | None]:
    def of_block(block):
        return [_blob_id(path) for path in block]

    with ThreadPoolExecutor(_cores()) as pool:  # hashlib lets go of the interpreter lock
        return [each for block in pool.map(of_block, _blocks(paths)) for each in block]


def _blob_id(path: str) -> str | None:
    try:
        data = _read(path)
    except OSError:
        return None
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _file_pieces(paths: list[str], shape: tuple[int, int, int]) -> Iterator[bytes]:
    """A .npy file of the photos, piece by piece; BadInput after the last if any photo is of no use."""
    # Written as plain bytes and not into a memory map, where a full disk ends the process without a word.
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": shape})
    yield header.getvalue()
    faults, threads = [], cv2.getNumThreads()
    cv2.setNumThreads(1)  # one photo per thread beats many threads per photo
    try:
        with ThreadPoolExecutor(_cores()) as pool:
            for pixels, wrong in pool.map(partial(_decode_block, size=shape[1]), _blocks(paths)):
                faults += wrong
                yield pixels.tobytes()
    finally:
        cv2.setNumThreads(threads)
    if faults:
        count = "one photo" if len(faults) == 1 else f"{len(faults)} photos"
        raise BadInput(
            f"{count} cannot be used: {listed(faults, EVERY)}: put whole pictures in their place, or take them "
            "and their rows away"
        )


def _decode_block(paths: list[str], size: int) -> tuple[np.ndarray, list[str]]:
    pixels, faults = np.zeros((len(paths), size, size), np.uint8), []
    for path, out in zip(paths, pixels):
        if wrong := _decode(path, size, out):
            faults.append(f"{path} {wrong}")
    return pixels, faults


def _decode(path: str, size: int, out: np.ndarray) -> str | None:
    """Fill `out` (size, size) with the photo, or say what is wrong with it."""
    try:
        data = _read(path)
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if not data:
        return "is empty"
    width, height, whole = _look(data)
    if max(width, height) > LARGEST:
        return f"claims to be {width:,} x {height:,} pixels (at most {LARGEST:,} a side)"
    if not whole:
        return "is cut short"
    # A JPEG can be decoded at a half, a quarter or an eighth of its scale for a fraction of the cost.
    is_jpeg = data.startswith(b"\xff\xd8")
    scale = next((s for s in (8, 4, 2) if is_jpeg and min(width, height) // s >= size), 1)
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), REDUCED[scale])
    except cv2.error:  # a format whose header `_look` does not read, beyond OpenCV's own limits
        picture = None
    if picture is None:
        return "is not a picture"
    # Averaging over areas is right downwards; upwards OpenCV's version of it only repeats pixels.
    shrinks = min(picture.shape) >= size
    cv2.resize(picture, (size, size), out, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return None


def _read(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:  # thrice as fast as Path.read_bytes on small files
        return file.read()


def _look(data: bytes) -> tuple[int, int, bool]:
    """(width, height, whole) as a JPEG, PNG or WebP file tells without being decoded; (0, 0, True) of others.

    Needed because OpenCV decodes half a file without complaint and fills the rest with grey.
    """
    if data.startswith(b"\xff\xd8"):
        width = height = 0
        at = 2
        while at + 9 < len(data) and data[at] == 0xFF:
            marker = data[at + 1]
            if marker == 0xDA:  # the scan starts: within it FF D9 can only be the end of the picture
                return width, height, data.rfind(b"\xff\xd9", at) > 0
            if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
                height, width = struct.unpack_from(">HH", data, at + 5)
            at += 1 if marker == 0xFF else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        return width, height, False
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        width, height = struct.unpack(">II", data[16:24].ljust(8, b"\0"))
        return width, height, b"IEND" in data
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        whole = len(data) >= 30 and len(data) >= 8 + int.from_bytes(data[4:8], "little")
        return (*_webp_size(data), whole) if whole else (0, 0, False)
    return 0, 0, True


def _webp_size(data: bytes) -> tuple[int, int]:
    if data[12:16] == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if data[12:16] == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack_from("<HH", data, 26)
    return width & 0x3FFF, height & 0x3FFF


def _open(cached: Path, shape: tuple[int, ...]) -> np.ndarray | None:
    try:
        pixels = np.load(cached, mmap_mode="r")
        if pixels.shape == shape and pixels.dtype == np.uint8:
            return pixels
    except FileNotFoundError:
        return None
    except (ValueError, EOFError, OSError):
        pass
    _say(f"{cached} is damaged: decoding the photos again")
    return None


def keep(final: Path, pieces: Iterable[bytes]) -> None:
    """Write `pieces` to `final`, all of them or nothing."""
    draft = None
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=final.parent, prefix=".draft-", delete=False) as draft:
            for piece in pieces:
                draft.write(piece)
        os.replace(draft.name, final)
    except OSError as error:
        raise BadInput(
            f"the cache folder {final.parent} cannot be written ({error.strerror or error}): make room there, "
            "or name another build folder in EMOCLASS_BUILD"
        ) from error
    finally:
        if draft is not None:
            Path(draft.name).unlink(missing_ok=True)


def cache_folder() -> Path:
    """Where what was decoded or found once is kept."""
    return build_folder() / "cache"


def _blocks(paths: list[str]) -> list[list[str]]:
    return [paths[at : at + BLOCK] for at in range(0, len(paths), BLOCK)]


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
