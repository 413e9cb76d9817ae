import os

import cv2
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emoclass.baselines import majority
from emoclass.data import annotations, load_faces, report_table
from emoclass.data.annotations import clean, climbs
from emoclass.data.muxspace import subject_of
from emoclass.errors import InputError
from emoclass.labels import EMOTIONS, canonical


@pytest.fixture(autouse=True)
def build(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOCLASS_BUILD", str(tmp_path / "build"))


@pytest.fixture
def home(tmp_path):
    (tmp_path / "mine").mkdir()
    return tmp_path / "mine"


def photos(folder, *names):
    """Different grey pictures under these names."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shade = np.full((20, 20), sum(name.encode()) % 251, np.uint8)
        (folder / name).write_bytes(cv2.imencode(".png", shade)[1].tobytes())


def found(faces, what):
    (row,) = report_table(faces).query("what.str.contains(@what)").itertuples()
    return row.count, row.which


# who is in a photo


@pytest.mark.parametrize(
    "name, subject",
    [
        ("Jane_Doe_0003.jpg", "Jane_Doe"),
        ("Jane_Doe-12.png", "Jane_Doe"),
        ("Jane Doe (2).jpeg", "Jane Doe"),
        ("Jane7.jpg", "Jane"),
        ("De.La.Cruz_1.jpg", "De.La.Cruz"),
        ("agency_2868588k.jpg", "agency_2868588k"),
        ("0042.jpg", "0042"),
        ("Jane.jpg", "Jane"),
    ],
)
def test_a_person_is_the_file_name_without_its_number(name, subject):
    assert subject_of(name) == subject


@pytest.mark.parametrize(
    "name",
    [
        "../a.jpg",
        "a/../../b.jpg",
        "..",
        "/a.jpg",
        "C:\\a.jpg",
        "C:a.jpg",
        "a\\..\\b.jpg",
        "\\\\host\\a",
    ],
)
def test_names_that_may_lead_out_of_a_folder_are_known(name):
    assert climbs(name)


# where legends lie, and how they are written


@pytest.mark.parametrize(
    "legend_in, photos_in", [(".", "."), (".", "images"), ("images", "images"), ("data", "images")]
)
def test_a_legend_is_found_beside_or_above_the_photos(home, legend_in, photos_in):
    photos(home / photos_in, "a_1.png", "b_1.png")
    (home / legend_in).mkdir(exist_ok=True)
    (home / legend_in / "legend.csv").write_text("image,label\na_1.png,Happy\nb_1.png,SAD\n")
    faces = load_faces(home, size=8)
    assert faces.table.photo.tolist() == ["a_1.png", "b_1.png"]
    assert faces.table.emotion.tolist() == ["happiness", "sadness"]
    assert faces.pixels.shape == (2, 8, 8) and faces.name == "mine"


ROWS = [["user.id", "image", "emotion"], ["7", "Zoë_1.png", "neutral"], ["8", "b_1.png", "fear"]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("comma", [",", ";", "\t"])
@pytest.mark.parametrize("headed", [True, False])
def test_a_legend_is_read_whatever_its_encoding_line_ends_commas_or_header(
    home, encoding, ends, comma, headed
):
    text = ends.join(comma.join(row) for row in ROWS[0 if headed else 1 :])
    (home / "legend.csv").write_bytes(text.encode(encoding))
    rows = annotations.read(home / "legend.csv")
    assert rows[["annotator", "photo", "label"]].values.tolist() == ROWS[1:]
    assert rows.line.tolist() == ([2, 3] if headed else [1, 2])


def test_a_legend_of_two_columns_needs_no_header(home):
    photos(home, "a.png", "b.png")
    (home / "legend.csv").write_text("a.png,fear\n\nb.png,anger\n")
    faces = load_faces(home)
    assert faces.table.emotion.tolist() == ["fear", "anger"]
    assert faces.table.annotator.tolist() == ["unknown"] * 2


def test_columns_that_the_legend_knows_are_taken_from_it(home):
    photos(home, "a_1.png", "b_1.png")
    (home / "legend.csv").write_text(
        'subject,source,photo,notes,emotion,annotator\n"Doe, Jane",web,a_1.png,!,fear,Ann\n,,b_1.png,,anger,\n'
    )
    table = load_faces(home).table
    assert table.subject.tolist() == ["Doe, Jane", "b_1.png"]  # nobody said who that is
    assert table.source.tolist() == ["web", "unknown"] and table.annotator.tolist() == [
        "Ann",
        "unknown",
    ]


@pytest.mark.skipif(os.sep == "\\", reason="a backslash cannot stand in a name here")
def test_a_photo_that_is_called_just_so_is_taken_just_so(home):
    photos(home, "a\\b.png", "a/b.png")
    (home / "legend.csv").write_text("photo,emotion\na\\b.png,fear\n")
    assert load_faces(home).table.photo.tolist() == ["a\\b.png"]


def test_two_spellings_of_one_name_are_one_photo(home):
    photos(home / "images", "a.png", "b.png")
    (home / "legend.csv").write_text("photo,emotion\na.png,fear\nimages/a.png,anger\nb.png,fear\n")
    assert load_faces(home).table.photo.tolist() == ["b.png"]


# a folder for each emotion


def test_photos_may_be_sorted_into_folders_named_after_emotions(home):
    names = [
        "test/happy/jo_2.png",
        "train/Happy/jo_1.png",
        "train/angry/al_1.png",
        "train/angry/jo_3.png",
    ]
    photos(home, *names)
    faces = load_faces(home)
    assert faces.counts[["happiness", "anger"]].tolist() == [2, 2]
    assert faces.table.photo.tolist() == names
    assert faces.table.split.tolist() == ["test", "train", "train", "train"]
    assert found(faces, "usual spelling")[0] == 4


def test_loose_photos_beside_such_folders_are_set_aside_and_counted(home):
    photos(home, "fear/a.png", "b.png", ".hidden/c.png", "fear/.d.png")
    faces = load_faces(home)
    assert faces.table.photo.tolist() == ["fear/a.png"]
    assert found(faces, "without a row") == (1, "b.png")


@pytest.mark.parametrize("name", ["muxspace", "synthetic"])
def test_your_folder_never_takes_the_name_of_a_built_in_collection(tmp_path, name):
    photos(tmp_path / name, "fear/a.png")
    assert load_faces(tmp_path / name).name == f"{name}-folder"


# cleaning


def test_photos_labelled_differently_by_two_rows_are_dropped_and_named(home):
    photos(home, "a.png", "b.png")
    (home / "legend.csv").write_text("photo,emotion\na.png,fear\na.png,ANGER\nb.png,fear\n")
    faces = load_faces(home)
    assert faces.table.photo.tolist() == ["b.png"]
    assert found(faces, "label differently") == (1, "a.png (fear or anger)")


def test_rows_that_say_the_same_in_other_words_are_merged_and_the_first_labeller_stays(home):
    photos(home, "a.png")
    (home / "legend.csv").write_text("photo,emotion,user\na.png,sad,x\na.png,SADNESS,y\n")
    faces = load_faces(home)
    assert faces.table.annotator.tolist() == ["x"]
    assert found(faces, "repeat another row") == (1, "a.png")


def test_one_picture_under_two_names_is_one_cluster_named_after_the_first(home):
    photos(home, "a.png", "b.png", "z.png")
    (home / "b.png").write_bytes((home / "z.png").read_bytes())
    (home / "legend.csv").write_text("photo,emotion\nz.png,fear\na.png,fear\nb.png,anger\n")
    faces = load_faces(home)
    assert faces.table.duplicate_id.tolist() == ["a.png", "b.png", "b.png"]
    assert found(faces, "several names") == (1, "b.png = z.png")
    assert found(faces, "labelled differently, kept") == (1, "b.png")


def test_a_picture_toned_anew_is_another_file_and_yet_alike(home, sharp):
    shots = {
        "Ann_1.png": sharp.pixels[0],
        "Bob_1.png": sharp.pixels[0] // 8 * 8,
        "Cid_1.png": sharp.pixels[9],
    }
    for name, picture in shots.items():
        (home / name).write_bytes(cv2.imencode(".png", picture)[1].tobytes())
    (home / "legend.csv").write_text(
        "photo,emotion\n" + "".join(f"{name},fear\n" for name in shots)
    )
    faces = load_faces(home)
    assert faces.table.duplicate_id.tolist() == list(shots)
    assert faces.table.near_duplicate_id.tolist() == ["Ann_1.png", "Ann_1.png", "Cid_1.png"]
    assert found(faces, "near-duplicates") == (1, "Ann_1.png = Bob_1.png")
    assert [what for what, *_ in faces.report][-2:] == ["photos to work with", "subjects"]


labels = st.sampled_from([*EMOTIONS, "Happy", "SAD", " fear ", "SURPRISED"])
tables = st.lists(
    st.tuples(st.sampled_from([f"p{k}_{k}.jpg" for k in range(8)]), labels), min_size=1, max_size=30
)


@given(rows=tables, pictures=st.lists(st.integers(0, 5), min_size=10, max_size=10))
def test_cleaning_keeps_each_undisputed_photo_once_and_its_counts_add_up(rows, pictures):
    ids = {f"p{k}_{k}.jpg": str(picture) for k, picture in enumerate(pictures)}
    predicted = {}
    for photo, label in rows:
        predicted.setdefault(photo, set()).add(canonical(label))
    sure = {photo for photo, emotions in predicted.items() if len(emotions) == 1}
    frame = pd.DataFrame(rows, columns=["photo", "label"]).assign(line=range(len(rows)))
    if not sure:
        with pytest.raises(InputError, match="leaves no photo"):
            clean(frame, ids, "the annotation file")
        return
    table, report = clean(frame, ids, "the annotation file")
    count = {what: number for what, number, _ in report}
    assert table.photo.tolist() == sorted(sure)
    assert all({row.emotion} == predicted[row.photo] for row in table.itertuples())
    assert (table.parent == table.photo).all()
    for row in table.itertuples():
        same = [photo for photo in sorted(sure) if ids[photo] == ids[row.photo]]
        assert row.duplicate_id == same[0]
    pairs = sum(map(len, predicted.values()))
    assert (
        count["rows in the annotation file"]
        == len(rows)
        == pairs + count["rows that repeat another row, merged"]
    )
    assert count["photos named by the annotation file"] == len(predicted)
    assert len(predicted) == len(sure) + count["photos that two rows label differently, dropped"]
    assert count["photos to work with"] == len(sure)
    assert count["photos on disk without a row, set aside"] == len(ids) - len(predicted)
    assert count["labels brought to the usual spelling"] == sum(
        label not in EMOTIONS for _, label in rows
    )


# names that are no UTF-8


def test_a_name_that_is_no_utf_8_is_read_and_is_plain_text_from_then_on(tmp_path):
    home = tmp_path / os.fsdecode(b"caf\xe9")
    photos(home, "fear/a_1.png", "anger/b_1.png", "anger/zz_1.png")
    picture = (home / "fear" / "a_1.png").read_bytes()
    try:
        (home / "fear" / "a_1.png").rename(home / "fear" / os.fsdecode(b"m\xfcller_1.png"))
    except OSError:
        pytest.skip("this file system has UTF-8 names alone")
    (home / os.fsdecode(b"\xff.txt")).write_text("no picture")
    faces = load_faces(home, size=20)
    assert faces.name == "caf\\xe9"
    assert faces.table.photo.tolist() == [
        "anger/b_1.png",
        "anger/zz_1.png",
        "fear/m\\xfcller_1.png",
    ]
    assert (faces.pixels[2] == cv2.imdecode(np.frombuffer(picture, np.uint8), 0)).all()
    assert found(faces, "no pictures") == (1, "\\xff.txt")
    text = f"{faces.table.to_csv()} {faces.report} {faces.digest}"
    text.encode("utf-8")


def test_a_damaged_photo_whose_name_is_no_utf_8_is_named_in_plain_text(home):
    photos(home, "fear/a_1.png")
    try:
        (home / "fear" / os.fsdecode(b"m\xfcller_1.png")).write_bytes(b"no picture")
    except OSError:
        pytest.skip("this file system has UTF-8 names alone")
    with pytest.raises(InputError, match=r"m\\xfcller_1\.png is not a picture") as caught:
        load_faces(home)
    str(caught.value).encode("utf-8")


# subjects and near-duplicates together


def test_subjects_that_near_duplicates_contradict_are_unknown(home, sharp):
    """Five names, and four pictures that are there again, toned otherwise, under another name."""
    for k in range(16):
        picture = sharp.pixels[k if k < 12 else k - 12]
        picture = picture if k < 12 else picture // 8 * 8
        name = f"{('Al', 'Bo', 'Cy', 'Di', 'Ed')[k % 5]}_{k}.png"
        path = home / EMOTIONS[k % 3] / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(cv2.imencode(".png", picture)[1].tobytes())
    faces = load_faces(home)
    assert "pairs of near-duplicates" in found(faces, "^subjects")[1]
    assert faces.table.subject.tolist() == faces.table.photo.tolist()


def test_names_that_tell_something_else_are_a_caveat_of_whatever_is_tested_on_such_photos(
    home, sharp
):
    """Two times a day of each of five people: nobody knows which of the two words is the subject."""
    for k in range(20):
        name = f"ann{'abcde'[k % 5]}_{('day', 'eve')[k // 5 % 2]}_{k}.png"
        path = home / EMOTIONS[k % 3] / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(cv2.imencode(".png", sharp.pixels[k])[1].tobytes())
    faces = load_faces(home)
    assert faces.table.subject.nunique() == 10
    assert majority(faces).caveats == ("subjects unknown",)
