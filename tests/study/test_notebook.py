"""A study announces the runs that it will ask for, in its profile, and refuses what cannot be dealt into folds."""

import matplotlib
import pytest

from emoclass import models
from emoclass.augment import OfflineAugmentation
from emoclass.data.synthetic import SyntheticConfig, draw
from emoclass.errors import InputError
from emoclass.labels import MAJORITY, MINORITY
from emoclass.models import ConvNet
from emoclass.study import notebook as module
from emoclass.study import sweep
from emoclass.study.notebook import Study
from emoclass.study.recipes import compact_variant
from emoclass.variant import Variant

ONE, OTHER = (
    Variant("one", n_folds=3),
    Variant("other", n_folds=4, n_folds_run=2, epochs=2, group_by="duplicate", class_weight="sqrt"),
)
BY_SOURCE = Variant("one source held out", group_by="source", n_folds=2, epochs=9)


@pytest.fixture
def study(drawn, monkeypatch):
    """A study of these faces, or of drawn ones, in this profile."""

    def make(profile="full", faces=drawn):
        monkeypatch.setattr(module, "load_faces", lambda dataset: faces)
        return Study("01_eda", {"DATASET": "synthetic", "PROFILE": profile})

    with matplotlib.rc_context():
        yield make


@pytest.fixture(scope="module")
def many():
    return draw(SyntheticConfig(counts=(12,) * 8), size=12)


def test_every_fold_of_every_variant_is_announced(study, many):
    mine = study(faces=many)
    assert mine.planned == []
    mine.plan([ONE, OTHER])
    assert [(task.variant, task.fold, task.seed) for task in mine.planned] == [
        *((ONE, fold, 0) for fold in range(3)),
        *((OTHER, fold, 0) for fold in range(2)),
    ]
    assert all(task.faces is mine.faces for task in mine.planned)


def test_photos_that_their_copies_replace_are_planned_like_others(study, many):
    mine = study(faces=many)
    copies = OfflineAugmentation(per_image=1, classes=("neutral",))
    in_place = ONE.replace(offline_augmentation=copies, copies_replace=True)
    mine.plan([in_place])
    assert {task.variant for task in mine.planned} == {in_place}


@pytest.mark.parametrize("profile", ["full", "quick"])
@pytest.mark.parametrize("what", ["plan", "sweep"])
def test_a_variant_alone_is_answered_with_what_to_write(study, many, profile, what):
    mine = study(profile, many)
    with pytest.raises(InputError) as caught:
        getattr(mine, what)(ONE)
    assert str(caught.value).endswith(f"hand in a list, also for one: study.{what}([v])")


def test_a_number_in_place_of_seeds_is_refused_before_anything_is_planned(study, many):
    mine = study(faces=many)
    with pytest.raises(InputError, match=r"seeds=1 is a number: write seeds=\[1\]"):
        mine.plan([ONE], seeds=1)
    assert mine.planned == []


@pytest.mark.parametrize("group", [MAJORITY, MINORITY])
def test_photos_without_frequent_or_without_rare_emotions_are_refused_before_anything_is_planned(
    study, many, group
):
    with pytest.raises(InputError, match=f"shows none of {', '.join(group)}: the study compares"):
        study(faces=many.select(~many.table.emotion.isin(group).to_numpy()))
    study(
        faces=many.select(
            (~many.table.emotion.isin(group) | (many.table.emotion == group[0])).to_numpy()
        )
    )


def my_net(size, classes, seed):
    """Stands for a net of one's own."""


def test_a_rehearsal_takes_a_small_net_in_place_of_ours_and_keeps_one_of_your_own(study, many):
    ours, own = study("quick", many).adapted([ONE, ONE.replace(name="own", net=my_net)])
    assert ours.net == module.QUICK_NET != ONE.net
    assert own.net is my_net
    assert own.epochs == ours.epochs < ONE.epochs


def test_other_seeds_and_other_faces_are_announced_on_top(study, many, sharp):
    mine = study(faces=many)
    mine.plan([ONE])
    mine.plan([ONE], seeds=(1, 2))
    mine.plan([ONE], faces=sharp)
    assert [task.seed for task in mine.planned] == [0, 0, 0, 1, 1, 1, 2, 2, 2, 0, 0, 0]
    assert [task.faces is sharp for task in mine.planned] == [False] * 9 + [True] * 3
    assert len({task.key for task in mine.planned}) == len(mine.planned) == 12


@pytest.mark.parametrize("profile", ["full", "quick"])
def test_what_is_announced_is_what_the_sweep_looks_for(study, many, sharp, profile, monkeypatch):
    asked = []

    def asking(variants, faces, seeds, archive):
        asked.extend(sweep.tasks(variants, faces, seeds))

    monkeypatch.setattr(sweep, "sweep", asking)
    mine = study(profile, many)
    for some, more in (
        ([ONE, BY_SOURCE], {}),
        ([ONE, OTHER], {"seeds": [3]}),
        ([ONE, OTHER], {"faces": sharp}),
    ):
        mine.plan(some, **more)
        mine.sweep(some, **more)
    assert [task.key for task in asked] == [task.key for task in mine.planned] and asked


