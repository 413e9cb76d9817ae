"""What a pair is called once its likeness is known."""

import numpy as np
import pandas as pd

from splitaudit.config import SearchConfig
from splitaudit.decide import judged, with_likeness
from splitaudit.strangers import USUAL


def kinds_of(*pairs: tuple[float, float, float]) -> list[str]:
    """The kinds of pairs of this score, agreement of the whole, and stretch."""
    rows = []
    for number, (score, whole, stretch) in enumerate(pairs):
        matrix = np.float32([[stretch, 0, 48 * (1 - stretch)], [0, 1, 0]])
        facts = {"test": number, "train": number, "matrix": matrix, "score": score, "whole": whole}
        rows.append(facts | {"worst": 0.4, "detail": 0.7, "by_itself": 0.3, "negative": False})
    table = with_likeness(pd.DataFrame(rows))
    return judged(table, USUAL, len(rows), SearchConfig())["kind"].tolist()


def test_a_picture_with_a_mask_on_is_a_copy():
    assert kinds_of((0.98, 0.7, 1.0)) == ["near-duplicate"]


def test_a_picture_that_was_squeezed_as_a_whole_is_a_copy():
    assert kinds_of((0.98, 0.95, 1.35)) == ["transformed copy"]


def test_two_things_of_one_make_are_no_copies():
    """Such as two cones with different ice cream, the one slimmer."""
    assert kinds_of((0.97, 0.78, 1.3)) == ["same scene"]
