"""Folders as people have them: classes, parts of a split, and what lies about beside them."""

import os
import shutil
import sys
from collections import Counter

import pytest
from drawn import CLASSES, fill, picture, put, put_text

from splitaudit.errors import InputError
from splitaudit.read import read


def labels(collection) -> Counter:
    return Counter(collection.table["label"])


def parts(collection) -> Counter:
    return Counter(collection.table["split"])


def notes(collection) -> str:
    return "\n".join(map(str, collection.report.notes))


@pytest.mark.parametrize(
    "names",
    [
        ("train", "test"),
        ("Training", "Testing"),
        ("seg_train", "seg_test"),
        ("asl_alphabet_train", "asl_alphabet_test"),
        ("x_train", "x_test"),
        ("trainingData", "testingData"),
        ("training_set", "test_set"),
        ("train_images", "test_images"),
        ("FER2013Train", "FER2013Test"),
        ("TRAIN", "TEST"),
        ("data/train", "data/test"),
    ],
)
def test_parts_are_seen_whatever_people_call_them(tmp_path, names):
    start = fill(tmp_path / names[0], each=3)
    fill(tmp_path / names[1], each=1, start=start)
    found = read(tmp_path)
    assert parts(found) == {"train": 24, "test": 8}
    assert set(labels(found)) == set(CLASSES)


@pytest.mark.parametrize("name", ["valid", "val", "dev", "validation", "Validation_Images"])
def test_validation_is_a_part_of_its_own(tmp_path, name):
    fill(tmp_path / "train", each=3)
    fill(tmp_path / name, each=1, start=50)
    assert parts(read(tmp_path)) == {"train": 24, "validation": 8}


def test_a_test_part_beside_the_classes_makes_these_the_training_part(tmp_path):
    fill(tmp_path, each=3)
    fill(tmp_path / "test", each=1, start=50)
    found = read(tmp_path)
    assert parts(found) == {"train": 24, "test": 8}
    assert set(labels(found)) == set(CLASSES)


def test_without_a_split_the_folders_are_named_instead(tmp_path):
    fill(tmp_path, classes=("cat", "dog"))
    found = read(tmp_path)
    assert parts(found) == {"": 4}
    assert found.report.split == "no split found: folders cat, dog"


def test_a_class_called_like_a_test_is_a_class(tmp_path):
    fill(tmp_path, classes=("crash_test", "road", "city"))
    found = read(tmp_path)
    assert set(labels(found)) == {"crash_test", "road", "city"}
    assert parts(found) == {"": 6}


def test_somebody_called_val_is_no_part(tmp_path):
    for name in ("Val", "Ann", "Bob"):
        fill(tmp_path / "happy" / name, classes=("",), each=2)
        fill(tmp_path / "sad" / name, classes=("",), each=2, start=20)
    assert parts(read(tmp_path)) == {"": 12}


def test_fer2013_folders_have_seven_classes_and_parts_by_folder(tmp_path):
    number = 0
    for part, prefix in (("train", "Training"), ("test", "PublicTest"), ("test", "PrivateTest")):
        for name in CLASSES[:3]:
            number += 1
            put(tmp_path / part / name / f"{prefix}_{number}00.jpg", picture(number))
    (tmp_path / "train" / "empty_class").mkdir()
    (tmp_path / "train" / "Thumbs.db").write_bytes(b"\0")
    found = read(tmp_path)
    assert parts(found) == {"train": 3, "test": 6}
    assert (found.table["group"] == "").all()  # a running number is nobody
    assert "empty folders: 1 (train/empty_class)" in notes(found)
    assert "Thumbs" not in notes(found)


def test_parts_in_file_names_count_where_no_folder_tells(tmp_path):
    for k in range(6):
        name = "PrivateTest" if k % 3 == 0 else "Training"
        put(tmp_path / CLASSES[k % 2] / f"{name}_{k}.jpg", picture(k))
    assert parts(read(tmp_path)) == {"train": 4, "test": 2}


def test_ck_sequences_are_of_their_subjects(tmp_path):
    for subject in range(12):
        for frame in range(3):
            name = f"S{10 + subject:03d}_001_{frame:08d}.png"
            put(tmp_path / CLASSES[subject % 7] / name, picture(subject))
    found = read(tmp_path)
    assert found.table["group"].nunique() == 12


