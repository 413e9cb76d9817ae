"""What can be had without looking at a face: majority, the person's name, the source, and a perfect oracle."""

import numpy as np
import pandas as pd

from emoclass.faces import Faces
from emoclass.labels import COMMON, EMOTIONS
from emoclass.predictions import Predictions


def majority(faces: Faces) -> Predictions:
    """Says for each photo the emotion that is most frequent among all others."""
    return _most_frequent(faces, "always the most frequent emotion", pd.Series("", index=faces.table.index))


def person_name(faces: Faces) -> Predictions:
    """Says the emotion most frequent among the person's other photos; who has no other photo gets the majority.

    This is what a net could gain from knowing people by sight, were they on both sides of the split.
    """
    return _most_frequent(faces, "the person's name alone", faces.table.person)


def source(faces: Faces) -> Predictions:
    """Says the emotion most frequent among the other photos of the same source."""
    return _most_frequent(faces, "the source alone", faces.table.source)


def happy_or_neutral(faces: Faces) -> Predictions:
    """A perfect oracle that knows but two words: always right on happiness and neutral, "neutral" for the rest."""
    said = faces.table.emotion.where(faces.table.emotion.isin(COMMON), "neutral")
    return _certain(faces, "a perfect happy-or-neutral oracle", pd.Categorical(said, categories=EMOTIONS).codes)


def all_of_them(faces: Faces) -> list[Predictions]:
    """The four baselines that stand beside every table of scores."""
    return [majority(faces), person_name(faces), source(faces), happy_or_neutral(faces)]


def _most_frequent(faces: Faces, name: str, group: pd.Series) -> Predictions:
    """For each photo the most frequent emotion among the other photos of its group.

    Ties, and a group of one, go to the emotion that is more frequent in the whole collection.
    """
    own = np.eye(len(EMOTIONS))[faces.labels]
    codes = pd.factorize(group)[0]
    votes = np.zeros((codes.max() + 1, len(EMOTIONS)))
    np.add.at(votes, codes, own)
    prior = own.sum(0) - own
    others = votes[codes] - own + prior / (2 * len(faces))  # the prior never outweighs a single vote
    return _certain(faces, name, others.argmax(1))


def _certain(faces: Faces, name: str, said: np.ndarray) -> Predictions:
    table = faces.table[["photo", "parent", "person", "source", "emotion"]].assign(fold=0, seed=0)
    return Predictions(name, table, np.eye(len(EMOTIONS), dtype=np.float32)[said])
