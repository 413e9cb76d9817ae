"""A variant is plain values: checked when typed, compared by what they decide."""

import json
import pickle
from dataclasses import FrozenInstanceError, fields

import pytest

from emoclass.augment import OfflineAugmentation, OnlineAugmentation
from emoclass.errors import InputError
from emoclass.labels import EMOTIONS
from emoclass.models import COMPACT, CONVNET_A, ConvNet, ResNet
from emoclass.study.variant import AT_LEAST, BELOW_ONE, CHOICES, ROLES, Variant

OTHER_VALUES = {
    "net": CONVNET_A,
    "by": "source",
    "copies": OfflineAugmentation(target_count=9),
    "order": "copy-split",
    "allow_leak": True,
    "emotions": ("fear", "anger"),
    "target": "random",
    "only_train": ("film",),
    "only_test": ("film",),
    "leave_out": ("film",),
    "repeat": 2,
    "loss": "root",
    "beta": 0.99,
    "focal": 2.0,
    "tau": 1.0,
    "smoothing": 0.1,
    "sampling": "balanced",
    "n_folds": 3,
    "epochs": 2,
    "batch": 8,
    "learning_rate": 0.1,
    "precision": "mixed_bfloat16",
    "schedule": "cosine",
    "weight_decay": 0.05,
    "clip": 1.0,
    "averaging": 0.99,
    "keep": "last",
    "jitter": OnlineAugmentation(),
    "two_views": True,
    "start": Variant("before"),
    "follow": True,
    "features": True,
}


@pytest.mark.parametrize(
    "wrong, named",
    [
        ({"by": "row"}, "by='row' (one of photo, duplicate, subject, source)"),
        ({"order": "copy"}, "order='copy' (one of split-copy, copy-split)"),
        ({"loss": "focal"}, "loss='focal' (one of plain, root, balanced, effective)"),
        ({"target": "subject"}, "target='subject' (one of emotion, random, source)"),
        ({"precision": "float16"}, "precision='float16' (one of float32, mixed_bfloat16)"),
        ({"emotions": ("fear", "joy")}, f"emotions='joy' (one of {', '.join(EMOTIONS)})"),
        ({"epochs": 0}, "epochs=0 (at least 1)"),
        ({"batch": -1}, "batch=-1 (at least 1)"),
        ({"sampling": "evenly"}, "sampling='evenly' (one of as they are, balanced)"),
        ({"schedule": "linear"}, "schedule='linear' (one of constant, cosine)"),
        ({"keep": "first"}, "keep='first' (one of best, last)"),
        ({"repeat": 0}, "repeat=0 (at least 1)"),
        ({"weight_decay": -0.1}, "weight_decay=-0.1 (at least 0)"),
        ({"focal": -1}, "focal=-1 (at least 0)"),
        ({"tau": -0.5}, "tau=-0.5 (at least 0)"),
        ({"clip": -2.0}, "clip=-2.0 (at least 0)"),
        ({"beta": 1.0}, "beta=1.0 (from 0 to below 1)"),
        ({"smoothing": 1.0}, "smoothing=1.0 (from 0 to below 1)"),
        ({"smoothing": -0.1}, "smoothing=-0.1 (from 0 to below 1)"),
        ({"averaging": 1.0, "keep": "last"}, "averaging=1.0 (from 0 to below 1)"),
        ({"averaging": 0.9}, "averaging=0.9 (of all epochs, so keep='last')"),
        ({"only_train": ("film",), "only_test": ("film",)}, "source 'film' (one role for each)"),
        ({"leave_out": ("film", "film")}, "source 'film' (one role for each)"),
    ],
)
def test_a_wrong_value_is_named_with_what_it_could_be(wrong, named):
    with pytest.raises(InputError) as caught:
        Variant("mine", **wrong)
    assert str(caught.value) == f"variant 'mine': {named}"


def test_all_wrong_values_are_named_in_one_sentence():
    with pytest.raises(InputError) as caught:
        Variant("mine", group_by="name", class_weight="l", epochs=0, emotions=("joy", "awe"))
    message = str(caught.value)
    assert all(named in message for named in ("by='name'", "loss='l'", "epochs=0", "'joy'", "'awe'"))
    assert "\n" not in message


