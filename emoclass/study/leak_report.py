"""`emoclass audit`: which pictures stand twice, in a folder or on both sides of a split; as text, CSV and one page."""

import base64
import html
import os
import sys
import textwrap
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold

from emoclass.data import layouts, load_faces
from emoclass.data.annotations import PART_OF
from emoclass.data.images import SUFFIXES, blob_ids, load_images, names_below
from emoclass.data.near_duplicates import SIZE
from emoclass.data.subjects import UNKNOWN, read_off
from emoclass.errors import InputError
from emoclass.files import write_text
from emoclass.labels import canonical
from emoclass.leakage import find_copies
from emoclass.splits import connected

KINDS = ("same file", "near-duplicate", "augmented copy")
SHOWN, ON_PAGE = 20, 300  # pairs
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
    if path in ("muxspace", "synthetic") or path.endswith(".csv"):
        faces = load_faces(path)
        return faces.table[["photo", "emotion", "split", "subject"]].assign(id=faces.table.duplicate_id), faces.pixels
    home = Path(path).expanduser()
    names = [name for name in names_below(home) if name.lower().endswith(SUFFIXES)]
    try:
        known = layouts.look(home)
    except InputError:  # pictures of which nobody says what they show may be compared as well
        known = None
    by_name = {name: name if known and name in known.ids else name.removeprefix("images/") for name in names}
    if known and not set(by_name.values()) & set(known.ids):  # a csv of pixels
        return pictures(known.where)
    if not names:
        what = f"no pictures in {home}" if home.is_dir() else f"there is no folder {home}"
        raise InputError(f"{what}: name one that holds pictures ({', '.join(SUFFIXES)})")
    paths = [f"{home}/{name}" for name in names]
    table = pd.DataFrame({"photo": names, "id": blob_ids(paths), "subject": ""})
    table["emotion"] = [canonical(layouts.emotion_folder(name)) or "" for name in names]
    table["split"] = [layouts.part_of(name) for name in names]
    if known:
        for what, count, which in known.notes:
            print(f"{what}: {count:,} {textwrap.shorten(which, 200)}", file=sys.stderr)
        rows = known.rows.drop_duplicates("photo").set_index("photo").reindex(by_name.values()).fillna("")
        said = {"emotion": [canonical(label) or "" for label in rows.label], "subject": rows.get("subject", "")}
        said["split"] = [PART_OF.get(part.lower(), "") for part in rows.split]
        for column, values in said.items():
            values = pd.Series(values, rows.index).to_numpy()
            table[column] = np.where(values != "", values, table[column])
    pixels = load_images(paths, SIZE, table.id)
    # Of names that are no UTF-8 (a zip archive from elsewhere) what can be printed.
    table["photo"] = [os.fsencode(name).decode("utf-8", "backslashreplace") for name in names]
    return table, pixels


def find_pairs(table: pd.DataFrame, pixels: np.ndarray, first: int | None = None) -> pd.DataFrame:
    """Every pair of pictures that are, or were made from, one: positions `one`, `other`; `kind`; `correlation`.

    first    only pairs of one of the first so many pictures and one of the rest
    """
    same = [pair for rows in table.groupby("id").indices.values() for pair in combinations(rows, 2)]
    same = pd.DataFrame(same, columns=["one", "other"], dtype=np.int64).assign(kind=KINDS[0], correlation=1.0)
    tell = print if sys.stderr.isatty() else lambda *_, **__: None
    collections = (pixels,) if first is None else (pixels[first:], pixels[:first])
    copies = find_copies(*collections, say=lambda line: tell(f"\r{line}", end="", file=sys.stderr, flush=True))
    copies = copies.rename(columns={"test": "one", "train": "other"})
    copies["other"] += first or 0
    pairs = pd.concat([same, copies]).drop_duplicates(["one", "other"])
    if first is not None:
        pairs = pairs[(pairs.one < first) & (pairs.other >= first)]
    order = pairs.kind.map(KINDS.index)
    return pairs.assign(order=order).sort_values(["order", "correlation"], ascending=[True, False])[list(same)]


def verdict(table: pd.DataFrame, pairs: pd.DataFrame) -> str:
    """What was found, in one sentence."""
    split, n, tested = table.split.to_numpy(), len(table), _tested(table)
    if not tested and pairs.empty:
        return f"No two of {n:,} pictures were made from one."
    if not tested:
        found = set(pairs.one) | set(pairs.other)
        kinds = ", ".join(f"{(pairs.kind == kind).sum():,} x {kind}" for kind in KINDS)
        return f"{len(found):,} of {n:,} pictures have a copy here ({kinds})."
    family = connected(n, pairs.one.to_numpy(), pairs.other.to_numpy())
    moved = pairs[pairs.kind == KINDS[2]]
    copied = (split == tested) & np.isin(family, family[split == "train"])  # whose family is trained on
    augmented = copied & np.isin(np.arange(n), [moved.one, moved.other])
    n = (split == tested).sum()
    return (
        f"{copied.sum() / n:.0%} of the {tested} photos ({copied.sum():,} of {n:,}) have a copy in training; "
        f"{augmented.sum() / n:.0%} ({augmented.sum():,}) were augmented before the split."
    )


