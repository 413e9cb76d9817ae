"""A folder whose test part shows training pictures in every position, and one Git LFS pointer."""

import cv2
import numpy as np
import pytest
from drawn import put, put_text
from drawn_textures import texture, turned

import splitaudit

TRAIN = 40
WIDE = (80, 240)  # pixels down and across
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:ea35\nsize 8605\n"


def other_colours(picture):
    """The same lightness, the hue turned by a quarter."""
    lab = cv2.cvtColor(picture, cv2.COLOR_BGR2LAB)
    swapped = np.stack([lab[..., 0], lab[..., 2], 255 - lab[..., 1]], axis=-1)
    return cv2.cvtColor(swapped, cv2.COLOR_LAB2BGR)


MADE = {
    "upside_down": lambda picture: picture[::-1],
    "quarter_turn": lambda picture: np.rot90(picture),
    "half_turn": lambda picture: picture[::-1, ::-1],
    "turned_by_30": lambda picture: turned(picture, 30),
    "other_colours": other_colours,
    "same": lambda picture: picture,
}
EACH = 3


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    home = tmp_path_factory.mktemp("orientations")
    for k in range(TRAIN):
        put(home / "train" / f"{k}.png", texture(k))
        put(home / "train" / f"wide_{k}.png", texture(100 + k, *WIDE))
    for place, (name, make) in enumerate(MADE.items()):
        for k in range(EACH):
            original = place * EACH + k
            put(home / "test" / f"{name}_{original}.png", make(texture(original)))
    for k in range(EACH):
        put(home / "test" / f"wide_{k}.png", turned(texture(100 + k, *WIDE), 10))
        put(home / "test" / f"stranger_{k}.png", texture(900 + k))
    put_text(home / "test" / "pointer.jpg", POINTER)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPLITAUDIT_CACHE", str(tmp_path_factory.mktemp("cache")))
        return splitaudit.audit(home)


def of(report, made):
    """The pairs of the test pictures that were made so."""
    return report.pairs[report.pairs["test"].str.startswith(f"test/{made}_")]


@pytest.mark.parametrize("made", MADE)
def test_each_copy_is_paired_with_its_original_alone(report, made):
    pairs = of(report, made)
    originals = pairs["test"].str.replace(f"test/{made}_", "train/")
    assert len(pairs) == EACH
    assert (pairs["train"] == originals).all()


def test_most_wide_pictures_that_were_turned_are_found_with_their_originals(report):
    pairs = of(report, "wide")
    assert len(pairs) >= 2  # of 3: half of such a picture leaves the frame
    assert (pairs["train"] == pairs["test"].str.replace("test/", "train/")).all()


def test_strangers_are_not_named(report):
    assert of(report, "stranger").empty
    assert report.counts.same_file == EACH


def test_a_pointer_among_the_pictures_is_named_and_ends_nothing(report):
    assert "test/pointer.jpg is a Git LFS pointer" in str(report)
