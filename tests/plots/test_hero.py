"""The picture of the front page: a family across the split, recalls, and a face that is moved."""

import numpy as np
from reading_axes import marks, written

from emoclass import plots
from emoclass.estimates import Estimate

FACE = np.full((8, 8), 100, np.uint8)


def share(value):
    return Estimate(value, value, value, 9)


def test_the_line_stands_between_what_is_trained_on_and_what_is_tested():
    recalls = {"fear": {"without": share(0.2), "with": share(0.4)}}
    asked = {"as it is": (FACE, 0.008), "moved": (FACE, 0.215)}
    figure = plots.hero([FACE] * 4, 1, recalls, asked, "fear")
    family, recall, moved = figure.axes
    line = family.lines[0].get_xdata()[0]
    lefts = [image.get_extent()[0] for image in family.images]
    assert [left < line for left in lefts] == [True, False, False, False]
    names = written(family.texts)
    assert names.count("copy") == 3 and names.count("photo") == 1
    assert {place[0] for place in marks(recall)} == {20.0, 40.0}
    assert written(recall.texts) == ["20", "40"]
    assert written(moved.texts) == ["as it is\n0.8 %", "moved\n22 %"]
