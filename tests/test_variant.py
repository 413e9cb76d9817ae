"""A variant is plain values: checked when typed, compared by what they decide."""

import json
import pickle
from dataclasses import FrozenInstanceError, fields

import pytest

from emoclass.augment import Copies
from emoclass.faces import BadInput
from emoclass.labels import EMOTIONS
from emoclass.models import CONVNET_A
from emoclass.variant import CHOICES, Variant

OTHER_VALUES = {
    "net": CONVNET_A,
    "by": "source",
    "copies": Copies(to=9),
    "order": "copy-split",
    "allow_leak": True,
    "emotions": ("fear", "anger"),
    "target": "random",
    "loss": "root",
    "n_folds": 3,
    "epochs": 2,
    "batch": 8,
    "learning_rate": 0.1,
    "precision": "mixed_bfloat16",
    "follow": True,
}


@pytest.mark.parametrize(
    "wrong, named",
    [
        ({"by": "row"}, "by='row' (one of photo, duplicate, person, source)"),
        ({"order": "copy"}, "order='copy' (one of split-copy, copy-split)"),
        ({"loss": "focal"}, "loss='focal' (one of plain, balanced, root)"),
        ({"target": "person"}, "target='person' (one of emotion, random, source)"),
        ({"precision": "float16"}, "precision='float16' (one of float32, mixed_bfloat16)"),
        ({"emotions": ("fear", "joy")}, f"emotions='joy' (one of {', '.join(EMOTIONS)})"),
        ({"epochs": 0}, "epochs=0 (at least 1)"),
        ({"batch": -1}, "batch=-1 (at least 1)"),
    ],
)
def test_a_wrong_value_is_named_with_what_it_could_be(wrong, named):
    with pytest.raises(BadInput) as caught:
        Variant("mine", **wrong)
    assert str(caught.value) == f"variant 'mine': {named}"


def test_all_wrong_values_are_named_in_one_sentence():
    with pytest.raises(BadInput) as caught:
        Variant("mine", by="name", loss="l", epochs=0, emotions=("joy", "awe"))
    message = str(caught.value)
    assert all(named in message for named in ("by='name'", "loss='l'", "epochs=0", "'joy'", "'awe'"))
    assert "\n" not in message


@pytest.mark.parametrize("what, choice", [(what, choice) for what, choices in CHOICES.items() for choice in choices])
def test_every_choice_offered_is_taken(what, choice):
    assert getattr(Variant("mine", **{what: choice}), what) == choice


def test_replace_changes_what_is_said_and_nothing_else_and_checks_it():
    plain = Variant("plain")
    root = plain.replace(name="root", loss="root")
    changed = {f.name for f in fields(Variant) if getattr(root, f.name) != getattr(plain, f.name)}
    assert changed == {"name", "loss"} and plain.loss == "plain"
    with pytest.raises(BadInput, match="loss='roots'"):
        plain.replace(loss="roots")


def test_a_variant_cannot_be_changed_in_place():
    with pytest.raises(FrozenInstanceError):
        Variant("mine").epochs = 3


def test_equal_variants_are_equal_and_can_be_keys():
    one, same = (Variant("mine", copies=Copies(to=9)) for _ in range(2))
    assert one == same and len({one, same}) == 1
    assert one != one.replace(epochs=16)
    assert pickle.loads(pickle.dumps(one)) == one


def test_the_defaults_are_the_honest_ones():
    variant = Variant("mine")
    assert (variant.by, variant.order, variant.allow_leak) == ("person", "split-copy", False)
    assert (variant.target, variant.follow) == ("emotion", False)
    assert variant.emotions == EMOTIONS and list(variant.folds) == list(range(5))


def test_all_folds_are_tested_unless_fewer_are_asked_for():
    assert list(Variant("mine", n_folds=3).folds) == [0, 1, 2]
    assert list(Variant("mine", n_folds=5, tested=2).folds) == [0, 1]


def test_neither_the_name_nor_the_number_of_folds_tested_is_content():
    assert Variant("mine").content == Variant("yours", tested=1).content
    assert not {"name", "tested"} & set(Variant("mine").content)


@pytest.mark.parametrize("what", OTHER_VALUES)
def test_every_other_value_is_content(what):
    assert Variant("mine", **{what: OTHER_VALUES[what]}).content != Variant("mine").content


def test_no_value_is_forgotten_here():
    assert set(OTHER_VALUES) == {f.name for f in fields(Variant)} - {"name", "tested"}


def test_content_is_plain_enough_to_be_written_down():
    content = Variant("mine", copies=Copies(to=9)).content
    assert json.loads(json.dumps(content))["copies"]["to"] == 9


@pytest.mark.parametrize(
    "wrong",
    [{"n_folds": 1}, {"tested": 0}, {"tested": 6}, {"learning_rate": 0.0}, {"learning_rate": -1e-3}, {"emotions": ()}],
)
def test_what_could_not_be_trained_is_refused_before_it_is_tried(wrong):
    with pytest.raises(BadInput, match=next(iter(wrong))):
        Variant("impossible", **wrong)
