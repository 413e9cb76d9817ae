"""Is it faces alone? The sibling swap and the fingerprint on digits and on synthetic faces.

Neither needs a download: scikit-learn ships the digits, the faces are drawn. Digits 0 to 7 stand
for the eight classes, and the two that stand for fear and contempt are made rare. The numbers go
into figures/muxspace/results.json as `elsewhere.<collection>.*`. Finished nets are kept. `--quick`
rehearses it with two seeds, two epochs and two folds, into build/.
"""

import argparse
import sys
from dataclasses import dataclass, replace

import cv2
import numpy as np
import pandas as pd
from sklearn.datasets import load_digits

from emoclass import fingerprint, metrics, paths
from emoclass.augment import OfflineAugmentation
from emoclass.data.synthetic import SyntheticConfig, draw
from emoclass.errors import InputError
from emoclass.estimates import Estimate
from emoclass.faces import Faces
from emoclass.labels import EMOTIONS
from emoclass.predictions import Predictions
from emoclass.study.results import Results, load
from emoclass.study.store import versions
from emoclass.study.sweep import SweepError, sweep
from emoclass.variant import Variant

RARE = {"fear": 20, "contempt": 10}  # how many pictures are left of each rare class
FREQUENT = tuple(name for name in EMOTIONS if name not in RARE)
SIZE = 24  # pixels a side
DIGITS = {}  # which digit stands for which class: the rare ones are the last two
for digit, emotion in enumerate([*FREQUENT, *RARE]):
    DIGITS[digit] = emotion
ARMS = ("honest", "swap", "placebo")
LEAST = 0.02  # points of a registered difference, as a share


@dataclass(frozen=True)
class Plan:
    """How much is trained: of the swap all folds, of the fingerprint the first two."""

    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    n_folds: int = 5
    swap_epochs: int = 10
    epochs: int = 15


QUICK = Plan(seeds=(0, 1), n_folds=3, swap_epochs=2, epochs=2)


def digits() -> Faces:
    """scikit-learn's digits 0 to 7, 24 x 24 pixels, as if each were a class and a subject of its own.

    Of those that stand for the rare classes the first few are taken.
    """
    found = load_digits()
    kept = []
    for digit, emotion in DIGITS.items():
        rows = np.flatnonzero(found.target == digit)
        kept.append(rows[: RARE.get(emotion, len(rows))])
    rows = np.concatenate(kept)
    pictures = []
    for picture in found.images[rows]:
        grey = (picture * 255 / 16).astype(np.uint8)
        pictures.append(cv2.resize(grey, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC))
    names = [f"digit {row}" for row in rows]
    emotions = [DIGITS[digit] for digit in found.target[rows]]
    table = pd.DataFrame({"photo": names, "emotion": emotions, "subject": names})
    table = table.assign(source="digits", annotator="", parent=names, duplicate_id=names)
    return Faces(np.stack(pictures), table, "digits")


def synthetic() -> Faces:
    """Drawn faces, one of each subject, as many of each class as there are digits."""
    counts = digits().counts
    config = SyntheticConfig(
        counts=tuple(int(counts[name]) for name in EMOTIONS),
        photos_per_subject=(1, 1),
        film=0,
    )
    return draw(config, size=SIZE)


COLLECTIONS = {"digits": digits, "synthetic": synthetic}


def copies_of_two(faces: Faces) -> OfflineAugmentation:
    """Copies of the two rare classes, until each is as frequent as the most frequent one."""
    return OfflineAugmentation(
        target_count=int(faces.counts.max()),
        classes=tuple(RARE),
        flip=False,  # a mirrored digit is none
    )


def sibling_swap(faces: Faces, plan: Plan) -> dict[str, Predictions]:
    """The three arms of the swap, by name: see `emoclass.study.siblings`."""
    variants = {}
    for arm in ARMS:
        variants[arm] = Variant(
            arm,
            group_by="duplicate",
            offline_augmentation=copies_of_two(faces),
            augment_first=True,
            siblings=arm,
            allow_leak=arm == "swap",
            checkpoint="last",
            epochs=plan.swap_epochs,
            n_folds=plan.n_folds,
        )
    return sweep(variants.values(), faces, seeds=plan.seeds)


