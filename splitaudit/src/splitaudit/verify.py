"""One picture against its candidates: shifted, moved into line, and compared in full."""

from concurrent.futures import Executor
from dataclasses import dataclass, replace

import cv2
import numpy as np

from splitaudit.agreement import (
    NOTHING,
    Agreement,
    agreeing,
    agreement,
    agreement_with_itself,
    detail_of,
)
from splitaudit.align import (
    COARSE,
    FINE,
    OUTWARDS,
    affine,
    best_shifts,
    normalised,
    refined,
    rescaled,
    spectra,
)
from splitaudit.config import SearchConfig
from splitaudit.descriptors import Variant
from splitaudit.pictures import SIDE, Pictures

COARSE_STEPS = 10  # of alignment
FINE_STEPS = 12
COARSE_WINDOW = 7  # pixels a side of a place, of COARSE
FINE_WINDOW = 13  # of FINE
AGREES = 0.3  # local correlation of places that the last alignment trusts
UNSURE = (0.5, 0.95)  # agreement within which it is tried again, by the places that agree
RETRIES = 3
ELONGATED = 0.6  # height against width, or the reverse
WORTH_A_LOOK = 0.8  # agreement from which a pair is examined further
ZOOMED = 2.0  # at most
STRETCHED = 1.6  # one direction against the other, at most
CHUNK = 500  # pictures that a thread prepares at a time
SURE_COARSELY = 0.8  # agreement of small pictures that need no second try
SCALE = 32.0  # of the values that are kept in a byte: normalised light rarely exceeds 4


@dataclass(frozen=True)
class Compared:
    """A picture and one of its candidates, in line.

    Args:
        train: Number of the candidate.
        agreement: How well they agree.
        matrix: (2, 3) from places in train to places in test, in pixels of the small pictures.
    """

    train: int
    agreement: Agreement
    matrix: np.ndarray


class Gallery:
    """The pictures that candidates come from, prepared once."""

    def __init__(self, pictures: Pictures, variants: list[Variant], threads: Executor):
        self.pictures = pictures
        self.coarse = np.empty((len(pictures), COARSE, COARSE), np.int8)
        list(threads.map(self._fill, range(0, len(pictures), CHUNK)))
        self.matrices = []
        for variant in variants:
            self.matrices.append(affine(variant, COARSE))

    def _fill(self, first: int) -> None:
        pictures = self.pictures
        for k in range(first, min(first + CHUNK, len(pictures))):
            values = normalised(pictures.small[k], pictures.boxes[k], COARSE) * SCALE
            self.coarse[k] = values.clip(-127, 127).astype(np.int8)

    def coarse_picture(self, k: int) -> np.ndarray:
        return self.coarse[k].astype(np.float32) / SCALE

    def fine_picture(self, k: int) -> np.ndarray:
        return normalised(self.pictures.small[k], self.pictures.boxes[k], FINE)


@dataclass(frozen=True)
class _Start:
    train: int
    score: float
    sign: float
    matrix: np.ndarray


def compare(
    small: np.ndarray,
    box: np.ndarray,
    gallery: Gallery,
    candidates: np.ndarray,
    variants: np.ndarray,
    config: SearchConfig,
) -> list[Compared]:
    """Compares one picture with its candidates, the most alike first.

    Args:
        small: (SIDE, SIDE, 3) uint8, letterboxed.
        box: (4,) where the picture lies in it.
        candidates: (c,) numbers of pictures in the gallery.
        variants: (c,) how the picture seems to be transformed from each.
    """
    coarse = normalised(small, box, COARSE)
    starts = _shifted(coarse, gallery, candidates, variants, config)
    if box[2:].min() < ELONGATED * SIDE:  # too few pixels across to be moved into line coarsely
        return _finely(small, box, gallery, starts[: config.compared])
    aligned = []
    for start in starts:
        aligned.append(_coarsely(coarse * start.sign, gallery, start))
    aligned.sort(key=lambda start: -start.score)
    return _finely(small, box, gallery, _worthwhile(aligned, config))


