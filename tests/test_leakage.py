"""The leak report counts what stands on both sides, and nothing else."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from emoclass import leakage
from emoclass.augment import OfflineAugmentation, with_copies
from emoclass.data import load_faces, near_duplicates
from emoclass.errors import LeakError
from emoclass.faces import Faces
from emoclass.splits import Split, make_fold


@pytest.fixture
def faces(faces_of):
    """Three rows to train on, one to choose the epoch by, four to test on."""
    return faces_of(
        photo=["a", "b", "c", "v", "a, copy 1", "d", "e", "f"],
        parent=["a", "b", "c", "v", "a", "d", "e", "f"],
        emotion=["fear", "anger", "neutral", "fear", "fear", "neutral", "fear", "neutral"],
        subject=["Ann", "Bob", "Cid", "Eve", "Ann", "Bob", "Eve", "Fay"],
        source=["film", "news", "news", "web", "film", "news", "web", "film"],
        duplicate_id=["a", "b", "c", "v", "a", "b", "v", "f"],
        near_duplicate_id=["a", "b", "c", "v", "a", "b", "v", "c"],
    )


SIDES = Split(train=np.arange(3), validation=np.array([3]), test=np.arange(4, 8))


def test_what_is_in_training_is_counted_by_emotion(faces):
    # fear: the copy of a, with its file, subject and source in training; and e, which only validation knows
    # neutral: d is b's file and subject under another name; f is all but c's picture and shares its own source
    report = leakage.report(faces, SIDES)
    shared = [
        "itself or its copy",
        "the same file",
        "a near-duplicate",
        "the same subject",
        "the same source",
    ]
    assert list(report) == ["tested", *shared]
    assert report.loc["fear"].tolist() == [2, 1, 1, 1, 1, 1]
    assert report.loc["neutral"].tolist() == [2, 0, 1, 2, 1, 2]
    assert report.loc["all"].tolist() == [4, 1, 2, 3, 2, 3]
    assert list(report.index) == ["fear", "neutral", "all"]


def test_emotions_stand_in_their_order_and_those_not_tested_are_left_out(drawn):
    sides = make_fold(drawn, n_folds=3)
    report = leakage.report(drawn, sides)
    assert list(report.index) == [*(e for e in drawn.counts.index if e in report.index), "all"]
    assert report["tested"]["all"] == len(sides.test) == report["tested"][:-1].sum()
    assert all(np.issubdtype(dtype, np.integer) for dtype in report.dtypes)


def test_a_guarded_split_shares_nothing_but_sources(drawn):
    faces = with_copies(drawn, OfflineAugmentation(target_count=9))
    report = leakage.report(faces, make_fold(faces, "subject", n_folds=3))
    assert not report.drop(columns=["tested", "the same source"]).to_numpy().any()
    assert report["the same source"]["all"] > 0


# from files to a split


@pytest.fixture(scope="module")
def folder_with_near_duplicates(tmp_path_factory):
    """32 pictures as files, nobody's names; six of them again, in fewer grey levels, renamed."""
    home = tmp_path_factory.mktemp("files") / "collection"
    random = np.random.default_rng(0)
    for number in range(32):
        folder = home / ["fear", "anger", "neutral", "sadness"][number % 4]
        folder.mkdir(parents=True, exist_ok=True)
        coarse = random.integers(0, 256, (6, 6)).astype(np.uint8)
        picture = cv2.resize(coarse, (48, 48), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(folder / f"one{number:02d}.png"), picture)
        if number < 6:
            cv2.imwrite(str(folder / f"other{number:02d}.png"), picture // 8 * 8)
    return home


def test_near_duplicates_of_a_folder_stay_on_one_side_from_its_files_to_the_report(
    folder_with_near_duplicates,
):
    """The reader finds them, the table names them, the split keeps them together, the report says so."""
    faces = load_faces(folder_with_near_duplicates)
    table = faces.table
    number = table.photo.str.extract(r"(\d\d)\.png$")[0]
    assert table.photo.str.contains("other").sum() == 6 and table.duplicate_id.is_unique
    expected = number.groupby(number).transform("size") > 1
    found = table.near_duplicate_id.duplicated(keep=False)
    assert found.tolist() == expected.tolist() and found.sum() == 12
    assert (number.groupby(table.near_duplicate_id).nunique() == 1).all()
    for group_by in ("duplicate", "subject"):
        for fold in range(2):
            split = make_fold(faces, group_by, fold, n_folds=2)
            assert leakage.report(faces, split).loc["all", "a near-duplicate"] == 0
    with pytest.raises(LeakError, match="the same picture, newly cut or toned on both sides"):
        for seed in range(3):
            make_fold(faces, "photo", n_folds=2, seed=seed)
    for seed in range(3):
        split = make_fold(faces, "photo", n_folds=2, seed=seed, allow_leak=True)
        leaking = set(number[split.test]) & set(number[split.train])
        assert leakage.report(faces, split).loc["all", "a near-duplicate"] == len(leaking)


# what stands twice


def again(faces, row, picture, **known):
    """The faces with one more row: this picture, known as the one at `row` but for its name and what is said."""
    table = faces.table.iloc[[row]].assign(
        photo="again", parent="again", duplicate_id="again", **known
    )
    return faces + Faces(picture[None], table)


def test_near_duplicates_bear_their_names_and_say_whether_they_are_of_one_person(sharp):
    subject = sharp.table.subject[5]
    for name, same in (("somebody else", False), (subject, True)):
        faces = again(sharp, 5, sharp.pixels[5], subject=name)
        closest = leakage.near_duplicate_pairs(faces).iloc[0]
        assert closest.to_dict() == dict(
            photo=sharp.table.photo[5], other="again", grey_levels=0, bits=0, same_subject=same
        )


def test_near_duplicates_are_all_that_are_found_among_the_pixels_in_the_same_order(
    sharp, monkeypatch
):
    monkeypatch.setattr(near_duplicates.find_near_duplicates, "__defaults__", (30, 20.0))
    named, found = (
        leakage.near_duplicate_pairs(sharp),
        near_duplicates.find_near_duplicates(sharp.pixels),
    )
    assert named.photo.tolist() == sharp.table.photo[found.one].tolist() and len(named) > 5
    assert named.other.tolist() == sharp.table.photo[found.other].tolist()
    assert named[["grey_levels", "bits"]].equals(found[["grey_levels", "bits"]])


def test_what_stands_twice_is_counted_by_emotion(sharp):
    different = sharp.select(
        sharp.table.emotion.drop_duplicates().index
    )  # eight subjects, eight emotions
    assert leakage.count_duplicates(different)[0].loc["all"].tolist() == [8, 0, 0, 0]
    toned = again(different, 2, different.pixels[2] // 8 * 8, subject="somebody else")
    counts, pairs = leakage.count_duplicates(toned)
    assert counts.loc[toned.table.emotion[2]].tolist() == [2, 0, 2, 2]
    assert counts.loc["all"].tolist() == [9, 0, 2, 2] and len(pairs) == 1
    same_subject = replace(toned, table=toned.table.assign(subject="Ann"))
    assert leakage.count_duplicates(same_subject)[0].loc["all"].tolist() == [9, 0, 2, 0]
    duplicate_id = toned.table.photo.replace("again", toned.table.photo[2])
    same_file = replace(toned, table=toned.table.assign(duplicate_id=duplicate_id))
    assert leakage.count_duplicates(same_file)[0].loc["all"].tolist() == [9, 2, 2, 2]


# how near the nearest is


def plain_nearest(faces, sides):
    """For each test row the distance to each training row, one by one."""
    flat = faces.pixels.reshape(len(faces), -1).astype(float)
    flat -= flat.mean(1, keepdims=True)
    return np.array(
        [[np.sqrt(np.mean((flat[a] - flat[b]) ** 2)) for b in sides.train] for a in sides.test]
    )


def test_the_nearest_training_photo_is_the_one_that_looking_at_each_finds(drawn):
    sides = make_fold(drawn, "subject", n_folds=3)
    found, expected = leakage.nearest(drawn, sides), plain_nearest(drawn, sides)
    assert len(found) > 15
    assert found.photo.tolist() == drawn.table.photo[sides.test].tolist()
    assert found.emotion.tolist() == drawn.table.emotion[sides.test].tolist()
    assert found.grey_levels.to_numpy() == pytest.approx(expected.min(1), abs=0.01)
    assert found.nearest.tolist() == drawn.table.photo[sides.train[expected.argmin(1)]].tolist()


def test_what_is_in_training_too_is_at_no_distance_however_light_it_is(sharp):
    darker = replace(
        sharp, pixels=sharp.pixels.clip(0, 225)
    )  # so that nothing is lost in the light
    faces = again(darker, 5, darker.pixels[5] + 30)
    found = leakage.nearest(
        faces, Split(np.arange(8), np.arange(8, 10), np.array([len(sharp), 20]))
    )
    assert found.nearest[0] == sharp.table.photo[5]
    assert found.grey_levels[0] == pytest.approx(0, abs=0.2) and found.grey_levels[1] > 5


def test_only_the_training_part_is_looked_at(sharp):
    faces = again(sharp, 5, sharp.pixels[5])
    found = leakage.nearest(faces, Split(np.arange(6, 12), np.array([5]), np.array([len(sharp)])))
    assert found.nearest[0] != sharp.table.photo[5] and found.grey_levels[0] > 5
