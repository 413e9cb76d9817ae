"""Copies drawn of the collection's own pictures: from them is learned what changes in a copy."""

import cv2
import numpy as np

from splitaudit.descriptors import Variant
from splitaudit.pictures import SIDE

BORDERS = (cv2.BORDER_CONSTANT, cv2.BORDER_REPLICATE, cv2.BORDER_REFLECT_101)
TURNED_BEYOND = 8.0  # degrees, around the variant
ZOOMED_BEYOND = 0.1
SHIFTED = 0.06  # share of the side


def draw_copy(
    small: np.ndarray, box: np.ndarray, variant: Variant, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A transformed copy of one picture, in the frame of its original.

    Args:
        small: (SIDE, SIDE, 3) uint8, letterboxed.
        box: (4,) where the picture lies in it.
        variant: What is done to the picture, roughly; a little is added by chance.

    Returns:
        The copy, letterboxed as well, and its box.
    """
    top, left, height, width = box
    picture = small[top : top + height, left : left + width]
    quarters = round(variant.turn / 90)
    if variant.mirrored:
        picture = picture[:, ::-1]
    picture = np.ascontiguousarray(np.rot90(picture, quarters))
    turn = variant.turn - 90 * quarters + rng.uniform(-TURNED_BEYOND, TURNED_BEYOND)
    zoom = variant.zoom * np.exp(rng.uniform(-ZOOMED_BEYOND, ZOOMED_BEYOND))
    height, width = picture.shape[:2]
    middle = ((width - 1) / 2, (height - 1) / 2)
    matrix = cv2.getRotationMatrix2D(middle, turn, zoom)
    matrix[:, 2] += np.array([variant.right, variant.down]) * SIDE / 2
    matrix[:, 2] += rng.uniform(-SHIFTED, SHIFTED, 2) * SIDE
    border = BORDERS[rng.integers(len(BORDERS))]
    moved = cv2.warpAffine(picture, matrix, (width, height), borderMode=border)
    altered = _altered(moved, rng)
    copy = np.zeros_like(small)
    top = (SIDE - height) // 2
    left = (SIDE - width) // 2
    copy[top : top + height, left : left + width] = altered
    return copy, np.array([top, left, height, width], np.int16)


def _altered(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Lighter or darker, more or less contrast, inverted, noisy, blurred, with a patch erased."""
    values = picture.astype(np.float32)
    middle = values.mean()
    values = (values - middle) * rng.uniform(0.6, 1.4) + middle + rng.uniform(-30, 30)
    if rng.random() < 0.1:
        values = 255 - values
    if rng.random() < 0.3:
        values += rng.normal(0, rng.uniform(3, 15), values.shape)
    if rng.random() < 0.3:
        values = cv2.GaussianBlur(values, (0, 0), rng.uniform(0.5, 1.5))
    if rng.random() < 0.3:
        height, width = values.shape[:2]
        share = np.sqrt(rng.uniform(0.05, 0.2))
        row = rng.integers(max(1, int(height * (1 - share))))
        column = rng.integers(max(1, int(width * (1 - share))))
        last_row = row + int(height * share)
        last_column = column + int(width * share)
        values[row:last_row, column:last_column] = rng.uniform(0, 255)
    return values.clip(0, 255).astype(np.uint8)
