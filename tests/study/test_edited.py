"""A notebook that is run by hand says where it writes and in what it differs from the published study."""

import pytest

from emoclass.study import edited
from emoclass.study.edited import EditedNote, cell_digests

PUBLISHED = {"ROTATION": 15, "SEEDS": [0, 1], "NET": "PARED_DOWN"}


@pytest.fixture
def text_of(tmp_path, monkeypatch):
    """What the note says of a notebook with these values, after these cells were run."""

    def say(values, published=None, cells=(), outcome=""):
        monkeypatch.setattr(edited, "_cells_as_run", lambda: list(cells))
        if published is None:
            published = {
                "parameters": {"04_memory": PUBLISHED},
                "cells": {"04_memory": cell_digests(["x = 1", "y = 2"])},
            }
        return EditedNote("04_memory", tmp_path, values, published)._text(outcome)

    return say


def test_every_other_value_is_named_beside_the_published_one(text_of):
    text = text_of(PUBLISHED | {"ROTATION": 30, "SEEDS": [0]})
    assert "differs from the published study in: ROTATION (30 instead of 15), SEEDS ([0] " in text
    assert "NET" not in text and "cells" not in text


def test_edited_cells_are_counted_but_not_those_that_set_parameters(text_of):
    one = text_of(PUBLISHED, cells=["x = 1", "y = 3", "ROTATION = 15", "NET = 'MINE'"])
    assert "differs from the published study in: one of its cells." in one
    both = text_of(PUBLISHED | {"ROTATION": 30}, cells=["x = 2", "y = 3"])
    assert "in: ROTATION (30 instead of 15), 2 of its cells." in both


def test_where_nothing_was_edited_nothing_is_said_to_differ(text_of):
    text = text_of(PUBLISHED, cells=["x = 1  # a remark changes nothing"])
    assert "Its values are those of the published study." in text and "differs" not in text


def test_where_nothing_was_published_nothing_is_compared(text_of):
    text = text_of(PUBLISHED, published={"parameters": {"03_leakage": {"ROTATION": 30}}})
    assert "does not say with which values it was made" in text and "differs" not in text
