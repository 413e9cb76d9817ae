"""Figures of what nets predict: recalls, confusions, curves, probabilities."""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from emoclass import metrics
from emoclass.labels import COLOURS
from emoclass.metrics import METRICS, Estimate
from emoclass.plots.estimates import estimate_rows, seed_dots
from emoclass.plots.style import (
    GREYS,
    INK,
    MARKERS,
    PALE,
    axis,
    colours,
    filled,
    legend_beside,
    panels,
    percent,
)
from emoclass.predictions import Predictions

SHARED = {
    "parent_in_training": "same original",
    "near_duplicate_id_in_training": "near-duplicate",
    "subject_in_training": "same subject",
    "source_in_training": "same source",
}


def recalls(
    several: dict[str, Predictions] | list[Predictions],
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Recall of each class tested, its interval, a dot for each seed, and how many photos.

    Several models stand side by side. Where one of them is leaky, leaky ones are orange and honest
    ones blue; otherwise each emotion has its own colour.
    """
    if isinstance(several, dict):
        several = list(several.values())
    if ax is None:
        ax = axis(10, 4)
    found = [metrics.recall(predictions) for predictions in several]
    numbers = _photos_tested(several, found)
    classes = list(numbers)
    some_leak = any(predictions.leaky for predictions in several)
    spread = 0.7 / len(several)
    middle = (len(several) - 1) / 2
    for j, (predictions, estimates) in enumerate(zip(several, found)):
        marker = MARKERS[j % len(MARKERS)]
        leaky = predictions.leaky if some_leak else None
        for name, estimate in estimates.items():
            x = classes.index(name) + (j - middle) * spread
            colour = colours(leaky) if some_leak else filled(COLOURS.get(name, INK))
            reach = [estimate.low, estimate.high]
            ax.plot([x, x], reach, color=colour["color"], linewidth=2)
            beside = np.full(len(estimate.by_seed), x + spread / 6)
            seed_dots(ax, beside, estimate.by_seed, colour["color"])
            ax.plot(x, estimate.value, marker, markersize=6, **colour)
        ax.plot([], [], marker, label=_name(predictions), **colours(leaky))
    labels = [f"{name}\nn = {n}" for name, n in numbers.items()]
    ax.set_xticks(range(len(classes)), labels)
    ax.set(
        xlim=(-0.6, len(classes) - 0.4),
        ylim=(-0.03, 1.03),
        xlabel=several[0].target_column,
        ylabel="recall (95 % interval)",
        title=title,
    )
    ax.legend(frameon=False, bbox_to_anchor=(0.5, -0.27), loc="upper center", ncols=2)
    return ax


def confusion(
    predictions: Predictions,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Confusion matrix: shares of each row in shades of grey, counts in print."""
    if ax is None:
        ax = axis(6.5, 5)
    counts = metrics.confusion(predictions)
    photos = np.maximum(counts.sum(1, keepdims=True), 1)
    sns.heatmap(
        100 * counts / photos,
        annot=counts,
        fmt=",d",
        cmap=GREYS,
        vmin=0,
        vmax=100,
        ax=ax,
        xticklabels=predictions.classes,
        yticklabels=predictions.classes,
        cbar_kws={"label": "share of the label's photos (%)"},
        annot_kws={"fontsize": 9, "color": INK},
        linewidths=0.5,
    )
    ax.tick_params(axis="x", rotation=45)
    column = predictions.target_column
    ax.set(xlabel=f"predicted {column}", ylabel=f"labelled {column}")
    ax.set_title(title, pad=14)  # clear of the bar's uppermost number
    return ax


def learning_curves(predictions: Predictions, title: str = "") -> Figure:
    """Loss and accuracy by epoch: the mean of the runs, and their range.

    Only epochs that all runs have are drawn: later their mean would jump.
    """
    runs = predictions.runs
    figure, (loss, accuracy) = panels(2, 1, (10, 3.3), title)
    _curves(loss, runs, "loss", "cross-entropy (nats)")
    _curves(accuracy, runs, "accuracy", "accuracy")
    for run in runs:
        loss.axvline(run.best_epoch, color=INK, linewidth=0.5, linestyle=":")
    loss.plot([], [], ":", color=INK, label="best epoch, by run")
    heading = "lines: mean of the runs\nbands: their range"
    legend_beside(accuracy, *loss.get_legend_handles_labels(), title=heading)
    return figure


def protocols(several: list[Predictions], title: str = "") -> Figure:
    """For each split protocol what its test photos share with training, beside it its scores."""
    figure, (overlap, macro_f1, accuracy) = panels(
        3,
        1,
        (14, 0.5 * len(several) + 1.7),
        title,
        sharey=True,
        gridspec_kw={"width_ratios": (1.5, 1, 1)},
    )
    shares = np.array([predictions.table[list(SHARED)].mean() for predictions in several])
    overlap.imshow(shares, cmap=GREYS, vmin=0, vmax=1, aspect="auto")
    for (row, column), share in np.ndenumerate(shares):
        overlap.text(
            column,
            row,
            percent(share),
            ha="center",
            va="center",
            color=INK,
        )
    overlap.set_xticks(range(len(SHARED)), SHARED.values())
    overlap.set_xlabel("share of the test photos with this in training")
    overlap.grid(False)
    scores = [metrics.score(predictions) for predictions in several]
    leaky = [predictions.leaky for predictions in several]
    for ax, metric in ((macro_f1, "macro_f1"), (accuracy, "accuracy")):
        estimates = [found[metric] for found in scores]
        estimate_rows(ax, estimates, ".3f", leaky)
        ax.set_xlabel(f"{METRICS[metric]} (95 % interval)")
    names = [_name(predictions) for predictions in several]
    accuracy.set_yticks(range(len(several)), names)
    return figure


def reliability(
    diagrams: dict[str, pd.DataFrame],
    title: str = "",
) -> Figure:
    """Accuracy by confidence, {model: its metrics.reliability} side by side.

    On the diagonal a net is calibrated.
    """
    size = (3.2 * len(diagrams) + 1, 3.9)
    figure, axes = panels(len(diagrams), 1, size, title, sharex=True, sharey=True)
    for ax, (name, bins) in zip(axes, diagrams.items()):
        ax.plot([0, 1], [0, 1], color=PALE, linewidth=1)
        ax.plot(bins.confidence, bins.accuracy, color=INK, linewidth=1)
        area = 600 * bins.n / bins.n.sum() + 6
        ax.scatter(
            bins.confidence,
            bins.accuracy,
            s=area,
            color=PALE,
            edgecolor=INK,
            zorder=3,
        )
        ax.set(
            xlabel="confidence (highest probability)",
            xlim=(-0.05, 1.05),
            ylabel="accuracy (area: share of the photos)",
            ylim=(-0.05, 1.05),
        )
        ax.set_title(name, fontsize=10)
    return figure


def _name(predictions: Predictions) -> str:
    if predictions.leaky:
        return f"{predictions.name} (leaky)"
    return predictions.name


def _photos_tested(
    several: list[Predictions],
    found: list[dict[str, Estimate]],
) -> dict[str, str]:
    """Of each class that some model was tested on: on how many photos, "12", or "12, 9"."""
    photos = {}
    for name in several[0].classes:
        numbers = []
        for estimates in found:
            if name in estimates:
                numbers.append(f"{estimates[name].n:,}")
        if len(set(numbers)) == 1:
            photos[name] = numbers[0]
        elif numbers:
            photos[name] = ", ".join(numbers)
    return photos


def _curves(ax: Axes, runs: tuple, metric: str, ylabel: str) -> None:
    _curve(ax, runs, metric, "training", "--", PALE)
    _curve(ax, runs, f"val_{metric}", "validation", "-", INK)
    ax.set(xlabel="epoch", ylabel=ylabel)
    ax.xaxis.get_major_locator().set_params(integer=True)


def _curve(
    ax: Axes,
    runs: tuple,
    key: str,
    part: str,
    line: str,
    colour: str,
) -> None:
    curves = pd.DataFrame([pd.Series(run.history[key]) for run in runs])
    curves = curves.dropna(axis=1)
    epochs = curves.columns + 1
    ax.plot(epochs, curves.mean(), line, color=colour, label=part)
    ax.fill_between(
        epochs,
        curves.min(),
        curves.max(),
        color=colour,
        alpha=0.2,
        linewidth=0,
    )
