"""Speed, measured side by side with what people would use instead; `make bench` writes it to figures/bench.json.

Every figure is a ratio of two things done in one run on one machine, a count, or seconds with the machine's noise in
them. None of them is asserted anywhere.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from emoclass import load_faces, losses, models, paths
from emoclass.backend import keras, silence
from emoclass.data import cartoon, muxspace
from emoclass.data.prepare import prepare
from emoclass.store import Store
from emoclass.sweep import process_pool, tasks, train_missing
from emoclass.train import parts, train
from emoclass.variant import Variant

FOUND: dict[str, dict] = {}


def note(name: str, value: float, target: float, unit: str, text: str, least: bool = True) -> None:
    """Record one figure; `least`: the target is the least that will do, else the most."""
    met = bool(value >= target if least else value <= target)
    FOUND[name] = dict(value=round(float(value), 4), target=target, unit=unit, met=met, note=text)
    print(
        f"{name:32} {value:10.3f} {unit:10} target {'>=' if least else '<='} {target:g} {'met' if met else 'MISSED'}"
    )


def seconds(work, times: int = 3) -> float:
    """The least of several timings of work()."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken)


def start_up() -> None:
    """How long `import emoclass` takes in a fresh process, beyond the interpreter itself."""
    bare, full = (
        seconds(lambda c=c: subprocess.run([sys.executable, "-c", c]), 7) for c in ("pass", "import emoclass")
    )
    note("import.s", full - bare, 0.5, "s", "fresh process, beyond the interpreter's own start", least=False)


def decoding() -> None:
    """From files to 48 x 48 pixels, against Keras' own reader; then the same again from the cache."""
    images = muxspace.find() / "images"
    files = sorted(images.iterdir())[:4000]

    def ours():
        with tempfile.TemporaryDirectory() as folder:
            os.environ["EMOCLASS_BUILD"] = folder
            prepare(files, 48)
            os.environ.pop("EMOCLASS_BUILD")

    def theirs():
        with silence():
            read = keras().utils.image_dataset_from_directory(
                images,
                labels=None,
                color_mode="grayscale",
                image_size=(48, 48),
                batch_size=64,
                shuffle=False,
                verbose=False,
            )
            for _ in read.take(len(files) // 64):
                pass

    fast, slow = seconds(ours), seconds(theirs, 1)
    note("decode.photos_per_s", len(files) / fast, 5000, "photos/s", f"{len(files):,} photos, {os.cpu_count()} cores")
    note(
        "decode.vs_keras_from_directory",
        slow / fast,
        5,
        "times",
        "keras.utils.image_dataset_from_directory, its default threads",
    )
    load_faces("muxspace")
    note("load.s", seconds(lambda: load_faces("muxspace")), 0.3, "s", "verified and from the cache", least=False)


def training() -> None:
    """One run against a bare model.fit on arrays in memory; then in half precision."""
    faces = load_faces("muxspace")
    variant = Variant("pared-down", epochs=3)
    train(variant.replace(epochs=1), faces)  # the first run pays for what is compiled once

    everything, dealt = parts(variant, faces, 0)
    part = {side: (everything.pixels[rows][..., None], everything.labels[rows]) for side, rows in vars(dealt).items()}

    def bare():
        net = models.build(variant.net, 48)
        net.compile(
            keras().optimizers.Adam(),
            losses.cross_entropy(np.ones(8)),
            ["accuracy"],
            steps_per_execution=8,
            jit_compile=False,
        )
        net.fit(*part["train"], validation_data=part["validation"], batch_size=64, epochs=variant.epochs, verbose=0)
        net.predict(part["test"][0], batch_size=512, verbose=0)

    ratios = [seconds(bare, 1) / seconds(lambda: train(variant, faces), 1) for _ in range(3)]
    note(
        "train.vs_bare_fit",
        float(np.median(ratios)),
        0.95,
        "times",
        "whole run, split and all, against fit and predict; median of 3",
    )

    heavy = Variant("four convolutions", net=models.FOUR_CONVOLUTIONS, epochs=2)
    half = heavy.replace(precision="mixed_bfloat16")
    ratios = [train(heavy, faces).seconds / train(half, faces).seconds for _ in range(2)]
    note("train.bfloat16_speedup", float(np.median(ratios)), 1.5, "times", "four convolutions, one thread")


def workers() -> None:
    """Four equal runs on two one-thread workers against one."""
    faces = cartoon.draw(cartoon.Drawing())
    work = [
        Variant("pared-down", net=models.FOUR_CONVOLUTIONS, n_folds=4, epochs=20),
        Variant("warm", n_folds=2, epochs=1),
    ]
    taken = {}
    for count in (1, 2):
        with tempfile.TemporaryDirectory() as folder, process_pool(count) as pool:
            store = Store(Path(folder))
            train_missing(tasks(work[1:], faces), store, pool, say=lambda line: None)
            taken[count] = seconds(
                lambda s=store, p=pool: train_missing(tasks(work[:1], faces), s, p, say=lambda line: None), 1
            )
    note(
        "scale.two_workers",
        taken[1] / taken[2],
        1.8,
        "times",
        "four equal runs, one thread each; the same bits (tests)",
    )


def main() -> int:
    """Measure everything; needs the photos."""
    if muxspace.find() is None:
        print("bench: the photos are not here; run make data", file=sys.stderr)
        return 2
    for part in (start_up, decoding, training, workers):
        part()
    target = paths.FIGURES / "bench.json"
    draft = target.with_suffix(".draft")
    draft.write_text(json.dumps(FOUND, indent=1) + "\n")
    os.replace(draft, target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
