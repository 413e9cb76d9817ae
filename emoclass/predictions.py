"""Predictions: what was said about each photo out of fold, pooled over folds and seeds."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from emoclass.faces import Faces
from emoclass.labels import EMOTIONS
from emoclass.train import Run


@dataclass(frozen=True, eq=False)
class Predictions:
    """One row for each photo and each time that it was tested.

    name           of the variant or baseline that speaks
    table          m rows: photo, parent, person, source, emotion (the label), fold, seed
    probabilities  (m, 8) float32 over EMOTIONS; a baseline without any says 1 for its choice
    leaky          True if the split was allowed to tear apart what belongs together
    runs           the runs pooled here, empty for a baseline
    """

    name: str
    table: pd.DataFrame
    probabilities: np.ndarray
    leaky: bool = False
    runs: tuple[Run, ...] = ()

    def __len__(self) -> int:
        return len(self.table)

    @property
    def truth(self) -> np.ndarray:
        """(m,) int64: the label, as its place in EMOTIONS."""
        return pd.Categorical(self.table.emotion, categories=EMOTIONS).codes.astype(np.int64)

    @property
    def guess(self) -> np.ndarray:
        """(m,) int64: the emotion with the highest probability."""
        return self.probabilities.argmax(1)

    def where(self, rows, name: str | None = None) -> "Predictions":
        """The same speaker on some rows only: (m,) bool."""
        rows = np.asarray(rows, bool)
        return replace(self, name=name or self.name, table=self.table[rows], probabilities=self.probabilities[rows])

    def originals(self, name: str | None = None) -> "Predictions":
        """Only what was said about photos that are nobody's copy."""
        return self.where((self.table.photo == self.table.parent).to_numpy(), name)


def pool(runs: list[Run], faces: Faces) -> Predictions:
    """Runs of one variant, over folds and seeds, as one table; what is known of a copy is what its parent has."""
    known = faces.table.set_index("photo")[["person", "source", "emotion"]]
    rows = [
        known.loc[run.parent].assign(
            photo=run.photo, parent=run.parent, fold=run.fold, seed=run.seed, **_beside(run.in_training)
        )
        for run in runs
    ]
    return Predictions(
        name=runs[0].variant.name,
        table=pd.concat(rows, ignore_index=True),
        probabilities=np.concatenate([run.probabilities for run in runs]),
        leaky=runs[0].variant.allow_leak,
        runs=tuple(runs),
    )


def _beside(in_training: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {f"{key}_in_training": value for key, value in in_training.items()}
