"""What lies in a folder of photos: an annotation file, class folders, parts of a split, a csv of pixels."""

import os
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from emoclass.data import annotations, images
from emoclass.data.annotations import PART_OF, climbs
from emoclass.data.images import (
    EVERY,
    SUFFIXES,
    blob_ids,
    load_images,
    names_below,
    printable,
    resize_to_square,
)
from emoclass.data.subjects import named
from emoclass.errors import InputError, listed
from emoclass.labels import ALIASES, EMOTIONS, canonical

NEW = "new_faces"  # the folder inside a folder of photos that `load_new_faces` reads
LEGEND, NUMBERS, RAF_LIST = (
    "legend.csv",
    "labels.csv",
    "list_patition_label.txt",
)  # spelt so by RAF-DB
CODES = {word for words in ALIASES.values() for word in words.split() if len(word) < 4} - {
    "sad",
    "mad",
    "joy",
}
RAF_NAME = re.compile(r"(?:train|test)_\d{5}(?:_aligned)?\.\w+")
RAF_DB = dict(
    zip("1234567", ("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral"))
)


@dataclass(frozen=True)
class Layout:
    """Photos on disk, and what is said of them there, before any of it is judged."""

    ids: dict[str, str | None]  # content id of every photo by name
    rows: (
        pd.DataFrame
    )  # as `annotations.read` gives them, from an annotation file or from folder names
    where: str  # what errors call their source
    notes: tuple[tuple[str, int, str], ...]  # lines for the report: what was set aside
    decode: Callable[[list[str], int], np.ndarray]  # (names, size) -> (n, size, size) uint8


def look(path: os.PathLike | str) -> Layout:
    """What there is at a path. InputError if there is no folder, no photo, or nothing that says what they show."""
    home = Path(path).expanduser()
    if not home.is_dir() and home.suffix.lower() != ".csv":
        raise InputError(f"there is no folder {home}: name the folder that holds your photos")
    file, home = (
        (home, home.parent) if home.suffix.lower() == ".csv" else (_annotation_file(home), home)
    )
    rows = annotations.read(file) if file else None
    raf = sorted(
        [*home.glob(RAF_LIST), *home.glob(f"*/{RAF_LIST}")]
    )  # published in a folder EmoLabel/
    used = {home / NUMBERS, file or next(iter(raf), None)}
    photos, root, notes = _pictures(home, used)
    if rows is not None and "pixels" in rows:
        return _of_pixels(rows, printable(file), list(map(printable, photos)), notes)
    if not photos:
        raise InputError(f"no photos in {printable(root)}: put some there ({', '.join(SUFFIXES)})")
    on_disk = {printable(photo): f"{root}/{photo}" for photo in photos}
    photos = list(on_disk)
    if rows is not None:
        by_file_name = defaultdict(list)
        for photo in photos:
            by_file_name[_alike(photo.split("/")[-1])].append(photo)
        written, rows = (
            rows.photo,
            rows.assign(photo=[_on_disk(name, by_file_name) for name in rows.photo]),
        )
        otherwise = int((rows.photo != written).sum())
        notes += (
            ("names that the annotation file writes otherwise than the disk", otherwise, ""),
        ) * bool(otherwise)
    elif raf:
        file, rows = raf[0], _of_raf_list(raf[0], photos)
    else:
        rows, photos, aside = _of_folders(photos, root)
        notes += aside
    numbers = _numbers(home, rows)
    if (home / NUMBERS).is_file() and home / NUMBERS != file and not rows.label.isin(numbers).any():
        notes += (("files of numbers that are no label here, set aside", 1, NUMBERS),)
    rows["label"] = [numbers.get(label, label) for label in rows.label]
    if "split" not in rows:
        rows["split"] = [part_of(photo) for photo in rows.photo]
    ids = dict(zip(photos, blob_ids([on_disk[photo] for photo in photos])))

    def decode(names, size):
        return load_images([on_disk[name] for name in names], size, [ids[name] for name in names])

    return Layout(ids, rows, printable(file or root), notes, decode)


