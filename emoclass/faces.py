"""Faces: pixels plus a table, one row per photo, kept in step."""

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd

from emoclass.errors import InputError, listed
from emoclass.labels import EMOTIONS

COLUMNS = (
    "photo", "emotion", "subject", "source", "annotator", "split", "parent", "duplicate_id", "near_duplicate_id",
)  # fmt: skip
UNKNOWN = "unknown: "  # how subjects begin of whom nobody knows who they are; photos called alike stay together
DERIVED = {"split": lambda table: "", "near_duplicate_id": lambda table: table.duplicate_id}  # where not given


@dataclass(frozen=True, eq=False)
class Faces:
    """Photos of faces and what is known of each. Raises InputError if pixels and table do not fit each other.

    table   n rows of text: `photo` (unique), `emotion`, `subject`, `source`, `annotator`, `split` (the part that
            somebody else put it in, or ""), `parent` (the photo that a copy was made from, or itself), `duplicate_id`
            (shared by the same file under several names), `near_duplicate_id` (by all but the same picture)
    """

    pixels: np.ndarray  # (n, size, size) uint8, grey; may be memory-mapped
    table: pd.DataFrame
    name: str = "faces"  # what the collection is called in figures and paths
    report: tuple[tuple[str, int, str], ...] = field(default=(), repr=False)  # (what, count, which) of the cleaning

    def __post_init__(self):
        shape, table = self.pixels.shape, self.table
        if self.pixels.dtype != np.uint8 or len(shape) != 3 or shape[1] != shape[2]:
            raise InputError(f"faces: pixels are {self.pixels.dtype} {shape}, not uint8 (n, size, size)")
        if missing := [column for column in COLUMNS if column not in table and column not in DERIVED]:
            raise InputError(f"faces: the table lacks the columns {listed(missing)}")
        table = table.assign(**{column: value for column, value in DERIVED.items() if column not in table})
        if len(table) != len(self.pixels):
            raise InputError(f"faces: {len(self.pixels)} pictures but {len(table)} rows")
        if len(unknown := table.emotion[~table.emotion.isin(EMOTIONS)].unique()):
            raise InputError(f"faces: not one of the eight emotions: {listed(unknown)}")
        if len(repeated := table.photo[table.photo.duplicated()].unique()):
            raise InputError(f"faces: photos that stand in the table more than once: {listed(repeated)}")
        object.__setattr__(self, "table", table.loc[:, list(COLUMNS)].reset_index(drop=True))

    def __len__(self) -> int:
        return len(self.table)

    def __eq__(self, other) -> bool:
        return isinstance(other, Faces) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __add__(self, other: "Faces") -> "Faces":
        """Both collections, this one first; cleaning reports are joined too. Raises InputError if sizes differ."""
        if self.size != other.size:
            raise InputError(f"faces: {self.name} has {self.size} pixels a side, {other.name} has {other.size}")
        return replace(
            self,
            pixels=np.concatenate([self.pixels, other.pixels]),
            table=pd.concat([self.table, other.table]),
            report=self.report + other.report,
        )

    def select(self, rows) -> "Faces":
        """The faces at `rows`: (n,) bool, or positions in the order wanted."""
        rows = np.asarray(rows)
        if rows.dtype == bool and rows.all():
            return self  # without copying what may be memory-mapped
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        return replace(self, pixels=self.pixels[rows], table=self.table.iloc[rows])

    @property
    def size(self) -> int:
        """Side of a picture in pixels."""
        return self.pixels.shape[1]

    @property
    def labels(self) -> np.ndarray:
        """(n,) int64: each photo's emotion as its place in EMOTIONS."""
        return pd.Categorical(self.table.emotion, categories=EMOTIONS).codes.astype(np.int64)

    @property
    def is_copy(self) -> np.ndarray:
        """(n,) bool: made from another photo."""
        return (self.table.parent != self.table.photo).to_numpy()

    @property
    def counts(self) -> pd.Series:
        """Photos of each emotion, all eight in their order."""
        return self.table.emotion.value_counts().reindex(EMOTIONS, fill_value=0).rename("photos")

    @cached_property
    def digest(self) -> str:
        """sha256 over pixels and table but `split`: collections with the same digest train the same nets."""
        sha = hashlib.sha256(f"{self.pixels.shape}".encode())
        sha.update(np.ascontiguousarray(self.pixels))
        sha.update(self.table.drop(columns="split").to_csv(index=False).encode())
        return sha.hexdigest()

    @cached_property
    def split_digest(self) -> str:
        """sha256 over the parts that the photos were given, "" if none were: it decides only what splits by them."""
        given = "\n".join(self.table.split)
        return hashlib.sha256(given.encode()).hexdigest() if given.strip() else ""
