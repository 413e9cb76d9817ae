"""Bundles: every entry comes back as it was written, and what is damaged is said and costs no other."""

import numpy as np
import pytest

from emoclass.study.bundle import Bundle, Entry, write_bundle

ENTRIES = {
    "first": Entry({"name": "ä", "values": [1, 2.5]}, {"levels": np.arange(2000).reshape(40, 50)}),
    "second": Entry({}, {"part": np.int8([1, -1]), "none": np.zeros((0, 3), np.float16)}),
}


@pytest.fixture
def path(tmp_path):
    write_bundle(tmp_path / "made.zip", ENTRIES)
    return tmp_path / "made.zip"


def assert_same(found, wanted):
    assert found.about == wanted.about and found.arrays.keys() == wanted.arrays.keys()
    for name, array in wanted.arrays.items():
        assert found.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(found.arrays[name], array)


def test_entries_come_back_as_they_were_written(path):
    bundle = Bundle(path)
    for name, entry in ENTRIES.items():
        assert name in bundle
        assert_same(bundle.get(name), entry)
    assert "third" not in bundle and bundle.get("third") is None
    assert bundle.faults == []


def test_the_same_content_is_the_same_file_in_whatever_order_and_however_handed_in(path, tmp_path):
    as_functions = {name: lambda entry=entry: entry for name, entry in reversed(ENTRIES.items())}
    write_bundle(tmp_path / "again.zip", as_functions)
    assert (tmp_path / "again.zip").read_bytes() == path.read_bytes()


def test_a_file_that_is_not_there_holds_nothing_and_is_no_fault(tmp_path):
    bundle = Bundle(tmp_path / "nowhere.zip")
    assert bundle.index == {} and bundle.faults == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[: len(data) // 2],
        lambda data: data[:-30],
        lambda data: b"<<<<<<< HEAD\n" + b"x" * 99,
        lambda data: bytes(len(data)),
    ],
    ids=["empty", "cut short", "without its end", "of a merge", "all nought"],
)
def test_a_damaged_file_is_one_sentence_and_holds_nothing(path, damage):
    path.write_bytes(damage(path.read_bytes()))
    bundle = Bundle(path)
    assert bundle.index == {} and bundle.get("first") is None
    (fault,) = bundle.faults
    assert fault.startswith("made.zip is damaged and is not used (") and "\n" not in fault


def test_an_entry_that_is_damaged_is_one_sentence_and_the_others_are_read(path):
    data = bytearray(path.read_bytes())
    place = data.index(b"first") + 40
    data[place] ^= 0xFF
    path.write_bytes(data)
    bundle = Bundle(path)
    assert bundle.get("first") is None
    assert_same(bundle.get("second"), ENTRIES["second"])
    (fault,) = bundle.faults
    assert fault.startswith("made.zip: first is damaged and is not used (")


def test_other_content_of_the_same_length_is_noticed(path, monkeypatch):
    index = Bundle(path).index
    index["first"]["sha256"] = "0" * 64
    bundle = Bundle(path)
    bundle.__dict__["index"] = index
    assert bundle.get("first") is None and "not what was written" in bundle.faults[0]


def test_a_shape_that_asks_for_more_than_is_there_is_noticed(path):
    bundle = Bundle(path)
    bundle.index["first"]["arrays"][0][2] = [40, 51]
    assert bundle.get("first") is None and "cut short" in bundle.faults[0]


def test_nothing_is_unpickled(path):
    bundle = Bundle(path)
    bundle.index["second"]["arrays"][0][1] = "object"
    assert bundle.get("second") is None and len(bundle.faults) == 1


def test_a_writer_that_is_interrupted_leaves_what_was_there(path, tmp_path):
    before = path.read_bytes()

    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_bundle(path, {"first": ENTRIES["first"], "later": interrupted})
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["made.zip"]
