"""Copies remember their parent, come on top of the originals, and are the same whoever makes them."""

import hashlib
from collections import Counter
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import emoclass.augment as module
from emoclass.augment import (
    OfflineAugmentation,
    OnlineAugmentation,
    augmentation_layer,
    copies_per_photo,
    warp,
    with_copies,
)
from emoclass.backend import keras
from emoclass.errors import InputError
from emoclass.labels import EMOTIONS, MINORITY

GRADIENT = (np.add.outer(np.arange(24) * 7, np.arange(24) * 3) % 256).astype(np.uint8)
STILL = OfflineAugmentation(target_count=1, rotation=0, shift=0, zoom=0, flip=False)


def copies_of(faces, copies, seed=0):
    """{name: picture} of the copies alone."""
    enlarged = with_copies(faces, copies, seed)
    return dict(zip(enlarged.table.photo[enlarged.is_copy], enlarged.pixels[enlarged.is_copy]))


# the warp


def test_a_warp_is_the_same_bits_everywhere():
    warped = warp(GRADIENT, degrees=11, right=1.5, down=-0.75, zoom=1.07, flip=True)
    assert cv2.__version__.startswith("4.")  # version 5 warps differently
    assert hashlib.sha256(warped).hexdigest() == "9302a1770ab356de3c8b774886876fc47e94bcae0b8eb7c1d5d116e3ec9faabf"


def test_a_warp_that_moves_nothing_changes_nothing(drawn):
    for picture in (GRADIENT, *drawn.pixels[:3]):
        assert np.array_equal(warp(picture), picture)


def test_a_flip_is_the_mirror_image_and_nothing_else():
    assert np.array_equal(warp(GRADIENT, flip=True), GRADIENT[:, ::-1])
    assert np.array_equal(warp(warp(GRADIENT, flip=True), flip=True), GRADIENT)


def test_a_shift_moves_right_and_down_by_whole_pixels():
    assert np.array_equal(warp(GRADIENT, right=2)[:, 2:], GRADIENT[:, :-2])
    assert np.array_equal(warp(GRADIENT, down=3)[3:], GRADIENT[:-3])


def test_what_comes_into_view_is_the_picture_s_own_reflection():
    assert np.array_equal(warp(GRADIENT, right=2)[:, :2], GRADIENT[:, 2:0:-1])
    assert warp(np.full((24, 24), 200, np.uint8), degrees=30, right=9, zoom=0.7).min() == 200  # no black corner


def test_a_quarter_turn_is_about_the_centre():
    assert np.array_equal(warp(GRADIENT, degrees=90), np.rot90(GRADIENT))


def test_zooming_in_enlarges_what_is_in_the_middle():
    square = np.zeros((24, 24), np.uint8)
    square[8:16, 8:16] = 255
    assert (warp(square, zoom=2)[5:19, 5:19] == 255).all()
    assert warp(square, zoom=2)[:3].max() == 0


def test_the_picture_handed_in_is_left_alone():
    before = GRADIENT.copy()
    warp(GRADIENT, degrees=20, flip=True)
    assert np.array_equal(GRADIENT, before)


# how many


@settings(max_examples=50)
@given(
    counts=st.lists(st.integers(0, 6), min_size=8, max_size=8).filter(any),
    target_count=st.integers(1, 15),
    classes=st.sets(st.sampled_from(EMOTIONS)),
    seed=st.integers(0, 9),
)
def test_each_emotion_asked_for_reaches_its_number_and_the_others_stay(faces_of, counts, to, of, seed):
    faces = faces_of(emotion=np.repeat(EMOTIONS, counts))
    enlarged = with_copies(faces, replace(STILL, target_count=to, classes=tuple(of)), seed)
    for emotion, before, posthoc in zip(EMOTIONS, counts, enlarged.counts):
        assert posthoc == (max(before, to) if emotion in of and before else before)
    per_photo = copies_per_photo(faces, OfflineAugmentation(target_count=to, classes=tuple(of)), seed)
    for emotion in EMOTIONS:
        made = per_photo[faces.table.emotion == emotion]
        assert not made.size or made.max() - made.min() <= 1
    assert Counter(enlarged.table.parent[enlarged.is_copy]) == Counter(
        dict(zip(faces.table.photo[per_photo > 0], per_photo[per_photo > 0]))
    )


