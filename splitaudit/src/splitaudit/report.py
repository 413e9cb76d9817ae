"""What an audit found: pairs, verdict, counts; as text, csv, json, one page; and a split mended."""

import json
import os
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from splitaudit.collection import CleaningReport
from splitaudit.counts import KINDS, LeakCounts, count_leaks
from splitaudit.decide import NEAR_DUPLICATE, SAME_FILE, SAME_SCENE, TRANSFORMED
from splitaudit.errors import InputError
from splitaudit.families import families_of, mended_split
from splitaudit.files import write_text
from splitaudit.page import page
from splitaudit.pictures import Pictures
from splitaudit.words import TRAIN

SHOWN = 20  # pairs in the terminal
COLUMNS = ("kind", "transformation", "score", "probability", "evidence")


@dataclass
class Report:
    """What was found; made by `audit`.

    Args:
        table: A row for each picture: `path`, `label`, `split`, `group`.
        pictures: The same, decoded.
        found: A row for each pair: `left` and `right` (positions in the table; the left one is
            of a part that is tested), `kind`, `transformation`, `score`, `probability`,
            `matrix`, `evidence`.
        part_counts: The counts of each part that is tested, test first; one without a part if
            there is no split.
        undecided: Pictures with a partner as alike as a copy, but too plain, or too like many
            others, to tell.
        reading: How the pictures were read, for each folder.
        search_all: Finds the pairs among all pictures, for `fixed_split`.

    Example:
        >>> report = audit("flowers/")
        >>> print(report.verdict)
        >>> report.pairs.query("probability > 0.99")
        >>> report.to_html("flowers.html")
    """

    table: pd.DataFrame
    pictures: Pictures
    found: pd.DataFrame
    part_counts: list[LeakCounts]
    undecided: int
    reading: list[CleaningReport]
    search_all: Callable[[], pd.DataFrame]
    _all_pairs: pd.DataFrame | None = field(default=None, repr=False)

    @property
    def has_split(self) -> bool:
        return bool(self.part_counts[0].part)

    @property
    def counts(self) -> LeakCounts:
        """Those of the test part; of validation if there is no test, of all without a split."""
        return self.part_counts[0]

    @property
    def leaks(self) -> bool:
        """Whether a picture is shown twice; the same scene does not count."""
        return any(counts.shown for counts in self.part_counts)

    @property
    def verdict(self) -> str:
        """What was found, in a sentence for each part."""
        return " ".join(map(str, self.part_counts))

    @property
    def pairs(self) -> pd.DataFrame:
        """Every pair by file names.

        Returns:
            `test` and `train` (`one` and `other` where there is no split), `kind`,
            `transformation`, `score`, `probability`, `evidence`; and each picture's class and,
            where several parts are tested, the test picture's part.
        """
        names = ("test", "train") if self.has_split else ("one", "other")
        pairs = pd.DataFrame(index=self.found.index)
        for side, name in zip(("left", "right"), names):
            pairs[name] = self.table["path"].to_numpy()[self.found[side]]
        for column in COLUMNS:
            pairs[column] = self.found[column]
        for side, name in zip(("left", "right"), names):
            pairs[f"{name}_label"] = self.table["label"].to_numpy()[self.found[side]]
        if self.has_split:
            pairs["part"] = self.table["split"].to_numpy()[self.found["left"]]
        return pairs

    def by_label(self) -> pd.DataFrame:
        """Pictures that show a picture elsewhere: how many of each class, and of what kind."""
        sides = ["left"] if self.has_split else ["left", "right"]
        tall = [self.found[[side, "kind"]].set_axis(["row", "kind"], axis=1) for side in sides]
        rows = pd.concat(tall)
        rows["rank"] = rows["kind"].map(KINDS.index)
        closest = rows.sort_values("rank").drop_duplicates("row")
        label = self.table["label"].replace("", "(no class)")
        kinds = pd.Categorical(closest["kind"], categories=KINDS)
        counts = pd.crosstab(label.loc[closest["row"]].to_numpy(), kinds, dropna=False)
        tested = self.table["split"] != TRAIN if self.has_split else slice(None)
        counts.insert(0, "pictures", label[tested].value_counts())
        counts.index.name = "class"
        counts.columns.name = None
        return counts.fillna(0).astype(int).sort_index(key=_natural)

    def sentences(self) -> list[str]:
        """What else should be known, in sentences."""
        found = []
        for counts in self.part_counts:
            what = f"{counts.part} pictures" if counts.part else "pictures"
            another = "one in training" if counts.part else "another"
            if counts.same_scene:
                found.append(
                    f"{counts.same_scene:,} {what} show the same scene as {another} (a moment "
                    "later, the next slice): no copies, and not counted."
                )
        if self.undecided:
            pictures = "picture is" if self.undecided == 1 else "pictures are"
            found.append(
                f"{self.undecided:,} {pictures} undecided: too plain, or too like many others, "
                "to be told from a copy."
            )
        named = self.found[self.found["evidence"].str.startswith("names: made from")]
        if len(named):
            example = named.iloc[0]
            left, right = self.table["path"].iloc[[example["left"], example["right"]]]
            found.append(
                f"{len(named):,} pairs bear names of one origin, such as {left} = {right}."
            )
        found.extend(self._groups())
        return found

    def _groups(self) -> list[str]:
        """How many pictures are of somebody in training."""
        if not self.has_split:
            return []
        found = []
        trained = set(self.table["group"][self.table["split"] == TRAIN]) - {""}
        for counts in self.part_counts:
            groups = self.table["group"][self.table["split"] == counts.part]
            told = groups[groups != ""]
            if trained and len(told):
                shared = int(told.isin(trained).sum())
                found.append(
                    f"{shared:,} of {len(told):,} {counts.part} pictures are of groups (people, "
                    "patients, clips) that training has as well."
                )
        return found

    def __str__(self) -> str:
        lines = [self.verdict, *self.sentences()]
        if len(self.found):
            lines.extend(["", self.by_label().to_string(), ""])
            lines.extend(self._examples())
        for reading in self.reading:
            lines.append("")
            lines.append(str(reading))
        return "\n".join(lines)

    def _examples(self) -> list[str]:
        """A line for the most certain pair of each of some pictures."""
        pairs = self.pairs
        left, right = pairs.columns[:2]
        lines = []
        for _, pair in pairs.drop_duplicates(left).head(SHOWN).iterrows():
            facts = [pair["transformation"], f"probability {pair['probability']:.3f}"]
            facts.append(pair["evidence"])
            told = "; ".join(filter(None, facts))
            lines.append(f"{pair['kind']}: {pair[left]} = {pair[right]} ({told})")
        rest = len(pairs) - len(lines)
        if rest:
            lines.append(f"... and {rest:,} more pairs (--csv FILE or to_csv has all)")
        return lines

    def to_csv(self, path: os.PathLike | str) -> None:
        """Write every pair, a line each; raises InputError if that cannot be."""
        write_text(Path(path), self.pairs.to_csv(index=False, lineterminator="\n"))

    def to_json(self, path: os.PathLike | str) -> None:
        """Write verdict, counts, reading and every pair; raises InputError if that cannot be."""
        content = {
            "verdict": self.verdict,
            "leaks": self.leaks,
            "undecided": self.undecided,
            "counts": [asdict(counts) for counts in self.part_counts],
            "reading": [reading.lines() for reading in self.reading],
            "pairs": json.loads(self.pairs.to_json(orient="records")),
        }
        write_text(Path(path), json.dumps(content, indent=1, ensure_ascii=False) + "\n")

    def to_html(self, path: os.PathLike | str) -> None:
        """Write one page with the pairs side by side, pictures in it: for the owner's eyes.

        Raises:
            InputError: The file cannot be written.
        """
        write_text(Path(path), page(self))

    def fixed_split(self) -> pd.DataFrame:
        """A split that keeps together what shows one picture or one scene.

        What training has goes to training. Where there is no split, about a fifth of each class
        becomes the test.

        Returns:
            `path`, `label`, `split` of every picture.

        Raises:
            InputError: All pictures would be on one side.
        """
        if self._all_pairs is None:
            self._all_pairs = self.search_all()
        pairs = pd.concat([self.found, self._all_pairs])
        family = families_of(len(self.table), pairs["left"], pairs["right"])
        split = mended_split(self.table, family)
        if split.nunique() < 2:
            raise InputError("no split can be made: all pictures belong together, or are too few")
        return self.table[["path", "label"]].assign(split=split.to_numpy())


def _natural(names: pd.Index) -> pd.Index:
    """Numbers in the order of numbers."""
    return names.map(lambda name: re.sub(r"\d+", lambda found: found[0].zfill(9), name))


def make_report(
    table: pd.DataFrame,
    pictures: Pictures,
    found: pd.DataFrame,
    undecided: int,
    reading: list[CleaningReport],
    search_all: Callable[[], pd.DataFrame],
) -> Report:
    """A report with its counts; pairs in the order in which somebody wants to see them."""
    parts = [part for part in ("test", "validation") if (table["split"] == part).any()]
    counts = []
    for part in parts or [""]:
        rows = np.flatnonzero(table["split"] == part)
        counts.append(count_leaks(part, rows, found))
    order = {TRANSFORMED: 0, SAME_FILE: 1, NEAR_DUPLICATE: 2, SAME_SCENE: 3}
    rank = found["kind"].map(order)
    found = found.assign(rank=rank).sort_values(
        ["rank", "probability", "score"], ascending=[True, False, False], kind="stable"
    )
    found = found.drop(columns="rank").reset_index(drop=True)
    return Report(table, pictures, found, counts, undecided, reading, search_all)