def test_jaffe_names_hold_subject_and_class(tmp_path):
    number = 0
    for subject in ("KA", "KL", "KM", "KR", "MK"):
        for code in ("AN", "HA", "SU"):
            number += 1
            put(tmp_path / f"{subject}.{code}1.{number}.tiff", picture(number))
    found = read(tmp_path)
    assert labels(found) == {"AN": 5, "HA": 5, "SU": 5}
    assert found.table["group"].nunique() == 5


def test_frames_are_of_their_clip(tmp_path):
    for clip in range(8):
        for frame in range(5):
            name = f"clip{clip:02d}/{frame:04d}.jpg"
            put(tmp_path / CLASSES[clip % 4] / name, picture(clip))
    found = read(tmp_path)
    assert set(labels(found)) == set(CLASSES[:4])
    assert found.table["group"].nunique() == 8


def test_subject_folders_above_the_classes_are_no_classes(tmp_path):
    for subject in range(6):
        fill(tmp_path / f"S{subject:03d}", classes=("happy", "sad"), each=1, start=10 * subject)
    found = read(tmp_path)
    assert labels(found) == {"happy": 6, "sad": 6}
    assert found.table["group"].nunique() == 6


def test_a_class_in_the_name_is_a_label_and_nobody_s_name(tmp_path):
    for k in range(24):
        put(tmp_path / "IMAGES" / f"{('crazing', 'patches')[k % 2]}_{k}.jpg", picture(k))
    found = read(tmp_path)
    assert labels(found) == {"crazing": 12, "patches": 12}
    assert (found.table["group"] == "").all()
    assert "crazing" not in found.report.groups


def test_test_pictures_without_a_class_folder_are_labelled_by_their_names(tmp_path):
    fill(tmp_path / "asl_alphabet_train", classes=("A", "B", "X", "nothing"))
    for k, name in enumerate(("A", "B", "X", "nothing")):
        put(tmp_path / "asl_alphabet_test" / f"{name}_test.jpg", picture(50 + k))
    found = read(tmp_path)
    assert labels(found) == {"A": 3, "B": 3, "X": 3, "nothing": 3}


@pytest.mark.parametrize("nested", ["images/images", "images/train/train"])
def test_a_whole_copy_within_a_folder_counts_once(tmp_path, nested):
    top = tmp_path / "images"
    start = fill(top / "train", each=3)
    fill(top / "validation", each=1, start=start)
    inside = tmp_path / nested
    for part in ("train", "validation") if nested.endswith("images") else CLASSES:
        source = top / part if nested.endswith("images") else top / "train" / part
        shutil.copytree(source, inside / part)
    found = read(tmp_path)
    assert parts(found) == {"train": 24, "validation": 8}
    assert "counted once" in notes(found)


def test_equal_parts_are_a_leak_and_no_nested_copy(tmp_path):
    fill(tmp_path, each=2)
    shutil.copytree(tmp_path, tmp_path / "test", ignore=lambda *_: ["test"])
    assert parts(read(tmp_path)) == {"train": 16, "test": 16}


def test_pictures_of_the_readme_are_set_aside(tmp_path):
    start = fill(tmp_path / "train", each=2)
    fill(tmp_path / "test", each=1, start=start)
    put(tmp_path / "images" / "accuracy.png", picture(99))
    found = read(tmp_path)
    assert len(found) == 24
    assert "outside the parts of the split, set aside: 1 (images/accuracy.png)" in notes(found)


def test_what_lies_deeper_in_a_class_is_of_that_class(tmp_path):
    fill(tmp_path, classes=("angry", "sad"), each=6)
    put(tmp_path / "angry" / "output" / "angry_original_0.png_1.png", picture(50))
    put(tmp_path / "sad" / "old" / "9.png", picture(51))
    assert labels(read(tmp_path)) == {"angry": 7, "sad": 7}