@settings(max_examples=50)
@given(
    counts=st.lists(st.integers(0, 6), min_size=8, max_size=8).filter(any),
    per_image=st.integers(1, 5),
    classes=st.sets(st.sampled_from(EMOTIONS)),
    seed=st.integers(0, 9),
)
def test_by_each_every_photo_asked_for_gets_exactly_so_many_copies(faces_of, counts, each, of, seed):
    faces = faces_of(emotion=np.repeat(EMOTIONS, counts))
    copies = replace(STILL, target_count=0, per_image=each, classes=tuple(of))
    enlarged = with_copies(faces, copies, seed)
    target_column = faces.table.photo[faces.table.emotion.isin(of)]
    assert Counter(enlarged.table.parent[enlarged.is_copy]) == dict.fromkeys(target_column, each)
    assert copies_per_photo(faces, copies, seed).sum() == len(enlarged) - len(faces) == each * len(target_column)


@pytest.mark.parametrize(
    "copies, photos, missing",
    [
        (OfflineAugmentation(target_count=9), 4, 5),
        (OfflineAugmentation(target_count=9), 9, 0),
        (OfflineAugmentation(target_count=9), 12, 0),
        (OfflineAugmentation(target_count=9), 0, 0),
        (OfflineAugmentation(per_image=3), 4, 12),
        (OfflineAugmentation(per_image=3), 0, 0),
    ],
)
def test_how_many_copies_are_missing_is_known_beforehand(faces_of, copies, photos, missing):
    assert copies.missing(photos) == missing
    if photos:
        faces = faces_of(emotion=["fear"] * photos)
        assert len(with_copies(faces, copies)) == photos + missing


def test_which_photos_get_one_copy_more_depends_on_the_seed(faces_of):
    faces = faces_of(emotion=["fear"] * 20)
    chosen = [tuple(copies_per_photo(faces, OfflineAugmentation(target_count=25), seed)) for seed in (0, 0, 1)]
    assert chosen[0] == chosen[1] != chosen[2]
    assert sum(chosen[0]) == sum(chosen[2]) == 5


def test_scarce_emotions_alone_are_copied_unless_said(drawn):
    enlarged = with_copies(drawn, OfflineAugmentation(target_count=40))
    assert set(enlarged.table.emotion[enlarged.is_copy]) == set(MINORITY)


def test_without_copies_the_very_same_faces_come_back(drawn):
    assert with_copies(drawn, None) is drawn


def test_where_there_are_enough_none_is_made(drawn):
    assert with_copies(drawn, OfflineAugmentation(target_count=3)).digest == drawn.digest


# what they are


def test_originals_stay_in_place_and_as_they_were(drawn):
    before = drawn.pixels.copy()
    enlarged = with_copies(drawn, OfflineAugmentation(target_count=9))
    n = len(drawn)
    assert enlarged.table.iloc[:n].equals(drawn.table) and np.array_equal(enlarged.pixels[:n], before)
    assert np.array_equal(drawn.pixels, before)
    assert enlarged.is_copy[n:].all() and not enlarged.is_copy[:n].any()
    assert enlarged.name == drawn.name and enlarged.report == drawn.report


def test_a_copy_is_known_by_its_parent_s_everything_but_its_name(drawn):
    enlarged = with_copies(drawn, OfflineAugmentation(target_count=9))
    copies = enlarged.table[enlarged.is_copy]
    parents = drawn.table.set_index("photo").loc[copies.parent]
    for column in ("emotion", "subject", "source", "annotator", "parent", "duplicate_id"):
        known = copies.parent if column == "parent" else parents[column]
        assert copies[column].tolist() == known.tolist()
    names = {f"{parent}, copy {k}" for parent, n in Counter(copies.parent).items() for k in range(1, n + 1)}
    assert set(copies.photo) == names


