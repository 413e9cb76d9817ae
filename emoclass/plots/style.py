"""What all figures have in common."""

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

# One marker for each model in a comparison: colour stays free to mean the emotion, or the leak.
MARKERS = "osD^vP*Xhp<>d8"
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))

INK = "#222222"
PALE = "#999999"

# Okabe and Ito's, for the colour-blind; leaky marks are hollow too.
LEAKY = "#D55E00"
HONEST = "#0072B2"

# Text in INK stays legible on all of it.
GREYS = LinearSegmentedColormap.from_list("greys", ["white", "#8c8c8c"])

BARE = {"xticks": [], "yticks": []}  # of a picture: nothing is measured along its sides


def use_style() -> None:
    """The look of all figures: white ground, thin grid, type large enough to read in a column."""
    sns.set_theme(style="whitegrid", context="notebook", font_scale=0.9)
    plt.rcParams["figure.dpi"] = 80
    plt.rcParams["figure.constrained_layout.use"] = True
    plt.rcParams["axes.titlelocation"] = "left"
    plt.rcParams["axes.titlesize"] = 11
    plt.rcParams["grid.linewidth"] = 0.5
    plt.rcParams["svg.hashsalt"] = "emoclass"


def close(figure: Figure) -> None:
    """Forget a figure, so that a notebook does not show it twice."""
    plt.close(figure)


def panels(
    columns: int,
    rows: int = 1,
    size: tuple[float, float] | None = None,
    title: str = "",
    **shared,
) -> tuple[Figure, np.ndarray]:
    """A figure of `size` inches, and its axes: (columns,), or (rows, columns) if rows > 1."""
    if size is None:
        size = (5 * columns, 4 * rows)
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, **shared)
    figure.suptitle(title, x=0.01, ha="left", fontsize=12)
    if rows == 1:
        return figure, axes[0]
    return figure, axes


def axis(width: float, height: float) -> Axes:
    """A figure of so many inches, and its only axis."""
    _, ax = plt.subplots(figsize=(width, height))
    return ax


def legend_beside(ax: Axes, *handles_and_labels, title: str | None = None) -> None:
    """A legend to the right of the axis, where it hides nothing."""
    ax.legend(
        *handles_and_labels,
        title=title,
        frameon=False,
        bbox_to_anchor=(1.01, 1),
        loc="upper left",
        fontsize=9,
        title_fontsize=9,
    )


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def colours(leaky: bool | None) -> dict[str, str]:
    """Of a mark: leaky is orange and hollow, honest blue and filled, None (neither) dark."""
    if leaky is None:
        return filled(INK)
    if leaky:
        return hollow(LEAKY)
    return filled(HONEST)


def filled(colour: str) -> dict[str, str]:
    return {"color": colour, "markerfacecolor": colour}


def hollow(colour: str) -> dict[str, str]:
    return {"color": colour, "markerfacecolor": "white"}
