"""`emoclass audit`: which pictures stand twice, in a folder or on both sides of a split; as text, CSV and one page."""

import base64
import hashlib
import html
import os
import sys
import textwrap
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from emoclass.data import layouts, load_faces
from emoclass.data.copies import COMPARED
from emoclass.data.images import SUFFIXES, blob_ids, load_images, names_below
from emoclass.data.near_duplicates import SIZE
from emoclass.data.subjects import read_off
from emoclass.errors import InputError
from emoclass.faces import UNKNOWN
from emoclass.files import write_text
from emoclass.labels import canonical
from emoclass.leakage import find_copies
from emoclass.splits import connected, stratified_parts

KINDS = ("same file", "near-duplicate", "augmented copy")
SHOWN, ON_PAGE = 20, 300  # pairs
EQUAL = 100  # files; of more that are one, each is paired with the first alone
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Audit: contains photos</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>:root{{color-scheme:light dark}}body{{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:auto;
padding:1rem}}
ul{{list-style:none;padding:0;display:grid;grid-template-columns:repeat(auto-fill,minmax(16rem,1fr));gap:1rem}}
li{{border:1px solid #8888;border-radius:.5rem;padding:.5rem;overflow-wrap:anywhere;font-size:.8rem}}
img{{width:48%}}h1{{font-size:1.4rem}}table{{border-collapse:collapse;font-size:.85rem}}.box{{overflow-x:auto}}
td,th{{padding:.1rem .6rem;text-align:right;white-space:nowrap}}</style>
<p><strong>Contains photos.</strong> For their owner's eyes: do not publish this page.</p>
<h1>{verdict}</h1><p>{subjects}</p><div class="box">{table}</div><p>{count}</p><ul>{pairs}</ul></html>
"""


def pictures(path: str) -> tuple[pd.DataFrame, np.ndarray]:
    """(table, pixels) of all pictures in a folder and below, or of a data set by name: (n, 48, 48) uint8.

    table    `photo`, relative to the folder; `emotion`, `split` and `subject` as an annotation file or the folders
             have them, or ""; `id` of its content
    Raises InputError if there is no picture, or naming all that cannot be read.
    """
    home = Path(path).expanduser()
    if path in ("muxspace", "synthetic") or (home.suffix.lower() == ".csv" and not home.is_dir()):
        faces = load_faces(path)
        ids = [
            hashlib.sha1(picture.tobytes(), usedforsecurity=False).hexdigest()
            for picture in faces.pixels
        ]
        return _parted(
            faces.table[["photo", "emotion", "split", "subject"]].assign(id=ids)
        ), faces.pixels
    if home.is_file():
        raise InputError(f"{home} is one file: name the folder, or a csv of pixels (.csv)")
    names = [name for name in names_below(home) if name.lower().endswith(SUFFIXES)]
    layout = _known(home)
    known = [
        name if layout and name in layout.ids else name.removeprefix("images/") for name in names
    ]
    if layout and not set(known) & set(layout.ids):  # a csv of pixels
        return pictures(layout.where)
    if not names:
        what = f"no pictures in {home}" if home.is_dir() else f"there is no folder {home}"
        raise InputError(f"{what}: name one that holds pictures ({', '.join(SUFFIXES)})")
    paths = [f"{home}/{name}" for name in names]
    table = pd.DataFrame({"photo": names, "id": blob_ids(paths), "subject": ""})
    table["emotion"] = [canonical(layouts.emotion_folder(name).name) or "" for name in names]
    table["split"] = [layouts.part_of(name) for name in names]
    if layout:
        rows = layout.rows
        absent = rows.photo[~rows.photo.isin(list(layout.ids))]
        words = [part for part in rows.split if part and not layouts.part_of(f"{part}/")]
        without_picture = (
            "rows of the annotation file without a picture",
            len(absent),
            ", ".join(absent.unique()),
        )
        unknown_part = (
            "rows whose split is no part that is known",
            len(words),
            ", ".join(sorted(set(words))),
        )
        for what, count, which in (*layout.notes, without_picture, unknown_part):
            if count:
                print(f"{what}: {count:,} {textwrap.shorten(which, 200)}", file=sys.stderr)
        rows = (
            rows.drop(columns="line")
            .drop_duplicates("photo")
            .set_index("photo")
            .reindex(known, fill_value="")
        )
        rows["emotion"] = [canonical(label) or "" for label in rows.label]
        rows["split"] = [layouts.part_of(f"{part}/") for part in rows.split]
        table.update(rows.set_axis(table.index).where(lambda said: said != ""))
    table = _parted(table)
    pixels = load_images(paths, SIZE, table.id)
    # Of names that are no UTF-8 (a zip archive from elsewhere) what can be printed.
    table["photo"] = [os.fsencode(name).decode("utf-8", "backslashreplace") for name in names]
    return table, pixels


def _parted(table: pd.DataFrame) -> pd.DataFrame:
    """What lies beside a test or validation part is trained on; one part alone is no split."""
    parts, split = set(table.split), table.split
    if parts & {"test", "validation"} and "train" not in parts:
        split = split.replace("", "train")
    return table.assign(split=split if len(parts) > 1 else "")


def _known(home: Path) -> layouts.Layout | None:
    """What is said of the pictures there; None, and why on stderr if somebody meant to say something."""
    try:
        return layouts.look(home)
    except (
        InputError
    ) as error:  # pictures of which nobody says what they show may be compared as well
        if [*home.glob("*.[cC][sS][vV]"), *home.glob("*/*.[cC][sS][vV]")]:
            print(f"labels and split are taken from the folders alone: {error}", file=sys.stderr)
        return None


def find_pairs(table: pd.DataFrame, pixels: np.ndarray, first: int | None = None) -> pd.DataFrame:
    """Every pair of pictures that are, or were made from, one: positions `one`, `other`; `kind`; `correlation`.

    What somebody has to look at stands first: pairs of training and test, and augmented copies.
    first    only pairs of one of the first so many pictures and one of the rest
    The test is searched for what is trained on first of all: `find_copies` names each picture's most alike, which in
    its own part may all be stills of the same scene.
    """
    n, ids = len(table), pd.factorize(table.id)[0]
    in_test = (
        (table.split == (_tested(table) or "nothing")).to_numpy()
        if first is None
        else np.arange(n) < first
    )
    head = pd.Series(np.arange(n)).groupby([ids, in_test]).transform("first").to_numpy()
    heads = np.unique(head)  # of equal files on one side one is searched
    ours, theirs = heads[in_test[heads]], heads[~in_test[heads]]
    one = ours[np.isin(ids[ours], ids[theirs])]
    same = [
        pd.DataFrame({"one": one, "other": pd.Series(theirs, ids[theirs])[ids[one]].to_numpy()})
    ]
    found = [_search(pixels, ours, theirs)]
    if first is None:
        same.append(pd.DataFrame({"one": heads, "other": heads}))
        found += [_search(pixels, side, side) for side in (theirs, ours)]
    pairs = pd.concat([pd.concat(same).assign(kind=KINDS[0], correlation=1.0), *found])
    while first is None:
        family = connected(n, pairs.one.to_numpy(), pairs.other.to_numpy())
        copies = pairs.loc[pairs.kind != KINDS[0], ["one", "other"]].to_numpy()
        full = np.bincount(copies.ravel(), minlength=n) >= COMPARED
        heads = heads[np.unique(family[heads], return_index=True)[1]]
        more = _search(
            pixels, heads[np.isin(family[heads], family[full])], heads
        )  # more than it could name
        more = more[family[more.one] != family[more.other]]
        if more.empty:
            break
        pairs = pd.concat([pairs, more])
    pairs = _with_equals(pairs, head)
    within, kind = in_test[pairs.one] == in_test[pairs.other], pairs.kind.map(KINDS.index)
    return pairs.iloc[np.lexsort([-pairs.correlation, -kind, within])].reset_index(drop=True)


def _with_equals(pairs: pd.DataFrame, head: np.ndarray) -> pd.DataFrame:
    """The pairs of heads and of the files equal to them (`head` of each); of over EQUAL, enough to link all."""
    rows, few = (
        pd.DataFrame({"head": head, "row": np.arange(len(head))}),
        np.bincount(head) <= EQUAL,
    )

    def spread(some: pd.DataFrame, side: str) -> pd.DataFrame:
        return (
            some.rename(columns={side: "head"})
            .merge(rows, on="head")
            .rename(columns={"row": side})[list(pairs)]
        )

    small = few[pairs.one] & few[pairs.other]
    large = [spread(pairs[~small], side) for side in ("one", "other")]
    pairs = pd.concat([spread(spread(pairs[small], "one"), "other"), *large])
    pairs[["one", "other"]] = np.sort(pairs[["one", "other"]], axis=1)
    return pairs[pairs.one != pairs.other].drop_duplicates(["one", "other"])


def _search(pixels: np.ndarray, ours: np.ndarray, theirs: np.ndarray) -> pd.DataFrame:
    """`find_copies` of ours among theirs, pictures at these positions, or within one array; its pairs by position."""
    shown = (
        (lambda line: print(f"\r{line}", end="", file=sys.stderr, flush=True))
        if sys.stderr.isatty()
        else str
    )
    copies = find_copies(pixels[theirs], None if ours is theirs else pixels[ours], say=shown)
    copies = copies.rename(columns={"test": "one", "train": "other"})
    return copies.assign(one=ours[copies.one], other=theirs[copies.other])


def verdict(table: pd.DataFrame, pairs: pd.DataFrame) -> str:
    """What was found, in one sentence."""
    split, n, tested = table.split.to_numpy(), len(table), _tested(table)
    if not tested and pairs.empty:
        return f"No two of {n:,} pictures were made from one."
    if not tested:
        kinds = ", ".join(f"{(pairs.kind == kind).sum():,} x {kind}" for kind in KINDS)
        return f"{len({*pairs.one, *pairs.other}):,} of {n:,} pictures have a copy here ({kinds})."
    family = connected(n, pairs.one.to_numpy(), pairs.other.to_numpy())
    copied = (split == tested) & np.isin(
        family, family[split == "train"]
    )  # whose family is trained on
    ids, sides = pd.factorize(table.id)[0], pairs[["one", "other"]].to_numpy()
    one, other = ids[sides].ravel(), ids[sides[:, ::-1]].ravel()  # each pair from either side
    moved, across = (
        np.repeat(pairs.kind.to_numpy() == KINDS[2], 2),
        np.isin(other, ids[split == "train"]),
    )
    moved_across, as_is_across = (
        np.isin(ids, one[moved & across]),
        np.isin(ids, one[~moved & across]),
    )
    augmented = copied & (moved_across | (np.isin(ids, one[moved]) & ~as_is_across))
    n = (split == tested).sum()
    return (
        f"{copied.sum() / n:.0%} of the {tested} photos ({copied.sum():,} of {n:,}) have a copy in training; "
        f"{augmented.sum() / n:.0%} ({augmented.sum():,}) were augmented before the split."
    )


def subjects(table: pd.DataFrame, pairs: pd.DataFrame | None = None) -> str:
    """How many test photos are of somebody who is trained on, in one sentence; read off names if need be."""
    who, how = table.subject, "Subjects as the annotation file has them"
    if (who == "").all() or os.environ.get("EMOCLASS_SUBJECT"):
        alike = (
            np.empty((0, 2), int)
            if pairs is None
            else pairs[pairs.kind != KINDS[2]][["one", "other"]].to_numpy()
        )
        who, how = read_off(table.photo, table.emotion, alike)
    told = (who != "") & (who != table.photo)
    if not told.any() or who.str.startswith(UNKNOWN).any():
        return how if "unknown" in how else "Subjects unknown"
    part = _tested(table)
    tested, trained = (who[told & (table.split == each)] for each in (part, "train"))
    across = f"; {tested.isin(trained).sum():,} of {len(tested):,} {part} photos are of subjects in training"
    return (
        f"{how}, {who[told].nunique():,} subjects{across if len(tested) and len(trained) else ''}"
    )


def _tested(table: pd.DataFrame) -> str:
    """The part that is tested on what the part "train" teaches, "" if the pictures are not split."""
    parts = set(table.split)
    return next((part for part in ("test", "validation") if {part, "train"} <= parts), "")


def counts(table: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Pairs by the emotion and the splits of their two pictures, a column for each kind."""
    one, other = (
        table.iloc[pairs[side]].replace("", "-").reset_index(drop=True) for side in ("one", "other")
    )
    where = pd.Series(
        [" / ".join(sorted(both)) for both in zip(one.split, other.split)], name="splits"
    )
    kind = pd.Series(pd.Categorical(pairs.kind, categories=KINDS), name="pairs")
    found = pd.crosstab([one.emotion, where], kind, dropna=False)
    return found[found.sum(axis=1) > 0]


def fixed_split(table: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """`photo`, `emotion`, `split`: all made from one on one side, in training if any of them is there.

    Where the folder has no split, a fifth of each emotion is dealt to the test, as nearly as that goes.
    """
    family = connected(len(table), pairs.one.to_numpy(), pairs.other.to_numpy())
    if (table.split == "").all():
        fifths = min(5, table.emotion.value_counts().max(), len(np.unique(family)))
        if fifths < 2:
            raise InputError("--fix has too few pictures to deal: all would be on one side")
        dealt = stratified_parts(table.emotion, family, fifths)
        shares = pd.crosstab(table.emotion, dealt, normalize="index")
        split = np.where(dealt == (shares - 1 / fifths).abs().mean().idxmin(), "test", "train")
    else:
        parts = ["train", "validation", "test", ""]
        split = table.split.map(parts.index).groupby(family).transform("min").map(parts.__getitem__)
    return pd.DataFrame({"photo": table.photo, "emotion": table.emotion, "split": split})


def page(table: pd.DataFrame, pixels: np.ndarray, pairs: pd.DataFrame) -> str:
    """One self-contained HTML page with the pairs side by side."""
    names = [html.escape(name) for name in table.photo]

    def picture(row: int) -> str:
        drawn = cv2.imencode(
            ".png", cv2.resize(pixels[row], (144, 144), interpolation=cv2.INTER_CUBIC)
        )[1]
        return f'<img alt="{names[row]}" src="data:image/png;base64,{base64.b64encode(drawn).decode()}">'

    items = [
        f"<li>{picture(pair.one)} {picture(pair.other)}<br>{pair.kind}, {pair.correlation:.3f}<br>"
        f"{names[pair.one]}<br>{names[pair.other]}</li>"
        for pair in pairs.head(ON_PAGE).itertuples()
    ]
    count = f"{len(pairs):,} pairs" + (
        f", of which {ON_PAGE} are shown" if len(pairs) > ON_PAGE else ""
    )
    counted = counts(table, pairs).to_html(border=0) if len(pairs) else ""
    said = dict(
        verdict=html.escape(verdict(table, pairs)),
        subjects=html.escape(f"{subjects(table, pairs)}."),
    )
    return PAGE.format(**said, table=counted, count=count, pairs="".join(items))


def leak_report(path="", train="", test="", csv="", html_file="", fix="", say=print) -> int:
    """Write what is asked for and say what stands twice; the number of pairs. Raises InputError as `pictures` does."""
    if bool(path) == bool(train or test) or bool(train) != bool(test) or (fix and not path):
        raise InputError(
            "audit takes one folder, or --train and --test together; --fix needs the one folder"
        )
    _refuse_unwritable(
        [Path(file).expanduser().resolve() for file in (csv, html_file, fix) if file]
    )
    if path:
        table, pixels = pictures(path)
        first, heads = None, ("one", "other")
    else:
        one, two = (Path(side).expanduser().resolve() for side in (train, test))
        if one.exists() and (one == two or one in two.parents or two in one.parents):
            raise InputError(
                f"--train {one} and --test {two} overlap: name two folders of which none holds the other"
            )
        (tested, ours), (trained, theirs) = pictures(test), pictures(train)
        table = pd.concat(
            [tested.assign(split="test"), trained.assign(split="train")], ignore_index=True
        )
        pixels, first, heads = np.concatenate([ours, theirs]), len(tested), ("test", "train")
    subjects(table)  # refuses a pattern that does not fit, before a search of minutes
    pairs = find_pairs(table, pixels, first)
    named = pairs.assign(**{side: table.photo.to_numpy()[pairs[side]] for side in ("one", "other")})
    named = named.rename(columns=dict(zip(("one", "other"), heads))).round({"correlation": 4})
    files = {csv: lambda: named.to_csv(index=False), html_file: lambda: page(table, pixels, pairs)}
    files[fix] = lambda: fixed_split(table, pairs).to_csv(index=False)
    written, faults = [], []
    for file in filter(
        None, files
    ):  # before anything is said: who reads the first lines alone gets them too
        try:
            write_text(file, files[file]())
            written.append(f"written: {file}")
        except InputError as error:
            faults.append(str(error))
        except OSError as error:
            faults.append(f"{file} cannot be written ({error.strerror or error})")
    for line in (verdict(table, pairs), f"{subjects(table, pairs)}.\n", *written):
        say(line)
    if len(pairs):
        rest = (
            f"\n... and {len(pairs) - SHOWN:,} more pairs (--csv FILE has all)"
            if len(pairs) > SHOWN
            else ""
        )
        say(
            f"{counts(table, pairs).to_string()}\n\n{named.head(SHOWN).to_string(index=False)}{rest}"
        )
    if faults:
        raise InputError("; ".join(faults))
    return len(pairs)


def _refuse_unwritable(files: list[Path]) -> None:
    """InputError naming every file that cannot be written, before a search of minutes."""
    wrong = [f"{file} is named twice" for file in sorted(set(files)) if files.count(file) > 1]
    for file in files:
        above = next(folder for folder in file.parents if folder.exists())
        if file.exists() and not file.is_file():
            wrong.append(f"{file} is {'a folder' if file.is_dir() else 'no ordinary file'}")
        elif not above.is_dir() or not os.access(above, os.W_OK):
            wrong.append(f"{file} cannot be written in {above}")
    if wrong:
        raise InputError("; ".join(wrong))
