"""Figures of what nets say: scores, differences, probabilities."""

from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from emoclass import scores
from emoclass.faces import BadInput, listed
from emoclass.labels import COLOURS, COMMON, EMOTIONS, SCARCE
from emoclass.plots.style import INK, LINES, MARKERS, PALE, axis, interval
from emoclass.predictions import Predictions


def intervals(
    spoken: dict[str, Predictions] | list[Predictions],
    metrics: tuple[str, ...] = tuple(scores.METRICS),
    title: str = "",
) -> Figure:
    """Scores side by side: a panel for each metric, a row for each speaker; hollow marks are leaky splits."""
    spoken = list(spoken.values()) if isinstance(spoken, dict) else spoken
    found = [scores.score(p) for p in spoken]
    figure, axes = plt.subplots(
        1, len(metrics), figsize=(3 * len(metrics) + 2, 0.42 * len(spoken) + 1.3), sharey=True, squeeze=False
    )
    for ax, metric in zip(axes[0], metrics):
        for k, (predictions, score) in enumerate(zip(spoken, found)):
            interval(ax, score[metric], k, MARKERS[k % len(MARKERS)], predictions.leaky)
        ax.set(xlabel=f"{scores.METRICS[metric]} (95 % interval)")
        ax.margins(x=0.12)
    names = [p.name + (" (leaky)" if p.leaky else "") for p in spoken]
    axes[0, 0].set_yticks(range(len(spoken)), names)
    axes[0, 0].invert_yaxis()
    figure.suptitle(title, x=0.01, ha="left", fontsize=12)
    return figure


def recalls(spoken: dict[str, Predictions] | list[Predictions], title: str = "", ax: Axes | None = None) -> Axes:
    """Recall of each emotion with Wilson's interval, speakers side by side; hollow marks are leaky splits."""
    spoken = list(spoken.values()) if isinstance(spoken, dict) else spoken
    ax = ax or axis(10, 4)
    step = 0.7 / max(len(spoken), 1)
    for j, predictions in enumerate(spoken):
        for emotion, number in scores.recall(predictions).items():
            x = EMOTIONS.index(emotion) + (j - (len(spoken) - 1) / 2) * step
            face = "white" if predictions.leaky else COLOURS[emotion]
            ax.plot([x, x], [number.low, number.high], color=COLOURS[emotion], linewidth=2)
            ax.plot(
                x, number.value, MARKERS[j % len(MARKERS)], color=COLOURS[emotion], markerfacecolor=face, markersize=6
            )
        label = predictions.name + (" (leaky)" if predictions.leaky else "")
        face = "white" if predictions.leaky else INK
        ax.plot([], [], MARKERS[j % len(MARKERS)], color=INK, markerfacecolor=face, label=label)
    ax.set_xticks(range(len(EMOTIONS)), EMOTIONS)
    ax.set(ylim=(-0.03, 1.03), ylabel="recall (95 % interval)", xlabel="emotion", title=title)
    ax.legend(frameon=False, bbox_to_anchor=(0.5, -0.2), loc="upper center", ncols=2)
    return ax


def confusion(predictions: Predictions, title: str = "", ax: Axes | None = None) -> Axes:
    """Confusion matrix: shares of each row in shades of grey, counts in print."""
    ax = ax or axis(6.5, 5)
    found = scores.confusion(predictions)
    share = found / np.maximum(found.sum(1, keepdims=True), 1)
    names = dict(xticklabels=predictions.classes, yticklabels=predictions.classes)
    sns.heatmap(
        share, annot=found, fmt=",d", cmap="Greys", vmin=0, vmax=1, ax=ax, **names,
        cbar_kws={"label": "share of the label's photos"}, annot_kws={"fontsize": 9}, linewidths=0.5,
    )  # fmt: skip
    ax.tick_params(axis="x", rotation=45)
    ax.set(xlabel=f"{predictions.asked} said by the net", ylabel=f"{predictions.asked} by label")
    ax.set_title(title, pad=14)  # clear of the bar's uppermost number
    return ax


