"""A variant is plain values: checked when typed, compared by what they decide."""

import json
import pickle
from dataclasses import FrozenInstanceError, fields
from typing import Literal, get_args, get_origin, get_type_hints

import numpy as np
import pytest

from emoclass.augment import OfflineAugmentation, OnlineAugmentation
from emoclass.errors import InputError
from emoclass.labels import EMOTIONS
from emoclass.models import COMPACT, CONVNET_A, PARED_DOWN, ConvNet, ResNet
from emoclass.variant import ROLES, Variant

COPIES = OfflineAugmentation(target_count=9)


def own_function(*arguments):
    """Stands for a net, a loss or a change of pictures."""
    return arguments


OTHER_VALUES = {
    "net": CONVNET_A,
    "loss": own_function,
    "patience": 2,
    "optimizer": "sgd",
    "group_by": "source",
    "offline_augmentation": COPIES,
    "augment_first": True,
    "allow_leak": True,
    "copies_replace": True,
    "siblings": "honest",
    "emotions": ("fear", "anger"),
    "target": "permuted",
    "train_sources": ("film",),
    "test_sources": ("film",),
    "excluded_sources": ("film",),
    "train_source_repeats": 2,
    "class_weight": "sqrt",
    "beta": 0.99,
    "focal_gamma": 2.0,
    "logit_adjustment_tau": 1.0,
    "sampling": "balanced",
    "n_folds": 3,
    "epochs": 2,
    "batch_size": 8,
    "learning_rate": 0.1,
    "precision": "mixed_bfloat16",
    "schedule": "cosine",
    "weight_decay": 0.05,
    "clipnorm": 1.0,
    "checkpoint": "last",
    "online_augmentation": OnlineAugmentation(),
    "flip_tta": True,
    "init_from": Variant("before"),
    "record_epochs": True,
    "record_features": True,
}
NAN = float("nan")
WRONG = [
    ({"group_by": "row"}, "group_by='row' (one of photo, duplicate, subject, source, given)"),
    (
        {"class_weight": "focal"},
        "class_weight='focal' (one of none, sqrt, balanced, effective or a dict of numbers: {'fear': 10})",
    ),
    (
        {"class_weight": [1, 2]},
        "class_weight=(1, 2) (one of none, sqrt, balanced, effective or a dict of numbers: {'fear': 10})",
    ),
    ({"class_weight": {"awe": 2}}, f"class_weight for 'awe' (one of {', '.join(EMOTIONS)})"),
    ({"class_weight": {"fear": -1}}, "class_weight of fear=-1 (a number of at least 0)"),
    ({"class_weight": {"fear": True}}, "class_weight of fear=True (a number of at least 0)"),
    (
        {"optimizer": "best"},
        "optimizer='best' (one of adam, adamw, sgd, rmsprop, nadam, adagrad, lion)",
    ),
    ({"target": "subject"}, "target='subject' (one of emotion, permuted, source)"),
    ({"precision": "float16"}, "precision='float16' (one of float32, mixed_bfloat16, fast)"),
    ({"sampling": "evenly"}, "sampling='evenly' (one of natural, balanced)"),
    ({"schedule": "linear"}, "schedule='linear' (one of constant, cosine)"),
    ({"checkpoint": "first"}, "checkpoint='first' (one of best, last)"),
    ({"emotions": ("fear", "awe")}, f"emotions='awe' (one of {', '.join(EMOTIONS)})"),
    ({"emotions": ()}, "emotions=() (at least one)"),
    # out of bounds
    ({"epochs": 0}, "epochs=0 (at least 1)"),
    ({"patience": 0}, "patience=0 (at least 1)"),
    ({"batch_size": -1}, "batch_size=-1 (at least 1)"),
    ({"train_source_repeats": 0}, "train_source_repeats=0 (at least 1)"),
    ({"n_folds": 1}, "n_folds=1 (at least 2)"),
    ({"n_folds_run": 0}, "n_folds_run=0 (1 to n_folds)"),
    ({"n_folds_run": 6}, "n_folds_run=6 (1 to n_folds)"),
    ({"weight_decay": -0.1}, "weight_decay=-0.1 (at least 0)"),
    ({"focal_gamma": -1}, "focal_gamma=-1.0 (at least 0)"),
    ({"logit_adjustment_tau": NAN}, "logit_adjustment_tau=nan (at least 0)"),
    ({"clipnorm": -2.0}, "clipnorm=-2.0 (at least 0)"),
    ({"learning_rate": 0.0}, "learning_rate=0.0 (above 0)"),
    ({"learning_rate": NAN}, "learning_rate=nan (above 0)"),
    ({"beta": 1.0}, "beta=1.0 (from 0 to below 1)"),
    ({"beta": NAN}, "beta=nan (from 0 to below 1)"),
    # of another kind
    ({"allow_leak": "no"}, "allow_leak='no' (True or False)"),
    ({"augment_first": 1}, "augment_first=1 (True or False)"),
    ({"flip_tta": None}, "flip_tta=None (True or False)"),
    ({"epochs": "15"}, "epochs='15' (a whole number)"),
    ({"epochs": 1.5}, "epochs=1.5 (a whole number)"),
    ({"epochs": True}, "epochs=True (a whole number)"),
    ({"batch_size": 8.0}, "batch_size=8.0 (a whole number)"),
    ({"n_folds": NAN}, "n_folds=nan (a whole number)"),
    ({"n_folds_run": "3"}, "n_folds_run='3' (a whole number or None)"),
    ({"learning_rate": "0.001"}, "learning_rate='0.001' (a number)"),
    ({"weight_decay": True}, "weight_decay=True (a number)"),
    ({"clipnorm": None}, "clipnorm=None (a number)"),
    ({"emotions": "fear"}, "emotions='fear' (a tuple of words: ('fear',))"),
    (
        {"emotions": "happy, sad"},
        "emotions='happy, sad' (a tuple of words: ('happy', 'sad'))",
    ),
    ({"emotions": 3}, "emotions=3 (a tuple of words)"),
    ({"train_sources": "film"}, "train_sources='film' (a tuple of words: ('film',))"),
    ({"test_sources": "film"}, "test_sources='film' (a tuple of words: ('film',))"),
    ({"excluded_sources": (1,)}, "excluded_sources=(1,) (a tuple of words)"),
    ({"net": "compact"}, "net='compact' (ConvNet(...) or ResNet(...) or a function of your own)"),
    ({"offline_augmentation": 9}, "offline_augmentation=9 (OfflineAugmentation(...) or None)"),
    (
        {"online_augmentation": True},
        "online_augmentation=True (OnlineAugmentation(...) or a function of your own or None)",
    ),
    ({"loss": "focal"}, "loss='focal' (a function of your own or None)"),
    ({"init_from": "before"}, "init_from='before' (Variant(...) or None)"),
    # that do not go together
    ({"train_sources": ("film",), "test_sources": ("film",)}, "source 'film' (one role for each)"),
    ({"excluded_sources": ("film", "film")}, "source 'film' (one role for each)"),
    (
        {"loss": own_function, "focal_gamma": 2},
        "focal_gamma=2.0 (belongs into your own loss)",
    ),
    (
        {"net": own_function, "record_features": True},
        "record_features=True (for a ConvNet or ResNet, not for a net of your own)",
    ),
]


