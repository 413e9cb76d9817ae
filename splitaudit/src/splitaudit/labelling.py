"""Which label each picture has: from annotation files, folders or names, and where they differ."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from splitaudit.annotations import UNDECIDED, Annotations, read_annotations
from splitaudit.collection import CleaningReport
from splitaudit.errors import InputError, listed
from splitaudit.files import file_of, printable, printables, relative_name, stem_of
from splitaudit.folders import Normalise, Parts, labels_of, labels_of_names
from splitaudit.groups import labels_in_known_names
from splitaudit.matching import Matched, match
from splitaudit.sources import Box
from splitaudit.words import RAF_DB_LIST, RAF_DB_NAME, RAF_DB_NUMBERS, part_of_word

NUMBERS_FILE = "labels.csv"
DEEPEST_TABLE = 3  # folders
LARGEST_TABLE = 200_000_000  # bytes
MATCHED = 0.1  # of a file's rows, or of the pictures, have to belong together
COLUMNS = ("label", "group", "split", "source", "annotator")


@dataclass
class Used:
    """An annotation file and the pictures that its rows mean."""

    found: Annotations
    matched: Matched
    name: str

    @property
    def share(self) -> float:
        files = [file for file in self.matched.files if file is not None]
        return len(files) / max(len(self.matched.files), 1)


@dataclass
class Labelling:
    """Fills in `label`, `split` and `group` of a table of pictures.

    Args:
        home: The folder.
        pictures: Their names in it.
        parts: What folders say of the split.
        table: `path`, `label`, `split`, `group`, `row` (which picture); changed by `apply`.
        report: Gets what was set aside.
        normalise: Gives a label's class, or None.
    """

    home: Path
    pictures: list[str]
    parts: Parts
    table: pd.DataFrame
    report: CleaningReport
    normalise: Normalise | None
    boxes: list[Box | None] = field(default_factory=list)

    def apply(self, legend: Annotations | None, tables: list[str]) -> list[Box | None]:
        """Take the labels from a legend, else from folders, else from tables, else from names.

        Args:
            legend: An annotation file that was named, or is called so.
            tables: Files that may be annotation files.

        Returns:
            A box for each picture, or nothing where whole pictures count.
        """
        if legend is not None:
            self._apply_files([self._use(legend)])
            return self.boxes
        by_folder = labels_of(self.parts.folders, self.normalise)
        candidates = self._candidates(tables)
        if any(by_folder):
            self.table["label"] = by_folder
            self.report.labels = "labels: the folders' names"
            self._complete_by_names()
            self._compare(candidates)
            self._fill_in(candidates)
        elif candidates:
            self._apply_files(candidates)
        else:
            self._apply_names()
        self._name_numbers()
        return self.boxes

    def _use(self, found: Annotations) -> Used:
        beside = relative_name(found.path.parent, self.home)
        names = list(found.rows["picture"]) if "picture" in found.rows else []
        if found.path.name == RAF_DB_LIST:
            names = self._aligned(names)
        matched = match(names, self.pictures, "" if beside == "." else beside)
        name = printable(relative_name(found.path, self.home))
        return Used(found, matched, name)

    def _aligned(self, names: list[str]) -> list[str]:
        """RAF-DB's list means the aligned pictures where they are there."""
        present = set(map(file_of, self.pictures))
        found = []
        for name in names:
            stem, dot, suffix = name.rpartition(".")
            aligned = f"{stem}_aligned{dot}{suffix}"
            found.append(aligned if aligned in present else name)
        return found

    def _candidates(self, tables: list[str]) -> list[Used]:
        """The tables whose rows name pictures that are there."""
        found = []
        for name in tables:
            path = self.home / name
            if name.count("/") >= DEEPEST_TABLE or path.stat().st_size > LARGEST_TABLE:
                continue
            try:
                annotations = read_annotations(path)
            except InputError:
                continue
            if "picture" not in annotations.rows or annotations.rows.empty:
                continue
            used = self._use(annotations)
            of_pictures = len(annotations.rows) * used.share / len(self.pictures)
            ambiguous = len(used.matched.ambiguous) > MATCHED * len(annotations.rows)
            if ambiguous or used.share > MATCHED or of_pictures > MATCHED:
                found.append(used)
        return found

    def _apply_files(self, files: list[Used]) -> None:
        """Labels, parts and groups as annotation files have them."""
        rows = pd.concat([self._rows(used) for used in files], ignore_index=True)
        several = len(files) > 1
        if several and "split" not in rows:
            rows["split"] = rows["table"].map(stem_of).map(part_of_word)
        named = listed(used.name for used in files)
        self.report.labels = f"labels from {named}"
        self._note_files(files, named)
        if "label" in rows:
            undecided = rows[rows["label"] == UNDECIDED]
            what = "rows whose votes name no one class, without a label"
            self.report.note(what, printables(undecided["file"]))
            rows.loc[undecided.index, "label"] = ""
        if "box" in rows and rows["box"].notna().any():
            self._apply_boxes(rows)
            return
        self._merge(rows)
        place = {picture: k for k, picture in enumerate(self.pictures)}
        without = set(place) - set(rows["file"])
        self.report.note(f"pictures without a row in {named}", sorted(map(printable, without)))

    def _rows(self, used: Used) -> pd.DataFrame:
        """The rows whose picture is there, with its `file`."""
        if used.matched.ambiguous:
            self._refuse_ambiguous(used)
        rows = used.found.rows.assign(file=used.matched.files, table=used.name)
        return rows[rows["file"].notna()]

    def _refuse_ambiguous(self, used: Used) -> None:
        name, files = next(iter(used.matched.ambiguous.items()))
        shown = " and ".join(map(printable, files[:2]))
        more = len(used.matched.ambiguous) - 1
        others = f" ({more:,} more names likewise)" if more else ""
        what = f"{name!r} in {used.name} is the name of {len(files)} pictures, {shown}{others}"
        raise InputError(f"{what}: write their folder before the name")

    def _note_files(self, files: list[Used], named: str) -> None:
        missing = []
        respelt = []
        unused = []
        for used in files:
            missing.extend(used.matched.missing)
            respelt.extend(used.matched.respelt)
            unused.extend(used.found.unused)
            if used.found.title_lines:
                lines = used.found.title_lines
                self.report.note(f"lines above the header of {used.name}", [], lines)
        filled = [name for name in missing if name]
        self.report.note(f"rows of {named} without a picture", filled)
        self.report.note("names that the annotation file writes otherwise than the disk", respelt)
        self.report.note("columns of the annotation file, not used", list(dict.fromkeys(unused)))

    def _merge(self, rows: pd.DataFrame) -> None:
        """One row for each picture; where rows contradict each other it stays without."""
        place = {picture: k for k, picture in enumerate(self.pictures)}
        columns = [column for column in COLUMNS if column in rows]
        repeated = rows.duplicated(["file", *columns])
        self.report.note("rows that repeat another row, merged", [], int(repeated.sum()))
        for column in columns:
            filled = rows[rows[column] != ""]
            distinct = filled.drop_duplicates(["file", column])
            contested = distinct["file"][distinct["file"].duplicated()].unique()
            what = f"pictures to which rows give more than one {column}, left without"
            self.report.note(what, printables(contested))
            values = filled[~filled["file"].isin(contested)].drop_duplicates("file")
            texts = list(values[column])
            if column == "split":
                texts = self._known_parts(texts)
            if column not in self.table:
                self.table[column] = ""
            position = self.table.columns.get_loc(column)
            at = [place[file] for file in values["file"]]
            if column == "split" and not any(texts):
                continue
            self.table.iloc[at, position] = texts

    def _known_parts(self, texts: list[str]) -> list[str]:
        known = {text: part_of_word(text) for text in set(texts)}
        unknown = sorted(text for text, part in known.items() if not part)
        count = sum(not known[text] for text in texts)
        self.report.note(f"rows whose split is no part that is known: {listed(unknown)}", [], count)
        return [known[text] for text in texts]

    def _apply_boxes(self, rows: pd.DataFrame) -> None:
        """A row for each box: several people in one photo are several pictures."""
        place = {picture: k for k, picture in enumerate(self.pictures)}
        boxed = rows[rows["box"].notna()].drop_duplicates(["file", "box"])
        n_without = len(rows) - int(rows["box"].notna().sum())
        self.report.note("rows without a box, set aside", [], n_without)
        at = [place[file] for file in boxed["file"]]
        table = self.table.iloc[at].reset_index(drop=True)
        for column in COLUMNS:
            if column in boxed:
                texts = list(boxed[column])
                table[column] = self._known_parts(texts) if column == "split" else texts
        self.boxes = list(boxed["box"])
        suffixes = [f"#{','.join(map(str, box))}" for box in self.boxes]
        table["path"] = table["path"] + pd.Series(suffixes, dtype=object)
        self.table = table
        n_files = boxed["file"].nunique()
        self.report.note(f"boxes, cut out of {n_files:,} pictures", [], len(boxed))

    def _compare(self, candidates: list[Used]) -> None:
        """A table that disagrees with the folders, which are believed, is named."""
        place = {picture: k for k, picture in enumerate(self.pictures)}
        for used in candidates:
            if "label" not in used.found.rows or used.matched.ambiguous:
                continue
            rows = self._rows(used)
            rows = rows[rows["label"] != UNDECIDED]
            at = rows["file"].map(place)
            rows = rows.assign(folder=self.table["label"].to_numpy()[at])
            meaning = rows.groupby("label")["folder"].agg(_most_frequent)
            differing = rows["label"].map(meaning) != rows["folder"]
            files = printables(rows["file"][differing])
            name = used.name
            what = f"pictures that {name} labels otherwise than their folders, which were used"
            self.report.note(what, files)
            if not files:
                agreeing = f"rows of {name}, which agrees with the folders that were used"
                self.report.note(agreeing, [], len(rows))

    def _fill_in(self, candidates: list[Used]) -> None:
        """A split and groups that only a table tells are taken from it."""
        for used in candidates:
            if used.matched.ambiguous:
                continue
            rows = self._rows(used)
            wanted = ["file"]
            if "group" in rows:
                wanted.append("group")
            if "split" in rows and not any(self.parts.parts):
                wanted.append("split")
            if len(wanted) > 1:
                self._merge(rows[wanted])

    def _complete_by_names(self) -> None:
        """Pictures without a class folder, as in the test part of some sets: `A_test.jpg`."""
        without = self.table.index[self.table["label"] == ""]
        classes = sorted(set(self.table["label"]) - {""})
        if not len(without) or self.normalise is not None:
            return
        paths = [self.pictures[row] for row in without]
        self.table.loc[without, "label"] = labels_of_names(paths, classes)
        left = self.table["path"][self.table["label"] == ""]
        self.report.note("pictures in no class folder, without a label", list(left))

    def _apply_names(self) -> None:
        """Labels that file names hold: JAFFE's codes, `crazing_12.jpg`."""
        labels = labels_in_known_names(self.pictures)
        if not any(labels):
            labels = labels_of_names(self.pictures, [])
        if self.normalise is not None:
            labels = [label if self.normalise(label) else "" for label in labels]
        self.table["label"] = labels
        self.report.labels = "labels: the files' names" if any(labels) else "no labels found"

    def _name_numbers(self) -> None:
        """Numbered labels as labels.csv names them, or RAF-DB if the pictures are called so."""
        labels = self.table["label"]
        numbers = {label for label in labels if label.isdigit()}
        if not numbers:
            return
        names = number_names(self.home / NUMBERS_FILE)
        files = list(map(file_of, self.pictures))
        if not names and all(map(RAF_DB_NAME.fullmatch, files)):
            names = RAF_DB_NUMBERS
        if names:
            self.table["label"] = [names.get(label, label) for label in labels]


