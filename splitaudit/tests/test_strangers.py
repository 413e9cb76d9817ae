"""How alike strangers are, and what that says of a pair."""

import numpy as np
import pytest

from splitaudit.decide import least_probability
from splitaudit.strangers import in_all, likeness, measured, probabilities

RNG = np.random.default_rng(0)
STRANGERS = RNG.gumbel(0.6, 0.12, 2000)


def test_the_distribution_of_the_best_strangers_is_recovered():
    found = measured(STRANGERS)
    assert found.location == pytest.approx(0.6, abs=0.02)
    assert found.scale == pytest.approx(0.12, abs=0.02)


def test_a_tenth_of_copies_does_not_change_it_much():
    found = measured(np.append(STRANGERS, np.full(200, 2.5)))
    assert found.location == pytest.approx(0.6, abs=0.04)


def test_strangers_are_more_alike_where_there_are_more():
    of_twenty = RNG.gumbel(0.6, 0.12, (2000, 20)).max(1)
    assert measured(of_twenty).location == pytest.approx(
        measured(STRANGERS).in_a_collection(20).location, abs=0.05
    )


def test_strangers_are_hardly_ever_probable_and_copies_are():
    copies = RNG.uniform(1.8, 3, 100)
    best = np.append(STRANGERS, copies)
    probability = probabilities(best, best, measured(STRANGERS))
    called = probability > 0.9
    # As many are false as their probabilities allow, and no more.
    assert called[:2000].sum() <= max((1 - probability[called]).sum(), 0.1 * called.sum())
    assert called[:2000].mean() < 0.005
    assert called[2000:].mean() > 0.95


def test_where_strangers_are_as_alike_as_copies_no_pair_is_probable():
    best = np.minimum(np.random.default_rng(1).gumbel(2.2, 0.25, 500), 3)
    probability = probabilities(best, best, measured(best))
    assert probability.max() < 0.99
    assert least_probability(probability, 0.01) > 1  # none is called a copy


def test_no_more_false_pairs_than_allowed():
    probability = np.array([1.0, 0.999, 0.99, 0.95, 0.9, 0.85])
    least = least_probability(probability, 0.01)
    called = probability[probability >= least]
    assert (1 - called).mean() <= 0.01
    assert len(called) == 3
    assert least_probability(probability, 0.06) < least


def test_likeness_grows_with_both_correlations_up_to_a_ceiling():
    assert likeness(0.5, 0.5) < likeness(0.9, 0.5) < likeness(0.9, 0.8)
    assert likeness(0.9999, 0.9999) == likeness(1.0, 1.0) == pytest.approx(3.0)
    assert likeness(0.9, 0.5) > likeness(0.5, 0.9)  # the better half counts more


def test_most_pictures_may_have_copies():
    found = measured(np.append(STRANGERS[:100], RNG.uniform(1.8, 3, 150)))
    assert found.location == pytest.approx(0.6, abs=0.06)


def test_what_is_measured_in_all_counts_within_what_the_part_lets_expect():
    part = measured(STRANGERS)
    expected = part.in_a_collection(20)
    fewer = RNG.gumbel(0.7, 0.12, 2000)
    assert in_all(part, 20, fewer).location == pytest.approx(0.7, abs=0.04)
    everything_copied = RNG.uniform(2, 3, 500)
    assert in_all(part, 20, everything_copied) == expected
    other_kinds = RNG.gumbel(0.2, 0.05, 2000)  # most of them nothing like the part's
    assert in_all(part, 20, other_kinds) == expected