@pytest.mark.parametrize("wrong, named", WRONG, ids=[named.split(" (")[0] for _, named in WRONG])
def test_a_wrong_value_is_named_with_what_it_could_be(wrong, named):
    with pytest.raises(InputError) as caught:
        Variant("mine", **wrong)
    assert str(caught.value) == f"variant 'mine': {named}"


@pytest.mark.parametrize(
    "wrong, advice",
    [
        ({"image_size": 64}, "Variant has no image_size: .*load_faces('muxspace', size=64)"),
        ({"model": CONVNET_A}, "Variant has no model: the net is called net"),
        ({"lr": 0.1}, "Variant has no lr: did you mean learning_rate?"),
        ({"epoch": 3}, "Variant has no epoch: did you mean epochs?"),
        ({"net": ConvNet}, "a function of your own"),
    ],
)
def test_a_value_that_a_variant_lacks_is_answered_with_what_to_write(wrong, advice):
    with pytest.raises(InputError) as caught:
        Variant("mine", **wrong)
    for part in advice.split(".*"):
        assert part in str(caught.value)


CHANNELS = "each block is a tuple of channels, whole numbers of at least 1"
UNITS = "a tuple of units, whole numbers of at least 1"
PAIRS = "each block is (channels, stride), as in ((32, 1), (64, 2))"


