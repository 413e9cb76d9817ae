"""Annotation files and tables of pixels, in the forms that people have."""

import json
from collections import Counter

import numpy as np
import pytest
from drawn import CLASSES, encoded, fill, picture, put, put_text

from splitaudit.errors import InputError
from splitaudit.read import read


def rows_of(number: int = 16) -> list[tuple[str, str]]:
    return [(f"{k:03d}.png", CLASSES[k % 8]) for k in range(number)]


def put_pictures(folder, number: int = 16) -> None:
    for k, (name, _) in enumerate(rows_of(number)):
        put(folder / name, picture(k))


def lines(header: str, delimiter: str = ",", before: str = "") -> str:
    body = [f"{before}{name}{delimiter}{label}" for name, label in rows_of()]
    return "\n".join([header, *body]) + "\n"


def notes(collection) -> str:
    return "\n".join(map(str, collection.report.notes))


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (lines("photo,emotion"), "utf-8"),
        (lines("image_path,label"), "utf-8-sig"),
        ("sep=;\r\n" + lines("photo;emotion", ";"), "utf-8"),
        ("My pictures, 2026\n\n" + lines("photo,emotion"), "utf-8"),
        (lines("photo\temotion", "\t"), "utf-16"),
        (lines("Über,photo,emotion", before="ä,"), "cp1252"),
        (lines("photo,emotion").split("\n", 1)[1], "utf-8"),  # no header
        (lines("photo,emotion", before="sub\\"), "utf-8"),
        (lines("photo,emotion", before="/kaggle/input/my-faces/photos/"), "utf-8"),
        (lines("photo,emotion", before="C:\\Users\\Ann\\photos\\"), "utf-8"),
        (lines("photo,emotion").upper().replace("PHOTO,EMOTION", "photo,emotion"), "utf-8"),
    ],
)
def test_an_annotation_file_is_read_however_it_was_saved(tmp_path, text, encoding):
    put_pictures(tmp_path)
    put_text(tmp_path / "legend.csv", text, encoding)
    found = read(tmp_path)
    expected = [label for _, label in rows_of()]
    assert [label.lower() for label in found.table["label"]] == expected


def test_pandas_index_column_is_no_picture(tmp_path):
    put_pictures(tmp_path)
    text = [",image,emotion", *(f"{k},{n},{c}" for k, (n, c) in enumerate(rows_of()))]
    put_text(tmp_path / "legend.csv", "\n".join(text))
    assert list(read(tmp_path).table["label"]) == [label for _, label in rows_of()]


def test_absolute_paths_within_the_folder_are_followed(tmp_path):
    put_pictures(tmp_path / "photos")
    put_text(tmp_path / "train.csv", lines("image_path,label", before=f"{tmp_path}/photos/"))
    assert list(read(tmp_path).table["label"]) == [label for _, label in rows_of()]


def test_a_name_that_two_pictures_bear_is_refused_with_both(tmp_path):
    put_pictures(tmp_path / "a")
    put_pictures(tmp_path / "b")
    put_text(tmp_path / "legend.csv", lines("photo,emotion"))
    with pytest.raises(InputError, match=r"2 pictures, a/000\.png and b/000\.png \(15 more"):
        read(tmp_path)


def test_a_name_means_the_picture_beside_its_annotation_file(tmp_path):
    for part in ("train", "test"):
        put_pictures(tmp_path / part)
        put_text(tmp_path / part / "metadata.csv", lines("file_name,label"))
    found = read(tmp_path)
    assert Counter(found.table["split"]) == {"train": 16, "test": 16}
    assert Counter(found.table["label"]) == dict.fromkeys(CLASSES, 4)


def test_a_name_means_what_lies_below_its_annotation_file(tmp_path):
    for part in ("train", "test"):
        put_pictures(tmp_path / part / "img")
        put_text(tmp_path / part / "labels.csv", lines("file_name,label"))
    found = read(tmp_path)
    assert Counter(found.table["label"]) == dict.fromkeys(CLASSES, 4)


def test_hugging_face_s_jsonl_is_read(tmp_path):
    put_pictures(tmp_path)
    text = [json.dumps({"file_name": name, "label": label}) for name, label in rows_of()]
    put_text(tmp_path / "metadata.jsonl", "\n".join(text))
    assert list(read(tmp_path).table["label"]) == [label for _, label in rows_of()]


def test_a_split_column_and_subjects_are_taken_over(tmp_path):
    put_pictures(tmp_path)
    text = ["filename,label,split,subject_id"]
    for k, (name, label) in enumerate(rows_of()):
        text.append(f"{name},{label},{'Test' if k % 4 == 3 else 'TRAIN'},P{k // 4}")
    put_text(tmp_path / "legend.csv", "\n".join(text))
    found = read(tmp_path)
    assert Counter(found.table["split"]) == {"train": 12, "test": 4}
    assert found.table["group"].nunique() == 4


