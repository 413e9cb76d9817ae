"""A figure of what one kind of class gains and another loses, by any means."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from emoclass.plots.estimates import seed_dots
from emoclass.plots.style import HONEST, INK, PALE, panels

APART = 0.075  # of the axis' height: how far the names are from each other at least


def trade_curves(
    curves: dict[str, pd.DataFrame],
    points: pd.DataFrame,
    title: str = "",
) -> Figure:
    """Recall of the six against that of the two: an untrained shift as a line, trained nets on it.

    A panel for each net. Every trained net is named beside the panel; a small dot for each seed.

    curves    {panel: table of `posthoc.trade_curve`}; its first row is the net as it is
    points    one row each: `group` (the panel), `name`, and the columns of a curve, here
              Estimates
    """
    figure, axes = panels(len(curves), 1, (7.2 * len(curves), 4.4), title, sharey=True)
    for ax, (group, curve) in zip(axes, curves.items()):
        ax.plot(
            100 * curve.majority_recall,
            100 * curve.minority_recall,
            color=PALE,
            linewidth=4,
            zorder=1.4,
        )
        own = points[points.group == group]
        for point in own.itertuples():
            _trained(ax, point)
        ax.set_title(f"{group}; grey: its logits shifted, untrained", fontsize=10)
        ax.set_xlabel("mean recall of happiness and neutral, %")
    axes[0].set_ylabel("mean recall of the six others, %")
    for ax, group in zip(axes, curves):
        _names_beside(ax, points[points.group == group])
    return figure


def _trained(ax: Axes, point) -> None:
    x = point.majority_recall
    y = point.minority_recall
    across = [[100 * (x.value - x.low)], [100 * (x.high - x.value)]]
    upright = [[100 * (y.value - y.low)], [100 * (y.high - y.value)]]
    ax.errorbar(
        100 * x.value,
        100 * y.value,
        np.maximum(upright, 0),
        np.maximum(across, 0),
        fmt="o",
        color=HONEST,
        ecolor=PALE,
        elinewidth=1,
        markersize=7,
        zorder=2,
    )
    if len(x.by_seed) == len(y.by_seed):
        of_seeds = 100 * np.array([x.by_seed, y.by_seed])
        seed_dots(ax, *of_seeds, HONEST)


def _names_beside(ax: Axes, points: pd.DataFrame) -> None:
    """The names in a column to the right, in the order of the marks, each tied to its own."""
    low, high = ax.get_ylim()
    heights = []
    for estimate in points.minority_recall:
        heights.append((100 * estimate.value - low) / (high - low))
    order = np.argsort(heights)
    lowest = 0.02
    for k in order:
        point = points.iloc[k]
        height = max(heights[k], lowest)
        lowest = height + APART
        ax.annotate(
            point["name"],
            (100 * point.majority_recall.value, 100 * point.minority_recall.value),
            (1.03, height),
            textcoords="axes fraction",
            va="center",
            fontsize=9,
            color=INK,
            arrowprops={"arrowstyle": "-", "color": PALE, "linewidth": 0.7},
            annotation_clip=False,
        )
