"""What a net looks at: a net made to look at one corner is found to look there."""

import numpy as np

from emoclass import explain, models
from emoclass.labels import EMOTIONS
from emoclass.study.train import Run
from emoclass.study.variant import Variant

SIZE = 12


def run_with(weights, variant):
    """A run that tested nothing and left these weights."""
    nothing = np.zeros(0)
    return Run(
        variant, 0, 0, nothing, nothing, EMOTIONS, nothing, nothing, {}, {}, (0, 0, 0), {}, nothing, {}, 0.0, weights
    )


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


def test_emotions_left_out_do_not_shift_the_others():
    kept = tuple(e for e in EMOTIONS if e not in ("fear", "contempt"))
    fall = explain.occlusion(looking_at(0, 8, kept), picture(0, 8), "happiness", patch=4, step=4)
    assert np.unravel_index(fall.argmax(), fall.shape) == (0, 2)


def test_filters_come_one_by_one():
    arrays = [np.arange(36, dtype=np.float32).reshape(3, 3, 1, 4)]
    run = run_with(arrays, Variant("f"))
    assert explain.filters(run).shape == (4, 3, 3)
    assert (explain.filters(run)[1] == arrays[0][:, :, 0, 1]).all()
