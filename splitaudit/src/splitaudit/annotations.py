"""Annotation files: a table that names pictures and says what they show, whatever its form."""

import contextlib
import csv
import io
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
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


@dataclass
class _Line:
    number: int
    cells: list[str]


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
    body, odd_lines = _of_width(body, len(header))
    names = _column_names(header, path)
    cells = [line.cells for line in body]
    table = pd.DataFrame(cells, columns=range(len(header)), dtype=object)
    rows = pd.DataFrame({"line": _numbers(body)})
    unused = _fill_rows(rows, table, names, header)
    return Annotations(path, rows, unused, odd_lines, header_at)


def _numbers(lines: list[_Line]) -> list[int]:
    return [line.number for line in lines]


def _of_width(lines: list[_Line], width: int) -> tuple[list[_Line], list[int]]:
    """The lines with so many cells, and the numbers of the others."""
    even = []
    odd = []
    for line in lines:
        if len(line.cells) == width:
            even.append(line)
        else:
            odd.append(line)
    return even, _numbers(odd)


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
    if path.suffix.lower() == ".txt" and not re.search("[,;\t]", text[:4096]):
        return _spaced_rows(text)
    announced = re.fullmatch(r'"?sep=(.)"?', start[0].strip()) if start else None
    delimiter = announced[1] if announced else _delimiter(start)
    lines = []
    stream = io.StringIO(text, newline=None)
    reader = csv.reader(stream, delimiter=delimiter, skipinitialspace=True)
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
    header = []
    for _, entry in entries:
        header.extend(key for key in entry if key not in header)
    lines = [_Line(0, header)]
    for number, entry in entries:
        cells = [str(entry.get(key, "")) for key in header]
        lines.append(_Line(number, cells))
    return lines


def _plain(cell: str) -> str:
    """`image_name` of `Image Name`."""
    words = re.sub(r"[\s_.-]+", "_", cell.lower())
    return words.strip("_")


def _plain_cells(cells: list[str]) -> list[str]:
    return list(map(_plain, cells))


def _header_line(lines: list[_Line]) -> int | None:
    """Which of the first lines names the columns; None if none does."""
    naming = {*COLUMNS["picture"], *COLUMNS["pixels"]}
    for k, line in enumerate(lines[:HEADER_WITHIN]):
        words = _plain_cells(line.cells)
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
    first = lines[0].cells
    width = len(first)
    if width not in (2, 3) or not has_suffix(first[-2], PICTURE_SUFFIXES):
        shown = listed([repr(cell[:30]) for cell in first], 8)
        advice = "name one `photo` or `filename`, and one `label`"
        raise InputError(f"{path} has no column that names pictures: {shown}: {advice}")
    even, odd_lines = _of_width(lines, width)
    rows = pd.DataFrame({"line": _numbers(even)})
    rows["picture"] = [line.cells[-2] for line in even]
    rows["label"] = [line.cells[-1] for line in even]
    if width == 3:
        rows["annotator"] = [line.cells[0] for line in even]
    return Annotations(path, rows, [], odd_lines)


def _column_names(header: list[str], path: Path) -> dict[str, int]:
    """Where each known column stands."""
    words = _plain_cells(header)
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


def _fill_rows(
    rows: pd.DataFrame, table: pd.DataFrame, names: dict[str, int], header: list[str]
) -> list[str]:
    """Adds the known columns, pixels, boxes and votes; returns the columns that are not read."""
    for name, position in names.items():
        rows[name] = table[position].to_numpy()
    used = set(names.values())
    used.update(_add_pixels(rows, table, header))
    if "pixels" not in rows:
        used.update(_add_boxes(rows, table, header))
    if "label" not in rows:
        used.update(_add_votes(rows, table, header, used))
    return [cell for k, cell in enumerate(header) if cell and k not in used]


def _add_pixels(rows: pd.DataFrame, table: pd.DataFrame, header: list[str]) -> list[int]:
    """Adds `pixels` where each has a column; names FER2013's numbers; returns the columns."""
    columns = _pixel_columns(header)
    if "pixels" not in rows and columns:
        rows["pixels"] = table[columns].agg(" ".join, axis=1).to_numpy()
    if {"emotion", "pixels"} <= set(_plain_cells(header)):
        rows["label"] = rows["label"].replace(FER2013_NUMBERS)
    return columns


def _add_boxes(rows: pd.DataFrame, table: pd.DataFrame, header: list[str]) -> list[int]:
    """Adds `box` where the table has one for each row; returns which columns say so."""
    words = _plain_cells(header)
    for names in BOXES:
        if not set(names) <= set(words):
            continue
        positions = [words.index(name) for name in names]
        numbers = table[positions].apply(pd.to_numeric, errors="coerce")
        if numbers.isna().all(axis=None):
            continue
        corners = numbers.to_numpy(float)
        if names[2] in BOXES_BY_SIZE:
            corners[:, 2:] += corners[:, :2]
        boxes = []
        for corner in corners:
            whole = np.isfinite(corner).all()
            boxes.append(tuple(map(round, corner.tolist())) if whole else None)
        rows["box"] = pd.Series(boxes, dtype=object)
        return positions
    return []


def _add_votes(
    rows: pd.DataFrame, table: pd.DataFrame, header: list[str], used: set[int]
) -> list[int]:
    """A column for each class, with votes or 0 and 1: `label` is what has most.

    Returns:
        The columns of votes; none if it is not so.
    """
    counts = {}
    for k, cell in enumerate(header):
        if not cell or k in used or _plain(cell) in MEASURES:
            continue
        numbers = _whole_numbers(table[k])
        if numbers is not None:
            counts[cell.strip()] = numbers
    votes = pd.DataFrame(counts)
    if len(counts) < 2 or votes.empty:
        return []
    total = votes.sum(axis=1)
    if votes.max(axis=None) > 1 and total.nunique() > 1:
        return []
    most = votes.eq(votes.max(axis=1), axis=0)
    decided = (most.sum(axis=1) == 1) & (total > 0)
    winner = votes.idxmax(axis=1)
    decided &= ~winner.map(_plain).isin(NO_VOTE)
    rows["label"] = winner.where(decided, UNDECIDED).to_numpy()
    return [k for k, cell in enumerate(header) if cell.strip() in counts]


def _whole_numbers(cells: pd.Series) -> pd.Series | None:
    """Numbers of votes; None if the cells are something else."""
    words = {"true": "1", "false": "0", "": "0"}
    numbers = pd.to_numeric(cells.str.lower().replace(words), errors="coerce")
    fits = (numbers >= 0) & (numbers % 1 == 0)
    return numbers if fits.all() else None
