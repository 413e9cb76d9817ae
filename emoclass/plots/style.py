"""What all figures have in common."""

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

# One marker for each model in a comparison, so that colour stays free to mean the emotion, or leaky or honest.
MARKERS = "osD^vP*Xhp<>d8"
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
INK, PALE = "#222222", "#999999"
LEAKY, HONEST = "#D55E00", "#0072B2"  # Okabe and Ito's, for the colour-blind; leaky marks are hollow too
GREYS = LinearSegmentedColormap.from_list("greys", ["white", "#8c8c8c"])  # text in INK stays legible on all of it


def use_style() -> None:
    """The look of all figures: white ground, thin grid, type large enough to read in a column."""
    sns.set_theme(style="whitegrid", context="notebook", font_scale=0.9)
    plt.rcParams |= {"figure.dpi": 80, "axes.titlelocation": "left", "axes.titlesize": 11, "grid.linewidth": 0.5}
    plt.rcParams |= {"figure.constrained_layout.use": True, "svg.hashsalt": "emoclass"}


def close(figure: Figure) -> None:
    """Forget a figure, so that a notebook does not show it twice."""
    plt.close(figure)


def panels(columns: int, rows: int = 1, size=None, title: str = "", **shared) -> tuple[Figure, np.ndarray]:
    """A figure of `size` inches, and its axes: (columns,), or (rows, columns) if there are several rows."""
    figure, axes = plt.subplots(rows, columns, figsize=size or (5 * columns, 4 * rows), squeeze=False, **shared)
    figure.suptitle(title, x=0.01, ha="left", fontsize=12)
    return figure, axes[0] if rows == 1 else axes


def axis(width: float, height: float) -> Axes:
    """A figure of so many inches, and its only axis."""
    return plt.subplots(figsize=(width, height))[1]


def legend_beside(ax: Axes, *handles_and_labels, title: str | None = None) -> None:
    """A legend to the right of the axis, where it hides nothing."""
    how = dict(frameon=False, bbox_to_anchor=(1.01, 1), loc="upper left", fontsize=9, title_fontsize=9)
    ax.legend(*handles_and_labels, title=title, **how)


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"
