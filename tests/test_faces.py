"""Pixels and table are kept in step, what does not fit is refused, and the digest stands for both."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emoclass.data.synthetic import SyntheticConfig, draw
from emoclass.errors import InputError, listed
from emoclass.faces import COLUMNS, Faces
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
        (lambda table: table.drop(columns=["duplicate_id", "subject"]), "lacks the columns subject, duplicate_id"),
        (lambda table: table[:3], "4 pictures but 3 rows"),
        (lambda table: table.assign(emotion=["joy", "fear", "bored", "joy"]), "the eight emotions: joy, bored"),
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
    faces = faces_of(photo=["a", "b", "c"], near_duplicate_id=["a", "b", "b"], split=["train", "train", "test"])
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
    assert some.pixels[:, 0, 0].tolist() == some.table.photo.astype(int).tolist() == np.flatnonzero(mask).tolist()


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
    assert both.table.photo.tolist() == list("abcde") and both.table.index.tolist() == list(range(5))
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
    assert tuple(faces.counts.index) == EMOTIONS and faces.counts.tolist() == [1, 0, 0, 0, 0, 0, 0, 2]
    assert faces.size == 2 and len(faces) == 3


def test_a_copy_is_what_has_another_photo_for_a_parent(faces_of):
    assert faces_of(photo=["a", "b", "c"], parent=["a", "a", "c"]).is_copy.tolist() == [False, True, False]


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


def test_one_pixel_and_another_order_change_the_digest(faces_of):
    faces = faces_of(photo=["a", "b"])
    pixels = faces.pixels.copy()
    pixels[1, 1, 1] ^= 1
    assert len({faces.digest, replace(faces, pixels=pixels).digest, faces.select([1, 0]).digest}) == 3