def _pictures(home: Path, used: set[Path | None]) -> tuple[list[str], Path, tuple]:
    """Every picture below a folder but in `new_faces/`; the folder that names start from; what was set aside.

    used   files that are read for what they say
    """
    everything = names_below(home)
    names = [name for name in everything if not name.startswith(f"{NEW}/")]
    later = [
        name
        for name in everything
        if name.startswith(f"{NEW}/") and name.lower().endswith(SUFFIXES)
    ]
    photos = [name for name in names if name.lower().endswith(SUFFIXES)]
    unread = [name for name in names if name.lower().endswith(images.OTHER_PICTURES)]
    read = (*SUFFIXES, *images.OTHER_PICTURES)
    others = [name for name in names if not name.lower().endswith(read) and home / name not in used]
    below = [at for each in home.rglob("*") if NEW not in (at := each.relative_to(home)).parts]
    unseen = [each for each in below if any(map(images.hidden, each.parts))]
    junk = [each for each in unseen if not (home / each).is_dir()]
    filled = {at for name in photos for at in Path(name).parents}.union(unseen)
    empty = [
        each
        for each in below
        if each not in filled and _emotion(each.name) and (home / each).is_dir()
    ]
    notes = (
        (
            "pictures of a kind that is not read, set aside",
            len(unread),
            ", ".join(map(printable, unread)),
        ),
        ("files that are no pictures, set aside", len(others), ", ".join(map(printable, others))),
        (f"photos in {NEW}/, no part of the collection", len(later), ""),
        ("hidden files and what systems leave behind, set aside", len(junk), ""),
        (
            "empty class folders",
            len(empty),
            ", ".join(printable(each.as_posix()) for each in empty),
        ),
    )
    inside = bool(photos) and all(name.startswith("images/") for name in photos)
    photos = [name.removeprefix("images/") for name in photos] if inside else photos
    return photos, home / "images" if inside else home, tuple(note for note in notes if note[1])


def part_of(photo: str) -> str:
    """The part of a split that the first folder to be named after one says (`train`, `FER2013Test`), or "".

    Below the class only `train` and `test` are parts: `Val` and `Dev` may be somebody there.
    """
    known = PART_OF
    for folder in photo.split("/")[:-1]:
        known = {"train": "train", "test": "test"} if _emotion(folder) else known
        word = re.sub(r"^fer2013|[\W_]*(?:set|data|images)$", "", folder.lower())
        if word in known:
            return known[word]
    return ""


def emotion_folder(photo: str) -> PurePosixPath:
    """The innermost folder above a photo that is named after an emotion, else a numbered one; or an empty path."""
    above = PurePosixPath(photo).parents
    numbered = (folder for folder in above if folder.name.isdigit())
    return next(
        (folder for folder in above if _emotion(folder.name)), next(numbered, PurePosixPath())
    )


def _emotion(folder: str) -> str | None:
    """The emotion that a folder is named after; a code has to be all of it: KDEF's `AF01` is a subject."""
    emotion = canonical(folder)
    letters = re.sub(r"[\W\d_]", "", folder).lower()
    return None if emotion and folder.lower() != letters and letters in CODES else emotion


def _torn(folder: PurePosixPath) -> bool:
    """Whether photos in there would be of two emotions, or of two numbers."""
    emotions = {_emotion(part) for part in folder.parts} - {None}
    return len(emotions) > 1 or (not emotions and sum(map(str.isdigit, folder.parts)) > 1)


