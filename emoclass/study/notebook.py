"""Study: what a notebook needs to begin: faces, a place for figures and numbers, and its runs."""

import hashlib
import io
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image  # matplotlib brings it along
from IPython.display import Image
from matplotlib.figure import Figure

from emoclass import paths, plots
from emoclass.data import canonical_name, load_faces
from emoclass.data.new_faces import HELD_BACK, LEARN, with_new_faces
from emoclass.errors import InputError, LeakError, listed
from emoclass.faces import Faces
from emoclass.files import replacing, write_text
from emoclass.labels import EMOTIONS, MAJORITY, MINORITY
from emoclass.models import ConvNet
from emoclass.predictions import Predictions
from emoclass.study import store, sweep
from emoclass.study.results import Results
from emoclass.study.train import make_split
from emoclass.variant import ROLES, SAME_SPLIT, Variant

QUICK_SHARE, QUICK_FEWEST = 1 / 20, 10  # of the photos of each emotion, but no fewer than this
QUICK_EPOCHS, QUICK_FOLDS = 2, 2
QUICK_NET = ConvNet(dense=(4,))
LARGE = 5_000  # photos; a split of more takes seconds
OF_THE_SPLIT = (
    *ROLES,
    *(name for name in SAME_SPLIT if name != "net"),
)  # values of a variant that matter to it


def figure_folder(dataset: str, profile: str) -> Path:
    """Where figures and results.json go: into the project for the study itself, else under build/."""
    canonical = (dataset, profile) == ("muxspace", "full")
    return (
        paths.FIGURES / "muxspace" if canonical else rehearsal_folder(dataset, profile) / "figures"
    )


def rehearsal_folder(dataset: str, profile: str) -> Path:
    """The folder under build/ for the notebooks and figures of another data set or profile."""
    if dataset not in ("muxspace", "synthetic"):
        whole = Path(dataset).resolve()
        dataset = f"{whole.name}-{hashlib.sha256(os.fsencode(whole)).hexdigest()[:6]}"  # others may be called so too
    return paths.build_folder() / (dataset if profile == "full" else f"{dataset}-{profile}")


class Study:
    """One notebook's share of the study: its `faces`, its `results`, and every run that it has `planned`.

    Raises InputError if the profile is unknown or a kind of emotion is missing, or as `load_faces` does.
    """

    def __init__(
        self,
        notebook: str,
        dataset: str = "muxspace",
        profile: str = "full",
        new_faces: bool = False,
    ):
        if profile not in ("full", "quick"):
            raise InputError(f"PROFILE={profile!r} is unknown; choose one of full, quick")
        dataset = canonical_name(dataset)
        self.profile, self.folder = profile, figure_folder(dataset, profile)
        whole = (with_new_faces if new_faces else load_faces)(dataset)
        for group in (MAJORITY, MINORITY):
            if not whole.counts[list(group)].any():
                why = f"the study compares {listed(MAJORITY)} with the six others and needs photos of both"
                raise InputError(f"{whole.name} shows none of {listed(group)}: {why}")
        self.faces = whole if profile == "full" else _sampled(whole)
        if how := [which for what, _, which in whole.report if what == "subjects" and which]:
            print(f"{whole.name}: {how[0]}")
        if profile == "quick":
            less = f"{len(self.faces):,} of {len(whole):,} photos, at most {QUICK_EPOCHS} epochs, {QUICK_FOLDS} folds"
            print(f"PROFILE=quick: {less}, small nets; a rehearsal, not a result")
        about = dict(
            name=self.faces.name, photos=len(self.faces), digest=self.faces.digest, profile=profile
        )
        self.results = Results(self.folder / "results.json", notebook, about, store.versions())
        self.planned: list[sweep.Task] = []
        plots.use_style()

    def adapted(self, variants: Iterable[Variant]) -> list[Variant]:
        """The variants as this profile trains them."""
        return (
            list(variants) if self.profile == "full" else [_quick(variant) for variant in variants]
        )

    def plan(
        self, variants: Iterable[Variant], faces: Faces | None = None, seeds: Iterable[int] = (0,)
    ) -> None:
        """Announce runs, to be trained beforehand; InputError that lists every split that cannot be made, and why."""
        faces = self.faces if faces is None else faces
        variants, seeds = self.adapted(variants), list(seeds)
        if faults := _unfit(variants, faces, seeds):
            raise InputError(f"{faces.name}: {listed(faults, 100)}")
        self.planned += sweep.tasks(variants, faces, seeds)

    def sweep(
        self, variants: Iterable[Variant], faces: Faces | None = None, seeds: Iterable[int] = (0,)
    ) -> dict[str, Predictions]:
        """Predictions by name of variant; what the store lacks is trained first, with a line on stderr for each."""
        return sweep.sweep(self.adapted(variants), self.faces if faces is None else faces, seeds)

    def figure(self, figure: Figure, name: str) -> Image:
        """Keep a figure as <name>.png, in 256 colours, the same bits each time; return it to be shown."""
        drawn, path = io.BytesIO(), self.folder / f"{name}.png"
        figure.savefig(drawn, dpi=90, bbox_inches="tight")
        plots.close(figure)
        with replacing(path) as draft:
            PIL.Image.open(drawn).convert("RGB").quantize(
                256, PIL.Image.Quantize.MEDIANCUT, dither=0
            ).save(draft)
        return Image(path.read_bytes())

    def finish(self) -> None:
        """Write this notebook's numbers to results.json."""
        print(
            f"{len(self.results.numbers)} numbers in {os.path.relpath(self.results.save(), paths.ROOT)}"
        )


