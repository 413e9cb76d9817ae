"""Leak report: what stands twice in a collection, and what stands on both sides of a split.

`python -m emoclass.audit PATH` prints the first for a folder of photos of your own.
"""

import argparse
import sys

import cv2
import numpy as np
import pandas as pd

from emoclass.data import load_faces
from emoclass.faces import BadInput, Faces
from emoclass.labels import EMOTIONS
from emoclass.predictions import Predictions
from emoclass.split import IN_WORDS, Split
from emoclass.train import in_training

COLUMNS = {
    "parent": "itself or its copy",
    "cluster": "the same picture",
    "person": "the same person",
    "source": "the same source",
}
# Chosen by looking at the 190 closest pairs of the photo collection: up to 12 grey levels, photos under different
# names were the same picture, newly cut or toned, each time; from 13 on they were of different people.
BITS, GREY_LEVELS = 14, 12.0
BLOCK = 512  # rows of the table of all pairs that are in memory at a time


def report(faces: Faces, split: Split) -> pd.DataFrame:
    """Test photos by emotion, and how many of them have their copy, picture, person or source in training too."""
    tested = faces.table.iloc[split.test]
    shared = pd.DataFrame(in_training(faces.table, split), index=tested.index)
    return _by_emotion(shared.assign(emotion=tested.emotion))


def pooled_report(predictions: Predictions) -> pd.DataFrame:
    """The same, summed over all folds and seeds of a sweep."""
    shared = predictions.table[[f"{key}_in_training" for key in IN_WORDS]]
    return _by_emotion(shared.set_axis(list(IN_WORDS), axis=1).assign(emotion=predictions.table.emotion))


def near_duplicates(faces: Faces, bits: int = BITS, grey_levels: float = GREY_LEVELS) -> pd.DataFrame:
    """Pairs of photos that are all but the same picture, the closest first.

    Candidates are pairs whose perceptual hashes (64 signs of a cosine transform) differ in at most `bits`; of these
    stay the pairs whose pixels, each picture's mean taken off, differ by at most `grey_levels` in the mean. All
    n (n - 1) / 2 pairs are looked at.

    Columns: `photo`, `other`, `grey_levels`, `bits`, and whether both bear the `same_person`'s name.
    """
    hashes = perceptual_hashes(faces.pixels)
    pairs = []
    for start in range(0, len(hashes), BLOCK):
        apart = np.bitwise_count(hashes[start : start + BLOCK, None] ^ hashes[None, start:])
        one, other = np.nonzero(apart <= bits)
        later = other > one
        pairs.append(np.stack([one[later] + start, other[later] + start, apart[one[later], other[later]]], axis=1))
    pairs = np.concatenate(pairs) if pairs else np.zeros((0, 3), np.int64)
    levels = np.concatenate(
        [np.zeros(0)] + [_levels_apart(faces.pixels, *pairs[k : k + BLOCK, :2].T) for k in range(0, len(pairs), BLOCK)]
    )
    kept = np.flatnonzero(levels <= grey_levels)
    kept = kept[np.argsort(levels[kept], kind="stable")]
    photo, person = faces.table.photo.to_numpy(), faces.table.person.to_numpy()
    one, other = pairs[kept, 0], pairs[kept, 1]
    return pd.DataFrame(
        dict(
            photo=photo[one],
            other=photo[other],
            grey_levels=levels[kept],
            bits=pairs[kept, 2],
            same_person=(person[one] == person[other]).astype(bool),
        )
    )


def perceptual_hashes(pixels: np.ndarray) -> np.ndarray:
    """(n,) uint64: the signs of the 64 lowest frequencies of each picture against their median."""
    signs = np.empty((len(pixels), 64), bool)
    for k, picture in enumerate(pixels):
        small = cv2.resize(picture, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
        lowest = cv2.dct(small)[:8, :8].ravel()
        signs[k] = lowest > np.median(lowest[1:])  # the first is the mean, which says how light it is
    return np.packbits(signs, axis=1).view(np.uint64).ravel()


def twice(faces: Faces) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What stands twice: how many photos of each emotion, and the pairs as `near_duplicates` finds them.

    Columns: `photos`, those whose `same picture` (cluster) stands there again, those that have a `near-duplicate`
    (the same picture included), and those whose near-duplicate is `of another person` by name.
    """
    pairs = near_duplicates(faces)
    table = faces.table
    strangers = pairs[~pairs.same_person]
    marks = pd.DataFrame(
        {
            "photos": 1,
            "same picture": table.cluster.duplicated(keep=False),
            "near-duplicate": table.photo.isin([*pairs.photo, *pairs.other]),
            "of another person": table.photo.isin([*strangers.photo, *strangers.other]),
        }
    )
    counts = marks.groupby(table.emotion).sum().reindex([e for e in EMOTIONS if e in set(table.emotion)])
    counts.loc["all"] = counts.sum()
    return counts.astype(int), pairs


def _levels_apart(pixels, one, other):
    """(m,) how many grey levels the pictures at `one` and `other` are apart, each one's mean taken off."""
    a, b = (pixels[rows].reshape(len(rows), -1).astype(np.float32) for rows in (one, other))
    return np.abs((a - a.mean(1, keepdims=True)) - (b - b.mean(1, keepdims=True))).mean(1)


def _by_emotion(rows: pd.DataFrame) -> pd.DataFrame:
    counts = rows.groupby("emotion").agg(tested=("emotion", "size"), **{key: (key, "sum") for key in IN_WORDS})
    counts = counts.reindex([emotion for emotion in EMOTIONS if emotion in counts.index])
    counts.loc["all"] = counts.sum()
    return counts.rename(columns=COLUMNS).astype(int)


def main(arguments: list[str] | None = None) -> int:
    """Exit status 0: nothing stands twice; 1: something does; 2: bad input."""
    parser = argparse.ArgumentParser(prog="python -m emoclass.audit", description="What stands twice in a collection.")
    parser.add_argument("path", help="a folder with legend.csv or one folder for each emotion; or muxspace, cartoon")
    try:
        faces = load_faces(parser.parse_args(arguments).path)
    except BadInput as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    counts, pairs = twice(faces)
    print(f"{len(faces):,} photos of {faces.table.person.nunique():,} persons\n\n{counts.to_string()}")
    if len(pairs):
        print(f"\n{len(pairs):,} pairs, at most {GREY_LEVELS:g} grey levels apart:")
        print(pairs.round({"grey_levels": 1}).to_string(index=False))
    return int(len(pairs) > 0)


if __name__ == "__main__":
    sys.exit(main())
