"""The table of a collection without its pixels, for where the photos are not at hand."""

import csv
import gzip
import io
import json
import zlib
from pathlib import Path

import pandas as pd

from emoclass.errors import InputError
from emoclass.faces import COLUMNS, Faces, NoPixels
from emoclass.files import replacing

PIXELS = "pixels"  # the column that holds each picture's digest
MARK = "# "  # how the first line begins, which holds json and no row


def write_table(faces: Faces, path: Path) -> None:
    """Write the table of `faces`, each picture's digest, name, size and report to a gzipped csv.

    The same faces give the same bits each time. Raises OSError if the file cannot be written.
    """
    head = {
        "name": faces.name,
        "size": faces.size,
        "digest": faces.digest,
        "report": [(what, int(count), which) for what, count, which in faces.report],
    }
    text = io.StringIO(newline="")
    text.write(MARK + json.dumps(head) + "\n")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow([*COLUMNS, PIXELS])
    for row, digest in zip(faces.table.itertuples(index=False), faces.pixel_digests):
        rows.writerow([*row, digest])
    with replacing(path) as draft:
        # The time of writing would make other bits of the same table.
        draft.write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))


def read_table(path: Path) -> Faces:
    """The faces that `write_table` wrote, with `NoPixels` for their pixels and the same digest.

    Raises InputError if there is no such file, or it is damaged, cut short or of another kind.
    """
    try:
        text = gzip.decompress(Path(path).read_bytes()).decode()
    except FileNotFoundError as error:
        raise InputError(f"there is no table of photos {path}") from error
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise _damaged(path, error) from error
    try:
        faces, digest = _parse(text)
    except (ValueError, KeyError, TypeError, csv.Error) as error:
        raise _damaged(path, error) from error
    if faces.digest != digest:
        raise _damaged(path, "it does not have the digest that it was written with")
    return faces


def _parse(text: str) -> tuple[Faces, str]:
    """The faces in the text of a table, and the digest that they should have."""
    first, _, rest = text.partition("\n")
    if not first.startswith(MARK):
        raise ValueError("it does not begin as such a table does")
    head = json.loads(first.removeprefix(MARK))
    header, *rows = csv.reader(io.StringIO(rest, newline=""))
    table = pd.DataFrame(rows, columns=header)
    digests = table.pop(PIXELS)
    pixels = NoPixels(len(table), head["size"], digests)
    report = tuple((what, count, which) for what, count, which in head["report"])
    return Faces(pixels, table, head["name"], report), head["digest"]


def _damaged(path: Path, reason: Exception | str) -> InputError:
    what = " ".join(str(reason).split()).rstrip(".")
    return InputError(f"the table of photos {path} is damaged ({what}): bring the file anew")