@pytest.mark.parametrize("what", [*sorted({*AT_LEAST} - {"n_folds"}), *BELOW_ONE, "learning_rate"])
def test_what_is_no_number_is_no_value(what):
    with pytest.raises(InputError, match=f"{what}=nan"):
        Variant("mine", **{what: float("nan")})


@pytest.mark.parametrize("what", [*AT_LEAST, *BELOW_ONE])
def test_the_least_value_of_each_is_taken(what):
    assert getattr(Variant("mine", **{what: AT_LEAST.get(what, 0)}), what) == AT_LEAST.get(what, 0)


def test_every_source_of_two_roles_is_named_once():
    with pytest.raises(InputError) as caught:
        Variant("mine", train_sources=("a", "b", "c"), test_sources=("b", "d"), excluded_sources=("a", "d", "e"))
    assert str(caught.value) == "variant 'mine': " + "; ".join(f"source {s!r} (one role for each)" for s in "abd")


@pytest.mark.parametrize("what, choice", [(what, choice) for what, choices in CHOICES.items() for choice in choices])
def test_every_choice_offered_is_taken(what, choice):
    assert getattr(Variant("mine", **{what: choice}), what) == choice


def test_replace_changes_what_is_said_and_nothing_else_and_checks_it():
    plain = Variant("plain")
    root = plain.replace(name="root", class_weight="sqrt")
    changed = {f.name for f in fields(Variant) if getattr(root, f.name) != getattr(plain, f.name)}
    assert changed == {"name", "loss"} and plain.class_weight == "plain"
    with pytest.raises(InputError, match="loss='roots'"):
        plain.replace(class_weight="roots")


def test_a_variant_cannot_be_changed_in_place():
    with pytest.raises(FrozenInstanceError):
        Variant("mine").epochs = 3


def test_equal_variants_are_equal_and_can_be_keys():
    one, same = (Variant("mine", offline_augmentation=OfflineAugmentation(target_count=9)) for _ in range(2))
    assert one == same and len({one, same}) == 1
    assert one != one.replace(epochs=16)
    assert pickle.loads(pickle.dumps(one)) == one


def test_the_defaults_are_the_honest_ones():
    variant = Variant("mine")
    assert (variant.group_by, variant.order, variant.allow_leak) == ("subject", "split-copy", False)
    assert (variant.target, variant.record_epochs) == ("emotion", False)
    assert variant.emotions == EMOTIONS and list(variant.folds) == list(range(5))


def test_all_folds_are_tested_unless_fewer_are_asked_for():
    assert list(Variant("mine", n_folds=3).folds) == [0, 1, 2]
    assert list(Variant("mine", n_folds=5, n_folds_run=2).folds) == [0, 1]


def test_neither_the_name_nor_the_number_of_folds_tested_is_content():
    assert Variant("mine").content == Variant("yours", n_folds_run=1).content
    assert not {"name", "tested"} & set(Variant("mine").content)


@pytest.mark.parametrize("what", OTHER_VALUES)
def test_every_other_value_is_content(what):
    plain = Variant("mine", checkpoint="last") if what == "averaging" else Variant("mine")
    assert plain.replace(**{what: OTHER_VALUES[what]}).content != plain.content


def test_no_value_is_forgotten_here():
    assert set(OTHER_VALUES) == {f.name for f in fields(Variant)} - {"name", "tested"}
    assert all(value != getattr(Variant("mine"), what) for what, value in OTHER_VALUES.items())


def test_content_is_plain_enough_to_be_written_down():
    start = Variant("before", net=COMPACT)
    content = Variant("mine", net=COMPACT, offline_augmentation=OfflineAugmentation(target_count=9), online_augmentation=OnlineAugmentation(zoom=0.3), init_from=start).content
    written = json.loads(json.dumps(content))
    assert written["copies"]["to"] == 9 and written["jitter"]["zoom"] == 0.3
    assert written["net"][0] == "Residual" and written["start"]["net"] == written["net"]


