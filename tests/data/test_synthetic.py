"""Synthetic faces: what was asked for is what is drawn, and every knob turns one thing only."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from emoclass.data.synthetic import SyntheticConfig, draw
from emoclass.data.synthetic_face import ALL_UNITS, POSE, SUBJECT, action_units, paint
from emoclass.errors import InputError
from emoclass.faces import COLUMNS
from emoclass.labels import EMOTIONS

FEW = (3, 2, 3, 2, 5, 6, 2, 3)
PLAIN = SyntheticConfig(
    counts=FEW, subject_label_bias=0, film=0, style=0, noise=0, intensity=(1, 1)
)
BUSY = SyntheticConfig(counts=FEW, photos_per_subject=(2, 2), film=0.5, duplicates=4)


def small(config, **changes):
    seed = changes.pop("seed", 0)
    return draw(replace(config, **changes), size=16, seed=seed)


def average_face(emotion="neutral", strength=1.0, side="right"):
    """(48, 48) int: the face whose every trait is average, so much moved."""
    units = action_units(emotion, side)
    face = {name: np.full((1, 1), value, float) for name, (value, _) in (SUBJECT | POSE).items()}
    return paint(
        face, {unit: strength * np.array([units.get(unit, (0, 0))]) for unit in ALL_UNITS}, 48
    )[0].astype(int)


def test_the_same_seed_draws_the_same_bits_and_another_seed_draws_others():
    assert small(BUSY).digest == small(BUSY).digest
    assert small(BUSY, seed=1).digest != small(BUSY).digest


def test_faces_drawn_in_many_blocks_are_the_same_as_in_one(monkeypatch):
    whole = small(BUSY)
    monkeypatch.setattr("emoclass.data.synthetic.BLOCK", 7)
    assert small(BUSY).digest == whole.digest


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.integers(0, 4), min_size=8, max_size=8).filter(any),
    st.sampled_from([(0,) * 8, (0.3,) * 8, (0, 0, 1, 0, 0, 0, 0.5, 0)]),
)
def test_counts_are_obeyed_whatever_the_emotions_and_sources(counts, film):
    faces = small(PLAIN, counts=tuple(counts), film=film)
    assert faces.counts.tolist() == counts
    stills = faces.select((faces.table.source == "film").to_numpy()).counts.tolist()
    assert stills == [round(share * count) for share, count in zip(film, counts)]


def test_the_default_has_the_imbalance_of_the_photo_collection():
    real = np.array([252, 9, 208, 21, 5696, 6868, 268, 368])  # in the order of EMOTIONS
    expected = real * 1600 / real.sum()
    assert np.all(np.abs(np.array(SyntheticConfig().counts) - np.maximum(expected, 10)) <= 1)


def test_rows_stand_in_the_order_of_their_names_and_emotions_are_mixed():
    faces = small(BUSY, duplicates=0)
    assert faces.table.photo.is_monotonic_increasing
    assert not faces.table.emotion.is_monotonic_increasing
    assert tuple(faces.table) == COLUMNS and faces.name == "synthetic" and not faces.is_copy.any()


def test_a_flip_keeps_contempt_one_sided_and_a_smile_symmetric():
    smirk, smile = average_face("contempt"), average_face("happiness")
    one_sided, symmetric = (np.abs(face - face[:, ::-1]) for face in (smirk, smile))
    assert one_sided.max() > 60 > 10 > symmetric.max()
    assert np.abs(smirk[:, ::-1] - average_face("contempt", side="left")).max() <= 10


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_without_intensity_every_emotion_looks_neutral(emotion):
    assert np.array_equal(average_face(emotion, 0), average_face())


def test_the_stronger_an_expression_the_farther_from_neutral():
    for emotion in set(EMOTIONS) - {"neutral"}:
        pictures = [average_face(emotion, strength) for strength in (0, 0.5, 1)]
        half, whole = (np.abs(picture - pictures[0]).sum() for picture in pictures[1:])
        assert 0 < half < whole, emotion


@pytest.mark.parametrize(
    "knob", [{"noise": 5.0}, {"film": 0.5, "style": 1.0}, {"intensity": (0.3, 1)}]
)
def test_each_knob_alone_changes_the_pictures_and_nothing_else(knob):
    plain, turned = small(PLAIN), small(PLAIN, **knob)
    assert not np.array_equal(plain.pixels, turned.pixels)
    assert plain.table.emotion.equals(turned.table.emotion)


def test_subjects_show_several_emotions_and_few_have_many_photos():
    faces = small(PLAIN, counts=(20,) * 8, photos_per_subject=(4, 1))
    photos = faces.table.subject.value_counts()
    assert photos.mean() == 4 and photos.max() > 2 * photos.median()
    assert faces.table.groupby("subject").emotion.nunique().max() > 3


def test_a_bias_ties_emotions_to_subjects():
    def purity(subject_label_bias):
        table = small(
            PLAIN,
            counts=(25,) * 8,
            photos_per_subject=(8, 1),
            subject_label_bias=subject_label_bias,
        ).table
        return table.groupby("subject").emotion.agg(
            lambda shown: shown.value_counts().iloc[0]
        ).sum() / len(table)

    assert purity(4.0) > purity(0.0) + 0.15


def test_without_style_the_sources_look_the_same_and_with_it_film_is_darker():
    same, unlike = (small(PLAIN, film=0.5, style=style) for style in (0.0, 1.0))
    film = (same.table.source == "film").to_numpy()
    assert 0 < film.sum() < len(same)
    assert np.array_equal(unlike.pixels[~film], same.pixels[~film])
    assert unlike.pixels[film].mean() < 0.95 * same.pixels[film].mean()


def test_duplicates_are_the_same_bytes_in_one_cluster_under_other_names():
    faces = small(BUSY)
    once = small(BUSY, duplicates=0)
    again = np.flatnonzero(faces.table.duplicate_id != faces.table.photo)
    assert len(again) == 4 and len(faces) == len(once) + 4
    for row in again:
        first = np.flatnonzero(faces.table.photo == faces.table.duplicate_id[row])[0]
        assert np.array_equal(faces.pixels[row], faces.pixels[first])
        assert faces.table.subject[row] != faces.table.subject[first]
        assert faces.table.emotion[row] == faces.table.emotion[first]
    assert np.array_equal(faces.pixels[: len(once)], once.pixels)
    assert faces.table.iloc[: len(once)].equals(once.table)


def test_a_larger_picture_shows_the_same_face():
    small_, large = (draw(PLAIN, size=size).pixels for size in (24, 96))
    shrunk = large.reshape(-1, 24, 4, 24, 4).mean(axis=(2, 4))
    assert np.abs(shrunk - small_).mean() < 2


def test_faces_without_distractions_are_easy_to_tell_apart():
    easy = draw(replace(PLAIN, counts=(80,) * 8), size=24)
    pixels, half = easy.pixels.reshape(len(easy), -1) / 255, len(easy) // 2
    model = LogisticRegression(max_iter=200).fit(pixels[:half], easy.labels[:half])
    assert model.score(pixels[half:], easy.labels[half:]) > 0.95


@pytest.mark.parametrize(
    "knobs, message",
    [
        ({"counts": (1, 2)}, "counts must be eight whole numbers"),
        ({"counts": (1, 1, 1, -1, 1, 1, 1, 1)}, "counts must be eight whole numbers from 0 up"),
        ({"counts": (0,) * 8}, "not all of them 0"),
        ({"counts": (0.5,) * 8}, "counts must be eight whole numbers"),
        ({"photos_per_subject": (0.5, 2)}, "photos_per_subject must be"),
        ({"intensity": (0.8, 0.2)}, "intensity must be"),
        ({"intensity": (0, 2)}, "intensity must be"),
        ({"film": 1.2}, "film must be a share"),
        ({"film": (0.5,) * 7}, "film must be a share"),
        ({"duplicates": 10_000}, "duplicates must be"),
        ({"noise": -1}, "noise must be 0 or more, but is -1"),
    ],
)
def test_an_impossible_drawing_is_refused_in_one_sentence(knobs, message):
    with pytest.raises(InputError, match=message):
        SyntheticConfig(**knobs)


def test_a_face_of_too_few_pixels_is_refused():
    with pytest.raises(InputError, match="11 pixels is too small"):
        draw(PLAIN, size=11)
