"""Transformed copies that remember which photo they came from."""

from dataclasses import dataclass
from zlib import crc32

import cv2
import numpy as np
import pandas as pd

from emoclass.faces import BadInput, Faces, listed
from emoclass.labels import EMOTIONS, SCARCE


@dataclass(frozen=True)
class Copies:
    """Enlarge the emotions `of` with transformed copies: until there are `to` photos of each, or by `each` per photo.

    Each copy is turned by at most `rotation` degrees, moved by at most `shift` and zoomed by at most `zoom` (both
    as shares of the side), and mirrored half of the time if `flip`; all drawn evenly.
    """

    to: int = 0
    each: int = 0
    of: tuple[str, ...] = SCARCE
    rotation: float = 15.0
    shift: float = 0.1
    zoom: float = 0.1
    flip: bool = True

    def __post_init__(self):
        of = (self.of,) if isinstance(self.of, str) else self.of
        if of is not self.of or not set(of) <= set(EMOTIONS):
            raise BadInput(f"copies of {listed(of)}: name some of {listed(EMOTIONS)}, as a tuple")
        if min(self.to, self.each) < 0 or bool(self.to) == bool(self.each):
            raise BadInput(f"copies with to={self.to} and each={self.each}: one of them must be above 0, the other 0")

    def missing(self, photos: int) -> int:
        """How many copies an emotion of so many photos gets in all."""
        return self.each * photos if self.each else max(self.to - photos, 0) * (photos > 0)


def warp(picture: np.ndarray, degrees=0.0, right=0.0, down=0.0, zoom=1.0, flip=False) -> np.ndarray:
    """The picture (size, size) uint8 turned, moved (in pixels), zoomed and mirrored about its centre.

    What comes into view at the edges is the picture's own reflection, so that no black corner gives a copy away.
    """
    size = picture.shape[0]
    matrix = cv2.getRotationMatrix2D(((size - 1) / 2, (size - 1) / 2), degrees, zoom)
    matrix[:, 2] += right, down
    if flip:
        picture = picture[:, ::-1]
    return cv2.warpAffine(
        np.ascontiguousarray(picture),
        matrix,
        (size, size),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT_101,
    )


def copies_per_photo(faces: Faces, copies: Copies, seed: int = 0) -> np.ndarray:
    """(n,) int: copies of each photo, as even as can be within each emotion."""
    wanted = np.zeros(len(faces), np.int64)
    for emotion in copies.of:
        rows = np.flatnonzero(faces.table.emotion == emotion)
        if missing := copies.missing(len(rows)):
            np.random.default_rng([seed, crc32(emotion.encode())]).shuffle(rows)
            wanted[rows] = missing // len(rows)
            wanted[rows[: missing % len(rows)]] += 1
    return wanted


def with_copies(faces: Faces, copies: Copies | None, seed: int = 0) -> Faces:
    """These originals, in place, followed by their copies.

    A copy is drawn from (seed, photo, number) alone: copying before the split and copying after it make the very
    same pictures, and differ only in which side of the split they stand on.
    """
    if copies is None:
        return faces
    wanted = copies_per_photo(faces, copies, seed)
    rows = np.repeat(np.arange(len(faces)), wanted)
    number = np.arange(len(rows)) - np.repeat(np.cumsum(wanted) - wanted, wanted)
    photos = faces.table.photo.to_numpy()[rows]
    pixels = np.empty((len(rows), faces.size, faces.size), np.uint8)
    for k, (row, j, photo) in enumerate(zip(rows, number, photos)):
        rng = np.random.default_rng([seed, crc32(photo.encode()), j])
        turn, right, down, zoom, side = rng.uniform(-1, 1, 5)
        pixels[k] = warp(
            faces.pixels[row],
            degrees=turn * copies.rotation,
            right=right * copies.shift * faces.size,
            down=down * copies.shift * faces.size,
            zoom=1 + zoom * copies.zoom,
            flip=copies.flip and side < 0,
        )
    table = faces.table.iloc[rows].assign(photo=[f"{photo}, copy {j + 1}" for photo, j in zip(photos, number)])
    return faces + Faces(pixels, pd.DataFrame(table), faces.name)