def learning_curves(predictions: Predictions, title: str = "") -> Figure:
    """Loss and accuracy against epochs, in training and validation: mean over the runs, and their range."""
    figure, axes = plt.subplots(1, 2, figsize=(10, 3.3))
    for ax, metric in zip(axes, ("loss", "accuracy")):
        for part, style, colour in (("", "--", PALE), ("val_", "-", INK)):
            curves = np.array([run.history[part + metric] for run in predictions.runs])
            epochs = np.arange(1, curves.shape[1] + 1)
            ax.plot(epochs, curves.mean(0), style, color=colour, label="validation" if part else "training")
            ax.fill_between(epochs, curves.min(0), curves.max(0), color=colour, alpha=0.2, linewidth=0)
        ax.set(xlabel="epoch", ylabel="cross-entropy (nats)" if metric == "loss" else "accuracy")
        ax.xaxis.get_major_locator().set_params(integer=True)
    best = [run.best_epoch for run in predictions.runs]
    for epoch in best:
        axes[0].axvline(epoch, color=INK, linewidth=0.5, linestyle=":")
    axes[0].plot([], [], ":", color=INK, label="epoch kept, by run")
    handles, labels = axes[0].get_legend_handles_labels()
    beside = dict(
        bbox_to_anchor=(1.01, 1), loc="upper left", frameon=False, title="lines: mean of the runs\nbands: their range"
    )
    axes[1].legend(handles, labels, **beside)
    figure.suptitle(title, x=0.01, ha="left", fontsize=12)
    return figure


def ladder(
    rungs: pd.DataFrame, metrics: tuple[str, ...] = ("accuracy", "macro_f1"), title: str = "", tested: str = ""
) -> Figure:
    """Scores of nets of different size against multiply-adds for one picture.

    rungs     one row for each net: `name`, `multiply_adds`, and a scores.Number under each metric
    tested    on what all of them were tested, for the axes: "on the first fold"
    """
    figure, axes = plt.subplots(1, len(metrics), figsize=(5.6 * len(metrics), 3.8))
    for ax, metric in zip(np.atleast_1d(axes), metrics):
        for k, rung in enumerate(rungs.itertuples()):
            number = getattr(rung, metric)
            ax.plot([rung.multiply_adds] * 2, [number.low, number.high], color=INK, linewidth=1.5)
            ax.plot(
                rung.multiply_adds, number.value, MARKERS[k % len(MARKERS)], color=INK, markersize=7, label=rung.name
            )
        ax.set(xscale="log", xlabel="multiply-adds for one picture (logarithmic)")
        n = " or ".join(f"{n:,}" for n in sorted({number.n for number in rungs[metric]}))
        ax.set_ylabel(f"{scores.METRICS[metric]} {tested}\n(95 % interval, n = {n})")
    np.atleast_1d(axes)[-1].legend(frameon=False, bbox_to_anchor=(1.01, 1), loc="upper left")
    figure.suptitle(title, x=0.01, ha="left", fontsize=12)
    return figure


