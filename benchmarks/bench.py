"""Speed, measured side by side with what people would use instead; `make bench` writes it to figures/bench.json.

Every figure is a ratio of two things done in one run on one machine, a count, or seconds with the machine's noise in
them. None of them is asserted anywhere. `python benchmarks/bench.py decoding training` measures these parts alone;
what the others have measured before is kept.
"""

import argparse
import contextlib
import io
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

import numpy as np

from emoclass import load_faces, losses, models, paths, splits
from emoclass.augment import OfflineAugmentation, transformed
from emoclass.backend import ONE_THREAD, fast_precision, keras, silence
from emoclass.data import muxspace, synthetic
from emoclass.data.images import load_images
from emoclass.faces import Faces
from emoclass.files import write_text
from emoclass.labels import EMOTIONS
from emoclass.leakage import find_copies
from emoclass.study.recipes import compact_variant
from emoclass.study.results import load
from emoclass.study.store import Store, open_faces, save_faces
from emoclass.study.sweep import NOTHING_RECORDED, Archive, sweep, tasks, train_missing
from emoclass.study.train import make_split, train
from emoclass.study.workers import LocalProcesses, default_workers
from emoclass.variant import Variant

DECODED = 4000  # photos that both readers are given
OF_EACH = 2000  # photos of each emotion, at most, to compare two precisions on: in minutes
PARED_DOWN = Variant("pared-down", epochs=3)
COMPACT = compact_variant(excluded_sources=(), test_sources=(), epochs=3)
FOUR_RUNS = Variant("four equal runs", net=models.FOUR_CONVOLUTIONS, n_folds=4, epochs=20)
FOUND: dict[str, dict] = {}


def note(name: str, value: float, target: float, unit: str, text: str, least: bool = True) -> None:
    """Record one figure; `least`: the target is the least that will do, else the most."""
    met = bool(value >= target if least else value <= target)
    FOUND[name] = dict(value=float(f"{value:.5g}"), target=target, unit=unit, met=met, note=text)
    aim = f"target {'>=' if least else '<='} {target:g} {'met' if met else 'MISSED'}"
    print(f"{name:32} {value:10.3f} {unit:10} {aim}", flush=True)


def save() -> None:
    """Write what was found into figures/bench.json, in place of what stands there under the same ids."""
    target = paths.FIGURES / "bench.json"
    before = json.loads(target.read_text()) if target.exists() else {}
    whole = dict(sorted((before | FOUND).items()))
    write_text(target, json.dumps(whole, indent=1) + "\n")
    if (document := paths.FIGURES.parent / "docs" / "benchmarks.md").exists():
        mark = re.compile(r"(<!-- bench -->\n).*?(<!-- / -->)", re.S)
        text = document.read_text(encoding="utf-8")
        write_text(document, mark.sub(lambda found: found[1] + table(whole) + found[2], text))


def table(found: dict[str, dict]) -> str:
    """What was found as a table in Markdown, a row for each id."""
    lines = ["| id | measured | target | met | what |", "| --- | ---: | ---: | --- | --- |"]
    for name, entry in found.items():
        cells = (
            f"{entry['value']:,.4g} {entry['unit']}",
            f"{entry['target']:,g}",
            "yes" if entry["met"] else "no",
        )
        lines.append(f"| `{name}` | {' | '.join(cells)} | {entry['note']} |")
    return "\n".join(lines) + "\n"


