"""Near-duplicates: found however they were treated, chained, and looked for once."""

from collections import Counter
from itertools import combinations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emoclass.augment import warp
from emoclass.data import near_duplicates as module
from emoclass.data.near_duplicates import find_near_duplicates, kept_together, perceptual_hashes

WHAT = "pairs of near-duplicates, kept together; of these under two subjects' names"


# which pictures are all but the same


@pytest.mark.parametrize(
    "change",
    [
        lambda picture: picture,
        lambda picture: np.clip(picture.astype(int) + 30, 0, 255).astype(np.uint8),  # lighter
        lambda picture: cv2.GaussianBlur(picture, (3, 3), 0.5),  # compressed anew
        lambda picture: warp(picture, right=0.4, zoom=1.01),  # cut anew
    ],
)
def test_the_same_picture_is_found_however_it_was_treated(sharp, change):
    pairs = find_near_duplicates(np.concatenate([sharp.pixels, change(sharp.pixels[5])[None]]))
    assert (5, len(sharp)) in set(zip(pairs.one, pairs.other))


def test_no_picture_is_its_own_duplicate_and_different_ones_are_not_taken_for_one(sharp):
    different = sharp.select(
        sharp.table.emotion.drop_duplicates().index
    )  # eight subjects, eight emotions
    assert find_near_duplicates(different.pixels).empty


def test_a_mirrored_picture_is_another_one():
    """Augmented copies are what `copies` looks for; a near-duplicate is the same picture."""
    noise = np.random.default_rng(3).integers(0, 256, (4, 48, 48), np.uint8)
    pictures = [cv2.GaussianBlur(picture, (0, 0), 3) for picture in noise]
    pictures = [cv2.normalize(picture, None, 0, 255, cv2.NORM_MINMAX) for picture in pictures]
    mirrored = [picture[:, ::-1] for picture in pictures]
    assert find_near_duplicates(np.stack(pictures + mirrored)).empty


def test_the_same_pixels_are_no_grey_level_and_no_bit_apart(sharp):
    (pair,) = find_near_duplicates(sharp.pixels[[0, 9, 0]], grey_levels=0).itertuples(index=False)
    assert tuple(pair) == (0, 2, 0, 0)


def test_pairs_are_those_that_looking_at_each_finds_the_closest_first(sharp):
    pixels, hashes = sharp.pixels.astype(float), perceptual_hashes(sharp.pixels)
    pixels = pixels - pixels.mean((1, 2), keepdims=True)
    expected = {}
    for one, other in combinations(range(len(sharp)), 2):
        bits, levels = (
            int(hashes[one] ^ hashes[other]).bit_count(),
            np.abs(pixels[one] - pixels[other]).mean(),
        )
        if bits <= 30 and levels <= 20:
            expected[one, other] = (levels, bits)
    found = find_near_duplicates(sharp.pixels, bits=30, grey_levels=20)
    assert dict(zip(zip(found.one, found.other), zip(found.grey_levels, found.bits))) == {
        pair: pytest.approx(distance, abs=1e-3) for pair, distance in expected.items()
    }
    assert len(found) == len(expected) > 5 and found.grey_levels.is_monotonic_increasing


def test_every_pair_is_looked_at_whatever_the_blocks(sharp, monkeypatch):
    whole = find_near_duplicates(sharp.pixels, bits=30, grey_levels=20)
    monkeypatch.setattr(module, "BLOCK", 5)
    assert len(whole) > 5 and find_near_duplicates(sharp.pixels, bits=30, grey_levels=20).equals(
        whole
    )


# keeping them together


def noise(n):
    """Pictures no two of which are alike."""
    return np.random.default_rng(0).integers(0, 256, (n, 24, 24), dtype=np.uint8)


def pretend(monkeypatch, *pairs):
    """Whatever the pictures, these pairs are near-duplicates."""
    found = np.array(pairs, np.int64).reshape(-1, 2)
    monkeypatch.setattr(module, "remembered", lambda _: found)


