"""The picture that stands for the page where somebody shares a link to it."""

import io

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from emoclass.augment import warp
from emoclass.plots.style import HONEST, INK, LEAKY, PALE
from emoclass.study.play.page import FACES, NETS
from emoclass.study.play.script import read_constant, text_as_pixels

WIDTH = 1200
HEIGHT = 630
DPI = 100
TITLE = "The same face, pushed aside"
EXPLAINED = """Of two other emotions
this net also saw
transformed copies.
It has learned
how copies look."""
INVITED = "Three small nets to play with, in your browser"
NET = "copies"  # the net of which the picture tells


def as_png() -> bytes:
    """A PNG of WIDTH x HEIGHT pixels: a face, in the middle and aside, and what a net calls it."""
    faces = read_constant(FACES)
    first = faces["move"][0]
    face = text_as_pixels(first["shown"], faces["large"])
    aside = warp(face, right=read_constant(NETS)["aside"] * len(face))
    with matplotlib.rc_context({"font.family": "DejaVu Sans"}):
        figure = Figure((WIDTH / DPI, HEIGHT / DPI), dpi=DPI, facecolor="white")
        figure.text(0.05, 0.85, TITLE, fontsize=36, weight="bold", color=INK)
        _face(figure, 0.05, face, first["emotion"], HONEST)
        _face(figure, 0.36, aside, first["called"][NET], LEAKY)
        figure.text(0.68, 0.36, EXPLAINED, fontsize=19, color=INK, linespacing=1.5)
        figure.text(0.05, 0.05, INVITED, fontsize=16, color=PALE)
        file = io.BytesIO()
        figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()


def _face(figure: Figure, left: float, face: np.ndarray, word: str, colour: str) -> None:
    """A picture, and what the net calls it."""
    axes = figure.add_axes((left, 0.27, 0.28, 0.52))
    axes.imshow(face, cmap="gray", vmin=0, vmax=255)
    axes.set(xticks=[], yticks=[])
    for side in axes.spines.values():
        side.set(color=colour, linewidth=6)
    middle = left + 0.14
    figure.text(middle, 0.16, f"\u201c{word}\u201d", fontsize=30, color=colour, ha="center")
