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

from emoclass.data.near_duplicates import GREY_LEVELS

SIDE, FULL = 24, 48  # pixels a side of the pictures that are searched, and of those that decide
WINDOW = (
    2 / 3
)  # of the side, in the middle: what lies outside may have been moved out of the other picture
# Of each picture: how many are tried finely, and aligned, at least and of how many one; how many are compared in full.
CANDIDATES, ALIGNED, COMPARED = (600, 10), (36, 250), 5
MANY = (
    10_000  # pictures to look for: of more, half of the least are tried and aligned, to save time
)
# Cells a side, degrees, zooms, and two grids of shifts (`_bank`).
COARSE = 8, (-12, -4, 4, 12), (0.86, 0.96, 1.07, 1.19), (-0.08, 0, 0.08), (-0.04, 0.04)
SHIFTS = (-0.075, -0.025, 0.025, 0.075), (-0.1, -0.05, 0, 0.05, 0.1)
FINE = 12, (-15, -9, -3, 3, 9, 15), (0.84, 0.92, 1, 1.09, 1.19), *SHIFTS
AS_IS = (
    (0,),
    (1,),
    (0,),
)  # with as many cells as the bank that it is compared with; its mirror image is second
BLOCK, CHUNK = (
    250,
    2000,
)  # pictures of the one and of the other collection that are compared at a time; a multiple
AT_ONCE = 64  # blocks of 2 MB
FEW_AT_A_TIME = (
    50  # pictures whose candidates are tried finely and aligned: a tenth faster than BLOCK of them
)
# Correlations below which none is a copy: under the finer bank, of the aligned window, and of the detail as aligned.
WORTH, LIKELY, NEAR = 0.8, 0.9, 0.92
DETAIL = (
    1 / 28,
    1 / 14,
)  # shares of the side: what is finer is noise, what is coarser light and shade
# The least correlation of detail that makes a copy (`find_copies`): chosen on copies of 150 photos and on drawn faces.
# Among FEW pictures nobody can tell how alike strangers are.
SHARE, STRANGERS, LEAST, LEAST_OF_FEW, FEW = 0.27, 0.975, 0.968, 0.98, 1000
NEARER = 0.5  # of what the second closest differs in, in the median, near-duplicates differ in less
STILL = 1.5, 0.02  # degrees and shares: what was moved less is no augmentation
SURE = 0.995  # in detail, one picture moved; stills of one scene differ in more, however near in grey levels


