"""Figures of photos, of what a net looks at, and of how far they lie apart."""

from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from emoclass import seeing
from emoclass.faces import Faces
from emoclass.labels import COLOURS, EMOTIONS
from emoclass.plots.style import INK, LINES, axis

DARKER = 10  # grey values: from here on a difference of mean faces is hatched
LEAST_FALL = 0.01  # of probability: below that a net hardly ever says the emotion, and there is nothing to see


def counts(faces: Faces, title: str = "", ax: Axes | None = None) -> Axes:
    """Photos of each emotion, on a logarithmic axis because they span three powers of ten."""
    ax = ax or axis(7, 3.2)
    found = faces.counts
    ax.barh(EMOTIONS, found, color=[COLOURS[e] for e in EMOTIONS], edgecolor=INK, linewidth=0.5)
    ax.set_xscale("log")
    ax.set_xlim(1, found.max() * 4)
    ax.invert_yaxis()
    for k, n in enumerate(found):
        ax.text(max(n, 1) * 1.15, k, f"{n:,} ({n / found.sum():.2%})", va="center", fontsize=9)
    ax.set(xlabel="photos (logarithmic)", title=title)
    ax.grid(axis="y", visible=False)
    return ax


def shares(faces: Faces, column: str, title: str = "", ax: Axes | None = None) -> Axes:
    """For each emotion, which share of its photos comes from each value of a column (source, labeller)."""
    ax = ax or axis(7, 3.4)
    table = pd.crosstab(faces.table.emotion, faces.table[column], normalize="index").reindex(EMOTIONS)
    table = table[faces.table[column].value_counts().index]
    greys = np.linspace(0.25, 0.95, table.shape[1])
    left = np.zeros(len(table))
    for k, (value, share) in enumerate(table.items()):
        hatch = ("", "//", "..", "xx", "\\\\")[k % 5]
        ax.barh(
            EMOTIONS, share, left=left, color=str(greys[k]), edgecolor=INK, hatch=hatch, linewidth=0.5, label=value
        )
        left += share.fillna(0)
    ax.invert_yaxis()
    ax.set(xlim=(0, 1), xlabel="share of the emotion's photos", title=title)
    ax.legend(title=column, bbox_to_anchor=(1.01, 1), loc="upper left", frameon=False)
    return ax


def photos_per_person(faces: Faces, title: str = "", ax: Axes | None = None) -> Axes:
    """How many persons have how many photos, on two logarithmic axes."""
    ax = ax or axis(7, 3)
    persons = faces.table.person.value_counts().value_counts().sort_index()
    ax.loglog(persons.index, persons, "o", color=INK, markersize=4)
    ax.set(xlabel="photos of one person (logarithmic)", ylabel="persons (logarithmic)", title=title)
    return ax


def mean_faces(faces: Faces, title: str = "", against: str = "neutral") -> Figure:
    """Mean face of each emotion, and under it its difference from the mean `against` face, in grey values.

    Red and blue are alike in print: what is darker by DARKER or more is hatched too.
    """
    means = {e: faces.pixels[faces.table.emotion == e].mean(0) for e in EMOTIONS if faces.counts[e]}
    figure, axes = plt.subplots(2, len(EMOTIONS), figsize=(12, 3.7), sharex=True, sharey=True)
    shown = None
    for (above, below), emotion in zip(axes.T, EMOTIONS):
        for ax in (above, below):
            ax.set(xticks=[], yticks=[])
            ax.grid(False)
        above.set_title(f"{emotion}\nn = {faces.counts[emotion]:,}", fontsize=10, loc="center")
        if emotion in means:
            above.imshow(means[emotion], cmap="gray", vmin=0, vmax=255)
            if against in means:
                apart = means[emotion] - means[against]
                shown = below.imshow(apart, cmap="RdBu_r", vmin=-60, vmax=60)
                below.contourf(apart, levels=(-256, -DARKER), colors="none", hatches=["////"]).set(
                    edgecolor=INK, linewidth=0
                )
    axes[0, 0].set_ylabel("mean face")
    axes[1, 0].set_ylabel(f"minus {against}")
    if shown:
        figure.colorbar(shown, ax=axes[1], fraction=0.02, pad=0.01, label=f"grey values\nhatched: < -{DARKER}")
    figure.suptitle(title, x=0.01, ha="left", fontsize=12)
    return figure