def seconds(work, times: int = 3) -> float:
    """The least of several timings of work()."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken)


def fresh(work, *arguments):
    """What work(*arguments) returns in a process of its own."""
    with LocalProcesses(1) as pool:
        return pool.submit(work, *arguments).result()


@contextlib.contextmanager
def nothing_built():
    """An empty build folder, so that no cache can help; what EMOCLASS_BUILD was before, it is again afterwards."""
    with tempfile.TemporaryDirectory() as folder, patch.dict(os.environ, EMOCLASS_BUILD=folder):
        yield folder


def start_up() -> None:
    """How long `import emoclass` takes in a fresh process, beyond the interpreter itself."""
    commands = ([sys.executable, "-c", code] for code in ("pass", "import emoclass"))
    bare, full = (
        seconds(lambda c=command: subprocess.run(c, check=True), 7) for command in commands
    )
    note(
        "import.s",
        full - bare,
        0.5,
        "s",
        "fresh process, beyond the interpreter's own start",
        least=False,
    )


def decoding() -> None:
    """From files to 48 x 48 pixels, against Keras' own reader; then the same again from the cache."""
    with tempfile.TemporaryDirectory() as folder:
        files = sorted((muxspace.find() / "images").glob("[!.]*"))[:DECODED]
        for file in files:
            Path(folder, file.name).symlink_to(file)
        fast, slow = fresh(our_reader, folder), fresh(keras_reader, folder)
    about = f"{len(files):,} photos, {os.cpu_count()} cores"
    note("decode.photos_per_s", len(files) / fast, 5000, "photos/s", about)
    about = "keras.utils.image_dataset_from_directory, its default threads, the same files"
    note("decode.vs_keras_from_directory", slow / fast, 5, "times", about)
    load_faces("muxspace")
    note(
        "load.s",
        seconds(lambda: load_faces("muxspace")),
        0.3,
        "s",
        "verified and from the cache",
        least=False,
    )


def our_reader(folder: str) -> float:
    """Seconds in which all photos of a folder become pixels; the first time does not count."""
    files = sorted(Path(folder).iterdir())

    def work():
        with nothing_built():
            load_images(files, 48)

    work()
    return seconds(work)


def keras_reader(folder: str) -> float:
    """The same by Keras, as it is without us: in a fresh process, with as many threads as it takes by itself."""
    for name in ONE_THREAD:
        os.environ.pop(name, None)
    with silence():
        from keras.utils import image_dataset_from_directory

        how = dict(
            labels=None, color_mode="grayscale", image_size=(48, 48), batch_size=64, shuffle=False
        )

        def work():
            for _ in image_dataset_from_directory(folder, **how, verbose=False):
                pass

        work()
        return seconds(work)


def compiled(variant: Variant, size: int):
    """The net of a variant, to be fitted by Keras alone."""
    keras().utils.set_random_seed(0)
    net = models.build(variant.net, size)
    net.compile(
        optimizer=keras().optimizers.Adam(variant.learning_rate),
        loss=losses.cross_entropy(np.ones(len(EMOTIONS))),
        metrics=["accuracy"],
        steps_per_execution=8,
        jit_compile=False,
    )
    return net


def whole_run(variant: Variant, faces: Faces) -> None:
    """One run as if it were the first on these faces: folds that were dealt before are forgotten."""
    splits._folds.cache_clear()
    splits._parts.cache_clear()
    train(variant, faces)


def training() -> None:
    """One run against a bare model.fit on arrays in memory."""
    faces = load_faces("muxspace")
    everything, split = make_split(PARED_DOWN, faces, 0)
    part = {
        side: (everything.pixels[rows][..., None], everything.labels[rows])
        for side, rows in vars(split).items()
    }
    how = dict(
        validation_data=part["validation"],
        validation_batch_size=512,
        epochs=PARED_DOWN.epochs,
        verbose=0,
    )

    def bare():
        net = compiled(PARED_DOWN, faces.size)
        net.fit(*part["train"], batch_size=PARED_DOWN.batch_size, **how)
        net.predict(part["test"][0], batch_size=512, verbose=0)

    train(
        PARED_DOWN.replace(epochs=1), faces
    )  # the first run of a process pays for what is set up once
    ratios = [seconds(bare, 1) / seconds(lambda: whole_run(PARED_DOWN, faces), 1) for _ in range(3)]
    about = "whole run, split and all, against fit and predict; median of 3"
    note("train.vs_bare_fit", float(np.median(ratios)), 0.95, "times", about)


