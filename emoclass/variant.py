"""Variant: one experiment as plain values, to be printed, compared, sent or typed by hand."""

import dataclasses
import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass
from types import FunctionType
from typing import Annotated, Literal

from emoclass import own_code
from emoclass.augment import OfflineAugmentation, OnlineAugmentation, emotions_named
from emoclass.checked import BelowOne, Bound, Checked, Count, NotNegative, Positive, as_plain
from emoclass.errors import InputError, listed
from emoclass.labels import EMOTIONS, canonical
from emoclass.losses import ClassWeight
from emoclass.models import PARED_DOWN, ConvNet, ResNet

ROLES = ("train_sources", "test_sources", "excluded_sources")
OF_THE_SPLIT = (  # values that decide who is trained on and who is tested
    "group_by",
    "offline_augmentation",
    "augment_first",
    "allow_leak",
    "copies_replace",
    "siblings",
    "emotions",
    "target",
    *ROLES,
    "train_source_repeats",
    "n_folds",
)
# What a net and the one that it starts from must share, or that one may have seen what this one is tested on.
SAME_SPLIT = ("net", "group_by", "n_folds", "emotions", "target", "augment_first", "allow_leak")
OF_CROSS_ENTROPY = (
    "focal_gamma",
    "logit_adjustment_tau",
)  # values that a loss of one's own does without
OWN_FUNCTIONS = {  # with what each is called
    "net": ("size", "classes", "seed"),
    "loss": ("labels", "logits"),
    "online_augmentation": ("pictures", "rng"),
}
Siblings = Literal["as they fall", "honest", "swap", "placebo"]
GroupBy = Literal["photo", "duplicate", "subject", "source", "given"]
Optimizer = Literal["adam", "adamw", "sgd", "rmsprop", "nadam", "adagrad", "lion"]
HINTS = {
    "image_size": "the size is that of the faces: load_faces('muxspace', size=64)",
    "size": "the size is that of the faces: load_faces('muxspace', size=64)",
    "model": "the net is called net: net=models.TWO_CONVOLUTIONS, or a function of your own",
    "lr": "did you mean learning_rate?",
    "augmentation": "did you mean offline_augmentation (copies) or online_augmentation (in training)?",
    "weights": "did you mean class_weight?",
    "folds": "did you mean n_folds?",
}


