"""What a net looks at: a net made to look at one corner is found to look there."""

import numpy as np
import pytest
from looking_nets import looking_at, picture

from emoclass import explain
from emoclass.labels import EMOTIONS


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
