"""The arms of the sibling swap differ in whose copies are trained on, and in nothing else."""

import numpy as np
import pytest

from emoclass.augment import OfflineAugmentation, with_copies
from emoclass.data.synthetic import SyntheticConfig, draw
from emoclass.errors import InputError, LeakError
from emoclass.models import ConvNet
from emoclass.study.samples import make_split
from emoclass.study.train import as_run, train
from emoclass.variant import Variant

FACES = draw(SyntheticConfig(counts=(20, 20, 20, 20, 21, 20, 20, 9), duplicates=4), size=12)
EMOTIONS = ("fear", "contempt")
COPIES = OfflineAugmentation(100, classes=EMOTIONS)
HONEST = Variant(
    "honest",
    net=ConvNet(dense=(4,)),
    group_by="duplicate",
    offline_augmentation=COPIES,
    augment_first=True,
    checkpoint="last",
    epochs=1,
    siblings="honest",
)
ARMS = {
    "honest": HONEST,
    "swap": HONEST.replace(name="swap", siblings="swap", allow_leak=True),
    "placebo": HONEST.replace(name="placebo", siblings="placebo"),
}
FOLDS = [(fold, seed) for seed in (0, 3) for fold in range(5)]


def tables(fold, seed):
    """For each arm the tables of what is trained on and of what is tested."""
    found = {}
    for arm, variant in ARMS.items():
        everything, split = make_split(variant, FACES, fold, seed)
        table = everything.table
        found[arm] = table.iloc[split.train], table.iloc[split.test]
    return found


@pytest.mark.parametrize("fold, seed", FOLDS)
def test_each_arm_tests_the_same_pictures_and_half_of_the_copies(fold, seed):
    found = tables(fold, seed)
    tested = found["honest"][1]
    for _, other in found.values():
        assert other.photo.tolist() == tested.photo.tolist()
    everything = with_copies(FACES, COPIES, seed).table
    for photo in tested.photo[tested.photo.isin(FACES.table.photo) & tested.emotion.isin(EMOTIONS)]:
        copies = (everything.parent == photo).sum() - 1
        assert (tested.parent == photo).sum() - 1 == copies - copies // 2


@pytest.mark.parametrize("fold, seed", FOLDS)
def test_each_arm_trains_on_as_many_pictures_of_as_many_photos(fold, seed):
    found = tables(fold, seed)
    trained = {arm: both[0] for arm, both in found.items()}
    for table in trained.values():
        assert table.photo.is_unique
        assert table.emotion.tolist() == trained["honest"].emotion.tolist()  # batch for batch
    photos = {arm: table.groupby("emotion").parent.nunique() for arm, table in trained.items()}
    assert photos["swap"].equals(photos["honest"])
    for emotion in EMOTIONS:
        tested = found["honest"][1]
        n_tested = tested.parent[tested.emotion == emotion].nunique()
        assert photos["placebo"][emotion] == photos["honest"][emotion] - n_tested


@pytest.mark.parametrize("fold, seed", FOLDS)
def test_only_the_swapped_copies_have_siblings_in_the_test(fold, seed):
    found = tables(fold, seed)
    tested = set(found["honest"][1].parent)
    for arm in ("honest", "placebo"):
        assert not tested & set(found[arm][0].parent)
    honest = found["honest"][0].photo.to_numpy()
    swapped = found["swap"][0]
    other = swapped.photo.to_numpy() != honest
    has_sibling = swapped.parent.isin(tested).to_numpy()
    assert (other == has_sibling).all() and other.any()
    # A donor is gone from the other two arms, its photo and all its copies.
    donors = set(found["honest"][0].parent[other])
    for arm in ("swap", "placebo"):
        assert not donors & set(found[arm][0].parent)


