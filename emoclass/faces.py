"""Faces: pixels plus a table, one row per photo, kept in step."""

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd

from emoclass.errors import InputError, listed
from emoclass.labels import EMOTIONS

COLUMNS = (
    "photo",
    "emotion",
    "subject",
    "source",
    "annotator",
    "split",
    "parent",
    "duplicate_id",
    "near_duplicate_id",
)
OPTIONAL = ("split", "near_duplicate_id")  # where not given: "", and the duplicate_id

# How subjects begin of whom nobody knows who they are; photos called alike stay together.
UNKNOWN = "unknown: "

DIGEST_LENGTH = 32  # hexadecimal digits of a picture's digest


class NoPixels:
    """Stands in for the pixels of `count` photos of which only the record is at hand.

    digests   (count,) text: what `Faces.pixel_digests` is of the photos
    """

    dtype = np.dtype(np.uint8)
    ndim = 3

    def __init__(self, count: int, size: int, digests):
        self.digests = np.asarray(digests, dtype=f"<U{DIGEST_LENGTH}")
        self.shape = (count, size, size)
        if self.digests.shape != (count,):
            raise InputError(f"faces: {count} photos, but {len(self.digests)} digests of pictures")

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows) -> "NoPixels":
        """The record of the photos at `rows`: a slice, (n,) bool or (n,) int."""
        if not isinstance(rows, slice | list | np.ndarray):
            raise self._absent()  # a single picture, or a part of some
        digests = self.digests[rows]
        return NoPixels(len(digests), self.shape[1], digests)

    def __array__(self, dtype=None, copy=None):
        raise self._absent()

    def _absent(self) -> InputError:
        count, size, _ = self.shape
        record = f"{count:,} of {size} pixels a side"
        return InputError(f"the photos are not here, only their record: {record}")


