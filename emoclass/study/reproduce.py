"""`make reproduce` and `make retrain`: notebook by notebook, from the store, the record, or by training."""

import os
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

from emoclass import paths
from emoclass.data import canonical_name, muxspace
from emoclass.data.new_faces import NoNewFaces, with_new_faces
from emoclass.data.recorded import write_table
from emoclass.errors import InputError, listed
from emoclass.files import locked, write_text
from emoclass.study import results, sweep
from emoclass.study.documents import check, documents, rewrite_prose
from emoclass.study.executed import (
    Edition,
    check_parameters,
    environment,
    execute,
    notebooks,
    planned,
    staleness,
)
from emoclass.study.notebook import (
    RETRAIN,
    archive_of_the_project,
    photos_table,
    rehearsal_folder,
)
from emoclass.study.options import ReproduceOptions
from emoclass.study.record import Derived, write_record
from emoclass.study.sweep import Archive

__all__ = ["check", "reproduce", "retrain"]

ABANDONED = 3600  # seconds after which nobody is writing a draft any more


def _print(line: str) -> None:
    print(line, flush=True)


def reproduce(options: ReproduceOptions, say=_print) -> None:
    """Execute the notebooks that are stale, in order: from the store and the record, training what both lack.

    All (or the one that is `only` to be made) are planned first: what cannot be done is said before anything is
    trained. One at a time in a build folder; others wait.
    """
    _one_at_a_time(options, say, from_nothing=False)


def retrain(options: ReproduceOptions, say=_print) -> None:
    """Train everything from nothing, write the record anew, execute the notebooks; goes on where it stopped."""
    _one_at_a_time(options, say, from_nothing=True)


def _one_at_a_time(options: ReproduceOptions, say, from_nothing: bool) -> None:
    build = paths.build_folder()
    retrain = "yes" if from_nothing else ""

    def waiting():
        say(f"another make reproduce is at work in {build}: waiting for it")

    with locked(build / "reproduce", waiting), environment(RETRAIN, retrain):
        _Reproduction.of(options, say, from_nothing).all()


