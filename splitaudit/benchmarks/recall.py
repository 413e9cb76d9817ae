"""Recall of drawn copies, by set and kind, and how many clean pictures are named.

    python benchmarks/recall.py OUT.json SET_FOLDER ...

Of each folder up to 1,000 pictures are training, drawn with a fixed seed, and up to 250 others are
clean test pictures; of 12 training pictures each copies of every kind are drawn by
`transformations.py`. A third of the kinds at a time is audited together with the clean pictures, so
that about a quarter of the test pictures are copies. A copy counts as found if it is paired with
its own original, a clean picture as named if it is in any of the audits. Clean pictures that are
named are not always false: sets have copies of their own, so look at them (`--sheet`).
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from transformations import KINDS

from splitaudit.decide import COPIES
from splitaudit.pairs import find_pairs
from splitaudit.pictures import CLOSE_SIDE, Pictures

SUFFIXES = {".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".webp"}
TRAIN = 1000
CLEAN = 250
AUDITS = 3  # of each set
EACH = 12  # copies of each kind


def read(path: Path) -> Image.Image:
    """A picture in colour, at most CLOSE_SIDE pixels on its longer side."""
    picture = Image.open(path)
    picture.draft("RGB", (CLOSE_SIDE, CLOSE_SIDE))
    picture = picture.convert("RGB")
    picture.thumbnail((CLOSE_SIDE, CLOSE_SIDE))
    return picture


def drawn_from(folder: Path, number: int) -> list[Image.Image]:
    """Pictures of a folder in an order that depends on their names alone."""
    paths = []
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in SUFFIXES:
            paths.append(path)
    pictures = []
    for k in np.random.default_rng(0).permutation(len(paths)):
        if len(pictures) == number:
            break
        try:
            pictures.append(read(paths[k]))
        except OSError:
            continue  # no picture: empty, cut off
    return pictures


@dataclass
class Drawn:
    """Copies of every kind: the n-th is of `kinds[n]` and of training picture `originals[n]`."""

    pictures: list[np.ndarray]
    kinds: list[str]
    originals: list[int]


def drawn_copies(training: list[Image.Image], copies: int, kinds: list[str]) -> Drawn:
    drawn = Drawn([], [], [])
    for kind in kinds:
        number = list(KINDS).index(kind)
        rng = np.random.default_rng([1, number])
        for k in range(copies):
            original = (number * copies + k) % len(training)
            drawn.pictures.append(np.asarray(KINDS[kind](training[original], rng)))
            drawn.kinds.append(kind)
            drawn.originals.append(original)
    return drawn


def recall_of(drawn: Drawn, pairs: pd.DataFrame) -> dict[str, float]:
    """The share of each kind's copies that are paired with their own originals."""
    of_copies = pairs[pairs.test < len(drawn.kinds)]
    originals = np.array(drawn.originals)
    own = of_copies[originals[of_copies.test] == of_copies.train]
    recognised = np.isin(np.arange(len(drawn.kinds)), own.test)
    return pd.Series(recognised).groupby(drawn.kinds, sort=False).mean().to_dict()


def measured(folder: Path, copies: int, sheet: Path | None) -> dict:
    """Recall of each kind in one set, and the clean pictures that are named."""
    pictures = drawn_from(folder, TRAIN + CLEAN)
    number = min(CLEAN, len(pictures) // 5)
    clean = [np.asarray(picture) for picture in pictures[:number]]
    training = pictures[number:]
    train = Pictures.from_arrays([np.asarray(picture) for picture in training])
    recall = {}
    named = []
    seconds = []
    for part in range(AUDITS):
        drawn = drawn_copies(training, copies, list(KINDS)[part::AUDITS])
        test = Pictures.from_arrays(clean + drawn.pictures)
        found = find_pairs(test, train)
        pairs = found.pairs[found.pairs.kind.isin(COPIES)]
        named.append(pairs[pairs.test < number])
        recall |= recall_of(drawn, pairs.assign(test=pairs.test - number).query("test >= 0"))
        seconds.append(sum(found.seconds.values()))
    named = pd.concat(named).sort_values("probability").drop_duplicates("test")
    if sheet is not None:
        draw_sheet(named, test, train, sheet)
    return {
        "train": len(training),
        "clean": number,
        "clean_named": len(named),
        "recall": {kind: recall[kind] for kind in KINDS},
        "seconds": seconds,
    }


def draw_sheet(named: pd.DataFrame, test: Pictures, train: Pictures, path: Path) -> None:
    """The 24 least certain pairs side by side, for somebody to look at."""
    rows = []
    for pair in named.head(24).itertuples():
        rows.append(np.hstack([test.small[pair.test], train.small[pair.train]]))
    if rows:
        Image.fromarray(np.vstack(rows)).save(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--copies", type=int, default=EACH, help="of each kind")
    parser.add_argument("--sheet", type=Path, help="a folder for pairs to look at")
    options = parser.parse_args()
    results = {}
    for folder in options.folders:
        sheet = options.sheet / f"{folder.name}.png" if options.sheet else None
        results[folder.name] = measured(folder, options.copies, sheet)
        options.out.write_text(json.dumps(results, indent=1))
        named = results[folder.name]["clean_named"]
        print(folder.name, f"{named} of {results[folder.name]['clean']} clean pictures named")
        for kind, recall in results[folder.name]["recall"].items():
            print(f"    {kind:16} {recall:.3f}", flush=True)


if __name__ == "__main__":
    main()
