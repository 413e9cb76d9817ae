"""Annotation files: who said which photo shows what. Read whatever their encoding, cleaned with everything counted."""

import contextlib
import csv
import difflib
import io
import re
from collections import defaultdict
from pathlib import Path, PureWindowsPath

import pandas as pd

from emoclass.data.images import EVERY, SUFFIXES
from emoclass.errors import InputError, listed
from emoclass.faces import COLUMNS
from emoclass.labels import EMOTION_OF, EMOTIONS, canonical

NAMES = {  # what people call the columns, the best name first
    "photo": ("photo", "image", "file", "filename", "file_name", "path", "image_name", "image_path", "img"),
    "label": ("emotion", "label", "class", "expression"),
    "subject": ("subject", "subject_id", "person", "person_id", "identity", "actor", "participant", "participant_id"),
    "source": ("source",), "annotator": ("annotator", "labeler", "user_id", "user"), "split": ("split", "usage"),
    "pixels": ("pixels",),
}  # fmt: skip
PARTS = {  # of a split; FER2013's public test is what its contest chose models by
    "train": "train training", "validation": "val valid validation dev publictest", "test": "test testing privatetest",
}  # fmt: skip
PART_OF = {word: part for part, words in PARTS.items() for word in words.split()}
# 0 to 6 beside FER2013's pixels; CK+ in the same form has 7 as well.
FER2013 = dict(
    zip("01234567", "anger disgust fear happiness sadness surprise neutral contempt".split())
)
NO_VOTE = ("unknown", "nf")  # FER+: cannot tell, and no face
UNDECIDED = "(votes undecided)"
HINTS = 5  # to look for what was meant takes a while


def climbs(name: str) -> bool:
    """Whether a file name may lead out of the folder that it is to be looked for in."""
    path = PureWindowsPath(name)  # knows both kinds of slash and drive letters
    return bool(path.anchor) or ".." in path.parts


def read(path: Path) -> pd.DataFrame:
    """An annotation file as text: `line`, `photo`, `label` and, if there, the other NAMES; unused columns as `"x"`.

    UTF-8, UTF-16 or Latin-1; comma, semicolon or tab. Without a header the columns are (annotator,) photo, emotion.
    Votes (FER+: a column for each emotion) become the label with most of them, or UNDECIDED. Raises InputError if it
    cannot be read or lacks a column, or naming every row of another width.
    """
    where = f"the annotation file {path}"
    try:
        text = io.StringIO(_decode(Path(path).read_bytes()), newline=None)
        first = text.readline()
        text.seek(0)
        lines = csv.reader(text, delimiter=max(",;\t", key=first.count), skipinitialspace=True)
        rows = [
            (lines.line_num, cells) for row in lines if any(cells := [cell.strip() for cell in row])
        ]
    except OSError as error:
        raise InputError(f"{where} cannot be read ({error.strerror})") from error
    except csv.Error as error:
        raise InputError(
            f"{where}, row {lines.line_num}: {error}: save it again as plain CSV"
        ) from error
    columns, headed = _columns(rows[0][1] if rows else [], where)
    first, width = rows[0][1], len(rows[0][1])
    if odd := [f"row {line} has {len(row)}" for line, row in rows if len(row) != width]:
        raise InputError(
            f"{where} has {width} cells in its first row, but {listed(odd, EVERY)}: mend them"
        )
    body = rows[1:] if headed else rows
    cells = pd.DataFrame([row for _, row in body], columns=range(width), dtype=object)
    table = pd.DataFrame(
        {"line": [line for line, _ in body], **{name: cells[at] for name, at in columns.items()}}
    )
    unused = {
        f'"{cell}"': cells[at]
        for at, cell in enumerate(first)
        if cell and at not in columns.values()
    }
    if "label" not in table:
        votes = {
            cell: unused.pop(f'"{cell}"')
            for cell in first
            if canonical(cell) or cell.lower() in NO_VOTE
        }
        table["label"] = _most_voted(pd.DataFrame(votes))
    table = table.assign(**unused)
    if "pixels" in table:
        table["photo"] = [f"fer{k:07d}.png" for k in range(len(table))]  # as FER+ numbers them
        table["label"] = [FER2013.get(label, label) for label in table.label]
    return table