def test_roboflow_s_columns_of_0_and_1_are_labels(tmp_path):
    number = 0
    for part in ("train", "valid", "test"):
        text = ["filename, " + ", ".join(CLASSES)]
        for label in CLASSES:
            name = f"{number}_jpg.rf.{number:08x}.jpg"
            put(tmp_path / part / name, picture(number))
            cells = [str(int(label == each)) for each in CLASSES]
            text.append(f"{name}, {', '.join(cells)}")
            number += 1
        put_text(tmp_path / part / "_classes.csv", "\n".join(text))
    found = read(tmp_path)
    assert Counter(found.table["split"]) == {"train": 8, "validation": 8, "test": 8}
    assert Counter(found.table["label"]) == dict.fromkeys(CLASSES, 3)


def test_votes_become_the_label_with_most_of_them(tmp_path):
    put_pictures(tmp_path, 3)
    header = "Usage,Image name,happy,sad,unknown,NF"
    text = [header, "Training,000.png,8,1,1,0", "Training,001.png,4,4,2,0"]
    text += ["Training,002.png,1,1,8,0", "Training,,0,0,0,10"]
    put_text(tmp_path / "legend.csv", "\n".join(text))
    found = read(tmp_path)
    assert list(found.table["label"]) == ["happy", "", ""]
    assert "votes name no one class" in notes(found)


def test_each_box_is_a_picture(tmp_path):
    text = ["filename,width,height,class,xmin,ymin,xmax,ymax"]
    for k in range(4):
        scene = np.full((60, 100, 3), 127, np.uint8)
        scene[:40, :40] = picture(2 * k, 40)
        scene[20:, 60:] = picture(2 * k + 1, 40)
        put(tmp_path / "images" / f"scene_{k}.png", scene)
        text.append(f"scene_{k}.png,100,60,happy,0,0,40,40")
        text.append(f"scene_{k}.png,100,60,sad,60,20,100,60")
    put_text(tmp_path / "_annotations.csv", "\n".join(text))
    collection, pictures = read(tmp_path).load()
    assert len(pictures) == 8
    assert Counter(collection.table["label"]) == {"happy": 4, "sad": 4}
    assert (pictures.sizes == 40).all()
    assert len(set(pictures.file_digests)) == 8