def test_a_copy_is_alike_to_what_its_parent_is_alike_to(faces_of):
    faces = faces_of(photo=list("abc"), emotion="fear", duplicate_id=list("abc"), near_duplicate_id=list("aac"))
    enlarged = with_copies(faces, OfflineAugmentation(per_image=2))
    assert enlarged.table.near_duplicate_id.tolist() == list("aacaaaacc")
    assert enlarged.table.duplicate_id.tolist() == list("abcaabbcc")


def test_a_copy_shows_its_parent_and_nobody_else(drawn):
    faces = drawn.select(drawn.table.emotion == "fear")
    slight = OfflineAugmentation(target_count=12, rotation=2, shift=0, zoom=0.01, flip=False)
    for name, picture in copies_of(faces, slight).items():
        distance = np.abs(faces.pixels - picture.astype(float)).mean((1, 2))
        assert f"{faces.table.photo[distance.argmin()]}, copy" in name


def test_copies_of_one_photo_differ_from_it_and_from_one_another(drawn):
    one = drawn.select([int(np.flatnonzero(drawn.table.emotion == "fear")[0])])
    pictures = with_copies(one, OfflineAugmentation(target_count=10)).pixels
    assert len(np.unique(pictures, axis=0)) == 10


def test_a_copy_depends_on_the_seed_its_photo_and_its_number_alone(drawn):
    fear = np.flatnonzero(drawn.table.emotion == "fear")
    among_all = copies_of(drawn, OfflineAugmentation(target_count=9, classes=("contempt", "fear")))  # two of each
    for rows in (fear[:1], fear[::-1]):
        alone = copies_of(drawn.select(rows), OfflineAugmentation(target_count=3 * len(rows), classes=("fear",)))
        assert len(alone) == 2 * len(rows)
        assert all(np.array_equal(picture, among_all[name]) for name, picture in alone.items())


def test_another_seed_makes_other_copies(drawn):
    one, again, other = (copies_of(drawn, OfflineAugmentation(target_count=9, classes=("fear",)), seed) for seed in (0, 0, 1))
    assert one.keys() == other.keys()
    assert all(np.array_equal(one[name], again[name]) for name in one)
    assert not any(np.array_equal(one[name], other[name]) for name in one)


def test_more_copies_leave_the_first_ones_as_they_were(drawn):
    few, many = (copies_of(drawn, OfflineAugmentation(target_count=to, classes=("fear",))) for to in (9, 30))
    assert few.keys() < many.keys()
    assert all(np.array_equal(few[name], many[name]) for name in few)


def test_each_movement_can_be_switched_off_and_then_a_copy_is_its_parent(drawn):
    parents = dict(zip(drawn.table.photo, drawn.pixels))
    for name, picture in copies_of(drawn, replace(STILL, target_count=12)).items():
        assert np.array_equal(picture, parents[name.split(", copy")[0]])


def test_with_the_flip_alone_some_copies_are_mirrored_and_some_are_not(drawn):
    parents, mirrored = dict(zip(drawn.table.photo, drawn.pixels)), []
    for name, picture in copies_of(drawn, replace(STILL, target_count=20, flip=True)).items():
        parent = parents[name.split(", copy")[0]]
        mirrored.append(np.array_equal(picture, parent[:, ::-1]))
        assert mirrored[-1] or np.array_equal(picture, parent)
    assert 0.35 < np.mean(mirrored) < 0.65


