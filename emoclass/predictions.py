"""Predictions: what was predicted for each photo out of fold, over folds and seeds."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from emoclass.errors import InputError, listed
from emoclass.faces import UNKNOWN
from emoclass.labels import EMOTIONS
from emoclass.run import Run
from emoclass.splits import VALIDATION_PARTS

NO_SEED = -1  # stands in the table where nothing was drawn, as of a baseline
VALIDATION_TOLERANCE = 1.5  # so many times the planned share is told as a caveat


@dataclass(frozen=True, eq=False)
class Predictions:
    """One row for each photo and each time that it was tested.

    name           of the variant or baseline that predicts
    table          m rows: photo, parent, subject, source, emotion (the label), fold, seed
                   (NO_SEED if there is none); of trained nets also `<key>_in_training` for each of splits.GROUP_NAMES
    probabilities  (m, classes) float32; a baseline without any gives 1 to its choice
    leaky          True if the split leaks on purpose (allow_leak=True): for good, whatever is
                   derived from it
    runs           the runs behind it, empty for a baseline
    target_column  the column of the table that was to be predicted; `classes`: all that could be
    """

    name: str
    table: pd.DataFrame
    probabilities: np.ndarray
    leaky: bool = False
    runs: tuple[Run, ...] = ()
    target_column: str = "emotion"
    classes: tuple[str, ...] = EMOTIONS

    def __len__(self) -> int:
        return len(self.table)

    @property
    def y_true(self) -> np.ndarray:
        """(m,) int64: the label, as its place in the classes."""
        label = pd.Categorical(self.table[self.target_column], categories=self.classes)
        return label.codes.astype(np.int64)

    @property
    def y_pred(self) -> np.ndarray:
        """(m,) int64: the class with the highest probability, as its place."""
        return self.probabilities.argmax(1)

    @property
    def caveats(self) -> tuple[str, ...]:
        """What a reader must know before trusting a score:

        "split leaks on purpose"             allow_leak=True
        "subjects shared"                    some subject is both in training and tested
        "subjects unknown"                   each photo counts as of somebody else, or what stays
                                             together is no subject
        "no finite output"                   some probability is NaN or infinite
        "a class is missing from training"   with the folds and the classes
        "validation larger than planned"     more than 1.5 times one ninth of what is not tested,
                                             in some run
        """
        found = []
        if self.leaky:
            found.append("split leaks on purpose")
        if _subjects_shared(self.table):
            found.append("subjects shared")
        if _subjects_unknown(self.table):
            found.append("subjects unknown")
        if not np.isfinite(self.probabilities).all():
            found.append("no finite output")
        missing = _missing_from_training(self)
        if missing:
            found.append(f"a class is missing from training ({missing})")
        if any(_validation_too_large(run) for run in self.runs):
            found.append("validation larger than planned")
        return tuple(found)

    def where(self, rows, name: str | None = None) -> "Predictions":
        """The same predictions for some rows only: (m,) bool."""
        rows = np.asarray(rows, bool)
        return replace(
            self,
            name=name or self.name,
            table=self.table[rows],
            probabilities=self.probabilities[rows],
        )

    def originals(self, name: str | None = None) -> "Predictions":
        """Only the rows of photos that are nobody's copy."""
        is_original = self.table.photo == self.table.parent
        return self.where(is_original, name)

    def among(
        self,
        classes: tuple[str, ...],
        name: str | None = None,
    ) -> "Predictions":
        """Only the rows with one of these labels, as if no other class could be predicted.

        The probabilities of all other classes are 0; those of these stay as they are.
        Raises InputError that names every class that could not be predicted anyway.
        """
        unknown = [each for each in classes if each not in self.classes]
        if unknown:
            raise InputError(f"{self.name!r} cannot predict {listed(unknown)}")
        label = self.table[self.target_column]
        rows = self.where(label.isin(classes), name)
        nameable = np.isin(self.classes, classes)
        return replace(rows, probabilities=rows.probabilities * nameable)

    def epochs_in_common(self, *others: "Predictions") -> int:
        """The last epoch that every run of this and the others was trained for, counted from 1.

        Raises InputError naming those whose predictions after each epoch were not kept.
        """
        epochs = []
        not_kept = []
        for predictions in (self, *others):
            trained = [len(run.epoch_predictions) for run in predictions.runs]
            epochs += trained
            if min(trained, default=0) == 0:
                not_kept.append(repr(predictions.name))
        if not_kept:
            raise InputError(
                f"predictions after each epoch were not kept (record_epochs=True) of {listed(not_kept)}"
            )
        return min(epochs)

    def after_epoch(self, epoch: int) -> "Predictions":
        """What was predicted after this epoch, counted from 1.

        Raises InputError if that was not kept, or if the rows are no longer those of the runs.
        """
        kept = bool(self.runs) and epoch >= 1
        for run in self.runs:
            kept = kept and epoch <= len(run.epoch_predictions)
        if not kept:
            raise InputError(
                f"{self.name!r}: predictions after epoch {epoch} were not kept (record_epochs=True)"
            )
        self._check_in_step_with_runs()
        predicted = [run.epoch_predictions[epoch - 1] for run in self.runs]
        y_pred = np.concatenate(predicted)
        one_hot = np.eye(len(self.classes), dtype=np.float32)
        return replace(self, probabilities=one_hot[y_pred])

    def _check_in_step_with_runs(self) -> None:
        tested = []
        for run in self.runs:
            for photo in run.photo:
                tested.append((photo, run.fold, run.seed))
        rows = zip(self.table.photo, self.table.fold, self.table.seed)
        if list(rows) != tested:
            raise InputError(
                f"{self.name!r}: its rows are not those that the runs tested, in their order; "
                "take the predictions after an epoch first, then choose among the rows"
            )


def _subjects_shared(table: pd.DataFrame) -> bool:
    if "subject_in_training" not in table:
        return False
    return bool(table.subject_in_training.any())


def _subjects_unknown(table: pd.DataFrame) -> bool:
    if "subject" not in table or len(table) == 0:
        return False
    unknown = table.subject.str.startswith(UNKNOWN)
    if "parent" in table:
        unknown |= table.subject == table.parent
    return bool(unknown.all())


def _missing_from_training(predictions: Predictions) -> str:
    """`fold 0: fear; fold 2: contempt, fear`, or "": tested, but not in that fold's training."""
    missing = {}
    table = predictions.table
    for run in predictions.runs:
        of_run = (table.fold == run.fold) & (table.seed == run.seed)
        tested = set(table[predictions.target_column][of_run])
        trained_places = np.unique(run.y_true["train"])
        trained = set(np.array(run.classes)[trained_places])
        missing.setdefault(run.fold, set())
        missing[run.fold] |= tested - trained
    folds = []
    for fold, names in sorted(missing.items()):
        if names:
            folds.append(f"fold {fold}: {listed(sorted(names))}")
    return "; ".join(folds)


def _validation_too_large(run: Run) -> bool:
    """A given split is as large as somebody else planned it."""
    if run.variant.group_by == "given":
        return False
    trained, validated, _ = run.rows
    planned = (trained + validated) / VALIDATION_PARTS
    return validated > VALIDATION_TOLERANCE * planned