def test_emotions_with_fewer_photos_than_folds_are_refused_by_name_and_nothing_is_announced(study):
    mine = study()
    with pytest.raises(InputError) as caught:
        mine.plan([ONE, OTHER])
    message = str(caught.value)
    assert message.startswith("synthetic: 'other': fewer photos than the 4 folds: contempt (3);")
    assert mine.planned == [] and "\n" not in message


def test_the_photos_counted_are_those_that_are_trained_on(study, many, drawn):
    mine = study(faces=many)
    with pytest.raises(InputError, match=r"contempt \(3\)"):
        mine.plan([OTHER], faces=drawn)
    kept = ("anger", "happiness", "neutral")
    mine.plan([OTHER.replace(emotions=kept)], faces=drawn)
    mine.plan(
        [OTHER], faces=drawn.select(drawn.table.emotion.isin(kept))
    )  # what there is none of needs no fold
    assert len(mine.planned) == 4


def test_in_a_rehearsal_photos_are_few_and_folds_and_epochs_two_at_most(study, many, monkeypatch):
    monkeypatch.setattr(module, "QUICK_FEWEST", 5)
    mine = study("quick", many)
    mine.plan([ONE, OTHER, ONE.replace(name="one fold", n_folds_run=1, epochs=1)])
    assert [(task.variant.name, task.fold) for task in mine.planned] == [
        ("one", 0),
        ("one", 1),
        ("other", 0),
        ("other", 1),
        ("one fold", 0),
    ]
    assert {(task.variant.n_folds, task.variant.epochs) for task in mine.planned} == {
        (2, 2),
        (2, 1),
    }
    assert (mine.faces.counts == 5).all()
    assert all(task.faces is mine.faces for task in mine.planned)


def test_in_a_rehearsal_sources_are_held_out_one_by_one_all_the_same(study):
    mine = study("quick")
    mine.plan([BY_SOURCE])
    assert [task.variant for task in mine.planned] == [
        BY_SOURCE.replace(epochs=2, net=ConvNet(dense=(4,)))
    ] * 2
    assert [task.fold for task in mine.planned] == [0, 1]


DEFERRED = Variant(
    "deferred", n_folds=4, n_folds_run=3, epochs=9, init_from=Variant("first", n_folds=4, epochs=12)
)


def test_in_a_rehearsal_what_a_net_starts_from_is_hurried_too(study):
    (hurried,) = study("quick").adapted([DEFERRED])
    assert (hurried.n_folds, hurried.n_folds_run, hurried.epochs) == (2, 2, 2)
    assert (hurried.init_from.n_folds, hurried.init_from.epochs) == (2, 2)
    (unhurried,) = study().adapted([DEFERRED])
    assert unhurried == DEFERRED


def test_in_a_rehearsal_nets_are_small_and_a_start_still_fits(study):
    plain = compact_variant()
    (small,) = study("quick").adapted([plain.replace(name="goes on", init_from=plain)])
    size = [
        models.count_params_and_macs(net, 48).parameters
        for net in (plain.net, small.net, small.init_from.net)
    ]
    assert size[1] == size[2] < size[0] / 30


def test_in_a_rehearsal_a_start_of_one_s_own_stays_too(study):
    start = Variant("first", my_net, n_folds=4)
    mine = Variant("mine", my_net, n_folds=4, epochs=9, init_from=start)
    (hurried,) = study("quick").adapted([mine])
    assert hurried.net is my_net and hurried.init_from.net is my_net
    assert (hurried.epochs, hurried.n_folds) == (2, 2)


def test_in_a_rehearsal_a_start_that_is_asked_for_as_well_is_the_same_run(study):
    first, deferred = study("quick").adapted(
        [DEFERRED.init_from.replace(name="by itself", n_folds_run=1), DEFERRED]
    )
    assert deferred.init_from.content == first.content


def test_in_a_rehearsal_by_source_the_start_keeps_its_folds(study):
    (hurried,) = study("quick").adapted([BY_SOURCE.replace(init_from=BY_SOURCE)])
    assert (hurried.n_folds, hurried.init_from.n_folds, hurried.init_from.epochs) == (2, 2, 2)


def test_sources_need_no_number_of_photos_of_each_emotion(study):
    mine = study()
    mine.plan([BY_SOURCE])
    assert len(mine.planned) == 2


def test_every_split_that_cannot_be_made_is_listed_before_anything_is_trained(study):
    mine = study()
    torn = Variant("torn", group_by="photo", n_folds=2)
    with pytest.raises(InputError) as caught:
        mine.plan(
            [ONE, BY_SOURCE.replace(n_folds=3), torn, torn.replace(name="given", group_by="given")]
        )
    message = str(caught.value)
    assert "'one source held out': split by source: there is no fold 2" in message
    assert "'torn': split by photo" in message and "'given': split as given" in message
    assert mine.planned == [] and "\n" not in message


def test_an_unknown_profile_is_refused(study):
    with pytest.raises(InputError, match="PROFILE='slow' is unknown; choose one of full, quick"):
        study("slow")
