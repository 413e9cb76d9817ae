"""What four students called photos by hand: read as it stands, and only from the pinned files."""

import hashlib
import shutil

import pytest

from emoclass.data.muxspace import PARTS, Part, Unreachable, find, verify
from emoclass.data.second_opinions import FILES, load_second_opinions
from emoclass.errors import InputError
from emoclass.labels import EMOTIONS

HERE = all(find(part=PARTS[part]) for part, _ in FILES.values())


@pytest.mark.skipif(not HERE, reason="the second opinions are not on this machine")
def test_each_student_labelled_some_500_photos_and_every_label_is_an_emotion():
    opinions = load_second_opinions()
    assert opinions.annotator.value_counts().to_dict() == {
        "906": 500,
        "126": 500,
        "nmg": 499,
        "cBuckley": 482,
    }
    assert set(opinions.emotion) <= set(EMOTIONS)
    assert opinions.emotion[opinions.label == "sadenss"].tolist() == ["sadness"]


def test_other_data_sets_have_none():
    assert load_second_opinions("synthetic").empty


def test_where_the_files_are_missing_it_says_how_to_get_them(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOCLASS_DATA", str(tmp_path))
    with pytest.raises(Unreachable, match="run `make data`"):
        load_second_opinions()


def test_a_part_may_be_a_single_file_which_is_verified_alone(tmp_path):
    file = tmp_path / "data" / "legend.csv"
    file.parent.mkdir()
    file.write_text("hello\n")
    shutil.copy(file, file.with_name("neighbour.csv"))  # of the same commit, but not asked for
    listed = b"ce013625030ba8dba906f756967f9e9ca394464a data/legend.csv\n"  # as git has it
    part = Part("c" * 40, ("data/legend.csv",), hashlib.sha256(listed).hexdigest())
    assert list(verify(tmp_path, part)) == ["data/legend.csv"]
    file.write_text("hallo\n")
    with pytest.raises(InputError, match="its 1 files have the sha256"):
        verify(tmp_path, part)
    file.unlink()
    with pytest.raises(InputError, match="is not the pinned collection"):
        verify(tmp_path, part)