def test_a_table_that_disagrees_with_the_folders_is_named(tmp_path):
    fill(tmp_path / "Train", each=4)
    fill(tmp_path / "Test", each=1, start=40)
    text = [",pth,label,relFCs"]
    for k in range(32):
        label = "surprise" if k in (1, 3) else CLASSES[k // 4]
        text.append(f"{k},{CLASSES[k // 4]}/{k:04d}.png,{label},.8")
    put_text(tmp_path / "labels.csv", "\n".join(text))
    found = read(tmp_path)
    assert Counter(found.table["label"]) == dict.fromkeys(CLASSES, 5)
    assert "labels.csv labels otherwise than their folders, which were used: 2" in notes(found)


def test_raf_db_s_list_names_the_aligned_pictures(tmp_path):
    text = []
    for k in range(8):
        part = "train" if k < 6 else "test"
        put(tmp_path / "Image" / "aligned" / f"{part}_{k:05d}_aligned.jpg", picture(k))
        text.append(f"{part}_{k:05d}.jpg {k % 7 + 1}")
    put_text(tmp_path / "EmoLabel" / "list_patition_label.txt", "\n".join(text))
    found = read(tmp_path)
    assert Counter(found.table["split"]) == {"train": 6, "test": 2}
    assert found.table["label"][0] in ("surprise", "sadness", "neutral")
    assert "" not in set(found.table["label"])


def test_numbers_are_named_by_labels_csv(tmp_path):
    fill(tmp_path, classes=("0", "1"))
    put_text(tmp_path / "labels.csv", "0,cat\n1,dog\n")
    assert Counter(read(tmp_path).table["label"]) == {"cat": 2, "dog": 2}


def test_rows_that_contradict_or_lack_their_picture_are_counted(tmp_path):
    put_pictures(tmp_path)
    extra = "000.png,sadness\n999.png,fear\n001.png,contempt\nshort\n"
    put_text(tmp_path / "legend.csv", lines("photo,emotion") + extra)
    found = read(tmp_path)
    assert found.table["label"][0] == ""
    text = notes(found)
    assert "more than one label, left without: 1 (000.png)" in text
    assert "without a picture: 1 (999.png)" in text
    assert "rows that repeat another row, merged: 1" in text
    assert "other numbers of cells, set aside: 1 (line 21)" in text


@pytest.mark.parametrize("name", ["fer2013.csv", "legend.csv"])
def test_a_csv_of_pixels_holds_pictures_labels_and_parts(tmp_path, name):
    text = ["emotion,pixels,Usage"]
    for k in range(8):
        flat = " ".join(map(str, picture(k)[:, :, 0].ravel()))
        usage = ("Training", "Training", "PublicTest", "PrivateTest")[k % 4]
        text.append(f"{k % 7},{flat},{usage}")
    text.append("0,1 2 3,Training")
    put_text(tmp_path / name, "\n".join(text))
    collection, pictures = read(tmp_path).load()
    assert Counter(collection.table["split"]) == {"train": 4, "validation": 2, "test": 2}
    assert collection.table["label"][3] == "happiness"
    assert np.array_equal(pictures.load(2)[:, :, 1], picture(2)[:, :, 0])
    assert "set aside: 1 (line 10)" in notes(collection)


def test_a_column_for_each_pixel_is_a_picture_too(tmp_path):
    for part, start in (("train", 0), ("test", 10)):
        text = ["label," + ",".join(f"pixel{k}" for k in range(784))]
        for k in range(4):
            flat = picture(start + k, 28)[:, :, 0].ravel()
            text.append(f"{k}," + ",".join(map(str, flat)))
        put_text(tmp_path / f"mnist_{part}.csv", "\n".join(text))
    collection, pictures = read(tmp_path).load()
    assert Counter(collection.table["split"]) == {"train": 4, "test": 4}
    assert (pictures.sizes == 28).all()


def test_lists_of_pixels_in_brackets_are_read(tmp_path):
    flat = ", ".join(map(str, picture(1, 8)[:, :, 0].ravel()))
    put_text(tmp_path / "data.csv", f'label;pixels\ncat;"[{flat}]"\n')
    assert len(read(tmp_path / "data.csv").load()[1]) == 1


def test_numpy_arrays_and_their_labels_are_read(tmp_path):
    for part, number in (("train", 6), ("test", 2)):
        rows = np.stack([picture(k, 20) for k in range(number)])
        np.save(tmp_path / f"x_{part}.npy", rows)
        np.save(tmp_path / f"y_{part}.npy", np.arange(number) % 2)
    collection, pictures = read(tmp_path).load()
    assert Counter(collection.table["split"]) == {"train": 6, "test": 2}
    assert Counter(collection.table["label"]) == {"0": 4, "1": 4}
    assert pictures.file_digests[0] == pictures.file_digests[2]  # test 0 is train 0


def test_one_npz_holds_both_parts(tmp_path):
    rows = np.stack([picture(k, 20)[:, :, 0] for k in range(6)])
    arrays = {"x_train": rows[:4], "y_train": [3, 4, 3, 4], "x_test": rows[4:], "y_test": [3, 4]}
    np.savez(tmp_path / "mnist.npz", **arrays)
    found = read(tmp_path / "mnist.npz")
    assert Counter(found.table["split"]) == {"train": 4, "test": 2}
    assert Counter(found.table["label"]) == {"3": 3, "4": 3}


def test_arrays_that_are_no_pictures_are_refused_by_their_shapes(tmp_path):
    np.save(tmp_path / "features.npy", np.zeros((5, 128)))
    with pytest.raises(InputError, match=r"features\.npy \(5, 128\)"):
        read(tmp_path)


def test_parquet_with_the_bytes_of_pictures_is_read(tmp_path):
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    names = {"names": ["cat", "dog"], "_type": "ClassLabel"}
    notes = json.dumps({"info": {"features": {"label": names}}})
    for part, number in (("train", 4), ("test", 2)):
        cells = [{"bytes": encoded(".png", picture(k)), "path": None} for k in range(number)]
        table = arrow.table({"image": cells, "label": [k % 2 for k in range(number)]})
        table = table.replace_schema_metadata({"huggingface": notes})
        (tmp_path / "data").mkdir(exist_ok=True)
        parquet.write_table(table, tmp_path / "data" / f"{part}-00000-of-00001.parquet")
    collection, pictures = read(tmp_path).load()
    assert Counter(collection.table["split"]) == {"train": 4, "test": 2}
    assert Counter(collection.table["label"]) == {"cat": 3, "dog": 3}
    assert len(pictures) == 6


def test_parquet_that_cannot_be_read_is_named_with_what_to_do(tmp_path):
    (tmp_path / "train-00000.parquet").write_bytes(b"PAR1" + bytes(200) + b"PAR1")
    with pytest.raises(InputError, match=r"train-00000\.parquet.*(download|pip install)"):
        read(tmp_path)
