"""Copies remember their parent, come on top of the originals, and are the same whoever makes them."""

import hashlib
import re
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


def up_to(target_count, *classes, **how):
    return OfflineAugmentation(target_count=target_count, classes=classes or MINORITY, **how)


def copies_of(faces, augmentation, seed=0):
    """{name: picture} of the copies alone."""
    enlarged = with_copies(faces, augmentation, seed)
    return dict(zip(enlarged.table.photo[enlarged.is_copy], enlarged.pixels[enlarged.is_copy]))


# the warp


def test_a_warp_is_the_same_bits_everywhere():
    warped = warp(GRADIENT, degrees=11, right=1.5, down=-0.75, zoom=1.07, flip=True)
    assert cv2.__version__.startswith("4.")  # version 5 warps differently
    assert (
        hashlib.sha256(warped).hexdigest()
        == "7655ea9efef4582ec11a974b1f9520a43c65f44e7c16ffd6b5e4f8f462e6141f"
    )


def test_each_movement_alone_does_what_its_name_says_and_the_picture_handed_in_is_left_alone():
    before = GRADIENT.copy()
    for warped, expected in (
        (warp(GRADIENT), before),
        (warp(GRADIENT, flip=True), before[:, ::-1]),
        (warp(GRADIENT, right=2)[:, 2:], before[:, :-2]),
        (warp(GRADIENT, down=3)[3:], before[:-3]),
        (warp(GRADIENT, degrees=90), np.rot90(before)),
    ):
        assert np.array_equal(warped, expected)
    assert np.array_equal(GRADIENT, before)


def test_what_comes_into_view_is_the_picture_s_own_reflection():
    assert np.array_equal(warp(GRADIENT, right=2)[:, :2], GRADIENT[:, 1::-1])
    assert (
        warp(np.full((24, 24), 200, np.uint8), degrees=30, right=9, zoom=0.7).min() == 200
    )  # no black corner


def test_zooming_in_enlarges_what_is_in_the_middle():
    square = np.zeros((24, 24), np.uint8)
    square[8:16, 8:16] = 255
    assert (warp(square, zoom=2)[5:19, 5:19] == 255).all()
    assert warp(square, zoom=2)[:3].max() == 0


# how many

counts_of_each = st.lists(st.integers(0, 6), min_size=8, max_size=8).filter(any)
some_classes = st.sets(st.sampled_from(EMOTIONS)).map(tuple)


@settings(max_examples=50)
@given(
    counts=counts_of_each, target=st.integers(1, 15), classes=some_classes, seed=st.integers(0, 9)
)
def test_each_class_asked_for_reaches_its_count_and_the_others_stay(
    faces_of, counts, target, classes, seed
):
    faces = faces_of(emotion=np.repeat(EMOTIONS, counts))
    augmentation = replace(STILL, target_count=target, classes=classes)
    enlarged = with_copies(faces, augmentation, seed)
    for emotion, before, now in zip(EMOTIONS, counts, enlarged.counts):
        assert now == (max(before, target) if emotion in classes and before else before)
    per_photo = copies_per_photo(faces, augmentation, seed)
    for emotion in EMOTIONS:
        made = per_photo[faces.table.emotion == emotion]
        assert not made.size or made.max() - made.min() <= 1
    assert Counter(enlarged.table.parent[enlarged.is_copy]) == Counter(
        dict(zip(faces.table.photo[per_photo > 0], per_photo[per_photo > 0]))
    )


@settings(max_examples=50)
@given(
    counts=counts_of_each, per_image=st.integers(1, 5), classes=some_classes, seed=st.integers(0, 9)
)
def test_per_image_every_photo_asked_for_gets_exactly_so_many(
    faces_of, counts, per_image, classes, seed
):
    faces = faces_of(emotion=np.repeat(EMOTIONS, counts))
    augmentation = replace(STILL, target_count=0, per_image=per_image, classes=classes)
    enlarged = with_copies(faces, augmentation, seed)
    chosen = faces.table.photo[faces.table.emotion.isin(classes)]
    assert Counter(enlarged.table.parent[enlarged.is_copy]) == dict.fromkeys(chosen, per_image)


@pytest.mark.parametrize(
    "how, photos, missing",
    [
        ({"target_count": 9}, 4, 5),
        ({"target_count": 9}, 9, 0),
        ({"target_count": 9}, 12, 0),
        ({"target_count": 9}, 0, 0),
        ({"per_image": 3}, 4, 12),
        ({"per_image": 3}, 0, 0),
    ],
)
def test_how_many_copies_are_missing_is_known_beforehand(faces_of, how, photos, missing):
    augmentation = OfflineAugmentation(**how)
    assert augmentation.missing(photos) == missing
    if photos:
        assert (
            len(with_copies(faces_of(emotion=["fear"] * photos), augmentation)) == photos + missing
        )


