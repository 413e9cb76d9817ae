"""Variant: one experiment as plain values, to be printed, compared, sent to a worker or typed by hand."""

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Literal

from emoclass.augment import OfflineAugmentation, OnlineAugmentation
from emoclass.checked import BelowOne, Checked, Count, NotNegative
from emoclass.errors import InputError, listed
from emoclass.labels import EMOTIONS
from emoclass.losses import ClassWeight
from emoclass.models import PARED_DOWN, ConvNet, ResNet

ROLES = ("train_sources", "test_sources", "excluded_sources")
# What a net and the one that it starts from must share, or that one may have seen what this one is tested on.
SAME_SPLIT = ("net", "group_by", "n_folds", "emotions", "target", "augment_first", "allow_leak")


@dataclass(frozen=True)
class Variant(Checked):
    """What is trained, on what, and how it is tested. Raises InputError naming every value that does not fit."""

    name: str  # what tables and figures call it; another name alone trains nothing anew
    net: ConvNet | ResNet = PARED_DOWN
    group_by: Literal["photo", "duplicate", "subject", "source", "given"] = (
        "subject"  # what the split keeps on one side
    )
    offline_augmentation: OfflineAugmentation | None = None  # copies, made after the split for training alone
    augment_first: bool = False  # copies are made before the split and tested too: each stays with its photo
    allow_leak: bool = False  # overrides the guard: copies are split like photos of their own, duplicates too
    emotions: tuple[str, ...] = EMOTIONS  # photos of others are left out
    target: Literal["emotion", "permuted", "source"] = "emotion"  # permuted: who beats chance has seen the photo
    train_sources: tuple[str, ...] = ()  # always trained on; the folds are made of sources without a role
    test_sources: tuple[str, ...] = ()  # always tested
    excluded_sources: tuple[str, ...] = ()
    train_source_repeats: Count = 1  # how often each photo of `train_sources` stands in the training part
    class_weight: ClassWeight = "none"  # see `losses.class_weights`
    beta: BelowOne = 0.999
    focal_gamma: NotNegative = 0.0  # see `losses.cross_entropy`
    logit_adjustment_tau: NotNegative = 0.0
    sampling: Literal["natural", "balanced"] = "natural"  # balanced: each emotion is drawn equally often
    n_folds: Annotated[int, "at least 2", lambda value: value >= 2] = 5
    n_folds_run: int | None = None  # how many of them are trained for and tested; None: all
    epochs: Count = 15
    batch_size: Count = 64
    learning_rate: Annotated[float, "above 0", lambda value: value > 0] = 1e-3  # of Adam
    precision: Literal["float32", "mixed_bfloat16"] = "float32"
    schedule: Literal["constant", "cosine"] = "constant"  # cosine: after one epoch of warm-up
    weight_decay: NotNegative = 0.0  # above 0: of AdamW (Loshchilov & Hutter 2019)
    clipnorm: NotNegative = 0.0  # longest gradient, over all weights; 0: any
    checkpoint: Literal["best", "last"] = "best"  # the epoch with the least validation loss, or the last
    online_augmentation: OnlineAugmentation | None = None  # how photos are changed in training, anew each time
    flip_tta: bool = False  # each picture is tested twice, once mirrored; the mean of both logits counts
    init_from: "Variant | None" = None  # whose trained net this one starts from, instead of from nothing
    record_epochs: bool = False  # also keep what is predicted for the test part after each epoch
    record_features: bool = False  # also keep what goes into the last layer

    def __post_init__(self):
        wrong = self.misfits
        if isinstance(self.emotions, tuple):
            wrong += [f"emotions={e!r} (one of {listed(EMOTIONS)})" for e in self.emotions if e not in EMOTIONS]
            wrong += ["emotions=() (at least one)"] * (not self.emotions)
        if not wrong:
            if self.n_folds_run not in (None, *range(1, self.n_folds + 1)):
                wrong.append(f"n_folds_run={self.n_folds_run!r} (1 to n_folds)")
            roles = self._roles
            twice = sorted({source for source in roles if roles.count(source) > 1})
            wrong += [f"source {source!r} (one role for each)" for source in twice]
            wrong += [f"init_from={self.init_from.name!r} ({why})" for why in self._unfit_start()]
        if wrong:
            raise InputError(f"variant {self.name!r}: {'; '.join(wrong)}")

    @property
    def _roles(self) -> list[str]:
        return [source for role in ROLES for source in getattr(self, role)]

    def _unfit_start(self) -> list[str]:
        """Why the net of `init_from` may have been trained on what this one is tested on, or does not fit it."""
        if not (first := self.init_from):
            return []
        same = (*SAME_SPLIT, "offline_augmentation") if self.augment_first else SAME_SPLIT
        other = [what for what in same if getattr(first, what) != getattr(self, what)]
        return (
            [f"has another {listed(other)}"] * bool(other)
            + ["splits other sources"] * (set(first._roles) != set(self._roles))
            + [f"was trained on {source!r}" for source in first.train_sources if source in self.test_sources]
            + ["starts from a third one"] * bool(first.init_from)
        )

    def replace(self, **changes) -> "Variant":
        """The same experiment with these values changed."""
        return dataclasses.replace(self, **changes)

    @property
    def folds(self) -> range:
        """The folds to train for and to test; a split that was given has one."""
        return range(1 if self.group_by == "given" else self.n_folds_run or self.n_folds)

    @property
    def content(self) -> dict:
        """The values that decide what a run of this variant yields."""
        values = dataclasses.asdict(self) | {"net": [type(self.net).__name__, dataclasses.asdict(self.net)]}
        values["init_from"] = self.init_from and self.init_from.content
        del values["name"], values["n_folds_run"]
        return values
