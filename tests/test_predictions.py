"""What was said of each photo, pooled over folds and seeds, beside what was to be said."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emoclass.baselines import majority
from emoclass.errors import InputError
from emoclass.labels import EMOTIONS
from emoclass.predictions import Predictions
from emoclass.splits import GROUP_NAMES
from emoclass.study.sweep import concat_folds
from emoclass.study.train import select_samples
from emoclass.study.variant import Variant

LEAKY = Variant("net", group_by="photo", allow_leak=True)


def run_of(photos, parents, fold=0, seed=0, variant=LEAKY, classes=EMOTIONS, epoch_predictions=()):
    """A run of a net that says the same of every photo, and another thing in each fold."""
    return SimpleNamespace(
        variant=variant,
        fold=fold,
        seed=seed,
        photo=np.array(photos, object),
        parent=np.array(parents, object),
        classes=classes,
        probabilities=np.eye(len(classes), dtype=np.float32)[[fold] * len(photos)],
        epoch_predictions=np.array(epoch_predictions, np.uint8).reshape(-1, len(photos)),
        in_training={key: np.arange(len(photos)) % 2 == 0 for key in GROUP_NAMES},
    )


@pytest.fixture(scope="module")
def faces(faces_of):
    return faces_of(
        photo=["a", "b", "c"],
        emotion=["fear", "anger", "fear"],
        subject=["Ann", "Bob", "Cid"],
        source=["web", "film", "film"],
    )


def two_runs(*epoch_predictions, **how):
    """Of all three photos and a copy, in two folds; with these guesses after each epoch."""
    one, other = epoch_predictions or ((), ())
    return [
        run_of(["c", "a, copy 1"], ["c", "a"], fold=0, epoch_predictions=one, **how),
        run_of(["a", "b"], ["a", "b"], fold=1, epoch_predictions=other, **how),
    ]


@pytest.fixture
def pooled(faces):
    return concat_folds(two_runs(), faces)


def test_what_is_known_of_a_copy_is_what_is_known_of_its_parent(pooled):
    assert pooled.table.photo.tolist() == ["c", "a, copy 1", "a", "b"]
    assert pooled.table.subject.tolist() == ["Cid", "Ann", "Ann", "Bob"]
    assert pooled.table.emotion.tolist() == ["fear", "fear", "fear", "anger"]
    assert pooled.y_true.tolist() == [3, 3, 3, 0]


def test_each_row_keeps_its_fold_its_probabilities_and_what_stood_in_training(pooled):
    assert pooled.table.fold.tolist() == pooled.y_pred.tolist() == [0, 0, 1, 1]
    for key in GROUP_NAMES:
        assert pooled.table[f"{key}_in_training"].tolist() == [True, False, True, False]
    assert len(pooled) == len(pooled.probabilities) == 4 and len(pooled.runs) == 2
    assert pooled.name == "net" and pooled.leaky


def test_originals_are_what_nobody_copied(pooled):
    originals = pooled.originals("originals only")
    assert originals.table.photo.tolist() == ["c", "a", "b"] and originals.y_pred.tolist() == [0, 1, 1]
    assert originals.name == "originals only" and originals.leaky and pooled.originals().name == "net"


@settings(max_examples=20)
@given(st.lists(st.booleans(), min_size=20, max_size=20))
def test_where_keeps_what_was_said_beside_whom_it_was_said_of(faces_of, mask):
    whole = majority(faces_of(emotion=np.random.default_rng(0).choice(EMOTIONS, 20)))
    whole = replace(whole, probabilities=np.random.default_rng(1).random((20, 8)))
    some = whole.where(mask)
    assert some.table.photo.tolist() == [photo for photo, kept in zip(whole.table.photo, mask) if kept]
    assert np.array_equal(some.y_pred, whole.y_pred[mask]) and np.array_equal(some.y_true, whole.y_true[mask])


# nets asked for something else


def test_the_truth_of_a_net_asked_for_the_source_is_the_source(faces):
    runs = two_runs(variant=LEAKY.replace(target="source"), classes=("film", "web"))
    pooled = concat_folds(runs, faces)
    assert pooled.target_column == "source" and pooled.classes == ("film", "web")
    assert pooled.y_true.tolist() == [0, 1, 1, 0] and pooled.y_pred.tolist() == [0, 0, 1, 1]
    assert pooled.where([True, True, False, False]).y_true.tolist() == [0, 1]


def test_the_truth_of_a_net_taught_random_emotions_is_the_random_one_of_its_seed(faces_of):
    faces = faces_of(photo=[*range(40)], emotion=list(EMOTIONS) * 5)
    variant = LEAKY.replace(target="permuted")
    photos = [str(k) for k in range(40)]
    runs = [run_of([f"{photo}, copy 1" for photo in photos], photos, seed=seed, variant=variant) for seed in (0, 1)]
    pooled = concat_folds(runs, faces)
    split = [select_samples(variant, faces, seed).labels.tolist() for seed in (0, 1)]
    assert pooled.y_true.tolist() == split[0] + split[1] and split[0] != split[1]
    assert faces.labels.tolist() not in split


# after each epoch


def test_after_an_epoch_stands_what_was_said_then(faces):
    pooled = concat_folds(two_runs([[1, 2], [3, 4]], [[5, 6], [7, 0]]), faces)
    assert pooled.after_epoch(1).y_pred.tolist() == [1, 2, 5, 6]
    assert pooled.after_epoch(2).y_pred.tolist() == [3, 4, 7, 0]
    assert pooled.after_epoch(1).table.equals(pooled.table) and pooled.y_pred.tolist() == [0, 0, 1, 1]


def test_a_leak_is_marked_whatever_is_derived_from_it_and_its_caveats_are_named(faces):
    table = faces.table.assign(fold=0, seed=0, subject_in_training=[True, False, False])
    followed = concat_folds(two_runs([[1, 2]], [[5, 6]]), faces)
    leaky = Predictions("net", table, np.eye(8, dtype=np.float32)[faces.labels], leaky=True)
    assert leaky.caveats == ("guard overridden", "subjects shared")
    rest = leaky.where(np.arange(3) > 0)
    for derived in (rest, leaky.originals(), followed.after_epoch(1)):
        assert derived.leaky and "guard overridden" in derived.caveats
    assert rest.caveats == ("guard overridden",) and replace(rest, leaky=False).caveats == ()


@pytest.mark.parametrize("epoch_predictions", [([[1, 2], [3, 4]], [[5, 6], [7, 0]]), ([[1, 2], [3, 4]], ()), ((), ())])
@pytest.mark.parametrize("epoch", [-1, 0, 3])
def test_an_epoch_that_was_not_or_that_nobody_followed_is_refused(faces, epoch_predictions, epoch):
    with pytest.raises(InputError, match=f"'net': predictions after epoch {epoch} were not kept"):
        concat_folds(two_runs(*epoch_predictions), faces).after_epoch(epoch)


def test_all_runs_must_have_been_followed(faces):
    with pytest.raises(InputError, match=r"after epoch 2 were not kept \(record_epochs=True\)"):
        concat_folds(two_runs([[1, 2], [3, 4]], [[5, 6]]), faces).after_epoch(2)
    with pytest.raises(InputError, match="epoch 1"):
        majority(faces).after_epoch(1)
