"""Variant: one experiment as plain values, to be printed, compared, sent to a worker or typed by hand."""

import dataclasses
from dataclasses import dataclass

from emoclass.augment import Copies, Jitter
from emoclass.faces import BadInput, listed
from emoclass.labels import EMOTIONS
from emoclass.losses import WEIGHTS
from emoclass.models import PARED_DOWN, Net, Residual
from emoclass.split import KEEP_TOGETHER

CHOICES = {
    "by": tuple(KEEP_TOGETHER)[1:],
    "order": ("split-copy", "copy-split"),
    "loss": WEIGHTS,
    "sampling": ("as they are", "balanced"),
    "target": ("emotion", "random", "source"),
    "schedule": ("constant", "cosine"),
    "keep": ("best", "last"),
    "precision": ("float32", "mixed_bfloat16"),
}
AT_LEAST = {"epochs": 1, "batch": 1, "repeat": 1, "n_folds": 2, "weight_decay": 0, "focal": 0, "tau": 0, "clip": 0}
WHOLE = ("epochs", "batch", "repeat", "n_folds")
BELOW_ONE = ("beta", "smoothing", "averaging")
ROLES = ("only_train", "only_test", "leave_out")
# What a net and the one that it starts from must share, or that one may have seen what this one is tested on.
SAME_SPLIT = ("net", "by", "n_folds", "emotions", "target", "order", "allow_leak")


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
    only_train, only_test, leave_out   sources whose photos are always trained on, always tested, or not used; the
                   folds are dealt from all others
    repeat         how often each photo of `only_train` stands in the training part
    loss           weights of the emotions in the cross-entropy (plain, root, balanced, effective with its `beta`)
    focal, tau, smoothing   gamma of the focal loss, tau of the logit-adjusted loss (1: balanced softmax), label
                   smoothing; see `losses.cross_entropy`
    sampling       photos as they are, or batches in which each emotion is drawn equally often
    n_folds        parts that the photos are dealt into
    tested         how many of these are trained for and tested; all of them unless said
    epochs, batch, learning_rate, precision   of Adam, which starts anew for each fold
    schedule       the learning rate is constant, or rises over the first epoch and falls to 0 along a cosine
    weight_decay, clip   AdamW's decay (Loshchilov & Hutter 2019), and the longest gradient, over all weights (0: any)
    averaging      momentum of the moving average of the weights that is kept in the end; 0: the weights themselves
    keep           the epoch with the least validation loss, or the last
    jitter         how photos are changed in training, otherwise each time
    two_views      each picture is tested twice, once mirrored; the mean of both logits counts
    start          the variant whose trained net this one starts from, instead of from nothing
    follow         also keep what is said about the test part after each epoch
    features       also keep what the last layer but one says of each photo

    Raises BadInput, naming every value that is not one of its choices.
    """

    name: str
    net: Net | Residual = PARED_DOWN
    by: str = "person"
    copies: Copies | None = None
    order: str = "split-copy"
    allow_leak: bool = False
    emotions: tuple[str, ...] = EMOTIONS
    target: str = "emotion"
    only_train: tuple[str, ...] = ()
    only_test: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()
    repeat: int = 1
    loss: str = "plain"
    beta: float = 0.999
    focal: float = 0.0
    tau: float = 0.0
    smoothing: float = 0.0
    sampling: str = "as they are"
    n_folds: int = 5
    tested: int | None = None
    epochs: int = 15
    batch: int = 64
    learning_rate: float = 1e-3
    precision: str = "float32"
    schedule: str = "constant"
    weight_decay: float = 0.0
    clip: float = 0.0
    averaging: float = 0.0
    keep: str = "best"
    jitter: Jitter | None = None
    two_views: bool = False
    start: "Variant | None" = None
    follow: bool = False
    features: bool = False

    def __post_init__(self):
        wrong = [
            f"{what}={getattr(self, what)!r} (one of {listed(choices)})"
            for what, choices in CHOICES.items()
            if getattr(self, what) not in choices
        ]
        wrong += [f"emotions={e!r} (one of {listed(EMOTIONS)})" for e in self.emotions if e not in EMOTIONS]
        wrong += [f"{k}={v} (a whole number)" for k in WHOLE if not isinstance(v := getattr(self, k), int)]
        wrong += [f"{role}={v!r} (a tuple of sources)" for role in ROLES if isinstance(v := getattr(self, role), str)]
        wrong += [
            f"{k}={v} (at least {least})" for k, least in AT_LEAST.items() if not (v := getattr(self, k)) >= least
        ]
        wrong += [f"{k}={v} (from 0 to below 1)" for k in BELOW_ONE if not 0 <= (v := getattr(self, k)) < 1]
        wrong += ["emotions=() (at least one)"] * (not self.emotions)
        wrong += [f"tested={self.tested} (1 to n_folds)"] * (
            self.tested not in (None, *range(1, int(self.n_folds) + 1))
        )
        wrong += [f"learning_rate={self.learning_rate} (above 0)"] * (not self.learning_rate > 0)
        if self.averaging and self.keep == "best":
            wrong += [f"averaging={self.averaging} (of all epochs, so keep='last')"]
        roles = self._roles
        wrong += [f"source {source!r} (one role for each)" for source in sorted(set(roles)) if roles.count(source) > 1]
        wrong += [f"start={self.start.name!r} ({why})" for why in self._unfit_start()]
        if wrong:
            raise BadInput(f"variant {self.name!r}: {'; '.join(wrong)}")

    @property
    def _roles(self) -> list[str]:
        return [source for role in ROLES for source in getattr(self, role)]

    def _unfit_start(self) -> list[str]:
        """Why the net of `start` may have been trained on what this one is tested on, or does not fit it."""
        if not (start := self.start):
            return []
        dealt_alike = (*SAME_SPLIT, "copies") if self.order == "copy-split" else SAME_SPLIT
        other = [what for what in dealt_alike if getattr(start, what) != getattr(self, what)]
        return (
            [f"has another {listed(other)}"] * bool(other)
            + ["deals out other sources"] * (set(start._roles) != set(self._roles))
            + [f"was trained on {source!r}" for source in start.only_train if source in self.only_test]
            + ["starts from a third one"] * bool(start.start)
        )

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
        values = dataclasses.asdict(self) | {"net": [type(self.net).__name__, dataclasses.asdict(self.net)]}
        values["start"] = self.start and self.start.content
        del values["name"], values["tested"]
        return values
