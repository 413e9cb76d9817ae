"""Runs trained again are held against the record: what counts as moved is one bound, and the docs state it."""

import re

import pytest

from emoclass import paths
from emoclass.data.synthetic import SyntheticConfig, draw
from emoclass.study.sweep import Task
from emoclass.study.verify import LARGEST_MOVE, Comparison
from emoclass.variant import Variant

TASK = Task(Variant("plain"), draw(SyntheticConfig(counts=(1,) * 8), size=12), fold=1, seed=0)


def compared(then: float, now: float) -> Comparison:
    return Comparison(TASK, False, 0.9, accuracy_then=then, accuracy_now=now)


@pytest.mark.parametrize("direction", [-1, 1])
def test_an_accuracy_has_moved_beyond_the_bound_in_either_direction_and_not_within_it(direction):
    within = compared(0.5, 0.5 + direction * 0.99 * LARGEST_MOVE)
    beyond = compared(0.5, 0.5 + direction * 1.01 * LARGEST_MOVE)
    assert not within.moved
    assert beyond.moved
    assert str(within).startswith("plain, fold 1: 90.0% of the predictions are equal; accuracy 50")
    assert "MOVED by more than 4 points" in str(beyond)
    assert "MOVED" not in str(within)


def test_the_docs_state_the_bound_and_the_moves_that_it_comes_from():
    docs = (paths.ROOT / "docs" / "benchmarks.md").read_text()
    (stated,) = re.findall(r"An accuracy that moves by more than (\S+) points", docs)
    assert float(stated) == 100 * LARGEST_MOVE
    moves = re.findall(r"at most (\S+) on photos and (\S+) on synthetic faces", docs)
    assert (
        len(moves) == 2
    )  # where the two processors are compared, and where the bound is explained
    assert moves[0] == moves[1]
    photos, synthetic = map(float, moves[0])
    assert 2 * photos < 100 * LARGEST_MOVE
    assert synthetic < 100 * LARGEST_MOVE
