"""Many small arrays in one file: a zip archive with an index, each array compressed, found by name."""

import hashlib
import json
import lzma
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from emoclass.errors import InputError
from emoclass.files import replacing

INDEX = "index.json"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the same content gives the same file, whenever it is written
DAMAGE = (
    zipfile.BadZipFile,
    lzma.LZMAError,
    KeyError,
    ValueError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    OSError,
)


@dataclass(frozen=True, eq=False)
class Entry:
    """Some arrays, and plain values about them."""

    about: dict
    arrays: dict[str, np.ndarray]


def write_bundle(path: Path, entries: dict[str, Entry | Callable[[], Entry]]) -> None:
    """Put these entries in place of what is at `path`; an entry may be given as a function that makes it."""
    index = {}
    with replacing(path) as draft, zipfile.ZipFile(draft, "w") as archive:
        for name in sorted(entries):
            entry = entries[name]
            if callable(entry):
                entry = entry()
            blob = b"".join(
                np.ascontiguousarray(array).tobytes() for array in entry.arrays.values()
            )
            shapes = [
                [key, str(array.dtype), list(array.shape)] for key, array in entry.arrays.items()
            ]
            sha = hashlib.sha256(blob).hexdigest()
            index[name] = {"about": entry.about, "arrays": shapes, "sha256": sha}
            archive.writestr(_member(name), blob, zipfile.ZIP_LZMA)
        text = json.dumps(index, sort_keys=True)
        archive.writestr(_member(INDEX), text, zipfile.ZIP_LZMA)


def _member(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name, EPOCH)


@dataclass(frozen=True)
class Bundle:
    """A file written by `write_bundle`, read entry by entry."""

    path: Path
    faults: list[str] = field(
        default_factory=list, compare=False
    )  # what could not be read, a sentence each

    @cached_property
    def index(self) -> dict[str, dict]:
        """What stands in it, by name: `about`, `arrays`, `sha256`. Empty if it is not there or damaged."""
        if not self.path.exists():
            return {}
        try:
            with zipfile.ZipFile(self.path) as archive:
                return json.loads(archive.read(INDEX))
        except DAMAGE as damage:
            self.faults.append(f"{self.path.name} is damaged and is not used ({damage})")
            return {}

    def __contains__(self, name: str) -> bool:
        return name in self.index

    def get(self, name: str) -> Entry | None:
        """The entry of this name, or None if there is none or it is damaged, which `faults` then says."""
        if name not in self.index:
            return None
        known = self.index[name]
        try:
            with zipfile.ZipFile(self.path) as archive:
                blob = archive.read(name)
            if hashlib.sha256(blob).hexdigest() != known["sha256"]:
                raise ValueError("its content is not what was written")
            return Entry(known["about"], _arrays(blob, known["arrays"]))
        except DAMAGE as damage:
            self.faults.append(f"{self.path.name}: {name} is damaged and is not used ({damage})")
            return None


def _arrays(blob: bytes, shapes: list) -> dict[str, np.ndarray]:
    found = {}
    start = 0
    for name, kind, shape in shapes:
        count = int(np.prod(shape))
        end = start + count * np.dtype(kind).itemsize
        if end > len(blob):
            raise InputError("cut short")
        found[name] = np.frombuffer(blob[start:end], kind).reshape(shape)
        start = end
    return found
