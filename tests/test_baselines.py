"""What can be said without a look at the face, against the slowest way of finding it out."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emoclass import baselines
from emoclass.labels import COMMON, EMOTIONS
from emoclass.scores import confusion, metrics

rows = st.lists(
    st.tuples(st.sampled_from(EMOTIONS[:4]), st.integers(0, 3), st.integers(0, 1)), min_size=2, max_size=14
)


def faces_from(faces_of, rows):
    emotion, person, source = zip(*rows)
    return faces_of(emotion=emotion, person=person, source=source)


def slowly(emotions, groups):
    """For each photo the emotion most frequent among the others of its group; ties as among all the others."""
    said = []
    for k, group in enumerate(groups):
        others = Counter(e for j, (e, g) in enumerate(zip(emotions, groups)) if g == group and j != k)
        overall = Counter(e for j, e in enumerate(emotions) if j != k)
        said.append(max(EMOTIONS, key=lambda e: (others[e], overall[e], -EMOTIONS.index(e))))
    return said


def words(predictions):
    return [EMOTIONS[k] for k in predictions.guess]


@given(rows)
def test_a_person_s_name_says_what_most_of_the_person_s_other_photos_say(faces_of, rows):
    faces = faces_from(faces_of, rows)
    assert words(baselines.person_name(faces)) == slowly(list(faces.table.emotion), list(faces.table.person))


@given(rows)
def test_a_source_says_what_most_of_its_other_photos_say(faces_of, rows):
    faces = faces_from(faces_of, rows)
    assert words(baselines.source(faces)) == slowly(list(faces.table.emotion), list(faces.table.source))


@given(rows)
def test_the_majority_is_that_of_all_other_photos(faces_of, rows):
    faces = faces_from(faces_of, rows)
    assert words(baselines.majority(faces)) == slowly(list(faces.table.emotion), [""] * len(faces))


def test_who_has_no_other_photo_gets_the_majority(faces_of):
    faces = faces_of(emotion=["fear", "fear", "fear", "anger"], person=["Ann", "Ann", "Ann", "Bob"])
    assert words(baselines.person_name(faces))[3] == "fear"


def test_no_photo_has_a_vote_of_its_own(faces_of):
    faces = faces_of(emotion=["fear", "anger"], person=["Ann", "Ann"])
    assert words(baselines.person_name(faces)) == words(baselines.majority(faces)) == ["anger", "fear"]


def test_one_vote_of_the_person_outweighs_all_the_others(faces_of):
    faces = faces_of(emotion=["fear", "fear"] + ["neutral"] * 500, person=["Ann", "Ann", *range(500)])
    assert words(baselines.person_name(faces))[:2] == ["fear", "fear"]


def test_the_oracle_is_never_wrong_on_two_emotions_and_never_right_on_the_rest(drawn):
    oracle = baselines.happy_or_neutral(drawn)
    found = metrics(confusion(oracle))
    assert found["recall"].tolist() == [float(emotion in COMMON) for emotion in EMOTIONS]
    assert found["accuracy"] == drawn.table.emotion.isin(COMMON).mean()
    assert set(np.array(words(oracle))[~drawn.table.emotion.isin(COMMON)]) == {"neutral"}


def test_always_neutral_is_right_as_often_as_neutral_occurs(faces_of):
    faces = faces_of(emotion=["neutral"] * 7 + ["fear"] * 3)
    assert metrics(confusion(baselines.majority(faces)))["accuracy"] == pytest.approx(0.7)


def test_four_baselines_stand_beside_every_table_each_sure_of_each_photo(drawn):
    spoken = baselines.all_of_them(drawn)
    assert len({p.name for p in spoken}) == 4
    for p in spoken:
        assert p.table.photo.tolist() == drawn.table.photo.tolist() and not p.leaky and p.runs == ()
        assert p.table[["person", "source", "emotion"]].equals(drawn.table[["person", "source", "emotion"]])
        assert p.probabilities.shape == (len(drawn), 8) and p.probabilities.dtype == np.float32
        assert np.array_equal(np.sort(p.probabilities, axis=1)[:, -2:], [[0, 1]] * len(drawn))
