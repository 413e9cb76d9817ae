"""What nets take unseen photos for: nets made by hand answer as they must."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from looking_nets import SIZE, having_tested, looking_at, one_test, picture

from emoclass import fingerprint
from emoclass.augment import OfflineAugmentation
from emoclass.errors import InputError
from emoclass.labels import EMOTIONS

STILL = OfflineAugmentation(per_image=1, classes=EMOTIONS, rotation=0, shift=0, zoom=0, flip=False)
MOVED = replace(STILL, shift=0.6)


@pytest.fixture
def lit_below(faces_of):
    """Eight happy faces of eight subjects, light where `looking_at(8, 4)` looks, and one of fear."""
    faces = faces_of(emotion=["happiness"] * 8 + ["fear"])
    lit = picture(8, 4)
    return replace(faces, pixels=np.stack([np.where(lit > 100, lit, 0).astype(np.uint8)] * 9))


def test_what_is_called_another_class_is_counted_as_it_is_and_transformed(lit_below):
    # it calls light below happiness, and all else anger, the first class
    net = one_test(looking_at(8, 4), lit_below)
    asked = (net, lit_below, ("happiness",))
    plain = fingerprint.share_predicted(*asked, ("happiness",))
    assert plain.value == 1 and plain.n == 8
    assert fingerprint.share_predicted(*asked, ("fear",)).value == 0
    assert fingerprint.share_predicted(*asked, ("happiness",), STILL) == plain
    assert fingerprint.share_predicted(*asked, ("happiness",), MOVED).value < 1


def test_only_tested_originals_of_these_emotions_count(lit_below):
    half = having_tested(looking_at(8, 4), ["photo 0", "photo 1, copy 1"])
    net = replace(one_test(looking_at(8, 4), lit_below), runs=(half,))
    found = fingerprint.share_predicted(net, lit_below, ("happiness",), ("happiness",))
    assert found.n == 1
    with pytest.raises(InputError, match="tested on no photo of sadness"):
        fingerprint.share_predicted(net, lit_below, ("sadness",), ("happiness",))


def test_each_change_of_an_augmentation_is_made_alone_then_all_together():
    copies = OfflineAugmentation(7, rotation=30, shift=0.2, zoom=0, flip=True)
    changes = fingerprint.changes(copies)
    assert list(changes) == ["untouched", "rotated", "shifted", "mirrored", "all together"]
    assert changes["untouched"] is None

    def does(change):
        return (change.rotation, change.shift, change.zoom, change.flip)

    assert does(changes["rotated"]) == (30, 0, 0, False)
    assert does(changes["shifted"]) == (0, 0.2, 0, False)
    assert does(changes["mirrored"]) == (0, 0, 0, True)
    assert does(changes["all together"]) == (30, 0.2, 0, True)


def test_betrayal_is_transformed_minus_untouched(lit_below):
    net = one_test(looking_at(8, 4), lit_below)
    answers = fingerprint.ask(net, lit_below, ("happiness",), MOVED)
    untouched = fingerprint.share(answers.untouched, ("happiness",)).value
    transformed = fingerprint.share(answers.transformed, ("happiness",)).value
    found = fingerprint.betrayal(answers, ("happiness",))
    assert found.value == pytest.approx(transformed - untouched) and found.value < 0
    assert found.n == 8 and found.subjects == 8


def answers(untouched, transformed, seed=0, subjects=None):
    """Answers of one net, made by hand: the emotions that it names."""
    rows = pd.DataFrame({"photo": [f"photo {k}" for k in range(len(untouched))]})
    rows["subject"] = subjects or rows.photo
    rows["seed"] = seed
    tables = []
    for named in (untouched, transformed):
        tables.append(rows.assign(predicted=[EMOTIONS.index(name) for name in named]))
    return fingerprint.Answers("by hand", *tables)


def test_what_other_nets_do_as_well_is_taken_off():
    one = answers(["neutral"] * 4, ["fear", "fear", "fear", "neutral"])
    other = answers(["neutral"] * 4, ["fear", "neutral", "neutral", "neutral"])
    assert fingerprint.betrayal(one, ("fear",)).value == 0.75
    assert fingerprint.betrayal(one, ("fear",), beside=other).value == 0.5
    assert fingerprint.betrayal(one, ("fear", "contempt"), beside=one).value == 0


def test_nets_that_were_asked_about_other_photos_are_not_compared():
    one = answers(["neutral"] * 4, ["fear"] * 4)
    fewer = answers(["neutral"] * 3, ["fear"] * 3)
    another_seed = answers(["neutral"] * 4, ["fear"] * 4, seed=1)
    for other in (fewer, another_seed):
        with pytest.raises(InputError, match="asked about other photos, or with other seeds"):
            fingerprint.betrayal(one, ("fear",), beside=other)


def readier(run, emotion, by):
    """The same net, with this much more of one emotion's logit."""
    weights, bias = run.weights
    more = bias.copy()
    more[EMOTIONS.index(emotion)] += by
    state = replace(run.load_state(), weights=[weights, more])
    return replace(run, load_state=lambda: state)


def test_nets_that_differ_in_their_readiness_alone_are_equal_at_equal_naming(faces_of):
    faces = faces_of(emotion=["neutral"] * 40)
    random = np.random.default_rng(0)
    faces = replace(faces, pixels=random.integers(0, 255, (40, SIZE, SIZE), np.uint8))
    run = looking_at(8, 4)
    eager = one_test(readier(run, "happiness", -8.0), faces)
    shy = one_test(readier(run, "happiness", -8.7), faces)
    asked = (faces, ("neutral",), ("happiness",))
    shares = [fingerprint.share_predicted(net, *asked).value for net in (eager, shy)]
    assert 0 < shares[1] < shares[0] < 1
    found = fingerprint.share_at_equal_naming(eager, shy, *asked, MOVED)
    assert abs(found.value) <= 1 / 40


def test_at_equal_naming_a_net_that_knows_the_transformation_still_differs(faces_of):
    faces = faces_of(emotion=["neutral"] * 20)
    lit = np.stack([picture(8, 4)] * 20)
    dark = np.stack([picture(0, 0)] * 20)
    pixels = np.where(np.arange(20)[:, None, None] < 10, lit, dark)
    faces = replace(faces, pixels=pixels)
    moves_away = one_test(looking_at(8, 4), faces)
    stays = one_test(looking_at(0, 0), faces)
    asked = (faces, ("neutral",), ("happiness",))
    found = fingerprint.share_at_equal_naming(stays, moves_away, *asked, MOVED)
    assert found.low >= -1 and found.high <= 1
    unmoved = fingerprint.share_at_equal_naming(stays, stays, *asked, MOVED)
    assert unmoved.value == 0
