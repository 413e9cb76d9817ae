"""Leak report: what stands twice in a collection, and what stands on both sides of a split."""

import numpy as np
import pandas as pd
from sklearn.metrics import pairwise_distances_argmin_min

from emoclass.data.copies import find_copies  # noqa: F401  (augmented copies, beside near-duplicates)
from emoclass.data.near_duplicates import find_near_duplicates
from emoclass.faces import Faces
from emoclass.labels import EMOTIONS
from emoclass.splits import Split, in_training

HEADS = {
    "parent": "itself or its copy",
    "duplicate_id": "the same file",
    "near_duplicate_id": "a near-duplicate",
    "subject": "the same subject",
    "source": "the same source",
}


def report(faces: Faces, split: Split) -> pd.DataFrame:
    """Test photos by emotion; how many have their copy, file, near-duplicate, subject or source in training too."""
    emotion = faces.table.emotion.iloc[split.test]
    shared = pd.DataFrame({"tested": 1, **in_training(faces.table, split)}, index=emotion.index)
    return _by_emotion(shared.rename(columns=HEADS), emotion)


def near_duplicate_pairs(faces: Faces) -> pd.DataFrame:
    """`find_near_duplicates` by name: `photo`, `other`, `grey_levels`, `bits`; and whether of the `same_subject`."""
    pairs = find_near_duplicates(faces.pixels)
    one, other = (faces.table.iloc[pairs.pop(side)] for side in ("one", "other"))
    names = pd.DataFrame({"photo": one.photo.to_numpy(), "other": other.photo.to_numpy()})
    return names.join(pairs).assign(same_subject=one.subject.to_numpy() == other.subject.to_numpy())


def nearest(faces: Faces, split: Split) -> pd.DataFrame:
    """For each test photo the `nearest` training photo; `grey_levels`: root mean square difference, means removed."""
    flat = faces.pixels.reshape(len(faces), -1).astype(np.float32)
    flat -= flat.mean(1, keepdims=True)
    tested = faces.table.iloc[split.test][["photo", "emotion"]].reset_index(drop=True)
    if not len(tested):
        return tested.assign(nearest="", grey_levels=0.0)
    closest, distance = pairwise_distances_argmin_min(flat[split.test], flat[split.train])
    trained = faces.table.photo.to_numpy()[split.train]
    return tested.assign(nearest=trained[closest], grey_levels=distance / np.sqrt(flat.shape[1]))


def count_duplicates(faces: Faces) -> tuple[pd.DataFrame, pd.DataFrame]:
    """How many photos of each emotion stand twice, as the same file or nearly; and the `near_duplicate_pairs`."""
    pairs, table = near_duplicate_pairs(faces), faces.table
    marks = pd.DataFrame({"photos": 1, "same file": table.duplicate_id.duplicated(keep=False)})
    for name, some in {"near-duplicate": pairs, "of another subject": pairs[~pairs.same_subject]}.items():
        marks[name] = table.photo.isin([*some.photo, *some.other])
    return _by_emotion(marks, table.emotion), pairs


def _by_emotion(marks: pd.DataFrame, emotion: pd.Series) -> pd.DataFrame:
    counts = marks.groupby(emotion).sum().reindex([e for e in EMOTIONS if e in set(emotion)])
    counts.loc["all"] = counts.sum()
    return counts.astype(int)