def test_copies_have_the_pixels_that_they_have_elsewhere_and_fresh_ones_are_new():
    usual = with_copies(FACES, COPIES, 3)
    pixels = dict(zip(usual.table.photo, usual.pixels))
    fresh = 0
    for variant in ARMS.values():
        everything, split = make_split(variant, FACES, 1, 3)
        for row in split.train:
            name = everything.table.photo.iloc[row]
            if name in pixels:
                assert (everything.pixels[row] == pixels[name]).all()
            else:
                fresh += 1
    assert fresh == sum(tables(1, 3)["placebo"][0].photo.map(lambda name: name not in pixels))
    assert fresh > 0


def test_donors_depend_on_seed_and_fold():
    def donors(fold, seed):
        honest, swap = (tables(fold, seed)[arm][0] for arm in ("honest", "swap"))
        return set(honest.parent) - set(swap.parent)

    assert donors(0, 0) != donors(0, 1)
    assert donors(0, 0) != donors(1, 0)


def test_the_swap_is_refused_unless_the_leak_is_wanted():
    with pytest.raises(LeakError, match="photo and its copies on both sides"):
        make_split(ARMS["swap"].replace(allow_leak=False), FACES, 0)


@pytest.mark.parametrize("arm", ARMS)
def test_an_arm_can_be_split_by_way_of_trial(arm):
    trial = ARMS[arm].split_only
    _, split = make_split(trial, FACES, 1, 3)
    assert split.train.tolist() == make_split(ARMS[arm], FACES, 1, 3)[1].train.tolist()


def test_too_few_photos_for_donors():
    two_folds = HONEST.replace(n_folds=2)
    with pytest.raises(InputError, match=r"photos of (fear|contempt) in training.*take more folds"):
        make_split(two_folds, FACES, 0)


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"group_by": "subject"}, 'with group_by="duplicate"'),
        ({"checkpoint": "best"}, "no arm may choose its epoch"),
        ({"augment_first": False}, "augment_first=True"),
        ({"offline_augmentation": None}, "with offline_augmentation"),
        ({"test_sources": ("new",)}, "without sources that have a role"),
        ({"siblings": "swapped"}, "swap"),
    ],
)
def test_what_an_arm_does_not_go_together_with(changes, said):
    with pytest.raises(InputError, match=said):
        HONEST.replace(**changes)


def test_a_run_of_an_arm_knows_its_pictures():
    run = train(ARMS["swap"], FACES, 2, 1)
    everything, split = make_split(ARMS["swap"], FACES, 2, 1)
    assert run.photo.tolist() == everything.table.photo.iloc[split.test].tolist()
    assert run.rows == (len(split.train), len(split.validation), len(split.test))
    assert run.in_training["parent"].any()
    with pytest.raises(InputError, match="where there are"):
        from emoclass.study.train import fit

        outcome = fit(HONEST, everything.select(np.arange(150)), split_of_first(150), 2, 1)
        as_run(HONEST, FACES, 2, 1, outcome)


def split_of_first(n):
    from emoclass.splits import Split

    return Split(np.arange(n - 20), np.arange(n - 20, n - 10), np.arange(n - 10, n))


def test_photos_leave_the_training_part_where_copies_replace_them():
    turned = OfflineAugmentation(per_image=1, classes=("happiness",))
    plain = Variant("plain", offline_augmentation=turned)
    everything, split = make_split(plain.replace(copies_replace=True), FACES, 0)
    _, beside = make_split(plain, FACES, 0)
    trained = everything.table.iloc[split.train]
    is_happy = (trained.emotion == "happiness").to_numpy()
    assert everything.is_copy[split.train][is_happy].all()
    assert not everything.is_copy[split.train][~is_happy].any()
    assert len(split.train) == len(beside.train) - is_happy.sum()
    assert split.test.tolist() == beside.test.tolist()
    assert not everything.is_copy[split.test].any()


def test_copies_replace_their_photos_only_where_copies_are_made_after_the_split():
    with pytest.raises(InputError, match="copies_replace=True"):
        Variant("wrong", copies_replace=True)
    with pytest.raises(InputError, match="copies_replace=True"):
        HONEST.replace(copies_replace=True)
