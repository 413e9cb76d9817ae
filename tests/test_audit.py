"""The leak report counts what stands on both sides, and nothing else."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from emoclass import audit
from emoclass.augment import Copies, warp, with_copies
from emoclass.data.cartoon import Drawing, draw
from emoclass.faces import Faces
from emoclass.labels import EMOTIONS
from emoclass.predictions import pool
from emoclass.split import Split, split
from emoclass.train import in_training


@pytest.fixture
def faces(faces_of):
    """Three rows to train on, one to choose the epoch by, four to test on."""
    return faces_of(
        photo=["a", "b", "c", "v", "a, copy 1", "d", "e", "f"],
        parent=["a", "b", "c", "v", "a", "d", "e", "f"],
        emotion=["fear", "anger", "neutral", "fear", "fear", "neutral", "fear", "neutral"],
        person=["Ann", "Bob", "Cid", "Eve", "Ann", "Bob", "Eve", "Fay"],
        source=["film", "news", "news", "web", "film", "news", "web", "film"],
        cluster=["a", "b", "c", "v", "a", "b", "v", "f"],
    )


SIDES = Split(train=np.arange(3), validation=np.array([3]), test=np.arange(4, 8))


def run(faces, sides, fold=0):
    tested = faces.table.iloc[sides.test]
    return SimpleNamespace(
        variant=SimpleNamespace(name="net", allow_leak=True),
        fold=fold,
        seed=0,
        photo=tested.photo.to_numpy(),
        parent=tested.parent.to_numpy(),
        probabilities=np.zeros((len(tested), 8), np.float32),
        in_training=in_training(faces.table, sides),
    )


def test_what_is_in_training_is_counted_by_emotion(faces):
    # fear: the copy of a, with its picture, person and source in training; and e, which only validation knows
    # neutral: d is b's picture and person under another name; f shares no more than its source
    report = audit.report(faces, SIDES)
    assert list(report) == ["tested", *audit.COLUMNS.values()]
    assert report.loc["fear"].tolist() == [2, 1, 1, 1, 1]
    assert report.loc["neutral"].tolist() == [2, 0, 1, 1, 2]
    assert report.loc["all"].tolist() == [4, 1, 2, 2, 3]
    assert list(report.index) == ["fear", "neutral", "all"]


def test_emotions_stand_in_their_order_and_those_not_tested_are_left_out(drawn):
    sides = split(drawn, n_folds=3)
    report = audit.report(drawn, sides)
    assert list(report.index) == [*(e for e in drawn.counts.index if e in report.index), "all"]
    assert report.tested["all"] == len(sides.test) == report.tested[:-1].sum()
    assert all(np.issubdtype(dtype, np.integer) for dtype in report.dtypes)


def test_a_guarded_split_shares_nothing_but_sources(drawn):
    faces = with_copies(drawn, Copies(to=9))
    report = audit.report(faces, split(faces, "person", n_folds=3))
    assert not report[["itself or its copy", "the same picture", "the same person"]].to_numpy().any()
    assert report["the same source"]["all"] > 0


def test_pooled_over_the_folds_the_counts_are_the_sum_of_the_reports(drawn):
    faces = with_copies(drawn, Copies(to=9))
    sides = [split(faces, "row", fold, n_folds=3, allow_leak=True) for fold in range(3)]
    pooled = audit.pooled_report(pool([run(faces, each, fold) for fold, each in enumerate(sides)], faces))
    summed = sum(audit.report(faces, each).reindex(pooled.index, fill_value=0) for each in sides)
    assert pooled.equals(summed)
    assert pooled.tested["all"] == len(faces)
    assert pooled["itself or its copy"]["all"] > 0
    assert (pooled["itself or its copy"] <= pooled["the same picture"]).all()


# what stands twice


def again(faces, row, picture, **known):
    """The faces with one more row: this picture, known as the one at `row` but for its name and what is said."""
    table = faces.table.iloc[[row]].assign(photo="again", parent="again", cluster="again", **known)
    return faces + Faces(picture[None], table)


@pytest.fixture(scope="module")
def sharp():
    return draw(Drawing(counts=(4,) * 8, photos_per_person=(1, 1), film=0.0, noise=0.0), size=48)


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
    faces = again(sharp, 5, change(sharp.pixels[5]), person="somebody else")
    pairs = audit.near_duplicates(faces)
    assert (sharp.table.photo[5], "again") in set(zip(pairs.photo, pairs.other))
    assert not pairs.same_person[(pairs.other == "again") & (pairs.photo == sharp.table.photo[5])].item()
    assert audit.twice(faces)[0].loc["all", "of another person"] >= 2


def test_no_picture_is_its_own_duplicate_and_different_ones_are_not_taken_for_one(sharp):
    different = sharp.select(sharp.table.emotion.drop_duplicates().index)  # eight persons, eight emotions
    assert audit.near_duplicates(different).empty
    assert audit.twice(different)[0].loc["all"].tolist() == [8, 0, 0, 0]


def test_every_pair_is_looked_at_whatever_the_blocks(sharp, monkeypatch):
    whole = audit.near_duplicates(sharp, bits=30, grey_levels=20)
    monkeypatch.setattr(audit, "BLOCK", 5)
    assert len(whole) > 5 and audit.near_duplicates(sharp, bits=30, grey_levels=20).equals(whole)


def test_a_stricter_distance_finds_fewer(sharp):
    found = [len(audit.near_duplicates(sharp, bits=30, grey_levels=level)) for level in (0, 10, 20, 255)]
    assert found == sorted(found) and found[0] == 0 < found[-1]


def save(folder, names, pictures):
    for name, picture in zip(names, pictures):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / name), picture)


def test_the_command_says_what_stands_twice_by_its_status(tmp_path, sharp, capsys):
    names = [f"{emotion}/{emotion}_{k}.png" for k, emotion in enumerate(EMOTIONS)]
    save(tmp_path / "clean", names, sharp.pixels[sharp.table.emotion.drop_duplicates().index.to_numpy()])
    assert audit.main([str(tmp_path / "clean")]) == 0
    assert "8 photos" in capsys.readouterr().out

    save(tmp_path / "clean", ["fear/another_name_1.png"], [cv2.imread(str(tmp_path / "clean" / names[3]), 0)])
    assert audit.main([str(tmp_path / "clean")]) == 1
    assert "fear/another_name_1.png" in capsys.readouterr().out

    assert audit.main([str(tmp_path / "nowhere")]) == 2
    assert "nowhere" in capsys.readouterr().err
