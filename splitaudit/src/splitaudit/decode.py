"""From the bytes of a file to a picture: upright, in colour, on white where it is transparent."""

import io
import zlib
from dataclasses import dataclass

import cv2
import numpy as np
import PIL.Image
import PIL.ImageOps

MOST_PIXELS = 250_000_000
SCALES = (8, 4, 2)
REDUCED = {
    8: cv2.IMREAD_REDUCED_COLOR_8,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    1: cv2.IMREAD_COLOR,
}
ORIENTATION_TAG = 274
JPEG_START = b"\xff\xd8"
PNG_START = b"\x89PNG\r\n\x1a\n"
POINTERS = (b"version https://git-lfs", b"version https://hawser")
TRANSPARENT_MODES = ("RGBA", "LA", "PA", "La", "RGBa")
DEEP_MODES = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")


class UnreadablePicture(ValueError):
    """A file is no picture that can be used; the message says why, in a few words."""


@dataclass(frozen=True)
class Decoded:
    """A picture as people see it.

    Args:
        picture: (h, w, 3) uint8 RGB, perhaps at a reduced scale.
        height: Of the original, in pixels, once it is upright.
        width: Likewise.
    """

    picture: np.ndarray
    height: int
    width: int


def decode(data: bytes, longest: int, crop: tuple[int, int, int, int] | None = None) -> Decoded:
    """The picture in a file's bytes, turned as its EXIF orientation asks for.

    Args:
        data: The whole file: JPEG, PNG, WebP, GIF, TIFF, BMP, PNM, JPEG 2000.
        longest: A JPEG is decoded at a half, a quarter or an eighth of its scale while its longer
            side keeps at least so many pixels.
        crop: left, top, right and bottom of the part that counts, in pixels of the upright whole.

    Raises:
        UnreadablePicture: It is empty, a Git LFS pointer, cut short, damaged, no picture or huge.
    """
    _refuse_obvious(data)
    image = _opened(data)
    if image is None:
        picture = _eight_bits(_decoded_by_opencv(data, cv2.IMREAD_UNCHANGED))
        whole = Decoded(array_as_rgb(picture), *picture.shape[:2])
        return whole if crop is None else _cropped(whole, crop)
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise UnreadablePicture(f"has {width:,} x {height:,} pixels, which is too many")
    if data.startswith(JPEG_START) and image.mode in ("L", "RGB"):
        reduced = _scale(width, height, MOST_PIXELS if crop else longest)
        flags = REDUCED[reduced] | cv2.IMREAD_IGNORE_ORIENTATION
        picture = cv2.cvtColor(_decoded_by_opencv(data, flags), cv2.COLOR_BGR2RGB)
        orientation = _orientation(image)
        picture = turn_upright(picture, orientation)
        if orientation >= 5:
            height, width = width, height
        whole = Decoded(picture, height, width)
    else:
        picture = _decoded_by_pillow(image)
        whole = Decoded(picture, *picture.shape[:2])
    return whole if crop is None else _cropped(whole, crop)


def turn_upright(picture: np.ndarray, orientation: int) -> np.ndarray:
    """The picture turned as EXIF's orientation (1 to 8) asks for."""
    if orientation in (2, 4, 5, 7):
        picture = picture[:, ::-1]
    quarter_turns = {3: 2, 4: 2, 5: 1, 6: 3, 7: 3, 8: 1}.get(orientation, 0)
    return np.ascontiguousarray(np.rot90(picture, quarter_turns))


def array_as_rgb(array: np.ndarray) -> np.ndarray:
    """(h, w, 3) uint8 of a picture in memory.

    Args:
        array: (h, w), (h, w, 1), (h, w, 3) RGB or (h, w, 4) RGBA; of uint8, of larger integers
            that hold 8, 12 or 16 bits, or of fractions from 0 to 1 or to 255.
    """
    picture = _eight_bits(np.asarray(array))
    if picture.ndim == 3 and picture.shape[2] == 4:
        return _on_white(picture)
    if picture.ndim == 3 and picture.shape[2] == 1:
        picture = picture[:, :, 0]
    if picture.ndim == 2:
        picture = np.repeat(picture[:, :, None], 3, axis=2)
    return np.ascontiguousarray(picture)


def _refuse_obvious(data: bytes) -> None:
    """Raises UnreadablePicture for what no decoder has to be asked."""
    if not data:
        raise UnreadablePicture("is empty")
    start = data[:200]
    if start.startswith(POINTERS):
        raise UnreadablePicture("is a Git LFS pointer, not the picture (git lfs pull fetches it)")
    if b"/annex/objects/" in start:
        raise UnreadablePicture("is a git-annex pointer, not the picture")
    if start.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        raise UnreadablePicture("is a web page")
    if not any(data[:4096]):
        raise UnreadablePicture("is filled with zeros")
    if data.startswith(JPEG_START):
        scan = data.rfind(b"\xff\xda")
        if data.rfind(b"\xff\xd9", max(scan, 0)) < 0:
            raise UnreadablePicture("is cut short")
    elif data.startswith(PNG_START):
        _refuse_damaged_png(data)
    elif data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        if len(data) < 8 + int.from_bytes(data[4:8], "little"):
            raise UnreadablePicture("is cut short")


