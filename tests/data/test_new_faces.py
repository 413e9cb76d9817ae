"""New faces: whatever is odd about them is handled and counted, and no picture is in both halves."""

import hashlib
from dataclasses import replace

import cv2
import numpy as np
import pytest

from emoclass.data import load_faces, muxspace, new_faces, report_table
from emoclass.data.images import blob_ids
from emoclass.data.muxspace import NEW_FACES, Part, find
from emoclass.data.new_faces import (
    HELD_BACK,
    LEARN,
    RECUT,
    NoNewFaces,
    load_new_faces,
    with_new_faces,
)
from emoclass.errors import InputError
from emoclass.labels import EMOTIONS
from emoclass.splits import check_no_leakage

real_new_faces = pytest.mark.skipif(
    find() is None or find(part=NEW_FACES) is None,
    reason="the photos or the new faces are not on this machine",
)


def found(faces, what):
    (row,) = report_table(faces).query("what.str.contains(@what)").itertuples()
    return row.count, row.which


def picture(path, pixels):
    """Write a picture without loss, whatever its name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", pixels)[1].tobytes())


def name_of(number):
    return f"facial-expressions-218{number:03}.jpg"


def tinted(grey):
    """(size, size, 3) blue, green, red: a face with skin of some warmth."""
    return (grey[..., None] * [0.5, 0.7, 1.0]).round().astype(np.uint8)


@pytest.fixture
def offered(tmp_path, sharp, monkeypatch):
    """The new faces in small: four synthetic faces of each emotion, red for blue; photos 8 and 9 are photo 0 again."""
    home = tmp_path / "data" / ("facial_expressions-" + "a" * 40)
    rows = ["user.id,image,emotion", "628,facial-expressions_1k.jpg,angry"]
    for number, row in enumerate(sharp.table.itertuples()):
        shown = sharp.pixels[{8: 0, 9: 0}.get(number, number)]
        shown = shown // 8 * 8 if number == 9 else shown
        picture(home / "images" / name_of(number), tinted(shown)[..., ::-1])
        rows.append(f"218,{name_of(number).replace('-218', '_218')},{row.emotion}")
    picture(home / "images" / "facial-expressions_1k.jpg", np.zeros((60, 40, 3), np.uint8))
    (home / "data").mkdir()
    (home / "data" / "legend.csv").write_text("\n".join(rows))
    names = sorted(path.relative_to(home).as_posix() for path in home.glob("*/*"))
    lines = [
        f"{each} {name}\n" for each, name in zip(blob_ids([home / name for name in names]), names)
    ]
    digest = hashlib.sha256("".join(lines).encode()).hexdigest()
    monkeypatch.setattr(muxspace, "NEW_FACES", Part("a" * 40, ("images", "data"), digest))
    monkeypatch.setenv("EMOCLASS_DATA", str(tmp_path / "data"))
    return home


# the photos that were never merged


@pytest.mark.parametrize("size", [24, 48, 60])
def test_grey_is_that_of_the_colours_before_red_and_blue_were_exchanged(offered, sharp, size):
    faces = load_new_faces(size=size)
    assert faces.pixels.shape == (32, size, size)
    if size == 48:
        assert (faces.pixels[5] == cv2.cvtColor(tinted(sharp.pixels[5]), cv2.COLOR_BGR2GRAY)).all()
    assert found(faces, "red and blue")[0] == 32


def test_files_are_found_under_the_names_that_the_legend_writes_otherwise(offered, sharp):
    faces = load_new_faces(size=8)
    assert found(faces, "other annotator") == (1, "facial-expressions_1k.jpg")
    assert set(faces.table.annotator) == {"218"}
    assert faces.table.photo.tolist() == [name_of(number) for number in range(32)]
    assert faces.table.emotion.tolist() == sharp.table.emotion.tolist()
    assert found(faces, "otherwise than the disk") == (32, "") and found(
        faces, "without a row"
    ) == (0, "")


def test_names_that_are_all_alike_make_each_picture_somebody_else_s(offered):
    faces = load_new_faces(size=8)
    assert (
        faces.table.subject.tolist() == faces.table.near_duplicate_id.tolist()
        and faces.table.subject.nunique() < 32
    )
    assert found(faces, "do not tell subjects apart")[0] == 32
    assert not report_table(faces)["what"].str.endswith(": subjects").any()


@pytest.mark.parametrize("seed", range(4))
def test_a_picture_its_twin_and_its_new_cut_are_in_one_half(offered, seed, monkeypatch):
    monkeypatch.setitem(RECUT, name_of(20), name_of(11))
    table = load_new_faces(size=8, seed=seed).table
    assert table.duplicate_id[8] == name_of(0) and table.duplicate_id[20] == name_of(20)
    assert (
        table.near_duplicate_id[[0, 8, 9]].tolist() == [name_of(0)] * 3
        and table.near_duplicate_id[20] == table.near_duplicate_id[11]
    )
    check_no_leakage(table, (table.source != HELD_BACK).to_numpy(int), "subject")


def test_damaged_new_faces_are_not_taken(offered):
    (offered / "images" / name_of(3)).write_bytes(b"")
    with pytest.raises(InputError, match=rf"is not the pinned collection.*{name_of(3)} is empty"):
        load_new_faces()


def test_new_faces_that_are_not_there_are_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOCLASS_DATA", str(tmp_path))
    with pytest.raises(
        muxspace.Unreachable, match=r"the new faces are not in .*make data.*146098e"
    ) as caught:
        load_new_faces()
    assert "\n" not in str(caught.value)


# halves


def test_each_emotion_is_halved_and_each_photo_is_in_one_half():
    table = load_new_faces("synthetic", size=16).table
    learnt = table.emotion[table.source.isin(LEARN)].value_counts()
    kept = table.emotion[table.source == HELD_BACK].value_counts()
    assert len(table) == learnt.sum() + kept.sum() == 100
    assert ((learnt - kept).abs() <= 2).all()


def test_what_is_to_learn_comes_in_four_parts_with_a_quarter_of_each_emotion():
    table = load_new_faces("synthetic", size=16).table
    make_split = (
        table[table.source.isin(LEARN)]
        .groupby("emotion")
        .source.value_counts()
        .unstack(fill_value=0)
    )
    assert list(make_split) == list(LEARN) and (np.ptp(make_split.to_numpy(), axis=1) <= 1).all()


def test_the_same_seed_halves_alike_and_another_otherwise():
    first, again, other = (load_new_faces("synthetic", size=16, seed=seed) for seed in (0, 0, 1))
    assert first.digest == again.digest and (first.pixels == other.pixels).all()
    assert (first.table.source != other.table.source).any()


def test_the_size_has_no_say_in_who_is_held_back(offered):
    assert load_new_faces(size=8).table.equals(load_new_faces(size=40).table)


@pytest.mark.parametrize("dataset", ["muxspace", "synthetic", "/nowhere"])
def test_no_size_is_one_sentence(dataset):
    with pytest.raises(InputError, match="cannot be 0 pixels a side"):
        load_new_faces(dataset, size=0)


# drawn new faces


def test_drawn_new_faces_are_a_fifth_of_the_real_ones_and_show_strangers():
    collection, new = load_faces("synthetic", size=16), load_new_faces("synthetic", size=16)
    real = np.array([70, 85, 39, 42, 73, 67, 63, 61])
    assert (np.abs(new.counts - real / 5) <= 0.5).all() and new.name == "synthetic-new-faces"
    assert new.table.subject.nunique() == 100
    for column in ("photo", "subject", "parent", "duplicate_id", "near_duplicate_id"):
        assert not set(new.table[column]) & set(collection.table[column])


def test_drawn_faces_come_first_and_as_they_were():
    collection, both = load_faces("synthetic", size=16), with_new_faces("synthetic", size=16)
    assert (
        both.select(range(len(collection))).digest == collection.digest and both.name == "synthetic"
    )
    aside = found(both, "of the collection, set aside")[0]
    assert len(both) == len(collection) + 100 - aside == found(both, "new faces among them")[0]
    assert set(both.table.source[len(collection) :]) == {*LEARN, HELD_BACK}


# a folder of one's own


@pytest.fixture
def home(tmp_path, sharp):
    """16 photos of 8 subjects in folders named after emotions, and 16 of others in `new_faces/`."""
    for row, pixels in zip(sharp.table.itertuples(), sharp.pixels):
        number = int(row.photo.split("-")[0])
        place = tmp_path / "mine" if number % 2 else tmp_path / "mine" / "new_faces"
        picture(place / row.emotion / f"P{number // 4}_{number}.png", pixels)
    return tmp_path / "mine"


def test_a_folder_called_new_faces_is_no_emotion_and_its_photos_are_not_taken(home):
    faces = load_faces(home, size=8)
    assert len(faces) == 16 and not faces.table.photo.str.startswith("new_faces").any()
    assert found(faces, "without a row")[0] == 0


def test_only_that_name_and_only_there_is_left_out(home):
    (home / "new_faces").rename(home / "newer_faces")
    assert (
        len(load_faces(home, size=8)) == 32
    )  # the photos lie in folders of emotions, at any depth
    (home / "more").mkdir()
    (home / "newer_faces").rename(home / "more" / "new_faces")
    assert len(load_faces(home, size=8)) == 32


@pytest.fixture
def halvable(home, sharp):
    """`home` with two new faces of each emotion at least."""
    for number, (emotion, pixels) in enumerate(zip(sharp.table.emotion, sharp.pixels)):
        picture(home / "new_faces" / emotion / f"Q{number}_1.png", pixels[::-1])
    return home


def test_new_faces_of_your_own_are_halved_and_named_by_their_place(halvable):
    new = load_new_faces(halvable, size=8)
    assert new.name == "mine-new-faces" and len(new) == 48
    assert new.table.photo.str.startswith("new_faces/").all() and "P0" in set(new.table.subject)
    check_no_leakage(new.table, (new.table.source != HELD_BACK).to_numpy(int), "subject")


def test_few_new_faces_are_cut_in_four_all_the_same(tmp_path, sharp):
    for k, pixels in enumerate(
        sharp.pixels[::3][:10]
    ):  # two of each emotion, so that of each one is learnt from
        picture(tmp_path / "new_faces" / EMOTIONS[k // 2] / f"IMG_{k}.png", pixels)
    assert set(load_new_faces(tmp_path, size=8).table.source) == {*LEARN, HELD_BACK}


def test_one_person_in_both_keeps_one_name(halvable):
    both = with_new_faces(halvable, size=8)
    is_new = both.table.photo.str.startswith("new_faces/")
    shared = set(both.table.subject[is_new]) & set(both.table.subject[~is_new])
    assert "P0" in shared and not shared & {f"Q{number}" for number in range(32)}


def test_a_file_name_that_comes_twice_and_names_nobody_is_two_strangers(tmp_path, sharp):
    for k, (emotion, pixels) in enumerate(zip(sharp.table.emotion, sharp.pixels)):
        for home in (tmp_path / "mine", tmp_path / "mine" / "new_faces"):
            picture(
                home / emotion / f"IMG_{k}.png", pixels if home.name == "mine" else pixels[::-1]
            )
    both = with_new_faces(tmp_path / "mine", size=8)
    assert both.table.subject.nunique() == len(both) > 32


@pytest.mark.parametrize("size", [16, 48])
def test_a_new_face_that_the_collection_has_already_is_set_aside_and_named(halvable, size):
    taken = sorted(halvable.glob("*/P*.png"))[0]
    pixels = cv2.imread(str(taken), cv2.IMREAD_GRAYSCALE)
    before = with_new_faces(halvable, size)
    (halvable / "new_faces" / "fear" / "R_1.png").write_bytes(taken.read_bytes())
    picture(halvable / "new_faces" / "fear" / "S_1.png", pixels // 8 * 8)
    both = with_new_faces(halvable, size)
    count, which = found(both, "of the collection, set aside")
    assert count == found(before, "of the collection, set aside")[0] + 2
    assert {"new_faces/fear/R_1.png", "new_faces/fear/S_1.png"} <= set(which.split(", "))
    assert sorted(both.table.photo) == sorted(before.table.photo)


def test_what_is_kept_together_with_a_new_face_that_is_set_aside_goes_with_it(sharp, monkeypatch):
    collection, offered = sharp.select(np.arange(10)), sharp.select(np.array([0, 20, 21]))
    names = [
        "new 0",
        "new 1",
        "new 2",
    ]  # 0 is in the collection; 1 was found by eye to show the same picture
    kin = dict(
        photo=names, parent=names, duplicate_id=names, near_duplicate_id=["new 0", "new 0", "new 2"]
    )
    new = replace(offered, table=offered.table.assign(**kin))
    monkeypatch.setattr(new_faces, "load_faces", lambda *_: collection)
    monkeypatch.setattr(new_faces, "load_new_faces", lambda *_: new)
    both = with_new_faces("anything", size=48)
    assert both.table.photo.tolist() == [*collection.table.photo, "new 2"]
    assert found(both, "of the collection, set aside") == (2, "new 0, new 1")


def test_a_folder_without_new_faces_is_told_where_to_put_them(tmp_path):
    picture(tmp_path / "mine" / "fear" / "a.png", np.zeros((9, 9), np.uint8))
    with pytest.raises(
        NoNewFaces, match=r"mine has no new faces: put them in a folder new_faces/ inside it"
    ) as caught:
        load_new_faces(tmp_path / "mine")
    assert "\n" not in str(caught.value)
    alone = with_new_faces(tmp_path / "mine", size=8)
    assert len(alone) == 1 and found(alone, "there are none") == (0, "")


def test_an_emotion_with_one_new_face_cannot_be_halved(tmp_path):
    for name in ("fear/a.png", "anger/b.png", "anger/c.png"):
        picture(tmp_path / "mine" / "new_faces" / name, np.full((9, 9), len(name), np.uint8))
    with pytest.raises(InputError, match=r"the new faces of mine cannot be halved: .*fear \(1\)"):
        load_new_faces(tmp_path / "mine")


# the real ones


@pytest.fixture(scope="module")
def real(decoded):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMOCLASS_BUILD", decoded)
        return load_faces("muxspace"), load_new_faces("muxspace"), with_new_faces("muxspace")


@real_new_faces
def test_the_report_counts_what_is_known_of_the_new_faces(real):
    new = real[1]
    assert new.counts.tolist() == [70, 85, 39, 42, 73, 67, 63, 61]
    count = report_table(new)["count"].tolist()
    assert count == [4, 500, 500, 0, 0, 500, 0, 0, 11, 2, 34, 8, 453, 500, 500, 250, 250]
    assert (
        new.table.duplicate_id.nunique(),
        new.table.near_duplicate_id.nunique(),
        new.table.subject.nunique(),
    ) == (
        489,
        458,
        458,
    )


@real_new_faces
def test_skin_is_redder_than_blue_once_the_channels_are_put_right():
    folder = find(part=NEW_FACES) / "images"
    shown = [new_faces._decode(folder / name_of(number)) for number in range(1, 501)]
    coloured = [picture for picture in shown if new_faces._has_colour(picture)]
    redder = [
        picture[24:72, 24:72, 0].mean() > picture[24:72, 24:72, 2].mean() for picture in coloured
    ]
    assert {picture.shape for picture in shown} == {(96, 96, 3)} and np.mean(redder) > 0.98


@real_new_faces
def test_the_pairs_found_by_eye_are_one_picture_once_they_are_moved_into_line(real):
    folder = find(part=NEW_FACES) / "images"
    middle = cv2.circle(np.zeros((96, 96), np.uint8), (48, 48), 28, 1, -1)
    for pair in RECUT.items():
        later, earlier = (
            new_faces._grey([new_faces._decode(folder / name)], 96)[0] for name in pair
        )
        earlier, later = (
            cv2.GaussianBlur(each.astype(np.float32), (0, 0), 1.5) for each in (earlier, later)
        )
        how = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 80, 1e-5)
        start = np.eye(2, 3, dtype=np.float32)
        assert (
            cv2.findTransformECC(earlier, later, start, cv2.MOTION_AFFINE, how, middle, 5)[0]
            > 0.985
        ), pair


@real_new_faces
def test_real_new_faces_are_halved_within_each_emotion_and_no_picture_is_in_both(real):
    table = real[1].table
    halves = [
        table.emotion[table.source.isin(half)].value_counts()[list(EMOTIONS)]
        for half in (LEARN, (HELD_BACK,))
    ]
    assert [half.sum() for half in halves] == [250, 250] and (
        halves[0] - halves[1]
    ).abs().max() <= 1
    check_no_leakage(table, (table.source != HELD_BACK).to_numpy(int), "subject")


@real_new_faces
def test_the_collection_stays_as_it_is_and_no_new_face_was_in_it(real):
    collection, new, both = real
    assert (
        both.select(range(len(collection))).digest == collection.digest and both.name == "muxspace"
    )
    assert both.select(range(len(collection), len(both))).digest == new.digest
    assert found(both, "of the collection, set aside")[0] == 0 and len(both) == 14_181
    assert not set(new.table.subject) & set(collection.table.subject)
    assert both.report[: len(collection.report)] == collection.report
