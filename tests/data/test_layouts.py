"""Folders as people keep them: each layout read as a person would, and nothing left out without a word."""

import cv2
import numpy as np
import pytest

from emoclass.data import layouts, load_faces, report_table
from emoclass.errors import InputError
from emoclass.labels import EMOTION_OF, canonical

SEVEN = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")


@pytest.fixture(autouse=True)
def build(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOCLASS_BUILD", str(tmp_path / "build"))


@pytest.fixture
def home(tmp_path):
    (tmp_path / "mine").mkdir()
    return tmp_path / "mine"


def put(folder, *names):
    """Pictures of noise under these names, no two alike."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(list(name.encode())).integers(0, 256, (16, 16), np.uint8)
        cv2.imwrite(
            str(folder / name), cv2.resize(noise, (48, 48), interpolation=cv2.INTER_NEAREST)
        )


def reported(faces):
    return {
        what: (count, which) for what, count, which in report_table(faces).itertuples(index=False)
    }


# class folders and splits


def test_folders_of_a_split_are_read_and_kept(home):
    put(
        home,
        *(
            f"{part}/{e}/{k}.png"
            for part in ("train", "Validation", "test")
            for e in SEVEN
            for k in range(2)
        ),
    )
    faces = load_faces(home)
    assert faces.table.split.value_counts().to_dict() == {"train": 14, "validation": 14, "test": 14}
    assert faces.counts[faces.counts > 0].tolist() == [6] * 7


def test_photos_beside_the_parts_of_a_split_are_set_aside_by_name(home):
    put(home, "train/happy/a.png", "test/sad/b.png", "images/happy/demo.png", "images/accuracy.png")
    faces = load_faces(home)
    assert len(faces) == 2
    assert reported(faces)["photos outside the parts of the split, set aside"] == (
        1,
        "images/happy/demo.png",
    )
    assert reported(faces)["photos on disk without a row, set aside"] == (1, "images/accuracy.png")


def test_a_class_may_hold_folders_of_its_own(home):
    put(home, "happy/clip1/1.png", "happy/clip1/2.png", "sad/clip2/1.png")
    faces = load_faces(home)
    assert faces.table.emotion.tolist() == ["happiness", "happiness", "sadness"]
    assert reported(faces)["photos deeper in a class folder, taken as of that class"][0] == 3


def test_a_folder_beside_the_classes_that_is_none_is_named_with_its_path(home):
    put(home, "train/happy/a.png", "train/sad/b.png", "train/angrily disgusted/c.png")
    with pytest.raises(
        InputError,
        match=r"no emotions: 'train/angrily disgusted' \(1 photos\): rename them or take",
    ):
        load_faces(home)


@pytest.mark.parametrize("other", ["angry/Joy/a.png", "angry/natural/a.png", "An/happy/a.png"])
def test_two_emotions_in_one_path_are_not_guessed_at(home, other):
    put(home, "happy/b.png", "sad/c.png", other)
    with pytest.raises(InputError, match=f"which folder is the emotion in {other[:-6]}"):
        load_faces(home)


def test_numbers_in_numbers_are_not_guessed_at(home):
    put(home, *(f"{k}/{who}/a.png" for k in range(3) for who in range(2)))
    (home / "labels.csv").write_text("0,neutral\n1,happy\n2,sad\n")
    with pytest.raises(InputError, match="which folder is the emotion in 0/0, 0/1"):
        load_faces(home)


def test_a_code_with_a_number_is_no_emotion(home):
    put(home, "happy/con1/a.png", "happy/con2/b.png", "SA/c.png")
    assert load_faces(home).table.emotion.tolist() == ["sadness", "happiness", "happiness"]


def test_a_test_folder_beside_the_classes_is_their_test(home):
    put(home, "happy/a.png", "sad/b.png", "test/happy/c.png")
    assert load_faces(home).table.split.tolist() == ["train", "train", "test"]


def test_parts_have_longer_names_too_and_somebody_may_be_called_so(home):
    put(home, "FER2013Train/happy/Dev/a.png", "train_set/sad/Val/b.png", "test-images/sad/c.png")
    assert load_faces(home).table.set_index("photo").split.to_dict() == {
        "FER2013Train/happy/Dev/a.png": "train", "test-images/sad/c.png": "test", "train_set/sad/Val/b.png": "train",
    }  # fmt: skip


def test_several_csvs_of_labelled_pixels_are_named_and_unlabelled_ones_set_aside(home):
    (home / "test.csv").write_text("pixels\n1 2 3 4\n")
    (home / "train.csv").write_text("emotion,pixels\n3,1 2 3 4\n0,5 6 7 8\n")
    faces = load_faces(home, size=2)
    assert len(faces) == 2 and reported(faces)["files that are no pictures, set aside"] == (
        1,
        "test.csv",
    )
    (home / "whole.csv").write_text("emotion,pixels\n3,1 2 3 4\n")
    with pytest.raises(
        InputError, match=r"train\.csv, whole\.csv each hold labelled pixels: name one of them"
    ):
        load_faces(home)


def test_a_photo_whose_name_lost_its_emotion_is_set_aside_by_name(home):
    put(
        home,
        *(f"AF0{p}/AF0{p}{code}S.JPG" for p in range(1, 7) for code in ("AN", "HA", "NE")),
        "AF01/AF01V.JPG",
    )
    faces = load_faces(home)
    assert len(faces) == 18 and faces.table.subject.nunique() == 6
    assert reported(faces)["photos whose names say no emotion, set aside"] == (1, "AF01/AF01V.JPG")


def test_names_are_matched_however_umlauts_and_capitals_are_written(home):
    put(home, "Mu\u0308ller.png", "B.PNG")
    (home / "legend.csv").write_text(
        "File Name,Emotion,Participant ID\nM\u00fcller.png,happy,7\nb.png,sad,8\n"
    )
    assert sorted(load_faces(home).table.subject) == ["7", "8"]


def test_linked_classes_are_read_and_circles_end(home, tmp_path):
    put(tmp_path / "elsewhere", "a.png", "b.png")
    put(home, "sad/c.png")
    (home / "happy").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (home / "sad" / "above").symlink_to(home, target_is_directory=True)
    (home / "sad" / "one.png").symlink_to(home / "sad" / "c.png")
    faces = load_faces(home)
    assert {"happy/a.png", "happy/b.png", "sad/c.png", "sad/one.png"} <= set(faces.table.photo)


def test_a_folder_linked_into_two_classes_is_read_in_both(home, tmp_path):
    put(tmp_path / "elsewhere", "a.png")
    for part in ("train/happy", "test/happy"):
        put(home, f"{part}/own.png")
        (home / part / "more").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    names = [
        "test/happy/more/a.png",
        "test/happy/own.png",
        "train/happy/more/a.png",
        "train/happy/own.png",
    ]
    assert load_faces(home).table.photo.tolist() == names


def test_a_folder_may_have_a_line_break_in_its_name(home):
    put(home, "a\nb/happy/1.png", "a\nb/sad/2.png")
    assert load_faces(home).table.emotion.tolist() == ["happiness", "sadness"]


def test_what_is_no_photo_is_counted(home):
    put(home, "happy/a.png", "sad/b.png")
    for junk in (
        "__MACOSX/happy/._a.png",
        ".DS_Store",
        "happy/Thumbs.db",
        "sad/desktop.ini",
        "sad/c.heic",
    ):
        (home / junk).parent.mkdir(parents=True, exist_ok=True)
        (home / junk).write_bytes(b"junk")
    (home / "fear").mkdir()
    found = reported(load_faces(home))
    assert found["hidden files and what systems leave behind, set aside"][0] == 4
    assert found["pictures of a kind that is not read, set aside"] == (1, "sad/c.heic")
    assert found["empty class folders"] == (1, "fear")


def test_what_is_no_photo_among_new_faces_is_counted_with_them_alone(home):
    put(home, "happy/a.png", "sad/b.png", "new_faces/happy/a.png", "new_faces/sad/b.png")
    (home / "new_faces" / ".DS_Store").write_bytes(b"junk")
    (home / "new_faces" / "fear").mkdir()
    hidden, empty = "hidden files and what systems leave behind, set aside", "empty class folders"
    assert not {hidden, empty} & reported(load_faces(home)).keys()
    found = reported(load_faces(home / "new_faces"))
    assert found[hidden][0] == 1 and found[empty] == (1, "fear")


@pytest.mark.parametrize(
    "label",
    ["ANGRY", " Sadness ", "Fearful", "scared", "suprise", "0_Happy", "ha", "NE", "Natural"],
)
def test_emotions_are_known_by_the_names_that_people_give_them(label):
    assert canonical(label) == EMOTION_OF[label.strip(" 0_").lower()]


@pytest.mark.parametrize(
    "label", ["", "7", "happily surprised", "negative", "contentment", "Disneyland"]
)
def test_other_words_are_no_emotion(label):
    assert canonical(label) is None


# numbers


def test_numbered_classes_need_to_be_told(home):
    put(home, *(f"{k}/a{k}.png" for k in range(3)))
    with pytest.raises(InputError, match="numbers 0, 1, 2 are: put a file labels"):
        load_faces(home)
    (home / "labels.csv").write_text("number,emotion\n0,neutral\n1,happy\n2,sad\n")
    assert load_faces(home).table.emotion.tolist() == ["neutral", "happiness", "sadness"]


@pytest.mark.parametrize("listed", [False, True])
def test_raf_db_is_read_from_its_folders_or_its_list(home, listed):
    names = [f"{'train' if k < 5 else 'test'}_{k:05d}" for k in range(1, 8)]
    for k, name in enumerate(names, 1):
        put(
            home,
            f"{name}_aligned.png" if listed else f"{name.split('_')[0]}/{k}/{name}_aligned.png",
        )
    if listed:
        (home / layouts.RAF_LIST).write_text(
            "".join(f"{name}.png {k}\n" for k, name in enumerate(names, 1))
        )
    table = load_faces(home).table.sort_values(
        "photo", key=lambda photo: photo.str.extract(r"(\d{5})")[0]
    )
    as_published = ["surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral"]
    assert table.emotion.tolist() == as_published
    assert table.split.tolist() == ["train"] * 4 + ["test"] * 3


@pytest.mark.parametrize("name", ["{0}.{1}{2}.9.png", "A{0}{1}S.png", "100{2}_DFA_{1}_XX.png"])
def test_names_of_known_data_sets_say_the_emotion_where_no_folder_does(home, name):
    codes = (
        ("ANG", "DIS", "FEA", "HAP", "NEU", "SAD")
        if "DFA" in name
        else ("AN", "DI", "HA", "NE", "SA", "SU")
    )
    people = [f"F0{k}" if name.startswith("A") else f"K{'ABCDEF'[k]}" for k in range(6)]
    put(home, *(name.format(who, code, k) for k, who in enumerate(people) for code in codes))
    faces = load_faces(home)
    assert (
        set(faces.table.emotion) == {canonical(code) for code in codes}
        and (faces.counts[faces.counts > 0] == 6).all()
    )
    assert faces.table.subject.nunique() == 6


@pytest.mark.parametrize(
    "subjects", [("AF01", "AF02", "AF03", "AF04", "AF05"), ("AF01", "AM02", "BF03", "BM04", "AF05")]
)
def test_folders_named_after_subjects_are_no_emotions_though_their_letters_are_a_code(
    home, subjects
):
    put(home, *(f"KDEF/{who}/{who}{code}S.png" for who in subjects for code in ("AN", "HA", "NE")))
    faces = load_faces(home)
    assert faces.counts[faces.counts > 0].to_dict() == {"anger": 5, "happiness": 5, "neutral": 5}
    assert sorted(faces.table.subject.unique()) == sorted(who[1:] for who in subjects)


def test_the_list_of_raf_db_is_found_where_it_is_published_and_aligned_photos_are_taken(home):
    put(
        home,
        *(
            f"Image/{kind}_{k:05d}.png"
            for kind in ("original/train", "original/test")
            for k in range(1, 4)
        ),
    )
    put(
        home,
        *(
            f"Image/aligned/{part}_{k:05d}_aligned.png"
            for part in ("train", "test")
            for k in range(1, 4)
        ),
    )
    (home / "EmoLabel").mkdir()
    lines = [f"{part}_{k:05d}.png {k}" for part in ("train", "test") for k in range(1, 4)]
    (home / "EmoLabel" / layouts.RAF_LIST).write_text("\n".join(lines))
    faces = load_faces(home)
    assert len(faces) == 6 and faces.table.photo.str.contains("aligned/").all()
    assert faces.table.split.value_counts().to_dict() == {"train": 3, "test": 3}
    assert reported(faces)["photos on disk without a row, set aside"][0] == 6


def test_a_line_of_the_list_of_raf_db_with_too_few_or_too_many_words_is_named(home):
    put(home, "Image/train_00001.png", "Image/train_00002.png", "Image/train_00003.png")
    (home / layouts.RAF_LIST).write_text(
        "train_00001.png 4\ntrain_00002.png\ntrain_00003.png 5 of 7\n"
    )
    with pytest.raises(
        InputError, match=r"row 2: the emotion is missing.*row 3: '5 of 7' is no emotion"
    ):
        load_faces(home)


# annotation files


def test_a_column_says_the_split_and_unused_ones_are_named(home):
    put(home, "1.png", "2.png", "3.png")
    (home / "legend.csv").write_text(
        "filename,label,split,subject_id,age\n1.png,sad,train,Al,7\n2.png,happy,VAL,Al,8\n3.png,sad,test,Bo,9\n"
    )
    faces = load_faces(home)
    assert faces.table.split.tolist() == ["train", "validation", "test"]
    assert faces.table.subject.tolist() == ["Al", "Al", "Bo"]
    assert reported(faces)["columns of the annotation file, not used"] == (1, '"age"')


def test_a_part_that_is_none_is_refused(home):
    put(home, "1.png", "2.png")
    (home / "legend.csv").write_text("photo,emotion,split\n1.png,sad,training\n2.png,sad,often\n")
    with pytest.raises(
        InputError, match=r"row 3: 'often' is no part of a split \(train, validation, test\)"
    ):
        load_faces(home)


def test_names_are_matched_to_where_the_photos_lie(home):
    put(home, "images/happy/Al_1.png", "images/sad/Al_2.png", "images/sad/deep/Bo_1.png")
    (home / "legend.csv").write_text(
        ",image,emotion\n0,Al_1.png,happy\n1,data/sad/Al_2.png,sad\n2,sad\\deep\\Bo_1.png,sad\n"
    )
    assert load_faces(home).table.photo.tolist() == [
        "happy/Al_1.png",
        "sad/Al_2.png",
        "sad/deep/Bo_1.png",
    ]


def test_a_name_that_two_photos_bear_is_not_guessed_at(home):
    put(home, "a/1.png", "b/1.png")
    (home / "legend.csv").write_text("photo,emotion\n1.png,sad\n")
    with pytest.raises(InputError, match="row 2: there is no photo '1"):
        load_faces(home)


def test_messages_go_by_cause_and_hint_at_what_was_meant(home):
    put(home, *(f"photo_{k}.png" for k in range(30)))
    rows = [f"photo_{k}.png,{'negative' if k % 2 else 'suprised'}" for k in range(30)]
    (home / "legend.csv").write_text("photo,emotion\n" + "\n".join(rows) + "\nphoto_7.pgn,hapy\n")
    with pytest.raises(InputError) as caught:
        load_faces(home)
    assert "'negative' is no emotion: 15 rows (3, 5, 7, 9, 11, 13, 15, 17 and 7 more)" in str(
        caught.value
    )
    assert "row 32: there is no photo 'photo_7.pgn' (did you mean 'photo_7.png'?)" in str(
        caught.value
    )
    assert "row 32: 'hapy' is no emotion (did you mean 'happy'?)" in str(caught.value)


def test_the_csv_of_fer2013_is_read_as_it_is_published(home):
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (8, 48, 48))
    usage = ("Training", "PublicTest", "PrivateTest", "Training")
    rows = [
        f"{k % 7},{' '.join(map(str, picture.ravel()))},{usage[k % 4]}"
        for k, picture in enumerate(pictures)
    ]
    (home / "fer2013.csv").write_text("emotion,pixels,Usage\n" + "\n".join(rows) + "\n")
    put(home, "preview.png")
    faces = load_faces(home)
    assert faces == load_faces(home / "fer2013.csv") and (faces.pixels == pictures).all()
    assert (
        faces.table.emotion.tolist()[:7]
        == "anger disgust fear happiness sadness surprise neutral".split()
    )
    assert faces.table.split.tolist()[:4] == ["train", "validation", "test", "train"]
    assert reported(faces)["photos beside the csv of pixels, set aside"] == (1, "preview.png")
    rows[2] = "3,1 2 3,Training"
    (home / "fer2013.csv").write_text("emotion,pixels,Usage\n" + "\n".join(rows) + "\n")
    with pytest.raises(InputError, match="not 48 x 48 numbers from 0 to 255 in row 4"):
        load_faces(home)


def test_columns_of_pixels_may_come_in_any_order_and_ck_plus_has_a_number_more(home):
    (home / "icml_face_data.csv").write_text(
        "emotion, Usage, pixels\n7, Training, 1 2 3 4\n0, PublicTest, 5 6 7 8\n"
    )
    faces = load_faces(home, size=2)
    assert faces.table.emotion.tolist() == ["contempt", "anger"]
    assert faces.table.split.tolist() == ["train", "validation"] and faces.pixels[1].tolist() == [
        [5, 6],
        [7, 8],
    ]


def test_an_annotation_file_of_another_name_is_found_where_no_folder_tells_emotions(home):
    put(home, "pictures/1.png", "pictures/2.png")
    (home / "labels.csv").write_text("image,label\n1.png,happy\n2.png,sad\n")
    (home / "notes.csv").write_text("a,b\n1,2\n")
    faces = load_faces(home)
    assert faces.table.emotion.tolist() == ["happiness", "sadness"]
    assert reported(faces)["files that are no pictures, set aside"] == (1, "notes.csv")
    (home / "more.csv").write_text("image,label\n1.png,happy\n")
    with pytest.raises(
        InputError, match=r"labels\.csv, more\.csv each say what photos show: make one legend\.csv"
    ):
        load_faces(home)
    put(home, "angry/3.png")
    with pytest.raises(
        InputError, match=r"'pictures' \(2 photos\)"
    ):  # folders tell emotions, so all have to
        load_faces(home)


def test_votes_become_the_label_with_most_of_them(home):
    put(home, *(f"fer000000{k}.png" for k in range(3)))
    head = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\n"
    rows = (
        "fer0000000.png,1,8,0,0,0,0,0,0,1,0",
        "fer0000001.png,4,4,0,0,0,0,0,0,2,0",
        "fer0000002.png,0,0,0,0,0,0,6,0,4,0",
    )
    (home / "legend.csv").write_text(
        head + "".join(f"Training,{row}\n" for row in rows) + "Training,,0,0,0,0,0,0,0,0,0,10\n"
    )
    faces = load_faces(home)
    assert faces.table.emotion.tolist() == ["happiness", "fear"]
    assert reported(faces)["rows whose votes name no one emotion, set aside"][0] == 2


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("legend.csv", "photo,emotion\n", "leaves no photo to work with"),
        ("fer.csv", "emotion,pixels,Usage\n", "names its columns and nothing else"),
        (
            "fer.csv",
            "emotion,pixels,Usage\n3,9223372036854775808,Training\n",
            "numbers from 0 to 255 in row 2",
        ),
        ("fer.CSV", "emotion,pixels,Usage\n", "names its columns and nothing else"),
        (
            "legend.csv",
            "photo,fear,Fear,sad,joy\na.png,1,0,0,0\n",
            "has several columns fear: keep one of each",
        ),
        (
            "legend.csv",
            "photo,emotion,emotion\na.png,fear,sad\n",
            "has several columns emotion: keep one of each",
        ),
    ],
)
def test_tables_that_say_nothing_are_a_sentence(home, name, text, why):
    put(home, "a.png")
    (home / name).write_text(text)
    with pytest.raises(InputError, match=why):
        load_faces(home if name == "legend.csv" else home / name)


# what is set aside is in the report


def test_whatever_is_not_read_is_counted_in_the_report_and_nothing_is_printed(home, capsys):
    put(home, "happy/a.png", "sad/b.png", "new_faces/sad/c.png")
    (home / "labels.csv").write_text("pth,label,relFCs\nhappy/a.png,contempt,0.9\n")
    (home / "EmoLabel").mkdir()
    (home / "EmoLabel" / "notes.txt").write_text("!")
    found = reported(load_faces(home))
    assert found["photos in new_faces/, no part of the collection"][0] == 1
    assert found["files of numbers that are no label here, set aside"] == (1, "labels.csv")
    assert found["files that are no pictures, set aside"] == (1, "EmoLabel/notes.txt")
    assert capsys.readouterr().out == ""


def test_a_second_annotation_file_is_set_aside_by_name(home):
    put(home, "images/a.png", "images/b.png")
    (home / "data").mkdir()
    for place in (home, home / "data"):
        (place / "legend.csv").write_text("photo,emotion\na.png,sad\nb.png,happy\n")
    found = reported(load_faces(home))
    assert found["files that are no pictures, set aside"] == (1, "data/legend.csv")