@dataclass(frozen=True, eq=False)
class Faces:
    """Photos of faces and what is known of each.

    Raises InputError if pixels and table do not fit each other. The table has n rows of text:

    photo               unique
    emotion             one of EMOTIONS
    subject             who is to be seen
    source              where the photo comes from
    annotator           who labelled it
    split               the part that somebody else put it in, or ""
    parent              the photo that a copy was made from, or itself
    duplicate_id        shared by the same file under several names
    near_duplicate_id   shared by all but the same picture
    """

    pixels: np.ndarray | NoPixels  # (n, size, size) uint8, grey; may be memory-mapped
    table: pd.DataFrame
    name: str = "faces"  # what the collection is called in figures and paths
    # (what, count, which) of the cleaning
    report: tuple[tuple[str, int, str], ...] = field(default=(), repr=False)

    def __post_init__(self):
        _check_pixels(self.pixels)
        table = _complete(self.table)
        if len(table) != len(self.pixels):
            raise InputError(f"faces: {len(self.pixels)} pictures but {len(table)} rows")
        _check_rows(table)
        table = table.loc[:, list(COLUMNS)].reset_index(drop=True)
        object.__setattr__(self, "table", table)

    def __len__(self) -> int:
        return len(self.table)

    def __eq__(self, other) -> bool:
        return isinstance(other, Faces) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __add__(self, other: "Faces") -> "Faces":
        """Both collections, this one first; cleaning reports are joined too.

        Without pixels if either has none. Raises InputError if sizes differ.
        """
        if self.size != other.size:
            sizes = f"{self.name} has {self.size} pixels a side, {other.name} has {other.size}"
            raise InputError(f"faces: {sizes}")
        if self.has_pixels and other.has_pixels:
            pixels = np.concatenate([self.pixels, other.pixels])
        else:
            digests = np.concatenate([self.pixel_digests, other.pixel_digests])
            pixels = NoPixels(len(digests), self.size, digests)
        return replace(
            self,
            pixels=pixels,
            table=pd.concat([self.table, other.table]),
            report=self.report + other.report,
        )

    def select(self, rows) -> "Faces":
        """The faces at `rows`: (n,) bool, or positions in the order wanted."""
        rows = np.asarray(rows)
        if rows.dtype == bool:
            if rows.all():
                return self  # without copying what may be memory-mapped
            rows = np.flatnonzero(rows)
        selected = replace(self, pixels=self.pixels[rows], table=self.table.iloc[rows])
        if "pixel_digests" in self.__dict__:  # nothing is hashed twice
            selected.__dict__["pixel_digests"] = self.pixel_digests[rows]
        return selected

    @property
    def has_pixels(self) -> bool:
        """Whether the photos themselves are at hand, and not only their record."""
        return not isinstance(self.pixels, NoPixels)

    @property
    def size(self) -> int:
        """Side of a picture in pixels."""
        return self.pixels.shape[1]

    @property
    def labels(self) -> np.ndarray:
        """(n,) int64: each photo's emotion as its place in EMOTIONS."""
        emotions = pd.Categorical(self.table.emotion, categories=EMOTIONS)
        return emotions.codes.astype(np.int64)

    @property
    def is_copy(self) -> np.ndarray:
        """(n,) bool: made from another photo."""
        return (self.table.parent != self.table.photo).to_numpy()

    @property
    def counts(self) -> pd.Series:
        """Photos of each emotion, all eight in their order."""
        counts = self.table.emotion.value_counts()
        return counts.reindex(EMOTIONS, fill_value=0).rename("photos")

    @cached_property
    def pixel_digests(self) -> np.ndarray:
        """(n,) text: sha256 of each picture's bytes, its first 32 hexadecimal digits."""
        if not self.has_pixels:
            return self.pixels.digests
        digests = np.empty(len(self), dtype=f"<U{DIGEST_LENGTH}")
        for row, picture in enumerate(self.pixels):
            digests[row] = hashlib.sha256(picture.tobytes()).hexdigest()[:DIGEST_LENGTH]
        return digests

    @cached_property
    def digest(self) -> str:
        """sha256 over the pictures' size and digests and the table but `split`.

        Collections with the same digest train the same nets.
        """
        sha = hashlib.sha256(f"{self.size}".encode())
        sha.update("\n".join(self.pixel_digests).encode())
        sha.update(self.table.drop(columns="split").to_csv(index=False).encode())
        return sha.hexdigest()

    @cached_property
    def split_digest(self) -> str:
        """sha256 over the parts that the photos were given, "" if none were.

        It decides only what splits by them.
        """
        given = "\n".join(self.table.split)
        if not given.strip():
            return ""
        return hashlib.sha256(given.encode()).hexdigest()


def without_pixels(faces: Faces) -> Faces:
    """The same faces with only the record of their pictures: what needs no pixel is then done quickly."""
    if not faces.has_pixels:
        return faces
    return replace(faces, pixels=NoPixels(len(faces), faces.size, faces.pixel_digests))


def _check_pixels(pixels) -> None:
    shape = pixels.shape
    if pixels.dtype != np.uint8 or len(shape) != 3 or shape[1] != shape[2]:
        raise InputError(f"faces: pixels are {pixels.dtype} {shape}, not uint8 (n, size, size)")


def _complete(table: pd.DataFrame) -> pd.DataFrame:
    """The table with its OPTIONAL columns."""
    missing = [name for name in COLUMNS if name not in table and name not in OPTIONAL]
    if missing:
        raise InputError(f"faces: the table lacks the columns {listed(missing)}")
    if "split" not in table:
        table = table.assign(split="")
    if "near_duplicate_id" not in table:
        table = table.assign(near_duplicate_id=table.duplicate_id)
    return table


def _check_rows(table: pd.DataFrame) -> None:
    unknown = table.emotion[~table.emotion.isin(EMOTIONS)].unique()
    if len(unknown):
        raise InputError(f"faces: not one of the eight emotions: {listed(unknown)}")
    repeated = table.photo[table.photo.duplicated()].unique()
    if len(repeated):
        names = listed(repeated)
        raise InputError(f"faces: photos that stand in the table more than once: {names}")