def _shifted(
    coarse: np.ndarray,
    gallery: Gallery,
    candidates: np.ndarray,
    variants: np.ndarray,
    config: SearchConfig,
) -> list[_Start]:
    """The candidates that are most alike once shifted."""
    tried, where = np.unique(variants, return_inverse=True)
    warped = np.empty((len(tried), COARSE, COARSE), np.float32)
    for k, variant in enumerate(tried):
        matrix = gallery.matrices[variant]
        warped[k] = cv2.warpAffine(coarse, matrix, (COARSE, COARSE), flags=OUTWARDS)
    fixed = spectra(gallery.coarse[candidates].astype(np.float32))
    found = best_shifts(spectra(warped)[where], fixed)
    starts = []
    for k in np.argsort(-found.score)[: config.aligned]:
        matrix = gallery.matrices[variants[k]].copy()
        matrix[:, 2] -= matrix[:, :2] @ found.shift[k]
        sign = np.float32(found.sign[k])
        starts.append(_Start(int(candidates[k]), float(found.score[k]), sign, matrix))
    return starts


def _coarsely(moving: np.ndarray, gallery: Gallery, start: _Start) -> _Start:
    """Moved into line, by all places or by those that agree from the start, as is better."""
    fixed = gallery.coarse_picture(start.train)
    _, matrix = refined(fixed, moving, start.matrix, COARSE_STEPS)
    score = _coarse_score(moving, fixed, matrix)
    if score < SURE_COARSELY:
        again = _without_what_disagrees(fixed, moving, start.matrix, COARSE_WINDOW)
        better = _coarse_score(moving, fixed, again)
        if better > score:
            score = better
            matrix = again
    return _Start(start.train, score, start.sign, matrix)


def _coarse_score(coarse: np.ndarray, fixed: np.ndarray, matrix: np.ndarray) -> float:
    """Mean local correlation of the three quarters of the overlap that agree best."""
    moved = cv2.warpAffine(coarse, matrix, (COARSE, COARSE), flags=OUTWARDS)
    local = agreeing(moved, fixed, COARSE_WINDOW)
    shown = local[moved != 0]
    if shown.size < COARSE * COARSE / 4:
        return 0.0
    least = shown.size // 4
    return float(np.partition(shown, least)[least:].mean())


def _worthwhile(aligned: list[_Start], config: SearchConfig) -> list[_Start]:
    """The best few, and more only if they are nearly as good as the best."""
    kept = aligned[: config.compared]
    for start in aligned[config.compared :]:
        if start.score >= max(config.as_good, kept[0].score - config.nearly):
            kept.append(start)
    return kept


def _finely(
    small: np.ndarray, box: np.ndarray, gallery: Gallery, starts: list[_Start]
) -> list[Compared]:
    fine = normalised(small, box, FINE)
    detail = detail_of(small, box)
    pictures = gallery.pictures
    found = []
    for start in starts:
        fixed = gallery.fine_picture(start.train)
        theirs = detail_of(pictures.small[start.train], pictures.boxes[start.train])
        matrix = rescaled(start.matrix, FINE / COARSE)
        _, matrix = refined(fixed, fine * start.sign, matrix, FINE_STEPS)
        best = rescaled(matrix, SIDE / FINE)
        agreed = agreement(detail, theirs, best)
        for _ in range(RETRIES):
            if not UNSURE[0] < agreed.score < UNSURE[1]:
                break
            matrix = _without_what_disagrees(fixed, fine * start.sign, matrix, FINE_WINDOW)
            again = rescaled(matrix, SIDE / FINE)
            better = agreement(detail, theirs, again)
            if better.score <= agreed.score:
                break
            agreed = better
            best = again
        if not plausible(best):
            continue
        if agreed.score > WORTH_A_LOOK:
            agreed = replace(agreed, by_itself=agreement_with_itself(theirs))
        if agreed is not NOTHING:
            found.append(Compared(start.train, agreed, best))
    found.sort(key=lambda compared: -compared.agreement.score)
    return found


def plausible(matrix: np.ndarray) -> bool:
    """Nobody zooms or stretches a picture further than this."""
    stretch = np.linalg.svd(matrix[:, :2].astype(np.float64), compute_uv=False)
    if stretch[0] > ZOOMED or stretch[1] < 1 / ZOOMED:
        return False
    return bool(stretch[0] <= STRETCHED * stretch[1])


def _without_what_disagrees(
    fixed: np.ndarray, moving: np.ndarray, matrix: np.ndarray, window: int
) -> np.ndarray:
    """Moves into line by those places alone that agree already: not by a pasted mask."""
    moved = cv2.warpAffine(moving, matrix, fixed.shape, flags=OUTWARDS)
    trusted = agreeing(moved, fixed, window) > AGREES
    if trusted.mean() < 0.2:
        return matrix
    _, again = refined(fixed, moving, matrix, FINE_STEPS, trusted.astype(np.uint8))
    return again
