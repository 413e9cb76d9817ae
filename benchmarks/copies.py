"""How many augmented copies are found, kind by kind, and how many pairs are named among photos that have none.

Beside `find_copies` stand two hashes that people use: the perceptual hash (64 signs of a cosine transform, up to 10
bits apart) and the difference hash (64 signs of neighbours' differences, up to 5). Its numbers go into
figures/muxspace/results.json as `copies.<kind>.<method>`; docs/benchmarks.md shows them. Takes some minutes.
"""

import re
import sys
import time

import cv2
import numpy as np

from emoclass import load_faces, paths
from emoclass.augment import OfflineAugmentation, transformed, warp
from emoclass.data.near_duplicates import perceptual_hashes
from emoclass.data.synthetic import SyntheticConfig, draw
from emoclass.errors import InputError
from emoclass.leakage import find_copies
from emoclass.metrics import Estimate, wilson
from emoclass.study.results import Results
from emoclass.study.store import versions

TESTED, AMONG = 300, 4000  # copies of each kind, and pictures among which their originals are looked for
METHODS = ("find_copies", "perceptual_hash", "difference_hash")


def jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    """The picture compressed and read again."""
    return cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_GRAYSCALE)


def noisy(picture: np.ndarray, deviation: float) -> np.ndarray:
    """The picture with normal noise."""
    noise = np.random.default_rng(0).normal(0, deviation, picture.shape)
    return (picture + noise).clip(0, 255).round().astype(np.uint8)


KINDS = {  # of 48 x 48 pixels
    "as in this study": lambda x, k: transformed(x, str(k), 0, OfflineAugmentation(per_image=1)),
    "mirrored": lambda x, k: warp(x, flip=True),
    "turned by 15 degrees": lambda x, k: warp(x, degrees=15),
    "moved by 10 %": lambda x, k: warp(x, right=4.8, down=4.8),
    "zoomed by 10 %": lambda x, k: warp(x, zoom=1.1),
    "cropped by 8 %": lambda x, k: cv2.resize(x[4:-4, 4:-4], (48, 48)),
    "contrast x 0.6": lambda x, k: (128 + 0.6 * (x.astype(float) - 128)).round().astype(np.uint8),
    "lighter by 30": lambda x, k: np.clip(x.astype(int) + 30, 0, 255).astype(np.uint8),
    "blurred (1 pixel)": lambda x, k: cv2.GaussianBlur(x, (0, 0), 1),
    "blurred (1.5 pixels)": lambda x, k: cv2.GaussianBlur(x, (0, 0), 1.5),
    "noise (8 grey levels)": lambda x, k: noisy(x, 8),
    "noise (15 grey levels)": lambda x, k: noisy(x, 15),
    "JPEG, quality 30": lambda x, k: jpeg(x, 30),
    "JPEG, quality 10": lambda x, k: jpeg(x, 10),
}


def difference_hashes(pixels: np.ndarray) -> np.ndarray:
    """(n,) uint64: whether each of 8 x 8 places is darker than its right neighbour."""
    small = np.stack([cv2.resize(x, (9, 8), interpolation=cv2.INTER_AREA).astype(int) for x in pixels])
    return np.packbits((np.diff(small, axis=2) > 0).reshape(len(small), 64), axis=1).view(np.uint64).ravel()


def found_by_hash(hashes, copies: np.ndarray, among: np.ndarray, rows: np.ndarray, bits: int) -> int:
    """How many copies are at most so many bits from their original."""
    return int((np.bitwise_count(hashes(copies) ^ hashes(among)[rows]) <= bits).sum())


def recall(results: Results, prefix: str, among: np.ndarray) -> None:
    """Record, for each kind, the share of copies whose original each method finds."""
    rows = np.random.default_rng(1).choice(len(among), min(TESTED, len(among)), replace=False)
    for kind, change in KINDS.items():
        copies = np.stack([change(among[row], row) for row in rows])
        pairs = find_copies(among, copies)
        hits = pairs.test[pairs.train.to_numpy() == rows[pairs.test]].nunique()
        hashed = [
            found_by_hash(hashes, copies, among, rows, bits)
            for hashes, bits in ((perceptual_hashes, 10), (difference_hashes, 5))
        ]
        name = f"{prefix}.{re.sub(r'[^a-z0-9]+', '_', kind.lower()).strip('_')}"
        for method, n in zip(METHODS, (hits, *hashed)):
            results.add(f"{name}.{method}", wilson(n, len(rows)))
        results.labels[name] = kind
        print(f"{prefix} {kind:25} {hits / len(rows):.3f}", *(f"{n / len(rows):.3f}" for n in hashed), flush=True)


def main() -> int:
    """Measure on photos and on synthetic faces; 2 where the photos are missing."""
    try:
        faces = load_faces()
        pixels = np.array(faces.pixels)
    except InputError as error:
        print(f"copies: {error}", file=sys.stderr)
        return 2
    about = dict(name=faces.name, photos=len(faces), digest=faces.digest, profile="full")
    results = Results(paths.FIGURES / "muxspace" / "results.json", "copies", about, versions())
    began = time.perf_counter()
    pairs = find_copies(pixels)
    seconds = time.perf_counter() - began
    group = faces.table.near_duplicate_id.to_numpy()
    unknown = pairs[group[pairs.test] != group[pairs.train]]
    results.add("copies.all_pairs.seconds", Estimate(round(seconds, 1), None, None, len(faces)), "s")
    results.add("copies.all_pairs.not_known_before", Estimate(len(unknown), None, None, len(faces)), "count")
    print(f"all pairs of {len(faces):,} photos: {seconds:.0f} s, {len(pairs)} pairs, {len(unknown)} not known before")
    print(
        unknown.assign(
            one=faces.table.photo.to_numpy()[unknown.test], other=faces.table.photo.to_numpy()[unknown.train]
        )
    )
    recall(results, "copies", pixels[np.random.default_rng(0).choice(len(pixels), AMONG, replace=False)])
    drawn = draw(SyntheticConfig(counts=(125,) * 8, photos_per_subject=(1, 1), noise=10)).pixels
    recall(results, "copies.synthetic", drawn)
    wrong = len(find_copies(drawn))
    results.add("copies.synthetic.wrong_pairs", Estimate(wrong, None, None, len(drawn)), "count")
    print(f"{len(results.numbers)} numbers in {results.save()}; {wrong} wrong pairs of {len(drawn)} synthetic faces")
    return 0


if __name__ == "__main__":
    sys.exit(main())
