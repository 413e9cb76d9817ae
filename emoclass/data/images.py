"""From files to pixels: decoded on every core, grey, square, and kept in a memory-mapped cache."""

import hashlib
import io
import os
import warnings
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import PIL.Image

from emoclass.errors import InputError, listed
from emoclass.files import cached_array

RECIPE = "2"  # to be raised by whoever changes the pixels that come out of here
SUFFIXES = tuple(
    ".jpg .jpeg .jpe .jfif .png .webp .bmp .dib .gif .jp2 .tif .tiff .pgm .ppm .pbm .pnm".split()
)
OTHER_PICTURES = (
    ".heic",
    ".heif",
    ".avif",
    ".jxl",
    ".svg",
    ".psd",
    ".raw",
    ".cr2",
    ".nef",
    ".dng",
)  # are not read
JUNK = ("__macosx", "thumbs.db", "desktop.ini")  # what systems leave behind, beside hidden files
LARGEST = 10_000  # pixels a side; a header that claims more is broken, or a trap for the memory
EVERY = 1_000  # an error names every offender, short of flooding the terminal
REDUCED = {scale: getattr(cv2, f"IMREAD_REDUCED_GRAYSCALE_{scale}") for scale in (8, 4, 2)}


def load_images(
    paths: Iterable[os.PathLike | str], size: int = 48, ids: Iterable[str | None] | None = None
):
    """Photos as (n, size, size) uint8, grey, read-only and memory-mapped, in the order of `paths`.

    The whole picture is resized to the square: a cut would lose chin or forehead, and bars would tell a net the
    source. Pixels are cached by `ids`, the photos' `blob_ids`. Raises InputError that names every photo that is empty,
    cut short, no picture, larger than 10,000 pixels a side or unreadable.
    """
    paths = [os.fspath(path) for path in paths]
    ids = blob_ids(paths) if ids is None else list(ids)
    if size < 1:
        raise InputError(f"photos cannot be {size} pixels a side: ask for a size of at least 1")
    shape = (len(paths), size, size)
    if not paths:
        return np.empty(shape, np.uint8)
    key = hashlib.sha256(
        "\n".join(map(str, [RECIPE, cv2.__version__, size, *ids])).encode()
    ).hexdigest()
    return cached_array(f"pixels-{key}", np.uint8, (size, size), partial(_decode_all, paths, shape))


def resize_to_square(grey: np.ndarray, size: int) -> np.ndarray:
    """(size, size) uint8 of a (height, width) uint8 picture; upwards, OpenCV's mean over areas only repeats pixels."""
    shrinks = min(grey.shape) >= size
    return cv2.resize(
        grey, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )


def blob_ids(paths: Iterable[os.PathLike | str]) -> list[str | None]:
    """Git's id (40 hex digits) of the bytes of each file, None for a file that cannot be read."""
    with ThreadPoolExecutor() as threads:
        return list(threads.map(_blob_id, paths))


def _blob_id(path: os.PathLike | str) -> str | None:
    try:
        data = Path(path).read_bytes()
    except OSError:
        return None
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def names_below(folder: Path) -> list[str]:
    """Every file in a folder and below, by its name from there with /; no JUNK, none hidden.

    A linked folder counts at each place: it may be on both sides of a split. Raises InputError naming folders that may
    not be read.
    """
    names, closed, above = [], [], {str(folder): {os.path.realpath(folder)}}
    for at, folders, files in os.walk(
        folder, onerror=lambda error: closed.append(error.filename), followlinks=True
    ):
        real = {each: os.path.realpath(f"{at}/{each}") for each in folders if not hidden(each)}
        folders[:] = [
            each for each in real if real[each] not in above[at]
        ]  # links may make circles
        above |= {os.path.join(at, each): above[at] | {real[each]} for each in folders}
        names += [os.path.relpath(f"{at}/{file}", folder) for file in files if not hidden(file)]
    if closed := [each for each in closed if os.path.isdir(each)]:
        raise InputError(f"folders that may not be read: {listed(map(printable, closed))}")
    return sorted(Path(name).as_posix() for name in names)


def printable(name: os.PathLike | str) -> str:
    """A name on disk as text that can be printed and written anywhere: bytes that are no UTF-8 become `\\xfc`."""
    return os.fspath(name).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def hidden(name: str) -> bool:
    """Whether a file or folder of this name is hidden, or left behind by a system."""
    return name.startswith(".") or name.lower() in JUNK