def _annotation_file(home: Path) -> Path | None:
    """A `legend.csv`; else a csv of labelled pixels; else, if no folder tells emotions, one that names photos."""
    if legends := [
        at / LEGEND for at in (home, home / "data", home / "images") if (at / LEGEND).is_file()
    ]:
        return legends[0]
    files = sorted(file for file in home.iterdir() if file.suffix.lower() == ".csv")
    labelled = [file for file in files if {"pixels", "emotion"} <= _head(file)]
    folders = (each.name for each in home.rglob("*") if each.is_dir())
    if not labelled and any(_emotion(name) or name.isdigit() for name in folders):
        return None
    found = labelled or [file for file in files if annotations.names_photos(file)]
    if len(found) > 1:
        what = f"say what photos show: make one {LEGEND} of them, with a column split"
        what = f"hold labelled pixels: name one of them, {found[0]} say" if labelled else what
        raise InputError(f"{home}: {listed(file.name for file in found)} each {what}")
    return found[0] if found else None


def _head(file: Path) -> set[str]:
    with open(file, encoding="utf-8", errors="replace") as text:
        return set(re.split(r'[\s",;]+', text.readline().lower()))


def _on_disk(name: str, photos: dict[str, list[str]]) -> str:
    """The photo that an annotation file means: so called, or the one of that file name whose folders agree with it."""
    if name in photos.get(_alike(name.split("/")[-1]), ()) or climbs(name) or not name:
        return name
    tidy = PurePosixPath(name.replace("\\", "/")).as_posix()
    candidates, wanted = photos.get(_alike(tidy.split("/")[-1]), ()), f"/{_alike(tidy)}"
    meant = [
        one
        for one in candidates
        if f"/{_alike(one)}".endswith(wanted) or wanted.endswith(f"/{_alike(one)}")
    ]
    return meant[0] if len(meant) == 1 else tidy


def _alike(name: str) -> str:
    """The same for names that look the same: a Mac writes umlauts in two signs, Windows does not mind capitals."""
    return unicodedata.normalize("NFC", name).casefold()


def _of_pixels(rows: pd.DataFrame, where: str, beside: list[str], notes: tuple) -> Layout:
    """A csv of pixels, as FER2013 is published: grey values from 0 to 255, row by row, of square pictures."""
    if rows.empty:
        raise InputError(f"{where} names its columns and nothing else: it needs rows of pixels")
    flat = [_grey_levels(text) for text in rows.pixels]
    side = int(np.sqrt(Counter(map(len, flat)).most_common(1)[0][0]))
    if faults := [
        f"row {line}" for line, values in zip(rows.line, flat) if len(values) != max(side, 1) ** 2
    ]:
        what = f"pixels are not {side} x {side} numbers from 0 to 255"
        raise InputError(f"{where}: {what} in {listed(faults, EVERY)}")
    pixels = {photo: values.reshape(side, side) for photo, values in zip(rows.photo, flat)}

    def decode(names, size):
        return np.stack([resize_to_square(pixels[name], size) for name in names])

    notes += (
        ("photos beside the csv of pixels, set aside", len(beside), ", ".join(beside)),
    ) * bool(beside)
    ids, rows = (
        dict(zip(rows.photo, rows.pixels)),
        rows.drop(columns="pixels").assign(split=rows.get("split", "")),
    )
    return Layout(ids, rows, where, notes, decode)


def _grey_levels(text: str) -> np.ndarray:
    """(k,) uint8 of numbers with blanks between them; none if one is no grey level."""
    try:
        return np.array(text.split(), np.uint8)
    except (ValueError, OverflowError):
        return np.zeros(0, np.uint8)


def _of_raf_list(file: Path, photos: list[str]) -> pd.DataFrame:
    """RAF-DB's list: lines such as `train_00001.jpg 5`, for photos that may be called `train_00001_aligned.jpg`."""
    text = file.read_text(encoding="utf-8-sig", errors="replace")
    lines = [[*line.split(maxsplit=1), ""][:2] for line in text.splitlines() if line.strip()]
    aligned_last = sorted(
        photos, key=lambda photo: "_aligned." in photo
    )  # they are preferred to the originals
    named = {
        re.sub(r"_aligned(?=\.\w+$)", "", photo.split("/")[-1]): photo for photo in aligned_last
    }
    rows = pd.DataFrame(lines, columns=["photo", "label"], dtype=object)
    parts = rows.photo.str.partition("_")[0]
    return rows.assign(
        line=rows.index + 1, split=parts, photo=[named.get(photo, photo) for photo in rows.photo]
    )


