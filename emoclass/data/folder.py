"""Your own photos: a folder with a legend.csv, or one folder for each emotion (docs/photos.md)."""

import os
from pathlib import Path

from emoclass.data import annotations, layouts, near_duplicates, subjects
from emoclass.data.images import printable
from emoclass.faces import Faces

BUILT_IN = ("muxspace", "synthetic")


def load(path: os.PathLike | str, size: int = 48) -> Faces:
    """The photos at a path as Faces named like it, sorted by photo: pixels (n, size, size) uint8.

    Either an annotation file says what they show (`legend.csv` with columns photo and emotion; or a
    csv of pixels), or the folders that they lie in. `new_faces/` is left to `load_new_faces`.
    Without a column for it subjects are read off names (`subjects.read_off`), which the report's
    last line tells. Raises InputError as `layouts.look` and `annotations.clean` do, naming every
    row or photo that cannot be used.
    """
    found = layouts.look(path)
    table, cleaned = annotations.clean(found.rows, found.ids, found.where)
    small = found.decode(table.photo, near_duplicates.SIZE)
    how = "subjects as the annotation file has them"
    if "subject" not in found.rows:
        pairs = near_duplicates.remembered(small)
        table["subject"], how = subjects.read_off(table.photo, table.emotion, pairs)
    table, alike = near_duplicates.kept_together(table, small)
    *steps, photos, _ = cleaned
    report = (
        *found.notes,
        *steps,
        alike,
        photos,
        ("subjects", table.subject.nunique(), how),
    )
    return Faces(found.decode(table.photo, size), table, collection_name(path), report)


def collection_name(path: os.PathLike | str) -> str:
    """What a collection is called after its folder or file.

    Figures and results are filed under the name: a folder must not take that of the two built-in
    collections.
    """
    name = printable_name(path)
    return f"{name}-folder" if name in BUILT_IN else name


def printable_name(path: os.PathLike | str) -> str:
    """A folder's name, or a file's without its suffix."""
    home = Path(path).expanduser().resolve()
    name = home.stem if home.is_file() else home.name
    return printable(name) or "faces"
