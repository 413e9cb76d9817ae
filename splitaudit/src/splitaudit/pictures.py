"""Decoded pictures of any shape, letterboxed into one array: what the detector works on."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

SIDE = 96
CLOSE_SIDE = 256


@dataclass(frozen=True)
class Pictures:
    """n decoded pictures.

    Args:
        paths: A name for each picture.
        file_digests: sha256 of each file's bytes, in hexadecimal.
        small: (n, SIDE, SIDE, 3) uint8 RGB, each picture letterboxed: its shape kept, in the middle.
        boxes: (n, 4) int16: top, left, height and width of the picture within `small`, in pixels.
        sizes: (n, 2) int32: height and width of the original, in pixels.
        load: Gives a picture by its number, RGB uint8, at most CLOSE_SIDE pixels on its longer side.
    """

    paths: list[str]
    file_digests: list[str]
    small: np.ndarray
    boxes: np.ndarray
    sizes: np.ndarray
    load: Callable[[int], np.ndarray]

    def __len__(self) -> int:
        return len(self.paths)

    @classmethod
    def from_arrays(cls, arrays: list[np.ndarray], paths: list[str] | None = None) -> "Pictures":
        """Pictures that are in memory already.

        Args:
            arrays: uint8 pictures of any sizes, (height, width) grey or (height, width, 3) RGB.
            paths: Their names; by default their numbers.
        """
        number = len(arrays)
        digests = []
        small = np.zeros((number, SIDE, SIDE, 3), np.uint8)
        boxes = np.zeros((number, 4), np.int16)
        sizes = np.zeros((number, 2), np.int32)
        for k, array in enumerate(arrays):
            content = np.ascontiguousarray(array)
            digests.append(hashlib.sha256(content.tobytes()).hexdigest())
            small[k], boxes[k] = letterbox(as_rgb(array))
            sizes[k] = array.shape[:2]
        if paths is None:
            paths = [str(k) for k in range(number)]

        def load(k: int) -> np.ndarray:
            return shrink(as_rgb(arrays[k]), CLOSE_SIDE)

        return cls(paths, digests, small, boxes, sizes, load)


def as_rgb(array: np.ndarray) -> np.ndarray:
    """(height, width, 3) uint8; the channels of a grey picture are equal."""
    if array.ndim == 2:
        return np.repeat(array[:, :, None], 3, axis=2)
    return array


def shrink(picture: np.ndarray, longest: int) -> np.ndarray:
    """The picture with its longer side at most `longest` pixels; never enlarged."""
    height, width = picture.shape[:2]
    factor = longest / max(height, width)
    if factor >= 1:
        return picture
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


def letterbox(picture: np.ndarray, side: int = SIDE) -> tuple[np.ndarray, np.ndarray]:
    """The picture in the middle of a square, its shape kept.

    Args:
        picture: (height, width, 3) uint8 RGB.

    Returns:
        (side, side, 3) uint8, black outside the picture; and (4,) int16, the picture's box in it:
        top, left, height, width.
    """
    height, width = picture.shape[:2]
    factor = side / max(height, width)
    box_height = max(1, round(height * factor))
    box_width = max(1, round(width * factor))
    interpolation = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    resized = cv2.resize(picture, (box_width, box_height), interpolation=interpolation)
    top = (side - box_height) // 2
    left = (side - box_width) // 2
    square = np.zeros((side, side, 3), np.uint8)
    square[top : top + box_height, left : left + box_width] = resized
    return square, np.array([top, left, box_height, box_width], np.int16)