def _numbers(home: Path, rows: pd.DataFrame) -> dict[str, str]:
    """What numbered labels mean: as `labels.csv` says (number, emotion), or RAF-DB if the photos are called so."""
    if (file := home / NUMBERS).is_file():
        pairs = [
            line.replace(";", ",").split(",")
            for line in file.read_text(encoding="utf-8-sig").splitlines()
        ]
        return {pair[0].strip(): pair[1].strip() for pair in pairs if len(pair) == 2}
    if len(rows) and all(RAF_NAME.fullmatch(photo.split("/")[-1].lower()) for photo in rows.photo):
        return RAF_DB
    if numbers := sorted({label for label in rows.label if label.isdigit()}):
        advice = f"put a file {NUMBERS} into {home}, with lines such as 3,happiness"
        raise InputError(f"nothing says which emotions the numbers {listed(numbers)} are: {advice}")
    return {}


def _of_folders(photos: list[str], root: Path) -> tuple[pd.DataFrame, list[str], tuple]:
    """Rows made from folder names; the photos, but for those outside the split that others are in; what to report."""
    at, above = (
        [PurePosixPath(photo).parent for photo in photos],
        [emotion_folder(photo) for photo in photos],
    )
    if torn := [folder for folder in dict.fromkeys(at) if _torn(folder)]:
        raise InputError(
            f"{root}: which folder is the emotion in {listed(torn, EVERY)}? Rename the others"
        )
    parts = [part_of(photo) for photo in photos]
    if (
        any(parts) and "train" not in parts
    ):  # a folder `test/` beside the classes: they are what is trained on
        parts = [part or "train" for part in parts]
    labels, classes = [folder.name for folder in above], set(above) - {PurePosixPath()}
    beside = {folder.parent for folder in classes}
    said = [named(photo)[1].get("emotion", "") for photo in photos]
    unsaid = [photo for photo, label in zip(photos, said) if not canonical(label)]
    by_name = not classes and 10 * len(unsaid) < len(photos)
    if by_name:  # JAFFE, KDEF: the names say it; two of KDEF's have lost it
        labels, classes = [label if canonical(label) else "" for label in said], set(at)
    lost = Counter(folder for folder, label in zip(at, labels) if not label)
    strange = [
        folder for folder in lost if (folder.name and folder.parent in beside) or not classes
    ]
    if strange:
        odd = [f"{str(folder)!r} ({lost[folder]:,} photos)" for folder in strange if folder.name]
        what = f", and these folders are no emotions: {listed(odd, EVERY)}: rename them or take them away; or"
        how = f"with the columns photo and emotion, or sort the photos into folders named {', '.join(EMOTIONS)}"
        raise InputError(
            f"{root} holds no {LEGEND}{what if odd else ' and no folders:'} add an annotation file {how}"
        )
    rows = pd.DataFrame({"line": 0, "photo": photos, "label": labels, "split": parts}, dtype=object)
    labelled = rows.label != ""
    outside = labelled & (rows.split == "") & any(parts)
    within = labelled & ~outside & ~pd.Series(at).isin(classes)
    notes = (
        ("photos whose names say no emotion, set aside", len(unsaid) * by_name, ", ".join(unsaid)),
        (
            "photos outside the parts of the split, set aside",
            int(outside.sum()),
            ", ".join(rows.photo[outside]),
        ),
        (
            "photos deeper in a class folder, taken as of that class",
            int(within.sum()),
            ", ".join(rows.photo[within]),
        ),
    )
    kept = rows[labelled & ~outside].reset_index(drop=True)
    usable = ~outside & (labelled | (not by_name))
    return kept, list(rows.photo[usable]), tuple(note for note in notes if note[1])