def test_which_photos_get_one_copy_more_depends_on_the_seed(faces_of):
    faces = faces_of(emotion=["fear"] * 20)
    one, again, other = (tuple(copies_per_photo(faces, up_to(25), seed)) for seed in (0, 0, 1))
    assert one == again != other and sum(one) == sum(other) == 5


def test_minority_classes_alone_are_augmented_unless_others_are_named(drawn):
    enlarged = with_copies(drawn, OfflineAugmentation(target_count=40))
    assert set(enlarged.table.emotion[enlarged.is_copy]) == set(MINORITY)


def test_where_none_is_asked_for_or_needed_none_is_made(drawn):
    assert with_copies(drawn, None) is drawn
    assert with_copies(drawn, up_to(3)).digest == drawn.digest


# what they are


def test_originals_stay_in_place_and_as_they_were(drawn):
    before = drawn.pixels.copy()
    enlarged, n = with_copies(drawn, up_to(9)), len(drawn)
    assert enlarged.table.iloc[:n].equals(drawn.table) and np.array_equal(
        enlarged.pixels[:n], before
    )
    assert np.array_equal(drawn.pixels, before)
    assert enlarged.is_copy[n:].all() and not enlarged.is_copy[:n].any()
    assert enlarged.name == drawn.name and enlarged.report == drawn.report


def test_a_copy_has_all_that_is_known_of_its_parent_but_a_name_of_its_own(drawn):
    enlarged = with_copies(drawn, up_to(9))
    copies = enlarged.table[enlarged.is_copy]
    parents = drawn.table.set_index("photo", drop=False).loc[copies.parent]
    for column in drawn.table.columns.drop("photo"):
        assert copies[column].tolist() == parents[column].tolist()
    names = {
        f"{parent}, copy {k}"
        for parent, n in Counter(copies.parent).items()
        for k in range(1, n + 1)
    }
    assert set(copies.photo) == names


def test_a_copy_is_a_near_duplicate_of_whatever_its_parent_is_one_of(faces_of):
    faces = faces_of(photo=list("abc"), emotion="fear", near_duplicate_id=list("aac"))
    enlarged = with_copies(faces, OfflineAugmentation(per_image=2))
    assert enlarged.table.near_duplicate_id.tolist() == list("aacaaaacc")
    assert enlarged.table.duplicate_id.tolist() == list("abcaabbcc")


@pytest.fixture(scope="module")
def once(drawn):
    """Faces none of which is another one's duplicate."""
    return drawn.select((drawn.table.duplicate_id == drawn.table.photo).to_numpy())


def test_a_copy_shows_its_parent_and_nobody_else(once):
    faces = once.select(once.table.emotion == "fear")
    for name, picture in copies_of(
        faces, up_to(12, rotation=2, shift=0, zoom=0.01, flip=False)
    ).items():
        distance = np.abs(faces.pixels - picture.astype(float)).mean((1, 2))
        assert f"{faces.table.photo[distance.argmin()]}, copy" in name


def test_copies_of_one_photo_differ_from_it_and_from_one_another(drawn):
    one = drawn.select([int(np.flatnonzero(drawn.table.emotion == "fear")[0])])
    assert len(np.unique(with_copies(one, up_to(10)).pixels, axis=0)) == 10


def test_a_copy_depends_on_the_seed_its_photo_and_its_number_alone(once):
    drawn = once
    fear = np.flatnonzero(drawn.table.emotion == "fear")
    among_all = copies_of(drawn, up_to(9, "contempt", "fear"))  # two of each
    for rows in (fear[:1], fear[::-1]):
        alone = copies_of(drawn.select(rows), up_to(3 * len(rows), "fear"))
        assert len(alone) == 2 * len(rows)
        assert all(np.array_equal(picture, among_all[name]) for name, picture in alone.items())
    other, more = (
        copies_of(drawn, up_to(9, "contempt", "fear"), seed=1),
        copies_of(drawn, up_to(30, "contempt", "fear")),
    )
    assert among_all.keys() == other.keys() and among_all.keys() < more.keys()
    assert not any(np.array_equal(picture, other[name]) for name, picture in among_all.items())
    assert all(np.array_equal(picture, more[name]) for name, picture in among_all.items())