def _decode_all(paths: list[str], shape: tuple[int, int, int], draft: Path) -> None:
    """Write a .npy file of the photos, one by one; InputError after the last if any photo is of no use."""
    faults, threads = [], cv2.getNumThreads()
    cv2.setNumThreads(1)  # one photo per thread beats many threads per photo
    try:
        # As plain bytes and not into a memory map, where a full disk ends the process without a word.
        with ThreadPoolExecutor() as decoders, open(draft, "wb") as file:
            np.lib.format.write_array_header_1_0(
                file, {"descr": "|u1", "fortran_order": False, "shape": shape}
            )
            for path, found in zip(paths, decoders.map(partial(_decode, size=shape[1]), paths)):
                if isinstance(found, str):
                    faults.append(f"{printable(path)} {found}")
                else:
                    file.write(found.tobytes())
    finally:
        cv2.setNumThreads(threads)
    if faults:
        count = "one photo" if len(faults) == 1 else f"{len(faults)} photos"
        advice = "put whole pictures in their place, or take them and their rows away"
        raise InputError(f"{count} cannot be used: {listed(faults, EVERY)}: {advice}")


def _decode(path: str, size: int) -> np.ndarray | str:
    """(size, size) uint8 of the photo, or what is wrong with it."""
    found = read_grey(path, size)
    return found if isinstance(found, str) else resize_to_square(found, size)


def read_grey(path: os.PathLike | str, least: int = LARGEST) -> np.ndarray | str:
    """(height, width) uint8 of a photo, or what is wrong with it; a JPEG is halved while `least` pixels are left."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if not data:
        return "is empty"
    (width, height), transparent = _read_header(data)
    if max(width, height) > LARGEST:
        return f"has more than {LARGEST:,} pixels a side"
    if not _whole(data):
        return "is cut short"
    # A JPEG can be decoded at a half, a quarter or an eighth of its scale for a fraction of the cost.
    scales = [
        scale
        for scale in REDUCED
        if data.startswith(b"\xff\xd8") and min(width, height) // scale >= least
    ]
    how = REDUCED[scales[0]] if scales else cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH
    data = np.frombuffer(data, np.uint8)
    try:
        picture, whole = (
            cv2.imdecode(data, how),
            cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if transparent else None,
        )
    except cv2.error:  # beyond OpenCV's own limits
        picture = None
    if picture is None:
        return "is not a picture"
    if (
        whole is None
        or whole.ndim < 3
        or whole.shape[2] < 4
        or (opaque := _eight_bits(whole)[..., 3] / 255).all()
    ):
        return _eight_bits(picture)
    grey = cv2.cvtColor(_eight_bits(whole)[..., :3], cv2.COLOR_BGR2GRAY)
    return np.round(255 - opaque * (255.0 - grey)).astype(
        np.uint8
    )  # what shows through is seen on white paper


def _eight_bits(picture: np.ndarray) -> np.ndarray:
    """uint8 of pixels of 16 bits (12 of them in use, if no pixel has more), or of fractions."""
    if picture.dtype == np.uint16:
        return (
            picture >> (8 if picture.max() >= 1 << 12 else 4 if picture.max() >= 1 << 8 else 0)
        ).astype(np.uint8)
    if picture.dtype != np.uint8:
        picture = np.nan_to_num(picture) * (255 if np.nanmax(picture) <= 1 else 1)
    return picture.clip(0, 255).round().astype(np.uint8)


def _read_header(data: bytes) -> tuple[tuple[int, int], bool]:
    """(width, height) as the header has them, (0, 0) if there is none; whether something may be transparent."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # a large picture is refused by its sides, in our own words
            header = PIL.Image.open(io.BytesIO(data))
            return header.size, header.mode in ("RGBA", "LA", "PA") or "transparency" in header.info
    except PIL.Image.DecompressionBombError:
        return (LARGEST + 1, LARGEST + 1), False
    except Exception:  # whatever Pillow makes of a broken header: OpenCV has the last word
        return (0, 0), False


def _whole(data: bytes) -> bool:
    """Whether a JPEG, PNG or WebP file has its end: OpenCV decodes half a file and fills the rest with grey."""
    if data.startswith(b"\xff\xd8"):
        return data.rfind(b"\xff\xd9", max(data.rfind(b"\xff\xda"), 0)) > 0
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return b"IEND" in data
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return len(data) >= max(30, 8 + int.from_bytes(data[4:8], "little"))
    return True
