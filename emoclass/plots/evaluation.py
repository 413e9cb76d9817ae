"""Figures of what nets predict: scores, differences, probabilities."""

from itertools import cycle

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from emoclass.labels import COLOURS, EMOTIONS, MAJORITY, MINORITY
from emoclass.metrics import METRICS, Estimate, recall, score
from emoclass.metrics import confusion as confusion_counts
from emoclass.plots.style import GREYS, HONEST, INK, LEAKY, LINES, MARKERS, PALE, axis, legend_beside, panels, percent
from emoclass.predictions import Predictions


def recalls(several: dict[str, Predictions] | list[Predictions], title: str = "", ax: Axes | None = None) -> Axes:
    """Recall of each emotion tested, its interval, and how many pictures; models side by side, leaky splits hollow."""
    several = list(several.values()) if isinstance(several, dict) else several
    ax, found = ax or axis(10, 4), [recall(predictions) for predictions in several]
    counts = {e: [f"{estimates[e].n:,}" for estimates in found if e in estimates] for e in EMOTIONS}
    n = {emotion: each[0] if len(set(each)) == 1 else ", ".join(each) for emotion, each in counts.items() if each}
    shown = list(n)
    for j, (predictions, estimates) in enumerate(zip(several, found)):
        marker, place = MARKERS[j % len(MARKERS)], (j - (len(several) - 1) / 2) * 0.7 / len(several)
        for emotion, estimate in estimates.items():
            x, colour = shown.index(emotion) + place, COLOURS[emotion]
            ax.plot([x, x], [estimate.low, estimate.high], color=colour, linewidth=2)
            ax.plot(x, estimate.value, marker, markersize=6, **_colours(predictions.leaky, colour))
        name = predictions.name + (" (leaky)" if predictions.leaky else "")
        ax.plot([], [], marker, label=name, **_colours(predictions.leaky, INK))
    ax.set_xticks(range(len(shown)), [f"{e}\nn = {n[e]}" for e in shown])
    ax.set(xlim=(-0.6, len(shown) - 0.4), ylim=(-0.03, 1.03), ylabel="recall (95 % interval)", xlabel="emotion")
    ax.set_title(title)
    ax.legend(frameon=False, bbox_to_anchor=(0.5, -0.27), loc="upper center", ncols=2)
    return ax


def confusion(predictions: Predictions, title: str = "", ax: Axes | None = None) -> Axes:
    """Confusion matrix: shares of each row in shades of grey, counts in print."""
    ax, counts, classes = ax or axis(6.5, 5), confusion_counts(predictions), predictions.classes
    share = 100 * counts / np.maximum(counts.sum(1, keepdims=True), 1)
    sns.heatmap(
        share, annot=counts, fmt=",d", cmap=GREYS, vmin=0, vmax=100, ax=ax, xticklabels=classes, yticklabels=classes,
        cbar_kws={"label": "share of the label's photos (%)"}, annot_kws={"fontsize": 9, "color": INK}, linewidths=0.5,
    )  # fmt: skip
    ax.tick_params(axis="x", rotation=45)
    ax.set(xlabel=f"predicted {predictions.target_column}", ylabel=f"labelled {predictions.target_column}")
    ax.set_title(title, pad=14)  # clear of the bar's uppermost number
    return ax


def learning_curves(predictions: Predictions, title: str = "") -> Figure:
    """Loss and accuracy by epoch that all runs have (later their mean would jump): their mean, and their range."""
    figure, axes = panels(2, 1, (10, 3.3), title)
    for ax, metric in zip(axes, ("loss", "accuracy")):
        for part, line, colour in (("", "--", PALE), ("val_", "-", INK)):
            curves = pd.DataFrame([pd.Series(run.history[part + metric]) for run in predictions.runs]).dropna(axis=1)
            epochs = curves.columns + 1
            ax.plot(epochs, curves.mean(), line, color=colour, label="validation" if part else "training")
            ax.fill_between(epochs, curves.min(), curves.max(), color=colour, alpha=0.2, linewidth=0)
        ax.set(xlabel="epoch", ylabel="cross-entropy (nats)" if metric == "loss" else "accuracy")
        ax.xaxis.get_major_locator().set_params(integer=True)
    for run in predictions.runs:
        axes[0].axvline(run.best_epoch, color=INK, linewidth=0.5, linestyle=":")
    axes[0].plot([], [], ":", color=INK, label="best epoch, by run")
    legend_beside(axes[1], *axes[0].get_legend_handles_labels(), title="lines: mean of the runs\nbands: their range")
    return figure