def from_files() -> None:
    """From files to predictions, against Keras' ImageDataGenerator, which reads each photo anew in each epoch."""
    keras()  # first, as it sets the threads
    from keras.src.legacy.preprocessing.image import ImageDataGenerator

    faces, images = load_faces("muxspace"), muxspace.find() / "images"

    def ours():
        with nothing_built():
            pixels = load_images([images / photo for photo in faces.table.photo], faces.size)
            whole_run(PARED_DOWN, replace(faces, pixels=pixels))

    def theirs(tree):
        how = dict(
            target_size=(faces.size,) * 2,
            color_mode="grayscale",
            classes=list(EMOTIONS),
            class_mode="sparse",
        )
        flow = ImageDataGenerator().flow_from_directory
        with contextlib.redirect_stdout(io.StringIO()):  # how many it has found
            fitted = flow(Path(tree, "train"), **how, batch_size=PARED_DOWN.batch_size)
            others = [
                flow(Path(tree, side), **how, batch_size=512, shuffle=False)
                for side in ("validation", "test")
            ]
        net = compiled(PARED_DOWN, faces.size)
        net.fit(fitted, validation_data=others[0], epochs=PARED_DOWN.epochs, verbose=0)
        net.predict(others[1], verbose=0)

    train(PARED_DOWN.replace(epochs=1), faces)
    everything, split = make_split(PARED_DOWN, faces, 0)
    with tempfile.TemporaryDirectory() as tree:
        for side, rows in vars(split).items():
            for emotion in EMOTIONS:
                Path(tree, side, emotion).mkdir(parents=True)
            for photo, emotion in everything.table.iloc[rows][["photo", "emotion"]].itertuples(
                index=False
            ):
                Path(tree, side, emotion, photo).symlink_to(images / photo)
        fast, slow = seconds(ours, 1), seconds(lambda: theirs(tree), 1)
    about = f"flow_from_directory; the same net and photos, {PARED_DOWN.epochs} epochs, each net on one thread"
    note("train.vs_image_data_generator", slow / fast, 5, "times", about)


def half_precision() -> None:
    """The compact net in bfloat16 against the same in float32, where the processor multiplies in it."""
    if fast_precision() != "mixed_bfloat16":
        print("train.bfloat16_speedup is left out: this processor does not multiply in bfloat16")
        return
    faces = load_faces("muxspace")
    faces = faces.select((faces.table.groupby("emotion").cumcount() < OF_EACH).to_numpy())
    full = COMPACT.replace(precision="float32")
    ratios = [train(full, faces).seconds / train(COMPACT, faces).seconds for _ in range(3)]
    about = f"compact net, {len(faces):,} photos, {COMPACT.epochs} epochs, one thread; median of 3"
    note("train.bfloat16_speedup", float(np.median(ratios)), 1.5, "times", about)


def matrix_peak() -> None:
    """Multiply-accumulates of the compact net in training, forwards and twice as many backwards, against the most
    that one thread of this processor does: one product of two large matrices, in the precision of the net."""
    faces = load_faces("muxspace")
    faces = faces.select((faces.table.groupby("emotion").cumcount() < OF_EACH).to_numpy())
    pictures = len(make_split(COMPACT, faces, 0)[1].train)
    train(
        COMPACT.replace(epochs=1), faces
    )  # the first run of a process pays for what is set up once
    macs = (
        3 * models.count_params_and_macs(COMPACT.net, faces.size).macs * pictures * COMPACT.epochs
    )
    rate = macs / train(COMPACT, faces).seconds
    precision = COMPACT.precision.removeprefix("mixed_")
    matrix = keras().ops.cast(keras().random.normal((2048, 2048), seed=0), precision)
    most = 2048**3 / seconds(lambda: matrix @ matrix, 20)
    about = f"a run of compact, {COMPACT.epochs} epochs: {rate / 1e9:.1f} of {most / 1e9:.1f} GMAC/s in {precision}"
    note(
        "train.of_matrix_peak",
        rate / most,
        0.5,
        "share",
        f"{about}, one thread; the target is ours",
    )


