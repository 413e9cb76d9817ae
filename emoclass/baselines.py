"""What can be had without looking at a face: majority, the subject's name, the source, and a perfect oracle."""

import numpy as np
import pandas as pd

from emoclass.faces import Faces
from emoclass.labels import EMOTIONS, MAJORITY
from emoclass.predictions import Predictions


def majority(faces: Faces) -> Predictions:
    """Predicts for each photo the emotion most frequent among all others."""
    return _most_frequent(faces, "always the most frequent emotion", pd.Series("", index=faces.table.index))


def subject_name(faces: Faces) -> Predictions:
    """Predicts the emotion most frequent among the subject's other photos, or in all: what knowing people gains."""
    return _most_frequent(faces, "the subject's name alone", faces.table.subject)


def source(faces: Faces) -> Predictions:
    """Predicts the emotion most frequent among the other photos of the same source."""
    return _most_frequent(faces, "the source alone", faces.table.source)


def happy_or_neutral(faces: Faces) -> Predictions:
    """A perfect happy-or-neutral classifier: always right on these two, "neutral" for the rest."""
    y_pred = np.where(faces.table.emotion.isin(MAJORITY), faces.labels, EMOTIONS.index("neutral"))
    return _certain(faces.table, "a perfect happy-or-neutral classifier", y_pred)


def second_opinions(faces: Faces, opinions: pd.DataFrame) -> Predictions:
    """What each `annotator` of `data.load_second_opinions` called those of these photos, as if it were predicted."""
    known = opinions[opinions.photo.isin(faces.table.photo) & opinions.emotion.notna()]
    table = faces.table.set_index("photo", drop=False).loc[known.photo].reset_index(drop=True)
    y_pred = pd.Categorical(known.emotion, categories=EMOTIONS).codes
    return _certain(table, "four students", y_pred, annotator=known.annotator.to_numpy())


def all_of_them(faces: Faces) -> list[Predictions]:
    """The four baselines that stand beside every table of scores."""
    return [majority(faces), subject_name(faces), source(faces), happy_or_neutral(faces)]


def _most_frequent(faces: Faces, name: str, group: pd.Series) -> Predictions:
    """For each photo the most frequent emotion among the others of its group; of equals, that more frequent in all."""
    own = np.eye(len(EMOTIONS))[faces.labels]
    votes = pd.DataFrame(own).groupby(group.to_numpy()).transform("sum").to_numpy()
    others = votes - own + (own.sum(0) - own) / (2 * len(faces))  # those in all never outweigh one of its group
    return _certain(faces.table, name, others.argmax(1))


def _certain(table: pd.DataFrame, name: str, y_pred: np.ndarray, **columns) -> Predictions:
    table = table[["photo", "parent", "subject", "source", "emotion"]].assign(fold=0, seed=0, **columns)
    return Predictions(name, table, np.eye(len(EMOTIONS), dtype=np.float32)[y_pred])
