"""Read what people have: folders, annotation files, tables of pixels; any labels."""

import filecmp
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from splitaudit import labelling, tables
from splitaudit.annotations import Annotations, read_annotations
from splitaudit.collection import CleaningReport, Collection
from splitaudit.errors import InputError, listed
from splitaudit.files import (
    ARRAY_SUFFIXES,
    PICTURE_SUFFIXES,
    TABLE_SUFFIXES,
    UNREAD_SUFFIXES,
    has_suffix,
    having,
    is_hidden,
    names_below,
    printable,
    printables,
    relative_name,
)
from splitaudit.folders import Normalise, complete, nested_copies, parts_of
from splitaudit.groups import groups_of
from splitaudit.sources import FileSource
from splitaudit.words import TRAIN

LEGEND = "legend.csv"
LEGEND_FOLDERS = ("", "data/", "images/")
SET_ASIDE = "pictures outside the parts of the split, set aside"


def read(path: os.PathLike | str, normalise_label: Normalise | None = None) -> Collection:
    """What pictures there are at a path, and what is said of them there.

    Args:
        path: A folder of pictures; an annotation file that names some (.csv, .tsv, .txt, .jsonl);
            a csv of pixels; .npy, .npz or .parquet.
        normalise_label: Gives the class that a text means, or None if it means none; without it
            every label is as it is written.

    Returns:
        The collection; pictures are decoded by its `load`.

    Raises:
        InputError: There is nothing at the path, or no picture; the sentence names what is there.

    Example:
        >>> collection = read("flowers/")
        >>> print(collection.report)
    """
    home = Path(path).expanduser()
    report = CleaningReport(printable(str(home)))
    if home.is_dir():
        collection = _read_folder(home, report, normalise_label)
    elif home.is_file():
        collection = _read_file(home, report, normalise_label)
    else:
        raise InputError(f"there is no folder {home}: name the one that holds your pictures")
    return _finished(collection, normalise_label)


def _read_file(home: Path, report: CleaningReport, normalise: Normalise | None) -> Collection:
    name = home.name
    if has_suffix(name, ARRAY_SUFFIXES):
        return tables.read_arrays([home], home, report)
    if name.lower().endswith(".parquet"):
        return tables.read_parquet([home], home, report)
    if not has_suffix(name, TABLE_SUFFIXES):
        kinds = listed((*TABLE_SUFFIXES, *ARRAY_SUFFIXES, ".parquet"))
        raise InputError(f"{home} is one file: name its folder, or a table of pictures ({kinds})")
    found = read_annotations(home)
    if "pixels" in found.rows:
        _note_lines(found, report)
        return tables.pixel_collection([found], home, report)
    return _of_pictures(home.parent, names_below(home.parent), found, report, normalise)


def _read_folder(home: Path, report: CleaningReport, normalise: Normalise | None) -> Collection:
    names = names_below(home)
    legend = None
    for folder in LEGEND_FOLDERS:
        if folder + LEGEND in names:
            legend = read_annotations(home / (folder + LEGEND))
            break
    if legend is not None and "pixels" in legend.rows:
        _note_lines(legend, report)
        pictures = having(names, PICTURE_SUFFIXES)
        report.note("pictures beside the csv of pixels, set aside", pictures)
        return tables.pixel_collection([legend], legend.path, report)
    if not having(names, PICTURE_SUFFIXES):
        return _of_holders(home, names, report)
    return _of_pictures(home, names, legend, report, normalise)


def _of_holders(home: Path, names: list[str], report: CleaningReport) -> Collection:
    """A folder without picture files: tables or arrays that hold pictures, or an error."""
    csvs = _paths(home, having(names, (".csv", ".tsv")))
    pixels = tables.read_pixel_files(csvs, home, report)
    if pixels is not None:
        return pixels
    parquets = _paths(home, having(names, (".parquet",)))
    if parquets:
        return tables.read_parquet(parquets, home, report)
    arrays = _paths(home, having(names, ARRAY_SUFFIXES))
    if arrays:
        return tables.read_arrays(arrays, home, report)
    if having(names, UNREAD_SUFFIXES):
        advice = "save them as .png or .jpg"
        raise InputError(f"the pictures in {home} are of a kind that is not read: {advice}")
    counts = Counter(Path(name).suffix.lower() or "without suffix" for name in names)
    held = listed(f"{count:,} {suffix}" for suffix, count in counts.most_common())
    kinds = ", ".join(PICTURE_SUFFIXES)
    raise InputError(
        f"no pictures in {home} ({held or 'it is empty'}): name one that holds {kinds}"
    )


def _paths(home: Path, names: list[str]) -> list[Path]:
    return [home / name for name in names]


