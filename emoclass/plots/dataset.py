"""Figures of photos, of what a net looks at, and of how far photos lie apart."""

from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from emoclass import explain
from emoclass.faces import Faces
from emoclass.labels import COLOURS, EMOTIONS
from emoclass.plots.style import GREYS, INK, LINES, axis, legend_beside, panels, percent

BARE = {"xticks": [], "yticks": []}
DARKER = 10  # grey values: from here on a darker part of a mean face is outlined
LEAST_FALL = 0.01  # of probability: below that a net hardly ever predicts the emotion, and there is nothing to see


def counts(faces: Faces, title: str = "", ax: Axes | None = None) -> Axes:
    """Photos of each emotion, on an axis that begins at 0, with number and share in print."""
    ax = ax or axis(7, 3.2)
    bars = ax.barh(EMOTIONS, faces.counts, color=[COLOURS[e] for e in EMOTIONS], edgecolor=INK, linewidth=0.5)
    ax.bar_label(bars, [f"{n:,} ({percent(n / len(faces))})" for n in faces.counts], padding=4, fontsize=9)
    ax.invert_yaxis()
    ax.set(xlabel="photos", xlim=(0, faces.counts.max() * 1.25), title=title)
    ax.grid(axis="y", visible=False)
    return ax


def shares(faces: Faces, column: str, title: str = "", ax: Axes | None = None) -> Axes:
    """For each emotion, which share of its photos comes from each value of a column (source, annotator)."""
    ax = ax or axis(7, 3.4)
    table = pd.crosstab(faces.table.emotion, faces.table[column], normalize="index").reindex(EMOTIONS, fill_value=0)
    table = table[faces.table[column].value_counts().index]
    left, greys = np.zeros(len(table)), np.linspace(0.4, 0.95, table.shape[1])
    for (value, share), grey, hatch in zip(table.items(), greys, cycle(("", "//", "..", "xx", "\\\\"))):
        ax.barh(EMOTIONS, 100 * share, left=left, color=str(grey), edgecolor=INK, hatch=hatch, lw=0.5, label=value)
        left += 100 * share
    ax.set_yticks(range(len(EMOTIONS)), [f"{e} (n = {faces.counts[e]:,})" for e in EMOTIONS])
    ax.invert_yaxis()
    ax.set(xlim=(0, 100), xlabel="share of the emotion's photos (%)", title=title)
    legend_beside(ax, title=column)
    return ax


def photos_per_subject(faces: Faces, title: str = "", ax: Axes | None = None) -> Axes:
    """How many subjects have how many photos, on two logarithmic axes."""
    ax = ax or axis(7, 3)
    subjects = faces.table.subject.value_counts().value_counts().sort_index()
    ax.loglog(subjects.index, subjects, "o", color=INK, markersize=4)
    ax.set(xlabel="photos of one subject (logarithmic)", ylabel="subjects (logarithmic)", title=title)
    return ax


def mean_faces(faces: Faces, title: str = "", reference: str = "neutral") -> Figure:
    """Mean face of each emotion, under it its difference from the mean `reference` face; DARKER parts are outlined."""
    means = {e: faces.pixels[faces.table.emotion == e].mean(0) for e in EMOTIONS if faces.counts[e]}
    figure, axes = panels(len(EMOTIONS), 2, (12, 3.7), title, sharex=True, sharey=True, subplot_kw=BARE)
    for (above, below), emotion in zip(axes.T, EMOTIONS):
        above.set_title(f"{emotion}\nn = {faces.counts[emotion]:,}", fontsize=10, loc="center")
        if emotion in means:
            above.imshow(means[emotion], cmap="gray", vmin=0, vmax=255)
        if emotion in means and reference in means:
            change = means[emotion] - means[reference]
            colours = below.imshow(change, cmap="RdBu_r", vmin=-60, vmax=60)
            if change.min() < -DARKER < change.max():
                below.contour(change, levels=[-DARKER], colors=INK, linewidths=0.8, linestyles="-")
    axes[0, 0].set_ylabel("mean face")
    axes[1, 0].set_ylabel(f"minus {reference}")
    if reference in means:
        figure.colorbar(colours, ax=axes[1], fraction=0.02, pad=0.01, label=f"grey values\noutlined: < -{DARKER}")
    return figure


def gallery(pictures: np.ndarray, row_names: tuple[str, ...], title: str = "", columns: int = 10) -> Figure:
    """A contact sheet of (rows, columns, size, size) pictures; for synthetic faces, never for people's photos."""
    pictures, size = pictures[:, :columns], pictures.shape[-1]
    ax = axis(0.85 * pictures.shape[1] + 1, 0.85 * len(pictures) + 0.4)
    ax.imshow(np.concatenate(np.concatenate(pictures, axis=1), axis=1), cmap="gray", vmin=0, vmax=255)
    ax.set(xticks=[], yticks=np.arange(len(row_names)) * size + size / 2, yticklabels=row_names, title=title)
    ax.grid(False)
    return ax.figure


def occlusion(faces: Faces, maps: dict[str, np.ndarray], title: str = "") -> Figure:
    """Under mean faces the maps of explain.occlusion, as shares of their largest fall; a line encloses half of it."""
    figure, axes = panels(len(maps), 2, (1.45 * len(maps) + 1.2, 4), title, subplot_kw=BARE)
    margin, edge = (explain.PATCH - explain.STEP) / 2, faces.size - 0.5  # no middle of a patch comes near the margin
    first, last = margin - 0.5, edge - margin
    for (above, below), (emotion, fall) in zip(axes.T, maps.items()):
        most = float(fall.max())
        fraction = np.clip(fall, 0, None) / most if most >= LEAST_FALL else np.zeros_like(fall)
        above.imshow(faces.pixels[faces.table.emotion == emotion].mean(0), cmap="gray")
        greys = below.imshow(fraction, cmap=GREYS, vmin=0, vmax=1, extent=(first, last, last, first))
        if fraction.min() < 0.5 < fraction.max():
            middles = first + (np.arange(len(fall)) + 0.5) * (last - first) / len(fall)
            above.contour(middles, middles, fraction, levels=[0.5], colors="white", linewidths=1.5)
        largest = f"at most {most:.2f}" if most >= LEAST_FALL else f"below {LEAST_FALL}"
        below.set(xlim=(-0.5, edge), ylim=(edge, -0.5), xlabel=largest)
        above.set_title(emotion, fontsize=10, loc="center")
    axes[0, 0].set_ylabel("mean face")
    axes[1, 0].set_ylabel("fall when covered")
    figure.colorbar(greys, ax=axes[1], fraction=0.02, pad=0.01, label="share of the\nlargest fall")
    return figure


def distances(levels: dict[str, np.ndarray], title: str = "", ax: Axes | None = None) -> Axes:
    """For each protocol: which share of its test pictures has a training picture within so many grey levels."""
    ax = ax or axis(8, 4)
    for (name, of_protocol), style in zip(levels.items(), cycle(LINES)):
        share = 100 * np.arange(1, len(of_protocol) + 1) / len(of_protocol)
        ax.plot(np.sort(of_protocol), share, linestyle=style, color=INK, label=name)
    ax.set(xlabel="distance to the nearest training picture (grey levels, root mean square)", xlim=(0, None))
    ax.set(ylabel="share of test pictures within it (%)", ylim=(0, 101), title=title)
    ax.legend(frameon=False)
    return ax