@pytest.mark.parametrize("copies", [OfflineAugmentation(target_count=60), OfflineAugmentation(target_count=60, rotation=3, shift=0.25, zoom=0.5, flip=False)])
def test_movements_stay_within_their_limits_and_fill_them(drawn, copies, monkeypatch):
    moved = []
    monkeypatch.setattr(module, "warp", lambda picture, **how: moved.append(how) or picture)
    with_copies(drawn, copies)
    shift = copies.shift * drawn.size
    limits = {"degrees": (0, copies.rotation), "right": (0, shift), "down": (0, shift), "zoom": (1, copies.zoom)}
    for what, (middle, reach) in limits.items():
        values = (np.array([how[what] for how in moved]) - middle) / reach
        assert np.abs(values).max() <= 1 and values.min() < -0.9 and values.max() > 0.9
        assert abs(values.mean()) < 0.15
    assert np.mean([how["flip"] for how in moved]) == pytest.approx(0.5 * copies.flip, abs=0.1)


@pytest.mark.parametrize("of", [("joy",), "fear", ("fear", "Contempt")])
def test_copies_of_what_is_no_emotion_are_refused(of):
    with pytest.raises(InputError, match=r"copies of .*fear|joy"):
        OfflineAugmentation(target_count=10, classes=of)


@pytest.mark.parametrize("wrong", [{}, {"to": 3, "each": 2}, {"to": -1}, {"each": -2}, {"to": 3, "each": -1}])
def test_either_a_number_to_reach_or_a_number_for_each_is_asked_for(wrong):
    predicted = {"to": 0, "each": 0} | wrong
    with pytest.raises(InputError, match=f"to={predicted['to']} and each={predicted['each']}: one of them must be above 0"):
        OfflineAugmentation(**wrong)


# changed anew each time

NOTHING = OnlineAugmentation(rotation=0, shift=0, zoom=0, contrast=0, flip=False)
BATCH = np.random.default_rng(0).uniform(0, 1, (6, 16, 16, 1)).astype(np.float32)
MANY = 400