def leak_ladder(rungs: list[Predictions], title: str = "") -> Figure:
    """For each rung what its test photos share with training, and beside it the scores that this goes with.

    Shares are said and shown in grey; hollow marks are leaky splits.
    """
    shared = {"its own copy": "parent", "a near-duplicate": "alike", "its person": "person", "its source": "source"}
    share = np.array([[p.table[f"{key}_in_training"].mean() for key in shared.values()] for p in rungs])
    figure, axes = plt.subplots(
        1, 3, figsize=(14, 0.5 * len(rungs) + 1.7), sharey=True, gridspec_kw={"width_ratios": (1.5, 1, 1)}
    )
    axes[0].imshow(share, cmap="Greys", vmin=0, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(share):
        words, ink = f"{value:.1%}" if 0 < value < 0.1 else f"{value:.0%}", "white" if value > 0.6 else INK
        axes[0].text(column, row, words, ha="center", va="center", color=ink)
    axes[0].set_xticks(range(len(shared)), shared)
    axes[0].set(xlabel="share of the pictures tested of which ... is in training too")
    axes[0].grid(False)
    for ax, metric in zip(axes[1:], ("macro_f1", "accuracy")):
        for k, predictions in enumerate(rungs):
            number = scores.score(predictions)[metric]
            interval(ax, number, k, "o", predictions.leaky)
            ax.annotate(
                f"{number.value:.3f}", (number.value, k), (0, 6), textcoords="offset points", ha="center", fontsize=9
            )
        ax.set(xlabel=f"{scores.METRICS[metric]} (95 % interval)", ylim=(len(rungs) - 0.5, -0.6))
        ax.margins(x=0.15)
    axes[0].set_yticks(range(len(rungs)), [p.name + (" (leaky)" if p.leaky else "") for p in rungs])
    figure.suptitle(title, x=0.01, ha="left", fontsize=12)
    return figure


def against(series: dict[str, tuple[list, list[scores.Number]]], x: str, y: str, title: str = "", ax=None) -> Axes:
    """Numbers with intervals against something else; a number without an interval is a formula's, drawn as a line.

    Where an interval reaches below 0 a line marks 0. One series alone has no legend: the axes say what it is.

    series    {what it is: (places on the x axis, numbers)}
    x, y      what the axes show, with units; "(logarithmic)" in x makes that axis logarithmic
    """
    ax = ax or axis(6, 3.8)
    for k, (name, (places, numbers)) in enumerate(series.items()):
        values = [number.value for number in numbers]
        if any(number.low is None for number in numbers):
            ax.plot(places, values, ":", color=INK, label=name)
            continue
        reach = np.array([[n.value - n.low, n.high - n.value] for n in numbers]).T
        face = "white" if k == 0 else INK
        ax.errorbar(places, values, reach, fmt=f"-{MARKERS[k]}", color=INK, mfc=face, ms=6, lw=1, label=name)
    if "logarithmic" in x:
        ax.set_xscale("log")
    if any((number.low or 0) < 0 for _, numbers in series.values() for number in numbers):
        ax.axhline(0, color=PALE, linewidth=1)
    ax.set(xlabel=x, ylabel=y, title=title)
    if len(series) > 1:
        ax.legend(frameon=False)
    return ax


def predicted(points: pd.DataFrame, title: str = "", ax: Axes | None = None) -> Axes:
    """Accuracy as measured, and as a formula has it: a row for each leak, where it is open and where it is shut.

    points    one row each: `leak`, `formula` (a share), `measured` (scores.Number), `leaky`
    """
    leaks = list(dict.fromkeys([*points.leak[points.leaky], *points.leak]))  # the control without any comes last
    ax = ax or axis(8, 0.5 * len(leaks) + 1.2)
    for point in points.itertuples():
        both = (points.leak == point.leak).sum() > 1
        y = leaks.index(point.leak) + (0.17 if not point.leaky else -0.17) * both
        interval(ax, point.measured, y, "s" if not point.leaky else "o", point.leaky)
        ax.plot([point.formula] * 2, [y - 0.14, y + 0.14], color=PALE, linewidth=4, zorder=1.5)
    for marker, face, label in (("o", "white", "leak open"), ("s", INK, "leak shut")):
        ax.plot([], [], marker, color=INK, mfc=face, ms=6, label=label)
    ax.plot([], [], "|", color=PALE, mew=4, ms=10, label="by formula, if all that\nwas seen is known again")
    ax.set_yticks(range(len(leaks)), leaks)
    ax.set(xlabel="accuracy (95 % interval)", xlim=(0, 1.03), ylim=(len(leaks) - 0.5, -0.5), title=title)
    ax.legend(frameon=False, bbox_to_anchor=(1.01, 1), loc="upper left", fontsize=9)
    return ax


def gaps(differences: dict[str, dict[str, scores.Number]], metrics=tuple(scores.METRICS), title: str = "") -> Figure:
    """Differences in each metric with intervals: a panel for each comparison, a row for each metric; 0 is no gap."""
    figure, axes = plt.subplots(
        1,
        len(differences),
        figsize=(4.2 * len(differences) + 1, 0.4 * len(metrics) + 1.5),
        sharex=True,
        sharey=True,
        squeeze=False,
    )
    for ax, (name, found) in zip(axes[0], differences.items()):
        ax.axvline(0, color=PALE, linewidth=1)
        for k, metric in enumerate(metrics):
            interval(ax, found[metric], k, MARKERS[k], False)
            ax.text(found[metric].value, k - 0.18, f"{found[metric].value:+.3f}", ha="center", fontsize=9)
        ax.set(xlabel="difference (95 % interval)", ylim=(len(metrics) - 0.5, -0.6))
        ax.set_title(name, fontsize=10)
        ax.margins(x=0.15)
    axes[0, 0].set_yticks(range(len(metrics)), [scores.METRICS[m] for m in metrics])
    figure.suptitle(title, x=0.01, ha="left", fontsize=12)
    return figure


def trade(points: pd.DataFrame, title: str = "", least: float = -0.4, ax: Axes | None = None) -> Axes:
    """What each arm gives the scarce emotions against what it costs the common ones; the plain net is where 0 is.

    points    one row each: `name` of the arm (its marker), `group` (the net: filled, hollow or grey), and
              `common`, `scarce`: changes of mean recall (scores.Number), drawn as a cross of intervals
    least     what lies further left would squeeze all others: it stands at the edge, with its number
    """
    ax = ax or axis(8.5, 5)
    ax.axhline(0, color=PALE, linewidth=1)
    ax.axvline(0, color=PALE, linewidth=1)
    slope = -len(COMMON) / len(SCARCE)
    ax.axline((0, 0), slope=slope, color=PALE, linestyle=":", label="balanced accuracy as before")
    arms, groups = list(dict.fromkeys(points.name)), list(dict.fromkeys(points.group))
    faces = dict(zip(groups, cycle((INK, "white", PALE))))
    for point in points.itertuples():
        x, y, marker = point.common, point.scarce, MARKERS[arms.index(point.name) % len(MARKERS)]
        at = max(x.value, least)
        if at > x.value:
            ax.annotate(
                f"◂ {x.value:+.2f}", (at, y.value), (9, 0), textcoords="offset points", va="center", fontsize=9
            )
        else:
            ax.plot([max(x.low, least), x.high], [y.value] * 2, color=PALE, linewidth=1, zorder=1.5)
        ax.plot([at] * 2, [y.low, y.high], color=PALE, linewidth=1, zorder=1.5)
        ax.plot(at, y.value, marker, color=INK, mfc=faces[point.group], ms=8)
    for k, arm in enumerate(arms):
        ax.plot([], [], MARKERS[k % len(MARKERS)], color=INK, mfc=INK, label=arm)
    for group in groups if len(groups) > 1 else ():
        ax.fill([], [], facecolor=faces[group], edgecolor=INK, label=group)
    ax.set(xlabel="happiness and neutral: change of\ntheir mean recall (share of photos; 95 % interval)", title=title)
    ax.set(ylabel="six scarce emotions: change of\ntheir mean recall (share of photos; 95 % interval)")
    ax.legend(frameon=False, bbox_to_anchor=(1.01, 1), loc="upper left", fontsize=9)
    return ax


def by_epoch(series: dict[str, list[scores.Number]], y: str, title: str = "", ax: Axes | None = None) -> Axes:
    """Numbers after each epoch, counted from 1, as lines with their intervals, side by side where they would overlap.

    series    {what it is: one number for each epoch}
    y         what is shown, with its unit
    """
    ax = ax or axis(7.5, 4)
    greys = np.linspace(0.1, 0.6, max(len(series), 2))
    for k, ((name, numbers), style) in enumerate(zip(series.items(), cycle(LINES))):
        epochs, (value, low, high, _) = np.arange(1, len(numbers) + 1), np.array(numbers, float).T
        beside, bars = epochs + 0.12 * (k - (len(series) - 1) / 2), np.maximum([value - low, high - value], 0)
        look = dict(linestyle=style, marker=MARKERS[k % len(MARKERS)], ms=5, color=str(greys[k]), elinewidth=1)
        ax.errorbar(beside, value, bars, label=name, **look)
    ax.set(xlabel="epoch", ylabel=y, title=title)
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.legend(title="bars: 95 % intervals", frameon=False, bbox_to_anchor=(1.01, 1), loc="upper left", fontsize=9)
    return ax


def reliability(panels: dict[str, pd.DataFrame], title: str = "") -> Figure:
    """Reliability diagrams side by side: how often a net is right that is so sure; on the diagonal it is honest.

    panels    {speaker: what scores.reliability says of it}; a mark's area is its share of the photos
    """
    figure, axes = plt.subplots(
        1, len(panels), figsize=(3.2 * len(panels) + 1, 3.9), sharex=True, sharey=True, squeeze=False
    )
    for ax, (name, bins) in zip(axes[0], panels.items()):
        ax.plot([0, 1], [0, 1], color=PALE, linewidth=1)
        ax.plot(bins.confidence, bins.accuracy, color=INK, linewidth=1)
        ax.scatter(
            bins.confidence, bins.accuracy, s=600 * bins.n / bins.n.sum() + 6, color=PALE, edgecolor=INK, zorder=3
        )
        ax.set(xlabel="confidence (highest probability)", ylabel="accuracy (area: share of the photos)")
        ax.set(xlim=(-0.05, 1.05), ylim=(-0.05, 1.05))
        ax.set_title(name, fontsize=10)
    figure.suptitle(title, x=0.01, ha="left", fontsize=12)
    return figure


def bars(probabilities: dict[str, float] | np.ndarray, title: str = "", ax: Axes | None = None) -> Axes:
    """What a net makes of one photo: its (8,) probabilities, in the emotions' order and colours.

    Raises BadInput, naming what is not an emotion.
    """
    if isinstance(probabilities, dict):
        if unknown := [word for word in probabilities if word not in EMOTIONS]:
            raise BadInput(f"no emotions: {listed(unknown)}; choose from {listed(EMOTIONS)}")
        probabilities = [probabilities.get(emotion, 0.0) for emotion in EMOTIONS]
    ax = ax or axis(5, 2.8)
    ax.barh(EMOTIONS, probabilities, color=[COLOURS[e] for e in EMOTIONS], edgecolor=INK, linewidth=0.5)
    for k, share in enumerate(probabilities):
        ax.text(share + 0.01, k, f"{share:.1%}", va="center", fontsize=9)
    ax.invert_yaxis()
    ax.set(xlim=(0, 1.12), xlabel="probability", title=title)
    ax.set_xticks(np.arange(0, 1.01, 0.25))
    ax.grid(axis="y", visible=False)
    return ax
