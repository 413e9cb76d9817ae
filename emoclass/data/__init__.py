"""Where faces come from. One door: `load_faces`; beside it `load_new_faces`, and `with_new_faces` for both."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # `import emoclass` stays light: OpenCV and pandas come with the first faces
    import os

    import pandas as pd

    from emoclass.faces import Faces


def load_faces(name_or_path: "str | os.PathLike" = "muxspace", size: int = 48) -> "Faces":
    """Faces by name: the pinned collection ("muxspace"), drawn faces ("cartoon"), or a folder of your own photos.

    Pixels are (n, size, size) uint8. Raises BadInput, one sentence that names every offender, if the photos are
    missing or cannot be used as they are.
    """
    if name_or_path == "muxspace":
        from emoclass.data import muxspace

        return muxspace.load(size)
    if name_or_path == "cartoon":
        from emoclass.data import cartoon

        return cartoon.draw(size=size)
    from emoclass.data import folder

    return folder.load(name_or_path, size)


def load_new_faces(dataset: "str | os.PathLike" = "muxspace", size: int = 48, seed: int = 0) -> "Faces":
    """The new faces that belong to a dataset, halved once: `source` is "new, to learn" or "new, held back".

    Half and half within each emotion, as evenly as persons and near-duplicates, which stay in one half, allow. For
    "muxspace" the 500 photos that were offered and never merged, for "cartoon" 100 strong expressions by strangers,
    for a folder of your own what lies in `new_faces/` inside it, arranged like the folder itself.

    Pixels are (n, size, size) uint8; photos bear other names than those of the collection, persons only if they are
    others. Raises BadInput, one sentence, if there are no new faces, or fewer than two of an emotion that is there.
    """
    from emoclass.data import new_faces

    return new_faces.load(dataset, size, seed)


def with_new_faces(dataset: "str | os.PathLike" = "muxspace", size: int = 48) -> "Faces":
    """`load_faces` and below it, in rows of their own, `load_new_faces`; named like the collection, reports joined.

    The collection's rows are what they are without new faces. New faces that are the same picture as one of them,
    or all but the same, are set aside and counted. Pixels are (n, size, size) uint8. Raises BadInput as both do.
    """
    from emoclass.data import new_faces

    return new_faces.join(dataset, size)


def report_table(faces: "Faces") -> "pd.DataFrame":
    """What cleaning found, step by step: columns `what`, `count` and `which`."""
    import pandas as pd

    return pd.DataFrame(faces.report, columns=["what", "count", "which"])


def legend_counts(name_or_path: "str | os.PathLike" = "muxspace") -> "pd.Series":
    """Rows of each emotion in the legend as it was published, before cleaning; without a legend, photos."""
    from emoclass.labels import EMOTIONS, canonical

    if name_or_path != "muxspace":
        return load_faces(name_or_path).counts.rename("rows")
    from emoclass.data import muxspace

    labels = muxspace.read_legend().label.map(canonical)
    return labels.value_counts().reindex(EMOTIONS, fill_value=0).rename("rows")
