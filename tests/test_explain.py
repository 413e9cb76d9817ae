"""What a net looks at: a net made to look at one corner is found to look there."""

from dataclasses import replace

import numpy as np
import pytest

from emoclass import explain, models
from emoclass.augment import OfflineAugmentation, transformed
from emoclass.errors import InputError
from emoclass.labels import EMOTIONS
from emoclass.predictions import Predictions
from emoclass.run import Run, SplitFacts, TrainedState
from emoclass.variant import Variant

SIZE = 12


def run_with(weights, variant):
    """A run that tested nothing and left these weights."""
    nothing = np.zeros(0)
    facts = SplitFacts(nothing, nothing, EMOTIONS, nothing, {}, (0, 0, 0), {})
    return Run(
        variant=variant,
        fold=0,
        seed=0,
        split=facts,
        probabilities=nothing,
        validation=nothing,
        epoch_predictions=nothing,
        history={},
        seconds=0.0,
        load_state=lambda: TrainedState(weights, {}),
    )


def having_tested(run, photo):
    """The same run, as if it had tested these photos."""
    return replace(run, split=replace(run.split, photo=np.asarray(photo)))


def looking_at(top, left, emotions=EMOTIONS):
    """A run whose net says happiness the more, the lighter one 4 x 4 patch is."""
    weights = np.zeros((SIZE, SIZE, len(emotions)), np.float32)
    weights[top : top + 4, left : left + 4, sorted(emotions).index("happiness")] = 1.0
    variant = Variant("looks", net=models.LOGISTIC_REGRESSION, emotions=emotions)
    arrays = [weights.reshape(SIZE * SIZE, -1), np.zeros(len(emotions), np.float32)]
    return run_with(arrays, variant)


def picture(top, left):
    lit = np.full((SIZE, SIZE), 20, np.uint8)
    lit[top : top + 4, left : left + 4] = 250
    return lit


def test_covering_what_the_net_looks_at_costs_most():
    fall = explain.occlusion(looking_at(8, 0), picture(8, 0), "happiness", patch=4, step=4)
    assert fall.shape == (3, 3)
    assert np.unravel_index(fall.argmax(), fall.shape) == (2, 0) and fall.max() > 0.1


def test_covering_what_it_does_not_look_at_costs_nothing():
    fall = explain.occlusion(looking_at(8, 0), picture(8, 0), "happiness", patch=4, step=4)
    assert np.abs(np.delete(fall.ravel(), 6)).max() < 1e-6


def test_the_fall_is_from_the_untouched_picture_to_one_with_the_mean_in_place_of_the_patch():
    lit = picture(8, 0)
    fall = explain.occlusion(looking_at(8, 0), lit, "happiness", patch=4, step=4)
    light, grey = np.exp(16 * 250 / 255), np.exp(16 * int(lit.mean()) / 255)
    assert fall[2, 0] == pytest.approx(light / (light + 7) - grey / (grey + 7), abs=1e-4)
    by_default = explain.occlusion(looking_at(8, 0), lit, "happiness")
    assert by_default.shape == (2, 2)  # patches of 9 pixels, 3 apart, on 12


def test_emotions_left_out_do_not_shift_the_others():
    kept = tuple(e for e in EMOTIONS if e not in ("fear", "contempt"))
    fall = explain.occlusion(looking_at(0, 8, kept), picture(0, 8), "happiness", patch=4, step=4)
    assert np.unravel_index(fall.argmax(), fall.shape) == (0, 2)


def one_test(run, faces, fold=0):
    """Predictions of this run, as if it had been tested on all of these faces."""
    run = replace(having_tested(run, faces.table.photo), fold=fold)
    return Predictions("net", faces.table, np.eye(8, dtype=np.float32)[faces.labels], runs=(run,))


@pytest.fixture
def lit_below(faces_of):
    """Eight happy faces of eight subjects, light where `looking_at(8, 4)` looks, and one of fear."""
    faces = faces_of(emotion=["happiness"] * 8 + ["fear"])
    return replace(faces, pixels=np.stack([picture(8, 4)] * 9))


def test_what_is_taken_for_other_classes_is_counted_as_it_is_and_transformed(lit_below):
    net = one_test(
        looking_at(8, 4), lit_below
    )  # calls light below happiness, all else anger, the first class
    still = dict(per_image=1, classes=EMOTIONS, rotation=0, shift=0, zoom=0, flip=False)
    plain = explain.share_predicted(net, lit_below, ("happiness",), ("happiness",))
    assert plain.value == 1 and plain.n == 8
    assert explain.share_predicted(net, lit_below, ("happiness",), ("fear",)).value == 0
    same = explain.share_predicted(
        net, lit_below, ("happiness",), ("happiness",), OfflineAugmentation(**still)
    )
    assert same == plain
    unmoved = explain._probabilities(net.runs[0], lit_below.pixels)[
        :, EMOTIONS.index("happiness")
    ].mean()
    moved = replace(OfflineAugmentation(**still), shift=0.5)
    pictures = [
        transformed(x, p, 0, moved) for x, p in zip(lit_below.pixels, lit_below.table.photo)
    ]
    assert explain._probabilities(net.runs[0], np.array(pictures))[:, 4].mean() < unmoved


def test_only_tested_originals_of_these_emotions_count(lit_below):
    half = having_tested(looking_at(8, 4), ["photo 0", "photo 1, copy 1"])
    net = replace(one_test(looking_at(8, 4), lit_below), runs=(half,))
    assert explain.share_predicted(net, lit_below, ("happiness",), ("happiness",)).n == 1
    with pytest.raises(InputError, match="tested on no photo of sadness"):
        explain.share_predicted(net, lit_below, ("sadness",), ("happiness",))


def test_each_change_of_an_augmentation_is_made_alone_then_all_together():
    changes = explain.changes(OfflineAugmentation(7, rotation=30, shift=0.2, zoom=0, flip=True))
    assert list(changes) == ["untouched", "rotated", "shifted", "mirrored", "all together"]
    assert changes["untouched"] is None

    def does(change):
        return (change.rotation, change.shift, change.zoom, change.flip)

    assert does(changes["rotated"]) == (30, 0, 0, False)
    assert does(changes["shifted"]) == (0, 0.2, 0, False)
    assert does(changes["mirrored"]) == (0, 0, 0, True)
    assert does(changes["all together"]) == (30, 0.2, 0, True)


def test_shares_are_told_by_change(lit_below):
    dark = np.where(lit_below.pixels > 100, lit_below.pixels, 0).astype(np.uint8)
    faces = replace(lit_below, pixels=dark)
    net = one_test(looking_at(8, 4), faces)  # what is dark where it looks is called anger
    changes = explain.changes(OfflineAugmentation(1, rotation=0, shift=0.6, zoom=0, flip=False))
    asked = (net, faces, ("happiness",), ("happiness",))
    shares = explain.shares_predicted(*asked, changes)
    assert list(shares) == ["untouched", "shifted", "all together"]
    assert shares["untouched"].value == 1 and shares["shifted"] == shares["all together"]
    assert shares["shifted"] == explain.share_predicted(*asked, changes["shifted"])
    assert shares["shifted"].value < 1
