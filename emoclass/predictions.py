"""Predictions: what was said about each photo out of fold, pooled over folds and seeds."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from emoclass.faces import BadInput, Faces, listed
from emoclass.labels import EMOTIONS
from emoclass.train import Run, subject


@dataclass(frozen=True, eq=False)
class Predictions:
    """One row for each photo and each time that it was tested.

    name           of the variant or baseline that speaks
    table          m rows: photo, parent, person, source, emotion (the label), fold, seed
    probabilities  (m, classes) float32; a baseline without any says 1 for its choice
    leaky          True if the split was allowed to tear apart what belongs together
    runs           the runs pooled here, empty for a baseline
    asked, classes the column of the table that holds what was to be said, and all that could be: its eight emotions
                   unless the net was asked for the source
    mix            photos of each class that metrics are weighted to, as if so many had been tested; None: as they are
    """

    name: str
    table: pd.DataFrame
    probabilities: np.ndarray
    leaky: bool = False
    runs: tuple[Run, ...] = ()
    asked: str = "emotion"
    classes: tuple[str, ...] = EMOTIONS
    mix: tuple[float, ...] | None = None

    def __len__(self) -> int:
        return len(self.table)

    @property
    def truth(self) -> np.ndarray:
        """(m,) int64: the label, as its place in the classes."""
        return pd.Categorical(self.table[self.asked], categories=self.classes).codes.astype(np.int64)

    @property
    def guess(self) -> np.ndarray:
        """(m,) int64: the class with the highest probability, as its place."""
        return self.probabilities.argmax(1)

    def where(self, rows, name: str | None = None) -> "Predictions":
        """The same speaker on some rows only: (m,) bool."""
        rows = np.asarray(rows, bool)
        return replace(self, name=name or self.name, table=self.table[rows], probabilities=self.probabilities[rows])

    def weighted(self, mix: pd.Series, name: str) -> "Predictions":
        """The same, every metric of it as if `mix` photos of each class (its index) had been tested."""
        return replace(self, name=name, mix=tuple(mix.reindex(list(self.classes), fill_value=0).astype(float)))

    def after_epoch(self, epoch: int) -> "Predictions":
        """What was said after this epoch, counted from 1; the variant must have asked to `follow`.

        Raises BadInput if it has not, if there were not so many epochs, or if only some rows of it are left.
        """
        if not self.runs or not all(1 <= epoch <= len(run.guesses) for run in self.runs):
            raise BadInput(f"{self.name!r}: what was said after epoch {epoch} was not kept (follow=True keeps it)")
        said = np.concatenate([run.guesses[epoch - 1] for run in self.runs])
        if len(said) != len(self):
            raise BadInput(f"{self.name!r}: ask what was said after an epoch first, then choose among the rows")
        return replace(self, probabilities=np.eye(len(self.classes), dtype=np.float32)[said])

    def averaged(self, name: str | None = None) -> "Predictions":
        """One row for each photo: the mean of the probabilities over all times that it was tested, by seed or fold.

        The rest of the row is that of the first time. The runs are left behind, as their rows are no longer there.
        Raises BadInput if a photo was to be told otherwise the second time (random emotions are, with each seed).
        """
        asked = self.table.groupby("photo")[self.asked].nunique()
        if (asked > 1).any():
            torn = listed(asked.index[asked > 1], 5)
            raise BadInput(f"{self.name!r}: what was to be said changes from time to time for {torn}")
        photo, _ = pd.factorize(self.table.photo)
        sums = np.zeros((photo.max(initial=-1) + 1, len(self.classes)))
        np.add.at(sums, photo, self.probabilities)
        return replace(
            self,
            name=name or self.name,
            table=self.table.drop_duplicates("photo", ignore_index=True),
            probabilities=(sums / np.bincount(photo)[:, None]).astype(np.float32),
            runs=(),
        )

    def originals(self, name: str | None = None) -> "Predictions":
        """Only what was said about photos that are nobody's copy."""
        return self.where((self.table.photo == self.table.parent).to_numpy(), name)


def pool(runs: list[Run], faces: Faces) -> Predictions:
    """Runs of one variant, over folds and seeds, as one table; what is known of a copy is what its parent has."""
    variant = runs[0].variant
    asked = {seed: subject(variant, faces, seed).table for seed in {run.seed for run in runs}}
    known = {seed: table.set_index("photo")[["person", "source", "emotion"]] for seed, table in asked.items()}
    rows = [
        known[run.seed]
        .loc[run.parent]
        .assign(photo=run.photo, parent=run.parent, fold=run.fold, seed=run.seed, **_beside(run.in_training))
        for run in runs
    ]
    return Predictions(
        name=variant.name,
        table=pd.concat(rows, ignore_index=True),
        probabilities=np.concatenate([run.probabilities for run in runs]),
        leaky=variant.allow_leak,
        runs=tuple(runs),
        asked="source" if variant.target == "source" else "emotion",
        classes=runs[0].classes,
    )


def _beside(in_training: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {f"{key}_in_training": value for key, value in in_training.items()}
