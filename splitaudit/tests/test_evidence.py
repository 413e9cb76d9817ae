"""File names are evidence of how a picture came about."""

import pytest

from splitaudit.evidence import are_frames_of_one_take, evidence, origin_of


@pytest.mark.parametrize(
    ("path", "origin"),
    [
        ("train/a/IMG0001_jpg.rf.3fa85f64571762b3.jpg", "img0001"),
        ("angry/output/angry_original_00012.png_936da01f-9abd-4d9d-80c7-02af85c822a8.png", "00012"),
        ("a/dog7_90deg.jpg", "dog7"),
        ("a/dog7_rotated_15deg.jpg", "dog7"),
        ("disgust/Training_659019.jpg3.jpg", "training_659019"),
        ("a/cat.12_flip.png", "cat.12"),
        ("a/cat_aug_3.png", "cat"),
        ("a/photo (2).jpg", "photo"),
        ("a/photo - Copy.jpg", "photo"),
        ("with_mask/17-with-mask.jpg", "17"),
    ],
)
def test_a_copy_s_name_tells_its_original(path, origin):
    found = origin_of(path)
    assert found.name == origin
    assert found.maker


@pytest.mark.parametrize("path", ["a/IMG_2041.jpg", "S010_004_00000017.png", "KA.AN1.39.tiff"])
def test_an_ordinary_name_tells_nothing(path):
    assert origin_of(path).maker == ""


def test_a_pair_of_one_origin_says_so():
    assert evidence("test/dog7.jpg", "train/dog7_90deg.jpg").startswith("names: made from dog7")
    assert evidence("test/x_jpg.rf.aaaaaaaa.jpg", "train/x_jpg.rf.bbbbbbbb.jpg") != ""
    assert evidence("val/IM-0129-0001.jpeg", "train/IM-0129-0001.jpeg") == "names: the same"


def test_a_generated_name_is_called_so_and_strangers_are_not():
    assert "augmented" in evidence("fear/aug_12_3456.png", "fear/Training_1.png")
    assert evidence("test/dog7.jpg", "train/dog8.jpg") == ""


@pytest.mark.parametrize(
    ("left", "right", "neighbours"),
    [
        ("happy/S089_002_00000020.png", "happy/S089_002_00000021.png", True),
        ("1/00003_00012.ppm", "1/00003_00014.ppm", True),
        ("1/00003_00012.ppm", "1/00004_00012.ppm", False),
        ("S089_002_00000001.png", "S089_002_00000055.png", False),
        ("cat_1.png", "cat_2.png", False),
        ("IMG7_1.png", "IMG7_2.png", False),  # copies are numbered so
    ],
)
def test_neighbouring_frames_are_told_by_their_names(left, right, neighbours):
    assert are_frames_of_one_take(left, right) is neighbours