def find_copies(train: np.ndarray, test=None, say=lambda line: None) -> pd.DataFrame:
    """Pairs of (m, size, size) and (n, size, size) uint8 pictures, one made from the other, the most alike first.

    Without `test`, pairs within one collection. Columns: positions `test`, `train`; `kind`, "near-duplicate" where
    little was moved or the pixels differ little (GREY_LEVELS, NEARER, unless SURE), else "augmented copy";
    `correlation` of the detail that both show once aligned.
    How much has to correlate depends on how alike strangers are here.
    Costs n x m: 13,681 pictures among themselves took 60 and 94 s on two cores of two kinds.
    """
    within, test = test is None, train if test is None else test
    if not len(test) or not len(train):
        types = {"test": int, "train": int, "kind": str, "correlation": float}
        return pd.DataFrame(columns=[*types]).astype(types)
    ours, theirs = (_flat(pictures, SIDE) for pictures in (test, train))
    large = [_flat(pictures, FULL) for pictures in (test, train)]
    few, n = len(test) <= MANY, len(train)
    tried, aligned = (
        max(least, n // one_in) if few else least // 2 for least, one_in in (CANDIDATES, ALIGNED)
    )
    detail = np.array([_detail(picture) for picture in large[1].reshape(-1, FULL, FULL)])

    def judged(pairs: np.ndarray, matrix: np.ndarray) -> pd.DataFrame:
        correlation = _overlaps(large[0], detail, pairs, matrix)
        near = correlation >= NEAR  # and worth to be moved into line once more, in full size
        _, matrix[near] = _aligned(*large, pairs[near], matrix[near], 0.95, 2)
        correlation[near] = _overlaps(large[0], detail, pairs[near], matrix[near])
        found = pd.DataFrame(pairs, columns=["test", "train"])
        return found.assign(kind=[_kind(each) for each in matrix], correlation=correlation)

    def look(first: int) -> tuple[pd.DataFrame, pd.DataFrame]:
        rows = np.arange(first, min(first + FEW_AT_A_TIME, len(ours)))
        pairs, start, close = _refined(large, ours, plain, rows, best[rows], aligned)
        likely, matrix = _aligned(ours, theirs, pairs, start, steps=2)
        most = (
            pd.Series(likely).groupby(pairs[:, 0]).rank(ascending=False, method="first").to_numpy()
        )
        few = (most <= COMPARED) & (likely >= LIKELY)
        _, matrix = _aligned(ours, theirs, pairs[few], matrix[few])
        say(f"{rows[-1] + 1:,} of {len(ours):,} pictures compared")
        return judged(pairs[few], matrix), close

    with (
        threadpool_limits(1),
        ThreadPoolExecutor(os.cpu_count()) as threads,
    ):  # ours, or BLAS has its own in each
        best = _candidates(ours, theirs, tried, within, threads)
        plain = _seen(theirs, FINE[0], *AS_IS)[0]
        pairs, close = (
            pd.concat(x) for x in zip(*threads.map(look, range(0, len(ours), FEW_AT_A_TIME)))
        )
    pairs = pairs.sort_values("correlation", ascending=False).drop_duplicates(
        ["test", "train"]
    )  # of two, the better
    second = close.sort_values("grey_levels").groupby("test").grey_levels.nth(1)
    close = close[close.grey_levels <= min(GREY_LEVELS, NEARER * second.median())]
    start = np.tile(np.eye(2, 3, dtype=np.float32), (len(close), 1, 1))
    close = judged(close[["test", "train"]].to_numpy(), start).assign(kind="near-duplicate")
    # Drawn faces, or those of one person, are more alike than those of many people: of what is lacking to 1 between a
    # picture and the most alike that is none of its copies, in the median, SHARE may be lacking in a copy.
    stranger = pairs[pairs.correlation < STRANGERS].groupby("test").correlation.max()
    usual = stranger.reindex(range(len(test)), fill_value=0).median()
    pairs = pairs[
        pairs.correlation >= max(LEAST_OF_FEW if n < FEW else LEAST, 1 - SHARE * (1 - usual))
    ]
    pairs = pd.concat(
        [pairs[pairs.correlation >= SURE], close, pairs]
    )  # the first of a pair tells its kind
    if within:
        pairs[["test", "train"]] = np.sort(pairs[["test", "train"]], axis=1)
    return pairs.drop_duplicates(["test", "train"]).sort_values(
        "correlation", ascending=False, ignore_index=True
    )


def _flat(pictures: np.ndarray, side: int) -> np.ndarray:
    """(n, side²) float32."""
    resized = [
        cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA) for picture in pictures
    ]
    return np.asarray(resized, np.float32).reshape(-1, side * side)


def _grid(cells: int, window: float = WINDOW) -> np.ndarray:
    """(cells², 3) float32: x and y of places in the window, in half sides from the middle, and 1."""
    line = window * ((np.arange(cells, dtype=np.float32) + 0.5) * 2 / cells - 1)
    x, y = np.meshgrid(line, line)
    return np.stack([x.ravel(), y.ravel(), np.ones(cells**2, np.float32)], axis=1)


