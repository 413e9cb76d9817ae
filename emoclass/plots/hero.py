"""The picture of the front page: the leak, what it does to recall, and the fingerprint."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from emoclass.metrics import Estimate
from emoclass.plots.style import BARE, HONEST, INK, LEAKY, PALE, panels

GAP = 0.12  # between two pictures, as a share of one's side
BETWEEN = 0.5  # between training and test part


def hero(
    family: list[np.ndarray],
    n_train: int,
    recalls: dict[str, dict[str, Estimate]],
    asked: dict[str, tuple[np.ndarray, float]],
    called: str,
    title: str = "",
) -> Figure:
    """Three panels, to be understood without a text beside them.

    family    (size, size) uint8 each: a photo and its copies
    n_train   how many of them are in the training part; the others are tested
    recalls   {emotion: {"without": Estimate, "with": Estimate}}, shares
    asked     {"untouched": (picture, share), ...}: one face, and how often such are `called`
    called    what they are called, such as "fear or contempt"
    """
    widths = {"width_ratios": [1.9, 1.4, 1.25]}
    figure, axes = panels(3, 1, (11.5, 2.9), title, gridspec_kw=widths)
    _family(axes[0], family, n_train)
    _recalls(axes[1], recalls)
    _asked(axes[2], asked, called)
    return figure


def _family(ax: Axes, family: list[np.ndarray], n_train: int) -> None:
    ax.set_title("1. Augment, then split: one face on both sides", fontsize=10)
    left = 0.0
    for k, picture in enumerate(family):
        if k == n_train:
            line = left + BETWEEN / 2 - GAP / 2
            ax.plot([line, line], [-0.5, 1.4], color=LEAKY, linewidth=2, linestyle="--")
            ax.text(line - 0.15, 1.25, "TRAIN", color=INK, ha="right", weight="bold")
            ax.text(line + 0.15, 1.25, "TEST", color=INK, ha="left", weight="bold")
            left += BETWEEN
        _show(ax, picture, left)
        name = "photo" if k == 0 else "copy"
        ax.text(left + 0.5, -0.14, name, ha="center", va="top", fontsize=9)
        left += 1 + GAP
    ax.set(xlim=(-0.05, left), ylim=(-0.4, 1.45), aspect="equal", **BARE)
    ax.set_anchor("N")
    ax.axis("off")


def _recalls(ax: Axes, recalls: dict[str, dict[str, Estimate]]) -> None:
    ax.set_title("2. Recall, nothing else changed (%)", fontsize=10)
    for y, found in enumerate(recalls.values()):
        values = [100 * found[which].value for which in ("without", "with")]
        ax.plot(values, [y, y], color=PALE, linewidth=2, zorder=1)
        for value, colour, face in zip(values, (HONEST, LEAKY), (HONEST, "white")):
            ax.plot(value, y, "o", color=colour, markerfacecolor=face, markersize=9)
            ax.annotate(f"{value:.0f}", (value, y), (0, 9), textcoords="offset points", ha="center")
    ax.plot([], [], "o", color=HONEST, label="without copies of the tested photos")
    ax.plot([], [], "o", color=LEAKY, markerfacecolor="white", label="with them (the leak)")
    ax.set_yticks(range(len(recalls)), list(recalls))
    highest = max(100 * found["with"].value for found in recalls.values())
    ax.set(xlim=(0, max(1.2 * highest, 1)), ylim=(len(recalls) + 0.6, -0.6))
    ax.legend(loc="lower left", fontsize=8.5, frameon=False)


def _asked(ax: Axes, asked: dict[str, tuple[np.ndarray, float]], called: str) -> None:
    ax.set_title(f"3. Split first: neutral, called {called}", fontsize=10)
    left = 0.0
    for name, (picture, share) in asked.items():
        _show(ax, picture, left)
        percent = f"{100 * share:.1f} %" if share < 0.1 else f"{100 * share:.0f} %"
        ax.text(left + 0.5, -0.12, f"{name}\n{percent}", ha="center", va="top", fontsize=10)
        left += 1.3
    ax.set(xlim=(-0.05, left - 0.25), ylim=(-0.6, 1.1), aspect="equal", **BARE)
    ax.set_anchor("N")
    ax.axis("off")


def _show(ax: Axes, picture: np.ndarray, left: float) -> None:
    extent = (left, left + 1, 0, 1)
    ax.imshow(picture, cmap="gray", vmin=0, vmax=255, extent=extent, interpolation="antialiased")
