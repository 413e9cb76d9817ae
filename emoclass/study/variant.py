"""Variant: one experiment as plain values, to be printed, compared, sent to a worker or typed by hand."""

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Literal, get_args, get_origin, get_type_hints

from emoclass.augment import OfflineAugmentation, OnlineAugmentation
from emoclass.errors import InputError, listed
from emoclass.labels import EMOTIONS
from emoclass.losses import ClassWeight
from emoclass.models import PARED_DOWN, ConvNet, ResNet

ROLES = ("train_sources", "test_sources", "excluded_sources")
# What a net and the one that it starts from must share, or that one may have seen what this one is tested on.
SAME_SPLIT = ("net", "group_by", "n_folds", "emotions", "target", "augment_first", "allow_leak")

Count = Annotated[int, "at least 1", lambda value: value >= 1]
NotNegative = Annotated[float, "at least 0", lambda value: value >= 0]
BelowOne = Annotated[float, "from 0 to below 1", lambda value: 0 <= value < 1]


@dataclass(frozen=True)
class Variant:
    """What is trained, on what, and how it is tested.

    name              what tables and figures call it; another name alone trains nothing anew
    net               layers of the net
    group_by          what the split keeps on one side
    offline_augmentation   copies of the minority photos, made after the split, for the training part alone
    augment_first     copies are made before the split and tested too: each stays with its photo, or, with
                      `allow_leak`, is split like a photo of its own
    allow_leak        overrides the guard, for a split that tears copies or duplicates apart
    emotions          the emotions kept; photos of the others are left out
    target            what the net learns: the emotion; emotions permuted so that only a photo's duplicates and copies
                      share its label (whoever scores above chance has seen the photo); or the source
    train_sources, test_sources, excluded_sources   sources whose photos are always trained on, always tested, or not
                      used; the folds are made of all others
    train_source_repeats   how often each photo of `train_sources` stands in the training part
    class_weight, beta     see `losses.class_weights`
    focal_gamma, logit_adjustment_tau   see `losses.cross_entropy`
    sampling          photos as they are, or batches in which each emotion is drawn equally often
    n_folds, n_folds_run   parts that the photos are split into, and how many are trained for and tested (None: all)
    learning_rate     of Adam; constant, or (`schedule`) risen to over the first epoch, then falling along a cosine
    weight_decay      above 0: of AdamW (Loshchilov & Hutter 2019)
    clipnorm          longest gradient, over all weights (0: any)
    checkpoint        the epoch with the least validation loss, or the last
    online_augmentation    how photos are changed in training, otherwise each time
    flip_tta          each picture is tested twice, once mirrored; the mean of both logits counts
    init_from         the variant whose trained net this one starts from, instead of from nothing
    record_epochs     also keep what is predicted for the test part after each epoch
    record_features   also keep what goes into the last layer

    Raises InputError, naming every value that is not one of its choices.
    """

    name: str
    net: ConvNet | ResNet = PARED_DOWN
    group_by: Literal["photo", "duplicate", "subject", "source"] = "subject"
    offline_augmentation: OfflineAugmentation | None = None
    augment_first: bool = False
    allow_leak: bool = False
    emotions: tuple[str, ...] = EMOTIONS
    target: Literal["emotion", "permuted", "source"] = "emotion"
    train_sources: tuple[str, ...] = ()
    test_sources: tuple[str, ...] = ()
    excluded_sources: tuple[str, ...] = ()
    train_source_repeats: Count = 1
    class_weight: ClassWeight = "none"
    beta: BelowOne = 0.999
    focal_gamma: NotNegative = 0.0
    logit_adjustment_tau: NotNegative = 0.0
    sampling: Literal["natural", "balanced"] = "natural"
    n_folds: Annotated[int, "at least 2", lambda value: value >= 2] = 5
    n_folds_run: int | None = None
    epochs: Count = 15
    batch_size: Count = 64
    learning_rate: Annotated[float, "above 0", lambda value: value > 0] = 1e-3
    precision: Literal["float32", "mixed_bfloat16"] = "float32"
    schedule: Literal["constant", "cosine"] = "constant"
    weight_decay: NotNegative = 0.0
    clipnorm: NotNegative = 0.0
    checkpoint: Literal["best", "last"] = "best"
    online_augmentation: OnlineAugmentation | None = None
    flip_tta: bool = False
    init_from: "Variant | None" = None
    record_epochs: bool = False
    record_features: bool = False

    def __post_init__(self):
        hints = get_type_hints(Variant, include_extras=True)
        wrong = [f"{name}={value!r} ({why})" for name, value, why in _misfits(self, hints)]
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
        """The folds to train for and to test."""
        return range(self.n_folds_run or self.n_folds)

    @property
    def content(self) -> dict:
        """The values that decide what a run of this variant yields."""
        values = dataclasses.asdict(self) | {"net": [type(self.net).__name__, dataclasses.asdict(self.net)]}
        values["init_from"] = self.init_from and self.init_from.content
        del values["name"], values["n_folds_run"]
        return values


def _misfits(variant: Variant, hints: dict):
    """(name, value, why) of each field whose value is not what its annotation says."""
    kinds = {int: "a whole number", float: "a number", bool: "True or False", str: "text"}
    for name, hint in hints.items():
        value, (base, *bounds) = getattr(variant, name), get_args(hint) if get_origin(hint) is Annotated else (hint,)
        if get_origin(base) is Literal:
            if value not in get_args(base):
                yield name, value, f"one of {listed(get_args(base))}"
        elif get_origin(base) is tuple:
            if not (isinstance(value, tuple) and all(isinstance(each, str) for each in value)):
                yield name, value, "a tuple of words"
        elif base in kinds:
            fits = isinstance(value, (int, float) if base is float else base)
            if not fits or (isinstance(value, bool) and base is not bool):
                yield name, value, kinds[base]
            elif bounds and not bounds[1](value):
                yield name, value, bounds[0]
        elif not isinstance(value, base):
            wanted = (kinds.get(kind, f"{kind.__name__}(...)") for kind in get_args(base) if kind is not type(None))
            yield name, value, " or ".join([*wanted, *["None"] * (type(None) in get_args(base))])