@dataclass
class _Reproduction:
    """One pass over the notebooks of an edition."""

    edition: Edition
    wanted: list[Path]
    archive: Archive
    say: object
    has_photos: bool
    from_nothing: bool
    whole: bool  # all notebooks, not one
    plan: dict[Path, list[sweep.Task]] = field(default_factory=dict)

    @classmethod
    def of(cls, options: ReproduceOptions, say, from_nothing: bool) -> "_Reproduction":
        edition = _edition(options)
        wanted = [path for path in notebooks() if options.only in ("", path.stem)]
        if not wanted:
            choice = listed(path.stem for path in notebooks())
            raise InputError(f"there is no notebook {options.only!r}; choose one of {choice}")
        if edition.settings and len(wanted) > 1:
            raise InputError("SET changes the values of one notebook: name it, ONLY=03_leakage")
        has_photos = edition.dataset != "muxspace" or _photos_found(say)
        if not has_photos and from_nothing:
            raise InputError("nothing can be trained without the photos: `make data` fetches them")
        if not has_photos and not photos_table(False).exists():
            say("Going on with a quick rehearsal on the synthetic faces instead, into build/.")
            edition = Edition("synthetic", "quick", edition.settings)
            has_photos = True
        return cls(
            edition=edition,
            wanted=wanted,
            archive=archive_of_the_project(),
            say=say,
            has_photos=has_photos,
            from_nothing=from_nothing,
            whole=not options.only,
        )

    def all(self) -> None:
        """Plan, train, execute, and fill in the numbers."""
        _cleared(paths.build_folder(), self.edition.numbers, self.say)
        for fault in self.archive.record.faults:
            self.say(fault)
        self._plan_all()
        before = results.load(self.edition.numbers) if self.edition.numbers.exists() else None
        for k, path in enumerate(self.plan, 1):
            self._make(path, f"notebook {k} of {len(self.plan)}: {path.stem}")
        self._fill_in()
        if self.edition.is_study and before:
            self.say(_compared(before, results.load(self.edition.numbers)))
        if not self.edition.is_study:
            self.say(f"executed notebooks and figures: {self._folder()}")

    def _plan_all(self) -> None:
        self.say(
            f"{self.edition.dataset}, {self.edition.profile}: counting the runs of {len(self.wanted)} notebooks"
        )
        for path in self.wanted:
            check_parameters(path, self.edition)
            try:
                self.plan[path] = planned(path, self.edition.parameters)
            except NoNewFaces as error:
                self.say(f"{path.stem} is left out: {error}")
        everything = [task for tasks in self.plan.values() for task in tasks]
        self.say(str(sweep.count(everything, self.archive)))
        if not self.has_photos:
            self._leave_out_what_must_be_trained()

    def _leave_out_what_must_be_trained(self) -> None:
        self.say(
            "The photos are not here: nothing can be trained, what follows is shown from the record."
        )
        for path in list(self.plan):
            lacking = sweep.missing(self.plan[path], self.archive)
            if lacking:
                self.say(f"{path.stem} is left out: {len(lacking)} of its runs are not recorded")
                del self.plan[path]

    def _make(self, path: Path, label: str) -> None:
        tasks = self.plan[path]
        self.say(f"{label}: {sweep.count(tasks, self.archive)}")
        trained = sweep.train_missing(tasks, self.archive)
        why = self._why(path, tasks, trained)
        if why is None:
            self.say(f"{label} is up to date")
            return
        began = time.perf_counter()
        self.say(f"{label}: {why}; executing")
        execute(path, self.edition, tasks)
        if not self.edition.settings:
            write_text(self._made_here(path), "")
        if self.edition.is_study and self.has_photos:
            self._record(path, tasks)
        self.say(f"{label} done in {time.perf_counter() - began:.0f} s")

    def _why(self, path: Path, tasks: list[sweep.Task], trained: int) -> str | None:
        """Why a notebook is to be executed, or None."""
        if self.edition.settings:
            return "its values were set"
        why = staleness(path, self.edition, tasks)
        if why is not None:
            return why
        if trained:
            return "some of its runs were trained now"
        if (
            self.from_nothing
        ):  # also where an earlier `make retrain` was stopped before it came here
            return "its record is to be written anew"
        if not self._made_here(path).exists():
            return "not made here yet"
        return None

    def _made_here(self, path: Path) -> Path:
        """A file that is there once a notebook was executed with this build folder."""
        folder = rehearsal_folder(self.edition.dataset, self.edition.profile).name
        return paths.build_folder() / "made" / folder / path.stem

    def _record(self, path: Path, tasks: list[sweep.Task]) -> None:
        """Put the notebook's record in place, and the tables of the photos."""
        listed_there = paths.build_folder() / "derived" / f"{path.stem}.txt"
        asked = listed_there.read_text().split() if listed_there.exists() else []
        committed = Archive.of_the_project()
        derived = Derived(paths.build_folder() / "derived", committed.record)
        target = paths.RECORD / f"{path.stem}.zip"
        write_record(target, tasks, asked, committed, derived)
        for new_faces, load in ((False, _muxspace), (True, _with_new_faces)):
            if not photos_table(new_faces).exists() or self.from_nothing:
                write_table(load(), photos_table(new_faces))

    def _fill_in(self) -> None:
        absent = (
            None if self.edition.is_study and self.whole else "?"
        )  # of the study, every number must be there
        if self.edition.settings:
            for path in self.plan:
                found = results.load(self.edition.figures(path.stem) / "results.json")
                rewrite_prose(self.edition.target(path), found, "?")
        elif self.edition.is_study:
            found = results.load(self.edition.numbers)
            for path in (*notebooks(), *documents()):
                rewrite_prose(path, found, absent)
        elif self.edition.numbers.exists():
            found = results.load(self.edition.numbers)
            for path in self.plan:
                rewrite_prose(self.edition.target(path), found, absent)

    def _folder(self) -> str:
        if self.edition.settings:
            return os.path.relpath(paths.build_folder() / "edited")
        return os.path.relpath(rehearsal_folder(self.edition.dataset, self.edition.profile))


def _edition(options: ReproduceOptions) -> Edition:
    dataset = canonical_name(options.dataset)
    if dataset not in ("muxspace", "synthetic"):
        dataset = str(Path(dataset).expanduser().resolve())
    return Edition(dataset, options.profile, dict(options.settings))


def _muxspace():
    return muxspace.load()


def _with_new_faces():
    return with_new_faces("muxspace")


def _compared(before: dict, after: dict) -> str:
    """How many of the numbers published before came out the same."""
    same = 0
    for name, entry in before["numbers"].items():
        same += after["numbers"].get(name) == entry
    total = len(before["numbers"])
    new = len(after["numbers"].keys() - before["numbers"].keys())
    text = f"{same:,} of {total:,} published numbers came out the same"
    if new:
        text += f", {new:,} are new"
    return f"{text}."


def _photos_found(say) -> bool:
    """Whether the photos are there or could be fetched. Raises InputError if another part could not."""
    os.environ["EMOCLASS_DATA"] = str(
        paths.data_folder()
    )  # notebooks run in another working folder
    for part in muxspace.PARTS.values():
        try:
            muxspace.find(part=part) or muxspace.fetch(paths.data_folder(), part=part)
        except muxspace.Unreachable as error:
            if part != muxspace.PHOTOS:  # notebooks need it beside the photos
                raise
            say(f"No photos in {paths.data_folder()}: {error}.")
            return False
    return True


def _cleared(build: Path, numbers: Path, say) -> None:
    """Take away what killed processes left below `build`, and put damaged results aside, to be made anew."""
    for draft in build.rglob(".draft-*"):
        if time.time() - draft.stat().st_mtime > ABANDONED:
            shutil.rmtree(draft, ignore_errors=True)
    try:
        if numbers.is_relative_to(build) and numbers.exists():
            results.load(numbers)
    except InputError as error:
        os.replace(numbers, numbers.with_suffix(".damaged"))
        say(f"{error}; set aside as {numbers.stem}.damaged")
