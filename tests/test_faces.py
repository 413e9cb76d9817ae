import os
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
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


def test_every_missing_column_is_named(faces_of):
    faces = faces_of(photo=["a"])
    message = refusal(faces.pixels, faces.table.drop(columns=["duplicate_id", "subject"]))
    assert message.endswith("subject, cluster")


def test_more_pictures_than_rows_are_refused_with_both_numbers(faces_of):
    faces = faces_of(photo=["a", "b", "c"])
    assert "3 pictures but 2 rows" in refusal(faces.pixels, faces.table[:2])


def test_every_unknown_emotion_is_named_once(faces_of):
    faces = faces_of(photo=list("abcd"))
    message = refusal(faces.pixels, faces.table.assign(emotion=["joy", "fear", "bored", "joy"]))
    assert message.endswith("not one of the eight emotions: joy, bored")


def test_every_photo_that_stands_twice_is_named_once(faces_of):
    faces = faces_of(photo=list("abcde"))
    message = refusal(faces.pixels, faces.table.assign(photo=["x", "y", "x", "y", "x"]))
    assert message.endswith("more than once: x, y")


def test_a_long_list_says_how_many_it_leaves_out():
    assert listed(["a", 1]) == "a, 1"
    assert listed(range(20)).endswith("18, 19")
    assert listed(range(21)).endswith("18, 19 and 1 more")
    assert listed("abcd", at_most=1) == "a and 3 more"


# near-duplicates


def test_where_nobody_looked_for_near_duplicates_the_same_file_alone_is_alike(faces_of):
    faces = faces_of(photo=["a", "b", "c"], duplicate_id=["a", "a", "c"])
    assert faces.table.near_duplicate_id.tolist() == ["a", "a", "c"]


def test_what_is_known_to_be_alike_stays_so_and_is_kept(faces_of, tmp_path):
    faces = faces_of(photo=["a", "b", "c"], duplicate_id=["a", "b", "c"], near_duplicate_id=["a", "b", "b"])
    for kept in (faces, faces.select([2, 1, 0]).select([2, 1, 0]), Faces.open(faces.save(tmp_path))):
        assert kept.table.duplicate_id.tolist() == ["a", "b", "c"] and kept.table.near_duplicate_id.tolist() == ["a", "b", "b"]
    assert faces.digest != faces_of(photo=["a", "b", "c"], duplicate_id=["a", "b", "c"]).digest


# pixels and table stay in step


def test_a_table_is_brought_into_order_and_what_nobody_asked_for_left_out(faces_of):
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


def test_a_photo_that_both_collections_hold_is_named(faces_of):
    with pytest.raises(InputError, match="more than once: b"):
        faces_of(photo=["a", "b"]) + faces_of(photo=["b", "c"])


def test_labels_are_places_among_the_emotions_and_all_eight_are_counted(faces_of):
    faces = faces_of(emotion=["surprise", "anger", "surprise"])
    assert faces.labels.tolist() == [7, 0, 7] and faces.labels.dtype == np.int64
    assert tuple(faces.counts.index) == EMOTIONS and faces.counts.tolist() == [1, 0, 0, 0, 0, 0, 0, 2]
    assert faces.size == 2 and len(faces) == 3


def test_a_copy_is_what_has_another_photo_for_a_parent(faces_of):
    assert faces_of(photo=["a", "b", "c"], parent=["a", "a", "c"]).is_copy.tolist() == [False, True, False]


# the digest


def test_the_same_photos_have_the_same_digest_whatever_they_are_called(faces_of):
    faces = faces_of(photo=["a", "b"])
    assert faces.digest == faces_of("other", photo=["a", "b"]).digest
    assert faces.digest == replace(faces, report=(("rows", 2, ""),)).digest
    assert faces.digest == replace(faces, pixels=np.asfortranarray(faces.pixels)).digest
    assert len(faces.digest) == 64


