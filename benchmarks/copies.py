"""How many augmented copies are found, kind by kind, and how many clean test photos are called copies.

Beside `find_copies` stand what people use, each with its usual threshold: imagehash's perceptual and difference hash,
also mirror-aware; cleanvision; vision-data-doctor. They are measured where they are installed (`pip install imagehash
cleanvision vision-data-doctor`, into an environment of its own: the study does not need them). Numbers go into
figures/muxspace/results.json as `copies.<kind>.<method>`; docs/benchmarks.md shows them. Takes some minutes.

`python benchmarks/copies.py scale` measures `find_copies` alone, among all photos and among as many synthetic faces
as FER2013 has (`copies_at_scale.*`), and leaves the other numbers as they are.
"""

import contextlib
import importlib.util
import io
import re
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from emoclass import load_faces, paths
from emoclass.augment import OfflineAugmentation, transformed, warp
from emoclass.data.synthetic import SyntheticConfig, draw
from emoclass.errors import InputError
from emoclass.leakage import find_copies
from emoclass.metrics import Estimate, wilson
from emoclass.study.results import Results
from emoclass.study.store import versions

TESTED, AMONG = (
    300,
    4000,
)  # copies of each kind, and pictures among which their originals are looked for
CLEAN = 1000  # test photos that no photo of the other part is a copy of
FER2013 = (
    (4953, 0, 547, 5121, 8989, 6198, 6077, 4002),
    28_709,
)  # of each emotion; how many of them are trained on


def jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    """The picture compressed and read again."""
    return cv2.imdecode(
        cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_GRAYSCALE
    )


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


def by_find_copies(train: np.ndarray, test: np.ndarray) -> set[tuple[int, int]]:
    """(position in test, position in train) of each pair named."""
    pairs = find_copies(train, test)
    return set(zip(pairs.test, pairs.train))


def by_hash(function: str, bits: int, mirrored: bool = False):
    """The pairs whose imagehash is at most so many bits apart, mirrored too if asked for."""

    def pairs(train, test):
        import imagehash
        import PIL.Image

        def hashes(pictures):
            found = [
                getattr(imagehash, function)(PIL.Image.fromarray(x)).hash.ravel() for x in pictures
            ]
            return np.packbits(np.array(found), axis=1).view(np.uint64).ravel()

        theirs = hashes(train)
        views = [test, test[:, :, ::-1]] if mirrored else [test]
        apart = np.min(
            [np.bitwise_count(hashes(view)[:, None] ^ theirs[None]) for view in views], axis=0
        )
        return set(zip(*np.nonzero(apart <= bits)))

    return pairs


@contextlib.contextmanager
def folders(train: np.ndarray, test: np.ndarray):
    """Both parts as files `train/<k>.png` and `test/<k>.png`, for tools that read folders; kept silent."""
    silent = io.StringIO()
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.redirect_stdout(silent),
        contextlib.redirect_stderr(silent),
    ):
        for part, pictures in (("train", train), ("test", test)):
            Path(folder, part).mkdir()
            for k, picture in enumerate(pictures):
                cv2.imwrite(f"{folder}/{part}/{k}.png", picture)
        yield Path(folder)


def by_cleanvision(train, test):
    """Pairs within its sets of near-duplicates, with its own settings."""
    from cleanvision import Imagelab

    with folders(train, test) as folder:
        lab = Imagelab(data_path=str(folder), verbose=False)
        lab.find_issues({"near_duplicates": {}, "exact_duplicates": {}}, n_jobs=1, verbose=False)
        sets = [*lab.info["near_duplicates"]["sets"], *lab.info["exact_duplicates"]["sets"]]
    parts = [[(Path(file).parent.name, int(Path(file).stem)) for file in each] for each in sets]
    return {
        (k, j)
        for each in parts
        for one, k in each
        for other, j in each
        if (one, other) == ("test", "train")
    }


def by_data_doctor(train, test):
    """The leaks that its check of a split names, with its own settings."""
    from data_doctor import check_leakage

    with folders(train, test) as folder:
        found = check_leakage(folder / "train", folder / "test")
    return {
        (int(Path(e["val"]).stem), int(Path(e["train"]).stem))
        for e in [*found.exact_leaks, *found.near_leaks]
    }


METHODS = {  # name: the package that it needs, and how it names pairs
    "find_copies": ("emoclass", by_find_copies),
    "phash": ("imagehash", by_hash("phash", 10)),
    "phash_mirrored": ("imagehash", by_hash("phash", 10, mirrored=True)),
    "dhash": ("imagehash", by_hash("dhash", 5)),
    "cleanvision": ("cleanvision", by_cleanvision),
    "data_doctor": ("data_doctor", by_data_doctor),
}
INSTALLED = {
    name: how for name, (package, how) in METHODS.items() if importlib.util.find_spec(package)
}


