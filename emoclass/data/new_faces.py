"""New faces beside a collection: half of them to learn from, half held back to be judged by."""

import os
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from emoclass.data import annotations, folder, layouts, load_faces, muxspace, synthetic
from emoclass.data.images import resize_to_square
from emoclass.data.near_duplicates import SIZE, kept_together
from emoclass.errors import InputError
from emoclass.faces import Faces
from emoclass.splits import assign_folds, group_ids

LEARN = ("new, to learn 1", "new, to learn 2", "new, to learn 3", "new, to learn 4")
HELD_BACK = "new, held back"
ANNOTATOR = "218"

# The emotions of the real new faces at a fifth of their number, clearly shown, all by different
# subjects.
CONFIG = synthetic.SyntheticConfig(
    counts=(14, 17, 8, 8, 15, 13, 13, 12),
    photos_per_subject=(1, 1),
    film=0.0,
    intensity=(0.8, 1.0),
)
SEED = 218  # not that of the drawn collection

# The later photo of a pair and the earlier one: one picture, cut, turned or toned too differently
# to be found. Found by moving the 12,500 most similar pairs into line (cv2.findTransformECC): their
# middles then correlate at .99 or more, as those of near-duplicates do; the next pairs, at .98 and
# less, show two pictures.
RECUT = {
    "facial-expressions-218048.jpg": "facial-expressions-218010.jpg",
    "facial-expressions-218037.jpg": "facial-expressions-218016.jpg",
    "facial-expressions-218267.jpg": "facial-expressions-218047.jpg",
    "facial-expressions-218294.jpg": "facial-expressions-218183.jpg",
    "facial-expressions-218254.jpg": "facial-expressions-218224.jpg",
    "facial-expressions-218334.jpg": "facial-expressions-218302.jpg",
    "facial-expressions-218386.jpg": "facial-expressions-218364.jpg",
    "facial-expressions-218448.jpg": "facial-expressions-218426.jpg",
}


class NoNewFaces(InputError):
    """A folder of one's own holds none."""


def load_new_faces(dataset: str | os.PathLike = "muxspace", size: int = 48, seed: int = 0) -> Faces:
    """The new faces that belong to a dataset, halved once.

    `source` is one of LEARN (a half in four parts), or HELD_BACK. For "muxspace" they are the 500
    photos that were offered and never merged, for "synthetic" 100 strong expressions by strangers,
    for your own folder its `new_faces/`. Subjects and near-duplicates stay in one half, no photo is
    called like one of the collection. Raises NoNewFaces if a folder has none, InputError if an
    emotion has one photo alone.
    """
    if size < 1:
        raise InputError(f"photos cannot be {size} pixels a side: ask for a size of at least 1")
    if dataset == "muxspace":
        faces = _photographed(size)
    elif dataset == "synthetic":
        faces = synthetic.draw(CONFIG, size, SEED)
        faces = _renamed(faces, "new-", "new-" + faces.table.subject)
    else:
        faces = _in_folder(Path(dataset).expanduser(), size)
    return _halved(faces, seed)


def with_new_faces(dataset: str | os.PathLike = "muxspace", size: int = 48) -> Faces:
    """`load_faces`, below it `load_new_faces`, if any, but for near-duplicates of the collection.

    Raises InputError as these do.
    """
    collection = load_faces(dataset, size)
    try:
        new = load_new_faces(dataset, size)
    except NoNewFaces:
        none = ("new faces: there are none", 0, "")
        return replace(collection, report=(*collection.report, none))
    if size == SIZE:
        both = collection + new
    else:  # what counts as alike was chosen at SIZE pixels
        both = load_faces(dataset, SIZE) + load_new_faces(dataset, SIZE)
    linked = kept_together(both.table, both.pixels)[0]
    found = linked.near_duplicate_id[len(collection) :]
    in_collection = found.isin(both.table.photo[: len(collection)]).to_numpy()
    # Whatever is kept together with a photo that is set aside goes with it.
    group = new.table.near_duplicate_id
    aside = group.isin(group[in_collection])
    joined = collection + new.select(~aside)
    report = (
        *joined.report,
        (
            "new faces: all but the same as a photo of the collection, set aside",
            int(aside.sum()),
            ", ".join(new.table.photo[aside]),
        ),
        ("photos to work with, new faces among them", len(joined), ""),
    )
    return replace(joined, report=report)


def _in_folder(home: Path, size: int) -> Faces:
    """What lies in `new_faces/` of a folder of one's own."""
    prefix = f"{layouts.NEW}/"
    if not (home / layouts.NEW).is_dir():
        how = "one folder for each emotion, or a legend.csv"
        advice = f"put them in a folder {prefix} inside it ({how})"
        raise NoNewFaces(f"{home} has no new faces: {advice}")
    faces = folder.load(home / layouts.NEW, size)
    faces = replace(faces, name=folder.printable_name(home))
    # A subject that is only its photo bears the photo's new name.
    photo = faces.table.photo
    named = faces.table.subject != photo
    return _renamed(faces, prefix, faces.table.subject.where(named, prefix + photo))


