"""What was read: pictures with their labels, parts and groups, and what was set aside."""

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from splitaudit.errors import InputError, listed
from splitaudit.gather import Unreadable, gather
from splitaudit.pictures import Pictures
from splitaudit.progress import SILENT, Reporter
from splitaudit.sources import Source
from splitaudit.words import PARTS

NAMED = 10  # offenders; the rest is counted


@dataclass(frozen=True)
class Note:
    """Something that was set aside, or read otherwise than it is written.

    Args:
        what: In words: "files that are no pictures, set aside".
        count: How many.
        names: Which, or some of them.
    """

    what: str
    count: int
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        named = f" ({listed(self.names, NAMED)})" if self.names else ""
        return f"{self.what}: {self.count:,}{named}"


@dataclass
class CleaningReport:
    """How a collection was read; prints itself.

    Args:
        source: The folder or file.
        n_pictures: Pictures to work with.
        labels: Where the labels are from, in words.
        split: Where the split is from, or that none was found.
        groups: Who or what the groups are, or that they are unknown.
        notes: What was set aside or read otherwise.
        unreadable: Files that are no pictures that can be used, each with its reason.
    """

    source: str
    n_pictures: int = 0
    labels: str = ""
    split: str = ""
    groups: str = ""
    notes: list[Note] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)

    def note(self, what: str, names: list[str], count: int | None = None) -> None:
        """Remember what happened to these, if there are any."""
        number = len(names) if count is None else count
        if number:
            self.notes.append(Note(what, number, tuple(map(str, names))))

    def lines(self) -> list[str]:
        """What a user should know, a sentence each."""
        found = [f"{self.n_pictures:,} pictures in {self.source}"]
        for sentence in (self.labels, self.split, self.groups):
            if sentence and not sentence.startswith("groups unknown"):
                found.append(sentence)
        if self.unreadable:
            shown = listed(self.unreadable, NAMED)
            found.append(f"unreadable files, set aside: {len(self.unreadable):,} ({shown})")
        found.extend(map(str, self.notes))
        return found

    def __str__(self) -> str:
        return "\n".join(self.lines())


@dataclass
class Collection:
    """Pictures on disk and what is known of them.

    Args:
        name: What the folder or file is called.
        table: A row for each picture: `path` as it can be printed; `label`, `split` ("train",
            "validation", "test") and `group`, each "" where unknown. From an annotation file
            also `source`, `annotator` and `line`, if it has them.
        source: Where the pictures come from, in the table's order.
        report: How they were read.
    """

    name: str
    table: pd.DataFrame
    source: Source
    report: CleaningReport

    def __len__(self) -> int:
        return len(self.table)

    def select(self, rows: np.ndarray) -> "Collection":
        """The pictures at these positions."""
        table = self.table.iloc[rows].reset_index(drop=True)
        return replace(self, table=table, source=self.source.selected(np.asarray(rows)))

    def rows_of(self, part: str) -> np.ndarray:
        """(k,) int64: the positions of a part's pictures."""
        return np.flatnonzero((self.table["split"] == part).to_numpy())

    def parts(self) -> list[str]:
        """The parts of its split, train first; none if it has no split."""
        present = set(self.table["split"])
        return [part for part in PARTS if part in present]

    def load(self, reporter: Reporter = SILENT) -> tuple["Collection", Pictures]:
        """Decode everything; unreadable files are named in the report and set aside.

        Returns:
            The collection of the readable pictures, and those.

        Raises:
            InputError: No picture can be read.
        """
        gathered = gather(self.source, reporter)
        if not len(gathered.rows):
            what = f"none of the {len(self):,} pictures in {self.report.source} can be read"
            raise InputError(f"{what}: {listed(gathered.unreadable, NAMED)}")
        found = self
        if len(gathered.rows) < len(self):
            found = self.select(gathered.rows)
        unreadable = [*self.report.unreadable, *gathered.unreadable]
        report = replace(self.report, n_pictures=len(found), unreadable=unreadable)
        return replace(found, report=report), gathered.pictures
