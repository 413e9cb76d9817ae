"""Leak report: what stands twice in a collection, and what stands on both sides of a split."""

import numpy as np
import pandas as pd
from sklearn.metrics import pairwise_distances_argmin_min

from emoclass.data.near_duplicates import find_near_duplicates
from emoclass.faces import Faces
from emoclass.labels import EMOTIONS
from emoclass.splits import GROUP_NAMES, Split, in_training

HEADS = {
    "parent": "itself or its copy",
    "duplicate_id": "the same file",
    "near_duplicate_id": "a near-duplicate",
    "subject": "the same subject",
    "source": "the same source",
}


def report(faces: Faces, split: Split) -> pd.DataFrame:
    """Test photos by emotion; how many have their copy, file, near-duplicate, subject or source in training too."""
    tested = faces.table.iloc[split.test]
    shared = pd.DataFrame(in_training(faces.table, split), index=tested.index)
    return _by_emotion(shared.assign(emotion=tested.emotion))


def near_duplicate_pairs(faces: Faces) -> pd.DataFrame:
    """Pairs of photos that are all but the same picture, the closest first; see `find_near_duplicates`.

    Columns: `photo`, `other`, `grey_levels`, `bits`, and whether both bear the `same_subject`'s name.
    """
    pairs = find_near_duplicates(faces.pixels)
    photo, subject = faces.table.photo.to_numpy(), faces.table.subject.to_numpy()
    one, other = pairs.pop("one").to_numpy(), pairs.pop("other").to_numpy()
    names = pd.DataFrame({"photo": photo[one], "other": photo[other]})
    return names.join(pairs).assign(same_subject=(subject[one] == subject[other]).astype(bool))


def nearest(faces: Faces, split: Split) -> pd.DataFrame:
    """For each test photo and its `emotion`, the `nearest` training photo.

    `grey_levels` is the root of the mean squared difference of their pixels, each picture's mean taken off.
    """
    flat = faces.pixels.reshape(len(faces), -1).astype(np.float32)
    flat -= flat.mean(1, keepdims=True)
    tested = faces.table.iloc[split.test][["photo", "emotion"]].reset_index(drop=True)
    if not len(tested):
        return tested.assign(nearest="", grey_levels=0.0)
    closest, distance = pairwise_distances_argmin_min(flat[split.test], flat[split.train])
    trained = faces.table.photo.to_numpy()[split.train]
    return tested.assign(nearest=trained[closest], grey_levels=distance / np.sqrt(flat.shape[1]))


def count_duplicates(faces: Faces) -> tuple[pd.DataFrame, pd.DataFrame]:
    """How many photos of each emotion stand twice, and the pairs as `near_duplicate_pairs` finds them.

    A `near-duplicate` may be the `same file`; its subject may be another by name.
    """
    pairs, table = near_duplicate_pairs(faces), faces.table
    strangers = pairs[~pairs.same_subject]
    marks = pd.DataFrame(
        {
            "photos": 1,
            "same file": table.duplicate_id.duplicated(keep=False),
            "near-duplicate": table.photo.isin([*pairs.photo, *pairs.other]),
            "of another subject": table.photo.isin([*strangers.photo, *strangers.other]),
        }
    )
    counts = marks.groupby(table.emotion).sum().reindex([e for e in EMOTIONS if e in set(table.emotion)])
    counts.loc["all"] = counts.sum()
    return counts.astype(int), pairs


def _by_emotion(rows: pd.DataFrame) -> pd.DataFrame:
    counts = rows.groupby("emotion").agg(tested=("emotion", "size"), **{key: (key, "sum") for key in GROUP_NAMES})
    counts = counts.reindex([emotion for emotion in EMOTIONS if emotion in counts.index])
    counts.loc["all"] = counts.sum()
    return counts.rename(columns=HEADS).astype(int)
