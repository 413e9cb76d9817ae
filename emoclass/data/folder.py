"""Your own photos: a folder with a legend.csv, or with one folder for each emotion."""

import os
from pathlib import Path, PurePosixPath

import pandas as pd

from emoclass.data import annotations
from emoclass.data.images import EVERY, SUFFIXES, blob_ids, load_images, names_below
from emoclass.data.near_duplicates import SIZE, kept_together
from emoclass.errors import InputError, listed
from emoclass.faces import Faces
from emoclass.labels import EMOTIONS, canonical

NEW = "new_faces"  # the folder inside a folder of photos that `load_new_faces` reads


def load(path: os.PathLike | str, size: int = 48) -> Faces:
    """The photos under a folder as Faces named like it, sorted by photo: pixels (n, size, size) uint8.

    Either a `legend.csv` with columns photo and emotion (and subject, source, annotator if known) lies in the folder,
    in its `data/` or `images/`; or each photo lies, at any depth, in a folder named after its emotion. `new_faces/` is
    left to `load_new_faces`. Without a subject column subjects are read off file names (`annotations.subject_of`);
    where these tell nothing (`IMG_0001.jpg`), each photo counts as of somebody else, and the report says so. Raises
    InputError if there is no folder or photo, no annotation, or naming every row or photo that cannot be used.
    """
    home = Path(path).expanduser()
    if not home.is_dir():
        raise InputError(f"there is no folder {home}: name the folder that holds your photos")
    root = home / "images" if (home / "images").is_dir() else home
    photos = [name for name in names_below(root) if name.lower().endswith(SUFFIXES)]
    photos = [name for name in photos if root != home or not name.startswith(f"{NEW}/")]
    if not photos:
        raise InputError(f"no photos in {root}: put some there ({', '.join(SUFFIXES)})")
    found = next((at for at in (home, home / "data", root) if (at / "legend.csv").is_file()), None)
    if found is not None:
        where = str(found / "legend.csv")
        rows = annotations.read(found / "legend.csv")
        known = set(photos)
        rows["photo"] = [name if name in known else _tidy(name) for name in rows.photo]
    else:
        where = str(root)
        rows = _rows_of_folders(photos, root)
    ids = dict(zip(photos, blob_ids([f"{root}/{photo}" for photo in photos])))
    table, report = annotations.clean(rows, ids, where)
    if "subject" not in rows and _tells_nothing(table):
        table["subject"] = table.photo
        what = "photos whose names do not tell subjects apart: each counts as of somebody else"
        report = (*report[:-1], (what, len(table), ""), ("subjects", len(table), ""))
    paths, ids = [f"{root}/{photo}" for photo in table.photo], table.photo.map(ids)
    table, found = kept_together(table, load_images(paths, SIZE, ids))
    name = home.resolve().name or "faces"
    # Figures and results are filed under the name: a folder must not take that of the two built-in collections.
    name = f"{name}-folder" if name in ("muxspace", "synthetic") else name
    return Faces(load_images(paths, size, ids), table, name, (*report[:-2], found, *report[-2:]))


def _tells_nothing(table: pd.DataFrame) -> bool:
    """Whether the subjects read off file names are but one, or mean no more than the emotions do."""
    subjects = table.subject.nunique()
    one_each = (table.groupby("subject").emotion.nunique() == 1).all() and subjects <= table.emotion.nunique()
    return len(table) > subjects and (subjects == 1 or one_each)


def _tidy(name: str) -> str:
    """A photo's name as annotation files may also write it: with backslashes, a leading `./` or `images/`."""
    return PurePosixPath(name.replace("\\", "/")).as_posix().removeprefix("images/") if name else name


def _rows_of_folders(photos: list[str], root: Path) -> pd.DataFrame:
    """An annotation file made from folder names: each photo's label is the folder that it lies in."""
    folders = [photo.split("/")[-2] if "/" in photo else "" for photo in photos]
    strange = sorted({name for name in folders if name and canonical(name) is None})
    if not any(folders) or strange:
        what = f"the folders {listed(map(repr, strange), EVERY)} are no emotions" if strange else "no folders"
        raise InputError(
            f"{root} holds no legend.csv, and {what}: add an annotation file with the columns photo and emotion, "
            f"or sort the photos into folders named {', '.join(EMOTIONS)}"
        )
    rows = pd.DataFrame({"line": 0, "photo": photos, "label": folders}, dtype=object)
    return rows[rows.label != ""].reset_index(drop=True)
