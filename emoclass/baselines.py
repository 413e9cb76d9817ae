"""What can be had without looking at a face: majority, subject, source, a perfect oracle."""

import numpy as np
import pandas as pd

from emoclass.faces import Faces
from emoclass.labels import EMOTIONS, MAJORITY
from emoclass.predictions import NO_SEED, Predictions

COLUMNS = ["photo", "parent", "subject", "source", "emotion"]


def majority(faces: Faces) -> Predictions:
    """Predicts for each photo the emotion most frequent among all others."""
    everybody = pd.Series("", index=faces.table.index)
    return _most_frequent(faces, "always the most frequent emotion", everybody)


def subject_name(faces: Faces) -> Predictions:
    """Predicts the emotion most frequent among the subject's other photos: what a name gains.

    Of a subject with one photo, or of equally frequent emotions: that more frequent in all.
    """
    return _most_frequent(faces, "the subject's name alone", faces.table.subject)


def source(faces: Faces) -> Predictions:
    """Predicts the emotion most frequent among the other photos of the same source."""
    return _most_frequent(faces, "the source alone", faces.table.source)


def happy_or_neutral(faces: Faces) -> Predictions:
    """A perfect happy-or-neutral classifier: always right on these two, "neutral" for the rest."""
    neutral = EMOTIONS.index("neutral")
    one_of_two = faces.table.emotion.isin(MAJORITY)
    y_pred = np.where(one_of_two, faces.labels, neutral)
    return _certain(faces.table, "a perfect happy-or-neutral classifier", y_pred)


def second_opinions(faces: Faces, opinions: pd.DataFrame) -> Predictions:
    """What each annotator called those of these photos that she saw, as if it were predicted.

    opinions  `photo`, `emotion`, `annotator`, as `data.load_second_opinions` returns them
    """
    of_these = opinions.photo.isin(faces.table.photo)
    known = opinions[of_these & opinions.emotion.notna()]
    by_photo = faces.table.set_index("photo", drop=False)
    table = by_photo.loc[known.photo].reset_index(drop=True)
    y_pred = pd.Categorical(known.emotion, categories=EMOTIONS).codes
    predictions = _certain(table, "four students", y_pred)
    predictions.table["annotator"] = known.annotator.to_numpy()
    return predictions


def all_of_them(faces: Faces) -> list[Predictions]:
    """The four baselines that stand beside every table of scores."""
    return [
        majority(faces),
        subject_name(faces),
        source(faces),
        happy_or_neutral(faces),
    ]


def _most_frequent(
    faces: Faces,
    name: str,
    group: pd.Series,
) -> Predictions:
    """The most frequent emotion among the others of a photo's group, ties decided by all others.

    group  (n,): photos with the same value are one group
    """
    own = np.eye(len(EMOTIONS))[faces.labels]  # (n, emotions): each photo votes for its own
    by_group = pd.DataFrame(own).groupby(group.to_numpy())
    group_votes = by_group.transform("sum").to_numpy()
    other_votes = group_votes - own
    votes_of_all = own.sum(0) - own
    # Halved and divided by n, all together never outweigh one vote of the group.
    tie_break = votes_of_all / (2 * len(faces))
    votes = other_votes + tie_break
    return _certain(faces.table, name, votes.argmax(1))


def _certain(
    table: pd.DataFrame,
    name: str,
    y_pred: np.ndarray,
) -> Predictions:
    """Predictions that give probability 1 to `y_pred`, (n,) places in EMOTIONS."""
    one_hot = np.eye(len(EMOTIONS), dtype=np.float32)
    rows = table[COLUMNS].assign(fold=0, seed=NO_SEED)
    return Predictions(name, rows, one_hot[y_pred])
