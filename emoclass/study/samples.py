"""Which pictures a variant is about, and who of them is trained on, validated on and tested."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from emoclass import splits
from emoclass.augment import with_copies
from emoclass.errors import InputError, listed
from emoclass.faces import Faces
from emoclass.labels import EMOTIONS
from emoclass.run import PARTS, SplitFacts
from emoclass.splits import NO_PART, TEST, TRAIN, VALIDATION, Split
from emoclass.variant import Variant


def select_samples(variant: Variant, faces: Faces, seed: int = 0) -> Faces:
    """The photos that a variant is about; for target="permuted" with their emotions in another order.

    Duplicates share one permuted emotion. Raises InputError if the variant names a source that no photo comes from.
    """
    unknown = sorted(set(variant.roles) - set(faces.table.source))
    if unknown:
        there = listed(sorted(faces.table.source.unique()))
        raise InputError(
            f"variant {variant.name!r}: no photo comes from {listed(unknown)}; the sources are {there}"
        )
    is_named = faces.table.emotion.isin(variant.emotions)
    is_excluded = faces.table.source.isin(variant.excluded_sources)
    faces = faces.select((is_named & ~is_excluded).to_numpy())
    if variant.target != "permuted":
        return faces
    family = splits.group_ids(faces.table, "duplicate")
    emotions = faces.table.emotion.groupby(family).first().to_numpy()
    emotions = np.random.default_rng([seed, 1]).permutation(emotions)
    return replace(faces, table=faces.table.assign(emotion=emotions[family]))


def all_pictures(variant: Variant, faces: Faces, seed: int = 0) -> Faces:
    """What a variant trains on or tests: originals, then their copies, then photos of sources with a role."""
    faces.pixel_digests  # noqa: B018  (made once here, they go with every selection)
    faces = select_samples(variant, faces, seed)
    has_role = _has_role(variant, faces)
    everything = with_copies(faces.select(~has_role), variant.offline_augmentation, seed)
    if has_role.any():
        everything = everything + faces.select(has_role)
    return everything


def _has_role(variant: Variant, faces: Faces) -> np.ndarray:
    return faces.table.source.isin([*variant.train_sources, *variant.test_sources]).to_numpy()


def make_split(variant: Variant, faces: Faces, fold: int, seed: int = 0) -> tuple[Faces, Split]:
    """The pictures of this variant, copies among them, and its split in this fold.

    Without `augment_first` the originals are split, and copies join the training part alone. Photos of `train_sources`
    and `test_sources` come last in their part. Raises InputError and LeakError as `splits.make_fold` does.
    """
    everything = all_pictures(variant, faces, seed)
    has_role = _has_role(variant, everything)
    in_folds = everything.select(~has_role)
    options = dict(fold=fold, n_folds=variant.n_folds, seed=seed, allow_leak=variant.allow_leak)
    if variant.augment_first:
        row_by_row = variant.allow_leak and variant.group_by != "given"
        split = splits.make_fold(in_folds, "row" if row_by_row else variant.group_by, **options)
    else:
        originals = in_folds.select(~in_folds.is_copy)
        split = splits.make_fold(originals, variant.group_by, **options)
        trained = originals.table.photo.to_numpy()[split.train]
        copies = np.flatnonzero(in_folds.is_copy & in_folds.table.parent.isin(trained).to_numpy())
        split = replace(split, train=np.concatenate([split.train, copies]))
    part = part_of(split, len(everything))
    part[has_role & everything.table.source.isin(variant.train_sources).to_numpy()] = TRAIN
    part[has_role & everything.table.source.isin(variant.test_sources).to_numpy()] = TEST
    if has_role.any() and not variant.allow_leak:
        group_by = "subject" if variant.group_by == "source" else variant.group_by
        splits.check_no_leakage(everything.table, part, group_by)
    return everything, split_of(variant, everything, part)


def part_of(split: Split, n: int) -> np.ndarray:
    """(n,) int8: the part that each of n pictures is in."""
    part = np.full(n, NO_PART, np.int8)
    part[split.train] = TRAIN
    part[split.validation] = VALIDATION
    part[split.test] = TEST
    return part


def split_of(variant: Variant, everything: Faces, part: np.ndarray) -> Split:
    """The positions in each part, in order; photos of `train_sources` as often as the variant repeats them."""
    often = np.where(
        everything.table.source.isin(variant.train_sources), variant.train_source_repeats, 1
    )
    train = np.flatnonzero(part == TRAIN)
    return Split(
        np.repeat(train, often[train]),
        np.flatnonzero(part == VALIDATION),
        np.flatnonzero(part == TEST),
    )


def facts_of(variant: Variant, everything: Faces, part: np.ndarray) -> SplitFacts:
    """What of a run follows from its variant, its faces and who is in which part."""
    split = split_of(variant, everything, part)
    target = find_target(variant, everything)
    tested = everything.table.iloc[split.test]
    y_true = {}
    for name in PARTS:
        y_true[name] = target.places[target.labels[getattr(split, name)]]
    return SplitFacts(
        photo=tested.photo.to_numpy(),
        parent=tested.parent.to_numpy(),
        classes=target.classes,
        places=target.places,
        in_training=splits.in_training(everything.table, split),
        rows=(len(split.train), len(split.validation), len(split.test)),
        y_true=y_true,
    )


@dataclass(frozen=True, eq=False)
class Target:
    """What is to be predicted: K of all `classes` are trained."""

    labels: np.ndarray  # (n,) int64, among the K
    places: np.ndarray  # (K,) int: their places among all classes
    classes: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Those that are trained, in order."""
        return tuple(self.classes[place] for place in self.places)


def find_target(variant: Variant, everything: Faces) -> Target:
    """What a variant is to predict for these pictures: their emotion, or their source."""
    if variant.target == "source":
        column = everything.table.source
        classes = tuple(sorted(column.unique()))
        places = np.arange(len(classes))
    else:
        column = everything.table.emotion
        classes = EMOTIONS
        places = np.flatnonzero(np.isin(EMOTIONS, variant.emotions))
    names = [classes[place] for place in places]
    labels = pd.Categorical(column, categories=names).codes.astype(np.int64)
    return Target(labels, places, classes)
