"""A mended split keeps together what shows one picture, and every class on both sides."""

import numpy as np
import pandas as pd
import pytest

from splitaudit.families import deal, families_of, mended_split


def test_a_chain_of_pairs_is_one_family():
    family = families_of(5, np.array([0, 1]), np.array([1, 2]))
    assert len(set(family[:3])) == 1
    assert len(set(family)) == 3


@pytest.mark.parametrize(("first", "second"), [("yes", "no"), ("0", "1"), ("ß", "")])
def test_a_fifth_of_each_class_is_dealt_to_the_test_whatever_it_is_called(first, second):
    labels = [first] * 40 + [second] * 10
    parts = pd.Series(deal(labels, np.arange(50)))
    tested = pd.Series(labels)[parts == "test"].value_counts()
    assert tested.to_dict() == {first: 8, second: 2}


def test_families_are_dealt_whole_and_large_ones_do_not_crowd_out_the_rest():
    family = np.repeat(np.arange(20), 5)
    labels = ["a", "b"] * 50
    parts = pd.DataFrame({"family": family, "part": deal(labels, family)})
    assert (parts.groupby("family")["part"].nunique() == 1).all()
    assert 15 <= (parts["part"] == "test").sum() <= 25


def test_a_family_too_large_for_the_test_is_trained_on():
    family = np.array([0] * 30 + list(range(1, 11)))
    parts = deal(["a"] * 40, family)
    assert set(parts[:30]) == {"train"}
    assert parts.count("test") == 8


def test_every_class_stays_in_training():
    labels = ["a"] * 30 + ["rare"] * 1 + ["b"] * 2
    parts = deal(labels, np.arange(33))
    assert parts[30] == "train"
    assert "train" in parts[31:]


def test_what_training_has_goes_to_training_and_the_rest_stays():
    split = ["train", "test", "test", "validation", "test"]
    table = pd.DataFrame({"label": [""] * 5, "split": split})
    family = families_of(5, np.array([1, 3]), np.array([0, 4]))
    mended = mended_split(table, family)
    assert list(mended) == ["train", "train", "test", "validation", "validation"]