@pytest.mark.parametrize(
    "kind, values, answer",
    [
        (ConvNet, {"blocks": 16}, f"blocks=16: {CHANNELS}: write blocks=((16,),)"),
        (
            ConvNet,
            {"blocks": [16, 32]},
            f"blocks=[16, 32]: {CHANNELS}: write blocks=((16,), (32,))",
        ),
        (
            ConvNet,
            {"blocks": ((8,), 16)},
            f"blocks=((8,), 16): {CHANNELS}: write blocks=((8,), (16,))",
        ),
        (ConvNet, {"blocks": "16"}, f"blocks='16': {CHANNELS}"),
        (ConvNet, {"blocks": ((16.5,),)}, f"blocks=((16.5,),): {CHANNELS}"),
        (ConvNet, {"blocks": ((0,),)}, f"blocks=((0,),): {CHANNELS}"),
        (ConvNet, {"dense": 128}, f"dense=128: {UNITS}: write dense=(128,)"),
        (ConvNet, {"dense": ("128",)}, f"dense=('128',): {UNITS}"),
        (ConvNet, {"dropout": 1.0}, "dropout=1.0: a number from 0 to below 1"),
        (ConvNet, {"dropout": "half"}, "dropout='half': a number from 0 to below 1"),
        (ResNet, {"stem": 0}, "stem=0: a whole number of at least 1"),
        (ResNet, {"blocks": 16}, f"blocks=16: {PAIRS}"),
        (ResNet, {"blocks": (16, 32)}, f"blocks=(16, 32): {PAIRS}"),
        (ResNet, {"blocks": ((16, 1, 2),)}, f"blocks=((16, 1, 2),): {PAIRS}"),
        (ResNet, {"dropout": -0.1}, "dropout=-0.1: a number from 0 to below 1"),
    ],
)
def test_a_net_that_cannot_be_built_is_answered_with_what_to_write(kind, values, answer):
    with pytest.raises(InputError) as caught:
        kind(**values)
    assert str(caught.value) == f"{kind.__name__} with {answer}"


def test_a_variant_without_a_name_says_which_value_is_missing():
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'name'"):
        Variant()


def test_all_wrong_values_are_named_in_one_sentence():
    with pytest.raises(InputError) as caught:
        Variant("mine", group_by="name", class_weight="l", epochs=0, emotions=("delight", "awe"))
    message = str(caught.value)
    for named in ("group_by='name'", "class_weight='l'", "epochs=0"):
        assert named in message and "\n" not in message
    with pytest.raises(InputError, match=r"emotions='delight' .*emotions='awe'"):
        Variant("mine", emotions=("delight", "awe"))


def test_every_source_of_two_roles_is_named_once():
    with pytest.raises(InputError) as caught:
        Variant(
            "mine",
            train_sources=("a", "b", "c"),
            test_sources=("b", "d"),
            excluded_sources=("a", "d", "e"),
        )
    assert str(caught.value) == "variant 'mine': " + "; ".join(
        f"source {s!r} (one role for each)" for s in "abd"
    )


# What an arm of the sibling swap cannot do without.
IN_A_SWAP = dict(
    group_by="duplicate",
    offline_augmentation=OfflineAugmentation(per_image=1),
    augment_first=True,
    checkpoint="last",
)


def test_every_choice_offered_and_the_least_value_of_each_are_taken():
    for what, hint in get_type_hints(Variant).items():
        for choice in get_args(hint) if get_origin(hint) is Literal else ():
            beside = IN_A_SWAP if what == "siblings" else {}
            assert getattr(Variant("mine", **beside | {what: choice}), what) == choice
    least = dict(
        epochs=1,
        batch_size=1,
        train_source_repeats=1,
        n_folds=2,
        n_folds_run=1,
        beta=0,
        weight_decay=0,
    )
    least |= dict(focal_gamma=0, logit_adjustment_tau=0, clipnorm=0, learning_rate=1e-300)
    for what, value in least.items():
        assert getattr(Variant("mine", **{what: value}), what) == value


def test_replace_changes_what_is_named_and_nothing_else_and_checks_it():
    plain = Variant("plain")
    other = plain.replace(name="other", class_weight="sqrt")
    changed = {f.name for f in fields(Variant) if getattr(other, f.name) != getattr(plain, f.name)}
    assert changed == {"name", "class_weight"} and plain.class_weight == "none"
    with pytest.raises(InputError, match="class_weight='roots'"):
        plain.replace(class_weight="roots")


def test_a_variant_cannot_be_changed_in_place_and_can_be_a_key():
    one, same = (Variant("mine", offline_augmentation=COPIES) for _ in range(2))
    with pytest.raises(FrozenInstanceError):
        one.epochs = 3
    assert one == same and len({one, same}) == 1 and one != one.replace(epochs=16)
    assert pickle.loads(pickle.dumps(one)) == one


def test_all_folds_are_run_unless_fewer_are_asked_for():
    assert list(Variant("mine").folds) == list(range(5)) and list(
        Variant("mine", n_folds=3).folds
    ) == [0, 1, 2]
    assert list(Variant("mine", n_folds_run=2).folds) == [0, 1]