def subjects(table: pd.DataFrame, pairs: pd.DataFrame) -> str:
    """How many test photos are of somebody who is trained on, in one sentence; read off names if need be."""
    who, how = table.subject, "Subjects as the annotation file has them"
    if (who == "").all():
        alike = pairs[pairs.kind != KINDS[2]]
        who, how = read_off(table.photo, table.emotion, alike[["one", "other"]].to_numpy())
    if (who == table.photo).all() or who.str.startswith(UNKNOWN).any():
        return how if "unknown" in how else "Subjects unknown"
    part, known = _tested(table), (who != "") & (who != table.photo)
    tested, trained = (who[known & (table.split == each)] for each in (part, "train"))
    across = f"; {tested.isin(trained).sum():,} of {len(tested):,} {part} photos are of subjects in training"
    return f"{how}, {who.nunique():,} subjects{across if part else ''}"


def _tested(table: pd.DataFrame) -> str:
    """The part that is tested on what the part "train" teaches, "" if the pictures are not split."""
    parts = set(table.split)
    return next((part for part in ("test", "validation") if {part, "train"} <= parts), "")


def counts(table: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Pairs by the emotion and the splits of their two pictures, a column for each kind."""
    one, other = (table.iloc[pairs[side]].reset_index(drop=True) for side in ("one", "other"))
    sides = zip(one.split.replace("", "-"), other.split.replace("", "-"))
    where = pd.Series([" / ".join(sorted(both)) for both in sides], name="splits")
    kind = pd.Categorical(pairs.kind, categories=KINDS)
    found = pd.crosstab([one.emotion.replace("", "-"), where], pd.Series(kind, name="pairs"), dropna=False)
    return found[found.sum(axis=1) > 0]


def fixed_split(table: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """`photo` and `split`, all pictures made from one on one side: in training if any of them is there.

    Where the folder has no split, a fifth of each emotion is dealt to the test.
    """
    family = connected(len(table), pairs.one.to_numpy(), pairs.other.to_numpy())
    if (table.split == "").all():
        fifths = min(5, table.emotion.value_counts().max(), len(np.unique(family)))
        if fifths < 2:
            raise InputError("--fix has too few pictures to deal: all would be on one side")
        deal = StratifiedGroupKFold(fifths, shuffle=True, random_state=0).split(family, table.emotion, family)
        split = np.where(np.isin(np.arange(len(table)), next(deal)[1]), "test", "train")
    else:
        together = table.split.groupby(family)
        split = together.transform(lambda some: "train" if (some == "train").any() else some.mode()[0])
    return pd.DataFrame({"photo": table.photo, "split": split})


def page(table: pd.DataFrame, pixels: np.ndarray, pairs: pd.DataFrame) -> str:
    """One self-contained HTML page with the pairs side by side."""

    def picture(row: int) -> str:
        drawn = cv2.imencode(".png", cv2.resize(pixels[row], (144, 144), interpolation=cv2.INTER_CUBIC))[1]
        name = html.escape(table.photo.iloc[row])
        return f'<img alt="{name}" src="data:image/png;base64,{base64.b64encode(drawn).decode()}">'

    items = [
        f"<li>{picture(pair.one)} {picture(pair.other)}<br>{pair.kind}, {pair.correlation:.3f}<br>"
        f"{html.escape(table.photo.iloc[pair.one])}<br>{html.escape(table.photo.iloc[pair.other])}</li>"
        for pair in pairs.head(ON_PAGE).itertuples()
    ]
    count = f"{len(pairs):,} pairs" + (f", of which {ON_PAGE} are shown" if len(pairs) > ON_PAGE else "")
    counted = counts(table, pairs).to_html(border=0) if len(pairs) else ""
    said = dict(verdict=html.escape(verdict(table, pairs)), subjects=html.escape(f"{subjects(table, pairs)}."))
    return PAGE.format(**said, table=counted, count=count, pairs="".join(items))


def leak_report(path="", train="", test="", csv="", html_file="", fix="", say=print) -> int:
    """Say what stands twice and write what is asked for; the number of pairs. Raises InputError as `pictures` does."""
    if bool(path) == bool(train or test) or bool(train) != bool(test) or (fix and not path):
        raise InputError("audit takes one folder, or --train and --test together; --fix needs the one folder")
    if path:
        table, pixels = pictures(path)
        first, heads = None, ("one", "other")
    else:
        (tested, ours), (trained, theirs) = pictures(test), pictures(train)
        table = pd.concat([tested.assign(split="test"), trained.assign(split="train")], ignore_index=True)
        pixels, first, heads = np.concatenate([ours, theirs]), len(tested), ("test", "train")
    pairs = find_pairs(table, pixels, first)
    say(verdict(table, pairs))
    say(f"{subjects(table, pairs)}.\n")
    named = pairs.assign(**{side: table.photo.to_numpy()[pairs[side]] for side in ("one", "other")})
    named = named.rename(columns=dict(zip(("one", "other"), heads))).round({"correlation": 4})
    written = {csv: lambda: named.to_csv(index=False), html_file: lambda: page(table, pixels, pairs)}
    written[fix] = lambda: fixed_split(table, pairs).to_csv(index=False)
    for file in filter(None, written):
        try:
            write_text(Path(file), written[file]())
        except OSError as error:
            raise InputError(f"{file} cannot be written ({error.strerror or error})") from error
        say(f"written: {file}")
    if len(pairs):
        rest = f"\n... and {len(pairs) - SHOWN:,} more pairs (--csv FILE has all)" if len(pairs) > SHOWN else ""
        say(f"{counts(table, pairs).to_string()}\n\n{named.head(SHOWN).to_string(index=False)}{rest}")
    return len(pairs)
