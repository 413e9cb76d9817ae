"""Figures of Estimates: values with their intervals, along an axis or in rows."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from emoclass.metrics import METRICS, Estimate, LeakDecomposition
from emoclass.plots.style import (
    HONEST,
    INK,
    LEAKY,
    LINES,
    MARKERS,
    PALE,
    axis,
    colours,
    legend_beside,
    panels,
)

PARTS = {  # of a metrics.LeakDecomposition, as the figure calls them
    "memorisation": "memorisation: leaky minus\nfamily, same pictures",
    "composition": "composition: all pictures\nminus originals, same nets",
    "inflation": "inflation:\ntheir sum",
}
BESIDE = 0.12  # rows: how far below their interval the dots of its seeds stand
CLOSE = 0.17  # rows: how far from its row's middle stands each of two marks that share it


def line_with_ci(
    series: dict,
    x: str,
    y: str,
    title: str = "",
    ax: Axes | None = None,
    joined: bool = True,
) -> Axes:
    """Estimates with intervals along an axis, in greys; a small dot for each seed.

    series    {name: (places on the x axis, Estimates)}
    x, y      what the axes show, with units; "(logarithmic)" in x makes that axis logarithmic
    joined    by a line; not where the places have no order
    """
    if ax is None:
        ax = axis(8.5 if len(series) > 1 else 6, 3.8)
    greys = np.linspace(0.1, 0.6, max(len(series), 2))
    reaches_below_zero = False
    for k, (name, (places, estimates)) in enumerate(series.items()):
        found = pd.DataFrame(list(estimates))[["value", "low", "high"]].astype(float)
        below = found.value - found.low
        above = found.high - found.value
        if found.low.min() < 0:
            reaches_below_zero = True
        ax.errorbar(
            places,
            found.value,
            np.maximum([below, above], 0),
            color=str(greys[k]),
            marker=MARKERS[k % len(MARKERS)],
            markersize=6,
            linestyle=LINES[k % len(LINES)] if joined else "none",
            linewidth=1,
            label=name,
        )
        for place, estimate in zip(places, estimates):
            dots = np.full(len(estimate.by_seed), place)
            seed_dots(ax, dots, estimate.by_seed, str(greys[k]))
    if "logarithmic" in x:
        ax.set_xscale("log")
    if reaches_below_zero:
        ax.axhline(0, color=PALE, linewidth=1)
    ax.set(xlabel=x, ylabel=y, title=title)
    if len(series) > 1:
        legend_beside(ax, title="bars: 95 % intervals")
    return ax


def by_seed(
    groups: dict[str, dict[str, Estimate]],
    x: str,
    title: str = "",
    leaky: tuple[str, ...] = (),
) -> Figure:
    """Estimates in rows, a panel for each group: the mean, its interval, and each seed as a dot.

    groups    {panel: {row: Estimate}}, the same rows in each
    x         what the axes show, with units
    leaky     the rows with a leak, orange and hollow; the others are blue and filled
    """
    rows = list(next(iter(groups.values())))
    size = (4.2 * len(groups) + 1.2, 0.62 * len(rows) + 1.4)
    figure, axes = panels(len(groups), 1, size, title, sharex=True, sharey=True)
    for ax, (name, found) in zip(axes, groups.items()):
        for row, estimate in enumerate(found.values()):
            is_leaky = rows[row] in leaky
            colour = LEAKY if is_leaky else HONEST
            dots = [100 * value for value in estimate.by_seed]
            ax.plot(dots, [row + 0.26] * len(dots), ".", color=colour, alpha=0.6, markersize=6)
            value, low, high = (100 * each for each in estimate[:3])
            ax.plot([low, high], [row, row], color=colour, linewidth=2)
            face = "white" if is_leaky else colour
            ax.plot([value], [row], "o", color=colour, markerfacecolor=face, markersize=7)
            ax.annotate(
                f"{value:.0f}", (value, row), (0, 6), textcoords="offset points", ha="center"
            )
        ax.set_title(name, fontsize=10)
        ax.set_xlabel(x)
    axes[0].set_yticks(range(len(rows)), rows)
    axes[0].set_ylim(len(rows) - 0.4, -0.6)
    return figure


def before_and_after(
    rows: dict[str, dict[str, Estimate]],
    x: str,
    title: str = "",
    ax: Axes | None = None,
) -> Figure:
    """Two shares in each row, joined: the first hollow, the second filled; small dots for seeds.

    rows      {row: {"untouched": Estimate, "transformed": Estimate}}, shares; drawn in per cent
    x         what the axis shows, with units
    """
    if ax is None:
        ax = axis(9, 0.52 * len(rows) + 1.3)
    fills = ("white", INK)
    for y, found in enumerate(rows.values()):
        shares = [_times_100(estimate) for estimate in found.values()]
        first, last = (estimate.value for estimate in shares)
        ax.plot([first, last], [y, y], color=PALE, linewidth=2, zorder=1.2)
        sides = ("right", "left") if first <= last else ("left", "right")
        for estimate, fill, side in zip(shares, fills, sides):
            below = np.full(len(estimate.by_seed), y + 2 * BESIDE)
            seed_dots(ax, estimate.by_seed, below, INK)
            ax.plot(estimate.value, y, "o", color=INK, markerfacecolor=fill, markersize=8)
            away = -8 if side == "right" else 8
            text = f"{estimate.value:.1f}" if estimate.value < 10 else f"{estimate.value:.0f}"
            ax.annotate(
                text,
                (estimate.value, y),
                (away, 0),
                textcoords="offset points",
                ha=side,
                va="center",
                fontsize=9,
            )
    for name, fill in zip(next(iter(rows.values())), fills):
        ax.plot([], [], "o", color=INK, markerfacecolor=fill, markersize=8, label=name)
    ax.set_yticks(range(len(rows)), list(rows))
    ax.set(xlabel=x, title=title, ylim=(len(rows) - 0.5, -0.6))
    ax.margins(x=0.1)
    ax.legend(loc="lower right", frameon=False)
    return ax.figure


def measured_vs_formula(
    points: pd.DataFrame,
    title: str = "",
    chance: float = 0,
    ax: Axes | None = None,
) -> Axes:
    """Accuracy as measured and by formula.

    points    rows of `leak`, `formula` (a share), `measured` (Estimate), `leaky`
    """
    leaking = points.leak[points.leaky]
    leaks = list(dict.fromkeys([*leaking, *points.leak]))  # the control without any comes last
    if ax is None:
        ax = axis(8, 0.5 * len(leaks) + 1.2)
    for point in points.itertuples():
        y = leaks.index(point.leak)
        if (points.leak == point.leak).sum() > 1:
            y += -CLOSE if point.leaky else CLOSE
        marker = "o" if point.leaky else "s"
        _interval(ax, point.measured, y, marker, point.leaky)
        ax.plot(
            [point.formula, point.formula],
            [y - 0.14, y + 0.14],
            color=PALE,
            linewidth=4,
            zorder=1.5,
        )
    ax.plot([], [], "o", markersize=6, label="leak open", **colours(True))
    ax.plot([], [], "s", markersize=6, label="leak closed", **colours(False))
    ax.plot(
        [],
        [],
        "|",
        color=PALE,
        markeredgewidth=4,
        markersize=10,
        label="by formula, if all that\nwas seen is memorised",
    )
    if chance:
        ax.axvline(chance, color=INK, linewidth=1, linestyle=":", label="chance")
    ax.set_yticks(range(len(leaks)), leaks)
    ax.set(
        xlabel="accuracy (95 % interval)",
        xlim=(0, 1.03),
        ylim=(len(leaks) - 0.5, -0.5),
        title=title,
    )
    legend_beside(ax)
    return ax


def differences(
    comparisons: dict[str, dict[str, Estimate]],
    metrics: tuple[str, ...] = tuple(METRICS),
    title: str = "",
) -> Figure:
    """{metric: Estimate} of each comparison, times 100, with intervals; a small dot for each seed.

    A panel for each comparison, a row for each metric.
    """
    size = (4.2 * len(comparisons) + 1, 0.4 * len(metrics) + 1.5)
    figure, axes = panels(len(comparisons), 1, size, title, sharex=True, sharey=True)
    for ax, (name, found) in zip(axes, comparisons.items()):
        ax.axvline(0, color=PALE, linewidth=1)
        estimates = [_times_100(found[metric]) for metric in metrics]
        estimate_rows(ax, estimates, "+.1f")
        ax.set_xlabel("difference x 100 (95 % interval)")
        ax.set_title(name, fontsize=10)
    names = [METRICS[metric] for metric in metrics]
    axes[0].set_yticks(range(len(metrics)), names)
    return figure


def leak_decomposition(found: LeakDecomposition, title: str = "") -> Figure:
    """Memorisation, composition and inflation side by side, as `differences`."""
    comparisons = {name: getattr(found, part) for part, name in PARTS.items()}
    return differences(comparisons, title=title)


def gains_and_losses(
    changes: dict[str, dict[str, dict[str, Estimate]]],
    x: str,
    title: str = "",
) -> Figure:
    """What each condition gives one kind of class and takes from another: two marks in each row.

    A panel for each collection of photos. Numbers stand at the marks, small dots are seeds.

    changes    {panel: {condition: {kind: Estimate}}}, changes of shares, drawn in points; the same
               conditions and kinds in each panel, two kinds: the first filled, the second hollow
    x          what the axes show, with units
    """
    conditions = list(next(iter(changes.values())))
    size = (5 * len(changes), 0.75 * len(conditions) + 1.5)
    figure, axes = panels(len(changes), 1, size, title, sharex=True, sharey=True)
    for ax, (name, rows) in zip(axes, changes.items()):
        ax.axvline(0, color=PALE, linewidth=1)
        for k, found in enumerate(rows.values()):
            for place, leaky, estimate in zip((-CLOSE, CLOSE), (False, True), found.values()):
                points = _times_100(estimate)
                _interval(ax, points, k + place, "s" if leaky else "o", leaky)
                at = (points.value, k + place)
                text = f"{points.value:+.0f}"
                ax.annotate(text, at, (0, 5), textcoords="offset points", ha="center", fontsize=9)
        ax.set_xlabel(x)
        ax.set_title(name, fontsize=10)
    axes[0].set_yticks(range(len(conditions)), conditions)
    axes[0].set_ylim(len(conditions) - 0.4, -0.7)
    kinds = next(iter(next(iter(changes.values())).values()))
    for kind, leaky in zip(kinds, (False, True)):
        axes[-1].plot([], [], "s" if leaky else "o", label=kind, **colours(leaky))
    legend_beside(axes[-1])
    return figure


def estimate_rows(
    ax: Axes,
    estimates: list[Estimate],
    number: str,
    leaky: list[bool] | None = None,
) -> None:
    """An estimate, its interval and its number in each row, the first on top; a dot for each seed.

    number    the format of the number
    leaky     of each row; None: neither leaky nor honest
    """
    for k, estimate in enumerate(estimates):
        marker = MARKERS[k % len(MARKERS)]
        leaks = None if leaky is None else leaky[k]
        _interval(ax, estimate, k, marker, leaks)
        ax.annotate(
            format(estimate.value, number),
            (estimate.value, k),
            xytext=(0, 6),
            textcoords="offset points",
            ha="center",
            fontsize=9,
        )
    ax.set_ylim(len(estimates) - 0.5, -0.6)
    ax.margins(x=0.15)


def _interval(
    ax: Axes,
    estimate: Estimate,
    y: float,
    marker: str,
    leaky: bool | None,
) -> None:
    colour = colours(leaky)
    reach = [estimate.low, estimate.high]
    ax.plot(reach, [y, y], color=colour["color"], linewidth=1.5)
    below = np.full(len(estimate.by_seed), y + BESIDE)
    seed_dots(ax, estimate.by_seed, below, colour["color"])
    ax.plot(estimate.value, y, marker, markersize=6, **colour)


def _times_100(share: Estimate) -> Estimate:
    return share._replace(
        value=100 * share.value,
        low=100 * share.low,
        high=100 * share.high,
        by_seed=tuple(100 * value for value in share.by_seed),
    )


def seed_dots(
    ax: Axes,
    x: Sequence[float],
    y: Sequence[float],
    colour: str,
) -> None:
    """A small, pale dot for each seed, beneath the estimate."""
    if len(x):
        ax.scatter(x, y, s=9, color=colour, alpha=0.45, linewidth=0, zorder=1.8)