@dataclass(frozen=True)
class Variant(Checked):
    """What is trained, on what, and how it is tested.

    `net`, `loss` and `online_augmentation` may be functions of your own (see `models.build`,
    `losses.weighted`, `augment.augment_batch`): a run is then found by their source.
    `Variant.describe()` lists all values. Raises InputError naming every value that does not fit.
    """

    # One line for each value, which `describe` reads: its name, its usual value, what it means.
    name: str  # what tables and figures call it; another name alone trains nothing anew
    net: ConvNet | ResNet | Callable = PARED_DOWN  # what is trained, or your own: `models.build`
    group_by: GroupBy = "subject"  # what a split keeps on one side; given: a split that came along
    offline_augmentation: OfflineAugmentation | None = None  # copies, made for training alone
    augment_first: bool = False  # copies are made before the split, and tested too
    allow_leak: bool = False  # overrides the guard: copies are split like photos of their own
    copies_replace: bool = False  # photos that have copies are left out of training, copies are in
    siblings: Siblings = "as they fall"  # an arm of the sibling swap: see `study.siblings`
    emotions: tuple[str, ...] = EMOTIONS  # photos of others are left out
    target: Literal["emotion", "permuted", "source"] = "emotion"  # permuted: in another order
    train_sources: tuple[str, ...] = ()  # always trained on; folds are made of the other sources
    test_sources: tuple[str, ...] = ()  # always tested
    excluded_sources: tuple[str, ...] = ()  # left out
    train_source_repeats: Count = 1  # how often each photo of `train_sources` is trained on
    loss: Callable | None = None  # your own, in place of cross-entropy; see `losses.weighted`
    class_weight: ClassWeight | dict[str, float] = "none"  # sqrt, balanced, effective, {"fear": 10}
    beta: BelowOne = 0.999  # of class_weight="effective"
    focal_gamma: NotNegative = 0.0  # above 0: photos that are easy already count less (focal loss)
    logit_adjustment_tau: NotNegative = 0.0  # 1: balanced softmax; see `losses.cross_entropy`
    sampling: Literal["natural", "balanced"] = "natural"  # balanced: each emotion is drawn as often
    n_folds: Annotated[int, Bound("at least 2", lambda value: value >= 2)] = 5  # how many parts
    n_folds_run: int | None = None  # how many of them are trained for and tested; None: all
    epochs: Count = 15  # at most, where the best is kept
    patience: Count = 4  # epochs trained after the best one, where the best is kept
    batch_size: Count = 64  # pictures for each step
    optimizer: Optimizer = "adam"  # adam, adamw, sgd, rmsprop, nadam, adagrad or lion, of Keras
    learning_rate: Positive = 1e-3  # of the optimizer
    precision: Literal["float32", "mixed_bfloat16", "fast"] = "float32"  # fast: bfloat16, if it can
    schedule: Literal["constant", "cosine"] = "constant"  # cosine: after one epoch of warm-up
    weight_decay: NotNegative = 0.0  # decoupled (Loshchilov & Hutter 2019)
    clipnorm: NotNegative = 0.0  # longest gradient, over all weights; 0: any
    checkpoint: Literal["best", "last"] = "best"  # best: the epoch with the least validation loss
    online_augmentation: OnlineAugmentation | Callable | None = None  # changes anew in each epoch
    flip_tta: bool = False  # tested twice, once mirrored; the mean of both logits counts
    init_from: "Variant | None" = None  # whose trained net this one starts from
    record_epochs: bool = False  # also keep what is predicted for the test part after each epoch
    record_features: bool = False  # also keep what goes into the last layer

    def __post_init__(self):
        self._convert()
        wrong = self.misfits
        if not wrong:
            wrong = self._contradictions()
        if wrong:
            raise InputError(f"variant {self.name!r}: {'; '.join(wrong)}")
        object.__setattr__(self, "emotions", emotions_named(self.emotions, "emotions"))
        if isinstance(self.class_weight, dict):
            named = {
                canonical(name) or name: float(weight)
                for name, weight in sorted(self.class_weight.items())
            }
            object.__setattr__(self, "class_weight", named)
        self.content  # noqa: B018  (a function that cannot be addressed is refused now, not when all is trained)

    @classmethod
    def _hint(cls, name: str, known: list[str]) -> str:
        return HINTS.get(name) or super()._hint(name, known)

    def _contradictions(self) -> list[str]:
        """What does not go together, each in a few words."""
        wrong = self._unfit_emotions()
        if self.n_folds_run not in (None, *range(1, self.n_folds + 1)):
            wrong.append(f"n_folds_run={self.n_folds_run!r} (1 to n_folds)")
        for source in sorted(set(self.roles)):
            if self.roles.count(source) > 1:
                wrong.append(f"source {source!r} (one role for each)")
        if isinstance(self.class_weight, dict):
            wrong += _unfit_weights(self.class_weight)
        for name in OF_CROSS_ENTROPY:
            if self.loss and getattr(self, name):
                wrong.append(f"{name}={getattr(self, name)} (belongs into your own loss)")
        for name, takes in OWN_FUNCTIONS.items():
            value = getattr(self, name)
            if isinstance(value, FunctionType) and not _can_be_called(value, takes):
                wrong.append(f"{name}={value.__name__} (is called as {name}({', '.join(takes)}))")
        wrong += self._unfit_copies()
        is_own_net = not isinstance(self.net, ConvNet | ResNet)
        if is_own_net and self.record_features:
            wrong.append(
                "record_features=True (for a ConvNet or ResNet, not for a net of your own)"
            )
        wrong += [f"init_from={self.init_from.name!r} ({why})" for why in self._unfit_start()]
        return wrong

    def _unfit_emotions(self) -> list[str]:
        if not self.emotions:
            return ["emotions=() (at least one)"]
        wrong = []
        for emotion in self.emotions:
            if canonical(emotion) is None:
                wrong.append(f"emotions={emotion!r} (one of {listed(EMOTIONS)})")
        return wrong

    def _unfit_copies(self) -> list[str]:
        """What copies that replace their photos, or the arms of a sibling swap, do not go with."""
        wrong = []
        if self.copies_replace and (self.augment_first or not self.offline_augmentation):
            wrong.append(
                "copies_replace=True (with offline_augmentation, and without augment_first)"
            )
        if self.siblings == "as they fall":
            return wrong
        arm = f"siblings={self.siblings!r}"
        if not (self.offline_augmentation and self.augment_first):
            wrong.append(f"{arm} (with offline_augmentation and augment_first=True)")
        if self.group_by != "duplicate":
            wrong.append(f'{arm} (with group_by="duplicate")')
        if self.checkpoint != "last":
            wrong.append(f'{arm} (with checkpoint="last": no arm may choose its epoch)')
        if self.roles:
            wrong.append(f"{arm} (without sources that have a role)")
        return wrong

    @property
    def roles(self) -> list[str]:
        """Every source that has a role of its own."""
        return [*self.train_sources, *self.test_sources, *self.excluded_sources]

    def _unfit_start(self) -> list[str]:
        """Why the net of `init_from` may know what this one is tested on, or does not fit it."""
        first = self.init_from
        if first is None:
            return []
        why = []
        shared = [*SAME_SPLIT]
        if self.augment_first:
            shared.append("offline_augmentation")
        differing = [name for name in shared if getattr(first, name) != getattr(self, name)]
        if differing:
            why.append(f"has another {listed(differing)}")
        if set(first.roles) != set(self.roles):
            why.append("splits other sources")
        for source in first.train_sources:
            if source in self.test_sources:
                why.append(f"was trained on {source!r}")
        if first.init_from:
            why.append("starts from a third one")
        return why

    def __hash__(self):
        return hash((self.name, self.address))

    def replace(self, **changes) -> "Variant":
        """The same experiment with these values changed."""
        return dataclasses.replace(self, **changes)

    @property
    def folds(self) -> range:
        """The folds to train for and to test; a split that was given has one."""
        if self.group_by == "given":
            return range(1)
        return range(self.n_folds_run or self.n_folds)

    @property
    def split_only(self) -> "Variant":
        """A variant that is split as this one is, with usual values for all else."""
        values = {name: getattr(self, name) for name in OF_THE_SPLIT}
        if self.siblings != "as they fall":
            values["checkpoint"] = "last"  # which its arms ask for
        return Variant("split", **values)

    @property
    def content(self) -> dict:
        """The values that decide what a run of this variant yields.

        Plain values, for json. What has its usual value is left out, so that a field added later
        changes no address.
        """
        found = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            is_usual = field.default is not dataclasses.MISSING and value == field.default
            if field.name in ("name", "n_folds_run") or is_usual:
                continue
            found[field.name] = _as_plain(value)
        return found

    @property
    def address(self) -> str:
        """`content` as text, the same for the same experiment."""
        return json.dumps(self.content, sort_keys=True)

    @classmethod
    def describe(cls):
        """A table of all values that a Variant has, the usual one and what it means (a DataFrame)."""
        import pandas as pd

        rows = {}
        for line in inspect.getsource(cls).splitlines():
            declared, _, meaning = line.partition("  # ")
            name = declared.strip().partition(":")[0]
            if name in cls.__dataclass_fields__ and name not in rows:
                usual = declared.rpartition(" = ")[2] if " = " in declared else ""
                rows[name] = {"usual value": usual, "meaning": meaning}
        return pd.DataFrame.from_dict(rows, orient="index")


def _can_be_called(function: Callable, values: tuple[str, ...]) -> bool:
    """Whether a function takes so many values by position, and needs no others."""
    try:
        inspect.signature(function).bind(*values)
    except TypeError:
        return False
    return True


def _unfit_weights(weights: dict) -> list[str]:
    wrong = []
    for name, weight in weights.items():
        is_number = isinstance(weight, int | float) and not isinstance(weight, bool)
        if canonical(name) is None:
            wrong.append(f"class_weight for {name!r} (one of {listed(EMOTIONS)})")
        elif not is_number or weight < 0:
            wrong.append(f"class_weight of {name}={weight!r} (a number of at least 0)")
    return wrong


def _as_plain(value):
    if isinstance(value, Variant):
        return value.content
    if dataclasses.is_dataclass(value):
        return [type(value).__name__, as_plain(dataclasses.asdict(value))]
    if callable(value):
        return own_code.describe(value)
    return value
