"""Audits public data sets, checks each in another way, and draws pairs to look at.

    python benchmarks/survey.py CLONES --sheets SHEETS [--only NAME ...]
    python benchmarks/survey.py --table

CLONES holds a clone of each repository in a folder `owner+name`, at the commit named in
`survey_sets.py`; the second line writes the table of `docs/survey.md` anew. What was audited is
kept in `survey.json`, what somebody saw on the sheets in `survey_looked.csv`. Sheets hold pictures
of others: keep them out of the repository.
"""

import argparse
import json
import re
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from survey_check import plainly_equal
from survey_sets import SETS, DataSet

from splitaudit import Report, audit_pictures
from splitaudit.collection import CleaningReport
from splitaudit.decide import COPIES, SAME_SCENE
from splitaudit.pictures import Pictures
from splitaudit.read import read

HERE = Path(__file__).parent
RESULTS = HERE / "survey.json"
LOOKED = HERE / "survey_looked.csv"
PAGE = HERE.parents[1] / "docs" / "survey.md"
KINDS = (*COPIES, SAME_SCENE)
SHOWN = 24  # pairs of each kind on a sheet
COLUMNS = 4  # pairs beside each other
SIDE = 128  # pixels of a picture on a sheet
EXAMPLES = 2  # pairs of each kind whose names are kept
MOST = 10_000  # test pictures of a set


@dataclass
class Loaded:
    """The pictures of a set, decoded.

    Args:
        table: `path`, `label`, `split`.
        pictures: In the table's order, those that are tested first.
        reading: How they were read.
        tested: How many test pictures the set has, before some were drawn.
    """

    table: pd.DataFrame
    pictures: Pictures
    reading: list[CleaningReport]
    tested: int


def chosen(pictures: Pictures, rows: np.ndarray) -> Pictures:
    """Some of the pictures."""
    return Pictures(
        paths=[pictures.paths[row] for row in rows],
        file_digests=[pictures.file_digests[row] for row in rows],
        small=pictures.small[rows],
        boxes=pictures.boxes[rows],
        sizes=pictures.sizes[rows],
        load=lambda k: pictures.load(int(rows[k])),
    )


def joined(first: Pictures, second: Pictures) -> Pictures:
    """Both in one, those of the first in front."""
    number = len(first)
    return Pictures(
        paths=[*first.paths, *second.paths],
        file_digests=[*first.file_digests, *second.file_digests],
        small=np.concatenate([first.small, second.small]),
        boxes=np.concatenate([first.boxes, second.boxes]),
        sizes=np.concatenate([first.sizes, second.sizes]),
        load=lambda k: first.load(k) if k < number else second.load(k - number),
    )


def read_set(data: DataSet, clones: Path, most: int) -> Loaded:
    """Its pictures; of those that are tested at most so many, drawn with a fixed seed."""
    folder = clones / data.folder
    collection, pictures = read(folder / data.train).load()
    reading = [collection.report]
    if not data.test:
        return Loaded(collection.table, pictures, reading, len(pictures))
    table = collection.table.assign(split="train")
    tested, test_pictures = read(folder / data.test).load()
    reading.append(tested.report)
    rows = np.random.default_rng(0).permutation(len(tested.table))[:most]
    test_table = tested.table.iloc[np.sort(rows)].assign(split="test")
    together = joined(chosen(test_pictures, np.sort(rows)), pictures)
    whole = pd.concat([test_table, table], ignore_index=True)
    return Loaded(whole, together, reading, len(tested.table))


def audited(data: DataSet, clones: Path, sheets: Path, most: int) -> dict:
    """The counts of one set, the check, and the time they took."""
    started = time.monotonic()
    used = time.process_time()
    loaded = read_set(data, clones, most)
    report = audit_pictures(loaded.pictures, loaded.table)
    seconds = time.monotonic() - started
    used = time.process_time() - used
    draw_sheets(report, sheets, data.name)
    counts = report.counts
    said = [line for reading in loaded.reading for line in reading.lines()]
    return {
        "train": int((report.table["split"] == "train").sum()),
        "test": loaded.tested,
        "pictures": counts.n_pictures,
        "same_file": counts.same_file,
        "near_duplicate": counts.near_duplicate,
        "transformed": counts.transformed,
        "same_scene": counts.same_scene,
        "undecided": report.undecided,
        "pairs": report.found["kind"].value_counts().to_dict(),
        "check": checked(report),
        "examples": examples(report),
        "set_aside": [line.replace(f"{clones}/", "") for line in said],
        "seconds": round(seconds, 1),
        "processor_seconds": round(used, 1),
    }


