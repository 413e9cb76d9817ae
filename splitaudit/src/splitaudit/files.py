"""Files in a folder: which are pictures, what they are called, and how results are written."""

import contextlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from splitaudit.errors import InputError, listed

PICTURE_SUFFIXES = (
    ".jpg",
    ".jpeg",
    ".jpe",
    ".jfif",
    ".png",
    ".webp",
    ".bmp",
    ".dib",
    ".gif",
    ".jp2",
    ".tif",
    ".tiff",
    ".pgm",
    ".ppm",
    ".pbm",
    ".pnm",
)
# Pictures of these kinds are counted and named, but not read.
UNREAD_SUFFIXES = (
    ".heic",
    ".heif",
    ".avif",
    ".jxl",
    ".svg",
    ".psd",
    ".raw",
    ".cr2",
    ".nef",
    ".dng",
    ".dcm",
    ".nii",
)
TABLE_SUFFIXES = (".csv", ".tsv", ".txt", ".jsonl")
ARRAY_SUFFIXES = (".npy", ".npz")
SYSTEM_FILES = ("__macosx", "thumbs.db", "desktop.ini")


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name is hidden, or was left behind by a system."""
    return name.startswith(".") or name.lower() in SYSTEM_FILES


def has_suffix(name: str, suffixes: tuple[str, ...]) -> bool:
    return name.lower().endswith(suffixes)


def having(names: list[str], suffixes: tuple[str, ...]) -> list[str]:
    """The names that end in one of these suffixes."""
    return [name for name in names if has_suffix(name, suffixes)]


def file_of(path: str) -> str:
    """`c.jpg` of `a/b/c.jpg`."""
    return path.rsplit("/", 1)[-1]


def stem_of(path: str) -> str:
    """`c` of `a/b/c.jpg`."""
    return file_of(path).rsplit(".", 1)[0]


def relative_name(path: Path, folder: Path) -> str:
    """The path as it is seen from a folder, with `/`."""
    return os.path.relpath(path, folder).replace(os.sep, "/")


def printables(names: Iterable[str]) -> list[str]:
    return list(map(printable, names))


def names_below(folder: Path) -> list[str]:
    """Every file in a folder and below by its name from there, with `/`, sorted; none hidden.

    A linked folder counts at each place where it is linked, for it may be on both sides of a
    split; circles of links are followed once.

    Raises:
        InputError: Names the folders that may not be read.
    """
    names = []
    closed = []
    above = {str(folder): {os.path.realpath(folder)}}

    def note_closed(error: OSError) -> None:
        closed.append(error.filename)

    for place, folders, files in os.walk(folder, onerror=note_closed, followlinks=True):
        visited = above.pop(place)
        entered = []
        for name in sorted(folders):
            path = os.path.join(place, name)
            target = os.path.realpath(path)
            if is_hidden(name) or target in visited:
                continue
            above[path] = visited | {target}
            entered.append(name)
        folders[:] = entered
        relative = relative_name(place, folder)
        prefix = "" if relative == "." else f"{relative}/"
        names.extend(prefix + file for file in files if not is_hidden(file))
    unreadable = [name for name in closed if os.path.isdir(name)]
    if unreadable:
        raise InputError(f"folders that may not be read: {listed(map(printable, unreadable))}")
    return sorted(names)


def printable(name: str) -> str:
    """The name as any terminal and file can take it; bytes that are not UTF-8 become `\\xfc`."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def write_text(path: Path, text: str) -> None:
    """Put UTF-8 text in place of what is at `path`: whole or not at all.

    Raises:
        InputError: The file cannot be written.
    """
    path = Path(path).expanduser().resolve()  # a link stays one
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".draft-")
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror or error})") from error
    try:
        with open(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        _take_usual_permissions(draft)
        os.replace(draft, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(draft)
        raise InputError(f"{path} cannot be written ({error.strerror or error})") from error


def _take_usual_permissions(draft: str) -> None:
    """A temporary file is for its owner alone; a result is for whom the user's umask lets in."""
    mask = os.umask(0)
    os.umask(mask)
    os.chmod(draft, 0o666 & ~mask)


def refuse_unwritable(paths: list[Path]) -> None:
    """Find out before a search of minutes that a result could not be written after it.

    Raises:
        InputError: Names every file that is named twice or cannot be written.
    """
    faults = []
    places = [path.expanduser().resolve() for path in paths]
    for path in sorted(set(places)):
        if places.count(path) > 1:
            faults.append(f"{path} is named twice")
        if path.exists() and not path.is_file():
            faults.append(f"{path} is {'a folder' if path.is_dir() else 'no ordinary file'}")
            continue
        parents = [folder for folder in path.parents if folder.exists()]
        if not parents[0].is_dir() or not os.access(parents[0], os.W_OK):
            faults.append(f"{path} cannot be written in {parents[0]}")
    if faults:
        raise InputError("; ".join(faults))