def test_nets_of_different_kinds_are_different_content_even_with_the_same_values():
    assert Variant("mine", net=ConvNet()).content["net"][0] != Variant("mine", net=ResNet()).content["net"][0]


# what it starts from

FIRST = Variant("first", n_folds=3, train_sources=("film",), excluded_sources=("stage",))
THEN = FIRST.replace(name="then", epochs=3)


@pytest.mark.parametrize(
    "change, why",
    [
        ({"net": ConvNet()}, "has another net"),
        ({"net": COMPACT}, "has another net"),
        ({"by": "photo"}, "has another by"),
        ({"n_folds": 4}, "has another n_folds"),
        ({"emotions": EMOTIONS[:3]}, "has another emotions"),
        ({"target": "random"}, "has another target"),
        ({"order": "copy-split"}, "has another order"),
        ({"allow_leak": True}, "has another allow_leak"),
        ({"net": ConvNet(), "n_folds": 2}, "has another net, n_folds"),
        ({"only_train": ()}, "deals out other sources"),
        ({"leave_out": ()}, "deals out other sources"),
        ({"only_test": ("web",)}, "deals out other sources"),
        ({"start": FIRST}, "starts from a third one"),
    ],
)
def test_a_start_that_does_not_fit_or_saw_other_photos_is_refused(change, why):
    with pytest.raises(InputError) as caught:
        THEN.replace(init_from=FIRST.replace(**change))
    assert str(caught.value) == f"variant 'then': start='first' ({why})"


def test_a_start_that_was_trained_on_what_is_only_tested_now_is_refused_by_name():
    with pytest.raises(InputError) as caught:
        THEN.replace(train_sources=(), test_sources=("film",), init_from=FIRST)
    assert str(caught.value) == "variant 'then': start='first' (was trained on 'film')"


@pytest.mark.parametrize("role", ["only_train", "leave_out"])
def test_a_source_that_was_not_dealt_out_before_may_be_used_otherwise_now(role):
    start = Variant("first", **{role: ("film",)})
    for now in ROLES:
        if (role, now) != ("only_train", "only_test"):
            assert Variant("then", init_from=start, **{now: ("film",)}).init_from == start


def test_copies_of_the_start_matter_only_where_they_are_dealt_out_like_photos():
    copies = OfflineAugmentation(target_count=9)
    assert THEN.replace(init_from=FIRST.replace(offline_augmentation=copies))  # they stand in training parts alone
    mixed = FIRST.replace(augment_first=True, allow_leak=True)
    assert mixed.replace(name="then", init_from=mixed)
    with pytest.raises(InputError, match="has another copies"):
        mixed.replace(name="then", init_from=mixed.replace(offline_augmentation=copies))


@pytest.mark.parametrize(
    "change", [{"loss": "balanced"}, {"focal": 2.0}, {"epochs": 9}, {"sampling": "balanced"}, {"jitter": OnlineAugmentation()}]
)
def test_how_the_start_was_trained_is_its_own_affair(change):
    assert THEN.replace(init_from=FIRST.replace(**change)).init_from.replace(name="x") == FIRST.replace(name="x", **change)


@pytest.mark.parametrize(
    "wrong",
    [{"n_folds": 1}, {"tested": 0}, {"tested": 6}, {"learning_rate": 0.0}, {"learning_rate": -1e-3}, {"emotions": ()}],
)
def test_what_could_not_be_trained_is_refused_before_it_is_tried(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        Variant("impossible", **wrong)


@pytest.mark.parametrize("what, value", [("epochs", 1.5), ("batch", 8.0), ("repeat", 2.5), ("n_folds", 2.5)])
def test_what_is_counted_is_a_whole_number(what, value):
    with pytest.raises(InputError, match=rf"{what}={value} \(a whole number\)"):
        Variant("mine", **{what: value})


@pytest.mark.parametrize("role", ["only_train", "only_test", "leave_out"])
def test_a_source_without_its_comma_is_no_tuple_of_letters(role):
    with pytest.raises(InputError, match=rf"{role}='film' \(a tuple of sources\)"):
        Variant("mine", **{role: "film"})