def _of_pictures(
    home: Path,
    names: list[str],
    legend: Annotations | None,
    report: CleaningReport,
    normalise: Normalise | None,
) -> Collection:
    if legend is not None:
        _note_lines(legend, report)
    _note_others(home, names, report)
    pictures = _without_nested_copies(home, having(names, PICTURE_SUFFIXES), report)
    parts = parts_of(pictures)
    table = pd.DataFrame({"path": printables(pictures)})
    table["label"] = ""
    table["split"] = parts.parts
    table["group"] = ""
    table["row"] = np.arange(len(table))
    found = labelling.Labelling(home, pictures, parts, table, report, normalise)
    boxes = found.apply(legend, having(names, TABLE_SUFFIXES))
    table = found.table
    _describe_split(table, parts.folders, report)
    files = [pictures[row] for row in table["row"]]
    table = table.drop(columns="row").reset_index(drop=True)
    source = FileSource(home, files, boxes)
    return _without_outsiders(Collection(home.resolve().name, table, source, report))


def _note_lines(found: Annotations, report: CleaningReport) -> None:
    """Lines of an annotation file that cannot be read."""
    odd = [f"line {number}" for number in found.odd_lines]
    report.note(f"lines of {found.path.name} with other numbers of cells, set aside", odd)


def _note_others(home: Path, names: list[str], report: CleaningReport) -> None:
    """Files that are not read, and empty folders."""
    unread = having(names, UNREAD_SUFFIXES)
    report.note("pictures of a kind that is not read, set aside", printables(unread))
    known = (*PICTURE_SUFFIXES, *UNREAD_SUFFIXES, *TABLE_SUFFIXES)
    others = [name for name in names if not has_suffix(name, known)]
    report.note("files that are no pictures, set aside", printables(others))
    report.note("empty folders", printables(_empty_folders(home)))


def _empty_folders(home: Path) -> list[str]:
    """Those with nothing in them but what systems leave behind."""
    empty = []
    for place, folders, files in os.walk(home):
        folders[:] = [name for name in folders if not is_hidden(name)]
        if not folders and all(map(is_hidden, files)) and Path(place) != home:
            empty.append(relative_name(place, home))
    return sorted(empty)


def _without_nested_copies(home: Path, pictures: list[str], report: CleaningReport) -> list[str]:
    """Kaggle's archives hold some data sets twice: `images/train` and `images/images/train`."""

    def same_content(left: str, right: str) -> bool:
        try:
            return filecmp.cmp(home / left, home / right, shallow=False)
        except OSError:
            return False

    dropped = set()
    for nested in nested_copies(pictures, same_content):
        above = printable(nested.above) or "the folder itself"
        what = f"pictures in {printable(nested.folder)} that lie in {above} as well, counted once"
        report.note(what, [], len(nested.files))
        dropped.update(nested.files)
    return [picture for picture in pictures if picture not in dropped]


def _describe_split(
    table: pd.DataFrame, folders: list[tuple[str, ...]], report: CleaningReport
) -> None:
    """A sentence on the split that was found, or on what is there instead."""
    parts = list(table["split"])
    has_train = TRAIN in parts
    completed = complete(parts)
    if not any(completed):
        names = _telling_folders(folders)
        if any(parts):
            only = next(part for part in parts if part)
            report.split = f"no split found: there is a {only} part alone"
        else:
            shown = f"folders {listed(printables(names))}" if names else "one folder alone"
            report.split = f"no split found: {shown}"
        return
    if not has_train:
        report.note(
            "pictures beside the test part, taken for the training part", [], parts.count("")
        )
    counts = Counter(part for part in (parts if has_train else completed) if part)
    report.split = _split_sentence(counts)


def _split_sentence(counts: Counter) -> str:
    named = [f"{part} {count:,}" for part, count in counts.items()]
    return f"split: {', '.join(named)}"


def _telling_folders(folders: list[tuple[str, ...]]) -> list[str]:
    """The outermost folders of which there are several, the fullest first."""
    deepest = max(map(len, folders), default=0)
    for level in range(deepest):
        counts = Counter(names[level] for names in folders if len(names) > level)
        if len(counts) > 1:
            return [name for name, _ in counts.most_common()]
    return []


def _without_outsiders(collection: Collection) -> Collection:
    """Where a training part is named, what lies in no part is set aside; else it is that part."""
    parts = list(collection.table["split"])
    if TRAIN not in parts:
        collection.table["split"] = complete(parts)
        return collection
    inside = collection.table["split"] != ""
    outside = list(collection.table["path"][~inside])
    collection.report.note(SET_ASIDE, outside)
    if outside:
        collection = collection.select(np.flatnonzero(inside.to_numpy()))
    collection.table["split"] = complete(list(collection.table["split"]))
    return collection


def _finished(collection: Collection, normalise: Normalise | None) -> Collection:
    """Labels brought to their usual form; groups read off names where nothing says them."""
    table = collection.table
    report = collection.report
    report.n_pictures = len(collection)
    if not report.split:
        parts = complete(list(table["split"]))
        table["split"] = parts
        counts = Counter(part for part in parts if part)
        report.split = _split_sentence(counts) if counts else "no split found"
    written = list(table["label"])  # as in the names that groups are read off
    if normalise is not None:
        labelling.normalise_labels(table, report, normalise)
    if (table["group"] == "").all() and isinstance(collection.source, FileSource):
        groups = groups_of(list(table["path"]), written)
        table["group"] = groups.names
        report.groups = groups.sentence
    elif (table["group"] != "").any():
        report.groups = f"groups as the annotation file has them: {table['group'].nunique():,}"
    return collection
