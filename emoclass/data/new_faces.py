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

LEARN = tuple(f"new, to learn {quarter}" for quarter in (1, 2, 3, 4))
HELD_BACK = "new, held back"
ANNOTATOR = "218"

# The emotions of the real new faces at a fifth of their number, clearly shown, each by somebody else.
CONFIG = synthetic.SyntheticConfig((14, 17, 8, 8, 15, 13, 13, 12), (1, 1), film=0.0, intensity=(0.8, 1.0))
SEED = 218  # not that of the drawn collection

# The later photo of a pair and the earlier one: one picture, cut, turned or toned too differently to be found.
# Found by moving the 12,500 most similar pairs into line (cv2.findTransformECC): their middles then correlate at .99
# or more, as those of near-duplicates do; the next pairs, at .98 and less, show two pictures.
RECUT = {
    f"facial-expressions-218{later:03}.jpg": f"facial-expressions-218{earlier:03}.jpg"
    for earlier, later in ((10, 48), (16, 37), (47, 267), (183, 294), (224, 254), (302, 334), (364, 386), (426, 448))
}


class NoNewFaces(InputError):
    """A folder of one's own holds none."""


def load_new_faces(dataset: str | os.PathLike = "muxspace", size: int = 48, seed: int = 0) -> Faces:
    """The new faces that belong to a dataset, halved once: `source` is one of LEARN (in four parts), or HELD_BACK.

    For "muxspace" the 500 photos that were offered and never merged, for "synthetic" 100 strong expressions by
    strangers, for your own folder its `new_faces/`. Subjects and near-duplicates stay in one half, no photo is called
    like one of the collection. Raises NoNewFaces if a folder has none, InputError if an emotion has one photo alone.
    """
    if size < 1:
        raise InputError(f"photos cannot be {size} pixels a side: ask for a size of at least 1")
    if dataset == "muxspace":
        return _halved(_photographed(size), seed)
    if dataset == "synthetic":
        faces, prefix = synthetic.draw(CONFIG, size, SEED), "new-"
        subject = prefix + faces.table.subject
    else:
        home, prefix = Path(dataset).expanduser(), f"{layouts.NEW}/"
        if not (home / layouts.NEW).is_dir():
            advice = f"put them in a folder {prefix} inside it (one folder for each emotion, or a legend.csv)"
            raise NoNewFaces(f"{home} has no new faces: {advice}")
        faces = replace(folder.load(home / layouts.NEW, size), name=home.resolve().name)
        subject = faces.table.subject.where(faces.table.subject != faces.table.photo, prefix + faces.table.photo)
    # No photo is called like one of the collection, nor is a subject that is only its photo.
    names = {key: prefix + faces.table[key] for key in ("photo", "parent", "duplicate_id", "near_duplicate_id")}
    return _halved(replace(faces, table=faces.table.assign(**names, subject=subject)), seed)


def with_new_faces(dataset: str | os.PathLike = "muxspace", size: int = 48) -> Faces:
    """`load_faces`, below it `load_new_faces`, if any, but for near-duplicates of the collection; errors as there."""
    collection = load_faces(dataset, size)
    try:
        new = load_new_faces(dataset, size)
    except NoNewFaces:
        return replace(collection, report=(*collection.report, ("new faces: there are none", 0, "")))
    # What counts as alike was chosen at SIZE pixels.
    old, fresh = (collection, new) if size == SIZE else (load_faces(dataset, SIZE), load_new_faces(dataset, SIZE))
    both = old + fresh
    named = kept_together(both.table, both.pixels)[0].near_duplicate_id[len(old) :]
    group = new.table.near_duplicate_id
    seen = group.isin(group[named.isin(old.table.photo).to_numpy()])
    joined, aside = collection + new.select(~seen), new.table.photo[seen]
    set_aside = ("new faces: all but the same as a photo of the collection, set aside", len(aside), ", ".join(aside))
    left = ("photos to work with, new faces among them", len(joined), "")
    return replace(joined, report=(*joined.report, set_aside, left))


