"""Faces: pixels plus a table, one row per photo, kept in step."""

import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from emoclass.labels import EMOTIONS

COLUMNS = ("photo", "emotion", "person", "source", "labeller", "parent", "cluster", "alike")


class BadInput(ValueError):
    """What somebody handed in cannot be used; the message is one sentence that names every offender."""


def listed(names, at_most: int = 20) -> str:
    """`a, b, c`, or the first `at_most` of them `and 7 more`."""
    names = [str(name) for name in names]
    rest = len(names) - at_most
    return ", ".join(names[:at_most]) + (f" and {rest} more" if rest > 0 else "")


@dataclass(frozen=True, eq=False)
class Faces:
    """Photos of faces and what is known of each.

    pixels  (n, size, size) uint8, grey; may be memory-mapped
    table   n rows of text: `photo` (unique), `emotion`, `person`, `source`, `labeller`,
            `parent` (the photo that a transformed copy was made from; an original is its own parent),
            `cluster` (one word shared by photos that are the same file under several names) and
            `alike` (one word shared by photos that are all but the same picture; `cluster` if it is not given)
    name    what the collection is called in figures and paths
    report  (what, count, which) for each thing that cleaning found, in order

    Raises BadInput if the two sides do not fit each other.
    """

    pixels: np.ndarray
    table: pd.DataFrame
    name: str = "faces"
    report: tuple[tuple[str, int, str], ...] = field(default=(), repr=False)

    def __post_init__(self):
        shape, table = self.pixels.shape, self.table
        if self.pixels.dtype != np.uint8 or len(shape) != 3 or shape[1] != shape[2]:
            raise BadInput(f"faces: pixels are {self.pixels.dtype} {shape}, not uint8 (n, size, size)")
        if "cluster" in table and "alike" not in table:
            table = table.assign(alike=table.cluster)
        if missing := [column for column in COLUMNS if column not in table]:
            raise BadInput(f"faces: the table lacks the columns {listed(missing)}")
        if len(table) != len(self.pixels):
            raise BadInput(f"faces: {len(self.pixels)} pictures but {len(table)} rows")
        if len(unknown := table.emotion[~table.emotion.isin(EMOTIONS)].unique()):
            raise BadInput(f"faces: not one of the eight emotions: {listed(unknown)}")
        if len(twice := table.photo[table.photo.duplicated()].unique()):
            raise BadInput(f"faces: photos that stand in the table more than once: {listed(twice)}")
        object.__setattr__(self, "table", table.loc[:, list(COLUMNS)].reset_index(drop=True))

    def __len__(self) -> int:
        return len(self.table)

    def __add__(self, other: "Faces") -> "Faces":
        """Both collections, this one first; cleaning reports are joined too. Raises BadInput if sizes differ."""
        if self.size != other.size:
            raise BadInput(f"faces: {self.name} has {self.size} pixels a side, {other.name} has {other.size}")
        return replace(
            self,
            pixels=np.concatenate([self.pixels, other.pixels]),
            table=pd.concat([self.table, other.table]),
            report=self.report + other.report,
        )

    def select(self, rows) -> "Faces":
        """The faces at `rows`: (n,) bool, or positions in the order wanted."""
        rows = np.asarray(rows)
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
        """sha256 over pixels and table: two collections with the same digest train the same nets."""
        sha = hashlib.sha256(f"{self.pixels.shape}".encode())
        sha.update(np.ascontiguousarray(self.pixels))
        sha.update(self.table.to_csv(index=False).encode())
        return sha.hexdigest()

    def save(self, folder: Path) -> Path:
        """Keep these faces at `folder`/<digest> (written beside it, then moved), unless they are there already."""
        final = Path(folder) / self.digest
        if final.exists():
            return final
        final.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=final.parent, prefix=".draft-"))
        draft.chmod(0o755)  # mkdtemp keeps all others out, on a cluster that means one's own workers' accounts
        try:
            np.save(draft / "pixels.npy", self.pixels)
            self.table.to_csv(draft / "table.csv", index=False)
            pd.DataFrame(self.report, columns=["what", "count", "which"]).to_csv(draft / "report.csv", index=False)
            (draft / "name.txt").write_text(self.name)
            os.rename(draft, final)
        except OSError:
            if not final.exists():  # else somebody else kept the very same faces meanwhile
                raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)  # nothing is left there if all went well
        return final

    @classmethod
    def open(cls, folder: Path) -> "Faces":
        """Faces kept by `save`; pixels are memory-mapped, so workers share them and memory stays small."""
        folder = Path(folder)
        table, report = (
            pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False) for name in ("table", "report")
        )
        return cls(
            pixels=np.load(folder / "pixels.npy", mmap_mode="r"),
            table=table,
            name=(folder / "name.txt").read_text(),
            report=tuple(
                (row.what, int(row.count_), row.which)
                for row in report.rename(columns={"count": "count_"}).itertuples()
            ),
        )