@pytest.mark.parametrize("column", COLUMNS)
def test_one_word_of_the_table_changes_the_digest(faces_of, column):
    faces = faces_of(photo=["a", "b"])
    table = faces.table.copy()
    table.loc[1, column] = "fear"
    assert replace(faces, table=table).digest != faces.digest


def test_one_pixel_changes_the_digest(faces_of):
    faces = faces_of(photo=["a", "b"])
    pixels = faces.pixels.copy()
    pixels[1, 1, 1] ^= 1
    assert replace(faces, pixels=pixels).digest != faces.digest


def test_the_order_of_the_photos_changes_the_digest(drawn):
    assert drawn.select(np.arange(len(drawn))[::-1]).digest != drawn.digest
    assert drawn.select(np.arange(len(drawn))).digest == drawn.digest


# on disk


def test_what_is_kept_is_what_is_opened(drawn, tmp_path):
    report = (("rows in the legend", 1_000, ""), ('photos, "odd" ones', 2, "a, b\nc"))
    kept = replace(drawn, report=report, name="drawn at noon")
    opened = Faces.open(kept.save(tmp_path))
    assert np.array_equal(opened.pixels, kept.pixels) and opened.table.equals(kept.table)
    assert opened.report == report and opened.name == "drawn at noon"
    assert opened.digest == kept.digest


def test_opened_pixels_stay_on_disk_and_cannot_be_changed(drawn, tmp_path):
    opened = Faces.open(drawn.save(tmp_path))
    assert isinstance(opened.pixels, np.memmap) and not opened.pixels.flags.writeable


@settings(max_examples=50)
@given(st.text(max_size=4))
def test_whatever_is_written_of_a_photo_is_read_again(faces_of, tmp_path_factory, words):
    faces = faces_of(photo=["a", "b"], subject=[words, "NA"], source=["null", "0012"], annotator=["1.0", words])
    opened = Faces.open(faces.save(tmp_path_factory.mktemp("kept")))
    assert opened.table.equals(faces.table) and opened.digest == faces.digest


def test_faces_are_kept_under_their_digest_and_only_once(drawn, tmp_path, monkeypatch):
    folder = drawn.save(tmp_path / "deep" / "down")
    assert folder == tmp_path / "deep" / "down" / drawn.digest
    monkeypatch.setattr(np, "save", lambda *_: pytest.fail("written again"))
    assert drawn.save(tmp_path / "deep" / "down") == folder
    assert os.listdir(folder.parent) == [drawn.digest]


@pytest.mark.parametrize("last", ["np.save", "to_csv", "write_text", "rename"])
def test_an_interrupted_save_leaves_nothing_under_the_final_name(drawn, tmp_path, last):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    where = {"np.save": np, "to_csv": pd.DataFrame, "write_text": type(tmp_path), "rename": os}[last]
    digest = drawn.digest
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(where, last.removeprefix("np."), interrupt)
        drawn.save(tmp_path)
    assert not (tmp_path / digest).exists()
    assert Faces.open(drawn.save(tmp_path)).digest == digest


def test_when_somebody_else_keeps_the_same_faces_meanwhile_theirs_are_taken(drawn, tmp_path, monkeypatch):
    rename = os.rename

    def too_late(draft, final):
        final.mkdir()
        (final / "theirs").touch()
        rename(draft, final)

    monkeypatch.setattr(os, "rename", too_late)
    assert os.listdir(drawn.save(tmp_path)) == ["theirs"]


def test_a_folder_that_cannot_be_moved_into_place_is_not_passed_over(drawn, tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError("not here")

    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(PermissionError, match="not here"):
        drawn.save(tmp_path)


def test_collections_of_different_size_are_not_added(drawn):
    larger = draw(SyntheticConfig(counts=(1,) * 8), size=20)
    with pytest.raises(InputError, match="16 pixels a side, cartoon has 20"):
        drawn + larger


def test_a_save_that_fails_leaves_nothing_behind(drawn, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(OSError, match="No space"):
        drawn.save(tmp_path)
    assert list(tmp_path.iterdir()) == []
