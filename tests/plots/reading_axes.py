"""What a drawn axis shows, read back from it."""

import numpy as np

from emoclass.plots.style import MARKERS


def marks(ax):
    """{(x, y): (colour, face)} of each single mark."""
    lines = [
        line for line in ax.lines if len(line.get_xdata()) == 1 and line.get_marker() in MARKERS
    ]
    return {
        tuple(line.get_xydata()[0].round(6)): (line.get_color(), line.get_markerfacecolor())
        for line in lines
    }


def spans(ax):
    return [
        line.get_xydata().round(6).T.tolist()
        for line in ax.lines
        if len(np.atleast_1d(line.get_xdata())) == 2
    ]


def dots(ax):
    """[x, y] of the small dots of each row of seeds."""
    return [
        collection.get_offsets().data.round(6).T.tolist()
        for collection in ax.collections
        if len(collection.get_offsets()) > 1
    ]


def written(texts):
    return [text.get_text() for text in texts]