def _renamed(faces: Faces, prefix: str, subjects: pd.Series) -> Faces:
    """The same, these subjects in them, with a prefix: no photo is called like one elsewhere."""
    table = faces.table.assign(subject=subjects)
    for column in ("photo", "parent", "duplicate_id", "near_duplicate_id"):
        table[column] = prefix + table[column]
    return replace(faces, table=table)


def _photographed(size: int) -> Faces:
    """The 500 photos that annotator 218 offered and nobody merged, red and blue put right.

    Their names tell nobody apart, so each picture counts as of somebody else. That is not quite so:
    to the eye, some faces come back. What is kept together is each picture: the same file,
    near-duplicates, and those of `RECUT`.
    """
    rows = muxspace.read_annotations(muxspace.NEW_FACES)
    home = muxspace.find(part=muxspace.NEW_FACES)
    images = muxspace.below("images", muxspace.verify(home, muxspace.NEW_FACES))
    others = rows.photo[rows.annotator != ANNOTATOR]
    for photo in set(others):
        images.pop(photo, None)
    rows = rows[rows.annotator == ANNOTATOR].reset_index(drop=True)
    as_on_disk = rows.photo.str.replace(f"_{ANNOTATOR}", f"-{ANNOTATOR}")
    respelt = int((rows.photo != as_on_disk).sum())
    rows["photo"] = as_on_disk
    rows["subject"] = as_on_disk
    table, cleaned = annotations.clean(rows, images, str(home / "data" / "legend.csv"))

    swapped = [_decode(home / "images" / photo) for photo in table.photo]
    coloured = sum(_has_colour(picture) for picture in swapped)
    earlier = table.photo.map(RECUT)
    same = table.assign(duplicate_id=earlier.fillna(table.duplicate_id))
    linked, near_duplicates = kept_together(same, _grey(swapped, SIZE))
    table["near_duplicate_id"] = linked.near_duplicate_id
    table["subject"] = linked.near_duplicate_id
    recut = earlier.dropna() + " = " + table.photo[earlier.notna()]
    in_file, *steps, photos, _ = cleaned
    report = (
        ("rows of other annotators, set aside with their photos", len(others), ", ".join(others)),
        in_file,
        ("names that the annotation file writes otherwise than the disk, matched", respelt, ""),
        *steps,
        near_duplicates,
        (
            "pairs cut too differently for that, found by eye, kept together",
            len(recut),
            ", ".join(recut),
        ),
        (
            "photos with red and blue exchanged, put right; the rest are grey",
            coloured,
            "",
        ),
        photos,
        (
            "photos whose names do not tell subjects apart: each picture counts as of somebody else",
            len(table),
            "",
        ),
    )
    return Faces(_grey(swapped, size), table, "muxspace", report)


def _decode(path: Path) -> np.ndarray:
    """(height, width, 3) uint8 as the file has it; it is whole, for the collection is verified."""
    return cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)


def _has_colour(picture: np.ndarray) -> bool:
    return bool((picture[..., 0] != picture[..., 2]).any())


def _grey(swapped: list[np.ndarray], size: int) -> np.ndarray:
    """(n, size, size) uint8 of pictures that OpenCV decoded with red and blue exchanged."""
    pixels = np.empty((len(swapped), size, size), np.uint8)
    for row, picture in enumerate(swapped):
        pixels[row] = resize_to_square(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), size)
    return pixels


def _halved(faces: Faces, seed: int) -> Faces:
    """Column `source` says which half a photo is in; one picture or subject is in one half."""
    try:
        half = assign_folds(faces.table, "subject", n_folds=2, seed=seed)
    except InputError as error:
        what = f"the new faces of {faces.name} cannot be halved"
        raise InputError(f"{what}: {error}") from error
    report = [(f"new faces: {what}", count, which) for what, count, which in faces.report]
    for what, number in (("held back", 1), ("to learn", 0)):
        counts = faces.select(half == number).counts
        each = ", ".join(f"{emotion} {count}" for emotion, count in counts.items())
        report.append((f"new faces: {what}", int(counts.sum()), each))
    source = _quarters(faces.table, half == 0, seed)
    table = faces.table.assign(source=source)
    return replace(faces, table=table, name=f"{faces.name}-new-faces", report=tuple(report))


def _quarters(table: pd.DataFrame, to_learn: np.ndarray, seed: int) -> pd.Series:
    """(n,) one of LEARN where `to_learn` (n,) bool, each subject in one of them; else HELD_BACK."""
    group = pd.Series(group_ids(table, "subject"))[to_learn]
    emotion = table.emotion[to_learn].groupby(group).first()
    # In any order, then emotion by emotion in turn.
    emotion = emotion.sample(frac=1, random_state=seed)
    quarter = emotion.groupby(emotion).cumcount() % len(LEARN)
    if quarter.nunique() < len(LEARN):  # too few of each emotion: in turn, whatever the emotion
        in_turn = np.arange(len(emotion)) % len(LEARN)
        quarter = pd.Series(in_turn, emotion.index)
    source = group.map(quarter).map(dict(enumerate(LEARN)))
    return source.reindex(table.index, fill_value=HELD_BACK)
