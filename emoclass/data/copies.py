"""Augmented copies found again: turned, moved, zoomed, mirrored, cropped, lighter, blurred; among all pairs.

From coarse to fine, on pictures of 24 pixels a side: each is correlated with all others under a bank of
transformations, the best under a finer bank; the best of these are moved into line by least squares (Baker & Matthews
2004) and compared in full, in their detail: light and shade are much the same in any two faces.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from itertools import product

import cv2
import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

SIDE, FULL = 24, 48  # pixels a side of the pictures that are searched, and of those that decide
WINDOW = 2 / 3  # of the side, in the middle: what lies outside may have been moved out of the other picture
# Cells a side, and transformations: degrees, zoom, right and down (shares of the side), mirrored.
AS_IS = 8, ((0, 1, 0, 0, False),)
COARSE = 8, (*product((-12, -4, 4, 12), (0.94, 1.06), (-0.08, 0, 0.08), (-0.08, 0, 0.08), (False, True)),)
STEPS = (-0.09, -0.045, 0, 0.045, 0.09)
FINE = 12, (*product(range(-15, 16, 5), (0.9, 0.95, 1, 1.05, 1.1), STEPS, STEPS, (False, True)),)
CANDIDATES, ALIGNED = 300, 10  # of each picture: so many are tried under the finer bank, so many of them aligned
BLOCK, CHUNK = 250, 2000  # pictures of the one and of the other collection that are compared at a time
# Correlations below which none is a copy: under the finer bank, of the aligned window, and of the detail as aligned.
WORTH, LIKELY, NEAR = 0.8, 0.9, 0.92
DETAIL = 1 / 40, 1 / 16  # shares of the side: what is finer is noise, what is coarser light and shade
# The least correlation of detail that makes a copy (`find_copies`): chosen on copies of 100 photos and of 260 drawn
# faces. Among FEW pictures nobody can tell how alike strangers are.
SHARE, LEAST, LEAST_OF_FEW, ENOUGH, FEW = 0.3, 0.945, 0.96, 0.975, 1000
STILL = 1.5, 0.02  # degrees and shares: what was moved less is no augmentation


def find_copies(train: np.ndarray, test=None, threshold=None, say=lambda line: None) -> pd.DataFrame:
    """Pairs of (m, size, size) and (n, size, size) uint8 pictures, one made from the other, the most alike first.

    Without `test`, pairs within one collection. Columns: positions `test`, `train`; `kind`, "near-duplicate" where
    little was moved, else "augmented copy"; `correlation` of the detail that both show once aligned.
    threshold    the least correlation that counts. By default it depends on how alike strangers are here: between a
                 picture and its second best, in the median, some is lacking to 1, and SHARE of that may be lacking
                 in a copy; but it lies from LEAST (LEAST_OF_FEW) to ENOUGH
    Costs n x m: 13,681 pictures among themselves take two minutes or three on two cores, 100,000 an hour or two.
    """
    within, test = test is None, train if test is None else test
    if not len(test) or not len(train):
        none = pd.DataFrame({"test": [], "train": [], "kind": [], "correlation": []})
        return none.astype({"test": int, "train": int})
    ours, theirs = (_flat(pictures, SIDE) for pictures in (test, train))
    all_of_ours, all_of_theirs = (_flat(pictures, FULL) for pictures in (test, train))
    compared = (
        all_of_ours.reshape(-1, FULL, FULL),
        np.array([_detail(x) for x in all_of_theirs.reshape(-1, FULL, FULL)]),
    )

    def look(first: int) -> pd.DataFrame:
        rows = np.arange(first, min(first + BLOCK, len(ours)))
        pairs, start = _refined(ours, theirs, rows, best[rows])
        likely, matrix = _aligned(ours, theirs, pairs, start)
        pairs, matrix = pairs[likely >= LIKELY], matrix[likely >= LIKELY]
        correlation = _overlaps(*compared, pairs, matrix)
        near = correlation >= NEAR  # and worth to be moved into line once more, in full size
        _, matrix[near] = _aligned(all_of_ours, all_of_theirs, pairs[near], matrix[near], 0.95, 2)
        correlation[near] = _overlaps(*compared, pairs[near], matrix[near])
        say(f"{rows[-1] + 1:,} of {len(ours):,} pictures compared")
        found = pd.DataFrame(pairs, columns=["test", "train"])
        return found.assign(kind=[_kind(each) for each in matrix], correlation=correlation)

    with threadpool_limits(1), ThreadPoolExecutor(os.cpu_count()) as threads:  # ours, or BLAS has its own in each
        best = _candidates(ours, theirs, within, threads)
        pairs = pd.concat(threads.map(look, range(0, len(ours), BLOCK)), ignore_index=True)
    pairs = pairs.sort_values("correlation", ascending=False)
    if threshold is None:  # drawn faces, or those of one person, are more alike than those of many people
        second = pairs[pairs.groupby("test").cumcount() == 1].set_index("test").correlation
        usual = second.reindex(range(len(test)), fill_value=0).median()
        threshold = np.clip(1 - SHARE * (1 - usual), LEAST_OF_FEW if len(train) < FEW else LEAST, ENOUGH)
    pairs = pairs[pairs.correlation >= threshold]
    if within:
        pairs[["test", "train"]] = np.sort(pairs[["test", "train"]], axis=1)
        pairs = pairs[pairs.test < pairs.train]
    return pairs.drop_duplicates(["test", "train"]).reset_index(drop=True)


def _flat(pictures: np.ndarray, side: int) -> np.ndarray:
    """(n, side²) float32."""
    resized = [cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA) for picture in pictures]
    return np.asarray(resized, np.float32).reshape(-1, side * side)


def _grid(cells: int, window: float = WINDOW) -> np.ndarray:
    """(cells², 3) float32: x and y of places in the window, in half sides from the middle, and 1."""
    line = window * ((np.arange(cells, dtype=np.float32) + 0.5) * 2 / cells - 1)
    x, y = np.meshgrid(line, line)
    return np.stack([x.ravel(), y.ravel(), np.ones(cells**2, np.float32)], axis=1)


def _matrix(degrees, zoom, right, down, mirrored) -> np.ndarray:
    """(2, 3): from a place in the transformed picture to the place of the original that is seen there."""
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / zoom
    turn[0] *= -1 if mirrored else 1
    return np.hstack([turn, -turn @ [[2 * right], [2 * down]]])


def _corners(places: np.ndarray, side: int = SIDE) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of (..., 2) places: the pixel at their upper left, and how far they are to its right and below it."""
    at = np.clip(((places + 1) * side - 1) / 2, 0, side - 1.001)
    corner = at.astype(np.int32)
    x, y = np.moveaxis((at - corner).astype(np.float32), -1, 0)
    return corner[..., 1] * side + corner[..., 0], x, y


