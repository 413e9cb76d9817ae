"""Folders that somebody enlarged with copies before anybody split them, audited as they are.

The faces are drawn on one pattern: the hard case, in which strangers are alike too.
"""

import base64
import uuid
from collections import Counter

import cv2
import numpy as np
import pytest
from drawn import put, put_text
from drawn_faces import augmented, face
from drawn_textures import texture

import splitaudit

EACH = 10  # of each class
MADE = 2  # copies of each of the rare class
WORDS = {"fear": "fear", "happiness": "happy", "neutral": "neutral", "sadness": "sad"}


def augmentor(name: str, rng: np.random.Generator, number: int) -> str:
    return f"output/fear_original_{name}.png_{uuid.UUID(bytes=rng.bytes(16))}.png"


def keras(name: str, rng: np.random.Generator, number: int) -> str:
    return f"aug_{number}_{rng.integers(10_000)}.png"


def roboflow(name: str, rng: np.random.Generator, number: int) -> str:
    return f"{name}_png.rf.{rng.bytes(16).hex()}.png"


MAKERS = {"Augmentor": augmentor, "Keras": keras, "Roboflow": roboflow}


@pytest.fixture(scope="module", params=MAKERS)
def enlarged(request, tmp_path_factory):
    """The report on a folder, and which picture each copy in it was made from."""
    home = tmp_path_factory.mktemp(request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPLITAUDIT_CACHE", str(tmp_path_factory.mktemp("cache")))
        origins = _draw(home, MAKERS[request.param])
        return splitaudit.audit(home), origins


def _draw(home, copy_name) -> dict[str, str]:
    rng = np.random.default_rng(5)
    origins = {}
    number = 0
    for emotion, word in WORDS.items():
        for _ in range(EACH):
            number += 1
            name = f"{number:05d}"
            picture = face(1000 + number, emotion)
            put(home / word / f"{name}.png", picture)
            if emotion != "fear":
                continue
            for _ in range(MADE):
                copy = f"{word}/{copy_name(name, rng, number)}"
                put(home / copy, augmented(picture, rng))
                origins[copy] = f"{word}/{name}.png"
    return origins


def test_copies_are_paired_with_what_they_were_made_from_and_with_each_other_alone(enlarged):
    report, origins = enlarged
    family = {path: origins.get(path, path) for path in report.table["path"]}
    copies = report.pairs[report.pairs["kind"] != "same scene"]
    assert (copies["one"].map(family) == copies["other"].map(family)).all()
    found = {*copies["one"], *copies["other"]} & set(origins)
    assert len(found) >= 0.9 * len(origins)
    assert report.leaks


def test_a_split_made_of_it_keeps_each_copy_with_its_picture(enlarged):
    report, origins = enlarged
    split = report.fixed_split().set_index("path")["split"]
    assert set(split) == {"train", "test"}
    together = [split[copy] == split[origin] for copy, origin in origins.items()]
    assert np.mean(together) >= 0.95
    assert Counter(report.table["label"]) == {"fear": 30, "happy": 10, "neutral": 10, "sad": 10}


def test_names_of_one_origin_are_shown_as_evidence(enlarged):
    report, _ = enlarged
    copies = report.pairs[report.pairs["kind"] != "same scene"]
    assert copies["evidence"].str.startswith("names:").all()


def test_a_phone_s_pictures_are_one_however_they_are_stored(tmp_path):
    upright = face(1, "happiness")
    upright[:30] = upright[:30] // 3
    put(tmp_path / "happy" / "upright.png", upright)
    lying = cv2.rotate(upright, cv2.ROTATE_90_COUNTERCLOCKWISE)
    path = put(tmp_path / "happy" / "phone.jpg", lying, [cv2.IMWRITE_JPEG_QUALITY, 98])
    exif = bytes.fromhex("457869660000 4d4d002a00000008 0001 0112 0003 00000001 0006 0000 00000000")
    data = path.read_bytes()
    segment = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    path.write_bytes(data[:2] + segment + data[2:])
    pairs = splitaudit.audit(tmp_path).pairs
    assert pairs["kind"].tolist() == ["near-duplicate"]
    assert pairs["transformation"].tolist() == ["not moved"]


BLOBS = {
    "test/x/0.png": (
        "iVBORw0KGgoAAAANSUhEUgAAADAAAAAwCAAAAAByaaZbAAAAgklEQVRIDZXBwRHCQADEMLv/og0ZGOCVYyVjY2yMjb"
        "ExNsbG+INc4sk4krcA40Q+AuNAvgLjnvwIjHvyFWDck494Mg7kLS7GiVzixdgYG2NjbIyNsTE2xsbYGBtjY2yMjbEx"
        "NsbG2BgbY2NsjI2xMTbGxtgYG2NjbIyNsTE2xsbYPADomTkBoL6XngAAAABJRU5ErkJggg=="
    ),
    "train/x/0.png": (
        "iVBORw0KGgoAAAANSUhEUgAAADAAAAAwCAAAAAByaaZbAAAAe0lEQVRIDZXBwRHCMADEQKn/okXwhLe5XWNjbIyNsT"
        "E2xsbYGDcC8WPcyCNexo084mXcyBGHcSVfcRh38ojD+INAHMbG2BgbY2NsjI2xMTbGxtgYG2NjbIyNsTE2xsbYGBtj"
        "Y2yMjbExNsbG2BgbY2NsjI2xMTbGxth8AMySNwGTZtwoAAAAAElFTkSuQmCC"
    ),
}


def test_two_blobs_on_white_are_too_plain_to_tell_and_end_nothing(tmp_path):
    for name, data in BLOBS.items():
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(base64.b64decode(data))
    report = splitaudit.audit(tmp_path)
    assert not report.leaks
    assert report.verdict.startswith("None of the 1 test pictures")


def test_a_split_that_an_annotation_file_has_is_audited_and_its_subjects_counted(tmp_path):
    rows = ["filename,label,split,subject_id"]
    for who in range(8):
        for take in range(4):
            name = f"{who}{take}.jpg"
            put(tmp_path / name, face(50 * who + take, "fear"))
            rows.append(f"{name},fear,{'test' if take == 3 else 'train'},P{who}")
    copy = face(0, "fear")
    put(tmp_path / "again.jpg", copy, [cv2.IMWRITE_JPEG_QUALITY, 60])
    rows.append("again.jpg,fear,test,P0")
    put_text(tmp_path / "legend.csv", "\n".join(rows))
    report = splitaudit.audit(tmp_path)
    assert report.verdict.startswith("11 % of the test pictures (1 of 9)")
    assert report.pairs[["test", "train"]].to_numpy().tolist() == [["again.jpg", "00.jpg"]]
    assert "9 of 9 test pictures are of groups" in str(report)


def test_neighbouring_frames_are_one_scene_and_a_mirrored_one_is_a_copy(tmp_path):
    for take in range(8):
        picture = texture(take)
        later = picture.copy()
        later[40:60, 50:70] //= 2
        put(tmp_path / "train" / f"S010_{take:03d}_00000007.png", picture)
        put(tmp_path / "test" / f"S010_{take:03d}_00000008.png", later)
    put(tmp_path / "test" / "S010_000_00000009.png", texture(0)[:, ::-1])
    report = splitaudit.audit(tmp_path)
    assert report.counts.same_scene == 8
    assert report.counts.as_it_is == 0
    assert report.counts.transformed == 1