def workers() -> None:
    """Four equal runs on two one-thread workers, and on a Dask cluster of two, against one worker."""
    faces = synthetic.draw(synthetic.SyntheticConfig())

    warm_up = FOUR_RUNS.replace(n_folds=2, epochs=1)

    def taken(executor) -> float:
        with tempfile.TemporaryDirectory() as folder:
            archive = Archive(Store(Path(folder)), NOTHING_RECORDED)
            train_missing(tasks([warm_up], faces), archive, executor, io.StringIO())
            four = tasks([FOUR_RUNS], faces)
            return seconds(lambda: train_missing(four, archive, executor, io.StringIO()), 1)

    with LocalProcesses(1) as pool:
        one = taken(pool.executor)
    with LocalProcesses(2) as pool:
        two = taken(pool.executor)
    note(
        "scale.two_workers",
        one / two,
        1.8,
        "times",
        "four equal runs, one thread each; the same bits (tests)",
    )
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        print("scale.dask is left out: the package distributed is not installed")
        return
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        dask = taken(client.get_executor())
    note(
        "scale.dask",
        one / dask,
        1.8,
        "times",
        "the same on distributed.LocalCluster, 2 workers of one thread each",
    )


def memory() -> None:
    """What a worker needs at most."""
    with tempfile.TemporaryDirectory() as folder:
        most = fresh(one_epoch_of_each, str(save_faces(load_faces("muxspace"), Path(folder))))
    about = "the most that a fresh worker held in one epoch of the pared-down and one of the compact net"
    note("memory.worker_gb", most, 1.5, "GB", about, least=False)


def one_epoch_of_each(folder: str) -> float:
    """In a worker: train both nets on the faces kept there; the most memory that it held since it began, in GB."""
    faces = open_faces(Path(folder))
    for variant in (PARED_DOWN, COMPACT):
        train(variant.replace(epochs=1), faces)
    return most_memory()


def most_memory() -> float:
    """The most memory that this process has held since it began, in GB."""
    status = Path("/proc/self/status")
    if (
        status.exists()
    ):  # ru_maxrss is no less than what the parent held when it started this process
        return int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]) * 1024 / 1e9
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most * (1 if sys.platform == "darwin" else 1024) / 1e9


def detector() -> None:
    """All pairs of the photos, and how many of the study's own copies are found among 4,000 of them."""
    pixels = np.array(load_faces("muxspace").pixels)
    taken = seconds(lambda: find_copies(pixels), 1)
    note(
        "detector.s",
        taken,
        120,
        "s",
        f"all pairs of {len(pixels):,} photos, {os.cpu_count()} cores",
        least=False,
    )
    some = np.random.default_rng(0).permutation(len(pixels))[:DECODED]
    how, n = OfflineAugmentation(per_image=1), 300
    copies = np.stack([transformed(pixels[row], str(row), 0, how) for row in some[:n]])
    pairs = find_copies(pixels[some], copies)
    found = len(set(pairs.test[pairs.test == pairs.train]))
    note(
        "detector.recall",
        found / n,
        0.98,
        "share",
        f"of {n} copies as in this study, among {len(some):,} photos",
    )


def ten_times() -> None:
    """One epoch on ten times as many faces, in time and memory."""
    with tempfile.TemporaryDirectory() as folder:
        kept = [
            str(
                save_faces(
                    synthetic.draw(synthetic.SyntheticConfig(counts=(times * 50,) * 8)),
                    Path(folder),
                )
            )
            for times in (4, 40)
        ]
        (few_s, few_gb), (many_s, many_gb) = (fresh(one_epoch, faces) for faces in kept)
    note(
        "scale.time_10x",
        many_s / few_s,
        10.5,
        "times",
        "split and one epoch on 16,000 faces and on 1,600",
        least=False,
    )
    note(
        "memory.ratio_10x",
        many_gb / few_gb,
        10.5,
        "times",
        "the most that these workers held",
        least=False,
    )