def _corners(places: np.ndarray, side: int = SIDE) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of (..., 2) places: the pixel at their upper left, and how far they are to its right and below it."""
    at = np.clip(((places + 1) * side - 1) / 2, 0, side - 1.001)
    corner = at.astype(np.int32)
    x, y = np.moveaxis((at - corner).astype(np.float32), -1, 0)
    return corner[..., 1] * side + corner[..., 0], x, y


@cache
def _bank(cells: int, turns: tuple, zooms: tuple, *shifts: tuple) -> tuple[csr_array, np.ndarray]:
    """(k x cells², SIDE²): takes bilinear samples of the window under k transformations; and (k, 2, 3) float32 those.

    A transformation leads from a place in the transformed picture to the place of the original that is seen there:
    turned by degrees, zoomed, moved right and down (shares of the side), as it is and then mirrored.
    Neighbours in turn and zoom take one and the other of two grids of shifts: with as many points, none in between is
    as far from the next as in one grid (a body-centred lattice).
    """
    matrices = []
    for (i, angle), (j, zoom) in product(enumerate(np.deg2rad(turns)), enumerate(zooms)):
        steps = shifts[(i + j) % 2]
        for right, down, sign in product(steps, steps, (1, -1)):
            turn = (
                np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / zoom
            )
            turn[0] *= sign
            matrices.append(np.hstack([turn, -turn @ [[2 * right], [2 * down]]]))
    corner, x, y = _corners(np.concatenate([_grid(cells) @ each.T for each in matrices]))
    weights = np.stack([(1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y], axis=1)
    columns = corner[:, None] + np.array([0, 1, SIDE, SIDE + 1])
    rows = np.arange(0, columns.size + 1, 4)
    sampler = csr_array((weights.ravel(), columns.ravel(), rows), shape=(len(columns), SIDE * SIDE))
    return sampler, np.array(matrices, np.float32)


def _seen(pictures: np.ndarray, cells: int, *bank: tuple) -> np.ndarray:
    """(k, n, cells²) float32: the window of each picture under k transformations, of length 1."""
    values = (_bank(cells, *bank)[0] @ pictures.T).reshape(-1, cells**2, len(pictures))
    return np.ascontiguousarray(_unit(values, axis=1).transpose(0, 2, 1))


def _unit(values: np.ndarray, axis: int = -1) -> np.ndarray:
    """The same with mean 0 and length 1 along an axis."""
    values = values - values.mean(axis, keepdims=True)
    return values / np.maximum(np.sqrt((values**2).sum(axis, keepdims=True)), 1e-6)


def _candidates(
    ours: np.ndarray, theirs: np.ndarray, tried: int, within: bool, threads
) -> np.ndarray:
    """(n, tried) positions of those of theirs that are most like ours under the coarse bank; -1 where none is."""
    as_is = _seen(ours, COARSE[0], *AS_IS)[0]
    best = np.full((len(ours), tried), -1, np.int32)
    scores = np.full(best.shape, -2, np.float32)

    def compare(bank: np.ndarray, first: int) -> np.ndarray:
        block = as_is[first : first + BLOCK]
        most = block @ bank[0].T
        for seen in bank[1:]:
            np.maximum(most, block @ seen.T, out=most)
        return most

    def add(rows: np.ndarray, columns: np.ndarray, found: np.ndarray) -> None:
        places = np.hstack([best[rows], np.broadcast_to(columns, found.shape)])
        found = np.hstack([scores[rows], found])
        top = np.argpartition(-found, tried - 1, axis=1)[:, :tried]
        best[rows], scores[rows] = (
            np.take_along_axis(each, top, axis=1) for each in (places, found)
        )

    for chunk in range(0, len(theirs), CHUNK):
        bank = _seen(theirs[chunk : chunk + CHUNK], *COARSE)
        columns = np.arange(chunk, chunk + bank.shape[1])
        end = min(len(ours), chunk + CHUNK) if within else len(ours)
        for start in range(0, end, AT_ONCE * BLOCK):  # what is compared waits in memory to be added
            blocks = range(start, min(end, start + AT_ONCE * BLOCK), BLOCK)
            for first, most in zip(blocks, threads.map(partial(compare, bank), blocks)):
                rows = np.arange(first, first + len(most))
                if within:
                    most[rows[:, None] == columns] = -2
                add(rows, columns, most)
                if (
                    within and first + BLOCK <= chunk
                ):  # the bank goes both ways: those pairs are not compared again
                    add(columns, rows, most.T)
    return np.where(scores > -2, best, -1)


def _refined(
    large, ours: np.ndarray, plain: np.ndarray, rows: np.ndarray, best: np.ndarray, aligned: int
):
    """The `aligned` best pairs of each row under the fine bank, (p, 2), and from where to align them, (p, 2, 3).

    And of each row those candidates that are most alike as they are: how many `grey_levels` apart, means off.
    plain    (m, cells²) windows of theirs as they are, of length 1
    """
    sampler, matrices = _bank(*FINE)
    pairs, start, closest = [], [], []
    for row, window, candidates in zip(rows, _seen(ours[rows], FINE[0], *AS_IS)[0], best):
        candidates = candidates[candidates >= 0]
        close = candidates[np.argsort(-(plain[candidates] @ window))[: 2 * COMPARED]]
        apart = large[0][row] - large[1][close]
        levels = np.abs(apart - apart.mean(1, keepdims=True)).mean(1)
        flat = (
            np.abs(large[0][row] - large[0][row].mean()).mean() < GREY_LEVELS
        )  # and like any other that is
        closest.append(
            pd.DataFrame({"test": row, "train": close, "grey_levels": np.inf if flat else levels})
        )
        values = (sampler @ (ours[row] - ours[row].mean())).reshape(-1, len(window))
        values /= np.sqrt(np.maximum((values**2).sum(1) - values.sum(1) ** 2 / len(window), 1e-6))[
            :, None
        ]
        scores = values @ plain[candidates].T
        scores = scores.reshape(
            len(matrices) // 2, -1
        )  # a face is much like its mirror image: both are tried
        most = scores.max(0)
        for k in np.argsort(-most)[:aligned]:
            if most[k] >= WORTH:
                pairs.append((row, candidates[k % len(candidates)]))
                start.append(2 * scores[:, k].argmax() + k // len(candidates))
    return np.array(pairs, int).reshape(-1, 2), matrices[np.array(start, int)], pd.concat(closest)


def _aligned(ours, theirs, pairs, matrix, window: float = WINDOW, steps: int = 4):
    """(p,) highest correlation of the window, and the affine (p, 2, 3) from theirs to ours that it goes with."""
    grid = _grid(12 if window == WINDOW else 24, window)
    wanted = _unit(
        _sampled(theirs, pairs[:, 1], np.broadcast_to(grid[:, :2], (len(pairs), len(grid), 2)))[0]
    )
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
        change = (slope[..., None] * grid[:, None, :]).reshape(len(pairs), len(grid), 6) / length[
            ..., None
        ]
        change -= change.mean(1, keepdims=True)
        change -= values[..., None] * (values[:, None] @ change)
        across = change.swapaxes(1, 2)
        normal = across @ change + 1e-4 * np.eye(6, dtype=np.float32)
        matrix = matrix + np.linalg.solve(normal, across @ (wanted - values)[..., None]).reshape(
            -1, 2, 3
        )
    return best, kept


def _sampled(
    pictures: np.ndarray, rows: np.ndarray, places: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(p, k) values of pictures[rows] at (p, k, 2) places, and (p, k, 2) how they change to the right and down."""
    side = round(np.sqrt(pictures.shape[1]))
    corner, x, y = _corners(places, side)
    at, flat = rows[:, None] * side * side + corner, pictures.reshape(-1)
    a, b, c, d = (flat[at + step] for step in (0, 1, side, side + 1))
    slope = np.stack([(1 - y) * (b - a) + y * (d - c), (1 - x) * (c - a) + x * (d - b)], axis=-1)
    return a + x * (b - a) + y * (c - a) + x * y * (a - b - c + d), slope * side / 2


