"""Variants that several notebooks train: the compact net, and what is taken away for others to use."""

from emoclass import models
from emoclass.augment import OnlineAugmentation
from emoclass.data.new_faces import HELD_BACK, LEARN
from emoclass.variant import Variant


def compact_variant(name: str = "compact", **changes) -> Variant:
    """The compact net, without new faces: half of them are excluded, the others are tested."""
    return Variant(
        name, net=models.COMPACT, excluded_sources=LEARN, test_sources=(HELD_BACK,), epochs=20, learning_rate=2e-3,
        schedule="cosine", weight_decay=0.02, clipnorm=1.0, checkpoint="last",
        online_augmentation=OnlineAugmentation(), flip_tta=True, precision="fast",
    ).replace(**changes)  # fmt: skip


def final_variant() -> Variant:
    """The compact net, then a second pass with all new faces, of which notebook 6 holds half back."""
    new = (*LEARN, HELD_BACK)
    plain = compact_variant(excluded_sources=new, test_sources=())
    second = dict(
        init_from=plain, epochs=2, learning_rate=1e-3, train_sources=new, train_source_repeats=4
    )
    return plain.replace(name="the model to take away", excluded_sources=(), **second)
