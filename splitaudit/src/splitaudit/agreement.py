"""How well two pictures agree once they are in line: place by place, in their detail."""

from dataclasses import dataclass

import cv2
import numpy as np

from splitaudit.align import OUTWARDS, box_mask, luminance
from splitaudit.pictures import SIDE

WINDOW = 6.0  # pixels, standard deviation of a place
NOISE = 4.0  # grey levels squared: variation below it is noise
PLENTY = 10.0  # grey levels; more detail than that does not count more
SHARE = 0.75  # of the detail that has to agree; the rest may be masked or erased
LEAST_OVERLAP = 0.3


@dataclass(frozen=True)
class Agreement:
    """What two pictures have in common.

    Args:
        score: Mean local correlation of the detail, of the SHARE that agrees best.
        whole: The same of all of it.
        overlap: Share of the smaller of the two that both show.
        detail: Share of the overlap that has detail, of the plainer of the two.
        worst: Local correlation that a tenth of the detail falls short of.
    """

    score: float
    whole: float
    overlap: float
    detail: float
    worst: float


NOTHING = Agreement(0.0, 0.0, 0.0, 0.0, 0.0)


def band(grey: np.ndarray, mask: np.ndarray, fine: float, coarse: float) -> np.ndarray:
    """Detail between two widths, in pixels; what lies outside the mask has no part in it."""
    return _masked_blur(grey, mask, fine) - _masked_blur(grey, mask, coarse)


def _masked_blur(grey: np.ndarray, mask: np.ndarray, width: float) -> np.ndarray:
    weight = cv2.GaussianBlur(mask, (0, 0), width)
    return cv2.GaussianBlur(grey * mask, (0, 0), width) / np.maximum(weight, 1e-3)


def agreement(
    test: np.ndarray,
    test_box: np.ndarray,
    train: np.ndarray,
    train_box: np.ndarray,
    matrix: np.ndarray,
    widths: tuple[float, float],
) -> Agreement:
    """Compares two letterboxed pictures.

    Args:
        test: (SIDE, SIDE, 3) uint8.
        train: The same.
        matrix: (2, 3) from places in train to places in test.
        widths: Of the detail that is compared, fine and coarse, in pixels.
    """
    size = (SIDE, SIDE)
    test_mask = box_mask(test_box)
    train_mask = box_mask(train_box)
    moved = cv2.warpAffine(luminance(test), matrix, size, flags=OUTWARDS)
    moved_mask = cv2.warpAffine(test_mask, matrix, size, flags=OUTWARDS)
    both = (moved_mask > 0.99) & (train_mask > 0)
    area = both.sum()
    zoom = abs(np.linalg.det(matrix[:, :2].astype(np.float64)))
    smaller = min(train_mask.sum(), test_mask.sum() / max(zoom, 1e-6))
    overlap = min(1.0, float(area / max(smaller, 1)))
    if overlap < LEAST_OVERLAP or area < SIDE:
        return NOTHING
    mask = both.astype(np.float32)
    left = band(moved, mask, *widths) * mask
    right = band(luminance(train), mask, *widths) * mask
    weight = np.maximum(cv2.GaussianBlur(mask, (0, 0), WINDOW), 1e-3)
    product = cv2.GaussianBlur(left * right, (0, 0), WINDOW) / weight
    left_power = cv2.GaussianBlur(left * left, (0, 0), WINDOW) / weight
    right_power = cv2.GaussianBlur(right * right, (0, 0), WINDOW) / weight
    local = product / np.sqrt((left_power + NOISE) * (right_power + NOISE))
    strength = np.minimum(np.sqrt((left_power + right_power) / 2), PLENTY)
    local = local[both]
    strength = strength[both]
    if product[both].sum() < 0:  # one is the other's negative
        local = -local
    plainer = np.minimum(left_power, right_power)[both]
    detail = float((plainer > 2 * NOISE).mean())
    order = np.argsort(-local)
    local = local[order]
    strength = strength[order]
    reached = np.cumsum(strength) / strength.sum()
    best = reached <= SHARE
    best[0] = True
    score = float((local[best] * strength[best]).sum() / strength[best].sum())
    whole = float((local * strength).sum() / strength.sum())
    worst = float(local[np.searchsorted(reached, 0.9)])
    return Agreement(score, whole, overlap, detail, worst)
