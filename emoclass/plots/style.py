"""What all figures have in common."""

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from emoclass import scores

# One marker and one grey for each speaker in a comparison, so that colour stays free to mean emotion.
MARKERS = "osD^vP*Xhp<>d8"
INK, PALE = "#222222", "#999999"
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))


def use_style() -> None:
    """The look of all figures: white ground, thin grid, type large enough to read in a column."""
    sns.set_theme(style="whitegrid", context="notebook", font_scale=0.9)
    plt.rcParams |= {"figure.dpi": 80, "axes.titlelocation": "left", "axes.titlesize": 11, "grid.linewidth": 0.5}
    plt.rcParams |= {"figure.constrained_layout.use": True, "svg.hashsalt": "emoclass"}


def close(figure: Figure) -> None:
    """Forget a figure, so that a notebook does not show it twice."""
    plt.close(figure)


def panels(count: int) -> tuple[Figure, np.ndarray]:
    """A figure with so many axes side by side."""
    return plt.subplots(1, count, figsize=(5 * count, 4))


def axis(width: float, height: float) -> Axes:
    """A figure of so many inches, and its only axis."""
    return plt.subplots(figsize=(width, height))[1]


def interval(ax: Axes, number: scores.Number, y: float, marker: str, hollow: bool) -> None:
    """A number and its interval in one row of a figure."""
    ax.plot([number.low, number.high], [y, y], color=INK, linewidth=1.5)
    ax.plot(number.value, y, marker, color=INK, markerfacecolor="white" if hollow else INK, markersize=6)
