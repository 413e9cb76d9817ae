"""Leak report: what stands twice in a collection, and what is on both sides of a split."""

import numpy as np
import pandas as pd
from sklearn.metrics import pairwise_distances_argmin_min

from emoclass.data.copies import find_copies  # noqa: F401  (also reached as leakage.X)
from emoclass.data.near_duplicates import find_near_duplicates
from emoclass.faces import Faces
from emoclass.kept import kept
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
    """How many test photos of each emotion have something of theirs in training too.

    One column for each of HEADS, beside `tested`; the last row is of all emotions.
    """
    emotion = faces.table.emotion.iloc[split.test]
    marks = pd.DataFrame({"tested": 1}, index=emotion.index)
    for key, shared in in_training(faces.table, split).items():
        marks[HEADS[key]] = shared
    return _count_by_emotion(marks, emotion)


def pictures_and_photos(faces: Faces, split: Split) -> pd.DataFrame:
    """By emotion: `pictures trained`, the distinct `photos trained` that they show, `pictures tested`.

    A copy is a picture of the photo that it was made from.
    """
    trained = faces.table.iloc[split.train]
    tested = faces.table.iloc[split.test]
    found = pd.DataFrame(index=list(EMOTIONS))
    found["pictures trained"] = trained.emotion.value_counts()
    found["photos trained"] = trained.groupby("emotion").parent.nunique()
    found["pictures tested"] = tested.emotion.value_counts()
    return found.fillna(0).astype(int)


def near_duplicate_pairs(faces: Faces) -> pd.DataFrame:
    """`find_near_duplicates` by name: `photo`, `other`, `grey_levels`, `bits`, `same_subject`."""
    found = _near_duplicates(faces)
    one = faces.table.iloc[found[:, 0].astype(int)]
    other = faces.table.iloc[found[:, 1].astype(int)]
    return pd.DataFrame(
        {
            "photo": one.photo.to_numpy(),
            "other": other.photo.to_numpy(),
            "grey_levels": found[:, 2],
            "bits": found[:, 3].astype(int),
            "same_subject": one.subject.to_numpy() == other.subject.to_numpy(),
        }
    )


@kept
def _near_duplicates(faces: Faces) -> np.ndarray:
    """(k, 4) float64: the rows of a pair, the grey levels between them, and the bits."""
    pairs = find_near_duplicates(faces.pixels)
    return pairs[["one", "other", "grey_levels", "bits"]].to_numpy(np.float64)


def nearest(faces: Faces, split: Split) -> pd.DataFrame:
    """For each test photo: `photo`, `emotion`, the `nearest` training photo, `grey_levels` to it.

    Grey levels are the root of the mean squared difference of pixels, each picture's mean removed.
    """
    tested = faces.table[["photo", "emotion"]].iloc[split.test]
    tested = tested.reset_index(drop=True)
    if len(tested) == 0:
        return tested.assign(nearest="", grey_levels=0.0)
    found = _nearest(faces, split)
    trained = faces.table.photo.to_numpy()[split.train]
    place = found[:, 0].astype(int)
    return tested.assign(nearest=trained[place], grey_levels=found[:, 1])


@kept
def _nearest(faces: Faces, split: Split) -> np.ndarray:
    """(m, 2) float64: the place in the training part that is nearest, and the grey levels to it."""
    flat = faces.pixels.reshape(len(faces), -1)
    flat = flat.astype(np.float32)
    flat -= flat.mean(1, keepdims=True)
    closest, distance = pairwise_distances_argmin_min(flat[split.test], flat[split.train])
    n_pixels = flat.shape[1]
    return np.column_stack([closest, distance / np.sqrt(n_pixels)]).astype(np.float64)


def count_duplicates(faces: Faces) -> tuple[pd.DataFrame, pd.DataFrame]:
    """How many photos of each emotion stand twice; and the `near_duplicate_pairs`.

    Columns: `photos`, `same file`, `near-duplicate`, `of another subject` (near-duplicates that
    two subjects share).
    """
    table = faces.table
    pairs = near_duplicate_pairs(faces)
    of_two_subjects = pairs[~pairs.same_subject]
    same_file = table.duplicate_id.duplicated(keep=False)
    marks = pd.DataFrame({"photos": 1, "same file": same_file})
    marks["near-duplicate"] = _in_some_pair(table.photo, pairs)
    marks["of another subject"] = _in_some_pair(table.photo, of_two_subjects)
    return _count_by_emotion(marks, table.emotion), pairs


def _in_some_pair(
    photo: pd.Series,
    pairs: pd.DataFrame,
) -> pd.Series:
    return photo.isin(pairs.photo) | photo.isin(pairs.other)


def _count_by_emotion(
    marks: pd.DataFrame,
    emotion: pd.Series,
) -> pd.DataFrame:
    """Sums of the columns of `marks` for each emotion that occurs, in their order, and for all."""
    occurring = [each for each in EMOTIONS if each in set(emotion)]
    counts = marks.groupby(emotion).sum().reindex(occurring)
    counts.loc["all"] = counts.sum()
    return counts.astype(int)