def test_near_duplicates_are_chained_and_bear_the_first_one_s_name(faces_of, sharp):
    grain = np.where(
        np.indices((48, 48)).sum(0) % 2, 1, -1
    )  # a and c are further apart than near-duplicates are
    a, b, c = (64 + sharp.pixels[0] // 2 + strength * grain for strength in (-9, 0, 9))
    pixels = np.stack([sharp.pixels[9], c, a, sharp.pixels[20], b]).astype(np.uint8)
    assert {(1, 2), (2, 1)}.isdisjoint(
        set(zip(*find_near_duplicates(pixels)[["one", "other"]].to_numpy().T))
    )
    table, _ = kept_together(faces_of(photo=list("zyxwv")).table, pixels)
    assert table.near_duplicate_id.tolist() == ["z", "y", "y", "w", "y"]


def test_what_is_the_same_file_is_alike_and_takes_its_near_duplicates_along(faces_of, monkeypatch):
    faces = faces_of(photo=list("abcdef"), duplicate_id=list("abcadf"))
    assert kept_together(faces.table, noise(6))[0].near_duplicate_id.tolist() == list("abcaef")
    pretend(monkeypatch, (3, 4))
    assert kept_together(faces.table, noise(6))[0].near_duplicate_id.tolist() == list("abcaaf")


def test_photos_like_no_other_are_alike_to_themselves_alone(faces_of):
    faces = faces_of(photo=list("abc"))
    table, line = kept_together(faces.table, noise(3))
    assert table.near_duplicate_id.tolist() == list("abc") and line == (WHAT, 0, "")
    assert table.drop(columns="near_duplicate_id").equals(
        faces.table.drop(columns="near_duplicate_id")
    )


@settings(max_examples=50)
@given(
    pairs=st.lists(
        st.tuples(*[st.integers(0, 7)] * 2).filter(lambda pair: pair[0] < pair[1]), unique=True
    ),
    duplicate_id=st.lists(st.integers(0, 7), min_size=8, max_size=8),
)
def test_whoever_is_chained_to_another_shares_its_name_and_nobody_else_does(
    faces_of, pairs, duplicate_id
):
    table = faces_of(photo=list("abcdefgh"), duplicate_id=duplicate_id).table
    reached = np.equal.outer(duplicate_id, duplicate_id)
    for one, other in pairs:
        reached[one, other] = reached[other, one] = True
    for _ in range(3):
        reached = reached @ reached
    with pytest.MonkeyPatch.context() as patch:
        pretend(patch, *pairs)
        near_duplicate_id = kept_together(table, noise(8))[0].near_duplicate_id
    assert near_duplicate_id.tolist() == ["abcdefgh"[row.argmax()] for row in reached]


def test_the_report_counts_pairs_and_names_those_of_two_persons(faces_of, monkeypatch):
    table = faces_of(photo=list("abcd"), subject=["Ann", "Ann", "Bob", "Cid"]).table
    pretend(monkeypatch, (0, 1), (1, 2), (2, 3))
    assert kept_together(table, noise(4))[1] == (WHAT, 3, "b = c, c = d")


def test_a_hash_one_bit_too_far_apart_is_not_looked_at(sharp, monkeypatch):
    pixels = sharp.pixels[[0, 0]]
    for bits, found in ((module.BITS, 1), (module.BITS + 1, 0)):
        hashes = np.array([0, 2**bits - 1], np.uint64)
        monkeypatch.setattr(module, "perceptual_hashes", lambda _, hashes=hashes: hashes)
        assert len(find_near_duplicates(pixels)) == found


# looking once


@pytest.fixture
def searches(monkeypatch):
    """How often near-duplicates were looked for."""
    counted = Counter()

    def count(*how):
        counted["searches"] += 1
        return find_near_duplicates(*how)

    monkeypatch.setattr(module, "find_near_duplicates", count)
    return counted


def test_the_same_pictures_are_looked_at_once(sharp, searches, build):
    pixels = sharp.pixels[[0, 9, 0]]
    table = sharp.table[:3]
    first = kept_together(table, pixels)
    again = kept_together(table, pixels)
    assert searches["searches"] == 1
    assert first[0].equals(again[0]) and first[1] == again[1] and first[1][1] == 1
    assert [path.name[:16] for path in (build / "cache").iterdir()] == [
        "near-duplicates-"
    ]  # no draft is left


@pytest.mark.parametrize("threshold, other", [("BITS", 13), ("GREY_LEVELS", 11.0)])
def test_with_another_threshold_the_same_pictures_are_looked_at_anew(
    sharp, searches, monkeypatch, threshold, other
):
    kept_together(sharp.table[:2], sharp.pixels[[0, 0]])
    monkeypatch.setattr(module, threshold, other)
    kept_together(sharp.table[:2], sharp.pixels[[0, 0]])
    assert searches["searches"] == 2


@pytest.mark.parametrize("spoilt", [b"", b"[[0, 2", b"\xff\xfe"])
def test_a_spoilt_cache_is_looked_for_again_and_mended(sharp, searches, build, spoilt):
    table, pixels = sharp.table[:3], sharp.pixels[[0, 9, 0]]
    first = kept_together(table, pixels)
    (cached,) = (build / "cache").iterdir()
    whole = cached.read_bytes()
    cached.write_bytes(spoilt)
    assert kept_together(table, pixels)[0].equals(first[0])
    assert searches["searches"] == 2 and cached.read_bytes() == whole
