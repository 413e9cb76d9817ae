"""Recall of drawn copies, by set and kind, and how many clean pictures are named.

    python benchmarks/recall.py OUT.json SET_FOLDER ...

Of each folder up to 3,000 pictures are training, drawn with a fixed seed, and up to 300 others are
clean test pictures; of 60 training pictures copies of each kind are drawn by `transformations.py`.
A copy counts as found if it is paired with its own original. Each kind is audited together with the
clean pictures alone, as a data set with few copies. Clean pictures that are named are not always
false: sets have copies of their own, so look at them.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image
from transformations import KINDS

from splitaudit.decide import COPIES
from splitaudit.pairs import find_pairs
from splitaudit.pictures import CLOSE_SIDE, Pictures

SUFFIXES = {".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".webp"}
TRAIN = 3000
CLEAN = 300


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


def measured(folder: Path, kinds: list[str], copies: int) -> dict:
    """Recall of each kind in one set, and the clean pictures that are named."""
    pictures = drawn_from(folder, TRAIN + CLEAN)
    clean = min(CLEAN, len(pictures) // 10)
    originals = pictures[clean:]
    unchanged = [np.asarray(picture) for picture in pictures[:clean]]
    train = Pictures.from_arrays([np.asarray(picture) for picture in originals])
    result = {"train": len(originals), "clean": clean, "recall": {}}
    named = set()
    for kind in kinds:
        rng = np.random.default_rng([1, list(KINDS).index(kind)])
        changed = []
        for picture in originals[:copies]:
            changed.append(np.asarray(KINDS[kind](picture, rng)))
        found = find_pairs(Pictures.from_arrays(changed + unchanged), train)
        pairs = found.pairs[found.pairs.kind.isin(COPIES)]
        own = pairs[(pairs.test == pairs.train) & (pairs.test < len(changed))]
        result["recall"][kind] = own.test.nunique() / len(changed)
        named |= set(pairs.test[pairs.test >= len(changed)] - len(changed))
        result["seconds"] = found.seconds
    result["clean_named_per_1000"] = 1000 * len(named) / max(clean, 1)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--copies", type=int, default=60)
    options = parser.parse_args()
    results = {}
    for folder in options.folders:
        results[folder.name] = measured(folder, options.kinds, options.copies)
        options.out.write_text(json.dumps(results, indent=1))
        print(folder.name, f"{results[folder.name]['clean_named_per_1000']:.1f} per 1,000")
        for kind, recall in results[folder.name]["recall"].items():
            print(f"    {kind:16} {recall:.3f}", flush=True)


if __name__ == "__main__":
    main()
