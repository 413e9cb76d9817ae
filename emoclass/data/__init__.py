"""Where faces come from. One door: `load_faces`."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # `import emoclass` stays light: OpenCV and pandas come with the first faces
    import pandas as pd

    from emoclass.faces import Faces


def canonical_name(dataset: str | os.PathLike) -> str | os.PathLike:
    """The data set's name as it is today: the synthetic faces were once called "cartoon"."""
    return "synthetic" if dataset == "cartoon" else dataset


def load_faces(name_or_path: str | os.PathLike = "muxspace", size: int = 48) -> "Faces":
    """Faces by name: "muxspace" (the pinned collection), "synthetic", or a folder of your photos.

    Pixels are (n, size, size) uint8. Raises InputError that names every photo that is missing or
    cannot be used.
    """
    from emoclass.data import folder, muxspace, synthetic

    name_or_path = canonical_name(name_or_path)
    if name_or_path == "muxspace":
        return muxspace.load(size)
    if name_or_path == "synthetic":
        return synthetic.draw(size=size)
    return folder.load(name_or_path, size)


def report_table(faces: "Faces") -> "pd.DataFrame":
    """What cleaning found, step by step: columns `what`, `count` and `which`."""
    import pandas as pd

    return pd.DataFrame(faces.report, columns=["what", "count", "which"])


def annotation_counts(name_or_path: str | os.PathLike = "muxspace") -> "pd.Series":
    """Rows of each emotion in the annotation file, before cleaning; without such a file, photos."""
    from emoclass.data import muxspace
    from emoclass.labels import EMOTIONS, canonical

    if name_or_path != "muxspace":
        return load_faces(name_or_path).counts.rename("rows")
    labels = muxspace.read_annotations().label.map(canonical)
    return labels.value_counts().reindex(EMOTIONS, fill_value=0).rename("rows")
