"""Leak report: what stands on both sides of a split, by emotion."""

import pandas as pd

from emoclass.faces import Faces
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


def report(faces: Faces, split: Split) -> pd.DataFrame:
    """Test photos by emotion, and how many of them have their copy, picture, person or source in training too."""
    tested = faces.table.iloc[split.test]
    shared = pd.DataFrame(in_training(faces.table, split), index=tested.index)
    return _by_emotion(shared.assign(emotion=tested.emotion))


def pooled_report(predictions: Predictions) -> pd.DataFrame:
    """The same, summed over all folds and seeds of a sweep."""
    shared = predictions.table[[f"{key}_in_training" for key in IN_WORDS]]
    return _by_emotion(shared.set_axis(list(IN_WORDS), axis=1).assign(emotion=predictions.table.emotion))


def _by_emotion(rows: pd.DataFrame) -> pd.DataFrame:
    counts = rows.groupby("emotion").agg(tested=("emotion", "size"), **{key: (key, "sum") for key in IN_WORDS})
    counts = counts.reindex([emotion for emotion in EMOTIONS if emotion in counts.index])
    counts.loc["all"] = counts.sum()
    return counts.rename(columns=COLUMNS).astype(int)