# What has its usual value is left out of an address: an address stands for these values as long as they stay.
USUAL = {
    "net": PARED_DOWN,
    "group_by": "subject",
    "offline_augmentation": None,
    "augment_first": False,
    "allow_leak": False,
    "copies_replace": False,
    "siblings": "as they fall",
    "emotions": (
        "anger", "contempt", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"
    ),
    "target": "emotion",
    "train_sources": (),
    "test_sources": (),
    "excluded_sources": (),
    "train_source_repeats": 1,
    "loss": None,
    "class_weight": "none",
    "beta": 0.999,
    "focal_gamma": 0.0,
    "logit_adjustment_tau": 0.0,
    "sampling": "natural",
    "n_folds": 5,
    "n_folds_run": None,
    "epochs": 15,
    "patience": 4,
    "batch_size": 64,
    "optimizer": "adam",
    "learning_rate": 1e-3,
    "precision": "float32",
    "schedule": "constant",
    "weight_decay": 0.0,
    "clipnorm": 0.0,
    "checkpoint": "best",
    "online_augmentation": None,
    "flip_tta": False,
    "init_from": None,
    "record_epochs": False,
    "record_features": False,
}  # fmt: skip


def test_a_plain_variant_stands_for_what_it_stood_for_when_the_first_runs_were_kept():
    plain = Variant("x")
    assert {f.name: getattr(plain, f.name) for f in fields(Variant)} == {"name": "x"} | USUAL
    assert PARED_DOWN == ConvNet(blocks=((16,),), dense=(128,), dropout=0.0)
    assert plain.content == {}
    assert vars(OfflineAugmentation(per_image=1)) == {
        "target_count": 0, "per_image": 1, "classes": ("anger", "contempt", "disgust", "fear", "sadness", "surprise"),
        "rotation": 15.0, "shift": 0.1, "zoom": 0.1, "flip": True,
    }  # fmt: skip
    assert vars(OnlineAugmentation()) == {
        "rotation": 10.0, "shift": 0.06, "zoom": 0.08, "contrast": 0.2, "flip": True
    }  # fmt: skip


@pytest.mark.parametrize(
    "typed, plain",
    [
        ({"epochs": np.int64(3)}, {"epochs": 3}),
        ({"learning_rate": np.float32(0.002)}, {"learning_rate": 0.002}),
        ({"learning_rate": np.float64(0.1)}, {"learning_rate": 0.1}),
        ({"clipnorm": 1}, {"clipnorm": 1.0}),
        ({"flip_tta": np.bool_(True)}, {"flip_tta": True}),
        ({"emotions": ["fear", "anger"]}, {"emotions": ("anger", "fear")}),
        ({"emotions": ("happy", "sad")}, {"emotions": ("happiness", "sadness")}),
        ({"train_sources": ["film"]}, {"train_sources": ("film",)}),
        ({"class_weight": {"afraid": 10}}, {"class_weight": {"fear": 10.0}}),
        (
            {"class_weight": {"fear": 10, "anger": np.float32(0.1)}},
            {"class_weight": {"anger": 0.1, "fear": 10.0}},
        ),
        (
            {"offline_augmentation": OfflineAugmentation(np.int64(9), classes=["happy", "afraid"])},
            {"offline_augmentation": OfflineAugmentation(9, classes=("fear", "happiness"))},
        ),
        (
            {"net": ResNet(np.int64(8), ((np.int64(8), 1),), np.float32(0.1))},
            {"net": ResNet(8, ((8, 1),), 0.1)},
        ),
        (
            {"net": ConvNet(blocks=[[np.int64(4)], [8, 8]], dense=[16])},
            {"net": ConvNet(blocks=((4,), (8, 8)), dense=(16,))},
        ),
    ],
)
def test_a_value_has_one_address_however_it_was_typed(typed, plain):
    one = Variant("mine", **typed)
    other = Variant("mine", **plain)
    assert one.address == other.address != Variant("mine").address


def test_the_usual_value_is_the_usual_value_however_it_was_typed():
    typed = Variant("mine", learning_rate=np.float32(1e-3), epochs=np.int64(15), clipnorm=0)
    assert typed.content == {}


# what decides a run


def test_neither_the_name_nor_the_number_of_folds_run_is_content():
    assert Variant("mine").content == Variant("yours", n_folds_run=1).content
    assert not {"name", "n_folds_run"} & set(Variant("mine").content)


