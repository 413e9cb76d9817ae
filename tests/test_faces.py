"""Pixels and table are kept in step, what does not fit is refused, and the digest stands for both."""

import hashlib
import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emoclass.data.synthetic import SyntheticConfig, draw
from emoclass.errors import InputError, listed
from emoclass.faces import COLUMNS, Faces, NoPixels
from emoclass.labels import EMOTIONS

# what does not fit together is refused


def refusal(pixels, table) -> str:
    with pytest.raises(InputError) as caught:
        Faces(pixels, table)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    "pixels, named",
    [
        (np.zeros((2, 4, 4)), "float64 (2, 4, 4)"),
        (np.zeros((2, 4, 4), np.int8), "int8 (2, 4, 4)"),
        (np.zeros((2, 4, 5), np.uint8), "uint8 (2, 4, 5)"),
        (np.zeros((2, 16), np.uint8), "uint8 (2, 16)"),
        (np.zeros((2, 4, 4, 1), np.uint8), "uint8 (2, 4, 4, 1)"),
    ],
)
def test_pixels_that_are_no_grey_squares_are_refused_by_type_and_shape(faces_of, pixels, named):
    assert named in refusal(pixels, faces_of(photo=["a", "b"]).table)


@pytest.mark.parametrize(
    "change, named",
    [
        (
            lambda table: table.drop(columns=["duplicate_id", "subject"]),
            "lacks the columns subject, duplicate_id",
        ),
        (lambda table: table[:3], "4 pictures but 3 rows"),
        (
            lambda table: table.assign(emotion=["joy", "fear", "bored", "joy"]),
            "the eight emotions: joy, bored",
        ),
        (lambda table: table.assign(photo=["x", "y", "x", "y"]), "more than once: x, y"),
    ],
    ids=["columns", "rows", "emotions", "photos"],
)
def test_every_offender_in_the_table_is_named_once(faces_of, change, named):
    faces = faces_of(photo=list("abcd"))
    assert refusal(faces.pixels, change(faces.table)).endswith(named)


def test_a_long_list_says_how_many_it_leaves_out():
    assert listed(["a", 1]) == "a, 1"
    assert listed(range(20)).endswith("18, 19")
    assert listed(range(21)).endswith("18, 19 and 1 more")
    assert listed("abcd", at_most=1) == "a and 3 more"


# columns that need not be given


def test_without_them_near_duplicates_are_the_duplicates_and_nobody_has_split_the_photos(faces_of):
    faces = faces_of(photo=["a", "b", "c"], duplicate_id=["a", "a", "c"])
    assert faces.table.near_duplicate_id.tolist() == ["a", "a", "c"]
    assert faces.table.split.tolist() == ["", "", ""]


def test_where_they_are_given_they_are_kept(faces_of):
    faces = faces_of(
        photo=["a", "b", "c"], near_duplicate_id=["a", "b", "b"], split=["train", "train", "test"]
    )
    for kept in (faces, faces.select([2, 1, 0]).select([2, 1, 0])):
        assert kept.table.duplicate_id.tolist() == ["a", "b", "c"]
        assert kept.table.near_duplicate_id.tolist() == ["a", "b", "b"]
        assert kept.table.split.tolist() == ["train", "train", "test"]


# pixels and table stay in step


def test_a_table_is_brought_into_order_and_what_nobody_asked_for_is_left_out(faces_of):
    table = faces_of(photo=["a", "b"]).table
    untidy = table.assign(weather="fine")[["weather", *reversed(COLUMNS)]].set_axis([7, 7])
    assert Faces(np.zeros((2, 3, 3), np.uint8), untidy).table.equals(table)
    assert list(untidy) == ["weather", *reversed(COLUMNS)]


@given(st.lists(st.integers(0, 9), unique=True))
def test_whatever_is_selected_each_photo_keeps_its_pixels_in_the_order_wanted(faces_of, rows):
    some = faces_of(photo=range(10)).select(np.array(rows, int))
    assert some.table.photo.tolist() == [str(row) for row in rows]
    assert some.pixels[:, 0, 0].tolist() == rows
    assert some.table.index.tolist() == list(range(len(rows)))


@given(st.lists(st.booleans(), min_size=10, max_size=10))
def test_a_mask_selects_what_it_marks(faces_of, mask):
    some = faces_of(photo=range(10)).select(mask)
    assert (
        some.pixels[:, 0, 0].tolist()
        == some.table.photo.astype(int).tolist()
        == np.flatnonzero(mask).tolist()
    )


