"""Which pictures are plainly equal, found without the auditor: numpy and Pillow alone."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from splitaudit.pictures import Pictures

SIDE = 96
COARSE = 24
EQUAL = 0.999  # correlation of the small grey pictures
COARSELY = 0.98  # of those of COARSE pixels, which equal ones exceed by far
LEAST_CONTRAST = 2.0  # grey levels; below it a correlation says nothing
BLOCK = 500  # pictures at a time


@dataclass(frozen=True)
class Equal:
    """Numbers of pictures that equal one that they are compared with.

    Args:
        same_bytes: The decoded pictures are the same, byte by byte.
        as_it_is: The small grey pictures correlate with more than EQUAL.
        turned: They do so after one of the seven other flips and quarter turns.
    """

    same_bytes: set[int]
    as_it_is: set[int]
    turned: set[int]


def plainly_equal(
    pictures: Pictures, tested: np.ndarray, trained: np.ndarray, within: bool
) -> Equal:
    """Compares all with all, in eight orientations; `within` one collection, none with itself."""
    contents = []
    fine = np.empty((len(pictures), SIDE, SIDE), np.float16)
    coarse = np.empty((len(pictures), COARSE, COARSE), np.float32)
    for k in range(len(pictures)):
        picture = pictures.load(k)
        contents.append((picture.shape, picture.tobytes()))
        grey = Image.fromarray(picture).convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)
        values = np.asarray(grey, np.float32)
        fine[k] = normal(values)
        step = SIDE // COARSE
        coarse[k] = normal(values.reshape(COARSE, step, COARSE, step).mean((1, 3)))
    as_it_is = set()
    turned = set()
    fixed = coarse[trained].reshape(len(trained), -1)
    for start in range(0, len(tested), BLOCK):
        rows = tested[start : start + BLOCK]
        for orientation in range(8):
            moved = oriented(coarse[rows], orientation).reshape(len(rows), -1)
            left, right = np.nonzero(moved @ fixed.T > COARSELY)
            for row, column in zip(rows[left], trained[right]):
                kept = as_it_is if orientation == 0 else turned
                if row in kept or (within and row == column):
                    continue
                first = oriented(fine[row][None], orientation)[0].astype(np.float32)
                if (first * fine[column].astype(np.float32)).sum() > EQUAL:
                    kept.add(int(row))
    return Equal(same_contents(contents, tested, trained, within), as_it_is, turned)


def normal(values: np.ndarray) -> np.ndarray:
    """Without its mean and of length 1; nothing if it is plain."""
    values = values - values.mean()
    length = np.sqrt((values * values).sum())
    if length < LEAST_CONTRAST * np.sqrt(values.size):
        return np.zeros_like(values)
    return values / length


def oriented(pictures: np.ndarray, number: int) -> np.ndarray:
    """One of the eight flips and quarter turns; 0 leaves them as they are."""
    turned = np.rot90(pictures, number % 4, axes=(1, 2))
    return turned[:, :, ::-1] if number >= 4 else turned


def same_contents(contents: list, tested: np.ndarray, trained: np.ndarray, within: bool) -> set:
    places = {}
    for column in trained:
        places.setdefault(contents[column], []).append(column)
    found = set()
    for row in tested:
        others = [k for k in places.get(contents[row], []) if not (within and k == row)]
        if others:
            found.add(int(row))
    return found
