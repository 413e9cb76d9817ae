"""Pictures in tables: csv files of pixels, NumPy arrays, parquet files of picture bytes."""

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from splitaudit.annotations import Annotations, read_annotations
from splitaudit.collection import CleaningReport, Collection
from splitaudit.errors import InputError, listed
from splitaudit.sources import RowSource
from splitaudit.words import COLUMNS, part_of_word, words_of

LABEL_WORDS = {"y", "label", "labels", "target", "targets"}
CHANNELS = (1, 3, 4)
SMALLEST = 4  # pixels a side
INSTALL_PARQUET = "pip install 'splitaudit[parquet]' brings what reads them"


@dataclass
class Block:
    """Pictures of one file.

    Args:
        path: The file.
        names: A name for each picture.
        labels: Of each, or "".
        parts: Of each, or "".
        groups: Of each, or "".
        content: Gives picture k as an array of pixels or as the bytes of a file.
    """

    path: Path
    names: list[str]
    labels: list[str]
    parts: list[str]
    groups: list[str]
    content: Callable[[int], np.ndarray | bytes]


def collection_of(blocks: list[Block], root: Path, report: CleaningReport) -> Collection:
    """One collection of the pictures in several files."""
    names = []
    labels = []
    parts = []
    groups = []
    starts = [0]
    for block in blocks:
        prefix = "" if len(blocks) == 1 else f"{block.path.name}:"
        names.extend(prefix + name for name in block.names)
        labels.extend(block.labels)
        parts.extend(block.parts)
        groups.extend(block.groups)
        starts.append(len(names))

    def content(row: int) -> np.ndarray | bytes:
        number = int(np.searchsorted(starts, row, side="right")) - 1
        return blocks[number].content(row - starts[number])

    table = pd.DataFrame({"path": names, "label": labels, "split": parts, "group": groups})
    holders = [block.path for block in blocks]
    source = RowSource(root, names, content, np.arange(len(names)), holders)
    report.n_pictures = len(names)
    report.labels = f"labels from {listed(holder.name for holder in holders)}"
    return Collection(root.stem, table, source, report)


def pixel_block(found: Annotations, report: CleaningReport) -> Block:
    """A csv of pixels as FER2013 and MNIST are published: numbers row by row, of square pictures.

    Rows with another count of numbers are set aside and named.

    Raises:
        InputError: There are no rows, or their numbers make no square.
    """
    rows = found.rows
    if rows.empty:
        raise InputError(f"{found.path} names its columns and has no rows of pixels")
    flat = list(map(_grey_levels, rows["pixels"]))
    lengths = np.array(list(map(len, flat)))
    length = Counter(lengths.tolist()).most_common(1)[0][0]
    shape = _square(length)
    if shape is None:
        first = rows["line"].iloc[0]
        what = f"the {length} numbers in line {first} make no square picture"
        raise InputError(f"{found.path}: {what}")
    wrong = rows["line"][lengths != length]
    what = f"rows of {found.path.name} that are not {length:,} numbers from 0 to 255, set aside"
    report.note(what, _lines(wrong))
    usable = np.flatnonzero(lengths == length)
    pixels = [flat[k].reshape(shape) for k in usable]
    kept = rows.iloc[usable]
    return Block(
        path=found.path,
        names=_lines(kept["line"]),
        labels=_column(kept, "label"),
        parts=_parts(_column(kept, "split"), found.path),
        groups=_column(kept, "group"),
        content=pixels.__getitem__,
    )


