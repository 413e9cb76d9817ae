"""Annotation files: a table that names pictures and says what they show, whatever its form."""

import contextlib
import csv
import io
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from splitaudit.errors import InputError, listed
from splitaudit.files import PICTURE_SUFFIXES, has_suffix
from splitaudit.words import BOXES, BOXES_BY_SIZE, COLUMNS, FER2013_NUMBERS, MEASURES, NO_VOTE

UNDECIDED = "(votes undecided)"
HEADER_WITHIN = 6  # lines; what stands above the header is a title
PIXEL_COLUMN = re.compile(r"(?:pixel|px|p)?_?\d+|\d+x\d+", re.IGNORECASE)
FEWEST_PIXELS = 16


@dataclass
class Annotations:
    """What an annotation file says, before any of it is judged.

    Args:
        path: The file.
        rows: `line` and, where the file has them, `picture`, `label`, `group`, `source`,
            `annotator`, `split` and `pixels` as text, `box` as (left, top, right, bottom).
        unused: Columns that are not read.
        odd_lines: Lines with more or fewer cells than the header.
        title_lines: Lines above the header.
    """

    path: Path
    rows: pd.DataFrame
    unused: list[str] = field(default_factory=list)
    odd_lines: list[int] = field(default_factory=list)
    title_lines: int = 0


def read_annotations(path: Path) -> Annotations:
    """Read a csv, tsv, txt or jsonl file, whatever its encoding and delimiter.

    Without a header the columns are (annotator,) picture, label. A column for each class, with
    votes or with 0 and 1, becomes the label that has most.

    Raises:
        InputError: It cannot be read, or has no column that names pictures or holds pixels.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror})") from error
    text = _decoded(data)
    if path.suffix.lower() == ".jsonl":
        lines = _json_rows(text, path)
    else:
        lines = _csv_rows(text, path)
    if not lines:
        raise InputError(f"{path} is empty")
    header_at = _header_line(lines)
    if header_at is None:
        return _without_header(path, lines)
    header = lines[header_at].cells
    body = lines[header_at + 1 :]
    odd_lines = [line.number for line in body if len(line.cells) != len(header)]
    even = [line for line in body if len(line.cells) == len(header)]
    names = _column_names(header, path)
    table = pd.DataFrame([line.cells for line in even], columns=range(len(header)), dtype=object)
    numbers = [line.number for line in even]
    found = _recognised(table, names, header, numbers)
    return Annotations(path, found.rows, found.unused, odd_lines, header_at)


@dataclass
class _Line:
    number: int
    cells: list[str]


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    for encoding in ("utf-8-sig", "cp1252"):  # the second is Excel's
        with contextlib.suppress(UnicodeDecodeError):
            return data.decode(encoding)
    return data.decode("latin-1")  # every byte is a letter there


def _csv_rows(text: str, path: Path) -> list[_Line]:
    """Its lines in cells, without empty ones and Excel's `sep=;`."""
    csv.field_size_limit(2**31 - 1)
    start = text[:4096].splitlines()
    if path.suffix.lower() == ".txt" and not any(sign in text[:4096] for sign in ",;\t"):
        return _spaced_rows(text)
    announced = re.fullmatch(r'"?sep=(.)"?', start[0].strip()) if start else None
    delimiter = announced[1] if announced else _delimiter(start)
    lines = []
    reader = csv.reader(io.StringIO(text, newline=None), delimiter=delimiter, skipinitialspace=True)
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                lines.append(_Line(reader.line_num, cells))
    except csv.Error as error:
        where = f"{path}, line {reader.line_num}"
        raise InputError(f"{where}: {error}: save it again as plain CSV") from error
    return lines[1:] if announced else lines


def _spaced_rows(text: str) -> list[_Line]:
    """Lines such as RAF-DB's `train_00001.jpg 5`; names may hold blanks themselves."""
    lines = []
    for number, line in enumerate(text.splitlines(), 1):
        cells = line.rsplit(maxsplit=1)
        if cells:
            lines.append(_Line(number, cells))
    return lines


def _delimiter(lines: list[str]) -> str:
    """The sign that parts most of the first lines' cells."""
    beginning = re.sub(r'"[^"]*"', "", "\n".join(lines[:HEADER_WITHIN]))
    return max(",;\t", key=beginning.count)


def _json_rows(text: str, path: Path) -> list[_Line]:
    """A header and a row for each line of JSON."""
    entries = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except ValueError as error:
            raise InputError(f"{path}, line {number} is no JSON ({error})") from error
        if isinstance(entry, dict):
            entries.append((number, entry))
    header = list(dict.fromkeys(key for _, entry in entries for key in entry))
    lines = [_Line(0, header)]
    for number, entry in entries:
        lines.append(_Line(number, [str(entry.get(key, "")).strip() for key in header]))
    return lines


def _plain(cell: str) -> str:
    return re.sub(r"[\s_.-]+", "_", cell.strip().lower()).strip("_")


def _header_line(lines: list[_Line]) -> int | None:
    """Which of the first lines names the columns; None if none does."""
    naming = {*COLUMNS["picture"], *COLUMNS["pixels"]}
    for k, line in enumerate(lines[:HEADER_WITHIN]):
        words = [_plain(cell) for cell in line.cells]
        if len(words) > 1 and naming.intersection(words):
            return k
        if _pixel_columns(line.cells):
            return k
    return None