def _refuse_damaged_png(data: bytes) -> None:
    """Compare the checksum of each chunk: decoders do not, and show what is left."""
    position = len(PNG_START)
    while position + 12 <= len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        end = position + 8 + length
        if end + 4 > len(data):
            break
        kind = data[position + 4 : position + 8]
        checksum = int.from_bytes(data[end : end + 4], "big")
        if zlib.crc32(data[position + 4 : end]) != checksum and kind in (b"IHDR", b"PLTE", b"IDAT"):
            raise UnreadablePicture("is damaged (a checksum is wrong)")
        if kind == b"IEND":
            return
        position = end + 4
    raise UnreadablePicture("is cut short")


def _opened(data: bytes) -> PIL.Image.Image | None:
    """The picture as Pillow sees it before decoding; None if it knows no such kind."""
    try:
        return PIL.Image.open(io.BytesIO(data))
    except PIL.Image.DecompressionBombError as error:
        raise UnreadablePicture("has too many pixels") from error
    except Exception:  # whatever Pillow makes of a broken header: OpenCV has the last word
        return None


def _orientation(image: PIL.Image.Image) -> int:
    try:
        orientation = image.getexif().get(ORIENTATION_TAG, 1)
    except Exception:  # broken EXIF data say nothing
        return 1
    return orientation if orientation in range(1, 9) else 1


def _scale(width: int, height: int, longest: int) -> int:
    """By how much a JPEG can be reduced while its longer side keeps `longest` pixels."""
    for scale in SCALES:
        if max(width, height) // scale >= longest:
            return scale
    return 1


def _decoded_by_opencv(data: bytes, flags: int) -> np.ndarray:
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:  # beyond OpenCV's own limits
        picture = None
    if picture is None:
        raise UnreadablePicture("is not a picture")
    if picture.ndim == 3 and flags == cv2.IMREAD_UNCHANGED:
        code = cv2.COLOR_BGRA2RGBA if picture.shape[2] == 4 else cv2.COLOR_BGR2RGB
        return cv2.cvtColor(picture, code)
    return picture


def _decoded_by_pillow(image: PIL.Image.Image) -> np.ndarray:
    """(h, w, 3) uint8, upright: loading turns a TIFF already, and takes its tag away."""
    try:
        image.load()
        image = PIL.ImageOps.exif_transpose(image)
        if image.mode in DEEP_MODES:
            return array_as_rgb(np.asarray(image))
        if image.mode in TRANSPARENT_MODES or "transparency" in image.info:
            return _on_white(np.asarray(image.convert("RGBA")))
        return np.asarray(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError) as error:
        what = "is cut short" if "truncated" in str(error) else "is damaged"
        raise UnreadablePicture(f"{what} ({error})") from error


def _on_white(picture: np.ndarray) -> np.ndarray:
    """(h, w, 3) uint8: what shows through is seen on white paper, whatever colour hides there."""
    colour = picture[:, :, :3].astype(np.float32)
    opacity = picture[:, :, 3:].astype(np.float32) / 255
    return np.round(255 - opacity * (255 - colour)).astype(np.uint8)


def _eight_bits(picture: np.ndarray) -> np.ndarray:
    """uint8 of booleans, of integers of 8, 12 or 16 bits, or of fractions."""
    if picture.dtype == np.uint8:
        return picture
    if picture.dtype == bool:
        return picture.astype(np.uint8) * 255
    if picture.dtype.kind in "iu":
        highest = picture.max(initial=0)
        shift = 0
        if highest >= 1 << 12:
            shift = 8
        elif highest >= 1 << 8:
            shift = 4
        return (picture >> shift).clip(0, 255).astype(np.uint8)
    finite = np.nan_to_num(picture.astype(np.float32))
    if finite.max(initial=0) <= 1:
        finite = finite * 255
    return finite.clip(0, 255).round().astype(np.uint8)


def _cropped(whole: Decoded, crop: tuple[int, int, int, int]) -> Decoded:
    left, top, right, bottom = crop
    left = max(left, 0)
    top = max(top, 0)
    part = whole.picture[top:bottom, left:right]
    if part.size == 0:
        raise UnreadablePicture(f"has no pixels within its box {crop}")
    return Decoded(np.ascontiguousarray(part), *part.shape[:2])