def one_epoch(folder: str) -> tuple[float, float]:
    """In a worker: seconds of one epoch of the pared-down net on the faces kept there, and the most memory, in GB."""
    faces, once = open_faces(Path(folder)), PARED_DOWN.replace(epochs=1)
    train(
        once, faces.select(np.arange(len(faces)) < 200)
    )  # the first one pays for what is set up once
    return seconds(lambda: whole_run(once, faces), 1), most_memory()


def edited() -> None:
    """One edited variant of the pared-down net, five folds: what it takes beside the training itself."""
    with nothing_built():
        faces = load_faces("muxspace")
        began = time.perf_counter()
        [found] = sweep([Variant("edited", batch_size=96)], faces).values()
        taken = time.perf_counter() - began
    training = sum(run.seconds for run in found.runs) / default_workers()
    note(
        "edit.minutes",
        taken / 60,
        3,
        "min",
        "five folds, from the edit to the predictions",
        least=False,
    )
    about = "of these, beyond the seconds of training on all workers"
    note("edit.extra_s", taken - training, 15, "s", about, least=False)


def studies() -> None:
    """All notebooks in the quick profile, from nothing: on the photos, and on synthetic faces without photos."""
    for name, dataset, target in (("quick", "muxspace", 3), ("offline", "synthetic", 4)):
        command = [
            sys.executable,
            "-m",
            "emoclass",
            "reproduce",
            "--profile",
            "quick",
            "--dataset",
            dataset,
        ]
        with nothing_built():
            taken = seconds(
                lambda c=command: subprocess.run(c, check=True, stdout=subprocess.DEVNULL), 1
            )
        note(
            f"study.{name}_min",
            taken / 60,
            target,
            "min",
            f"seven notebooks on {dataset}, quick profile",
            least=False,
        )


@contextlib.contextmanager
def fresh_clone():
    """A clone of the last commit in a folder of its own, with nothing built, and what commands in it need."""
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder, "emoclass")
        subprocess.run(["git", "clone", "--quiet", str(paths.ROOT), str(clone)], check=True)
        yield clone


def make(clone: Path, *arguments: str) -> float:
    """Seconds that `make ARGUMENTS` takes in a clone, with the packages of this Python and the photos at hand."""
    environment = os.environ | {
        "EMOCLASS_BUILD": str(clone / "build"),
        "EMOCLASS_DATA": str(paths.data_folder()),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(clone),
        "VIRTUAL_ENV": sys.prefix,
    }
    command = ["make", "--no-print-directory", *arguments]
    return seconds(lambda: subprocess.run(command, cwd=clone, env=environment, check=True), 1)


def training_seconds(clone: Path) -> float:
    """Seconds of training of all runs in a clone's store, divided by the workers that train side by side."""
    total = 0.0
    for file in (clone / "build" / "runs").glob("*.npz"):
        facts = json.loads(str(np.load(file)["facts"]))
        total += facts["seconds"]
    return total / default_workers()


def numbers(clone: Path) -> dict[str, dict]:
    """The published numbers as they stand in a clone."""
    return load(clone / "figures" / "muxspace" / "results.json")["numbers"]


def share_equal(before: dict[str, dict], after: dict[str, dict]) -> float:
    """The share of the numbers of `before` that are the same, to the last digit, in `after`."""
    equal = sum(after.get(name) == entry for name, entry in before.items())
    return equal / len(before)


def is_recorded(part: str) -> bool:
    """Whether there is a record to measure; without one the study would be trained, for hours."""
    found = any(paths.RECORD.glob("*.zip"))
    if not found:
        print(f"{part} is left out: nothing is recorded")
    return found