def _pixel_columns(header: list[str]) -> list[int]:
    """Where the columns pixel0, pixel1, ... stand; none if there are only a few."""
    found = [k for k, cell in enumerate(header) if PIXEL_COLUMN.fullmatch(cell)]
    return found if len(found) >= FEWEST_PIXELS else []


def _without_header(path: Path, lines: list[_Line]) -> Annotations:
    """Lines such as `218,a.jpg,happy`: annotator, picture, label."""
    width = len(lines[0].cells)
    first = lines[0].cells
    if width not in (2, 3) or not has_suffix(first[-2], PICTURE_SUFFIXES):
        shown = listed([repr(cell[:30]) for cell in first], 8)
        advice = "name one `photo` or `filename`, and one `label`"
        raise InputError(f"{path} has no column that names pictures: {shown}: {advice}")
    even = [line for line in lines if len(line.cells) == width]
    rows = pd.DataFrame({"line": [line.number for line in even]})
    rows["picture"] = [line.cells[-2] for line in even]
    rows["label"] = [line.cells[-1] for line in even]
    if width == 3:
        rows["annotator"] = [line.cells[0] for line in even]
    odd_lines = [line.number for line in lines if len(line.cells) != width]
    return Annotations(path, rows, [], odd_lines)


def _column_names(header: list[str], path: Path) -> dict[str, int]:
    """Where each known column stands."""
    words = [_plain(cell) for cell in header]
    found = {}
    for name, choice in COLUMNS.items():
        for word in choice:
            if word not in words:
                continue
            if words.count(word) > 1:
                raise InputError(f"{path} has several columns {word!r}: keep one of each")
            if words.index(word) not in found.values():
                found[name] = words.index(word)
                break
    return found


@dataclass
class _Recognised:
    rows: pd.DataFrame
    unused: list[str]


def _recognised(
    table: pd.DataFrame, names: dict[str, int], header: list[str], numbers: list[int]
) -> _Recognised:
    """The known columns under their names, boxes, pixels and votes among them."""
    rows = pd.DataFrame({"line": numbers})
    for name, position in names.items():
        rows[name] = table[position].to_numpy()
    used = set(names.values())
    pixel_columns = _pixel_columns(header)
    if pixel_columns and "pixels" not in names:
        rows["pixels"] = table[pixel_columns].agg(" ".join, axis=1).to_numpy()
        used.update(pixel_columns)
    if "pixels" in rows:
        is_fer2013 = {"emotion", "pixels"} <= {_plain(cell) for cell in header}
        if is_fer2013:
            rows["label"] = [FER2013_NUMBERS.get(label, label) for label in rows["label"]]
    else:
        used.update(_add_boxes(rows, table, header))
    remaining = [k for k, cell in enumerate(header) if cell and k not in used]
    if "label" not in rows:
        votes = _votes(table, header, remaining)
        if votes is not None:
            rows["label"] = votes.labels
            remaining = [k for k in remaining if k not in votes.columns]
    return _Recognised(rows, [header[k] for k in remaining])


def _add_boxes(rows: pd.DataFrame, table: pd.DataFrame, header: list[str]) -> list[int]:
    """Adds `box` where the table has one for each row; returns which columns say so."""
    words = [_plain(cell) for cell in header]
    for names in BOXES:
        if not set(names) <= set(words):
            continue
        positions = [words.index(name) for name in names]
        numbers = table[positions].apply(pd.to_numeric, errors="coerce")
        if numbers.isna().all(axis=None):
            continue
        boxes = []
        for left, top, third, fourth in numbers.itertuples(index=False):
            if pd.isna([left, top, third, fourth]).any():
                boxes.append(None)
                continue
            if names[2] in BOXES_BY_SIZE:
                third = left + third
                fourth = top + fourth
            boxes.append((round(left), round(top), round(third), round(fourth)))
        rows["box"] = pd.Series(boxes, dtype=object)
        return positions
    return []


@dataclass
class _Votes:
    labels: list[str]
    columns: list[int]


def _votes(table: pd.DataFrame, header: list[str], remaining: list[int]) -> _Votes | None:
    """A column for each class, with votes or 0 and 1 in it: what has most; None if it is not so."""
    words = {"true": "1", "false": "0", "": "0"}
    columns = []
    counts = []
    for k in remaining:
        if _plain(header[k]) in MEASURES:
            continue
        cells = table[k].str.lower().replace(words)
        numbers = pd.to_numeric(cells, errors="coerce")
        if numbers.isna().any() or (numbers < 0).any() or (numbers % 1 != 0).any():
            continue
        columns.append(k)
        counts.append(numbers)
    if len(columns) < 2 or not len(table):
        return None
    votes = pd.concat(counts, axis=1, keys=columns)
    total = votes.sum(axis=1)
    if votes.max(axis=None) > 1 and total.nunique() > 1:
        return None
    most = votes.eq(votes.max(axis=1), axis=0)
    winner = votes.idxmax(axis=1)
    decided = (most.sum(axis=1) == 1) & (total > 0)
    labels = []
    for position, is_decided in zip(winner, decided):
        name = header[position].strip()
        if not is_decided or _plain(name) in NO_VOTE:
            name = UNDECIDED
        labels.append(name)
    return _Votes(labels, columns)