def gallery(pictures: np.ndarray, row_names: tuple[str, ...], title: str = "", columns: int = 10) -> Figure:
    """A contact sheet of (rows, columns, size, size) pictures; for drawn faces, never for people's photos."""
    pictures = pictures[:, :columns]
    figure, ax = plt.subplots(figsize=(0.85 * pictures.shape[1] + 1, 0.85 * len(pictures) + 0.4))
    size = pictures.shape[-1]
    ax.imshow(np.concatenate(np.concatenate(pictures, axis=1), axis=1), cmap="gray", vmin=0, vmax=255)
    ax.set(xticks=[], yticks=np.arange(len(row_names)) * size + size / 2, yticklabels=row_names, title=title)
    ax.grid(False)
    return figure


def side_by_side(pairs: dict[str, tuple[np.ndarray, np.ndarray]], title: str = "") -> Figure:
    """Drawn faces, never people's photos: for each name test pictures, and under them the nearest in training.

    pairs    {name: (m, size, size) tested, (m, size, size) trained on}
    """
    rows = [part for both in pairs.values() for part in both]
    names = [line for name in pairs for line in (f"{name}: tested", "nearest in training")]
    return gallery(np.array(rows), tuple(names), title, columns=rows[0].shape[0])


def filters(kernels: np.ndarray, title: str = "") -> Figure:
    """(channels, 3, 3) weights as grey squares; darkest is the most negative, lightest the most positive."""
    figure, axes = plt.subplots(2, (len(kernels) + 1) // 2, figsize=(9, 2.6))
    limit = np.abs(kernels).max()
    for ax in axes.ravel():
        ax.axis("off")
    for ax, kernel in zip(axes.ravel(), kernels):
        shown = ax.imshow(kernel, cmap="gray", vmin=-limit, vmax=limit)
    figure.colorbar(shown, ax=axes, fraction=0.02, pad=0.01, label="weight")
    figure.suptitle(title, x=0.01, ha="left", fontsize=12)
    return figure


def occlusion(faces: Faces, maps: dict[str, np.ndarray], title: str = "") -> Figure:
    """How much each emotion's probability falls when a part is covered, as a share of its largest fall.

    Below the mean faces stand the falls, the darker the larger, white where there is none or a rise; a line on each
    face encloses what falls by more than half of the largest. Below LEAST_FALL the map stays white.
    """
    figure, axes = plt.subplots(2, len(maps), figsize=(1.45 * len(maps) + 1.2, 4), squeeze=False)
    for (above, below), (emotion, fall) in zip(axes.T, maps.items()):
        mean, size, most = faces.pixels[faces.table.emotion == emotion].mean(0), faces.size, float(fall.max())
        start, end = (seeing.PATCH - seeing.STEP) / 2 - 0.5, size - (seeing.PATCH - seeing.STEP) / 2 - 0.5
        shares = np.clip(fall, 0, None) / most if most >= LEAST_FALL else np.zeros_like(fall)
        above.imshow(mean, cmap="gray")
        shown = below.imshow(shares, cmap="Greys", vmin=0, vmax=1, extent=(start, end, end, start))
        if shares.min() < 0.5 < shares.max():
            middles = start + (np.arange(len(fall)) + 0.5) * (end - start) / len(fall)
            above.contour(middles, middles, shares, levels=[0.5], colors="white", linewidths=1.5)
        for ax in (above, below):
            ax.set(xticks=[], yticks=[], xlim=(-0.5, size - 0.5), ylim=(size - 0.5, -0.5), aspect="equal")
            ax.grid(False)
        below.set_xlabel(f"at most {most:.2f}" if most >= LEAST_FALL else f"below {LEAST_FALL}")
        above.set_title(emotion, fontsize=10, loc="center")
    axes[0, 0].set_ylabel("mean face")
    axes[1, 0].set_ylabel("fall when covered")
    figure.colorbar(shown, ax=axes[1], fraction=0.02, pad=0.01, label="share of the\nlargest fall")
    figure.suptitle(title, x=0.01, ha="left", fontsize=12)
    return figure


def distances(found: dict[str, np.ndarray], title: str = "", ax: Axes | None = None) -> Axes:
    """How far test photos are from the training photo nearest to them: for each protocol, the share up to there."""
    ax = ax or axis(8, 4)
    for (name, levels), style in zip(found.items(), cycle(LINES)):
        ax.plot(np.sort(levels), np.arange(1, len(levels) + 1) / len(levels), linestyle=style, color=INK, label=name)
    ax.set(xlabel="distance to the nearest training photo (grey levels, root mean square)", xlim=(0, None))
    ax.set(ylabel="share of test photos at most so far", ylim=(0, 1), title=title)
    ax.legend(frameon=False)
    return ax
