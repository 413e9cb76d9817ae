"""What was predicted for each photo, over folds and seeds, beside what was to be predicted."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emoclass.baselines import majority
from emoclass.errors import InputError
from emoclass.faces import UNKNOWN
from emoclass.labels import EMOTIONS
from emoclass.predictions import Predictions
from emoclass.splits import GROUP_NAMES
from emoclass.study.pooled import concat_folds
from emoclass.study.samples import select_samples
from emoclass.variant import Variant

LEAKY = Variant("net", group_by="photo", allow_leak=True)


def run_of(
    photos,
    parents,
    fold=0,
    seed=0,
    variant=LEAKY,
    classes=EMOTIONS,
    epoch_predictions=(),
    trained_on=None,
    rows=(80, 10, 10),
):
    """A run of a net that predicts the same for every photo, and another class in each fold."""
    trained = classes if trained_on is None else trained_on
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
        y_true={"train": np.array([classes.index(name) for name in trained])},
        rows=rows,
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
    """Of all three photos and a copy, in two folds; with these predictions after each epoch."""
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
    assert originals.table.photo.tolist() == ["c", "a", "b"] and originals.y_pred.tolist() == [
        0,
        1,
        1,
    ]
    assert (
        originals.name == "originals only" and originals.leaky and pooled.originals().name == "net"
    )


@settings(max_examples=20)
@given(st.lists(st.booleans(), min_size=20, max_size=20))
def test_where_keeps_predictions_beside_their_photos(faces_of, mask):
    whole = majority(faces_of(emotion=np.random.default_rng(0).choice(EMOTIONS, 20)))
    whole = replace(whole, probabilities=np.random.default_rng(1).random((20, 8)))
    some = whole.where(mask)
    assert some.table.photo.tolist() == [
        photo for photo, kept in zip(whole.table.photo, mask) if kept
    ]
    assert np.array_equal(some.y_pred, whole.y_pred[mask]) and np.array_equal(
        some.y_true, whole.y_true[mask]
    )


# nets trained for something else


def test_the_label_of_a_net_trained_for_the_source_is_the_source(faces):
    runs = two_runs(variant=LEAKY.replace(target="source"), classes=("film", "web"))
    pooled = concat_folds(runs, faces)
    assert pooled.target_column == "source" and pooled.classes == ("film", "web")
    assert pooled.y_true.tolist() == [0, 1, 1, 0] and pooled.y_pred.tolist() == [0, 0, 1, 1]
    assert pooled.where([True, True, False, False]).y_true.tolist() == [0, 1]


def test_the_label_of_a_net_trained_with_permuted_emotions_is_that_of_its_seed(faces_of):
    faces = faces_of(photo=[*range(40)], emotion=list(EMOTIONS) * 5)
    variant = LEAKY.replace(target="permuted")
    photos = [str(k) for k in range(40)]
    runs = [
        run_of([f"{photo}, copy 1" for photo in photos], photos, seed=seed, variant=variant)
        for seed in (0, 1)
    ]
    pooled = concat_folds(runs, faces)
    split = [select_samples(variant, faces, seed).labels.tolist() for seed in (0, 1)]
    assert pooled.y_true.tolist() == split[0] + split[1] and split[0] != split[1]
    assert faces.labels.tolist() not in split


# after each epoch


def test_after_an_epoch_stands_what_was_predicted_then(faces):
    pooled = concat_folds(two_runs([[1, 2], [3, 4]], [[5, 6], [7, 0]]), faces)
    assert pooled.after_epoch(1).y_pred.tolist() == [1, 2, 5, 6]
    assert pooled.after_epoch(2).y_pred.tolist() == [3, 4, 7, 0]
    assert pooled.after_epoch(1).table.equals(pooled.table) and pooled.y_pred.tolist() == [
        0,
        0,
        1,
        1,
    ]


@pytest.mark.parametrize("epoch", [1, 2])
def test_epochs_are_refused_once_rows_were_chosen_or_moved(faces, epoch):
    pooled = concat_folds(two_runs([[1, 2], [3, 4]], [[5, 6], [7, 0]]), faces)
    back = replace(pooled, table=pooled.table[::-1])  # as many rows, in another order
    other_seed = replace(pooled, table=pooled.table.assign(seed=1))
    other_fold = replace(pooled, table=pooled.table.assign(fold=0))
    for moved in (pooled.originals(), back, other_seed, other_fold):
        with pytest.raises(InputError, match="'net': its rows are not those that the runs tested"):
            moved.after_epoch(epoch)
    assert pooled.where(np.ones(4, bool)).after_epoch(epoch).table.equals(pooled.table)


def test_rows_of_another_choice_are_refused_though_they_are_as_many(faces):
    """Chosen are one row of each of two runs; put beside one run of two rows they are as many."""
    pooled = concat_folds(two_runs([[1, 2]], [[5, 6]]), faces)
    some = pooled.where([True, False, True, False])
    some = replace(some, runs=pooled.runs[:1])
    assert len(some) == len(some.runs[0].photo)
    with pytest.raises(InputError, match="take the predictions after an epoch first"):
        some.after_epoch(1)


def test_epochs_in_common_end_with_the_shortest_run_of_all(faces):
    three = concat_folds(two_runs([[1, 2]] * 4, [[5, 6]] * 3), faces)
    two = concat_folds(two_runs([[1, 2]] * 2, [[5, 6]] * 5), faces)
    assert three.epochs_in_common() == 3
    assert three.epochs_in_common(two) == two.epochs_in_common(three, three) == 2
    forgotten = replace(concat_folds(two_runs([[1, 2]], ()), faces), name="not recorded")
    with pytest.raises(
        InputError, match=r"not kept .* of 'not recorded', 'always the most frequent"
    ):
        three.epochs_in_common(forgotten, majority(faces))


@pytest.mark.parametrize(
    "epoch_predictions", [([[1, 2], [3, 4]], [[5, 6], [7, 0]]), ([[1, 2], [3, 4]], ()), ((), ())]
)
@pytest.mark.parametrize("epoch", [-1, 0, 3])
def test_an_epoch_that_was_not_or_that_nobody_followed_is_refused(faces, epoch_predictions, epoch):
    with pytest.raises(InputError, match=f"'net': predictions after epoch {epoch} were not kept"):
        concat_folds(two_runs(*epoch_predictions), faces).after_epoch(epoch)


def test_all_runs_must_have_been_followed(faces):
    with pytest.raises(InputError, match=r"after epoch 2 were not kept \(record_epochs=True\)"):
        concat_folds(two_runs([[1, 2], [3, 4]], [[5, 6]]), faces).after_epoch(2)
    with pytest.raises(InputError, match="epoch 1"):
        majority(faces).after_epoch(1)


# among some classes


def test_among_some_classes_no_other_is_predicted_and_no_other_is_tested(faces_of):
    faces = faces_of(emotion=["fear", "anger", "happiness", "fear"])
    probabilities = np.zeros((4, 8), np.float32)
    probabilities[:, EMOTIONS.index("happiness")] = 0.6
    probabilities[:, EMOTIONS.index("fear")] = [0.3, 0.1, 0.3, 0.1]
    probabilities[:, EMOTIONS.index("anger")] = [0.1, 0.3, 0.1, 0.3]
    net = replace(majority(faces), probabilities=probabilities)
    found = net.among(("anger", "fear"), "two alone")
    assert found.name == "two alone" and net.among(("fear",)).name == net.name
    assert found.table.photo.tolist() == ["photo 0", "photo 1", "photo 3"]
    assert [EMOTIONS[k] for k in found.y_pred] == ["fear", "anger", "anger"]
    kept = np.isin(EMOTIONS, ("anger", "fear"))
    assert np.array_equal(found.probabilities[:, kept], probabilities[[0, 1, 3]][:, kept])
    assert not found.probabilities[:, ~kept].any() and found.probabilities.dtype == np.float32
    assert net.probabilities[:, EMOTIONS.index("happiness")].all()  # as it was
    with pytest.raises(InputError, match="cannot predict joy, film"):
        net.among(("joy", "fear", "film"))


# caveats


def test_a_leak_is_marked_whatever_is_derived_from_it(faces):
    table = faces.table.assign(fold=0, seed=0, subject_in_training=[True, False, False])
    followed = concat_folds(two_runs([[1, 2]], [[5, 6]]), faces)
    leaky = Predictions("net", table, np.eye(8, dtype=np.float32)[faces.labels], leaky=True)
    assert leaky.caveats == ("split leaks on purpose", "subjects shared")
    rest = leaky.where(np.arange(3) > 0)
    some = leaky.among(("fear",))
    for derived in (rest, some, leaky.originals(), followed.after_epoch(1)):
        assert derived.leaky and "split leaks on purpose" in derived.caveats
    assert rest.caveats == ("split leaks on purpose",)
    assert replace(rest, leaky=False).caveats == ()


@pytest.mark.parametrize(
    "subject, unknown",
    [
        (["photo 0", "photo 1", "photo 2"], True),  # each photo is of itself
        ([f"{UNKNOWN}clip 1", f"{UNKNOWN}clip 1", f"{UNKNOWN}clip 2"], True),
        ([f"{UNKNOWN}clip 1", "photo 1", f"{UNKNOWN}clip 2"], True),
        (["Ann", "photo 1", "photo 2"], False),  # somebody is known
        (["Ann", f"{UNKNOWN}clip 1", f"{UNKNOWN}clip 1"], False),
        ([f"Ann, {UNKNOWN}"] * 3, False),  # begins with a name
    ],
)
def test_subjects_are_unknown_where_nobody_is_known(faces_of, subject, unknown):
    caveats = majority(faces_of(subject=subject)).caveats
    assert caveats == (("subjects unknown",) if unknown else ())


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_net_without_finite_output_is_told(faces, wrong):
    probabilities = np.full((3, 8), 1 / 8, np.float32)
    probabilities[1, 5] = wrong
    net = replace(majority(faces), probabilities=probabilities)
    assert net.caveats == ("no finite output",)
    assert net.where([True, False, True]).caveats == ()


def test_a_class_that_was_tested_but_not_trained_on_is_told_by_fold(faces):
    """Fold 0 tests fear alone, fold 1 fear and anger."""
    one, other = two_runs()
    one.y_true["train"] = np.array([EMOTIONS.index("neutral")])
    other.y_true["train"] = np.array([EMOTIONS.index("neutral")])
    pooled = replace(concat_folds([one, other], faces), leaky=False)
    missing = "a class is missing from training (fold 0: fear; fold 1: anger, fear)"
    assert missing in pooled.caveats
    other.y_true["train"] = np.array([EMOTIONS.index("anger"), EMOTIONS.index("fear")])
    assert "a class is missing from training (fold 0: fear)" in pooled.caveats
    without_fear = pooled.where(pooled.table.emotion != "fear")
    assert not any("missing" in caveat for caveat in without_fear.caveats)
    one.y_true["train"] = other.y_true["train"]
    assert not any("missing" in caveat for caveat in pooled.caveats)


def test_a_class_missing_with_one_seed_alone_is_told(faces):
    first = run_of(["a", "b"], ["a", "b"], seed=0, trained_on=("fear",))
    second = run_of(["a", "b"], ["a", "b"], seed=1)
    pooled = concat_folds([first, second], faces)
    assert "a class is missing from training (fold 0: anger)" in pooled.caveats


def test_a_source_never_trained_on_is_told_of_a_net_that_predicts_sources(faces):
    variant = LEAKY.replace(target="source")
    runs = two_runs(variant=variant, classes=("film", "web"), trained_on=("film",))
    caveats = concat_folds(runs, faces).caveats
    assert "a class is missing from training (fold 0: web; fold 1: web)" in caveats


@pytest.mark.parametrize(
    "rows, group_by, told",
    [
        ((80, 10, 10), "photo", False),
        ((75, 15, 10), "photo", False),  # exactly half as much again
        ((74, 16, 10), "photo", True),
        ((74, 16, 500), "subject", True),  # what is tested does not count
        ((50, 50, 10), "given", False),  # somebody else planned it
    ],
)
def test_a_validation_part_half_as_large_again_as_planned_is_told(faces, rows, group_by, told):
    one, other = two_runs(variant=LEAKY.replace(group_by=group_by))
    other.rows = rows
    caveats = concat_folds([one, other], faces).caveats
    assert ("validation larger than planned" in caveats) == told
