"""What can be predicted without a look at the face, against the slowest way of finding it out."""

from collections import Counter

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from emoclass import baselines
from emoclass.labels import EMOTIONS, MAJORITY
from emoclass.metrics import confusion, from_confusion

rows = st.lists(
    st.tuples(st.sampled_from(EMOTIONS[:4]), st.integers(0, 3), st.integers(0, 1)),
    min_size=2,
    max_size=14,
)


def faces_from(faces_of, rows):
    emotion, subject, source = zip(*rows)
    return faces_of(emotion=emotion, subject=subject, source=source)


def slowly(emotions, group_ids):
    """For each photo the emotion most frequent among the others of its group; ties as among all the others."""
    predicted = []
    for k, group in enumerate(group_ids):
        others = Counter(
            e for j, (e, g) in enumerate(zip(emotions, group_ids)) if g == group and j != k
        )
        overall = Counter(e for j, e in enumerate(emotions) if j != k)
        predicted.append(max(EMOTIONS, key=lambda e: (others[e], overall[e], -EMOTIONS.index(e))))
    return predicted


def words(predictions):
    return [EMOTIONS[k] for k in predictions.y_pred]


@given(rows)
def test_a_subject_s_name_predicts_the_emotion_of_most_other_photos_of_the_subject(faces_of, rows):
    faces = faces_from(faces_of, rows)
    assert words(baselines.subject_name(faces)) == slowly(
        list(faces.table.emotion), list(faces.table.subject)
    )


@given(rows)
def test_a_source_predicts_the_emotion_of_most_of_its_other_photos(faces_of, rows):
    faces = faces_from(faces_of, rows)
    assert words(baselines.source(faces)) == slowly(
        list(faces.table.emotion), list(faces.table.source)
    )


@given(rows)
def test_the_majority_is_that_of_all_other_photos(faces_of, rows):
    faces = faces_from(faces_of, rows)
    assert words(baselines.majority(faces)) == slowly(list(faces.table.emotion), [""] * len(faces))


def test_one_vote_of_the_subject_outweighs_all_the_others(faces_of):
    faces = faces_of(
        emotion=["fear", "fear"] + ["neutral"] * 500, subject=["Ann", "Ann", *range(500)]
    )
    assert words(baselines.subject_name(faces))[:2] == ["fear", "fear"]


def test_the_oracle_is_never_wrong_on_two_emotions_and_never_right_on_the_rest(drawn):
    oracle = baselines.happy_or_neutral(drawn)
    found = from_confusion(confusion(oracle))
    assert found["recall"].tolist() == [float(emotion in MAJORITY) for emotion in EMOTIONS]
    assert found["accuracy"] == drawn.table.emotion.isin(MAJORITY).mean()
    assert set(np.array(words(oracle))[~drawn.table.emotion.isin(MAJORITY)]) == {"neutral"}


def test_four_baselines_stand_beside_every_table_each_sure_of_each_photo(drawn):
    predictions_list = baselines.all_of_them(drawn)
    assert len({p.name for p in predictions_list}) == 4
    for p in predictions_list:
        assert p.table.photo.tolist() == drawn.table.photo.tolist() and not p.leaky and p.runs == ()
        assert p.table[["subject", "source", "emotion"]].equals(
            drawn.table[["subject", "source", "emotion"]]
        )
        assert p.probabilities.shape == (len(drawn), 8) and p.probabilities.dtype == np.float32
        assert np.array_equal(np.sort(p.probabilities, axis=1)[:, -2:], [[0, 1]] * len(drawn))


def test_what_people_called_a_photo_stands_beside_its_label(faces_of):
    faces = faces_of(photo=["a", "b", "c"], emotion=["fear", "anger", "neutral"])
    rows, columns = (
        [("c", "sadness", "x"), ("a", "fear", "y"), ("unknown", "fear", "x"), ("b", None, "x")],
        ["photo", "emotion", "annotator"],
    )
    people = baselines.second_opinions(faces, pd.DataFrame(rows, columns=columns))
    assert people.table.photo.tolist() == ["c", "a"] and people.table.emotion.tolist() == [
        "neutral",
        "fear",
    ]
    assert words(people) == ["sadness", "fear"] and people.table.annotator.tolist() == ["x", "y"]
    assert len(baselines.second_opinions(faces, pd.DataFrame(columns=columns))) == 0
