"""Run: one trained net and its test; what it predicted is at hand, its weights are fetched when asked for."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from emoclass.errors import InputError
from emoclass.variant import Variant

PARTS = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class TrainedState:
    """What is left of a net itself, and is too large to keep for good."""

    weights: list[np.ndarray]  # in Keras order, at the epoch that was kept
    embeddings: dict[
        str, np.ndarray
    ]  # for each of PARTS: (n, units) float16, as fed to the last layer, if recorded


@dataclass(frozen=True, eq=False)
class SplitFacts:
    """What of a run follows from its variant and its faces alone, before anything is trained."""

    photo: np.ndarray  # (m,) str: the rows tested, in order
    parent: np.ndarray  # (m,) str
    classes: tuple[str, ...]  # what could be predicted: EMOTIONS, or the sources
    places: np.ndarray  # (K,) int: which of them were trained
    in_training: dict[str, np.ndarray]  # as `splits.in_training`
    rows: tuple[int, int, int]  # how many are trained on, validated on, tested on
    y_true: dict[
        str, np.ndarray
    ]  # for each of PARTS: (n,) int64, the label as its place in `classes`


def no_state() -> TrainedState:
    """The state of a run of which only predictions are known."""
    raise InputError("only the predictions of this run are at hand, not its weights")


@dataclass(frozen=True, eq=False)
class Run:
    """One trained net and its test."""

    variant: Variant
    fold: int
    seed: int
    split: SplitFacts
    probabilities: np.ndarray  # (m, classes) float32; 0 for emotions that the variant leaves out
    validation: np.ndarray  # (v, classes) float32: as `probabilities`, of the validation part
    epoch_predictions: (
        np.ndarray
    )  # (epochs, m) uint8: the class predicted after each epoch, if recorded
    history: dict[str, list[float]]  # per epoch: loss, accuracy, val_loss, val_accuracy
    seconds: float  # of training, on one thread
    address: str = (
        ""  # by which what is derived from it is found again; "" for a run that stands alone
    )
    load_state: Callable[[], TrainedState] = field(default=no_state, repr=False)

    @property
    def photo(self) -> np.ndarray:
        """(m,) str: the rows tested, in order."""
        return self.split.photo

    @property
    def parent(self) -> np.ndarray:
        """(m,) str: the photo that each tested row was made from, or itself."""
        return self.split.parent

    @property
    def classes(self) -> tuple[str, ...]:
        """What could be predicted."""
        return self.split.classes

    @property
    def in_training(self) -> dict[str, np.ndarray]:
        """As `splits.in_training`."""
        return self.split.in_training

    @property
    def rows(self) -> tuple[int, int, int]:
        """How many were trained on, validated on, tested on."""
        return self.split.rows

    @property
    def y_true(self) -> dict[str, np.ndarray]:
        """For each of PARTS: (n,) int64, the label as its place in `classes`."""
        return self.split.y_true

    @property
    def weights(self) -> list[np.ndarray]:
        """In Keras order, at the epoch that was kept."""
        return self.load_state().weights

    @property
    def embeddings(self) -> dict[str, np.ndarray]:
        """For each of PARTS: (n, units) float16, as fed to the last layer; {} unless the variant records them."""
        if not self.variant.record_features:
            return {}
        return self.load_state().embeddings

    @property
    def best_epoch(self) -> int:
        """The epoch whose weights were kept, counted from 1."""
        if self.variant.checkpoint == "last":
            return len(self.history["loss"])
        return int(np.argmin(self.history["val_loss"])) + 1
