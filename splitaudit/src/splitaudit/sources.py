"""Where pictures come from: files, or rows of a table. What is decoded, and what it is known by."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from splitaudit.decode import Decoded, UnreadablePicture, array_as_rgb, decode

Box = tuple[int, int, int, int]


@dataclass
class Loaded:
    """A picture with what tells its file apart from others."""

    decoded: Decoded
    digest: str
    n_bytes: int


@dataclass
class FileSource:
    """Pictures in files.

    Args:
        root: The folder that they lie in.
        files: Their names from there.
        crops: For each the box that counts (left, top, right, bottom, in pixels), or None.
    """

    root: Path
    files: list[str]
    crops: list[Box | None] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.files)

    def keys(self) -> list[str]:
        """A name for each picture, the box in it where only that counts."""
        if not self.crops:
            return list(self.files)
        names = []
        for file, crop in zip(self.files, self.crops):
            names.append(file if crop is None else f"{file}#{','.join(map(str, crop))}")
        return names

    def signatures(self) -> list[tuple[int, int]]:
        """Size and time of change of each file; a file that cannot be asked has -1, -1."""
        found = []
        for file in self.files:
            try:
                status = os.stat(os.path.join(self.root, file))
            except OSError:
                found.append((-1, -1))
                continue
            found.append((status.st_size, status.st_mtime_ns))
        return found

    def load(self, k: int, longest: int) -> Loaded:
        """Picture k; raises UnreadablePicture."""
        try:
            with open(os.path.join(self.root, self.files[k]), "rb") as file:
                data = file.read()
        except OSError as error:
            raise UnreadablePicture(f"cannot be read ({error.strerror})") from error
        crop = self.crops[k] if self.crops else None
        digest = hashlib.sha256(data)
        if crop is not None:
            digest.update(repr(crop).encode())
        return Loaded(decode(data, longest, crop), digest.hexdigest(), len(data))

    def selected(self, kept: np.ndarray) -> "FileSource":
        crops = [self.crops[k] for k in kept] if self.crops else []
        return FileSource(self.root, [self.files[k] for k in kept], crops)


@dataclass
class RowSource:
    """Pictures in rows of a table or of an array.

    Args:
        root: The file that holds them, or their folder.
        names: A name for each.
        content: Gives row k: an array of pixels, or the bytes of a picture file.
        rows: Which row each picture is.
        holders: The files; if one changes, everything is decoded anew.
    """

    root: Path
    names: list[str]
    content: Callable[[int], np.ndarray | bytes]
    rows: np.ndarray
    holders: list[Path]

    def __len__(self) -> int:
        return len(self.names)

    def keys(self) -> list[str]:
        return list(self.names)

    def signatures(self) -> list[tuple[int, int]]:
        size = 0
        changed = 0
        for holder in self.holders:
            status = holder.stat()
            size += status.st_size
            changed = max(changed, status.st_mtime_ns)
        return [(size, changed)] * len(self.names)

    def load(self, k: int, longest: int) -> Loaded:
        """Picture k; raises UnreadablePicture."""
        content = self.content(self.rows[k])
        if isinstance(content, bytes):
            return Loaded(
                decode(content, longest), hashlib.sha256(content).hexdigest(), len(content)
            )
        picture = array_as_rgb(content)
        pixels = np.ascontiguousarray(content)
        digest = hashlib.sha256(pixels.tobytes()).hexdigest()
        return Loaded(Decoded(picture, *picture.shape[:2]), digest, pixels.nbytes)

    def selected(self, kept: np.ndarray) -> "RowSource":
        names = [self.names[k] for k in kept]
        return RowSource(self.root, names, self.content, self.rows[kept], self.holders)


Source = FileSource | RowSource
