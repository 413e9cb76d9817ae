"""Copies are found whatever was done to them, and different faces are not taken for copies."""

import cv2
import numpy as np
import pytest

from emoclass.augment import OfflineAugmentation, transformed, warp
from emoclass.data import copies
from emoclass.data.near_duplicates import find_near_duplicates
from emoclass.data.synthetic import SyntheticConfig, draw


@pytest.fixture(scope="module")
def strangers():
    """(160, 48, 48) synthetic faces, each of somebody else."""
    return draw(SyntheticConfig(counts=(20,) * 8, photos_per_subject=(1, 1), noise=10)).pixels


def jpeg(picture, quality):
    return cv2.imdecode(
        cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_GRAYSCALE
    )


KINDS = {
    "mirrored": lambda x: warp(x, flip=True),
    "turned": lambda x: warp(x, degrees=-15),
    "moved": lambda x: warp(x, right=4.8, down=-4.8),
    "zoomed in": lambda x: warp(x, zoom=1.1),
    "zoomed out": lambda x: warp(x, zoom=0.9),
    "cropped": lambda x: cv2.resize(x[4:-4, 4:-4], (48, 48)),
    "with a black edge": lambda x: warp(x, degrees=10, right=4, border=cv2.BORDER_CONSTANT),
    "paler": lambda x: (128 + 0.6 * (x.astype(float) - 128)).round().astype(np.uint8),
    "lighter": lambda x: np.clip(x.astype(int) + 30, 0, 255).astype(np.uint8),
    "blurred": lambda x: cv2.GaussianBlur(x, (0, 0), 0.8),
    "compressed": lambda x: jpeg(x, 30),
    "all at once": lambda x: transformed(x, str(x.sum()), 0, OfflineAugmentation(per_image=1)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_finds_its_original_whatever_was_done_to_it(strangers, kind):
    rows = np.arange(0, 160, 8)
    found = copies.find_copies(strangers, np.stack([KINDS[kind](strangers[row]) for row in rows]))
    right = found.train.to_numpy() == rows[found.test]
    assert right.sum() >= 0.9 * len(rows) and (~right).sum() <= 1
    assert found.correlation.is_monotonic_decreasing and found.correlation.max() <= 1.0001


def test_what_was_moved_is_an_augmented_copy_and_what_was_not_a_near_duplicate(strangers):
    moved, toned = ([KINDS[kind](x) for x in strangers[:12]] for kind in ("turned", "paler"))
    for kind, pictures in (("augmented copy", moved), ("near-duplicate", toned)):
        found = copies.find_copies(strangers, np.stack(pictures))
        assert set(found.kind[found.train == found.test]) == {kind}


def test_different_faces_are_no_copies_and_nobody_is_a_copy_of_himself(strangers):
    found = copies.find_copies(strangers)
    assert len(found) <= 1 and (found.test < found.train).all()


def test_the_more_alike_strangers_are_the_more_alike_a_copy_has_to_be(strangers, monkeypatch):
    """Drawn faces against clouds, more and more noise added to both: the least correlation that is named."""
    monkeypatch.setattr(copies, "FEW", 100)
    random, least = np.random.default_rng(0), []
    clouds = [cv2.GaussianBlur(random.normal(size=(48, 48)), (0, 0), 2.5) for _ in strangers]
    clouds = np.array([cv2.normalize(x, None, 0, 255, cv2.NORM_MINMAX) for x in clouds]).astype(
        np.uint8
    )
    for pictures in (strangers, clouds):
        noise = random.normal(size=(30, 48, 48)) * np.linspace(4, 40, 30)[:, None, None]
        found = copies.find_copies(
            pictures, (pictures[:30] + noise).clip(0, 255).round().astype(np.uint8)
        )
        least.append(found.correlation.min())
        assert (found.test == found.train).all() and len(found) >= 10
    assert least[0] > least[1] + 0.005 and least[1] >= copies.LEAST


def test_each_pair_within_a_collection_is_named_once(strangers):
    both = np.concatenate([strangers[:30], [KINDS["mirrored"](x) for x in strangers[:30]]])
    found = copies.find_copies(both)
    assert sorted(zip(found.test, found.train)) == [(k, k + 30) for k in range(30)]


@pytest.mark.parametrize("within", [False, True])
def test_the_blocks_do_not_matter(strangers, monkeypatch, within):
    test = np.stack([KINDS["all at once"](x) for x in strangers[:30]])
    collections = (np.concatenate([strangers, test]),) if within else (strangers, test)
    whole, said = copies.find_copies(*collections), []
    monkeypatch.setattr(copies, "BLOCK", 7)
    monkeypatch.setattr(copies, "CHUNK", 49)
    monkeypatch.setattr(copies, "FEW_AT_A_TIME", 7)
    parts = copies.find_copies(*collections, say=said.append)
    key = ["test", "train", "kind"]
    assert len(whole) >= 28
    assert (
        parts.sort_values(key)[key].to_numpy().tolist()
        == whole.sort_values(key)[key].to_numpy().tolist()
    )
    n = len(collections[-1])
    assert f"7 of {n} pictures compared" in said and f"{n} of {n} pictures compared" in said


def test_faces_that_are_all_alike_are_no_near_duplicates_of_each_other():
    """Twelve grey levels tell photos apart, but not faces drawn by one program."""
    faces = draw(SyntheticConfig(counts=(100,) * 8, photos_per_subject=(1, 1), film=0.0)).pixels
    toned = faces[:5] // 2 + 40
    assert len(find_near_duplicates(faces)) >= 5
    found = copies.find_copies(np.concatenate([faces, toned]))
    assert {(k, 800 + k) for k in range(5)} <= set(zip(found.test, found.train)) and len(found) <= 7


def test_a_pair_that_was_aligned_twice_is_judged_by_the_better_of_the_two():
    """As it is, and mirrored: the worse one is no sign of how alike strangers are."""
    faces = draw(SyntheticConfig(counts=(16,) * 8), size=48, seed=5).pixels[:128]
    random, found = np.random.default_rng(2), []
    for picture in faces:
        how = dict(
            degrees=random.uniform(-14, 14),
            zoom=random.uniform(0.86, 1.18),
            flip=random.random() < 0.5,
        )
        found.append(
            (warp(picture, **how) + random.normal(0, 3, picture.shape))
            .clip(0, 255)
            .astype(np.uint8)
        )
    pairs = copies.find_copies(faces, np.array(found))
    assert (pairs.test == pairs.train).sum() == len(faces)


def test_photos_of_one_scene_are_near_duplicates_though_none_was_made_from_the_other(strangers):
    """A film's next picture: the same light and place, another noise and a mouth that moved."""
    random = np.random.default_rng(0)
    scenes = np.array(
        [cv2.GaussianBlur(random.normal(size=(48, 48)), (0, 0), 6) for _ in range(60)]
    )
    scenes = np.array([cv2.normalize(x, None, 0, 255, cv2.NORM_MINMAX) for x in scenes])
    after = scenes[:10] + random.normal(0, 10, (10, 48, 48))
    found = copies.find_copies(scenes.astype(np.uint8), after.clip(0, 255).astype(np.uint8))
    assert (found.test == found.train).all() and len(found) == 10
    assert set(found.kind) == {"near-duplicate"} and found.correlation.min() < copies.LEAST


def test_flat_pictures_and_none_at_all_have_no_copies(strangers):
    flat = np.full((3, 48, 48), 90, np.uint8)
    assert copies.find_copies(flat).empty and copies.find_copies(strangers, flat).empty
    assert (
        copies.find_copies(strangers[:0]).empty
        and copies.find_copies(strangers[:0], strangers).empty
    )
    assert list(copies.find_copies(strangers[:1]).columns) == [
        "test",
        "train",
        "kind",
        "correlation",
    ]


def test_pictures_of_another_size_are_compared_as_well(strangers):
    large = np.stack(
        [cv2.resize(x, (96, 96), interpolation=cv2.INTER_CUBIC) for x in strangers[:40]]
    )
    found = copies.find_copies(
        large, np.stack([warp(x, degrees=10, flip=True) for x in large[:10]])
    )
    assert set(zip(found.test, found.train)) >= {(k, k) for k in range(9)}


def test_the_columns_are_the_same_whatever_is_found(sharp):
    columns = ["test", "train", "kind", "correlation"]
    for pictures in (sharp.pixels[[0, 0, 9]], sharp.pixels[:0]):
        found = copies.find_copies(pictures)
        assert list(found.columns) == columns and found.kind.map(type).eq(str).all()
