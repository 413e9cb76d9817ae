"""Pictures in tables: csv files of pixels, NumPy arrays, parquet files of picture bytes."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from splitaudit.annotations import Annotations, read_annotations
from splitaudit.collection import CleaningReport, Collection
from splitaudit.errors import InputError, listed
from splitaudit.files import ARRAY_SUFFIXES, has_suffix
from splitaudit.sources import RowSource
from splitaudit.words import COLUMNS, part_of_word, words_of

LABEL_WORDS = {"y", "label", "labels", "target", "targets"}
MOST_CHANNELS = 4
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
        raise InputError(
            f"{found.path} names its columns and nothing else: it needs rows of pixels"
        )
    flat = [_grey_levels(text) for text in rows["pixels"]]
    length = Counter(map(len, flat)).most_common(1)[0][0]
    side = int(np.sqrt(length))
    channels = 1
    if side * side != length:
        side = int(np.sqrt(length / 3))
        channels = 3
    if not side or side * side * channels != length:
        first = rows["line"].iloc[0]
        raise InputError(
            f"{found.path}: the {length} numbers in line {first} make no square picture"
        )
    usable = [k for k, values in enumerate(flat) if len(values) == length]
    wrong = [f"line {rows['line'].iloc[k]}" for k, v in enumerate(flat) if len(v) != length]
    what = f"rows of {found.path.name} that are not {length:,} numbers from 0 to 255, set aside"
    report.note(what, wrong)
    shape = (side, side) if channels == 1 else (side, side, 3)
    pixels = [flat[k].reshape(shape) for k in usable]
    kept = rows.iloc[usable]
    names = [f"line {line}" for line in kept["line"]]
    labels = _column(kept, "label")
    parts = [part_of_word(text) for text in _column(kept, "split")]
    if not any(parts):
        parts = [part_of_word(found.path.stem)] * len(kept)
    return Block(found.path, names, labels, parts, _column(kept, "group"), pixels.__getitem__)


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
    if len(numbers) and (numbers.min() < 0 or numbers.max() > 255):
        return np.zeros(0, np.uint8)
    return numbers.astype(np.uint8)


def read_arrays(paths: list[Path], root: Path, report: CleaningReport) -> Collection:
    """Pictures in .npy and .npz files: `x_train.npy` beside `y_train.npy`, or all in one .npz.

    Args:
        paths: The files.
        root: Their folder, or the one file.
        report: Gets what was set aside.

    Raises:
        InputError: None of them holds an array of pictures.
    """
    arrays = {}
    faults = []
    for path in paths:
        try:
            loaded = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            faults.append(f"{path.name} ({error})")
            continue
        if isinstance(loaded, np.ndarray):
            arrays[(path, path.stem)] = loaded
        else:
            for key in loaded.files:
                arrays[(path, key)] = loaded[key]
    report.note("arrays that cannot be read, set aside", faults)
    pictures = {place: array for place, array in arrays.items() if _holds_pictures(array)}
    others = {place: array for place, array in arrays.items() if place not in pictures}
    if not pictures:
        shapes = [f"{path.name} {array.shape}" for (path, _), array in arrays.items()]
        wanted = "(n, height, width) or (n, height, width, 3)"
        held = listed(shapes or faults)
        raise InputError(f"no array of pictures {wanted} in {root}: it holds {held}")
    blocks = []
    for (path, key), array in pictures.items():
        labels = _labels_for(key, len(array), others)
        number = len(array)
        names = [f"row {k}" if key == path.stem else f"{key} {k}" for k in range(number)]
        part = part_of_word(key) or part_of_word(path.stem)
        unknown = [""] * number
        blocks.append(Block(path, names, labels, [part] * number, unknown, array.__getitem__))
    return collection_of(blocks, root, report)


def _holds_pictures(array: np.ndarray) -> bool:
    if array.dtype.kind not in "uifb" or len(array) == 0:
        return False
    if array.ndim == 3:
        return min(array.shape[1:]) >= 4
    return array.ndim == 4 and array.shape[3] <= MOST_CHANNELS and array.shape[3] != 2


def _labels_for(key: str, number: int, others: dict) -> list[str]:
    """The labels of an array: of as many rows, called like it but for `x` and `y`."""
    part = part_of_word(key)
    for (path, name), array in others.items():
        is_label = bool(LABEL_WORDS.intersection(words_of(name)))
        same_part = part_of_word(name) == part or part_of_word(path.stem) == part
        if not is_label or not same_part or len(array) != number:
            continue
        if array.ndim == 2 and array.shape[1] > 1:
            return [str(label) for label in np.argmax(array, axis=1)]
        if array.size == number:
            return [str(label) for label in array.reshape(-1)]
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
            table = parquet.read_table(path)
        except (ArrowException, OSError) as error:
            reason = str(error).splitlines()[0]
            faults.append(f"{path.name} ({reason})")
            continue
        block = _parquet_block(path, table)
        if block is None:
            faults.append(f"{path.name} (no column holds pictures: {listed(table.column_names)})")
        else:
            blocks.append(block)
    if not blocks:
        advice = "download them again, or save the pictures as files in class folders"
        raise InputError(f"no pictures in the parquet files of {root}: {listed(faults)}: {advice}")
    report.note("parquet files that cannot be read, set aside", faults)
    return collection_of(blocks, root, report)


def _parquet_block(path: Path, table) -> Block | None:
    from pyarrow import types

    bytes_of = None
    names = None
    for column in table.column_names:
        kind = table.schema.field(column).type
        cells = table.column(column)
        if types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
            entries = cells.to_pylist()
            bytes_of = [entry["bytes"] or b"" for entry in entries]
            names = [entry.get("path") or "" for entry in entries]
            break
        if types.is_binary(kind) or types.is_large_binary(kind):
            bytes_of = [entry or b"" for entry in cells.to_pylist()]
            break
    if bytes_of is None:
        return None
    number = len(bytes_of)
    if names is None or not all(names) or len(set(names)) < number:
        names = [f"row {k}" for k in range(number)]
    labels = _parquet_labels(table)
    groups = _parquet_column(table, "group") or [""] * number
    parts = [part_of_word(text) for text in _parquet_column(table, "split")]
    if not any(parts):
        parts = [part_of_word(path.stem)] * number
    return Block(path, names, labels, parts, groups, bytes_of.__getitem__)


def _parquet_column(table, name: str) -> list[str]:
    for word in COLUMNS[name]:
        if word in table.column_names:
            cells = table.column(word).to_pylist()
            return ["" if cell is None else str(cell) for cell in cells]
    return []


def _parquet_labels(table) -> list[str]:
    """Class numbers become names where Hugging Face's notes in the file have them."""
    labels = _parquet_column(table, "label")
    if not labels:
        return [""] * table.num_rows
    metadata = table.schema.metadata or {}
    notes = json.loads(metadata.get(b"huggingface", b"{}"))
    features = notes.get("info", {}).get("features", {})
    for word in COLUMNS["label"]:
        names = features.get(word, {}).get("names") if word in features else None
        if names and word in table.column_names:
            known = {str(number): name for number, name in enumerate(names)}
            return [known.get(label, label) for label in labels]
    return labels


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


def holders_among(names: list[str]) -> dict[str, list[str]]:
    """Files that may hold pictures in rows, by kind: "parquet", "arrays"."""
    return {
        "parquet": [name for name in names if name.lower().endswith(".parquet")],
        "arrays": [name for name in names if has_suffix(name, ARRAY_SUFFIXES)],
    }
