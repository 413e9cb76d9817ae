"""The table without pixels: the same faces to whoever asks for their digest, and never a damaged one."""

import gzip
import json
from dataclasses import replace

import numpy as np
import pytest

from emoclass.data.muxspace import NEW_FACES, find
from emoclass.data.new_faces import with_new_faces
from emoclass.data.recorded import read_table, write_table
from emoclass.errors import InputError


@pytest.fixture
def faces(drawn):
    """Synthetic faces with all that a table may hold: a split, a report, signs that a csv has to quote."""
    table = drawn.table.copy()
    table["split"] = np.where(np.arange(len(table)) % 2, "train", "test")
    names = {
        table.photo[0]: 'Zoë, "the\nquick"\r\\xfc_1.png',
        table.photo[1]: "NA",
    }
    for column in ("photo", "parent", "duplicate_id", "near_duplicate_id"):
        table[column] = table[column].replace(names)
    report = (("photos to work with", np.int64(57), ""), ("set aside", 2, "a.png, b.png"))
    return replace(drawn, table=table, name="mine", report=report)


@pytest.fixture
def path(faces, tmp_path):
    write_table(faces, tmp_path / "faces.csv.gz")
    return tmp_path / "faces.csv.gz"


def test_what_is_read_is_what_was_written_but_for_the_pixels(faces, path):
    read = read_table(path)
    assert (read.table == faces.table).all(axis=None)
    assert (read.name, read.size, read.report) == (faces.name, faces.size, faces.report)
    assert read.pixel_digests.tolist() == faces.pixel_digests.tolist()
    assert read == faces and read.split_digest == faces.split_digest
    assert not read.has_pixels


def test_a_selection_of_rows_has_the_same_digest_with_and_without_pixels(faces, path):
    some = np.arange(0, len(faces), 3)
    assert read_table(path).select(some).digest == faces.select(some).digest


def test_the_same_faces_give_the_same_bits_and_a_table_can_be_written_from_a_table(path, tmp_path):
    write_table(read_table(path), tmp_path / "again.csv.gz")
    assert (tmp_path / "again.csv.gz").read_bytes() == path.read_bytes()


def packed(text):
    return gzip.compress(text.encode())


def without_last_row(data):
    lines = gzip.decompress(data).decode().splitlines(keepends=True)
    return packed("".join(lines[:-1]))


def relabelled(data):
    return packed(gzip.decompress(data).decode().replace("happiness", "neutral"))


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:20],
        lambda data: data[: len(data) // 2],
        lambda data: data[:-4],
        lambda data: data[:200] + bytes([data[200] ^ 255]) + data[201:],
        lambda data: b"version https://git-lfs.github.com/spec/v1\n",
        lambda data: packed(""),
        lambda data: packed("photo,emotion\na.png,fear\n"),
        lambda data: packed("# []\nphoto\na.png\n"),
        lambda data: packed("# " + json.dumps({"name": "a", "size": 4, "report": []}) + "\n"),
        without_last_row,
        relabelled,
    ],
)
def test_a_table_that_is_damaged_or_of_another_kind_is_one_sentence(path, damage):
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(
        InputError, match=r"the table of photos .*faces\.csv\.gz is damaged \(.+\)"
    ) as caught:
        read_table(path)
    assert "\n" not in str(caught.value)


def test_a_table_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match="there is no table of photos"):
        read_table(tmp_path / "absent.csv.gz")


@pytest.mark.skipif(
    find() is None or find(part=NEW_FACES) is None,
    reason="the photos or the new faces are not on this machine",
)
def test_the_table_of_all_real_photos_is_small_enough_to_be_committed(
    decoded, tmp_path, monkeypatch
):
    monkeypatch.setenv("EMOCLASS_BUILD", decoded)
    faces = with_new_faces("muxspace")
    write_table(faces, tmp_path / "photos.csv.gz")
    assert (tmp_path / "photos.csv.gz").stat().st_size < 1_000_000
    assert read_table(tmp_path / "photos.csv.gz") == faces