def names_photos(path: Path) -> bool:
    """Whether `read` can make an annotation file of it."""
    try:
        return "photo" in read(path)
    except InputError:
        return False


def _most_voted(votes: pd.DataFrame) -> pd.Series:
    """The column of most votes in each row; UNDECIDED where several have as many, or it is no emotion."""
    words = votes.apply(lambda column: column.str.lower().replace({"true": "1", "false": "0"}))
    counts = words.apply(pd.to_numeric, errors="coerce").fillna(0).clip(lower=0)
    most = counts.eq(counts.max(axis=1), axis=0)
    decided = (most.sum(axis=1) == 1) & most.idxmax(axis=1).map(canonical).notna()
    return most.idxmax(axis=1).where(decided, UNDECIDED)


def _decode(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    for encoding in ("utf-8-sig", "cp1252"):  # the second is Excel's
        with contextlib.suppress(UnicodeDecodeError):
            return data.decode(encoding)
    return data.decode("latin-1")  # every byte is a letter there


def _columns(first: list[str], where: str) -> tuple[dict[str, int], bool]:
    """Where each column stands, and whether the first row is a header."""
    words = [re.sub(r"[\s_.-]+", "_", cell.lower()) for cell in first]
    found = {
        name: words.index(word)
        for name, choice in NAMES.items()
        for word in choice[::-1]
        if word in words
    }
    votes = sum(canonical(word) is not None for word in words)
    if found.keys() & {"photo", "pixels"} and ("label" in found or votes > 2):
        known = {*(word for choice in NAMES.values() for word in choice), *EMOTION_OF, *NO_VOTE}
        if twice := sorted({word for word in words if word in known and words.count(word) > 1}):
            raise InputError(f"{where} has several columns {listed(twice)}: keep one of each")
        return found, True
    if len(first) in (2, 3) and first[-2].lower().endswith(SUFFIXES):
        return dict(
            zip(("label", "photo", "annotator"), (len(first) - 1, len(first) - 2, 0)[: len(first)])
        ), False
    lacking = " or ".join(
        name for key, name in (("photo", "photo"), ("label", "emotion")) if key not in found
    )
    has = listed([repr(cell[:30]) for cell in first], 8) or "nothing"
    wanted = (
        "the columns photo and emotion (and subject, source, annotator, split if you know them)"
    )
    raise InputError(
        f"{where} lacks a column for the {lacking}: its first row has {has}, and should name {wanted}"
    )


def clean(rows: pd.DataFrame, ids: dict[str, str | None], where: str) -> tuple[pd.DataFrame, tuple]:
    """(table, report): one row per usable photo, sorted by photo, and what was done.

    rows   as `read` returns them; `where` is what errors call their file
    ids    content id of every photo on disk, by the name that the rows use
    Rows that repeat another are merged, photos labelled in two ways are dropped, the same content shares a
    duplicate_id named after the first. Raises InputError naming every row with an unknown label, a photo that is not
    there, a name that leads out of the folder, or a subject, source or split that contradicts another row's.
    """
    undecided, unused = (
        rows[rows.label == UNDECIDED],
        [name for name in rows if name.startswith('"')],
    )
    rows = rows[rows.label != UNDECIDED].reset_index(drop=True)
    rows["emotion"] = rows.label.map({label: canonical(label) for label in rows.label.unique()})
    # Where nothing says who is in it, each photo is its own subject.
    for column, default in (
        ("subject", rows.photo),
        ("source", "unknown"),
        ("annotator", "unknown"),
        ("split", ""),
    ):
        rows[column] = (
            rows[column].where(rows[column] != "", default) if column in rows else default
        )
    rows["split"] = rows.split.map(str.lower)
    if faults := _faults(rows, ids):
        advice = f"mend these rows (the emotions are {', '.join(EMOTIONS)}), or take them out"
        raise InputError(f"{where}: {listed(faults, EVERY)}: {advice}")
    pairs = rows.drop_duplicates(["photo", "emotion"])
    repeated = rows.photo[~rows.index.isin(pairs.index)].unique()
    contested = pairs[pairs.photo.duplicated(keep=False)].groupby("photo").emotion.agg(" or ".join)
    kept = pairs[~pairs.photo.isin(contested.index)].sort_values("photo").reset_index(drop=True)
    if kept.empty:
        raise InputError(
            f"{where} leaves no photo to work with: it needs rows that name a photo and its emotion"
        )
    content = kept.photo.map(ids)
    kept["parent"], kept["split"] = kept.photo, kept.split.map(PART_OF).fillna("")
    kept["duplicate_id"] = kept.photo.groupby(content).transform("first")
    twins = kept[content.duplicated(keep=False)].groupby("duplicate_id")
    unlike = twins.emotion.nunique().loc[lambda emotions: emotions > 1].index
    unnamed = sorted(set(ids) - set(rows.photo))
    renamed = rows[rows.label != rows.emotion]
    spelt = [
        f"{label} ({count:,})" for label, count in renamed.label.value_counts().sort_index().items()
    ]
    dropped = [f"{photo} ({both})" for photo, both in contested.items()]
    found = (
        ("rows in the annotation file", len(rows) + len(undecided), ()),
        *[("columns of the annotation file, not used", len(unused), unused)] * bool(unused),
        *[("rows whose votes name no one emotion, set aside", len(undecided), undecided.photo)]
        * bool(len(undecided)),
        ("labels brought to the usual spelling", len(renamed), spelt),
        ("rows that repeat another row, merged", len(rows) - len(pairs), repeated),
        ("photos named by the annotation file", rows.photo.nunique(), ()),
        ("photos that two rows label differently, dropped", len(contested), dropped),
        ("photos on disk without a row, set aside", len(unnamed), unnamed),
        (
            "pictures that bear several names, one cluster each",
            len(twins),
            twins.photo.agg(" = ".join),
        ),
        ("of these labelled differently, kept", len(unlike), unlike),
        ("photos to work with", len(kept), ()),
        ("subjects", kept.subject.nunique(), ()),
    )
    report = tuple((what, count, ", ".join(which)) for what, count, which in found)
    return kept[[column for column in COLUMNS if column in kept]], report


def _faults(rows: pd.DataFrame, ids: dict[str, str | None]) -> list[str]:
    """What is wrong, each cause with the rows that it spoils, in the order of the file."""
    faults = defaultdict(list)
    for row in rows[rows.emotion.isna()].itertuples():
        near = difflib.get_close_matches(row.label.lower(), EMOTION_OF, 1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        faults[
            f"{row.label!r} is no emotion{hint}" if row.label else "the emotion is missing"
        ].append(row.line)
    for row in rows[~rows.split.isin(["", *PART_OF])].itertuples():
        faults[f"{row.split!r} is no part of a split ({', '.join(PARTS)})"].append(row.line)
    for k, row in enumerate(rows[~rows.photo.isin(ids)].itertuples()):
        near = difflib.get_close_matches(row.photo, ids, 1) if k < HINTS else []
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        climbing, missing = (
            f"{row.photo!r} leads out of the folder",
            f"there is no photo {row.photo!r}{hint}",
        )
        faults[climbing if climbs(row.photo) else missing].append(row.line)
    for column in ("subject", "source", "split"):
        distinct = rows.drop_duplicates(["photo", column])
        for row in distinct[distinct.photo.duplicated()].itertuples():
            faults[f"another row gives {row.photo!r} another {column}"].append(row.line)
    ordered = sorted(faults.items(), key=lambda fault: fault[1][0])
    return [
        f"{why}: {len(at):,} rows ({listed(at, 8)})" if at[1:] else f"row {at[0]}: {why}"
        for why, at in ordered
    ]
