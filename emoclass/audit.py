"""Leak report: what stands twice in a collection, and what stands on both sides of a split.

`python -m emoclass.audit PATH` prints the first for a folder of photos of your own.
"""

import argparse
import sys

import numpy as np
import pandas as pd

from emoclass.data import alike, load_faces
from emoclass.faces import BadInput, Faces
from emoclass.labels import EMOTIONS
from emoclass.predictions import Predictions
from emoclass.split import IN_WORDS, Split
from emoclass.train import in_training

COLUMNS = {
    "parent": "itself or its copy",
    "cluster": "the same file",
    "alike": "a near-duplicate",
    "person": "the same person",
    "source": "the same source",
}
BLOCK = 512  # test photos whose distances are in memory at a time


def report(faces: Faces, split: Split) -> pd.DataFrame:
    """Test photos by emotion; how many have their copy, file, near-duplicate, person or source in training too."""
    tested = faces.table.iloc[split.test]
    shared = pd.DataFrame(in_training(faces.table, split), index=tested.index)
    return _by_emotion(shared.assign(emotion=tested.emotion))


def pooled_report(predictions: Predictions) -> pd.DataFrame:
    """The same, summed over all folds and seeds of a sweep."""
    shared = predictions.table[[f"{key}_in_training" for key in IN_WORDS]]
    return _by_emotion(shared.set_axis(list(IN_WORDS), axis=1).assign(emotion=predictions.table.emotion))


def near_duplicates(faces: Faces) -> pd.DataFrame:
    """Pairs of photos that are all but the same picture, the closest first; see `alike` for what that means.

    Columns: `photo`, `other`, `grey_levels`, `bits`, and whether both bear the `same_person`'s name.
    """
    pairs = alike.near_duplicates(faces.pixels)
    photo, person = faces.table.photo.to_numpy(), faces.table.person.to_numpy()
    one, other = pairs.pop("one").to_numpy(), pairs.pop("other").to_numpy()
    names = pd.DataFrame({"photo": photo[one], "other": photo[other]})
    return names.join(pairs).assign(same_person=(person[one] == person[other]).astype(bool))


def nearest(faces: Faces, split: Split) -> pd.DataFrame:
    """For each test photo, the training photo that it is nearest to.

    Columns: `photo`, `emotion`, `nearest`, and `grey_levels`, the root of the mean squared difference of their
    pixels, each picture's mean taken off. All pairs are looked at.
    """
    flat = faces.pixels.reshape(len(faces), -1).astype(np.float32)
    flat -= flat.mean(1, keepdims=True)
    squares = np.square(flat).sum(1)
    trained, best, least = flat[split.train], [np.zeros(0, np.int64)], [np.zeros(0)]
    for start in range(0, len(split.test), BLOCK):
        rows = split.test[start : start + BLOCK]
        apart = squares[rows, None] + squares[None, split.train] - 2 * flat[rows] @ trained.T
        best.append(apart.argmin(1))
        least.append(apart.min(1))
    tested, photos = faces.table.iloc[split.test], faces.table.photo.to_numpy()
    levels = np.sqrt(np.maximum(np.concatenate(least), 0) / flat.shape[1])  # rounding may leave less than nothing
    return pd.DataFrame(
        dict(
            photo=tested.photo.to_numpy(),
            emotion=tested.emotion.to_numpy(),
            nearest=photos[split.train][np.concatenate(best)],
            grey_levels=levels,
        )
    )


def sibling_share(family: int, training_share: float) -> float:
    """Chance that a picture tested has a sibling in training: 1 - (1 - p)^(k - 1).

    family          k, a photo and its copies, dealt out one by one
    training_share  p, the share of all pictures that is trained on
    """
    return 1 - (1 - training_share) ** (family - 1)


def twice(faces: Faces) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What stands twice: how many photos of each emotion, and the pairs as `near_duplicates` finds them.

    Columns: `photos`, those whose `same file` (cluster) stands there again, those that have a `near-duplicate`
    (the same file included), and those whose near-duplicate is `of another person` by name.
    """
    pairs = near_duplicates(faces)
    table = faces.table
    strangers = pairs[~pairs.same_person]
    marks = pd.DataFrame(
        {
            "photos": 1,
            "same file": table.cluster.duplicated(keep=False),
            "near-duplicate": table.photo.isin([*pairs.photo, *pairs.other]),
            "of another person": table.photo.isin([*strangers.photo, *strangers.other]),
        }
    )
    counts = marks.groupby(table.emotion).sum().reindex([e for e in EMOTIONS if e in set(table.emotion)])
    counts.loc["all"] = counts.sum()
    return counts.astype(int), pairs


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
        print(f"\n{len(pairs):,} pairs, at most {alike.GREY_LEVELS:g} grey levels apart:")
        print(pairs.round({"grey_levels": 1}).to_string(index=False))
    return int(len(pairs) > 0)


if __name__ == "__main__":
    sys.exit(main())
