"""How well two pictures agree once they are in line: place by place, in their detail."""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from splitaudit.align import OUTWARDS, box_mask, luminance
from splitaudit.pictures import SIDE

FINE_WIDTH = 1.0  # pixels, standard deviations: what is finer is noise
COARSE_WIDTH = 4.0  # what is coarser is light and shade
WINDOW = 17  # pixels a side of a place
STEP = 3  # pixels between places
NOISE = 0.5  # grey levels squared: variation below it is noise
PLENTY = 10.0  # grey levels; more detail than that does not count more
SHARE = 0.5  # of the detail that has to agree; the rest may be masked, erased or bent
LEAST_OVERLAP = 0.35
MOVED = 8  # pixels


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
        negative: Light is dark in the other one.
        by_itself: The score of the one with itself, moved a little, in the direction in which it
            changes least: a stripe looks the same all along.
    """

    score: float
    whole: float
    worst: float
    overlap: float
    detail: float
    negative: bool = False
    by_itself: float = 0.0


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
    overlay = _overlay(test, train, matrix)
    if overlay is None:
        return NOTHING
    local, strength, powers = _local(overlay.moved, overlay.fixed, overlay.mask)
    negative = bool((overlay.moved * overlay.fixed).sum() < 0)
    detail = float((powers > 2 * NOISE).mean())
    agreed = _summary(local, strength, overlay.overlap, detail)
    return replace(agreed, negative=negative)


def agreement_with_itself(train: Detail) -> float:
    """The score of a picture with itself, moved along its edges: high where it is striped."""
    across = cv2.Sobel(train.values, cv2.CV_32F, 1, 0)
    down = cv2.Sobel(train.values, cv2.CV_32F, 0, 1)
    mixed = float((across * down).sum())
    spread = np.array([[float((across * across).sum()), mixed], [mixed, 0.0]])
    spread[1, 1] = float((down * down).sum())
    _, directions = np.linalg.eigh(spread)
    right, down = MOVED * directions[:, 0]  # the direction in which it changes least
    matrix = np.float32([[1, 0, right], [0, 1, down]])
    return agreement(train, train, matrix).score


@dataclass(frozen=True)
class _Overlay:
    moved: np.ndarray
    fixed: np.ndarray
    mask: np.ndarray
    overlap: float


def _overlay(test: Detail, train: Detail, matrix: np.ndarray) -> _Overlay | None:
    """Both where they show the same; nothing if that is too little."""
    size = (SIDE, SIDE)
    moved_mask = cv2.warpAffine(test.mask, matrix, size, flags=OUTWARDS)
    both = (moved_mask > 0.99) & (train.mask > 0)
    area = int(both.sum())
    zoom = abs(float(np.linalg.det(matrix[:, :2].astype(np.float64))))
    smaller = min(train.mask.sum(), test.mask.sum() / max(zoom, 1e-6))
    overlap = min(1.0, float(area / max(smaller, 1)))
    if overlap < LEAST_OVERLAP or area < SIDE:
        return None
    mask = both.astype(np.float32)
    moved = cv2.warpAffine(test.values, matrix, size, flags=OUTWARDS) * mask
    return _Overlay(moved, train.values * mask, mask, overlap)


def _local(
    moved: np.ndarray, fixed: np.ndarray, mask: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each place: local correlation, strength of the detail, and power of the plainer one."""
    inside = mask[::STEP, ::STEP] > 0
    weight = np.maximum(_places(mask), 1e-3)[inside]
    product = _places(moved * fixed)[inside] / weight
    # Sums that run over the picture may end slightly below 0.
    moved_power = np.maximum(_places(moved * moved)[inside], 0) / weight
    fixed_power = np.maximum(_places(fixed * fixed)[inside], 0) / weight
    if product.sum() < 0:  # one is the other's negative
        product = -product
    local = product / np.sqrt((moved_power + NOISE) * (fixed_power + NOISE))
    strength = np.minimum((moved_power * fixed_power) ** 0.25, PLENTY) + 1e-6
    return local, strength, np.minimum(moved_power, fixed_power)


def _places(values: np.ndarray) -> np.ndarray:
    means = cv2.blur(values, (WINDOW, WINDOW), borderType=cv2.BORDER_CONSTANT)
    return means[::STEP, ::STEP]


def _summary(local: np.ndarray, strength: np.ndarray, overlap: float, detail: float) -> Agreement:
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