def fingerprints(faces: Faces, plan: Plan) -> dict[str, fingerprint.Answers]:
    """What nets answer with transformed copies of the rare classes, untransformed ones, none."""
    copies = copies_of_two(faces)
    still = replace(copies, rotation=0, shift=0, zoom=0)
    plain = Variant(
        "none",
        epochs=plan.epochs,
        checkpoint="last",
        n_folds=plan.n_folds,
        n_folds_run=2,
    )
    variants = [
        plain,
        plain.replace(name="two", offline_augmentation=copies),
        plain.replace(name="two_identity", offline_augmentation=still),
    ]
    trained = sweep(variants, faces, seeds=plan.seeds)
    together = fingerprint.changes(copies)["all together"]
    found = {}
    for name, predictions in trained.items():
        found[name] = fingerprint.ask(predictions, faces, FREQUENT, together)
    return found


def measured(collection: str, faces: Faces, plan: Plan, results: Results) -> tuple[bool, bool]:
    """Record what is measured on one collection; whether its two expectations hold."""
    arms = sibling_swap(faces, plan)
    rare = tuple(RARE)
    for arm, predictions in arms.items():
        results.add(f"elsewhere.{collection}.{arm}.rare", metrics.mean_recall(predictions, rare))
    leak = metrics.mean_recall_difference(arms["swap"], arms["honest"], rare)
    diversity = metrics.mean_recall_difference(arms["honest"], arms["placebo"], rare)
    results.add(f"elsewhere.{collection}.leak", leak, "difference")
    results.add(f"elsewhere.{collection}.diversity", diversity, "difference")
    answers = fingerprints(faces, plan)
    for name, answered in answers.items():
        for which in ("untouched", "transformed"):
            share = fingerprint.share(getattr(answered, which), rare)
            results.add(f"elsewhere.{collection}.{name}.{which}", share)
    betrayed = fingerprint.betrayal(answers["two"], rare, answers["two_identity"])
    results.add(f"elsewhere.{collection}.betrayal", betrayed, "difference")
    print(f"{collection}: leak {leak:+}, diversity {diversity:+}, betrayal {betrayed:+}")
    return _reached(leak), _reached(betrayed)


def _reached(difference: Estimate) -> bool:
    return difference.value >= LEAST and difference.low > 0


def main(arguments: list[str] | None = None) -> int:
    """Measure both; one sentence and 1 where a run failed, 2 where there is nothing to measure."""
    parser = argparse.ArgumentParser(
        prog="python benchmarks/elsewhere.py", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--quick", action="store_true", help="a rehearsal, into build/elsewhere")
    quick = parser.parse_args(arguments).quick
    plan = QUICK if quick else Plan()
    folder = paths.build_folder() / "elsewhere" if quick else paths.FIGURES / "muxspace"
    path = folder / "results.json"
    about = {"name": "digits and synthetic faces", "profile": "quick" if quick else "full"}
    try:
        results = Results(path, "elsewhere", about, versions())
        for number, (collection, make) in enumerate(COLLECTIONS.items(), start=1):
            leaks, betrays = measured(collection, make(), plan, results)
            for name, holds in ((f"ELSE{number}", leaks), (f"ELSE{number + 2}", betrays)):
                results.expect(f"{name} of docs/preregistration.md", holds, registered=name)
        if path.exists():  # the notebooks say what the data and the versions are
            before = load(path)
            results = replace(results, data=before["data"], versions=before["versions"])
        print(f"{len(results.numbers)} numbers in {results.save()}")
        if not quick:
            from emoclass.study.documents import rewrite_documents  # late: papermill takes its time

            rewrite_documents()
    except InputError as error:
        print(f"elsewhere: {error}", file=sys.stderr)
        return 2
    except SweepError as error:
        print(f"elsewhere: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