def _square(length: int) -> tuple[int, ...] | None:
    """The shape of a square picture of so many numbers, grey or in colour, if there is one."""
    side = math.isqrt(length)
    if side and side * side == length:
        return (side, side)
    side = math.isqrt(length // 3)
    if side and 3 * side * side == length:
        return (side, side, 3)
    return None


def _lines(numbers: Iterable[int]) -> list[str]:
    return [f"line {number}" for number in numbers]


def _parts(texts: list[str], path: Path) -> list[str]:
    """The parts that cells name; if none does, the one that the file's name tells."""
    parts = list(map(part_of_word, texts))
    if any(parts):
        return parts
    return [part_of_word(path.stem)] * len(texts)


def _column(rows: pd.DataFrame, name: str) -> list[str]:
    if name not in rows:
        return [""] * len(rows)
    return list(rows[name])


def _grey_levels(text: str) -> np.ndarray:
    """(k,) uint8 of numbers with blanks or commas between them; none if one is no grey level."""
    plain = text.strip("[]() ").replace(",", " ")
    try:
        numbers = np.array(plain.split(), np.float64)
    except ValueError:
        return np.zeros(0, np.uint8)
    if not ((numbers >= 0) & (numbers <= 255)).all():
        return np.zeros(0, np.uint8)
    return numbers.astype(np.uint8)


def pixel_collection(found: list[Annotations], root: Path, report: CleaningReport) -> Collection:
    """One collection of csv files of pixels."""
    blocks = [pixel_block(annotations, report) for annotations in found]
    return collection_of(blocks, root, report)


def read_pixel_files(paths: list[Path], root: Path, report: CleaningReport) -> Collection | None:
    """A collection of those of some csv files that hold pixels; None if none does."""
    found = []
    for path in paths:
        try:
            annotations = read_annotations(path)
        except InputError:
            continue
        if "pixels" in annotations.rows:
            found.append(annotations)
    if not found:
        return None
    return pixel_collection(found, root, report)


def read_arrays(paths: list[Path], root: Path, report: CleaningReport) -> Collection:
    """Pictures in .npy and .npz files: `x_train.npy` beside `y_train.npy`, or all in one .npz.

    Args:
        paths: The files.
        root: Their folder, or the one file.
        report: Gets what was set aside.

    Raises:
        InputError: None of them holds an array of pictures.
    """
    arrays = []
    faults = []
    for path in paths:
        try:
            arrays.extend(_arrays_in(path))
        except (OSError, ValueError, EOFError, BadZipFile) as error:
            faults.append(f"{path.name} ({error})")
    report.note("arrays that cannot be read, set aside", faults)
    blocks = []
    others = [array for array in arrays if not array.holds_pictures()]
    for array in arrays:
        if array.holds_pictures():
            blocks.append(_array_block(array, others))
    if not blocks:
        shapes = [f"{array.path.name} {array.values.shape}" for array in arrays]
        wanted = "(n, height, width) or (n, height, width, 3)"
        held = listed(shapes or faults)
        raise InputError(f"no array of pictures {wanted} in {root}: it holds {held}")
    return collection_of(blocks, root, report)


@dataclass
class _Array:
    path: Path
    name: str
    values: np.ndarray

    def part(self) -> str:
        return part_of_word(self.name) or part_of_word(self.path.stem)

    def holds_pictures(self) -> bool:
        shape = self.values.shape
        if self.values.dtype.kind not in "uifb" or not self.values.size:
            return False
        if len(shape) == 3:
            return min(shape[1:]) >= SMALLEST
        return len(shape) == 4 and shape[3] in CHANNELS


def _arrays_in(path: Path) -> list[_Array]:
    """The one array of a .npy, those of a .npz by their names."""
    loaded = np.load(path, mmap_mode="r", allow_pickle=False)
    if isinstance(loaded, np.ndarray):
        return [_Array(path, path.stem, loaded)]
    return [_Array(path, name, loaded[name]) for name in loaded.files]


def _array_block(array: _Array, others: list[_Array]) -> Block:
    number = len(array.values)
    return Block(
        path=array.path,
        names=[f"{array.name} {k}" for k in range(number)],
        labels=_labels_for(array, others),
        parts=[array.part()] * number,
        groups=[""] * number,
        content=array.values.__getitem__,
    )


def _labels_for(array: _Array, others: list[_Array]) -> list[str]:
    """The labels of an array: of as many rows, called like it but for `x` and `y`."""
    number = len(array.values)
    for other in others:
        is_label = LABEL_WORDS.intersection(words_of(other.name))
        values = other.values
        if not is_label or other.part() != array.part() or len(values) != number:
            continue
        if values.ndim == 2 and values.shape[1] > 1:  # a column for each class
            values = np.argmax(values, axis=1)
        if values.size == number:
            return list(map(str, values.reshape(-1).tolist()))
    return [""] * number


def read_parquet(paths: list[Path], root: Path, report: CleaningReport) -> Collection:
    """Parquet files with a column of pictures' bytes, as Hugging Face keeps data sets.

    Raises:
        InputError: pyarrow is not installed, a file is damaged, or no column holds pictures.
    """
    named = listed(path.name for path in paths)
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise InputError(f"{root} holds pictures in {named}: {INSTALL_PARQUET}") from error
    blocks = []
    faults = []
    for path in paths:
        try:
            blocks.append(_parquet_block(path, parquet.read_table(path)))
        except (ArrowException, OSError, InputError) as error:
            reason = str(error).splitlines()[0]
            faults.append(f"{path.name} ({reason})")
    if not blocks:
        advice = "download them again, or save the pictures as files in class folders"
        raise InputError(f"no pictures in the parquet files of {root}: {listed(faults)}: {advice}")
    report.note("parquet files that cannot be read, set aside", faults)
    return collection_of(blocks, root, report)


def _parquet_block(path: Path, table) -> Block:
    """Raises InputError if no column holds pictures."""
    cells = _picture_cells(table)
    return Block(
        path=path,
        names=cells.names,
        labels=_parquet_labels(table),
        parts=_parts(_parquet_column(table, "split"), path),
        groups=_parquet_column(table, "group"),
        content=cells.contents.__getitem__,
    )


@dataclass
class _PictureCells:
    names: list[str]
    contents: list[bytes]


def _picture_cells(table) -> _PictureCells:
    """Hugging Face's `{bytes, path}`, or plain bytes."""
    from pyarrow import types

    names = [f"row {k}" for k in range(table.num_rows)]
    for column in table.column_names:
        kind = table.schema.field(column).type
        cells = table.column(column)
        if types.is_binary(kind) or types.is_large_binary(kind):
            return _PictureCells(names, [content or b"" for content in cells.to_pylist()])
        if types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
            return _hugging_face_cells(names, cells.to_pylist())
    raise InputError(f"no column holds pictures: {listed(table.column_names)}")


def _hugging_face_cells(names: list[str], entries: list[dict | None]) -> _PictureCells:
    """Named by their paths if each has one of its own."""
    contents = []
    paths = []
    for entry in entries:
        given = entry or {}
        contents.append(given.get("bytes") or b"")
        paths.append(given.get("path") or "")
    distinct = set(paths) - {""}
    return _PictureCells(paths if len(distinct) == len(paths) else names, contents)


def _parquet_column(table, name: str) -> list[str]:
    """The first column of a known name as text, "" where there is none."""
    for word in COLUMNS[name]:
        if word in table.column_names:
            cells = table.column(word).to_pylist()
            return ["" if cell is None else str(cell) for cell in cells]
    return [""] * table.num_rows


def _parquet_labels(table) -> list[str]:
    """Class numbers become names where Hugging Face's notes in the file have them."""
    labels = _parquet_column(table, "label")
    metadata = table.schema.metadata or {}
    notes = json.loads(metadata.get(b"huggingface", b"{}"))
    features = notes.get("info", {}).get("features", {})
    for word in COLUMNS["label"]:
        names = features.get(word, {}).get("names")
        if names and word in table.column_names:
            known = {str(number): name for number, name in enumerate(names)}
            return [known.get(label, label) for label in labels]
    return labels