@pytest.mark.parametrize("flip", [False, True])
def test_what_is_switched_off_changes_nothing_and_the_flip_alone_mirrors_half_of_the_copies(
    drawn, flip
):
    parents, mirrored = dict(zip(drawn.table.photo, drawn.pixels)), []
    for name, picture in copies_of(drawn, replace(STILL, target_count=20, flip=flip)).items():
        parent = parents[name.split(", copy")[0]]
        mirrored.append(np.array_equal(picture, parent[:, ::-1]))
        assert mirrored[-1] or np.array_equal(picture, parent)
    assert 0.35 < np.mean(mirrored) < 0.65 if flip else not any(mirrored)


@pytest.mark.parametrize("how", [{}, {"rotation": 3, "shift": 0.25, "zoom": 0.5, "flip": False}])
def test_movements_stay_within_their_limits_and_fill_them(drawn, how, monkeypatch):
    moved, augmentation = [], up_to(60, **how)
    monkeypatch.setattr(module, "warp", lambda picture, **how: moved.append(how) or picture)
    with_copies(drawn, augmentation)
    shift = augmentation.shift * drawn.size
    limits = {"degrees": (0, augmentation.rotation), "right": (0, shift), "down": (0, shift)}
    for what, (middle, reach) in (limits | {"zoom": (1, augmentation.zoom)}).items():
        values = (np.array([how[what] for how in moved]) - middle) / reach
        assert np.abs(values).max() <= 1 and values.min() < -0.9 and values.max() > 0.9
        assert abs(values.mean()) < 0.15
    assert np.mean([how["flip"] for how in moved]) == pytest.approx(
        0.5 * augmentation.flip, abs=0.1
    )


@pytest.mark.parametrize(
    "classes, named",
    [
        (("awe",), "copies of awe: name some of anger, .*, as a tuple"),
        ("fear", r"copies with classes='fear' \(a tuple of words: \('fear',\)\)"),
        (("fear", "Awe", "delight"), "copies of Awe, delight: name some of"),
    ],
)
def test_copies_of_what_is_no_emotion_are_refused(classes, named):
    with pytest.raises(InputError, match=named):
        OfflineAugmentation(target_count=10, classes=classes)


@pytest.mark.parametrize("target_count, per_image", [(0, 0), (3, 2)])
def test_either_a_count_to_reach_or_a_number_per_image_is_asked_for(target_count, per_image):
    named = f"target_count={target_count} and per_image={per_image}: one of them must be above 0"
    with pytest.raises(InputError, match=named):
        OfflineAugmentation(target_count, per_image)


@pytest.mark.parametrize(
    "kind, values, wrong",
    [
        (OfflineAugmentation, dict(target_count=-1), "target_count=-1 (at least 0)"),
        (OfflineAugmentation, dict(per_image="5"), "per_image='5' (a whole number)"),
        (OfflineAugmentation, dict(per_image=1, zoom=1.1), "zoom=1.1 (from 0 to below 1)"),
        (
            OnlineAugmentation,
            dict(contrast=True, flip=1),
            "contrast=True (a number); flip=1 (True or False)",
        ),
        (OnlineAugmentation, dict(rotation=-5), "rotation=-5.0 (from 0 to 180)"),
        (
            OnlineAugmentation,
            dict(jitter=0.2),
            "OnlineAugmentation has no jitter: it has rotation, shift, zoom",
        ),
        (OnlineAugmentation, dict(rotations=9), "has no rotations: did you mean rotation?"),
    ],
)
def test_what_is_mistyped_is_said_in_one_sentence(kind, values, wrong):
    with pytest.raises(InputError, match=re.escape(wrong)):
        kind(**values)


# online: changed anew each time

NOTHING = OnlineAugmentation(rotation=0, shift=0, zoom=0, contrast=0, flip=False)
BATCH = np.random.default_rng(0).uniform(0, 1, (6, 16, 16, 1)).astype(np.float32)
MANY = 400