def recorded() -> None:
    """The study from its record, in a fresh clone with the photos at hand; and how large the record is."""
    if not is_recorded("reproduce.record_min"):
        return
    with fresh_clone() as clone:
        before = numbers(clone)
        taken = make(clone, "reproduce")
        equal = share_equal(before, numbers(clone))
    about = "make reproduce in a fresh clone, the photos at hand, .venv apart"
    note("reproduce.record_min", taken / 60, 4, "min", about, least=False)
    about = f"of {len(before):,} published numbers, to the last digit"
    note("reproduce.equal_numbers", equal, 1, "share", about)
    size = sum(file.stat().st_size for file in paths.RECORD.rglob("*") if file.is_file())
    note("record.mb", size / 1e6, 25, "MB", "all that is committed below record/", least=False)


def verified() -> None:
    """A sample of eight recorded runs, trained again."""
    if not is_recorded("verify.min"):
        return
    with fresh_clone() as clone:
        taken = make(clone, "verify")
    note("verify.min", taken / 60, 6, "min", "make verify, eight runs", least=False)


@dataclass(frozen=True)
class Edit:
    """A value of one notebook's parameters cell, changed as somebody would who tries a variant."""

    id: str
    notebook: str
    settings: str  # as SET takes them


EDITS = (
    Edit("rotation", "03_leakage", "ROTATION=30"),
    Edit("class", "03_leakage", "CLASSES=['sadness', 'contempt']"),
    Edit("net", "03_leakage", "NET='TWO_CONVOLUTIONS'"),
    Edit("loss", "05_imbalance", "FOCAL_GAMMA=1.0"),
)


def edits() -> None:
    """One value edited, four times: from a fresh clone with the record to the notebook's new figures."""
    if not is_recorded("edit.*.min"):
        return
    most = 0.0
    for edit in EDITS:
        with fresh_clone() as clone:
            taken = make(clone, "reproduce", f"ONLY={edit.notebook}", f"SET={edit.settings}")
            most = max(most, taken - training_seconds(clone))
        about = f"{edit.notebook} with {edit.settings}, from a fresh clone with the record"
        note(f"edit.{edit.id}.min", taken / 60, 3, "min", about, least=False)
    about = "the most, of these four, beyond the seconds of training on all workers"
    note("edit.not_training_s", most, 20, "s", about, least=False)


def whole() -> None:
    """The whole study from nothing, which takes hours, and what it takes beside the training itself."""
    with fresh_clone() as clone:
        taken = make(clone, "retrain")
        training = training_seconds(clone)
        runs = len(list((clone / "build" / "runs").glob("*.npz")))
    about = f"seven notebooks, {runs} runs, from nothing"
    note("study.min", taken / 60, 90, "min", about, least=False)
    note("retrain.min", taken / 60, 90, "min", f"make retrain: {about}", least=False)
    about = "of the seconds of training on all workers"
    note("study.overhead", taken / training, 1.1, "times", about, least=False)
    note("retrain.overhead", taken / training, 1.08, "times", about, least=False)


ALL = (start_up, decoding, training, from_files, half_precision, matrix_peak, workers)
ALL += (memory, detector, ten_times, edited, studies, recorded, verified, edits)
PARTS = {part.__name__: part for part in (*ALL, whole)}


def main(arguments: list[str] | None = None) -> int:
    """Measure everything, or the parts asked for; 2 and one sentence where the photos are missing."""
    parser = argparse.ArgumentParser(
        prog="python benchmarks/bench.py", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "parts", nargs="*", metavar="part", help=f"{', '.join(PARTS)}; all but the last unless said"
    )
    asked = parser.parse_args(arguments).parts
    if unknown := [name for name in asked if name not in PARTS]:
        parser.error(f"there is no part {', '.join(unknown)}; choose from {', '.join(PARTS)}")
    if muxspace.find() is None:
        print("bench: the photos are not here; run make data", file=sys.stderr)
        return 2
    for name in asked or [name for name in PARTS if name != "whole"]:
        PARTS[name]()
        save()
    return 0


if __name__ == "__main__":
    sys.exit(main())
