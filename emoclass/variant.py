"""Variant: one experiment as plain values, to be printed, compared, sent to a worker or typed by hand."""

import dataclasses
from dataclasses import dataclass

from emoclass.augment import Copies
from emoclass.faces import BadInput, listed
from emoclass.labels import EMOTIONS
from emoclass.losses import WEIGHTS
from emoclass.models import PARED_DOWN, Net
from emoclass.split import KEEP_TOGETHER

CHOICES = {
    "by": tuple(KEEP_TOGETHER)[1:],
    "order": ("split-copy", "copy-split"),
    "loss": WEIGHTS,
    "target": ("emotion", "random", "source"),
    "precision": ("float32", "mixed_bfloat16"),
}


@dataclass(frozen=True)
class Variant:
    """What is trained, on what, and how it is tested.

    name           what tables and figures call it; another name alone trains nothing anew
    net            layers of the net
    by             what the split keeps on one side: photo, duplicate, person or source
    copies, order  copies of the scarce photos, made after the split or before it
    allow_leak     needed for a split that tears copies or duplicates apart
    emotions       the emotions kept; photos of the others are left out
    target         what the net is asked: the emotion; a random one, dealt out so that only a photo's duplicates and
                   copies share it (whoever scores above chance has seen the photo); or the source
    loss           weights of the emotions in the cross-entropy: plain, balanced or root
    n_folds        parts that the photos are dealt into
    tested         how many of these are trained for and tested; all of them unless said
    epochs, batch, learning_rate, precision   of Adam, which starts anew for each fold
    follow         also keep what is said about the test part after each epoch

    Raises BadInput, naming every value that is not one of its choices.
    """

    name: str
    net: Net = PARED_DOWN
    by: str = "person"
    copies: Copies | None = None
    order: str = "split-copy"
    allow_leak: bool = False
    emotions: tuple[str, ...] = EMOTIONS
    target: str = "emotion"
    loss: str = "plain"
    n_folds: int = 5
    tested: int | None = None
    epochs: int = 15
    batch: int = 64
    learning_rate: float = 1e-3
    precision: str = "float32"
    follow: bool = False

    def __post_init__(self):
        wrong = [
            f"{what}={getattr(self, what)!r} (one of {listed(choices)})"
            for what, choices in CHOICES.items()
            if getattr(self, what) not in choices
        ]
        wrong += [f"emotions={e!r} (one of {listed(EMOTIONS)})" for e in self.emotions if e not in EMOTIONS]
        wrong += [f"{what}={value} (at least 1)" for what in ("epochs", "batch") if (value := getattr(self, what)) < 1]
        wrong += [] if self.emotions else ["emotions=() (at least one)"]
        wrong += [f"n_folds={self.n_folds} (at least 2)"] * (self.n_folds < 2)
        wrong += [f"tested={self.tested} (1 to n_folds)"] * (self.tested not in (None, *range(1, self.n_folds + 1)))
        wrong += [f"learning_rate={self.learning_rate} (above 0)"] * (not self.learning_rate > 0)
        if wrong:
            raise BadInput(f"variant {self.name!r}: {'; '.join(wrong)}")

    def replace(self, **changes) -> "Variant":
        """The same experiment with these values changed."""
        return dataclasses.replace(self, **changes)

    @property
    def folds(self) -> range:
        """The folds to train for and to test."""
        return range(self.tested or self.n_folds)

    @property
    def content(self) -> dict:
        """The values that decide what a run of this variant yields."""
        values = dataclasses.asdict(self)
        del values["name"], values["tested"]
        return values