def _most_frequent(names: pd.Series) -> str:
    return names.mode().iloc[0]


def number_names(path: Path) -> dict[str, str]:
    """Lines such as `3,happiness` as a dictionary; empty if the file is none of such lines."""
    if not path.is_file():
        return {}
    names = {}
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    for line in text.splitlines():
        number, comma, name = line.replace(";", ",").partition(",")
        if not comma or "," in name:
            return {}
        if number.strip().isdigit():
            names[number.strip()] = name.strip()
    return names


def normalise_labels(table: pd.DataFrame, report: CleaningReport, normalise: Normalise) -> None:
    """Bring `label` to the classes that `normalise` knows; "" where it knows none.

    Where it knows none of them, they are of another kind, and are kept as they are written.
    """
    written = list(table["label"])
    known = {label: normalise(label) or "" for label in set(written) if label}
    if known and not any(known.values()):
        report.note("labels that are none that is known, kept as they are", sorted(known))
        return
    found = [known.get(label, "") for label in written]
    strange = Counter()
    respelt = Counter()
    for label, name in zip(written, found):
        if label and not name:
            strange[repr(label)] += 1
        elif label != name:
            respelt[label] += 1
    what = "pictures whose label is none that is known, left without"
    report.note(what, _with_counts(strange), strange.total())
    report.note("labels brought to the usual spelling", _with_counts(respelt), respelt.total())
    table["label"] = found


def _with_counts(counts: Counter) -> list[str]:
    return [f"{name} ({count:,})" for name, count in counts.most_common()]
