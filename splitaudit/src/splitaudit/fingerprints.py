"""Short fingerprints, learned on the collection at hand: alike for copies, unlike for strangers.

A linear discriminant analysis (Fisher 1936) in which every picture is a class of its own: the
spread within is that between drawn copies and their originals, the spread between is that of the
pictures.
"""

from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from splitaudit.bank import variants
from splitaudit.config import SearchConfig
from splitaudit.descriptors import LENGTH, edge_harmonics, variant_map
from splitaudit.drawn_copies import draw_copy
from splitaudit.pictures import Pictures

CHUNK = 500  # pictures that one thread describes at a time
SHRINKAGE = 0.1  # of the spread within towards its mean, as in Ledoit & Wolf 2004


@dataclass(frozen=True)
class Projection:
    """From descriptors to fingerprints.

    Args:
        middle: (LENGTH,) mean descriptor.
        axes: (LENGTH, dimensions).
    """

    middle: np.ndarray
    axes: np.ndarray

    def fingerprints(self, descriptors: np.ndarray) -> np.ndarray:
        """(n, dimensions) float32 of length 1, from (n, LENGTH) descriptors."""
        return _unit((descriptors - self.middle) @ self.axes)


def _unit(values: np.ndarray) -> np.ndarray:
    length = np.sqrt((values * values).sum(1, keepdims=True))
    return (values / np.maximum(length, 1e-6)).astype(np.float32)


def describe(pictures: Pictures, threads: Executor) -> np.ndarray:
    """(n, LENGTH) float32 descriptors."""
    descriptors = np.empty((len(pictures), LENGTH), np.float32)

    def fill(first: int) -> None:
        for k in range(first, min(first + CHUNK, len(pictures))):
            descriptors[k] = edge_harmonics(pictures.small[k], pictures.boxes[k])

    list(threads.map(fill, range(0, len(pictures), CHUNK)))
    return descriptors


def learn_projection(
    pictures: Pictures, descriptors: np.ndarray, config: SearchConfig
) -> Projection:
    """Learns on some of the pictures, and copies drawn of them, what tells strangers apart."""
    rng = np.random.default_rng(config.seed)
    number = min(len(pictures), config.learned_from)
    chosen = rng.permutation(len(pictures))[:number]
    tried = variants()
    changes = []
    for k in chosen:
        for _ in range(config.copies_each):
            variant = tried[rng.integers(len(tried))]
            copy, box = draw_copy(pictures.small[k], pictures.boxes[k], variant, rng)
            changes.append((variant, edge_harmonics(copy, box), descriptors[k]))
    middle = descriptors.mean(0)
    differences = _differences(changes, middle)
    within = _shrunk(differences.T @ differences / len(differences))
    sample = descriptors[rng.permutation(len(pictures))[: 10 * LENGTH]] - middle
    between = sample.T @ sample / len(sample)
    spread, directions = np.linalg.eigh(within)
    whitening = directions / np.sqrt(spread)
    variance, leading = np.linalg.eigh(whitening.T @ between @ whitening)
    kept = np.argsort(-variance)[: config.dimensions]
    axes = (whitening @ leading[:, kept]).astype(np.float32)
    return Projection(middle.astype(np.float32), axes)


def _differences(changes: list, middle) -> np.ndarray:
    """(m, LENGTH): what is left between copies, turned back, and their originals."""
    by_variant = {}
    for variant, copy, original in changes:
        by_variant.setdefault(variant, []).append((copy, original))
    left = []
    for variant, pairs in by_variant.items():
        copies = np.array([copy for copy, _ in pairs])
        originals = np.array([original for _, original in pairs])
        moved = variant_map(variant)
        unseen = (1 - moved.coverage()) * middle
        left.append(moved.originals(copies) + unseen - originals)
    return np.concatenate(left).astype(np.float64)


def _shrunk(spread: np.ndarray) -> np.ndarray:
    usual = np.trace(spread) / len(spread)
    return (1 - SHRINKAGE) * spread + SHRINKAGE * usual * np.eye(len(spread))
