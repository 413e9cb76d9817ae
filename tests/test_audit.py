"""The leak report counts what stands on both sides, and nothing else."""

from types import SimpleNamespace

import numpy as np
import pytest

from emoclass import audit
from emoclass.augment import Copies, with_copies
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