def _sampled(faces: Faces) -> Faces:
    rng, is_new = np.random.default_rng(0), faces.table.source.isin((*LEARN, HELD_BACK))
    parts = [
        (is_new == new) & (faces.table.emotion == emotion)
        for new in (False, True)
        for emotion in EMOTIONS
    ]
    rows = [rng.permutation(np.flatnonzero(part)) for part in parts]
    fewer = [some[: max(round(len(some) * QUICK_SHARE), QUICK_FEWEST)] for some in rows]
    return faces.select(np.sort(np.concatenate(fewer)))


def _unfit(variants: list[Variant], faces: Faces, seeds: list[int]) -> list[str]:
    """Which of these cannot be split, and why: each way to split is tried once, on pictures of one pixel."""
    dots, faults = replace(faces, pixels=np.zeros((len(faces), 1, 1), np.uint8)), {}
    for task in sweep.with_starts(sweep.tasks(variants, dots, seeds)):
        how = {name: getattr(task.variant, name) for name in OF_THE_SPLIT}
        copies = task.variant.offline_augmentation if task.variant.augment_first else None
        variant = Variant(task.variant.name, offline_augmentation=copies, **how)
        tried = (
            paths.build_folder()
            / "cache"
            / "splits"
            / store.run_key(variant, faces, task.fold, task.seed)
        )
        # Each fold of a large collection has photos enough, and whether anything is torn the first asks of all.
        if (task.fold and len(faces) > LARGE) or tried.exists():
            continue
        try:
            make_split(variant, dots, task.fold, task.seed)
            write_text(tried, "")
        except (InputError, LeakError) as error:
            faults.setdefault(str(error), task.variant.name)
    return [f"{name!r}: {why}" for why, name in faults.items()]


def _quick(variant: Variant) -> Variant:
    quick = dict(
        epochs=min(variant.epochs, QUICK_EPOCHS),
        init_from=variant.init_from and _quick(variant.init_from),
    )
    quick |= dict(net=QUICK_NET)
    if variant.group_by != "source":  # whose folds are the sources, however few or many
        quick |= dict(n_folds=QUICK_FOLDS, n_folds_run=min(len(variant.folds), QUICK_FOLDS))
    return variant.replace(**quick)