@cache
def _sampler(cells: int, bank: tuple) -> csr_array:
    """(transformations x cells², SIDE²): takes bilinear samples of the window under each transformation."""
    places = np.concatenate([_grid(cells) @ _matrix(*how).T for how in bank])
    corner, x, y = _corners(places)
    weights = np.stack([(1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y], axis=1)
    columns = corner[:, None] + np.array([0, 1, SIDE, SIDE + 1])
    rows = np.arange(0, columns.size + 1, 4)
    return csr_array((weights.ravel(), columns.ravel(), rows), shape=(len(places), SIDE * SIDE))


def _seen(pictures: np.ndarray, cells: int, bank: tuple) -> np.ndarray:
    """(transformations, n, cells²) float32: the window of each picture under each transformation, of length 1."""
    values = (_sampler(cells, bank) @ pictures.T).reshape(len(bank), cells**2, len(pictures))
    return np.ascontiguousarray(_unit(values, axis=1).transpose(0, 2, 1))


def _unit(values: np.ndarray, axis: int = -1) -> np.ndarray:
    """The same with mean 0 and length 1 along an axis."""
    values = values - values.mean(axis, keepdims=True)
    return values / np.maximum(np.sqrt((values**2).sum(axis, keepdims=True)), 1e-6)


def _candidates(ours: np.ndarray, theirs: np.ndarray, within: bool, threads: ThreadPoolExecutor) -> np.ndarray:
    """(n, at most CANDIDATES) positions of those of theirs that are most like ours under the coarse bank."""
    as_is = _seen(ours, *AS_IS)[0]
    some, scores = np.zeros((len(ours), 0), np.int32), np.zeros((len(ours), 0), np.float32)

    def best(chunk: int, bank: np.ndarray, first: int):
        block, rows = as_is[first : first + BLOCK], slice(first, first + BLOCK)
        most = block @ bank[0].T
        for seen in bank[1:]:
            np.maximum(most, block @ seen.T, out=most)
        if within:
            own = np.arange(first, first + len(block)) - chunk
            here = (own >= 0) & (own < most.shape[1])
            most[np.flatnonzero(here), own[here]] = -1
        place = np.broadcast_to(np.arange(chunk, chunk + most.shape[1], dtype=np.int32), most.shape)
        place, most = np.hstack([some[rows], place]), np.hstack([scores[rows], most])
        top = np.argpartition(-most, min(CANDIDATES, most.shape[1]) - 1, axis=1)[:, :CANDIDATES]
        return np.take_along_axis(place, top, axis=1), np.take_along_axis(most, top, axis=1)

    for chunk in range(0, len(theirs), CHUNK):
        bank = _seen(theirs[chunk : chunk + CHUNK], *COARSE)
        found = list(threads.map(partial(best, chunk, bank), range(0, len(ours), BLOCK)))
        some, scores = (np.concatenate(parts) for parts in zip(*found))
    return some


def _refined(ours: np.ndarray, theirs: np.ndarray, rows: np.ndarray, best: np.ndarray):
    """The ALIGNED best pairs of each row under the fine bank, (p, 2), and from where to align them, (p, 2, 3)."""
    pairs, start = [], []
    for row, candidates in zip(rows, best):
        plain = _seen(theirs[candidates], FINE[0], AS_IS[1])[0]
        scores = _seen(ours[row : row + 1], *FINE)[:, 0] @ plain.T
        for k in np.argsort(-scores.max(0))[:ALIGNED]:
            if scores[:, k].max() >= WORTH:
                pairs.append((row, candidates[k]))
                start.append(_matrix(*FINE[1][scores[:, k].argmax()]))
    return np.array(pairs, int).reshape(-1, 2), np.array(start, np.float32).reshape(-1, 2, 3)


def _aligned(ours, theirs, pairs, matrix, window: float = WINDOW, steps: int = 4):
    """(p,) highest correlation of the window, and the affine (p, 2, 3) from theirs to ours that it goes with."""
    grid = _grid(12 if window == WINDOW else 24, window)
    wanted = _unit(_sampled(theirs, pairs[:, 1], np.broadcast_to(grid[:, :2], (len(pairs), len(grid), 2)))[0])
    best, kept = np.full(len(pairs), -1, np.float32), matrix.copy()
    for _ in range(steps + 1):
        values, slope = _sampled(ours, pairs[:, 0], grid @ matrix.transpose(0, 2, 1))
        values -= values.mean(1, keepdims=True)
        length = np.maximum(np.sqrt((values**2).sum(1)), 1e-6)[:, None]
        values /= length
        correlation = (values * wanted).sum(1)
        better = correlation > best
        best[better], kept[better] = correlation[better], matrix[better]
        # How the normalised window changes with the matrix, and the Gauss-Newton step to what is wanted.
        change = (slope[..., None] * grid[:, None, :]).reshape(len(pairs), len(grid), 6) / length[..., None]
        change -= change.mean(1, keepdims=True)
        change -= values[..., None] * np.einsum("pk,pkj->pj", values, change)[:, None]
        normal = np.einsum("pki,pkj->pij", change, change) + 1e-4 * np.eye(6, dtype=np.float32)
        towards = np.einsum("pkj,pk->pj", change, wanted - values)
        matrix = matrix + np.linalg.solve(normal, towards[..., None]).reshape(-1, 2, 3)
    return best, kept


def _sampled(pictures: np.ndarray, rows: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(p, k) values of pictures[rows] at (p, k, 2) places, and (p, k, 2) how they change to the right and down."""
    side = round(np.sqrt(pictures.shape[1]))
    corner, x, y = _corners(places, side)
    at, flat = rows[:, None] * side * side + corner, pictures.reshape(-1)
    a, b, c, d = (flat[at + step] for step in (0, 1, side, side + 1))
    slope = np.stack([(1 - y) * (b - a) + y * (d - c), (1 - x) * (c - a) + x * (d - b)], axis=-1)
    return a + x * (b - a) + y * (c - a) + x * y * (a - b - c + d), slope * side / 2


def _overlaps(ours, theirs, pairs, matrix) -> np.ndarray:
    return np.array([_overlap(ours[one], theirs[other], how) for (one, other), how in zip(pairs, matrix)])


def _overlap(one: np.ndarray, other: np.ndarray, matrix: np.ndarray) -> float:
    """Correlation of a picture's detail, moved into line, with that of another, where both show the same."""
    size = len(other)
    pixels = matrix.astype(np.float64)
    pixels[:, 2] = ((pixels[:, :2].sum(1) * (1 / size - 1) + pixels[:, 2] + 1) * size - 1) / 2
    how = dict(dsize=(size, size), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    moved = cv2.warpAffine(one, pixels, borderMode=cv2.BORDER_REPLICATE, **how)
    inside = cv2.warpAffine(np.ones_like(one), pixels, **how)
    moved, edge = _detail(moved), round(size / 24)  # blurred with what lies outside
    both = cv2.erode((inside > 0.99).astype(np.uint8), np.ones((2 * edge + 1, 2 * edge + 1)), borderValue=0) > 0
    moved, other = moved[both], other[both]
    return float(_unit(moved) @ _unit(other)) if both.mean() > 0.3 else 0.0


def _detail(picture: np.ndarray) -> np.ndarray:
    fine, coarse = (cv2.GaussianBlur(picture, (0, 0), len(picture) * width) for width in DETAIL)
    return fine - coarse


def _kind(matrix: np.ndarray) -> str:
    turn, shift = matrix[:, :2], np.abs(matrix[:, 2]).max() / 2
    degrees = np.rad2deg(np.arctan2(turn[1, 0], turn[1, 1]))
    zoomed = np.abs(np.linalg.svd(turn, compute_uv=False) - 1).max()
    still = abs(degrees) < STILL[0] and max(shift, zoomed / 2) < STILL[1] and np.linalg.det(turn) > 0
    return "near-duplicate" if still else "augmented copy"