def test_hidden_files_are_not_read(tmp_path):
    fill(tmp_path, classes=("a", "b"))
    (tmp_path / "__MACOSX" / "a").mkdir(parents=True)
    (tmp_path / "__MACOSX" / "a" / "._0.png").write_bytes(b"\0")
    (tmp_path / "a" / ".hidden.png").write_bytes(b"\0")
    assert len(read(tmp_path)) == 4


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_linked_classes_and_pictures_are_read_and_circles_end(tmp_path):
    fill(tmp_path / "elsewhere", classes=("angry", "happy"))
    home = tmp_path / "home"
    (home / "happy").mkdir(parents=True)
    (home / "angry").symlink_to(tmp_path / "elsewhere" / "angry", target_is_directory=True)
    (home / "happy" / "circle").symlink_to(home, target_is_directory=True)
    for file in (tmp_path / "elsewhere" / "happy").iterdir():
        (home / "happy" / file.name).symlink_to(file)
    assert labels(read(home)) == {"angry": 2, "happy": 2}


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_name_that_is_no_utf8_ends_nothing(tmp_path):
    fill(tmp_path, classes=("a", "b"))
    first = os.fsencode(tmp_path / "a" / "0000.png")
    os.rename(first, os.path.dirname(first) + b"/m\xfcller_1.png")
    collection, pictures = read(tmp_path).load()
    assert len(pictures) == 4
    assert "a/m\\xfcller_1.png" in list(collection.table["path"])


def test_pictures_that_are_not_read_are_named(tmp_path):
    fill(tmp_path, classes=("a", "b"))
    (tmp_path / "a" / "1.heic").write_bytes(b"x")
    (tmp_path / "notes.docx").write_bytes(b"x")
    found = notes(read(tmp_path))
    assert "pictures of a kind that is not read, set aside: 1 (a/1.heic)" in found
    assert "files that are no pictures, set aside: 1 (notes.docx)" in found


def test_names_that_are_classes_are_nobody_even_if_somebody_renames_the_classes(tmp_path):
    for clip in range(8):
        for frame in range(5):
            name = f"{('angry', 'sad')[clip % 2]}/clip{clip:02d}_frame_{frame:04d}.jpg"
            put(tmp_path / name, picture(clip))
    renamed = {"angry": "anger", "sad": "sadness"}
    found = read(tmp_path, renamed.get)
    assert labels(found) == {"anger": 20, "sadness": 20}
    assert found.table["group"].nunique() == 8
    assert set(read(tmp_path).table["group"]) == set(found.table["group"])


def test_classes_of_which_a_normaliser_knows_none_are_kept_as_they_are_written(tmp_path):
    fill(tmp_path, classes=("0", "1", "2"))
    found = read(tmp_path, {"happy": "happiness"}.get)
    assert labels(found) == {"0": 2, "1": 2, "2": 2}
    assert "none that is known, kept as they are: 3 (0, 1, 2)" in notes(found)


def test_a_folder_beside_the_classes_that_holds_them_again_is_no_class(tmp_path):
    start = fill(tmp_path, classes=("angry", "happy", "sad"), each=6)
    fill(tmp_path / "new_faces", classes=("angry", "happy", "sad"), each=2, start=start)
    assert labels(read(tmp_path)) == {"angry": 8, "happy": 8, "sad": 8}


def test_labels_are_as_written_or_as_somebody_knows_them(tmp_path):
    fill(tmp_path, classes=("HAPPY", "Sadness ", "examples"))
    assert set(labels(read(tmp_path))) == {"HAPPY", "Sadness ", "examples"}
    known = {"happy": "happiness", "sadness": "sadness"}
    found = read(tmp_path, lambda text: known.get(text.strip().lower()))
    assert labels(found) == {"happiness": 2, "sadness": 2, "": 2}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda home: None, "it is empty"),
        (lambda home: put_text(home / "a.txt", "x"), r"1 \.txt"),
        (lambda home: (home / "a.heic").write_bytes(b"x"), "not read"),
    ],
)
def test_a_folder_without_pictures_is_refused_by_what_it_holds(tmp_path, make, message):
    make(tmp_path)
    with pytest.raises(InputError, match=message):
        read(tmp_path)


def test_a_path_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="nowhere"):
        read(tmp_path / "nowhere")


def test_unreadable_files_are_named_and_set_aside(tmp_path):
    fill(tmp_path, classes=("a", "b"), each=8)
    for k in range(12):
        pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:ea\n"
        put_text(tmp_path / "a" / f"lfs{k:02d}.jpg", pointer)
    collection, pictures = read(tmp_path).load()
    assert len(collection) == len(pictures) == 16
    text = str(collection.report)
    assert "unreadable files, set aside: 12" in text
    assert "lfs00.jpg is a Git LFS pointer" in text
    assert "and 2 more" in text


def test_a_folder_of_pointers_alone_is_refused(tmp_path):
    put_text(tmp_path / "a" / "1.jpg", "version https://git-lfs.github.com/spec/v1\noid\n")
    with pytest.raises(InputError, match="none of the 1 pictures"):
        read(tmp_path).load()