def _photographed(size: int) -> Faces:
    """The 500 photos that annotator 218 offered and nobody merged, red and blue put back in their places.

    Their names tell nobody apart, so each picture counts as of somebody else. That is not quite so: to the eye, some
    faces come back. What is kept together is each picture: the same file, near-duplicates, and those of `RECUT`.
    """
    rows = muxspace.read_annotations(muxspace.NEW_FACES)
    found = muxspace.find(part=muxspace.NEW_FACES)
    images = muxspace.below("images", muxspace.verify(found, muxspace.NEW_FACES))
    others = rows.photo[rows.annotator != ANNOTATOR]
    rows = rows[rows.annotator == ANNOTATOR].reset_index(drop=True)
    as_on_disk = rows.photo.str.replace(f"_{ANNOTATOR}", f"-{ANNOTATOR}")
    respelt = int((rows.photo != as_on_disk).sum())
    rows["photo"] = rows["subject"] = as_on_disk
    images = {photo: each for photo, each in images.items() if photo not in set(others)}
    table, cleaned = annotations.clean(rows, images, str(found / "data" / "legend.csv"))

    swapped = [_decode(found / "images" / photo) for photo in table.photo]
    same = table.photo.map(RECUT).fillna(table.duplicate_id)
    linked, pairs = kept_together(table.assign(duplicate_id=same), _grey(swapped, SIZE))
    table["near_duplicate_id"] = table["subject"] = linked.near_duplicate_id
    recut = [f"{RECUT[photo]} = {photo}" for photo in table.photo if photo in RECUT]
    report = (
        ("rows of other annotators, set aside with their photos", len(others), ", ".join(others)),
        *cleaned[:1],
        ("names that the annotation file writes otherwise than the disk, matched", respelt, ""),
        *cleaned[1:-2],
        pairs,
        ("pairs cut too differently for that, found by eye, kept together", len(recut), ", ".join(recut)),
        ("photos with red and blue exchanged, put right; the rest are grey", sum(map(_has_colour, swapped)), ""),
        *cleaned[-2:-1],
        ("photos whose names do not tell subjects apart: each picture counts as of somebody else", len(table), ""),
    )
    return Faces(_grey(swapped, size), table, "muxspace", report)


def _decode(path: Path) -> np.ndarray:
    """(height, width, 3) uint8 as the file has it; it is whole, for the collection is verified."""
    return cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)


def _has_colour(picture: np.ndarray) -> bool:
    return bool((picture[..., 0] != picture[..., 2]).any())


def _grey(swapped: list[np.ndarray], size: int) -> np.ndarray:
    """(n, size, size) uint8 of pictures as OpenCV decodes files whose red and blue are exchanged."""
    return np.stack([resize_to_square(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), size) for picture in swapped])


def _halved(faces: Faces, seed: int) -> Faces:
    """Column `source` says which half a photo is in; whatever shows one picture or subject is in one half."""
    try:
        half = assign_folds(faces.table, "subject", n_folds=2, seed=seed)
    except InputError as error:
        raise InputError(f"the new faces of {faces.name} cannot be halved: {error}") from error
    halves = [("held back", faces.select(half == 1).counts), ("to learn", faces.select(half == 0).counts)]
    counted = [(what, int(n.sum()), ", ".join(f"{emotion} {k}" for emotion, k in n.items())) for what, n in halves]
    report = tuple((f"new faces: {what}", *found) for what, *found in (*faces.report, *counted))
    group = pd.Series(group_ids(faces.table, "subject"))[half == 0]
    learnt = faces.table.emotion[half == 0].groupby(group).first()
    learnt = learnt.sample(frac=1, random_state=seed)  # in any order, then emotion by emotion in turn
    quarter = learnt.groupby(learnt).cumcount() % len(LEARN)
    if quarter.nunique() < len(LEARN):  # too few of each emotion: one after the other, whatever the emotion
        quarter = pd.Series(np.arange(len(learnt)) % len(LEARN), learnt.index)
    source = group.map(quarter).map(LEARN.__getitem__).reindex(faces.table.index, fill_value=HELD_BACK)
    return replace(faces, table=faces.table.assign(source=source), name=f"{faces.name}-new-faces", report=report)
