"""Predictions: what was predicted for each photo out of fold, over folds and seeds."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from emoclass.errors import InputError
from emoclass.faces import UNKNOWN
from emoclass.labels import EMOTIONS

if TYPE_CHECKING:
    from emoclass.run import Run


@dataclass(frozen=True, eq=False)
class Predictions:
    """One row for each photo and each time that it was tested.

    name           of the variant or baseline that predicts
    table          m rows: photo, parent, subject, source, emotion (the label), fold, seed; of trained nets also
                   `<key>_in_training` for each of splits.GROUP_NAMES
    probabilities  (m, classes) float32; a baseline without any gives 1 to its choice
    leaky          True if the guard was overridden (allow_leak=True): for good, whatever is derived from it
    runs           the runs behind it, empty for a baseline
    target_column  the column of the table that was to be predicted; `classes`: all that could be
    """

    name: str
    table: pd.DataFrame
    probabilities: np.ndarray
    leaky: bool = False
    runs: "tuple[Run, ...]" = ()
    target_column: str = "emotion"
    classes: tuple[str, ...] = EMOTIONS

    def __len__(self) -> int:
        return len(self.table)

    @property
    def y_true(self) -> np.ndarray:
        """(m,) int64: the label, as its place in the classes."""
        return pd.Categorical(self.table[self.target_column], categories=self.classes).codes.astype(np.int64)

    @property
    def y_pred(self) -> np.ndarray:
        """(m,) int64: the class with the highest probability, as its place."""
        return self.probabilities.argmax(1)

    @property
    def caveats(self) -> tuple[str, ...]:
        """What a reader must know of the split: "guard overridden", "subjects shared" (some stand on both sides), or
        "subjects unknown" (each photo counts as of somebody else, or what stays together is no subject)."""
        shared = "subject_in_training" in self.table and bool(self.table.subject_in_training.any())
        subject, parent = (self.table.get(column, pd.Series(dtype=str)) for column in ("subject", "parent"))
        unknown = bool(len(subject)) and bool((subject.eq(parent) | subject.str.startswith(UNKNOWN)).all())
        return ("guard overridden",) * self.leaky + ("subjects shared",) * shared + ("subjects unknown",) * unknown

    def where(self, rows, name: str | None = None) -> "Predictions":
        """The same predictions for some rows only: (m,) bool."""
        rows = np.asarray(rows, bool)
        return replace(self, name=name or self.name, table=self.table[rows], probabilities=self.probabilities[rows])

    def originals(self, name: str | None = None) -> "Predictions":
        """Only the rows of photos that are nobody's copy."""
        return self.where((self.table.photo == self.table.parent).to_numpy(), name)

    def after_epoch(self, epoch: int) -> "Predictions":
        """What was predicted after this epoch, counted from 1; InputError if that, or some row, is not there."""
        if not self.runs or not all(1 <= epoch <= len(run.epoch_predictions) for run in self.runs):
            raise InputError(f"{self.name!r}: predictions after epoch {epoch} were not kept (record_epochs=True)")
        y_pred = np.concatenate([run.epoch_predictions[epoch - 1] for run in self.runs])
        if len(y_pred) != len(self):
            raise InputError(f"{self.name!r}: take the predictions after an epoch first, then choose among the rows")
        return replace(self, probabilities=np.eye(len(self.classes), dtype=np.float32)[y_pred])
