"""The record: what the published runs predicted, committed, so that nobody has to train them again.

One bundle for each notebook. A run's entry holds its outputs and history, not its weights; beside
it stands what was derived from weights and pixels (see `kept`). Entries are found by address:
variant, faces, fold and seed. They count as long as today's training code is the code that made
them, or `make verify` has confirmed it on today's code.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import numpy as np

from emoclass.errors import StudyError, listed
from emoclass.files import write_text
from emoclass.study.bundle import Bundle, Entry, write_bundle
from emoclass.study.store import Store, made_now, training_code
from emoclass.study.train import Outcome

CONFIRMED = "confirmed.json"
ARRAYS = ("part", "levels", "validation_levels", "epoch_predictions")


@dataclass(frozen=True)
class Provenance:
    """Where and with what a run was trained."""

    processor: str
    code: str
    date: str

    @classmethod
    def of(cls, about: dict) -> "Provenance":
        """The provenance in what an entry says about itself."""
        return cls(about["versions"]["processor"], about["versions"]["code"], about["date"])


@dataclass(frozen=True)
class Record:
    """The folder of the committed bundles; where there is none, nothing is recorded."""

    folder: Path

    @cached_property
    def bundles(self) -> list[Bundle]:
        """One for each notebook, in their order."""
        return [Bundle(path) for path in sorted(self.folder.glob("*.zip"))]

    @cached_property
    def home(self) -> dict[str, Bundle]:
        """The bundle of each entry that counts, by address."""
        found = {}
        for bundle in self.bundles:
            for name, known in bundle.index.items():
                if Provenance.of(known["about"]).code in self.codes:
                    found.setdefault(name, bundle)
        return found

    @cached_property
    def codes(self) -> set[str]:
        """Digests of the training code whose runs count today: today's, and those confirmed on it."""
        found = {training_code()}
        for note in self.confirmations:
            if note["today"] == training_code():
                found.add(note["recorded"])
        return found

    @property
    def confirmations(self) -> list[dict]:
        """What `make verify` has confirmed, oldest first."""
        path = self.folder / CONFIRMED
        return json.loads(path.read_text()) if path.exists() else []

    def confirm(self, recorded: str, outcome: dict) -> None:
        """Note that runs of the training code `recorded` come out as they were on today's."""
        today = datetime.now(UTC).date().isoformat()
        note = {"recorded": recorded, "today": training_code(), "date": today, **outcome}
        kept = [
            each
            for each in self.confirmations
            if (each["recorded"], each["today"]) != (recorded, note["today"])
        ]
        write_text(self.folder / CONFIRMED, json.dumps([*kept, note], indent=1) + "\n")

    @property
    def entries(self) -> dict[str, dict]:
        """What every entry, also of other code, says about itself, by address."""
        found = {}
        for bundle in self.bundles:
            found |= {name: known["about"] for name, known in bundle.index.items()}
        return found

    @property
    def faults(self) -> list[str]:
        """What could not be read, and what is not used, a sentence each."""
        others = {}
        for about in self.entries.values():
            code = Provenance.of(about).code
            if code not in self.codes:
                others[code] = others.get(code, 0) + 1
        found = [fault for bundle in self.bundles for fault in bundle.faults]
        for code, count in others.items():
            found.append(
                f"the record: {count} entries were made with other training code ({code[:8]}, today's is "
                f"{training_code()[:8]}) and are not used; `make verify` says whether they would come out the same"
            )
        return found

    def __contains__(self, address: str) -> bool:
        return address in self.home

    def provenance(self, address: str) -> Provenance:
        """Where and with what the run at this address was trained."""
        return Provenance.of(self.home[address].index[address]["about"])

    def outcome(self, address: str) -> Outcome | None:
        """What the run at this address brought, or None."""
        bundle = self.home.get(address)
        return bundle and _outcome(bundle, address)

    def outcome_of_any_code(self, address: str) -> Outcome | None:
        """As `outcome`, also where the training code is neither today's nor confirmed on it."""
        for bundle in self.bundles:
            if address in bundle.index:
                return _outcome(bundle, address)
        return None

    def derived(self, address: str) -> np.ndarray | None:
        """What was derived and kept at this address, or None."""
        entry = self.entry(address)
        return entry and entry.arrays.get("derived")

    def entry(self, address: str) -> Entry | None:
        """The entry at this address, or None."""
        bundle = self.home.get(address)
        return bundle and bundle.get(address)


def _outcome(bundle: Bundle, address: str) -> Outcome | None:
    """The outcome that a bundle holds; None, with a fault told, where it is damaged or holds something else."""
    entry = bundle.get(address)
    if entry is None:
        return None
    lacking = {"history", "seconds"} - set(entry.about) | set(ARRAYS) - set(entry.arrays)
    if lacking:
        names = listed(sorted(lacking))
        bundle.faults.append(f"{bundle.path.name}: {address} lacks {names} and is not used")
        return None
    arrays = entry.arrays
    return Outcome(
        part=arrays["part"],
        levels=arrays["levels"].T,
        validation_levels=arrays["validation_levels"].T,
        epoch_predictions=arrays["epoch_predictions"],
        history=entry.about["history"],
        seconds=entry.about["seconds"],
    )


def run_entry(task, outcome: Outcome, made: dict) -> Entry:
    """A run's entry. Outputs are kept class by class: next to each other they compress best."""
    about = {
        "run": task.variant.name,
        "fold": task.fold,
        "seed": task.seed,
        "history": outcome.history,
        "seconds": outcome.seconds,
        **made,
    }
    arrays = {
        "part": outcome.part,
        "levels": outcome.levels.T,
        "validation_levels": outcome.validation_levels.T,
        "epoch_predictions": outcome.epoch_predictions,
    }
    return Entry(about, arrays)


def write_record(
    path: Path, tasks: Iterable, derived: Iterable[str], archive, kept: "Derived"
) -> None:
    """Put a notebook's record in place: the runs that it reads and what it derives from them, no more.

    What is in the archive's store wins over what was recorded before; `kept` holds what was derived.
    """
    entries = {}
    for task in tasks:
        entries[task.address] = _from_store(task, archive.store) or archive.record.entry(
            task.address
        )
    for address in derived:
        entries[address] = kept.entry(address)
    lacking = [name for name, entry in entries.items() if entry is None]
    if lacking:
        raise StudyError(f"{path.name}: {len(lacking)} entries are nowhere: {listed(lacking, 3)}")
    write_bundle(path, entries)


def _from_store(task, store: Store) -> Entry | None:
    outcome = store.get(task.key)
    if outcome is None:
        return None
    return run_entry(task, outcome, store.made(task.key))


class Derived:
    """A Keeper (see `kept`) that looks in a folder, then in the record, and remembers what was asked for."""

    def __init__(self, folder: Path, record: Record):
        self.folder = folder
        self.record = record
        self.asked: set[str] = set()

    def _path(self, address: str) -> Path:
        return self.folder / f"{address}-{training_code()[:16]}.zip"

    def get(self, address: str) -> np.ndarray | None:
        """The array at this address, or None."""
        self.asked.add(address)
        entry = self.entry(address)
        return entry and entry.arrays["derived"]

    def put(self, address: str, array: np.ndarray) -> None:
        """Keep an array that was derived now."""
        write_bundle(
            self._path(address), {address: Entry(made_now(), {"derived": np.asarray(array)})}
        )

    def entry(self, address: str) -> Entry | None:
        """The entry at this address, or None."""
        return Bundle(self._path(address)).get(address) or self.record.entry(address)