def test_what_is_selected_keeps_its_name_and_report_and_leaves_the_collection_as_it_was(faces_of):
    faces = replace(faces_of("mine", photo=["a", "b"]), report=(("rows", 2, ""),))
    some = faces.select([1])
    assert (some.name, some.report, len(faces)) == ("mine", faces.report, 2)
    assert faces.select([True, True]) is faces  # nothing that may be memory-mapped is copied


def test_a_photo_cannot_be_selected_twice(faces_of):
    with pytest.raises(InputError, match="more than once: b"):
        faces_of(photo=["a", "b"]).select([1, 1])


def test_two_collections_joined_stand_one_after_the_other(faces_of):
    one = replace(faces_of("one", photo=["a", "b"]), report=(("rows", 2, ""),))
    other = replace(faces_of("other", photo=["c", "d", "e"]), report=(("rows", 3, "c, d, e"),))
    both = one + other
    assert both.table.photo.tolist() == list("abcde") and both.table.index.tolist() == list(
        range(5)
    )
    assert both.pixels[:, 1, 1].tolist() == [0, 1, 0, 1, 2]
    assert both.name == "one" and both.report == one.report + other.report
    assert (len(one), len(other)) == (2, 3)


def test_collections_that_share_a_photo_or_differ_in_size_are_not_joined(faces_of, drawn):
    with pytest.raises(InputError, match="more than once: b"):
        faces_of(photo=["a", "b"]) + faces_of(photo=["b", "c"])
    with pytest.raises(InputError, match="16 pixels a side, synthetic has 20"):
        drawn + draw(SyntheticConfig(counts=(1,) * 8), size=20)


def test_labels_are_places_among_the_emotions_and_all_eight_are_counted(faces_of):
    assert faces_of(emotion=EMOTIONS[::-1]).labels.tolist() == list(range(7, -1, -1))
    faces = faces_of(emotion=["surprise", "anger", "surprise"])
    assert faces.labels.tolist() == [7, 0, 7] and faces.labels.dtype == np.int64
    assert tuple(faces.counts.index) == EMOTIONS and faces.counts.tolist() == [
        1,
        0,
        0,
        0,
        0,
        0,
        0,
        2,
    ]
    assert faces.size == 2 and len(faces) == 3


def test_a_copy_is_what_has_another_photo_for_a_parent(faces_of):
    assert faces_of(photo=["a", "b", "c"], parent=["a", "a", "c"]).is_copy.tolist() == [
        False,
        True,
        False,
    ]


# the digest


def test_name_report_memory_layout_and_somebody_else_s_split_do_not_join_the_digest(faces_of):
    faces = faces_of(photo=["a", "b"])
    for same in (
        faces_of("other", photo=["a", "b"]),
        faces_of(photo=["a", "b"], split=["train", "test"]),
        replace(faces, report=(("rows", 2, ""),)),
        replace(faces, pixels=np.asfortranarray(faces.pixels)),
        faces.select([0, 1]),
    ):
        assert same.digest == faces.digest
    assert len(faces.digest) == 64


@pytest.mark.parametrize("column", [column for column in COLUMNS if column != "split"])
def test_one_word_of_the_table_changes_the_digest(faces_of, column):
    faces = faces_of(photo=["a", "b"])
    table = faces.table.copy()
    table.loc[1, column] = "fear"
    assert replace(faces, table=table).digest != faces.digest


@pytest.mark.parametrize("place", [(0, 0, 0), (1, 1, 1), (2, 0, 1)])
def test_one_pixel_changes_the_digest(faces_of, place):
    faces = faces_of(photo=["a", "b", "c"])
    pixels = faces.pixels.copy()
    pixels[place] ^= 1
    assert replace(faces, pixels=pixels).digest != faces.digest


def test_another_order_changes_the_digest_whether_pixels_are_there_or_not(faces_of):
    faces = faces_of(photo=["a", "b"])
    digests = {faces.digest, faces.select([1, 0]).digest}
    assert len(digests) == 2
    record = without_pixels(faces)
    assert {record.digest, record.select([1, 0]).digest} == digests


def test_swapped_pictures_are_other_faces(faces_of):
    faces = faces_of(photo=["a", "b"])
    assert replace(faces, pixels=faces.pixels[::-1]).digest != faces.digest


def test_black_faces_of_another_size_are_other_faces(faces_of):
    table = faces_of(photo=["a"]).table
    sizes = [NoPixels(1, size, ["0" * 32]) for size in (8, 9)]
    assert len({Faces(pixels, table).digest for pixels in sizes}) == 2


