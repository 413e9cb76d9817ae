"""Figures of photos, of what a net looks at, and of how far photos lie apart."""

from collections.abc import Collection
from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from emoclass import explain
from emoclass.faces import Faces
from emoclass.labels import COLOURS, EMOTIONS
from emoclass.plots.style import (
    BARE,
    GREYS,
    INK,
    LINES,
    axis,
    colours,
    legend_beside,
    panels,
    percent,
)

HATCHES = ("", "//", "..", "xx", "\\\\")
MANY_PHOTOS = (1, 2, 5, 20, 100)  # of one subject: where each group of people begins
DARKER = 10  # grey values: from here on a darker part of a mean face is outlined
REACH = 60  # grey values: where the colours of a difference end

# Of probability: below that a net hardly ever predicts the emotion, and there is nothing to see.
LEAST_FALL = 0.01


def counts(
    faces: Faces,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Photos of each emotion, on an axis that begins at 0, with number and share in print."""
    if ax is None:
        ax = axis(7, 3.2)
    bars = ax.barh(
        EMOTIONS,
        faces.counts,
        color=[COLOURS[emotion] for emotion in EMOTIONS],
        edgecolor=INK,
        linewidth=0.5,
    )
    numbers = [f"{n:,} ({percent(n / len(faces))})" for n in faces.counts]
    ax.bar_label(bars, numbers, padding=4, fontsize=9)
    ax.invert_yaxis()
    ax.set(xlabel="photos", xlim=(0, faces.counts.max() * 1.25), title=title)
    ax.grid(axis="y", visible=False)
    return ax


def shares(
    faces: Faces,
    column: str,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """For each emotion, which share of its photos comes from each value of a column."""
    if ax is None:
        ax = axis(7, 3.4)
    values = faces.table[column]
    table = pd.crosstab(faces.table.emotion, values, normalize="index")
    table = table.reindex(EMOTIONS, fill_value=0)
    most_frequent_first = values.value_counts().index
    greys = np.linspace(0.4, 0.95, table.shape[1])
    left = np.zeros(len(table))
    for value, grey, hatch in zip(most_frequent_first, greys, cycle(HATCHES)):
        width = 100 * table[value]
        ax.barh(
            EMOTIONS,
            width,
            left=left,
            color=str(grey),
            edgecolor=INK,
            hatch=hatch,
            linewidth=0.5,
            label=value,
        )
        left += width
    names = [f"{emotion} (n = {n:,})" for emotion, n in faces.counts.items()]
    ax.set_yticks(range(len(EMOTIONS)), names)
    ax.invert_yaxis()
    ax.set(xlim=(0, 100), xlabel="share of the emotion's photos (%)", title=title)
    legend_beside(ax, title=column)
    return ax


def photos_per_subject(
    faces: Faces,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Which share of the photos, and of the subjects, belongs to people with how many photos."""
    if ax is None:
        ax = axis(7.5, 3.2)
    photos = faces.table.subject.value_counts()
    size = np.digitize(photos, MANY_PHOTOS) - 1
    names = []
    for first, after in zip(MANY_PHOTOS, [*MANY_PHOTOS[1:], None]):
        if after is None:
            names.append(f"{first} or more")
        else:
            names.append(str(first) if after == first + 1 else f"{first} to {after - 1}")
    of_photos = np.bincount(size, photos, minlength=len(names)) / photos.sum()
    of_subjects = np.bincount(size, minlength=len(names)) / len(photos)
    places = np.arange(len(names))
    for shares, below, colour, of in (
        (of_photos, -0.2, INK, "of the photos"),
        (of_subjects, 0.2, "white", "of the subjects"),
    ):
        bars = ax.barh(places + below, 100 * shares, 0.36, color=colour, edgecolor=INK, label=of)
        ax.bar_label(bars, [f"{100 * share:.0f} %" for share in shares], padding=3, fontsize=9)
    ax.set_yticks(places, names)
    ax.invert_yaxis()
    ax.set(xlabel="share, %", ylabel="photos of one subject", title=title)
    ax.set_xlim(0, 115 * max(of_photos.max(), of_subjects.max()))
    ax.grid(axis="y", visible=False)
    ax.legend(frameon=False, loc="lower right")
    return ax


def mean_faces(
    faces: Faces,
    title: str = "",
    reference: str = "neutral",
) -> Figure:
    """Mean face of each emotion, under it its difference from the mean `reference` face.

    Parts that are DARKER than in the reference are outlined.
    """
    means = _mean_faces(faces)
    figure, axes = panels(
        len(EMOTIONS),
        2,
        (12, 3.7),
        title,
        sharex=True,
        sharey=True,
        subplot_kw=BARE,
    )
    coloured = None
    for above, below, emotion in zip(axes[0], axes[1], EMOTIONS):
        heading = f"{emotion}\nn = {faces.counts[emotion]:,}"
        above.set_title(heading, fontsize=10, loc="center")
        if emotion not in means:
            continue
        above.imshow(means[emotion], cmap="gray", vmin=0, vmax=255)
        if reference in means:
            coloured = _difference(below, means[emotion] - means[reference])
    axes[0, 0].set_ylabel("mean face")
    axes[1, 0].set_ylabel(f"minus {reference}")
    if coloured is not None:
        label = f"grey values\noutlined: < -{DARKER}"
        _colour_bar(figure, coloured, axes[1], label)
    return figure


def gallery(
    pictures: np.ndarray,
    row_names: tuple[str, ...],
    title: str = "",
    columns: int = 10,
) -> Figure:
    """A contact sheet of (rows, columns, size, size) pictures.

    For synthetic faces, never for people's photos.
    """
    pictures = pictures[:, :columns]
    n_rows, n_columns, size, _ = pictures.shape
    sheet = pictures.transpose(0, 2, 1, 3).reshape(n_rows * size, n_columns * size)
    ax = axis(0.85 * n_columns + 1, 0.85 * n_rows + 0.4)
    ax.imshow(sheet, cmap="gray", vmin=0, vmax=255)
    middles = np.arange(len(row_names)) * size + size / 2
    ax.set(xticks=[], yticks=middles, yticklabels=row_names, title=title)
    ax.grid(False)
    return ax.figure


def occlusion(
    faces: Faces,
    maps: dict[str, np.ndarray],
    title: str = "",
) -> Figure:
    """Under mean faces the maps of explain.occlusion, as shares of their largest fall.

    A line encloses what falls by at least half of that.
    """
    size = (1.45 * len(maps) + 1.2, 4)
    means = _mean_faces(faces)
    figure, axes = panels(len(maps), 2, size, title, subplot_kw=BARE)
    for above, below, (emotion, fall) in zip(axes[0], axes[1], maps.items()):
        above.imshow(means[emotion], cmap="gray")
        greys = _falls(above, below, fall, faces.size)
        above.set_title(emotion, fontsize=10, loc="center")
    axes[0, 0].set_ylabel("mean face")
    axes[1, 0].set_ylabel("fall when covered")
    label = "share of the\nlargest fall"
    _colour_bar(figure, greys, axes[1], label)
    return figure


def distances(
    levels: dict[str, np.ndarray],
    title: str = "",
    ax: Axes | None = None,
    leaky: Collection[str] | None = None,
) -> Axes:
    """Which share of the test pictures has a training picture within so many grey levels.

    levels   {name of the split protocol: (n,) distances}
    leaky    the protocols that leak, drawn orange, the others blue; None: all dark
    """
    if ax is None:
        ax = axis(8, 4)
    for (name, of_protocol), line in zip(levels.items(), cycle(LINES)):
        n = len(of_protocol)
        share = 100 * np.arange(1, n + 1) / n
        leaks = None if leaky is None else name in leaky
        ax.plot(
            np.sort(of_protocol),
            share,
            linestyle=line,
            color=colours(leaks)["color"],
            label=name,
        )
    ax.set(
        xlabel="distance to the nearest training picture (grey levels, root mean square)",
        xlim=(0, None),
        ylabel="share of test pictures within it (%)",
        ylim=(0, 101),
        title=title,
    )
    ax.legend(frameon=False)
    return ax


def _mean_faces(faces: Faces) -> dict[str, np.ndarray]:
    """{emotion: (size, size) float}, of emotions that occur; from the record where the photos are not here."""
    means = {}
    for emotion, mean in zip(EMOTIONS, explain.mean_faces(faces)):
        if faces.counts[emotion]:
            means[emotion] = mean.astype(float)
    return means


def _colour_bar(figure: Figure, coloured, axes, label: str) -> None:
    figure.colorbar(coloured, ax=axes, fraction=0.02, pad=0.01, label=label)


def _difference(ax: Axes, change: np.ndarray):
    coloured = ax.imshow(change, cmap="RdBu_r", vmin=-REACH, vmax=REACH)
    if change.min() < -DARKER < change.max():
        ax.contour(
            change,
            levels=[-DARKER],
            colors=INK,
            linewidths=0.8,
            linestyles="-",
        )
    return coloured


def _falls(above: Axes, below: Axes, fall: np.ndarray, size: int):
    """The map of one emotion below, the line around its worse half above."""
    edge = size - 0.5
    margin = (explain.PATCH - explain.STEP) / 2  # no middle of a patch comes near it
    first = margin - 0.5
    last = edge - margin
    most = float(fall.max())
    if most >= LEAST_FALL:
        fraction = np.clip(fall, 0, None) / most
        largest = f"at most {most:.2f}"
    else:
        fraction = np.zeros_like(fall)
        largest = f"below {LEAST_FALL}"
    extent = (first, last, last, first)
    greys = below.imshow(fraction, cmap=GREYS, vmin=0, vmax=1, extent=extent)
    if fraction.min() < 0.5 < fraction.max():
        step = (last - first) / len(fall)
        middles = first + (np.arange(len(fall)) + 0.5) * step
        above.contour(
            middles,
            middles,
            fraction,
            levels=[0.5],
            colors="white",
            linewidths=1.5,
        )
    below.set(xlim=(-0.5, edge), ylim=(edge, -0.5), xlabel=largest)
    return greys
