"""Near-duplicates: photos that are all but the same picture, newly cut, toned or compressed."""

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from emoclass.files import cached_array
from emoclass.splits import connected

# Chosen by looking at the 190 closest pairs of the photo collection at SIZE pixels a side: up to 12 grey levels they
# were the same picture, newly cut or toned, each time; from 13 on they were of different people.
SIZE, BITS, GREY_LEVELS = 48, 14, 12.0
BLOCK, CHUNK = (
    64,
    2048,
)  # rows of the table of all pairs, and pairs of pictures, that are in memory at a time


def find_near_duplicates(
    pixels: np.ndarray, bits: int = BITS, grey_levels: float = GREY_LEVELS
) -> pd.DataFrame:
    """Pairs of (n, size, size) uint8 pictures that are all but the same, the closest first.

    Their perceptual hashes (64 signs of a cosine transform) differ in at most `bits`, and their pixels, each picture's
    mean taken off, by at most `grey_levels` in the mean. Columns: positions `one`, `other`; `grey_levels`, `bits`.
    """
    hashes, found = perceptual_hashes(pixels), []
    side = min(
        8, pixels.shape[1]
    )  # means over areas are never further apart than pixels, and most pairs fail by them
    means = np.array(
        [
            cv2.resize(x.astype(np.float32), (side, side), interpolation=cv2.INTER_AREA)
            for x in pixels
        ]
    )
    for start in range(0, max(len(hashes), 1), BLOCK):
        apart = np.bitwise_count(hashes[start : start + BLOCK, None] ^ hashes[None, start:])
        one, other = np.nonzero(np.triu(apart <= bits, 1))
        pairs = pd.DataFrame(
            dict(one=one + start, other=other + start, bits=apart[one, other].astype(int))
        )
        pairs = pairs[_levels_apart(means, pairs) <= grey_levels + 0.01]
        pairs.insert(2, "grey_levels", _levels_apart(pixels, pairs))
        found.append(pairs[pairs.grey_levels <= grey_levels])
    return pd.concat(found).sort_values("grey_levels", kind="stable", ignore_index=True)


def perceptual_hashes(pixels: np.ndarray) -> np.ndarray:
    """(n,) uint64: the signs of the 64 lowest frequencies of each picture against their median."""
    signs = np.empty((len(pixels), 64), bool)
    for k, picture in enumerate(pixels):
        small = cv2.resize(picture, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
        lowest = cv2.dct(small)[:8, :8].ravel()
        signs[k] = lowest > np.median(
            lowest[1:]
        )  # the first is the mean, which says how light it is
    return np.packbits(signs, axis=1).view(np.uint64).ravel()


def kept_together(
    table: pd.DataFrame, pixels: np.ndarray
) -> tuple[pd.DataFrame, tuple[str, int, str]]:
    """The table with `near_duplicate_id`, chained, and a line for the report; pixels are (n, SIZE, SIZE) uint8."""
    pairs, rows, photo = remembered(pixels), pd.Series(range(len(table))), table.photo.to_numpy()
    same_file = rows.groupby(table.duplicate_id.to_numpy()).transform("first")
    group = connected(len(table), *np.concatenate([pairs, np.column_stack([rows, same_file])]).T)
    near_duplicate_id = pd.Series(photo).groupby(group).transform("first").to_numpy()
    strangers = [
        f"{photo[a]} = {photo[b]}"
        for a, b in pairs
        if table.subject.iloc[a] != table.subject.iloc[b]
    ]
    what = "pairs of near-duplicates, kept together; of these under two subjects' names"
    return table.assign(near_duplicate_id=near_duplicate_id), (
        what,
        len(pairs),
        ", ".join(strangers),
    )


def remembered(pixels: np.ndarray) -> np.ndarray:
    """(m, 2) int64: the pairs, from the cache if this code looked for them before with these thresholds."""
    sha = hashlib.sha256(
        f"{pixels.shape} {BITS} {GREY_LEVELS} ".encode() + Path(__file__).read_bytes()
    )
    sha.update(np.ascontiguousarray(pixels))

    def make(draft):
        np.save(
            draft,
            find_near_duplicates(pixels, BITS, GREY_LEVELS)[["one", "other"]].to_numpy(np.int64),
        )

    return cached_array(f"near-duplicates-{sha.hexdigest()[:32]}", np.int64, (2,), make)


def _levels_apart(pixels: np.ndarray, pairs: pd.DataFrame) -> np.ndarray:
    """(m,) how many grey levels the pictures at `one` and `other` are apart, each one's mean taken off."""
    found, places = [np.zeros(0, np.float32)], pairs[["one", "other"]].to_numpy()
    for k in range(0, len(pairs), CHUNK):
        a, b = (
            pixels[rows].reshape(len(rows), -1).astype(np.float32)
            for rows in places[k : k + CHUNK].T
        )
        found.append(
            np.abs((a - a.mean(1, keepdims=True)) - (b - b.mean(1, keepdims=True))).mean(1)
        )
    return np.concatenate(found)
