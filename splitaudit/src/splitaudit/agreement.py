"""How well two pictures agree once they are in line: place by place, in their detail."""

from dataclasses import dataclass

import cv2
import numpy as np

from splitaudit.align import OUTWARDS, box_mask, luminance
from splitaudit.pictures import SIDE

FINE_WIDTH = 1.0  # pixels, standard deviations: what is finer is noise
COARSE_WIDTH = 4.0  # what is coarser is light and shade
WINDOW = 17  # pixels a side of a place
STEP = 3  # pixels between places
NOISE = 4.0  # grey levels squared: variation below it is noise
PLENTY = 10.0  # grey levels; more detail than that does not count more
SHARE = 0.75  # of the detail that has to agree; the rest may be masked or erased
LEAST_OVERLAP = 0.35


@dataclass(frozen=True)
class Detail:
    """A picture's detail, (SIDE, SIDE) float32 in grey levels, and 1 where the picture lies."""

    values: np.ndarray
    mask: np.ndarray


@dataclass(frozen=True)
class Agreement:
    """What two pictures have in common.

    Args:
        score: Mean local correlation of the detail, of the SHARE that agrees best.
        whole: The same of all of it.
        worst: Local correlation that a tenth of the detail falls short of.
        overlap: Share of the smaller of the two that both show.
        detail: Share of the overlap that has detail, in the plainer of the two.
    """

    score: float
    whole: float
    worst: float
    overlap: float
    detail: float


NOTHING = Agreement(0.0, 0.0, 0.0, 0.0, 0.0)


def detail_of(small: np.ndarray, box: np.ndarray) -> Detail:
    """The detail of one letterboxed picture."""
    grey = luminance(small)
    mask = box_mask(box)
    values = _masked_blur(grey, mask, FINE_WIDTH) - _masked_blur(grey, mask, COARSE_WIDTH)
    return Detail(values * mask, mask)


def _masked_blur(grey: np.ndarray, mask: np.ndarray, width: float) -> np.ndarray:
    if mask.all():
        return cv2.GaussianBlur(grey, (0, 0), width)
    weight = cv2.GaussianBlur(mask, (0, 0), width)
    return cv2.GaussianBlur(grey * mask, (0, 0), width) / np.maximum(weight, 1e-3)


def agreement(test: Detail, train: Detail, matrix: np.ndarray) -> Agreement:
    """Compares two pictures; `matrix` (2, 3) leads from places in train to places in test."""
    size = (SIDE, SIDE)
    moved_mask = cv2.warpAffine(test.mask, matrix, size, flags=OUTWARDS)
    both = (moved_mask > 0.99) & (train.mask > 0)
    area = int(both.sum())
    zoom = abs(float(np.linalg.det(matrix[:, :2].astype(np.float64))))
    smaller = min(train.mask.sum(), test.mask.sum() / max(zoom, 1e-6))
    overlap = min(1.0, float(area / max(smaller, 1)))
    if overlap < LEAST_OVERLAP or area < SIDE:
        return NOTHING
    mask = both.astype(np.float32)
    moved = cv2.warpAffine(test.values, matrix, size, flags=OUTWARDS) * mask
    fixed = train.values * mask
    weight = np.maximum(_places(mask), 1e-3)
    product = _places(moved * fixed) / weight
    moved_power = np.maximum(_places(moved * moved), 0) / weight  # sums may end below 0
    fixed_power = np.maximum(_places(fixed * fixed), 0) / weight
    inside = both[::STEP, ::STEP]
    product = product[inside]
    moved_power = moved_power[inside]
    fixed_power = fixed_power[inside]
    if product.sum() < 0:  # one is the other's negative
        product = -product
    local = product / np.sqrt((moved_power + NOISE) * (fixed_power + NOISE))
    strength = np.minimum(np.sqrt((moved_power + fixed_power) / 2), PLENTY) + 1e-6
    plainer = np.minimum(moved_power, fixed_power)
    detail = float((plainer > 2 * NOISE).mean())
    return _summary(local, strength, overlap, detail)


def _places(values: np.ndarray) -> np.ndarray:
    means = cv2.blur(values, (WINDOW, WINDOW), borderType=cv2.BORDER_CONSTANT)
    return means[::STEP, ::STEP]


def _summary(
    local: np.ndarray, strength: np.ndarray, overlap: float, detail: float
) -> Agreement:
    order = np.argsort(-local)
    local = local[order]
    strength = strength[order]
    reached = np.cumsum(strength) / strength.sum()
    kept = max(1, int(np.searchsorted(reached, SHARE)))
    score = float(np.average(local[:kept], weights=strength[:kept]))
    whole = float(np.average(local, weights=strength))
    lowest = min(len(local) - 1, int(np.searchsorted(reached, 0.9)))
    return Agreement(score, whole, float(local[lowest]), overlap, detail)


def agreeing(moved: np.ndarray, fixed: np.ndarray, window: int) -> np.ndarray:
    """(side, side) float32: local correlation of two pictures in line."""
    product = cv2.blur(moved * fixed, (window, window))
    moved_power = cv2.blur(moved * moved, (window, window))
    fixed_power = cv2.blur(fixed * fixed, (window, window))
    power = np.sqrt(np.maximum(moved_power, 0) * np.maximum(fixed_power, 0))
    return product / (power + 0.05)
