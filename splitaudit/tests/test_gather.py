"""Pictures are decoded once, and what cannot be decoded ends nothing."""

import os

import numpy as np
from drawn import encoded, picture, put

from splitaudit import cache
from splitaudit.gather import gather
from splitaudit.sources import FileSource, RowSource


def folder_of(tmp_path, number: int = 5) -> FileSource:
    names = []
    for k in range(number):
        put(tmp_path / f"{k}.jpg", picture(k))
        names.append(f"{k}.jpg")
    return FileSource(tmp_path, names)


def test_a_second_reading_decodes_nothing(tmp_path):
    source = folder_of(tmp_path)
    first = gather(source)
    second = gather(source)
    assert first.n_decoded == 5
    assert second.n_decoded == 0
    assert np.array_equal(first.pictures.small, second.pictures.small)
    assert first.pictures.file_digests == second.pictures.file_digests


def test_a_file_that_changed_is_decoded_again_and_no_other(tmp_path):
    source = folder_of(tmp_path)
    before = gather(source)
    put(tmp_path / "3.jpg", picture(77))
    os.utime(tmp_path / "3.jpg", (1, 1))
    put(tmp_path / "5.jpg", picture(5))
    after = gather(FileSource(tmp_path, ["5.jpg", *source.files[1:]]))
    assert after.n_decoded == 2
    assert np.array_equal(after.pictures.small[1], before.pictures.small[1])
    assert not np.array_equal(after.pictures.small[3], before.pictures.small[3])


def test_without_a_cache_everything_is_decoded_all_the_same(tmp_path, monkeypatch):
    put(tmp_path / "file.png", picture(0))
    monkeypatch.setenv("SPLITAUDIT_CACHE", str(tmp_path / "file.png"))  # no folder can be made
    source = folder_of(tmp_path)
    assert gather(source).n_decoded == 5
    assert gather(source).n_decoded == 5


def test_a_damaged_cache_is_made_again(tmp_path):
    source = folder_of(tmp_path)
    gather(source)
    for file in cache.folder_of(tmp_path).iterdir():
        file.write_bytes(file.read_bytes()[:200])
    assert len(gather(source).rows) == 5


def test_broken_files_are_named_with_their_cause_and_the_rest_goes_on(tmp_path):
    source = folder_of(tmp_path)
    hole = bytearray(encoded(".jpg", picture(500, 400)))
    hole[len(hole) * 3 // 10 : len(hole) * 6 // 10] = bytes(len(hole) * 3 // 10)
    contents = {"empty.jpg": b"", "hole.jpg": bytes(hole), "text.png": b"hello"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    source = FileSource(tmp_path, [*contents, *source.files, "absent.jpg"])
    for _ in range(2):  # the second time from the cache
        found = gather(source)
        assert list(found.rows) == [3, 4, 5, 6, 7]
        named = {unreadable.name: unreadable.why for unreadable in found.unreadable}
        assert set(named) == {*contents, "absent.jpg"}
        assert "empty" in named["empty.jpg"]
        assert "damaged" in named["hole.jpg"]
        assert found.pictures.small.shape == (5, 96, 96, 3)
        expected = gather(folder_of(tmp_path)).pictures.small
        assert np.array_equal(found.pictures.small, expected)


def test_what_is_known_is_taken_over_beside_broken_and_new_files(tmp_path):
    source = folder_of(tmp_path)
    (tmp_path / "broken.jpg").write_bytes(b"")
    before = gather(FileSource(tmp_path, ["broken.jpg", *source.files]))
    put(tmp_path / "new.jpg", picture(9))
    after = gather(FileSource(tmp_path, ["new.jpg", "broken.jpg", *source.files]))
    assert after.n_decoded == 1
    assert np.array_equal(after.pictures.small[1:], before.pictures.small)


def test_a_few_bytes_too_many_at_the_end_of_a_jpeg_harm_nothing(tmp_path):
    data = encoded(".jpg", picture(1, 300))
    (tmp_path / "long.jpg").write_bytes(data[:-2] + b"12345678" * 3 + data[-2:])
    assert not gather(FileSource(tmp_path, ["long.jpg"])).unreadable


def test_pictures_keep_their_shape_and_come_again_on_demand(tmp_path):
    put(tmp_path / "wide.png", picture(1, 600)[:200])
    found = gather(FileSource(tmp_path, ["wide.png"])).pictures
    assert list(found.boxes[0]) == [32, 0, 32, 96]
    assert list(found.sizes[0]) == [200, 600]
    assert found.load(0).shape == (85, 256, 3)


def test_two_boxes_in_one_file_are_two_pictures(tmp_path):
    put(tmp_path / "scene.png", picture(1, 100))
    boxes = [(0, 0, 40, 40), (50, 50, 90, 90)]
    found = gather(FileSource(tmp_path, ["scene.png"] * 2, boxes)).pictures
    assert found.file_digests[0] != found.file_digests[1]
    assert not np.array_equal(found.small[0], found.small[1])


def test_rows_of_a_table_are_pictures_too(tmp_path):
    holder = tmp_path / "rows.npy"
    rows = np.stack([picture(k)[:, :, 0] for k in range(3)])
    np.save(holder, rows)
    source = RowSource(holder, ["a", "b", "c"], rows.__getitem__, np.arange(3), [holder])
    assert gather(source).n_decoded == 3
    assert gather(source).n_decoded == 0
    assert gather(source.selected(np.array([2]))).pictures.paths == ["c"]
