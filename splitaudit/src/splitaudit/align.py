"""Two pictures moved into line: first by a shift in the frequency domain, then by their detail."""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy import fft

from splitaudit.descriptors import Variant
from splitaudit.pictures import SIDE

COARSE = 32  # pixels a side of the pictures that are shifted
PADDED = 40  # with room for shifts, so that what leaves on one side does not enter on the opposite
FURTHEST = 8  # pixels of COARSE
SMOOTHED = 1.0  # pixels of COARSE
NEIGHBOURHOOD = 4.0  # pixels of COARSE that light and shade are taken from
FAINT = 2.0  # grey levels; detail below it counts less
FINE = 64  # pixels a side of the pictures that are moved into line at last
OUTWARDS = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP


def luminance(small: np.ndarray) -> np.ndarray:
    """(side, side) float32."""
    return cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)


def box_mask(box: np.ndarray, side: int = SIDE) -> np.ndarray:
    """(side, side) float32: 1 where the picture lies."""
    mask = np.zeros((SIDE, SIDE), np.float32)
    top, left, height, width = box
    mask[top : top + height, left : left + width] = 1
    if side == SIDE:
        return mask
    return cv2.resize(mask, (side, side), interpolation=cv2.INTER_AREA)


def normalised(small: np.ndarray, box: np.ndarray, side: int) -> np.ndarray:
    """(side, side) float32: light against the neighbourhood, in units of its spread; 0 outside."""
    grey = luminance(small)
    mask = box_mask(box)
    inside = grey[mask > 0].mean()
    grey = np.where(mask > 0, grey, inside)
    if side != SIDE:
        grey = cv2.resize(grey, (side, side), interpolation=cv2.INTER_AREA)
        mask = cv2.resize(mask, (side, side), interpolation=cv2.INTER_AREA)
    scale = side / COARSE
    smooth = cv2.GaussianBlur(grey, (0, 0), SMOOTHED * scale**0.5)
    shade = cv2.GaussianBlur(grey, (0, 0), NEIGHBOURHOOD * scale)
    detail = smooth - shade
    spread = cv2.GaussianBlur(detail * detail, (0, 0), NEIGHBOURHOOD * scale)
    return detail / (np.sqrt(spread) + FAINT) * mask


def affine(variant: Variant, side: int) -> np.ndarray:
    """(2, 3) float32: from places of the original to those of the transformed picture, in pixels."""
    matrix = np.empty((2, 3), np.float32)
    matrix[:, :2] = variant.linear()
    middle = np.array([(side - 1) / 2, (side - 1) / 2])
    shift = np.array([variant.right, variant.down]) * side / 2
    matrix[:, 2] = middle - matrix[:, :2] @ middle + shift
    return matrix


def rescaled(matrix: np.ndarray, factor: float) -> np.ndarray:
    """The same transformation where the pictures have `factor` times as many pixels a side."""
    scaled = matrix.astype(np.float64)
    moved = (1 - scaled[:, :2].sum(1)) * (factor - 1) / 2
    scaled[:, 2] = scaled[:, 2] * factor + moved
    return scaled.astype(np.float32)


def spectra(pictures: np.ndarray) -> np.ndarray:
    """(n, PADDED, PADDED // 2 + 1) complex64 of (n, COARSE, COARSE) pictures of length 1."""
    energy = np.sqrt((pictures * pictures).sum((1, 2), keepdims=True))
    return fft.rfft2(pictures / np.maximum(energy, 1e-6), (PADDED, PADDED))


@dataclass(frozen=True)
class Shifts:
    """The best shift of each of m pairs.

    Args:
        score: (m,) correlation, its sign dropped.
        sign: (m,) -1 where one is the other's negative.
        shift: (m, 2) pixels of COARSE, right and down.
    """

    score: np.ndarray
    sign: np.ndarray
    shift: np.ndarray


def best_shifts(moved: np.ndarray, fixed: np.ndarray) -> Shifts:
    """How far each of (m, ...) spectra has to be moved to look like the fixed one."""
    surface = fft.irfft2(fixed * moved.conj(), (PADDED, PADDED))
    line = np.arange(-FURTHEST, FURTHEST + 1)
    surface = surface[:, line[:, None], line[None, :]].reshape(len(surface), -1)
    place = np.abs(surface).argmax(1)
    value = surface[np.arange(len(surface)), place]
    shift = np.stack([line[place % len(line)], line[place // len(line)]], axis=1)
    return Shifts(np.abs(value), np.where(value < 0, -1, 1), shift)


def refined(
    fixed: np.ndarray,
    moved: np.ndarray,
    matrix: np.ndarray,
    steps: int,
    trusted: np.ndarray | None = None,
) -> tuple[float, np.ndarray]:
    """The correlation and the affine transformation of two pictures that are nearly in line.

    Enhanced correlation coefficient (Evangelidis & Psarakis 2008).

    Args:
        fixed: (side, side) float32.
        moved: The same, of the picture that is moved.
        matrix: (2, 3) float32 from places of `fixed` to those of `moved`.
        steps: Of the iteration, at most.
        trusted: (side, side) uint8, 1 at the places of `fixed` that count; by default all.
    """
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, steps, 1e-4)
    options = (cv2.MOTION_AFFINE, criteria)
    try:
        if trusted is None:
            score, kept = cv2.findTransformECC(fixed, moved, matrix.copy(), *options, None, 1)
        else:  # OpenCV takes a mask of the picture that is moved: they change places
            inverse = cv2.invertAffineTransform(matrix)
            score, kept = cv2.findTransformECC(moved, fixed, inverse, *options, trusted, 1)
            kept = cv2.invertAffineTransform(kept)
    except cv2.error:  # they have nothing in common
        return 0.0, matrix
    if not np.isfinite(kept).all():
        return 0.0, matrix
    return score, kept
