"""Study: what a notebook needs to begin: faces, a place for figures and numbers, and its runs."""

import hashlib
import io
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import PIL.Image  # matplotlib brings it along
from IPython.display import Image
from matplotlib.figure import Figure

from emoclass import kept, paths, plots
from emoclass.augment import emotions_named
from emoclass.data import canonical_name, load_faces, muxspace
from emoclass.data.new_faces import HELD_BACK, LEARN, with_new_faces
from emoclass.data.recorded import read_table
from emoclass.errors import InputError, LeakError, listed
from emoclass.faces import Faces
from emoclass.files import replacing, write_text
from emoclass.labels import EMOTIONS, MAJORITY, MINORITY, canonical
from emoclass.models import ConvNet, ResNet
from emoclass.predictions import Predictions
from emoclass.study import results, store, sweep
from emoclass.study.arguments import check_seeds, check_variants
from emoclass.study.edited import EditedNote
from emoclass.study.record import Derived
from emoclass.study.samples import make_split
from emoclass.variant import Variant

QUICK_SHARE = 1 / 20  # of the photos of each emotion ...
QUICK_FEWEST = 30  # ... but no fewer than this: the rarest remain the rarest, and get copies
QUICK_EPOCHS = 2
QUICK_FOLDS = 2
QUICK_SEEDS = 2
QUICK_NET = ConvNet(dense=(4,))
LARGE = 5_000  # photos; a split of more takes seconds
MANY = {4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight"}  # classes: too many for a title
# Columns of recorded tables that are text, "906" too.
WORDS = ("photo", "annotator", "label", "emotion")
# Set by `make reproduce`: the notebook whose figures and numbers are to be published.
PUBLISH = "EMOCLASS_PUBLISH"
# Set by `make retrain`: nothing that is recorded counts.
RETRAIN = "EMOCLASS_RETRAIN"


def published_folder(dataset: str, profile: str) -> Path:
    """Where `make reproduce` puts figures and results.json; those of the study into the project."""
    if (dataset, profile) == ("muxspace", "full"):
        return paths.FIGURES / "muxspace"
    return rehearsal_folder(dataset, profile) / "figures"


def rehearsal_folder(dataset: str, profile: str) -> Path:
    """The folder under build/ for the notebooks and figures of another data set or profile."""
    if dataset not in ("muxspace", "synthetic"):
        whole = Path(dataset).resolve()
        digest = hashlib.sha256(os.fsencode(whole)).hexdigest()[:6]  # others may be called so too
        dataset = f"{whole.name}-{digest}"
    name = dataset if profile == "full" else f"{dataset}-{profile}"
    return paths.build_folder() / name


def edited_folder(notebook: str) -> Path:
    """Where a notebook that somebody runs by hand puts its figures, its numbers and itself."""
    return paths.build_folder() / "edited" / notebook


class Study:
    """One notebook's share of the study: its `faces`, `results`, and every run that it `planned`.

    names    the notebook's `globals()`, where the values of its parameters cell stand
    Run by `make reproduce`, figures and numbers are published; run in any other way, they go to build/edited/, and
    two lines say so. Raises InputError if the profile is unknown or a kind of emotion is missing, or as `load_faces`.
    """

    def __init__(self, notebook: str, names: dict, new_faces: bool = False):
        self.notebook = notebook
        self.dataset = canonical_name(names["DATASET"])
        self.profile = names["PROFILE"]
        if self.profile not in ("full", "quick"):
            raise InputError(f"PROFILE={self.profile!r} is unknown; choose one of full, quick")
        published = published_folder(self.dataset, self.profile)
        self.is_published = os.environ.get(PUBLISH) == notebook
        self.folder = published if self.is_published else edited_folder(notebook)
        self.published = _published_results()
        self.archive = archive_of_the_project()
        self.derived = Derived(paths.build_folder() / "derived", self.archive.record)
        kept.use(self.derived)
        whole = _load(self.dataset, new_faces)
        _check_groups(whole)
        self.faces = whole if self.profile == "full" else _sampled(whole)
        self._say_what_is_read(whole)
        about = dict(
            name=self.faces.name,
            photos=len(self.faces),
            digest=self.faces.digest,
            profile=self.profile,
        )
        path = self.folder / "results.json"
        parameters = _parameters(names)
        self.results = results.Results(path, notebook, about, store.versions(), parameters)
        self.planned: list[sweep.Task] = []
        self.note = None
        if not self.is_published:
            self.note = EditedNote(notebook, self.folder, parameters, self.published)
            self.note.show()
        plots.use_style()

    def _say_what_is_read(self, whole: Faces) -> None:
        for what, _, which in whole.report:
            if what == "subjects" and which:
                print(f"{whole.name}: {which}")
        if self.profile == "quick":
            print(
                f"PROFILE=quick: {len(self.faces):,} of {len(whole):,} photos, at most {QUICK_EPOCHS} epochs, "
                f"{QUICK_FOLDS} folds, small nets; a rehearsal, not a result"
            )

    def read(self, name: str, load) -> pd.DataFrame | pd.Series:
        """What `load()` reads from the photos' files, or, where they are not here, its record."""
        path = paths.RECORD / "tables" / f"{name}.csv"
        is_study = (self.dataset, self.profile) == ("muxspace", "full")
        if not self.faces.has_pixels:
            if not path.exists():
                raise InputError(f"{name} is not recorded, and the photos are not here")
            return _read_csv(path)
        found = load()
        if self.is_published and is_study:
            write_text(path, found.to_csv())
        return found

    def present(self, classes: Iterable[str]) -> tuple[str, ...]:
        """Those of these classes of which there are photos, in this order; of other photos, a minority class.

        Aliases such as "happy" are understood. Raises InputError that names what is no emotion.
        """
        classes = tuple(classes)
        emotions_named(classes, "classes")
        asked = dict.fromkeys(canonical(name) for name in classes)
        found = [emotion for emotion in asked if self.faces.counts[emotion]]
        others = [emotion for emotion in MINORITY if self.faces.counts[emotion]]
        return tuple(found or others[:1])

    @property
    def of_all_notebooks(self) -> dict:
        """What all notebooks recorded of these photos in this profile, as results.json has it."""
        path = published_folder(self.dataset, self.profile) / "results.json"
        if not path.exists():
            return {"numbers": {}, "claims": {}}
        return results.load(path)

    @staticmethod
    def chosen(what: str, names: Iterable[str], known: Iterable[str]) -> list[str]:
        """Those of the known names that are asked for, in their order; InputError that names all others.

        what    the parameter that asks, such as "NETS"
        """
        asked = [names] if isinstance(names, str) else list(names)
        known = list(known)
        unknown = [str(name) for name in asked if name not in known]
        if unknown:
            raise InputError(
                f"{what} names {listed(unknown)}: choose some of {listed(known, len(known))}"
            )
        return [name for name in known if name in asked]

    @staticmethod
    def named(classes: Iterable[str]) -> str:
        """Classes in a few words, for titles and labels: "fear and contempt", "six classes"."""
        meant = dict.fromkeys(canonical(name) or name for name in classes)
        if len(meant) in MANY:
            return f"{MANY[len(meant)]} classes"
        *others, last = meant
        if others:
            return f"{', '.join(others)} and {last}"
        return last

    def adapted(self, variants: Iterable[Variant]) -> list[Variant]:
        """The variants as this profile trains them."""
        if self.profile == "full":
            return list(variants)
        return [_quick(variant) for variant in variants]

    def plan(
        self,
        variants: Iterable[Variant],
        faces: Faces | None = None,
        seeds: Iterable[int] = (0,),
    ) -> None:
        """Announce runs, to be trained beforehand; InputError lists every split that cannot be made, and why."""
        faces = self.faces if faces is None else faces
        variants = self.adapted(check_variants(variants, "study.plan([v])"))
        seeds = self._seeds(seeds)
        faults = _unfit(variants, faces, seeds)
        if faults:
            raise InputError(f"{faces.name}: {listed(faults, 100)}")
        self.planned += sweep.tasks(variants, faces, seeds)

    def sweep(
        self,
        variants: Iterable[Variant],
        faces: Faces | None = None,
        seeds: Iterable[int] = (0,),
    ) -> dict[str, Predictions]:
        """Predictions by name of variant; what is neither stored nor recorded is trained first, with progress."""
        faces = self.faces if faces is None else faces
        variants = self.adapted(check_variants(variants, "study.sweep([v])"))
        return sweep.sweep(variants, faces, self._seeds(seeds), self.archive)

    def _seeds(self, seeds: Iterable[int]) -> list[int]:
        """These seeds; in a rehearsal the first few of them."""
        seeds = list(check_seeds(seeds))
        return seeds if self.profile == "full" else seeds[:QUICK_SEEDS]

    def figure(self, figure: Figure, name: str) -> Image:
        """Keep a figure as <name>.png, in 256 colours, the same bits each time; show it."""
        drawn = io.BytesIO()
        figure.savefig(drawn, dpi=90, bbox_inches="tight")
        plots.close(figure)
        path = self.folder / f"{name}.png"
        with replacing(path) as draft:
            picture = PIL.Image.open(drawn).convert("RGB")
            picture.quantize(256, PIL.Image.Quantize.MEDIANCUT, dither=0).save(draft)
        return Image(path.read_bytes())

    def finish(self) -> None:
        """Write this notebook's numbers to results.json, and what it derived, for the record."""
        path = self.results.save()
        if self.is_published:
            used = "\n".join(sorted(self.derived.asked))
            write_text(paths.build_folder() / "derived" / f"{self.notebook}.txt", used)
        else:
            self.note.finish(self.results.expectations)
        print(f"{len(self.results.numbers)} numbers in {os.path.relpath(path, paths.ROOT)}")


def _read_csv(path: Path) -> pd.DataFrame | pd.Series:
    """A table or a series as `to_csv` wrote it: names and labels are text, and what is empty is missing."""
    words = dict.fromkeys(WORDS, str)
    table = pd.read_csv(path, index_col=0, dtype=words, keep_default_na=False, na_values=[""])
    if table.shape[1] == 1:
        return table.iloc[:, 0]
    return table


def archive_of_the_project() -> sweep.Archive:
    """The store and the record; `make retrain` looks into the store alone."""
    archive = sweep.Archive.of_the_project()
    if os.environ.get(RETRAIN):
        return replace(archive, record=sweep.NOTHING_RECORDED)
    return archive


def _parameters(names: dict) -> dict:
    """The values of a notebook's parameters cell: names in capitals with plain values."""
    found = {}
    for name, value in names.items():
        is_plain = isinstance(value, str | int | float | bool | list | tuple | None)
        if name.isupper() and not name.startswith("_") and is_plain:
            found[name] = list(value) if isinstance(value, tuple) else value
    return found


def _published_results() -> dict:
    path = paths.FIGURES / "muxspace" / "results.json"
    if not path.exists():
        return {}
    return results.load(path)


def photos_table(new_faces: bool) -> Path:
    """The file of the record that holds the table of the photos, with the new faces or without."""
    return paths.RECORD / ("photos_and_new_faces.csv.gz" if new_faces else "photos.csv.gz")


def _load(dataset: str, new_faces: bool) -> Faces:
    table = photos_table(new_faces)
    if dataset == "muxspace" and not muxspace.find() and table.exists():
        print("The photos are not here: this is shown from the record, and nothing can be trained.")
        return read_table(table)
    load = with_new_faces if new_faces else load_faces
    return load(dataset)


def _check_groups(whole: Faces) -> None:
    for group in (MAJORITY, MINORITY):
        if not whole.counts[list(group)].any():
            raise InputError(
                f"{whole.name} shows none of {listed(group)}: the study compares {listed(MAJORITY)} with the six "
                "others and needs photos of both"
            )


def _sampled(faces: Faces) -> Faces:
    rng = np.random.default_rng(0)
    is_new = faces.table.source.isin((*LEARN, HELD_BACK))
    fewer = []
    for new in (False, True):
        for emotion in EMOTIONS:
            is_shown = (is_new == new) & (faces.table.emotion == emotion)
            rows = rng.permutation(np.flatnonzero(is_shown))
            kept = max(round(len(rows) * QUICK_SHARE), QUICK_FEWEST)
            fewer.append(rows[:kept])
    return faces.select(np.sort(np.concatenate(fewer)))


def _unfit(variants: list[Variant], faces: Faces, seeds: list[int]) -> list[str]:
    """Which of these cannot be split, and why: each way to split is tried once, on pictures of one pixel."""
    pixels = np.zeros((len(faces), 1, 1), np.uint8)
    dots = replace(faces, pixels=pixels)
    dots.pixel_digests  # noqa: B018  (once for all)
    faults = {}
    for task in sweep.with_starts(sweep.tasks(variants, dots, seeds)):
        variant = task.variant.split_only
        if not variant.augment_first:
            variant = variant.replace(offline_augmentation=None, copies_replace=False)
        address = store.run_address(variant, faces, task.fold, task.seed)
        tried = paths.build_folder() / "cache" / "splits" / address
        # Each fold of a large collection has photos enough; whether a family is on both sides the first asks of all.
        if (task.fold and len(faces) > LARGE) or tried.exists():
            continue
        try:
            make_split(variant, dots, task.fold, task.seed)
            write_text(tried, "")
        except (InputError, LeakError) as error:
            faults.setdefault(str(error).replace("'split'", "this"), task.variant.name)
    return [f"{name!r}: {why}" for why, name in faults.items()]


def _quick(variant: Variant) -> Variant:
    is_own = not isinstance(variant.net, ConvNet | ResNet)
    changes = dict(
        net=variant.net if is_own else QUICK_NET,
        epochs=min(variant.epochs, QUICK_EPOCHS),
        init_from=variant.init_from and _quick(variant.init_from),
    )
    if variant.group_by != "source":  # whose folds are the sources, however few or many
        # A sibling swap takes out of training as many photos as it tests, and leaves some.
        is_swap = variant.siblings != "as they fall"
        changes["n_folds"] = QUICK_FOLDS + 1 if is_swap else QUICK_FOLDS
        changes["n_folds_run"] = min(len(variant.folds), QUICK_FOLDS)
    return variant.replace(**changes)