def recall(results: Results, prefix: str, among: np.ndarray) -> None:
    """Record, for each kind, the share of copies whose original each method finds."""
    rows = np.random.default_rng(1).choice(len(among), min(TESTED, len(among)), replace=False)
    for kind, change in KINDS.items():
        copies = np.stack([change(among[row], row) for row in rows])
        name = f"{prefix}.{re.sub(r'[^a-z0-9]+', '_', kind.lower()).strip('_')}"
        results.labels[name] = kind
        shares = []
        for method, find in INSTALLED.items():
            pairs = find(among, copies)
            found = results.add(
                f"{name}.{method}",
                wilson(sum((k, row) in pairs for k, row in enumerate(rows)), len(rows)),
            )
            shares.append(f"{method} {found.value:.3f}")
        print(f"{prefix} {kind:25}", *shares, flush=True)


def wrongly_named(results: Results, prefix: str, pixels: np.ndarray, group: np.ndarray) -> None:
    """Record which share of clean test photos each method calls copies; `group`: what is known to be one picture."""
    order = np.random.default_rng(2).permutation(len(pixels))
    test, train = order[:CLEAN], order[CLEAN : CLEAN + AMONG]
    clean = ~np.isin(group[test], group[train])
    results.labels[f"{prefix}.clean"] = "none: clean test photos named"
    for method, find in INSTALLED.items():
        named = {k for k, _ in find(pixels[train], pixels[test][clean])}
        found = results.add(f"{prefix}.clean.{method}", wilson(len(named), int(clean.sum())))
        print(
            f"{prefix} clean test photos named: {method} {found.value:.4f} of {found.n}", flush=True
        )


def at_scale(results: Results, pixels: np.ndarray) -> None:
    """Record what `find_copies` finds of TESTED copies as in this study among many pictures, and names wrongly."""
    drawn = draw(SyntheticConfig(counts=FER2013[0], photos_per_subject=(1, 1), noise=10)).pixels
    drawn = drawn[np.random.default_rng(3).permutation(len(drawn))]
    clean = drawn[FER2013[1] :]
    for name, among, others in (
        ("photos", pixels, pixels[:0]),
        ("synthetic", drawn[: FER2013[1]], clean),
    ):
        rows = np.random.default_rng(4).choice(len(among), TESTED, replace=False)
        copies = np.stack([KINDS["as in this study"](among[row], row) for row in rows])
        began = time.perf_counter()
        pairs = by_find_copies(among, np.concatenate([copies, others]))
        seconds = Estimate(round(time.perf_counter() - began, 1), None, None, len(among))
        results.add(f"copies_at_scale.{name}.seconds", seconds, "s")
        found = wilson(sum((k, row) in pairs for k, row in enumerate(rows)), len(rows))
        results.add(f"copies_at_scale.{name}.found", found)
        print(f"{name}: {found.value:.3f} found in {seconds.value:.0f} s", flush=True)
    named = {k for k, _ in pairs if k >= TESTED}
    print(
        f"clean: {results.add('copies_at_scale.synthetic.clean', wilson(len(named), len(clean))).value:.5f}"
    )


def main(arguments: list[str] | None = None) -> int:
    """Measure on photos and on synthetic faces; 2 where the photos are missing."""
    scale = (sys.argv[1:] if arguments is None else arguments) == ["scale"]
    try:
        faces = load_faces()
        pixels = np.array(faces.pixels)
    except InputError as error:
        print(f"copies: {error}", file=sys.stderr)
        return 2
    about = dict(name=faces.name, photos=len(faces), digest=faces.digest, profile="full")
    results = Results(
        paths.FIGURES / "muxspace" / "results.json",
        "copies_at_scale" if scale else "copies",
        about,
        versions(),
    )
    if scale:
        at_scale(results, pixels)
        print(f"{len(results.numbers)} numbers in {results.save()}")
        return 0
    began = time.perf_counter()
    pairs = find_copies(pixels)
    seconds = time.perf_counter() - began
    group = faces.table.near_duplicate_id.to_numpy()
    unknown = pairs[group[pairs.test] != group[pairs.train]]
    results.add(
        "copies.all_pairs.seconds", Estimate(round(seconds, 1), None, None, len(faces)), "s"
    )
    results.add(
        "copies.all_pairs.not_known_before", Estimate(len(unknown), None, None, len(faces)), "count"
    )
    print(
        f"all pairs of {len(faces):,} photos: {seconds:.0f} s, {len(pairs)} pairs, {len(unknown)} not known before"
    )
    print(
        unknown.assign(
            one=faces.table.photo.to_numpy()[unknown.test],
            other=faces.table.photo.to_numpy()[unknown.train],
        )
    )
    recall(
        results,
        "copies",
        pixels[np.random.default_rng(0).choice(len(pixels), AMONG, replace=False)],
    )
    drawn = draw(SyntheticConfig(counts=(250,) * 8, photos_per_subject=(1, 1), noise=10)).pixels
    recall(results, "copies.synthetic", drawn[:AMONG])
    wrongly_named(results, "copies", pixels, group)
    wrongly_named(results, "copies.synthetic", drawn, np.arange(len(drawn)))
    print(f"{len(results.numbers)} numbers in {results.save()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