def _overlaps(
    ours: np.ndarray, detail: np.ndarray, pairs: np.ndarray, matrices: np.ndarray
) -> np.ndarray:
    """(p,) correlations of a picture's detail, moved into line, with that of another, where both show the same."""
    found, how = [], dict(dsize=(FULL, FULL), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    edge = round(FULL / 24)  # blurred with what lies outside
    for (one, other), matrix in zip(pairs, matrices):
        pixels = matrix.astype(np.float64)
        pixels[:, 2] = ((pixels[:, :2].sum(1) * (1 / FULL - 1) + pixels[:, 2] + 1) * FULL - 1) / 2
        moved = _detail(
            cv2.warpAffine(
                ours[one].reshape(FULL, FULL), pixels, borderMode=cv2.BORDER_REPLICATE, **how
            )
        )
        inside = cv2.warpAffine(np.ones_like(moved), pixels, **how) > 0.99
        both = (
            cv2.erode(inside.astype(np.uint8), np.ones((2 * edge + 1, 2 * edge + 1)), borderValue=0)
            > 0
        )
        found.append(_unit(moved[both]) @ _unit(detail[other][both]) if both.mean() > 0.3 else 0)
    return np.array(found, float)


def _detail(picture: np.ndarray) -> np.ndarray:
    fine, coarse = (cv2.GaussianBlur(picture, (0, 0), len(picture) * width) for width in DETAIL)
    return fine - coarse


def _kind(matrix: np.ndarray) -> str:
    turn, shift = matrix[:, :2], np.abs(matrix[:, 2]).max() / 2
    degrees = np.rad2deg(np.arctan2(turn[1, 0], turn[1, 1]))
    zoomed = np.abs(np.linalg.svd(turn, compute_uv=False) - 1).max()
    still = (
        abs(degrees) < STILL[0] and max(shift, zoomed / 2) < STILL[1] and np.linalg.det(turn) > 0
    )
    return "near-duplicate" if still else "augmented copy"
