"""Variants that notebooks train: the compact net, pairs with and without a leak, a control."""

from dataclasses import replace

from emoclass import models
from emoclass.augment import OfflineAugmentation, OnlineAugmentation
from emoclass.data import synthetic
from emoclass.data.new_faces import HELD_BACK, LEARN
from emoclass.faces import Faces
from emoclass.labels import EMOTIONS, MINORITY
from emoclass.variant import Variant


def compact_variant(name: str = "compact", **changes) -> Variant:
    """The compact net, without new faces: half of them are excluded, the others are tested."""
    compact = Variant(
        name,
        net=models.COMPACT,
        excluded_sources=LEARN,
        test_sources=(HELD_BACK,),
        epochs=20,
        learning_rate=2e-3,
        schedule="cosine",
        weight_decay=0.02,
        clipnorm=1.0,
        checkpoint="last",
        online_augmentation=OnlineAugmentation(),
        flip_tta=True,
        precision="fast",
    )
    return compact.replace(**changes)


def final_variant() -> Variant:
    """The compact net, then a second pass with all new faces (notebook 6 holds half of them back)."""
    new = (*LEARN, HELD_BACK)
    plain = compact_variant(excluded_sources=new, test_sources=())
    return plain.replace(
        name="the model to take away",
        excluded_sources=(),
        init_from=plain,
        epochs=2,
        learning_rate=1e-3,
        train_sources=new,
        train_source_repeats=4,
    )


def memorisation_pair(
    name: str,
    augmentation: OfflineAugmentation,
    epochs: int,
    **changes,
) -> tuple[Variant, Variant]:
    """The same pictures of the minority classes, split with the leak and by family.

    The last epoch is kept: both are trained as long.
    """
    leaky = Variant(
        f"{name}, leaky",
        emotions=MINORITY,
        offline_augmentation=augmentation,
        augment_first=True,
        group_by="photo",
        allow_leak=True,
        epochs=epochs,
        checkpoint="last",
        **changes,
    )
    family = leaky.replace(name=f"{name}, by family", group_by="duplicate", allow_leak=False)
    return leaky, family


def without_expression() -> dict[Faces, list[Variant]]:
    """Synthetic faces from which nothing can be learnt, and what is trained on them: a leak each.

    The faces have no expression. Copies, duplicates or subjects stand on both sides, or do not.
    """
    blank = synthetic.SyntheticConfig(
        counts=(25,) * len(EMOTIONS),
        intensity=(0, 0),
        subject_label_bias=0,
        film=0,
        photos_per_subject=(1, 1),
    )
    of_subjects = replace(blank, subject_label_bias=3.0, photos_per_subject=(6, 6))
    nothing = Variant(
        "nothing",
        net=models.TWO_CONVOLUTIONS,
        group_by="photo",
        batch_size=8,
        epochs=24,
        checkpoint="last",
    )
    copies = OfflineAugmentation(
        per_image=5, classes=EMOTIONS, rotation=5, shift=0.03, zoom=0.03, flip=False
    )
    copied = nothing.replace(offline_augmentation=copies, augment_first=True, epochs=8)
    leaky = {"group_by": "photo", "allow_leak": True}
    return {
        synthetic.draw(blank, size=24): [
            nothing,
            copied.replace(name="augmented images, leaky", **leaky),
            copied.replace(name="augmented images, by family", group_by="duplicate"),
        ],
        synthetic.draw(replace(blank, duplicates=100), size=24): [
            nothing.replace(name="duplicates, leaky", **leaky),
            nothing.replace(name="duplicates, kept together", group_by="duplicate"),
        ],
        synthetic.draw(of_subjects, size=24): [
            nothing.replace(name="subjects, leaky"),
            nothing.replace(name="subjects, kept together", group_by="subject"),
        ],
    }