def spot(size=33, right=0, down=0):
    """A soft bright spot on black, so far from the middle, as one picture of a batch."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    return np.exp(-((x - right) ** 2 + (y - down) ** 2) / 8)[None, :, :, None].astype(np.float32)


def jittered(online_augmentation, pictures, seed=0):
    return np.array(augmentation_layer(online_augmentation, seed)(pictures, training=True))


def places(pictures):
    """(n, 2) float: how far to the right of the middle, and below it, the spot is."""
    middle = (pictures.shape[1] - 1) / 2
    share = pictures[..., 0] / pictures.sum((1, 2, 3))[:, None, None]
    along = np.arange(pictures.shape[1]) - middle
    return np.stack([share.sum(1) @ along, share.sum(2) @ along], axis=1)


def fills(values, low, high):
    """Within these limits, near both of them, and as often on one side as on the other."""
    slack = 0.06 * (high - low)
    assert low - slack / 2 <= values.min() < low + slack and high - slack < values.max() <= high + slack / 2
    assert values.mean() == pytest.approx((low + high) / 2, abs=2 * slack)


def test_a_picture_is_changed_in_training_alone():
    layer = augmentation_layer(OnlineAugmentation())
    assert np.array_equal(np.array(layer(BATCH, training=False)), BATCH)
    assert np.array_equal(np.array(layer(BATCH)), BATCH)
    assert np.abs(np.array(layer(BATCH, training=True)) - BATCH).mean((1, 2, 3)).min() > 0.01


def test_the_same_seed_makes_the_same_changes_and_another_seed_others():
    def three_times(seed):
        layer = augmentation_layer(OnlineAugmentation(), seed)
        return np.array([layer(BATCH, training=True) for _ in range(3)])

    assert np.array_equal(three_times(5), three_times(5))
    assert not np.array_equal(three_times(5), three_times(6))


def test_each_picture_is_changed_otherwise_and_otherwise_each_time():
    layer, near_duplicate_id = augmentation_layer(OnlineAugmentation()), BATCH[:1].repeat(5, axis=0)
    seen = np.concatenate([layer(near_duplicate_id, training=True) for _ in range(3)])
    assert len(np.unique(seen.round(4), axis=0)) == 15


def test_what_is_switched_off_changes_nothing():
    np.testing.assert_allclose(jittered(NOTHING, BATCH), BATCH, atol=1e-5)


def test_with_the_flip_alone_half_of_the_pictures_are_mirrored_and_no_more_is_done_to_them():
    seen = jittered(replace(NOTHING, flip=True), BATCH[:1].repeat(MANY, axis=0))
    mirrored = np.abs(seen - BATCH[0, :, ::-1]).max((1, 2, 3)) < 1e-4
    untouched = np.abs(seen - BATCH[0]).max((1, 2, 3)) < 1e-4
    assert (mirrored ^ untouched).all() and 0.4 < mirrored.mean() < 0.6


def test_with_the_contrast_alone_greys_move_away_from_their_mean_by_one_share_for_all():
    seen = jittered(replace(NOTHING, contrast=0.3), BATCH[:1].repeat(MANY, axis=0))
    away = BATCH[0] - BATCH[0].mean()
    share = ((seen - BATCH[0].mean()) * away).sum((1, 2, 3)) / (away**2).sum()
    np.testing.assert_allclose(seen, BATCH[0].mean() + share[:, None, None, None] * away, atol=1e-5)
    fills(share, 0.7, 1.3)


@pytest.mark.parametrize("flip", [False, True])
def test_shifts_stay_within_their_limit_in_both_directions_and_fill_it(flip):
    right, down = places(jittered(replace(NOTHING, shift=0.2, flip=flip), spot().repeat(MANY, axis=0))).T
    fills(right, -0.2 * 33, 0.2 * 33)
    fills(down, -0.2 * 33, 0.2 * 33)
    assert abs(np.corrcoef(right, down)[0, 1]) < 0.2


def test_turns_are_about_the_middle_within_their_limit():
    right, down = places(jittered(replace(NOTHING, rotation=30), spot(right=8).repeat(MANY, axis=0))).T
    np.testing.assert_allclose(np.hypot(right, down), 8, atol=0.1)
    fills(np.degrees(np.arctan2(down, right)), -30, 30)


def test_zooms_are_about_the_middle_and_alike_in_both_directions():
    right, down = places(jittered(replace(NOTHING, zoom=0.25), spot(right=6, down=3).repeat(MANY, axis=0))).T
    np.testing.assert_allclose(right, 2 * down, atol=0.1)
    fills(6 / right, 0.75, 1.25)


@settings(max_examples=20)
@given(
    rotation=st.floats(0, 90),
    shift=st.floats(0, 0.5),
    zoom=st.floats(0, 0.5),
    flip=st.booleans(),
    seed=st.integers(0, 9),
)
def test_moved_pictures_show_no_grey_that_was_not_there(rotation, shift, zoom, flip, seed):
    seen = jittered(OnlineAugmentation(rotation, shift, zoom, contrast=0, flip=flip), BATCH, seed)
    assert seen.shape == BATCH.shape and seen.dtype == np.float32
    low, high = BATCH.min((1, 2, 3)), BATCH.max((1, 2, 3))
    assert (seen.min((1, 2, 3)) >= low - 1e-5).all() and (seen.max((1, 2, 3)) <= high + 1e-5).all()


def test_no_black_corner_comes_into_view():
    grey = np.full((50, 16, 16, 1), 0.75, np.float32)
    np.testing.assert_allclose(jittered(OnlineAugmentation(rotation=45, shift=0.3, zoom=0.5), grey), 0.75, atol=1e-5)


def test_jitter_is_drawn_in_full_precision_whatever_the_net_is_in():
    keras().config.set_dtype_policy("mixed_bfloat16")
    try:
        seen = augmentation_layer(NOTHING)(BATCH, training=True)
    finally:
        keras().config.set_dtype_policy("float32")
    assert keras().backend.standardize_dtype(seen.dtype) == "float32"
    np.testing.assert_allclose(np.array(seen), BATCH, atol=1e-5)