def spot(size=33, right=0, down=0):
    """A soft bright spot on black, so far from the middle, as one picture of a batch."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    return np.exp(-((x - right) ** 2 + (y - down) ** 2) / 8)[None, :, :, None].astype(np.float32)


def augmented(augmentation, pictures, seed=0):
    return np.array(augmentation_layer(augmentation, seed)(pictures, training=True))


def places(pictures):
    """(n, 2) float: how far to the right of the middle, and below it, the spot is."""
    middle = (pictures.shape[1] - 1) / 2
    share = pictures[..., 0] / pictures.sum((1, 2, 3))[:, None, None]
    along = np.arange(pictures.shape[1]) - middle
    return np.stack([share.sum(1) @ along, share.sum(2) @ along], axis=1)


def fills(values, low, high):
    """Within these limits, near both of them, and as often on one side as on the other."""
    slack = 0.06 * (high - low)
    assert (
        low - slack / 2 <= values.min() < low + slack
        and high - slack < values.max() <= high + slack / 2
    )
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
    layer, five = augmentation_layer(OnlineAugmentation()), BATCH[:1].repeat(5, axis=0)
    seen = np.concatenate([layer(five, training=True) for _ in range(3)])
    assert len(np.unique(seen.round(4), axis=0)) == 15


@pytest.mark.parametrize("flip", [False, True])
def test_what_is_off_changes_nothing_and_the_flip_alone_mirrors_half_of_the_pictures(flip):
    seen = augmented(replace(NOTHING, flip=flip), BATCH[:1].repeat(MANY, axis=0))
    mirrored = np.abs(seen - BATCH[0, :, ::-1]).max((1, 2, 3)) < 1e-4
    untouched = np.abs(seen - BATCH[0]).max((1, 2, 3)) < 1e-4
    assert (mirrored ^ untouched).all()
    assert 0.4 < mirrored.mean() < 0.6 if flip else untouched.all()


def test_with_the_contrast_alone_greys_move_away_from_their_mean_by_one_share_for_all():
    seen = augmented(replace(NOTHING, contrast=0.3), BATCH[:1].repeat(MANY, axis=0))
    away = BATCH[0] - BATCH[0].mean()
    share = ((seen - BATCH[0].mean()) * away).sum((1, 2, 3)) / (away**2).sum()
    np.testing.assert_allclose(seen, BATCH[0].mean() + share[:, None, None, None] * away, atol=1e-5)
    fills(share, 0.7, 1.3)


@pytest.mark.parametrize("flip", [False, True])
def test_shifts_stay_within_their_limit_in_both_directions_and_fill_it(flip):
    right, down = places(
        augmented(replace(NOTHING, shift=0.2, flip=flip), spot().repeat(MANY, axis=0))
    ).T
    fills(right, -0.2 * 33, 0.2 * 33)
    fills(down, -0.2 * 33, 0.2 * 33)
    assert abs(np.corrcoef(right, down)[0, 1]) < 0.2


def test_turns_are_about_the_middle_within_their_limit():
    right, down = places(
        augmented(replace(NOTHING, rotation=30), spot(right=8).repeat(MANY, axis=0))
    ).T
    np.testing.assert_allclose(np.hypot(right, down), 8, atol=0.1)
    fills(np.degrees(np.arctan2(down, right)), -30, 30)


def test_zooms_are_about_the_middle_and_alike_in_both_directions():
    right, down = places(
        augmented(replace(NOTHING, zoom=0.25), spot(right=6, down=3).repeat(MANY, axis=0))
    ).T
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
    seen = augmented(OnlineAugmentation(rotation, shift, zoom, contrast=0, flip=flip), BATCH, seed)
    assert seen.shape == BATCH.shape and seen.dtype == np.float32
    low, high = BATCH.min((1, 2, 3)), BATCH.max((1, 2, 3))
    assert (seen.min((1, 2, 3)) >= low - 1e-5).all() and (seen.max((1, 2, 3)) <= high + 1e-5).all()


def test_at_the_edges_it_shows_what_offline_augmentation_shows_there(monkeypatch):
    left_and_up = np.array([0, 0, 1, 1, 1, 0], np.float32)[
        :, None
    ]  # turn, zoom, right, down, mirror, contrast
    monkeypatch.setattr(keras().random, "uniform", lambda *_, **__: left_and_up)
    seen = augmented(OnlineAugmentation(shift=0.125), GRADIENT[None, ..., None].astype(np.float32))
    np.testing.assert_allclose(seen[0, ..., 0], warp(GRADIENT, right=-3, down=-3), atol=1e-3)


def test_no_black_corner_comes_into_view():
    grey = np.full((50, 16, 16, 1), 0.75, np.float32)
    np.testing.assert_allclose(
        augmented(OnlineAugmentation(rotation=45, shift=0.3, zoom=0.5), grey), 0.75, atol=1e-5
    )


def test_it_is_drawn_in_full_precision_whatever_the_net_is_in():
    keras().config.set_dtype_policy("mixed_bfloat16")
    try:
        seen = augmentation_layer(NOTHING)(BATCH, training=True)
    finally:
        keras().config.set_dtype_policy("float32")
    assert keras().backend.standardize_dtype(seen.dtype) == "float32"
    np.testing.assert_allclose(np.array(seen), BATCH, atol=1e-5)