def test_every_other_value_is_content():
    for field in fields(Variant):
        if field.name not in ("name", "n_folds_run"):
            beside = {}
            if field.name == "siblings":
                beside = IN_A_SWAP
            elif field.name == "copies_replace":
                beside = {"offline_augmentation": OfflineAugmentation(per_image=1)}
            changed = Variant("mine", **beside | {field.name: OTHER_VALUES[field.name]})
            assert set(changed.content) == {*beside, field.name}


def test_all_values_are_described_with_what_they_mean():
    described = Variant.describe()
    assert described.index.tolist() == [field.name for field in fields(Variant)]
    assert (described.meaning.str.len() > 5).all(), described[described.meaning.str.len() <= 5]
    assert described["usual value"]["epochs"] == "15"


def test_content_is_plain_enough_to_be_written_down():
    start = Variant("before", net=COMPACT, offline_augmentation=COPIES)
    augmented = start.replace(online_augmentation=OnlineAugmentation(zoom=0.3), init_from=start)
    written = json.loads(json.dumps(augmented.content))
    assert (
        written["offline_augmentation"][1]["target_count"] == 9
        and written["online_augmentation"][1]["zoom"] == 0.3
    )
    assert written["net"][0] == "ResNet" and written["init_from"] == json.loads(
        json.dumps(start.content)
    )


def test_nets_of_different_kinds_are_different_content_even_with_the_same_values():
    convnet, resnet = (
        Variant("mine", net=kind(blocks=())).content["net"] for kind in (ConvNet, ResNet)
    )
    assert convnet[0] == "ConvNet" and resnet[0] == "ResNet"


def test_a_start_is_content_but_for_its_name():
    start = Variant("a start")
    content = Variant("mine", init_from=start).content
    assert (
        Variant("mine", init_from=start.replace(name="renamed", n_folds_run=1)).content == content
    )
    assert Variant("mine", init_from=start.replace(epochs=16)).content != content


# what it starts from

FIRST = Variant("first", n_folds=3, train_sources=("film",), excluded_sources=("stage",))
THEN = FIRST.replace(name="then", epochs=3)


@pytest.mark.parametrize(
    "change, why",
    [
        ({"net": ConvNet()}, "has another net"),
        ({"group_by": "photo"}, "has another group_by"),
        ({"n_folds": 4}, "has another n_folds"),
        ({"emotions": EMOTIONS[:3]}, "has another emotions"),
        ({"target": "permuted"}, "has another target"),
        ({"augment_first": True}, "has another augment_first"),
        ({"allow_leak": True}, "has another allow_leak"),
        ({"net": COMPACT, "n_folds": 2}, "has another net, n_folds"),
        ({"train_sources": ()}, "splits other sources"),
        ({"excluded_sources": ()}, "splits other sources"),
        ({"test_sources": ("web",)}, "splits other sources"),
        ({"init_from": FIRST}, "starts from a third one"),
    ],
)
def test_a_start_that_does_not_fit_or_saw_other_photos_is_refused(change, why):
    with pytest.raises(InputError) as caught:
        THEN.replace(init_from=FIRST.replace(**change))
    assert str(caught.value) == f"variant 'then': init_from='first' ({why})"


@pytest.mark.parametrize("before", ["train_sources", "excluded_sources"])
@pytest.mark.parametrize("now", ROLES)
def test_a_source_that_was_not_split_before_may_have_another_role_unless_it_was_trained_on_and_is_tested(
    before, now
):
    start = Variant("first", **{before: ("film",)})
    if (before, now) == ("train_sources", "test_sources"):
        with pytest.raises(
            InputError, match=r"variant 'then': init_from='first' \(was trained on 'film'\)"
        ):
            Variant("then", init_from=start, **{now: ("film",)})
    else:
        Variant("then", init_from=start, **{now: ("film",)})


def test_copies_of_the_start_matter_only_where_they_are_split_like_photos():
    THEN.replace(
        init_from=FIRST.replace(offline_augmentation=COPIES)
    )  # they stand in training parts alone
    mixed = FIRST.replace(augment_first=True, allow_leak=True)
    mixed.replace(name="then", init_from=mixed)
    with pytest.raises(InputError, match="has another offline_augmentation"):
        mixed.replace(name="then", init_from=mixed.replace(offline_augmentation=COPIES))


def test_how_the_start_is_trained_is_its_own_affair():
    for what in (
        "class_weight",
        "focal_gamma",
        "epochs",
        "sampling",
        "online_augmentation",
        "learning_rate",
    ):
        THEN.replace(init_from=FIRST.replace(**{what: OTHER_VALUES[what]}))