def test_a_picture_s_digest_is_the_beginning_of_its_sha256(faces_of):
    faces = faces_of(photo=["a", "b"])
    whole = hashlib.sha256(bytes([1, 1, 1, 1])).hexdigest()
    assert faces.pixel_digests.tolist()[1] == whole[:32]
    assert faces.pixel_digests.shape == (2,)


# only the record is at hand


def without_pixels(faces: Faces) -> Faces:
    """What is known of the photos, as one has it who has not fetched them."""
    return replace(faces, pixels=NoPixels(len(faces), faces.size, faces.pixel_digests))


@given(st.lists(st.integers(0, 9), unique=True), st.booleans())
def test_any_selection_has_the_same_digest_with_and_without_pixels(faces_of, rows, hashed_before):
    faces = faces_of(photo=range(10))
    record = without_pixels(faces_of(photo=range(10)))
    if hashed_before:
        faces.digest  # noqa: B018
    rows = np.array(rows, int)
    assert faces.select(rows).digest == record.select(rows).digest
    assert record.select(rows).table.photo.tolist() == rows.astype(str).tolist()
    mask = np.isin(np.arange(10), rows)
    assert faces.select(mask) == record.select(mask)


def test_a_selection_hashes_no_picture_again(faces_of, monkeypatch):
    faces = faces_of(photo=list("abcd"))
    fresh = faces.select([2, 0]).pixel_digests
    assert "pixel_digests" not in faces.__dict__  # nor is more hashed than was selected
    known = faces.pixel_digests
    monkeypatch.setattr(hashlib, "sha256", lambda *_: pytest.fail("a picture was hashed"))
    assert faces.select([2, 0]).pixel_digests.tolist() == known[[2, 0]].tolist() == fresh.tolist()


def test_one_label_changes_the_digest_of_a_record_too(faces_of):
    record = without_pixels(faces_of(photo=["a", "b"]))
    other = record.table.assign(emotion=["fear", "neutral"])
    assert replace(record, table=other).digest != record.digest


def test_photos_that_are_not_there_have_a_size_and_a_number_but_are_not_to_be_seen(faces_of):
    faces = faces_of(photo=["a", "b", "c"])
    record = without_pixels(faces)
    assert faces.has_pixels and not record.has_pixels
    pixels = record.pixels
    assert (pixels.shape, pixels.dtype, pixels.ndim) == ((3, 2, 2), np.uint8, 3)
    assert (len(pixels), record.size, len(record)) == (3, 2, 3)
    assert pixels[1:].shape == pixels[[2, 0]].shape == (2, 2, 2)
    assert pixels[1:].digests.tolist() == faces.pixel_digests[1:].tolist()
    for look in (
        lambda: np.asarray(pixels),
        lambda: np.array(pixels, np.float32),
        lambda: np.concatenate([faces.pixels, pixels]),
        lambda: pixels[0],
        lambda: pixels[:, 0, 0],
        lambda: pixels[..., None],
        lambda: list(pixels),
    ):
        with pytest.raises(InputError, match="the photos are not here, only their record: 3 of 2"):
            look()


def test_a_record_survives_the_way_to_another_process(faces_of):
    record = without_pixels(faces_of(photo=["a", "b"]))
    assert pickle.loads(pickle.dumps(record)) == record


def test_a_record_with_too_few_digests_is_refused():
    with pytest.raises(InputError, match="3 photos, but 2 digests"):
        NoPixels(3, 8, ["0" * 32, "1" * 32])


@pytest.mark.parametrize("left, right", [(False, False), (False, True), (True, False)])
def test_faces_joined_are_a_record_if_one_is_and_have_the_digest_of_all(faces_of, left, right):
    faces = faces_of("one", photo=["a", "b"])
    table = faces.table.assign(photo=["a, copy 1", "b, copy 1"])
    copies = Faces(faces.pixels[::-1] + 1, pd.DataFrame(table), "one")
    one = faces if left else without_pixels(faces)
    other = copies if right else without_pixels(copies)
    both = one + other
    assert not both.has_pixels
    assert both == faces + copies
    assert both.is_copy.tolist() == [False, False, True, True]
    assert both.select([3, 0]).digest == (faces + copies).select([3, 0]).digest
    with pytest.raises(InputError, match="has 2 pixels a side"):
        one + Faces(NoPixels(2, 3, other.pixel_digests), other.table)