def protocols(several: list[Predictions], title: str = "") -> Figure:
    """For each split protocol what its test photos share with training, and beside it the scores it comes with."""
    names = ("same original", "near-duplicate", "same subject", "same source")
    keys = [f"{key}_in_training" for key in ("parent", "near_duplicate_id", "subject", "source")]
    share = np.array([p.table[keys].mean() for p in several])
    size, ratios = (14, 0.5 * len(several) + 1.7), {"width_ratios": (1.5, 1, 1)}
    figure, (ax, *others) = panels(3, 1, size, title, sharey=True, gridspec_kw=ratios)
    ax.imshow(share, cmap=GREYS, vmin=0, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(share):
        ax.text(column, row, percent(value), ha="center", va="center", color=INK)
    ax.set_xticks(range(len(names)), names)
    ax.set_xlabel("share of the test photos with this in training")
    ax.grid(False)
    scores, leaky = [score(p) for p in several], [p.leaky for p in several]
    for ax, metric in zip(others, ("macro_f1", "accuracy")):
        _rows(ax, [found[metric] for found in scores], METRICS[metric] + " (95 % interval)", ".3f", leaky)
    ax.set_yticks(range(len(several)), [p.name + (" (leaky)" if p.leaky else "") for p in several])
    return figure


def line_with_ci(series: dict, x: str, y: str, title: str = "", ax: Axes | None = None, joined: bool = True) -> Axes:
    """Estimates with intervals along an axis, in greys.

    series    {name: (places on the x axis, Estimates)}
    x, y      what the axes show, with units; "(logarithmic)" in x makes that axis logarithmic
    joined    by a line; not where the places have no order
    """
    ax, greys = ax or axis(8.5 if len(series) > 1 else 6, 3.8), np.linspace(0.1, 0.6, max(len(series), 2))
    for k, (name, (places, estimates)) in enumerate(series.items()):
        value, low, high, _ = np.array(list(estimates), float).T
        line = LINES[k % len(LINES)] if joined else "none"
        look = {"color": str(greys[k]), "marker": MARKERS[k % len(MARKERS)], "ls": line}
        ax.errorbar(places, value, np.maximum([value - low, high - value], 0), ms=6, lw=1, label=name, **look)
    if "logarithmic" in x:
        ax.set_xscale("log")
    if any(estimate.low < 0 for _, estimates in series.values() for estimate in estimates):
        ax.axhline(0, color=PALE, linewidth=1)
    ax.set(xlabel=x, ylabel=y, title=title)
    if len(series) > 1:
        legend_beside(ax, title="bars: 95 % intervals")
    return ax


def measured_vs_formula(points: pd.DataFrame, title: str = "", chance: float = 0, ax: Axes | None = None) -> Axes:
    """Accuracy as measured and by formula: rows of `leak`, `formula` (a share), `measured` (Estimate), `leaky`."""
    leaks = list(dict.fromkeys([*points.leak[points.leaky], *points.leak]))  # the control without any comes last
    ax = ax or axis(8, 0.5 * len(leaks) + 1.2)
    for point in points.itertuples():
        both = (points.leak == point.leak).sum() > 1
        y = leaks.index(point.leak) + (-0.17 if point.leaky else 0.17) * both
        _interval(ax, point.measured, y, "o" if point.leaky else "s", point.leaky)
        ax.plot([point.formula] * 2, [y - 0.14, y + 0.14], color=PALE, linewidth=4, zorder=1.5)
    ax.plot([], [], "o", markersize=6, label="leak open", **_colours(True))
    ax.plot([], [], "s", markersize=6, label="leak closed", **_colours(False))
    ax.plot([], [], "|", color=PALE, mew=4, ms=10, label="by formula, if all that\nwas seen is memorised")
    if chance:
        ax.axvline(chance, color=INK, linewidth=1, linestyle=":", label="chance")
    ax.set_yticks(range(len(leaks)), leaks)
    ax.set(xlabel="accuracy (95 % interval)", xlim=(0, 1.03), ylim=(len(leaks) - 0.5, -0.5), title=title)
    legend_beside(ax)
    return ax


def differences(comparisons: dict[str, dict], metrics: tuple[str, ...] = tuple(METRICS), title: str = "") -> Figure:
    """{metric: Estimate} of each comparison, times 100, with intervals: a panel for each, a row for each metric."""
    size = (4.2 * len(comparisons) + 1, 0.4 * len(metrics) + 1.5)
    figure, axes = panels(len(comparisons), 1, size, title, sharex=True, sharey=True)
    for ax, (name, found) in zip(axes, comparisons.items()):
        ax.axvline(0, color=PALE, linewidth=1)
        _rows(ax, [_times_100(found[m]) for m in metrics], "difference x 100 (95 % interval)", "+.1f")
        ax.set_title(name, fontsize=10)
    axes[0].set_yticks(range(len(metrics)), [METRICS[m] for m in metrics])
    return figure


def tradeoff(points: pd.DataFrame, title: str = "", least: float = -0.4, ax: Axes | None = None) -> Axes:
    """What each condition gives the minority classes and takes from the majority ones; 0 is the plain net.

    points    one row each: `name` of the condition (its marker), `group` (the net: dark, white or grey), and
              `majority`, `minority`: changes of mean recall (Estimate, as shares), drawn in percentage points
    least     what lies further left stands in a grey margin, with an arrow and its number
    """
    ax, left = ax or axis(8.5, 5), 100 * least
    ax.axhline(0, color=PALE, linewidth=1)
    ax.axvline(0, color=PALE, linewidth=1)
    even = {"slope": -len(MAJORITY) / len(MINORITY), "label": "balanced accuracy as before\n(above the line: better)"}
    ax.axline((0, 0), color=HONEST, linestyle=":", linewidth=2, zorder=1.2, **even)
    faces = dict(zip(dict.fromkeys(points.group), cycle((INK, "white", PALE))))
    markers = dict(zip(dict.fromkeys(points.name), cycle(MARKERS)))
    if any(estimate.value < least for estimate in points.majority):
        ax.axvspan(1.25 * left, left, color="#eeeeee", zorder=1.3)  # hides the line, which does not hold here
        ax.set_xlim(left=1.25 * left)
        ax.xaxis.set_major_formatter(lambda tick, _: f"{tick:g}" if tick >= left else "")
    for point in points.itertuples():
        x, y = _times_100(point.majority), _times_100(point.minority)
        place, across = x.value, [[x.value - x.low], [x.high - x.value]]
        if x.value < left:
            place, across = 1.08 * left, None
            ax.annotate(f"{x.value:+.1f} (off the scale)", (place, y.value), (8, 5), textcoords="offset points")
            ax.annotate("", (1.24 * left, y.value), (place, y.value), arrowprops={"arrowstyle": "-|>", "color": INK})
        cross = {"xerr": across, "yerr": [[y.value - y.low], [y.high - y.value]]}
        ax.errorbar(place, y.value, **cross, fmt="none", ecolor=PALE, elinewidth=1, capsize=2, zorder=1.5)
        ax.plot(place, y.value, markers[point.name], color=INK, markerfacecolor=faces[point.group], markersize=8)
    for name, marker in markers.items():
        ax.plot([], [], marker, color=INK, label=name)
    for group in faces if len(faces) > 1 else ():
        ax.fill([], [], facecolor=faces[group], edgecolor=INK, label=group)
    change = "classes: change of mean recall\n(percentage points, 95 % interval)"
    ax.set(xlabel=f"majority {change}", ylabel=f"minority {change}", title=title)
    legend_beside(ax)
    return ax


def reliability(diagrams: dict[str, pd.DataFrame], title: str = "") -> Figure:
    """Accuracy by confidence, {model: its metrics.reliability} side by side; on the diagonal a net is calibrated."""
    figure, axes = panels(len(diagrams), 1, (3.2 * len(diagrams) + 1, 3.9), title, sharex=True, sharey=True)
    for ax, (name, bins) in zip(axes, diagrams.items()):
        ax.plot([0, 1], [0, 1], color=PALE, linewidth=1)
        ax.plot(bins.confidence, bins.accuracy, color=INK, linewidth=1)
        area = 600 * bins.n / bins.n.sum() + 6
        ax.scatter(bins.confidence, bins.accuracy, s=area, color=PALE, edgecolor=INK, zorder=3)
        ax.set(xlabel="confidence (highest probability)", xlim=(-0.05, 1.05))
        ax.set(ylabel="accuracy (area: share of the photos)", ylim=(-0.05, 1.05))
        ax.set_title(name, fontsize=10)
    return figure


def _rows(ax: Axes, estimates: list[Estimate], xlabel: str, number: str, leaky: list[bool] | None = None) -> None:
    """An estimate, its interval and its number in each row, the first on top."""
    for k, estimate in enumerate(estimates):
        _interval(ax, estimate, k, MARKERS[k % len(MARKERS)], leaky and leaky[k])
        above = {"xytext": (0, 6), "textcoords": "offset points", "ha": "center", "fontsize": 9}
        ax.annotate(format(estimate.value, number), (estimate.value, k), **above)
    ax.set(xlabel=xlabel, ylim=(len(estimates) - 0.5, -0.6))
    ax.margins(x=0.15)


def _interval(ax: Axes, estimate: Estimate, y: float, marker: str, leaky: bool | None) -> None:
    look = _colours(leaky)
    ax.plot([estimate.low, estimate.high], [y, y], color=look["color"], linewidth=1.5)
    ax.plot(estimate.value, y, marker, markersize=6, **look)


def _colours(leaky: bool | None, colour: str = "") -> dict[str, str]:
    """Leaky is hollow and orange, honest is blue, None (neither) is dark, unless a colour is given."""
    colour = colour or {True: LEAKY, False: HONEST, None: INK}[leaky]
    return {"color": colour, "markerfacecolor": "white" if leaky else colour}


def _times_100(share: Estimate) -> Estimate:
    return Estimate(100 * share.value, 100 * share.low, 100 * share.high, share.n)