def checked(report: Report) -> dict:
    """Pictures that are plainly equal to one they are compared with, and how many are named."""
    split = report.table["split"].to_numpy()
    everything = np.arange(len(split))
    tested = everything[split == "test"] if report.has_split else everything
    trained = everything[split == "train"] if report.has_split else everything
    equal = plainly_equal(report.pictures, tested, trained, not report.has_split)
    copies = report.found[report.found["kind"].isin(COPIES)]
    named = set(copies["left"])
    if not report.has_split:
        named |= set(copies["right"])
    whole = equal.as_it_is | equal.turned
    missed = [report.table["path"].iloc[row] for row in sorted(whole - named)]
    return {
        "same_bytes": len(equal.same_bytes),
        "as_it_is": len(equal.as_it_is),
        "turned": len(equal.turned),
        "either": len(whole),
        "named": len(whole & named),
        "missed": missed[:EXAMPLES],
    }


def examples(report: Report) -> dict:
    """File names of some pairs of each kind."""
    pairs = report.pairs
    left, right = pairs.columns[:2]
    kept = {}
    for kind in KINDS:
        rows = pairs[pairs["kind"] == kind].drop_duplicates(left).head(EXAMPLES)
        if len(rows):
            columns = [left, right, "transformation"]
            kept[kind] = rows[columns].to_numpy().tolist()
    return kept


def draw_sheets(report: Report, folder: Path, name: str) -> None:
    """A sheet for each kind: SHOWN pairs that were drawn with a fixed seed, side by side."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind in KINDS:
        pairs = report.found[report.found["kind"] == kind]
        if len(pairs):
            drawn = pairs.sample(min(SHOWN, len(pairs)), random_state=0)
            path = folder / f"{name.replace(' ', '_')}-{kind.replace(' ', '_')}.png"
            sheet(report, drawn).save(path)


def sheet(report: Report, pairs: pd.DataFrame) -> Image.Image:
    """Pairs in rows of COLUMNS, white between them."""
    gap = 12
    lines = -(-len(pairs) // COLUMNS)
    page = Image.new("RGB", (COLUMNS * (2 * SIDE + gap), lines * (SIDE + gap)), "white")
    for number, pair in enumerate(pairs.itertuples()):
        line, column = divmod(number, COLUMNS)
        for side, row in enumerate((pair.left, pair.right)):
            picture = Image.fromarray(report.pictures.load(int(row)))
            picture.thumbnail((SIDE, SIDE))
            left = column * (2 * SIDE + gap) + side * SIDE
            page.paste(picture, (left, line * (SIDE + gap)))
    return page


def table() -> str:
    """A line for each set, in Markdown."""
    results = json.loads(RESULTS.read_text())
    looked = pd.read_csv(LOOKED).set_index(["set", "kind"])
    lines = [
        "| set | kind | picked | train / test | as it is | transformed | same scene | undecided "
        "| looked at: one picture | plain check: named of equal | s, processor s |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for data in SETS:
        if data.name in results:
            lines.append(row(data, results[data.name], looked))
    return "\n".join(lines)


def row(data: DataSet, found: dict, looked: pd.DataFrame) -> str:
    tested = found["pictures"]
    sizes = f"{tested:,}, no split"
    if data.test:
        sizes = f"{found['train']:,} / {tested:,}"
    if tested < found["test"]:
        sizes = f"{sizes} drawn of {found['test']:,}"
    as_it_is = f"{found['same_file']:,} + {found['near_duplicate']:,}"
    check = found["check"]
    seen = []
    for kind in COPIES:
        if (data.name, kind) in looked.index:
            line = looked.loc[(data.name, kind)]
            seen.append(f"{kind} {line['one_picture']} of {line['looked_at']}")
    cells = [
        f"[{data.name}]({data.address})",
        data.kind,
        data.picked,
        sizes,
        f"{as_it_is} ({share(found['same_file'] + found['near_duplicate'], tested)})",
        f"{found['transformed']:,} ({share(found['transformed'], tested)})",
        f"{found['same_scene']:,}",
        f"{found['undecided']:,}",
        "; ".join(seen) or "-",
        f"{check['named']:,} of {check['either']:,}",
        f"{found['seconds']:.0f}, {found['processor_seconds']:.0f}",
    ]
    return "| " + " | ".join(cells) + " |"


def share(number: int, of: int) -> str:
    return f"{100 * number / of:.1f} %"


def write_table() -> None:
    """Puts the table between its marks in the page."""
    text = PAGE.read_text()
    marks = re.compile("(?<=<!-- survey -->).*?(?=<!-- / -->)", re.DOTALL)
    PAGE.write_text(marks.sub(lambda found: f"\n\n{table()}\n\n", text, count=1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clones", type=Path, nargs="?")
    parser.add_argument("--sheets", type=Path, help="a folder outside the repository")
    parser.add_argument("--most", type=int, default=MOST, help="test pictures of a set")
    parser.add_argument("--only", nargs="*", help="names of sets")
    parser.add_argument("--table", action="store_true", help="write the table of docs/survey.md")
    options = parser.parse_args()
    if options.table:
        write_table()
        return
    for data in SETS:
        if options.only and data.name not in options.only:
            continue
        print(data.name, flush=True)
        result = audited(data, options.clones, options.sheets, options.most)
        results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        results[data.name] = result
        RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
        print(json.dumps({**result, "set_aside": "", "examples": ""}), flush=True)


if __name__ == "__main__":
    main()
